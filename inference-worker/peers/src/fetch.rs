//! How a payload that is missing is fetched.

use crate::{
    key, node::Command, store::StoreError, tree::WrongLayout, wire::Reply, BlockId, Content, PeerId, Peers, MAX_PAYLOAD,
};
use futures::{stream, StreamExt};
use std::{collections::HashSet, sync::Mutex, time::Duration};
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
        let asked = Mutex::default();
        match timeout_at(until, self.fetch_all(content, &asked)).await {
            Ok(result) => result,
            Err(_) => {
                let missing = self.blocking(move |store| store.missing(&content)).await?.len();
                let leaves = (content.length as usize).div_ceil(crate::tree::LEAF).max(1);
                let blocks = if leaves == 1 { 1 } else { leaves + 1 };
                Err(FetchError::OutOfTime { missing, blocks, asked: count(&asked) })
            }
        }
    }

    /// Finds out which payload a root names, where its length is not known. The root is kept as any block is.
    ///
    /// # Errors
    /// Nobody had it until `until`, it is not one of a payload, or there is no room for it.
    pub async fn resolve(&self, root: BlockId, until: Instant) -> Result<Content, FetchError> {
        let asked = Mutex::default();
        let finding = async {
            loop {
                if let Some(block) = self.blocking(move |store| store.get(&root)).await? {
                    return Ok(Content::of_root(root.codec, &block)?);
                }
                let peers = self.candidates(&root.digest).await;
                if !self.block(root, None, &peers, 0, &asked).await? {
                    sleep(PAUSE).await;
                }
            }
        };
        match timeout_at(until, finding).await {
            Ok(result) => result,
            Err(_) => Err(FetchError::OutOfTime { missing: 1, blocks: 1, asked: count(&asked) }),
        }
    }

    async fn fetch_all(&self, content: Content, asked: &Mutex<HashSet<PeerId>>) -> Result<Vec<u8>, FetchError> {
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
            let peers = self.candidates(&content.digest).await;
            let before = missing.len();
            let rounds = missing.into_iter().enumerate().map(|(turn, (id, length))| {
                let peers = &peers;
                async move { self.block(id, length, peers, turn, asked).await }
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

    /// Peers that may have a payload: those that say so, then whoever is connected.
    async fn candidates(&self, root: &[u8; 32]) -> Vec<PeerId> {
        let mut peers = self.search(key(root)).await;
        for peer in self.ask_node(Command::Connected).await.unwrap_or_default() {
            if !peers.contains(&peer) {
                peers.push(peer);
            }
        }
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
        asked: &Mutex<HashSet<PeerId>>,
    ) -> Result<bool, FetchError> {
        for place in 0..peers.len() {
            let peer = peers[(place + turn) % peers.len()];
            if let Ok(mut asked) = asked.lock() {
                asked.insert(peer);
            }
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
            self.blocking(move |store| store.put(&id, &block)).await?;
            return Ok(true);
        }
        Ok(false)
    }
}

fn count(asked: &Mutex<HashSet<PeerId>>) -> usize {
    asked.lock().map_or(0, |asked| asked.len())
}
