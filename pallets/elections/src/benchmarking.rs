//! Benchmarks of the calls and hooks, each at its worst.

// Benchmarks run on a developer's machine and must stop when their preparation fails.
#![allow(clippy::expect_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use super::*;
use alloc::vec::Vec;
use assay_traits::{SolverStake, ValidatorKeys};
use assay_types::{
    election::{VrfKey, VrfProof, WINDOW},
    Balance, Tenure, ASY,
};
use frame_benchmarking::v2::*;
use frame_support::{
    traits::{fungible::Mutate, Get},
    weights::WeightMeter,
    BoundedVec,
};
use frame_system::RawOrigin;
use sp_runtime::Perbill;

/// Balance of everybody.
const WEALTH: Balance = 1_000_000 * ASY;

fn account_of<T: Config>(name: &'static str, n: u32) -> T::AccountId {
    let who = account(name, n, 0);
    T::Currency::mint_into(&who, WEALTH).expect("balance can be minted");
    who
}

/// Gives `who` a seat bond that does not leave.
fn bond<T: Config>(who: &T::AccountId) {
    Pallet::<T>::hold_seat_bond(who).expect("the balance suffices");
}

/// The key with which [`PROOF`] was made: that of the seed of 32 bytes 7.
const KEY: VrfKey = [
    0x7c, 0x0f, 0x46, 0x9d, 0x3b, 0xd3, 0x40, 0xba, 0xe7, 0x18, 0x20, 0x3f, 0xa3, 0x0c, 0xa0, 0x71, 0xa5, 0xe3, 0x7c,
    0x75, 0x1e, 0x89, 0x1d, 0xbd, 0xed, 0x83, 0x7b, 0x21, 0x3d, 0x45, 0xd9, 0x1d,
];
/// [`assay_types::election::vrf_sign`] by the first candidate for tenure [`WAIT`] of a chain whose genesis hash is what
/// FRAME takes for one before the first block, 32 bytes 69, and whose accumulator is nothing. A runtime has no randomness to sign with, so it was made outside.
const PROOF: VrfProof = [
    0x82, 0xdd, 0x7f, 0x84, 0xd6, 0xca, 0x0d, 0xee, 0xb2, 0x1c, 0xa8, 0x88, 0xec, 0x6e, 0xda, 0xde, 0x8f, 0x74, 0x7c,
    0x49, 0xe0, 0x15, 0xa7, 0xc9, 0x5e, 0x3a, 0x3f, 0x53, 0xa4, 0xdc, 0xf9, 0x0c, 0x91, 0x9a, 0x23, 0x58, 0x53, 0x6a,
    0x73, 0xa0, 0x82, 0x5f, 0x6e, 0xaf, 0x41, 0xa7, 0xaf, 0xb6, 0xdc, 0xf5, 0x9e, 0xbe, 0x2f, 0xea, 0x8a, 0x2f, 0x15,
    0x74, 0x89, 0xc7, 0x7c, 0x4e, 0x09, 0x07, 0x7b, 0xfb, 0x14, 0x64, 0x3c, 0x56, 0x91, 0xf8, 0x39, 0x1b, 0xee, 0xd2,
    0xcc, 0xc1, 0xe0, 0x6d, 0xdc, 0xda, 0x05, 0x8c, 0x81, 0x82, 0x76, 0xee, 0x00, 0x46, 0x7c, 0x04, 0xdc, 0x83, 0xc7,
    0x02,
];

/// A candidate that has done and committed everything it can, in tenures up to `tenure`.
fn candidate<T: Config>(n: u32, tenure: Tenure) -> T::AccountId {
    let who = account_of::<T>("candidate", n);
    bond::<T>(&who);
    let keys = T::Keys::prepare(&who);
    let tenures = (0..WINDOW as Tenure).rev().map(|age| tenure.saturating_sub(age));
    let bids: Vec<_> = tenures.clone().map(|tenure| Bid { tenure, amount: ASY + Balance::from(n) }).collect();
    let work: Vec<_> = tenures.map(|tenure| TenureWork { tenure, accepted: 100, failed: 0 }).collect();
    let bids = BoundedVec::truncate_from(bids);
    Candidates::<T>::insert(&who, Candidate { vrf_key: KEY, keys, since: 0, chilled: false, bids });
    WorkRecords::<T>::insert(&who, WorkRecord::truncate_from(work));
    who
}

