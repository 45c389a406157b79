//! Structured logs on the standard error stream, so that the standard output holds results alone.

use crate::{
    config::{Common, LogFormat},
    failure::Failure,
};
use tracing_subscriber::EnvFilter;

/// Starts logging.
///
/// # Errors
/// The filter makes no sense.
pub fn start(settings: &Common, default: &str) -> Result<(), Failure> {
    let filter = settings.log.as_deref().unwrap_or(default);
    // Libraries report every lost connection; the worker says it once, in its own words.
    let filter = EnvFilter::try_new(format!("{filter},jsonrpsee=off,subxt=off,reconnecting_jsonrpsee_ws_client=off"))
        .map_err(|error| Failure::Config(format!("--log: {error}")))?;
    // A line that cannot be written, because the log's disk is full, is lost, and the worker goes on.
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let started = match settings.log_format.unwrap_or_default() {
        LogFormat::Text => {
            let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
            builder.with_target(false).with_ansi(ansi).try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::Other(format!("cannot start the log: {error}")))
}
