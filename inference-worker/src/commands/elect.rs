//! `elect`: takes part in elections.

use super::{
    connect,
    solve::{default_data, shutdown, unless},
};
use crate::{
    amount,
    chain::Sender,
    config::{self, Settings},
    elector::{
        decide::{Part, Policy},
        Elector, Metrics, Parts,
    },
    failure::Failure,
    journal::Journal,
    keys,
};
use assay_types::ASY;
use sp_core::Pair;
use std::pin::pin;

/// Where metrics are served, beside those of a solver on the same machine.
const METRICS: &str = "127.0.0.1:9617";

/// Takes part in elections as the settings say, until a signal ends it.
///
/// # Errors
/// A setting, key, journal, node or chain that does not fit. A node that goes away later is waited for.
pub async fn run(settings: &Settings, flags: config::Elect) -> Result<(), Failure> {
    let mut shutdown = pin!(shutdown());
    match unless(start(settings, flags), shutdown.as_mut()).await? {
        Some(elector) => elector.run(shutdown).await,
        None => Ok(()),
    }
}

/// Does all that comes before taking part.
async fn start(settings: &Settings, flags: config::Elect) -> Result<Elector, Failure> {
    let flags = settings.elect(flags);
    let policy = Policy {
        part: config::part(&flags)?,
        reserve: config::amount("--reserve", flags.reserve.as_deref())?.unwrap_or(ASY),
        resume: flags.resume,
        rotate_every: flags.rotate_keys,
    };
    let metrics_address = config::listen(Some(flags.metrics_addr.as_deref().unwrap_or(METRICS)))?;
    let (key, vrf) = settings.key().load_with_vrf(flags.vrf_key_file.as_deref())?;
    let account = keys::address(&key);
    let data = flags.data.unwrap_or_else(|| default_data(&account).join("elect"));
    let journal = Journal::open(&data)?;

    let chain = connect(settings).await?;
    journal.bind(chain.genesis(), &account)?;
    tracing::info!(url = chain.url(), genesis = ?chain.genesis(), %account, data = %data.display(), "connected");
    let metrics = Metrics::new();
    if let Some(address) = metrics_address {
        let bound = metrics.serve(address).await?;
        tracing::info!(address = %bound, "metrics at /metrics");
    }
    if let Some(every) = policy.rotate_every {
        tracing::warn!(every, "each rotation of session keys costs the tenures of the wait, without a commitment");
    }
    let vrf_key = format!("0x{}", hex::encode(vrf.public().0));
    let part = if matches!(policy.part, Part::Committee) { "committee" } else { "candidate" };
    tracing::info!(part, vrf_key, reserve = %amount::format(policy.reserve), "taking part");
    let sender = Sender::spawn(chain.clone(), key);
    Elector::new(Parts { chain, sender, journal, vrf, policy, metrics })
}
