//! What somebody who cheats would try against stakes and disputes. Each test names the attack, what it costs and what it
//! gains, and shows that it loses or cannot be done. Where an attack does harm all the same, it says so, and what would
//! close it. docs/disputes.md has the same as a table.

use crate::common::world::*;
use assay_runtime::{
    adapters::Treasury,
    constants::{SWEEP_BATCH, SWEEP_DELAY},
    parameters::dynamic_params::disputes,
    AccountId, Balance, Balances, BlockNumber, Runtime, RuntimeCall, RuntimeOrigin, System,
};
use assay_traits::{Payload, SolutionBook, TaskState, Verdict};
use assay_types::{protocol, Cid, TaskId, TraceDigest, ASY, MAX_INLINE, MAX_PARAMETERS, MILLI_ASY};
use frame_support::{
    assert_noop, assert_ok,
    dispatch::GetDispatchInfo,
    traits::{fungible::Inspect, Get},
    BoundedVec,
};
use pallet_contestation::{Absent, Ballots, Disputes, BALLOT_STAKE};
use sp_runtime::{traits::Dispatchable, Perbill};

type SolutionsError = pallet_solutions::Error<Runtime>;
type BondsError = pallet_bonds::Error<Runtime>;
type Error = pallet_contestation::Error<Runtime>;

/// **A wrong answer.** Gain if nobody looks: fee and reward. Cost if one honest solver contests and a majority of the
/// ballots is honest: four times that.
#[test]
fn a_wrong_answer_that_is_contested_loses_four_times_what_it_could_earn() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3, 4, 5], BOND);
        let before = wealth(&[1]);
        let task = world.solved(1, FALSE);
        let (stake, worth) = (stake(task), worth(task));
        assert!(stake >= 4 * worth);
        let user = wealth(&[USER]);
        let issuance = Balances::total_issuance();
        let verdict = world.dispute(task, (1, FALSE), (2, TRUE), &[(3, TRUE), (4, TRUE), (5, TRUE)]);
        assert_eq!((verdict, state(task)), (Verdict::Falls, TaskState::Refunded));
        assert_eq!(before - wealth(&[1]), stake);
        assert_eq!(wealth(&[USER]), user);
        // Authors are paid for their blocks; nothing else was minted, and nothing of the stake was burned.
        let authors = Balances::total_issuance() - issuance;
        assert_eq!(authors, 13 * pallet_emissions::EmissionCurves::<Runtime>::get().authors.scheduled(1));
        assert!(wealth(&[2]) > WEALTH && wealth(&[3]) > WEALTH);
    });
}

/// **An honest answer contested by a liar.** Cost: as much as the solver staked. Gain: none: the solver ends richer than if
/// nobody had contested.
#[test]
fn an_honest_solver_who_is_contested_ends_richer() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3, 4, 5], BOND);
        let task = world.solved(1, TRUE);
        let (stake, worth) = (stake(task), worth(task));
        let verdict = world.dispute(task, (1, TRUE), (2, FALSE), &[(3, TRUE), (4, TRUE), (5, TRUE)]);
        assert_eq!((verdict, state(task)), (Verdict::Stands, TaskState::Settled));
        assert_eq!(WEALTH - wealth(&[2]), stake);
        assert!(wealth(&[1]) - WEALTH >= stake / 2 + worth * 7 / 10);
    });
}

/// **Self-contest through a second identity**, to get the own slash back when one expects to be caught. Gain: the half
/// that goes to the winning party. Cost: the other half, twice what the answer could earn.
#[test]
fn contesting_oneself_costs_half_of_the_stake() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3, 4, 5], BOND);
        let task = world.solved(1, FALSE);
        let (stake, worth) = (stake(task), worth(task));
        let before = 2 * WEALTH;
        world.dispute(task, (1, FALSE), (2, TRUE), &[(3, TRUE), (4, TRUE), (5, TRUE)]);
        let lost = before - wealth(&[1, 2]);
        assert_eq!(lost, stake - stake / 2);
        assert!(lost >= 2 * worth);
    });
}

/// **Self-contest with an empty hand**, so that no honest solver can contest any more. Cost: the stakes of both identities.
/// Gain: none: honest voters vote in that dispute as in any other.
#[test]
fn contesting_oneself_does_not_keep_others_from_the_verdict() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3, 4, 5], BOND);
        let task = world.solved(1, FALSE);
        let stake = stake(task);
        assert_ok!(world.contest(2, task, OTHER_FALSE));
        assert_noop!(world.contest(3, task, TRUE), Error::NotSolved);
        for voter in [3, 4, 5] {
            assert_ok!(world.vote(voter, task, TRUE));
        }
        world.pass(7);
        for voter in [3, 4, 5] {
            assert_ok!(world.open(voter, task, TRUE));
        }
        assert_eq!(world.close(task), Verdict::Falls);
        assert_eq!(2 * WEALTH - wealth(&[1, 2]), 2 * stake);
    });
}

