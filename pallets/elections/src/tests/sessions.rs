use super::*;
use frame_support::{traits::Hooks, weights::Weight};

#[test]
fn founders_should_go_on_until_somebody_is_drawn() {
    run(|| {
        for _ in 0..8 {
            assert_eq!(validators(), FOUNDERS);
            next_tenure();
        }
    });
}

#[test]
fn seats_should_serve_four_tenures_after_the_commitments() {
    run(|| {
        let who = candidates(2);
        who.iter().for_each(|who| {
            assert_ok!(commit(*who, 10));
        });
        for tenure in 3..6 {
            next_tenure();
            assert_eq!((Tenure::get(), validators()), (tenure, FOUNDERS.to_vec()));
        }
        next_tenure();
        let seats = seats_of(2);
        assert_eq!((Tenure::get(), validators()), (6, vec![1, 2, seats[0], seats[1]]));
        // Nobody committed to tenure 3, so the same seats go on.
        next_tenure();
        assert_eq!(validators(), [1, 2, seats[0], seats[1]]);
    });
}

#[test]
fn seats_should_change_hands() {
    run(|| {
        Seats::set(1);
        let who = candidates(2);
        assert_ok!(commit(who[0], 10));
        next_tenure();
        assert_ok!(commit(who[1], 10));
        (0..3).for_each(|_| next_tenure());
        assert_eq!(validators(), [1, 2, who[0]]);
        next_tenure();
        assert_eq!(validators(), [1, 2, who[1]]);
    });
}

#[test]
fn a_set_that_stays_should_not_be_named_anew() {
    run(|| {
        assert_eq!(Elections::name_set(1), None);
        CommitteeSize::set(1);
        Elections::note_offence(&2, Perbill::from_percent(1));
        assert_eq!(Elections::name_set(1), Some(vec![1, 3, 2]));
    });
}

#[test]
fn one_who_left_after_the_draw_should_not_be_named() {
    run(|| {
        let who = candidates(2);
        who.iter().for_each(|who| {
            assert_ok!(commit(*who, 10));
        });
        next_tenure();
        next_tenure();
        assert_ok!(Elections::leave(signed(who[0])));
        next_tenure();
        next_tenure();
        // Three founders: a set has three members at least.
        assert_eq!(validators(), [1, 2, who[1]]);
    });
}

#[test]
fn one_who_stands_instead_should_not_keep_its_seat() {
    run(|| {
        let who = candidates(1);
        assert_ok!(commit(who[0], 10));
        next_tenure();
        next_tenure();
        assert_ok!(Elections::leave(signed(who[0])));
        assert_ok!(stand(who[0], 1));
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [who[0], 1]);
        assert_eq!(validators(), [who[0], 1, 2, 3]);
    });
}

#[test]
fn founders_should_fill_a_set_that_is_too_small() {
    run(|| {
        Seats::set(1);
        CommitteeSize::set(1);
        let who = candidates(1);
        assert_ok!(commit(who[0], 10));
        (0..4).for_each(|_| next_tenure());
        assert_eq!(validators(), [1, who[0], 2]);
        // One who is out comes last.
        Elections::note_offence(&2, Perbill::from_percent(1));
        next_tenure();
        next_tenure();
        assert_eq!(validators(), [1, who[0], 3]);
        // And before there are too few.
        Elections::note_offence(&3, Perbill::from_percent(1));
        next_tenure();
        next_tenure();
        assert_eq!(validators(), [1, who[0], 2]);
    });
}

#[test]
fn the_set_that_is_there_should_go_on_when_nobody_can_be_named() {
    run(|| {
        for founder in FOUNDERS {
            MockKeys::set(founder, None);
        }
        assert_eq!(Elections::name_set(5), None);
        next_tenure();
        next_tenure();
        assert_eq!(validators(), FOUNDERS);
    });
}

#[test]
fn a_seat_whose_owner_never_appears_should_be_given_to_others() {
    run(|| {
        Seats::set(1);
        let who = candidates(1);
        assert_ok!(commit(who[0], 10));
        (0..4).for_each(|_| next_tenure());
        assert_eq!(validators(), [1, 2, who[0]]);
        // Of ten blocks in a tenure with three validators 3.333 are its own: after four tenures it should have made ten.
        for _ in 0..3 {
            next_tenure_without(&who);
            assert!(!candidate(who[0]).chilled);
        }
        assert_eq!(Missed::<Test>::get(who[0]), 9_999);
        take_events();
        next_tenure_without(&who);
        assert!(take_events().contains(&Event::Chilled { who: who[0], reason: ChillReason::Absence }));
        assert!(candidate(who[0]).chilled);
        assert_eq!(Missed::<Test>::get(who[0]), 0);
        next_tenure();
        next_tenure();
        assert_eq!(validators(), [1, 2, 3]);
        // Its bond is whole.
        assert_eq!(held(who[0]), 100);
    });
}

