//! The worker's binary where there is no node: bad input, one clear line each, and the exit code that belongs to it.

use crate::common::{artefact, failure, run, worker};
use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

/// A URL at which nothing answers: the discard port of this machine.
const NOWHERE: &str = "ws://127.0.0.1:9";

fn solve(models: &Path, data: &Path) -> Output {
    let (models, data) = (models.to_str().unwrap(), data.to_str().unwrap());
    run(&[
        "solve",
        "--models",
        models,
        "--data",
        data,
        "--url",
        NOWHERE,
        "--connect-timeout",
        "1",
        "--dev-key",
        "alice",
        "--metrics-addr",
        "off",
    ])
}

#[test]
fn no_node_is_told_after_a_bounded_time() {
    let arguments = ["ask", "--url", NOWHERE, "--connect-timeout", "1", "--dev-key", "alice", "hello"];
    let line = failure(&run(&arguments), 5);
    assert!(line.contains(NOWHERE) && line.contains("is assay-node running?"), "{line}");
}

#[test]
fn an_address_that_no_node_can_have_is_refused_at_once() {
    for url in ["http://127.0.0.1:9944", "127.0.0.1:9944"] {
        let line = failure(&run(&["model", "list", "--url", url]), 3);
        assert!(line.contains(url) && line.contains("such as ws://"), "{line}");
    }
}

#[test]
fn what_is_to_be_checked_is_read_before_anything_else() {
    let line = failure(&run(&["verify-loop", "--verify", "none", "--models", "nowhere"]), 3);
    assert!(line.contains("--verify"), "{line}");
    let line = failure(&run(&["solve", "--verify", "share=2", "--models", "nowhere"]), 3);
    assert!(line.contains("'2' is no share"), "{line}");
}

#[test]
fn a_prompt_is_warned_to_be_public() {
    let arguments = ["ask", "--url", NOWHERE, "--connect-timeout", "1", "--dev-key", "alice", "hello"];
    assert!(String::from_utf8_lossy(&run(&arguments).stderr).contains("public"));
}

#[test]
fn what_is_drawn_comes_from_peers_alone() {
    let line = failure(&run(&["ask", "--url", NOWHERE, "--dev-key", "alice", "--stream", "hello"]), 3);
    assert!(line.contains("--stream: give --peers-bootstrap"), "{line}");
}

#[test]
fn a_prompt_too_long_for_a_task_is_refused_at_once() {
    let prompt = "x".repeat(16 * 1024 + 1);
    let line = failure(&run(&["ask", "--url", NOWHERE, "--dev-key", "alice", &prompt]), 3);
    assert!(line.contains("16385 bytes"), "{line}");
}

#[test]
fn amounts_and_factors_that_make_no_sense_are_refused() {
    for (flag, value) in [("--fee", "1,5"), ("--stop", ""), ("--temperature", "-1"), ("--max-tokens", "0")] {
        let flag_value = format!("{flag}={value}");
        let output = run(&["ask", "--url", NOWHERE, "--connect-timeout", "1", "--dev-key", "alice", &flag_value, "hi"]);
        // Fee and stop texts are read before the node is asked; the rest needs to know the model's kind first.
        let code = if matches!(flag, "--fee" | "--stop") { 3 } else { 5 };
        failure(&output, code);
    }
}

#[test]
fn without_a_key_the_worker_says_how_to_give_one() {
    let line = failure(&run(&["key", "show"]), 4);
    assert!(line.contains("--key-file"), "{line}");
    let line = failure(&run(&["key", "show", "--key-file", "/nonexistent/key"]), 4);
    assert!(line.contains("/nonexistent/key"), "{line}");
}

#[test]
fn keys_are_made_shown_imported_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let path = path.to_str().unwrap();
    let made = run(&["key", "generate", "--file", path]);
    assert!(made.status.success());
    let shown = run(&["key", "show", "--key-file", path]);
    assert_eq!(made.stdout, shown.stdout);
    let phrase = std::fs::read_to_string(path).unwrap();
    assert!(!String::from_utf8_lossy(&made.stderr).contains(phrase.trim()));
    assert!(failure(&run(&["key", "generate", "--file", path]), 4).contains("not overwritten"));

    let copy = folder.path().join("copy");
    let mut import = worker()
        .args(["key", "import", "--file", copy.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(phrase.as_bytes()).unwrap();
    assert_eq!(import.wait_with_output().unwrap().stdout, made.stdout);
}

/// The list of who may read a credential shows as the rights of a group.
#[cfg(unix)]
#[test]
fn a_key_that_systemd_hands_over_is_read_and_another_that_is_open_is_not() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    assert!(run(&["key", "generate", "--file", path.to_str().unwrap()]).status.success());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440)).unwrap();
    let show = |credentials: &Path| {
        let mut command = worker();
        command.args(["key", "show", "--key-file"]).arg(&path).env("CREDENTIALS_DIRECTORY", credentials);
        command.output().unwrap()
    };
    assert!(show(folder.path()).status.success());
    assert!(failure(&show(&folder.path().join("deeper")), 4).contains("chmod 600"));
}

