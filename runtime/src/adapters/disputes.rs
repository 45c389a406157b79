use crate::{constants::MAX_COMMITTEE, parameters::dynamic_params::disputes, AccountId, Elections};
use alloc::vec::Vec;
use assay_traits::Committee;
use frame_support::traits::Get;
use pallet_contestation::Quorum;

/// What a verdict needs, by the parameters that are in force now.
pub struct DisputeQuorum;

impl Get<Quorum> for DisputeQuorum {
    fn get() -> Quorum {
        Quorum { ballots: disputes::QuorumBallots::get(), weight: disputes::QuorumWeight::get() }
    }
}

/// The committee of the tenure, who have the validators' part of rewards.
pub struct TenureCommittee;

impl Committee<AccountId> for TenureCommittee {
    const MAX: u32 = MAX_COMMITTEE;

    fn members() -> Vec<AccountId> {
        Elections::committee()
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(members: Vec<AccountId>) {
        let member = |account| pallet_elections::Member { account, stake: 0 };
        let members = frame_support::BoundedVec::truncate_from(members.into_iter().map(member).collect());
        pallet_elections::Committee::<crate::Runtime>::put(members);
    }
}
