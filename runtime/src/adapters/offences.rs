use crate::{AccountId, Runtime, Session};
use frame_support::weights::Weight;
use pallet_session::historical::IdentificationTuple;
use sp_runtime::Perbill;
use sp_staking::{
    offence::{OffenceDetails, OffenceSeverity, OnOffenceHandler},
    SessionIndex,
};

/// Stops validators who authored or finalised two ways at once, until the set of validators changes; never more than a
/// third of them, so that the chain goes on.
pub struct DisableOffenders;

impl OnOffenceHandler<AccountId, IdentificationTuple<Runtime>, Weight> for DisableOffenders {
    fn on_offence(
        offenders: &[OffenceDetails<AccountId, IdentificationTuple<Runtime>>],
        slash_fraction: &[Perbill],
        _session: SessionIndex,
    ) -> Weight {
        let mut weight = Weight::zero();
        for (details, fraction) in offenders.iter().zip(slash_fraction) {
            let (validator, ()) = &details.offender;
            Session::report_offence(validator.clone(), OffenceSeverity(*fraction));
            weight = weight.saturating_add(<Runtime as frame_system::Config>::DbWeight::get().reads_writes(3, 2));
        }
        weight
    }
}
