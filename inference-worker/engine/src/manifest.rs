//! The manifest: every choice that two honest machines could make differently, and the files by content id.

use crate::{template, EngineError};
use assay_numerics::{rope::Scaling, Format, Precision};
use assay_types::Cid;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// File name of the manifest in an artefact.
pub const MANIFEST_FILE: &str = "manifest.json";
/// File name of the weights in an artefact.
pub const WEIGHTS_FILE: &str = "weights.safetensors";
/// File name of the tokenizer in an artefact.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// The tokenizer library whose results the profile accepts.
pub const TOKENIZER_LIBRARY: &str = "tokenizers 0.23";
/// The library whose results the profile accepts for chat templates; the workspace pins exactly this version.
pub const TEMPLATE_LIBRARY: &str = "minijinja 3.0.5";
/// Where the prompt goes in a template.
pub const PROMPT_MARK: &str = "{prompt}";
/// Longest context of a model, in tokens.
pub const MAX_CONTEXT: usize = 1 << 18;
/// Largest dimension of anything in a model.
const MAX_DIMENSION: usize = 1 << 22;
/// Most layers of a model.
const MAX_LAYERS: usize = 1024;

/// What a model is. Its canonical bytes are JSON with sorted keys and no spaces; their content id is the model's
/// identity on every chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The numerics profile: [`assay_numerics::PROFILE`].
    pub profile: String,
    /// Name for people.
    pub name: String,
    /// Where the weights come from.
    pub source: String,
    /// The licence of the weights, as an SPDX expression.
    pub licence: String,
    /// What the model does.
    pub kind: Kind,
    /// Shapes and constants.
    pub architecture: Architecture,
    /// Precision of the activations that enter each group of weights.
    pub activations: Activations,
    /// How the matrices of the layers are stored; absent: W8, as embeddings and output head are.
    #[serde(default, skip_serializing_if = "LayerWeights::is_usual")]
    pub layer_weights: LayerWeights,
    /// How text is generated; for text models only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextRules>,
    /// How a vector is made; for embedding models only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<EmbeddingRules>,
    /// The weights file.
    pub weights: File,
    /// The tokenizer file.
    pub tokenizer: File,
    /// The library that interprets the tokenizer file: [`TOKENIZER_LIBRARY`].
    pub tokenizer_library: String,
    /// Content id of the rotary table's little-endian bytes, for architectures that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_table: Option<String>,
}

/// What a model does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Generates text.
    Text,
    /// Embeds a text as a vector.
    Embedding,
}

/// A file of the artefact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Content id (CIDv1, raw, sha2-256) in text form.
    pub cid: String,
    /// Size in bytes.
    pub bytes: u64,
}

impl File {
    /// Names `contents`.
    pub fn of(contents: &[u8]) -> Self {
        Self { cid: Cid::of(contents).to_string(), bytes: contents.len() as u64 }
    }

    /// Checks that `contents` is the file that was named.
    pub(crate) fn check(&self, file: &'static str, contents: &[u8]) -> Result<(), EngineError> {
        let found = Self::of(contents);
        if found == *self {
            return Ok(());
        }
        Err(EngineError::Damaged {
            file,
            expected: self.cid.clone(),
            expected_bytes: self.bytes,
            found: found.cid,
            found_bytes: found.bytes,
        })
    }
}

/// A number in decimal text, so that no float is ever written by a JSON library.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal(pub String);

impl Decimal {
    /// The shortest text of `value`.
    pub fn of(value: f64) -> Self {
        Self(format!("{value:e}"))
    }

    /// The nearest f64, if the text is a positive finite number.
    pub fn value(&self) -> Option<f64> {
        self.0.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0)
    }
}

/// Shapes and constants of an architecture.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "lowercase")]
pub enum Architecture {
    /// A Llama decoder.
    Llama(Llama),
    /// A BERT encoder.
    Bert(Bert),
}

