//! Weights of `pallet_settings`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_settings`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_settings::WeightInfo for WeightInfo<T> {
    /// The range of component `n` is `[1, 32]`.
    fn update(n: u32) -> Weight {
        // Fastest measurement: 83985 nanoseconds.
        Weight::from_parts(88374950, 389)
            .saturating_add(Weight::from_parts(9228033, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(15))
            .saturating_add(T::DbWeight::get().writes(4))
    }
}
