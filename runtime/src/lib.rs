//! The Assay runtime: joins the pallets.
//!
//! One blob serves every network: what differs between them is their genesis (see [`genesis_config_presets`]). The
//! configuration of the pallets is in [`configs`], what joins them in [`adapters`], what governance may change in
//! [`parameters`], and what must hold between those values in [`relations`].

#![cfg_attr(not(feature = "std"), no_std)]
// `frame_support::runtime` and `impl_runtime_apis` generate deep types, and items without documentation.
#![recursion_limit = "512"]
#![allow(missing_docs)]

extern crate alloc;

// The WebAssembly blob of this runtime, as its build script made it.
#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

// First, because its macros are used below.
#[cfg(feature = "runtime-benchmarks")]
#[macro_use]
mod benches;

pub mod adapters;
pub mod apis;
pub mod configs;
pub mod constants;
pub mod genesis_config_presets;
pub mod parameters;
pub mod queries;
pub mod relations;
pub mod shipped_models;
pub mod weights;

pub use apis::{api, RuntimeApi};
pub use assay_types::{AccountId, Balance, BlockNumber, Hash, Nonce, Signature};
pub use configs::{accounts::ProxyType, consensus::SessionKeys};
pub use parameters::RuntimeParameters;

use alloc::{borrow::Cow, vec::Vec};
use pallet_session::historical as pallet_session_historical;
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_runtime::{generic, traits::BlakeTwo256, MultiAddress};
use sp_version::RuntimeVersion;

/// Version of this runtime.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("assay"),
    impl_name: Cow::Borrowed("assay"),
    authoring_version: 1,
    spec_version: 5,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

/// One block in four has a primary author; every other has a secondary one, and each author a VRF output.
pub const BABE_GENESIS_EPOCH_CONFIG: BabeEpochConfiguration =
    BabeEpochConfiguration { c: (1, 4), allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots };

/// An account as transactions name it.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// A block's id.
pub type BlockId = generic::BlockId<Block>;
/// A block with its seal.
pub type SignedBlock = generic::SignedBlock<Block>;
/// What is checked of every transaction, in this order.
pub type TxExtension = (
    frame_system::AuthorizeCall<Runtime>,
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);
/// A transaction as it arrives.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What a transaction's signature is over.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;
/// Migrations that run in the first block of a new runtime.
pub type SingleBlockMigrations =
    (pallet_bonds::migrations::V1ToV2<Runtime>, pallet_elections::migrations::Found<Runtime>);
/// Migrations that take several blocks; none yet, and the first will find its machinery here.
pub type MultiBlockMigrations = ();
/// Executes blocks.
pub type Executive =
    frame_executive::Executive<Runtime, Block, frame_system::ChainContext<Runtime>, Runtime, AllPalletsWithSystem>;

/// Types that a node needs without knowing the runtime's calls.
pub mod opaque {
    pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

    /// A block whose transactions are bytes.
    pub type Block = sp_runtime::generic::Block<super::Header, UncheckedExtrinsic>;
}

#[allow(missing_docs)]
#[frame_support::runtime]
mod runtime {
    use super::*;

    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Runtime>;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp::Pallet<Runtime>;
    #[runtime::pallet_index(2)]
    pub type Babe = pallet_babe::Pallet<Runtime>;
    #[runtime::pallet_index(4)]
    pub type Balances = pallet_balances::Pallet<Runtime>;
    #[runtime::pallet_index(5)]
    pub type TransactionPayment = pallet_transaction_payment::Pallet<Runtime>;
    #[runtime::pallet_index(6)]
    pub type Offences = pallet_offences::Pallet<Runtime>;
    #[runtime::pallet_index(7)]
    pub type Historical = pallet_session_historical::Pallet<Runtime>;
    #[runtime::pallet_index(8)]
    pub type Session = pallet_session::Pallet<Runtime>;
    #[runtime::pallet_index(9)]
    pub type Grandpa = pallet_grandpa::Pallet<Runtime>;
    #[runtime::pallet_index(10)]
    pub type Utility = pallet_utility::Pallet<Runtime>;
    #[runtime::pallet_index(11)]
    pub type Proxy = pallet_proxy::Pallet<Runtime>;
    #[runtime::pallet_index(12)]
    pub type Multisig = pallet_multisig::Pallet<Runtime>;
    #[runtime::pallet_index(13)]
    pub type Parameters = pallet_parameters::Pallet<Runtime>;
    #[runtime::pallet_index(14)]
    pub type Migrations = pallet_migrations::Pallet<Runtime>;
    #[runtime::pallet_index(15)]
    pub type Sudo = pallet_sudo::Pallet<Runtime>;
    // After Session: the first author of a session is one of its own validators, and pallets go by their index.
    #[runtime::pallet_index(16)]
    pub type Authorship = pallet_authorship::Pallet<Runtime>;

    #[runtime::pallet_index(20)]
    pub type Settings = pallet_settings::Pallet<Runtime>;
    #[runtime::pallet_index(21)]
    pub type Models = pallet_models::Pallet<Runtime>;
    #[runtime::pallet_index(22)]
    pub type Bonds = pallet_bonds::Pallet<Runtime>;
    #[runtime::pallet_index(23)]
    pub type Emissions = pallet_emissions::Pallet<Runtime>;
    #[runtime::pallet_index(24)]
    pub type Tasks = pallet_tasks::Pallet<Runtime>;
    #[runtime::pallet_index(25)]
    pub type Solutions = pallet_solutions::Pallet<Runtime>;
    #[runtime::pallet_index(26)]
    pub type Contestation = pallet_contestation::Pallet<Runtime>;
    #[runtime::pallet_index(27)]
    pub type Elections = pallet_elections::Pallet<Runtime>;
}

impl<C> frame_system::offchain::CreateTransactionBase<C> for Runtime
where
    RuntimeCall: From<C>,
{
    type Extrinsic = UncheckedExtrinsic;
    type RuntimeCall = RuntimeCall;
}

impl<C> frame_system::offchain::CreateBare<C> for Runtime
where
    RuntimeCall: From<C>,
{
    fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
        UncheckedExtrinsic::new_bare(call)
    }
}
