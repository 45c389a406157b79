//! What the worker says: results on the standard output, everything else on the standard error.
//!
//! Either may be a file on a disk that is full, and the standard library's macros end the program then.

use crate::failure::Failure;
use std::{
    fmt::Display,
    io::{IsTerminal, Write},
};

/// Writes a line of a result to the standard output.
///
/// # Errors
/// It cannot be written: the disk is full, or whoever read it has gone.
pub fn result(line: impl Display) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}")
        .map_err(|error| Failure::Other(format!("cannot write the result to the standard output: {error}")))
}

/// Writes a text that a stranger wrote to the standard output: as it is, but on a terminal, where signs that would steer it
/// are written out.
///
/// # Errors
/// As [`result`].
pub fn text(text: &str) -> Result<(), Failure> {
    match std::io::stdout().is_terminal() {
        true => result(harmless(text)),
        false => result(text),
    }
}

/// A text whose control signs, but for line breaks and tabs, are written out.
fn harmless(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, sign| {
        match sign.is_control() && !matches!(sign, '\n' | '\t') {
            true => shown.extend(sign.escape_default()),
            false => shown.push(sign),
        }
        shown
    })
}

/// Writes a line for people to the standard error. Where that cannot be written nobody can be told, and work goes on.
pub fn note(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_does_not_steer_the_terminal() {
        assert_eq!(harmless("In the\n\tbeginning, \u{e9}"), "In the\n\tbeginning, \u{e9}");
        assert_eq!(harmless("a\u{1b}]52;c;eA==\u{7}b\r\u{9b}2J"), r"a\u{1b}]52;c;eA==\u{7}b\r\u{9b}2J");
    }
}
