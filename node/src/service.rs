//! Puts the parts of a node together: client, pool, BABE, GRANDPA, network, RPC, offchain workers.

use crate::{equivocations::ReportEquivocations, rpc};
use assay_runtime::{constants::SLOT_DURATION, opaque::Block, RuntimeApi};
use assay_types::Hash;
use futures::{future::BoxFuture, FutureExt};
use sc_client_api::{Backend, BlockBackend};
use sc_consensus_babe::{BabeLink, BabeWorkerHandle, SlotProportion};
use sc_consensus_grandpa::{FinalityProofProvider, SharedVoterState};
use sc_service::{error::Error as ServiceError, Configuration, TaskManager, WarpSyncConfig};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_babe::{inherents::InherentDataProvider as SlotProvider, SlotDuration};
use sp_timestamp::InherentDataProvider as TimestampProvider;
use std::{sync::Arc, time::Duration};

/// Blocks between justifications of finality that are kept and handed out.
const JUSTIFICATION_PERIOD: u32 = 512;

/// The client of a full node.
pub type FullClient =
    sc_service::TFullClient<Block, RuntimeApi, sc_executor::WasmExecutor<sp_io::SubstrateHostFunctions>>;
type FullBackend = sc_service::TFullBackend<Block>;
/// Chooses the best chain.
pub type FullSelectChain = sc_consensus::LongestChain<FullBackend, Block>;
type GrandpaBlockImport = sc_consensus_grandpa::GrandpaBlockImport<FullBackend, Block, FullClient, FullSelectChain>;
type BabeBlockImport =
    sc_consensus_babe::BabeBlockImport<Block, FullClient, GrandpaBlockImport, CreateInherents, FullSelectChain>;

/// What imports blocks: BABE's and GRANDPA's rules, and reports of those who make two.
type FullBlockImport = ReportEquivocations<BabeBlockImport>;

/// Gives slot and time to the block that is built or checked.
type CreateInherents = fn(Hash, ()) -> BoxFuture<'static, Inherents>;
type Inherents = Result<(SlotProvider, TimestampProvider), Box<dyn std::error::Error + Send + Sync>>;

/// Slot and time from the system's clock.
fn inherents(_parent: Hash, (): ()) -> BoxFuture<'static, Inherents> {
    async {
        let timestamp = TimestampProvider::from_system_time();
        let slot = SlotProvider::from_timestamp_and_slot_duration(*timestamp, SlotDuration::from_millis(SLOT_DURATION));
        Ok((slot, timestamp))
    }
    .boxed()
}

/// The parts that subcommands need too.
pub type Service = sc_service::PartialComponents<
    FullClient,
    FullBackend,
    FullSelectChain,
    sc_consensus::DefaultImportQueue<Block>,
    sc_transaction_pool::TransactionPoolHandle<Block, FullClient>,
    Consensus,
>;

/// What authorship and finality hand on from the first parts to the full node.
pub struct Consensus {
    block_import: FullBlockImport,
    babe_link: BabeLink<Block>,
    babe_worker_handle: BabeWorkerHandle<Block>,
    grandpa_link: sc_consensus_grandpa::LinkHalf<Block, FullClient, FullSelectChain>,
    telemetry: Option<Telemetry>,
}

/// Opens the database and builds everything that needs no network.
///
/// # Errors
/// The database, the keystore or the runtime cannot be used.
pub fn new_partial(config: &Configuration) -> Result<Service, ServiceError> {
    let telemetry = config
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty())
        .map(|endpoints| -> Result<_, sc_telemetry::Error> {
            let worker = TelemetryWorker::new(16)?;
            let telemetry = worker.handle().new_telemetry(endpoints);
            Ok((worker, telemetry))
        })
        .transpose()?;

    let executor = sc_service::new_wasm_executor::<sp_io::SubstrateHostFunctions>(&config.executor);
    let (client, backend, keystore_container, task_manager) = sc_service::new_full_parts::<Block, RuntimeApi, _>(
        config,
        telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
        executor,
        Vec::new(),
    )?;
    let client = Arc::new(client);
    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });

    let select_chain = sc_consensus::LongestChain::new(backend.clone());
    let transaction_pool = Arc::from(
        sc_transaction_pool::Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );

    let (grandpa_block_import, grandpa_link) = sc_consensus_grandpa::block_import(
        client.clone(),
        JUSTIFICATION_PERIOD,
        &client,
        select_chain.clone(),
        telemetry.as_ref().map(|telemetry| telemetry.handle()),
    )?;
    let pool = OffchainTransactionPoolFactory::new(transaction_pool.clone());
    let (block_import, babe_link) = sc_consensus_babe::block_import(
        sc_consensus_babe::configuration(&*client)?,
        grandpa_block_import.clone(),
        client.clone(),
        inherents as CreateInherents,
        select_chain.clone(),
        pool.clone(),
    )?;
    let block_import =
        ReportEquivocations { inner: block_import, client: client.clone(), select_chain: select_chain.clone(), pool };
    let (import_queue, babe_worker_handle) = sc_consensus_babe::import_queue(sc_consensus_babe::ImportQueueParams {
        link: babe_link.clone(),
        block_import: block_import.clone(),
        justification_import: Some(Box::new(grandpa_block_import)),
        client: client.clone(),
        slot_duration: babe_link.config().slot_duration(),
        spawner: &task_manager.spawn_essential_handle(),
        registry: config.prometheus_registry(),
        telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
    })?;

    Ok(sc_service::PartialComponents {
        client,
        backend,
        task_manager,
        keystore_container,
        select_chain,
        import_queue,
        transaction_pool,
        other: Consensus { block_import, babe_link, babe_worker_handle, grandpa_link, telemetry },
    })
}

