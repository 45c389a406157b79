//! The bond of one solver, as pure data: what is in it, and how amounts move within it.

use crate::{Config, ShareFund};
use assay_types::{Balance, BlockNumber, Tenure};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound};
use scale_info::TypeInfo;
use sp_runtime::Perbill;

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
    /// Block in which it left the bond: until it is withdrawn it answers for faults that are not later.
    pub unbonded_at: BlockNumber,
}

/// A rise of a commission that has been announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Rise {
    /// The commission to come.
    pub to: Perbill,
    /// First block in which it is in force.
    pub at: BlockNumber,
}

/// What is delegated to one solver, and on which terms.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Pool {
    /// The solver's own part of everything it earns, before the rest is shared; see [`Pool::commission`].
    pub commission: Perbill,
    /// A higher commission to come.
    pub rise: Option<Rise>,
    /// What is delegated; its members are the delegators.
    pub fund: ShareFund,
}

impl Pool {
    /// The commission in force in block `now`.
    pub fn commission(&self, now: BlockNumber) -> Perbill {
        self.rise.filter(|rise| rise.at <= now).map_or(self.commission, |rise| rise.to)
    }

    /// Sets the commission in block `now`: at once where it does not rise, from block `rises_at` on where it does.
    /// Returns the first block in which it is in force.
    pub(crate) fn set_commission(&mut self, to: Perbill, now: BlockNumber, rises_at: BlockNumber) -> BlockNumber {
        self.commission = self.commission(now);
        if to <= self.commission {
            (self.commission, self.rise) = (to, None);
            now
        } else {
            self.rise = Some(Rise { to, at: rises_at });
            rises_at
        }
    }
}

/// What left the pool of one solver within one tenure and waits to be withdrawn.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Exit {
    /// What waits; its members are those who left.
    pub fund: ShareFund,
    /// Block of the last exit: the fund answers for faults that are not later.
    pub last_at: BlockNumber,
}

/// A part of an exit fund that one delegator waits for.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Leaving {
    /// The tenure of the exit, which names the fund.
    pub tenure: Tenure,
    /// The fund's generation at that time.
    pub generation: u32,
    /// Shares in the fund.
    pub shares: Balance,
    /// First block in which it can be withdrawn.
    pub leaves_at: BlockNumber,
}

/// What one account has delegated to one solver.
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
pub struct Delegation<T: Config> {
    /// The pool's generation in which the shares were bought.
    pub generation: u32,
    /// Shares in the pool.
    pub shares: Balance,
    /// What waits to be withdrawn, in the order in which it left.
    pub leaving: BoundedVec<Leaving, T::MaxChunks>,
}

impl<T: Config> Delegation<T> {
    /// Moves on to the generation of `fund`; returns whether shares of an older one, worth nothing, were dropped.
    pub(crate) fn drop_worthless(&mut self, fund: &ShareFund) -> bool {
        let worthless = self.generation != fund.generation && self.shares > 0;
        if self.generation != fund.generation {
            (self.generation, self.shares) = (fund.generation, 0);
        }
        worthless
    }

    /// Queues a part of an exit fund to be withdrawn.
    ///
    /// # Errors
    /// The queue is full.
    pub(crate) fn queue(&mut self, part: Leaving) -> Result<(), ()> {
        let key = |part: &Leaving| (part.tenure, part.generation, part.leaves_at);
        match self.leaving.last_mut() {
            Some(last) if key(last) == key(&part) => {
                last.shares = last.shares.saturating_add(part.shares);
                Ok(())
            }
            _ => self.leaving.try_push(part).map_err(|_| ()),
        }
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.shares == 0 && self.leaving.is_empty()
    }
}

/// What should be impossible.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum UnexpectedKind {
    /// More was released than had been pledged; what was there has been freed.
    ReleasedMoreThanPledged,
    /// More was to leave the escrow than was in it; what was there has left.
    EscrowTooSmall,
    /// A hold could not be moved; nothing was moved.
    NotMoved,
    /// Earnings arrived for delegators when there were none, or could not be held for them; they rest in the pot and are
    /// nobody's.
    EarningsUnplaced,
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

    /// Takes `amount` out of the bond in block `now`, the oldest parts first: what is lost is lost of the bond that
    /// weighs. The caller has checked that it is there.
    pub(crate) fn take_oldest(&mut self, amount: Balance, now: BlockNumber) {
        self.drop_matured(now);
        let mut left = amount.saturating_sub(self.mature(now));
        self.active = self.active.saturating_sub(amount);
        for part in self.maturing.iter_mut() {
            let taken = left.min(part.amount);
            left = left.saturating_sub(taken);
            part.amount = part.amount.saturating_sub(taken);
        }
        self.maturing.retain(|part| part.amount > 0);
    }

    /// Puts `amount` into the bond as mature bond.
    pub(crate) fn add_mature(&mut self, amount: Balance) {
        self.active = self.active.saturating_add(amount);
    }

    /// Queues `amount`, unbonded in block `now`, to be withdrawn from block `leaves_at` on.
    ///
    /// # Errors
    /// The queue is full.
    pub(crate) fn queue(&mut self, amount: Balance, now: BlockNumber, leaves_at: BlockNumber) -> Result<(), ()> {
        match self.unbonding.last_mut() {
            Some(last) if (last.leaves_at, last.unbonded_at) == (leaves_at, now) => {
                last.amount = last.amount.saturating_add(amount);
                Ok(())
            }
            _ => self.unbonding.try_push(Chunk { amount, leaves_at, unbonded_at: now }).map_err(|_| ()),
        }
    }

    /// What was unbonded in block `since` or later and has not been withdrawn.
    pub fn unbonded_since(&self, since: BlockNumber) -> Balance {
        sum(self.unbonding.iter().filter(|chunk| chunk.unbonded_at >= since).map(|chunk| chunk.amount))
    }

    /// Takes up to `amount` out of what was unbonded in block `since` or later; returns what it took.
    pub(crate) fn take_unbonded_since(&mut self, amount: Balance, since: BlockNumber) -> Balance {
        let mut left = amount;
        for chunk in self.unbonding.iter_mut().filter(|chunk| chunk.unbonded_at >= since) {
            let taken = left.min(chunk.amount);
            left = left.saturating_sub(taken);
            chunk.amount = chunk.amount.saturating_sub(taken);
        }
        self.unbonding.retain(|chunk| chunk.amount > 0);
        amount.saturating_sub(left)
    }

    /// Removes what can be withdrawn in block `now` from the queue and returns its sum.
    pub(crate) fn take_due(&mut self, now: BlockNumber) -> Balance {
        let due = sum(self.unbonding.iter().filter(|chunk| chunk.leaves_at <= now).map(|chunk| chunk.amount));
        self.unbonding.retain(|chunk| chunk.leaves_at > now);
        due
    }
}
