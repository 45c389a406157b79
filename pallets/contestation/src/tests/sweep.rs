use crate::{mock::*, Ballots, Disputes, Event};
use assay_traits::{
    mock::{MockCommittee, MockStake, MockTasks},
    StakeEscrow, TaskBook, TaskState,
};
use assay_types::TaskId;
use frame_support::{traits::Hooks, weights::Weight};

fn idle(steps: u64) -> Weight {
    Contestation::on_idle(System::block_number(), STEP.saturating_mul(steps))
}

#[test]
fn the_sweeper_settles_charges_and_pulls_what_nobody_calls_for() {
    ExtBuilder.build_and_execute(|| {
        MockCommittee::set(vec![14, 15]);
        dispute_with(OTHER, &[(11, OTHER), (12, OTHER), (13, SOLUTION)]);
        run_to(dispute().opens_until + 20);
        idle(100);
        assert_eq!(dispute().outcome, None);
        run_to(dispute().opens_until + 21);
        idle(100);
        assert!(dispute().outcome.is_some());
        assert_eq!(MockTasks::view(&TASK).unwrap().state, TaskState::Refunded);
        assert_eq!(Ballots::<Test>::iter().count(), 3);
        let settled_at = System::block_number();
        run_to(settled_at + 20);
        idle(100);
        assert_eq!(Ballots::<Test>::iter().count(), 3);
        run_to(settled_at + 21);
        (0..4).for_each(|_| {
            idle(100);
        });
        assert!(!Disputes::<Test>::contains_key(TASK));
        assert_eq!(MockStake::escrowed(), 0);
        assert_eq!((bonded(14), bonded(15)), (BOND - BALLOT, BOND - BALLOT));
    });
}

#[test]
fn the_sweeper_stays_within_its_weight() {
    ExtBuilder.build_and_execute(|| {
        dispute_with(OTHER, &VOTERS.map(|voter| (voter, OTHER)));
        settle();
        run_to(System::block_number() + 21);
        assert_eq!(idle(0), Weight::zero());
        assert_eq!(idle(1), STEP);
        assert_eq!(Ballots::<Test>::iter().count(), 5);
        // The base, a look at the dispute, a ballot.
        assert_eq!(idle(3), STEP.saturating_mul(3));
        assert_eq!(Ballots::<Test>::iter().count(), 4);
        SweepBatch::set(2);
        idle(100);
        assert_eq!(Ballots::<Test>::iter().count(), 2);
    });
}

#[test]
fn a_dispute_that_cannot_be_settled_holds_up_no_other() {
    ExtBuilder.build_and_execute(|| {
        let second = TaskId::repeat_byte(3);
        put_solution(second, SOLUTION, STAKE);
        contest(OTHER);
        frame_support::assert_ok!(Contestation::contest(signed(CONTESTER), second, OTHER.seal(second, CONTESTER)));
        run_to(dispute().opens_until + 21);
        MockTasks::refuse_settlements(true);
        take_events();
        idle(100);
        let failed = take_events().into_iter().filter(|event| matches!(event, Event::SweepFailed { .. })).count();
        assert_eq!(failed, 2);
        assert_eq!(Disputes::<Test>::iter().count(), 2);
        MockTasks::refuse_settlements(false);
        idle(100);
        assert_eq!(Disputes::<Test>::iter().count(), 0);
    });
}
