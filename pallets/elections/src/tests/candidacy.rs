use super::*;
use sp_runtime::traits::BadOrigin;

#[test]
fn register_should_hold_the_seat_bond_and_name_the_first_tenure() {
    run(|| {
        assert_ok!(register(FIRST));
        assert_eq!(held(FIRST), 100);
        assert_eq!(SeatBonds::<Test>::get(FIRST), Some(SeatBond { amount: 100, leaves_at: None }));
        assert_eq!(take_events(), [Event::Registered { candidate: FIRST, from: WAIT }]);
    });
}

#[test]
fn register_should_start_the_wait_again_when_a_key_changes() {
    run(|| {
        assert_ok!(register(FIRST));
        next_tenure();
        // The same keys change nothing.
        assert_ok!(register(FIRST));
        assert_eq!(candidate(FIRST).since, 0);
        assert_ok!(Elections::register(signed(FIRST), [5; 32], keys(FIRST)));
        assert_eq!(candidate(FIRST).since, 1);
        next_tenure();
        MockKeys::set(FIRST, Some(keys(77)));
        assert_ok!(Elections::register(signed(FIRST), [5; 32], keys(77)));
        assert_eq!(candidate(FIRST).since, 2);
        assert_eq!(held(FIRST), 100);
    });
}

#[test]
fn register_should_hold_what_is_missing_of_a_bond() {
    run(|| {
        assert_ok!(register(FIRST));
        SeatBondAmount::set(130);
        assert_ok!(register(FIRST));
        assert_eq!(held(FIRST), 130);
        // A smaller one gives nothing back while it is needed.
        SeatBondAmount::set(50);
        assert_ok!(register(FIRST));
        assert_eq!(held(FIRST), 130);
    });
}

#[test]
fn register_should_fail_when_keys_are_not_set_or_others() {
    run(|| {
        let key = pair(FIRST).public().0;
        assert_noop!(Elections::register(signed(FIRST), key, keys(FIRST)), Error::<Test>::NoSessionKeys);
        MockKeys::set(FIRST, Some(keys(FIRST)));
        assert_noop!(Elections::register(signed(FIRST), key, keys(FIRST + 1)), Error::<Test>::KeysMismatch);
    });
}

#[test]
fn register_should_fail_when_the_balance_does_not_suffice() {
    run(|| {
        set_balance(FIRST, 100);
        assert_noop!(register(FIRST), TokenError::FundsUnavailable);
    });
}

#[test]
fn register_should_fail_when_there_are_as_many_candidates_as_there_may_be() {
    run(|| {
        for n in 0..6 {
            assert_ok!(register(FIRST + n));
        }
        assert_noop!(register(FIRST + 6), Error::<Test>::TooManyCandidates);
        // Those who are there may still change their keys.
        assert_ok!(Elections::register(signed(FIRST), [5; 32], keys(FIRST)));
        assert_ok!(Elections::leave(signed(FIRST)));
        assert_ok!(register(FIRST + 6));
    });
}

#[test]
fn register_should_fail_when_the_account_stands() {
    run(|| {
        assert_ok!(stand(STANDING, 500));
        assert_noop!(register(STANDING), Error::<Test>::StandsForCommittee);
    });
}

#[test]
fn leave_should_let_the_bond_go_when_no_report_can_come_any_more() {
    run(|| {
        assert_noop!(Elections::leave(signed(FIRST)), Error::<Test>::NotThere);
        assert_ok!(register(FIRST));
        assert_noop!(Elections::withdraw_seat_bond(signed(FIRST)), Error::<Test>::NothingToWithdraw);
        assert_noop!(Elections::withdraw_seat_bond(signed(FIRST + 1)), Error::<Test>::NothingToWithdraw);
        take_events();
        assert_ok!(Elections::leave(signed(FIRST)));
        assert_eq!(take_events(), [Event::Left { who: FIRST, leaves_at: 101 }]);
        assert_noop!(Elections::leave(signed(FIRST)), Error::<Test>::NotThere);
        System::set_block_number(100);
        assert_noop!(Elections::withdraw_seat_bond(signed(FIRST)), Error::<Test>::TooEarly);
        System::set_block_number(101);
        assert_ok!(Elections::withdraw_seat_bond(signed(FIRST)));
        assert_eq!(take_events(), [Event::SeatBondWithdrawn { who: FIRST, amount: 100 }]);
        assert_eq!((held(FIRST), Balances::free_balance(FIRST)), (0, ENDOWMENT));
        assert_noop!(Elections::withdraw_seat_bond(signed(FIRST)), Error::<Test>::NothingToWithdraw);
    });
}