#[test]
fn shells_are_told_how_to_complete_the_command_line() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && script.contains("verify-loop") && script.contains("peers-bootstrap"),
            "{shell}"
        );
    }
    assert_eq!(run(&["completions", "tcsh"]).status.code(), Some(2));
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("completions");
    std::fs::write(&script, run(&["completions", "bash"]).stdout).unwrap();
    // What bash does itself when somebody asks it to complete the last word.
    let ask = r#"source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        said=$(complete -p assay-worker); said=${said#*-F }
        "${said%% *}" assay-worker "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[@]}""#;
    let complete = |words: &[&str]| {
        let mut bash = std::process::Command::new("bash");
        let output = bash.args(["-c", ask, "bash"]).arg(&script).arg("assay-worker").args(words).output().unwrap();
        assert!(output.stderr.is_empty(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        let reply = String::from_utf8(output.stdout).unwrap();
        reply.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(complete(&["ver"]), BTreeSet::from(["verify".to_owned(), "verify-loop".into()]));
    assert_eq!(complete(&["solve", "--peers-b"]), BTreeSet::from(["--peers-bootstrap".to_owned()]));
    assert_eq!(complete(&["--log-format", "j"]), BTreeSet::from(["json".to_owned()]));
}

/// Those that the services of systemd start with.
#[test]
fn the_settings_that_are_shipped_are_understood() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/deploy/worker.toml");
    let output = run(&["key", "show", "--dev-key", "alice", "--config", file]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn broken_weights_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let weights = model.join("weights.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let line = failure(&solve(&model, &folder.path().join("data")), 7);
    assert!(line.contains("weights.safetensors"), "{line}");
    std::fs::remove_file(&weights).unwrap();
    failure(&solve(&model, &folder.path().join("data")), 7);
}

#[test]
fn a_tokenizer_that_does_not_fit_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    crate::common::llama(&source, 1);
    std::fs::write(source.join("tokenizer.json"), crate::common::tokenizer(crate::common::VOCABULARY + 1)).unwrap();
    let target = folder.path().join("target");
    let (source, target) = (source.to_str().unwrap(), target.to_str().unwrap());
    let line = failure(
        &run(&["model", "import", "--from", source, "--to", target, "--name", "tiny", "--licence", "CC0-1.0"]),
        7,
    );
    assert!(line.contains("tokenizer"), "{line}");
}

#[test]
fn a_chat_template_is_kept_left_out_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    crate::common::llama(&source, 1);
    let import = |template: &str, target: &str, more: &[&str]| {
        std::fs::write(source.join("chat_template.jinja"), template).unwrap();
        let target = folder.path().join(target);
        let (from, to) = (source.to_str().unwrap(), target.to_str().unwrap());
        let arguments = ["model", "import", "--from", from, "--to", to, "--name", "tiny", "--licence", "CC0-1.0"];
        let output = run(&[&arguments[..], more].concat());
        (output, std::fs::read_to_string(target.join("manifest.json")).unwrap_or_default())
    };
    let (output, manifest) = import("{{ messages[0].content }}", "with", &[]);
    assert!(output.status.success() && manifest.contains("minijinja"), "{output:?} {manifest}");
    let (output, manifest) = import("{{ messages[0].content }}", "without", &["--no-chat-template"]);
    assert!(output.status.success() && !manifest.contains("minijinja"), "{output:?} {manifest}");
    let (output, manifest) = import("{{ strftime_now('%Y') }}", "refused", &[]);
    assert!(failure(&output, 7).contains("strftime_now") && manifest.is_empty());
}

/// A template may do anything for one prompt that it did not do for the import's.
#[test]
fn a_chat_template_that_takes_all_memory_or_time_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    crate::common::llama(&source, 1);
    let template = "{% set text = messages[0].content %}{% set many = [0] * 100000000 %}\
        {% if text == 'w4' %}{% set ns = namespace(x='aaaaaaaa') %}\
        {% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x | length }}\
        {% elif text == 'w5' %}{{ many | list | length }}\
        {% elif text == 'w6' %}{{ 1 in many + many + many + many + many + many + many + many + many + many }}\
        {% elif text == 'w7' %}{{ raise_exception('no sevens') }}{% endif %}{{ text }}";
    std::fs::write(source.join("chat_template.jinja"), template).unwrap();
    let model = folder.path().join("model");
    crate::common::import(&source, &model, "tiny");
    let answer = |prompt| run(&["model", "run", model.to_str().unwrap(), "--prompt", prompt, "--max-tokens", "2"]);
    let usual = answer("w3");
    assert!(usual.status.success(), "{usual:?}");
    for prompt in ["w4", "w5", "w6"] {
        let line = failure(&answer(prompt), 7);
        assert!(line.contains("more than 256 MiB of memory or 5 s of time"), "{prompt}: {line}");
    }
    assert!(failure(&answer("w7"), 7).contains("no sevens"));
    assert_eq!(answer("w3").stdout, usual.stdout);
}

