//! A runtime with this pallet and balances alone.

use crate as pallet_tasks;
use crate::{Event, HoldReason, LastTask, TaskRecord, Tasks as TaskMap};
use assay_traits::{
    mock::{MockDelegators, MockModels, MockRewards, MockVrf},
    ModelTerms, OnTaskSettled, Payload, Settlement, TaskBook,
};
use assay_types::{Balance, BlockNumber, ModelId, TaskId};
use frame_support::{
    assert_ok, derive_impl, parameter_types,
    traits::{fungible::InspectHold, Hooks},
    weights::Weight,
};
use sp_runtime::{BuildStorage, FixedU128};
use std::cell::RefCell;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Tasks: pallet_tasks,
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
    pub const ExistentialDeposit: Balance = 10;
    pub const Treasury: u64 = TREASURY;
    pub static LongestDeadline: BlockNumber = 100;
    pub static RevealGrace: BlockNumber = 3;
    pub static ContestWindow: BlockNumber = 8;
    pub static BaseDeposit: Balance = 1_000;
    pub static ByteDeposit: Balance = 2;
    pub static Retention: BlockNumber = 40;
    pub static RetractDelay: BlockNumber = 5;
    pub const MaxExternal: u32 = 1_000_000;
    pub const SweepDelay: BlockNumber = 20;
    pub static SweepBatch: u32 = 10;
}

/// Weights by which the sweeper's budget can be counted: every step weighs [`STEP`].
pub struct CountedWeights;

/// Weight of a step of the sweeper, and of its base.
pub const STEP: Weight = Weight::from_parts(100, 100);

impl crate::WeightInfo for CountedWeights {
    fn submit(bytes: u32) -> Weight {
        Weight::from_parts(bytes.into(), 0)
    }
    fn raise_fee() -> Weight {
        Weight::zero()
    }
    fn expire() -> Weight {
        Weight::zero()
    }
    fn retract() -> Weight {
        Weight::zero()
    }
    fn forget() -> Weight {
        Weight::zero()
    }
    fn on_initialize_idle() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn on_initialize_recording() -> Weight {
        Weight::from_parts(2, 0)
    }
    fn sweep_base() -> Weight {
        STEP
    }
    fn sweep_skip() -> Weight {
        STEP
    }
    fn sweep_expire() -> Weight {
        STEP
    }
    fn sweep_forget() -> Weight {
        STEP
    }
}

