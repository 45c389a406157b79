//! Who authors and finalises blocks, and what happens to those who do it twice.

use crate::{
    adapters::{BlockEquivocations, ElectedValidators, KeyOwners, NoteAuthors, PunishOffenders, UnitIdentity},
    configs::money::KeyDeposit,
    constants::{KEPT_SESSIONS, MAX_AUTHORITIES, SLOT_DURATION},
    AccountId, Babe, Balances, Grandpa, Offences, Runtime, RuntimeEvent, Session,
};
use alloc::vec::Vec;
use frame_support::{
    parameter_types,
    traits::{ConstU32, ConstU64, Get},
};
use pallet_session::{disabling::UpToLimitDisablingStrategy, historical};
use sp_runtime::{
    impl_opaque_keys,
    traits::{ConvertInto, OpaqueKeys},
};

impl_opaque_keys! {
    /// The keys of a validator.
    pub struct SessionKeys {
        /// Authors blocks (sr25519).
        pub babe: Babe,
        /// Finalises them (ed25519).
        pub grandpa: Grandpa,
    }
}

parameter_types! {
    /// Blocks for which a report of an equivocation is accepted: as long as a bond takes to leave.
    pub ReportLongevity: u64 = u64::from(crate::parameters::dynamic_params::bonds::Unbonding::get());
}

impl pallet_babe::Config for Runtime {
    type EpochDuration = pallet_settings::EpochBlocks<Runtime>;
    type ExpectedBlockTime = ConstU64<SLOT_DURATION>;
    type EpochChangeTrigger = pallet_babe::ExternalTrigger;
    type DisabledValidators = Session;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<MAX_AUTHORITIES>;
    type MaxNominators = ConstU32<0>;
    type KeyOwnerProof = sp_session::MembershipProof;
    type EquivocationReportSystem =
        BlockEquivocations<pallet_babe::EquivocationReportSystem<Self, Offences, KeyOwners, ReportLongevity>>;
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<MAX_AUTHORITIES>;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = ConstU64<{ KEPT_SESSIONS as u64 }>;
    type KeyOwnerProof = sp_session::MembershipProof;
    type EquivocationReportSystem =
        pallet_grandpa::EquivocationReportSystem<Self, Offences, KeyOwners, ReportLongevity>;
}

impl pallet_authorship::Config for Runtime {
    type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
    type EventHandler = NoteAuthors;
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = Babe;
    type NextSessionRotation = Babe;
    type SessionManager = historical::NoteHistoricalRoot<Self, ElectedValidators>;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = UpToLimitDisablingStrategy;
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type KeyDeposit = KeyDeposit;
}

impl historical::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type FullIdentification = ();
    type FullIdentificationOf = UnitIdentity;
}

impl pallet_offences::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type IdentificationTuple = historical::IdentificationTuple<Self>;
    type OnOffenceHandler = PunishOffenders;
}