#[test]
fn a_file_that_is_no_model_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("model.gguf"), folder.path().join("target"));
    std::fs::write(&source, b"something else").unwrap();
    let (from, to) = (source.to_str().unwrap(), target.to_str().unwrap());
    let output = run(&["model", "import", "--from", from, "--to", to, "--name", "tiny", "--licence", "CC0-1.0"]);
    let line = failure(&output, 7);
    assert!(line.contains("model.gguf") && line.contains("GGUF"), "{line}");
    assert!(!target.exists());
}

#[test]
fn logits_are_printed_for_each_token() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let rows = |tokens: &str| -> Vec<Vec<f32>> {
        let output = run(&["model", "logits", model.to_str().unwrap(), "--tokens", tokens]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let three = rows("3,4,5");
    assert_eq!((three.len(), three[0].len()), (3, crate::common::VOCABULARY));
    assert_eq!(rows("3,4"), three[..2]);
    failure(&run(&["model", "logits", model.to_str().unwrap(), "--tokens", "3,4000000"]), 7);
}

#[test]
fn a_stop_text_ends_an_answer_and_is_part_of_what_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let model = model.to_str().unwrap();
    let answer = |more: &[&str]| -> serde_json::Value {
        let arguments = ["model", "run", model, "--prompt", "w3", "--max-tokens", "12", "--json"];
        let output = run(&[&arguments[..], more].concat());
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let free = answer(&[]);
    let free = free["text"].as_str().unwrap();
    let word = free.split(' ').nth(5).unwrap();
    let mut stopped = answer(&["--stop", "nowhere", "--stop", word]);
    assert_eq!(stopped["text"], free[..free.find(word).unwrap()]);
    let file = folder.path().join("answer.json");
    let verify = |answer: &serde_json::Value| {
        std::fs::write(&file, answer.to_string()).unwrap();
        run(&["verify", "--model", model, file.to_str().unwrap()])
    };
    assert!(verify(&stopped).status.success());
    stopped["parameters"].as_object_mut().unwrap().remove("stop").unwrap();
    assert!(failure(&verify(&stopped), 13).contains("End"));
    let refused = run(&["model", "run", model, "--prompt", "w3", "--stop", &"x".repeat(49)]);
    assert!(failure(&refused, 7).contains("49 bytes; 1 to 48"));
}

#[test]
fn a_check_on_another_path_reports_what_is_wrong_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let model = model.to_str().unwrap();
    let solved = ["model", "run", model, "--prompt", "w3", "--max-tokens", "12", "--json", "--isa", "scalar"];
    let solved = run(&solved);
    assert!(solved.status.success(), "{solved:?}");
    let mut answer: serde_json::Value = serde_json::from_slice(&solved.stdout).unwrap();
    let file = folder.path().join("answer.json");
    let verify = |answer: &serde_json::Value, arguments: &[&str]| -> (Output, serde_json::Value) {
        std::fs::write(&file, answer.to_string()).unwrap();
        let output = run(&[&["verify", "--model", model, file.to_str().unwrap(), "--json"], arguments].concat());
        let report = serde_json::from_slice(&output.stdout).unwrap();
        (output, report)
    };
    let (checked, report) = verify(&answer, &[]);
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!((&report["correct"], &report["fault"]), (&true.into(), &serde_json::Value::Null));
    assert!(report["positions"].as_u64() > Some(4) && report["checked"] == report["positions"], "{report}");
    let randomness = "07".repeat(32);
    let screen = ["--sampled", "2", "--randomness", &randomness];
    let (screened, report) = verify(&answer, &screen);
    assert!(screened.status.success() && report["checked"] == 3, "{report}");
    answer["seed"] = "11".repeat(32).into();
    let (wrong, report) = verify(&answer, &[]);
    assert!(failure(&wrong, 13).contains("the answer is wrong at position"));
    assert_eq!((&report["correct"], &report["fault"]["kind"]), (&false.into(), &"token".into()));
    assert!(report["position"].as_u64() < report["positions"].as_u64(), "{report}");
    let alone = run(&["verify", "--model", model, file.to_str().unwrap(), "--sampled", "2"]);
    assert_eq!(alone.status.code(), Some(2), "{alone:?}");
}

