//! What a node is answered.

use crate::common::world::*;
use assay_runtime::{queries, Emissions, Runtime, System, Tasks};
use assay_runtime_api::{Change, PayloadKind, TaskChange, TaskFilter, Tier, MAX_PAGE, MAX_SCAN};
use assay_traits::{Payload, TaskState, Verdict};
use assay_types::{AccountId, Cid, ModelId, TaskId, ASY};
use frame_support::{assert_ok, storage::with_transaction, traits::Get, BoundedVec};
use sp_runtime::{DispatchError, TransactionOutcome};
use std::collections::BTreeSet;

/// All pages of the tasks that fit, each of at most `limit`.
fn all(filter: TaskFilter<AccountId>, limit: u32) -> Vec<TaskId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = queries::tasks(filter.clone(), after, limit);
        assert!(page.items.len() <= limit as usize && page.looked_at <= MAX_SCAN);
        found.extend(page.items.iter().map(|task| task.id));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// Does something whose traces are undone.
fn undone<T>(act: impl FnOnce() -> T) -> T {
    let done = with_transaction(|| TransactionOutcome::Rollback(Ok::<_, DispatchError>(act())));
    done.expect("nothing can fail")
}

/// What the state before `act` makes of the events of `act`, which is done then.
fn changes(act: impl Fn()) -> Vec<TaskChange<AccountId>> {
    let before = System::event_count();
    let key = [sp_crypto_hashing::twox_128(b"System"), sp_crypto_hashing::twox_128(b"Events")].concat();
    let events = undone(|| {
        act();
        sp_io::storage::get(&key).expect("something has happened")
    });
    let changes = queries::task_changes(&events).expect("they are events of this runtime");
    act();
    changes.into_iter().filter(|change| change.event >= before).collect()
}

/// The only change that `act` makes.
fn change(act: impl Fn()) -> TaskChange<AccountId> {
    let mut changes = changes(act);
    assert_eq!(changes.len(), 1, "{changes:?}");
    changes.remove(0)
}

#[test]
fn pages_of_tasks_add_up_to_the_tasks_that_fit() {
    World::run(1, 0, |world| {
        world.solvers(&[1, 2], BOND);
        let mut tasks: Vec<_> = (0..23).map(|_| world.ask()).collect();
        let solved = tasks.split_off(20);
        for (task, solver) in solved.iter().zip([1, 1, 2]) {
            assert_ok!(world.commit(solver, *task, TRUE));
        }
        world.pass(1);
        for (task, solver) in solved.iter().zip([1, 1, 2]) {
            assert_ok!(world.reveal(solver, *task, TRUE));
        }
        let sorted = |mut ids: Vec<TaskId>| {
            ids.sort();
            ids
        };
        let any = TaskFilter::default;
        let everything = sorted([&tasks[..], &solved[..]].concat());
        for limit in [1, 7, 23, MAX_PAGE] {
            assert_eq!(sorted(all(any(), limit)), everything, "in pages of {limit}");
        }
        let open = TaskFilter { state: Some(TaskState::Open), ..any() };
        assert_eq!(sorted(all(open, 7)), sorted(tasks));
        let by_first = TaskFilter { solver: Some(who(1)), ..any() };
        assert_eq!(sorted(all(by_first.clone(), 2)), sorted(solved[..2].to_vec()));
        let by_all = TaskFilter { owner: Some(who(USER)), model: Some(world.model), ..by_first };
        assert_eq!(all(by_all.clone(), 2).len(), 2);
        assert_eq!(all(TaskFilter { owner: Some(who(9)), ..by_all.clone() }, 2), []);
        assert_eq!(all(TaskFilter { model: Some(ModelId::zero()), ..by_all.clone() }, 2), []);
        assert_eq!(all(TaskFilter { state: Some(TaskState::Open), ..by_all }, 2), []);
        assert_eq!(queries::tasks(any(), None, u32::MAX).items.len(), 23, "more than a page may be asked for");
        // Who was paid is found too, when the solution is gone.
        world.pass(20);
        assert_ok!(world.call(USER, pallet_solutions::Call::claim { task: solved[2] }));
        assert_eq!(all(TaskFilter { solver: Some(who(2)), ..any() }, 5), [solved[2]]);
    });
}

