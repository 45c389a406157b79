//! What may be asked and by whom, what is taken and what is not, and a preview over real peers: one that holds, and one of
//! a solver that lies.

use super::{
    follow::View,
    wire::{after, Between, Chunk, End, Part, Refusal, Reply, Request, Useless, LIFETIME},
    *,
};
use crate::{
    chain::{types, ChainError},
    journal::Inclusion,
    metrics::Metrics,
    payloads,
    solver::decide::State,
    work::runner::Drawn,
};
use assay_peers::{Config, Limits, Multiaddr, PeerId, Peers};
use assay_types::{
    inference::{Finish, Output, TextOutput},
    Cid, Hash, ModelId,
};
use codec::{DecodeAll, Encode};
use futures::future::BoxFuture;
use proptest::prelude::*;
use std::{path::Path, sync::Arc, time::Duration};
use subxt_signer::sr25519::{dev, Keypair};

pub(super) const GENESIS: Hash = Hash::repeat_byte(1);
pub(super) const TASK: TaskId = Hash::repeat_byte(2);
pub(super) const INCLUDED: Inclusion = Inclusion { number: 90, hash: Hash::repeat_byte(3) };
const MODEL: ModelId = Hash::repeat_byte(4);
const HEIGHT: BlockNumber = 100;
/// So long that no test has two looks at a run but those that it means to have.
const PERIOD: Duration = Duration::from_secs(3_600);

fn owner() -> Keypair {
    dev::alice()
}

fn solver() -> Keypair {
    dev::bob()
}

fn address(key: &Keypair) -> AccountId32 {
    crate::keys::address(key)
}

pub(super) fn task() -> types::Task {
    types::Task {
        id: TASK,
        state: State::Open,
        submitter: address(&owner()),
        model: MODEL,
        fee: 1,
        model_fee: 0,
        reward: 0,
        submitted_at: INCLUDED.number,
        deadline: 200,
        reveal_grace: 3,
        contest_window: 8,
        solver: None,
    }
}

pub(super) fn end() -> End {
    End { output: payloads::cid(&answer()), commitment: Hash::repeat_byte(5) }
}

/// The answer of these tests.
fn answer() -> Vec<u8> {
    let tokens = (0..20).collect();
    Output::Text(TextOutput { text: "to be or not to be".into(), tokens, finish: Finish::MaxTokens }).encode()
}

/// A board of some solver's peer.
pub(super) fn board() -> Board {
    let board = Board::new(PeerId::random(), GENESIS, solver(), Metrics::new(), PERIOD);
    board.at(HEIGHT);
    board
}

/// The whole answer of these tests, as a run draws it.
fn draw_all(watch: &mut crate::work::runner::Watch) {
    let tokens: Vec<u32> = (0..20).collect();
    watch(&Drawn { tokens: &tokens, text: &|| "to be or not to be".into(), is_whole: true });
}