#[test]
fn what_cannot_be_verified_of_a_task_is_told_before_a_node_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let (model, empty) = (model.to_str().unwrap(), folder.path().join("empty"));
    std::fs::create_dir(&empty).unwrap();
    let id = "0x".to_owned() + &"ab".repeat(32);
    let verify =
        |arguments: &[&str]| run(&[&["verify", "--url", NOWHERE, "--connect-timeout", "1"], arguments].concat());
    let line = failure(&verify(&["--task", "0x12", "--models", model]), 3);
    assert!(line.contains("'0x12' is no task id"), "{line}");
    assert!(failure(&verify(&["--task", &id]), 3).contains("--models"));
    let line = failure(&verify(&["--task", &id, "--models", empty.to_str().unwrap()]), 7);
    assert!(line.contains("manifest.json"), "{line}");
    let line = failure(&verify(&["--task", &id, "--models", model, "--json"]), 5);
    assert!(line.contains("is assay-node running?"), "{line}");
    // A task or a file, not both; the block is a task's.
    for wrong in [&["--task", &id, "answer.json"][..], &["--task", &id, "--model", model], &["--block", "7"], &[]] {
        assert_eq!(verify(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn weights_of_other_sizes_are_asked_for_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    crate::common::llama(&source, 1);
    let import = |weights: &str| {
        let target = folder.path().join(weights);
        let arguments =
            ["--name", "tiny", "--licence", "CC0-1.0", "--weights", weights, "--to", target.to_str().unwrap()];
        run(&[&["model", "import", "--from", source.to_str().unwrap()], &arguments[..]].concat())
    };
    let (sixteen, eight, four, three) = (import("w16"), import("w8"), import("w4"), import("w3"));
    assert!(sixteen.status.success() && eight.status.success() && four.status.success(), "{four:?}");
    assert!(eight.stdout != four.stdout && eight.stdout != sixteen.stdout);
    let size = |weights: &str| folder.path().join(weights).join("weights.safetensors").metadata().unwrap().len();
    assert!(size("w4") < size("w8") && size("w8") < size("w16"));
    assert_eq!(three.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&three.stderr).contains("there are w16, w8 and w4"), "{three:?}");
    let inspected = run(&["model", "inspect", folder.path().join("w4").to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&inspected.stdout).contains("\"layer_weights\": \"W4\""), "{inspected:?}");
}

#[test]
fn a_folder_without_a_model_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let line = failure(&solve(folder.path(), &folder.path().join("data")), 7);
    assert!(line.contains("manifest.json"), "{line}");
    assert!(failure(&run(&["solve", "--url", NOWHERE, "--dev-key", "alice"]), 3).contains("--models"));
}

#[test]
fn a_solver_without_a_node_ends_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    failure(&solve(&model, &folder.path().join("data")), 5);
}

/// Writing to `/dev/full` fails as writing to a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::symlink("/dev/full", data.join("journal.redb")).unwrap();
    let line = failure(&solve(&model, &data), 8);
    assert!(line.contains("journal"), "{line}");
}

#[test]
fn a_journal_that_is_none_is_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("journal.redb"), b"something else").unwrap();
    failure(&solve(&model, &data), 8);
    assert_eq!(std::fs::read(data.join("journal.redb")).unwrap(), b"something else");
}

