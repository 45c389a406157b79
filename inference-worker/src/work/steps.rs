//! Transactions on their way to the chain: one at a time for each task, tried again when they fail.

use super::{shared::Shared, Report, Role, Stop};
use crate::{
    chain::{Call, ChainError, Refusal, Terms, TxOutcome},
    metrics::Metrics,
};
use assay_types::{BlockNumber, TaskId};
use std::collections::HashMap;

/// Failures of one step before it is left until the next start.
const FAILURES: u32 = 6;

/// The steps of one role.
pub(crate) struct Steps {
    role: Role,
    pending: HashMap<TaskId, Pending>,
    failed: HashMap<TaskId, Failed>,
}

/// A step that is on its way to the chain.
struct Pending {
    call: &'static str,
    /// Height of the block that took it, once known.
    included: Option<BlockNumber>,
}

/// A step that failed.
struct Failed {
    call: &'static str,
    count: u32,
    /// First block in which it is tried again.
    again: BlockNumber,
    /// Why, until that was said.
    reason: Option<String>,
}

impl Steps {
    pub fn new(role: Role) -> Self {
        Self { role, pending: HashMap::new(), failed: HashMap::new() }
    }

    /// Forgets the steps that the state at `block` shows.
    pub fn look(&mut self, block: BlockNumber) {
        self.pending.retain(|_, pending| pending.included.is_none_or(|number| block < number));
    }

    /// Whether a step for `task` is on its way.
    pub fn is_pending(&self, task: &TaskId) -> bool {
        self.pending.contains_key(task)
    }

    /// Has the next step of `task` wait until block `again`.
    pub fn rest(&mut self, task: TaskId, call: &'static str, again: BlockNumber) {
        self.failed.insert(task, Failed { call, count: 0, again, reason: None });
    }

    /// A job has moved on: what failed before does not count any more.
    pub fn moved_on(&mut self, task: &TaskId) {
        self.failed.remove(task);
    }

    /// Nothing is left to do for `task`.
    pub fn forget(&mut self, task: &TaskId) {
        self.pending.remove(task);
        self.failed.remove(task);
    }

    /// Takes in that there is nothing to send for `task` now. A step that failed because somebody else was first is no
    /// step any more once the chain shows that.
    pub fn idle(&mut self, task: &TaskId) {
        if let Some(Failed { call, reason: Some(reason), .. }) = self.failed.get(task) {
            tracing::debug!(?task, call, reason, "a step came to nothing: others were first");
            self.failed.remove(task);
        }
    }

    /// Whether the step `call` of `task` is to be sent at `block`. Says why it failed if it has.
    pub fn is_due(&mut self, task: TaskId, call: &'static str, block: BlockNumber) -> bool {
        if self.pending.get(&task).is_some_and(|pending| pending.call == call) {
            return false;
        }
        if self.failed.get(&task).is_some_and(|failed| failed.call != call) {
            self.idle(&task);
            self.failed.remove(&task);
        }
        let Some(failed) = self.failed.get_mut(&task) else { return true };
        let Failed { count, again, .. } = *failed;
        match failed.reason.take() {
            Some(reason) if count < FAILURES => {
                tracing::warn!(?task, call, reason, again, "a step failed and is tried again");
            }
            Some(reason) => {
                tracing::error!(?task, call, reason, "a step failed too often and is left until the next start");
            }
            None => {}
        }
        block >= again
    }

    /// Sends a step on `terms`; what becomes of it is reported.
    pub fn send(&mut self, shared: &Shared, task: TaskId, call: Call, terms: Terms) {
        let (sender, reporter) = (shared.sender.clone(), shared.reporter.clone());
        let (role, kind, metrics) = (self.role, call.name(), shared.metrics.clone());
        self.pending.insert(task, Pending { call: kind, included: None });
        tokio::spawn(async move {
            let result = match sender.send(call, terms).await {
                Ok(sent) => {
                    Metrics::count(&metrics.sent, kind);
                    tracing::info!(?task, call = kind, transaction = ?sent.hash, "sent");
                    let lost = |_| TxOutcome::Dropped("the transaction was lost sight of".into());
                    Ok(sent.outcome.await.unwrap_or_else(lost))
                }
                Err(refusal) => Err(refusal),
            };
            // The worker may be gone; the journal and the chain tell the rest.
            let _ = reporter.send(Report::Step { role, task, call: kind, result });
        });
    }

