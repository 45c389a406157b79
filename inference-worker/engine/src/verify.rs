//! Checking an answer by computing it again: all of it in one teacher-forced pass, or some positions of it.

use crate::{
    model::{sampling, Text},
    EngineError, Generation, Model,
};
use assay_numerics::{Sampler, Sampling, Trace};
use assay_types::{
    inference::{Finish, Output, TextOutput, TextParameters},
    TraceDigest,
};
use blake2::{digest::consts::U32, Blake2b, Digest};
use codec::DecodeAll;
use serde::Serialize;
use std::{collections::BTreeSet, ops::ControlFlow};

/// Domain of the randomness that chooses positions.
const SCREEN_DOMAIN: &[u8] = b"DET1/screen";

/// What a solution claims: everything that its commitment and reveal fix.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// The task's input.
    pub input: &'a [u8],
    /// The task's encoded parameters.
    pub parameters: &'a [u8],
    /// The task's seed.
    pub seed: [u8; 32],
    /// The encoded output.
    pub output: &'a [u8],
    /// The trace digest, where it is known.
    pub trace: Option<TraceDigest>,
}

/// How much of an answer is computed again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// All of it: who agrees has computed every token.
    Replay,
    /// The last token and some others, drawn from randomness that must not have been known when the answer was
    /// committed to. A cheap screen: a single wrong token among many is found with the probability that it is drawn.
    Screen {
        /// Number of positions besides the last.
        positions: u32,
        /// The randomness.
        randomness: [u8; 32],
    },
}

/// What is wrong with a claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// The output is not an encoded answer of this kind of model.
    Undecodable,
    /// The output has trailing bytes, or is not encoded as the engine encodes it.
    NotCanonical,
    /// There is no token, or there are more than were asked for.
    Length {
        /// Tokens claimed.
        claimed: usize,
        /// Tokens asked for.
        most: usize,
    },
    /// The answer goes on after an end-of-sequence token or a stop text, or stops without one before all tokens were
    /// generated, or names the wrong reason.
    End,
    /// The text is not what the tokens stand for.
    Text,
    /// Another token is drawn at a position.
    Token {
        /// The claimed token.
        claimed: u32,
        /// The token that the model and the seed give.
        drawn: u32,
    },
    /// Every token is right, but the digest of what was computed is another.
    Trace,
    /// An embedding's vector differs; the position is the first element that does.
    Vector,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// Whether nothing is wrong.
    pub correct: bool,
    /// What is wrong, if anything.
    pub fault: Option<Fault>,
    /// Index of the first wrong token of the answer, or element of the vector; of those checked.
    pub position: Option<usize>,
    /// Number of positions that were computed again.
    pub checked: usize,
    /// Number of positions that the answer has.
    pub positions: usize,
}

impl Report {
    fn wrong(fault: Fault, position: Option<usize>, checked: usize, positions: usize) -> Self {
        Self { correct: false, fault: Some(fault), position, checked, positions }
    }

    fn correct(checked: usize, positions: usize) -> Self {
        Self { correct: true, fault: None, position: None, checked, positions }
    }
}

/// Checks a claim against the model.
///
/// # Errors
/// Why the task itself cannot be run, in which case no answer to it is right or wrong; failures of arithmetic.
pub fn verify(model: &Model, claim: &Claim<'_>, depth: Depth) -> Result<Report, EngineError> {
    if model.text().is_err() {
        return embedding(model, claim);
    }
    let (text, prompt, parameters) = model.prepare(claim.input, claim.parameters)?;
    let Ok(Output::Text(output)) = Output::decode_all(&mut &claim.output[..]) else {
        return Ok(Report::wrong(Fault::Undecodable, None, 0, 0));
    };
    let count = output.tokens.len();
    if let Some((fault, position)) = form(model, text, claim, &parameters, &output)? {
        return Ok(Report::wrong(fault, position, 0, count));
    }
    let chosen = match depth {
        Depth::Replay => (0..count).collect(),
        Depth::Screen { positions, randomness } => screen(count, positions, &randomness),
    };
    let sampling = sampling(&parameters);
    let whole = depth == Depth::Replay;
    tokens(model, text, &prompt, &output.tokens, sampling, &claim.seed, claim.trace, &chosen, whole)
}

/// Replays what a generation of this model drew so far: for measurements.
///
/// # Errors
/// Failures of arithmetic.
pub fn replay_generation(model: &Model, generation: &Generation) -> Result<Report, EngineError> {
    let (prompt, answer, sampling, seed) = generation.drawn();
    let chosen = (0..answer.len()).collect();
    tokens(model, model.text()?, prompt, answer, sampling, &seed, None, &chosen, true)
}

/// What is wrong with an answer's form, before anything is computed.
fn form(
    model: &Model,
    text: &Text,
    claim: &Claim<'_>,
    parameters: &TextParameters,
    output: &TextOutput,
) -> Result<Option<(Fault, Option<usize>)>, EngineError> {
    let most = parameters.max_tokens as usize;
    let claimed = output.tokens.len();
    if claimed == 0 || claimed > most {
        return Ok(Some((Fault::Length { claimed, most }, None)));
    }
    let vocabulary = text.llama.vocabulary();
    if let Some(position) = output.tokens.iter().position(|token| *token as usize >= vocabulary) {
        return Ok(Some((Fault::Undecodable, Some(position))));
    }
    let ended = first_end(model, text, &parameters.stop, &output.tokens)?;
    let right = match ended {
        Some((end, finish)) => end == claimed - 1 && finish == output.finish,
        None => claimed == most && output.finish == Finish::MaxTokens,
    };
    if !right {
        return Ok(Some((Fault::End, Some(ended.map_or(claimed - 1, |(end, _)| end)))));
    }
    let expected = model.text_output(output.tokens.clone(), output.finish, &parameters.stop)?;
    if expected != Output::Text(output.clone()) {
        return Ok(Some((Fault::Text, None)));
    }
    if codec::Encode::encode(&expected) != claim.output {
        return Ok(Some((Fault::NotCanonical, None)));
    }
    Ok(None)
}

