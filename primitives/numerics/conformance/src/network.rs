//! Whole networks of nothing but the operations: the rows after each layer, logits and answers, as hashes.
//!
//! This is another way from `docs/numerics.md` to what the engine computes: one thread, one sequence, and no files but
//! those of the text model that this project ships. So it goes wherever the operations go.

use crate::{
    golden::{hash_floats, hex},
    Numbers,
};
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use assay_numerics::{
    attention::{self, attend, Heads, Mask, Scratch},
    functions, half, norm, rope, Columns, ColumnsMut, Error, Format, Kernels, Matrix, Precision, Rows, Sampler,
    Sampling, Trace,
};
use core::ops::Range;
use serde_json::{Map, Value};

/// The shipped text model.
const MANIFEST: &str = include_str!("../../../../inference-worker/models/assay-kjv/manifest.json");
const WEIGHTS: &[u8] = include_bytes!("../../../../inference-worker/models/assay-kjv/weights.safetensors");
/// Its name in the golden file.
const SHIPPED: &str = "assay-kjv";

/// How the golden answers are drawn.
const SAMPLING: Sampling =
    Sampling { temperature_milli: 700, top_k: 40, top_p_milli: 950, repetition_penalty_milli: 1_100 };
const SEED: [u8; 32] = [42; 32];

/// Sizes and constants of a decoder with a tied head. Its rows are A8, but A16 for the down-projection and the head.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    wide: usize,
    layers: usize,
    heads: usize,
    key_heads: usize,
    dim: usize,
    context: usize,
    epsilon: f32,
    base: f64,
}

impl Shape {
    /// What a manifest says.
    fn read(manifest: &Value) -> Option<Self> {
        let architecture = &manifest["architecture"];
        let size = |name: &str| usize::try_from(architecture[name].as_u64()?).ok();
        let decimal = |name: &str| architecture[name].as_str()?.parse::<f64>().ok();
        Some(Self {
            width: size("hidden_size")?,
            wide: size("intermediate_size")?,
            layers: size("layers")?,
            heads: size("heads")?,
            key_heads: size("kv_heads")?,
            dim: size("head_dim")?,
            context: size("max_context")?,
            epsilon: decimal("norm_epsilon")? as f32,
            base: decimal("rope_base")?,
        })
    }
}

/// The small decoder.
const SMALL: Shape = Shape {
    width: 48,
    wide: 104,
    layers: 3,
    heads: 4,
    key_heads: 2,
    dim: 12,
    context: 256,
    epsilon: 1e-5,
    base: 10_000.0,
};
/// Tokens of the small networks, and the one that ends their texts.
const VOCABULARY: usize = 64;
const END: u32 = 2;
/// "w7 w8 w9" with the token that begins every text.
const PROMPT: [u32; 4] = [1, 7, 8, 9];

/// The tensors of a network, by name.
#[derive(Default)]
struct Tensors {
    matrices: BTreeMap<String, Matrix>,
    vectors: BTreeMap<String, Vec<f32>>,
}

