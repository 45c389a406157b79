//! What is not a call: the door to other pallets, shared steps of the calls, and the invariants.

use crate::{Config, Error, Event, HoldReason, ModelRecord, ModelState, Models, Pallet, ServedCount, Solvers};
use alloc::collections::BTreeMap;
use assay_traits::{ModelRegistry, ModelTerms};
use assay_types::{protocol, Balance, ModelId};
use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{fungible::hold::Inspect as _, Get},
};
use sp_runtime::{traits::One, DispatchError, FixedU128, TryRuntimeError};

impl<T: Config> Pallet<T> {
    /// Changes the record of a model that takes tasks.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Retired`], and those of `change`; nothing changes then.
    pub(crate) fn mutate_active(
        model: &ModelId,
        change: impl FnOnce(&mut ModelRecord<T::AccountId>) -> DispatchResult,
    ) -> DispatchResult {
        Models::<T>::try_mutate(model, |entry| {
            let record = entry.as_mut().ok_or(Error::<T>::NotFound)?;
            ensure!(record.state == ModelState::Active, Error::<T>::Retired);
            change(record)
        })
    }

    /// Stores a record, or removes it where the model is retired and nobody serves it.
    pub(crate) fn store_or_remove(model: ModelId, record: ModelRecord<T::AccountId>) {
        if record.state == ModelState::Retired && record.solvers == 0 {
            Models::<T>::remove(model);
            Self::deposit_event(Event::Removed { model });
        } else {
            Models::<T>::insert(model, record);
        }
    }

    /// Checks what must always hold:
    ///
    /// 1. Each model is stored under its id, has a rate of at most one and counts its solvers right.
    /// 2. A retired model has solvers and no deposit.
    /// 3. Solvers serve models that exist, and at most [`Config::MaxServed`], and their counts are right.
    /// 4. What is on hold is the sum of the deposits, for each owner and each solver.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut registration: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        let mut service: BTreeMap<T::AccountId, (u32, Balance)> = BTreeMap::new();
        let mut listed: u32 = 0;
        let mut counted: u32 = 0;
        for (model, record) in Models::<T>::iter() {
            ensure!(model == protocol::model_id(&record.owner, &record.manifest), "a model is not under its id");
            ensure!(record.rate <= FixedU128::one(), "a rate is above one");
            if record.state == ModelState::Retired {
                ensure!(record.solvers > 0, "a retired model that nobody serves was not removed");
                ensure!(record.deposit == 0, "a retired model has a deposit");
            }
            let solvers = Solvers::<T>::iter_prefix(model).count();
            ensure!(usize::try_from(record.solvers) == Ok(solvers), "a model counts its solvers wrongly");
            counted = counted.saturating_add(record.solvers);
            let sum = registration.entry(record.owner).or_default();
            *sum = sum.saturating_add(record.deposit);
        }
        for (_, solver, deposit) in Solvers::<T>::iter() {
            let (served, sum) = service.entry(solver).or_default();
            *served = served.saturating_add(1);
            *sum = sum.saturating_add(deposit);
            listed = listed.saturating_add(1);
        }
        ensure!(listed == counted, "a solver serves a model that does not exist");
        for (owner, sum) in registration {
            let held = T::Currency::balance_on_hold(&HoldReason::Registration.into(), &owner);
            ensure!(held == sum, "the hold of an owner is not the sum of its deposits");
        }
        for (solver, (served, sum)) in &service {
            ensure!(ServedCount::<T>::get(solver) == *served, "the count of served models is wrong");
            ensure!(*served <= T::MaxServed::get(), "a solver serves too many models");
            let held = T::Currency::balance_on_hold(&HoldReason::Service.into(), solver);
            ensure!(held == *sum, "the hold of a solver is not the sum of its deposits");
        }
        ensure!(ServedCount::<T>::iter().count() == service.len(), "the count of one who serves nothing was kept");
        Ok(())
    }
}

impl<T: Config> ModelRegistry<T::AccountId> for Pallet<T> {
    /// # Errors
    /// [`Error::NotFound`], [`Error::Retired`].
    fn terms(model: &ModelId) -> Result<ModelTerms<T::AccountId>, DispatchError> {
        let record = Models::<T>::get(model).ok_or(Error::<T>::NotFound)?;
        ensure!(record.state == ModelState::Active, Error::<T>::Retired);
        Ok(ModelTerms { fee: record.fee, recipient: record.recipient, rate: record.rate })
    }

    fn serves(model: &ModelId, solver: &T::AccountId) -> bool {
        Solvers::<T>::contains_key(model, solver)
    }

    /// The model's fee is the smallest that an account which does not exist yet can receive, and its rate is one.
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(model: &ModelId, solver: &T::AccountId) {
        use frame_support::traits::fungible::Inspect;
        let mut record = Models::<T>::get(model).unwrap_or_else(|| ModelRecord {
            owner: solver.clone(),
            manifest: assay_types::Cid(model.0),
            fee: T::Currency::minimum_balance(),
            recipient: frame_benchmarking::account("recipient", 0, 0),
            rate: FixedU128::one(),
            tier: crate::Tier::Open,
            state: ModelState::Active,
            deposit: 0,
            solvers: 0,
        });
        if !Solvers::<T>::contains_key(model, solver) {
            Solvers::<T>::insert(model, solver, 0);
            ServedCount::<T>::mutate(solver, |served| *served = served.saturating_add(1));
            record.solvers = record.solvers.saturating_add(1);
        }
        Models::<T>::insert(model, record);
    }
}
