//! What proves an election to whoever has but the header of a block.

use crate::pallet::*;
use alloc::vec::Vec;
use assay_types::Tenure;
use frame_support::storage::generator::StorageDoubleMap;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Zero;

impl<T: Config> Pallet<T> {
    /// The keys of the state from which the election of `tenure` can be recomputed, all to be read in one block:
    ///
    /// - its draw, and the draw before, whose `before` is what the commitments' outputs are over (they were signed when that
    ///   draw had not been made) and with whose accumulator this draw began;
    /// - every commitment to it, and the prefix of them all, which shows that there is no other, even if there is none;
    /// - the commitment of whoever was drawn first in the draw before, whose output went into this draw;
    /// - the hash of the first block, which names the chain.
    ///
    /// Empty if the election has not been drawn, or something of this is not kept any more.
    pub fn proof_keys(tenure: Tenure) -> Vec<Vec<u8>> {
        Self::proof_keys_if_kept(tenure).unwrap_or_default()
    }

    fn proof_keys_if_kept(tenure: Tenure) -> Option<Vec<Vec<u8>>> {
        let commit = |tenure, candidate: &T::AccountId| {
            let kept = Commits::<T>::contains_key(tenure, candidate);
            kept.then(|| Commits::<T>::hashed_key_for(tenure, candidate))
        };
        let draw = Draws::<T>::get(tenure)?;
        let entrants = draw.entrants.iter().map(|entrant| commit(tenure, &entrant.candidate));
        let mut keys: Vec<_> = entrants.collect::<Option<_>>()?;
        if let Some(before) = tenure.checked_sub(1) {
            match Draws::<T>::get(before) {
                Some(draw) => {
                    if let Some(first) = draw.seats.first() {
                        keys.push(commit(before, first)?);
                    }
                }
                None if draw.entrants.is_empty() => {}
                None => return None,
            }
            keys.push(Draws::<T>::hashed_key_for(before));
        }
        keys.push(Draws::<T>::hashed_key_for(tenure));
        keys.push(<Commits<T> as StorageDoubleMap<_, _, _>>::storage_double_map_final_key1(tenure));
        keys.push(frame_system::BlockHash::<T>::hashed_key_for(BlockNumberFor::<T>::zero()));
        Some(keys)
    }
}