/// **Self-contest that comes to nothing**, to keep a thin model's verifiers out. Cost: half of a stake, which goes to the
/// treasury because the contester shows no result of its own. Gain: none: without a quorum nobody is paid for the answer.
#[test]
fn contesting_oneself_in_a_thin_model_earns_nothing() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2], BOND);
        let task = world.solved(1, FALSE);
        let stake = stake(task);
        assert_ok!(world.contest(2, task, FALSE));
        world.pass(7);
        assert_eq!(world.close(task), Verdict::Inconclusive);
        assert_eq!(state(task), TaskState::Refunded);
        assert_eq!(2 * WEALTH - wealth(&[1, 2]), stake - stake / 2);
    });
}

/// **A heavier liar in a thin model.** Cost: a charge of the size of the fee. Gain: none: weight cannot buy a verdict from
/// few, for the quorum is twice the heavier party. What is left is griefing: the honest party pays the same charge. Closed by
/// disputes that are narrowed to one operation, for which one honest challenger is enough; not built yet.
#[test]
fn a_liar_heavier_than_all_others_wins_nothing() {
    World::run(3, 2, |world| {
        world.solvers(&[1], 9 * BOND);
        world.solvers(&[2, 3, 4, 5], BOND);
        let task = world.solved(1, FALSE);
        let verdict = world.dispute(task, (1, FALSE), (2, TRUE), &[(3, TRUE), (4, TRUE), (5, TRUE)]);
        assert_eq!((verdict, state(task)), (Verdict::Inconclusive, TaskState::Refunded));
        assert_eq!((WEALTH - wealth(&[1]), WEALTH - wealth(&[2])), (FEE, FEE));
        assert_eq!(wealth(&[3, 4, 5]), 3 * WEALTH);
    });
}

/// **A 30/25 split against an honest 45.** Cost: the stakes of the lies. Gain: none: together they outweigh the truth, but no
/// single one does, and only a single result can make a solution fall.
#[test]
fn lies_that_differ_do_not_add_up() {
    World::run(3, 0, |world| {
        world.solvers(&[1, 2], 200 * ASY);
        world.solvers(&[3], 4_500 * ASY);
        world.solvers(&[4], 3_000 * ASY);
        world.solvers(&[5], 2_500 * ASY);
        let task = world.solved(1, TRUE);
        let verdict = world.dispute(task, (1, TRUE), (2, FALSE), &[(3, TRUE), (4, FALSE), (5, OTHER_FALSE)]);
        assert_eq!(verdict, Verdict::Stands);
        assert!(wealth(&[4]) < WEALTH && wealth(&[5]) < WEALTH && wealth(&[3]) > WEALTH);
    });
}

/// **Voting the public answer without computing.** The output is public, its trace is not: such a ballot names another
/// result. Cost where the solution stands: the whole ballot stake. Gain: nothing, whatever the verdict.
#[test]
fn a_lazy_vote_for_the_public_answer_loses() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3, 4, 5, 6], BOND);
        let task = world.solved(1, TRUE);
        assert_ok!(world.contest(2, task, FALSE));
        for voter in [3, 4, 5] {
            assert_ok!(world.vote(voter, task, TRUE));
        }
        let (cid, guess) = (Cid::of(&output(TRUE)), TraceDigest::repeat_byte(0xee));
        let lazy = protocol::ballot_seal(&System::block_hash(0), &task, &who(6), &cid, &guess, &SALT);
        assert_ok!(world.call(6, pallet_contestation::Call::vote { task, seal: lazy }));
        let staked = Ballots::<Runtime>::get(task, who(6)).expect("it has voted").stake;
        world.pass(7);
        for voter in [3, 4, 5] {
            assert_ok!(world.open(voter, task, TRUE));
        }
        // Now that the trace is public it is too late to have sealed it.
        assert_noop!(world.open(6, task, TRUE), Error::SealMismatch);
        assert_ok!(world.call(6, pallet_contestation::Call::open { task, output: cid, trace: guess, salt: SALT }));
        assert_eq!(world.close(task), Verdict::Stands);
        assert_eq!(WEALTH - wealth(&[6]), staked);
    });
}

/// **Ballots that are never opened**, to wait for the others' and choose then. Cost: the ballot stake, to the winners. Gain:
/// none.
#[test]
fn a_ballot_that_is_kept_shut_is_lost() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3, 4, 5, 6], BOND);
        let task = world.solved(1, FALSE);
        assert_ok!(world.contest(2, task, TRUE));
        for voter in [3, 4, 5, 6] {
            assert_ok!(world.vote(voter, task, TRUE));
        }
        let staked = Ballots::<Runtime>::get(task, who(6)).expect("it has voted").stake;
        world.pass(7);
        for opening in [2, 3, 4, 5] {
            assert_ok!(world.open(opening, task, TRUE));
        }
        assert_eq!(world.close(task), Verdict::Falls);
        assert_eq!(WEALTH - wealth(&[6]), staked);
    });
}

