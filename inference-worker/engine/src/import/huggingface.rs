//! Hugging Face folders: what `config.json` and the files beside it mean, and the tensors of safetensors files.

use super::{map, present, read_small, text_rules, unsupported, Description, Options, Source};
use crate::{
    artefact::Spec,
    manifest::{Architecture, Bert, Decimal, EmbeddingRules, Llama, Pooling, RopeScaling, TextRules, TOKENIZER_FILE},
    model::read_tokenizer,
    EngineError,
};
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::{Path, PathBuf},
};

/// Longest text of an embedding model whose folder does not say.
const DEFAULT_EMBEDDING_TOKENS: usize = 256;
/// The window of a Mistral model whose configuration does not say: the source format's own default.
const MISTRAL_WINDOW: usize = 4096;
/// Base of the rotary frequencies where the configuration does not say: the source format's own default.
const ROPE_BASE: f64 = 10_000.0;
/// Most bytes of a JSON file or a template.
const MAX_TEXT_FILE: u64 = 1 << 28;

/// Fields of `config.json` that say nothing about how logits are computed, or that are read elsewhere.
const HARMLESS: &[&str] = &[
    "_attn_implementation_autoset",
    "_name_or_path",
    "architectures",
    "attention_dropout",
    "attention_probs_dropout_prob",
    "bos_token_id",
    "chunk_size_feed_forward",
    "classifier_dropout",
    "dtype",
    "eos_token_id",
    "gradient_checkpointing",
    "hidden_dropout_prob",
    "id2label",
    "initializer_range",
    "label2id",
    "max_length",
    "model_type",
    "output_attentions",
    "output_hidden_states",
    "pad_token_id",
    "pretraining_tp",
    "problem_type",
    "return_dict",
    "torch_dtype",
    "transformers.js_config",
    "transformers_version",
    "unsloth_fixed",
    "unsloth_version",
    "use_cache",
];

/// Fields that every decoder's shape is read from.
const DECODER: &[&str] = &[
    "head_dim",
    "hidden_act",
    "hidden_size",
    "intermediate_size",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "num_key_value_heads",
    "rms_norm_eps",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "tie_word_embeddings",
    "vocab_size",
];

/// A folder, its configuration and its tensors' places.
pub struct Folder {
    path: PathBuf,
    config: Json,
    shards: Vec<Mmap>,
    tensors: BTreeMap<String, Place>,
}

/// Where a tensor is.
struct Place {
    shard: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

impl Folder {
    /// Reads the configuration and where the tensors are.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let config = Json::read(&path.join("config.json"))?;
        let mut names = BTreeSet::new();
        match Json::read_if_present(path, "model.safetensors.index.json")? {
            Some(index) => {
                let map: BTreeMap<String, String> = index
                    .field("weight_map")
                    .and_then(|map| serde_json::from_value(map.clone()).ok())
                    .ok_or_else(|| index.missing("weight_map"))?;
                // Shards are plain names beside the index: a path would lead out of the folder.
                names.extend(map.into_values().filter_map(|name| Some(Path::new(&name).file_name()?.to_os_string())));
            }
            None => {
                names.insert("model.safetensors".into());
            }
        }
        let mut folder = Self { path: path.into(), config, shards: Vec::new(), tensors: BTreeMap::new() };
        for name in names {
            folder.add_shard(&path.join(name))?;
        }
        Ok(folder)
    }

    fn add_shard(&mut self, path: &Path) -> Result<(), EngineError> {
        let bytes = map(path)?;
        let (header, metadata) = SafeTensors::read_metadata(&bytes)
            .map_err(|error| EngineError::Weights(format!("{}: {error}", path.display())))?;
        // The length of the header comes before it, in eight bytes.
        let begin = header.saturating_add(8);
        for (name, info) in metadata.tensors() {
            // Some exports put the architecture's name before each tensor's.
            let name = name.strip_prefix("bert.").unwrap_or(&name).to_string();
            let place = Place {
                shard: self.shards.len(),
                dtype: info.dtype,
                shape: info.shape.clone(),
                bytes: begin.saturating_add(info.data_offsets.0)..begin.saturating_add(info.data_offsets.1),
            };
            if self.tensors.insert(name.clone(), place).is_some() {
                return Err(EngineError::Weights(format!("{}: the tensor {name} is there twice", path.display())));
            }
        }
        self.shards.push(bytes);
        Ok(())
    }

