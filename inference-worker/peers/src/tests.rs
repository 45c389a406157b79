//! Nodes in one process, on loopback, and peers that do what no honest one does.

use super::*;
use crate::tree::LEAF;
use async_trait::async_trait;
use futures::{io, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::{
    noise,
    request_response::{self, Message, ProtocolSupport},
    swarm::SwarmEvent,
    tcp, yamux, StreamProtocol, SwarmBuilder,
};
use std::path::Path;

/// Longest wait for anything: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|i| (i as u8).wrapping_mul(31).wrapping_add((i >> 16) as u8).wrapping_add(seed)).collect()
}

fn config(folder: &Path, bootstrap: &[Multiaddr]) -> Config {
    Config {
        folder: folder.into(),
        limit: 128 * 1024 * 1024,
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        external: vec![],
        bootstrap: bootstrap.into(),
        limits: Limits::default(),
    }
}

/// A node with a folder of its own.
struct Fixture {
    folder: tempfile::TempDir,
    peers: Peers,
}

impl Fixture {
    async fn with(limits: Limits, bootstrap: &[Multiaddr]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let peers = Peers::start(Config { limits, ..config(folder.path(), bootstrap) }).await.unwrap();
        Self { folder, peers }
    }

    async fn new(bootstrap: &[Multiaddr]) -> Self {
        Self::with(Limits::default(), bootstrap).await
    }

    fn address(&self) -> Multiaddr {
        self.peers.status().borrow().listeners[0].clone()
    }

    async fn connected(&self, count: usize) {
        let mut status = self.peers.status();
        let reached = status.wait_for(|status| status.connected >= count);
        timeout(PATIENCE, reached).await.expect("peers connect").unwrap();
    }

    /// Ends it, and starts it again in the same folder.
    async fn restart(self, bootstrap: &[Multiaddr]) -> Self {
        let Self { folder, peers } = self;
        stop(peers).await;
        let peers = Peers::start(config(folder.path(), bootstrap)).await.unwrap();
        Self { folder, peers }
    }
}

