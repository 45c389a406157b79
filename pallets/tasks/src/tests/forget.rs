use super::*;

fn ended() -> TaskId {
    let task = submit(500);
    assert_ok!(Tasks::retract(signed(ALICE), task));
    take_events();
    task
}

#[test]
fn forget_should_give_the_deposit_back_when_the_owner_asks_at_once() {
    ExtBuilder.build_and_execute(|| {
        let task = ended();
        assert_ok!(Tasks::forget(signed(ALICE), task));
        assert!(!TaskMap::<Test>::contains_key(task));
        assert_eq!(held(ALICE), (0, 0));
        assert_eq!(free(ALICE), ENDOWMENT - 50);
        assert_eq!(Counts::<Test>::get(), TaskCounts::default());
        assert_eq!(take_events(), [Event::Forgotten { task }]);
        assert_noop!(Tasks::forget(signed(ALICE), task), Error::<Test>::NotFound);
        assert!(<Tasks as TaskBook<u64>>::view(&task).is_none());
    });
}

#[test]
fn forget_should_be_open_to_anyone_when_the_retention_is_over() {
    ExtBuilder.build_and_execute(|| {
        let task = ended();
        run_to(41);
        assert_noop!(Tasks::forget(signed(BOB), task), Error::<Test>::StillRetained);
        run_to(42);
        assert_ok!(Tasks::forget(signed(BOB), task));
        assert_eq!(free(ALICE), ENDOWMENT - 50);
    });
}

#[test]
fn forget_should_fail_when_the_task_has_not_ended() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        assert_noop!(Tasks::forget(signed(ALICE), task), Error::<Test>::NotEnded);
        assert_ok!(<Tasks as TaskBook<u64>>::solve(&task, inline(b"world")));
        assert_noop!(Tasks::forget(signed(ALICE), task), Error::<Test>::NotEnded);
        assert_noop!(Tasks::forget(signed(ALICE), TaskId::zero()), Error::<Test>::NotFound);
    });
}

#[test]
fn forget_should_fail_while_commitments_are_outstanding() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        assert_ok!(<Tasks as TaskBook<u64>>::note_commitment(&task));
        run_to(12);
        assert_ok!(Tasks::expire(signed(BOB), task));
        assert_noop!(Tasks::forget(signed(ALICE), task), Error::<Test>::CommitmentsOutstanding);
        <Tasks as TaskBook<u64>>::drop_commitment(&task);
        assert_ok!(Tasks::forget(signed(ALICE), task));
    });
}
