//! One task owns the nonce of the key: all transactions of this worker go through it, one after the other.

use super::{types::Event, At, Call, Chain, ChainError};
use assay_types::{BlockNumber, Hash};
use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    time::Duration,
};
use subxt::{
    rpcs::{client::RpcSubscription, methods::legacy::TransactionStatus},
    utils::AccountId32,
};
use subxt_signer::sr25519::Keypair;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Blocks after its anchor, a finalised block, in which a transaction may enter the chain.
pub const MORTALITY: BlockNumber = 32;
/// Attempts for one transaction before it is given back to whoever wanted it sent.
const ATTEMPTS: u32 = 4;
/// Longest time for which a transaction is watched: its mortality in block times, twice over.
const WATCH: Duration = Duration::from_secs(2 * 3 * MORTALITY as u64);

/// Why a transaction was not sent. It may be tried again in a later block, but for [`Refusal::Invalid`].
#[derive(Clone, Debug, Error)]
pub enum Refusal {
    /// The node did not answer or the chain differs from what the worker knows.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// It would stay valid for longer than whoever wanted it sent allows.
    #[error("the chain moved on while the transaction was prepared")]
    Late,
    /// The node's pool takes none at present.
    #[error("the node's transaction pool is full")]
    Full,
    /// The account cannot pay for it.
    #[error("the account cannot pay the transaction fee")]
    Unpaid,
    /// The nonce did not settle.
    #[error("another sender uses the same key")]
    Nonce,
    /// It can never be valid.
    #[error("the node refuses the transaction: {0}")]
    Invalid(String),
}

/// What became of a transaction that was sent.
#[derive(Clone, Debug)]
pub enum TxOutcome {
    /// It is in a block.
    Included {
        /// The block's height.
        number: BlockNumber,
        /// The block's hash.
        hash: Hash,
        /// What it caused there, or the error that undid it, as `Pallet::Name`.
        result: Result<Vec<Event>, String>,
    },
    /// It left the pool without being in a block.
    Dropped(String),
}

/// A transaction that the node took.
#[derive(Debug)]
pub struct Sent {
    /// Its hash.
    pub hash: Hash,
    /// What becomes of it.
    pub outcome: oneshot::Receiver<TxOutcome>,
}

impl Sent {
    /// Waits for the transaction to be in a block and to succeed.
    ///
    /// # Errors
    /// What went wrong, in one line.
    pub async fn success(self) -> Result<(BlockNumber, Hash, Vec<Event>), String> {
        match self.outcome.await {
            Ok(TxOutcome::Included { number, hash, result: Ok(events) }) => Ok((number, hash, events)),
            Ok(TxOutcome::Included { result: Err(error), .. }) => Err(error),
            Ok(TxOutcome::Dropped(reason)) => Err(reason),
            Err(_) => Err("the transaction was lost sight of".into()),
        }
    }
}

struct Request {
    call: Call,
    not_after: Option<BlockNumber>,
    reply: oneshot::Sender<Result<Sent, Refusal>>,
}

/// Sends transactions for one key. Copies share the task that owns its nonce.
#[derive(Clone)]
pub struct Sender {
    requests: mpsc::Sender<Request>,
    account: AccountId32,
}

impl Sender {
    /// Starts the task that owns the nonce of `key`.
    pub fn spawn(chain: Chain, key: Keypair) -> Self {
        let (requests, inbox) = mpsc::channel(64);
        let account = crate::keys::address(&key);
        let owner = Owner { chain, key, account, nonce: None, doubtful: Arc::default() };
        tokio::spawn(owner.serve(inbox));
        Self { requests, account }
    }

    /// The account that signs.
    pub fn account(&self) -> AccountId32 {
        self.account
    }

