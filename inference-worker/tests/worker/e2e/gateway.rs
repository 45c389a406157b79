//! A gateway before a real network: the official clients, bad input, keys and their limits, requests that come twice, a
//! gateway and a node that are killed in the middle, and answers that are streamed while they are drawn, truly and not.

use super::*;
use crate::common::{
    bare, bert, failure, import,
    network::{free_port, Process},
    run, WORKER,
};
use serde_json::json;
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    sync::LazyLock,
    thread,
};

/// What the models' tasks cost where nobody says otherwise: twice the model's own fee.
const DEFAULT_FEE: &str = "1";

/// What the gateway says that it serves.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../src/gateway/openapi.json")).unwrap());

/// An answer.
struct Reply {
    status: u16,
    headers: HashMap<String, String>,
    text: String,
}

impl Reply {
    /// Waits for what a stream brings until its end.
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        // What was sent in vain may reset the connection once the answer is read.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let headers: HashMap<_, _> = lines.filter_map(header).collect();
        let text = match headers.get("transfer-encoding") {
            Some(_) => unchunk(rest),
            None => rest.to_owned(),
        };
        Self { status, headers, text }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON: {error}: {}", self.text))
    }

    /// Checks that it is an error in OpenAI's shape.
    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        let error = &self.json()["error"];
        assert_eq!(error["code"], code, "{}", self.text);
        let codes = &DOCUMENT["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["enum"];
        assert!(codes.as_array().unwrap().contains(&json!(code)), "the OpenAPI document has no {code}");
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()) && error["type"].is_string());
    }
}

/// A gateway's door.
#[derive(Clone)]
struct Door(String);

impl Door {
    fn open(&self, head: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.0).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // One that is too long may be refused before it is sent.
        let _ = stream.write_all(body);
        stream
    }

    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> String {
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!(
            "{method} {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n"
        )
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        Reply::read(self.open(&self.head(method, path, headers, body.len()), body))
    }

    fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    fn chat(&self, model: &str, prompt: &str, headers: &[(&str, &str)], more: Value) -> Reply {
        self.send("POST", "/v1/chat/completions", headers, question(model, prompt, more).as_bytes())
    }

    /// Asks at the side.
    fn asking(&self, prompt: &str, once: &str, more: Value) -> thread::JoinHandle<Reply> {
        let (door, prompt, once) = (self.clone(), prompt.to_owned(), once.to_owned());
        thread::spawn(move || door.chat("tiny-7", &prompt, &[("Idempotency-Key", &once)], more))
    }

    /// The tasks that one has asked, newest first.
    fn tasks_of(&self, owner: &str) -> Vec<Value> {
        let listed = self.get(&format!("/v1/tasks?owner={}&limit=100", account(owner)));
        assert_eq!(listed.status, 200, "{}", listed.text);
        listed.json()["data"].as_array().unwrap().clone()
    }
}

fn unchunk(mut rest: &str) -> String {
    let mut text = String::new();
    while let Some((size, more)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        text.push_str(&more[..size]);
        rest = &more[size + 2..];
    }
    text
}

