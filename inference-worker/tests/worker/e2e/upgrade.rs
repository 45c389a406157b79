//! The runtime changes while tasks are under way: whatever one was at, the workers of the new runtime end it, and every
//! unit is where it belongs.
//!
//! A worker serves one runtime. What those of the old one did, and what they left in their journals, this test does in
//! their place.

use super::{
    genesis::{EPOCH, UNBONDING},
    *,
};
use assay_types::{
    inference::{Parameters, TextParameters},
    ModelId,
};
use assay_worker::{
    chain::{
        api::{self, runtime},
        MORTALITY,
    },
    journal::{Inclusion, Job, Phase},
    keys::KeySource,
    solver::decide::State,
};
use codec::Encode;
use runtime::runtime_types::{assay_traits::Payload, bounded_collections::bounded_vec::BoundedVec};
use std::collections::HashMap;
use subxt::{
    config::DefaultExtrinsicParamsBuilder,
    rpcs::{client::rpc_params, RpcClient},
    OnlineClient, SubstrateConfig,
};

/// What is left of the runtime that is upgraded from.
const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/tests/fixtures/spec-1");

/// The network, without what a worker expects of its runtime.
struct Network {
    client: OnlineClient<SubstrateConfig>,
    rpc: RpcClient,
}

impl Network {
    async fn connect(url: &str) -> Self {
        let client = OnlineClient::from_insecure_url(url).await.unwrap();
        Self { client, rpc: RpcClient::from_insecure_url(url).await.unwrap() }
    }

    /// Signs a call and waits until a block has it, and done what it says.
    async fn send(&self, who: &str, call: &impl subxt::transactions::Payload) -> Inclusion {
        let key = KeySource::Dev(who.into()).load().unwrap();
        // What is not final yet counts, too.
        let nonce = self.rpc.request("system_accountNextIndex", rpc_params![account(who).to_string()]).await.unwrap();
        let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new().nonce(nonce).build();
        let mut progress =
            self.client.tx().await.unwrap().sign_and_submit_then_watch(call, &key, params).await.unwrap();
        while let Some(status) = progress.next().await {
            let status = status.unwrap();
            if let Some(block) = status.as_in_block().or(status.as_finalized()) {
                block.wait_for_success().await.unwrap();
                let number = block.at().await.unwrap().block_number();
                return Inclusion { number: number as BlockNumber, hash: block.block_hash() };
            }
        }
        panic!("{who}'s transaction was dropped");
    }

    /// Waits for a block of this height.
    async fn reach(&self, height: BlockNumber) {
        let reaching = async {
            let mut blocks = self.client.stream_best_blocks().await.unwrap();
            while blocks.next().await.unwrap().unwrap().number() < u64::from(height) {}
        };
        tokio::time::timeout(PATIENCE, reaching).await.unwrap_or_else(|_| panic!("there is no block {height}"));
    }

    /// Asks something, and returns the task and the block that took it.
    async fn ask(&self, user: &str, model: ModelId, text: &str) -> (TaskId, Inclusion) {
        let parameters = BoundedVec(parameters());
        let input = Payload::Inline(BoundedVec(text.into()));
        let included = self.send(user, &api::tx().tasks().submit(model, parameters, input, FEE, None)).await;
        let events = self.client.at_block(included.hash).await.unwrap().events().fetch().await.unwrap();
        let submitter = account(user);
        let mut submitted = events.find::<runtime::tasks::events::Submitted>().map(Result::unwrap);
        (submitted.find(|submitted| submitted.submitter == submitter).unwrap().task, included)
    }

