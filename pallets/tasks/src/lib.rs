//! # Tasks
//!
//! The task state machine and its escrow.
//!
//! Somebody asks a model for work and locks a fee: a *task*. It is open until a solution is revealed or its deadline
//! passes, solved while the solution can be contested, and then ends in one of four ways:
//!
//! ```text
//!  submit -> Open --- solve ---> Solved --- settle ---> Settled
//!             |  \                  |                      ^
//!             |   \-- retract --> Retracted                |
//!             |                     v                      |
//!             \----- expire ----> Expired      Disputed ---+---> Refunded
//! ```
//!
//! (Solved becomes Disputed when the solution is contested.) One function, [`Pallet::transition`], moves a task from one
//! state to another. Deadlines are fixed in the task when it is submitted and checked by whoever calls; a sweeper in
//! `on_idle` ends and forgets what nobody calls for.
//!
//! **Money.** The fee is held of the submitter under [`HoldReason::Fee`] until the task ends, then paid out: to the
//! model's recipient, the treasury, the solver and its delegators when it is settled, back when it is not. Under
//! [`HoldReason::Deposit`] a deposit is held for every byte of parameters and input until the task ends, and one for
//! the record until that is forgotten. What an account cannot take goes to the treasury, and what the treasury cannot
//! take is burned.
//!
//! **Payloads** live in [`Inputs`] and [`Outputs`] until the task ends; then only their content ids remain. The output is
//! paid for by its solver, by the length of the transaction that reveals it.
//!
//! **Seeds.** The seed of a task's run derives from the verifiable randomness of the author of the block that included it
//! (see [`assay_types::protocol::seed`]). It is recorded in [`BlockSeeds`] one block later and kept until the last task
//! of that block ends. Nobody but that author knows it before the block is made.
//!
//! Other pallets use it through [`assay_traits::TaskBook`].

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::{BlockSeed, ParameterBytes, TaskCounts, TaskInput, TaskRecord};
pub use weights::WeightInfo;

