//! Entropy, draws, and how long they are remembered.

use crate::{pallet::*, types::*, weights::WeightInfo};
use alloc::vec::Vec;
use assay_traits::{BlockVrf, Qualify};
use assay_types::{election, Tenure};
use frame_support::{
    traits::Get,
    weights::{Weight, WeightMeter},
    BoundedVec,
};
use sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
    /// Mixes the randomness of the block before this one into the entropy. BABE's own randomness does not serve: it takes
    /// outputs in batches of 256 primary authors, so that a short epoch adds nothing to it.
    pub(crate) fn mix_in_parent() {
        Entropy::<T>::mutate(|entropy| *entropy = election::mix_entropy(entropy, T::Vrf::of_parent().as_ref()));
    }

    /// In the first block of a tenure, draws the election whose entropy is complete; returns the weight.
    pub(crate) fn draw_if_due() -> Weight {
        let (tenure, first) = Began::<T>::get();
        match tenure.checked_sub(DRAW_DELAY) {
            Some(of) if first == Self::now() => T::WeightInfo::draw(Self::draw(of)),
            _ => Weight::zero(),
        }
    }

    /// Draws the seats among those who committed in tenure `of`; returns how many did.
    pub(crate) fn draw(of: Tenure) -> u32 {
        let (before, entropy, first_output) = (Accumulator::<T>::get(), Entropy::<T>::get(), FirstOutput::<T>::get());
        let accumulator = election::accumulate(&before, &entropy, first_output.as_ref());
        // No more can have committed than there may be candidates: whoever takes the place of another has to wait.
        let entrants: Vec<_> = Commits::<T>::iter_prefix(of)
            .take(T::MaxCandidates::get() as usize)
            .map(|(candidate, commit)| {
                let commits = commit.window.iter().filter(|amount| **amount > 0).count();
                let qualifies = commits >= T::LeastCommits::get() as usize && T::Qualifiers::qualifies(&candidate);
                Entrant { candidate, weight: if qualifies { commit.weight() } else { 0 } }
            })
            .collect();
        let mut weights: Vec<_> = entrants.iter().map(|entrant| entrant.weight).collect();
        let qualified = weights.iter().filter(|weight| **weight > 0).count();
        let places = T::Seats::get().min(T::MaxSeats::get());
        let mut seats = BoundedVec::new();
        assay_math::draw(
            &mut weights,
            places,
            |i| election::draw_number(&accumulator, i),
            |winner| {
                if let Some(entrant) = entrants.get(winner) {
                    // There are no more places than seats may be.
                    let _ = seats.try_push(entrant.candidate.clone());
                }
            },
        );
        if let Some(commit) = seats.first().and_then(|first| Commits::<T>::get(of, first)) {
            FirstOutput::<T>::put(commit.vrf_output);
        }
        Accumulator::<T>::put(accumulator);
        let count = entrants.len().saturated_into();
        let entrants = BoundedVec::truncate_from(entrants);
        let draw = Draw { before, entropy, first_output, accumulator, places, entrants, seats: seats.clone() };
        Draws::<T>::insert(of, draw);
        Self::deposit_event(Event::Drawn { tenure: of, qualified: qualified.saturated_into(), seats });
        count
    }

    /// Removes up to [`Config::PruneBatch`] commitments of the oldest tenure that need not be kept any more, and its draw
    /// with the last of them.
    pub(crate) fn prune(meter: &mut WeightMeter) {
        if meter.try_consume(T::WeightInfo::prune_base()).is_err() {
            return;
        }
        let oldest = OldestKept::<T>::get();
        let batch = T::PruneBatch::get();
        if oldest.saturating_add(KEPT_TENURES) >= T::Tenure::get()
            || meter.try_consume(T::WeightInfo::prune(batch)).is_err()
        {
            return;
        }
        if Commits::<T>::clear_prefix(oldest, batch, None).maybe_cursor.is_none() {
            Draws::<T>::remove(oldest);
            OldestKept::<T>::put(oldest.saturating_add(1));
        }
    }
}
