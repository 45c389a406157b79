//! The chain as the worker knows it: a connection that heals itself, states of blocks, and signed transactions.
//!
//! Everything that the metadata names stays in this folder: [`api`] is generated from it, `state` reads with it and
//! [`Call`] writes with it. The rest of the worker sees the plain types of [`types`].

pub mod api;
mod call;
mod elections;
mod revealed;
mod sender;
mod state;
pub mod types;

pub use call::Call;
pub use elections::GeneratedKeys;
pub use revealed::{Revealed, Unrevealed};
pub use sender::{Note, Refusal, Sender, Sent, Signed, Terms, TxOutcome, MORTALITY};
pub use state::At;

use crate::{failure::Failure, journal::Inclusion};
use assay_types::{BlockNumber, BlockRandomness, Hash};
use std::{future::Future, sync::Arc, time::Duration};
use subxt::{
    backend::LegacyBackend,
    client::Blocks,
    config::RpcConfigFor,
    rpcs::{
        client::{ReconnectingRpcClient, RpcParams},
        methods::legacy::LegacyRpcMethods,
        RpcClient,
    },
    OnlineClient, SubstrateConfig,
};
use thiserror::Error;

/// How the client speaks to the chain.
pub(crate) type Config = SubstrateConfig;

/// Longest wait for one answer of the node.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest pause between two attempts to reach a node that went away.
const RECONNECT: Duration = Duration::from_secs(2);

/// What is said of a connection that broke off; the client restores it.
const DISCONNECTED: &str = "the connection was lost";

/// Why the chain could not be read or written.
#[derive(Clone, Debug, Error)]
pub enum ChainError {
    /// No node answers there.
    #[error("no node answers at {url} ({reason}); is assay-node running?")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The connection was lost or the node takes too long to answer.
    #[error("the node stopped answering: {0}")]
    Lost(String),
    /// It is no Assay chain, or its runtime differs from what this worker was built for.
    #[error("the node's runtime is not one that this worker understands: {0}")]
    Incompatible(String),
    /// The node has no such block, or dropped its state.
    #[error("the node has no block {0:?}")]
    NoBlock(Hash),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl ChainError {
    /// Whether the node has dropped the state that was asked for.
    pub fn is_pruned(&self) -> bool {
        // The words of sc-client-api's error; its code is that of any error about states.
        matches!(self, Self::Other(words) if words.contains("discarded"))
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Incompatible(_) => Self::WrongChain(error.to_string()),
            ChainError::Unreachable { .. } | ChainError::Lost(_) => Self::Node(error.to_string()),
            ChainError::NoBlock(_) | ChainError::Other(_) => Self::Other(error.to_string()),
        }
    }
}

impl From<subxt::Error> for ChainError {
    fn from(error: subxt::Error) -> Self {
        use subxt::error::{ExtrinsicError, RuntimeApiError, StorageError};
        let text = error.to_string();
        let incompatible = matches!(
            error,
            subxt::Error::StorageError(
                StorageError::IncompatibleCodegen
                    | StorageError::PalletNameNotFound(_)
                    | StorageError::StorageEntryNotFound { .. }
            ) | subxt::Error::ExtrinsicError(
                ExtrinsicError::IncompatibleCodegen
                    | ExtrinsicError::PalletNameNotFound(_)
                    | ExtrinsicError::CallNameNotFound { .. }
            ) | subxt::Error::RuntimeApiError(RuntimeApiError::IncompatibleCodegen)
        );
        if incompatible {
            Self::Incompatible(format!("{text}; update the worker"))
        } else if error.is_disconnected_will_reconnect() {
            Self::Lost(DISCONNECTED.into())
        } else if error.is_rpc_limit_reached() {
            Self::Lost(text)
        } else {
            Self::Other(text)
        }
    }
}

impl From<subxt::rpcs::Error> for ChainError {
    fn from(error: subxt::rpcs::Error) -> Self {
        match error {
            subxt::rpcs::Error::User(error) => Self::Other(error.to_string()),
            subxt::rpcs::Error::DisconnectedWillReconnect(_) => Self::Lost(DISCONNECTED.into()),
            error => Self::Lost(error.to_string()),
        }
    }
}

/// Waits for an answer of the node, but not for ever.
pub(crate) async fn answer<T, E: Into<subxt::Error>>(
    question: impl Future<Output = Result<T, E>>,
) -> Result<T, ChainError> {
    match tokio::time::timeout(ANSWER, question).await {
        Ok(answer) => answer.map_err(|error| error.into().into()),
        Err(_) => Err(ChainError::Lost(format!("no answer in {} s", ANSWER.as_secs()))),
    }
}

/// A block of the best chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Height.
    pub number: BlockNumber,
    /// Hash.
    pub hash: Hash,
    /// Hash of the block before.
    pub parent: Hash,
}

/// A connection to a node. Copies share it; it is restored by itself when it is lost.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

struct Inner {
    client: OnlineClient<Config>,
    rpc: LegacyRpcMethods<RpcConfigFor<Config>>,
    /// For methods that only Assay's nodes have, and those that the others leave out.
    raw: RpcClient,
    url: String,
}

