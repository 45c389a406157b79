//! How a payload that is missing is fetched.

use crate::{
    key, node::Command, store::StoreError, tree::WrongLayout, wire::Reply, BlockId, Content, PeerId, Peers, MAX_PAYLOAD,
};
use futures::{stream, StreamExt};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use thiserror::Error;
use tokio::time::{sleep, timeout_at, Instant};

/// Blocks of one payload that are asked for at the same time.
const PARALLEL: usize = 4;
/// Peers that are asked for one payload before others are looked for.
const CANDIDATES: usize = 16;
/// Pause before peers are looked for again. What is waited for happens at others, so nothing tells when it has.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a payload was not fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// Time was over.
    #[error("{missing} of its {blocks} blocks could not be had in time from the {asked} peers that were asked")]
    OutOfTime {
        /// Blocks that are still missing; only the root where that is not there.
        missing: usize,
        /// Blocks of the payload.
        blocks: usize,
        /// Peers that were asked.
        asked: usize,
    },
    /// Whoever named the payload named one that cannot be: no peer has it, now or later.
    #[error(transparent)]
    WrongLayout(#[from] WrongLayout),
    /// It is longer than any may be.
    #[error("{0} bytes are too many: at most {MAX_PAYLOAD} travel between peers")]
    TooLong(u32),
    /// It cannot be kept.
    #[error(transparent)]
    Store(StoreError),
}

/// Peers that were asked for a payload, each with how often it gave nothing.
#[derive(Default)]
struct Tried(Mutex<HashMap<PeerId, i32>>);

impl Tried {
    fn lock(&self) -> MutexGuard<'_, HashMap<PeerId, i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A peer is asked and counts as one that gives nothing, until it gives.
    fn note(&self, peer: PeerId, failures: i32) {
        let mut tried = self.lock();
        let count = tried.entry(peer).or_default();
        *count = count.saturating_add(failures);
    }

    fn sort(&self, peers: &mut [PeerId]) {
        let tried = self.lock();
        peers.sort_by_key(|peer| tried.get(peer).copied().unwrap_or_default());
    }

    fn asked(&self) -> usize {
        self.lock().len()
    }
}

impl From<StoreError> for FetchError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::WrongLayout(error) => Self::WrongLayout(error),
            error => Self::Store(error),
        }
    }
}

impl Peers {
    /// Fetches a payload that is not in the store, or reads it if it is, and keeps it for `holder` until it is
    /// [released](Self::release). What comes is kept as it comes, so a fetch that was broken off goes on where it was; a
    /// whole payload is offered to others.
    ///
    /// # Errors
    /// Nobody had all of it until `until`, there can be no such payload, or there is no room for it.
    pub async fn fetch(&self, holder: &str, content: Content, until: Instant) -> Result<Vec<u8>, FetchError> {
        if content.length > MAX_PAYLOAD {
            return Err(FetchError::TooLong(content.length));
        }
        let holder = holder.to_owned();
        self.blocking(move |store| store.hold(&holder, content)).await?;
        let tried = Tried::default();
        match timeout_at(until, self.fetch_all(content, &tried)).await {
            Ok(result) => result,
            Err(_) => {
                let missing = self.blocking(move |store| store.missing(&content)).await?.len();
                Err(FetchError::OutOfTime { missing, blocks: content.blocks(), asked: tried.asked() })
            }
        }
    }

    /// Finds out which payload a root names, where its length is not known. The root is kept as any block is.
    ///
    /// # Errors
    /// Nobody had it until `until`, it is not one of a payload, or there is no room for it.
    pub async fn resolve(&self, root: BlockId, until: Instant) -> Result<Content, FetchError> {
        let tried = Tried::default();
        let finding = async {
            loop {
                if let Some(block) = self.blocking(move |store| store.get(&root)).await? {
                    return Ok(Content::of_root(root.codec, &block)?);
                }
                let peers = self.candidates(&root.digest, &tried).await;
                if !self.block(root, None, &peers, 0, &tried).await? {
                    sleep(PAUSE).await;
                }
            }
        };
        match timeout_at(until, finding).await {
            Ok(result) => result,
            Err(_) => Err(FetchError::OutOfTime { missing: 1, blocks: 1, asked: tried.asked() }),
        }
    }

    async fn fetch_all(&self, content: Content, tried: &Tried) -> Result<Vec<u8>, FetchError> {
        let _permit = self.fetches.acquire().await;
        loop {
            let missing = self.blocking(move |store| store.missing(&content)).await?;
            if missing.is_empty() {
                if let Some(payload) = self.blocking(move |store| store.read(&content)).await? {
                    self.offer(&content).await;
                    return Ok(payload);
                }
                // A block was damaged on disk: it is missing now.
                continue;
            }
            let peers = self.candidates(&content.digest, tried).await;
            let before = missing.len();
            let rounds = missing.into_iter().enumerate().map(|(turn, (id, length))| {
                let peers = &peers;
                async move { self.block(id, length, peers, turn, tried).await }
            });
            let mut rounds = stream::iter(rounds.collect::<Vec<_>>()).buffer_unordered(PARALLEL);
            let mut got = 0;
            while let Some(result) = rounds.next().await {
                got += usize::from(result?);
            }
            tracing::debug!(root = %content.root(), got, of = before, peers = peers.len(), "fetched blocks");
            if got == 0 {
                sleep(PAUSE).await;
            }
        }
    }

    /// Peers that may have a payload: those that say so, then whoever is connected; those that gave nothing come last.
    async fn candidates(&self, root: &[u8; 32], tried: &Tried) -> Vec<PeerId> {
        let mut peers = self.search(key(root)).await;
        for peer in self.ask_node(Command::Connected).await.unwrap_or_default() {
            if !peers.contains(&peer) {
                peers.push(peer);
            }
        }
        tried.sort(&mut peers);
        peers.truncate(CANDIDATES);
        peers
    }

    /// Has one of `peers` give a block, each asked at most once and another first in each turn. Says whether one did.
    async fn block(
        &self,
        id: BlockId,
        length: Option<usize>,
        peers: &[PeerId],
        turn: usize,
        tried: &Tried,
    ) -> Result<bool, FetchError> {
        for place in 0..peers.len() {
            let peer = peers[(place + turn) % peers.len()];
            tried.note(peer, 1);
            let block = match self.ask(peer, id).await {
                Ok(Reply::Block(block)) => block,
                Ok(Reply::Missing | Reply::Busy | Reply::Malformed(_)) | Err(_) => continue,
            };
            if !id.names(&block) {
                self.ban(peer, format!("it sent {} bytes that are not {id}", block.len())).await;
                continue;
            }
            if length.is_some_and(|length| length != block.len()) {
                // The block is the one that is named: the lie is in the root, and its maker's.
                return Err(WrongLayout.into());
            }
            tried.note(peer, -1);
            self.blocking(move |store| store.put(&id, &block)).await?;
            return Ok(true);
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gave_nothing_is_asked_after_those_who_may_give() {
        let [liar, giver, new] = [(); 3].map(|()| PeerId::random());
        let tried = Tried::default();
        tried.note(liar, 1);
        tried.note(giver, 1);
        tried.note(giver, -1);
        let mut peers = [liar, giver, new];
        tried.sort(&mut peers);
        assert_eq!((peers, tried.asked()), ([giver, new, liar], 2));
    }
}
