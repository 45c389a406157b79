//! Who may change what is not fixed.

use crate::{adapters::Relations, AccountId, Runtime, RuntimeEvent, RuntimeParameters};
use frame_system::EnsureRoot;

/// Who governs: Root, which only the sudo key of development and local networks reaches yet.
pub type GovernanceOrigin = EnsureRoot<AccountId>;

impl pallet_parameters::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeParameters = RuntimeParameters;
    type AdminOrigin = pallet_settings::EnsureSettings;
    type WeightInfo = ();
}

impl pallet_settings::Config for Runtime {
    type WeightInfo = crate::weights::pallet_settings::WeightInfo<Runtime>;
    type GovernanceOrigin = GovernanceOrigin;
    type Relations = Relations;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::adapters::BenchmarkChanges;
}
