//! What is not a call: the door to other pallets, and the invariants.

use crate::{Config, Error, Event, HoldReason, Ledger, Ledgers, Pallet, TotalBonded, UnexpectedKind};
use assay_traits::SolverStake;
use assay_types::{Balance, BlockNumber};
use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{
        fungible::hold::{Inspect as _, Mutate as _},
        Get,
    },
};
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

    /// Checks what must always hold:
    ///
    /// 1. The hold of each solver is its bond and what waits to be withdrawn.
    /// 2. No more is pledged, and no more is maturing, than is bonded.
    /// 3. Parts mature in the order in which they were placed, and no part and no ledger is empty.
    /// 4. [`TotalBonded`] is the sum of all bonds.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
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
            let kind = UnexpectedKind::ReleasedMoreThanPledged;
            Self::deposit_event(Event::Unexpected { solver: solver.clone(), kind });
        }
    }

    // A benchmark that cannot be prepared must stop, so this may panic.
    #[cfg(feature = "runtime-benchmarks")]
    #[allow(clippy::expect_used)]
    fn prepare(solver: &T::AccountId, amount: Balance) {
        let ledger = Self::largest_ledger(amount.max(T::MinimumBond::get()));
        Self::place_ledger(solver, ledger).expect("balance was minted for the hold");
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
            let _ = ledger.unbonding.try_push(crate::Chunk { amount: 1, leaves_at: first.saturating_add(i) });
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
}
