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
        // Fastest measurement: 86328 nanoseconds.
        Weight::from_parts(87976000, 4)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn update() -> Weight {
        // Fastest measurement: 19913 nanoseconds.
        Weight::from_parts(20735000, 231)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn retire() -> Weight {
        // Fastest measurement: 81952 nanoseconds.
        Weight::from_parts(84446000, 389)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn set_rate() -> Weight {
        // Fastest measurement: 19554 nanoseconds.
        Weight::from_parts(20164000, 231)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn set_tier() -> Weight {
        // Fastest measurement: 19505 nanoseconds.
        Weight::from_parts(21280000, 231)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn serve() -> Weight {
        // Fastest measurement: 100730 nanoseconds.
        Weight::from_parts(102666000, 286)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn stop_serving() -> Weight {
        // Fastest measurement: 98545 nanoseconds.
        Weight::from_parts(102602000, 494)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
}
