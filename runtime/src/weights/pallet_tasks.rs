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
        // Fastest measurement: 208112 nanoseconds.
        Weight::from_parts(245311853, 737)
            .saturating_add(Weight::from_parts(8069, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    fn raise_fee() -> Weight {
        // Fastest measurement: 99053 nanoseconds.
        Weight::from_parts(101463000, 623)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn expire() -> Weight {
        // Fastest measurement: 158786 nanoseconds.
        Weight::from_parts(161140000, 733)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    fn retract() -> Weight {
        // Fastest measurement: 214218 nanoseconds.
        Weight::from_parts(218838000, 682)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    fn forget() -> Weight {
        // Fastest measurement: 86706 nanoseconds.
        Weight::from_parts(88869000, 644)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn on_initialize_idle() -> Weight {
        // Fastest measurement: 5984 nanoseconds.
        Weight::from_parts(6419000, 42).saturating_add(T::DbWeight::get().reads(1))
    }
    fn on_initialize_recording() -> Weight {
        // Fastest measurement: 17219 nanoseconds.
        Weight::from_parts(18091000, 456)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn sweep_base() -> Weight {
        // Fastest measurement: 12652 nanoseconds.
        Weight::from_parts(14872000, 102)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn sweep_skip() -> Weight {
        // Fastest measurement: 15364 nanoseconds.
        Weight::from_parts(16411000, 545).saturating_add(T::DbWeight::get().reads(2))
    }
    fn sweep_expire() -> Weight {
        // Fastest measurement: 156312 nanoseconds.
        Weight::from_parts(160943000, 733)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    fn sweep_forget() -> Weight {
        // Fastest measurement: 82314 nanoseconds.
        Weight::from_parts(85932000, 644)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
}