#[test]
fn a_search_is_bounded_and_goes_on_where_it_stopped() {
    World::run(1, 0, |world| {
        let task = world.ask();
        undone(|| {
            let record = pallet_tasks::Tasks::<Runtime>::get(task).expect("it was asked");
            for number in 0..MAX_SCAN {
                pallet_tasks::Tasks::<Runtime>::insert(TaskId::from_low_u64_be(number.into()), record.clone());
            }
            let nobodys = TaskFilter { owner: Some(who(9)), ..Default::default() };
            let page = queries::tasks(nobodys.clone(), None, 5);
            assert_eq!((page.items.len(), page.looked_at), (0, MAX_SCAN));
            let page = queries::tasks(nobodys, page.next, 5);
            assert_eq!((page.looked_at, page.next), (1, None));
            assert_eq!(all(TaskFilter::default(), MAX_PAGE).len() as u32, MAX_SCAN + 1);
            let demand = queries::demand();
            assert_eq!((demand.looked_at, demand.complete), (MAX_SCAN, false));
            assert_eq!(demand.open, [(world.model, MAX_SCAN)]);
            let search = queries::find_payload(Cid::of(b"nowhere"), None);
            assert_eq!((search.items.len(), search.looked_at), (0, MAX_SCAN));
            assert!(search.next.is_some());
        });
        let demand = queries::demand();
        assert_eq!((demand.looked_at, demand.complete, demand.open), (1, true, vec![(world.model, 1)]));
    });
}

#[test]
fn a_cursor_that_is_gone_meanwhile_still_points() {
    World::run(1, 0, |world| {
        let tasks: Vec<_> = (0..6).map(|_| world.ask()).collect();
        let first = queries::tasks(Default::default(), None, 3);
        let next = first.next.expect("there are more");
        let rest = undone(|| {
            pallet_tasks::Tasks::<Runtime>::remove(next);
            queries::tasks(Default::default(), Some(next), 3)
        });
        let seen: BTreeSet<_> = first.items.iter().chain(&rest.items).map(|task| task.id).collect();
        assert_eq!(seen, tasks.into_iter().collect());
    });
}

#[test]
fn a_task_is_known_at_every_stage_of_its_life() {
    World::run(1, 0, |world| {
        world.solvers(&[1, 2, 3], BOND);
        assert_eq!(queries::task_info(TaskId::zero()), None);
        let task = world.ask();
        let info = || queries::task_info(task).expect("the task is remembered");
        let asked = info();
        assert_eq!((asked.summary.view.state, asked.summary.view.fee), (TaskState::Open, FEE));
        assert_eq!(asked.summary.terms.recipient, who(USER));
        assert_eq!(asked.summary.last_commitment_at, None);
        let input = asked.input.expect("the task lives");
        assert_eq!((input.length, input.in_state), (0, true));
        assert_eq!((asked.output, asked.solution, asked.dispute), (None, None, None));
        assert_ok!(world.commit(1, task, FALSE));
        assert_eq!(info().summary.last_commitment_at, Some(System::block_number()));
        world.pass(1);
        assert_ok!(world.reveal(1, task, FALSE));
        let solved = info();
        assert_eq!(solved.randomness, queries::task(task).and_then(|details| details.randomness));
        assert!(solved.randomness.is_some(), "the block after the task's own has recorded it");
        assert_eq!(solved.solution.map(|solution| solution.solver), Some(who(1)));
        assert_eq!((solved.summary.solver, solved.summary.output), (Some(who(1)), Some(Cid::of(&output(FALSE)))));
        assert_eq!(solved.output.map(|output| output.length), Some(10));
        world.pass(4);
        assert_ok!(world.contest(2, task, TRUE));
        let dispute = info().dispute.expect("it is contested");
        assert_eq!((dispute.solver, dispute.contester, dispute.verdict), (who(1), who(2), None));
        assert_ok!(world.vote(3, task, TRUE));
        world.pass(7);
        assert_ok!(world.open(2, task, TRUE));
        assert_ok!(world.open_solution(1, task, FALSE));
        assert_ok!(world.open(3, task, TRUE));
        assert_eq!(info().dispute.map(|dispute| dispute.ballots_opened), Some(1));
        world.pass(6);
        assert_ok!(world.call(USER, pallet_contestation::Call::settle { task }));
        let ended = info();
        assert_eq!(ended.summary.view.state, TaskState::Refunded);
        assert_eq!(ended.dispute.and_then(|dispute| dispute.verdict), Some(Verdict::Falls));
        assert_eq!((ended.parameters, ended.input, ended.randomness, ended.solution), (None, None, None, None));
        assert_ok!(world.call(USER, pallet_contestation::Call::pull { task, voter: who(3) }));
        assert_eq!(info().dispute, None, "nothing of it is left");
    });
}

