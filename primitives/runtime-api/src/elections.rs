//! Questions about elections.

use alloc::vec::Vec;
use assay_types::Tenure;

sp_api::decl_runtime_apis! {
    /// Questions about elections.
    #[api_version(1)]
    pub trait ElectionsApi {
        /// The keys of the state whose values prove the election of `tenure`, all in the same block:
        /// `pallet_elections::Pallet::proof_keys`. Empty if it has not been drawn, or is not kept any more.
        fn proof_keys(tenure: Tenure) -> Vec<Vec<u8>>;
    }
}
