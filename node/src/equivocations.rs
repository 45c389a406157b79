//! Reports two blocks by one author in one slot.
//!
//! The SDK's import of BABE blocks looks for them too, but takes their headers when the seals are off already
//! (sc-consensus-babe 0.60), and a report without signatures proves nothing: the runtime refuses it. Here the headers
//! have their seals.

use crate::service::{FullClient, FullSelectChain};
use assay_runtime::{constants::SLOT_DURATION, opaque::Block, Header};
use assay_types::Hash;
use sc_client_api::AuxStore;
use sc_consensus::{BlockCheckParams, BlockImport, BlockImportParams, ImportResult};
use sc_consensus_slots::check_equivocation;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_consensus::{BlockOrigin, Error, SelectChain};
use sp_consensus_babe::{
    digests::CompatibleDigestItem, BabeApi, EquivocationProof, OpaqueKeyOwnershipProof, Slot, SlotDuration,
};
use sp_runtime::traits::Header as _;
use sp_timestamp::Timestamp;
use std::sync::Arc;

/// Imports blocks by `inner`, and reports whoever made two of them for one slot.
#[derive(Clone)]
pub struct ReportEquivocations<Inner> {
    pub inner: Inner,
    pub client: Arc<FullClient>,
    pub select_chain: FullSelectChain,
    pub pool: OffchainTransactionPoolFactory<Block>,
}

#[async_trait::async_trait]
impl<Inner: BlockImport<Block, Error = Error> + Send + Sync> BlockImport<Block> for ReportEquivocations<Inner> {
    type Error = Error;

    async fn check_block(&self, block: BlockCheckParams<Block>) -> Result<ImportResult, Error> {
        self.inner.check_block(block).await
    }

    async fn import_block(&self, block: BlockImportParams<Block>) -> Result<ImportResult, Error> {
        let sealed = is_new(block.origin).then(|| (block.post_hash(), sealed(&block)));
        let result = self.inner.import_block(block).await?;
        if let (Some((hash, header)), ImportResult::Imported(_)) = (sealed, &result) {
            // The block itself is good.
            if let Err(error) = self.check(hash, &header).await {
                log::warn!("block {hash:?} was not compared with others of its slot: {error}");
            }
        }
        Ok(result)
    }
}

/// Whether a block from there may have been made just now. Whoever made old ones is beyond a report, or was reported.
fn is_new(origin: BlockOrigin) -> bool {
    matches!(origin, BlockOrigin::NetworkBroadcast | BlockOrigin::ConsensusBroadcast | BlockOrigin::Own)
}

/// The header of a block as its author has signed it.
fn sealed(block: &BlockImportParams<Block>) -> Header {
    let mut header = block.header.clone();
    for digest in &block.post_digests {
        header.digest_mut().push(digest.clone());
    }
    header
}

type Evidence = (EquivocationProof<Header>, OpaqueKeyOwnershipProof);
type Failure = Box<dyn std::error::Error + Send + Sync>;

impl<Inner> ReportEquivocations<Inner> {
    /// Compares the imported block `hash` with what else was imported for its slot, and reports its author if that is
    /// another by the same.
    async fn check(&self, hash: Hash, header: &Header) -> Result<(), Failure> {
        let Some((proof, owner)) = self.prove(hash, header)? else { return Ok(()) };
        let best = self.select_chain.best_chain().await?.hash();
        let mut api = self.client.runtime_api();
        api.register_extension(self.pool.offchain_transaction_pool(best));
        let (author, slot) = (proof.offender.clone(), proof.slot);
        let taken = api.submit_report_equivocation_unsigned_extrinsic(best, proof, owner)?.is_some();
        let outcome = if taken { "reported" } else { "known already" };
        log::warn!("{author} has made two blocks in slot {}: {outcome}", *slot);
        Ok(())
    }

    /// The proof of another block by the same author in its slot, if there is one, and that of who he is.
    fn prove(&self, hash: Hash, header: &Header) -> Result<Option<Evidence>, Failure> {
        let api = self.client.runtime_api();
        let digest =
            header.digest().logs().iter().find_map(|log| log.as_babe_pre_digest()).ok_or("it names no slot")?;
        let (slot, index) = (digest.slot(), digest.authority_index());
        let authorities = api.current_epoch(hash)?.authorities;
        let (author, _) = authorities.get(index as usize).ok_or_else(|| format!("no author has the number {index}"))?;
        let now = Slot::from_timestamp(Timestamp::current(), SlotDuration::from_millis(SLOT_DURATION));
        let Some(proof) = check_equivocation(&Headers(&self.client), now, slot, header, author)? else {
            return Ok(None);
        };
        let owner =
            api.generate_key_ownership_proof(hash, slot, author.clone())?.ok_or("its author's key is nobody's")?;
        Ok(Some((proof, owner)))
    }
}

/// Sealed headers by their slot, beside those that the SDK keeps without seals.
struct Headers<'a>(&'a FullClient);

impl Headers<'_> {
    fn key(key: &[u8]) -> Vec<u8> {
        [b"assay/sealed/", key].concat()
    }
}

impl AuxStore for Headers<'_> {
    fn insert_aux<
        'a,
        'b: 'a,
        'c: 'a,
        I: IntoIterator<Item = &'a (&'c [u8], &'c [u8])>,
        D: IntoIterator<Item = &'a &'b [u8]>,
    >(
        &self,
        insert: I,
        delete: D,
    ) -> sp_blockchain::Result<()> {
        let insert: Vec<_> = insert.into_iter().map(|(key, value)| (Self::key(key), *value)).collect();
        let insert: Vec<_> = insert.iter().map(|(key, value)| (&key[..], *value)).collect();
        let delete: Vec<_> = delete.into_iter().map(|key| Self::key(key)).collect();
        let delete: Vec<_> = delete.iter().map(|key| &key[..]).collect();
        self.0.insert_aux(&insert, &delete)
    }

    fn get_aux(&self, key: &[u8]) -> sp_blockchain::Result<Option<Vec<u8>>> {
        self.0.get_aux(&Self::key(key))
    }
}
