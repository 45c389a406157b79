use super::*;
use crate::Delegations;
use sp_runtime::TokenError;

fn withdraw(who: u64) -> sp_runtime::DispatchResult {
    Bonds::withdraw_delegation(signed(who), ALICE)
}

#[test]
fn withdraw_delegation_should_pay_what_is_due_and_keep_the_rest() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 30));
        System::set_block_number(25);
        Tenure::set(1);
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 40));
        take_events();

        System::set_block_number(120);
        Tenure::set(6);
        assert_ok!(withdraw(DAVE));
        assert_eq!((Balances::free_balance(DAVE), pot()), (ENDOWMENT - 70, (0, 70)));
        assert!(!Exits::<Test>::contains_key(ALICE, 0) && Exits::<Test>::contains_key(ALICE, 1));
        System::set_block_number(125);
        assert_ok!(withdraw(DAVE));
        assert_eq!((Balances::free_balance(DAVE), pot()), (ENDOWMENT - 30, (0, 30)));
        assert!(!Exits::<Test>::contains_key(ALICE, 1));
        let withdrawn = |amount| Event::DelegationWithdrawn { solver: ALICE, delegator: DAVE, amount };
        assert_eq!(take_events(), [withdrawn(30), withdrawn(40)]);

        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 30));
        System::set_block_number(225);
        assert_ok!(withdraw(DAVE));
        assert!(!Delegations::<Test>::contains_key(ALICE, DAVE));
        assert_eq!(Balances::free_balance(DAVE), ENDOWMENT);
    });
}

#[test]
fn withdraw_delegation_should_pay_each_its_part_of_a_slashed_exit_fund() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 300));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(EVE), ALICE, 300));
        assert_eq!(Bonds::slash(&ALICE, 300 + 100, 20), 400);
        System::set_block_number(120);
        assert_ok!(withdraw(DAVE));
        assert_ok!(withdraw(EVE));
        assert_eq!((Balances::free_balance(DAVE), Balances::free_balance(EVE)), (ENDOWMENT - 25, ENDOWMENT - 75));
        assert_eq!(pot(), (400, 0));
    });
}

#[test]
fn withdraw_delegation_should_remove_the_record_of_who_has_lost_everything() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_eq!(Bonds::slash(&ALICE, 400, 20), 400);
        take_events();
        assert_ok!(withdraw(DAVE));
        assert!(!Delegations::<Test>::contains_key(ALICE, DAVE));
        assert_eq!(take_events(), [Event::DelegationWithdrawn { solver: ALICE, delegator: DAVE, amount: 0 }]);
        assert_noop!(withdraw(DAVE), Error::<Test>::NotDelegated);
    });
}

#[test]
fn withdraw_delegation_should_pay_nothing_of_a_generation_that_lost_everything() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        Tenure::set(3);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 100));
        assert_eq!(Bonds::slash(&ALICE, 500, 20), 500);
        // The fund of this tenure stays, for the next to join must not revive the shares of the last.
        assert_eq!(Exits::<Test>::get(ALICE, 3).unwrap().fund.generation, 1);
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 60));
        assert_ok!(Bonds::undelegate(signed(EVE), ALICE, 60));
        assert_eq!(waiting(ALICE, 3), 60);
        System::set_block_number(120);
        assert_ok!(withdraw(DAVE));
        assert_ok!(withdraw(EVE));
        assert_eq!((Balances::free_balance(DAVE), Balances::free_balance(EVE)), (ENDOWMENT - 100, ENDOWMENT - 100));
        // It goes once its tenure is over and somebody looks at it.
        assert!(Exits::<Test>::contains_key(ALICE, 3));
        Tenure::set(4);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 100));
        assert_eq!(Bonds::slash(&ALICE, 500, 20), 100);
        assert!(!Exits::<Test>::contains_key(ALICE, 3));
        Tenure::set(5);
        System::set_block_number(220);
        assert_ok!(withdraw(DAVE));
        assert!(!Exits::<Test>::contains_key(ALICE, 4));
    });
}

#[test]
fn withdraw_delegation_should_fail_when_nothing_is_delegated() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(withdraw(DAVE), Error::<Test>::NotDelegated);
    });
}

#[test]
fn withdraw_delegation_should_fail_when_nothing_is_due() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_noop!(withdraw(DAVE), Error::<Test>::NothingToWithdraw);
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 100));
        System::set_block_number(119);
        assert_noop!(withdraw(DAVE), Error::<Test>::NothingToWithdraw);
        System::set_block_number(120);
        assert_ok!(withdraw(DAVE));
    });
}

#[test]
fn withdraw_delegation_should_fail_when_the_account_is_gone_and_the_amount_makes_no_new_one() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 100));
        assert_ok!(Balances::transfer_all(signed(DAVE), EVE, false));
        System::set_block_number(120);
        ExistentialDeposit::set(101);
        assert_noop!(withdraw(DAVE), TokenError::CannotCreate);
        ExistentialDeposit::set(100);
        assert_ok!(withdraw(DAVE));
        assert_eq!(Balances::free_balance(DAVE), 100);
    });
}
