use super::*;
use sp_runtime::DispatchError;

#[test]
fn stand_should_hold_the_seat_bond() {
    run(|| {
        assert_ok!(stand(STANDING, 500));
        assert_eq!(held(STANDING), 100);
        assert_eq!(Standing::<Test>::get().to_vec(), [STANDING]);
        assert_eq!(take_events(), [Event::Stood { who: STANDING }]);
        assert_noop!(stand(STANDING, 500), Error::<Test>::StandsAlready);
    });
}

#[test]
fn stand_should_fail_when_the_account_is_not_fit_for_it() {
    run(|| {
        assert_noop!(Elections::stand(signed(STANDING)), Error::<Test>::NoSessionKeys);
        MockKeys::set(STANDING, Some(keys(STANDING)));
        assert_noop!(Elections::stand(signed(STANDING)), DispatchError::Other("mock: not bonded"));
        set_balance(STANDING, 50);
        assert_noop!(stand(STANDING, 500), TokenError::FundsUnavailable);
        assert_ok!(register(FIRST));
        assert_noop!(stand(FIRST, 500), Error::<Test>::IsCandidate);
    });
}

#[test]
fn stand_should_displace_the_one_with_the_least_stake_when_there_is_no_room() {
    run(|| {
        for (n, stake) in [(0, 300), (1, 200), (2, 400)] {
            assert_ok!(stand(STANDING + n, stake));
        }
        assert_noop!(stand(STANDING + 3, 200), Error::<Test>::TooLittleStake);
        take_events();
        assert_ok!(stand(STANDING + 3, 201));
        let stood = Event::Stood { who: STANDING + 3 };
        assert_eq!(take_events(), [Event::Displaced { who: STANDING + 1 }, stood]);
        let mut standing = Standing::<Test>::get().into_inner();
        standing.sort();
        assert_eq!(standing, [STANDING, STANDING + 2, STANDING + 3]);
        assert!(SeatBonds::<Test>::get(STANDING + 1).unwrap().leaves_at.is_some());
    });
}

#[test]
fn the_committee_should_be_those_with_the_most_stake_and_then_founders() {
    run(|| {
        assert_eq!(Elections::committee(), [1, 2]);
        assert_ok!(stand(STANDING, 300));
        next_tenure();
        // It was named a tenure before it serves.
        assert_eq!(Elections::committee(), [1, 2]);
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING, 1]);
        assert_ok!(stand(STANDING + 1, 400));
        assert_ok!(stand(STANDING + 2, 350));
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING + 1, STANDING + 2]);
        // Keys that were purged, and one who leaves.
        MockKeys::set(STANDING + 1, None);
        assert_ok!(Elections::leave(signed(STANDING + 2)));
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING, 1]);
        // Founders who are candidates, or out, are not put there.
        assert_ok!(register(1));
        Elections::note_offence(&2, Perbill::from_percent(1));
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING, 3]);
    });
}

#[test]
fn of_equal_stakes_the_lower_account_should_be_first() {
    run(|| {
        for n in [2, 0, 1] {
            assert_ok!(stand(STANDING + n, 300));
        }
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING, STANDING + 1]);
    });
}

#[test]
fn the_size_of_the_committee_should_have_a_bound() {
    run(|| {
        CommitteeSize::set(100);
        for n in 0..3 {
            assert_ok!(stand(STANDING + n, 300));
        }
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING, STANDING + 1, STANDING + 2]);
    });
}

#[test]
fn stand_should_fill_up_a_bond_that_has_become_too_small() {
    run(|| {
        assert_ok!(stand(STANDING, 500));
        SeatBondAmount::set(130);
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [1, 2]);
        assert_ok!(stand(STANDING, 500));
        assert_eq!((held(STANDING), Standing::<Test>::get().to_vec()), (130, vec![STANDING]));
        assert_noop!(stand(STANDING, 500), Error::<Test>::StandsAlready);
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING, 1]);
    });
}

#[test]
fn whoever_took_its_bond_out_should_not_be_on_the_committee() {
    run(|| {
        assert_ok!(stand(STANDING, 300));
        assert_ok!(stand(STANDING + 1, 200));
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING, STANDING + 1]);
        MockStake::unbond(STANDING, System::block_number());
        next_tenure();
        next_tenure();
        assert_eq!(Elections::committee(), [STANDING + 1, 1]);
    });
}
