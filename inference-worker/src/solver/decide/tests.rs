//! The decision over every combination of record and chain, and the scenes that matter by name.

use super::*;
use assay_types::Hash;
use Action::*;

const HERE: Inclusion = Inclusion { number: 10, hash: Hash::repeat_byte(1) };
const ELSEWHERE: Inclusion = Inclusion { number: 11, hash: Hash::repeat_byte(2) };
const OURS: Commitment = Hash::repeat_byte(3);
const STRANGE: Commitment = Hash::repeat_byte(4);

fn record() -> Record {
    Record { commitment: OURS, included: HERE, sent_until: None, phase: Phase::Recorded }
}

fn task(state: State) -> TaskView {
    TaskView { state, deadline: 50, reveal_grace: 3, contest_window: 8, included: HERE, paid: false }
}

fn chain(block: BlockNumber, state: State) -> ChainView {
    let task = Some(task(state));
    ChainView { block, finalized: block - 2, task, commitment: None, solution: None, dispute: None }
}

fn committed(at: BlockNumber) -> Option<CommitmentView> {
    Some(CommitmentView { hash: OURS, at })
}

fn solution(own: bool, committed_at: BlockNumber, first_revealed_at: BlockNumber) -> Option<SolutionView> {
    Some(SolutionView { own, committed_at, first_revealed_at })
}

#[test]
fn the_straight_way_commits_reveals_and_claims() {
    let mut record = record();
    assert_eq!(decide(&record, &chain(12, State::Open)), Commit);
    record.sent_until = Some(44);
    assert_eq!(decide(&record, &ChainView { commitment: committed(13), ..chain(13, State::Open) }), Reveal);
    let solved = |block| ChainView { solution: solution(true, 13, 14), ..chain(block, State::Solved) };
    assert_eq!(observed(&record, &solved(14)), Some(Phase::Revealed));
    record.phase = Phase::Revealed;
    // Grace 3 and window 8 after height 14 end with 25: a claim is good from block 26 on, so it is sent at 25.
    assert_eq!(decide(&record, &solved(24)), Wait);
    assert_eq!(decide(&record, &solved(25)), Claim);
    let settled = TaskView { paid: true, ..task(State::Settled) };
    assert_eq!(decide(&record, &ChainView { task: Some(settled), ..chain(27, State::Settled) }), End(Outcome::Paid));
}

#[test]
fn a_commitment_that_leaves_no_block_for_the_reveal_is_not_sent() {
    // Sent at 48 it is in 49, the reveal in 50, the last good block.
    assert_eq!(decide(&record(), &chain(48, State::Open)), Commit);
    assert_eq!(decide(&record(), &chain(49, State::Open)), End(Outcome::Lost));
}

#[test]
fn a_reveal_too_late_is_not_sent() {
    let at = |block| ChainView { commitment: committed(40), ..chain(block, State::Open) };
    assert_eq!(decide(&record(), &at(49)), Reveal);
    assert_eq!(decide(&record(), &at(50)), Wait);
}

#[test]
fn an_older_commitment_replaces_a_solution_while_the_grace_lasts() {
    let at = |block| ChainView {
        commitment: committed(12),
        solution: solution(false, 13, 14),
        ..chain(block, State::Solved)
    };
    assert_eq!(decide(&record(), &at(16)), Reveal);
    assert_eq!(decide(&record(), &at(17)), Withdraw);
}

#[test]
fn a_younger_commitment_waits_for_the_grace_to_end_and_is_withdrawn() {
    let at = |block| ChainView {
        commitment: committed(13),
        solution: solution(false, 13, 14),
        ..chain(block, State::Solved)
    };
    assert_eq!(decide(&record(), &at(16)), Wait);
    assert_eq!(decide(&record(), &at(17)), Withdraw);
}

fn dispute(opened: bool) -> Option<DisputeView> {
    Some(DisputeView { votes_until: 30, opens_until: 36, opened })
}

#[test]
fn a_contested_solution_is_opened_once_and_the_dispute_settled() {
    let record = Record { phase: Phase::Revealed, sent_until: Some(44), ..record() };
    let at = |block, opened| ChainView {
        solution: solution(true, 13, 14),
        dispute: dispute(opened),
        ..chain(block, State::Disputed)
    };
    // What is sent at 30 is in 31, the first block in which ballots are opened; 36 is the last.
    assert_eq!(
        [29, 30, 35, 36].map(|block| decide(&record, &at(block, false))),
        [Wait, OpenSolution, OpenSolution, Settle]
    );
    assert_eq!([30, 35, 36].map(|block| decide(&record, &at(block, true))), [Wait, Wait, Settle]);
    assert_eq!(decide(&record, &chain(40, State::Refunded)), End(Outcome::Fallen));
    let settled = TaskView { paid: true, ..task(State::Settled) };
    assert_eq!(decide(&record, &ChainView { task: Some(settled), ..chain(40, State::Settled) }), End(Outcome::Paid));
}

