//! The families of decoders, as Hugging Face folders describe them: what a configuration must become, that what becomes
//! of it is close to a float model, and what is refused.

use super::{fixture, oracle};
use crate::{
    artefact::specs,
    import::{self, Artefact, Options},
    manifest::{Architecture, Decimal, Llama, RopeScaling},
    template, EngineError,
};
use assay_types::inference::TextParameters;
use proptest::prelude::*;
use serde_json::{json, Value};
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A decoder of 2 layers with nothing special.
fn plain() -> Llama {
    Llama {
        vocab_size: fixture::VOCABULARY,
        hidden_size: 48,
        intermediate_size: 80,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 12,
        max_context: 256,
        norm_epsilon: Decimal::of(1e-6),
        rope_base: Decimal::of(10_000.0),
        attention_bias: false,
        output_bias: None,
        qk_norm: false,
        sliding_window: None,
        rope_scaling: None,
        tied_head: false,
    }
}

fn config(family: &str, special: Value) -> Value {
    let mut config = json!({
        "architectures": [format!("{family}ForCausalLM")], "model_type": family.to_lowercase(),
        "vocab_size": fixture::VOCABULARY, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu", "max_position_embeddings": 256,
        "rms_norm_eps": 1e-6, "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2, "use_cache": true,
        "torch_dtype": "float32", "attention_dropout": 0.0, "initializer_range": 0.02, "transformers_version": "4.57.0",
    });
    patch(&mut config, special);
    config
}

fn patch(config: &mut Value, fields: Value) {
    for (name, value) in fields.as_object().unwrap() {
        config[name] = value.clone();
    }
}

fn folder(config: &Value, shape: &Llama) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    fs::write(folder.path().join("tokenizer.json"), fixture::tokenizer(fixture::VOCABULARY, false)).unwrap();
    let tensors: Vec<_> =
        specs(&Architecture::Llama(shape.clone())).into_iter().map(|spec| (spec.name, spec.shape)).collect();
    fixture::weights(folder.path(), &tensors, |_, _| {});
    folder
}

fn read(folder: &Path) -> Result<Artefact, EngineError> {
    import::read(folder, &Options::new("fixture", "CC0-1.0", ""), &mut |_, _| {})
}

fn llama3() -> RopeScaling {
    RopeScaling::Llama3 {
        factor: Decimal::of(8.0),
        low_frequency_factor: Decimal::of(1.0),
        high_frequency_factor: Decimal::of(4.0),
        original_context: 64,
    }
}

fn llama3_config() -> Value {
    json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64})
}

/// Each family in each spelling: the configuration, what it means, and what it would mean if its speciality were
/// overlooked.
fn families() -> Vec<(Value, Llama, Llama)> {
    let biased = Llama { attention_bias: true, output_bias: Some(false), ..plain() };
    let wide = Llama { head_dim: 16, qk_norm: true, rope_base: Decimal::of(1e6), tied_head: true, ..plain() };
    let mut parameters = llama3_config();
    patch(&mut parameters, json!({"rope_theta": 500_000.0}));
    let half_million = Llama { rope_base: Decimal::of(500_000.0), ..plain() };
    vec![
        (
            config("Llama", json!({"rope_scaling": {"type": "linear", "factor": 4.0}, "pretraining_tp": 1})),
            Llama { rope_scaling: Some(RopeScaling::Linear { factor: Decimal::of(4.0) }), ..plain() },
            plain(),
        ),
        (
            config("Llama", json!({"rope_theta": 500_000.0, "rope_scaling": llama3_config(), "mlp_bias": false})),
            Llama { rope_scaling: Some(llama3()), ..half_million.clone() },
            half_million.clone(),
        ),
        (
            config("Llama", json!({"rope_parameters": parameters, "attention_bias": true, "head_dim": 12})),
            Llama { rope_scaling: Some(llama3()), attention_bias: true, ..half_million.clone() },
            half_million,
        ),
        (
            config("Mistral", json!({"sliding_window": 16, "rope_theta": 10_000.0, "head_dim": null})),
            Llama { sliding_window: Some(16), ..plain() },
            plain(),
        ),
        (
            config("Qwen2", json!({"use_sliding_window": false, "sliding_window": 32, "max_window_layers": 1})),
            biased.clone(),
            plain(),
        ),
        (
            config(
                "Qwen2",
                json!({"use_sliding_window": true, "sliding_window": 16, "max_window_layers": 0,
                "layer_types": ["sliding_attention", "sliding_attention"]}),
            ),
            Llama { sliding_window: Some(16), ..biased.clone() },
            biased,
        ),
        (
            config(
                "Qwen3",
                json!({"head_dim": 16, "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
                "tie_word_embeddings": true, "attention_bias": false, "use_sliding_window": false, "sliding_window": null,
                "layer_types": ["full_attention", "full_attention"], "max_window_layers": 2}),
            ),
            wide.clone(),
            Llama { qk_norm: false, ..wide },
        ),
    ]
}

