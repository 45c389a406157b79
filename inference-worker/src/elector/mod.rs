//! The elector: has an account take part in elections unattended. It has the own node make session keys, registers them
//! with the key of the account's function, waits, and commits once in each tenure; or stands for the committee.
//!
//! [`decide`] says what to do, purely; this module looks at the chain, asks it, and does it, one transaction at a time.
//! What a kill must not make it forget is in the journal before anything is sent.

pub mod decide;
mod metrics;
mod step;

pub use metrics::Metrics;

use crate::{
    amount,
    chain::{At, Call, Chain, ChainError, Head, Refusal, Sender, Terms, TxOutcome},
    failure::Failure,
    journal::{ElectionRecord, Inclusion, Journal, MadeKeys, SentCommit},
    metrics::Metrics as Counters,
    work::{Outage, Stop, SILENCE},
};
use assay_types::{election, Hash, Tenure};
use decide::{decide, Action, ChainView, KeysView, Policy, Record, Waiting};
use futures::FutureExt;
use sp_core::{sr25519, Pair};
use std::{future::Future, net::SocketAddr};
use step::Step;
use subxt::utils::AccountId32;
use tokio::sync::mpsc;

/// What an elector works with.
pub struct Parts {
    /// The connection to the account's own node.
    pub chain: Chain,
    /// Sends transactions.
    pub sender: Sender,
    /// Where steps are recorded.
    pub journal: Journal,
    /// The key of the account's function.
    pub vrf: sr25519::Pair,
    /// What the operator wants.
    pub policy: Policy,
    /// What is counted.
    pub metrics: Metrics,
}

/// What became of a transaction.
struct Report {
    call: &'static str,
    result: Result<TxOutcome, Refusal>,
}

/// An elector at work.
pub struct Elector {
    parts: Parts,
    account: AccountId32,
    record: ElectionRecord,
    step: Step,
    /// The session keys that the node was asked about last, and what it said.
    asked: Option<(Hash, bool)>,
    /// Why nothing was done, as it was said last.
    said: Option<Waiting>,
    /// The last tenure whose draw was looked at in a final state.
    drawn: Option<Tenure>,
    /// The last tenure in which a commitment was seen on chain.
    counted: Option<Tenure>,
    /// Tenure and block that were looked at last.
    last: (Tenure, u32),
    reporter: mpsc::UnboundedSender<Report>,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Metrics {
    /// Serves the metrics at `/metrics` of `address` until the process ends.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn serve(&self, address: SocketAddr) -> Result<SocketAddr, Failure> {
        crate::metrics::serve(self.registry.clone(), address).await
    }
}

