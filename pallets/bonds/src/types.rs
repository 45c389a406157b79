//! The bond of one solver, as pure data: what is in it, and how amounts move within it.

use crate::Config;
use assay_types::{Balance, BlockNumber};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound};
use scale_info::TypeInfo;

/// A part of a bond that has not matured yet.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Tranche {
    /// How much, in units of ASY.
    pub amount: Balance,
    /// First block in which it is mature.
    pub matures_at: BlockNumber,
}

/// An amount that has left a bond and waits to be withdrawn.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Chunk {
    /// How much, in units of ASY.
    pub amount: Balance,
    /// First block in which it can be withdrawn.
    pub leaves_at: BlockNumber,
}

/// What should be impossible.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum UnexpectedKind {
    /// More was released than had been pledged; what was there has been freed.
    ReleasedMoreThanPledged,
}

/// The bond of one solver.
#[derive(
    CloneNoBound,
    PartialEqNoBound,
    EqNoBound,
    DebugNoBound,
    DefaultNoBound,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct Ledger<T: Config> {
    /// The whole bond, in units of ASY, what is maturing included and what waits to be withdrawn not.
    pub active: Balance,
    /// What of `active` is not mature yet, oldest first. A part that has matured may linger until the next change.
    pub maturing: BoundedVec<Tranche, T::MaxTranches>,
    /// What of `active` is set aside for solutions, in units of ASY.
    pub pledged: Balance,
    /// What waits to be withdrawn, in the order in which it was unbonded.
    pub unbonding: BoundedVec<Chunk, T::MaxChunks>,
}

/// Sum of amounts; total issuance bounds it far below saturation.
fn sum(amounts: impl Iterator<Item = Balance>) -> Balance {
    amounts.fold(0, Balance::saturating_add)
}

impl<T: Config> Ledger<T> {
    /// What of the bond has matured by block `now`.
    pub fn mature(&self, now: BlockNumber) -> Balance {
        let immature = sum(self.maturing.iter().filter(|t| t.matures_at > now).map(|t| t.amount));
        self.active.saturating_sub(immature)
    }

    /// What of the bond is not pledged.
    pub fn free(&self) -> Balance {
        self.active.saturating_sub(self.pledged)
    }

    /// Everything of the solver that is on hold here.
    pub fn held(&self) -> Balance {
        self.active.saturating_add(sum(self.unbonding.iter().map(|c| c.amount)))
    }

    /// Forgets the times of parts that have matured by block `now`.
    pub(crate) fn drop_matured(&mut self, now: BlockNumber) {
        self.maturing.retain(|tranche| tranche.matures_at > now);
    }

    /// Adds to the bond in block `now`; returns the first block in which the addition is mature.
    pub(crate) fn add(&mut self, amount: Balance, now: BlockNumber, maturity: BlockNumber) -> BlockNumber {
        self.drop_matured(now);
        // Never before an older part: the vector stays in order even if the runtime shortens the time.
        let youngest = self.maturing.last().map(|tranche| tranche.matures_at);
        let matures_at = now.saturating_add(maturity).max(youngest.unwrap_or_default());
        self.active = self.active.saturating_add(amount);
        if matures_at <= now {
            return matures_at;
        }
        let own_part = youngest != Some(matures_at) && self.maturing.try_push(Tranche { amount, matures_at }).is_ok();
        if !own_part {
            if let Some(last) = self.maturing.last_mut() {
                last.amount = last.amount.saturating_add(amount);
                last.matures_at = matures_at;
            }
        }
        matures_at
    }

    /// Takes `amount` out of the bond, the youngest parts first. The caller has checked that it is there.
    pub(crate) fn take_youngest(&mut self, amount: Balance) {
        self.active = self.active.saturating_sub(amount);
        let mut left = amount;
        while let Some(last) = self.maturing.last_mut() {
            if last.amount > left {
                last.amount = last.amount.saturating_sub(left);
                break;
            }
            left = left.saturating_sub(last.amount);
            self.maturing.pop();
        }
    }

    /// Queues `amount` to be withdrawn from block `leaves_at` on.
    ///
    /// # Errors
    /// The queue is full.
    pub(crate) fn queue(&mut self, amount: Balance, leaves_at: BlockNumber) -> Result<(), ()> {
        match self.unbonding.last_mut() {
            Some(last) if last.leaves_at == leaves_at => {
                last.amount = last.amount.saturating_add(amount);
                Ok(())
            }
            _ => self.unbonding.try_push(Chunk { amount, leaves_at }).map_err(|_| ()),
        }
    }

    /// Removes what can be withdrawn in block `now` from the queue and returns its sum.
    pub(crate) fn take_due(&mut self, now: BlockNumber) -> Balance {
        let due = sum(self.unbonding.iter().filter(|chunk| chunk.leaves_at <= now).map(|chunk| chunk.amount));
        self.unbonding.retain(|chunk| chunk.leaves_at > now);
        due
    }
}
