use crate::{mock::*, Event, Quorum};
use assay_traits::{
    mock::{MockStake, MockTasks},
    SolverStake, StakeEscrow, TaskBook, TaskState, Verdict,
};
use frame_support::assert_ok;

fn state() -> TaskState {
    MockTasks::view(&TASK).unwrap().state
}

fn pull_all() {
    let voters: Vec<u64> = crate::Ballots::<Test>::iter_prefix(TASK).map(|(voter, _)| voter).collect();
    voters.into_iter().for_each(pull);
    assert_eq!(MockStake::escrowed(), 0);
}

/// Every unit that was bonded is bonded, was awarded, or went to the treasury.
fn assert_nothing_lost() {
    let everybody = || [SOLVER, CONTESTER].into_iter().chain(VOTERS);
    let bonds: u128 = everybody().map(bonded).sum();
    let awards: u128 = everybody().map(MockStake::awarded).sum();
    assert_eq!(bonds + awards + MockStake::forfeited(), 7 * BOND);
    assert!(everybody().all(|who| MockStake::pledged(who) == 0));
}

#[test]
fn a_solution_that_is_outweighed_falls() {
    ExtBuilder.build_and_execute(|| {
        dispute_with(OTHER, &[(11, OTHER), (12, OTHER), (13, SOLUTION), (14, THIRD)]);
        take_events();
        assert_eq!(settle(), Verdict::Falls);
        assert_eq!(state(), TaskState::Refunded);
        let pot = STAKE + BALLOT;
        assert_eq!(
            take_events(),
            [Event::Resolved {
                task: TASK,
                verdict: Verdict::Falls,
                winner: Some(OTHER.id()),
                solver_lost: STAKE,
                contester_lost: 0,
                party_reward: pot / 2,
                voters_reward: pot / 2,
            }]
        );
        pull_all();
        assert_eq!(bonded(SOLVER), BOND - STAKE);
        assert_eq!((bonded(CONTESTER), MockStake::awarded(CONTESTER)), (BOND, pot / 2));
        for winner in [11, 12] {
            assert_eq!((bonded(winner), MockStake::awarded(winner)), (BOND, pot / 4));
        }
        assert_eq!((bonded(13), MockStake::awarded(13)), (BOND - BALLOT, 0));
        // A third result neither wins nor loses.
        assert_eq!((bonded(14), MockStake::awarded(14)), (BOND, 0));
        assert_eq!(MockStake::forfeited(), 0);
        assert_nothing_lost();
    });
}

#[test]
fn what_is_slashed_is_shared_as_in_a_live_protocol_of_the_same_family() {
    ExtBuilder.build_and_execute(|| {
        // A contester and two voters, who have as much as the accused, against it alone; 18 decimals.
        let amount = |hundred_thousandths: u128| hundred_thousandths * 10u128.pow(13);
        let (bond, slash) = (amount(240_000), amount(29_904));
        let everybody = [SOLVER, CONTESTER, 11, 12];
        TheQuorum::set(Quorum { ballots: 2, weight: 2 });
        MockStake::release(&SOLVER, STAKE);
        everybody.into_iter().for_each(|who| MockStake::bond(who, bond));
        put_solution(TASK, SOLUTION, slash);
        dispute_with(OTHER, &[(11, OTHER), (12, OTHER)]);
        assert_eq!(settle(), Verdict::Falls);
        pull_all();
        assert_eq!(everybody.map(bonded), [amount(210_096), bond, bond, bond]);
        assert_eq!(everybody.map(MockStake::awarded), [0, 14_952, 7_476, 7_476].map(amount));
    });
}

#[test]
fn a_contester_whose_result_did_not_win_loses_though_the_solution_falls() {
    ExtBuilder.build_and_execute(|| {
        dispute_with(OTHER, &[(11, THIRD), (12, THIRD), (13, THIRD)]);
        assert_eq!(settle(), Verdict::Falls);
        pull_all();
        let pot = 2 * STAKE;
        assert_eq!((bonded(SOLVER), bonded(CONTESTER)), (BOND - STAKE, BOND - STAKE));
        // The half that no party earned.
        let dust = pot / 2 - 3 * (pot / 2 / 3);
        assert_eq!(MockStake::forfeited(), pot / 2 + dust);
        for winner in [11, 12, 13] {
            assert_eq!(MockStake::awarded(winner), pot / 2 / 3);
        }
        assert_nothing_lost();
    });
}

