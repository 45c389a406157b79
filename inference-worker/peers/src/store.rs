//! The blocks on disk, one file for each, named by its content id.
//!
//! A block is checked when it is written and whenever it is read, so nothing that happens to the disk is ever served or
//! used: a damaged block is dropped, as if it had never been there. Files are written beside and moved into place; what a
//! kill leaves half written is thrown away at the next start. Blocks are dropped, the longest unused first, where room is
//! needed; those of payloads that somebody holds stay.

use crate::tree::{BlockId, Codec, Content, TooLong, Tree, WrongLayout};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use thiserror::Error;

/// Bytes that a store keeps where nothing else is said.
pub const DEFAULT_LIMIT: u64 = 2 * 1024 * 1024 * 1024;
/// Payloads that are held at most.
pub const MAX_HELD: usize = 10_000;
/// Share of the limit that is free after blocks were dropped to make room: one part in this many.
const SPARE: u64 = 10;

/// Why the store refused.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the payloads in {0} are in use by another process: give another folder")]
    InUse(PathBuf),
    /// The disk refused.
    #[error("cannot {what} {path}: {error}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The bytes are not those that are named.
    #[error("these bytes are not {0}")]
    WrongBytes(BlockId),
    /// Everything that is kept is held, and there is no room for more.
    #[error("the payloads that are held fill the store of {0} bytes: raise its limit")]
    Full(u64),
    /// Too many payloads are held.
    #[error("{MAX_HELD} payloads are held; no more can be")]
    TooManyHeld,
    /// Whoever named the payload named one that cannot be.
    #[error(transparent)]
    WrongLayout(#[from] WrongLayout),
    /// A payload is too long.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// A name of a holder has other signs than letters, digits and dashes, or is too long.
    #[error("'{0}' is no name of a holder: up to 80 letters, digits and dashes")]
    BadHolder(String),
}

fn disk(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError::Disk { what, path, error }
}

/// A block that is there.
struct Kept {
    length: u64,
    /// When it was used last, in uses of the store.
    used: u64,
}

#[derive(Default)]
struct Index {
    blocks: HashMap<BlockId, Kept>,
    total: u64,
    uses: u64,
    held: BTreeMap<String, BTreeSet<Content>>,
}

/// The blocks on disk. One process at a time has them open.
pub struct Store {
    folder: PathBuf,
    limit: u64,
    index: Mutex<Index>,
    /// Locked as long as it is open.
    _lock: File,
}

impl Store {
    /// Opens the store in `folder`, making it if it is not there, to keep at most `limit` bytes.
    ///
    /// # Errors
    /// The folder cannot be used, or another process has it open.
    pub fn open(folder: &Path, limit: u64) -> Result<Self, StoreError> {
        for part in ["blocks", "held", "partial"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(disk("make the folder", &path))?;
        }
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(disk("write", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(folder.into())),
            Err(TryLockError::Error(error)) => return Err(disk("lock", &path)(error)),
        }
        let store = Self { folder: folder.into(), limit, index: Mutex::default(), _lock: lock };
        // What a kill left half written.
        for name in names(&store.folder.join("partial"))? {
            remove(&store.folder.join("partial").join(name))?;
        }
        store.read_index()?;
        Ok(store)
    }

