//! The indexer: what happened to every task, by task, owner, model, solver and state.
//!
//! The chain forgets what a task asked and what was answered when the task ends, and it has no lists by owner or solver.
//! The [`Index`] keeps both. Blocks that cannot be undone any more are on disk, each batch in one transaction. Best blocks
//! that may still be undone are in memory alone, laid over what is on disk when somebody asks: a fork that is given up
//! leaves no trace, and nothing on disk can be less than final. [`follow`] reads the blocks from a node.

pub mod follow;
mod record;
mod store;

pub use record::{Answered, Asked, Block, Change, Fact, Found, Record, What};
pub use store::{Filter, Index, IndexError, Kind, Listed};

#[cfg(test)]
mod tests;