    fn json(&self, name: &str) -> Result<Option<Json>, EngineError> {
        Json::read_if_present(&self.path, name)
    }

    fn text_rules(&self, tokenizer: &[u8], options: &Options) -> Result<TextRules, EngineError> {
        let settings = self.json("tokenizer_config.json")?;
        let generation = self.json("generation_config.json")?;
        let ids = |json: &Json, name: &str| -> Vec<u32> {
            let field = json.field(name).cloned().unwrap_or_default();
            let items = field.as_array().cloned().unwrap_or_else(|| vec![field]);
            items.iter().filter_map(Value::as_u64).filter_map(|id| u32::try_from(id).ok()).collect()
        };
        let mut end: BTreeSet<u32> = ids(&self.config, "eos_token_id").into_iter().collect();
        if let Some(generation) = &generation {
            end.extend(ids(generation, "eos_token_id"));
        }
        // What the tokenizer itself puts before an empty text, or else what its settings say.
        let tokenizer = read_tokenizer(tokenizer)?;
        let special = tokenizer.encode("", true).map_err(|error| EngineError::Tokenizer(error.to_string()))?;
        let own = special.get_ids().first().copied().filter(|id| !end.contains(id));
        let asked = settings.as_ref().map_or(Ok(false), |settings| settings.flag("add_bos_token"))?;
        let begin = own.or_else(|| if asked { ids(&self.config, "bos_token_id").first().copied() } else { None });
        let text = |name: &str| settings.as_ref().map(|settings| settings.token_text(name)).unwrap_or_default();
        let chat = if options.chat_template { self.chat_template(settings.as_ref())? } else { None };
        Ok(text_rules(options, begin, end, chat, text("bos_token"), text("eos_token")))
    }

    /// The template in a file of its own, or the one in the tokenizer's settings, where several may be named.
    fn chat_template(&self, settings: Option<&Json>) -> Result<Option<String>, EngineError> {
        if let Some(path) = present(&self.path, "chat_template.jinja") {
            let text = String::from_utf8(read_small(&path, MAX_TEXT_FILE)?);
            return text.map(Some).map_err(|_| unsupported(&path, "it is not UTF-8 text"));
        }
        let Some((settings, field)) = settings.and_then(|json| Some((json, json.field("chat_template")?))) else {
            return Ok(None);
        };
        let named = |template: &Value| template.get("name").and_then(Value::as_str) == Some("default");
        let source = match field {
            Value::Array(templates) => {
                templates.iter().find(|template| named(template)).and_then(|t| t.get("template"))
            }
            one => Some(one),
        };
        match source.and_then(Value::as_str) {
            Some(source) => Ok(Some(source.into())),
            None => Err(unsupported(&settings.1, "chat_template is neither a text nor a list with a 'default'")),
        }
    }

    fn embedding_rules(&self, bert: &Bert) -> Result<EmbeddingRules, EngineError> {
        let max_tokens = match self.json("sentence_bert_config.json")? {
            Some(settings) => {
                settings.must_be("do_lower_case", "false")?;
                settings.size("max_seq_length")?
            }
            None => DEFAULT_EMBEDDING_TOKENS,
        };
        if let Some(path) = present(&self.path.join("1_Pooling"), "config.json") {
            let pooling = Json::read(&path)?;
            let modes =
                pooling.0.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("pooling_mode"));
            let asked: Vec<&str> =
                modes.filter(|(_, value)| value.as_bool() == Some(true)).map(|(name, _)| name.as_str()).collect();
            if asked != ["pooling_mode_mean_tokens"] {
                return Err(unsupported(&path, "the engine has mean pooling only"));
            }
        }
        let mut normalise = true;
        if let Some(modules) = self.json("modules.json")? {
            let kinds: Vec<&str> = modules.0.as_array().into_iter().flatten().filter_map(kind_of_module).collect();
            if let Some(other) = kinds.iter().find(|kind| !["Transformer", "Pooling", "Normalize"].contains(kind)) {
                return Err(unsupported(&modules.1, format!("the engine has no module '{other}'")));
            }
            normalise = kinds.contains(&"Normalize");
        }
        Ok(EmbeddingRules { max_tokens: max_tokens.min(bert.positions), pooling: Pooling::Mean, normalise })
    }
}

/// The last part of a sentence-transformers module's type.
fn kind_of_module(module: &Value) -> Option<&str> {
    module.get("type")?.as_str()?.rsplit('.').next()
}

