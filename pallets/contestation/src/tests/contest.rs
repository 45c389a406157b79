use crate::{mock::*, Disputes, Error, Event, Quorum};
use assay_traits::{
    mock::{MockStake, MockTasks},
    TaskBook, TaskState,
};
use assay_types::{Hash, TaskId};
use frame_support::{assert_noop, assert_ok};

fn seal() -> Hash {
    OTHER.seal(TASK, CONTESTER)
}

#[test]
fn a_contest_pledges_as_much_as_the_solution_and_fixes_everything() {
    ExtBuilder.build_and_execute(|| {
        contest(OTHER);

        assert_eq!(MockStake::pledged(CONTESTER), STAKE);
        assert_eq!(MockStake::pledged(SOLVER), STAKE);
        assert_eq!(MockTasks::view(&TASK).unwrap().state, TaskState::Disputed);
        let (votes_until, opens_until) = (FIRST + 6, FIRST + 6 + 5);
        assert_eq!(
            take_events(),
            [Event::Contested {
                task: TASK,
                solver: SOLVER,
                contester: CONTESTER,
                stake: STAKE,
                votes_until,
                opens_until
            }]
        );
        // What is governed later does not change it.
        BallotCommit::set(1);
        BallotOpen::set(1);
        TheQuorum::set(Quorum { ballots: 1, weight: 0 });
        let dispute = dispute();
        assert_eq!((dispute.opened_at, dispute.votes_until, dispute.opens_until), (FIRST, votes_until, opens_until));
        assert_eq!((dispute.stake, dispute.charge), (STAKE, FEE));
        assert_eq!(dispute.quorum, Quorum { ballots: 3, weight: 2 });
        assert_eq!((dispute.solver_weight, dispute.contester_weight), (BOND, BOND));
    });
}

#[test]
fn a_solution_is_contested_from_the_end_of_its_grace_to_the_last_block_of_its_window() {
    ExtBuilder.build_and_execute(|| {
        run_to(FIRST - 1);
        assert_noop!(Contestation::contest(signed(CONTESTER), TASK, seal()), Error::<Test>::TooEarly);
        run_to(LAST + 1);
        assert_noop!(Contestation::contest(signed(CONTESTER), TASK, seal()), Error::<Test>::WindowOver);
        run_to(LAST);
        contest(OTHER);
        assert_eq!(dispute().votes_until, LAST + 6);
    });
}

#[test]
fn only_an_eligible_solver_who_is_not_the_solver_contests() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Contestation::contest(signed(SOLVER), TASK, seal()), Error::<Test>::OwnSolution);
        let not_bonded = sp_runtime::DispatchError::Other("mock: not bonded");
        assert_noop!(Contestation::contest(signed(STRANGER), TASK, seal()), not_bonded);
        MockStake::bond(CONTESTER, STAKE - 1);
        let too_small = sp_runtime::DispatchError::Other("mock: bond too small");
        assert_noop!(Contestation::contest(signed(CONTESTER), TASK, seal()), too_small);
        MockStake::bond(CONTESTER, STAKE);
        contest(OTHER);
    });
}

#[test]
fn only_a_solved_task_is_contested_and_once() {
    ExtBuilder.build_and_execute(|| {
        let unknown = TaskId::repeat_byte(77);
        assert_noop!(Contestation::contest(signed(CONTESTER), unknown, seal()), Error::<Test>::NotSolved);
        contest(OTHER);
        assert_noop!(Contestation::contest(signed(VOTERS[0]), TASK, seal()), Error::<Test>::NotSolved);
        to_settlement();
        settle();
        assert_noop!(Contestation::contest(signed(VOTERS[0]), TASK, seal()), Error::<Test>::NotSolved);
    });
}

#[test]
fn settling_waits_for_the_last_opening_and_happens_once() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Contestation::settle(signed(STRANGER), TASK), Error::<Test>::NotFound);
        contest(OTHER);
        vote(VOTERS[0], OTHER);
        run_to(dispute().opens_until);
        assert_noop!(Contestation::settle(signed(STRANGER), TASK), Error::<Test>::SettleTooEarly);
        assert_noop!(Contestation::pull(signed(STRANGER), TASK, VOTERS[0]), Error::<Test>::NotSettled);
        assert_noop!(Contestation::charge_absent(signed(STRANGER), TASK, VOTERS[0]), Error::<Test>::NotSettled);
        to_settlement();
        settle();
        assert_noop!(Contestation::settle(signed(STRANGER), TASK), Error::<Test>::AlreadySettled);
    });
}

#[test]
fn a_settlement_that_fails_changes_nothing() {
    ExtBuilder.build_and_execute(|| {
        dispute_with(OTHER, &VOTERS.map(|voter| (voter, OTHER)));
        MockTasks::refuse_settlements(true);
        assert_noop!(Contestation::settle(signed(STRANGER), TASK), sp_runtime::DispatchError::Unavailable);
        MockTasks::refuse_settlements(false);
        assert_ok!(Contestation::settle(signed(STRANGER), TASK));
    });
}

#[test]
fn nothing_is_left_when_everything_was_pulled() {
    ExtBuilder.build_and_execute(|| {
        dispute_with(OTHER, &[(VOTERS[0], OTHER), (VOTERS[1], SOLUTION), (VOTERS[2], THIRD), (VOTERS[3], OTHER)]);
        settle();
        assert_noop!(Contestation::pull(signed(STRANGER), TASK, VOTERS[4]), Error::<Test>::NoBallot);
        for voter in &VOTERS[..4] {
            Contestation::do_try_state().unwrap();
            pull(*voter);
        }
        assert_noop!(Contestation::pull(signed(STRANGER), TASK, VOTERS[0]), Error::<Test>::NotFound);
        assert!(!Disputes::<Test>::contains_key(TASK));
        assert_eq!(crate::Tallies::<Test>::iter().count(), 0);
        assert_eq!(take_events().last(), Some(&Event::Closed { task: TASK }));
    });
}
