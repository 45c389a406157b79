//! The decision over every combination of record and chain, and the scenes that matter by name.

use super::*;
use assay_types::Hash;
use Action::*;

const HERE: Inclusion = Inclusion { number: 10, hash: Hash::repeat_byte(1) };
const ELSEWHERE: Inclusion = Inclusion { number: 11, hash: Hash::repeat_byte(2) };

fn record() -> Record {
    Record { included: HERE, sent_until: None, phase: BallotPhase::Recorded, patience: 1 }
}

fn chain(block: BlockNumber, state: State) -> ChainView {
    let task = Some(TaskView { state, included: HERE });
    ChainView { block, finalized: block - 2, task, solution: None, dispute: None }
}

/// Of a solution that may be contested from block 18 to block 25.
fn solution(own: bool, agrees: bool) -> Option<SolutionView> {
    Some(SolutionView { own, agrees, contestable_from: 18, contestable_until: 25 })
}

/// Votes until block 30, opens until block 36.
fn dispute(part: Part, sealed: Option<SealView>) -> Option<DisputeView> {
    Some(DisputeView { part, votes_until: 30, opens_until: 36, sealed })
}

fn sealed(opened: bool) -> Option<SealView> {
    Some(SealView { recorded: true, opened })
}

#[test]
fn a_wrong_solution_is_contested_within_its_window() {
    let at = |block| ChainView { solution: solution(false, false), ..chain(block, State::Solved) };
    // What is sent at 17 is in 18, the first block of the window; 25 is the last.
    assert_eq!([16, 17, 24, 25].map(|block| decide(&record(), &at(block))), [Wait, Contest, Contest, Wait]);
}

#[test]
fn a_solution_that_agrees_and_the_own_are_left_alone() {
    for solution in [solution(false, true), solution(true, false)] {
        assert_eq!(decide(&record(), &ChainView { solution, ..chain(20, State::Solved) }), Wait);
    }
}

#[test]
fn a_contester_opens_and_settles() {
    let record = Record { sent_until: Some(60), phase: BallotPhase::Cast, ..record() };
    let at = |block, opened| ChainView {
        solution: solution(false, false),
        dispute: dispute(Part::Contester, sealed(opened)),
        ..chain(block, State::Disputed)
    };
    assert_eq!([28, 29, 30, 35].map(|block| decide(&record, &at(block, false))), [Wait, Wait, Open, Open]);
    assert_eq!([30, 35, 36, 37, 38].map(|block| decide(&record, &at(block, true))), [Wait, Wait, Wait, Wait, Settle]);
    assert_eq!(observed(&record, &at(31, true)), Some(BallotPhase::Opened));
    // A party is paid by the settlement itself.
    for state in [State::Settled, State::Refunded] {
        let over = ChainView { dispute: dispute(Part::Contester, sealed(true)), ..chain(40, state) };
        assert_eq!(decide(&record, &over), End(BallotOutcome::Closed));
        assert_eq!(decide(&record, &chain(40, state)), End(BallotOutcome::Closed));
    }
}

#[test]
fn a_voter_votes_opens_settles_last_and_pulls() {
    let at = |block, sealed| ChainView {
        solution: solution(false, true),
        dispute: dispute(Part::Voter, sealed),
        ..chain(block, State::Disputed)
    };
    assert_eq!([26, 29, 30].map(|block| decide(&record(), &at(block, None))), [Vote, Vote, Wait]);
    let cast = Record { sent_until: Some(60), phase: BallotPhase::Cast, ..record() };
    assert_eq!([29, 30, 35].map(|block| decide(&cast, &at(block, sealed(false)))), [Wait, Open, Open]);
    assert_eq!([35, 40, 41].map(|block| decide(&cast, &at(block, sealed(true)))), [Wait, Wait, Settle]);
    let over = ChainView { dispute: dispute(Part::Voter, sealed(true)), ..chain(42, State::Settled) };
    assert_eq!(decide(&cast, &over), Pull);
    let pulled = ChainView { dispute: dispute(Part::Voter, None), ..chain(43, State::Settled) };
    assert_eq!(decide(&cast, &pulled), End(BallotOutcome::Closed));
}

