//! A chain without a network: blocks are built and imported by hand, over the client and the database of a node.

use anyhow::{anyhow, Context, Result};
use assay_runtime::{
    constants::SLOT_DURATION, genesis_config_presets, opaque, AccountId, Runtime, RuntimeApi, RuntimeCall,
    RuntimeParameters, SessionKeys, SignedPayload, TxExtension, UncheckedExtrinsic, VERSION,
};
use assay_types::{Hash, Tenure, ASY};
use codec::{Decode, Encode};
use cpu_time::ThreadTime;
use frame_support::{dispatch::GetDispatchInfo, weights::Weight};
use sc_block_builder::BlockBuilderBuilder;
use sc_client_api::{execution_extensions::ExecutionExtensions, StorageProvider};
use sc_client_db::{Backend, BlocksPruning, DatabaseSettings, DatabaseSource, PruningMode};
use sc_consensus::{BlockImport, BlockImportParams, ForkChoiceStrategy, StateAction, StorageChanges};
use sc_executor::WasmExecutor;
use sc_service::client::{Client, LocalCallExecutor};
use serde_json::json;
use sp_blockchain::HeaderBackend;
use sp_consensus::BlockOrigin;
use sp_consensus_babe::{
    digests::{PreDigest, SecondaryVRFPreDigest},
    Slot, BABE_ENGINE_ID,
};
use sp_core::{crypto::VrfSecret, ed25519, sr25519, storage::StorageKey, Pair};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{generic::Era, traits::TransactionExtension, Digest, DigestItem, MultiSignature};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

type Block = opaque::Block;
type Executor = WasmExecutor<sp_io::SubstrateHostFunctions>;
type FullClient = Client<Backend<Block>, LocalCallExecutor<Block, Backend<Block>, Executor>, Block, RuntimeApi>;

/// Slot of the block with number zero.
const FIRST_SLOT: u64 = 1_000;
/// Blocks whose state is kept.
const KEPT: u32 = 64;
/// What each candidate starts with, in units of ASY.
const WEALTH: u64 = 1_000 * ASY as u64;

/// What a block took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Processor time of building it, from the header to the last hook.
    pub build: Duration,
    /// Time of importing it, its execution included; nothing where it was not executed again.
    pub import: Duration,
    /// Transactions in it that were asked for.
    pub transactions: usize,
}

/// A development chain with production's epochs and deadlines, in a folder that goes when it is dropped.
pub struct Chain {
    client: FullClient,
    genesis: Hash,
    // To derive a key takes longer than to sign with it.
    pairs: HashMap<Sr25519Keyring, sr25519::Pair>,
    nonces: HashMap<AccountId, u32>,
    number: u32,
    // Dropped last.
    _folder: tempfile::TempDir,
}

/// Session keys that nobody has the secrets of, different for each key.
pub fn session_keys(public: sr25519::Public) -> SessionKeys {
    SessionKeys { babe: public.into(), grandpa: ed25519::Public::from_raw(public.0).into() }
}

/// What is checked of a transaction with this nonce.
fn extension(nonce: u32) -> TxExtension {
    (
        frame_system::AuthorizeCall::<Runtime>::new(),
        frame_system::CheckNonZeroSender::<Runtime>::new(),
        frame_system::CheckSpecVersion::<Runtime>::new(),
        frame_system::CheckTxVersion::<Runtime>::new(),
        frame_system::CheckGenesis::<Runtime>::new(),
        frame_system::CheckEra::<Runtime>::from(Era::Immortal),
        frame_system::CheckNonce::<Runtime>::from(nonce),
        frame_system::CheckWeight::<Runtime>::new(),
        pallet_transaction_payment::ChargeTransactionPayment::<Runtime>::from(0),
        frame_system::WeightReclaim::<Runtime>::new(),
    )
}

/// What a signed transaction of this call weighs before it is run, beside what every transaction does.
pub fn weigh(call: &RuntimeCall) -> Weight {
    call.get_dispatch_info().total_weight().saturating_add(extension(0).weight(call))
}

