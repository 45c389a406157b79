//! The candle side of scripts/bench: loads a GGUF file once, times one prompt and one answer, prints one JSON object.
//!
//! candle computes with as many threads as `RAYON_NUM_THREADS` says.

use anyhow::{ensure, Context, Result};
use candle_core::{quantized::gguf_file::Content, Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use clap::Parser;
use serde_json::json;
use std::{fs::File, io::BufReader, path::PathBuf, time::Instant};

/// Measures candle's quantised Llama.
#[derive(Debug, Parser)]
struct Args {
    /// GGUF file of a Llama
    file: PathBuf,
    /// Tokens that are read, in each sequence
    #[arg(long)]
    prompt: u32,
    /// Tokens that follow, in each sequence
    #[arg(long)]
    generate: u32,
    /// Sequences together; candle's model fails on more than one prompt at a time
    #[arg(long, default_value_t = 1)]
    batch: u32,
}

fn main() -> Result<()> {
    let Args { file, prompt, generate, batch } = Args::parse();
    let begin = Instant::now();
    let mut reader = BufReader::new(File::open(&file).with_context(|| format!("opening {}", file.display()))?);
    let content = Content::read(&mut reader)?;
    let weights: usize = content
        .tensor_infos
        .values()
        .map(|tensor| tensor.shape.elem_count() / tensor.ggml_dtype.block_size() * tensor.ggml_dtype.type_size())
        .sum();
    let mut model = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu)?;
    let load = begin.elapsed();

    // What comes next is known beforehand, as it is on the other sides; any tokens do.
    let tokens = |first: u32, count: u32| {
        let all = (0..batch).flat_map(|row| (first..first + count).map(move |i| 3 + (i * 7 + row * 11) % 250));
        Tensor::from_iter(all.collect::<Vec<_>>(), &Device::Cpu)?.reshape((batch as usize, count as usize))
    };
    let mut pass = |first: u32, count: u32| -> Result<()> {
        let logits = model.forward(&tokens(first, count)?, first as usize)?;
        let last = logits.flatten_all()?.to_vec1::<f32>()?.last().copied();
        ensure!(last.is_some_and(f32::is_finite), "the logits are not finite");
        Ok(())
    };
    // The first pass brings in what is made on first use. A pass at position 0 begins anew.
    pass(0, prompt)?;
    let begin = Instant::now();
    pass(0, prompt)?;
    let prefill = begin.elapsed();
    let begin = Instant::now();
    for position in prompt..prompt + generate {
        pass(position, 1)?;
    }
    let decode = begin.elapsed();
    let result = json!({
        "threads": candle_core::utils::get_num_threads(), "load_seconds": load.as_secs_f64(),
        "prefill_seconds": prefill.as_secs_f64(), "prefill_tokens": prompt * batch,
        "decode_seconds": decode.as_secs_f64(), "decode_tokens": generate * batch,
        "peak_rss_bytes": peak_memory(), "weights_bytes": weights,
    });
    println!("{result}");
    Ok(())
}

/// Most memory that this process had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
