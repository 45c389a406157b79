//! What the gateway counts.

use crate::metrics::Kind;
use prometheus_client::{
    encoding::{text::encode, EncodeLabelSet},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::sync::{atomic::AtomicU64, Arc};

/// Which requests are counted together.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Served {
    /// The route, as it is written in the OpenAPI document.
    pub route: String,
    /// The status that was answered.
    pub status: u16,
}

/// The counters of a gateway.
#[derive(Clone)]
pub struct Metrics {
    /// Requests that were answered, by route and status. A stream counts when it begins.
    pub requests: Family<Served, Counter>,
    /// Requests that wait for an answer of a model.
    pub waiting: Gauge,
    /// Transactions that submit tasks, that the node took.
    pub submitted: Counter,
    /// Seconds from a request to the answer on chain.
    pub answer_seconds: Histogram,
    /// Previews that were compared with their answers, by what that showed.
    pub previews: Family<Kind, Counter>,
    /// What the account that pays can spend, in ASY.
    pub balance_asy: Gauge<f64, AtomicU64>,
    /// Height of the newest block that was looked at.
    pub best_block: Gauge,
    /// Height of the newest block in the index that cannot be undone.
    pub final_block: Gauge,
    registry: Arc<Registry>,
}

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        // From half a second to about four minutes, doubling.
        let answer_seconds = Histogram::new((0..10).map(|step| 0.5 * f64::from(1u32 << step)));
        let mut registry = Registry::with_prefix("assay_gateway");
        let mut metrics = Self {
            requests: Family::default(),
            waiting: Gauge::default(),
            submitted: Counter::default(),
            answer_seconds,
            previews: Family::default(),
            balance_asy: Gauge::default(),
            best_block: Gauge::default(),
            final_block: Gauge::default(),
            registry: Arc::default(),
        };
        crate::metrics::Metrics::begin(&metrics.previews, &["held", "void", "differs"]);
        registry.register("requests", "Requests answered, by route and status", metrics.requests.clone());
        registry.register("waiting", "Requests that wait for an answer of a model", metrics.waiting.clone());
        registry.register("submitted", "Tasks that were handed to the node", metrics.submitted.clone());
        registry.register("answer_seconds", "Seconds until the answer was on chain", metrics.answer_seconds.clone());
        registry.register("previews", "Previews compared with their answers", metrics.previews.clone());
        // Until it is known, which is not as if there were nothing.
        metrics.balance_asy.set(f64::NAN);
        registry.register("balance_asy", "What the account that pays can spend, in ASY", metrics.balance_asy.clone());
        registry.register("best_block", "Height of the newest block looked at", metrics.best_block.clone());
        registry.register("final_block", "Height of the newest final block in the index", metrics.final_block.clone());
        metrics.registry = Arc::new(registry);
        metrics
    }

    /// Everything in OpenMetrics' text form.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
