//! A runtime with this pallet and balances alone; sessions, keys, stake and randomness are stand-ins.

use crate as pallet_elections;
use crate::{Event, HasKeys, HasSeatBond, HoldReason, NotChilled, RecentWork, Reliable};
use assay_traits::{
    mock::{MockKeys, MockStake, MockVrf},
    OnTaskSettled, ValidatorKeys,
};
use assay_types::{
    election::{self, VrfProof},
    Balance, BlockNumber, Hash, Tenure as TenureIndex,
};
use frame_support::{
    assert_ok, derive_impl, parameter_types,
    traits::{
        fungible::{InspectHold, Mutate},
        Hooks,
    },
    weights::Weight,
    PalletId,
};
use sp_core::{sr25519::Pair, Pair as _};
use sp_runtime::{BuildStorage, DispatchResult};
use std::cell::RefCell;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Elections: pallet_elections,
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
    pub static SeatBondAmount: Balance = 100;
    pub static MinimumCommit: Balance = 10;
    pub static LeastCommits: u32 = 1;
    pub static Seats: u32 = 2;
    pub static CommitteeSize: u32 = 2;
    pub const SeatUnbonding: BlockNumber = 100;
    pub const MaxCandidates: u32 = 6;
    pub const MaxSeats: u32 = 4;
    pub const MaxCommittee: u32 = 3;
    pub const MaxStanding: u32 = 3;
    pub const MaxValidators: u32 = 8;
    pub static PruneBatch: u32 = 2;
    pub const PotId: PalletId = PalletId(*b"test/pot");
    pub const Treasury: u64 = TREASURY;
}

/// Weight of looking whether there is something to prune, and of pruning it.
pub const STEP: Weight = Weight::from_parts(100, 100);

/// Weights by which the budget of pruning can be counted.
pub struct CountedWeights;

macro_rules! weighs_nothing {
    ($($name:ident($($argument:ident),*))*) => {
        $(fn $name($($argument: u32),*) -> Weight {
            $(let _ = $argument;)*
            Weight::zero()
        })*
    };
}

impl crate::WeightInfo for CountedWeights {
    weighs_nothing! {
        register() commit() stand() leave() evict() withdraw_seat_bond() resume() mix() draw(n) note_author() note_work()
        change_tenure(n, s) note_offence()
    }
    fn prune_base() -> Weight {
        STEP
    }
    fn prune(_: u32) -> Weight {
        STEP
    }
}

type Presence = (HasKeys<Test>, HasSeatBond<Test>, NotChilled<Test>);

