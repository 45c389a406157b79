//! Liars and honest workers on a real network: every kind of wrong answer falls, an answer that is right stands and its
//! solver ends richer, a dispute in which nobody votes ends with the fee back at the user, workers that are killed after
//! their vote and come back only when ballots are opened still open theirs, a node that goes away under a dispute changes
//! nothing, and every unit is where it belongs.

use crate::common::network::{
    account, call_as, keep_books, pot, register, set_rate, totals, verify_task, watch, Books, Node, Process, Server,
    PATIENCE,
};
use assay_types::{
    inference::{Parameters, TextParameters},
    Balance, BlockNumber, ModelId, TaskId, ASY,
};
use assay_worker::{
    chain::{
        api::runtime,
        types::{Event, Payload, Verdict},
        Call, Chain, Sender, Terms,
    },
    keys::KeySource,
    solver::decide::State,
};
use codec::Encode;
use std::collections::{BTreeMap, BTreeSet};
use subxt::{utils::AccountId32, OnlineClient, SubstrateConfig};

/// The fee of each task.
const FEE: Balance = 2 * ASY;
/// The bond of each worker.
const BOND: &str = "200";
/// The faults of the liar, which take turns.
const FAULTS: [&str; 4] = ["wrong-token", "truncated", "stale-seed", "other-model"];

/// Asks something, and returns the task.
async fn ask(sender: &Sender, model: ModelId, text: &str) -> TaskId {
    let parameters = Parameters::Text(TextParameters { max_tokens: 8, ..TextParameters::default() }).encode();
    let input = Payload::Inline(text.as_bytes().to_vec());
    let call = Call::Submit { model, parameters, input, fee: FEE, deadline: None };
    let (_, _, events) = sender.send(call, Terms::default()).await.unwrap().success().await.unwrap();
    events
        .iter()
        .find_map(|event| match event {
            Event::Submitted { task, .. } => Some(*task),
            _ => None,
        })
        .unwrap()
}

/// Waits until a solution of `solver` stands for each of `tasks`.
async fn revealed(chain: &Chain, from: BlockNumber, tasks: &[TaskId], solver: AccountId32) {
    let mut waiting: BTreeSet<_> = tasks.iter().copied().collect();
    watch(chain, from, "the solutions", async |_, events| {
        for event in events {
            if let Event::Revealed { task, solver: revealing, .. } = event {
                assert_eq!(*revealing, solver, "nobody else solves here");
                waiting.remove(task);
            }
        }
        waiting.is_empty().then_some(())
    })
    .await;
}

/// Waits until every one of `tasks` is contested, by one of `contesters`, and returns who contests what.
async fn contested(
    chain: &Chain,
    from: BlockNumber,
    tasks: &[TaskId],
    contesters: &[AccountId32],
) -> BTreeMap<TaskId, AccountId32> {
    let mut found = BTreeMap::new();
    watch(chain, from, "the contests", async |_, events| {
        for event in events {
            if let Event::Contested { task, contester, .. } = event {
                assert!(tasks.contains(task) && contesters.contains(contester), "{task:?} by {contester}");
                found.insert(*task, *contester);
            }
        }
        (found.len() == tasks.len()).then_some(())
    })
    .await;
    found
}

/// Waits until `voters` have a sealed ballot each for the tasks that they are to vote on.
async fn voted(chain: &Chain, from: BlockNumber, voters: &BTreeMap<TaskId, AccountId32>) {
    watch(chain, from, "the votes", async |at, _| {
        for (task, voter) in voters {
            at.ballot(*task, *voter).await.unwrap()?;
        }
        Some(())
    })
    .await;
}

/// Who opened what, in which block and after which last block of the votes.
async fn openings(url: &str, chain: &Chain, from: BlockNumber, to: BlockNumber) -> BTreeSet<(TaskId, [u8; 32])> {
    let client = OnlineClient::<SubstrateConfig>::from_insecure_url(url).await.unwrap();
    let mut opened = BTreeSet::new();
    for number in from..=to {
        let hash = chain.hash_at(number).await.unwrap().unwrap();
        let events = client.at_block(hash).await.unwrap().events().fetch().await.unwrap();
        for event in events.find::<runtime::contestation::events::Opened>() {
            let event = event.unwrap();
            opened.insert((event.task, event.who.0));
        }
    }
    opened
}