impl Elector {
    /// An elector that takes up what its journal says.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn new(parts: Parts) -> Result<Self, Failure> {
        let record = parts.journal.election()?;
        let (reporter, reports) = mpsc::unbounded_channel();
        Ok(Self {
            account: parts.sender.account(),
            parts,
            record,
            step: Step::default(),
            asked: None,
            said: None,
            drawn: None,
            counted: None,
            last: (0, 0),
            reporter,
            reports,
        })
    }

    /// Takes part until `shutdown` completes.
    ///
    /// # Errors
    /// The journal cannot be written, the node serves another chain or a runtime that the worker does not understand, or it
    /// makes no session keys for this worker. A node that is away is waited for.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), Failure> {
        tokio::pin!(shutdown);
        let mut outage: Option<Outage> = None;
        loop {
            let stopped = tokio::select! {
                _ = &mut shutdown => None,
                stop = self.session(&mut outage) => Some(stop),
            };
            match stopped {
                None => {
                    tracing::info!("stopping; the journal keeps what was sent");
                    return Ok(());
                }
                Some(Stop::Fatal(failure)) => return Err(failure),
                Some(Stop::Lost(error)) => {
                    let outage = outage.get_or_insert_with(|| {
                        self.parts.metrics.disconnects.inc();
                        Outage::new()
                    });
                    outage.say(&error);
                    tokio::select! {
                        _ = &mut shutdown => return Ok(()),
                        _ = tokio::time::sleep(outage.pause()) => {},
                    }
                }
            }
        }
    }

    /// Follows the chain until the connection is lost.
    async fn session(&mut self, outage: &mut Option<Outage>) -> Stop {
        match self.follow(outage).await {
            Ok(never) => match never {},
            Err(stop) => stop,
        }
    }

    async fn follow(&mut self, outage: &mut Option<Outage>) -> Result<std::convert::Infallible, Stop> {
        // A node that came back may serve another chain, or have lost its keys.
        let chain = self.parts.chain.clone();
        let genesis = chain.hash_at(0).await?;
        if genesis.is_some_and(|genesis| genesis != chain.genesis()) {
            let message = format!("the node at {} now serves another chain: {genesis:?}", chain.url());
            return Err(Stop::Fatal(Failure::WrongChain(message)));
        }
        self.asked = None;
        let mut heads = chain.heads().await?;
        let mut head = chain.best().await?.head().await?;
        if let Some(outage) = outage.take() {
            tracing::info!(seconds = outage.since.elapsed().as_secs(), "the node answers again");
        }
        loop {
            self.block(head).await?;
            head = loop {
                tokio::select! {
                    next = tokio::time::timeout(SILENCE, heads.next()) => {
                        let mut next = next.map_err(|_| {
                            ChainError::Lost(format!("no block for {} s", SILENCE.as_secs()))
                        })??;
                        // Blocks that came while the last was looked at: only the newest matters.
                        while let Some(newer) = heads.next().now_or_never() {
                            next = newer?;
                        }
                        break next;
                    },
                    Some(report) = self.reports.recv() => self.report(report)?,
                }
            };
        }
    }

    /// Looks at a new best block, and takes the next step if it is time for one.
    async fn block(&mut self, head: Head) -> Result<(), Stop> {
        let (best, finalized) = (self.parts.chain.at(head.hash).await?, self.parts.chain.finalized().await?);
        self.step.look(head.number);
        let view = self.view(&best).await?;
        self.last = (view.tenure, view.block);
        self.note(&view)?;
        self.look_at_draw(&finalized, &view).await?;
        let made = match self.record.made.clone() {
            Some(made) => Some((self.known(&made.keys).await?, made.tenure)),
            None => None,
        };
        let record = Record {
            vrf_key: self.parts.vrf.public().0,
            made,
            sent: self.record.sent.map(|sent| (sent.tenure, sent.at)),
            stood: self.record.stood,
        };
        let action = decide(&self.parts.policy, &record, &view);
        tracing::debug!(block = view.block, tenure = view.tenure, ?action, "block");
        self.act(action, &view).await
    }

    /// Everything that matters at `best`.
    async fn view(&mut self, best: &At) -> Result<ChainView, Stop> {
        let account = self.account;
        let (tenure, began) = best.tenure().await?;
        let keys = match best.session_keys(account).await? {
            Some((keys, _)) => Some(self.known(&keys).await?),
            None => None,
        };
        Ok(ChainView {
            block: best.number(),
            tenure,
            began,
            length: best.tenure_length().await?,
            accumulator: best.accumulator().await?,
            terms: best.election_terms().await?,
            candidate: best.candidate(account).await?,
            stands: best.stands(account).await?,
            on_committee: best.is_on_committee(account).await?,
            keys,
            committed: best.has_committed(tenure, account).await?,
            bond: best.seat_bond(account).await?,
            free: best.balance(account).await?.0,
        })
    }

    /// Session keys, and whether the node has their secrets; it is asked once about each.
    async fn known(&mut self, keys: &[u8]) -> Result<KeysView, Stop> {
        let hash = election::keys_hash(keys);
        let at_node = match self.asked {
            Some((asked, at_node)) if asked == hash => at_node,
            _ => {
                let at_node = self.parts.chain.has_session_keys(keys).await.map_err(|error| self.refused(error))?;
                self.asked = Some((hash, at_node));
                at_node
            }
        };
        Ok(KeysView { hash, at_node })
    }

    /// What it means that the node did not do with its session keys what it was asked to.
    fn refused(&self, error: ChainError) -> Stop {
        match error {
            ChainError::Other(reason) => Stop::Fatal(Failure::Config(format!(
                "the node at {} does not handle session keys for this worker ({reason}): --url must lead to the account's \
                 own validator, on this machine or with --rpc-methods unsafe behind a firewall",
                self.parts.chain.url()
            ))),
            error => error.into(),
        }
    }

    /// Takes in what the chain shows of earlier steps.
    fn note(&mut self, view: &ChainView) -> Result<(), Stop> {
        let metrics = &self.parts.metrics;
        metrics.best_block.set(i64::from(view.block));
        metrics.tenure.set(i64::from(view.tenure));
        metrics.balance_asy.set(amount::in_asy(view.free));
        metrics.taking_part.set(i64::from(view.candidate.is_some() || view.stands));
        metrics.chilled.set(i64::from(view.candidate.is_some_and(|candidate| candidate.chilled)));
        if view.committed && self.counted != Some(view.tenure) {
            self.counted = Some(view.tenure);
            metrics.commitments.inc();
            let sent = self.record.sent.filter(|sent| sent.tenure == view.tenure);
            if let Some(sent) = sent {
                metrics.committed_asy.inc_by(amount::in_asy(sent.amount));
                let amount = amount::format(sent.amount);
                tracing::info!(tenure = view.tenure, amount, block = view.block, "committed");
            }
        }
        if view.stands && !self.record.stood {
            self.record.stood = true;
            self.parts.journal.record_election(&self.record)?;
        }
        Ok(())
    }

    /// Looks whether the last draw that cannot be undone gave the account a seat.
    async fn look_at_draw(&mut self, finalized: &At, view: &ChainView) -> Result<(), Stop> {
        let (tenure, _) = finalized.tenure().await?;
        if self.drawn == Some(tenure) {
            return Ok(());
        }
        self.drawn = Some(tenure);
        let Some(of) = tenure.checked_sub(view.terms.draw_delay) else { return Ok(()) };
        if finalized.drawn(of).await?.is_some_and(|seats| seats.contains(&self.account)) {
            self.parts.metrics.seats_won.inc();
            let serves = of.saturating_add(view.terms.service_delay);
            tracing::info!(election = of, serves, "won a seat");
        }
        Ok(())
    }

    async fn act(&mut self, action: Action, view: &ChainView) -> Result<(), Stop> {
        let waiting = match action {
            Action::Wait(waiting) => Some(waiting),
            _ => None,
        };
        if let Some(waiting) = waiting {
            if self.said != Some(waiting) {
                self.said = Some(waiting);
                match waiting.is_trouble() {
                    true => tracing::warn!(tenure = view.tenure, "{waiting}"),
                    false => tracing::info!(tenure = view.tenure, "{waiting}"),
                }
            }
            return Ok(());
        }
        self.said = None;
        let mut terms = Terms::default();
        let call = match action {
            Action::Wait(_) => return Ok(()),
            Action::MakeKeys => return self.make_keys(view).await,
            Action::SetKeys => {
                let Some(MadeKeys { keys, proof, .. }) = self.record.made.clone() else { return Ok(()) };
                Call::SetSessionKeys { keys, proof }
            }
            Action::Register => {
                let Some(keys) = view.keys else { return Ok(()) };
                if view.candidate.is_some_and(|candidate| candidate.keys != keys.hash) {
                    tracing::warn!("registering other session keys: the wait before commitments starts again");
                }
                Call::RegisterCandidate { vrf_key: self.parts.vrf.public().0, keys: keys.hash }
            }
            Action::Resume => Call::Resume,
            Action::Stand => Call::Stand,
            Action::Commit(amount) => {
                // A fork whose tenure begins with another block has another draw in it, and must not take this.
                let began = self.parts.chain.hash_at(view.began).await?;
                let Some(hash) = began else { return Ok(()) };
                terms.upon = Some(Inclusion { number: view.began, hash });
                let genesis = self.parts.chain.genesis();
                let owner = self.account.0;
                let vrf_proof = election::vrf_sign(&self.parts.vrf, &genesis, view.tenure, &view.accumulator, &owner);
                Call::CommitTokens { amount, vrf_proof }
            }
        };
        if !self.step.is_due(call.name(), view.tenure, view.block) {
            return Ok(());
        }
        if let Action::Commit(amount) = action {
            // On disk before the node hears of it.
            self.record.sent = Some(SentCommit { tenure: view.tenure, amount, at: view.block });
            self.parts.journal.record_election(&self.record)?;
        }
        self.send(call, terms);
        Ok(())
    }

    /// Has the node make session keys. Its keystore has them before the journal does: keys that were made and forgotten are
    /// never set.
    async fn make_keys(&mut self, view: &ChainView) -> Result<(), Stop> {
        if !self.step.is_due("make_keys", view.tenure, view.block) {
            return Ok(());
        }
        if view.keys.is_some() {
            tracing::warn!("new session keys: the account's present ones are old, or unknown to the node");
        }
        let made = self.parts.chain.make_session_keys(&self.account).await.map_err(|error| self.refused(error))?;
        self.asked = None;
        self.record.made = Some(MadeKeys { keys: made.keys, proof: made.proof, tenure: view.tenure });
        self.parts.journal.record_election(&self.record)?;
        tracing::info!("the node made session keys");
        Ok(())
    }

    fn send(&mut self, call: Call, terms: Terms) {
        self.step.begin();
        let (sender, reporter, metrics) =
            (self.parts.sender.clone(), self.reporter.clone(), self.parts.metrics.clone());
        tokio::spawn(async move {
            let kind = call.name();
            let result = match sender.send(call, terms).await {
                Ok(sent) => {
                    Counters::count(&metrics.sent, kind);
                    tracing::info!(call = kind, transaction = ?sent.hash, "sent");
                    let lost = |_| TxOutcome::Dropped("the transaction was lost sight of".into());
                    Ok(sent.outcome.await.unwrap_or_else(lost))
                }
                Err(refusal) => Err(refusal),
            };
            // The worker may be gone; the journal and the chain tell the rest.
            let _ = reporter.send(Report { call: kind, result });
        });
    }

    /// Takes in what became of a transaction.
    fn report(&mut self, Report { call, result }: Report) -> Result<(), Stop> {
        let reason = match result {
            Ok(TxOutcome::Included { number, result: Ok(_), .. }) => {
                tracing::info!(call, block = number, "in a block");
                self.step.included(number);
                return Ok(());
            }
            Ok(TxOutcome::Included { result: Err(error), .. }) => error,
            Ok(TxOutcome::Dropped(reason)) => reason,
            Err(Refusal::Chain(error @ ChainError::Incompatible(_))) => return Err(error.into()),
            // The main loop notices a lost connection itself, and tries again when it is back.
            Err(Refusal::Chain(_)) => {
                self.step.dropped();
                return Ok(());
            }
            Err(refusal) => refusal.to_string(),
        };
        Counters::count(&self.parts.metrics.failed, call);
        let (tenure, block) = self.last;
        let again = self.step.failed(call, tenure, block);
        tracing::warn!(call, reason, again, "a step failed and is tried again");
        Ok(())
    }
}