impl Tensors {
    /// Those of a weights file whose matrices are all W8; none if the file is not one.
    fn read(file: &[u8]) -> Option<Self> {
        let (length, rest) = file.split_first_chunk()?;
        let (header, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let header: Map<String, Value> = serde_json::from_slice(header).ok()?;
        let mut tensors = Self::default();
        for (name, entry) in header.iter().filter(|(name, _)| !name.ends_with(".scale")) {
            let bytes = data.get(place(entry)?)?;
            match header.get(&format!("{name}.scale")) {
                Some(scales) => {
                    let scales = floats(data.get(place(scales)?)?);
                    let columns = bytes.len().checked_div(scales.len())?;
                    let values = bytes.iter().map(|byte| byte.cast_signed()).collect();
                    tensors.matrices.insert(name.clone(), Matrix::new(columns, values, scales).ok()?);
                }
                None => {
                    tensors.vectors.insert(name.clone(), floats(bytes));
                }
            }
        }
        Some(tensors)
    }

    /// Adds a tensor of the small networks. Its generator begins with the sum of its name's bytes times 2^32; a norm's
    /// weights are about 1, and those of a matrix, unless it is an embedding, have the variance 1 / columns.
    fn draw(&mut self, name: String, shape: &[usize], format: Format) -> Result<(), Error> {
        let state = name.bytes().map(u64::from).sum::<u64>() << 32;
        let mut values = Numbers(state).vector(shape.iter().product());
        if let [_, columns] = *shape {
            if !name.contains("embed") {
                let factor = functions::sqrt(12.0 / columns as f32);
                values.iter_mut().for_each(|x| *x *= factor);
            }
            let matrix = match format {
                Format::W16 => Matrix::quantise_w16(columns, &values),
                Format::W8 => Matrix::quantise(columns, &values),
                Format::W4 => Matrix::quantise_w4(columns, &values),
            };
            self.matrices.insert(name, matrix?);
        } else {
            if name.to_lowercase().contains("norm.weight") {
                values.iter_mut().for_each(|x| *x += 1.0);
            }
            self.vectors.insert(name, values);
        }
        Ok(())
    }

    fn matrix(&self, name: &str) -> Result<&Matrix, Error> {
        self.matrices.get(&format!("{name}.weight")).ok_or(Error::Shape("the tensors of a network"))
    }

    fn vector(&self, name: &str) -> Result<&[f32], Error> {
        self.vectors.get(name).map(Vec::as_slice).ok_or(Error::Shape("the tensors of a network"))
    }

    /// Rows times a matrix, and its bias where there is one.
    fn product(&self, kernels: Kernels, name: &str, rows: &Rows) -> Result<Vec<f32>, Error> {
        let matrix = self.matrix(name)?;
        let bias = self.vectors.get(&format!("{name}.bias")).map(Vec::as_slice);
        let mut out = vec![0.0; rows.count() * matrix.rows()];
        matrix.multiply(kernels, rows, bias, 0, ColumnsMut::new(&mut out, matrix.rows()))?;
        Ok(out)
    }

    /// Floats, quantised in rows of the matrix's width, times a matrix.
    fn quantised(&self, kernels: Kernels, name: &str, x: &[f32], precision: Precision) -> Result<Vec<f32>, Error> {
        let rows = Rows::quantise(kernels, x, self.matrix(name)?.columns(), precision)?;
        self.product(kernels, name, &rows)
    }

    /// RMSNorm of each row.
    fn rms(&self, kernels: Kernels, name: &str, x: &[f32], epsilon: f32) -> Result<Vec<f32>, Error> {
        let weight = self.vector(&format!("{name}.weight"))?;
        let mut out = vec![0.0; x.len()];
        for (x, out) in x.chunks_exact(weight.len()).zip(out.chunks_exact_mut(weight.len())) {
            norm::rms(kernels, x, weight, epsilon, out)?;
        }
        Ok(out)
    }

    /// LayerNorm of each row.
    fn layer_norm(&self, kernels: Kernels, name: &str, x: &[f32], epsilon: f32) -> Result<Vec<f32>, Error> {
        let (weight, bias) = (self.vector(&format!("{name}.weight"))?, self.vector(&format!("{name}.bias"))?);
        let mut out = vec![0.0; x.len()];
        for (x, out) in x.chunks_exact(weight.len()).zip(out.chunks_exact_mut(weight.len())) {
            norm::layer(kernels, x, weight, bias, epsilon, out)?;
        }
        Ok(out)
    }

    /// Writes a row of a matrix as floats.
    fn embed(&self, name: &str, row: usize, out: &mut [f32]) -> Result<(), Error> {
        if self.matrix(name)?.read_row(row, out) {
            Ok(())
        } else {
            Err(Error::Shape("the vocabulary"))
        }
    }
}

/// Where a weights file has a tensor, counted from the end of its header.
fn place(entry: &Value) -> Option<Range<usize>> {
    let offset = |index: usize| usize::try_from(entry["data_offsets"][index].as_u64()?).ok();
    Some(offset(0)?..offset(1)?)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += *y;
    }
}

fn columns(x: &[f32], stride: usize, first: usize, count: usize) -> Result<Columns<'_>, Error> {
    Columns::new(x, stride, first, count).ok_or(Error::Shape("attention"))
}

