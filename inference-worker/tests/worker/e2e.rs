//! A real node, two real workers and a user: tasks settle and every unit is where it belongs, though a worker is killed
//! between its commitment and its reveal, and though the node itself is killed; questions that nobody answers are given
//! up. [`upgrade`] has the runtime change under them, [`reorg`] the chain, [`payloads`] has questions travel between peers,
//! [`gateway`] puts a gateway before them, [`rpc`] asks the node about all of it, as do the standard libraries,
//! [`elections`] has validators change, and [`equivocation`] has one run twice.
//!
//! Everything waits for blocks, events and log lines; nothing waits for a time to pass.

mod elections;
mod equivocation;
mod gateway;
mod genesis;
mod payloads;
mod reorg;
mod rpc;
mod upgrade;

use crate::common::network::{
    account, as_alice, get, keep_books, mature, pot, register, set_rate, totals, verify_task, watch, Books, Node,
    Process, Server, PATIENCE,
};
use assay_engine::{Model, Threads};
use assay_peers::Content;
use assay_types::{protocol, Balance, BlockNumber, Cid, Hash, ModelId, TaskId, ASY, MILLI_ASY};
use assay_worker::{
    amount,
    chain::{api::runtime, types::Event, At, Chain},
    journal::Journal,
};
use serde_json::Value;
use std::{
    ops::ControlFlow,
    path::Path,
    process::{Child, Output, Stdio},
    sync::Arc,
};
use subxt::utils::AccountId32;

/// The model's own fee, and the fee of each task.
const MODEL_FEE: Balance = 500 * MILLI_ASY;
const FEE: Balance = 2 * ASY;

