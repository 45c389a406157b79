use super::*;
use crate::{Delegations, Leaving, ShareFund, SHARES_PER_UNIT};

#[test]
fn undelegate_should_move_the_amount_into_the_exit_fund_of_the_tenure() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 100));
        Tenure::set(2);
        take_events();
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 30));
        assert_ok!(Bonds::undelegate(signed(EVE), ALICE, 50));
        System::set_block_number(21);
        Unbonding::set(7);
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 10));
        assert_eq!((worth(ALICE, DAVE), worth(ALICE, EVE), waiting(ALICE, 2)), (60, 50, 90));
        assert_eq!(Exits::<Test>::get(ALICE, 2).unwrap().last_at, 21);
        assert_eq!(pot(), (0, 200));
        let part = |units, leaves_at| Leaving { tenure: 2, generation: 0, shares: units * SHARES_PER_UNIT, leaves_at };
        let delegation = Delegations::<Test>::get(ALICE, DAVE).unwrap();
        assert_eq!(delegation.leaving.to_vec(), [part(30, 120), part(10, 28)]);
        let undelegated =
            |delegator, amount, leaves_at| Event::Undelegated { solver: ALICE, delegator, amount, leaves_at };
        assert_eq!(take_events(), [undelegated(DAVE, 30, 120), undelegated(EVE, 50, 120), undelegated(DAVE, 10, 28)]);
    });
}

#[test]
fn undelegate_should_join_the_part_of_the_same_block() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 10));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 15));
        assert_eq!(Delegations::<Test>::get(ALICE, DAVE).unwrap().leaving.len(), 1);
        // Another tenure is another fund, even in the same block.
        Tenure::set(1);
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 15));
        assert_eq!((waiting(ALICE, 0), waiting(ALICE, 1)), (25, 15));
    });
}

#[test]
fn undelegate_should_take_all_when_less_than_the_minimum_would_remain() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        for amount in [81, 100, 101, Balance::MAX] {
            assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
            take_events();
            assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, amount));
            let event = Event::Undelegated { solver: ALICE, delegator: DAVE, amount: 100, leaves_at: 120 };
            assert_eq!(take_events(), [event]);
        }
        assert_eq!(pool(ALICE).fund, ShareFund::default());
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(EVE), ALICE, 80));
        assert_eq!(worth(ALICE, EVE), 20);
    });
}

#[test]
fn undelegate_should_earn_no_more_and_leave_the_rest_of_the_pool_alone() {
    ExtBuilder.build_and_execute(|| {
        open_pool(0);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 150));
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 150));
        assert_eq!(earn(ALICE, 100), 50);
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, Balance::MAX));
        assert_eq!((waiting(ALICE, 0), worth(ALICE, EVE)), (175, 175));
        assert_eq!(earn(ALICE, 475), 175);
        assert_eq!((waiting(ALICE, 0), worth(ALICE, EVE)), (175, 350));
    });
}

#[test]
fn undelegate_should_remove_what_a_slash_has_left_worthless() {
    ExtBuilder.build_and_execute(|| {
        open_pool(0);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 20));
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 500));
        assert_eq!(Bonds::slash(&ALICE, 300 + 519, 20), 819);
        // One unit is left, and of that a twenty-sixth.
        assert_eq!(worth(ALICE, DAVE), 0);
        take_events();
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 1));
        assert!(!Delegations::<Test>::contains_key(ALICE, DAVE));
        assert!(!Exits::<Test>::contains_key(ALICE, 0));
        assert_eq!(worth(ALICE, EVE), 1);
        let event = Event::Undelegated { solver: ALICE, delegator: DAVE, amount: 0, leaves_at: 120 };
        assert_eq!(take_events(), [event]);
    });
}

#[test]
fn undelegate_should_fail_when_the_amount_is_zero() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_noop!(Bonds::undelegate(signed(DAVE), ALICE, 0), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn undelegate_should_fail_when_nothing_is_delegated() {
    ExtBuilder.build_and_execute(|| {
        let undelegate = || Bonds::undelegate(signed(DAVE), ALICE, 20);
        assert_noop!(undelegate(), Error::<Test>::NotDelegated);
        open_pool(20);
        assert_noop!(undelegate(), Error::<Test>::NotDelegated);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 100));
        assert_noop!(undelegate(), Error::<Test>::NotDelegated);
        // What has been lost is not delegated either.
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_eq!(Bonds::slash(&ALICE, Balance::MAX, 100), 400);
        assert_noop!(undelegate(), Error::<Test>::NotDelegated);
    });
}

#[test]
fn undelegate_should_fail_when_too_many_parts_wait() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 500));
        for block in 0..MaxChunks::get() {
            System::set_block_number(20 + block);
            assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 20));
        }
        System::set_block_number(50);
        assert_noop!(Bonds::undelegate(signed(DAVE), ALICE, 20), Error::<Test>::TooManyChunks);
        System::set_block_number(120);
        assert_ok!(Bonds::withdraw_delegation(signed(DAVE), ALICE));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 20));
    });
}

#[test]
fn undelegate_should_fail_when_shares_of_the_exit_fund_are_out_of_range() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        let fund = ShareFund { balance: 1, shares: u128::MAX / 2, generation: 0 };
        Exits::<Test>::insert(ALICE, 0, crate::Exit { fund, last_at: 20 });
        assert_noop!(Bonds::undelegate(signed(DAVE), ALICE, 20), Error::<Test>::SharesOutOfRange);
        Exits::<Test>::remove(ALICE, 0);
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 20));
    });
}
