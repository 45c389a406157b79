//! What the pallet does beyond its calls: times, stakes, payments, the sweeper.

use crate::{pallet::*, weights::WeightInfo, CommitmentRecord, Solution};
use alloc::collections::BTreeMap;
use assay_traits::{SolutionBook, SolverStake, StandingSolution, TaskBook, TaskState, TaskView};
use assay_types::{Balance, BlockNumber, TaskId};
use frame_support::{
    ensure,
    pallet_prelude::{DispatchResult, Weight},
    storage::with_storage_layer,
    traits::{
        fungible::hold::{Inspect as _, Mutate as _},
        tokens::{Fortitude, Precision, Restriction},
        Get,
    },
    weights::WeightMeter,
};
use sp_runtime::{traits::BlockNumberProvider, TryRuntimeError};

impl<T: Config> Pallet<T> {
    fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }

    /// Whether no other solution may replace this one any more.
    pub(crate) fn grace_is_over(view: &TaskView<T::AccountId>, solution: &Solution<T::AccountId>) -> bool {
        Self::now() > solution.first_revealed_at.saturating_add(view.reveal_grace)
    }

    /// The last block in which a solution may be contested.
    pub(crate) fn last_contest_block(view: &TaskView<T::AccountId>, solution: &Solution<T::AccountId>) -> BlockNumber {
        solution.first_revealed_at.saturating_add(view.reveal_grace).saturating_add(view.contest_window)
    }

    /// The stake of a solution that earns `fee` and `reward`.
    pub(crate) fn stake_for(fee: Balance, reward: Balance) -> Balance {
        fee.saturating_add(reward).saturating_mul(STAKE_FACTOR).max(T::MinimumStake::get())
    }

    /// Pays the solver of a task whose contest window the caller has checked.
    pub(crate) fn do_claim(task: TaskId, solution: Solution<T::AccountId>) -> DispatchResult {
        T::Tasks::settle(&task, &solution.solver)?;
        T::Stake::release(&solution.solver, solution.stake);
        Solutions::<T>::remove(task);
        Self::deposit_event(Event::Claimed { task, solver: solution.solver });
        Ok(())
    }

    /// Gives back what is held for a commitment, which is gone then.
    pub(crate) fn do_withdraw(task: TaskId, solver: T::AccountId, record: CommitmentRecord) {
        Self::drop_commitment(&task, &solver);
        let deposit = Self::give_back(&task, &solver, record.deposit);
        Self::deposit_event(Event::CommitmentWithdrawn { task, solver, deposit });
    }

    /// Sends what is held for a commitment to the treasury; the commitment is gone then.
    pub(crate) fn do_forfeit(task: TaskId, solver: T::AccountId, record: CommitmentRecord) {
        Self::drop_commitment(&task, &solver);
        let deposit = Self::forfeit(&task, &solver, record.deposit);
        Self::deposit_event(Event::CommitmentForfeited { task, solver, deposit });
    }

    /// Removes a commitment here and from the count of its task.
    pub(crate) fn drop_commitment(task: &TaskId, solver: &T::AccountId) {
        Commitments::<T>::remove(task, solver);
        T::Tasks::drop_commitment(task);
    }

    /// Holds `amount` of `solver` for a commitment.
    pub(crate) fn hold(solver: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        T::Currency::hold(&HoldReason::Commitment.into(), solver, amount)
    }

    /// Gives `amount` of what is held of `solver` back to it, or to the treasury if it cannot take it; returns what it
    /// got.
    pub(crate) fn give_back(task: &TaskId, solver: &T::AccountId, amount: Balance) -> Balance {
        let reason = HoldReason::Commitment.into();
        if amount == 0 || T::Currency::release(&reason, solver, amount, Precision::Exact).is_ok() {
            return amount;
        }
        Self::deposit_event(Event::Refused { task: *task, who: solver.clone(), amount });
        Self::forfeit(task, solver, amount);
        0
    }

    /// Pays `amount` of what is held of `solver` to the treasury, or burns it if that cannot take it: it is never left
    /// unplaced. Returns what the treasury got.
    fn forfeit(task: &TaskId, solver: &T::AccountId, amount: Balance) -> Balance {
        let reason = HoldReason::Commitment.into();
        let (exact, free, force) = (Precision::Exact, Restriction::Free, Fortitude::Force);
        if amount == 0
            || T::Currency::transfer_on_hold(&reason, solver, &T::Treasury::get(), amount, exact, free, force).is_ok()
        {
            return amount;
        }
        let burned = T::Currency::burn_held(&reason, solver, amount, Precision::BestEffort, force);
        Self::deposit_event(Event::Burned { task: *task, amount: burned.unwrap_or_default() });
        0
    }

    /// Looks at up to [`Config::SweepBatch`] solutions and as many commitments, by turns, from where it stopped the last
    /// time: claims, gives back and forfeits what nobody has called for. Each ends its round at its last entry; the next
    /// block begins another.
    pub(crate) fn sweep(meter: &mut WeightMeter) {
        if meter.try_consume(T::WeightInfo::sweep_base()).is_err() {
            return;
        }
        let dearest_solution =
            T::WeightInfo::sweep_solution_skip().max(T::WeightInfo::sweep_claim().saturating_add(Self::news_weight()));
        let dearest_commitment = T::WeightInfo::sweep_commitment_skip()
            .max(T::WeightInfo::sweep_withdraw())
            .max(T::WeightInfo::sweep_forfeit());
        let mut solution = SolutionCursor::<T>::get();
        let mut commitment = CommitmentCursor::<T>::get();
        let (mut more_solutions, mut more_commitments) = (true, true);
        for _ in 0..T::SweepBatch::get() {
            if more_solutions && meter.can_consume(dearest_solution) {
                solution = Self::next_solution(solution);
                match solution {
                    Some(task) => meter.consume(Self::sweep_solution(task)),
                    None => more_solutions = false,
                }
            }
            if more_commitments && meter.can_consume(dearest_commitment) {
                commitment = Self::next_commitment(commitment);
                match &commitment {
                    Some((task, solver)) => meter.consume(Self::sweep_commitment(*task, solver.clone())),
                    None => more_commitments = false,
                }
            }
        }
        SolutionCursor::<T>::set(solution);
        CommitmentCursor::<T>::set(commitment);
    }

    /// Weight of telling others of a settlement.
    fn news_weight() -> Weight {
        T::Tasks::settled_news_weight()
    }

    /// The task of the solution after that of `last`.
    pub(crate) fn next_solution(last: Option<TaskId>) -> Option<TaskId> {
        match last {
            Some(last) => Solutions::<T>::iter_keys_from(Solutions::<T>::hashed_key_for(last)).next(),
            None => Solutions::<T>::iter_keys().next(),
        }
    }

    /// The commitment after `last`.
    pub(crate) fn next_commitment(last: Option<(TaskId, T::AccountId)>) -> Option<(TaskId, T::AccountId)> {
        match last {
            Some((task, solver)) => {
                Commitments::<T>::iter_keys_from(Commitments::<T>::hashed_key_for(task, solver)).next()
            }
            None => Commitments::<T>::iter_keys().next(),
        }
    }

    /// One step of the sweeper over solutions; returns its weight.
    pub(crate) fn sweep_solution(task: TaskId) -> Weight {
        let due = T::Tasks::view(&task)
            .filter(|view| view.state == TaskState::Solved)
            .zip(Solutions::<T>::get(task))
            .filter(|(view, solution)| {
                let last = Self::last_contest_block(view, solution).saturating_add(T::SweepDelay::get());
                Self::now() > last
            });
        let Some((_, solution)) = due else {
            return T::WeightInfo::sweep_solution_skip();
        };
        if let Err(error) = with_storage_layer(|| Self::do_claim(task, solution)) {
            Self::deposit_event(Event::SweepFailed { task, error });
        }
        T::WeightInfo::sweep_claim().saturating_add(Self::news_weight())
    }

    /// One step of the sweeper over commitments; returns its weight.
    pub(crate) fn sweep_commitment(task: TaskId, solver: T::AccountId) -> Weight {
        let Some((view, record)) = T::Tasks::view(&task).zip(Commitments::<T>::get(task, &solver)) else {
            return T::WeightInfo::sweep_commitment_skip();
        };
        let due = view.ended_at.is_some_and(|ended_at| Self::now() > ended_at.saturating_add(T::SweepDelay::get()));
        if !due {
            return T::WeightInfo::sweep_commitment_skip();
        }
        if view.state == TaskState::Expired {
            Self::do_forfeit(task, solver, record);
            T::WeightInfo::sweep_forfeit()
        } else {
            Self::do_withdraw(task, solver, record);
            T::WeightInfo::sweep_withdraw()
        }
    }

    /// Checks what must always hold:
    ///
    /// 1. What is held of each account is the sum of the deposits of its commitments.
    /// 2. The task of each commitment is there and counts as many commitments as there are.
    /// 3. The task of each solution is solved or disputed; the solution was committed to before it was revealed, and not
    ///    revealed before the first, nor after the grace; its stake is not nothing.
    /// 4. Whose solution stands has no commitment to that task left.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let now = Self::now();
        let mut held = BTreeMap::<T::AccountId, Balance>::new();
        let mut counts = BTreeMap::<TaskId, u32>::new();
        for (task, solver, record) in Commitments::<T>::iter() {
            ensure!(record.committed_at <= now, "solutions: a commitment of the future");
            let sum = held.entry(solver).or_default();
            *sum = sum.saturating_add(record.deposit);
            let count = counts.entry(task).or_default();
            *count = count.saturating_add(1);
        }
        for (task, count) in counts {
            let view = T::Tasks::view(&task).ok_or("solutions: a commitment to no task")?;
            ensure!(view.commitments == count, "solutions: a task does not count its commitments");
        }
        for who in frame_system::Account::<T>::iter_keys() {
            let sum = held.remove(&who).unwrap_or_default();
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Commitment.into(), &who) == sum,
                "solutions: a hold is not the sum of the deposits"
            );
        }
        ensure!(held.values().all(|sum| *sum == 0), "solutions: something is held of an account that is not there");
        for (task, solution) in Solutions::<T>::iter() {
            let view = T::Tasks::view(&task).ok_or("solutions: a solution of no task")?;
            ensure!(
                matches!(view.state, TaskState::Solved | TaskState::Disputed),
                "solutions: a solution of a task that is neither solved nor disputed"
            );
            let last_reveal = solution.first_revealed_at.saturating_add(view.reveal_grace);
            ensure!(
                solution.committed_at < solution.revealed_at
                    && (solution.first_revealed_at..=last_reveal).contains(&solution.revealed_at)
                    && solution.revealed_at <= now
                    && solution.first_revealed_at <= view.deadline,
                "solutions: a solution out of time"
            );
            ensure!(solution.stake > 0, "solutions: a solution without a stake");
            ensure!(
                !Commitments::<T>::contains_key(task, &solution.solver),
                "solutions: a commitment that was revealed"
            );
        }
        Ok(())
    }
}