/// The same, which has committed in `tenure`.
fn entrant<T: Config>(n: u32, tenure: Tenure) -> T::AccountId {
    let who = candidate::<T>(n, tenure);
    let window = [ASY + Balance::from(n); WINDOW];
    let commit = Commit { window, vrf_key: KEY, vrf_proof: PROOF, vrf_output: [1; 32] };
    Commits::<T>::insert(tenure, &who, commit);
    who
}

/// One who stands, with a stake.
fn standing<T: Config>(n: u32) -> T::AccountId {
    let who = account_of::<T>("standing", n);
    bond::<T>(&who);
    T::Keys::prepare(&who);
    T::Stake::prepare(&who, ASY);
    Standing::<T>::mutate(|standing| standing.try_push(who.clone())).expect("there is room");
    who
}

/// Makes `who` the last of as many founders as there may be.
fn last_founder<T: Config>(who: &T::AccountId, chilled: bool) {
    let founders = (0..T::MaxValidators::get()).map(|n| Founder { account: account("founder", n, 0), chilled });
    let mut founders: Vec<_> = founders.collect();
    if let Some(last) = founders.last_mut() {
        last.account = who.clone();
    }
    Founders::<T>::put(BoundedVec::truncate_from(founders));
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() {
        // A new candidate is counted, and looked for among all who stand.
        for n in 0..T::MaxStanding::get() {
            standing::<T>(n);
        }
        let caller = account_of::<T>("caller", 0);
        let keys = T::Keys::prepare(&caller);
        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()), [9; 32], keys);
        assert_eq!(Candidates::<T>::get(&caller).map(|candidate| candidate.vrf_key), Some([9; 32]));
    }

    #[benchmark]
    fn commit() {
        T::BenchmarkHelper::set_tenure(WAIT);
        let caller = candidate::<T>(0, WAIT - 1);
        let committee = (0..T::MaxCommittee::get()).map(|n| Member { account: account("member", n, 0), stake: ASY });
        Committee::<T>::put(BoundedVec::truncate_from(committee.collect()));
        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()), T::MinimumCommit::get(), PROOF);
        assert!(Commits::<T>::contains_key(WAIT, &caller));
    }

    #[benchmark]
    fn stand() {
        for n in 0..T::MaxStanding::get() {
            standing::<T>(n);
        }
        let caller = account_of::<T>("caller", 0);
        T::Keys::prepare(&caller);
        T::Stake::prepare(&caller, WEALTH);
        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()));
        assert!(Standing::<T>::get().contains(&caller));
    }

    #[benchmark]
    fn leave() {
        for n in 0..T::MaxStanding::get() {
            standing::<T>(n);
        }
        let caller = Standing::<T>::get()[0].clone();
        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()));
        assert!(!Standing::<T>::get().contains(&caller));
    }

    #[benchmark]
    fn evict() {
        let idle = candidate::<T>(0, 0);
        T::BenchmarkHelper::set_tenure(WAIT + 2 * WINDOW as Tenure);
        #[extrinsic_call]
        _(RawOrigin::Signed(account("caller", 0, 0)), idle.clone());
        assert!(!Candidates::<T>::contains_key(&idle));
    }

    #[benchmark]
    fn withdraw_seat_bond() {
        let caller = account_of::<T>("caller", 0);
        bond::<T>(&caller);
        SeatBonds::<T>::mutate(&caller, |bond| {
            if let Some(bond) = bond {
                bond.leaves_at = Some(0);
            }
        });
        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()));
        assert!(!SeatBonds::<T>::contains_key(&caller));
    }

    #[benchmark]
    fn resume() {
        let caller = candidate::<T>(0, T::Tenure::get());
        // It has lost a part of its bond.
        Pallet::<T>::slash_seat_bond(&caller, Perbill::from_percent(50));
        Candidates::<T>::mutate(&caller, |candidate| {
            if let Some(candidate) = candidate {
                candidate.chilled = true;
            }
        });
        last_founder::<T>(&caller, true);
        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()));
        assert!(Candidates::<T>::get(&caller).is_some_and(|candidate| !candidate.chilled));
    }

    #[benchmark]
    fn mix() {
        Began::<T>::put((5, 0));
        let before = Entropy::<T>::get();
        #[block]
        {
            Pallet::<T>::mix_in_parent();
            let _ = Began::<T>::get();
        }
        assert!(Entropy::<T>::get() != before);
    }

    #[benchmark]
    fn draw(n: Linear<0, { T::MaxCandidates::get() }>) {
        let of = T::Tenure::get();
        for i in 0..n {
            entrant::<T>(i, of);
        }
        #[block]
        {
            Pallet::<T>::draw(of);
        }
        let drawn = Draws::<T>::get(of).expect("it was drawn");
        assert_eq!(drawn.entrants.iter().filter(|entrant| entrant.weight > 0).count(), n as usize);
    }

    #[benchmark]
    fn prune_base() {
        #[block]
        {
            Pallet::<T>::prune(&mut WeightMeter::new());
        }
    }

    #[benchmark]
    fn prune(n: Linear<0, { T::PruneBatch::get() }>) {
        let of = T::Tenure::get();
        for i in 0..n {
            entrant::<T>(i, of);
        }
        Pallet::<T>::draw(of);
        #[block]
        {
            let left = Commits::<T>::clear_prefix(of, n, None);
            assert!(left.maybe_cursor.is_none());
            Draws::<T>::remove(of);
            OldestKept::<T>::put(of.saturating_add(1));
        }
        assert!(Commits::<T>::iter_prefix(of).next().is_none());
    }

    #[benchmark]
    fn note_author() {
        let authors = (1..T::MaxValidators::get()).map(|n| account("author", n, 0));
        Authors::<T>::put(BoundedVec::truncate_from(authors.collect()));
        let author: T::AccountId = account("author", 0, 0);
        #[block]
        {
            Pallet::<T>::note_author(&author);
        }
        assert!(Authors::<T>::get().contains(&author));
    }

    #[benchmark]
    fn note_work() {
        let who = candidate::<T>(0, T::Tenure::get());
        // Its record is full, and of other tenures.
        WorkRecords::<T>::mutate(&who, |record| {
            record.iter_mut().for_each(|work| work.tenure = work.tenure.saturating_add(100));
        });
        #[block]
        {
            <Pallet<T> as assay_traits::OnTaskSettled<_>>::on_task_settled(
                &Default::default(),
                &Default::default(),
                &who,
                &Default::default(),
            );
        }
        assert_eq!(WorkRecords::<T>::get(&who).last().map(|work| work.accepted), Some(1));
    }

    #[benchmark]
    fn note_offence() {
        let who = candidate::<T>(0, T::Tenure::get());
        for n in 0..T::MaxStanding::get() {
            standing::<T>(n);
        }
        last_founder::<T>(&who, false);
        #[block]
        {
            Pallet::<T>::note_offence(&who, Perbill::from_percent(10));
        }
        assert!(Candidates::<T>::get(&who).is_some_and(|candidate| candidate.chilled));
    }

    #[benchmark]
    fn change_tenure(n: Linear<1, { T::MaxValidators::get() }>, s: Linear<0, { T::MaxStanding::get() }>) {
        let founders = (0..n).map(|i| {
            let account = account_of::<T>("founder", i);
            T::Keys::prepare(&account);
            Founder { account, chilled: false }
        });
        let founders: Vec<_> = founders.collect();
        Seated::<T>::put(BoundedVec::truncate_from(founders.iter().map(|f| f.account.clone()).collect()));
        Founders::<T>::put(BoundedVec::truncate_from(founders));
        for i in 0..s {
            standing::<T>(i);
        }
        let committee =
            (0..T::MaxCommittee::get()).map(|i| Member { account: account_of::<T>("member", i), stake: ASY });
        Committee::<T>::put(BoundedVec::truncate_from(committee.collect()));
        let spender = account_of::<T>("spender", 0);
        Pallet::<T>::spend(&spender, ASY).expect("the balance suffices");
        #[block]
        {
            Pallet::<T>::end_tenure();
            Pallet::<T>::start_tenure();
            Pallet::<T>::name_set(T::Tenure::get().saturating_add(1));
        }
        assert_eq!(CommitTotals::<T>::get().pending, 0);
    }
}