/// **Ballot copying.** Cost: the stake of the copy. Gain: none: a seal is bound to its voter, and the copy cannot be opened,
/// not even once everything is public.
#[test]
fn a_copied_ballot_cannot_be_opened() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3, 6], BOND);
        let task = world.solved(1, FALSE);
        assert_ok!(world.contest(2, task, TRUE));
        assert_ok!(world.vote(3, task, TRUE));
        let copied = Ballots::<Runtime>::get(task, who(3)).expect("it has voted").seal;
        assert_ok!(world.call(6, pallet_contestation::Call::vote { task, seal: copied }));
        world.pass(7);
        assert_ok!(world.open(3, task, TRUE));
        assert_noop!(world.open(6, task, TRUE), Error::SealMismatch);
    });
}

/// **A commitment copied from the mempool.** Cost: its deposit, if the task expires. Gain: none: it is bound to its solver,
/// and the copy cannot be revealed.
#[test]
fn a_copied_commitment_cannot_be_revealed() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2], BOND);
        let task = world.ask();
        assert_ok!(world.commit(1, task, TRUE));
        let commitment =
            pallet_solutions::Commitments::<Runtime>::get(task, who(1)).expect("it has committed").commitment;
        assert_ok!(world.call(2, pallet_solutions::Call::commit { task, commitment }));
        world.pass(1);
        assert_noop!(world.reveal(2, task, TRUE), SolutionsError::CommitmentMismatch);
        assert_ok!(world.reveal(1, task, TRUE));
    });
}

/// **Late stake**: bonding, or adding to a bond, once an answer can be seen. Cost and gain: none. New bond matures a tenure
/// later, which is never before the last ballot of a dispute over that answer.
#[test]
fn stake_that_comes_after_the_answer_has_no_say() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3], BOND);
        world.endow(6);
        assert_ok!(world.call(6, pallet_models::Call::serve { model: world.model }));
        let task = world.ask();
        assert_ok!(world.commit(1, task, FALSE));
        world.pass(1);
        assert_ok!(world.reveal(1, task, FALSE));
        assert_ok!(world.call(6, pallet_bonds::Call::bond { amount: 9 * BOND }));
        assert_ok!(world.call(3, pallet_bonds::Call::bond_more { amount: 8 * BOND }));
        // The last block of the window, and the last of the ballots.
        world.pass(3 + 8);
        assert_ok!(world.contest(2, task, TRUE));
        world.pass(6);
        assert_noop!(world.vote(6, task, FALSE), BondsError::NotMature);
        assert_ok!(world.vote(3, task, FALSE));
        assert_eq!(Ballots::<Runtime>::get(task, who(3)).expect("it has voted").weight, BOND);
    });
}

/// **Withdrawal during a dispute.** It cannot be done, so it costs and gains nothing: what is pledged cannot be unbonded, and
/// what is staked on a ballot is in the escrow.
#[test]
fn nobody_withdraws_what_a_dispute_may_take() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3], BOND);
        let task = world.solved(1, FALSE);
        let stake = stake(task);
        assert_ok!(world.contest(2, task, TRUE));
        assert_ok!(world.vote(3, task, FALSE));
        for party in [1, 2] {
            let amount = BOND - stake + 1;
            assert_noop!(world.call(party, pallet_bonds::Call::unbond { amount }), BondsError::Pledged);
            assert_ok!(world.call(party, pallet_bonds::Call::unbond { amount: amount - 1 }));
        }
        let staked = Ballots::<Runtime>::get(task, who(3)).expect("it has voted").stake;
        let amount = BOND - staked + 1;
        assert_noop!(world.call(3, pallet_bonds::Call::unbond { amount }), BondsError::InsufficientBond);
    });
}

/// **Leaving instead of voting.** A member of the committee who will not vote takes its whole bond out while the dispute
/// is open. Cost: what its ballot would have staked, for what was unbonded since the contest counts. Gain: none.
#[test]
fn a_member_of_the_committee_who_leaves_instead_of_voting_is_charged() {
    World::run(1, 0, |world| {
        world.solvers(&[1, 2, 3, 6], BOND);
        let task = world.solved(1, FALSE);
        let charge = BALLOT_STAKE.mul_ceil(BOND).min(stake(task));
        world.committee(&[6]);
        assert_ok!(world.contest(2, task, TRUE));
        assert_ok!(world.call(6, pallet_bonds::Call::unbond { amount: BOND }));
        assert_ok!(world.vote(3, task, TRUE));
        world.pass(7);
        for opening in [2, 3] {
            assert_ok!(world.open(opening, task, TRUE));
        }
        assert_eq!(world.close(task), Verdict::Falls);
        assert_noop!(world.call(6, pallet_bonds::Call::withdraw {}), BondsError::NothingToWithdraw);
        assert_ok!(world.call(USER, pallet_contestation::Call::charge_absent { task, member: who(6) }));
        assert_eq!(WEALTH - wealth(&[6]), charge);
    });
}

/// **Contest spam**, to delay others' payment. Cost: as much as the solution's stake for each contest with nothing behind it.
/// Gain: none: half of it goes to the solver, who earns more by being contested than by the task.
#[test]
fn contests_without_a_result_pay_those_whom_they_delay() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2], BOND);
        let task = world.solved(1, TRUE);
        let (stake, worth) = (stake(task), worth(task));
        assert_ok!(world.contest(2, task, FALSE));
        world.pass(7);
        assert_eq!(world.close(task), Verdict::Inconclusive);
        assert_eq!(WEALTH - wealth(&[2]), stake);
        assert_eq!(wealth(&[1]) - WEALTH, stake / 2);
        assert!(stake / 2 >= 2 * worth);
    });
}

