//! Benchmarks of the calls, and of what others account for, each at its worst.

// Benchmarks run on a developer's machine and must stop when their preparation fails.
#![allow(clippy::expect_used, clippy::arithmetic_side_effects)]

use super::*;
use assay_types::{Balance, BlockNumber, Tenure};
use frame_benchmarking::v2::*;
use frame_support::traits::{
    fungible::{hold::Mutate as _, Inspect, Mutate},
    Get,
};
use frame_system::RawOrigin;
use sp_runtime::{traits::BlockNumberProvider, Perbill};

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

/// An amount that can be delegated.
fn delegable<T: Config>() -> Balance {
    T::MinimumDelegation::get().max(some::<T>())
}

/// A solver with a pool in which the caller, too, has a delegation; returns both.
fn delegated<T: Config>() -> (T::AccountId, T::AccountId) {
    let solver: T::AccountId = account("solver", 0, 0);
    let delegator: T::AccountId = whitelisted_caller();
    Pallet::<T>::place_pool(&solver, delegable::<T>()).expect("balance was minted");
    T::Currency::mint_into(&delegator, delegable::<T>() * 100).expect("an account takes balance");
    Pallet::<T>::do_delegate(&solver, &delegator, delegable::<T>() * 10).expect("balance was minted");
    (solver, delegator)
}

/// Puts an exit fund of `solver` there, for `tenure`, with the balance that it needs; returns its shares.
fn place_exit<T: Config>(solver: &T::AccountId, tenure: Tenure) -> Balance {
    let mut exit = Exit { last_at: BlockNumber::MAX, ..Default::default() };
    let shares = exit.fund.join(some::<T>()).expect("an empty fund takes any amount");
    let pot = Pallet::<T>::pot();
    T::Currency::mint_into(&pot, some::<T>()).expect("the pot takes balance");
    T::Currency::hold(&HoldReason::Delegation.into(), &pot, some::<T>()).expect("balance was minted");
    Exits::<T>::insert(solver, tenure, exit);
    shares
}

/// Makes `delegator` wait for `count` parts, each of another exit fund, that are due at once.
fn queue_parts<T: Config>(solver: &T::AccountId, delegator: &T::AccountId, count: u32) {
    for tenure in 0..count {
        let shares = place_exit::<T>(solver, tenure);
        Delegations::<T>::mutate(solver, delegator, |entry| {
            let delegation = entry.as_mut().expect("there is a delegation");
            let part = Leaving { tenure, generation: 0, shares, leaves_at: 0 };
            delegation.queue(part).expect("a place is free");
        });
    }
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
        Pools::<T>::insert(&solver, Pool::default());

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()));

        assert!(!Pools::<T>::contains_key(&solver));
        assert!(!Ledgers::<T>::contains_key(&solver));
    }

    #[benchmark]
    fn set_commission() {
        let (solver, _) = delegated::<T>();
        let rise = Perbill::from_percent(90);

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()), rise);

        let now = T::BlockNumberProvider::current_block_number();
        assert_eq!(Pools::<T>::get(&solver).map(|pool| pool.commission(now)), Some(Perbill::from_percent(10)));
    }

    #[benchmark]
    fn delegate() {
        let (solver, delegator) = delegated::<T>();
        queue_parts::<T>(&solver, &delegator, T::MaxChunks::get());
        let before = Pools::<T>::get(&solver).map(|pool| pool.fund.balance).unwrap_or_default();

        #[extrinsic_call]
        _(RawOrigin::Signed(delegator), solver.clone(), delegable::<T>());

        assert_eq!(Pools::<T>::get(&solver).map(|pool| pool.fund.balance), Some(before + delegable::<T>()));
    }

    #[benchmark]
    fn undelegate() {
        let (solver, delegator) = delegated::<T>();
        queue_parts::<T>(&solver, &delegator, T::MaxChunks::get() - 1);
        place_exit::<T>(&solver, T::Tenure::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(delegator.clone()), solver.clone(), delegable::<T>());

        let delegation = Delegations::<T>::get(&solver, &delegator).expect("a part is still delegated");
        assert_eq!(delegation.leaving.len() as u32, T::MaxChunks::get());
    }

    #[benchmark]
    fn withdraw_delegation() {
        let (solver, delegator) = delegated::<T>();
        queue_parts::<T>(&solver, &delegator, T::MaxChunks::get());
        // The pool has lost everything.
        Pools::<T>::mutate(&solver, |pool| pool.as_mut().expect("there is a pool").fund.take(Balance::MAX));

        #[extrinsic_call]
        _(RawOrigin::Signed(delegator.clone()), solver.clone());

        assert!(!Delegations::<T>::contains_key(&solver, &delegator));
        assert_eq!(Exits::<T>::iter_prefix(&solver).count(), 0);
    }

    #[benchmark]
    fn slash() {
        let (solver, _) = delegated::<T>();
        let ledger = Pallet::<T>::largest_ledger(some::<T>());
        let own = ledger.held();
        Pallet::<T>::place_ledger(&solver, ledger).expect("balance was minted");
        let tenures = T::MaxSlashTenures::get();
        for tenure in 0..tenures {
            place_exit::<T>(&solver, tenure);
        }
        let amount = own + some::<T>() * Balance::from(tenures) / 2;
        let (moved, _present);

        #[block]
        {
            _present = T::Tenure::get();
            moved = Pallet::<T>::slash_in(tenures - 1, &solver, amount, 1);
        }

        assert_eq!(moved, amount);
        assert!(Exits::<T>::iter_prefix_values(&solver).all(|exit| exit.fund.balance < some::<T>()));
        assert!(Ledgers::<T>::get(&solver).is_none());
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder.build(), crate::mock::Test);
}