impl Chain {
    /// A new chain; its state is in a database on disk, as a node's is. `candidates` have money, and session keys that are
    /// no validator's.
    ///
    /// # Errors
    /// The runtime was built without WebAssembly, or a part cannot be set up.
    pub fn new(parameters: &[RuntimeParameters], epoch: u32, candidates: &[sr25519::Pair]) -> Result<Self> {
        let code =
            assay_runtime::WASM_BINARY.context("the runtime was built with SKIP_WASM_BUILD; build it without")?;
        let mut patch = genesis_config_presets::development();
        let settings = patch.get_mut("settings").context("the preset has no settings")?;
        settings["epochLength"] = epoch.into();
        let list = settings["parameters"].as_array_mut().context("the preset has no parameters")?;
        for parameter in parameters {
            let encoded = sp_core::bytes::to_hex(&parameter.encode(), false);
            // Pallet, parameter and key come first: the same number of bytes for all.
            list.retain(|other| other.as_str().is_none_or(|other| other.get(..8) != encoded.get(..8)));
            list.push(encoded.into());
        }
        let balances = patch["balances"]["balances"].as_array_mut().context("the preset endows nobody")?;
        balances.extend(candidates.iter().map(|pair| json!([AccountId::from(pair.public()), WEALTH])));
        let keys = |pair: &sr25519::Pair| {
            let account = AccountId::from(pair.public());
            json!([account, account, session_keys(pair.public())])
        };
        patch["session"]["nonAuthorityKeys"] = candidates.iter().map(keys).collect();
        let genesis = sc_chain_spec::GenesisConfigBuilderRuntimeCaller::<sp_io::SubstrateHostFunctions>::new(code);
        let mut storage = genesis.get_storage_for_patch(patch).map_err(anyhow::Error::msg)?;
        storage.top.insert(sp_core::storage::well_known_keys::CODE.to_vec(), code.to_vec());

        let folder = tempfile::tempdir()?;
        let backend = sc_service::new_db_backend::<Block>(DatabaseSettings {
            trie_cache_maximum_size: Some(64 << 20),
            state_pruning: Some(PruningMode::blocks_pruning(KEPT)),
            source: DatabaseSource::ParityDb { path: folder.path().into() },
            blocks_pruning: BlocksPruning::Some(KEPT),
            pruning_filters: Vec::new(),
            metrics_registry: None,
        })?;
        let executor = Executor::builder().build();
        let builder =
            sc_service::GenesisBlockBuilder::new_with_storage(storage, true, backend.clone(), executor.clone())?;
        let client = sc_service::new_client(
            backend,
            executor.clone(),
            builder,
            None,
            None,
            ExecutionExtensions::new(None, Arc::new(executor)),
            Box::new(sp_core::testing::TaskExecutor::new()),
            None,
            None,
            Default::default(),
        )?;
        let genesis = client.info().genesis_hash;
        Ok(Self { client, genesis, pairs: HashMap::new(), nonces: HashMap::new(), number: 0, _folder: folder })
    }

    /// Hash of the first block.
    pub fn genesis(&self) -> Hash {
        self.genesis
    }

    /// Height of the last block.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// A transaction as a wallet makes it.
    pub fn sign(&mut self, from: Sr25519Keyring, call: impl Into<RuntimeCall>) -> opaque::UncheckedExtrinsic {
        let pair = self.pairs.entry(from).or_insert_with(|| from.pair()).clone();
        self.sign_with(&pair, call)
    }

    /// As [`Self::sign`], by anybody.
    pub fn sign_with(&mut self, pair: &sr25519::Pair, call: impl Into<RuntimeCall>) -> opaque::UncheckedExtrinsic {
        let (account, call) = (AccountId::from(pair.public()), call.into());
        let nonce = self.nonces.entry(account.clone()).or_default();
        let extension = extension(*nonce);
        *nonce += 1;
        let (spec, transaction) = (VERSION.spec_version, VERSION.transaction_version);
        let implicit = ((), (), spec, transaction, self.genesis, self.genesis, (), (), (), ());
        let payload = SignedPayload::from_raw(call.clone(), extension.clone(), implicit);
        let signature = MultiSignature::Sr25519(payload.using_encoded(|bytes| pair.sign(bytes)));
        UncheckedExtrinsic::new_signed(call, account.into(), signature, extension).into()
    }

    /// Forgets the last `count` transactions that `from` has signed: no block has them.
    pub fn unsign(&mut self, from: Sr25519Keyring, count: usize) {
        let nonce = self.nonces.entry(from.to_account_id()).or_default();
        *nonce = nonce.saturating_sub(count as u32);
    }

