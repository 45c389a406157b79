//! The node's own JSON-RPC methods, namespace `assay`: tasks, payloads, models, solvers, money, proofs of elections, and
//! what happens to tasks.
//!
//! They ask the runtime through [`assay_runtime_api::AssayApi`] and know nothing of its storage but where events are,
//! which they hand to the runtime that wrote them: a runtime upgrade does not break them. `docs/rpc.md` is their
//! reference, and [`DISCOVERY`] describes them to machines (`rpc_discover`, [OpenRPC](https://spec.open-rpc.org)).

pub mod answers;
pub mod chain;
pub mod error;
pub mod follow;
pub mod params;
mod subscription;

pub use error::Error;

use answers::{At, ElectionProof, FeeEstimate, Models, Payload, Schedule, Solvers, Supply, TaskInfo, Tasks};
use assay_runtime_api::{AssayApi, ElectionsApi, PayloadKind};
use assay_traits::Payload as StoredPayload;
use assay_types::{AccountId, BlockNumber, Hash, TaskId, Tenure};
use chain::{Chain, OpaqueBlock, Reader};
use futures::StreamExt;
use jsonrpsee::{
    core::{async_trait, RegisterMethodError},
    proc_macros::rpc,
    types::ErrorObjectOwned,
    PendingSubscriptionSink, RpcModule, SubscriptionCloseResponse, SubscriptionMessage,
};
use params::{Amount, Paging, PayloadOf, PayloadQuery, Wanted, WantedChanges};
use sc_client_api::{Backend, BlockchainEvents, ProofProvider, StorageProvider};
use serde_json::Value;
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use std::sync::{Arc, LazyLock};

/// What the methods need of a node's client.
pub trait Client<B: Backend<OpaqueBlock>>:
    ProvideRuntimeApi<OpaqueBlock>
    + HeaderBackend<OpaqueBlock>
    + StorageProvider<OpaqueBlock, B>
    + ProofProvider<OpaqueBlock>
    + BlockchainEvents<OpaqueBlock>
    + Send
    + Sync
    + 'static
{
}

impl<B, C> Client<B> for C
where
    B: Backend<OpaqueBlock>,
    C: ProvideRuntimeApi<OpaqueBlock>
        + HeaderBackend<OpaqueBlock>
        + StorageProvider<OpaqueBlock, B>
        + ProofProvider<OpaqueBlock>
        + BlockchainEvents<OpaqueBlock>
        + Send
        + Sync
        + 'static,
{
}

/// The methods. Parameters are positional or by name; `at` is the hash of the block that is asked, the best one where
/// it is left out.
#[rpc(server, namespace = "assay")]
pub trait AssayRpc {
    /// Everything the chain knows of a task but the bytes of its payloads.
    #[method(name = "task", blocking)]
    fn task(&self, id: String, at: Option<String>) -> Result<At<TaskInfo>, Error>;

    /// Tasks that fit a filter, a page of them.
    #[method(name = "tasks", blocking)]
    fn tasks(&self, filter: Option<Wanted>, page: Option<Paging>, at: Option<String>) -> Result<At<Tasks>, Error>;

    /// A payload in the chain's state: one of a task, or any with a content id.
    #[method(name = "payload", blocking)]
    fn payload(&self, of: PayloadQuery, at: Option<String>) -> Result<At<Payload>, Error>;

    /// Models, a page of them, with how many open tasks each has.
    #[method(name = "models", blocking)]
    fn models(&self, page: Option<Paging>, at: Option<String>) -> Result<At<Models>, Error>;

    /// Who has declared to serve a model, a page of them, with their stake.
    #[method(name = "solvers", blocking)]
    fn solvers(&self, model: String, page: Option<Paging>, at: Option<String>) -> Result<At<Solvers>, Error>;

    /// What a task would cost and earn if it were submitted now; `bytes` is the length of its parameters and of an
    /// input in the chain's state.
    #[method(name = "feeEstimate", blocking)]
    fn fee_estimate(
        &self,
        model: String,
        fee: Amount,
        bytes: Option<u32>,
        at: Option<String>,
    ) -> Result<At<FeeEstimate>, Error>;

    /// Where the emission stands.
    #[method(name = "supply", blocking)]
    fn supply(&self, at: Option<String>) -> Result<At<Supply>, Error>;

    /// What the emission schedules by a height.
    #[method(name = "schedule", blocking)]
    fn schedule(&self, height: BlockNumber, at: Option<String>) -> Result<At<Schedule>, Error>;

