//! The state of one block, read through the metadata of its runtime.

use super::{
    answer,
    api::{self, runtime::runtime_types as on_chain},
    number,
    types::{Ballot, Bond, Dispute, Event, Input, Model, Payload, Pool, Settlement, Solution, Stake, Task, Verdict},
    ChainError, Config, Head,
};
use crate::solver::decide::State;
use assay_types::{Balance, BlockNumber, Cid, Commitment, Hash, ModelId, TaskId};
use on_chain::{
    assay_traits::{Payload as PayloadOnChain, Settlement as SettlementOnChain, TaskState, Verdict as VerdictOnChain},
    pallet_bonds::types::{Ledger, Pool as PoolOnChain},
    pallet_models::types::{ModelRecord, ModelState},
    pallet_tasks::types::TaskRecord,
};
use subxt::{
    error::DispatchError,
    events::{Events, Phase},
    storage::Address,
    utils::AccountId32,
    ArcMetadata, OnlineClientAtBlock,
};

/// The pallets that the worker cannot do without.
const PALLETS: [&str; 5] = ["Models", "Bonds", "Tasks", "Solutions", "Contestation"];

/// A block's state.
#[derive(Clone)]
pub struct At {
    block: OnlineClientAtBlock<Config>,
}

impl At {
    pub(super) fn new(block: OnlineClientAtBlock<Config>) -> Self {
        Self { block }
    }

    pub(super) fn inner(&self) -> &OnlineClientAtBlock<Config> {
        &self.block
    }

    /// Height.
    pub fn number(&self) -> BlockNumber {
        number(self.block.block_number())
    }

    /// Hash.
    pub fn hash(&self) -> Hash {
        self.block.block_hash()
    }

