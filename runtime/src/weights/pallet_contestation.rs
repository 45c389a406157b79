//! Weights of `pallet_contestation`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: AMD EPYC.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_contestation`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_contestation::WeightInfo for WeightInfo<T> {
    /// The range of component `m` is `[0, 16]`.
    fn contest(m: u32) -> Weight {
        // Fastest measurement: 206899 nanoseconds.
        Weight::from_parts(275643283, 4249)
            .saturating_add(Weight::from_parts(28496173, 0).saturating_mul(m.into()))
            .saturating_add(Weight::from_parts(0, 211).saturating_mul(m.into()))
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().reads(2_u64.saturating_mul(m.into())))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn vote() -> Weight {
        // Fastest measurement: 311370 nanoseconds.
        Weight::from_parts(346019000, 4789)
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(9))
    }
    fn open() -> Weight {
        // Fastest measurement: 114939 nanoseconds.
        Weight::from_parts(141610000, 934)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn open_solution() -> Weight {
        // Fastest measurement: 70669 nanoseconds.
        Weight::from_parts(80900000, 490)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn settle() -> Weight {
        // Fastest measurement: 1432436 nanoseconds.
        Weight::from_parts(1635195000, 7389)
            .saturating_add(T::DbWeight::get().reads(28))
            .saturating_add(T::DbWeight::get().writes(28))
    }
    fn pull() -> Weight {
        // Fastest measurement: 462159 nanoseconds.
        Weight::from_parts(653368000, 4092)
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().writes(10))
    }
    fn charge_absent() -> Weight {
        // Fastest measurement: 445298 nanoseconds.
        Weight::from_parts(513309000, 3905)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(10))
    }
    fn sweep_base() -> Weight {
        // Fastest measurement: 32100 nanoseconds.
        Weight::from_parts(35070000, 185)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn sweep_dispute_skip() -> Weight {
        // Fastest measurement: 31260 nanoseconds.
        Weight::from_parts(40430000, 652).saturating_add(T::DbWeight::get().reads(2))
    }
    fn sweep_settle() -> Weight {
        // Fastest measurement: 1538806 nanoseconds.
        Weight::from_parts(1707585000, 7389)
            .saturating_add(T::DbWeight::get().reads(29))
            .saturating_add(T::DbWeight::get().writes(28))
    }
    fn sweep_charge() -> Weight {
        // Fastest measurement: 442439 nanoseconds.
        Weight::from_parts(493278000, 3905)
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().writes(10))
    }
    fn sweep_ballot_skip() -> Weight {
        // Fastest measurement: 49120 nanoseconds.
        Weight::from_parts(55449000, 1074).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_pull() -> Weight {
        // Fastest measurement: 413979 nanoseconds.
        Weight::from_parts(445769000, 4092)
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(10))
    }
}
