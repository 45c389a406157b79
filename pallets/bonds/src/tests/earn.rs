use super::*;

#[test]
fn earnings_should_be_shared_after_the_commission() {
    ExtBuilder.build_and_execute(|| {
        open_pool(10);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 450));
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 150));
        take_events();
        // A tenth is the solver's, of the rest a third.
        assert_eq!(earn(ALICE, 1_000), 600);
        assert_eq!((worth(ALICE, DAVE), worth(ALICE, EVE)), (900, 300));
        assert_eq!((pot(), Balances::free_balance(Bonds::pot())), ((0, 1_200), 0));
        assert_eq!(take_events(), [Event::Earned { solver: ALICE, amount: 600 }]);
    });
}

#[test]
fn earnings_should_round_in_favour_of_the_solver() {
    ExtBuilder.build_and_execute(|| {
        open_pool(1);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 600));
        let share = |earned| <Bonds as Delegators<u64>>::share(&ALICE, earned);
        assert_eq!((share(0), share(1), share(2), share(3)), (0, 0, 0, 1));
        assert_eq!(share(Balance::MAX), (Balance::MAX - Perbill::from_percent(1).mul_ceil(Balance::MAX)) / 3 * 2);
    });
}

#[test]
fn own_bond_should_count_with_what_is_maturing_and_not_with_what_waits() {
    ExtBuilder.build_and_execute(|| {
        open_pool(0);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 300));
        let share = || <Bonds as Delegators<u64>>::share(&ALICE, 1_200);
        assert_eq!(share(), 600);
        assert_ok!(Bonds::bond_more(signed(ALICE), 300));
        assert_eq!(share(), 400);
        assert_ok!(Bonds::unbond(signed(ALICE), 500));
        assert_eq!(share(), 900);
        assert_ok!(Bonds::unbond(signed(ALICE), 100));
        assert_eq!(share(), 1_200);
    });
}

#[test]
fn a_rise_of_the_commission_should_count_once_it_is_in_force() {
    ExtBuilder.build_and_execute(|| {
        open_pool(0);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 300));
        assert_ok!(Bonds::set_commission(signed(ALICE), Perbill::from_percent(50)));
        System::set_block_number(119);
        assert_eq!(earn(ALICE, 100), 50);
        System::set_block_number(120);
        assert_eq!(<Bonds as Delegators<u64>>::share(&ALICE, 1_300), 350);
    });
}

#[test]
fn who_has_no_delegators_should_share_nothing() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(<Bonds as Delegators<u64>>::share(&ALICE, 100), 0);
        open_pool(0);
        assert_eq!(<Bonds as Delegators<u64>>::share(&ALICE, 100), 0);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 300));
        assert_eq!(Bonds::slash(&ALICE, Balance::MAX, 20), 600);
        assert_eq!(<Bonds as Delegators<u64>>::share(&ALICE, 100), 0);
    });
}

#[test]
fn earnings_should_be_nobodys_and_say_so_when_there_are_no_delegators_or_nothing_arrived() {
    ExtBuilder.build_and_execute(|| {
        let credit = |amount| <Bonds as Delegators<u64>>::credit(&ALICE, amount);
        credit(5);
        open_pool(0);
        credit(5);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 300));
        take_events();
        credit(5);
        credit(0);
        assert_eq!(worth(ALICE, DAVE), 300);
        let unplaced = Event::Unexpected { solver: ALICE, kind: UnexpectedKind::EarningsUnplaced };
        assert_eq!(take_events(), [unplaced]);
    });
}
