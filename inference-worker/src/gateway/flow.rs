//! From a question to its answer on chain.

use super::{
    body::{Question, Wait},
    catalog::Offer,
    error::ApiError,
    keys::ApiKey,
    store::{self, Purpose, Request, StoreError},
    Gateway,
};
use crate::{
    amount,
    chain::{types::Payload, Call, Refusal, Signed, Terms, TxOutcome},
    indexer::{Answered, Found},
    solver::decide::State,
};
use assay_types::{Balance, TaskId, MICRO_ASY, MILLI_ASY};
use axum::http::StatusCode;
use codec::Encode;
use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc, Mutex, PoisonError,
    },
    time::Duration,
};
use tokio::{
    sync::{watch, OwnedSemaphorePermit},
    time::{timeout_at, Instant},
};

/// An idempotency key with the SHA-256 of what is asked.
pub type Once = (String, [u8; 32]);

/// How far a transaction is known to have come.
#[derive(Clone, Debug)]
enum Progress {
    /// It has not left yet.
    Sending,
    /// The node has it, or may have it.
    Sent(Signed),
    /// It did nothing and never will.
    Failed(ApiError),
}

/// Tells, by being dropped, that nobody waits any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The idempotency key of a request that is being sent: another with the same has to wait until it is written down.
struct Sending(Arc<Gateway>, (String, String));

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.sending.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// A task that was submitted, or is about to be, and is waited for.
pub struct Following {
    gateway: Arc<Gateway>,
    progress: watch::Receiver<Progress>,
    changes: watch::Receiver<u64>,
    begin: Instant,
    end: Instant,
    task: Option<TaskId>,
    _wanted: Wanted,
    /// A place of the gateway, and one of the key.
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl Gateway {
    /// Submits the task that `question` is, or finds the one that it was submitted as before.
    ///
    /// # Errors
    /// Why nothing was submitted.
    pub async fn place(
        self: &Arc<Self>,
        key: &ApiKey,
        offer: &Offer,
        question: &Question,
        once: Option<Once>,
    ) -> Result<Following, ApiError> {
        let own = key.wait()?;
        let permit = self.waiting.clone().try_acquire_owned().map_err(|_| {
            ApiError::unavailable("overloaded", "too many requests are waiting for answers at this gateway")
        })?;
        let begin = Instant::now();
        let follow = |progress: watch::Receiver<Progress>, wanted: Arc<AtomicBool>| Following {
            gateway: self.clone(),
            progress,
            changes: self.index.changes(),
            begin,
            end: begin + self.timeout,
            task: None,
            _wanted: Wanted(wanted),
            _permits: (permit, own),
        };
        let sending = match &once {
            None => None,
            Some((once, body)) => {
                let sending = self.reserve(key, once);
                if let Some(before) = self.before(key, once, body)? {
                    let signed = Signed { hash: before.transaction, until: before.until };
                    return Ok(follow(watch::channel(Progress::Sent(signed)).1, Arc::default()));
                }
                let busy = || ApiError::conflict("in_progress", "a request with this idempotency key is being sent");
                Some(sending.ok_or_else(busy)?)
            }
        };
        let fee = question.fee.unwrap_or_else(|| offer.fee());
        if fee < offer.model.fee {
            let (least, given) = (amount::format(offer.model.fee), amount::format(fee));
            let message = format!("the model asks {least} ASY at least, {given} is too little");
            return Err(ApiError::invalid(Some("assay.fee"), "fee_too_low", message));
        }
        self.ensure_funded(key, fee, question.input.len()).await?;

        let call = Call::Submit {
            model: offer.model.id,
            parameters: question.parameters.encode(),
            input: Payload::Inline(question.input.clone().into_bytes()),
            fee,
            deadline: question.deadline,
        };
        let purpose = Purpose { key: key.name.clone(), limit: key.per_day, once, fee, at: store::now() };
        let (told, mut progress) = watch::channel(Progress::Sending);
        let wanted = Arc::new(AtomicBool::new(true));
        let following = follow(progress.clone(), wanted.clone());
        tokio::spawn(self.clone().submit(call, purpose, wanted, sending, told));
        // Until the node has it, whoever sends the same again is told to wait.
        let left = progress.wait_for(|progress| !matches!(progress, Progress::Sending));
        match timeout_at(following.end, left).await {
            Err(_) => Err(ApiError::unavailable("node_unavailable", "the node takes no transactions at present")),
            Ok(Ok(progress)) => match &*progress {
                Progress::Failed(error) => Err(error.clone()),
                _ => Ok(()),
            },
            Ok(Err(_)) => Ok(()),
        }?;
        Ok(following)
    }

    fn reserve(self: &Arc<Self>, key: &ApiKey, once: &str) -> Option<Sending> {
        let name = (key.name.clone(), once.to_owned());
        let mut sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        sending.insert(name.clone()).then(|| Sending(self.clone(), name))
    }

    /// The request that came with this idempotency key before, if its transaction may still become, or is, a task.
    fn before(&self, key: &ApiKey, once: &str, body: &[u8; 32]) -> Result<Option<Request>, ApiError> {
        let Some(before) = self.store.request(&key.name, once).map_err(|error| broken(&error))? else {
            return Ok(None);
        };
        if before.at.saturating_add(store::REMEMBERED) < store::now() {
            return Ok(None);
        }
        if before.body != *body {
            return Err(ApiError::reused("this idempotency key came with another request before"));
        }
        let is_lost = self.index.by_transaction(&before.transaction)?.is_none() && self.is_past(before.until)?;
        Ok((!is_lost).then_some(before))
    }

    /// Whether no block can take a transaction any more that was valid up to this height.
    fn is_past(&self, until: u32) -> Result<bool, ApiError> {
        Ok(self.index.tip()?.is_some_and(|tip| tip.number > until))
    }

    /// Checks that the account and the key can pay, before anything is sent.
    async fn ensure_funded(&self, key: &ApiKey, fee: Balance, length: usize) -> Result<(), ApiError> {
        let now = store::now();
        if let Some(limit) = key.per_day {
            let spent = self.store.spent(&key.name, now).map_err(|error| broken(&error))?;
            if spent.saturating_add(fee) > limit {
                return Err(over_quota(limit, spent, now));
            }
        }
        let (free, _) = self.chain.best().await?.balance(self.sender.account()).await?;
        // Deposits and the transaction's own fee, as the shipped parameters have them, with some room: the chain decides.
        let bytes = Balance::try_from(length).unwrap_or(Balance::MAX).saturating_mul(10 * MICRO_ASY);
        let needed = fee.saturating_add(bytes).saturating_add(50 * MILLI_ASY);
        if free < needed {
            let (free, needed) = (amount::format(free), amount::format(needed));
            let message = format!("the account that pays has {free} ASY; this takes {needed} with its deposits");
            return Err(ApiError::unfunded(message));
        }
        Ok(())
    }

    /// Sends a transaction and stays with it until its fate is known, whether anybody waits for that or not.
    async fn submit(
        self: Arc<Self>,
        call: Call,
        purpose: Purpose,
        wanted: Arc<AtomicBool>,
        sending: Option<Sending>,
        told: watch::Sender<Progress>,
    ) {
        /// What the note has seen.
        #[derive(Default)]
        struct Noted {
            signed: Option<Signed>,
            refused: Option<StoreError>,
        }
        let noted = Arc::new(Mutex::new(Noted::default()));
        let note = {
            let (store, purpose, noted) = (self.store.clone(), purpose.clone(), noted.clone());
            Box::new(move |signed: Signed| {
                let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                if noted.signed.is_none() && !wanted.load(Ordering::Relaxed) {
                    return Err("the client has gone".to_owned());
                }
                match store.note(&purpose, signed, noted.signed.is_some()) {
                    Ok(()) => noted.signed = Some(signed),
                    Err(error) => {
                        let reason = error.to_string();
                        noted.refused = Some(error);
                        return Err(reason);
                    }
                }
                Ok(())
            })
        };
        let sent = self.sender.send_noted(call, Terms::default(), note).await;
        drop(sending);
        let Noted { signed, refused } = std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner));
        let error = match (sent, signed) {
            (Ok(sent), Some(signed)) => {
                self.metrics.submitted.inc();
                told.send_replace(Progress::Sent(signed));
                match sent.outcome.await {
                    Ok(TxOutcome::Included { result: Ok(_), .. }) => return,
                    Ok(TxOutcome::Included { result: Err(reason), .. }) => refused_by_chain(&reason),
                    Ok(TxOutcome::Dropped(_)) | Err(_) => match self.fate(signed).await {
                        None => return,
                        Some(error) => error,
                    },
                }
            }
            // The answer of the node was lost, not necessarily the transaction.
            (Err(Refusal::Chain(_)), Some(signed)) => {
                told.send_replace(Progress::Sent(signed));
                match self.fate(signed).await {
                    None => return,
                    Some(error) => error,
                }
            }
            (Ok(_), None) => return,
            (Err(refusal), _) => match (refused, refusal) {
                (Some(StoreError::Spent { limit, spent }), _) => over_quota(limit, spent, purpose.at),
                (Some(error), _) => broken(&error),
                (None, Refusal::Unpaid) => ApiError::unfunded("the account that pays cannot pay for a transaction"),
                (None, Refusal::Invalid(reason)) => {
                    ApiError::unavailable("refused_by_node", format!("the node refuses the transaction: {reason}"))
                }
                (None, refusal) => ApiError::unavailable("node_unavailable", refusal.to_string()),
            },
        };
        if signed.is_some() {
            if let Err(error) = self.store.undo(&purpose) {
                tracing::error!(%error, "what was set aside for a task that does not exist stays spent");
            }
        }
        told.send_replace(Progress::Failed(error));
    }

    /// Waits until a transaction is a task, or never will be: then the error that says so.
    async fn fate(&self, signed: Signed) -> Option<ApiError> {
        let mut changes = self.index.changes();
        loop {
            match (self.index.by_transaction(&signed.hash), self.is_past(signed.until)) {
                (Ok(Some(_)), _) => return None,
                (Ok(None), Ok(true)) => return Some(not_taken()),
                _ => {}
            }
            // The index lives as long as the gateway.
            changes.changed().await.ok()?;
        }
    }
}