#[test]
fn a_solution_that_nobody_outweighs_stands() {
    ExtBuilder.build_and_execute(|| {
        dispute_with(OTHER, &[(11, SOLUTION), (12, SOLUTION), (13, OTHER), (14, THIRD)]);
        assert_eq!(settle(), Verdict::Stands);
        assert_eq!(state(), TaskState::Settled);
        pull_all();
        // All others lose, third results too.
        let pot = STAKE + 2 * BALLOT;
        assert_eq!((bonded(SOLVER), MockStake::awarded(SOLVER)), (BOND, pot / 2));
        assert_eq!(bonded(CONTESTER), BOND - STAKE);
        for winner in [11, 12] {
            assert_eq!((bonded(winner), MockStake::awarded(winner)), (BOND, pot / 4));
        }
        for loser in [13, 14] {
            assert_eq!((bonded(loser), MockStake::awarded(loser)), (BOND - BALLOT, 0));
        }
        assert_nothing_lost();
    });
}

#[test]
fn a_solution_stands_at_equal_weights() {
    ExtBuilder.build_and_execute(|| {
        dispute_with(OTHER, &[(11, SOLUTION), (12, OTHER), (13, SOLUTION), (14, OTHER)]);
        assert_eq!(settle(), Verdict::Stands);
    });
}

#[test]
fn one_unit_more_makes_it_fall() {
    ExtBuilder.build_and_execute(|| {
        MockStake::bond(14, BOND + 1);
        dispute_with(OTHER, &[(11, SOLUTION), (12, OTHER), (13, SOLUTION), (14, OTHER)]);
        assert_eq!(settle(), Verdict::Falls);
    });
}

#[test]
fn results_are_not_added_up_against_the_solution() {
    // 45 for the solution against 30 and 25 for two others: it stands.
    ExtBuilder.build_and_execute(|| {
        TheQuorum::set(Quorum { ballots: 3, weight: 0 });
        for (who, bond) in [(SOLVER, STAKE), (CONTESTER, STAKE), (11, 45_000), (12, 30_000), (13, 25_000)] {
            MockStake::bond(who, bond);
        }
        dispute_with(OTHER, &[(11, SOLUTION), (12, OTHER), (13, THIRD)]);
        assert_eq!(settle(), Verdict::Stands);
    });
}

#[test]
fn a_solver_who_is_away_is_defended_by_those_who_computed_the_same() {
    ExtBuilder.build_and_execute(|| {
        contest(OTHER);
        [11, 12, 13].into_iter().for_each(|voter| vote(voter, SOLUTION));
        to_opening();
        assert_ok!(open(CONTESTER, OTHER));
        [11, 12, 13].into_iter().for_each(|voter| {
            assert_ok!(open(voter, SOLUTION));
        });
        to_settlement();
        assert_eq!(settle(), Verdict::Stands);
        pull_all();
        assert_eq!(bonded(SOLVER), BOND);
        assert_eq!(MockStake::awarded(SOLVER), STAKE / 2);
    });
}

#[test]
fn the_half_of_the_voters_goes_to_the_treasury_when_no_voter_won() {
    ExtBuilder.build_and_execute(|| {
        TheQuorum::set(Quorum { ballots: 1, weight: 0 });
        MockStake::bond(CONTESTER, 5 * BOND);
        dispute_with(OTHER, &[(11, SOLUTION)]);
        assert_eq!(settle(), Verdict::Falls);
        pull_all();
        let pot = STAKE + BALLOT;
        assert_eq!(MockStake::awarded(CONTESTER), pot / 2);
        assert_eq!(MockStake::forfeited(), pot - pot / 2);
    });
}

#[test]
fn a_ballot_that_is_never_opened_loses_its_stake_to_the_winners() {
    ExtBuilder.build_and_execute(|| {
        contest(OTHER);
        [11, 12, 13, 14].into_iter().for_each(|voter| vote(voter, OTHER));
        to_opening();
        assert_ok!(open(CONTESTER, OTHER));
        [11, 12, 13].into_iter().for_each(|voter| {
            assert_ok!(open(voter, OTHER));
        });
        to_settlement();
        assert_eq!(settle(), Verdict::Falls);
        pull_all();
        let pot = STAKE + BALLOT;
        assert_eq!((bonded(14), MockStake::awarded(14)), (BOND - BALLOT, 0));
        assert_eq!(MockStake::awarded(CONTESTER), pot / 2);
        assert_nothing_lost();
    });
}

