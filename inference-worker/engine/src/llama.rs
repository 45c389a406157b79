//! The Llama decoder over a key-value cache. A position's result depends on the tokens up to it and on nothing else:
//! not on how the tokens were split into calls.

use crate::{
    artefact::Tensors,
    manifest::{self, Activations},
    EngineError,
};
use assay_numerics::{attention, functions, half, norm, rope, Error, Matrix, Precision, Row};

/// Tokens that are computed together when a prompt is read.
pub const PREFILL: usize = 64;

/// A matrix with its bias and the precision of what enters it.
pub struct Linear {
    matrix: Matrix,
    bias: Option<Vec<f32>>,
}

impl Linear {
    /// Takes `name`.weight, and `name`.bias if there is to be one.
    pub fn take(tensors: &mut Tensors, name: &str, bias: bool) -> Result<Self, EngineError> {
        let matrix = tensors.matrix(&format!("{name}.weight"))?;
        let bias = if bias { Some(tensors.vector(&format!("{name}.bias"))?) } else { None };
        Ok(Self { matrix, bias })
    }

    /// The product with every row, row-major.
    pub fn apply(&self, rows: &[Row]) -> Result<Vec<f32>, Error> {
        let mut out = vec![0.0; rows.len() * self.matrix.rows()];
        self.matrix.multiply(rows, self.bias.as_deref(), &mut out)?;
        Ok(out)
    }
}

/// Quantises each row of `width` floats.
pub fn quantise(x: &[f32], width: usize, precision: Precision) -> Result<Vec<Row>, Error> {
    x.chunks_exact(width).map(|x| Row::quantise(x, precision)).collect()
}

/// x = x + y, element by element.
pub fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += *y;
    }
}

struct Layer {
    attention_norm: Vec<f32>,
    query: Linear,
    key: Linear,
    value: Linear,
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
    embeddings: Matrix,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    head: Option<Matrix>,
}

/// Keys and values of the positions read so far, each rounded to half precision.
pub struct Cache {
    length: usize,
    capacity: usize,
    /// For each layer and key head, `capacity` vectors of the head's width.
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// Most elements of a rotary table.
const MAX_ROPE: usize = 1 << 27;

/// The rotary table of a shape.
pub fn rope_table(shape: &manifest::Llama) -> Result<rope::Table, EngineError> {
    let base = shape.rope_base.value().ok_or_else(|| EngineError::Manifest("rope_base is not a number".into()))?;
    if shape.max_context.saturating_mul(shape.head_dim) > MAX_ROPE {
        return Err(EngineError::Manifest("the rotary table would be too large; shorten the context".into()));
    }
    Ok(rope::Table::new(shape.max_context, shape.head_dim, base))
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
                Ok(Layer {
                    attention_norm: tensors.vector(&name("input_layernorm.weight"))?,
                    query: Linear::take(tensors, &name("self_attn.q_proj"), shape.attention_bias)?,
                    key: Linear::take(tensors, &name("self_attn.k_proj"), shape.attention_bias)?,
                    value: Linear::take(tensors, &name("self_attn.v_proj"), shape.attention_bias)?,
                    output: Linear::take(tensors, &name("self_attn.o_proj"), shape.attention_bias)?,
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
            embeddings: tensors.matrix("model.embed_tokens.weight")?,
            layers,
            norm: tensors.vector("model.norm.weight")?,
            head: if shape.tied_head { None } else { Some(tensors.matrix("lm_head.weight")?) },
        })
    }

    /// Width of a hidden row.
    pub fn width(&self) -> usize {
        self.shape.hidden_size
    }

    /// An empty cache for `capacity` positions.
    pub fn cache(&self, capacity: usize) -> Cache {
        let size = self.shape.layers * self.shape.kv_heads * capacity * self.shape.head_dim;
        Cache { length: 0, capacity, keys: vec![0.0; size], values: vec![0.0; size] }
    }

