//! A loaded model and its runs.

use crate::{
    artefact::Tensors,
    bert::{self, Bert},
    llama::{self, Buffers, Cache, Llama, Part},
    manifest::{Architecture, EmbeddingRules, File, Pooling, TextRules, MANIFEST_FILE, TOKENIZER_FILE, WEIGHTS_FILE},
    template,
    threads::Threads,
    EngineError, Manifest,
};
use assay_numerics::{matrix::Bytes, norm, Rows, Sampler, Sampling, Trace};
use assay_types::{
    inference::{EmbeddingOutput, Finish, Output, Parameters, TextOutput, TextParameters, MAX_STOPS, MAX_STOP_BYTES},
    Cid, TraceDigest, MAX_EXTERNAL,
};
use codec::{DecodeAll, Encode};
use std::{
    fs::{self, File as Handle},
    ops::ControlFlow,
    path::Path,
    sync::Arc,
};
use tokenizers::{Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy};

/// Bytes of an encoded answer besides its text and tokens, at most.
const ANSWER_OVERHEAD: usize = 16;

/// How far a run is.
pub struct Progress<'a> {
    /// Steps done: tokens generated, or layers computed.
    pub done: usize,
    /// The most steps that there may be.
    pub most: usize,
    model: &'a Model,
    tokens: &'a [u32],
    stops: &'a [String],
}

impl Progress<'_> {
    /// The text so far, without what may be the beginning of a stop text. It may end inside a character whose other
    /// bytes are still to come.
    pub fn text(&self) -> String {
        let mut text = self.model.decode(self.tokens).unwrap_or_default();
        let begun = |from: &usize| self.stops.iter().any(|stop| stop.starts_with(&text[*from..]));
        let end = stop_in(&text, self.stops).or_else(|| text.char_indices().map(|(index, _)| index).find(begun));
        text.truncate(end.unwrap_or(text.len()));
        text
    }

    /// The tokens so far; none for an embedding.
    pub fn tokens(&self) -> &[u32] {
        self.tokens
    }
}

/// Called while a run goes on; breaking ends it with [`EngineError::Stopped`].
pub type Watch<'a> = dyn FnMut(&Progress<'_>) -> ControlFlow<()> + 'a;

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
    threads: Arc<Threads>,
}

enum Network {
    Text(Box<Text>),
    Embedding { bert: Box<Bert>, rules: EmbeddingRules, width: usize },
}

/// What generates text.
pub(crate) struct Text {
    pub llama: Llama,
    pub rules: TextRules,
    context: usize,
    /// Most bytes of text that one token can add to an answer.
    longest_token: usize,
}

/// A text generation that goes on pass by pass, alone or together with others: which others makes no difference to it.
pub struct Generation {
    sampler: Sampler,
    seed: [u8; 32],
    /// The prompt's tokens, those drawn, and those guessed to come next.
    tokens: Vec<u32>,
    /// How many of them are the prompt's.
    prompt: usize,
    /// How many of them are no guess.
    known: usize,
    /// Most tokens to generate.
    most: usize,
    /// Does the end-of-sequence token end it?
    ends: bool,
    /// Texts that end it.
    stops: Vec<String>,
    cache: Cache,
    trace: Trace,
    finish: Option<Finish>,
    failure: Option<EngineError>,
}

impl Generation {
    /// Whether nothing is left to do, because it is complete or failed.
    pub fn is_done(&self) -> bool {
        self.finish.is_some() || self.failure.is_some()
    }

    /// Number of tokens generated.
    pub fn generated(&self) -> usize {
        self.known - self.prompt
    }

    /// The prompt's tokens and those drawn.
    fn visible(&self) -> &[u32] {
        &self.tokens[..self.known]
    }

    /// Whether some tokens of a guess were neither right nor wrong yet.
    fn has_guess(&self) -> bool {
        self.tokens.len() > self.known
    }

    /// Gives up what is left of a guess, and what was read of it.
    fn drop_guess(&mut self) {
        self.tokens.truncate(self.known);
        self.cache.truncate(self.known);
    }

