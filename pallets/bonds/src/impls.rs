//! What is not a call: the door to other pallets, and the invariants.

use crate::{
    Config, Delegations, Error, Escrowed, Event, Exits, HoldReason, Ledger, Ledgers, Pallet, Pools, TotalBonded,
    UnexpectedKind,
};
use alloc::{collections::BTreeMap, vec::Vec};
use assay_traits::SolverStake;
use assay_types::{Balance, BlockNumber, Tenure};
use codec::Encode;
use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{
        fungible::hold::{Inspect as _, Mutate as _},
        Get,
    },
};
#[cfg(feature = "runtime-benchmarks")]
use sp_runtime::Perbill;
use sp_runtime::{traits::BlockNumberProvider, DispatchError, TryRuntimeError};

impl<T: Config> Pallet<T> {
    /// Holds `amount` more for `solver` and adds it to `ledger`; returns the first block in which it is mature.
    pub(crate) fn add_to_bond(
        solver: &T::AccountId,
        mut ledger: Ledger<T>,
        amount: Balance,
    ) -> Result<BlockNumber, DispatchError> {
        T::Currency::hold(&HoldReason::Bond.into(), solver, amount)?;
        let now = T::BlockNumberProvider::current_block_number();
        let matures_at = ledger.add(amount, now, T::Maturity::get());
        Ledgers::<T>::insert(solver, ledger);
        TotalBonded::<T>::mutate(|total| *total = total.saturating_add(amount));
        Ok(matures_at)
    }

    /// Stores a ledger, or removes one that has nothing left, with a pool that nobody uses.
    pub(crate) fn store(solver: &T::AccountId, ledger: Ledger<T>) {
        if ledger.held() == 0 {
            Ledgers::<T>::remove(solver);
            Self::close_unused_pool(solver);
        } else {
            Ledgers::<T>::insert(solver, ledger);
        }
    }

