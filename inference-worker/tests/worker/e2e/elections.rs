//! A real network whose validators are elected: two candidates work, commit and are drawn, though one's elector and node are
//! killed; whoever has a seat and makes no blocks loses it; finality never stops; and every election is recomputed from a
//! proof, offline too. And a seat that changes hands in every tenure, from one machine to another.

use super::genesis;
use crate::common::{
    failure,
    network::{account, built, watch, Node, Process, Server, PATIENCE},
    run, worker,
};
use assay_types::{
    election,
    inference::{Parameters, TextParameters},
    BlockNumber, ModelId, Tenure, ASY,
};
use assay_worker::{
    chain::{
        api::{self, runtime},
        types::Payload,
        At, Call, Chain, Sender, Terms,
    },
    keys::KeySource,
};
use codec::Encode;
use sp_core::{sr25519, Pair};
use std::{collections::BTreeSet, fs, path::Path, process::Command};
use subxt::{utils::AccountId32, OnlineClient, SubstrateConfig};

/// Blocks by which finality may be behind at the beginning of a tenure.
const BEHIND: BlockNumber = 10;
/// Tenures in a row in which the seat changes hands.
const HANDOVERS: usize = 4;

/// Reads what the worker itself has no use for.
pub struct Reader(pub OnlineClient<SubstrateConfig>);

impl Reader {
    /// The accounts that make blocks.
    pub async fn validators(&self, at: &At) -> BTreeSet<[u8; 32]> {
        let block = self.0.at_block(at.hash()).await.unwrap();
        let address = api::storage().session().validators();
        let validators = block.storage().fetch(address, ()).await.unwrap().decode().unwrap();
        validators.into_iter().map(|validator| validator.0).collect()
    }

    /// Whether `who` has made a block in this tenure.
    async fn has_made_a_block(&self, at: &At, who: AccountId32) -> bool {
        let block = self.0.at_block(at.hash()).await.unwrap();
        let address = api::storage().elections().authors();
        let authors = block.storage().try_fetch(address, ()).await.unwrap();
        authors.is_some_and(|authors| authors.decode().unwrap().0.contains(&who))
    }

    /// Why these were put out in a block.
    async fn put_out(&self, at: &At) -> Vec<(AccountId32, bool)> {
        use runtime::runtime_types::pallet_elections::types::ChillReason;
        let events = self.0.at_block(at.hash()).await.unwrap().events().fetch().await.unwrap();
        let chilled = events.find::<runtime::elections::events::Chilled>();
        chilled
            .map(|event| event.unwrap())
            .map(|event| (event.who, matches!(event.reason, ChillReason::Absence)))
            .collect()
    }
}

/// Alice's validator, and its address, with which others begin.
pub fn first_node(folder: &Path, spec: &str) -> (Node, String) {
    let key = folder.join("node-key").into_os_string().into_string().unwrap();
    let made = Command::new(built("assay-node")).args(["key", "generate-node-key", "--file", &key]).output().unwrap();
    let alice = node("alice", folder, spec, &["--alice", "--validator", "--node-key-file", &key], None);
    let peer = String::from_utf8(made.stderr).unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", alice.p2p, peer.trim());
    (alice, address)
}

/// A node that begins with the address of `first`.
pub fn node(name: &'static str, folder: &Path, spec: &str, flags: &[&str], first: Option<&str>) -> Node {
    let mut arguments = vec!["--chain", spec, "--unsafe-force-node-key-generation"];
    arguments.extend(flags);
    if let Some(first) = first {
        arguments.extend(["--reserved-nodes", first]);
    }
    Node::new(name, folder, &arguments)
}

/// An account that wants to be a validator.
pub struct Candidate {
    name: &'static str,
    url: String,
    data: std::path::PathBuf,
}

impl Candidate {
    /// The account `name`, whose own node is this one.
    pub fn new(name: &'static str, node: &Node, folder: &Path) -> Self {
        Self { name, url: node.url(), data: folder.join(format!("elect-{name}")) }
    }

