//! The wire formats of inference: what a task asks of a model, and what a solution answers.
//!
//! The chain treats both as bytes and never decodes them; users and workers do. Every enum carries its variant
//! first, so a later kind of model adds a variant and old payloads keep their meaning.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode, EncodeLike, Error, Input};
use scale_info::TypeInfo;

/// Most stop texts of a text generation, as in the interfaces that people know.
pub const MAX_STOPS: usize = 4;
/// Most bytes of a stop text: all of them and the other choices fit [`crate::MAX_PARAMETERS`].
pub const MAX_STOP_BYTES: usize = 48;

/// How a model is to be run; at most [`crate::MAX_PARAMETERS`] bytes when encoded.
///
/// Encoded as an index and what belongs to it. 0: a text generation without stop texts, its five numbers as u32; 1: an
/// embedding; 2: a text generation with stop texts, its five numbers and the list of texts, which is not empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Parameters {
    /// Generate text.
    Text(TextParameters),
    /// Embed a text as a vector; nothing to choose.
    Embedding,
}

/// The index of text parameters without stop texts.
const TEXT: u8 = 0;
/// The index of embeddings.
const EMBEDDING: u8 = 1;
/// The index of text parameters with stop texts, which came later.
const TEXT_WITH_STOPS: u8 = 2;

impl Encode for Parameters {
    fn size_hint(&self) -> usize {
        match self {
            Self::Text(text) => 1 + 20 + text.stop.size_hint(),
            Self::Embedding => 1,
        }
    }

    fn encode_to<T: codec::Output + ?Sized>(&self, dest: &mut T) {
        match self {
            Self::Text(text) if text.stop.is_empty() => (TEXT, text.numbers()).encode_to(dest),
            Self::Text(text) => (TEXT_WITH_STOPS, text.numbers(), &text.stop).encode_to(dest),
            Self::Embedding => EMBEDDING.encode_to(dest),
        }
    }
}

impl EncodeLike for Parameters {}

impl Decode for Parameters {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let index = input.read_byte()?;
        if index == EMBEDDING {
            return Ok(Self::Embedding);
        }
        if index != TEXT && index != TEXT_WITH_STOPS {
            return Err("no such kind of parameters".into());
        }
        let [max_tokens, temperature_milli, top_k, top_p_milli, repetition_penalty_milli] = Decode::decode(input)?;
        let stop: Vec<String> = if index == TEXT { Vec::new() } else { Decode::decode(input)? };
        if index == TEXT_WITH_STOPS && stop.is_empty() {
            // There is one encoding of everything.
            return Err("parameters with stop texts have none".into());
        }
        Ok(Self::Text(TextParameters {
            max_tokens,
            temperature_milli,
            top_k,
            top_p_milli,
            repetition_penalty_milli,
            stop,
        }))
    }
}

/// The choices of a text generation. Fractions are whole thousandths, so that no float is ever encoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextParameters {
    /// Tokens to generate at most; at least 1.
    pub max_tokens: u32,
    /// Temperature in thousandths; 0 always takes the likeliest token.
    pub temperature_milli: u32,
    /// Only the `top_k` likeliest tokens are drawn from; 0 is all of them.
    pub top_k: u32,
    /// Only the likeliest tokens that together hold this share, in thousandths, are drawn from; 1000 is all.
    pub top_p_milli: u32,
    /// Divides (multiplies, where negative) the logits of visible tokens, in thousandths; 1000 is none.
    pub repetition_penalty_milli: u32,
    /// Texts that end the answer, which ends before the first of them; at most [`MAX_STOPS`], of 1 to
    /// [`MAX_STOP_BYTES`] bytes each.
    pub stop: Vec<String>,
}

impl TextParameters {
    fn numbers(&self) -> [u32; 5] {
        [self.max_tokens, self.temperature_milli, self.top_k, self.top_p_milli, self.repetition_penalty_milli]
    }
}

impl Default for TextParameters {
    fn default() -> Self {
        Self {
            max_tokens: 64,
            temperature_milli: 700,
            top_k: 40,
            top_p_milli: 950,
            repetition_penalty_milli: 1_100,
            stop: Vec::new(),
        }
    }
}

/// A model's answer: the payload that a solution commits to and reveals.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum Output {
    /// Generated text.
    #[codec(index = 0)]
    Text(TextOutput),
    /// An embedding.
    #[codec(index = 1)]
    Embedding(EmbeddingOutput),
}

/// Generated text, with what a verifier needs to replay it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct TextOutput {
    /// The generated tokens decoded, without the end-of-sequence token, up to the first stop text.
    pub text: String,
    /// The generated tokens, the end-of-sequence token included if it was drawn, and those of a stop text.
    pub tokens: Vec<u32>,
    /// Why generation ended.
    pub finish: Finish,
}

/// Why a text generation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum Finish {
    /// The end-of-sequence token was drawn.
    #[codec(index = 0)]
    EndOfSequence,
    /// `max_tokens` were generated.
    #[codec(index = 1)]
    MaxTokens,
    /// The last token completed a stop text.
    #[codec(index = 2)]
    Stop,
}

/// A vector of f32, as the bits of its elements.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct EmbeddingOutput {
    /// IEEE-754 bits of each element, in order.
    pub bits: Vec<u32>,
}

impl EmbeddingOutput {
    /// The vector itself.
    #[cfg(feature = "std")]
    pub fn values(&self) -> Vec<f32> {
        self.bits.iter().map(|bits| f32::from_bits(*bits)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::DecodeAll;

    #[test]
    fn the_largest_parameters_fit_the_bound() {
        let parameters = Parameters::Text(TextParameters {
            max_tokens: u32::MAX,
            temperature_milli: u32::MAX,
            top_k: u32::MAX,
            top_p_milli: u32::MAX,
            repetition_penalty_milli: u32::MAX,
            stop: alloc::vec!["x".repeat(MAX_STOP_BYTES); MAX_STOPS],
        });
        assert!(parameters.encoded_size() <= crate::MAX_PARAMETERS as usize);
        assert!(parameters.size_hint() <= parameters.encoded_size());
    }

    #[test]
    fn parameters_have_one_encoding_each() {
        let numbers = [64u32, 700, 40, 950, 1100];
        let plain = Parameters::Text(TextParameters::default());
        let stop = alloc::vec![String::from("\n"), "ab".into()];
        let stopped = Parameters::Text(TextParameters { stop: stop.clone(), ..Default::default() });
        assert_eq!(plain.encode(), (0u8, numbers).encode());
        assert_eq!(stopped.encode(), (2u8, numbers, stop).encode());
        for parameters in [Parameters::Embedding, plain, stopped] {
            let bytes = parameters.encode();
            assert_eq!(Parameters::decode_all(&mut &bytes[..]), Ok(parameters));
            assert!(Parameters::decode_all(&mut &bytes[..bytes.len() - 1]).is_err());
        }
        let none = (2u8, numbers, Vec::<String>::new()).encode();
        assert!(Parameters::decode_all(&mut &none[..]).is_err());
        assert!(Parameters::decode_all(&mut &(3u8, numbers).encode()[..]).is_err());
    }

    #[test]
    fn the_encoding_is_pinned() {
        assert_eq!(Parameters::Embedding.encode(), [1]);
        let text = Output::Text(TextOutput { text: "hi".into(), tokens: alloc::vec![7, 2], finish: Finish::MaxTokens });
        assert_eq!(text.encode(), [0, 8, b'h', b'i', 8, 7, 0, 0, 0, 2, 0, 0, 0, 1]);
    }
}