#[test]
fn a_seal_of_something_else_is_not_opened() {
    let strange = Some(SealView { recorded: false, opened: false });
    let at = ChainView { dispute: dispute(Part::Voter, strange), ..chain(32, State::Disputed) };
    assert_eq!(decide(&record(), &at), Wait);
    assert_eq!(observed(&record(), &at), None);
}

#[test]
fn a_result_of_an_abandoned_fork_is_neither_sent_nor_opened() {
    let moved = |state| ChainView {
        task: Some(TaskView { state, included: ELSEWHERE }),
        solution: solution(false, false),
        ..chain(20, state)
    };
    assert_eq!(decide(&record(), &moved(State::Solved)), Restart);
    // What was sent was signed upon the block of the old fork: when the task's new block is final, nobody takes it.
    let sent = Record { sent_until: Some(50), ..record() };
    assert_eq!(decide(&sent, &ChainView { finalized: ELSEWHERE.number - 1, ..moved(State::Solved) }), Wait);
    assert_eq!(decide(&sent, &ChainView { finalized: ELSEWHERE.number, ..moved(State::Solved) }), Restart);
    let contested = ChainView { dispute: dispute(Part::Contester, sealed(false)), ..moved(State::Disputed) };
    assert_eq!(decide(&record(), &ChainView { block: 32, ..contested }), Wait);
}

#[test]
fn a_result_is_wanted_of_chosen_solutions_and_of_every_dispute() {
    let solved = |block, own| ChainView { solution: solution(own, false), ..chain(block, State::Solved) };
    assert_eq!(wanted_until(&solved(12, false), true), Some(25));
    assert_eq!(wanted_until(&solved(24, false), true), Some(25));
    assert_eq!(wanted_until(&solved(25, false), true), None);
    assert_eq!(wanted_until(&solved(12, false), false), None);
    assert_eq!(wanted_until(&solved(12, true), true), None);
    let disputed = |block, part, sealed| ChainView {
        solution: solution(false, false),
        dispute: dispute(part, sealed),
        ..chain(block, State::Disputed)
    };
    assert_eq!(wanted_until(&disputed(29, Part::Voter, None), false), Some(30));
    assert_eq!(wanted_until(&disputed(30, Part::Voter, None), false), None);
    assert_eq!(wanted_until(&disputed(29, Part::Voter, sealed(false)), true), None);
    assert_eq!(wanted_until(&disputed(29, Part::Contester, None), true), None);
    assert_eq!(wanted_until(&disputed(29, Part::Solver, None), true), None);
    assert_eq!(wanted_until(&chain(12, State::Open), true), None);
}

