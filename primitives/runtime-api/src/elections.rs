//! Questions about elections.

use alloc::vec::Vec;
use assay_types::{Balance, Tenure};
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// What a candidate, or one who stands for the committee, has to know of the rules as they are now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ElectionTerms {
    /// What is held of a candidate, and of one who stands, in units of ASY.
    pub seat_bond: Balance,
    /// Least commitment, in units of ASY.
    pub minimum_commit: Balance,
    /// In how many of the last six tenures whoever is drawn must have committed.
    pub least_commits: u32,
    /// Places that are drawn in a tenure.
    pub seats: u32,
    /// Tenures from the registration of keys to the first commitment with them.
    pub wait: Tenure,
    /// Tenures from the commitments to the draw.
    pub draw_delay: Tenure,
    /// Tenures from the commitments to the seats' service.
    pub service_delay: Tenure,
}

sp_api::decl_runtime_apis! {
    /// Questions about elections.
    #[api_version(1)]
    pub trait ElectionsApi {
        /// The rules as they are now.
        fn terms() -> ElectionTerms;

        /// The keys of the state whose values prove the election of `tenure`, all in the same block:
        /// `pallet_elections::Pallet::proof_keys`. Empty if it has not been drawn, or is not kept any more.
        fn proof_keys(tenure: Tenure) -> Vec<Vec<u8>>;
    }
}