fn question(model: &str, prompt: &str, more: Value) -> String {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": prompt }], "max_tokens": 8 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

/// A gateway's place.
struct Place {
    url: String,
    port: u16,
    data: PathBuf,
    models: Vec<PathBuf>,
}

impl Place {
    fn start(&self, arguments: &[&str]) -> Process {
        // With fewer files than a crowd of clients takes, as far as the process leaves it at that.
        let mut command = bare("sh".as_ref());
        command
            .args(["-c", "ulimit -Sn 256 && exec \"$0\" \"$@\"", WORKER])
            .args(["gateway", "--url", &self.url, "--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--log-format", "json", "--data"])
            .arg(&self.data)
            .args(arguments);
        if !self.models.is_empty() {
            command.arg("--models").args(&self.models);
        }
        Process::start("gateway", &mut command)
    }

    /// Starts it and waits until it has read the chain.
    async fn open(&self, chain: &Chain, arguments: &[&str]) -> (Process, Door) {
        let process = self.start(arguments);
        process.line(&["serving"]);
        let door = Door(format!("127.0.0.1:{}", self.port));
        let from = chain.best().await.unwrap().number();
        watch(chain, from, "a gateway that is up to date", async |_, _| {
            (door.get("/health").status == 200).then_some(())
        })
        .await;
        (process, door)
    }
}

/// Nothing that is wrong with a request brings the gateway down or costs anything.
fn refuse(door: &Door) {
    let post = |body: &[u8]| door.send("POST", "/v1/chat/completions", &[], body);
    for body in [&b"{"[..], b"", b"[]", b"\xff\xfe{}", &[b'['; 60_000][..]] {
        post(body).is(400, "invalid_json");
    }
    post(&[b' '; 300 * 1024]).is(413, "body_too_large");
    let ask = |more: Value| door.chat("tiny-7", "w3", &[], more);
    ask(json!({ "max_tokens": "many" })).is(400, "invalid_type");
    ask(json!({ "max_tokens": 100_000 })).is(400, "unfit_for_model");
    ask(json!({ "temperature": -1 })).is(400, "invalid_value");
    ask(json!({ "seed": 1 })).is(400, "unsupported_parameter");
    ask(json!({ "messages": [] })).is(400, "unsupported_conversation");
    ask(json!({ "assay": { "fee": "0.1" } })).is(400, "fee_too_low");
    ask(json!({ "assay": { "fee": "1000000000" } })).is(402, "insufficient_funds");
    ask(json!({ "assay": { "deadline": 1_000_000 } })).is(400, "refused_by_chain");
    door.chat("gpt-5\r\n\u{1b}[2J", "w3", &[], json!({})).is(404, "model_not_found");
    door.chat("tiny-bert", "w3", &[], json!({})).is(400, "wrong_kind_of_model");
    door.chat("tiny-7", &"w3 ".repeat(6_000), &[], json!({})).is(400, "context_length_exceeded");
    door.chat("tiny-7", &"w3 ".repeat(400), &[], json!({})).is(400, "unfit_for_model");
    door.chat("tiny-7", "w3", &[("Idempotency-Key", &"x".repeat(300))], json!({})).is(400, "invalid_value");
    let page = [("Origin", "https://example.org"), ("Content-Type", "text/plain")];
    door.chat("tiny-7", "w3", &page, json!({})).is(403, "origin_not_allowed");
    door.get("/v1/chat/completions").is(405, "method_not_allowed");
    door.get("/v1/nothing").is(404, "unknown_url");
    door.get("/v1/models/gpt-5").is(404, "model_not_found");
    door.get("/v1/models/%ff").is(400, "invalid_value");
    door.get("/v1/tasks/0x12").is(400, "invalid_value");
    door.get("/v1/tasks/%ff").is(400, "invalid_value");
    door.get(&format!("/v1/tasks/0x{}", "00".repeat(32))).is(404, "task_not_found");
    door.get(&format!("/v1/tasks/0x{}/verify", "00".repeat(32))).is(404, "task_not_found");
    door.get("/v1/tasks?state=lost").is(400, "invalid_value");
    door.get("/v1/tasks?colour=blue").is(400, "unsupported_parameter");
}

/// What the document describes is served, with the statuses that it has, and nothing else is.
fn described(door: &Door) {
    assert_eq!(door.get("/openapi.json").json(), *DOCUMENT);
    for (path, operations) in DOCUMENT["paths"].as_object().unwrap() {
        let url = path.replace("{id}", &"00".repeat(32)).replace("{model}", "gpt-5");
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let reply = door.send(method, &url, &[], b"");
            match operations.get(method.to_lowercase()) {
                None => reply.is(405, "method_not_allowed"),
                Some(operation) => {
                    let statuses = operation["responses"].as_object().unwrap();
                    assert!(statuses.contains_key(&reply.status.to_string()), "{method} {path}: {}", reply.status);
                }
            }
        }
    }
}

