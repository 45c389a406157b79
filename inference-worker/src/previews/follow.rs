//! The owner's side: finds who works on a task, and reads what it has drawn.

use super::wire::{Between, Chunk, Part, Refusal, Reply, Request, Seen, Useless, LIFETIME};
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
    pin::pin,
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

/// How long whoever works on a task is looked for at most: the task may wait for its turn. That ends before when the
/// [`Preview`] is dropped, as it is once the answer is there.
const SEARCH: Duration = Duration::from_secs(3_600);
/// Time between the first two searches for peers that serve the model, and between any.
const AGAIN: Duration = Duration::from_secs(5);
const MOST_AGAIN: Duration = Duration::from_secs(60);
/// Peers that are asked at the same time whether they work on a task.
const CANDIDATES: usize = 8;
/// Pause before a peer is asked again, at first while it is asked whether it works on a task, and otherwise. That one of
/// them begins happens there, so nothing tells when it has: often it is the moment in which it is asked first. Each pause is
/// twice the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(300);
const MOST_PAUSE: Duration = Duration::from_secs(3);
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

/// Who works on a task, and what it gave first.
struct Found {
    peer: PeerId,
    /// What it was asked with.
    request: Request,
    seen: Seen,
    /// The text of that.
    text: String,
}

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
        let Some(Found { peer, mut request, seen, text }) = self.find().await else { return };
        let mut is_over = seen.end.is_some();
        request.from = count(&seen.chunks);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        if !self.tell(text).await {
            return;
        }
        let (mut failures, mut pause) = (0, PAUSE);
        while !is_over && failures < FAILURES {
            let asked = Instant::now();
            match self.ask(peer, &request).await {
                Some(Reply::Part(part)) => {
                    (failures, pause) = (0, PAUSE);
                    is_over = part.end.is_some();
                    let (more, is_empty) = (count(&part.chunks), part.chunks.is_empty());
                    match self.take(*part) {
                        Ok(text) => {
                            if !self.tell(text).await {
                                return;
                            }
                        }
                        // The solver computes the task anew, where its first part was right.
                        Err(useless) => {
                            let task = self.task;
                            tracing::info!(?task, %peer, ?useless, "the rest of a preview does not fit");
                            return;
                        }
                    }
                    request.from = request.from.saturating_add(more);
                    if is_empty && !is_over {
                        // Who has no place for those that wait says so at once.
                        sleep_until(asked + PAUSE).await;
                    }
                }
                Some(Reply::Refused(Refusal::Busy)) => {
                    sleep(pause).await;
                    pause = longer(pause);
                }
                Some(Reply::Refused(Refusal::Expired)) => {
                    failures += 1;
                    request = Request { from: request.from, ..self.request(peer).await };
                }
                Some(Reply::Refused(Refusal::Unknown | Refusal::NotOwner | Refusal::TooMany)) => return,
                None => {
                    failures += 1;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Takes in what comes after the first part.
    fn take(&self, part: Part) -> Result<String, Useless> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.as_mut() {
            Some(seen) => seen.take(part),
            None => Err(Useless::OtherRun),
        }
    }

    /// Hands text on. Says whether anybody reads on.
    async fn tell(&self, text: String) -> bool {
        text.is_empty() || self.told.send(text).await.is_ok()
    }

    /// Finds a peer that works on the task, with what it gave first.
    async fn find(&self) -> Option<Found> {
        let end = Instant::now() + SEARCH;
        let mut known: Vec<PeerId> = Vec::new();
        let mut polling = FuturesUnordered::new();
        let mut again = AGAIN;
        let mut searching = pin!(self.servers(Duration::ZERO));
        loop {
            tokio::select! {
                Some(found) = polling.next() => {
                    if let Some(found) = found {
                        return Some(found);
                    }
                }
                _ = sleep_until(end) => return None,
                peers = searching.as_mut() => {
                    for peer in peers {
                        if polling.len() < CANDIDATES && !known.contains(&peer) {
                            known.push(peer);
                            polling.push(self.poll(peer));
                        }
                    }
                    searching.set(self.servers(again));
                    again = again.saturating_mul(2).min(MOST_AGAIN);
                }
            }
        }
    }

    /// The peers that are found to serve the model, after a pause.
    async fn servers(&self, pause: Duration) -> Vec<PeerId> {
        sleep(pause).await;
        let service = payloads::service(&self.previews.genesis, &self.model);
        self.previews.peers.servers(&service, Instant::now()).await
    }

    /// Asks a peer until it works on the task. `None` if it lies.
    async fn poll(&self, peer: PeerId) -> Option<Found> {
        let mut request = self.request(peer).await;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.ask(peer, &request).await {
                // Another fork's is waited for to become that of this one.
                Some(Reply::Part(part)) if part.included == self.included => {
                    let mut seen = Seen::of(&self.previews.genesis, self.task, &part);
                    match seen.take(*part) {
                        Ok(text) => {
                            if self.may_solve(seen.solver).await {
                                tracing::info!(task = ?self.task, solver = %seen.solver, %peer, "reading a preview");
                                return Some(Found { peer, request, seen, text });
                            }
                        }
                        // Whoever else works on the task may be honest.
                        Err(Useless::Forged(what)) => {
                            tracing::warn!(task = ?self.task, %peer, what, "the preview of a peer is not read");
                            self.previews.peers.ban(peer, format!("of a preview, {what}")).await;
                            return None;
                        }
                        Err(Useless::OtherRun) => {}
                    }
                }
                Some(Reply::Refused(Refusal::Expired)) => request = self.request(peer).await,
                Some(Reply::Part(_) | Reply::Refused(_)) | None => {}
            }
            sleep(pause).await;
            pause = longer(pause);
        }
    }

    /// Whether somebody may answer the task, as far as the chain tells.
    async fn may_solve(&self, solver: AccountId32) -> bool {
        self.previews.chain.may_solve(self.model, solver).await.unwrap_or(false)
    }

    /// A request to `peer`, good for half as long as any may be. Waits until the chain answers.
    async fn request(&self, peer: PeerId) -> Request {
        let Previews { peers, genesis, key, chain } = &self.previews;
        let height = loop {
            if let Ok(height) = chain.height().await {
                break height;
            }
            sleep(PAUSE).await;
        };
        let between = Between { genesis, asker: &peers.id(), solver: &peer };
        Request::sign(key, between, self.task, height.saturating_add(LIFETIME / 2))
    }

    async fn ask(&self, peer: PeerId, request: &Request) -> Option<Reply> {
        let bytes = self.previews.peers.preview(peer, request.encode()).await?;
        // One that previews nothing answers with no bytes.
        Reply::decode_all(&mut &bytes[..]).ok()
    }
}

/// The pause after the next refusal.
fn longer(pause: Duration) -> Duration {
    pause.saturating_mul(2).min(MOST_PAUSE)
}

fn count(chunks: &[Chunk]) -> u32 {
    u32::try_from(chunks.len()).unwrap_or(u32::MAX)
}