    /// Takes in what became of a step, at `block`. Whether a failure matters shows when the chain is looked at next.
    pub fn sent(
        &mut self,
        metrics: &Metrics,
        task: TaskId,
        call: &'static str,
        result: Result<TxOutcome, Refusal>,
        block: BlockNumber,
    ) -> Result<(), Stop> {
        let ours = self.pending.get_mut(&task).filter(|pending| pending.call == call);
        let reason = match result {
            Ok(TxOutcome::Included { number, result: Ok(_), .. }) => {
                tracing::info!(?task, call, block = number, "in a block");
                // The next look at this height or above shows it; a look may have been quicker than this news.
                if let Some(pending) = ours {
                    pending.included = Some(number);
                    self.failed.remove(&task);
                }
                return Ok(());
            }
            Ok(TxOutcome::Included { result: Err(error), .. }) => error,
            Ok(TxOutcome::Dropped(reason)) => reason,
            Err(Refusal::Chain(error @ ChainError::Incompatible(_))) => return Err(error.into()),
            // The main loop notices a lost connection itself, and tries again when it is back.
            Err(Refusal::Chain(_)) => {
                if ours.is_some() {
                    self.pending.remove(&task);
                }
                return Ok(());
            }
            Err(refusal) => refusal.to_string(),
        };
        if ours.is_some() {
            self.pending.remove(&task);
        }
        Metrics::count(&metrics.failed, call);
        let before = self.failed.get(&task).filter(|failed| failed.call == call).map_or(0, |failed| failed.count);
        let count = before.saturating_add(1);
        let again = if count < FAILURES { block.saturating_add(1 << count) } else { BlockNumber::MAX };
        self.failed.insert(task, Failed { call, count, again, reason: Some(reason) });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::Hash;

    fn fail(steps: &mut Steps, call: &'static str, block: BlockNumber) {
        let result = Ok(TxOutcome::Included { number: block, hash: Hash::zero(), result: Err("Solutions::X".into()) });
        steps.sent(&Metrics::new(), Hash::zero(), call, result, block).unwrap_or_else(|_| panic!("no end of the loop"));
    }

    fn pending(steps: &mut Steps, call: &'static str) {
        steps.pending.insert(Hash::zero(), Pending { call, included: None });
    }

    #[test]
    fn a_step_that_fails_rests_ever_longer_and_is_left_in_the_end() {
        let mut steps = Steps::new(Role::Solver);
        let mut block = 10;
        for count in 1..=FAILURES {
            assert!(steps.is_due(Hash::zero(), "reveal", block));
            pending(&mut steps, "reveal");
            assert!(!steps.is_due(Hash::zero(), "reveal", block), "one at a time");
            fail(&mut steps, "reveal", block);
            let rest = 1 << count;
            assert!(!steps.is_due(Hash::zero(), "reveal", block + rest - 1));
            block += rest;
        }
        assert!(!steps.is_due(Hash::zero(), "reveal", block));
        assert!(steps.is_due(Hash::zero(), "claim", block), "another step starts anew");
        steps.forget(&Hash::zero());
        assert!(steps.is_due(Hash::zero(), "reveal", block));
    }

    #[test]
    fn a_step_that_others_made_needless_leaves_nothing_behind() {
        let mut steps = Steps::new(Role::Verifier);
        pending(&mut steps, "reveal");
        fail(&mut steps, "reveal", 10);
        // The chain shows that another's solution won: nothing is to be done, and the failure was none.
        steps.idle(&Hash::zero());
        assert!(steps.failed.is_empty());
        assert!(steps.is_due(Hash::zero(), "reveal", 11));
    }

    #[test]
    fn a_step_in_a_block_is_pending_until_that_block_was_looked_at() {
        let mut steps = Steps::new(Role::Solver);
        pending(&mut steps, "commit");
        let result = Ok(TxOutcome::Included { number: 12, hash: Hash::zero(), result: Ok(Vec::new()) });
        assert!(steps.sent(&Metrics::new(), Hash::zero(), "commit", result, 11).is_ok());
        steps.look(11);
        assert!(steps.is_pending(&Hash::zero()));
        steps.look(12);
        assert!(!steps.is_pending(&Hash::zero()));
    }
}
