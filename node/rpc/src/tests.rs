//! The document says what the methods do.

use super::*;
use crate::answers::{Block, Notice, Status};
use assay_runtime_api as api;
use assay_traits::{FeeSplit, ModelTerms, RewardSplit, Settlement, TaskState, TaskView, Verdict};
use assay_types::{
    inference::{EmbeddingOutput, Finish, Output, Parameters, TextOutput, TextParameters},
    Cid, ModelId, TaskId,
};
use codec::Encode;
use serde::Serialize;
use serde_json::json;
use sp_runtime::FixedU128;
use std::collections::BTreeSet;

/// Has the methods, and answers none.
struct Nobody;

#[async_trait]
impl AssayRpcServer for Nobody {
    fn task(&self, _: String, _: Option<String>) -> Result<At<TaskInfo>, Error> {
        unreachable!("nobody is asked")
    }

    fn tasks(&self, _: Option<Wanted>, _: Option<Paging>, _: Option<String>) -> Result<At<Tasks>, Error> {
        unreachable!("nobody is asked")
    }

    fn payload(&self, _: PayloadQuery, _: Option<String>) -> Result<At<Payload>, Error> {
        unreachable!("nobody is asked")
    }

    fn models(&self, _: Option<Paging>, _: Option<String>) -> Result<At<Models>, Error> {
        unreachable!("nobody is asked")
    }

    fn solvers(&self, _: String, _: Option<Paging>, _: Option<String>) -> Result<At<Solvers>, Error> {
        unreachable!("nobody is asked")
    }

    fn fee_estimate(&self, _: String, _: Amount, _: Option<u32>, _: Option<String>) -> Result<At<FeeEstimate>, Error> {
        unreachable!("nobody is asked")
    }

    fn supply(&self, _: Option<String>) -> Result<At<Supply>, Error> {
        unreachable!("nobody is asked")
    }

    fn schedule(&self, _: BlockNumber, _: Option<String>) -> Result<At<Schedule>, Error> {
        unreachable!("nobody is asked")
    }

    fn election_proof(&self, _: Tenure, _: Option<String>) -> Result<ElectionProof, Error> {
        unreachable!("nobody is asked")
    }

    async fn subscribe_tasks(&self, _: PendingSubscriptionSink, _: Option<WantedChanges>) -> SubscriptionCloseResponse {
        unreachable!("nobody is asked")
    }
}

fn methods() -> &'static Vec<Value> {
    DISCOVERY["methods"].as_array().expect("the document has methods")
}

