//! The gateway: the chain over HTTP, as OpenAI's API.
//!
//! One account pays for what is asked; [`keys`] limits who may ask how much. [`body`] reads questions, [`flow`] makes tasks
//! of them and waits for their answers in the [index](crate::indexer), [`previews`] shows what is drawn meanwhile, [`render`]
//! shows answers, [`store`] keeps on disk what a request has become, [`routes`] puts it together.
//!
//! A client that goes away before its transaction is handed to the node has asked nothing; afterwards its task goes on.

pub mod body;
pub mod catalog;
pub mod error;
pub mod flow;
pub mod keys;
pub mod metrics;
pub mod previews;
pub mod render;
pub mod routes;
pub mod store;

use crate::{
    amount,
    chain::{Chain, ChainError, Sender},
    commands::{
        connect,
        solve::{default_data, shutdown, unless},
    },
    config::{self, Settings},
    failure::Failure,
    indexer::{
        follow::{self, Status},
        Index,
    },
    payloads,
    previews::Previews,
    work::models::{self, Local},
};
use assay_engine::Threads;
use assay_types::{Balance, BlockNumber};
use axum::Router;
use catalog::Catalog;
use error::ApiError;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use keys::Keys;
use metrics::Metrics;
use std::{
    collections::HashSet,
    future::Future,
    net::SocketAddr,
    path::PathBuf,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::Store;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{watch, Semaphore},
};

/// Where it is listened, if nothing else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
/// Seconds that a request waits for its answer at most, if nothing else is said.
pub const DEFAULT_TIMEOUT: u64 = 600;
/// Most requests that wait for answers.
const MOST_WAITING: usize = 1_024;
/// Most connections.
const MOST_CONNECTIONS: usize = 2_048;
/// Longest time in which the head of a request must have come, and for which a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Longest time for which what was sent may wait for a client that takes nothing.
const TAKING_TIME: Duration = Duration::from_secs(60);
/// What open connections get to end when the gateway does.
const GRACE: Duration = Duration::from_secs(5);
/// Time between two looks for what can be forgotten.
const PRUNING: Duration = Duration::from_secs(3_600);

/// What serves requests.
pub struct Gateway {
    pub(crate) chain: Chain,
    sender: Sender,
    index: Arc<Index>,
    status: watch::Receiver<Status>,
    store: Arc<Store>,
    keys: Keys,
    catalog: Catalog,
    /// Reads what solvers draw for the account; `None` where there are no peers.
    previews: Option<Previews>,
    metrics: Metrics,
    timeout: Duration,
    /// One permit for each request that may wait for an answer.
    waiting: Arc<Semaphore>,
    /// One permit for each answer that may be verified.
    verifying: Arc<Semaphore>,
    /// API key and idempotency key of the requests that are being sent.
    sending: Mutex<HashSet<(String, String)>>,
}

impl Gateway {
    /// Checks that the chain can be served as it is now.
    ///
    /// # Errors
    /// 503 when the node is away or the index has not caught up.
    fn ensure_current(&self) -> Result<(), ApiError> {
        let status = *self.status.borrow();
        if status.is_current {
            return Ok(());
        }
        let best = self.index.best()?.map_or(0, |best| best.number);
        let message = format!("the node is away, or its blocks are still being read; the index is at block {best}");
        Err(ApiError::unavailable("node_unavailable", message))
    }
}

/// Serves until a signal ends it.
///
/// # Errors
/// A setting, key, model, index or chain that does not fit. A node that goes away later is waited for.
pub async fn run(settings: &Settings, flags: config::Gateway) -> Result<(), Failure> {
    let mut shutdown = pin!(shutdown());
    let Some(Start { gateway, listener, status, from }) = unless(start(settings, flags), shutdown.as_mut()).await?
    else {
        return Ok(());
    };
    tokio::select! {
        failure = follow::run(gateway.index.clone(), gateway.chain.clone(), from, status) => Err(failure),
        failure = keep_house(&gateway) => Err(failure),
        () = serve(listener, routes::router(gateway.clone()), shutdown) => {
            tracing::info!("stopping; tasks that were submitted go on");
            Ok(())
        }
    }
}

/// A gateway that is about to serve.
struct Start {
    gateway: Arc<Gateway>,
    listener: TcpListener,
    /// Tells how far the index is.
    status: watch::Sender<Status>,
    /// First block of a new index.
    from: BlockNumber,
}