/// Rounds rows to half precision, behind those that are held.
fn remember(kernels: Kernels, rows: Columns<'_>, held: &mut Vec<u16>) -> Result<(), Error> {
    for row in 0..rows.rows() {
        let begin = held.len();
        held.resize(begin + rows.columns(), 0);
        half::all_to_bits(kernels, rows.row(row), &mut held[begin..])?;
    }
    Ok(())
}

/// A decoder and what it has read.
struct Decoder<'a> {
    kernels: Kernels,
    shape: Shape,
    tensors: &'a Tensors,
    table: rope::Table,
    /// For each layer and head of keys, the keys and the values of the positions read.
    caches: Vec<(Vec<u16>, Vec<u16>)>,
    position: usize,
}

impl<'a> Decoder<'a> {
    fn new(kernels: Kernels, shape: Shape, tensors: &'a Tensors) -> Self {
        Self {
            kernels,
            shape,
            tensors,
            table: rope::Table::new(shape.context, shape.dim, shape.base, &rope::Scaling::None),
            caches: vec![(Vec::new(), Vec::new()); shape.layers * shape.key_heads],
            position: 0,
        }
    }

    /// The rows after each layer, of tokens that stand after those read before.
    fn read(&mut self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, Error> {
        let (kernels, tensors) = (self.kernels, self.tensors);
        let Shape { width, epsilon, .. } = self.shape;
        let mut x = vec![0.0; tokens.len() * width];
        for (token, x) in tokens.iter().zip(x.chunks_exact_mut(width)) {
            tensors.embed("model.embed_tokens", *token as usize, x)?;
        }
        let mut layers = Vec::new();
        for layer in 0..self.shape.layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}");
            let normed = tensors.rms(kernels, &name("input_layernorm"), &x, epsilon)?;
            let rows = Rows::quantise(kernels, &normed, width, Precision::A8)?;
            let queries = tensors.product(kernels, &name("self_attn.q_proj"), &rows)?;
            let keys = tensors.product(kernels, &name("self_attn.k_proj"), &rows)?;
            let values = tensors.product(kernels, &name("self_attn.v_proj"), &rows)?;
            let attended = self.attend(layer, queries, keys, &values)?;
            add(&mut x, &tensors.quantised(kernels, &name("self_attn.o_proj"), &attended, Precision::A8)?);

            let normed = tensors.rms(kernels, &name("post_attention_layernorm"), &x, epsilon)?;
            let rows = Rows::quantise(kernels, &normed, width, Precision::A8)?;
            let mut gate = tensors.product(kernels, &name("mlp.gate_proj"), &rows)?;
            let up = tensors.product(kernels, &name("mlp.up_proj"), &rows)?;
            functions::silu_times(kernels, &mut gate, &up);
            add(&mut x, &tensors.quantised(kernels, &name("mlp.down_proj"), &gate, Precision::A16)?);
            layers.push(x.clone());
        }
        self.position += tokens.len();
        Ok(layers)
    }

    /// Rotates queries and keys, remembers keys and values, and attends.
    fn attend(
        &mut self,
        layer: usize,
        mut queries: Vec<f32>,
        mut keys: Vec<f32>,
        values: &[f32],
    ) -> Result<Vec<f32>, Error> {
        let Shape { heads, key_heads, dim, .. } = self.shape;
        let (width, key_width) = (heads * dim, key_heads * dim);
        self.rotate(&mut queries, width)?;
        self.rotate(&mut keys, key_width)?;
        let group = width / key_heads;
        let mut out = vec![0.0; queries.len()];
        let mut rest = ColumnsMut::new(&mut out, width);
        for head in 0..key_heads {
            let (block, others) = rest.split_at(group);
            rest = others;
            let (held_keys, held_values) = &mut self.caches[layer * key_heads + head];
            remember(self.kernels, columns(&keys, key_width, head * dim, dim)?, held_keys)?;
            remember(self.kernels, columns(values, key_width, head * dim, dim)?, held_values)?;
            let heads = Heads {
                queries: columns(&queries, width, head * group, group)?,
                dim,
                keys: held_keys,
                values: held_values,
                scale: attention::scale(dim),
                mask: Mask::Causal { first: self.position, window: None },
            };
            attend(self.kernels, &heads, &mut Scratch::default(), block)?;
        }
        Ok(out)
    }

    fn rotate(&self, x: &mut [f32], width: usize) -> Result<(), Error> {
        for (row, x) in x.chunks_exact_mut(width).enumerate() {
            for head in x.chunks_exact_mut(self.shape.dim) {
                if !self.table.rotate(self.position + row, head) {
                    return Err(Error::Shape("the rotary table"));
                }
            }
        }
        Ok(())
    }

    /// The logits of each row.
    fn logits(&self, x: &[f32]) -> Result<Vec<f32>, Error> {
        let normed = self.tensors.rms(self.kernels, "model.norm", x, self.shape.epsilon)?;
        self.tensors.quantised(self.kernels, "model.embed_tokens", &normed, Precision::A16)
    }

    /// The trace of the answer to `prompt`: tokens up to `end`, at most `most`.
    fn answer(&mut self, prompt: &[u32], end: u32, most: usize) -> Result<String, Error> {
        let mut sampler = Sampler::new(SAMPLING)?;
        let mut trace = Trace::new();
        let mut tokens = prompt.to_vec();
        for _ in 0..most {
            let layers = self.read(&tokens[self.position..])?;
            let rows = layers.last().ok_or(Error::Shape("a network without layers"))?;
            let logits = self.logits(&rows[rows.len() - self.shape.width..])?;
            trace.row(&logits);
            tokens.push(sampler.sample(&logits, &tokens, &SEED, tokens.len() as u32)?);
            if tokens.last() == Some(&end) {
                break;
            }
        }
        Ok(hex(&trace.finish()))
    }
}

