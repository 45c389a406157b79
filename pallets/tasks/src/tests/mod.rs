//! One file for each call or topic.

mod commitments;
mod dispute;
mod expire;
mod forget;
mod invariants;
mod quote;
mod raise_fee;
mod retract;
mod seeds;
mod settle;
mod solve;
mod submit;
mod sweep;
mod transitions;
mod unplaced;

use crate::{
    mock::*, BlockSeed, BlockSeeds, Counts, Error, Escrow, Event, Inputs, LastTask, Outputs, TaskCounts,
    Tasks as TaskMap,
};
use assay_traits::{Payload, TaskBook, TaskState};
use assay_types::{Balance, Cid, TaskId};
use frame_support::{assert_noop, assert_ok};

/// Deposit for the payload `hello` in units.
const HELLO_DEPOSIT: Balance = 5 * 2;
