//! What is final on disk, and what is not yet in memory.

use super::record::{Answered, Asked, Block, Change, Found, Record};
use crate::{journal::Inclusion, solver::decide::State};
use assay_types::{BlockNumber, Hash, ModelId, TaskId};
use codec::{Decode, Encode};
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use std::{
    collections::{btree_map::Entry, BTreeMap, VecDeque},
    path::Path,
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use subxt::utils::AccountId32;
use thiserror::Error;
use tokio::sync::watch;

/// Everything but payloads, by task.
const TASKS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("tasks");
/// What tasks ask, by task.
const ASKED: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("asked");
/// The answers that stand, by task.
const ANSWERS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("answers");
/// Tasks by the transaction that submitted them.
const TRANSACTIONS: TableDefinition<'_, [u8; 32], [u8; 32]> = TableDefinition::new("transactions");
/// Tasks by a kind of key, the key, the height at which they were submitted, and their id.
const LISTS: TableDefinition<'_, Place, ()> = TableDefinition::new("lists");
/// What the index belongs to and how far it has come.
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Version of the layout.
const LAYOUT: u32 = 1;
/// Name of the last block on disk in [`META`].
const TIP: &str = "tip";
/// Most tasks that are looked at for one page of a list.
const MOST_LOOKED_AT: usize = 2_000;

/// A place in a list.
type Place = (u8, [u8; 32], u32, [u8; 32]);

/// Why the index refused.
#[derive(Debug, Error)]
pub enum IndexError {
    /// Another process has it open.
    #[error("the index in {0} is in use by another gateway")]
    InUse(String),
    /// It was built from another chain.
    #[error("the index is of the chain with genesis {index:?}, the node serves {node:?}: give another --data or --url, or build the index anew with --reindex")]
    OtherChain {
        /// Genesis that the index remembers.
        index: Hash,
        /// Genesis of the chain that the node serves.
        node: Hash,
    },
    /// The chain has the same genesis and another history.
    #[error("the index has block {index:?} at height {height}, the node's chain has {node:?}: it is another chain with the same genesis, or was begun anew; build the index anew with --reindex")]
    OtherHistory {
        /// The height.
        height: BlockNumber,
        /// Hash of the block there in the index.
        index: Hash,
        /// Hash of the block there, or of the parent of the next, on the node's chain.
        node: Hash,
    },
    /// It was written by another version of the gateway.
    #[error("the index has layout {0}, this gateway reads layout {LAYOUT}: build it anew with --reindex")]
    OtherLayout(u32),
    /// A record cannot be read, or there is none where one must be.
    #[error("the index is damaged at task {0:?}: build it anew with --reindex")]
    Damaged(TaskId),
    /// The disk refused; what was recorded before is intact.
    #[error("cannot use the index: {0}")]
    Disk(redb::Error),
}

macro_rules! from_disk {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for IndexError {
            fn from(error: redb::$error) -> Self {
                Self::Disk(error.into())
            }
        }
    )*};
}
from_disk!(StorageError, TableError, TransactionError, CommitError, DatabaseError);

impl From<IndexError> for crate::failure::Failure {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::OtherChain { .. } | IndexError::OtherHistory { .. } => Self::WrongChain(error.to_string()),
            error => Self::Journal(error.to_string()),
        }
    }
}

/// By what tasks are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All of them.
    All,
    /// Those of one owner.
    Owner(AccountId32),
    /// Those that ask one model.
    Model(ModelId),
    /// Those whose standing solution is one solver's.
    Solver(AccountId32),
    /// Those in one state.
    State(State),
}

impl Kind {
    fn key(self) -> (u8, [u8; 32]) {
        match self {
            Self::All => (0, [0; 32]),
            Self::Owner(account) => (1, account.0),
            Self::Model(model) => (2, model.0),
            Self::Solver(account) => (3, account.0),
            Self::State(state) => {
                let mut key = [0; 32];
                // On disk: a change of the order of states is a change of the layout.
                key[0] = state as u8;
                (4, key)
            }
        }
    }

    fn holds(self, record: &Record) -> bool {
        match self {
            Self::All => true,
            Self::Owner(account) => record.submitter == account,
            Self::Model(model) => record.model == model,
            Self::Solver(account) => record.solution().is_some_and(|(solver, _)| solver == account),
            Self::State(state) => record.state() == state,
        }
    }
}

