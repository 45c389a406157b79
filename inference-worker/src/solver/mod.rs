//! The solver: picks tasks, runs their models, and carries each result through commitment, reveal and claim.
//!
//! [`decide`] says what to do, purely; this module looks at the chain, asks it, and does it. Everything that must
//! survive a kill is in the journal before it is done, so a solver that starts again looks at journal and chain and goes
//! on where it was.

pub mod decide;
pub mod models;
pub mod runner;

use crate::{
    chain::{types, At, Call, Chain, ChainError, Head, Refusal, Sender, TxOutcome},
    failure::Failure,
    journal::{Inclusion, Job, Journal, JournalError, Outcome, Phase},
    metrics::Metrics,
};
use assay_engine::EngineError;
use assay_types::{protocol, Balance, BlockNumber, Hash, ModelId, TaskId, MAX_INLINE};
use decide::{decide, judge, observed, still_wanted, Action, ChainView, CommitmentView, Offer, Policy, Record};
use futures::FutureExt;
use models::{Answer, Served};
use runner::{Order, Runner};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};
use subxt::utils::AccountId32;
use tokio::sync::mpsc;

/// Blocks after which the whole task map is looked at again, whatever the events said.
const RESCAN: BlockNumber = 200;
/// Open tasks that are looked at in one block, the oldest first.
const CANDIDATES: usize = 64;
/// Failures of one step of one job before it is left until the next start.
const FAILURES: u32 = 6;
/// Blocks for which ended records are kept.
const KEEP: BlockNumber = 100_000;
/// Longest silence of the node before the connection is made anew: many block times.
const SILENCE: Duration = Duration::from_secs(60);
/// Blocks by which the chain may move on while a commitment is prepared.
const SLACK: BlockNumber = 8;
/// The solver's part of a fee after the model's own, and of a minted reward, in thousandths (R24, R23).
const SOLVER_OF_FEE: u128 = 900;
const SOLVER_OF_REWARD: u128 = 720;
/// How many times fee and reward a solver pledges of its bond for a solution.
const STAKE: u128 = 4;

/// What a solver works with.
pub struct Parts {
    /// The connection.
    pub chain: Chain,
    /// Sends transactions.
    pub sender: Sender,
    /// Where results are recorded.
    pub journal: Journal,
    /// The models that are served.
    pub served: Vec<Served>,
    /// What the operator wants of a task.
    pub policy: Policy,
    /// What is counted.
    pub metrics: Metrics,
    /// Tasks that are run together at most.
    pub batch: usize,
}

/// A solver at work.
pub struct Solver {
    chain: Chain,
    sender: Sender,
    journal: Journal,
    served: HashMap<ModelId, Served>,
    policy: Policy,
    metrics: Metrics,
    account: AccountId32,
    /// Open tasks without a record, oldest first.
    candidates: BTreeMap<(BlockNumber, TaskId), types::Task>,
    /// Records that have not ended.
    jobs: BTreeMap<TaskId, Job>,
    /// Tasks that this solver cannot or will not do.
    unsuited: HashSet<TaskId>,
    pending: HashMap<TaskId, Pending>,
    failures: HashMap<TaskId, Failures>,
    runner: Runner,
    batch: usize,
    /// The runs that are under way.
    runs: BTreeMap<TaskId, Run>,
    /// What the solutions of runs, and of jobs that are not committed, will pledge of the bond.
    reserved: BTreeMap<TaskId, Balance>,
    last: Option<Head>,
    scanned: BlockNumber,
    /// Whether it was said that the bond is not mature.
    waiting_for_bond: bool,
    /// Whether no block has been looked at since the start.
    resumed: bool,
    reports: mpsc::UnboundedReceiver<Report>,
    reporter: mpsc::UnboundedSender<Report>,
}

/// A step that is on its way to the chain.
#[derive(Clone, Copy, Debug)]
struct Pending {
    action: Action,
    /// Height of the block that took it, once known.
    included: Option<BlockNumber>,
}

/// Failures of a job's present step.
#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    /// First block in which it is tried again.
    again: BlockNumber,
}

