use super::*;
use assay_traits::{OnDisputeResolved, Qualify, Verdict};

/// Has a dispute over a solution of `solver` end.
fn dispute(solver: u64, contester: u64, verdict: Verdict) {
    Elections::on_dispute_resolved(&Default::default(), &Default::default(), &solver, &contester, verdict);
}

/// What is recorded of `who`: tenure, accepted, failed.
fn record(who: u64) -> Vec<(u32, u32, u32)> {
    WorkRecords::<Test>::get(who).iter().map(|work| (work.tenure, work.accepted, work.failed)).collect()
}

#[test]
fn work_should_be_recorded_of_candidates_alone_tenure_by_tenure() {
    run(|| {
        assert_ok!(register(FIRST));
        work(FIRST);
        work(FIRST);
        work(STANDING);
        next_tenure();
        work(FIRST);
        assert_eq!(record(FIRST), [(0, 2, 0), (1, 1, 0)]);
        assert_eq!(record(STANDING), []);
        for _ in 2..8 {
            next_tenure();
            work(FIRST);
        }
        let tenures: Vec<_> = record(FIRST).iter().map(|work| work.0).collect();
        assert_eq!(tenures, [2, 3, 4, 5, 6, 7]);
        assert_ok!(Elections::leave(signed(FIRST)));
        assert_eq!(record(FIRST), []);
    });
}

#[test]
fn a_wrong_result_should_count_against_whoever_staked_on_it() {
    run(|| {
        let who = candidates(2);
        dispute(who[0], who[1], Verdict::Falls);
        assert_eq!((record(who[0]), record(who[1])), (vec![(2, 1, 1)], vec![(2, 1, 0)]));
        dispute(who[0], who[1], Verdict::Stands);
        assert_eq!((record(who[0]), record(who[1])), (vec![(2, 1, 1)], vec![(2, 1, 1)]));
        dispute(who[0], who[1], Verdict::Inconclusive);
        assert_eq!((record(who[0]), record(who[1])), (vec![(2, 1, 1)], vec![(2, 1, 1)]));
    });
}

#[test]
fn work_of_the_last_six_tenures_should_be_recent() {
    run(|| {
        assert_ok!(register(FIRST));
        assert!(!RecentWork::<Test>::qualifies(&FIRST));
        work(FIRST);
        for _ in 0..5 {
            assert!(RecentWork::<Test>::qualifies(&FIRST));
            next_tenure();
        }
        assert!(RecentWork::<Test>::qualifies(&FIRST));
        next_tenure();
        assert!(!RecentWork::<Test>::qualifies(&FIRST));
    });
}

#[test]
fn three_wrong_results_in_a_hundred_should_still_be_reliable() {
    run(|| {
        assert_ok!(register(FIRST));
        assert!(Reliable::<Test>::qualifies(&FIRST));
        let set = |accepted, failed| {
            let work = TenureWork { tenure: 0, accepted, failed };
            WorkRecords::<Test>::insert(FIRST, WorkRecord::truncate_from(vec![work]));
            Reliable::<Test>::qualifies(&FIRST)
        };
        assert!(set(97, 3));
        assert!(!set(96, 3));
        assert!(!set(0, 1));
        // It recovers when the window has passed.
        (0..6).for_each(|_| next_tenure());
        assert!(Reliable::<Test>::qualifies(&FIRST));
    });
}
