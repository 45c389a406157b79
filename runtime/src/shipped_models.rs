//! The models that development and local networks know from their genesis.

use assay_types::{Balance, MILLI_ASY};

/// A model of the genesis.
pub struct ShippedModel {
    /// Content id of the model's manifest.
    pub manifest: &'static str,
    /// Flat fee per task, in units of ASY.
    pub fee: Balance,
}

/// The models that this repository ships (`assay-kjv`) or installs (`all-MiniLM-L6-v2`), in this order. The scripts
/// check that the artefacts have these names.
pub const SHIPPED_MODELS: &[ShippedModel] = &[
    ShippedModel { manifest: "bafkreib5d34miztd4feuafdgmdgykbcyccsuq5deuz7qblxyrmmk5ubu2m", fee: 100 * MILLI_ASY },
    ShippedModel { manifest: "bafkreifak7isiufkrqfwhpaerebvplevomi4dowsfk4jstimrvrfye4pue", fee: 50 * MILLI_ASY },
];
