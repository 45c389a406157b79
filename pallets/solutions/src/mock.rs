//! A runtime with this pallet and balances alone.

use crate as pallet_solutions;
use crate::{Event, HoldReason, Solutions as SolutionMap};
use assay_traits::{
    mock::{MockModels, MockStake, MockTasks},
    OnSolutionRevealed, Payload, TaskState, TaskView,
};
use assay_types::{protocol, Balance, BlockNumber, Cid, Commitment, Hash, ModelId, Salt, TaskId};
use frame_support::{assert_ok, derive_impl, parameter_types, traits::fungible::InspectHold, weights::Weight};
use sp_runtime::BuildStorage;
use std::cell::RefCell;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Solutions: pallet_solutions,
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
    pub const ExistentialDeposit: Balance = 100;
    pub const Treasury: u64 = TREASURY;
    pub static CommitmentDeposit: Balance = 50;
    pub static MinimumStake: Balance = 1_000;
    pub const SweepDelay: BlockNumber = 20;
    pub static SweepBatch: u32 = 10;
}

/// Weights by which the sweeper's budget can be counted: every step weighs [`STEP`].
pub struct CountedWeights;

/// Weight of a step of the sweeper, and of its base.
pub const STEP: Weight = Weight::from_parts(100, 100);

impl crate::WeightInfo for CountedWeights {
    fn commit() -> Weight {
        Weight::zero()
    }
    fn reveal(bytes: u32) -> Weight {
        Weight::from_parts(bytes.into(), 0)
    }
    fn claim() -> Weight {
        Weight::zero()
    }
    fn withdraw_commitment() -> Weight {
        Weight::zero()
    }
    fn forfeit_commitment() -> Weight {
        Weight::zero()
    }
    fn sweep_base() -> Weight {
        STEP
    }
    fn sweep_solution_skip() -> Weight {
        STEP
    }
    fn sweep_claim() -> Weight {
        STEP
    }
    fn sweep_commitment_skip() -> Weight {
        STEP
    }
    fn sweep_withdraw() -> Weight {
        STEP
    }
    fn sweep_forfeit() -> Weight {
        STEP
    }
}