    /// Its elector.
    pub fn start(&self) -> Process {
        let mut command = worker();
        command
            .args(["elect", "--bid", "5", "--dev-key", self.name, "--url", &self.url])
            .args(["--metrics-addr", "off", "--log-format", "json", "--data"])
            .arg(&self.data);
        let log = match self.name {
            "charlie" => "elect-charlie",
            "dave" => "elect-dave",
            _ => "elect-eve",
        };
        Process::start(log, &mut command)
    }
}

/// Asks each model something, and does not wait for the answers.
async fn ask(sender: &Sender, models: &[ModelId], tenure: Tenure) {
    let parameters = Parameters::Text(TextParameters { max_tokens: 4, ..TextParameters::default() }).encode();
    for model in models {
        let input = format!("w3 w4 w{}", 5 + tenure % 50).into_bytes();
        let input = Payload::Inline(input);
        let call = Call::Submit { model: *model, parameters: parameters.clone(), input, fee: 2 * ASY, deadline: None };
        sender.send(call, Terms::default()).await.unwrap();
    }
}

/// What is done and checked at the beginning of each tenure.
struct Watch<'a> {
    chain: &'a Chain,
    asker: &'a Sender,
    models: [ModelId; 2],
    tenure: Option<Tenure>,
    /// Elections that were recomputed, and seats that they gave.
    verified: Vec<(Tenure, usize)>,
}

