//! Benchmarks of the calls and the steps of the sweeper, each at its worst.

// Benchmarks run on a developer's machine and must stop when their preparation fails.
#![allow(clippy::expect_used, clippy::arithmetic_side_effects)]

use super::*;
use alloc::vec::Vec;
use assay_traits::{Committee, ModelRegistry, SolutionBook, SolverStake, Verdict};
use assay_types::{protocol, BlockNumber, Cid, Hash, ModelId, Salt, TaskId, TraceDigest, ASY};
use codec::Encode;
use frame_benchmarking::v2::*;
use frame_support::{traits::Get, weights::WeightMeter};
use frame_system::RawOrigin;
use sp_runtime::traits::{BlockNumberProvider, Zero};

const SALT: Salt = [7; 32];
/// Voters beside the caller in a dispute that is benchmarked; what a call costs does not depend on how many there are.
const VOTERS: u32 = 10;

fn now<T: Config>() -> BlockNumber {
    T::BlockNumberProvider::current_block_number()
}

fn go_to<T: Config>(block: BlockNumber) {
    T::BlockNumberProvider::set_block_number(block);
}

fn model() -> ModelId {
    ModelId::repeat_byte(1)
}

/// The output that the contester gives: not the solution's.
fn other() -> Cid {
    Cid::of(b"other")
}

fn trace() -> TraceDigest {
    TraceDigest::repeat_byte(5)
}

/// The seal of `who` for `output`.
fn sealed<T: Config>(task: &TaskId, who: &T::AccountId, output: &Cid) -> Hash {
    let genesis = frame_system::Pallet::<T>::block_hash(frame_system::pallet_prelude::BlockNumberFor::<T>::zero());
    protocol::ballot_seal(&genesis, task, who, output, &trace(), &SALT)
}

/// A solver who may do everything and serves the model.
fn prepared<T: Config>(who: T::AccountId) -> T::AccountId {
    T::Models::prepare(&model(), &who);
    T::Stake::prepare(&who, 1_000_000 * ASY);
    who
}

fn solver<T: Config>() -> T::AccountId {
    account("solver", 0, 0)
}

/// A solution that may be contested.
fn solved<T: Config>() -> TaskId {
    // The first block has no parent whose randomness a task could take.
    go_to::<T>(now::<T>().max(1_000));
    T::Solutions::prepare(&prepared::<T>(solver::<T>()), &model())
}

fn members<T: Config>(count: u32) -> Vec<T::AccountId> {
    (0..count).map(|n| prepared::<T>(account("member", n, 0))).collect()
}

/// A contested solution with a committee that all must vote. `solver` can show the trace behind it, and weighs as much
/// as anybody else.
fn contested<T: Config>(solver: &T::AccountId, contester: T::AccountId) -> TaskId {
    let task = solved::<T>();
    T::Committee::prepare(members::<T>(T::MaxCommittee::get()));
    let contester = prepared::<T>(contester);
    let seal = sealed::<T>(&task, &contester, &other());
    Pallet::<T>::contest(RawOrigin::Signed(contester).into(), task, seal).expect("the solution can be contested");
    Disputes::<T>::mutate(task, |dispute| {
        let dispute = dispute.as_mut().expect("the solution is contested");
        dispute.solver = solver.clone();
        dispute.trace_seal = protocol::trace_seal(&task, solver, &trace());
        dispute.solver_weight = dispute.contester_weight;
    });
    task
}

fn vote_of<T: Config>(task: &TaskId, voter: T::AccountId, output: &Cid) -> T::AccountId {
    let voter = prepared::<T>(voter);
    let seal = sealed::<T>(task, &voter, output);
    Pallet::<T>::vote(RawOrigin::Signed(voter.clone()).into(), *task, seal).expect("the voter may vote");
    voter
}

fn open_of<T: Config>(task: &TaskId, who: T::AccountId, output: Cid) {
    Pallet::<T>::open(RawOrigin::Signed(who).into(), *task, output, trace(), SALT).expect("this was sealed");
}

fn to_opening<T: Config>(task: &TaskId) {
    go_to::<T>(Disputes::<T>::get(task).expect("the solution is contested").votes_until + 1);
}

