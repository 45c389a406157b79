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
        // Fastest measurement: 155204 nanoseconds.
        Weight::from_parts(158424000, 2433)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    /// The range of component `b` is `[0, 16384]`.
    fn reveal(b: u32) -> Weight {
        // Fastest measurement: 184895 nanoseconds.
        Weight::from_parts(202282920, 3664)
            .saturating_add(Weight::from_parts(19564, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    fn claim() -> Weight {
        // Fastest measurement: 496688 nanoseconds.
        Weight::from_parts(507347000, 2682)
            .saturating_add(T::DbWeight::get().reads(15))
            .saturating_add(T::DbWeight::get().writes(17))
    }
    fn withdraw_commitment() -> Weight {
        // Fastest measurement: 110358 nanoseconds.
        Weight::from_parts(112992000, 1133)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn forfeit_commitment() -> Weight {
        // Fastest measurement: 120930 nanoseconds.
        Weight::from_parts(123488000, 930)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn sweep_base() -> Weight {
        // Fastest measurement: 22762 nanoseconds.
        Weight::from_parts(23251000, 191)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn sweep_solution_skip() -> Weight {
        // Fastest measurement: 25179 nanoseconds.
        Weight::from_parts(28262000, 815).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_claim() -> Weight {
        // Fastest measurement: 507048 nanoseconds.
        Weight::from_parts(525001000, 2682)
            .saturating_add(T::DbWeight::get().reads(16))
            .saturating_add(T::DbWeight::get().writes(17))
    }
    fn sweep_commitment_skip() -> Weight {
        // Fastest measurement: 24841 nanoseconds.
        Weight::from_parts(26678000, 725).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_withdraw() -> Weight {
        // Fastest measurement: 110027 nanoseconds.
        Weight::from_parts(115568000, 1050)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn sweep_forfeit() -> Weight {
        // Fastest measurement: 118678 nanoseconds.
        Weight::from_parts(122414000, 930)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }
}
