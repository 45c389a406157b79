//! What a candidate must meet: conditions that the runtime puts together.

use crate::{pallet::*, types::*};
use assay_traits::{Qualify, ValidatorKeys};
use assay_types::{election::WINDOW, Tenure};
use core::marker::PhantomData;
use frame_support::traits::Get;

/// Has set session keys; a candidate, those that it registered.
pub struct HasKeys<T>(PhantomData<T>);

impl<T: Config> Qualify<T::AccountId> for HasKeys<T> {
    fn qualifies(who: &T::AccountId) -> bool {
        T::Keys::keys_hash(who)
            .is_some_and(|keys| Candidates::<T>::get(who).is_none_or(|candidate| candidate.keys == keys))
    }
}

/// Has the whole seat bond on hold, and has not left.
pub struct HasSeatBond<T>(PhantomData<T>);

impl<T: Config> Qualify<T::AccountId> for HasSeatBond<T> {
    fn qualifies(who: &T::AccountId) -> bool {
        SeatBonds::<T>::get(who).is_some_and(|bond| bond.leaves_at.is_none() && bond.amount >= T::SeatBond::get())
    }
}

/// Is not out.
pub struct NotChilled<T>(PhantomData<T>);

impl<T: Config> Qualify<T::AccountId> for NotChilled<T> {
    fn qualifies(who: &T::AccountId) -> bool {
        Candidates::<T>::get(who).is_none_or(|candidate| !candidate.chilled)
    }
}

/// Sums of what became of the work of `who` in the last [`WINDOW`] tenures: accepted, failed.
fn work_of<T: Config>(who: &T::AccountId) -> (u32, u32) {
    let tenure = T::Tenure::get();
    let recent = |work: &&TenureWork| work.tenure.saturating_add(WINDOW as Tenure) > tenure;
    WorkRecords::<T>::get(who).iter().filter(recent).fold((0, 0), |(accepted, failed), work| {
        (accepted.saturating_add(work.accepted), failed.saturating_add(work.failed))
    })
}

/// Was paid for work in the last [`WINDOW`] tenures.
pub struct RecentWork<T>(PhantomData<T>);

impl<T: Config> Qualify<T::AccountId> for RecentWork<T> {
    fn qualifies(who: &T::AccountId) -> bool {
        let (accepted, _) = work_of::<T>(who);
        accepted > 0
    }
}

/// Of its results in the last [`WINDOW`] tenures at most three in a hundred were found wrong.
pub struct Reliable<T>(PhantomData<T>);

impl<T: Config> Qualify<T::AccountId> for Reliable<T> {
    fn qualifies(who: &T::AccountId) -> bool {
        let (accepted, failed) = work_of::<T>(who);
        let all = u64::from(accepted).saturating_add(failed.into());
        u64::from(failed).saturating_mul(100) <= all.saturating_mul(3)
    }
}
