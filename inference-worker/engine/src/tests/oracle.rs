//! Float models in candle, from the source weights: what quantisation may change, and nothing more.

use super::fixture;
use crate::{
    import::{self, Artefact, Options},
    manifest::{self, Architecture},
};
use assay_types::inference::{Output, Parameters};
use candle_core::{DType, Device, Result, Tensor, D};
use candle_nn::ops::{silu, softmax_last_dim};
use codec::{Decode, Encode};
use std::{collections::HashMap, ops::ControlFlow, path::Path};

pub type Weights = HashMap<String, Tensor>;

pub fn weights(folder: &Path) -> Weights {
    candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap()
}

fn project(weights: &Weights, name: &str, x: &Tensor) -> Result<Tensor> {
    let y = x.matmul(&weights[&format!("{name}.weight")].t()?)?;
    match weights.get(&format!("{name}.bias")) {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}

/// (positions, heads * dim) to (heads, positions, dim).
fn split(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (positions, width) = x.dims2()?;
    x.reshape((positions, heads, width / heads))?.transpose(0, 1)?.contiguous()
}

fn attend(query: &Tensor, key: &Tensor, value: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    let (heads, positions, dim) = query.dims3()?;
    let mut scores = (query.matmul(&key.t()?)? / (dim as f64).sqrt())?;
    if let Some(mask) = mask {
        scores = scores.broadcast_add(mask)?;
    }
    softmax_last_dim(&scores)?.matmul(value)?.transpose(0, 1)?.reshape((positions, heads * dim))
}

fn rms(x: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean + epsilon)?.sqrt()?)?.broadcast_mul(weight)
}

fn layer_norm(weights: &Weights, name: &str, x: &Tensor, epsilon: f64) -> Result<Tensor> {
    let d = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = d.sqr()?.mean_keepdim(D::Minus1)?;
    d.broadcast_div(&(variance + epsilon)?.sqrt()?)?
        .broadcast_mul(&weights[&format!("{name}.weight")])?
        .broadcast_add(&weights[&format!("{name}.bias")])
}

fn rotate(x: &Tensor, shape: &manifest::Llama) -> Result<Tensor> {
    let (_, positions, dim) = x.dims3()?;
    let half = dim / 2;
    let (base, scaling) = (shape.rope_base.value().unwrap(), shape.frequency_scaling().unwrap());
    let angles: Vec<f64> = (0..positions)
        .flat_map(|p| (0..half).map(move |i| p as f64 * scaling.apply(base.powf(-2.0 * i as f64 / dim as f64))))
        .collect();
    let table = |f: fn(f64) -> f64| {
        Tensor::from_vec(angles.iter().map(|a| f(*a) as f32).collect::<Vec<_>>(), (positions, half), &Device::Cpu)
    };
    let (cos, sin) = (table(f64::cos)?, table(f64::sin)?);
    let (a, b) = (x.narrow(2, 0, half)?, x.narrow(2, half, half)?);
    let first = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
    let second = (b.broadcast_mul(&cos)? + a.broadcast_mul(&sin)?)?;
    Tensor::cat(&[first, second], 2)
}

/// Heads of queries or keys, normalised where the architecture does that, and rotated.
fn rotated(weights: &Weights, name: &str, x: &Tensor, heads: usize, shape: &manifest::Llama) -> Result<Tensor> {
    let mut y = split(&project(weights, &format!("{name}_proj"), x)?, heads)?;
    if shape.qk_norm {
        y = rms(&y, &weights[&format!("{name}_norm.weight")], shape.norm_epsilon.value().unwrap())?;
    }
    rotate(&y, shape)
}

