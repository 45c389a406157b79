//! Payloads that are too long for the chain: what names them there, and the node that has them travel between workers.

use crate::{chain::types::Payload, config, failure::Failure};
use assay_peers::{store, Config, Content, Limits, Multiaddr, Peers, Service};
use assay_types::{Cid, Hash, ModelId, TaskId, MAX_EXTERNAL, MAX_INLINE};
use std::path::Path;

/// What the chain takes and what peers carry is the same.
const _: () = assert!(MAX_EXTERNAL == assay_peers::MAX_PAYLOAD);

/// Where peers are listened for, where nothing else is said: a free port of this machine.
const DEFAULT_LISTEN: &str = "127.0.0.1:0";
/// Bytes of a mebibyte, in which the store's limit is given.
const MIB: u64 = 1024 * 1024;

/// Seconds that are given to finding a payload among peers; a second for each block of it comes on top. What nobody gives
/// would keep others waiting.
const FINDING: u64 = 60;

/// The content id by which the chain knows a payload.
pub fn cid(payload: &[u8]) -> Cid {
    // What is too long for any payload has only this name, which no chain takes.
    Content::of(payload).map_or_else(|_| Cid::of(payload), |content| Cid(content.digest))
}

/// A payload as the chain takes it: its bytes, or its name where they are too many.
pub fn on_chain(payload: Vec<u8>) -> Payload {
    if is_inline(payload.len()) {
        return Payload::Inline(payload);
    }
    Payload::External { cid: cid(&payload), length: u32::try_from(payload.len()).unwrap_or(u32::MAX) }
}

/// Whether a payload of this many bytes is kept on chain.
pub fn is_inline(length: usize) -> bool {
    length <= MAX_INLINE as usize
}

/// The payload that a content id and a length on chain name.
pub fn content(cid: &Cid, length: u32) -> Content {
    Content { digest: cid.0, length }
}

/// Seconds that are given to fetching a payload from peers.
pub fn patience(content: &Content) -> u64 {
    FINDING.saturating_add(content.blocks() as u64)
}

/// Whose payloads those of a task are in the store.
pub fn holder(task: &TaskId) -> String {
    format!("task-{}", hex::encode(task))
}

/// The task whose payloads these are.
pub fn task_of(holder: &str) -> Option<TaskId> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(holder.strip_prefix("task-")?, &mut bytes).ok()?;
    Some(bytes.into())
}

/// What peers look for to find who serves a model.
pub fn service(genesis: &Hash, model: &ModelId) -> Service {
    Service::of(&genesis.0, &model.0)
}

/// Starts the node that exchanges payloads, unless it is off, with its store in `folder` where the settings name none.
///
/// # Errors
/// An address makes no sense or cannot be listened on, or the store cannot be used.
pub async fn start(settings: config::Peers, folder: &Path) -> Result<Option<Peers>, Failure> {
    match read(settings, folder)? {
        Some(config) => open(config).await.map(Some),
        None => Ok(None),
    }
}

/// What the node that exchanges payloads is started with, unless it is off; its store is in `folder` where the settings
/// name none.
///
/// # Errors
/// An address makes no sense.
pub fn read(settings: config::Peers, folder: &Path) -> Result<Option<Config>, Failure> {
    let config::Peers { peers_listen, peers_external, peers_bootstrap, peers_data, peers_limit } = settings;
    let addresses = |name: &str, texts: &[String]| -> Result<Vec<Multiaddr>, Failure> {
        let read =
            |text: &String| assay_peers::address(text).map_err(|error| Failure::Config(format!("{name}: {error}")));
        texts.iter().map(read).collect()
    };
    let listen = peers_listen.unwrap_or_else(|| DEFAULT_LISTEN.into());
    if listen == "off" {
        return Ok(None);
    }
    Ok(Some(Config {
        folder: peers_data.unwrap_or_else(|| folder.into()),
        limit: peers_limit.map_or(store::DEFAULT_LIMIT, |limit| limit.saturating_mul(MIB)),
        listen: addresses("--peers-listen", &[listen])?,
        external: addresses("--peers-external", &peers_external)?,
        bootstrap: addresses("--peers-bootstrap", &peers_bootstrap)?,
        limits: Limits::default(),
    }))
}

/// Starts the node that exchanges payloads.
///
/// # Errors
/// An address cannot be listened on, or the store cannot be used.
pub async fn open(config: Config) -> Result<Peers, Failure> {
    let peers = Peers::start(config).await.map_err(|error| Failure::Config(error.to_string()))?;
    for address in &peers.status().borrow().listeners {
        tracing::info!(%address, "peers find this worker here");
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_on_chain_as_long_as_it_fits() {
        let fits = vec![7; MAX_INLINE as usize];
        assert_eq!(cid(&fits), Cid::of(&fits));
        assert_eq!(on_chain(fits.clone()), Payload::Inline(fits));
        let one_block = vec![7; MAX_INLINE as usize + 1];
        let named = Payload::External { cid: Cid::of(&one_block), length: MAX_INLINE + 1 };
        assert_eq!(on_chain(one_block), named);
        // Of several blocks it is the root that is named.
        let several = vec![7; 300_000];
        let Payload::External { cid, length } = on_chain(several.clone()) else { panic!("too long for the chain") };
        assert_ne!(cid, Cid::of(&several));
        assert_eq!(content(&cid, length), Content::of(&several).unwrap());
        // A root and two leaves.
        assert_eq!(patience(&content(&cid, length)), FINDING + 3);
        assert_eq!(super::cid(&several), cid);
    }

    #[test]
    fn holders_are_told_from_their_tasks_and_back() {
        let task = TaskId::repeat_byte(0xab);
        assert_eq!(task_of(&holder(&task)), Some(task));
        for other in ["", "ask", "task-", "task-ab"] {
            assert_eq!(task_of(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn settings_that_make_no_sense_are_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let off = config::Peers { peers_listen: Some("off".into()), ..Default::default() };
        assert!(start(off, folder.path()).await.unwrap().is_none());
        let bad = config::Peers { peers_bootstrap: vec!["solver.example".into()], ..Default::default() };
        let error = start(bad, folder.path()).await.err().unwrap();
        assert!(error.line().starts_with("--peers-bootstrap: 'solver.example' is no address"), "{error}");
    }
}
