//! A chain with solvers, voters and a user, to play disputes on.

use super::Blocks;
use assay_runtime::{
    adapters::KeysOfSession, AccountId, Balance, Balances, BlockNumber, Elections, Runtime, RuntimeCall, RuntimeOrigin,
    Session, SessionKeys, System,
};
use assay_traits::{Payload, TaskState, ValidatorKeys, Verdict};
use assay_types::{election, protocol, Cid, ModelId, Salt, TaskId, TraceDigest, ASY};
use frame_support::{assert_ok, traits::fungible::Inspect, BoundedVec};
use pallet_contestation::{Ballots, Disputes};
use sp_core::{ed25519, sr25519, Pair};
use sp_io::TestExternalities;
use sp_runtime::{traits::Dispatchable, DispatchResult, FixedU128};

/// What everybody starts with.
pub const WEALTH: Balance = 10_000 * ASY;
/// The fee of every task.
pub const FEE: Balance = 5 * ASY;
/// The bond of everybody who has one.
pub const BOND: Balance = 1_000 * ASY;
/// The salt of everything that is sealed.
pub const SALT: Salt = [9; 32];

/// A result; the true one is number 0.
pub type Answer = u8;
/// What an honest engine computes.
pub const TRUE: Answer = 0;
/// A lie.
pub const FALSE: Answer = 1;
/// Another.
pub const OTHER_FALSE: Answer = 2;

/// The account with this number.
pub fn who(n: u8) -> AccountId {
    AccountId::new([n; 32])
}

/// The output of an answer.
pub fn output(answer: Answer) -> Vec<u8> {
    vec![answer; 10]
}

/// The trace of an answer.
pub fn trace(answer: Answer) -> TraceDigest {
    TraceDigest::repeat_byte(answer)
}

/// The ballot of `voter` for `answer`.
pub fn seal(task: &TaskId, voter: &AccountId, answer: Answer) -> sp_core::H256 {
    protocol::ballot_seal(&System::block_hash(0), task, voter, &Cid::of(&output(answer)), &trace(answer), &SALT)
}

/// A chain with one model that earns rewards, and the user who asks it.
pub struct World {
    blocks: Blocks,
    /// The model, which earns rewards.
    pub model: ModelId,
}

/// Who asks.
pub const USER: u8 = 200;

impl World {
    /// Runs `test` on a fresh chain whose disputes need `ballots` of `weight` times the heavier party; returns the chain.
    pub fn run(ballots: u32, weight: u32, test: impl FnOnce(&mut World)) -> TestExternalities {
        use assay_runtime::{parameters::dynamic_params::disputes, RuntimeParameters as P};

        let mut state: TestExternalities = crate::common::genesis("development");
        state.execute_with(|| {
            let mut world = World { blocks: Blocks::default(), model: ModelId::zero() };
            world.blocks.begin();
            world.govern(vec![
                P::Disputes(disputes::Parameters::QuorumBallots(disputes::QuorumBallots, Some(ballots))),
                P::Disputes(disputes::Parameters::QuorumWeight(disputes::QuorumWeight, Some(weight))),
            ]);
            world.endow(USER);
            let manifest = Cid::of(b"model");
            assert_ok!(world.call(USER, pallet_models::Call::register { manifest, fee: 0, recipient: who(USER) }));
            world.model = protocol::model_id(&who(USER), &manifest);
            let call = pallet_models::Call::set_rate { model: world.model, rate: FixedU128::from_u32(1) };
            assert_ok!(RuntimeCall::from(call).dispatch(RuntimeOrigin::root()));
            test(&mut world);
            super::check_pallets();
        });
        state
    }

    /// Changes parameters.
    pub fn govern(&self, changes: Vec<assay_runtime::RuntimeParameters>) {
        let changes = BoundedVec::truncate_from(changes);
        assert_ok!(RuntimeCall::from(pallet_settings::Call::update { changes }).dispatch(RuntimeOrigin::root()));
    }

    /// A call of `from`.
    pub fn call(&self, from: u8, call: impl Into<RuntimeCall>) -> DispatchResult {
        call.into().dispatch(RuntimeOrigin::signed(who(from))).map(|_| ()).map_err(|error| error.error)
    }

    /// Lets `blocks` pass.
    pub fn pass(&mut self, blocks: BlockNumber) {
        for _ in 0..blocks {
            self.blocks.end();
            self.blocks.begin();
        }
    }

