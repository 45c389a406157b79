//! What to do about a solution of another: a pure function of what this worker recorded and what the chain shows.
//!
//! As for the solver's own jobs, nothing here waits, sends or writes, and there is a sound answer for every combination
//! of record and chain: after a kill at any moment, after a re-org, and for disputes that others moved.

use crate::{
    journal::{may_appear, BallotOutcome, BallotPhase, Inclusion},
    solver::decide::State,
};
use assay_types::BlockNumber;

/// Blocks that a contester leaves to the solver to have a dispute settled.
pub const CONTESTER_WAITS: BlockNumber = 2;
/// Blocks that voters leave to the parties; each waits for a few more that its own ballot tells.
pub const VOTER_WAITS: BlockNumber = 4;

/// What this worker is in a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its own solution is contested.
    Solver,
    /// It contests.
    Contester,
    /// It may vote.
    Voter,
}

/// A task at some block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// Where it is in its life.
    pub state: State,
    /// The block that included it, in the chain that is looked at.
    pub included: Inclusion,
}

/// The standing solution of a task at some block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolutionView {
    /// Whether it is this worker's own.
    pub own: bool,
    /// Whether its output and the seal of its trace are those of the recorded result.
    pub agrees: bool,
    /// First block in which it may be contested.
    pub contestable_from: BlockNumber,
    /// Last block in which it may be contested.
    pub contestable_until: BlockNumber,
}

/// What this worker has sealed in a dispute: in its contest, or in its vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealView {
    /// Whether it is the seal of the recorded result.
    pub recorded: bool,
    /// Whether it was opened.
    pub opened: bool,
}

/// The dispute over a solution at some block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputeView {
    /// What this worker is in it.
    pub part: Part,
    /// Last block in which ballots are taken.
    pub votes_until: BlockNumber,
    /// Last block in which they are opened.
    pub opens_until: BlockNumber,
    /// What this worker has sealed in it, and was not paid for yet.
    pub sealed: Option<SealView>,
}

/// Everything about a task that matters here, at one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainView {
    /// Height of the block.
    pub block: BlockNumber,
    /// Height that cannot be undone any more.
    pub finalized: BlockNumber,
    /// The task; `None` if the chain does not know it.
    pub task: Option<TaskView>,
    /// The standing solution.
    pub solution: Option<SolutionView>,
    /// The dispute over it, until the last of it was paid.
    pub dispute: Option<DisputeView>,
}

/// What this worker recorded about its own result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where the task was when its seed was read.
    pub included: Inclusion,
    /// Height up to which a seal that was sent may enter a block, if the chain has the task where it was.
    pub sent_until: Option<BlockNumber>,
    /// How far it is known to have come.
    pub phase: BallotPhase,
    /// Blocks by which this worker waits longer than others for a dispute to be settled, where it is a voter.
    pub patience: BlockNumber,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing at this block.
    Wait,
    /// Contest the solution.
    Contest,
    /// Vote in the dispute.
    Vote,
    /// Open what was sealed.
    Open,
    /// Have the dispute settled.
    Settle,
    /// Have the ballot paid.
    Pull,
    /// Forget the result: the task has moved to another block, so its seed is another.
    Restart,
    /// Nothing is left to do.
    End(BallotOutcome),
}

/// Decides what to do about a task with a recorded result.
pub fn decide(record: &Record, chain: &ChainView) -> Action {
    if let BallotPhase::Ended(outcome) = record.phase {
        return Action::End(outcome);
    }
    let now = chain.task.map(|task| task.included);
    let may_appear = may_appear(record.sent_until, record.included, chain.finalized, now);
    let Some(task) = chain.task else {
        return if may_appear { Action::Wait } else { Action::End(BallotOutcome::Vanished) };
    };
    let sealed = chain.dispute.and_then(|dispute| dispute.sealed);
    // A result computed from another block's seed is wrong for this chain: it is neither sent nor opened.
    if record.included != task.included && !task.state.has_ended() {
        return if may_appear || sealed.is_some() { Action::Wait } else { Action::Restart };
    }
    // What is sent now is in the next block at the earliest.
    let next = chain.block.saturating_add(1);
    match task.state {
        // Nobody has solved it, or a re-org has undone that.
        State::Open => Action::Wait,
        State::Solved => match chain.solution {
            Some(solution) if solution.own || solution.agrees => Action::Wait,
            Some(solution) if next >= solution.contestable_from && next <= solution.contestable_until => {
                Action::Contest
            }
            _ => Action::Wait,
        },
        State::Disputed => chain.dispute.map_or(Action::Wait, |dispute| disputed(record, &dispute, next)),
        State::Settled | State::Refunded | State::Expired | State::Retracted => match (chain.dispute, record.phase) {
            (Some(DisputeView { part: Part::Voter, sealed: Some(_), .. }), _) => Action::Pull,
            (_, BallotPhase::Recorded) => Action::End(BallotOutcome::Unused),
            _ => Action::End(BallotOutcome::Closed),
        },
    }
}

fn disputed(record: &Record, dispute: &DisputeView, next: BlockNumber) -> Action {
    if next <= dispute.votes_until {
        return match (dispute.part, dispute.sealed) {
            (Part::Voter, None) => Action::Vote,
            _ => Action::Wait,
        };
    }
    if next <= dispute.opens_until {
        return match dispute.sealed {
            Some(SealView { recorded: true, opened: false }) => Action::Open,
            _ => Action::Wait,
        };
    }
    // One transaction settles a dispute: those who have most at stake send it first. For the own solution, its job does.
    let waits = match dispute.part {
        Part::Solver => return Action::Wait,
        Part::Contester => CONTESTER_WAITS,
        Part::Voter => VOTER_WAITS.saturating_add(record.patience),
    };
    if next > dispute.opens_until.saturating_add(waits) {
        Action::Settle
    } else {
        Action::Wait
    }
}

/// The phase that the chain shows a ballot to be in; `None` where it shows nothing new.
pub fn observed(record: &Record, chain: &ChainView) -> Option<BallotPhase> {
    let sealed = chain.dispute.and_then(|dispute| dispute.sealed).filter(|sealed| sealed.recorded)?;
    let seen = if sealed.opened { BallotPhase::Opened } else { BallotPhase::Cast };
    (seen != record.phase && !matches!(record.phase, BallotPhase::Ended(_))).then_some(seen)
}

/// Until which block an own result for a task without one is of use; `None` if it is of none. `chosen` says whether the
/// operator wants solutions like this one checked; in disputes, every result counts.
pub fn wanted_until(chain: &ChainView, chosen: bool) -> Option<BlockNumber> {
    let next = chain.block.saturating_add(1);
    let until = match (chain.task?.state, chain.solution, chain.dispute) {
        (State::Solved, Some(solution), _) if chosen && !solution.own => solution.contestable_until,
        (State::Disputed, _, Some(DisputeView { part: Part::Voter, sealed: None, votes_until, .. })) => votes_until,
        _ => return None,
    };
    (next <= until).then_some(until)
}

#[cfg(test)]
mod tests;