fn not_taken() -> ApiError {
    ApiError::unavailable("not_included", "no block took the task while its transaction was valid; nothing was paid")
}

fn over_quota(limit: Balance, spent: Balance, at: u64) -> ApiError {
    let (limit, spent) = (amount::format(limit), amount::format(spent));
    let message = format!("this key may spend {limit} ASY in a day (UTC) and has spent {spent}");
    ApiError::limited("insufficient_quota", message, Duration::from_secs(store::rest_of_day(at)))
}

fn broken(error: &StoreError) -> ApiError {
    tracing::error!(%error, "the gateway's journal cannot be used");
    let message = "the gateway's journal cannot be used; nothing was sent";
    ApiError::status(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "journal", message).of(None)
}

/// The error for a task that a block refused, given as `Pallet::Name: what it means`.
fn refused_by_chain(reason: &str) -> ApiError {
    if ["Funds", "Balance", "NotExpendable"].iter().any(|word| reason.contains(word)) {
        return ApiError::unfunded(format!("the account that pays has too little: {reason}"));
    }
    ApiError::invalid(None, "refused_by_chain", format!("the chain refused the task: {reason}"))
}

/// Why no answer of a task is to be expected, or to be relied on.
fn without_answer(found: &Found) -> Option<ApiError> {
    let (task, verdict) = (Some(found.record.task), found.record.verdict());
    let failed = |code, message| Some(ApiError::status(StatusCode::BAD_GATEWAY, "task_error", code, message).of(task));
    match found.record.state() {
        State::Expired => failed("expired", "nobody answered in time; the fee came back"),
        State::Retracted => failed("retracted", "the task was withdrawn by its owner"),
        State::Refunded if verdict == Some(Some(false)) => {
            failed("refuted", "the answer was contested and is wrong; the fee came back")
        }
        State::Refunded => failed("undecided", "the answer was contested and too few voted; the fee came back"),
        State::Open | State::Solved | State::Disputed | State::Settled => None,
    }
}

