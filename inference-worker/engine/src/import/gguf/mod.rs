//! GGUF files: decoders of the architectures `llama` (Llama, Mistral, TinyLlama, SmolLM2), `qwen2` and `qwen3`.

mod blocks;
mod file;
mod tokenizer;

#[cfg(test)]
pub(crate) mod tests;

use super::{text_rules, Description, Options};
use crate::{
    artefact::Spec,
    manifest::{Architecture, Decimal, Llama, RopeScaling, TextRules},
    EngineError,
};
use file::{Container, Value};
use std::collections::BTreeSet;

/// Base of the rotary frequencies where a file does not say: the format's own default.
const ROPE_BASE: f64 = 10_000.0;
/// Llama 3's own numbers, which a file does not name: it holds the factor of each frequency instead.
const LLAMA3_LOW: f64 = 1.0;
const LLAMA3_HIGH: f64 = 4.0;
const LLAMA3_CONTEXT: usize = 8192;
/// Largest relative difference of a stored frequency factor, which somebody computed in single precision.
const FACTOR_TOLERANCE: f64 = 1e-4;
/// The tensor of frequency factors.
const ROPE_FACTORS: &str = "rope_freqs.weight";

/// Fields, after the architecture's name, that the engine reads or that do not change results.
const FIELDS: &[&str] = &[
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "expert_count",
    "expert_used_count",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scale_linear",
    "rope.scaling.factor",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "rope.scaling.type",
    "tensor_data_layout",
    "vocab_size",
];

/// A GGUF file.
pub struct Gguf<B> {
    file: Container<B>,
    architecture: String,
    heads: usize,
    kv_heads: usize,
}

impl<B: AsRef<[u8]>> Gguf<B> {
    /// Reads everything but the tensors' contents.
    pub fn open(bytes: B) -> Result<Self, EngineError> {
        let file = Container::open(bytes)?;
        let architecture = file.text("general.architecture")?.unwrap_or_default().to_string();
        if !["llama", "qwen2", "qwen3"].contains(&architecture.as_str()) {
            let reason = format!("the GGUF architecture '{architecture}' is not known");
            return Err(EngineError::Unsupported(reason));
        }
        let mut source = Self { file, architecture, heads: 0, kv_heads: 0 };
        source.heads = source.size("attention.head_count")?;
        source.kv_heads = source.optional_size("attention.head_count_kv")?.unwrap_or(source.heads);
        Ok(source)
    }

    fn name(&self, field: &str) -> String {
        format!("{}.{field}", self.architecture)
    }

    fn optional_size(&self, field: &str) -> Result<Option<usize>, EngineError> {
        self.file.size(&self.name(field))
    }

    fn size(&self, field: &str) -> Result<usize, EngineError> {
        let missing = || EngineError::Unsupported(format!("the field '{}' is missing", self.name(field)));
        self.optional_size(field)?.ok_or_else(missing)
    }

    fn optional_number(&self, field: &str) -> Result<Option<Decimal>, EngineError> {
        let name = self.name(field);
        match self.file.get(&name) {
            None => Ok(None),
            // The shortest text that reads back as the same single: what the configuration said before.
            Some(Value::F32(number)) => Ok(Some(Decimal(format!("{number:e}")))),
            Some(Value::F64(number)) => Ok(Some(Decimal::of(*number))),
            Some(_) => Err(EngineError::Unsupported(format!("the field '{name}' is not a number"))),
        }
    }

    /// Refuses fields whose meaning the engine does not have.
    fn check_fields(&self) -> Result<(), EngineError> {
        let prefix = self.name("");
        let unknown = |field: &&str| field.strip_prefix(&prefix).is_some_and(|field| !FIELDS.contains(&field));
        if let Some(field) = self.file.fields().find(unknown) {
            return Err(EngineError::Unsupported(format!("the engine does not know the field '{field}'")));
        }
        if self.optional_size("expert_count")?.unwrap_or(0) != 0 {
            return Err(EngineError::Unsupported("the engine has no mixture of experts".into()));
        }
        if self.file.get("split.count").is_some_and(|count| *count != Value::Integer(1)) {
            return Err(EngineError::Unsupported("the model is split into several GGUF files; join them first".into()));
        }
        Ok(())
    }

    fn has(&self, tensor: &str) -> bool {
        self.file.tensors().contains_key(tensor)
    }

