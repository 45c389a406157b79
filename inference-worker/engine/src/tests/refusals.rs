//! Every kind of bad artefact and bad task has its own error.

use super::{fixture, text};
use crate::{
    import::{self, Artefact, Options},
    manifest::{Decimal, File},
    EngineError, Manifest, Model,
};
use assay_types::inference::{Parameters, TextParameters, MAX_STOPS, MAX_STOP_BYTES};
use codec::Encode;
use std::{fs, ops::ControlFlow, path::Path};

fn written() -> (tempfile::TempDir, Artefact) {
    let artefact = fixture::artefact(fixture::llama_folder(1).path());
    let folder = tempfile::tempdir().unwrap();
    artefact.write(folder.path()).unwrap();
    (folder, artefact)
}

fn load_error(folder: &Path) -> EngineError {
    let error = Model::load(folder, &fixture::threads()).err().expect("the artefact is broken");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

#[test]
fn an_artefact_loads_as_it_was_written() {
    let (folder, artefact) = written();
    let model = Model::load(folder.path(), &fixture::threads()).unwrap();
    assert_eq!(model.cid(), artefact.manifest.cid());
    assert_eq!(model.manifest(), &artefact.manifest);
    assert!(matches!(artefact.write(folder.path()), Err(EngineError::Occupied(_))));
    // The same source gives the same identity.
    assert_eq!(fixture::artefact(fixture::llama_folder(1).path()).manifest.cid(), model.cid());
}

#[test]
fn damaged_files_are_named() {
    for file in ["weights.safetensors", "tokenizer.json"] {
        let (folder, _) = written();
        let path = folder.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(load_error(folder.path()), EngineError::Damaged { file: found, .. } if found == file));
        fs::write(&path, &bytes[..middle]).unwrap();
        assert!(matches!(load_error(folder.path()), EngineError::Damaged { .. }));
        fs::remove_file(&path).unwrap();
        assert!(matches!(load_error(folder.path()), EngineError::File { .. }));
    }
    assert!(matches!(load_error(Path::new("/nowhere/at/all")), EngineError::File { .. }));
}

#[test]
fn a_manifest_must_be_canonical_and_of_this_profile() {
    let (folder, artefact) = written();
    let path = folder.path().join("manifest.json");
    fs::write(&path, serde_json::to_vec_pretty(&artefact.manifest).unwrap()).unwrap();
    assert!(matches!(load_error(folder.path()), EngineError::ManifestNotCanonical));
    fs::write(&path, Manifest { profile: "DET-1/2".into(), ..artefact.manifest.clone() }.to_bytes()).unwrap();
    assert!(matches!(load_error(folder.path()), EngineError::Profile { .. }));
    fs::write(&path, b"{}").unwrap();
    assert!(matches!(load_error(folder.path()), EngineError::Manifest(_)));
    let bytes = artefact.manifest.to_bytes();
    assert!(bytes.starts_with(b"{\"activations\":{\"attention_input\":\"A8\""));
    assert_eq!(Manifest::from_bytes(&bytes).unwrap(), artefact.manifest);
}

/// Changes the manifest's architecture through its JSON, and loads the result.
fn with_architecture(field: &str, value: serde_json::Value) -> EngineError {
    let (_, artefact) = written();
    let mut json = serde_json::to_value(&artefact.manifest).unwrap();
    json["architecture"][field] = value;
    let manifest = serde_json::from_value(json).unwrap();
    Artefact { manifest, ..artefact }.load(&fixture::threads()).err().expect("the manifest does not fit")
}

#[test]
fn weights_and_tokenizer_must_fit_the_architecture() {
    assert!(matches!(with_architecture("layers", 2.into()), EngineError::MissingTensor(_)));
    assert!(matches!(with_architecture("tied_head", false.into()), EngineError::MissingTensor(_)));
    assert!(matches!(with_architecture("intermediate_size", 103.into()), EngineError::Tensor { .. }));
    assert!(matches!(with_architecture("rope_base", "2e4".into()), EngineError::RopeTable));
    for (field, value) in [
        ("heads", serde_json::json!(3)),
        ("layers", serde_json::json!(0)),
        ("layers", serde_json::json!(1_000_000)),
        ("max_context", serde_json::json!(1)),
        ("rope_base", serde_json::json!("nan")),
        ("norm_epsilon", serde_json::json!("-1")),
        ("vocab_size", serde_json::json!(2)),
    ] {
        assert!(matches!(with_architecture(field, value), EngineError::Manifest(_)), "{field}");
    }
    let (_, artefact) = written();
    let tokenizer = fixture::tokenizer(fixture::VOCABULARY + 1, false);
    let manifest = Manifest { tokenizer: File::of(&tokenizer), ..artefact.manifest.clone() };
    let error =
        Artefact { manifest, weights: artefact.weights.clone(), tokenizer }.load(&fixture::threads()).err().unwrap();
    assert!(matches!(error, EngineError::TokenizerDoesNotFit { largest: 64, vocabulary: 64 }), "{error}");
    let broken = Artefact { tokenizer: b"{}".to_vec(), ..artefact }.load(&fixture::threads()).err().unwrap();
    assert!(matches!(broken, EngineError::Tokenizer(_)));
    // One layer less in the manifest than in the file.
    let two = fixture::artefact(fixture::llama_folder(2).path());
    let mut json = serde_json::to_value(&two.manifest).unwrap();
    json["architecture"]["layers"] = 1.into();
    let error =
        Artefact { manifest: serde_json::from_value(json).unwrap(), ..two }.load(&fixture::threads()).err().unwrap();
    assert!(matches!(error, EngineError::UnexpectedTensor(name) if name.starts_with("model.layers.1.")));
}

