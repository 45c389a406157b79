//! Weights of `pallet_solutions`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: AMD EPYC.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_solutions`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_solutions::WeightInfo for WeightInfo<T> {
    fn commit() -> Weight {
        // Fastest measurement: 209020 nanoseconds.
        Weight::from_parts(217080000, 2733)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    /// The range of component `b` is `[0, 16384]`.
    fn reveal(b: u32) -> Weight {
        // Fastest measurement: 287259 nanoseconds.
        Weight::from_parts(349538820, 3037)
            .saturating_add(Weight::from_parts(36921, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(14))
            .saturating_add(T::DbWeight::get().writes(9))
    }
    fn claim() -> Weight {
        // Fastest measurement: 1021528 nanoseconds.
        Weight::from_parts(1372697000, 3339)
            .saturating_add(T::DbWeight::get().reads(19))
            .saturating_add(T::DbWeight::get().writes(20))
    }
    fn withdraw_commitment() -> Weight {
        // Fastest measurement: 251179 nanoseconds.
        Weight::from_parts(283659000, 1166)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn forfeit_commitment() -> Weight {
        // Fastest measurement: 284219 nanoseconds.
        Weight::from_parts(322110000, 964)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn sweep_base() -> Weight {
        // Fastest measurement: 60890 nanoseconds.
        Weight::from_parts(69839000, 227)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn sweep_solution_skip() -> Weight {
        // Fastest measurement: 58060 nanoseconds.
        Weight::from_parts(60130000, 815).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_claim() -> Weight {
        // Fastest measurement: 1050977 nanoseconds.
        Weight::from_parts(1902064000, 3339)
            .saturating_add(T::DbWeight::get().reads(20))
            .saturating_add(T::DbWeight::get().writes(20))
    }
    fn sweep_commitment_skip() -> Weight {
        // Fastest measurement: 33080 nanoseconds.
        Weight::from_parts(35510000, 725).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_withdraw() -> Weight {
        // Fastest measurement: 143640 nanoseconds.
        Weight::from_parts(150669000, 1084)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn sweep_forfeit() -> Weight {
        // Fastest measurement: 155400 nanoseconds.
        Weight::from_parts(161940000, 964)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }
}
