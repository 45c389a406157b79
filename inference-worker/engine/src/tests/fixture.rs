//! Small models from a fixed integer generator, written as Hugging Face folders and imported like any other.

use crate::{
    artefact::Tensors,
    import::{self, Artefact, Options},
    llama::{rope_table, Buffers, Cache, Llama, Part},
    manifest::{Architecture, LayerWeights},
    threads::Threads,
    Model,
};
use safetensors::{tensor::TensorView, Dtype};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};
use tempfile::TempDir;

pub const VOCABULARY: usize = 64;
pub const BEGIN: u32 = 1;
pub const END: u32 = 2;
pub const BERT_WIDTH: usize = 48;
pub const BERT_TOKENS: usize = 20;

/// state' = state * 6364136223846793005 + 1442695040888963407 mod 2^64; a float is the top 24 bits / 2^24 - 1/2.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / 16_777_216.0 - 0.5
    }

    pub fn vector(&mut self, length: usize) -> Vec<f32> {
        (0..length).map(|_| self.next()).collect()
    }
}

/// Choices from the generator of all fixtures.
pub struct Choices(pub Numbers);

impl Choices {
    pub fn below(&mut self, n: usize) -> usize {
        (((self.0.next() + 0.5) * n as f32) as usize).min(n - 1)
    }

    pub fn any(&mut self) -> bool {
        self.below(2) == 0
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Every tensor is filled from its own generator, whose state begins with the sum of its name's bytes times 2^32.
pub fn weights(folder: &Path, tensors: &[(String, Vec<usize>)], change: impl Fn(&str, &mut [f32])) {
    let stored: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, shape)| {
            let mut numbers = Numbers(name.bytes().map(u64::from).sum::<u64>() << 32);
            let length = shape.iter().product();
            let mut values = numbers.vector(length);
            if shape.len() == 1 && name.to_lowercase().contains("norm.weight") {
                values.iter_mut().for_each(|x| *x += 1.0);
            } else if shape.len() == 2 && !name.contains("embed") {
                let scale = (12.0 / shape[1] as f32).sqrt();
                values.iter_mut().for_each(|x| *x *= scale);
            }
            change(name, &mut values);
            (name.clone(), shape.clone(), values.iter().flat_map(|x| x.to_le_bytes()).collect())
        })
        .collect();
    let views =
        stored.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
}

pub fn tokenizer(words: usize, encoder: bool) -> Vec<u8> {
    let mut vocabulary = serde_json::Map::new();
    for (id, word) in ["<unk>", "<s>", "</s>"].into_iter().enumerate() {
        vocabulary.insert(word.into(), json!(id));
    }
    for id in 3..words {
        vocabulary.insert(format!("w{id}"), json!(id));
    }
    let special = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    let template = |tokens: &[&str]| {
        let part = |name: &str| match name {
            "A" | "B" => json!({"Sequence": {"id": name, "type_id": 0}}),
            special => json!({"SpecialToken": {"id": special, "type_id": 0}}),
        };
        tokens.iter().map(|name| part(name)).collect::<Vec<_>>()
    };
    let (single, pair) = if encoder {
        (template(&["<s>", "A", "</s>"]), template(&["<s>", "A", "</s>", "B", "</s>"]))
    } else {
        (template(&["<s>", "A"]), template(&["<s>", "A", "B"]))
    };
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "added_tokens": [special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")],
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": {
            "<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]},
            "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}},
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    })
    .to_string()
    .into_bytes()
}

/// Llama with grouped queries (4 over 2), a tied head, and an uneven MLP.
pub fn llama_folder(layers: usize) -> TempDir {
    llama_folder_with(layers, |_, _| {})
}

/// The same, with weights changed by name.
fn llama_folder_with(layers: usize, change: impl Fn(&str, &mut [f32])) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "vocab_size": VOCABULARY, "hidden_size": 48, "intermediate_size": 104,
        "num_hidden_layers": layers, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
        "bos_token_id": BEGIN, "eos_token_id": END,
    });
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    fs::write(folder.path().join("tokenizer.json"), tokenizer(VOCABULARY, false)).unwrap();
    let mut tensors =
        vec![("model.embed_tokens.weight".to_string(), vec![VOCABULARY, 48]), ("model.norm.weight".into(), vec![48])];
    for layer in 0..layers {
        for (part, shape) in [
            ("input_layernorm.weight", vec![48]),
            ("post_attention_layernorm.weight", vec![48]),
            ("self_attn.q_proj.weight", vec![48, 48]),
            ("self_attn.k_proj.weight", vec![24, 48]),
            ("self_attn.v_proj.weight", vec![24, 48]),
            ("self_attn.o_proj.weight", vec![48, 48]),
            ("mlp.gate_proj.weight", vec![104, 48]),
            ("mlp.up_proj.weight", vec![104, 48]),
            ("mlp.down_proj.weight", vec![48, 104]),
        ] {
            tensors.push((format!("model.layers.{layer}.{part}"), shape));
        }
    }
    weights(folder.path(), &tensors, change);
    folder
}

