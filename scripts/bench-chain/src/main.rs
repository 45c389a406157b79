//! Measures what tasks cost the chain: whole lives of tasks against plain transfers, side by side in one run; imports with
//! many open tasks; bytes of state; the dearest blocks; what the largest election weighs. Called by `scripts/bench chain`.

mod chain;
mod heavy;

use anyhow::{Context, Result};
use assay_runtime::{
    configs::system::RuntimeBlockWeights,
    constants::MAX_CANDIDATES,
    opaque,
    parameters::dynamic_params::{
        bonds,
        tasks::{self, DefaultDeadline, LongestDeadline, Retention},
    },
    AccountId, Runtime, RuntimeCall, RuntimeParameters,
};
use assay_traits::Payload;
use assay_types::{inference, protocol, Balance, Cid, Hash, ModelId, TaskId, ASY, MILLI_ASY};
use chain::{Chain, Cost};
use clap::Parser;
use codec::Encode;
use frame_support::{dispatch::DispatchClass, weights::Weight};
use heavy::Heavy;
use pallet_elections::WeightInfo;
use serde_json::json;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave};
use std::time::Duration;

/// Blocks of an epoch, and so until a bond is mature; as in production.
const EPOCH: u32 = 1_200;
/// Longest deadline of a task, and blocks until a bond leaves, as in production.
const DEADLINE: u32 = 28_800;
const UNBONDING: u32 = 86_400;
/// Grace and contest window of the development chain, and one block more.
const WINDOW: u32 = 3 + 8 + 1;
/// Submissions that are tried for one block.
const BLOCKFUL: usize = 400;
/// Bytes of each input and output.
const PAYLOAD: usize = 256;
/// Fee of each task.
const FEE: Balance = 10 * MILLI_ASY;
/// Who asks, and who solves.
const USER: Sr25519Keyring = Charlie;
const SOLVER: Sr25519Keyring = Dave;

/// Measures what tasks cost the chain
#[derive(Parser)]
struct Options {
    /// Tasks whose lives go through the chain together, and transfers in each block beside theirs
    #[arg(long, default_value_t = 100)]
    batch: usize,
    /// Times that this is done
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Numbers of open tasks with which imports are timed
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    open: Vec<usize>,
    /// Blocks imported with each number of open tasks
    #[arg(long, default_value_t = 20)]
    imports: usize,
    /// One JSON object and nothing else
    #[arg(long)]
    json: bool,
}

fn parameters() -> Vec<u8> {
    inference::Parameters::Text(inference::TextParameters::default()).encode()
}

/// Different for each number, and as long as all of them.
fn payload(number: u64, length: usize) -> Payload {
    let mut bytes = number.to_le_bytes().repeat(length.div_ceil(8));
    bytes.truncate(length);
    Payload::Inline(bytes.try_into().unwrap_or_default())
}

fn transfer() -> RuntimeCall {
    pallet_balances::Call::transfer_keep_alive { dest: Bob.to_account_id().into(), value: MILLI_ASY }.into()
}

/// A chain with a solver whose bond is mature and a model that it serves.
struct Bench {
    chain: Chain,
    model: ModelId,
    /// Tasks submitted so far: the chain numbers them.
    submitted: u64,
    /// Id of the last task.
    last: TaskId,
}

/// A task and its calls.
struct Life {
    task: TaskId,
    output: Payload,
    seal: Hash,
}

const SALT: [u8; 32] = [7; 32];

