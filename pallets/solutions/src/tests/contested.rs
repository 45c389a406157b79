use super::*;
use assay_traits::{SolutionBook, SolverStake, StandingSolution};

fn standing() -> Option<StandingSolution<u64>> {
    <Solutions as SolutionBook<u64>>::standing(&TASK)
}

fn uphold() -> frame_support::dispatch::DispatchResult {
    <Solutions as SolutionBook<u64>>::uphold(&TASK)
}

fn strike() -> frame_support::dispatch::DispatchResult {
    <Solutions as SolutionBook<u64>>::strike(&TASK)
}

#[test]
fn standing_should_say_when_a_solution_can_be_contested() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(standing(), None);
        solve(ALICE, 4);
        let solution = StandingSolution {
            solver: ALICE,
            output: Cid::of(b"world"),
            trace_seal: SEAL,
            stake: 1_200,
            contestable_from: 5 + GRACE + 1,
            contestable_until: 5 + GRACE + WINDOW,
        };
        assert_eq!(standing(), Some(solution.clone()));
        MockTasks::set_state(TASK, TaskState::Disputed);
        assert_eq!(standing(), Some(solution));
    });
}

#[test]
fn uphold_should_pay_the_solver_and_free_its_stake() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(uphold(), Error::<Test>::NotSolved);
        solve(ALICE, 4);
        MockTasks::set_state(TASK, TaskState::Disputed);
        take_events();
        assert_ok!(uphold());
        assert_eq!(MockTasks::view(&TASK).unwrap().state, TaskState::Settled);
        assert_eq!((standing(), MockStake::pledged(ALICE)), (None, 0));
        assert_eq!(take_events(), [Event::Claimed { task: TASK, solver: ALICE }]);
    });
}

#[test]
fn strike_should_refund_and_leave_the_stake_to_the_caller() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(strike(), Error::<Test>::NotSolved);
        solve(ALICE, 4);
        MockTasks::set_state(TASK, TaskState::Disputed);
        take_events();
        assert_ok!(strike());
        assert_eq!(MockTasks::view(&TASK).unwrap().state, TaskState::Refunded);
        assert_eq!((standing(), MockStake::pledged(ALICE)), (None, 1_200));
        assert_eq!(take_events(), [Event::Struck { task: TASK, solver: ALICE }]);
        MockStake::release(&ALICE, 1_200);
    });
}

#[test]
fn strike_should_change_nothing_when_the_task_cannot_be_refunded() {
    ExtBuilder.build_and_execute(|| {
        solve(ALICE, 4);
        assert_noop!(strike(), sp_runtime::DispatchError::Other("mock: not disputed"));
        assert!(standing().is_some());
    });
}

#[test]
fn a_commitment_that_was_not_revealed_comes_back_while_the_task_is_disputed() {
    ExtBuilder.build_and_execute(|| {
        commit(BOB);
        solve(ALICE, 4);
        MockTasks::set_state(TASK, TaskState::Disputed);
        assert_noop!(Solutions::reveal(signed(BOB), TASK, SALT, SEAL, inline(b"world")), Error::<Test>::NotOpen);
        assert_ok!(Solutions::withdraw_commitment(signed(BOB), TASK));
        assert_eq!(held(BOB), 0);
    });
}
