//! The Assay worker: solves tasks, asks questions, keeps models and keys.
//!
//! It knows the chain only through metadata and RPC. [`assay_engine`] runs models bit-exactly; [`work`] follows the
//! chain, with a [`solver`] that answers tasks and a [`verifier`] that judges the answers of others; [`journal`] keeps on disk
//! what must survive a kill; [`chain`] speaks to the node; [`payloads`] travel between workers where they are too long for
//! the chain.

pub mod amount;
pub mod chain;
pub mod cli;
pub mod commands;
pub mod config;
pub mod election;
pub mod elector;
pub mod failure;
pub mod gateway;
pub mod indexer;
pub mod journal;
pub mod keys;
pub mod logging;
pub mod metrics;
pub mod out;
pub mod payloads;
pub mod previews;
pub mod progress;
pub mod solver;
pub mod train;
pub mod verifier;
pub mod work;