/// Tolerance: the cosine of every logits row with the float model's is above 0.998, and without the family's speciality
/// it is not.
#[test]
fn every_family_is_close_to_its_float_model_and_to_no_other() {
    let tokens: Vec<u32> = (0..100).map(|i| (i * 11 + 5) % fixture::VOCABULARY as u32).collect();
    for (config, shape, overlooked) in families() {
        let folder = folder(&config, &shape);
        let artefact = read(folder.path()).unwrap();
        assert_eq!(artefact.manifest.architecture, Architecture::Llama(shape.clone()), "{config}");
        let model = artefact.load(&fixture::threads()).unwrap();
        let logits = model.logits(&tokens, tokens.len()).unwrap();
        let weights = oracle::weights(folder.path());
        let worst = |weights: &oracle::Weights, shape: &Llama| {
            let expected = oracle::llama(weights, &tokens, shape).unwrap();
            let rows = logits.chunks_exact(fixture::VOCABULARY).zip(&expected);
            rows.fold(1.0f64, |worst, (row, expected)| worst.min(oracle::cosine(row, expected)))
        };
        let close = worst(&weights, &shape);
        assert!(close > 0.998, "{close} {config}");
        let unbiased = weights.into_iter().filter(|(name, _)| overlooked.attention_bias || !name.ends_with("bias"));
        let far = worst(&unbiased.collect(), &overlooked);
        assert!(far < 0.998, "{far} {config}");
    }
}

#[test]
fn mistral_s_window_is_4096_where_its_configuration_does_not_say() {
    for (special, window) in [
        (json!({}), Some(4096)),
        (json!({"sliding_window": null}), None),
        (json!({"sliding_window": 7, "layer_types": ["sliding_attention", "sliding_attention"]}), Some(7)),
        (json!({"sliding_window": null, "layer_types": ["full_attention", "full_attention"]}), None),
    ] {
        let shape = Llama { sliding_window: window, ..plain() };
        let artefact = read(folder(&config("Mistral", special), &shape).path()).unwrap();
        assert_eq!(artefact.manifest.architecture, Architecture::Llama(shape));
    }
}

