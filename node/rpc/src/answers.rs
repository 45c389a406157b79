//! What the methods answer. Amounts are texts of digits, in units of ASY, because JSON's numbers are not exact beyond
//! 2^53; so are content ids and fractions. Hashes and bytes are hexadecimal, accounts are addresses.

use assay_runtime_api as api;
use assay_traits::{FeeSplit, ModelTerms, RewardSplit, Settlement, TaskState, Verdict};
use assay_types::{
    inference::{Finish, Output, Parameters},
    protocol, AccountId, Balance, BlockNumber, Cid, Hash, ModelId, TaskId, Tenure,
};
use codec::DecodeAll;
use serde::{Serialize, Serializer};
use sp_core::Bytes;
use sp_runtime::FixedU128;
use std::fmt::Display;

fn text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn text_or_null<S: Serializer>(value: &Option<impl Display>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

fn hexadecimal<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("0x{}", hex::encode(bytes)))
}

/// A fraction of 18 decimals, without the zeros at its end.
fn decimal<S: Serializer>(value: &FixedU128, serializer: S) -> Result<S::Ok, S::Error> {
    const ONE: u128 = FixedU128::from_u32(1).into_inner();
    let (whole, rest) = (value.into_inner() / ONE, value.into_inner() % ONE);
    let digits = format!("{rest:018}");
    match digits.trim_end_matches('0') {
        "" => serializer.collect_str(&whole),
        fraction => serializer.collect_str(&format_args!("{whole}.{fraction}")),
    }
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its height.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: Hash,
}

/// An answer and the block whose state it was read from.
#[derive(Clone, Debug, Serialize)]
pub struct At<T> {
    /// The block.
    pub block: Block,
    /// What is so after it.
    #[serde(flatten)]
    pub answer: T,
}

/// The name of a state.
pub fn state(state: TaskState) -> &'static str {
    match state {
        TaskState::Open => "open",
        TaskState::Solved => "solved",
        TaskState::Disputed => "disputed",
        TaskState::Settled => "settled",
        TaskState::Refunded => "refunded",
        TaskState::Expired => "expired",
        TaskState::Retracted => "retracted",
    }
}

/// The terms of a model.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// Flat fee of each task.
    #[serde(serialize_with = "text")]
    fee: Balance,
    /// Who receives it.
    recipient: AccountId,
    /// Share of the full reward that tasks earn.
    #[serde(serialize_with = "decimal")]
    rate: FixedU128,
}

impl From<ModelTerms<AccountId>> for Terms {
    fn from(terms: ModelTerms<AccountId>) -> Self {
        Self { fee: terms.fee, recipient: terms.recipient, rate: terms.rate }
    }
}

/// What stays of a task until it is forgotten.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    id: TaskId,
    state: &'static str,
    owner: AccountId,
    model: ModelId,
    terms: Terms,
    #[serde(serialize_with = "text")]
    fee: Balance,
    #[serde(serialize_with = "text")]
    reward: Balance,
    deposits: Deposits,
    #[serde(serialize_with = "text")]
    input: Cid,
    #[serde(serialize_with = "text_or_null")]
    output: Option<Cid>,
    solver: Option<AccountId>,
    commitments: u32,
    blocks: Blocks,
    periods: Periods,
}

