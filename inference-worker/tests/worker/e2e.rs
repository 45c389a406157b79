//! A real node, two real workers and a user: tasks settle and every unit is where it belongs, though a worker is killed
//! between its commitment and its reveal, and though the node itself is killed.
//!
//! Everything waits for blocks, events and log lines; nothing waits for a time to pass.

use assay_engine::{Model, Threads};
use assay_types::{protocol, Balance, BlockNumber, Cid, Hash, ModelId, TaskId, ASY, MILLI_ASY};
use assay_worker::{
    amount,
    chain::{
        api::runtime,
        types::{Event, Settlement},
        At, Chain,
    },
    journal::Journal,
    keys::{self, KeySource},
};
use serde_json::Value;
use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    net::TcpListener,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{mpsc, Arc},
    time::Duration,
};
use subxt::{utils::AccountId32, OnlineClient, SubstrateConfig};

/// Longest wait for anything: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(240);
/// The model's own fee, and the fee of each task.
const MODEL_FEE: Balance = 500 * MILLI_ASY;
const FEE: Balance = 2 * ASY;

fn account(name: &str) -> AccountId32 {
    keys::address(&KeySource::Dev(name.into()).load().unwrap())
}

/// The account of a pot of the runtime, by its four last letters' convention: "modl", the pot's name, zeros.
fn pot(name: &[u8; 8]) -> AccountId32 {
    let mut bytes = [0u8; 32];
    bytes[..4].copy_from_slice(b"modl");
    bytes[4..12].copy_from_slice(name);
    AccountId32(bytes)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that ends with the test, and its log.
struct Process {
    child: Child,
    name: &'static str,
    lines: mpsc::Receiver<String>,
}

impl Process {
    fn start(name: &'static str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                println!("[{name}] {line}");
                // The test may have stopped listening; the process must not be held up.
                let _ = sender.send(line);
            }
        });
        Self { child, name, lines }
    }

    /// Waits for a log line that has all of `parts`.
    fn line(&self, parts: &[&str]) -> String {
        loop {
            let line =
                self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{} never said {parts:?}", self.name));
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// As the power going out.
    fn kill(mut self) {
        self.signal("-KILL");
        self.child.wait().unwrap();
    }

    /// As an operator stops it; it must end by itself, well.
    fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success(), "{} did not stop well", self.name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Node {
    folder: PathBuf,
    rpc: u16,
    p2p: u16,
}

impl Node {
    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.rpc)
    }

    fn start(&self) -> Process {
        let binary = Path::new(env!("CARGO_BIN_EXE_assay-worker")).with_file_name("assay-node");
        assert!(
            binary.is_file(),
            "there is no node at {}: build it with `cargo build --release -p assay-node`",
            binary.display()
        );
        Process::start(
            "node",
            Command::new(binary)
                .args(["--dev", "--no-mdns", "--no-telemetry", "--no-prometheus", "--base-path"])
                .arg(&self.folder)
                .args(["--rpc-port", &self.rpc.to_string()])
                .args(["--listen-addr", &format!("/ip4/127.0.0.1/tcp/{}", self.p2p)]),
        )
    }
}

/// A worker that serves one model, with its own folder.
struct Solver {
    name: &'static str,
    model: PathBuf,
    data: PathBuf,
    url: String,
}

impl Solver {
    fn start(&self) -> Process {
        let mut command = crate::common::worker();
        command
            .args(["solve", "--dev-key", self.name, "--bond", "50", "--metrics-addr", "off", "--log-format", "json"])
            .args(["--url", &self.url])
            .arg("--models")
            .arg(&self.model)
            .arg("--data")
            .arg(&self.data);
        Process::start(self.name, &mut command)
    }
}

