//! The escrow of disputes: what they take of a solver's stake, and where it goes.

use crate::{Config, Error, Escrowed, Event, HoldReason, Ledger, Ledgers, Pallet, TotalBonded, UnexpectedKind};
use assay_traits::StakeEscrow;
use assay_types::{Balance, BlockNumber, Tenure};
use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    storage::with_storage_layer,
    traits::{
        fungible::hold::{Mutate as _, Unbalanced as _},
        tokens::{Fortitude, Precision, Restriction},
        Get,
    },
    weights::Weight,
};
use sp_runtime::traits::BlockNumberProvider;

impl<T: Config> Pallet<T> {
    /// Moves `amount` from one hold to another: all of it or nothing.
    ///
    /// Both ends are set directly. `transfer_on_hold` refuses an amount below the existential deposit when the receiver
    /// has no free balance, though nothing becomes free; the pot never has any.
    fn shift(
        (from, reason): (&T::AccountId, HoldReason),
        (to, into): (&T::AccountId, HoldReason),
        amount: Balance,
    ) -> DispatchResult {
        with_storage_layer(|| {
            T::Currency::decrease_balance_on_hold(&reason.into(), from, amount, Precision::Exact)?;
            T::Currency::increase_balance_on_hold(&into.into(), to, amount, Precision::Exact)?;
            Ok(())
        })
    }

    /// Moves `amount` of the hold `source` into the escrow. Nothing else moves into it.
    ///
    /// # Errors
    /// The currency's, when less is on hold.
    fn shift_into_escrow(source: (&T::AccountId, HoldReason), amount: Balance) -> DispatchResult {
        let pot = Self::pot();
        Self::ensure_pot(&pot);
        Self::shift(source, (&pot, HoldReason::Bond), amount)?;
        Escrowed::<T>::mutate(|escrowed| *escrowed = escrowed.saturating_add(amount));
        Ok(())
    }

    /// Moves `amount` from `source`, on hold because of `solver`, into the escrow; returns what moved: all or nothing.
    pub(crate) fn seize(solver: &T::AccountId, source: (&T::AccountId, HoldReason), amount: Balance) -> Balance {
        if amount == 0 || Self::shift_into_escrow(source, amount).is_ok() {
            return amount;
        }
        Self::unexpected(solver, UnexpectedKind::NotMoved);
        0
    }

    pub(crate) fn unexpected(solver: &T::AccountId, kind: UnexpectedKind) {
        Self::deposit_event(Event::Unexpected { solver: solver.clone(), kind });
    }

    /// Stores what is left of a ledger of which `amount` of the bond has gone.
    fn store_after_loss(solver: &T::AccountId, ledger: Ledger<T>, amount: Balance) {
        TotalBonded::<T>::mutate(|total| *total = total.saturating_sub(amount));
        Self::store(solver, ledger);
    }

    /// Takes `amount` off the sum of the escrow, for whoever moves it out; returns what was there.
    fn take_escrowed(whose: &T::AccountId, amount: Balance) -> Balance {
        let escrowed = Escrowed::<T>::get();
        let taken = amount.min(escrowed);
        if taken < amount {
            Self::unexpected(whose, UnexpectedKind::EscrowTooSmall);
        }
        Escrowed::<T>::put(escrowed.saturating_sub(taken));
        taken
    }

    /// Pays `amount`, which has been taken off the sum of the escrow, from the pot's hold to `to`.
    fn pay_from_pot(to: &T::AccountId, amount: Balance) -> DispatchResult {
        T::Currency::transfer_on_hold(
            &HoldReason::Bond.into(),
            &Self::pot(),
            to,
            amount,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        )?;
        Ok(())
    }

    /// Pays `amount`, which has been taken off the sum of the escrow, to `who`; to the treasury what it cannot take.
    fn pay_out(who: &T::AccountId, amount: Balance) {
        if Self::pay_from_pot(who, amount).is_ok() {
            Self::deposit_event(Event::Awarded { who: who.clone(), amount });
        } else {
            Self::deposit_event(Event::Refused { who: who.clone(), amount });
            Self::pay_treasury(amount);
        }
    }

    /// Pays `amount`, which has been taken off the sum of the escrow, to the treasury; burns what that cannot take.
    fn pay_treasury(amount: Balance) {
        if Self::pay_from_pot(&T::Treasury::get(), amount).is_ok() {
            Self::deposit_event(Event::Forfeited { amount });
            return;
        }
        let reason = HoldReason::Bond.into();
        let burned = T::Currency::burn_held(&reason, &Self::pot(), amount, Precision::BestEffort, Fortitude::Force);
        Self::deposit_event(Event::Burned { amount: burned.unwrap_or_default() });
    }

