//! `assay-worker model train`: trains a small Llama-architecture model from a plain text file, on the CPU.
//!
//! The outcome is a Hugging Face folder (`config.json`, `model.safetensors`, `tokenizer.json`, `tokenizer_config.json`) with
//! `loss.csv` and `loss.svg`. A seed fixes the first weights and the order of the text, so that a recipe can be run again.

mod model;
mod ops;
mod optim;
mod plot;
mod rng;
mod save;
mod text;

use std::{
    fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    time::Instant,
};

use anyhow::{anyhow, bail, Context, Result};
use candle_core::Var;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokenizers::Tokenizer;

use crate::out;

pub use model::LlamaConfig;
pub use text::{documents, train_tokenizer, Corpus};

use model::Llama;
use optim::{learning_rate, AdamW, Moments};
use rng::Rng;
use save::Progress;

/// Trains a small text model from a plain text file.
///
/// Documents are paragraphs, parted by empty lines. Ctrl-C saves and stops; `--resume` goes on from there.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// The text, UTF-8, one document per paragraph
    #[arg(long, value_name = "FILE")]
    pub text: PathBuf,
    /// Folder to write the model to (Hugging Face layout); what is needed to resume is kept beside it in FOLDER.state
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Go on with the run whose state is in FOLDER.state
    #[arg(long)]
    pub resume: bool,
    /// Seed of the first weights, of the order of the text, and of the samples
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Number of tokens in the vocabulary
    #[arg(long, default_value_t = 2048, value_name = "TOKENS")]
    pub vocabulary: usize,
    /// Longest context, in tokens
    #[arg(long, default_value_t = 256, value_name = "TOKENS")]
    pub context: usize,
    /// Width of the model
    #[arg(long, default_value_t = 256)]
    pub width: usize,
    /// Number of blocks
    #[arg(long, default_value_t = 5)]
    pub layers: usize,
    /// Number of query heads
    #[arg(long, default_value_t = 8)]
    pub heads: usize,
    /// Number of key and value heads
    #[arg(long, default_value_t = 4)]
    pub kv_heads: usize,
    /// Width of the feed-forward layers
    #[arg(long, default_value_t = 640)]
    pub inner_width: usize,
    /// Windows per step
    #[arg(long, default_value_t = 8)]
    pub batch: usize,
    /// Parts of a batch that are worked on at once, each on its own thread; RAYON_NUM_THREADS=1 in the environment keeps
    /// these threads from being split further, which is faster on a busy machine
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Number of steps
    #[arg(long, default_value_t = 2000)]
    pub steps: u64,
    /// Steps in which the learning rate rises
    #[arg(long, default_value_t = 100)]
    pub warmup: u64,
    /// Highest learning rate
    #[arg(long, default_value_t = 2e-3, value_name = "RATE")]
    pub learning_rate: f64,
    /// Weight decay, decoupled
    #[arg(long, default_value_t = 0.1, value_name = "DECAY")]
    pub weight_decay: f64,
    /// Every how many documents one is kept for validation
    #[arg(long, default_value_t = 50, value_name = "DOCUMENTS")]
    pub hold_out: usize,
    /// Every how many steps the validation loss is measured, a sample written and the run saved
    #[arg(long, default_value_t = 200, value_name = "STEPS")]
    pub save_every: u64,
    /// Stop and save after this many minutes, if the steps are not done by then
    #[arg(long, value_name = "MINUTES")]
    pub minutes: Option<f64>,
    /// Stop and save after this step; the learning rate follows --steps all the same
    #[arg(long, value_name = "STEP")]
    pub until: Option<u64>,
    /// Beginning of the samples
    #[arg(long, default_value = "And it came to pass", value_name = "TEXT")]
    pub prompt: String,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Steps done, over all sittings.
    pub step: u64,
    /// Cross entropy on the validation documents, nats per token, at the last save.
    pub validation: f64,
    /// Loss of each step of this sitting, nats per token.
    pub losses: Vec<f32>,
}

