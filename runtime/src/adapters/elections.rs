use crate::{parameters::dynamic_params::bonds, Runtime};
use assay_types::BlockNumber;
use frame_support::traits::Get;
use pallet_settings::EpochBlocks;

/// Tenures in which whoever leaves may still have to serve: the present one, and the next, whose set is named already.
const SERVICE_TO_COME: BlockNumber = 2;

/// Blocks until a seat bond can be withdrawn: the service that may still come, and then as long as an equivocation in it
/// can be reported.
pub struct SeatUnbonding;

impl Get<BlockNumber> for SeatUnbonding {
    fn get() -> BlockNumber {
        let epoch: BlockNumber = EpochBlocks::<Runtime>::get();
        let service = epoch.saturating_mul(SERVICE_TO_COME);
        bonds::Unbonding::get().saturating_add(service)
    }
}
