//! The Assay node: consensus, network, storage and RPC. The protocol's rules are all in the runtime.

// The errors of the client crates are large, and made once in the life of a node.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod equivocations;
mod rpc;
mod service;

use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    match command::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Its words tell what to do; what `main` would print of it is for programmers.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