#[test]
fn without_enough_ballots_it_comes_to_nothing() {
    ExtBuilder.build_and_execute(|| {
        dispute_with(OTHER, &[(11, OTHER), (12, OTHER)]);
        assert_eq!(settle(), Verdict::Inconclusive);
        assert_eq!(state(), TaskState::Refunded);
        pull_all();
        assert_eq!((bonded(SOLVER), bonded(CONTESTER)), (BOND - FEE, BOND - FEE));
        assert_eq!((bonded(11), bonded(12)), (BOND, BOND));
        assert_eq!(MockStake::forfeited(), 2 * FEE);
        assert_nothing_lost();
    });
}

#[test]
fn ballots_that_weigh_too_little_are_no_quorum() {
    // Four voters of 10,000 are twice a party of 20,000 and not of 20,001.
    for (bond, verdict) in [(2 * BOND, Verdict::Falls), (2 * BOND + 1, Verdict::Inconclusive)] {
        for party in [SOLVER, CONTESTER] {
            ExtBuilder.build_and_execute(|| {
                MockStake::bond(party, bond);
                dispute_with(OTHER, &[(11, OTHER), (12, OTHER), (13, OTHER), (14, OTHER)]);
                assert_eq!(settle(), verdict);
            });
        }
    }
}

#[test]
fn sealed_ballots_are_no_quorum() {
    ExtBuilder.build_and_execute(|| {
        contest(OTHER);
        [11, 12, 13].into_iter().for_each(|voter| vote(voter, OTHER));
        to_opening();
        assert_ok!(open(CONTESTER, OTHER));
        assert_ok!(open(11, OTHER));
        assert_ok!(open(12, OTHER));
        to_settlement();
        assert_eq!(settle(), Verdict::Inconclusive);
        pull_all();
        assert_eq!(bonded(13), BOND - BALLOT);
        assert_eq!(MockStake::forfeited(), 2 * FEE + BALLOT);
        assert_nothing_lost();
    });
}

#[test]
fn a_contester_without_a_result_of_its_own_pays_the_solver_whom_it_hindered() {
    for opened in [None, Some(SOLUTION)] {
        ExtBuilder.build_and_execute(|| {
            contest(opened.unwrap_or(OTHER));
            to_opening();
            assert_ok!(Contestation::open_solution(signed(SOLVER), TASK, SOLUTION.trace()));
            if let Some(answer) = opened {
                assert_ok!(open(CONTESTER, answer));
            }
            to_settlement();
            assert_eq!(settle(), Verdict::Inconclusive);
            assert_eq!((bonded(SOLVER), MockStake::awarded(SOLVER)), (BOND, STAKE / 2));
            assert_eq!(bonded(CONTESTER), BOND - STAKE);
            assert_eq!(MockStake::forfeited(), STAKE / 2);
            assert_nothing_lost();
        });
    }
}

#[test]
fn a_contester_who_agrees_with_the_solution_loses_when_it_stands() {
    ExtBuilder.build_and_execute(|| {
        dispute_with(SOLUTION, &[(11, SOLUTION), (12, SOLUTION), (13, SOLUTION)]);
        assert_eq!(settle(), Verdict::Stands);
        pull_all();
        assert_eq!(bonded(CONTESTER), BOND - STAKE);
        assert_nothing_lost();
    });
}

#[test]
fn winners_share_by_weight() {
    ExtBuilder.build_and_execute(|| {
        MockStake::bond(12, 3 * BOND);
        dispute_with(OTHER, &[(11, OTHER), (12, OTHER), (13, OTHER)]);
        settle();
        [13, 12, 11].into_iter().for_each(pull);
        let half = STAKE / 2;
        assert_eq!(MockStake::awarded(11), half / 5);
        assert_eq!(MockStake::awarded(12), half * 3 / 5);
        assert_eq!(MockStake::awarded(13), half / 5);
        assert_eq!(MockStake::escrowed(), 0);
    });
}

#[test]
fn half_of_a_slash_never_returns_to_one_who_contests_himself() {
    // Solver and contester are one, and so are all voters: the best that he can do is to lose half of his stake.
    ExtBuilder.build_and_execute(|| {
        TheQuorum::set(Quorum { ballots: 1, weight: 0 });
        dispute_with(OTHER, &[(11, OTHER)]);
        settle();
        pull_all();
        let gained = MockStake::awarded(CONTESTER);
        assert_eq!(bonded(SOLVER), BOND - STAKE);
        assert_eq!(gained, STAKE / 2);
    });
}