#[tokio::test]
async fn who_may_not_read_a_preview_is_refused_and_who_forges_is_dropped() {
    let (peer, asker) = (PeerId::random(), PeerId::random());
    let board = Board::new(peer, GENESIS, solver(), Metrics::new(), PERIOD);
    board.at(HEIGHT);
    draw_all(&mut board.begin(&task(), INCLUDED));
    board.end(&TASK, INCLUDED, end());
    let right = Between { genesis: &GENESIS, asker: &asker, solver: &peer };
    let request = Request::sign;
    let (other, zero) = (PeerId::random(), Hash::zero());
    let good = request(&owner(), right, TASK, HEIGHT);
    let refused = [
        (request(&owner(), right, Hash::zero(), HEIGHT), Refusal::Unknown),
        (request(&dev::eve(), right, TASK, HEIGHT), Refusal::NotOwner),
        (request(&owner(), right, TASK, HEIGHT - 1), Refusal::Expired),
        (request(&owner(), right, TASK, HEIGHT + LIFETIME + 1), Refusal::Expired),
        (Request { from: 2, ..good.clone() }, Refusal::Unknown),
    ];
    for (request, refusal) in refused {
        assert_eq!(board.answer(&asker, &request.encode()).await, Ok(Reply::Refused(refusal)), "{request:?}");
    }
    // Signed by another, or taken from another chain, solver, asker, task or time.
    let forged = [
        Request { owner: address(&owner()), ..request(&dev::eve(), right, TASK, HEIGHT) },
        request(&owner(), Between { genesis: &zero, ..right }, TASK, HEIGHT),
        request(&owner(), Between { solver: &other, ..right }, TASK, HEIGHT),
        request(&owner(), Between { asker: &other, ..right }, TASK, HEIGHT),
        Request { task: TASK, ..request(&owner(), right, Hash::zero(), HEIGHT) },
        Request { until: HEIGHT + 1, ..good.clone() },
    ];
    for request in forged {
        assert!(board.answer(&asker, &request.encode()).await.is_err(), "{request:?}");
    }
    assert!(board.answer(&asker, b"nonsense").await.is_err());
    assert!(board.answer(&other, &good.encode()).await.is_err(), "what was overheard is worth nothing");
    // The owner has it, from any chunk on, from two peers and no more.
    let Ok(Reply::Part(part)) = board.answer(&asker, &good.encode()).await else { panic!("refused") };
    assert_eq!((part.chunks.len(), part.solver, part.included), (1, address(&solver()), INCLUDED));
    let sign = |asker: &PeerId| request(&owner(), Between { asker, ..right }, TASK, HEIGHT + LIFETIME).encode();
    assert!(matches!(board.answer(&other, &sign(&other)).await, Ok(Reply::Part(_))));
    let third = PeerId::random();
    assert_eq!(board.answer(&third, &sign(&third)).await, Ok(Reply::Refused(Refusal::TooMany)));
    board.forget(&TASK);
    assert_eq!(board.answer(&asker, &good.encode()).await, Ok(Reply::Refused(Refusal::Unknown)));
}

#[tokio::test]
async fn who_has_everything_waits_for_more() {
    let (peer, asker) = (PeerId::random(), PeerId::random());
    let board = Board::new(peer, GENESIS, solver(), Metrics::new(), PERIOD);
    let mut watch = board.begin(&task(), INCLUDED);
    let between = Between { genesis: &GENESIS, asker: &asker, solver: &peer };
    let request = Request::sign(&owner(), between, TASK, 10);
    let ask = |from| {
        let (board, request) = (board.clone(), Request { from, ..request.clone() }.encode());
        async move {
            match board.answer(&asker, &request).await.unwrap() {
                Reply::Part(part) => Some((part.chunks.len(), part.end)),
                Reply::Refused(_) => None,
            }
        }
    };
    let (got, ()) = tokio::join!(ask(0), async {
        draw_all(&mut watch);
        // One that is of another run ends nothing.
        board.end(&TASK, Inclusion { number: 91, ..INCLUDED }, end());
        // Whoever waits sees nothing of what is held back.
        tokio::task::yield_now().await;
        board.end(&TASK, INCLUDED, end());
    });
    assert_eq!(got, Some((1, Some(end()))));
    assert_eq!(ask(1).await, Some((0, Some(end()))));
    let mut anew = board.begin(&task(), INCLUDED);
    let (got, ()) = tokio::join!(ask(0), async { board.forget(&TASK) });
    assert_eq!(got, None);
    draw_all(&mut anew);
}

/// Two parts of a preview as its solver gives them, and the whole.
fn parts() -> ([Part; 2], Seen) {
    let chunk = |tokens: std::ops::Range<u32>, text: &str| Chunk { tokens: tokens.collect(), text: text.into() };
    let chunks = [chunk(0..5, "to be"), chunk(5..9, " or not"), chunk(9..20, " to be")];
    let subject = wire::Subject { genesis: &GENESIS, task: &TASK, solver: &address(&solver()), included: &INCLUDED };
    let heads: Vec<_> = chunks
        .iter()
        .scan(subject.head(), |head, chunk| {
            *head = after(head, chunk);
            Some(*head)
        })
        .collect();
    let part = |chunks: &[Chunk], head: &Hash, end: Option<End>| Part {
        solver: address(&solver()),
        included: INCLUDED,
        chunks: chunks.to_vec(),
        signature: solver().sign(&wire::signed(head, end.as_ref()).0).0,
        end,
    };
    let parts = [part(&chunks[..2], &heads[1], None), part(&chunks[2..], &heads[2], Some(end()))];
    let mut seen = Seen::of(&GENESIS, TASK, &parts[0]);
    for part in parts.clone() {
        seen.take(part).unwrap();
    }
    (parts, seen)
}