/// Trains as `args` say, writing progress to stderr: a bar on a terminal, lines elsewhere.
///
/// # Errors
/// One line for people: unreadable or too small a text, sizes that do not fit, a full disk, a state of another run.
pub fn run(args: TrainArgs) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    watch_signals(stop.clone())?;
    train(&args, &stop).map(|_| ())
}

/// As [`run`], until `stop` is set.
///
/// # Errors
/// As [`run`].
pub fn train(args: &TrainArgs, stop: &AtomicBool) -> Result<Outcome> {
    check(args)?;
    let documents = text::documents(&args.text)?;
    fs::create_dir_all(&args.out).with_context(|| format!("cannot create {}", args.out.display()))?;
    let state_path = state_path(&args.out);
    if !args.resume && state_path.exists() {
        bail!(
            "{} holds an unfinished or finished run: pass --resume, choose another folder or remove it",
            state_path.display()
        );
    }

    let held = |index: usize| index % args.hold_out == args.hold_out - 1;
    let kept = |held_out: bool| {
        documents.iter().enumerate().filter(move |(index, _)| held(*index) == held_out).map(|(_, text)| text)
    };
    let tokenizer = text::train_tokenizer(&kept(false).cloned().collect::<Vec<_>>(), args.vocabulary)?;
    let training = Corpus::encode(&tokenizer, kept(false))?;
    let validation = Corpus::encode(&tokenizer, kept(true))?;
    for (name, corpus) in [("training", &training), ("validation", &validation)] {
        if corpus.windows(args.context) == 0 {
            bail!(
                "the text is too small: {} {name} tokens do not fill one context of {} tokens",
                corpus.tokens(),
                args.context
            );
        }
    }

    let config = config(args, &tokenizer)?;
    let model = Llama::new(config, args.seed)?;
    let mut moments: Vec<Moments> = model.weights().iter().map(|(_, var)| Moments::zero(var.elem_count())).collect();
    let recipe = recipe(args, &training);
    let mut progress = Progress { recipe: recipe.clone(), ..Progress::default() };
    if args.resume {
        progress = save::load_state(&model, &mut moments, &recipe, &state_path)?;
    }
    write_folder(args, &model, &tokenizer)?;
    let mut log = LossLog::open(&args.out.join("loss.csv"), progress.step)?;

    let say = Say::new(args.steps, progress.step);
    say.line(&format!(
        "{} weights; {} tokens to learn, {} held out; {} steps of {} tokens: {:.1} passes",
        model.parameters(),
        training.tokens(),
        validation.tokens(),
        args.steps,
        args.batch * args.context,
        (args.steps * args.batch as u64) as f64 / training.windows(args.context) as f64,
    ));

    let optimizer = AdamW { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: args.weight_decay, clip: 1.0 };
    let mut batches = text::Batches::new(&training, args.seed, args.context, args.batch);
    let mut outcome = Outcome { step: progress.step, validation: f64::NAN, losses: Vec::new() };
    let (began, before) = (Instant::now(), progress.seconds);
    let mut recent = Recent::default();
    let end = args.until.map_or(args.steps, |until| until.min(args.steps));
    while progress.step < end {
        let (inputs, answers) = batches.get(progress.step);
        let (loss, gradients) = gradients(&model, &inputs, &answers, args)?;
        if !loss.is_finite() {
            bail!("training diverged at step {}: lower --learning-rate and start again", progress.step + 1);
        }
        let rate = learning_rate(progress.step, args.steps, args.warmup, args.learning_rate);
        let weights: Vec<&Var> = model.weights().into_iter().map(|(_, var)| var).collect();
        let norm = optimizer.step(&weights, &gradients, &mut moments, rate, progress.step + 1)?;
        progress.step += 1;
        progress.seconds = before + began.elapsed().as_secs_f64();
        outcome.losses.push(loss);
        let speed = (outcome.losses.len() * args.batch * args.context) as f64 / began.elapsed().as_secs_f64();
        let smooth = recent.add(loss);

        let late = args.minutes.is_some_and(|minutes| began.elapsed().as_secs_f64() > minutes * 60.0);
        let last = progress.step == end || late || stop.load(Ordering::Relaxed);
        if last || progress.step.is_multiple_of(args.save_every) {
            outcome.validation = validate(&model, &validation, args)?;
            log.add(progress.step, smooth, Some(outcome.validation), rate, progress.seconds)?;
            log.save()?;
            save::save_weights(&model, &args.out)?;
            save::save_state(&model, &moments, &progress, &state_path)?;
            save::write_file(&args.out.join("loss.svg"), plot::svg(&log.rows).as_bytes())?;
            say.line(&format!("step {} saved: validation loss {:.4}", progress.step, outcome.validation));
            for temperature in [0.0, 0.8] {
                let sample = sample(&model, &tokenizer, &args.prompt, 96, temperature, args.seed)?;
                say.line(&format!("  temperature {temperature}: {sample}"));
            }
        } else if progress.step.is_multiple_of(10) {
            log.add(progress.step, smooth, None, rate, progress.seconds)?;
        }
        say.step(progress.step, smooth, norm, rate, speed);
        if last {
            break;
        }
    }
    say.line(&format!("{} of {} steps done; the model is in {}", progress.step, args.steps, args.out.display()));
    outcome.step = progress.step;
    Ok(outcome)
}

