//! A runtime with this pallet alone; stake, tasks, solutions, models and committee are stand-ins.

use crate as pallet_contestation;
use crate::{Disputes, Event, Quorum};
use assay_traits::{
    mock::{MockCommittee, MockModels, MockSolutions, MockStake, MockTasks},
    OnDisputeResolved, SolverStake, StandingSolution, TaskState, TaskView, Verdict,
};
use assay_types::{protocol, Balance, BlockNumber, Cid, Hash, ModelId, ResultId, Salt, TaskId, TraceDigest};
use frame_support::{assert_ok, derive_impl, parameter_types, weights::Weight};
use sp_runtime::{BuildStorage, DispatchResult};
use std::cell::RefCell;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Contestation: pallet_contestation,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

parameter_types! {
    pub static BallotCommit: BlockNumber = 6;
    pub static BallotOpen: BlockNumber = 5;
    pub static TheQuorum: Quorum = Quorum { ballots: 3, weight: 2 };
    pub const MaxCommittee: u32 = 5;
    pub const SweepDelay: BlockNumber = 20;
    pub static SweepBatch: u32 = 10;
}

/// Weights by which the sweeper's budget can be counted: every step weighs [`STEP`].
pub struct CountedWeights;

/// Weight of a step of the sweeper, and of its base.
pub const STEP: Weight = Weight::from_parts(100, 100);

impl crate::WeightInfo for CountedWeights {
    fn contest(_: u32) -> Weight {
        Weight::zero()
    }
    fn vote() -> Weight {
        Weight::zero()
    }
    fn open() -> Weight {
        Weight::zero()
    }
    fn open_solution() -> Weight {
        Weight::zero()
    }
    fn settle() -> Weight {
        Weight::zero()
    }
    fn pull() -> Weight {
        Weight::zero()
    }
    fn charge_absent() -> Weight {
        Weight::zero()
    }
    fn sweep_base() -> Weight {
        STEP
    }
    fn sweep_dispute_skip() -> Weight {
        STEP
    }
    fn sweep_settle() -> Weight {
        STEP
    }
    fn sweep_charge() -> Weight {
        STEP
    }
    fn sweep_ballot_skip() -> Weight {
        STEP
    }
    fn sweep_pull() -> Weight {
        STEP
    }
}

thread_local! {
    static NEWS: RefCell<Vec<(TaskId, u64, u64, Verdict)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what it is told.
pub struct News;
impl News {
    /// What was told since the last call: task, solver, contester, verdict.
    pub fn take() -> Vec<(TaskId, u64, u64, Verdict)> {
        NEWS.with(|news| news.take())
    }
}
impl OnDisputeResolved<u64> for News {
    fn on_dispute_resolved(task: &TaskId, model: &ModelId, solver: &u64, contester: &u64, verdict: Verdict) {
        assert_eq!(*model, MODEL);
        NEWS.with(|news| news.borrow_mut().push((*task, *solver, *contester, verdict)));
    }
    fn weight() -> Weight {
        Weight::zero()
    }
}

impl pallet_contestation::Config for Test {
    type WeightInfo = CountedWeights;
    type BlockNumberProvider = System;
    type Tasks = MockTasks;
    type Solutions = MockSolutions;
    type Models = MockModels;
    type Stake = MockStake;
    type Committee = MockCommittee;
    type OnDisputeResolved = News;
    type BallotCommit = BallotCommit;
    type BallotOpen = BallotOpen;
    type Quorum = TheQuorum;
    type MaxCommittee = MaxCommittee;
    type SweepDelay = SweepDelay;
    type SweepBatch = SweepBatch;
}

/// Whose solution is contested; has [`BOND`].
pub const SOLVER: u64 = 1;
/// Who contests; has [`BOND`].
pub const CONTESTER: u64 = 2;
/// Voters, each with [`BOND`], who serve [`MODEL`].
pub const VOTERS: [u64; 5] = [11, 12, 13, 14, 15];
/// Somebody without a bond.
pub const STRANGER: u64 = 99;
/// The bond of each solver, mature.
pub const BOND: Balance = 10_000;
/// The stake of [`TASK`]'s solution.
pub const STAKE: Balance = 2_000;
/// A voter's stake.
pub const BALLOT: Balance = 1_000;
/// The fee of [`TASK`].
pub const FEE: Balance = 300;
/// The model of all tasks.
pub const MODEL: ModelId = ModelId::repeat_byte(1);
/// A task with a solution that can be contested in blocks [`FIRST`] to [`LAST`].
pub const TASK: TaskId = TaskId::repeat_byte(2);
/// First block in which [`TASK`]'s solution can be contested.
pub const FIRST: BlockNumber = 14;
/// Last block in which [`TASK`]'s solution can be contested.
pub const LAST: BlockNumber = 21;
/// The salt of all ballots.
pub const SALT: Salt = [7; 32];

/// A result: the output, and a trace that is as true or as false as it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer(pub u8);
/// What the solution says.
pub const SOLUTION: Answer = Answer(1);
/// What the contester says.
pub const OTHER: Answer = Answer(2);
/// What neither says.
pub const THIRD: Answer = Answer(3);

impl Answer {
    /// Its output.
    pub fn output(self) -> Cid {
        Cid::of(&[self.0])
    }
    /// Its trace.
    pub fn trace(self) -> TraceDigest {
        TraceDigest::repeat_byte(self.0)
    }
    /// Its id.
    pub fn id(self) -> ResultId {
        protocol::result_id(&self.output(), &self.trace())
    }
    /// Its seal by `who`.
    pub fn seal(self, task: TaskId, who: u64) -> Hash {
        protocol::ballot_seal(&System::block_hash(0), &task, &who, &self.output(), &self.trace(), &SALT)
    }
}

/// Builds the state that tests start from: one solved task in block [`FIRST`], everybody bonded.
#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
    /// The state alone.
    pub fn build(self) -> sp_io::TestExternalities {
        BallotCommit::set(6);
        BallotOpen::set(5);
        TheQuorum::set(Quorum { ballots: 3, weight: 2 });
        SweepBatch::set(10);
        MockModels::clear();
        MockStake::clear();
        MockTasks::clear();
        MockSolutions::clear();
        MockCommittee::set(vec![]);
        News::take();
        for who in [SOLVER, CONTESTER].into_iter().chain(VOTERS) {
            MockStake::bond(who, BOND);
        }
        VOTERS.into_iter().for_each(|voter| MockModels::serve(MODEL, voter));
        let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
        let mut ext = sp_io::TestExternalities::new(storage);
        ext.execute_with(|| {
            run_to(FIRST);
            put_solution(TASK, SOLUTION, STAKE);
        });
        ext
    }

    /// Runs `test`, then checks the invariants.
    pub fn build_and_execute(self, test: impl FnOnce()) {
        self.build().execute_with(|| {
            test();
            Contestation::do_try_state().unwrap();
        });
    }
}

