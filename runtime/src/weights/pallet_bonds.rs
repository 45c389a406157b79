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
        // Fastest measurement: 171346 nanoseconds.
        Weight::from_parts(176278000, 108)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn bond_more() -> Weight {
        // Fastest measurement: 195977 nanoseconds.
        Weight::from_parts(199653000, 1398)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn unbond() -> Weight {
        // Fastest measurement: 76005 nanoseconds.
        Weight::from_parts(77645000, 1551)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn withdraw() -> Weight {
        // Fastest measurement: 165505 nanoseconds.
        Weight::from_parts(168269000, 1159)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn set_commission() -> Weight {
        // Fastest measurement: 59690 nanoseconds.
        Weight::from_parts(61676000, 501)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn delegate() -> Weight {
        // Fastest measurement: 220615 nanoseconds.
        Weight::from_parts(230245000, 1471)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn undelegate() -> Weight {
        // Fastest measurement: 151415 nanoseconds.
        Weight::from_parts(155373000, 2385)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn withdraw_delegation() -> Weight {
        // Fastest measurement: 761723 nanoseconds.
        Weight::from_parts(775527000, 3226)
            .saturating_add(T::DbWeight::get().reads(37))
            .saturating_add(T::DbWeight::get().writes(35))
    }
    fn slash() -> Weight {
        // Fastest measurement: 2468451 nanoseconds.
        Weight::from_parts(2535218000, 8174)
            .saturating_add(T::DbWeight::get().reads(137))
            .saturating_add(T::DbWeight::get().writes(136))
    }
}
