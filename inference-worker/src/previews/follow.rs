//! The owner's side: finds who works on a task, and reads what it has drawn.

use super::wire::{Between, Part, Refusal, Reply, Request, Seen, Useless, LIFETIME};
use crate::{
    chain::{Chain, ChainError},
    journal::Inclusion,
    payloads,
};
use assay_peers::{PeerId, Peers};
use assay_types::{BlockNumber, Hash, ModelId, TaskId};
use codec::{DecodeAll, Encode};
use futures::{future::BoxFuture, stream::FuturesUnordered, StreamExt};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use subxt::utils::AccountId32;
use subxt_signer::sr25519::Keypair;
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    time::{sleep, sleep_until, Instant},
};

/// How long whoever works on a task is looked for.
const SEARCH: Duration = Duration::from_secs(60);
/// Time between two searches for peers that serve the model.
const AGAIN: Duration = Duration::from_secs(5);
/// Peers that are asked whether they work on a task.
const CANDIDATES: usize = 8;
/// Pause before peers are asked again. That one of them begins happens there, so nothing tells when it has.
const PAUSE: Duration = Duration::from_millis(300);
/// Requests in a row that may come to nothing before the rest is left to the reveal.
const FAILURES: u32 = 4;
/// Texts that were not taken yet.
const UNREAD: usize = 64;

/// What is asked of the chain about a preview.
pub(super) trait View: Send + Sync + 'static {
    /// How high the chain is.
    fn height(&self) -> BoxFuture<'_, Result<BlockNumber, ChainError>>;
    /// Whether an account has declared the model and has bond that has matured: nobody else can answer.
    fn may_solve(&self, model: ModelId, account: AccountId32) -> BoxFuture<'_, Result<bool, ChainError>>;
}

impl View for Chain {
    fn height(&self) -> BoxFuture<'_, Result<BlockNumber, ChainError>> {
        Box::pin(async { Ok(self.best().await?.number()) })
    }

    fn may_solve(&self, model: ModelId, account: AccountId32) -> BoxFuture<'_, Result<bool, ChainError>> {
        Box::pin(async move {
            let at = self.best().await?;
            Ok(at.serves(model, account).await?
                && at.bond(account).await?.is_some_and(|bond| bond.mature(at.number()) > 0))
        })
    }
}

/// Reads previews of the tasks of one account.
#[derive(Clone)]
pub struct Previews {
    peers: Peers,
    genesis: Hash,
    key: Keypair,
    chain: Arc<dyn View>,
}

/// A preview that is looked for, or read. That ends when this is dropped.
pub struct Preview {
    texts: mpsc::Receiver<String>,
    seen: Arc<Mutex<Option<Seen>>>,
    reading: AbortHandle,
}

impl Drop for Preview {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Preview {
    /// The text that comes next; `None` when no more comes.
    pub async fn next(&mut self) -> Option<String> {
        self.texts.recv().await
    }

    /// The text that comes next of a preview. It waits for ever where there is none, or no more.
    pub async fn text(preview: &mut Option<Self>) -> String {
        if let Some(preview) = preview {
            if let Some(text) = preview.next().await {
                return text;
            }
        }
        std::future::pending().await
    }

    /// Who gives it, if somebody does.
    pub fn solver(&self) -> Option<AccountId32> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|seen| seen.solver)
    }

    /// What was seen of it, if somebody gave any.
    pub fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Previews {
    /// Reads for the account of `key`, among `peers`.
    pub fn new(peers: Peers, chain: &Chain, key: Keypair) -> Self {
        Self::with(peers, chain.genesis(), key, Arc::new(chain.clone()))
    }

    pub(super) fn with(peers: Peers, genesis: Hash, key: Keypair, chain: Arc<dyn View>) -> Self {
        Self { peers, genesis, key, chain }
    }

    /// Looks for the preview of a task of this account that asks `model` and is in the block `included`.
    pub fn follow(&self, task: TaskId, model: ModelId, included: Inclusion) -> Preview {
        let (told, texts) = mpsc::channel(UNREAD);
        let seen = Arc::new(Mutex::new(None));
        let reader = Reader { previews: self.clone(), task, model, included, told, seen: seen.clone() };
        Preview { texts, seen, reading: tokio::spawn(reader.run()).abort_handle() }
    }
}

/// Who works on a task, what it is asked with, and what it gave first.
type Found = (PeerId, Request, Part);

