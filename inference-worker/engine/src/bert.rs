//! The BERT encoder.

use crate::{
    artefact::Tensors,
    llama::{add, quantise, Linear},
    manifest::{self, Activations},
    EngineError,
};
use assay_numerics::{attention, functions, half, norm, Error, Matrix};

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Norm {
    fn take(tensors: &mut Tensors, name: &str) -> Result<Self, EngineError> {
        Ok(Self { weight: tensors.vector(&format!("{name}.weight"))?, bias: tensors.vector(&format!("{name}.bias"))? })
    }

    fn apply(&self, x: &[f32], epsilon: f32) -> Result<Vec<f32>, Error> {
        let width = self.weight.len();
        let mut out = vec![0.0; x.len()];
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            norm::layer(x, &self.weight, &self.bias, epsilon, out)?;
        }
        Ok(out)
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
    words: Matrix,
    positions: Matrix,
    types: Matrix,
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
            words: tensors.matrix("embeddings.word_embeddings.weight")?,
            positions: tensors.matrix("embeddings.position_embeddings.weight")?,
            types: tensors.matrix("embeddings.token_type_embeddings.weight")?,
            norm: Norm::take(tensors, "embeddings.LayerNorm")?,
            layers,
        })
    }

    /// The final hidden rows of `tokens`, row-major. `step` is called after each layer with the number done, and may
    /// end the run.
    pub fn encode(
        &self,
        tokens: &[u32],
        mut step: impl FnMut(usize) -> Result<(), EngineError>,
    ) -> Result<Vec<f32>, EngineError> {
        let hidden = self.shape.hidden_size;
        let mut x = vec![0.0; tokens.len() * hidden];
        let (mut kind, mut place) = (vec![0.0; hidden], vec![0.0; hidden]);
        for (position, (token, x)) in tokens.iter().zip(x.chunks_exact_mut(hidden)).enumerate() {
            let read = self.words.read_row(*token as usize, x)
                && self.types.read_row(0, &mut kind)
                && self.positions.read_row(position, &mut place);
            if !read {
                return Err(Error::Shape("the vocabulary").into());
            }
            add(x, &kind);
            add(x, &place);
        }
        let mut x = self.norm.apply(&x, self.epsilon)?;
        for (done, layer) in self.layers.iter().enumerate() {
            let rows = quantise(&x, hidden, self.activations.attention_input.into())?;
            let attended =
                self.attend(&layer.query.apply(&rows)?, &layer.key.apply(&rows)?, &layer.value.apply(&rows)?)?;
            let rows = quantise(&attended, hidden, self.activations.attention_output.into())?;
            let mut y = layer.output.apply(&rows)?;
            add(&mut y, &x);
            x = layer.attention_norm.apply(&y, self.epsilon)?;

            let rows = quantise(&x, hidden, self.activations.mlp_input.into())?;
            let mut wide = layer.intermediate.apply(&rows)?;
            functions::gelu_all(&mut wide);
            let rows = quantise(&wide, self.shape.intermediate_size, self.activations.mlp_output.into())?;
            let mut y = layer.down.apply(&rows)?;
            add(&mut y, &x);
            x = layer.output_norm.apply(&y, self.epsilon)?;
            step(done + 1)?;
        }
        Ok(x)
    }

    /// Attention of every position over all positions.
    fn attend(&self, queries: &[f32], keys: &[f32], values: &[f32]) -> Result<Vec<f32>, Error> {
        let width = self.shape.hidden_size;
        let dim = width / self.shape.heads;
        let mut out = vec![0.0; queries.len()];
        let mut scratch = attention::Scratch::default();
        for head in 0..self.shape.heads {
            let span = head * dim..(head + 1) * dim;
            let gather = |from: &[f32]| -> Result<Vec<f32>, Error> {
                from.chunks_exact(width).flat_map(|row| &row[span.clone()]).map(|x| half::round(*x)).collect()
            };
            let (keys, values) = (gather(keys)?, gather(values)?);
            for (query, out) in queries.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
                attention::attend(
                    &query[span.clone()],
                    &keys,
                    &values,
                    self.scale,
                    &mut scratch,
                    &mut out[span.clone()],
                )?;
            }
        }
        Ok(out)
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
