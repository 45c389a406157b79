//! The doors between pallets.
//!
//! Pallets never depend on each other: what one needs of another is a trait here, the runtime joins them, and
//! [`mock`] has a stand-in for each so that a pallet is tested alone. Knowledge flows contestation -> solutions -> tasks
//! -> models; news flows back by the `On...` hooks, whose `()` implementation does nothing and weighs nothing.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "std")]
pub mod mock;

use assay_types::{Balance, BlockNumber, BlockRandomness, Cid, Hash, ModelId, TaskId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::DispatchResult, weights::Weight};
use impl_trait_for_tuples::impl_for_tuples;
use scale_info::TypeInfo;
use sp_runtime::{DispatchError, FixedU128};

/// What a model asks of its users and offers to its solvers, fixed into a task when it is submitted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ModelTerms<AccountId> {
    /// Flat fee per task, in units of ASY; the least fee that a task may offer.
    pub fee: Balance,
    /// Who receives the flat fee.
    pub recipient: AccountId,
    /// Share of the full work reward that this model's tasks earn; 0 mints nothing.
    pub rate: FixedU128,
}

/// Models and who serves them; implemented by `models`.
pub trait ModelRegistry<AccountId> {
    /// The terms of a model that accepts tasks.
    ///
    /// # Errors
    /// The registry's own: the model is unknown, or retired.
    fn terms(model: &ModelId) -> Result<ModelTerms<AccountId>, DispatchError>;

    /// Whether `solver` has declared that it serves `model`.
    fn serves(model: &ModelId, solver: &AccountId) -> bool;

    /// Makes `model` acceptable to [`Self::terms`] at its dearest lookup and `solver` one of its solvers.
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(model: &ModelId, solver: &AccountId);
}

/// The stake of solvers; implemented by `bonds`.
pub trait SolverStake<AccountId> {
    /// Whether `solver` may take on new work: bonded, mature bond of at least the minimum, not chilled.
    ///
    /// # Errors
    /// The stake's own, one for each reason.
    fn ensure_eligible(solver: &AccountId) -> DispatchResult;

    /// Own bond that has matured, in units of ASY.
    fn mature(solver: &AccountId) -> Balance;

    /// Own bond that has matured and what others have delegated to it, in units of ASY.
    fn backing(solver: &AccountId) -> Balance;

    /// Sets `amount` of the solver's own bond aside: it can neither be unbonded nor pledged again until released.
    ///
    /// # Errors
    /// The stake's own, when less than `amount` of the own bond is free.
    fn pledge(solver: &AccountId, amount: Balance) -> DispatchResult;

    /// Frees what was pledged before. Releasing more than is pledged frees what is there.
    fn release(solver: &AccountId, amount: Balance);

    /// Gives `solver` a mature bond of which `amount` can be pledged.
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(solver: &AccountId, amount: Balance);
}

/// What disputes do with the stake of solvers; implemented by `bonds`.
///
/// The *escrow* is one account that keeps what disputes have taken until they have decided whose it is. Whoever takes
/// keeps the books of what is due to whom; the sum of these books is [`Self::escrowed`].
pub trait StakeEscrow<AccountId>: SolverStake<AccountId> {
    /// Moves `amount` of the solver's own bond into the escrow: mature bond that is not pledged.
    ///
    /// # Errors
    /// The stake's own, when less than `amount` is mature and free.
    fn escrow(solver: &AccountId, amount: Balance) -> DispatchResult;

    /// Moves `amount` from the escrow back into the solver's own bond, mature as it was.
    fn restore(solver: &AccountId, amount: Balance);

    /// Ends a pledge of `pledged`: moves `amount` of it, and never more than was pledged, into the escrow and frees the
    /// rest. Returns what moved.
    fn confiscate(solver: &AccountId, pledged: Balance, amount: Balance) -> Balance;

    /// Own bond that answers for a fault in block `fault_at`, in units of ASY: what has matured, and what was unbonded in
    /// that block or later and has not been withdrawn.
    fn liable(solver: &AccountId, fault_at: BlockNumber) -> Balance;

    /// Moves `amount` for a fault in block `fault_at` into the escrow, as far as it is there: from the solver's own bond
    /// that is not pledged, then from what of it was unbonded after the fault, then from its delegators, those who
    /// left after the fault included, pro rata. Returns what moved.
    fn slash(solver: &AccountId, amount: Balance, fault_at: BlockNumber) -> Balance;

    /// Weight of one [`Self::slash`] at worst.
    fn slash_weight() -> Weight;