    /// A block's slot, in which Alice may author.
    fn digest(slot: u64) -> Digest {
        let transcript = sp_consensus_babe::make_vrf_transcript(&[0; 32], slot.into(), 0).into_sign_data();
        let claim = PreDigest::SecondaryVRF(SecondaryVRFPreDigest {
            authority_index: 0,
            slot: Slot::from(slot),
            vrf_signature: Sr25519Keyring::Alice.pair().vrf_sign(&transcript),
        });
        Digest { logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, claim.encode())] }
    }

    /// Makes the next block of `transactions`, which all must succeed, and keeps it. With `execute` it is imported as from
    /// another node, by executing it again.
    ///
    /// # Errors
    /// A transaction is refused or fails, or the block does not fit together.
    pub fn block(&mut self, transactions: Vec<opaque::UncheckedExtrinsic>, execute: bool) -> Result<Cost> {
        let (cost, left) = self.fill(transactions, execute)?;
        anyhow::ensure!(left == 0, "{left} transactions do not fit the block {}", self.number);
        Ok(cost)
    }

    /// As [`Self::block`], but ends the block when it is full; returns how many transactions were left out, too.
    ///
    /// # Errors
    /// As [`Self::block`].
    pub fn fill(&mut self, transactions: Vec<opaque::UncheckedExtrinsic>, execute: bool) -> Result<(Cost, usize)> {
        let slot = FIRST_SLOT + u64::from(self.number) + 1;
        let parent = self.client.info().best_hash;
        let digest = Self::digest(slot);
        let time = pallet_timestamp::Call::<Runtime>::set { now: slot * SLOT_DURATION };
        let time = UncheckedExtrinsic::new_bare(time.into()).into();
        let asked = transactions.len();

        let begin = ThreadTime::now();
        let mut builder = BlockBuilderBuilder::new(&self.client)
            .on_parent_block(parent)
            .fetch_parent_block_number(&self.client)?
            .with_inherent_digests(digest)
            .build()?;
        builder.push(time)?;
        let mut taken = 0;
        for transaction in transactions {
            match builder.push(transaction) {
                Ok(()) => taken += 1,
                Err(sp_blockchain::Error::ApplyExtrinsicFailed(sp_blockchain::ApplyExtrinsicFailed::Validity(
                    error,
                ))) if error.exhausted_resources() => break,
                Err(error) => return Err(anyhow!("a transaction is refused: {error}")),
            }
        }
        let (block, changes) = builder.build()?.into_inner();
        let build = begin.elapsed();

        let mut import = BlockImportParams::new(BlockOrigin::Own, block.header);
        import.body = Some(block.extrinsics);
        import.fork_choice = Some(ForkChoiceStrategy::LongestChain);
        import.finalized = true;
        import.state_action = match execute {
            true => StateAction::Execute,
            false => StateAction::ApplyChanges(StorageChanges::Changes(changes)),
        };
        let begin = Instant::now();
        let result = futures::executor::block_on(self.client.import_block(import))?;
        let import = if execute { begin.elapsed() } else { Duration::ZERO };
        anyhow::ensure!(matches!(result, sc_consensus::ImportResult::Imported(_)), "not imported: {result:?}");
        self.number += 1;
        self.check_events()?;
        Ok((Cost { build, import, transactions: taken }, asked - taken))
    }

    /// Every transaction must have done what it says: a failed one would be measured as a cheap one.
    fn check_events(&self) -> Result<()> {
        let key = frame_support::storage::storage_prefix(b"System", b"Events");
        type Records = Vec<Box<frame_system::EventRecord<assay_runtime::RuntimeEvent, Hash>>>;
        for record in self.get::<Records>(&key)?.unwrap_or_default() {
            if let assay_runtime::RuntimeEvent::System(frame_system::Event::ExtrinsicFailed {
                dispatch_error, ..
            }) = record.event
            {
                return Err(anyhow!("a transaction of block {} failed: {dispatch_error:?}", self.number));
            }
        }
        Ok(())
    }

    /// What is at `key` after the last block.
    ///
    /// # Errors
    /// The database cannot be read, or what is there is something else.
    pub fn get<T: Decode>(&self, key: &[u8]) -> Result<Option<T>> {
        let data = self.client.storage(self.client.info().best_hash, &StorageKey(key.to_vec()))?;
        Ok(data.map(|data| T::decode(&mut &data.0[..])).transpose()?)
    }

    /// The tenure of the last block.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn tenure(&self) -> Result<Tenure> {
        Ok(self.get(&pallet_session::CurrentIndex::<Runtime>::hashed_key())?.unwrap_or_default())
    }

    /// Bytes of all keys and values in the state.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn state_bytes(&self) -> Result<usize> {
        let pairs = self.client.storage_pairs(self.client.info().best_hash, None, None)?;
        Ok(pairs.map(|(key, value)| key.0.len() + value.0.len()).sum())
    }
}
