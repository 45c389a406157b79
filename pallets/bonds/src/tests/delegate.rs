use super::*;
use crate::{Delegations, ShareFund, SHARES_PER_UNIT};
use sp_runtime::TokenError;

#[test]
fn delegate_should_move_the_amount_into_the_pot_and_give_shares() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        take_events();
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 50));
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 20));
        assert_eq!(pot(), (0, 170));
        assert_eq!((worth(ALICE, DAVE), worth(ALICE, EVE)), (120, 50));
        assert_eq!(pool(ALICE).fund, ShareFund { balance: 170, shares: 170 * SHARES_PER_UNIT, generation: 0 });
        assert_eq!((Balances::free_balance(DAVE), Balances::free_balance(EVE)), (ENDOWMENT - 120, ENDOWMENT - 50));
        // The pot exists without any balance of its own.
        assert_eq!(Balances::free_balance(Bonds::pot()), 0);
        // Delegation is not bond: it neither matures nor can be pledged.
        assert_eq!(Bonds::mature(&ALICE), 300);
        assert_noop!(Bonds::pledge(&ALICE, 301), Error::<Test>::NotEnoughFree);
        let delegated = |delegator, amount| Event::Delegated { solver: ALICE, delegator, amount };
        assert_eq!(take_events(), [delegated(DAVE, 100), delegated(EVE, 50), delegated(DAVE, 20)]);
    });
}

#[test]
fn delegate_should_work_whatever_was_sent_to_the_pot() {
    for sent_first in [true, false] {
        ExtBuilder.build_and_execute(|| {
            ExistentialDeposit::set(10);
            open_pool(20);
            let send = || Balances::transfer_allow_death(signed(EVE), Bonds::pot(), 15).unwrap();
            if sent_first {
                send();
            }
            assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
            if !sent_first {
                send();
            }
            assert_eq!((pot(), Balances::free_balance(Bonds::pot())), ((0, 100), 15));
            assert_eq!(earn(ALICE, 40), 8);
            assert_eq!(Bonds::slash(&ALICE, 308, 20), 308);
            assert_eq!(pot(), (308, 100));
            Bonds::forfeit(308);
            assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 100));
            System::set_block_number(120);
            assert_ok!(Bonds::withdraw_delegation(signed(DAVE), ALICE));
            assert_eq!((pot(), Balances::free_balance(Bonds::pot())), ((0, 0), 15));
        });
    }
}

#[test]
fn delegate_should_begin_anew_when_the_pool_has_lost_everything() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 100));
        assert_eq!(Bonds::slash(&ALICE, 1_000, 20), 500);
        assert_eq!((worth(ALICE, DAVE), worth(ALICE, EVE)), (0, 0));
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 30));
        assert_eq!((worth(ALICE, DAVE), worth(ALICE, EVE)), (30, 0));
        assert_eq!(Delegations::<Test>::get(ALICE, DAVE).unwrap().generation, 1);
    });
}

#[test]
fn delegate_should_fail_when_the_amount_is_below_the_minimum() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_noop!(Bonds::delegate(signed(DAVE), ALICE, 19), Error::<Test>::DelegationTooSmall);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 20));
        assert_noop!(Bonds::delegate(signed(DAVE), ALICE, 1), Error::<Test>::DelegationTooSmall);
    });
}

#[test]
fn delegate_should_fail_when_the_solver_has_no_pool() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_noop!(Bonds::delegate(signed(DAVE), ALICE, 100), Error::<Test>::NoPool);
    });
}

#[test]
fn delegate_should_fail_when_shares_are_out_of_range() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        Pools::<Test>::mutate(ALICE, |pool| pool.as_mut().unwrap().fund.balance = u128::MAX);
        assert_noop!(Bonds::delegate(signed(EVE), ALICE, 100), Error::<Test>::SharesOutOfRange);
        Pools::<Test>::mutate(ALICE, |pool| pool.as_mut().unwrap().fund.balance = 100);
    });
}

#[test]
fn delegate_should_fail_when_the_balance_does_not_suffice() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        let delegate = |amount| Bonds::delegate(signed(DAVE), ALICE, amount);
        // The existential deposit stays free.
        assert_noop!(delegate(ENDOWMENT), TokenError::FundsUnavailable);
        assert_ok!(delegate(ENDOWMENT - 1));
    });
}