/// Sets `stop` at the first Ctrl-C or SIGTERM; the second Ctrl-C ends the process at once, by default action.
fn watch_signals(stop: Arc<AtomicBool>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let terminate = async {
                match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                    Ok(mut signal) => signal.recv().await,
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate => {}
            }
            stop.store(true, Ordering::Relaxed);
            out::note("stopping after this step; once more to stop without saving");
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
    });
    Ok(())
}

fn check(args: &TrainArgs) -> Result<()> {
    let counts = [args.context, args.width, args.layers, args.heads, args.kv_heads, args.inner_width];
    if counts.contains(&0) || args.batch == 0 || args.threads == 0 || args.steps == 0 || args.save_every == 0 {
        bail!("sizes, steps, batch and threads must not be nought");
    }
    if args.hold_out < 2 {
        bail!("--hold-out must be at least 2: every document cannot be held out, and some must be");
    }
    if args.out.file_name().is_none() {
        bail!("{} is not a name for a folder to write to", args.out.display());
    }
    if !args.width.is_multiple_of(2 * args.heads) {
        bail!("the width {} cannot be shared by {} heads of an even width", args.width, args.heads);
    }
    if !args.heads.is_multiple_of(args.kv_heads) {
        bail!("{} heads cannot share {} key heads evenly", args.heads, args.kv_heads);
    }
    if !args.batch.is_multiple_of(args.threads) {
        bail!("a batch of {} cannot be split evenly over {} threads", args.batch, args.threads);
    }
    Ok(())
}

fn config(args: &TrainArgs, tokenizer: &Tokenizer) -> Result<LlamaConfig> {
    Ok(LlamaConfig {
        architectures: vec!["LlamaForCausalLM".to_string()],
        model_type: "llama".to_string(),
        vocab_size: args.vocabulary,
        hidden_size: args.width,
        intermediate_size: args.inner_width,
        num_hidden_layers: args.layers,
        num_attention_heads: args.heads,
        num_key_value_heads: args.kv_heads,
        head_dim: args.width / args.heads,
        max_position_embeddings: args.context,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        hidden_act: "silu".to_string(),
        attention_bias: false,
        mlp_bias: false,
        tie_word_embeddings: true,
        bos_token_id: text::id(tokenizer, text::START)?,
        eos_token_id: text::id(tokenizer, text::END)?,
        initializer_range: 0.02,
        torch_dtype: "float32".to_string(),
    })
}

/// What must not change between the sittings of one run. Steps may: the learning rate follows the new number.
fn recipe(args: &TrainArgs, training: &Corpus) -> serde_json::Value {
    json!({
        "seed": args.seed, "vocabulary": args.vocabulary, "context": args.context, "width": args.width,
        "layers": args.layers, "heads": args.heads, "kv_heads": args.kv_heads, "inner_width": args.inner_width,
        "batch": args.batch, "hold_out": args.hold_out, "training_tokens": training.tokens(),
    })
}