#[test]
fn what_no_family_has_is_named() {
    let rope = |kind: &str, value: Value| json!({"rope_scaling": {"rope_type": kind, "factor": value}});
    let mut partial = llama3_config();
    patch(&mut partial, json!({"partial_rotary_factor": 0.5}));
    let mut reversed = llama3_config();
    patch(&mut reversed, json!({"low_freq_factor": 4.0, "high_freq_factor": 1.0}));
    for (family, special, reason) in [
        ("GPTBigCode", json!({}), "GPTBigCodeForCausalLM"),
        ("Llama", rope("yarn", 4.0.into()), "'yarn'"),
        ("Llama", rope("dynamic", 4.0.into()), "'dynamic'"),
        ("Llama", rope("longrope", 4.0.into()), "'longrope'"),
        ("Llama", rope("linear", 0.0.into()), "scaling of rotary frequencies"),
        ("Llama", rope("linear", Value::Null), "'factor'"),
        ("Llama", rope("llama3", 8.0.into()), "low_freq_factor"),
        ("Llama", json!({"rope_parameters": partial}), "partial_rotary_factor"),
        ("Llama", json!({"rope_parameters": reversed}), "scaling of rotary frequencies"),
        ("Llama", json!({"rope_parameters": {"full_attention": {"rope_type": "default"}}}), "full_attention"),
        ("Llama", json!({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 1e6}}), "two values"),
        (
            "Llama",
            json!({"rope_scaling": llama3_config(), "rope_parameters": {"type": "linear", "factor": 2}}),
            "differ",
        ),
        ("Llama", json!({"rope_theta": "1e4"}), "rope_theta"),
        ("Llama", json!({"rope_theta": -1.0}), "not a positive number"),
        ("Llama", json!({"mlp_bias": true}), "mlp_bias"),
        ("Llama", json!({"hidden_act": "gelu"}), "hidden_act"),
        ("Llama", json!({"sliding_window": 5}), "sliding_window"),
        ("Llama", json!({"quantization_config": {"bits": 4}}), "quantization_config"),
        ("Llama", json!({"logits_scaling": 8.0}), "logits_scaling"),
        ("Llama", json!({"rope_interleaved": true}), "rope_interleaved"),
        ("Llama", json!({"tie_word_embeddings": "yes"}), "tie_word_embeddings"),
        ("Llama", json!({"num_attention_heads": 0}), "num_attention_heads"),
        ("Llama", json!({"max_position_embeddings": u64::MAX}), "context is out of range"),
        ("Llama", json!({"num_hidden_layers": 1_000_000}), "too many layers"),
        ("Mistral", json!({"sliding_window": 0}), "window is empty"),
        ("Mistral", json!({"attention_bias": true}), "attention_bias"),
        ("Mistral", json!({"num_key_value_heads": null}), "num_key_value_heads"),
        ("Qwen2", json!({"attention_bias": false}), "attention_bias"),
        ("Qwen2", json!({"use_mrope": true}), "use_mrope"),
        (
            "Qwen2",
            json!({"use_sliding_window": true, "sliding_window": 9, "max_window_layers": 1}),
            "different lengths",
        ),
        ("Qwen2", json!({"layer_types": ["full_attention", "sliding_attention"]}), "different lengths"),
        ("Qwen2", json!({"layer_types": ["full_attention", "linear_attention"]}), "different lengths"),
        ("Qwen2", json!({"use_sliding_window": true, "max_window_layers": 0}), "sliding_window"),
        ("Qwen3", json!({}), "head_dim"),
        ("Qwen3", json!({"head_dim": 13}), "heads do not fit"),
    ] {
        let folder = folder(&config(family, special.clone()), &plain());
        let error = read(folder.path()).err().unwrap_or_else(|| panic!("accepted: {family} {special}")).to_string();
        assert!(error.contains(reason), "{error} / {reason}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn tensors_that_have_no_place_are_named() {
    let shape = plain();
    let write = |extra: &str, length: usize| {
        let folder = folder(&config("Llama", json!({})), &shape);
        let mut tensors: Vec<_> =
            specs(&Architecture::Llama(shape.clone())).into_iter().map(|spec| (spec.name, spec.shape)).collect();
        tensors.push((extra.into(), vec![length]));
        fixture::weights(folder.path(), &tensors, |_, _| {});
        read(folder.path())
    };
    // A table that old exports hold.
    write("model.layers.0.self_attn.rotary_emb.inv_freq", 6).unwrap();
    for extra in ["model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.q_norm.weight", "other"] {
        assert!(matches!(write(extra, 48).err(), Some(EngineError::UnexpectedTensor(name)) if name == extra));
    }
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    let folder = folder(&config("Llama", json!({})), &plain());
    let path = folder.path().join("model.safetensors");
    let good = fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&good).unwrap();
    for name in ["model.layers.1.mlp.up_proj.weight", "model.norm.weight"] {
        let at = file.tensor(name).unwrap().data().as_ptr() as usize - good.as_ptr() as usize;
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        let error = read(folder.path()).err().unwrap().to_string();
        assert!(error.contains(name), "{error}");
    }
}

