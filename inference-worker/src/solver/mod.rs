//! The solver: picks tasks, has their models run, and carries each result through commitment, reveal and claim; where its
//! solution is contested, it shows the trace.
//!
//! [`decide`] says what to do, purely; this module looks at the chain, asks it, and does it.

pub mod decide;

use crate::{
    amount,
    chain::{types, Call, ChainError, Terms},
    failure::Failure,
    journal::{Inclusion, Job, Journal, JournalError, Outcome, Phase, Record as JournalRecord},
    metrics::Metrics,
    payloads,
    previews::wire::End,
    work::{
        models::Answer,
        shared::{Asked, Look, Run, Shared},
        steps::Steps,
        Role, Stop,
    },
};
use assay_types::{Balance, BlockNumber, TaskId};
use decide::{
    decide, judge, observed, still_wanted, Action, ChainView, CommitmentView, DisputeView, Offer, Policy, Record,
    State, BLOCKS_TO_REVEAL, BLOCK_SECONDS,
};
use std::collections::{BTreeMap, HashSet};

/// Open tasks that are looked at in one block, the oldest first.
const CANDIDATES: usize = 64;
/// The solver's part of a fee after the model's own, and of a minted reward, in thousandths.
const SOLVER_OF_FEE: u128 = 900;
const SOLVER_OF_REWARD: u128 = 720;
/// How many times fee and reward a solver pledges of its bond for a solution. The runtime's least stake is left out: it is
/// no more than the least bond, and decides only where fee and reward are next to nothing.
const STAKE: u128 = 4;

/// The solver of a worker.
pub(crate) struct Solver {
    /// What the operator wants of a task; `None` takes no new tasks on, and ends those of the journal.
    policy: Option<Policy>,
    /// Open tasks without a record, oldest first.
    candidates: BTreeMap<(BlockNumber, TaskId), types::Task>,
    /// Records that have not ended.
    jobs: BTreeMap<TaskId, Job>,
    /// Tasks that this solver cannot or will not do.
    unsuited: HashSet<TaskId>,
    pub steps: Steps,
    /// Whether no block has been looked at since the start.
    resumed: bool,
}