    fn shape(&self, options: &Options) -> Result<Llama, EngineError> {
        self.check_fields()?;
        let hidden_size = self.size("embedding_length")?;
        let head_dim = match self.optional_size("attention.key_length")? {
            Some(size) => size,
            None => hidden_size.checked_div(self.heads).unwrap_or(0),
        };
        for field in ["attention.value_length", "rope.dimension_count"] {
            if let Some(other) = self.optional_size(field)?.filter(|size| *size != head_dim) {
                let reason =
                    format!("'{}' is {other}, the engine has it equal to a head's {head_dim} only", self.name(field));
                return Err(EngineError::Unsupported(reason));
            }
        }
        let embeddings = self.file.tensors().get("token_embd.weight").and_then(|tensor| tensor.shape.first());
        let vocab_size = *embeddings.ok_or_else(|| EngineError::MissingTensor("token_embd.weight".into()))?;
        let rope_base = self.optional_number("rope.freq_base")?.unwrap_or_else(|| Decimal::of(ROPE_BASE));
        let (bias, output_bias) = (self.has("blk.0.attn_q.bias"), self.has("blk.0.attn_output.bias"));
        let context = self.size("context_length")?;
        let mut shape = Llama {
            vocab_size,
            hidden_size,
            intermediate_size: self.size("feed_forward_length")?,
            layers: self.size("block_count")?,
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim,
            max_context: options.max_context.unwrap_or(context).min(context),
            norm_epsilon: self.optional_number("attention.layer_norm_rms_epsilon")?.ok_or_else(|| {
                EngineError::Unsupported(format!(
                    "the field '{}' is missing",
                    self.name("attention.layer_norm_rms_epsilon")
                ))
            })?,
            rope_base,
            attention_bias: bias,
            output_bias: (bias != output_bias).then_some(output_bias),
            qk_norm: self.architecture == "qwen3",
            sliding_window: self.optional_size("attention.sliding_window")?,
            rope_scaling: None,
            tied_head: !self.has("output.weight"),
        };
        shape.rope_scaling = self.rope_scaling(&shape)?;
        Ok(shape)
    }

    fn rope_scaling(&self, shape: &Llama) -> Result<Option<RopeScaling>, EngineError> {
        let kind = self.file.text(&self.name("rope.scaling.type"))?;
        let factor = self.optional_number("rope.scaling.factor")?;
        let old = self.optional_number("rope.scale_linear")?.filter(|factor| factor.value() != Some(1.0));
        let named = match (kind, factor, old) {
            (None | Some("none"), _, None) => None,
            (None | Some("linear"), None, Some(factor)) | (Some("linear"), Some(factor), None) => {
                Some(RopeScaling::Linear { factor })
            }
            (kind, _, _) => {
                let reason = format!("the engine has no rope scaling '{}' of this form", kind.unwrap_or("linear"));
                return Err(EngineError::Unsupported(reason));
            }
        };
        let Some(tensor) = self.file.tensors().get(ROPE_FACTORS) else { return Ok(named) };
        if named.is_some() || tensor.shape != [shape.head_dim / 2] {
            let reason = format!("{ROPE_FACTORS} does not fit the model's heads or its other rope scaling");
            return Err(EngineError::Unsupported(reason));
        }
        let factors = tensor.kind.floats(self.file.data(tensor));
        self.llama3(shape, &factors).map(Some)
    }

    /// Llama 3's scaling, whose factor is that of the lowest frequency; the other factors must follow from it.
    fn llama3(&self, shape: &Llama, factors: &[f32]) -> Result<RopeScaling, EngineError> {
        let foreign =
            || EngineError::Unsupported(format!("{ROPE_FACTORS} holds other factors than Llama 3's scaling gives"));
        let largest = factors.last().copied().filter(|factor| *factor >= 1.0 && factor.is_finite());
        let scaling = RopeScaling::Llama3 {
            factor: Decimal(format!("{:e}", largest.ok_or_else(foreign)?)),
            low_frequency_factor: Decimal::of(LLAMA3_LOW),
            high_frequency_factor: Decimal::of(LLAMA3_HIGH),
            original_context: self.optional_size("rope.scaling.original_context_length")?.unwrap_or(LLAMA3_CONTEXT),
        };
        let (values, base) = scaling.values().zip(shape.rope_base.value()).ok_or_else(foreign)?;
        for (i, factor) in factors.iter().enumerate() {
            let frequency = base.powf(-2.0 * i as f64 / shape.head_dim as f64);
            let expected = frequency / values.apply(frequency);
            if (f64::from(*factor) / expected - 1.0).abs() > FACTOR_TOLERANCE {
                return Err(foreign());
            }
        }
        Ok(scaling)
    }