#[test]
fn sources_that_the_engine_does_not_have_are_refused() {
    let options = Options::new("x", "x", "x");
    for (field, value) in [
        ("architectures", serde_json::json!(["GPT2LMHeadModel"])),
        ("hidden_act", serde_json::json!("relu")),
        ("rope_scaling", serde_json::json!({"rope_type": "llama3"})),
        ("vocab_size", serde_json::json!(null)),
        ("num_key_value_heads", serde_json::json!(3)),
    ] {
        let folder = fixture::llama_folder(1);
        let path = folder.path().join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        config[field] = value;
        fs::write(&path, config.to_string()).unwrap();
        let error = import::read(folder.path(), &options, &mut |_, _| {}).err().unwrap();
        assert!(matches!(error, EngineError::Unsupported(_)), "{field}: {error}");
    }
    let folder = fixture::llama_folder(1);
    fs::write(folder.path().join("model.safetensors"), b"nonsense").unwrap();
    assert!(matches!(import::read(folder.path(), &options, &mut |_, _| {}).err(), Some(EngineError::Weights(_))));
    assert_eq!(Decimal::of(1e-5).0, "1e-5");
}

#[test]
fn bad_tasks_have_their_own_errors() {
    let model = fixture::llama(1);
    let mut go = |_: &crate::Progress<'_>| ControlFlow::Continue(());
    let mut fails = |input: &[u8], parameters: &[u8]| model.run(input, parameters, [0; 32], &mut go).err().unwrap();
    let with = |change: fn(&mut TextParameters)| {
        let mut parameters = TextParameters::default();
        change(&mut parameters);
        text(parameters)
    };
    let usual = text(TextParameters::default());
    assert!(matches!(fails(&[0xff, 0xfe], &usual), EngineError::InputNotText));
    assert!(matches!(fails(b"w1", &[]), EngineError::ParametersUndecodable));
    assert!(matches!(fails(b"w1", &[9]), EngineError::ParametersUndecodable));
    assert!(matches!(fails(b"w1", &[&usual[..], &[0]].concat()), EngineError::ParametersUndecodable));
    assert!(matches!(fails(b"w1", &Parameters::Embedding.encode()), EngineError::ParametersOfAnotherKind(_)));
    assert!(matches!(fails(b"w1", &with(|p| p.max_tokens = 0)), EngineError::NoTokens));
    assert!(matches!(fails(b"w1", &with(|p| p.max_tokens = 255)), EngineError::ContextExceeded { .. }));
    assert!(matches!(fails(b"w1", &with(|p| p.max_tokens = u32::MAX)), EngineError::TooManyTokens { .. }));
    let long = "w1 ".repeat(300);
    assert!(matches!(fails(long.as_bytes(), &usual), EngineError::ContextExceeded { prompt: 301, answer: 64, .. }));
    for change in [
        (|p| p.temperature_milli = u32::MAX) as fn(&mut TextParameters),
        |p| p.top_p_milli = 0,
        |p| p.top_p_milli = 1001,
        |p| p.repetition_penalty_milli = 0,
    ] {
        let error = fails(b"w1", &with(change));
        assert!(matches!(error, EngineError::Numerics(assay_numerics::Error::Sampling(_))), "{error}");
    }
    let stops = |stop: Vec<String>| text(TextParameters { stop, ..Default::default() });
    let largest = vec!["x".repeat(MAX_STOP_BYTES); MAX_STOPS];
    assert!(model.begin(b"w1", &stops(largest.clone()), [0; 32]).is_ok());
    assert!(matches!(fails(b"w1", &stops(vec!["x".into(); MAX_STOPS + 1])), EngineError::TooManyStops(5)));
    for stop in [String::new(), "x".repeat(MAX_STOP_BYTES + 1)] {
        assert!(matches!(fails(b"w1", &stops(vec!["x".into(), stop])), EngineError::StopLength(_)));
    }
    let mut cut = stops(largest);
    cut.pop();
    assert!(matches!(fails(b"w1", &cut), EngineError::ParametersUndecodable));
    let encoder = fixture::bert();
    let error = encoder.run(b"w1", &usual, [0; 32], &mut |_| ControlFlow::Continue(())).err().unwrap();
    assert!(matches!(error, EngineError::ParametersOfAnotherKind(_)));
}

