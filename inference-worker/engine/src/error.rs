//! Why the engine refuses: one variant per reason, one line each.

use crate::template::{MAX_MEMORY, MAX_SECONDS};
use assay_types::inference::{MAX_STOPS, MAX_STOP_BYTES};
use std::{
    fmt::{self, Display, Write},
    path::{Path, PathBuf},
};

/// Most characters of a text that came from a file in a message.
const MAX_SHOWN: usize = 1_000;

/// Why a model cannot be imported, loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said: a part of the text, and so not the error's source as well, or it would be told twice.
        reason: std::io::Error,
    },
    /// The folder to write an artefact to already holds something.
    #[error("{0} exists and is not empty; remove it or choose another folder")]
    Occupied(PathBuf),
    /// The manifest is not what this version writes: the text says where.
    #[error("the manifest is not valid: {}", Shown(.0))]
    Manifest(String),
    /// The manifest's bytes are not the canonical ones, so its content id would not be the model's.
    #[error("the manifest is not in canonical form (sorted keys, no spaces): was it edited or re-formatted?")]
    ManifestNotCanonical,
    /// The system gave no threads to compute with.
    #[error("cannot start the computing threads: {}", Shown(.0))]
    Threads(String),
    /// The artefact is for another version of the numerics profile.
    #[error("the model is for profile {}, this worker computes {}", Shown(found), assay_numerics::PROFILE)]
    Profile {
        /// The profile that the manifest names.
        found: String,
    },
    /// A file of the artefact is not the one that the manifest names.
    #[error("{file} is damaged or of another model: it is {found} with {found_bytes} bytes, the manifest names {expected} with {expected_bytes} bytes")]
    Damaged {
        /// The file's name in the artefact.
        file: &'static str,
        /// Content id in the manifest.
        expected: String,
        /// Size in the manifest.
        expected_bytes: u64,
        /// Content id of the file.
        found: String,
        /// Size of the file.
        found_bytes: u64,
    },
    /// The rotary table computed here is not the one that the manifest names.
    #[error("the rotary table computed here differs from the manifest's: this build of the engine is not exact")]
    RopeTable,
    /// A weights file is truncated or not in safetensors format.
    #[error("the weights cannot be read: {}", Shown(.0))]
    Weights(String),
    /// A tensor is missing.
    #[error("the weights lack the tensor {}", Shown(.0))]
    MissingTensor(String),
    /// A tensor has another shape or element type than the configuration says.
    #[error("the tensor {} is {found}, the configuration asks for {expected}", Shown(name))]
    Tensor {
        /// The tensor.
        name: String,
        /// Its element type and shape.
        found: String,
        /// What the architecture needs.
        expected: String,
    },
    /// The weights hold a tensor that the architecture does not have.
    #[error("the weights hold a tensor that the architecture does not have: {}", Shown(.0))]
    UnexpectedTensor(String),
    /// The tokenizer cannot be read or failed.
    #[error("the tokenizer failed: {}", Shown(.0))]
    Tokenizer(String),
    /// The tokenizer has tokens that the model has no embedding for.
    #[error(
        "the tokenizer does not fit the model: its largest token is {largest}, the model has {vocabulary} embeddings"
    )]
    TokenizerDoesNotFit {
        /// Largest token id.
        largest: u32,
        /// Number of embeddings.
        vocabulary: usize,
    },
    /// The chat template failed on a prompt.
    #[error("the chat template failed: {}", Shown(.0))]
    Template(String),
    /// The process that rendered the chat template reached a limit.
    #[error(
        "the chat template takes more than {} MiB of memory or {MAX_SECONDS} s of time for this prompt",
        MAX_MEMORY >> 20
    )]
    TemplateTooLarge,
    /// There is no process to render the chat template, or it did not say what became of it.
    #[error("cannot render the chat template in a process of its own: {}", Shown(.0))]
    TemplateProcess(String),
    /// The source model is of a kind that cannot be imported.
    #[error("not supported: {}", Shown(.0))]
    Unsupported(String),
    /// The input of a task is not UTF-8 text.
    #[error("the input is not UTF-8 text")]
    InputNotText,
    /// The parameters of a task cannot be decoded.
    #[error("the parameters cannot be decoded")]
    ParametersUndecodable,
    /// The parameters are for another kind of model.
    #[error("the parameters are not for this kind of model ({0})")]
    ParametersOfAnotherKind(&'static str),
    /// No token may be generated.
    #[error("max_tokens is 0; at least one token must be asked for")]
    NoTokens,
    /// The answer could be longer than a payload may be.
    #[error("max_tokens is {asked}; an answer of this model fits a payload with at most {most}")]
    TooManyTokens {
        /// What was asked for.
        asked: u32,
        /// The most that is allowed.
        most: u32,
    },
    /// There are more stop texts than are allowed.
    #[error("there are {0} stop texts; at most {MAX_STOPS} are allowed")]
    TooManyStops(usize),
    /// A stop text is empty or too long.
    #[error("the stop text '{}' has {} bytes; 1 to {MAX_STOP_BYTES} are allowed", Shown(.0), .0.len())]
    StopLength(String),
    /// The prompt has no token.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// The prompt and the answer do not fit the model's context.
    #[error("the prompt has {prompt} tokens and the answer may have {answer}; together they may be at most {context}")]
    ContextExceeded {
        /// Tokens of the prompt.
        prompt: usize,
        /// Most tokens of the answer.
        answer: u32,
        /// The model's context.
        context: usize,
    },
    /// The encoded answer is longer than a payload may be.
    #[error("the answer has {0} bytes, more than a payload may have")]
    AnswerTooLong(usize),
    /// The caller stopped the run.
    #[error("stopped")]
    Stopped,
    /// The arithmetic refused: see [`assay_numerics::Error`].
    #[error(transparent)]
    Numerics(#[from] assay_numerics::Error),
}

impl EngineError {
    /// Wraps an error of the file system with the path it happened at.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |reason| Self::File { path: path.to_path_buf(), reason }
    }
}

/// Text of whatever origin as a part of one line: without signs that would move the cursor, and not longer than a
/// person reads.
struct Shown<'a>(&'a str);

impl Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut signs = self.0.chars();
        for sign in signs.by_ref().take(MAX_SHOWN) {
            if sign.is_control() {
                write!(formatter, "{}", sign.escape_default())?;
            } else {
                formatter.write_char(sign)?;
            }
        }
        if signs.next().is_some() {
            formatter.write_char('\u{2026}')?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_twice() {
        let file = EngineError::file(Path::new("x"))(std::io::Error::other("broken"));
        for error in [file, EngineError::Numerics(assay_numerics::Error::Weight)] {
            // What a caller prints that goes through the causes.
            assert!(std::error::Error::source(&error).is_none(), "{error}");
        }
    }

    #[test]
    fn a_text_from_a_file_is_shown_on_one_line_of_sensible_length() {
        let error = EngineError::UnexpectedTensor("a\nb\u{1b}[2Jc".into()).to_string();
        assert!(error.ends_with(r": a\nb\u{1b}[2Jc"), "{error}");
        let error = EngineError::Unsupported("a".repeat(5_000)).to_string();
        assert!(error.ends_with("a\u{2026}") && error.chars().count() < 1_100, "{error}");
    }
}
