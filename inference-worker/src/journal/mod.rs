//! The journal: what must be on disk before a commitment or a ballot is sent.
//!
//! A solver that forgets its salt can never reveal, and one that forgets that it committed may commit a second result;
//! a voter that forgets its salt loses its stake. So each result is one record (salt, output, trace, where the task was
//! included), written in one transaction before the chain hears of it. The chain stays the truth about what happened
//! afterwards: a record says what this worker *may* have done, never what the chain did with it.
//!
//! There are two shelves of such records: [`Job`]s, results for which this worker wants to be paid, and [`Ballot`]s,
//! results by which it judges the solutions of others.

mod elections;

pub use elections::{ElectionRecord, MadeKeys, SentCommit};

use crate::payloads;
use assay_types::{protocol, BlockNumber, Cid, Commitment, Hash, ModelId, Salt, TaskId, TraceDigest};
use codec::{Decode, Encode};
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use std::{marker::PhantomData, path::Path};
use subxt::utils::AccountId32;
use thiserror::Error;

/// Records by task id.
type Records = TableDefinition<'static, [u8; 32], &'static [u8]>;
/// The results that are to be paid.
const JOBS: Records = TableDefinition::new("jobs");
/// The results that judge others'.
const BALLOTS: Records = TableDefinition::new("ballots");
/// What the whole journal belongs to.
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// Version of the records' layout.
const LAYOUT: u32 = 1;

/// Why the journal refused.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Another process has it open.
    #[error("the journal in {0} is in use by another worker")]
    InUse(String),
    /// It belongs to another chain.
    #[error("the journal belongs to the chain with genesis {journal:?}, the node serves {node:?}: give another --data or --url")]
    OtherChain {
        /// Genesis hash that the journal remembers.
        journal: Hash,
        /// Genesis hash of the chain that the node serves.
        node: Hash,
    },
    /// It belongs to another key.
    #[error("the journal belongs to the key {journal}, not to {given}: give another --data or key")]
    OtherKey {
        /// Address that the journal remembers.
        journal: AccountId32,
        /// Address of the key in use.
        given: AccountId32,
    },
    /// It was written by another version of the worker.
    #[error("the journal has layout {0}, this worker reads layout {LAYOUT}")]
    OtherLayout(u32),
    /// A result for this task may be on chain already.
    #[error("a seal for task {0:?} was sent before: its result never changes")]
    Fixed(TaskId),
    /// There is no record of the task.
    #[error("the journal has no record of task {0:?}")]
    Unknown(TaskId),
    /// A record cannot be read.
    #[error("the journal's record of task {0:?} is damaged")]
    Damaged(TaskId),
    /// The record of elections cannot be read.
    #[error("the journal's record of elections is damaged")]
    DamagedElection,
    /// The system gives no randomness.
    #[error("the system gives no randomness: {0}")]
    Random(getrandom::Error),
    /// The disk refused; what was recorded before is intact.
    #[error("cannot use the journal: {0}")]
    Disk(redb::Error),
}

macro_rules! from_disk {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for JournalError {
            fn from(error: redb::$error) -> Self {
                Self::Disk(error.into())
            }
        }
    )*};
}
from_disk!(StorageError, TableError, TransactionError, CommitError, DatabaseError);

impl From<JournalError> for crate::failure::Failure {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::OtherChain { .. } => Self::WrongChain(error.to_string()),
            JournalError::OtherKey { .. } => Self::Key(error.to_string()),
            error => Self::Journal(error.to_string()),
        }
    }
}

/// The block that included a task: what the task's seed was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Inclusion {
    /// Height.
    pub number: BlockNumber,
    /// Hash.
    pub hash: Hash,
}

/// A result that was computed for a task, and how far what is done with it has come.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Record<P> {
    /// The task.
    pub task: TaskId,
    /// Its model.
    pub model: ModelId,
    /// Where the task was when its seed was read.
    pub included: Inclusion,
    /// Secret of the seal: of the commitment, or of the ballot.
    pub salt: Salt,
    /// The encoded output.
    pub output: Vec<u8>,
    /// Digest of everything that was computed at generated positions.
    pub trace: TraceDigest,
    /// Height up to which a seal that was handed to a node may enter a block, if the chain has the task where it was;
    /// `None` if none ever was.
    pub sent_until: Option<BlockNumber>,
    /// How far it is known to have come.
    pub phase: P,
}

