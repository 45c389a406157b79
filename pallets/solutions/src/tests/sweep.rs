use super::*;
use crate::{CommitmentCursor, SolutionCursor};
use frame_support::{traits::Hooks, weights::Weight};

/// Runs the sweeper once with the weight of its base and `steps` steps; returns how many it took.
fn sweep(steps: u64) -> u64 {
    let consumed = Solutions::on_idle(System::block_number(), STEP.saturating_mul(steps + 1));
    consumed.ref_time() / STEP.ref_time() - 1
}

fn task(index: u8) -> TaskId {
    TaskId::repeat_byte(0x40 + index)
}

#[test]
fn sweeper_should_claim_some_blocks_after_anyone_might() {
    ExtBuilder.build_and_execute(|| {
        solve(ALICE, 4);
        let claimable = 5 + GRACE + WINDOW;
        run_to(claimable + 20);
        assert_eq!(sweep(10), 1);
        assert!(SolutionMap::<Test>::contains_key(TASK));
        run_to(claimable + 20 + 1);
        take_events();
        sweep(10);
        assert_eq!(take_events(), [Event::Claimed { task: TASK, solver: ALICE }]);
        assert_eq!(MockStake::pledged(ALICE), 0);
    });
}

#[test]
fn sweeper_should_leave_contested_solutions() {
    ExtBuilder.build_and_execute(|| {
        solve(ALICE, 4);
        MockTasks::set_state(TASK, TaskState::Disputed);
        run_to(1_000);
        sweep(10);
        assert!(SolutionMap::<Test>::contains_key(TASK));
    });
}

#[test]
fn sweeper_should_give_back_and_forfeit_some_blocks_after_the_end() {
    ExtBuilder.build_and_execute(|| {
        put_task(task(1), 0, 0);
        put_task(task(2), 0, 0);
        for id in [TASK, task(1), task(2)] {
            commit_to(id, BOB);
        }
        run_to(10);
        MockTasks::set_state(task(1), TaskState::Expired);
        MockTasks::set_state(task(2), TaskState::Retracted);
        run_to(10 + 20);
        sweep(10);
        assert_eq!(held(BOB), 150);
        run_to(10 + 20 + 1);
        take_events();
        sweep(10);
        let mut events = take_events();
        events.sort_by_key(|event| format!("{event:?}"));
        assert_eq!(
            events,
            [
                Event::CommitmentForfeited { task: task(1), solver: BOB, deposit: 50 },
                Event::CommitmentWithdrawn { task: task(2), solver: BOB, deposit: 50 },
            ]
        );
        // The open task keeps its commitment.
        assert_eq!((held(BOB), free(BOB)), (50, ENDOWMENT - 100));
        assert!(Commitments::<Test>::contains_key(TASK, BOB));
    });
}

#[test]
fn sweeper_should_report_what_it_cannot_claim() {
    ExtBuilder.build_and_execute(|| {
        solve(ALICE, 4);
        let view = MockTasks::view(&TASK).unwrap();
        run_to(1_000);
        MockTasks::refuse_settlements(true);
        take_events();
        sweep(10);
        MockTasks::refuse_settlements(false);
        let error = DispatchError::Unavailable;
        assert_eq!(take_events(), [Event::SweepFailed { task: TASK, error }]);
        assert_eq!(MockTasks::view(&TASK), Some(view));
        assert_eq!(MockStake::pledged(ALICE), 1_200);
    });
}

#[test]
fn sweeper_should_stop_at_its_weight_and_go_on_from_there() {
    ExtBuilder.build_and_execute(|| {
        for index in 0..5 {
            put_task(task(index), 0, 0);
            commit_to(task(index), BOB);
            MockTasks::set_state(task(index), TaskState::Retracted);
        }
        solve(ALICE, 4);
        run_to(100);
        let left = || Commitments::<Test>::iter().count();
        // Not even the base, then the base alone: nothing happens.
        assert_eq!(Solutions::on_idle(100, STEP - Weight::from_parts(1, 0)), Weight::zero());
        assert_eq!(sweep(0), 0);
        assert_eq!((left(), SolutionMap::<Test>::iter().count()), (5, 1));
        // One solution, two commitments.
        assert_eq!(sweep(3), 3);
        assert_eq!((left(), SolutionMap::<Test>::iter().count()), (3, 0));
        assert!(CommitmentCursor::<Test>::exists());
        assert_eq!(sweep(1), 1);
        assert_eq!(sweep(9), 2);
        assert_eq!(left(), 0);
        assert!(!CommitmentCursor::<Test>::exists() && !SolutionCursor::<Test>::exists());
        assert_eq!(sweep(9), 0);
    });
}

#[test]
fn sweeper_should_take_no_more_than_its_batch_in_one_block() {
    ExtBuilder.build_and_execute(|| {
        SweepBatch::set(2);
        for index in 0..5 {
            put_task(task(index), 0, 0);
            commit_to(task(index), BOB);
        }
        run_to(10);
        assert_eq!([sweep(100), sweep(100), sweep(100), sweep(100)], [2, 2, 1, 2]);
    });
}
