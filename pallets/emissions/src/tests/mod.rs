//! Tests, by what is called.

mod author;
mod genesis;
mod random;
mod validators;
mod work;

use crate::{mock::*, *};
use assay_math::{Curves, EmissionCurve, Preset};
use assay_traits::{mock::MockDelegators, RewardSplit, WorkRewards};
use assay_types::{Balance, ASY, MILLI_ASY};
use sp_runtime::FixedU128;

/// The rate of a model that earns the full reward.
fn full() -> FixedU128 {
    FixedU128::from_u32(1)
}

/// Reserves for a task of which the fee bounds nothing.
fn reserve(rate: FixedU128) -> Balance {
    <Emissions as WorkRewards<u64>>::reserve(rate, 0)
}

fn quote(rate: FixedU128, sunk_fee: Balance) -> Balance {
    <Emissions as WorkRewards<u64>>::quote(rate, sunk_fee)
}

fn release(amount: Balance) {
    <Emissions as WorkRewards<u64>>::release(amount);
}

fn mint(amount: Balance) -> RewardSplit {
    Emissions::mint(amount, &SOLVER, &USER)
}

fn issuance() -> Balance {
    Balances::total_issuance()
}

/// Work alone, in a curve that the caller chooses.
fn work_only(work: EmissionCurve) -> Curves {
    Curves { authors: EmissionCurve::None, work }
}
