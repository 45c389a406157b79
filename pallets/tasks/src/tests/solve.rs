use super::*;
use assay_traits::mock::MockRewards;
use assay_types::ASY;

fn solve(task: &TaskId, output: Payload) -> frame_support::dispatch::DispatchResult {
    <Tasks as TaskBook<u64>>::solve(task, output)
}

#[test]
fn solve_should_store_the_output_and_reserve_the_reward() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(1_100);
        take_events();
        run_to(11);
        assert_ok!(solve(&task, inline(b"world")));
        let record = record(task);
        assert_eq!((record.state, record.output), (TaskState::Solved, Some(Cid::of(b"world"))));
        assert_eq!(record.reward, ASY / 2);
        assert_eq!(MockRewards::reserved(), ASY / 2);
        // Of 1,100 the model takes 100, and the treasury a tenth of the rest.
        assert_eq!(MockRewards::sunk_fee(), 100);
        assert_eq!(Outputs::<Test>::get(task), Some(inline(b"world")));
        assert!(Inputs::<Test>::contains_key(task));
        assert_eq!(held(ALICE), (1_100, 1_000 + HELLO_DEPOSIT));
        assert_eq!(Counts::<Test>::get(), TaskCounts { solved: 1, ..Default::default() });
        assert_eq!(take_events(), [Event::Solved { task, output: Cid::of(b"world"), reward: ASY / 2 }]);
    });
}

#[test]
fn solve_should_fail_one_block_after_the_deadline() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        run_to(12);
        assert_noop!(solve(&task, inline(b"world")), Error::<Test>::DeadlinePassed);
        assert_eq!(MockRewards::reserved(), 0);
    });
}

#[test]
fn solve_should_replace_the_output_and_nothing_else_when_the_task_is_solved() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(500);
        take_events();
        // The caller judges until when this may happen.
        run_to(50);
        assert_ok!(solve(&task, inline(b"earth")));
        assert_eq!(record(task).output, Some(Cid::of(b"earth")));
        assert_eq!(Outputs::<Test>::get(task), Some(inline(b"earth")));
        assert_eq!(MockRewards::reserved(), ASY / 2);
        assert_eq!(take_events(), [Event::OutputReplaced { task, output: Cid::of(b"earth") }]);
    });
}

#[test]
fn solve_should_bound_the_length_of_an_output_kept_elsewhere() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        let output = |length| Payload::External { cid: Cid::of(b"large"), length };
        assert_noop!(solve(&task, output(MaxExternal::get() + 1)), Error::<Test>::OutputTooLong);
        assert_ok!(solve(&task, output(MaxExternal::get())));
        assert_noop!(solve(&task, output(MaxExternal::get() + 1)), Error::<Test>::OutputTooLong);
    });
}

#[test]
fn solve_should_fail_when_the_task_has_ended_or_is_unknown() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        assert_ok!(Tasks::retract(signed(ALICE), task));
        assert_noop!(solve(&task, inline(b"world")), Error::<Test>::NotOpen);
        assert_noop!(solve(&TaskId::zero(), inline(b"world")), Error::<Test>::NotFound);
    });
}