impl<T: Config> SolutionBook<T::AccountId> for Pallet<T> {
    fn standing(task: &TaskId) -> Option<StandingSolution<T::AccountId>> {
        let (view, solution) = T::Tasks::view(task).zip(Solutions::<T>::get(task))?;
        let grace_over = solution.first_revealed_at.saturating_add(view.reveal_grace).saturating_add(1);
        Some(StandingSolution {
            contestable_from: grace_over,
            contestable_until: Self::last_contest_block(&view, &solution),
            solver: solution.solver,
            output: solution.output,
            trace_seal: solution.trace_seal,
            stake: solution.stake,
        })
    }

    /// # Errors
    /// [`Error::NotSolved`].
    fn uphold(task: &TaskId) -> DispatchResult {
        let solution = Solutions::<T>::get(task).ok_or(Error::<T>::NotSolved)?;
        Self::do_claim(*task, solution)
    }

    /// # Errors
    /// [`Error::NotSolved`].
    fn strike(task: &TaskId) -> DispatchResult {
        let solution = Solutions::<T>::get(task).ok_or(Error::<T>::NotSolved)?;
        T::Tasks::refund(task)?;
        Solutions::<T>::remove(task);
        Self::deposit_event(Event::Struck { task: *task, solver: solution.solver });
        Ok(())
    }