/// **An answer that is not shown.** A solver reveals the content id of the right answer alone, though it would fit the
/// chain. Verifiers compute the same id, so that nobody has a ground to contest. Cost: none. Gain: what an honest answer
/// brings, while the user sees nothing: it still pays. What softens it: whoever computes the task again has the answer, and
/// gives it to the peers who ask for it.
#[test]
fn an_answer_that_is_not_shown_is_paid() {
    World::run(3, 2, |world| {
        world.solvers(&[1], BOND);
        let task = world.ask();
        assert_ok!(world.commit(1, task, TRUE));
        world.pass(1);
        let cid = Cid::of(&output(TRUE));
        let trace_seal = protocol::trace_seal(&task, &who(1), &trace(TRUE));
        let hidden = Payload::External { cid, length: output(TRUE).len() as u32 };
        let reveal = pallet_solutions::Call::reveal { task, salt: SALT, trace_seal, output: hidden.clone() };
        assert_ok!(world.call(1, reveal));
        let shown = assay_runtime::Solutions::standing(&task).expect("the task is solved").output;
        assert_eq!((shown, pallet_tasks::Outputs::<Runtime>::get(task)), (cid, Some(hidden)));
        world.pass(3 + 8 + 1);
        assert_ok!(world.call(1, pallet_solutions::Call::claim { task }));
        assert_eq!(state(task), TaskState::Settled);
        assert!(wealth(&[1]) > WEALTH);
    });
}

/// **A reveal that is withheld**, to lock a task. Cost: the deposit of the commitment. Gain: none: others may solve the task
/// all the same, and if nobody does, the user is refunded.
#[test]
fn a_commitment_that_is_never_revealed_locks_nothing() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2], BOND);
        let task = world.ask();
        assert_ok!(world.commit(1, task, TRUE));
        assert_ok!(world.commit(2, task, TRUE));
        world.pass(1);
        assert_ok!(world.reveal(2, task, TRUE));

        let other = world.ask();
        assert_ok!(world.commit(1, other, TRUE));
        world.pass(61);
        assert_ok!(world.call(USER, pallet_tasks::Call::expire { task: other }));
        let before = wealth(&[1]);
        assert_ok!(world.call(USER, pallet_solutions::Call::forfeit_commitment { task: other, solver: who(1) }));
        assert!(wealth(&[1]) < before);
    });
}

/// **Dusting another's bond**, or the account in which stakes wait. Cost: the dust. Gain: none: money that nobody asked for
/// changes no book.
#[test]
fn dust_changes_no_book() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3], BOND);
        let task = world.solved(1, FALSE);
        assert_ok!(world.contest(2, task, TRUE));
        assert_ok!(world.vote(3, task, TRUE));
        let ledger = pallet_bonds::Ledgers::<Runtime>::get(who(1));
        for dest in [who(1), pallet_bonds::Pallet::<Runtime>::pot()] {
            let call = pallet_balances::Call::transfer_allow_death { dest: dest.into(), value: MILLI_ASY + 1 };
            assert_ok!(world.call(USER, call));
        }
        assert_eq!(pallet_bonds::Ledgers::<Runtime>::get(who(1)), ledger);
        assay_runtime::Bonds::do_try_state().expect("bonds");
        world.pass(7);
        assert_ok!(world.open(3, task, TRUE));
        world.close(task);
    });
}

/// **A dispute opened in the last block of the window**, to be paid before it is over or to leave voters no time. Cost and
/// gain: none. It has its whole time, and the payment waits for it.
#[test]
fn a_contest_in_the_last_block_has_its_whole_time() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3, 4, 5], BOND);
        let task = world.solved(1, FALSE);
        world.pass(7);
        assert_ok!(world.contest(2, task, TRUE));
        world.pass(1);
        assert_noop!(world.call(1, pallet_solutions::Call::claim { task }), SolutionsError::NotSolved);
        world.pass(5);
        for voter in [3, 4, 5] {
            assert_ok!(world.vote(voter, task, TRUE));
        }
        world.pass(6);
        for opening in [2, 3, 4, 5] {
            assert_ok!(world.open(opening, task, TRUE));
        }
        assert_eq!(world.close(task), Verdict::Falls);
    });
    World::run(3, 2, |world| {
        world.solvers(&[1, 2], BOND);
        let task = world.solved(1, TRUE);
        world.pass(8);
        assert_noop!(world.contest(2, task, FALSE), Error::WindowOver);
        assert_ok!(world.call(2, pallet_solutions::Call::claim { task }));
    });
}

/// **A party on both sides.** It cannot be done, so it costs and gains nothing: nobody contests its own solution, and no
/// party votes beside its own result.
#[test]
fn a_party_has_one_say() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2], BOND);
        let task = world.solved(1, FALSE);
        assert_noop!(world.contest(1, task, TRUE), Error::OwnSolution);
        assert_ok!(world.contest(2, task, TRUE));
        for party in [1, 2] {
            assert_noop!(world.vote(party, task, FALSE), Error::Party);
        }
    });
}

