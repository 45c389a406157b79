//! Weights of `pallet_solutions`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_solutions`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_solutions::WeightInfo for WeightInfo<T> {
    fn commit() -> Weight {
        // Fastest measurement: 158566 nanoseconds.
        Weight::from_parts(161406000, 2694)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    /// The range of component `b` is `[0, 16384]`.
    fn reveal(b: u32) -> Weight {
        // Fastest measurement: 190264 nanoseconds.
        Weight::from_parts(202459441, 4052)
            .saturating_add(Weight::from_parts(18591, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    fn claim() -> Weight {
        // Fastest measurement: 764412 nanoseconds.
        Weight::from_parts(784857000, 3143)
            .saturating_add(T::DbWeight::get().reads(18))
            .saturating_add(T::DbWeight::get().writes(20))
    }
    fn withdraw_commitment() -> Weight {
        // Fastest measurement: 110319 nanoseconds.
        Weight::from_parts(118262000, 1166)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn forfeit_commitment() -> Weight {
        // Fastest measurement: 118415 nanoseconds.
        Weight::from_parts(121855000, 964)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn sweep_base() -> Weight {
        // Fastest measurement: 23742 nanoseconds.
        Weight::from_parts(24588000, 227)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn sweep_solution_skip() -> Weight {
        // Fastest measurement: 25633 nanoseconds.
        Weight::from_parts(27095000, 815).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_claim() -> Weight {
        // Fastest measurement: 753741 nanoseconds.
        Weight::from_parts(829869000, 3143)
            .saturating_add(T::DbWeight::get().reads(19))
            .saturating_add(T::DbWeight::get().writes(20))
    }
    fn sweep_commitment_skip() -> Weight {
        // Fastest measurement: 43429 nanoseconds.
        Weight::from_parts(45763000, 725).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_withdraw() -> Weight {
        // Fastest measurement: 109075 nanoseconds.
        Weight::from_parts(110685000, 1084)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn sweep_forfeit() -> Weight {
        // Fastest measurement: 114661 nanoseconds.
        Weight::from_parts(120329000, 964)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }
}