    /// Does what the old worker of `server` did upon a task: computes, writes down, commits.
    async fn commit(&self, server: &Server, model: ModelId, (task, included): (TaskId, Inclusion), text: &str) -> Job {
        let randomness = api::storage().babe().author_vrf_randomness();
        let at = self.client.at_block(included.hash).await.unwrap();
        let randomness = at.storage().try_fetch(randomness, ()).await.unwrap().unwrap().decode().unwrap().unwrap();
        let genesis = self.client.genesis_hash();
        let seed = protocol::seed(&genesis, &task, &randomness, &model, &parameters());
        let answer = Model::load(&server.models[0], &Arc::new(Threads::new(1, None).unwrap()))
            .unwrap()
            .run(text.as_bytes(), &parameters(), seed, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        let who = account(server.name);
        let journal = Journal::open(&server.data).unwrap();
        journal.bind(genesis, &who).unwrap();
        let job = Job::new(task, model, included, answer.output, answer.trace, Phase::Recorded).unwrap();
        journal.jobs().record(&job).unwrap();
        let job = journal.jobs().mark_sent(&task, included.number + MORTALITY).unwrap();
        self.send(server.name, &api::tx().solutions().commit(task, job.commitment(&genesis, &who))).await;
        job
    }
}

fn parameters() -> Vec<u8> {
    Parameters::Text(TextParameters { max_tokens: 8, ..TextParameters::default() }).encode()
}

/// Everything in a block's state but the code, as hexadecimal keys and values.
async fn keep_state(rpc: &RpcClient, block: Hash) {
    let pairs: Vec<(String, String)> =
        rpc.request("state_getPairs", rpc_params!["0x", format!("{block:?}")]).await.unwrap();
    let code = format!("0x{}", hex::encode(":code"));
    let lines: String =
        pairs.iter().filter(|(key, _)| *key != code).map(|(key, value)| format!("{key} {value}\n")).collect();
    std::fs::write(Path::new(OLD).join("state.txt"), lines).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_and_bonds_go_on_when_the_runtime_is_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let artefacts = [7, 8].map(|seed| crate::common::artefact(folder.path(), seed));
    let new = genesis::code(&genesis::current("dev"));
    let read = |name| std::fs::read(Path::new(OLD).join(name)).unwrap();
    let mut spec: Value = serde_json::from_slice(&read("development.json")).unwrap();
    spec["genesis"]["runtimeGenesis"]["code"] = format!("0x{}", hex::encode(read("runtime.wasm"))).into();
    let mut spec = genesis::hasty(spec);
    let models = artefacts.each_ref().map(|artefact| genesis::offer(&mut spec, artefact));
    let node = Node::new("node", folder.path(), &["--dev", "--chain", &genesis::write(folder.path(), spec)]);
    let running = node.start();
    let url = &node.url();
    running.line(&["Running JSON-RPC server"]);
    let network = Network::connect(url).await;
    let version = async |hash: Hash| network.client.at_block(hash).await.unwrap().spec_version();

    // Each serves one of the models; Bob takes a part of his bond out.
    let server = |name, artefact: &Path| Server {
        name,
        models: vec![artefact.into()],
        data: folder.path().join(name),
        url: url.clone(),
        bond: "50",
    };
    let (dave, eve) = (server("dave", &artefacts[0]), server("eve", &artefacts[1]));
    let serve = async |server: &Server, model| {
        network.send(server.name, &api::tx().bonds().bond(50 * ASY)).await;
        network.send(server.name, &api::tx().models().serve(model)).await.number
    };
    let unbond = async || {
        network.send("bob", &api::tx().bonds().bond(20 * ASY)).await;
        network.send("bob", &api::tx().bonds().unbond(15 * ASY)).await.number
    };
    let (first, second, unbonded) = tokio::join!(serve(&dave, models[0]), serve(&eve, models[1]), unbond());
    network.reach(first.max(second) + EPOCH).await;

    // One task is committed to, one is solved, and two are open.
    let (solved, committed) =
        tokio::join!(network.ask("charlie", models[1], "w3 w4 w5"), network.ask("ferdie", models[0], "w6 w7"));
    let (job, _) = tokio::join!(
        network.commit(&eve, models[1], solved, "w3 w4 w5"),
        network.commit(&dave, models[0], committed, "w6 w7")
    );
    let output = Payload::Inline(BoundedVec(job.output.clone()));
    let reveal = api::tx().solutions().reveal(job.task, job.salt, job.trace_seal(&account("eve")), output);
    let (_, open, hurried) = tokio::join!(
        network.send("eve", &reveal),
        network.ask("bob", models[0], "w8"),
        network.ask("charlie", models[1], "w9 w10")
    );

    use runtime::runtime_types::{assay_runtime::RuntimeCall, frame_system::pallet::Call};
    // The old runtime knows fewer calls, but this one as it is.
    let upgrade = api::tx().sudo().sudo(RuntimeCall::System(Call::set_code { code: new })).unvalidated();
    let alice = KeySource::Dev("alice".into()).load().unwrap();
    let sent = network.client.tx().await.unwrap().sign_and_submit_then_watch_default(&upgrade, &alice).await.unwrap();
    let upgraded = sent.wait_for_finalized().await.unwrap().block_hash();
    let chain = Chain::connect(url, PATIENCE).await.unwrap();
    let last = chain.at(chain.at(upgraded).await.unwrap().head().await.unwrap().parent).await.unwrap();
    assert!(version(upgraded).await > version(last.hash()).await, "the runtime is the same: raise its spec_version");
    if std::env::var("ASSAY_KEEP_STATE").is_ok() {
        keep_state(&network.rpc, last.hash()).await;
    }
    // The upgrade has met each of them where it should.
    let [solved, committed, open, hurried] = [solved, committed, open, hurried].map(|(task, _)| task);
    for (task, state) in
        [(solved, State::Solved), (committed, State::Open), (open, State::Open), (hurried, State::Open)]
    {
        assert_eq!(last.task(task).await.unwrap().unwrap().state, state, "{task:?}");
    }
    assert!(last.commitment(committed, account("dave")).await.unwrap().is_some());

    // They all settle, and new ones do.
    let (dave_runs, eve_runs) = (dave.start(&["solve"]), eve.start(&["solve"]));
    let mut waiting = HashMap::from([(solved, "eve"), (committed, "dave"), (open, "dave"), (hurried, "eve")]);
    watch(&chain, last.number(), "the end of the old tasks", async |_, events| {
        for event in events {
            if let Event::Settled { task, solver, .. } = event {
                assert_eq!(*solver, account(waiting.remove(task).unwrap()));
            }
        }
        waiting.is_empty().then_some(())
    })
    .await;
    let told = answer(ask(url, "ferdie", &format!("{:?}", models[1]), "w11"));
    assert_eq!(check_answer(&chain, &artefacts[1], &told, "w11").await, account("eve"));

    // What was bonded under the old runtime still is, and what was unbonded is paid out.
    network.reach(unbonded + UNBONDING).await;
    let bob = account("bob");
    let (_, held) = chain.best().await.unwrap().balance(bob).await.unwrap();
    let withdrawn = network.send("bob", &api::tx().bonds().withdraw()).await;
    let withdrawn = chain.at(withdrawn.hash).await.unwrap();
    assert_eq!(withdrawn.balance(bob).await.unwrap().1, held - 15 * ASY);
    for (name, bonded) in [("bob", 5), ("dave", 50), ("eve", 50)] {
        assert_eq!(withdrawn.bond(account(name)).await.unwrap().unwrap().mature(withdrawn.number()), bonded * ASY);
    }

    dave_runs.stop();
    eve_runs.stop();
    let mut watched = ["bob", "charlie", "dave", "eve", "ferdie"].map(account).to_vec();
    watched.extend([pot(b"assay/tr"), pot(b"assay/lq"), pot(b"assay/va")]);
    let before = totals(&chain.at(chain.genesis()).await.unwrap(), &watched).await;
    let closing = chain.best().await.unwrap();
    let books = keep_books(url, &chain, 1, closing.number(), account("charlie")).await;
    assert_eq!(books.settled.len(), 5);
    check_books(&books, &watched, before, &closing).await;
    running.stop();
}