/// **Many accounts instead of one.** Cost: the stake of each ballot. Gain: none: ballots weigh what is bonded, and ten
/// accounts with a tenth each are worth one.
#[test]
fn splitting_oneself_gains_no_weight() {
    World::run(3, 2, |world| {
        world.solvers(&[1, 2, 3, 4, 5], BOND);
        let split: Vec<u8> = (10..20).collect();
        world.solvers(&split, 2 * BOND / 10);
        let task = world.solved(1, FALSE);
        let mut votes = vec![(3, TRUE), (4, TRUE), (5, TRUE)];
        votes.extend(split.iter().map(|account| (*account, FALSE)));
        // Contester and three voters have 4,000; the solver and its ten have 3,000.
        assert_eq!(world.dispute(task, (1, FALSE), (2, TRUE), &votes), Verdict::Falls);
    });
}

/// **Rules changed under way**, by whoever governs, to save one of the parties. Cost and gain: none. Stakes, periods and the
/// quorum of a dispute are those of the block that opened it.
#[test]
fn what_is_governed_later_does_not_change_a_dispute() {
    use assay_runtime::{parameters::dynamic_params::solutions, RuntimeParameters as P};

    World::run(1, 0, |world| {
        world.solvers(&[1, 2, 3], BOND);
        let task = world.solved(1, FALSE);
        let stake = stake(task);
        assert_ok!(world.contest(2, task, TRUE));
        world.govern(vec![
            P::Disputes(disputes::Parameters::QuorumBallots(disputes::QuorumBallots, Some(100))),
            P::Disputes(disputes::Parameters::BallotOpen(disputes::BallotOpen, Some(1))),
            P::Solutions(solutions::Parameters::MinimumStake(solutions::MinimumStake, Some(1))),
        ]);
        assert_ok!(world.vote(3, task, TRUE));
        world.pass(7);
        assert_ok!(world.open(2, task, TRUE));
        world.pass(4);
        assert_ok!(world.open(3, task, TRUE));
        world.pass(2);
        assert_ok!(world.call(USER, pallet_contestation::Call::settle { task }));
        assert_ok!(world.call(USER, pallet_contestation::Call::pull { task, voter: who(3) }));
        assert_eq!(WEALTH - wealth(&[1]), stake);
    });
}

/// **The same thing sent twice**, in two transactions, to be counted or paid twice. Cost: their fees. Gain: none: what was
/// done is known by task and account, whatever transaction it came in.
#[test]
fn what_is_sent_twice_counts_once() {
    World::run(1, 0, |world| {
        world.solvers(&[1, 2, 3], BOND);
        let task = world.ask();
        assert_ok!(world.commit(1, task, FALSE));
        assert_noop!(world.commit(1, task, FALSE), SolutionsError::AlreadyCommitted);
        world.pass(1);
        assert_ok!(world.reveal(1, task, FALSE));
        assert_noop!(world.reveal(1, task, FALSE), SolutionsError::NotCommitted);
        world.pass(4);
        assert_ok!(world.contest(2, task, TRUE));
        assert_noop!(world.contest(2, task, TRUE), Error::NotSolved);
        assert_ok!(world.vote(3, task, TRUE));
        assert_noop!(world.vote(3, task, TRUE), Error::AlreadyVoted);
        world.pass(7);
        for opening in [2, 3] {
            assert_ok!(world.open(opening, task, TRUE));
            assert_noop!(world.open(opening, task, TRUE), Error::AlreadyOpened);
        }
        assert_ok!(world.open_solution(1, task, FALSE));
        assert_noop!(world.open_solution(1, task, FALSE), Error::AlreadyOpened);
        world.pass(6);
        let settle = pallet_contestation::Call::<Runtime>::settle { task };
        assert_ok!(world.call(USER, settle.clone()));
        assert_noop!(world.call(USER, settle), Error::AlreadySettled);
        let pull = pallet_contestation::Call::<Runtime>::pull { task, voter: who(3) };
        assert_ok!(world.call(USER, pull.clone()));
        assert_noop!(world.call(USER, pull), Error::NotFound);
    });
}

/// **A slash that is counted at the end**, of what is left by then: the solver takes out all of its bond that is free before
/// the verdict. Cost: the whole stake, set aside when the answer was shown. Gain: none.
#[test]
fn what_is_lost_is_what_was_staked() {
    World::run(1, 0, |world| {
        world.solvers(&[1, 2, 3], BOND);
        let task = world.solved(1, FALSE);
        let stake = stake(task);
        assert_ok!(world.contest(2, task, TRUE));
        assert_ok!(world.call(1, pallet_bonds::Call::unbond { amount: BOND - stake }));
        assert_ok!(world.vote(3, task, TRUE));
        world.pass(7);
        for opening in [2, 3] {
            assert_ok!(world.open(opening, task, TRUE));
        }
        assert_eq!(world.close(task), Verdict::Falls);
        assert_eq!(WEALTH - wealth(&[1]), stake);
        let ledger = pallet_bonds::Ledgers::<Runtime>::get(who(1)).expect("what it took out waits");
        assert_eq!((ledger.active, ledger.pledged, ledger.held()), (0, 0, BOND - stake));
    });
}

