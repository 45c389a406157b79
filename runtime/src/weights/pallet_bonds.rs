//! Weights of `pallet_bonds`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_bonds`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_bonds::WeightInfo for WeightInfo<T> {
    fn bond() -> Weight {
        // Fastest measurement: 92284 nanoseconds.
        Weight::from_parts(97057000, 108)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn bond_more() -> Weight {
        // Fastest measurement: 102735 nanoseconds.
        Weight::from_parts(105283000, 1270)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn unbond() -> Weight {
        // Fastest measurement: 39423 nanoseconds.
        Weight::from_parts(41360000, 1373)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn withdraw() -> Weight {
        // Fastest measurement: 79822 nanoseconds.
        Weight::from_parts(89023000, 916)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
}
