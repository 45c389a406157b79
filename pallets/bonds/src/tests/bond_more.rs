use super::*;
use sp_runtime::TokenError;

#[test]
fn bond_more_should_add_a_part_with_its_own_maturity() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        System::set_block_number(4);
        take_events();
        assert_ok!(Bonds::bond_more(signed(ALICE), 100));

        assert_eq!(held(ALICE), 400);
        assert_eq!(TotalBonded::<Test>::get(), 400);
        let parts = vec![Tranche { amount: 300, matures_at: 11 }, Tranche { amount: 100, matures_at: 14 }];
        assert_eq!(ledger(ALICE).maturing.to_vec(), parts);
        assert_eq!(take_events(), vec![Event::BondedMore { solver: ALICE, amount: 100, matures_at: 14 }]);
        assert_eq!(ledger(ALICE).mature(10), 0);
        assert_eq!(ledger(ALICE).mature(11), 300);
        assert_eq!(ledger(ALICE).mature(13), 300);
        assert_eq!(ledger(ALICE).mature(14), 400);
    });
}

#[test]
fn bond_more_should_join_the_part_of_the_same_block() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::bond_more(signed(ALICE), 100));
        assert_eq!(ledger(ALICE).maturing.to_vec(), vec![Tranche { amount: 400, matures_at: 11 }]);
    });
}

#[test]
fn bond_more_should_join_the_youngest_part_at_the_later_time_when_parts_are_full() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 10));
        for block in 2..=MaxTranches::get() {
            System::set_block_number(block);
            assert_ok!(Bonds::bond_more(signed(ALICE), 10));
        }
        assert_eq!(ledger(ALICE).maturing.len() as u32, MaxTranches::get());
        System::set_block_number(9);
        assert_ok!(Bonds::bond_more(signed(ALICE), 5));

        let parts = ledger(ALICE).maturing.to_vec();
        assert_eq!(parts.len() as u32, MaxTranches::get());
        assert_eq!(parts.last(), Some(&Tranche { amount: 15, matures_at: 19 }));
        assert_eq!(parts[1], Tranche { amount: 10, matures_at: 12 });
    });
}

#[test]
fn bond_more_should_forget_parts_that_have_matured() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        System::set_block_number(11);
        assert_ok!(Bonds::bond_more(signed(ALICE), 100));
        assert_eq!(ledger(ALICE).maturing.to_vec(), vec![Tranche { amount: 100, matures_at: 21 }]);
        assert_eq!(ledger(ALICE).mature(11), 300);
    });
}

#[test]
fn bond_more_should_not_mature_before_older_parts_when_maturity_was_shortened() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        Maturity::set(2);
        System::set_block_number(3);
        assert_ok!(Bonds::bond_more(signed(ALICE), 100));
        assert_eq!(ledger(ALICE).maturing.to_vec(), vec![Tranche { amount: 400, matures_at: 11 }]);
    });
}

#[test]
fn bond_more_should_fail_when_amount_is_zero() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_noop!(Bonds::bond_more(signed(ALICE), 0), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn bond_more_should_fail_when_not_bonded() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::bond_more(signed(ALICE), 1), Error::<Test>::NotBonded);
    });
}

#[test]
fn bond_more_should_fail_when_the_balance_does_not_suffice() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 900));
        assert_noop!(Bonds::bond_more(signed(ALICE), 100), TokenError::FundsUnavailable);
    });
}