    /// Moves up to `amount` of the own bond of `solver` that is not pledged, then of what of it was unbonded in block
    /// `fault_at` or later, into the escrow; returns what moved.
    fn slash_own(solver: &T::AccountId, amount: Balance, fault_at: BlockNumber) -> Balance {
        let Some(mut ledger) = Ledgers::<T>::get(solver) else {
            return 0;
        };
        let bonded = amount.min(ledger.free());
        ledger.take_oldest(bonded, T::BlockNumberProvider::current_block_number());
        let waiting = ledger.take_unbonded_since(amount.saturating_sub(bonded), fault_at);
        let moved = Self::seize(solver, (solver, HoldReason::Bond), bonded.saturating_add(waiting));
        if moved > 0 {
            Self::store_after_loss(solver, ledger, bonded);
        }
        moved
    }

    /// [`StakeEscrow::slash`] in the tenure `present`.
    pub(crate) fn slash_in(present: Tenure, solver: &T::AccountId, amount: Balance, fault_at: BlockNumber) -> Balance {
        let own = Self::slash_own(solver, amount, fault_at);
        let delegated = match amount.saturating_sub(own) {
            0 => 0,
            rest => Self::slash_delegators(present, solver, rest, fault_at),
        };
        let moved = own.saturating_add(delegated);
        if moved > 0 {
            Self::deposit_event(Event::Slashed { solver: solver.clone(), own, delegated });
        }
        moved
    }
}

impl<T: Config> StakeEscrow<T::AccountId> for Pallet<T> {
    /// # Errors
    /// [`Error::NotBonded`], [`Error::NotEnoughFree`], [`Error::NotEnoughMature`].
    fn escrow(solver: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        let mut ledger = Ledgers::<T>::get(solver).ok_or(Error::<T>::NotBonded)?;
        let now = T::BlockNumberProvider::current_block_number();
        ensure!(amount <= ledger.free(), Error::<T>::NotEnoughFree);
        ensure!(amount <= ledger.mature(now), Error::<T>::NotEnoughMature);
        Self::shift_into_escrow((solver, HoldReason::Bond), amount)?;
        ledger.take_oldest(amount, now);
        Self::store_after_loss(solver, ledger, amount);
        Self::deposit_event(Event::Escrowed { solver: solver.clone(), amount });
        Ok(())
    }

    /// What an account that has gone meanwhile cannot hold is paid to it, or to the treasury.
    fn restore(solver: &T::AccountId, amount: Balance) {
        let amount = Self::take_escrowed(solver, amount);
        if amount == 0 {
            return;
        }
        if Self::shift((&Self::pot(), HoldReason::Bond), (solver, HoldReason::Bond), amount).is_err() {
            Self::pay_out(solver, amount);
            return;
        }
        Ledgers::<T>::mutate(solver, |entry| entry.get_or_insert_with(Default::default).add_mature(amount));
        TotalBonded::<T>::mutate(|total| *total = total.saturating_add(amount));
        Self::deposit_event(Event::Restored { solver: solver.clone(), amount });
    }

    fn confiscate(solver: &T::AccountId, pledged: Balance, amount: Balance) -> Balance {
        let mut ledger = Ledgers::<T>::get(solver).unwrap_or_default();
        let ended = pledged.min(ledger.pledged);
        if ended < pledged {
            Self::unexpected(solver, UnexpectedKind::ReleasedMoreThanPledged);
        }
        if ended == 0 {
            return 0;
        }
        let moved = Self::seize(solver, (solver, HoldReason::Bond), amount.min(ended));
        ledger.pledged = ledger.pledged.saturating_sub(ended);
        ledger.take_oldest(moved, T::BlockNumberProvider::current_block_number());
        Self::store_after_loss(solver, ledger, moved);
        let released = ended.saturating_sub(moved);
        Self::deposit_event(Event::Confiscated { solver: solver.clone(), amount: moved, released });
        moved
    }

    fn liable(solver: &T::AccountId, fault_at: BlockNumber) -> Balance {
        let now = T::BlockNumberProvider::current_block_number();
        let ledger = Ledgers::<T>::get(solver).unwrap_or_default();
        ledger.mature(now).saturating_add(ledger.unbonded_since(fault_at))
    }

    fn slash(solver: &T::AccountId, amount: Balance, fault_at: BlockNumber) -> Balance {
        Self::slash_in(T::Tenure::get(), solver, amount, fault_at)
    }

    fn slash_weight() -> Weight {
        use crate::WeightInfo;
        T::WeightInfo::slash()
    }

    fn award(who: &T::AccountId, amount: Balance) {
        let amount = Self::take_escrowed(who, amount);
        if amount > 0 {
            Self::pay_out(who, amount);
        }
    }

    fn forfeit(amount: Balance) {
        let amount = Self::take_escrowed(&Self::pot(), amount);
        if amount > 0 {
            Self::pay_treasury(amount);
        }
    }

    fn escrowed() -> Balance {
        Escrowed::<T>::get()
    }
}
