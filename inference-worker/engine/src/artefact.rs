//! The tensors of an artefact: which there must be, how they are stored, and how they are read back.

use crate::{
    manifest::{Architecture, Bert, LayerWeights, Llama},
    EngineError,
};
use assay_numerics::{
    matrix::{Bytes, BLOCK, GROUP},
    Format, Matrix, Weights,
};
use safetensors::{Dtype, SafeTensors, View};
use std::{borrow::Cow, collections::BTreeMap};

/// Added to a matrix's name for the tensor that holds its scales.
const SCALE_SUFFIX: &str = ".scale";
/// Added to a W4 matrix's name for the tensor that holds its multipliers.
const MULTIPLIER_SUFFIX: &str = ".multiplier";
/// What the names of a layer's tensors begin with.
const LAYERS: [&str; 2] = ["model.layers.", "encoder.layer."];

/// A tensor that an architecture has.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name, as in the source.
    pub name: String,
    /// Rows and columns of a matrix, which is quantised; only the length of a vector, which stays in floats.
    pub shape: Vec<usize>,
}

impl Spec {
    /// How a matrix is stored in a model whose layers are stored as `layers` says.
    pub fn format(&self, layers: LayerWeights) -> Format {
        if LAYERS.iter().any(|layer| self.name.starts_with(layer)) {
            layers.into()
        } else {
            Format::W8
        }
    }
}

/// Every tensor of `architecture`.
pub fn specs(architecture: &Architecture) -> Vec<Spec> {
    match architecture {
        Architecture::Llama(llama) => llama_specs(llama),
        Architecture::Bert(bert) => bert_specs(bert),
    }
}

fn spec(name: String, shape: &[usize]) -> Spec {
    Spec { name, shape: shape.to_vec() }
}

fn llama_specs(llama: &Llama) -> Vec<Spec> {
    let (hidden, wide) = (llama.hidden_size, llama.intermediate_size);
    let (queries, keys) = (llama.heads * llama.head_dim, llama.kv_heads * llama.head_dim);
    let mut specs = vec![
        spec("model.embed_tokens.weight".into(), &[llama.vocab_size, hidden]),
        spec("model.norm.weight".into(), &[hidden]),
    ];
    if !llama.tied_head {
        specs.push(spec("lm_head.weight".into(), &[llama.vocab_size, hidden]));
    }
    for layer in 0..llama.layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        specs.push(spec(name("input_layernorm.weight"), &[hidden]));
        specs.push(spec(name("post_attention_layernorm.weight"), &[hidden]));
        for (part, outputs, inputs) in [
            ("q_proj", queries, hidden),
            ("k_proj", keys, hidden),
            ("v_proj", keys, hidden),
            ("o_proj", hidden, queries),
        ] {
            specs.push(spec(name(&format!("self_attn.{part}.weight")), &[outputs, inputs]));
            let bias = if part == "o_proj" { llama.has_output_bias() } else { llama.attention_bias };
            if bias {
                specs.push(spec(name(&format!("self_attn.{part}.bias")), &[outputs]));
            }
        }
        if llama.qk_norm {
            specs.push(spec(name("self_attn.q_norm.weight"), &[llama.head_dim]));
            specs.push(spec(name("self_attn.k_norm.weight"), &[llama.head_dim]));
        }
        specs.push(spec(name("mlp.gate_proj.weight"), &[wide, hidden]));
        specs.push(spec(name("mlp.up_proj.weight"), &[wide, hidden]));
        specs.push(spec(name("mlp.down_proj.weight"), &[hidden, wide]));
    }
    specs
}

