//! The dearest blocks that are legal: as full as they may be of calls of one kind, or with the most that a block's hooks
//! ever have to do. A call that takes longer than it weighs is what makes one dear, so the kinds are those whose weight was
//! measured on other machines (transfers, remarks, batches, multisigs, session keys), those of ours that weigh most, and
//! the longest payloads.

use crate::{
    chain::{session_keys, Chain},
    micros, payload, transfer, Bench, Life, SALT, SOLVER, WINDOW,
};
use anyhow::{ensure, Context, Result};
use assay_runtime::{
    constants::{MAX_CANDIDATES, MAX_SEATS, SWEEP_DELAY},
    genesis_config_presets::TEST_EPOCH,
    opaque,
    parameters::dynamic_params::elections::{LeastCommits, Parameters, Seats},
    AccountId, Runtime, RuntimeCall, RuntimeParameters, SessionKeys,
};
use assay_types::{election, ASY, MAX_INLINE, MILLI_ASY};
use codec::Encode;
use frame_support::weights::Weight;
use pallet_elections::{Accumulator, Draw, Draws, TenureWork, WorkRecord, WorkRecords, DRAW_DELAY, WAIT};
use serde_json::{json, Value};
use sp_core::{ed25519, proof_of_possession::ProofOfPossessionGenerator, sr25519, Pair};
use sp_io::hashing::blake2_256;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Ferdie};
use std::time::Duration;

/// Tasks that are solved together: more than a block settles.
const SOLVED: usize = 700;
/// Payloads of the longest kind: more than a block takes.
const LONG: usize = 300;
/// Blocks whose sweepers are watched.
const SWEPT: usize = 4;
/// Transactions of the cheapest kinds: more than a block takes.
const SMALL: u64 = 6_000;
/// Transactions of the kinds that take room or change keys: more than a block takes.
const LARGE: u64 = 2_500;
/// Batches, and calls in each: more than a block takes.
const BATCHES: u64 = 50;
const BATCHED_TRANSFERS: u64 = 1_000;
const BATCHED_REMARKS: usize = 5_000;
/// Signatories of a multisig, as many as there may be.
const SIGNATORIES: u16 = 100;

/// A block that is dear to import.
pub struct Heavy {
    /// What is in it.
    what: &'static str,
    /// Transactions in it.
    transactions: usize,
    /// Whether others were left out for want of room.
    full: bool,
    /// What importing it took, its execution included.
    pub import: Duration,
}

impl Heavy {
    /// What is in it, and how much.
    pub fn describe(&self) -> String {
        let full = if self.full { "" } else { ", not full" };
        match self.transactions {
            0 => self.what.into(),
            transactions => format!("{}: {transactions} transactions{full}", self.what),
        }
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let import = micros(self.import);
        json!({
            "what": self.what, "transactions": self.transactions, "full": self.full, "import_microseconds": import,
        })
    }
}

/// Fills a block with as many of these transactions as it takes, and imports it. Returns how many were left out, too.
fn import(
    chain: &mut Chain,
    what: &'static str,
    transactions: Vec<opaque::UncheckedExtrinsic>,
) -> Result<(Heavy, usize)> {
    let (cost, left) = chain.fill(transactions, true).with_context(|| format!("a block {what}"))?;
    let heavy = Heavy { what, transactions: cost.transactions, full: left > 0, import: cost.import };
    eprintln!("a block {}: imported in {:.0} ms", heavy.describe(), micros(heavy.import) / 1e3);
    Ok((heavy, left))
}

/// Fills a block with as many of these calls by one account as it takes, and imports it.
fn fill(chain: &mut Chain, what: &'static str, from: Sr25519Keyring, calls: Vec<RuntimeCall>) -> Result<Heavy> {
    let transactions = calls.into_iter().map(|call| chain.sign(from, call)).collect();
    let (heavy, left) = import(chain, what, transactions)?;
    chain.unsign(from, left);
    Ok(heavy)
}

/// The dearest blocks, most of them on this chain.
///
/// # Errors
/// What should be in a block is refused or fails.
pub fn measure(mut bench: Bench) -> Result<Vec<Heavy>> {
    let mut all = answers(&mut bench)?;
    all.extend(small_calls(&mut bench.chain)?);
    all.extend(large_calls(&mut bench)?);
    drop(bench);
    all.extend(election()?);
    Ok(all)
}

fn submit(bench: &mut Bench, count: usize) -> Result<Vec<Life>> {
    let (lives, submissions): (Vec<Life>, Vec<_>) = (0..count).map(|_| bench.submit()).unzip();
    bench.chain.block(submissions, false)?;
    Ok(lives)
}