#[test]
fn what_the_solver_has_not_signed_is_not_taken() {
    let ([first, second], whole) = parts();
    assert_eq!(whole.text(), "to be or not to be");
    assert!(whole.is_genuine(&GENESIS));
    let spoilt = |change: &dyn Fn(&mut Part)| {
        let mut part = second.clone();
        change(&mut part);
        part
    };
    let many = vec![first.chunks[0].clone(); 20_000];
    let forged = [
        spoilt(&|part| part.chunks[0].tokens[3] ^= 1),
        spoilt(&|part| part.chunks[0].text.push('!')),
        spoilt(&|part| part.chunks.clear()),
        spoilt(&|part| part.chunks.insert(0, first.chunks[1].clone())),
        spoilt(&|part| part.chunks.push(Chunk::default())),
        spoilt(&|part| part.chunks.push(Chunk { tokens: vec![0; 257], text: String::new() })),
        spoilt(&|part| part.chunks.clone_from(&many)),
        spoilt(&|part| part.end = None),
        spoilt(&|part| part.end = Some(End { output: Cid::of(b"another"), ..end() })),
        spoilt(&|part| part.signature[9] ^= 1),
        // A part that came before, and one that is left out.
        first.clone(),
    ];
    let mut seen = Seen::of(&GENESIS, TASK, &first);
    assert!(matches!(seen.take(second.clone()), Err(Useless::Forged(_))), "there was another before");
    seen.take(first.clone()).unwrap();
    let before = seen.clone();
    for part in forged {
        assert!(matches!(seen.take(part.clone()), Err(Useless::Forged(_))), "{part:?}");
        assert!(seen == before);
    }
    let most = vec![Chunk { tokens: vec![1], text: String::new() }; wire::MOST_CHUNKS];
    let mut full = Seen { chunks: most, ..seen.clone() };
    assert_eq!(full.take(second.clone()), Err(Useless::Forged("a preview has too many chunks")));
    let other = spoilt(&|part| part.included.number += 1);
    assert_eq!(seen.take(other), Err(Useless::OtherRun));
    assert_eq!(seen.take(second.clone()).as_deref(), Ok(" to be"));
    assert!(matches!(seen.take(second), Err(Useless::Forged(_))), "it goes on after its end");
    // Another chain, task, block or solver: the same chunks are not theirs.
    assert!(!whole.is_genuine(&Hash::zero()));
    for forged in [
        Seen { task: Hash::zero(), ..whole.clone() },
        Seen { included: Inclusion { number: 91, ..INCLUDED }, ..whole.clone() },
        Seen { solver: address(&dev::eve()), ..whole.clone() },
        Seen { end: None, ..whole.clone() },
    ] {
        assert!(!forged.is_genuine(&GENESIS));
    }
    let kept = Seen::decode_all(&mut &whole.encode()[..]).unwrap();
    assert!(kept == whole && kept.is_genuine(&GENESIS));
}

proptest! {
    #[test]
    fn no_byte_of_a_part_can_be_changed(place in any::<proptest::sample::Index>(), change in 1u8..) {
        let ([first, _], _) = parts();
        let mut bytes = first.encode();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        if let Ok(part) = Part::decode_all(&mut &bytes[..]) {
            let mut seen = Seen::of(&GENESIS, TASK, &first);
            prop_assert!(seen.take(part).is_err());
        }
    }

    #[test]
    fn reading_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = Request::decode_all(&mut &bytes[..]);
        let _ = Reply::decode_all(&mut &bytes[..]);
    }
}

