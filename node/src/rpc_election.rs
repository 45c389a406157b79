//! Proofs of elections: `assay_electionProof`.

use assay_runtime::opaque::Block;
use assay_runtime_api::ElectionsApi;
use assay_types::{Hash, Tenure};
use codec::Encode;
use jsonrpsee::{core::RpcResult, proc_macros::rpc, types::ErrorObjectOwned};
use sc_client_api::ProofProvider;
use serde::Serialize;
use sp_api::{ApiError, ApiExt, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_core::Bytes;
use std::sync::Arc;
use thiserror::Error;

/// What an election can be recomputed from, offline, by whoever trusts one block hash: `assay-worker election verify`.
#[derive(Clone, Debug, Serialize)]
pub struct ElectionProof {
    /// The tenure of the election's commitments.
    pub tenure: Tenure,
    /// Hash of the block in whose state the election is read.
    pub block: Hash,
    /// The block's header, SCALE-encoded; its hash is `block`, and it has the root of the state.
    pub header: Bytes,
    /// Nodes of the state's trie on the way to everything that the election depends on.
    pub proof: Vec<Bytes>,
}

/// Why there is no proof.
#[derive(Debug, Error)]
enum Error {
    #[error("no block {0:?} is known here")]
    UnknownBlock(Hash),
    #[error("the runtime of block {0:?} knows no elections: ask at a newer block")]
    OldRuntime(Hash),
    #[error(
        "the state of block {block:?} has no election of tenure {tenure} with all that it depends on: it is drawn two \
         tenures after its commitments, and kept for some tenures after that"
    )]
    NotKept { tenure: Tenure, block: Hash },
    #[error("the state of block {0:?} is not kept here: ask at a newer block, or a node with --state-pruning archive")]
    Pruned(Hash),
    #[error("the node cannot answer: {0}")]
    Internal(String),
}

impl From<Error> for ErrorObjectOwned {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::UnknownBlock(_) => 10_101,
            Error::OldRuntime(_) => 10_102,
            Error::NotKept { .. } => 10_103,
            Error::Pruned(_) => 10_104,
            Error::Internal(_) => 10_105,
        };
        Self::owned(code, error.to_string(), None::<()>)
    }
}

/// Questions about elections.
#[rpc(server)]
pub trait ElectionApi {
    /// The proof of the election of `tenure` (of its commitments), read in the state of block `at`, of the last final block
    /// if that is left out. At most as large as what a thousand commitments take.
    ///
    /// # Errors
    /// The block or its state is not known here, or has no such election.
    #[method(name = "assay_electionProof", blocking)]
    fn election_proof(&self, tenure: Tenure, at: Option<Hash>) -> RpcResult<ElectionProof>;
}

/// Answers from a node's client.
pub struct Elections<C> {
    client: Arc<C>,
}

impl<C> Elections<C> {
    /// Answers from `client`.
    pub fn new(client: Arc<C>) -> Self {
        Self { client }
    }
}

impl<C> Elections<C>
where
    C: ProvideRuntimeApi<Block> + HeaderBackend<Block> + ProofProvider<Block>,
    C::Api: ElectionsApi<Block>,
{
    fn prove(&self, tenure: Tenure, block: Hash) -> Result<ElectionProof, Error> {
        let header = self.client.header(block).map_err(|error| Error::Internal(error.to_string()))?;
        let header = header.ok_or(Error::UnknownBlock(block))?;
        let api = self.client.runtime_api();
        let known = api.has_api::<dyn ElectionsApi<Block>>(block).map_err(|error| failure(block, error))?;
        if !known {
            return Err(Error::OldRuntime(block));
        }
        let keys = api.proof_keys(block, tenure).map_err(|error| failure(block, error))?;
        if keys.is_empty() {
            return Err(Error::NotKept { tenure, block });
        }
        let proof = self.client.read_proof(block, &mut keys.iter().map(Vec::as_slice));
        let proof = proof.map_err(|error| state_failure(block, error))?;
        let proof = proof.into_iter_nodes().map(Bytes).collect();
        Ok(ElectionProof { tenure, block, header: Bytes(header.encode()), proof })
    }
}

fn state_failure(block: Hash, error: sp_blockchain::Error) -> Error {
    match error {
        // The block itself is known: what is missing is its state.
        sp_blockchain::Error::UnknownBlock(_) => Error::Pruned(block),
        error => Error::Internal(error.to_string()),
    }
}

fn failure(block: Hash, error: ApiError) -> Error {
    match error {
        ApiError::Application(error) => match error.downcast() {
            Ok(error) => state_failure(block, *error),
            Err(error) => Error::Internal(error.to_string()),
        },
        ApiError::UnknownBlock(_) => Error::Pruned(block),
        error => Error::Internal(error.to_string()),
    }
}

impl<C> ElectionApiServer for Elections<C>
where
    C: ProvideRuntimeApi<Block> + HeaderBackend<Block> + ProofProvider<Block> + Send + Sync + 'static,
    C::Api: ElectionsApi<Block>,
{
    fn election_proof(&self, tenure: Tenure, at: Option<Hash>) -> RpcResult<ElectionProof> {
        let block = at.unwrap_or_else(|| self.client.info().finalized_hash);
        Ok(self.prove(tenure, block)?)
    }
}
