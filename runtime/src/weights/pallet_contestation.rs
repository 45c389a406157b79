//! Weights of `pallet_contestation`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: Intel(R) Xeon(R) Processor @ 2.80GHz.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_contestation`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_contestation::WeightInfo for WeightInfo<T> {
    /// The range of component `m` is `[0, 100]`.
    fn contest(m: u32) -> Weight {
        // Fastest measurement: 260610 nanoseconds.
        Weight::from_parts(379807325, 4159)
            .saturating_add(Weight::from_parts(33440191, 0).saturating_mul(m.into()))
            .saturating_add(Weight::from_parts(0, 189).saturating_mul(m.into()))
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().reads(2_u64.saturating_mul(m.into())))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn vote() -> Weight {
        // Fastest measurement: 285948 nanoseconds.
        Weight::from_parts(429133000, 8827)
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(9))
    }
    fn open() -> Weight {
        // Fastest measurement: 177517 nanoseconds.
        Weight::from_parts(192580000, 934)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn open_solution() -> Weight {
        // Fastest measurement: 107026 nanoseconds.
        Weight::from_parts(124810000, 490)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn settle() -> Weight {
        // Fastest measurement: 780525 nanoseconds.
        Weight::from_parts(818769000, 7058)
            .saturating_add(T::DbWeight::get().reads(17))
            .saturating_add(T::DbWeight::get().writes(18))
    }
    fn pull() -> Weight {
        // Fastest measurement: 458418 nanoseconds.
        Weight::from_parts(472606000, 4934)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(10))
    }
    fn charge_absent() -> Weight {
        // Fastest measurement: 482912 nanoseconds.
        Weight::from_parts(534377000, 4833)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(10))
    }
    fn sweep_base() -> Weight {
        // Fastest measurement: 34701 nanoseconds.
        Weight::from_parts(36457000, 185)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    fn sweep_dispute_skip() -> Weight {
        // Fastest measurement: 44407 nanoseconds.
        Weight::from_parts(48951000, 620).saturating_add(T::DbWeight::get().reads(2))
    }
    fn sweep_settle() -> Weight {
        // Fastest measurement: 789669 nanoseconds.
        Weight::from_parts(830461000, 7058)
            .saturating_add(T::DbWeight::get().reads(18))
            .saturating_add(T::DbWeight::get().writes(18))
    }
    fn sweep_charge() -> Weight {
        // Fastest measurement: 295561 nanoseconds.
        Weight::from_parts(326691000, 4833)
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().writes(10))
    }
    fn sweep_ballot_skip() -> Weight {
        // Fastest measurement: 44324 nanoseconds.
        Weight::from_parts(45625000, 1042).saturating_add(T::DbWeight::get().reads(3))
    }
    fn sweep_pull() -> Weight {
        // Fastest measurement: 288139 nanoseconds.
        Weight::from_parts(300428000, 4934)
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().writes(10))
    }
}