impl Source for Folder {
    fn describe(&self, options: &Options) -> Result<Description, EngineError> {
        let architectures = self.config.0.get("architectures").and_then(Value::as_array);
        let name = architectures.and_then(|all| all.first()).and_then(Value::as_str).unwrap_or_default();
        let family = match name {
            "LlamaForCausalLM" => Some(Family::Llama),
            "MistralForCausalLM" => Some(Family::Mistral),
            "Qwen2ForCausalLM" => Some(Family::Qwen2),
            "Qwen3ForCausalLM" => Some(Family::Qwen3),
            "BertModel" => None,
            other => return Err(EngineError::Unsupported(format!("the architecture '{other}' is not known"))),
        };
        let path = self.path.join(TOKENIZER_FILE);
        let tokenizer = read_small(&path, MAX_TEXT_FILE)?;
        Ok(match family {
            Some(family) => {
                let architecture = Architecture::Llama(decoder(&self.config, family, options)?);
                let text = self.text_rules(&tokenizer, options)?;
                Description { architecture, text: Some(text), embedding: None, tokenizer }
            }
            None => {
                let bert = encoder(&self.config)?;
                let embedding = self.embedding_rules(&bert)?;
                Description {
                    architecture: Architecture::Bert(bert),
                    text: None,
                    embedding: Some(embedding),
                    tokenizer,
                }
            }
        })
    }

    fn values(&self, spec: &Spec) -> Result<Vec<f32>, EngineError> {
        let place = self.tensors.get(&spec.name).ok_or_else(|| EngineError::MissingTensor(spec.name.clone()))?;
        let bytes = self.shards.get(place.shard).and_then(|shard| shard.get(place.bytes.clone()));
        let bytes = bytes.filter(|_| place.shape == spec.shape);
        bytes.and_then(|bytes| floats(place.dtype, bytes)).ok_or_else(|| EngineError::Tensor {
            name: spec.name.clone(),
            found: format!("{:?} {:?}", place.dtype, place.shape),
            expected: format!("F32, F16 or BF16 {:?}", spec.shape),
        })
    }

    fn tensors(&self, architecture: &Architecture) -> Vec<String> {
        let unused = |name: &str| match architecture {
            // Tables of frequencies that old exports hold, and the embedding matrix once more.
            Architecture::Llama(llama) => {
                name.ends_with(".rotary_emb.inv_freq") || (llama.tied_head && name == "lm_head.weight")
            }
            // Position numbers, and the heads of pre-training.
            Architecture::Bert(_) => {
                name == "embeddings.position_ids" || name.starts_with("pooler.") || name.starts_with("cls.")
            }
        };
        self.tensors.keys().filter(|name| !unused(name)).cloned().collect()
    }
}

/// The elements as f32, exactly; `None` for element types that are not.
fn floats(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let pairs = bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
    match dtype {
        Dtype::F32 => Some(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
        Dtype::F16 => Some(pairs.map(|b| half::f16::from_le_bytes(b).to_f32()).collect()),
        Dtype::BF16 => Some(pairs.map(|b| half::bf16::from_le_bytes(b).to_f32()).collect()),
        _ => None,
    }
}

/// The decoders that share an architecture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Llama,
    Mistral,
    Qwen2,
    Qwen3,
}

impl Family {
    /// Fields of `config.json` that only this family has.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Llama => &["attention_bias", "is_llama_config", "mlp_bias", "rope_interleaved"],
            Self::Mistral => &["layer_types", "sliding_window"],
            Self::Qwen2 | Self::Qwen3 => &[
                "attention_bias",
                "layer_types",
                "max_window_layers",
                "sliding_window",
                "use_mrope",
                "use_sliding_window",
            ],
        }
    }
}

