//! Each invariant notices what breaks it.

use super::*;
use frame_support::traits::fungible::MutateHold;

/// Breaks the state by `change`, given that ALICE solved the task and BOB has committed, and returns what the check says.
fn broken(change: impl FnOnce()) -> sp_runtime::TryRuntimeError {
    ExtBuilder.build().execute_with(|| {
        commit(BOB);
        solve(ALICE, 4);
        assert_ok!(Solutions::do_try_state());
        change();
        Solutions::do_try_state().unwrap_err()
    })
}

fn alter(change: impl FnOnce(&mut Solution<u64>)) {
    SolutionMap::<Test>::mutate(TASK, |solution| change(solution.as_mut().unwrap()));
}

#[test]
fn commitments_that_do_not_fit_should_be_noticed() {
    assert_eq!(
        broken(|| {
            Balances::hold(&crate::HoldReason::Commitment.into(), &CHARLIE, 1).unwrap();
        }),
        "solutions: a hold is not the sum of the deposits".into()
    );
    assert_eq!(broken(|| MockTasks::drop_commitment(&TASK)), "solutions: a task does not count its commitments".into());
    assert_eq!(
        broken(|| Commitments::<Test>::mutate(TASK, BOB, |record| record.as_mut().unwrap().committed_at = 6)),
        "solutions: a commitment of the future".into()
    );
    assert_eq!(broken(|| MockTasks::remove(TASK)), "solutions: a commitment to no task".into());
}

#[test]
fn solutions_that_do_not_fit_should_be_noticed() {
    assert_eq!(
        broken(|| MockTasks::set_state(TASK, TaskState::Settled)),
        "solutions: a solution of a task that is neither solved nor disputed".into()
    );
    assert_eq!(broken(|| alter(|solution| solution.stake = 0)), "solutions: a solution without a stake".into());
    let out_of_time: [fn(&mut Solution<u64>); 4] = [
        |solution| solution.committed_at = 5,
        |solution| solution.revealed_at = 4,
        |solution| solution.revealed_at = 6,
        |solution| solution.first_revealed_at = 1,
    ];
    for change in out_of_time {
        assert_eq!(broken(|| alter(change)), "solutions: a solution out of time".into());
    }
    assert_eq!(broken(|| alter(|solution| solution.solver = BOB)), "solutions: a commitment that was revealed".into());
}
