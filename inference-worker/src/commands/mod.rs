//! What the commands do.

pub mod artefact;
pub mod ask;
pub mod bench;
pub mod bond;
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
    chain::{types::Event, Call, Chain, Sender, Terms},
    config::{Settings, DEFAULT_URL},
    failure::Failure,
    out,
};
use assay_types::{Balance, BlockNumber, Hash};
use serde_json::{json, Value};
use std::str::FromStr;
use subxt::utils::AccountId32;
use subxt_signer::sr25519::Keypair;

/// Connects to the node that the settings name.
pub(crate) async fn connect(settings: &Settings) -> Result<Chain, Failure> {
    let url = settings.url();
    // Anything else would be tried for until the time is over.
    if !["ws://", "wss://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Failure::Config(format!("--url: '{url}' is no address of a WebSocket, such as {DEFAULT_URL}")));
    }
    Ok(Chain::connect(url, settings.connect_timeout()).await?)
}

/// A transaction that is in a block.
pub(crate) struct Done {
    /// Height of the block.
    pub number: BlockNumber,
    /// Hash of the block.
    pub hash: Hash,
    /// What the transaction did.
    pub events: Vec<Event>,
}

impl Done {
    /// Sends `call` from the account of `key` and waits until a block has it; `what` says what it does, should that fail.
    ///
    /// # Errors
    /// The node does not take it, no block does, or the chain refuses it.
    pub async fn send(chain: Chain, key: Keypair, call: Call, what: &str) -> Result<Self, Failure> {
        Self::send_by(&Sender::spawn(chain, key), call, what).await
    }

    /// As [`Done::send`], by a sender that the account has already.
    ///
    /// # Errors
    /// As there.
    pub async fn send_by(sender: &Sender, call: Call, what: &str) -> Result<Self, Failure> {
        let failed = |reason: String| Failure::Rejected(format!("cannot {what}: {reason}"));
        let sent = sender.send(call, Terms::default()).await.map_err(|refusal| failed(refusal.to_string()))?;
        let (number, hash, events) = sent.success().await.map_err(failed)?;
        Ok(Self { number, hash, events })
    }

    /// Tells it: as one JSON object where `json` says so. `due` says what is so from a later block on.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn tell(&self, json: bool, due: &str) -> Result<(), Failure> {
        let Self { number, hash, events } = self;
        let stake = events.iter().find_map(|event| match event {
            Event::Stake { amount, due } => Some((*amount, *due)),
            _ => None,
        });
        let (amount, from) = stake.unwrap_or_default();
        if json {
            let block = json!({ "number": number, "hash": hexadecimal(*hash) });
            return out::result(json!({ "block": block, "amount": amount.map(money), "due": from }));
        }
        let amount = amount.map(|amount| format!(": {} ASY", crate::amount::format(amount))).unwrap_or_default();
        let from = from.map(|from| format!(", {due} block {from} on")).unwrap_or_default();
        out::result(format_args!("done in block {number}, {hash:?}{amount}{from}"))
    }
}

/// Reads an address; `name` is what it is given as.
pub(crate) fn address(name: &str, text: &str) -> Result<AccountId32, Failure> {
    AccountId32::from_str(text).map_err(|_| Failure::Config(format!("{name}: '{text}' is no address")))
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
