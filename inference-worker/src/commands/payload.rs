//! `payload`: name, offer and fetch payloads that are too long for the chain.

use super::solve::{default_folder, shutdown};
use crate::{
    cli::PayloadCommand,
    config::{self, Settings},
    failure::Failure,
    out, payloads,
    progress::Spinner,
};
use assay_peers::{BlockId, Content, FetchError, Peers};
use std::{io::Write, path::Path, time::Duration};
use tokio::time::Instant;

/// Whose payloads those are that were added by hand.
const HOLDER: &str = "added";
/// Whose payloads those are that were fetched by hand.
const FETCHED: &str = "fetched";

/// Does what is asked with payloads.
///
/// # Errors
/// A file cannot be read or written, a payload is too long or cannot be had, or the exchange cannot be started.
pub async fn run(settings: &Settings, command: PayloadCommand) -> Result<(), Failure> {
    match command {
        PayloadCommand::Cid { file } => {
            let content = Content::of(&read(&file)?).map_err(|error| named(&file, &error))?;
            out::result(content.root())
        }
        PayloadCommand::Add { peers, file } => add(settings, peers, &file).await,
        PayloadCommand::Get { peers, cid, to, timeout } => {
            get(settings, peers, &cid, &to, Duration::from_secs(timeout)).await
        }
    }
}

async fn add(settings: &Settings, flags: config::Peers, file: &Path) -> Result<(), Failure> {
    let bytes = read(file)?;
    let peers = start(settings, flags).await?;
    let content = peers.publish(HOLDER, bytes).await.map_err(|error| named(file, &error))?;
    out::result(content.root())?;
    for address in &peers.status().borrow().listeners {
        out::note(format_args!("offered to peers at {address}; Ctrl-C ends that"));
    }
    shutdown().await;
    // It stays until its room is needed, and is offered by whoever uses the folder next.
    peers.release(HOLDER).await.map_err(|error| Failure::Other(error.to_string()))
}

async fn get(
    settings: &Settings,
    flags: config::Peers,
    cid: &str,
    to: &Path,
    timeout: Duration,
) -> Result<(), Failure> {
    let id: BlockId = cid.parse().map_err(|error| Failure::Config(format!("{error}")))?;
    let failed = |error: std::io::Error| Failure::Config(format!("cannot write {}: {error}", to.display()));
    if to.exists() {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    let peers = start(settings, flags).await?;
    let spinner = Spinner::new(&format!("looking for {id} among peers"));
    let until = Instant::now() + timeout;
    let absent = |error: FetchError| Failure::NotFound(format!("cannot fetch {id}: {error}"));
    let content = peers.resolve(id, until).await.map_err(absent)?;
    spinner.say(&format!("fetching {} bytes", content.length));
    let payload = peers.fetch(FETCHED, content, until).await.map_err(absent)?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(to).map_err(failed)?;
    file.write_all(&payload).map_err(failed)?;
    peers.release(FETCHED).await.map_err(|error| Failure::Other(error.to_string()))?;
    spinner.note(&format!("{} bytes in {}", payload.len(), to.display()));
    Ok(())
}

/// Starts the exchange, which cannot be off here.
async fn start(settings: &Settings, flags: config::Peers) -> Result<Peers, Failure> {
    let peers = payloads::start(settings.peers(flags), &default_folder().join("payloads")).await?;
    peers.ok_or_else(|| Failure::Config("--peers-listen is off: nothing can be exchanged with peers".into()))
}

fn named(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Config(format!("{}: {error}", file.display()))
}

/// Reads a file that may be a payload.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::Config(format!("cannot read {}: {error}", file.display())))
}
