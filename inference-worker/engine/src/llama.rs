//! The decoder of the Llama family over key-value caches. A position's result depends on the tokens up to it and on
//! nothing else: not on how the tokens were split into passes, nor on what else was computed in the same pass.

use crate::{
    artefact::Tensors,
    manifest::{self, Activations},
    threads::{Linear, Product, Threads},
    EngineError,
};
use assay_numerics::{
    attention::{self, Heads, Mask, Scratch},
    functions, half, norm, rope, Columns, ColumnsMut, Error, Precision, Rows,
};
use std::cell::RefCell;

/// Tokens that are computed together when a prompt is read.
pub const PREFILL: usize = 128;
/// Rows of queries that attend together.
const ATTENTION_ROWS: usize = 32;

thread_local! {
    static SCRATCH: RefCell<(Scratch, Vec<f32>)> = RefCell::default();
}

impl Linear {
    /// Takes `name`.weight, and `name`.bias if there is to be one.
    pub fn take(tensors: &mut Tensors, name: &str, bias: bool) -> Result<Self, EngineError> {
        let matrix = tensors.matrix(&format!("{name}.weight"))?;
        let bias = if bias { Some(tensors.vector(&format!("{name}.bias"))?) } else { None };
        Ok(Self { matrix, bias })
    }
}

/// x = x + y, element by element.
pub fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += *y;
    }
}

/// Makes `buffer` hold `length` floats, whose values do not matter.
pub fn room(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

/// Attention with this thread's own scratch memory.
pub fn attend(threads: &Threads, heads: &Heads<'_>, out: ColumnsMut<'_>) -> Result<(), Error> {
    SCRATCH.with_borrow_mut(|(scratch, _)| attention::attend(threads.kernels(), heads, scratch, out))
}

struct Layer {
    attention_norm: Vec<f32>,
    query: Linear,
    key: Linear,
    value: Linear,
    /// Norms of each head of queries and keys.
    head_norms: Option<(Vec<f32>, Vec<f32>)>,
    output: Linear,
    mlp_norm: Vec<f32>,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// A loaded decoder.
pub struct Llama {
    shape: manifest::Llama,
    activations: Activations,
    epsilon: f32,
    scale: f32,
    rope: rope::Table,
    embeddings: Linear,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    head: Option<Linear>,
}

/// Keys and values of the positions read so far, in half precision. All its memory is there from the beginning.
pub struct Cache {
    length: usize,
    capacity: usize,
    /// For each layer and key head, `capacity` vectors of the head's width.
    keys: Vec<u16>,
    values: Vec<u16>,
}

impl Cache {
    /// Number of positions read.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Forgets the positions from `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        2 * (self.keys.len() + self.values.len())
    }
}

/// Some tokens of one sequence, at the positions after those in its cache.
pub struct Part<'a> {
    /// What the sequence has read.
    pub cache: &'a mut Cache,
    /// The tokens to read.
    pub tokens: &'a [u32],
}

/// Memory that passes share, so that none has to allocate. What it holds between passes has no meaning.
#[derive(Default)]
pub struct Buffers {
    x: Vec<f32>,
    rows: Rows,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    attended: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    out: Vec<f32>,
}

/// Most elements of a rotary table.
const MAX_ROPE: usize = 1 << 27;

/// The rotary table of a shape.
pub fn rope_table(shape: &manifest::Llama) -> Result<rope::Table, EngineError> {
    let base = shape.rope_base.value().ok_or_else(|| EngineError::Manifest("rope_base is not a number".into()))?;
    if shape.max_context.saturating_mul(shape.head_dim) > MAX_ROPE {
        return Err(EngineError::Manifest("the rotary table would be too large; shorten the context".into()));
    }
    let scaling = shape.frequency_scaling();
    let scaling = scaling.ok_or_else(|| EngineError::Manifest("rope_scaling makes no sense".into()))?;
    Ok(rope::Table::new(shape.max_context, shape.head_dim, base, &scaling))
}

