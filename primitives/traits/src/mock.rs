//! A stand-in for each door, for the tests of one pallet alone. State is per thread, as tests are.

use super::*;
use std::{cell::RefCell, collections::BTreeMap};

/// The account type of pallet tests.
pub type MockAccount = u64;

thread_local! {
    static MODELS: RefCell<BTreeMap<ModelId, ModelTerms<MockAccount>>> = const { RefCell::new(BTreeMap::new()) };
    static SERVED: RefCell<BTreeMap<(ModelId, MockAccount), ()>> = const { RefCell::new(BTreeMap::new()) };
    static STAKES: RefCell<BTreeMap<MockAccount, (Balance, Balance)>> = const { RefCell::new(BTreeMap::new()) };
    static UNBONDED: RefCell<BTreeMap<MockAccount, (Balance, BlockNumber)>> = const { RefCell::new(BTreeMap::new()) };
    static AWARDS: RefCell<BTreeMap<MockAccount, Balance>> = const { RefCell::new(BTreeMap::new()) };
    static ESCROW: RefCell<Balance> = const { RefCell::new(0) };
    static FORFEITED: RefCell<Balance> = const { RefCell::new(0) };
    static DELEGATED: RefCell<BTreeMap<MockAccount, (Balance, Balance)>> = const { RefCell::new(BTreeMap::new()) };
    static COMMITTEE: RefCell<Vec<MockAccount>> = const { RefCell::new(Vec::new()) };
    static RESERVED: RefCell<Balance> = const { RefCell::new(0) };
    static SUNK_FEE: RefCell<Balance> = const { RefCell::new(0) };
    static VRF: RefCell<Option<BlockRandomness>> = const { RefCell::new(None) };
}

