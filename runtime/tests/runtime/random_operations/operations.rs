//! What may be done: every call of our pallets, mostly by whom and when it can succeed.

use crate::common::Blocks;
use assay_runtime::{
    adapters::KeysOfSession, AccountId, Babe, Balance, Elections, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin,
    Session, SessionKeys, Solutions, System,
};
use assay_traits::{Payload, SolutionBook, TaskState, ValidatorKeys};
use assay_types::{election, protocol, Cid, ModelId, Salt, TaskId, Tenure, TraceDigest, ASY, MILLI_ASY};
use frame_support::{traits::Get, BoundedVec};
use pallet_balances::Event as BalancesEvent;
use pallet_contestation::{Absent, Ballots, Dispute, Disputes};
use pallet_elections::{Candidates, Commits, Founders, SeatBonds, Standing, WorkRecords};
use pallet_models::{ModelState, Tier};
use sp_core::{ed25519, sr25519, Pair};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{traits::Dispatchable, DispatchError, FixedU128, ModuleError, Perbill};
use std::collections::BTreeMap;

/// How often each operation succeeded (`ok`), was refused (by its error), or a hook did something.
pub type Outcomes = BTreeMap<(&'static str, String), u32>;

/// What a long run must have seen.
pub const MUST_HAPPEN: &[(&str, &str)] = &[
    ("register", "ok"),
    ("set_rate", "ok"),
    ("update_model", "ok"),
    ("set_tier", "ok"),
    ("retire", "ok"),
    ("serve", "ok"),
    ("stop_serving", "ok"),
    ("bond", "ok"),
    ("bond_more", "ok"),
    ("unbond", "ok"),
    ("withdraw", "ok"),
    ("set_commission", "ok"),
    ("delegate", "ok"),
    ("undelegate", "ok"),
    ("withdraw_delegation", "ok"),
    ("submit", "ok"),
    ("raise_fee", "ok"),
    ("commit", "ok"),
    ("reveal", "ok"),
    ("claim", "ok"),
    ("expire", "ok"),
    ("retract", "ok"),
    ("forget", "ok"),
    ("withdraw_commitment", "ok"),
    ("forfeit_commitment", "ok"),
    ("update", "ok"),
    ("contest", "ok"),
    ("vote", "ok"),
    ("open", "ok"),
    ("open_solution", "ok"),
    ("settle", "ok"),
    ("pull", "ok"),
    ("charge_absent", "ok"),
    ("elections.register", "ok"),
    ("elections.commit", "ok"),
    ("elections.stand", "ok"),
    ("elections.leave", "ok"),
    ("elections.evict", "ok"),
    ("elections.withdraw_seat_bond", "ok"),
    ("elections.resume", "ok"),
    ("elected", "some"),
    ("elected", "nobody"),
    ("chilled", "Absence"),
    ("chilled", "Offence"),
    ("verdict", "Falls"),
    ("verdict", "Stands"),
    ("verdict", "Inconclusive"),
];

/// A small generator whose whole state is a number that a failure can name (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| &items[self.below(items.len() as u64) as usize])
    }

    /// An amount between `least` and `most`, small ones as likely as large ones.
    fn amount(&mut self, least: Balance, most: Balance) -> Balance {
        let span = most.saturating_sub(least).max(1);
        let scale = 1u128 << self.below(1 + u128::BITS as u64 - u64::from(span.leading_zeros()));
        least + u128::from(self.next()) % span.min(scale).max(1)
    }
}

/// So many of the accounts, the first ones, mostly want to be drawn; the others mostly stand for the committee, so that it
/// has members who have work to judge.
const WOULD_BE_DRAWN: usize = 4;
/// Models that there are before new ones become rare: where every task is of another model, nobody who must judge serves it.
const FEW_MODELS: usize = 4;

/// A result, of a few that there are for each task: the true one is number 0.
type Answer = u8;

fn output(task: &TaskId, answer: Answer) -> Vec<u8> {
    let mut bytes = task.as_bytes().to_vec();
    bytes.extend(std::iter::repeat_n(answer, usize::from(answer) * 30));
    bytes
}

fn trace(answer: Answer) -> TraceDigest {
    TraceDigest::repeat_byte(answer)
}

fn salt(answer: Answer) -> Salt {
    [answer; 32]
}

/// A run: what the accounts remember, and what has left the issuance.
pub struct Run {
    random: Random,
    accounts: Vec<AccountId>,
    blocks: Blocks,
    begun: bool,
    /// What each solver committed to, and only it knows.
    sealed: BTreeMap<(TaskId, AccountId), Answer>,
    /// What contesters and voters sealed.
    ballots: BTreeMap<(TaskId, AccountId), Answer>,
    /// What has left the issuance.
    pub burned: Balance,
    pub outcomes: Outcomes,
}

