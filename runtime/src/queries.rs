//! Answers to what a node asks about Assay ([`assay_runtime_api::AssayApi`]), read from the pallets' storage.
//!
//! They are for reading alone: nothing here is called in a block, and nothing has a weight. What bounds them are
//! [`MAX_PAGE`] and [`MAX_SCAN`].

use crate::{AccountId, Balances, Bonds, Emissions, Runtime, RuntimeEvent, System, Tasks as TasksPallet};
use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use assay_math::split_fee;
use assay_runtime_api::{
    Change, Demand, DisputeSummary, FeeEstimate, ModelSummary, Page, PayloadKind, PayloadSummary, Schedule,
    SolutionSummary, SolverSummary, Supply, TaskChange, TaskDetails, TaskFilter, TaskInfo, TaskSummary, Tier, MAX_PAGE,
    MAX_SCAN,
};
use assay_traits::{ModelTerms, Payload, SolverStake, TaskState};
use assay_types::{Balance, BlockNumber, Cid, Hash, ModelId, TaskId};
use codec::DecodeAll;
use frame_support::traits::Get;
use frame_system::{EventRecord, Phase};
use pallet_contestation::Disputes;
use pallet_models::{ModelState, Models, Solvers};
use pallet_solutions::{Solution, Solutions};
use pallet_tasks::{BlockSeeds, Inputs, Outputs, TaskRecord, Tasks};

type Record = TaskRecord<AccountId>;

fn solution_summary(solution: Solution<AccountId>) -> SolutionSummary<AccountId> {
    SolutionSummary {
        solver: solution.solver,
        committed_at: solution.committed_at,
        revealed_at: solution.revealed_at,
        first_revealed_at: solution.first_revealed_at,
        trace_seal: solution.trace_seal,
        stake: solution.stake,
    }
}

/// A task with its payloads.
pub fn task(id: TaskId) -> Option<TaskDetails<AccountId>> {
    let record = Tasks::<Runtime>::get(id)?;
    let (parameters, input_payload) =
        Inputs::<Runtime>::get(id).map(|input| (input.parameters.into_inner(), input.payload)).unzip();
    Some(TaskDetails {
        view: record.view(),
        model_fee: record.terms.fee,
        parameters,
        input: record.input,
        input_payload,
        output: record.output,
        output_payload: Outputs::<Runtime>::get(id),
        randomness: BlockSeeds::<Runtime>::get(record.submitted_at).and_then(|seed| seed.randomness),
        solution: Solutions::<Runtime>::get(id).map(solution_summary),
        solver: record.solver,
    })
}

fn summary(id: TaskId, record: Record, solver: Option<AccountId>) -> TaskSummary<AccountId> {
    TaskSummary {
        id,
        view: record.view(),
        terms: record.terms,
        input: record.input,
        output: record.output,
        solver,
        base_deposit: record.base_deposit,
        byte_deposit: record.byte_deposit,
        retract_delay: record.retract_delay,
        retention: record.retention,
        // No task can be committed to before there is a first block.
        last_commitment_at: Some(record.last_commitment_at).filter(|at| *at > 0),
    }
}

/// Whose solution stands, or who was paid.
fn solver_of(id: &TaskId, record: &Record) -> Option<AccountId> {
    match record.state {
        TaskState::Solved | TaskState::Disputed => Solutions::<Runtime>::get(id).map(|solution| solution.solver),
        _ => record.solver.clone(),
    }
}

fn payload_summary(payload: &Payload) -> PayloadSummary {
    match payload {
        Payload::Inline(bytes) => PayloadSummary { length: bytes.len() as u32, in_state: true },
        Payload::External { length, .. } => PayloadSummary { length: *length, in_state: false },
    }
}

