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
    payloads,
    previews::Board,
    solver::decide::BLOCK_SECONDS,
};
use assay_engine::EngineError;
use assay_peers::{FetchError, Peers};
use assay_types::{protocol, Balance, BlockNumber, ModelId, TaskId};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    time::Duration,
};
use subxt::utils::AccountId32;
use tokio::{sync::mpsc, task::AbortHandle, time::Instant};

/// Blocks by which the chain may move on while a transaction is prepared.
const SLACK: BlockNumber = 8;

/// What solver and verifier share.
pub(crate) struct Shared {
    pub chain: Chain,
    pub sender: Sender,
    pub account: AccountId32,
    pub journal: Journal,
    pub served: HashMap<ModelId, Served>,
    /// Exchanges payloads with others; `None` where that is off.
    pub peers: Option<Peers>,
    /// Shows owners of tasks what is drawn for them; `None` where that is off.
    pub previews: Option<Board>,
    /// Bytes of the longest input that is taken on.
    pub max_input: u32,
    /// Inputs that are on their way from peers, or have come.
    pub inputs: HashMap<TaskId, Incoming>,
    /// Tasks whose own outputs are offered to peers.
    pub offered: HashSet<TaskId>,
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

/// An input that is not on chain.
pub(crate) enum Incoming {
    /// It is being fetched, until this is dropped.
    Coming(#[allow(dead_code, reason = "nobody reads it: dropping it ends the fetch")] Fetch),
    /// It is here.
    Here(Vec<u8>),
}

/// A fetch under way: it ends when this is dropped.
pub(crate) struct Fetch(AbortHandle);

impl Drop for Fetch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is known of what a task asks.
pub(crate) enum Asked {
    /// Everything that a run depends on.
    Ready(Question),
    /// Its input is on its way.
    Coming,
    /// It cannot be known here.
    Unfit(&'static str),
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

    /// Everything that a run of a task depends on, given what it asks. An input that is not on chain is fetched for `role`
    /// until block `until`; that it has come, or that it did not, is reported.
    pub async fn question(
        &mut self,
        at: &At,
        role: Role,
        task: &types::Task,
        asked: types::Input,
        until: BlockNumber,
    ) -> Result<Asked, ChainError> {
        let types::Input { parameters, payload } = asked;
        let included = self.chain.inclusion(at, task.submitted_at).await?;
        let Some(randomness) = self.chain.randomness(at, &included).await? else {
            return Ok(Asked::Unfit("its block has no randomness"));
        };
        let input = match payload {
            types::Payload::Inline(input) => input,
            types::Payload::External { cid, length } => match self.inputs.remove(&task.id) {
                Some(Incoming::Here(input)) => input,
                Some(coming) => {
                    self.inputs.insert(task.id, coming);
                    return Ok(Asked::Coming);
                }
                None if length > self.max_input => {
                    return Ok(Asked::Unfit("its input is longer than --max-input allows"));
                }
                None if self.peers.is_none() => {
                    return Ok(Asked::Unfit("its input travels between peers, and --peers-listen is off"));
                }
                None => {
                    let blocks = u64::from(until.saturating_sub(at.number()));
                    self.fetch(role, task.id, payloads::content(&cid, length), blocks.saturating_mul(BLOCK_SECONDS));
                    return Ok(Asked::Coming);
                }
            },
        };
        let seed = protocol::seed(&self.chain.genesis(), &task.id, &randomness, &task.model, &parameters);
        Ok(Asked::Ready(Question { input, parameters, seed, included }))
    }

    /// Has a task's input fetched, unless as many as are run together are on their way.
    fn fetch(&mut self, role: Role, task: TaskId, content: assay_peers::Content, seconds: u64) {
        let Some(peers) = self.peers.clone() else { return };
        if self.inputs.len() >= self.runs.batch {
            return;
        }
        let seconds = seconds.min(payloads::patience(&content));
        tracing::info!(?task, input = %content.root(), bytes = content.length, seconds, "fetching an input from peers");
        let reporter = self.reporter.clone();
        let fetch = tokio::spawn(async move {
            let until = Instant::now() + Duration::from_secs(seconds);
            let result = peers.fetch(&payloads::holder(&task), content, until).await;
            // The worker may be gone; what has come is in the store.
            let _ = reporter.send(Report::Fetched { role, task, result });
        });
        self.inputs.insert(task, Incoming::Coming(Fetch(fetch.abort_handle())));
    }

    /// Takes in that a task's input has come. Says why where it has not.
    pub fn fetched(&mut self, task: TaskId, result: Result<Vec<u8>, FetchError>) -> Result<(), FetchError> {
        // One that nobody waits for any more is not kept.
        if self.inputs.remove(&task).is_some() {
            self.inputs.insert(task, Incoming::Here(result?));
        }
        Ok(())
    }

    /// Offers an own output that is too long for the chain to peers. Says whether whoever needs it can have it.
    pub async fn offer(&mut self, task: TaskId, output: &[u8]) -> bool {
        if payloads::is_inline(output.len()) || self.offered.contains(&task) {
            return true;
        }
        let Some(peers) = &self.peers else {
            tracing::warn!(
                ?task,
                "an output has to travel between peers, and --peers-listen is off: it is not revealed"
            );
            return false;
        };
        match peers.publish(&payloads::holder(&task), output.to_vec()).await {
            Ok(content) => {
                tracing::info!(?task, output = %content.root(), bytes = output.len(), "offering an output to peers");
                self.offered.insert(task);
                true
            }
            Err(error) => {
                tracing::warn!(?task, %error, "an output cannot be offered to peers");
                false
            }
        }
    }

    /// Lets go of the payloads of tasks that have ended, or that the chain does not know.
    pub async fn release(&mut self, is_alive: impl Fn(&TaskId) -> bool) {
        self.offered.retain(&is_alive);
        let Some(peers) = &self.peers else { return };
        for holder in peers.store().held().into_keys() {
            let has_ended = payloads::task_of(&holder).is_some_and(|task| !is_alive(&task));
            if !has_ended {
                continue;
            }
            if let Err(error) = peers.release(&holder).await {
                tracing::warn!(%error, "the payloads of a task that has ended could not be let go of");
            }
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
        // Only who is to be paid for the answer has anything to show to whoever pays.
        let is_shown = role == Role::Solver && served.local.model.manifest().text.is_some();
        let previews = self.previews.as_ref().filter(|_| is_shown);
        let watch = previews.map(|previews| previews.begin(&task, included));
        let reporter = self.reporter.clone();
        let done = Box::new(move |result: Result<Answer, EngineError>| {
            // The worker may be gone; nothing was promised to anybody yet.
            let _ = reporter.send(Report::Run { role, task: Box::new(task), included, result });
        });
        self.runs.runner.run(Order { local: served.local.clone(), input, parameters, seed, guess, stop, watch, done });
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
