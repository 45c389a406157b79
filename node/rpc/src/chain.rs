//! How the methods read the chain.

use crate::{
    answers::{Block, ElectionProof},
    error::Error,
    Client,
};
use assay_runtime_api::{AssayApi, ElectionsApi, TaskChange};
use assay_types::{AccountId, BlockNumber, Hash, Tenure};
use codec::Encode;
use sc_client_api::Backend;
use sp_api::{ApiError, ApiExt, ApiRef, Core};
use sp_core::Bytes;
use sp_crypto_hashing::twox_128;
use sp_runtime::{
    generic,
    traits::{BlakeTwo256, Header as _},
    OpaqueExtrinsic,
};
use sp_storage::StorageKey;
use std::{
    collections::VecDeque,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

/// Assay's blocks, as nodes see them.
pub type OpaqueBlock = generic::Block<generic::Header<BlockNumber, BlakeTwo256>, OpaqueExtrinsic>;

/// The version of the runtime's interface that the methods need.
const NEEDED: u32 = 2;
/// Blocks whose changes are remembered, so that a block is read once however many subscribe.
const REMEMBERED: usize = 64;

/// Where the chain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The best block.
    pub best: Block,
    /// The last block that is final: an ancestor of the best one, or that itself.
    pub finalized: Block,
}

/// What happened to tasks in one block.
pub type Changes = Arc<[TaskChange<AccountId>]>;

/// The blocks that a subscription follows.
pub trait Chain {
    /// Where the chain stands now.
    fn heads(&self) -> Heads;

    /// The block before `hash`.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`].
    fn parent(&self, hash: Hash) -> Result<Hash, Error>;

    /// What happened to tasks in `block`, in the order in which it did.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`], [`Error::Pruned`], [`Error::OldRuntime`], [`Error::ForeignEvents`].
    fn changes(&self, block: Block) -> Result<Changes, Error>;
}

/// The chain of a node.
pub struct Reader<C, B> {
    client: Arc<C>,
    remembered: Mutex<VecDeque<(Hash, Changes)>>,
    _backend: PhantomData<fn(B)>,
}

impl<C, B> Reader<C, B> {
    /// Reads with `client`.
    pub fn new(client: Arc<C>) -> Self {
        Self { client, remembered: Mutex::default(), _backend: PhantomData }
    }

    /// The client.
    pub fn client(&self) -> &Arc<C> {
        &self.client
    }
}

impl<C, B> Reader<C, B>
where
    C: Client<B>,
    C::Api: AssayApi<OpaqueBlock, AccountId>,
    B: Backend<OpaqueBlock> + 'static,
{
    /// The block with this hash, the best one without.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`].
    pub fn block(&self, hash: Option<Hash>) -> Result<Block, Error> {
        match hash {
            None => Ok(self.heads().best),
            Some(hash) => {
                let header = self.client.header(hash)?.ok_or(Error::UnknownBlock(hash))?;
                Ok(Block { number: *header.number(), hash })
            }
        }
    }

    /// The runtime of a block, once it is known that it can be asked.
    ///
    /// # Errors
    /// [`Error::Pruned`], [`Error::OldRuntime`].
    pub fn runtime(&self, block: Hash) -> Result<ApiRef<'_, C::Api>, Error> {
        let api = self.client.runtime_api();
        let failed = |error| failure(block, error);
        let version = api.api_version::<dyn AssayApi<OpaqueBlock, AccountId>>(block).map_err(failed)?.unwrap_or(0);
        if version < NEEDED {
            let spec = api.version(block).map_err(failed)?.spec_version;
            return Err(Error::OldRuntime { block, spec, version });
        }
        Ok(api)
    }

    /// Asks the runtime of a block.
    ///
    /// # Errors
    /// Those of [`Self::runtime`].
    pub fn ask<T>(&self, block: Hash, question: impl FnOnce(&C::Api) -> Result<T, ApiError>) -> Result<T, Error> {
        let runtime = self.runtime(block)?;
        question(&runtime).map_err(|error| failure(block, error))
    }

    /// What an election can be recomputed from, out of the state of a block.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`], [`Error::NoElection`], and those of [`Self::ask`].
    pub fn election_proof(&self, tenure: Tenure, block: Hash) -> Result<ElectionProof, Error>
    where
        C::Api: ElectionsApi<OpaqueBlock>,
    {
        let header = self.client.header(block)?.ok_or(Error::UnknownBlock(block))?;
        let keys = self.ask(block, |api| api.proof_keys(block, tenure))?;
        if keys.is_empty() {
            return Err(Error::NoElection { tenure, block });
        }
        let proof = self.client.read_proof(block, &mut keys.iter().map(Vec::as_slice));
        let proof = proof.map_err(|error| state_failure(block, error))?.into_iter_nodes().map(Bytes).collect();
        Ok(ElectionProof { tenure, block, header: Bytes(header.encode()), proof })
    }

    fn read(&self, block: Block) -> Result<Changes, Error> {
        // The first block was made by nobody.
        if block.number == 0 {
            return Ok(Changes::default());
        }
        let key = StorageKey([twox_128(b"System"), twox_128(b"Events")].concat());
        let events = self.client.storage(block.hash, &key).map_err(|error| state_failure(block.hash, error))?;
        // A block may have changed the runtime: what it wrote, the runtime before it understands.
        let parent = self.parent(block.hash)?;
        let changes =
            self.ask(parent, |api| api.task_changes(parent, events.map(|events| events.0).unwrap_or_default()))?;
        changes.map(Into::into).ok_or(Error::ForeignEvents(block.hash))
    }
}

