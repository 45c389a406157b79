//! What can be asked, who answers, and what it costs and earns. Amounts are in units of ASY.

use alloc::vec::Vec;
use assay_traits::ModelTerms;
use assay_types::{Balance, BlockNumber, Cid, ModelId};
use codec::{Decode, Encode};
use scale_info::TypeInfo;
use sp_runtime::FixedU128;

/// A model: `pallet_models::Models`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ModelSummary<AccountId> {
    /// Its id.
    pub id: ModelId,
    /// Who offers it.
    pub owner: AccountId,
    /// Content id of its manifest.
    pub manifest: Cid,
    /// What it asks of tasks to come, and which share of the full reward they earn.
    pub terms: ModelTerms<AccountId>,
    /// How far governance vouches for it.
    pub tier: Tier,
    /// Whether it takes tasks.
    pub active: bool,
    /// Held from the owner.
    pub deposit: Balance,
    /// How many have declared to serve it, whether their bond suffices or not.
    pub solvers: u32,
}

/// How far governance vouches for a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum Tier {
    /// Anyone's model, not looked at.
    #[codec(index = 0)]
    Open,
    /// Looked at and found to be what its manifest says.
    #[codec(index = 1)]
    Approved,
    /// Approved, and shown to give the same bits on every machine.
    #[codec(index = 2)]
    Certified,
}

/// How many open tasks there are for each model.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, TypeInfo)]
pub struct Demand {
    /// Models with open tasks, each with their number.
    pub open: Vec<(ModelId, u32)>,
    /// Tasks that were looked at, at most [`crate::MAX_SCAN`].
    pub looked_at: u32,
    /// Whether these were all: if not, the numbers are too low.
    pub complete: bool,
}

/// A solver of a model, and its stake.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct SolverSummary<AccountId> {
    /// The solver.
    pub account: AccountId,
    /// Its own bond.
    pub bond: Balance,
    /// What of the bond is mature.
    pub mature: Balance,
    /// What of the bond is pledged to solutions and disputes.
    pub pledged: Balance,
    /// What others have delegated to it.
    pub delegated: Balance,
    /// Whether its bond allows it to commit to tasks now.
    pub eligible: bool,
}

/// What a task would cost and earn if it were submitted now.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct FeeEstimate {
    /// The model's own part of the fee: the least fee that a task may offer.
    pub model_fee: Balance,
    /// The treasury's part of the fee.
    pub treasury: Balance,
    /// The part of the fee for solver and delegators.
    pub solver: Balance,
    /// What a solution revealed now would mint; `None` if the fee is below the model's.
    pub reward: Option<Balance>,
    /// Held of the submitter until the task is forgotten.
    pub base_deposit: Balance,
    /// Held of the submitter for parameters and input until the task ends.
    pub byte_deposit: Balance,
}

/// Where the emission stands.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Supply {
    /// Everything that exists.
    pub issuance: Balance,
    /// Minted to the authors of blocks so far.
    pub minted_authors: Balance,
    /// Minted for work so far.
    pub minted_work: Balance,
    /// Reserved for solutions that have not been settled.
    pub reserved_work: Balance,
    /// Scheduled for authors by now.
    pub scheduled_authors: Balance,
    /// Scheduled for work by now.
    pub scheduled_work: Balance,
    /// All that authors will ever be minted.
    pub cap_authors: Balance,
    /// All that work will ever be minted.
    pub cap_work: Balance,
    /// What work rewards are multiplied by.
    pub multiplier: FixedU128,
    /// What this tenure still may reserve for work.
    pub tenure_left: Balance,
}

/// What the emission schedules by a block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Schedule {
    /// The block.
    pub block: BlockNumber,
    /// For authors, from the first block to this one.
    pub authors: Balance,
    /// For work, from the first block to this one.
    pub work: Balance,
    /// For the author of this block.
    pub authors_in_block: Balance,
    /// For work in this block.
    pub work_in_block: Balance,
}
