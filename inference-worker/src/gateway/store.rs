//! What must be on disk before a transaction is handed to the node: which request it belongs to, and what it spends. Beside
//! it, the previews that were not those of their answers.
//!
//! A request with an idempotency key is written down with the hash of the transaction that submits its task. The id of the
//! task is not known before a block has it, and a re-org may change it; the transaction stays the same, so whoever comes
//! again with the same key, after whatever happened to the gateway, is led to the task that its transaction became.

use assay_types::{Balance, BlockNumber, Hash, TaskId};
use codec::{Decode, Encode};
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use std::path::Path;
use thiserror::Error;

use crate::{chain::Signed, previews::Wrong};

/// Requests by the name of the API key and the idempotency key.
const REQUESTS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("requests");
/// What was spent, by the name of the API key and the day since 1970.
const SPENT: TableDefinition<'_, (&str, u64), u128> = TableDefinition::new("spent");
/// Previews that were not those of their answers, by when that was seen, in seconds since 1970, and the task.
const PREVIEWS: TableDefinition<'_, (u64, [u8; 32]), &[u8]> = TableDefinition::new("previews");
/// How many of them are kept, the newest.
const MOST_PREVIEWS: u64 = 256;
/// What the journal belongs to.
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Seconds for which a request is remembered.
pub const REMEMBERED: u64 = 24 * 60 * 60;
/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// Why the journal refused.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the gateway's journal in {0} is in use by another gateway")]
    InUse(String),
    /// It belongs to another chain.
    #[error("the gateway's journal belongs to the chain with genesis {journal:?}, the node serves {node:?}: give another --data or --url")]
    OtherChain {
        /// Genesis that the journal remembers.
        journal: Hash,
        /// Genesis of the chain that the node serves.
        node: Hash,
    },
    /// The key may spend no more today.
    #[error("this key may spend {limit} units of ASY in a day and has spent {spent}")]
    Spent {
        /// What may be spent.
        limit: Balance,
        /// What was spent.
        spent: Balance,
    },
    /// The disk refused.
    #[error("cannot use the gateway's journal: {0}")]
    Disk(redb::Error),
}

macro_rules! from_disk {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Disk(error.into())
            }
        }
    )*};
}
from_disk!(StorageError, TableError, TransactionError, CommitError, DatabaseError);

impl From<StoreError> for crate::failure::Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OtherChain { .. } => Self::WrongChain(error.to_string()),
            error => Self::Journal(error.to_string()),
        }
    }
}

/// A request that was written down.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Request {
    /// SHA-256 of what was asked.
    pub body: [u8; 32],
    /// The transaction that submits its task.
    pub transaction: Hash,
    /// Last height at which a block may take the transaction.
    pub until: BlockNumber,
    /// When, in seconds since 1970.
    pub at: u64,
}

/// What a transaction is for.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// Name of the API key.
    pub key: String,
    /// What may be spent with it in a day.
    pub limit: Option<Balance>,
    /// The idempotency key and the SHA-256 of what is asked, where there is one.
    pub once: Option<(String, [u8; 32])>,
    /// The fee.
    pub fee: Balance,
    /// When it was asked, in seconds since 1970.
    pub at: u64,
}