#[test]
fn no_answer_is_longer_than_its_parameters_say() {
    let (model, encoder) = (fixture::llama(1), fixture::bert());
    let run = |model: &Model, parameters: &[u8]| {
        let answer = model.run(b"w1 w2", parameters, [0; 32], &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(answer.output.len() <= model.longest_output(parameters));
    };
    let [few, many] = [1, 60].map(|max_tokens| text(TextParameters { max_tokens, ..Default::default() }));
    run(&model, &few);
    run(&model, &many);
    run(&encoder, &Parameters::Embedding.encode());
    assert!(model.longest_output(&few) < model.longest_output(&many));
    // No more tokens than the context has.
    let all = text(TextParameters { max_tokens: u32::MAX, ..Default::default() });
    assert!(model.longest_output(&all) < 1 << 20);
    assert_eq!(model.longest_output(&[9]), 0);
}

#[test]
fn a_prompt_without_tokens_is_refused() {
    let mut artefact = fixture::artefact(fixture::llama_folder(1).path());
    artefact.manifest.text.as_mut().unwrap().begin = None;
    let model = artefact.load(&fixture::threads()).unwrap();
    let parameters = text(TextParameters::default());
    let error = model.run(b" ", &parameters, [0; 32], &mut |_| ControlFlow::Continue(())).err().unwrap();
    assert!(matches!(error, EngineError::EmptyPrompt));
}

/// Puts `value` at the `place`-th leaf of a JSON tree.
fn replace_leaf(json: &mut serde_json::Value, place: &mut usize, value: &serde_json::Value) {
    match json {
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|json| replace_leaf(json, place, value)),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|json| replace_leaf(json, place, value)),
        leaf => {
            if *place == 0 {
                *leaf = value.clone();
            }
            *place = place.wrapping_sub(1);
        }
    }
}

/// Whatever one field of a manifest is changed to, loading and running give a result or an error, never a panic.
#[test]
fn no_manifest_makes_the_engine_panic() {
    let parameters = [text(TextParameters { max_tokens: 3, ..Default::default() }), Parameters::Embedding.encode()];
    let values = serde_json::json!([
        0,
        1,
        2,
        3,
        7,
        64,
        4_294_967_296u64,
        u64::MAX,
        -1,
        0.5,
        "",
        "0",
        "A16",
        "1e300",
        null,
        true,
        [],
        {}
    ]);
    for folder in [fixture::llama_folder(1), fixture::bert_folder()] {
        let artefact = fixture::artefact(folder.path());
        let original = serde_json::to_value(&artefact.manifest).unwrap();
        let (mut refused, mut ran) = (0, 0);
        for place in 0..40 {
            for value in values.as_array().unwrap() {
                let mut json = original.clone();
                replace_leaf(&mut json, &mut place.clone(), value);
                let Ok(manifest) = serde_json::from_value::<Manifest>(json) else {
                    refused += 1;
                    continue;
                };
                let (weights, tokenizer) = (artefact.weights.clone(), artefact.tokenizer.clone());
                match (Artefact { manifest, weights, tokenizer }).load(&fixture::threads()) {
                    Err(_) => refused += 1,
                    Ok(model) => {
                        for parameters in &parameters {
                            let _ = model.run(b"w3 w4", parameters, [0; 32], &mut |_| ControlFlow::Continue(()));
                        }
                        ran += 1;
                    }
                }
            }
        }
        assert!(refused > 100 && ran > 20, "{refused} {ran}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_task_makes_the_engine_panic(
        input in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        mut parameters in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..24),
        tokens in 0u32..20,
    ) {
        thread_local! { static MODELS: [Model; 2] = [fixture::llama(1), fixture::bert()]; }
        // Often enough the parameters are of the right length and ask for few tokens.
        if parameters.len() == 21 || parameters.len() > 22 {
            parameters.resize(21, 0);
            parameters[0] = 0;
            parameters[1..5].copy_from_slice(&tokens.to_le_bytes());
        }
        MODELS.with(|models| {
            for model in models {
                let _ = model.run(&input, &parameters, [0; 32], &mut |_| ControlFlow::Continue(()));
            }
        });
    }

    #[test]
    fn no_damage_to_weights_makes_the_engine_panic(
        changes in proptest::collection::vec((0usize..60_000, proptest::prelude::any::<u8>()), 1..6),
        length in 0usize..60_000,
    ) {
        let folder = fixture::llama_folder(1);
        let Artefact { manifest, mut weights, tokenizer } = fixture::artefact(folder.path());
        for (place, value) in changes {
            let place = place % weights.len();
            weights[place] = value;
        }
        if length % 3 == 0 {
            weights.truncate(length);
        }
        if let Ok(model) = (Artefact { manifest, weights, tokenizer }).load(&fixture::threads()) {
            let parameters = text(TextParameters { max_tokens: 3, ..Default::default() });
            let _ = model.run(b"w3 w4", &parameters, [0; 32], &mut |_| ControlFlow::Continue(()));
        }
    }
}
