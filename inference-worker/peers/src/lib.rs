//! Payloads by content id between workers.
//!
//! [`tree`] says how a payload is named and cut into blocks, [`store`] keeps blocks on disk, and [`Peers`] is a libp2p
//! node that gives them to others and fetches what is missing: TCP with noise and yamux, identify, Kademlia to find who
//! has a payload or serves a model, and a protocol of its own for blocks ([`wire`]). Every block is checked against its
//! content id by whoever receives it, so peers need not be trusted; those that send anything else are dropped and
//! remembered ([`bans`]). Beside payloads, peers ask each other for [previews](preview) of work that is under way.
//!
//! Nothing here knows a chain: a payload is named by the digest of its root and its length ([`Content`]).

pub mod bans;
mod fetch;
mod node;
pub mod preview;
pub mod store;
pub mod tree;
pub mod wire;

#[cfg(test)]
mod tests;

pub use fetch::FetchError;
pub use libp2p::{Multiaddr, PeerId};
pub use node::{Limits, StartError, Status};
pub use preview::Asked;
pub use store::{Store, StoreError};
pub use tree::{BlockId, Content, MAX_PAYLOAD};

use bans::{Ban, Bans, Fault};
use libp2p::kad::RecordKey;
use node::{AskError, Command, Node, Parts, Question};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashSet},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch, Semaphore},
    time::{sleep, timeout, timeout_at, Instant},
};

/// Things that the node is told and has not looked at yet.
const COMMANDS: usize = 64;
/// Payloads that are fetched at the same time.
const FETCHES: usize = 8;
/// Pause between searches for the same.
const AGAIN: Duration = Duration::from_millis(250);
/// How long a search for peers may take.
const SEARCH: Duration = Duration::from_secs(5);

/// How a node is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where its key, its blocks and its list of banned peers are. One process at a time uses it.
    pub folder: PathBuf,
    /// Bytes of blocks that are kept.
    pub limit: u64,
    /// Where it listens.
    pub listen: Vec<Multiaddr>,
    /// Where others reach it, beside the addresses at which it listens.
    pub external: Vec<Multiaddr>,
    /// Peers that are known from the start.
    pub bootstrap: Vec<Multiaddr>,
    /// What strangers may cost.
    pub limits: Limits,
}

/// What others look for to find who serves a model of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service([u8; 32]);

impl Service {
    /// The service of a model, both by their hashes.
    pub fn of(genesis: &[u8; 32], model: &[u8; 32]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"assay/serves");
        hasher.update(genesis);
        hasher.update(model);
        Self(hasher.finalize().into())
    }

    fn key(&self) -> RecordKey {
        key(&self.0)
    }
}

/// A multihash of sha2-256, which is what Kademlia of the standard tools looks for.
fn key(digest: &[u8; 32]) -> RecordKey {
    RecordKey::from([&[0x12, 0x20][..], digest].concat())
}

/// A node among peers. It works until the last of its clones is dropped.
#[derive(Clone)]
pub struct Peers {
    id: PeerId,
    store: Arc<Store>,
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<Status>,
    fetches: Arc<Semaphore>,
}

