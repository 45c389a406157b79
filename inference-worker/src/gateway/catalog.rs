//! The models that can be asked, and what is known of them here.

use super::error::ApiError;
use crate::{
    chain::{types, Chain, ChainError},
    commands::{hexadecimal, id},
    work::models::Local,
};
use assay_engine::manifest::Kind;
use assay_types::{Balance, Cid, Hash, ASY};
use serde_json::{json, Value};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Solvers of a model that are looked at to find one that is bonded.
const MOST_SOLVERS: usize = 64;

/// A model on chain.
#[derive(Clone)]
pub struct Offer {
    /// What the chain says of it.
    pub model: types::Model,
    /// The artefact, where there is one on this machine.
    pub local: Option<Arc<Local>>,
    /// Whether it takes tasks and a bonded solver has declared that it serves it.
    pub is_served: bool,
}

impl Offer {
    /// The name under which clients see it.
    pub fn name(&self) -> String {
        self.local.as_ref().map_or_else(|| hexadecimal(self.model.id), |local| local.name().to_owned())
    }

    /// What it does, where that is known.
    pub fn kind(&self) -> Option<Kind> {
        self.local.as_ref().map(|local| local.model.manifest().kind)
    }

    /// The fee where the client chooses none.
    pub fn fee(&self) -> Balance {
        if self.model.fee == 0 {
            ASY
        } else {
            self.model.fee.saturating_mul(2)
        }
    }

    /// The object that clients read.
    pub fn json(&self) -> Value {
        let kind = self.kind().map(|kind| match kind {
            Kind::Text => "text",
            Kind::Embedding => "embedding",
        });
        json!({
            "id": self.name(),
            "object": "model",
            // The chain does not keep when a model was registered.
            "created": 0,
            "owned_by": self.model.owner.to_string(),
            "assay": {
                "model": hexadecimal(self.model.id),
                "manifest": self.model.manifest.to_string(),
                "kind": kind,
                "model_fee": crate::amount::format(self.model.fee),
                "fee": crate::amount::format(self.fee()),
                "solvers": self.model.solvers,
            },
        })
    }
}

/// The models of one block.
type Offers = Option<(Hash, Arc<Vec<Offer>>)>;

/// The models, looked up once for each block.
pub struct Catalog {
    chain: Chain,
    locals: Vec<Arc<Local>>,
    known: Mutex<Offers>,
}

impl Catalog {
    /// The models of a chain, of which `locals` are on this machine.
    pub fn new(chain: Chain, locals: Vec<Arc<Local>>) -> Self {
        Self { chain, locals, known: Mutex::default() }
    }

    /// Every model on chain.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn offers(&self) -> Result<Arc<Vec<Offer>>, ChainError> {
        let mut known = self.known.lock().await;
        let at = self.chain.best().await?;
        if let Some((_, offers)) = known.as_ref().filter(|(hash, _)| *hash == at.hash()) {
            return Ok(offers.clone());
        }
        let mut offers = Vec::new();
        for model in at.models().await? {
            let is_served = !model.retired && model.solvers > 0 && at.has_bonded_solver(model.id, MOST_SOLVERS).await?;
            let local = self.locals.iter().find(|local| local.cid() == model.manifest).cloned();
            offers.push(Offer { model, local, is_served });
        }
        offers.sort_by_key(|offer| (offer.name(), offer.model.id));
        let offers = Arc::new(offers);
        *known = Some((at.hash(), offers.clone()));
        Ok(offers)
    }

    /// The artefact of a model, if it is on this machine.
    pub fn local(&self, manifest: &Cid) -> Option<Arc<Local>> {
        self.locals.iter().find(|local| local.cid() == *manifest).cloned()
    }
}

/// The model that a client names: by name, id or the content id of its manifest.
///
/// # Errors
/// 404 when there is none, 400 when there are several, 503 when nobody serves it.
pub fn find<'a>(offers: &'a [Offer], named: &str) -> Result<&'a Offer, ApiError> {
    let (by_id, by_cid) = (id(named), Cid::parse(named));
    let fits =
        |offer: &&Offer| by_id == Some(offer.model.id) || by_cid == Some(offer.model.manifest) || offer.name() == named;
    let mut found: Vec<_> = offers.iter().filter(fits).collect();
    // Another's registration of the same artefact that nobody serves is in nobody's way.
    if found.iter().any(|offer| offer.is_served) {
        found.retain(|offer| offer.is_served);
    }
    match found.as_slice() {
        [one] if one.is_served => Ok(one),
        [] => {
            // What clients send is shown back on one line, and not at any length.
            let shown: String = named.chars().filter(|sign| !sign.is_control()).take(100).collect();
            Err(ApiError::missing("model_not_found", format!("there is no model '{shown}'; GET /v1/models lists them")))
        }
        [one] if one.model.retired => {
            Err(ApiError::missing("model_not_found", "the model is retired and takes no tasks"))
        }
        [_] => Err(ApiError::unavailable("no_solver", "no bonded solver serves this model now")),
        several => {
            let ids: Vec<_> = several.iter().map(|offer| hexadecimal(offer.model.id)).collect();
            let message = format!("several models have this name; ask one by its id: {}", ids.join(", "));
            Err(ApiError::invalid(Some("model"), "ambiguous_model", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use subxt::utils::AccountId32;

    fn offer(id: u8, manifest: &[u8], retired: bool, is_served: bool) -> Offer {
        let owner = AccountId32([1; 32]);
        let model = types::Model {
            id: Hash::repeat_byte(id),
            owner,
            manifest: Cid::of(manifest),
            fee: 0,
            recipient: owner,
            rate: 0,
            retired,
            solvers: 1,
        };
        Offer { model, local: None, is_served }
    }

    #[test]
    fn a_model_is_found_if_it_can_be_asked() {
        let offers = [
            offer(1, b"a", false, true),
            offer(2, b"b", false, false),
            offer(3, b"c", true, false),
            offer(4, b"d", false, true),
            offer(5, b"d", false, true),
            offer(6, b"a", false, false),
        ];
        let found = |named: &str| match find(&offers, named) {
            Ok(offer) => (offer.model.id.0[0], String::new()),
            Err(error) => (0, error.code().to_owned()),
        };
        assert_eq!(found(&hexadecimal(Hash::repeat_byte(1))).0, 1);
        assert_eq!(found(&Cid::of(b"a").to_string()).0, 1);
        assert_eq!(found(&hexadecimal(Hash::repeat_byte(2))).1, "no_solver");
        assert_eq!(found(&hexadecimal(Hash::repeat_byte(3))).1, "model_not_found");
        assert_eq!(found(&Cid::of(b"d").to_string()).1, "ambiguous_model");
        assert_eq!(found("gpt-5\n").1, "model_not_found");
    }
}
