use super::*;

#[test]
fn expire_should_refund_when_the_deadline_has_passed() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        take_events();
        run_to(11);
        assert_noop!(Tasks::expire(signed(BOB), task), Error::<Test>::DeadlineNotPassed);
        run_to(12);
        assert_ok!(Tasks::expire(signed(BOB), task));
        let record = record(task);
        assert_eq!((record.state, record.ended_at, record.byte_deposit), (TaskState::Expired, Some(12), 0));
        assert_eq!(held(ALICE), (0, 1_000));
        assert_eq!(free(ALICE), ENDOWMENT - 1_000);
        assert_eq!(Escrow::<Test>::get(), 0);
        assert_eq!(Counts::<Test>::get(), TaskCounts { ended: 1, ..Default::default() });
        assert!(!Inputs::<Test>::contains_key(task));
        assert_eq!(take_events(), [Event::Expired { task, refund: 500 }]);
        assert_noop!(Tasks::expire(signed(BOB), task), Error::<Test>::NotOpen);
    });
}

#[test]
fn expire_should_leave_other_tasks_of_the_owner_alone() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        run_to(5);
        submit(300);
        run_to(12);
        assert_ok!(Tasks::expire(signed(BOB), task));
        assert_eq!(held(ALICE), (300, 2_000 + HELLO_DEPOSIT));
        assert_eq!(Escrow::<Test>::get(), 300);
    });
}

#[test]
fn expire_should_fail_when_the_task_is_solved_or_unknown() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(500);
        run_to(12);
        assert_noop!(Tasks::expire(signed(BOB), task), Error::<Test>::NotOpen);
        assert_noop!(Tasks::expire(signed(BOB), TaskId::zero()), Error::<Test>::NotFound);
    });
}