/// Models by hand.
pub struct MockModels;
impl MockModels {
    /// Registers `model` with `terms`.
    pub fn set(model: ModelId, terms: ModelTerms<MockAccount>) {
        MODELS.with(|m| m.borrow_mut().insert(model, terms));
    }
    /// Lets `solver` serve `model`.
    pub fn serve(model: ModelId, solver: MockAccount) {
        SERVED.with(|s| s.borrow_mut().insert((model, solver), ()));
    }
    /// Forgets everything.
    pub fn clear() {
        MODELS.with(|m| m.borrow_mut().clear());
        SERVED.with(|s| s.borrow_mut().clear());
    }
}
impl ModelRegistry<MockAccount> for MockModels {
    fn terms(model: &ModelId) -> Result<ModelTerms<MockAccount>, DispatchError> {
        MODELS.with(|m| m.borrow().get(model).cloned()).ok_or(DispatchError::Other("mock: unknown model"))
    }
    fn serves(model: &ModelId, solver: &MockAccount) -> bool {
        SERVED.with(|s| s.borrow().contains_key(&(*model, *solver)))
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(model: &ModelId, solver: &MockAccount) {
        Self::set(*model, ModelTerms { fee: 0, recipient: 0, rate: FixedU128::from_u32(0) });
        Self::serve(*model, *solver);
    }
}

/// Stake by hand: bonded and pledged per account.
pub struct MockStake;
impl MockStake {
    /// Gives `solver` a mature bond.
    pub fn bond(solver: MockAccount, amount: Balance) {
        STAKES.with(|s| s.borrow_mut().entry(solver).or_default().0 = amount);
    }
    /// Takes the whole bond of `solver`, of which nothing is pledged, out in block `now`; it waits to be withdrawn.
    pub fn unbond(solver: MockAccount, now: BlockNumber) {
        let (bonded, _) = STAKES.with(|s| s.borrow_mut().remove(&solver)).unwrap_or_default();
        UNBONDED.with(|u| u.borrow_mut().insert(solver, (bonded, now)));
    }
    /// What of the bond of `solver` waits to be withdrawn.
    pub fn unbonded(solver: MockAccount) -> Balance {
        UNBONDED.with(|u| u.borrow().get(&solver).map(|(amount, _)| *amount).unwrap_or_default())
    }
    /// What `solver` has pledged.
    pub fn pledged(solver: MockAccount) -> Balance {
        STAKES.with(|s| s.borrow().get(&solver).map(|(_, pledged)| *pledged).unwrap_or_default())
    }
    /// What `who` was awarded out of the escrow.
    pub fn awarded(who: MockAccount) -> Balance {
        AWARDS.with(|a| a.borrow().get(&who).copied().unwrap_or_default())
    }
    /// What was forfeited out of the escrow.
    pub fn forfeited() -> Balance {
        FORFEITED.with(|f| *f.borrow())
    }
    /// Forgets everything.
    pub fn clear() {
        STAKES.with(|s| s.borrow_mut().clear());
        UNBONDED.with(|u| u.borrow_mut().clear());
        AWARDS.with(|a| a.borrow_mut().clear());
        ESCROW.with(|e| *e.borrow_mut() = 0);
        FORFEITED.with(|f| *f.borrow_mut() = 0);
    }
    /// Takes up to `amount` of the bond that is not pledged into the escrow.
    fn take_free(solver: MockAccount, amount: Balance) -> Balance {
        STAKES.with(|s| {
            s.borrow_mut().get_mut(&solver).map_or(0, |(bonded, pledged)| {
                let taken = amount.min(*bonded - *pledged);
                *bonded -= taken;
                ESCROW.with(|e| *e.borrow_mut() += taken);
                taken
            })
        })
    }
    fn out_of_escrow(amount: Balance) {
        ESCROW.with(|e| {
            let mut escrow = e.borrow_mut();
            *escrow = escrow.checked_sub(amount).expect("mock: the escrow pays more than it has");
        });
    }
}
impl SolverStake<MockAccount> for MockStake {
    fn ensure_eligible(solver: &MockAccount) -> DispatchResult {
        if Self::mature(solver) > 0 {
            Ok(())
        } else {
            Err(DispatchError::Other("mock: not bonded"))
        }
    }
    fn mature(solver: &MockAccount) -> Balance {
        STAKES.with(|s| s.borrow().get(solver).map(|(bonded, _)| *bonded).unwrap_or_default())
    }
    fn backing(solver: &MockAccount) -> Balance {
        Self::mature(solver)
    }
    fn pledge(solver: &MockAccount, amount: Balance) -> DispatchResult {
        STAKES.with(|s| match s.borrow_mut().get_mut(solver) {
            Some((bonded, pledged)) if pledged.saturating_add(amount) <= *bonded => {
                *pledged += amount;
                Ok(())
            }
            _ => Err(DispatchError::Other("mock: bond too small")),
        })
    }
    fn release(solver: &MockAccount, amount: Balance) {
        STAKES.with(|s| {
            if let Some((_, pledged)) = s.borrow_mut().get_mut(solver) {
                *pledged = pledged.saturating_sub(amount);
            }
        });
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(solver: &MockAccount, amount: Balance) {
        Self::bond(*solver, amount);
    }
}

impl StakeEscrow<MockAccount> for MockStake {
    fn escrow(solver: &MockAccount, amount: Balance) -> DispatchResult {
        Self::pledge(solver, amount)?;
        Self::confiscate(solver, amount, amount);
        Ok(())
    }
    fn restore(solver: &MockAccount, amount: Balance) {
        Self::out_of_escrow(amount);
        STAKES.with(|s| s.borrow_mut().entry(*solver).or_default().0 += amount);
    }
    fn confiscate(solver: &MockAccount, pledged: Balance, amount: Balance) -> Balance {
        Self::release(solver, pledged);
        Self::take_free(*solver, amount.min(pledged))
    }
    fn liable(solver: &MockAccount, fault_at: BlockNumber) -> Balance {
        let unbonded = UNBONDED.with(|u| u.borrow().get(solver).copied()).filter(|(_, at)| *at >= fault_at);
        Self::mature(solver) + unbonded.map(|(amount, _)| amount).unwrap_or_default()
    }
    fn slash(solver: &MockAccount, amount: Balance, fault_at: BlockNumber) -> Balance {
        let bonded = Self::take_free(*solver, amount);
        let unbonded = UNBONDED.with(|u| {
            u.borrow_mut().get_mut(solver).filter(|(_, at)| *at >= fault_at).map_or(0, |(waiting, _)| {
                let taken = (amount - bonded).min(*waiting);
                *waiting -= taken;
                taken
            })
        });
        ESCROW.with(|e| *e.borrow_mut() += unbonded);
        bonded + unbonded
    }
    fn slash_weight() -> Weight {
        Weight::zero()
    }
    fn award(who: &MockAccount, amount: Balance) {
        Self::out_of_escrow(amount);
        AWARDS.with(|a| *a.borrow_mut().entry(*who).or_default() += amount);
    }
    fn forfeit(amount: Balance) {
        Self::out_of_escrow(amount);
        FORFEITED.with(|f| *f.borrow_mut() += amount);
    }
    fn escrowed() -> Balance {
        ESCROW.with(|e| *e.borrow())
    }
}

/// Delegators by hand: a share in percent per solver, kept in account [`MockDelegators::ACCOUNT`].
pub struct MockDelegators;
impl MockDelegators {
    /// Where what is theirs is kept.
    pub const ACCOUNT: MockAccount = 7_777;
    /// Gives the delegators of `solver` this share, in percent, of what it earns.
    pub fn set(solver: MockAccount, percent: Balance) {
        DELEGATED.with(|d| d.borrow_mut().insert(solver, (percent, 0)));
    }
    /// What was credited to the delegators of `solver`.
    pub fn credited(solver: MockAccount) -> Balance {
        DELEGATED.with(|d| d.borrow().get(&solver).map(|(_, credited)| *credited).unwrap_or_default())
    }
    /// Forgets everything.
    pub fn clear() {
        DELEGATED.with(|d| d.borrow_mut().clear());
    }
}
impl Delegators<MockAccount> for MockDelegators {
    fn share(solver: &MockAccount, earned: Balance) -> Balance {
        DELEGATED.with(|d| d.borrow().get(solver).map(|(percent, _)| earned * percent / 100).unwrap_or_default())
    }
    fn account() -> MockAccount {
        Self::ACCOUNT
    }
    fn credit(solver: &MockAccount, amount: Balance) {
        DELEGATED.with(|d| d.borrow_mut().entry(*solver).or_default().1 += amount);
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(solver: &MockAccount) {
        Self::set(*solver, 50);
    }
}

/// A committee by hand.
pub struct MockCommittee;
impl MockCommittee {
    /// The members from now on.
    pub fn set(members: Vec<MockAccount>) {
        COMMITTEE.with(|c| *c.borrow_mut() = members);
    }
}
impl Committee<MockAccount> for MockCommittee {
    const MAX: u32 = 5;
    fn members() -> Vec<MockAccount> {
        COMMITTEE.with(|c| c.borrow().clone())
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(members: Vec<MockAccount>) {
        Self::set(members);
    }
}

/// Validators by hand, and the hashes of their keys.
pub struct MockKeys;
thread_local! {
    static VALIDATORS: RefCell<Vec<MockAccount>> = const { RefCell::new(Vec::new()) };
    static KEYS: RefCell<BTreeMap<MockAccount, Hash>> = const { RefCell::new(BTreeMap::new()) };
}
impl MockKeys {
    /// The validators from now on.
    pub fn set_validators(validators: Vec<MockAccount>) {
        VALIDATORS.with(|v| *v.borrow_mut() = validators);
    }
    /// Sets the keys of `who`, or purges them.
    pub fn set(who: MockAccount, keys: Option<Hash>) {
        KEYS.with(|k| match keys {
            Some(hash) => k.borrow_mut().insert(who, hash),
            None => k.borrow_mut().remove(&who),
        });
    }
    /// Forgets everything.
    pub fn clear() {
        Self::set_validators(Vec::new());
        KEYS.with(|k| k.borrow_mut().clear());
    }
}
impl ValidatorKeys<MockAccount> for MockKeys {
    fn validators() -> Vec<MockAccount> {
        VALIDATORS.with(|v| v.borrow().clone())
    }
    fn keys_hash(who: &MockAccount) -> Option<Hash> {
        KEYS.with(|k| k.borrow().get(who).copied())
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(who: &MockAccount) -> Hash {
        let hash = Hash::from_low_u64_be(*who);
        Self::set(*who, Some(hash));
        hash
    }
}

/// Rewards of `rate` times one ASY, without any bound; mints nothing, the whole reward is the solver's.
pub struct MockRewards;
impl MockRewards {
    /// What is reserved now.
    pub fn reserved() -> Balance {
        RESERVED.with(|r| *r.borrow())
    }
    /// The sunk fee that was last quoted or reserved for.
    pub fn sunk_fee() -> Balance {
        SUNK_FEE.with(|s| *s.borrow())
    }
    /// Forgets everything.
    pub fn clear() {
        RESERVED.with(|r| *r.borrow_mut() = 0);
        SUNK_FEE.with(|s| *s.borrow_mut() = 0);
    }
}
impl WorkRewards<MockAccount> for MockRewards {
    fn quote(rate: FixedU128, sunk_fee: Balance) -> Balance {
        SUNK_FEE.with(|s| *s.borrow_mut() = sunk_fee);
        sp_runtime::FixedPointNumber::saturating_mul_int(rate, assay_types::ASY)
    }
    fn reserve(rate: FixedU128, sunk_fee: Balance) -> Balance {
        let reward = Self::quote(rate, sunk_fee);
        RESERVED.with(|r| *r.borrow_mut() += reward);
        reward
    }
    fn release(reserved: Balance) {
        RESERVED.with(|r| *r.borrow_mut() -= reserved);
    }
    fn mint(reserved: Balance, _: &MockAccount, _: &MockAccount) -> RewardSplit {
        Self::release(reserved);
        RewardSplit { solver: reserved, ..Default::default() }
    }
}

/// Randomness by hand.
pub struct MockVrf;
impl MockVrf {
    /// The output that [`BlockVrf::of_parent`] gives from now on.
    pub fn set(output: Option<BlockRandomness>) {
        VRF.with(|v| *v.borrow_mut() = output);
    }
}
impl BlockVrf for MockVrf {
    fn of_parent() -> Option<BlockRandomness> {
        VRF.with(|v| *v.borrow())
    }
}

/// A task and its output.
type MockTask = (TaskView<MockAccount>, Option<Payload>);

/// Tasks by hand; `settle` pays nothing and says so.
pub struct MockTasks;
thread_local! {
    static TASKS: RefCell<BTreeMap<TaskId, MockTask>> = const { RefCell::new(BTreeMap::new()) };
    static NOW: RefCell<BlockNumber> = const { RefCell::new(0) };
    static REFUSING: RefCell<bool> = const { RefCell::new(false) };
}
impl MockTasks {
    /// Puts a task there.
    pub fn set(task: TaskId, view: TaskView<MockAccount>) {
        TASKS.with(|t| t.borrow_mut().insert(task, (view, None)));
    }
    /// Moves a task to `state`, as a room that is not under test would.
    pub fn set_state(task: TaskId, state: TaskState) {
        TASKS.with(|t| {
            if let Some((view, _)) = t.borrow_mut().get_mut(&task) {
                view.state = state;
                view.ended_at = state.has_ended().then(Self::now);
            }
        });
    }
    /// Forgets a task, as its owner may when it has ended.
    pub fn remove(task: TaskId) {
        TASKS.with(|t| t.borrow_mut().remove(&task));
    }
    /// Commitments counted for a task.
    pub fn commitments(task: TaskId) -> u32 {
        TASKS.with(|t| t.borrow().get(&task).map(|(view, _)| view.commitments).unwrap_or_default())
    }
    /// The output stored for a task.
    pub fn output(task: TaskId) -> Option<Payload> {
        TASKS.with(|t| t.borrow().get(&task).and_then(|(_, output)| output.clone()))
    }
    /// Whether `settle` fails from now on.
    pub fn refuse_settlements(refuse: bool) {
        REFUSING.with(|r| *r.borrow_mut() = refuse);
    }
    /// The block in which calls happen.
    pub fn set_now(now: BlockNumber) {
        NOW.with(|n| *n.borrow_mut() = now);
    }
    /// Forgets everything.
    pub fn clear() {
        TASKS.with(|t| t.borrow_mut().clear());
        Self::set_now(0);
        Self::refuse_settlements(false);
    }
    fn now() -> BlockNumber {
        NOW.with(|n| *n.borrow())
    }
    fn with<R>(task: &TaskId, f: impl FnOnce(&mut MockTask) -> Result<R, DispatchError>) -> Result<R, DispatchError> {
        TASKS.with(|t| f(t.borrow_mut().get_mut(task).ok_or(DispatchError::Other("mock: unknown task"))?))
    }
    fn ensure_in_time(view: &TaskView<MockAccount>) -> DispatchResult {
        if Self::now() > view.deadline {
            return Err(DispatchError::Other("mock: past deadline"));
        }
        Ok(())
    }
}
impl TaskBook<MockAccount> for MockTasks {
    fn view(task: &TaskId) -> Option<TaskView<MockAccount>> {
        TASKS.with(|t| t.borrow().get(task).map(|(view, _)| view.clone()))
    }
    fn note_commitment(task: &TaskId) -> DispatchResult {
        Self::with(task, |(view, _)| {
            if view.state != TaskState::Open {
                return Err(DispatchError::Other("mock: not open"));
            }
            Self::ensure_in_time(view)?;
            view.commitments += 1;
            Ok(())
        })
    }
    fn drop_commitment(task: &TaskId) {
        let _ = Self::with(task, |(view, _)| {
            view.commitments -= 1;
            Ok(())
        });
    }
    fn solve(task: &TaskId, new_output: Payload) -> DispatchResult {
        Self::with(task, |(view, output)| {
            match view.state {
                TaskState::Open => Self::ensure_in_time(view)?,
                TaskState::Solved => {}
                _ => return Err(DispatchError::Other("mock: not open")),
            }
            view.state = TaskState::Solved;
            *output = Some(new_output);
            Ok(())
        })
    }
    fn dispute(task: &TaskId) -> DispatchResult {
        Self::with(task, |(view, _)| {
            if view.state != TaskState::Solved {
                return Err(DispatchError::Other("mock: not solved"));
            }
            view.state = TaskState::Disputed;
            Ok(())
        })
    }
    fn refund(task: &TaskId) -> DispatchResult {
        if REFUSING.with(|r| *r.borrow()) {
            return Err(DispatchError::Unavailable);
        }
        Self::with(task, |(view, output)| {
            if view.state != TaskState::Disputed {
                return Err(DispatchError::Other("mock: not disputed"));
            }
            view.state = TaskState::Refunded;
            view.ended_at = Some(Self::now());
            *output = None;
            Ok(())
        })
    }
    fn settle(task: &TaskId, _: &MockAccount) -> Result<Settlement, DispatchError> {
        if REFUSING.with(|r| *r.borrow()) {
            return Err(DispatchError::Unavailable);
        }
        Self::with(task, |(view, output)| {
            if !matches!(view.state, TaskState::Solved | TaskState::Disputed) {
                return Err(DispatchError::Other("mock: not solved"));
            }
            view.state = TaskState::Settled;
            view.ended_at = Some(Self::now());
            *output = None;
            Ok(Settlement::default())
        })
    }
    fn settled_news_weight() -> Weight {
        Weight::zero()
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(submitter: &MockAccount, model: &ModelId) -> TaskId {
        let task = TaskId::repeat_byte(9);
        Self::set(
            task,
            TaskView {
                state: TaskState::Open,
                submitter: *submitter,
                model: *model,
                fee: 0,
                reward: 0,
                commitments: 0,
                submitted_at: 0,
                deadline: BlockNumber::MAX,
                reveal_grace: 3,
                contest_window: 8,
                ended_at: None,
            },
        );
        task
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare_expired(task: &TaskId) {
        Self::set_state(*task, TaskState::Expired);
    }
}

/// Solutions by hand, to tasks of [`MockTasks`].
pub struct MockSolutions;
thread_local! {
    static SOLUTIONS: RefCell<BTreeMap<TaskId, StandingSolution<MockAccount>>> = const { RefCell::new(BTreeMap::new()) };
}
impl MockSolutions {
    /// Puts a solution there; its stake is pledged by hand.
    pub fn set(task: TaskId, solution: StandingSolution<MockAccount>) {
        SOLUTIONS.with(|s| s.borrow_mut().insert(task, solution));
    }
    /// Forgets everything.
    pub fn clear() {
        SOLUTIONS.with(|s| s.borrow_mut().clear());
    }
    fn take(task: &TaskId) -> Result<StandingSolution<MockAccount>, DispatchError> {
        SOLUTIONS.with(|s| s.borrow_mut().remove(task)).ok_or(DispatchError::Other("mock: no solution"))
    }
}
impl SolutionBook<MockAccount> for MockSolutions {
    fn standing(task: &TaskId) -> Option<StandingSolution<MockAccount>> {
        SOLUTIONS.with(|s| s.borrow().get(task).cloned())
    }
    fn uphold(task: &TaskId) -> DispatchResult {
        let solution = Self::standing(task).ok_or(DispatchError::Other("mock: no solution"))?;
        MockTasks::settle(task, &solution.solver)?;
        Self::take(task)?;
        MockStake::release(&solution.solver, solution.stake);
        Ok(())
    }
    fn strike(task: &TaskId) -> DispatchResult {
        MockTasks::refund(task)?;
        Self::take(task)?;
        Ok(())
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(solver: &MockAccount, model: &ModelId) -> TaskId {
        let task = MockTasks::prepare(solver, model);
        MockTasks::set_state(task, TaskState::Solved);
        let stake = 1_000;
        let (output, trace_seal) = (Cid::of(b""), Hash::zero());
        let (contestable_from, contestable_until) = (0, BlockNumber::MAX);
        let solution =
            StandingSolution { solver: *solver, output, trace_seal, stake, contestable_from, contestable_until };
        Self::set(task, solution);
        task
    }
}
