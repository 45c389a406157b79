use super::*;
use crate::Escrowed;

/// [`ALICE`] has 300 of bond, matured in block 20.
fn bonded() {
    assert_ok!(Bonds::bond(signed(ALICE), 300));
    System::set_block_number(20);
}

fn free(who: u64) -> Balance {
    Balances::free_balance(who)
}

#[test]
fn escrow_should_move_bond_into_the_pot_and_restore_should_move_it_back_mature() {
    ExtBuilder.build_and_execute(|| {
        // Neither amount reaches the existential deposit, and the pot has nothing: nothing is free on the way.
        ExistentialDeposit::set(200);
        bonded();
        take_events();
        assert_ok!(Bonds::escrow(&ALICE, 100));
        assert_eq!((ledger(ALICE).active, held(ALICE), pot(), Bonds::escrowed()), (200, 200, (100, 0), 100));
        assert_eq!((TotalBonded::<Test>::get(), Bonds::mature(&ALICE)), (200, 200));
        Bonds::do_try_state().unwrap();
        Bonds::restore(&ALICE, 60);
        assert_eq!((ledger(ALICE).active, held(ALICE), pot(), Bonds::escrowed()), (260, 260, (40, 0), 40));
        assert_eq!((TotalBonded::<Test>::get(), Bonds::mature(&ALICE)), (260, 260));
        assert_eq!(free(Bonds::pot()), 0);
        assert_eq!(
            take_events(),
            [Event::Escrowed { solver: ALICE, amount: 100 }, Event::Restored { solver: ALICE, amount: 60 }]
        );
        assert_ok!(Bonds::escrow(&ALICE, 0));
        Bonds::restore(&ALICE, 0);
        assert_eq!(take_events(), []);
    });
}

#[test]
fn escrow_should_take_the_whole_bond_and_restore_should_bring_the_ledger_back() {
    ExtBuilder.build_and_execute(|| {
        bonded();
        assert_ok!(Bonds::escrow(&ALICE, 300));
        assert!(!Ledgers::<Test>::contains_key(ALICE));
        Bonds::restore(&ALICE, 300);
        assert_eq!((ledger(ALICE).active, Bonds::mature(&ALICE), held(ALICE)), (300, 300, 300));
    });
}

#[test]
fn escrow_should_fail_when_too_little_is_free_or_mature() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::escrow(&ALICE, 1), Error::<Test>::NotBonded);
        bonded();
        assert_ok!(Bonds::bond_more(signed(ALICE), 100));
        assert_noop!(Bonds::escrow(&ALICE, 301), Error::<Test>::NotEnoughMature);
        assert_ok!(Bonds::pledge(&ALICE, 200));
        assert_noop!(Bonds::escrow(&ALICE, 201), Error::<Test>::NotEnoughFree);
        assert_ok!(Bonds::escrow(&ALICE, 200));
        assert_eq!((ledger(ALICE).active, ledger(ALICE).pledged, Bonds::mature(&ALICE)), (200, 200, 100));
    });
}

#[test]
fn restore_should_pay_an_account_that_is_gone_or_the_treasury() {
    ExtBuilder.build_and_execute(|| {
        bonded();
        assert_ok!(Bonds::escrow(&ALICE, 300));
        assert_ok!(Balances::transfer_all(signed(ALICE), EVE, false));
        assert!(!System::account_exists(&ALICE));
        take_events();
        ExistentialDeposit::set(10);
        Bonds::restore(&ALICE, 9);
        assert_eq!((free(ALICE), free(TREASURY)), (0, ENDOWMENT + 9));
        Bonds::restore(&ALICE, 291);
        assert_eq!((free(ALICE), held(ALICE), pot()), (291, 0, (0, 0)));
        assert_eq!(
            take_events(),
            [
                Event::Refused { who: ALICE, amount: 9 },
                Event::Forfeited { amount: 9 },
                Event::Awarded { who: ALICE, amount: 291 },
            ]
        );
    });
}

#[test]
fn confiscate_should_end_the_pledge_and_free_the_rest() {
    ExtBuilder.build_and_execute(|| {
        bonded();
        assert_ok!(Bonds::pledge(&ALICE, 100));
        assert_ok!(Bonds::pledge(&ALICE, 50));
        take_events();
        assert_eq!(Bonds::confiscate(&ALICE, 100, 70), 70);
        assert_eq!((ledger(ALICE).active, ledger(ALICE).pledged, held(ALICE), pot()), (230, 50, 230, (70, 0)));
        assert_eq!(TotalBonded::<Test>::get(), 230);
        // Never more than was pledged.
        assert_eq!(Bonds::confiscate(&ALICE, 50, 80), 50);
        assert_eq!((ledger(ALICE).active, ledger(ALICE).pledged, pot()), (180, 0, (120, 0)));
        assert_eq!(
            take_events(),
            [
                Event::Confiscated { solver: ALICE, amount: 70, released: 30 },
                Event::Confiscated { solver: ALICE, amount: 50, released: 0 },
            ]
        );
    });
}

