//! What happens to tasks.

use assay_traits::Settlement;
use assay_types::{Balance, BlockNumber, Cid, Commitment, ModelId, TaskId};
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Something that happened to a task in a block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct TaskChange<AccountId> {
    /// The task.
    pub task: TaskId,
    /// Who asked.
    pub owner: AccountId,
    /// The model that is asked.
    pub model: ModelId,
    /// The solver whom it concerns: who committed, whose solution stands, is contested, is paid for or fell.
    pub solver: Option<AccountId>,
    /// Index of the transaction that did it; `None` if the chain did it by itself.
    pub extrinsic: Option<u32>,
    /// Index of the event in its block.
    pub event: u32,
    /// What happened.
    pub change: Change<AccountId>,
}

/// What may happen to a task. Amounts are in units of ASY.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum Change<AccountId> {
    /// It was submitted.
    #[codec(index = 0)]
    Submitted {
        /// The fee in escrow.
        fee: Balance,
        /// Last block in which a first solution may be revealed.
        deadline: BlockNumber,
        /// Content id of the input.
        input: Cid,
    },
    /// Its owner added to the fee.
    #[codec(index = 1)]
    FeeRaised {
        /// What was added.
        amount: Balance,
        /// The fee in escrow now.
        fee: Balance,
    },
    /// A solver committed to a result.
    #[codec(index = 2)]
    Committed {
        /// Hash of the result.
        commitment: Commitment,
    },
    /// The first solution was revealed.
    #[codec(index = 3)]
    Solved {
        /// Content id of the output.
        output: Cid,
        /// The reward reserved for it.
        reward: Balance,
    },
    /// Another solution, of an older commitment, has taken the place of the first.
    #[codec(index = 4)]
    Replaced {
        /// Content id of the output that stands now.
        output: Cid,
        /// Whose solution stood before.
        replaced: AccountId,
    },
    /// The solution is contested.
    #[codec(index = 5)]
    Disputed {
        /// Who contests it.
        contester: AccountId,
        /// What either party may lose.
        stake: Balance,
        /// Last block in which ballots are taken.
        votes_until: BlockNumber,
        /// Last block in which they are opened.
        opens_until: BlockNumber,
    },
    /// It ended: the solver was paid.
    #[codec(index = 6)]
    Settled {
        /// Where every unit went.
        settlement: Settlement,
    },
    /// It ended: the solution was contested and did not stand.
    #[codec(index = 7)]
    Refunded {
        /// What the owner got back.
        refund: Balance,
    },
    /// It ended: nobody solved it in time.
    #[codec(index = 8)]
    Expired {
        /// What the owner got back.
        refund: Balance,
    },
    /// It ended: its owner withdrew it.
    #[codec(index = 9)]
    Retracted {
        /// What the owner got back.
        refund: Balance,
        /// What that cost, to the treasury.
        charge: Balance,
    },
    /// What was left of it is gone.
    #[codec(index = 10)]
    Forgotten,
}
