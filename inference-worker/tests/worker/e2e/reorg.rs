//! A network falls apart and comes together again: what the smaller part made is undone, and a worker that answered
//! there answers anew where it counts.

use super::*;
use crate::common::network::built;
use assay_worker::journal::{Inclusion, Outcome, Phase};
use std::process::Command;

/// A validator that runs now and then, and its address.
pub struct Validator {
    pub node: Node,
    address: String,
}

/// A validator whose address others can be told before it starts.
pub fn validator(name: &'static str, folder: &Path, spec: &str) -> Validator {
    let key = folder.join(format!("key-{name}")).into_os_string().into_string().unwrap();
    let made = Command::new(built("assay-node")).args(["key", "generate-node-key", "--file", &key]).output().unwrap();
    let flags = [
        &format!("--{name}")[..],
        "--chain",
        spec,
        "--validator",
        "--node-key-file",
        &key,
        // Whom it was not told of finds no place.
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
    Validator { node, address }
}

impl Validator {
    /// Runs it, talking to `others` alone.
    pub fn run(&self, others: &[&Self]) -> Process {
        let mut node = self.node.clone();
        node.arguments.push("--reserved-nodes".into());
        node.arguments.extend(others.iter().map(|other| other.address.clone()));
        node.start()
    }
}

async fn height(chain: &Chain) -> BlockNumber {
    chain.best().await.unwrap().number()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_answers_anew_when_its_fork_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let artefact = crate::common::artefact(folder.path(), 7);
    let mut spec = genesis::hasty(genesis::current("local"));
    genesis::three_validators(&mut spec);
    let model = format!("{:?}", genesis::offer(&mut spec, &artefact));
    let spec = genesis::write(folder.path(), spec);
    let [alice, bob, charlie] = ["alice", "bob", "charlie"].map(|name| validator(name, folder.path(), &spec));
    let url = &alice.node.url();
    let alice_runs = alice.run(&[&bob, &charlie]);
    let (bob_runs, charlie_runs) = (bob.run(&[&alice, &charlie]), charlie.run(&[&alice, &bob]));
    let small = Chain::connect(url, PATIENCE).await.unwrap();

    let dave = Server {
        name: "dave",
        models: vec![artefact.clone()],
        data: folder.path().join("dave"),
        url: url.clone(),
        bond: "50",
    };
    let dave_runs = dave.start(&["solve"]);
    mature(&small, 0, &["dave"]).await;

    // The others come back without Alice, who is alone with the worker and its user: the answer comes.
    bob_runs.stop();
    charlie_runs.stop();
    let (bob_runs, charlie_runs) = (bob.run(&[&charlie]), charlie.run(&[&bob]));
    let alone = height(&small).await;
    let mut notices = rpc::Rpc::connect(url).await.follow(serde_json::json!({ "model": model })).await;
    let question = ask(url, "ferdie", &model, "w3 w4 w5");
    let (task, wrong) = watch(&small, alone, "the answer on the small fork", async |_, events| {
        events.iter().find_map(|event| match event {
            Event::Revealed { task, output, .. } => Some((*task, *output)),
            _ => None,
        })
    })
    .await;
    let old = small.best().await.unwrap().task(task).await.unwrap().unwrap().submitted_at;
    let old = Inclusion { number: old, hash: small.hash_at(old).await.unwrap().unwrap() };
    let large = Chain::connect(&bob.node.url(), PATIENCE).await.unwrap();
    assert!(large.best().await.unwrap().task(task).await.unwrap().is_none(), "the network did not fall apart");

    // Finality has waited for all three. Alice is held up until the others, who come back with her, have the longer
    // fork.
    assert!(small.finalized().await.unwrap().number() < old.number);
    let longer = height(&small).await + 3;
    alice_runs.signal("-STOP");
    bob_runs.stop();
    charlie_runs.stop();
    let (bob_runs, charlie_runs) = (bob.run(&[&alice, &charlie]), charlie.run(&[&alice, &bob]));
    let large = Chain::connect(&bob.node.url(), PATIENCE).await.unwrap();
    watch(&large, 0, "a longer fork", async |at, _| (at.number() >= longer).then_some(())).await;
    alice_runs.signal("-CONT");
    dave_runs.line(&["the task moved to another block"]);
    assert_ne!(small.hash_at(old.number).await.unwrap(), Some(old.hash), "Alice's fork has won");

    // The worker's second answer is right for the block that counts, it is the only one there, and it is paid.
    let told = answer(question);
    assert_eq!(told["task"].as_str().unwrap(), format!("{task:?}"));
    assert_eq!(check_answer(&small, &artefact, &told, "w3 w4 w5").await, account("dave"));
    assert_ne!(told["output_cid"].as_str().unwrap(), wrong.to_string(), "another seed, another answer");
    dave_runs.line(&["a job has ended", "paid"]);
    dave_runs.stop();

    // Whoever follows the task is told that it was undone, the newest change first, and how it went on.
    notices.until(&told["task"], "settled", "final").await;
    let mut undone = Vec::new();
    let standing = notices.standing(&told["task"], |block| undone.push(block["hash"].as_str().unwrap().to_string()));
    assert!(undone.contains(&format!("{:?}", old.hash)), "the block that is gone is not among {undone:?}");
    assert_eq!(standing[0]["change"], "submitted");
    assert_eq!(standing[0]["block"]["number"], told["blocks"]["submit"]);
    assert!(!undone.contains(&standing[0]["block"]["hash"].as_str().unwrap().to_string()));
    let mut counts = [0, 0];
    for number in old.number.saturating_sub(1)..=height(&small).await {
        let hash = small.hash_at(number).await.unwrap().unwrap();
        for event in small.at(hash).await.unwrap().events().await.unwrap() {
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
    assert_eq!(job.included, Inclusion { number, hash: small.hash_at(number).await.unwrap().unwrap() });
    assert_eq!(
        (job.phase, job.cid().to_string()),
        (Phase::Ended(Outcome::Paid), told["output_cid"].as_str().unwrap().into())
    );
    for running in [alice_runs, bob_runs, charlie_runs] {
        running.stop();
    }
}
