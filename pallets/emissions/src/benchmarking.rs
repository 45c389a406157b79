//! Benchmarks of what other pallets call, each at its worst.

// Benchmarks run on a developer's machine and must stop when their preparation fails.
#![allow(clippy::expect_used, clippy::arithmetic_side_effects)]

use super::*;
use alloc::vec::Vec;
use assay_math::{Curves, EmissionCurve};
use assay_traits::{Delegators, WorkRewards};
use assay_types::{Balance, ASY};
use frame_benchmarking::v2::*;
use frame_support::traits::{
    fungible::{Inspect, Mutate},
    Get,
};
use sp_runtime::FixedU128;

/// The block in which everything happens: late enough for a schedule, and within a half-life so that powers are taken.
const NOW: u32 = 1_000_001;

/// An amount of which every part is enough to make an account.
fn some<T: Config>() -> Balance {
    T::Currency::minimum_balance().max(ASY) * 1_000
}

/// The dearest curves, in block [`NOW`].
fn prepare<T: Config>() -> Curves {
    let curve = EmissionCurve::Target { supply: some::<T>() * 1_000_000, half_life: 3_000_000 };
    let curves = Curves { authors: curve, work: curve };
    EmissionCurves::<T>::put(curves);
    frame_system::Pallet::<T>::set_block_number(NOW.into());
    curves
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn note_author() {
        let curves = prepare::<T>();
        let author: T::AccountId = account("author", 0, 0);

        #[block]
        {
            Pallet::<T>::note_author(&author);
        }

        assert_eq!(MintedAuthors::<T>::get(), curves.authors.scheduled_in(NOW));
        assert_eq!(T::Currency::balance(&author), curves.authors.scheduled_in(NOW));
    }

    #[benchmark]
    fn reserve() {
        let curves = prepare::<T>();
        // As much minted as scheduled: neither end of the controller cuts the work short.
        MintedWork::<T>::put(curves.work.scheduled(NOW));
        ReservedWork::<T>::put(1);
        TenureReserved::<T>::put(TenureUse { tenure: T::Tenure::get(), since: NOW, reserved: 1 });
        let amount;

        #[block]
        {
            amount = <Pallet<T> as WorkRewards<T::AccountId>>::reserve(FixedU128::from_u32(1), Balance::MAX);
        }

        assert_eq!(ReservedWork::<T>::get(), amount + 1);
    }

    #[benchmark]
    fn release() {
        ReservedWork::<T>::put(3);

        #[block]
        {
            <Pallet<T> as WorkRewards<T::AccountId>>::release(2);
        }

        assert_eq!(ReservedWork::<T>::get(), 1);
    }

    #[benchmark]
    fn mint() {
        let amount = some::<T>();
        ReservedWork::<T>::put(amount + 1);
        let solver: T::AccountId = account("solver", 0, 0);
        let user: T::AccountId = account("user", 0, 0);
        T::Delegators::prepare(&solver);
        let split;

        #[block]
        {
            split = <Pallet<T> as WorkRewards<T::AccountId>>::mint(amount, &solver, &user);
        }

        assert_eq!(split.total(), amount);
        assert!(split.delegators > 0);
        assert_eq!(MintedWork::<T>::get(), amount);
        assert_eq!(ReservedWork::<T>::get(), 1);
    }

    #[benchmark]
    fn pay_validators(n: Linear<1, MAX_PAID_VALIDATORS>) {
        let pot = T::Validators::get();
        T::Currency::mint_into(&pot, some::<T>() * Balance::from(n)).expect("an account takes balance");
        let validators: Vec<T::AccountId> = (0..n).map(|index| account("validator", index, 0)).collect();

        #[block]
        {
            Pallet::<T>::pay_validators(&validators);
        }

        for validator in &validators {
            assert!(T::Currency::balance(validator) > 0);
        }
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder::default().build(), crate::mock::Test);
}
