use crate::{AccountId, Babe, Grandpa, Historical, Runtime, Session, SessionKeys};
use alloc::vec::Vec;
use frame_support::{storage::with_transaction, traits::KeyOwnerProofSystem};
use pallet_session::{historical::IdentificationTuple, NextKeys};
use sp_core::crypto::KeyTypeId;
use sp_runtime::{traits::OpaqueKeys, DispatchError, TransactionOutcome};
use sp_session::MembershipProof;

/// Whose a key is that authored or voted, for reports of equivocations.
///
/// [`Historical`] takes for the keys of the present session what validators have set last, so whoever sets others before or
/// after he signs two ways at once would go unpunished. Here it is those by which they author and vote.
pub struct KeyOwners;

impl KeyOwners {
    /// The validators of the present session, each with the keys by which it authors and votes.
    ///
    /// Nobody in the block in which the set changes, nor where Root has forced a change of voters: those who vote are not
    /// the session's validators in their order then, and nobody may be taken for another.
    fn present() -> Vec<(AccountId, SessionKeys)> {
        if Grandpa::pending_change().is_some() || Grandpa::next_forced().is_some() {
            return Vec::new();
        }
        let voters = Grandpa::grandpa_authorities().into_iter().map(|(grandpa, _)| grandpa);
        let authors = Babe::authorities().into_iter().map(|(babe, _)| babe);
        let keys = authors.zip(voters).map(|(babe, grandpa)| SessionKeys { babe, grandpa });
        Session::validators().into_iter().zip(keys).collect()
    }
}

impl<D: AsRef<[u8]>> KeyOwnerProofSystem<(KeyTypeId, D)> for KeyOwners {
    type Proof = MembershipProof;
    type IdentificationTuple = IdentificationTuple<Runtime>;

    fn prove((kind, key): (KeyTypeId, D)) -> Option<Self::Proof> {
        // With the present keys put back, for as long as it takes, the proof is that of the session's historical root and
        // good when the session is over.
        let proof = with_transaction(|| {
            for (validator, keys) in Self::present() {
                NextKeys::<Runtime>::insert(validator, keys);
            }
            TransactionOutcome::Rollback(Ok::<_, DispatchError>(Historical::prove((kind, key.as_ref()))))
        });
        proof.ok().flatten()
    }

    fn check_proof((kind, key): (KeyTypeId, D), proof: Self::Proof) -> Option<Self::IdentificationTuple> {
        let key = key.as_ref();
        let count = Session::validators().len();
        let is_present = proof.session == Session::current_index() && proof.validator_count as usize == count;
        let present = if is_present { Self::present() } else { Vec::new() };
        let owner = present.into_iter().find(|(_, keys)| keys.get_raw(kind) == key);
        owner.map(|(validator, _)| (validator, ())).or_else(|| Historical::check_proof((kind, key), proof))
    }
}
