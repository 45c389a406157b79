//! The whole runtime, as the chain executes it. One binary: linking the runtime is what these tests cost.

mod common;
mod fees;
mod genesis;
mod metadata;
mod migrations;
mod offences;
mod random_operations;
