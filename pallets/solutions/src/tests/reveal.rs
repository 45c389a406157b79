use super::*;
use frame_support::{dispatch::GetDispatchInfo, weights::Weight};

#[test]
fn reveal_should_solve_the_task_and_pledge_the_stake() {
    ExtBuilder.build_and_execute(|| {
        run_to(4);
        commit(ALICE);
        run_to(9);
        take_events();
        assert_ok!(reveal(ALICE));
        assert_eq!(
            SolutionMap::<Test>::get(TASK),
            Some(Solution {
                solver: ALICE,
                committed_at: 4,
                revealed_at: 9,
                first_revealed_at: 9,
                output: Cid::of(b"world"),
                trace_seal: SEAL,
                stake: 1_200,
            })
        );
        assert_eq!(MockStake::pledged(ALICE), 1_200);
        assert_eq!(MockTasks::output(TASK), Some(inline(b"world")));
        assert_eq!(MockTasks::view(&TASK).unwrap().state, TaskState::Solved);
        assert_eq!((held(ALICE), free(ALICE)), (0, ENDOWMENT));
        assert_eq!(MockTasks::commitments(TASK), 0);
        assert!(!Commitments::<Test>::contains_key(TASK, ALICE));
        assert_eq!(
            take_events(),
            [Event::Revealed { task: TASK, solver: ALICE, output: Cid::of(b"world"), replaced: None }]
        );
        assert_eq!(News::take(), [(TASK, MODEL, ALICE)]);
    });
}

#[test]
fn reveal_should_fail_in_the_block_of_the_commitment() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        assert_noop!(reveal(ALICE), Error::<Test>::RevealTooEarly);
        run_to(2);
        assert_ok!(reveal(ALICE));
    });
}

#[test]
fn reveal_should_work_in_the_last_block_and_not_after() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        run_to(DEADLINE + 1);
        assert_noop!(reveal(ALICE), Error::<Test>::DeadlinePassed);
        run_to(DEADLINE);
        assert_ok!(reveal(ALICE));
    });
}

#[test]
fn reveal_should_fail_without_a_commitment() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        run_to(2);
        assert_noop!(reveal(BOB), Error::<Test>::NotCommitted);
        assert_ok!(reveal(ALICE));
        assert_noop!(reveal(ALICE), Error::<Test>::NotCommitted);
    });
}

#[test]
fn reveal_should_fail_when_anything_differs_from_what_was_committed() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        run_to(2);
        let origin = || signed(ALICE);
        assert_noop!(
            Solutions::reveal(origin(), TASK, [8; 32], SEAL, inline(b"world")),
            Error::<Test>::CommitmentMismatch
        );
        assert_noop!(
            Solutions::reveal(origin(), TASK, SALT, Hash::zero(), inline(b"world")),
            Error::<Test>::CommitmentMismatch
        );
        assert_noop!(
            Solutions::reveal(origin(), TASK, SALT, SEAL, inline(b"earth")),
            Error::<Test>::CommitmentMismatch
        );
        // The same output under its content id is the same result.
        let output = Payload::External { cid: Cid::of(b"world"), length: 5 };
        assert_ok!(Solutions::reveal(origin(), TASK, SALT, SEAL, output));
    });
}

#[test]
fn reveal_should_fail_when_the_commitment_was_copied() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        assert_ok!(Solutions::commit(signed(BOB), TASK, sealed(TASK, ALICE, b"world")));
        run_to(2);
        assert_noop!(reveal(BOB), Error::<Test>::CommitmentMismatch);
        assert_ok!(reveal(ALICE));
    });
}

#[test]
fn reveal_should_fail_when_the_commitment_is_of_another_chain() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        run_to(2);
        frame_system::BlockHash::<Test>::insert(0, Hash::repeat_byte(1));
        assert_noop!(reveal(ALICE), Error::<Test>::CommitmentMismatch);
    });
}

#[test]
fn reveal_should_fail_when_the_task_is_contested_ended_or_unknown() {
    ExtBuilder.build_and_execute(|| {
        commit(ALICE);
        run_to(2);
        use TaskState::*;
        for state in [Disputed, Settled, Refunded, Expired, Retracted] {
            MockTasks::set_state(TASK, state);
            assert_noop!(reveal(ALICE), Error::<Test>::NotOpen);
        }
        // No room does this, but a solved task without a solution would not be solved a second time.
        MockTasks::set_state(TASK, Solved);
        assert_noop!(reveal(ALICE), Error::<Test>::NotOpen);
        let view = MockTasks::view(&TASK).unwrap();
        MockTasks::remove(TASK);
        assert_noop!(reveal(ALICE), Error::<Test>::NotFound);
        MockTasks::set(TASK, view);
    });
}

#[test]
fn reveal_should_weigh_by_its_bytes_and_its_news() {
    let call = crate::Call::<Test>::reveal { task: TASK, salt: SALT, trace_seal: SEAL, output: inline(b"world") };
    assert_eq!(call.get_dispatch_info().call_weight, Weight::from_parts(1_005, 0));
}