#[test]
fn payloads_are_found_while_their_task_lives() {
    World::run(1, 0, |world| {
        world.solvers(&[1], BOND);
        let submit = |input| pallet_tasks::Call::submit {
            model: world.model,
            parameters: Default::default(),
            input,
            fee: FEE,
            deadline: None,
        };
        let (here, elsewhere) = (b"hello".to_vec(), Cid::of(b"a long text"));
        assert_ok!(world.call(USER, submit(Payload::Inline(BoundedVec::truncate_from(here.clone())))));
        let first = pallet_tasks::LastTask::<Runtime>::get();
        assert_ok!(world.call(USER, submit(Payload::External { cid: elsewhere, length: 100_000 })));
        let second = pallet_tasks::LastTask::<Runtime>::get();
        let found = |cid| queries::find_payload(cid, None).items;
        assert_eq!(found(Cid::of(&here)), [(first, PayloadKind::Input)]);
        assert_eq!(found(elsewhere), [(second, PayloadKind::Input)]);
        let external = queries::task_info(second).and_then(|info| info.input).expect("the task lives");
        assert_eq!((external.length, external.in_state), (100_000, false));
        assert_ok!(world.commit(1, first, TRUE));
        world.pass(1);
        assert_ok!(world.reveal(1, first, TRUE));
        let answer = Cid::of(&output(TRUE));
        assert_eq!(found(answer), [(first, PayloadKind::Output)]);
        world.pass(20);
        assert_ok!(world.call(USER, pallet_solutions::Call::claim { task: first }));
        assert_eq!(found(answer), []);
        assert_eq!(found(Cid::of(&here)), []);
    });
}

