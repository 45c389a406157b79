//! A state of which only some is known: the nodes of a proof.

use super::{decode, Commit, Fault};
use assay_types::{Hash, Tenure};
use codec::Encode;
use sp_core::Blake2Hasher;
use sp_crypto_hashing::{blake2_128, twox_128, twox_64};
use sp_trie::{LayoutV1, MemoryDB, StorageProof, Trie, TrieDBBuilder, TrieDBIterator};

/// How states are laid out; reading needs no distinction between the two versions.
pub(super) type Layout = LayoutV1<Blake2Hasher>;

/// What is known of the state with this root.
pub(super) struct State {
    root: Hash,
    nodes: MemoryDB<Blake2Hasher>,
}

impl State {
    /// The state with `root`, of which `nodes` are known. They are kept by their hashes, so that one that does not belong
    /// there is never found.
    pub fn new(root: Hash, nodes: Vec<Vec<u8>>) -> Self {
        Self { root, nodes: StorageProof::new(nodes).into_memory_db() }
    }

    fn get(&self, key: &[u8], what: &'static str) -> Result<Option<Vec<u8>>, Fault> {
        let trie = TrieDBBuilder::<Layout>::new(&self.nodes, &self.root).build();
        trie.get(key).map_err(|_| Fault::State(what))
    }

    /// The hash of the chain's first block.
    pub fn genesis(&self) -> Result<Hash, Fault> {
        let what = "hash of the first block";
        let value = self.get(&genesis_key(), what)?;
        decode(value, what)?.ok_or(Fault::Absent(what))
    }

    /// The draw of the election of `tenure`.
    pub fn draw(&self, tenure: Tenure) -> Result<Option<Vec<u8>>, Fault> {
        self.get(&draw_key(tenure), "a draw")
    }

    /// What `candidate` committed to the election of `tenure`.
    pub fn commit(&self, tenure: Tenure, candidate: &[u8; 32]) -> Result<Option<Vec<u8>>, Fault> {
        self.get(&commit_key(tenure, candidate), "a commitment")
    }

    /// Everything that was committed to the election of `tenure`, in the order of the state. A proof from which one is
    /// missing fails: the trie names all of its branches.
    pub fn commits(&self, tenure: Tenure) -> Result<Vec<([u8; 32], Commit)>, Fault> {
        let what = "every commitment";
        let trie = TrieDBBuilder::<Layout>::new(&self.nodes, &self.root).build();
        let entries = TrieDBIterator::new_prefixed(&trie, &commits_prefix(tenure)).map_err(|_| Fault::State(what))?;
        let mut commits = Vec::new();
        for entry in entries {
            let (key, value) = entry.map_err(|_| Fault::State(what))?;
            // The key ends with the account itself.
            let candidate = key.last_chunk().ok_or(Fault::Shape("key of a commitment"))?;
            commits.push((*candidate, decode(Some(value), "commitment")?.ok_or(Fault::Absent("commitment"))?));
        }
        Ok(commits)
    }
}

fn item(pallet: &[u8], name: &[u8]) -> Vec<u8> {
    [twox_128(pallet), twox_128(name)].concat()
}

fn twox_64_concat(mut key: Vec<u8>, part: u32) -> Vec<u8> {
    let part = part.encode();
    key.extend(twox_64(&part));
    key.extend(part);
    key
}

pub(super) fn genesis_key() -> Vec<u8> {
    twox_64_concat(item(b"System", b"BlockHash"), 0)
}

pub(super) fn draw_key(tenure: Tenure) -> Vec<u8> {
    twox_64_concat(item(b"Elections", b"Draws"), tenure)
}

pub(super) fn commits_prefix(tenure: Tenure) -> Vec<u8> {
    twox_64_concat(item(b"Elections", b"Commits"), tenure)
}

pub(super) fn commit_key(tenure: Tenure, candidate: &[u8; 32]) -> Vec<u8> {
    let mut key = commits_prefix(tenure);
    key.extend(blake2_128(candidate));
    key.extend(candidate);
    key
}
