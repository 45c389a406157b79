//! `model random` and `model bench`: how fast a model runs on this machine.

use crate::out;
use anyhow::Context;
use assay_engine::{
    manifest::LayerWeights,
    random::{self, Shape},
    verify, Generation, Model, PassMemory, Threads,
};
use assay_numerics::Kernels;
use serde_json::json;
use std::{hint::black_box, path::PathBuf, sync::Arc, time::Instant};

/// Make a model of random weights.
#[derive(Debug, Clone, clap::Args)]
pub struct RandomArgs {
    /// Its shape: smollm2-135m or tinyllama-1.1b
    #[arg(long, value_name = "SHAPE", value_parser = shape)]
    pub shape: Shape,
    /// Folder to write; must not exist or be empty
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// How the matrices of its layers are stored: w16, w8 or w4
    #[arg(long, default_value = LayerWeights::W8.name())]
    pub weights: LayerWeights,
    /// Seed of the weights
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct BenchArgs {
    /// Folder of the artefact
    #[arg(required_unless_present = "list_isas")]
    pub folder: Option<PathBuf>,
    /// Tokens of each prompt
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub prompt: u32,
    /// Tokens to generate for each prompt
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub generate: u32,
    /// Sequences that are generated together
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub batch: u32,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Only list the instruction sets that this machine has, the fastest first
    #[arg(long)]
    pub list_isas: bool,
}

fn shape(name: &str) -> Result<Shape, String> {
    let names: Vec<_> = Shape::ALL.into_iter().map(Shape::name).collect();
    Shape::ALL
        .into_iter()
        .find(|shape| shape.name() == name)
        .ok_or_else(|| format!("no such shape; there are {}", names.join(" and ")))
}

/// Makes a model of random weights and prints its content id.
///
/// # Errors
/// Why it cannot be written, in one line.
pub fn random(args: RandomArgs) -> anyhow::Result<()> {
    let bar = super::artefact::bar("drawing weights");
    let artefact = random::artefact(args.shape, args.weights, args.seed, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    artefact.write(&args.to)?;
    Ok(out::result(artefact.manifest.cid())?)
}

/// Measures and prints.
///
/// # Errors
/// Why it cannot be measured, in one line.
pub fn run(args: BenchArgs, threads: &Arc<Threads>) -> anyhow::Result<()> {
    if args.list_isas {
        return Ok(Kernels::available().try_for_each(|kernels| out::result(kernels.isa()))?);
    }
    let folder = args.folder.context("which model? name its folder")?;
    let begin = Instant::now();
    let model = Model::load(&folder, threads).with_context(|| format!("loading {}", folder.display()))?;
    let load = begin.elapsed();
    let mut generations = (0..args.batch)
        .map(|sequence| {
            // Any tokens do; small ones are in every vocabulary.
            let prompt = (0..args.prompt).map(|i| 3 + (i * 7 + sequence * 11) % 50).collect();
            model.begin_endless(prompt, args.generate as usize, [sequence as u8; 32])
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut memory = PassMemory::default();
    let mut advance = |generations: &mut Vec<Generation>, tokens: usize| {
        let begin = Instant::now();
        loop {
            // Who has its tokens waits: reading prompts and generating are timed apart.
            let behind = |generation: &&mut Generation| !generation.is_done() && generation.generated() < tokens;
            let mut active: Vec<_> = generations.iter_mut().filter(behind).collect();
            if active.is_empty() {
                break;
            }
            model.advance(&mut active, &mut memory);
        }
        begin.elapsed()
    };
    let prefill = advance(&mut generations, 1);
    let before: usize = generations.iter().map(Generation::generated).sum();
    let decode = advance(&mut generations, args.generate as usize);
    let after: usize = generations.iter().map(Generation::generated).sum();
    let cache: usize = generations.iter().map(Generation::cache_bytes).sum();
    let first = generations.swap_remove(0);
    let begin = Instant::now();
    let report = verify::replay_generation(&model, &first)?;
    let replay = begin.elapsed();
    anyhow::ensure!(report.correct, "the replay found {:?} at {:?}", report.fault, report.position);
    let peak = peak_memory();
    let weights = model.manifest().weights.bytes;
    let stream = stream(threads);
    if args.json {
        let result = json!({
            "isa": threads.kernels().isa().name(), "threads": threads.count(), "load_seconds": load.as_secs_f64(),
            "prefill_seconds": prefill.as_secs_f64(), "prefill_tokens": args.prompt * args.batch,
            "decode_seconds": decode.as_secs_f64(), "decode_tokens": after - before,
            "replay_seconds": replay.as_secs_f64(), "replay_tokens": report.checked,
            "peak_rss_bytes": peak, "weights_bytes": weights, "kv_bytes": cache, "stream_bytes_per_second": stream,
        });
        return Ok(out::result(result)?);
    }
    let rate = |tokens: usize, time: std::time::Duration| tokens as f64 / time.as_secs_f64();
    out::result(format_args!("instructions  {}, {} threads", threads.kernels().isa(), threads.count()))?;
    out::result(format_args!("load          {load:.2?}, {weights} bytes"))?;
    out::result(format_args!("prompts       {:.1} tokens/s", rate((args.prompt * args.batch) as usize, prefill)))?;
    out::result(format_args!("generation    {:.1} tokens/s", rate(after - before, decode)))?;
    out::result(format_args!("replay        {:.1} tokens/s", rate(report.checked, replay)))?;
    out::result(format_args!("memory        {} MiB at most", peak.unwrap_or(0) >> 20))?;
    out::result(format_args!("stream        {:.1} GB/s", stream / 1e9))?;
    Ok(())
}

/// Most memory that this process had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Bytes per second that all threads together read from memory: the best of five runs over half a gibibyte, each thread
/// in four places at once, because a processor reads ahead in each of them.
fn stream(threads: &Threads) -> f64 {
    let memory = vec![1u64; 1 << 26];
    let share = memory.len() / threads.count().max(1);
    let mut best = f64::MAX;
    for _ in 0..5 {
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for part in memory.chunks(share.max(1)) {
                scope.spawn(move || {
                    let mut quarters = part.chunks_exact((part.len() / 4).max(1));
                    let mut next = || quarters.next().unwrap_or_default().chunks_exact(8);
                    let blocks = next().zip(next()).zip(next()).zip(next());
                    let mut sums = [[0u64; 8]; 4];
                    for (((a, b), c), d) in blocks {
                        for (sums, block) in sums.iter_mut().zip([a, b, c, d]) {
                            for (sum, x) in sums.iter_mut().zip(block) {
                                *sum = sum.wrapping_add(*x);
                            }
                        }
                    }
                    black_box(sums);
                });
            }
        });
        best = best.min(begin.elapsed().as_secs_f64());
    }
    (memory.len() * 8) as f64 / best
}