/// The small decoder with layers in `format`.
fn decoder(format: Format) -> Result<Tensors, Error> {
    let Shape { width, wide, key_heads, dim, layers, .. } = SMALL;
    let mut tensors = Tensors::default();
    tensors.draw("model.embed_tokens.weight".into(), &[VOCABULARY, width], Format::W8)?;
    tensors.draw("model.norm.weight".into(), &[width], format)?;
    for layer in 0..layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        for (part, outputs, inputs) in [
            ("self_attn.q_proj", width, width),
            ("self_attn.k_proj", key_heads * dim, width),
            ("self_attn.v_proj", key_heads * dim, width),
            ("self_attn.o_proj", width, width),
            ("mlp.gate_proj", wide, width),
            ("mlp.up_proj", wide, width),
            ("mlp.down_proj", width, wide),
        ] {
            tensors.draw(name(part), &[outputs, inputs], format)?;
        }
        for part in ["input_layernorm", "post_attention_layernorm"] {
            tensors.draw(name(part), &[width], format)?;
        }
    }
    Ok(tensors)
}

/// The trace of the small encoder, with layers in `format`, for `tokens`: its final hidden rows.
fn encoder(kernels: Kernels, format: Format, tokens: &[u32]) -> Result<String, Error> {
    const LAYERS: usize = 2;
    const HEADS: usize = 3;
    const EPSILON: f32 = 1e-12;
    let (width, wide) = (48, 96);
    let dim = width / HEADS;
    let mut tensors = Tensors::default();
    for (part, rows) in [("word", VOCABULARY), ("position", 32), ("token_type", 2)] {
        tensors.draw(format!("embeddings.{part}_embeddings.weight"), &[rows, width], Format::W8)?;
    }
    let mut norms = vec!["embeddings.LayerNorm".to_string()];
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        for (part, outputs, inputs) in [
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", wide, width),
            ("output.dense", width, wide),
        ] {
            tensors.draw(name(&format!("{part}.weight")), &[outputs, inputs], format)?;
            tensors.draw(name(&format!("{part}.bias")), &[outputs], format)?;
        }
        norms.extend([name("attention.output.LayerNorm"), name("output.LayerNorm")]);
    }
    for norm in norms {
        tensors.draw(format!("{norm}.weight"), &[width], format)?;
        tensors.draw(format!("{norm}.bias"), &[width], format)?;
    }

    let mut x = vec![0.0; tokens.len() * width];
    let mut row = vec![0.0; width];
    for (position, (token, x)) in tokens.iter().zip(x.chunks_exact_mut(width)).enumerate() {
        tensors.embed("embeddings.word_embeddings", *token as usize, x)?;
        tensors.embed("embeddings.token_type_embeddings", 0, &mut row)?;
        add(x, &row);
        tensors.embed("embeddings.position_embeddings", position, &mut row)?;
        add(x, &row);
    }
    let mut x = tensors.layer_norm(kernels, "embeddings.LayerNorm", &x, EPSILON)?;
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let product = |part: &str, x: &[f32]| tensors.quantised(kernels, &name(part), x, Precision::A16);
        let queries = product("attention.self.query", &x)?;
        let keys = product("attention.self.key", &x)?;
        let values = product("attention.self.value", &x)?;
        let mut attended = vec![0.0; queries.len()];
        let mut rest = ColumnsMut::new(&mut attended, width);
        for head in 0..HEADS {
            let (block, others) = rest.split_at(dim);
            rest = others;
            let (mut held_keys, mut held_values) = (Vec::new(), Vec::new());
            remember(kernels, columns(&keys, width, head * dim, dim)?, &mut held_keys)?;
            remember(kernels, columns(&values, width, head * dim, dim)?, &mut held_values)?;
            let heads = Heads {
                queries: columns(&queries, width, head * dim, dim)?,
                dim,
                keys: &held_keys,
                values: &held_values,
                scale: attention::scale(dim),
                mask: Mask::Full,
            };
            attend(kernels, &heads, &mut Scratch::default(), block)?;
        }
        let mut y = product("attention.output.dense", &attended)?;
        add(&mut y, &x);
        x = tensors.layer_norm(kernels, &name("attention.output.LayerNorm"), &y, EPSILON)?;
        let mut inner = product("intermediate.dense", &x)?;
        functions::gelu_all(kernels, &mut inner);
        let mut y = product("output.dense", &inner)?;
        add(&mut y, &x);
        x = tensors.layer_norm(kernels, &name("output.LayerNorm"), &y, EPSILON)?;
    }
    Ok(hash_floats(&x))
}