/// A task with all that belongs to it.
pub fn task_info(id: TaskId) -> Option<TaskInfo<AccountId>> {
    let record = Tasks::<Runtime>::get(id)?;
    let (parameters, input) = Inputs::<Runtime>::get(id)
        .map(|input| (input.parameters.into_inner(), payload_summary(&input.payload)))
        .unzip();
    let recorded = BlockSeeds::<Runtime>::get(record.submitted_at).and_then(|seed| seed.randomness);
    // In the task's own block it is that of the block's author, recorded in the block after.
    let own = || pallet_babe::AuthorVrfRandomness::<Runtime>::get();
    let randomness = if record.submitted_at == System::block_number() { own() } else { recorded };
    let dispute = Disputes::<Runtime>::get(id).map(|dispute| DisputeSummary {
        solver: dispute.solver,
        contester: dispute.contester,
        stake: dispute.stake,
        opened_at: dispute.opened_at,
        votes_until: dispute.votes_until,
        opens_until: dispute.opens_until,
        ballots_opened: dispute.votes.opened,
        verdict: dispute.outcome.map(|outcome| outcome.verdict),
    });
    let solver = solver_of(&id, &record);
    Some(TaskInfo {
        summary: summary(id, record, solver),
        parameters,
        input,
        output: Outputs::<Runtime>::get(id).as_ref().map(payload_summary),
        randomness,
        solution: Solutions::<Runtime>::get(id).map(solution_summary),
        dispute,
    })
}

/// Goes through `entries` until `limit` of them were kept, or [`MAX_SCAN`] looked at, or none is left.
fn page<Key: Clone, Value, Item>(
    mut entries: impl Iterator<Item = (Key, Value)>,
    limit: u32,
    mut keep: impl FnMut(Key, Value) -> Option<Item>,
) -> Page<Item, Key> {
    let limit = limit.min(MAX_PAGE) as usize;
    let mut page = Page { items: Vec::new(), looked_at: 0, next: None };
    let mut last = None;
    while page.items.len() < limit && page.looked_at < MAX_SCAN {
        let Some((key, value)) = entries.next() else { return page };
        page.looked_at = page.looked_at.saturating_add(1);
        last = Some(key.clone());
        page.items.extend(keep(key, value));
    }
    page.next = last.filter(|_| entries.next().is_some());
    page
}

fn tasks_after(after: Option<TaskId>) -> impl Iterator<Item = (TaskId, Record)> {
    match after {
        Some(id) => Tasks::<Runtime>::iter_from(Tasks::<Runtime>::hashed_key_for(id)),
        None => Tasks::<Runtime>::iter(),
    }
}

/// Tasks that fit `filter`.
pub fn tasks(filter: TaskFilter<AccountId>, after: Option<TaskId>, limit: u32) -> Page<TaskSummary<AccountId>, TaskId> {
    page(tasks_after(after), limit, |id, record| {
        let fits = filter.state.is_none_or(|state| state == record.state)
            && filter.owner.as_ref().is_none_or(|owner| *owner == record.submitter)
            && filter.model.is_none_or(|model| model == record.model);
        if !fits {
            return None;
        }
        let solver = solver_of(&id, &record);
        let fits = filter.solver.is_none() || filter.solver == solver;
        fits.then(|| summary(id, record, solver))
    })
}

/// The next task that has a payload with this content id.
pub fn find_payload(cid: Cid, after: Option<TaskId>) -> Page<(TaskId, PayloadKind), TaskId> {
    page(tasks_after(after), 1, |id, record| {
        // What an ended task leaves is the content id alone.
        if record.state.has_ended() {
            None
        } else if record.input == cid {
            Some((id, PayloadKind::Input))
        } else {
            (record.output == Some(cid)).then_some((id, PayloadKind::Output))
        }
    })
}