fn state_path(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push(".state");
    out.with_file_name(name)
}

fn write_folder(args: &TrainArgs, model: &Llama, tokenizer: &Tokenizer) -> Result<()> {
    let pretty = |value: &serde_json::Value| Ok::<_, serde_json::Error>(serde_json::to_string_pretty(value)? + "\n");
    let config = pretty(&serde_json::to_value(&model.config)?)?;
    save::write_file(&args.out.join("config.json"), config.as_bytes())?;
    let json = tokenizer.to_string(false).map_err(|error| anyhow!("{error}"))?;
    save::write_file(&args.out.join("tokenizer.json"), json.as_bytes())?;
    let tokenizer_config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": text::START, "eos_token": text::END,
        "add_bos_token": true, "add_eos_token": false, "clean_up_tokenization_spaces": false,
        "model_max_length": args.context,
    });
    save::write_file(&args.out.join("tokenizer_config.json"), pretty(&tokenizer_config)?.as_bytes())
}

/// Mean loss and mean gradients of a batch. The parts are always added in the same order.
fn gradients(model: &Llama, inputs: &[u32], answers: &[u32], args: &TrainArgs) -> Result<(f32, Vec<Vec<f32>>)> {
    let part = inputs.len() / args.threads;
    let rows = args.batch / args.threads;
    let one = |inputs: &[u32], answers: &[u32]| -> Result<(f32, Vec<Vec<f32>>)> {
        let loss = model.loss(inputs, answers.to_vec(), rows)?;
        let mut store = loss.backward()?;
        let gradients = model
            .weights()
            .into_iter()
            .map(|(name, var)| {
                let gradient = store.remove(var).with_context(|| format!("{name} has no gradient"))?;
                Ok(gradient.flatten_all()?.to_vec1()?)
            })
            .collect::<Result<_>>()?;
        Ok((loss.to_scalar()?, gradients))
    };
    let parts = std::thread::scope(|scope| {
        let started: Vec<_> = inputs
            .chunks(part)
            .zip(answers.chunks(part))
            .map(|(inputs, answers)| scope.spawn(move || one(inputs, answers)))
            .collect();
        let joined = started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread failed")));
        joined.collect::<Result<Vec<_>>>()
    })?;
    let share = 1.0 / parts.len() as f32;
    let mut parts = parts.into_iter();
    let (mut loss, mut sum) = parts.next().context("no part of the batch was worked on")?;
    for (other, gradients) in parts {
        loss += other;
        for (sum, gradient) in sum.iter_mut().zip(gradients) {
            sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
        }
    }
    sum.iter_mut().flatten().for_each(|g| *g *= share);
    Ok((loss * share, sum))
}

/// Mean loss on the validation documents: at most sixty-four windows, always the same.
fn validate(model: &Llama, corpus: &Corpus, args: &TrainArgs) -> Result<f64> {
    let tokens = corpus.pass(None);
    let windows: Vec<usize> = (0..corpus.windows(args.context).min(64)).collect();
    let share = windows.len().div_ceil(args.threads);
    let one = |windows: &[usize]| -> Result<f64> {
        let mut total = 0.0;
        for window in windows {
            let start = window * args.context;
            let inputs = &tokens[start..start + args.context];
            let answers = tokens[start + 1..start + 1 + args.context].to_vec();
            total += f64::from(model.loss(inputs, answers, 1)?.to_scalar::<f32>()?);
        }
        Ok(total)
    };
    let totals = std::thread::scope(|scope| {
        let started: Vec<_> = windows.chunks(share).map(|windows| scope.spawn(move || one(windows))).collect();
        let joined = started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread failed")));
        joined.collect::<Result<Vec<_>>>()
    })?;
    Ok(totals.iter().sum::<f64>() / windows.len() as f64)
}

