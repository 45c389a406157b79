//! What `assay-worker model import`, `inspect`, `logits` and `run` do.

use super::verify::{AnswerFile, Choices};
use crate::out;
use anyhow::Context;
use assay_engine::{
    import::{self, Options},
    manifest::{LayerWeights, PROMPT_MARK},
    Model, Threads,
};
use assay_types::inference::{Output, Parameters, TextParameters};
use codec::{Decode, Encode};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{IsTerminal, Write},
    ops::ControlFlow,
    path::PathBuf,
    sync::Arc,
    time::Instant,
};

/// Make a model artefact from a Hugging Face folder or a GGUF file.
#[derive(Debug, Clone, clap::Args)]
pub struct ImportArgs {
    /// Folder with config.json, model.safetensors and tokenizer.json, or a GGUF file.
    #[arg(long, value_name = "PATH")]
    pub from: PathBuf,
    /// Folder to write; must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Name of the model.
    #[arg(long)]
    pub name: String,
    /// Licence of the weights, as an SPDX expression.
    #[arg(long, value_name = "SPDX")]
    pub licence: String,
    /// Where the weights come from.
    #[arg(long, default_value = "")]
    pub source: String,
    /// Text around a prompt; {prompt} stands for it.
    #[arg(long, default_value = PROMPT_MARK)]
    pub template: String,
    /// Leave out the source's chat template: prompts are continued, not answered.
    #[arg(long)]
    pub no_chat_template: bool,
    /// Shorten the context to this many tokens.
    #[arg(long, value_name = "TOKENS")]
    pub max_context: Option<usize>,
    /// How the matrices of the layers are stored: w16, w8 or w4, each with half the memory of the one before and less
    /// accuracy; usually w8 for text models and w16 for embedding models.
    #[arg(long)]
    pub weights: Option<LayerWeights>,
}

/// Show a model artefact and check it.
#[derive(Debug, Clone, clap::Args)]
pub struct InspectArgs {
    /// Folder of the artefact.
    pub folder: PathBuf,
    /// Print the content id alone.
    #[arg(long)]
    pub cid: bool,
}

/// Print the logits that follow each of some tokens, one line of JSON for each, to compare with other programs.
#[derive(Debug, Clone, clap::Args)]
pub struct LogitsArgs {
    /// Folder of the artefact.
    pub folder: PathBuf,
    /// Ids of the tokens, with commas between.
    #[arg(long, value_delimiter = ',', required = true)]
    pub tokens: Vec<u32>,
}

/// Run a model on this machine, without a chain.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// Folder of the artefact.
    pub folder: PathBuf,
    /// The prompt, or the text to embed.
    #[arg(long)]
    pub prompt: String,
    /// Seed, 64 hexadecimal digits; equal seeds give equal answers.
    #[arg(long, value_parser = parse_seed, default_value = "0000000000000000000000000000000000000000000000000000000000000000")]
    pub seed: Seed,
    /// Tokens to generate at most.
    #[arg(long, default_value_t = TextParameters::default().max_tokens)]
    pub max_tokens: u32,
    /// Temperature in thousandths; 0 takes the likeliest token.
    #[arg(long, default_value_t = TextParameters::default().temperature_milli)]
    pub temperature_milli: u32,
    /// Draw only from this many likeliest tokens; 0 is all.
    #[arg(long, default_value_t = TextParameters::default().top_k)]
    pub top_k: u32,
    /// Draw only from the likeliest tokens that hold this share, in thousandths.
    #[arg(long, default_value_t = TextParameters::default().top_p_milli)]
    pub top_p_milli: u32,
    /// Penalty for tokens seen before, in thousandths; 1000 is none.
    #[arg(long, default_value_t = TextParameters::default().repetition_penalty_milli)]
    pub repetition_penalty_milli: u32,
    /// A text before which the answer ends; up to four times.
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// Print the answer with everything that it depends on, for `verify`, as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A seed from the command line.
#[derive(Debug, Clone, Copy)]
pub struct Seed(pub [u8; 32]);

fn parse_seed(text: &str) -> Result<Seed, String> {
    let mut seed = [0; 32];
    hex::decode_to_slice(text, &mut seed).map_err(|_| "a seed is 64 hexadecimal digits".to_string())?;
    Ok(Seed(seed))
}

/// Imports a model and prints its content id.
///
/// # Errors
/// Why it cannot be imported, in one line.
pub fn import(args: ImportArgs, threads: &Arc<Threads>) -> anyhow::Result<()> {
    let options = Options {
        template: args.template,
        chat_template: !args.no_chat_template,
        max_context: args.max_context,
        layer_weights: args.weights,
        ..Options::new(&args.name, &args.licence, &args.source)
    };
    let bar = bar("quantising");
    let artefact = import::read(&args.from, &options, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })
    .with_context(|| format!("importing {}", args.from.display()))?;
    bar.finish_and_clear();
    artefact.write(&args.to)?;
    // Loading it once proves that what was written can be run.
    let model = Model::load(&args.to, threads).with_context(|| format!("checking {}", args.to.display()))?;
    Ok(out::result(model.cid())?)
}

