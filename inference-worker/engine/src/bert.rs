//! The BERT encoder.

use crate::{
    artefact::Tensors,
    llama::{add, attend, quantise, COST_OF_EXP, COST_OF_NORM},
    manifest::{self, Activations},
    threads::{Linear, Product, Threads},
    EngineError,
};
use assay_numerics::{
    attention::{self, Heads, Mask},
    functions, half, norm, Columns, ColumnsMut, Error, Rows,
};

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Norm {
    fn take(tensors: &mut Tensors, name: &str) -> Result<Self, EngineError> {
        Ok(Self { weight: tensors.vector(&format!("{name}.weight"))?, bias: tensors.vector(&format!("{name}.bias"))? })
    }

    /// Normalises each row of `x` into `out`.
    fn apply(&self, threads: &Threads, x: &[f32], epsilon: f32, out: &mut [f32]) -> Result<(), Error> {
        let width = self.weight.len();
        let rows = x.chunks_exact(width).zip(out.chunks_exact_mut(width));
        threads.each(x.len() * COST_OF_NORM, rows, |(x, out)| {
            norm::layer(threads.kernels(), x, &self.weight, &self.bias, epsilon, out)
        })
    }
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    attention_norm: Norm,
    intermediate: Linear,
    down: Linear,
    output_norm: Norm,
}

/// A loaded encoder.
pub struct Bert {
    shape: manifest::Bert,
    activations: Activations,
    epsilon: f32,
    scale: f32,
    words: Linear,
    positions: Linear,
    types: Linear,
    norm: Norm,
    layers: Vec<Layer>,
}

impl Bert {
    /// Builds the encoder from its tensors.
    pub fn new(shape: &manifest::Bert, activations: Activations, tensors: &mut Tensors) -> Result<Self, EngineError> {
        let epsilon =
            shape.norm_epsilon.value().ok_or_else(|| EngineError::Manifest("norm_epsilon is not a number".into()))?;
        let layers = (0..shape.layers)
            .map(|layer| {
                let name = |part: &str| format!("encoder.layer.{layer}.{part}");
                Ok(Layer {
                    query: Linear::take(tensors, &name("attention.self.query"), true)?,
                    key: Linear::take(tensors, &name("attention.self.key"), true)?,
                    value: Linear::take(tensors, &name("attention.self.value"), true)?,
                    output: Linear::take(tensors, &name("attention.output.dense"), true)?,
                    attention_norm: Norm::take(tensors, &name("attention.output.LayerNorm"))?,
                    intermediate: Linear::take(tensors, &name("intermediate.dense"), true)?,
                    down: Linear::take(tensors, &name("output.dense"), true)?,
                    output_norm: Norm::take(tensors, &name("output.LayerNorm"))?,
                })
            })
            .collect::<Result<_, EngineError>>()?;
        Ok(Self {
            shape: shape.clone(),
            activations,
            epsilon: epsilon as f32,
            scale: attention::scale(shape.hidden_size / shape.heads),
            words: Linear::take(tensors, "embeddings.word_embeddings", false)?,
            positions: Linear::take(tensors, "embeddings.position_embeddings", false)?,
            types: Linear::take(tensors, "embeddings.token_type_embeddings", false)?,
            norm: Norm::take(tensors, "embeddings.LayerNorm")?,
            layers,
        })
    }

    /// Number of layers.
    #[cfg(test)]
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Makes it an encoder that ends one layer before.
    #[cfg(test)]
    pub fn drop_last_layer(&mut self) {
        self.layers.pop();
    }

