//! `solve` and `verify-loop`: serve models.

use super::{connect, id, Done};
use crate::{
    amount,
    chain::{Call, Chain, Sender},
    config::{self, Settings, Switch},
    failure::Failure,
    journal::Journal,
    keys,
    metrics::Metrics,
    payloads,
    previews::Board,
    progress::Spinner,
    solver::decide::Policy,
    work::{
        models::{self, Local, Served},
        runner::Runner,
        Parts, Worker,
    },
};
use assay_engine::Threads;
use assay_types::{
    inference::{Parameters, TextParameters},
    Balance, BlockNumber,
};
use codec::Encode;
use std::{
    future::Future,
    path::PathBuf,
    pin::{pin, Pin},
    sync::{atomic::AtomicBool, Arc},
};
use subxt::utils::AccountId32;

/// Serves the models that the settings name, until a signal ends it: solves tasks if `solve`, and otherwise only checks the
/// solutions of others. `runner` starts what runs models.
///
/// # Errors
/// A setting, key, model, journal or chain that does not fit. A node that goes away later is waited for.
pub async fn run(
    settings: &Settings,
    flags: config::Solve,
    solve: bool,
    runner: impl FnOnce() -> std::io::Result<Runner>,
) -> Result<(), Failure> {
    let mut shutdown = pin!(shutdown());
    match unless(start(settings, flags, solve, runner), shutdown.as_mut()).await? {
        Some(worker) => worker.run(shutdown).await,
        None => Ok(()),
    }
}

/// Does all that comes before the work.
async fn start(
    settings: &Settings,
    flags: config::Solve,
    solve: bool,
    runner: impl FnOnce() -> std::io::Result<Runner>,
) -> Result<Worker, Failure> {
    let flags = settings.solve(flags);
    let verify = config::verify(flags.verify.as_deref(), solve)?;
    let policy = Policy {
        min_income: config::amount("--min-income", flags.min_income.as_deref())?.unwrap_or_default(),
        cost_per_second: config::amount("--cost-per-second", flags.cost_per_second.as_deref())?.unwrap_or_default(),
    };
    let bond = config::amount("--bond", flags.bond.as_deref())?;
    let metrics_address = config::listen(flags.metrics_addr.as_deref())?;
    let ids = flags
        .model_id
        .iter()
        .map(|text| id(text).ok_or_else(|| Failure::Config(format!("--model-id: '{text}' is no id"))))
        .collect::<Result<Vec<_>, _>>()?;
    if flags.models.is_empty() {
        return Err(Failure::Config("nothing to serve: give --models DIR".into()));
    }
    let key = settings.key().load()?;
    let account = keys::address(&key);
    let locals = load(&flags.models, settings.threads()?).await?;
    let data = flags.data.unwrap_or_else(|| default_data(&account));
    let journal = Journal::open(&data)?;

    let chain = connect(settings).await?;
    journal.bind(chain.genesis(), &account)?;
    tracing::info!(url = chain.url(), genesis = ?chain.genesis(), %account, data = %data.display(), "connected");
    let served = models::find(locals, &chain.best().await?.models().await?, &ids)?;
    for model in &served {
        tracing::info!(model = model.local.name(), id = ?model.id, manifest = %model.local.cid(), "serving");
    }
    let peers = payloads::start(flags.peers, &data.join("payloads")).await?;
    if let Some(peers) = peers.as_ref().filter(|_| solve) {
        for model in &served {
            peers.serve(&payloads::service(&chain.genesis(), &model.id)).await;
        }
    }
    let metrics = Metrics::new();
    // Before any money moves.
    if let Some(address) = metrics_address {
        let bound = metrics.serve(address).await?;
        tracing::info!(address = %bound, "metrics at /metrics");
    }
    let previews = match peers.as_ref().filter(|_| solve && flags.previews != Some(Switch::Off)) {
        Some(peers) => Some(Board::start(peers, chain.genesis(), key.clone(), metrics.clone()).await),
        None => None,
    };
    let sender = Sender::spawn(chain.clone(), key);
    prepare(&chain, &sender, &served, bond, &journal).await?;

    let batch = flags.batch.unwrap_or(config::DEFAULT_BATCH).clamp(1, config::MAX_BATCH) as usize;
    let max_input = flags.max_input.unwrap_or(config::DEFAULT_MAX_INPUT).saturating_mul(1024 * 1024);
    let runner =
        runner().map_err(|error| Failure::Other(format!("cannot start the thread that runs models: {error}")))?;
    let checks = verify.map_or_else(|| "none".to_owned(), |policy| policy.to_string());
    tracing::info!(solve, verify = checks, "working");
    let solve = solve.then_some(policy);
    let parts =
        Parts { chain, sender, journal, served, peers, previews, max_input, solve, verify, metrics, runner, batch };
    Worker::new(parts)
}

