//! What the worker says: results on the standard output, everything else on the standard error.
//!
//! Either may be a file on a disk that is full, and the standard library's macros end the program then.

use crate::failure::Failure;
use std::{fmt::Display, io::Write};

/// Writes a line of a result to the standard output.
///
/// # Errors
/// It cannot be written: the disk is full, or whoever read it has gone.
pub fn result(line: impl Display) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}")
        .map_err(|error| Failure::Other(format!("cannot write the result to the standard output: {error}")))
}

/// Writes a line for people to the standard error. Where that cannot be written nobody can be told, and work goes on.
pub fn note(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