impl Default for Run {
    fn default() -> Self {
        let accounts = [
            Sr25519Keyring::Alice,
            Sr25519Keyring::Bob,
            Sr25519Keyring::Charlie,
            Sr25519Keyring::Dave,
            Sr25519Keyring::Eve,
            Sr25519Keyring::Ferdie,
            // The only validator at first, and the whole committee.
            Sr25519Keyring::AliceStash,
        ];
        Self {
            random: Random(0),
            accounts: accounts.into_iter().map(|account| account.to_account_id()).collect(),
            blocks: Blocks::default(),
            begun: false,
            sealed: BTreeMap::new(),
            ballots: BTreeMap::new(),
            burned: 0,
            outcomes: BTreeMap::new(),
        }
    }
}

fn inline(bytes: Vec<u8>) -> Payload {
    Payload::Inline(BoundedVec::truncate_from(bytes))
}

fn state_of(task: &TaskId) -> Option<TaskState> {
    pallet_tasks::Tasks::<Runtime>::get(task).map(|task| task.state)
}

/// Whoever is drawn qualifies, by what the state says in the block of the draw and not by what the pallet makes of it.
fn check_seat(tenure: Tenure, seat: &AccountId) {
    use assay_runtime::parameters::dynamic_params::elections::{LeastCommits, SeatBond};

    let candidate = Candidates::<Runtime>::get(seat).expect("a seat of one who is no candidate");
    assert!(!candidate.chilled, "a seat of one who is out");
    assert_eq!(KeysOfSession::keys_hash(seat), Some(candidate.keys), "a seat without the keys that were registered");
    let bond = SeatBonds::<Runtime>::get(seat).expect("a seat without a bond");
    let (least_bond, least_commits): (Balance, u32) = (SeatBond::get(), LeastCommits::get());
    assert!(bond.leaves_at.is_none() && bond.amount >= least_bond, "a seat without its whole bond");
    let window = Commits::<Runtime>::get(tenure, seat).expect("a seat without a commitment").window;
    let commits = window.iter().filter(|amount| **amount > 0).count();
    assert!(commits >= least_commits as usize, "a seat for too few commitments");
    let records = WorkRecords::<Runtime>::get(seat);
    let recent = records.iter().filter(|work| work.tenure + election::WINDOW as u32 > Session::current_index());
    let (accepted, failed) = recent.fold((0, 0), |sum, work| (sum.0 + work.accepted, sum.1 + work.failed));
    assert!(accepted > 0 && failed * 100 <= (accepted + failed) * 3, "a seat without work, or for bad work");
}

impl Run {
    /// Takes a step, all of which follows from `step` and the state, and checks everything.
    pub fn step(&mut self, step: u64) {
        self.take(step);
        self.check();
    }