impl Chain {
    /// Connects to the node at `url`, trying for as long as `patience`.
    ///
    /// # Errors
    /// No node answers in that time, or it serves no Assay chain.
    pub async fn connect(url: &str, patience: Duration) -> Result<Self, ChainError> {
        let unreachable = |reason: String| ChainError::Unreachable { url: url.into(), reason };
        let pauses = (0u32..).map(|attempt| Duration::from_millis(100 << attempt.min(5)).min(RECONNECT));
        let building = ReconnectingRpcClient::builder()
            .retry_policy(pauses)
            .request_timeout(ANSWER)
            .connection_timeout(Duration::from_secs(5))
            .build(url);
        let rpc = match tokio::time::timeout(patience, building).await {
            Ok(Ok(rpc)) => RpcClient::new(rpc),
            Ok(Err(error)) => return Err(unreachable(error.to_string())),
            Err(_) => return Err(unreachable(format!("tried for {} s", patience.as_secs()))),
        };
        // The legacy calls read the state of any block by its hash and need nothing of the node between two of them,
        // so a node that restarts is no event.
        let backend = LegacyBackend::builder().build(rpc.clone());
        let client = answer(OnlineClient::<Config>::from_backend(Arc::new(backend)))
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let inner = Inner { client, rpc: LegacyRpcMethods::new(rpc.clone()), raw: rpc, url: url.into() };
        let chain = Self { inner: Arc::new(inner) };
        chain.finalized().await?.ensure_known()?;
        Ok(chain)
    }

    /// Hash of the first block, which names the chain.
    pub fn genesis(&self) -> Hash {
        self.inner.client.genesis_hash()
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The state of the newest block.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn best(&self) -> Result<At, ChainError> {
        let hash = self.ask(self.inner.rpc.chain_get_block_hash(None)).await?;
        self.at(hash.ok_or_else(|| ChainError::Other("the node has no block".into()))?).await
    }

    /// The state of the newest block that cannot be undone.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn finalized(&self) -> Result<At, ChainError> {
        let hash = self.ask(self.inner.rpc.chain_get_finalized_head()).await?;
        self.at(hash).await
    }

    /// The state of the block with this hash.
    ///
    /// # Errors
    /// The node does not know the block or does not answer.
    pub async fn at(&self, hash: Hash) -> Result<At, ChainError> {
        answer(self.inner.client.at_block(hash)).await.map(At::new)
    }

    /// Hash of the block at this height in the best chain.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn hash_at(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError> {
        self.ask(self.inner.rpc.chain_get_block_hash(Some(number.into()))).await
    }

    /// The block at height `number` of the chain that ends with `at`.
    ///
    /// # Errors
    /// The node has no such block or does not answer.
    pub async fn inclusion(&self, at: &At, number: BlockNumber) -> Result<Inclusion, ChainError> {
        let hash = if number == at.number() { Some(at.hash()) } else { self.hash_at(number).await? };
        let hash = hash.ok_or_else(|| ChainError::Other(format!("the node has no block {number}")))?;
        Ok(Inclusion { number, hash })
    }

    /// The randomness of the block that included a task: what the chain ending with `at` recorded of it, or else the block's
    /// own state.
    ///
    /// # Errors
    /// The node does not answer, or has dropped that state.
    pub async fn randomness(&self, at: &At, included: &Inclusion) -> Result<Option<BlockRandomness>, ChainError> {
        if included.number == at.number() {
            return at.author_randomness().await;
        }
        match at.recorded_randomness(included.number).await? {
            Some(randomness) => Ok(Some(randomness)),
            None => self.at(included.hash).await?.author_randomness().await,
        }
    }

    /// Hashes of the transactions in the block with this hash, in order.
    ///
    /// # Errors
    /// The node does not know the block or does not answer.
    pub async fn transactions(&self, block: Hash) -> Result<Vec<Hash>, ChainError> {
        let found = self.ask(self.inner.rpc.chain_get_block(Some(block))).await?.ok_or(ChainError::NoBlock(block))?;
        Ok(found.block.extrinsics.iter().map(|extrinsic| sender::transaction_hash(&extrinsic.0)).collect())
    }

    /// Follows the best chain from now on.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn heads(&self) -> Result<Heads, ChainError> {
        Ok(Heads { blocks: answer(self.inner.client.stream_best_blocks()).await? })
    }

    /// Waits for an answer to a plain request.
    pub(crate) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, subxt::rpcs::Error>>,
    ) -> Result<T, ChainError> {
        match tokio::time::timeout(ANSWER, question).await {
            Ok(answer) => answer.map_err(ChainError::from),
            Err(_) => Err(ChainError::Lost(format!("no answer in {} s", ANSWER.as_secs()))),
        }
    }

    /// Calls a method by its name.
    async fn call<T: serde::de::DeserializeOwned>(&self, method: &str, params: RpcParams) -> Result<T, ChainError> {
        self.ask(self.inner.raw.request(method, params)).await
    }

    pub(crate) fn rpc(&self) -> &LegacyRpcMethods<RpcConfigFor<Config>> {
        &self.inner.rpc
    }
}

/// The blocks that become the best one, as they do.
pub struct Heads {
    blocks: Blocks<Config>,
}

impl Heads {
    /// The next best block.
    ///
    /// # Errors
    /// The connection was lost: follow anew.
    pub async fn next(&mut self) -> Result<Head, ChainError> {
        match self.blocks.next().await {
            Some(Ok(block)) => {
                Ok(Head { number: number(block.number()), hash: block.hash(), parent: block.header().parent_hash })
            }
            Some(Err(error)) => Err(subxt::Error::from(error).into()),
            None => Err(ChainError::Lost("the subscription to blocks ended".into())),
        }
    }
}

/// A height as this chain counts it; its heights fit in 32 bits.
pub(crate) fn number(height: u64) -> BlockNumber {
    BlockNumber::try_from(height).unwrap_or(BlockNumber::MAX)
}
