//! Disputes of any shape: whatever is voted, opened and left unopened, every unit ends where it belongs.

use crate::{mock::*, Disputes, Quorum};
use assay_traits::{
    mock::{MockCommittee, MockStake},
    SolverStake, StakeEscrow, Verdict,
};
use frame_support::assert_ok;
use proptest::prelude::*;

/// One voter: its bond, its result, whether it opens, and whether it is on the committee and does not vote at all.
#[derive(Clone, Copy, Debug)]
struct Voter {
    bond: u128,
    answer: u8,
    opens: bool,
    votes: bool,
}

fn voter() -> impl Strategy<Value = Voter> {
    (1u128..30_000, 1u8..5, prop::bool::weighted(0.85), prop::bool::weighted(0.85))
        .prop_map(|(bond, answer, opens, votes)| Voter { bond, answer, opens, votes })
}

proptest! {
    #[test]
    fn every_unit_ends_where_it_belongs(
        voters in prop::collection::vec(voter(), 5),
        (solver_bond, contester_bond) in (STAKE..60_000, STAKE..60_000),
        contester_answer in 1u8..5,
        (solver_opens, contester_opens) in (any::<bool>(), any::<bool>()),
        (ballots, weight) in (0u32..5, 0u32..3),
        order in Just([0usize, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        ExtBuilder.build_and_execute(|| {
            TheQuorum::set(Quorum { ballots, weight });
            MockStake::bond(SOLVER, solver_bond);
            MockStake::bond(CONTESTER, contester_bond);
            VOTERS.into_iter().zip(&voters).for_each(|(who, voter)| MockStake::bond(who, voter.bond));
            MockCommittee::set(VOTERS.to_vec());
            let total: u128 = solver_bond + contester_bond + voters.iter().map(|voter| voter.bond).sum::<u128>();
            let contester_answer = Answer(contester_answer);
            contest(contester_answer);
            for (who, voter) in VOTERS.into_iter().zip(&voters).filter(|(_, voter)| voter.votes) {
                vote(who, Answer(voter.answer));
                Contestation::do_try_state().unwrap();
            }
            to_opening();
            for index in order {
                let (who, voter) = (VOTERS[index], voters[index]);
                if voter.votes && voter.opens {
                    assert_ok!(open(who, Answer(voter.answer)));
                    Contestation::do_try_state().unwrap();
                }
                if index == 2 && contester_opens {
                    assert_ok!(open(CONTESTER, contester_answer));
                }
                if index == 3 && solver_opens {
                    assert_ok!(Contestation::open_solution(signed(SOLVER), TASK, SOLUTION.trace()));
                }
                Contestation::do_try_state().unwrap();
            }
            to_settlement();
            let verdict = settle();
            Contestation::do_try_state().unwrap();

            // The verdict by other means: by summing up everything.
            let opened = || VOTERS.into_iter().zip(&voters).filter(|(_, voter)| voter.votes && voter.opens);
            let mut weights = [0u128; 5];
            opened().for_each(|(_, voter)| weights[voter.answer as usize] += voter.bond);
            let voted: u128 = weights.iter().sum();
            let quorum = opened().count() >= ballots as usize
                && voted >= solver_bond.max(contester_bond) * u128::from(weight);
            if contester_opens {
                weights[contester_answer.0 as usize] += contester_bond;
            }
            if solver_opens {
                weights[1] += solver_bond;
            }
            let best = weights[2..].iter().max().copied().unwrap();
            let expected = match quorum {
                false => Verdict::Inconclusive,
                true if best > weights[1] => Verdict::Falls,
                true => Verdict::Stands,
            };
            assert_eq!(verdict, expected);
            match verdict {
                Verdict::Falls => assert_eq!(bonded(SOLVER), solver_bond - STAKE),
                Verdict::Stands => {
                    assert_eq!(bonded(SOLVER), solver_bond);
                    assert_eq!(bonded(CONTESTER), contester_bond - STAKE);
                }
                Verdict::Inconclusive => assert!(bonded(SOLVER) >= solver_bond - FEE),
            }

            for index in order {
                let (who, voter) = (VOTERS[index], voters[index]);
                if voter.votes {
                    pull(who);
                } else {
                    assert_ok!(Contestation::charge_absent(signed(STRANGER), TASK, who));
                }
                Contestation::do_try_state().unwrap();
                let lost_at_most = voter.bond.div_ceil(10).min(STAKE);
                assert!(bonded(who) + lost_at_most >= voter.bond);
                if bonded(who) < voter.bond {
                    assert_eq!(MockStake::awarded(who), 0, "one who lost was paid");
                }
            }
            assert!(!Disputes::<Test>::contains_key(TASK));
            assert_eq!(MockStake::escrowed(), 0);
            let everybody = || [SOLVER, CONTESTER].into_iter().chain(VOTERS);
            assert!(everybody().all(|who| MockStake::pledged(who) == 0));
            let kept: u128 = everybody().map(|who| MockStake::mature(&who) + MockStake::awarded(who)).sum();
            assert_eq!(kept + MockStake::forfeited(), total);
        });
    }
}