impl<C, B> Chain for Reader<C, B>
where
    C: Client<B>,
    C::Api: AssayApi<OpaqueBlock, AccountId>,
    B: Backend<OpaqueBlock> + 'static,
{
    fn heads(&self) -> Heads {
        let info = self.client.info();
        Heads {
            best: Block { number: info.best_number, hash: info.best_hash },
            finalized: Block { number: info.finalized_number, hash: info.finalized_hash },
        }
    }

    fn parent(&self, hash: Hash) -> Result<Hash, Error> {
        Ok(*self.client.header(hash)?.ok_or(Error::UnknownBlock(hash))?.parent_hash())
    }

    fn changes(&self, block: Block) -> Result<Changes, Error> {
        // Whoever asks for the same block meanwhile waits for this answer: it would cost as much to read it again.
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, changes)) = remembered.iter().find(|(hash, _)| *hash == block.hash) {
            return Ok(changes.clone());
        }
        let changes = self.read(block)?;
        if remembered.len() == REMEMBERED {
            remembered.pop_front();
        }
        remembered.push_back((block.hash, changes.clone()));
        Ok(changes)
    }
}

fn state_failure(block: Hash, error: sp_blockchain::Error) -> Error {
    match error {
        // The block itself is known: what is missing is its state.
        sp_blockchain::Error::UnknownBlock(_) => Error::Pruned(block),
        error => error.into(),
    }
}

fn failure(block: Hash, error: ApiError) -> Error {
    match error {
        ApiError::Application(error) => match error.downcast::<sp_blockchain::Error>() {
            Ok(error) => state_failure(block, *error),
            Err(error) => Error::Internal(error.to_string()),
        },
        ApiError::UnknownBlock(_) => Error::Pruned(block),
        error => Error::Internal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_gone_is_told_apart() {
        let block = Hash::repeat_byte(1);
        let gone = || sp_blockchain::Error::UnknownBlock("State already discarded".into());
        assert_eq!(failure(block, ApiError::Application(Box::new(gone()))), Error::Pruned(block));
        assert_eq!(failure(block, ApiError::UnknownBlock("State already discarded".into())), Error::Pruned(block));
        assert_eq!(state_failure(block, gone()), Error::Pruned(block));
        let other = failure(block, ApiError::StateBackendIsNotTrie);
        assert!(matches!(other, Error::Internal(reason) if reason.contains("TrieBackend")));
        let other = failure(block, ApiError::Application("out of memory".into()));
        assert_eq!(other, Error::Internal("out of memory".into()));
    }
}
