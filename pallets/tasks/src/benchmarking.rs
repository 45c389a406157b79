//! Benchmarks of the calls, the hooks and the steps of the sweeper, each at its worst.

// Benchmarks run on a developer's machine and must stop when their preparation fails.
#![allow(clippy::expect_used, clippy::arithmetic_side_effects)]

use super::*;
use assay_traits::{ModelRegistry, TaskBook, TaskState};
use assay_types::{BlockNumber, ModelId, TaskId, MAX_INLINE};
use frame_benchmarking::v2::*;
use frame_support::{traits::Get, weights::WeightMeter};
use frame_system::RawOrigin;
use sp_runtime::traits::BlockNumberProvider;

fn now<T: Config>() -> BlockNumber {
    T::BlockNumberProvider::current_block_number()
}

/// A model that takes tasks.
fn model<T: Config>() -> ModelId {
    let model = ModelId::repeat_byte(1);
    T::Models::prepare(&model, &account("solver", 0, 0));
    model
}

/// The owner of a task that somebody else, or the sweeper, acts on: reading its account is part of the weight.
fn owner<T: Config>() -> T::AccountId {
    account("owner", 0, 0)
}

/// An open task with the largest input, the only one of its block.
fn open<T: Config>(owner: &T::AccountId) -> TaskId {
    <Pallet<T> as TaskBook<T::AccountId>>::prepare(owner, &model::<T>())
}

/// Moves on to the first block in which the task can be expired, and as many blocks further as the sweeper waits.
fn pass_deadline<T: Config>(task: &TaskId) {
    let deadline = Tasks::<T>::get(task).expect("the task is there").deadline;
    T::BlockNumberProvider::set_block_number(deadline + T::SweepDelay::get() + 1);
}

/// An expired task, in the first block in which the sweeper forgets it.
fn forgettable<T: Config>() -> TaskId {
    let task = open::<T>(&owner::<T>());
    <Pallet<T> as TaskBook<T::AccountId>>::prepare_expired(&task);
    T::BlockNumberProvider::set_block_number(now::<T>() + T::Retention::get() + T::SweepDelay::get() + 1);
    task
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn submit(b: Linear<0, MAX_INLINE>) {
        let model = model::<T>();
        let submitter: T::AccountId = whitelisted_caller();
        Pallet::<T>::fund(&submitter).expect("an account takes balance");
        let (parameters, input) = Pallet::<T>::largest_input(b);
        let deadline = Some(T::LongestDeadline::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(submitter), model, parameters, input, Pallet::<T>::largest_fee(), deadline);

        assert!(Inputs::<T>::contains_key(LastTask::<T>::get()));
    }

    #[benchmark]
    fn raise_fee() {
        let owner: T::AccountId = whitelisted_caller();
        let task = open::<T>(&owner);
        let amount = Pallet::<T>::largest_fee();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), task, amount);

        assert_eq!(Tasks::<T>::get(task).map(|record| record.fee), Some(amount * 2));
    }

    #[benchmark]
    fn expire() {
        let task = open::<T>(&owner::<T>());
        pass_deadline::<T>(&task);

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), task);

        assert_eq!(Tasks::<T>::get(task).map(|record| record.state), Some(TaskState::Expired));
    }

    #[benchmark]
    fn retract() {
        let owner: T::AccountId = whitelisted_caller();
        let task = open::<T>(&owner);
        Pallet::<T>::note_commitment(&task).expect("the task is open");
        T::BlockNumberProvider::set_block_number(now::<T>() + T::RetractDelay::get() + 1);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), task);

        assert_eq!(Tasks::<T>::get(task).map(|record| record.state), Some(TaskState::Retracted));
    }

    #[benchmark]
    fn forget() {
        let task = forgettable::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), task);

        assert!(!Tasks::<T>::contains_key(task));
    }

    #[benchmark]
    fn on_initialize_idle() {
        T::BlockNumberProvider::set_block_number(now::<T>() + 2);

        #[block]
        {
            Pallet::<T>::record_randomness();
        }

        assert_eq!(BlockSeeds::<T>::iter().count(), 0);
    }

    #[benchmark]
    fn on_initialize_recording() {
        open::<T>(&owner::<T>());
        let block = now::<T>();
        T::BlockNumberProvider::set_block_number(block + 1);

        #[block]
        {
            Pallet::<T>::record_randomness();
        }

        assert!(BlockSeeds::<T>::contains_key(block));
    }

    #[benchmark]
    fn sweep_base() {
        // Behind every task: the round ends here.
        SweepCursor::<T>::put(TaskId::repeat_byte(0xff));

        #[block]
        {
            Pallet::<T>::sweep(&mut WeightMeter::new());
        }

        assert!(!SweepCursor::<T>::exists());
    }

    #[benchmark]
    fn sweep_skip() {
        let task = open::<T>(&owner::<T>());

        #[block]
        {
            let next = Tasks::<T>::iter_keys().next().expect("one task is there");
            Pallet::<T>::sweep_one(next);
        }

        assert!(Inputs::<T>::contains_key(task));
    }

    #[benchmark]
    fn sweep_expire() {
        let task = open::<T>(&owner::<T>());
        pass_deadline::<T>(&task);

        #[block]
        {
            let next = Tasks::<T>::iter_keys().next().expect("one task is there");
            Pallet::<T>::sweep_one(next);
        }

        assert_eq!(Tasks::<T>::get(task).map(|record| record.state), Some(TaskState::Expired));
    }

    #[benchmark]
    fn sweep_forget() {
        let task = forgettable::<T>();

        #[block]
        {
            let next = Tasks::<T>::iter_keys().next().expect("one task is there");
            Pallet::<T>::sweep_one(next);
        }

        assert!(!Tasks::<T>::contains_key(task));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder.build(), crate::mock::Test);
}
