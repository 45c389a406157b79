//! What a node may ask of the runtime about Assay itself: a task with everything that is known of it, and the reward that
//! a task would earn.
//!
//! The interface is versioned: a caller asks for the version first, and a later version only adds.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod elections;

pub use elections::*;

use alloc::vec::Vec;
use assay_traits::{Payload, TaskView};
use assay_types::{Balance, BlockNumber, BlockRandomness, Cid, Hash, ModelId, TaskId};
use codec::{Codec, Decode, Encode};
use scale_info::TypeInfo;

/// Everything the chain knows of a task. What is dropped when a task ends (payloads, randomness, the standing solution) is
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
    /// Questions about tasks.
    #[api_version(1)]
    pub trait AssayApi<AccountId> where AccountId: Codec {
        /// A task, `None` if it is unknown or forgotten.
        fn task(id: TaskId) -> Option<TaskDetails<AccountId>>;

        /// The reward, in units of ASY, that would be reserved for a solution of a task with this fee if it were revealed
        /// now: `pallet_tasks::Pallet::quote`. `None` if the model takes no tasks, or none for so little.
        fn quote(model: ModelId, fee: Balance) -> Option<Balance>;
    }
}
