//! Pools: what the calls of delegators do, what a solver's earnings bring them, and what its slashes take.

use crate::{
    Config, Delegation, Delegations, Error, Event, Exit, Exits, HoldReason, Leaving, Ledgers, Pallet, Pool, Pools,
    UnexpectedKind,
};
use alloc::vec::Vec;
use assay_math::fixed::mul_div;
use assay_traits::Delegators;
use assay_types::{Balance, BlockNumber, Tenure};
use frame_support::{
    ensure,
    traits::{
        fungible::hold::Mutate as _,
        tokens::{Fortitude, Precision, Preservation, Restriction},
        Get,
    },
};
use sp_runtime::{
    traits::{AccountIdConversion, BlockNumberProvider},
    DispatchError, Perbill,
};

impl<T: Config> Pallet<T> {
    /// The keyless account that keeps the escrow and what is delegated.
    pub fn pot() -> T::AccountId {
        T::PalletId::get().into_account_truncating()
    }

    /// Makes the pot exist without any free balance, so that it can hold what is not its own.
    pub(crate) fn ensure_pot(pot: &T::AccountId) {
        if frame_system::Pallet::<T>::providers(pot) == 0 {
            frame_system::Pallet::<T>::inc_providers(pot);
        }
    }

    /// Sets the commission of `solver`, whose pool it opens if there is none; returns the first block in which it is in
    /// force.
    pub(crate) fn do_set_commission(solver: &T::AccountId, commission: Perbill) -> Result<BlockNumber, DispatchError> {
        let now = T::BlockNumberProvider::current_block_number();
        let (pool, from) = if let Some(mut pool) = Pools::<T>::get(solver) {
            let from = pool.set_commission(commission, now, now.saturating_add(T::Unbonding::get()));
            (pool, from)
        } else {
            let ledger = Ledgers::<T>::get(solver).filter(|ledger| ledger.active > 0).ok_or(Error::<T>::NotBonded)?;
            ensure!(ledger.active >= T::MinimumBond::get(), Error::<T>::BelowMinimum);
            (Pool { commission, ..Default::default() }, now)
        };
        Pools::<T>::insert(solver, pool);
        Ok(from)
    }

    /// Moves `amount` of the balance of `delegator` into the pool of `solver`.
    pub(crate) fn do_delegate(
        solver: &T::AccountId,
        delegator: &T::AccountId,
        amount: Balance,
    ) -> Result<(), DispatchError> {
        ensure!(amount >= T::MinimumDelegation::get(), Error::<T>::DelegationTooSmall);
        let mut pool = Pools::<T>::get(solver).ok_or(Error::<T>::NoPool)?;
        let shares = pool.fund.join(amount).ok_or(Error::<T>::SharesOutOfRange)?;
        let pot = Self::pot();
        Self::ensure_pot(&pot);
        T::Currency::transfer_and_hold(
            &HoldReason::Delegation.into(),
            delegator,
            &pot,
            amount,
            Precision::Exact,
            Preservation::Preserve,
            Fortitude::Polite,
        )?;
        Pools::<T>::insert(solver, pool);
        Delegations::<T>::mutate(solver, delegator, |entry| {
            let delegation = entry.get_or_insert_with(Default::default);
            delegation.drop_worthless(&pool.fund);
            // The pool counts them too, and checked it.
            delegation.shares = delegation.shares.saturating_add(shares);
        });
        Ok(())
    }

