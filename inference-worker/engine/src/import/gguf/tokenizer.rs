//! The tokenizer file from a GGUF file's tokens: byte-level BPE (`gpt2`), whose merges the file holds, and SentencePiece
//! BPE (`llama`), whose merges follow from the scores as in the converter of Hugging Face's transformers.

use super::file::Container;
use crate::{manifest::write_canonical, EngineError};
use serde_json::{json, Map, Value};
use std::collections::{BTreeMap, HashMap};

/// Most bytes of a token: finding the merges of a score takes time in proportion to its square.
const MAX_TOKEN: usize = 1 << 10;

/// The types of tokens that matter here; all others are plain text.
const NORMAL: i128 = 1;
const UNKNOWN: i128 = 2;
const CONTROL: i128 = 3;
const USER_DEFINED: i128 = 4;
const UNUSED: i128 = 5;
const BYTE: i128 = 6;

/// GPT-2's words: the common suffixes of English, letters, digits, other signs, white space.
const GPT2_WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";

/// How text is cut into words before pairs are merged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    /// What llama.cpp does where a file does not say.
    Default,
    Gpt2,
    Llama3,
    Qwen2,
    SmolLm,
}

enum Model<'a> {
    ByteLevel { words: Words, merges: Vec<(&'a str, &'a str)> },
    SentencePiece { scores: Vec<f32>, space_before: bool, unknown: usize },
}

/// The tokens of a GGUF file and how text becomes them.
pub struct Tokens<'a> {
    texts: Vec<&'a str>,
    types: Vec<i128>,
    model: Model<'a>,
}

impl<'a> Tokens<'a> {
    /// Reads and checks the fields.
    pub fn read<B: AsRef<[u8]>>(file: &'a Container<B>) -> Result<Self, EngineError> {
        let missing = |name: &str| EngineError::Tokenizer(format!("the field 'tokenizer.ggml.{name}' is missing"));
        let texts = file.texts("tokenizer.ggml.tokens")?.ok_or_else(|| missing("tokens"))?;
        if let Some(id) = texts.iter().position(|text| text.is_empty() || text.len() > MAX_TOKEN) {
            return Err(EngineError::Tokenizer(format!("token {id} is empty or has more than {MAX_TOKEN} bytes")));
        }
        let types = match file.integers("tokenizer.ggml.token_type")? {
            Some(types) if types.len() != texts.len() => {
                let reason = format!("there are {} tokens and {} types of them", texts.len(), types.len());
                return Err(EngineError::Tokenizer(reason));
            }
            Some(types) => types,
            None => vec![NORMAL; texts.len()],
        };
        for name in ["remove_extra_whitespaces", "escape_whitespaces_off"] {
            if file.flag(&format!("tokenizer.ggml.{name}"))?.unwrap_or(false) {
                return Err(EngineError::Unsupported(format!("the tokenizer has '{name}'")));
            }
        }
        let model = match file.text("tokenizer.ggml.model")?.unwrap_or_default() {
            "gpt2" => {
                let words = match file.text("tokenizer.ggml.pre")?.unwrap_or("default") {
                    "default" => Words::Default,
                    "gpt-2" => Words::Gpt2,
                    "llama-bpe" | "llama3" | "llama-v3" => Words::Llama3,
                    "qwen2" => Words::Qwen2,
                    "smollm" => Words::SmolLm,
                    other => return Err(EngineError::Unsupported(format!("the pre-tokenizer '{other}' is not known"))),
                };
                let merges = file.texts("tokenizer.ggml.merges")?.ok_or_else(|| missing("merges"))?;
                let merges = merges.into_iter().map(|merge| {
                    // A token can not begin with a space, so the one between is not the first sign.
                    let pair = merge.split_once(' ').filter(|(left, right)| !left.is_empty() && !right.is_empty());
                    pair.ok_or_else(|| EngineError::Tokenizer(format!("'{merge}' is not a pair of tokens")))
                });
                Model::ByteLevel { words, merges: merges.collect::<Result<_, _>>()? }
            }
            "llama" => {
                let scores = file.floats("tokenizer.ggml.scores")?.ok_or_else(|| missing("scores"))?;
                if scores.len() != texts.len() || scores.iter().any(|score| score.is_nan()) {
                    return Err(EngineError::Tokenizer("the tokens' scores are not one number for each".into()));
                }
                let space_before = file.flag("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
                let unknown = file.size("tokenizer.ggml.unknown_token_id")?.unwrap_or(0);
                Model::SentencePiece { scores, space_before, unknown }
            }
            other => return Err(EngineError::Unsupported(format!("the tokenizer '{other}' is not known"))),
        };
        Ok(Self { texts, types, model })
    }

    /// The text of a token.
    pub fn text(&self, id: u32) -> Option<&'a str> {
        self.texts.get(id as usize).copied()
    }

    /// Whether prompts begin with `bos_token` where the file does not say.
    pub fn begins_by_default(&self) -> bool {
        matches!(self.model, Model::SentencePiece { .. } | Model::ByteLevel { words: Words::Llama3, .. })
    }