fn commit(bench: &mut Bench, lives: &[Life]) -> Result<()> {
    let commitments = lives.iter().map(|life| bench.commit(life)).collect();
    bench.chain.block(commitments, false)?;
    Ok(())
}

fn reveal_call(life: &Life) -> RuntimeCall {
    let (task, trace_seal, output) = (life.task, life.seal, life.output.clone());
    pallet_solutions::Call::<Runtime>::reveal { task, salt: SALT, trace_seal, output }.into()
}

/// Answers, what settles them, and what the sweepers do beside a full block when nobody does.
fn answers(bench: &mut Bench) -> Result<Vec<Heavy>> {
    let solved = submit(bench, SOLVED)?;
    commit(bench, &solved)?;
    let reveals = solved.iter().map(|life| bench.reveal(life)).collect();
    bench.chain.block(reveals, false)?;
    for _ in 0..WINDOW {
        bench.chain.block(Vec::new(), false)?;
    }
    let claims =
        solved.iter().map(|life| pallet_solutions::Call::<Runtime>::claim { task: life.task }.into()).collect();
    let claims = fill(&mut bench.chain, "full of settlements", SOLVER, claims)?;
    // Of those that are left the sweepers take care.
    let due = bench.chain.number() + SWEEP_DELAY;

    let mut long = submit(bench, LONG)?;
    for (number, life) in (0..).zip(&mut long) {
        life.output = payload(number, MAX_INLINE as usize);
    }
    commit(bench, &long)?;
    let reveals = long.iter().map(reveal_call).collect();
    let outputs = fill(&mut bench.chain, "full of outputs of 16 KiB", SOLVER, reveals)?;

    while bench.chain.number() < due {
        bench.chain.block(Vec::new(), false)?;
    }
    let mut swept = Vec::new();
    for _ in 0..SWEPT {
        let transfers = (0..SMALL).map(|_| transfer()).collect();
        swept.push(fill(&mut bench.chain, "full of transfers, with settlements by the sweeper", Alice, transfers)?);
    }
    Ok([claims, outputs].into_iter().chain(swept.into_iter().max_by_key(|block| block.import)).collect())
}

/// An account that nobody has used.
fn account(number: u64) -> AccountId {
    AccountId::new((b"bench", number).using_encoded(blake2_256))
}

fn open_account(number: u64) -> RuntimeCall {
    let dest = account(number).into();
    pallet_balances::Call::<Runtime>::transfer_keep_alive { dest, value: MILLI_ASY }.into()
}

fn remark() -> RuntimeCall {
    frame_system::Call::<Runtime>::remark { remark: Vec::new() }.into()
}

fn batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
    pallet_utility::Call::<Runtime>::batch_all { calls }.into()
}

/// What costs little and fits a block often.
fn small_calls(chain: &mut Chain) -> Result<Vec<Heavy>> {
    let transfers = (0..SMALL).map(open_account).collect();
    let remarks = (0..SMALL).map(|_| remark()).collect();
    let transfer_batches = (1..=BATCHES)
        .map(|batch| SMALL + batch * BATCHED_TRANSFERS)
        .map(|first| batch((first..first + BATCHED_TRANSFERS).map(open_account).collect()))
        .collect();
    let remark_batches = (0..BATCHES).map(|_| batch(vec![remark(); BATCHED_REMARKS])).collect();
    Ok(vec![
        fill(chain, "full of transfers that open accounts", Alice, transfers)?,
        fill(chain, "full of empty remarks", Alice, remarks)?,
        fill(chain, "full of batches of 1,000 transfers that open accounts", Alice, transfer_batches)?,
        fill(chain, "full of batches of 5,000 empty remarks", Alice, remark_batches)?,
    ])
}

/// Session keys of `owner`, and the proof that it has their secrets.
fn set_keys(owner: &AccountId, number: u64) -> RuntimeCall {
    let seed = (b"keys", number).using_encoded(blake2_256);
    let (mut babe, mut grandpa) = (sr25519::Pair::from_seed(&seed), ed25519::Pair::from_seed(&seed));
    let keys = SessionKeys { babe: babe.public().into(), grandpa: grandpa.public().into() };
    let owner = owner.encode();
    let proof = (babe.generate_proof_of_possession(&owner), grandpa.generate_proof_of_possession(&owner)).encode();
    pallet_session::Call::<Runtime>::set_keys { keys, proof }.into()
}

