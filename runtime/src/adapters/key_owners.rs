use crate::{AccountId, Babe, Grandpa, Historical, Runtime, Session};
use alloc::vec::Vec;
use frame_support::traits::KeyOwnerProofSystem;
use pallet_session::historical::IdentificationTuple;
use sp_core::crypto::{ByteArray, KeyTypeId};
use sp_session::MembershipProof;

/// Whose a key is that authored or voted, for reports of equivocations.
///
/// [`Historical`] knows for the present session only the keys that validators have set since, so whoever sets others
/// before or after he signs two ways at once would go unpunished. Therefore a key is looked for among those that author and
/// vote first. What [`Historical`] can prove is good beyond the session's end; what it cannot, until then.
pub struct KeyOwners;

impl KeyOwners {
    /// The validator that has this key in the present session.
    fn present(kind: KeyTypeId, key: &[u8]) -> Option<AccountId> {
        let place = match kind {
            sp_consensus_babe::KEY_TYPE => Babe::authorities().iter().position(|(id, _)| id.as_slice() == key),
            // In the block in which the set changes, and where Root has forced a change, those who vote are not the
            // session's validators in their order.
            sp_consensus_grandpa::KEY_TYPE
                if Grandpa::pending_change().is_none() && Grandpa::next_forced().is_none() =>
            {
                Grandpa::grandpa_authorities().iter().position(|(id, _)| id.as_slice() == key)
            }
            _ => None,
        };
        Session::validators().into_iter().nth(place?)
    }

    /// The number of validators.
    fn count() -> u32 {
        u32::try_from(Session::validators().len()).unwrap_or(u32::MAX)
    }
}

impl<D: AsRef<[u8]>> KeyOwnerProofSystem<(KeyTypeId, D)> for KeyOwners {
    type Proof = MembershipProof;
    type IdentificationTuple = IdentificationTuple<Runtime>;

    fn prove((kind, key): (KeyTypeId, D)) -> Option<Self::Proof> {
        let key = key.as_ref();
        Historical::prove((kind, key)).or_else(|| {
            let (session, validator_count) = (Session::current_index(), Self::count());
            Self::present(kind, key).map(|_| MembershipProof { session, trie_nodes: Vec::new(), validator_count })
        })
    }

    fn check_proof((kind, key): (KeyTypeId, D), proof: Self::Proof) -> Option<Self::IdentificationTuple> {
        let key = key.as_ref();
        let is_present = proof.session == Session::current_index() && proof.validator_count == Self::count();
        let present = is_present.then(|| Self::present(kind, key)).flatten();
        present.map(|validator| (validator, ())).or_else(|| Historical::check_proof((kind, key), proof))
    }
}
