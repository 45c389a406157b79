//! What a node may ask of the runtime about Assay itself: tasks and what happened to them, models and who serves them,
//! what a task would cost and earn, and where the emission stands.
//!
//! The interface is versioned: a caller asks for the version first, and a later version only adds. Version 1 has
//! [`AssayApi::task`] and [`AssayApi::quote`]; version 2 has everything.
//!
//! Every answer is bounded: lists come in pages of at most [`MAX_PAGE`] entries, and whatever searches looks at no more
//! than [`MAX_SCAN`] entries in one call.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod changes;
mod elections;
mod market;
mod tasks;

pub use changes::{Change, TaskChange};
pub use elections::*;
pub use market::{Demand, FeeEstimate, ModelSummary, Schedule, SolverSummary, Supply, Tier};
pub use tasks::{DisputeSummary, PayloadKind, PayloadSummary, TaskFilter, TaskInfo, TaskSummary};

use alloc::vec::Vec;
use assay_traits::{Payload, TaskView};
use assay_types::{Balance, BlockNumber, BlockRandomness, Cid, Hash, ModelId, TaskId};
use codec::{Codec, Decode, Encode};
use scale_info::TypeInfo;

/// Most entries of one page.
pub const MAX_PAGE: u32 = 100;
/// Most entries that one call looks at in search of something.
pub const MAX_SCAN: u32 = 4_096;

/// A part of a list. Lists have no order that means anything: entries come by the hash of their key, and one that is
/// added meanwhile may be missed. Whoever wants a list of one moment asks for all its pages at one block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Page<Item, Key> {
    /// What fits the question, at most as many as were asked for.
    pub items: Vec<Item>,
    /// Entries that were looked at, at most [`MAX_SCAN`].
    pub looked_at: u32,
    /// Key of the last entry that was looked at, after which the next page begins; `None` where the list ends.
    pub next: Option<Key>,
}

/// What the chain knows of a task, its payloads included. What is dropped when a task ends (payloads, randomness, the
/// standing solution) is
/// `None` from then on; the content ids and the solver stay until the task is forgotten. What a settlement paid is not
/// kept: the event `Tasks::Settled` tells it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct TaskDetails<AccountId> {
    /// State, owner, model, money and times: `pallet_tasks::Tasks`, by `TaskRecord::view`.
    pub view: TaskView<AccountId>,
    /// The model's own part of the fee, in units of ASY: `pallet_tasks::Tasks`, of the model's terms.
    pub model_fee: Balance,
    /// Encoded parameters of the run: `pallet_tasks::Inputs`.
    pub parameters: Option<Vec<u8>>,
    /// Content id of the input: `pallet_tasks::Tasks`.
    pub input: Cid,
    /// The input: `pallet_tasks::Inputs`.
    pub input_payload: Option<Payload>,
    /// Content id of the standing output: `pallet_tasks::Tasks`.
    pub output: Option<Cid>,
    /// The standing output: `pallet_tasks::Outputs`.
    pub output_payload: Option<Payload>,
    /// VRF output of the author of the task's block, from which the seed derives: `pallet_tasks::BlockSeeds`. `None` in
    /// the task's own block too.
    pub randomness: Option<BlockRandomness>,
    /// The solution that stands: `pallet_solutions::Solutions`.
    pub solution: Option<SolutionSummary<AccountId>>,
    /// Who was paid: `pallet_tasks::Tasks`.
    pub solver: Option<AccountId>,
}

/// The solution that stands for a task.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct SolutionSummary<AccountId> {
    /// Who solved the task.
    pub solver: AccountId,
    /// Block of the solver's commitment.
    pub committed_at: BlockNumber,
    /// Block of its reveal.
    pub revealed_at: BlockNumber,
    /// Block of the first reveal for the task: grace and contest window are counted from it.
    pub first_revealed_at: BlockNumber,
    /// Seal of the trace digest.
    pub trace_seal: Hash,
    /// What is pledged of the solver's bond, in units of ASY.
    pub stake: Balance,
}

sp_api::decl_runtime_apis! {
    /// Questions about tasks, models and money.
    #[api_version(2)]
    pub trait AssayApi<AccountId> where AccountId: Codec {
        /// A task, `None` if it is unknown or forgotten.
        fn task(id: TaskId) -> Option<TaskDetails<AccountId>>;

        /// The reward, in units of ASY, that would be reserved for a solution of a task with this fee if it were
        /// revealed now: `pallet_tasks::Pallet::quote`. `None` if the model takes no tasks, or none for so little.
        fn quote(model: ModelId, fee: Balance) -> Option<Balance>;

        /// Everything the chain knows of a task but the bytes of its payloads; `None` if it is unknown or forgotten.
        /// Since version 2, as all that follows.
        fn task_info(id: TaskId) -> Option<TaskInfo<AccountId>>;

        /// Tasks that fit `filter`, from the one after `after` on, at most `limit` of them.
        fn tasks(
            filter: TaskFilter<AccountId>,
            after: Option<TaskId>,
            limit: u32,
        ) -> Page<TaskSummary<AccountId>, TaskId>;

        /// The next task after `after` in whose state a payload with this content id is, or is said to be elsewhere.
        fn find_payload(cid: Cid, after: Option<TaskId>) -> Page<(TaskId, PayloadKind), TaskId>;

        /// What happened to tasks in a block. To be asked at the **parent** of that block, whose runtime made it, with
        /// the block's encoded `System::Events`; `None` if these are no events of this runtime.
        fn task_changes(events: Vec<u8>) -> Option<Vec<TaskChange<AccountId>>>;

        /// Models, from the one after `after` on, at most `limit` of them.
        fn models(after: Option<ModelId>, limit: u32) -> Page<ModelSummary<AccountId>, ModelId>;

        /// How many open tasks there are for each model, among the first [`MAX_SCAN`] tasks.
        fn demand() -> Demand;

        /// Who has declared to serve a model, from the one after `after` on, at most `limit` of them; `None` if there
        /// is no such model.
        fn solvers(
            model: ModelId,
            after: Option<AccountId>,
            limit: u32,
        ) -> Option<Page<SolverSummary<AccountId>, AccountId>>;

        /// What a task for `model` with this fee and `bytes` bytes of parameters and input in the state would cost and
        /// earn if it were submitted now; `None` if the model takes no tasks.
        fn fee_estimate(model: ModelId, fee: Balance, bytes: u32) -> Option<FeeEstimate>;

        /// Where the emission stands.
        fn supply() -> Supply;

        /// What the emission schedules by a block.
        fn schedule(block: BlockNumber) -> Schedule;
    }
}