    /// Signs `call` and hands it to the node. With `not_after`, it is sent only if it cannot enter a block above that
    /// height.
    ///
    /// # Errors
    /// Why it was not sent.
    pub async fn send(&self, call: Call, not_after: Option<BlockNumber>) -> Result<Sent, Refusal> {
        let (reply, answer) = oneshot::channel();
        let ended = || Refusal::Invalid("the task that sends transactions has ended".into());
        self.requests.send(Request { call, not_after, reply }).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

/// What to do about a refused transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Ask for the nonce and sign anew.
    Nonce,
    /// Sign anew on a newer block or runtime.
    Anchor,
    /// The pool has it already.
    Known,
    /// Wait for room.
    Full,
    /// The account has too little.
    Unpaid,
    /// Give up.
    Fatal,
}

/// Classifies the error that a node gives for a transaction, by code and words (sc-rpc-api's `author` errors).
fn classify(code: i32, words: &str) -> Class {
    let says = |part: &str| words.contains(part);
    match code {
        1010 if says("outdated") => Class::Nonce,
        1010 if says("ancient") || says("bad signature") => Class::Anchor,
        1010 if says("pay some fees") => Class::Unpaid,
        1010 if says("exhaust") => Class::Full,
        1011 => Class::Anchor,
        1012 | 1016 => Class::Full,
        1013 => Class::Known,
        1014 => Class::Nonce,
        _ => Class::Fatal,
    }
}

struct Owner {
    chain: Chain,
    key: Keypair,
    account: AccountId32,
    /// Nonce of the next transaction; `None` if the node has to be asked.
    nonce: Option<u64>,
    /// Set by watchers when a transaction left the pool, so that later nonces leave a gap.
    doubtful: Arc<AtomicBool>,
}

impl Owner {
    async fn serve(mut self, mut inbox: mpsc::Receiver<Request>) {
        while let Some(Request { call, not_after, reply }) = inbox.recv().await {
            let result = self.submit(&call, not_after).await;
            if result.is_err() {
                self.nonce = None;
            }
            // Whoever asked may be gone; the transaction is sent all the same.
            let _ = reply.send(result);
        }
    }

    async fn submit(&mut self, call: &Call, not_after: Option<BlockNumber>) -> Result<Sent, Refusal> {
        let mut last = Refusal::Full;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(250 << attempt)).await;
            }
            if self.doubtful.swap(false, Ordering::Relaxed) {
                self.nonce = None;
            }
            let anchor = self.chain.finalized().await?;
            if not_after.is_some_and(|limit| anchor.number().saturating_add(MORTALITY) > limit) {
                return Err(Refusal::Late);
            }
            let nonce = match self.nonce {
                Some(nonce) => nonce,
                None => self.chain.ask(self.chain.rpc().system_account_next_index(&self.account)).await?,
            };
            let bytes = anchor.sign(call, &self.key, nonce, u64::from(MORTALITY))?;
            let hash = Hash::from(blake2_256(&bytes));
            let watched = self.chain.rpc().author_submit_and_watch_extrinsic(&bytes);
            let error = match tokio::time::timeout(super::ANSWER, watched).await {
                Ok(Ok(statuses)) => {
                    self.nonce = Some(nonce.saturating_add(1));
                    return Ok(self.watch(hash, bytes, statuses));
                }
                Ok(Err(subxt::rpcs::Error::User(error))) => error,
                Ok(Err(error)) => return Err(ChainError::from(error).into()),
                Err(_) => return Err(ChainError::Lost("no answer to a transaction".into()).into()),
            };
            let words = format!("{} {}", error.message, error.data.as_deref().map_or("", |data| data.get()));
            self.nonce = None;
            last = match classify(error.code, &words) {
                Class::Nonce => Refusal::Nonce,
                Class::Anchor => Refusal::Late,
                Class::Full => Refusal::Full,
                Class::Known => {
                    let (sender, outcome) = oneshot::channel();
                    drop(sender);
                    return Ok(Sent { hash, outcome });
                }
                Class::Unpaid => return Err(Refusal::Unpaid),
                Class::Fatal => return Err(Refusal::Invalid(words)),
            };
            tracing::debug!(code = error.code, words, attempt, "the node did not take a transaction");
        }
        Err(last)
    }

    fn watch(&self, hash: Hash, bytes: Vec<u8>, statuses: RpcSubscription<TransactionStatus<Hash>>) -> Sent {
        let (sender, outcome) = oneshot::channel();
        let (chain, doubtful) = (self.chain.clone(), self.doubtful.clone());
        tokio::spawn(async move {
            let result = match tokio::time::timeout(WATCH, follow(&chain, &bytes, statuses)).await {
                Ok(result) => result,
                Err(_) => TxOutcome::Dropped("the transaction was in no block while it was valid".into()),
            };
            if matches!(result, TxOutcome::Dropped(_)) {
                doubtful.store(true, Ordering::Relaxed);
            }
            // Whoever sent it may read its success from the chain alone.
            let _ = sender.send(result);
        });
        Sent { hash, outcome }
    }
}