    fn read_index(&self) -> Result<(), StoreError> {
        let mut found = Vec::new();
        for name in names(&self.folder.join("blocks"))? {
            let path = self.folder.join("blocks").join(&name);
            let about = fs::metadata(&path).map_err(disk("look at", &path))?;
            match name.parse::<BlockId>() {
                Ok(id) if about.is_file() => {
                    found.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), id, about.len()));
                }
                // A file of somebody else is left alone.
                _ => tracing::warn!(path = %path.display(), "this is no block"),
            }
        }
        found.sort();
        let mut index = self.index();
        for (_, id, length) in found {
            index.uses += 1;
            let used = index.uses;
            index.total += length;
            index.blocks.insert(id, Kept { length, used });
        }
        for name in names(&self.folder.join("held"))? {
            if let Some((holder, content)) = read_held(&name) {
                index.held.entry(holder).or_default().insert(content);
            }
        }
        Ok(())
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // Nothing that is done under the lock leaves it half done.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: &BlockId) -> PathBuf {
        self.folder.join("blocks").join(id.to_string())
    }

    /// The folder that it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes of all blocks.
    pub fn total(&self) -> u64 {
        self.index().total
    }

    /// Whether a block is there, as far as is known without reading it.
    pub fn has(&self, id: &BlockId) -> bool {
        self.index().blocks.contains_key(id)
    }

    /// Keeps a block.
    ///
    /// # Errors
    /// It is not the one that is named, there is no room, or the disk refused.
    pub fn put(&self, id: &BlockId, block: &[u8]) -> Result<(), StoreError> {
        if !id.names(block) {
            return Err(StoreError::WrongBytes(*id));
        }
        if self.has(id) {
            return Ok(());
        }
        let length = block.len() as u64;
        self.make_room(length)?;
        let mut random = [0; 8];
        // A name that another process could guess harms nobody: the folder is locked.
        let _ = getrandom::fill(&mut random);
        let partial = self.folder.join("partial").join(format!("{:016x}", u64::from_le_bytes(random)));
        let path = self.path(id);
        // Not forced to the disk: it is checked whenever it is read, so the worst that a lost write costs is to fetch again.
        fs::write(&partial, block).map_err(disk("write", &partial))?;
        fs::rename(&partial, &path).map_err(disk("write", &path))?;
        let mut index = self.index();
        index.uses += 1;
        let used = index.uses;
        if index.blocks.insert(*id, Kept { length, used }).is_none() {
            index.total += length;
        }
        Ok(())
    }

    /// Reads a block and checks it; one that is damaged is dropped.
    ///
    /// # Errors
    /// The disk refused.
    pub fn get(&self, id: &BlockId) -> Result<Option<Vec<u8>>, StoreError> {
        {
            let mut index = self.index();
            index.uses += 1;
            let uses = index.uses;
            match index.blocks.get_mut(id) {
                Some(kept) => kept.used = uses,
                None => return Ok(None),
            }
        }
        let path = self.path(id);
        let block = match fs::read(&path) {
            Ok(block) => block,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.forget(id);
                return Ok(None);
            }
            Err(error) => return Err(disk("read", &path)(error)),
        };
        if id.names(&block) {
            return Ok(Some(block));
        }
        tracing::warn!(path = %path.display(), "a block was damaged on disk and is dropped");
        remove(&path)?;
        self.forget(id);
        Ok(None)
    }

    fn forget(&self, id: &BlockId) {
        let mut index = self.index();
        if let Some(kept) = index.blocks.remove(id) {
            index.total = index.total.saturating_sub(kept.length);
        }
    }

    /// Drops blocks that nobody holds, the longest unused first, until `length` more bytes fit.
    fn make_room(&self, length: u64) -> Result<(), StoreError> {
        let fits = |total: u64| total.saturating_add(length) <= self.limit;
        if fits(self.total()) {
            return Ok(());
        }
        let held = self.held_blocks()?;
        let mut loose: Vec<(u64, BlockId)> = {
            let index = self.index();
            index.blocks.iter().filter(|(id, _)| !held.contains(id)).map(|(id, kept)| (kept.used, *id)).collect()
        };
        loose.sort();
        // Some more than is needed, so that not every block asks again.
        let enough = self.limit - self.limit / SPARE;
        for (_, id) in loose {
            if self.total().saturating_add(length) <= enough {
                break;
            }
            remove(&self.path(&id))?;
            self.forget(&id);
        }
        fits(self.total()).then_some(()).ok_or(StoreError::Full(self.limit))
    }

    /// The blocks of the payloads that are held, as far as their roots are there.
    fn held_blocks(&self) -> Result<HashSet<BlockId>, StoreError> {
        let contents: BTreeSet<Content> = self.index().held.values().flatten().copied().collect();
        let mut blocks = HashSet::new();
        for content in contents {
            let root = content.root();
            blocks.insert(root);
            if root.codec == Codec::DagPb {
                if let Some(block) = self.get(&root)? {
                    blocks.extend(content.leaves(&block).unwrap_or_default());
                }
            }
        }
        Ok(blocks)
    }

    /// Keeps a whole payload for `holder` until it is [released](Self::release).
    ///
    /// # Errors
    /// It is too long, there is no room, or the disk refused.
    pub fn add(&self, holder: &str, payload: &[u8]) -> Result<Content, StoreError> {
        let tree = Tree::of(payload)?;
        self.hold(holder, tree.content)?;
        // The root first: what is held is known from it.
        if let Some(root) = &tree.root {
            self.put(&tree.content.root(), root)?;
        }
        for (id, leaf) in &tree.leaves {
            self.put(id, leaf)?;
        }
        Ok(tree.content)
    }

    /// The blocks of a payload that are not there, each with the length that it must have: only the root, which may have
    /// any, where that is missing.
    ///
    /// # Errors
    /// The root, which is there, is not one of a payload of this length, or the disk refused.
    pub fn missing(&self, content: &Content) -> Result<Vec<(BlockId, Option<usize>)>, StoreError> {
        let root = content.root();
        let Some(block) = self.get(&root)? else { return Ok(vec![(root, None)]) };
        let leaves = content.leaves(&block)?.into_iter().enumerate();
        let missing = leaves.filter(|(_, id)| !self.has(id));
        Ok(missing.map(|(index, id)| (id, Some(content.leaf_length(index)))).collect())
    }

    /// Reads a whole payload; `None` if a part of it is missing.
    ///
    /// # Errors
    /// The root is not one of a payload of this length, a leaf has another length than the root says, or the disk refused.
    pub fn read(&self, content: &Content) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(root) = self.get(&content.root())? else { return Ok(None) };
        let leaves = content.leaves(&root)?;
        if content.root().codec == Codec::Raw {
            return Ok(Some(root));
        }
        let mut payload = Vec::with_capacity(content.length as usize);
        for (index, leaf) in leaves.iter().enumerate() {
            match self.get(leaf)? {
                Some(block) if block.len() == content.leaf_length(index) => payload.extend_from_slice(&block),
                Some(_) => return Err(WrongLayout.into()),
                None => return Ok(None),
            }
        }
        Ok(Some(payload))
    }

    /// Keeps the blocks of a payload, those that are there and those that come, for `holder`.
    ///
    /// # Errors
    /// What is held would not fit, `holder` is no name, or the disk refused.
    pub fn hold(&self, holder: &str, content: Content) -> Result<(), StoreError> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if holder.is_empty() || holder.len() > 80 || !holder.bytes().all(is_name) {
            return Err(StoreError::BadHolder(holder.chars().take(80).collect()));
        }
        {
            let mut index = self.index();
            if index.held.get(holder).is_some_and(|held| held.contains(&content)) {
                return Ok(());
            }
            let all: BTreeSet<&Content> = index.held.values().flatten().collect();
            let others: u64 = all.iter().filter(|held| ***held != content).map(|held| u64::from(held.length)).sum();
            if others.saturating_add(u64::from(content.length)) > self.limit {
                return Err(StoreError::Full(self.limit));
            }
            if index.held.values().map(BTreeSet::len).sum::<usize>() >= MAX_HELD {
                return Err(StoreError::TooManyHeld);
            }
            index.held.entry(holder.into()).or_default().insert(content);
        }
        let path = self.folder.join("held").join(held_name(holder, &content));
        File::create(&path).map(drop).map_err(disk("write", &path))
    }

    /// Ends what `holder` holds: its blocks stay until their room is needed.
    ///
    /// # Errors
    /// The disk refused.
    pub fn release(&self, holder: &str) -> Result<(), StoreError> {
        let held = self.index().held.remove(holder).unwrap_or_default();
        held.iter().try_for_each(|content| remove(&self.folder.join("held").join(held_name(holder, content))))
    }

    /// What is held, by holder.
    pub fn held(&self) -> BTreeMap<String, BTreeSet<Content>> {
        self.index().held.clone()
    }
}

