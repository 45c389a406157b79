//! Weights of `pallet_models`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_models`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_models::WeightInfo for WeightInfo<T> {
    fn register() -> Weight {
        // Fastest measurement: 86557 nanoseconds.
        Weight::from_parts(93315000, 96)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn update() -> Weight {
        // Fastest measurement: 21471 nanoseconds.
        Weight::from_parts(22476000, 302)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn retire() -> Weight {
        // Fastest measurement: 83155 nanoseconds.
        Weight::from_parts(84239000, 460)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn set_rate() -> Weight {
        // Fastest measurement: 20995 nanoseconds.
        Weight::from_parts(22551000, 302)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn set_tier() -> Weight {
        // Fastest measurement: 20738 nanoseconds.
        Weight::from_parts(21534000, 302)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn serve() -> Weight {
        // Fastest measurement: 101085 nanoseconds.
        Weight::from_parts(104458000, 357)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn stop_serving() -> Weight {
        // Fastest measurement: 99951 nanoseconds.
        Weight::from_parts(103195000, 565)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
}