#[test]
fn every_method_is_in_the_document_and_every_one_in_it_is_a_method() {
    let described: BTreeSet<_> =
        methods().iter().map(|method| method["name"].as_str().expect("it has a name")).collect();
    assert_eq!(described.len(), methods().len(), "a name is there twice");
    let module = Nobody.into_rpc();
    let registered: BTreeSet<_> = module.method_names().chain(["rpc_discover"]).collect();
    assert_eq!(described, registered);
    assert_eq!(DISCOVERY["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// Parts of the document that nothing refers to, and references to nothing, are mistakes.
#[test]
fn every_reference_has_something_to_refer_to() {
    fn collect(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(to) if name == "$ref" => drop(found.insert(to.into())),
                        _ => collect(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut used = BTreeSet::new();
    collect(&DISCOVERY, &mut used);
    let mut there = BTreeSet::new();
    for kind in ["schemas", "errors"] {
        let parts = DISCOVERY["components"][kind].as_object().expect("the document has components");
        there.extend(parts.keys().map(|name| format!("#/components/{kind}/{name}")));
    }
    assert_eq!(used, there);
}

/// Says where `value` is not what `schema` says: the parts of JSON Schema that the document uses.
fn check(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return check(DISCOVERY.pointer(&reference[1..]).expect("it refers to something"), value, path);
    }
    let wrong = |what: &str| Err(format!("{path}: {value} {what}"));
    if let Some(constant) = schema.get("const") {
        return if constant == value { Ok(()) } else { wrong("is not the constant") };
    }
    if schema["enum"].as_array().is_some_and(|names| !names.contains(value)) {
        return wrong("is none of the names");
    }
    if let Some(all) = schema["allOf"].as_array() {
        all.iter().try_for_each(|schema| check(schema, value, path))?;
    }
    if let Some(one) = schema["oneOf"].as_array() {
        let fitting = one.iter().filter(|schema| check(schema, value, path).is_ok()).count();
        if fitting != 1 {
            return wrong(&format!("fits {fitting} of the alternatives"));
        }
    }
    let types: Vec<_> = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let fits = types.iter().any(|name| match *name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the document uses the type {other}"),
    });
    if !fits {
        return wrong(&format!("is not of {types:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        check(&schema["items"], item, &format!("{path}[]"))?;
    }
    if let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        for required in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(required.as_str().expect("names are texts")) {
                return wrong(&format!("lacks {required}"));
            }
        }
        for (name, field) in fields {
            match properties.get(name) {
                Some(schema) => check(schema, field, &format!("{path}.{name}"))?,
                None if schema["additionalProperties"] == false => return wrong(&format!("has {name} beside")),
                None => {}
            }
        }
    }
    Ok(())
}

fn conforms(name: &str, value: impl Serialize) {
    let schema = &DISCOVERY["components"]["schemas"][name];
    assert!(schema.is_object(), "there is no schema {name}");
    let value = serde_json::to_value(value).expect("answers are JSON");
    check(schema, &value, name).unwrap_or_else(|error| panic!("{error}\nin {value}"));
}

fn block() -> Block {
    Block { number: 7, hash: Hash::repeat_byte(7) }
}

fn answer<T>(answer: T) -> At<T> {
    At { block: block(), answer }
}

fn account(byte: u8) -> AccountId {
    AccountId::new([byte; 32])
}

fn terms() -> ModelTerms<AccountId> {
    ModelTerms { fee: 5, recipient: account(3), rate: FixedU128::from_rational(1, 4) }
}

fn summary(state: TaskState) -> api::TaskSummary<AccountId> {
    let ended = state.has_ended();
    api::TaskSummary {
        id: TaskId::repeat_byte(1),
        view: TaskView {
            state,
            submitter: account(2),
            model: ModelId::repeat_byte(3),
            fee: u128::MAX,
            reward: 8,
            commitments: 1,
            submitted_at: 1,
            deadline: 9,
            reveal_grace: 3,
            contest_window: 5,
            ended_at: ended.then_some(8),
        },
        terms: terms(),
        input: Cid::of(b"q"),
        output: ended.then(|| Cid::of(b"a")),
        solver: ended.then(|| account(4)),
        base_deposit: 1,
        byte_deposit: 2,
        retract_delay: 3,
        retention: 4,
        last_commitment_at: ended.then_some(2),
    }
}

fn info(parameters: Option<Vec<u8>>, more: bool) -> api::TaskInfo<AccountId> {
    api::TaskInfo {
        summary: summary(if more { TaskState::Disputed } else { TaskState::Settled }),
        parameters,
        input: more.then_some(api::PayloadSummary { length: 1, in_state: true }),
        output: more.then_some(api::PayloadSummary { length: 1 << 20, in_state: false }),
        randomness: Some([5; 32]),
        solution: more.then(|| api::SolutionSummary {
            solver: account(4),
            committed_at: 2,
            revealed_at: 5,
            first_revealed_at: 4,
            trace_seal: Hash::zero(),
            stake: 6,
        }),
        dispute: more.then(|| api::DisputeSummary {
            solver: account(4),
            contester: account(5),
            stake: 6,
            opened_at: 7,
            votes_until: 8,
            opens_until: 9,
            ballots_opened: 3,
            verdict: Some(Verdict::Falls),
        }),
    }
}

#[test]
fn a_task_is_told_as_the_document_says() {
    let parameters = Parameters::Text(TextParameters { stop: vec!["\n".into()], ..Default::default() }).encode();
    for parameters in [Some(parameters.clone()), Some(Parameters::Embedding.encode()), Some(vec![9]), None] {
        for more in [false, true] {
            conforms("TaskInfo", answer(TaskInfo::new(info(parameters.clone(), more), &Hash::zero())));
        }
    }
    let told = answer(TaskInfo::new(info(Some(parameters.clone()), true), &Hash::zero()));
    let told = serde_json::to_value(told).expect("it is JSON");
    assert_eq!((&told["solution"]["contestableFrom"], &told["solution"]["contestableUntil"]), (&json!(8), &json!(12)));
    assert_eq!((&told["fee"], &told["terms"]["rate"]), (&json!(u128::MAX.to_string()), &json!("0.25")));
    let seed = assay_types::protocol::seed(
        &Hash::zero(),
        &TaskId::repeat_byte(1),
        &[5; 32],
        &ModelId::repeat_byte(3),
        &parameters,
    );
    assert_eq!(told["seed"]["number"], assay_types::protocol::seed_number(&seed));
    assert_eq!(told["parameters"]["decoded"]["stop"], json!(["\n"]));
}

#[test]
fn lists_are_told_as_the_document_says() {
    let states = [TaskState::Open, TaskState::Solved, TaskState::Disputed, TaskState::Settled, TaskState::Refunded];
    let items = states.into_iter().chain([TaskState::Expired, TaskState::Retracted]).map(summary).collect();
    let page = api::Page { items, looked_at: 9, next: Some(TaskId::zero()) };
    conforms("TaskPage", answer(Tasks::from(page)));

    let model = |byte, tier| api::ModelSummary {
        id: ModelId::repeat_byte(byte),
        owner: account(1),
        manifest: Cid::of(b"m"),
        terms: terms(),
        tier,
        active: true,
        deposit: 1,
        solvers: 2,
    };
    let items = vec![model(1, api::Tier::Open), model(2, api::Tier::Approved), model(3, api::Tier::Certified)];
    let demand = api::Demand { open: vec![(ModelId::repeat_byte(2), 4)], looked_at: 9, complete: true };
    let models = answer(Models::new(api::Page { items, looked_at: 3, next: None }, demand));
    conforms("ModelPage", &models);
    let told = serde_json::to_value(models).expect("it is JSON");
    let open: Vec<_> = told["models"].as_array().expect("a list").iter().map(|model| &model["openTasks"]).collect();
    assert_eq!(open, [0, 4, 0]);

    let solver =
        api::SolverSummary { account: account(1), bond: 5, mature: 4, pledged: 3, delegated: 2, eligible: true };
    let page = api::Page { items: vec![solver], looked_at: 1, next: Some(account(1)) };
    conforms("SolverPage", answer(Solvers::from(page)));
}

#[test]
fn payloads_are_told_as_the_document_says() {
    let task = TaskId::zero();
    let text = |finish| Output::Text(TextOutput { text: "hi".into(), tokens: vec![1, 2], finish }).encode();
    let embedding = Output::Embedding(EmbeddingOutput { bits: vec![1.5f32.to_bits(), f32::NAN.to_bits()] }).encode();
    for (kind, bytes, content) in [
        (PayloadKind::Input, b"hello".to_vec(), json!({ "kind": "prompt", "text": "hello" })),
        (PayloadKind::Input, vec![0xff], Value::Null),
        (PayloadKind::Output, vec![0xff], Value::Null),
        (
            PayloadKind::Output,
            text(Finish::Stop),
            json!({ "kind": "text", "text": "hi", "tokens": [1, 2], "finish": "stop" }),
        ),
        (
            PayloadKind::Output,
            text(Finish::MaxTokens),
            json!({ "kind": "text", "text": "hi", "tokens": [1, 2], "finish": "maxTokens" }),
        ),
        (
            PayloadKind::Output,
            text(Finish::EndOfSequence),
            json!({ "kind": "text", "text": "hi", "tokens": [1, 2], "finish": "endOfSequence" }),
        ),
        (PayloadKind::Output, embedding, json!({ "kind": "embedding", "values": [1.5, null] })),
    ] {
        let payload = answer(Payload::new(task, kind, bytes));
        conforms("Payload", &payload);
        assert_eq!(serde_json::to_value(payload).expect("it is JSON")["content"], content);
    }
}

#[test]
fn money_is_told_as_the_document_says() {
    let estimate =
        api::FeeEstimate { model_fee: 1, treasury: 2, solver: 3, reward: Some(4), base_deposit: 5, byte_deposit: 6 };
    let estimate = answer(FeeEstimate::new(10, estimate, 4));
    conforms("FeeEstimate", &estimate);
    assert_eq!(serde_json::to_value(estimate).expect("it is JSON")["locked"], "21");
    let supply = api::Supply {
        issuance: 1,
        minted_authors: 2,
        minted_work: 3,
        reserved_work: 4,
        scheduled_authors: 5,
        scheduled_work: 6,
        cap_authors: 7,
        cap_work: 8,
        multiplier: FixedU128::from_u32(100),
        tenure_left: 9,
    };
    let supply = answer(Supply::from(supply));
    conforms("Supply", &supply);
    assert_eq!(serde_json::to_value(supply).expect("it is JSON")["multiplier"], "100");
    let schedule = api::Schedule { block: 5, authors: 1, work: 2, authors_in_block: 3, work_in_block: 4 };
    conforms("Schedule", answer(Schedule::from(schedule)));
}

#[test]
fn proofs_of_elections_are_told_as_the_document_says() {
    let bytes = || sp_core::Bytes(vec![1, 2]);
    let proof = ElectionProof { tenure: 5, block: Hash::zero(), header: bytes(), proof: vec![bytes(), bytes()] };
    conforms("ElectionProof", &proof);
    assert_eq!(serde_json::to_value(proof).expect("it is JSON")["proof"], json!(["0x0102", "0x0102"]));
}

#[test]
fn every_change_is_told_as_the_document_says() {
    let (cid, who) = (Cid::of(b"x"), account(6));
    let settlement = Settlement { fee: FeeSplit::default(), reward: RewardSplit::default() };
    let changes = [
        api::Change::Submitted { fee: 1, deadline: 2, input: cid },
        api::Change::FeeRaised { amount: 1, fee: 2 },
        api::Change::Committed { commitment: Hash::zero() },
        api::Change::Solved { output: cid, reward: 1 },
        api::Change::Replaced { output: cid, replaced: who.clone() },
        api::Change::Disputed { contester: who, stake: 1, votes_until: 2, opens_until: 3 },
        api::Change::Settled { settlement },
        api::Change::Refunded { refund: 1 },
        api::Change::Expired { refund: 1 },
        api::Change::Retracted { refund: 1, charge: 2 },
        api::Change::Forgotten,
    ];
    let names = DISCOVERY["components"]["schemas"]["Notice"]["allOf"][1]["oneOf"].as_array().expect("alternatives");
    assert_eq!(names.len(), changes.len());
    for (change, status) in changes.into_iter().zip([Status::Best, Status::Final, Status::Orphaned].iter().cycle()) {
        let change = api::TaskChange {
            task: TaskId::zero(),
            owner: account(1),
            model: ModelId::zero(),
            solver: None,
            extrinsic: Some(1),
            event: 2,
            change,
        };
        conforms("Notice", Notice::new(*status, block(), &change));
    }
}

/// The document's errors are those that the methods have.
#[test]
fn errors_have_the_codes_that_the_document_says() {
    let hash = Hash::zero();
    let errors = [
        ("InvalidParams", Error::invalid("id", "wrong")),
        ("UnknownTask", Error::UnknownTask(hash)),
        ("UnknownModel", Error::UnknownModel(hash)),
        ("FeeTooLow", Error::FeeTooLow { fee: 1, least: 2 }),
        ("NoPayload", Error::NoPayload { task: hash, payload: "input", reason: "gone" }),
        ("PayloadNotFound", Error::PayloadNotFound { cid: Cid::of(b"x"), looked_at: 1, next: None }),
        ("NoElection", Error::NoElection { tenure: 1, block: hash }),
        ("UnknownBlock", Error::UnknownBlock(hash)),
        ("Pruned", Error::Pruned(hash)),
        ("OldRuntime", Error::OldRuntime { block: hash, spec: 3, version: 1 }),
        ("TooSlow", Error::TooSlow(60)),
        ("TooFarBehind", Error::TooFarBehind { best: 2_000, last: 1, limit: 1_024 }),
        ("Internal", Error::Internal("why".into())),
    ];
    let described = DISCOVERY["components"]["errors"].as_object().expect("the document has errors");
    assert_eq!(described.len(), errors.len());
    for (name, error) in errors {
        assert_eq!(described[name]["code"], error.code(), "{name}");
    }
}
