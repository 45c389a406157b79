use super::*;

/// Commits `amount` in this tenure by a single candidate.
fn one_commitment(amount: Balance) {
    candidates(1);
    assert_ok!(commit(FIRST, amount));
    take_events();
}

fn totals() -> Totals {
    CommitTotals::<Test>::get()
}

#[test]
fn the_committee_should_share_its_half_by_stake() {
    run(|| {
        assert_ok!(stand(STANDING, 300));
        assert_ok!(stand(STANDING + 1, 100));
        one_commitment(81);
        let before = [STANDING, STANDING + 1].map(Balances::free_balance);
        next_tenure();
        let gains: Vec<_> = [STANDING, STANDING + 1]
            .into_iter()
            .zip(before)
            .map(|(who, before)| Balances::free_balance(who) - before)
            .collect();
        assert_eq!(gains, [30, 10]);
        assert!(take_events().contains(&Event::CommitteePaid { paid: 40, burned: 0 }));
        assert_eq!(totals(), Totals { committed: 81, burned: 41, paid: 40, pending: 0 });
        assert_eq!(Balances::free_balance(Elections::pot()), 0);
    });
}

#[test]
fn those_who_were_there_when_the_tenure_began_should_be_paid() {
    run(|| {
        assert_ok!(stand(STANDING, 300));
        one_commitment(80);
        assert_eq!(Elections::committee(), [STANDING, 1]);
        // Stake that comes later, and one who leaves, change nothing for this tenure.
        MockStake::bond(STANDING, 1);
        MockStake::bond(1, 1_000);
        assert_ok!(Elections::leave(signed(STANDING)));
        let before = Balances::free_balance(STANDING);
        next_tenure();
        assert_eq!(Balances::free_balance(STANDING), before + 40);
    });
}

#[test]
fn founders_without_stake_should_share_equally_and_the_rest_is_burned() {
    run(|| {
        one_commitment(14);
        let issuance = Balances::total_issuance();
        next_tenure();
        assert_eq!([1, 2].map(Balances::free_balance), [ENDOWMENT + 3; 2]);
        assert_eq!(totals(), Totals { committed: 14, burned: 8, paid: 6, pending: 0 });
        assert_eq!(Balances::total_issuance(), issuance - 1);
    });
}

#[test]
fn what_a_member_cannot_take_should_be_burned() {
    run(|| {
        one_commitment(100);
        ExistentialDeposit::set(1_000);
        set_balance(2, 0);
        next_tenure();
        assert_eq!(Balances::free_balance(1), ENDOWMENT + 25);
        assert_eq!(totals(), Totals { committed: 100, burned: 75, paid: 25, pending: 0 });
        ExistentialDeposit::set(1);
    });
}

#[test]
fn what_somebody_sends_to_the_pot_should_stay_there() {
    run(|| {
        assert_ok!(Balances::transfer_allow_death(signed(STANDING), Elections::pot(), 33));
        one_commitment(40);
        next_tenure();
        assert_eq!(Balances::free_balance(Elections::pot()), 33);
        assert_eq!(totals(), Totals { committed: 40, burned: 20, paid: 20, pending: 0 });
    });
}

#[test]
fn nobody_should_be_paid_twice() {
    run(|| {
        one_commitment(40);
        next_tenure();
        take_events();
        next_tenure();
        assert!(take_events().iter().all(|event| !matches!(event, Event::CommitteePaid { .. })));
    });
}

#[test]
fn stakes_whose_sum_overflows_should_share_no_more_than_there_is() {
    run(|| {
        assert_ok!(stand(STANDING, Balance::MAX));
        assert_ok!(stand(STANDING + 1, Balance::MAX));
        assert_ok!(Balances::transfer_allow_death(signed(STANDING + 2), Elections::pot(), 100));
        one_commitment(80);
        next_tenure();
        assert_eq!(totals(), Totals { committed: 80, burned: 40, paid: 40, pending: 0 });
        assert_eq!(Balances::free_balance(Elections::pot()), 100);
    });
}
