//! `verify`: computes an answer again and says whether it is right.

use crate::{config::Settings, failure::Failure, out};
use anyhow::Context;
use assay_engine::{
    verify::{verify, Claim, Depth, Report},
    Model, Threads,
};
use assay_types::{
    inference::{Parameters, TextParameters},
    TraceDigest,
};
use codec::Encode;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc, time::Instant};

/// What to verify.
#[derive(Debug, Clone, clap::Args)]
pub struct VerifyArgs {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// File with the answer, as `model run --json` prints it
    #[arg(value_name = "FILE")]
    pub answer: PathBuf,
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

/// Verifies and prints; an answer that is wrong ends with its own exit code.
///
/// # Errors
/// The answer is wrong, or cannot be checked.
pub async fn run(settings: &Settings, args: VerifyArgs) -> Result<(), Failure> {
    let threads = settings.threads()?;
    let json = args.json;
    let checking = tokio::task::spawn_blocking(move || check(&args, &threads));
    let (report, seconds) = match checking.await {
        Ok(checked) => checked.map_err(|error| Failure::Model(format!("{error:#}")))?,
        Err(error) => return Err(Failure::Other(format!("the check broke off: {error}"))),
    };
    if json {
        let mut line = serde_json::to_value(&report).map_err(anyhow::Error::from)?;
        line["seconds"] = seconds.into();
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

fn check(args: &VerifyArgs, threads: &Arc<Threads>) -> anyhow::Result<(Report, f64)> {
    let name = args.answer.display();
    let bytes = std::fs::read(&args.answer).with_context(|| format!("reading {name}"))?;
    let file: AnswerFile = serde_json::from_slice(&bytes).with_context(|| format!("{name} is not an answer"))?;
    let model = Model::load(&args.model, threads).with_context(|| format!("loading {}", args.model.display()))?;
    anyhow::ensure!(
        model.cid().to_string() == file.model,
        "the answer is of the model {}, {} holds {}",
        file.model,
        args.model.display(),
        model.cid()
    );
    let field = |what: &str, text: &str| {
        hex::decode(text.trim_start_matches("0x")).with_context(|| format!("{name}: '{what}' is not hexadecimal"))
    };
    let array = |what: &str, text: &str| -> anyhow::Result<[u8; 32]> {
        let bytes = field(what, text)?;
        bytes.try_into().map_err(|_| anyhow::anyhow!("{name}: '{what}' is not 32 bytes"))
    };
    let output = field("output", &file.output)?;
    let trace = file.trace.as_deref().map(|trace| array("trace", trace)).transpose()?;
    let claim = Claim {
        input: file.prompt.as_bytes(),
        parameters: &file.parameters.map_or(Parameters::Embedding, Parameters::from).encode(),
        seed: array("seed", &file.seed)?,
        output: &output,
        trace: trace.map(TraceDigest::from),
    };
    let depth = match (args.sampled, args.randomness) {
        (Some(positions), Some(Bytes32(randomness))) => Depth::Screen { positions, randomness },
        _ => Depth::Replay,
    };
    let begin = Instant::now();
    let report = verify(&model, &claim, depth)?;
    Ok((report, begin.elapsed().as_secs_f64()))
}