impl Llama {
    /// Builds the decoder from its tensors.
    pub fn new(
        shape: &manifest::Llama,
        activations: Activations,
        rope: rope::Table,
        tensors: &mut Tensors,
    ) -> Result<Self, EngineError> {
        let epsilon =
            shape.norm_epsilon.value().ok_or_else(|| EngineError::Manifest("norm_epsilon is not a number".into()))?;
        let layers = (0..shape.layers)
            .map(|layer| {
                let name = |part: &str| format!("model.layers.{layer}.{part}");
                let head_norms = if shape.qk_norm {
                    let query = tensors.vector(&name("self_attn.q_norm.weight"))?;
                    Some((query, tensors.vector(&name("self_attn.k_norm.weight"))?))
                } else {
                    None
                };
                Ok(Layer {
                    attention_norm: tensors.vector(&name("input_layernorm.weight"))?,
                    query: Linear::take(tensors, &name("self_attn.q_proj"), shape.attention_bias)?,
                    key: Linear::take(tensors, &name("self_attn.k_proj"), shape.attention_bias)?,
                    value: Linear::take(tensors, &name("self_attn.v_proj"), shape.attention_bias)?,
                    head_norms,
                    output: Linear::take(tensors, &name("self_attn.o_proj"), shape.has_output_bias())?,
                    mlp_norm: tensors.vector(&name("post_attention_layernorm.weight"))?,
                    gate: Linear::take(tensors, &name("mlp.gate_proj"), false)?,
                    up: Linear::take(tensors, &name("mlp.up_proj"), false)?,
                    down: Linear::take(tensors, &name("mlp.down_proj"), false)?,
                })
            })
            .collect::<Result<_, EngineError>>()?;
        Ok(Self {
            shape: shape.clone(),
            activations,
            epsilon: epsilon as f32,
            scale: attention::scale(shape.head_dim),
            rope,
            embeddings: Linear::take(tensors, "model.embed_tokens", false)?,
            layers,
            norm: tensors.vector("model.norm.weight")?,
            head: if shape.tied_head { None } else { Some(Linear::take(tensors, "lm_head", false)?) },
        })
    }

    /// Width of a hidden row.
    pub fn width(&self) -> usize {
        self.shape.hidden_size
    }

    /// Number of logits in a row.
    pub fn vocabulary(&self) -> usize {
        self.shape.vocab_size
    }

    /// Number of layers.
    #[cfg(test)]
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Makes it a decoder that ends one layer before.
    #[cfg(test)]
    pub fn drop_last_layer(&mut self) {
        self.layers.pop();
    }

    /// An empty cache for `capacity` positions.
    pub fn cache(&self, capacity: usize) -> Cache {
        let size = self.shape.layers * self.shape.kv_heads * capacity * self.shape.head_dim;
        Cache { length: 0, capacity, keys: vec![0; size], values: vec![0; size] }
    }

