//! Tenures as they come and go: who is named for a set, who is paid, who is out.

use crate::{pallet::*, types::*, weights::WeightInfo};
use alloc::vec::Vec;
use assay_traits::{Qualify, SolverStake, ValidatorKeys};
use assay_types::Tenure;
use core::cmp::Reverse;
use frame_support::{dispatch::DispatchClass, traits::Get, BoundedVec};
use sp_runtime::{Perbill, SaturatedConversion};

impl<T: Config> Pallet<T> {
    /// Takes the validators that are there for the founders: they have all seats until somebody is drawn, and the committee
    /// until others stand.
    pub(crate) fn found() {
        let validators = T::Keys::validators();
        let founder = |account: &T::AccountId| Founder { account: account.clone(), chilled: false };
        Founders::<T>::put(BoundedVec::truncate_from(validators.iter().map(founder).collect()));
        let committee = Self::choose_committee();
        Committee::<T>::put(&committee);
        NextCommittee::<T>::put(committee);
        Seated::<T>::put(BoundedVec::truncate_from(validators));
        let tenure = T::Tenure::get();
        Began::<T>::put((tenure, Self::now()));
        // A chain that gets elections draws those of nobody first, of the tenures just before.
        OldestKept::<T>::put(tenure.saturating_sub(DRAW_DELAY));
    }

    /// Whether `founder` may be named without having been elected: it has keys, is not out and not a candidate.
    fn founder_is_free(founder: &Founder<T::AccountId>) -> bool {
        !founder.chilled
            && !Candidates::<T>::contains_key(&founder.account)
            && T::Keys::keys_hash(&founder.account).is_some()
    }

    /// Whether `who` is a candidate that may be named.
    fn candidate_is_present(who: &T::AccountId) -> bool {
        Candidates::<T>::contains_key(who) && T::Presence::qualifies(who)
    }

    /// Whether whoever had a seat may have it again.
    fn may_keep_seat(who: &T::AccountId, founders: &[Founder<T::AccountId>]) -> bool {
        Self::candidate_is_present(who)
            || founders.iter().any(|founder| founder.account == *who && Self::founder_is_free(founder))
    }

    /// The members of a new committee, those with the most stake first, the free places the founders'.
    fn choose_committee() -> BoundedVec<Member<T::AccountId>, T::MaxCommittee> {
        let size = T::CommitteeSize::get().min(T::MaxCommittee::get()) as usize;
        let member = |account: T::AccountId| Member { stake: T::Stake::backing(&account), account };
        // Whoever took its bond out after it stood has nothing to judge with.
        let fit = |who: &T::AccountId| T::Presence::qualifies(who) && T::Stake::ensure_eligible(who).is_ok();
        let present = Standing::<T>::get().into_iter().filter(fit);
        let mut members: Vec<_> = present.map(member).collect();
        members.sort_by(|a, b| (Reverse(a.stake), &a.account).cmp(&(Reverse(b.stake), &b.account)));
        members.truncate(size);
        for founder in Founders::<T>::get().into_iter().filter(Self::founder_is_free) {
            if members.len() >= size {
                break;
            }
            if members.iter().all(|member| member.account != founder.account) {
                members.push(member(founder.account));
            }
        }
        BoundedVec::truncate_from(members)
    }

    /// Names the validators of `tenure`: its committee and its seats. `None` if they are those of the present one, or if
    /// nobody could be named: then those go on.
    ///
    /// The block in which sessions change is accounted as full, so this and the two below need no weight of their own.
    pub fn name_set(tenure: Tenure) -> Option<Vec<T::AccountId>> {
        let founders = Founders::<T>::get();
        let committee = Self::choose_committee();
        let mut set: Vec<_> = committee.iter().map(|member| member.account.clone()).collect();

        let drawn = tenure.checked_sub(SERVICE_DELAY).and_then(Draws::<T>::get).map(|draw| draw.seats.into_inner());
        let mut seats: Vec<_> = drawn.unwrap_or_default().into_iter().filter(Self::candidate_is_present).collect();
        if seats.is_empty() {
            seats = Seated::<T>::get().into_iter().filter(|who| Self::may_keep_seat(who, &founders)).collect();
        }
        let most = T::MaxValidators::get() as usize;
        let mut join = |who: &T::AccountId, limit: usize| {
            if set.len() < limit && !set.contains(who) {
                set.push(who.clone());
            }
        };
        seats.iter().for_each(|who| join(who, most));
        // Too few: founders, those who are out last.
        let least = (LEAST_MEMBERS as usize).min(founders.len());
        for chilled in [false, true] {
            founders
                .iter()
                .filter(|founder| founder.chilled == chilled && T::Keys::keys_hash(&founder.account).is_some())
                .for_each(|founder| join(&founder.account, least));
        }
        Self::deposit_event(Event::SetNamed {
            tenure,
            committee: committee.len().saturated_into(),
            validators: set.len().saturated_into(),
        });
        Seated::<T>::put(BoundedVec::truncate_from(seats));
        NextCommittee::<T>::put(committee);
        (!set.is_empty() && set != T::Keys::validators()).then_some(set)
    }