#[test]
fn settings_come_from_the_file_the_environment_and_the_flags() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.toml");
    std::fs::write(&file, "dev-key = 'alice'\n").unwrap();
    let address = |command: &mut std::process::Command| {
        let output = command.args(["key", "show"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    let (alice, bob, charlie) = (
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
        "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
    );
    assert_eq!(address(worker().env("ASSAY_CONFIG", &file)), alice);
    assert_eq!(address(worker().env("ASSAY_CONFIG", &file).env("ASSAY_DEV_KEY", "bob")), bob);
    let mut all = worker();
    all.env("ASSAY_CONFIG", &file).env("ASSAY_DEV_KEY", "bob").args(["--dev-key", "charlie"]);
    assert_eq!(address(&mut all), charlie);
    std::fs::write(&file, "dev-kye = 'alice'\n").unwrap();
    failure(&worker().env("ASSAY_CONFIG", &file).args(["key", "show"]).output().unwrap(), 3);
}

#[test]
fn a_part_in_elections_is_chosen_before_anything_else() {
    let elect = |arguments: &[&str]| {
        let all = [&["elect", "--dev-key", "alice", "--url", NOWHERE, "--connect-timeout", "1"], arguments].concat();
        run(&all)
    };
    assert!(failure(&elect(&[]), 3).contains("--committee"));
    assert!(failure(&elect(&["--bid", "share=7"]), 3).contains("no share from 0.001 to 1"));
    assert!(failure(&elect(&["--bid", "1", "--bid-cap", "2"]), 3).contains("--bid-cap"));
    assert!(failure(&elect(&["--bid", "1", "--reserve", "much"]), 3).contains("--reserve"));
    assert!(failure(&elect(&["--bid", "1", "--vrf-key-file", "/nonexistent/key"]), 4).contains("/nonexistent/key"));
    assert_eq!(elect(&["--bid", "1", "--committee"]).status.code(), Some(2));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let line = failure(&elect(&["--bid", "1", "--data", data, "--metrics-addr", "off"]), 5);
    assert!(line.contains("is assay-node running?"), "{line}");
}

#[test]
fn stake_and_terms_that_make_no_sense_are_refused_before_a_node_is_asked() {
    let solver = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    let model = "0x".to_owned() + &"ab".repeat(32);
    let change = |arguments: &[&str]| {
        run(&[&["--dev-key", "bob", "--url", NOWHERE, "--connect-timeout", "1"], arguments].concat())
    };
    for (arguments, words) in [
        (&["bond", "add", "much"][..], "'much' is not an amount of ASY"),
        (&["bond", "unbond", "0.0000000000001"], "more than 12 decimals"),
        (&["bond", "commission", "10%"], "'10%' is no share from 0 to 1"),
        (&["bond", "commission", "1.1"], "'1.1' is no share from 0 to 1"),
        (&["bond", "delegate", "Alice", "5"], "SOLVER: 'Alice' is no address"),
        (&["bond", "undelegate", solver, "1,5"], "'1,5' is not an amount of ASY"),
        (&["bond", "withdraw-delegation", "Alice"], "SOLVER: 'Alice' is no address"),
        (&["bond", "show", "Alice"], "ADDRESS: 'Alice' is no address"),
        (&["model", "update", "tiny", "--fee", "1"], "'tiny' is no model id"),
        (&["model", "update", &model, "--fee", "free"], "--fee: 'free' is not an amount"),
        (&["model", "update", &model, "--recipient", "me"], "--recipient: 'me' is no address"),
        (&["model", "retire", "0x12"], "'0x12' is no model id"),
        (&["model", "stop-serving", "tiny"], "'tiny' is no model id"),
    ] {
        let line = failure(&change(arguments), 3);
        assert!(line.contains(words), "{arguments:?}: {line}");
    }
    for arguments in [
        &["bond", "add"][..],
        &["bond", "delegate", solver],
        &["bond", "commission"],
        &["model", "update", &model],
        &["model", "retire"],
    ] {
        assert_eq!(change(arguments).status.code(), Some(2), "{arguments:?}");
    }
    for arguments in [&["bond", "withdraw"][..], &["bond", "add", "1"], &["model", "retire", &model, "--json"]] {
        assert!(failure(&change(arguments), 5).contains("is assay-node running?"), "{arguments:?}");
    }
}

#[test]
fn what_proves_no_election_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proof.json");
    let file = path.to_str().unwrap();
    let verify = |arguments: &[&str]| run(&[&["election", "verify", file], arguments].concat());
    assert!(failure(&verify(&[]), 3).contains("cannot read the proof"));
    std::fs::write(&path, "{}").unwrap();
    assert!(failure(&verify(&[]), 3).contains("no proof of an election"));
    let header = "00".repeat(100);
    let proof = format!(r#"{{"tenure": 7, "block": "{}", "header": "{header}", "proof": []}}"#, "00".repeat(32));
    std::fs::write(&path, proof).unwrap();
    assert!(failure(&verify(&["--tenure", "8"]), 13).contains("of tenure 7, not of 8"));
    let output = verify(&["--json"]);
    assert!(failure(&output, 13).contains("the header hashes to"));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((told["right"].as_bool(), told["fault"].as_str()), (Some(false), Some("header")));
    assert_eq!(run(&["election", "verify"]).status.code(), Some(2));
    assert_eq!(verify(&["--block-hash", "0x12"]).status.code(), Some(2));
    let fetch = ["election", "proof", "--tenure", "1", "-o", file, "--url", NOWHERE, "--connect-timeout", "1"];
    failure(&run(&fetch), 5);
}