    /// Checks what must always hold:
    ///
    /// 1. The hold of each solver is its bond and what waits to be withdrawn.
    /// 2. No more is pledged, and no more is maturing, than is bonded.
    /// 3. Parts mature in the order in which they were placed, and no part and no ledger is empty.
    /// 4. [`TotalBonded`] is the sum of all bonds.
    /// 5. The pot holds as bond what [`Escrowed`] says.
    /// 6. The pot holds as delegation what is in all pools and exit funds.
    /// 7. A fund has shares exactly while it has a balance; an exit fund without any has lost everything; no exit is of a
    ///    tenure to come.
    /// 8. The shares of each fund are those of its members, by the records of its generation.
    /// 9. No record of a delegator is empty, and one with shares of this generation belongs to a pool.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_ledgers()?;
        Self::try_pot()?;
        Self::try_members()
    }

    /// Invariants 1 to 4.
    fn try_ledgers() -> Result<(), TryRuntimeError> {
        let mut total: Balance = 0;
        for (solver, ledger) in Ledgers::<T>::iter() {
            let held = T::Currency::balance_on_hold(&HoldReason::Bond.into(), &solver);
            ensure!(held == ledger.held(), "the hold of a solver is not what its ledger says");
            ensure!(held > 0, "an empty ledger was not removed");
            ensure!(ledger.pledged <= ledger.active, "more is pledged than is bonded");
            let maturing = ledger.maturing.iter().fold(0, |sum: Balance, part| sum.saturating_add(part.amount));
            ensure!(maturing <= ledger.active, "more is maturing than is bonded");
            ensure!(ledger.maturing.iter().all(|part| part.amount > 0), "an empty part is maturing");
            ensure!(ledger.unbonding.iter().all(|chunk| chunk.amount > 0), "an empty chunk waits");
            let in_order =
                ledger.maturing.iter().zip(ledger.maturing.iter().skip(1)).all(|(a, b)| a.matures_at < b.matures_at);
            ensure!(in_order, "parts do not mature in order");
            total = total.saturating_add(ledger.active);
        }
        ensure!(total == TotalBonded::<T>::get(), "the total is not the sum of the bonds");
        Ok(())
    }

    /// Invariants 5 to 7.
    fn try_pot() -> Result<(), TryRuntimeError> {
        let pot = Self::pot();
        let escrow = T::Currency::balance_on_hold(&HoldReason::Bond.into(), &pot);
        ensure!(escrow == Escrowed::<T>::get(), "the pot does not hold what is in the escrow");
        let mut delegated: Balance = 0;
        for pool in Pools::<T>::iter_values() {
            ensure!((pool.fund.balance == 0) == (pool.fund.shares == 0), "a pool has shares of nothing, or none of it");
            delegated = delegated.saturating_add(pool.fund.balance);
        }
        for (_, tenure, exit) in Exits::<T>::iter() {
            ensure!(
                (exit.fund.balance == 0) == (exit.fund.shares == 0),
                "an exit has shares of nothing, or none of it"
            );
            ensure!(exit.fund.shares > 0 || exit.fund.generation > 0, "an empty exit fund was not removed");
            ensure!(tenure <= T::Tenure::get(), "somebody left in a tenure to come");
            delegated = delegated.saturating_add(exit.fund.balance);
        }
        let held = T::Currency::balance_on_hold(&HoldReason::Delegation.into(), &pot);
        ensure!(held == delegated, "the pot does not hold what is delegated");
        Ok(())
    }

    /// Invariants 8 and 9.
    fn try_members() -> Result<(), TryRuntimeError> {
        let add = |sums: &mut BTreeMap<_, Balance>, key: (Vec<u8>, Option<Tenure>), shares: Balance| {
            let sum = sums.entry(key).or_default();
            *sum = sum.saturating_add(shares);
        };
        let (mut expected, mut found) = (BTreeMap::new(), BTreeMap::new());
        for (solver, pool) in Pools::<T>::iter().filter(|(_, pool)| pool.fund.shares > 0) {
            add(&mut expected, (solver.encode(), None), pool.fund.shares);
        }
        for (solver, tenure, exit) in Exits::<T>::iter().filter(|(_, _, exit)| exit.fund.shares > 0) {
            add(&mut expected, (solver.encode(), Some(tenure)), exit.fund.shares);
        }
        for (solver, _, delegation) in Delegations::<T>::iter() {
            ensure!(!delegation.is_empty(), "an empty delegation was not removed");
            let fund = Pools::<T>::get(&solver).unwrap_or_default().fund;
            if delegation.shares > 0 && delegation.generation == fund.generation {
                add(&mut found, (solver.encode(), None), delegation.shares);
            }
            for part in delegation.leaving {
                let exit = Exits::<T>::get(&solver, part.tenure).filter(|e| e.fund.generation == part.generation);
                if exit.is_some() && part.shares > 0 {
                    add(&mut found, (solver.encode(), Some(part.tenure)), part.shares);
                }
            }
        }
        ensure!(expected == found, "the shares of a fund are not those of its members");
        Ok(())
    }
}

impl<T: Config> SolverStake<T::AccountId> for Pallet<T> {
    /// # Errors
    /// [`Error::NotBonded`], [`Error::BelowMinimum`], [`Error::NotMature`].
    fn ensure_eligible(solver: &T::AccountId) -> DispatchResult {
        let ledger = Ledgers::<T>::get(solver).filter(|ledger| ledger.active > 0).ok_or(Error::<T>::NotBonded)?;
        // A minimum of zero still asks for something that can be lost.
        let minimum = T::MinimumBond::get().max(1);
        ensure!(ledger.active >= minimum, Error::<T>::BelowMinimum);
        let now = T::BlockNumberProvider::current_block_number();
        ensure!(ledger.mature(now) >= minimum, Error::<T>::NotMature);
        Ok(())
    }

    fn mature(solver: &T::AccountId) -> Balance {
        let now = T::BlockNumberProvider::current_block_number();
        Ledgers::<T>::get(solver).map(|ledger| ledger.mature(now)).unwrap_or_default()
    }

    fn backing(solver: &T::AccountId) -> Balance {
        let delegated = Pools::<T>::get(solver).map(|pool| pool.fund.balance).unwrap_or_default();
        Self::mature(solver).saturating_add(delegated)
    }