#[derive(Clone, Debug, Serialize)]
struct Deposits {
    #[serde(serialize_with = "text")]
    base: Balance,
    #[serde(serialize_with = "text")]
    bytes: Balance,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Blocks {
    submitted: BlockNumber,
    deadline: BlockNumber,
    last_commitment: Option<BlockNumber>,
    ended: Option<BlockNumber>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Periods {
    reveal_grace: BlockNumber,
    contest_window: BlockNumber,
    retract_delay: BlockNumber,
    retention: BlockNumber,
}

impl From<api::TaskSummary<AccountId>> for Task {
    fn from(task: api::TaskSummary<AccountId>) -> Self {
        let view = task.view;
        Self {
            id: task.id,
            state: state(view.state),
            owner: view.submitter,
            model: view.model,
            terms: task.terms.into(),
            fee: view.fee,
            reward: view.reward,
            deposits: Deposits { base: task.base_deposit, bytes: task.byte_deposit },
            input: task.input,
            output: task.output,
            solver: task.solver,
            commitments: view.commitments,
            blocks: Blocks {
                submitted: view.submitted_at,
                deadline: view.deadline,
                last_commitment: task.last_commitment_at,
                ended: view.ended_at,
            },
            periods: Periods {
                reveal_grace: view.reveal_grace,
                contest_window: view.contest_window,
                retract_delay: task.retract_delay,
                retention: task.retention,
            },
        }
    }
}

/// Everything of a task but the bytes of its payloads.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskInfo {
    #[serde(flatten)]
    task: Task,
    parameters: Option<RunParameters>,
    payloads: Payloads,
    seed: Option<Seed>,
    solution: Option<Solution>,
    dispute: Option<Dispute>,
}

#[derive(Clone, Debug, Serialize)]
struct RunParameters {
    #[serde(serialize_with = "hexadecimal")]
    bytes: Vec<u8>,
    /// What they mean; null where no engine could read them.
    decoded: Option<Decoded>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Decoded {
    Text {
        max_tokens: u32,
        temperature_milli: u32,
        top_k: u32,
        top_p_milli: u32,
        repetition_penalty_milli: u32,
        stop: Vec<String>,
    },
    Embedding,
}

impl From<Vec<u8>> for RunParameters {
    fn from(bytes: Vec<u8>) -> Self {
        let decoded = Parameters::decode_all(&mut &bytes[..]).ok().map(|parameters| match parameters {
            Parameters::Text(text) => Decoded::Text {
                max_tokens: text.max_tokens,
                temperature_milli: text.temperature_milli,
                top_k: text.top_k,
                top_p_milli: text.top_p_milli,
                repetition_penalty_milli: text.repetition_penalty_milli,
                stop: text.stop,
            },
            Parameters::Embedding => Decoded::Embedding,
        });
        Self { bytes, decoded }
    }
}

#[derive(Clone, Debug, Serialize)]
struct Payloads {
    input: Option<PayloadSummary>,
    output: Option<PayloadSummary>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PayloadSummary {
    length: u32,
    in_state: bool,
}

impl From<api::PayloadSummary> for PayloadSummary {
    fn from(payload: api::PayloadSummary) -> Self {
        Self { length: payload.length, in_state: payload.in_state }
    }
}

#[derive(Clone, Debug, Serialize)]
struct Seed {
    #[serde(serialize_with = "hexadecimal")]
    bytes: Vec<u8>,
    number: u64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Solution {
    solver: AccountId,
    committed: BlockNumber,
    first_revealed: BlockNumber,
    revealed: BlockNumber,
    /// First block in which it can be contested.
    contestable_from: BlockNumber,
    /// Last block in which it can be contested.
    contestable_until: BlockNumber,
    trace_seal: Hash,
    #[serde(serialize_with = "text")]
    stake: Balance,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dispute {
    solver: AccountId,
    contester: AccountId,
    #[serde(serialize_with = "text")]
    stake: Balance,
    opened: BlockNumber,
    votes_until: BlockNumber,
    opens_until: BlockNumber,
    ballots_opened: u32,
    verdict: Option<&'static str>,
}

impl TaskInfo {
    /// What the runtime tells of a task, on the chain with this first block.
    pub fn new(info: api::TaskInfo<AccountId>, genesis: &Hash) -> Self {
        let (id, view) = (info.summary.id, info.summary.view.clone());
        let seed = info.parameters.as_ref().zip(info.randomness).map(|(parameters, randomness)| {
            let seed = protocol::seed(genesis, &id, &randomness, &view.model, parameters);
            Seed { number: protocol::seed_number(&seed), bytes: seed.to_vec() }
        });
        let solution = info.solution.map(|solution| {
            let replaceable_until = solution.first_revealed_at.saturating_add(view.reveal_grace);
            Solution {
                solver: solution.solver,
                committed: solution.committed_at,
                first_revealed: solution.first_revealed_at,
                revealed: solution.revealed_at,
                contestable_from: replaceable_until.saturating_add(1),
                contestable_until: replaceable_until.saturating_add(view.contest_window),
                trace_seal: solution.trace_seal,
                stake: solution.stake,
            }
        });
        let dispute = info.dispute.map(|dispute| Dispute {
            solver: dispute.solver,
            contester: dispute.contester,
            stake: dispute.stake,
            opened: dispute.opened_at,
            votes_until: dispute.votes_until,
            opens_until: dispute.opens_until,
            ballots_opened: dispute.ballots_opened,
            verdict: dispute.verdict.map(|verdict| match verdict {
                Verdict::Falls => "falls",
                Verdict::Stands => "stands",
                Verdict::Inconclusive => "inconclusive",
            }),
        });
        Self {
            task: info.summary.into(),
            parameters: info.parameters.map(Into::into),
            payloads: Payloads { input: info.input.map(Into::into), output: info.output.map(Into::into) },
            seed,
            solution,
            dispute,
        }
    }
}

/// A part of the list of tasks.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tasks {
    tasks: Vec<Task>,
    looked_at: u32,
    next: Option<TaskId>,
}

impl From<api::Page<api::TaskSummary<AccountId>, TaskId>> for Tasks {
    fn from(page: api::Page<api::TaskSummary<AccountId>, TaskId>) -> Self {
        let tasks = page.items.into_iter().map(Into::into).collect();
        Self { tasks, looked_at: page.looked_at, next: page.next }
    }
}

/// The name of a payload.
pub fn payload_name(kind: api::PayloadKind) -> &'static str {
    match kind {
        api::PayloadKind::Input => "input",
        api::PayloadKind::Output => "output",
    }
}

/// A payload, whose content id has been computed from its bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Payload {
    task: TaskId,
    payload: &'static str,
    #[serde(serialize_with = "text")]
    cid: Cid,
    length: usize,
    #[serde(serialize_with = "hexadecimal")]
    bytes: Vec<u8>,
    content: Option<Content>,
}

/// What a payload says, where that can be read.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Content {
    /// A question.
    Prompt { text: String },
    /// Generated text.
    Text { text: String, tokens: Vec<u32>, finish: &'static str },
    /// An embedding.
    Embedding { values: Vec<f32> },
}

impl Payload {
    /// The payload of `task` with these bytes.
    pub fn new(task: TaskId, kind: api::PayloadKind, bytes: Vec<u8>) -> Self {
        let content = match kind {
            api::PayloadKind::Input => String::from_utf8(bytes.clone()).ok().map(|text| Content::Prompt { text }),
            api::PayloadKind::Output => Output::decode_all(&mut &bytes[..]).ok().map(|output| match output {
                Output::Text(text) => Content::Text {
                    text: text.text,
                    tokens: text.tokens,
                    finish: match text.finish {
                        Finish::EndOfSequence => "endOfSequence",
                        Finish::MaxTokens => "maxTokens",
                        Finish::Stop => "stop",
                    },
                },
                Output::Embedding(embedding) => Content::Embedding { values: embedding.values() },
            }),
        };
        Self { task, payload: payload_name(kind), cid: Cid::of(&bytes), length: bytes.len(), bytes, content }
    }