    /// What the election of `tenure`, that of its commitments, can be recomputed from; `at` is the last final block where
    /// it is left out. At most as large as what a thousand commitments take.
    #[method(name = "electionProof", blocking)]
    fn election_proof(&self, tenure: Tenure, at: Option<String>) -> Result<ElectionProof, Error>;

    /// Tells what happens to tasks, block by block, and how certain it is.
    #[subscription(name = "subscribeTasks" => "taskChange", unsubscribe = "unsubscribeTasks", item = answers::Notice)]
    async fn subscribe_tasks(&self, filter: Option<WantedChanges>) -> SubscriptionCloseResponse;
}

/// Answers with a node's client.
struct Assay<C, B> {
    chain: Arc<Reader<C, B>>,
}

impl<C, B> Assay<C, B>
where
    C: Client<B>,
    C::Api: AssayApi<OpaqueBlock, AccountId> + ElectionsApi<OpaqueBlock>,
    B: Backend<OpaqueBlock> + 'static,
{
    /// Asks the runtime of the block that is meant.
    fn ask<T>(
        &self,
        at: Option<String>,
        question: impl FnOnce(&C::Api, Hash) -> Result<T, ApiError>,
    ) -> Result<At<T>, Error> {
        let at = at.map(|text| params::hash("at", &text)).transpose()?;
        let block = self.chain.block(at)?;
        let answer = self.chain.ask(block.hash, |api| question(api, block.hash))?;
        Ok(At { block, answer })
    }

    /// The bytes of a task's payload, checked.
    fn bytes(&self, task: TaskId, kind: PayloadKind, at: Hash) -> Result<Payload, Error> {
        let payload = answers::payload_name(kind);
        let missing = |reason| Error::NoPayload { task, payload, reason };
        let details = self.chain.ask(at, |api| api.task(at, task))?.ok_or(Error::UnknownTask(task))?;
        let (stored, expected) = match kind {
            PayloadKind::Input => (details.input_payload, Some(details.input)),
            PayloadKind::Output => (details.output_payload, details.output),
        };
        let expected = expected.ok_or(missing("it has not been solved"))?;
        match stored.ok_or(missing("payloads are dropped when a task ends"))? {
            StoredPayload::External { .. } => Err(missing("it is kept elsewhere, under its content id")),
            StoredPayload::Inline(bytes) => {
                let found = Payload::new(task, kind, bytes.into_inner());
                match found.cid() {
                    cid if cid == expected => Ok(found),
                    cid => Err(Error::WrongBytes { expected, found: cid }),
                }
            }
        }
    }
}

impl<T> At<T> {
    fn map<U>(self, map: impl FnOnce(T) -> Result<U, Error>) -> Result<At<U>, Error> {
        Ok(At { block: self.block, answer: map(self.answer)? })
    }
}

