use crate::{parameters::dynamic_params::bonds, Runtime};
use assay_types::Balance;
use frame_support::traits::Get;

/// What the sum of all that was minted is divided by: 0.01 % of it.
const SHARE_OF_MINTED: Balance = 10_000;

/// The least mature bond with which a solver may take on work: what governance says, or 0.01 % of all that was ever
/// minted, if that is more. It grows with the supply, so that identities stay dear.
pub struct MinimumBond;

impl Get<Balance> for MinimumBond {
    fn get() -> Balance {
        let minted = pallet_emissions::MintedAuthors::<Runtime>::get()
            .saturating_add(pallet_emissions::MintedWork::<Runtime>::get());
        bonds::MinimumBond::get().max(minted / SHARE_OF_MINTED)
    }
}