/// Loads every artefact and times a short run of each, so that the first task's deadline is judged by a measurement.
async fn load(folders: &[PathBuf], threads: Arc<Threads>) -> Result<Vec<Arc<Local>>, Failure> {
    let folders = models::folders(folders);
    let loading = tokio::task::spawn_blocking(move || {
        let mut locals = Vec::new();
        for folder in folders {
            let spinner = Spinner::on_terminal(&format!("loading the model in {}", folder.display()));
            let local = Local::load(&folder, &threads)?;
            spinner.say(&format!("timing the model {}", local.name()));
            let parameters = match local.model.manifest().text {
                Some(_) => Parameters::Text(TextParameters { max_tokens: 8, ..TextParameters::default() }),
                None => Parameters::Embedding,
            };
            local
                .run(b"Once upon a time", &parameters.encode(), [0; 32], &AtomicBool::new(false))
                .map_err(|error| Failure::Model(format!("cannot run the model in {}: {error}", folder.display())))?;
            locals.push(Arc::new(local));
        }
        Ok(locals)
    });
    loading.await.map_err(|error| Failure::Other(format!("loading the models broke off: {error}")))?
}

/// Has final blocks say that the account is bonded and has declared what it serves: what was done in a block that is given up
/// is undone, and another transaction of the account may have taken its place.
async fn prepare(
    chain: &Chain,
    sender: &Sender,
    served: &[Served],
    amount: Option<Balance>,
    journal: &Journal,
) -> Result<(), Failure> {
    while let Some(block) = provide(chain, sender, served, amount, journal).await? {
        tracing::info!(block, "waiting for that to be final");
        let mut heads = chain.heads().await?;
        while chain.finalized().await?.number() < block {
            heads.next().await?;
        }
    }
    Ok(())
}

/// Bonds and declares what has not been bonded and declared, if a bond is given; otherwise checks that it was. Returns the
/// last block in which anything was done.
async fn provide(
    chain: &Chain,
    sender: &Sender,
    served: &[Served],
    amount: Option<Balance>,
    journal: &Journal,
) -> Result<Option<BlockNumber>, Failure> {
    let mut done = None;
    let at = chain.best().await?;
    let account = sender.account();
    // The stakes of ballots come back; a bond that lacks them is not to be filled up.
    let mut staked: Balance = 0;
    for ballot in journal.ballots().unfinished()? {
        let stake = at.ballot(ballot.task, account).await?.map_or(0, |ballot| ballot.stake);
        staked = staked.saturating_add(stake);
    }
    let bonded = at.bond(account).await?.map(|bond| bond.active.saturating_add(staked));
    let call = match (bonded, amount) {
        (None, None) => {
            return Err(Failure::Config(format!("{account} has no bond on this chain: give --bond AMOUNT")));
        }
        (None, Some(amount)) => Some(Call::Bond { amount }),
        (Some(bonded), Some(amount)) if bonded < amount => Some(Call::BondMore { amount: amount - bonded }),
        (Some(_), _) => None,
    };
    if let Some(call) = call {
        tracing::info!(amount = %amount::format(amount.unwrap_or_default()), "bonding");
        done = Some(Done::send_by(sender, call, "bond").await?.number);
    }
    for model in served {
        if at.serves(model.id, account).await? {
            continue;
        }
        if amount.is_none() {
            let name = model.local.name();
            return Err(Failure::Config(format!("{account} has not declared the model {name}: give --bond AMOUNT")));
        }
        tracing::info!(model = model.local.name(), "declaring");
        done = Some(Done::send_by(sender, Call::Serve { model: model.id }, "declare the model").await?.number);
    }
    Ok(done)
}

/// Where journals are, one folder for each account.
pub(crate) fn default_data(account: &AccountId32) -> PathBuf {
    default_folder().join(account.to_string())
}

/// Where everything is that no setting puts elsewhere.
pub(crate) fn default_folder() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_DATA_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".local/share")))
        .unwrap_or_else(|| PathBuf::from("."));
    base.join("assay-worker")
}

/// Waits for what comes before the work, unless the process is asked to end meanwhile: `None` then. To load models, or to
/// wait for a node, may take minutes.
///
/// # Errors
/// Those of `start`.
pub(crate) async fn unless<T>(
    start: impl Future<Output = Result<T, Failure>>,
    shutdown: Pin<&mut impl Future<Output = ()>>,
) -> Result<Option<T>, Failure> {
    tokio::select! {
        // In this order: a key is asked for before signals are listened for, so that Ctrl-C ends that as it does elsewhere.
        biased;
        started = start => started.map(Some),
        () = shutdown => {
            tracing::info!("stopping before the work has begun");
            Ok(None)
        }
    }
}

/// Completes when the process is asked to end.
pub(crate) async fn shutdown() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{signal, SignalKind};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = terminate.recv() => {},
                    _ = tokio::signal::ctrl_c() => {},
                }
                return;
            }
            Err(error) => tracing::warn!(%error, "cannot listen for the signal to terminate"),
        }
    }
    // Without the handler, the signal ends the process at once; the journal is made for that.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
