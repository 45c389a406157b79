//! How a command ends when it does not succeed: one line for a person and an exit code for a script.

use thiserror::Error;

/// Why a command failed. Each kind has its own exit code; the message is one line.
#[derive(Debug, Error)]
pub enum Failure {
    /// A setting is missing or makes no sense.
    #[error("{0}")]
    Config(String),
    /// A key cannot be read, written or used.
    #[error("{0}")]
    Key(String),
    /// No node answers, or it stopped answering.
    #[error("{0}")]
    Node(String),
    /// The node serves another chain, or a runtime that this worker does not understand.
    #[error("{0}")]
    WrongChain(String),
    /// A model cannot be loaded or does not match its registration.
    #[error("{0}")]
    Model(String),
    /// The journal cannot be read or written.
    #[error("{0}")]
    Journal(String),
    /// The chain refused a transaction.
    #[error("{0}")]
    Rejected(String),
    /// The task has no answer, or ended without one that was accepted.
    #[error("{0}")]
    NotSettled(String),
    /// The time that the user gave is over; the task lives on.
    #[error("{0}")]
    TimedOut(String),
    /// What was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// An answer or an election was computed again and is wrong.
    #[error("{0}")]
    WrongAnswer(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// The exit code of the process; 2 is left to wrong usage of the command line.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::Config(_) => 3,
            Self::Key(_) => 4,
            Self::Node(_) => 5,
            Self::WrongChain(_) => 6,
            Self::Model(_) => 7,
            Self::Journal(_) => 8,
            Self::Rejected(_) => 9,
            Self::NotSettled(_) => 10,
            Self::TimedOut(_) => 11,
            Self::NotFound(_) => 12,
            Self::WrongAnswer(_) => 13,
        }
    }

    /// The message on one line, whatever the parts it was made of: signs that would move a terminal's cursor are
    /// written out.
    pub fn line(&self) -> String {
        let line = self.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        line.chars().fold(String::with_capacity(line.len()), |mut shown, sign| {
            match sign.is_control() {
                true => shown.extend(sign.escape_default()),
                false => shown.push(sign),
            }
            shown
        })
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(format!("{error:#}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_exit_code() {
        let kinds = [
            Failure::Other(String::new()),
            Failure::Config(String::new()),
            Failure::Key(String::new()),
            Failure::Node(String::new()),
            Failure::WrongChain(String::new()),
            Failure::Model(String::new()),
            Failure::Journal(String::new()),
            Failure::Rejected(String::new()),
            Failure::NotSettled(String::new()),
            Failure::TimedOut(String::new()),
            Failure::NotFound(String::new()),
            Failure::WrongAnswer(String::new()),
        ];
        let mut codes: Vec<u8> = kinds.iter().map(Failure::exit_code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), kinds.len());
        assert!(!codes.contains(&0) && !codes.contains(&2));
    }

    #[test]
    fn a_failure_is_one_line() {
        assert_eq!(Failure::Other("a\n  b\tc\u{1b}[2J".into()).line(), r"a b c\u{1b}[2J");
    }
}