pub fn bert_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "architectures": ["BertModel"], "vocab_size": VOCABULARY, "hidden_size": BERT_WIDTH, "intermediate_size": 96,
        "num_hidden_layers": 2, "num_attention_heads": 3, "hidden_act": "gelu", "max_position_embeddings": 32,
        "type_vocab_size": 2, "layer_norm_eps": 1e-12, "position_embedding_type": "absolute",
    });
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    fs::write(folder.path().join("sentence_bert_config.json"), json!({"max_seq_length": BERT_TOKENS}).to_string())
        .unwrap();
    fs::write(folder.path().join("tokenizer.json"), tokenizer(VOCABULARY, true)).unwrap();
    let width = BERT_WIDTH;
    let mut tensors = vec![
        ("embeddings.word_embeddings.weight".to_string(), vec![VOCABULARY, width]),
        ("embeddings.position_embeddings.weight".into(), vec![32, width]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, width]),
        ("embeddings.LayerNorm.weight".into(), vec![width]),
        ("embeddings.LayerNorm.bias".into(), vec![width]),
    ];
    for layer in 0..2 {
        for (part, outputs, inputs) in [
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", 96, width),
            ("output.dense", width, 96),
        ] {
            tensors.push((format!("encoder.layer.{layer}.{part}.weight"), vec![outputs, inputs]));
            tensors.push((format!("encoder.layer.{layer}.{part}.bias"), vec![outputs]));
        }
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            tensors.push((format!("encoder.layer.{layer}.{part}.weight"), vec![width]));
            tensors.push((format!("encoder.layer.{layer}.{part}.bias"), vec![width]));
        }
    }
    weights(folder.path(), &tensors, |_, _| {});
    folder
}

pub fn artefact(folder: &Path) -> Artefact {
    import::read(folder, &Options::new("fixture", "CC0-1.0", "a fixed generator"), &mut |_, _| {}).unwrap()
}

/// The same with layers stored in this way, whatever is usual.
pub fn artefact_of(folder: &Path, weights: LayerWeights) -> Artefact {
    let options = Options::new("fixture", "CC0-1.0", "a fixed generator");
    import::read(folder, &Options { layer_weights: Some(weights), ..options }, &mut |_, _| {}).unwrap()
}

/// The same with layers of four bits.
pub fn artefact_w4(folder: &Path) -> Artefact {
    artefact_of(folder, LayerWeights::W4)
}

pub fn llama(layers: usize) -> Model {
    artefact(llama_folder(layers).path()).load(&threads()).unwrap()
}

/// A decoder with weights changed by name.
pub fn llama_with(layers: usize, change: impl Fn(&str, &mut [f32])) -> Model {
    artefact(llama_folder_with(layers, change).path()).load(&threads()).unwrap()
}

pub fn bert() -> Model {
    artefact(bert_folder().path()).load(&threads()).unwrap()
}

/// Where set-up puts what it downloads and makes; the same place as in `scripts/lib.sh`.
pub fn cache() -> PathBuf {
    let base = || {
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        Some(std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)?.join("assay"))
    };
    std::env::var_os("ASSAY_CACHE").map(PathBuf::from).or_else(base).unwrap_or_default()
}

/// Two threads for all tests.
pub fn threads() -> Arc<Threads> {
    static THREADS: OnceLock<Arc<Threads>> = OnceLock::new();
    THREADS.get_or_init(|| Arc::new(Threads::new(2, None).unwrap())).clone()
}

/// The hidden rows of `tokens` after those in the cache.
pub fn read(llama: &Llama, cache: &mut Cache, tokens: &[u32]) -> Vec<f32> {
    let mut buffers = Buffers::default();
    llama.read(&threads(), &mut [Part { cache, tokens }], &mut buffers).unwrap().to_vec()
}

/// The logits of hidden rows.
pub fn logits(llama: &Llama, hidden: &[f32]) -> Vec<f32> {
    let mut logits = Vec::new();
    llama.logits(&threads(), hidden, &mut Default::default(), &mut logits).unwrap();
    logits
}

/// The network without tokenizer and rules.
pub fn llama_network(layers: usize) -> Llama {
    network(&artefact(llama_folder(layers).path()))
}

/// The network of an artefact.
pub fn network(artefact: &Artefact) -> Llama {
    let Architecture::Llama(shape) = &artefact.manifest.architecture else { panic!("not a decoder") };
    let bytes: assay_numerics::matrix::Bytes = Arc::new(artefact.weights.clone());
    let mut tensors =
        Tensors::from_bytes(&bytes, &artefact.manifest.architecture, artefact.manifest.layer_weights).unwrap();
    Llama::new(shape, artefact.manifest.activations, rope_table(shape).unwrap(), &mut tensors).unwrap()
}