    /// Reads `tokens` at the positions after those in the cache, and gives their final hidden rows (before the last
    /// norm), row-major.
    pub fn read(&self, cache: &mut Cache, tokens: &[u32]) -> Result<Vec<f32>, Error> {
        let (hidden, dim) = (self.shape.hidden_size, self.shape.head_dim);
        let start = cache.length;
        if start + tokens.len() > cache.capacity {
            return Err(Error::Shape("the context"));
        }
        let mut x = vec![0.0; tokens.len() * hidden];
        for (token, x) in tokens.iter().zip(x.chunks_exact_mut(hidden)) {
            if !self.embeddings.read_row(*token as usize, x) {
                return Err(Error::Shape("the vocabulary"));
            }
        }
        let mut normed = vec![0.0; x.len()];
        let mut attended = vec![0.0; tokens.len() * self.shape.heads * dim];
        let mut scratch = attention::Scratch::default();
        for (index, layer) in self.layers.iter().enumerate() {
            self.norm_rows(&x, &layer.attention_norm, &mut normed)?;
            let rows = quantise(&normed, hidden, self.activations.attention_input.into())?;
            let mut queries = layer.query.apply(&rows)?;
            let mut keys = layer.key.apply(&rows)?;
            let values = layer.value.apply(&rows)?;
            for heads in [(&mut queries, self.shape.heads), (&mut keys, self.shape.kv_heads)] {
                for (i, row) in heads.0.chunks_exact_mut(heads.1 * dim).enumerate() {
                    for head in row.chunks_exact_mut(dim) {
                        if !self.rope.rotate(start + i, head) {
                            return Err(Error::Shape("the rotary table"));
                        }
                    }
                }
            }
            self.remember(cache, index, &keys, &values)?;
            self.attend(cache, index, &queries, &mut scratch, &mut attended)?;
            let rows = quantise(&attended, self.shape.heads * dim, self.activations.attention_output.into())?;
            add(&mut x, &layer.output.apply(&rows)?);

            self.norm_rows(&x, &layer.mlp_norm, &mut normed)?;
            let rows = quantise(&normed, hidden, self.activations.mlp_input.into())?;
            let mut gate = layer.gate.apply(&rows)?;
            functions::silu_times(&mut gate, &layer.up.apply(&rows)?);
            let rows = quantise(&gate, self.shape.intermediate_size, self.activations.mlp_output.into())?;
            add(&mut x, &layer.down.apply(&rows)?);
        }
        cache.length += tokens.len();
        Ok(x)
    }

    /// The logits of one hidden row.
    pub fn logits(&self, hidden: &[f32]) -> Result<Vec<f32>, Error> {
        let mut normed = vec![0.0; hidden.len()];
        norm::rms(hidden, &self.norm, self.epsilon, &mut normed)?;
        let row = Row::quantise(&normed, self.activations.head.into())?;
        let head = self.head.as_ref().unwrap_or(&self.embeddings);
        let mut logits = vec![0.0; head.rows()];
        head.multiply(std::slice::from_ref(&row), None, &mut logits)?;
        Ok(logits)
    }

    fn norm_rows(&self, x: &[f32], weight: &[f32], out: &mut [f32]) -> Result<(), Error> {
        let width = self.shape.hidden_size;
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            norm::rms(x, weight, self.epsilon, out)?;
        }
        Ok(())
    }

    /// Where the vectors of one layer and key head are in the cache.
    fn place(&self, cache: &Cache, layer: usize, head: usize) -> usize {
        (layer * self.shape.kv_heads + head) * cache.capacity * self.shape.head_dim
    }

    fn remember(&self, cache: &mut Cache, layer: usize, keys: &[f32], values: &[f32]) -> Result<(), Error> {
        let dim = self.shape.head_dim;
        for head in 0..self.shape.kv_heads {
            let begin = self.place(cache, layer, head) + cache.length * dim;
            for (from, to) in [(keys, &mut cache.keys), (values, &mut cache.values)] {
                let rows = from.chunks_exact(self.shape.kv_heads * dim).map(|row| &row[head * dim..(head + 1) * dim]);
                for (row, to) in rows.zip(to[begin..].chunks_exact_mut(dim)) {
                    for (x, to) in row.iter().zip(to) {
                        *to = half::round(*x)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn attend(
        &self,
        cache: &Cache,
        layer: usize,
        queries: &[f32],
        scratch: &mut attention::Scratch,
        out: &mut [f32],
    ) -> Result<(), Error> {
        let (dim, heads) = (self.shape.head_dim, self.shape.heads);
        let group = heads / self.shape.kv_heads;
        let rows = queries.chunks_exact(heads * dim).zip(out.chunks_exact_mut(heads * dim));
        for (i, (queries, out)) in rows.enumerate() {
            let visible = (cache.length + i + 1) * dim;
            for (head, (query, out)) in queries.chunks_exact(dim).zip(out.chunks_exact_mut(dim)).enumerate() {
                let begin = self.place(cache, layer, head / group);
                let (keys, values) = (&cache.keys[begin..begin + visible], &cache.values[begin..begin + visible]);
                attention::attend(query, keys, values, self.scale, scratch, out)?;
            }
        }
        Ok(())
    }
}
