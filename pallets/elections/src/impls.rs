//! What the pallet hears of others, and its invariants.

use crate::{pallet::*, types::*, weights::WeightInfo};
use alloc::{collections::BTreeSet, vec::Vec};
use assay_traits::{OnDisputeResolved, OnTaskSettled, Settlement, Verdict};
use assay_types::{election, Balance, BlockNumber, ModelId, TaskId};
use frame_support::{
    ensure,
    pallet_prelude::Weight,
    traits::{
        fungible::{hold::Inspect as _, Inspect as _},
        Get,
    },
};
use sp_runtime::{traits::BlockNumberProvider, TryRuntimeError};

impl<T: Config> Pallet<T> {
    pub(crate) fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }

    /// The members of this tenure's committee, those with the most stake first.
    pub fn committee() -> Vec<T::AccountId> {
        Committee::<T>::get().into_iter().map(|member| member.account).collect()
    }

    /// Notes what became of a result of `who`, if it is a candidate.
    fn note_work(who: &T::AccountId, accepted: bool) {
        if !Candidates::<T>::contains_key(who) {
            return;
        }
        let tenure = T::Tenure::get();
        WorkRecords::<T>::mutate(who, |record| {
            if record.last().is_none_or(|last| last.tenure != tenure) {
                if record.is_full() {
                    record.remove(0);
                }
                // There is room for one more now.
                let _ = record.try_push(TenureWork { tenure, accepted: 0, failed: 0 });
            }
            if let Some(last) = record.last_mut() {
                let count = if accepted { &mut last.accepted } else { &mut last.failed };
                *count = count.saturating_add(1);
            }
        });
    }

    /// Checks what must always hold:
    ///
    /// 1. What was committed was burned or paid, or is pending; the pot has what is pending.
    /// 2. What is held of each account is its seat bond; every candidate and whoever stands has one that does not leave,
    ///    nobody else has.
    /// 3. Nobody both is a candidate and stands, nor stands twice; there are no more candidates than there may be.
    /// 4. Nobody is on a committee twice.
    /// 5. The seats of a draw are distinct, and each was drawn of an entrant that weighed something; its accumulator is
    ///    that of what went into it, and the last draw's is the present one.
    /// 6. No commitment is of a tenure to come, and none, nor a draw, of one that is forgotten.
    /// 7. Work is recorded of candidates alone, tenure by tenure.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let tenure = T::Tenure::get();
        let totals = CommitTotals::<T>::get();
        let accounted = totals.burned.saturating_add(totals.paid).saturating_add(totals.pending);
        ensure!(totals.committed == accounted, "elections: what was committed is neither burned nor paid nor there");
        ensure!(T::Currency::balance(&Self::pot()) >= totals.pending, "elections: the pot lacks what is pending");

        let standing = Standing::<T>::get();
        for (who, candidate) in Candidates::<T>::iter() {
            ensure!(!standing.contains(&who), "elections: a candidate stands");
            ensure!(candidate.since <= tenure, "elections: a candidate of the future");
            let tenures = candidate.bids.iter().map(|bid| bid.tenure);
            ensure!(tenures.clone().zip(tenures.skip(1)).all(|(a, b)| a < b), "elections: bids out of order");
            let bonded = SeatBonds::<T>::get(&who).is_some_and(|bond| bond.leaves_at.is_none());
            ensure!(bonded, "elections: a candidate without a seat bond");
        }
        ensure!(Candidates::<T>::count() <= T::MaxCandidates::get(), "elections: too many candidates");
        ensure!(Self::distinct(standing.iter()), "elections: one stands twice");
        for who in &standing {
            let bonded = SeatBonds::<T>::get(who).is_some_and(|bond| bond.leaves_at.is_none());
            ensure!(bonded, "elections: one stands without a seat bond");
        }
        for (who, bond) in SeatBonds::<T>::iter() {
            let needed = Candidates::<T>::contains_key(&who) || standing.contains(&who);
            ensure!(needed == bond.leaves_at.is_none(), "elections: a seat bond that is held for nothing");
        }
        for who in frame_system::Account::<T>::iter_keys() {
            let bond = SeatBonds::<T>::get(&who).map_or(0, |bond| bond.amount);
            let held: Balance = T::Currency::balance_on_hold(&HoldReason::Seat.into(), &who);
            ensure!(held == bond, "elections: a hold is not the seat bond");
        }

        for committee in [Committee::<T>::get(), NextCommittee::<T>::get()] {
            let members = committee.iter().map(|member| &member.account);
            ensure!(Self::distinct(members), "elections: one is on a committee twice");
        }
        for (of, draw) in Draws::<T>::iter() {
            ensure!(of.saturating_add(DRAW_DELAY) <= tenure, "elections: a draw that came too early");
            ensure!(of >= OldestKept::<T>::get(), "elections: a draw that nothing will remove");
            ensure!(Self::distinct(draw.seats.iter()), "elections: one has two seats");
            let drawn = |seat: &T::AccountId| {
                draw.entrants.iter().any(|entrant| entrant.candidate == *seat && entrant.weight > 0)
            };
            ensure!(draw.seats.iter().all(drawn), "elections: a seat of one who did not qualify");
            let accumulator = election::accumulate(&draw.before, &draw.entropy, draw.first_output.as_ref());
            ensure!(draw.accumulator == accumulator, "elections: a draw by another accumulator");
            let latest = !Draws::<T>::contains_key(of.saturating_add(1));
            ensure!(!latest || Accumulator::<T>::get() == accumulator, "elections: the accumulator is not the last's");
        }
        for (of, _, commit) in Commits::<T>::iter() {
            ensure!(of >= OldestKept::<T>::get() && of <= tenure, "elections: a commitment out of time");
            ensure!(commit.window.last().is_some_and(|amount| *amount > 0), "elections: a commitment of nothing");
        }
        for (who, record) in WorkRecords::<T>::iter() {
            ensure!(Candidates::<T>::contains_key(&who), "elections: work of one who is no candidate");
            let tenures = record.iter().map(|work| work.tenure);
            ensure!(tenures.clone().zip(tenures.skip(1)).all(|(a, b)| a < b), "elections: work out of order");
        }
        Ok(())
    }

    /// Whether all of these are different.
    fn distinct<'a>(mut accounts: impl Iterator<Item = &'a T::AccountId>) -> bool
    where
        T::AccountId: 'a,
    {
        let mut seen = BTreeSet::new();
        accounts.all(|account| seen.insert(account))
    }
}

impl<T: Config> OnTaskSettled<T::AccountId> for Pallet<T> {
    fn on_task_settled(_: &TaskId, _: &ModelId, solver: &T::AccountId, _: &Settlement) {
        Self::note_work(solver, true);
    }

    fn weight() -> Weight {
        T::WeightInfo::note_work()
    }
}

impl<T: Config> OnDisputeResolved<T::AccountId> for Pallet<T> {
    /// A result that was found wrong counts against whoever staked on it, the solver or the contester.
    fn on_dispute_resolved(_: &TaskId, _: &ModelId, solver: &T::AccountId, contester: &T::AccountId, verdict: Verdict) {
        match verdict {
            Verdict::Falls => Self::note_work(solver, false),
            Verdict::Stands => Self::note_work(contester, false),
            Verdict::Inconclusive => {}
        }
    }

    fn weight() -> Weight {
        T::WeightInfo::note_work()
    }
}
