use super::*;
use assay_traits::SolverStake;

#[test]
fn unbond_should_queue_the_amount_and_keep_it_on_hold() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        System::set_block_number(20);
        take_events();
        assert_ok!(Bonds::unbond(signed(ALICE), 120));

        assert_eq!(held(ALICE), 300);
        assert_eq!(TotalBonded::<Test>::get(), 180);
        assert_eq!(ledger(ALICE).active, 180);
        assert_eq!(ledger(ALICE).unbonding.to_vec(), vec![Chunk { amount: 120, leaves_at: 120, unbonded_at: 20 }]);
        assert_eq!(take_events(), vec![Event::Unbonded { solver: ALICE, amount: 120, leaves_at: 120 }]);
    });
}

#[test]
fn unbond_should_take_the_youngest_first() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        System::set_block_number(11);
        assert_ok!(Bonds::bond_more(signed(ALICE), 100));
        System::set_block_number(12);
        assert_ok!(Bonds::bond_more(signed(ALICE), 50));

        // A part of the youngest.
        assert_ok!(Bonds::unbond(signed(ALICE), 20));
        let parts = vec![Tranche { amount: 100, matures_at: 21 }, Tranche { amount: 30, matures_at: 22 }];
        assert_eq!(ledger(ALICE).maturing.to_vec(), parts);
        // The rest of it, and a part of the next.
        assert_ok!(Bonds::unbond(signed(ALICE), 40));
        assert_eq!(ledger(ALICE).maturing.to_vec(), vec![Tranche { amount: 90, matures_at: 21 }]);
        assert_eq!(Bonds::mature(&ALICE), 300);
        // The mature bond goes last.
        assert_ok!(Bonds::unbond(signed(ALICE), 100));
        assert_eq!(ledger(ALICE).maturing.len(), 0);
        assert_eq!(Bonds::mature(&ALICE), 290);
    });
}

#[test]
fn unbond_should_join_the_chunk_of_the_same_block() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::unbond(signed(ALICE), 10));
        assert_ok!(Bonds::unbond(signed(ALICE), 15));
        assert_eq!(ledger(ALICE).unbonding.to_vec(), vec![Chunk { amount: 25, leaves_at: 101, unbonded_at: 1 }]);
    });
}

#[test]
fn unbond_should_keep_the_time_of_queued_chunks_when_the_parameter_changes() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::unbond(signed(ALICE), 10));
        Unbonding::set(5);
        assert_ok!(Bonds::unbond(signed(ALICE), 20));
        System::set_block_number(6);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
        assert_eq!(ledger(ALICE).unbonding.to_vec(), vec![Chunk { amount: 10, leaves_at: 101, unbonded_at: 1 }]);
    });
}

#[test]
fn unbond_should_fail_when_amount_is_zero() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_noop!(Bonds::unbond(signed(ALICE), 0), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn unbond_should_fail_when_not_bonded() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::unbond(signed(ALICE), 1), Error::<Test>::NotBonded);
    });
}

#[test]
fn unbond_should_fail_when_the_bond_is_smaller() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_noop!(Bonds::unbond(signed(ALICE), 301), Error::<Test>::InsufficientBond);
        assert_ok!(Bonds::unbond(signed(ALICE), 300));
        assert_noop!(Bonds::unbond(signed(ALICE), 1), Error::<Test>::InsufficientBond);
    });
}

#[test]
fn unbond_should_fail_when_the_amount_is_pledged() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        assert_ok!(Bonds::pledge(&ALICE, 200));
        assert_noop!(Bonds::unbond(signed(ALICE), 101), Error::<Test>::Pledged);
        assert_ok!(Bonds::unbond(signed(ALICE), 100));
        assert_noop!(Bonds::unbond(signed(ALICE), 1), Error::<Test>::Pledged);
        Bonds::release(&ALICE, 200);
        assert_ok!(Bonds::unbond(signed(ALICE), 200));
    });
}

#[test]
fn unbond_should_fail_when_chunks_are_full() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        for block in 1..=MaxChunks::get() {
            System::set_block_number(block);
            assert_ok!(Bonds::unbond(signed(ALICE), 10));
        }
        // The last chunk of this block can still grow.
        assert_ok!(Bonds::unbond(signed(ALICE), 10));
        System::set_block_number(MaxChunks::get() + 1);
        assert_noop!(Bonds::unbond(signed(ALICE), 10), Error::<Test>::TooManyChunks);
        System::set_block_number(101);
        assert_ok!(Bonds::withdraw(signed(ALICE)));
        assert_ok!(Bonds::unbond(signed(ALICE), 10));
    });
}
