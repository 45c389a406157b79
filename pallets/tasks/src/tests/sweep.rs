use super::*;
use crate::SweepCursor;
use frame_support::{traits::Hooks, weights::Weight};

/// Runs the sweeper once with the weight of its base and `steps` steps; returns how many it took.
fn sweep(steps: u64) -> u64 {
    let consumed = Tasks::on_idle(System::block_number(), STEP.saturating_mul(steps + 1));
    consumed.ref_time() / STEP.ref_time() - 1
}

fn state(task: TaskId) -> TaskState {
    record(task).state
}

#[test]
fn sweeper_should_expire_a_task_some_blocks_after_its_deadline() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        run_to(11 + 20);
        sweep(10);
        assert_eq!(state(task), TaskState::Open);
        run_to(11 + 20 + 1);
        take_events();
        sweep(10);
        assert_eq!(state(task), TaskState::Expired);
        assert_eq!(take_events(), [Event::Expired { task, refund: 500 }]);
    });
}

#[test]
fn sweeper_should_forget_a_task_some_blocks_after_its_retention() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        assert_ok!(Tasks::retract(signed(ALICE), task));
        run_to(1 + 40 + 20);
        sweep(10);
        assert!(TaskMap::<Test>::contains_key(task));
        run_to(1 + 40 + 20 + 1);
        sweep(10);
        assert!(!TaskMap::<Test>::contains_key(task));
        assert_eq!(held(ALICE), (0, 0));
    });
}

#[test]
fn sweeper_should_leave_solved_tasks_and_those_with_commitments() {
    ExtBuilder.build_and_execute(|| {
        let solved = submit_solved(500);
        let committed = submit(500);
        assert_ok!(<Tasks as TaskBook<u64>>::note_commitment(&committed));
        run_to(1_000);
        assert_eq!(sweep(10), 2);
        assert_eq!(state(committed), TaskState::Expired);
        run_to(2_000);
        sweep(10);
        sweep(10);
        assert_eq!(state(solved), TaskState::Solved);
        assert_eq!(state(committed), TaskState::Expired);
        <Tasks as TaskBook<u64>>::drop_commitment(&committed);
        sweep(10);
        assert!(!TaskMap::<Test>::contains_key(committed));
    });
}

#[test]
fn sweeper_should_stop_at_its_weight_and_go_on_from_there() {
    ExtBuilder.build_and_execute(|| {
        for _ in 0..5 {
            submit(500);
        }
        run_to(50);
        let open = || Counts::<Test>::get().open;
        assert_eq!(sweep(2), 2);
        assert_eq!(open(), 3);
        let cursor = SweepCursor::<Test>::get();
        assert!(cursor.is_some());
        // Not even enough for the base: nothing happens.
        assert_eq!(Tasks::on_idle(50, STEP - Weight::from_parts(1, 0)), Weight::zero());
        assert_eq!(SweepCursor::<Test>::get(), cursor);
        // Enough for the base alone: still nothing.
        assert_eq!(sweep(0), 0);
        assert_eq!(SweepCursor::<Test>::get(), cursor);
        assert_eq!(sweep(2), 2);
        assert_eq!(open(), 1);
        // The round ends with the last task.
        assert_eq!(sweep(9), 1);
        assert_eq!((open(), SweepCursor::<Test>::get()), (0, None));
    });
}

#[test]
fn sweeper_should_go_on_when_the_task_at_its_cursor_is_gone() {
    ExtBuilder.build_and_execute(|| {
        for _ in 0..4 {
            submit(500);
        }
        run_to(50);
        sweep(2);
        let cursor = SweepCursor::<Test>::get().unwrap();
        assert_ok!(Tasks::forget(signed(ALICE), cursor));
        assert_eq!(sweep(9), 2);
        assert_eq!(Counts::<Test>::get(), TaskCounts { ended: 3, ..Default::default() });
    });
}

#[test]
fn sweeper_should_take_no_more_than_its_batch_in_one_block() {
    ExtBuilder.build_and_execute(|| {
        SweepBatch::set(3);
        for _ in 0..5 {
            submit(500);
        }
        run_to(50);
        assert_eq!(sweep(100), 3);
        assert_eq!(sweep(100), 2);
        assert_eq!(sweep(100), 3);
    });
}

#[test]
fn sweeper_should_do_nothing_when_there_is_no_task() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(sweep(10), 0);
        assert_eq!(SweepCursor::<Test>::get(), None);
    });
}
