//! What is kept of a task.

use crate::{
    chain::types::{Settlement, Verdict},
    journal::Inclusion,
    solver::decide::State,
};
use assay_types::{Balance, BlockNumber, Cid, Hash, ModelId, TaskId};
use codec::{Decode, Encode};
use subxt::utils::AccountId32;

/// A block, as far as tasks are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Height and hash.
    pub at: Inclusion,
    /// Hash of the block before.
    pub parent: Hash,
    /// What it did, in order.
    pub changes: Vec<Change>,
}

/// What a block did to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It took a new one.
    New(Box<Asked>),
    /// It showed an answer, which stands from now on.
    Answer(TaskId, Answered),
    /// Anything else that is worth keeping.
    Other(TaskId, What),
}

impl Change {
    /// The task.
    pub fn task(&self) -> TaskId {
        match self {
            Self::New(asked) => asked.task,
            Self::Answer(task, _) | Self::Other(task, _) => *task,
        }
    }
}

/// What a task asks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Asked {
    /// The task.
    pub task: TaskId,
    /// Who asked.
    pub submitter: AccountId32,
    /// The model that is asked.
    pub model: ModelId,
    /// Content id of the input.
    pub input: [u8; 32],
    /// The fee that it was submitted with.
    pub fee: Balance,
    /// Last block in which a first solution may be revealed.
    pub deadline: BlockNumber,
    /// Hash of the transaction that submitted it, where one did by itself.
    pub transaction: Option<Hash>,
    /// Encoded parameters of the run.
    pub parameters: Vec<u8>,
    /// The input, where it is kept on chain.
    pub payload: Option<Vec<u8>>,
    /// The seed of its run.
    pub seed: Option<[u8; 32]>,
}

/// An answer to a task.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Answered {
    /// Who solved it.
    pub solver: AccountId32,
    /// Content id of the output.
    pub output: [u8; 32],
    /// Whose solution it replaced.
    pub replaced: Option<AccountId32>,
    /// The encoded output, where it is kept on chain.
    pub payload: Option<Vec<u8>>,
}

/// Something that happened to a task.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum What {
    /// It was submitted.
    #[codec(index = 0)]
    Submitted,
    /// A solver committed to a result.
    #[codec(index = 1)]
    Committed(AccountId32),
    /// A solution was revealed.
    #[codec(index = 2)]
    Revealed {
        /// Whose it is.
        solver: AccountId32,
        /// Content id of its output.
        output: [u8; 32],
        /// Whose solution it replaced.
        replaced: Option<AccountId32>,
    },
    /// The solution is contested, by whom.
    #[codec(index = 3)]
    Contested(AccountId32),
    /// The dispute was settled: whether the solution stands; `None` where too few voted.
    #[codec(index = 4)]
    Resolved(Option<bool>),
    /// The task was settled.
    #[codec(index = 5)]
    Settled {
        /// Who was paid.
        solver: AccountId32,
        /// The parts of the fee, in the order of [`Settlement::fee`].
        fee: [Balance; 4],
        /// The parts of the reward, in the order of [`Settlement::reward`].
        reward: [Balance; 6],
    },
    /// It was refunded: the solution did not stand.
    #[codec(index = 6)]
    Refunded,
    /// Nobody answered in time.
    #[codec(index = 7)]
    Expired,
    /// Its owner took it back.
    #[codec(index = 8)]
    Retracted,
}

impl What {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Committed(_) => "committed",
            Self::Revealed { .. } => "revealed",
            Self::Contested(_) => "contested",
            Self::Resolved(_) => "resolved",
            Self::Settled { .. } => "settled",
            Self::Refunded => "refunded",
            Self::Expired => "expired",
            Self::Retracted => "retracted",
        }
    }

    /// How a verdict is kept.
    pub fn resolved(verdict: Verdict) -> Self {
        Self::Resolved(match verdict {
            Verdict::Stands => Some(true),
            Verdict::Falls => Some(false),
            Verdict::Inconclusive => None,
        })
    }

    /// The state in which it leaves the task, where it changes that.
    fn state(&self) -> Option<State> {
        Some(match self {
            Self::Submitted => State::Open,
            Self::Revealed { .. } => State::Solved,
            Self::Contested(_) => State::Disputed,
            Self::Settled { .. } => State::Settled,
            Self::Refunded => State::Refunded,
            Self::Expired => State::Expired,
            Self::Retracted => State::Retracted,
            Self::Committed(_) | Self::Resolved(_) => return None,
        })
    }
}

