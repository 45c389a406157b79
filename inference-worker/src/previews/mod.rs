//! Previews: an answer while it is generated, for whoever asked the task and for nobody else.
//!
//! A preview that anybody could read would give the answer away before its solver has committed to it. So it goes over the
//! connection of two peers, which is encrypted and proves to either who the other is, and the solver gives it only to a
//! peer that brings the task owner's signature over both peers' names. What the solver gives is chained by hash and signed
//! with the key that commits: whoever keeps it can show that a solver has streamed another answer than it revealed.
//!
//! [`wire`] is what the two say to each other, and what a preview is compared with once its answer is revealed; [`board`]
//! is the solver's side, [`follow`] the owner's. What it is good for is in `docs/protocol.md`.

pub mod board;
pub mod follow;
pub mod wire;

#[cfg(test)]
mod tests;

pub use board::Board;
pub use follow::{Preview, Previews};
pub use wire::{Difference, Judgement, Seen, Wrong};

use crate::chain::Chain;
use assay_types::{BlockNumber, Commitment, TaskId};
use std::time::Duration;
use subxt::utils::AccountId32;
use tokio::time::timeout;

/// How long the node is asked for a commitment, in all: the answer is there, and whoever asked waits for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// What `solver` has committed to for a task in the block at height `number`, where that can be known.
async fn committed_at(chain: &Chain, number: BlockNumber, task: TaskId, solver: AccountId32) -> Option<Commitment> {
    let hash = chain.hash_at(number).await.ok()??;
    let found = chain.at(hash).await.ok()?.commitment(task, solver).await.ok()?;
    found.map(|(commitment, _)| commitment)
}

/// Compares a preview with the answer that was revealed, encoded as `output`, to the task that the block `included` took;
/// `committed` is the height of the block that took its solver's commitment, where one has.
pub async fn judge(
    chain: &Chain,
    seen: &Seen,
    included: crate::journal::Inclusion,
    committed: Option<BlockNumber>,
    output: &[u8],
) -> Judgement {
    let judgement = seen.judge(included, output);
    let (Judgement::Holds, Some(end), Some(number)) = (judgement, &seen.end, committed) else { return judgement };
    match timeout(PATIENCE, committed_at(chain, number, seen.task, seen.solver)).await {
        Ok(Some(commitment)) if commitment != end.commitment => Judgement::Differs(Difference::Commitment),
        // What the node has forgotten, or does not tell, cannot be compared; the answer itself was.
        _ => judgement,
    }
}
