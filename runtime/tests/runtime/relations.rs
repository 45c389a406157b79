//! The relations between parameters, each at its limit.

use assay_runtime::{
    constants::{EXISTENTIAL_DEPOSIT, MAX_COMMITTEE, MAX_SEATS},
    relations::{check, Values},
};
use assay_types::ASY;

fn production() -> Values {
    Values {
        epoch: 1_200,
        default_deadline: 1_200,
        longest_deadline: 28_800,
        base_deposit: ASY,
        retract_delay: 50,
        reveal_grace: 3,
        contest_window: 300,
        commitment_deposit: ASY,
        minimum_stake: ASY,
        ballot_commit: 200,
        ballot_open: 200,
        quorum_ballots: 3,
        minimum_bond: ASY,
        unbonding: 86_400,
        seat_bond: ASY,
        minimum_commit: ASY,
        least_commits: 3,
        seats: 16,
        committee: 5,
    }
}

#[test]
fn the_values_of_production_hold() {
    assert_eq!(check(&production()), Ok(()));
}

#[test]
fn each_relation_is_broken_by_the_least_change_that_breaks_it() {
    type Change = fn(&mut Values);
    let cases: [(Change, &str); 24] = [
        (|v| v.epoch = 3, "an epoch has four slots or more"),
        (|v| v.contest_window = 0, "contest window > 0"),
        (|v| v.ballot_open = 0, "ballot phases > 0"),
        (|v| v.quorum_ballots = 0, "quorum of ballots > 0"),
        (|v| v.default_deadline = 1, "default deadline leaves time for commitment and reveal"),
        (|v| v.default_deadline = 28_801, "default deadline <= longest deadline"),
        (|v| v.retract_delay = 0, "retract delay > 0"),
        (|v| v.unbonding = 28_800 + 703, "unbonding > longest deadline + reveal grace + contest window + ballots"),
        (
            |v| {
                v.longest_deadline = 1_200;
                v.unbonding = 6_000;
            },
            "unbonding > five epochs",
        ),
        (|v| v.epoch = 502, "maturity >= reveal grace + contest window + ballot commit"),
        (|v| v.minimum_stake = ASY + 1, "minimum stake <= minimum bond"),
        (|v| v.minimum_stake = 0, "minimum stake > 0"),
        (|v| v.base_deposit = EXISTENTIAL_DEPOSIT - 1, "base deposit >= existential deposit"),
        (|v| v.commitment_deposit = EXISTENTIAL_DEPOSIT - 1, "commitment deposit >= existential deposit"),
        (
            |v| {
                v.minimum_bond = EXISTENTIAL_DEPOSIT - 1;
                v.minimum_stake = 1;
            },
            "minimum bond >= existential deposit",
        ),
        (|v| v.unbonding = 127 * 1_200 + 1, "unbonding <= the epochs whose exits a slash looks at"),
        (|v| v.seat_bond = 10 * EXISTENTIAL_DEPOSIT - 1, "seat bond >= ten existential deposits"),
        (|v| v.minimum_commit = 2 * EXISTENTIAL_DEPOSIT - 1, "minimum commitment >= two existential deposits"),
        (|v| v.least_commits = 0, "least commitments are one to six"),
        (|v| v.least_commits = 7, "least commitments are one to six"),
        (|v| v.seats = 0, "seats are one to what there may be"),
        (|v| v.seats = MAX_SEATS + 1, "seats are one to what there may be"),
        (|v| v.committee = 0, "the committee has one member to what it may have"),
        (|v| v.committee = MAX_COMMITTEE + 1, "the committee has one member to what it may have"),
    ];
    for (change, name) in cases {
        let mut values = production();
        change(&mut values);
        assert_eq!(check(&values), Err(name));
    }
}

#[test]
fn the_least_values_on_the_right_side_of_a_relation_hold() {
    let mut values = production();
    values.unbonding = 28_800 + 704;
    values.epoch = 503;
    values.default_deadline = 2;
    assert_eq!(check(&values), Ok(()));
    values.unbonding = 127 * 503;
    assert_eq!(check(&values), Ok(()));
}

#[test]
fn extreme_values_break_a_relation_and_nothing_else() {
    let mut values = production();
    values.longest_deadline = u32::MAX;
    values.unbonding = u32::MAX;
    values.epoch = u32::MAX;
    assert!(check(&values).is_err());
}
