//! What the registry keeps of a model.

use assay_types::{Balance, Cid};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::FixedU128;

/// How far governance vouches for a model. What follows from it is for others to say.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Tier {
    /// Anyone's model, not looked at.
    #[default]
    #[codec(index = 0)]
    Open,
    /// Looked at and found to be what its manifest says.
    #[codec(index = 1)]
    Approved,
    /// Approved, and shown to give the same bits on every machine.
    #[codec(index = 2)]
    Certified,
}

/// Whether a model takes tasks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum ModelState {
    /// It takes tasks and solvers.
    #[codec(index = 0)]
    Active,
    /// It takes neither; kept while solvers still serve it.
    #[codec(index = 1)]
    Retired,
}

/// A model.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ModelRecord<AccountId> {
    /// Who offers it.
    pub owner: AccountId,
    /// Content id of its manifest.
    pub manifest: Cid,
    /// Flat fee of each task, in units of ASY.
    pub fee: Balance,
    /// Who receives the flat fee.
    pub recipient: AccountId,
    /// Share of the full work reward that its tasks earn, at most one.
    pub rate: FixedU128,
    /// How far governance vouches for it.
    pub tier: Tier,
    /// Whether it takes tasks.
    pub state: ModelState,
    /// Held from the owner, in units of ASY; zero once retired, and for models of the genesis.
    pub deposit: Balance,
    /// How many solvers serve it.
    pub solvers: u32,
}