impl Bench {
    fn new() -> Result<Self> {
        let parameters = [
            RuntimeParameters::Tasks(tasks::Parameters::DefaultDeadline(DefaultDeadline, Some(DEADLINE))),
            RuntimeParameters::Tasks(tasks::Parameters::LongestDeadline(LongestDeadline, Some(DEADLINE))),
            RuntimeParameters::Tasks(tasks::Parameters::Retention(Retention, Some(DEADLINE))),
            RuntimeParameters::Bonds(bonds::Parameters::Unbonding(bonds::Unbonding, Some(UNBONDING))),
        ];
        let mut chain = Chain::new(&parameters, EPOCH, &[])?;
        let manifest = Cid::of(b"bench");
        let owner: AccountId = Bob.to_account_id();
        let model = protocol::model_id(&owner, &manifest);
        let setup = vec![
            chain.sign(Bob, pallet_models::Call::register { manifest, fee: 0, recipient: owner }),
            chain.sign(SOLVER, pallet_models::Call::serve { model }),
            chain.sign(SOLVER, pallet_bonds::Call::bond { amount: 90_000 * ASY }),
            chain.sign(
                Alice,
                pallet_sudo::Call::sudo {
                    call: Box::new(
                        pallet_models::Call::set_rate { model, rate: sp_runtime::FixedU128::from_u32(1) }.into(),
                    ),
                },
            ),
        ];
        chain.block(setup, false).context("setting up")?;
        eprintln!("waiting {EPOCH} blocks for the bond to mature");
        while chain.number() <= EPOCH + 1 {
            chain.block(Vec::new(), false)?;
        }
        Ok(Self { chain, model, submitted: 0, last: TaskId::zero() })
    }

    fn submit_call(&self, number: u64, length: usize) -> RuntimeCall {
        pallet_tasks::Call::submit {
            model: self.model,
            parameters: parameters().try_into().unwrap_or_default(),
            input: payload(number, length),
            fee: FEE,
            deadline: None,
        }
        .into()
    }

    /// Signs the submission of a task.
    fn submit(&mut self) -> (Life, opaque::UncheckedExtrinsic) {
        let number = self.submitted;
        self.submitted += 1;
        let call = self.submit_call(number, PAYLOAD);
        let user: AccountId = USER.to_account_id();
        let input = payload(number, PAYLOAD).cid();
        self.last = protocol::task_id(&self.last, &user, &self.model, &parameters(), &input);
        let life = Life { task: self.last, output: payload(!number, PAYLOAD), seal: Hash::repeat_byte(1) };
        (life, self.chain.sign(USER, call))
    }

    fn commit(&mut self, life: &Life) -> opaque::UncheckedExtrinsic {
        let solver: AccountId = SOLVER.to_account_id();
        let (genesis, output) = (self.chain.genesis(), life.output.cid());
        let commitment = protocol::commitment(&genesis, &life.task, &solver, &output, &life.seal, &SALT);
        self.chain.sign(SOLVER, pallet_solutions::Call::commit { task: life.task, commitment })
    }

    fn reveal(&mut self, life: &Life) -> opaque::UncheckedExtrinsic {
        let (task, trace_seal, output) = (life.task, life.seal, life.output.clone());
        self.chain.sign(SOLVER, pallet_solutions::Call::reveal { task, salt: SALT, trace_seal, output })
    }

    fn claim(&mut self, life: &Life) -> opaque::UncheckedExtrinsic {
        self.chain.sign(SOLVER, pallet_solutions::Call::claim { task: life.task })
    }

    fn transfers(&mut self, count: usize) -> Vec<opaque::UncheckedExtrinsic> {
        (0..count).map(|_| self.chain.sign(Alice, transfer())).collect()
    }
}

#[derive(Default)]
struct Sum {
    time: Duration,
    count: usize,
}

impl Sum {
    fn add(&mut self, cost: Cost) {
        self.time += cost.build;
        self.count += cost.transactions;
    }

    /// Microseconds of each.
    fn each(&self) -> f64 {
        self.time.as_secs_f64() * 1e6 / self.count.max(1) as f64
    }
}

