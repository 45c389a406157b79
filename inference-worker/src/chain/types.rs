//! What the chain tells, in plain types.

use crate::{
    journal::Inclusion,
    solver::decide::{State, TaskView},
};
use assay_types::{Balance, BlockNumber, Cid, Hash, ModelId, TaskId};
use subxt::utils::AccountId32;

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Where it is in its life.
    pub state: State,
    /// Who asked.
    pub submitter: AccountId32,
    /// The model that is asked.
    pub model: ModelId,
    /// The fee in escrow.
    pub fee: Balance,
    /// The model's own part of the fee.
    pub model_fee: Balance,
    /// The reward reserved for its solution.
    pub reward: Balance,
    /// Block that included it.
    pub submitted_at: BlockNumber,
    /// Last block in which a first solution may be revealed.
    pub deadline: BlockNumber,
    /// Blocks after the first reveal in which an older commitment replaces the solution.
    pub reveal_grace: BlockNumber,
    /// Blocks after the grace in which the solution may be contested.
    pub contest_window: BlockNumber,
    /// Who was paid for the answer.
    pub solver: Option<AccountId32>,
}

/// What a task asks, known until it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Encoded parameters of the run.
    pub parameters: Vec<u8>,
    /// What the model is given.
    pub payload: Payload,
}

impl Task {
    /// What matters for the decision of `account`, given the hash of the block that included the task.
    pub fn view(&self, hash: Hash, account: &AccountId32) -> TaskView {
        TaskView {
            state: self.state,
            deadline: self.deadline,
            reveal_grace: self.reveal_grace,
            contest_window: self.contest_window,
            included: Inclusion { number: self.submitted_at, hash },
            paid: self.solver.as_ref() == Some(account),
        }
    }
}

/// A payload of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The bytes themselves.
    Inline(Vec<u8>),
    /// Kept elsewhere.
    External {
        /// Content id.
        cid: Cid,
        /// Length in bytes.
        length: u32,
    },
}

/// The standing solution of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// Who solved it.
    pub solver: AccountId32,
    /// Block of its commitment.
    pub committed_at: BlockNumber,
    /// Block of the first reveal.
    pub first_revealed_at: BlockNumber,
    /// Block of this reveal.
    pub revealed_at: BlockNumber,
    /// Content id of the output.
    pub output: Cid,
    /// Seal of the trace digest.
    pub trace_seal: Hash,
    /// What is pledged of its solver's bond.
    pub stake: Balance,
}

/// A dispute over a solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Whose solution is contested.
    pub solver: AccountId32,
    /// Who contests it.
    pub contester: AccountId32,
    /// Seal of the contester's own result.
    pub seal: Hash,
    /// What either party may lose; a voter stakes no more.
    pub stake: Balance,
    /// Last block in which ballots are taken.
    pub votes_until: BlockNumber,
    /// Last block in which they are opened.
    pub opens_until: BlockNumber,
    /// Whether the solver has shown the trace of its solution.
    pub solver_opened: bool,
    /// Whether the contester has opened its result.
    pub contester_opened: bool,
    /// How it ended; `None` until it is settled.
    pub verdict: Option<Verdict>,
}

/// How a dispute ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The solution fell: another result outweighed it.
    Falls,
    /// The solution stands.
    Stands,
    /// Too few voted.
    Inconclusive,
}

/// A ballot of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// What was sealed.
    pub seal: Hash,
    /// What its voter may lose; it waits outside the bond.
    pub stake: Balance,
    /// Whether it was opened.
    pub opened: bool,
}

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its id.
    pub id: ModelId,
    /// Who registered it.
    pub owner: AccountId32,
    /// Content id of its manifest.
    pub manifest: Cid,
    /// Flat fee of each task.
    pub fee: Balance,
    /// Who receives the flat fee.
    pub recipient: AccountId32,
    /// Share of the full reward that its tasks earn, in parts of 10^18.
    pub rate: u128,
    /// Whether it takes no tasks any more.
    pub retired: bool,
    /// Solvers that declared it.
    pub solvers: u32,
}

