//! What elections look like in the state of a block, and what only the own node can do for them.

use super::{answer, api, At, Chain, ChainError};
use crate::{
    election::Proof,
    elector::decide::{CandidateView, Terms},
};
use assay_types::{
    election::{keys_hash, Randomness},
    Balance, BlockNumber, Hash, Tenure,
};
use serde::Deserialize;
use subxt::{rpcs::client::rpc_params, utils::AccountId32};

/// Session keys that a node made, and its signatures that an account may own them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedKeys {
    /// The public keys, encoded.
    pub keys: Vec<u8>,
    /// The proof of their possession.
    pub proof: Vec<u8>,
}

impl Chain {
    /// The proof of the election of `tenure`, read in the state of `block` or else of the last final one.
    ///
    /// # Errors
    /// The node does not answer, or has no such election.
    pub async fn election_proof(&self, tenure: Tenure, block: Option<Hash>) -> Result<Proof, ChainError> {
        self.call("assay_electionProof", rpc_params![tenure, block]).await
    }

    /// Has the node make new session keys for `owner` and keep them.
    ///
    /// # Errors
    /// The node does not answer, or does not do this for whoever asks from afar.
    pub async fn make_session_keys(&self, owner: &AccountId32) -> Result<GeneratedKeys, ChainError> {
        #[derive(Deserialize)]
        struct Answer {
            keys: String,
            #[serde(default)]
            proof: Option<String>,
        }
        let owner = format!("0x{}", hex::encode(owner.0));
        let answer: Answer = self.call("author_rotateKeysWithOwner", rpc_params![owner]).await?;
        let bytes = |text: &str| {
            hex::decode(text.trim_start_matches("0x"))
                .map_err(|_| ChainError::Other("the node's session keys are not in hexadecimal".into()))
        };
        let proof = answer.proof.ok_or_else(|| ChainError::Other("the node proves no session keys".into()))?;
        Ok(GeneratedKeys { keys: bytes(&answer.keys)?, proof: bytes(&proof)? })
    }

    /// Whether the node has the secrets of these session keys.
    ///
    /// # Errors
    /// The node does not answer, or does not tell whoever asks from afar.
    pub async fn has_session_keys(&self, keys: &[u8]) -> Result<bool, ChainError> {
        self.call("author_hasSessionKeys", rpc_params![format!("0x{}", hex::encode(keys))]).await
    }
}

impl At {
    /// The present tenure, and its first block.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn tenure(&self) -> Result<(Tenure, BlockNumber), ChainError> {
        Ok(self.get(api::storage().elections().began(), ()).await?.unwrap_or_default())
    }

    /// Blocks of a tenure, if none is missed.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn tenure_length(&self) -> Result<BlockNumber, ChainError> {
        Ok(self.get(api::storage().settings().epoch_length(), ()).await?.unwrap_or_default())
    }

    /// The rules of elections as they are now.
    ///
    /// # Errors
    /// The node does not answer, or its runtime knows no elections.
    pub async fn election_terms(&self) -> Result<Terms, ChainError> {
        let call = api::runtime_apis().elections_api().terms();
        let terms = answer(self.inner().runtime_apis().call(call)).await?;
        Ok(Terms {
            seat_bond: terms.seat_bond,
            minimum_commit: terms.minimum_commit,
            wait: terms.wait,
            draw_delay: terms.draw_delay,
            service_delay: terms.service_delay,
        })
    }

    /// A candidate.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn candidate(&self, account: AccountId32) -> Result<Option<CandidateView>, ChainError> {
        let record = self.get(api::storage().elections().candidates(), (account,)).await?;
        Ok(record.map(|record| CandidateView {
            vrf_key: record.vrf_key,
            keys: record.keys,
            since: record.since,
            chilled: record.chilled,
        }))
    }

    /// Whether an account stands for the committee.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn stands(&self, account: AccountId32) -> Result<bool, ChainError> {
        let standing = self.get(api::storage().elections().standing(), ()).await?;
        Ok(standing.is_some_and(|standing| standing.0.contains(&account)))
    }

    /// Whether an account is on the committee of this tenure.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn is_on_committee(&self, account: AccountId32) -> Result<bool, ChainError> {
        let committee = self.get(api::storage().elections().committee(), ()).await?;
        Ok(committee.is_some_and(|committee| committee.0.iter().any(|member| member.account == account)))
    }

    /// The session keys that an account has set, encoded, and the hash by which elections know them.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn session_keys(&self, account: AccountId32) -> Result<Option<(Vec<u8>, Hash)>, ChainError> {
        let address = api::storage().session().next_keys();
        let value = answer(self.inner().storage().try_fetch(address, (account,))).await?;
        Ok(value.map(|value| {
            let keys = value.into_bytes();
            let hash = keys_hash(&keys);
            (keys, hash)
        }))
    }

    /// What is held of an account as seat bond.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn seat_bond(&self, account: AccountId32) -> Result<Balance, ChainError> {
        let bond = self.get(api::storage().elections().seat_bonds(), (account,)).await?;
        Ok(bond.map_or(0, |bond| bond.amount))
    }

    /// Whether an account has committed to the election of `tenure`.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn has_committed(&self, tenure: Tenure, account: AccountId32) -> Result<bool, ChainError> {
        Ok(self.get(api::storage().elections().commits(), (tenure, account)).await?.is_some())
    }

    /// What the outputs of this tenure's commitments are over.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn accumulator(&self) -> Result<Randomness, ChainError> {
        Ok(self.get(api::storage().elections().accumulator(), ()).await?.unwrap_or_default())
    }

    /// Who was drawn in the election of `tenure`, in order; `None` if it was not drawn, or is not kept any more.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn drawn(&self, tenure: Tenure) -> Result<Option<Vec<AccountId32>>, ChainError> {
        let draw = self.get(api::storage().elections().draws(), (tenure,)).await?;
        Ok(draw.map(|draw| draw.seats.0))
    }
}