/// Writes on from `prompt` until the model ends the document, or `length` tokens. Temperature nought takes the likeliest.
fn sample(
    model: &Llama,
    tokenizer: &Tokenizer,
    prompt: &str,
    length: usize,
    temperature: f32,
    seed: u64,
) -> Result<String> {
    let encoding = tokenizer.encode_fast(prompt, true).map_err(|error| anyhow!("{error}"))?;
    let mut tokens = encoding.get_ids().to_vec();
    let mut rng = Rng::new(seed, u64::MAX);
    let room = model.config.max_position_embeddings.saturating_sub(tokens.len());
    for _ in 0..length.min(room) {
        let logits = model.forward(&tokens, 1)?;
        let row: Vec<f32> = logits.get(tokens.len() - 1)?.to_vec1()?;
        let likeliest = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(index, _)| index);
        let mut chosen = likeliest;
        if temperature > 0.0 {
            let top = row[likeliest];
            let weights: Vec<f32> = row.iter().map(|x| ((x - top) / temperature).exp()).collect();
            let mut left = rng.unit() * weights.iter().sum::<f32>();
            for (index, weight) in weights.iter().enumerate() {
                left -= weight;
                if left < 0.0 {
                    chosen = index;
                    break;
                }
            }
        }
        let chosen = u32::try_from(chosen)?;
        tokens.push(chosen);
        if chosen == model.config.eos_token_id {
            break;
        }
    }
    tokenizer.decode(&tokens, false).map_err(|error| anyhow!("{error}"))
}

/// The loss, smoothed over the last steps.
#[derive(Default)]
struct Recent(Vec<f32>);

impl Recent {
    fn add(&mut self, loss: f32) -> f64 {
        let window = 20;
        if self.0.len() == window {
            self.0.remove(0);
        }
        self.0.push(loss);
        self.0.iter().copied().map(f64::from).sum::<f64>() / self.0.len() as f64
    }
}

/// `loss.csv`: step, mean training loss of the last twenty steps, validation loss, learning rate, seconds.
struct LossLog {
    path: PathBuf,
    rows: Vec<plot::Row>,
}

const LOSS_HEADER: &str = "step,training_loss,validation_loss,learning_rate,seconds";

impl LossLog {
    /// Starts the log, or goes on with what it holds up to `step`.
    fn open(path: &Path, step: u64) -> Result<Self> {
        let mut rows = Vec::new();
        if step > 0 {
            let old = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            // A full disk may have cut the last line short, after the last save.
            let whole = old.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            let parsed = whole.skip(1).map(|line| {
                plot::Row::parse(line).with_context(|| format!("{} has a broken line: {line}", path.display()))
            });
            rows = parsed.collect::<Result<Vec<_>>>()?;
            rows.retain(|row| row.step <= step);
        }
        let log = Self { path: path.to_path_buf(), rows };
        log.save()?;
        Ok(log)
    }

    fn add(&mut self, step: u64, training: f64, validation: Option<f64>, rate: f64, seconds: f64) -> Result<()> {
        let row = plot::Row { step, training, validation, rate, seconds };
        let write = || writeln!(fs::OpenOptions::new().append(true).open(&self.path)?, "{row}");
        write().map_err(|error| anyhow!("cannot write {}: {error}", self.path.display()))?;
        self.rows.push(row);
        Ok(())
    }

    fn save(&self) -> Result<()> {
        let lines: String = self.rows.iter().map(|row| format!("{row}\n")).collect();
        save::write_file(&self.path, format!("{LOSS_HEADER}\n{lines}").as_bytes())
    }
}

/// Progress for people: a bar on a terminal, a line now and then elsewhere.
struct Say {
    bar: Option<ProgressBar>,
}

impl Say {
    fn new(steps: u64, done: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(steps).with_position(done);
            let style = "{bar:30} step {pos}/{len}, {eta} left, {msg}";
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.reset_eta();
            bar
        });
        Self { bar }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => out::note(text),
        }
    }

    fn step(&self, step: u64, loss: f64, norm: f64, rate: f64, speed: f64) {
        let message = format!("loss {loss:.4}, gradient {norm:.2}, rate {rate:.2e}, {speed:.0} tokens/s");
        match &self.bar {
            Some(bar) => {
                bar.set_position(step);
                bar.set_message(message);
            }
            None if step <= 3 || step.is_multiple_of(20) => out::note(format_args!("step {step}: {message}")),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