/// The official clients, as they are installed by `scripts/setup --tests`.
fn clients(door: &Door) -> Vec<thread::JoinHandle<()>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let runs = [("python3", "openai_client.py", "python"), ("node", "openai_client.mjs", "node_modules")];
    runs.map(|(program, script, packages)| {
        let packages = folder.join(packages);
        assert!(packages.is_dir(), "there is no {}: run scripts/setup --tests", packages.display());
        let (script, url) = (folder.join(script), format!("http://{}/v1", door.0));
        thread::spawn(move || {
            let output = Command::new(program)
                .env("PYTHONPATH", &packages)
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .arg(script)
                .args([&url, "tiny-7", "tiny-bert"])
                .output()
                .unwrap();
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        })
    })
    .into()
}

/// A stream to its end: the task, what came event by event, and whether it ended well.
fn stream(door: &Door, prompt: &str, wait: &str) -> (String, Vec<Value>, bool) {
    let body = question("tiny-7", prompt, json!({ "stream": true, "assay": { "wait": wait } }));
    let stream = door.open(&door.head("POST", "/v1/chat/completions", &[], body.len()), body.as_bytes());
    let (mut task, mut events, mut is_done) = (None, Vec::new(), false);
    for line in BufReader::new(stream).lines().map(Result::unwrap) {
        if let Some(id) = line.strip_prefix("x-assay-task: ") {
            task = Some(id.to_owned());
        }
        match line.strip_prefix("data: ") {
            Some("[DONE]") => is_done = true,
            Some(data) => events.push(serde_json::from_str(data).unwrap()),
            None => {}
        }
    }
    (task.unwrap_or_else(|| panic!("no task: {events:?}")), events, is_done)
}

/// The text that events have shown, of those that `counts`.
fn content(events: &[Value], counts: impl Fn(&Value) -> bool) -> String {
    let counted = events.iter().filter(|event| counts(&event["assay"]["preview"]));
    counted.filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}