    /// The prompt's tokens, those drawn, how, and with which seed.
    pub(crate) fn drawn(&self) -> (&[u32], &[u32], Sampling, [u8; 32]) {
        let (prompt, drawn) = self.visible().split_at(self.prompt);
        (prompt, drawn, self.sampler.sampling(), self.seed)
    }

    /// Number of tokens that were read.
    pub fn read(&self) -> usize {
        self.cache.len()
    }

    /// Bytes of its keys and values.
    pub fn cache_bytes(&self) -> usize {
        self.cache.bytes()
    }
}

/// Memory that passes share. What it holds between them has no meaning.
#[derive(Default)]
pub struct PassMemory {
    buffers: Buffers,
    hidden: Vec<f32>,
    rows: Rows,
    logits: Vec<f32>,
}

impl Model {
    /// Loads an artefact and checks every hash in it. The weights are mapped, not copied: their file must stay as it is.
    ///
    /// # Errors
    /// Any [`EngineError`] about files, manifest, weights or tokenizer.
    pub fn load(folder: &Path, threads: &Arc<Threads>) -> Result<Self, EngineError> {
        let read = |file: &str| {
            let path = folder.join(file);
            fs::read(&path).map_err(EngineError::file(&path))
        };
        let manifest = Manifest::from_bytes(&read(MANIFEST_FILE)?)?;
        let path = folder.join(WEIGHTS_FILE);
        let weights = Handle::open(&path).map_err(EngineError::file(&path))?;
        // SAFETY: the map is read-only, and nothing of ours writes to an artefact once it is there. Another process that
        // changed the file would change what is computed, as it would by changing this program.
        let weights = unsafe { memmap2::Mmap::map(&weights) }.map_err(EngineError::file(&path))?;
        manifest.weights.check(WEIGHTS_FILE, &weights)?;
        let tokenizer = read(TOKENIZER_FILE)?;
        manifest.tokenizer.check(TOKENIZER_FILE, &tokenizer)?;
        Self::from_parts(manifest, Arc::new(weights), &tokenizer, threads.clone())
    }

