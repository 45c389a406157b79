//! A tiny model, and the worker's binary, for tests that run it as a user would.

#![allow(missing_docs)]

pub mod network;

use safetensors::{tensor::TensorView, Dtype};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub const VOCABULARY: usize = 64;

/// The worker's binary.
pub const WORKER: &str = env!("CARGO_BIN_EXE_assay-worker");

/// The worker, with nothing of the surrounding environment that could change what it does.
pub fn worker() -> Command {
    bare(WORKER.as_ref())
}

/// A program with nothing of the surrounding environment that could change what it does.
pub fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ASSAY_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the worker to its end.
pub fn run(arguments: &[&str]) -> Output {
    worker().args(arguments).stdin(std::process::Stdio::null()).output().expect("the worker's binary starts")
}

/// The one line that a command which failed ends with, after checking its exit code.
pub fn failure(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "one clear line: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    errors[0].to_string()
}

/// A word-level tokenizer with this many words.
pub fn tokenizer(words: usize) -> String {
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
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "added_tokens": [special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")],
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": null,
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    })
    .to_string()
}

/// A Llama of random weights, as a Hugging Face folder; `seed` tells several apart.
pub fn llama(folder: &Path, seed: u64) {
    fs::create_dir_all(folder).unwrap();
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "vocab_size": VOCABULARY, "hidden_size": 48, "intermediate_size": 104,
        "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
        "bos_token_id": 1, "eos_token_id": 2,
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer(VOCABULARY)).unwrap();
    let shapes: [(&str, Vec<usize>); 11] = [
        ("model.embed_tokens.weight", vec![VOCABULARY, 48]),
        ("model.norm.weight", vec![48]),
        ("model.layers.0.input_layernorm.weight", vec![48]),
        ("model.layers.0.post_attention_layernorm.weight", vec![48]),
        ("model.layers.0.self_attn.q_proj.weight", vec![48, 48]),
        ("model.layers.0.self_attn.k_proj.weight", vec![24, 48]),
        ("model.layers.0.self_attn.v_proj.weight", vec![24, 48]),
        ("model.layers.0.self_attn.o_proj.weight", vec![48, 48]),
        ("model.layers.0.mlp.gate_proj.weight", vec![104, 48]),
        ("model.layers.0.mlp.up_proj.weight", vec![104, 48]),
        ("model.layers.0.mlp.down_proj.weight", vec![48, 104]),
    ];
    weights(folder, seed, shapes.map(|(name, shape)| (name.to_owned(), shape)));
}

/// An encoder of random weights, as a Hugging Face folder.
pub fn bert(folder: &Path, seed: u64) {
    fs::create_dir_all(folder).unwrap();
    let config = json!({
        "architectures": ["BertModel"], "vocab_size": VOCABULARY, "hidden_size": 48, "intermediate_size": 96,
        "num_hidden_layers": 1, "num_attention_heads": 3, "hidden_act": "gelu", "max_position_embeddings": 32,
        "type_vocab_size": 2, "layer_norm_eps": 1e-12, "position_embedding_type": "absolute",
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    fs::write(folder.join("sentence_bert_config.json"), json!({ "max_seq_length": 20 }).to_string()).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer(VOCABULARY)).unwrap();
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![VOCABULARY, 48]),
        ("embeddings.position_embeddings.weight".into(), vec![32, 48]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, 48]),
    ];
    for (part, outputs, inputs) in [
        ("attention.self.query", 48, 48),
        ("attention.self.key", 48, 48),
        ("attention.self.value", 48, 48),
        ("attention.output.dense", 48, 48),
        ("intermediate.dense", 96, 48),
        ("output.dense", 48, 96),
    ] {
        shapes.push((format!("encoder.layer.0.{part}.weight"), vec![outputs, inputs]));
        shapes.push((format!("encoder.layer.0.{part}.bias"), vec![outputs]));
    }
    for norm in ["embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output"] {
        shapes.push((format!("{norm}.LayerNorm.weight"), vec![48]));
        shapes.push((format!("{norm}.LayerNorm.bias"), vec![48]));
    }
    weights(folder, seed, shapes);
}

/// Writes random weights: matrices around zero, vectors around one.
fn weights(folder: &Path, seed: u64, shapes: impl IntoIterator<Item = (String, Vec<usize>)>) {
    let mut state = seed;
    let mut number = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    let stored: Vec<_> = shapes
        .into_iter()
        .map(|(name, shape)| {
            let norm = if shape.len() == 1 { 1.0 } else { 0.0 };
            let values = (0..shape.iter().product()).map(|_| number() + norm);
            (name, shape, values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
        })
        .collect();
    let views =
        stored.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
}

/// An artefact, imported by the worker itself.
pub fn artefact(folder: &Path, seed: u64) -> PathBuf {
    let (from, to) = (folder.join(format!("source-{seed}")), folder.join(format!("tiny-{seed}")));
    llama(&from, seed);
    import(&from, &to, &format!("tiny-{seed}"));
    to
}

/// Has the worker import a Hugging Face folder.
pub fn import(from: &Path, to: &Path, name: &str) {
    let output = run(&[
        "model",
        "import",
        "--from",
        from.to_str().unwrap(),
        "--to",
        to.to_str().unwrap(),
        "--name",
        name,
        "--licence",
        "CC0-1.0",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