/// A decoder of the Llama family (Llama, TinyLlama, SmolLM2, Mistral, Qwen2, Qwen3): pre-norm RMSNorm, rotary embedding
/// over half-split pairs, grouped queries (query head h reads key head h / (heads / kv_heads)), SiLU-gated MLP.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Llama {
    /// Number of embeddings.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the MLP.
    pub intermediate_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head; even.
    pub head_dim: usize,
    /// Most tokens of prompt and answer together.
    pub max_context: usize,
    /// Added to the mean square in each norm.
    pub norm_epsilon: Decimal,
    /// Base of the rotary frequencies.
    pub rope_base: Decimal,
    /// Whether queries, keys and values have biases.
    pub attention_bias: bool,
    /// Whether the attention's output has a bias; absent: as queries, keys and values have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bias: Option<bool>,
    /// Whether each head of queries and keys is normalised by RMSNorm before it is rotated.
    #[serde(default, skip_serializing_if = "is_false")]
    pub qk_norm: bool,
    /// A position sees this many positions at most, its own included; absent: all before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sliding_window: Option<usize>,
    /// How the rotary frequencies are changed for longer contexts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<RopeScaling>,
    /// Whether the output head is the embedding matrix.
    pub tied_head: bool,
}

impl Llama {
    /// Whether the attention's output has a bias.
    pub fn has_output_bias(&self) -> bool {
        self.output_bias.unwrap_or(self.attention_bias)
    }

    /// How the rotary frequencies are changed; `None` if the numbers make no sense.
    pub fn frequency_scaling(&self) -> Option<Scaling> {
        self.rope_scaling.as_ref().map_or(Some(Scaling::None), RopeScaling::values)
    }
}

/// How rotary frequencies are changed for longer contexts than a model was first trained for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum RopeScaling {
    /// All frequencies are divided by the factor.
    Linear {
        /// The factor.
        factor: Decimal,
    },
    /// Llama 3: low frequencies are divided by the factor, high ones stay, those between are interpolated.
    Llama3 {
        /// The factor.
        factor: Decimal,
        /// Below original context / this many waves a frequency is low.
        low_frequency_factor: Decimal,
        /// Above original context / this many waves a frequency is high.
        high_frequency_factor: Decimal,
        /// The context that the model was first trained for.
        original_context: usize,
    },
}

impl RopeScaling {
    /// The numbers as the rotary table takes them; `None` if one is not a positive number, or if the two borders of
    /// Llama 3 are not in order.
    pub fn values(&self) -> Option<Scaling> {
        match self {
            Self::Linear { factor } => Some(Scaling::Linear { factor: factor.value()? }),
            Self::Llama3 { factor, low_frequency_factor, high_frequency_factor, original_context } => {
                let (low, high) = (low_frequency_factor.value()?, high_frequency_factor.value()?);
                let original_context = u32::try_from(*original_context).ok().filter(|context| *context > 0)?;
                (low < high).then_some(Scaling::Llama3 {
                    factor: factor.value()?,
                    low_frequency_factor: low,
                    high_frequency_factor: high,
                    original_context: f64::from(original_context),
                })
            }
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A BERT encoder: learned positions, post-norm LayerNorm, GELU by erf, attention over the whole text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bert {
    /// Number of embeddings.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the MLP.
    pub intermediate_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads; they divide the width.
    pub heads: usize,
    /// Number of learned positions.
    pub positions: usize,
    /// Number of token types; type 0 is used.
    pub token_types: usize,
    /// Added to the variance in each norm.
    pub norm_epsilon: Decimal,
}

/// Precision of activations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ActivationPrecision {
    /// 8 bits.
    A8,
    /// 16 bits.
    A16,
}

impl From<ActivationPrecision> for Precision {
    fn from(precision: ActivationPrecision) -> Self {
        match precision {
            ActivationPrecision::A8 => Self::A8,
            ActivationPrecision::A16 => Self::A16,
        }
    }
}

/// Precision of the activations that enter each group of weights, in every layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activations {
    /// Into queries, keys and values.
    pub attention_input: ActivationPrecision,
    /// Into the attention's output projection.
    pub attention_output: ActivationPrecision,
    /// Into the MLP's first projections.
    pub mlp_input: ActivationPrecision,
    /// Into the MLP's last projection.
    pub mlp_output: ActivationPrecision,
    /// Into the output head.
    pub head: ActivationPrecision,
}

impl Activations {
    /// 16 bits where rows have outliers and where errors reach the choice of a token, 8 elsewhere: for decoders.
    pub const MIXED: Self = {
        use ActivationPrecision::{A16, A8};
        Self { attention_input: A8, attention_output: A8, mlp_input: A8, mlp_output: A16, head: A16 }
    };
    /// 16 bits everywhere: for encoders. Measured on all-MiniLM-L6-v2, the cosine with the float model is 0.9997 or
    /// more so, with weights of 16 bits too, and as low as 0.994 with the mixed choice and weights of 8.
    pub const PRECISE: Self = {
        use ActivationPrecision::A16;
        Self { attention_input: A16, attention_output: A16, mlp_input: A16, mlp_output: A16, head: A16 }
    };
}

/// How the matrices of a model's layers are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum LayerWeights {
    /// Two bytes for each weight.
    W16,
    /// A byte for each weight.
    #[default]
    W8,
    /// Half a byte for each weight, and a multiplier for each 32 of them.
    W4,
}