/// Ends a node and waits until it has.
async fn stop(peers: Peers) {
    let mut status = peers.status();
    drop(peers);
    while status.changed().await.is_ok() {}
}

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_payload_goes_from_peer_to_peer_and_whoever_has_it_serves_it() {
    let first = Fixture::new(&[]).await;
    let second = Fixture::new(&[first.address()]).await;
    let payload = bytes(MAX_PAYLOAD as usize, 1);
    let content = first.peers.publish("task", payload.clone()).await.unwrap();
    let fetched = second.peers.fetch("task", content, soon()).await.unwrap();
    assert!(fetched == payload);
    // The one that published it is gone; a third that knows the second alone has it from there.
    drop(first);
    let third = Fixture::new(&[second.address()]).await;
    let fetched = third.peers.fetch("task", content, soon()).await.unwrap();
    assert!(fetched == payload);
    // What was fetched is there without anybody, after a new start too.
    drop(second);
    let third = third.restart(&[]).await;
    assert!(third.peers.fetch("task", content, Instant::now() + PATIENCE).await.unwrap() == payload);
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_know_one_other_find_who_has_a_payload_and_who_serves_a_model() {
    let hub = Fixture::new(&[]).await;
    let service = Service::of(&[1; 32], &[2; 32]);
    let has = Fixture::new(&[hub.address()]).await;
    has.peers.serve(&service).await;
    let payload = bytes(LEAF + 1, 3);
    let content = has.peers.publish("task", payload.clone()).await.unwrap();
    has.connected(1).await;
    let wants = Fixture::new(&[hub.address()]).await;
    wants.connected(1).await;
    assert_eq!(wants.peers.fetch("task", content, soon()).await.unwrap(), payload);
    assert_eq!(wants.peers.servers(&service, soon()).await, [has.peers.id()]);
    assert_eq!(wants.peers.servers(&Service::of(&[1; 32], &[3; 32]), Instant::now()).await, []);
    // A payload that is not held any more is not offered, and is still given until its room is needed.
    has.peers.release("task").await.unwrap();
    assert!(has.peers.store().held().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_is_not_waited_for_longer_than_is_said() {
    let first = Fixture::new(&[]).await;
    let second = Fixture::new(&[first.address()]).await;
    second.connected(1).await;
    let content = Content::of(&bytes(3 * LEAF, 1)).unwrap();
    let error = second.peers.fetch("task", content, Instant::now() + Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(error, FetchError::OutOfTime { missing: 1, blocks: 4, asked: 1 }), "{error:?}");
    let alone = Fixture::new(&[]).await;
    let error = alone.peers.fetch("task", content, Instant::now() + Duration::from_millis(10)).await.unwrap_err();
    assert!(matches!(error, FetchError::OutOfTime { asked: 0, .. }), "{error:?}");
    let long = Content { length: MAX_PAYLOAD + 1, ..content };
    assert!(matches!(alone.peers.fetch("task", long, soon()).await.unwrap_err(), FetchError::TooLong(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_is_a_lie_of_whoever_named_the_payload_is_told_and_blamed_on_no_peer() {
    let first = Fixture::new(&[]).await;
    let second = Fixture::new(&[first.address()]).await;
    for length in [9, LEAF + 9] {
        let content = first.peers.publish("task", bytes(length, 1)).await.unwrap();
        let lie = Content { length: content.length + 1, ..content };
        let error = second.peers.fetch("task", lie, soon()).await.unwrap_err();
        assert!(matches!(error, FetchError::WrongLayout(_)), "{error:?}");
    }
    assert!(second.peers.bans().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_was_broken_off_goes_on_where_it_was() {
    let first = Fixture::new(&[]).await;
    let payload = bytes(6 * LEAF, 1);
    let content = first.peers.publish("task", payload.clone()).await.unwrap();
    let second = Fixture::new(&[]).await;
    // Some of it is there from before.
    let root = first.peers.store().get(&content.root()).unwrap().unwrap();
    let leaves = content.leaves(&root).unwrap();
    second.peers.store().put(&content.root(), &root).unwrap();
    for id in &leaves[..4] {
        second.peers.store().put(id, &first.peers.store().get(id).unwrap().unwrap()).unwrap();
    }
    let folder = second.folder.path().to_owned();
    let second = second.restart(&[first.address()]).await;
    assert_eq!(second.folder.path(), folder);
    assert_eq!(second.peers.store().missing(&content).unwrap().len(), 2);
    assert!(second.peers.fetch("task", content, soon()).await.unwrap() == payload);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_for_too_much_is_told_to_wait_and_others_are_served() {
    let limits = Limits { burst: 4 * LEAF as u64, bytes_per_second: 2 * LEAF as u64, ..Limits::default() };
    let first = Fixture::with(limits, &[]).await;
    let payload = bytes(8 * LEAF, 1);
    let content = first.peers.publish("task", payload.clone()).await.unwrap();
    let greedy = Fixture::new(&[first.address()]).await;
    greedy.connected(1).await;
    let root = first.peers.store().get(&content.root()).unwrap().unwrap();
    let leaves = content.leaves(&root).unwrap();
    let mut replies = Vec::new();
    for id in &leaves {
        replies.push(greedy.peers.ask(first.peers.id(), *id).await.unwrap());
    }
    assert!(matches!(replies[0], wire::Reply::Block(_)));
    assert_eq!(replies.last(), Some(&wire::Reply::Busy));
    let modest = Fixture::new(&[first.address()]).await;
    modest.connected(1).await;
    assert!(matches!(modest.peers.ask(first.peers.id(), leaves[0]).await, Ok(wire::Reply::Block(_))));
    // Whoever waits has it all in the end, and nobody was late.
    assert!(greedy.peers.fetch("task", content, soon()).await.unwrap() == payload);
    assert!(first.peers.bans().await.is_empty() && greedy.peers.bans().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn previews_go_from_peer_to_peer_and_who_asks_what_no_honest_one_does_is_dropped() {
    let first = Fixture::new(&[]).await;
    let second = Fixture::new(&[first.address()]).await;
    second.connected(1).await;
    let (one, two) = (first.peers.id(), second.peers.id());
    assert_eq!(second.peers.preview(one, b"what".to_vec()).await, Some(vec![]), "nobody takes it");
    let mut asked = first.peers.previews().await;
    // It takes them once it answers what was asked of it later.
    assert!(first.peers.bans().await.is_empty());
    let longest = vec![7; preview::MAX_REPLY];
    let (answer, ()) = tokio::join!(second.peers.preview(one, b"what".to_vec()), async {
        let asked = asked.recv().await.unwrap();
        assert_eq!((asked.peer, &asked.request[..]), (two, &b"what"[..]));
        asked.answer(longest.clone());
    });
    assert!(answer == Some(longest));
    // One that is not answered, and one that cannot be sent.
    let (answer, ()) = tokio::join!(second.peers.preview(one, vec![1]), async { drop(asked.recv().await.unwrap()) });
    assert_eq!(answer, None);
    assert_eq!(second.peers.preview(one, vec![0; preview::MAX_REQUEST + 1]).await, None);
    assert!(first.peers.bans().await.is_empty() && second.peers.bans().await.is_empty());
    let (answer, ()) = tokio::join!(second.peers.preview(one, vec![2]), async {
        asked.recv().await.unwrap().accuse("it asked for nonsense".into());
    });
    assert_eq!(answer, None);
    let bans = first.peers.bans().await;
    assert!(bans.len() == 1 && bans[0].0 == two && bans[0].1.reason.contains("nonsense"), "{bans:?}");
}

/// Sends bytes as they are.
#[derive(Clone, Default)]
struct Raw;

#[async_trait]
impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; BlockId::BYTES];
        io.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await?;
        if bytes.len() < BlockId::BYTES {
            // The rest never comes.
            std::future::pending().await
        }
        Ok(())
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }
}

/// A peer that answers whatever it is asked with what `answer` says, or never, and that asks for `asks` itself.
fn hostile(victim: Multiaddr, answer: Option<Vec<u8>>, asks: Vec<Vec<u8>>) -> PeerId {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| {
            request_response::Behaviour::<Raw>::new(
                [(wire::PROTOCOL, ProtocolSupport::Full)],
                request_response::Config::default().with_request_timeout(PATIENCE),
            )
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build();
    let id = *swarm.local_peer_id();
    swarm.dial(victim).unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    for request in &asks {
                        swarm.behaviour_mut().send_request(&peer_id, request.clone());
                    }
                }
                SwarmEvent::Behaviour(request_response::Event::Message {
                    message: Message::Request { channel, .. },
                    ..
                }) => match &answer {
                    Some(answer) => drop(swarm.behaviour_mut().send_response(channel, answer.clone())),
                    None => held.push(channel),
                },
                _ => {}
            }
        }
    });
    id
}

/// A reply with a block of these bytes that claims `length`.
fn reply(length: u32, block: &[u8]) -> Vec<u8> {
    [&[0][..], &length.to_le_bytes(), block].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_lies_is_dropped_and_remembered_with_the_reason() {
    let payload = bytes(2 * LEAF, 1);
    let honest = Fixture::new(&[]).await;
    let content = honest.peers.publish("task", payload.clone()).await.unwrap();
    for (lie, reason) in [
        (reply(5, b"wrong"), "that are not bafybei"),
        (reply(0, b""), "it sent 0 bytes that are not bafybei"),
        (reply(u32::MAX, b""), "claimed a block of 4294967295 bytes"),
        (vec![77], "a reply of kind 77"),
    ] {
        let victim = Fixture::new(&[]).await;
        let liar = hostile(victim.address(), Some(lie), vec![]);
        victim.connected(1).await;
        // Nobody honest is there yet.
        let error = victim.peers.fetch("task", content, Instant::now() + Duration::from_millis(700)).await.unwrap_err();
        assert!(matches!(error, FetchError::OutOfTime { asked: 1, .. }), "{error:?}");
        let mut status = victim.peers.status();
        timeout(PATIENCE, status.wait_for(|status| status.connected == 0)).await.expect("it is dropped").unwrap();
        let bans = victim.peers.bans().await;
        assert_eq!(bans.len(), 1);
        assert!(bans[0].0 == liar && bans[0].1.until.is_none() && bans[0].1.reason.contains(reason), "{bans:?}");
        assert_eq!(victim.peers.ask(liar, content.root()).await, Err(AskError::Banned));
        // It is remembered, and what it lied about comes from others.
        let victim = victim.restart(&[honest.address()]).await;
        assert_eq!(victim.peers.bans().await, bans);
        assert!(victim.peers.fetch("task", content, soon()).await.unwrap() == payload);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_keeps_others_waiting_is_left_alone_for_a_while() {
    let limits = Limits { reply: Duration::from_millis(200), request: Duration::from_millis(100), ..Limits::default() };
    let payload = bytes(LEAF + 1, 1);
    // One that never answers, and one that asks and never says for what.
    let half = vec![1, 0x55, 0x12];
    for (answer, asks) in [(None, vec![]), (Some(vec![1]), vec![half; 3])] {
        let victim = Fixture::with(limits.clone(), &[]).await;
        let honest = Fixture::new(&[victim.address()]).await;
        let content = honest.peers.publish("task", payload.clone()).await.unwrap();
        let slow = hostile(victim.address(), answer, asks);
        victim.connected(2).await;
        let fetches = (0..3).map(|_| victim.peers.fetch("task", content, soon()));
        for fetched in futures::future::join_all(fetches).await {
            assert!(fetched.unwrap() == payload);
        }
        let banned = timeout(PATIENCE, async {
            loop {
                // It may have been asked for less than it takes; what is asked is nothing that anybody has.
                let _ = victim.peers.ask(slow, BlockId::of(tree::Codec::Raw, b"none")).await;
                if let Some(ban) = victim.peers.bans().await.pop() {
                    return ban;
                }
            }
        });
        let (peer, ban) = banned.await.expect("it is banned");
        assert!(peer == slow && ban.until.is_some(), "{ban:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_for_nonsense_is_dropped() {
    let victim = Fixture::new(&[]).await;
    let peer = hostile(victim.address(), None, vec![vec![0xff; BlockId::BYTES]]);
    let banned = timeout(PATIENCE, async {
        let mut status = victim.peers.status();
        status.wait_for(|status| status.connected == 1).await.unwrap();
        status.wait_for(|status| status.connected == 0).await.unwrap();
        victim.peers.bans().await
    });
    let bans = banned.await.expect("it is dropped");
    assert!(bans[0].0 == peer && bans[0].1.reason.contains("no content id"), "{bans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_and_an_address_in_use_are_told() {
    let first = Fixture::new(&[]).await;
    let error = Peers::start(config(first.folder.path(), &[])).await.err().unwrap();
    assert!(error.to_string().contains("in use by another process"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let taken: Multiaddr = first.address().iter().take(2).collect();
    let error = Peers::start(Config { listen: vec![taken], ..config(folder.path(), &[]) }).await.err().unwrap();
    assert!(error.to_string().starts_with("cannot listen for peers on /ip4/127.0.0.1/tcp/"), "{error}");
}

#[test]
fn addresses_are_read_as_people_write_them() {
    assert_eq!(address("127.0.0.1:9617"), address("/ip4/127.0.0.1/tcp/9617"));
    assert_eq!(address("[::1]:1").unwrap().to_string(), "/ip6/::1/tcp/1");
    assert!(address("here").unwrap_err().contains("'here'"));
}