#[test]
fn a_preview_is_the_beginning_of_its_answer_or_it_differs() {
    let (_, whole) = parts();
    let begun = Seen { chunks: whole.chunks[..1].to_vec(), end: None, ..whole.clone() };
    let revealed = |text: &str, tokens: std::ops::Range<u32>, finish| {
        Output::Text(TextOutput { text: text.into(), tokens: tokens.collect(), finish }).encode()
    };
    let all = "to be or not to be";
    let judge = |seen: &Seen, output: &[u8]| seen.judge(INCLUDED, output);
    assert_eq!(judge(&whole, &answer()), Judgement::Holds);
    assert_eq!(judge(&begun, &answer()), Judgement::Holds);
    let differs = Judgement::Differs;
    assert_eq!(judge(&whole, &revealed(all, 0..19, Finish::MaxTokens)), differs(Difference::Tokens));
    assert_eq!(judge(&begun, &revealed(all, 1..20, Finish::MaxTokens)), differs(Difference::Tokens));
    assert_eq!(judge(&begun, &revealed("to do", 0..20, Finish::MaxTokens)), differs(Difference::Text));
    assert_eq!(judge(&whole, &revealed(all, 0..20, Finish::Stop)), differs(Difference::Output));
    assert_eq!(judge(&begun, &revealed(all, 0..20, Finish::Stop)), Judgement::Holds);
    assert_eq!(judge(&begun, b"nonsense"), differs(Difference::Output));
    // In another block the task has another seed, and its answer is another.
    let moved = Inclusion { number: 91, ..INCLUDED };
    assert_eq!(whole.judge(moved, &revealed("no", 0..1, Finish::Stop)), Judgement::Void);
}

/// A chain with one solver.
struct OneSolver;

impl View for OneSolver {
    fn height(&self) -> BoxFuture<'_, Result<BlockNumber, ChainError>> {
        Box::pin(async { Ok(HEIGHT) })
    }

    fn may_solve(&self, model: ModelId, account: AccountId32) -> BoxFuture<'_, Result<bool, ChainError>> {
        Box::pin(async move { Ok(model == MODEL && account == address(&solver())) })
    }
}

async fn peers(folder: &Path, bootstrap: &[Multiaddr]) -> Peers {
    let config = Config {
        folder: folder.into(),
        limit: 1024 * 1024,
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        external: vec![],
        bootstrap: bootstrap.into(),
        limits: Limits::default(),
    };
    Peers::start(config).await.unwrap()
}

