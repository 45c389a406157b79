//! A real node and real workers, and the books of who has what.
//!
//! Everything waits for blocks, events and log lines; nothing waits for a time to pass.

use assay_types::{Balance, BlockNumber, ModelId, TaskId, ASY};
use assay_worker::{
    chain::{
        api::runtime,
        types::{Event, Settlement, Verdict},
        At, Chain,
    },
    keys::{self, KeySource},
    solver::decide::State,
};
use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::Duration,
};
use subxt::{events::Events as BlockEvents, utils::AccountId32, OnlineClient, SubstrateConfig};

/// Longest wait for anything: a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(240);

pub fn account(name: &str) -> AccountId32 {
    keys::address(&KeySource::Dev(name.into()).load().unwrap())
}

/// The account of a pot of the runtime, by its four last letters' convention: "modl", the pot's name, zeros.
pub fn pot(name: &[u8; 8]) -> AccountId32 {
    let mut bytes = [0u8; 32];
    bytes[..4].copy_from_slice(b"modl");
    bytes[4..12].copy_from_slice(name);
    AccountId32(bytes)
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that ends with the test, and its log.
pub struct Process {
    child: Child,
    pub name: &'static str,
    lines: mpsc::Receiver<String>,
}

impl Process {
    pub fn start(name: &'static str, command: &mut Command) -> Self {
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
    pub fn line(&self, parts: &[&str]) -> String {
        loop {
            let line =
                self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{} never said {parts:?}", self.name));
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
    }

    /// Whether it has said `part` since the last line that was waited for.
    pub fn said(&self, part: &str) -> bool {
        self.lines.try_iter().any(|line| line.contains(part))
    }

    /// Sends it a signal, by the signal's name with a dash.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// As the power going out.
    pub fn kill(mut self) {
        self.signal("-KILL");
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself, with this exit code.
    pub fn fails(mut self, code: i32) {
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{} ended otherwise", self.name);
    }

    /// As an operator stops it; it must end by itself, well.
    pub fn stop(self) {
        self.stop_by("-TERM");
    }

    /// As somebody stops it with a signal; it must end by itself, well.
    pub fn stop_by(mut self, signal: &str) {
        self.signal(signal);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{} did not stop well upon {signal}: {status}", self.name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A node, running or not: where it is and what it is told.
#[derive(Clone)]
pub struct Node {
    name: &'static str,
    folder: PathBuf,
    rpc: u16,
    pub p2p: u16,
    /// What the node is told beside where to be.
    pub arguments: Vec<String>,
}

impl Node {
    /// A node in a folder of its own under `folder`, on ports that are free now.
    pub fn new(name: &'static str, folder: &Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Self { name, folder: folder.join(format!("node-{name}")), rpc: free_port(), p2p: free_port(), arguments }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.rpc)
    }

    pub fn start(&self) -> Process {
        Process::start(
            self.name,
            Command::new(built("assay-node"))
                .args(&self.arguments)
                .args(["--no-mdns", "--no-telemetry", "--no-prometheus", "--base-path"])
                .arg(&self.folder)
                .args(["--rpc-port", &self.rpc.to_string()])
                .args(["--listen-addr", &format!("/ip4/127.0.0.1/tcp/{}", self.p2p)]),
        )
    }
}

/// A worker that serves models, with its own folder.
pub struct Server {
    pub name: &'static str,
    pub models: Vec<PathBuf>,
    pub data: PathBuf,
    pub url: String,
    /// What it bonds, in ASY.
    pub bond: &'static str,
}

impl Server {
    /// The worker that is shipped, as `arguments` say: `solve` or `verify-loop`, and more.
    pub fn start(&self, arguments: &[&str]) -> Process {
        let mut command = super::worker();
        command.args(arguments);
        self.start_as(command)
    }

    /// The worker that lies, with a fault in every answer.
    pub fn start_faulty(&self, fault: &str, arguments: &[&str]) -> Process {
        let mut command = super::bare(&built("assay-faulty-worker"));
        command.arg(fault).args(arguments);
        self.start_as(command)
    }

    fn start_as(&self, mut command: Command) -> Process {
        if command.get_args().all(|argument| argument != "--metrics-addr") {
            command.args(["--metrics-addr", "off"]);
        }
        command
            .args(["--dev-key", self.name, "--bond", self.bond, "--log-format", "json"])
            .args(["--url", &self.url])
            .arg("--data")
            .arg(&self.data)
            .arg("--models")
            .args(&self.models);
        Process::start(self.name, &mut command)
    }
}

/// What is answered to a plain `GET` of `path`: status line, head and body.
pub fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// A binary of this workspace, which is built beside the worker.
pub fn built(name: &str) -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_assay-worker")).with_file_name(name);
    assert!(binary.is_file(), "there is no {}: build it with `cargo build --release --workspace`", binary.display());
    binary
}

/// Looks at every block from `from` on until `found` says so.
pub async fn watch<T>(
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

/// Waits until these solvers' bonds are mature.
pub async fn mature(chain: &Chain, from: BlockNumber, solvers: &[&str]) {
    watch(chain, from, "mature bonds", async |at, _| {
        for name in solvers {
            let bond = at.bond(account(name)).await.unwrap()?;
            (bond.mature(at.number()) >= 50 * ASY).then_some(())?;
        }
        Some(())
    })
    .await;
}

/// Lets the model earn rewards, as governance would.
pub async fn set_rate(url: &str, model: ModelId) {
    use runtime::runtime_types::{
        assay_runtime::RuntimeCall, pallet_models::pallet::Call, sp_arithmetic::fixed_point::FixedU128,
    };
    let call = RuntimeCall::Models(Call::set_rate { model, rate: FixedU128(1_000_000_000_000_000_000) });
    as_alice(url, &runtime::tx().sudo().sudo(call)).await;
}

/// Has Alice make a call, and waits until that is final.
pub async fn as_alice(url: &str, call: &impl subxt::transactions::Payload) {
    call_as("alice", url, call).await;
}

/// Has a well-known account make a call, and waits until that is final.
pub async fn call_as(name: &str, url: &str, call: &impl subxt::transactions::Payload) {
    let client = OnlineClient::<SubstrateConfig>::from_insecure_url(url).await.unwrap();
    let key = KeySource::Dev(name.into()).load().unwrap();
    let progress = client.tx().await.unwrap().sign_and_submit_then_watch_default(call, &key).await.unwrap();
    progress.wait_for_finalized_success().await.unwrap();
}

/// Has the worker verify the answer to a task, with the artefacts in `models`.
pub fn verify_task(url: &str, task: &str, models: &[&Path], arguments: &[&str]) -> Output {
    let models: Vec<_> = models.iter().map(|folder| folder.to_str().unwrap()).collect();
    let models = models.join(",");
    super::run(&[&["verify", "--url", url, "--task", task, "--models", &models], arguments].concat())
}

/// Registers the model in `artefact` for charlie.
pub fn register(url: &str, artefact: &Path, fee: &str) -> ModelId {
    let register = ["model", "register", "--dev-key", "charlie", "--url", url, "--fee", fee, "--dir"];
    let registered = super::run(&[&register[..], &[artefact.to_str().unwrap()]].concat());
    assert!(registered.status.success(), "{}", String::from_utf8_lossy(&registered.stderr));
    let mut bytes = [0u8; 32];
    hex::decode_to_slice(&String::from_utf8(registered.stdout).unwrap().trim()[2..], &mut bytes).unwrap();
    ModelId::from(bytes)
}

/// What the events of some blocks say that everybody gained and lost, and how what was begun has ended.
#[derive(Default)]
pub struct Books {
    pub changes: HashMap<[u8; 32], i128>,
    /// Tasks that were settled.
    pub settled: Vec<TaskId>,
    /// Tasks whose solution did not stand.
    pub refunded: Vec<TaskId>,
    /// Who contests whom.
    parties: BTreeMap<TaskId, (AccountId32, AccountId32)>,
    /// What the party that won a dispute was paid beside its stake.
    pub party_rewards: BTreeMap<TaskId, (AccountId32, Balance)>,
    /// Verdicts of disputes.
    pub verdicts: BTreeMap<TaskId, Verdict>,
    /// What was committed to elections.
    pub bids: Balance,
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

    /// What moved in disputes. Whatever nobody else is said to get is the treasury's, once every dispute is closed.
    fn dispute(&mut self, events: &BlockEvents<SubstrateConfig>) {
        let treasury = pot(b"assay/tr");
        for voted in events.find::<runtime::contestation::events::Voted>() {
            let voted = voted.unwrap();
            self.take(voted.voter, voted.stake);
            self.add(treasury, voted.stake);
        }
        for pulled in events.find::<runtime::contestation::events::Pulled>() {
            let pulled = pulled.unwrap();
            self.add(pulled.voter, pulled.stake + pulled.reward);
            self.take(treasury, pulled.stake + pulled.reward);
        }
        for contested in events.find::<runtime::contestation::events::Contested>() {
            let contested = contested.unwrap();
            self.parties.insert(contested.task, (contested.solver, contested.contester));
        }
        for resolved in events.find::<runtime::contestation::events::Resolved>() {
            let resolved = resolved.unwrap();
            let (solver, contester) = self.parties[&resolved.task];
            self.take(solver, resolved.solver_lost);
            self.take(contester, resolved.contester_lost);
            let winner = if resolved.contester_lost > 0 { solver } else { contester };
            self.add(winner, resolved.party_reward);
            self.party_rewards.insert(resolved.task, (winner, resolved.party_reward));
            self.add(treasury, resolved.solver_lost + resolved.contester_lost - resolved.party_reward);
        }
    }

    /// What a block's author got, and who paid it.
    fn author(&mut self, events: &BlockEvents<SubstrateConfig>) {
        let minted = events.find_first::<runtime::emissions::events::AuthorPaid>().map(|event| event.unwrap());
        if let Some(minted) = &minted {
            self.add(minted.author, minted.amount);
        }
        for paid in events.find::<runtime::transaction_payment::events::TransactionFeePaid>() {
            let paid = paid.unwrap();
            self.take(paid.who, paid.actual_fee + paid.tip);
            if let Some(minted) = &minted {
                self.add(minted.author, paid.actual_fee + paid.tip);
            }
        }
    }

    /// What was committed to elections, and what the committee got. Who got how much is known of a committee of one alone.
    fn elections(&mut self, events: &BlockEvents<SubstrateConfig>, committee: &[AccountId32]) {
        let mut paid_to_committee = 0;
        for committed in events.find::<runtime::elections::events::Committed>() {
            let committed = committed.unwrap();
            self.take(committed.candidate, committed.amount);
            self.add(pot(b"assay/el"), committed.amount / 2);
            self.bids += committed.amount;
        }
        for paid in events.find::<runtime::elections::events::CommitteePaid>() {
            let paid = paid.unwrap();
            self.take(pot(b"assay/el"), paid.paid + paid.burned);
            paid_to_committee += paid.paid;
        }
        for paid in events.find::<runtime::emissions::events::ValidatorsPaid>() {
            let paid = paid.unwrap();
            self.take(pot(b"assay/va"), paid.share * Balance::from(paid.paid));
            paid_to_committee += paid.share * Balance::from(paid.paid);
        }
        if let [member] = committee {
            self.add(*member, paid_to_committee);
        }
    }
}

/// Keeps the books of the blocks from `from`, not the first, to `to`, with one recipient of the models' fees.
pub async fn keep_books(url: &str, chain: &Chain, from: BlockNumber, to: BlockNumber, recipient: AccountId32) -> Books {
    let client = OnlineClient::<SubstrateConfig>::from_insecure_url(url).await.unwrap();
    let mut books = Books::default();
    let mut submitters = HashMap::new();
    let mut parent = client.at_block(chain.hash_at(from - 1).await.unwrap().unwrap()).await.unwrap();
    for number in from..=to {
        let hash = chain.hash_at(number).await.unwrap().unwrap();
        for event in chain.at(hash).await.unwrap().events().await.unwrap() {
            match event {
                Event::Submitted { task, submitter, .. } => {
                    submitters.insert(task, submitter);
                }
                Event::Settled { task, solver, settlement } => {
                    books.settle(submitters[&task], recipient, solver, &settlement);
                    books.settled.push(task);
                }
                Event::Ended { task, state: State::Refunded } => books.refunded.push(task),
                Event::Resolved { task, verdict } => {
                    books.verdicts.insert(task, verdict);
                }
                _ => {}
            }
        }
        let at = client.at_block(hash).await.unwrap();
        // The block was made by the runtime that the one before left.
        let events = parent.events().from_bytes(at.events().fetch().await.unwrap().bytes().to_vec());
        books.dispute(&events);
        books.author(&events);
        let address = runtime::storage().elections().committee();
        let committee = parent.storage().fetch(address, ()).await.unwrap().decode().unwrap();
        let committee: Vec<_> = committee.0.into_iter().map(|member| member.account).collect();
        books.elections(&events, &committee);
        parent = at;
    }
    books
}

/// What each of `accounts` has, free or on hold.
pub async fn totals(at: &At, accounts: &[AccountId32]) -> Vec<Balance> {
    let mut totals = Vec::new();
    for account in accounts {
        let (free, reserved) = at.balance(*account).await.unwrap();
        totals.push(free + reserved);
    }
    totals
}