/// Logits of every position of a decoder.
pub fn llama(weights: &Weights, tokens: &[u32], shape: &manifest::Llama) -> Result<Vec<Vec<f32>>> {
    let epsilon = shape.norm_epsilon.value().unwrap();
    let ids = Tensor::new(tokens, &Device::Cpu)?;
    let embeddings = &weights["model.embed_tokens.weight"];
    let mut x = embeddings.index_select(&ids, 0)?;
    let count = tokens.len();
    let window = shape.sliding_window.unwrap_or(count);
    let sees = |query: usize, key: usize| key <= query && query - key < window;
    let mask: Vec<f32> =
        (0..count * count).map(|i| if sees(i / count, i % count) { 0.0 } else { f32::NEG_INFINITY }).collect();
    let mask = Tensor::from_vec(mask, (count, count), &Device::Cpu)?;
    let shared: Vec<u32> = (0..shape.heads).map(|head| (head / (shape.heads / shape.kv_heads)) as u32).collect();
    let shared = Tensor::new(shared, &Device::Cpu)?;
    for layer in 0..shape.layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let h = rms(&x, &weights[&name("input_layernorm.weight")], epsilon)?;
        let query = rotated(weights, &name("self_attn.q"), &h, shape.heads, shape)?;
        let key = rotated(weights, &name("self_attn.k"), &h, shape.kv_heads, shape)?;
        let value = split(&project(weights, &name("self_attn.v_proj"), &h)?, shape.kv_heads)?;
        let (key, value) = (key.index_select(&shared, 0)?, value.index_select(&shared, 0)?);
        let attended = attend(&query, &key, &value, Some(&mask))?;
        x = (x + project(weights, &name("self_attn.o_proj"), &attended)?)?;
        let h = rms(&x, &weights[&name("post_attention_layernorm.weight")], epsilon)?;
        let gate = silu(&project(weights, &name("mlp.gate_proj"), &h)?)?;
        let wide = (gate * project(weights, &name("mlp.up_proj"), &h)?)?;
        x = (x + project(weights, &name("mlp.down_proj"), &wide)?)?;
    }
    let head = weights.get("lm_head.weight").unwrap_or(embeddings);
    rms(&x, &weights["model.norm.weight"], epsilon)?.matmul(&head.t()?)?.to_vec2()
}

/// The unit mean vector of an encoder.
fn bert(weights: &Weights, tokens: &[u32], layers: usize, heads: usize) -> Result<Vec<f32>> {
    let ids = Tensor::new(tokens, &Device::Cpu)?;
    let words = weights["embeddings.word_embeddings.weight"].index_select(&ids, 0)?;
    let places = weights["embeddings.position_embeddings.weight"].narrow(0, 0, tokens.len())?;
    let kind = weights["embeddings.token_type_embeddings.weight"].narrow(0, 0, 1)?;
    let x = (words.broadcast_add(&kind)? + places)?;
    let mut x = layer_norm(weights, "embeddings.LayerNorm", &x, 1e-12)?;
    for layer in 0..layers {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let heads_of = |part: &str| split(&project(weights, &name(part), &x)?, heads);
        let attended = attend(
            &heads_of("attention.self.query")?,
            &heads_of("attention.self.key")?,
            &heads_of("attention.self.value")?,
            None,
        )?;
        let y = (project(weights, &name("attention.output.dense"), &attended)? + &x)?;
        let y = layer_norm(weights, &name("attention.output.LayerNorm"), &y, 1e-12)?;
        let wide = project(weights, &name("intermediate.dense"), &y)?.gelu_erf()?;
        let z = (project(weights, &name("output.dense"), &wide)? + &y)?;
        x = layer_norm(weights, &name("output.LayerNorm"), &z, 1e-12)?;
    }
    let mean = x.mean(0)?;
    let length = mean.sqr()?.sum_all()?.sqrt()?;
    mean.broadcast_div(&length)?.to_dtype(DType::F32)?.to_vec1()
}

pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Tolerance: the cosine of every logits row with the float model's is above 0.998; with layers of four bits their mean
/// is above 0.9. Random weights are the hard case: nothing in them was trained to bear rounding.
#[test]
fn the_decoder_is_close_to_a_float_model() {
    let folder = fixture::llama_folder(3);
    let (_, worst) = cosines(folder.path(), &fixture::artefact(folder.path()));
    assert!(worst > 0.998, "{worst}");
    let (mean, worst) = cosines(folder.path(), &fixture::artefact_w4(folder.path()));
    assert!(mean > 0.9 && worst < 0.998, "{mean} {worst}");
}

