//! Weights of `pallet_settings`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: AMD EPYC.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_settings`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_settings::WeightInfo for WeightInfo<T> {
    /// The range of component `n` is `[1, 22]`.
    fn update(n: u32) -> Weight {
        // Fastest measurement: 140120 nanoseconds.
        Weight::from_parts(139167673, 457)
            .saturating_add(Weight::from_parts(14332066, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(19))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(n.into())))
    }
}