/// The gateway's journal. One process at a time has it open.
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the journal in `folder`, making both if they are not there, for the chain with this genesis.
    ///
    /// # Errors
    /// The folder or file cannot be used, another process has it open, or it belongs to another chain.
    pub fn open(folder: &Path, genesis: Hash) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::Disk(error.into()))?;
        let database = Database::create(folder.join("gateway.redb")).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(folder.display().to_string()),
            error => StoreError::Disk(error.into()),
        })?;
        let write = database.begin_write()?;
        {
            write.open_table(REQUESTS)?;
            write.open_table(SPENT)?;
            write.open_table(PREVIEWS)?;
            let mut meta = write.open_table(META)?;
            let stored: Option<[u8; 32]> = meta.get("genesis")?.and_then(|value| value.value().try_into().ok());
            if let Some(journal) = stored.map(Hash::from).filter(|journal| *journal != genesis) {
                return Err(StoreError::OtherChain { journal, node: genesis });
            }
            meta.insert("genesis", genesis.as_bytes())?;
        }
        write.commit()?;
        Ok(Self { database })
    }

    /// The request that came with this idempotency key before.
    ///
    /// # Errors
    /// The disk refused.
    pub fn request(&self, key: &str, once: &str) -> Result<Option<Request>, StoreError> {
        let requests = self.database.begin_read()?.open_table(REQUESTS)?;
        let request = requests.get((key, once))?.and_then(|value| Request::decode(&mut value.value()).ok());
        Ok(request)
    }

    /// What was spent with a key on the day of `at`.
    ///
    /// # Errors
    /// The disk refused.
    pub fn spent(&self, key: &str, at: u64) -> Result<Balance, StoreError> {
        let spent = self.database.begin_read()?.open_table(SPENT)?;
        let found = spent.get((key, at / DAY))?.map_or(0, |value| value.value());
        Ok(found)
    }

    /// Writes down that `signed` is about to be handed to the node. It is paid for unless an attempt before it was.
    ///
    /// # Errors
    /// The key may not spend so much any more today, or the disk refused: then it must not be handed over.
    pub fn note(&self, purpose: &Purpose, signed: Signed, is_paid: bool) -> Result<(), StoreError> {
        let Purpose { key, limit, once, fee, at } = purpose;
        let write = self.database.begin_write()?;
        {
            let mut spent = write.open_table(SPENT)?;
            if !is_paid {
                let before = spent.get((key.as_str(), at / DAY))?.map_or(0, |value| value.value());
                let after = before.saturating_add(*fee);
                if let Some(limit) = limit.filter(|limit| after > *limit) {
                    return Err(StoreError::Spent { limit, spent: before });
                }
                spent.insert((key.as_str(), at / DAY), after)?;
            }
            if let Some((once, body)) = once {
                let request = Request { body: *body, transaction: signed.hash, until: signed.until, at: *at };
                write.open_table(REQUESTS)?.insert((key.as_str(), once.as_str()), request.encode().as_slice())?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// Takes back what was noted: the transaction did nothing and never will.
    ///
    /// # Errors
    /// The disk refused.
    pub fn undo(&self, purpose: &Purpose) -> Result<(), StoreError> {
        let Purpose { key, once, fee, at, .. } = purpose;
        let write = self.database.begin_write()?;
        {
            let mut spent = write.open_table(SPENT)?;
            let before = spent.get((key.as_str(), at / DAY))?.map_or(0, |value| value.value());
            spent.insert((key.as_str(), at / DAY), before.saturating_sub(*fee))?;
            if let Some((once, _)) = once {
                write.open_table(REQUESTS)?.remove((key.as_str(), once.as_str()))?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// Keeps a preview that was not that of the answer.
    ///
    /// # Errors
    /// The disk refused.
    pub fn keep(&self, wrong: &Wrong) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        {
            let mut previews = write.open_table(PREVIEWS)?;
            previews.insert((wrong.at, wrong.seen.task.0), wrong.encode().as_slice())?;
            while previews.len()? > MOST_PREVIEWS {
                previews.pop_first()?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// The preview of a task that was not that of its answer, if there was one lately.
    ///
    /// # Errors
    /// The disk refused.
    pub fn wrong_preview(&self, task: &TaskId) -> Result<Option<Wrong>, StoreError> {
        let previews = self.database.begin_read()?.open_table(PREVIEWS)?;
        for entry in previews.iter()?.rev() {
            let (place, value) = entry?;
            if place.value().1 == task.0 {
                return Ok(Wrong::decode(&mut value.value()).ok());
            }
        }
        Ok(None)
    }

    /// Forgets the requests and what was spent that are older than a day at `now`.
    ///
    /// # Errors
    /// The disk refused.
    pub fn prune(&self, now: u64) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        write.open_table(REQUESTS)?.retain(|_, value| {
            Request::decode(&mut &*value).is_ok_and(|request| request.at.saturating_add(REMEMBERED) > now)
        })?;
        write.open_table(SPENT)?.retain(|(_, day), _| day.saturating_add(1) >= now / DAY)?;
        write.commit()?;
        Ok(())
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Seconds until the day of `at` is over.
pub fn rest_of_day(at: u64) -> u64 {
    DAY.saturating_sub(at % DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(once: Option<&str>, fee: Balance, at: u64) -> Purpose {
        let once = once.map(|once| (once.to_owned(), [1; 32]));
        Purpose { key: "one".into(), limit: Some(10), once, fee, at }
    }

    fn signed(number: u8) -> Signed {
        Signed { hash: Hash::repeat_byte(number), until: 40 }
    }

    #[test]
    fn a_request_is_on_disk_with_its_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let genesis = Hash::repeat_byte(9);
        let store = Store::open(folder.path(), genesis).unwrap();
        store.note(&purpose(Some("a"), 4, 100), signed(1), false).unwrap();
        // Signed anew, it costs no more.
        store.note(&purpose(Some("a"), 4, 100), signed(2), true).unwrap();
        assert!(matches!(Store::open(folder.path(), genesis), Err(StoreError::InUse(_))));
        drop(store);
        assert!(matches!(Store::open(folder.path(), Hash::zero()), Err(StoreError::OtherChain { .. })));
        let store = Store::open(folder.path(), genesis).unwrap();
        let request = Request { body: [1; 32], transaction: Hash::repeat_byte(2), until: 40, at: 100 };
        assert_eq!(store.request("one", "a").unwrap(), Some(request));
        assert_eq!(store.request("two", "a").unwrap(), None, "each API key has its own");
        assert_eq!((store.spent("one", 101).unwrap(), store.spent("two", 101).unwrap()), (4, 0));
    }

    #[test]
    fn a_key_spends_so_much_in_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Hash::zero()).unwrap();
        store.note(&purpose(None, 6, 100), signed(1), false).unwrap();
        let refused = store.note(&purpose(Some("b"), 5, 100), signed(2), false).unwrap_err();
        assert!(matches!(refused, StoreError::Spent { limit: 10, spent: 6 }));
        assert_eq!(store.request("one", "b").unwrap(), None, "nothing of it is kept");
        store.note(&purpose(Some("c"), 4, 100), signed(3), false).unwrap();
        store.undo(&purpose(Some("c"), 4, 100)).unwrap();
        assert_eq!((store.spent("one", 100).unwrap(), store.request("one", "c").unwrap()), (6, None));
        store.note(&purpose(None, 10, 100 + DAY), signed(4), false).unwrap();
    }

    #[test]
    fn the_newest_previews_that_were_wrong_are_kept() {
        use crate::{
            journal::Inclusion,
            previews::{
                wire::{Chunk, Part},
                Difference, Seen,
            },
        };
        use subxt::utils::AccountId32;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Hash::zero()).unwrap();
        let wrong = |number: u64| {
            let included = Inclusion { number: 1, hash: Hash::zero() };
            let part = Part { solver: AccountId32([1; 32]), included, chunks: vec![], end: None, signature: [0; 64] };
            let mut seen = Seen::of(&Hash::zero(), Hash::from_low_u64_be(number), &part);
            seen.chunks.push(Chunk { tokens: vec![7], text: "no".into() });
            let (answered_by, output) = (AccountId32([2; 32]), [3; 32]);
            Wrong { at: number, difference: Difference::Text, answered_by, output, seen }
        };
        (0..MOST_PREVIEWS + 2).for_each(|number| store.keep(&wrong(number)).unwrap());
        drop(store);
        let store = Store::open(folder.path(), Hash::zero()).unwrap();
        let kept = |number| store.wrong_preview(&Hash::from_low_u64_be(number)).unwrap();
        assert_eq!((kept(0), kept(1)), (None, None));
        assert_eq!(kept(2), Some(wrong(2)));
        assert_eq!(kept(MOST_PREVIEWS + 1), Some(wrong(MOST_PREVIEWS + 1)));
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Hash::zero()).unwrap();
        store.note(&purpose(Some("old"), 1, 100), signed(1), false).unwrap();
        store.note(&purpose(Some("new"), 1, 2 * DAY), signed(2), false).unwrap();
        store.prune(2 * DAY + 5).unwrap();
        assert_eq!(store.request("one", "old").unwrap(), None);
        assert!(store.request("one", "new").unwrap().is_some());
        assert_eq!((store.spent("one", 100).unwrap(), store.spent("one", 2 * DAY).unwrap()), (0, 1));
        assert_eq!(rest_of_day(DAY + 1), DAY - 1);
    }
}
