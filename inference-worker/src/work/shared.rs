//! What solver and verifier share: the chain, the journal, the models and the thread that runs them, and the bond.

use super::{
    models::{Answer, Served},
    runner::{Order, Runner},
    Report, Role,
};
use crate::{
    chain::{types, At, Chain, ChainError, Sender},
    journal::{Inclusion, Journal},
    metrics::Metrics,
};
use assay_engine::EngineError;
use assay_types::{protocol, Balance, BlockNumber, Hash, ModelId, TaskId};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
};
use subxt::utils::AccountId32;
use tokio::sync::mpsc;

/// Blocks by which the chain may move on while a transaction is prepared.
const SLACK: BlockNumber = 8;

/// What solver and verifier share.
pub(crate) struct Shared {
    pub chain: Chain,
    pub sender: Sender,
    pub account: AccountId32,
    pub journal: Journal,
    pub served: HashMap<ModelId, Served>,
    pub metrics: Metrics,
    pub reporter: mpsc::UnboundedSender<Report>,
    pub runs: Runs,
    /// What steps that are prepared or on their way will take of the bond.
    pub reserved: BTreeMap<(Role, TaskId), Balance>,
    /// Whether it was said that the bond is not mature.
    pub waiting_for_bond: bool,
}

/// The runs of models that are under way.
pub(crate) struct Runs {
    pub runner: Runner,
    /// Tasks that are run together at most.
    pub batch: usize,
    pub running: BTreeMap<TaskId, Run>,
}

/// A run that is under way.
pub(crate) struct Run {
    pub included: Inclusion,
    /// For whom.
    pub role: Role,
    stop: Arc<AtomicBool>,
}

impl Run {
    /// Ends it soon.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The states that are looked at together.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    /// The best block's.
    pub best: &'a At,
    /// That of the last block that cannot be undone.
    pub finalized: &'a At,
}

/// Everything that a run depends on.
pub(crate) struct Question {
    pub input: Vec<u8>,
    pub parameters: Vec<u8>,
    pub seed: [u8; 32],
    pub included: Inclusion,
}

/// The bond, as it can be used.
pub(crate) struct FreeBond {
    /// What has matured.
    pub mature: Balance,
    /// What is neither pledged nor reserved.
    pub free: Balance,
}

impl Shared {
    /// Height up to which a transaction that is sent at `block` may enter the chain.
    pub fn valid_until(block: BlockNumber) -> BlockNumber {
        block.saturating_add(crate::chain::MORTALITY).saturating_add(SLACK)
    }

    /// The block at height `number` of the chain that ends with `at`.
    pub async fn inclusion(&self, at: &At, number: BlockNumber) -> Result<Inclusion, ChainError> {
        let hash: Option<Hash> =
            if number == at.number() { Some(at.hash()) } else { self.chain.hash_at(number).await? };
        let hash = hash.ok_or_else(|| ChainError::Other(format!("the node has no block {number}")))?;
        Ok(Inclusion { number, hash })
    }

    /// What a task asks and with which seed, or why that cannot be known here; `None` if the task has ended.
    pub async fn question(
        &self,
        at: &At,
        task: &types::Task,
    ) -> Result<Option<Result<Question, &'static str>>, ChainError> {
        let Some(types::Input { parameters, payload }) = at.input(task.id).await? else { return Ok(None) };
        let types::Payload::Inline(input) = payload else { return Ok(Some(Err("its input is not on chain"))) };
        let included = self.inclusion(at, task.submitted_at).await?;
        let Some(randomness) = self.randomness(at, &included).await? else {
            return Ok(Some(Err("its block has no randomness")));
        };
        let seed = protocol::seed(&self.chain.genesis(), &task.id, &randomness, &task.model, &parameters);
        Ok(Some(Ok(Question { input, parameters, seed, included })))
    }

    /// The randomness of the block that included a task: what the chain recorded of it, or else the block's own state.
    async fn randomness(&self, at: &At, included: &Inclusion) -> Result<Option<[u8; 32]>, ChainError> {
        if included.number == at.number() {
            return at.author_randomness().await;
        }
        match at.recorded_randomness(included.number).await? {
            Some(randomness) => Ok(Some(randomness)),
            None => self.chain.at(included.hash).await?.author_randomness().await,
        }
    }

    /// Whether another run fits beside those under way.
    pub fn has_room(&self) -> bool {
        self.runs.running.len() < self.runs.batch
    }

    /// Runs a task for `role`; the result is reported. `guess` is an output that may be right.
    pub fn run(&mut self, role: Role, task: types::Task, served: &Served, question: Question, guess: Option<Vec<u8>>) {
        let Question { input, parameters, seed, included } = question;
        let stop = Arc::new(AtomicBool::new(false));
        self.runs.running.insert(task.id, Run { included, role, stop: stop.clone() });
        tracing::info!(task = ?task.id, model = served.local.name(), ?role, "running");
        let reporter = self.reporter.clone();
        let done = Box::new(move |result: Result<Answer, EngineError>| {
            // The worker may be gone; nothing was promised to anybody yet.
            let _ = reporter.send(Report::Run { role, task: Box::new(task), included, result });
        });
        self.runs.runner.run(Order { local: served.local.clone(), input, parameters, seed, guess, stop, done });
    }

    /// The bond, if some of it has matured; says once that it has not.
    pub async fn bond(&mut self, at: &At) -> Result<Option<FreeBond>, ChainError> {
        let bond = at.bond(self.account).await?;
        let mature = bond.as_ref().map_or(0, |bond| bond.mature(at.number()));
        if let Some(bond) = bond.as_ref().filter(|_| mature > 0) {
            self.waiting_for_bond = false;
            let reserved = self.reserved.values().fold(0, |sum: Balance, stake| sum.saturating_add(*stake));
            let free = bond.active.saturating_sub(bond.pledged).saturating_sub(reserved);
            return Ok(Some(FreeBond { mature, free }));
        }
        if !self.waiting_for_bond {
            self.waiting_for_bond = true;
            let from = bond.and_then(|bond| bond.maturing.iter().map(|(_, block)| *block).min());
            match from {
                Some(block) => tracing::info!(block, now = at.number(), "waiting for the bond to mature"),
                None => tracing::warn!(account = %self.account, "the account has no bond: give --bond AMOUNT"),
            }
        }
        Ok(None)
    }
}