#[test]
fn a_dispute_over_the_solution_of_another_is_no_business_of_a_job() {
    let at = ChainView { commitment: committed(13), solution: solution(false, 13, 14), ..chain(33, State::Disputed) };
    assert_eq!(decide(&record(), &at), Wait);
}

#[test]
fn a_replaced_solution_is_not_taken_for_paid() {
    let record = Record { phase: Phase::Revealed, ..record() };
    let replaced = ChainView { solution: solution(false, 11, 14), ..chain(16, State::Solved) };
    let phase = observed(&record, &replaced).unwrap();
    assert_eq!(phase, Phase::Committed);
    assert_eq!(decide(&Record { phase, ..record }, &chain(30, State::Settled)), End(Outcome::Lost));
}

#[test]
fn a_task_that_moved_is_computed_anew_once_the_old_commitment_cannot_appear() {
    let moved = |finalized, block| ChainView {
        finalized,
        task: Some(TaskView { included: ELSEWHERE, ..task(State::Open) }),
        ..chain(block, State::Open)
    };
    assert_eq!(decide(&record(), &moved(10, 12)), Restart);
    // What was sent was signed upon the block of the old fork: when the task's new block is final, nobody takes it.
    let sent = Record { sent_until: Some(44), ..record() };
    assert_eq!(decide(&sent, &moved(10, 12)), Wait);
    assert_eq!(decide(&sent, &moved(11, 13)), Restart);
}

#[test]
fn a_result_of_an_abandoned_fork_is_never_revealed() {
    let sent = Record { sent_until: Some(44), ..record() };
    let mut moved = ChainView {
        task: Some(TaskView { included: ELSEWHERE, ..task(State::Open) }),
        commitment: committed(14),
        ..chain(15, State::Open)
    };
    assert_eq!(decide(&sent, &moved), Wait);
    moved.task = Some(TaskView { included: ELSEWHERE, ..task(State::Expired) });
    assert_eq!(decide(&sent, &moved), End(Outcome::Forfeited));
    moved.task = Some(TaskView { included: ELSEWHERE, ..task(State::Retracted) });
    assert_eq!(decide(&sent, &moved), Withdraw);
}