impl Watch<'_> {
    /// Whether this block begins a tenure.
    async fn begins(&mut self, at: &At) -> Option<Tenure> {
        let (tenure, began) = at.tenure().await.unwrap();
        if self.tenure == Some(tenure) || at.number() == 0 {
            return None;
        }
        self.tenure = Some(tenure);
        let finalized = self.chain.finalized().await.unwrap().number();
        assert!(finalized + BEHIND >= began, "tenure {tenure} began in block {began}, {finalized} is final");
        ask(self.asker, &self.models, tenure).await;
        // The draw of an election is two tenures after it; it is proven once it is final.
        let (last, _) = self.chain.finalized().await.unwrap().tenure().await.unwrap();
        let first = self.verified.last().map_or(0, |(of, _)| of + 1);
        for of in first..(last + 1).saturating_sub(2) {
            let output = run(&["election", "verify", "--json", "--url", self.chain.url(), "--tenure", &of.to_string()]);
            assert!(output.status.success(), "{of}: {}", String::from_utf8_lossy(&output.stderr));
            let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(told["right"], true);
            self.verified.push((of, told["seats"].as_array().unwrap().len()));
        }
        Some(tenure)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_are_elected_and_whoever_is_absent_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let artefacts = [7, 8].map(|seed| crate::common::artefact(folder.path(), seed));
    let mut spec = genesis::hasty(genesis::current("local"));
    genesis::elect(&mut spec, 2);
    let stash = "5FCfAonRZgTFrTd9HREEyeJjDpT397KMzizE6T3DvebLFE7n";
    genesis::add_validator(&mut spec, "eve", stash, "5Ck2miBfCe1JQ4cY3NDsXyBaD6EcsgiVmEFTWwqNSs25XDEq");
    let models = [0, 1].map(|index| genesis::offer(&mut spec, &artefacts[index]));
    let spec = genesis::write(folder.path(), spec);

    // Alice, Bob and Eve are the founders: with Dave, if Charlie is not drawn, they are four, of whom one may be absent and
    // blocks are final. Charlie's node makes blocks once he has a seat, Dave's never does.
    let (alice, first) = first_node(folder.path(), &spec);
    let others: [(_, &[&str]); 4] = [
        ("bob", &["--bob", "--validator"]),
        ("eve", &["--eve", "--validator"]),
        ("charlie", &["--validator"]),
        ("dave", &[]),
    ];
    let [bob, eve, charlie, dave] = others.map(|(name, flags)| node(name, folder.path(), &spec, flags, Some(&first)));
    let alice_runs = alice.start();
    let (bob_runs, eve_runs, charlie_runs, dave_runs) = (bob.start(), eve.start(), charlie.start(), dave.start());
    let chain = Chain::connect(&alice.url(), PATIENCE).await.unwrap();
    let reader = Reader(OnlineClient::from_insecure_url(alice.url()).await.unwrap());
    let [charlie_key, dave_key] = ["charlie", "dave"].map(account);

    // Both become candidates, and solve what the other does not.
    let candidate = |name, node| Candidate::new(name, node, folder.path());
    let (charlie_elects, dave_elects) = (candidate("charlie", &charlie), candidate("dave", &dave));
    let charlie_elector = charlie_elects.start();
    let dave_elector = dave_elects.start();
    let server = |name, index: usize| Server {
        name,
        models: vec![artefacts[index].clone()],
        data: folder.path().join(format!("solve-{name}")),
        url: alice.url(),
        bond: "50",
    };
    let (charlie_solves, dave_solves) = (server("charlie", 0).start(&["solve"]), server("dave", 1).start(&["solve"]));
    let asker = Sender::spawn(chain.clone(), KeySource::Dev("ferdie".into()).load().unwrap());
    let mut tenures = Watch { chain: &chain, asker: &asker, models, tenure: None, verified: Vec::new() };

    // Work counts from the candidacy on.
    for elector in [&charlie_elector, &dave_elector] {
        elector.line(&["in a block", "register_candidate"]);
    }
    ask(&asker, &models, 0).await;

    // Charlie's elector is killed right after it has sent its first commitment, and his node after that.
    charlie_elector.line(&["\"sent\"", "commit_tokens"]);
    charlie_elector.kill();
    let charlie_elector = charlie_elects.start();
    charlie_elector.line(&["committed to this tenure's election"]);
    charlie_runs.kill();
    charlie_elector.line(&["the node is away"]);
    let charlie_runs = charlie.start();
    charlie_elector.line(&["the node answers again"]);

    // Both are drawn, and Charlie makes blocks.
    let elected = watch(&chain, 0, "two seats", async |at, _| {
        tenures.begins(at).await;
        let validators = reader.validators(at).await;
        let both = validators.contains(&charlie_key.0) && validators.contains(&dave_key.0);
        (both && reader.has_made_a_block(at, charlie_key).await).then_some(at.number())
    })
    .await;
    charlie_elector.line(&["won a seat"]);

    // An election by its proof alone: right for whoever knows the block, wrong for whoever changes anything.
    let (of, _) = *tenures.verified.iter().rfind(|(_, seats)| *seats == 2).expect("an election of two was recomputed");
    let file = folder.path().join("proof.json").into_os_string().into_string().unwrap();
    let fetched = run(&["election", "proof", "--url", chain.url(), "--tenure", &of.to_string(), "-o", &file]);
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    let proof: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let (block, genesis) = (proof["block"].as_str().unwrap().to_string(), format!("{:?}", chain.genesis()));
    let offline = run(&["election", "verify", &file, "--block-hash", &block, "--genesis", &genesis]);
    assert!(offline.status.success(), "{}", String::from_utf8_lossy(&offline.stderr));
    let told = String::from_utf8(offline.stdout).unwrap();
    assert!(told.contains(&charlie_key.to_string()) && told.contains(&format!("tenure {of}")), "{told}");
    let wrong = |arguments: &[&str]| failure(&run(&[&["election", "verify", &file[..]], arguments].concat()), 13);
    assert!(wrong(&["--block-hash", &genesis]).contains("is of block"));
    assert!(wrong(&["--genesis", &block]).contains("is of the chain"));
    assert!(wrong(&["--tenure", &(of + 1).to_string()]).contains("is of the election of tenure"));
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut changed = proof.clone();
        change(&mut changed);
        fs::write(&file, changed.to_string()).unwrap();
        let told = run(&["election", "verify", "--json", &file]);
        assert_eq!(told.status.code(), Some(13), "{}", String::from_utf8_lossy(&told.stdout));
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(told["right"], false);
        told["fault"].as_str().unwrap().to_owned()
    };
    // The nodes may happen to show that there is no draw of the next election yet, or not reach so far.
    assert!(["absent", "state"].contains(&&changed(&|proof| proof["tenure"] = (of + 1).into())[..]));
    assert_eq!(changed(&|proof| drop(proof["proof"].as_array_mut().unwrap().remove(0))), "state");
    let early = run(&["election", "verify", "--url", chain.url(), "--tenure", "1000"]);
    assert!(failure(&early, 1).contains("no election of tenure 1000"));

    // Dave makes no blocks: he is put out for that, and the next set is without him.
    let mut put_out = Vec::new();
    let out = watch(&chain, elected, "Dave's being put out", async |at, _| {
        tenures.begins(at).await;
        put_out.extend(reader.put_out(at).await);
        (!put_out.is_empty()).then_some(at.number())
    })
    .await;
    let replaced = watch(&chain, out + 1, "a set with Charlie and without Dave", async |at, _| {
        tenures.begins(at).await;
        put_out.extend(reader.put_out(at).await);
        // A tenure of six slots may be over before a commitment is in a block: Charlie need not have a seat in each.
        let validators = reader.validators(at).await;
        (!validators.contains(&dave_key.0) && validators.contains(&charlie_key.0)).then_some(at.clone())
    })
    .await;
    assert_eq!(put_out, [(dave_key, true)], "nobody else, and for absence");
    assert!(replaced.candidate(dave_key).await.unwrap().unwrap().chilled);
    dave_elector.line(&["put out for an offence or absence"]);
    // Whoever is out commits no more; the other goes on.
    let (tenure, _) = replaced.tenure().await.unwrap();
    let mut commitments = 0;
    for tenure in tenure - 3..tenure {
        commitments += u32::from(replaced.has_committed(tenure, charlie_key).await.unwrap());
    }
    assert!(commitments > 0, "Charlie has stopped to commit");
    assert!(!replaced.has_committed(tenure - 1, dave_key).await.unwrap(), "Dave is out and has committed");
    let seats: Vec<_> = tenures.verified.iter().map(|(_, seats)| *seats).collect();
    assert!(seats.contains(&0) && seats.contains(&2), "{seats:?}");

    charlie_elector.stop_by("-INT");
    for process in [dave_elector, charlie_solves, dave_solves] {
        process.stop();
    }
    for process in [alice_runs, bob_runs, eve_runs, charlie_runs, dave_runs] {
        process.stop();
    }
}