/// **Others' stake as weight**: a liar has nine times its own bond delegated to it before it votes. Cost: the stake of its
/// ballot. Gain: none: only own bond votes.
#[test]
fn what_is_delegated_does_not_vote() {
    World::run(3, 0, |world| {
        world.solvers(&[1, 2, 3, 4, 5], BOND);
        world.endow(50);
        assert_ok!(world.call(5, pallet_bonds::Call::set_commission { commission: Perbill::zero() }));
        assert_ok!(world.call(50, pallet_bonds::Call::delegate { solver: who(5), amount: 9 * BOND }));
        let task = world.solved(1, FALSE);
        let verdict = world.dispute(task, (1, FALSE), (2, TRUE), &[(3, TRUE), (4, TRUE), (5, FALSE)]);
        assert_eq!(verdict, Verdict::Falls);
        assert!(wealth(&[5]) < WEALTH);
        let pool = pallet_bonds::Pools::<Runtime>::get(who(5)).expect("somebody is in it");
        assert_eq!(pool.fund.balance, 9 * BOND);
    });
}

/// **A dispute that nobody ends**, to keep the fee and the stakes locked. Cost and gain: none. The sweepers settle it, charge
/// who was absent and pull every ballot.
#[test]
fn a_dispute_that_everybody_forgets_ends_by_itself() {
    World::run(1, 0, |world| {
        world.solvers(&[1, 2, 3, 4], BOND);
        let task = world.solved(1, FALSE);
        assert_ok!(world.contest(2, task, TRUE));
        assert_ok!(world.vote(3, task, TRUE));
        assert_ok!(world.vote(4, task, TRUE));
        world.pass(7);
        assert_ok!(world.open(2, task, TRUE));
        assert_ok!(world.open(3, task, TRUE));
        world.pass(250);
        assert!(!Disputes::<Runtime>::contains_key(task));
        assert_eq!(pallet_bonds::Escrowed::<Runtime>::get(), 0);
        assert!(wealth(&[3]) > WEALTH && wealth(&[4]) < WEALTH);
    });
}

/// Lets time pass until `block`; in every block before it, `each` is done.
fn until(world: &mut World, block: BlockNumber, mut each: impl FnMut(&World)) {
    while System::block_number() < block {
        each(world);
        world.pass(1);
    }
}

