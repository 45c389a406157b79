//! One file for each call or topic.

mod bond;
mod bond_more;
mod eligibility;
mod operations;
mod pledge;
mod unbond;
mod withdraw;

use crate::{mock::*, Chunk, Error, Event, Ledger, Ledgers, TotalBonded, Tranche};
use frame_support::{assert_noop, assert_ok};

/// The ledger of `who`, which must have one.
fn ledger(who: u64) -> Ledger<Test> {
    Ledgers::<Test>::get(who).unwrap()
}

/// A signed origin.
fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}
