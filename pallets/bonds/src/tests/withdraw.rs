use super::*;

#[test]
fn withdraw_should_pay_what_is_due_and_keep_the_rest() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::unbond(signed(ALICE), 100));
        System::set_block_number(5);
        assert_ok!(Bonds::unbond(signed(ALICE), 50));
        take_events();

        System::set_block_number(101);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
        assert_eq!(held(ALICE), 200);
        assert_eq!(Balances::free_balance(ALICE), ENDOWMENT - 200);
        assert_eq!(ledger(ALICE).unbonding.to_vec(), vec![Chunk { amount: 50, leaves_at: 105, unbonded_at: 5 }]);
        assert_eq!(TotalBonded::<Test>::get(), 150);
        assert_eq!(take_events(), vec![Event::Withdrawn { solver: ALICE, amount: 100 }]);

        System::set_block_number(105);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
        assert_eq!(held(ALICE), 150);
        assert_eq!(ledger(ALICE).unbonding.len(), 0);
    });
}

#[test]
fn withdraw_should_pay_all_due_chunks_at_once() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        for block in 1..=MaxChunks::get() {
            System::set_block_number(block);
            assert_ok!(Bonds::unbond(signed(ALICE), 10));
        }
        System::set_block_number(500);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
        assert_eq!(held(ALICE), 270);
    });
}

#[test]
fn withdraw_should_remove_the_ledger_when_nothing_is_left() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::unbond(signed(ALICE), 300));
        System::set_block_number(101);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
        assert!(!Ledgers::<Test>::contains_key(ALICE));
        assert_eq!((held(ALICE), Balances::free_balance(ALICE)), (0, ENDOWMENT));
        assert_eq!(TotalBonded::<Test>::get(), 0);
        assert_ok!(Bonds::bond(signed(ALICE), 300));
    });
}

#[test]
fn withdraw_should_fail_when_not_bonded() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::withdraw(signed(ALICE)), Error::<Test>::NotBonded);
    });
}

#[test]
fn withdraw_should_fail_when_nothing_is_due() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_noop!(Bonds::withdraw(signed(ALICE)), Error::<Test>::NothingToWithdraw);
        assert_ok!(Bonds::unbond(signed(ALICE), 100));
        System::set_block_number(100);
        assert_noop!(Bonds::withdraw(signed(ALICE)), Error::<Test>::NothingToWithdraw);
        System::set_block_number(101);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
    });
}
