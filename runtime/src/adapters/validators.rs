use crate::{constants::KEPT_SESSIONS, AccountId, Emissions, Historical, Session};
use alloc::vec::Vec;
use pallet_session::{historical, SessionManager};
use sp_runtime::traits::Convert;
use sp_staking::SessionIndex;

/// Keeps the validators that genesis named, and pays them at the end of each session what it brought them.
///
/// Sessions older than any report that is still accepted are dropped from the historical roots. The block in which
/// sessions change is accounted as full, so this needs no weight of its own.
pub struct GenesisValidators;

impl SessionManager<AccountId> for GenesisValidators {
    fn new_session(_: SessionIndex) -> Option<Vec<AccountId>> {
        None
    }

    fn start_session(_: SessionIndex) {}

    fn end_session(ended: SessionIndex) {
        Emissions::pay_validators(&Session::validators());
        Historical::prune_up_to(ended.saturating_sub(KEPT_SESSIONS));
    }
}

impl historical::SessionManager<AccountId, ()> for GenesisValidators {
    fn new_session(_: SessionIndex) -> Option<Vec<(AccountId, ())>> {
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
