use super::*;
use crate::UnexpectedKind;
use assay_traits::SolverStake;

#[test]
fn pledge_should_set_bond_aside_until_released() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        take_events();
        assert_ok!(Bonds::pledge(&ALICE, 100));
        assert_ok!(Bonds::pledge(&ALICE, 200));
        assert_eq!((ledger(ALICE).pledged, ledger(ALICE).free()), (300, 0));
        Bonds::release(&ALICE, 100);
        assert_eq!((ledger(ALICE).pledged, ledger(ALICE).free()), (200, 100));
        // A pledge moves no balance and takes no weight from the bond.
        assert_eq!(held(ALICE), 300);
        System::set_block_number(11);
        assert_eq!(Bonds::mature(&ALICE), 300);
        assert_eq!(
            take_events(),
            vec![
                Event::Pledged { solver: ALICE, amount: 100 },
                Event::Pledged { solver: ALICE, amount: 200 },
                Event::Released { solver: ALICE, amount: 100 },
            ]
        );
    });
}

#[test]
fn pledge_should_fail_when_not_bonded() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::pledge(&ALICE, 1), Error::<Test>::NotBonded);
    });
}

#[test]
fn pledge_should_fail_when_too_little_is_free() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::pledge(&ALICE, 200));
        assert_noop!(Bonds::pledge(&ALICE, 101), Error::<Test>::NotEnoughFree);
        assert_noop!(Bonds::pledge(&ALICE, u128::MAX), Error::<Test>::NotEnoughFree);
        // What waits to be withdrawn is not bond any more.
        assert_ok!(Bonds::unbond(signed(ALICE), 50));
        assert_noop!(Bonds::pledge(&ALICE, 51), Error::<Test>::NotEnoughFree);
    });
}

#[test]
fn pledge_should_do_nothing_when_the_amount_is_zero() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::pledge(&ALICE, 0));
        Bonds::release(&ALICE, 0);
        assert!(!Ledgers::<Test>::contains_key(ALICE));
        assert_eq!(take_events(), vec![]);
    });
}

#[test]
fn release_should_free_what_is_there_and_say_so_when_asked_for_more() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::pledge(&ALICE, 100));
        take_events();
        Bonds::release(&ALICE, 101);
        Bonds::release(&BOB, 1);
        assert_eq!(ledger(ALICE).pledged, 0);
        let kind = UnexpectedKind::ReleasedMoreThanPledged;
        assert_eq!(
            take_events(),
            vec![
                Event::Released { solver: ALICE, amount: 100 },
                Event::Unexpected { solver: ALICE, kind },
                Event::Unexpected { solver: BOB, kind },
            ]
        );
        assert!(!Ledgers::<Test>::contains_key(BOB));
    });
}
