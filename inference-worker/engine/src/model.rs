//! A loaded model and its runs.

use crate::{
    artefact::Tensors,
    bert::{self, Bert},
    llama::{self, Llama},
    manifest::{
        Architecture, EmbeddingRules, File, Pooling, TextRules, MANIFEST_FILE, PROMPT_MARK, TOKENIZER_FILE,
        WEIGHTS_FILE,
    },
    EngineError, Manifest,
};
use assay_numerics::{norm, Sampler, Sampling, Trace};
use assay_types::{
    inference::{EmbeddingOutput, Finish, Output, Parameters, TextOutput, TextParameters},
    Cid, TraceDigest, MAX_INLINE,
};
use codec::{DecodeAll, Encode};
use std::{fs, ops::ControlFlow, path::Path};
use tokenizers::{Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy};

/// Bytes of an encoded answer besides its text and tokens, at most.
const ANSWER_OVERHEAD: usize = 16;

/// Called while a run goes on, with the steps done, the most there may be, and the text so far; breaking ends the
/// run with [`EngineError::Stopped`].
pub type Progress<'a> = dyn FnMut(usize, usize, &str) -> ControlFlow<()> + 'a;

/// What a run gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The encoded [`Output`]: the payload of a solution.
    pub output: Vec<u8>,
    /// Digest of every logits row at generated positions, or of the final hidden rows.
    pub trace: TraceDigest,
    /// Tokens generated, or read for an embedding.
    pub tokens: usize,
}

/// A model, ready to run. Runs do not change it, so one model serves many threads.
pub struct Model {
    manifest: Manifest,
    cid: Cid,
    tokenizer: Tokenizer,
    network: Network,
}

enum Network {
    Text {
        llama: Box<Llama>,
        rules: TextRules,
        context: usize,
        /// Most bytes of text that one token can add to an answer.
        longest_token: usize,
    },
    Embedding {
        bert: Box<Bert>,
        rules: EmbeddingRules,
        width: usize,
    },
}

impl Model {
    /// Loads an artefact and checks every hash in it.
    ///
    /// # Errors
    /// Any [`EngineError`] about files, manifest, weights or tokenizer.
    pub fn load(folder: &Path) -> Result<Self, EngineError> {
        let read = |file: &str| {
            let path = folder.join(file);
            fs::read(&path).map_err(EngineError::file(&path))
        };
        let manifest = Manifest::from_bytes(&read(MANIFEST_FILE)?)?;
        let weights = read(WEIGHTS_FILE)?;
        manifest.weights.check(WEIGHTS_FILE, &weights)?;
        let tokenizer = read(TOKENIZER_FILE)?;
        manifest.tokenizer.check(TOKENIZER_FILE, &tokenizer)?;
        Self::from_parts(manifest, &weights, &tokenizer)
    }

    /// Builds a model from parts whose hashes were checked.
    pub(crate) fn from_parts(manifest: Manifest, weights: &[u8], tokenizer: &[u8]) -> Result<Self, EngineError> {
        assay_numerics::check_float_environment()?;
        manifest.check().map_err(|reason| EngineError::Manifest(reason.into()))?;
        let mut tensors = Tensors::from_bytes(weights, &manifest.architecture)?;
        let mut tokenizer = read_tokenizer(tokenizer)?;
        let (network, vocabulary) = match (&manifest.architecture, &manifest.text, &manifest.embedding) {
            (Architecture::Llama(shape), Some(rules), _) => {
                let rope = llama::rope_table(shape)?;
                let named = manifest.rope_table.as_deref();
                if named != Some(File::of(&rope.to_bytes()).cid.as_str()) {
                    return Err(EngineError::RopeTable);
                }
                let llama = Box::new(Llama::new(shape, manifest.activations, rope, &mut tensors)?);
                let longest_token = longest_token(&tokenizer)?;
                let network = Network::Text { llama, rules: rules.clone(), context: shape.max_context, longest_token };
                (network, shape.vocab_size)
            }
            (Architecture::Bert(shape), _, Some(rules)) => {
                let truncation = TruncationParams {
                    direction: TruncationDirection::Right,
                    max_length: rules.max_tokens,
                    strategy: TruncationStrategy::LongestFirst,
                    stride: 0,
                };
                tokenizer
                    .with_truncation(Some(truncation))
                    .map_err(|error| EngineError::Tokenizer(error.to_string()))?;
                let bert = Box::new(Bert::new(shape, manifest.activations, &mut tensors)?);
                (Network::Embedding { bert, rules: rules.clone(), width: shape.hidden_size }, shape.vocab_size)
            }
            _ => return Err(EngineError::Manifest("kind, architecture and rules do not fit together".into())),
        };
        let largest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        if largest as usize >= vocabulary {
            return Err(EngineError::TokenizerDoesNotFit { largest, vocabulary });
        }
        let cid = manifest.cid();
        Ok(Self { manifest, cid, tokenizer, network })
    }