    /// The tokenizer file, in a form that does not depend on any map's order.
    pub fn to_json(&self) -> Result<Vec<u8>, EngineError> {
        let mut vocabulary: BTreeMap<&str, usize> = BTreeMap::new();
        let mut added = Vec::new();
        for (id, (text, kind)) in self.texts.iter().zip(&self.types).enumerate() {
            // Unused tokens fill a table up; no text becomes one of them.
            if *kind == UNUSED {
                continue;
            }
            if vocabulary.insert(text, id).is_some() {
                return Err(EngineError::Tokenizer(format!("the token '{text}' is there twice")));
            }
            let unknown = *kind == UNKNOWN && matches!(self.model, Model::SentencePiece { .. });
            if unknown || [CONTROL, USER_DEFINED].contains(kind) {
                added.push(json!({
                    "id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": *kind != USER_DEFINED,
                }));
            }
        }
        let (model, normalizer, pre_tokenizer, decoder) = match &self.model {
            Model::ByteLevel { words, merges } => {
                (byte_level(&vocabulary, merges, *words), words.normalizer(), words.pre_tokenizer(), byte_decoder())
            }
            Model::SentencePiece { scores, space_before, unknown } => {
                let Some(unknown) = self.texts.get(*unknown).filter(|text| vocabulary.contains_key(*text)) else {
                    return Err(EngineError::Tokenizer(format!("the unknown token is {unknown}, which is not there")));
                };
                let merges = self.merges(scores);
                let bytes = self.types.contains(&BYTE);
                let mut steps = vec![json!({"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"})];
                let mut back = vec![
                    json!({"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "}),
                    json!({"type": "ByteFallback"}),
                    json!({"type": "Fuse"}),
                ];
                if *space_before {
                    steps.insert(0, json!({"type": "Prepend", "prepend": "\u{2581}"}));
                    back.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
                }
                let model = json!({
                    "type": "BPE", "dropout": null, "unk_token": unknown, "continuing_subword_prefix": null,
                    "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": bytes, "ignore_merges": false,
                    "vocab": vocabulary, "merges": merges,
                });
                let sequence = |name: &str, parts: Vec<Value>| json!({"type": "Sequence", name: parts});
                (model, sequence("normalizers", steps), Value::Null, sequence("decoders", back))
            }
        };
        let file = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": decoder, "model": model,
        });
        let mut out = String::new();
        write_canonical(&file, &mut out);
        Ok(out.into_bytes())
    }

    /// Every way to put a token together from two others, the best score first; ties are in the converter's order:
    /// longer left parts, then longer right parts, then the order of the tokens and of their parts.
    fn merges(&self, scores: &[f32]) -> Vec<(&'a str, &'a str)> {
        let normal = |id: &usize| self.types.get(*id) == Some(&NORMAL);
        let ids: HashMap<&str, usize> =
            self.texts.iter().enumerate().filter(|(id, _)| normal(id)).map(|(id, text)| (*text, id)).collect();
        let mut merges = Vec::new();
        for ((id, text), score) in self.texts.iter().enumerate().zip(scores) {
            if !normal(&id) {
                continue;
            }
            let mut own: Vec<(usize, usize, &str, &str)> = text
                .char_indices()
                .skip(1)
                .filter_map(|(at, _)| {
                    let (left, right) = text.split_at(at);
                    Some((*ids.get(left)?, *ids.get(right)?, left, right))
                })
                .collect();
            own.sort_by_key(|(left, right, _, _)| (*left, *right));
            merges.extend(own.into_iter().map(|(_, _, left, right)| (*score + 0.0, left, right)));
        }
        let length = |text: &str| text.chars().count();
        // Stable, so equal keys stay in the order above; the two zeros are equal since 0 was added.
        merges.sort_by(|(a, al, ar), (b, bl, br)| {
            b.total_cmp(a).then_with(|| length(bl).cmp(&length(al))).then_with(|| length(br).cmp(&length(ar)))
        });
        merges.into_iter().map(|(_, left, right)| (left, right)).collect()
    }
}

fn byte_level(vocabulary: &BTreeMap<&str, usize>, merges: &[(&str, &str)], words: Words) -> Value {
    // Llama 3 takes a word that is a token as it is, whatever the merges say.
    let mut model = Map::new();
    model.insert("ignore_merges".into(), (words == Words::Llama3).into());
    for (name, value) in [("fuse_unk", false), ("byte_fallback", false)] {
        model.insert(name.into(), value.into());
    }
    for name in ["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"] {
        model.insert(name.into(), Value::Null);
    }
    model.insert("type".into(), "BPE".into());
    model.insert("vocab".into(), json!(vocabulary));
    model.insert("merges".into(), json!(merges));
    model.into()
}

fn byte_decoder() -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})
}

impl Words {
    fn normalizer(self) -> Value {
        match self {
            Self::Qwen2 => json!({"type": "NFC"}),
            _ => Value::Null,
        }
    }

    fn pre_tokenizer(self) -> Value {
        let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        let mut steps = match self {
            Self::Gpt2 => vec![],
            Self::Default => {
                vec![split(r"[\p{P}\$\+<=>\^~\|]+"), split(GPT2_WORDS), split(r"\p{N}+"), split("[0-9][0-9][0-9]")]
            }
            Self::Llama3 => vec![split(concat!(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
                r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            ))],
            Self::Qwen2 => vec![split(concat!(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
                r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            ))],
            Self::SmolLm => vec![json!({"type": "Digits", "individual_digits": true})],
        };
        // The library has GPT-2's words built in.
        let own_words = matches!(self, Self::Gpt2 | Self::SmolLm);
        steps.push(json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": own_words,
        }));
        json!({"type": "Sequence", "pretokenizers": steps})
    }
}