impl Peers {
    /// Starts a node and waits until it listens where it should. What its store holds is offered to others at once.
    ///
    /// # Errors
    /// The folder, the key or an address cannot be used.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let Config { folder, limit, listen, external, bootstrap, limits } = config;
        let opening = tokio::task::spawn_blocking(move || -> Result<_, StartError> {
            let store = Store::open(&folder, limit)?;
            Ok((Bans::open(&folder)?, node::key(&folder)?, store))
        });
        let (bans, key, store) =
            opening.await.map_err(|error| StartError::Transport(format!("opening the store broke off: {error}")))??;
        let (store, id) = (Arc::new(store), key.public().to_peer_id());
        let (sender, commands) = mpsc::channel(COMMANDS);
        let (told, mut status) = watch::channel(Status::default());
        let wanted = listen.len();
        let store_of_node = store.clone();
        let parts = Parts {
            key,
            store: store_of_node,
            bans,
            limits,
            listen: listen.clone(),
            external,
            bootstrap,
            commands,
            status: told,
        };
        tokio::spawn(Node::new(parts)?.run());
        let listens = status.wait_for(|status| status.listeners.len() >= wanted || status.failure.is_some());
        let failure = match timeout(SEARCH, listens).await {
            Ok(Ok(status)) => status.failure.clone(),
            _ => Some("it takes too long".into()),
        };
        if let (Some(error), Some(address)) = (failure, listen.into_iter().next()) {
            return Err(StartError::Listen { address, error });
        }
        let peers = Self { id, store, commands: sender, status, fetches: Arc::new(Semaphore::new(FETCHES)) };
        let contents: BTreeSet<Content> = peers.store.held().into_values().flatten().collect();
        for content in contents {
            let is_whole = peers.blocking(move |store| store.missing(&content)).await.is_ok_and(|gone| gone.is_empty());
            if is_whole {
                peers.offer(&content).await;
            }
        }
        Ok(peers)
    }

    /// The node's id.
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// Its blocks.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where it listens, and how many peers are connected.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Who is not talked to, and why.
    pub async fn bans(&self) -> Vec<(PeerId, Ban)> {
        self.ask_node(Command::Bans).await.unwrap_or_default()
    }

    /// Keeps a payload for `holder` until it is [released](Self::release), and offers it to others.
    ///
    /// # Errors
    /// It is too long, the store is full, or the disk refused.
    pub async fn publish(&self, holder: &str, payload: Vec<u8>) -> Result<Content, StoreError> {
        let holder = holder.to_owned();
        let content = self.blocking(move |store| store.add(&holder, &payload)).await?;
        self.offer(&content).await;
        Ok(content)
    }

    /// Ends what `holder` holds. What nobody else holds is not offered any more, and goes when its room is needed.
    ///
    /// # Errors
    /// The disk refused.
    pub async fn release(&self, holder: &str) -> Result<(), StoreError> {
        let released = self.store.held().remove(holder).unwrap_or_default();
        let holder = holder.to_owned();
        self.blocking(move |store| store.release(&holder)).await?;
        let still: HashSet<Content> = self.store.held().into_values().flatten().collect();
        for content in released.into_iter().filter(|content| !still.contains(content)) {
            self.tell(Command::Withdraw(key(&content.digest))).await;
        }
        Ok(())
    }

    /// Tells others that this node serves a model.
    pub async fn serve(&self, service: &Service) {
        self.tell(Command::Provide(service.key())).await;
    }

    /// Finds who serves a model, and connects to them; looks until `until` for the first.
    pub async fn servers(&self, service: &Service, until: Instant) -> Vec<PeerId> {
        loop {
            let found = self.search(service.key()).await;
            if !found.is_empty() || Instant::now() >= until {
                return found;
            }
            // Nothing tells when others have come, or have told each other who serves what.
            sleep(AGAIN).await;
        }
    }

    /// Takes what peers ask to be shown of work under way, from now on and in the place of whoever took it before. What
    /// nobody takes is answered with no bytes.
    pub async fn previews(&self) -> mpsc::Receiver<Asked> {
        let (sender, asked) = mpsc::channel(preview::WAITING);
        self.tell(Command::Previews(sender)).await;
        asked
    }

    /// Asks a peer to be shown some of its work under way. `None` where no answer came.
    pub async fn preview(&self, peer: PeerId, request: Vec<u8>) -> Option<Vec<u8>> {
        self.ask_node(|answer| Command::Ask { peer, question: Question::Preview(request, answer) }).await.flatten()
    }

    async fn offer(&self, content: &Content) {
        self.tell(Command::Provide(key(&content.digest))).await;
    }

    /// Who is said to have what `key` names.
    async fn search(&self, key: RecordKey) -> Vec<PeerId> {
        let (found, mut finding) = mpsc::unbounded_channel();
        self.tell(Command::Lookup { key, found }).await;
        let end = Instant::now() + SEARCH;
        let mut peers = Vec::new();
        while let Ok(Some(peer)) = timeout_at(end, finding.recv()).await {
            if !peers.contains(&peer) {
                peers.push(peer);
            }
        }
        peers
    }

    async fn tell(&self, command: Command) {
        // The node lives as long as this handle; it ends earlier only when the process does.
        let _ = self.commands.send(command).await;
    }

    async fn ask_node<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.tell(command(answer)).await;
        answered.await.ok()
    }

    async fn ask(&self, peer: PeerId, id: BlockId) -> Result<wire::Reply, AskError> {
        let asking = self.ask_node(|answer| Command::Ask { peer, question: Question::Block(id, answer) });
        asking.await.unwrap_or(Err(AskError::Gone))
    }

    /// Drops a peer for good, because it sent what no honest one sends.
    pub async fn ban(&self, peer: PeerId, reason: String) {
        self.tell(Command::Ban { peer, fault: Fault::Hostile(reason) }).await;
    }

    /// Works with the disk beside what waits for the network.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(result) => result,
            Err(error) => Err(StoreError::Disk {
                what: "use",
                path: self.store.folder().into(),
                error: std::io::Error::other(error.to_string()),
            }),
        }
    }
}

/// Reads where a peer is: a multiaddress, or an IP address and a port.
///
/// # Errors
/// One line that quotes what is neither.
pub fn address(text: &str) -> Result<Multiaddr, String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Multiaddr::from(address.ip()).with(libp2p::multiaddr::Protocol::Tcp(address.port())));
    }
    text.parse()
        .map_err(|_| format!("'{text}' is no address of a peer, such as 127.0.0.1:9630 or /ip4/127.0.0.1/tcp/9630"))
}
