//! The networks that this node knows by name. Their genesis is in the runtime's presets.

use assay_runtime::{
    constants::SS58_PREFIX,
    genesis_config_presets::{LOCAL_PRESET, PRODUCTION_PRESET},
    WASM_BINARY,
};
use sc_service::{ChainType, Properties};
use sp_genesis_builder::DEV_RUNTIME_PRESET;
use std::path::PathBuf;

/// A chain specification without extensions.
pub type ChainSpec = sc_service::GenericChainSpec;

/// How wallets show amounts and addresses.
fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), "ASY".into());
    properties.insert("tokenDecimals".into(), assay_types::DECIMALS.into());
    properties.insert("ss58Format".into(), SS58_PREFIX.into());
    properties
}

fn spec(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
    let wasm = WASM_BINARY.ok_or("this node was built without its runtime; build it without SKIP_WASM_BUILD")?;
    Ok(ChainSpec::builder(wasm, None)
        .with_name(name)
        .with_id(id)
        .with_protocol_id("assay")
        .with_chain_type(chain_type)
        .with_properties(properties())
        .with_genesis_config_preset_name(preset)
        .build())
}

/// Loads the network called `id`, or the one specified in the file at that path.
///
/// # Errors
/// The node was built without a runtime, or there is no readable specification at that path.
pub fn load(id: &str) -> Result<ChainSpec, String> {
    match id {
        "" | "development" | "dev" => {
            spec("Assay Development", "assay_dev", ChainType::Development, DEV_RUNTIME_PRESET)
        }
        "local" => spec("Assay Local", "assay_local", ChainType::Local, LOCAL_PRESET),
        "production" => spec("Assay", "assay", ChainType::Live, PRODUCTION_PRESET),
        path => ChainSpec::from_json_file(PathBuf::from(path)),
    }
}
