use super::*;

fn claim() -> frame_support::dispatch::DispatchResult {
    Solutions::claim(signed(STRANGER), TASK)
}

#[test]
fn claim_should_settle_when_the_window_is_over() {
    ExtBuilder.build_and_execute(|| {
        solve(ALICE, 4);
        take_events();
        run_to(5 + GRACE + WINDOW);
        assert_noop!(claim(), Error::<Test>::ClaimTooEarly);
        run_to(5 + GRACE + WINDOW + 1);
        assert_ok!(claim());
        assert_eq!(MockTasks::view(&TASK).unwrap().state, TaskState::Settled);
        assert_eq!(MockStake::pledged(ALICE), 0);
        assert_eq!(SolutionMap::<Test>::get(TASK), None);
        assert_eq!(take_events(), [Event::Claimed { task: TASK, solver: ALICE }]);
        assert_noop!(claim(), Error::<Test>::AlreadySettled);
    });
}

#[test]
fn claim_should_count_from_the_first_reveal_when_the_solution_was_replaced() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        solve(BOB, 4);
        run_to(5 + GRACE);
        assert_ok!(reveal(ALICE));
        run_to(5 + GRACE + WINDOW + 1);
        take_events();
        assert_ok!(claim());
        assert_eq!(take_events(), [Event::Claimed { task: TASK, solver: ALICE }]);
    });
}

#[test]
fn claim_should_fail_when_the_task_is_not_solved() {
    ExtBuilder.build_and_execute(|| {
        run_to(100);
        use TaskState::*;
        for state in [Open, Disputed, Refunded, Expired, Retracted, Solved] {
            MockTasks::set_state(TASK, state);
            assert_noop!(claim(), Error::<Test>::NotSolved);
        }
        assert_noop!(Solutions::claim(signed(STRANGER), UNKNOWN), Error::<Test>::NotFound);
    });
}

#[test]
fn claim_should_fail_while_the_solution_is_contested() {
    ExtBuilder.build_and_execute(|| {
        solve(ALICE, 4);
        run_to(100);
        MockTasks::set_state(TASK, TaskState::Disputed);
        assert_noop!(claim(), Error::<Test>::NotSolved);
        assert_eq!(MockStake::pledged(ALICE), 1_200);
    });
}
