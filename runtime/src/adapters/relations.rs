use crate::{
    parameters::dynamic_params::{bonds, disputes, elections, solutions, tasks},
    relations::{self, Values},
    Runtime,
};
use assay_traits::ParameterRelations;
use frame_support::traits::Get;

/// The relations between the values that are in force now.
pub struct Relations;

impl ParameterRelations for Relations {
    fn check() -> Result<(), &'static str> {
        relations::check(&Values {
            epoch: pallet_settings::EpochBlocks::<Runtime>::get(),
            default_deadline: tasks::DefaultDeadline::get(),
            longest_deadline: tasks::LongestDeadline::get(),
            base_deposit: tasks::BaseDeposit::get(),
            retract_delay: tasks::RetractDelay::get(),
            reveal_grace: solutions::RevealGrace::get(),
            contest_window: solutions::ContestWindow::get(),
            commitment_deposit: solutions::CommitmentDeposit::get(),
            minimum_stake: solutions::MinimumStake::get(),
            ballot_commit: disputes::BallotCommit::get(),
            ballot_open: disputes::BallotOpen::get(),
            quorum_ballots: disputes::QuorumBallots::get(),
            minimum_bond: bonds::MinimumBond::get(),
            unbonding: bonds::Unbonding::get(),
            seat_bond: elections::SeatBond::get(),
            minimum_commit: elections::MinimumCommit::get(),
            least_commits: elections::LeastCommits::get(),
            seats: elections::Seats::get(),
            committee: elections::CommitteeSize::get(),
        })
    }
}
