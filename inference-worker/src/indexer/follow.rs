//! Has the index follow a node.

use super::{
    record::{Answered, Asked, Block, Change, What},
    store::{Index, IndexError},
};
use crate::{
    chain::{
        types::{Event, Payload},
        Chain, ChainError, Head,
    },
    failure::Failure,
    journal::Inclusion,
    solver::decide::State,
};
use assay_types::{protocol, BlockNumber, Cid, Hash};
use futures::{stream, FutureExt, StreamExt, TryStreamExt};
use std::{
    collections::HashMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::sync::watch;

/// Most best blocks that may still be undone and are shown. Where finality is further behind, only what is final is shown.
pub const MOST_UNFINISHED: BlockNumber = 1_024;
/// Blocks that are written to disk in one transaction.
const BATCH: u32 = 64;
/// Blocks that are read at a time.
const AT_A_TIME: usize = 4;
/// A node that tells of no block for so long is taken as lost.
const SILENCE: Duration = Duration::from_secs(60);
/// Longest pause between two attempts to reach a node that went away.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Why the index cannot follow.
#[derive(Debug, Error)]
pub enum FollowError {
    /// The node does not answer, or has not what is asked for.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The index refused.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The node has dropped what a block did.
    #[error("the node keeps no state of block {0} any more: follow one that was started with --state-pruning archive, or begin the index at a later block with --reindex --index-from BLOCK")]
    Pruned(BlockNumber),
}

impl FollowError {
    /// Whether another attempt could succeed.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Chain(error) if !matches!(error, ChainError::Incompatible(_)))
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Chain(error) => error.into(),
            FollowError::Index(error) => error.into(),
            FollowError::Pruned(_) => Self::Node(error.to_string()),
        }
    }
}

/// Where blocks come from.
pub trait Source: Sync {
    /// The newest block that cannot be undone any more.
    fn finalized(&self) -> impl Future<Output = Result<Inclusion, ChainError>> + Send;
    /// Hash of the block at a height of the best chain.
    fn hash_at(&self, number: BlockNumber) -> impl Future<Output = Result<Option<Hash>, ChainError>> + Send;
    /// What the block with this hash did.
    fn block(&self, hash: Hash) -> impl Future<Output = Result<Block, ChainError>> + Send;
}

/// Takes in what is final now, and the best chain up to `head`.
///
/// # Errors
/// The source does not answer, or its chain is not the one that the index was built from.
pub async fn step(index: &Index, source: &impl Source, head: Head) -> Result<(), FollowError> {
    let finalized = source.finalized().await?;
    let mut tip = tip(index)?;
    // A node that is still behind can only be asked for what it has.
    if tip.number <= finalized.number {
        if let Some(node) = source.hash_at(tip.number).await?.filter(|node| *node != tip.hash) {
            let other = IndexError::OtherHistory { height: tip.number, index: tip.hash, node };
            return Err(other.into());
        }
    }
    while tip.number < finalized.number {
        let known: HashMap<Hash, Block> = index.unfinished().into_iter().map(|block| (block.at.hash, block)).collect();
        let until = finalized.number.min(tip.number.saturating_add(BATCH));
        let read = stream::iter(tip.number.saturating_add(1)..=until).map(|number| final_block(source, number, &known));
        let blocks: Vec<Block> = read.buffered(AT_A_TIME).try_collect().await?;
        index.finalise(&blocks)?;
        tip = self::tip(index)?;
    }
    best(index, source, tip, head).await
}

fn tip(index: &Index) -> Result<Inclusion, FollowError> {
    let untied = || ChainError::Other("the index is tied to no chain".into());
    Ok(index.tip()?.ok_or_else(untied)?)
}

async fn final_block(
    source: &impl Source,
    number: BlockNumber,
    known: &HashMap<Hash, Block>,
) -> Result<Block, FollowError> {
    let missing = || ChainError::Other(format!("the node has no block {number}, which is said to be final"));
    let hash = source.hash_at(number).await?.ok_or_else(missing)?;
    match known.get(&hash) {
        Some(block) => Ok(block.clone()),
        None => source.block(hash).await.map_err(|error| match error {
            error if error.is_pruned() => FollowError::Pruned(number),
            error => error.into(),
        }),
    }
}

/// Takes in the best chain after `tip`.
async fn best(index: &Index, source: &impl Source, tip: Inclusion, head: Head) -> Result<(), FollowError> {
    let mut known = index.unfinished();
    let length = head.number.saturating_sub(tip.number);
    if length > MOST_UNFINISHED {
        return Ok(index.follow(Vec::new())?);
    }
    let mut new = Vec::new();
    let mut next = head.hash;
    for _ in 0..length {
        if let Some(place) = known.iter().position(|block| block.at.hash == next) {
            known.truncate(place.saturating_add(1));
            known.extend(new.into_iter().rev());
            return Ok(index.follow(known)?);
        }
        let block = source.block(next).await?;
        next = block.parent;
        new.push(block);
    }
    // A head that does not come after what is final was the best one a moment ago; another will come.
    if next != tip.hash {
        new.clear();
    }
    new.reverse();
    Ok(index.follow(new)?)
}

impl Source for Chain {
    async fn finalized(&self) -> Result<Inclusion, ChainError> {
        let at = Chain::finalized(self).await?;
        Ok(Inclusion { number: at.number(), hash: at.hash() })
    }

