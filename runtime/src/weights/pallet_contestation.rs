//! Weights of `pallet_contestation`: a stand-in, to be overwritten by `scripts/benchmark-weights`.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_contestation`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_contestation::WeightInfo for WeightInfo<T> {
    fn contest(m: u32) -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(20))
            .saturating_add(T::DbWeight::get().reads(3).saturating_mul(m.into()))
            .saturating_add(T::DbWeight::get().writes(10))
    }
    fn vote() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn open() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn open_solution() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn settle() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn pull() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn charge_absent() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn sweep_base() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn sweep_dispute_skip() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn sweep_settle() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn sweep_charge() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn sweep_ballot_skip() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
    fn sweep_pull() -> Weight {
        Weight::from_parts(1_000_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }
}