    /// The block itself.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn head(&self) -> Result<Head, ChainError> {
        let header = answer(self.block.block_header()).await?;
        Ok(Head { number: self.number(), hash: self.hash(), parent: header.parent_hash })
    }

    /// Checks that the runtime is one of Assay's.
    ///
    /// # Errors
    /// It has none of the pallets that the worker needs.
    pub fn ensure_known(&self) -> Result<(), ChainError> {
        ensure_pallets(|pallet| self.block.metadata_ref().pallet_by_name(pallet).is_some())
    }

    pub(super) async fn get<A: Address>(&self, address: A, keys: A::KeyParts) -> Result<Option<A::Value>, ChainError> {
        let value = answer(self.block.storage().try_fetch(address, keys)).await?;
        value.map(|value| value.decode().map_err(|error| subxt::Error::from(error).into())).transpose()
    }

    /// A task.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn task(&self, id: TaskId) -> Result<Option<Task>, ChainError> {
        Ok(self.get(api::storage().tasks().tasks(), (id,)).await?.map(|record| task(id, record)))
    }

    /// Every task that has not been forgotten.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn tasks(&self) -> Result<Vec<Task>, ChainError> {
        let mut entries = answer(self.block.storage().iter(api::storage().tasks().tasks(), ())).await?;
        let mut tasks = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(subxt::Error::from)?;
            let (id,) = entry.key().and_then(|key| key.decode()).map_err(subxt::Error::from)?;
            tasks.push(task(id, entry.value().decode().map_err(subxt::Error::from)?));
        }
        Ok(tasks)
    }

    /// What a task asks.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn input(&self, id: TaskId) -> Result<Option<Input>, ChainError> {
        let input = self.get(api::storage().tasks().inputs(), (id,)).await?;
        Ok(input.map(|input| Input { parameters: input.parameters.0, payload: payload(input.payload) }))
    }

    /// The standing output of a task.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn output(&self, id: TaskId) -> Result<Option<Payload>, ChainError> {
        Ok(self.get(api::storage().tasks().outputs(), (id,)).await?.map(payload))
    }

    /// The randomness that the chain recorded for a block that took tasks.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn recorded_randomness(&self, block: BlockNumber) -> Result<Option<[u8; 32]>, ChainError> {
        Ok(self.get(api::storage().tasks().block_seeds(), (block,)).await?.and_then(|seed| seed.randomness))
    }

    /// The output of the verifiable random function of this block's own author.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn author_randomness(&self) -> Result<Option<[u8; 32]>, ChainError> {
        Ok(self.get(api::storage().babe().author_vrf_randomness(), ()).await?.flatten())
    }

    /// The unrevealed commitment of `solver` to a task: what was committed to, and in which block.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn commitment(
        &self,
        task: TaskId,
        solver: AccountId32,
    ) -> Result<Option<(Commitment, BlockNumber)>, ChainError> {
        let record = self.get(api::storage().solutions().commitments(), (task, solver)).await?;
        Ok(record.map(|record| (record.commitment, record.committed_at)))
    }

    /// The standing solution of a task.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn solution(&self, task: TaskId) -> Result<Option<Solution>, ChainError> {
        let record = self.get(api::storage().solutions().solutions(), (task,)).await?;
        Ok(record.map(|record| Solution {
            solver: record.solver,
            committed_at: record.committed_at,
            first_revealed_at: record.first_revealed_at,
            revealed_at: record.revealed_at,
            output: Cid(record.output.0),
            trace_seal: record.trace_seal,
            stake: record.stake,
        }))
    }

    /// The dispute over the solution of a task, until the last of it was paid.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn dispute(&self, task: TaskId) -> Result<Option<Dispute>, ChainError> {
        let record = self.get(api::storage().contestation().disputes(), (task,)).await?;
        Ok(record.map(|record| Dispute {
            solver: record.solver,
            contester: record.contester,
            seal: record.seal,
            stake: record.stake,
            votes_until: record.votes_until,
            opens_until: record.opens_until,
            solver_opened: record.solver_opened,
            contester_opened: record.contester_result.is_some(),
            verdict: record.outcome.map(|outcome| verdict(&outcome.verdict)),
        }))
    }

    /// The ballot of `voter` in the dispute over the solution of a task, until it was paid.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn ballot(&self, task: TaskId, voter: AccountId32) -> Result<Option<Ballot>, ChainError> {
        let record = self.get(api::storage().contestation().ballots(), (task, voter)).await?;
        Ok(record.map(|record| Ballot { seal: record.seal, stake: record.stake, opened: record.result.is_some() }))
    }

    /// A registered model.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn model(&self, id: ModelId) -> Result<Option<Model>, ChainError> {
        Ok(self.get(api::storage().models().models(), (id,)).await?.map(|record| model(id, record)))
    }

    /// Every registered model.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn models(&self) -> Result<Vec<Model>, ChainError> {
        let mut entries = answer(self.block.storage().iter(api::storage().models().models(), ())).await?;
        let mut models = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(subxt::Error::from)?;
            let (id,) = entry.key().and_then(|key| key.decode()).map_err(subxt::Error::from)?;
            models.push(model(id, entry.value().decode().map_err(subxt::Error::from)?));
        }
        Ok(models)
    }

    /// Whether `solver` has declared that it serves a model.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn serves(&self, model: ModelId, solver: AccountId32) -> Result<bool, ChainError> {
        Ok(self.get(api::storage().models().solvers(), (model, solver)).await?.is_some())
    }

    /// Whether a solver that declared the model has bond that has matured; of the first `most` that are found.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn has_bonded_solver(&self, model: ModelId, most: usize) -> Result<bool, ChainError> {
        let mut entries = answer(self.block.storage().iter(api::storage().models().solvers(), (model,))).await?;
        for _ in 0..most {
            let Some(entry) = entries.next().await else { break };
            let entry = entry.map_err(subxt::Error::from)?;
            let (_, solver) = entry.key().and_then(|key| key.decode()).map_err(subxt::Error::from)?;
            if self.bond(solver).await?.is_some_and(|bond| bond.mature(self.number()) > 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The own bond of a solver.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn bond(&self, solver: AccountId32) -> Result<Option<Bond>, ChainError> {
        Ok(self.get(api::storage().bonds().ledgers(), (solver,)).await?.map(|ledger| bond(&ledger)))
    }

    /// All that stands behind a solver; `None` where nothing does.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn stake(&self, solver: AccountId32) -> Result<Option<Stake>, ChainError> {
        let ledger = self.get(api::storage().bonds().ledgers(), (solver,)).await?;
        let pool = self.get(api::storage().bonds().pools(), (solver,)).await?.map(|record| pool(record, self.number()));
        let stake = match ledger {
            None => pool.is_some().then(Stake::default),
            Some(ledger) => {
                let waiting = ledger.unbonding.0.iter().map(|chunk| (chunk.amount, chunk.leaves_at)).collect();
                Some(Stake { bond: bond(&ledger), waiting, pool: None })
            }
        };
        Ok(stake.map(|stake| Stake { pool, ..stake }))
    }

    /// What an account can spend, and what is set aside of it.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn balance(&self, account: AccountId32) -> Result<(Balance, Balance), ChainError> {
        let info = self.get(api::storage().system().account(), (account,)).await?;
        Ok(info.map_or((0, 0), |info| (info.data.free, info.data.reserved)))
    }

    /// The reward that would be reserved for a task's solution now.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn quote(&self, task: &Task) -> Result<Balance, ChainError> {
        let call = api::runtime_apis().assay_api().quote(task.model, task.fee);
        Ok(answer(self.block.runtime_apis().call(call)).await?.unwrap_or_default())
    }

    /// The events of the block, as the runtime that made it encoded them: the one in the state of the block before. In a
    /// block that upgrades the runtime, that is another than the one in its own state.
    async fn raw_events(&self) -> Result<(Events<Config>, ArcMetadata), ChainError> {
        let events = answer(self.block.events().fetch()).await?;
        let header = answer(self.block.block_header()).await?;
        // The first block was made by no runtime and tells of nothing.
        if self.number() == 0 {
            return Ok((events, self.block.metadata()));
        }
        let parent = answer(self.block.online_client().at_block(header.parent_hash)).await?;
        Ok((parent.events().from_bytes(events.bytes().to_vec()), parent.metadata()))
    }

    /// What happened in the block.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn events(&self) -> Result<Vec<Event>, ChainError> {
        Ok(self.caused_events().await?.into_iter().map(|(_, event)| event).collect())
    }

    /// What happened in the block, each with the index of the transaction that caused it, if one did.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn caused_events(&self) -> Result<Vec<(Option<u32>, Event)>, ChainError> {
        let (events, _) = self.raw_events().await?;
        let mut known = Vec::new();
        for found in events.iter() {
            let found = found.map_err(subxt::Error::from)?;
            let cause = match found.phase() {
                Phase::ApplyExtrinsic(index) => Some(index),
                _ => None,
            };
            known.extend(event(&found)?.map(|event| (cause, event)));
        }
        Ok(known)
    }

    /// What the transaction at `index` of the block did, or the error that undid it.
    pub(super) async fn results_of(&self, index: u32) -> Result<Result<Vec<Event>, String>, ChainError> {
        let (events, metadata) = self.raw_events().await?;
        let mut known = Vec::new();
        for found in events.iter() {
            let found = found.map_err(subxt::Error::from)?;
            if found.phase() != Phase::ApplyExtrinsic(index) {
                continue;
            }
            if (found.pallet_name(), found.event_name()) == ("System", "ExtrinsicFailed") {
                let error = DispatchError::decode_from(found.field_bytes(), metadata)
                    .map_or_else(|error| error.to_string(), |error| dispatch_error(&error));
                return Ok(Err(error));
            }
            known.extend(event(&found)?.or_else(|| stake(&found)));
        }
        Ok(Ok(known))
    }
}