/// Puts a solved task there with [`SOLVER`]'s solution.
pub fn put_solution(task: TaskId, answer: Answer, stake: Balance) {
    MockTasks::set(
        task,
        TaskView {
            state: TaskState::Solved,
            submitter: STRANGER,
            model: MODEL,
            fee: FEE,
            reward: 200,
            commitments: 0,
            submitted_at: 1,
            deadline: 30,
            reveal_grace: 3,
            contest_window: 8,
            ended_at: None,
        },
    );
    assert_ok!(MockStake::pledge(&SOLVER, stake));
    MockSolutions::set(
        task,
        StandingSolution {
            solver: SOLVER,
            output: answer.output(),
            trace_seal: protocol::trace_seal(&task, &SOLVER, &answer.trace()),
            stake,
            contestable_from: FIRST,
            contestable_until: LAST,
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

/// Has [`CONTESTER`] contest [`TASK`]'s solution with `answer` now.
pub fn contest(answer: Answer) {
    assert_ok!(Contestation::contest(signed(CONTESTER), TASK, answer.seal(TASK, CONTESTER)));
}

/// Has `voter` vote for `answer` now.
pub fn vote(voter: u64, answer: Answer) {
    assert_ok!(Contestation::vote(signed(voter), TASK, answer.seal(TASK, voter)));
}

/// Has `who` open `answer`.
pub fn open(who: u64, answer: Answer) -> DispatchResult {
    Contestation::open(signed(who), TASK, answer.output(), answer.trace(), SALT)
}

/// The dispute over [`TASK`].
pub fn dispute() -> crate::Dispute<u64> {
    Disputes::<Test>::get(TASK).unwrap()
}

/// The first block in which results are opened.
pub fn to_opening() {
    run_to(dispute().votes_until + 1);
}

/// The first block in which the dispute can be settled.
pub fn to_settlement() {
    run_to(dispute().opens_until + 1);
}

/// A whole dispute up to its settlement: the contester gives `contester`, voters give what `votes` says, the solver shows
/// its trace; every one opens.
pub fn dispute_with(contester: Answer, votes: &[(u64, Answer)]) {
    contest(contester);
    votes.iter().for_each(|(voter, answer)| vote(*voter, *answer));
    to_opening();
    assert_ok!(open(CONTESTER, contester));
    assert_ok!(Contestation::open_solution(signed(SOLVER), TASK, SOLUTION.trace()));
    votes.iter().for_each(|(voter, answer)| {
        assert_ok!(open(*voter, *answer));
    });
    to_settlement();
}

/// Settles the dispute over [`TASK`]; returns the verdict.
pub fn settle() -> Verdict {
    News::take();
    assert_ok!(Contestation::settle(signed(STRANGER), TASK));
    let news = News::take();
    assert_eq!(news.len(), 1);
    news[0].3
}

/// Pulls the ballot of `voter`.
pub fn pull(voter: u64) {
    assert_ok!(Contestation::pull(signed(STRANGER), TASK, voter));
}

/// What `who` has bonded.
pub fn bonded(who: u64) -> Balance {
    MockStake::mature(&who)
}

/// The events of this pallet since the last call, in order.
pub fn take_events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}
