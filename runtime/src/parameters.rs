//! Parameters that governance may change, with their production values.
//!
//! They change only through `Settings.update`, which checks the [relations](crate::relations) between them; a network's
//! own first values are in its genesis. Amounts are in units of ASY, times in blocks of three seconds.

use crate::Runtime;
use assay_types::{Balance, BlockNumber, ASY, MICRO_ASY, MILLI_ASY};
use frame_support::dynamic_params::{dynamic_pallet_params, dynamic_params};
use sp_runtime::FixedU128;

/// The parameters, by the pallet that they are for.
#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
pub mod dynamic_params {
    use super::*;

    /// Of `tasks`.
    #[dynamic_pallet_params]
    #[codec(index = 0)]
    pub mod tasks {
        /// Blocks that a task stays open whose submitter named no deadline.
        #[codec(index = 0)]
        pub static DefaultDeadline: BlockNumber = 1_200;
        /// Blocks that a task may stay open at most.
        #[codec(index = 1)]
        pub static LongestDeadline: BlockNumber = 28_800;
        /// Held for the record of a task until it is forgotten.
        #[codec(index = 2)]
        pub static BaseDeposit: Balance = 10 * MILLI_ASY;
        /// Held for each byte of its payloads until it ends.
        #[codec(index = 3)]
        pub static ByteDeposit: Balance = 10 * MICRO_ASY;
        /// Blocks after its end until anybody may have a task forgotten.
        #[codec(index = 4)]
        pub static Retention: BlockNumber = 28_800;
        /// Age in blocks that every commitment to a task must have before its owner may retract it.
        #[codec(index = 5)]
        pub static RetractDelay: BlockNumber = 50;
    }

    /// Of `solutions`.
    #[dynamic_pallet_params]
    #[codec(index = 1)]
    pub mod solutions {
        /// Blocks after the first reveal in which a solution with an older commitment replaces it.
        #[codec(index = 0)]
        pub static RevealGrace: BlockNumber = 3;
        /// Blocks after the grace in which a solution may be contested.
        #[codec(index = 1)]
        pub static ContestWindow: BlockNumber = 300;
        /// Held for a commitment; lost if it is never opened and the task expires.
        #[codec(index = 2)]
        pub static CommitmentDeposit: Balance = 10 * MILLI_ASY;
        /// The least stake that stands for a solution.
        #[codec(index = 3)]
        pub static MinimumStake: Balance = 100 * MILLI_ASY;
    }

    /// Of disputes.
    #[dynamic_pallet_params]
    #[codec(index = 2)]
    pub mod disputes {
        /// Blocks in which sealed ballots are taken.
        #[codec(index = 0)]
        pub static BallotCommit: BlockNumber = 200;
        /// Blocks in which they are opened.
        #[codec(index = 1)]
        pub static BallotOpen: BlockNumber = 200;
        /// Ballots of others than the parties that a verdict needs.
        #[codec(index = 2)]
        pub static QuorumBallots: u32 = 3;
        /// Weight of these ballots that a verdict needs, in multiples of the heavier party's.
        #[codec(index = 3)]
        pub static QuorumWeight: u32 = 2;
    }

    /// Of `bonds`.
    #[dynamic_pallet_params]
    #[codec(index = 3)]
    pub mod bonds {
        /// The least mature bond that a solver needs to commit; 0.01 % of all that was minted, if that is more.
        #[codec(index = 0)]
        pub static MinimumBond: Balance = ASY;
        /// Blocks until a bond that is taken out can be withdrawn.
        #[codec(index = 1)]
        pub static Unbonding: BlockNumber = 86_400;
    }

    /// Of `emissions`.
    #[dynamic_pallet_params]
    #[codec(index = 4)]
    pub mod emissions {
        /// A work reward never exceeds this many times the part of the fee that cannot come back to whoever pays it.
        #[codec(index = 0)]
        pub static RewardPerSunkFee: FixedU128 = FixedU128::from_u32(1);
    }

    /// Of `elections`.
    #[dynamic_pallet_params]
    #[codec(index = 5)]
    pub mod elections {
        /// What a candidate, or one who stands for the committee, has on hold for its good conduct.
        #[codec(index = 0)]
        pub static SeatBond: Balance = 100 * ASY;
        /// The least commitment to an election.
        #[codec(index = 1)]
        pub static MinimumCommit: Balance = 10 * MILLI_ASY;
        /// In how many of the last six tenures whoever is drawn must have committed.
        #[codec(index = 2)]
        pub static LeastCommits: u32 = 3;
        /// Seats that are drawn for one tenure.
        #[codec(index = 3)]
        pub static Seats: u32 = 16;
        /// Members of the committee.
        #[codec(index = 4)]
        pub static CommitteeSize: u32 = 5;
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl Default for RuntimeParameters {
    fn default() -> Self {
        Self::Tasks(dynamic_params::tasks::Parameters::DefaultDeadline(
            dynamic_params::tasks::DefaultDeadline,
            Some(1_200),
        ))
    }
}