    /// Moves what shares for `amount` are worth from the pool into the exit fund of this tenure; returns it, and the
    /// first block in which it can be withdrawn.
    pub(crate) fn do_undelegate(
        solver: &T::AccountId,
        delegator: &T::AccountId,
        amount: Balance,
    ) -> Result<(Balance, BlockNumber), DispatchError> {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let mut delegation = Delegations::<T>::get(solver, delegator).ok_or(Error::<T>::NotDelegated)?;
        let mut pool = Pools::<T>::get(solver).ok_or(Error::<T>::NotDelegated)?;
        delegation.drop_worthless(&pool.fund);
        ensure!(delegation.shares > 0, Error::<T>::NotDelegated);

        let mut shares = pool.fund.shares_for(amount).min(delegation.shares);
        if pool.fund.value(delegation.shares.saturating_sub(shares)) < T::MinimumDelegation::get() {
            shares = delegation.shares;
        }
        let moved = pool.fund.leave(shares);
        delegation.shares = delegation.shares.saturating_sub(shares);

        let now = T::BlockNumberProvider::current_block_number();
        let leaves_at = now.saturating_add(T::Unbonding::get());
        // After a slash that left less than a unit to each share there may be nothing to wait for.
        if moved > 0 {
            let tenure = T::Tenure::get();
            let mut exit = Exits::<T>::get(solver, tenure).unwrap_or_default();
            let shares = exit.fund.join(moved).ok_or(Error::<T>::SharesOutOfRange)?;
            exit.last_at = now;
            let part = Leaving { tenure, generation: exit.fund.generation, shares, leaves_at };
            delegation.queue(part).map_err(|()| Error::<T>::TooManyChunks)?;
            Exits::<T>::insert(solver, tenure, exit);
        }
        Pools::<T>::insert(solver, pool);
        Self::store_delegation(solver, delegator, delegation);
        Ok((moved, leaves_at))
    }

    /// Pays out what of a delegation is due; returns it.
    pub(crate) fn do_withdraw_delegation(
        solver: &T::AccountId,
        delegator: &T::AccountId,
    ) -> Result<Balance, DispatchError> {
        let mut delegation = Delegations::<T>::get(solver, delegator).ok_or(Error::<T>::NotDelegated)?;
        let fund = Pools::<T>::get(solver).unwrap_or_default().fund;
        let lost_all = delegation.drop_worthless(&fund);
        let now = T::BlockNumberProvider::current_block_number();
        let due: Vec<_> = delegation.leaving.iter().filter(|part| part.leaves_at <= now).cloned().collect();
        ensure!(lost_all || !due.is_empty(), Error::<T>::NothingToWithdraw);

        delegation.leaving.retain(|part| part.leaves_at > now);
        let amount = due.iter().fold(0, |sum: Balance, part| sum.saturating_add(Self::leave_exit(solver, part)));
        if amount > 0 {
            T::Currency::transfer_on_hold(
                &HoldReason::Delegation.into(),
                &Self::pot(),
                delegator,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )?;
        }
        Self::store_delegation(solver, delegator, delegation);
        Ok(amount)
    }

    /// Takes `part` out of its exit fund, and returns what it is worth.
    fn leave_exit(solver: &T::AccountId, part: &Leaving) -> Balance {
        let Some(mut exit) = Exits::<T>::get(solver, part.tenure) else {
            return 0;
        };
        let amount = if exit.fund.generation == part.generation { exit.fund.leave(part.shares) } else { 0 };
        Self::store_exit(T::Tenure::get(), solver, part.tenure, exit);
        amount
    }

    /// Stores an exit fund, or removes an empty one. One that has lost everything stays while others may still join it,
    /// because a new fund in its place would begin with its first generation again.
    fn store_exit(present: Tenure, solver: &T::AccountId, tenure: Tenure, exit: Exit) {
        let closed = tenure < present || exit.fund.generation == 0;
        if exit.fund.shares == 0 && closed {
            Exits::<T>::remove(solver, tenure);
        } else {
            Exits::<T>::insert(solver, tenure, exit);
        }
    }

    fn store_delegation(solver: &T::AccountId, delegator: &T::AccountId, delegation: Delegation<T>) {
        if delegation.is_empty() {
            Delegations::<T>::remove(solver, delegator);
        } else {
            Delegations::<T>::insert(solver, delegator, delegation);
        }
    }