/// Models with their terms.
pub fn models(after: Option<ModelId>, limit: u32) -> Page<ModelSummary<AccountId>, ModelId> {
    let entries = match after {
        Some(id) => Models::<Runtime>::iter_from(Models::<Runtime>::hashed_key_for(id)),
        None => Models::<Runtime>::iter(),
    };
    page(entries, limit, |id, model| {
        Some(ModelSummary {
            id,
            owner: model.owner,
            manifest: model.manifest,
            terms: ModelTerms { fee: model.fee, recipient: model.recipient, rate: model.rate },
            tier: match model.tier {
                pallet_models::Tier::Open => Tier::Open,
                pallet_models::Tier::Approved => Tier::Approved,
                pallet_models::Tier::Certified => Tier::Certified,
            },
            active: model.state == ModelState::Active,
            deposit: model.deposit,
            solvers: model.solvers,
        })
    })
}

/// Open tasks of each model, as far as one may look.
pub fn demand() -> Demand {
    let mut open = BTreeMap::<ModelId, u32>::new();
    let mut looked_at: u32 = 0;
    let mut entries = Tasks::<Runtime>::iter();
    let complete = loop {
        if looked_at == MAX_SCAN {
            break entries.next().is_none();
        }
        let Some((_, record)) = entries.next() else { break true };
        looked_at = looked_at.saturating_add(1);
        if record.state == TaskState::Open {
            let count = open.entry(record.model).or_default();
            *count = count.saturating_add(1);
        }
    };
    Demand { open: open.into_iter().collect(), looked_at, complete }
}

/// Who serves a model.
pub fn solvers(
    model: ModelId,
    after: Option<AccountId>,
    limit: u32,
) -> Option<Page<SolverSummary<AccountId>, AccountId>> {
    if !Models::<Runtime>::contains_key(model) {
        return None;
    }
    let entries = match after {
        Some(solver) => Solvers::<Runtime>::iter_prefix_from(model, Solvers::<Runtime>::hashed_key_for(model, solver)),
        None => Solvers::<Runtime>::iter_prefix(model),
    };
    Some(page(entries, limit, |account: AccountId, _| {
        let ledger = pallet_bonds::Ledgers::<Runtime>::get(&account).unwrap_or_default();
        Some(SolverSummary {
            bond: ledger.active,
            mature: ledger.mature(System::block_number()),
            pledged: ledger.pledged,
            delegated: pallet_bonds::Pools::<Runtime>::get(&account).map_or(0, |pool| pool.fund.balance),
            eligible: Bonds::ensure_eligible(&account).is_ok(),
            account,
        })
    }))
}

/// Costs and earnings of a task.
pub fn fee_estimate(model: ModelId, fee: Balance, bytes: u32) -> Option<FeeEstimate> {
    let record = Models::<Runtime>::get(model).filter(|record| record.state == ModelState::Active)?;
    let parts = split_fee(fee, record.fee);
    let byte_deposit = <Runtime as pallet_tasks::Config>::ByteDeposit::get();
    Some(FeeEstimate {
        model_fee: record.fee,
        treasury: parts.treasury,
        solver: parts.solver,
        reward: TasksPallet::quote(&model, fee),
        base_deposit: <Runtime as pallet_tasks::Config>::BaseDeposit::get(),
        byte_deposit: byte_deposit.saturating_mul(bytes.into()),
    })
}

/// Where the emission stands.
pub fn supply() -> Supply {
    let status = Emissions::status();
    Supply {
        issuance: Balances::total_issuance(),
        minted_authors: status.minted_authors,
        minted_work: status.minted_work,
        reserved_work: status.reserved_work,
        scheduled_authors: status.scheduled_authors,
        scheduled_work: status.scheduled_work,
        cap_authors: status.curves.authors.cap(),
        cap_work: status.curves.work.cap(),
        multiplier: status.multiplier,
        tenure_left: status.tenure_left,
    }
}

/// What is scheduled by a block.
pub fn schedule(block: BlockNumber) -> Schedule {
    let curves = pallet_emissions::EmissionCurves::<Runtime>::get();
    Schedule {
        block,
        authors: curves.authors.scheduled(block),
        work: curves.work.scheduled(block),
        authors_in_block: curves.authors.scheduled_in(block),
        work_in_block: curves.work.scheduled_in(block),
    }
}

