//! Weights of `pallet_tasks`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz. Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_tasks`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_tasks::WeightInfo for WeightInfo<T> {
    /// The range of component `b` is `[0, 16384]`.
    fn submit(b: u32) -> Weight {
        // Fastest measurement: 214518 picoseconds.
        Weight::from_parts(278159531, 612)
            .saturating_add(Weight::from_parts(6707, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    fn raise_fee() -> Weight {
        // Fastest measurement: 103537 picoseconds.
        Weight::from_parts(106317000, 623)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn expire() -> Weight {
        // Fastest measurement: 171307 picoseconds.
        Weight::from_parts(216476000, 733)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    fn retract() -> Weight {
        // Fastest measurement: 231907 picoseconds.
        Weight::from_parts(358633000, 682)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    fn forget() -> Weight {
        // Fastest measurement: 88884 picoseconds.
        Weight::from_parts(92975000, 644)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn on_initialize_idle() -> Weight {
        // Fastest measurement: 5972 picoseconds.
        Weight::from_parts(6337000, 42).saturating_add(T::DbWeight::get().reads(1))
    }
    fn on_initialize_recording() -> Weight {
        // Fastest measurement: 17983 picoseconds.
        Weight::from_parts(19586000, 456)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn sweep_base() -> Weight {
        // Fastest measurement: 14179 picoseconds.
        Weight::from_parts(20663000, 102)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn sweep_skip() -> Weight {
        // Fastest measurement: 28042 picoseconds.
        Weight::from_parts(32818000, 545).saturating_add(T::DbWeight::get().reads(2))
    }
    fn sweep_expire() -> Weight {
        // Fastest measurement: 214801 picoseconds.
        Weight::from_parts(302722000, 733)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    fn sweep_forget() -> Weight {
        // Fastest measurement: 114208 picoseconds.
        Weight::from_parts(135847000, 644)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
}
