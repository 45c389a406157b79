//! `model`: make, inspect, run, train, register, change and list models.

use super::{address, artefact, bench, connect, hexadecimal, id, money, Done};
use crate::{
    amount,
    chain::{types::Event, Call},
    cli::{ListArgs, ModelArgs, ModelCommand, RegisterArgs, UpdateArgs},
    config::{self, Settings},
    failure::Failure,
    keys, out,
    progress::Spinner,
    work::models::Local,
};
use assay_types::{protocol, ModelId};
use serde_json::json;

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
        ModelCommand::Update(args) => update(settings, args).await,
        ModelCommand::Retire(ModelArgs { id, tell }) => {
            let call = Call::RetireModel { model: model(&id)? };
            change(settings, call, "retire the model", tell.json).await
        }
        ModelCommand::StopServing(ModelArgs { id, tell }) => {
            let call = Call::StopServing { model: model(&id)? };
            change(settings, call, "stop serving the model", tell.json).await
        }
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
        Some(text) => address("--recipient", text)?,
        None => owner,
    };
    let local = Local::load(&args.dir, &settings.threads()?)?;
    let chain = connect(settings).await?;
    let spinner = Spinner::new(&format!("registering {}", local.name()));
    let call = Call::Register { manifest: local.cid(), fee, recipient };
    let done = Done::send(chain, key, call, "register the model").await;
    drop(spinner);
    let id = done?
        .events
        .iter()
        .find_map(|event| match event {
            Event::Registered { model } => Some(*model),
            _ => None,
        })
        .unwrap_or_else(|| protocol::model_id(&owner.0, &local.cid()));
    out::result(hexadecimal(id))
}

/// Reads the id of a model.
fn model(text: &str) -> Result<ModelId, Failure> {
    id(text).ok_or_else(|| Failure::Config(format!("'{text}' is no model id: 64 hexadecimal digits")))
}

async fn update(settings: &Settings, args: UpdateArgs) -> Result<(), Failure> {
    let UpdateArgs { model: ModelArgs { id, tell }, fee, recipient } = args;
    let model = model(&id)?;
    let fee = config::amount("--fee", fee.as_deref())?;
    let recipient = recipient.map(|text| address("--recipient", &text)).transpose()?;
    let key = settings.key().load()?;
    let chain = connect(settings).await?;
    let now = chain.best().await?.model(model).await?;
    let now = now.ok_or_else(|| Failure::NotFound(format!("the chain knows no model {id}")))?;
    let (fee, recipient) = (fee.unwrap_or(now.fee), recipient.unwrap_or(now.recipient));
    let call = Call::UpdateModel { model, fee, recipient };
    Done::send(chain, key, call, "change the model's terms").await?.tell(tell.json, "from")
}

/// Sends a call that changes what is offered.
async fn change(settings: &Settings, call: Call, what: &str, json: bool) -> Result<(), Failure> {
    let key = settings.key().load()?;
    Done::send(connect(settings).await?, key, call, what).await?.tell(json, "from")
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
