//! An upgrade changes what is stored before anything else happens.

use crate::common::{genesis, Blocks};
use assay_runtime::{Balance, BlockNumber, Bonds, Runtime, VERSION};
use codec::Encode;
use frame_support::traits::{GetStorageVersion, StorageVersion};
use frame_system::{LastRuntimeUpgrade, LastRuntimeUpgradeInfo};
use pallet_bonds::{Chunk, Ledgers};
use sp_keyring::Sr25519Keyring;

#[test]
fn bonds_of_the_first_version_are_brought_up_to_date_in_the_first_block() {
    genesis("development").execute_with(|| {
        assert_eq!(Bonds::on_chain_storage_version(), Bonds::in_code_storage_version());
        let solver = Sr25519Keyring::Bob.to_account_id();
        // The bond, what is maturing, what is pledged, and what leaves in block 310: development unbonds in 300.
        let (maturing, unbonding): (Vec<(Balance, BlockNumber)>, _) = (vec![(3, 9)], vec![(2u128, 310u32)]);
        let old = (7 as Balance, maturing, 5 as Balance, unbonding);
        frame_support::storage::unhashed::put_raw(&Ledgers::<Runtime>::hashed_key_for(&solver), &old.encode());
        StorageVersion::new(1).put::<Bonds>();
        let first = LastRuntimeUpgradeInfo { spec_version: 1.into(), spec_name: VERSION.spec_name };
        LastRuntimeUpgrade::<Runtime>::put(first);

        Blocks::default().begin();
        assert_eq!(Bonds::on_chain_storage_version(), 2);
        let ledger = Ledgers::<Runtime>::get(&solver).expect("it is still there");
        assert_eq!((ledger.active, ledger.maturing.len(), ledger.pledged), (7, 1, 5));
        assert_eq!(ledger.unbonding.to_vec(), [Chunk { amount: 2, leaves_at: 310, unbonded_at: 10 }]);
    });
}