/// A dispatch error as people read it: `Pallet::Name` and what the pallet says it means, where a pallet gave it.
fn dispatch_error(error: &DispatchError) -> String {
    match error {
        DispatchError::Module(error) => {
            let meaning = error.details().map(|details| details.variant.docs.join(" ")).unwrap_or_default();
            match meaning.trim().trim_end_matches('.') {
                "" => error.details_string(),
                meaning => format!("{}: {meaning}", error.details_string()),
            }
        }
        error => error.to_string(),
    }
}

fn task(id: TaskId, record: TaskRecord<AccountId32>) -> Task {
    Task {
        id,
        state: state(&record.state),
        submitter: record.submitter,
        model: record.model,
        fee: record.fee,
        model_fee: record.terms.fee,
        reward: record.reward,
        submitted_at: record.submitted_at,
        deadline: record.deadline,
        reveal_grace: record.reveal_grace,
        contest_window: record.contest_window,
        solver: record.solver,
    }
}

fn state(state: &TaskState) -> State {
    match state {
        TaskState::Open => State::Open,
        TaskState::Solved => State::Solved,
        TaskState::Disputed => State::Disputed,
        TaskState::Settled => State::Settled,
        TaskState::Refunded => State::Refunded,
        TaskState::Expired => State::Expired,
        TaskState::Retracted => State::Retracted,
    }
}

