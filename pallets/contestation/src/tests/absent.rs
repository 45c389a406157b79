use crate::{mock::*, Absent, Disputes, Error, Event};
use assay_traits::mock::{MockCommittee, MockModels, MockStake};
use frame_support::{assert_noop, assert_ok};

fn absent() -> Vec<u64> {
    Absent::<Test>::get(TASK).map(|list| list.to_vec()).unwrap_or_default()
}

#[test]
fn members_of_the_committee_must_vote_on_the_models_that_they_declared() {
    ExtBuilder.build_and_execute(|| {
        MockModels::serve(MODEL, SOLVER);
        MockModels::serve(MODEL, CONTESTER);
        MockModels::serve(MODEL, STRANGER);
        // The parties have their own result, a stranger has no bond, and 50 does not serve the model.
        MockStake::bond(50, BOND);
        MockCommittee::set(vec![SOLVER, 11, CONTESTER, 12, 50]);
        contest(OTHER);
        assert_eq!(absent(), [11, 12]);
        vote(11, OTHER);
        assert_eq!(absent(), [12]);
        vote(12, OTHER);
        assert!(!Absent::<Test>::contains_key(TASK));
    });
    ExtBuilder.build_and_execute(|| {
        MockModels::serve(MODEL, STRANGER);
        MockCommittee::set(vec![STRANGER]);
        contest(OTHER);
        assert_eq!(absent(), [0; 0]);
    });
}

#[test]
fn who_had_to_vote_and_did_not_is_charged_once() {
    ExtBuilder.build_and_execute(|| {
        MockCommittee::set(vec![11, 12]);
        contest(OTHER);
        vote(12, OTHER);
        to_settlement();
        settle();
        let forfeited = MockStake::forfeited();
        assert_noop!(Contestation::charge_absent(signed(STRANGER), TASK, 12), Error::<Test>::NotAbsent);
        assert_noop!(Contestation::charge_absent(signed(STRANGER), TASK, 13), Error::<Test>::NotAbsent);
        take_events();
        assert_ok!(Contestation::charge_absent(signed(STRANGER), TASK, 11));
        assert_eq!(take_events(), [Event::AbsentCharged { task: TASK, member: 11, amount: BALLOT }]);
        assert_eq!(bonded(11), BOND - BALLOT);
        assert_eq!(MockStake::forfeited(), forfeited + BALLOT);
        assert_noop!(Contestation::charge_absent(signed(STRANGER), TASK, 11), Error::<Test>::NotAbsent);
        pull(12);
        assert!(!Disputes::<Test>::contains_key(TASK));
        assert_noop!(Contestation::charge_absent(signed(STRANGER), TASK, 11), Error::<Test>::NotFound);
    });
}

#[test]
fn who_leaves_instead_of_voting_is_charged_all_the_same() {
    ExtBuilder.build_and_execute(|| {
        MockCommittee::set(vec![11, 12]);
        contest(OTHER);
        // In the very block of the contest.
        MockStake::unbond(11, FIRST);
        to_settlement();
        settle();
        take_events();
        assert_ok!(Contestation::charge_absent(signed(STRANGER), TASK, 11));
        assert_eq!(take_events(), [Event::AbsentCharged { task: TASK, member: 11, amount: BALLOT }]);
        assert_eq!((bonded(11), MockStake::unbonded(11)), (0, BOND - BALLOT));
        // What had left before answers for nothing.
        MockStake::unbond(12, FIRST - 1);
        assert_ok!(Contestation::charge_absent(signed(STRANGER), TASK, 12));
        assert_eq!(MockStake::unbonded(12), BOND);
    });
}

#[test]
fn a_dispute_stays_until_the_last_absent_member_is_charged() {
    ExtBuilder.build_and_execute(|| {
        MockCommittee::set(vec![11]);
        contest(OTHER);
        vote(12, OTHER);
        to_settlement();
        settle();
        pull(12);
        assert!(Disputes::<Test>::contains_key(TASK));
        MockStake::bond(11, 10 * BOND);
        assert_ok!(Contestation::charge_absent(signed(STRANGER), TASK, 11));
        // Never more than a party staked.
        assert_eq!(bonded(11), 10 * BOND - STAKE);
        assert!(!Disputes::<Test>::contains_key(TASK));
    });
}
