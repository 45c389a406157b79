//! Seat bonds, and what is committed.

use crate::{pallet::*, types::*};
use assay_math::fixed::mul_div;
use assay_types::{Balance, BlockNumber};
use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{
        fungible::{hold::Mutate as _, Mutate as _},
        tokens::{Fortitude, Precision, Preservation, Restriction},
        Get,
    },
};
use sp_runtime::{traits::AccountIdConversion, DispatchError, Perbill, SaturatedConversion};

/// The least part of a seat bond that an offence takes. The fraction that comes with an offence of one validator among
/// many is so small that it would be a price and not a punishment.
const LEAST_SLASH: Perbill = Perbill::from_percent(10);

impl<T: Config> Pallet<T> {
    /// The account in which the committee's half of this tenure's commitments waits.
    pub fn pot() -> T::AccountId {
        T::PalletId::get().into_account_truncating()
    }

    /// Holds what is missing of the seat bond of `who`; it does not leave any more.
    ///
    /// # Errors
    /// The currency's.
    pub(crate) fn hold_seat_bond(who: &T::AccountId) -> DispatchResult {
        let bond = SeatBonds::<T>::get(who).unwrap_or_default();
        let missing = T::SeatBond::get().saturating_sub(bond.amount);
        if missing > 0 {
            T::Currency::hold(&HoldReason::Seat.into(), who, missing)?;
        }
        SeatBonds::<T>::insert(who, SeatBond { amount: bond.amount.saturating_add(missing), leaves_at: None });
        Ok(())
    }

    /// Lets the seat bond of `who` leave; returns the first block in which it can be withdrawn.
    pub(crate) fn begin_to_leave(who: &T::AccountId) -> BlockNumber {
        let leaves_at = Self::now().saturating_add(T::SeatUnbonding::get());
        SeatBonds::<T>::mutate(who, |bond| {
            if let Some(bond) = bond {
                bond.leaves_at = Some(leaves_at);
            }
        });
        leaves_at
    }

    /// Pays the seat bond of `who` back; returns it.
    ///
    /// # Errors
    /// [`Error::NothingToWithdraw`], [`Error::TooEarly`].
    pub(crate) fn release_seat_bond(who: &T::AccountId) -> Result<Balance, DispatchError> {
        let SeatBond { amount, leaves_at } = SeatBonds::<T>::get(who).ok_or(Error::<T>::NothingToWithdraw)?;
        let leaves_at = leaves_at.ok_or(Error::<T>::NothingToWithdraw)?;
        ensure!(Self::now() >= leaves_at, Error::<T>::TooEarly);
        T::Currency::release(&HoldReason::Seat.into(), who, amount, Precision::Exact)?;
        SeatBonds::<T>::remove(who);
        // It may have been absent in the last tenures that it still had to serve in.
        Missed::<T>::remove(who);
        Ok(amount)
    }

    /// Takes `fraction` of the seat bond of `who`, at least a tenth, for the treasury.
    pub(crate) fn slash_seat_bond(who: &T::AccountId, fraction: Perbill) {
        let Some(bond) = SeatBonds::<T>::get(who).filter(|bond| bond.amount > 0) else { return };
        let (reason, amount) = (HoldReason::Seat.into(), fraction.max(LEAST_SLASH).mul_ceil(bond.amount));
        let (exact, free, force) = (Precision::Exact, Restriction::Free, Fortitude::Force);
        let treasury = T::Treasury::get();
        let taken = T::Currency::transfer_on_hold(&reason, who, &treasury, amount, exact, free, force)
            // What the treasury cannot take nobody has.
            .or_else(|_| T::Currency::burn_held(&reason, who, amount, exact, force))
            .unwrap_or_default();
        SeatBonds::<T>::insert(who, SeatBond { amount: bond.amount.saturating_sub(taken), ..bond });
        Self::deposit_event(Event::Slashed { who: who.clone(), amount: taken });
    }

    /// Spends a commitment of `candidate`: half is burned, half goes into the pot.
    ///
    /// # Errors
    /// The currency's.
    pub(crate) fn spend(candidate: &T::AccountId, amount: Balance) -> DispatchResult {
        let paid = amount / 2;
        let burned = amount.saturating_sub(paid);
        T::Currency::transfer(candidate, &Self::pot(), paid, Preservation::Preserve)?;
        T::Currency::burn_from(candidate, burned, Preservation::Preserve, Precision::Exact, Fortitude::Polite)?;
        CommitTotals::<T>::mutate(|totals| {
            totals.committed = totals.committed.saturating_add(amount);
            totals.burned = totals.burned.saturating_add(burned);
            totals.pending = totals.pending.saturating_add(paid);
        });
        Ok(())
    }

    /// Shares what is pending between the members of the committee in proportion to their stake, or equally where they have
    /// none. What rounding leaves, and what a member cannot take, is burned.
    pub(crate) fn pay_committee() {
        let mut totals = CommitTotals::<T>::get();
        let pending = totals.pending;
        if pending == 0 {
            return;
        }
        let pot = Self::pot();
        let committee = Committee::<T>::get();
        let stake = committee.iter().fold(0, |sum: Balance, member| sum.saturating_add(member.stake));
        let count: u128 = committee.len().saturated_into();
        let share = |member: &Member<T::AccountId>| match stake {
            0 => pending.checked_div(count).unwrap_or_default(),
            _ => mul_div(pending, member.stake, stake),
        };
        let paid = committee.iter().fold(0, |paid: Balance, member| {
            // Stakes whose sum overflows would have more than there is.
            let amount = share(member).min(pending.saturating_sub(paid));
            if amount == 0 {
                return paid;
            }
            match T::Currency::transfer(&pot, &member.account, amount, Preservation::Expendable) {
                Ok(_) => paid.saturating_add(amount),
                Err(_) => paid,
            }
        });
        let rest = pending.saturating_sub(paid);
        let (expendable, best, force) = (Preservation::Expendable, Precision::BestEffort, Fortitude::Force);
        // Burned or not, nobody has a claim to it any more.
        let _ = T::Currency::burn_from(&pot, rest, expendable, best, force);
        totals.paid = totals.paid.saturating_add(paid);
        totals.burned = totals.burned.saturating_add(rest);
        totals.pending = 0;
        CommitTotals::<T>::put(totals);
        Self::deposit_event(Event::CommitteePaid { paid, burned: rest });
    }
}