    /// Gives `account` its wealth.
    pub fn endow(&self, account: u8) {
        let call = pallet_balances::Call::force_set_balance { who: who(account).into(), new_free: WEALTH };
        assert_ok!(RuntimeCall::from(call).dispatch(RuntimeOrigin::root()));
    }

    /// Makes these solvers of the model, with a bond of `amount` that matures.
    pub fn solvers(&mut self, accounts: &[u8], amount: Balance) {
        for account in accounts {
            self.endow(*account);
            assert_ok!(self.call(*account, pallet_bonds::Call::bond { amount }));
            assert_ok!(self.call(*account, pallet_models::Call::serve { model: self.model }));
        }
        self.pass(21);
    }

    /// Lets blocks pass until the next tenure's first.
    pub fn next_tenure(&mut self) {
        let present = Session::current_index();
        while Session::current_index() == present {
            self.pass(1);
        }
    }

    /// Sets session keys of `account`; nobody has their secrets, and nobody here asks for them.
    pub fn set_keys(&self, account: u8) {
        self.set_keys_of(&who(account), [account; 32]);
    }

    /// Sets session keys of an account that has no number.
    pub fn set_keys_of(&self, account: &AccountId, key: [u8; 32]) {
        let keys =
            SessionKeys { babe: sr25519::Public::from_raw(key).into(), grandpa: ed25519::Public::from_raw(key).into() };
        pallet_session::NextKeys::<Runtime>::insert(account, keys);
    }

    /// Has `account` register the keys that it has set, and the function of this `pair`.
    pub fn register_with(&self, account: u8, pair: &sr25519::Pair) -> DispatchResult {
        let keys = KeysOfSession::keys_hash(&who(account)).unwrap_or_default();
        self.call(account, pallet_elections::Call::register { vrf_key: pair.public().0, keys })
    }

    /// Makes solvers candidates that may commit, each paid for a task.
    pub fn candidates(&mut self, accounts: &[u8]) {
        self.solvers(accounts, BOND);
        for account in accounts {
            self.set_keys(*account);
            assert_ok!(self.register_with(*account, &vrf_pair(*account)));
        }
        self.next_tenure();
        self.next_tenure();
        for account in accounts {
            self.be_paid(*account);
        }
    }

    /// Has `account` solve a task and be paid for it.
    pub fn be_paid(&mut self, account: u8) {
        let task = self.solved(account, TRUE);
        self.pass(9);
        assert_ok!(self.call(account, pallet_solutions::Call::claim { task }));
    }

    /// Has `account` commit `amount` to this tenure's election.
    pub fn bid(&self, account: u8, amount: Balance) -> DispatchResult {
        let (genesis, tenure, accumulator) = Elections::vrf_input();
        let vrf_proof = election::vrf_sign(&vrf_pair(account), &genesis, tenure, &accumulator, &who(account));
        self.call(account, pallet_elections::Call::commit { amount, vrf_proof })
    }

    /// Makes these the committee until the tenure ends.
    pub fn committee(&self, accounts: &[u8]) {
        let member = |account: &u8| pallet_elections::Member { account: who(*account), stake: 0 };
        let members = BoundedVec::truncate_from(accounts.iter().map(member).collect());
        pallet_elections::Committee::<Runtime>::put(members);
    }

    /// The user asks; returns the task.
    pub fn ask(&self) -> TaskId {
        let call = pallet_tasks::Call::submit {
            model: self.model,
            parameters: Default::default(),
            input: Payload::Inline(Default::default()),
            fee: FEE,
            deadline: None,
        };
        assert_ok!(self.call(USER, call));
        pallet_tasks::LastTask::<Runtime>::get()
    }

    /// Has `solver` commit to `answer`.
    pub fn commit(&self, solver: u8, task: TaskId, answer: Answer) -> DispatchResult {
        let account = who(solver);
        let commitment = protocol::commitment(
            &System::block_hash(0),
            &task,
            &account,
            &Cid::of(&output(answer)),
            &protocol::trace_seal(&task, &account, &trace(answer)),
            &SALT,
        );
        self.call(solver, pallet_solutions::Call::commit { task, commitment })
    }

