//! Each invariant notices what breaks it.

use super::*;
use frame_support::traits::fungible::MutateHold;

/// Breaks the state by `change`, given an open, a solved and a settled task, and returns what the check says.
fn broken(change: impl FnOnce(TaskId, TaskId, TaskId)) -> sp_runtime::TryRuntimeError {
    ExtBuilder.build().execute_with(|| {
        let (open, solved, settled) = (submit(500), submit_solved(600), submit_solved(700));
        assert_ok!(<Tasks as TaskBook<u64>>::settle(&settled, &SOLVER));
        assert_ok!(Tasks::do_try_state());
        change(open, solved, settled);
        Tasks::do_try_state().unwrap_err()
    })
}

fn alter(task: TaskId, change: impl FnOnce(&mut crate::TaskRecord<u64>)) {
    TaskMap::<Test>::mutate(task, |record| change(record.as_mut().unwrap()));
}

#[test]
fn money_out_of_its_place_should_be_noticed() {
    assert_eq!(broken(|_, _, _| Escrow::<Test>::put(1)), "tasks: the escrow is not the sum of the fees".into());
    assert_eq!(
        broken(|_, _, _| {
            Balances::hold(&crate::HoldReason::Fee.into(), &ALICE, 1).unwrap();
        }),
        "tasks: a hold is not the sum of the fees".into()
    );
    assert_eq!(
        broken(|_, _, _| {
            Balances::hold(&crate::HoldReason::Deposit.into(), &BOB, 1).unwrap();
        }),
        "tasks: a hold is not the sum of the deposits".into()
    );
    assert_eq!(
        broken(|open, _, _| alter(open, |record| record.submitter = NOBODY)),
        "tasks: a hold is not the sum of the fees".into()
    );
    assert_eq!(
        broken(|_, _, settled| alter(settled, |record| record.byte_deposit = 1)),
        "tasks: an ended task has a deposit for payloads".into()
    );
}

#[test]
fn wrong_counts_should_be_noticed() {
    assert_eq!(
        broken(|_, _, _| Counts::<Test>::mutate(|counts| counts.open = 2)),
        "tasks: the counts are not a recount".into()
    );
    assert_eq!(
        broken(|_, _, _| BlockSeeds::<Test>::insert(1, BlockSeed { randomness: None, tasks: 3 })),
        "tasks: a seed does not count its tasks".into()
    );
    assert_eq!(broken(|_, _, _| BlockSeeds::<Test>::remove(1)), "tasks: a block with tasks has no seed".into());
}

#[test]
fn payloads_that_do_not_fit_their_tasks_should_be_noticed() {
    let unknown = TaskId::repeat_byte(9);
    let input = || crate::TaskInput { parameters: Default::default(), payload: inline(b"other") };
    assert_eq!(broken(|open, _, _| Inputs::<Test>::remove(open)), "tasks: a task has an input until it ends".into());
    assert_eq!(broken(|open, _, _| Inputs::<Test>::insert(open, input())), "tasks: an input is not its own".into());
    assert_eq!(broken(|_, _, _| Inputs::<Test>::insert(unknown, input())), "tasks: an input without its task".into());
    assert_eq!(
        broken(|_, solved, _| Outputs::<Test>::remove(solved)),
        "tasks: a task has an output while it is solved or disputed".into()
    );
    assert_eq!(
        broken(|_, solved, _| Outputs::<Test>::insert(solved, inline(b"other"))),
        "tasks: an output is not its own".into()
    );
    assert_eq!(
        broken(|_, _, _| Outputs::<Test>::insert(unknown, inline(b"other"))),
        "tasks: an output without its task".into()
    );
}

#[test]
fn wrong_ends_should_be_noticed() {
    assert_eq!(
        broken(|open, _, _| alter(open, |record| record.ended_at = Some(1))),
        "tasks: only an ended task has an end".into()
    );
    assert_eq!(
        broken(|open, _, _| alter(open, |record| record.solver = Some(SOLVER))),
        "tasks: a solver was paid before the end".into()
    );
    assert_eq!(
        broken(|_, _, settled| alter(settled, |record| record.solver = None)),
        "tasks: settled without a solver".into()
    );
}