#[test]
fn a_bond_that_leaves_should_serve_again_when_its_owner_comes_back() {
    run(|| {
        assert_ok!(register(FIRST));
        assert_ok!(Elections::leave(signed(FIRST)));
        assert_ok!(register(FIRST));
        assert_eq!(SeatBonds::<Test>::get(FIRST), Some(SeatBond { amount: 100, leaves_at: None }));
        assert_eq!(held(FIRST), 100);
    });
}

#[test]
fn evict_should_take_the_place_of_a_candidate_that_does_not_commit() {
    run(|| {
        assert_noop!(Elections::evict(signed(STANDING), FIRST), Error::<Test>::NotCandidate);
        assert_ok!(register(FIRST));
        assert_ok!(register(FIRST + 1));
        next_tenure();
        next_tenure();
        assert_ok!(commit(FIRST + 1, 10));
        for _ in 3..8 {
            next_tenure();
            assert_noop!(Elections::evict(signed(STANDING), FIRST), Error::<Test>::NotIdle);
        }
        next_tenure();
        take_events();
        assert_ok!(Elections::evict(signed(STANDING), FIRST));
        assert_eq!(take_events(), [Event::Evicted { candidate: FIRST }]);
        assert!(SeatBonds::<Test>::get(FIRST).unwrap().leaves_at.is_some());
        // The other has committed six tenures ago: that is the first tenure that no longer counts.
        assert_eq!(Tenure::get(), 8);
        assert_ok!(Elections::evict(signed(STANDING), FIRST + 1));
    });
}

#[test]
fn evict_should_fail_when_the_candidate_has_committed_lately() {
    run(|| {
        candidates(1);
        for _ in 2..12 {
            assert_ok!(commit(FIRST, 10));
            next_tenure();
        }
        assert_noop!(Elections::evict(signed(STANDING), FIRST), Error::<Test>::NotIdle);
    });
}

#[test]
fn resume_should_start_the_wait_again_and_hold_what_a_slash_took() {
    run(|| {
        candidates(1);
        assert_noop!(Elections::resume(signed(FIRST)), Error::<Test>::NotChilled);
        assert_noop!(Elections::resume(signed(STANDING)), Error::<Test>::NotChilled);
        Elections::note_offence(&FIRST, Perbill::from_percent(30));
        assert_eq!(held(FIRST), 70);
        assert_noop!(commit(FIRST, 10), Error::<Test>::Chilled);
        // Registering does not end it.
        assert_ok!(register(FIRST));
        assert_noop!(commit(FIRST, 10), Error::<Test>::Chilled);
        take_events();
        assert_ok!(Elections::resume(signed(FIRST)));
        assert_eq!(take_events(), [Event::Resumed { who: FIRST }]);
        assert_eq!((held(FIRST), candidate(FIRST).since), (100, 2));
        assert_noop!(commit(FIRST, 10), Error::<Test>::Waiting);
    });
}

#[test]
fn resume_should_fail_when_the_balance_does_not_suffice() {
    run(|| {
        candidates(1);
        Elections::note_offence(&FIRST, Perbill::from_percent(30));
        set_balance(FIRST, 10);
        assert_noop!(Elections::resume(signed(FIRST)), TokenError::FundsUnavailable);
    });
}

#[test]
fn resume_should_bring_a_founder_back() {
    run(|| {
        Elections::note_offence(&2, Perbill::from_percent(30));
        assert!(Founders::<Test>::get()[1].chilled);
        assert_ok!(Elections::resume(signed(2)));
        assert!(!Founders::<Test>::get()[1].chilled);
    });
}

#[test]
fn calls_should_need_a_signature() {
    run(|| {
        for origin in [RuntimeOrigin::none(), RuntimeOrigin::root()] {
            assert_noop!(Elections::register(origin.clone(), [1; 32], keys(FIRST)), BadOrigin);
            assert_noop!(Elections::commit(origin.clone(), 10, [0; 96]), BadOrigin);
            assert_noop!(Elections::stand(origin.clone()), BadOrigin);
            assert_noop!(Elections::leave(origin.clone()), BadOrigin);
            assert_noop!(Elections::evict(origin.clone(), FIRST), BadOrigin);
            assert_noop!(Elections::withdraw_seat_bond(origin.clone()), BadOrigin);
            assert_noop!(Elections::resume(origin), BadOrigin);
        }
    });
}
