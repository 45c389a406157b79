//! One file for each call or topic.

mod claim;
mod commit;
mod contested;
mod forfeit_commitment;
mod invariants;
mod replace;
mod reveal;
mod stake;
mod sweep;
mod unplaced;
mod withdraw_commitment;

use crate::{mock::*, CommitmentRecord, Commitments, Error, Event, Solution, Solutions as SolutionMap};
use assay_traits::{
    mock::{MockModels, MockStake, MockTasks},
    Payload, TaskBook, TaskState,
};
use assay_types::{Cid, Hash, TaskId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

/// A task that nobody submitted.
const UNKNOWN: TaskId = TaskId::repeat_byte(9);
