use super::*;

fn note(task: &TaskId) -> frame_support::dispatch::DispatchResult {
    <Tasks as TaskBook<u64>>::note_commitment(task)
}

#[test]
fn note_commitment_should_count_until_the_deadline() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        assert_ok!(note(&task));
        run_to(11);
        assert_ok!(note(&task));
        assert_eq!((record(task).commitments, record(task).last_commitment_at), (2, 11));
        assert_eq!(<Tasks as TaskBook<u64>>::view(&task).unwrap().commitments, 2);
        run_to(12);
        assert_noop!(note(&task), Error::<Test>::DeadlinePassed);
    });
}

#[test]
fn note_commitment_should_fail_when_the_task_is_not_open() {
    ExtBuilder.build_and_execute(|| {
        let task = submit_solved(500);
        assert_noop!(note(&task), Error::<Test>::NotOpen);
        assert_noop!(note(&TaskId::zero()), Error::<Test>::NotFound);
    });
}

#[test]
fn note_commitment_should_fail_when_the_count_overflows() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        TaskMap::<Test>::mutate(task, |record| record.as_mut().unwrap().commitments = u32::MAX);
        assert_noop!(note(&task), Error::<Test>::Overflow);
    });
}

#[test]
fn drop_commitment_should_do_nothing_when_there_is_none() {
    ExtBuilder.build_and_execute(|| {
        let task = submit(500);
        <Tasks as TaskBook<u64>>::drop_commitment(&task);
        <Tasks as TaskBook<u64>>::drop_commitment(&TaskId::zero());
        assert_eq!(record(task).commitments, 0);
        assert_eq!(TaskMap::<Test>::iter().count(), 1);
    });
}