/// The cosines of the logits rows with those of the float model in `folder`: their mean and the smallest.
fn cosines(folder: &Path, artefact: &Artefact) -> (f64, f64) {
    let network = fixture::network(artefact);
    let tokens: Vec<u32> = (0..100).map(|i| (i * 11 + 5) % fixture::VOCABULARY as u32).collect();
    let Architecture::Llama(shape) = &artefact.manifest.architecture else { panic!() };
    let expected = llama(&weights(folder), &tokens, shape).unwrap();
    let rows = fixture::read(&network, &mut network.cache(tokens.len()), &tokens);
    let cosines: Vec<f64> = rows
        .chunks_exact(network.width())
        .zip(&expected)
        .map(|(row, expected)| cosine(&fixture::logits(&network, row), expected))
        .collect();
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    (mean, cosines.into_iter().fold(1.0, f64::min))
}

/// Tolerance: cosine above 0.999.
#[test]
fn the_encoder_is_close_to_a_float_model() {
    let folder = fixture::bert_folder();
    let model = fixture::bert();
    let expected = bert(&weights(folder.path()), &model.encode("w3 w9 w40 w12", true).unwrap(), 2, 3).unwrap();
    let cosine = cosine(&embed(&model, "w3 w9 w40 w12"), &expected);
    assert!(cosine > 0.999, "{cosine}");
}

fn embed(model: &crate::Model, text: &str) -> Vec<f32> {
    let answer = model
        .run(text.as_bytes(), &Parameters::Embedding.encode(), [0; 32], &mut |_| ControlFlow::Continue(()))
        .unwrap();
    match Output::decode(&mut &answer.output[..]).unwrap() {
        Output::Embedding(output) => output.values(),
        Output::Text(_) => panic!("not a vector"),
    }
}

/// The real all-MiniLM-L6-v2 and its floats, where set-up has put it.
fn minilm() -> Option<(crate::Model, Weights)> {
    let folder = fixture::cache().join("sources").join("all-minilm-l6-v2");
    if !folder.join("model.safetensors").exists() {
        eprintln!("skipped: scripts/setup has not installed the model at {}", folder.display());
        return None;
    }
    let options = Options::new("all-MiniLM-L6-v2", "Apache-2.0", "");
    let model = import::read(&folder, &options, &mut |_, _| {}).unwrap().load(&fixture::threads()).unwrap();
    Some((model, weights(&folder)))
}

/// Half of these sentences are this project's own, of its documents, half are verses of the King James Bible.
pub const SENTENCES: &str = include_str!("sentences.txt");

/// Tolerance: cosine with the float model above 0.999 for every sentence.
#[test]
fn minilm_is_close_to_its_float_model_on_200_sentences() {
    let Some((model, weights)) = minilm() else { return };
    let cosines: Vec<(f64, &str)> = SENTENCES
        .lines()
        .map(|sentence| {
            let expected = bert(&weights, &model.encode(sentence, true).unwrap(), 6, 12).unwrap();
            (cosine(&embed(&model, sentence), &expected), sentence)
        })
        .collect();
    assert_eq!(cosines.len(), 200);
    let mean = cosines.iter().map(|(cosine, _)| cosine).sum::<f64>() / 200.0;
    let (worst, sentence) = cosines.iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    println!("cosine over 200 sentences: mean {mean:.6}, at least {worst:.6}");
    assert!(*worst > 0.999, "{worst} for '{sentence}'");
}