/// Reads a preview to its end.
async fn read(preview: &mut Preview) -> String {
    let reading = async {
        let mut text = String::new();
        while let Some(more) = preview.next().await {
            text.push_str(&more);
        }
        text
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("the preview comes")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_reads_what_the_solver_draws_and_sees_whether_it_was_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let serving = peers(&folder.path().join("solver"), &[]).await;
    let hub = serving.status().borrow().listeners.clone();
    serving.serve(&payloads::service(&GENESIS, &MODEL)).await;
    let metrics = Metrics::new();
    let board = Board::start(&serving, GENESIS, solver(), metrics.clone()).await;
    board.at(HEIGHT);
    // Somebody who says that it serves the model, and is no solver of it.
    let posing = peers(&folder.path().join("posing"), &hub).await;
    posing.serve(&payloads::service(&GENESIS, &MODEL)).await;
    let posed = Board::start(&posing, GENESIS, dev::eve(), Metrics::new()).await;
    posed.at(HEIGHT);
    draw_all(&mut posed.begin(&task(), INCLUDED));

    let asking = peers(&folder.path().join("owner"), &hub).await;
    let previews = Previews::with(asking.clone(), GENESIS, owner(), Arc::new(OneSolver));
    let mut preview = previews.follow(TASK, MODEL, INCLUDED);
    let mut watch = board.begin(&task(), INCLUDED);
    let (text, ()) = tokio::join!(read(&mut preview), async {
        draw_all(&mut watch);
        board.end(&TASK, INCLUDED, end());
    });
    assert_eq!(text, "to be or not to be");
    let seen = preview.seen().unwrap();
    assert!(seen.is_genuine(&GENESIS) && seen.solver == address(&solver()) && seen.end == Some(end()));
    assert_eq!(seen.judge(INCLUDED, &answer()), Judgement::Holds);
    assert!(metrics.text().unwrap().contains("assay_previews_total{kind=\"served\"} 1"));

    // One that streams another answer than it reveals is shown to have done so by what it signed.
    let mut watch = board.begin(&task(), INCLUDED);
    watch(&Drawn { tokens: &[0, 1, 9], text: &|| "to bet".into(), is_whole: true });
    board.end(&TASK, INCLUDED, end());
    let mut preview = previews.follow(TASK, MODEL, INCLUDED);
    assert_eq!(read(&mut preview).await, "to bet");
    let seen = preview.seen().unwrap();
    assert!(seen.is_genuine(&GENESIS));
    assert_eq!(seen.judge(INCLUDED, &answer()), Judgement::Differs(Difference::Tokens));

    // What is nobody else's business is not given to another account.
    let stranger = Previews::with(asking.clone(), GENESIS, dev::ferdie(), Arc::new(OneSolver));
    let mut preview = stranger.follow(TASK, MODEL, INCLUDED);
    tokio::time::timeout(Duration::from_secs(2), preview.next()).await.expect_err("nothing comes");
    assert_eq!(preview.seen(), None);
    assert!(serving.bans().await.is_empty() && asking.bans().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_forges_a_preview_is_dropped_and_the_solver_is_read_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let serving = peers(&folder.path().join("solver"), &[]).await;
    let hub = serving.status().borrow().listeners.clone();
    serving.serve(&payloads::service(&GENESIS, &MODEL)).await;
    let board = Board::start(&serving, GENESIS, solver(), Metrics::new()).await;
    board.at(HEIGHT);
    // It says that it is the solver, which it cannot sign.
    let forging = peers(&folder.path().join("forging"), &hub).await;
    forging.serve(&payloads::service(&GENESIS, &MODEL)).await;
    let mut incoming = forging.previews().await;
    tokio::spawn(async move {
        let ([first, _], _) = parts();
        let forged = Part { signature: [7; 64], ..first };
        while let Some(asked) = incoming.recv().await {
            asked.answer(Reply::Part(forged.clone().into()).encode());
        }
    });

    let asking = peers(&folder.path().join("owner"), &hub).await;
    let mut preview =
        Previews::with(asking.clone(), GENESIS, owner(), Arc::new(OneSolver)).follow(TASK, MODEL, INCLUDED);
    let banned = async {
        loop {
            let bans = asking.bans().await;
            if !bans.is_empty() {
                break bans;
            }
            // Nothing tells when a peer is banned.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let bans = tokio::time::timeout(Duration::from_secs(60), banned).await.expect("who forges is banned");
    assert_eq!(bans.iter().map(|(peer, _)| *peer).collect::<Vec<_>>(), [forging.id()]);
    assert_eq!(preview.seen(), None);
    draw_all(&mut board.begin(&task(), INCLUDED));
    board.end(&TASK, INCLUDED, end());
    assert_eq!(read(&mut preview).await, "to be or not to be");
    assert_eq!(asking.bans().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_begun_anew_ends_its_preview_and_bans_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let serving = peers(&folder.path().join("solver"), &[]).await;
    let hub = serving.status().borrow().listeners.clone();
    serving.serve(&payloads::service(&GENESIS, &MODEL)).await;
    let mut incoming = serving.previews().await;
    tokio::spawn(async move {
        let ([first, second], _) = parts();
        // What comes after the first part goes on from another.
        let anew = Part { signature: [7; 64], ..second };
        while let Some(asked) = incoming.recv().await {
            let from = Request::decode_all(&mut &asked.request[..]).unwrap().from;
            let part = if from == 0 { first.clone() } else { anew.clone() };
            asked.answer(Reply::Part(part.into()).encode());
        }
    });
    let asking = peers(&folder.path().join("owner"), &hub).await;
    let mut preview =
        Previews::with(asking.clone(), GENESIS, owner(), Arc::new(OneSolver)).follow(TASK, MODEL, INCLUDED);
    assert_eq!(read(&mut preview).await, "to be or not");
    assert!(preview.seen().unwrap().is_genuine(&GENESIS));
    assert!(asking.bans().await.is_empty());
}
