//! What the worker counts, and the endpoint that shows it in the OpenMetrics format.

use crate::failure::Failure;
use axum::{extract::State, http::header, response::IntoResponse, routing::get, Router};
use prometheus_client::{
    encoding::{text::encode, EncodeLabelSet},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{
    net::SocketAddr,
    sync::{atomic::AtomicU64, Arc},
};

/// A label that names one of a few kinds.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Kind {
    /// The kind.
    pub kind: &'static str,
}

/// The counters of a worker.
#[derive(Clone)]
pub struct Metrics {
    /// Height of the best block that was looked at.
    pub best_block: Gauge,
    /// Seconds that it took to look at a block: a worker that needs more than a block's time falls behind.
    pub block_seconds: Histogram,
    /// Open tasks of the models that are served here.
    pub open_tasks: Gauge,
    /// Jobs in the journal that have not ended.
    pub unfinished_jobs: Gauge,
    /// Runs of models, by how they ended.
    pub runs: Family<Kind, Counter>,
    /// Seconds that runs took.
    pub run_seconds: Histogram,
    /// Tokens that were generated or read.
    pub tokens: Counter,
    /// Transactions that the node took, by call.
    pub sent: Family<Kind, Counter>,
    /// Transactions that failed, by call.
    pub failed: Family<Kind, Counter>,
    /// Jobs that ended, by outcome.
    pub jobs: Family<Kind, Counter>,
    /// Ballots in the journal that have not ended.
    pub unfinished_ballots: Gauge,
    /// Solutions of others that were compared with an own result, by what that showed.
    pub checks: Family<Kind, Counter>,
    /// Disputes in which this worker has a result and whose settlement it saw, by verdict.
    pub verdicts: Family<Kind, Counter>,
    /// Ballots that ended, by outcome.
    pub ballots: Family<Kind, Counter>,
    /// Previews that owners of tasks asked for, by whether they were given.
    pub previews: Family<Kind, Counter>,
    /// What the account can spend, in ASY.
    pub balance_asy: Gauge<f64, AtomicU64>,
    /// Times the connection to the node was lost.
    pub disconnects: Counter,
    registry: Arc<Registry>,
}

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        // From a tenth of a second to about seven minutes, doubling.
        let run_seconds = Histogram::new((0..12).map(|step| 0.1 * f64::from(1u32 << step)));
        // From ten milliseconds to twenty seconds, doubling.
        let block_seconds = Histogram::new((0..12).map(|step| 0.01 * f64::from(1u32 << step)));
        let mut registry = Registry::with_prefix("assay");
        let mut metrics = Self {
            best_block: Gauge::default(),
            block_seconds,
            open_tasks: Gauge::default(),
            unfinished_jobs: Gauge::default(),
            runs: Family::default(),
            run_seconds,
            tokens: Counter::default(),
            sent: Family::default(),
            failed: Family::default(),
            jobs: Family::default(),
            unfinished_ballots: Gauge::default(),
            checks: Family::default(),
            verdicts: Family::default(),
            ballots: Family::default(),
            previews: Family::default(),
            balance_asy: Gauge::default(),
            disconnects: Counter::default(),
            registry: Arc::default(),
        };
        Self::begin(&metrics.runs, &["done", "failed", "stopped"]);
        Self::begin(&metrics.jobs, &["paid", "lost", "forfeited", "vanished", "fallen"]);
        Self::begin(&metrics.checks, &["agrees", "differs"]);
        Self::begin(&metrics.verdicts, &["falls", "stands", "inconclusive"]);
        Self::begin(&metrics.ballots, &["unused", "closed", "vanished"]);
        Self::begin(&metrics.previews, &["served", "refused"]);
        registry.register("best_block", "Height of the best block that was looked at", metrics.best_block.clone());
        registry.register("block_seconds", "Seconds that looks at blocks took", metrics.block_seconds.clone());
        registry.register("open_tasks", "Open tasks of the models served here", metrics.open_tasks.clone());
        registry.register("unfinished_jobs", "Jobs that have not ended", metrics.unfinished_jobs.clone());
        registry.register("runs", "Runs of models, by how they ended", metrics.runs.clone());
        registry.register("run_seconds", "Seconds that runs took", metrics.run_seconds.clone());
        registry.register("tokens", "Tokens generated or read", metrics.tokens.clone());
        registry.register("sent", "Transactions that the node took, by call", metrics.sent.clone());
        registry.register("failed", "Transactions that failed, by call", metrics.failed.clone());
        registry.register("jobs", "Jobs that ended, by outcome", metrics.jobs.clone());
        registry.register("unfinished_ballots", "Ballots that have not ended", metrics.unfinished_ballots.clone());
        registry.register("checks", "Solutions compared with an own result", metrics.checks.clone());
        registry.register("verdicts", "Disputes settled, by verdict", metrics.verdicts.clone());
        registry.register("ballots", "Ballots that ended, by outcome", metrics.ballots.clone());
        registry.register("previews", "Previews that owners of tasks asked for", metrics.previews.clone());
        // Until it is known, which is not as if there were nothing.
        metrics.balance_asy.set(f64::NAN);
        registry.register("balance_asy", "What the account can spend, in ASY", metrics.balance_asy.clone());
        registry.register("disconnects", "Times the node was lost", metrics.disconnects.clone());
        metrics.registry = Arc::new(registry);
        metrics
    }

    /// Has `family` show these `kinds` at zero. What is first seen at one has not grown, as far as an alert can tell.
    pub fn begin(family: &Family<Kind, Counter>, kinds: &[&'static str]) {
        for &kind in kinds {
            family.get_or_create(&Kind { kind }).inc_by(0);
        }
    }

    /// Adds one to the counter of `kind` in `family`.
    pub fn count(family: &Family<Kind, Counter>, kind: &'static str) {
        family.get_or_create(&Kind { kind }).inc();
    }

    /// Everything in text form.
    ///
    /// # Errors
    /// The text cannot be written, which does not happen in memory.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        text(&self.registry)
    }

    /// Serves the metrics at `/metrics` of `address` until the process ends.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn serve(&self, address: SocketAddr) -> Result<SocketAddr, Failure> {
        serve(self.registry.clone(), address).await
    }
}