/// Lives of tasks and as many transfers, blocks of the one after blocks of the other.
fn lives(bench: &mut Bench, batch: usize, rounds: usize) -> Result<([Sum; 4], Sum)> {
    let (mut steps, mut transfers) = (<[Sum; 4]>::default(), Sum::default());
    for round in 0..rounds {
        eprintln!("lives of tasks: round {} of {rounds}", round + 1);
        let (all, submissions): (Vec<Life>, Vec<_>) = (0..batch).map(|_| bench.submit()).unzip();
        steps[0].add(bench.chain.block(submissions, false)?);
        let beside = |bench: &mut Bench| {
            let calls = bench.transfers(batch);
            bench.chain.block(calls, false)
        };
        transfers.add(beside(bench)?);
        let commitments = all.iter().map(|life| bench.commit(life)).collect();
        steps[1].add(bench.chain.block(commitments, false)?);
        transfers.add(beside(bench)?);
        let reveals = all.iter().map(|life| bench.reveal(life)).collect();
        steps[2].add(bench.chain.block(reveals, false)?);
        transfers.add(beside(bench)?);
        for _ in 0..WINDOW {
            bench.chain.block(Vec::new(), false)?;
        }
        let claims = all.iter().map(|life| bench.claim(life)).collect();
        steps[3].add(bench.chain.block(claims, false)?);
        transfers.add(beside(bench)?);
    }
    Ok((steps, transfers))
}

/// How many of these calls, one after the other, the weight of a block's ordinary transactions has room for.
fn fitting(calls: &[RuntimeCall]) -> f64 {
    let limits = RuntimeBlockWeights::get();
    let class = limits.get(DispatchClass::Normal);
    let each = calls
        .iter()
        .fold(Weight::zero(), |sum, call| sum.saturating_add(chain::weigh(call)).saturating_add(class.base_extrinsic));
    let most = class.max_total.unwrap_or(limits.max_block).saturating_sub(limits.base_block);
    most.ref_time() as f64 / each.ref_time().max(1) as f64
}

/// Submits tasks until `count` are open, of which `already` are.
fn open(bench: &mut Bench, count: usize, already: usize) -> Result<()> {
    let mut waiting = Vec::new();
    let mut done = already;
    while done < count {
        while waiting.len() < BLOCKFUL && done + waiting.len() < count {
            waiting.push(bench.submit().1);
        }
        let (cost, _) = bench.chain.fill(waiting.clone(), false)?;
        waiting.drain(..cost.transactions);
        done += cost.transactions;
        if bench.chain.number().is_multiple_of(50) {
            eprintln!("{done} of {count} open tasks");
        }
    }
    Ok(())
}

/// Median import time of blocks with the usual mix: a task's four calls among transfers.
fn imports(bench: &mut Bench, count: usize) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..count {
        let (life, submission) = bench.submit();
        let transfers = bench.transfers(40);
        let block = std::iter::once(submission).chain(transfers).collect();
        times.push(bench.chain.block(block, true)?.import);
        let commitment = bench.commit(&life);
        bench.chain.block(vec![commitment], false)?;
        let reveal = bench.reveal(&life);
        bench.chain.block(vec![reveal], false)?;
    }
    times.sort();
    Ok(times[times.len() / 2])
}