    async fn hash_at(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError> {
        Chain::hash_at(self, number).await
    }

    async fn block(&self, hash: Hash) -> Result<Block, ChainError> {
        let at = self.at(hash).await?;
        let Head { number, parent, .. } = at.head().await?;
        let mut transactions = None;
        let mut changes = Vec::new();
        for (cause, event) in at.caused_events().await? {
            changes.push(match event {
                Event::Submitted { task, submitter, model, input } => {
                    if transactions.is_none() {
                        transactions = Some(self.transactions(hash).await?);
                    }
                    let position = cause.and_then(|index| usize::try_from(index).ok());
                    let transaction = position.and_then(|index| transactions.as_ref()?.get(index).copied());
                    let (record, asked) = (at.task(task).await?, at.input(task).await?);
                    let randomness = at.author_randomness().await?;
                    let (parameters, payload) = match asked {
                        Some(asked) => (asked.parameters, inline(asked.payload)),
                        None => (Vec::new(), None),
                    };
                    let genesis = self.genesis();
                    let seed = randomness.map(|drawn| protocol::seed(&genesis, &task, &drawn, &model, &parameters));
                    Change::New(Box::new(Asked {
                        task,
                        submitter,
                        model,
                        input: input.0,
                        fee: record.as_ref().map_or(0, |record| record.fee),
                        deadline: record.map_or(0, |record| record.deadline),
                        transaction,
                        parameters,
                        payload,
                        seed,
                    }))
                }
                Event::Committed { task, solver } => Change::Other(task, What::Committed(solver)),
                Event::Revealed { task, solver, output, replaced } => {
                    // The state after the block has the answer that stands then, which a later one in it may be.
                    let payload = at.output(task).await?.and_then(inline).filter(|bytes| Cid::of(bytes) == output);
                    Change::Answer(task, Answered { solver, output: output.0, replaced, payload })
                }
                Event::Contested { task, contester, .. } => Change::Other(task, What::Contested(contester)),
                Event::Resolved { task, verdict } => Change::Other(task, What::resolved(verdict)),
                Event::Settled { task, solver, settlement } => {
                    let (fee, reward) = (settlement.fee, settlement.reward);
                    Change::Other(task, What::Settled { solver, fee, reward })
                }
                Event::Ended { task, state } => match state {
                    State::Refunded => Change::Other(task, What::Refunded),
                    State::Expired => Change::Other(task, What::Expired),
                    State::Retracted => Change::Other(task, What::Retracted),
                    _ => continue,
                },
                Event::Registered { .. } | Event::Stake { .. } => continue,
            });
        }
        Ok(Block { at: Inclusion { number, hash }, parent, changes })
    }
}

fn inline(payload: Payload) -> Option<Vec<u8>> {
    match payload {
        Payload::Inline(bytes) => Some(bytes),
        Payload::External { .. } => None,
    }
}

/// How the following goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether the node answers and the index has all that it has.
    pub is_current: bool,
    /// The newest block of the node's best chain.
    pub head: BlockNumber,
}

/// Ties the index to the chain and has it follow until something is wrong for good. A node that goes away is waited for.
///
/// # Errors
/// The node serves another chain or a runtime that is not understood, has dropped what the index still needs, or the
/// disk refused.
pub async fn run(index: Arc<Index>, chain: Chain, from: BlockNumber, status: watch::Sender<Status>) -> Failure {
    let mut away: Option<(Instant, u32)> = None;
    loop {
        let error = match session(&index, &chain, from, &status, &mut away).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        status.send_modify(|status| status.is_current = false);
        if !error.may_pass() {
            return error.into();
        }
        let (since, attempts) = away.get_or_insert_with(|| (Instant::now(), 0));
        *attempts = attempts.saturating_add(1);
        if attempts.is_power_of_two() {
            let seconds = since.elapsed().as_secs();
            tracing::warn!(%error, seconds, "the node is away; waiting for it");
        }
        let pause = Duration::from_millis(250).saturating_mul(1 << (*attempts).min(5));
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
    }
}

async fn session(
    index: &Index,
    chain: &Chain,
    from: BlockNumber,
    status: &watch::Sender<Status>,
    away: &mut Option<(Instant, u32)>,
) -> Result<std::convert::Infallible, FollowError> {
    // A node that came back may serve another chain.
    let genesis = chain.hash_at(0).await?.unwrap_or_else(|| chain.genesis());
    let begin = from.saturating_sub(1);
    if index.tip()?.is_none() {
        let missing = || ChainError::Other(format!("the node has no block {begin} yet"));
        let hash = chain.hash_at(begin).await?.ok_or_else(missing)?;
        index.bind(genesis, Inclusion { number: begin, hash })?;
    } else {
        index.bind(genesis, Inclusion { number: 0, hash: genesis })?;
    }
    let mut heads = chain.heads().await?;
    let mut head = chain.best().await?.head().await?;
    loop {
        step(index, chain, head).await?;
        status.send_replace(Status { is_current: true, head: head.number });
        if let Some((since, _)) = away.take() {
            tracing::info!(seconds = since.elapsed().as_secs(), "the node answers again");
        }
        let lost = |_| ChainError::Lost(format!("no block for {} s", SILENCE.as_secs()));
        head = tokio::time::timeout(SILENCE, heads.next()).await.map_err(lost)??;
        // Blocks that came while the last was looked at: the walk back from the newest finds them.
        while let Some(newer) = heads.next().now_or_never() {
            head = newer?;
        }
    }
}
