//! `completions`: what a shell needs to complete the command line.

use crate::{cli::Cli, failure::Failure, out};
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the script for `shell`.
///
/// # Errors
/// It cannot be written to the standard output.
pub fn run(shell: Shell) -> Result<(), Failure> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    out::result(String::from_utf8_lossy(&script).trim_end())
}