fn with_files(files: &[(&str, Value)]) -> TempDir {
    let folder = folder(&config("Llama", json!({})), &plain());
    for (name, contents) in files {
        let text = contents.as_str().map_or_else(|| contents.to_string(), String::from);
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn the_chat_template_becomes_part_of_the_model() {
    let source = "{{ bos_token }} {{ messages[0].content }} w9 {{ eos_token }}";
    let settings =
        json!({"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "chat_template": source});
    let folder = with_files(&[("tokenizer_config.json", settings.clone())]);
    let artefact = read(folder.path()).unwrap();
    let text = artefact.manifest.text.clone().unwrap();
    // The template writes the begin token, so the engine does not.
    assert_eq!(text.begin, None);
    assert_eq!(template::render(&text, "w3 w4").unwrap(), "<s> w3 w4 w9 </s>");
    let with = artefact.manifest.cid();
    let model = artefact.load(&fixture::threads()).unwrap();
    let parameters = super::text(TextParameters { max_tokens: 3, temperature_milli: 0, ..Default::default() });
    let run = |model: &crate::Model, prompt: &[u8]| {
        model.run(prompt, &parameters, [0; 32], &mut |_| ControlFlow::Continue(())).unwrap()
    };
    let answer = run(&model, b"w3 w4");
    // The same tokens without a template give the same answer.
    let plain = Options { chat_template: false, ..Options::new("fixture", "CC0-1.0", "") };
    let without = import::read(folder.path(), &plain, &mut |_, _| {}).unwrap();
    assert_ne!(without.manifest.cid(), with);
    assert_eq!(
        (without.manifest.text.as_ref().unwrap().begin, &without.manifest.text.as_ref().unwrap().chat),
        (Some(1), &None)
    );
    assert_eq!(run(&without.load(&fixture::threads()).unwrap(), b"w3 w4 w9 </s>"), answer);

    // Of several the one called default; a file of its own comes before both.
    let several = json!([{"name": "tools", "template": "x"}, {"name": "default", "template": source}]);
    let mut named = settings.clone();
    patch(&mut named, json!({"chat_template": several}));
    assert_eq!(read(with_files(&[("tokenizer_config.json", named)]).path()).unwrap().manifest.cid(), with);
    let mut other = settings;
    patch(&mut other, json!({"chat_template": "{{ broken"}));
    let files = [("tokenizer_config.json", other.clone()), ("chat_template.jinja", source.into())];
    assert_eq!(read(with_files(&files).path()).unwrap().manifest.cid(), with);

    // A prompt that the template refuses is an error of the task, not of the worker.
    let strict =
        "{% if 'w5' in messages[0].content %}{{ raise_exception('no w5') }}{% endif %}{{ messages[0].content }}";
    let model = read(with_files(&[("chat_template.jinja", strict.into())]).path()).unwrap();
    let model = model.load(&fixture::threads()).unwrap();
    let error = model.run(b"w5", &parameters, [0; 32], &mut |_| ControlFlow::Continue(())).err().unwrap();
    assert!(matches!(error, EngineError::Template(reason) if reason.contains("no w5")));

    for (source, reason) in [
        ("{{ broken", "syntax error"),
        ("{{ strftime_now('%Y') }}", "strftime_now"),
        ("no prompt", "drops the prompt"),
        ("{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}", "generation"),
    ] {
        patch(&mut other, json!({"chat_template": source}));
        let error = read(with_files(&[("tokenizer_config.json", other.clone())]).path()).err().unwrap().to_string();
        assert!(error.contains(reason), "{error}");
    }
    patch(&mut other, json!({"chat_template": [{"name": "tools", "template": "x"}]}));
    let error = read(with_files(&[("tokenizer_config.json", other)]).path()).err().unwrap().to_string();
    assert!(error.contains("'default'"), "{error}");
}

#[test]
fn a_manifest_with_a_broken_chat_template_does_not_load() {
    let good = read(with_files(&[("chat_template.jinja", "{{ messages[0].content }}".into())]).path()).unwrap();
    for (field, value) in [("source", "{{ broken"), ("library", "jinja2 3.1.6")] {
        let mut json = serde_json::to_value(&good.manifest).unwrap();
        json["text"]["chat"][field] = value.into();
        let manifest = serde_json::from_value(json).unwrap();
        let artefact = Artefact { manifest, weights: good.weights.clone(), tokenizer: good.tokenizer.clone() };
        let error = artefact.load(&fixture::threads()).err().unwrap();
        assert!(matches!(error, EngineError::Manifest(_)), "{error}");
    }
}

#[test]
fn modules_that_change_an_embedding_are_refused() {
    let write = |file: &str, contents: Value| {
        let folder = fixture::bert_folder();
        let path: PathBuf = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents.to_string()).unwrap();
        read(folder.path()).map(|artefact| artefact.manifest.embedding.unwrap().normalise)
    };
    let modules = |kinds: &[&str]| kinds.iter().map(|kind| json!({"type": format!("a.b.{kind}")})).collect::<Value>();
    assert!(!write("modules.json", modules(&["Transformer", "Pooling"])).unwrap());
    assert!(write("modules.json", modules(&["Transformer", "Pooling", "Normalize"])).unwrap());
    assert!(write("modules.json", modules(&["Transformer", "Pooling", "Dense"]))
        .unwrap_err()
        .to_string()
        .contains("'Dense'"));
    let pooling = "1_Pooling/config.json";
    assert!(write(pooling, json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false})).unwrap());
    for other in ["pooling_mode_cls_token", "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"] {
        assert!(write(pooling, json!({"pooling_mode_mean_tokens": true, other: true})).is_err());
    }
    assert!(write("sentence_bert_config.json", json!({"max_seq_length": 20, "do_lower_case": true})).is_err());
}

#[test]
fn a_tokenizer_that_is_broken_within_its_decoder_is_refused() {
    let folder = with_files(&[]);
    let path = folder.path().join("tokenizer.json");
    let good = fs::read_to_string(&path).unwrap();
    assert!(good.contains("\"decoder\":null"), "{good}");
    for broken in ["x", "3", "{\"type\":3}", "{\"type\":\"Sequence\",\"decoders\":7}", "[", "{\"type\":"] {
        fs::write(&path, good.replace("\"decoder\":null", &format!("\"decoder\":{broken}"))).unwrap();
        let error = read(folder.path()).err().unwrap_or_else(|| panic!("{broken} was read")).to_string();
        assert!(!error.contains('\n'), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Whatever the bytes of one file are, there is an artefact or an error of one line.
    #[test]
    fn no_folder_makes_the_import_panic(
        which in 0usize..4,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        thread_local! {
            static GOOD: TempDir = with_files(&[
                ("tokenizer_config.json", json!({"bos_token": "<s>", "chat_template": "{{ messages[0]['content'] }}"})),
            ]);
        }
        let file = ["config.json", "tokenizer.json", "model.safetensors", "tokenizer_config.json"][which];
        GOOD.with(|folder| {
            let path = folder.path().join(file);
            let good = fs::read(&path).unwrap();
            let mut bytes = good.clone();
            // The weights' header is what a change can break.
            let head = bytes.len().min(4096);
            for (at, value) in changes {
                bytes[at.index(head)] = value;
            }
            if let Some(length) = length {
                bytes.truncate(length.index(bytes.len()));
            }
            fs::write(&path, bytes).unwrap();
            let read = read(folder.path());
            fs::write(&path, good).unwrap();
            match read {
                Err(error) => prop_assert!(!error.to_string().contains('\n'), "{}", error),
                Ok(artefact) => {
                    let _ = artefact.load(&fixture::threads());
                }
            }
            Ok(())
        })?;
    }
}