/// Every record against every chain: the rules that protect money, in one place.
#[test]
fn no_combination_breaks_a_rule() {
    let states = [
        None,
        Some(State::Open),
        Some(State::Solved),
        Some(State::Disputed),
        Some(State::Settled),
        Some(State::Refunded),
        Some(State::Expired),
        Some(State::Retracted),
    ];
    let phases = [
        BallotPhase::Recorded,
        BallotPhase::Cast,
        BallotPhase::Opened,
        BallotPhase::Ended(BallotOutcome::Unused),
        BallotPhase::Ended(BallotOutcome::Closed),
        BallotPhase::Ended(BallotOutcome::Vanished),
    ];
    let solutions = [None, solution(false, false), solution(false, true), solution(true, false)];
    let mut disputes = vec![None];
    for part in [Part::Solver, Part::Contester, Part::Voter] {
        for sealed in [None, sealed(false), sealed(true), Some(SealView { recorded: false, opened: false })] {
            disputes.push(dispute(part, sealed));
        }
    }
    let mut seen = std::collections::HashSet::new();
    let mut combinations = 0;
    for state in states {
        for included in [HERE, ELSEWHERE] {
            for phase in phases {
                for sent_until in [None, Some(20), Some(44)] {
                    for solution in solutions {
                        for dispute in &disputes {
                            for block in [12, 17, 24, 25, 29, 30, 35, 36, 38, 41, 50] {
                                for lag in [0, 2, 12] {
                                    let record = Record { phase, sent_until, ..record() };
                                    let chain = ChainView {
                                        block,
                                        finalized: block - lag,
                                        task: state.map(|state| TaskView { state, included }),
                                        solution,
                                        dispute: *dispute,
                                    };
                                    let action = decide(&record, &chain);
                                    check(&record, &chain, action);
                                    seen.insert(std::mem::discriminant(&action));
                                    combinations += 1;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(combinations > 400_000);
    assert_eq!(seen.len(), 8, "every action is reachable");
}

fn check(record: &Record, chain: &ChainView, action: Action) {
    let context = || format!("{record:?} {chain:?} -> {action:?}");
    let next = chain.block + 1;
    if let BallotPhase::Ended(outcome) = record.phase {
        assert_eq!(action, End(outcome), "{}", context());
        return;
    }
    // What was sent was signed upon the block of the seed: when the task's other block is final, nobody takes it.
    let moved =
        chain.task.is_some_and(|task| task.included != record.included && task.included.number <= chain.finalized);
    let may_appear = !moved && record.sent_until.is_some_and(|until| until >= chain.finalized);
    if let Contest | Vote | Open = action {
        assert_eq!(chain.task.unwrap().included, record.included, "a result of another seed: {}", context());
    }
    match action {
        Contest => {
            let solution = chain.solution.unwrap();
            assert_eq!(chain.task.unwrap().state, State::Solved, "{}", context());
            assert!(!solution.own && !solution.agrees, "{}", context());
            assert!((solution.contestable_from..=solution.contestable_until).contains(&next), "{}", context());
        }
        Vote => {
            let dispute = chain.dispute.unwrap();
            assert_eq!(chain.task.unwrap().state, State::Disputed, "{}", context());
            assert!(dispute.part == Part::Voter && dispute.sealed.is_none(), "one ballot each: {}", context());
            assert!(next <= dispute.votes_until, "{}", context());
        }
        Open => {
            let dispute = chain.dispute.unwrap();
            assert_eq!(chain.task.unwrap().state, State::Disputed, "{}", context());
            assert_eq!(dispute.sealed, sealed(false), "{}", context());
            assert!(next > dispute.votes_until && next <= dispute.opens_until, "{}", context());
        }
        Settle => {
            assert_eq!(chain.task.unwrap().state, State::Disputed, "{}", context());
            let dispute = chain.dispute.unwrap();
            assert!(next > dispute.opens_until && dispute.part != Part::Solver, "{}", context());
        }
        Pull => {
            let dispute = chain.dispute.unwrap();
            assert!(chain.task.unwrap().state.has_ended(), "{}", context());
            assert!(dispute.part == Part::Voter && dispute.sealed.is_some(), "{}", context());
        }
        Restart => {
            assert!(!may_appear, "{}", context());
            assert!(chain.dispute.is_none_or(|dispute| dispute.sealed.is_none()), "{}", context());
        }
        End(_) => {
            assert!(chain.task.is_none_or(|task| task.state.has_ended()), "{}", context());
            let due = chain.dispute.is_some_and(|dispute| dispute.part == Part::Voter && dispute.sealed.is_some());
            assert!(chain.task.is_none() || !due, "a ballot is left behind: {}", context());
        }
        Wait => {
            // Waiting is only ever for something that time or others will change.
            assert!(chain.task.is_none_or(|task| !task.state.has_ended()), "nothing will change: {}", context());
            assert!(chain.task.is_some() || may_appear, "{}", context());
        }
    }
}