#[test]
fn confiscate_should_only_free_the_pledge_when_nothing_is_to_be_taken() {
    ExtBuilder.build_and_execute(|| {
        bonded();
        assert_ok!(Bonds::pledge(&ALICE, 100));
        take_events();
        assert_eq!(Bonds::confiscate(&ALICE, 100, 0), 0);
        assert_eq!((ledger(ALICE).active, ledger(ALICE).pledged), (300, 0));
        assert_eq!(take_events(), [Event::Confiscated { solver: ALICE, amount: 0, released: 100 }]);
    });
}

#[test]
fn confiscate_should_take_the_whole_bond_and_then_the_ledger_goes() {
    ExtBuilder.build_and_execute(|| {
        bonded();
        assert_ok!(Bonds::bond_more(signed(ALICE), 50));
        assert_ok!(Bonds::pledge(&ALICE, 350));
        assert_eq!(Bonds::confiscate(&ALICE, 350, 320), 320);
        // What has matured goes first: that is the bond that weighs.
        assert_eq!((ledger(ALICE).active, Bonds::mature(&ALICE)), (30, 0));
        assert_eq!(ledger(ALICE).maturing.to_vec(), [Tranche { amount: 30, matures_at: 30 }]);
        assert_ok!(Bonds::pledge(&ALICE, 30));
        assert_eq!(Bonds::confiscate(&ALICE, 30, 30), 30);
        assert!(!Ledgers::<Test>::contains_key(ALICE));
    });
}

#[test]
fn confiscate_should_take_what_is_pledged_and_say_so_when_asked_for_more() {
    ExtBuilder.build_and_execute(|| {
        bonded();
        assert_ok!(Bonds::pledge(&ALICE, 100));
        take_events();
        assert_eq!(Bonds::confiscate(&ALICE, 101, 101), 100);
        assert_eq!(Bonds::confiscate(&BOB, 1, 1), 0);
        let unexpected = |solver| Event::Unexpected { solver, kind: UnexpectedKind::ReleasedMoreThanPledged };
        assert_eq!(
            take_events(),
            [unexpected(ALICE), Event::Confiscated { solver: ALICE, amount: 100, released: 0 }, unexpected(BOB),]
        );
    });
}

#[test]
fn award_should_pay_from_the_escrow_or_divert_to_the_treasury() {
    ExtBuilder.build_and_execute(|| {
        bonded();
        assert_ok!(Bonds::escrow(&ALICE, 300));
        take_events();
        ExistentialDeposit::set(10);
        Bonds::award(&BOB, 1);
        Bonds::award(&NOBODY, 9);
        Bonds::award(&NOBODY, 10);
        Bonds::award(&BOB, 0);
        assert_eq!((free(BOB), free(NOBODY), free(TREASURY)), (ENDOWMENT + 1, 10, ENDOWMENT + 9));
        assert_eq!((Bonds::escrowed(), pot()), (280, (280, 0)));
        Bonds::forfeit(30);
        Bonds::forfeit(0);
        assert_eq!((Bonds::escrowed(), free(TREASURY)), (250, ENDOWMENT + 39));
        assert_eq!(
            take_events(),
            [
                Event::Awarded { who: BOB, amount: 1 },
                Event::Refused { who: NOBODY, amount: 9 },
                Event::Forfeited { amount: 9 },
                Event::Awarded { who: NOBODY, amount: 10 },
                Event::Forfeited { amount: 30 },
            ]
        );
    });
}

#[test]
fn what_the_treasury_cannot_take_should_be_burned() {
    ExtBuilder.build_and_execute(|| {
        bonded();
        assert_ok!(Bonds::escrow(&ALICE, 300));
        assert_ok!(Balances::transfer_all(signed(TREASURY), BOB, false));
        ExistentialDeposit::set(10);
        let issued = Balances::total_issuance();
        take_events();
        Bonds::forfeit(9);
        Bonds::award(&NOBODY, 8);
        assert_eq!((Bonds::escrowed(), pot()), (283, (283, 0)));
        assert_eq!(Balances::total_issuance(), issued - 17);
        assert_eq!(
            take_events(),
            [Event::Burned { amount: 9 }, Event::Refused { who: NOBODY, amount: 8 }, Event::Burned { amount: 8 }]
        );
    });
}

#[test]
fn the_escrow_should_never_pay_more_than_is_in_it() {
    ExtBuilder.build_and_execute(|| {
        bonded();
        assert_ok!(Bonds::escrow(&ALICE, 100));
        assert_ok!(Bonds::set_commission(signed(ALICE), Perbill::zero()));
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 200));
        take_events();
        Bonds::award(&BOB, 101);
        Bonds::forfeit(1);
        Bonds::restore(&ALICE, 1);
        assert_eq!((free(BOB), free(TREASURY), held(ALICE)), (ENDOWMENT + 100, ENDOWMENT, 200));
        assert_eq!((Escrowed::<Test>::get(), pot()), (0, (0, 200)));
        let unexpected = |solver| Event::Unexpected { solver, kind: UnexpectedKind::EscrowTooSmall };
        assert_eq!(
            take_events(),
            [unexpected(BOB), Event::Awarded { who: BOB, amount: 100 }, unexpected(Bonds::pot()), unexpected(ALICE),]
        );
    });
}