/// A result for which this worker wants to be paid.
pub type Job = Record<Phase>;
/// A result by which this worker judges the solution of another.
pub type Ballot = Record<BallotPhase>;

impl<P> Record<P> {
    /// A new record, with a salt of its own.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn new(
        task: TaskId,
        model: ModelId,
        included: Inclusion,
        output: Vec<u8>,
        trace: TraceDigest,
        phase: P,
    ) -> Result<Self, JournalError> {
        Ok(Self { task, model, included, salt: random()?, output, trace, sent_until: None, phase })
    }

    /// The sealed trace, as `solver` shows it at the reveal.
    pub fn trace_seal(&self, solver: &AccountId32) -> Hash {
        protocol::trace_seal(&self.task, &solver.0, &self.trace)
    }

    /// Content id of the output.
    pub fn cid(&self) -> Cid {
        payloads::cid(&self.output)
    }
}

impl Job {
    /// What the solver commits to.
    pub fn commitment(&self, genesis: &Hash, solver: &AccountId32) -> Commitment {
        protocol::commitment(genesis, &self.task, &solver.0, &self.cid(), &self.trace_seal(solver), &self.salt)
    }
}

impl Ballot {
    /// What a contester or voter seals its result with.
    pub fn seal(&self, genesis: &Hash, voter: &AccountId32) -> Hash {
        protocol::ballot_seal(genesis, &self.task, &voter.0, &self.cid(), &self.trace, &self.salt)
    }
}

/// How far a record has come, and where records of its kind are.
pub trait Stage: Encode + Decode {
    /// The table of these records.
    #[doc(hidden)]
    const TABLE: Records;

    /// Whether nothing is left to do.
    fn has_ended(&self) -> bool;
}

impl Stage for Phase {
    const TABLE: Records = JOBS;

    fn has_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }
}

impl Stage for BallotPhase {
    const TABLE: Records = BALLOTS;

    fn has_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }
}

/// How far a job is known to have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Phase {
    /// The result is recorded.
    #[codec(index = 0)]
    Recorded,
    /// The commitment was seen in a block.
    #[codec(index = 1)]
    Committed,
    /// The own solution was seen standing.
    #[codec(index = 2)]
    Revealed,
    /// Nothing is left to do, and that is final.
    #[codec(index = 3)]
    Ended(Outcome),
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Outcome {
    /// The own solution was settled.
    #[codec(index = 0)]
    Paid,
    /// Another's solution won, or the task ended otherwise; the commitment's hold came back if there was one.
    #[codec(index = 1)]
    Lost,
    /// The task expired with the commitment unrevealed: its hold is lost.
    #[codec(index = 2)]
    Forfeited,
    /// The task is not on the chain any more.
    #[codec(index = 3)]
    Vanished,
    /// The own solution did not stand in a dispute: it fell, or too few voted.
    #[codec(index = 4)]
    Fallen,
}

/// How far a ballot is known to have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum BallotPhase {
    /// The result is recorded; nothing may ever come of it.
    #[codec(index = 0)]
    Recorded,
    /// Its seal was seen in a block: in a contest, or in a vote.
    #[codec(index = 1)]
    Cast,
    /// It was seen opened.
    #[codec(index = 2)]
    Opened,
    /// Nothing is left to do, and that is final.
    #[codec(index = 3)]
    Ended(BallotOutcome),
}

/// How a ballot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum BallotOutcome {
    /// The task ended without it.
    #[codec(index = 0)]
    Unused,
    /// The dispute was settled, and what was due to it is paid.
    #[codec(index = 1)]
    Closed,
    /// The task is not on the chain any more.
    #[codec(index = 2)]
    Vanished,
}

/// Whether the seal of a recorded result may still enter a block: `finalized` is the height that cannot be undone any
/// more, `now` where the task is, if that is known. It is signed upon the block that its seed was read from, so
/// a chain that has the task in another block never takes it; once that block is final, no chain does.
pub fn may_appear(
    sent_until: Option<BlockNumber>,
    included: Inclusion,
    finalized: BlockNumber,
    now: Option<Inclusion>,
) -> bool {
    let moved = now.is_some_and(|now| now != included && now.number <= finalized);
    !moved && sent_until.is_some_and(|until| finalized <= until)
}