/// Starts a full node, a validator where its role says so.
///
/// # Errors
/// A part cannot be built, or the network cannot listen.
pub fn new_full<N: sc_network::NetworkBackend<Block, Hash>>(
    config: Configuration,
) -> Result<TaskManager, ServiceError> {
    let sc_service::PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Consensus { block_import, babe_link, babe_worker_handle, grandpa_link, mut telemetry },
    } = new_partial(&config)?;

    let genesis = client
        .block_hash(0)
        .ok()
        .flatten()
        .ok_or_else(|| ServiceError::Other("the database has no genesis block".into()))?;
    let metrics = N::register_notification_metrics(config.prometheus_registry());
    let mut net_config = sc_network::config::FullNetworkConfiguration::<Block, Hash, N>::new(
        &config.network,
        config.prometheus_registry().cloned(),
    );
    let grandpa_protocol = sc_consensus_grandpa::protocol_standard_name(&genesis, &config.chain_spec);
    let (grandpa_config, grandpa_notifications) = sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
        grandpa_protocol.clone(),
        metrics.clone(),
        net_config.peer_store_handle(),
    );
    net_config.add_notification_protocol(grandpa_config);
    let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
        backend.clone(),
        grandpa_link.shared_authority_set().clone(),
        Vec::new(),
    ));

    let (network, system_rpc_tx, tx_handler_controller, sync_service, _) =
        sc_service::build_network(sc_service::BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;

    if config.offchain_worker.enabled {
        let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
            runtime_api_provider: client.clone(),
            keystore: Some(keystore_container.keystore()),
            offchain_db: backend.offchain_storage(),
            transaction_pool: Some(OffchainTransactionPoolFactory::new(transaction_pool.clone())),
            network_provider: Arc::new(network.clone()),
            is_validator: config.role.is_authority(),
            enable_http_requests: true,
            custom_extensions: |_| vec![],
        })?;
        task_manager.spawn_handle().spawn(
            "offchain-workers-runner",
            "offchain-worker",
            workers.run(client.clone(), task_manager.spawn_handle()).boxed(),
        );
    }

    let role = config.role;
    let name = config.network.node_name.clone();
    let force_authoring = config.force_authoring;
    let enable_grandpa = !config.disable_grandpa;
    let prometheus_registry = config.prometheus_registry().cloned();
    let shared_voter_state = SharedVoterState::empty();

    let rpc_builder = {
        let (client, pool, select_chain) = (client.clone(), transaction_pool.clone(), select_chain.clone());
        let keystore = keystore_container.keystore();
        let justification_stream = grandpa_link.justification_stream();
        let shared_authority_set = grandpa_link.shared_authority_set().clone();
        let shared_voter_state = shared_voter_state.clone();
        let finality_provider =
            FinalityProofProvider::new_for_service(backend.clone(), Some(shared_authority_set.clone()));
        Box::new(move |executor| {
            rpc::create(rpc::Deps {
                client: client.clone(),
                pool: pool.clone(),
                select_chain: select_chain.clone(),
                keystore: keystore.clone(),
                babe_worker_handle: babe_worker_handle.clone(),
                shared_voter_state: shared_voter_state.clone(),
                shared_authority_set: shared_authority_set.clone(),
                justification_stream: justification_stream.clone(),
                finality_provider: finality_provider.clone(),
                executor,
            })
            .map_err(Into::into)
        })
    };

    sc_service::spawn_tasks(sc_service::SpawnTasksParams {
        config,
        client: client.clone(),
        backend,
        task_manager: &mut task_manager,
        keystore: keystore_container.keystore(),
        transaction_pool: transaction_pool.clone(),
        rpc_builder,
        network: network.clone(),
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync_service.clone(),
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    if role.is_authority() {
        let proposer = sc_basic_authorship::ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool.clone(),
            prometheus_registry.as_ref(),
            telemetry.as_ref().map(|telemetry| telemetry.handle()),
        );
        let babe = sc_consensus_babe::start_babe(sc_consensus_babe::BabeParams {
            keystore: keystore_container.keystore(),
            client,
            select_chain,
            env: proposer,
            block_import,
            sync_oracle: sync_service.clone(),
            justification_sync_link: sync_service.clone(),
            create_inherent_data_providers: inherents as CreateInherents,
            force_authoring,
            backoff_authoring_blocks: Some(sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging::default()),
            babe_link,
            block_proposal_slot_portion: SlotProportion::new(0.5),
            max_block_proposal_slot_portion: None,
            telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("babe-proposer", Some("block-authoring"), babe);
    }

    if enable_grandpa {
        let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: Duration::from_millis(333),
                justification_generation_period: JUSTIFICATION_PERIOD,
                name: Some(name),
                observer_enabled: false,
                keystore: role.is_authority().then(|| keystore_container.keystore()),
                local_role: role,
                telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
                protocol_name: grandpa_protocol,
            },
            link: grandpa_link,
            network,
            sync: Arc::new(sync_service),
            notification_service: grandpa_notifications,
            voting_rule: sc_consensus_grandpa::VotingRulesBuilder::default().build(),
            prometheus_registry,
            shared_voter_state,
            telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
    }

    Ok(task_manager)
}
