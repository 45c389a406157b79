//! The RPC methods that are this node's own, beside those every node has (chain, state, author, `chainHead`, `archive`,
//! `transaction`): account nonces and dry runs, fees, BABE and GRANDPA, and those of Assay itself, which [`assay_rpc`] has.

use assay_runtime::opaque::Block;
use assay_runtime_api::{AssayApi, ElectionsApi};
use assay_types::{AccountId, Balance, BlockNumber, Hash, Nonce};
use jsonrpsee::RpcModule;
use sc_client_api::{AuxStore, Backend, BlockBackend};
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_grandpa::{FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState};
use sc_rpc::SubscriptionTaskExecutor;
use sc_transaction_pool_api::TransactionPool;
use sp_api::ProvideRuntimeApi;
use sp_block_builder::BlockBuilder;
use sp_blockchain::{Error as BlockChainError, HeaderBackend, HeaderMetadata};
use sp_consensus::SelectChain;
use sp_consensus_babe::BabeApi;
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// What the methods work with.
pub struct Deps<C, P, SC, B> {
    /// The client.
    pub client: Arc<C>,
    /// The transaction pool.
    pub pool: Arc<P>,
    /// How the best chain is chosen.
    pub select_chain: SC,
    /// The keys of this node.
    pub keystore: KeystorePtr,
    /// Tells about BABE's epochs.
    pub babe_worker_handle: BabeWorkerHandle<Block>,
    /// The current round of GRANDPA.
    pub shared_voter_state: SharedVoterState,
    /// GRANDPA's voters.
    pub shared_authority_set: SharedAuthoritySet<Hash, BlockNumber>,
    /// Justifications as they come.
    pub justification_stream: GrandpaJustificationStream<Block>,
    /// Proofs of finality.
    pub finality_provider: Arc<FinalityProofProvider<B, Block>>,
    /// Where subscriptions run.
    pub executor: SubscriptionTaskExecutor,
}

/// All methods.
///
/// # Errors
/// Two modules have a method of the same name.
pub fn create<C, P, SC, B>(deps: Deps<C, P, SC, B>) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>>
where
    C: ProvideRuntimeApi<Block>
        + BlockBackend<Block>
        + HeaderBackend<Block>
        + HeaderMetadata<Block, Error = BlockChainError>
        + AuxStore
        + assay_rpc::Client<B>
        + Send
        + Sync
        + 'static,
    C::Api: substrate_frame_rpc_system::AccountNonceApi<Block, AccountId, Nonce>
        + pallet_transaction_payment_rpc::TransactionPaymentRuntimeApi<Block, Balance>
        + BabeApi<Block>
        + BlockBuilder<Block>
        + AssayApi<Block, AccountId>
        + ElectionsApi<Block>,
    P: TransactionPool + 'static,
    SC: SelectChain<Block> + Clone + 'static,
    B: Backend<Block> + 'static,
{
    use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
    use sc_consensus_babe_rpc::{Babe, BabeApiServer};
    use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
    use substrate_frame_rpc_system::{System, SystemApiServer};

    let mut module = RpcModule::new(());
    module.merge(assay_rpc::module::<_, B>(deps.client.clone())?)?;
    module.merge(System::new(deps.client.clone(), deps.pool).into_rpc())?;
    module.merge(TransactionPayment::new(deps.client.clone()).into_rpc())?;
    module.merge(Babe::new(deps.client, deps.babe_worker_handle, deps.keystore, deps.select_chain).into_rpc())?;
    module.merge(
        Grandpa::new(
            deps.executor,
            deps.shared_authority_set,
            deps.shared_voter_state,
            deps.justification_stream,
            deps.finality_provider,
        )
        .into_rpc(),
    )?;
    Ok(module)
}