fn bert_specs(bert: &Bert) -> Vec<Spec> {
    let (hidden, wide) = (bert.hidden_size, bert.intermediate_size);
    let mut specs = vec![
        spec("embeddings.word_embeddings.weight".into(), &[bert.vocab_size, hidden]),
        spec("embeddings.position_embeddings.weight".into(), &[bert.positions, hidden]),
        spec("embeddings.token_type_embeddings.weight".into(), &[bert.token_types, hidden]),
        spec("embeddings.LayerNorm.weight".into(), &[hidden]),
        spec("embeddings.LayerNorm.bias".into(), &[hidden]),
    ];
    for layer in 0..bert.layers {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        for (part, outputs, inputs) in [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", wide, hidden),
            ("output.dense", hidden, wide),
        ] {
            specs.push(spec(name(&format!("{part}.weight")), &[outputs, inputs]));
            specs.push(spec(name(&format!("{part}.bias")), &[outputs]));
        }
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            specs.push(spec(name(&format!("{part}.weight")), &[hidden]));
            specs.push(spec(name(&format!("{part}.bias")), &[hidden]));
        }
    }
    specs
}

/// The tensors of a model, by name.
#[derive(Default)]
pub struct Tensors {
    matrices: BTreeMap<String, Matrix>,
    vectors: BTreeMap<String, Vec<f32>>,
}

impl Tensors {
    /// Quantises a source tensor, if it is a matrix, and adds it.
    pub fn add(&mut self, spec: &Spec, values: Vec<f32>, layers: LayerWeights) -> Result<(), EngineError> {
        match spec.shape.as_slice() {
            [_, columns] => {
                let quantised = match spec.format(layers) {
                    Format::W16 => Matrix::quantise_w16(*columns, &values),
                    Format::W8 => Matrix::quantise(*columns, &values),
                    Format::W4 => Matrix::quantise_w4(*columns, &values),
                };
                self.matrices.insert(spec.name.clone(), quantised?);
            }
            _ => {
                if !assay_numerics::reduce::all_finite(&values) {
                    return Err(assay_numerics::Error::NotFinite("a weight vector").into());
                }
                self.vectors.insert(spec.name.clone(), values);
            }
        }
        Ok(())
    }

    /// Adds a matrix that is quantised already.
    pub fn insert(&mut self, name: String, matrix: Matrix) {
        self.matrices.insert(name, matrix);
    }

