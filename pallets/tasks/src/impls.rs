//! What the pallet does beyond its calls: the state machine, payments, the sweeper, and what others ask of it.

use crate::{pallet::*, weights::WeightInfo, TaskRecord};
use alloc::collections::BTreeMap;
use assay_math::split_fee;
use assay_traits::{
    BlockVrf, Delegators, FeeSplit, OnTaskSettled, Payload, Settlement, TaskBook, TaskState, TaskView, WorkRewards,
};
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
use sp_runtime::{traits::BlockNumberProvider, DispatchError, TryRuntimeError};

/// Where a payment ended.
#[derive(Default)]
pub(crate) struct Paid {
    /// What arrived where it was due.
    pub arrived: Balance,
    /// What went to the treasury instead.
    pub diverted: Balance,
}

impl<T: Config> Pallet<T> {
    fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }

    /// Whether a payload is within the bound for those that are kept elsewhere; one in the state always is.
    pub(crate) fn fits(payload: &Payload) -> bool {
        match payload {
            Payload::Inline(_) => true,
            Payload::External { length, .. } => *length <= T::MaxExternal::get(),
        }
    }

    /// The record of a task of `who`.
    pub(crate) fn owned(task: &TaskId, who: &T::AccountId) -> Result<TaskRecord<T::AccountId>, DispatchError> {
        let record = Tasks::<T>::get(task).ok_or(Error::<T>::NotFound)?;
        ensure!(record.submitter == *who, Error::<T>::NotOwner);
        Ok(record)
    }

    /// Checks that a task is open and its deadline has not passed.
    pub(crate) fn ensure_open_in_time(record: &TaskRecord<T::AccountId>) -> DispatchResult {
        ensure!(record.state == TaskState::Open, Error::<T>::NotOpen);
        ensure!(Self::now() <= record.deadline, Error::<T>::DeadlinePassed);
        Ok(())
    }

    /// Moves a task to `next`: the only function that changes the state of a task. Where `next` is an end, it drops the
    /// payloads, gives the deposit for them back, and takes the fee out of the escrow's sum; the caller pays the fee out.
    /// The caller stores the record.
    ///
    /// # Errors
    /// [`Error::IllegalTransition`], and then nothing is changed.
    pub(crate) fn transition(task: &TaskId, record: &mut TaskRecord<T::AccountId>, next: TaskState) -> DispatchResult {
        ensure!(record.state.may_become(next), Error::<T>::IllegalTransition);
        Counts::<T>::mutate(|counts| {
            counts.subtract(record.state);
            counts.add(next);
        });
        record.state = next;
        if next.has_ended() {
            record.ended_at = Some(Self::now());
            Inputs::<T>::remove(task);
            Outputs::<T>::remove(task);
            Self::drop_seed(record.submitted_at);
            let byte_deposit = core::mem::take(&mut record.byte_deposit);
            Self::give_back(task, HoldReason::Deposit, &record.submitter, byte_deposit);
            Escrow::<T>::mutate(|escrow| *escrow = escrow.saturating_sub(record.fee));
        }
        Ok(())
    }

    /// Uncounts a task of `block`; the last one takes the block's randomness with it.
    fn drop_seed(block: BlockNumber) {
        BlockSeeds::<T>::mutate_exists(block, |entry| {
            if let Some(seed) = entry {
                seed.tasks = seed.tasks.saturating_sub(1);
                if seed.tasks == 0 {
                    *entry = None;
                }
            }
        });
    }

    /// Ends an open task whose deadline the caller has checked.
    pub(crate) fn do_expire(task: TaskId, mut record: TaskRecord<T::AccountId>) -> DispatchResult {
        Self::transition(&task, &mut record, TaskState::Expired)?;
        let refund = Self::give_back(&task, HoldReason::Fee, &record.submitter, record.fee);
        Tasks::<T>::insert(task, record);
        Self::deposit_event(Event::Expired { task, refund });
        Ok(())
    }

    /// Removes the record of a task that has ended and to which no commitment is outstanding.
    pub(crate) fn do_forget(task: TaskId, record: TaskRecord<T::AccountId>) {
        Tasks::<T>::remove(task);
        Counts::<T>::mutate(|counts| counts.subtract(record.state));
        Self::give_back(&task, HoldReason::Deposit, &record.submitter, record.base_deposit);
        Self::deposit_event(Event::Forgotten { task });
    }

    /// Holds `amount` of `who`.
    pub(crate) fn hold(reason: HoldReason, who: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        T::Currency::hold(&reason.into(), who, amount)
    }

    /// Pays `amount` of what is held of `from` to `to`; to the treasury what `to` cannot take, and burns what that cannot
    /// take: it is never left unplaced.
    pub(crate) fn pay(
        task: &TaskId,
        reason: HoldReason,
        from: &T::AccountId,
        to: &T::AccountId,
        amount: Balance,
    ) -> Paid {
        if amount == 0 {
            return Paid::default();
        }
        if Self::transfer(reason, from, to, amount).is_ok() {
            return Paid { arrived: amount, diverted: 0 };
        }
        Self::deposit_event(Event::Refused { task: *task, who: to.clone(), amount });
        Paid { arrived: 0, diverted: Self::divert(task, reason, from, amount) }
    }

    /// Gives `amount` of what is held of `who` back to it; returns what it got. What it cannot take is placed as in
    /// [`Self::pay`].
    pub(crate) fn give_back(task: &TaskId, reason: HoldReason, who: &T::AccountId, amount: Balance) -> Balance {
        if amount == 0 || T::Currency::release(&reason.into(), who, amount, Precision::Exact).is_ok() {
            return amount;
        }
        Self::deposit_event(Event::Refused { task: *task, who: who.clone(), amount });
        Self::divert(task, reason, who, amount);
        0
    }

    /// Pays `amount` of what is held of `from` to the treasury, or burns it; returns what the treasury got.
    fn divert(task: &TaskId, reason: HoldReason, from: &T::AccountId, amount: Balance) -> Balance {
        if Self::transfer(reason, from, &T::Treasury::get(), amount).is_ok() {
            return amount;
        }
        let burned = T::Currency::burn_held(&reason.into(), from, amount, Precision::BestEffort, Fortitude::Force);
        Self::deposit_event(Event::Burned { task: *task, amount: burned.unwrap_or_default() });
        0
    }

    fn transfer(reason: HoldReason, from: &T::AccountId, to: &T::AccountId, amount: Balance) -> DispatchResult {
        T::Currency::transfer_on_hold(
            &reason.into(),
            from,
            to,
            amount,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        )?;
        Ok(())
    }

    /// Records the randomness of the block before this one, if it took tasks.
    pub(crate) fn record_randomness() -> Weight {
        let parent = Self::now().saturating_sub(1);
        let Some(mut seed) = BlockSeeds::<T>::get(parent) else {
            return T::WeightInfo::on_initialize_idle();
        };
        seed.randomness = T::Vrf::of_parent();
        BlockSeeds::<T>::insert(parent, seed);
        T::WeightInfo::on_initialize_recording()
    }

    /// Looks at up to [`Config::SweepBatch`] tasks, from where it stopped the last time: expires and forgets what nobody
    /// has called for. Ends a round at the last task; the next block begins another.
    pub(crate) fn sweep(meter: &mut WeightMeter) {
        if meter.try_consume(T::WeightInfo::sweep_base()).is_err() {
            return;
        }
        let dearest = T::WeightInfo::sweep_skip().max(T::WeightInfo::sweep_expire()).max(T::WeightInfo::sweep_forget());
        let mut cursor = SweepCursor::<T>::get();
        for _ in 0..T::SweepBatch::get() {
            if !meter.can_consume(dearest) {
                break;
            }
            cursor = match cursor {
                Some(last) => Tasks::<T>::iter_keys_from(Tasks::<T>::hashed_key_for(last)).next(),
                None => Tasks::<T>::iter_keys().next(),
            };
            let Some(task) = cursor else {
                break;
            };
            meter.consume(Self::sweep_one(task));
        }
        SweepCursor::<T>::set(cursor);
    }

    /// One step of the sweeper; returns its weight.
    pub(crate) fn sweep_one(task: TaskId) -> Weight {
        let Some(record) = Tasks::<T>::get(task) else {
            return T::WeightInfo::sweep_skip();
        };
        let now = Self::now();
        let overdue = |since: BlockNumber| now > since.saturating_add(T::SweepDelay::get());
        match record.ended_at {
            Some(ended_at) if record.commitments == 0 && overdue(ended_at.saturating_add(record.retention)) => {
                Self::do_forget(task, record);
                T::WeightInfo::sweep_forget()
            }
            None if record.state == TaskState::Open && overdue(record.deadline) => {
                if let Err(error) = with_storage_layer(|| Self::do_expire(task, record)) {
                    Self::deposit_event(Event::SweepFailed { task, error });
                }
                T::WeightInfo::sweep_expire()
            }
            _ => T::WeightInfo::sweep_skip(),
        }
    }

    /// Checks what must always hold:
    ///
    /// 1. [`Escrow`] is the sum of the fees of all tasks that have not ended.
    /// 2. What is held of each account is the sum of the fees, and of the deposits, of its tasks.
    /// 3. [`Counts`] is a recount of [`Tasks`].
    /// 4. A task has an input until it ends, an output while it is solved or disputed, and an end once it has ended; the
    ///    content ids are those of the payloads. No payload is without its task.
    /// 5. [`BlockSeeds`] counts the tasks of each block that have not ended, and has no other block.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut escrow: Balance = 0;
        let mut counts = crate::TaskCounts::default();
        let mut held = BTreeMap::<T::AccountId, (Balance, Balance)>::new();
        let mut seeds = BTreeMap::<BlockNumber, u32>::new();
        let (mut inputs, mut outputs) = (0usize, 0usize);
        for (task, record) in Tasks::<T>::iter() {
            counts.add(record.state);
            let ended = record.state.has_ended();
            let (fees, deposits) = held.entry(record.submitter.clone()).or_default();
            *deposits = deposits.saturating_add(record.base_deposit).saturating_add(record.byte_deposit);
            ensure!(record.ended_at.is_some() == ended, "tasks: only an ended task has an end");
            ensure!(ended || record.solver.is_none(), "tasks: a solver was paid before the end");
            ensure!(record.state != TaskState::Settled || record.solver.is_some(), "tasks: settled without a solver");
            ensure!(!ended || record.byte_deposit == 0, "tasks: an ended task has a deposit for payloads");
            let input = Inputs::<T>::get(task);
            ensure!(input.is_some() != ended, "tasks: a task has an input until it ends");
            ensure!(input.is_none_or(|input| input.payload.cid() == record.input), "tasks: an input is not its own");
            let output = Outputs::<T>::get(task);
            let shown = matches!(record.state, TaskState::Solved | TaskState::Disputed);
            ensure!(output.is_some() == shown, "tasks: a task has an output while it is solved or disputed");
            ensure!(output.is_none_or(|output| Some(output.cid()) == record.output), "tasks: an output is not its own");
            if shown {
                outputs = outputs.saturating_add(1);
            }
            if !ended {
                inputs = inputs.saturating_add(1);
                *fees = fees.saturating_add(record.fee);
                escrow = escrow.saturating_add(record.fee);
                let tasks = seeds.entry(record.submitted_at).or_default();
                *tasks = tasks.saturating_add(1);
            }
        }
        ensure!(escrow == Escrow::<T>::get(), "tasks: the escrow is not the sum of the fees");
        ensure!(counts == Counts::<T>::get(), "tasks: the counts are not a recount");
        ensure!(Inputs::<T>::iter_keys().count() == inputs, "tasks: an input without its task");
        ensure!(Outputs::<T>::iter_keys().count() == outputs, "tasks: an output without its task");
        for who in frame_system::Account::<T>::iter_keys() {
            let (fees, deposits) = held.remove(&who).unwrap_or_default();
            let (fee, deposit) = (HoldReason::Fee.into(), HoldReason::Deposit.into());
            ensure!(T::Currency::balance_on_hold(&fee, &who) == fees, "tasks: a hold is not the sum of the fees");
            ensure!(
                T::Currency::balance_on_hold(&deposit, &who) == deposits,
                "tasks: a hold is not the sum of the deposits"
            );
        }
        ensure!(
            held.values().all(|(fees, deposits)| *fees == 0 && *deposits == 0),
            "tasks: something is held of an account that is not there"
        );
        let now = Self::now();
        for (block, seed) in BlockSeeds::<T>::iter() {
            ensure!(seeds.remove(&block) == Some(seed.tasks), "tasks: a seed does not count its tasks");
            ensure!(block <= now, "tasks: a seed of the future");
        }
        ensure!(seeds.is_empty(), "tasks: a block with tasks has no seed");
        Ok(())
    }
}