/// The pallet itself.
// What FRAME's macros generate here uses `expect`; what is written here does not.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_math::split_fee;
    use assay_traits::{
        BlockVrf, Delegators, ModelRegistry, OnTaskSettled, Payload, Settlement, TaskState, WorkRewards,
    };
    use assay_types::{protocol, Balance, BlockNumber, Cid, ModelId, TaskId};
    use frame_support::{pallet_prelude::*, traits::fungible, weights::WeightMeter};
    use frame_system::pallet_prelude::*;
    use sp_runtime::{traits::BlockNumberProvider, Percent};

    /// The first storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Part of the fee that a retraction costs: solvers may have begun to work.
    pub const RETRACTION_CHARGE: Percent = Percent::from_percent(10);

    /// What the pallet asks of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Weights of the calls, the hooks and the sweeper.
        type WeightInfo: WeightInfo;

        /// The native currency.
        type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
            + fungible::hold::Mutate<Self::AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>;

        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// Tells the height.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// The models that can be asked.
        type Models: ModelRegistry<Self::AccountId>;

        /// What useful work mints.
        type Rewards: WorkRewards<Self::AccountId>;

        /// Those who back a solver and have a part in its fees.
        type Delegators: Delegators<Self::AccountId>;

        /// The randomness of blocks.
        type Vrf: BlockVrf;

        /// Told when a task is settled.
        type OnTaskSettled: OnTaskSettled<Self::AccountId>;

        /// The treasury's account; it also gets what others cannot take.
        type Treasury: Get<Self::AccountId>;

        /// Blocks that a task stays open whose submitter named no deadline.
        type DefaultDeadline: Get<BlockNumber>;

        /// Blocks that a task may stay open at most.
        type LongestDeadline: Get<BlockNumber>;

        /// Blocks after the first reveal in which a solution with an older commitment replaces it.
        type RevealGrace: Get<BlockNumber>;

        /// Blocks after the grace in which a solution may be contested.
        type ContestWindow: Get<BlockNumber>;

        /// Held for the record of a task until it is forgotten, in units of ASY.
        type BaseDeposit: Get<Balance>;

        /// Held for each byte of parameters and input in the state until the task ends, in units of ASY.
        type ByteDeposit: Get<Balance>;

        /// Blocks after its end before anybody may have a task forgotten.
        type Retention: Get<BlockNumber>;

        /// Age in blocks that every commitment to a task must exceed before its owner may retract it.
        type RetractDelay: Get<BlockNumber>;

        /// Longest payload that is kept elsewhere, in bytes.
        #[pallet::constant]
        type MaxExternal: Get<u32>;

        /// Blocks that the sweeper leaves to others before it expires or forgets a task itself.
        #[pallet::constant]
        type SweepDelay: Get<BlockNumber>;

        /// Tasks that the sweeper looks at in one block at most.
        #[pallet::constant]
        type SweepBatch: Get<u32>;
    }

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Why this pallet holds balance.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The fees of tasks that have not ended.
        Fee,
        /// The deposits for what tasks keep in the state.
        Deposit,
    }

    /// Every task that has not been forgotten.
    #[pallet::storage]
    pub type Tasks<T: Config> = StorageMap<_, Blake2_128Concat, TaskId, TaskRecord<T::AccountId>, OptionQuery>;

    /// Parameters and input of each task that has not ended.
    #[pallet::storage]
    pub type Inputs<T: Config> = StorageMap<_, Blake2_128Concat, TaskId, TaskInput, OptionQuery>;

    /// The standing output of each task that is solved or disputed.
    #[pallet::storage]
    pub type Outputs<T: Config> = StorageMap<_, Blake2_128Concat, TaskId, Payload, OptionQuery>;

    /// Id of the last task that was submitted: the next id is chained to it.
    #[pallet::storage]
    pub type LastTask<T: Config> = StorageValue<_, TaskId, ValueQuery>;

    /// The randomness of each block with tasks that have not ended.
    #[pallet::storage]
    pub type BlockSeeds<T: Config> = StorageMap<_, Twox64Concat, BlockNumber, BlockSeed, OptionQuery>;

    /// Sum of the fees of all tasks that have not ended, in units of ASY.
    #[pallet::storage]
    pub type Escrow<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// How many tasks there are, by what they wait for.
    #[pallet::storage]
    pub type Counts<T: Config> = StorageValue<_, TaskCounts, ValueQuery>;

    /// The task that the sweeper looked at last; none between two rounds.
    #[pallet::storage]
    pub type SweepCursor<T: Config> = StorageValue<_, TaskId, OptionQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A task was submitted.
        Submitted {
            /// Its id.
            task: TaskId,
            /// Who asked.
            submitter: T::AccountId,
            /// The model that is asked.
            model: ModelId,
            /// The fee in escrow, in units of ASY.
            fee: Balance,
            /// Last block in which a first solution may be revealed.
            deadline: BlockNumber,
            /// Content id of the input.
            input: Cid,
        },
        /// The owner of a task added to its fee.
        FeeRaised {
            /// The task.
            task: TaskId,
            /// What was added, in units of ASY.
            amount: Balance,
            /// The fee that is in escrow now, in units of ASY.
            fee: Balance,
        },
        /// The first solution of a task was revealed.
        Solved {
            /// The task.
            task: TaskId,
            /// Content id of the output.
            output: Cid,
            /// The reward that is reserved for it, in units of ASY.
            reward: Balance,
        },
        /// The output of a solved task was replaced by that of an older commitment.
        OutputReplaced {
            /// The task.
            task: TaskId,
            /// Content id of the output that stands now.
            output: Cid,
        },
        /// A task ended: its solver was paid.
        Settled {
            /// The task.
            task: TaskId,
            /// Who was paid.
            solver: T::AccountId,
            /// What everybody received.
            settlement: Settlement,
        },
        /// The solution of a task is contested.
        Disputed {
            /// The task.
            task: TaskId,
        },
        /// A task ended: its solution was contested and did not stand.
        Refunded {
            /// The task.
            task: TaskId,
            /// What its owner got back, in units of ASY.
            refund: Balance,
        },
        /// A task ended: nobody solved it in time.
        Expired {
            /// The task.
            task: TaskId,
            /// What its owner got back, in units of ASY.
            refund: Balance,
        },
        /// A task ended: its owner withdrew it.
        Retracted {
            /// The task.
            task: TaskId,
            /// What its owner got back, in units of ASY.
            refund: Balance,
            /// What the treasury got, in units of ASY.
            charge: Balance,
        },
        /// The record of an ended task was removed.
        Forgotten {
            /// The task.
            task: TaskId,
        },
        /// An account could not take what was due to it, so that it goes to the treasury.
        Refused {
            /// The task.
            task: TaskId,
            /// Who could not take it.
            who: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// The treasury could not take an amount either, so that it was burned.
        Burned {
            /// The task.
            task: TaskId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// The sweeper could not end a task; it will try again in its next round.
        SweepFailed {
            /// The task.
            task: TaskId,
            /// Why.
            error: DispatchError,
        },
    }

    /// Why a call failed.
    #[pallet::error]
    pub enum Error<T> {
        /// There is no such task, or it was forgotten.
        NotFound,
        /// Only the owner of the task may do this.
        NotOwner,
        /// The fee is below the model's flat fee.
        FeeTooLow,
        /// The input is longer than a payload may be that is kept elsewhere.
        InputTooLong,
        /// The output is longer than a payload may be that is kept elsewhere.
        OutputTooLong,
        /// A deadline must leave one block at least.
        DeadlineZero,
        /// The deadline is further away than a task may stay open.
        DeadlineTooLong,
        /// The amount is zero.
        ZeroAmount,
        /// The task is not open.
        NotOpen,
        /// The deadline of the task has passed.
        DeadlinePassed,
        /// The deadline of the task has not passed yet.
        DeadlineNotPassed,
        /// A solver committed to the task so recently that it may not be retracted.
        CommitmentTooRecent,
        /// The task is not solved.
        NotSolved,
        /// The task is not disputed.
        NotDisputed,
        /// The task has not ended.
        NotEnded,
        /// Commitments to the task have been neither withdrawn nor forfeited yet.
        CommitmentsOutstanding,
        /// The task ended so recently that only its owner may have it forgotten.
        StillRetained,
        /// A task does not move from this state to that.
        IllegalTransition,
        /// An amount does not fit its type.
        Overflow,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            Self::record_randomness()
        }

        fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
            let mut meter = WeightMeter::with_limit(remaining);
            Self::sweep(&mut meter);
            meter.consumed()
        }

        // A wrong constant must stop the build of a runtime, so this check may panic: it runs in tests only.
        #[allow(clippy::panic)]
        fn integrity_test() {
            assert!(T::SweepBatch::get() > 0, "SweepBatch is zero: the sweeper would never take a step");
            assert!(
                T::MaxExternal::get() >= assay_types::MAX_INLINE,
                "MaxExternal is below what may be kept in the state"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Asks a model for work.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by whoever asks and pays; the *owner* of the task from then on.
        ///
        /// ## Details
        ///
        /// Holds `fee` and the deposits of the sender's balance. `parameters` are an encoded
        /// [`assay_types::inference::Parameters`], `input` is the payload or, where it is too long for the state, its
        /// content id and length. `deadline` is in blocks from now, [`Config::DefaultDeadline`] when it is not given: the
        /// task can be solved in that many blocks after this one. All other periods, and the model's terms, are fixed as
        /// they are now.
        ///
        /// ## Errors
        ///
        /// - [`Error::DeadlineZero`], [`Error::DeadlineTooLong`]: `deadline` is not from 1 to
        ///   [`Config::LongestDeadline`].
        /// - [`Error::InputTooLong`]: `input` is kept elsewhere and longer than [`Config::MaxExternal`].
        /// - [`Error::FeeTooLow`]: `fee` is below the model's flat fee.
        /// - The registry's, when the model is unknown or retired.
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::Submitted`].
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::submit(input.stored_bytes()))]
        pub fn submit(
            origin: OriginFor<T>,
            model: ModelId,
            parameters: ParameterBytes,
            input: Payload,
            fee: Balance,
            deadline: Option<BlockNumber>,
        ) -> DispatchResult {
            let submitter = ensure_signed(origin)?;
            let blocks = match deadline {
                Some(blocks) => {
                    ensure!(blocks > 0, Error::<T>::DeadlineZero);
                    ensure!(blocks <= T::LongestDeadline::get(), Error::<T>::DeadlineTooLong);
                    blocks
                }
                None => T::DefaultDeadline::get(),
            };
            ensure!(Self::fits(&input), Error::<T>::InputTooLong);
            let terms = T::Models::terms(&model)?;
            ensure!(fee >= terms.fee, Error::<T>::FeeTooLow);

            let now = T::BlockNumberProvider::current_block_number();
            let deadline = now.saturating_add(blocks);
            let bytes = Balance::from(input.stored_bytes()).saturating_add(parameters.len() as Balance);
            let base_deposit = T::BaseDeposit::get();
            let byte_deposit = T::ByteDeposit::get().checked_mul(bytes).ok_or(Error::<T>::Overflow)?;
            let deposit = base_deposit.checked_add(byte_deposit).ok_or(Error::<T>::Overflow)?;
            Self::hold(HoldReason::Fee, &submitter, fee)?;
            Self::hold(HoldReason::Deposit, &submitter, deposit)?;

            let input_cid = input.cid();
            let task = protocol::task_id(&LastTask::<T>::get(), &submitter, &model, &parameters, &input_cid);
            LastTask::<T>::put(task);
            Inputs::<T>::insert(task, TaskInput { parameters, payload: input });
            BlockSeeds::<T>::mutate(now, |seed| {
                let seed = seed.get_or_insert_with(BlockSeed::default);
                seed.tasks = seed.tasks.saturating_add(1);
            });
            Escrow::<T>::mutate(|escrow| *escrow = escrow.saturating_add(fee));
            Counts::<T>::mutate(|counts| counts.add(TaskState::Open));
            Tasks::<T>::insert(
                task,
                TaskRecord {
                    state: TaskState::Open,
                    submitter: submitter.clone(),
                    model,
                    terms,
                    input: input_cid,
                    output: None,
                    solver: None,
                    fee,
                    reward: 0,
                    base_deposit,
                    byte_deposit,
                    submitted_at: now,
                    deadline,
                    reveal_grace: T::RevealGrace::get(),
                    contest_window: T::ContestWindow::get(),
                    retract_delay: T::RetractDelay::get(),
                    retention: T::Retention::get(),
                    ended_at: None,
                    commitments: 0,
                    last_commitment_at: 0,
                },
            );
            Self::deposit_event(Event::Submitted { task, submitter, model, fee, deadline, input: input_cid });
            Ok(())
        }

        /// Adds to the fee of an open task, so that it becomes more attractive to solvers.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the owner of the task.
        ///
        /// ## Details
        ///
        /// Holds `amount` more of the owner's balance. The model's flat fee stays the same.
        ///
        /// ## Errors
        ///
        /// - [`Error::ZeroAmount`]: `amount` is zero.
        /// - [`Error::NotFound`], [`Error::NotOwner`], [`Error::NotOpen`], [`Error::DeadlinePassed`].
        /// - [`Error::Overflow`]: the fee would not fit its type.
        /// - The currency's, when the owner's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::FeeRaised`].
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::raise_fee())]
        pub fn raise_fee(origin: OriginFor<T>, task: TaskId, amount: Balance) -> DispatchResult {
            let who = ensure_signed(origin)?;
            ensure!(amount > 0, Error::<T>::ZeroAmount);
            let mut record = Self::owned(&task, &who)?;
            Self::ensure_open_in_time(&record)?;
            let fee = record.fee.checked_add(amount).ok_or(Error::<T>::Overflow)?;
            Self::hold(HoldReason::Fee, &who, amount)?;
            record.fee = fee;
            Escrow::<T>::mutate(|escrow| *escrow = escrow.saturating_add(amount));
            Tasks::<T>::insert(task, record);
            Self::deposit_event(Event::FeeRaised { task, amount, fee });
            Ok(())
        }

        /// Ends a task that nobody solved in time.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by anyone.
        ///
        /// ## Details
        ///
        /// The owner gets the fee and the deposit for the payloads back. Commitments that were never opened lose what is
        /// held for them. The sweeper does the same [`Config::SweepDelay`] blocks after the deadline.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::NotOpen`].
        /// - [`Error::DeadlineNotPassed`]: the task may still be solved in this block.
        ///
        /// ## Events
        ///
        /// - [`Event::Expired`].
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::expire())]
        pub fn expire(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
            ensure_signed(origin)?;
            let record = Tasks::<T>::get(task).ok_or(Error::<T>::NotFound)?;
            ensure!(record.state == TaskState::Open, Error::<T>::NotOpen);
            let now = T::BlockNumberProvider::current_block_number();
            ensure!(now > record.deadline, Error::<T>::DeadlineNotPassed);
            Self::do_expire(task, record)
        }

        /// Withdraws an open task.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the owner of the task.
        ///
        /// ## Details
        ///
        /// Whoever committed had time to reveal: the youngest commitment must be more than [`Config::RetractDelay`]
        /// blocks old. The owner gets the fee less [`RETRACTION_CHARGE`], which goes to the treasury, and the deposit for
        /// the payloads. After the deadline the task can only expire, which costs nothing.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::NotOwner`], [`Error::NotOpen`], [`Error::DeadlinePassed`].
        /// - [`Error::CommitmentTooRecent`]: a commitment is not old enough.
        ///
        /// ## Events
        ///
        /// - [`Event::Retracted`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::retract())]
        pub fn retract(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let mut record = Self::owned(&task, &who)?;
            Self::ensure_open_in_time(&record)?;
            let now = T::BlockNumberProvider::current_block_number();
            ensure!(
                record.commitments == 0 || now.saturating_sub(record.last_commitment_at) > record.retract_delay,
                Error::<T>::CommitmentTooRecent
            );
            let charge = RETRACTION_CHARGE.mul_floor(record.fee);
            let refund = record.fee.saturating_sub(charge);
            let charge = Self::pay(&task, HoldReason::Fee, &who, &T::Treasury::get(), charge).arrived;
            let refund = Self::give_back(&task, HoldReason::Fee, &who, refund);
            Self::transition(&task, &mut record, TaskState::Retracted)?;
            Tasks::<T>::insert(task, record);
            Self::deposit_event(Event::Retracted { task, refund, charge });
            Ok(())
        }

        /// Removes the record of an ended task.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the owner of the task, or by anyone once it ended more than [`Config::Retention`] blocks ago.
        ///
        /// ## Details
        ///
        /// The owner gets the deposit for the record back. The sweeper does the same [`Config::SweepDelay`] blocks after
        /// anyone might.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::NotEnded`].
        /// - [`Error::CommitmentsOutstanding`]: what is held for commitments must be withdrawn or forfeited first.
        /// - [`Error::StillRetained`]: the sender is not the owner, and the task ended too recently.
        ///
        /// ## Events
        ///
        /// - [`Event::Forgotten`].
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::forget())]
        pub fn forget(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let record = Tasks::<T>::get(task).ok_or(Error::<T>::NotFound)?;
            let ended_at = record.ended_at.ok_or(Error::<T>::NotEnded)?;
            ensure!(record.commitments == 0, Error::<T>::CommitmentsOutstanding);
            let now = T::BlockNumberProvider::current_block_number();
            ensure!(
                who == record.submitter || now > ended_at.saturating_add(record.retention),
                Error::<T>::StillRetained
            );
            Self::do_forget(task, record);
            Ok(())
        }
    }

    impl<T: Config> Pallet<T> {
        /// The reward that would be reserved for a solution revealed now, for a task with this fee; `None` if the model
        /// takes no tasks, or none for so little.
        pub fn quote(model: &ModelId, fee: Balance) -> Option<Balance> {
            let terms = T::Models::terms(model).ok().filter(|terms| fee >= terms.fee)?;
            Some(T::Rewards::quote(terms.rate, split_fee(fee, terms.fee).treasury))
        }
    }
}
