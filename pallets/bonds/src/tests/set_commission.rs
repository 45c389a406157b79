use super::*;
use crate::Rise;
use sp_runtime::traits::BadOrigin;

fn percent(percent: u32) -> Perbill {
    Perbill::from_percent(percent)
}

#[test]
fn set_commission_should_open_a_pool() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 50));
        take_events();
        assert_ok!(Bonds::set_commission(signed(ALICE), percent(100)));
        assert_eq!(pool(ALICE), Pool { commission: percent(100), ..Default::default() });
        let event = Event::CommissionSet { solver: ALICE, commission: percent(100), from: 1 };
        assert_eq!(take_events(), [event]);
    });
}

#[test]
fn set_commission_should_lower_at_once_and_raise_after_unbonding() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        take_events();
        assert_ok!(Bonds::set_commission(signed(ALICE), percent(10)));
        assert_eq!(pool(ALICE).commission(20), percent(10));
        assert_ok!(Bonds::set_commission(signed(ALICE), percent(30)));
        assert_eq!(pool(ALICE).rise, Some(Rise { to: percent(30), at: 120 }));
        assert_eq!((pool(ALICE).commission(119), pool(ALICE).commission(120)), (percent(10), percent(30)));
        let set = |commission, from| Event::CommissionSet { solver: ALICE, commission: percent(commission), from };
        assert_eq!(take_events(), [set(10, 20), set(30, 120)]);

        // Another rise waits anew, and what is announced after it came into force is measured against it.
        System::set_block_number(60);
        assert_ok!(Bonds::set_commission(signed(ALICE), percent(25)));
        assert_eq!((pool(ALICE).commission(159), pool(ALICE).commission(160)), (percent(10), percent(25)));
        System::set_block_number(160);
        assert_ok!(Bonds::set_commission(signed(ALICE), percent(25)));
        assert_eq!(pool(ALICE), Pool { commission: percent(25), ..Default::default() });
        assert_ok!(Bonds::set_commission(signed(ALICE), percent(26)));
        assert_eq!((pool(ALICE).commission(259), pool(ALICE).commission(260)), (percent(25), percent(26)));
        // What is lowered forgets the rise.
        assert_ok!(Bonds::set_commission(signed(ALICE), percent(24)));
        assert_eq!(pool(ALICE).commission(1_000), percent(24));
    });
}

#[test]
fn set_commission_should_work_without_a_bond_when_the_pool_is_open() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::unbond(signed(ALICE), 300));
        System::set_block_number(120);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
        assert_ok!(Bonds::set_commission(signed(ALICE), percent(10)));
    });
}

#[test]
fn set_commission_should_fail_when_not_bonded() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::set_commission(signed(ALICE), percent(1)), Error::<Test>::NotBonded);
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::unbond(signed(ALICE), 300));
        assert_noop!(Bonds::set_commission(signed(ALICE), percent(1)), Error::<Test>::NotBonded);
    });
}

#[test]
fn set_commission_should_fail_when_the_bond_is_below_the_minimum() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 49));
        assert_noop!(Bonds::set_commission(signed(ALICE), percent(1)), Error::<Test>::BelowMinimum);
    });
}

#[test]
fn an_unused_pool_should_go_with_the_last_of_the_bond() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::unbond(signed(ALICE), 300));
        System::set_block_number(120);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
        assert!(!Pools::<Test>::contains_key(ALICE));
        // Whoever waits is paid all the same.
        assert_ok!(Bonds::withdraw_delegation(signed(DAVE), ALICE));
        assert_eq!(Balances::free_balance(DAVE), ENDOWMENT);
    });
}

#[test]
fn calls_of_delegation_should_fail_when_origin_is_not_signed() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::set_commission(RuntimeOrigin::root(), percent(1)), BadOrigin);
        assert_noop!(Bonds::delegate(RuntimeOrigin::root(), ALICE, 100), BadOrigin);
        assert_noop!(Bonds::undelegate(RuntimeOrigin::root(), ALICE, 100), BadOrigin);
        assert_noop!(Bonds::withdraw_delegation(RuntimeOrigin::none(), ALICE), BadOrigin);
    });
}