    /// Ends the present tenure: pays its committee, and chills those who made no block where they should have made
    /// many. To be called before the validators change.
    pub fn end_tenure() {
        Self::pay_committee();
        let authors = Authors::<T>::take();
        let validators = T::Keys::validators();
        let (_, first) = Began::<T>::get();
        let blocks = Self::now().saturating_sub(first).saturating_mul(1_000);
        let expected = blocks.checked_div(validators.len().saturated_into()).unwrap_or_default();
        for validator in validators {
            if authors.contains(&validator) {
                Missed::<T>::remove(&validator);
                continue;
            }
            let missed = Missed::<T>::get(&validator).saturating_add(expected);
            if missed < MOST_MISSED {
                Missed::<T>::insert(&validator, missed);
            } else {
                Missed::<T>::remove(&validator);
                Self::chill(&validator, ChillReason::Absence);
            }
        }
    }

    /// Begins the tenure that [`Config::Tenure`] tells now.
    pub fn start_tenure() {
        Committee::<T>::put(NextCommittee::<T>::get());
        Began::<T>::put((T::Tenure::get(), Self::now()));
    }

    /// Notes that `author` made this block. Accounts for its own weight, because the hook that calls it reports none.
    pub fn note_author(author: &T::AccountId) {
        let weight = T::WeightInfo::note_author();
        frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
        let mut authors = Authors::<T>::get();
        if !authors.contains(author) && authors.try_push(author.clone()).is_ok() {
            Authors::<T>::put(authors);
        }
    }

    /// Punishes `offender`, who signed two ways at once: a part of its seat bond is gone, and it is out.
    pub fn note_offence(offender: &T::AccountId, fraction: Perbill) {
        Self::slash_seat_bond(offender, fraction);
        Self::chill(offender, ChillReason::Offence);
    }

    /// Puts `who` out, whatever it is.
    fn chill(who: &T::AccountId, reason: ChillReason) {
        let candidate = Candidates::<T>::mutate(who, |candidate| {
            candidate.as_mut().is_some_and(|candidate| !core::mem::replace(&mut candidate.chilled, true))
        });
        let standing = Self::remove_standing(who);
        if standing {
            Self::begin_to_leave(who);
        }
        let founder = Self::set_founder(who, true);
        if candidate || standing || founder {
            Self::deposit_event(Event::Chilled { who: who.clone(), reason });
        }
    }

    /// Sets whether a founder is out; returns whether this changed anything.
    fn set_founder(who: &T::AccountId, chilled: bool) -> bool {
        let mut founders = Founders::<T>::get();
        let founder = founders.iter_mut().find(|founder| founder.account == *who && founder.chilled != chilled);
        let found = founder.map(|founder| founder.chilled = chilled).is_some();
        if found {
            Founders::<T>::put(founders);
        }
        found
    }

    /// Ends a founder's being out; returns whether it was.
    pub(crate) fn thaw_founder(who: &T::AccountId) -> bool {
        Self::set_founder(who, false)
    }

    /// Removes a candidate and its work record; returns whether there was one.
    pub(crate) fn remove_candidate(who: &T::AccountId) -> bool {
        WorkRecords::<T>::remove(who);
        Missed::<T>::remove(who);
        Candidates::<T>::take(who).is_some()
    }

    /// Removes `who` from those who stand; returns whether it stood.
    pub(crate) fn remove_standing(who: &T::AccountId) -> bool {
        Missed::<T>::remove(who);
        Standing::<T>::mutate(|standing| {
            let place = standing.iter().position(|other| other == who);
            place.map(|place| standing.remove(place)).is_some()
        })
    }
}
