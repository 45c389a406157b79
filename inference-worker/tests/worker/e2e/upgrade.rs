//! The runtime changes under workers and candidates that run, while tasks, a dispute and an election are under way: whatever
//! one was at, they end it, and every unit is where it belongs.

use super::{
    elections::{first_node, node, Candidate, Reader},
    *,
};
use assay_worker::{
    chain::{
        api::{self, runtime},
        types::Verdict,
    },
    journal::Inclusion,
    keys::KeySource,
    solver::decide::State,
};
use std::collections::BTreeSet;
use subxt::{
    config::DefaultExtrinsicParamsBuilder,
    rpcs::{client::rpc_params, RpcClient},
    OnlineClient, SubstrateConfig,
};

/// What is left of the runtime that is upgraded from.
const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/tests/fixtures/spec-4");

/// The network, for transactions that no worker sends.
pub struct Network {
    client: OnlineClient<SubstrateConfig>,
    rpc: RpcClient,
}

impl Network {
    pub async fn connect(url: &str) -> Self {
        let client = OnlineClient::from_insecure_url(url).await.unwrap();
        Self { client, rpc: RpcClient::from_insecure_url(url).await.unwrap() }
    }

    /// Signs a call and waits until a block has it, and done what it says.
    pub async fn send(&self, who: &str, call: &impl subxt::transactions::Payload) -> Inclusion {
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
}

impl Network {
    /// The events of a block.
    pub async fn events(&self, block: Hash) -> subxt::events::Events<SubstrateConfig> {
        self.client.at_block(block).await.unwrap().events().fetch().await.unwrap()
    }

    /// The seat bond of `who` after a block.
    pub async fn seat_bond(
        &self,
        block: Hash,
        who: &str,
    ) -> Option<runtime::runtime_types::pallet_elections::types::SeatBond> {
        let at = self.client.at_block(block).await.unwrap();
        let bond = at.storage().try_fetch(&api::storage().elections().seat_bonds(), (account(who),)).await.unwrap();
        bond.map(|value| value.decode().unwrap())
    }