/// A solver that streams another answer than it reveals: the client is told, and what the solver signed is kept.
async fn distrust(place: &Place, chain: &Chain, hub: &str, liar: &Server) {
    let from = chain.best().await.unwrap().number();
    let liar_runs = liar.start_faulty("preview", &["solve", "--verify", "none", "--peers-listen", hub]);
    mature(chain, from, &[liar.name]).await;
    let (gateway, door) = place.open(chain, &["--dev-key", "ferdie", "--peers-bootstrap", hub]).await;
    let (task, events, is_done) = stream(&door, "w70 w71", "revealed");
    let (last, before) = events.split_last().unwrap();
    assert!(content(before, Value::is_object).starts_with("not "), "{events:?}");
    assert_eq!((&last["error"]["code"], is_done), (&json!("preview_differs"), false), "{events:?}");
    gateway.line(&["a preview was not that of the answer", &task]);
    let shown = door.get(&format!("/v1/tasks/{task}")).json();
    let wrong = &shown["wrong_preview"];
    let liar = json!(account(liar.name).to_string());
    assert_eq!((&wrong["differs_in"], &wrong["streamed_by"]), (&json!("tokens"), &liar), "{wrong}");
    assert_eq!((&wrong["answered_by"], &wrong["answer_cid"]), (&liar, &shown["output_cid"]));
    assert!(!shown["output"].as_str().unwrap().starts_with("not "), "the answer itself is right");
    assert!(door.get("/metrics").text.contains("assay_gateway_previews_total{kind=\"differs\"} 1"));
    gateway.stop();
    liar_runs.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_serves_the_chain_whatever_happens_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = crate::common::artefact(folder.path(), 7);
    let (source, vector) = (folder.path().join("bert"), folder.path().join("tiny-bert"));
    bert(&source, 3);
    import(&source, &vector, "tiny-bert");
    let mut spec = genesis::hasty(genesis::current("dev"));
    genesis::offer(&mut spec, &text);
    genesis::offer(&mut spec, &vector);
    let node = Node::new("node", folder.path(), &["--dev", "--chain", &genesis::write(folder.path(), spec)]);
    let running = node.start();
    let chain = Chain::connect(&node.url(), PATIENCE).await.unwrap();
    let models = vec![text, vector];
    let (url, data) = (node.url(), folder.path().join("gateway"));
    let place = Place { url: url.clone(), port: free_port(), data, models: models.clone() };
    let hub = format!("127.0.0.1:{}", free_port());
    let as_ferdie = ["--dev-key", "ferdie", "--peers-bootstrap", &hub];
    let (gateway, door) = place.open(&chain, &as_ferdie).await;

    // Before anybody can answer, nothing is taken.
    assert_eq!(door.get("/v1/models").json()["data"], json!([]));
    door.chat("tiny-7", "w3", &[], json!({})).is(503, "no_solver");
    let server = |name: &'static str| Server {
        name,
        models: models.clone(),
        data: folder.path().join(name),
        url: url.clone(),
        bond: "50",
    };
    let (dave, eve) = (server("dave"), server("eve"));
    let dave_runs = dave.start(&["solve", "--peers-listen", &hub]);
    mature(&chain, 0, &["dave"]).await;
    let funds = chain.best().await.unwrap().balance(account("ferdie")).await.unwrap();
    // One that never sends the rest of its request is in nobody's way.
    let slow = door.open("POST /v1/chat/completions HTTP/1.1\r\nHost: gat", b"");
    let slow_body = door.open(&door.head("POST", "/v1/chat/completions", &[], 10), b"{");
    refuse(&door);
    let (free, reserved) = chain.best().await.unwrap().balance(account("ferdie")).await.unwrap();
    // The transaction with an absurd deadline was the only one; it is paid, and nothing is held.
    assert!(funds.0 - free < ASY / 100 && reserved == funds.1, "{funds:?} {free} {reserved}");
    assert_eq!(door.tasks_of("ferdie"), Vec::<Value>::new());
    described(&door);
    // Nor are those who connect and say nothing.
    let crowd: Vec<_> = (0..300).map(|_| TcpStream::connect(&door.0).unwrap()).collect();
    assert_eq!(door.get("/health").status, 200);
    drop(crowd);

    // The official clients, a stream until the end, and one question that comes twice at the same time.
    let others = clients(&door);
    let streaming = thread::spawn({
        let door = door.clone();
        move || stream(&door, "w20 w21", "settled")
    });
    let twice = [(); 2].map(|()| door.asking("w30 \u{0}\u{1b}[2J <b>&", "twice", json!({ "stop": "never drawn" })));
    let twice = twice.map(|asking| asking.join().unwrap());
    let told: Vec<_> = twice.iter().filter(|reply| reply.status == 200).collect();
    assert!(!told.is_empty(), "{}", twice[0].text);
    // The second may have come in the moment in which the first was being sent.
    twice.iter().filter(|reply| reply.status != 200).for_each(|reply| reply.is(409, "in_progress"));
    let task = told[0].json()["assay"]["task"].as_str().unwrap().to_owned();
    assert!(told.iter().all(|reply| reply.headers["x-assay-task"] == task));
    let again = door.asking("w30 \u{0}\u{1b}[2J <b>&", "twice", json!({ "stop": "never drawn" })).join().unwrap();
    assert_eq!(again.json()["assay"]["task"], task.as_str());
    let asked = door.get(&format!("/v1/tasks/{task}")).json();
    assert_eq!(
        (&asked["parameters"]["stop"], &asked["parameters"]["max_tokens"]),
        (&json!(["never drawn"]), &json!(8))
    );
    door.asking("something else", "twice", json!({})).join().unwrap().is(422, "idempotency_key_reused");

    let (streamed, events, is_done) = streaming.join().unwrap();
    let [first, middle @ .., last] = events.as_slice() else { panic!("{events:?}") };
    assert!(is_done && first["assay"]["task"] == streamed.as_str(), "{events:?}");
    // What came before the chain had the answer says who drew it.
    assert!(!content(middle, Value::is_object).is_empty(), "{events:?}");
    let drawn_by = |event: &Value| event["assay"]["preview"]["solver"].as_str().map(str::to_owned);
    assert!(middle.iter().filter_map(drawn_by).all(|solver| solver == account("dave").to_string()), "{events:?}");
    assert!(middle.iter().all(|event| event["assay"]["preview"].is_null() || event["assay"]["status"] == "open"));
    assert!(middle.iter().all(|event| event["assay"]["provisional"] == true), "{events:?}");
    let ended = (&last["assay"]["status"], &last["assay"]["provisional"], &last["assay"]["final"]);
    assert_eq!(ended, (&json!("settled"), &json!(false), &json!(true)));
    let shown = door.get(&format!("/v1/tasks/{streamed}")).json();
    assert_eq!(shown["wrong_preview"], Value::Null);
    assert!(!door.get("/metrics").text.contains("assay_gateway_previews_total{kind=\"held\"} 0"));
    let history = shown["history"].as_array().unwrap();
    let names: Vec<_> = history.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["submitted", "committed", "revealed", "settled"]);
    assert!(history.iter().all(|event| event["final"] == true));
    assert_eq!(shown["settlement"]["paid"]["asy"], DEFAULT_FEE);
    // What the chain has forgotten is still known here.
    assert_eq!(shown["input"], "w20 w21");
    assert_eq!(shown["output"], content(middle, |_| true).as_str());
    let verified = door.get(&format!("/v1/tasks/{streamed}/verify"));
    assert_eq!((verified.status, &verified.json()["correct"]), (200, &json!(true)), "{}", verified.text);
    others.into_iter().for_each(|client| client.join().unwrap());
    drop(slow);
    Reply::read(slow_body).is(408, "slow_body");

    // A client that goes before its transaction is sent has asked nothing.
    let before = door.tasks_of("ferdie").len();
    running.signal("-STOP");
    let body = question("tiny-7", "w40", json!({}));
    drop(door.open(&door.head("POST", "/v1/chat/completions", &[], body.len()), body.as_bytes()));
    // The end of that connection is there before the node's next answer can be.
    assert_eq!(door.get("/health").status, 200);
    running.signal("-CONT");

    // The gateway is killed with a question under way; whoever asks again is led to the same task.
    let from = chain.best().await.unwrap().number();
    let asking = door.asking("w50 w51", "killed", json!({}));
    let input = Cid::of(b"w50 w51");
    let task = watch(&chain, from, "the task of the gateway that is killed", async |_, events| {
        events.iter().find_map(|event| match event {
            Event::Submitted { task, input: asked, .. } if *asked == input => Some(*task),
            _ => None,
        })
    })
    .await;
    gateway.kill();
    assert!(asking.join().is_err(), "the connection broke off");
    let (gateway, door) = place.open(&chain, &as_ferdie).await;
    let told = door.asking("w50 w51", "killed", json!({})).join().unwrap();
    assert_eq!((told.status, &told.json()["assay"]["task"]), (200, &json!(format!("{task:?}"))), "{}", told.text);
    assert_eq!(door.tasks_of("ferdie").len(), before + 1, "neither a task of the client that went, nor a second one");

    // Keys and their limits, at a second gateway; and one whose account has nothing.
    keys(&folder.path().join("keys"), &url, &chain).await;

    // The node goes away and comes back, with an answer under way.
    let asking = door.asking("w60", "node", json!({}));
    let input = Cid::of(b"w60");
    let from = chain.best().await.unwrap().number();
    let block = watch(&chain, from, "the task under way", async |at, events| {
        let there =
            events.iter().any(|event| matches!(event, Event::Submitted { input: asked, .. } if *asked == input));
        there.then(|| at.number())
    })
    .await;
    // Once it has read that block, the gateway waits for the next and notices the loss at once.
    while door.get("/health").json()["index"]["best"].as_u64() < Some(block.into()) {}
    running.kill();
    gateway.line(&["the node is away"]);
    door.chat("tiny-7", "w61", &[], json!({})).is(503, "node_unavailable");
    assert_eq!(door.get("/health").status, 503);
    let running = node.start();
    gateway.line(&["the node answers again"]);
    let told = asking.join().unwrap();
    assert_eq!(told.status, 200, "{}", told.text);

    // A solver that goes away with a question before it: the fee comes back, and whoever waits is told.
    dave_runs.stop_by("-INT");
    let from = chain.best().await.unwrap().number();
    let asking = door.asking("w62", "solver", json!({ "assay": { "deadline": 1 } }));
    let (input, mut asked) = (Cid::of(b"w62"), None);
    let late = watch(&chain, from, "the deadline of a task whose solver has gone", async |at, events| {
        let mut submitted = events.iter().filter_map(|event| match event {
            Event::Submitted { task, input: cid, .. } if *cid == input => Some(*task),
            _ => None,
        });
        asked = asked.or(submitted.next());
        let task = at.task(asked?).await.unwrap().unwrap();
        (at.number() > task.deadline).then_some(task.id)
    })
    .await;
    as_alice(&url, &runtime::tx().tasks().expire(late)).await;
    asking.join().unwrap().is(502, "expired");

    // Built anew from the first block on, the index tells the same.
    let known = |door: &Door| -> Vec<_> {
        let ended = door.tasks_of("ferdie").into_iter().filter(|task| task["status"] == "settled");
        ended.map(|task| (task["task"].clone(), task["history"].clone())).collect()
    };
    let before = known(&door);
    assert!(before.len() >= 8, "{before:?}");
    let metrics = door.get("/metrics").text;
    assert!(metrics.contains("assay_gateway_requests_total"));
    let balance = metrics.lines().find_map(|line| line.strip_prefix("assay_gateway_balance_asy ")?.parse::<f64>().ok());
    assert!(balance > Some(1.0), "{balance:?}");
    gateway.stop();
    let (gateway, door) = place.open(&chain, &["--dev-key", "ferdie", "--reindex"]).await;
    let after = known(&door);
    assert!(before.iter().all(|task| after.contains(task)), "{before:?} {after:?}");
    gateway.stop_by("-INT");
    distrust(&place, &chain, &hub, &eve).await;
    running.stop();
}

