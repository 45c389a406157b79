//! The verifier: computes others' solutions again, contests those that are wrong, and votes in disputes over the models
//! that it serves, always with a result of its own.
//!
//! [`decide`] says what to do, purely; this module looks at the chain, asks it, and does it. A result that the solver
//! beside it computed for the same task is used as it is.

pub mod decide;
mod policy;

pub use policy::Policy;

use crate::{
    amount,
    chain::{
        types::{self, Verdict},
        Call, ChainError, Terms,
    },
    failure::Failure,
    journal::{Ballot, BallotOutcome, BallotPhase, Inclusion, Journal, JournalError, Record as JournalRecord},
    metrics::Metrics,
    solver::decide::{State, BLOCK_SECONDS},
    work::{
        models::Answer,
        shared::{Asked, Look, Run, Shared},
        steps::Steps,
        Role, Stop,
    },
};
use assay_types::{Balance, BlockNumber, TaskId};
use decide::{
    decide, observed, wanted_until, Action, ChainView, DisputeView, Part, Record, SealView, SolutionView, TaskView,
};
use futures::future::try_join_all;
use std::collections::{BTreeMap, HashSet};

/// Part of its mature bond that a voter stakes on a ballot, unless the parties stake less.
const BALLOT_STAKE: Balance = 10;
/// Blocks over which voters spread who has a dispute settled.
const SPREAD: u64 = 8;

/// Tasks that the node is asked about at the same time.
const QUESTIONS: usize = 32;

/// Everything about a task that matters to its ballot, and the task itself if it is there.
type Seen = (ChainView, Option<types::Task>);

/// The verifier of a worker.
pub(crate) struct Verifier {
    /// Which solutions are checked; `None` leaves others alone, and ends the ballots of the journal.
    policy: Option<Policy>,
    /// Draws which solutions are checked.
    secret: [u8; 32],
    /// Results that have not done their service.
    ballots: BTreeMap<TaskId, Ballot>,
    /// Tasks of which an own result is wanted.
    watched: BTreeMap<TaskId, types::Task>,
    /// Tasks that cannot be computed here.
    unsuited: HashSet<TaskId>,
    /// Tasks of which it was said that too little of the bond is free.
    short: HashSet<TaskId>,
    pub steps: Steps,
}

impl Verifier {
    /// A verifier that takes up the unfinished ballots of the journal.
    ///
    /// # Errors
    /// The journal cannot be used.
    pub fn new(journal: &Journal, policy: Option<Policy>) -> Result<Self, Failure> {
        let ballots: BTreeMap<_, _> =
            journal.ballots().unfinished()?.into_iter().map(|ballot| (ballot.task, ballot)).collect();
        for ballot in ballots.values() {
            tracing::info!(task = ?ballot.task, phase = ?ballot.phase, "taking up a ballot of the journal");
        }
        Ok(Self {
            policy,
            secret: journal.secret()?,
            ballots,
            watched: BTreeMap::new(),
            unsuited: HashSet::new(),
            short: HashSet::new(),
            steps: Steps::new(Role::Verifier),
        })
    }

    /// Whether it takes up new tasks.
    pub fn is_watching(&self) -> bool {
        self.policy.is_some()
    }

    /// Ballots that have not ended.
    pub fn unfinished(&self) -> usize {
        self.ballots.len()
    }

    /// Takes the next step of every ballot, and looks at the watched tasks anew.
    pub async fn block(&mut self, shared: &mut Shared, look: Look<'_>) -> Result<(), Stop> {
        self.steps.look(look.best.number());
        let tasks: Vec<_> = self.ballots.keys().chain(self.watched.keys()).copied().collect();
        for some in tasks.chunks(QUESTIONS) {
            // Asked together: many answers take little longer than one.
            let views = some.iter().map(|task| view(shared, *task, self.ballots.get(task), look));
            let views = try_join_all(views).await?;
            for (task, seen) in some.iter().zip(views) {
                self.step(shared, *task, seen, look).await?;
            }
        }
        shared.metrics.unfinished_ballots.set(self.ballots.len() as i64);
        Ok(())
    }

