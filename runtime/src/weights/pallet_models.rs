//! Weights of `pallet_models`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz. Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_models`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_models::WeightInfo for WeightInfo<T> {
    fn register() -> Weight {
        // Fastest measurement: 94788 picoseconds.
        Weight::from_parts(159982000, 4)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn update() -> Weight {
        // Fastest measurement: 20620 picoseconds.
        Weight::from_parts(25053000, 231)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn retire() -> Weight {
        // Fastest measurement: 85493 picoseconds.
        Weight::from_parts(101496000, 389)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn set_rate() -> Weight {
        // Fastest measurement: 20425 picoseconds.
        Weight::from_parts(21761000, 231)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn set_tier() -> Weight {
        // Fastest measurement: 20158 picoseconds.
        Weight::from_parts(21102000, 231)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn serve() -> Weight {
        // Fastest measurement: 99125 picoseconds.
        Weight::from_parts(102680000, 286)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn stop_serving() -> Weight {
        // Fastest measurement: 99078 picoseconds.
        Weight::from_parts(102522000, 494)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
}
