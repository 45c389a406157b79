//! Weights of `pallet_solutions`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz. Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_solutions`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_solutions::WeightInfo for WeightInfo<T> {
    fn commit() -> Weight {
        // Fastest measurement: 156135 picoseconds.
        Weight::from_parts(173063000, 2433)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    /// The range of component `b` is `[0, 16384]`.
    fn reveal(b: u32) -> Weight {
        // Fastest measurement: 189621 picoseconds.
        Weight::from_parts(220568731, 3664)
            .saturating_add(Weight::from_parts(21325, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    fn claim() -> Weight {
        // Fastest measurement: 489602 picoseconds.
        Weight::from_parts(545376000, 2682)
            .saturating_add(T::DbWeight::get().reads(15))
            .saturating_add(T::DbWeight::get().writes(17))
    }
    fn withdraw_commitment() -> Weight {
        // Fastest measurement: 111585 picoseconds.
        Weight::from_parts(115981000, 1133)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn forfeit_commitment() -> Weight {
        // Fastest measurement: 119381 picoseconds.
        Weight::from_parts(124947000, 930)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn sweep_base() -> Weight {
        // Fastest measurement: 37432 picoseconds.
        Weight::from_parts(42237000, 191)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn sweep_solution_skip() -> Weight {
        // Fastest measurement: 27309 picoseconds.
        Weight::from_parts(30724000, 815).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_claim() -> Weight {
        // Fastest measurement: 516802 picoseconds.
        Weight::from_parts(533324000, 2682)
            .saturating_add(T::DbWeight::get().reads(16))
            .saturating_add(T::DbWeight::get().writes(17))
    }
    fn sweep_commitment_skip() -> Weight {
        // Fastest measurement: 24394 picoseconds.
        Weight::from_parts(26124000, 725).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_withdraw() -> Weight {
        // Fastest measurement: 115070 picoseconds.
        Weight::from_parts(121341000, 1050)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn sweep_forfeit() -> Weight {
        // Fastest measurement: 119567 picoseconds.
        Weight::from_parts(128479000, 930)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }
}
