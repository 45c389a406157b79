use super::*;

fn withdraw(solver: u64) -> frame_support::dispatch::DispatchResult {
    Solutions::withdraw_commitment(signed(solver), TASK)
}

#[test]
fn withdraw_should_work_when_the_grace_of_the_solution_is_over() {
    ExtBuilder.build_and_execute(|| {
        commit(BOB);
        solve(ALICE, 4);
        run_to(5 + GRACE);
        assert_noop!(withdraw(BOB), Error::<Test>::GraceNotOver);
        run_to(5 + GRACE + 1);
        take_events();
        assert_ok!(withdraw(BOB));
        assert_eq!((held(BOB), free(BOB)), (0, ENDOWMENT));
        assert_eq!(MockTasks::commitments(TASK), 0);
        assert_eq!(take_events(), [Event::CommitmentWithdrawn { task: TASK, solver: BOB, deposit: 50 }]);
        assert_noop!(withdraw(BOB), Error::<Test>::NotCommitted);
    });
}

#[test]
fn withdraw_should_work_when_the_task_ended_but_did_not_expire() {
    use TaskState::*;
    for state in [Disputed, Settled, Refunded, Retracted] {
        ExtBuilder.build_and_execute(|| {
            commit(BOB);
            MockTasks::set_state(TASK, state);
            assert_ok!(withdraw(BOB));
            assert_eq!(held(BOB), 0);
        });
    }
}

#[test]
fn withdraw_should_fail_while_the_task_is_open_even_after_its_deadline() {
    ExtBuilder.build_and_execute(|| {
        commit(BOB);
        assert_noop!(withdraw(BOB), Error::<Test>::TaskOpen);
        run_to(DEADLINE + 1);
        assert_noop!(withdraw(BOB), Error::<Test>::TaskOpen);
    });
}

#[test]
fn withdraw_should_fail_when_the_task_expired() {
    ExtBuilder.build_and_execute(|| {
        commit(BOB);
        MockTasks::set_state(TASK, TaskState::Expired);
        assert_noop!(withdraw(BOB), Error::<Test>::Forfeited);
    });
}

#[test]
fn withdraw_should_give_back_what_was_held_whatever_is_asked_now() {
    ExtBuilder.build_and_execute(|| {
        commit(BOB);
        CommitmentDeposit::set(1);
        MockTasks::set_state(TASK, TaskState::Retracted);
        assert_ok!(withdraw(BOB));
        assert_eq!(free(BOB), ENDOWMENT);
    });
}

#[test]
fn withdraw_should_fail_when_there_is_no_commitment() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(withdraw(BOB), Error::<Test>::NotCommitted);
    });
}

#[test]
fn withdraw_should_work_when_the_task_is_gone() {
    ExtBuilder.build_and_execute(|| {
        commit(BOB);
        MockTasks::remove(TASK);
        assert_ok!(withdraw(BOB));
    });
}