pub(crate) fn text(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    encode(&mut text, registry)?;
    Ok(text)
}

/// Serves what is in `registry` at `/metrics` of `address` until the process ends.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) async fn serve(registry: Arc<Registry>, address: SocketAddr) -> Result<SocketAddr, Failure> {
    let failed = |error: std::io::Error| {
        Failure::Config(format!("cannot serve metrics at {address}: {error}; choose another --metrics-addr or off"))
    };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let router = Router::new().route("/metrics", get(show)).with_state(registry);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::warn!(%error, "metrics are served no longer");
        }
    });
    Ok(bound)
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

async fn show(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text(&registry).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{elector, gateway::metrics as gateway};
    use std::collections::BTreeSet;

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new();
        metrics.best_block.set(7);
        Metrics::count(&metrics.sent, "commit");
        let text = metrics.text().unwrap();
        assert!(text.contains("assay_best_block 7"), "{text}");
        assert!(text.contains("assay_sent_total{kind=\"commit\"} 1"), "{text}");
        assert!(text.contains("assay_jobs_total{kind=\"fallen\"} 0"), "{text}");
    }

    /// What worker, elector and gateway show.
    fn everything() -> String {
        let (worker, gateway, elector) = (Metrics::new(), gateway::Metrics::new(), elector::Metrics::new());
        // What has no fixed kinds is shown once there is one.
        for family in [&worker.sent, &worker.failed, &elector.sent, &elector.failed] {
            Metrics::count(family, "commit");
        }
        gateway.requests.get_or_create(&gateway::Served { route: "/v1/models".into(), status: 200 }).inc();
        [worker.text().unwrap(), text(&elector.registry).unwrap(), gateway.text()].concat()
    }

    #[test]
    fn the_table_of_metrics_in_the_docs_has_those_that_exist() {
        let all = everything();
        let described = |kind: &str| -> Vec<(String, String)> {
            let lines = all.lines().filter_map(|line| line.strip_prefix(&format!("# {kind} "))?.split_once(' '));
            lines.map(|(name, what)| (name.to_owned(), what.trim_end_matches('.').to_owned())).collect()
        };
        let rows = described("HELP").into_iter().zip(described("TYPE")).map(|((name, what), (_, kind))| {
            let total = if kind == "counter" { "_total" } else { "" };
            format!("| `{name}{total}` | {kind} | {what} |")
        });
        let docs = include_str!("../../docs/operating.md");
        let table: Vec<_> =
            docs.lines().filter(|line| line.starts_with("| `assay_") && line.matches('|').count() == 4).collect();
        assert_eq!(table, rows.collect::<Vec<_>>());
    }

    /// Alerts and dashboard are read by other programs, which take a metric that does not exist for one without samples.
    #[test]
    fn alerts_and_dashboard_name_metrics_that_exist() {
        let shown = everything();
        let shown: BTreeSet<_> = shown.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
        for (file, text) in [
            ("alerts.yml", include_str!("../../scripts/deploy/prometheus/alerts.yml")),
            ("assay.json", include_str!("../../scripts/deploy/grafana/assay.json")),
        ] {
            let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
            let named: BTreeSet<_> = words.filter(|word| word.starts_with("assay_")).collect();
            let unknown: Vec<_> = named.difference(&shown).collect();
            assert!(unknown.is_empty(), "{file} names what nothing counts: {unknown:?}");
            for kind in ["assay_jobs_total", "assay_gateway_requests_total", "assay_elect_commitments_total"] {
                assert!(named.contains(kind), "{file} does not name {kind}");
            }
        }
    }
}