/// Does all that comes before serving.
async fn start(settings: &Settings, flags: config::Gateway) -> Result<Start, Failure> {
    let flags = settings.gateway(flags);
    // A login usually allows 1,024 open files: fewer than connections, and then none is left to reach the node again.
    if let Err(error) = fdlimit::raise_fd_limit() {
        tracing::warn!(%error, "fewer files may be open than there may be connections");
    }
    let text = flags.listen.as_deref().unwrap_or(DEFAULT_LISTEN);
    let listen: SocketAddr = text
        .parse()
        .map_err(|_| Failure::Config(format!("--listen: '{text}' is no address, such as {DEFAULT_LISTEN}")))?;
    let keys = match &flags.api_keys {
        Some(path) => Keys::read(path)?,
        None if !listen.ip().is_loopback() => {
            let reason =
                "whoever can reach it could spend the account's ASY: give --api-keys FILE, or listen on 127.0.0.1";
            return Err(Failure::Config(format!("--listen {listen}: {reason}")));
        }
        None => Keys::anybody(),
    };
    let timeout = Duration::from_secs(flags.timeout.unwrap_or(DEFAULT_TIMEOUT).max(1));
    let key = settings.key().load()?;
    let account = crate::keys::address(&key);
    let locals = load(&flags.models, settings.threads()?).await?;
    let data = flags.data.unwrap_or_else(|| default_data(&account));
    let index = Arc::new(Index::open(&data, flags.reindex)?);
    let failed =
        |error: std::io::Error| Failure::Config(format!("cannot listen on {listen}: {error}; choose another --listen"));
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;

    let chain = connect(settings).await?;
    let store = Arc::new(Store::open(&data, chain.genesis())?);
    tracing::info!(url = chain.url(), genesis = ?chain.genesis(), %account, data = %data.display(), "connected");
    let has_peers = !flags.peers.peers_bootstrap.is_empty() || flags.peers.peers_listen.is_some();
    let exchange = match has_peers {
        true => payloads::read(flags.peers, &data.join("payloads"))?,
        false => None,
    };
    let previews = match exchange {
        Some(exchange) => match payloads::open(exchange).await {
            Ok(peers) => Some(Previews::new(peers, &chain, key.clone())),
            Err(failure) => {
                tracing::warn!(reason = %failure, "the exchange with peers does not start: streams have no previews");
                None
            }
        },
        None => None,
    };
    let (status, watched) = watch::channel(Status::default());
    let gateway = Arc::new(Gateway {
        sender: Sender::spawn(chain.clone(), key),
        index,
        status: watched,
        store,
        keys,
        catalog: Catalog::new(chain.clone(), locals),
        previews,
        metrics: Metrics::new(),
        timeout,
        waiting: Arc::new(Semaphore::new(MOST_WAITING)),
        verifying: Arc::new(Semaphore::new(1)),
        sending: Mutex::default(),
        chain,
    });
    tracing::info!("prompts and answers are public: anybody can read them on the chain");
    tracing::info!(url = %format!("http://{address}/v1"), "serving");
    Ok(Start { gateway, listener, status, from: flags.index_from.unwrap_or(1) })
}

/// Loads every artefact.
async fn load(folders: &[PathBuf], threads: Arc<Threads>) -> Result<Vec<Arc<Local>>, Failure> {
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let folders = models::folders(folders);
    let loading = tokio::task::spawn_blocking(move || {
        folders.iter().map(|folder| Local::load(folder, &threads).map(Arc::new)).collect()
    });
    loading.await.map_err(|error| Failure::Other(format!("loading the models broke off: {error}")))?
}

/// Shows how far the index is, and forgets what is old.
async fn keep_house(gateway: &Gateway) -> Failure {
    let mut changes = gateway.index.changes();
    let mut pruning = tokio::time::interval(PRUNING);
    loop {
        tokio::select! {
            _ = pruning.tick() => {
                if let Err(error) = gateway.store.prune(store::now()) {
                    return error.into();
                }
            }
            Ok(()) = changes.changed() => {
                let number = |at: Option<crate::journal::Inclusion>| at.map_or(0, |at| i64::from(at.number));
                match (gateway.index.best(), gateway.index.tip()) {
                    (Ok(best), Ok(tip)) => {
                        gateway.metrics.best_block.set(number(best));
                        gateway.metrics.final_block.set(number(tip));
                    }
                    (Err(error), _) | (_, Err(error)) => return error.into(),
                }
                // A node that has just gone away is told of elsewhere.
                if let Ok(free) = balance(gateway).await {
                    gateway.metrics.balance_asy.set(amount::in_asy(free));
                }
                let waiting = MOST_WAITING.saturating_sub(gateway.waiting.available_permits());
                gateway.metrics.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
            }
        }
    }
}

/// What the account that pays can spend.
async fn balance(gateway: &Gateway) -> Result<Balance, ChainError> {
    let (free, _) = gateway.chain.best().await?.balance(gateway.sender.account()).await?;
    Ok(free)
}

/// Serves connections until `shutdown` completes, and lets those that are open end.
async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    tokio::pin!(shutdown);
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let (closing, closed) = watch::channel(());
    loop {
        let accepted = async {
            // Whoever comes when all are taken waits in the system's queue. The semaphore is never closed.
            let permit = connections.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, stream) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        match stream {
            Ok((stream, _)) => {
                let (router, closed) = (router.clone(), closed.clone());
                tokio::spawn(async move {
                    let _permit = permit;
                    connection(stream, router, closed).await;
                });
            }
            Err(error) => {
                // Too many open files, for one: it passes.
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop((listener, closed));
    closing.send_replace(());
    // Those that take longer are cut.
    let _ = tokio::time::timeout(GRACE, closing.closed()).await;
}

/// Has the system cut a connection once what was sent over it has waited so long for a client that takes nothing. hyper
/// waits for ever.
#[cfg(target_os = "linux")]
fn cut_if_stalled(stream: &TcpStream, after: Duration) {
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(after));
}

#[cfg(not(target_os = "linux"))]
fn cut_if_stalled(_: &TcpStream, _: Duration) {}

/// Serves one connection. One that sends too slowly, or nothing, or takes nothing, is closed.
async fn connection(stream: TcpStream, router: Router, mut closed: watch::Receiver<()>) {
    // Events go out as they come; without it they only come later.
    let _ = stream.set_nodelay(true);
    cut_if_stalled(&stream, TAKING_TIME);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = closed.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (_client, (stream, _)) = (client.unwrap(), accepted.unwrap());
        cut_if_stalled(&stream, Duration::from_secs(1));
        let sending = async {
            loop {
                stream.writable().await.unwrap();
                match stream.try_write(&[0; 65_536]) {
                    Err(error) if error.kind() != ErrorKind::WouldBlock => return error,
                    _ => {}
                }
            }
        };
        let error = tokio::time::timeout(Duration::from_secs(60), sending).await.expect("it was cut");
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    }
}
