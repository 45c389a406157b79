use super::*;
use assay_traits::mock::MockVrf;
use frame_support::{traits::Hooks, weights::Weight};

#[test]
fn randomness_should_be_recorded_one_block_later_and_only_for_blocks_with_tasks() {
    ExtBuilder.build_and_execute(|| {
        submit(200);
        assert_eq!(BlockSeeds::<Test>::get(1), Some(BlockSeed { randomness: None, tasks: 1 }));
        submit_for(BOB, 200);
        MockVrf::set(Some([1; 32]));
        System::set_block_number(2);
        assert_eq!(Tasks::on_initialize(2), Weight::from_parts(2, 0));
        assert_eq!(BlockSeeds::<Test>::get(1), Some(BlockSeed { randomness: Some([1; 32]), tasks: 2 }));
        MockVrf::set(Some([2; 32]));
        System::set_block_number(3);
        assert_eq!(Tasks::on_initialize(3), Weight::from_parts(1, 0));
        assert_eq!(BlockSeeds::<Test>::get(1).unwrap().randomness, Some([1; 32]));
        assert_eq!(BlockSeeds::<Test>::iter().count(), 1);
    });
}

#[test]
fn a_block_without_randomness_should_be_kept_without() {
    ExtBuilder.build_and_execute(|| {
        submit(200);
        run_to(2);
        assert_eq!(BlockSeeds::<Test>::get(1), Some(BlockSeed { randomness: None, tasks: 1 }));
    });
}

#[test]
fn randomness_should_be_dropped_with_the_last_task_of_its_block() {
    ExtBuilder.build_and_execute(|| {
        MockVrf::set(Some([1; 32]));
        let (retracted, settled, expired) = (submit(200), submit_solved(200), submit(200));
        run_to(5);
        assert_eq!(BlockSeeds::<Test>::get(1).unwrap().tasks, 3);
        assert_ok!(Tasks::retract(signed(ALICE), retracted));
        assert_ok!(<Tasks as TaskBook<u64>>::settle(&settled, &SOLVER));
        assert_eq!(BlockSeeds::<Test>::get(1), Some(BlockSeed { randomness: Some([1; 32]), tasks: 1 }));
        run_to(12);
        assert_ok!(Tasks::expire(signed(BOB), expired));
        assert_eq!(BlockSeeds::<Test>::get(1), None);
    });
}

#[test]
fn nothing_should_be_recorded_when_the_only_task_ended_in_its_own_block() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(200);
        assert_ok!(Tasks::retract(signed(ALICE), task));
        MockVrf::set(Some([1; 32]));
        run_to(2);
        assert_eq!(BlockSeeds::<Test>::iter().count(), 0);
    });
}
