//! A network falls apart and comes together again: what the smaller part made is undone, and a worker that answered there
//! answers anew where it counts.

use super::*;
use crate::common::network::built;
use assay_worker::journal::{Inclusion, Outcome, Phase};
use std::process::Command;
use subxt::rpcs::{
    client::{rpc_params, RpcParams},
    RpcClient,
};

/// A validator, and the door to its unsafe methods.
struct Validator {
    chain: Chain,
    rpc: RpcClient,
    address: String,
    running: Process,
}

/// A node of a validator whose name others can be told before it starts, and its address.
fn place(name: &'static str, folder: &Path, spec: &str) -> (Node, String) {
    let key = folder.join(format!("key-{name}")).into_os_string().into_string().unwrap();
    let made = Command::new(built("assay-node")).args(["key", "generate-node-key", "--file", &key]).output().unwrap();
    let flags = [
        &format!("--{name}")[..],
        "--chain",
        spec,
        "--validator",
        "--node-key-file",
        &key,
        // A peer that is not reserved any more finds no other place.
        "--reserved-only",
        "--in-peers=0",
        "--out-peers=0",
        "--in-peers-light=0",
        // Blocks are made even if nobody is there.
        "--force-authoring",
    ];
    let node = Node::new(name, folder, &flags);
    let peer = String::from_utf8(made.stderr).unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", node.p2p, peer.trim());
    (node, address)
}

impl Validator {
    /// Starts a validator that talks to `others` alone.
    async fn start((mut node, address): (Node, String), others: [String; 2]) -> Self {
        node.arguments.push("--reserved-nodes".into());
        node.arguments.extend(others);
        let running = node.start();
        let chain = Chain::connect(&node.url(), PATIENCE).await.unwrap();
        let rpc = RpcClient::from_insecure_url(node.url()).await.unwrap();
        Self { chain, rpc, address, running }
    }

    async fn knows(&self, other: &Self) {
        self.rpc.request::<()>("system_addReservedPeer", rpc_params![&other.address]).await.unwrap();
    }

    async fn forgets(&self, other: &Self) {
        let (_, peer) = other.address.rsplit_once('/').unwrap();
        self.rpc.request::<()>("system_removeReservedPeer", rpc_params![peer]).await.unwrap();
    }

    async fn height(&self) -> BlockNumber {
        self.chain.best().await.unwrap().number()
    }

    /// Waits until this one, in any block from now on, has so many peers.
    async fn has_peers(&self, count: u64) {
        let from = self.height().await;
        watch(&self.chain, from, "the number of peers", async |_, _| {
            let health: Value = self.rpc.request("system_health", RpcParams::new()).await.unwrap();
            (health["peers"] == count).then_some(())
        })
        .await;
    }
}

/// Has two validators talk to each other, whoever dials first.
async fn join(one: &Validator, other: &Validator) {
    one.knows(other).await;
    other.knows(one).await;
}

async fn part(one: &Validator, other: &Validator) {
    one.forgets(other).await;
    other.forgets(one).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "how long it takes is up to chance, and validators once did not find each other again; run it by name"]
async fn a_worker_answers_anew_when_its_fork_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let artefact = crate::common::artefact(folder.path(), 7);
    let mut spec = genesis::hasty(genesis::current("local"));
    genesis::three_validators(&mut spec);
    let model = format!("{:?}", genesis::offer(&mut spec, &artefact));
    let spec = genesis::write(folder.path(), spec);
    let places = ["alice", "bob", "charlie"].map(|name| place(name, folder.path(), &spec));
    let [a, b, c] = places.each_ref().map(|(_, address)| address.clone());
    let url = &places[0].0.url();
    let [alice, bob, charlie] = places;
    let (alice, bob, charlie) = tokio::join!(
        Validator::start(alice, [b.clone(), c.clone()]),
        Validator::start(bob, [a.clone(), c]),
        Validator::start(charlie, [a, b]),
    );

    let dave = Server {
        name: "dave",
        models: vec![artefact.clone()],
        data: folder.path().join("dave"),
        url: url.clone(),
        bond: "50",
    };
    let dave_runs = dave.start(&["solve"]);
    mature(&alice.chain, 0, &["dave"]).await;

    // Alice is alone with the worker and its user: the answer comes.
    part(&alice, &bob).await;
    part(&alice, &charlie).await;
    alice.has_peers(0).await;
    let alone = alice.height().await;
    let question = ask(url, "ferdie", &model, "w3 w4 w5");
    let (task, wrong) = watch(&alice.chain, alone, "the answer on the small fork", async |_, events| {
        events.iter().find_map(|event| match event {
            Event::Revealed { task, output, .. } => Some((*task, *output)),
            _ => None,
        })
    })
    .await;
    let small = alice.chain.best().await.unwrap();
    let old = small.task(task).await.unwrap().unwrap().submitted_at;
    let old = Inclusion { number: old, hash: alice.chain.hash_at(old).await.unwrap().unwrap() };
    assert!(bob.chain.best().await.unwrap().task(task).await.unwrap().is_none(), "the network did not fall apart");

    // The others' fork is longer, and finality has waited for all three.
    watch(&bob.chain, bob.height().await, "a longer fork", async |_, _| {
        (bob.height().await >= alice.height().await + 2).then_some(())
    })
    .await;
    assert!(alice.chain.finalized().await.unwrap().number() < old.number);
    join(&alice, &bob).await;
    join(&alice, &charlie).await;
    dave_runs.line(&["the task moved to another block"]);
    assert_ne!(alice.chain.hash_at(old.number).await.unwrap(), Some(old.hash), "Alice's fork has won");

    // The worker's second answer is right for the block that counts, it is the only one there, and it is paid.
    let told = answer(question);
    assert_eq!(told["task"].as_str().unwrap(), format!("{task:?}"));
    assert_eq!(check_answer(&alice.chain, &artefact, &told, "w3 w4 w5").await, account("dave"));
    assert_ne!(told["output_cid"].as_str().unwrap(), wrong.to_string(), "another seed, another answer");
    dave_runs.line(&["a job has ended", "paid"]);
    dave_runs.stop();
    let mut counts = [0, 0];
    for number in old.number.saturating_sub(1)..=alice.height().await {
        let hash = alice.chain.hash_at(number).await.unwrap().unwrap();
        for event in alice.chain.at(hash).await.unwrap().events().await.unwrap() {
            match event {
                Event::Committed { task: committed, .. } if committed == task => counts[0] += 1,
                Event::Revealed { task: revealed, .. } if revealed == task => counts[1] += 1,
                _ => {}
            }
        }
    }
    assert_eq!(counts, [1, 1], "one commitment and one reveal");
    let job = Journal::open(&dave.data).unwrap().jobs().get(&task).unwrap().unwrap();
    let number = told["blocks"]["submit"].as_u64().unwrap() as BlockNumber;
    assert_eq!(job.included, Inclusion { number, hash: alice.chain.hash_at(number).await.unwrap().unwrap() });
    assert_eq!(
        (job.phase, job.cid().to_string()),
        (Phase::Ended(Outcome::Paid), told["output_cid"].as_str().unwrap().into())
    );
    for validator in [alice, bob, charlie] {
        validator.running.stop();
    }
}
