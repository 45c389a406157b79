use crate::{mock::*, Ballots, Error, Event, Tallies};
use assay_traits::{
    mock::{MockModels, MockStake},
    SolverStake, StakeEscrow,
};
use assay_types::TaskId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn a_vote_moves_a_tenth_of_the_bond_into_the_escrow() {
    ExtBuilder.build_and_execute(|| {
        contest(OTHER);
        take_events();
        vote(VOTERS[0], OTHER);
        assert_eq!(bonded(VOTERS[0]), BOND - BALLOT);
        assert_eq!(MockStake::escrowed(), BALLOT);
        assert_eq!(take_events(), [Event::Voted { task: TASK, voter: VOTERS[0], stake: BALLOT, weight: BOND }]);
    });
}

#[test]
fn nobody_stakes_more_on_a_ballot_than_a_party() {
    ExtBuilder.build_and_execute(|| {
        MockStake::bond(VOTERS[0], 10 * STAKE + 10);
        contest(OTHER);
        vote(VOTERS[0], OTHER);
        assert_eq!(Ballots::<Test>::get(TASK, VOTERS[0]).unwrap().stake, STAKE);
    });
}

#[test]
fn a_tenth_is_rounded_up_so_that_no_ballot_is_free() {
    ExtBuilder.build_and_execute(|| {
        MockStake::bond(VOTERS[0], 1);
        contest(OTHER);
        vote(VOTERS[0], OTHER);
        assert_eq!(Ballots::<Test>::get(TASK, VOTERS[0]).unwrap().stake, 1);
    });
}

#[test]
fn only_those_vote_who_serve_the_model_and_are_eligible_and_no_party() {
    ExtBuilder.build_and_execute(|| {
        let seal = OTHER.seal(TASK, VOTERS[0]);
        assert_noop!(Contestation::vote(signed(VOTERS[0]), TASK, seal), Error::<Test>::NotFound);
        contest(OTHER);
        assert_noop!(Contestation::vote(signed(SOLVER), TASK, seal), Error::<Test>::Party);
        assert_noop!(Contestation::vote(signed(CONTESTER), TASK, seal), Error::<Test>::Party);
        MockStake::bond(STRANGER, BOND);
        assert_noop!(Contestation::vote(signed(STRANGER), TASK, seal), Error::<Test>::NotServing);
        MockModels::serve(MODEL, STRANGER);
        MockStake::bond(STRANGER, 0);
        assert_noop!(Contestation::vote(signed(STRANGER), TASK, seal), DispatchError::Other("mock: not bonded"));
        assert_ok!(MockStake::pledge(&VOTERS[0], BOND - BALLOT + 1));
        assert_noop!(Contestation::vote(signed(VOTERS[0]), TASK, seal), DispatchError::Other("mock: bond too small"));
        vote(VOTERS[1], OTHER);
        assert_noop!(Contestation::vote(signed(VOTERS[1]), TASK, seal), Error::<Test>::AlreadyVoted);
    });
}

#[test]
fn ballots_are_taken_until_the_last_block_of_their_phase() {
    ExtBuilder.build_and_execute(|| {
        contest(OTHER);
        run_to(dispute().votes_until);
        vote(VOTERS[0], OTHER);
        to_opening();
        let seal = OTHER.seal(TASK, VOTERS[1]);
        assert_noop!(Contestation::vote(signed(VOTERS[1]), TASK, seal), Error::<Test>::VotesOver);
    });
}

#[test]
fn results_are_opened_in_their_phase_and_once() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(open(VOTERS[0], OTHER), Error::<Test>::NotFound);
        let show = || Contestation::open_solution(signed(SOLVER), TASK, SOLUTION.trace());
        assert_noop!(show(), Error::<Test>::NotFound);
        contest(OTHER);
        vote(VOTERS[0], OTHER);
        vote(VOTERS[1], OTHER);
        run_to(dispute().votes_until);
        for who in [VOTERS[0], CONTESTER] {
            assert_noop!(open(who, OTHER), Error::<Test>::OpeningNotBegun);
        }
        assert_noop!(show(), Error::<Test>::OpeningNotBegun);

        to_opening();
        for who in [VOTERS[0], CONTESTER] {
            assert_ok!(open(who, OTHER));
            assert_noop!(open(who, OTHER), Error::<Test>::AlreadyOpened);
        }
        assert_ok!(show());
        assert_noop!(show(), Error::<Test>::AlreadyOpened);
        assert_noop!(open(VOTERS[2], OTHER), Error::<Test>::NothingSealed);
        assert_noop!(Contestation::open_solution(signed(VOTERS[2]), TASK, SOLUTION.trace()), Error::<Test>::NotSolver);

        run_to(dispute().opens_until);
        assert_ok!(open(VOTERS[1], OTHER));
        to_settlement();
        assert_noop!(open(VOTERS[1], OTHER), Error::<Test>::OpeningOver);
        assert_noop!(show(), Error::<Test>::OpeningOver);
    });
}

