//! Revealed answers and everything that they depend on, of tasks that have ended too.
//!
//! While a task lives, the state has all of it. When it ends, its payloads are dropped from the state; they are in those of
//! earlier blocks: of the one that took the task, and of the last in which another answer could take the first one's place.

use super::{
    types::{Input, Model, Payload, Task},
    At, Chain, ChainError,
};
use crate::{failure::Failure, solver::decide::State};
use assay_types::{protocol, BlockNumber, TaskId};
use subxt::utils::AccountId32;
use thiserror::Error;

/// The answer that was revealed to a task, and everything that it depends on.
#[derive(Clone, Debug)]
pub struct Revealed {
    /// The task, as it is now, or as it was when it was known last.
    pub task: Task,
    /// The model that was asked.
    pub model: Model,
    /// What was asked.
    pub input: Input,
    /// The seed of the run.
    pub seed: [u8; 32],
    /// Whose solution it is.
    pub solver: AccountId32,
    /// The answer.
    pub output: Payload,
}

/// Why there is no answer to look at.
#[derive(Debug, Error)]
pub enum Unrevealed {
    /// The state has no such task.
    #[error("the chain knows no task {0:?}: it never existed, or has ended and was forgotten (--block N looks for it in the state of block N)")]
    Unknown(TaskId),
    /// It is open.
    #[error("no answer to the task {0:?} has been revealed yet")]
    Open(TaskId),
    /// It has ended without one.
    #[error("no answer to the task {0:?} was revealed: it expired or was withdrawn")]
    Never(TaskId),
    /// The node has dropped what is needed.
    #[error("the node keeps no state of block {0} any more, and a task that has ended is read from the states of its blocks: ask a node that was started with --state-pruning archive")]
    Pruned(BlockNumber),
    /// The node does not answer, or has not what is asked for.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<Unrevealed> for Failure {
    fn from(error: Unrevealed) -> Self {
        match error {
            Unrevealed::Unknown(_) => Self::NotFound(error.to_string()),
            Unrevealed::Open(_) | Unrevealed::Never(_) => Self::NotSettled(error.to_string()),
            Unrevealed::Pruned(_) => Self::Node(error.to_string()),
            Unrevealed::Chain(error) => error.into(),
        }
    }
}

/// Tells a state that was dropped from other errors.
fn dropped(number: BlockNumber) -> impl Fn(ChainError) -> Unrevealed {
    move |error| if error.is_pruned() { Unrevealed::Pruned(number) } else { error.into() }
}

impl Chain {
    /// The answer that was revealed to a task. A task that was forgotten since is looked for in the state of the best chain's
    /// block at height `block`.
    ///
    /// # Errors
    /// There is no such task or no answer to it, the node has dropped the states that they are in, or does not answer.
    pub async fn revealed(&self, id: TaskId, block: Option<BlockNumber>) -> Result<Revealed, Unrevealed> {
        let best = self.best().await?;
        let now = best.task(id).await?;
        let task = match (&now, block) {
            (Some(task), _) => Some(task.clone()),
            (None, Some(number)) => self.known_at(&best, number, id).await.map_err(dropped(number))?,
            (None, None) => None,
        };
        let task = task.ok_or(Unrevealed::Unknown(id))?;
        let (asked, answered) = match now.map(|task| task.state) {
            Some(State::Open) => return Err(Unrevealed::Open(id)),
            Some(State::Expired | State::Retracted) => return Err(Unrevealed::Never(id)),
            Some(State::Solved | State::Disputed) => (best.clone(), best.clone()),
            Some(State::Settled | State::Refunded) | None => {
                let states = self.states_of(&best, &task).await.map_err(dropped(task.submitted_at))?;
                states.ok_or(Unrevealed::Never(id))?
            }
        };
        let (output, solution) = (answered.output(id).await?, answered.solution(id).await?);
        let (output, solution) = output.zip(solution).ok_or(Unrevealed::Never(id))?;
        let input = asked.input(id).await?.ok_or_else(|| moved(&task))?;
        let model = match asked.model(task.model).await? {
            Some(model) => model,
            // It was retired, and nobody serves it any more.
            None => {
                let missing = || ChainError::Other(format!("the chain knows no model {:?}", task.model));
                self.past(&best, task.submitted_at).await?.model(task.model).await?.ok_or_else(missing)?
            }
        };
        let included = self.inclusion(&asked, task.submitted_at).await?;
        let randomness = self.randomness(&asked, &included).await.map_err(dropped(included.number))?;
        let none = || ChainError::Other(format!("block {}, which took the task, has no randomness", included.number));
        let seed = protocol::seed(&self.genesis(), &id, &randomness.ok_or_else(none)?, &task.model, &input.parameters);
        Ok(Revealed { task, model, input, seed, solver: solution.solver, output })
    }