    /// Begins the first block, unless that was done.
    pub fn begin(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            self.blocks.begin();
        }
    }

    /// Those who act.
    pub fn accounts(&self) -> &[AccountId] {
        &self.accounts
    }

    /// Takes a step and checks nothing.
    pub fn take(&mut self, step: u64) {
        self.begin();
        self.random = Random(step);
        // Mostly an operation, often the next block, rarely a pause in which deadlines pass and sweepers work.
        match self.random.below(1_000) {
            0..=79 => self.pass(1),
            80..=87 => {
                let blocks = 2 + self.random.below(9);
                self.pass(blocks);
            }
            88 => {
                let blocks = 30 + self.random.below(150);
                self.pass(blocks);
            }
            _ => self.operate(),
        }
        self.read_events();
    }

    fn pass(&mut self, blocks: u64) {
        // In some pauses the first validator is alone, until the others are found to be absent.
        let alone = blocks >= 30 && self.random.chance(33);
        for _ in 0..blocks {
            self.blocks.end();
            self.read_events();
            // A block in which sessions change is of the next set already.
            let authorities = pallet_babe::NextAuthorities::<Runtime>::get().len().min(Babe::authorities().len());
            let author = if alone { 0 } else { self.random.below(authorities as u64) };
            self.blocks.begin_by(author as u32);
            self.read_events();
        }
    }

    fn account(&mut self) -> AccountId {
        self.random.pick(&self.accounts).cloned().expect("there are accounts")
    }

    /// One of `preferred`, mostly; anybody else sometimes.
    fn preferably(&mut self, preferred: &[AccountId]) -> AccountId {
        match self.random.pick(preferred).cloned() {
            Some(who) if !self.random.chance(7) => who,
            _ => self.account(),
        }
    }

    fn model(&mut self) -> Option<ModelId> {
        let models: Vec<_> = pallet_models::Models::<Runtime>::iter().map(|(id, model)| (id, model.state)).collect();
        let active: Vec<_> = models.iter().filter(|(_, state)| *state == ModelState::Active).copied().collect();
        let from = if active.is_empty() || self.random.chance(5) { models } else { active };
        self.random.pick(&from).map(|(model, _)| *model)
    }

    /// A task, preferably one in `state`.
    fn task(&mut self, state: TaskState) -> Option<TaskId> {
        let tasks: Vec<_> = pallet_tasks::Tasks::<Runtime>::iter().map(|(task, record)| (task, record.state)).collect();
        let wanted: Vec<_> = tasks.iter().filter(|(_, s)| *s == state).copied().collect();
        let from = if wanted.is_empty() || self.random.chance(7) { tasks } else { wanted };
        self.random.pick(&from).map(|(task, _)| *task)
    }

    /// A dispute, preferably one of those that are `wanted`.
    fn dispute(&mut self, wanted: impl Fn(&Dispute<AccountId>) -> bool) -> Option<(TaskId, Dispute<AccountId>)> {
        let all: Vec<_> = Disputes::<Runtime>::iter().collect();
        let some: Vec<_> = all.iter().filter(|(_, dispute)| wanted(dispute)).cloned().collect();
        let from = if some.is_empty() || self.random.chance(7) { all } else { some };
        self.random.pick(&from).cloned()
    }

    fn owner_of(&mut self, task: &TaskId) -> AccountId {
        let owner = pallet_tasks::Tasks::<Runtime>::get(task).map(|record| record.submitter);
        self.preferably(owner.as_slice())
    }

    fn serving(&mut self, model: &ModelId) -> Vec<AccountId> {
        pallet_models::Solvers::<Runtime>::iter_prefix(model).map(|(solver, _)| solver).collect()
    }

    /// The true answer, mostly.
    fn answer(&mut self) -> Answer {
        if self.random.chance(60) {
            0
        } else {
            1 + self.random.below(3) as Answer
        }
    }

    fn call(&mut self, name: &'static str, who: Option<AccountId>, call: impl Into<RuntimeCall>) -> bool {
        let origin = who.map_or_else(RuntimeOrigin::root, RuntimeOrigin::signed);
        let result = call.into().dispatch(origin);
        let outcome = match &result {
            Ok(_) => "ok".to_string(),
            Err(error) => match error.error {
                DispatchError::Module(ModuleError { message, .. }) => message.unwrap_or("?").to_string(),
                ref other => format!("{other:?}"),
            },
        };
        *self.outcomes.entry((name, outcome)).or_default() += 1;
        result.is_ok()
    }

    /// One operation; what it does is up to chance and to what there is.
    fn operate(&mut self) {
        let who = self.account();
        // A dispute is rare and over soon: while there is one, most of what is done has to do with it.
        let disputes = Disputes::<Runtime>::iter_keys().next().is_some();
        let operation =
            if disputes && self.random.chance(50) { 78 + self.random.below(22) } else { self.random.below(116) };
        match operation {
            0..=1 => self.register(who),
            2 => self.change_model(),
            3..=6 => self.serve(who),
            7 => {
                if let Some(model) = self.model().filter(|_| self.random.chance(50)) {
                    let serving = self.serving(&model);
                    let solver = self.preferably(&serving);
                    self.call("stop_serving", Some(solver), pallet_models::Call::stop_serving { model });
                }
            }
            8..=10 => {
                let amount = self.random.amount(0, 100 * ASY) + if self.random.chance(80) { 200 * ASY } else { 0 };
                self.call("bond", Some(who), pallet_bonds::Call::bond { amount });
            }
            11 => {
                // Whoever has lost disputes comes back to them.
                let amount = self.random.amount(0, 50 * ASY) + if self.random.chance(60) { 100 * ASY } else { 0 };
                self.call("bond_more", Some(who), pallet_bonds::Call::bond_more { amount });
            }
            12 => {
                let active = pallet_bonds::Ledgers::<Runtime>::get(&who).map(|l| l.active).unwrap_or_default();
                let amount = self.random.amount(0, active.saturating_add(ASY));
                self.call("unbond", Some(who), pallet_bonds::Call::unbond { amount });
            }
            13 => {
                self.call("withdraw", Some(who), pallet_bonds::Call::withdraw {});
            }
            14..=19 => self.delegation(who),
            20..=27 => self.submit(who),
            28..=29 => {
                if let Some(task) = self.task(TaskState::Open) {
                    let (owner, amount) = (self.owner_of(&task), self.random.amount(0, ASY));
                    self.call("raise_fee", Some(owner), pallet_tasks::Call::raise_fee { task, amount });
                }
            }
            30..=44 => self.commit(),
            45..=58 => self.reveal(),
            59..=60 => {
                if let Some(task) = self.task(TaskState::Solved) {
                    self.call("claim", Some(who), pallet_solutions::Call::claim { task });
                }
            }
            61..=62 => {
                if let Some(task) = self.task(TaskState::Open) {
                    self.call("expire", Some(who), pallet_tasks::Call::expire { task });
                }
            }
            63..=64 => {
                if let Some(task) = self.task(TaskState::Open) {
                    let owner = self.owner_of(&task);
                    self.call("retract", Some(owner), pallet_tasks::Call::retract { task });
                }
            }
            65..=67 => {
                use TaskState::*;
                let ended = [Settled, Expired, Retracted, Refunded][self.random.below(4) as usize];
                if let Some(task) = self.task(ended) {
                    let owner = self.owner_of(&task);
                    self.call("forget", Some(owner), pallet_tasks::Call::forget { task });
                }
            }
            68..=70 => self.end_commitment(who),
            // Somebody empties an account as far as it goes, so that payments meet accounts that are not there.
            71 => {
                let dest = AccountId::new([self.random.below(4) as u8; 32]);
                let value = self.random.amount(0, ASY);
                let call = pallet_balances::Call::transfer_allow_death { dest: dest.into(), value };
                self.call("transfer", Some(who), call);
            }
            72 => self.change_parameter(),
            73..=77 => self.contest(),
            78..=85 => self.vote(),
            86..=90 => self.open(),
            91..=92 => {
                let now = System::block_number();
                if let Some((task, dispute)) = self.dispute(|d| now > d.votes_until && !d.solver_opened) {
                    let solver = self.preferably(std::slice::from_ref(&dispute.solver));
                    let answer = self.sealed.get(&(task, dispute.solver)).copied().unwrap_or_default();
                    let call = pallet_contestation::Call::open_solution { task, trace: trace(answer) };
                    self.call("open_solution", Some(solver), call);
                }
            }
            93..=95 => {
                let now = System::block_number();
                if let Some((task, _)) = self.dispute(|d| now > d.opens_until && d.outcome.is_none()) {
                    self.call("settle", Some(who), pallet_contestation::Call::settle { task });
                }
            }
            96..=98 => {
                if let Some((task, _)) = self.dispute(|d| d.outcome.is_some()) {
                    let voters: Vec<_> = Ballots::<Runtime>::iter_prefix(task).map(|(voter, _)| voter).collect();
                    let voter = self.preferably(&voters);
                    self.call("pull", Some(who), pallet_contestation::Call::pull { task, voter });
                }
            }
            100..=115 => self.elections(who, operation),
            _ => {
                let is_settled = |task: &TaskId| Disputes::<Runtime>::get(task).is_some_and(|d| d.outcome.is_some());
                let owing: Vec<_> = Absent::<Runtime>::iter_keys().filter(is_settled).collect();
                let any = self.dispute(|d| d.outcome.is_some()).map(|(task, _)| task);
                if let Some(task) = self.random.pick(&owing).copied().or(any) {
                    let absent = Absent::<Runtime>::get(task).unwrap_or_default();
                    let member = self.preferably(&absent);
                    self.call("charge_absent", Some(who), pallet_contestation::Call::charge_absent { task, member });
                }
            }
        }
    }

    /// Registers a model, or serves one where there are enough.
    fn register(&mut self, who: AccountId) {
        let active = |model: &pallet_models::ModelRecord<AccountId>| model.state == ModelState::Active;
        let models = pallet_models::Models::<Runtime>::iter_values().filter(active).count();
        if models >= FEW_MODELS && !self.random.chance(10) {
            return self.serve(who);
        }
        let manifest = Cid::of(&self.random.next().to_le_bytes());
        let (fee, recipient) = (self.random.amount(0, ASY), self.account());
        if self.call("register", Some(who.clone()), pallet_models::Call::register { manifest, fee, recipient }) {
            let model = protocol::model_id(&who, &manifest);
            let rate = FixedU128::from_rational(self.random.below(1_001) as u128, 1_000);
            self.call("set_rate", None, pallet_models::Call::set_rate { model, rate });
        }
    }

    /// Serves a model, often one that somebody asks.
    fn serve(&mut self, who: AccountId) {
        let asked: Vec<_> = pallet_tasks::Tasks::<Runtime>::iter_values()
            .filter(|task| !task.state.has_ended())
            .map(|task| task.model)
            .collect();
        let asked = self.random.pick(&asked).copied().filter(|_| self.random.chance(60));
        if let Some(model) = asked.or_else(|| self.model()) {
            self.call("serve", Some(who), pallet_models::Call::serve { model });
        }
    }

    /// What owners and governance do with a model that is there.
    fn change_model(&mut self) {
        let Some(model) = self.model() else { return };
        let owner = pallet_models::Models::<Runtime>::get(model).map(|record| record.owner);
        let owner = self.preferably(owner.as_slice());
        match self.random.below(5) {
            0 => {
                self.call("retire", Some(owner), pallet_models::Call::retire { model });
            }
            1..=2 => {
                let (fee, recipient) = (self.random.amount(0, ASY), self.account());
                self.call("update_model", Some(owner), pallet_models::Call::update { model, fee, recipient });
            }
            _ => {
                let tier = [Tier::Open, Tier::Approved, Tier::Certified][self.random.below(3) as usize];
                self.call("set_tier", None, pallet_models::Call::set_tier { model, tier });
            }
        }
    }

    fn delegation(&mut self, who: AccountId) {
        let pools: Vec<_> = pallet_bonds::Pools::<Runtime>::iter_keys().collect();
        let solver = self.preferably(&pools);
        match self.random.below(6) {
            0 => {
                let commission = Perbill::from_percent(self.random.below(101) as u32);
                self.call("set_commission", Some(who), pallet_bonds::Call::set_commission { commission });
            }
            1..=3 => {
                let amount = self.random.amount(0, 50 * ASY);
                self.call("delegate", Some(who), pallet_bonds::Call::delegate { solver, amount });
            }
            other => {
                let now = System::block_number();
                let all: Vec<_> = pallet_bonds::Delegations::<Runtime>::iter().collect();
                let is_due = |delegation: &pallet_bonds::Delegation<Runtime>| {
                    delegation.leaving.iter().any(|part| part.leaves_at <= now)
                };
                let wanted: Vec<_> = all.iter().filter(|(_, _, it)| other == 4 || is_due(it)).cloned().collect();
                let from = if wanted.is_empty() || self.random.chance(7) { all } else { wanted };
                let picked = self.random.pick(&from).map(|(solver, delegator, _)| (solver.clone(), delegator.clone()));
                let (solver, delegator) = picked.unwrap_or((solver, who));
                if other == 4 {
                    let amount = self.random.amount(0, 60 * ASY);
                    self.call("undelegate", Some(delegator), pallet_bonds::Call::undelegate { solver, amount });
                } else {
                    let call = pallet_bonds::Call::withdraw_delegation { solver };
                    self.call("withdraw_delegation", Some(delegator), call);
                }
            }
        }
    }

    fn submit(&mut self, who: AccountId) {
        let Some(model) = self.model() else { return };
        let terms_fee = pallet_models::Models::<Runtime>::get(model).map(|record| record.fee).unwrap_or_default();
        let fee = self.random.amount(terms_fee, terms_fee.saturating_add(2 * ASY));
        let fee = if self.random.chance(5) { fee.saturating_sub(MILLI_ASY) } else { fee };
        let input = if self.random.chance(10) {
            Payload::External { cid: Cid::of(b"elsewhere"), length: self.random.below(40_000_000) as u32 }
        } else {
            let length = self.random.below(300) as usize;
            inline(vec![self.random.next() as u8; length])
        };
        let parameters = BoundedVec::truncate_from(vec![1; self.random.below(20) as usize]);
        let deadline = self.random.chance(80).then(|| self.random.below(40) as u32);
        let call = pallet_tasks::Call::submit { model, parameters, input, fee, deadline };
        self.call("submit", Some(who), call);
    }

    fn commit(&mut self) {
        let Some(task) = self.task(TaskState::Open) else { return };
        let model = pallet_tasks::Tasks::<Runtime>::get(task).map(|record| record.model).unwrap_or_default();
        let solvers = self.serving(&model);
        let solver = self.preferably(&solvers);
        let answer = self.answer();
        let commitment = protocol::commitment(
            &System::block_hash(0),
            &task,
            &solver,
            &Cid::of(&output(&task, answer)),
            &protocol::trace_seal(&task, &solver, &trace(answer)),
            &salt(answer),
        );
        if self.call("commit", Some(solver.clone()), pallet_solutions::Call::commit { task, commitment }) {
            self.sealed.insert((task, solver), answer);
        }
    }

    fn reveal(&mut self) {
        let all: Vec<_> = pallet_solutions::Commitments::<Runtime>::iter_keys().collect();
        let timely: Vec<_> = all
            .iter()
            .filter(|(task, _)| matches!(state_of(task), Some(TaskState::Open | TaskState::Solved)))
            .cloned()
            .collect();
        let from = if timely.is_empty() || self.random.chance(7) { all } else { timely };
        let Some((task, mut solver)) = self.random.pick(&from).cloned() else { return };
        let mut answer = self.sealed.get(&(task, solver.clone())).copied().unwrap_or_default();
        let seal = protocol::trace_seal(&task, &solver, &trace(answer));
        // Sometimes it is another output, or somebody else's secret.
        match self.random.below(15) {
            0 => answer ^= 1,
            1 => solver = self.account(),
            _ => {}
        }
        let output = inline(output(&task, answer));
        let call = pallet_solutions::Call::reveal { task, salt: salt(answer), trace_seal: seal, output };
        self.call("reveal", Some(solver), call);
    }

    fn end_commitment(&mut self, who: AccountId) {
        let commitments: Vec<_> = pallet_solutions::Commitments::<Runtime>::iter_keys().collect();
        let Some((task, solver)) = self.random.pick(&commitments).cloned() else { return };
        if (state_of(&task) == Some(TaskState::Expired)) == self.random.chance(10) {
            let call = pallet_solutions::Call::withdraw_commitment { task };
            self.call("withdraw_commitment", Some(solver), call);
        } else {
            let call = pallet_solutions::Call::forfeit_commitment { task, solver };
            self.call("forfeit_commitment", Some(who), call);
        }
    }

    fn sealed_ballot(task: &TaskId, who: &AccountId, answer: Answer) -> sp_core::H256 {
        let genesis = System::block_hash(0);
        let cid = Cid::of(&output(task, answer));
        protocol::ballot_seal(&genesis, task, who, &cid, &trace(answer), &salt(answer))
    }

    fn contest(&mut self) {
        let now = System::block_number();
        let may_be_contested = |task: &TaskId| {
            let solution = Solutions::standing(task).filter(|_| state_of(task) == Some(TaskState::Solved));
            solution.is_some_and(|it| (it.contestable_from..=it.contestable_until).contains(&now))
        };
        let timely: Vec<_> = pallet_solutions::Solutions::<Runtime>::iter_keys().filter(may_be_contested).collect();
        let timely = self.random.pick(&timely).copied().filter(|_| !self.random.chance(10));
        let Some(task) = timely.or_else(|| self.task(TaskState::Solved)) else { return };
        let solver = pallet_solutions::Solutions::<Runtime>::get(task).map(|solution| solution.solver);
        let others: Vec<_> = self.accounts.iter().filter(|who| Some(*who) != solver.as_ref()).cloned().collect();
        let (who, answer) = (self.preferably(&others), self.answer());
        let seal = Self::sealed_ballot(&task, &who, answer);
        if self.call("contest", Some(who.clone()), pallet_contestation::Call::contest { task, seal }) {
            self.ballots.insert((task, who), answer);
        }
    }

    fn vote(&mut self) {
        let now = System::block_number();
        let Some((task, dispute)) = self.dispute(|dispute| now <= dispute.votes_until) else { return };
        let mut voters = self.serving(&dispute.model);
        voters.retain(|who| *who != dispute.solver && *who != dispute.contester);
        // In every other dispute whoever must vote stays away.
        if task.as_bytes()[0] % 2 == 0 {
            let obliged = Absent::<Runtime>::get(task).unwrap_or_default();
            voters.retain(|who| !obliged.contains(who));
        }
        if voters.is_empty() && self.random.chance(90) {
            return;
        }
        let (who, answer) = (self.preferably(&voters), self.answer());
        let seal = Self::sealed_ballot(&task, &who, answer);
        if self.call("vote", Some(who.clone()), pallet_contestation::Call::vote { task, seal }) {
            self.ballots.insert((task, who), answer);
        }
    }

    fn open(&mut self) {
        let now = System::block_number();
        let Some((task, dispute)) = self.dispute(|d| now > d.votes_until && now <= d.opens_until) else { return };
        let mut sealed: Vec<_> = Ballots::<Runtime>::iter_prefix(task).map(|(voter, _)| voter).collect();
        sealed.push(dispute.contester);
        let who = self.preferably(&sealed);
        let mut answer = self.ballots.get(&(task, who.clone())).copied().unwrap_or_default();
        if self.random.chance(5) {
            answer ^= 1;
        }
        let (cid, trace, salt) = (Cid::of(&output(&task, answer)), trace(answer), salt(answer));
        let call = pallet_contestation::Call::open { task, output: cid, trace, salt };
        self.call("open", Some(who), call);
    }

    /// The key of the verifiable random function of `who`.
    fn vrf_pair(who: &AccountId) -> sr25519::Pair {
        sr25519::Pair::from_seed(who.as_ref())
    }

    /// Sets session keys of `who`. They are put there: whoever sets them must own them, and nobody here makes blocks with
    /// them.
    fn set_keys(who: &AccountId, key: [u8; 32]) {
        let keys =
            SessionKeys { babe: sr25519::Public::from_raw(key).into(), grandpa: ed25519::Public::from_raw(key).into() };
        pallet_session::NextKeys::<Runtime>::insert(who, keys);
    }

    /// One of `accounts`, mostly, who comes to the elections, mostly with session keys. Of those who leave, every other one
    /// waits for its seat bond first.
    fn comer(&mut self, accounts: Vec<AccountId>) -> Option<AccountId> {
        let who = self.random.pick(&accounts).cloned().filter(|_| !self.random.chance(2));
        let who = who.unwrap_or_else(|| self.account());
        let leaves_at = SeatBonds::<Runtime>::get(&who).and_then(|bond| bond.leaves_at);
        if leaves_at.is_some_and(|block| block % 2 == 0) {
            return None;
        }
        if KeysOfSession::keys_hash(&who).is_none() && self.random.chance(90) {
            Self::set_keys(&who, who.clone().into());
        }
        Some(who)
    }

    /// Something that has to do with elections.
    fn elections(&mut self, who: AccountId, operation: u64) {
        use assay_runtime::parameters::dynamic_params::elections::MinimumCommit;

        let candidates: Vec<_> = Candidates::<Runtime>::iter_keys().collect();
        match operation {
            100 => {
                let key: [u8; 32] = if self.random.chance(90) { who.clone().into() } else { [operation as u8; 32] };
                Self::set_keys(&who, key);
            }
            101..=103 => {
                let Some(who) = self.comer(self.accounts[..WOULD_BE_DRAWN].to_vec()) else { return };
                let keys = KeysOfSession::keys_hash(&who).unwrap_or_default();
                let vrf_key = Self::vrf_pair(&who).public().0;
                self.call("elections.register", Some(who), pallet_elections::Call::register { vrf_key, keys });
            }
            104..=109 => {
                // Every third registration is of one who does nothing with it.
                let bidders = Candidates::<Runtime>::iter().filter(|(_, candidate)| candidate.since % 3 > 0);
                let bidders: Vec<_> = bidders.map(|(who, _)| who).collect();
                let who = self.preferably(&bidders);
                let (genesis, present, accumulator) = Elections::vrf_input();
                let tenure = if self.random.chance(95) { present } else { present + 1 };
                let vrf_proof = election::vrf_sign(&Self::vrf_pair(&who), &genesis, tenure, &accumulator, &who);
                let minimum: Balance = MinimumCommit::get();
                let least = if self.random.chance(80) { minimum } else { 0 };
                let amount = self.random.amount(least, least + 2 * ASY);
                let call = pallet_elections::Call::commit { amount, vrf_proof };
                if self.call("elections.commit", Some(who.clone()), call) {
                    let commit = Commits::<Runtime>::get(present, &who).expect("it has just committed");
                    let output = |tenure| {
                        election::vrf_output(&commit.vrf_key, &genesis, tenure, &accumulator, &who, &commit.vrf_proof)
                    };
                    assert_eq!(output(present), Some(commit.vrf_output), "a proof is of its own tenure");
                    assert_eq!(output(present + 1), None, "and of no other");
                }
            }
            110..=111 => {
                if let Some(who) = self.comer(self.accounts[WOULD_BE_DRAWN..].to_vec()) {
                    self.call("elections.stand", Some(who), pallet_elections::Call::stand {});
                }
            }
            112 => {
                let standing = Standing::<Runtime>::get().into_inner();
                let all: Vec<_> = standing.into_iter().chain(candidates).collect();
                if self.random.chance(30) {
                    let who = self.preferably(&all);
                    self.call("elections.leave", Some(who), pallet_elections::Call::leave {});
                }
            }
            113 => {
                let candidate = self.preferably(&candidates);
                self.call("elections.evict", Some(who), pallet_elections::Call::evict { candidate });
            }
            114 => {
                let leaving = SeatBonds::<Runtime>::iter().filter_map(|(who, bond)| Some((bond.leaves_at?, who)));
                let first = leaving.min().map(|(_, who)| who);
                let who = self.preferably(first.as_slice());
                self.call("elections.withdraw_seat_bond", Some(who), pallet_elections::Call::withdraw_seat_bond {});
            }
            _ if self.random.chance(10) => {
                let fraction = Perbill::from_percent(self.random.below(101) as u32);
                Elections::note_offence(&who, fraction);
            }
            _ => {
                let chilled = |who: &AccountId| Candidates::<Runtime>::get(who).is_some_and(|record| record.chilled);
                let founders = Founders::<Runtime>::get().into_iter().filter(|founder| founder.chilled);
                let founders = founders.map(|founder| founder.account);
                let out: Vec<_> = candidates.into_iter().filter(chilled).chain(founders).collect();
                let who = self.preferably(&out);
                self.call("elections.resume", Some(who), pallet_elections::Call::resume {});
            }
        }
    }

    /// A batch of changes, good ones and bad ones.
    fn change_parameter(&mut self) {
        use assay_runtime::{
            parameters::dynamic_params::{bonds, disputes, elections, solutions, tasks},
            RuntimeParameters as P,
        };

        let blocks = self.random.below(400) as u32;
        let change = match self.random.below(14) {
            0 => P::Bonds(bonds::Parameters::Unbonding(bonds::Unbonding, Some(blocks))),
            1 => P::Solutions(solutions::Parameters::ContestWindow(solutions::ContestWindow, Some(blocks % 12))),
            2 => P::Solutions(solutions::Parameters::RevealGrace(solutions::RevealGrace, Some(blocks % 5))),
            3 => P::Tasks(tasks::Parameters::Retention(tasks::Retention, Some(blocks))),
            4 => P::Tasks(tasks::Parameters::LongestDeadline(tasks::LongestDeadline, Some(blocks))),
            5 => P::Disputes(disputes::Parameters::QuorumBallots(disputes::QuorumBallots, Some(blocks % 4))),
            6 => P::Disputes(disputes::Parameters::QuorumWeight(disputes::QuorumWeight, Some(blocks % 3))),
            7 => P::Disputes(disputes::Parameters::BallotOpen(disputes::BallotOpen, Some(blocks % 10))),
            8 => P::Elections(elections::Parameters::LeastCommits(elections::LeastCommits, Some(blocks % 4))),
            9 => P::Elections(elections::Parameters::Seats(elections::Seats, Some(blocks % 5))),
            10 => P::Elections(elections::Parameters::CommitteeSize(elections::CommitteeSize, Some(blocks % 4))),
            11 => {
                let bond = self.random.amount(0, 20 * ASY);
                P::Elections(elections::Parameters::SeatBond(elections::SeatBond, Some(bond)))
            }
            12 => {
                let least = self.random.amount(0, ASY);
                P::Elections(elections::Parameters::MinimumCommit(elections::MinimumCommit, Some(least)))
            }
            _ => P::Solutions(solutions::Parameters::CommitmentDeposit(
                solutions::CommitmentDeposit,
                Some(self.random.amount(0, ASY)),
            )),
        };
        let changes = BoundedVec::truncate_from(vec![change]);
        self.call("update", None, pallet_settings::Call::update { changes });
    }

    /// Takes note of everything that left the issuance, of verdicts, and of defensive paths, which must not be taken.
    pub fn read_events(&mut self) {
        for record in System::events() {
            match record.event {
                RuntimeEvent::Balances(BalancesEvent::DustLost { amount, .. }) => self.burned += amount,
                RuntimeEvent::Balances(BalancesEvent::Burned { amount, .. }) => self.burned += amount,
                RuntimeEvent::Balances(BalancesEvent::BurnedHeld { amount, .. }) => self.burned += amount,
                RuntimeEvent::Emissions(pallet_emissions::Event::Burned { amount }) => self.burned += amount,
                RuntimeEvent::Contestation(pallet_contestation::Event::Resolved { verdict, .. }) => {
                    *self.outcomes.entry(("verdict", format!("{verdict:?}"))).or_default() += 1;
                }
                RuntimeEvent::Elections(pallet_elections::Event::Drawn { tenure, seats, .. }) => {
                    seats.iter().for_each(|seat| check_seat(tenure, seat));
                    let who = if seats.is_empty() { "nobody" } else { "some" };
                    *self.outcomes.entry(("elected", who.to_string())).or_default() += 1;
                }
                RuntimeEvent::Elections(pallet_elections::Event::Chilled { reason, .. }) => {
                    *self.outcomes.entry(("chilled", format!("{reason:?}"))).or_default() += 1;
                }
                RuntimeEvent::Emissions(pallet_emissions::Event::Unexpected(kind)) => panic!("emissions: {kind:?}"),
                RuntimeEvent::Bonds(pallet_bonds::Event::Unexpected { kind, .. }) => panic!("bonds: {kind:?}"),
                RuntimeEvent::Tasks(pallet_tasks::Event::SweepFailed { error, .. })
                | RuntimeEvent::Solutions(pallet_solutions::Event::SweepFailed { error, .. })
                | RuntimeEvent::Contestation(pallet_contestation::Event::SweepFailed { error, .. }) => {
                    panic!("sweeper: {error:?}")
                }
                _ => {}
            }
        }
        System::reset_events();
    }
}
