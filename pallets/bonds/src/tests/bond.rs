use super::*;
use sp_runtime::{traits::BadOrigin, TokenError};

#[test]
fn bond_should_hold_the_amount_and_start_its_maturity() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));

        assert_eq!(held(ALICE), 300);
        assert_eq!(Balances::free_balance(ALICE), ENDOWMENT - 300);
        assert_eq!(TotalBonded::<Test>::get(), 300);
        let ledger = ledger(ALICE);
        assert_eq!(ledger.active, 300);
        assert_eq!(ledger.pledged, 0);
        assert_eq!(ledger.maturing.to_vec(), vec![Tranche { amount: 300, matures_at: 11 }]);
        assert_eq!(ledger.unbonding.len(), 0);
        assert_eq!(take_events(), vec![Event::Bonded { solver: ALICE, amount: 300, matures_at: 11 }]);
    });
}

#[test]
fn bond_should_accept_less_than_the_minimum() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 1));
        assert_eq!(held(ALICE), 1);
    });
}

#[test]
fn bond_should_be_mature_at_once_when_maturity_is_zero() {
    ExtBuilder.build_and_execute(|| {
        Maturity::set(0);
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_eq!(ledger(ALICE).maturing.len(), 0);
        assert_eq!(ledger(ALICE).mature(1), 300);
    });
}

#[test]
fn bond_should_fail_when_amount_is_zero() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::bond(signed(ALICE), 0), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn bond_should_fail_when_already_bonded() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_noop!(Bonds::bond(signed(ALICE), 1), Error::<Test>::AlreadyBonded);
    });
}

#[test]
fn bond_should_fail_when_the_last_bond_still_waits_to_be_withdrawn() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::unbond(signed(ALICE), 300));
        assert_noop!(Bonds::bond(signed(ALICE), 1), Error::<Test>::AlreadyBonded);
        // The way back in is to add to what is left.
        assert_ok!(Bonds::bond_more(signed(ALICE), 1));
    });
}

#[test]
fn bond_should_fail_when_the_balance_does_not_suffice() {
    ExtBuilder.build_and_execute(|| {
        // The existential deposit stays free.
        assert_noop!(Bonds::bond(signed(ALICE), ENDOWMENT), TokenError::FundsUnavailable);
        assert_ok!(Bonds::bond(signed(ALICE), ENDOWMENT - 1));
    });
}

#[test]
fn bond_should_fail_when_origin_is_not_signed() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::bond(RuntimeOrigin::root(), 1), BadOrigin);
        assert_noop!(Bonds::bond_more(RuntimeOrigin::root(), 1), BadOrigin);
        assert_noop!(Bonds::unbond(RuntimeOrigin::root(), 1), BadOrigin);
        assert_noop!(Bonds::withdraw(RuntimeOrigin::none()), BadOrigin);
    });
}