async fn keys(folder: &Path, url: &str, chain: &Chain) {
    let file = folder.with_extension("toml");
    let hash = |key: &str| {
        use sha2::Digest;
        hex::encode(sha2::Sha256::digest(key))
    };
    let entry = |name: &str, limits: &str| format!("[[keys]]\nname = '{name}'\nsha256 = '{}'\n{limits}\n", hash(name));
    let entries = entry("frugal", "asy-per-day = '0.5'") + &entry("slow", "requests-per-minute = 2");
    std::fs::write(&file, entries).unwrap();
    let poor = folder.with_extension("key");
    assert!(run(&["key", "generate", "--file", poor.to_str().unwrap()]).status.success());
    let place = Place { url: url.into(), port: free_port(), data: folder.into(), models: Vec::new() };
    let (file, poor) = (file.to_str().unwrap(), poor.to_str().unwrap());
    let (gateway, door) = place.open(chain, &["--key-file", poor, "--api-keys", file]).await;
    let model = &door.send("GET", "/v1/models", &[("Authorization", "Bearer slow")], b"").json()["data"][0];
    let model = model["id"].as_str().unwrap();
    assert!(model.starts_with("0x"), "without the artefact only the chain's name is known");
    door.chat(model, "w3", &[], json!({})).is(401, "invalid_api_key");
    door.chat(model, "w3", &[("Authorization", "Bearer other")], json!({})).is(401, "invalid_api_key");
    door.get("/v1/tasks").is(401, "invalid_api_key");
    let spent = door.chat(model, "w3", &[("Authorization", "Bearer frugal")], json!({}));
    spent.is(429, "insufficient_quota");
    assert!(spent.headers["retry-after"].parse::<u64>().unwrap() <= 24 * 60 * 60 + 1);
    // Here is no artefact to verify with.
    let frugal = [("Authorization", "Bearer frugal")];
    let settled = door.send("GET", "/v1/tasks?state=settled&limit=1", &frugal, b"").json();
    let settled = settled["data"][0]["task"].as_str().unwrap();
    door.send("GET", &format!("/v1/tasks/{settled}/verify"), &frugal, b"").is(501, "no_artefact");
    let slow = [("Authorization", "Bearer slow")];
    let unfunded = door.chat(model, "w3", &slow, json!({}));
    unfunded.is(402, "insufficient_funds");
    assert_eq!(unfunded.headers["x-ratelimit-remaining-requests"], "0");
    let refused = door.chat(model, "w3", &slow, json!({}));
    refused.is(429, "rate_limit_exceeded");
    assert!(refused.headers["retry-after"].parse::<u64>().unwrap() <= 61);
    gateway.stop();
    let open = run(&["gateway", "--dev-key", "ferdie", "--url", url, "--listen", "0.0.0.0:0"]);
    assert!(failure(&open, 3).contains("--api-keys"));
}
