//! The relations between parameters: one pure function, for genesis, for `Settings.update` and for `try_state`.

use crate::constants::{EXISTENTIAL_DEPOSIT, MAX_COMMITTEE, MAX_SEATS, MAX_SLASH_TENURES};
use assay_types::{election::WINDOW, Balance, BlockNumber};

/// The value of every parameter that stands in a relation to another. Times are in blocks, amounts in units of ASY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// Length of an epoch, which is also a session, a tenure, and the time in which a new bond matures.
    pub epoch: BlockNumber,
    /// See [`crate::parameters::dynamic_params::tasks::DefaultDeadline`].
    pub default_deadline: BlockNumber,
    /// See [`crate::parameters::dynamic_params::tasks::LongestDeadline`].
    pub longest_deadline: BlockNumber,
    /// See [`crate::parameters::dynamic_params::tasks::BaseDeposit`].
    pub base_deposit: Balance,
    /// See [`crate::parameters::dynamic_params::tasks::RetractDelay`].
    pub retract_delay: BlockNumber,
    /// See [`crate::parameters::dynamic_params::solutions::RevealGrace`].
    pub reveal_grace: BlockNumber,
    /// See [`crate::parameters::dynamic_params::solutions::ContestWindow`].
    pub contest_window: BlockNumber,
    /// See [`crate::parameters::dynamic_params::solutions::CommitmentDeposit`].
    pub commitment_deposit: Balance,
    /// See [`crate::parameters::dynamic_params::solutions::MinimumStake`].
    pub minimum_stake: Balance,
    /// See [`crate::parameters::dynamic_params::disputes::BallotCommit`].
    pub ballot_commit: BlockNumber,
    /// See [`crate::parameters::dynamic_params::disputes::BallotOpen`].
    pub ballot_open: BlockNumber,
    /// See [`crate::parameters::dynamic_params::disputes::QuorumBallots`].
    pub quorum_ballots: u32,
    /// See [`crate::parameters::dynamic_params::bonds::MinimumBond`].
    pub minimum_bond: Balance,
    /// See [`crate::parameters::dynamic_params::bonds::Unbonding`].
    pub unbonding: BlockNumber,
    /// See [`crate::parameters::dynamic_params::elections::SeatBond`].
    pub seat_bond: Balance,
    /// See [`crate::parameters::dynamic_params::elections::MinimumCommit`].
    pub minimum_commit: Balance,
    /// See [`crate::parameters::dynamic_params::elections::LeastCommits`].
    pub least_commits: u32,
    /// See [`crate::parameters::dynamic_params::elections::Seats`].
    pub seats: u32,
    /// See [`crate::parameters::dynamic_params::elections::CommitteeSize`].
    pub committee: u32,
}

/// Blocks that a task needs from its submission to the reveal of a solution at the least: it is committed to in the
/// block after, and revealed in the block after that.
const LEAST_DEADLINE: BlockNumber = 2;
/// Epochs that a bond must outlast, so that whoever is elected still has one when the last evidence arrives.
const EPOCHS_OF_EVIDENCE: BlockNumber = 5;

/// Whether all relations hold.
///
/// # Errors
/// The name of the first relation that is broken.
pub fn check(values: &Values) -> Result<(), &'static str> {
    let dispute = values.ballot_commit.saturating_add(values.ballot_open);
    let after_deadline = values.reveal_grace.saturating_add(values.contest_window).saturating_add(dispute);
    let relations = [
        (values.epoch >= 4, "an epoch has four slots or more"),
        (values.contest_window > 0, "contest window > 0"),
        (values.ballot_commit > 0 && values.ballot_open > 0, "ballot phases > 0"),
        // Else the parties alone would decide.
        (values.quorum_ballots > 0, "quorum of ballots > 0"),
        (values.default_deadline >= LEAST_DEADLINE, "default deadline leaves time for commitment and reveal"),
        (values.default_deadline <= values.longest_deadline, "default deadline <= longest deadline"),
        (values.retract_delay > 0, "retract delay > 0"),
        // A solver cannot take his bond out before a dispute over work that he has just promised is decided.
        (
            values.unbonding > values.longest_deadline.saturating_add(after_deadline),
            "unbonding > longest deadline + reveal grace + contest window + ballots",
        ),
        (values.unbonding > values.epoch.saturating_mul(EPOCHS_OF_EVIDENCE), "unbonding > five epochs"),
        // Bond that was placed after a solution had been revealed does not vote on it.
        (
            values.epoch
                >= values.reveal_grace.saturating_add(values.contest_window).saturating_add(values.ballot_commit),
            "maturity >= reveal grace + contest window + ballot commit",
        ),
        (values.minimum_stake <= values.minimum_bond, "minimum stake <= minimum bond"),
        (values.minimum_stake > 0, "minimum stake > 0"),
        // What is forfeited must be large enough to reach any account.
        (values.base_deposit >= EXISTENTIAL_DEPOSIT, "base deposit >= existential deposit"),
        (values.commitment_deposit >= EXISTENTIAL_DEPOSIT, "commitment deposit >= existential deposit"),
        (values.minimum_bond >= EXISTENTIAL_DEPOSIT, "minimum bond >= existential deposit"),
        // Whoever leaves is within reach of a slash until he can have withdrawn; he may leave at the end of a tenure.
        (
            values.unbonding <= values.epoch.saturating_mul(MAX_SLASH_TENURES.saturating_sub(1)),
            "unbonding <= the epochs whose exits a slash looks at",
        ),
        // A tenth of it must be able to reach any account.
        (values.seat_bond / 10 >= EXISTENTIAL_DEPOSIT, "seat bond >= ten existential deposits"),
        // So must its half.
        (values.minimum_commit / 2 >= EXISTENTIAL_DEPOSIT, "minimum commitment >= two existential deposits"),
        ((1..=WINDOW as u32).contains(&values.least_commits), "least commitments are one to six"),
        ((1..=MAX_SEATS).contains(&values.seats), "seats are one to what there may be"),
        ((1..=MAX_COMMITTEE).contains(&values.committee), "the committee has one member to what it may have"),
    ];
    relations.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, name)| Err(name))
}