    /// Pays `amount` from the escrow to `who`, or to the treasury if `who` cannot take it.
    fn award(who: &AccountId, amount: Balance);

    /// Pays `amount` from the escrow to the treasury.
    fn forfeit(amount: Balance);

    /// What is in the escrow.
    fn escrowed() -> Balance;
}

/// Those who back a solver and share what it earns; implemented by `bonds`.
pub trait Delegators<AccountId> {
    /// The part of what `solver` earns that is theirs.
    fn share(solver: &AccountId, earned: Balance) -> Balance;

    /// The account in which it is kept.
    fn account() -> AccountId;

    /// Takes note that `amount` has arrived there for the delegators of `solver`.
    fn credit(solver: &AccountId, amount: Balance);

    /// Gives `solver` delegators who have a part in what it earns.
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(solver: &AccountId);
}

/// The committee, whose members must vote on the models that they have declared.
pub trait Committee<AccountId> {
    /// The members now, each once; at most [`Self::MAX`].
    fn members() -> alloc::vec::Vec<AccountId>;

    /// How many members there may be.
    const MAX: u32;

    /// Makes these the members.
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(members: alloc::vec::Vec<AccountId>);
}

/// A condition under which an account may be elected. A tuple asks for all of its conditions, in their order.
pub trait Qualify<AccountId> {
    /// Whether `who` meets it now.
    fn qualifies(who: &AccountId) -> bool;
}

#[impl_for_tuples(8)]
impl<AccountId> Qualify<AccountId> for Tuple {
    fn qualifies(who: &AccountId) -> bool {
        for_tuples!( #( if !Tuple::qualifies(who) { return false; } )* );
        true
    }
}

/// Those who make blocks and the keys by which they do; implemented by the runtime.
pub trait ValidatorKeys<AccountId> {
    /// The validators of the present session, in their order.
    fn validators() -> alloc::vec::Vec<AccountId>;

    /// [`assay_types::election::keys_hash`] of the session keys that `who` has set; `None` if it has set none.
    fn keys_hash(who: &AccountId) -> Option<Hash>;

    /// Sets keys for `who`, others for each account, and returns their hash.
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(who: &AccountId) -> Hash;
}

/// Where a task is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum TaskState {
    /// Waiting for a solution.
    Open,
    /// A solution was revealed; its contest window has not been settled yet.
    Solved,
    /// The solution is contested.
    Disputed,
    /// Ended: the solver was paid.
    Settled,
    /// Ended: the solution fell and the user was refunded.
    Refunded,
    /// Ended: nobody solved it in time and the user was refunded.
    Expired,
    /// Ended: withdrawn by its owner.
    Retracted,
}

impl TaskState {
    /// Whether the task's life is over: its money has been paid out and its payloads are gone.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Settled | Self::Refunded | Self::Expired | Self::Retracted)
    }

    /// Whether a task may move from `self` to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use TaskState::*;
        matches!(
            (self, next),
            (Open, Solved | Expired | Retracted) | (Solved, Disputed | Settled) | (Disputed, Settled | Refunded)
        )
    }
}

/// What the rest of the chain may know of a task.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TaskView<AccountId> {
    /// Where it is in its life.
    pub state: TaskState,
    /// Who asked and pays.
    pub submitter: AccountId,
    /// The model that is asked.
    pub model: ModelId,
    /// The fee in escrow, in units of ASY.
    pub fee: Balance,
    /// The work reward reserved for its solution; 0 while it is open.
    pub reward: Balance,
    /// Commitments to it that have not been opened, withdrawn or forfeited.
    pub commitments: u32,
    /// Block that included it.
    pub submitted_at: BlockNumber,
    /// Last block in which a first solution may be revealed.
    pub deadline: BlockNumber,
    /// Blocks after the first reveal in which a solution with an older commitment replaces it.
    pub reveal_grace: BlockNumber,
    /// Blocks after the grace in which a solution may be contested.
    pub contest_window: BlockNumber,
    /// Block in which it ended; `None` while it lives.
    pub ended_at: Option<BlockNumber>,
}

/// A payload: in the chain's state while its task lives, or elsewhere under its content id.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Payload {
    /// The bytes themselves; the chain computes their content id.
    Inline(frame_support::BoundedVec<u8, frame_support::traits::ConstU32<{ assay_types::MAX_INLINE }>>),
    /// The content id and the length in bytes of a payload that travels between workers. Beyond 256 KiB it is the id of
    /// the root of a chunk tree, as the standard tools of content addressing make it.
    External {
        /// Content id.
        cid: Cid,
        /// Length in bytes.
        length: u32,
    },
}

