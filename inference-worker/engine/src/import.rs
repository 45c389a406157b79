//! Making an artefact from a Hugging Face folder. The quantiser is exact arithmetic, so one source gives the same
//! bytes, and so the same identity, on every machine.

use crate::{
    artefact::{specs, Tensors},
    llama,
    manifest::{
        Activations, Architecture, Bert, Decimal, EmbeddingRules, File, Kind, Llama, Pooling, TextRules, MANIFEST_FILE,
        PROMPT_MARK, TOKENIZER_FILE, TOKENIZER_LIBRARY, WEIGHTS_FILE,
    },
    model::{read_tokenizer, Model},
    threads::Threads,
    EngineError, Manifest,
};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Longest text of an embedding model whose folder does not say.
const DEFAULT_EMBEDDING_TOKENS: usize = 256;

/// What the source does not say about itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name for people.
    pub name: String,
    /// The licence of the weights, as an SPDX expression.
    pub licence: String,
    /// Where the weights come from.
    pub source: String,
    /// Text around a prompt; [`PROMPT_MARK`] stands for it.
    pub template: String,
    /// Shorter context than the source's.
    pub max_context: Option<usize>,
    /// Precision of activations, where it is not to be the usual one of the architecture.
    pub activations: Option<Activations>,
}

impl Options {
    /// The usual choices: the prompt alone, the whole context, the default precisions.
    pub fn new(name: &str, licence: &str, source: &str) -> Self {
        Self {
            name: name.into(),
            licence: licence.into(),
            source: source.into(),
            template: PROMPT_MARK.into(),
            max_context: None,
            activations: None,
        }
    }
}

/// An artefact in memory.
pub struct Artefact {
    /// The manifest.
    pub manifest: Manifest,
    /// The weights file.
    pub weights: Vec<u8>,
    /// The tokenizer file.
    pub tokenizer: Vec<u8>,
}

impl Artefact {
    /// Writes the three files. They appear in `folder` all at once or not at all.
    ///
    /// # Errors
    /// [`EngineError::Occupied`], [`EngineError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), EngineError> {
        if folder.exists() {
            let mut entries = fs::read_dir(folder).map_err(EngineError::file(folder))?;
            if entries.next().is_some() {
                return Err(EngineError::Occupied(folder.into()));
            }
        }
        let mut name = folder.file_name().unwrap_or_default().to_os_string();
        name.push(".partial");
        let partial = folder.with_file_name(name);
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(EngineError::file(&partial))?;
        }
        fs::create_dir_all(&partial).map_err(EngineError::file(&partial))?;
        let files = [
            (WEIGHTS_FILE, &self.weights),
            (TOKENIZER_FILE, &self.tokenizer),
            (MANIFEST_FILE, &self.manifest.to_bytes()),
        ];
        for (file, contents) in files {
            let path = partial.join(file);
            fs::write(&path, contents).map_err(EngineError::file(&path))?;
        }
        if folder.exists() {
            fs::remove_dir(folder).map_err(EngineError::file(folder))?;
        }
        fs::rename(&partial, folder).map_err(EngineError::file(folder))
    }

    /// Loads it without going through files.
    ///
    /// # Errors
    /// Any that [`Model::load`] has for damaged contents.
    pub fn load(self, threads: &Arc<Threads>) -> Result<Model, EngineError> {
        Model::from_parts(self.manifest, Arc::new(self.weights), &self.tokenizer, threads.clone())
    }
}

