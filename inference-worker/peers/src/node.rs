//! The node: who is talked to, how much, and what is asked of and given to them.
//!
//! One task owns the swarm; [`Peers`](crate::Peers) speaks to it. Every bound of what strangers can cost is here: how many
//! connect, how many blocks they may ask for at once and how many bytes they are given, how long they may take.

use crate::{
    bans::{now, Ban, Bans, Fault},
    preview::{self, Asked, Frame, Given},
    store::{Store, StoreError},
    tree::{BlockId, MAX_BLOCK},
    wire::{self, Reply, Request},
};
use futures::StreamExt;
use libp2p::{
    allow_block_list::{self, BlockedPeers},
    connection_limits::{self, ConnectionLimits},
    core::ConnectedPoint,
    identify,
    identity::Keypair,
    kad::{self, store::MemoryStore, store::RecordStore, QueryId},
    multiaddr::Protocol,
    noise,
    request_response::{self, InboundFailure, Message, OutboundFailure, OutboundRequestId, ProtocolSupport},
    swarm::{dial_opts::DialOpts, DialError, NetworkBehaviour, SwarmEvent},
    tcp, yamux, Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder,
};
use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{interval, sleep_until, Instant},
};

/// The name of the network's Kademlia.
const KADEMLIA: StreamProtocol = StreamProtocol::new("/assay/kad/1");
/// What identify calls the protocol.
const IDENTIFY: &str = "/assay/1";
/// Seconds for which others remember who has a payload or serves a model, and after which it is said again.
const PROVIDER_TTL: Duration = Duration::from_secs(60 * 60);
const PROVIDER_INTERVAL: Duration = Duration::from_secs(20 * 60);
/// How long a query of Kademlia may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection without a stream is kept.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// Pause between attempts to reach the peers that the operator names, and between looks at what has run out.
const TICK: Duration = Duration::from_secs(5);
/// What is provided is announced again soon after the first new peer, and not more often than this.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(300);
const ANNOUNCE_PAUSE: Duration = Duration::from_secs(5);
/// After this long without another, that a peer was late is forgotten.
const FORGIVEN: Duration = Duration::from_secs(10 * 60);
/// Addresses of one peer that are remembered.
const MAX_ADDRESSES: usize = 8;
/// Peers whose budgets and strikes are remembered.
const MAX_REMEMBERED: usize = 1_024;

/// What strangers may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at most.
    pub connections: u32,
    /// Blocks that are asked for or given over one connection at the same time.
    pub streams: usize,
    /// Blocks that are read from the disk for others at the same time.
    pub serving: usize,
    /// How long a peer may take to say what it wants.
    pub request: Duration,
    /// How long a block may take to come, or to be taken.
    pub reply: Duration,
    /// How often a peer may be late before it is left alone for a while.
    pub strikes: u32,
    /// Bytes that one peer is given in a second, in the long run.
    pub bytes_per_second: u64,
    /// Bytes that one peer is given at once.
    pub burst: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            streams: 16,
            serving: 32,
            request: Duration::from_secs(5),
            reply: Duration::from_secs(20),
            strikes: 3,
            bytes_per_second: 8 * 1024 * 1024,
            burst: 64 * 1024 * 1024,
        }
    }
}

/// What the node is told.
pub(crate) enum Command {
    /// Say that this node has something, or serves it.
    Provide(kad::RecordKey),
    /// Do not say so any more.
    Withdraw(kad::RecordKey),
    /// Who has it, or serves it? Each is connected to, and told as it is found.
    Lookup { key: kad::RecordKey, found: mpsc::UnboundedSender<PeerId> },
    /// Ask a peer something.
    Ask { peer: PeerId, question: Question },
    /// Give what peers ask to be previewed to whoever listens there.
    Previews(mpsc::Sender<Asked>),
    /// Do not talk to a peer any more.
    Ban { peer: PeerId, fault: Fault },
    /// Who is connected?
    Connected(oneshot::Sender<Vec<PeerId>>),
    /// Who is banned?
    Bans(oneshot::Sender<Vec<(PeerId, Ban)>>),
}

