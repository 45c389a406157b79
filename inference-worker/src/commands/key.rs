//! `key`: make and show keys.

use crate::{cli::KeyCommand, config::Settings, failure::Failure, keys, out};

/// Runs a `key` command.
///
/// # Errors
/// The key cannot be read or written.
pub fn run(settings: &Settings, command: KeyCommand) -> Result<(), Failure> {
    let key = match &command {
        KeyCommand::Generate(file) => {
            let key = keys::generate(&file.file)?;
            out::note(format_args!("wrote a new phrase to {}; keep a copy in a safe place", file.file.display()));
            key
        }
        KeyCommand::Import(file) => keys::import(&file.file)?,
        KeyCommand::Show => settings.key().load()?,
    };
    out::result(keys::address(&key))
}
