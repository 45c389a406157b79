//! `model`: make, inspect, run, train, register and list models.

use super::{artefact, bench, connect, hexadecimal, money};
use crate::{
    amount,
    chain::{types::Event, Call, Sender, Terms},
    cli::{ListArgs, ModelCommand, RegisterArgs},
    config::{self, Settings},
    failure::Failure,
    keys, out,
    progress::Spinner,
    work::models::Local,
};
use assay_types::protocol;
use serde_json::json;
use std::str::FromStr;
use subxt::utils::AccountId32;

/// Runs a `model` command.
///
/// # Errors
/// What the command could not do.
pub async fn run(settings: &Settings, command: ModelCommand) -> Result<(), Failure> {
    match command {
        ModelCommand::Import(args) => {
            let threads = settings.threads()?;
            heavy(move || artefact::import(args, &threads)).await
        }
        ModelCommand::Inspect(args) => {
            let threads = settings.threads()?;
            heavy(move || artefact::inspect(args, &threads)).await
        }
        ModelCommand::Logits(args) => {
            let threads = settings.threads()?;
            heavy(move || artefact::logits(args, &threads)).await
        }
        ModelCommand::Run(args) => {
            let threads = settings.threads()?;
            heavy(move || artefact::run(args, &threads)).await
        }
        ModelCommand::Random(args) => heavy(move || bench::random(args)).await,
        ModelCommand::Bench(args) => {
            let threads = settings.threads()?;
            heavy(move || bench::run(args, &threads)).await
        }
        ModelCommand::Train(args) => heavy(move || crate::train::run(args)).await,
        ModelCommand::Register(args) => register(settings, args).await,
        ModelCommand::List(args) => list(settings, args).await,
    }
}

/// Runs what computes for long on a thread of its own.
async fn heavy(work: impl FnOnce() -> anyhow::Result<()> + Send + 'static) -> Result<(), Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| match error.downcast() {
            Ok(failure) => failure,
            Err(error) => Failure::Model(format!("{error:#}")),
        }),
        Err(error) => Err(Failure::Other(format!("the command broke off: {error}"))),
    }
}

async fn register(settings: &Settings, args: RegisterArgs) -> Result<(), Failure> {
    let fee = config::amount("--fee", Some(&args.fee))?.unwrap_or_default();
    let key = settings.key().load()?;
    let owner = keys::address(&key);
    let recipient = match &args.recipient {
        Some(text) => {
            AccountId32::from_str(text).map_err(|_| Failure::Config(format!("--recipient: '{text}' is no address")))?
        }
        None => owner,
    };
    let local = Local::load(&args.dir, &settings.threads()?)?;
    let chain = connect(settings).await?;
    let spinner = Spinner::new(&format!("registering {}", local.name()));
    let sender = Sender::spawn(chain, key);
    let call = Call::Register { manifest: local.cid(), fee, recipient };
    let sent = sender.send(call, Terms::default()).await.map_err(|refusal| Failure::Rejected(refusal.to_string()))?;
    let (_, _, events) = sent
        .success()
        .await
        .map_err(|error| Failure::Rejected(format!("the chain refused to register the model: {error}")))?;
    drop(spinner);
    let id = events
        .iter()
        .find_map(|event| match event {
            Event::Registered { model } => Some(*model),
            _ => None,
        })
        .unwrap_or_else(|| protocol::model_id(&owner.0, &local.cid()));
    out::result(hexadecimal(id))
}

async fn list(settings: &Settings, args: ListArgs) -> Result<(), Failure> {
    let chain = connect(settings).await?;
    let mut models = chain.best().await?.models().await?;
    models.sort_by_key(|model| model.id);
    for model in models {
        let state = if model.retired { "retired" } else { "active" };
        if args.json {
            let shown = json!({
                "model": hexadecimal(model.id),
                "manifest": model.manifest.to_string(),
                "owner": model.owner.to_string(),
                "recipient": model.recipient.to_string(),
                "fee": money(model.fee),
                "state": state,
                "solvers": model.solvers,
            });
            out::result(shown)?;
        } else {
            out::result(format_args!(
                "{} {} fee {} ASY, {} solvers, {state}",
                hexadecimal(model.id),
                model.manifest,
                amount::format(model.fee),
                model.solvers
            ))?;
        }
    }
    Ok(())
}