    /// Its content id.
    pub fn cid(&self) -> Cid {
        self.cid
    }
}

/// A part of the list of models, with what is asked of each.
#[derive(Clone, Debug, Serialize)]
pub struct Models {
    models: Vec<Model>,
    demand: Demand,
    next: Option<ModelId>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    id: ModelId,
    owner: AccountId,
    #[serde(serialize_with = "text")]
    manifest: Cid,
    terms: Terms,
    tier: &'static str,
    active: bool,
    #[serde(serialize_with = "text")]
    deposit: Balance,
    solvers: u32,
    open_tasks: u32,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Demand {
    looked_at: u32,
    complete: bool,
}

impl Models {
    /// Models, and how many open tasks there are for each.
    pub fn new(page: api::Page<api::ModelSummary<AccountId>, ModelId>, demand: api::Demand) -> Self {
        let open = |id: &ModelId| demand.open.iter().find(|(model, _)| model == id).map_or(0, |(_, open)| *open);
        let models = page.items.into_iter().map(|model| Model {
            open_tasks: open(&model.id),
            id: model.id,
            owner: model.owner,
            manifest: model.manifest,
            terms: model.terms.into(),
            tier: match model.tier {
                api::Tier::Open => "open",
                api::Tier::Approved => "approved",
                api::Tier::Certified => "certified",
            },
            active: model.active,
            deposit: model.deposit,
            solvers: model.solvers,
        });
        Self {
            models: models.collect(),
            demand: Demand { looked_at: demand.looked_at, complete: demand.complete },
            next: page.next,
        }
    }
}

/// A part of the list of a model's solvers.
#[derive(Clone, Debug, Serialize)]
pub struct Solvers {
    solvers: Vec<Solver>,
    next: Option<AccountId>,
}

#[derive(Clone, Debug, Serialize)]
struct Solver {
    account: AccountId,
    #[serde(serialize_with = "text")]
    bond: Balance,
    #[serde(serialize_with = "text")]
    mature: Balance,
    #[serde(serialize_with = "text")]
    pledged: Balance,
    #[serde(serialize_with = "text")]
    delegated: Balance,
    eligible: bool,
}

impl From<api::Page<api::SolverSummary<AccountId>, AccountId>> for Solvers {
    fn from(page: api::Page<api::SolverSummary<AccountId>, AccountId>) -> Self {
        let solvers = page.items.into_iter().map(|solver| Solver {
            account: solver.account,
            bond: solver.bond,
            mature: solver.mature,
            pledged: solver.pledged,
            delegated: solver.delegated,
            eligible: solver.eligible,
        });
        Self { solvers: solvers.collect(), next: page.next }
    }
}

/// What a task would cost and earn.
#[derive(Clone, Debug, Serialize)]
pub struct FeeEstimate {
    #[serde(serialize_with = "text")]
    fee: Balance,
    split: EstimatedSplit,
    #[serde(serialize_with = "text")]
    reward: Balance,
    deposits: Deposits,
    /// What the submitter must have beside the transaction's own fee.
    #[serde(serialize_with = "text")]
    locked: Balance,
}

#[derive(Clone, Debug, Serialize)]
struct EstimatedSplit {
    #[serde(serialize_with = "text")]
    model: Balance,
    #[serde(serialize_with = "text")]
    treasury: Balance,
    #[serde(serialize_with = "text")]
    solver: Balance,
}

impl FeeEstimate {
    /// Of a task with this fee, which promises this reward.
    pub fn new(fee: Balance, estimate: api::FeeEstimate, reward: Balance) -> Self {
        let deposits = Deposits { base: estimate.base_deposit, bytes: estimate.byte_deposit };
        Self {
            fee,
            split: EstimatedSplit { model: estimate.model_fee, treasury: estimate.treasury, solver: estimate.solver },
            reward,
            locked: fee.saturating_add(deposits.base).saturating_add(deposits.bytes),
            deposits,
        }
    }
}

/// Where the emission stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Supply {
    #[serde(serialize_with = "text")]
    issuance: Balance,
    authors: AuthorsPart,
    work: WorkPart,
    #[serde(serialize_with = "decimal")]
    multiplier: FixedU128,
    #[serde(serialize_with = "text")]
    tenure_left: Balance,
}

#[derive(Clone, Debug, Serialize)]
struct AuthorsPart {
    #[serde(serialize_with = "text")]
    minted: Balance,
    #[serde(serialize_with = "text")]
    scheduled: Balance,
    #[serde(serialize_with = "text")]
    cap: Balance,
}

#[derive(Clone, Debug, Serialize)]
struct WorkPart {
    #[serde(serialize_with = "text")]
    minted: Balance,
    #[serde(serialize_with = "text")]
    reserved: Balance,
    #[serde(serialize_with = "text")]
    scheduled: Balance,
    #[serde(serialize_with = "text")]
    cap: Balance,
}

impl From<api::Supply> for Supply {
    fn from(supply: api::Supply) -> Self {
        Self {
            issuance: supply.issuance,
            authors: AuthorsPart {
                minted: supply.minted_authors,
                scheduled: supply.scheduled_authors,
                cap: supply.cap_authors,
            },
            work: WorkPart {
                minted: supply.minted_work,
                reserved: supply.reserved_work,
                scheduled: supply.scheduled_work,
                cap: supply.cap_work,
            },
            multiplier: supply.multiplier,
            tenure_left: supply.tenure_left,
        }
    }
}

/// What an election can be recomputed from, by whoever trusts one block hash (`assay-worker election verify`).
#[derive(Clone, Debug, Serialize)]
pub struct ElectionProof {
    /// The tenure of the election's commitments.
    pub tenure: Tenure,
    /// The block in whose state the election is read.
    pub block: Hash,
    /// The block's header, SCALE-encoded; its hash is `block`, and it has the root of the state.
    pub header: Bytes,
    /// Nodes of the state's trie on the way to everything that the election depends on.
    pub proof: Vec<Bytes>,
}

/// What is scheduled by a block.
#[derive(Clone, Debug, Serialize)]
pub struct Schedule {
    height: BlockNumber,
    authors: Scheduled,
    work: Scheduled,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Scheduled {
    #[serde(serialize_with = "text")]
    total: Balance,
    #[serde(serialize_with = "text")]
    in_block: Balance,
}

impl From<api::Schedule> for Schedule {
    fn from(schedule: api::Schedule) -> Self {
        Self {
            height: schedule.block,
            authors: Scheduled { total: schedule.authors, in_block: schedule.authors_in_block },
            work: Scheduled { total: schedule.work, in_block: schedule.work_in_block },
        }
    }
}

/// How certain it is that something has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// It is in a block of the best chain; another fork may still win.
    Best,
    /// It is in a block that no fork can undo.
    Final,
    /// It was in a block of the best chain which has lost to another fork. It may come again, in another block.
    Orphaned,
}

/// What a subscriber is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// How certain it is.
    pub status: Status,
    /// The block in which it happened.
    pub block: Block,
    #[serde(flatten)]
    change: TaskChange,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskChange {
    task: TaskId,
    owner: AccountId,
    model: ModelId,
    solver: Option<AccountId>,
    extrinsic: Option<u32>,
    event: u32,
    #[serde(flatten)]
    change: Change,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", content = "details", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Change {
    Submitted {
        #[serde(serialize_with = "text")]
        fee: Balance,
        deadline: BlockNumber,
        #[serde(serialize_with = "text")]
        input: Cid,
    },
    FeeRaised {
        #[serde(serialize_with = "text")]
        amount: Balance,
        #[serde(serialize_with = "text")]
        fee: Balance,
    },
    Committed {
        commitment: Hash,
    },
    Solved {
        #[serde(serialize_with = "text")]
        output: Cid,
        #[serde(serialize_with = "text")]
        reward: Balance,
    },
    Replaced {
        #[serde(serialize_with = "text")]
        output: Cid,
        replaced: AccountId,
    },
    Disputed {
        contester: AccountId,
        #[serde(serialize_with = "text")]
        stake: Balance,
        votes_until: BlockNumber,
        opens_until: BlockNumber,
    },
    Settled {
        fee: FeeParts,
        reward: RewardParts,
    },
    Refunded {
        #[serde(serialize_with = "text")]
        refund: Balance,
    },
    Expired {
        #[serde(serialize_with = "text")]
        refund: Balance,
    },
    Retracted {
        #[serde(serialize_with = "text")]
        refund: Balance,
        #[serde(serialize_with = "text")]
        charge: Balance,
    },
    Forgotten {},
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct FeeParts {
    #[serde(serialize_with = "text")]
    model: Balance,
    #[serde(serialize_with = "text")]
    treasury: Balance,
    #[serde(serialize_with = "text")]
    solver: Balance,
    #[serde(serialize_with = "text")]
    delegators: Balance,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct RewardParts {
    #[serde(serialize_with = "text")]
    treasury: Balance,
    #[serde(serialize_with = "text")]
    liquidity: Balance,
    #[serde(serialize_with = "text")]
    solver: Balance,
    #[serde(serialize_with = "text")]
    delegators: Balance,
    #[serde(serialize_with = "text")]
    validators: Balance,
    #[serde(serialize_with = "text")]
    user: Balance,
}

impl From<Settlement> for Change {
    fn from(Settlement { fee, reward }: Settlement) -> Self {
        let FeeSplit { model, treasury, solver, delegators } = fee;
        let fee = FeeParts { model, treasury, solver, delegators };
        let RewardSplit { treasury, liquidity, solver, delegators, validators, user } = reward;
        Self::Settled { fee, reward: RewardParts { treasury, liquidity, solver, delegators, validators, user } }
    }
}

impl From<api::Change<AccountId>> for Change {
    fn from(change: api::Change<AccountId>) -> Self {
        match change {
            api::Change::Submitted { fee, deadline, input } => Self::Submitted { fee, deadline, input },
            api::Change::FeeRaised { amount, fee } => Self::FeeRaised { amount, fee },
            api::Change::Committed { commitment } => Self::Committed { commitment },
            api::Change::Solved { output, reward } => Self::Solved { output, reward },
            api::Change::Replaced { output, replaced } => Self::Replaced { output, replaced },
            api::Change::Disputed { contester, stake, votes_until, opens_until } => {
                Self::Disputed { contester, stake, votes_until, opens_until }
            }
            api::Change::Settled { settlement } => settlement.into(),
            api::Change::Refunded { refund } => Self::Refunded { refund },
            api::Change::Expired { refund } => Self::Expired { refund },
            api::Change::Retracted { refund, charge } => Self::Retracted { refund, charge },
            api::Change::Forgotten => Self::Forgotten {},
        }
    }
}

impl Notice {
    /// That `change` has happened in `block`, which is as certain as `status` says.
    pub fn new(status: Status, block: Block, change: &api::TaskChange<AccountId>) -> Self {
        let api::TaskChange { task, owner, model, solver, extrinsic, event, change } = change.clone();
        Self {
            status,
            block,
            change: TaskChange { task, owner, model, solver, extrinsic, event, change: change.into() },
        }
    }
}
