use crate::{constants::MAX_AUTHORITIES, parameters::dynamic_params::disputes, AccountId, Session};
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

/// The committee: until there are elections, the validators of the session, who have the validators' part of rewards.
pub struct SessionCommittee;

impl Committee<AccountId> for SessionCommittee {
    const MAX: u32 = MAX_AUTHORITIES;

    fn members() -> Vec<AccountId> {
        Session::validators()
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(members: Vec<AccountId>) {
        pallet_session::Validators::<crate::Runtime>::put(members);
    }
}
