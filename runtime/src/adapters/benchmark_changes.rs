use crate::{parameters::dynamic_params, RuntimeParameters};
use alloc::{vec, vec::Vec};
use dynamic_params::{bonds, disputes, elections, emissions, solutions, tasks};
use frame_support::traits::Get;

/// Changes of all parameters, for the benchmark of `Settings.update`: each to what it is, which leaves every relation
/// whole and is written all the same.
pub struct BenchmarkChanges;

/// Sets the parameters that are listed to what they are. A parameter that is not listed does not compile.
macro_rules! every {
    ($($pallet:ident($module:ident): $($name:ident),+;)+) => {{
        let _is_listed = |parameter: RuntimeParameters| match parameter {
            $($(RuntimeParameters::$pallet($module::Parameters::$name(..)))|+ => {})+
        };
        vec![$($(RuntimeParameters::$pallet($module::Parameters::$name($module::$name, Some($module::$name::get())))),+),+]
    }};
}

impl pallet_settings::BenchmarkHelper<RuntimeParameters> for BenchmarkChanges {
    fn changes() -> Vec<RuntimeParameters> {
        every! {
            Tasks(tasks): DefaultDeadline, LongestDeadline, BaseDeposit, ByteDeposit, Retention, RetractDelay;
            Solutions(solutions): RevealGrace, ContestWindow, CommitmentDeposit, MinimumStake;
            Disputes(disputes): BallotCommit, BallotOpen, QuorumBallots, QuorumWeight;
            Bonds(bonds): MinimumBond, Unbonding;
            Emissions(emissions): RewardPerSunkFee;
            Elections(elections): SeatBond, MinimumCommit, LeastCommits, Seats, CommitteeSize;
        }
    }
}