/// Milliseconds that the draw among as many candidates as there may be weighs, and that a block may.
fn election() -> (f64, f64) {
    let draw = <Runtime as pallet_elections::Config>::WeightInfo::draw(MAX_CANDIDATES);
    let millis = |weight: Weight| weight.ref_time() as f64 / 1e9;
    (millis(draw), millis(RuntimeBlockWeights::get().max_block))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut bench = Bench::new()?;
    let (steps, transfers) = lives(&mut bench, options.batch, options.rounds)?;
    let life: f64 = steps.iter().map(Sum::each).sum();
    let transfer_time = transfers.each();
    let task = TaskId::zero();
    let output = payload(0, PAYLOAD);
    let calls: [RuntimeCall; 4] = [
        bench.submit_call(0, PAYLOAD),
        pallet_solutions::Call::commit { task, commitment: Hash::zero() }.into(),
        pallet_solutions::Call::reveal { task, salt: SALT, trace_seal: Hash::zero(), output }.into(),
        pallet_solutions::Call::claim { task }.into(),
    ];
    let (lives_fitting, transfers_fitting) = (fitting(&calls), fitting(&[transfer()]));

    // Bytes of state, on a chain of its own where nothing else changes.
    let mut other = Bench::new()?;
    let empty = other.chain.state_bytes()?;
    let (all, submissions): (Vec<Life>, Vec<_>) = (0..options.batch).map(|_| other.submit()).unzip();
    other.chain.block(submissions, false)?;
    let with_open = other.chain.state_bytes()?;
    let commitments = all.iter().map(|life| other.commit(life)).collect();
    other.chain.block(commitments, false)?;
    let reveals = all.iter().map(|life| other.reveal(life)).collect();
    other.chain.block(reveals, false)?;
    for _ in 0..WINDOW {
        other.chain.block(Vec::new(), false)?;
    }
    let claims = all.iter().map(|life| other.claim(life)).collect();
    other.chain.block(claims, false)?;
    other.chain.block(Vec::new(), false)?;
    let with_settled = other.chain.state_bytes()?;
    let per_task = |bytes: usize| bytes.saturating_sub(empty) as f64 / options.batch as f64;
    let heavy = heavy::measure(other)?;

    let mut open_imports = Vec::new();
    let mut already = 0;
    for count in &options.open {
        open(&mut bench, *count, already)?;
        already = *count;
        let time = imports(&mut bench, options.imports)?;
        eprintln!("{count} open tasks: a block imports in {:.2} ms", micros(time) / 1e3);
        open_imports.push((*count, time));
    }
    let (draw, block) = election();

    if options.json {
        println!(
            "{}",
            json!({
                "microseconds": {
                    "submit": steps[0].each(), "commit": steps[1].each(), "reveal": steps[2].each(),
                    "claim": steps[3].each(), "life": life, "transfer": transfer_time,
                },
                "lives_per_transfer_by_time": transfer_time / life,
                "lives_per_block_by_weight": lives_fitting,
                "transfers_per_block_by_weight": transfers_fitting,
                "lives_per_transfer_by_weight": lives_fitting / transfers_fitting,
                "state_bytes": { "open": per_task(with_open), "settled": per_task(with_settled) },
                "import_microseconds": open_imports.iter().map(|(count, time)| json!([count, micros(*time)])).collect::<Vec<_>>(),
                "election": { "candidates": MAX_CANDIDATES, "milliseconds_by_weight": draw, "block_milliseconds": block },
                "heavy_blocks": heavy.iter().map(Heavy::json).collect::<Vec<_>>(),
            })
        );
        return Ok(());
    }
    println!("| | |\n|---|---|");
    for (name, sum) in ["submit", "commit", "reveal", "claim"].iter().zip(&steps) {
        println!("| {name}, processor time in the block builder | {:.0} µs |", sum.each());
    }
    println!("| a task's whole life | {life:.0} µs |");
    println!("| a transfer | {transfer_time:.0} µs |");
    println!("| lives per transfer by time (target 0.15) | {:.3} |", transfer_time / life);
    println!("| lives in a block by weight | {lives_fitting:.0} |");
    println!("| transfers in a block by weight | {transfers_fitting:.0} |");
    println!("| lives per transfer by weight (target 0.15) | {:.3} |", lives_fitting / transfers_fitting);
    println!("| bytes of state of an open task, its payload included | {:.0} |", per_task(with_open));
    println!("| bytes of state of a settled task | {:.0} |", per_task(with_settled));
    for (count, time) in &open_imports {
        println!("| import of a block with {count} open tasks | {:.2} ms |", micros(*time) / 1e3);
    }
    if let (Some((_, first)), Some((_, last))) = (open_imports.first(), open_imports.last()) {
        println!("| last over first (target at most 1.2) | {:.2} |", last.as_secs_f64() / first.as_secs_f64());
    }
    for block in &heavy {
        println!("| import of a block {} | {:.0} ms |", block.describe(), micros(block.import) / 1e3);
    }
    if let Some(slowest) = heavy.iter().map(|block| block.import).max() {
        println!("| the slowest of these (target at most 3,000 ms) | {:.0} ms |", micros(slowest) / 1e3);
    }
    println!("| an election with {MAX_CANDIDATES} candidates, of a block's {block:.0} ms by weight | {draw:.0} ms |");
    Ok(())
}
