//! What the pallet stores.

use assay_traits::Verdict;
use assay_types::{Balance, BlockNumber, Cid, Hash, ModelId, ResultId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// How many must have voted for a verdict: ballots that were opened, the parties' own not counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Quorum {
    /// Ballots at the least.
    pub ballots: u32,
    /// Their weight at the least, in multiples of the heavier party's.
    pub weight: u32,
}

/// The ballots of a dispute, the parties' own not counted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Votes {
    /// Ballots that are still stored.
    pub stored: u32,
    /// Stakes of all ballots, in units of ASY.
    pub staked: Balance,
    /// Ballots that were opened.
    pub opened: u32,
    /// Stakes of the ballots that were opened, in units of ASY.
    pub opened_stake: Balance,
    /// Weight of the ballots that were opened: mature bond, in units of ASY.
    pub opened_weight: Balance,
}

/// What was opened for one result.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Tally {
    /// Weight of all who gave this result, a party included: mature bond, in units of ASY.
    pub weight: Balance,
    /// Weight of the voters among them.
    pub voters: Balance,
    /// Stakes of the voters, in units of ASY.
    pub stakes: Balance,
    /// Ballots for it that are still stored.
    pub stored: u32,
}

/// How a dispute ended, and what its voters may pull.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// The result whose voters have won; `None` if nobody has.
    pub winner: Option<ResultId>,
    /// What the winning voters share by weight, in units of ASY.
    pub reward: Balance,
    /// Their weight.
    pub weight: Balance,
    /// What of `reward` has been pulled.
    pub pulled: Balance,
    /// Block of the verdict.
    pub settled_at: BlockNumber,
}

/// A dispute over the solution of a task. Everything that matters to it is fixed when it is opened.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Dispute<AccountId> {
    /// Whose solution is contested.
    pub solver: AccountId,
    /// Who contests it.
    pub contester: AccountId,
    /// The model of the task: those who serve it vote.
    pub model: ModelId,
    /// Content id of the solution's output.
    pub output: Cid,
    /// Seal of the solution's trace digest: see [`assay_types::protocol::trace_seal`].
    pub trace_seal: Hash,
    /// Seal of the contester's own result: see [`assay_types::protocol::ballot_seal`].
    pub seal: Hash,
    /// What is pledged of the bond of either party, in units of ASY.
    pub stake: Balance,
    /// What either party pays for a dispute that comes to nothing, in units of ASY.
    pub charge: Balance,
    /// What a verdict needs.
    pub quorum: Quorum,
    /// Block in which it was opened.
    pub opened_at: BlockNumber,
    /// Last block in which ballots are taken.
    pub votes_until: BlockNumber,
    /// Last block in which they are opened.
    pub opens_until: BlockNumber,
    /// Mature bond of the solver when it was opened, in units of ASY.
    pub solver_weight: Balance,
    /// Mature bond of the contester when it was opened, in units of ASY.
    pub contester_weight: Balance,
    /// The ballots.
    pub votes: Votes,
    /// The solution's result, once anybody has shown the trace behind its seal.
    pub solution_result: Option<ResultId>,
    /// Whether the solver itself has shown it.
    pub solver_opened: bool,
    /// The contester's result, once it has opened it.
    pub contester_result: Option<ResultId>,
    /// The heaviest result that is not the solution's; of two as heavy, the one that was first.
    pub leader: Option<ResultId>,
    /// How it ended; `None` until it is settled.
    pub outcome: Option<Outcome>,
}

/// A ballot: sealed until its voter opens it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Ballot {
    /// Seal of the voter's result: see [`assay_types::protocol::ballot_seal`].
    pub seal: Hash,
    /// What the voter stands to lose, in units of ASY; in the escrow.
    pub stake: Balance,
    /// The voter's mature bond when it voted, in units of ASY.
    pub weight: Balance,
    /// The voter's result, once it has opened it.
    pub result: Option<ResultId>,
}
