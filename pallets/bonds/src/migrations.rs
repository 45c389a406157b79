//! Changes of the storage layout.

use crate::{Chunk, Config, Ledger, Ledgers, Pallet, Tranche};
use assay_types::{Balance, BlockNumber};
use codec::{Decode, Encode};
use core::marker::PhantomData;
use frame_support::{
    migrations::VersionedMigration,
    traits::{Get, UncheckedOnRuntimeUpgrade},
    weights::Weight,
    BoundedVec,
};

/// From version 1 to 2: a chunk knows when it was unbonded.
pub type V1ToV2<T> = VersionedMigration<1, 2, RecordUnbonding<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;

/// A chunk of version 1.
#[derive(Debug, Encode, Decode)]
struct OldChunk {
    amount: Balance,
    leaves_at: BlockNumber,
}

/// A ledger of version 1.
#[derive(Encode, Decode)]
struct OldLedger<T: Config> {
    active: Balance,
    maturing: BoundedVec<Tranche, T::MaxTranches>,
    pledged: Balance,
    unbonding: BoundedVec<OldChunk, T::MaxChunks>,
}

/// Writes into each chunk the block in which it was unbonded: as many blocks before it leaves as unbonding takes now.
///
/// All ledgers in one block: version 1 has only run on networks with a few solvers.
pub struct RecordUnbonding<T>(PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for RecordUnbonding<T> {
    fn on_runtime_upgrade() -> Weight {
        let unbonding = T::Unbonding::get();
        let mut ledgers: u64 = 0;
        Ledgers::<T>::translate(|_, old: OldLedger<T>| {
            ledgers = ledgers.saturating_add(1);
            let chunks = old.unbonding.into_iter().map(|OldChunk { amount, leaves_at }| Chunk {
                amount,
                leaves_at,
                unbonded_at: leaves_at.saturating_sub(unbonding),
            });
            // As many as there were, so nothing is cut off.
            let unbonding = BoundedVec::truncate_from(chunks.collect());
            Some(Ledger { active: old.active, maturing: old.maturing, pledged: old.pledged, unbonding })
        });
        T::DbWeight::get().reads_writes(ledgers.saturating_add(1), ledgers)
    }

    #[cfg(feature = "try-runtime")]
    fn pre_upgrade() -> Result<alloc::vec::Vec<u8>, sp_runtime::TryRuntimeError> {
        Ok((Ledgers::<T>::iter_keys().count() as u64).encode())
    }

    #[cfg(feature = "try-runtime")]
    fn post_upgrade(before: alloc::vec::Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
        let before = u64::decode(&mut before.as_slice()).map_err(|_| "the count of ledgers cannot be read")?;
        frame_support::ensure!(Ledgers::<T>::iter().count() as u64 == before, "a ledger was lost");
        Pallet::<T>::do_try_state()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::*;
    use frame_support::{
        assert_ok,
        traits::{GetStorageVersion, OnRuntimeUpgrade, StorageVersion},
    };

    /// Writes the ledger of `who` as version 1 did.
    fn write_old(who: u64, old: OldLedger<Test>) {
        frame_support::storage::unhashed::put(&Ledgers::<Test>::hashed_key_for(who), &old);
    }

    #[test]
    fn chunks_should_know_when_they_were_unbonded() {
        ExtBuilder.build_and_execute(|| {
            Unbonding::set(100);
            assert_ok!(Bonds::bond(RuntimeOrigin::signed(ALICE), 300));
            assert_ok!(Bonds::bond(RuntimeOrigin::signed(BOB), 200));
            assert_ok!(Bonds::unbond(RuntimeOrigin::signed(BOB), 90));
            let part = Tranche { amount: 300, matures_at: 11 };
            write_old(
                ALICE,
                OldLedger {
                    active: 300,
                    maturing: vec![part.clone()].try_into().unwrap(),
                    pledged: 40,
                    unbonding: Default::default(),
                },
            );
            let chunk = |amount, leaves_at| OldChunk { amount, leaves_at };
            write_old(
                BOB,
                OldLedger {
                    active: 110,
                    maturing: Default::default(),
                    pledged: 0,
                    unbonding: vec![chunk(30, 101), chunk(60, 99)].try_into().unwrap(),
                },
            );
            StorageVersion::new(1).put::<Bonds>();

            V1ToV2::<Test>::on_runtime_upgrade();
            assert_eq!(Bonds::on_chain_storage_version(), 2);
            let alice = Ledgers::<Test>::get(ALICE).unwrap();
            assert_eq!((alice.active, alice.pledged, alice.maturing.to_vec()), (300, 40, vec![part]));
            let chunks = vec![
                Chunk { amount: 30, leaves_at: 101, unbonded_at: 1 },
                Chunk { amount: 60, leaves_at: 99, unbonded_at: 0 },
            ];
            assert_eq!(Ledgers::<Test>::get(BOB).unwrap().unbonding.to_vec(), chunks);

            // Once is enough.
            V1ToV2::<Test>::on_runtime_upgrade();
            assert_eq!(Ledgers::<Test>::get(BOB).unwrap().unbonding.to_vec(), chunks);
        });
    }
}