impl Following {
    /// Where it is waited.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// The task, as last seen.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// Waits until a block has the task.
    ///
    /// # Errors
    /// It will never be in one, or the time is over.
    pub async fn included(&mut self) -> Result<Found, ApiError> {
        self.until(|found| Some(Ok(found.clone()))).await
    }

    /// Waits for the answer, and for what else `wait` says.
    ///
    /// # Errors
    /// There is none and will be none, it is wrong, or the time is over.
    pub async fn answered(&mut self, wait: Wait) -> Result<(Found, Answered), ApiError> {
        let gateway = self.gateway.clone();
        let found = self
            .until(|found| {
                if let Some(error) = without_answer(found) {
                    return Some(Err(error));
                }
                let there = match wait {
                    Wait::Revealed => found.record.solution().is_some(),
                    Wait::Settled => found.has_ended_for_good(),
                };
                there.then_some(())?;
                let answer = match gateway.index.answer(&found.record.task) {
                    Ok(answer) => answer?,
                    Err(error) => return Some(Err(error.into())),
                };
                // A block may have come between the two looks.
                let stands = found.record.solution().is_some_and(|(_, output)| output.0 == answer.output);
                stands.then(|| Ok((found.clone(), answer)))
            })
            .await?;
        if wait == Wait::Revealed {
            self.gateway.metrics.answer_seconds.observe(self.begin.elapsed().as_secs_f64());
        }
        Ok(found)
    }

