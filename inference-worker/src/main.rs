//! The Assay worker.

use assay_engine::template;
use assay_worker::{
    cli::{self, Cli},
    out,
};
use clap::Parser;
use std::{process::ExitCode, time::Duration};

fn main() -> ExitCode {
    if let Some(code) = template::serve() {
        return code;
    }
    let cli = Cli::parse();
    if let Err(error) = template::render_apart() {
        out::note(format_args!("error: cannot start: {error}"));
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::note(format_args!("error: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(cli::run(cli));
    // A model's run may still be going on in its thread; what matters is on disk.
    runtime.shutdown_timeout(Duration::from_millis(200));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out::note(format_args!("error: {}", failure.line()));
            ExitCode::from(failure.exit_code())
        }
    }
}
