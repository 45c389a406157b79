//! A worker at work: follows the chain, and has its [solver](crate::solver) and its [verifier](crate::verifier) look at
//! each block. One process, one key, one journal and one thread that runs models serve both.
//!
//! What must survive a kill is in the journal before it is done, so a worker that starts again looks at journal and
//! chain and goes on where it was.

pub mod models;
pub mod runner;
pub(crate) mod shared;
pub(crate) mod steps;

use crate::{
    amount,
    chain::{types, Chain, ChainError, Head, Refusal, Sender, TxOutcome},
    failure::Failure,
    journal::{Inclusion, Journal, JournalError},
    metrics::Metrics,
    previews::Board,
    solver::{
        decide::{self, State},
        Solver,
    },
    verifier::{self, Verifier},
};
use assay_engine::EngineError;
use assay_peers::{FetchError, Peers};
use assay_types::{BlockNumber, TaskId};
use futures::FutureExt;
use models::{Answer, Served};
use runner::Runner;
use shared::{Look, Runs, Shared};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    future::Future,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Blocks after which the whole task map is looked at again, whatever the events said.
const RESCAN: BlockNumber = 200;
/// Blocks for which ended records are kept.
const KEEP: BlockNumber = 100_000;
/// Longest silence of the node before the connection is made anew: many block times.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);

/// What a worker works with.
pub struct Parts {
    /// The connection.
    pub chain: Chain,
    /// Sends transactions.
    pub sender: Sender,
    /// Where results are recorded.
    pub journal: Journal,
    /// The models that are served.
    pub served: Vec<Served>,
    /// Exchanges payloads with others; `None` where that is off.
    pub peers: Option<Peers>,
    /// Shows owners of tasks what is drawn for them; `None` where that is off.
    pub previews: Option<Board>,
    /// Bytes of the longest input that is taken on.
    pub max_input: u32,
    /// What the operator wants of a task; `None` takes no new tasks on.
    pub solve: Option<decide::Policy>,
    /// Which solutions of others are checked; `None` takes up no new ones.
    pub verify: Option<verifier::Policy>,
    /// What is counted.
    pub metrics: Metrics,
    /// Runs models.
    pub runner: Runner,
    /// Tasks that are run together at most.
    pub batch: usize,
}

/// For what something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// To be paid for an answer.
    Solver,
    /// To judge the answer of another.
    Verifier,
}

