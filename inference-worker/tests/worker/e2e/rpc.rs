//! The node's own JSON-RPC methods, asked as a dapp would ask them.

use super::*;
use serde_json::{json, value::RawValue};
use std::collections::BTreeSet;
use subxt::rpcs::{
    client::{RpcClient, RpcParams, RpcSubscription},
    Error as RpcError,
};

/// Codes of errors, as docs/rpc.md has them.
const INVALID_PARAMS: i32 = -32_602;
const UNKNOWN_TASK: i32 = 10_001;
const UNKNOWN_MODEL: i32 = 10_002;
const FEE_TOO_LOW: i32 = 10_003;
const NO_PAYLOAD: i32 = 10_004;
const PAYLOAD_NOT_FOUND: i32 = 10_005;
const NO_ELECTION: i32 = 10_006;
const UNKNOWN_BLOCK: i32 = 10_010;

/// How many of the standard libraries for chains ask a question, each with a key of another kind.
pub const LIBRARIES: usize = 3;

/// polkadot-api, polkadot-js and dedot, as they are installed by `scripts/setup --tests`, asking and following their
/// tasks.
pub fn libraries(url: &str, model: &str) -> Child {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let packages = folder.join("node_modules/polkadot-api");
    assert!(packages.is_dir(), "there is no {}: run scripts/setup --tests", packages.display());
    std::process::Command::new("node")
        .arg(folder.join("chain_clients.mjs"))
        .args([url, model])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the tasks of all of them are settled.
pub fn check_libraries(libraries: Child) {
    let output = libraries.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
}

/// A node's door.
pub struct Rpc(RpcClient);

fn positional(values: &Value) -> RpcParams {
    let mut params = RpcParams::new();
    for value in values.as_array().unwrap() {
        params.push(value).unwrap();
    }
    params
}

impl Rpc {
    pub async fn connect(url: &str) -> Self {
        Self(RpcClient::from_insecure_url(url).await.unwrap())
    }

    /// The answer to a question with positional parameters.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.0.request(method, positional(&params)).await;
        answer.unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// The answer to a question whose parameters have names.
    async fn ask_by_name(&self, method: &str, params: Value) -> Value {
        let named = RawValue::from_string(params.to_string()).unwrap();
        let answer = self.0.request_raw(method, Some(named)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} {params}: {error}"));
        serde_json::from_str(answer.get()).unwrap()
    }

    /// Checks that a question is refused with this code, for a reason that has all of `parts`.
    async fn refused(&self, method: &str, params: Value, code: i32, parts: &[&str]) {
        match self.0.request::<Value>(method, positional(&params)).await {
            Err(RpcError::User(error)) => {
                let told = format!("{} {}", error.message, error.data.map(|data| data.to_string()).unwrap_or_default());
                assert_eq!(error.code, code, "{method} {params}: {told}");
                assert!(parts.iter().all(|part| told.contains(part)), "{method} {params}: {told}");
            }
            other => panic!("{method} {params}: {other:?}"),
        }
    }

    /// Subscribes to changes of tasks.
    pub async fn follow(&self, filter: Value) -> Notices {
        let stream =
            self.0.subscribe("assay_subscribeTasks", positional(&json!([filter])), "assay_unsubscribeTasks").await;
        Notices { _client: self.0.clone(), stream: stream.unwrap(), seen: Vec::new() }
    }

    /// The document has the methods that the node has.
    pub async fn check_discovery(&self) {
        let names = |methods: Vec<&Value>| -> BTreeSet<String> {
            let names = methods.into_iter().map(|name| name.as_str().unwrap().to_owned());
            names.filter(|name| name.starts_with("assay_") || name == "rpc_discover").collect()
        };
        let document = self.ask("rpc_discover", json!([])).await;
        let described = document["methods"].as_array().unwrap().iter().map(|method| &method["name"]).collect();
        let all = self.ask("rpc_methods", json!([])).await;
        assert_eq!(names(described), names(all["methods"].as_array().unwrap().iter().collect()));
    }

    /// What can be known before there is a task.
    pub async fn check_market(&self, model: &str, recipient: &AccountId32, solvers: &[AccountId32]) {
        let all = self.ask("assay_models", json!([{ "limit": 100 }])).await;
        let ours = all["models"].as_array().unwrap().iter().find(|listed| listed["id"] == model).unwrap();
        assert_eq!(
            ours["terms"],
            json!({ "fee": MODEL_FEE.to_string(), "recipient": recipient.to_string(), "rate": "1" })
        );
        assert_eq!((&ours["active"], &ours["tier"], &ours["openTasks"]), (&json!(true), &json!("open"), &json!(0)));
        assert_eq!(all["demand"]["complete"], true);

        let listed = self.ask("assay_solvers", json!([model])).await;
        let listed = listed["solvers"].as_array().unwrap();
        assert_eq!(listed.len(), solvers.len());
        for solver in solvers {
            let found = listed.iter().find(|entry| entry["account"] == solver.to_string()).unwrap();
            assert_eq!((&found["eligible"], &found["mature"]), (&json!(true), &json!((50 * ASY).to_string())));
        }

        let estimate = self.ask("assay_feeEstimate", json!([model, FEE.to_string(), 10])).await;
        let named = json!({ "model": model, "fee": FEE as u64, "bytes": 10, "at": estimate["block"]["hash"] });
        assert_eq!(self.ask_by_name("assay_feeEstimate", named).await, estimate);
        assert_eq!(estimate["split"]["model"], MODEL_FEE.to_string());
        assert_eq!(estimate["split"]["treasury"], ((FEE - MODEL_FEE) / 10).to_string());
        assert_ne!(estimate["reward"], "0");
        let parts = ["fee", "deposits"].map(|name| &estimate[name]);
        let units = |value: &Value| value.as_str().unwrap().parse::<Balance>().unwrap();
        assert_eq!(
            units(&estimate["locked"]),
            units(parts[0]) + units(&parts[1]["base"]) + units(&parts[1]["bytes"]),
            "{estimate}"
        );

        let supply = self.ask("assay_supply", json!([])).await;
        let height = supply["block"]["number"].clone();
        let named = json!({ "height": height, "at": supply["block"]["hash"] });
        let schedule = self.ask_by_name("assay_schedule", named).await;
        assert_eq!(schedule["authors"]["total"], supply["authors"]["scheduled"]);
        assert_eq!(schedule["work"]["total"], supply["work"]["scheduled"]);
        assert_ne!(supply["authors"]["minted"], "0", "blocks have been made");
        assert_eq!(supply["work"]["minted"], "0");
    }

    /// What cannot be answered is told clearly.
    pub async fn check_refusals(&self, model: &str) {
        let nothing = format!("{:?}", Hash::repeat_byte(0xee));
        self.refused("assay_task", json!(["0x12"]), INVALID_PARAMS, &["id:", "64 hexadecimal digits", "0x12"]).await;
        self.refused("assay_task", json!([7]), INVALID_PARAMS, &["invalid type", "expected a string"]).await;
        self.refused("assay_task", json!([]), INVALID_PARAMS, &[]).await;
        self.refused("assay_task", json!([nothing]), UNKNOWN_TASK, &[&nothing, "forgotten"]).await;
        self.refused("assay_task", json!([nothing, nothing]), UNKNOWN_BLOCK, &["no block", &nothing]).await;
        self.refused("assay_tasks", json!([{}, { "limit": 101 }]), INVALID_PARAMS, &["100 entries at most"]).await;
        self.refused("assay_tasks", json!([{ "state": "done" }]), INVALID_PARAMS, &["unknown variant", "retracted"])
            .await;
        self.refused("assay_tasks", json!([{ "colour": "red" }]), INVALID_PARAMS, &["unknown field", "owner"]).await;
        self.refused("assay_tasks", json!([{ "owner": "Alice" }]), INVALID_PARAMS, &["filter.owner", "Alice"]).await;
        self.refused("assay_payload", json!([{}]), INVALID_PARAMS, &["of:", "task and payload"]).await;
        let cid = Cid::of(b"never asked").to_string();
        self.refused("assay_payload", json!([{ "cid": cid }]), PAYLOAD_NOT_FOUND, &[&cid]).await;
        let query = json!([{ "task": nothing, "payload": "input" }]);
        self.refused("assay_payload", query, UNKNOWN_TASK, &[&nothing]).await;
        self.refused("assay_solvers", json!([nothing]), UNKNOWN_MODEL, &[&nothing]).await;
        self.refused("assay_feeEstimate", json!([nothing, "1"]), UNKNOWN_MODEL, &[&nothing]).await;
        self.refused("assay_feeEstimate", json!([model, "1.5"]), INVALID_PARAMS, &["fee:", "1.5"]).await;
        let least = MODEL_FEE.to_string();
        self.refused("assay_feeEstimate", json!([model, 1]), FEE_TOO_LOW, &["a fee of 1", &least]).await;
        self.refused("assay_schedule", json!([-1]), INVALID_PARAMS, &[]).await;
        self.refused("assay_electionProof", json!([1000]), NO_ELECTION, &["no election of tenure 1000"]).await;
        self.refused("assay_electionProof", json!([0, nothing]), UNKNOWN_BLOCK, &["no block", &nothing]).await;
        let filter = json!([{ "task": "0x12" }]);
        self.refused("assay_subscribeTasks", filter, INVALID_PARAMS, &["filter.task", "0x12"]).await;
    }

    /// What is told of a task that was settled, at the blocks of its life, and what it was asked.
    pub async fn check_task(&self, chain: &Chain, answer: &Value, prompt: &str) {
        let id = answer["task"].clone();
        let block = |name: &str| answer["blocks"][name].as_u64().unwrap() as BlockNumber;
        let hash = async |name: &str| format!("{:?}", chain.hash_at(block(name)).await.unwrap().unwrap());

        let submit = hash("submit").await;
        let asked = self.ask("assay_task", json!([id, submit])).await;
        assert_eq!((&asked["state"], &asked["fee"]), (&json!("open"), &json!(FEE.to_string())));
        assert_eq!((&asked["block"]["hash"], &asked["blocks"]["submitted"]), (&json!(submit), &json!(block("submit"))));
        assert_eq!(asked["input"], Cid::of(prompt.as_bytes()).to_string());
        assert_eq!(asked["parameters"]["decoded"]["maxTokens"], 8);
        // The seed is known from the task's own block on.
        let at = chain.at(chain.hash_at(block("submit")).await.unwrap().unwrap()).await.unwrap();
        let task = TaskId::from_slice(&hex::decode(&id.as_str().unwrap()[2..]).unwrap());
        let parameters = at.input(task).await.unwrap().unwrap().parameters;
        let model = at.task(task).await.unwrap().unwrap().model;
        let randomness = at.author_randomness().await.unwrap().unwrap();
        let seed = protocol::seed(&chain.genesis(), &task, &randomness, &model, &parameters);
        assert_eq!(asked["seed"]["number"], protocol::seed_number(&seed));
        let later = self.ask("assay_task", json!([id, hash("reveal").await])).await;
        assert_eq!((&later["seed"], &later["state"]), (&asked["seed"], &json!("solved")));
        assert_eq!(later["solution"]["revealed"], block("reveal"));
        assert_eq!(later["output"], answer["output_cid"]);

        // Its payloads, by its id and by their content ids.
        let reveal = hash("reveal").await;
        let input = self.ask("assay_payload", json!([{ "task": id, "payload": "input" }, reveal])).await;
        assert_eq!(input["content"], json!({ "kind": "prompt", "text": prompt }));
        let output = self.ask("assay_payload", json!([{ "cid": answer["output_cid"] }, reveal])).await;
        assert_eq!(
            (&output["task"], &output["payload"], &output["cid"]),
            (&id, &json!("output"), &answer["output_cid"])
        );
        assert_eq!(output["content"]["text"], answer["output"]);
        let unsolved = json!([{ "task": id, "payload": "output" }, submit]);
        self.refused("assay_payload", unsolved, NO_PAYLOAD, &["it has not been solved"]).await;
        let ended = json!([{ "task": id, "payload": "output" }]);
        self.refused("assay_payload", ended, NO_PAYLOAD, &["dropped when a task ends"]).await;

        // What is left of it now, and where it is listed.
        let now = self.ask("assay_task", json!([id])).await;
        assert_eq!((&now["state"], &now["solver"]), (&json!("settled"), &answer["solver"]));
        assert_eq!((&now["seed"], &now["parameters"], &now["solution"]), (&Value::Null, &Value::Null, &Value::Null));
        assert_eq!(now["blocks"]["ended"], block("settle"));
        for filter in [
            json!({}),
            json!({ "state": "settled", "model": format!("{model:?}") }),
            json!({ "solver": answer["solver"], "owner": now["owner"] }),
        ] {
            let named = json!({ "filter": filter, "page": { "limit": 100 } });
            let listed = self.ask_by_name("assay_tasks", named).await;
            let found = listed["tasks"].as_array().unwrap().iter().find(|task| task["id"] == id);
            assert_eq!(found.unwrap_or_else(|| panic!("{filter}: {listed}"))["state"], "settled");
        }
        let open = self.ask("assay_tasks", json!([{ "state": "open" }])).await;
        assert!(!open["tasks"].as_array().unwrap().iter().any(|task| task["id"] == id));
    }
}

/// What a subscriber is told.
pub struct Notices {
    /// The connection lasts as long as somebody holds it.
    _client: RpcClient,
    stream: RpcSubscription<Value>,
    seen: Vec<Value>,
}

impl Notices {
    /// Reads until it is told that this has happened to `task` and is as certain as `status` says; returns that.
    pub async fn until(&mut self, task: &Value, change: &str, status: &str) -> Value {
        let reading = async {
            loop {
                let notice = self.stream.next().await.expect("the subscription goes on").unwrap();
                self.seen.push(notice.clone());
                if notice["task"] == *task && notice["change"] == change && notice["status"] == status {
                    return notice;
                }
            }
        };
        let told = tokio::time::timeout(PATIENCE, reading).await;
        told.unwrap_or_else(|_| panic!("never told: {change} of {task}, {status}: {:#?}", self.seen))
    }

    /// What stands of what was told about `task`: each block with the changes there, and whether all of that is final.
    /// Checks that what was undone is what was told last; calls `undone` with each block of these.
    pub fn standing(&self, task: &Value, mut undone: impl FnMut(&Value)) -> Vec<&Value> {
        let same = |a: &Value, b: &Value| ["block", "event", "change"].iter().all(|part| a[part] == b[part]);
        let (mut standing, mut finals) = (Vec::new(), 0);
        for notice in self.seen.iter().filter(|notice| notice["task"] == *task) {
            match notice["status"].as_str().unwrap() {
                "best" => standing.push(notice),
                "orphaned" => {
                    let last = standing.pop().unwrap_or_else(|| panic!("nothing to undo: {notice}"));
                    assert!(same(last, notice) && standing.len() >= finals, "{notice} undoes {last}");
                    undone(&notice["block"]);
                }
                "final" => {
                    assert!(same(standing[finals], notice), "{notice} comes before {}", standing[finals]);
                    finals += 1;
                }
                other => panic!("an unknown status: {other}"),
            }
        }
        assert_eq!(finals, standing.len(), "not everything is final: {:#?}", self.seen);
        standing
    }

    /// Checks that everything about a settled task was told, while it was best and when it was final.
    pub fn check_settled(&self, answer: &Value) {
        let told = self.standing(&answer["task"], |block| panic!("there is one validator, so no fork undoes {block}"));
        let names: Vec<_> = told.iter().map(|notice| notice["change"].as_str().unwrap()).collect();
        assert_eq!((names[0], names[1]), ("submitted", "committed"), "{names:?}");
        assert!(names.contains(&"solved") && names.last() == Some(&"settled"), "{names:?}");
        let (submitted, settled) = (told[0], told.last().unwrap());
        assert_eq!(submitted["block"]["number"], answer["blocks"]["submit"]);
        assert_eq!(settled["block"]["number"], answer["blocks"]["settle"]);
        assert_eq!(settled["solver"], answer["solver"]);
        assert_eq!(settled["details"]["fee"]["model"], MODEL_FEE.to_string());
        assert_eq!(settled["details"]["reward"]["user"], answer["reward"]["user"]["units"]);
    }
}
