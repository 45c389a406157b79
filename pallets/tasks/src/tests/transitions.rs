use super::*;
use TaskState::*;

const STATES: [TaskState; 7] = [Open, Solved, Disputed, Settled, Refunded, Expired, Retracted];

/// Brings a new task to `state` by legal transitions, and pays its fee back where it ends.
fn task_in(state: TaskState) -> TaskId {
    let task = submit(500);
    let path: &[TaskState] = match state {
        Open => &[],
        Solved => &[Solved],
        Disputed => &[Solved, Disputed],
        Settled => &[Solved, Settled],
        Refunded => &[Solved, Disputed, Refunded],
        Expired => &[Expired],
        Retracted => &[Retracted],
    };
    for next in path {
        assert_ok!(step(task, *next));
    }
    task
}

/// Moves a task, with what the callers of the function do besides.
fn step(task: TaskId, next: TaskState) -> frame_support::dispatch::DispatchResult {
    let mut record = record(task);
    Tasks::transition(&task, &mut record, next)?;
    if next == Solved {
        Outputs::<Test>::insert(task, inline(b"world"));
        record.output = Some(Cid::of(b"world"));
    }
    if next == Settled {
        record.solver = Some(SOLVER);
    }
    if next.has_ended() {
        Tasks::give_back(&task, crate::HoldReason::Fee, &ALICE, record.fee);
    }
    TaskMap::<Test>::insert(task, record);
    Ok(())
}

#[test]
fn every_transition_should_be_legal_or_change_nothing() {
    ExtBuilder.build_and_execute(|| {
        for from in STATES {
            for next in STATES {
                let task = task_in(from);
                assert_eq!(record(task).state, from);
                if from.may_become(next) {
                    assert_ok!(step(task, next));
                    assert_eq!(record(task).state, next);
                } else {
                    assert_noop!(step(task, next), Error::<Test>::IllegalTransition);
                }
                Tasks::do_try_state().unwrap();
            }
        }
        let ended = TaskMap::<Test>::iter().filter(|(_, record)| record.state.has_ended()).count() as u32;
        assert_eq!(Counts::<Test>::get().ended, ended);
        assert_eq!(TaskMap::<Test>::iter().count(), 49);
    });
}

#[test]
fn an_end_should_drop_payloads_seed_and_byte_deposit() {
    for end in [Settled, Refunded, Expired, Retracted] {
        ExtBuilder.build_and_execute(|| {
            run_to(4);
            let task = task_in(end);
            assert_eq!(record(task).ended_at, Some(4));
            assert_eq!(record(task).byte_deposit, 0);
            assert_eq!(held(ALICE), (0, 1_000));
            assert_eq!(Escrow::<Test>::get(), 0);
            assert_eq!(Inputs::<Test>::iter().count() + Outputs::<Test>::iter().count(), 0);
            assert_eq!(BlockSeeds::<Test>::iter().count(), 0);
        });
    }
}