impl<T: Config> TaskBook<T::AccountId> for Pallet<T> {
    fn view(task: &TaskId) -> Option<TaskView<T::AccountId>> {
        Tasks::<T>::get(task).map(|record| record.view())
    }

    /// # Errors
    /// [`Error::NotFound`], [`Error::NotOpen`], [`Error::DeadlinePassed`].
    fn note_commitment(task: &TaskId) -> DispatchResult {
        Tasks::<T>::try_mutate(task, |entry| {
            let record = entry.as_mut().ok_or(Error::<T>::NotFound)?;
            Self::ensure_open_in_time(record)?;
            record.commitments = record.commitments.checked_add(1).ok_or(Error::<T>::Overflow)?;
            record.last_commitment_at = Self::now();
            Ok(())
        })
    }

    fn drop_commitment(task: &TaskId) {
        Tasks::<T>::mutate_extant(task, |record| record.commitments = record.commitments.saturating_sub(1));
    }

    /// # Errors
    /// [`Error::NotFound`], [`Error::NotOpen`], [`Error::DeadlinePassed`], [`Error::OutputTooLong`].
    fn solve(task: &TaskId, output: Payload) -> DispatchResult {
        let mut record = Tasks::<T>::get(task).ok_or(Error::<T>::NotFound)?;
        ensure!(Self::fits(&output), Error::<T>::OutputTooLong);
        let cid = output.cid();
        record.output = Some(cid);
        if record.state == TaskState::Solved {
            Self::deposit_event(Event::OutputReplaced { task: *task, output: cid });
        } else {
            Self::ensure_open_in_time(&record)?;
            Self::transition(task, &mut record, TaskState::Solved)?;
            // The treasury's part is all of the fee that a solver who is also the user, and owns the model, loses.
            let sunk = split_fee(record.fee, record.terms.fee).treasury;
            record.reward = T::Rewards::reserve(record.terms.rate, sunk);
            Self::deposit_event(Event::Solved { task: *task, output: cid, reward: record.reward });
        }
        Outputs::<T>::insert(task, output);
        Tasks::<T>::insert(task, record);
        Ok(())
    }