impl LayerWeights {
    /// Every way, the finest first.
    pub const ALL: [Self; 3] = [Self::W16, Self::W8, Self::W4];

    /// Its name on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::W16 => "w16",
            Self::W8 => "w8",
            Self::W4 => "w4",
        }
    }

    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl From<LayerWeights> for Format {
    fn from(weights: LayerWeights) -> Self {
        match weights {
            LayerWeights::W16 => Self::W16,
            LayerWeights::W8 => Self::W8,
            LayerWeights::W4 => Self::W4,
        }
    }
}

impl FromStr for LayerWeights {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|weights| weights.name() == name);
        found.ok_or_else(|| "there are w16, w8 and w4".into())
    }
}

/// How text is generated.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRules {
    /// Token put before the prompt's tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<u32>,
    /// Tokens that end an answer.
    pub end: Vec<u32>,
    /// Text around the prompt; [`PROMPT_MARK`] stands for it once.
    pub template: String,
    /// How a message is put to the model, for models trained on conversations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatTemplate>,
}

/// A chat template: the prompt, inside [`TextRules::template`], becomes the only message of a user, and the answer is
/// the assistant's. See [`crate::template`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatTemplate {
    /// The template, in Jinja.
    pub source: String,
    /// The text of `bos_token` in it.
    pub begin_text: String,
    /// The text of `eos_token` in it.
    pub end_text: String,
    /// The library that renders it: [`TEMPLATE_LIBRARY`].
    pub library: String,
}

/// How a vector is made from hidden rows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingRules {
    /// A text is cut after this many tokens, the special ones included.
    pub max_tokens: usize,
    /// How rows become one vector.
    pub pooling: Pooling,
    /// Whether the vector is scaled to length 1.
    pub normalise: bool,
}

/// How rows become one vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over all tokens: added in order, divided by their number.
    Mean,
}