/// **Every bound at its limit**: the largest payloads, a bond in as many parts and exits as there may be, as many models
/// and members of the committee, and each step of a dispute in the last block that takes it. Gain: none. Nothing
/// overflows, nobody is kept out, and nobody who is to be slashed escapes.
#[test]
fn every_bound_holds_at_its_limit() {
    use pallet_bonds::{Call, Ledgers};
    let members_at_most: u32 = <Runtime as pallet_contestation::Config>::MaxCommittee::get();
    let parts: u32 = <Runtime as pallet_bonds::Config>::MaxTranches::get();
    let exits: u32 = <Runtime as pallet_bonds::Config>::MaxChunks::get();
    let full = |account| {
        let ledger = Ledgers::<Runtime>::get(who(account)).expect("it has bonded");
        (ledger.maturing.len(), ledger.unbonding.len()) == (parts as usize, exits as usize)
    };
    // Unbonds until no exit is left, then bonds until no part is, once in each block; at last both once more.
    let fill = |world: &World, account, exit: Balance, turn: u32| {
        if turn < exits {
            assert_ok!(world.call(account, Call::unbond { amount: exit }));
            return;
        }
        assert_ok!(world.call(account, Call::bond_more { amount: MILLI_ASY }));
        if turn >= exits + parts {
            assert_noop!(world.call(account, Call::unbond { amount: 1 }), BondsError::TooManyChunks);
        }
    };

    World::run(3, 2, |world| {
        let members: Vec<u8> = (100..).take(members_at_most as usize).collect();
        assert!(members.len() == members_at_most as usize && !members.contains(&USER));
        let (voters, absent) = members.split_at(3);
        let leaver = absent[0];
        world.solvers(&[1, 2], BOND);
        world.solvers(&members, BOND);

        // One voter serves as many models as one may.
        let models: u32 = <Runtime as pallet_models::Config>::MaxServed::get();
        for n in 1..=models {
            let manifest = Cid::of(&n.to_le_bytes());
            let register = pallet_models::Call::register { manifest, fee: 0, recipient: who(USER) };
            assert_ok!(world.call(USER, register));
            let serve = pallet_models::Call::serve { model: protocol::model_id(&who(USER), &manifest) };
            if n < models {
                assert_ok!(world.call(voters[0], serve));
            } else {
                assert_noop!(world.call(voters[0], serve), pallet_models::Error::<Runtime>::TooMany);
            }
        }

        // The solver, who lies, takes out of its bond as often as it may, and adds to it while it is contested.
        let begin = System::block_number();
        until(world, begin + exits, |world| fill(world, 1, ASY, System::block_number() - begin));
        let largest = |answer| vec![answer; MAX_INLINE as usize];
        let submit = pallet_tasks::Call::submit {
            model: world.model,
            parameters: BoundedVec::truncate_from(vec![1; MAX_PARAMETERS as usize]),
            input: Payload::Inline(BoundedVec::truncate_from(largest(TRUE))),
            fee: FEE,
            deadline: Some(1),
        };
        assert_ok!(world.call(USER, submit));
        let task = pallet_tasks::LastTask::<Runtime>::get();
        let lie = largest(FALSE);
        let trace_seal = protocol::trace_seal(&task, &who(1), &trace(FALSE));
        let genesis = System::block_hash(0);
        let commitment = protocol::commitment(&genesis, &task, &who(1), &Cid::of(&lie), &trace_seal, &SALT);
        assert_ok!(world.call(1, pallet_solutions::Call::commit { task, commitment }));
        world.pass(1);
        let output = Payload::Inline(BoundedVec::truncate_from(lie));
        assert_ok!(world.call(1, pallet_solutions::Call::reveal { task, salt: SALT, trace_seal, output }));
        let stake = stake(task);

        // In the last block of the window. From here on the solver fills its parts up to the verdict, and one of the
        // committee leaves as well as it can.
        let solution = assay_runtime::Solutions::standing(&task).expect("the task is solved");
        let contested_at = solution.contestable_until;
        let periods: (BlockNumber, BlockNumber) = (disputes::BallotCommit::get(), disputes::BallotOpen::get());
        let (votes_until, opens_until) = (contested_at + periods.0, contested_at + periods.0 + periods.1);
        let settled_at = opens_until + 1;
        let grow = |world: &World| {
            let now = System::block_number();
            if now + parts >= settled_at {
                fill(world, 1, ASY, exits + now + parts - settled_at);
            }
        };
        until(world, contested_at, grow);
        world.committee(&members);
        assert_ok!(world.contest(2, task, TRUE));
        assert_eq!(Absent::<Runtime>::get(task).map(|absent| absent.len()), Some(members.len()));
        let exit = (BOND - ASY) / Balance::from(exits);
        let leave = |world: &World| fill(world, leaver, exit, System::block_number() - contested_at);
        let both = |world: &World| {
            grow(world);
            leave(world);
        };

        // In the last block of the ballots; then in the last of the opening; then settled in the next.
        until(world, votes_until, both);
        assert_noop!(world.open(2, task, TRUE), Error::OpeningNotBegun);
        for voter in voters {
            assert_ok!(world.vote(*voter, task, TRUE));
        }
        until(world, votes_until + 1, both);
        assert_noop!(world.vote(absent[1], task, TRUE), Error::VotesOver);
        until(world, opens_until, both);
        for opening in voters.iter().chain(&[2]) {
            assert_ok!(world.open(*opening, task, TRUE));
        }
        assert_noop!(world.call(USER, pallet_contestation::Call::settle { task }), Error::SettleTooEarly);
        until(world, settled_at, both);
        assert_noop!(world.open_solution(1, task, FALSE), Error::OpeningOver);
        assert!(full(1));
        assert_ok!(world.call(USER, pallet_contestation::Call::settle { task }));
        assert!(full(1));
        assert_eq!((state(task), WEALTH - wealth(&[1])), (TaskState::Refunded, stake));
        for voter in voters {
            assert_ok!(world.call(USER, pallet_contestation::Call::pull { task, voter: who(*voter) }));
        }

        // Everybody else on the committee is charged, whoever has left too.
        until(world, contested_at + exits + parts + 1, leave);
        assert!(full(leaver));
        let charge = BALLOT_STAKE.mul_ceil(BOND).min(stake);
        for member in absent {
            let before = wealth(&[*member]);
            let call = pallet_contestation::Call::charge_absent { task, member: who(*member) };
            assert_ok!(world.call(USER, call));
            assert_eq!(before - wealth(&[*member]), charge);
        }
        // Its bond did not suffice, and what it had taken out answered for the rest.
        let left = Ledgers::<Runtime>::get(who(leaver)).expect("exits wait");
        assert_eq!((left.active, left.maturing.len()), (0, 0));
        assert!(!Disputes::<Runtime>::contains_key(task));
    });
}

/// A wrong solution that is contested with the right answer, and so many voters with the same bond each, who have all opened
/// that answer; it can be settled now.
fn crowd(world: &mut World, voters: u32) -> (TaskId, Vec<AccountId>) {
    world.solvers(&[1, 2], BOND);
    let task = world.solved(1, FALSE);
    assert_ok!(world.contest(2, task, TRUE));
    let call = |voter: &AccountId, call: RuntimeCall| call.dispatch(RuntimeOrigin::signed(voter.clone()));
    let account = |n: u32| AccountId::new(sp_crypto_hashing::blake2_256(&n.to_le_bytes()));
    let voters: Vec<_> = (0..voters).map(account).collect();
    for voter in &voters {
        let endow = pallet_balances::Call::force_set_balance { who: voter.clone().into(), new_free: WEALTH };
        assert_ok!(RuntimeCall::from(endow).dispatch(RuntimeOrigin::root()));
        assert_ok!(call(voter, pallet_bonds::Call::bond { amount: 20 * ASY }.into()));
        assert_ok!(call(voter, pallet_models::Call::serve { model: world.model }.into()));
        // Matured by hand: what is looked at is the dispute.
        pallet_bonds::Ledgers::<Runtime>::mutate(voter, |ledger| {
            ledger.as_mut().expect("it has bonded").maturing = Default::default();
        });
        let seal = seal(&task, voter, TRUE);
        assert_ok!(call(voter, pallet_contestation::Call::vote { task, seal }.into()));
    }
    world.pass(7);
    assert_ok!(world.open(2, task, TRUE));
    for voter in &voters {
        let (output, trace) = (Cid::of(&output(TRUE)), trace(TRUE));
        let open = pallet_contestation::Call::open { task, output, trace, salt: SALT };
        assert_ok!(call(voter, open.into()));
    }
    world.pass(6);
    (task, voters)
}