    /// The final hidden rows of `tokens`, row-major. `step` is called after each layer with the number done, and may
    /// end the run.
    pub fn encode(
        &self,
        threads: &Threads,
        tokens: &[u32],
        mut step: impl FnMut(usize) -> Result<(), EngineError>,
    ) -> Result<Vec<f32>, EngineError> {
        let (hidden, wide) = (self.shape.hidden_size, self.shape.intermediate_size);
        let mut x = vec![0.0; tokens.len() * hidden];
        let (mut kind, mut place) = (vec![0.0; hidden], vec![0.0; hidden]);
        let mut y = vec![0.0; x.len()];
        for (position, (token, y)) in tokens.iter().zip(y.chunks_exact_mut(hidden)).enumerate() {
            let read = self.words.matrix.read_row(*token as usize, y)
                && self.types.matrix.read_row(0, &mut kind)
                && self.positions.matrix.read_row(position, &mut place);
            if !read {
                return Err(Error::Shape("the vocabulary").into());
            }
            add(y, &kind);
            add(y, &place);
        }
        self.norm.apply(threads, &y, self.epsilon, &mut x)?;
        let mut rows = Rows::default();
        let (mut queries, mut keys, mut values) = (y.clone(), y.clone(), y.clone());
        let mut attended = y.clone();
        let mut inner = vec![0.0; tokens.len() * wide];
        for (done, layer) in self.layers.iter().enumerate() {
            quantise(threads, &x, hidden, self.activations.attention_input.into(), &mut rows)?;
            threads.multiply(vec![
                Product { linear: &layer.query, rows: &rows, out: &mut queries },
                Product { linear: &layer.key, rows: &rows, out: &mut keys },
                Product { linear: &layer.value, rows: &rows, out: &mut values },
            ])?;
            self.attend(threads, &queries, &keys, &values, &mut attended)?;
            quantise(threads, &attended, hidden, self.activations.attention_output.into(), &mut rows)?;
            threads.multiply(vec![Product { linear: &layer.output, rows: &rows, out: &mut y }])?;
            add(&mut y, &x);
            layer.attention_norm.apply(threads, &y, self.epsilon, &mut x)?;

            quantise(threads, &x, hidden, self.activations.mlp_input.into(), &mut rows)?;
            threads.multiply(vec![Product { linear: &layer.intermediate, rows: &rows, out: &mut inner }])?;
            rows.reset(tokens.len(), wide, self.activations.mlp_output.into());
            let work = inner.chunks_exact_mut(wide).zip(rows.iter_mut());
            threads.each(tokens.len() * wide * COST_OF_EXP, work, |(inner, row)| {
                functions::gelu_all(threads.kernels(), inner);
                row.fill(threads.kernels(), inner)
            })?;
            threads.multiply(vec![Product { linear: &layer.down, rows: &rows, out: &mut y }])?;
            add(&mut y, &x);
            layer.output_norm.apply(threads, &y, self.epsilon, &mut x)?;
            step(done + 1)?;
        }
        Ok(x)
    }

    /// Attention of every position over all positions.
    fn attend(
        &self,
        threads: &Threads,
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
        out: &mut [f32],
    ) -> Result<(), Error> {
        let width = self.shape.hidden_size;
        let dim = width / self.shape.heads;
        let positions = queries.len() / width;
        let mut work = Vec::new();
        let mut rest = ColumnsMut::new(out, width);
        for head in 0..self.shape.heads {
            let (out, others) = rest.split_at(dim);
            rest = others;
            work.push((head, out));
        }
        threads.each(2 * positions * positions * width, work, |(head, out)| {
            let view = |from| Columns::new(from, width, head * dim, dim).ok_or(Error::Shape("attention"));
            let rounded = |from| -> Result<Vec<u16>, Error> {
                let from = view(from)?;
                let mut bits = vec![0; positions * dim];
                for (row, bits) in bits.chunks_exact_mut(dim).enumerate() {
                    half::all_to_bits(threads.kernels(), from.row(row), bits)?;
                }
                Ok(bits)
            };
            let (keys, values) = (rounded(keys)?, rounded(values)?);
            let queries = view(queries)?;
            let heads = Heads { queries, dim, keys: &keys, values: &values, scale: self.scale, mask: Mask::Full };
            attend(threads, &heads, out)
        })
    }
}

/// The mean of the rows: added in order, divided by their number.
pub fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        add(&mut sum, row);
    }
    let count = (rows.len() / width) as f32;
    for x in &mut sum {
        *x /= count;
    }
    sum
}