/// Which tasks are listed: those for which everything that is given holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Who asked.
    pub owner: Option<AccountId32>,
    /// The model that is asked.
    pub model: Option<ModelId>,
    /// Whose solution stands.
    pub solver: Option<AccountId32>,
    /// Where they are in their life.
    pub state: Option<State>,
}

impl Filter {
    /// What is given, what divides tasks most first.
    fn kinds(&self) -> Vec<Kind> {
        let given = [
            self.owner.map(Kind::Owner),
            self.solver.map(Kind::Solver),
            self.model.map(Kind::Model),
            self.state.map(Kind::State),
        ];
        let mut kinds: Vec<_> = given.into_iter().flatten().collect();
        if kinds.is_empty() {
            kinds.push(Kind::All);
        }
        kinds
    }
}

/// A page of a list, newest tasks first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The tasks.
    pub tasks: Vec<Found>,
    /// Where the next page begins: height and task after which to go on. `None` at the end.
    pub next: Option<(BlockNumber, TaskId)>,
}

/// Best blocks that may still be undone.
#[derive(Default)]
struct Overlay {
    /// They follow each other; the first follows the last one on disk.
    blocks: VecDeque<Block>,
    /// The tasks that they touch, with what is on disk of them.
    touched: BTreeMap<TaskId, Found>,
    asked: BTreeMap<TaskId, Asked>,
    answers: BTreeMap<TaskId, Answered>,
    transactions: BTreeMap<Hash, TaskId>,
}

/// The index. One process at a time has it open.
pub struct Index {
    database: Database,
    overlay: RwLock<Overlay>,
    changed: watch::Sender<u64>,
}

