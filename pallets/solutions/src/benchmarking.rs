//! Benchmarks of the calls and the steps of the sweeper, each at its worst.

// Benchmarks run on a developer's machine and must stop when their preparation fails.
#![allow(clippy::expect_used, clippy::arithmetic_side_effects)]

use super::*;
use assay_traits::{ModelRegistry, Payload, SolverStake, TaskBook, TaskState};
use assay_types::{protocol, BlockNumber, Cid, Commitment, Hash, ModelId, Salt, TaskId, ASY, MAX_INLINE};
use frame_benchmarking::v2::*;
use frame_support::{
    traits::{
        fungible::{Inspect, Mutate},
        Get,
    },
    weights::WeightMeter,
};
use frame_system::RawOrigin;
use sp_runtime::traits::{BlockNumberProvider, Zero};

const SALT: Salt = [7; 32];
const SEAL: Hash = Hash::repeat_byte(6);

fn now<T: Config>() -> BlockNumber {
    T::BlockNumberProvider::current_block_number()
}

fn advance<T: Config>(blocks: BlockNumber) {
    T::BlockNumberProvider::set_block_number(now::<T>() + blocks);
}

fn model() -> ModelId {
    ModelId::repeat_byte(1)
}

/// An account with balance for commitments.
fn funded<T: Config>(who: T::AccountId) -> T::AccountId {
    let amount = T::CommitmentDeposit::get() + T::Currency::minimum_balance().max(ASY);
    T::Currency::mint_into(&who, amount * 10).expect("an account takes balance");
    who
}

/// A solver who may take on any work, and serves the model.
fn prepared<T: Config>(who: T::AccountId) -> T::AccountId {
    let solver = funded::<T>(who);
    T::Models::prepare(&model(), &solver);
    T::Stake::prepare(&solver, 1_000_000_000 * ASY);
    solver
}

/// A solver for whom somebody else, or the sweeper, acts: reading its account is part of the weight.
fn solver<T: Config>() -> T::AccountId {
    prepared::<T>(account("solver", 0, 0))
}

/// A solver who acts itself.
fn calling_solver<T: Config>() -> T::AccountId {
    prepared::<T>(whitelisted_caller())
}

/// An open task with the largest input.
fn open<T: Config>() -> TaskId {
    let user = funded::<T>(account("user", 0, 0));
    T::Models::prepare(&model(), &user);
    T::Tasks::prepare(&user, &model())
}

fn output(bytes: u32) -> Payload {
    Payload::Inline(alloc::vec![7; bytes as usize].try_into().unwrap_or_default())
}

fn sealed<T: Config>(task: &TaskId, solver: &T::AccountId, output: &Cid) -> Commitment {
    let genesis = frame_system::Pallet::<T>::block_hash(frame_system::pallet_prelude::BlockNumberFor::<T>::zero());
    protocol::commitment(&genesis, task, solver, output, &SEAL, &SALT)
}

/// Commits `solver` to an output of `bytes`.
fn commit_to<T: Config>(task: &TaskId, solver: &T::AccountId, bytes: u32) {
    let commitment = sealed::<T>(task, solver, &output(bytes).cid());
    Pallet::<T>::commit(RawOrigin::Signed(solver.clone()).into(), *task, commitment).expect("the solver is eligible");
}

/// Has `solver` solve a task with the largest output, in the next block.
fn solve<T: Config>(task: &TaskId, solver: &T::AccountId) {
    commit_to::<T>(task, solver, MAX_INLINE);
    advance::<T>(1);
    let origin = RawOrigin::Signed(solver.clone()).into();
    Pallet::<T>::reveal(origin, *task, SALT, SEAL, output(MAX_INLINE)).expect("the solver committed to this");
}

/// A solved task, in the first block in which the sweeper claims its solution.
fn claimable<T: Config>() -> TaskId {
    let task = open::<T>();
    // A reward is scheduled only once some time has passed.
    advance::<T>(1);
    solve::<T>(&task, &solver::<T>());
    let view = T::Tasks::view(&task).expect("the task is there");
    advance::<T>(view.reveal_grace + view.contest_window + T::SweepDelay::get() + 1);
    task
}

/// A commitment of the solver to a task that `end` has ended, in the first block in which the sweeper acts on it.
fn outstanding<T: Config>(end: impl FnOnce(&TaskId)) -> (TaskId, T::AccountId) {
    let task = open::<T>();
    let solver = solver::<T>();
    commit_to::<T>(&task, &solver, 0);
    end(&task);
    advance::<T>(T::SweepDelay::get() + 1);
    (task, solver)
}

