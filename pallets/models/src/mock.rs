//! A runtime with this pallet and balances alone.

use crate as pallet_models;
use crate::{Event, GenesisModel, HoldReason};
use assay_types::{protocol, Balance, Cid, ModelId};
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold};
use frame_system::EnsureRoot;
use sp_runtime::BuildStorage;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Models: pallet_models,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ExistentialDeposit;
}

parameter_types! {
    pub const ExistentialDeposit: Balance = 1;
    pub static RegistrationDeposit: Balance = 100;
    pub static ServiceDeposit: Balance = 10;
    pub const MaxServed: u32 = 3;
}

impl pallet_models::Config for Test {
    type WeightInfo = ();
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type GovernanceOrigin = EnsureRoot<u64>;
    type RegistrationDeposit = RegistrationDeposit;
    type ServiceDeposit = ServiceDeposit;
    type MaxServed = MaxServed;
}

/// An owner with [`ENDOWMENT`].
pub const OWNER: u64 = 1;
/// A solver with [`ENDOWMENT`].
pub const SOLVER: u64 = 2;
/// Another solver with [`ENDOWMENT`].
pub const OTHER: u64 = 3;
/// Receives fees; has no balance.
pub const RECIPIENT: u64 = 4;
/// What every endowed account starts with.
pub const ENDOWMENT: Balance = 1_000;

/// Builds the state that tests start from: block 1, three endowed accounts, no models.
#[derive(Default)]
pub struct ExtBuilder {
    models: Vec<GenesisModel<u64>>,
}

impl ExtBuilder {
    /// Adds models to the genesis.
    pub fn models(mut self, models: Vec<GenesisModel<u64>>) -> Self {
        self.models = models;
        self
    }

    /// The state alone.
    pub fn build(self) -> sp_io::TestExternalities {
        RegistrationDeposit::set(100);
        ServiceDeposit::set(10);
        let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
        pallet_balances::GenesisConfig::<Test> {
            balances: [OWNER, SOLVER, OTHER].map(|who| (who, ENDOWMENT)).to_vec(),
            ..Default::default()
        }
        .assimilate_storage(&mut storage)
        .unwrap();
        pallet_models::GenesisConfig::<Test> { models: self.models }.assimilate_storage(&mut storage).unwrap();
        let mut ext = sp_io::TestExternalities::new(storage);
        ext.execute_with(|| System::set_block_number(1));
        ext
    }

    /// Runs `test`, then checks the invariants.
    pub fn build_and_execute(self, test: impl FnOnce()) {
        self.build().execute_with(|| {
            test();
            Models::do_try_state().unwrap();
        });
    }
}

/// What `who` has on hold for the models that it offers.
pub fn registration_held(who: u64) -> Balance {
    Balances::balance_on_hold(&HoldReason::Registration.into(), &who)
}

/// What `who` has on hold for the models that it serves.
pub fn service_held(who: u64) -> Balance {
    Balances::balance_on_hold(&HoldReason::Service.into(), &who)
}

/// The `n`-th manifest.
pub fn manifest(n: u8) -> Cid {
    Cid::of(&[n])
}

/// Registers the `n`-th model of [`OWNER`] and returns its id.
pub fn registered(n: u8) -> ModelId {
    Models::register(RuntimeOrigin::signed(OWNER), manifest(n), 5, RECIPIENT).unwrap();
    protocol::model_id(&OWNER, &manifest(n))
}

/// The events of this pallet since the last call, in order.
pub fn take_events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}