/// Something that happened to a task, and where.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Fact {
    /// The block.
    pub at: Inclusion,
    /// What happened.
    pub what: What,
}

/// What is known of a task, but for its payloads.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Record {
    /// The task.
    pub task: TaskId,
    /// Who asked.
    pub submitter: AccountId32,
    /// The model that is asked.
    pub model: ModelId,
    /// Content id of the input.
    pub input: [u8; 32],
    /// The fee that it was submitted with.
    pub fee: Balance,
    /// Last block in which a first solution may be revealed.
    pub deadline: BlockNumber,
    /// Hash of the transaction that submitted it.
    pub transaction: Option<Hash>,
    /// What happened to it, oldest first.
    pub facts: Vec<Fact>,
}

impl Record {
    /// A task that was submitted in a block.
    pub fn new(asked: &Asked, at: Inclusion) -> Self {
        Self {
            task: asked.task,
            submitter: asked.submitter,
            model: asked.model,
            input: asked.input,
            fee: asked.fee,
            deadline: asked.deadline,
            transaction: asked.transaction,
            facts: vec![Fact { at, what: What::Submitted }],
        }
    }

    /// Takes in what a block did.
    pub fn change(&mut self, at: Inclusion, change: &Change) {
        let what = match change {
            Change::New(_) => What::Submitted,
            Change::Answer(_, answer) => {
                let Answered { solver, output, replaced, .. } = answer;
                What::Revealed { solver: *solver, output: *output, replaced: *replaced }
            }
            Change::Other(_, what) => what.clone(),
        };
        self.facts.push(Fact { at, what });
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        self.facts.iter().rev().find_map(|fact| fact.what.state()).unwrap_or(State::Open)
    }

    /// Height of the block that took it.
    pub fn submitted_at(&self) -> BlockNumber {
        self.facts.first().map_or(0, |fact| fact.at.number)
    }

    /// The block that took it.
    pub fn included(&self) -> Option<Inclusion> {
        self.facts.first().map(|fact| fact.at)
    }

    /// The block that took the commitment of a solver.
    pub fn committed_by(&self, who: &AccountId32) -> Option<Inclusion> {
        let theirs = |fact: &&Fact| matches!(&fact.what, What::Committed(solver) if solver == who);
        self.facts.iter().rev().find(theirs).map(|fact| fact.at)
    }

    /// The solution that stands: whose it is, and the content id of its output.
    pub fn solution(&self) -> Option<(AccountId32, Cid)> {
        self.facts.iter().rev().find_map(|fact| match &fact.what {
            What::Revealed { solver, output, .. } => Some((*solver, Cid(*output))),
            _ => None,
        })
    }

    /// Where the solution that stands was revealed.
    pub fn revealed(&self) -> Option<Inclusion> {
        self.facts.iter().rev().find(|fact| matches!(fact.what, What::Revealed { .. })).map(|fact| fact.at)
    }

    /// Where every unit went, once settled.
    pub fn settlement(&self) -> Option<Settlement> {
        self.facts.iter().rev().find_map(|fact| match &fact.what {
            What::Settled { fee, reward, .. } => Some(Settlement { fee: *fee, reward: *reward }),
            _ => None,
        })
    }

    /// How the dispute over the solution ended: whether the solution stands, `None` within where too few voted.
    pub fn verdict(&self) -> Option<Option<bool>> {
        self.facts.iter().rev().find_map(|fact| match fact.what {
            What::Resolved(verdict) => Some(verdict),
            _ => None,
        })
    }
}

/// A task that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is known.
    pub record: Record,
    /// How many of its facts, from the first on, cannot be undone any more.
    pub finals: usize,
}

impl Found {
    /// Whether no fork can undo any of what is known.
    pub fn is_final(&self) -> bool {
        self.finals == self.record.facts.len()
    }

    /// Whether it has ended and no fork can undo that.
    pub fn has_ended_for_good(&self) -> bool {
        self.is_final() && self.record.state().has_ended()
    }
}
