//! Types of the pallet's storage and events.

use crate::pallet::Config;
use assay_math::smoothed_weight;
use assay_types::{
    election::{Randomness, VrfKey, VrfProof, WINDOW},
    Balance, BlockNumber, Hash, Tenure,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::ConstU32, BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound};
use scale_info::TypeInfo;

/// Commitments of a candidate, by tenure.
pub type Window = [Balance; WINDOW];

/// What a candidate committed in a tenure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Bid {
    /// The tenure.
    pub tenure: Tenure,
    /// How much, in units of ASY.
    pub amount: Balance,
}

/// Somebody who may be elected.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Candidate {
    /// The key of its verifiable random function.
    pub vrf_key: VrfKey,
    /// [`assay_types::election::keys_hash`] of the session keys that it will serve with.
    pub keys: Hash,
    /// Tenure in which the present keys were registered, or in which it resumed.
    pub since: Tenure,
    /// Whether it is out until it resumes.
    pub chilled: bool,
    /// Its last commitments, one a tenure, the latest last.
    pub bids: BoundedVec<Bid, ConstU32<{ WINDOW as u32 }>>,
}

impl Candidate {
    /// What it committed in the [`WINDOW`] tenures up to `tenure`, the latest last; 0 for a tenure without a commitment.
    pub fn window(&self, tenure: Tenure) -> Window {
        let mut window = Window::default();
        for (age, slot) in (0..).zip(window.iter_mut().rev()) {
            let of = tenure.checked_sub(age);
            *slot = self.bids.iter().find(|bid| Some(bid.tenure) == of).map_or(0, |bid| bid.amount);
        }
        window
    }

    /// In how many of the [`WINDOW`] tenures up to `tenure` it committed.
    pub fn persistence(&self, tenure: Tenure) -> u32 {
        self.window(tenure).iter().fold(0, |count, amount| count.saturating_add(u32::from(*amount > 0)))
    }

    /// Notes a commitment, and forgets the oldest where there are more than make up a window.
    pub(crate) fn note(&mut self, bid: Bid) {
        if self.bids.is_full() {
            self.bids.remove(0);
        }
        // There is room for one more now.
        let _ = self.bids.try_push(bid);
    }
}

/// A commitment of tokens to one tenure's election.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Commit {
    /// The commitments of the tenures that make up its weight, this one last.
    pub window: Window,
    /// The candidate's key at the time.
    pub vrf_key: VrfKey,
    /// The proof that came with it.
    pub vrf_proof: VrfProof,
    /// The output that the proof is of.
    pub vrf_output: Randomness,
}

impl Commit {
    /// What it weighs in the draw.
    pub fn weight(&self) -> Balance {
        smoothed_weight(self.window)
    }
}

/// Somebody in a draw.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Entrant<AccountId> {
    /// Who.
    pub candidate: AccountId,
    /// With what weight; 0 if it did not qualify.
    pub weight: Balance,
}

/// A draw: everything that went into it but the commitments' proofs, and what came out.
#[derive(CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(skip_type_params(T))]
pub struct Draw<T: Config> {
    /// The accumulator of the draw before.
    pub before: Randomness,
    /// The entropy of all blocks up to the end of the tenure after the commitments.
    pub entropy: Randomness,
    /// The output of whoever was drawn first the last time that anybody was.
    pub first_output: Option<Randomness>,
    /// [`assay_types::election::accumulate`] of these three.
    pub accumulator: Randomness,
    /// Places that were to be drawn.
    pub places: u32,
    /// All who committed, in the order in which their weights are counted.
    pub entrants: BoundedVec<Entrant<T::AccountId>, T::MaxCandidates>,
    /// Who was drawn, in order.
    pub seats: BoundedVec<T::AccountId, T::MaxSeats>,
}

/// A member of the committee.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Member<AccountId> {
    /// Who.
    pub account: AccountId,
    /// Its stake when the committee was chosen, in units of ASY: its share of commitments.
    pub stake: Balance,
}

/// A validator that genesis named.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Founder<AccountId> {
    /// Who.
    pub account: AccountId,
    /// Whether it is out until it resumes.
    pub chilled: bool,
}

/// What a candidate, or one who stands for the committee, loses if it signs two ways at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct SeatBond {
    /// How much is held, in units of ASY.
    pub amount: Balance,
    /// First block in which it can be withdrawn; `None` while its owner is a candidate or stands.
    pub leaves_at: Option<BlockNumber>,
}

/// What became of a candidate's work in one tenure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct TenureWork {
    /// The tenure.
    pub tenure: Tenure,
    /// Solutions that were paid.
    pub accepted: u32,
    /// Results that a dispute has found wrong.
    pub failed: u32,
}

/// The last tenures in which a candidate worked, the latest last.
pub type WorkRecord = BoundedVec<TenureWork, ConstU32<{ WINDOW as u32 }>>;

/// Where the commitments of all candidates have gone, in units of ASY.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Totals {
    /// Committed so far.
    pub committed: Balance,
    /// Burned of it.
    pub burned: Balance,
    /// Paid to committees.
    pub paid: Balance,
    /// In the pot until the tenure ends.
    pub pending: Balance,
}

/// Why somebody is out until it resumes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum ChillReason {
    /// It signed two ways at once.
    Offence,
    /// It made no block where it should have made many.
    Absence,
}
