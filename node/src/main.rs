//! The Assay node: consensus, network, storage and RPC. The protocol's rules are all in the runtime.

// The errors of the client crates are large, and made once in the life of a node.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
    command::run()
}
