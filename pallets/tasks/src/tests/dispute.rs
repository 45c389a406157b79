use super::*;
use assay_traits::mock::MockRewards;
use assay_types::ASY;

fn dispute(task: &TaskId) -> sp_runtime::DispatchResult {
    <Tasks as TaskBook<u64>>::dispute(task)
}

fn refund(task: &TaskId) -> sp_runtime::DispatchResult {
    <Tasks as TaskBook<u64>>::refund(task)
}

#[test]
fn dispute_should_keep_everything_where_it_is() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(1_100);
        let (before, issued) = (held(ALICE), Balances::total_issuance());
        take_events();
        assert_ok!(dispute(&task));
        assert_eq!(record(task).state, TaskState::Disputed);
        assert_eq!((held(ALICE), Balances::total_issuance()), (before, issued));
        assert_eq!((Escrow::<Test>::get(), MockRewards::reserved()), (1_100, ASY / 2));
        assert!(Inputs::<Test>::contains_key(task) && Outputs::<Test>::contains_key(task));
        assert_eq!(take_events(), [Event::Disputed { task }]);
    });
}

#[test]
fn dispute_should_fail_when_the_task_is_not_solved() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        assert_noop!(dispute(&task), Error::<Test>::NotSolved);
        assert_noop!(dispute(&TaskId::zero()), Error::<Test>::NotFound);
        assert_ok!(<Tasks as TaskBook<u64>>::solve(&task, inline(b"world")));
        assert_ok!(dispute(&task));
        assert_noop!(dispute(&task), Error::<Test>::NotSolved);
        assert_noop!(<Tasks as TaskBook<u64>>::solve(&task, inline(b"other")), Error::<Test>::NotOpen);
        assert_noop!(Tasks::retract(signed(ALICE), task), Error::<Test>::NotOpen);
        run_to(1_000);
        assert_noop!(Tasks::expire(signed(ALICE), task), Error::<Test>::NotOpen);
    });
}

#[test]
fn refund_should_give_the_user_everything_and_mint_nothing() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(1_100);
        assert_ok!(dispute(&task));
        take_events();
        run_to(20);
        assert_ok!(refund(&task));
        // The deposit for the record stays until it is forgotten.
        assert_eq!((free(ALICE), held(ALICE)), (ENDOWMENT - 1_000, (0, 1_000)));
        assert_eq!((Escrow::<Test>::get(), MockRewards::reserved()), (0, 0));
        let record = record(task);
        assert_eq!((record.state, record.ended_at, record.solver), (TaskState::Refunded, Some(20), None));
        assert!(!Inputs::<Test>::contains_key(task) && !Outputs::<Test>::contains_key(task));
        assert_eq!(take_events(), [Event::Refunded { task, refund: 1_100 }]);
        assert_eq!(News::take(), []);
        assert_ok!(Tasks::forget(signed(ALICE), task));
        assert_eq!((free(ALICE), held(ALICE)), (ENDOWMENT, (0, 0)));
    });
}

#[test]
fn refund_should_fail_when_the_task_is_not_disputed() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(500);
        assert_noop!(refund(&task), Error::<Test>::NotDisputed);
        assert_noop!(refund(&TaskId::zero()), Error::<Test>::NotFound);
        assert_ok!(dispute(&task));
        assert_ok!(refund(&task));
        assert_noop!(refund(&task), Error::<Test>::NotDisputed);
        assert_noop!(<Tasks as TaskBook<u64>>::settle(&task, &SOLVER), Error::<Test>::NotSolved);
    });
}

#[test]
fn settle_should_pay_a_solver_whose_solution_stood() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(1_100);
        assert_ok!(dispute(&task));
        assert_ok!(<Tasks as TaskBook<u64>>::settle(&task, &SOLVER));
        assert_eq!(record(task).state, TaskState::Settled);
        assert_eq!(free(SOLVER), ENDOWMENT + 900);
        assert_eq!(MockRewards::reserved(), 0);
        assert_noop!(refund(&task), Error::<Test>::NotDisputed);
    });
}
