//! One file for each call or topic.

mod genesis;
mod origin;
mod update;

use crate::{mock::*, EpochBlocks, EpochLength, Error, Event, GenesisConfig, MAX_CHANGES, PRODUCTION_EPOCH};
use frame_support::{assert_noop, assert_ok, traits::Get, BoundedVec};
use sp_runtime::traits::BadOrigin;

/// The values in force: unbonding, window, deposit.
fn values() -> (u32, u32, u128) {
    (Unbonding::get(), Window::get(), Deposit::get())
}

/// Updates as governance.
fn update(changes: Vec<RuntimeParameters>) -> sp_runtime::DispatchResult {
    Settings::update(RuntimeOrigin::root(), BoundedVec::truncate_from(changes))
}