/// What takes much room in a block, or much checking.
fn large_calls(bench: &mut Bench) -> Result<Vec<Heavy>> {
    let mut others: Vec<_> = (1..u64::from(SIGNATORIES)).map(account).collect();
    others.sort();
    let operation = |number: u64| -> RuntimeCall {
        let call = frame_system::Call::<Runtime>::remark { remark: number.encode() }.into();
        pallet_multisig::Call::<Runtime>::as_multi {
            threshold: SIGNATORIES,
            other_signatories: others.clone(),
            maybe_timepoint: None,
            call: Box::new(call),
            max_weight: Weight::zero(),
        }
        .into()
    };
    let operations = (0..LARGE).map(operation).collect();
    let owner = Ferdie.to_account_id();
    let keys = (0..LARGE).map(|number| set_keys(&owner, number)).collect();
    let inputs = (0..LONG as u64).map(|number| bench.submit_call(number, MAX_INLINE as usize)).collect();
    Ok(vec![
        fill(&mut bench.chain, "full of multisig operations of 100 signatories", Alice, operations)?,
        fill(&mut bench.chain, "full of session keys", Ferdie, keys)?,
        fill(&mut bench.chain, "full of inputs of 16 KiB", Bob, inputs)?,
    ])
}

/// An election of as many candidates as there may be: a block full of their commitments, and the one that draws it.
fn election() -> Result<Vec<Heavy>> {
    let pair = |number: u32| sr25519::Pair::from_seed(&(b"candidate", number).using_encoded(blake2_256));
    let candidates: Vec<_> = (0..MAX_CANDIDATES).map(pair).collect();
    let parameters = [Parameters::LeastCommits(LeastCommits, Some(1)), Parameters::Seats(Seats, Some(MAX_SEATS))];
    let mut chain = Chain::new(&parameters.map(RuntimeParameters::Elections), TEST_EPOCH, &candidates)?;
    let mut registrations = Vec::new();
    for candidate in &candidates {
        let keys = session_keys(candidate.public()).using_encoded(election::keys_hash);
        let call = pallet_elections::Call::<Runtime>::register { vrf_key: candidate.public().0, keys };
        registrations.push(chain.sign_with(candidate, call));
    }
    chain.block(registrations, false).context("registering candidates")?;
    let tenure = chain.tenure()? + WAIT;
    while chain.tenure()? < tenure {
        chain.block(Vec::new(), false)?;
    }

    // All of them were paid for work: who does not qualify costs less.
    let work = WorkRecord::truncate_from(vec![TenureWork { tenure, accepted: 1, failed: 0 }]).encode();
    let record = |candidate: &sr25519::Pair| {
        (WorkRecords::<Runtime>::hashed_key_for(AccountId::from(candidate.public())), work.clone())
    };
    let items = candidates.iter().map(record).collect();
    let call = Box::new(frame_system::Call::<Runtime>::set_storage { items }.into());
    let worked = chain.sign(Alice, pallet_sudo::Call::<Runtime>::sudo { call });
    chain.block(vec![worked], false).context("recording work")?;

    let accumulator: election::Randomness = chain.get(&Accumulator::<Runtime>::hashed_key())?.unwrap_or_default();
    let genesis = chain.genesis();
    let mut commitments = Vec::new();
    for candidate in &candidates {
        let account = AccountId::from(candidate.public());
        let vrf_proof = election::vrf_sign(candidate, &genesis, tenure, &accumulator, &account);
        let call = pallet_elections::Call::<Runtime>::commit { amount: ASY, vrf_proof };
        commitments.push(chain.sign_with(candidate, call));
    }
    let (committed, left) = import(&mut chain, "full of commitments to an election", commitments.clone())?;
    chain.block(commitments.split_off(commitments.len() - left), false).context("committing")?;
    ensure!(chain.tenure()? == tenure, "the tenure was over before all had committed");

    let drawn = loop {
        let cost = chain.block(Vec::new(), true)?;
        if chain.tenure()? == tenure + DRAW_DELAY {
            break cost;
        }
    };
    let draw: Option<Draw<Runtime>> = chain.get(&Draws::<Runtime>::hashed_key_for(tenure))?;
    let seats = draw.map_or(0, |draw| draw.seats.len());
    ensure!(seats == MAX_SEATS as usize, "{seats} seats were drawn, not {MAX_SEATS}");
    let what = "that begins a tenure and draws 64 seats among 1,000 candidates";
    Ok(vec![committed, Heavy { what, transactions: 0, full: true, import: drawn.import }])
}