/// A dispute in which `voters` voted, each for the output that `output_of` says, and everybody opened, in its first block
/// after the opening.
fn opened<T: Config>(voters: &[T::AccountId], output_of: impl Fn(&T::AccountId) -> Cid) -> TaskId {
    let (solver, contester): (T::AccountId, T::AccountId) = (solver::<T>(), account("contester", 0, 0));
    let task = contested::<T>(&solver, contester.clone());
    let voters: Vec<_> = voters.iter().map(|voter| vote_of::<T>(&task, voter.clone(), &output_of(voter))).collect();
    to_opening::<T>(&task);
    open_of::<T>(&task, contester, other());
    Pallet::<T>::open_solution(RawOrigin::Signed(solver).into(), task, trace()).expect("this is its trace");
    for voter in voters {
        let output = output_of(&voter);
        open_of::<T>(&task, voter, output);
    }
    go_to::<T>(Disputes::<T>::get(task).expect("the solution is contested").opens_until + 1);
    task
}

/// A dispute whose solution stands, in its first block after the opening. That is the dearest verdict: the whole task is
/// settled. Of its kinds this is the dearest, in which every voter has a result of its own, so that no ballot keeps the
/// tallies of the parties and the voters' half of the pot goes to the treasury.
fn upheld<T: Config>(voters: &[T::AccountId]) -> TaskId {
    opened::<T>(voters, |voter| Cid::of(&voter.encode()))
}

/// A dispute whose solution falls: all voters agree with the contester.
fn fallen<T: Config>(voters: &[T::AccountId]) -> TaskId {
    opened::<T>(voters, |_| other())
}

fn verdict_of<T: Config>(task: &TaskId) -> Option<Verdict> {
    Disputes::<T>::get(task).and_then(|dispute| dispute.outcome).map(|outcome| outcome.verdict)
}

/// Ballots enough for a verdict.
fn voters<T: Config>() -> Vec<T::AccountId> {
    (0..VOTERS).map(|n| account("voter", n, 0)).collect()
}

/// A dispute that is settled; all ballots but that of the first voter are pulled and nobody is absent, or the other way
/// round.
fn settled<T: Config>(ballot_left: bool) -> (TaskId, T::AccountId) {
    let voters = voters::<T>();
    let task = fallen::<T>(&voters);
    let caller: T::AccountId = account("anybody", 0, 0);
    Pallet::<T>::settle(RawOrigin::Signed(caller.clone()).into(), task).expect("the time has come");
    // As if the winners weighed a little more: rounding leaves something, which goes to the treasury at the end.
    Disputes::<T>::mutate(task, |dispute| {
        let outcome = dispute.as_mut().and_then(|dispute| dispute.outcome.as_mut());
        outcome.expect("the dispute is settled").weight += 1;
    });
    let left = usize::from(ballot_left);
    for voter in voters.iter().skip(left) {
        Pallet::<T>::pull(RawOrigin::Signed(caller.clone()).into(), task, voter.clone()).expect("a ballot is there");
    }
    if ballot_left {
        Absent::<T>::remove(task);
    } else {
        Absent::<T>::mutate(task, |absent| {
            if let Some(absent) = absent {
                absent.truncate(1);
            }
        });
    }
    let who = if ballot_left { voters.first().cloned() } else { members::<T>(1).first().cloned() };
    (task, who.expect("there are voters and members"))
}

#[benchmarks]
mod benchmarks {
    use super::*;

    /// - `m`: members of the committee, who all must vote.
    #[benchmark]
    fn contest(m: Linear<0, { T::MaxCommittee::get() }>) {
        let task = solved::<T>();
        T::Committee::prepare(members::<T>(m));
        let contester = prepared::<T>(whitelisted_caller());
        let seal = sealed::<T>(&task, &contester, &other());

        #[extrinsic_call]
        _(RawOrigin::Signed(contester), task, seal);

        assert_eq!(Absent::<T>::get(task).map_or(0, |absent| absent.len()), m as usize);
    }

    #[benchmark]
    fn vote() {
        let task = solved::<T>();
        let voter = prepared::<T>(whitelisted_caller());
        let mut committee = members::<T>(T::MaxCommittee::get());
        committee.pop();
        committee.push(voter.clone());
        T::Committee::prepare(committee);
        let contester = prepared::<T>(account("contester", 0, 0));
        let seal = sealed::<T>(&task, &contester, &other());
        Pallet::<T>::contest(RawOrigin::Signed(contester).into(), task, seal).expect("the solution can be contested");
        let seal = sealed::<T>(&task, &voter, &other());

        #[extrinsic_call]
        _(RawOrigin::Signed(voter.clone()), task, seal);

        assert!(Ballots::<T>::contains_key(task, voter));
    }

