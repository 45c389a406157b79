//! What can go wrong, as JSON-RPC tells it.

use assay_types::{BlockNumber, Cid, Hash, ModelId, TaskId, Tenure};
use jsonrpsee::types::{ErrorCode, ErrorObjectOwned};
use serde_json::{json, Value};
use thiserror::Error;

/// Why a question has no answer, or a subscription has ended. Codes are those of [`Error::code`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// A parameter cannot be read.
    #[error("{parameter}: {problem}")]
    Invalid {
        /// Which.
        parameter: &'static str,
        /// What is wrong with it, with its value.
        problem: String,
    },
    /// This node has no such block.
    #[error("no block {0:?} is known here")]
    UnknownBlock(Hash),
    /// This node has dropped the state of the block.
    #[error("the state of block {0:?} is not kept here: ask at a newer block, or a node with --state-pruning archive")]
    Pruned(Hash),
    /// The block's runtime is from before these methods.
    #[error(
        "the runtime of block {block:?} (spec version {spec}) has version {version} of AssayApi, this method \
         needs 2: ask at a block with a newer runtime"
    )]
    OldRuntime {
        /// The block.
        block: Hash,
        /// Version of its runtime.
        spec: u32,
        /// Version of its interface; 0 if it has none.
        version: u32,
    },
    /// There is no such task.
    #[error("no task {0:?}: it was never submitted, or has ended and was forgotten")]
    UnknownTask(TaskId),
    /// There is no such model, or it takes no tasks.
    #[error("no model {0:?} that takes tasks")]
    UnknownModel(ModelId),
    /// The fee is below what the model asks.
    #[error("a fee of {fee} is below the model's own fee of {least}, in units of ASY")]
    FeeTooLow {
        /// The fee.
        fee: u128,
        /// The least.
        least: u128,
    },
    /// The task has no such payload in the state.
    #[error("task {task:?} has no {payload} in the chain's state: {reason}")]
    NoPayload {
        /// The task.
        task: TaskId,
        /// Which payload.
        payload: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The payload is in nobody's state that was looked at.
    #[error("no payload {cid} among the {looked_at} tasks that were looked at{}", go_on(.next))]
    PayloadNotFound {
        /// The content id.
        cid: Cid,
        /// How many tasks were looked at.
        looked_at: u32,
        /// Where to go on; `None` if these were all.
        next: Option<TaskId>,
    },
    /// The state has no such election.
    #[error(
        "the state of block {block:?} has no election of tenure {tenure} with all that it depends on: it is drawn two \
         tenures after its commitments, and kept for some tenures after that"
    )]
    NoElection {
        /// The tenure of the election's commitments.
        tenure: Tenure,
        /// The block.
        block: Hash,
    },
    /// A payload's bytes are not what their content id says.
    #[error("the bytes of payload {expected} have content id {found}")]
    WrongBytes {
        /// What was asked for.
        expected: Cid,
        /// What is there.
        found: Cid,
    },
    /// A subscriber does not take what it is told.
    #[error("subscription ended: its notices were not taken within {0} s; subscribe again and read faster")]
    TooSlow(u64),
    /// The chain moved on by more blocks than a subscription follows.
    #[error(
        "subscription ended: block {best} is more than {limit} blocks after block {last}, which is the last one \
         followed (the node is catching up, or finality has stopped); subscribe again later"
    )]
    TooFarBehind {
        /// The best block.
        best: BlockNumber,
        /// The last block that was followed, or is final.
        last: BlockNumber,
        /// How far is followed.
        limit: u32,
    },
    /// The events of a block are not its runtime's.
    #[error("the events of block {0:?} cannot be read by the runtime that made it")]
    ForeignEvents(Hash),
    /// Anything else that the node cannot do.
    #[error("the node cannot answer: {0}")]
    Internal(String),
}

fn go_on(next: &Option<TaskId>) -> &'static str {
    next.map_or("", |_| "; go on with the cursor in data.next")
}

impl Error {
    /// A parameter that is not what it should be.
    pub fn invalid(parameter: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { parameter, problem: problem.into() }
    }

    /// The code in the JSON-RPC error.
    pub fn code(&self) -> i32 {
        match self {
            Self::Invalid { .. } => ErrorCode::InvalidParams.code(),
            Self::UnknownTask(_) => 10_001,
            Self::UnknownModel(_) => 10_002,
            Self::FeeTooLow { .. } => 10_003,
            Self::NoPayload { .. } => 10_004,
            Self::PayloadNotFound { .. } => 10_005,
            Self::NoElection { .. } => 10_006,
            Self::UnknownBlock(_) => 10_010,
            Self::Pruned(_) => 10_011,
            Self::OldRuntime { .. } => 10_012,
            Self::TooSlow(_) => 10_020,
            Self::TooFarBehind { .. } => 10_021,
            Self::WrongBytes { .. } | Self::ForeignEvents(_) | Self::Internal(_) => ErrorCode::InternalError.code(),
        }
    }

    fn data(&self) -> Option<Value> {
        match self {
            Self::PayloadNotFound { next: Some(next), .. } => Some(json!({ "next": next })),
            _ => None,
        }
    }
}

impl From<Error> for ErrorObjectOwned {
    fn from(error: Error) -> Self {
        Self::owned(error.code(), error.to_string(), error.data())
    }
}

impl From<sp_blockchain::Error> for Error {
    fn from(error: sp_blockchain::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_was_cut_short_says_where_to_go_on() {
        let cid = Cid::of(b"x");
        let error = |next| ErrorObjectOwned::from(Error::PayloadNotFound { cid, looked_at: 7, next });
        let done = error(None);
        assert_eq!(done.message(), format!("no payload {cid} among the 7 tasks that were looked at"));
        assert!(done.data().is_none());
        let more = error(Some(TaskId::repeat_byte(1)));
        assert!(more.message().ends_with("go on with the cursor in data.next"));
        let data: Value = serde_json::from_str(more.data().expect("there is more").get()).expect("it is JSON");
        assert_eq!(data, json!({ "next": format!("{:?}", TaskId::repeat_byte(1)) }));
    }
}