fn decoder(config: &Json, family: Family, options: &Options) -> Result<Llama, EngineError> {
    config.knows_only(&[HARMLESS, DECODER, family.fields()])?;
    config.must_be("hidden_act", "silu")?;
    config.must_be("mlp_bias", "false")?;
    config.must_be("rope_interleaved", "false")?;
    config.must_be("use_mrope", "false")?;
    let hidden_size = config.size("hidden_size")?;
    let heads = config.size("num_attention_heads")?;
    let layers = config.size("num_hidden_layers")?;
    let head_dim = match config.field("head_dim") {
        Some(_) => config.size("head_dim")?,
        // The width of Qwen 3's heads has nothing to do with the model's.
        None if family == Family::Qwen3 => return Err(config.missing("head_dim")),
        None => hidden_size.checked_div(heads).ok_or_else(|| config.missing("num_attention_heads"))?,
    };
    let kv_heads = match config.field("num_key_value_heads") {
        None if family == Family::Llama => heads,
        _ => config.size("num_key_value_heads")?,
    };
    let (attention_bias, output_bias) = match family {
        Family::Llama | Family::Qwen3 => (config.flag("attention_bias")?, None),
        Family::Mistral => (false, None),
        Family::Qwen2 => {
            config.must_be("attention_bias", "true")?;
            (true, Some(false))
        }
    };
    let (rope_base, rope_scaling) = rope(config)?;
    let context = config.size("max_position_embeddings")?;
    Ok(Llama {
        vocab_size: config.size("vocab_size")?,
        hidden_size,
        intermediate_size: config.size("intermediate_size")?,
        layers,
        heads,
        kv_heads,
        head_dim,
        max_context: options.max_context.unwrap_or(context).min(context),
        norm_epsilon: Decimal::of(config.number("rms_norm_eps")?),
        rope_base: Decimal::of(rope_base),
        attention_bias,
        output_bias,
        qk_norm: family == Family::Qwen3,
        sliding_window: sliding_window(config, family, layers)?,
        rope_scaling,
        tied_head: config.flag("tie_word_embeddings")?,
    })
}

/// How many positions a position sees; `None` is all.
fn sliding_window(config: &Json, family: Family, layers: usize) -> Result<Option<usize>, EngineError> {
    let mixed = || unsupported(&config.1, "its layers see windows of different lengths, the engine has one for all");
    let (sliding, window) = match family {
        Family::Llama => return Ok(None),
        Family::Mistral if config.0.get("sliding_window").is_none() => (true, Some(MISTRAL_WINDOW)),
        Family::Mistral => (config.field("sliding_window").is_some(), None),
        // From this layer on they slide.
        Family::Qwen2 | Family::Qwen3 if config.flag("use_sliding_window")? => {
            match config.size("max_window_layers")? {
                0 => (true, None),
                first if first >= layers => (false, None),
                _ => return Err(mixed()),
            }
        }
        Family::Qwen2 | Family::Qwen3 => (false, None),
    };
    if let Some(kinds) = config.field("layer_types").and_then(Value::as_array) {
        let expected = if sliding { "sliding_attention" } else { "full_attention" };
        if kinds.iter().any(|kind| kind.as_str() != Some(expected)) {
            return Err(mixed());
        }
    }
    match (sliding, window) {
        (false, _) => Ok(None),
        (true, Some(window)) => Ok(Some(window)),
        (true, None) => config.size("sliding_window").map(Some),
    }
}

/// Base and scaling of the rotary frequencies: in `rope_parameters`, or as older configurations have them, in
/// `rope_theta` and `rope_scaling`.
fn rope(config: &Json) -> Result<(f64, Option<RopeScaling>), EngineError> {
    let mut base = match config.field("rope_theta") {
        Some(_) => Some(config.number("rope_theta")?),
        None => None,
    };
    let mut scaling = None;
    for name in ["rope_scaling", "rope_parameters"] {
        let Some(field) = config.field(name) else { continue };
        let rope = Json(field.clone(), config.1.clone());
        let own = match rope.field("rope_theta") {
            Some(_) => Some(rope.number("rope_theta")?),
            None => None,
        };
        if own.is_some() && base.is_some() && own != base {
            return Err(unsupported(&config.1, "it names two values of rope_theta"));
        }
        base = base.or(own);
        let found = rope_scaling(&rope)?;
        if found.is_some() && scaling.is_some() && found != scaling {
            return Err(unsupported(&config.1, "rope_scaling and rope_parameters differ"));
        }
        scaling = scaling.or(found);
    }
    Ok((base.unwrap_or(ROPE_BASE), scaling))
}

