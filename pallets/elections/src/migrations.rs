//! How a chain without elections gets them.

use crate::{Config, Pallet};
use core::marker::PhantomData;
use frame_support::{migrations::VersionedMigration, traits::UncheckedOnRuntimeUpgrade, weights::Weight};

/// From no pallet to version 1: the validators that are there become the founders.
pub type V0ToV1<T> = VersionedMigration<0, 1, Found<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;

/// Does at an upgrade what genesis does otherwise.
pub struct Found<T>(PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for Found<T> {
    fn on_runtime_upgrade() -> Weight {
        Pallet::<T>::found();
        // Of each of at most 100 validators its keys, candidacy and stake are looked at, and six values are written.
        <T::DbWeight as frame_support::traits::Get<_>>::get()
            .reads_writes(u64::from(<T::MaxValidators as frame_support::traits::Get<u32>>::get()).saturating_mul(5), 6)
    }

    #[cfg(feature = "try-runtime")]
    fn post_upgrade(_: alloc::vec::Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
        Pallet::<T>::do_try_state()
    }
}
