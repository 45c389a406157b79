use super::*;

fn forfeit(solver: u64) -> frame_support::dispatch::DispatchResult {
    Solutions::forfeit_commitment(signed(STRANGER), TASK, solver)
}

#[test]
fn forfeit_should_pay_the_treasury_when_the_task_expired() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        commit(BOB);
        MockTasks::set_state(TASK, TaskState::Expired);
        take_events();
        assert_ok!(forfeit(BOB));
        assert_eq!((held(BOB), free(BOB)), (0, ENDOWMENT - 50));
        assert_eq!(free(TREASURY), ENDOWMENT + 50);
        assert_eq!((held(ALICE), MockTasks::commitments(TASK)), (50, 1));
        assert_eq!(take_events(), [Event::CommitmentForfeited { task: TASK, solver: BOB, deposit: 50 }]);
        assert_noop!(forfeit(BOB), Error::<Test>::NotCommitted);
    });
}

#[test]
fn forfeit_should_fail_when_the_task_did_not_expire() {
    ExtBuilder.build_and_execute(|| {
        commit(BOB);
        run_to(DEADLINE + 1);
        use TaskState::*;
        for state in [Open, Solved, Disputed, Settled, Refunded, Retracted] {
            MockTasks::set_state(TASK, state);
            assert_noop!(forfeit(BOB), Error::<Test>::NotExpired);
        }
        let view = MockTasks::view(&TASK).unwrap();
        MockTasks::remove(TASK);
        assert_noop!(forfeit(BOB), Error::<Test>::NotFound);
        MockTasks::set(TASK, view);
    });
}