/// Prints what an artefact is, after every check that loading makes and one short run.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn inspect(args: InspectArgs, threads: &Arc<Threads>) -> anyhow::Result<()> {
    let model = Model::load(&args.folder, threads).with_context(|| format!("loading {}", args.folder.display()))?;
    if args.cid {
        return Ok(out::result(model.cid())?);
    }
    out::result(serde_json::to_string_pretty(model.manifest())?)?;
    out::result(format_args!("content id   {}", model.cid()))?;
    out::result(format_args!("weights      {} bytes", model.manifest().weights.bytes))?;
    out::result(format_args!("tokenizer    {} bytes", model.manifest().tokenizer.bytes))?;
    let begin = Instant::now();
    let parameters = match model.manifest().text {
        Some(_) => Parameters::Text(TextParameters { max_tokens: 8, ..Default::default() }),
        None => Parameters::Embedding,
    };
    let answer = model.run(b"Once upon a time", &parameters.encode(), [0; 32], &mut |_| ControlFlow::Continue(()))?;
    out::result(format_args!(
        "self-check   {} tokens in {:?}, trace {:?}",
        answer.tokens,
        begin.elapsed(),
        answer.trace
    ))?;
    Ok(())
}

/// Prints logits.
///
/// # Errors
/// Why there are none, in one line.
pub fn logits(args: LogitsArgs, threads: &Arc<Threads>) -> anyhow::Result<()> {
    let model = Model::load(&args.folder, threads).with_context(|| format!("loading {}", args.folder.display()))?;
    let logits = model.logits(&args.tokens, args.tokens.len())?;
    for row in logits.chunks_exact((logits.len() / args.tokens.len()).max(1)) {
        out::result(serde_json::to_string(row)?)?;
    }
    Ok(())
}

/// Runs a model: text goes to standard output as it comes, a vector as JSON.
///
/// # Errors
/// Why it cannot be run, in one line.
pub fn run(args: RunArgs, threads: &Arc<Threads>) -> anyhow::Result<()> {
    let model = Model::load(&args.folder, threads).with_context(|| format!("loading {}", args.folder.display()))?;
    let choices = model.manifest().text.as_ref().map(|_| TextParameters {
        max_tokens: args.max_tokens,
        temperature_milli: args.temperature_milli,
        top_k: args.top_k,
        top_p_milli: args.top_p_milli,
        repetition_penalty_milli: args.repetition_penalty_milli,
        stop: args.stop.clone(),
    });
    let parameters = choices.clone().map_or(Parameters::Embedding, Parameters::Text);
    let begin = Instant::now();
    let mut shown = 0;
    let live = std::io::stdout().is_terminal() && !args.json;
    let answer = model.run(args.prompt.as_bytes(), &parameters.encode(), args.seed.0, &mut |progress| {
        if !live {
            return ControlFlow::Continue(());
        }
        let text = progress.text();
        // A text can end in a character whose other bytes are still to come: show it when it is whole.
        let whole = text.trim_end_matches('\u{fffd}');
        if let Some(new) = whole.get(shown..) {
            // The whole text is written once more if this fails.
            let mut stdout = std::io::stdout().lock();
            if write!(stdout, "{new}").and_then(|()| stdout.flush()).is_err() {
                return ControlFlow::Continue(());
            }
            shown = whole.len();
        }
        ControlFlow::Continue(())
    })?;
    let elapsed = begin.elapsed();
    if args.json {
        let text = match Output::decode(&mut &answer.output[..])? {
            Output::Text(output) => Some(output.text),
            Output::Embedding(_) => None,
        };
        let file = AnswerFile {
            model: model.cid().to_string(),
            prompt: args.prompt,
            parameters: choices.as_ref().map(Choices::from),
            seed: hex::encode(args.seed.0),
            output: hex::encode(&answer.output),
            trace: Some(hex::encode(answer.trace)),
            text,
        };
        return Ok(out::result(serde_json::to_string(&file)?)?);
    }
    match Output::decode(&mut &answer.output[..])? {
        Output::Text(output) => out::result(output.text.get(shown..).unwrap_or_default())?,
        Output::Embedding(output) => out::result(serde_json::to_string(&output.values())?)?,
    }
    out::note(format_args!("{} tokens in {elapsed:?}; trace {:?}", answer.tokens, answer.trace));
    Ok(())
}

/// A progress bar on standard error.
pub(super) fn bar(name: &'static str) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_message(name)
}