/// What happened to tasks in the block after this state, by its encoded events.
pub fn task_changes(events: &[u8]) -> Option<Vec<TaskChange<AccountId>>> {
    let events = Vec::<Box<EventRecord<RuntimeEvent, Hash>>>::decode_all(&mut &events[..]).ok()?;
    let mut changes = Vec::<TaskChange<AccountId>>::new();
    // Owner and model of tasks that are new in this block; every other task is in the state.
    let mut new = BTreeMap::<TaskId, (AccountId, ModelId)>::new();
    for (index, record) in (0u32..).zip(events) {
        let Some((task, solver, change)) = change_of(record.event, &mut changes, &mut new) else { continue };
        let (owner, model) = match new.get(&task) {
            Some(asked) => asked.clone(),
            None => Tasks::<Runtime>::get(task).map(|record| (record.submitter, record.model))?,
        };
        let extrinsic = match record.phase {
            Phase::ApplyExtrinsic(index) => Some(index),
            Phase::Initialization | Phase::Finalization => None,
        };
        changes.push(TaskChange { task, owner, model, solver, extrinsic, event: index, change });
    }
    Some(changes)
}

/// What an event says of a task: which, whose solution it is about, and what happened. What it adds to a change before
/// it is added there.
fn change_of(
    event: RuntimeEvent,
    before: &mut [TaskChange<AccountId>],
    new: &mut BTreeMap<TaskId, (AccountId, ModelId)>,
) -> Option<(TaskId, Option<AccountId>, Change<AccountId>)> {
    use pallet_contestation::Event as Disputing;
    use pallet_solutions::Event as Solving;
    use pallet_tasks::Event as Asking;

    Some(match event {
        RuntimeEvent::Tasks(Asking::Submitted { task, submitter, model, fee, deadline, input }) => {
            new.insert(task, (submitter, model));
            (task, None, Change::Submitted { fee, deadline, input })
        }
        RuntimeEvent::Tasks(Asking::FeeRaised { task, amount, fee }) => (task, None, Change::FeeRaised { amount, fee }),
        RuntimeEvent::Solutions(Solving::Committed { task, solver, commitment }) => {
            (task, Some(solver), Change::Committed { commitment })
        }
        // Who solved it is in the event of the solution, which comes right after.
        RuntimeEvent::Tasks(Asking::Solved { task, output, reward }) => (task, None, Change::Solved { output, reward }),
        RuntimeEvent::Solutions(Solving::Revealed { task, solver, output, replaced: Some(replaced) }) => {
            (task, Some(solver), Change::Replaced { output, replaced })
        }
        RuntimeEvent::Solutions(Solving::Revealed { task, solver, replaced: None, .. }) => {
            let solved = before.iter_mut().rev().find(|change| change.task == task)?;
            solved.solver = Some(solver);
            return None;
        }
        RuntimeEvent::Contestation(Disputing::Contested {
            task,
            solver,
            contester,
            stake,
            votes_until,
            opens_until,
        }) => (task, Some(solver), Change::Disputed { contester, stake, votes_until, opens_until }),
        RuntimeEvent::Tasks(Asking::Settled { task, solver, settlement }) => {
            (task, Some(solver), Change::Settled { settlement })
        }
        RuntimeEvent::Tasks(Asking::Refunded { task, refund }) => {
            let solver = Solutions::<Runtime>::get(task).map(|solution| solution.solver);
            (task, solver, Change::Refunded { refund })
        }
        RuntimeEvent::Tasks(Asking::Expired { task, refund }) => (task, None, Change::Expired { refund }),
        RuntimeEvent::Tasks(Asking::Retracted { task, refund, charge }) => {
            (task, None, Change::Retracted { refund, charge })
        }
        RuntimeEvent::Tasks(Asking::Forgotten { task }) => (task, None, Change::Forgotten),
        _ => return None,
    })
}
