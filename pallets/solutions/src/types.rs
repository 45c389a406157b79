//! What the pallet stores.

use assay_types::{Balance, BlockNumber, Cid, Commitment, Hash};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A sealed result that has not been revealed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct CommitmentRecord {
    /// Hash of the result: see [`assay_types::protocol::commitment`].
    pub commitment: Commitment,
    /// Block that included it.
    pub committed_at: BlockNumber,
    /// What is held of the solver for it, in units of ASY.
    pub deposit: Balance,
}

/// The solution that stands for a task.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Solution<AccountId> {
    /// Who solved the task.
    pub solver: AccountId,
    /// Block of the solver's commitment.
    pub committed_at: BlockNumber,
    /// Block of its reveal.
    pub revealed_at: BlockNumber,
    /// Block of the first reveal for the task: grace and contest window are counted from it.
    pub first_revealed_at: BlockNumber,
    /// Content id of the output.
    pub output: Cid,
    /// Seal of the trace digest, opened only in a dispute: see [`assay_types::protocol::trace_seal`].
    pub trace_seal: Hash,
    /// What is pledged of the solver's bond, in units of ASY.
    pub stake: Balance,
}
