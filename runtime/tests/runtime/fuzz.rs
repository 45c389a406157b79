//! Any bytes as calls: whatever is sent, by whomever, nothing panics and every pallet's invariants hold at the end.
//!
//! An ordinary test runs the corpus in `__fuzz__` and then random bytes for some seconds (`BOLERO_RANDOM_TEST_TIME_MS`
//! sets how long); `cargo bolero test -p assay-runtime --test runtime fuzz::any_calls_in_any_order` searches guided by
//! coverage for as long as one likes.

use super::random_operations::operations::Run;
use assay_runtime::{AccountId, RuntimeCall, RuntimeOrigin};
use codec::{Decode, DecodeLimit};
use sp_io::TestExternalities;
use sp_runtime::traits::Dispatchable;
use std::{cell::RefCell, time::Duration};

/// Calls within calls within calls: what `frame_executive` allows a transaction.
const DEPTH: u32 = 256;

thread_local! {
    static GENESIS: RefCell<Option<Snapshot>> = const { RefCell::new(None) };
}

type Snapshot = (Vec<(Vec<u8>, (Vec<u8>, i32))>, sp_core::H256);

/// A chain without sudo: its key may do anything, and break anything.
fn chain() -> TestExternalities {
    let (raw, root) = GENESIS.with(|genesis| {
        genesis
            .borrow_mut()
            .get_or_insert_with(|| {
                let patch = serde_json::json!({ "sudo": { "key": null } });
                let mut state = crate::common::genesis_with("development", patch);
                state.commit_all().expect("changes are committed");
                state.into_raw_snapshot()
            })
            .clone()
    });
    TestExternalities::from_raw_snapshot(raw, root, Default::default())
}

/// Does what `bytes` say: each step is a byte for its kind, then what it needs.
fn play(mut bytes: &[u8]) {
    let mut run = Run::default();
    let mut calls = 0u32;
    while let Ok(kind) = u8::decode(&mut bytes) {
        match kind % 4 {
            // A call as it would arrive in a transaction, from one of those who have money.
            0 | 1 => {
                let accounts = run.accounts();
                let who: AccountId = accounts[usize::from(kind / 4) % accounts.len()].clone();
                let Ok(call) = RuntimeCall::decode_with_depth_limit(DEPTH, &mut bytes) else { continue };
                run.begin();
                let _ = call.dispatch(RuntimeOrigin::signed(who));
                run.read_events();
            }
            // A step of the random operations: a call that can succeed, or time that passes.
            _ => {
                let Ok(step) = u64::decode(&mut bytes) else { continue };
                run.take(step);
            }
        }
        calls += 1;
        if calls == 200 {
            break;
        }
    }
    crate::common::check_pallets();
    run.check_issuance();
}

#[test]
fn any_calls_in_any_order() {
    bolero::check!()
        .with_max_len(4_096)
        .with_test_time(Duration::from_secs(20))
        .for_each(|bytes: &[u8]| chain().execute_with(|| play(bytes)));
}