/// A user's question, under way.
fn ask(url: &str, model: &str, text: &str) -> Child {
    crate::common::worker()
        .args(["ask", "--json", "--dev-key", "ferdie", "--url", url, "--model", model, "--fee"])
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

/// Looks at every block from `from` on until `found` says so.
async fn watch<T>(
    chain: &Chain,
    from: BlockNumber,
    what: &str,
    mut found: impl AsyncFnMut(&At, &[Event]) -> Option<T>,
) -> T {
    let looking = async {
        let mut next = from;
        loop {
            let mut heads = chain.heads().await.unwrap();
            let mut head = chain.best().await.unwrap().number();
            loop {
                while next <= head {
                    let hash = chain.hash_at(next).await.unwrap().unwrap();
                    let at = chain.at(hash).await.unwrap();
                    let events = at.events().await.unwrap();
                    if let Some(result) = found(&at, &events).await {
                        return result;
                    }
                    next += 1;
                }
                match heads.next().await {
                    Ok(newer) => head = newer.number,
                    Err(_) => break,
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("never came: {what}"))
}

/// Where every account's money must have gone, by the events of the blocks between two states.
#[derive(Default)]
struct Books {
    changes: HashMap<[u8; 32], i128>,
}

impl Books {
    fn add(&mut self, account: AccountId32, amount: Balance) {
        *self.changes.entry(account.0).or_default() += amount as i128;
    }

    fn take(&mut self, account: AccountId32, amount: Balance) {
        *self.changes.entry(account.0).or_default() -= amount as i128;
    }

    fn settle(&mut self, user: AccountId32, recipient: AccountId32, solver: AccountId32, settlement: &Settlement) {
        let [model, treasury, paid, shared] = settlement.fee;
        self.take(user, settlement.paid());
        self.add(recipient, model);
        self.add(pot(b"assay/tr"), treasury);
        self.add(solver, paid);
        self.add(pot(b"assay/bo"), shared);
        let [treasury, liquidity, earned, shared, validators, cashback] = settlement.reward;
        self.add(pot(b"assay/tr"), treasury);
        self.add(pot(b"assay/lq"), liquidity);
        self.add(solver, earned);
        self.add(pot(b"assay/bo"), shared);
        self.add(pot(b"assay/va"), validators);
        self.add(user, cashback);
    }
}

async fn total(at: &At, account: AccountId32) -> Balance {
    let (free, reserved) = at.balance(account).await.unwrap();
    free + reserved
}

/// Lets the model earn rewards, as governance would.
async fn set_rate(url: &str, model: ModelId) {
    use runtime::runtime_types::{
        assay_runtime::RuntimeCall, pallet_models::pallet::Call, sp_arithmetic::fixed_point::FixedU128,
    };
    let client = OnlineClient::<SubstrateConfig>::from_insecure_url(url).await.unwrap();
    let call = RuntimeCall::Models(Call::set_rate { model, rate: FixedU128(1_000_000_000_000_000_000) });
    let alice = KeySource::Dev("alice".into()).load().unwrap();
    client
        .tx()
        .await
        .unwrap()
        .sign_and_submit_then_watch_default(&runtime::tx().sudo().sudo(call), &alice)
        .await
        .unwrap()
        .wait_for_finalized_success()
        .await
        .unwrap();
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
    assert_eq!(text(&answer["output_cid"]), Cid::of(&run.output).to_string());
    solver
}

/// Waits until the worker has sent its commitment, kills it, and sees the commitment in a block, unrevealed.
async fn kill_after_commitment(chain: &Chain, solver: &Solver, process: Process) -> TaskId {
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
    let node = Node { folder: folder.path().join("node"), rpc: free_port(), p2p: free_port() };
    let running = node.start();
    let chain = Chain::connect(&node.url(), PATIENCE).await.unwrap();

    // The model comes on chain, and governance lets it earn.
    let register = ["model", "register", "--dev-key", "charlie", "--url", &node.url(), "--fee", "0.5", "--dir"];
    let registered = crate::common::run(&[&register[..], &[artefact.to_str().unwrap()]].concat());
    assert!(registered.status.success(), "{}", String::from_utf8_lossy(&registered.stderr));
    let model_id = String::from_utf8(registered.stdout).unwrap().trim().to_string();
    let mut bytes = [0u8; 32];
    hex::decode_to_slice(&model_id[2..], &mut bytes).unwrap();
    set_rate(&node.url(), ModelId::from(bytes)).await;
    let listed = crate::common::run(&["model", "list", "--url", &node.url()]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains(&model_id));

    // The books are opened: what everybody has now.
    let opening = chain.best().await.unwrap();
    let (user, recipient) = (account("ferdie"), account("charlie"));
    let watched =
        [user, recipient, account("dave"), account("eve"), pot(b"assay/tr"), pot(b"assay/lq"), pot(b"assay/va")];

    let mut before = Vec::new();
    for account in watched {
        before.push((account, total(&opening, account).await));
    }

    let solver = |name| Solver { name, model: artefact.clone(), data: folder.path().join(name), url: node.url() };
    let (dave, eve) = (solver("dave"), solver("eve"));
    let (dave_runs, eve_runs) = (dave.start(), eve.start());
    watch(&chain, opening.number(), "two mature bonds", async |at, _| {
        for name in ["dave", "eve"] {
            let bond = at.bond(account(name)).await.unwrap()?;
            (bond.mature(at.number()) >= 50 * ASY).then_some(())?;
        }
        Some(())
    })
    .await;

    // Bad questions are told apart and cost no fee.
    let bad = |arguments: &[&str]| {
        let url = node.url();
        crate::common::run(&[&["ask", "--dev-key", "ferdie", "--url", &url, "hello"], arguments].concat())
    };
    assert!(crate::common::failure(&bad(&["--model", &model_id, "--fee", "0.1"]), 3).contains("0.5 ASY at least"));
    assert!(crate::common::failure(&bad(&["--model", "nonesuch"]), 12).contains("nonesuch"));
    let absurd = bad(&["--model", &model_id, "--deadline", "1000000"]);
    assert!(crate::common::failure(&absurd, 9).contains("DeadlineTooLong"));

    // Both race for the first task; one is killed between commitment and reveal and comes back.
    let question = ask(&node.url(), &model_id, "w3 w4 w5");
    let first = kill_after_commitment(&chain, &dave, dave_runs).await;
    let dave_runs = dave.start();
    let told = answer(question);
    assert_eq!(told["task"].as_str().unwrap(), format!("{first:?}"));
    check_answer(&chain, &artefact, &told, "w3 w4 w5").await;
    // Later tasks earn less or nothing: on a chain this young one reward is far ahead of the schedule.
    assert_ne!(told["reward"]["minted"]["units"], "0", "the model has a rate, so its tasks earn");
    let from = chain.best().await.unwrap().number();
    watch(&chain, from, "the end of the killed worker's commitment", async |at, _| {
        at.commitment(first, account("dave")).await.unwrap().is_none().then_some(())
    })
    .await;

    // Alone, the killed worker must reveal with the salt that it wrote down.
    eve_runs.stop();
    let question = ask(&node.url(), &model_id, "w6 w7");
    let second = kill_after_commitment(&chain, &dave, dave_runs).await;
    let dave_runs = dave.start();
    let told = answer(question);
    assert_eq!(told["task"].as_str().unwrap(), format!("{second:?}"));
    assert_eq!(check_answer(&chain, &artefact, &told, "w6 w7").await, account("dave"));

    // The node goes away and comes back; the worker waits for it and goes on.
    running.kill();
    dave_runs.line(&["the node is away"]);
    let running = node.start();
    dave_runs.line(&["the node answers again"]);
    let told = answer(ask(&node.url(), &model_id, "w8"));
    assert_eq!(check_answer(&chain, &artefact, &told, "w8").await, account("dave"));

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
    let (books, settled) =
        keep_books(&node.url(), &chain, opening.number() + 1, closing.number(), user, recipient).await;
    assert_eq!(settled, 3);
    for (account, before) in before {
        let after = total(&closing, account).await;
        let expected = books.changes.get(&account.0).copied().unwrap_or_default();
        assert_eq!(after as i128 - before as i128, expected, "{account}");
    }
    running.stop();
}

/// What the events of these blocks say that everybody gained and lost, and how many tasks were settled.
async fn keep_books(
    url: &str,
    chain: &Chain,
    from: BlockNumber,
    to: BlockNumber,
    user: AccountId32,
    recipient: AccountId32,
) -> (Books, usize) {
    let client = OnlineClient::<SubstrateConfig>::from_insecure_url(url).await.unwrap();
    let (mut books, mut settled) = (Books::default(), 0);
    for number in from..=to {
        let hash = chain.hash_at(number).await.unwrap().unwrap();
        for event in chain.at(hash).await.unwrap().events().await.unwrap() {
            if let Event::Settled { solver, settlement, .. } = event {
                books.settle(user, recipient, solver, &settlement);
                settled += 1;
            }
        }
        let events = client.at_block(hash).await.unwrap().events().fetch().await.unwrap();
        for paid in events.find::<runtime::transaction_payment::events::TransactionFeePaid>() {
            let paid = paid.unwrap();
            books.take(paid.who, paid.actual_fee + paid.tip);
        }
        for paid in events.find::<runtime::emissions::events::ValidatorsPaid>() {
            let paid = paid.unwrap();
            books.take(pot(b"assay/va"), paid.share * Balance::from(paid.paid));
        }
    }
    (books, settled)
}