    /// # Errors
    /// [`Error::NotFound`], [`Error::NotSolved`].
    fn dispute(task: &TaskId) -> DispatchResult {
        let mut record = Tasks::<T>::get(task).ok_or(Error::<T>::NotFound)?;
        ensure!(record.state == TaskState::Solved, Error::<T>::NotSolved);
        Self::transition(task, &mut record, TaskState::Disputed)?;
        Tasks::<T>::insert(task, record);
        Self::deposit_event(Event::Disputed { task: *task });
        Ok(())
    }

    /// # Errors
    /// [`Error::NotFound`], [`Error::NotDisputed`].
    fn refund(task: &TaskId) -> DispatchResult {
        let mut record = Tasks::<T>::get(task).ok_or(Error::<T>::NotFound)?;
        ensure!(record.state == TaskState::Disputed, Error::<T>::NotDisputed);
        Self::transition(task, &mut record, TaskState::Refunded)?;
        let refund = Self::give_back(task, HoldReason::Fee, &record.submitter, record.fee);
        T::Rewards::release(record.reward);
        Tasks::<T>::insert(task, record);
        Self::deposit_event(Event::Refunded { task: *task, refund });
        Ok(())
    }

    /// # Errors
    /// [`Error::NotFound`], [`Error::NotSolved`].
    fn settle(task: &TaskId, solver: &T::AccountId) -> Result<Settlement, DispatchError> {
        let mut record = Tasks::<T>::get(task).ok_or(Error::<T>::NotFound)?;
        ensure!(matches!(record.state, TaskState::Solved | TaskState::Disputed), Error::<T>::NotSolved);
        Self::transition(task, &mut record, TaskState::Settled)?;
        record.solver = Some(solver.clone());

        let parts = split_fee(record.fee, record.terms.fee);
        let shared = T::Delegators::share(solver, parts.solver).min(parts.solver);
        let pay = |to: &T::AccountId, amount| Self::pay(task, HoldReason::Fee, &record.submitter, to, amount);
        let solver_part = pay(solver, parts.solver.saturating_sub(shared));
        let delegators_part = pay(&T::Delegators::account(), shared);
        T::Delegators::credit(solver, delegators_part.arrived);
        let model_part = pay(&record.terms.recipient, parts.model);
        let treasury_part = pay(&T::Treasury::get(), parts.treasury);
        let fee = FeeSplit {
            model: model_part.arrived,
            treasury: [&treasury_part, &solver_part, &delegators_part, &model_part]
                .into_iter()
                .fold(treasury_part.arrived, |sum, part| sum.saturating_add(part.diverted)),
            solver: solver_part.arrived,
            delegators: delegators_part.arrived,
        };
        let reward = T::Rewards::mint(record.reward, solver, &record.submitter);
        let settlement = Settlement { fee, reward };
        let model = record.model;
        Tasks::<T>::insert(task, record);
        Self::deposit_event(Event::Settled { task: *task, solver: solver.clone(), settlement: settlement.clone() });
        T::OnTaskSettled::on_task_settled(task, &model, solver, &settlement);
        Ok(settlement)
    }

