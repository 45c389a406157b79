//! One task owns the nonce of the key: all transactions of this worker go through it, one after the other.

use super::{types::Event, At, Call, Chain, ChainError};
use crate::journal::Inclusion;
use assay_types::{BlockNumber, Hash};
use std::time::Duration;
use subxt::{
    rpcs::{client::RpcSubscription, methods::legacy::TransactionStatus},
    utils::AccountId32,
};
use subxt_signer::sr25519::Keypair;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Blocks after its anchor in which a transaction may enter the chain.
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
    /// Whoever wanted it sent does not want it any more.
    #[error("{0}")]
    Unwanted(String),
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
        /// What it caused there, or the error that undid it, as `Pallet::Name: what it means`.
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

/// What must hold of the chain that takes a transaction, beside its being the right one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// A block that it must have: no other chain can take the transaction, whatever becomes of this one.
    pub upon: Option<Inclusion>,
    /// The last height at which it may take the transaction; it is not sent if it could be taken later.
    pub not_after: Option<BlockNumber>,
}

/// A transaction that is about to be handed to the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Its hash.
    pub hash: Hash,
    /// Last height at which a block may take it.
    pub until: BlockNumber,
}

/// Called with each transaction before the node has it, so that whoever wants it sent can write that down; a reason in
/// return keeps it from being sent. A transaction that the node refused may be signed anew, with another hash.
pub type Note = Box<dyn FnMut(Signed) -> Result<(), String> + Send>;

struct Request {
    call: Call,
    terms: Terms,
    note: Option<Note>,
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
        let owner = Owner { chain, key, account };
        tokio::spawn(owner.serve(inbox));
        Self { requests, account }
    }

    /// The account that signs.
    pub fn account(&self) -> AccountId32 {
        self.account
    }

    /// Signs `call` and hands it to the node, on `terms`.
    ///
    /// # Errors
    /// Why it was not sent.
    pub async fn send(&self, call: Call, terms: Terms) -> Result<Sent, Refusal> {
        self.request(call, terms, None).await
    }

    /// As [`Self::send`], with a note of each attempt before the node has it.
    ///
    /// # Errors
    /// Why it was not sent. After [`Refusal::Chain`] the node may have it all the same.
    pub async fn send_noted(&self, call: Call, terms: Terms, note: Note) -> Result<Sent, Refusal> {
        self.request(call, terms, Some(note)).await
    }

    async fn request(&self, call: Call, terms: Terms, note: Option<Note>) -> Result<Sent, Refusal> {
        let (reply, answer) = oneshot::channel();
        let ended = || Refusal::Invalid("the task that sends transactions has ended".into());
        self.requests.send(Request { call, terms, note, reply }).await.map_err(|_| ended())?;
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
}

impl Owner {
    async fn serve(self, mut inbox: mpsc::Receiver<Request>) {
        while let Some(Request { call, terms, note, reply }) = inbox.recv().await {
            let result = self.submit(&call, terms, note).await;
            // Whoever asked may be gone; the transaction is sent all the same.
            let _ = reply.send(result);
        }
    }

    async fn submit(&self, call: &Call, terms: Terms, mut note: Option<Note>) -> Result<Sent, Refusal> {
        let mut last = Refusal::Full;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(250 << attempt)).await;
            }
            let anchor = self.anchor(terms.upon).await?;
            if terms.not_after.is_some_and(|limit| anchor.number.saturating_add(MORTALITY) > limit) {
                return Err(Refusal::Late);
            }
            // Asked for each time: a re-org may have taken back what was sent before.
            let nonce = self.chain.ask(self.chain.rpc().system_account_next_index(&self.account)).await?;
            // The next block is made by the runtime that the newest one leaves, so this is the one to sign for.
            let bytes = self.chain.best().await?.sign(call, &self.key, nonce, anchor, u64::from(MORTALITY))?;
            let hash = transaction_hash(&bytes);
            if let Some(note) = &mut note {
                let until = anchor.number.saturating_add(MORTALITY);
                note(Signed { hash, until }).map_err(Refusal::Unwanted)?;
            }
            let watched = self.chain.rpc().author_submit_and_watch_extrinsic(&bytes);
            let error = match tokio::time::timeout(super::ANSWER, watched).await {
                Ok(Ok(statuses)) => {
                    return Ok(self.watch(hash, bytes, statuses));
                }
                Ok(Err(subxt::rpcs::Error::User(error))) => error,
                Ok(Err(error)) => return Err(ChainError::from(error).into()),
                Err(_) => return Err(ChainError::Lost("no answer to a transaction".into()).into()),
            };
            let words = format!("{} {}", error.message, error.data.as_deref().map_or("", |data| data.get()));
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

    /// The block that a transaction is signed upon: a finalised one, or `upon` while that is not final.
    async fn anchor(&self, upon: Option<Inclusion>) -> Result<Inclusion, Refusal> {
        let finalized = self.chain.finalized().await?;
        match upon {
            Some(block) if block.number > finalized.number() => return Ok(block),
            // The chain went on without it.
            Some(block) if self.chain.hash_at(block.number).await? != Some(block.hash) => return Err(Refusal::Late),
            _ => {}
        }
        Ok(Inclusion { number: finalized.number(), hash: finalized.hash() })
    }

    fn watch(&self, hash: Hash, bytes: Vec<u8>, statuses: RpcSubscription<TransactionStatus<Hash>>) -> Sent {
        let (sender, outcome) = oneshot::channel();
        let chain = self.chain.clone();
        tokio::spawn(async move {
            let result = match tokio::time::timeout(WATCH, follow(&chain, &bytes, statuses)).await {
                Ok(result) => result,
                Err(_) => TxOutcome::Dropped("the transaction was in no block while it was valid".into()),
            };
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

/// The hash by which the chain knows a transaction.
pub(super) fn transaction_hash(bytes: &[u8]) -> Hash {
    use blake2::digest::{consts::U32, Digest};
    <[u8; 32]>::from(blake2::Blake2b::<U32>::digest(bytes)).into()
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
