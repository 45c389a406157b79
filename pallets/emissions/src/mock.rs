//! A runtime with this pallet and balances alone.

use crate as pallet_emissions;
use crate::{Event, UNBOUNDED};
use assay_math::Curves;
use assay_traits::mock::MockDelegators;
use assay_types::{Balance, BlockNumber, Tenure as TenureIndex};
use frame_support::{derive_impl, parameter_types};
use sp_runtime::{BuildStorage, FixedU128};

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Emissions: pallet_emissions,
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
    pub static ExistentialDeposit: Balance = 1;
    pub static Tenure: TenureIndex = 0;
    pub static TenureLength: BlockNumber = 20;
    pub static RewardPerSunkFee: FixedU128 = UNBOUNDED;
    pub const Treasury: u64 = TREASURY;
    pub const Liquidity: u64 = LIQUIDITY;
    pub const Validators: u64 = VALIDATORS;
}

impl pallet_emissions::Config for Test {
    type WeightInfo = ();
    type Currency = Balances;
    type Treasury = Treasury;
    type Liquidity = Liquidity;
    type Validators = Validators;
    type Delegators = MockDelegators;
    type Tenure = Tenure;
    type TenureLength = TenureLength;
    type RewardPerSunkFee = RewardPerSunkFee;
}

/// The treasury's account.
pub const TREASURY: u64 = 100;
/// The liquidity providers' pot.
pub const LIQUIDITY: u64 = 101;
/// The validators' pot.
pub const VALIDATORS: u64 = 102;
/// Solves tasks; has nothing at first.
pub const SOLVER: u64 = 1;
/// Asks; has nothing at first.
pub const USER: u64 = 2;
/// Makes blocks; has nothing at first.
pub const AUTHOR: u64 = 3;

/// Builds the state that tests start from: block 1 of tenure 0, nobody has anything, no bound on sunk fees.
#[derive(Default)]
pub struct ExtBuilder {
    curves: Curves,
    existential_deposit: Option<Balance>,
}

impl ExtBuilder {
    /// Runs on other curves than those of Assay.
    pub fn curves(mut self, curves: Curves) -> Self {
        self.curves = curves;
        self
    }

    /// Sets the existential deposit, one unit by default.
    pub fn existential_deposit(mut self, amount: Balance) -> Self {
        self.existential_deposit = Some(amount);
        self
    }

    /// The state alone.
    pub fn build(self) -> sp_io::TestExternalities {
        ExistentialDeposit::set(self.existential_deposit.unwrap_or(1));
        Tenure::set(0);
        TenureLength::set(20);
        RewardPerSunkFee::set(UNBOUNDED);
        MockDelegators::clear();
        let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
        pallet_emissions::GenesisConfig::<Test> { curves: self.curves, ..Default::default() }
            .assimilate_storage(&mut storage)
            .unwrap();
        let mut ext = sp_io::TestExternalities::new(storage);
        ext.execute_with(|| go_to(1));
        ext
    }

    /// Runs `test`, then checks the invariants.
    pub fn build_and_execute(self, test: impl FnOnce()) {
        self.build().execute_with(|| {
            test();
            Emissions::do_try_state().unwrap();
        });
    }
}

/// Goes to `block`, and to the tenure that it is in.
pub fn go_to(block: BlockNumber) {
    System::set_block_number(block);
    Tenure::set(block / TenureLength::get());
}

/// The events of this pallet since the last call, in order.
pub fn take_events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}
