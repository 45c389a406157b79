//! `verify`: computes an answer again and says whether it is right.

use super::{connect, hexadecimal, solve::default_folder, task};
use crate::{
    chain::{types::Payload, Revealed},
    config::{self, Settings},
    failure::Failure,
    out, payloads,
    progress::Spinner,
    work::models,
};
use anyhow::Context;
use assay_engine::{
    verify::{verify, Claim, Depth, Report},
    Model, Threads,
};
use assay_peers::Peers;
use assay_types::{
    inference::{Parameters, TextParameters},
    BlockNumber, Cid, TraceDigest, MAX_INLINE,
};
use codec::Encode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// Whose payloads those are that are fetched to verify an answer.
const HOLDER: &str = "verified";

/// What to verify.
#[derive(Debug, Clone, clap::Args)]
pub struct VerifyArgs {
    /// Folder of the model
    #[arg(long, value_name = "DIR", required_unless_present = "task", conflicts_with = "task")]
    pub model: Option<PathBuf>,
    /// File with the answer, as `model run --json` prints it
    #[arg(value_name = "FILE", required_unless_present = "task", conflicts_with = "task")]
    pub answer: Option<PathBuf>,
    /// Verify what was revealed as the answer to this task of the chain
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// Folders of models, or folders that hold them, among which that of the task is found
    #[arg(long, env = "ASSAY_MODELS", value_delimiter = ',', num_args = 1, value_name = "DIR")]
    pub models: Vec<PathBuf>,
    /// Height of a block in whose state the task is, where the chain has forgotten it since
    #[arg(long, value_name = "N", requires = "task")]
    pub block: Option<BlockNumber>,
    /// The exchange of payloads.
    #[command(flatten)]
    pub peers: config::Peers,
    /// Compute only this many positions and the last, drawn from --randomness: a cheap screen
    #[arg(long, value_name = "N", requires = "randomness")]
    pub sampled: Option<u32>,
    /// 64 hexadecimal digits that nobody knew when the answer was committed to
    #[arg(long, value_name = "HEX", value_parser = digits, requires = "sampled")]
    pub randomness: Option<Bytes32>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Thirty-two bytes from the command line.
#[derive(Debug, Clone, Copy)]
pub struct Bytes32(pub [u8; 32]);

fn digits(text: &str) -> Result<Bytes32, String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes)
        .map_err(|_| "64 hexadecimal digits are needed".to_string())?;
    Ok(Bytes32(bytes))
}

/// An answer with everything that it depends on: what `model run --json` prints and `verify` reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerFile {
    /// Content id of the model's manifest.
    pub model: String,
    /// The input.
    pub prompt: String,
    /// The choices of a text generation; none for an embedding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Choices>,
    /// The seed, in hexadecimal.
    pub seed: String,
    /// The encoded output, in hexadecimal.
    pub output: String,
    /// The trace digest, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The text, for people; what counts is in the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The choices of a text generation, as [`TextParameters`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Choices {
    pub max_tokens: u32,
    pub temperature_milli: u32,
    pub top_k: u32,
    pub top_p_milli: u32,
    pub repetition_penalty_milli: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

impl From<&TextParameters> for Choices {
    fn from(parameters: &TextParameters) -> Self {
        Self {
            max_tokens: parameters.max_tokens,
            temperature_milli: parameters.temperature_milli,
            top_k: parameters.top_k,
            top_p_milli: parameters.top_p_milli,
            repetition_penalty_milli: parameters.repetition_penalty_milli,
            stop: parameters.stop.clone(),
        }
    }
}

impl From<Choices> for Parameters {
    fn from(choices: Choices) -> Self {
        Self::Text(TextParameters {
            max_tokens: choices.max_tokens,
            temperature_milli: choices.temperature_milli,
            top_k: choices.top_k,
            top_p_milli: choices.top_p_milli,
            repetition_penalty_milli: choices.repetition_penalty_milli,
            stop: choices.stop,
        })
    }
}

/// An answer, and everything that says whether it is right.
struct Answer {
    /// Folder of the model.
    folder: PathBuf,
    /// Content id of the model's manifest.
    manifest: String,
    input: Vec<u8>,
    parameters: Vec<u8>,
    seed: [u8; 32],
    output: Vec<u8>,
    trace: Option<TraceDigest>,
}

