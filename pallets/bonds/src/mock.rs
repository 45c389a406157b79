//! A runtime with this pallet and balances alone.

use crate as pallet_bonds;
use crate::{Event, HoldReason};
use assay_types::{Balance, BlockNumber};
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold};
use sp_runtime::BuildStorage;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Bonds: pallet_bonds,
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
    pub static Maturity: BlockNumber = 10;
    pub static Unbonding: BlockNumber = 100;
    pub static MinimumBond: Balance = 50;
    pub const MaxTranches: u32 = 3;
    pub const MaxChunks: u32 = 3;
}

impl pallet_bonds::Config for Test {
    type WeightInfo = ();
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Maturity = Maturity;
    type Unbonding = Unbonding;
    type MinimumBond = MinimumBond;
    type MaxTranches = MaxTranches;
    type MaxChunks = MaxChunks;
}

/// A solver with [`ENDOWMENT`].
pub const ALICE: u64 = 1;
/// A solver with [`ENDOWMENT`].
pub const BOB: u64 = 2;
/// A solver with [`ENDOWMENT`].
pub const CHARLIE: u64 = 3;
/// What every account starts with.
pub const ENDOWMENT: Balance = 1_000;

/// Builds the state that tests start from: block 1, three endowed accounts.
#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
    /// The state alone.
    pub fn build(self) -> sp_io::TestExternalities {
        Maturity::set(10);
        Unbonding::set(100);
        MinimumBond::set(50);
        let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
        pallet_balances::GenesisConfig::<Test> {
            balances: [ALICE, BOB, CHARLIE].map(|who| (who, ENDOWMENT)).to_vec(),
            ..Default::default()
        }
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
            Bonds::do_try_state().unwrap();
        });
    }
}

/// What `who` has on hold as bond.
pub fn held(who: u64) -> Balance {
    Balances::balance_on_hold(&HoldReason::Bond.into(), &who)
}

/// The events of this pallet since the last call, in order.
pub fn take_events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}
