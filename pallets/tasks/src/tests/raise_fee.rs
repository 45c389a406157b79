use super::*;
use sp_runtime::TokenError;

#[test]
fn raise_fee_should_hold_more_until_the_deadline() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        take_events();
        run_to(11);
        assert_ok!(Tasks::raise_fee(signed(ALICE), task, 50));
        assert_eq!(record(task).fee, 550);
        assert_eq!(record(task).terms.fee, MODEL_FEE);
        assert_eq!(held(ALICE).0, 550);
        assert_eq!(Escrow::<Test>::get(), 550);
        assert_eq!(take_events(), [Event::FeeRaised { task, amount: 50, fee: 550 }]);
        run_to(12);
        assert_noop!(Tasks::raise_fee(signed(ALICE), task, 50), Error::<Test>::DeadlinePassed);
    });
}

#[test]
fn raise_fee_should_fail_when_it_is_not_the_owners_open_task() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        assert_noop!(Tasks::raise_fee(signed(ALICE), task, 0), Error::<Test>::ZeroAmount);
        assert_noop!(Tasks::raise_fee(signed(BOB), task, 1), Error::<Test>::NotOwner);
        assert_noop!(Tasks::raise_fee(signed(ALICE), TaskId::zero(), 1), Error::<Test>::NotFound);
        assert_noop!(Tasks::raise_fee(signed(ALICE), task, Balance::MAX), Error::<Test>::Overflow);
        assert_noop!(Tasks::raise_fee(signed(ALICE), task, ENDOWMENT), TokenError::FundsUnavailable);
        assert_ok!(<Tasks as TaskBook<u64>>::solve(&task, inline(b"world")));
        assert_noop!(Tasks::raise_fee(signed(ALICE), task, 1), Error::<Test>::NotOpen);
    });
}