    /// The states of the blocks in which a task that has ended was asked and answered; none where it was not answered.
    async fn states_of(&self, best: &At, task: &Task) -> Result<Option<(At, At)>, ChainError> {
        // The oldest that is needed comes first: where the node has it, it has the others.
        let asked = self.past(best, task.submitted_at).await?;
        if asked.task(task.id).await?.is_none_or(|taken| taken.submitted_at != task.submitted_at) {
            return Err(moved(task));
        }
        let last = task.deadline.min(best.number());
        let first = first(task.submitted_at, last, async |number| {
            let known = self.known_at(best, number, task.id).await?;
            Ok::<_, ChainError>(known.is_none_or(|task| task.state != State::Open))
        });
        let Some(first) = first.await? else { return Ok(None) };
        let standing = first.saturating_add(task.reveal_grace).min(best.number());
        Ok(Some((asked, self.past(best, standing).await?)))
    }

    /// A task as the block at a height of the chain that ends with `best` has left it.
    async fn known_at(&self, best: &At, number: BlockNumber, id: TaskId) -> Result<Option<Task>, ChainError> {
        self.past(best, number).await?.task(id).await
    }

    /// The state at a height of the chain that ends with `best`.
    async fn past(&self, best: &At, number: BlockNumber) -> Result<At, ChainError> {
        self.at(self.inclusion(best, number).await?.hash).await
    }
}

/// A fork has won in the meantime.
fn moved(task: &Task) -> ChainError {
    ChainError::Other(format!("the chain took another way while the task {:?} was looked at: try again", task.id))
}

/// The first number after `before` at which something holds that goes on to hold from there; `None` where it does not at
/// `last`.
async fn first<E>(
    before: BlockNumber,
    last: BlockNumber,
    mut holds: impl AsyncFnMut(BlockNumber) -> Result<bool, E>,
) -> Result<Option<BlockNumber>, E> {
    if !holds(last).await? {
        return Ok(None);
    }
    let (mut without, mut with) = (before, last);
    while with.saturating_sub(without) > 1 {
        let middle = without.saturating_add(with.saturating_sub(without) / 2);
        match holds(middle).await? {
            true => with = middle,
            false => without = middle,
        }
    }
    Ok(Some(with))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::Hash;

    #[tokio::test]
    async fn what_begins_at_a_block_is_found_with_few_questions() {
        for begin in 11..=28_810 {
            let mut questions = 0;
            let found = first(10, 28_810, async |number| {
                questions += 1;
                Ok::<_, ()>(number >= begin)
            });
            assert_eq!(found.await, Ok(Some(begin)));
            assert!(questions <= 16, "{questions} questions for {begin}");
        }
        assert_eq!(first(10, 28_810, async |_| Ok::<_, ()>(false)).await, Ok(None));
        assert_eq!(first(10, 10, async |_| Ok::<_, ()>(true)).await, Ok(Some(10)));
        assert_eq!(first(10, 20, async |number| if number == 15 { Err(number) } else { Ok(true) }).await, Err(15));
    }

    #[test]
    fn each_reason_has_its_exit_code() {
        let id = Hash::repeat_byte(1);
        let code = |error: Unrevealed| Failure::from(error).exit_code();
        assert_eq!(code(Unrevealed::Unknown(id)), 12);
        assert_eq!((code(Unrevealed::Open(id)), code(Unrevealed::Never(id))), (10, 10));
        let words = "State already discarded for 0x01";
        let lost = dropped(7)(ChainError::Other(words.into()));
        assert!(matches!(lost, Unrevealed::Pruned(7)) && lost.to_string().contains("block 7 "), "{lost}");
        assert_eq!(code(lost), 5);
        assert_eq!(code(dropped(7)(ChainError::Other("no such method".into()))), 1);
        assert_eq!(code(dropped(7)(ChainError::Lost("away".into()))), 5);
    }
}
