use crate::{AccountId, Babe, Grandpa, Historical, Runtime, Session};
use alloc::vec::Vec;
use frame_support::traits::KeyOwnerProofSystem;
use pallet_session::historical::IdentificationTuple;
use sp_core::crypto::{ByteArray, KeyTypeId};
use sp_session::MembershipProof;

/// Whose a key is that authored or voted, for reports of equivocations.
///
/// [`Historical`] knows for the present session only the keys that validators have set since, so whoever sets others
/// before he signs two ways at once would go unpunished. A key that it does not find is looked for among those that author
/// and vote; a proof of that is good until the session ends.
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

    /// The proof of a key that is to be looked for in the present session.
    fn proof() -> MembershipProof {
        let validator_count = u32::try_from(Session::validators().len()).unwrap_or(u32::MAX);
        MembershipProof { session: Session::current_index(), trie_nodes: Vec::new(), validator_count }
    }
}

impl<D: AsRef<[u8]>> KeyOwnerProofSystem<(KeyTypeId, D)> for KeyOwners {
    type Proof = MembershipProof;
    type IdentificationTuple = IdentificationTuple<Runtime>;

    fn prove((kind, key): (KeyTypeId, D)) -> Option<Self::Proof> {
        let key = key.as_ref();
        Historical::prove((kind, key)).or_else(|| Self::present(kind, key).map(|_| Self::proof()))
    }

    fn check_proof((kind, key): (KeyTypeId, D), proof: Self::Proof) -> Option<Self::IdentificationTuple> {
        let key = key.as_ref();
        if proof == Self::proof() {
            return Self::present(kind, key).map(|validator| (validator, ()));
        }
        Historical::check_proof((kind, key), proof)
    }
}
