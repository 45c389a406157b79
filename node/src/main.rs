//! The Assay node: consensus, network, storage and RPC. The protocol's rules are all in the runtime.

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
    command::run()
}