/// What is asked of a peer, and where its answer goes.
pub(crate) enum Question {
    /// A block.
    Block(BlockId, Answer),
    /// A preview.
    Preview(Vec<u8>, PreviewAnswer),
}

impl Question {
    /// Says that there is no answer. Whoever asked may have stopped waiting.
    fn fail(self, error: AskError) {
        match self {
            Self::Block(_, answer) => drop(answer.send(Err(error))),
            Self::Preview(_, answer) => drop(answer.send(None)),
        }
    }
}

/// Why a peer gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskError {
    /// It cannot be reached, or the connection broke.
    Gone,
    /// It took too long.
    Slow,
    /// It is not talked to.
    Banned,
}

/// What is known of the network at present.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Where this node listens, with its id.
    pub listeners: Vec<Multiaddr>,
    /// Peers that are connected.
    pub connected: usize,
    /// Why nothing is listened to; none while all is well.
    pub failure: Option<String>,
}

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    blocked: allow_block_list::Behaviour<BlockedPeers>,
    identify: identify::Behaviour,
    kademlia: kad::Behaviour<MemoryStore>,
    blocks: request_response::Behaviour<wire::Codec>,
    previews: request_response::Behaviour<preview::Codec>,
}

/// What one peer may still be given.
struct Budget {
    bytes: u64,
    at: Instant,
}

impl Budget {
    fn refill(&mut self, limits: &Limits, now: Instant) {
        let millis = u64::try_from(now.duration_since(self.at).as_millis()).unwrap_or(u64::MAX);
        let more = limits.bytes_per_second.saturating_mul(millis) / 1_000;
        // Time that has not earned a byte yet is not lost.
        if more > 0 {
            self.bytes = self.bytes.saturating_add(more).min(limits.burst);
            self.at = now;
        }
    }
}

/// A peer that the operator names.
struct Bootstrap {
    address: Multiaddr,
    /// Who answers there, once that is known.
    peer: Option<PeerId>,
}

/// Where an answer of a peer goes.
type Answer = oneshot::Sender<Result<Reply, AskError>>;
/// Where what a peer previews goes; none where it previews nothing.
type PreviewAnswer = oneshot::Sender<Option<Vec<u8>>>;
/// A block that was read for a peer.
type Served = (request_response::ResponseChannel<Reply>, PeerId, Reply);

/// The task that owns the swarm.
pub(crate) struct Node {
    swarm: Swarm<Behaviour>,
    store: Arc<Store>,
    bans: Bans,
    limits: Limits,
    bootstrap: Vec<Bootstrap>,
    commands: mpsc::Receiver<Command>,
    status: watch::Sender<Status>,
    served: mpsc::UnboundedReceiver<Served>,
    serve: mpsc::UnboundedSender<Served>,
    serving: usize,
    asked: HashMap<OutboundRequestId, Answer>,
    /// Takes what peers ask to be previewed.
    previews: Option<mpsc::Sender<Asked>>,
    given: mpsc::UnboundedReceiver<Given>,
    give: mpsc::UnboundedSender<Given>,
    asked_previews: HashMap<OutboundRequestId, PreviewAnswer>,
    /// What is to be asked of peers once they are reached.
    waiting: HashMap<PeerId, Vec<Question>>,
    lookups: HashMap<QueryId, mpsc::UnboundedSender<PeerId>>,
    provided: BTreeSet<Vec<u8>>,
    announce: Option<Instant>,
    announced: Option<Instant>,
    budgets: HashMap<PeerId, Budget>,
    /// How often peers were late, and when last.
    strikes: HashMap<PeerId, (u32, Instant)>,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What it keeps on disk cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its key cannot be read or written.
    #[error("cannot use the peer's key {path}: {error}")]
    Key {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        error: String,
    },
    /// It cannot be where it should be.
    #[error("cannot listen for peers on {address}: {error}")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// Why not.
        error: String,
    },
    /// The system gives no connections.
    #[error("cannot start the peer: {0}")]
    Transport(String),
}