#[test]
fn a_task_that_a_fork_dropped_may_come_back() {
    let gone = ChainView { task: None, ..chain(30, State::Open) };
    assert_eq!(decide(&record(), &gone), End(Outcome::Vanished));
    let sent = Record { sent_until: Some(44), ..record() };
    assert_eq!(decide(&sent, &gone), Wait);
    assert_eq!(decide(&sent, &ChainView { finalized: 45, ..gone }), End(Outcome::Vanished));
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
        Phase::Recorded,
        Phase::Committed,
        Phase::Revealed,
        Phase::Ended(Outcome::Paid),
        Phase::Ended(Outcome::Lost),
        Phase::Ended(Outcome::Forfeited),
        Phase::Ended(Outcome::Vanished),
        Phase::Ended(Outcome::Fallen),
    ];
    let solutions = [
        None,
        solution(true, 12, 14),
        solution(false, 12, 14),
        solution(false, 11, 14),
        solution(false, 20, 30),
        solution(true, 12, 48),
    ];
    let commitments = [None, committed(12), committed(49), Some(CommitmentView { hash: STRANGE, at: 12 })];
    let mut seen = std::collections::HashSet::new();
    let mut combinations = 0;
    for state in states {
        for (included, paid) in [(HERE, false), (HERE, true), (ELSEWHERE, false)] {
            for phase in phases {
                for sent_until in [None, Some(20), Some(44), Some(200)] {
                    for solution in solutions {
                        for commitment in commitments {
                            for block in [12, 15, 17, 25, 26, 30, 36, 47, 48, 49, 50, 51, 60, 210] {
                                for lag in [0, 2, 12] {
                                    let record = Record { phase, sent_until, ..record() };
                                    let own = solution.is_some_and(|solution: SolutionView| solution.own);
                                    let disputes = [None, dispute(false), dispute(true)];
                                    for dispute in &disputes[..if own { 3 } else { 1 }] {
                                        let chain = ChainView {
                                            block,
                                            finalized: block - lag,
                                            task: state.map(|state| TaskView { included, paid, ..task(state) }),
                                            commitment,
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
    }
    assert!(combinations > 400_000);
    assert_eq!(seen.len(), 9, "every action is reachable");
}

/// Whether no block can take a commitment that was sent any more.
fn dead(record: &Record, chain: &ChainView) -> bool {
    let moved = chain.task.is_some_and(|task| task.included == ELSEWHERE && chain.finalized >= ELSEWHERE.number);
    moved || record.sent_until.is_none_or(|until| until < chain.finalized)
}

fn check(record: &Record, chain: &ChainView, action: Action) {
    let context = || format!("{record:?} {chain:?} -> {action:?}");
    let next = chain.block + 1;
    if let Phase::Ended(outcome) = record.phase {
        assert_eq!(action, End(outcome), "{}", context());
        return;
    }
    match action {
        Commit => {
            let task = chain.task.expect("a commitment needs a task");
            assert_eq!(task.state, State::Open, "{}", context());
            assert!(chain.commitment.is_none(), "one commitment for each task: {}", context());
            assert_eq!(task.included, record.included, "{}", context());
            assert!(next < task.deadline, "{}", context());
        }
        Reveal => {
            let (task, commitment) = (chain.task.unwrap(), chain.commitment.unwrap());
            assert_eq!(commitment.hash, record.commitment, "{}", context());
            assert_eq!(task.included, record.included, "a result of another seed is wrong: {}", context());
            assert!(next > commitment.at, "{}", context());
            match task.state {
                State::Open => assert!(next <= task.deadline, "{}", context()),
                State::Solved => {
                    let solution = chain.solution.unwrap();
                    assert!(!solution.own && commitment.at < solution.committed_at, "{}", context());
                    assert!(next <= solution.first_revealed_at + task.reveal_grace, "{}", context());
                }
                _ => panic!("{}", context()),
            }
        }
        Claim => {
            let (task, solution) = (chain.task.unwrap(), chain.solution.unwrap());
            assert!(task.state == State::Solved && solution.own, "{}", context());
            let ends = solution.first_revealed_at + task.reveal_grace + task.contest_window;
            assert!(next > ends, "{}", context());
        }
        Withdraw => {
            let task = chain.task.unwrap();
            assert!(chain.commitment.is_some(), "{}", context());
            assert!(!matches!(task.state, State::Open | State::Disputed | State::Expired), "{}", context());
            if task.state == State::Solved {
                let solution = chain.solution.unwrap();
                assert!(!solution.own && next > solution.first_revealed_at + task.reveal_grace, "{}", context());
            }
        }
        OpenSolution => {
            let (task, dispute) = (chain.task.unwrap(), chain.dispute.unwrap());
            assert!(task.state == State::Disputed && !dispute.opened, "{}", context());
            assert!(next > dispute.votes_until && next <= dispute.opens_until, "{}", context());
        }
        Settle => {
            let (task, dispute) = (chain.task.unwrap(), chain.dispute.unwrap());
            assert!(task.state == State::Disputed && next > dispute.opens_until, "{}", context());
        }
        Restart => {
            assert!(chain.commitment.is_none(), "{}", context());
            assert!(dead(record, chain), "{}", context());
        }
        End(outcome) => {
            if chain.commitment.is_some() && chain.task.is_some() {
                assert_eq!(outcome, Outcome::Forfeited, "a hold is left behind: {}", context());
            }
            if outcome == Outcome::Paid {
                assert!(chain.task.is_some_and(|task| task.paid), "{}", context());
            }
            let open = chain.task.is_none_or(|task| matches!(task.state, State::Open | State::Solved));
            if open {
                assert!(dead(record, chain), "{}", context());
            }
        }
        Wait => {
            // Waiting is only ever for something that time or others will change.
            if let Some(task) = chain.task {
                assert!(
                    matches!(task.state, State::Open | State::Solved | State::Disputed),
                    "nothing will change: {}",
                    context()
                );
            }
        }
    }
}

#[test]
fn offers_are_judged_by_income_cost_and_time() {
    let offer = Offer { income: 10, seconds: 7, deadline: 20 };
    let policy = Policy::default();
    // Seven seconds are three blocks, and three more until the reveal.
    assert_eq!(judge(&offer, &policy, 14), Ok(()));
    assert_eq!(judge(&offer, &policy, 15), Err(Unsuited::Time));
    assert_eq!(judge(&offer, &Policy { min_income: 11, ..policy }, 14), Err(Unsuited::Income));
    assert_eq!(judge(&offer, &Policy { cost_per_second: 2, ..policy }, 14), Err(Unsuited::Cost));
    assert_eq!(judge(&Offer { seconds: u64::MAX, ..offer }, &policy, 14), Err(Unsuited::Time));
}

#[test]
fn a_run_is_given_up_when_its_task_is_solved_moved_late_or_gone() {
    assert!(still_wanted(&HERE, &chain(12, State::Open)));
    assert!(!still_wanted(&ELSEWHERE, &chain(12, State::Open)));
    assert!(!still_wanted(&HERE, &chain(12, State::Solved)));
    assert!(!still_wanted(&HERE, &chain(49, State::Open)));
    assert!(!still_wanted(&HERE, &ChainView { task: None, ..chain(12, State::Open) }));
}
