//! GGUF files that are written here byte by byte: what they must become, and what they must not do.

use super::{super::*, *};
use crate::{
    artefact::specs,
    tests::fixture::{self, Numbers},
};
use codec::Encode;
use proptest::prelude::*;
use std::{fs, ops::ControlFlow};

/// Writes files of version 3.
#[derive(Clone, Default)]
pub(crate) struct Writer {
    pub(crate) fields: Vec<(String, Field)>,
    /// Name, shape as a row-major array has it, number of the type, contents.
    pub(crate) tensors: Vec<(String, Vec<usize>, u32, Vec<u8>)>,
}

#[derive(Clone)]
pub(crate) enum Field {
    Size(u32),
    Float(f32),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Floats(Vec<f32>),
    Types(Vec<i32>),
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

impl Field {
    fn write(&self, out: &mut Vec<u8>) {
        let mut list = |element: u32, length: usize| {
            out.extend(9u32.to_le_bytes());
            out.extend(element.to_le_bytes());
            out.extend((length as u64).to_le_bytes());
        };
        match self {
            Self::Size(size) => out.extend([4u32.to_le_bytes(), size.to_le_bytes()].concat()),
            Self::Float(value) => out.extend([6u32.to_le_bytes(), value.to_le_bytes()].concat()),
            Self::Flag(flag) => {
                out.extend(7u32.to_le_bytes());
                out.push(u8::from(*flag));
            }
            Self::Text(value) => {
                out.extend(8u32.to_le_bytes());
                text(out, value);
            }
            Self::Texts(texts) => {
                list(8, texts.len());
                texts.iter().for_each(|value| text(out, value));
            }
            Self::Floats(values) => {
                list(6, values.len());
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
            Self::Types(values) => {
                list(5, values.len());
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
    }
}

impl Writer {
    pub(crate) fn set(&mut self, name: &str, field: Field) {
        self.fields.retain(|(other, _)| other != name);
        self.fields.push((name.into(), field));
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self.tensors.retain(|(other, ..)| other != name);
        self
    }

    fn with(mut self, name: &str, field: Field) -> Self {
        self.set(name, field);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.fields.len() as u64).to_le_bytes());
        for (name, field) in &self.fields {
            text(&mut out, name);
            field.write(&mut out);
        }
        let mut data = Vec::new();
        for (name, shape, kind, bytes) in &self.tensors {
            text(&mut out, name);
            out.extend((shape.len() as u32).to_le_bytes());
            shape.iter().rev().for_each(|size| out.extend((*size as u64).to_le_bytes()));
            out.extend(kind.to_le_bytes());
            out.extend((data.len() as u64).to_le_bytes());
            data.extend(bytes);
            data.resize(data.len().next_multiple_of(32), 0);
        }
        out.resize(out.len().next_multiple_of(32), 0);
        [out, data].concat()
    }
}

fn options() -> Options {
    Options::new("fixture", "CC0-1.0", "a fixed generator")
}

fn import(writer: &Writer) -> Result<Artefact, EngineError> {
    import_bytes(&writer.bytes())
}

fn import_bytes(bytes: &[u8]) -> Result<Artefact, EngineError> {
    assemble(&Gguf::open(bytes)?, &options(), &mut |_, _| {})
}

fn refusal(writer: &Writer) -> String {
    let error = import(writer).err().expect("the file is not acceptable").to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

/// Byte-level tokens: three special ones, one for each byte, `the` and ` the`, and one that fills the table up.
fn byte_tokens() -> Vec<(String, i32)> {
    let mut tokens: Vec<(String, i32)> = ["<unk>", "<s>", "</s>"].map(|text| (text.to_string(), 3)).into();
    let mut alphabet: Vec<String> = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet()
        .into_iter()
        .map(|character| character.to_string())
        .collect();
    alphabet.sort();
    tokens.extend(alphabet.into_iter().map(|text| (text, 1)));
    for text in ["th", "the", "\u{120}the", "12", "<|im_end|>", "[PAD]"] {
        tokens.push((text.into(), 1));
    }
    let last = tokens.len() - 1;
    tokens[last].1 = 5;
    tokens[last - 1].1 = 3;
    tokens
}

/// A decoder whose tensors come from the fixture's generator, as exporters write it.
fn decoder(architecture: &str) -> Writer {
    let tokens = byte_tokens();
    let mut writer = Writer::default();
    writer.set("general.architecture", Field::Text(architecture.into()));
    writer.set("general.name", Field::Text("a fixture".into()));
    for (name, size) in [
        ("embedding_length", 64),
        ("feed_forward_length", 96),
        ("block_count", 2),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
        ("context_length", 128),
        ("attention.key_length", if architecture == "qwen3" { 32 } else { 16 }),
        ("rope.dimension_count", if architecture == "qwen3" { 32 } else { 16 }),
    ] {
        writer.set(&format!("{architecture}.{name}"), Field::Size(size));
    }
    writer.set(&format!("{architecture}.attention.layer_norm_rms_epsilon"), Field::Float(1e-5));
    writer.set(&format!("{architecture}.rope.freq_base"), Field::Float(500_000.0));
    writer.set("tokenizer.ggml.model", Field::Text("gpt2".into()));
    writer.set("tokenizer.ggml.pre", Field::Text(if architecture == "llama" { "llama-bpe" } else { "qwen2" }.into()));
    writer.set("tokenizer.ggml.tokens", Field::Texts(tokens.iter().map(|(text, _)| text.clone()).collect()));
    writer.set("tokenizer.ggml.token_type", Field::Types(tokens.iter().map(|(_, kind)| *kind).collect()));
    let merges = ["t h", "th e", "\u{120} the", "1 2"].map(String::from);
    writer.set("tokenizer.ggml.merges", Field::Texts(merges.into()));
    writer.set("tokenizer.ggml.bos_token_id", Field::Size(1));
    writer.set("tokenizer.ggml.eos_token_id", Field::Size(2));
    let shape = expected(architecture, tokens.len());
    for spec in specs(&Architecture::Llama(shape.clone())) {
        let values = values(&spec);
        let heads = match &spec.name {
            name if architecture == "llama" && name.contains("q_proj") => Some(shape.heads),
            name if architecture == "llama" && name.contains("k_proj") => Some(shape.kv_heads),
            _ => None,
        };
        let values = match heads {
            Some(heads) => interleaved(&values, spec.shape[0], spec.shape.get(1).copied().unwrap_or(1), heads),
            None => values,
        };
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        writer.tensors.push((stored_name(&spec.name).unwrap(), spec.shape, 0, bytes));
    }
    writer
}

fn values(spec: &Spec) -> Vec<f32> {
    let mut numbers = Numbers(spec.name.bytes().map(u64::from).sum::<u64>() << 32);
    let mut values = numbers.vector(spec.shape.iter().product());
    if spec.name.contains("norm") {
        values.iter_mut().for_each(|x| *x += 1.0);
    }
    values
}

/// Rows (head, half, i) become rows (head, i, half): what the exporter does for this architecture.
fn interleaved(values: &[f32], rows: usize, columns: usize, heads: usize) -> Vec<f32> {
    let half = rows / heads / 2;
    let row = |head: usize, part: usize, i: usize| {
        let begin = (head * 2 * half + part * half + i) * columns;
        &values[begin..begin + columns]
    };
    let mut out = Vec::new();
    for head in 0..heads {
        for i in 0..half {
            out.extend_from_slice(row(head, 0, i));
            out.extend_from_slice(row(head, 1, i));
        }
    }
    out
}

/// What the manifest must say of [`decoder`].
fn expected(architecture: &str, vocab_size: usize) -> Llama {
    Llama {
        vocab_size,
        hidden_size: 64,
        intermediate_size: 96,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: if architecture == "qwen3" { 32 } else { 16 },
        max_context: 128,
        norm_epsilon: Decimal("1e-5".into()),
        rope_base: Decimal("5e5".into()),
        attention_bias: architecture == "qwen2",
        output_bias: (architecture == "qwen2").then_some(false),
        qk_norm: architecture == "qwen3",
        sliding_window: None,
        rope_scaling: None,
        tied_head: true,
    }
}

#[test]
fn every_architecture_becomes_the_artefact_that_its_floats_say() {
    for architecture in ["llama", "qwen2", "qwen3"] {
        let artefact = import(&decoder(architecture)).unwrap();
        let Architecture::Llama(shape) = &artefact.manifest.architecture else { panic!("not a decoder") };
        assert_eq!(*shape, expected(architecture, byte_tokens().len()));
        let mut own = Tensors::default();
        for spec in specs(&artefact.manifest.architecture) {
            own.add(&spec, values(&spec), Default::default()).unwrap();
        }
        assert!(artefact.weights == own.to_bytes().unwrap(), "{architecture}: the weights differ");
        let text = artefact.manifest.text.clone().unwrap();
        // Only Llama 3's tokens begin a prompt where the file does not say.
        assert_eq!((text.begin, text.end), ((architecture == "llama").then_some(1), vec![2]));
        let model = artefact.load(&fixture::threads()).unwrap();
        let parameters =
            crate::tests::text(assay_types::inference::TextParameters { max_tokens: 5, ..Default::default() });
        model.run(b"the end", &parameters, [0; 32], &mut |_| ControlFlow::Continue(())).unwrap();
    }
}

#[test]
fn a_file_is_read_from_disk_like_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    fs::write(&path, decoder("qwen3").bytes()).unwrap();
    let read = super::super::read(&path, &options(), &mut |_, _| {}).unwrap();
    assert_eq!(read.manifest, import(&decoder("qwen3")).unwrap().manifest);
    fs::write(&path, b"").unwrap();
    assert!(super::super::read(&path, &options(), &mut |_, _| {}).is_err());
}

#[test]
fn heads_and_biases_are_there_where_their_tensors_are() {
    let mut writer = decoder("llama");
    let (rows, bytes) = (byte_tokens().len(), writer.tensors[0].3.clone());
    writer.tensors.push(("output.weight".into(), vec![rows, 64], 0, bytes));
    let Architecture::Llama(shape) = import(&writer).unwrap().manifest.architecture else { panic!("not a decoder") };
    assert!(!shape.tied_head);
    for layer in 0..2 {
        for (part, length) in [("attn_q", 64), ("attn_k", 32), ("attn_v", 32), ("attn_output", 64)] {
            writer.tensors.push((format!("blk.{layer}.{part}.bias"), vec![length], 0, vec![0; 4 * length]));
        }
    }
    let Architecture::Llama(shape) = import(&writer).unwrap().manifest.architecture else { panic!("not a decoder") };
    assert_eq!((shape.attention_bias, shape.output_bias), (true, None));
    // One that is missing is named.
    assert!(refusal(&writer.without("blk.1.attn_v.bias")).contains("model.layers.1.self_attn.v_proj.bias"));
}

/// The factors of Llama 3.2 as its exporter computes them.
fn llama3_factors(factor: f32) -> Vec<f32> {
    let frequency = |i: i32| 500_000f32.powf(-2.0 * i as f32 / 16.0);
    (0..8)
        .map(|i| {
            let wave = 2.0 * std::f32::consts::PI / frequency(i);
            if wave < 8192.0 / 4.0 {
                1.0
            } else if wave > 8192.0 {
                factor
            } else {
                let smooth = (8192.0 / wave - 1.0) / (4.0 - 1.0);
                1.0 / ((1.0 - smooth) / factor + smooth)
            }
        })
        .collect()
}

#[test]
fn rope_scaling_is_found_in_fields_and_in_factors() {
    let scaling = |writer: &Writer| match import(writer).map(|artefact| artefact.manifest.architecture) {
        Ok(Architecture::Llama(shape)) => shape.rope_scaling,
        other => panic!("{:?}", other.err()),
    };
    let with = |fields: &[(&str, Field)]| {
        let mut writer = decoder("llama");
        fields.iter().for_each(|(name, field)| writer.set(&format!("llama.rope.{name}"), field.clone()));
        writer
    };
    let name = |text: &str| Field::Text(text.into());
    let linear = Some(RopeScaling::Linear { factor: Decimal("4e0".into()) });
    assert_eq!(scaling(&with(&[("scaling.type", name("none"))])), None);
    assert_eq!(scaling(&with(&[("scaling.type", name("linear")), ("scaling.factor", Field::Float(4.0))])), linear);
    assert_eq!(scaling(&with(&[("scale_linear", Field::Float(4.0))])), linear);
    assert_eq!(scaling(&with(&[("scale_linear", Field::Float(1.0))])), None);
    for fields in [
        vec![("scaling.type", name("yarn")), ("scaling.factor", Field::Float(4.0))],
        vec![("scaling.type", name("longrope"))],
        vec![("scaling.type", name("linear"))],
        vec![("scaling.type", name("linear")), ("scaling.factor", Field::Float(f32::NAN))],
        vec![("scaling.yarn_log_multiplier", Field::Float(0.1))],
    ] {
        refusal(&with(&fields));
    }
    let factors = |factors: Vec<f32>| {
        let mut writer = decoder("llama");
        let bytes = factors.iter().flat_map(|x| x.to_le_bytes()).collect();
        writer.tensors.push(("rope_freqs.weight".into(), vec![factors.len()], 0, bytes));
        writer
    };
    assert_eq!(
        scaling(&factors(llama3_factors(32.0))),
        Some(RopeScaling::Llama3 {
            factor: Decimal("3.2e1".into()),
            low_frequency_factor: Decimal("1e0".into()),
            high_frequency_factor: Decimal("4e0".into()),
            original_context: 8192,
        })
    );
    let mut other = llama3_factors(8.0);
    other[4] *= 1.01;
    for wrong in [other, vec![1.0; 7], vec![f32::NAN; 8], vec![0.0; 8], vec![f32::INFINITY; 8]] {
        assert!(refusal(&factors(wrong)).contains("rope_freqs.weight"));
    }
}

#[test]
fn what_the_engine_does_not_have_is_named() {
    let field = |name: &str, field: Field| decoder("llama").with(name, field);
    for (writer, reason) in [
        (field("general.architecture", Field::Text("gemma".into())), "'gemma'"),
        (field("llama.expert_count", Field::Size(8)), "experts"),
        (field("llama.attention.clamp_kqv", Field::Float(8.0)), "llama.attention.clamp_kqv"),
        (field("llama.rope.dimension_count", Field::Size(8)), "llama.rope.dimension_count"),
        (field("llama.attention.value_length", Field::Size(8)), "llama.attention.value_length"),
        (field("llama.attention.head_count_kv", Field::Types(vec![2, 1])), "llama.attention.head_count_kv"),
        (field("llama.attention.head_count_kv", Field::Size(3)), "heads do not fit"),
        (field("llama.context_length", Field::Size(u32::MAX)), "context is out of range"),
        (field("llama.block_count", Field::Size(3)), "model.layers.2."),
        (field("llama.attention.layer_norm_rms_epsilon", Field::Float(f32::NAN)), "not a positive number"),
        (field("split.count", Field::Size(2)), "several GGUF files"),
        (field("tokenizer.ggml.model", Field::Text("t5".into())), "'t5'"),
        (field("tokenizer.ggml.pre", Field::Text("deepseek-llm".into())), "'deepseek-llm'"),
        (field("tokenizer.ggml.add_eos_token", Field::Flag(true)), "eos_token"),
        (field("tokenizer.ggml.bos_token_id", Field::Size(9999)), "special token"),
        (field("tokenizer.ggml.merges", Field::Texts(vec!["the".into()])), "'the'"),
        (field("tokenizer.ggml.merges", Field::Texts(vec!["q \u{120}the".into()])), "tokenizer"),
        (field("tokenizer.ggml.token_type", Field::Types(vec![1])), "1 types"),
        (field("tokenizer.ggml.tokens", Field::Texts(vec!["a".into(); byte_tokens().len()])), "'a' is there twice"),
        (field("tokenizer.ggml.tokens", Field::Texts(vec!["a".repeat(2000); byte_tokens().len()])), "1024 bytes"),
        (field("tokenizer.chat_template", Field::Text("{{ strftime_now('%Y') }}".into())), "strftime_now"),
        (field("tokenizer.chat_template", Field::Text("fixed".into())), "drops the prompt"),
        (decoder("llama").without("llama.block_count"), "llama.block_count"),
        (decoder("llama").without("token_embd.weight"), "token_embd.weight"),
        (decoder("llama").without("blk.1.ffn_up.weight"), "model.layers.1.mlp.up_proj.weight"),
        (decoder("qwen3").without("blk.0.attn_q_norm.weight"), "q_norm"),
        (decoder("llama").without("tokenizer.ggml.merges"), "tokenizer.ggml.merges"),
        (decoder("llama").without("tokenizer.ggml.tokens"), "tokenizer.ggml.tokens"),
    ] {
        let error = refusal(&writer);
        assert!(error.contains(reason), "{error}");
    }
    let mut writer = decoder("llama");
    writer.tensors.push(("blk.0.ffn_gate_inp.weight".into(), vec![8, 64], 0, vec![0; 4 * 8 * 64]));
    assert!(refusal(&writer).contains("blk.0.ffn_gate_inp.weight"));
    let mut writer = decoder("llama");
    writer.tensors[2].3[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(refusal(&writer).contains("model.layers.0.input_layernorm.weight"));
    let mut writer = decoder("llama");
    writer.tensors[0].3[..4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert!(refusal(&writer).contains("model.embed_tokens.weight"));
    let mut writer = decoder("llama");
    writer.tensors[0].2 = 10;
    assert!(refusal(&writer).contains("Q2_K"));
}

#[test]
fn a_chat_template_is_kept_unless_it_is_not_wanted() {
    let source = "{{ bos_token }}[{{ messages[0].content }}]{{ eos_token }}";
    let writer = decoder("llama").with("tokenizer.chat_template", Field::Text(source.into()));
    let text = import(&writer).unwrap().manifest.text.unwrap();
    assert_eq!(text.begin, None);
    assert_eq!(crate::template::render(&text, "Hi").unwrap(), "<s>[Hi]</s>");
    let plain = Options { chat_template: false, ..options() };
    let text = assemble(&Gguf::open(writer.bytes()).unwrap(), &plain, &mut |_, _| {}).unwrap().manifest.text.unwrap();
    assert_eq!((text.begin, text.chat), (Some(1), None));
}

fn tokenizer_of(writer: &Writer) -> tokenizers::Tokenizer {
    tokenizers::Tokenizer::from_bytes(&import(writer).unwrap().tokenizer).unwrap()
}

fn pieces(tokenizer: &tokenizers::Tokenizer, text: &str) -> Vec<String> {
    let encoding = tokenizer.encode(text, false).unwrap();
    assert_eq!(tokenizer.decode(encoding.get_ids(), false).unwrap(), text);
    encoding.get_tokens().to_vec()
}

#[test]
fn byte_level_tokens_merge_inside_of_words() {
    let with = |words: &str| tokenizer_of(&decoder("llama").with("tokenizer.ggml.pre", Field::Text(words.into())));
    for (words, numbers) in
        [("default", vec!["12", "12"]), ("gpt-2", vec!["12", "12"]), ("llama-bpe", vec!["12", "1", "2"])]
    {
        assert_eq!(pieces(&with(words), "the the"), ["the", "\u{120}the"], "{words}");
        let expected = if words == "llama-bpe" || words == "default" { vec!["12", "1", "2"] } else { numbers };
        assert_eq!(pieces(&with(words), "1212"), expected, "{words}");
    }
    for words in ["qwen2", "smollm"] {
        assert_eq!(pieces(&with(words), "1212"), ["1", "2", "1", "2"], "{words}");
    }
    // Control tokens are found in text, and fillers never.
    let tokenizer = with("qwen2");
    assert_eq!(pieces(&tokenizer, "the<|im_end|>"), ["the", "<|im_end|>"]);
    assert_eq!(tokenizer.token_to_id("[PAD]"), None);
    assert_eq!(pieces(&tokenizer, "\u{e9}\u{4e2d}\n\u{1f600}").len(), 2 + 3 + 1 + 4);
    // Composed and decomposed letters are the same text for Qwen.
    assert_eq!(
        tokenizer.encode("e\u{301}", false).unwrap().get_ids(),
        tokenizer.encode("\u{e9}", false).unwrap().get_ids()
    );
}

/// SentencePiece tokens with scores: the best-scored pair is merged first.
fn sentence_piece() -> Writer {
    let mut tokens: Vec<(String, i32, f32)> =
        vec![("<unk>".into(), 2, 0.0), ("<s>".into(), 3, 0.0), ("</s>".into(), 3, 0.0)];
    tokens.extend((0..=255u8).map(|byte| (format!("<0x{byte:02X}>"), 6, 0.0)));
    for (rank, text) in ["\u{2581}t", "he", "\u{2581}the", "th", "\u{2581}", "t", "h", "e"].into_iter().enumerate() {
        tokens.push((text.into(), 1, -(rank as f32)));
    }
    let mut writer = decoder("llama").without("tokenizer.ggml.merges").without("tokenizer.ggml.pre");
    writer.set("tokenizer.ggml.model", Field::Text("llama".into()));
    writer.set("tokenizer.ggml.tokens", Field::Texts(tokens.iter().map(|(text, ..)| text.clone()).collect()));
    writer.set("tokenizer.ggml.token_type", Field::Types(tokens.iter().map(|(_, kind, _)| *kind).collect()));
    writer.set("tokenizer.ggml.scores", Field::Floats(tokens.iter().map(|(.., score)| *score).collect()));
    assert!(tokens.len() <= 272);
    writer.tensors[0] = ("token_embd.weight".into(), vec![272, 64], 0, vec![0; 4 * 272 * 64]);
    writer
}

#[test]
fn sentence_piece_tokens_merge_by_score() {
    let tokenizer = tokenizer_of(&sentence_piece());
    assert_eq!(pieces(&tokenizer, "the"), ["\u{2581}the"]);
    assert_eq!(pieces(&tokenizer, "th"), ["\u{2581}t", "h"]);
    assert_eq!(pieces(&tokenizer, "the the"), ["\u{2581}the", "\u{2581}the"]);
    // Bytes stand for what has no token.
    assert_eq!(pieces(&tokenizer, "the\n"), ["\u{2581}the", "<0x0A>"]);
    assert_eq!(pieces(&tokenizer, "\u{e9}"), ["\u{2581}", "<0xC3>", "<0xA9>"]);
    let text = import(&sentence_piece()).unwrap().manifest.text.unwrap();
    assert_eq!(text.begin, Some(1));
    let bare = sentence_piece().with("tokenizer.ggml.add_space_prefix", Field::Flag(false));
    assert_eq!(pieces(&tokenizer_of(&bare), "the"), ["t", "he"]);
    for (writer, reason) in [
        (sentence_piece().without("tokenizer.ggml.scores"), "scores"),
        (sentence_piece().with("tokenizer.ggml.scores", Field::Floats(vec![f32::NAN; 267])), "scores"),
        (sentence_piece().with("tokenizer.ggml.unknown_token_id", Field::Size(5000)), "5000"),
        (
            sentence_piece().with("tokenizer.ggml.remove_extra_whitespaces", Field::Flag(true)),
            "remove_extra_whitespaces",
        ),
    ] {
        let error = refusal(&writer);
        assert!(error.contains(reason), "{error}");
    }
}

/// Where `needle` begins in `bytes`.
fn find(bytes: &[u8], needle: &str) -> usize {
    bytes.windows(needle.len()).position(|window| window == needle.as_bytes()).unwrap()
}

#[test]
fn lies_about_lengths_and_places_are_named() {
    let good = decoder("llama").bytes();
    let patched = |at: usize, patch: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + patch.len()].copy_from_slice(patch);
        bytes
    };
    let embeddings = find(&good, "token_embd.weight") + "token_embd.weight".len();
    let name = find(&good, "general.name");
    for (bytes, reason) in [
        (patched(0, b"GGML"), "letters GGUF"),
        (patched(4, &1u32.to_le_bytes()), "version is 1"),
        (patched(4, &3u32.to_be_bytes()), "little-endian"),
        (patched(8, &u64::MAX.to_le_bytes()), "number of tensors"),
        (patched(16, &u64::MAX.to_le_bytes()), "number of fields"),
        (patched(16, &60_000u64.to_le_bytes()), "not a sound GGUF file"),
        (patched(name - 8, &u64::MAX.to_le_bytes()), "a field's name has"),
        (patched(name, &[0xff, 0xfe]), "not UTF-8"),
        (patched(name + 12, &77u32.to_le_bytes()), "unknown type 77"),
        (patched(name + 16, &u64::MAX.to_le_bytes()), "general.name has"),
        (patched(embeddings, &9u32.to_le_bytes()), "9 dimensions"),
        (patched(embeddings + 4, &u64::MAX.to_le_bytes()), "token_embd.weight"),
        (patched(embeddings + 4, &0u64.to_le_bytes()), "no sensible number"),
        (patched(embeddings + 12, &(1u64 << 62).to_le_bytes()), "token_embd.weight"),
        (patched(embeddings + 20, &12u32.to_le_bytes()), "multiple of 256"),
        (patched(embeddings + 24, &7u64.to_le_bytes()), "no multiple of 32"),
        (patched(embeddings + 24, &(u64::MAX - 31).to_le_bytes()), "ends before that"),
        (patched(embeddings + 24, &64u64.to_le_bytes()), "overlap"),
        (patched(find(&good, "general.architecture"), b"general.Architecture"), "architecture ''"),
        (good[..good.len() - 32].to_vec(), "ends before that"),
        (good[..100].to_vec(), "it ends inside of"),
        (Vec::new(), "magic"),
    ] {
        let error = import_bytes(&bytes).err().expect("the file lies").to_string();
        assert!(error.contains(reason), "{error} / {reason}");
        assert!(!error.contains('\n'), "{error}");
    }
    let mut twice = decoder("llama");
    twice.fields.push(("general.name".into(), Field::Text("again".into())));
    assert!(refusal(&twice).contains("'general.name' is there twice"));
    let mut twice = decoder("llama");
    twice.tensors.push(twice.tensors[1].clone());
    assert!(refusal(&twice).contains("is there twice"));
    let mut odd = decoder("llama");
    odd.set("general.alignment", Field::Size(3));
    assert!(refusal(&odd).contains("general.alignment"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whatever the bytes are, there is an artefact or an error, and what there is can be loaded and run or refused.
    #[test]
    fn no_file_makes_the_import_panic(
        sentences in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        words in proptest::collection::vec((any::<prop::sample::Index>(), prop::sample::select(vec![0, 1, 255, 1 << 16, u64::MAX, 1 << 63, i64::MAX as u64])), 0..2),
        length in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        thread_local! {
            static GOOD: [Vec<u8>; 2] = [decoder("llama").bytes(), sentence_piece().bytes()];
        }
        let mut bytes = GOOD.with(|good| good[usize::from(sentences)].clone());
        // Most of a file is weights, where a change says little: aim at the rest.
        let head = 16_384.min(bytes.len());
        for (at, value) in changes {
            bytes[at.index(head)] = value;
        }
        for (at, value) in words {
            let at = at.index(head - 8);
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        match import_bytes(&bytes) {
            Err(error) => prop_assert!(!error.to_string().contains('\n'), "{}", error),
            Ok(artefact) => if let Ok(model) = artefact.load(&fixture::threads()) {
                let parameters = assay_types::inference::Parameters::Text(assay_types::inference::TextParameters {
                    max_tokens: 2,
                    ..Default::default()
                });
                let _ = model.run(b"the end", &parameters.encode(), [0; 32], &mut |_| ControlFlow::Continue(()));
            }
        }
    }
}