fn verdict(verdict: &VerdictOnChain) -> Verdict {
    match verdict {
        VerdictOnChain::Falls => Verdict::Falls,
        VerdictOnChain::Stands => Verdict::Stands,
        VerdictOnChain::Inconclusive => Verdict::Inconclusive,
    }
}

fn payload(payload: PayloadOnChain) -> Payload {
    match payload {
        PayloadOnChain::Inline(bytes) => Payload::Inline(bytes.0),
        PayloadOnChain::External { cid, length } => Payload::External { cid: Cid(cid.0), length },
    }
}

fn model(id: ModelId, record: ModelRecord<AccountId32>) -> Model {
    Model {
        id,
        owner: record.owner,
        manifest: Cid(record.manifest.0),
        fee: record.fee,
        recipient: record.recipient,
        rate: record.rate.0,
        retired: matches!(record.state, ModelState::Retired),
        solvers: record.solvers,
    }
}

fn bond(ledger: &Ledger) -> Bond {
    Bond {
        active: ledger.active,
        maturing: ledger.maturing.0.iter().map(|part| (part.amount, part.matures_at)).collect(),
        pledged: ledger.pledged,
    }
}

/// A pool in the block `now`: a rise that has come is the commission.
fn pool(pool: PoolOnChain, now: BlockNumber) -> Pool {
    let rise = pool.rise.map(|rise| (rise.to.0, rise.at));
    let (commission, rise) = match rise {
        Some((to, at)) if at <= now => (to, None),
        rise => (pool.commission.0, rise),
    };
    Pool { commission, rise, delegated: pool.fund.balance }
}

fn settlement(settlement: SettlementOnChain) -> Settlement {
    let SettlementOnChain { fee, reward } = settlement;
    Settlement {
        fee: [fee.model, fee.treasury, fee.solver, fee.delegators],
        reward: [reward.treasury, reward.liquidity, reward.solver, reward.delegators, reward.validators, reward.user],
    }
}

/// Checks that a runtime has what the worker needs.
///
/// # Errors
/// It does not have one of the pallets.
fn ensure_pallets(has: impl Fn(&str) -> bool) -> Result<(), ChainError> {
    match PALLETS.into_iter().find(|pallet| !has(pallet)) {
        None => Ok(()),
        Some(pallet) => Err(ChainError::Incompatible(format!("it has no {pallet}; this is no Assay chain"))),
    }
}