thread_local! {
    static NEWS: RefCell<Vec<(TaskId, ModelId, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what it is told.
pub struct News;
impl News {
    /// What was told since the last call.
    pub fn take() -> Vec<(TaskId, ModelId, u64)> {
        NEWS.with(|news| news.take())
    }
}
impl OnSolutionRevealed<u64> for News {
    fn on_solution_revealed(task: &TaskId, model: &ModelId, solver: &u64) {
        NEWS.with(|news| news.borrow_mut().push((*task, *model, *solver)));
    }
    fn weight() -> Weight {
        Weight::from_parts(1_000, 0)
    }
}

impl pallet_solutions::Config for Test {
    type WeightInfo = CountedWeights;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Tasks = MockTasks;
    type Models = MockModels;
    type Stake = MockStake;
    type OnSolutionRevealed = News;
    type Treasury = Treasury;
    type CommitmentDeposit = CommitmentDeposit;
    type MinimumStake = MinimumStake;
    type SweepDelay = SweepDelay;
    type SweepBatch = SweepBatch;
}

/// A solver with [`ENDOWMENT`] and [`BOND`] that serves [`MODEL`].
pub const ALICE: u64 = 1;
/// A solver with [`ENDOWMENT`] and [`BOND`] that serves [`MODEL`].
pub const BOB: u64 = 2;
/// A solver with [`ENDOWMENT`] and [`BOND`] that serves [`MODEL`].
pub const CHARLIE: u64 = 3;
/// Somebody with [`ENDOWMENT`] who has neither bond nor model.
pub const STRANGER: u64 = 4;
/// The treasury; has [`ENDOWMENT`].
pub const TREASURY: u64 = 5;
/// What every account starts with.
pub const ENDOWMENT: Balance = 10_000;
/// The bond of each solver.
pub const BOND: Balance = 5_000;
/// The model of all tasks.
pub const MODEL: ModelId = ModelId::repeat_byte(1);
/// A task that is open from block 1 to [`DEADLINE`].
pub const TASK: TaskId = TaskId::repeat_byte(2);
/// The deadline of [`TASK`].
pub const DEADLINE: BlockNumber = 30;
/// The grace of [`TASK`].
pub const GRACE: BlockNumber = 3;
/// The contest window of [`TASK`].
pub const WINDOW: BlockNumber = 8;
/// The salt of all commitments.
pub const SALT: Salt = [7; 32];
/// The trace seal of all commitments.
pub const SEAL: Hash = Hash::repeat_byte(6);

/// Builds the state that tests start from: block 1, three solvers, one open task.
#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
    /// The state alone.
    pub fn build(self) -> sp_io::TestExternalities {
        CommitmentDeposit::set(50);
        MinimumStake::set(1_000);
        SweepBatch::set(10);
        MockModels::clear();
        MockStake::clear();
        MockTasks::clear();
        News::take();
        for solver in [ALICE, BOB, CHARLIE] {
            MockModels::serve(MODEL, solver);
            MockStake::bond(solver, BOND);
        }
        let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
        pallet_balances::GenesisConfig::<Test> {
            balances: [ALICE, BOB, CHARLIE, STRANGER, TREASURY].map(|who| (who, ENDOWMENT)).to_vec(),
            ..Default::default()
        }
        .assimilate_storage(&mut storage)
        .unwrap();
        let mut ext = sp_io::TestExternalities::new(storage);
        ext.execute_with(|| {
            run_to(1);
            put_task(TASK, 200, 100);
        });
        ext
    }

    /// Runs `test`, then checks the invariants, and that what is pledged is the stake of what stands.
    pub fn build_and_execute(self, test: impl FnOnce()) {
        self.build().execute_with(|| {
            test();
            Solutions::do_try_state().unwrap();
            for solver in [ALICE, BOB, CHARLIE] {
                let stakes = SolutionMap::<Test>::iter_values().filter(|solution| solution.solver == solver);
                assert_eq!(MockStake::pledged(solver), stakes.map(|solution| solution.stake).sum::<Balance>());
            }
        });
    }
}

/// Puts an open task there with this fee and, once it is solved, this reward.
pub fn put_task(task: TaskId, fee: Balance, reward: Balance) {
    MockTasks::set(
        task,
        TaskView {
            state: TaskState::Open,
            submitter: STRANGER,
            model: MODEL,
            fee,
            reward,
            commitments: 0,
            submitted_at: 1,
            deadline: DEADLINE,
            reveal_grace: GRACE,
            contest_window: WINDOW,
            ended_at: None,
        },
    );
}

/// Goes on to block `block`.
pub fn run_to(block: BlockNumber) {
    System::set_block_number(block);
    MockTasks::set_now(block);
}

/// A signed origin.
pub fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// A payload of `bytes`.
pub fn inline(bytes: &[u8]) -> Payload {
    Payload::Inline(bytes.to_vec().try_into().unwrap())
}

/// The commitment of `solver` to the output `bytes` for `task`.
pub fn sealed(task: TaskId, solver: u64, bytes: &[u8]) -> Commitment {
    let genesis = System::block_hash(0);
    protocol::commitment(&genesis, &task, &solver, &Cid::of(bytes), &SEAL, &SALT)
}

/// Commits `solver` to the output `world` for `task` in this block.
pub fn commit_to(task: TaskId, solver: u64) {
    assert_ok!(Solutions::commit(signed(solver), task, sealed(task, solver, b"world")));
}

/// Commits `solver` to the output `world` for [`TASK`] in this block.
pub fn commit(solver: u64) {
    commit_to(TASK, solver);
}

/// Reveals the output `world` of `solver` for [`TASK`].
pub fn reveal(solver: u64) -> frame_support::dispatch::DispatchResult {
    Solutions::reveal(signed(solver), TASK, SALT, SEAL, inline(b"world"))
}

/// Has `solver` commit in block `at` and reveal in the next.
pub fn solve(solver: u64, at: BlockNumber) {
    run_to(at);
    commit(solver);
    run_to(at + 1);
    assert_ok!(reveal(solver));
}

/// What `who` has on hold for commitments.
pub fn held(who: u64) -> Balance {
    Balances::balance_on_hold(&HoldReason::Commitment.into(), &who)
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