    /// Takes up a task that is solved or disputed, if that is any business of this worker.
    pub async fn admit(&mut self, shared: &Shared, task: types::Task, look: Look<'_>) -> Result<(), Stop> {
        let known = self.ballots.contains_key(&task.id) || self.unsuited.contains(&task.id);
        if !self.is_watching() || known {
            return Ok(());
        }
        if shared.journal.ballots().get(&task.id)?.is_some() {
            // Only a task that a fork took away and brought back can be alive with a record that ended.
            match shared.journal.ballots().restart(&task.id, look.finalized.number(), None) {
                Ok(()) => {}
                Err(JournalError::Fixed(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        let chosen = self.chooses(&task) || task.state == State::Disputed;
        if chosen || shared.journal.jobs().get(&task.id)?.is_some() {
            self.watched.insert(task.id, task);
        }
        Ok(())
    }

    /// Whether the operator wants the solution of a task checked.
    fn chooses(&self, task: &types::Task) -> bool {
        let value = task.fee.saturating_add(task.reward);
        self.policy.is_some_and(|policy| policy.chooses(&task.id, value, &self.secret))
    }

    /// Forgets what it had against tasks that the chain does not know any more.
    pub fn retain(&mut self, known: &HashSet<TaskId>) {
        self.unsuited.retain(|task| known.contains(task));
    }

    /// Whether an own result of a task is wanted.
    pub fn watches(&self, task: &TaskId) -> bool {
        self.watched.contains_key(task)
    }

    /// Leaves a task for good.
    pub fn leave(&mut self, task: TaskId) {
        self.watched.remove(&task);
        self.unsuited.insert(task);
    }

    /// Takes in the verdict of a dispute.
    pub fn resolved(&self, shared: &Shared, task: &TaskId, verdict: Verdict) {
        if self.ballots.contains_key(task) {
            let kind = match verdict {
                Verdict::Falls => "falls",
                Verdict::Stands => "stands",
                Verdict::Inconclusive => "inconclusive",
            };
            Metrics::count(&shared.metrics.verdicts, kind);
            tracing::info!(?task, verdict = kind, "a dispute was settled");
        }
    }

    /// Whether the result of a run that is under way is still of use.
    pub async fn wants(&self, shared: &Shared, task: &TaskId, run: &Run, look: Look<'_>) -> Result<bool, Stop> {
        if !self.is_watching() {
            return Ok(false);
        }
        let (view, found) = view(shared, *task, None, look).await?;
        let chosen = found.is_some_and(|task| self.chooses(&task));
        let here = view.task.is_some_and(|task| task.included == run.included);
        Ok(here && wanted_until(&view, chosen).is_some())
    }

    /// Takes the next step of a ballot, if it is time for one, or makes one of a result that is there.
    pub async fn consider(&mut self, shared: &mut Shared, task: TaskId, look: Look<'_>) -> Result<(), Stop> {
        let seen = view(shared, task, self.ballots.get(&task), look).await?;
        self.step(shared, task, seen, look).await
    }

    /// As [`Self::consider`], upon what was seen of the task.
    async fn step(&mut self, shared: &mut Shared, task: TaskId, seen: Seen, look: Look<'_>) -> Result<(), Stop> {
        let Some(ballot) = self.ballots.get(&task).cloned() else { return self.adopt(shared, task, seen, look).await };
        let (view, _) = seen;
        let mut record = record_of(&ballot);
        if let Some(phase) = observed(&record, &view) {
            tracing::info!(?task, ?phase, block = view.block, "the chain shows the ballot's next phase");
            self.ballots.insert(task, shared.journal.ballots().advance(&task, phase)?);
            record.phase = phase;
            self.steps.moved_on(&task);
        }
        // What is in a block shows in the bond itself.
        if !self.steps.is_pending(&task) {
            shared.reserved.remove(&(Role::Verifier, task));
        }
        let action = decide(&record, &view);
        let seal = ballot.seal(&shared.chain.genesis(), &shared.account);
        let call = match action {
            Action::Wait => {
                self.steps.idle(&task);
                return Ok(());
            }
            Action::End(_) => return self.end(shared, &ballot, &record, look).await,
            Action::Restart => {
                tracing::warn!(?task, "the task moved to another block: its result is of no use any more");
                shared.journal.ballots().restart(&task, view.finalized, view.task.map(|task| task.included))?;
                self.ballots.remove(&task);
                self.steps.forget(&task);
                if let Some(found) = look.best.task(task).await? {
                    self.admit(shared, found, look).await?;
                }
                return Ok(());
            }
            Action::Contest => Call::Contest { task, seal },
            Action::Vote => Call::Vote { task, seal },
            Action::Open => Call::Open { task, output: ballot.cid(), trace: ballot.trace, salt: ballot.salt },
            Action::Settle => Call::Settle { task },
            Action::Pull => Call::Pull { task, voter: shared.account },
        };
        if !self.steps.is_due(task, call.name(), view.block) {
            return Ok(());
        }
        let mut terms = Terms::default();
        if let Action::Contest | Action::Vote = action {
            if !self.reserve(shared, task, action, look).await? {
                return Ok(());
            }
            let until = Shared::valid_until(view.block);
            // On disk before the node hears of it: from here on the result never changes.
            self.ballots.insert(task, shared.journal.ballots().mark_sent(&task, until)?);
            // Right for one seed alone: a fork that has the task in another block must not take it.
            terms = Terms { upon: Some(ballot.included), not_after: Some(until) };
        }
        self.steps.send(shared, task, call, terms);
        Ok(())
    }

    /// Sets aside what a contest or a vote takes of the bond, if as much is free.
    async fn reserve(
        &mut self,
        shared: &mut Shared,
        task: TaskId,
        action: Action,
        look: Look<'_>,
    ) -> Result<bool, Stop> {
        let at = look.best;
        let party = match action {
            Action::Contest => at.solution(task).await?.map(|solution| solution.stake),
            _ => at.dispute(task).await?.map(|dispute| dispute.stake),
        };
        let (Some(party), Some(bond)) = (party, shared.bond(at).await?) else { return Ok(false) };
        let stake = match action {
            Action::Contest => party,
            _ => bond.mature.div_ceil(BALLOT_STAKE).min(party),
        };
        if bond.free < stake {
            if self.short.insert(task) {
                let (stake, free) = (amount::format(stake), amount::format(bond.free));
                tracing::warn!(?task, ?action, stake, free, "too little of the bond is free");
            }
            return Ok(false);
        }
        shared.reserved.insert((Role::Verifier, task), stake);
        Ok(true)
    }

    /// Makes a ballot of the result that the solver beside has for a task, if there is one.
    async fn adopt(&mut self, shared: &Shared, task: TaskId, seen: Seen, look: Look<'_>) -> Result<(), Stop> {
        if !self.is_watching() {
            return Ok(());
        }
        let (view, found) = seen;
        let (Some(at), Some(found)) = (view.task, found) else {
            self.watched.remove(&task);
            return Ok(());
        };
        let chosen = self.chooses(&found);
        let job = shared.journal.jobs().get(&task)?.filter(|job| job.included == at.included);
        // What was computed anyway is compared whether or not it would have been for this alone.
        if wanted_until(&view, chosen || job.is_some()).is_none() {
            self.watched.remove(&task);
            return Ok(());
        }
        if let Some(job) = job {
            return self.record(shared, &found, job.included, job.output, job.trace, look).await;
        }
        Ok(())
    }

    /// Starts the runs that are wanted, as many as are run together.
    pub async fn start(&mut self, shared: &mut Shared, look: Look<'_>) -> Result<(), Stop> {
        let at = look.best;
        let watched: Vec<_> = self.watched.keys().copied().collect();
        for id in watched {
            if !shared.has_room() {
                break;
            }
            if shared.runs.running.contains_key(&id) {
                continue;
            }
            let (view, found) = view(shared, id, None, look).await?;
            let Some(task) = found else { continue };
            let Some(served) = shared.served.get(&task.model).cloned() else { continue };
            let Some(until) = wanted_until(&view, self.chooses(&task)) else { continue };
            let Some(asked) = at.input(id).await? else { continue };
            // What is recorded goes out with the block after.
            let blocks = served.local.expected_seconds(&asked.parameters).div_ceil(BLOCK_SECONDS).saturating_add(1);
            if u64::from(at.number()).saturating_add(blocks) > u64::from(until) {
                tracing::info!(task = ?id, until, "leaving a solution unchecked: there is no time to compute it");
                self.leave(id);
                continue;
            }
            let latest = until.saturating_sub(BlockNumber::try_from(blocks).unwrap_or(BlockNumber::MAX));
            let question = match shared.question(at, Role::Verifier, &task, asked, latest).await? {
                Asked::Ready(question) => question,
                Asked::Coming => continue,
                Asked::Unfit(reason) => {
                    tracing::info!(task = ?id, reason, "leaving a solution unchecked");
                    self.leave(id);
                    continue;
                }
            };
            // What is claimed is read in one pass where it is right; what comes out is the own result all the same.
            let guess = match at.output(id).await? {
                Some(types::Payload::Inline(output)) => Some(output),
                _ => None,
            };
            shared.run(Role::Verifier, task, &served, question, guess);
        }
        Ok(())
    }

    /// Takes in the own answer to a task.
    pub async fn computed(
        &mut self,
        shared: &mut Shared,
        task: &types::Task,
        included: Inclusion,
        answer: Answer,
        look: Look<'_>,
    ) -> Result<(), Stop> {
        // Where the solver keeps its output to itself, whoever has the same gives it.
        shared.offer(task.id, &answer.output).await;
        self.record(shared, task, included, answer.output, answer.trace, look).await
    }

    /// Records an own result, and says whether the solution has the same.
    async fn record(
        &mut self,
        shared: &Shared,
        task: &types::Task,
        included: Inclusion,
        output: Vec<u8>,
        trace: assay_types::TraceDigest,
        look: Look<'_>,
    ) -> Result<(), Stop> {
        let ballot = JournalRecord::new(task.id, task.model, included, output, trace, BallotPhase::Recorded)?;
        self.watched.remove(&task.id);
        match shared.journal.ballots().record(&ballot) {
            Ok(()) => {}
            // A seal of an earlier result may still appear, and that result never changes.
            Err(JournalError::Fixed(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if let Some(solution) = look.best.solution(task.id).await? {
            if agrees(&ballot, &solution) {
                Metrics::count(&shared.metrics.checks, "agrees");
                tracing::info!(task = ?task.id, solver = %solution.solver, "a solution is right");
            } else {
                Metrics::count(&shared.metrics.checks, "differs");
                let (own, shown, stake) = (ballot.cid(), solution.output, amount::format(solution.stake));
                tracing::warn!(task = ?task.id, solver = %solution.solver, %own, %shown, stake, "a solution is wrong");
            }
        }
        self.ballots.insert(task.id, ballot);
        Ok(())
    }

    /// Ends a ballot once what ended it cannot be undone.
    async fn end(&mut self, shared: &mut Shared, ballot: &Ballot, record: &Record, look: Look<'_>) -> Result<(), Stop> {
        let task = ballot.task;
        let final_look = Look { best: look.finalized, ..look };
        let (view, _) = view(shared, task, Some(ballot), final_look).await?;
        let Action::End(outcome) = decide(record, &view) else { return Ok(()) };
        shared.journal.ballots().advance(&task, BallotPhase::Ended(outcome))?;
        self.ballots.remove(&task);
        self.short.remove(&task);
        self.steps.forget(&task);
        shared.reserved.remove(&(Role::Verifier, task));
        let kind = match outcome {
            BallotOutcome::Unused => "unused",
            BallotOutcome::Closed => "closed",
            BallotOutcome::Vanished => "vanished",
        };
        Metrics::count(&shared.metrics.ballots, kind);
        tracing::debug!(?task, outcome = kind, "a ballot has ended");
        Ok(())
    }
}

/// Whether a solution is the recorded result: the same output, and a seal of the same trace.
fn agrees(ballot: &Ballot, solution: &types::Solution) -> bool {
    ballot.cid() == solution.output && ballot.trace_seal(&solution.solver) == solution.trace_seal
}

/// Everything about a task that matters to its ballot, which may be there or not.
async fn view(shared: &Shared, task: TaskId, ballot: Option<&Ballot>, look: Look<'_>) -> Result<Seen, ChainError> {
    let at = look.best;
    let mut view =
        ChainView { block: at.number(), finalized: look.finalized.number(), task: None, solution: None, dispute: None };
    let Some(found) = at.task(task).await? else { return Ok((view, None)) };
    let included = shared.chain.inclusion(at, found.submitted_at).await?;
    view.task = Some(TaskView { state: found.state, included });
    view.solution = at.solution(task).await?.map(|solution| {
        let grace_ends = solution.first_revealed_at.saturating_add(found.reveal_grace);
        SolutionView {
            own: solution.solver == shared.account,
            agrees: ballot.is_some_and(|ballot| agrees(ballot, &solution)),
            contestable_from: grace_ends.saturating_add(1),
            contestable_until: grace_ends.saturating_add(found.contest_window),
        }
    });
    // A ballot that was never cast has nothing to do with a dispute that is over.
    let cast = ballot.is_some_and(|ballot| ballot.sent_until.is_some());
    if found.state == State::Disputed || (found.state.has_ended() && cast) {
        if let Some(dispute) = at.dispute(task).await? {
            view.dispute = Some(dispute_view(shared, task, ballot, dispute, look).await?);
        }
    }
    Ok((view, Some(found)))
}

async fn dispute_view(
    shared: &Shared,
    task: TaskId,
    ballot: Option<&Ballot>,
    dispute: types::Dispute,
    look: Look<'_>,
) -> Result<DisputeView, ChainError> {
    let (part, sealed) = if dispute.solver == shared.account {
        (Part::Solver, None)
    } else if dispute.contester == shared.account {
        (Part::Contester, Some((dispute.seal, dispute.contester_opened)))
    } else {
        let ballot = look.best.ballot(task, shared.account).await?;
        (Part::Voter, ballot.map(|ballot| (ballot.seal, ballot.opened)))
    };
    let recorded = ballot.map(|ballot| ballot.seal(&shared.chain.genesis(), &shared.account));
    Ok(DisputeView {
        part,
        votes_until: dispute.votes_until,
        opens_until: dispute.opens_until,
        sealed: sealed.map(|(seal, opened)| SealView { recorded: recorded == Some(seal), opened }),
    })
}

fn record_of(ballot: &Ballot) -> Record {
    Record {
        included: ballot.included,
        sent_until: ballot.sent_until,
        phase: ballot.phase,
        // Different for each voter, and the same whenever this one is asked.
        patience: BlockNumber::from(ballot.salt[0] % SPREAD as u8),
    }
}
