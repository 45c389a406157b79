//! Benchmarks of the calls, each at its worst.

// Benchmarks run on a developer's machine and must stop when their preparation fails.
#![allow(clippy::expect_used, clippy::arithmetic_side_effects)]

use super::*;
use assay_types::{protocol, Cid, ModelId};
use frame_benchmarking::v2::*;
use frame_support::traits::{
    fungible::{Inspect, Mutate},
    EnsureOrigin, Get,
};
use frame_system::RawOrigin;
use sp_runtime::{traits::One, FixedU128};

/// Gives an account balance enough for every benchmark.
fn fund<T: Config>(who: &T::AccountId) {
    let deposits = T::RegistrationDeposit::get() + T::ServiceDeposit::get();
    T::Currency::mint_into(who, (deposits + T::Currency::minimum_balance()) * 10)
        .expect("an empty account takes balance");
}

/// A model of a funded owner, with both.
fn registered<T: Config>() -> (T::AccountId, ModelId) {
    let owner: T::AccountId = account("owner", 0, 0);
    fund::<T>(&owner);
    let manifest = Cid([7; 32]);
    Pallet::<T>::register(RawOrigin::Signed(owner.clone()).into(), manifest, 1, owner.clone())
        .expect("the owner is funded");
    let model = protocol::model_id(&owner, &manifest);
    (owner, model)
}

/// A funded solver.
fn solver<T: Config>() -> T::AccountId {
    let solver: T::AccountId = whitelisted_caller();
    fund::<T>(&solver);
    solver
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() {
        let owner = solver::<T>();
        let manifest = Cid([7; 32]);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), manifest, 1, owner.clone());

        assert!(Models::<T>::contains_key(protocol::model_id(&owner, &manifest)));
    }

    #[benchmark]
    fn update() {
        let (owner, model) = registered::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), model, 9, owner.clone());

        assert_eq!(Models::<T>::get(model).map(|record| record.fee), Some(9));
    }

    #[benchmark]
    fn retire() {
        let (owner, model) = registered::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), model);

        assert!(!Models::<T>::contains_key(model));
    }

    #[benchmark]
    fn set_rate() -> Result<(), BenchmarkError> {
        let (_, model) = registered::<T>();
        let origin = T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, model, FixedU128::one());

        assert_eq!(Models::<T>::get(model).map(|record| record.rate), Some(FixedU128::one()));
        Ok(())
    }

    #[benchmark]
    fn set_tier() -> Result<(), BenchmarkError> {
        let (_, model) = registered::<T>();
        let origin = T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, model, Tier::Certified);

        assert_eq!(Models::<T>::get(model).map(|record| record.tier), Some(Tier::Certified));
        Ok(())
    }

    #[benchmark]
    fn serve() {
        let (_, model) = registered::<T>();
        let solver = solver::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()), model);

        assert!(Solvers::<T>::contains_key(model, &solver));
    }

    #[benchmark]
    fn stop_serving() {
        let (owner, model) = registered::<T>();
        let solver = solver::<T>();
        Pallet::<T>::serve(RawOrigin::Signed(solver.clone()).into(), model).expect("the solver is funded");
        Pallet::<T>::retire(RawOrigin::Signed(owner).into(), model).expect("it is the owner's model");

        #[extrinsic_call]
        _(RawOrigin::Signed(solver), model);

        assert!(!Models::<T>::contains_key(model));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder::default().build(), crate::mock::Test);
}