impl pallet_elections::Config for Test {
    type WeightInfo = CountedWeights;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Tenure = Tenure;
    type Vrf = MockVrf;
    type Keys = MockKeys;
    type Stake = MockStake;
    type Qualifiers = (Presence, RecentWork<Test>, Reliable<Test>);
    type Presence = Presence;
    type Treasury = Treasury;
    type PalletId = PotId;
    type SeatBond = SeatBondAmount;
    type SeatUnbonding = SeatUnbonding;
    type MinimumCommit = MinimumCommit;
    type LeastCommits = LeastCommits;
    type Seats = Seats;
    type CommitteeSize = CommitteeSize;
    type MaxCandidates = MaxCandidates;
    type MaxSeats = MaxSeats;
    type MaxCommittee = MaxCommittee;
    type MaxStanding = MaxStanding;
    type MaxValidators = MaxValidators;
    type PruneBatch = PruneBatch;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Tenure;
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper for Tenure {
    fn set_tenure(tenure: TenureIndex) {
        Tenure::set(tenure);
    }
}

/// Validators that genesis names, with keys and [`ENDOWMENT`].
pub const FOUNDERS: [u64; 3] = [1, 2, 3];
/// The treasury's account; has [`ENDOWMENT`].
pub const TREASURY: u64 = 9;
/// The first of ten accounts with [`ENDOWMENT`] that become candidates.
pub const FIRST: u64 = 10;
/// The first of ten accounts with [`ENDOWMENT`] that stand.
pub const STANDING: u64 = 30;
/// What every account starts with.
pub const ENDOWMENT: Balance = 10_000;
/// Blocks of a tenure.
pub const TENURE_BLOCKS: BlockNumber = 10;

thread_local! {
    static QUEUED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// The state that tests start from: block 1 of tenure 0, three founders.
pub fn new_test_ext() -> sp_io::TestExternalities {
    Tenure::set(0);
    ExistentialDeposit::set(1);
    SeatBondAmount::set(100);
    MinimumCommit::set(10);
    LeastCommits::set(1);
    Seats::set(2);
    CommitteeSize::set(2);
    PruneBatch::set(2);
    MockKeys::clear();
    MockStake::clear();
    MockVrf::set(None);
    MockKeys::set_validators(FOUNDERS.to_vec());
    QUEUED.with(|queued| *queued.borrow_mut() = FOUNDERS.to_vec());
    for founder in FOUNDERS {
        MockKeys::set(founder, Some(keys(founder)));
    }
    let accounts = FOUNDERS.into_iter().chain([TREASURY]).chain(FIRST..FIRST + 10).chain(STANDING..STANDING + 10);
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> {
        balances: accounts.map(|who| (who, ENDOWMENT)).collect(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    pallet_elections::GenesisConfig::<Test>::default().assimilate_storage(&mut storage).unwrap();
    let mut ext = sp_io::TestExternalities::new(storage);
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs `test` on a fresh state, then checks the invariants.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        test();
        check();
    });
}

/// Checks the invariants.
pub fn check() {
    Elections::do_try_state().unwrap();
}

/// The hash of the session keys of `who`.
pub fn keys(who: u64) -> Hash {
    Hash::from_low_u64_be(who)
}

/// The pair behind the function of `who`.
pub fn pair(who: u64) -> Pair {
    Pair::from_seed(&[who as u8; 32])
}

/// A signed origin.
pub fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// Registers `who` with its keys.
pub fn register(who: u64) -> DispatchResult {
    MockKeys::set(who, Some(keys(who)));
    Elections::register(signed(who), pair(who).public().0, keys(who))
}

/// The proof of `who` for this tenure.
pub fn proof(who: u64) -> VrfProof {
    let (genesis, tenure, accumulator) = Elections::vrf_input();
    election::vrf_sign(&pair(who), &genesis, tenure, &accumulator, &who)
}

/// Has `who` commit.
pub fn commit(who: u64, amount: Balance) -> DispatchResult {
    Elections::commit(signed(who), amount, proof(who))
}

/// Has a solution of `who` paid.
pub fn work(who: u64) {
    Elections::on_task_settled(&Default::default(), &Default::default(), &who, &Default::default());
}

/// Makes `count` candidates that may commit now and have been paid for work.
pub fn candidates(count: u64) -> Vec<u64> {
    let candidates: Vec<_> = (FIRST..FIRST + count).collect();
    for who in &candidates {
        assert_ok!(register(*who));
    }
    next_tenure();
    next_tenure();
    candidates.iter().for_each(|who| work(*who));
    candidates
}

/// Gives `who` keys and a stake, and has it stand.
pub fn stand(who: u64, stake: Balance) -> DispatchResult {
    MockKeys::set(who, Some(keys(who)));
    MockStake::bond(who, stake);
    Elections::stand(signed(who))
}

/// Goes to the next block, without a change of tenures; its author is the first validator.
pub fn next_block() {
    System::set_block_number(System::block_number() + 1);
    MockVrf::set(Some([System::block_number() as u8; 32]));
    Elections::on_initialize(System::block_number());
}

/// Ends the tenure after ten blocks, all validators but `absent` having made one, as a session pallet does it.
pub fn next_tenure_without(absent: &[u64]) {
    for validator in MockKeys::validators() {
        if !absent.contains(&validator) {
            Elections::note_author(&validator);
        }
    }
    System::set_block_number(System::block_number() + TENURE_BLOCKS);
    MockVrf::set(Some([System::block_number() as u8; 32]));
    Elections::end_tenure();
    MockKeys::set_validators(QUEUED.with(|queued| queued.borrow().clone()));
    Tenure::set(Tenure::get() + 1);
    Elections::start_tenure();
    let named = Elections::name_set(Tenure::get() + 1).unwrap_or_else(MockKeys::validators);
    QUEUED.with(|queued| *queued.borrow_mut() = named);
    Elections::on_initialize(System::block_number());
    check();
}

/// Ends the tenure.
pub fn next_tenure() {
    next_tenure_without(&[]);
}

/// The validators of this tenure.
pub fn validators() -> Vec<u64> {
    MockKeys::validators()
}

/// What `who` has on hold as seat bond.
pub fn held(who: u64) -> Balance {
    Balances::balance_on_hold(&HoldReason::Seat.into(), &who)
}

/// Gives `who` exactly this free balance.
pub fn set_balance(who: u64, amount: Balance) {
    Balances::set_balance(&who, amount);
}

/// The events of this pallet since the last call, in order.
pub fn take_events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}