/// An event that the worker cares for.
fn event(found: &subxt::events::Event<'_, Config>) -> Result<Option<Event>, ChainError> {
    use api::runtime::{contestation, models, solutions, tasks};
    let name = (found.pallet_name(), found.event_name());
    macro_rules! fields {
        ($event:ty) => {
            found.decode_fields_unchecked_as::<$event>().map_err(subxt::Error::from)?
        };
    }
    Ok(match name {
        ("Tasks", "Submitted") => {
            let event = fields!(tasks::events::Submitted);
            Some(Event::Submitted {
                task: event.task,
                submitter: event.submitter,
                model: event.model,
                input: Cid(event.input.0),
            })
        }
        ("Tasks", "Settled") => {
            let event = fields!(tasks::events::Settled);
            Some(Event::Settled { task: event.task, solver: event.solver, settlement: settlement(event.settlement) })
        }
        ("Tasks", "Expired") => {
            Some(Event::Ended { task: fields!(tasks::events::Expired).task, state: State::Expired })
        }
        ("Tasks", "Refunded") => {
            Some(Event::Ended { task: fields!(tasks::events::Refunded).task, state: State::Refunded })
        }
        ("Tasks", "Retracted") => {
            Some(Event::Ended { task: fields!(tasks::events::Retracted).task, state: State::Retracted })
        }
        ("Solutions", "Committed") => {
            let event = fields!(solutions::events::Committed);
            Some(Event::Committed { task: event.task, solver: event.solver })
        }
        ("Solutions", "Revealed") => {
            let event = fields!(solutions::events::Revealed);
            Some(Event::Revealed {
                task: event.task,
                solver: event.solver,
                output: Cid(event.output.0),
                replaced: event.replaced,
            })
        }
        ("Contestation", "Contested") => {
            let event = fields!(contestation::events::Contested);
            Some(Event::Contested { task: event.task, solver: event.solver, contester: event.contester })
        }
        ("Contestation", "Resolved") => {
            let event = fields!(contestation::events::Resolved);
            Some(Event::Resolved { task: event.task, verdict: verdict(&event.verdict) })
        }
        ("Models", "Registered") => Some(Event::Registered { model: fields!(models::events::Registered).model }),
        _ => None,
    })
}

/// What has happened to the sender's stake. It is only shown, so what cannot be read is left out.
fn stake(found: &subxt::events::Event<'_, Config>) -> Option<Event> {
    use api::runtime::bonds::events;
    macro_rules! fields {
        ($event:ty) => {
            found.decode_fields_unchecked_as::<$event>().ok()?
        };
    }
    let (amount, due) = match (found.pallet_name(), found.event_name()) {
        ("Bonds", "Bonded") => {
            let event = fields!(events::Bonded);
            (Some(event.amount), Some(event.matures_at))
        }
        ("Bonds", "BondedMore") => {
            let event = fields!(events::BondedMore);
            (Some(event.amount), Some(event.matures_at))
        }
        ("Bonds", "Unbonded") => {
            let event = fields!(events::Unbonded);
            (Some(event.amount), Some(event.leaves_at))
        }
        ("Bonds", "Undelegated") => {
            let event = fields!(events::Undelegated);
            (Some(event.amount), Some(event.leaves_at))
        }
        ("Bonds", "Withdrawn") => (Some(fields!(events::Withdrawn).amount), None),
        ("Bonds", "Delegated") => (Some(fields!(events::Delegated).amount), None),
        ("Bonds", "DelegationWithdrawn") => (Some(fields!(events::DelegationWithdrawn).amount), None),
        ("Bonds", "CommissionSet") => (None, Some(fields!(events::CommissionSet).from)),
        _ => return None,
    };
    Some(Event::Stake { amount, due })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[test]
    fn a_runtime_without_any_one_of_the_pallets_is_of_another_chain() {
        assert!(ensure_pallets(|_| true).is_ok());
        for missing in PALLETS {
            let failure = Failure::from(ensure_pallets(|pallet| pallet != missing).unwrap_err());
            assert_eq!(failure.exit_code(), 6);
            assert!(failure.to_string().contains(&format!("it has no {missing}; this is no Assay chain")), "{failure}");
        }
    }
}
