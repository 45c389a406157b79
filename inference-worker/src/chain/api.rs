//! The chain's calls, storage and events, generated from the committed metadata of its runtime.

/// Generated; the metadata is refreshed whenever the runtime changes, and a test fails when it was not.
#[subxt::subxt(runtime_metadata_path = "artifacts/metadata.scale")]
pub mod runtime {}

pub use runtime::{runtime_apis, storage, tx};