/// The journal on disk. One process at a time has it open.
#[derive(Debug)]
pub struct Journal {
    database: Database,
}

impl Journal {
    /// Opens the journal in `folder`, making both if they are not there.
    ///
    /// # Errors
    /// The folder or file cannot be used, another process has it open, or another version of the worker wrote it.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        std::fs::create_dir_all(folder).map_err(|error| JournalError::Disk(error.into()))?;
        let database = Database::create(folder.join("journal.redb")).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => JournalError::InUse(folder.display().to_string()),
            error => JournalError::Disk(error.into()),
        })?;
        Self::prepare(database)
    }

    /// Opens a journal on another storage than a file.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn on(backend: impl StorageBackend) -> Result<Self, JournalError> {
        Self::prepare(redb::Builder::new().create_with_backend(backend)?)
    }

    fn prepare(database: Database) -> Result<Self, JournalError> {
        let journal = Self { database };
        let write = journal.database.begin_write()?;
        {
            write.open_table(JOBS)?;
            write.open_table(BALLOTS)?;
            let mut meta = write.open_table(META)?;
            let layout = meta.get("layout")?.map(|value| u32::decode(&mut value.value()).unwrap_or_default());
            match layout {
                Some(LAYOUT) => {}
                Some(other) => return Err(JournalError::OtherLayout(other)),
                None => {
                    meta.insert("layout", LAYOUT.encode().as_slice())?;
                }
            }
        }
        write.commit()?;
        Ok(journal)
    }

    /// Ties a new journal to a chain and a key, and checks those of an old one.
    ///
    /// # Errors
    /// It belongs to another chain or key, or cannot be written.
    pub fn bind(&self, genesis: Hash, account: &AccountId32) -> Result<(), JournalError> {
        let write = self.database.begin_write()?;
        {
            let mut meta = write.open_table(META)?;
            let stored = |name| -> Result<Option<[u8; 32]>, JournalError> {
                Ok(meta.get(name)?.and_then(|value| value.value().try_into().ok()))
            };
            let (chain, key) = (stored("genesis")?, stored("account")?);
            if let Some(journal) = chain.map(Hash::from).filter(|journal| *journal != genesis) {
                return Err(JournalError::OtherChain { journal, node: genesis });
            }
            if let Some(journal) = key.map(AccountId32).filter(|journal| journal != account) {
                return Err(JournalError::OtherKey { journal, given: *account });
            }
            meta.insert("genesis", genesis.as_bytes())?;
            meta.insert("account", account.0.as_slice())?;
        }
        write.commit()?;
        Ok(())
    }

    /// A secret of this journal, made with it: what it decides cannot be foreseen by others.
    ///
    /// # Errors
    /// The disk refused.
    pub fn secret(&self) -> Result<[u8; 32], JournalError> {
        let write = self.database.begin_write()?;
        let secret = {
            let mut meta = write.open_table(META)?;
            let stored = meta.get("secret")?.and_then(|value| value.value().try_into().ok());
            match stored {
                Some(secret) => secret,
                None => {
                    let secret: [u8; 32] = random()?;
                    meta.insert("secret", secret.as_slice())?;
                    secret
                }
            }
        };
        write.commit()?;
        Ok(secret)
    }

    /// The results that are to be paid.
    pub fn jobs(&self) -> Shelf<'_, Phase> {
        Shelf { database: &self.database, kind: PhantomData }
    }

    /// The results that judge others'.
    pub fn ballots(&self) -> Shelf<'_, BallotPhase> {
        Shelf { database: &self.database, kind: PhantomData }
    }

    /// Drops records that ended for tasks included before `height`.
    ///
    /// # Errors
    /// The disk refused.
    pub fn prune(&self, height: BlockNumber) -> Result<(), JournalError> {
        self.jobs().prune(height)?;
        self.ballots().prune(height)
    }
}

/// The records of one kind.
#[derive(Debug)]
pub struct Shelf<'a, P> {
    database: &'a Database,
    kind: PhantomData<P>,
}