    fn settled_news_weight() -> Weight {
        T::OnTaskSettled::weight()
    }

    // A benchmark that cannot be prepared must stop, so this may panic.
    #[cfg(feature = "runtime-benchmarks")]
    #[allow(clippy::expect_used)]
    fn prepare(submitter: &T::AccountId, model: &assay_types::ModelId) -> TaskId {
        Self::submit_largest(submitter, model, assay_types::MAX_INLINE).expect("a prepared model takes a funded task");
        LastTask::<T>::get()
    }

    #[cfg(feature = "runtime-benchmarks")]
    #[allow(clippy::expect_used)]
    fn prepare_expired(task: &TaskId) {
        let record = Tasks::<T>::get(task).expect("the task was prepared");
        Self::do_expire(*task, record).expect("the task is open");
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl<T: Config> Pallet<T> {
    /// The longest parameters, and an input of `bytes`.
    pub(crate) fn largest_input(bytes: u32) -> (crate::ParameterBytes, Payload) {
        let parameters = alloc::vec![7; assay_types::MAX_PARAMETERS as usize];
        let input = alloc::vec![7; bytes as usize];
        (parameters.try_into().unwrap_or_default(), Payload::Inline(input.try_into().unwrap_or_default()))
    }

    /// The fee of tasks in benchmarks: each of its parts makes an account.
    pub(crate) fn largest_fee() -> Balance {
        use frame_support::traits::fungible::Inspect;
        T::Currency::minimum_balance().max(assay_types::ASY).saturating_mul(1_000)
    }

    /// Gives `who` what a task in a benchmark costs, several times over.
    ///
    /// # Errors
    /// The currency's.
    pub(crate) fn fund(who: &T::AccountId) -> DispatchResult {
        use frame_support::traits::fungible::Mutate;
        let bytes = Balance::from(assay_types::MAX_INLINE).saturating_add(assay_types::MAX_PARAMETERS.into());
        let deposit = T::BaseDeposit::get().saturating_add(T::ByteDeposit::get().saturating_mul(bytes));
        T::Currency::mint_into(who, Self::largest_fee().saturating_add(deposit).saturating_mul(10))?;
        Ok(())
    }

    /// Submits a task with the longest parameters and an input of `bytes` to a `model` that takes tasks.
    ///
    /// # Errors
    /// Those of `submit`.
    pub(crate) fn submit_largest(submitter: &T::AccountId, model: &assay_types::ModelId, bytes: u32) -> DispatchResult {
        Self::fund(submitter)?;
        let (parameters, input) = Self::largest_input(bytes);
        let origin = frame_system::RawOrigin::Signed(submitter.clone()).into();
        Self::submit(origin, *model, parameters, input, Self::largest_fee(), Some(T::LongestDeadline::get()))
    }
}
