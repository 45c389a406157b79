//! A runtime with this pallet and balances alone.

use crate as pallet_bonds;
use crate::{Event, HoldReason};
use assay_traits::Delegators;
use assay_types::{Balance, BlockNumber, Tenure as TenureIndex};
use frame_support::{
    derive_impl, parameter_types,
    traits::fungible::{InspectHold, Mutate},
    PalletId,
};
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
    pub static ExistentialDeposit: Balance = 1;
    pub static Maturity: BlockNumber = 10;
    pub static Unbonding: BlockNumber = 100;
    pub static MinimumBond: Balance = 50;
    pub const MaxTranches: u32 = 3;
    pub const MaxChunks: u32 = 3;
    pub static Tenure: TenureIndex = 0;
    pub const MaxSlashTenures: u32 = 4;
    pub const PotId: PalletId = PalletId(*b"test/pot");
    pub const MinimumDelegation: Balance = 20;
    pub const Treasury: u64 = TREASURY;
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
    type Tenure = Tenure;
    type MaxSlashTenures = MaxSlashTenures;
    type PalletId = PotId;
    type MinimumDelegation = MinimumDelegation;
    type Treasury = Treasury;
}

/// A solver with [`ENDOWMENT`].
pub const ALICE: u64 = 1;
/// A solver with [`ENDOWMENT`].
pub const BOB: u64 = 2;
/// A solver with [`ENDOWMENT`].
pub const CHARLIE: u64 = 3;
/// A delegator with [`ENDOWMENT`].
pub const DAVE: u64 = 4;
/// A delegator with [`ENDOWMENT`].
pub const EVE: u64 = 5;
/// The treasury's account; has [`ENDOWMENT`].
pub const TREASURY: u64 = 9;
/// An account that does not exist.
pub const NOBODY: u64 = 99;
/// What every account starts with.
pub const ENDOWMENT: Balance = 1_000;

/// Builds the state that tests start from: block 1, tenure 0, endowed accounts.
#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
    /// The state alone.
    pub fn build(self) -> sp_io::TestExternalities {
        Maturity::set(10);
        Unbonding::set(100);
        MinimumBond::set(50);
        ExistentialDeposit::set(1);
        Tenure::set(0);
        let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
        pallet_balances::GenesisConfig::<Test> {
            balances: [ALICE, BOB, CHARLIE, DAVE, EVE, TREASURY].map(|who| (who, ENDOWMENT)).to_vec(),
            ..Default::default()
        }
        .assimilate_storage(&mut storage)
        .unwrap();
        let mut ext = sp_io::TestExternalities::new(storage);
        ext.execute_with(|| System::set_block_number(1));
        ext
    }

    /// Runs `test`, then checks the invariants; returns what it returned.
    pub fn build_and_execute<R>(self, test: impl FnOnce() -> R) -> R {
        self.build().execute_with(|| {
            let result = test();
            Bonds::do_try_state().unwrap();
            result
        })
    }
}

/// What `who` has on hold as bond.
pub fn held(who: u64) -> Balance {
    Balances::balance_on_hold(&HoldReason::Bond.into(), &who)
}

/// What the pot has on hold as escrow, and as delegation.
pub fn pot() -> (Balance, Balance) {
    (
        Balances::balance_on_hold(&HoldReason::Bond.into(), &Bonds::pot()),
        Balances::balance_on_hold(&HoldReason::Delegation.into(), &Bonds::pot()),
    )
}

/// Has the solver earn `amount`, of which the delegators' part is minted as a payment would bring it; returns that part.
pub fn earn(solver: u64, amount: Balance) -> Balance {
    let share = <Bonds as Delegators<u64>>::share(&solver, amount);
    assert!(share <= amount);
    if share > 0 {
        Balances::mint_into(&<Bonds as Delegators<u64>>::account(), share).unwrap();
        <Bonds as Delegators<u64>>::credit(&solver, share);
    }
    share
}

/// The events of this pallet since the last call, in order.
pub fn take_events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}