    async fn until<T>(&mut self, met: impl Fn(&Found) -> Option<Result<T, ApiError>>) -> Result<T, ApiError> {
        loop {
            self.changes.borrow_and_update();
            let progress = self.progress.borrow_and_update().clone();
            let signed = match progress {
                Progress::Failed(error) => return Err(error),
                Progress::Sent(signed) => Some(signed),
                Progress::Sending => None,
            };
            if let Some(signed) = signed {
                let task = self.gateway.index.by_transaction(&signed.hash)?;
                let found = task.map(|task| self.gateway.index.task(&task)).transpose()?.flatten();
                match found {
                    Some(found) => {
                        self.task = Some(found.record.task);
                        if let Some(result) = met(&found) {
                            return result;
                        }
                    }
                    None if self.gateway.is_past(signed.until)? => return Err(not_taken()),
                    // A re-org has taken it out, or it is not in yet.
                    None => {}
                }
            }
            let (changes, progress) = (&mut self.changes, &mut self.progress);
            let news = async {
                tokio::select! {
                    _ = changes.changed() => {},
                    Ok(()) = progress.changed() => {},
                }
            };
            if timeout_at(self.end, news).await.is_err() {
                return Err(self.timed_out());
            }
        }
    }

    fn timed_out(&self) -> ApiError {
        let seconds = self.gateway.timeout.as_secs();
        let message = match self.task {
            Some(task) => format!("no answer within {seconds} s; the task goes on: GET /v1/tasks/{task:?}"),
            None => format!("no block has taken the task within {seconds} s; it may still be taken for some minutes"),
        };
        ApiError::status(StatusCode::GATEWAY_TIMEOUT, "timeout_error", "timeout", message).of(self.task)
    }
}

/// The hash that tells whether two requests ask the same.
pub fn fingerprint(route: &str, body: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::new().chain_update(route).chain_update([0]).chain_update(body).finalize().into()
}