    /// Has `solver` reveal `answer`.
    pub fn reveal(&self, solver: u8, task: TaskId, answer: Answer) -> DispatchResult {
        let trace_seal = protocol::trace_seal(&task, &who(solver), &trace(answer));
        let output = Payload::Inline(BoundedVec::truncate_from(output(answer)));
        self.call(solver, pallet_solutions::Call::reveal { task, salt: SALT, trace_seal, output })
    }

    /// Has `solver` solve a task with `answer`, up to the first block in which it can be contested.
    pub fn solved(&mut self, solver: u8, answer: Answer) -> TaskId {
        let task = self.ask();
        assert_ok!(self.commit(solver, task, answer));
        self.pass(1);
        assert_ok!(self.reveal(solver, task, answer));
        self.pass(4);
        task
    }

    /// Has `account` contest with `answer`.
    pub fn contest(&self, account: u8, task: TaskId, answer: Answer) -> DispatchResult {
        self.call(account, pallet_contestation::Call::contest { task, seal: seal(&task, &who(account), answer) })
    }

    /// Has `account` vote for `answer`.
    pub fn vote(&self, account: u8, task: TaskId, answer: Answer) -> DispatchResult {
        self.call(account, pallet_contestation::Call::vote { task, seal: seal(&task, &who(account), answer) })
    }

    /// Has `account` open `answer`.
    pub fn open(&self, account: u8, task: TaskId, answer: Answer) -> DispatchResult {
        let (output, trace) = (Cid::of(&output(answer)), trace(answer));
        self.call(account, pallet_contestation::Call::open { task, output, trace, salt: SALT })
    }

    /// Has the solver show the trace of `answer`.
    pub fn open_solution(&self, account: u8, task: TaskId, answer: Answer) -> DispatchResult {
        self.call(account, pallet_contestation::Call::open_solution { task, trace: trace(answer) })
    }

    /// A dispute from its ballots to its last payment, in which everybody opens; returns the verdict.
    pub fn dispute(
        &mut self,
        task: TaskId,
        solver: (u8, Answer),
        contester: (u8, Answer),
        votes: &[(u8, Answer)],
    ) -> Verdict {
        assert_ok!(self.contest(contester.0, task, contester.1));
        for (voter, answer) in votes {
            assert_ok!(self.vote(*voter, task, *answer));
        }
        self.pass(7);
        assert_ok!(self.open(contester.0, task, contester.1));
        assert_ok!(self.open_solution(solver.0, task, solver.1));
        for (voter, answer) in votes {
            assert_ok!(self.open(*voter, task, *answer));
        }
        self.close(task)
    }

    /// Settles a dispute and has everything pulled; returns the verdict.
    pub fn close(&mut self, task: TaskId) -> Verdict {
        self.pass(6);
        assert_ok!(self.call(USER, pallet_contestation::Call::settle { task }));
        let verdict = Disputes::<Runtime>::get(task).and_then(|dispute| dispute.outcome).map(|outcome| outcome.verdict);
        let voters: Vec<_> = Ballots::<Runtime>::iter_prefix(task).map(|(voter, _)| voter).collect();
        for voter in voters {
            assert_ok!(self.call(USER, pallet_contestation::Call::pull { task, voter }));
        }
        verdict.unwrap_or_else(|| match state(task) {
            TaskState::Settled => Verdict::Stands,
            // Nobody has voted.
            _ => Verdict::Inconclusive,
        })
    }
}

/// The pair behind the verifiable random function of `account`.
pub fn vrf_pair(account: u8) -> sr25519::Pair {
    sr25519::Pair::from_seed(&[account; 32])
}

/// Where a task is in its life.
pub fn state(task: TaskId) -> TaskState {
    pallet_tasks::Tasks::<Runtime>::get(task).expect("the task is remembered").state
}

/// Everything that these accounts have together, whatever it is held for; but not what of it is in the escrow.
pub fn wealth(accounts: &[u8]) -> Balance {
    accounts.iter().map(|account| Balances::total_balance(&who(*account))).sum()
}

/// What the solution of a task that is solved now would lose.
pub fn stake(task: TaskId) -> Balance {
    pallet_solutions::Solutions::<Runtime>::get(task).expect("the task is solved").stake
}

/// What that solution would earn at most: the fee and the whole reward.
pub fn worth(task: TaskId) -> Balance {
    let record = pallet_tasks::Tasks::<Runtime>::get(task).expect("the task is remembered");
    record.fee + record.reward
}