/// A candidate that bids when it is told to.
struct Bidder {
    account: AccountId32,
    vrf: sr25519::Pair,
    sender: Sender,
}

impl Bidder {
    /// Has `name` register the session keys that its own node makes for it.
    async fn register(chain: &Chain, name: &str, node: &Node) -> Self {
        let (key, vrf) = KeySource::Dev(name.into()).load_with_vrf(None).unwrap();
        let bidder = Self { account: account(name), vrf, sender: Sender::spawn(chain.clone(), key) };
        let own = Chain::connect(&node.url(), PATIENCE).await.unwrap();
        let made = own.make_session_keys(&bidder.account).await.unwrap();
        let (vrf_key, keys) = (bidder.vrf.public().0, election::keys_hash(&made.keys));
        let set = Call::SetSessionKeys { keys: made.keys, proof: made.proof };
        for call in [set, Call::RegisterCandidate { vrf_key, keys }] {
            bidder.sender.send(call, Terms::default()).await.unwrap().success().await.unwrap();
        }
        bidder
    }

    /// Has it commit tokens to the election of the tenure that it is in this block.
    async fn bid(&self, chain: &Chain, at: &At) {
        let ((tenure, _), accumulator) = (at.tenure().await.unwrap(), at.accumulator().await.unwrap());
        let vrf_proof = election::vrf_sign(&self.vrf, &chain.genesis(), tenure, &accumulator, &self.account.0);
        let call = Call::CommitTokens { amount: 5 * ASY, vrf_proof };
        // What is refused now, because the account's solver has just sent something, is sent again two blocks later.
        let _ = self.sender.send(call, Terms::default()).await;
    }
}

