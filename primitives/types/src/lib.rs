//! What every room of Assay speaks: identifiers, content ids, units and the wire formats of inference.
//!
//! No rules live here: a type, its encoding, and how it is derived from bytes. The rules are in the pallets.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod cid;
pub mod election;
pub mod inference;
pub mod protocol;

pub use cid::Cid;

use sp_runtime::{
    traits::{IdentifyAccount, Verify},
    MultiSignature,
};

/// A 256-bit hash.
pub type Hash = sp_core::H256;
/// Identifies a model on chain: see [`protocol::model_id`].
pub type ModelId = Hash;
/// Identifies a task on chain: see [`protocol::task_id`].
pub type TaskId = Hash;
/// Hash of a sealed result: see [`protocol::commitment`].
pub type Commitment = Hash;
/// Digest of everything an exact engine computed at generated positions; opened only in a dispute.
pub type TraceDigest = Hash;
/// Names a result, an output and its trace digest together: see [`protocol::result_id`].
pub type ResultId = Hash;
/// The secret that seals a commitment until its reveal.
pub type Salt = [u8; 32];
/// Output of the verifiable random function of a block's author.
pub type BlockRandomness = [u8; 32];
/// An amount of ASY in its smallest unit, 10^-12 ASY.
pub type Balance = u128;
/// Height of a block; blocks are three seconds apart.
pub type BlockNumber = u32;
/// Number of transactions an account has sent.
pub type Nonce = u32;
/// Index of a session, which is also an epoch of BABE and a tenure of an elected solver.
pub type Tenure = u32;
/// A signature of any of the supported schemes (sr25519, ed25519, secp256k1).
pub type Signature = MultiSignature;
/// An account, by the public key (or its hash) that controls it.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;

/// Decimal places of ASY.
pub const DECIMALS: u8 = 12;
/// One ASY in its smallest unit.
pub const ASY: Balance = 1_000_000_000_000;
/// A thousandth of an ASY.
pub const MILLI_ASY: Balance = ASY / 1_000;
/// A millionth of an ASY.
pub const MICRO_ASY: Balance = ASY / 1_000_000;

/// Longest payload that is kept in the chain's state, in bytes.
pub const MAX_INLINE: u32 = 16 * 1024;
/// Longest payload that is kept outside the chain, in bytes.
pub const MAX_EXTERNAL: u32 = 32 * 1024 * 1024;
/// Longest encoded [`inference::Parameters`], in bytes.
pub const MAX_PARAMETERS: u32 = 256;
