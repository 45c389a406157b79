//! What must be on disk before a step of an election is taken: session keys that the node made, and commitments.

use super::{Journal, JournalError};
use assay_types::{Balance, BlockNumber, Tenure};
use codec::{Decode, DecodeAll, Encode};
use redb::{ReadableDatabase, TableDefinition};

/// The one record, under one key.
const ELECTIONS: TableDefinition<&str, &[u8]> = TableDefinition::new("elections");
const RECORD: &str = "record";

/// What this worker knows of its part in elections beside what the chain shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ElectionRecord {
    /// The session keys that the node made last.
    pub made: Option<MadeKeys>,
    /// The last commitment that was sent.
    pub sent: Option<SentCommit>,
    /// Whether the account was seen to stand for the committee.
    pub stood: bool,
}

/// Session keys that a node made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MadeKeys {
    /// The public keys, encoded.
    pub keys: Vec<u8>,
    /// That the account may own them.
    pub proof: Vec<u8>,
    /// In which tenure.
    pub tenure: Tenure,
}

/// A commitment that was handed to the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SentCommit {
    /// To which tenure's election.
    pub tenure: Tenure,
    /// How much, in units of ASY.
    pub amount: Balance,
    /// Best block at that time.
    pub at: BlockNumber,
}

impl Journal {
    /// What was recorded of elections.
    ///
    /// # Errors
    /// The record is damaged, or the disk refused.
    pub fn election(&self) -> Result<ElectionRecord, JournalError> {
        let read = self.database.begin_read()?;
        let table = match read.open_table(ELECTIONS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(ElectionRecord::default()),
            Err(error) => return Err(error.into()),
        };
        let record = table.get(RECORD)?;
        record.map_or(Ok(ElectionRecord::default()), |record| {
            ElectionRecord::decode_all(&mut record.value()).map_err(|_| JournalError::DamagedElection)
        })
    }

    /// Records what is known of elections now.
    ///
    /// # Errors
    /// The disk refused: then nothing may be sent.
    pub fn record_election(&self, record: &ElectionRecord) -> Result<(), JournalError> {
        let write = self.database.begin_write()?;
        write.open_table(ELECTIONS)?.insert(RECORD, record.encode().as_slice())?;
        write.commit()?;
        Ok(())
    }
}
