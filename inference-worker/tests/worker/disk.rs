//! The worker's writers on a full disk: one clear line, an exit code that is not zero, and nothing lost.
//!
//! A limit on the size of files stands in for the disk, because any user can set it: the write that would cross it fails
//! as one on a full disk does. Where the error itself must be that of a full disk, `/dev/full` takes a file's place.
#![cfg(target_os = "linux")]

use crate::common::{artefact, bare, failure, llama, run, worker, WORKER};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

/// Runs the worker where no file can grow beyond so many half KiB.
fn cramped(half_kib: u64, arguments: &[&str]) -> Output {
    // The signal that comes with the limit is ignored, so that the write fails instead.
    let script = "trap '' XFSZ && ulimit -f \"$0\" && exec \"$@\"";
    bare("sh".as_ref())
        .args(["-c", script, &half_kib.to_string(), WORKER])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the system has a shell")
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("Linux has /dev/full").into()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

/// What is in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let entry = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(entry).collect();
    names.sort();
    names
}

/// A training run of a model so small that it takes a moment: twelve steps, saved after every fourth.
struct Training {
    folder: tempfile::TempDir,
}

impl Training {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let line = "The quick brown fox jumps over the lazy dog, and the dog sleeps on.\n\n";
        fs::write(folder.path().join("text.txt"), line.repeat(12)).unwrap();
        Self { folder }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("model")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("model.state")
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let sizes = "--vocabulary 270 --context 16 --width 32 --layers 2 --heads 4 --kv-heads 2 --inner-width 48";
        let pace = "--batch 4 --threads 2 --steps 12 --warmup 3 --hold-out 4 --save-every 4";
        let mut arguments: Vec<String> = ["model", "train", "--text"].map(String::from).into();
        arguments.push(text(&self.folder.path().join("text.txt")).into());
        arguments.extend(["--out".into(), text(&self.out()).into()]);
        arguments.extend(sizes.split(' ').chain(pace.split(' ')).chain(more.iter().copied()).map(String::from));
        arguments
    }

    fn run(&self, more: &[&str]) -> Output {
        run(&self.arguments(more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn cramped(&self, half_kib: u64, more: &[&str]) -> Output {
        cramped(half_kib, &self.arguments(more).iter().map(String::as_str).collect::<Vec<_>>())
    }
}

#[test]
fn training_keeps_its_last_checkpoint_and_goes_on_from_there() {
    let whole = Training::new();
    assert!(whole.run(&[]).status.success());
    let training = Training::new();
    let begun = training.run(&["--until", "4"]);
    assert!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));

    let state = fs::read(training.state()).unwrap();
    let weights = training.out().join("model.safetensors");
    let half_kib = |path: &Path| fs::metadata(path).unwrap().len().div_ceil(512);
    let (small, large) = (half_kib(&weights), half_kib(&training.state()));
    assert!(small < large);
    // Room for the weights but not for the state, for less than the weights, and for hardly anything.
    for (room, file) in [(large - 1, "model.state"), (small - 2, "model.safetensors"), (1, "config.json")] {
        let line = failure(&training.cramped(room, &["--resume"]), 7);
        assert!(line.contains("cannot write") && line.contains(file), "{line}");
        assert!(fs::read(training.state()).unwrap() == state, "the checkpoint is not what it was");
        safetensors::SafeTensors::deserialize(&fs::read(&weights).unwrap()).expect("the weights are whole");
        let halves = [training.folder.path(), &training.out()].map(names).concat();
        assert!(!halves.iter().any(|name| name.ends_with(".part")), "{halves:?}");
    }
    // A full disk itself, and a log of losses that it cut short.
    std::os::unix::fs::symlink("/dev/full", training.folder.path().join("model.state.part")).unwrap();
    let line = failure(&training.run(&["--resume"]), 7);
    assert!(line.contains("model.state") && line.contains("No space left on device"), "{line}");
    let losses = training.out().join("loss.csv");
    fs::write(&losses, fs::read_to_string(&losses).unwrap() + "8,4.7").unwrap();

    let rest = training.run(&["--resume"]);
    assert!(rest.status.success(), "{}", String::from_utf8_lossy(&rest.stderr));
    assert!(fs::read(&weights).unwrap() == fs::read(whole.out().join("model.safetensors")).unwrap());
}

#[test]
fn a_full_disk_under_the_log_stops_nothing() {
    let training = Training::new();
    let arguments = training.arguments(&["--until", "1"]);
    assert!(worker().args(&arguments).stderr(full()).status().unwrap().success());
    assert!(training.state().is_file());
}

#[test]
fn a_solver_ends_with_its_own_code_where_nothing_can_be_logged() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let status = worker()
        .args(["solve", "--dev-key", "alice", "--url", "ws://127.0.0.1:9", "--connect-timeout", "1", "--models"])
        .args([&model, Path::new("--data"), &folder.path().join("data")])
        .args(["--metrics-addr", "off", "--log", "trace"])
        .stderr(full())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(5));
}

#[test]
fn a_result_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let model = text(&model);
    for arguments in [
        &["key", "show", "--dev-key", "alice"][..],
        &["model", "inspect", "--cid", model],
        &["model", "logits", model, "--tokens", "3"],
        &["model", "run", model, "--prompt", "w3", "--max-tokens", "1"],
    ] {
        let output = worker().args(arguments).stdin(Stdio::null()).stdout(full()).output().unwrap();
        let line = failure(&output, 1);
        assert!(line.contains("standard output") && line.contains("No space left on device"), "{line}");
    }
}

#[test]
fn an_import_that_does_not_fit_leaves_nothing_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    llama(&source, 1);
    let (from, to) = (text(&source), text(&target));
    let arguments = ["model", "import", "--from", from, "--to", to, "--name", "tiny", "--licence", "CC0-1.0"];
    for (room, file) in [(8, "weights.safetensors"), (0, "weights.safetensors")] {
        let line = failure(&cramped(room, &arguments), 7);
        assert!(line.contains(file), "{line}");
        assert_eq!(names(folder.path()), ["source"]);
    }
    assert!(run(&arguments).status.success());
}

#[test]
fn a_journal_that_does_not_fit_is_told_and_the_next_start_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    for room in [0, 1, 8, 100, 1_000, 2_000] {
        let data = folder.path().join(format!("data-{room}"));
        let solve = ["solve", "--dev-key", "alice", "--url", "ws://127.0.0.1:9", "--connect-timeout", "1"];
        let rest = ["--metrics-addr", "off", "--models", text(&model), "--data", text(&data)];
        let arguments = [&solve[..], &rest[..]].concat();
        let line = failure(&cramped(room, &arguments), 8);
        assert!(line.contains("journal"), "{line}");
        // The journal is opened before the node is looked for, which is not there.
        failure(&run(&arguments), 5);
    }
}

#[test]
fn a_key_that_does_not_fit_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let generate = ["key", "generate", "--file", text(&key)];
    assert!(failure(&cramped(0, &generate), 4).contains("cannot write the key file"));
    assert!(!key.exists());
    assert!(run(&generate).status.success());
}