/// Has another solver solve `task` and be paid.
fn settle<T: Config>(task: &TaskId) {
    let other = prepared::<T>(account("other", 0, 0));
    solve::<T>(task, &other);
    let view = T::Tasks::view(task).expect("the task is there");
    advance::<T>(view.reveal_grace + view.contest_window + 1);
    Pallet::<T>::claim(RawOrigin::Signed(other).into(), *task).expect("the solution stood");
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn commit() {
        let task = open::<T>();
        let solver = calling_solver::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()), task, Hash::zero());

        assert!(Commitments::<T>::contains_key(task, solver));
    }

    #[benchmark]
    fn reveal(b: Linear<0, MAX_INLINE>) {
        let task = open::<T>();
        let solver = calling_solver::<T>();
        commit_to::<T>(&task, &solver, b);
        // A reward is scheduled only once some time has passed.
        advance::<T>(1);

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()), task, SALT, SEAL, output(b));

        assert_eq!(Solutions::<T>::get(task).map(|solution| solution.solver), Some(solver));
    }

    /// To be seen beside the first reveal, which is the dearer: it reserves a reward.
    #[benchmark(extra)]
    fn reveal_in_place_of_another(b: Linear<0, MAX_INLINE>) {
        let task = open::<T>();
        let solver = calling_solver::<T>();
        commit_to::<T>(&task, &solver, b);
        advance::<T>(1);
        solve::<T>(&task, &prepared::<T>(account("other", 0, 0)));

        #[extrinsic_call]
        reveal(RawOrigin::Signed(solver.clone()), task, SALT, SEAL, output(b));

        assert_eq!(Solutions::<T>::get(task).map(|solution| solution.solver), Some(solver));
    }

    #[benchmark]
    fn claim() {
        let task = claimable::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), task);

        assert!(!Solutions::<T>::contains_key(task));
    }

    #[benchmark]
    fn withdraw_commitment() {
        let task = open::<T>();
        let solver = calling_solver::<T>();
        commit_to::<T>(&task, &solver, 0);
        solve::<T>(&task, &prepared::<T>(account("other", 0, 0)));
        let view = T::Tasks::view(&task).expect("the task is there");
        advance::<T>(view.reveal_grace + 1);

        #[extrinsic_call]
        _(RawOrigin::Signed(solver.clone()), task);

        assert!(!Commitments::<T>::contains_key(task, solver));
    }

    #[benchmark]
    fn forfeit_commitment() {
        let (task, solver) = outstanding::<T>(T::Tasks::prepare_expired);

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), task, solver.clone());

        assert!(!Commitments::<T>::contains_key(task, solver));
    }

    #[benchmark]
    fn sweep_base() {
        // Behind everything: both rounds end here.
        SolutionCursor::<T>::put(TaskId::repeat_byte(0xff));
        CommitmentCursor::<T>::put((TaskId::repeat_byte(0xff), account::<T::AccountId>("last", 0, 0)));

        #[block]
        {
            Pallet::<T>::sweep(&mut WeightMeter::new());
        }

        assert!(!SolutionCursor::<T>::exists() && !CommitmentCursor::<T>::exists());
    }

    #[benchmark]
    fn sweep_solution_skip() {
        let task = open::<T>();
        solve::<T>(&task, &solver::<T>());

        #[block]
        {
            let next = Pallet::<T>::next_solution(None).expect("one solution is there");
            Pallet::<T>::sweep_solution(next);
        }

        assert!(Solutions::<T>::contains_key(task));
    }

    #[benchmark]
    fn sweep_claim() {
        let task = claimable::<T>();

        #[block]
        {
            let next = Pallet::<T>::next_solution(None).expect("one solution is there");
            Pallet::<T>::sweep_solution(next);
        }

        assert!(!Solutions::<T>::contains_key(task));
    }

    #[benchmark]
    fn sweep_commitment_skip() {
        let task = open::<T>();
        let solver = solver::<T>();
        commit_to::<T>(&task, &solver, 0);

        #[block]
        {
            let (task, solver) = Pallet::<T>::next_commitment(None).expect("one commitment is there");
            Pallet::<T>::sweep_commitment(task, solver);
        }

        assert!(Commitments::<T>::contains_key(task, solver));
    }

    #[benchmark]
    fn sweep_withdraw() {
        let (task, solver) = outstanding::<T>(settle::<T>);

        #[block]
        {
            let (task, solver) = Pallet::<T>::next_commitment(None).expect("one commitment is there");
            Pallet::<T>::sweep_commitment(task, solver);
        }

        assert_eq!(T::Tasks::view(&task).map(|view| view.state), Some(TaskState::Settled));
        assert!(!Commitments::<T>::contains_key(task, solver));
    }

    #[benchmark]
    fn sweep_forfeit() {
        let (task, solver) = outstanding::<T>(T::Tasks::prepare_expired);

        #[block]
        {
            let (task, solver) = Pallet::<T>::next_commitment(None).expect("one commitment is there");
            Pallet::<T>::sweep_commitment(task, solver);
        }

        assert!(!Commitments::<T>::contains_key(task, solver));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder.build(), crate::mock::Test);
}
