//! The peers that are not talked to, and why: kept on disk, so that they are remembered after a new start.

use crate::store::StoreError;
use libp2p::PeerId;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// Peers that are remembered at most: those banned longest ago make room.
pub const MAX_BANS: usize = 4_096;
/// Seconds for which a peer that answers too slowly is not asked.
pub const SLOW_SECONDS: u64 = 60 * 60;

/// What a peer did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It sent what is not what was asked for, or what no honest peer sends. It is not talked to any more.
    Hostile(String),
    /// It kept others waiting too often. It is not talked to for a while.
    Slow,
}

/// A peer that is not talked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// What it did.
    pub reason: String,
    /// When, in seconds of Unix time.
    pub at: u64,
    /// Until when; for good if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// The list of them.
#[derive(Debug)]
pub struct Bans {
    path: PathBuf,
    list: BTreeMap<String, Ban>,
}

/// Seconds of Unix time.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Bans {
    /// Reads the list in `folder`; there need not be one.
    ///
    /// # Errors
    /// The file cannot be read or is no such list.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("bans.json");
        let list = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error),
        };
        let list = list.map_err(|error| StoreError::Disk { what: "read", path: path.clone(), error })?;
        Ok(Self { path, list })
    }

    /// The peers on it, at this time, with the reasons.
    pub fn active(&self, now: u64) -> impl Iterator<Item = (PeerId, &Ban)> {
        let active = self.list.iter().filter(move |(_, ban)| ban.until.is_none_or(|until| until > now));
        active.filter_map(|(peer, ban)| Some((peer.parse().ok()?, ban)))
    }

    /// Whether a peer is on it, at this time.
    pub fn has(&self, peer: &PeerId, now: u64) -> bool {
        self.list.get(&peer.to_string()).is_some_and(|ban| ban.until.is_none_or(|until| until > now))
    }

    /// Takes the peers off whose time is over, and tells which.
    pub fn expire(&mut self, now: u64) -> Vec<PeerId> {
        let over = |ban: &Ban| ban.until.is_some_and(|until| until <= now);
        let gone = self.list.iter().filter(|(_, ban)| over(ban)).filter_map(|(peer, _)| peer.parse().ok()).collect();
        self.list.retain(|_, ban| !over(ban));
        gone
    }

    /// Puts a peer on it, and gives back the one that made room for it, if one had to.
    ///
    /// # Errors
    /// The disk refused; the peer is on the list all the same, until this process ends.
    pub fn add(&mut self, peer: PeerId, fault: Fault, now: u64) -> Result<Option<PeerId>, StoreError> {
        let (reason, until) = match fault {
            Fault::Hostile(reason) => (reason, None),
            Fault::Slow => ("it answered too slowly too often".into(), Some(now.saturating_add(SLOW_SECONDS))),
        };
        self.list.insert(peer.to_string(), Ban { reason, at: now, until });
        let mut dropped = None;
        if self.list.len() > MAX_BANS {
            let oldest = self.list.iter().min_by_key(|(_, ban)| ban.at).map(|(peer, _)| peer.clone());
            dropped = oldest.and_then(|peer| self.list.remove(&peer).and(peer.parse().ok()));
        }
        self.write()?;
        Ok(dropped)
    }

    fn write(&self) -> Result<(), StoreError> {
        let failed = |error| StoreError::Disk { what: "write", path: self.path.clone(), error };
        let text = serde_json::to_vec(&self.list).map_err(|error| failed(error.into()))?;
        let beside = self.path.with_extension("partial");
        fs::write(&beside, text).and_then(|()| fs::rename(&beside, &self.path)).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_banned_stays_so_after_a_new_start_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let (liar, slow) = (PeerId::random(), PeerId::random());
        let mut bans = Bans::open(folder.path()).unwrap();
        bans.add(liar, Fault::Hostile("wrong bytes".into()), 100).unwrap();
        bans.add(slow, Fault::Slow, 100).unwrap();
        let mut bans = Bans::open(folder.path()).unwrap();
        let active = |bans: &Bans, now| bans.active(now).map(|(peer, _)| peer).collect::<Vec<_>>();
        assert_eq!(bans.active(101).find(|(peer, _)| *peer == liar).unwrap().1.reason, "wrong bytes");
        assert_eq!(active(&bans, 101).len(), 2);
        assert_eq!(active(&bans, 100 + SLOW_SECONDS), [liar]);
        assert_eq!(bans.expire(99 + SLOW_SECONDS), []);
        assert_eq!(bans.expire(100 + SLOW_SECONDS), [slow]);
        assert_eq!(active(&bans, 101), [liar]);
    }

    #[test]
    fn a_list_that_is_damaged_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bans.json"), b"{").unwrap();
        assert!(Bans::open(folder.path()).unwrap_err().to_string().contains("bans.json"));
    }

    #[test]
    fn the_list_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut bans = Bans::open(folder.path()).unwrap();
        for at in 0..MAX_BANS as u64 {
            let ban = Ban { reason: String::new(), at: at + 1, until: None };
            bans.list.insert(PeerId::random().to_string(), ban);
        }
        let oldest: PeerId = bans.list.iter().min_by_key(|(_, ban)| ban.at).unwrap().0.parse().unwrap();
        assert_eq!(bans.add(PeerId::random(), Fault::Slow, 10_000).unwrap(), Some(oldest));
        assert_eq!(bans.list.len(), MAX_BANS);
    }
}