/// Verifies and prints; an answer that is wrong ends with its own exit code.
///
/// # Errors
/// The answer is wrong, or cannot be checked.
pub async fn run(settings: &Settings, args: VerifyArgs) -> Result<(), Failure> {
    let VerifyArgs { model, answer, task, models, block, peers, sampled, randomness, json } = args;
    let threads = settings.threads()?;
    let depth = match (sampled, randomness) {
        (Some(positions), Some(Bytes32(randomness))) => Depth::Screen { positions, randomness },
        _ => Depth::Replay,
    };
    let (answer, told) = match (task, model, answer) {
        (Some(id), ..) => of_task(settings, &id, block, &models, peers).await?,
        (None, Some(model), Some(file)) => (of_file(&model, &file).map_err(unfit)?, Map::new()),
        _ => return Err(Failure::Config("give --model DIR and the FILE of an answer, or --task ID".into())),
    };
    let spinner = Spinner::on_terminal("computing the answer again");
    let checking = tokio::task::spawn_blocking(move || check(&answer, depth, &threads));
    let (report, seconds) = match checking.await {
        Ok(checked) => checked.map_err(unfit)?,
        Err(error) => return Err(Failure::Other(format!("the check broke off: {error}"))),
    };
    drop(spinner);
    if json {
        let mut line = serde_json::to_value(&report).map_err(anyhow::Error::from)?;
        line["seconds"] = seconds.into();
        if let Some(line) = line.as_object_mut() {
            line.extend(told);
        }
        out::result(line)?;
    }
    let Report { correct, fault, position, checked, positions } = report;
    if correct {
        if !json {
            out::result(format_args!("right: {checked} of {positions} positions computed again in {seconds:.2} s"))?;
        }
        return Ok(());
    }
    let place = position.map_or(String::new(), |position| format!(" at position {position} of {positions}"));
    let fault = fault.map_or(String::new(), |fault| format!("{fault:?}"));
    Err(Failure::WrongAnswer(format!("the answer is wrong{place}: {fault}")))
}

fn unfit(error: anyhow::Error) -> Failure {
    Failure::Model(format!("{error:#}"))
}

/// The answer in a file.
fn of_file(folder: &Path, path: &Path) -> anyhow::Result<Answer> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("reading {name}"))?;
    let file: AnswerFile = serde_json::from_slice(&bytes).with_context(|| format!("{name} is not an answer"))?;
    let field = |what: &str, text: &str| {
        hex::decode(text.trim_start_matches("0x")).with_context(|| format!("{name}: '{what}' is not hexadecimal"))
    };
    let array = |what: &str, text: &str| -> anyhow::Result<[u8; 32]> {
        let bytes = field(what, text)?;
        bytes.try_into().map_err(|_| anyhow::anyhow!("{name}: '{what}' is not 32 bytes"))
    };
    let trace = file.trace.as_deref().map(|trace| array("trace", trace)).transpose()?;
    Ok(Answer {
        folder: folder.into(),
        input: file.prompt.into_bytes(),
        parameters: file.parameters.map_or(Parameters::Embedding, Parameters::from).encode(),
        seed: array("seed", &file.seed)?,
        output: field("output", &file.output)?,
        trace: trace.map(TraceDigest::from),
        manifest: file.model,
    })
}