#[test]
fn what_happens_to_a_task_is_told_from_the_state_before() {
    World::run(1, 0, |world| {
        world.solvers(&[1, 2, 3], BOND);
        let submitted = change(|| {
            world.ask();
        });
        let task = pallet_tasks::LastTask::<Runtime>::get();
        let (owner, model) = (who(USER), world.model);
        let deadline = pallet_tasks::Tasks::<Runtime>::get(task).expect("it was asked").deadline;
        assert_eq!((submitted.task, submitted.owner, submitted.model, submitted.solver), (task, owner, model, None));
        assert_eq!(submitted.change, Change::Submitted { fee: FEE, deadline, input: Cid::of(b"") });
        let raised = change(|| {
            assert_ok!(world.call(USER, pallet_tasks::Call::raise_fee { task, amount: 1 }));
        });
        assert_eq!(raised.change, Change::FeeRaised { amount: 1, fee: FEE + 1 });
        let committed = change(|| {
            assert_ok!(world.commit(2, task, FALSE));
        });
        assert_eq!(committed.solver, Some(who(2)));
        assert!(matches!(committed.change, Change::Committed { .. }));
        world.pass(1);
        assert_ok!(world.commit(1, task, FALSE));
        world.pass(1);
        let solved = change(|| {
            assert_ok!(world.reveal(1, task, FALSE));
        });
        assert_eq!(solved.solver, Some(who(1)));
        let reward = pallet_tasks::Tasks::<Runtime>::get(task).expect("it is solved").reward;
        assert_eq!(solved.change, Change::Solved { output: Cid::of(&output(FALSE)), reward });
        let replaced = change(|| {
            assert_ok!(world.reveal(2, task, FALSE));
        });
        assert_eq!(replaced.solver, Some(who(2)));
        assert_eq!(replaced.change, Change::Replaced { output: Cid::of(&output(FALSE)), replaced: who(1) });
        world.pass(4);
        let disputed = change(|| {
            assert_ok!(world.contest(3, task, TRUE));
        });
        assert_eq!(disputed.solver, Some(who(2)));
        assert!(matches!(disputed.change, Change::Disputed { contester, .. } if contester == who(3)));
        // Nobody votes.
        world.pass(13);
        let refunded = change(|| {
            assert_ok!(world.call(USER, pallet_contestation::Call::settle { task }));
        });
        assert_eq!(refunded.solver, Some(who(2)));
        assert_eq!(refunded.change, Change::Refunded { refund: FEE + 1 });
        let forgotten = change(|| {
            assert_ok!(world.call(USER, pallet_tasks::Call::forget { task }));
        });
        assert_eq!((forgotten.owner, forgotten.change), (who(USER), Change::Forgotten));
    });
}

#[test]
fn every_end_of_a_task_is_told() {
    World::run(1, 0, |world| {
        world.solvers(&[1], BOND);
        let task = world.ask();
        let retracted = change(|| {
            assert_ok!(world.call(USER, pallet_tasks::Call::retract { task }));
        });
        assert_eq!(retracted.change, Change::Retracted { refund: FEE - FEE / 10, charge: FEE / 10 });
        // All of it in one block, by the events of that block alone.
        let both = changes(|| {
            let task = world.ask();
            assert_ok!(world.call(USER, pallet_tasks::Call::retract { task }));
            assert_ok!(world.call(USER, pallet_tasks::Call::forget { task }));
        });
        let names: Vec<_> = both.iter().map(|change| (change.owner.clone(), &change.change)).collect();
        assert!(
            matches!(
                &names[..],
                [(_, Change::Submitted { .. }), (_, Change::Retracted { .. }), (owner, Change::Forgotten)]
                    if *owner == who(USER)
            ),
            "{names:?}"
        );
        let settled = world.solved(1, TRUE);
        let open = world.ask();
        world.pass(20);
        let change_of_claim = change(|| {
            assert_ok!(world.call(USER, pallet_solutions::Call::claim { task: settled }));
        });
        assert_eq!(change_of_claim.solver, Some(who(1)));
        match change_of_claim.change {
            Change::Settled { settlement } => assert_eq!(settlement.fee.treasury, FEE / 10),
            other => panic!("it was settled, not {other:?}"),
        }
        world.pass(50);
        let expired = change(|| {
            assert_ok!(world.call(USER, pallet_tasks::Call::expire { task: open }));
        });
        assert_eq!(expired.change, Change::Expired { refund: FEE });
    });
}

#[test]
fn events_of_another_runtime_are_refused() {
    World::run(1, 0, |world| {
        assert_eq!(queries::task_changes(&[]), None);
        assert_eq!(queries::task_changes(&[4, 0, 255, 255]), None);
        world.ask();
        let key = [sp_crypto_hashing::twox_128(b"System"), sp_crypto_hashing::twox_128(b"Events")].concat();
        let mut events = sp_io::storage::get(&key).expect("something has happened").to_vec();
        events.push(0);
        assert_eq!(queries::task_changes(&events), None, "bytes are left over");
    });
}