impl Payload {
    /// The content id of the payload, computed where its bytes are here.
    pub fn cid(&self) -> Cid {
        match self {
            Self::Inline(bytes) => Cid::of(bytes),
            Self::External { cid, .. } => *cid,
        }
    }

    /// Bytes that the payload takes in the chain's state.
    pub fn stored_bytes(&self) -> u32 {
        match self {
            Self::Inline(bytes) => bytes.len() as u32,
            Self::External { .. } => 0,
        }
    }
}

/// Where every unit went when a task was settled.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Settlement {
    /// How the fee was split.
    pub fee: FeeSplit,
    /// How the minted reward was split.
    pub reward: RewardSplit,
}

/// A fee, split.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct FeeSplit {
    /// The model's flat fee, to its recipient.
    pub model: Balance,
    /// The treasury's part of the remainder.
    pub treasury: Balance,
    /// The solver's own part of the remainder.
    pub solver: Balance,
    /// What of the remainder went to the solver's delegators.
    pub delegators: Balance,
}

/// A minted reward, split.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct RewardSplit {
    /// To the treasury.
    pub treasury: Balance,
    /// To the liquidity pot.
    pub liquidity: Balance,
    /// To the solver itself.
    pub solver: Balance,
    /// To the solver's delegators.
    pub delegators: Balance,
    /// To the validators' pot.
    pub validators: Balance,
    /// To the user who asked.
    pub user: Balance,
}

impl RewardSplit {
    /// Everything that was minted.
    pub fn total(&self) -> Balance {
        [self.treasury, self.liquidity, self.solver, self.delegators, self.validators, self.user]
            .into_iter()
            .fold(0, Balance::saturating_add)
    }
}

/// Tasks, as those who answer them see them; implemented by `tasks`.
pub trait TaskBook<AccountId> {
    /// What is known of a task, ended ones included until they are forgotten.
    fn view(task: &TaskId) -> Option<TaskView<AccountId>>;

    /// Counts a commitment to an open task.
    ///
    /// # Errors
    /// The task is unknown, not open, or past its deadline.
    fn note_commitment(task: &TaskId) -> DispatchResult;

    /// Uncounts a commitment that is gone; a task is not forgotten before its last one is.
    fn drop_commitment(task: &TaskId);

    /// Open -> Solved: stores the output, fixes and reserves the reward. On a solved task, replaces the output only.
    /// The caller has checked who may do so.
    ///
    /// # Errors
    /// The task is unknown, past its deadline while open, or neither open nor solved; or the output is too long.
    fn solve(task: &TaskId, output: Payload) -> DispatchResult;

    /// Solved -> Disputed. The caller has checked that the solution may be contested.
    ///
    /// # Errors
    /// The task is unknown or not solved.
    fn dispute(task: &TaskId) -> DispatchResult;

    /// Disputed -> Refunded: gives fee and deposit back, gives up the reserved reward, drops the payloads.
    ///
    /// # Errors
    /// The task is unknown or not disputed.
    fn refund(task: &TaskId) -> DispatchResult;

    /// Solved or Disputed -> Settled: pays the fee and the reserved reward, gives the deposit back, drops the payloads.
    /// The caller has checked that the contest window is over, or that the solution stood.
    ///
    /// # Errors
    /// The task is unknown, or neither solved nor disputed.
    fn settle(task: &TaskId, solver: &AccountId) -> Result<Settlement, DispatchError>;

    /// Weight, at worst, of telling others of a settlement, on top of what [`Self::settle`] itself takes.
    fn settled_news_weight() -> Weight;

    /// Puts an open task for `model` there whose input and parameters are as large as they may be, and returns its id.
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(submitter: &AccountId, model: &ModelId) -> TaskId;

    /// Expires an open task as if its deadline had passed.
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare_expired(task: &TaskId);
}

/// The solution that stands for a task, as those who contest it see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct StandingSolution<AccountId> {
    /// Who solved the task.
    pub solver: AccountId,
    /// Content id of the output.
    pub output: Cid,
    /// Seal of the trace digest: see [`assay_types::protocol::trace_seal`].
    pub trace_seal: Hash,
    /// What is pledged of the solver's bond, in units of ASY.
    pub stake: Balance,
    /// First block in which it may be contested: before, it may be replaced.
    pub contestable_from: BlockNumber,
    /// Last block in which it may be contested.
    pub contestable_until: BlockNumber,
}

/// Solutions, as those who contest them see them; implemented by `solutions`.
pub trait SolutionBook<AccountId> {
    /// The solution that stands for a task that is solved or disputed.
    fn standing(task: &TaskId) -> Option<StandingSolution<AccountId>>;