    /// Where the bids of all candidates have gone, after a block.
    async fn commit_totals(&self, block: Hash) -> runtime::runtime_types::pallet_elections::types::Totals {
        let at = self.client.at_block(block).await.unwrap();
        let totals = at.storage().fetch(api::storage().elections().commit_totals(), ()).await.unwrap();
        totals.decode().unwrap()
    }
}

/// Blocks from a tenure's first to the one in which what the upgrade comes upon is begun: it takes about as many as the next
/// tenure has until both candidates have bid.
const BEGIN: BlockNumber = 7;

/// Everything in a block's state but the code, as hexadecimal keys and values.
async fn keep_state(rpc: &RpcClient, block: Hash) {
    let pairs: Vec<(String, String)> =
        rpc.request("state_getPairs", rpc_params!["0x", format!("{block:?}")]).await.unwrap();
    let code = format!("0x{}", hex::encode(":code"));
    let lines: String =
        pairs.iter().filter(|(key, _)| *key != code).map(|(key, value)| format!("{key} {value}\n")).collect();
    std::fs::write(Path::new(OLD).join("state.txt"), lines).unwrap();
}

/// Waits for what makes `found` say so of an event.
async fn event<T>(chain: &Chain, from: BlockNumber, what: &str, found: impl Fn(&Event) -> Option<T>) -> T {
    watch(chain, from, what, async |_, events| events.iter().find_map(&found)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn running_workers_go_on_when_the_runtime_is_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let artefact = crate::common::artefact(folder.path(), 7);
    let new = genesis::code(&genesis::current("dev"));
    let read = |name| std::fs::read(Path::new(OLD).join(name)).unwrap();
    let mut spec: Value = serde_json::from_slice(&read("development.json")).unwrap();
    spec["genesis"]["runtimeGenesis"]["code"] = format!("0x{}", hex::encode(read("runtime.wasm"))).into();
    let mut spec = genesis::hasty_with_disputes(spec);
    genesis::elect(&mut spec, 1);
    let model = format!("{:?}", genesis::offer(&mut spec, &artefact));
    let spec = genesis::write(folder.path(), spec);
    let (alice, address) = first_node(folder.path(), &spec);
    // With one seat one node does for both candidates: it votes with one key at a time.
    let other = node("other", folder.path(), &spec, &["--validator"], Some(&address));
    let (alice_runs, other_runs) = (alice.start(), other.start());
    let url = &alice.url();
    let chain = Chain::connect(url, PATIENCE).await.unwrap();
    let network = Network::connect(url).await;
    let version = async |hash: Hash| network.client.at_block(hash).await.unwrap().spec_version();

    // Two workers serve the model and check each other, and bid for a seat; Charlie will contest what is right, Bob takes a
    // part of his bond out.
    let server = |name| Server {
        name,
        models: vec![artefact.clone()],
        data: folder.path().join(name),
        url: url.clone(),
        bond: "50",
    };
    let (dave, eve) = (server("dave"), server("eve"));
    let (dave_runs, eve_runs) = (dave.start(&["solve", "--verify", "all"]), eve.start(&["solve", "--verify", "all"]));
    let candidates = ["dave", "eve"].map(account);
    let electors = ["dave", "eve"].map(|name| Candidate::new(name, &other, folder.path()).start());
    network.send("charlie", &api::tx().bonds().bond(50 * ASY)).await;
    network.send("bob", &api::tx().bonds().bond(20 * ASY)).await;
    network.send("bob", &api::tx().bonds().unbond(15 * ASY)).await;
    for elector in &electors {
        elector.line(&["in a block", "register_candidate"]);
    }
    mature(&chain, 0, &["charlie", "dave", "eve"]).await;
    // Who is drawn must have been paid for work as a candidate.
    let told = answer(ask(url, "ferdie", &model, "w9 w10"));
    check_answer(&chain, &artefact, &told, "w9 w10").await;

    // When the upgrade comes one task is disputed and two are younger, and both candidates have bid in this tenure.
    let from = chain.best().await.unwrap().number();
    let from = watch(&chain, from, "the last blocks of a tenure", async |at, _| {
        let (_, began) = at.tenure().await.unwrap();
        (at.number() >= began + BEGIN).then_some(at.number())
    })
    .await;
    let first = ask(url, "ferdie", &model, "w3 w4 w5");
    let disputed = event(&chain, from, "the first answer", |event| match event {
        Event::Revealed { task, .. } => Some(*task),
        _ => None,
    })
    .await;
    let second = ask(url, "bob", &model, "w6 w7");
    event(&chain, from, "the second commitment", |event| match event {
        Event::Committed { task, .. } if *task != disputed => Some(()),
        _ => None,
    })
    .await;
    let third = ask(url, "ferdie", &model, "w8");
    let contested = network.send("charlie", &api::tx().contestation().contest(disputed, Hash::repeat_byte(1))).await;
    let tenure = watch(&chain, contested.number, "two bids in one tenure", async |at, _| {
        let (tenure, _) = at.tenure().await.unwrap();
        for candidate in candidates {
            at.has_committed(tenure, candidate).await.unwrap().then_some(())?;
        }
        Some(tenure)
    })
    .await;

    use runtime::runtime_types::{assay_runtime::RuntimeCall, frame_system::pallet::Call};
    // The old runtime knows fewer calls, but this one as it is.
    let upgrade = api::tx().sudo().sudo(RuntimeCall::System(Call::set_code { code: new })).unvalidated();
    let alice = KeySource::Dev("alice".into()).load().unwrap();
    let sent = network.client.tx().await.unwrap().sign_and_submit_then_watch_default(&upgrade, &alice).await.unwrap();
    let upgraded = sent.wait_for_finalized().await.unwrap().block_hash();
    let last = chain.at(chain.at(upgraded).await.unwrap().head().await.unwrap().parent).await.unwrap();
    assert!(version(upgraded).await > version(last.hash()).await, "the runtime is the same: raise its spec_version");
    if std::env::var("ASSAY_KEEP_STATE").is_ok() {
        keep_state(&network.rpc, last.hash()).await;
    }
    assert_eq!(last.task(disputed).await.unwrap().unwrap().state, State::Disputed);
    assert!(last.dispute(disputed).await.unwrap().is_some());
    assert_eq!(last.tenure().await.unwrap().0, tenure, "the tenure was over before the upgrade came");
    let reader = Reader(network.client.clone());
    let [founder] = reader.validators(&last).await.into_iter().map(AccountId32).collect::<Vec<_>>()[..] else {
        panic!("nobody has a seat before the upgrade")
    };

    // All of them settle, and so does one that is asked under the new runtime; nobody was started again.
    for (question, prompt) in [(first, "w3 w4 w5"), (second, "w6 w7"), (third, "w8")] {
        let told = answer(question);
        assert!(told["blocks"]["submit"].as_u64().unwrap() <= u64::from(last.number()), "asked too late: {told}");
        assert!(told["blocks"]["settle"].as_u64().unwrap() > u64::from(last.number()), "settled too early: {told}");
        check_answer(&chain, &artefact, &told, prompt).await;
    }
    let told = answer(ask(url, "ferdie", &model, "w11"));
    check_answer(&chain, &artefact, &told, "w11").await;
    watch(&chain, last.number(), "the end of the dispute", async |at, _| {
        at.dispute(disputed).await.unwrap().is_none().then_some(())
    })
    .await;

    // The election that was under way is held, and whoever is drawn serves; nothing is final without a vote of his.
    let seats = watch(&chain, last.number(), "the draw", async |at, _| at.drawn(tenure).await.unwrap()).await;
    assert!(matches!(seats[..], [seat] if candidates.contains(&seat)), "{seats:?}");
    let terms = last.election_terms().await.unwrap();
    let serves = watch(&chain, last.number(), "the tenure of the seat", async |at, _| {
        (at.tenure().await.unwrap().0 == tenure + terms.service_delay).then(|| at.clone())
    })
    .await;
    assert_eq!(reader.validators(&serves).await, BTreeSet::from([founder.0, seats[0].0]));
    watch(&chain, serves.number(), "finality with the seat", async |_, _| {
        (chain.finalized().await.unwrap().number() > serves.number()).then_some(())
    })
    .await;
    // Both go on to bid under the new runtime.
    for candidate in candidates {
        assert!(serves.has_committed(tenure + 2, candidate).await.unwrap(), "{candidate} has stopped to bid");
    }
    for elector in electors {
        elector.stop_by("-INT");
    }
    dave_runs.stop();
    eve_runs.stop();

    let mut watched = ["bob", "charlie", "dave", "eve", "ferdie"].map(account).to_vec();
    watched.extend([founder, pot(b"assay/tr"), pot(b"assay/lq"), pot(b"assay/va"), pot(b"assay/el")]);
    let before = totals(&chain.at(chain.genesis()).await.unwrap(), &watched).await;
    let stopped = chain.best().await.unwrap().number();
    let closing = watch(&chain, stopped, "what all have done being final", async |_, _| {
        let finalized = chain.finalized().await.unwrap();
        (finalized.number() >= stopped).then_some(finalized)
    })
    .await;
    let books = keep_books(url, &chain, 1, closing.number(), account("charlie")).await;
    assert_eq!(books.settled.len(), 5);
    assert!(matches!(books.verdicts[&disputed], Verdict::Stands), "{:?}", books.verdicts);
    check_books(&books, &watched, before, &closing).await;
    // Half of all bids is burned, half the committee's.
    let spent = network.commit_totals(closing.hash()).await;
    assert_eq!((spent.committed, 2 * spent.burned), (books.bids, books.bids));
    assert_eq!(2 * (spent.paid + spent.pending), books.bids);
    for candidate in candidates {
        assert_eq!(closing.seat_bond(candidate).await.unwrap(), terms.seat_bond);
    }
    other_runs.stop();
    alice_runs.stop();
}
