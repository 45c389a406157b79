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
        // Fastest measurement: 306639 nanoseconds.
        Weight::from_parts(321269000, 4690)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn commit() -> Weight {
        // Fastest measurement: 1711335 nanoseconds.
        Weight::from_parts(1741246000, 1885)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn stand() -> Weight {
        // Fastest measurement: 1860326 nanoseconds.
        Weight::from_parts(2178434000, 18571)
            .saturating_add(T::DbWeight::get().reads(143))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn leave() -> Weight {
        // Fastest measurement: 139500 nanoseconds.
        Weight::from_parts(146199000, 3263)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn evict() -> Weight {
        // Fastest measurement: 94760 nanoseconds.
        Weight::from_parts(136160000, 1057)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn withdraw_seat_bond() -> Weight {
        // Fastest measurement: 124660 nanoseconds.
        Weight::from_parts(128309000, 443)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn resume() -> Weight {
        // Fastest measurement: 202940 nanoseconds.
        Weight::from_parts(212949000, 4544)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    fn mix() -> Weight {
        // Fastest measurement: 21600 nanoseconds.
        Weight::from_parts(22710000, 403)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    /// The range of component `n` is `[0, 1000]`.
    fn draw(n: u32) -> Weight {
        // Fastest measurement: 57299 nanoseconds.
        Weight::from_parts(59440000, 1055)
            .saturating_add(Weight::from_parts(106314297, 0).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(0, 829).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().reads(5_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    fn prune_base() -> Weight {
        // Fastest measurement: 22680 nanoseconds.
        Weight::from_parts(24780000, 371).saturating_add(T::DbWeight::get().reads(2))
    }
    /// The range of component `n` is `[0, 32]`.
    fn prune(n: u32) -> Weight {
        // Fastest measurement: 21730 nanoseconds.
        Weight::from_parts(22266061, 336)
            .saturating_add(Weight::from_parts(1985104, 0).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(0, 87).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(2))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(n.into())))
    }
    fn note_author() -> Weight {
        // Fastest measurement: 23730 nanoseconds.
        Weight::from_parts(25960000, 3389)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn note_work() -> Weight {
        // Fastest measurement: 32590 nanoseconds.
        Weight::from_parts(35109000, 677)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn note_offence() -> Weight {
        // Fastest measurement: 221309 nanoseconds.
        Weight::from_parts(227029000, 7264)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    /// The range of component `n` is `[1, 100]`.
    /// The range of component `s` is `[0, 64]`.
    fn change_tenure(n: u32, s: u32) -> Weight {
        // Fastest measurement: 4111880 nanoseconds.
        Weight::from_parts(1613963667, 4652)
            .saturating_add(Weight::from_parts(30875627, 0).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(97836290, 0).saturating_mul(s.into()))
            .saturating_add(Weight::from_parts(0, 190).saturating_mul(n.into()))
            .saturating_add(Weight::from_parts(0, 405).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads(35))
            .saturating_add(T::DbWeight::get().reads(2_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().reads(5_u64.saturating_mul(s.into())))
            .saturating_add(T::DbWeight::get().writes(23))
    }
}