thread_local! {
    static NEWS: RefCell<Vec<(TaskId, ModelId, u64, Settlement)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what it is told.
pub struct News;
impl News {
    /// What was told since the last call.
    pub fn take() -> Vec<(TaskId, ModelId, u64, Settlement)> {
        NEWS.with(|news| news.take())
    }
}
impl OnTaskSettled<u64> for News {
    fn on_task_settled(task: &TaskId, model: &ModelId, solver: &u64, settlement: &Settlement) {
        NEWS.with(|news| news.borrow_mut().push((*task, *model, *solver, settlement.clone())));
    }
    fn weight() -> Weight {
        Weight::from_parts(7, 0)
    }
}

impl pallet_tasks::Config for Test {
    type WeightInfo = CountedWeights;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Models = MockModels;
    type Rewards = MockRewards;
    type Delegators = MockDelegators;
    type Vrf = MockVrf;
    type OnTaskSettled = News;
    type Treasury = Treasury;
    type DefaultDeadline = frame_support::traits::ConstU32<30>;
    type LongestDeadline = LongestDeadline;
    type RevealGrace = RevealGrace;
    type ContestWindow = ContestWindow;
    type BaseDeposit = BaseDeposit;
    type ByteDeposit = ByteDeposit;
    type Retention = Retention;
    type RetractDelay = RetractDelay;
    type MaxExternal = MaxExternal;
    type SweepDelay = SweepDelay;
    type SweepBatch = SweepBatch;
}

/// A user with [`ENDOWMENT`].
pub const ALICE: u64 = 1;
/// A user with [`ENDOWMENT`].
pub const BOB: u64 = 2;
/// A solver with [`ENDOWMENT`].
pub const SOLVER: u64 = 3;
/// Receives the fees of [`MODEL`]; has [`ENDOWMENT`].
pub const RECIPIENT: u64 = 4;
/// The treasury; has [`ENDOWMENT`].
pub const TREASURY: u64 = 5;
/// An account that does not exist.
pub const NOBODY: u64 = 99;
/// What every account starts with.
pub const ENDOWMENT: Balance = 1_000_000;
/// The model of most tests, with a flat fee of [`MODEL_FEE`] and half the full reward.
pub const MODEL: ModelId = ModelId::repeat_byte(1);
/// Flat fee of [`MODEL`].
pub const MODEL_FEE: Balance = 100;

/// Builds the state that tests start from: block 1, endowed accounts, one model.
#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
    /// The state alone.
    pub fn build(self) -> sp_io::TestExternalities {
        LongestDeadline::set(100);
        RevealGrace::set(3);
        ContestWindow::set(8);
        BaseDeposit::set(1_000);
        ByteDeposit::set(2);
        Retention::set(40);
        RetractDelay::set(5);
        SweepBatch::set(10);
        MockModels::clear();
        MockRewards::clear();
        MockDelegators::clear();
        MockVrf::set(None);
        News::take();
        set_terms(MODEL_FEE, RECIPIENT);
        let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
        pallet_balances::GenesisConfig::<Test> {
            balances: [ALICE, BOB, SOLVER, RECIPIENT, TREASURY].map(|who| (who, ENDOWMENT)).to_vec(),
            ..Default::default()
        }
        .assimilate_storage(&mut storage)
        .unwrap();
        let mut ext = sp_io::TestExternalities::new(storage);
        ext.execute_with(|| System::set_block_number(1));
        ext
    }

    /// Runs `test`, then checks the invariants and that no unit was made.
    pub fn build_and_execute(self, test: impl FnOnce()) {
        self.build().execute_with(|| {
            test();
            Tasks::do_try_state().unwrap();
        });
    }
}

/// Changes the terms of [`MODEL`].
pub fn set_terms(fee: Balance, recipient: u64) {
    MockModels::set(MODEL, ModelTerms { fee, recipient, rate: FixedU128::from_rational(1, 2) });
}

/// A signed origin.
pub fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// A payload of `bytes`.
pub fn inline(bytes: &[u8]) -> Payload {
    Payload::Inline(bytes.to_vec().try_into().unwrap())
}

/// Submits a task of [`ALICE`] with the input `hello`, no parameters and this fee, open for 10 blocks.
pub fn submit(fee: Balance) -> TaskId {
    submit_for(ALICE, fee)
}

/// Submits a task of `who` like [`submit`].
pub fn submit_for(who: u64, fee: Balance) -> TaskId {
    assert_ok!(Tasks::submit(signed(who), MODEL, Default::default(), inline(b"hello"), fee, Some(10)));
    LastTask::<Test>::get()
}

/// Submits a task and solves it with the output `world`.
pub fn submit_solved(fee: Balance) -> TaskId {
    let task = submit(fee);
    assert_ok!(<Tasks as TaskBook<u64>>::solve(&task, inline(b"world")));
    task
}

/// The record of a task, which must be there.
pub fn record(task: TaskId) -> TaskRecord<u64> {
    TaskMap::<Test>::get(task).unwrap()
}

/// Goes on to block `block`, with the hooks of each block on the way but for the sweeper.
pub fn run_to(block: BlockNumber) {
    while System::block_number() < block {
        System::set_block_number(System::block_number() + 1);
        Tasks::on_initialize(System::block_number());
    }
}

/// What `who` has on hold as fees and as deposits.
pub fn held(who: u64) -> (Balance, Balance) {
    (
        Balances::balance_on_hold(&HoldReason::Fee.into(), &who),
        Balances::balance_on_hold(&HoldReason::Deposit.into(), &who),
    )
}

/// What `who` can spend.
pub fn free(who: u64) -> Balance {
    Balances::free_balance(who)
}

/// The events of this pallet since the last call, in order.
pub fn take_events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}
