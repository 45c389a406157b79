use super::*;
use sp_runtime::TokenError;

fn commit_of(solver: u64, task: TaskId) -> frame_support::dispatch::DispatchResult {
    Solutions::commit(signed(solver), task, Hash::repeat_byte(3))
}

#[test]
fn commit_should_hold_the_deposit_and_be_counted() {
    ExtBuilder.build_and_execute(|| {
        run_to(DEADLINE);
        assert_ok!(commit_of(ALICE, TASK));
        let commitment = Hash::repeat_byte(3);
        assert_eq!(
            Commitments::<Test>::get(TASK, ALICE),
            Some(CommitmentRecord { commitment, committed_at: DEADLINE, deposit: 50 })
        );
        assert_eq!((held(ALICE), free(ALICE)), (50, ENDOWMENT - 50));
        assert_eq!(MockTasks::commitments(TASK), 1);
        assert_eq!(take_events(), [Event::Committed { task: TASK, solver: ALICE, commitment }]);
        assert_ok!(commit_of(BOB, TASK));
        assert_eq!(MockTasks::commitments(TASK), 2);
    });
}

#[test]
fn commit_should_fail_the_second_time() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(commit_of(ALICE, TASK));
        assert_noop!(commit_of(ALICE, TASK), Error::<Test>::AlreadyCommitted);
    });
}

#[test]
fn commit_should_fail_when_the_solver_may_not() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(commit_of(STRANGER, TASK), DispatchError::Other("mock: not bonded"));
        MockStake::bond(STRANGER, BOND);
        assert_noop!(commit_of(STRANGER, TASK), Error::<Test>::NotServing);
        MockModels::serve(MODEL, STRANGER);
        assert_ok!(commit_of(STRANGER, TASK));
        assert_noop!(Solutions::commit(RuntimeOrigin::root(), TASK, Hash::zero()), DispatchError::BadOrigin);
    });
}

#[test]
fn commit_should_fail_when_the_task_takes_none() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(commit_of(ALICE, UNKNOWN), Error::<Test>::NotFound);
        run_to(DEADLINE + 1);
        assert_noop!(commit_of(ALICE, TASK), DispatchError::Other("mock: past deadline"));
        run_to(DEADLINE);
        MockTasks::set_state(TASK, TaskState::Solved);
        assert_noop!(commit_of(ALICE, TASK), DispatchError::Other("mock: not open"));
    });
}

#[test]
fn commit_should_fail_when_the_balance_does_not_suffice() {
    ExtBuilder.build_and_execute(|| {
        CommitmentDeposit::set(ENDOWMENT - 99);
        assert_noop!(commit_of(ALICE, TASK), TokenError::FundsUnavailable);
        CommitmentDeposit::set(ENDOWMENT - 100);
        assert_ok!(commit_of(ALICE, TASK));
    });
}

#[test]
fn commit_should_hold_nothing_when_nothing_is_asked() {
    ExtBuilder.build_and_execute(|| {
        CommitmentDeposit::set(0);
        commit(ALICE);
        assert_eq!(held(ALICE), 0);
        run_to(2);
        assert_ok!(reveal(ALICE));
    });
}
