use super::*;

#[test]
fn stake_should_be_four_times_what_is_earned_or_the_minimum() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(Solutions::stake_for(0, 0), 1_000);
        assert_eq!(Solutions::stake_for(150, 100), 1_000);
        assert_eq!(Solutions::stake_for(150, 101), 1_004);
        assert_eq!(Solutions::stake_for(u128::MAX, u128::MAX), u128::MAX);
    });
}

#[test]
fn reveal_should_fail_when_too_little_bond_is_free() {
    ExtBuilder.build_and_execute(|| {
        put_task(TASK, 1_000, 251);
        commit(ALICE);
        run_to(2);
        assert_noop!(reveal(ALICE), DispatchError::Other("mock: bond too small"));
        // What the mock of another room keeps is not rolled back with the state.
        MockTasks::set_state(TASK, TaskState::Open);
        MockStake::bond(ALICE, 5_004);
        assert_ok!(reveal(ALICE));
        assert_eq!(MockStake::pledged(ALICE), 5_004);
    });
}

#[test]
fn stakes_of_several_solutions_should_add_up() {
    ExtBuilder.build_and_execute(|| {
        let other = TaskId::repeat_byte(3);
        put_task(other, 0, 0);
        commit_to(other, ALICE);
        solve(ALICE, 2);
        assert_ok!(Solutions::reveal(signed(ALICE), other, SALT, SEAL, inline(b"world")));
        assert_eq!(MockStake::pledged(ALICE), 1_200 + 1_000);
        run_to(3 + GRACE + WINDOW + 1);
        assert_ok!(Solutions::claim(signed(STRANGER), other));
        assert_eq!(MockStake::pledged(ALICE), 1_200);
    });
}