/// A user's question, under way.
fn ask(url: &str, user: &str, model: &str, text: &str) -> Child {
    crate::common::worker()
        .args(["ask", "--json", "--dev-key", user, "--url", url, "--model", model, "--fee"])
        .args([&amount::format(FEE), "--max-tokens", "8", "--follow-timeout", "240", text])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

fn answer(child: Child) -> Value {
    let output: Output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "the question failed: {stdout}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("not one JSON object: {error}: {stdout}"))
}

/// A question to a model that nobody serves, by a user of whom no books are kept.
fn ask_in_vain(url: &str, model: &str, arguments: &[&str]) -> Child {
    crate::common::worker()
        .args(["ask", "--dev-key", "bob", "--url", url, "--model", model, "w3"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Questions that nobody answers: one is followed for a second, the other until somebody ends it after its deadline.
async fn check_unanswered(url: &str, chain: &Chain, folder: &Path) {
    let from = chain.best().await.unwrap().number();
    let unserved = register(url, &crate::common::artefact(folder, 8), "0.5");
    let model = format!("{unserved:?}");
    let impatient = ask_in_vain(url, &model, &["--follow-timeout", "1"]).wait_with_output().unwrap();
    let line = crate::common::failure(&impatient, 11);
    assert!(line.contains("waiting for a solver after 1 s") && line.contains("task show 0x"), "{line}");
    let open = line.split_whitespace().find_map(|word| word.strip_prefix("0x")).unwrap();
    let verify = |task: &str| verify_task(url, task, &[&folder.join("tiny-8")], &[]);
    let line = crate::common::failure(&verify(&open[..64]), 10);
    assert!(line.contains("has been revealed yet"), "{line}");
    let line = crate::common::failure(&verify(&"ab".repeat(32)), 12);
    assert!(line.contains("the chain knows no task 0xabab"), "{line}");

    let patient = ask_in_vain(url, &model, &["--deadline", "1"]);
    let mut asked = Vec::new();
    let late = watch(chain, from, "the deadline of a task that nobody answers", async |at, events| {
        asked.extend(events.iter().filter_map(|event| match event {
            Event::Submitted { task, model, .. } if *model == unserved => Some(*task),
            _ => None,
        }));
        let task = at.task(*asked.get(1)?).await.unwrap().unwrap();
        (at.number() > task.deadline).then_some(task.id)
    })
    .await;
    as_alice(url, &runtime::tx().tasks().expire(late)).await;
    let line = crate::common::failure(&patient.wait_with_output().unwrap(), 10);
    assert!(line.contains("expired: nobody answered in time, and the fee came back"), "{line}");
    let line = crate::common::failure(&verify(&format!("{late:?}")), 10);
    assert!(line.contains("it expired or was withdrawn"), "{line}");
}

/// What was answered to a task that has ended is computed again.
fn check_verified(url: &str, artefact: &Path, told: &Value) {
    let task = told["task"].as_str().unwrap();
    let verified = verify_task(url, task, &[artefact], &["--json"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((&report["correct"], &report["status"]), (&Value::from(true), &Value::from("settled")), "{report}");
    for name in ["task", "solver", "output_cid"] {
        assert_eq!(report[name], told[name], "{name}");
    }
    let said = String::from_utf8(verify_task(url, task, &[artefact], &[]).stdout).unwrap();
    assert!(said.starts_with("right: ") && said.contains(" positions computed again in "), "{said}");
    let other = artefact.with_file_name("tiny-8");
    let line = crate::common::failure(&verify_task(url, task, &[&other], &[]), 7);
    assert!(line.contains("--models has no artefact of it"), "{line}");
}

/// Starts a worker whose metrics are served, and returns where.
fn start_measured(solver: &Server) -> (Process, String) {
    let process = solver.start(&["solve", "--metrics-addr", "127.0.0.1:0"]);
    let line: Value = serde_json::from_str(&process.line(&["metrics at /metrics"])).unwrap();
    let address = line["address"].as_str().unwrap().to_string();
    (process, address)
}

/// What is counted must be what the worker has done: run a model and sent a commitment, and lost the node once.
fn check_metrics(address: &str) {
    let reply = get(address, "/metrics");
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.contains("application/openmetrics-text"), "{reply}");
    let count = |name: &str| {
        let line = reply.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        line.unwrap_or_else(|| panic!("no {name} in {reply}"))
    };
    assert!(count("assay_best_block") > 0);
    let balance = reply.lines().find_map(|line| line.strip_prefix("assay_balance_asy ")?.parse::<f64>().ok());
    assert!(balance > Some(1.0), "{balance:?}");
    assert_eq!(count("assay_disconnects_total"), 1);
    for name in ["assay_runs_total{kind=\"done\"}", "assay_sent_total{kind=\"commit\"}", "assay_tokens_total"] {
        assert!(count(name) > 0, "{name}");
    }
    assert!(reply.ends_with("# EOF\n"), "{reply}");
    assert!(get(address, "/").starts_with("HTTP/1.1 404"));
}

/// What the chain tells of a settled task must be what the user was told.
async fn check_answer(chain: &Chain, artefact: &Path, answer: &Value, prompt: &str) -> AccountId32 {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text in {answer}")).to_string();
    let mut bytes = [0u8; 32];
    hex::decode_to_slice(&text(&answer["task"])[2..], &mut bytes).unwrap();
    let task = TaskId::from(bytes);
    assert_eq!(text(&answer["prompt"]), prompt);
    let block = |name: &str| answer["blocks"][name].as_u64().unwrap() as BlockNumber;
    assert!(block("submit") < block("commit") && block("commit") < block("reveal"), "{answer}");
    assert!(block("reveal") < block("settle"), "{answer}");

    let settled = chain.at(chain.hash_at(block("settle")).await.unwrap().unwrap()).await.unwrap();
    let (solver, settlement) = settled
        .events()
        .await
        .unwrap()
        .into_iter()
        .find_map(|event| match event {
            Event::Settled { task: settled, solver, settlement } if settled == task => Some((solver, settlement)),
            _ => None,
        })
        .expect("the block that settled the task says so");
    assert_eq!(text(&answer["solver"]), solver.to_string());
    assert_eq!(settlement.paid(), FEE);
    assert_eq!(settlement.fee, [MODEL_FEE, (FEE - MODEL_FEE) / 10, FEE - MODEL_FEE - (FEE - MODEL_FEE) / 10, 0]);
    assert_eq!(text(&answer["fee"]["paid"]["units"]), FEE.to_string());
    assert_eq!(text(&answer["reward"]["minted"]["units"]), settlement.minted().to_string());

    // The answer is what the model gives for the seed that the chain fixed.
    let submitted = chain.at(chain.hash_at(block("submit")).await.unwrap().unwrap()).await.unwrap();
    let input = submitted.input(task).await.unwrap().unwrap();
    let model = submitted.task(task).await.unwrap().unwrap().model;
    let randomness = submitted.author_randomness().await.unwrap().unwrap();
    let seed = protocol::seed(&chain.genesis(), &task, &randomness, &model, &input.parameters);
    let run = Model::load(artefact, &Arc::new(Threads::new(1, None).unwrap()))
        .unwrap()
        .run(prompt.as_bytes(), &input.parameters, seed, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    assert_eq!(text(&answer["output_cid"]), Content::of(&run.output).unwrap().root().to_string());
    solver
}

/// Waits until the worker has sent its commitment, kills it, and sees the commitment in a block, unrevealed.
async fn kill_after_commitment(chain: &Chain, solver: &Server, process: Process) -> TaskId {
    process.line(&["\"sent\"", "\"call\":\"commit\""]);
    process.kill();
    let from = chain.best().await.unwrap().number();
    let who = account(solver.name);
    // From the block before on: the commitment may have been taken while the worker died.
    let task = watch(chain, from.saturating_sub(1), "the commitment of the killed worker", async |_, events| {
        events.iter().find_map(|event| match event {
            Event::Committed { task, solver } if *solver == who => Some(*task),
            _ => None,
        })
    })
    .await;
    let commitment = chain.best().await.unwrap().commitment(task, who).await.unwrap();
    assert!(commitment.is_some(), "the worker was killed before it could reveal");
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_settle_to_the_last_unit_though_worker_and_node_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let artefact = crate::common::artefact(folder.path(), 7);
    let spec = genesis::write(folder.path(), genesis::hasty(genesis::current("dev")));
    let node = Node::new("node", folder.path(), &["--dev", "--chain", &spec]);
    let running = node.start();
    let chain = Chain::connect(&node.url(), PATIENCE).await.unwrap();

    // The model comes on chain, and governance lets it earn.
    let model = register(&node.url(), &artefact, "0.5");
    set_rate(&node.url(), model).await;
    let model_id = format!("{model:?}");
    let listed = crate::common::run(&["model", "list", "--url", &node.url()]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains(&model_id));

    // The books are opened: what everybody has now.
    let opening = chain.best().await.unwrap();
    let recipient = account("charlie");
    let watched = [
        account("ferdie"),
        recipient,
        account("dave"),
        account("eve"),
        pot(b"assay/tr"),
        pot(b"assay/lq"),
        pot(b"assay/va"),
    ];

    let before = totals(&opening, &watched).await;
    let server = |name| Server {
        name,
        models: vec![artefact.clone()],
        data: folder.path().join(name),
        url: node.url(),
        bond: "50",
    };
    let (dave, eve) = (server("dave"), server("eve"));
    let (dave_runs, eve_runs) = (dave.start(&["solve"]), eve.start(&["solve"]));
    check_unanswered(&node.url(), &chain, folder.path()).await;
    mature(&chain, opening.number(), &["dave", "eve"]).await;

    // Bad questions are told apart and cost no fee.
    let bad = |arguments: &[&str]| {
        let url = node.url();
        crate::common::run(&[&["ask", "--dev-key", "ferdie", "--url", &url, "hello"], arguments].concat())
    };
    assert!(crate::common::failure(&bad(&["--model", &model_id, "--fee", "0.1"]), 3).contains("0.5 ASY at least"));
    assert!(crate::common::failure(&bad(&["--model", "nonesuch"]), 12).contains("nonesuch"));
    let absurd = bad(&["--model", &model_id, "--deadline", "1000000"]);
    assert!(crate::common::failure(&absurd, 9).contains("Tasks::DeadlineTooLong: The deadline is further away"));

    // The node answers, and tells what happens.
    let rpc = rpc::Rpc::connect(&node.url()).await;
    rpc.check_discovery().await;
    rpc.check_market(&model_id, &recipient, &[account("dave"), account("eve")]).await;
    rpc.check_refusals(&model_id).await;
    let mut notices = rpc.follow(serde_json::json!({ "model": model_id })).await;

    // Both race for the first task; one is killed between commitment and reveal and comes back.
    let question = ask(&node.url(), "ferdie", &model_id, "w3 w4 w5");
    let first = kill_after_commitment(&chain, &dave, dave_runs).await;
    let dave_runs = dave.start(&["solve"]);
    let told = answer(question);
    assert_eq!(told["task"].as_str().unwrap(), format!("{first:?}"));
    check_answer(&chain, &artefact, &told, "w3 w4 w5").await;
    check_verified(&node.url(), &artefact, &told);
    // Later tasks earn less or nothing: on a chain this young one reward is far ahead of the schedule.
    assert_ne!(told["reward"]["minted"]["units"], "0", "the model has a rate, so its tasks earn");
    let from = chain.best().await.unwrap().number();
    watch(&chain, from, "the end of the killed worker's commitment", async |at, _| {
        at.commitment(first, account("dave")).await.unwrap().is_none().then_some(())
    })
    .await;

    notices.until(&told["task"], "settled", "final").await;
    notices.check_settled(&told);
    rpc.check_task(&chain, &told, "w3 w4 w5").await;

    // Alone, the killed worker must reveal with the salt that it wrote down.
    eve_runs.stop();
    let question = ask(&node.url(), "ferdie", &model_id, "w6 w7");
    let second = kill_after_commitment(&chain, &dave, dave_runs).await;
    let (dave_runs, metrics) = start_measured(&dave);
    let told = answer(question);
    assert_eq!(told["task"].as_str().unwrap(), format!("{second:?}"));
    assert_eq!(check_answer(&chain, &artefact, &told, "w6 w7").await, account("dave"));

    // The node goes away and comes back; the worker waits for it and goes on.
    running.kill();
    dave_runs.line(&["the node is away"]);
    let running = node.start();
    dave_runs.line(&["the node answers again"]);
    let libraries = rpc::libraries(&node.url(), &model_id);
    let told = answer(ask(&node.url(), "ferdie", &model_id, "w8"));
    rpc::check_libraries(libraries);
    assert_eq!(check_answer(&chain, &artefact, &told, "w8").await, account("dave"));
    check_metrics(&metrics);

    // A journal of another chain is refused, and left as it is.
    let foreign = folder.path().join("foreign");
    Journal::open(&foreign).unwrap().bind(Hash::repeat_byte(1), &account("bob")).unwrap();
    let wrong = crate::common::run(&[
        "solve",
        "--dev-key",
        "bob",
        "--url",
        &node.url(),
        "--data",
        foreign.to_str().unwrap(),
        "--metrics-addr",
        "off",
        "--models",
        artefact.to_str().unwrap(),
    ]);
    assert!(crate::common::failure(&wrong, 6).contains("belongs to the chain"));

    dave_runs.stop();
    // The books are closed: every account has what the events say, to the last unit.
    let closing = chain.best().await.unwrap();
    let books = keep_books(&node.url(), &chain, opening.number() + 1, closing.number(), recipient).await;
    assert_eq!(books.settled.len(), 3 + rpc::LIBRARIES);
    check_books(&books, &watched, before, &closing).await;
    check_changes(&node.url(), &chain, model).await;

    // Another chain in the place of this one is none that the worker goes on with.
    let dave_runs = dave.start(&["solve"]);
    dave_runs.line(&["working"]);
    running.stop();
    dave_runs.line(&["the node is away"]);
    let mut other = node.clone();
    other.arguments = ["--chain", "local"].map(String::from).to_vec();
    let running = other.start();
    dave_runs.line(&["now serves another chain"]);
    dave_runs.fails(6);
    running.stop();
}

/// Stake and the terms of models are changed by command; what the chain refuses is told.
async fn check_changes(url: &str, chain: &Chain, model: ModelId) {
    let (eve, id) = (account("eve").to_string(), format!("{model:?}"));
    let change =
        |name: &str, arguments: &[&str]| crate::common::run(&[&["--dev-key", name, "--url", url], arguments].concat());
    // What moved, in units of ASY, and for how many blocks that is not in force yet.
    let done = |name: &str, arguments: &[&str]| -> (Option<Balance>, Option<u64>) {
        let output = change(name, &[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let amount = told["amount"]["units"].as_str().map(|units| units.parse().unwrap());
        (amount, told["due"].as_u64().map(|due| due - told["block"]["number"].as_u64().unwrap()))
    };
    let refused = |name: &str, arguments: &[&str], error: &str| {
        let line = crate::common::failure(&change(name, arguments), 9);
        assert!(line.contains(error), "{arguments:?}: {line}");
    };

    let has = chain.best().await.unwrap().bond(account("eve")).await.unwrap().unwrap().active;
    let (amount, matures) = done("eve", &["bond", "add", "10"]);
    assert!(amount == Some(10 * ASY) && matures > Some(0), "{matures:?}");
    let (amount, waits) = done("eve", &["bond", "unbond", "2.5"]);
    assert!(amount == Some(5 * ASY / 2) && waits > matures, "{waits:?}");
    let bond = chain.best().await.unwrap().bond(account("eve")).await.unwrap().unwrap();
    assert_eq!(bond.active, has + 10 * ASY - 5 * ASY / 2);
    refused("eve", &["bond", "unbond", "1000"], "cannot take that out of the bond: Bonds::InsufficientBond: ");
    refused("eve", &["bond", "withdraw"], "Bonds::NothingToWithdraw: ");
    refused("eve", &["bond", "add", "0"], "Bonds::ZeroAmount: ");
    assert_eq!(done("bob", &["bond", "add", "1"]).0, Some(ASY), "who has no bond yet places the first");

    refused("bob", &["bond", "delegate", &eve, "5"], "Bonds::NoPool: ");
    assert_eq!(done("eve", &["bond", "commission", "0.1"]), (None, Some(0)));
    assert_eq!(done("eve", &["bond", "commission", "0.2"]), (None, waits), "a rise waits");
    assert_eq!(done("bob", &["bond", "delegate", &eve, "5"]), (Some(5 * ASY), None));
    assert_eq!(done("bob", &["bond", "undelegate", &eve, "2"]), (Some(2 * ASY), waits));
    refused("bob", &["bond", "withdraw-delegation", &eve], "Bonds::NothingToWithdraw: ");
    let shown = change("bob", &["bond", "show", &eve]).stdout;
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(shown["bond"]["units"], bond.active.to_string());
    assert_eq!((&shown["waiting"][0]["amount"]["asy"], shown["waiting"][1].is_null()), (&Value::from("2.5"), true));
    let pool = &shown["pool"];
    assert_eq!((&pool["commission"], &pool["rise"]["commission"]), (&Value::from("0.1"), &Value::from("0.2")));
    assert_eq!(pool["delegated"]["asy"], "3");
    assert!(crate::common::failure(&change("ferdie", &["bond", "show"]), 12).contains("has no bond"));
    refused("charlie", &["bond", "undelegate", &eve, "2"], "Bonds::NotDelegated: ");

    refused("bob", &["model", "update", &id, "--fee", "9"], "cannot change the model's terms: Models::NotOwner: ");
    let line = crate::common::failure(&change("charlie", &["model", "update", &"ab".repeat(32), "--fee", "9"]), 12);
    assert!(line.contains("the chain knows no model abab"), "{line}");
    done("charlie", &["model", "update", &id, "--fee", "0.75"]);
    done("charlie", &["model", "update", &id, "--recipient", &eve]);
    let at = chain.best().await.unwrap();
    let changed = at.model(model).await.unwrap().unwrap();
    assert_eq!((changed.fee, changed.recipient), (750 * MILLI_ASY, account("eve")));
    assert!(at.serves(model, account("eve")).await.unwrap());
    let output = change("eve", &["model", "stop-serving", &id]);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("done in block "), "{output:?}");
    refused("eve", &["model", "stop-serving", &id], "cannot stop serving the model: Models::NotServing: ");

    // One that nobody serves is gone at once.
    let at = chain.best().await.unwrap();
    assert!(!at.serves(model, account("eve")).await.unwrap());
    let models = at.models().await.unwrap();
    let unserved = models.iter().find(|other| other.owner == account("charlie") && other.id != model).unwrap().id;
    done("charlie", &["model", "retire", &format!("{unserved:?}")]);
    assert_eq!(chain.best().await.unwrap().model(unserved).await.unwrap(), None);
}

/// Checks that what every one of `accounts` has gained and lost since it had `before` is what the books say.
async fn check_books(books: &Books, accounts: &[AccountId32], before: Vec<Balance>, closing: &At) {
    let after = totals(closing, accounts).await;
    for ((account, before), after) in accounts.iter().zip(before).zip(after) {
        let expected = books.changes.get(&account.0).copied().unwrap_or_default();
        assert_eq!(after as i128 - before as i128, expected, "{account}");
    }
}
