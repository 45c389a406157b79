//! What to do next about a task: a pure function of what this worker recorded and what the chain shows.
//!
//! Nothing here waits, sends or writes. The executor calls it at every best block, so it must give a sound answer for
//! every combination of record and chain: after a kill at any moment, after a re-org, and for tasks that others moved.

use crate::journal::{may_appear, Inclusion, Outcome, Phase};
use assay_types::{BlockNumber, Commitment};

/// Where a task is in its life, as the chain tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waiting for a solution.
    Open,
    /// A solution was revealed and may be contested.
    Solved,
    /// The solution is contested.
    Disputed,
    /// Ended: the solver was paid.
    Settled,
    /// Ended: the solution fell.
    Refunded,
    /// Ended: nobody solved it in time.
    Expired,
    /// Ended: withdrawn by its owner.
    Retracted,
}

impl State {
    /// Whether the task's life is over.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Settled | Self::Refunded | Self::Expired | Self::Retracted)
    }
}

/// A task at some block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// Where it is in its life.
    pub state: State,
    /// Last block in which a first solution may be revealed.
    pub deadline: BlockNumber,
    /// Blocks after the first reveal in which an older commitment replaces the solution.
    pub reveal_grace: BlockNumber,
    /// Blocks after the grace in which the solution may be contested.
    pub contest_window: BlockNumber,
    /// The block that included it, in the chain that is looked at.
    pub included: Inclusion,
    /// Whether this worker was paid for it.
    pub paid: bool,
}

/// The own commitment to a task at some block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitmentView {
    /// What was committed to.
    pub hash: Commitment,
    /// Height of the block that took it.
    pub at: BlockNumber,
}

/// The standing solution of a task at some block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolutionView {
    /// Whether it is this worker's own.
    pub own: bool,
    /// Height of its commitment.
    pub committed_at: BlockNumber,
    /// Height of the first reveal, from which grace and window count.
    pub first_revealed_at: BlockNumber,
}

/// The dispute over this worker's own solution, at some block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputeView {
    /// Last block in which ballots are taken.
    pub votes_until: BlockNumber,
    /// Last block in which they are opened.
    pub opens_until: BlockNumber,
    /// Whether this worker has shown the trace of its solution.
    pub opened: bool,
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
    /// The own commitment, unrevealed.
    pub commitment: Option<CommitmentView>,
    /// The standing solution.
    pub solution: Option<SolutionView>,
    /// The dispute over it, if it is the own.
    pub dispute: Option<DisputeView>,
}

/// What this worker recorded about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the recorded result commits to.
    pub commitment: Commitment,
    /// Where the task was when its seed was read.
    pub included: Inclusion,
    /// Height up to which a commitment that was sent may enter a block, if the chain has the task where it was.
    pub sent_until: Option<BlockNumber>,
    /// How far the job is known to have come.
    pub phase: Phase,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing at this block.
    Wait,
    /// Send the commitment.
    Commit,
    /// Reveal the result.
    Reveal,
    /// Claim the payment.
    Claim,
    /// Get the hold of a commitment back that came to nothing.
    Withdraw,
    /// Show the trace of the own solution, which is contested.
    OpenSolution,
    /// Have the dispute over the own solution settled.
    Settle,
    /// Forget the result and compute anew: the task has moved to another block, so its seed is another.
    Restart,
    /// Nothing is left to do.
    End(Outcome),
}

/// Decides what to do about a task with a recorded result.
pub fn decide(record: &Record, chain: &ChainView) -> Action {
    if let Phase::Ended(outcome) = record.phase {
        return Action::End(outcome);
    }
    let now = chain.task.map(|task| task.included);
    let may_appear = may_appear(record.sent_until, record.included, chain.finalized, now);
    let Some(task) = chain.task else {
        return if may_appear { Action::Wait } else { Action::End(Outcome::Vanished) };
    };
    // A result computed from another block's seed is wrong for this chain, whoever committed to it.
    let current = record.included == task.included;
    let own = chain.commitment.filter(|commitment| current && commitment.hash == record.commitment);
    // What is sent now is in the next block at the earliest.
    let next = chain.block.saturating_add(1);

    match task.state {
        State::Open => match (chain.commitment, own) {
            (Some(_), Some(own)) if next > own.at && next <= task.deadline => Action::Reveal,
            (Some(_), _) => Action::Wait,
            // The reveal needs a block of its own after the commitment's.
            (None, _) if current && next < task.deadline => Action::Commit,
            (None, _) if current => end_unless(may_appear, Outcome::Lost),
            (None, _) if may_appear => Action::Wait,
            (None, _) => Action::Restart,
        },
        State::Solved => solved(&task, chain, own, next, may_appear),
        State::Disputed => chain.dispute.map_or(Action::Wait, |dispute| disputed(&dispute, next)),
        State::Expired if chain.commitment.is_some() => Action::End(Outcome::Forfeited),
        State::Settled | State::Refunded | State::Expired | State::Retracted => {
            if chain.commitment.is_some() {
                return Action::Withdraw;
            }
            match (record.phase, task.state) {
                (_, State::Settled) if task.paid => Action::End(Outcome::Paid),
                (Phase::Revealed, State::Refunded) => Action::End(Outcome::Fallen),
                // The chain takes no commitment to a task that has ended, so there is nothing to wait for.
                _ => Action::End(Outcome::Lost),
            }
        }
    }
}

