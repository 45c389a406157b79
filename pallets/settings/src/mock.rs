//! A runtime with this pallet and `pallet_parameters`, three parameters and one relation between two of them.

use crate as pallet_settings;
use assay_traits::ParameterRelations;
use assay_types::BlockNumber;
use frame_support::{
    derive_impl,
    dynamic_params::{dynamic_pallet_params, dynamic_params},
    traits::Get,
};
use frame_system::EnsureRoot;
use sp_runtime::BuildStorage;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Parameters: pallet_parameters,
        Settings: pallet_settings,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

/// The parameters of this runtime and their defaults.
#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Test>)]
pub mod parameters {
    use super::*;

    /// Times, in blocks.
    #[dynamic_pallet_params]
    #[codec(index = 0)]
    pub mod times {
        /// How long leaving takes; longer than `Window`.
        #[codec(index = 0)]
        pub static Unbonding: u32 = 100;
        /// How long a contest may come.
        #[codec(index = 1)]
        pub static Window: u32 = 10;
    }

    /// Prices.
    #[dynamic_pallet_params]
    #[codec(index = 1)]
    pub mod prices {
        /// A deposit.
        #[codec(index = 0)]
        pub static Deposit: u128 = 7;
    }
}

pub use parameters::{prices::Deposit, times::Unbonding, times::Window};

/// A change of [`Unbonding`].
pub fn unbonding(value: impl Into<Option<u32>>) -> RuntimeParameters {
    RuntimeParameters::Times(parameters::times::Parameters::Unbonding(Unbonding, value.into()))
}

/// A change of [`Window`].
pub fn window(value: impl Into<Option<u32>>) -> RuntimeParameters {
    RuntimeParameters::Times(parameters::times::Parameters::Window(Window, value.into()))
}

/// A change of [`Deposit`].
pub fn deposit(value: impl Into<Option<u128>>) -> RuntimeParameters {
    RuntimeParameters::Prices(parameters::prices::Parameters::Deposit(Deposit, value.into()))
}

#[derive_impl(pallet_parameters::config_preludes::TestDefaultConfig)]
impl pallet_parameters::Config for Test {
    type AdminOrigin = pallet_settings::EnsureSettings;
}

/// Unbonding takes longer than the window.
pub struct Relations;
impl ParameterRelations for Relations {
    fn check() -> Result<(), &'static str> {
        if <Unbonding as Get<u32>>::get() > <Window as Get<u32>>::get() {
            Ok(())
        } else {
            Err("unbonding > window")
        }
    }
}

/// Changes that leave the relation whole.
#[cfg(feature = "runtime-benchmarks")]
pub struct Helper;
#[cfg(feature = "runtime-benchmarks")]
impl pallet_settings::BenchmarkHelper<RuntimeParameters> for Helper {
    fn changes() -> Vec<RuntimeParameters> {
        vec![unbonding(1_000), window(1), deposit(2)]
    }
}

impl pallet_settings::Config for Test {
    type WeightInfo = ();
    type GovernanceOrigin = EnsureRoot<u64>;
    type Relations = Relations;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Helper;
}

/// Builds the state that tests start from: block 1, epochs of 20 blocks, default parameters.
pub struct ExtBuilder {
    epoch_length: BlockNumber,
    parameters: Vec<RuntimeParameters>,
}

impl Default for ExtBuilder {
    fn default() -> Self {
        Self { epoch_length: 20, parameters: vec![] }
    }
}

impl ExtBuilder {
    /// Sets the length of an epoch.
    pub fn epoch_length(mut self, blocks: BlockNumber) -> Self {
        self.epoch_length = blocks;
        self
    }

    /// Sets the first parameters.
    pub fn parameters(mut self, parameters: Vec<RuntimeParameters>) -> Self {
        self.parameters = parameters;
        self
    }

    /// The state alone.
    pub fn build(self) -> sp_io::TestExternalities {
        let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
        pallet_settings::GenesisConfig::<Test> { epoch_length: self.epoch_length, parameters: self.parameters }
            .assimilate_storage(&mut storage)
            .unwrap();
        let mut ext = sp_io::TestExternalities::new(storage);
        ext.execute_with(|| System::set_block_number(1));
        ext
    }

    /// Runs `test`, then checks the invariants.
    pub fn build_and_execute(self, test: impl FnOnce()) {
        self.build().execute_with(|| {
            test();
            Settings::do_try_state().unwrap();
        });
    }
}