async fn follow(chain: &Chain, bytes: &[u8], mut statuses: RpcSubscription<TransactionStatus<Hash>>) -> TxOutcome {
    while let Some(status) = statuses.next().await {
        let dropped = |reason: &str| TxOutcome::Dropped(reason.into());
        match status {
            Ok(TransactionStatus::InBlock(hash) | TransactionStatus::Finalized(hash)) => {
                return match included(chain, hash, bytes).await {
                    Ok(outcome) => outcome,
                    Err(error) => TxOutcome::Dropped(error.to_string()),
                };
            }
            Ok(TransactionStatus::Usurped(_)) => return dropped("another transaction took its nonce"),
            Ok(TransactionStatus::Dropped) => return dropped("the node's pool dropped the transaction"),
            Ok(TransactionStatus::Invalid) => return dropped("the transaction became invalid"),
            Ok(TransactionStatus::FinalityTimeout(_)) => return dropped("its block was not finalised"),
            Ok(_) => {}
            Err(error) => return TxOutcome::Dropped(error.to_string()),
        }
    }
    TxOutcome::Dropped("the node stopped telling about the transaction".into())
}

/// What a transaction did in the block with this hash.
async fn included(chain: &Chain, hash: Hash, bytes: &[u8]) -> Result<TxOutcome, ChainError> {
    let at: At = chain.at(hash).await?;
    let block = chain.ask(chain.rpc().chain_get_block(Some(hash))).await?.ok_or(ChainError::NoBlock(hash))?;
    let index = block
        .block
        .extrinsics
        .iter()
        .position(|extrinsic| extrinsic.0 == bytes)
        .ok_or_else(|| ChainError::Other("the transaction is not in the block that it is said to be in".into()))?;
    let result = at.results_of(index as u32).await?;
    Ok(TxOutcome::Included { number: at.number(), hash, result })
}

fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    use blake2::digest::{consts::U32, Digest};
    blake2::Blake2b::<U32>::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_pool_fall_into_their_classes() {
        for (code, words, class) in [
            (1010, "Invalid Transaction \"Transaction is outdated\"", Class::Nonce),
            (1014, "Priority is too low: (1 vs 1)", Class::Nonce),
            (1010, "Invalid Transaction \"Transaction has an ancient birth block\"", Class::Anchor),
            (1010, "Invalid Transaction \"Transaction has a bad signature\"", Class::Anchor),
            (1010, "Invalid Transaction \"Inability to pay some fees (e.g. account balance too low)\"", Class::Unpaid),
            (1010, "Invalid Transaction \"Transaction would exhaust the block limits\"", Class::Full),
            (1016, "Immediately Dropped", Class::Full),
            (1012, "Transaction is temporarily banned", Class::Full),
            (1013, "Transaction Already Imported", Class::Known),
            (1010, "Invalid Transaction \"Custom error: 7\"", Class::Fatal),
            (-32603, "Internal error", Class::Fatal),
        ] {
            assert_eq!(classify(code, words), class, "{code} {words}");
        }
    }
}
