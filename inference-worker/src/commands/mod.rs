//! What the commands do.

pub mod artefact;
pub mod ask;
pub mod bench;
pub mod completions;
pub mod elect;
pub mod election;
pub mod key;
pub mod model;
pub mod payload;
pub mod solve;
pub mod task;
pub mod verify;

use crate::{
    chain::Chain,
    config::{Settings, DEFAULT_URL},
    failure::Failure,
};
use assay_types::{Balance, Hash};
use serde_json::{json, Value};

/// Connects to the node that the settings name.
pub(crate) async fn connect(settings: &Settings) -> Result<Chain, Failure> {
    let url = settings.url();
    // Anything else would be tried for until the time is over.
    if !["ws://", "wss://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Failure::Config(format!("--url: '{url}' is no address of a WebSocket, such as {DEFAULT_URL}")));
    }
    Ok(Chain::connect(url, settings.connect_timeout()).await?)
}

/// Reads an id in hexadecimal.
pub(crate) fn id(text: &str) -> Option<Hash> {
    let mut bytes = [0u8; 32];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes).ok()?;
    Some(bytes.into())
}

/// Writes an id in hexadecimal.
pub(crate) fn hexadecimal(id: Hash) -> String {
    format!("{id:?}")
}

/// An amount as people read it and as machines add it.
pub(crate) fn money(amount: Balance) -> Value {
    json!({ "asy": crate::amount::format(amount), "units": amount.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        let hash = Hash::repeat_byte(0xab);
        assert_eq!(id(&hexadecimal(hash)), Some(hash));
        assert_eq!(id(&hexadecimal(hash)[2..]), Some(hash));
        assert_eq!(id("0x12"), None);
        assert_eq!(id("story"), None);
    }
}