/// Tolerance: cosine with the float model above 0.999.
#[test]
fn minilm_is_close_to_its_float_model_on_unusual_texts() {
    let Some((model, weights)) = minilm() else { return };
    let long = "The quick brown fox jumps over the lazy dog, and then it does so again. ".repeat(20);
    let sentences = [
        "This is an example sentence",
        "Each sentence is converted",
        "A man is eating food.",
        "How many people live in Berlin?",
        "",
        "fn main() { println!(\"hello\"); } // émigré 中文",
        long.as_str(),
    ];
    let mut vectors = Vec::new();
    for sentence in sentences {
        let expected = bert(&weights, &model.encode(sentence, true).unwrap(), 6, 12).unwrap();
        let vector = embed(&model, sentence);
        let cosine = cosine(&vector, &expected);
        assert!(cosine > 0.999, "{cosine} for '{sentence}'");
        vectors.push(vector);
    }
    // The published vector of the first sentence begins so.
    for (x, published) in vectors[0].iter().zip([0.0676569, 0.0634959, 0.0487130, 0.0793049]) {
        assert!((x - published).abs() < 0.005, "{x} {published}");
    }
}

/// Nats for each token after the first, from the logits after each token.
fn loss(logits: &[Vec<f32>], tokens: &[u32]) -> f64 {
    let of = |(row, token): (&Vec<f32>, &u32)| {
        let largest = row.iter().fold(f32::MIN, |largest, x| largest.max(*x));
        let sum: f64 = row.iter().map(|x| f64::from(*x - largest).exp()).sum();
        sum.ln() - f64::from(row[*token as usize] - largest)
    };
    logits.iter().zip(&tokens[1..]).map(of).sum()
}

/// The shipped text model against the floats that it was made of, on the paragraphs that training did not see: the
/// perplexity is within 1 %. The floats are no part of the repository: `ASSAY_FLOAT_MODEL` names the folder that the
/// recipe of docs/model-card.md gave, `ASSAY_CORPUS` the file that scripts/corpus.sh wrote.
#[test]
fn the_shipped_model_has_the_perplexity_of_its_floats() {
    let file = |name| std::env::var_os(name).map(std::path::PathBuf::from);
    let (Some(folder), Some(corpus)) = (file("ASSAY_FLOAT_MODEL"), file("ASSAY_CORPUS")) else {
        eprintln!("skipped: ASSAY_FLOAT_MODEL and ASSAY_CORPUS do not name the floats and the text");
        return;
    };
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/assay-kjv");
    let shipped = crate::Model::load(&shipped, &fixture::threads()).unwrap();
    let made = fixture::artefact(&folder);
    assert_eq!(made.manifest.weights, shipped.manifest().weights, "these floats are not the shipped model's");
    let packed = fixture::artefact_w4(&folder).load(&fixture::threads()).unwrap();
    let Architecture::Llama(shape) = &made.manifest.architecture else { panic!("not a decoder") };
    let weights = weights(&folder);
    let text = std::fs::read_to_string(corpus).unwrap();
    let mut losses = [0.0; 3];
    let mut count = 0;
    // Every fiftieth paragraph was held out.
    for paragraph in text.split("\n\n").skip(49).step_by(50) {
        let mut tokens = vec![0];
        tokens.extend(shipped.encode(paragraph.trim(), false).unwrap());
        tokens.push(1);
        let rows = |model: &crate::Model| -> Vec<Vec<f32>> {
            model.logits(&tokens, tokens.len()).unwrap().chunks_exact(shape.vocab_size).map(<[f32]>::to_vec).collect()
        };
        let found = [llama(&weights, &tokens, shape).unwrap(), rows(&shipped), rows(&packed)];
        losses.iter_mut().zip(&found).for_each(|(sum, rows)| *sum += loss(rows, &tokens));
        count += tokens.len() - 1;
    }
    let [float, w8, w4] = losses.map(|sum| (sum / count as f64).exp());
    println!(
        "perplexity over {count} tokens: {float:.4} in floats, {w8:.4} as shipped, {w4:.4} with layers of four bits"
    );
    assert!((w8 / float - 1.0).abs() < 0.01, "{w8} as shipped, {float} in floats");
    assert!(w4 / float < 1.02, "{w4} with layers of four bits, {float} in floats");
}
