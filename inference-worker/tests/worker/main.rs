//! The worker's binary, alone and with a real node. One test binary: linking the worker is what these tests cost.

mod cli;
mod common;
mod disk;
mod disputes;
mod e2e;
mod reference;
mod runner;
mod stop;