    // A benchmark that cannot be prepared must stop, so this may panic.
    #[cfg(feature = "runtime-benchmarks")]
    #[allow(clippy::expect_used)]
    fn prepare(solver: &T::AccountId, model: &assay_types::ModelId) -> TaskId {
        use assay_traits::ModelRegistry;
        use frame_support::traits::fungible::{Inspect, Mutate};
        T::Models::prepare(model, solver);
        // Another account than the solver's, as settling then touches both.
        let task = T::Tasks::prepare(&frame_benchmarking::account("user", 0, 0), model);
        let now = Self::now();
        let minimum = T::Currency::minimum_balance();
        T::Currency::mint_into(solver, minimum.saturating_mul(1_000)).expect("balance can be minted");
        let output = assay_traits::Payload::Inline(Default::default());
        let cid = output.cid();
        T::Tasks::solve(&task, output).expect("the task is open");
        let view = T::Tasks::view(&task).expect("the task was prepared");
        let stake = Self::stake_for(view.fee, view.reward);
        T::Stake::prepare(solver, stake);
        T::Stake::pledge(solver, stake).expect("the stake was prepared");
        let first_revealed_at = now.saturating_sub(view.reveal_grace).saturating_sub(1);
        let solution = Solution {
            solver: solver.clone(),
            committed_at: first_revealed_at.saturating_sub(1),
            revealed_at: first_revealed_at,
            first_revealed_at,
            output: cid,
            trace_seal: Default::default(),
            stake,
        };
        Solutions::<T>::insert(task, solution);
        task
    }
}
