use super::*;

#[test]
fn commit_should_burn_half_and_keep_half_for_the_committee() {
    run(|| {
        candidates(1);
        take_events();
        let issuance = Balances::total_issuance();
        assert_ok!(commit(FIRST, 15));
        assert_eq!(Balances::total_issuance(), issuance - 8);
        assert_eq!(Balances::free_balance(Elections::pot()), 7);
        assert_eq!(CommitTotals::<Test>::get(), Totals { committed: 15, burned: 8, paid: 0, pending: 7 });
        // Of a first commitment the median is nothing.
        let event = Event::Committed { candidate: FIRST, tenure: 2, amount: 15, weight: 1 };
        assert_eq!(take_events(), [event]);
        assert_eq!(candidate(FIRST).window(2), [0, 0, 0, 0, 0, 15]);
    });
}

#[test]
fn commit_should_weigh_the_last_six_tenures() {
    run(|| {
        candidates(1);
        let weights: Vec<_> = [50, 60, 70, 80, 90, 100, 1_000, 40]
            .into_iter()
            .map(|amount| {
                assert_ok!(commit(FIRST, amount));
                let weight = Commits::<Test>::get(Tenure::get(), FIRST).unwrap().weight();
                next_tenure();
                weight
            })
            .collect();
        assert_eq!(weights, [1, 1, 25, 55, 65, 75, 85, 40]);
        // A tenure without a commitment counts as nothing.
        next_tenure();
        assert_ok!(commit(FIRST, 100));
        assert_eq!(candidate(FIRST).window(Tenure::get()), [90, 100, 1_000, 40, 0, 100]);
    });
}

#[test]
fn commit_should_fail_when_the_account_is_no_candidate_or_has_not_waited() {
    run(|| {
        assert_noop!(commit(FIRST, 10), Error::<Test>::NotCandidate);
        assert_ok!(register(FIRST));
        assert_noop!(commit(FIRST, 10), Error::<Test>::Waiting);
        next_tenure();
        assert_noop!(commit(FIRST, 10), Error::<Test>::Waiting);
        next_tenure();
        assert_ok!(commit(FIRST, 10));
    });
}

#[test]
fn commit_should_fail_when_it_is_too_small_or_the_second() {
    run(|| {
        candidates(1);
        assert_noop!(commit(FIRST, 9), Error::<Test>::CommitTooSmall);
        assert_ok!(commit(FIRST, 10));
        assert_noop!(commit(FIRST, 10), Error::<Test>::AlreadyCommitted);
        next_tenure();
        assert_ok!(commit(FIRST, 10));
    });
}

#[test]
fn commit_should_fail_when_the_balance_does_not_suffice() {
    run(|| {
        candidates(1);
        set_balance(FIRST, 20);
        assert_noop!(commit(FIRST, 21), TokenError::FundsUnavailable);
        // Nor is an account spent to the last.
        assert_noop!(commit(FIRST, 20), TokenError::FundsUnavailable);
        assert_ok!(commit(FIRST, 19));
    });
}

#[test]
fn commit_should_fail_when_the_candidate_is_on_the_committee() {
    run(|| {
        // A founder that is on the committee of this tenure and the next becomes a candidate.
        assert_ok!(register(1));
        assert_eq!(Elections::committee(), [1, 2]);
        next_tenure();
        assert_eq!(Elections::committee(), [1, 2]);
        next_tenure();
        assert_eq!(Elections::committee(), [2, 3]);
        // By hand, for the wait has always been long enough.
        Committee::<Test>::mutate(|committee| committee[0].account = 1);
        assert_noop!(commit(1, 10), Error::<Test>::OnCommittee);
    });
}

#[test]
fn commit_should_fail_when_the_proof_is_for_something_else() {
    run(|| {
        candidates(2);
        let old = proof(FIRST);
        let (genesis, tenure, accumulator) = Elections::vrf_input();
        let sign = |who: u64, genesis: Hash, tenure, accumulator, by: u64| {
            election::vrf_sign(&pair(by), &genesis, tenure, &accumulator, &who)
        };
        for bad in [
            [0; 96],
            // Another's, its own of another chain, another tenure, another draw; and another's function.
            proof(FIRST + 1),
            sign(FIRST, Hash::repeat_byte(1), tenure, accumulator, FIRST),
            sign(FIRST, genesis, tenure + 1, accumulator, FIRST),
            sign(FIRST, genesis, tenure, [1; 32], FIRST),
            sign(FIRST, genesis, tenure, accumulator, FIRST + 1),
        ] {
            assert_noop!(Elections::commit(signed(FIRST), 10, bad), Error::<Test>::InvalidVrf);
        }
        assert_ok!(commit(FIRST, 10));
        next_tenure();
        assert_noop!(Elections::commit(signed(FIRST), 10, old), Error::<Test>::InvalidVrf);
    });
}
