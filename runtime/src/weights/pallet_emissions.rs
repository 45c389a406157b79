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
        // Fastest measurement: 68260 nanoseconds.
        Weight::from_parts(69793000, 196)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn reserve() -> Weight {
        // Fastest measurement: 62384 nanoseconds.
        Weight::from_parts(63648000, 767)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn release() -> Weight {
        // Fastest measurement: 10251 nanoseconds.
        Weight::from_parts(10834000, 150)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn mint() -> Weight {
        // Fastest measurement: 305421 nanoseconds.
        Weight::from_parts(310641000, 688)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(10))
    }
    /// The range of component `n` is `[1, 100]`.
    fn pay_validators(n: u32) -> Weight {
        // Fastest measurement: 75859 nanoseconds.
        Weight::from_parts(41664765, 341)
            .saturating_add(Weight::from_parts(62143821, 0).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(0, 5).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(1))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(n.into())))
    }
}