impl Manifest {
    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        // A struct of strings, numbers and lists always has a JSON value.
        let value = serde_json::to_value(self).unwrap_or_default();
        write_canonical(&value, &mut out);
        out.into_bytes()
    }

    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`EngineError::Manifest`], [`EngineError::ManifestNotCanonical`], [`EngineError::Profile`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EngineError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| EngineError::Manifest(error.to_string()))?;
        if manifest.profile != assay_numerics::PROFILE {
            return Err(EngineError::Profile { found: manifest.profile });
        }
        manifest.check().map_err(|reason| EngineError::Manifest(reason.into()))?;
        if manifest.to_bytes() != bytes {
            return Err(EngineError::ManifestNotCanonical);
        }
        Ok(manifest)
    }

    /// The model's identity.
    pub fn cid(&self) -> Cid {
        Cid::of(&self.to_bytes())
    }

    /// What about this manifest makes no sense, if anything.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.tokenizer_library != TOKENIZER_LIBRARY {
            return Err("another tokenizer library is asked for");
        }
        let (Architecture::Llama(Llama { layers, .. }) | Architecture::Bert(Bert { layers, .. })) = &self.architecture;
        if *layers > MAX_LAYERS {
            return Err("there are too many layers");
        }
        match (&self.architecture, self.kind, &self.text, &self.embedding) {
            (Architecture::Llama(llama), Kind::Text, Some(text), None) => {
                let sizes = [llama.vocab_size, llama.hidden_size, llama.intermediate_size, llama.layers];
                let heads = [llama.heads, llama.kv_heads, llama.head_dim];
                check_sizes(&[&sizes[..], &heads[..]].concat())?;
                if llama.heads % llama.kv_heads != 0 || llama.head_dim % 2 != 0 {
                    return Err("the heads do not fit together");
                }
                if !(2..=MAX_CONTEXT).contains(&llama.max_context) {
                    return Err("the context is out of range");
                }
                if llama.rope_base.value().is_none() || llama.norm_epsilon.value().is_none() {
                    return Err("a constant is not a positive number");
                }
                if llama.frequency_scaling().is_none() {
                    return Err("the scaling of rotary frequencies makes no sense");
                }
                if llama.sliding_window == Some(0) {
                    return Err("the sliding window is empty");
                }
                if self.rope_table.is_none() {
                    return Err("the rotary table is not named");
                }
                if text.template.matches(PROMPT_MARK).count() != 1 {
                    return Err("the template must hold {prompt} once");
                }
                if let Some(chat) = &text.chat {
                    if chat.library != TEMPLATE_LIBRARY {
                        return Err("another template library is asked for");
                    }
                    if !template::is_well_formed(chat) {
                        return Err("the chat template is too long or cannot be parsed");
                    }
                }
                if text.begin.iter().chain(&text.end).any(|id| *id as usize >= llama.vocab_size) {
                    return Err("a special token is not in the vocabulary");
                }
            }
            (Architecture::Bert(bert), Kind::Embedding, None, Some(embedding)) => {
                let sizes = [bert.vocab_size, bert.hidden_size, bert.intermediate_size, bert.layers];
                check_sizes(&[&sizes[..], &[bert.heads, bert.positions, bert.token_types][..]].concat())?;
                if bert.hidden_size % bert.heads != 0 {
                    return Err("the heads do not fit together");
                }
                if bert.norm_epsilon.value().is_none() {
                    return Err("a constant is not a positive number");
                }
                if !(3..=bert.positions).contains(&embedding.max_tokens) {
                    return Err("the longest text is out of range");
                }
                if self.rope_table.is_some() {
                    return Err("a rotary table is named for an architecture that has none");
                }
            }
            _ => return Err("kind, architecture and rules do not fit together"),
        }
        Ok(())
    }
}

fn check_sizes(sizes: &[usize]) -> Result<(), &'static str> {
    if sizes.iter().all(|size| (1..=MAX_DIMENSION).contains(size)) {
        Ok(())
    } else {
        Err("a size is out of range")
    }
}

/// Writes JSON with sorted keys and no spaces, whatever order the library's maps keep.
pub(crate) fn write_canonical(value: &serde_json::Value, out: &mut String) {
    match value {
        serde_json::Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, value)) in fields.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        serde_json::Value::Array(items) => {
            out.push('[');
            for (i, value) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(value, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}
