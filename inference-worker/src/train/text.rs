//! From a text file to tokens: documents, the byte-level BPE tokenizer, and the order in which windows are seen.

use anyhow::{anyhow, bail, Context, Result};
use std::path::Path;
use tokenizers::{
    decoders::byte_level::ByteLevel as Decoder,
    models::bpe::{BpeTrainerBuilder, BPE},
    normalizers::NormalizerWrapper,
    pre_tokenizers::byte_level::ByteLevel,
    processors::template::TemplateProcessing,
    AddedToken, Tokenizer, TokenizerBuilder,
};

use super::rng::Rng;

/// The token that starts a document.
pub const START: &str = "<s>";
/// The token that ends a document.
pub const END: &str = "</s>";

/// Reads a text file and splits it at empty lines. Lines of one paragraph are joined by a space.
///
/// # Errors
/// If the file cannot be read, is not UTF-8, or holds nothing.
pub fn documents(path: &Path) -> Result<Vec<String>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the text {}", path.display()))?;
    let text = String::from_utf8(bytes).map_err(|_| anyhow!("{} is not UTF-8 text", path.display()))?;
    let mut documents = vec![String::new()];
    for line in text.lines().map(str::trim) {
        match documents.last_mut() {
            Some(open) if !line.is_empty() => {
                if !open.is_empty() {
                    open.push(' ');
                }
                open.push_str(line);
            }
            _ => documents.push(String::new()),
        }
    }
    documents.retain(|document| !document.is_empty());
    if documents.is_empty() {
        bail!("{} holds no text", path.display());
    }
    Ok(documents)
}

/// Trains a byte-level BPE tokenizer: every byte is a token, so nothing is unknown; `<s>` is 0 and `</s>` is 1; encoding
/// with special tokens puts `<s>` first.
///
/// # Errors
/// If `vocabulary` is too small for the bytes, or larger than the text can fill.
pub fn train_tokenizer(documents: &[String], vocabulary: usize) -> Result<Tokenizer> {
    let smallest = 2 + 256;
    if vocabulary < smallest {
        bail!("a vocabulary of {vocabulary} is too small: two special tokens and 256 bytes need {smallest}");
    }
    let mut trainer = BpeTrainerBuilder::new()
        .show_progress(false)
        .vocab_size(vocabulary)
        .min_frequency(2)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(vec![AddedToken::from(START, true), AddedToken::from(END, true)])
        .build();
    let template = TemplateProcessing::builder()
        .try_single(format!("{START} $A"))
        .and_then(|builder| builder.try_pair(format!("{START} $A {START} $B:1")))
        .map_err(|error| anyhow!("{error}"))?
        .special_tokens(vec![(START, 0), (END, 1)])
        .build()?;
    let mut tokenizer = TokenizerBuilder::<BPE, NormalizerWrapper, ByteLevel, TemplateProcessing, Decoder>::new()
        .with_model(BPE::default())
        .with_normalizer(None)
        .with_pre_tokenizer(Some(ByteLevel::new(false, false, true)))
        .with_post_processor(Some(template))
        .with_decoder(Some(Decoder::new(false, false, true)))
        .build()
        .map_err(|error| anyhow!("{error}"))?;
    tokenizer.train(&mut trainer, documents.iter()).map_err(|error| anyhow!("{error}"))?;
    let json = tokenizer.to_string(false).map_err(|error| anyhow!("{error}"))?;
    let tokenizer: Tokenizer = json.parse().map_err(|error| anyhow!("{error}"))?;
    let size = tokenizer.get_vocab_size(true);
    if size != vocabulary {
        bail!("the text fills a vocabulary of {size} tokens only, not {vocabulary}: choose a smaller one");
    }
    Ok(tokenizer)
}

/// Tokens of documents, each between `<s>` and `</s>`.
pub struct Corpus {
    documents: Vec<Vec<u32>>,
}

impl Corpus {
    /// Encodes `documents`.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn encode<'a>(tokenizer: &Tokenizer, documents: impl Iterator<Item = &'a String>) -> Result<Self> {
        let (start, end) = (id(tokenizer, START)?, id(tokenizer, END)?);
        let documents = documents
            .map(|document| {
                let encoding = tokenizer.encode_fast(document.as_str(), false).map_err(|error| anyhow!("{error}"))?;
                Ok([&[start], encoding.get_ids(), &[end]].concat())
            })
            .collect::<Result<_>>()?;
        Ok(Self { documents })
    }

    /// Number of tokens.
    pub fn tokens(&self) -> usize {
        self.documents.iter().map(Vec::len).sum()
    }

    /// Number of windows of `context` tokens (and one more, the last answer) in one pass.
    pub fn windows(&self, context: usize) -> usize {
        self.tokens().saturating_sub(1) / context
    }

    /// One pass: the documents in the order that `seed` and `epoch` give, or as they are for none, laid end to end.
    pub(super) fn pass(&self, order: Option<(u64, u64)>) -> Vec<u32> {
        let mut indices: Vec<usize> = (0..self.documents.len()).collect();
        if let Some((seed, epoch)) = order {
            // Streams from 2^32 on are passes; those below are first weights.
            Rng::new(seed, (1 << 32) + epoch).shuffle(&mut indices);
        }
        indices.into_iter().flat_map(|index| self.documents[index].iter().copied()).collect()
    }
}

/// The batches of a run, by number: step `n` always sees the same ones.
pub(super) struct Batches<'a> {
    corpus: &'a Corpus,
    seed: u64,
    context: usize,
    batch: usize,
    epoch: u64,
    tokens: Vec<u32>,
}

impl<'a> Batches<'a> {
    /// Batches of `batch` windows of `context` tokens.
    pub(super) fn new(corpus: &'a Corpus, seed: u64, context: usize, batch: usize) -> Self {
        Self { corpus, seed, context, batch, epoch: 0, tokens: corpus.pass(Some((seed, 0))) }
    }

    /// Inputs and right answers of step `step`, `batch * context` of each.
    pub(super) fn get(&mut self, step: u64) -> (Vec<u32>, Vec<u32>) {
        let windows = self.corpus.windows(self.context) as u64;
        let (mut inputs, mut answers) = (Vec::new(), Vec::new());
        for window in step * self.batch as u64..(step + 1) * self.batch as u64 {
            let epoch = window / windows;
            if epoch != self.epoch {
                self.epoch = epoch;
                self.tokens = self.corpus.pass(Some((self.seed, epoch)));
            }
            let start = (window % windows) as usize * self.context;
            inputs.extend_from_slice(&self.tokens[start..start + self.context]);
            answers.extend_from_slice(&self.tokens[start + 1..start + 1 + self.context]);
        }
        (inputs, answers)
    }
}

/// The number of a token that the tokenizer must know.
///
/// # Errors
/// If it does not.
pub fn id(tokenizer: &Tokenizer, token: &str) -> Result<u32> {
    tokenizer.token_to_id(token).ok_or_else(|| anyhow!("the tokenizer has no token {token}"))
}
