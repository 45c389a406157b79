//! Benchmarks of the calls, each at its worst.

// Benchmarks run on a developer's machine and must stop when their preparation fails.
#![allow(clippy::expect_used, clippy::arithmetic_side_effects)]

use super::*;
use assay_types::Balance;
use frame_benchmarking::v2::*;
use frame_support::traits::{
    fungible::{Inspect, Mutate},
    Get,
};
use frame_system::RawOrigin;
use sp_runtime::traits::BlockNumberProvider;

/// An amount that any currency can hold, and that leaves no dust.
fn some<T: Config>() -> Balance {
    T::Currency::minimum_balance().max(1_000) * 1_000
}

/// An account with balance enough for every benchmark.
fn funded<T: Config>() -> T::AccountId {
    let solver: T::AccountId = whitelisted_caller();
    T::Currency::mint_into(&solver, some::<T>() * 10).expect("an empty account takes balance");
    solver
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn bond() {
        let solver = funded::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()), some::<T>());

        assert_eq!(Ledgers::<T>::get(&solver).map(|ledger| ledger.active), Some(some::<T>()));
    }

    #[benchmark]
    fn bond_more() {
        let solver = funded::<T>();
        Pallet::<T>::place_ledger(&solver, Pallet::<T>::largest_ledger(some::<T>())).expect("balance was minted");
        let before = Ledgers::<T>::get(&solver).map(|ledger| ledger.active).unwrap_or_default();

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()), some::<T>());

        assert_eq!(Ledgers::<T>::get(&solver).map(|ledger| ledger.active), Some(before + some::<T>()));
    }

    #[benchmark]
    fn unbond() {
        let solver = funded::<T>();
        let mut ledger = Pallet::<T>::largest_ledger(some::<T>());
        ledger.unbonding.pop();
        let whole = ledger.active;
        Pallet::<T>::place_ledger(&solver, ledger).expect("balance was minted");

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()), whole);

        let ledger = Ledgers::<T>::get(&solver).expect("chunks wait");
        assert_eq!((ledger.active, ledger.maturing.len()), (0, 0));
    }

    #[benchmark]
    fn withdraw() {
        let solver = funded::<T>();
        let mut ledger = Pallet::<T>::largest_ledger(0);
        ledger.active = 0;
        ledger.maturing.clear();
        Pallet::<T>::place_ledger(&solver, ledger).expect("balance was minted");
        let now = T::BlockNumberProvider::current_block_number();
        T::BlockNumberProvider::set_block_number(now + 2 + T::MaxChunks::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()));

        assert!(!Ledgers::<T>::contains_key(&solver));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder.build(), crate::mock::Test);
}