/// A solver's own bond.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bond {
    /// All of it, what matures included.
    pub active: Balance,
    /// Parts that have not matured, with the block in which they do.
    pub maturing: Vec<(Balance, BlockNumber)>,
    /// What is set aside for solutions.
    pub pledged: Balance,
}

impl Bond {
    /// What has matured at this height.
    pub fn mature(&self, block: BlockNumber) -> Balance {
        let maturing = self.maturing.iter().filter(|(_, at)| *at > block).map(|(amount, _)| *amount);
        self.active.saturating_sub(maturing.fold(0, Balance::saturating_add))
    }
}

/// What stands behind a solver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stake {
    /// Its own bond.
    pub bond: Bond,
    /// What was taken out of the bond, with the first block in which that can be withdrawn.
    pub waiting: Vec<(Balance, BlockNumber)>,
    /// What others may delegate to; `None` where it has named no commission.
    pub pool: Option<Pool>,
}

/// What is delegated to a solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The solver's own part of everything it earns, in parts of 10^9.
    pub commission: u32,
    /// A higher one to come, with the first block in which it is in force.
    pub rise: Option<(u32, BlockNumber)>,
    /// How much is delegated.
    pub delegated: Balance,
}

/// Where every unit went when a task was settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// The fee: to the model's recipient, to the treasury, to the solver, to its delegators.
    pub fee: [Balance; 4],
    /// The reward: to the treasury, liquidity, the solver, its delegators, the validators, the user.
    pub reward: [Balance; 6],
}

impl Settlement {
    /// The whole fee.
    pub fn paid(&self) -> Balance {
        self.fee.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// The whole reward.
    pub fn minted(&self) -> Balance {
        self.reward.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }
}

/// What happened in a block, as far as the worker cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A task was submitted.
    Submitted {
        /// The task.
        task: TaskId,
        /// Who asked.
        submitter: AccountId32,
        /// The model that is asked.
        model: ModelId,
        /// Content id of the input.
        input: Cid,
    },
    /// A solver committed to a result.
    Committed {
        /// The task.
        task: TaskId,
        /// Who committed.
        solver: AccountId32,
    },
    /// A solution was revealed.
    Revealed {
        /// The task.
        task: TaskId,
        /// Whose solution stands now.
        solver: AccountId32,
        /// Content id of its output.
        output: Cid,
        /// Whose solution it replaced.
        replaced: Option<AccountId32>,
    },
    /// A solution is contested.
    Contested {
        /// The task.
        task: TaskId,
        /// Whose solution.
        solver: AccountId32,
        /// Who contests it.
        contester: AccountId32,
    },
    /// A dispute was settled.
    Resolved {
        /// The task.
        task: TaskId,
        /// How.
        verdict: Verdict,
    },
    /// A task was settled.
    Settled {
        /// The task.
        task: TaskId,
        /// Who was paid.
        solver: AccountId32,
        /// Where every unit went.
        settlement: Settlement,
    },
    /// A task ended without a settlement.
    Ended {
        /// The task.
        task: TaskId,
        /// How.
        state: State,
    },
    /// A model was registered.
    Registered {
        /// Its id.
        model: ModelId,
    },
    /// The sender has changed its stake. Told of the worker's own transactions alone.
    Stake {
        /// How much of it moved; `None` where only its terms did.
        amount: Option<Balance>,
        /// First block in which that is in force, or can be withdrawn; `None` for at once.
        due: Option<BlockNumber>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bond_matures_part_by_part() {
        let bond = Bond { active: 10, maturing: vec![(3, 100), (4, 200)], pledged: 0 };
        assert_eq!([99, 100, 199, 200].map(|block| bond.mature(block)), [3, 6, 6, 10]);
    }
}
