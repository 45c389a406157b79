use super::KeyOwners;
use crate::{
    constants::KEPT_SESSIONS, AccountId, Elections, Emissions, Grandpa, Historical, Runtime, Session, SessionKeys,
};
use alloc::vec::Vec;
use assay_traits::ValidatorKeys;
use assay_types::{election, Hash};
use codec::Encode;
use pallet_session::{historical, NextKeys, QueuedChanged, QueuedKeys, SessionManager};
use sp_runtime::traits::Convert;
use sp_staking::SessionIndex;

/// Has the elections name the validators, and pays the committee at the end of each session what it brought it.
///
/// Sessions older than any report that is still accepted are dropped from the historical roots. The block in which
/// sessions change is accounted as full, so this needs no weight of its own.
pub struct ElectedValidators;

impl ElectedValidators {
    /// The present validators, where they have to be named as if they were others although they go on:
    ///
    /// - The session before `planned` has no historical root, as the first ones have none, or one of them has set other keys
    ///   than those that are in it. The root would be taken over from there, and nobody could report an equivocation once
    ///   its session is over.
    /// - Those who vote are not the validators: finality had stopped and Root has forced a change of voters, and a change of
    ///   the set that came meanwhile was lost.
    fn anew(planned: SessionIndex) -> Option<Vec<AccountId>> {
        let set = |who: &AccountId| NextKeys::<Runtime>::get(who);
        let has_root = Historical::historical_root(planned.saturating_sub(1)).is_some();
        let present = QueuedKeys::<Runtime>::get();
        let changes = Grandpa::pending_change().is_some() || QueuedChanged::<Runtime>::get();
        let voters = Grandpa::grandpa_authorities();
        let are_voters = || voters.iter().map(|(key, _)| key).eq(present.iter().map(|(_, keys)| &keys.grandpa));
        if has_root && present.iter().all(|(who, keys)| set(who).as_ref() == Some(keys)) && (changes || are_voters()) {
            return None;
        }
        let validators: Vec<_> = Session::validators().into_iter().filter(|who| set(who).is_some()).collect();
        (!validators.is_empty()).then_some(validators)
    }
}

impl SessionManager<AccountId> for ElectedValidators {
    fn new_session(planned: SessionIndex) -> Option<Vec<AccountId>> {
        Elections::name_set(planned).or_else(|| Self::anew(planned))
    }

    /// Genesis names the validators of the first two sessions.
    fn new_session_genesis(_: SessionIndex) -> Option<Vec<AccountId>> {
        None
    }

    fn start_session(_: SessionIndex) {
        KeyOwners::start_session();
        Elections::start_tenure();
    }

    fn end_session(ended: SessionIndex) {
        Emissions::pay_validators(&Elections::committee());
        Elections::end_tenure();
        Historical::prune_up_to(ended.saturating_sub(KEPT_SESSIONS));
    }
}

impl historical::SessionManager<AccountId, ()> for ElectedValidators {
    fn new_session(planned: SessionIndex) -> Option<Vec<(AccountId, ())>> {
        let set = <Self as SessionManager<AccountId>>::new_session(planned)?;
        Some(set.into_iter().map(|validator| (validator, ())).collect())
    }

    fn new_session_genesis(_: SessionIndex) -> Option<Vec<(AccountId, ())>> {
        None
    }

    fn start_session(start: SessionIndex) {
        <Self as SessionManager<AccountId>>::start_session(start);
    }

    fn end_session(ended: SessionIndex) {
        <Self as SessionManager<AccountId>>::end_session(ended);
    }
}

/// What is known of a validator beside its account: nothing.
pub struct UnitIdentity;

impl Convert<AccountId, Option<()>> for UnitIdentity {
    fn convert(_: AccountId) -> Option<()> {
        Some(())
    }
}

/// The validators of the session, and the keys that accounts have set.
pub struct KeysOfSession;

impl ValidatorKeys<AccountId> for KeysOfSession {
    fn validators() -> Vec<AccountId> {
        Session::validators()
    }

    fn keys_hash(who: &AccountId) -> Option<Hash> {
        let keys: SessionKeys = NextKeys::<Runtime>::get(who)?;
        Some(keys.using_encoded(election::keys_hash))
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn prepare(who: &AccountId) -> Hash {
        use sp_core::crypto::UncheckedFrom;
        let bytes: [u8; 32] = who.clone().into();
        let keys = SessionKeys {
            babe: sp_core::sr25519::Public::unchecked_from(bytes).into(),
            grandpa: sp_core::ed25519::Public::unchecked_from(bytes).into(),
        };
        NextKeys::<Runtime>::insert(who, &keys);
        keys.using_encoded(election::keys_hash)
    }
}