    fn text_rules(&self, tokens: &tokenizer::Tokens<'_>, options: &Options) -> Result<TextRules, EngineError> {
        let id = |name: &str| -> Result<Option<u32>, EngineError> {
            let id = self.file.size(&format!("tokenizer.ggml.{name}"))?;
            Ok(id.and_then(|id| u32::try_from(id).ok()))
        };
        let begin = id("bos_token_id")?;
        let end = id("eos_token_id")?;
        let asked = self.file.flag("tokenizer.ggml.add_bos_token")?.unwrap_or(tokens.begins_by_default());
        if self.file.flag("tokenizer.ggml.add_eos_token")?.unwrap_or(false) {
            return Err(EngineError::Unsupported("the tokenizer ends every prompt with eos_token".into()));
        }
        if asked && begin.is_none() {
            return Err(EngineError::Unsupported("the field 'tokenizer.ggml.bos_token_id' is missing".into()));
        }
        let mut ends: BTreeSet<u32> = end.into_iter().collect();
        for name in ["eot_token_id", "eom_token_id"] {
            ends.extend(id(name)?);
        }
        let text = |id: Option<u32>| id.and_then(|id| tokens.text(id)).unwrap_or_default().to_string();
        let chat = if options.chat_template { self.file.text("tokenizer.chat_template")? } else { None };
        let begins = begin.filter(|_| asked);
        Ok(text_rules(options, begins, ends, chat.map(String::from), text(begin), text(end)))
    }
}

impl<B: AsRef<[u8]>> super::Source for Gguf<B> {
    fn describe(&self, options: &Options) -> Result<Description, EngineError> {
        let shape = self.shape(options)?;
        let tokens = tokenizer::Tokens::read(&self.file)?;
        let text = self.text_rules(&tokens, options)?;
        Ok(Description {
            architecture: Architecture::Llama(shape),
            text: Some(text),
            embedding: None,
            tokenizer: tokens.to_json()?,
        })
    }

    fn values(&self, spec: &Spec) -> Result<Vec<f32>, EngineError> {
        let missing = || EngineError::MissingTensor(spec.name.clone());
        let name = stored_name(&spec.name).ok_or_else(missing)?;
        let tensor = self.file.tensors().get(&name).ok_or_else(missing)?;
        if tensor.shape != spec.shape {
            return Err(EngineError::Tensor {
                name,
                found: format!("{:?} {:?}", tensor.kind, tensor.shape),
                expected: format!("{:?}", spec.shape),
            });
        }
        let values = tensor.kind.floats(self.file.data(tensor));
        // Only this architecture's exporter re-orders rows.
        if self.architecture != "llama" {
            return Ok(values);
        }
        if spec.name.contains(".q_proj.") {
            return Ok(half_split(&values, spec, self.heads));
        }
        if spec.name.contains(".k_proj.") {
            return Ok(half_split(&values, spec, self.kv_heads));
        }
        Ok(values)
    }

    fn tensors(&self, _: &Architecture) -> Vec<String> {
        let names = self.file.tensors().keys().filter(|name| *name != ROPE_FACTORS);
        names.map(|name| source_name(name).unwrap_or_else(|| name.clone())).collect()
    }
}

/// Puts the rows of each head back from interleaved rotary pairs (2 i, 2 i + 1) to half-split ones (i, i + half).
fn half_split(values: &[f32], spec: &Spec, heads: usize) -> Vec<f32> {
    let rows = spec.shape.first().copied().unwrap_or(0);
    let columns = spec.shape.get(1).copied().unwrap_or(1);
    let half = rows.checked_div(2 * heads).unwrap_or(0);
    let mut out = Vec::with_capacity(values.len());
    for head in values.chunks_exact((2 * half * columns).max(1)) {
        for parity in 0..2 {
            let rows = head.chunks_exact(columns).skip(parity).step_by(2);
            rows.for_each(|row| out.extend_from_slice(row));
        }
    }
    out
}

/// The parts of a layer: as the specs name them, and as GGUF files do.
const LAYER_PARTS: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// The parts that are there once.
const PARTS: &[(&str, &str)] = &[
    ("model.embed_tokens.weight", "token_embd.weight"),
    ("model.norm.weight", "output_norm.weight"),
    ("lm_head.weight", "output.weight"),
];

/// A spec's name as GGUF files have it.
fn stored_name(name: &str) -> Option<String> {
    if let Some((_, stored)) = PARTS.iter().find(|(own, _)| *own == name) {
        return Some((*stored).into());
    }
    let (layer, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (part, kind) = part.rsplit_once('.')?;
    let (_, stored) = LAYER_PARTS.iter().find(|(own, _)| *own == part)?;
    Some(format!("blk.{layer}.{stored}.{kind}"))
}

/// A name in a GGUF file as the specs have it.
fn source_name(name: &str) -> Option<String> {
    if let Some((own, _)) = PARTS.iter().find(|(_, stored)| *stored == name) {
        return Some((*own).into());
    }
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    let (part, kind) = part.rsplit_once('.')?;
    let (own, _) = LAYER_PARTS.iter().find(|(_, stored)| *stored == part)?;
    Some(format!("model.layers.{layer}.{own}.{kind}"))
}
