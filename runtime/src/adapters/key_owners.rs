use crate::{AccountId, Historical, Runtime, Session, SessionKeys};
use alloc::vec::Vec;
use frame_support::{
    pallet_prelude::ValueQuery, storage::with_transaction, storage_alias, traits::KeyOwnerProofSystem,
};
use pallet_session::{historical::IdentificationTuple, NextKeys, QueuedKeys};
use sp_core::crypto::KeyTypeId;
use sp_runtime::{traits::OpaqueKeys, DispatchError, TransactionOutcome};
use sp_session::MembershipProof;

/// The validators of the present session, each with the keys by which it authors and votes; as many as a session may have
/// at most. Nothing until the first session begins under a runtime that notes them.
#[storage_alias]
type PresentKeys = StorageValue<KeyOwners, Vec<(AccountId, SessionKeys)>, ValueQuery>;

/// Whose a key is that authored or voted, for reports of equivocations.
///
/// [`Historical`] takes for the keys of the present session what validators have set last, so whoever sets others before or
/// after he signs two ways at once would go unpunished. Here it is those by which they author and vote.
pub struct KeyOwners;

impl KeyOwners {
    /// Notes the keys of a session as it starts: those that were queued for it, until the next ones are.
    pub fn start_session() {
        PresentKeys::put(QueuedKeys::<Runtime>::get());
    }
}

impl<D: AsRef<[u8]>> KeyOwnerProofSystem<(KeyTypeId, D)> for KeyOwners {
    type Proof = MembershipProof;
    type IdentificationTuple = IdentificationTuple<Runtime>;

    fn prove((kind, key): (KeyTypeId, D)) -> Option<Self::Proof> {
        let present = PresentKeys::get();
        // `Historical` would prove anything.
        if !present.is_empty() && !present.iter().any(|(_, keys)| keys.get_raw(kind) == key.as_ref()) {
            return None;
        }
        // With the present keys put back, for as long as it takes, the proof is that of the session's historical root and
        // good when the session is over.
        let proof = with_transaction(|| {
            for (validator, keys) in present {
                NextKeys::<Runtime>::insert(validator, keys);
            }
            TransactionOutcome::Rollback(Ok::<_, DispatchError>(Historical::prove((kind, key.as_ref()))))
        });
        proof.ok().flatten()
    }

    fn check_proof((kind, key): (KeyTypeId, D), proof: Self::Proof) -> Option<Self::IdentificationTuple> {
        let present = PresentKeys::get();
        if proof.session != Session::current_index() || present.is_empty() {
            return Historical::check_proof((kind, key), proof);
        }
        if proof.validator_count as usize != present.len() {
            return None;
        }
        let owner = present.into_iter().find(|(_, keys)| keys.get_raw(kind) == key.as_ref());
        owner.map(|(validator, _)| (validator, ()))
    }
}