/// News from what runs beside the main loop.
pub(crate) enum Report {
    Run { role: Role, task: Box<types::Task>, included: Inclusion, result: Result<Answer, EngineError> },
    Fetched { role: Role, task: TaskId, result: Result<Vec<u8>, FetchError> },
    Step { role: Role, task: TaskId, call: &'static str, result: Result<TxOutcome, Refusal> },
}

/// Why a look at the chain ended.
#[derive(Debug)]
pub(crate) enum Stop {
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

/// A worker at work.
pub struct Worker {
    shared: Shared,
    solver: Solver,
    verifier: Verifier,
    last: Option<Head>,
    scanned: BlockNumber,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Worker {
    /// A worker that takes up what its journal says is unfinished.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn new(parts: Parts) -> Result<Self, Failure> {
        let Parts { chain, sender, journal, served, peers, previews, max_input, solve, verify, metrics, runner, batch } =
            parts;
        let (reporter, reports) = mpsc::unbounded_channel();
        let solver = Solver::new(&journal, solve)?;
        let verifier = Verifier::new(&journal, verify)?;
        let shared = Shared {
            account: sender.account(),
            served: served.into_iter().map(|model| (model.id, model)).collect(),
            peers,
            previews,
            max_input,
            inputs: HashMap::new(),
            offered: HashSet::new(),
            runs: Runs { runner, batch, running: BTreeMap::new() },
            reserved: BTreeMap::new(),
            waiting_for_bond: false,
            chain,
            sender,
            journal,
            metrics,
            reporter,
        };
        Ok(Self { shared, solver, verifier, last: None, scanned: 0, reports })
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
                    self.shared.runs.running.values().for_each(shared::Run::stop);
                    let (jobs, ballots) = (self.solver.unfinished(), self.verifier.unfinished());
                    tracing::info!(jobs, ballots, "stopping; the journal keeps what is unfinished");
                    return Ok(());
                }
                Some(Stop::Fatal(failure)) => return Err(failure),
                Some(Stop::Lost(error)) => {
                    let outage = outage.get_or_insert_with(|| {
                        self.shared.metrics.disconnects.inc();
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
        let chain = self.shared.chain.clone();
        let genesis = chain.hash_at(0).await?;
        if genesis.is_some_and(|genesis| genesis != chain.genesis()) {
            let message = format!("the node at {} now serves another chain: {genesis:?}", chain.url());
            return Err(Stop::Fatal(Failure::WrongChain(message)));
        }
        let mut heads = chain.heads().await?;
        let best = chain.best().await?;
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
        let begin = Instant::now();
        let best = self.shared.chain.at(head.hash).await?;
        let finalized = self.shared.chain.finalized().await?;
        let look = Look { best: &best, finalized: &finalized };
        if let Some(previews) = &self.shared.previews {
            previews.at(head.number);
        }
        self.discover(look, head).await?;
        self.last = Some(head);

        self.solver.block(&mut self.shared, look).await?;
        self.verifier.block(&mut self.shared, look).await?;
        self.stop_runs(look).await?;
        // What nobody waits for any more is not fetched.
        let (solver, verifier) = (&self.solver, &self.verifier);
        self.shared.inputs.retain(|task, _| solver.considers(task) || verifier.watches(task));
        self.start(look).await?;

        if head.number.is_multiple_of(RESCAN) {
            self.shared.journal.prune(finalized.number().saturating_sub(KEEP))?;
        }
        let (free, _) = best.balance(self.shared.account).await?;
        self.shared.metrics.balance_asy.set(amount::in_asy(free));
        self.shared.metrics.best_block.set(i64::from(head.number));
        self.shared.metrics.block_seconds.observe(begin.elapsed().as_secs_f64());
        tracing::debug!(number = head.number, "block");
        Ok(())
    }

    /// Finds tasks of the models that are served: by the block's events where it follows the last one that was looked
    /// at, by the whole map otherwise.
    async fn discover(&mut self, look: Look<'_>, head: Head) -> Result<(), Stop> {
        let at = look.best;
        let follows = self.last.is_some_and(|last| last.hash == head.parent);
        let stale = head.number.saturating_sub(self.scanned) >= RESCAN;
        if self.last.is_some_and(|last| last.hash == head.hash) {
            return Ok(());
        }
        let found = if follows && !stale {
            let mut named = BTreeSet::new();
            for event in at.events().await? {
                match event {
                    types::Event::Submitted { task, model, .. } if self.shared.served.contains_key(&model) => {
                        named.insert(task);
                    }
                    types::Event::Revealed { task, .. } | types::Event::Contested { task, .. }
                        if self.verifier.is_watching() =>
                    {
                        named.insert(task);
                    }
                    types::Event::Resolved { task, verdict } => self.verifier.resolved(&self.shared, &task, verdict),
                    _ => {}
                }
            }
            let mut found = Vec::new();
            for task in named {
                found.extend(at.task(task).await?);
            }
            found
        } else {
            self.scanned = head.number;
            let all = at.tasks().await?;
            let known: HashSet<_> = all.iter().map(|task| task.id).collect();
            self.solver.retain(&known);
            self.verifier.retain(&known);
            let alive: HashSet<_> = all.iter().filter(|task| !task.state.has_ended()).map(|task| task.id).collect();
            self.shared.release(|task| alive.contains(task)).await;
            all
        };
        for task in found.into_iter().filter(|task| self.shared.served.contains_key(&task.model)) {
            match task.state {
                State::Open => self.solver.admit(&self.shared, task, look.finalized.number())?,
                State::Solved | State::Disputed => self.verifier.admit(&self.shared, task, look).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Stops the runs that nobody wants any more. A run that began for the solver goes on where the verifier wants its
    /// result.
    async fn stop_runs(&mut self, look: Look<'_>) -> Result<(), Stop> {
        for (task, run) in &self.shared.runs.running {
            let solver = run.role == Role::Solver && self.solver.wants(&self.shared, task, run, look).await?;
            if !solver && !self.verifier.wants(&self.shared, task, run, look).await? {
                run.stop();
            }
        }
        Ok(())
    }

    /// Starts runs, as many as are run together. Checks come first: their time is short.
    async fn start(&mut self, look: Look<'_>) -> Result<(), Stop> {
        self.verifier.start(&mut self.shared, look).await?;
        self.solver.start(&mut self.shared, look).await
    }

    /// Takes in news from beside the main loop.
    async fn report(&mut self, report: Report) -> Result<(), Stop> {
        match report {
            Report::Run { role, task, included, result } => self.ran(role, *task, included, result).await,
            Report::Fetched { role, task, result } => {
                match self.shared.fetched(task, result) {
                    Ok(()) => tracing::debug!(?task, "an input has come"),
                    Err(error) => {
                        tracing::warn!(?task, %error, "leaving a task whose input cannot be had from peers");
                        match role {
                            Role::Solver => self.solver.leave(task),
                            Role::Verifier => self.verifier.leave(task),
                        }
                    }
                }
                let (best, finalized) = (self.shared.chain.best().await?, self.shared.chain.finalized().await?);
                self.start(Look { best: &best, finalized: &finalized }).await
            }
            Report::Step { role, task, call, result } => {
                let block = self.last.map_or(0, |head| head.number);
                let metrics = &self.shared.metrics;
                let steps = match role {
                    Role::Solver => &mut self.solver.steps,
                    Role::Verifier => &mut self.verifier.steps,
                };
                steps.sent(metrics, task, call, result, block)
            }
        }
    }

    async fn ran(
        &mut self,
        role: Role,
        task: types::Task,
        included: Inclusion,
        result: Result<Answer, EngineError>,
    ) -> Result<(), Stop> {
        self.shared.runs.running.remove(&task.id);
        if let (Some(previews), true) = (&self.shared.previews, result.is_err()) {
            previews.forget(&task.id);
        }
        let (best, finalized) = (self.shared.chain.best().await?, self.shared.chain.finalized().await?);
        let look = Look { best: &best, finalized: &finalized };
        let metrics = &self.shared.metrics;
        match result {
            Ok(answer) => {
                Metrics::count(&metrics.runs, "done");
                metrics.run_seconds.observe(answer.seconds);
                metrics.tokens.inc_by(answer.tokens as u64);
                let seconds = (answer.seconds * 1_000.0).round() / 1_000.0;
                tracing::info!(task = ?task.id, tokens = answer.tokens, seconds, "computed");
                match role {
                    Role::Solver => self.solver.computed(&self.shared, &task, included, answer)?,
                    Role::Verifier => self.verifier.computed(&mut self.shared, &task, included, answer, look).await?,
                }
            }
            Err(EngineError::Stopped) => {
                Metrics::count(&metrics.runs, "stopped");
                tracing::info!(task = ?task.id, "stopped a run that is not wanted any more");
            }
            Err(error) => {
                Metrics::count(&metrics.runs, "failed");
                tracing::warn!(task = ?task.id, %error, "leaving a task that the model cannot do");
                self.solver.leave(task.id);
                self.verifier.leave(task.id);
            }
        }
        // The result goes out at once, not with the next block, and so does the next run.
        self.solver.consider(&mut self.shared, task.id, look).await?;
        self.verifier.consider(&mut self.shared, task.id, look).await?;
        if let Some(task) = best.task(task.id).await?.filter(|task| task.state == State::Open) {
            self.solver.admit(&self.shared, task, finalized.number())?;
        }
        self.start(look).await
    }
}

/// A time without the node: what is said about it, and how often.
pub(crate) struct Outage {
    pub since: Instant,
    attempts: u32,
}

impl Outage {
    pub fn new() -> Self {
        Self { since: Instant::now(), attempts: 0 }
    }

    /// Says that the node is away: at once, then ever more rarely.
    pub fn say(&mut self, error: &ChainError) {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts.is_power_of_two() {
            tracing::warn!(%error, seconds = self.since.elapsed().as_secs(), "the node is away; waiting for it");
        }
    }

    pub fn pause(&self) -> Duration {
        Duration::from_millis(250 << self.attempts.min(5))
    }
}
