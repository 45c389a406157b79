use super::*;
use assay_traits::{
    mock::{MockDelegators, MockRewards},
    FeeSplit, RewardSplit, Settlement,
};
use assay_types::ASY;

fn settle(task: &TaskId) -> Result<Settlement, sp_runtime::DispatchError> {
    <Tasks as TaskBook<u64>>::settle(task, &SOLVER)
}

#[test]
fn settle_should_pay_everybody_and_drop_the_payloads() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(1_100);
        take_events();
        run_to(20);
        let settlement = settle(&task).unwrap();
        assert_eq!(
            settlement,
            Settlement {
                fee: FeeSplit { model: 100, treasury: 100, solver: 900, delegators: 0 },
                reward: RewardSplit { solver: ASY / 2, ..Default::default() },
            }
        );
        assert_eq!(free(SOLVER), ENDOWMENT + 900);
        assert_eq!(free(RECIPIENT), ENDOWMENT + 100);
        assert_eq!(free(TREASURY), ENDOWMENT + 100);
        assert_eq!(free(ALICE), ENDOWMENT - 1_100 - 1_000);
        assert_eq!(held(ALICE), (0, 1_000));
        assert_eq!(Escrow::<Test>::get(), 0);
        assert_eq!(MockRewards::reserved(), 0);
        let record = record(task);
        assert_eq!((record.state, record.ended_at, record.solver), (TaskState::Settled, Some(20), Some(SOLVER)));
        assert_eq!((record.input, record.output), (Cid::of(b"hello"), Some(Cid::of(b"world"))));
        assert!(!Inputs::<Test>::contains_key(task) && !Outputs::<Test>::contains_key(task));
        assert_eq!(take_events(), [Event::Settled { task, solver: SOLVER, settlement: settlement.clone() }]);
        assert_eq!(News::take(), [(task, MODEL, SOLVER, settlement)]);
        assert_eq!(<Tasks as TaskBook<u64>>::settled_news_weight().ref_time(), 7);
    });
}

#[test]
fn settle_should_lose_no_unit_whatever_the_fee() {
    ExtBuilder.build_and_execute(|| {
        for fee in [100, 101, 109, 110, 111, 119, 1_000, 12_345, 99_999] {
            let issued = Balances::total_issuance();
            let task = submit_solved(fee);
            let split = settle(&task).unwrap().fee;
            assert_eq!(split.model + split.treasury + split.solver, fee);
            assert_eq!(split.model, MODEL_FEE);
            assert_eq!(split.treasury, (fee - MODEL_FEE) / 10);
            assert_eq!(Balances::total_issuance(), issued);
            assert_ok!(Tasks::forget(signed(ALICE), task));
        }
        let paid: Balance = [SOLVER, RECIPIENT, TREASURY].map(|who| free(who) - ENDOWMENT).iter().sum();
        assert_eq!(free(ALICE), ENDOWMENT - paid);
        assert_eq!(held(ALICE), (0, 0));
    });
}

#[test]
fn settle_should_pay_by_the_raised_fee() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(100);
        assert_ok!(Tasks::raise_fee(signed(ALICE), task, 1_000));
        assert_ok!(<Tasks as TaskBook<u64>>::solve(&task, inline(b"world")));
        assert_eq!(settle(&task).unwrap().fee, FeeSplit { model: 100, treasury: 100, solver: 900, delegators: 0 });
    });
}

#[test]
fn settle_should_give_the_delegators_their_part_of_the_solvers_part() {
    ExtBuilder.build_and_execute(|| {
        MockDelegators::set(SOLVER, 30);
        let task = submit_solved(1_100);
        let fee = settle(&task).unwrap().fee;
        assert_eq!(fee, FeeSplit { model: 100, treasury: 100, solver: 630, delegators: 270 });
        assert_eq!((free(SOLVER), free(MockDelegators::ACCOUNT)), (ENDOWMENT + 630, 270));
        assert_eq!(MockDelegators::credited(SOLVER), 270);
    });
}

#[test]
fn settle_should_pay_the_treasury_what_the_delegators_account_cannot_take() {
    ExtBuilder.build_and_execute(|| {
        MockDelegators::set(SOLVER, 1);
        let task = submit_solved(1_100);
        take_events();
        let settlement = settle(&task).unwrap();
        assert_eq!(settlement.fee, FeeSplit { model: 100, treasury: 109, solver: 891, delegators: 0 });
        assert_eq!((free(TREASURY), MockDelegators::credited(SOLVER)), (ENDOWMENT + 109, 0));
        assert_eq!(
            take_events(),
            [
                Event::Refused { task, who: MockDelegators::ACCOUNT, amount: 9 },
                Event::Settled { task, solver: SOLVER, settlement },
            ]
        );
    });
}

#[test]
fn settle_should_work_when_the_owner_is_its_own_solver() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(1_100);
        assert_ok!(<Tasks as TaskBook<u64>>::settle(&task, &ALICE));
        assert_eq!(free(ALICE), ENDOWMENT - 1_000 - 200);
    });
}

#[test]
fn settle_should_fail_when_the_task_is_not_solved() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        assert_noop!(settle(&task), Error::<Test>::NotSolved);
        assert_noop!(settle(&TaskId::zero()), Error::<Test>::NotFound);
        assert_ok!(<Tasks as TaskBook<u64>>::solve(&task, inline(b"world")));
        assert_ok!(settle(&task));
        assert_noop!(settle(&task), Error::<Test>::NotSolved);
        assert_eq!(News::take().len(), 1);
    });
}