impl Index {
    /// Opens the index in `folder`, making both if they are not there; `anew` drops what is there.
    ///
    /// # Errors
    /// The folder or file cannot be used, another process has it open, or another version wrote it.
    pub fn open(folder: &Path, anew: bool) -> Result<Self, IndexError> {
        let disk = |error: std::io::Error| IndexError::Disk(error.into());
        std::fs::create_dir_all(folder).map_err(disk)?;
        let path = folder.join("index.redb");
        let opened = Database::create(&path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => IndexError::InUse(folder.display().to_string()),
            error => IndexError::Disk(error.into()),
        });
        let database = match opened {
            // Only an index that nobody has open is dropped, whatever is in it.
            Ok(_) | Err(IndexError::Disk(_)) if anew => {
                drop(opened);
                if path.exists() {
                    std::fs::remove_file(&path).map_err(disk)?;
                }
                Database::create(&path)?
            }
            opened => opened?,
        };
        Self::prepare(database)
    }

    /// Opens an index on another storage than a file.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn on(backend: impl StorageBackend) -> Result<Self, IndexError> {
        Self::prepare(redb::Builder::new().create_with_backend(backend)?)
    }

    fn prepare(database: Database) -> Result<Self, IndexError> {
        let write = database.begin_write()?;
        {
            write.open_table(TASKS)?;
            write.open_table(ASKED)?;
            write.open_table(ANSWERS)?;
            write.open_table(TRANSACTIONS)?;
            write.open_table(LISTS)?;
            let mut meta = write.open_table(META)?;
            let layout = meta.get("layout")?.map(|value| u32::decode(&mut value.value()).unwrap_or_default());
            match layout {
                Some(LAYOUT) => {}
                Some(other) => return Err(IndexError::OtherLayout(other)),
                None => {
                    meta.insert("layout", LAYOUT.encode().as_slice())?;
                }
            }
        }
        write.commit()?;
        let (changed, _) = watch::channel(0);
        Ok(Self { database, overlay: RwLock::default(), changed })
    }

    /// Ties a new index to a chain, to be built from the block after `begin` on, and checks the chain of an old one.
    ///
    /// # Errors
    /// It belongs to another chain, or cannot be written.
    pub fn bind(&self, genesis: Hash, begin: Inclusion) -> Result<(), IndexError> {
        let write = self.database.begin_write()?;
        {
            let mut meta = write.open_table(META)?;
            let stored: Option<[u8; 32]> = meta.get("genesis")?.and_then(|value| value.value().try_into().ok());
            match stored.map(Hash::from) {
                Some(index) if index != genesis => return Err(IndexError::OtherChain { index, node: genesis }),
                Some(_) => {}
                None => {
                    meta.insert("genesis", genesis.as_bytes())?;
                    meta.insert("begin", begin.encode().as_slice())?;
                    meta.insert(TIP, begin.encode().as_slice())?;
                }
            }
        }
        write.commit()?;
        Ok(())
    }

    fn meta(&self, name: &str) -> Result<Option<Inclusion>, IndexError> {
        let read = self.database.begin_read()?;
        let meta = read.open_table(META)?;
        let value = meta.get(name)?;
        Ok(value.and_then(|value| Inclusion::decode(&mut value.value()).ok()))
    }

    /// The last block that is on disk. `None` until the index is tied to a chain.
    ///
    /// # Errors
    /// The disk refused.
    pub fn tip(&self) -> Result<Option<Inclusion>, IndexError> {
        self.meta(TIP)
    }

    /// The block after which the index begins: nothing is known of tasks that were submitted before.
    ///
    /// # Errors
    /// The disk refused.
    pub fn begin(&self) -> Result<Option<Inclusion>, IndexError> {
        self.meta("begin")
    }

    /// The newest block that was taken in, whether it can be undone or not.
    ///
    /// # Errors
    /// The disk refused.
    pub fn best(&self) -> Result<Option<Inclusion>, IndexError> {
        let last = self.read().blocks.back().map(|block| block.at);
        last.map_or_else(|| self.tip(), |at| Ok(Some(at)))
    }

    /// The best blocks that may still be undone, oldest first.
    pub(super) fn unfinished(&self) -> Vec<Block> {
        self.read().blocks.iter().cloned().collect()
    }

    /// A number that changes with every change of the index.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn read(&self) -> RwLockReadGuard<'_, Overlay> {
        self.overlay.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Overlay> {
        self.overlay.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes blocks to disk, in one transaction, that follow the last one there and can never be undone. What was
    /// known of other blocks at these heights is forgotten.
    ///
    /// # Errors
    /// They do not follow it, or the disk refused: then nothing is changed.
    pub fn finalise(&self, blocks: &[Block]) -> Result<(), IndexError> {
        let Some(last) = blocks.last() else { return Ok(()) };
        let mut overlay = self.write();
        let write = self.database.begin_write()?;
        {
            let mut meta = write.open_table(META)?;
            let mut tables = Tables {
                tasks: write.open_table(TASKS)?,
                asked: write.open_table(ASKED)?,
                answers: write.open_table(ANSWERS)?,
                transactions: write.open_table(TRANSACTIONS)?,
                lists: write.open_table(LISTS)?,
            };
            let mut tip = meta.get(TIP)?.and_then(|value| Inclusion::decode(&mut value.value()).ok());
            for block in blocks {
                if let Some(Inclusion { number, hash }) = tip {
                    if block.parent != hash || number.checked_add(1) != Some(block.at.number) {
                        return Err(IndexError::OtherHistory { height: number, index: hash, node: block.parent });
                    }
                }
                for change in &block.changes {
                    tables.change(block.at, change)?;
                }
                tip = Some(block.at);
            }
            meta.insert(TIP, last.at.encode().as_slice())?;
        }
        write.commit()?;
        let mut rest = std::mem::take(&mut overlay.blocks);
        while rest.front().is_some_and(|block| block.at.number <= last.at.number) {
            rest.pop_front();
        }
        if rest.front().is_some_and(|block| block.parent != last.at.hash) {
            rest.clear();
        }
        *overlay = self.lay(rest)?;
        drop(overlay);
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }

    /// Takes `blocks` as the best chain after the last block on disk, in place of what was the best chain before.
    ///
    /// # Errors
    /// The disk refused: then nothing is changed.
    pub fn follow(&self, blocks: Vec<Block>) -> Result<(), IndexError> {
        let mut overlay = self.write();
        *overlay = self.lay(blocks.into())?;
        drop(overlay);
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }

    fn lay(&self, blocks: VecDeque<Block>) -> Result<Overlay, IndexError> {
        let mut overlay = Overlay::default();
        let read = self.database.begin_read()?;
        let tasks = read.open_table(TASKS)?;
        for block in &blocks {
            for change in &block.changes {
                let task = change.task();
                match change {
                    Change::New(asked) => {
                        overlay.asked.insert(task, (**asked).clone());
                        if let Some(transaction) = asked.transaction {
                            overlay.transactions.insert(transaction, task);
                        }
                        let record = Record::new(asked, block.at);
                        overlay.touched.insert(task, Found { record, finals: 0 });
                        continue;
                    }
                    Change::Answer(_, answer) => {
                        overlay.answers.insert(task, answer.clone());
                    }
                    Change::Other(..) => {}
                }
                let found = match overlay.touched.entry(task) {
                    Entry::Occupied(entry) => Some(entry.into_mut()),
                    // A task from before the index began is none of its concern.
                    Entry::Vacant(entry) => {
                        load(&tasks, &task)?.map(|record| entry.insert(Found { finals: record.facts.len(), record }))
                    }
                };
                if let Some(found) = found {
                    found.record.change(block.at, change);
                }
            }
        }
        overlay.blocks = blocks;
        Ok(overlay)
    }

    /// A task.
    ///
    /// # Errors
    /// The record is damaged, or the disk refused.
    pub fn task(&self, task: &TaskId) -> Result<Option<Found>, IndexError> {
        let overlay = self.read();
        if let Some(found) = overlay.touched.get(task) {
            return Ok(Some(found.clone()));
        }
        let tasks = self.database.begin_read()?.open_table(TASKS)?;
        Ok(load(&tasks, task)?.map(|record| Found { finals: record.facts.len(), record }))
    }

    /// The task that the transaction with this hash submitted.
    ///
    /// # Errors
    /// The disk refused.
    pub fn by_transaction(&self, transaction: &Hash) -> Result<Option<TaskId>, IndexError> {
        let overlay = self.read();
        if let Some(task) = overlay.transactions.get(transaction) {
            return Ok(Some(*task));
        }
        let transactions = self.database.begin_read()?.open_table(TRANSACTIONS)?;
        let task = transactions.get(transaction.0)?.map(|task| task.value().into());
        Ok(task)
    }

    /// What a task asks.
    ///
    /// # Errors
    /// The record is damaged, or the disk refused.
    pub fn asked(&self, task: &TaskId) -> Result<Option<Asked>, IndexError> {
        let overlay = self.read();
        if let Some(asked) = overlay.asked.get(task) {
            return Ok(Some(asked.clone()));
        }
        let asked = self.database.begin_read()?.open_table(ASKED)?;
        let asked = asked.get(task.0)?.map(|value| Asked::decode(&mut value.value()));
        asked.transpose().map_err(|_| IndexError::Damaged(*task))
    }

    /// The answer to a task that stands.
    ///
    /// # Errors
    /// The record is damaged, or the disk refused.
    pub fn answer(&self, task: &TaskId) -> Result<Option<Answered>, IndexError> {
        let overlay = self.read();
        if let Some(answer) = overlay.answers.get(task) {
            return Ok(Some(answer.clone()));
        }
        let answers = self.database.begin_read()?.open_table(ANSWERS)?;
        let answer = answers.get(task.0)?.map(|value| Answered::decode(&mut value.value()));
        answer.transpose().map_err(|_| IndexError::Damaged(*task))
    }

    /// A page of at most `most` tasks, newest first, after the place at which another page ended. A page may be shorter, even
    /// empty, and not be the last: so many tasks are looked at for one page at most.
    ///
    /// # Errors
    /// A record is damaged, or the disk refused.
    pub fn list(
        &self,
        filter: &Filter,
        after: Option<(BlockNumber, TaskId)>,
        most: usize,
    ) -> Result<Listed, IndexError> {
        let kinds = filter.kinds();
        let (kind, key) = kinds.first().copied().unwrap_or(Kind::All).key();
        let end = after.map_or((u32::MAX, [u8::MAX; 32]), |(number, task)| (number, task.0));
        let before = |record: &Record| (record.submitted_at(), record.task.0) < end;
        let fits = |record: &Record| kinds.iter().all(|kind| kind.holds(record));

        let overlay = self.read();
        let touched = overlay.touched.values().filter(|found| before(&found.record) && fits(&found.record));
        let mut touched: Vec<_> = touched.collect();
        touched.sort_by_key(|found| (found.record.submitted_at(), found.record.task));

        let read = self.database.begin_read()?;
        let (lists, tasks) = (read.open_table(LISTS)?, read.open_table(TASKS)?);
        let mut listed = Listed::default();
        let (mut looked_at, mut last) = (0, after);
        for entry in lists.range((kind, key, 0, [0; 32])..(kind, key, end.0, end.1))?.rev() {
            let (_, _, number, task) = entry?.0.value();
            // Tasks of which more is known than what is on disk come at their own places.
            while let Some(found) =
                touched.pop_if(|found| (found.record.submitted_at(), found.record.task.0) > (number, task))
            {
                if listed.tasks.len() == most {
                    return Ok(listed.until(last));
                }
                last = Some((found.record.submitted_at(), found.record.task));
                listed.tasks.push(found.clone());
            }
            if listed.tasks.len() == most || looked_at == MOST_LOOKED_AT {
                return Ok(listed.until(last));
            }
            looked_at += 1;
            let task = TaskId::from(task);
            last = Some((number, task));
            if overlay.touched.contains_key(&task) {
                continue;
            }
            let record = load(&tasks, &task)?.ok_or(IndexError::Damaged(task))?;
            if fits(&record) {
                listed.tasks.push(Found { finals: record.facts.len(), record });
            }
        }
        while let Some(found) = touched.pop() {
            if listed.tasks.len() == most {
                return Ok(listed.until(last));
            }
            last = Some((found.record.submitted_at(), found.record.task));
            listed.tasks.push(found.clone());
        }
        Ok(listed)
    }
}

