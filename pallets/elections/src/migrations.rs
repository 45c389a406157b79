//! How a chain without elections gets them.

use crate::{Config, Founders, Pallet};
use core::marker::PhantomData;
use frame_support::{
    traits::{Get, OnRuntimeUpgrade},
    weights::Weight,
};

/// Has the validators that are there become the founders, where nobody has been one yet: what genesis does otherwise.
///
/// Not by the pallet's storage version: a pallet that is new to a state is given its present one before any migration runs.
pub struct Found<T>(PhantomData<T>);

impl<T: Config> OnRuntimeUpgrade for Found<T> {
    fn on_runtime_upgrade() -> Weight {
        let database = T::DbWeight::get();
        if Founders::<T>::exists() {
            return database.reads(1);
        }
        Pallet::<T>::found();
        // Of each of at most 100 validators its keys, candidacy and stake are looked at, and six values are written.
        database.reads_writes(u64::from(T::MaxValidators::get()).saturating_mul(5).saturating_add(1), 6)
    }

    #[cfg(feature = "try-runtime")]
    fn post_upgrade(_: alloc::vec::Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
        Pallet::<T>::do_try_state()
    }
}
