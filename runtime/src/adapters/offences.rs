use crate::{AccountId, Elections, Runtime, Session};
use frame_support::weights::Weight;
use pallet_elections::WeightInfo;
use pallet_session::historical::IdentificationTuple;
use sp_runtime::Perbill;
use sp_staking::{
    offence::{OffenceDetails, OffenceSeverity, OnOffenceHandler},
    SessionIndex,
};

/// Punishes validators who authored or finalised two ways at once: they lose a part of their seat bond and are not named
/// again until they resume. Until the set of validators changes they are stopped; never more than a third of them, so that
/// the chain goes on.
pub struct PunishOffenders;

impl OnOffenceHandler<AccountId, IdentificationTuple<Runtime>, Weight> for PunishOffenders {
    fn on_offence(
        offenders: &[OffenceDetails<AccountId, IdentificationTuple<Runtime>>],
        slash_fraction: &[Perbill],
        _session: SessionIndex,
    ) -> Weight {
        // One offender is reported at a time. Before it come those who did the same in the same slot or round, whose own
        // reports have cost them their part already.
        let Some((details, fraction)) = offenders.last().zip(slash_fraction.last()) else { return Weight::zero() };
        let (validator, ()) = &details.offender;
        Session::report_offence(validator.clone(), OffenceSeverity(*fraction));
        Elections::note_offence(validator, *fraction);
        <Runtime as frame_system::Config>::DbWeight::get()
            .reads_writes(3, 2)
            .saturating_add(<Runtime as pallet_elections::Config>::WeightInfo::note_offence())
    }
}