/// Reads one preview.
struct Reader {
    previews: Previews,
    task: TaskId,
    model: ModelId,
    included: Inclusion,
    told: mpsc::Sender<String>,
    seen: Arc<Mutex<Option<Seen>>>,
}

impl Reader {
    async fn run(self) {
        let Some((peer, mut request, part)) = self.find().await else { return };
        let mut seen = Seen::of(&self.previews.genesis, self.task, &part);
        let mut next = Some(part);
        let mut failures = 0;
        loop {
            if let Some(part) = next.take() {
                match seen.take(part) {
                    Ok(text) => {
                        failures = 0;
                        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen.clone());
                        // Nobody reads on.
                        if !text.is_empty() && self.told.send(text).await.is_err() {
                            return;
                        }
                    }
                    // The solver computes the task anew: what comes now does not go on from what was seen.
                    Err(Useless::OtherRun) => return,
                    Err(Useless::Forged(what)) => {
                        tracing::warn!(task = ?self.task, %peer, what, "the rest of a preview is not read");
                        return self.previews.peers.ban(peer, format!("of a preview, {what}")).await;
                    }
                }
            }
            if seen.end.is_some() || failures >= FAILURES {
                return;
            }
            request.from = u32::try_from(seen.chunks.len()).unwrap_or(u32::MAX);
            failures += 1;
            match self.ask(peer, &request).await {
                Some(Reply::Part(part)) => next = Some(*part),
                Some(Reply::Refused(Refusal::Expired)) => match self.request(peer).await {
                    Some(anew) => request = anew,
                    None => sleep(PAUSE).await,
                },
                Some(Reply::Refused(Refusal::Unknown | Refusal::NotOwner | Refusal::TooMany)) => return,
                Some(Reply::Refused(Refusal::Busy)) | None => sleep(PAUSE).await,
            }
        }
    }

    /// Finds a peer that works on the task, with what it gave first.
    async fn find(&self) -> Option<Found> {
        let service = payloads::service(&self.previews.genesis, &self.model);
        let end = Instant::now() + SEARCH;
        let mut known: Vec<PeerId> = Vec::new();
        let mut polling = FuturesUnordered::new();
        let mut pause = Duration::ZERO;
        loop {
            let searching = async move {
                sleep(pause).await;
                self.previews.peers.servers(&service, Instant::now()).await
            };
            tokio::select! {
                Some(Some(found)) = polling.next() => return Some(found),
                _ = sleep_until(end) => return None,
                peers = searching => {
                    for peer in peers {
                        if known.len() < CANDIDATES && !known.contains(&peer) {
                            known.push(peer);
                            polling.push(self.poll(peer));
                        }
                    }
                    pause = AGAIN;
                }
            }
        }
    }

    /// Asks a peer until it works on the task.
    async fn poll(&self, peer: PeerId) -> Option<Found> {
        let mut request = self.request(peer).await?;
        loop {
            match self.ask(peer, &request).await {
                Some(Reply::Part(part)) => {
                    if self.is_of_task(&part).await {
                        tracing::info!(task = ?self.task, solver = %part.solver, %peer, "reading a preview");
                        return Some((peer, request, *part));
                    }
                }
                Some(Reply::Refused(Refusal::Expired)) => request = self.request(peer).await?,
                Some(Reply::Refused(_)) | None => {}
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether a part is of a run of this task on this fork, by somebody who may answer it.
    async fn is_of_task(&self, part: &Part) -> bool {
        let is_of_run = part.included == self.included;
        is_of_run && self.previews.chain.may_solve(self.model, part.solver).await.unwrap_or(false)
    }

    /// A request to `peer`, good for half as long as any may be.
    async fn request(&self, peer: PeerId) -> Option<Request> {
        let Previews { peers, genesis, key, chain } = &self.previews;
        let until = chain.height().await.ok()?.saturating_add(LIFETIME / 2);
        let between = Between { genesis, asker: &peers.id(), solver: &peer };
        Some(Request::sign(key, between, self.task, until))
    }

    async fn ask(&self, peer: PeerId, request: &Request) -> Option<Reply> {
        let bytes = self.previews.peers.preview(peer, request.encode()).await?;
        // One that previews nothing answers with no bytes.
        Reply::decode_all(&mut &bytes[..]).ok()
    }
}