/// Has the one whose turn it is in this tenure bid in every other block, until a block has it.
async fn bid_by_turns(chain: &Chain, bidders: &[Bidder], at: &At) {
    let (tenure, began) = at.tenure().await.unwrap();
    let bidder = &bidders[tenure as usize % bidders.len()];
    let wait = at.election_terms().await.unwrap().wait;
    let candidate = at.candidate(bidder.account).await.unwrap();
    let may = candidate.is_some_and(|candidate| tenure >= candidate.since + wait);
    if may && (at.number() - began) % 2 == 1 && !at.has_committed(tenure, bidder.account).await.unwrap() {
        bidder.bid(chain, at).await;
    }
}

/// Two candidates bid by turns for the only seat, so that in each tenure another machine makes blocks, and none is final
/// without its vote.
#[tokio::test(flavor = "multi_thread")]
async fn seats_change_hands_in_every_tenure_while_blocks_become_final() {
    let folder = tempfile::tempdir().unwrap();
    let artefacts = [7, 8].map(|seed| crate::common::artefact(folder.path(), seed));
    let mut spec = genesis::hasty(genesis::current("dev"));
    genesis::elect(&mut spec, 1);
    let models = [0, 1].map(|index| genesis::offer(&mut spec, &artefacts[index]));
    let spec = genesis::write(folder.path(), spec);
    let (alice, first) = first_node(folder.path(), &spec);
    let [charlie, dave] =
        ["charlie", "dave"].map(|name| node(name, folder.path(), &spec, &["--validator"], Some(&first)));
    let (alice_runs, charlie_runs, dave_runs) = (alice.start(), charlie.start(), dave.start());
    let chain = Chain::connect(&alice.url(), PATIENCE).await.unwrap();
    let reader = Reader(OnlineClient::from_insecure_url(alice.url()).await.unwrap());
    let bidders = [Bidder::register(&chain, "charlie", &charlie).await, Bidder::register(&chain, "dave", &dave).await];

    // Each solves what the other does not: who is drawn must have been paid for work as a candidate.
    let server = |name, index: usize| Server {
        name,
        models: vec![artefacts[index].clone()],
        data: folder.path().join(format!("solve-{name}")),
        url: alice.url(),
        bond: "50",
    };
    let (charlie_solves, dave_solves) = (server("charlie", 0).start(&["solve"]), server("dave", 1).start(&["solve"]));
    let asker = Sender::spawn(chain.clone(), KeySource::Dev("ferdie".into()).load().unwrap());
    let mut tenures = Watch { chain: &chain, asker: &asker, models, tenure: None, verified: Vec::new() };

    let founders = reader.validators(&chain.at(chain.genesis()).await.unwrap()).await;
    assert_eq!(founders.len(), 1);
    let seated = watch(&chain, 0, "the first seat", async |at, _| {
        bid_by_turns(&chain, &bidders, at).await;
        tenures.begins(at).await;
        (reader.validators(at).await != founders).then_some(at.number())
    })
    .await;

    let mut holders: Vec<[u8; 32]> = Vec::new();
    let last = watch(&chain, seated, "handovers in a row", async |at, _| {
        bid_by_turns(&chain, &bidders, at).await;
        if tenures.begins(at).await.is_some() || holders.is_empty() {
            let validators = reader.validators(at).await;
            assert!(validators.is_superset(&founders), "the founder is the committee");
            let seats: Vec<_> = validators.difference(&founders).copied().collect();
            let [holder] = seats[..] else { panic!("one has a seat, not {}", seats.len()) };
            assert!(bidders.iter().any(|bidder| bidder.account.0 == holder));
            holders.push(holder);
        }
        let handovers = holders.windows(2).rev().take_while(|pair| pair[0] != pair[1]).count();
        (handovers >= HANDOVERS).then_some(at.number())
    })
    .await;
    // The last of them is final too, by the vote of whoever has the seat then.
    watch(&chain, last, "finality after the last handover", async |_, _| {
        (chain.finalized().await.unwrap().number() > last).then_some(())
    })
    .await;
    assert!(tenures.verified.iter().filter(|(_, seats)| *seats == 1).count() >= HANDOVERS, "{:?}", tenures.verified);

    for process in [charlie_solves, dave_solves, alice_runs, charlie_runs, dave_runs] {
        process.stop();
    }
}
