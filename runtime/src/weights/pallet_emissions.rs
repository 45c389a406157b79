//! Weights of `pallet_emissions`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_emissions`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_emissions::WeightInfo for WeightInfo<T> {
    fn note_author() -> Weight {
        // Fastest measurement: 66866 nanoseconds.
        Weight::from_parts(68703000, 196)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn reserve() -> Weight {
        // Fastest measurement: 66318 nanoseconds.
        Weight::from_parts(78097000, 713)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn release() -> Weight {
        // Fastest measurement: 10532 nanoseconds.
        Weight::from_parts(11457000, 150)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn mint() -> Weight {
        // Fastest measurement: 178283 nanoseconds.
        Weight::from_parts(188270000, 293)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    /// The range of component `n` is `[1, 100]`.
    fn pay_validators(n: u32) -> Weight {
        // Fastest measurement: 76705 nanoseconds.
        Weight::from_parts(77472000, 341)
            .saturating_add(Weight::from_parts(98700753, 0).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(0, 5).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(1))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(n.into())))
    }
}
