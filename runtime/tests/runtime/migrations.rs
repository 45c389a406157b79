//! An upgrade changes what is stored before anything else happens.

use crate::common::{genesis, Blocks};
use assay_runtime::{Balance, BlockNumber, Bonds, Elections, Runtime, Session, SingleBlockMigrations, VERSION};
use codec::Encode;
use frame_support::traits::{GetStorageVersion, OnRuntimeUpgrade, StorageVersion};
use frame_system::{LastRuntimeUpgrade, LastRuntimeUpgradeInfo};
use pallet_bonds::{Chunk, Ledgers};
use pallet_elections::Founders;
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

#[test]
fn elections_are_founded_by_the_validators_that_are_there_and_only_once() {
    genesis("local").execute_with(|| {
        let before = || LastRuntimeUpgradeInfo { spec_version: 3.into(), spec_name: VERSION.spec_name };
        // A state in which nothing of elections is.
        let all = sp_io::hashing::twox_128(b"Elections");
        assert!(frame_support::storage::unhashed::clear_prefix(&all, None, None).maybe_cursor.is_none());
        assert_eq!(Elections::on_chain_storage_version(), 0);
        LastRuntimeUpgrade::<Runtime>::put(before());
        let mut blocks = Blocks::default();
        blocks.begin();
        assert_eq!(Elections::on_chain_storage_version(), 1);
        let founders: Vec<_> = Founders::<Runtime>::get().into_iter().map(|founder| founder.account).collect();
        assert_eq!(founders, Session::validators());
        assert_eq!(founders.len(), 2);
        blocks.end();

        // Whatever became of them meanwhile, another upgrade leaves it as it is.
        Founders::<Runtime>::mutate(|founders| founders[1].chilled = true);
        let founders = Founders::<Runtime>::get();
        LastRuntimeUpgrade::<Runtime>::put(before());
        blocks.begin();
        assert_eq!(Founders::<Runtime>::get(), founders);
        blocks.end();
    });
}

#[test]
fn all_migrations_together_fit_a_block() {
    use frame_support::dispatch::DispatchClass;
    genesis("development").execute_with(|| {
        Founders::<Runtime>::kill();
        StorageVersion::new(1).put::<Bonds>();
        let weight = SingleBlockMigrations::on_runtime_upgrade();
        let limits = <Runtime as frame_system::Config>::BlockWeights::get();
        assert!(weight.ref_time() > 0);
        assert!(weight.all_lte(limits.get(DispatchClass::Normal).max_total.unwrap_or(limits.max_block)), "{weight:?}");
    });
}
