//! One file for each call or topic.

mod candidacy;
mod commit;
mod committee;
mod draws;
mod money;
mod proof;
mod sessions;
mod work;

use crate::{mock::*, *};
use assay_traits::mock::{MockKeys, MockStake, MockVrf};
use assay_types::{election, Balance, Hash};
use frame_support::{assert_noop, assert_ok};
use sp_core::Pair as _;
use sp_runtime::{Perbill, TokenError};

/// The record of `who`, which must be a candidate.
fn candidate(who: u64) -> Candidate {
    Candidates::<Test>::get(who).unwrap()
}

/// Seats of the draw for `tenure`.
fn seats_of(tenure: u32) -> Vec<u64> {
    Draws::<Test>::get(tenure).unwrap().seats.into_inner()
}
