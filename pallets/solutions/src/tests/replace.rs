use super::*;

/// ALICE commits in block 2, BOB in block 3, CHARLIE in block 3; BOB reveals in block 5.
fn race() {
    run_to(2);
    commit(ALICE);
    run_to(3);
    commit(BOB);
    commit(CHARLIE);
    run_to(5);
    assert_ok!(reveal(BOB));
    take_events();
}

#[test]
fn reveal_should_replace_a_solution_when_its_commitment_is_older() {
    ExtBuilder.build_and_execute(|| {
        race();
        run_to(5 + GRACE);
        assert_ok!(reveal(ALICE));
        let solution = SolutionMap::<Test>::get(TASK).unwrap();
        assert_eq!((solution.solver, solution.committed_at), (ALICE, 2));
        assert_eq!((solution.first_revealed_at, solution.revealed_at), (5, 5 + GRACE));
        assert_eq!((MockStake::pledged(ALICE), MockStake::pledged(BOB)), (1_200, 0));
        assert!(!Commitments::<Test>::contains_key(TASK, BOB));
        assert_eq!((held(ALICE), held(BOB)), (0, 0));
        assert_eq!(
            take_events(),
            [Event::Revealed { task: TASK, solver: ALICE, output: Cid::of(b"world"), replaced: Some(BOB) }]
        );
        assert_noop!(reveal(BOB), Error::<Test>::NotCommitted);
    });
}

#[test]
fn reveal_should_replace_a_solution_after_the_deadline_when_the_grace_lasts() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        run_to(2);
        commit(BOB);
        run_to(DEADLINE);
        assert_ok!(reveal(BOB));
        run_to(DEADLINE + GRACE);
        assert_ok!(reveal(ALICE));
    });
}

#[test]
fn reveal_should_fail_when_the_grace_is_over() {
    ExtBuilder.build_and_execute(|| {
        race();
        run_to(5 + GRACE + 1);
        assert_noop!(reveal(ALICE), Error::<Test>::GraceOver);
    });
}

#[test]
fn reveal_should_not_lengthen_the_grace_when_it_replaces() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        race_without_alice();
        run_to(5 + GRACE);
        assert_ok!(reveal(BOB));
        run_to(5 + GRACE + 1);
        assert_noop!(reveal(ALICE), Error::<Test>::GraceOver);
    });
}

/// BOB commits in block 2, CHARLIE in block 3; CHARLIE reveals in block 5.
fn race_without_alice() {
    run_to(2);
    commit(BOB);
    run_to(3);
    commit(CHARLIE);
    run_to(5);
    assert_ok!(reveal(CHARLIE));
}

#[test]
fn reveal_should_fail_when_the_commitment_is_not_older() {
    ExtBuilder.build_and_execute(|| {
        race();
        // In the same block as the one that stands.
        assert_noop!(reveal(CHARLIE), Error::<Test>::NotOlder);
        assert_ok!(reveal(ALICE));
        assert_noop!(reveal(CHARLIE), Error::<Test>::NotOlder);
    });
}