impl Listed {
    /// There is more, after the place that was looked at last.
    fn until(self, last: Option<(BlockNumber, TaskId)>) -> Self {
        Self { next: last, ..self }
    }
}

fn load(tasks: &impl ReadableTable<[u8; 32], &'static [u8]>, task: &TaskId) -> Result<Option<Record>, IndexError> {
    let record = tasks.get(task.0)?.map(|value| Record::decode(&mut value.value()));
    record.transpose().map_err(|_| IndexError::Damaged(*task))
}

/// The tables that a block changes.
struct Tables<'a> {
    tasks: redb::Table<'a, [u8; 32], &'static [u8]>,
    asked: redb::Table<'a, [u8; 32], &'static [u8]>,
    answers: redb::Table<'a, [u8; 32], &'static [u8]>,
    transactions: redb::Table<'a, [u8; 32], [u8; 32]>,
    lists: redb::Table<'a, Place, ()>,
}

impl Tables<'_> {
    fn change(&mut self, at: Inclusion, change: &Change) -> Result<(), IndexError> {
        let task = change.task();
        let (before, after) = match change {
            Change::New(asked) => {
                self.asked.insert(task.0, asked.encode().as_slice())?;
                if let Some(transaction) = asked.transaction {
                    self.transactions.insert(transaction.0, task.0)?;
                }
                (None, Record::new(asked, at))
            }
            change => {
                // A task from before the index began is none of its concern.
                let Some(before) = load(&self.tasks, &task)? else { return Ok(()) };
                if let Change::Answer(_, answer) = change {
                    self.answers.insert(task.0, answer.encode().as_slice())?;
                }
                let mut after = before.clone();
                after.change(at, change);
                (Some(before), after)
            }
        };
        self.tasks.insert(task.0, after.encode().as_slice())?;
        let (old, new) = (before.as_ref().map(places).unwrap_or_default(), places(&after));
        for place in old.iter().filter(|place| !new.contains(place)) {
            self.lists.remove(place)?;
        }
        for place in new.iter().filter(|place| !old.contains(place)) {
            self.lists.insert(place, ())?;
        }
        Ok(())
    }
}

/// The places of a task in the lists.
fn places(record: &Record) -> Vec<Place> {
    let mut kinds =
        vec![Kind::All, Kind::Owner(record.submitter), Kind::Model(record.model), Kind::State(record.state())];
    kinds.extend(record.solution().map(|(solver, _)| Kind::Solver(solver)));
    let place = |kind: Kind| {
        let (kind, key) = kind.key();
        (kind, key, record.submitted_at(), record.task.0)
    };
    kinds.into_iter().map(place).collect()
}
