//! What the pallet stores.

use assay_traits::{ModelTerms, Payload, TaskState, TaskView};
use assay_types::{Balance, BlockNumber, BlockRandomness, Cid, ModelId, MAX_PARAMETERS};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// Encoded [`assay_types::inference::Parameters`]; the chain never decodes them.
pub type ParameterBytes = BoundedVec<u8, ConstU32<MAX_PARAMETERS>>;

/// What stays of a task until it is forgotten: its terms, its times, its money, the hashes of its payloads.
///
/// Every period is fixed when the task is submitted, so that no later change of a parameter moves a deadline that
/// somebody relies on. All periods are in blocks, all amounts in units of ASY.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TaskRecord<AccountId> {
    /// Where it is in its life.
    pub state: TaskState,
    /// Who asked and pays.
    pub submitter: AccountId,
    /// The model that is asked.
    pub model: ModelId,
    /// The model's terms when the task was submitted.
    pub terms: ModelTerms<AccountId>,
    /// Content id of the input.
    pub input: Cid,
    /// Content id of the standing output.
    pub output: Option<Cid>,
    /// Who was paid for the answer.
    pub solver: Option<AccountId>,
    /// The fee: in escrow until the task ends.
    pub fee: Balance,
    /// The work reward that was reserved when the first solution was revealed.
    pub reward: Balance,
    /// Held until the record is forgotten.
    pub base_deposit: Balance,
    /// Held for the payloads until the task ends.
    pub byte_deposit: Balance,
    /// Block that included it.
    pub submitted_at: BlockNumber,
    /// Last block in which a first solution may be revealed.
    pub deadline: BlockNumber,
    /// Blocks after the first reveal in which a solution with an older commitment replaces it.
    pub reveal_grace: BlockNumber,
    /// Blocks after the grace in which a solution may be contested.
    pub contest_window: BlockNumber,
    /// Age that the youngest commitment must exceed before the owner may retract.
    pub retract_delay: BlockNumber,
    /// Blocks after the end before anybody may have the record forgotten.
    pub retention: BlockNumber,
    /// Block in which it ended.
    pub ended_at: Option<BlockNumber>,
    /// Commitments to it that have not been opened, withdrawn or forfeited.
    pub commitments: u32,
    /// Block of the youngest commitment; 0 if there was none.
    pub last_commitment_at: BlockNumber,
}

impl<AccountId: Clone> TaskRecord<AccountId> {
    /// What the rest of the chain may know of it.
    pub fn view(&self) -> TaskView<AccountId> {
        TaskView {
            state: self.state,
            submitter: self.submitter.clone(),
            model: self.model,
            fee: self.fee,
            reward: self.reward,
            commitments: self.commitments,
            submitted_at: self.submitted_at,
            deadline: self.deadline,
            reveal_grace: self.reveal_grace,
            contest_window: self.contest_window,
            ended_at: self.ended_at,
        }
    }
}

/// What a task asks, kept until it ends.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TaskInput {
    /// How the model is to be run.
    pub parameters: ParameterBytes,
    /// What the model is given.
    pub payload: Payload,
}

/// The randomness of a block that took tasks, kept until the last of them ends.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct BlockSeed {
    /// Output of the verifiable random function of the block's author, recorded in the block after.
    pub randomness: Option<BlockRandomness>,
    /// Tasks of the block that have not ended.
    pub tasks: u32,
}

/// How many tasks there are, by what they wait for.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TaskCounts {
    /// Waiting for a solution.
    pub open: u32,
    /// Solved and not settled yet.
    pub solved: u32,
    /// Contested.
    pub disputed: u32,
    /// Ended and not forgotten yet.
    pub ended: u32,
}

impl TaskCounts {
    fn of(&mut self, state: TaskState) -> &mut u32 {
        match state {
            TaskState::Open => &mut self.open,
            TaskState::Solved => &mut self.solved,
            TaskState::Disputed => &mut self.disputed,
            TaskState::Settled | TaskState::Refunded | TaskState::Expired | TaskState::Retracted => &mut self.ended,
        }
    }

    /// Counts one more in `state`.
    pub(crate) fn add(&mut self, state: TaskState) {
        let count = self.of(state);
        *count = count.saturating_add(1);
    }

    /// Counts one less in `state`.
    pub(crate) fn subtract(&mut self, state: TaskState) {
        let count = self.of(state);
        *count = count.saturating_sub(1);
    }
}