    /// Reads the tokens of several sequences in one pass, and gives their final hidden rows (before the last norm),
    /// row-major, one sequence after the other. After an error no cache holds more than before.
    pub fn read<'b>(
        &self,
        threads: &Threads,
        parts: &mut [Part<'_>],
        buffers: &'b mut Buffers,
    ) -> Result<&'b mut [f32], Error> {
        let (hidden, dim) = (self.shape.hidden_size, self.shape.head_dim);
        let Buffers { x, rows, queries, keys, values, attended, gate, up, out } = buffers;
        let mut tokens = Vec::new();
        for part in parts.iter() {
            if part.cache.length + part.tokens.len() > part.cache.capacity {
                return Err(Error::Shape("the context"));
            }
            tokens.extend_from_slice(part.tokens);
        }
        let count = tokens.len();
        let (query_width, key_width) = (self.shape.heads * dim, self.shape.kv_heads * dim);
        let x = room(x, count * hidden);
        for (token, x) in tokens.iter().zip(x.chunks_exact_mut(hidden)) {
            if !self.embeddings.matrix.read_row(*token as usize, x) {
                return Err(Error::Shape("the vocabulary"));
            }
        }
        let queries = room(queries, count * query_width);
        let keys = room(keys, count * key_width);
        let values = room(values, count * key_width);
        let attended = room(attended, count * query_width);
        let wide = self.shape.intermediate_size;
        let (gate, up, out) = (room(gate, count * wide), room(up, count * wide), room(out, count * hidden));
        for (index, layer) in self.layers.iter().enumerate() {
            self.quantise_norm(threads, x, &layer.attention_norm, self.activations.attention_input.into(), rows)?;
            threads.multiply(vec![
                Product { linear: &layer.query, rows, out: queries },
                Product { linear: &layer.key, rows, out: keys },
                Product { linear: &layer.value, rows, out: values },
            ])?;
            self.rotate(threads, parts, layer, queries, keys)?;
            self.remember(threads, parts, index, keys, values)?;
            self.attend(threads, parts, index, queries, attended)?;
            quantise(threads, attended, query_width, self.activations.attention_output.into(), rows)?;
            threads.multiply(vec![Product { linear: &layer.output, rows, out }])?;
            add(x, out);

            self.quantise_norm(threads, x, &layer.mlp_norm, self.activations.mlp_input.into(), rows)?;
            threads.multiply(vec![
                Product { linear: &layer.gate, rows, out: gate },
                Product { linear: &layer.up, rows, out: up },
            ])?;
            rows.reset(count, wide, self.activations.mlp_output.into());
            let work = gate.chunks_exact_mut(wide).zip(up.chunks_exact(wide)).zip(rows.iter_mut());
            threads.each(count * wide * COST_OF_EXP, work, |((gate, up), row)| {
                functions::silu_times(threads.kernels(), gate, up);
                row.fill(threads.kernels(), gate)
            })?;
            threads.multiply(vec![Product { linear: &layer.down, rows, out }])?;
            add(x, out);
        }
        for part in parts {
            part.cache.length += part.tokens.len();
        }
        Ok(x)
    }

    /// The logits of each hidden row.
    pub fn logits(
        &self,
        threads: &Threads,
        hidden: &[f32],
        rows: &mut Rows,
        logits: &mut Vec<f32>,
    ) -> Result<(), Error> {
        self.quantise_norm(threads, hidden, &self.norm, self.activations.head.into(), rows)?;
        let head = self.head.as_ref().unwrap_or(&self.embeddings);
        logits.resize(rows.count() * head.matrix.rows(), 0.0);
        threads.multiply(vec![Product { linear: head, rows, out: logits }])
    }

    /// RMSNorm of each row, quantised.
    fn quantise_norm(
        &self,
        threads: &Threads,
        x: &[f32],
        weight: &[f32],
        precision: Precision,
        rows: &mut Rows,
    ) -> Result<(), Error> {
        let (width, kernels) = (self.shape.hidden_size, threads.kernels());
        rows.reset(x.len() / width, width, precision);
        threads.each(x.len() * COST_OF_NORM, x.chunks_exact(width).zip(rows.iter_mut()), |(x, row)| {
            SCRATCH.with_borrow_mut(|(_, normed)| {
                let normed = room(normed, width);
                norm::rms(kernels, x, weight, self.epsilon, normed)?;
                row.fill(kernels, normed)
            })
        })
    }

    /// Norms, if the model has them, and rotates every head of queries and keys.
    fn rotate(
        &self,
        threads: &Threads,
        parts: &[Part<'_>],
        layer: &Layer,
        queries: &mut [f32],
        keys: &mut [f32],
    ) -> Result<(), Error> {
        let dim = self.shape.head_dim;
        let positions = parts.iter().flat_map(|part| part.cache.length..part.cache.length + part.tokens.len());
        let (query_norm, key_norm) = match &layer.head_norms {
            Some((query, key)) => (Some(query), Some(key)),
            None => (None, None),
        };
        let cost = (queries.len() + keys.len()) * COST_OF_NORM;
        let rows = queries
            .chunks_exact_mut(self.shape.heads * dim)
            .zip(keys.chunks_exact_mut(self.shape.kv_heads * dim))
            .zip(positions);
        threads.each(cost, rows, |((queries, keys), position)| {
            for (row, weight) in [(queries, query_norm), (keys, key_norm)] {
                for head in row.chunks_exact_mut(dim) {
                    if let Some(weight) = weight {
                        SCRATCH.with_borrow_mut(|(_, normed)| {
                            let normed = room(normed, dim);
                            norm::rms(threads.kernels(), head, weight, self.epsilon, normed)?;
                            head.copy_from_slice(normed);
                            Ok(())
                        })?;
                    }
                    if !self.rope.rotate(position, head) {
                        return Err(Error::Shape("the rotary table"));
                    }
                }
            }
            Ok(())
        })
    }

    /// Rounds keys and values to half precision into the caches.
    fn remember(
        &self,
        threads: &Threads,
        parts: &mut [Part<'_>],
        layer: usize,
        keys: &[f32],
        values: &[f32],
    ) -> Result<(), Error> {
        let (dim, heads) = (self.shape.head_dim, self.shape.kv_heads);
        let mut work = Vec::new();
        let mut first = 0;
        for part in parts.iter_mut() {
            let count = part.tokens.len();
            let Cache { length, capacity, keys: held_keys, values: held_values } = &mut *part.cache;
            let size = *capacity * dim;
            for (from, held) in [(keys, held_keys), (values, held_values)] {
                let from = &from[first * heads * dim..(first + count) * heads * dim];
                let held = held[layer * heads * size..(layer + 1) * heads * size].chunks_exact_mut(size.max(1));
                work.extend(held.enumerate().map(|(head, held)| {
                    let held = &mut held[*length * dim..(*length + count) * dim];
                    (Columns::new(from, heads * dim, head * dim, dim), held)
                }));
            }
            first += count;
        }
        threads.each((keys.len() + values.len()) * 4, work, |(from, held)| {
            let from = from.ok_or(Error::Shape("a cache"))?;
            for (row, held) in held.chunks_exact_mut(dim).enumerate() {
                half::all_to_bits(threads.kernels(), from.row(row), held)?;
            }
            Ok(())
        })
    }

    fn attend(
        &self,
        threads: &Threads,
        parts: &[Part<'_>],
        layer: usize,
        queries: &[f32],
        out: &mut [f32],
    ) -> Result<(), Error> {
        let dim = self.shape.head_dim;
        let width = self.shape.heads * dim;
        let group = width / self.shape.kv_heads;
        let mut cost = 0;
        let mut work = Vec::new();
        let mut rest = ColumnsMut::new(out, width);
        let mut first = 0;
        for part in parts {
            let size = part.cache.capacity * dim;
            let mut done = 0;
            while done < part.tokens.len() {
                let count = ATTENTION_ROWS.min(part.tokens.len() - done);
                let position = part.cache.length + done;
                let visible = position + count;
                cost += 2 * count * visible * width;
                let queries = &queries[(first + done) * width..(first + done + count) * width];
                let (mut block, others) = rest.split_rows_at(count);
                rest = others;
                for head in 0..self.shape.kv_heads {
                    let begin = (layer * self.shape.kv_heads + head) * size;
                    let (out, others) = block.split_at(group);
                    block = others;
                    let queries = Columns::new(queries, width, head * group, group).ok_or(Error::Shape("attention"))?;
                    let heads = Heads {
                        queries,
                        dim,
                        keys: &part.cache.keys[begin..begin + visible * dim],
                        values: &part.cache.values[begin..begin + visible * dim],
                        scale: self.scale,
                        mask: Mask::Causal { first: position, window: self.shape.sliding_window },
                    };
                    work.push((heads, out));
                }
                done += count;
            }
            first += part.tokens.len();
        }
        threads.each(cost, work, |(heads, out)| attend(threads, &heads, out))
    }
}

/// What a normalised and quantised element costs, in multiplications of a product.
pub const COST_OF_NORM: usize = 16;
/// What an element of an activation function costs, quantised.
pub const COST_OF_EXP: usize = 64;

/// Quantises rows of `width` floats.
pub fn quantise(
    threads: &Threads,
    x: &[f32],
    width: usize,
    precision: Precision,
    rows: &mut Rows,
) -> Result<(), Error> {
    rows.reset(x.len() / width, width, precision);
    let work = x.chunks_exact(width).zip(rows.iter_mut());
    threads.each(x.len() * COST_OF_NORM, work, |(x, row)| row.fill(threads.kernels(), x))
}
