//! The engine: runs models bit-exactly from content-addressed artefacts.
//!
//! An artefact is a folder with `manifest.json`, `weights.safetensors` and `tokenizer.json`. The manifest pins
//! everything that two honest machines could do differently, the other files by content id; the manifest's own content
//! id is the model's identity. [`import`] makes an artefact from a Hugging Face folder, [`Model`] loads and runs one.
//! All arithmetic is that of `assay-numerics`, spread over [`Threads`]. [`verify`] replays answers.

pub mod error;
pub mod import;
pub mod manifest;

mod artefact;
mod bert;
mod llama;
mod model;
pub mod random;
pub mod template;
pub mod threads;
pub mod verify;

#[cfg(test)]
mod tests;

pub use error::EngineError;
pub use manifest::Manifest;
pub use model::{check_stops, Answer, Generation, Model, PassMemory, Progress, Watch};
pub use threads::Threads;