    /// Builds a model from parts whose hashes were checked.
    pub(crate) fn from_parts(
        manifest: Manifest,
        weights: Bytes,
        tokenizer: &[u8],
        threads: Arc<Threads>,
    ) -> Result<Self, EngineError> {
        manifest.check().map_err(|reason| EngineError::Manifest(reason.into()))?;
        let mut tensors = Tensors::from_bytes(&weights, &manifest.architecture, manifest.layer_weights)?;
        let mut tokenizer = read_tokenizer(tokenizer)?;
        let (network, vocabulary) = match (&manifest.architecture, &manifest.text, &manifest.embedding) {
            (Architecture::Llama(shape), Some(rules), _) => {
                let rope = llama::rope_table(shape)?;
                let named = manifest.rope_table.as_deref();
                if named != Some(File::of(&rope.to_bytes()).cid.as_str()) {
                    return Err(EngineError::RopeTable);
                }
                let text = Text {
                    llama: Llama::new(shape, manifest.activations, rope, &mut tensors)?,
                    rules: rules.clone(),
                    context: shape.max_context,
                    longest_token: longest_token(&tokenizer)?,
                };
                (Network::Text(Box::new(text)), shape.vocab_size)
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
        Ok(Self { manifest, cid, tokenizer, network, threads })
    }

    /// What the model is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model's identity: content id of its manifest.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// The threads that it computes with.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Runs the model on a task's `input` (UTF-8 text) and `parameters` (encoded [`Parameters`]) with its seed. Equal
    /// arguments give equal bytes on every machine.
    ///
    /// # Errors
    /// Any [`EngineError`] about input, parameters or arithmetic; [`EngineError::Stopped`] when `watch` breaks.
    pub fn run(
        &self,
        input: &[u8],
        parameters: &[u8],
        seed: [u8; 32],
        watch: &mut Watch<'_>,
    ) -> Result<Answer, EngineError> {
        if let Network::Embedding { bert, rules, width } = &self.network {
            return self.embed(bert, rules, *width, input, parameters, watch);
        }
        let mut generation = self.begin(input, parameters, seed)?;
        let mut memory = PassMemory::default();
        let mut watch = |generation: &Generation| go_on(watch(&self.progress(generation)));
        while !generation.is_done() {
            // Once before each pass through the prompt, and after each token.
            if generation.generated() == 0 {
                watch(&generation)?;
            }
            self.advance(&mut [&mut generation], &mut memory);
            if generation.generated() > 0 {
                watch(&generation)?;
            }
        }
        self.finish(generation)
    }

    /// Checks that the model can do a task, as far as that is known before it is run, and counts the tokens that it would
    /// read.
    ///
    /// # Errors
    /// Any [`EngineError`] about input and parameters.
    pub fn check(&self, input: &[u8], parameters: &[u8]) -> Result<usize, EngineError> {
        if let Network::Text(_) = &self.network {
            let (_, prompt, parameters) = self.prepare(input, parameters)?;
            Sampler::new(sampling(&parameters))?;
            return Ok(prompt.len());
        }
        let (text, parameters) = read_task(input, parameters)?;
        if parameters != Parameters::Embedding {
            return Err(EngineError::ParametersOfAnotherKind("this model embeds text"));
        }
        match self.encode(text, true)?.len() {
            0 => Err(EngineError::EmptyPrompt),
            tokens => Ok(tokens),
        }
    }

    /// Bytes of the longest encoded output that a run with these encoded parameters may give.
    pub fn longest_output(&self, parameters: &[u8]) -> usize {
        match (&self.network, Parameters::decode_all(&mut &parameters[..])) {
            (Network::Text(text), Ok(Parameters::Text(parameters))) => {
                let tokens = (parameters.max_tokens as usize).min(text.context);
                ANSWER_OVERHEAD.saturating_add(tokens.saturating_mul(4 + text.longest_token))
            }
            (Network::Embedding { width, .. }, _) => ANSWER_OVERHEAD.saturating_add(width.saturating_mul(4)),
            _ => 0,
        }
    }

    /// Begins a text generation, to be advanced by [`Self::advance`].
    ///
    /// # Errors
    /// Any [`EngineError`] about input and parameters.
    pub fn begin(&self, input: &[u8], parameters: &[u8], seed: [u8; 32]) -> Result<Generation, EngineError> {
        let (text, prompt, parameters) = self.prepare(input, parameters)?;
        let most = parameters.max_tokens as usize;
        let mut generation = self.generation(text, prompt, most, sampling(&parameters), seed)?;
        generation.stops = parameters.stop;
        Ok(generation)
    }

    /// As [`Self::begin`], from tokens, and going on to exactly `most` tokens whatever they are: for measurements.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn begin_endless(&self, prompt: Vec<u32>, most: usize, seed: [u8; 32]) -> Result<Generation, EngineError> {
        let text = self.text()?;
        let parameters = TextParameters::default();
        let mut generation = self.generation(text, prompt, most, sampling(&parameters), seed)?;
        generation.ends = false;
        Ok(generation)
    }

    fn generation(
        &self,
        text: &Text,
        prompt: Vec<u32>,
        most: usize,
        sampling: Sampling,
        seed: [u8; 32],
    ) -> Result<Generation, EngineError> {
        self.threads.check()?;
        let mut tokens = prompt;
        let prompt = tokens.len();
        tokens.reserve_exact(most);
        Ok(Generation {
            sampler: Sampler::new(sampling)?,
            seed,
            // The last token generated is never read.
            cache: text.llama.cache((prompt + most).saturating_sub(1)),
            tokens,
            prompt,
            known: prompt,
            most,
            ends: true,
            stops: Vec::new(),
            trace: Trace::new(),
            finish: None,
            failure: None,
        })
    }

    /// Tells a generation that has not begun to draw which encoded [`Output`] it may come to, such as one that somebody
    /// else shows. As far as the guess is right it is read in few passes, where drawing takes one for each token; where
    /// it is wrong, from there on the generation draws for itself. What it comes to is the same with any guess or none.
    ///
    /// This is speculative decoding (Leviathan, Kalman and Matias, 2023) with the claim in the place of a small model.
    pub fn guess(&self, generation: &mut Generation, output: &[u8]) {
        let Ok(Output::Text(output)) = Output::decode_all(&mut &output[..]) else { return };
        if generation.generated() == 0 && !generation.has_guess() {
            // The last token is drawn, not read.
            let count = output.tokens.len().min(generation.most).saturating_sub(1);
            generation.tokens.extend(&output.tokens[..count]);
        }
    }

    /// One pass: each generation that has read its prompt gets a token, and as many more as its guess has right; others
    /// read on, up to [`llama::PREFILL`] tokens in all. What fails, fails alone, and says so in [`Self::finish`].
    pub fn advance(&self, generations: &mut [&mut Generation], memory: &mut PassMemory) {
        let text = match self.text() {
            Ok(text) => text,
            Err(_) => return,
        };
        let failed = self.threads.enter(|| pass(self, text, generations, memory)).err();
        let Some(error) = failed else { return };
        match generations {
            // Tokens that nobody has drawn may be of a kind that no model can read.
            [generation] if generation.has_guess() => {
                generation.drop_guess();
                self.advance(generations, memory);
            }
            [generation] => generation.failure = Some(error.into()),
            // One of them fails the whole pass: alone, each that can goes on. No cache was changed.
            many => many.iter_mut().for_each(|generation| self.advance(&mut [&mut **generation], memory)),
        }
    }

    /// How far a generation is.
    pub fn progress<'a>(&'a self, generation: &'a Generation) -> Progress<'a> {
        Progress {
            done: generation.generated(),
            most: generation.most,
            model: self,
            tokens: &generation.visible()[generation.prompt..],
            stops: &generation.stops,
        }
    }

    /// The answer of a generation that is done.
    ///
    /// # Errors
    /// Why it failed; [`EngineError::Stopped`] if it is not done.
    pub fn finish(&self, generation: Generation) -> Result<Answer, EngineError> {
        let Generation { tokens, prompt, known, stops, trace, finish, failure, .. } = generation;
        if let Some(failure) = failure {
            return Err(failure);
        }
        let finish = finish.ok_or(EngineError::Stopped)?;
        let tokens = tokens[prompt..known].to_vec();
        let count = tokens.len();
        encode_answer(self.text_output(tokens, finish, &stops)?, trace, count)
    }

    /// The output that generated `tokens` stand for.
    pub(crate) fn text_output(
        &self,
        tokens: Vec<u32>,
        finish: Finish,
        stops: &[String],
    ) -> Result<Output, EngineError> {
        let shown = match finish {
            Finish::EndOfSequence => &tokens[..tokens.len().saturating_sub(1)],
            Finish::MaxTokens | Finish::Stop => &tokens,
        };
        let mut text = self.decode(shown)?;
        if finish == Finish::Stop {
            text.truncate(stop_in(&text, stops).unwrap_or(text.len()));
        }
        Ok(Output::Text(TextOutput { text, tokens, finish }))
    }

    /// Whether the text of generated `tokens`, all of them decoded at once, holds one of `stops`.
    pub(crate) fn is_stopped(&self, tokens: &[u32], stops: &[String]) -> Result<bool, EngineError> {
        Ok(!stops.is_empty() && stop_in(&self.decode(tokens)?, stops).is_some())
    }

    /// The logits for the token after each of the last `count` of `tokens`, row-major, in one teacher-forced pass.
    ///
    /// # Errors
    /// [`EngineError::ContextExceeded`], and any about arithmetic.
    pub fn logits(&self, tokens: &[u32], count: usize) -> Result<Vec<f32>, EngineError> {
        let text = self.text()?;
        let mut all = Vec::new();
        let first = tokens.len().saturating_sub(count);
        self.replay_rows(text, tokens, first, &mut |_, rows| {
            all.extend_from_slice(rows);
            ControlFlow::Continue(())
        })?;
        Ok(all)
    }

    /// Reads `tokens` in one teacher-forced pass and gives the logits that follow each position from `first` on,
    /// chunk by chunk: the position of the first, and the rows.
    pub(crate) fn replay_rows(
        &self,
        text: &Text,
        tokens: &[u32],
        first: usize,
        each: &mut dyn FnMut(usize, &[f32]) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        if tokens.len() > text.context {
            let context = text.context;
            return Err(EngineError::ContextExceeded { prompt: tokens.len(), answer: 0, context });
        }
        self.threads.check()?;
        let width = text.llama.width();
        let mut cache = text.llama.cache(tokens.len());
        let mut memory = PassMemory::default();
        for chunk in tokens.chunks(llama::PREFILL) {
            let begin = cache.len();
            let PassMemory { buffers, rows, logits, .. } = &mut memory;
            self.threads.enter(|| -> Result<(), assay_numerics::Error> {
                let hidden =
                    text.llama.read(&self.threads, &mut [Part { cache: &mut cache, tokens: chunk }], buffers)?;
                let skipped = first.saturating_sub(begin).min(chunk.len());
                logits.clear();
                if skipped < chunk.len() {
                    text.llama.logits(&self.threads, &hidden[skipped * width..], rows, logits)?;
                }
                Ok(())
            })?;
            if !memory.logits.is_empty() && each(begin.max(first), &memory.logits).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The decoder alone, if it is one.
    #[cfg(test)]
    pub(crate) fn into_llama(self) -> Option<Llama> {
        match self.network {
            Network::Text(text) => Some(text.llama),
            Network::Embedding { .. } => None,
        }
    }

    /// The encoder alone, if it is one.
    #[cfg(test)]
    pub(crate) fn into_bert(self) -> Option<Bert> {
        match self.network {
            Network::Embedding { bert, .. } => Some(*bert),
            Network::Text(_) => None,
        }
    }

    pub(crate) fn text(&self) -> Result<&Text, EngineError> {
        match &self.network {
            Network::Text(text) => Ok(text),
            Network::Embedding { .. } => Err(EngineError::ParametersOfAnotherKind("this model embeds text")),
        }
    }

    /// The prompt's tokens and the parameters of a text task, checked to leave room for the answer.
    pub(crate) fn prepare(
        &self,
        input: &[u8],
        parameters: &[u8],
    ) -> Result<(&Text, Vec<u32>, TextParameters), EngineError> {
        let (prompt, parameters) = read_task(input, parameters)?;
        let text = self.text()?;
        let Parameters::Text(parameters) = parameters else {
            return Err(EngineError::ParametersOfAnotherKind("this model generates text"));
        };
        check_stops(&parameters.stop)?;
        let max_tokens = parameters.max_tokens;
        if max_tokens == 0 {
            return Err(EngineError::NoTokens);
        }
        let most = (MAX_EXTERNAL as usize - ANSWER_OVERHEAD) / (4 + text.longest_token);
        if max_tokens as usize > most {
            return Err(EngineError::TooManyTokens { asked: max_tokens, most: most as u32 });
        }
        let mut tokens: Vec<u32> = text.rules.begin.into_iter().collect();
        tokens.extend(self.encode(&template::render(&text.rules, prompt)?, false)?);
        if tokens.is_empty() {
            return Err(EngineError::EmptyPrompt);
        }
        if tokens.len() + max_tokens as usize > text.context {
            let (prompt, context) = (tokens.len(), text.context);
            return Err(EngineError::ContextExceeded { prompt, answer: max_tokens, context });
        }
        Ok((text, tokens, parameters))
    }

    fn embed(
        &self,
        bert: &Bert,
        rules: &EmbeddingRules,
        width: usize,
        input: &[u8],
        parameters: &[u8],
        watch: &mut Watch<'_>,
    ) -> Result<Answer, EngineError> {
        let (text, parameters) = read_task(input, parameters)?;
        if parameters != Parameters::Embedding {
            return Err(EngineError::ParametersOfAnotherKind("this model embeds text"));
        }
        let tokens = self.encode(text, true)?;
        if tokens.is_empty() {
            return Err(EngineError::EmptyPrompt);
        }
        let Architecture::Bert(shape) = &self.manifest.architecture else {
            return Err(EngineError::Manifest("an encoder was expected".into()));
        };
        self.threads.check()?;
        let mut step =
            |done| go_on(watch(&Progress { done, most: shape.layers, model: self, tokens: &[], stops: &[] }));
        let rows = bert.encode(&self.threads, &tokens, &mut step)?;
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
        encode_answer(Output::Embedding(EmbeddingOutput { bits }), trace, tokens.len())
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

/// One pass over all generations that are not done.
fn pass(
    model: &Model,
    text: &Text,
    generations: &mut [&mut Generation],
    memory: &mut PassMemory,
) -> Result<(), assay_numerics::Error> {
    let threads = &model.threads;
    let mut active: Vec<_> = generations.iter_mut().filter(|generation| !generation.is_done()).collect();
    // Everybody reads one token at least; what room is left goes to those that have the least to read, so that a long
    // prompt holds up nobody.
    let pending = |generation: &Generation| generation.tokens.len() - generation.cache.len();
    let mut taken = vec![0; active.len()];
    let mut order: Vec<usize> = (0..active.len()).collect();
    order.sort_by_key(|index| pending(active[*index]));
    let mut room = llama::PREFILL.saturating_sub(active.len());
    for index in order {
        taken[index] = pending(active[index]).min(1 + room);
        room -= taken[index].saturating_sub(1);
    }
    let begins: Vec<usize> = active.iter().map(|generation| generation.cache.len()).collect();
    let mut parts = Vec::with_capacity(active.len());
    for (generation, taken) in active.iter_mut().zip(taken) {
        let Generation { tokens, cache, .. } = &mut **generation;
        let begin = cache.len();
        parts.push(Part { tokens: &tokens[begin..begin + taken], cache });
    }
    let hidden = text.llama.read(threads, &mut parts, &mut memory.buffers)?;
    let width = text.llama.width();
    // The rows that tokens are drawn from: those after the last token that is no guess.
    memory.hidden.clear();
    let mut drawing = Vec::with_capacity(active.len());
    let mut first = 0;
    for (generation, begin) in active.iter().zip(&begins) {
        let read = generation.cache.len();
        let from = (generation.known - 1).clamp(*begin, read);
        let (skipped, count) = (from - begin, read - begin);
        memory.hidden.extend_from_slice(&hidden[(first + skipped) * width..(first + count) * width]);
        drawing.push(count - skipped);
        first += count;
    }
    if memory.hidden.is_empty() {
        return Ok(());
    }
    if let Err(error) = text.llama.logits(threads, &memory.hidden, &mut memory.rows, &mut memory.logits) {
        for (generation, begin) in active.into_iter().zip(begins) {
            generation.cache.truncate(begin);
        }
        return Err(error);
    }
    let mut rest = &memory.logits[..];
    let work = active.into_iter().zip(drawing).map(|(generation, count)| {
        let (rows, others) = rest.split_at(count * text.llama.vocabulary());
        rest = others;
        (generation, rows)
    });
    threads.each(usize::MAX, work, |(generation, rows)| {
        for logits in rows.chunks_exact(text.llama.vocabulary()) {
            let guessed = draw(model, &text.rules, generation, logits);
            // The rows after a wrong guess, or after the end, have no meaning.
            if generation.is_done() || !guessed {
                break;
            }
        }
        Ok(())
    })
}

/// Draws the next token of a generation. Returns whether that was guessed.
fn draw(model: &Model, rules: &TextRules, generation: &mut Generation, logits: &[f32]) -> bool {
    generation.trace.row(logits);
    let Generation { sampler, tokens, known, seed, cache, .. } = generation;
    let token = match sampler.sample(logits, &tokens[..*known], seed, *known as u32) {
        Ok(token) => token,
        Err(error) => {
            generation.failure = Some(error.into());
            return false;
        }
    };
    let guessed = tokens.get(*known) == Some(&token);
    if !guessed {
        tokens.truncate(*known);
        cache.truncate(*known);
        tokens.push(token);
    }
    *known += 1;
    if generation.ends && rules.end.contains(&token) {
        generation.finish = Some(Finish::EndOfSequence);
        return guessed;
    }
    match model.is_stopped(&generation.visible()[generation.prompt..], &generation.stops) {
        Ok(true) => generation.finish = Some(Finish::Stop),
        Ok(false) if generation.generated() == generation.most => generation.finish = Some(Finish::MaxTokens),
        Ok(false) => {}
        Err(error) => generation.failure = Some(error),
    }
    guessed
}

/// Where the first of `stops` begins in `text`.
fn stop_in(text: &str, stops: &[String]) -> Option<usize> {
    stops.iter().filter_map(|stop| text.find(stop.as_str())).min()
}

/// Checks the number and the lengths of stop texts.
///
/// # Errors
/// [`EngineError::TooManyStops`], [`EngineError::StopLength`].
pub fn check_stops(stops: &[String]) -> Result<(), EngineError> {
    if stops.len() > MAX_STOPS {
        return Err(EngineError::TooManyStops(stops.len()));
    }
    match stops.iter().find(|stop| !(1..=MAX_STOP_BYTES).contains(&stop.len())) {
        Some(stop) => Err(EngineError::StopLength(stop.clone())),
        None => Ok(()),
    }
}

/// How a task's parameters choose tokens.
pub(crate) fn sampling(parameters: &TextParameters) -> Sampling {
    Sampling {
        temperature_milli: parameters.temperature_milli,
        top_k: parameters.top_k,
        top_p_milli: parameters.top_p_milli,
        repetition_penalty_milli: parameters.repetition_penalty_milli,
    }
}

fn read_task<'a>(input: &'a [u8], parameters: &[u8]) -> Result<(&'a str, Parameters), EngineError> {
    let text = std::str::from_utf8(input).map_err(|_| EngineError::InputNotText)?;
    let parameters = Parameters::decode_all(&mut &parameters[..]).map_err(|_| EngineError::ParametersUndecodable)?;
    Ok((text, parameters))
}

fn go_on(flow: ControlFlow<()>) -> Result<(), EngineError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(EngineError::Stopped),
    }
}

fn encode_answer(output: Output, trace: Trace, tokens: usize) -> Result<Answer, EngineError> {
    let output = output.encode();
    if output.len() > MAX_EXTERNAL as usize {
        return Err(EngineError::AnswerTooLong(output.len()));
    }
    Ok(Answer { output, trace: trace.finish().into(), tokens })
}

/// Reads a tokenizer file; what it says of padding and truncation is left to the manifest.
pub fn read_tokenizer(bytes: &[u8]) -> Result<Tokenizer, EngineError> {
    let failed = |error: tokenizers::Error| EngineError::Tokenizer(error.to_string());
    // The library panics on some broken files: on what is no JSON within a decoder while it reads, and on a template
    // that names a special token which is not there when it encodes.
    let read = std::panic::catch_unwind(|| {
        serde_json::from_slice::<serde::de::IgnoredAny>(bytes)?;
        let tokenizer = Tokenizer::from_bytes(bytes)?;
        tokenizer.encode("", true)?;
        Ok(tokenizer)
    });
    let panicked = |_| Err("a part of it refers to what is not there".into());
    let mut tokenizer = read.unwrap_or_else(panicked).map_err(failed)?;
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
