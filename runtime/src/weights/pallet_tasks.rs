//! Weights of `pallet_tasks`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_tasks`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_tasks::WeightInfo for WeightInfo<T> {
    /// The range of component `b` is `[0, 16384]`.
    fn submit(b: u32) -> Weight {
        // Fastest measurement: 208192 nanoseconds.
        Weight::from_parts(216489111, 612)
            .saturating_add(Weight::from_parts(10273, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    fn raise_fee() -> Weight {
        // Fastest measurement: 98810 nanoseconds.
        Weight::from_parts(102679000, 623)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn expire() -> Weight {
        // Fastest measurement: 157851 nanoseconds.
        Weight::from_parts(160763000, 733)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    fn retract() -> Weight {
        // Fastest measurement: 219363 nanoseconds.
        Weight::from_parts(226690000, 682)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    fn forget() -> Weight {
        // Fastest measurement: 87489 nanoseconds.
        Weight::from_parts(90219000, 644)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn on_initialize_idle() -> Weight {
        // Fastest measurement: 6090 nanoseconds.
        Weight::from_parts(6508000, 42).saturating_add(T::DbWeight::get().reads(1))
    }
    fn on_initialize_recording() -> Weight {
        // Fastest measurement: 17246 nanoseconds.
        Weight::from_parts(18255000, 456)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn sweep_base() -> Weight {
        // Fastest measurement: 12814 nanoseconds.
        Weight::from_parts(13622000, 102)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn sweep_skip() -> Weight {
        // Fastest measurement: 15644 nanoseconds.
        Weight::from_parts(16367000, 545).saturating_add(T::DbWeight::get().reads(2))
    }
    fn sweep_expire() -> Weight {
        // Fastest measurement: 159156 nanoseconds.
        Weight::from_parts(163500000, 733)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    fn sweep_forget() -> Weight {
        // Fastest measurement: 85041 nanoseconds.
        Weight::from_parts(87188000, 644)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
}
