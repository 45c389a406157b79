use super::*;

#[test]
fn retract_should_refund_all_but_a_tenth_when_nobody_committed() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(509);
        take_events();
        assert_ok!(Tasks::retract(signed(ALICE), task));
        assert_eq!(take_events(), [Event::Retracted { task, refund: 459, charge: 50 }]);
        assert_eq!(free(ALICE), ENDOWMENT - 1_000 - 50);
        assert_eq!(free(TREASURY), ENDOWMENT + 50);
        assert_eq!(held(ALICE), (0, 1_000));
        assert_eq!(Escrow::<Test>::get(), 0);
        let record = record(task);
        assert_eq!((record.state, record.ended_at), (TaskState::Retracted, Some(1)));
        assert!(!Inputs::<Test>::contains_key(task));
        assert_noop!(Tasks::retract(signed(ALICE), task), Error::<Test>::NotOpen);
    });
}

#[test]
fn retract_should_wait_until_the_youngest_commitment_is_old_enough() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        assert_ok!(<Tasks as TaskBook<u64>>::note_commitment(&task));
        run_to(3);
        assert_ok!(<Tasks as TaskBook<u64>>::note_commitment(&task));
        run_to(8);
        assert_noop!(Tasks::retract(signed(ALICE), task), Error::<Test>::CommitmentTooRecent);
        run_to(9);
        assert_ok!(Tasks::retract(signed(ALICE), task));
    });
}

#[test]
fn retract_should_work_in_the_last_block_and_not_after() {
    ExtBuilder.build_and_execute(|| {
        let (first, second) = (submit(500), submit(500));
        run_to(11);
        assert_ok!(Tasks::retract(signed(ALICE), first));
        run_to(12);
        assert_noop!(Tasks::retract(signed(ALICE), second), Error::<Test>::DeadlinePassed);
    });
}

#[test]
fn retract_should_fail_when_it_is_not_the_owners_open_task() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(500);
        assert_noop!(Tasks::retract(signed(BOB), task), Error::<Test>::NotOwner);
        assert_noop!(Tasks::retract(signed(ALICE), task), Error::<Test>::NotOpen);
        assert_noop!(Tasks::retract(signed(ALICE), TaskId::zero()), Error::<Test>::NotFound);
    });
}
