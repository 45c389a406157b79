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
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn set_commission() -> Weight {
        // Not measured yet: chosen too high.
        Weight::from_parts(60000000, 1600)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn delegate() -> Weight {
        // Not measured yet: chosen too high.
        Weight::from_parts(200000000, 3000)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn undelegate() -> Weight {
        // Not measured yet: chosen too high.
        Weight::from_parts(120000000, 3200)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn withdraw_delegation() -> Weight {
        // Not measured yet: chosen too high.
        Weight::from_parts(1500000000, 10000)
            .saturating_add(T::DbWeight::get().reads(38))
            .saturating_add(T::DbWeight::get().writes(36))
    }
    fn slash() -> Weight {
        // Not measured yet: chosen too high.
        Weight::from_parts(4000000000, 40000)
            .saturating_add(T::DbWeight::get().reads(150))
            .saturating_add(T::DbWeight::get().writes(140))
    }
}
