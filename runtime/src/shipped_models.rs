//! The models that every network knows from its genesis.

use assay_types::Balance;

/// A model of the genesis.
pub struct ShippedModel {
    /// Sha2-256 of the model's manifest: the digest in its content id.
    pub manifest: [u8; 32],
    /// Flat fee per task, in units of ASY.
    pub fee: Balance,
}

/// The models whose manifests this repository ships.
pub const SHIPPED_MODELS: &[ShippedModel] = &[];
