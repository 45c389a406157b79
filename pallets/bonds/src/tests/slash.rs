use super::*;

#[test]
fn slash_should_take_own_bond_then_chunks_then_delegators() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::unbond(signed(ALICE), 60));
        System::set_block_number(21);
        assert_ok!(Bonds::unbond(signed(ALICE), 40));
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        take_events();
        // 200 bonded; 60 unbonded before the fault and 40 in its block; 100 delegated.
        assert_eq!(Bonds::slash(&ALICE, 150, 21), 150);
        assert_eq!((ledger(ALICE).active, worth(ALICE, DAVE), pot()), (50, 100, (150, 100)));
        assert_eq!(Bonds::slash(&ALICE, 70, 21), 70);
        let chunks = |ledger: Ledger<Test>| ledger.unbonding.iter().map(|chunk| chunk.amount).collect::<Vec<_>>();
        assert_eq!((ledger(ALICE).active, chunks(ledger(ALICE)), worth(ALICE, DAVE)), (0, vec![60, 20], 100));
        assert_eq!(Bonds::slash(&ALICE, 50, 21), 50);
        assert_eq!((chunks(ledger(ALICE)), worth(ALICE, DAVE), pot()), (vec![60], 70, (270, 70)));
        // Never more than is there, and never what left before the fault.
        assert_eq!(Bonds::slash(&ALICE, 1_000, 21), 70);
        assert_eq!(Bonds::slash(&ALICE, 1_000, 21), 0);
        assert_eq!((held(ALICE), pot(), TotalBonded::<Test>::get()), (60, (340, 0), 0));
        let slashed = |own, delegated| Event::Slashed { solver: ALICE, own, delegated };
        assert_eq!(take_events(), [slashed(150, 0), slashed(70, 0), slashed(20, 30), slashed(0, 70)]);
        // An older fault reaches the older chunk.
        assert_eq!(Bonds::slash(&ALICE, 1_000, 20), 60);
        assert!(!Ledgers::<Test>::contains_key(ALICE));
    });
}

#[test]
fn slash_should_never_take_what_is_pledged() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::pledge(&ALICE, 250));
        assert_eq!(Bonds::slash(&ALICE, 100, 1), 50);
        assert_eq!((ledger(ALICE).active, ledger(ALICE).pledged), (250, 250));
        // Its delegators answer for the rest.
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_eq!(Bonds::slash(&ALICE, 80, 1), 80);
        assert_eq!((ledger(ALICE).active, worth(ALICE, DAVE)), (250, 20));
    });
}

#[test]
fn slash_should_take_what_has_matured_first() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::bond_more(signed(ALICE), 100));
        assert_eq!(Bonds::slash(&ALICE, 290, 20), 290);
        assert_eq!((ledger(ALICE).active, Bonds::mature(&ALICE)), (110, 10));
        assert_eq!(Bonds::slash(&ALICE, 30, 20), 30);
        assert_eq!(ledger(ALICE).maturing.to_vec(), [Tranche { amount: 80, matures_at: 30 }]);
    });
}

#[test]
fn slash_should_take_from_the_pool_and_from_later_exits_pro_rata() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        for who in [BOB, CHARLIE, DAVE, EVE] {
            assert_ok!(Bonds::delegate(signed(who), ALICE, 100));
        }
        // Bob leaves in tenure 1, Charlie in 2 before the fault; Dave in 3 after it; Eve stays.
        for (who, tenure) in [(BOB, 1), (CHARLIE, 2), (DAVE, 3)] {
            Tenure::set(tenure);
            System::set_block_number(20 + tenure);
            assert_ok!(Bonds::undelegate(signed(who), ALICE, 100));
        }
        Tenure::set(4);
        let fault = 23;
        assert_eq!(Bonds::slash(&ALICE, 300 + 50, fault), 350);
        let all = || [waiting(ALICE, 1), waiting(ALICE, 2), waiting(ALICE, 3), worth(ALICE, EVE)];
        assert_eq!(all(), [100, 100, 75, 75]);
        // A fault in the block of an exit reaches it. Units that do not divide are placed all the same.
        assert_eq!(Bonds::slash(&ALICE, 25, 22), 25);
        assert_eq!(all(), [100, 89, 68, 68]);
        // Everything at last: funds of tenures that are over go.
        assert_eq!(Bonds::slash(&ALICE, 1_000, 0), 325);
        assert_eq!((Exits::<Test>::iter().count(), pool(ALICE).fund.generation, pot()), (0, 1, (700, 0)));
    });
}

#[test]
fn liable_should_be_what_is_mature_and_what_left_after_the_fault() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(Bonds::liable(&ALICE, 0), 0);
        open_pool(20);
        assert_ok!(Bonds::bond_more(signed(ALICE), 70));
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_eq!(Bonds::liable(&ALICE, 20), 300);
        for (block, amount) in [(20, 70), (21, 60), (22, 50)] {
            System::set_block_number(block);
            assert_ok!(Bonds::unbond(signed(ALICE), amount));
        }
        let liable = |faults: [u32; 5]| faults.map(|fault_at| Bonds::liable(&ALICE, fault_at));
        assert_eq!(liable([19, 20, 21, 22, 23]), [370, 370, 300, 240, 190]);
        // Pledged bond weighs and so it counts; what is withdrawn is gone.
        assert_ok!(Bonds::pledge(&ALICE, 190));
        System::set_block_number(121);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
        assert_eq!(liable([19, 20, 21, 22, 23]), [240, 240, 240, 240, 190]);
    });
}

#[test]
fn slash_should_look_at_no_more_tenures_than_it_may() {
    ExtBuilder.build_and_execute(|| {
        open_pool(20);
        assert_ok!(Bonds::delegate(signed(DAVE), ALICE, 100));
        assert_ok!(Bonds::delegate(signed(EVE), ALICE, 100));
        assert_ok!(Bonds::undelegate(signed(DAVE), ALICE, 100));
        Tenure::set(1);
        assert_ok!(Bonds::undelegate(signed(EVE), ALICE, 100));
        Tenure::set(MaxSlashTenures::get());
        assert_eq!(Bonds::slash(&ALICE, 1_000, 20), 400);
        assert_eq!((waiting(ALICE, 0), waiting(ALICE, 1)), (100, 0));
    });
}

#[test]
fn slash_should_do_nothing_when_there_is_nothing() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(Bonds::slash(&ALICE, 100, 0), 0);
        open_pool(20);
        assert_ok!(Bonds::unbond(signed(ALICE), 300));
        take_events();
        assert_eq!(Bonds::slash(&ALICE, 100, 21), 0);
        assert_eq!(Bonds::slash(&ALICE, 0, 20), 0);
        assert_eq!(take_events(), []);
    });
}