fn solved(
    task: &TaskView,
    chain: &ChainView,
    own: Option<CommitmentView>,
    next: BlockNumber,
    may_appear: bool,
) -> Action {
    let Some(solution) = chain.solution else { return Action::Wait };
    let grace_ends = solution.first_revealed_at.saturating_add(task.reveal_grace);
    if solution.own {
        let window_ends = grace_ends.saturating_add(task.contest_window);
        return if next > window_ends { Action::Claim } else { Action::Wait };
    }
    match (chain.commitment, own) {
        // Older than the standing one: ours replaces it while the grace lasts.
        (_, Some(own)) if own.at < solution.committed_at && next <= grace_ends => Action::Reveal,
        (Some(_), _) if next > grace_ends => Action::Withdraw,
        (Some(_), _) => Action::Wait,
        // A solved task takes no commitments, unless its solution is undone by a re-org.
        (None, _) => end_unless(may_appear, Outcome::Lost),
    }
}

/// What the solver does for its own solution.
fn disputed(dispute: &DisputeView, next: BlockNumber) -> Action {
    if next > dispute.opens_until {
        Action::Settle
    } else if next > dispute.votes_until && !dispute.opened {
        Action::OpenSolution
    } else {
        Action::Wait
    }
}

fn end_unless(may_appear: bool, outcome: Outcome) -> Action {
    if may_appear {
        Action::Wait
    } else {
        Action::End(outcome)
    }
}

/// The phase that the chain shows a job to be in; `None` where it shows nothing new.
pub fn observed(record: &Record, chain: &ChainView) -> Option<Phase> {
    let seen = if chain.solution.is_some_and(|solution| solution.own) {
        Phase::Revealed
    } else if chain.solution.is_some() && record.phase == Phase::Revealed {
        // Replaced by a solution with an older commitment.
        Phase::Committed
    } else if chain.commitment.is_some_and(|commitment| commitment.hash == record.commitment) {
        Phase::Committed
    } else {
        return None;
    };
    (seen != record.phase && !matches!(record.phase, Phase::Ended(_))).then_some(seen)
}

/// Whether an open task without a record is worth starting: what it earns, what it costs and whether time suffices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What the solver would get, in units of ASY: its part of the fee and of the reward.
    pub income: u128,
    /// Seconds that the run is expected to take.
    pub seconds: u64,
    /// Last block in which a first solution may be revealed.
    pub deadline: BlockNumber,
}

/// What the operator wants of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Least income, in units of ASY.
    pub min_income: u128,
    /// What a second of computing costs, in units of ASY.
    pub cost_per_second: u128,
}

/// Why a task is left to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuited {
    /// It would earn less than the operator asks.
    #[error("it would earn too little")]
    Income,
    /// It would earn less than its run costs.
    #[error("it would earn less than it costs")]
    Cost,
    /// The deadline is too near.
    #[error("its deadline is too near")]
    Time,
}

/// Seconds between blocks.
pub const BLOCK_SECONDS: u64 = 3;
/// Blocks between the end of a run and its reveal in a block: one for the commitment, one for the reveal, one to spare.
pub const BLOCKS_TO_REVEAL: u64 = 3;

/// Judges an offer at height `block`.
///
/// # Errors
/// The first reason to leave the task to others.
pub fn judge(offer: &Offer, policy: &Policy, block: BlockNumber) -> Result<(), Unsuited> {
    if offer.income < policy.min_income {
        return Err(Unsuited::Income);
    }
    if offer.income < policy.cost_per_second.saturating_mul(u128::from(offer.seconds)) {
        return Err(Unsuited::Cost);
    }
    let blocks = offer.seconds.div_ceil(BLOCK_SECONDS).saturating_add(BLOCKS_TO_REVEAL);
    if u64::from(block).saturating_add(blocks) > u64::from(offer.deadline) {
        return Err(Unsuited::Time);
    }
    Ok(())
}

/// Whether a run that is under way still makes sense: the task is open and still where its seed was read.
pub fn still_wanted(included: &Inclusion, chain: &ChainView) -> bool {
    chain.task.is_some_and(|task| {
        task.state == State::Open && task.included == *included && chain.block.saturating_add(1) < task.deadline
    })
}

#[cfg(test)]
mod tests;