/// Reads a Hugging Face folder: `config.json`, `model.safetensors` (or its index and shards), `tokenizer.json`, and
/// where present `tokenizer_config.json`, `generation_config.json` and the files of sentence-transformers. `step` is
/// called with the tensors done and their number.
///
/// # Errors
/// [`EngineError::Unsupported`] for an architecture or a variant that the engine does not have; any about files,
/// tensors or the tokenizer.
pub fn read(folder: &Path, options: &Options, step: &mut dyn FnMut(usize, usize)) -> Result<Artefact, EngineError> {
    let config = Json::read(&folder.join("config.json"))?;
    let path = folder.join(TOKENIZER_FILE);
    let tokenizer = fs::read(&path).map_err(EngineError::file(&path))?;
    let architectures = config.0.get("architectures").and_then(Value::as_array).cloned().unwrap_or_default();
    let family = architectures.first().and_then(Value::as_str).unwrap_or_default();
    let (kind, architecture, text, embedding, usual) = match family {
        "LlamaForCausalLM" => {
            let llama = llama_shape(&config, options)?;
            let rules = text_rules(folder, &config, &tokenizer, options)?;
            (Kind::Text, Architecture::Llama(llama), Some(rules), None, Activations::MIXED)
        }
        "BertModel" => {
            let bert = bert_shape(&config)?;
            let rules = embedding_rules(folder, &bert)?;
            (Kind::Embedding, Architecture::Bert(bert), None, Some(rules), Activations::PRECISE)
        }
        other => return Err(EngineError::Unsupported(format!("the architecture '{other}' is not known"))),
    };
    let rope_table = match &architecture {
        Architecture::Llama(shape) => Some(File::of(&llama::rope_table(shape)?.to_bytes()).cid),
        Architecture::Bert(_) => None,
    };
    let mut manifest = Manifest {
        profile: assay_numerics::PROFILE.into(),
        name: options.name.clone(),
        source: options.source.clone(),
        licence: options.licence.clone(),
        kind,
        architecture,
        activations: options.activations.unwrap_or(usual),
        text,
        embedding,
        weights: File::of(&[]),
        tokenizer: File::of(&tokenizer),
        tokenizer_library: TOKENIZER_LIBRARY.into(),
        rope_table,
    };
    manifest.check().map_err(|reason| EngineError::Unsupported(reason.into()))?;
    let weights = Source::open(folder)?.quantise(&manifest.architecture, step)?.to_bytes()?;
    manifest.weights = File::of(&weights);
    Ok(Artefact { manifest, weights, tokenizer })
}

/// A JSON object from a file, with its path for messages.
struct Json(Value, PathBuf);