/// Where the golden file has a result, as a JSON pointer, and its hash.
type Found = (String, String);

/// The rows after each layer and the logits that follow each of `tokens`.
fn read_whole(decoder: &mut Decoder<'_>, model: &str, tokens: &[u32]) -> Result<Vec<Found>, Error> {
    let layers = decoder.read(tokens)?;
    let logits = decoder.logits(layers.last().ok_or(Error::Shape("a network without layers"))?)?;
    let named = |what: &str, index: usize| format!("/models/{model}/{what}/{index}");
    let layers =
        layers.iter().enumerate().map(|(index, rows)| (named("hidden_rows_by_layers", index), rows.as_slice()));
    let rows = logits.chunks_exact((logits.len() / tokens.len().max(1)).max(1));
    let rows = rows.enumerate().map(|(index, row)| (named("logits_rows", index), row));
    Ok(layers.chain(rows).map(|(name, values)| (name, hash_floats(values))).collect())
}

/// Every result of a network that the golden file, which is `golden`, has hashes of.
fn compute(kernels: Kernels, golden: &Value) -> Result<Vec<Found>, Error> {
    let tokens: Vec<u32> = (0..70).map(|i| (i * 7 + 3) % VOCABULARY as u32).collect();
    let small = decoder(Format::W8)?;
    let mut found = read_whole(&mut Decoder::new(kernels, SMALL, &small), "llama", &tokens)?;
    let answer = Decoder::new(kernels, SMALL, &small).answer(&PROMPT, END, 50)?;
    found.push(("/models/llama/trace".into(), answer));

    let packed = decoder(Format::W4)?;
    let last = read_whole(&mut Decoder::new(kernels, SMALL, &packed), "llama_w4", &tokens)?.pop();
    let last = last.map(|(_, hash)| hash).unwrap_or_default();
    found.push(("/models/llama_w4/logits_row".into(), last));
    let answer = Decoder::new(kernels, SMALL, &packed).answer(&PROMPT, END, 50)?;
    found.push(("/models/llama_w4/trace".into(), answer));

    let text: Vec<u32> = PROMPT.into_iter().chain([END]).collect();
    found.push(("/models/bert/trace".into(), encoder(kernels, Format::W8, &text)?));
    found.push(("/models/bert_w16/trace".into(), encoder(kernels, Format::W16, &text)?));

    let unsound = Error::Shape("the shipped model");
    let manifest: Value = serde_json::from_str(MANIFEST).map_err(|_| unsound)?;
    let shape = Shape::read(&manifest).ok_or(unsound)?;
    let weights = Tensors::read(WEIGHTS).ok_or(unsound)?;
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or(unsound);
    let tokens = golden["models"][SHIPPED]["tokens"].as_array().ok_or(unsound)?;
    let tokens: Vec<u32> = tokens.iter().map(id).collect::<Result<_, _>>()?;
    found.extend(read_whole(&mut Decoder::new(kernels, shape, &weights), SHIPPED, &tokens)?);
    let rules = &manifest["text"];
    let prompt: Vec<u32> = [id(&rules["begin"])?].into_iter().chain(tokens).collect();
    let answer = Decoder::new(kernels, shape, &weights).answer(&prompt, id(&rules["end"][0])?, 40)?;
    found.push((format!("/models/{SHIPPED}/trace"), answer));
    Ok(found)
}