/// **A dispute with a thousand ballots**, too many to be settled in one block. Cost: the bonds. Gain: none: it is settled, and
/// each ballot is paid, at the price of any other, and two blocks have room for all ballots.
#[test]
fn a_thousand_voters_cost_no_more_than_a_hundred() {
    /// The size of what `settle`, and then `pull` of one ballot, look at in the state, in bytes.
    fn looked_at(voters: u32) -> [usize; 2] {
        let mut crowded = None;
        let mut state = World::run(1, 0, |world| crowded = Some(crowd(world, voters)));
        let (task, voters) = crowded.expect("the task is disputed");
        let calls: [RuntimeCall; 2] = [
            pallet_contestation::Call::settle { task }.into(),
            pallet_contestation::Call::pull { task, voter: voters[0].clone() }.into(),
        ];
        calls.map(|call| {
            state.commit_all().expect("changes are committed");
            let (result, proof) = state.execute_and_prove(|| call.dispatch(RuntimeOrigin::signed(who(USER))));
            assert_ok!(result);
            proof.iter_nodes().map(|node| node.len()).sum()
        })
    }

    for (hundred, thousand) in looked_at(100).into_iter().zip(looked_at(1_000)) {
        // The state itself is larger, so that the way to each entry is a little longer.
        assert!(thousand < 2 * hundred, "{hundred} bytes with a hundred voters, {thousand} with a thousand");
    }
    let block = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
    let fits = |call: pallet_contestation::Call<Runtime>, times: u64, blocks: u64| {
        let weight = RuntimeCall::from(call).get_dispatch_info().call_weight;
        assert!(weight.saturating_mul(times).all_lte(block.saturating_mul(blocks)), "{weight:?} of {block:?}");
    };
    let (task, output, trace) = (TaskId::default(), Cid::of(&output(TRUE)), trace(TRUE));
    fits(pallet_contestation::Call::settle { task }, 20, 1);
    fits(pallet_contestation::Call::vote { task, seal: Default::default() }, 1_000, 2);
    fits(pallet_contestation::Call::open { task, output, trace, salt: SALT }, 1_000, 2);
    fits(pallet_contestation::Call::pull { task, voter: who(USER) }, 1_000, 2);
}

/// **A thousand ballots left to others.** Half are pulled by whoever likes, half are left to the sweeper, which looks at so
/// many in each block and no more. Cost and gain: none. Every winner has the same, the treasury has what rounding left, and
/// nothing stays.
#[test]
fn a_thousand_ballots_are_paid_to_the_last_unit() {
    World::run(1, 0, |world| {
        let treasury = || Balances::total_balance(&Treasury::get());
        let give = pallet_balances::Call::transfer_allow_death { dest: Treasury::get().into(), value: ASY };
        assert_ok!(world.call(USER, give));
        let (task, voters) = crowd(world, 1_000);
        let stake = stake(task);
        let before = treasury();
        assert_ok!(world.call(USER, pallet_contestation::Call::settle { task }));
        assert_eq!((state(task), WEALTH - wealth(&[1])), (TaskState::Refunded, stake));
        assert_eq!(wealth(&[2]) - WEALTH, stake / 2);

        let left = || Ballots::<Runtime>::iter_prefix(task).count();
        for voter in &voters[..500] {
            assert_ok!(world.call(USER, pallet_contestation::Call::pull { task, voter: voter.clone() }));
        }
        // The first block in which the sweeper pulls has begun; it does so at the end.
        world.pass(SWEEP_DELAY + 1);
        assert_eq!(left(), 500);
        let batch = SWEEP_BATCH as usize;
        // It begins somewhere among them, ends a round at the last, and has no room in a block in which sessions change.
        for _ in 0..500_usize.div_ceil(batch) + 3 {
            let waiting = left();
            world.pass(1);
            assert!(waiting - left() <= batch, "of {waiting} there are {}", left());
        }
        assert!(!Disputes::<Runtime>::contains_key(task));
        assert_eq!(pallet_bonds::Escrowed::<Runtime>::get(), 0);

        let share = (stake - stake / 2) / 1_000;
        assert!(voters.iter().all(|voter| Balances::total_balance(voter) == WEALTH + share));
        assert_eq!(treasury() - before, (stake - stake / 2) % 1_000);
    });
}