/// The answer to a task, with what the report says of it beside the check.
async fn of_task(
    settings: &Settings,
    text: &str,
    block: Option<BlockNumber>,
    folders: &[PathBuf],
    peers: config::Peers,
) -> Result<(Answer, Map<String, Value>), Failure> {
    let id = task::parse(text)?;
    if folders.is_empty() {
        return Err(Failure::Config("nothing to compute with: give --models DIR".into()));
    }
    let known = models::known(folders)?;
    let spinner = Spinner::new(&format!("connecting to {}", settings.url()));
    let chain = connect(settings).await?;
    spinner.say("looking for the task and its answer");
    let Revealed { task, model, input, seed, solver, output } = chain.revealed(id, block).await?;
    let manifest = model.manifest.to_string();
    let found = known.into_iter().find(|known| known.manifest == model.manifest);
    let absent = || {
        let asked = hexadecimal(model.id);
        Failure::Model(format!("the task asked the model {asked}, and --models has no artefact of it ({manifest})"))
    };
    let folder = found.ok_or_else(absent)?.folder;
    let state = format!("{:?}", task.state).to_lowercase();
    spinner.note(&format!("answered by {solver}; the task is {state}"));

    let output_cid = match &output {
        Payload::Inline(bytes) => Cid::of(bytes).to_string(),
        Payload::External { cid, length } => payloads::content(cid, *length).root().to_string(),
    };
    let told = [
        ("task", hexadecimal(id)),
        ("status", state),
        ("model", hexadecimal(model.id)),
        ("solver", solver.to_string()),
        ("output_cid", output_cid),
    ];
    let told = told.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect();
    let exchange = exchange(settings, peers, &[("question", &input.payload), ("answer", &output)]).await?;
    let answer = Answer {
        folder,
        input: payload(exchange.as_ref(), &spinner, "question", input.payload).await?,
        output: payload(exchange.as_ref(), &spinner, "answer", output).await?,
        parameters: input.parameters,
        seed,
        // Only a dispute opens it.
        trace: None,
        manifest,
    };
    if let Some(peers) = exchange {
        // They stay until their room is needed, and nobody needs them.
        peers.release(HOLDER).await.map_err(|error| Failure::Other(error.to_string()))?;
    }
    Ok((answer, told))
}

/// Starts the exchange with peers, where a payload is kept by them.
async fn exchange(
    settings: &Settings,
    flags: config::Peers,
    wanted: &[(&str, &Payload)],
) -> Result<Option<Peers>, Failure> {
    let kept = wanted.iter().find_map(|(what, payload)| match payload {
        Payload::Inline(_) => None,
        Payload::External { length, .. } => Some((what, length)),
    });
    let Some((what, length)) = kept else { return Ok(None) };
    let flags = settings.peers(flags);
    let has_peers = !flags.peers_bootstrap.is_empty() || flags.peers_listen.is_some();
    let peers = match has_peers {
        true => payloads::start(flags, &default_folder().join("payloads")).await?,
        false => None,
    };
    let alone = || {
        Failure::Config(format!(
            "the {what} has {length} bytes, and what has more than {MAX_INLINE} is kept by peers: give --peers-bootstrap \
             with the address of a solver"
        ))
    };
    peers.ok_or_else(alone).map(Some)
}

/// A payload's bytes, from the chain or from peers.
async fn payload(peers: Option<&Peers>, spinner: &Spinner, what: &str, payload: Payload) -> Result<Vec<u8>, Failure> {
    let (cid, length) = match payload {
        Payload::Inline(bytes) => return Ok(bytes),
        Payload::External { cid, length } => (cid, length),
    };
    let content = payloads::content(&cid, length);
    let root = content.root();
    let absent = |why: String| Failure::NotFound(format!("cannot fetch the {what} {root} of {length} bytes: {why}"));
    let peers = peers.ok_or_else(|| absent("nothing is exchanged with peers".into()))?;
    spinner.say(&format!("fetching the {what} {root} of {length} bytes from peers"));
    let until = tokio::time::Instant::now() + Duration::from_secs(payloads::patience(&content));
    peers.fetch(HOLDER, content, until).await.map_err(|error| absent(error.to_string()))
}

fn check(answer: &Answer, depth: Depth, threads: &Arc<Threads>) -> anyhow::Result<(Report, f64)> {
    let Answer { folder, manifest, input, parameters, seed, output, trace } = answer;
    let shown = folder.display();
    let model = Model::load(folder, threads).with_context(|| format!("loading {shown}"))?;
    let cid = model.cid();
    anyhow::ensure!(cid.to_string() == *manifest, "the answer is of the model {manifest}, {shown} holds {cid}");
    let claim = Claim { input, parameters, seed: *seed, output, trace: *trace };
    let begin = Instant::now();
    let report = verify(&model, &claim, depth)?;
    Ok((report, begin.elapsed().as_secs_f64()))
}
