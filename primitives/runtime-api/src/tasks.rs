//! Tasks, one and many.

use crate::SolutionSummary;
use alloc::vec::Vec;
use assay_traits::{ModelTerms, TaskState, TaskView, Verdict};
use assay_types::{Balance, BlockNumber, BlockRandomness, Cid, ModelId, TaskId};
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Which tasks are wanted: those that have everything that is said here.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct TaskFilter<AccountId> {
    /// Where the task is in its life.
    pub state: Option<TaskState>,
    /// Who asked.
    pub owner: Option<AccountId>,
    /// Whose solution stands, or who was paid.
    pub solver: Option<AccountId>,
    /// The model that is asked.
    pub model: Option<ModelId>,
}

impl<AccountId> Default for TaskFilter<AccountId> {
    fn default() -> Self {
        Self { state: None, owner: None, solver: None, model: None }
    }
}

/// What stays of a task until it is forgotten: `pallet_tasks::Tasks`. Amounts are in units of ASY, times in blocks.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct TaskSummary<AccountId> {
    /// Its id.
    pub id: TaskId,
    /// State, owner, model, fee, reward and times.
    pub view: TaskView<AccountId>,
    /// The model's terms when the task was submitted.
    pub terms: ModelTerms<AccountId>,
    /// Content id of the input.
    pub input: Cid,
    /// Content id of the standing output.
    pub output: Option<Cid>,
    /// Whose solution stands, or who was paid for it.
    pub solver: Option<AccountId>,
    /// Held until the record is forgotten.
    pub base_deposit: Balance,
    /// Held for parameters and input until the task ends.
    pub byte_deposit: Balance,
    /// Age that the youngest commitment must exceed before the owner may retract.
    pub retract_delay: BlockNumber,
    /// Blocks after the end before anybody may have the record forgotten.
    pub retention: BlockNumber,
    /// Block of the youngest commitment; `None` if there was none.
    pub last_commitment_at: Option<BlockNumber>,
}

/// Everything the chain knows of a task but the bytes of its payloads. What is dropped when it ends is `None` from then
/// on.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct TaskInfo<AccountId> {
    /// What stays of it.
    pub summary: TaskSummary<AccountId>,
    /// Encoded parameters of the run: `pallet_tasks::Inputs`.
    pub parameters: Option<Vec<u8>>,
    /// The input: `pallet_tasks::Inputs`.
    pub input: Option<PayloadSummary>,
    /// The standing output: `pallet_tasks::Outputs`.
    pub output: Option<PayloadSummary>,
    /// VRF output of the author of the task's block, from which the seed derives. Known from that block on, unlike that
    /// of [`crate::TaskDetails`].
    pub randomness: Option<BlockRandomness>,
    /// The solution that stands: `pallet_solutions::Solutions`.
    pub solution: Option<SolutionSummary<AccountId>>,
    /// The dispute over it, until nothing of that is left to be paid: `pallet_contestation::Disputes`.
    pub dispute: Option<DisputeSummary<AccountId>>,
}

/// A payload of a task that has not ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct PayloadSummary {
    /// Length in bytes; of a payload that is elsewhere, what its sender said.
    pub length: u32,
    /// Whether the bytes are in the chain's state.
    pub in_state: bool,
}

/// Which payload of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum PayloadKind {
    /// What the model is given.
    #[codec(index = 0)]
    Input,
    /// What the standing solution answers.
    #[codec(index = 1)]
    Output,
}

/// A dispute over the solution of a task.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct DisputeSummary<AccountId> {
    /// Whose solution is contested.
    pub solver: AccountId,
    /// Who contests it.
    pub contester: AccountId,
    /// What is pledged of the bond of either party, in units of ASY.
    pub stake: Balance,
    /// Block in which it was opened.
    pub opened_at: BlockNumber,
    /// Last block in which ballots are taken.
    pub votes_until: BlockNumber,
    /// Last block in which they are opened.
    pub opens_until: BlockNumber,
    /// Ballots of others than the parties that were opened.
    pub ballots_opened: u32,
    /// How it ended; `None` until it is settled.
    pub verdict: Option<Verdict>,
}