/// The key in `folder`, made if there is none. It names this node to others and signs nothing of value.
pub(crate) fn key(folder: &Path) -> Result<Keypair, StartError> {
    let path = folder.join("peer.key");
    let failed = |error: String| StartError::Key { path: path.clone(), error };
    match std::fs::read(&path) {
        Ok(bytes) => Keypair::from_protobuf_encoding(&bytes).map_err(|error| failed(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = Keypair::generate_ed25519();
            let bytes = key.to_protobuf_encoding().map_err(|error| failed(error.to_string()))?;
            write_secret(&path, &bytes).map_err(|error| failed(error.to_string()))?;
            Ok(key)
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Writes a new file that its owner alone can read.
fn write_secret(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

fn behaviour(key: &Keypair, limits: &Limits) -> Behaviour {
    let id = key.public().to_peer_id();
    let connections = ConnectionLimits::default()
        .with_max_established(Some(limits.connections))
        .with_max_established_per_peer(Some(2))
        .with_max_pending_incoming(Some(limits.connections / 2))
        .with_max_pending_outgoing(Some(limits.connections / 2));
    let mut kademlia = kad::Config::new(KADEMLIA);
    kademlia
        .set_query_timeout(QUERY_TIMEOUT)
        .set_provider_record_ttl(Some(PROVIDER_TTL))
        .set_provider_publication_interval(Some(PROVIDER_INTERVAL))
        // Nothing but who has what is kept for others.
        .set_record_filtering(kad::StoreInserts::FilterBoth);
    let mut kademlia = kad::Behaviour::with_config(id, MemoryStore::new(id), kademlia);
    kademlia.set_mode(Some(kad::Mode::Server));
    let blocks = request_response::Config::default()
        .with_request_timeout(limits.reply)
        .with_max_concurrent_streams(limits.streams);
    Behaviour {
        limits: connection_limits::Behaviour::new(connections),
        blocked: allow_block_list::Behaviour::default(),
        identify: identify::Behaviour::new(
            identify::Config::new(IDENTIFY.into(), key.public()).with_push_listen_addr_updates(true),
        ),
        kademlia,
        blocks: request_response::Behaviour::with_codec(
            wire::Codec { patience: limits.request },
            [(wire::PROTOCOL, ProtocolSupport::Full)],
            blocks,
        ),
        previews: request_response::Behaviour::with_codec(
            preview::Codec { patience: limits.request },
            [(preview::PROTOCOL, ProtocolSupport::Full)],
            request_response::Config::default()
                .with_request_timeout(preview::TIMEOUT)
                .with_max_concurrent_streams(preview::STREAMS),
        ),
    }
}

/// What a new node works with.
pub(crate) struct Parts {
    pub key: Keypair,
    pub store: Arc<Store>,
    pub bans: Bans,
    pub limits: Limits,
    pub listen: Vec<Multiaddr>,
    pub external: Vec<Multiaddr>,
    pub bootstrap: Vec<Multiaddr>,
    pub commands: mpsc::Receiver<Command>,
    pub status: watch::Sender<Status>,
}

impl Node {
    /// A node that listens but does nothing yet.
    pub fn new(parts: Parts) -> Result<Self, StartError> {
        let Parts { key, store, bans, limits, listen, external, bootstrap, commands, status } = parts;
        let transport = |error: &dyn std::fmt::Display| StartError::Transport(error.to_string());
        let mut swarm = SwarmBuilder::with_existing_identity(key)
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
            .map_err(|error| transport(&error))?
            .with_behaviour(|key| behaviour(key, &limits))
            .map_err(|error| transport(&error))?
            .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
            .build();
        for (peer, _) in bans.active(now()) {
            swarm.behaviour_mut().blocked.block_peer(peer);
        }
        for address in listen {
            let failed = |error: String| StartError::Listen { address: address.clone(), error };
            // The swarm would share the address with another that listens there, and each be reached now and then.
            if let Some(socket) = socket(&address) {
                std::net::TcpListener::bind(socket).map_err(|error| failed(error.to_string()))?;
            }
            swarm.listen_on(address.clone()).map_err(|error| failed(error.to_string()))?;
        }
        external.into_iter().for_each(|address| swarm.add_external_address(address));
        let (serve, served) = mpsc::unbounded_channel();
        let (give, given) = mpsc::unbounded_channel();
        let bootstrap = bootstrap.into_iter().map(|address| {
            let peer = address.iter().find_map(|part| match part {
                Protocol::P2p(peer) => Some(peer),
                _ => None,
            });
            Bootstrap { address, peer }
        });
        Ok(Self {
            swarm,
            store,
            bans,
            limits,
            bootstrap: bootstrap.collect(),
            commands,
            status,
            served,
            serve,
            serving: 0,
            asked: HashMap::new(),
            previews: None,
            given,
            give,
            asked_previews: HashMap::new(),
            waiting: HashMap::new(),
            lookups: HashMap::new(),
            provided: BTreeSet::new(),
            announce: None,
            announced: None,
            budgets: HashMap::new(),
            strikes: HashMap::new(),
        })
    }

    /// Works until nobody has anything to tell it any more.
    pub async fn run(mut self) {
        let mut tick = interval(TICK);
        loop {
            let announce = self.announce;
            tokio::select! {
                event = self.swarm.select_next_some() => self.event(event),
                command = self.commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                Some((channel, peer, reply)) = self.served.recv() => self.reply(channel, peer, reply),
                Some(given) = self.given.recv() => self.preview(given),
                _ = tick.tick() => self.tick(),
                _ = sleep_until(announce.unwrap_or_else(Instant::now)), if announce.is_some() => self.announce(),
            }
        }
    }

    fn is_banned(&self, peer: &PeerId) -> bool {
        self.bans.has(peer, now())
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Provide(key) => {
                if self.provided.insert(key.to_vec()) {
                    self.provide(key);
                }
            }
            Command::Withdraw(key) => {
                self.provided.remove(&key.to_vec());
                self.swarm.behaviour_mut().kademlia.stop_providing(&key);
            }
            Command::Lookup { key, found } => self.lookup(key, found),
            Command::Ask { peer, question } => self.ask(peer, question),
            Command::Previews(takes) => self.previews = Some(takes),
            Command::Ban { peer, fault } => self.ban(peer, fault),
            Command::Connected(answer) => {
                let _ = answer.send(self.swarm.connected_peers().copied().collect());
            }
            Command::Bans(answer) => {
                let active = self.bans.active(now()).map(|(peer, ban)| (peer, ban.clone()));
                let _ = answer.send(active.collect());
            }
        }
    }

    fn ask(&mut self, peer: PeerId, question: Question) {
        if self.is_banned(&peer) {
            return question.fail(AskError::Banned);
        }
        if self.swarm.is_connected(&peer) {
            return self.send(&peer, question);
        }
        self.waiting.entry(peer).or_default().push(question);
        match self.swarm.dial(peer) {
            // Another dials it already.
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {}
            Err(_) => self.unreachable(&peer),
        }
    }

    fn send(&mut self, peer: &PeerId, question: Question) {
        let behaviour = self.swarm.behaviour_mut();
        match question {
            Question::Block(id, answer) => {
                let request = behaviour.blocks.send_request(peer, Request::Block(id));
                self.asked.insert(request, answer);
            }
            Question::Preview(bytes, answer) => {
                let request = behaviour.previews.send_request(peer, Frame::Bytes(bytes));
                self.asked_previews.insert(request, answer);
            }
        }
    }

    /// Gives up what waits for a peer to be reached.
    fn unreachable(&mut self, peer: &PeerId) {
        for question in self.waiting.remove(peer).unwrap_or_default() {
            question.fail(AskError::Gone);
        }
    }

    fn provide(&mut self, key: kad::RecordKey) {
        if let Err(error) = self.swarm.behaviour_mut().kademlia.start_providing(key) {
            tracing::warn!(%error, "cannot announce any more payloads or models to peers");
        }
    }

    /// Says again what is provided, to those who were not there when it was said.
    fn announce(&mut self) {
        self.announce = None;
        self.announced = Some(Instant::now());
        for key in self.provided.clone() {
            self.provide(key.into());
        }
    }

    fn lookup(&mut self, key: kad::RecordKey, found: mpsc::UnboundedSender<PeerId>) {
        // Kademlia tells who others say it is, but not where, if it is they who told us.
        for record in self.swarm.behaviour_mut().kademlia.store_mut().providers(&key) {
            for address in record.addresses.into_iter().take(MAX_ADDRESSES) {
                self.swarm.add_peer_address(record.provider, address);
            }
        }
        let query = self.swarm.behaviour_mut().kademlia.get_providers(key);
        self.lookups.insert(query, found);
    }

    fn ban(&mut self, peer: PeerId, fault: Fault) {
        tracing::warn!(%peer, ?fault, "a peer is not talked to any more");
        match self.bans.add(peer, fault, now()) {
            Ok(Some(forgotten)) => self.swarm.behaviour_mut().blocked.unblock_peer(forgotten),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the list of banned peers could not be written"),
        }
        let behaviour = self.swarm.behaviour_mut();
        behaviour.blocked.block_peer(peer);
        behaviour.kademlia.remove_peer(&peer);
        self.strikes.remove(&peer);
    }

    /// A peer was late.
    fn strike(&mut self, peer: PeerId) {
        if self.strikes.len() >= MAX_REMEMBERED {
            self.strikes.clear();
        }
        let now = Instant::now();
        let (strikes, last) = self.strikes.entry(peer).or_insert((0, now));
        if now.duration_since(*last) > FORGIVEN {
            *strikes = 0;
        }
        (*strikes, *last) = (*strikes + 1, now);
        if *strikes >= self.limits.strikes {
            self.ban(peer, Fault::Slow);
        }
    }

    fn tick(&mut self) {
        for peer in self.bans.expire(now()) {
            self.swarm.behaviour_mut().blocked.unblock_peer(peer);
        }
        let now = Instant::now();
        let limits = &self.limits;
        self.budgets.retain(|_, budget| {
            budget.refill(limits, now);
            budget.bytes < limits.burst
        });
        for bootstrap in &self.bootstrap {
            let options = match bootstrap.peer {
                Some(peer) if self.swarm.is_connected(&peer) => continue,
                Some(peer) => DialOpts::peer_id(peer).addresses(vec![bootstrap.address.clone()]).build(),
                None => DialOpts::unknown_peer_id().address(bootstrap.address.clone()).build(),
            };
            if let Err(error) = self.swarm.dial(options) {
                tracing::debug!(address = %bootstrap.address, %error, "cannot dial a peer");
            }
        }
    }

    fn event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Blocks(event)) => self.block_event(event),
            SwarmEvent::Behaviour(BehaviourEvent::Previews(event)) => self.preview_event(event),
            SwarmEvent::Behaviour(BehaviourEvent::Kademlia(event)) => self.kademlia_event(event),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }))
                if info.protocols.contains(&KADEMLIA) =>
            {
                for address in info.listen_addrs.into_iter().take(MAX_ADDRESSES) {
                    self.swarm.behaviour_mut().kademlia.add_address(&peer_id, address);
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                self.swarm.add_external_address(address.clone());
                let peer = *self.swarm.local_peer_id();
                self.status.send_modify(|status| status.listeners.push(address.with(Protocol::P2p(peer))));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.swarm.remove_external_address(&address);
                let address = address.with(Protocol::P2p(*self.swarm.local_peer_id()));
                self.status.send_modify(|status| status.listeners.retain(|listener| *listener != address));
            }
            SwarmEvent::ListenerClosed { reason: Err(error), .. } => {
                tracing::warn!(%error, "peers cannot reach this node any more");
                self.status.send_modify(|status| status.failure = Some(error.to_string()));
            }
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                if let ConnectedPoint::Dialer { address, .. } = &endpoint {
                    let same = |known: &&mut Bootstrap| known.peer.is_none() && known.address == *address;
                    if let Some(bootstrap) = self.bootstrap.iter_mut().find(same) {
                        bootstrap.peer = Some(peer_id);
                    }
                }
                for question in self.waiting.remove(&peer_id).unwrap_or_default() {
                    self.send(&peer_id, question);
                }
                self.count();
            }
            SwarmEvent::ConnectionClosed { .. } => self.count(),
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                tracing::debug!(peer = ?peer_id, %error, "cannot reach a peer");
                // Another may be where one was before.
                if let Some(peer) = peer_id.filter(|peer| !self.swarm.is_connected(peer)) {
                    let moved = |known: &&mut Bootstrap| known.peer == Some(peer) && !names_peer(&known.address);
                    self.bootstrap.iter_mut().filter(moved).for_each(|known| known.peer = None);
                    self.unreachable(&peer);
                }
            }
            _ => {}
        }
    }

    fn count(&mut self) {
        let connected = self.swarm.connected_peers().count();
        self.status.send_if_modified(|status| std::mem::replace(&mut status.connected, connected) != connected);
    }

    fn kademlia_event(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest { request: kad::InboundRequest::AddProvider { record: Some(record) } } => {
                let is_sound = record.addresses.len() <= MAX_ADDRESSES && record.key.to_vec().len() <= BlockId::BYTES;
                if is_sound && !self.is_banned(&record.provider) {
                    // A store that is full takes no more; others do.
                    let _ = self.swarm.behaviour_mut().kademlia.store_mut().add_provider(record);
                }
            }
            kad::Event::OutboundQueryProgressed { id, result, step, .. } => {
                if let kad::QueryResult::GetProviders(Ok(kad::GetProvidersOk::FoundProviders { providers, .. })) =
                    result
                {
                    let own = *self.swarm.local_peer_id();
                    for peer in providers.into_iter().filter(|peer| *peer != own) {
                        if self.is_banned(&peer) {
                            continue;
                        }
                        // At once: where it is is known only as long as the query lives.
                        if !self.swarm.is_connected(&peer) {
                            let _ = self.swarm.dial(peer);
                        }
                        if let Some(found) = self.lookups.get(&id) {
                            let _ = found.send(peer);
                        }
                    }
                }
                let is_wanted = self.lookups.get(&id).is_some_and(|found| !found.is_closed());
                if step.last || !is_wanted {
                    if let Some(mut query) = self.swarm.behaviour_mut().kademlia.query_mut(&id).filter(|_| !step.last) {
                        // One that announces something goes on.
                        if matches!(query.info(), kad::QueryInfo::GetProviders { .. }) {
                            query.finish();
                        }
                    }
                    self.lookups.remove(&id);
                }
            }
            kad::Event::RoutingUpdated { is_new_peer: true, .. } if self.announce.is_none() => {
                let soon = Instant::now() + ANNOUNCE_AFTER;
                self.announce = Some(self.announced.map_or(soon, |last| soon.max(last + ANNOUNCE_PAUSE)));
            }
            _ => {}
        }
    }

    fn block_event(&mut self, event: request_response::Event<Request, Reply>) {
        match event {
            request_response::Event::Message { peer, message: Message::Request { request, channel, .. } } => {
                match request {
                    Request::Block(id) => self.serve(peer, id, channel),
                    Request::Malformed => self.ban(peer, Fault::Hostile("it asked for what is no content id".into())),
                    Request::Slow => self.strike(peer),
                }
            }
            request_response::Event::Message { peer, message: Message::Response { request_id, response } } => {
                if let Reply::Malformed(what) = &response {
                    self.ban(peer, Fault::Hostile(what.clone()));
                }
                self.answer(request_id, Ok(response));
            }
            request_response::Event::OutboundFailure { peer, request_id, error } => {
                let error = match error {
                    OutboundFailure::Timeout => {
                        self.strike(peer);
                        AskError::Slow
                    }
                    _ => AskError::Gone,
                };
                self.answer(request_id, Err(error));
            }
            request_response::Event::InboundFailure { peer, error: InboundFailure::Timeout, .. } => self.strike(peer),
            request_response::Event::InboundFailure { .. } | request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn answer(&mut self, request: OutboundRequestId, result: Result<Reply, AskError>) {
        if let Some(answer) = self.asked.remove(&request) {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(result);
        }
    }

    fn preview_event(&mut self, event: request_response::Event<Frame, Frame>) {
        let too_long = || Fault::Hostile("it claimed a preview longer than any".into());
        match event {
            request_response::Event::Message { peer, message: Message::Request { request, channel, .. } } => {
                match request {
                    Frame::Bytes(request) => self.asked_to_preview(peer, request, channel),
                    Frame::Malformed => self.ban(peer, too_long()),
                    Frame::Slow => self.strike(peer),
                }
            }
            request_response::Event::Message { peer, message: Message::Response { request_id, response } } => {
                let bytes = match response {
                    Frame::Bytes(bytes) => Some(bytes),
                    Frame::Malformed => {
                        self.ban(peer, too_long());
                        None
                    }
                    Frame::Slow => None,
                };
                self.answer_preview(request_id, bytes);
            }
            // Nobody owes a preview, so who is late with one is not blamed.
            request_response::Event::OutboundFailure { request_id, .. } => self.answer_preview(request_id, None),
            request_response::Event::InboundFailure { .. } | request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn answer_preview(&mut self, request: OutboundRequestId, bytes: Option<Vec<u8>>) {
        if let Some(answer) = self.asked_previews.remove(&request) {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(bytes);
        }
    }

    /// Hands what a peer asks to be previewed to whoever takes that.
    fn asked_to_preview(&mut self, peer: PeerId, request: Vec<u8>, channel: request_response::ResponseChannel<Frame>) {
        let asked = Asked { peer, request, channel, given: self.give.clone() };
        let refused = match &self.previews {
            Some(takes) => takes.try_send(asked).err().map(mpsc::error::TrySendError::into_inner),
            None => Some(asked),
        };
        if let Some(asked) = refused {
            asked.answer(Vec::new());
        }
    }

    fn preview(&mut self, given: Given) {
        let Given { peer, channel, answer } = given;
        match answer {
            // Whoever asked may be gone.
            Ok(bytes) => drop(self.swarm.behaviour_mut().previews.send_response(channel, Frame::Bytes(bytes))),
            Err(reason) => self.ban(peer, Fault::Hostile(reason)),
        }
    }

    /// Gives a peer a block, if it has not had too much.
    fn serve(&mut self, peer: PeerId, id: BlockId, channel: request_response::ResponseChannel<Reply>) {
        let is_new = !self.budgets.contains_key(&peer);
        if self.serving >= self.limits.serving || (is_new && self.budgets.len() >= MAX_REMEMBERED) {
            let _ = self.swarm.behaviour_mut().blocks.send_response(channel, Reply::Busy);
            return;
        }
        let now = Instant::now();
        let budget = self.budgets.entry(peer).or_insert(Budget { bytes: self.limits.burst, at: now });
        budget.refill(&self.limits, now);
        if budget.bytes < MAX_BLOCK as u64 {
            let _ = self.swarm.behaviour_mut().blocks.send_response(channel, Reply::Busy);
            return;
        }
        self.serving += 1;
        let (store, serve) = (self.store.clone(), self.serve.clone());
        tokio::task::spawn_blocking(move || {
            let reply = match store.get(&id) {
                Ok(Some(block)) => Reply::Block(block),
                Ok(None) => Reply::Missing,
                Err(error) => {
                    tracing::warn!(%error, "cannot read a block that a peer asks for");
                    Reply::Missing
                }
            };
            // The node may be gone.
            let _ = serve.send((channel, peer, reply));
        });
    }

    fn reply(&mut self, channel: request_response::ResponseChannel<Reply>, peer: PeerId, reply: Reply) {
        self.serving = self.serving.saturating_sub(1);
        if let (Reply::Block(block), Some(budget)) = (&reply, self.budgets.get_mut(&peer)) {
            budget.bytes = budget.bytes.saturating_sub(block.len() as u64);
        }
        // Whoever asked may be gone.
        let _ = self.swarm.behaviour_mut().blocks.send_response(channel, reply);
    }
}

/// The address and port of a multiaddress that begins with both.
fn socket(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => IpAddr::V4(ip),
        Protocol::Ip6(ip) => IpAddr::V6(ip),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

fn names_peer(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Protocol::P2p(_)))
}