#[test]
fn what_is_opened_is_what_was_sealed() {
    ExtBuilder.build_and_execute(|| {
        contest(OTHER);
        vote(VOTERS[0], OTHER);
        // Another's seal is worth nothing to whoever copies it.
        assert_ok!(Contestation::vote(signed(VOTERS[1]), TASK, OTHER.seal(TASK, VOTERS[0])));
        assert_ok!(Contestation::vote(signed(VOTERS[2]), TASK, OTHER.seal(TaskId::zero(), VOTERS[2])));
        to_opening();
        for who in [CONTESTER, VOTERS[0]] {
            assert_noop!(open(who, THIRD), Error::<Test>::SealMismatch);
            let mixed = Contestation::open(signed(who), TASK, OTHER.output(), THIRD.trace(), SALT);
            assert_noop!(mixed, Error::<Test>::SealMismatch);
            let salted = Contestation::open(signed(who), TASK, OTHER.output(), OTHER.trace(), [8; 32]);
            assert_noop!(salted, Error::<Test>::SealMismatch);
        }
        assert_noop!(open(VOTERS[1], OTHER), Error::<Test>::SealMismatch);
        assert_noop!(open(VOTERS[2], OTHER), Error::<Test>::SealMismatch);
        assert_noop!(Contestation::open_solution(signed(SOLVER), TASK, OTHER.trace()), Error::<Test>::SealMismatch);
    });
}

#[test]
fn tallies_grow_as_results_are_opened() {
    ExtBuilder.build_and_execute(|| {
        MockStake::bond(VOTERS[1], 3 * BOND);
        contest(OTHER);
        vote(VOTERS[0], OTHER);
        vote(VOTERS[1], THIRD);
        vote(VOTERS[2], SOLUTION);
        to_opening();
        take_events();
        let weight = |answer: Answer| Tallies::<Test>::get(TASK, answer.id()).map(|tally| tally.weight);

        assert_ok!(open(CONTESTER, OTHER));
        assert_eq!((weight(OTHER), dispute().leader), (Some(BOND), Some(OTHER.id())));
        assert_ok!(open(VOTERS[0], OTHER));
        assert_eq!(weight(OTHER), Some(2 * BOND));
        assert_ok!(open(VOTERS[1], THIRD));
        assert_eq!((weight(THIRD), dispute().leader), (Some(3 * BOND), Some(THIRD.id())));
        // Whoever opens the solution's result shows the trace for its solver, whose weight counts when it shows it itself.
        assert_ok!(open(VOTERS[2], SOLUTION));
        assert_eq!((weight(SOLUTION), dispute().solution_result), (Some(BOND), Some(SOLUTION.id())));
        assert_ok!(Contestation::open_solution(signed(SOLVER), TASK, SOLUTION.trace()));
        assert_eq!(weight(SOLUTION), Some(2 * BOND));
        assert_eq!(dispute().leader, Some(THIRD.id()));
        assert_eq!(
            take_events().last(),
            Some(&Event::Opened { task: TASK, who: SOLVER, result: SOLUTION.id(), weight: BOND })
        );
        let votes = dispute().votes;
        assert_eq!((votes.opened, votes.opened_weight, votes.opened_stake), (3, 5 * BOND, BALLOT + STAKE + BALLOT));
    });
}

#[test]
fn the_right_output_with_another_trace_is_another_result() {
    ExtBuilder.build_and_execute(|| {
        contest(OTHER);
        let forged = crate::mock::SALT;
        let trace = OTHER.trace();
        let seal = assay_types::protocol::ballot_seal(
            &System::block_hash(0),
            &TASK,
            &VOTERS[0],
            &SOLUTION.output(),
            &trace,
            &forged,
        );
        assert_ok!(Contestation::vote(signed(VOTERS[0]), TASK, seal));
        to_opening();
        assert_ok!(Contestation::open(signed(VOTERS[0]), TASK, SOLUTION.output(), trace, forged));
        assert_eq!(dispute().solution_result, None);
        assert!(dispute().leader.is_some());
    });
}

#[test]
fn the_weight_of_a_ballot_is_that_of_the_block_of_the_vote() {
    ExtBuilder.build_and_execute(|| {
        contest(OTHER);
        vote(VOTERS[0], OTHER);
        MockStake::bond(VOTERS[0], 100 * BOND);
        to_opening();
        assert_ok!(open(VOTERS[0], OTHER));
        assert_eq!(dispute().votes.opened_weight, BOND);
    });
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    ExtBuilder.build_and_execute(|| {
        for voter in [VOTERS[0], VOTERS[1]] {
            MockStake::bond(voter, u128::MAX - 1);
        }
        contest(OTHER);
        vote(VOTERS[0], OTHER);
        vote(VOTERS[1], THIRD);
        to_opening();
        assert_ok!(open(VOTERS[0], OTHER));
        assert_noop!(open(VOTERS[1], THIRD), Error::<Test>::Overflow);
        assert_noop!(open(CONTESTER, OTHER), Error::<Test>::Overflow);
    });
}
