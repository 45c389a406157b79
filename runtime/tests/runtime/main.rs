//! The whole runtime, as the chain executes it. One binary: linking the runtime is what these tests cost.

mod adversaries;
mod common;
mod elections;
mod fees;
mod fuzz;
mod game;
mod genesis;
mod metadata;
mod migrations;
mod offences;
mod proxies;
mod queries;
mod random_operations;
mod relations;
mod upgrade;