/// The name of the file that says that `holder` holds a payload.
fn held_name(holder: &str, content: &Content) -> String {
    format!("{holder}.{}.{}", content.length, content.root())
}

fn read_held(name: &str) -> Option<(String, Content)> {
    let mut parts = name.split('.');
    let (holder, length, root) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse::<BlockId>().ok()?);
    let content = Content { digest: root.digest, length };
    (held_name(holder, &content) == name).then(|| (holder.to_owned(), content))
}

/// The names of what is in a folder.
fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(disk("read the folder", folder))?;
    Ok(entries.into_iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::LEAF;
    use proptest::prelude::*;

    fn bytes(length: usize, seed: u8) -> Vec<u8> {
        (0..length).map(|i| (i as u8).wrapping_mul(31).wrapping_add((i >> 16) as u8).wrapping_add(seed)).collect()
    }

    fn raw(block: &[u8]) -> BlockId {
        BlockId::of(Codec::Raw, block)
    }

    #[test]
    fn what_is_kept_is_there_after_a_new_start() {
        let folder = tempfile::tempdir().unwrap();
        let payload = bytes(2 * LEAF + 5, 1);
        let content = {
            let store = Store::open(folder.path(), DEFAULT_LIMIT).unwrap();
            let content = store.add("task-1", &payload).unwrap();
            assert_eq!(store.read(&content).unwrap().as_ref(), Some(&payload));
            content
        };
        let store = Store::open(folder.path(), DEFAULT_LIMIT).unwrap();
        assert_eq!(store.read(&content).unwrap(), Some(payload));
        assert_eq!(store.missing(&content).unwrap(), []);
        assert_eq!(store.held(), BTreeMap::from([("task-1".to_owned(), BTreeSet::from([content]))]));
        store.release("task-1").unwrap();
        drop(store);
        assert!(Store::open(folder.path(), DEFAULT_LIMIT).unwrap().held().is_empty());
    }

    #[test]
    fn what_a_kill_left_half_written_is_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path(), 1_000).unwrap());
        fs::write(folder.path().join("partial/0123"), b"half").unwrap();
        fs::write(folder.path().join("blocks/notes.txt"), b"not ours").unwrap();
        let store = Store::open(folder.path(), 1_000).unwrap();
        assert!(!folder.path().join("partial/0123").exists());
        assert!(folder.path().join("blocks/notes.txt").exists());
        assert_eq!(store.total(), 0);
    }

    #[test]
    fn one_process_at_a_time_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1_000).unwrap();
        assert!(matches!(Store::open(folder.path(), 1_000), Err(StoreError::InUse(_))));
        drop(store);
        assert!(Store::open(folder.path(), 1_000).is_ok());
    }

    #[test]
    fn bytes_that_are_not_the_block_are_neither_written_nor_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1_000).unwrap();
        let id = raw(b"right");
        assert!(matches!(store.put(&id, b"wrong"), Err(StoreError::WrongBytes(wrong)) if wrong == id));
        assert!(!store.has(&id));
        store.put(&id, b"right").unwrap();
        // One bit of the disk, and a file that lost its end.
        for damaged in [&b"rigHt"[..], b"righ", b""] {
            fs::write(store.path(&id), damaged).unwrap();
            assert_eq!(store.get(&id).unwrap(), None);
            assert!(!store.has(&id) && !store.path(&id).exists());
            store.put(&id, b"right").unwrap();
            assert_eq!(store.get(&id).unwrap().as_deref(), Some(&b"right"[..]));
        }
        fs::remove_file(store.path(&id)).unwrap();
        assert_eq!(store.get(&id).unwrap(), None);
        assert_eq!(store.total(), 0);
    }

    #[test]
    fn room_is_made_by_dropping_what_nobody_holds_and_was_used_least() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1_000).unwrap();
        let held = store.add("task", &bytes(300, 0)).unwrap();
        let blocks: Vec<_> = (1..=3).map(|seed| bytes(200, seed)).collect();
        for block in &blocks {
            store.put(&raw(block), block).unwrap();
        }
        // The oldest but one is the longest unused now.
        assert!(store.get(&raw(&blocks[0])).unwrap().is_some());
        let more = bytes(200, 4);
        store.put(&raw(&more), &more).unwrap();
        let kept: Vec<_> = blocks.iter().map(|block| store.has(&raw(block))).collect();
        assert_eq!(kept, [true, false, true]);
        assert!(store.read(&held).unwrap().is_some() && store.total() <= 1_000);
        // All that is held stays, whatever is wanted.
        assert!(matches!(store.hold("other", Content { digest: [7; 32], length: 701 }), Err(StoreError::Full(1_000))));
        let large = bytes(800, 5);
        assert!(matches!(store.put(&raw(&large), &large), Err(StoreError::Full(1_000))));
        assert!(store.read(&held).unwrap().is_some());
        store.release("task").unwrap();
        store.put(&raw(&large), &large).unwrap();
        assert!(store.read(&held).unwrap().is_none());
    }

    #[test]
    fn leaves_of_what_is_held_stay_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 4 * LEAF as u64).unwrap();
        let content = store.add("task", &bytes(2 * LEAF + 1, 0)).unwrap();
        for seed in 1..=8 {
            let block = bytes(LEAF, seed);
            store.put(&raw(&block), &block).unwrap();
        }
        assert!(store.read(&content).unwrap().is_some());
    }

    #[test]
    fn a_payload_that_cannot_be_as_it_is_named_is_told_from_one_that_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), DEFAULT_LIMIT).unwrap();
        let content = store.add("task", &bytes(LEAF + 9, 0)).unwrap();
        for length in [LEAF as u32 + 8, LEAF as u32 - 1] {
            let lie = Content { length, ..content };
            let honest = lie.root() != content.root();
            assert_eq!(matches!(store.read(&lie), Err(StoreError::WrongLayout(_))), !honest, "{length}");
            assert_eq!(matches!(store.missing(&lie), Err(StoreError::WrongLayout(_))), !honest, "{length}");
        }
        // A root that says of a leaf what is not true of it.
        let (long, short) = (bytes(LEAF, 1), bytes(3, 2));
        let tree = Tree::of(&short).unwrap();
        let mut root = Tree::of(&[&long[..], &[0; 9]].concat()).unwrap().root.unwrap();
        let leaf = raw(&[0; 9]).digest;
        let place = root.windows(32).position(|bytes| bytes == leaf).unwrap();
        root[place..place + 32].copy_from_slice(&tree.content.digest);
        let lie = Content::of_root(Codec::DagPb, &root).unwrap();
        store.put(&lie.root(), &root).unwrap();
        store.put(&raw(&long), &long).unwrap();
        assert_eq!(store.read(&lie).unwrap(), None);
        assert_eq!(store.missing(&lie).unwrap(), [(raw(&short), Some(9))]);
        store.put(&raw(&short), &short).unwrap();
        assert!(matches!(store.read(&lie), Err(StoreError::WrongLayout(_))));
    }

    #[test]
    fn names_of_holders_are_names() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1_000).unwrap();
        let content = Content::of(b"x").unwrap();
        for name in ["", "../up", "a.b", "ü", &"x".repeat(81)] {
            assert!(matches!(store.hold(name, content), Err(StoreError::BadHolder(_))), "{name}");
        }
        assert!(matches!(store.add("x", &vec![0; 1 << 26]), Err(StoreError::TooLong(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_payload_comes_back_or_is_missed_where_one_block_of_it_is_gone(
            length in 0..3 * LEAF,
            seed in any::<u8>(),
            gone in any::<proptest::sample::Index>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path(), DEFAULT_LIMIT).unwrap();
            let payload = bytes(length, seed);
            let content = store.add("test", &payload).unwrap();
            prop_assert!(store.read(&content).unwrap().as_ref() == Some(&payload));
            let files = names(&folder.path().join("blocks")).unwrap();
            let gone = &files[gone.index(files.len())];
            fs::write(folder.path().join("blocks").join(gone), b"damaged").unwrap();
            prop_assert_eq!(store.read(&content).unwrap(), None);
            let missing: Vec<_> = store.missing(&content).unwrap().into_iter().map(|(id, _)| id).collect();
            prop_assert_eq!(missing, [gone.parse().unwrap()]);
            store.add("test", &payload).unwrap();
            prop_assert_eq!(store.read(&content).unwrap(), Some(payload));
        }
    }
}
