//! Questions and answers that are too long for the chain. A question travels from whoever asks to a solver, and from there
//! to a verifier that knows the solver alone; an answer travels back. What a model cannot read is refused before a fee is
//! paid; what nobody has is left.

use super::*;
use crate::common::{bert, failure, import, run, worker};
use assay_types::{
    inference::{Parameters, TextParameters},
    MAX_INLINE,
};
use assay_worker::{
    chain::{types::Payload, Call, Sender, Terms},
    keys::KeySource,
};
use codec::Encode;
use serde_json::json;
use std::{fs, path::PathBuf};

/// A question of several blocks. An embedding model reads its beginning.
const LENGTH: usize = 700_000;
/// Tokens of an answer that does not fit the chain.
const TOKENS: u32 = 5_000;

/// A text model with a context that takes such an answer, and without a token that would end it before.
fn talkative(folder: &Path) -> PathBuf {
    let (source, artefact) = (folder.join("long"), folder.join("tiny-long"));
    crate::common::llama(&source, 7);
    let file = source.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    config["max_position_embeddings"] = json!(8_192);
    config.as_object_mut().unwrap().remove("eos_token_id").unwrap();
    fs::write(&file, config.to_string()).unwrap();
    import(&source, &artefact, "tiny-long");
    artefact
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_too_long_for_the_chain_travel_between_peers() {
    let folder = tempfile::tempdir().unwrap();
    let text = crate::common::artefact(folder.path(), 7);
    let (source, vector) = (folder.path().join("bert"), folder.path().join("tiny-bert"));
    bert(&source, 3);
    import(&source, &vector, "tiny-bert");
    let mut spec = genesis::hasty(genesis::current("dev"));
    let long = talkative(folder.path());
    genesis::offer(&mut spec, &text);
    genesis::offer(&mut spec, &long);
    let model = genesis::offer(&mut spec, &vector);
    let node = Node::new("node", folder.path(), &["--dev", "--chain", &genesis::write(folder.path(), spec)]);
    let running = node.start();
    let chain = Chain::connect(&node.url(), PATIENCE).await.unwrap();
    let server = |name| Server {
        name,
        models: vec![text.clone(), vector.clone(), long.clone()],
        data: folder.path().join(name),
        url: node.url(),
        bond: "50",
    };
    let (dave, eve) = (server("dave"), server("eve"));
    let hub = format!("127.0.0.1:{}", crate::common::network::free_port());
    let dave_runs = dave.start(&["solve", "--peers-listen", &hub]);
    dave_runs.line(&["peers find this worker here"]);
    let eve_runs = eve.start(&["verify-loop", "--peers-bootstrap", &hub]);
    mature(&chain, 0, &["dave", "eve"]).await;

    let question: String = (0..).map(|i| format!("w{} ", 3 + i % 60)).take(LENGTH / 4).collect();
    let file = folder.path().join("question.txt");
    fs::write(&file, &question).unwrap();
    let (file, url) = (file.to_str().unwrap(), node.url());
    let ask = |user: &str, artefact: &Path, arguments: &[&str]| {
        let mut command = worker();
        command.args(["ask", "--json", "--dev-key", user, "--url", &url, "--models", artefact.to_str().unwrap()]);
        command.args(["--model", artefact.file_name().unwrap().to_str().unwrap(), "--fee", &amount::format(FEE)]);
        command.args(["--follow-timeout", "240", "--peers-data"]).arg(folder.path().join(format!("asked-by-{user}")));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let wait = |child: Child| child.wait_with_output().unwrap();
    let known = ["--peers-bootstrap", &hub, "--input-file", file];
    // Without peers nobody could read it, and a model that cannot read it is known to before a fee is paid.
    let alone = failure(&wait(ask("ferdie", &vector, &known[2..])), 3);
    assert!(alone.contains("travels between peers: give --peers-bootstrap"), "{alone}");
    let refused = failure(&wait(ask("ferdie", &text, &known)), 3);
    assert!(refused.contains("the model tiny-7 cannot do this: the prompt has"), "{refused}");

    // What nobody has is asked for first: it is given up while the rest is done.
    let sender = Sender::spawn(chain.clone(), KeySource::Dev("alice".into()).load().unwrap());
    let embedding = Parameters::Embedding.encode();
    let input = Payload::External { cid: Cid::of(b"nowhere"), length: 20_000 };
    let call = Call::Submit { model, parameters: embedding.clone(), input, fee: FEE, deadline: Some(6) };
    sender.send(call, Terms::default()).await.unwrap().success().await.unwrap();

    let most = TOKENS.to_string();
    let choices = ["w3 w4", "--max-tokens", &most, "--temperature", "0", "--repetition-penalty", "1"];
    let talking = ask("bob", &long, &[&choices[..], &known[..2], &["--stream"]].concat());
    let output = wait(ask("ferdie", &vector, &known));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("1 of the peers that were found serve this model"), "{told}");
    let asked: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(asked["prompt"], json!(null));
    let cid = String::from_utf8(run(&["payload", "cid", file]).stdout).unwrap();
    assert_eq!(asked["input_cid"], cid.trim());
    assert_eq!(asked["solver"], account("dave").to_string());
    // The answer is the model's.
    let local = Model::load(&vector, &Arc::new(Threads::new(1, None).unwrap())).unwrap();
    let own = local.run(question.as_bytes(), &embedding, [0; 32], &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(asked["output_cid"], Cid::of(&own.output).to_string());
    // Whoever checks it had the question from peers too, though the one who asked may be gone.
    eve_runs.line(&["fetching an input from peers", asked["input_cid"].as_str().unwrap()]);
    eve_runs.line(&["a solution is right", asked["task"].as_str().unwrap()]);

    // The answer that the chain does not take came from peers too.
    let output = wait(talking);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    // It was shown while it was drawn, and was the answer.
    assert!(told.contains("provisional: ") && !told.contains("warning: what "), "{told}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let greedy = TextParameters {
        max_tokens: TOKENS,
        temperature_milli: 0,
        repetition_penalty_milli: 1_000,
        ..TextParameters::default()
    };
    let local = Model::load(&long, &Arc::new(Threads::new(1, None).unwrap())).unwrap();
    let parameters = Parameters::Text(greedy).encode();
    let own = local.run(b"w3 w4", &parameters, [0; 32], &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(own.output.len() > MAX_INLINE as usize, "{} bytes would have been on the chain", own.output.len());
    assert_eq!(answer["output_cid"], Cid::of(&own.output).to_string());
    check_answer(&chain, &long, &answer, "w3 w4").await;
    // So it does for whoever verifies it afterwards, and the question of the other task.
    let own = folder.path().join("verified");
    let peers = ["--peers-bootstrap", &hub, "--peers-data", own.to_str().unwrap()];
    for (task, artefact, kept) in [(&asked, &vector, "question"), (&answer, &long, "answer")] {
        let task = task["task"].as_str().unwrap();
        let verified = verify_task(&url, task, &[artefact], &peers);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        let alone = failure(&verify_task(&url, task, &[artefact], &[]), 3);
        assert!(alone.contains(&format!("the {kept} has ")) && alone.contains("--peers-bootstrap"), "{alone}");
    }

    dave_runs.line(&["leaving a task whose input cannot be had from peers", "1 of its 1 blocks"]);
    // A length that is not that of the content is a lie that no peer is blamed for.
    let content = assay_peers::Content::of(question.as_bytes()).unwrap();
    let input = Payload::External { cid: Cid(content.digest), length: content.length + 1 };
    let call = Call::Submit { model, parameters: embedding, input, fee: FEE, deadline: None };
    sender.send(call, Terms::default()).await.unwrap().success().await.unwrap();
    dave_runs.line(&["leaving a task whose input cannot be had from peers", "not laid out"]);

    // By hand: it is offered until a signal, and fetched by its name.
    let copy = folder.path().join("copy.txt");
    let fetched = run(&[
        "payload",
        "get",
        cid.trim(),
        "--to",
        copy.to_str().unwrap(),
        "--peers-bootstrap",
        &hub,
        "--peers-data",
        folder.path().join("other").to_str().unwrap(),
    ]);
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    assert!(fs::read_to_string(&copy).unwrap() == question);

    eve_runs.stop();
    dave_runs.stop();
    running.stop();
}
