use super::*;
use assay_types::ASY;
use proptest::prelude::*;

const VRF: VrfKey = [1; 32];
const OURS: KeysView = KeysView { hash: Hash::repeat_byte(2), at_node: true };
const NEW: KeysView = KeysView { hash: Hash::repeat_byte(3), at_node: true };

fn policy() -> Policy {
    Policy { part: Part::Candidate(Bid::Fixed(5 * ASY)), reserve: ASY, resume: false, rotate_every: None }
}

fn record() -> Record {
    Record { vrf_key: VRF, made: Some((OURS, 3)), sent: None, stood: false }
}

/// A candidate that may commit, in the fifth block of its tenure.
fn chain() -> ChainView {
    ChainView {
        block: 104,
        tenure: 5,
        began: 100,
        length: 20,
        accumulator: [0; 32],
        terms: Terms { seat_bond: 10 * ASY, minimum_commit: ASY, wait: 2, draw_delay: 2, service_delay: 4 },
        candidate: Some(CandidateView { vrf_key: VRF, keys: OURS.hash, since: 3, chilled: false }),
        stands: false,
        on_committee: false,
        keys: Some(OURS),
        committed: false,
        bond: 10 * ASY,
        free: 100 * ASY,
    }
}

fn with(change: impl FnOnce(&mut Policy, &mut Record, &mut ChainView)) -> Action {
    let (mut policy, mut record, mut chain) = (policy(), record(), chain());
    change(&mut policy, &mut record, &mut chain);
    decide(&policy, &record, &chain)
}

fn candidate(chain: &mut ChainView) -> &mut CandidateView {
    chain.candidate.as_mut().unwrap()
}

#[test]
fn from_nothing_to_the_first_commitment_step_by_step() {
    let (policy, mut record, mut view) = (policy(), Record { made: None, ..record() }, chain());
    (view.keys, view.candidate, view.bond) = (None, None, 0);
    assert_eq!(decide(&policy, &record, &view), Action::MakeKeys);
    record.made = Some((OURS, 5));
    assert_eq!(decide(&policy, &record, &view), Action::SetKeys);
    view.keys = Some(OURS);
    assert_eq!(decide(&policy, &record, &view), Action::Register);
    view.candidate = Some(CandidateView { since: 5, ..chain().candidate.unwrap() });
    view.bond = 10 * ASY;
    assert_eq!(decide(&policy, &record, &view), Action::Wait(Waiting::Early(7)));
    view.tenure = 7;
    assert_eq!(decide(&policy, &record, &view), Action::Commit(5 * ASY));
    record.sent = Some((7, view.block));
    assert_eq!(decide(&policy, &record, &view), Action::Wait(Waiting::Sent));
    view.committed = true;
    assert_eq!(decide(&policy, &record, &view), Action::Wait(Waiting::Committed));
    (view.tenure, view.committed) = (8, false);
    assert_eq!(decide(&policy, &record, &view), Action::Commit(5 * ASY));
}

#[test]
fn a_commitment_that_is_lost_is_sent_again_in_its_tenure() {
    let again = |block| with(|_, record, chain| (record.sent, chain.block) = (Some((5, 104)), block));
    assert_eq!(again(107), Action::Wait(Waiting::Sent));
    assert_eq!(again(108), Action::Commit(5 * ASY));
    // A re-org that undoes it shows as not committed.
    assert_eq!(with(|_, record, _| record.sent = Some((4, 104))), Action::Commit(5 * ASY));
}

#[test]
fn a_commitment_is_sent_early_in_the_tenure_but_not_in_its_first_block() {
    let at = |block| with(|_, _, chain| chain.block = block);
    assert_eq!(at(100), Action::Wait(Waiting::Begun));
    assert_eq!(at(101), Action::Commit(5 * ASY));
    assert_eq!(at(118), Action::Commit(5 * ASY));
    assert_eq!(at(119), Action::Wait(Waiting::Late), "the next block may be another tenure's");
}

#[test]
fn keys_that_the_node_does_not_have_are_replaced() {
    let gone = KeysView { at_node: false, ..OURS };
    let lost = |record: &mut Record, chain: &mut ChainView| {
        chain.keys = Some(gone);
        record.made = Some((gone, 3));
    };
    assert_eq!(with(|_, record, chain| lost(record, chain)), Action::MakeKeys);
    // Made, and not set before the worker was killed.
    let made = |record: &mut Record, chain: &mut ChainView| {
        lost(record, chain);
        record.made = Some((NEW, 5));
    };
    assert_eq!(with(|_, record, chain| made(record, chain)), Action::SetKeys);
    let set = |record: &mut Record, chain: &mut ChainView| {
        made(record, chain);
        chain.keys = Some(NEW);
    };
    assert_eq!(with(|_, record, chain| set(record, chain)), Action::Register);
    // Keys that the operator has set himself are as good.
    assert_eq!(with(|_, record, _| record.made = None), Action::Commit(5 * ASY));
}

#[test]
fn keys_are_rotated_when_asked() {
    let rotate = |every, made| {
        with(|policy, record, _| {
            policy.rotate_every = Some(every);
            record.made = made;
        })
    };
    assert_eq!(rotate(3, Some((OURS, 3))), Action::Commit(5 * ASY));
    assert_eq!(rotate(2, Some((OURS, 3))), Action::MakeKeys);
    assert_eq!(rotate(2, Some((NEW, 5))), Action::SetKeys);
    assert_eq!(rotate(9, None), Action::MakeKeys);
}

