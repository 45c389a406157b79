//! The wire formats of inference: what a task asks of a model, and what a solution answers.
//!
//! The chain treats both as bytes and never decodes them; users and workers do. Every enum carries its variant
//! first, so a later kind of model adds a variant and old payloads keep their meaning.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// How a model is to be run; at most [`crate::MAX_PARAMETERS`] bytes when encoded.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum Parameters {
    /// Generate text.
    #[codec(index = 0)]
    Text(TextParameters),
    /// Embed a text as a vector; nothing to choose.
    #[codec(index = 1)]
    Embedding,
}

/// The choices of a text generation. Fractions are whole thousandths, so that no float is ever encoded.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
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
}

impl Default for TextParameters {
    fn default() -> Self {
        Self { max_tokens: 64, temperature_milli: 700, top_k: 40, top_p_milli: 950, repetition_penalty_milli: 1_100 }
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
    /// The generated tokens decoded; the end-of-sequence token is not part of it.
    pub text: String,
    /// The generated tokens, the end-of-sequence token included if it was drawn.
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

    #[test]
    fn the_largest_parameters_fit_the_bound() {
        let parameters = Parameters::Text(TextParameters {
            max_tokens: u32::MAX,
            temperature_milli: u32::MAX,
            top_k: u32::MAX,
            top_p_milli: u32::MAX,
            repetition_penalty_milli: u32::MAX,
        });
        assert!(parameters.encoded_size() <= crate::MAX_PARAMETERS as usize);
    }

    #[test]
    fn the_encoding_is_pinned() {
        assert_eq!(Parameters::Embedding.encode(), [1]);
        let text = Output::Text(TextOutput { text: "hi".into(), tokens: alloc::vec![7, 2], finish: Finish::MaxTokens });
        assert_eq!(text.encode(), [0, 8, b'h', b'i', 8, 7, 0, 0, 0, 2, 0, 0, 0, 1]);
    }
}
