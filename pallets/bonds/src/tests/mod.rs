//! One file for each call or topic.

mod bond;
mod bond_more;
mod delegate;
mod earn;
mod eligibility;
mod escrow;
mod operations;
mod pledge;
mod set_commission;
mod slash;
mod unbond;
mod undelegate;
mod withdraw;
mod withdraw_delegation;

use crate::{mock::*, Chunk, Error, Event, Exits, Ledger, Ledgers, Pool, Pools, TotalBonded, Tranche, UnexpectedKind};
use assay_traits::{Delegators, SolverStake, StakeEscrow};
use assay_types::Balance;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::Perbill;

/// The ledger of `who`, which must have one.
fn ledger(who: u64) -> Ledger<Test> {
    Ledgers::<Test>::get(who).unwrap()
}

/// A signed origin.
fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// The pool of `solver`, which must have one.
fn pool(solver: u64) -> Pool {
    Pools::<Test>::get(solver).unwrap()
}

/// What the shares of `delegator` are worth in the pool of `solver`.
fn worth(solver: u64, delegator: u64) -> Balance {
    let fund = pool(solver).fund;
    crate::Delegations::<Test>::get(solver, delegator)
        .filter(|delegation| delegation.generation == fund.generation)
        .map(|delegation| fund.value(delegation.shares))
        .unwrap_or_default()
}

/// What waits in the exit fund of `solver` and `tenure`.
fn waiting(solver: u64, tenure: u32) -> Balance {
    Exits::<Test>::get(solver, tenure).map(|exit| exit.fund.balance).unwrap_or_default()
}

/// [`ALICE`] bonds 300, matured in block 20, with a pool of this commission in percent.
fn open_pool(commission: u32) {
    assert_ok!(Bonds::bond(signed(ALICE), 300));
    System::set_block_number(20);
    assert_ok!(Bonds::set_commission(signed(ALICE), Perbill::from_percent(commission)));
}