fn rope_scaling(rope: &Json) -> Result<Option<RopeScaling>, EngineError> {
    let kind = rope.field("rope_type").or(rope.field("type")).map_or(Some("default"), Value::as_str);
    let common: &[&str] = &["rope_theta", "rope_type", "type", "partial_rotary_factor"];
    if rope.field("partial_rotary_factor").is_some_and(|factor| factor.as_f64() != Some(1.0)) {
        return Err(unsupported(&rope.1, "partial_rotary_factor is not 1, the engine rotates whole heads"));
    }
    let decimal = |name: &str| rope.number(name).map(Decimal::of);
    match kind {
        Some("default") => {
            rope.knows_only(&[common])?;
            Ok(None)
        }
        Some("linear") => {
            rope.knows_only(&[common, &["factor"]])?;
            Ok(Some(RopeScaling::Linear { factor: decimal("factor")? }))
        }
        Some("llama3") => {
            let own = ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"];
            rope.knows_only(&[common, &own])?;
            Ok(Some(RopeScaling::Llama3 {
                factor: decimal("factor")?,
                low_frequency_factor: decimal("low_freq_factor")?,
                high_frequency_factor: decimal("high_freq_factor")?,
                original_context: rope.size("original_max_position_embeddings")?,
            }))
        }
        other => {
            let reason = format!("the engine has no rope_type '{}'", other.unwrap_or("?"));
            Err(unsupported(&rope.1, reason))
        }
    }
}

fn encoder(config: &Json) -> Result<Bert, EngineError> {
    let own = [
        "add_cross_attention",
        "hidden_act",
        "hidden_size",
        "intermediate_size",
        "is_decoder",
        "layer_norm_eps",
        "max_position_embeddings",
        "num_attention_heads",
        "num_hidden_layers",
        "position_embedding_type",
        "tie_word_embeddings",
        "type_vocab_size",
        "vocab_size",
    ];
    config.knows_only(&[HARMLESS, &own])?;
    config.must_be("hidden_act", "gelu")?;
    config.must_be("position_embedding_type", "absolute")?;
    config.must_be("is_decoder", "false")?;
    config.must_be("add_cross_attention", "false")?;
    Ok(Bert {
        vocab_size: config.size("vocab_size")?,
        hidden_size: config.size("hidden_size")?,
        intermediate_size: config.size("intermediate_size")?,
        layers: config.size("num_hidden_layers")?,
        heads: config.size("num_attention_heads")?,
        positions: config.size("max_position_embeddings")?,
        token_types: config.size("type_vocab_size")?,
        norm_epsilon: Decimal::of(config.number("layer_norm_eps")?),
    })
}

/// JSON from a file, with its path for messages.
struct Json(Value, PathBuf);

impl Json {
    fn read(path: &Path) -> Result<Self, EngineError> {
        let bytes = read_small(path, MAX_TEXT_FILE)?;
        let value =
            serde_json::from_slice(&bytes).map_err(|error| unsupported(path, format!("it is not JSON: {error}")))?;
        Ok(Self(value, path.into()))
    }

    fn read_if_present(folder: &Path, name: &str) -> Result<Option<Self>, EngineError> {
        present(folder, name).map(|path| Self::read(&path)).transpose()
    }

    /// The field, unless it is absent or null.
    fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn missing(&self, name: &str) -> EngineError {
        unsupported(&self.1, format!("there is no usable '{name}'"))
    }

    fn size(&self, name: &str) -> Result<usize, EngineError> {
        let size = self.field(name).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
        size.ok_or_else(|| self.missing(name))
    }

    fn number(&self, name: &str) -> Result<f64, EngineError> {
        self.field(name).and_then(Value::as_f64).ok_or_else(|| self.missing(name))
    }

    fn flag(&self, name: &str) -> Result<bool, EngineError> {
        self.field(name).map_or(Some(false), Value::as_bool).ok_or_else(|| self.missing(name))
    }

    /// The text of a special token, which is a text or an object with one.
    fn token_text(&self, name: &str) -> String {
        let field = self.field(name);
        let text = field.and_then(|field| field.get("content").unwrap_or(field).as_str());
        text.unwrap_or_default().into()
    }

    /// Refuses a field that is present with another value than the one the engine has.
    fn must_be(&self, name: &str, only: &str) -> Result<(), EngineError> {
        match self.field(name).map(|value| value.as_str().map_or_else(|| value.to_string(), String::from)) {
            Some(found) if found != only => {
                Err(unsupported(&self.1, format!("{name} is '{found}', the engine has '{only}' only")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses fields that are in none of the lists, unless they are null or empty: they may change the results.
    fn knows_only(&self, lists: &[&[&str]]) -> Result<(), EngineError> {
        let says_nothing = |value: &Value| match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        for (name, value) in self.0.as_object().into_iter().flatten() {
            if !says_nothing(value) && !lists.iter().any(|list| list.contains(&name.as_str())) {
                let reason = format!(
                    "the engine does not know the field '{name}'; remove it if the model's results do not depend on it"
                );
                return Err(unsupported(&self.1, reason));
            }
        }
        Ok(())
    }
}