/// Index of the first token after which an answer ends before all tokens are generated, and why it does.
fn first_end(
    model: &Model,
    text: &Text,
    stops: &[String],
    tokens: &[u32],
) -> Result<Option<(usize, Finish)>, EngineError> {
    for (index, token) in tokens.iter().enumerate() {
        if text.rules.end.contains(token) {
            return Ok(Some((index, Finish::EndOfSequence)));
        }
        if model.is_stopped(&tokens[..=index], stops)? {
            return Ok(Some((index, Finish::Stop)));
        }
    }
    Ok(None)
}

/// Reads prompt and answer in one pass and draws again at the chosen positions.
#[allow(clippy::too_many_arguments)]
fn tokens(
    model: &Model,
    text: &Text,
    prompt: &[u32],
    answer: &[u32],
    sampling: Sampling,
    seed: &[u8; 32],
    trace_claimed: Option<TraceDigest>,
    chosen: &BTreeSet<usize>,
    whole: bool,
) -> Result<Report, EngineError> {
    let count = answer.len();
    let read = prompt.len();
    let mut visible = prompt.to_vec();
    visible.extend(answer);
    let mut sampler = Sampler::new(sampling)?;
    let mut trace = Trace::new();
    let mut checked = 0;
    let mut found = Ok(None);
    let Some(last) = chosen.last() else { return Ok(Report::correct(0, count)) };
    let first = chosen.first().copied().unwrap_or(0);
    // The logits at position p are for the token after it.
    model.replay_rows(text, &visible[..read + last], read - 1 + first, &mut |position, rows| {
        for (i, logits) in rows.chunks_exact(text.llama.vocabulary()).enumerate() {
            let place = position + i + 1;
            let index = place - read;
            if whole {
                trace.row(logits);
            }
            if !chosen.contains(&index) {
                continue;
            }
            checked += 1;
            match sampler.sample(logits, &visible[..place], seed, place as u32) {
                Ok(drawn) if drawn == answer[index] => {}
                Ok(drawn) => {
                    found = Ok(Some((index, Fault::Token { claimed: answer[index], drawn })));
                    return ControlFlow::Break(());
                }
                Err(error) => {
                    found = Err(error);
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    if let Some((position, fault)) = found? {
        return Ok(Report::wrong(fault, Some(position), checked, count));
    }
    if whole && trace_claimed.is_some_and(|claimed| claimed != TraceDigest::from(trace.finish())) {
        return Ok(Report::wrong(Fault::Trace, None, checked, count));
    }
    Ok(Report::correct(checked, count))
}

/// An embedding is computed again as a whole: there is nothing cheaper.
fn embedding(model: &Model, claim: &Claim<'_>) -> Result<Report, EngineError> {
    let answer = model.run(claim.input, claim.parameters, claim.seed, &mut |_| ControlFlow::Continue(()))?;
    let Ok(Output::Embedding(right)) = Output::decode_all(&mut &answer.output[..]) else {
        return Ok(Report::wrong(Fault::Undecodable, None, 0, 0));
    };
    let count = right.bits.len();
    if answer.output != claim.output {
        let Ok(Output::Embedding(claimed)) = Output::decode_all(&mut &claim.output[..]) else {
            return Ok(Report::wrong(Fault::Undecodable, None, count, count));
        };
        if claimed.bits.len() != count {
            let fault = Fault::Length { claimed: claimed.bits.len(), most: count };
            return Ok(Report::wrong(fault, None, count, count));
        }
        let position = right.bits.iter().zip(&claimed.bits).position(|(a, b)| a != b);
        let fault = if position.is_some() { Fault::Vector } else { Fault::NotCanonical };
        return Ok(Report::wrong(fault, position, count, count));
    }
    if claim.trace.is_some_and(|claimed| claimed != answer.trace) {
        return Ok(Report::wrong(Fault::Trace, None, count, count));
    }
    Ok(Report::correct(count, count))
}

/// The last position of `count` and up to `positions` others, each as likely, from the randomness: draw i takes the
/// (r * left >> 64)-th of those left, in ascending order, with r = LE64(blake2b-256(domain || randomness || u32 i)[..8]).
pub fn screen(count: usize, positions: u32, randomness: &[u8; 32]) -> BTreeSet<usize> {
    let mut left: Vec<usize> = (0..count).collect();
    let mut chosen: BTreeSet<usize> = left.pop().into_iter().collect();
    for draw in 0..positions {
        if left.is_empty() {
            break;
        }
        let mut hasher = Blake2b::<U32>::new();
        hasher.update(SCREEN_DOMAIN);
        hasher.update(randomness);
        hasher.update(draw.to_le_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let r = digest.iter().take(8).rev().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
        let index = ((u128::from(r) * left.len() as u128) >> 64) as usize;
        chosen.insert(left.remove(index));
    }
    chosen
}
