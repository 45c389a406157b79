//! Weights of `pallet_elections`, written by `scripts/benchmark-weights`; not edited by hand.
//!
//! Machine: AMD EPYC.
//! Preset: `development`. Points per component: 20; measurements per point: 10.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_elections`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_elections::WeightInfo for WeightInfo<T> {
    fn register() -> Weight {
        // Fastest measurement: 196940 nanoseconds.
        Weight::from_parts(215480000, 1285)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn commit() -> Weight {
        // Fastest measurement: 1086468 nanoseconds.
        Weight::from_parts(1240027000, 1885)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn stand() -> Weight {
        // Fastest measurement: 1646915 nanoseconds.
        Weight::from_parts(1686746000, 18571)
            .saturating_add(T::DbWeight::get().reads(143))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn leave() -> Weight {
        // Fastest measurement: 118230 nanoseconds.
        Weight::from_parts(135490000, 3263)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn evict() -> Weight {
        // Fastest measurement: 80380 nanoseconds.
        Weight::from_parts(85440000, 1057)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn withdraw_seat_bond() -> Weight {
        // Fastest measurement: 109440 nanoseconds.
        Weight::from_parts(121490000, 443)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn resume() -> Weight {
        // Fastest measurement: 182709 nanoseconds.
        Weight::from_parts(189929000, 4544)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn mix() -> Weight {
        // Fastest measurement: 19220 nanoseconds.
        Weight::from_parts(20850000, 403)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    /// The range of component `n` is `[0, 1000]`.
    fn draw(n: u32) -> Weight {
        // Fastest measurement: 51070 nanoseconds.
        Weight::from_parts(54930000, 1055)
            .saturating_add(Weight::from_parts(88146217, 0).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(0, 829).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().reads(5_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn prune_base() -> Weight {
        // Fastest measurement: 17570 nanoseconds.
        Weight::from_parts(19230000, 371).saturating_add(T::DbWeight::get().reads(2))
    }
    /// The range of component `n` is `[0, 32]`.
    fn prune(n: u32) -> Weight {
        // Fastest measurement: 17610 nanoseconds.
        Weight::from_parts(25823821, 336)
            .saturating_add(Weight::from_parts(2566849, 0).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(0, 87).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(2))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(n.into())))
    }
    fn note_author() -> Weight {
        // Fastest measurement: 23010 nanoseconds.
        Weight::from_parts(25030000, 3389)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn note_work() -> Weight {
        // Fastest measurement: 30760 nanoseconds.
        Weight::from_parts(35760000, 677)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn note_offence() -> Weight {
        // Fastest measurement: 229989 nanoseconds.
        Weight::from_parts(377339000, 3995)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    /// The range of component `n` is `[1, 100]`.
    /// The range of component `s` is `[0, 64]`.
    fn change_tenure(n: u32, s: u32) -> Weight {
        // Fastest measurement: 4264689 nanoseconds.
        Weight::from_parts(4498668560, 4535)
            .saturating_add(Weight::from_parts(10102118, 0).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(45372059, 0).saturating_mul(s.into()))
            .saturating_add(Weight::from_parts(0, 190).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(0, 404).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads(33))
            .saturating_add(T::DbWeight::get().reads(2_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().reads(5_u64.saturating_mul(s.into())))
            .saturating_add(T::DbWeight::get().writes(23))
    }
}