/// A run that is under way.
struct Run {
    included: Inclusion,
    stop: Arc<AtomicBool>,
}

/// News from what runs beside the main loop.
enum Report {
    Run { task: Box<types::Task>, included: Inclusion, result: Result<Answer, EngineError> },
    Step { task: TaskId, action: Action, result: Result<TxOutcome, Refusal> },
}

/// Why a look at the chain ended.
enum Stop {
    /// The connection was lost: try again.
    Lost(ChainError),
    /// Nothing can go on.
    Fatal(Failure),
}

impl From<ChainError> for Stop {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Incompatible(_) => Self::Fatal(error.into()),
            error => Self::Lost(error),
        }
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Fatal(error.into())
    }
}

impl Solver {
    /// A solver that takes up the unfinished jobs of its journal.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn new(parts: Parts) -> Result<Self, Failure> {
        let Parts { chain, sender, journal, served, policy, metrics, batch } = parts;
        let runner = Runner::start()
            .map_err(|error| Failure::Other(format!("cannot start the thread that runs models: {error}")))?;
        let jobs: BTreeMap<_, _> = journal.unfinished()?.into_iter().map(|job| (job.task, job)).collect();
        let (reporter, reports) = mpsc::unbounded_channel();
        for job in jobs.values() {
            tracing::info!(task = ?job.task, phase = ?job.phase, "taking up a job of the journal");
        }
        Ok(Self {
            account: sender.account(),
            served: served.into_iter().map(|model| (model.id, model)).collect(),
            candidates: BTreeMap::new(),
            unsuited: HashSet::new(),
            pending: HashMap::new(),
            failures: HashMap::new(),
            runner,
            batch,
            runs: BTreeMap::new(),
            reserved: BTreeMap::new(),
            last: None,
            scanned: 0,
            waiting_for_bond: false,
            resumed: true,
            chain,
            sender,
            journal,
            policy,
            metrics,
            jobs,
            reports,
            reporter,
        })
    }

    /// Works until `shutdown` completes.
    ///
    /// # Errors
    /// The journal cannot be written, or the node serves another chain or a runtime that the worker does not
    /// understand. A node that is away is waited for.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), Failure> {
        tokio::pin!(shutdown);
        let mut outage: Option<Outage> = None;
        loop {
            let stopped = tokio::select! {
                _ = &mut shutdown => None,
                stop = self.session(&mut outage) => Some(stop),
            };
            match stopped {
                None => {
                    self.runs.values().for_each(|run| run.stop.store(true, Ordering::Relaxed));
                    tracing::info!(unfinished = self.jobs.len(), "stopping; the journal keeps unfinished jobs");
                    return Ok(());
                }
                Some(Stop::Fatal(failure)) => return Err(failure),
                Some(Stop::Lost(error)) => {
                    let outage = outage.get_or_insert_with(|| {
                        self.metrics.disconnects.inc();
                        Outage::new()
                    });
                    outage.say(&error);
                    tokio::select! {
                        _ = &mut shutdown => return Ok(()),
                        _ = tokio::time::sleep(outage.pause()) => {},
                    }
                }
            }
        }
    }

    /// Follows the chain until the connection is lost.
    async fn session(&mut self, outage: &mut Option<Outage>) -> Stop {
        match self.follow(outage).await {
            Ok(never) => match never {},
            Err(stop) => stop,
        }
    }

    async fn follow(&mut self, outage: &mut Option<Outage>) -> Result<std::convert::Infallible, Stop> {
        // A node that came back may serve another chain.
        let genesis = self.chain.hash_at(0).await?;
        if genesis.is_some_and(|genesis| genesis != self.chain.genesis()) {
            let message = format!("the node at {} now serves another chain: {genesis:?}", self.chain.url());
            return Err(Stop::Fatal(Failure::WrongChain(message)));
        }
        let mut heads = self.chain.heads().await?;
        let best = self.chain.best().await?;
        let mut head = best.head().await?;
        self.last = None;
        if let Some(outage) = outage.take() {
            tracing::info!(seconds = outage.since.elapsed().as_secs(), "the node answers again");
        }
        loop {
            self.block(head).await?;
            head = loop {
                tokio::select! {
                    next = tokio::time::timeout(SILENCE, heads.next()) => {
                        let mut next = next.map_err(|_| {
                            ChainError::Lost(format!("no block for {} s", SILENCE.as_secs()))
                        })??;
                        // Blocks that came while the last was looked at: only the newest matters.
                        while let Some(newer) = heads.next().now_or_never() {
                            next = newer?;
                        }
                        break next;
                    },
                    Some(report) = self.reports.recv() => self.report(report).await?,
                }
            };
        }
    }

    /// Looks at a new best block.
    async fn block(&mut self, head: Head) -> Result<(), Stop> {
        let at = self.chain.at(head.hash).await?;
        let finalized = self.chain.finalized().await?;
        self.discover(&at, head, finalized.number()).await?;
        if std::mem::take(&mut self.resumed) {
            self.rest_after_start(head.number);
        }
        self.last = Some(head);
        self.pending.retain(|_, pending| pending.included.is_none_or(|number| head.number < number));

        let tasks: Vec<_> = self.jobs.keys().copied().collect();
        for task in tasks {
            self.consider(task, &at, &finalized).await?;
        }
        self.refresh(&at, &finalized).await?;
        self.start(&at).await?;

        if head.number.is_multiple_of(RESCAN) {
            self.journal.prune(finalized.number().saturating_sub(KEEP))?;
        }
        self.metrics.best_block.set(i64::from(head.number));
        self.metrics.open_tasks.set(self.candidates.len() as i64);
        self.metrics.unfinished_jobs.set(self.jobs.len() as i64);
        tracing::debug!(number = head.number, jobs = self.jobs.len(), candidates = self.candidates.len(), "block");
        Ok(())
    }

    /// Gives commitments that were sent before a restart the time to appear: one that is still in the node's pool need
    /// not be sent, and paid for, twice.
    fn rest_after_start(&mut self, block: BlockNumber) {
        let again = block.saturating_add(2);
        for job in self.jobs.values().filter(|job| job.phase == Phase::Recorded && job.sent_until.is_some()) {
            self.failures.insert(job.task, Failures { count: 0, again });
        }
    }

    /// Finds open tasks of the models that are served: by the block's events where it follows the last one that was
    /// looked at, by the whole map otherwise.
    async fn discover(&mut self, at: &At, head: Head, finalized: BlockNumber) -> Result<(), Stop> {
        let follows = self.last.is_some_and(|last| last.hash == head.parent);
        let stale = head.number.saturating_sub(self.scanned) >= RESCAN;
        if self.last.is_some_and(|last| last.hash == head.hash) {
            return Ok(());
        }
        let found = if follows && !stale {
            let mut found = Vec::new();
            for event in at.events().await? {
                if let types::Event::Submitted { task, model, .. } = event {
                    if self.served.contains_key(&model) {
                        found.extend(at.task(task).await?);
                    }
                }
            }
            found
        } else {
            self.scanned = head.number;
            let all = at.tasks().await?;
            let known: HashSet<_> = all.iter().map(|task| task.id).collect();
            self.unsuited.retain(|task| known.contains(task));
            all
        };
        for task in found {
            if task.state == decide::State::Open && self.served.contains_key(&task.model) {
                self.admit(task, finalized)?;
            }
        }
        Ok(())
    }

    /// Makes an open task a candidate, unless there is a record of it. `finalized` is the height that stays.
    fn admit(&mut self, task: types::Task, finalized: BlockNumber) -> Result<(), Stop> {
        if self.jobs.contains_key(&task.id) || self.unsuited.contains(&task.id) {
            return Ok(());
        }
        if let Some(job) = self.journal.get(&task.id)? {
            // Only a task that a fork took away and brought back can be open with a record that ended.
            match self.journal.restart(&job.task, finalized) {
                Ok(()) => {}
                Err(JournalError::Fixed(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        if self.candidates.insert((task.submitted_at, task.id), task.clone()).is_none() {
            tracing::info!(task = ?task.id, model = ?task.model, fee = %crate::amount::format(task.fee), "an open task");
        }
        Ok(())
    }

    /// Drops candidates that are not open any more, and stops runs that are not wanted any more.
    async fn refresh(&mut self, at: &At, finalized: &At) -> Result<(), Stop> {
        let keys: Vec<_> = self.candidates.keys().copied().take(CANDIDATES).collect();
        for key in keys {
            match at.task(key.1).await? {
                Some(task) if task.state == decide::State::Open && task.submitted_at == key.0 => {
                    self.candidates.insert(key, task);
                }
                Some(task) if task.state == decide::State::Open => {
                    self.candidates.remove(&key);
                    self.candidates.insert((task.submitted_at, task.id), task);
                }
                _ => {
                    self.candidates.remove(&key);
                }
            }
        }
        for (task, run) in &self.runs {
            let (view, _) = self.view(*task, at, finalized).await?;
            if !still_wanted(&run.included, &view) {
                run.stop.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Everything about a task that matters, at one block.
    async fn view(
        &self,
        task: TaskId,
        at: &At,
        finalized: &At,
    ) -> Result<(ChainView, Option<types::Task>), ChainError> {
        let found = at.task(task).await?;
        let commitment = at.commitment(task, self.account).await?;
        let solution = at.solution(task).await?;
        let mut view = ChainView {
            block: at.number(),
            finalized: finalized.number(),
            task: None,
            commitment: commitment.map(|(hash, at)| CommitmentView { hash, at }),
            solution: solution.map(|solution| decide::SolutionView {
                own: solution.solver == self.account,
                committed_at: solution.committed_at,
                first_revealed_at: solution.first_revealed_at,
            }),
        };
        if let Some(found) = &found {
            view.task = Some(found.view(self.included_in(at, found.submitted_at).await?, &self.account));
        }
        Ok((view, found))
    }

    /// Hash of the block at `number` in the chain that ends with `at`.
    async fn included_in(&self, at: &At, number: BlockNumber) -> Result<Hash, ChainError> {
        if number == at.number() {
            return Ok(at.hash());
        }
        let hash = self.chain.hash_at(number).await?;
        hash.ok_or_else(|| ChainError::Other(format!("the node has no block {number}")))
    }

    /// Takes the next step of a job, if it is time for one.
    async fn consider(&mut self, task: TaskId, at: &At, finalized: &At) -> Result<(), Stop> {
        let Some(job) = self.jobs.get(&task).cloned() else { return Ok(()) };
        let (view, found) = self.view(task, at, finalized).await?;
        let mut record = self.record_of(&job);
        if let Some(phase) = observed(&record, &view) {
            tracing::info!(?task, ?phase, block = view.block, "the chain shows the job's next phase");
            self.jobs.insert(task, self.journal.advance(&task, phase)?);
            record.phase = phase;
            self.failures.remove(&task);
        }
        let action = decide(&record, &view);
        let call = match action {
            Action::Wait => return Ok(()),
            Action::End(_) => return self.end(task, &record, finalized).await,
            Action::Restart => {
                tracing::warn!(?task, "the task moved to another block: computing it anew");
                self.journal.restart(&task, view.finalized)?;
                self.jobs.remove(&task);
                if let Some(found) = found {
                    self.admit(found, view.finalized)?;
                }
                return Ok(());
            }
            Action::Commit => Call::Commit { task, hash: record.commitment },
            Action::Reveal => {
                Call::Reveal { task, salt: job.salt, trace_seal: job.seal(&self.account), output: job.output.clone() }
            }
            Action::Claim => Call::Claim { task },
            Action::Withdraw => Call::WithdrawCommitment { task },
        };
        let resting = self.failures.get(&task).is_some_and(|failures| view.block < failures.again);
        if self.pending.get(&task).is_some_and(|pending| pending.action == action) || resting {
            return Ok(());
        }
        let mut not_after = None;
        if action == Action::Commit {
            let until = view.block.saturating_add(crate::chain::MORTALITY).saturating_add(SLACK);
            // On disk before the node hears of it: from here on the result never changes.
            self.jobs.insert(task, self.journal.mark_sent(&task, until)?);
            not_after = Some(until);
        }
        self.pending.insert(task, Pending { action, included: None });
        let (sender, reporter, kind) = (self.sender.clone(), self.reporter.clone(), call.name());
        let metrics = self.metrics.clone();
        tokio::spawn(async move {
            let result = match sender.send(call, not_after).await {
                Ok(sent) => {
                    Metrics::count(&metrics.sent, kind);
                    tracing::info!(?task, call = kind, transaction = ?sent.hash, "sent");
                    let lost = |_| TxOutcome::Dropped("the transaction was lost sight of".into());
                    Ok(sent.outcome.await.unwrap_or_else(lost))
                }
                Err(refusal) => Err(refusal),
            };
            // The solver may be gone; the journal and the chain tell the rest.
            let _ = reporter.send(Report::Step { task, action, result });
        });
        Ok(())
    }

    fn record_of(&self, job: &Job) -> Record {
        Record {
            commitment: job.commitment(&self.chain.genesis(), &self.account),
            included: job.included,
            sent_until: job.sent_until,
            phase: job.phase,
        }
    }

    /// Ends a job once what ended it cannot be undone.
    async fn end(&mut self, task: TaskId, record: &Record, finalized: &At) -> Result<(), Stop> {
        let (view, _) = self.view(task, finalized, finalized).await?;
        let Action::End(outcome) = decide(record, &view) else { return Ok(()) };
        self.journal.advance(&task, Phase::Ended(outcome))?;
        self.jobs.remove(&task);
        self.pending.remove(&task);
        self.failures.remove(&task);
        let kind = match outcome {
            Outcome::Paid => "paid",
            Outcome::Lost => "lost",
            Outcome::Forfeited => "forfeited",
            Outcome::Vanished => "vanished",
            Outcome::Fallen => "fallen",
        };
        Metrics::count(&self.metrics.jobs, kind);
        tracing::info!(?task, outcome = kind, "a job has ended");
        Ok(())
    }

    /// Starts runs, as many as are run together.
    async fn start(&mut self, at: &At) -> Result<(), Stop> {
        if self.runs.len() >= self.batch || self.candidates.is_empty() {
            return Ok(());
        }
        let Some(bond) = self.mature_bond(at).await? else { return Ok(()) };
        let keys: Vec<_> = self.candidates.keys().copied().collect();
        let (runs, jobs) = (&self.runs, &self.jobs);
        self.reserved.retain(|task, _| {
            runs.contains_key(task) || jobs.get(task).is_some_and(|job| job.phase == Phase::Recorded)
        });
        let reserved = self.reserved.values().fold(0, |sum: Balance, stake| sum.saturating_add(*stake));
        let mut free = bond.active.saturating_sub(bond.pledged).saturating_sub(reserved);
        for key in keys {
            if self.runs.len() >= self.batch {
                break;
            }
            let Some(task) = self.candidates.get(&key).cloned() else { continue };
            let Some(served) = self.served.get(&task.model).cloned() else { continue };
            let Some(types::Input { parameters, payload }) = at.input(task.id).await? else { continue };
            let reward = at.quote(&task).await?;
            // A pledge comes back when its task is settled, so the task waits and is not left.
            let stake = task.fee.saturating_add(reward).saturating_mul(STAKE);
            if free < stake {
                tracing::debug!(task = ?task.id, stake = %crate::amount::format(stake), "the bond is too small or pledged");
                continue;
            }
            let offer = Offer {
                income: income(&task, reward),
                seconds: served.local.expected_seconds(&parameters),
                deadline: task.deadline,
            };
            if let Err(reason) = judge(&offer, &self.policy, at.number()) {
                tracing::info!(task = ?task.id, %reason, "leaving a task to others");
                self.leave(key);
                continue;
            }
            let input = match payload {
                types::Payload::Inline(bytes) => bytes,
                types::Payload::External { cid, .. } => {
                    tracing::info!(task = ?task.id, %cid, "leaving a task whose input is not on chain");
                    self.leave(key);
                    continue;
                }
            };
            let included =
                Inclusion { number: task.submitted_at, hash: self.included_in(at, task.submitted_at).await? };
            let Some(randomness) = self.randomness(at, &included).await? else {
                tracing::warn!(task = ?task.id, "leaving a task whose block has no randomness");
                self.leave(key);
                continue;
            };
            let seed = protocol::seed(&self.chain.genesis(), &task.id, &randomness, &task.model, &parameters);
            self.candidates.remove(&key);
            let stop = Arc::new(AtomicBool::new(false));
            self.runs.insert(task.id, Run { included, stop: stop.clone() });
            self.reserved.insert(task.id, stake);
            free = free.saturating_sub(stake);
            tracing::info!(task = ?task.id, model = served.local.name(), "running");
            let reporter = self.reporter.clone();
            let done = Box::new(move |result| {
                // The solver may be gone; nothing was promised to anybody yet.
                let _ = reporter.send(Report::Run { task: Box::new(task), included, result });
            });
            self.runner.run(Order { local: served.local, input, parameters, seed, stop, done });
        }
        Ok(())
    }

    fn leave(&mut self, key: (BlockNumber, TaskId)) {
        self.candidates.remove(&key);
        self.unsuited.insert(key.1);
    }

    /// The randomness of the block that included a task: what the chain recorded of it, or else the block's own state.
    async fn randomness(&self, at: &At, included: &Inclusion) -> Result<Option<[u8; 32]>, ChainError> {
        if included.number == at.number() {
            return at.author_randomness().await;
        }
        match at.recorded_randomness(included.number).await? {
            Some(randomness) => Ok(Some(randomness)),
            None => self.chain.at(included.hash).await?.author_randomness().await,
        }
    }

    /// The bond, if some of it has matured; says once that it has not.
    async fn mature_bond(&mut self, at: &At) -> Result<Option<types::Bond>, ChainError> {
        let bond = at.bond(self.account).await?;
        if let Some(bond) = bond.as_ref().filter(|bond| bond.mature(at.number()) > 0) {
            self.waiting_for_bond = false;
            return Ok(Some(bond.clone()));
        }
        if !self.waiting_for_bond {
            self.waiting_for_bond = true;
            let from = bond.and_then(|bond| bond.maturing.iter().map(|(_, block)| *block).min());
            match from {
                Some(block) => tracing::info!(block, now = at.number(), "waiting for the bond to mature"),
                None => tracing::warn!(account = %self.account, "the account has no bond: give --bond AMOUNT"),
            }
        }
        Ok(None)
    }

    /// Takes in news from beside the main loop.
    async fn report(&mut self, report: Report) -> Result<(), Stop> {
        match report {
            Report::Run { task, included, result } => self.ran(*task, included, result).await,
            Report::Step { task, action, result } => self.stepped(task, action, result),
        }
    }

    async fn ran(
        &mut self,
        task: types::Task,
        included: Inclusion,
        result: Result<Answer, EngineError>,
    ) -> Result<(), Stop> {
        self.runs.remove(&task.id);
        match result {
            Ok(answer) if answer.output.len() > MAX_INLINE as usize => {
                tracing::warn!(task = ?task.id, bytes = answer.output.len(), "leaving a task whose answer is too long");
                Metrics::count(&self.metrics.runs, "too-long");
                self.unsuited.insert(task.id);
            }
            Ok(answer) => {
                Metrics::count(&self.metrics.runs, "done");
                self.metrics.run_seconds.observe(answer.seconds);
                self.metrics.tokens.inc_by(answer.tokens as u64);
                let seconds = (answer.seconds * 1_000.0).round() / 1_000.0;
                tracing::info!(task = ?task.id, tokens = answer.tokens, seconds, "computed");
                let mut salt = [0u8; 32];
                getrandom::fill(&mut salt)
                    .map_err(|error| Stop::Fatal(Failure::Other(format!("the system gives no randomness: {error}"))))?;
                let job = Job {
                    task: task.id,
                    model: task.model,
                    included,
                    salt,
                    output: answer.output,
                    trace: answer.trace,
                    sent_until: None,
                    phase: Phase::Recorded,
                };
                self.journal.record(&job)?;
                self.jobs.insert(job.task, job);
            }
            Err(EngineError::Stopped) => {
                Metrics::count(&self.metrics.runs, "stopped");
                tracing::info!(task = ?task.id, "stopped a run that is not wanted any more");
            }
            Err(error) => {
                Metrics::count(&self.metrics.runs, "failed");
                tracing::warn!(task = ?task.id, %error, "leaving a task that the model cannot do");
                self.unsuited.insert(task.id);
            }
        }
        // The commitment goes out at once, not with the next block, and so does the next run.
        let at = self.chain.best().await?;
        let finalized = self.chain.finalized().await?;
        self.consider(task.id, &at, &finalized).await?;
        if !self.jobs.contains_key(&task.id) {
            if let Some(task) = at.task(task.id).await?.filter(|task| task.state == decide::State::Open) {
                self.admit(task, finalized.number())?;
            }
        }
        self.start(&at).await
    }

    fn forget_pending(&mut self, task: &TaskId, action: Action) {
        if self.pending.get(task).is_some_and(|pending| pending.action == action) {
            self.pending.remove(task);
        }
    }

    /// Takes in what became of a step.
    fn stepped(&mut self, task: TaskId, action: Action, result: Result<TxOutcome, Refusal>) -> Result<(), Stop> {
        let block = self.last.map_or(0, |head| head.number);
        let reason = match result {
            Ok(TxOutcome::Included { number, result: Ok(_), .. }) => {
                tracing::info!(?task, ?action, block = number, "in a block");
                // The next look at this height or above shows it; a look may have been quicker than this news.
                if let Some(pending) = self.pending.get_mut(&task).filter(|pending| pending.action == action) {
                    pending.included = Some(number);
                    self.failures.remove(&task);
                }
                return Ok(());
            }
            Ok(TxOutcome::Included { result: Err(error), .. }) => error,
            Ok(TxOutcome::Dropped(reason)) => reason,
            Err(Refusal::Chain(error @ ChainError::Incompatible(_))) => return Err(error.into()),
            // The main loop notices a lost connection itself, and tries again when it is back.
            Err(Refusal::Chain(_)) => {
                self.forget_pending(&task, action);
                return Ok(());
            }
            Err(refusal) => refusal.to_string(),
        };
        self.forget_pending(&task, action);
        Metrics::count(&self.metrics.failed, name(action));
        let count = self.failures.get(&task).map_or(0, |failures| failures.count).saturating_add(1);
        let again = if count < FAILURES { block.saturating_add(1 << count) } else { BlockNumber::MAX };
        self.failures.insert(task, Failures { count, again });
        if count < FAILURES {
            tracing::warn!(?task, ?action, reason, again, "a step failed and is tried again");
        } else {
            tracing::error!(?task, ?action, reason, "a step failed too often and is left until the next start");
        }
        Ok(())
    }
}

/// What the solver would get for a task: its part of the fee, and of the reward as it stands now.
fn income(task: &types::Task, reward: Balance) -> Balance {
    let fee = task.fee.saturating_sub(task.model_fee).saturating_mul(SOLVER_OF_FEE) / 1_000;
    fee.saturating_add(reward.saturating_mul(SOLVER_OF_REWARD) / 1_000)
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Commit => "commit",
        Action::Reveal => "reveal",
        Action::Claim => "claim",
        Action::Withdraw => "withdraw_commitment",
        Action::Wait | Action::Restart | Action::End(_) => "none",
    }
}

/// A time without the node: what is said about it, and how often.
struct Outage {
    since: Instant,
    attempts: u32,
}

impl Outage {
    fn new() -> Self {
        Self { since: Instant::now(), attempts: 0 }
    }

    /// Says that the node is away: at once, then ever more rarely.
    fn say(&mut self, error: &ChainError) {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts.is_power_of_two() {
            tracing::warn!(%error, seconds = self.since.elapsed().as_secs(), "the node is away; waiting for it");
        }
    }

    fn pause(&self) -> Duration {
        Duration::from_millis(250 << self.attempts.min(5))
    }
}