    /// The solution stood: pays its solver and frees the stake.
    ///
    /// # Errors
    /// There is no solution, or the tasks' own.
    fn uphold(task: &TaskId) -> DispatchResult;

    /// The solution does not stand: the user is refunded and the solution is gone. Its stake stays pledged: what becomes
    /// of that is the caller's to say.
    ///
    /// # Errors
    /// There is no solution, or the tasks' own.
    fn strike(task: &TaskId) -> DispatchResult;

    /// Puts a solution of `solver` for a task there that may be contested now.
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(solver: &AccountId, model: &ModelId) -> TaskId;
}

/// The work part of the emission; implemented by `emissions`.
pub trait WorkRewards<AccountId> {
    /// What [`Self::reserve`] would reserve now.
    fn quote(rate: FixedU128, sunk_fee: Balance) -> Balance;

    /// Fixes the reward for a solution revealed now and reserves it under the cap. `sunk_fee` is the part of the fee
    /// that cannot come back to whoever pays it.
    fn reserve(rate: FixedU128, sunk_fee: Balance) -> Balance;

    /// Gives up a reservation: the solution fell.
    fn release(reserved: Balance);

    /// Mints a reservation and splits it.
    fn mint(reserved: Balance, solver: &AccountId, user: &AccountId) -> RewardSplit;
}

/// Randomness of blocks, by their authors' verifiable random functions.
pub trait BlockVrf {
    /// Output of the author of the block before this one; `None` if that author had none.
    fn of_parent() -> Option<BlockRandomness>;
}

/// Told when a task was settled.
pub trait OnTaskSettled<AccountId> {
    /// `solver` was paid for `task`.
    fn on_task_settled(task: &TaskId, model: &ModelId, solver: &AccountId, settlement: &Settlement);
    /// Weight of one call at worst.
    fn weight() -> Weight;
}

impl<AccountId> OnTaskSettled<AccountId> for () {
    fn on_task_settled(_: &TaskId, _: &ModelId, _: &AccountId, _: &Settlement) {}
    fn weight() -> Weight {
        Weight::zero()
    }
}

/// Told when a solution was revealed.
pub trait OnSolutionRevealed<AccountId> {
    /// `solver` revealed the solution that now stands for `task`.
    fn on_solution_revealed(task: &TaskId, model: &ModelId, solver: &AccountId);
    /// Weight of one call at worst.
    fn weight() -> Weight;
}

impl<AccountId> OnSolutionRevealed<AccountId> for () {
    fn on_solution_revealed(_: &TaskId, _: &ModelId, _: &AccountId) {}
    fn weight() -> Weight {
        Weight::zero()
    }
}

/// How a dispute ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Verdict {
    /// Another result outweighed that of the solution: the solver loses its stake and the user is refunded.
    Falls,
    /// No other result outweighed it: the solver is paid.
    Stands,
    /// Too few voted: the user is refunded and nobody is slashed who has shown its result.
    Inconclusive,
}

/// Told when a dispute has ended.
pub trait OnDisputeResolved<AccountId> {
    /// The dispute over the solution of `solver` that `contester` had opened ended with `verdict`.
    fn on_dispute_resolved(task: &TaskId, model: &ModelId, solver: &AccountId, contester: &AccountId, verdict: Verdict);
    /// Weight of one call at worst.
    fn weight() -> Weight;
}

impl<AccountId> OnDisputeResolved<AccountId> for () {
    fn on_dispute_resolved(_: &TaskId, _: &ModelId, _: &AccountId, _: &AccountId, _: Verdict) {}
    fn weight() -> Weight {
        Weight::zero()
    }
}

/// Whether the relations between governable parameters hold; implemented by the runtime, which knows them all.
pub trait ParameterRelations {
    /// Checks the values that are in force now.
    ///
    /// # Errors
    /// The name of the first relation that is broken.
    fn check() -> Result<(), &'static str>;
}

#[cfg(test)]
mod tests {
    use super::TaskState::*;

    #[test]
    fn only_the_transitions_of_the_life_of_a_task_are_legal() {
        let states = [Open, Solved, Disputed, Settled, Refunded, Expired, Retracted];
        let legal = [
            (Open, Solved),
            (Open, Expired),
            (Open, Retracted),
            (Solved, Disputed),
            (Solved, Settled),
            (Disputed, Settled),
            (Disputed, Refunded),
        ];
        for from in states {
            for to in states {
                assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from:?} -> {to:?}");
                assert!(!from.has_ended() || !from.may_become(to), "{from:?} is an end");
            }
        }
    }
}