    /// # Errors
    /// [`Error::NotBonded`], [`Error::NotEnoughFree`].
    fn pledge(solver: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        Ledgers::<T>::try_mutate(solver, |entry| -> DispatchResult {
            let ledger = entry.as_mut().ok_or(Error::<T>::NotBonded)?;
            ensure!(amount <= ledger.free(), Error::<T>::NotEnoughFree);
            ledger.pledged = ledger.pledged.saturating_add(amount);
            Ok(())
        })?;
        Self::deposit_event(Event::Pledged { solver: solver.clone(), amount });
        Ok(())
    }

    fn release(solver: &T::AccountId, amount: Balance) {
        let freed = Ledgers::<T>::mutate(solver, |entry| {
            entry.as_mut().map_or(0, |ledger| {
                let freed = amount.min(ledger.pledged);
                ledger.pledged = ledger.pledged.saturating_sub(freed);
                freed
            })
        });
        if freed > 0 {
            Self::deposit_event(Event::Released { solver: solver.clone(), amount: freed });
        }
        if freed < amount {
            Self::unexpected(solver, UnexpectedKind::ReleasedMoreThanPledged);
        }
    }

    // A benchmark that cannot be prepared must stop, so this may panic.
    #[cfg(feature = "runtime-benchmarks")]
    #[allow(clippy::expect_used)]
    fn prepare(solver: &T::AccountId, amount: Balance) {
        let ledger = Self::largest_ledger(amount.max(T::MinimumBond::get()));
        Self::place_ledger(solver, ledger).expect("balance was minted for the hold");
        // So that whatever the solver earns is shared.
        <Self as assay_traits::Delegators<T::AccountId>>::prepare(solver);
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl<T: Config> Pallet<T> {
    /// A ledger with `mature` of mature bond and as many parts and chunks as there may be, of one unit each. The parts
    /// mature and the chunks fall due in different blocks, from the second block after this one on.
    pub(crate) fn largest_ledger(mature: Balance) -> Ledger<T> {
        let first = T::BlockNumberProvider::current_block_number().saturating_add(2);
        let mut ledger = Ledger::<T> { active: mature, ..Default::default() };
        for i in 0..T::MaxTranches::get() {
            ledger.active = ledger.active.saturating_add(1);
            let part = crate::Tranche { amount: 1, matures_at: first.saturating_add(i) };
            let _ = ledger.maturing.try_push(part);
        }
        for i in 0..T::MaxChunks::get() {
            let leaves_at = first.saturating_add(i);
            let _ = ledger.unbonding.try_push(crate::Chunk { amount: 1, leaves_at, unbonded_at: leaves_at });
        }
        ledger
    }

    /// Puts `ledger` there in the place of the solver's own, with the balance that it needs.
    ///
    /// # Errors
    /// The currency's.
    pub(crate) fn place_ledger(solver: &T::AccountId, ledger: Ledger<T>) -> DispatchResult {
        use frame_support::traits::fungible::{Inspect, Mutate};
        let held = ledger.held();
        T::Currency::mint_into(solver, held.saturating_add(T::Currency::minimum_balance()))?;
        T::Currency::set_on_hold(&HoldReason::Bond.into(), solver, held)?;
        let before = Ledgers::<T>::get(solver).map(|old| old.active).unwrap_or_default();
        TotalBonded::<T>::mutate(|total| *total = total.saturating_sub(before).saturating_add(ledger.active));
        Ledgers::<T>::insert(solver, ledger);
        Ok(())
    }

    /// Gives `solver` a pool, if it has none, and in it a delegation of `amount` with the balance that it needs. A rise of
    /// its commission is in force and has not been written down yet.
    ///
    /// # Errors
    /// Those of `delegate`.
    pub(crate) fn place_pool(solver: &T::AccountId, amount: Balance) -> DispatchResult {
        use frame_support::traits::fungible::{Inspect, Mutate};
        let rise = Some(crate::Rise { to: Perbill::from_percent(10), at: 0 });
        Pools::<T>::mutate(solver, |entry| entry.get_or_insert_with(Default::default).rise = rise);
        let delegator = frame_benchmarking::account("delegator", 0, 0);
        T::Currency::mint_into(&delegator, amount.saturating_add(T::Currency::minimum_balance()))?;
        Self::do_delegate(solver, &delegator, amount)
    }
}
