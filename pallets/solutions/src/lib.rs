//! # Solutions
//!
//! Commit, reveal and claim: how a solver answers a task.
//!
//! A solver first *commits* to a result, a hash bound to the chain, the task and the solver, and *reveals* it in a later
//! block: so nobody can copy an answer that is public. The first reveal solves the task. For a few blocks, the *grace*, a
//! reveal with an older commitment replaces it, so that whoever was faster is paid even if another's reveal was included
//! first. Then the solution can be contested for some time, and if it still stands anybody may *claim* the payment for
//! its solver.
//!
//! **Money.** Under [`HoldReason::Commitment`] a small amount is held for each commitment. It is given back at the reveal,
//! or when the task ended without it; it is forfeited to the treasury when the task expired, because then whoever
//! committed and did not reveal kept others from trying. While a solution stands, a stake of its solver's bond is
//! pledged to it: four times what it earns, and at least [`Config::MinimumStake`].
//!
//! Every period is fixed in the task. A sweeper in `on_idle` claims, gives back and forfeits what nobody calls for.

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
pub use types::{CommitmentRecord, Solution};
pub use weights::WeightInfo;

/// The pallet itself.
// What FRAME's macros generate here uses `expect`; what is written here does not.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_traits::{ModelRegistry, OnSolutionRevealed, Payload, SolverStake, TaskBook, TaskState};
    use assay_types::{protocol, Balance, BlockNumber, Cid, Commitment, Hash, Salt, TaskId};
    use frame_support::{pallet_prelude::*, traits::fungible, weights::WeightMeter};
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::{BlockNumberProvider, Zero};

    /// The first storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The stake of a solution in multiples of what it earns. Half of a slashed stake may return to a cheater who
    /// contests himself, so the half that cannot must outweigh the gain.
    pub const STAKE_FACTOR: Balance = 4;

    /// What the pallet asks of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash = Hash> {
        /// Weights of the calls and the sweeper.
        type WeightInfo: WeightInfo;

        /// The native currency.
        type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
            + fungible::hold::Mutate<Self::AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>;

        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// Tells the height.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// The tasks that are answered.
        type Tasks: TaskBook<Self::AccountId>;

        /// The models, and who serves them.
        type Models: ModelRegistry<Self::AccountId>;

        /// The stake of solvers.
        type Stake: SolverStake<Self::AccountId>;

        /// Told when a solution was revealed.
        type OnSolutionRevealed: OnSolutionRevealed<Self::AccountId>;

        /// The treasury's account; it gets what is forfeited, and what others cannot take.
        type Treasury: Get<Self::AccountId>;

        /// Held for a commitment, in units of ASY.
        type CommitmentDeposit: Get<Balance>;

        /// The least stake of a solution, in units of ASY.
        type MinimumStake: Get<Balance>;

        /// Blocks that the sweeper leaves to others before it claims, gives back or forfeits itself.
        #[pallet::constant]
        type SweepDelay: Get<BlockNumber>;

        /// Solutions, and as many commitments, that the sweeper looks at in one block at most.
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
        /// A commitment that has not been revealed.
        Commitment,
    }

    /// Commitments that have not been revealed, withdrawn or forfeited, by task and solver.
    #[pallet::storage]
    pub type Commitments<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, TaskId, Blake2_128Concat, T::AccountId, CommitmentRecord, OptionQuery>;

    /// The solution that stands for each task that is solved or disputed.
    #[pallet::storage]
    pub type Solutions<T: Config> = StorageMap<_, Blake2_128Concat, TaskId, Solution<T::AccountId>, OptionQuery>;

    /// The solution that the sweeper looked at last; none between two rounds.
    #[pallet::storage]
    pub type SolutionCursor<T: Config> = StorageValue<_, TaskId, OptionQuery>;

    /// The commitment that the sweeper looked at last; none between two rounds.
    #[pallet::storage]
    pub type CommitmentCursor<T: Config> = StorageValue<_, (TaskId, T::AccountId), OptionQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A solver committed to a result.
        Committed {
            /// The task.
            task: TaskId,
            /// Who committed.
            solver: T::AccountId,
            /// The hash of the result.
            commitment: Commitment,
        },
        /// A solution was revealed and stands.
        Revealed {
            /// The task.
            task: TaskId,
            /// Who solved it.
            solver: T::AccountId,
            /// Content id of the output.
            output: Cid,
            /// Whose solution it replaced.
            replaced: Option<T::AccountId>,
        },
        /// A solution stood until the end and its solver was paid.
        Claimed {
            /// The task.
            task: TaskId,
            /// Who was paid.
            solver: T::AccountId,
        },
        /// A solution was contested and did not stand.
        Struck {
            /// The task.
            task: TaskId,
            /// Who had solved it.
            solver: T::AccountId,
        },
        /// What was held for a commitment was given back.
        CommitmentWithdrawn {
            /// The task.
            task: TaskId,
            /// Whose commitment.
            solver: T::AccountId,
            /// How much, in units of ASY.
            deposit: Balance,
        },
        /// What was held for a commitment went to the treasury.
        CommitmentForfeited {
            /// The task.
            task: TaskId,
            /// Whose commitment.
            solver: T::AccountId,
            /// How much, in units of ASY.
            deposit: Balance,
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
        /// The treasury could not take an amount, so that it was burned.
        Burned {
            /// The task.
            task: TaskId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// The sweeper could not claim a solution; it will try again in its next round.
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
        /// The solver has not declared that it serves the task's model.
        NotServing,
        /// The solver has committed to the task already.
        AlreadyCommitted,
        /// The solver has no commitment to the task.
        NotCommitted,
        /// A commitment cannot be revealed in its own block.
        RevealTooEarly,
        /// The commitment is to something else.
        CommitmentMismatch,
        /// The deadline of the task has passed.
        DeadlinePassed,
        /// The task is solved, and too long for another solution to replace that one.
        GraceOver,
        /// The task is solved, and the commitment is not older than that of the solution that stands.
        NotOlder,
        /// The task takes no solution: it is contested or has ended.
        NotOpen,
        /// The task is not solved.
        NotSolved,
        /// The task is settled already.
        AlreadySettled,
        /// The solution may still be replaced or contested.
        ClaimTooEarly,
        /// The task is open: the commitment can still be revealed.
        TaskOpen,
        /// The task is solved, but the commitment may still replace that solution.
        GraceNotOver,
        /// The task expired: what is held for the commitment is forfeited.
        Forfeited,
        /// The task has not expired, so that nothing is forfeited.
        NotExpired,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
            let mut meter = WeightMeter::with_limit(remaining);
            Self::sweep(&mut meter);
            meter.consumed()
        }

        // A wrong constant must stop the build of a runtime, so this check may panic: it runs in tests only.
        #[allow(clippy::panic)]
        fn integrity_test() {
            assert!(T::SweepBatch::get() > 0, "SweepBatch is zero: the sweeper would never take a step");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Commits the sender to a result without showing it.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a solver whose bond makes it eligible and who has declared that it serves the task's model.
        ///
        /// ## Details
        ///
        /// `commitment` is [`assay_types::protocol::commitment`]. [`Config::CommitmentDeposit`] is held of the sender
        /// until the commitment is revealed, withdrawn or forfeited. A commitment cannot be changed.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::NotServing`], [`Error::AlreadyCommitted`].
        /// - The stake's, when the sender is not eligible.
        /// - The tasks', when the task is not open or its deadline has passed.
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::Committed`].
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::commit())]
        pub fn commit(origin: OriginFor<T>, task: TaskId, commitment: Commitment) -> DispatchResult {
            let solver = ensure_signed(origin)?;
            let view = T::Tasks::view(&task).ok_or(Error::<T>::NotFound)?;
            T::Stake::ensure_eligible(&solver)?;
            ensure!(T::Models::serves(&view.model, &solver), Error::<T>::NotServing);
            ensure!(!Commitments::<T>::contains_key(task, &solver), Error::<T>::AlreadyCommitted);
            let deposit = T::CommitmentDeposit::get();
            Self::hold(&solver, deposit)?;
            T::Tasks::note_commitment(&task)?;
            let committed_at = T::BlockNumberProvider::current_block_number();
            Commitments::<T>::insert(task, &solver, CommitmentRecord { commitment, committed_at, deposit });
            Self::deposit_event(Event::Committed { task, solver, commitment });
            Ok(())
        }

        /// Shows the result to which the sender committed.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a solver with a commitment to the task from an earlier block.
        ///
        /// ## Details
        ///
        /// Solves the task if it is open and its deadline has not passed. If it is solved already, replaces the solution
        /// that stands, within the grace after the first reveal and if the commitment is in an older block; in the same
        /// block, the first reveal stands. The sender's commitment is gone and what was held for it is given back; a stake
        /// of four times fee and reward, at least [`Config::MinimumStake`], is pledged of its bond, and that of the
        /// replaced solver is free again.
        ///
        /// `trace_seal` is [`assay_types::protocol::trace_seal`]; the trace is opened only in a dispute.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotCommitted`], [`Error::RevealTooEarly`], [`Error::CommitmentMismatch`], [`Error::NotFound`].
        /// - [`Error::DeadlinePassed`]: the task is open, but too late.
        /// - [`Error::GraceOver`], [`Error::NotOlder`]: the task is solved, and this does not replace the solution.
        /// - [`Error::NotOpen`]: the task is contested or has ended.
        /// - The tasks', when the output is too long.
        /// - The stake's, when too little of the sender's bond is free.
        ///
        /// ## Events
        ///
        /// - [`Event::Revealed`].
        #[pallet::call_index(1)]
        #[pallet::weight(
            T::WeightInfo::reveal(output.stored_bytes()).saturating_add(T::OnSolutionRevealed::weight())
        )]
        pub fn reveal(
            origin: OriginFor<T>,
            task: TaskId,
            salt: Salt,
            trace_seal: Hash,
            output: Payload,
        ) -> DispatchResult {
            let solver = ensure_signed(origin)?;
            let record = Commitments::<T>::get(task, &solver).ok_or(Error::<T>::NotCommitted)?;
            let now = T::BlockNumberProvider::current_block_number();
            ensure!(now > record.committed_at, Error::<T>::RevealTooEarly);
            let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
            let output_cid = output.cid();
            ensure!(
                record.commitment == protocol::commitment(&genesis, &task, &solver, &output_cid, &trace_seal, &salt),
                Error::<T>::CommitmentMismatch
            );
            let view = T::Tasks::view(&task).ok_or(Error::<T>::NotFound)?;
            let standing = match view.state {
                TaskState::Open => {
                    ensure!(now <= view.deadline, Error::<T>::DeadlinePassed);
                    None
                }
                TaskState::Solved => {
                    let standing = Solutions::<T>::get(task).ok_or(Error::<T>::NotOpen)?;
                    ensure!(!Self::grace_is_over(&view, &standing), Error::<T>::GraceOver);
                    ensure!(record.committed_at < standing.committed_at, Error::<T>::NotOlder);
                    Some(standing)
                }
                _ => return Err(Error::<T>::NotOpen.into()),
            };

            T::Tasks::solve(&task, output)?;
            // The reward is fixed by the first reveal, so it is known only now.
            let earned = T::Tasks::view(&task).ok_or(Error::<T>::NotFound)?;
            let stake = Self::stake_for(earned.fee, earned.reward);
            T::Stake::pledge(&solver, stake)?;
            let first_revealed_at = standing.as_ref().map_or(now, |standing| standing.first_revealed_at);
            let replaced = standing.map(|standing| {
                T::Stake::release(&standing.solver, standing.stake);
                standing.solver
            });
            Self::drop_commitment(&task, &solver);
            Self::give_back(&task, &solver, record.deposit);
            Solutions::<T>::insert(
                task,
                Solution {
                    solver: solver.clone(),
                    committed_at: record.committed_at,
                    revealed_at: now,
                    first_revealed_at,
                    output: output_cid,
                    trace_seal,
                    stake,
                },
            );
            T::OnSolutionRevealed::on_solution_revealed(&task, &view.model, &solver);
            Self::deposit_event(Event::Revealed { task, solver, output: output_cid, replaced });
            Ok(())
        }

        /// Has the solver of a task paid whose solution stood until the end.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by anyone.
        ///
        /// ## Details
        ///
        /// Possible once grace and contest window are over. The fee is split, the reserved reward is minted and split, and
        /// the solver's stake is free again. The sweeper does the same [`Config::SweepDelay`] blocks after anyone might.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::NotSolved`], [`Error::AlreadySettled`].
        /// - [`Error::ClaimTooEarly`]: the solution may still be replaced or contested.
        ///
        /// ## Events
        ///
        /// - [`Event::Claimed`].
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::claim().saturating_add(T::Tasks::settled_news_weight()))]
        pub fn claim(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
            ensure_signed(origin)?;
            let view = T::Tasks::view(&task).ok_or(Error::<T>::NotFound)?;
            ensure!(view.state != TaskState::Settled, Error::<T>::AlreadySettled);
            ensure!(view.state == TaskState::Solved, Error::<T>::NotSolved);
            let solution = Solutions::<T>::get(task).ok_or(Error::<T>::NotSolved)?;
            let now = T::BlockNumberProvider::current_block_number();
            ensure!(now > Self::last_contest_block(&view, &solution), Error::<T>::ClaimTooEarly);
            Self::do_claim(task, solution)
        }

        /// Gives back what is held of the sender for a commitment that cannot be revealed any more.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the solver who committed.
        ///
        /// ## Details
        ///
        /// Possible once the grace of a solved task is over, or when the task ended in any way but by expiring. The
        /// sweeper does the same [`Config::SweepDelay`] blocks after the end of the task.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotCommitted`].
        /// - [`Error::TaskOpen`], [`Error::GraceNotOver`]: the commitment can still be revealed.
        /// - [`Error::Forfeited`]: the task expired.
        ///
        /// ## Events
        ///
        /// - [`Event::CommitmentWithdrawn`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::withdraw_commitment())]
        pub fn withdraw_commitment(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
            let solver = ensure_signed(origin)?;
            let record = Commitments::<T>::get(task, &solver).ok_or(Error::<T>::NotCommitted)?;
            if let Some(view) = T::Tasks::view(&task) {
                ensure!(view.state != TaskState::Open, Error::<T>::TaskOpen);
                ensure!(view.state != TaskState::Expired, Error::<T>::Forfeited);
                if view.state == TaskState::Solved {
                    let over = Solutions::<T>::get(task).is_none_or(|standing| Self::grace_is_over(&view, &standing));
                    ensure!(over, Error::<T>::GraceNotOver);
                }
            }
            Self::do_withdraw(task, solver, record);
            Ok(())
        }

        /// Sends to the treasury what is held for a commitment that was never revealed though its task expired.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by anyone.
        ///
        /// ## Details
        ///
        /// What the treasury cannot take is burned. The sweeper does the same [`Config::SweepDelay`] blocks after the end
        /// of the task.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotCommitted`], [`Error::NotFound`].
        /// - [`Error::NotExpired`]: the task did not expire, or nobody has ended it yet.
        ///
        /// ## Events
        ///
        /// - [`Event::CommitmentForfeited`].
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::forfeit_commitment())]
        pub fn forfeit_commitment(origin: OriginFor<T>, task: TaskId, solver: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            let record = Commitments::<T>::get(task, &solver).ok_or(Error::<T>::NotCommitted)?;
            let view = T::Tasks::view(&task).ok_or(Error::<T>::NotFound)?;
            ensure!(view.state == TaskState::Expired, Error::<T>::NotExpired);
            Self::do_forfeit(task, solver, record);
            Ok(())
        }
    }
}