    /// What the model is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model's identity: content id of its manifest.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// Runs the model on a task's `input` (UTF-8 text) and `parameters` (encoded [`Parameters`]) with its seed. Equal
    /// arguments give equal bytes on every machine.
    ///
    /// # Errors
    /// Any [`EngineError`] about input, parameters or arithmetic; [`EngineError::Stopped`] when `progress` breaks.
    pub fn run(
        &self,
        input: &[u8],
        parameters: &[u8],
        seed: [u8; 32],
        progress: &mut Progress<'_>,
    ) -> Result<Answer, EngineError> {
        assay_numerics::check_float_environment()?;
        let text = std::str::from_utf8(input).map_err(|_| EngineError::InputNotText)?;
        let parameters =
            Parameters::decode_all(&mut &parameters[..]).map_err(|_| EngineError::ParametersUndecodable)?;
        match (&self.network, parameters) {
            (Network::Text { llama, rules, context, longest_token }, Parameters::Text(parameters)) => {
                let run = TextRun { model: self, llama, rules, context: *context, longest_token: *longest_token };
                run.generate(text, &parameters, &seed, progress)
            }
            (Network::Embedding { bert, rules, width }, Parameters::Embedding) => {
                self.embed(bert, rules, *width, text, progress)
            }
            (Network::Text { .. }, _) => Err(EngineError::ParametersOfAnotherKind("this model generates text")),
            (Network::Embedding { .. }, _) => Err(EngineError::ParametersOfAnotherKind("this model embeds text")),
        }
    }

    fn embed(
        &self,
        bert: &Bert,
        rules: &EmbeddingRules,
        width: usize,
        text: &str,
        progress: &mut Progress<'_>,
    ) -> Result<Answer, EngineError> {
        let tokens = self.encode(text, true)?;
        if tokens.is_empty() {
            return Err(EngineError::EmptyPrompt);
        }
        let Architecture::Bert(shape) = &self.manifest.architecture else {
            return Err(EngineError::Manifest("an encoder was expected".into()));
        };
        let rows = bert.encode(&tokens, |done| go_on(progress(done, shape.layers, "")))?;
        let mut trace = Trace::new();
        trace.row(&rows);
        let Pooling::Mean = rules.pooling;
        let mut vector = bert::mean(&rows, width);
        if rules.normalise {
            norm::unit(&mut vector)?;
        }
        if !assay_numerics::reduce::all_finite(&vector) {
            return Err(assay_numerics::Error::NotFinite("the embedding").into());
        }
        let bits = vector.iter().map(|x| x.to_bits()).collect();
        finish(Output::Embedding(EmbeddingOutput { bits }), trace, tokens.len())
    }