#[test]
fn models_and_solvers_are_listed_with_what_they_have() {
    World::run(1, 0, |world| {
        world.solvers(&[1, 2, 3], BOND);
        world.endow(4);
        assert_ok!(world.call(4, pallet_bonds::Call::bond { amount: 20 * ASY }));
        assert_ok!(world.call(4, pallet_models::Call::serve { model: world.model }));
        world.ask();
        let model = queries::models(None, MAX_PAGE).items.into_iter().find(|model| model.id == world.model);
        let model = model.expect("it is registered");
        assert_eq!((model.owner, model.tier, model.active, model.solvers), (who(USER), Tier::Open, true, 4));
        let models: BTreeSet<_> = queries::models(None, MAX_PAGE).items.iter().map(|model| model.id).collect();
        let first = queries::models(None, 1);
        let rest = queries::models(first.next, MAX_PAGE);
        assert_eq!(models, first.items.iter().chain(&rest.items).map(|model| model.id).collect());

        assert_eq!(queries::solvers(ModelId::zero(), None, 5), None);
        let first = queries::solvers(world.model, None, 3).expect("the model is known");
        let rest = queries::solvers(world.model, first.next.clone(), 3).expect("the model is known");
        assert_eq!((first.items.len(), rest.items.len(), rest.next), (3, 1, None));
        let mut all: Vec<_> = first.items.into_iter().chain(rest.items).collect();
        all.sort_by(|a, b| a.account.cmp(&b.account));
        let told: Vec<_> = all.iter().map(|solver| (solver.bond, solver.mature, solver.eligible)).collect();
        assert_eq!(told, [(BOND, BOND, true), (BOND, BOND, true), (BOND, BOND, true), (20 * ASY, 0, false)]);
    });
}

#[test]
fn an_estimate_is_what_the_task_then_costs() {
    World::run(1, 0, |world| {
        assert_ok!(
            world.call(USER, pallet_models::Call::update { model: world.model, fee: 1_000, recipient: who(USER) })
        );
        assert_eq!(queries::fee_estimate(ModelId::zero(), FEE, 0), None);
        let low = queries::fee_estimate(world.model, 999, 0).expect("the model takes tasks");
        assert_eq!((low.model_fee, low.reward), (1_000, None));
        let estimate = queries::fee_estimate(world.model, FEE, 7).expect("the model takes tasks");
        assert_eq!(estimate.model_fee + estimate.treasury + estimate.solver, FEE);
        assert_eq!(estimate.reward, Tasks::quote(&world.model, FEE));
        assert_ok!(world.call(
            USER,
            pallet_tasks::Call::submit {
                model: world.model,
                parameters: BoundedVec::truncate_from(vec![1, 2, 3]),
                input: Payload::Inline(BoundedVec::truncate_from(vec![4; 4])),
                fee: FEE,
                deadline: None,
            }
        ));
        let task = queries::task_info(pallet_tasks::LastTask::<Runtime>::get()).expect("it was asked").summary;
        assert_eq!((task.base_deposit, task.byte_deposit), (estimate.base_deposit, estimate.byte_deposit));
        assert_eq!(task.byte_deposit, 7 * <Runtime as pallet_tasks::Config>::ByteDeposit::get());
        assert_ok!(world.call(USER, pallet_models::Call::retire { model: world.model }));
        assert_eq!(queries::fee_estimate(world.model, FEE, 7), None);
    });
}

#[test]
fn supply_and_schedule_are_the_emissions_own() {
    World::run(1, 0, |world| {
        world.pass(5);
        let (supply, status) = (queries::supply(), Emissions::status());
        assert_eq!((supply.minted_authors, supply.scheduled_work), (status.minted_authors, status.scheduled_work));
        assert_eq!(supply.issuance, assay_runtime::Balances::total_issuance());
        let now = queries::schedule(System::block_number());
        assert_eq!((now.authors, now.work), (supply.scheduled_authors, supply.scheduled_work));
        let before = queries::schedule(System::block_number() - 1);
        assert_eq!(now.authors - before.authors, now.authors_in_block);
        assert_eq!(now.work - before.work, now.work_in_block);
        let end = queries::schedule(u32::MAX);
        assert!(end.authors <= supply.cap_authors && end.work <= supply.cap_work);
    });
}