impl<P: Stage> Shelf<'_, P> {
    /// Writes a new record. A result whose seal was never handed to a node may be written over, any other may not.
    ///
    /// # Errors
    /// A seal for the task was sent before, or the disk refused.
    pub fn record(&self, record: &Record<P>) -> Result<(), JournalError> {
        let write = self.database.begin_write()?;
        {
            let mut records = write.open_table(P::TABLE)?;
            let old = records.get(record.task.0)?.map(|value| decode::<P>(&record.task, value.value())).transpose()?;
            if old.is_some_and(|old| old.sent_until.is_some()) {
                return Err(JournalError::Fixed(record.task));
            }
            records.insert(record.task.0, record.encode().as_slice())?;
        }
        write.commit()?;
        Ok(())
    }

    /// Notes that the seal of `task` is about to be handed to a node and may enter blocks up to height `until`.
    ///
    /// # Errors
    /// There is no record, or the disk refused: then nothing may be sent.
    pub fn mark_sent(&self, task: &TaskId, until: BlockNumber) -> Result<Record<P>, JournalError> {
        self.change(task, |record| record.sent_until = record.sent_until.max(Some(until)))
    }

    /// Notes how far a record has come.
    ///
    /// # Errors
    /// There is no record, or the disk refused.
    pub fn advance(&self, task: &TaskId, phase: P) -> Result<Record<P>, JournalError> {
        self.change(task, |record| record.phase = phase)
    }

    /// Forgets a result whose task moved to another block, so that it can be computed anew; `finalized` and `now` are
    /// those of [`may_appear`].
    ///
    /// # Errors
    /// The seal of the old result may still enter a block, or the disk refused.
    pub fn restart(&self, task: &TaskId, finalized: BlockNumber, now: Option<Inclusion>) -> Result<(), JournalError> {
        let write = self.database.begin_write()?;
        {
            let mut records = write.open_table(P::TABLE)?;
            let old = records.get(task.0)?.map(|value| decode::<P>(task, value.value())).transpose()?;
            if old.is_some_and(|old| may_appear(old.sent_until, old.included, finalized, now)) {
                return Err(JournalError::Fixed(*task));
            }
            records.remove(task.0)?;
        }
        write.commit()?;
        Ok(())
    }

    /// The record of `task`.
    ///
    /// # Errors
    /// It is damaged, or the disk refused.
    pub fn get(&self, task: &TaskId) -> Result<Option<Record<P>>, JournalError> {
        let read = self.database.begin_read()?;
        let records = read.open_table(P::TABLE)?;
        let record = records.get(task.0)?.map(|value| decode(task, value.value())).transpose()?;
        Ok(record)
    }

    /// Every record that has not ended.
    ///
    /// # Errors
    /// One is damaged, or the disk refused.
    pub fn unfinished(&self) -> Result<Vec<Record<P>>, JournalError> {
        let read = self.database.begin_read()?;
        let mut unfinished = Vec::new();
        for entry in read.open_table(P::TABLE)?.iter()? {
            let (task, value) = entry?;
            let record: Record<P> = decode(&task.value().into(), value.value())?;
            if !record.phase.has_ended() {
                unfinished.push(record);
            }
        }
        Ok(unfinished)
    }

    fn prune(&self, height: BlockNumber) -> Result<(), JournalError> {
        let write = self.database.begin_write()?;
        write.open_table(P::TABLE)?.retain(|task, value| {
            decode::<P>(&task.into(), value)
                .map_or(true, |record| !record.phase.has_ended() || record.included.number >= height)
        })?;
        write.commit()?;
        Ok(())
    }

    fn change(&self, task: &TaskId, change: impl FnOnce(&mut Record<P>)) -> Result<Record<P>, JournalError> {
        let write = self.database.begin_write()?;
        let record = {
            let mut records = write.open_table(P::TABLE)?;
            let mut record = records
                .get(task.0)?
                .map(|value| decode(task, value.value()))
                .transpose()?
                .ok_or(JournalError::Unknown(*task))?;
            change(&mut record);
            records.insert(task.0, record.encode().as_slice())?;
            record
        };
        write.commit()?;
        Ok(record)
    }
}

fn decode<P: Decode>(task: &TaskId, mut bytes: &[u8]) -> Result<Record<P>, JournalError> {
    Record::decode(&mut bytes).map_err(|_| JournalError::Damaged(*task))
}

fn random() -> Result<[u8; 32], JournalError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(JournalError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