    /// Removes the pool of a solver that has no bond any more, if nobody is in it. One that has lost everything stays: the
    /// shares that were lost would be worth something again in a new pool's first generation.
    pub(crate) fn close_unused_pool(solver: &T::AccountId) {
        let unused = |pool: &Pool| pool.fund.shares == 0 && pool.fund.generation == 0;
        if Pools::<T>::get(solver).is_some_and(|pool| unused(&pool)) {
            Pools::<T>::remove(solver);
        }
    }

    /// Moves up to `amount` of what is delegated to `solver`, and of what left its pool in block `fault_at` or later, into
    /// the escrow, pro rata; returns what moved. The tenure now is `present`.
    pub(crate) fn slash_delegators(
        present: Tenure,
        solver: &T::AccountId,
        amount: Balance,
        fault_at: BlockNumber,
    ) -> Balance {
        let pool = Pools::<T>::get(solver);
        let mut exits = Vec::new();
        for tenure in (0..T::MaxSlashTenures::get()).map_while(|back| present.checked_sub(back)) {
            match Exits::<T>::get(solver, tenure) {
                // Whoever left before that did so before the fault.
                Some(exit) if exit.last_at < fault_at => break,
                Some(exit) => exits.push((tenure, exit)),
                None => {}
            }
        }

        // Total issuance bounds every sum of balances far below saturation.
        let waiting = exits.iter().fold(0, |sum: Balance, (_, exit)| sum.saturating_add(exit.fund.balance));
        let mut all = pool.map_or(0, |pool| pool.fund.balance).saturating_add(waiting);
        let taken = Self::seize(solver, (&Self::pot(), HoldReason::Delegation), amount.min(all));
        if taken == 0 {
            return 0;
        }
        let mut left = taken;
        // What is left of the amount, by the part that a fund is of what is left of the funds: never more than the fund
        // has, and the last one takes exactly what is left.
        let mut part_of = |balance: Balance| {
            let part = mul_div(left, balance, all);
            left = left.saturating_sub(part);
            all = all.saturating_sub(balance);
            part
        };
        if let Some(mut pool) = pool {
            let _ = pool.fund.take(part_of(pool.fund.balance));
            Pools::<T>::insert(solver, pool);
        }
        for (tenure, mut exit) in exits {
            let _ = exit.fund.take(part_of(exit.fund.balance));
            Self::store_exit(present, solver, tenure, exit);
        }
        taken
    }
}

impl<T: Config> Delegators<T::AccountId> for Pallet<T> {
    fn share(solver: &T::AccountId, earned: Balance) -> Balance {
        let Some(pool) = Pools::<T>::get(solver).filter(|pool| pool.fund.shares > 0) else {
            return 0;
        };
        let now = T::BlockNumberProvider::current_block_number();
        let shared = earned.saturating_sub(pool.commission(now).mul_ceil(earned));
        let own = Ledgers::<T>::get(solver).map(|ledger| ledger.active).unwrap_or_default();
        mul_div(shared, pool.fund.balance, own.saturating_add(pool.fund.balance))
    }

    fn account() -> T::AccountId {
        Self::pot()
    }

    fn credit(solver: &T::AccountId, amount: Balance) {
        if amount == 0 {
            return;
        }
        let earned = Pools::<T>::mutate(solver, |entry| {
            entry.as_mut().filter(|pool| pool.fund.shares > 0).is_some_and(|pool| {
                T::Currency::hold(&HoldReason::Delegation.into(), &Self::pot(), amount).is_ok()
                    && pool.fund.earn(amount)
            })
        });
        if earned {
            Self::deposit_event(Event::Earned { solver: solver.clone(), amount });
        } else {
            Self::unexpected(solver, UnexpectedKind::EarningsUnplaced);
        }
    }

    // A benchmark that cannot be prepared must stop, so this may panic.
    #[cfg(feature = "runtime-benchmarks")]
    #[allow(clippy::expect_used)]
    fn prepare(solver: &T::AccountId) {
        // So much that even a small part of what a large bond earns can be paid.
        let amount = T::MinimumDelegation::get().saturating_mul(10_000_000_000);
        Self::place_pool(solver, amount).expect("balance was minted");
    }
}
