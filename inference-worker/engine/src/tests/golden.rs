//! The golden file's models: hashes that every implementation of the profile must reproduce. Its operations are checked
//! by `primitives/numerics/conformance`. Hashes are blake2b-256 over little-endian bytes.

use super::{fixture, run};
use crate::{
    llama::{Buffers, Part},
    manifest::LayerWeights,
    Answer, Model, Threads,
};
use assay_numerics::{Kernels, Rows, Trace, PROFILE};
use assay_types::inference::{Parameters, TextParameters};
use blake2::{digest::consts::U32, Blake2b, Digest};
use codec::Encode;
use serde_json::{json, Value};
use std::{ops::ControlFlow, path::Path, sync::Arc};

const GOLDEN: &str = include_str!("../../../../primitives/numerics/golden.json");

fn hash(bytes: &[u8]) -> Value {
    hex::encode(Blake2b::<U32>::digest(bytes)).into()
}

fn floats(values: &[f32]) -> Value {
    let mut trace = Trace::new();
    trace.row(values);
    hex::encode(trace.finish()).into()
}

/// The small networks of `fixture`: hidden rows by layers, logits rows, answers.
fn fixtures(threads: &Arc<Threads>) -> Value {
    let tokens: Vec<u32> = (0..70).map(|i| (i * 7 + 3) % fixture::VOCABULARY as u32).collect();
    let mut layers = Vec::new();
    let mut logits = Vec::new();
    for count in 1..=3 {
        let network = fixture::llama_network(count);
        let mut buffers = Buffers::default();
        let part = Part { cache: &mut network.cache(tokens.len()), tokens: &tokens };
        let rows = network.read(threads, &mut [part], &mut buffers).unwrap();
        layers.push(floats(rows));
        if count == 3 {
            let mut all = Vec::new();
            network.logits(threads, rows, &mut Rows::default(), &mut all).unwrap();
            logits.extend(all.chunks_exact(network.vocabulary()).map(floats));
        }
    }
    let model = fixture::artefact(fixture::llama_folder(3).path()).load(threads).unwrap();
    let (answer, _) = run(&model, "w7 w8 w9", TextParameters { max_tokens: 50, ..Default::default() }, 42);
    let packed = fixture::artefact_w4(fixture::llama_folder(3).path()).load(threads).unwrap();
    let logits_w4 = packed.logits(&tokens, 1).unwrap();
    let (answer_w4, _) = run(&packed, "w7 w8 w9", TextParameters { max_tokens: 50, ..Default::default() }, 42);
    let encoder = |weights| {
        let encoder = fixture::artefact_of(fixture::bert_folder().path(), weights).load(threads).unwrap();
        let embedding = embed(&encoder, "w7 w8 w9");
        json!({
            "weights": encoder.manifest().weights.cid, "answer": hash(&embedding.output),
            "trace": hex::encode(embedding.trace),
        })
    };
    json!({
        "llama": {
            "weights": model.manifest().weights.cid, "hidden_rows_by_layers": layers, "logits_rows": logits,
            "answer": hash(&answer.output), "trace": hex::encode(answer.trace),
        },
        "llama_w4": {
            "weights": packed.manifest().weights.cid, "logits_row": floats(&logits_w4),
            "answer": hash(&answer_w4.output), "trace": hex::encode(answer_w4.trace),
        },
        "bert": encoder(LayerWeights::W8),
        "bert_w16": encoder(LayerWeights::W16),
    })
}

/// The text model of the repository: the logits that follow each token of a prompt, and an answer.
fn shipped(threads: &Arc<Threads>) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/assay-kjv");
    let model = Model::load(&folder, threads).unwrap();
    let cid = model.cid().to_string();
    let prompt = "In the beginning God created the heaven and the earth.";
    let tokens = model.encode(prompt, false).unwrap();
    let logits = model.logits(&tokens, tokens.len()).unwrap();
    let rows: Vec<_> = logits.chunks_exact(logits.len() / tokens.len()).map(floats).collect();
    let (answer, _) = run(&model, prompt, TextParameters { max_tokens: 40, ..Default::default() }, 42);
    let mut llama = model.into_llama().unwrap();
    let mut layers: Vec<_> = (0..llama.layers())
        .map(|_| {
            let part = Part { cache: &mut llama.cache(tokens.len()), tokens: &tokens };
            let rows = floats(llama.read(threads, &mut [part], &mut Buffers::default()).unwrap());
            llama.drop_last_layer();
            rows
        })
        .collect();
    layers.reverse();
    json!({
        "manifest": cid, "tokens": tokens, "hidden_rows_by_layers": layers, "logits_rows": rows,
        "answer": hash(&answer.output), "trace": hex::encode(answer.trace),
    })
}

/// The embedding model, where `scripts/setup` and the worker have installed it.
fn minilm(threads: &Arc<Threads>) -> Option<Value> {
    let folder = fixture::cache().join("models").join("all-minilm-l6-v2");
    if !folder.exists() {
        return None;
    }
    let model = Model::load(&folder, threads).unwrap();
    let (cid, text) = (model.cid().to_string(), "In the beginning God created the heaven and the earth.");
    let (answer, tokens) = (embed(&model, text), model.encode(text, true).unwrap());
    let mut bert = model.into_bert().unwrap();
    let mut layers: Vec<_> = (0..bert.layers())
        .map(|_| {
            let rows = floats(&bert.encode(threads, &tokens, |_| Ok(())).unwrap());
            bert.drop_last_layer();
            rows
        })
        .collect();
    layers.reverse();
    Some(json!({
        "manifest": cid, "tokens": tokens, "hidden_rows_by_layers": layers,
        "answer": hash(&answer.output), "trace": hex::encode(answer.trace),
    }))
}

fn embed(model: &Model, text: &str) -> Answer {
    let parameters = Parameters::Embedding.encode();
    model.run(text.as_bytes(), &parameters, [0; 32], &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn every_path_of_this_machine_reproduces_the_golden_hashes() {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(golden["profile"], PROFILE);
    for kernels in Kernels::available() {
        let threads = Arc::new(Threads::new(2, Some(kernels.isa())).unwrap());
        let mut found = fixtures(&threads);
        found["assay-kjv"] = shipped(&threads);
        found["all-minilm-l6-v2"] = minilm(&threads).unwrap_or_else(|| golden["models"]["all-minilm-l6-v2"].clone());
        assert_eq!(found, golden["models"], "{} computes\n{found:#}", kernels.isa());
    }
}