    /// The bytes of the weights file: the same for the same tensors on every machine.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EngineError> {
        let matrices = self.matrices.iter().flat_map(|(name, matrix)| {
            let rows = matrix.rows();
            let part =
                |suffix: &str, columns, data| (format!("{name}{suffix}"), Stored { shape: vec![rows, columns], data });
            let mut parts = match matrix.weights() {
                Weights::W16(halves) => vec![part("", 2 * matrix.columns(), Data::I8(halves))],
                Weights::W8(values) => vec![part("", matrix.columns(), Data::I8(values))],
                Weights::W4 { nibbles, multipliers } => {
                    let blocks = matrix.columns().div_ceil(BLOCK);
                    vec![
                        part("", blocks * GROUP, Data::U8(nibbles)),
                        part(MULTIPLIER_SUFFIX, blocks * 2, Data::U8(multipliers)),
                    ]
                }
            };
            parts.push((format!("{name}{SCALE_SUFFIX}"), Stored::floats(matrix.scales())));
            parts
        });
        let vectors = self.vectors.iter().map(|(name, vector)| (name.clone(), Stored::floats(vector)));
        safetensors::serialize(matrices.chain(vectors), None).map_err(|error| EngineError::Weights(error.to_string()))
    }

    /// Reads a weights file and checks that it holds exactly the tensors of `architecture`, stored as `layers` says.
    /// Matrices stay where they are in the file.
    pub fn from_bytes(shared: &Bytes, architecture: &Architecture, layers: LayerWeights) -> Result<Self, EngineError> {
        let bytes = (**shared).as_ref();
        let file = SafeTensors::deserialize(bytes).map_err(|error| EngineError::Weights(error.to_string()))?;
        let mut tensors = Self::default();
        let mut expected = 0;
        // A view is a part of `bytes`, so its place in them is the distance of the addresses.
        let range = |view: &[u8]| {
            let begin = (view.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize);
            begin..begin.wrapping_add(view.len())
        };
        for spec in specs(architecture) {
            match spec.shape.as_slice() {
                [rows, columns] => {
                    let scales = read(&file, &format!("{}{SCALE_SUFFIX}", spec.name), Dtype::F32, &[*rows])?;
                    let matrix = match spec.format(layers) {
                        Format::W16 => {
                            let halves = read(&file, &spec.name, Dtype::I8, &[*rows, columns.saturating_mul(2)])?;
                            expected += 2;
                            Matrix::shared_w16(*columns, shared.clone(), range(halves), floats(scales))?
                        }
                        Format::W8 => {
                            let values = read(&file, &spec.name, Dtype::I8, &spec.shape)?;
                            expected += 2;
                            Matrix::shared(*columns, shared.clone(), range(values), floats(scales))?
                        }
                        Format::W4 => {
                            let blocks = columns.div_ceil(BLOCK);
                            let nibbles = read(&file, &spec.name, Dtype::U8, &[*rows, blocks * GROUP])?;
                            let name = format!("{}{MULTIPLIER_SUFFIX}", spec.name);
                            let multipliers = read(&file, &name, Dtype::U8, &[*rows, blocks * 2])?;
                            expected += 3;
                            let (nibbles, multipliers) = (range(nibbles), range(multipliers));
                            Matrix::shared_w4(*columns, shared.clone(), nibbles, multipliers, floats(scales))?
                        }
                    };
                    tensors.matrices.insert(spec.name, matrix);
                }
                _ => {
                    let values = read(&file, &spec.name, Dtype::F32, &spec.shape)?;
                    tensors.vectors.insert(spec.name, floats(values));
                    expected += 1;
                }
            }
        }
        if file.len() != expected {
            let known = |name: &str| {
                let is_w4 = |matrix: &str| tensors.matrices.get(matrix).is_some_and(|m| m.format() == Format::W4);
                let matrix = name.strip_suffix(SCALE_SUFFIX).unwrap_or(name);
                name.strip_suffix(MULTIPLIER_SUFFIX).is_some_and(is_w4)
                    || tensors.matrices.contains_key(matrix)
                    || tensors.vectors.contains_key(name)
            };
            let unknown = file.names().into_iter().filter(|name| !known(name)).min().unwrap_or_default();
            return Err(EngineError::UnexpectedTensor(unknown.to_string()));
        }
        Ok(tensors)
    }

    /// Takes a matrix out.
    pub fn matrix(&mut self, name: &str) -> Result<Matrix, EngineError> {
        self.matrices.remove(name).ok_or_else(|| EngineError::MissingTensor(name.into()))
    }

    /// Takes a vector out.
    pub fn vector(&mut self, name: &str) -> Result<Vec<f32>, EngineError> {
        self.vectors.remove(name).ok_or_else(|| EngineError::MissingTensor(name.into()))
    }
}

fn read<'a>(file: &SafeTensors<'a>, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'a [u8], EngineError> {
    let view = file.tensor(name).map_err(|_| EngineError::MissingTensor(name.into()))?;
    if view.dtype() != dtype || view.shape() != shape {
        return Err(EngineError::Tensor {
            name: name.into(),
            found: format!("{:?} {:?}", view.dtype(), view.shape()),
            expected: format!("{dtype:?} {shape:?}"),
        });
    }
    Ok(view.data())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// A tensor on its way into a file. Its bytes are made when they are written: there is no third copy of a large model.
struct Stored<'a> {
    shape: Vec<usize>,
    data: Data<'a>,
}

enum Data<'a> {
    I8(&'a [i8]),
    U8(&'a [u8]),
    F32(&'a [f32]),
}

impl<'a> Stored<'a> {
    fn floats(values: &'a [f32]) -> Self {
        Self { shape: vec![values.len()], data: Data::F32(values) }
    }
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self.data {
            Data::I8(_) => Dtype::I8,
            Data::U8(_) => Dtype::U8,
            Data::F32(_) => Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.data {
            Data::I8(values) => values.iter().map(|q| q.cast_unsigned()).collect(),
            Data::U8(values) => values.into(),
            Data::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    fn data_len(&self) -> usize {
        match self.data {
            Data::I8(values) => values.len(),
            Data::U8(values) => values.len(),
            Data::F32(values) => 4 * values.len(),
        }
    }
}
