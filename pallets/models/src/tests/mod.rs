//! One file for each call or topic.

mod genesis;
mod governance;
mod register;
mod registry;
mod retire;
mod serve;
mod stop_serving;
mod update;

use crate::{mock::*, Error, Event, ModelRecord, ModelState, Models as Records, ServedCount, Solvers, Tier};
use assay_traits::ModelRegistry;
use assay_types::{protocol, ModelId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{
    traits::{BadOrigin, One, Zero},
    FixedU128, TokenError,
};

/// An id that no model has.
const UNKNOWN: ModelId = ModelId::repeat_byte(0xee);

/// The record of `model`, which must have one.
fn record(model: ModelId) -> ModelRecord<u64> {
    Records::<Test>::get(model).unwrap()
}

/// A signed origin.
fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}