#[async_trait]
impl<C, B> AssayRpcServer for Assay<C, B>
where
    C: Client<B>,
    C::Api: AssayApi<OpaqueBlock, AccountId> + ElectionsApi<OpaqueBlock>,
    B: Backend<OpaqueBlock> + 'static,
{
    fn task(&self, id: String, at: Option<String>) -> Result<At<TaskInfo>, Error> {
        let id = params::hash("id", &id)?;
        let genesis = self.chain.client().info().genesis_hash;
        self.ask(at, |api, at| api.task_info(at, id))?
            .map(|info| info.map(|info| TaskInfo::new(info, &genesis)).ok_or(Error::UnknownTask(id)))
    }

    fn tasks(&self, filter: Option<Wanted>, page: Option<Paging>, at: Option<String>) -> Result<At<Tasks>, Error> {
        let filter = filter.unwrap_or_default().read()?;
        let (after, limit) = page.unwrap_or_default().read(params::hash)?;
        self.ask(at, |api, at| api.tasks(at, filter, after, limit))?.map(|page| Ok(page.into()))
    }

    fn payload(&self, of: PayloadQuery, at: Option<String>) -> Result<At<Payload>, Error> {
        match of.read()? {
            PayloadOf::Task(task, kind) => {
                let block = self.ask(at, |_, _| Ok(()))?.block;
                Ok(At { block, answer: self.bytes(task, kind, block.hash)? })
            }
            PayloadOf::Cid(cid, after) => {
                let At { block, answer } = self.ask(at, |api, at| api.find_payload(at, cid, after))?;
                let (task, kind) = *answer.items.first().ok_or(Error::PayloadNotFound {
                    cid,
                    looked_at: answer.looked_at,
                    next: answer.next,
                })?;
                Ok(At { block, answer: self.bytes(task, kind, block.hash)? })
            }
        }
    }

    fn models(&self, page: Option<Paging>, at: Option<String>) -> Result<At<Models>, Error> {
        let (after, limit) = page.unwrap_or_default().read(params::hash)?;
        self.ask(at, |api, at| Ok((api.models(at, after, limit)?, api.demand(at)?)))?
            .map(|(page, demand)| Ok(Models::new(page, demand)))
    }

    fn solvers(&self, model: String, page: Option<Paging>, at: Option<String>) -> Result<At<Solvers>, Error> {
        let model = params::hash("model", &model)?;
        let (after, limit) = page.unwrap_or_default().read(params::account)?;
        self.ask(at, |api, at| api.solvers(at, model, after, limit))?
            .map(|page| page.map(Into::into).ok_or(Error::UnknownModel(model)))
    }

    fn fee_estimate(
        &self,
        model: String,
        fee: Amount,
        bytes: Option<u32>,
        at: Option<String>,
    ) -> Result<At<FeeEstimate>, Error> {
        let (model, fee) = (params::hash("model", &model)?, fee.units("fee")?);
        self.ask(at, |api, at| api.fee_estimate(at, model, fee, bytes.unwrap_or_default()))?.map(|estimate| {
            let estimate = estimate.ok_or(Error::UnknownModel(model))?;
            let reward = estimate.reward.ok_or(Error::FeeTooLow { fee, least: estimate.model_fee })?;
            Ok(FeeEstimate::new(fee, estimate, reward))
        })
    }

    fn supply(&self, at: Option<String>) -> Result<At<Supply>, Error> {
        self.ask(at, |api, at| api.supply(at))?.map(|supply| Ok(supply.into()))
    }

    fn schedule(&self, height: BlockNumber, at: Option<String>) -> Result<At<Schedule>, Error> {
        self.ask(at, |api, at| api.schedule(at, height))?.map(|schedule| Ok(schedule.into()))
    }

    fn election_proof(&self, tenure: Tenure, at: Option<String>) -> Result<ElectionProof, Error> {
        let at = at.map(|text| params::hash("at", &text)).transpose()?;
        self.chain.election_proof(tenure, at.unwrap_or_else(|| self.chain.heads().finalized.hash))
    }

    async fn subscribe_tasks(
        &self,
        pending: PendingSubscriptionSink,
        filter: Option<WantedChanges>,
    ) -> SubscriptionCloseResponse {
        let begin = filter.unwrap_or_default().read().and_then(|filter| {
            let best = self.chain.heads().best;
            self.chain.runtime(best.hash).map(|_| filter)
        });
        let filter = match begin {
            Ok(filter) => filter,
            Err(error) => {
                pending.reject(error).await;
                return SubscriptionCloseResponse::None;
            }
        };
        let client = self.chain.client();
        // Before the chain is looked at for the first time, so that nothing is missed.
        let news = futures::stream::select(
            client.import_notification_stream().map(|_| ()),
            client.finality_notification_stream().map(|_| ()),
        )
        .boxed();
        let Ok(sink) = pending.accept().await else { return SubscriptionCloseResponse::None };
        match subscription::serve(self.chain.clone(), news, &sink, filter, subscription::PATIENCE).await {
            Ok(()) => SubscriptionCloseResponse::None,
            Err(error) => farewell(error),
        }
    }
}

/// The last that a subscriber is told.
fn farewell(error: Error) -> SubscriptionCloseResponse {
    match SubscriptionMessage::from_json(&ErrorObjectOwned::from(error)) {
        Ok(message) => SubscriptionCloseResponse::NotifErr(message),
        // An error is made of numbers and texts, which are always JSON.
        Err(_) => SubscriptionCloseResponse::None,
    }
}

/// The OpenRPC document of these methods: what `rpc_discover` answers.
///
/// # Panics
/// Never: a test reads it.
pub static DISCOVERY: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("openrpc.json")).expect("the document is JSON"));

/// All methods, `rpc_discover` included, for a node with this client.
///
/// # Errors
/// Two methods have the same name.
pub fn module<C, B>(client: Arc<C>) -> Result<RpcModule<()>, RegisterMethodError>
where
    C: Client<B>,
    C::Api: AssayApi<OpaqueBlock, AccountId> + ElectionsApi<OpaqueBlock>,
    B: Backend<OpaqueBlock> + 'static,
{
    let mut module = RpcModule::new(());
    module.merge(Assay { chain: Arc::new(Reader::new(client)) }.into_rpc())?;
    module.register_method("rpc_discover", |_, _, _| Ok::<_, ErrorObjectOwned>(DISCOVERY.clone()))?;
    Ok(module)
}

#[cfg(test)]
mod tests;