impl Solver {
    /// A solver that takes up the unfinished jobs of the journal.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn new(journal: &Journal, policy: Option<Policy>) -> Result<Self, Failure> {
        let jobs: BTreeMap<_, _> = journal.jobs().unfinished()?.into_iter().map(|job| (job.task, job)).collect();
        for job in jobs.values() {
            tracing::info!(task = ?job.task, phase = ?job.phase, "taking up a job of the journal");
        }
        Ok(Self {
            policy,
            candidates: BTreeMap::new(),
            jobs,
            unsuited: HashSet::new(),
            steps: Steps::new(Role::Solver),
            resumed: true,
        })
    }

    /// Jobs that have not ended.
    pub fn unfinished(&self) -> usize {
        self.jobs.len()
    }

    /// Takes the next step of every job, and looks at the open tasks anew.
    pub async fn block(&mut self, shared: &mut Shared, look: Look<'_>) -> Result<(), Stop> {
        let block = look.best.number();
        self.steps.look(block);
        if std::mem::take(&mut self.resumed) {
            // A commitment that was sent before a restart has the time to appear: one that is still in the node's pool
            // need not be sent, and paid for, twice.
            for job in self.jobs.values().filter(|job| job.phase == Phase::Recorded && job.sent_until.is_some()) {
                self.steps.rest(job.task, "commit", block.saturating_add(2));
            }
        }
        let tasks: Vec<_> = self.jobs.keys().copied().collect();
        for task in tasks {
            self.consider(shared, task, look).await?;
        }
        self.refresh(look).await?;
        shared.metrics.open_tasks.set(self.candidates.len() as i64);
        shared.metrics.unfinished_jobs.set(self.jobs.len() as i64);
        Ok(())
    }

    /// Makes an open task a candidate, unless there is a record of it. `finalized` is the height that stays.
    pub fn admit(&mut self, shared: &Shared, task: types::Task, finalized: BlockNumber) -> Result<(), Stop> {
        let known = self.jobs.contains_key(&task.id) || shared.runs.running.contains_key(&task.id);
        if self.policy.is_none() || known || self.unsuited.contains(&task.id) {
            return Ok(());
        }
        if let Some(job) = shared.journal.jobs().get(&task.id)? {
            // Only a task that a fork took away and brought back can be open with a record that ended.
            match shared.journal.jobs().restart(&job.task, finalized, None) {
                Ok(()) => {}
                Err(JournalError::Fixed(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        if self.candidates.insert((task.submitted_at, task.id), task.clone()).is_none() {
            tracing::info!(task = ?task.id, model = ?task.model, fee = %amount::format(task.fee), "an open task");
        }
        Ok(())
    }

    /// Forgets what it had against tasks that the chain does not know any more.
    pub fn retain(&mut self, known: &HashSet<TaskId>) {
        self.unsuited.retain(|task| known.contains(task));
    }

    /// Leaves a task to others for good.
    pub fn leave(&mut self, task: TaskId) {
        self.candidates.retain(|(_, candidate), _| *candidate != task);
        self.unsuited.insert(task);
    }

    /// Whether an open task may still be started.
    pub fn considers(&self, task: &TaskId) -> bool {
        self.candidates.keys().any(|(_, candidate)| candidate == task)
    }

    fn leave_candidate(&mut self, key: (BlockNumber, TaskId)) {
        self.candidates.remove(&key);
        self.leave(key.1);
    }

    /// Drops candidates that are not open any more.
    async fn refresh(&mut self, look: Look<'_>) -> Result<(), Stop> {
        let keys: Vec<_> = self.candidates.keys().copied().take(CANDIDATES).collect();
        for key in keys {
            self.candidates.remove(&key);
            if let Some(task) = look.best.task(key.1).await?.filter(|task| task.state == State::Open) {
                self.candidates.insert((task.submitted_at, task.id), task);
            }
        }
        Ok(())
    }

    /// Whether a run that is under way may still earn something.
    pub async fn wants(&self, shared: &Shared, task: &TaskId, run: &Run, look: Look<'_>) -> Result<bool, Stop> {
        let (view, _) = view(shared, *task, look).await?;
        Ok(still_wanted(&run.included, &view))
    }

    /// Takes the next step of a job, if it is time for one.
    pub async fn consider(&mut self, shared: &mut Shared, task: TaskId, look: Look<'_>) -> Result<(), Stop> {
        let Some(job) = self.jobs.get(&task).cloned() else { return Ok(()) };
        let (view, found) = view(shared, task, look).await?;
        let mut record = record_of(shared, &job);
        if let Some(phase) = observed(&record, &view) {
            tracing::info!(?task, ?phase, block = view.block, "the chain shows the job's next phase");
            self.jobs.insert(task, shared.journal.jobs().advance(&task, phase)?);
            record.phase = phase;
            // Whoever commits to the same answer from here on comes too late, so the rest of it can be shown.
            if let (Some(previews), Phase::Committed | Phase::Revealed) = (&shared.previews, phase) {
                let end = End { output: payloads::cid(&job.output), commitment: record.commitment };
                previews.end(&task, job.included, end);
            }
            self.steps.moved_on(&task);
        }
        let action = decide(&record, &view);
        let call = match action {
            Action::Wait => {
                self.steps.idle(&task);
                return Ok(());
            }
            Action::End(_) => return self.end(shared, task, &record, look).await,
            Action::Restart => {
                tracing::warn!(?task, "the task moved to another block: computing it anew");
                shared.journal.jobs().restart(&task, view.finalized, view.task.map(|task| task.included))?;
                self.jobs.remove(&task);
                self.steps.forget(&task);
                if let Some(found) = found {
                    self.admit(shared, found, view.finalized)?;
                }
                return Ok(());
            }
            Action::Commit => Call::Commit { task, hash: record.commitment },
            Action::Reveal => {
                let trace_seal = job.trace_seal(&shared.account);
                // Before anybody looks for it. What cannot be had is not shown, and is tried again with the next block.
                if !shared.offer(task, &job.output).await {
                    return Ok(());
                }
                Call::Reveal { task, salt: job.salt, trace_seal, output: payloads::on_chain(job.output.clone()) }
            }
            Action::Claim => Call::Claim { task },
            Action::Withdraw => Call::WithdrawCommitment { task },
            Action::OpenSolution => Call::OpenSolution { task, trace: job.trace },
            Action::Settle => Call::Settle { task },
        };
        if !self.steps.is_due(task, call.name(), view.block) {
            return Ok(());
        }
        let mut terms = Terms::default();
        if matches!(action, Action::Commit | Action::Reveal) {
            // Right for one seed alone: a fork that has the task in another block must not take it.
            terms.upon = Some(job.included);
        }
        if action == Action::Commit {
            let until = Shared::valid_until(view.block);
            // On disk before the node hears of it: from here on the result never changes.
            self.jobs.insert(task, shared.journal.jobs().mark_sent(&task, until)?);
            terms.not_after = Some(until);
        }
        self.steps.send(shared, task, call, terms);
        Ok(())
    }

    /// Ends a job once what ended it cannot be undone.
    async fn end(&mut self, shared: &Shared, task: TaskId, record: &Record, look: Look<'_>) -> Result<(), Stop> {
        let final_look = Look { best: look.finalized, ..look };
        let (view, _) = view(shared, task, final_look).await?;
        let Action::End(outcome) = decide(record, &view) else { return Ok(()) };
        shared.journal.jobs().advance(&task, Phase::Ended(outcome))?;
        self.jobs.remove(&task);
        self.steps.forget(&task);
        if let Some(previews) = &shared.previews {
            previews.forget(&task);
        }
        let kind = match outcome {
            Outcome::Paid => "paid",
            Outcome::Lost => "lost",
            Outcome::Forfeited => "forfeited",
            Outcome::Vanished => "vanished",
            Outcome::Fallen => "fallen",
        };
        Metrics::count(&shared.metrics.jobs, kind);
        tracing::info!(?task, outcome = kind, "a job has ended");
        Ok(())
    }

    /// Starts runs, as many as are run together.
    pub async fn start(&mut self, shared: &mut Shared, look: Look<'_>) -> Result<(), Stop> {
        let Some(policy) = self.policy else { return Ok(()) };
        if !shared.has_room() || self.candidates.is_empty() {
            return Ok(());
        }
        let at = look.best;
        let (running, jobs) = (&shared.runs.running, &self.jobs);
        shared.reserved.retain(|(role, task), _| {
            let prepared = running.contains_key(task) || jobs.get(task).is_some_and(|job| job.phase == Phase::Recorded);
            *role != Role::Solver || prepared
        });
        let Some(bond) = shared.bond(at).await? else { return Ok(()) };
        let mut free = bond.free;
        let keys: Vec<_> = self.candidates.keys().copied().collect();
        for key in keys {
            if !shared.has_room() {
                break;
            }
            let Some(task) = self.candidates.get(&key).cloned() else { continue };
            let Some(served) = shared.served.get(&task.model).cloned() else { continue };
            let reward = at.quote(&task).await?;
            // A pledge comes back when its task is settled, so the task waits and is not left.
            let stake = task.fee.saturating_add(reward).saturating_mul(STAKE);
            if free < stake {
                tracing::debug!(task = ?task.id, stake = %amount::format(stake), "the bond is too small or pledged");
                continue;
            }
            let Some(asked) = at.input(task.id).await? else { continue };
            let seconds = served.local.expected_seconds(&asked.parameters);
            let offer = Offer { income: income(&task, reward), seconds, deadline: task.deadline };
            if let Err(reason) = judge(&offer, &policy, at.number()) {
                tracing::info!(task = ?task.id, %reason, "leaving a task to others");
                self.leave_candidate(key);
                continue;
            }
            let most = served.local.model.longest_output(&asked.parameters);
            if shared.peers.is_none() && !payloads::is_inline(most) {
                let reason = "its output may have to travel between peers, and --peers-listen is off";
                tracing::info!(task = ?task.id, reason, "leaving a task to others");
                self.leave_candidate(key);
                continue;
            }
            // Once the input is here, the run and the reveal need their time.
            let blocks = seconds.div_ceil(BLOCK_SECONDS).saturating_add(BLOCKS_TO_REVEAL);
            let until = task.deadline.saturating_sub(BlockNumber::try_from(blocks).unwrap_or(BlockNumber::MAX));
            let question = match shared.question(at, Role::Solver, &task, asked, until).await? {
                Asked::Ready(question) => question,
                Asked::Coming => continue,
                Asked::Unfit(reason) => {
                    tracing::info!(task = ?task.id, reason, "leaving a task to others");
                    self.leave_candidate(key);
                    continue;
                }
            };
            self.candidates.remove(&key);
            shared.reserved.insert((Role::Solver, task.id), stake);
            free = free.saturating_sub(stake);
            shared.run(Role::Solver, task, &served, question, None);
        }
        Ok(())
    }

    /// Takes in the answer to a task.
    pub fn computed(
        &mut self,
        shared: &Shared,
        task: &types::Task,
        included: Inclusion,
        answer: Answer,
    ) -> Result<(), Stop> {
        let job = JournalRecord::new(task.id, task.model, included, answer.output, answer.trace, Phase::Recorded)?;
        shared.journal.jobs().record(&job)?;
        self.jobs.insert(job.task, job);
        Ok(())
    }
}

/// Everything about a task that matters to its job.
async fn view(shared: &Shared, task: TaskId, look: Look<'_>) -> Result<(ChainView, Option<types::Task>), ChainError> {
    let at = look.best;
    let found = at.task(task).await?;
    let commitment = at.commitment(task, shared.account).await?;
    let solution = at.solution(task).await?;
    let own = solution.as_ref().is_some_and(|solution| solution.solver == shared.account);
    let mut view = ChainView {
        block: at.number(),
        finalized: look.finalized.number(),
        task: None,
        commitment: commitment.map(|(hash, at)| CommitmentView { hash, at }),
        solution: solution.map(|solution| decide::SolutionView {
            own,
            committed_at: solution.committed_at,
            first_revealed_at: solution.first_revealed_at,
        }),
        dispute: None,
    };
    if let Some(found) = &found {
        let included = shared.chain.inclusion(at, found.submitted_at).await?;
        view.task = Some(found.view(included.hash, &shared.account));
        if own && found.state == State::Disputed {
            view.dispute = at.dispute(task).await?.map(|dispute| DisputeView {
                votes_until: dispute.votes_until,
                opens_until: dispute.opens_until,
                opened: dispute.solver_opened,
            });
        }
    }
    Ok((view, found))
}

fn record_of(shared: &Shared, job: &Job) -> Record {
    Record {
        commitment: job.commitment(&shared.chain.genesis(), &shared.account),
        included: job.included,
        sent_until: job.sent_until,
        phase: job.phase,
    }
}

/// What the solver would get for a task: its part of the fee, and of the reward as it stands now.
fn income(task: &types::Task, reward: Balance) -> Balance {
    let fee = task.fee.saturating_sub(task.model_fee).saturating_mul(SOLVER_OF_FEE) / 1_000;
    fee.saturating_add(reward.saturating_mul(SOLVER_OF_REWARD) / 1_000)
}