#[test]
fn one_block_should_be_enough_to_be_there() {
    run(|| {
        for _ in 0..2 {
            next_tenure_without(&[3]);
        }
        // Eleven blocks, then ten, of which a third are its own.
        assert_eq!(Missed::<Test>::get(3), 3_666 + 3_333);
        next_tenure();
        assert_eq!(Missed::<Test>::get(3), 0);
        assert!(!Founders::<Test>::get()[2].chilled);
    });
}

#[test]
fn an_author_should_be_noted_once_in_a_tenure() {
    run(|| {
        Elections::note_author(&1);
        Elections::note_author(&1);
        assert_eq!(Authors::<Test>::get().to_vec(), [1]);
        next_tenure();
        assert!(Authors::<Test>::get().is_empty());
    });
}

#[test]
fn an_offence_should_take_a_tenth_of_the_seat_bond_at_least_and_put_out() {
    run(|| {
        candidates(2);
        take_events();
        Elections::note_offence(&FIRST, Perbill::from_percent(1));
        let chilled = |who| Event::Chilled { who, reason: ChillReason::Offence };
        assert_eq!(take_events(), [Event::Slashed { who: FIRST, amount: 10 }, chilled(FIRST)]);
        Elections::note_offence(&(FIRST + 1), Perbill::from_percent(60));
        assert_eq!(take_events(), [Event::Slashed { who: FIRST + 1, amount: 60 }, chilled(FIRST + 1)]);
        assert_eq!((held(FIRST), held(FIRST + 1)), (90, 40));
        assert_eq!(Balances::free_balance(TREASURY), ENDOWMENT + 70);
        // Once more: it is out already, and pays again.
        Elections::note_offence(&(FIRST + 1), Perbill::from_percent(100));
        assert_eq!(take_events(), [Event::Slashed { who: FIRST + 1, amount: 40 }]);
        Elections::note_offence(&(FIRST + 1), Perbill::from_percent(100));
        assert_eq!(take_events(), []);
    });
}

#[test]
fn a_bond_that_is_leaving_should_still_answer() {
    run(|| {
        candidates(1);
        assert_ok!(Elections::leave(signed(FIRST)));
        take_events();
        Elections::note_offence(&FIRST, Perbill::from_percent(50));
        assert_eq!(take_events(), [Event::Slashed { who: FIRST, amount: 50 }]);
        System::set_block_number(1_000);
        assert_ok!(Elections::withdraw_seat_bond(signed(FIRST)));
        assert_eq!(Balances::free_balance(FIRST), ENDOWMENT - 50);
    });
}

#[test]
fn an_offender_on_the_committee_should_no_longer_stand() {
    run(|| {
        assert_ok!(stand(STANDING, 500));
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING, 1]);
        Elections::note_offence(&STANDING, Perbill::from_percent(50));
        assert!(Standing::<Test>::get().is_empty());
        assert!(SeatBonds::<Test>::get(STANDING).unwrap().leaves_at.is_some());
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [1, 2]);
    });
}

#[test]
fn a_slash_that_the_treasury_cannot_take_should_be_burned() {
    run(|| {
        candidates(1);
        ExistentialDeposit::set(1_000);
        set_balance(TREASURY, 0);
        let issuance = Balances::total_issuance();
        Elections::note_offence(&FIRST, Perbill::from_percent(50));
        assert_eq!((held(FIRST), Balances::total_issuance()), (50, issuance - 50));
        ExistentialDeposit::set(1);
    });
}

#[test]
fn an_absence_should_be_forgotten_with_the_bond() {
    run(|| {
        Seats::set(1);
        let who = candidates(1);
        assert_ok!(commit(who[0], 10));
        (0..4).for_each(|_| next_tenure());
        assert_eq!(validators(), [1, 2, who[0]]);
        // It leaves, and does not serve to the end.
        assert_ok!(Elections::leave(signed(who[0])));
        next_tenure_without(&who);
        assert!(Missed::<Test>::contains_key(who[0]));
        System::set_block_number(1_000);
        assert_ok!(Elections::withdraw_seat_bond(signed(who[0])));
        assert!(!Missed::<Test>::contains_key(who[0]));
    });
}

#[test]
fn a_chain_that_gets_elections_should_forget_its_first_draws_too() {
    run(|| {
        Tenure::set(20);
        System::set_block_number(200);
        Elections::found();
        Elections::on_initialize(200);
        assert!(Draws::<Test>::contains_key(18));
        check();
        for _ in 0..KEPT_TENURES {
            next_tenure();
            Elections::on_idle(System::block_number(), Weight::MAX);
        }
        assert!(!Draws::<Test>::contains_key(18) && Draws::<Test>::contains_key(20));
    });
}