#[test]
fn what_is_registered_follows_the_keys_and_the_bond() {
    assert_eq!(with(|_, record, _| record.vrf_key = [7; 32]), Action::Register);
    assert_eq!(with(|_, _, chain| candidate(chain).keys = Hash::zero()), Action::Register);
    assert_eq!(with(|_, _, chain| chain.bond -= 1), Action::Register, "a bond that was slashed is filled up");
    let poor = with(|_, _, chain| (chain.bond, chain.free) = (4 * ASY, 6 * ASY));
    assert_eq!(poor, Action::Wait(Waiting::Poor { needed: 6 * ASY, there: 5 * ASY }));
}

#[test]
fn whoever_is_out_comes_back_only_when_told_to() {
    let out = |resume, bond| {
        with(|policy, _, chain| {
            policy.resume = resume;
            candidate(chain).chilled = true;
            chain.bond = bond;
        })
    };
    assert_eq!(out(false, 9 * ASY), Action::Wait(Waiting::Chilled));
    assert_eq!(out(true, 9 * ASY), Action::Resume);
    let poor = with(|policy, _, chain| {
        policy.resume = true;
        candidate(chain).chilled = true;
        (chain.bond, chain.free) = (0, ASY);
    });
    assert_eq!(poor, Action::Wait(Waiting::Poor { needed: 10 * ASY, there: 0 }));
}

#[test]
fn nothing_is_committed_from_the_committee_or_while_standing() {
    assert_eq!(with(|_, _, chain| chain.on_committee = true), Action::Wait(Waiting::OnCommittee));
    assert_eq!(with(|_, _, chain| chain.stands = true), Action::Wait(Waiting::StandsForCommittee));
}

#[test]
fn standing_for_the_committee() {
    let stand = |change: &dyn Fn(&mut Policy, &mut Record, &mut ChainView)| {
        with(|policy, record, chain| {
            policy.part = Part::Committee;
            (chain.candidate, chain.bond) = (None, 0);
            change(policy, record, chain);
        })
    };
    assert_eq!(stand(&|_, _, _| {}), Action::Stand);
    assert_eq!(stand(&|_, _, chain| chain.keys = None), Action::SetKeys);
    let stands = |bond| stand(&|_, _, chain| (chain.stands, chain.bond) = (true, bond));
    assert_eq!(stands(10 * ASY), Action::Wait(Waiting::Standing));
    assert_eq!(stands(9 * ASY), Action::Stand, "a bond that has become too small is filled up");
    assert_eq!(stand(&|_, record, _| record.stood = true), Action::Wait(Waiting::Unseated));
    assert_eq!(stand(&|policy, record, _| (policy.resume, record.stood) = (true, true)), Action::Stand);
    assert_eq!(stand(&|_, _, view| view.candidate = chain().candidate), Action::Wait(Waiting::IsCandidate));
    assert!(matches!(stand(&|_, _, chain| chain.free = ASY), Action::Wait(Waiting::Poor { .. })));
}

#[test]
fn bids_keep_to_floor_cap_minimum_and_reserve() {
    let bid = |bid, free| {
        with(|policy, _, chain| {
            policy.part = Part::Candidate(bid);
            chain.free = free;
        })
    };
    assert_eq!(bid(Bid::Fixed(5 * ASY), 6 * ASY), Action::Commit(5 * ASY));
    assert!(matches!(bid(Bid::Fixed(5 * ASY), 6 * ASY - 1), Action::Wait(Waiting::Poor { .. })));
    assert_eq!(
        bid(Bid::Fixed(1), 6 * ASY),
        Action::Commit(ASY),
        "what the chain does not take is raised to what it takes"
    );
    let share = Bid::Share { thousandths: 100, floor: 2 * ASY, cap: 7 * ASY };
    assert_eq!(bid(share, 51 * ASY), Action::Commit(5 * ASY));
    assert_eq!(bid(share, 11 * ASY), Action::Commit(2 * ASY));
    assert_eq!(bid(share, 1_000 * ASY), Action::Commit(7 * ASY));
    assert_eq!(bid(share, 3 * ASY), Action::Commit(2 * ASY));
    assert!(matches!(bid(share, 3 * ASY - 1), Action::Wait(Waiting::Poor { .. })));
}

proptest! {
    #[test]
    fn no_bid_touches_the_reserve(
        free in any::<Balance>(),
        reserve in any::<Balance>(),
        thousandths in 0..=1_000u32,
        floor in any::<Balance>(),
        cap in any::<Balance>(),
        fixed in any::<bool>(),
    ) {
        let part = if fixed { Bid::Fixed(cap) } else { Bid::Share { thousandths, floor, cap } };
        let action = with(|policy, _, chain| {
            (policy.part, policy.reserve, chain.free) = (Part::Candidate(part), reserve, free);
        });
        match action {
            Action::Commit(amount) => {
                prop_assert!(amount >= ASY);
                prop_assert!(free.checked_sub(amount).is_some_and(|left| left >= reserve));
            }
            action => prop_assert!(matches!(action, Action::Wait(Waiting::Poor { .. })), "{action:?}"),
        }
    }

    #[test]
    fn nothing_is_done_twice(committed in any::<bool>(), block in 100..120u32) {
        let action = with(|_, record, chain| {
            (chain.block, chain.committed) = (block, committed);
            record.sent = Some((5, block));
        });
        prop_assert!(matches!(action, Action::Wait(Waiting::Committed | Waiting::Sent)), "{action:?}");
    }
}