impl Json {
    fn read(path: &Path) -> Result<Self, EngineError> {
        let bytes = fs::read(path).map_err(EngineError::file(path))?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| EngineError::Unsupported(format!("{} is not JSON: {error}", path.display())))?;
        Ok(Self(value, path.into()))
    }

    fn read_if_present(path: &Path) -> Result<Option<Self>, EngineError> {
        if path.exists() {
            Self::read(path).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The field, unless it is absent or null.
    fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn missing(&self, name: &str) -> EngineError {
        EngineError::Unsupported(format!("{} has no usable '{name}'", self.1.display()))
    }

    fn size(&self, name: &str) -> Result<usize, EngineError> {
        self.field(name).and_then(Value::as_u64).map(|size| size as usize).ok_or_else(|| self.missing(name))
    }

    fn number(&self, name: &str) -> Result<f64, EngineError> {
        self.field(name).and_then(Value::as_f64).ok_or_else(|| self.missing(name))
    }

    fn flag(&self, name: &str) -> bool {
        self.field(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Refuses a field that is present with another value than the one the engine has.
    fn must_be(&self, name: &str, only: &str) -> Result<(), EngineError> {
        match self.field(name).map(|value| value.as_str().map_or_else(|| value.to_string(), String::from)) {
            Some(found) if found != only => {
                Err(EngineError::Unsupported(format!("{name} is '{found}', the engine has '{only}' only")))
            }
            _ => Ok(()),
        }
    }
}

fn llama_shape(config: &Json, options: &Options) -> Result<Llama, EngineError> {
    config.must_be("hidden_act", "silu")?;
    config.must_be("mlp_bias", "false")?;
    let mut rope_base = config.number("rope_theta").ok();
    for name in ["rope_scaling", "rope_parameters"] {
        if let Some(rope) = config.field(name) {
            let rope = Json(rope.clone(), config.1.clone());
            rope.must_be("rope_type", "default")?;
            rope.must_be("type", "default")?;
            rope_base = rope_base.or(rope.number("rope_theta").ok());
        }
    }
    let hidden_size = config.size("hidden_size")?;
    let heads = config.size("num_attention_heads")?;
    let head_dim = match config.size("head_dim") {
        Ok(dim) => dim,
        Err(_) => hidden_size.checked_div(heads).ok_or_else(|| config.missing("num_attention_heads"))?,
    };
    let context = config.size("max_position_embeddings")?;
    Ok(Llama {
        vocab_size: config.size("vocab_size")?,
        hidden_size,
        intermediate_size: config.size("intermediate_size")?,
        layers: config.size("num_hidden_layers")?,
        heads,
        kv_heads: config.size("num_key_value_heads").unwrap_or(heads),
        head_dim,
        max_context: options.max_context.unwrap_or(context).min(context),
        norm_epsilon: Decimal::of(config.number("rms_norm_eps")?),
        // The source format's own default.
        rope_base: Decimal::of(rope_base.unwrap_or(10_000.0)),
        attention_bias: config.flag("attention_bias"),
        output_bias: None,
        qk_norm: false,
        sliding_window: None,
        rope_scaling: None,
        tied_head: config.flag("tie_word_embeddings"),
    })
}

fn bert_shape(config: &Json) -> Result<Bert, EngineError> {
    config.must_be("hidden_act", "gelu")?;
    config.must_be("position_embedding_type", "absolute")?;
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

fn text_rules(folder: &Path, config: &Json, tokenizer: &[u8], options: &Options) -> Result<TextRules, EngineError> {
    let settings = Json::read_if_present(&folder.join("tokenizer_config.json"))?;
    let generation = Json::read_if_present(&folder.join("generation_config.json"))?;
    let ids = |json: &Json, name: &str| -> Vec<u32> {
        let field = json.field(name).cloned().unwrap_or_default();
        let items = field.as_array().cloned().unwrap_or_else(|| vec![field]);
        items.iter().filter_map(Value::as_u64).filter_map(|id| u32::try_from(id).ok()).collect()
    };
    let mut end: BTreeSet<u32> = ids(config, "eos_token_id").into_iter().collect();
    if let Some(generation) = &generation {
        end.extend(ids(generation, "eos_token_id"));
    }
    // What the tokenizer itself puts before an empty text, or else what its settings say.
    let tokenizer = read_tokenizer(tokenizer)?;
    let special = tokenizer.encode("", true).map_err(|error| EngineError::Tokenizer(error.to_string()))?;
    let own = special.get_ids().first().copied().filter(|id| !end.contains(id));
    let asked = settings.is_some_and(|settings| settings.flag("add_bos_token"));
    let begin = own.or_else(|| if asked { ids(config, "bos_token_id").first().copied() } else { None });
    Ok(TextRules { begin, end: end.into_iter().collect(), template: options.template.clone() })
}

fn embedding_rules(folder: &Path, bert: &Bert) -> Result<EmbeddingRules, EngineError> {
    let settings = Json::read_if_present(&folder.join("sentence_bert_config.json"))?;
    let max_tokens = match settings {
        Some(settings) => settings.size("max_seq_length")?,
        None => DEFAULT_EMBEDDING_TOKENS,
    };
    if let Some(pooling) = Json::read_if_present(&folder.join("1_Pooling").join("config.json"))? {
        let others = ["pooling_mode_cls_token", "pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens"];
        if !pooling.flag("pooling_mode_mean_tokens") || others.iter().any(|mode| pooling.flag(mode)) {
            return Err(EngineError::Unsupported("the engine has mean pooling only".into()));
        }
    }
    let modules = Json::read_if_present(&folder.join("modules.json"))?;
    let normalise = modules.is_none_or(|modules| modules.0.to_string().contains("models.Normalize"));
    Ok(EmbeddingRules { max_tokens: max_tokens.min(bert.positions), pooling: Pooling::Mean, normalise })
}

/// The source's weights: one file or several.
struct Source {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Source {
    fn open(folder: &Path) -> Result<Self, EngineError> {
        let mut names = BTreeSet::new();
        match Json::read_if_present(&folder.join("model.safetensors.index.json"))? {
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
        let read = |name| {
            let path = folder.join(name);
            let bytes = fs::read(&path).map_err(EngineError::file(&path))?;
            Ok((path, bytes))
        };
        Ok(Self { files: names.into_iter().map(read).collect::<Result<_, EngineError>>()? })
    }

    fn quantise(
        &self,
        architecture: &Architecture,
        step: &mut dyn FnMut(usize, usize),
    ) -> Result<Tensors, EngineError> {
        let mut views = BTreeMap::new();
        for (path, bytes) in &self.files {
            let file = SafeTensors::deserialize(bytes)
                .map_err(|error| EngineError::Weights(format!("{}: {error}", path.display())))?;
            for (name, view) in file.tensors() {
                // Some exports put the architecture's name before each tensor's.
                views.insert(name.strip_prefix("bert.").unwrap_or(&name).to_string(), view);
            }
        }
        let specs = specs(architecture);
        let mut tensors = Tensors::default();
        for (done, spec) in specs.iter().enumerate() {
            let view = views.get(&spec.name).ok_or_else(|| EngineError::MissingTensor(spec.name.clone()))?;
            let values = if view.shape() == spec.shape { floats(view.dtype(), view.data()) } else { None };
            let values = values.ok_or_else(|| EngineError::Tensor {
                name: spec.name.clone(),
                found: format!("{:?} {:?}", view.dtype(), view.shape()),
                expected: format!("F32, F16 or BF16 {:?}", spec.shape),
            })?;
            tensors.add(spec, values)?;
            step(done + 1, specs.len());
        }
        Ok(tensors)
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