    #[benchmark]
    fn open() {
        let task = contested::<T>(&solver::<T>(), account("contester", 0, 0));
        let voter = vote_of::<T>(&task, whitelisted_caller(), &other());
        // The contester leads, with another result.
        to_opening::<T>(&task);
        Tallies::<T>::insert(task, Hash::zero(), Tally { weight: 1, ..Default::default() });
        Disputes::<T>::mutate(task, |dispute| {
            if let Some(dispute) = dispute {
                dispute.leader = Some(Hash::zero());
            }
        });

        #[extrinsic_call]
        _(RawOrigin::Signed(voter), task, other(), trace(), SALT);

        let leader = Disputes::<T>::get(task).and_then(|dispute| dispute.leader);
        assert_eq!(leader, Some(protocol::result_id(&other(), &trace())));
    }

    #[benchmark]
    fn open_solution() {
        let solver: T::AccountId = whitelisted_caller();
        let task = contested::<T>(&solver, account("contester", 0, 0));
        to_opening::<T>(&task);

        #[extrinsic_call]
        _(RawOrigin::Signed(solver), task, trace());

        assert!(Disputes::<T>::get(task).is_some_and(|dispute| dispute.solver_opened));
    }

    #[benchmark]
    fn settle() {
        let task = upheld::<T>(&voters::<T>());

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), task);

        assert_eq!(verdict_of::<T>(&task), Some(Verdict::Stands));
    }

    /// A settlement costs the same whoever has voted: that of a dispute with a thousand ballots.
    #[benchmark(extra)]
    fn settle_thousand() {
        let voters: Vec<_> = (0..1_000).map(|n| account("voter", n, 0)).collect();
        let task = upheld::<T>(&voters);

        #[extrinsic_call]
        settle(RawOrigin::Signed(whitelisted_caller()), task);

        assert_eq!(Disputes::<T>::get(task).map(|dispute| dispute.votes.stored), Some(1_000));
    }

    #[benchmark]
    fn pull() {
        let (task, voter) = settled::<T>(true);

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), task, voter);

        assert!(!Disputes::<T>::contains_key(task));
    }

    #[benchmark]
    fn charge_absent() {
        let (task, member) = settled::<T>(false);

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), task, member);

        assert!(!Disputes::<T>::contains_key(task));
    }

    #[benchmark]
    fn sweep_base() {
        // Behind everything: both rounds end here.
        DisputeCursor::<T>::put(TaskId::repeat_byte(0xff));
        BallotCursor::<T>::put((TaskId::repeat_byte(0xff), account::<T::AccountId>("last", 0, 0)));

        #[block]
        {
            Pallet::<T>::sweep(&mut WeightMeter::new());
        }

        assert!(!DisputeCursor::<T>::exists() && !BallotCursor::<T>::exists());
    }

    #[benchmark]
    fn sweep_dispute_skip() {
        let task = fallen::<T>(&voters::<T>());

        #[block]
        {
            let next = Pallet::<T>::next_dispute(None).expect("one dispute is there");
            Pallet::<T>::sweep_dispute(next);
        }

        assert!(Disputes::<T>::get(task).is_some_and(|dispute| dispute.outcome.is_none()));
    }

    #[benchmark]
    fn sweep_settle() {
        let task = upheld::<T>(&voters::<T>());
        go_to::<T>(now::<T>() + T::SweepDelay::get() + 1);

        #[block]
        {
            let next = Pallet::<T>::next_dispute(None).expect("one dispute is there");
            Pallet::<T>::sweep_dispute(next);
        }

        assert_eq!(verdict_of::<T>(&task), Some(Verdict::Stands));
    }

    #[benchmark]
    fn sweep_charge() {
        let (task, _) = settled::<T>(false);
        go_to::<T>(now::<T>() + T::SweepDelay::get() + 1);

        #[block]
        {
            let next = Pallet::<T>::next_dispute(None).expect("one dispute is there");
            Pallet::<T>::sweep_dispute(next);
        }

        assert!(!Disputes::<T>::contains_key(task));
    }

    #[benchmark]
    fn sweep_ballot_skip() {
        let task = fallen::<T>(&voters::<T>());

        #[block]
        {
            let (task, voter) = Pallet::<T>::next_ballot(None).expect("ballots are there");
            Pallet::<T>::sweep_ballot(task, voter);
        }

        assert_eq!(Ballots::<T>::iter_prefix(task).count(), VOTERS as usize);
    }

    #[benchmark]
    fn sweep_pull() {
        let (task, _) = settled::<T>(true);
        go_to::<T>(now::<T>() + T::SweepDelay::get() + 1);

        #[block]
        {
            let (task, voter) = Pallet::<T>::next_ballot(None).expect("a ballot is there");
            Pallet::<T>::sweep_ballot(task, voter);
        }

        assert!(!Disputes::<T>::contains_key(task));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder.build(), crate::mock::Test);
}
