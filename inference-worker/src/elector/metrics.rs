//! What an account's part in elections comes to, counted.

use crate::metrics::Kind;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::sync::{atomic::AtomicU64, Arc};

/// The counters of an elector.
#[derive(Clone)]
pub struct Metrics {
    /// Height of the best block that was looked at.
    pub best_block: Gauge,
    /// The present tenure.
    pub tenure: Gauge,
    /// Whether the account is a candidate, or stands for the committee.
    pub taking_part: Gauge,
    /// Whether the account is out until it resumes.
    pub chilled: Gauge,
    /// Commitments that were seen in a block.
    pub commitments: Counter,
    /// What they came to, in ASY.
    pub committed_asy: Counter<f64, AtomicU64>,
    /// Seats that were won, in draws that are final.
    pub seats_won: Counter,
    /// Transactions that the node took, by call.
    pub sent: Family<Kind, Counter>,
    /// Transactions that failed, by call.
    pub failed: Family<Kind, Counter>,
    /// What the account can spend, in ASY.
    pub balance_asy: Gauge<f64, AtomicU64>,
    /// Times the connection to the node was lost.
    pub disconnects: Counter,
    pub(crate) registry: Arc<Registry>,
}

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("assay_elect");
        let mut metrics = Self {
            best_block: Gauge::default(),
            tenure: Gauge::default(),
            taking_part: Gauge::default(),
            chilled: Gauge::default(),
            commitments: Counter::default(),
            committed_asy: Counter::default(),
            seats_won: Counter::default(),
            sent: Family::default(),
            failed: Family::default(),
            balance_asy: Gauge::default(),
            disconnects: Counter::default(),
            registry: Arc::default(),
        };
        registry.register("best_block", "Height of the best block that was looked at", metrics.best_block.clone());
        registry.register("tenure", "The present tenure", metrics.tenure.clone());
        registry.register("taking_part", "Whether the account is a candidate or stands", metrics.taking_part.clone());
        registry.register("chilled", "Whether the account is out until it resumes", metrics.chilled.clone());
        registry.register("commitments", "Commitments seen in a block", metrics.commitments.clone());
        registry.register("committed_asy", "What was committed, in ASY", metrics.committed_asy.clone());
        registry.register("seats_won", "Seats won in draws that are final", metrics.seats_won.clone());
        registry.register("sent", "Transactions that the node took, by call", metrics.sent.clone());
        registry.register("failed", "Transactions that failed, by call", metrics.failed.clone());
        // Until it is known, which is not as if there were nothing.
        metrics.balance_asy.set(f64::NAN);
        registry.register("balance_asy", "What the account can spend, in ASY", metrics.balance_asy.clone());
        registry.register("disconnects", "Times the node was lost", metrics.disconnects.clone());
        metrics.registry = Arc::new(registry);
        metrics
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
