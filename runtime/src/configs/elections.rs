//! Who serves and who judges.

use crate::{
    adapters::{CurrentTenure, KeysOfSession, ParentVrf, SeatUnbonding, Treasury},
    constants::{ELECTIONS, MAX_AUTHORITIES, MAX_CANDIDATES, MAX_COMMITTEE, MAX_SEATS, MAX_STANDING, PRUNE_BATCH},
    parameters::dynamic_params,
    Balances, Bonds, Runtime, RuntimeHoldReason, System,
};
use frame_support::{parameter_types, traits::ConstU32, PalletId};
use pallet_elections::{HasKeys, HasSeatBond, NotChilled, RecentWork, Reliable};

parameter_types! {
    /// The pot of commitments.
    pub const ElectionsPot: PalletId = ELECTIONS;
}

/// What a validator must be.
type Presence = (HasKeys<Runtime>, HasSeatBond<Runtime>, NotChilled<Runtime>);

impl pallet_elections::Config for Runtime {
    type WeightInfo = crate::weights::pallet_elections::WeightInfo<Runtime>;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Tenure = CurrentTenure;
    type Vrf = ParentVrf;
    type Keys = KeysOfSession;
    type Stake = Bonds;
    type Qualifiers = (Presence, RecentWork<Runtime>, Reliable<Runtime>);
    type Presence = Presence;
    type Treasury = Treasury;
    type PalletId = ElectionsPot;
    type SeatBond = dynamic_params::elections::SeatBond;
    type SeatUnbonding = SeatUnbonding;
    type MinimumCommit = dynamic_params::elections::MinimumCommit;
    type LeastCommits = dynamic_params::elections::LeastCommits;
    type Seats = dynamic_params::elections::Seats;
    type CommitteeSize = dynamic_params::elections::CommitteeSize;
    type MaxCandidates = ConstU32<MAX_CANDIDATES>;
    type MaxSeats = ConstU32<MAX_SEATS>;
    type MaxCommittee = ConstU32<MAX_COMMITTEE>;
    type MaxStanding = ConstU32<MAX_STANDING>;
    type MaxValidators = ConstU32<MAX_AUTHORITIES>;
    type PruneBatch = ConstU32<PRUNE_BATCH>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = CurrentTenure;
}