fn changes(books: &Books, who: AccountId32) -> i128 {
    books.changes.get(&who.0).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn disputes_end_as_they_should_to_the_last_unit() {
    let folder = tempfile::tempdir().unwrap();
    let artefacts = [7, 8].map(|seed| crate::common::artefact(folder.path(), seed));
    let node = Node::new("node", folder.path(), &["--dev"]);
    let running = node.start();
    let url = node.url();
    let chain = Chain::connect(&url, PATIENCE).await.unwrap();
    let [crowded, lonely] = [0, 1].map(|index| register(&url, &artefacts[index], "0.5"));
    set_rate(&url, crowded).await;

    let server = |name, models: usize| Server {
        name,
        models: artefacts[..models].to_vec(),
        data: folder.path().join(name),
        url: url.clone(),
        bond: BOND,
    };
    // Bob and the liar serve both models, dave only one of them.
    let (bob, dave, liar) = (server("bob", 2), server("dave", 1), server("eve", 2));
    let [bob_key, dave_key, liar_key] = ["bob", "dave", "eve"].map(account);
    let (user, recipient) = (account("ferdie"), account("charlie"));
    let treasury = pot(b"assay/tr");
    let watched = [user, recipient, bob_key, dave_key, liar_key, treasury, pot(b"assay/lq"), pot(b"assay/va")];
    let opening = chain.best().await.unwrap();
    let before = totals(&opening, &watched).await;

    let faults = FAULTS.join(",").replace("other-model", &format!("other-model={}", artefacts[1].display()));
    let bob_runs = bob.start(&["verify-loop"]);
    let dave_runs = dave.start(&["verify-loop"]);
    let liar_runs = liar.start_faulty(&faults, &["solve", "--verify", "none"]);
    watch(&chain, opening.number(), "three mature bonds", async |at, _| {
        for who in [bob_key, dave_key, liar_key] {
            let bond = at.bond(who).await.unwrap()?;
            (bond.mature(at.number()) >= 200 * ASY).then_some(())?;
        }
        Some(())
    })
    .await;

    // Every kind of lie is contested by one of the two who compute it again; the other votes.
    let sender = Sender::spawn(chain.clone(), KeySource::Dev("ferdie".into()).load().unwrap());
    let from = chain.best().await.unwrap().number();
    let mut lies = Vec::new();
    for fault in FAULTS {
        lies.push(ask(&sender, crowded, &format!("w3 w4 {}", &fault[..1])).await);
    }
    revealed(&chain, from, &lies, liar_key).await;
    let contesters = contested(&chain, from, &lies, &[bob_key, dave_key]).await;
    let other = |who: &AccountId32| if *who == bob_key { dave_key } else { bob_key };
    let voters: BTreeMap<_, _> = contesters.iter().map(|(task, contester)| (*task, other(contester))).collect();
    voted(&chain, from, &voters).await;

    // All three are killed between vote and opening, come back when the first opening has begun, and open after that.
    // The liar lies as a verifier from now on.
    let killed = chain.best().await.unwrap();
    let mut first_votes_until = BlockNumber::MAX;
    for task in &lies {
        let dispute = killed.dispute(*task).await.unwrap().unwrap();
        assert!(killed.number() <= dispute.votes_until, "the kill comes after the votes and before the opening");
        first_votes_until = first_votes_until.min(dispute.votes_until);
    }
    let races = [&bob_runs, &dave_runs].map(|process| process.said("a step failed"));
    assert_eq!(races, [false; 2], "whoever was second with a contest was overtaken, and has not failed");
    [bob_runs, dave_runs, liar_runs].into_iter().for_each(Process::kill);
    watch(&chain, killed.number(), "the first opening", async |at, _| (at.number() > first_votes_until).then_some(()))
        .await;
    let bob_runs = bob.start(&["solve", "--verify", "all"]);
    let dave_runs = dave.start(&["verify-loop"]);
    let liar_runs = liar.start_faulty("wrong-token", &["verify-loop", "--verify", "all"]);
    bob_runs.line(&["taking up a ballot"]);
    dave_runs.line(&["taking up a ballot"]);

    // Answers that are right are contested by the liar: one before a voter, one before nobody.
    let right = ask(&sender, crowded, "w5 w6").await;
    let unseen = ask(&sender, lonely, "w5 w6").await;
    revealed(&chain, killed.number(), &[right, unseen], bob_key).await;
    contested(&chain, killed.number(), &[right, unseen], &[liar_key]).await;

    // The node goes away while ballots are taken, and comes back. No block is made meanwhile, so nobody is late.
    running.kill();
    for process in [&bob_runs, &dave_runs, &liar_runs] {
        process.line(&["the node is away"]);
    }
    let running = node.start();
    for process in [&bob_runs, &dave_runs, &liar_runs] {
        process.line(&["the node answers again"]);
    }

    let all: Vec<_> = lies.iter().copied().chain([right, unseen]).collect();
    let closed = watch(&chain, killed.number(), "the end of every dispute", async |at, _| {
        for task in &all {
            let ended = at.task(*task).await.unwrap().unwrap().state.has_ended();
            (ended && at.dispute(*task).await.unwrap().is_none()).then_some(())?;
        }
        Some(at.number())
    })
    .await;

    let opened = openings(&url, &chain, killed.number(), closed).await;
    for task in &lies {
        for who in [bob_key, dave_key, liar_key] {
            assert!(opened.contains(&(*task, who.0)), "{who} was killed and did not open {task:?}");
        }
    }
    let closing = chain.at(chain.hash_at(closed).await.unwrap().unwrap()).await.unwrap();
    for task in &all {
        let state = if *task == right { State::Settled } else { State::Refunded };
        assert_eq!(closing.task(*task).await.unwrap().unwrap().state, state, "{task:?}");
    }

    // Whoever has the models finds out the same afterwards, whatever the disputes have come to.
    let models = [&*artefacts[0], &*artefacts[1]];
    let verify = |task: TaskId, arguments: &[&str]| verify_task(&url, &format!("{task:?}"), &models, arguments);
    for task in &lies {
        let line = crate::common::failure(&verify(*task, &[]), 13);
        assert!(line.contains("the answer is wrong"), "{line}");
    }
    for (task, status) in [(right, "settled"), (unseen, "refunded")] {
        let verified = verify(task, &["--json"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        let report: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!((report["correct"].as_bool(), report["status"].as_str()), (Some(true), Some(status)), "{report}");
    }

    [bob_runs, dave_runs, liar_runs].into_iter().for_each(Process::stop);
    let closing = chain.best().await.unwrap();
    let books = keep_books(&url, &chain, opening.number() + 1, closing.number(), recipient).await;
    assert_eq!(books.settled, [right], "what fell was not paid, and nothing was minted for it");
    assert_eq!(books.refunded.len(), lies.len() + 1);
    for task in &lies {
        assert_eq!(books.verdicts[task], Verdict::Falls);
    }
    assert_eq!((books.verdicts[&right], books.verdicts[&unseen]), (Verdict::Stands, Verdict::Inconclusive));

    // Every account has what the events say, to the last unit, and nothing is left in the escrow.
    let after = totals(&closing, &watched).await;
    for ((who, before), after) in watched.iter().zip(before).zip(after) {
        assert_eq!(after as i128 - before as i128, changes(&books, *who), "{who}");
    }
    assert_eq!(totals(&closing, &[pot(b"assay/bo")]).await, [0]);
    let (winner, reward) = books.party_rewards[&right];
    assert!(winner == bob_key && reward >= 2 * FEE, "the honest solver was contested and is paid for it: {reward}");
    assert!(changes(&books, bob_key) > 0 && changes(&books, dave_key) > 0, "finding lies out pays");
    // Every solution's stake is four times the fee at least, and so is that of the contest that came to nothing.
    let least = (4 * FEE * (lies.len() as Balance + 1)) as i128;
    assert!(changes(&books, liar_key) < -least, "the liar has lost its stakes: {}", changes(&books, liar_key));
    assert!(changes(&books, treasury) > 0, "the treasury has what nobody has earned");

    // What the chain has forgotten is in the state of an older block.
    call_as("ferdie", &url, &runtime::tx().tasks().forget(right)).await;
    assert!(crate::common::failure(&verify(right, &[]), 12).contains("--block"));
    let found = verify(right, &["--block", &closed.to_string()]);
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    running.stop();
}