    pub(crate) fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>, EngineError> {
        let encoding =
            self.tokenizer.encode(text, special).map_err(|error| EngineError::Tokenizer(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    fn decode(&self, tokens: &[u32]) -> Result<String, EngineError> {
        self.tokenizer.decode(tokens, true).map_err(|error| EngineError::Tokenizer(error.to_string()))
    }
}

/// What a text generation needs besides the task.
struct TextRun<'a> {
    model: &'a Model,
    llama: &'a Llama,
    rules: &'a TextRules,
    context: usize,
    longest_token: usize,
}

impl TextRun<'_> {
    fn generate(
        &self,
        prompt: &str,
        parameters: &TextParameters,
        seed: &[u8; 32],
        progress: &mut Progress<'_>,
    ) -> Result<Answer, EngineError> {
        let mut sampler = Sampler::new(Sampling {
            temperature_milli: parameters.temperature_milli,
            top_k: parameters.top_k,
            top_p_milli: parameters.top_p_milli,
            repetition_penalty_milli: parameters.repetition_penalty_milli,
        })?;
        let mut visible = self.prompt(prompt, parameters.max_tokens)?;
        let read = visible.len();
        let most = parameters.max_tokens as usize;
        let mut cache = self.llama.cache(read + most);
        let mut hidden = Vec::new();
        for tokens in visible.chunks(llama::PREFILL) {
            go_on(progress(0, most, ""))?;
            hidden = self.llama.read(&mut cache, tokens)?;
        }
        let width = self.llama.width();
        let mut trace = Trace::new();
        let mut text = String::new();
        loop {
            let logits = self.llama.logits(&hidden[hidden.len() - width..])?;
            trace.row(&logits);
            let token = sampler.sample(&logits, &visible, seed, visible.len() as u32)?;
            visible.push(token);
            let tokens = &visible[read..];
            let ended = self.rules.end.contains(&token);
            if !ended {
                text = self.model.decode(tokens)?;
            }
            go_on(progress(tokens.len(), most, &text))?;
            if ended || tokens.len() == most {
                let finish_reason = if ended { Finish::EndOfSequence } else { Finish::MaxTokens };
                let count = tokens.len();
                let output = TextOutput { text, tokens: tokens.to_vec(), finish: finish_reason };
                return finish(Output::Text(output), trace, count);
            }
            hidden = self.llama.read(&mut cache, &[token])?;
        }
    }

    /// The prompt's tokens, checked to leave room for the answer.
    fn prompt(&self, prompt: &str, max_tokens: u32) -> Result<Vec<u32>, EngineError> {
        if max_tokens == 0 {
            return Err(EngineError::NoTokens);
        }
        let most = (MAX_INLINE as usize - ANSWER_OVERHEAD) / (4 + self.longest_token);
        if max_tokens as usize > most {
            return Err(EngineError::TooManyTokens { asked: max_tokens, most: most as u32 });
        }
        let mut tokens: Vec<u32> = self.rules.begin.into_iter().collect();
        tokens.extend(self.model.encode(&self.rules.template.replacen(PROMPT_MARK, prompt, 1), false)?);
        if tokens.is_empty() {
            return Err(EngineError::EmptyPrompt);
        }
        if tokens.len() + max_tokens as usize > self.context {
            let (prompt, context) = (tokens.len(), self.context);
            return Err(EngineError::ContextExceeded { prompt, answer: max_tokens, context });
        }
        Ok(tokens)
    }
}

fn go_on(flow: ControlFlow<()>) -> Result<(), EngineError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(EngineError::Stopped),
    }
}

fn finish(output: Output, trace: Trace, tokens: usize) -> Result<Answer, EngineError> {
    let output = output.encode();
    if output.len() > MAX_INLINE as usize {
        return Err(EngineError::AnswerTooLong(output.len()));
    }
    Ok(Answer { output, trace: trace.finish().into(), tokens })
}

/// Reads a tokenizer file; what it says of padding and truncation is left to the manifest.
pub fn read_tokenizer(bytes: &[u8]) -> Result<Tokenizer, EngineError> {
    let failed = |error: tokenizers::Error| EngineError::Tokenizer(error.to_string());
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(failed)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(failed)?;
    Ok(tokenizer)
}

/// Most bytes that one token can add to a decoded text: the longest token alone, and a space that decoders drop at
/// the beginning of a text.
fn longest_token(tokenizer: &Tokenizer) -> Result<usize, EngineError> {
    let mut longest = 0;
    for id in tokenizer.get_vocab(true).into_values() {
        let text = tokenizer.decode(&[id], false).map_err(|error| EngineError::Tokenizer(error.to_string()))?;
        longest = longest.max(text.len() + 1);
    }
    Ok(longest)
}