/// How many results of networks were compared with the golden `file`, and what is not the same, in words.
pub(crate) fn mismatches(kernels: Kernels, file: &str) -> (usize, Vec<String>) {
    let golden: Value = match serde_json::from_str(file) {
        Ok(golden) => golden,
        Err(error) => return (0, vec![format!("the golden file is not JSON: {error}")]),
    };
    let found = match compute(kernels, &golden) {
        Ok(found) => found,
        Err(error) => return (0, vec![format!("the golden networks were refused: {error}")]),
    };
    let differs = |(name, hash): &&Found| golden.pointer(name).and_then(Value::as_str) != Some(hash.as_str());
    let mismatches = found
        .iter()
        .filter(differs)
        .map(|(name, hash)| match golden.pointer(name) {
            Some(golden) => format!("network {name}: found {hash}, the golden file has {golden}"),
            None => format!("network {name} is not in the golden file"),
        })
        .collect();
    (found.len(), mismatches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::FILE;

    #[test]
    fn every_path_computes_every_result_of_the_golden_file() {
        let golden: Value = serde_json::from_str(FILE).unwrap();
        // Rows by layers, logits and traces; the larger encoder is no part of the repository.
        let of = |model: &Value| {
            let length = |what: &str| model[what].as_array().map_or(0, Vec::len);
            length("hidden_rows_by_layers")
                + length("logits_rows")
                + ["logits_row", "trace"].into_iter().filter(|what| model[*what].is_string()).count()
        };
        let models = golden["models"].as_object().unwrap().iter();
        let expected: usize = models.filter(|(name, _)| *name != "all-minilm-l6-v2").map(|(_, model)| of(model)).sum();
        assert!(expected > 90);
        for kernels in Kernels::available() {
            assert_eq!(mismatches(kernels, FILE), (expected, Vec::new()), "{}", kernels.isa());
        }
    }

    #[test]
    fn a_result_that_differs_is_named() {
        let mut golden: Value = serde_json::from_str(FILE).unwrap();
        *golden.pointer_mut("/models/assay-kjv/logits_rows/14").unwrap() = "00".into();
        golden["models"]["bert"].as_object_mut().unwrap().remove("trace");
        let (_, found) = mismatches(Kernels::best(), &golden.to_string());
        assert_eq!(found.len(), 2, "{found:#?}");
        assert_eq!(found[0], "network /models/bert/trace is not in the golden file");
        assert!(found[1].starts_with("network /models/assay-kjv/logits_rows/14: found "), "{}", found[1]);
        assert!(found[1].ends_with("the golden file has \"00\""), "{}", found[1]);
        golden["models"][SHIPPED]["tokens"] = Value::Null;
        let (computed, found) = mismatches(Kernels::best(), &golden.to_string());
        assert_eq!((computed, found.len()), (0, 1));
        assert_eq!(mismatches(Kernels::best(), "").1.len(), 1);
    }

    #[test]
    fn a_weights_file_that_ends_early_is_refused() {
        assert!(Tensors::read(WEIGHTS).is_some());
        for length in [0, 7, 8, 1_000, WEIGHTS.len() - 1] {
            assert!(Tensors::read(&WEIGHTS[..length]).is_none(), "{length}");
        }
    }
}
