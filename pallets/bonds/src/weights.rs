//! Weights of the calls, and of what others account for.

use frame_support::weights::Weight;

/// Weight of each call, and of what others account for, at its worst.
pub trait WeightInfo {
    /// `bond`: a first bond.
    fn bond() -> Weight;
    /// `bond_more`: as many parts as there may be are maturing.
    fn bond_more() -> Weight;
    /// `unbond`: every maturing part goes, and the last free place for a chunk is taken.
    fn unbond() -> Weight;
    /// `withdraw`: every chunk is due and the ledger and an unused pool are removed.
    fn withdraw() -> Weight;
    /// `set_commission`: a pool is there, and an announced rise has come into force.
    fn set_commission() -> Weight;
    /// `delegate`: further shares of a pool, for a delegator who waits for as many amounts as there may be.
    fn delegate() -> Weight;
    /// `undelegate`: the last free place for a chunk is taken, in an exit fund that is there.
    fn undelegate() -> Weight;
    /// `withdraw_delegation`: every chunk is due, each of another exit fund, and all records are removed.
    fn withdraw_delegation() -> Weight;
    /// `slash`, for whoever calls it: own bond, every chunk, the pool and as many exit funds as there may be.
    fn slash() -> Weight;
}

/// For tests; measured weights live in the runtime.
impl WeightInfo for () {
    fn bond() -> Weight {
        Weight::zero()
    }
    fn bond_more() -> Weight {
        Weight::zero()
    }
    fn unbond() -> Weight {
        Weight::zero()
    }
    fn withdraw() -> Weight {
        Weight::zero()
    }
    fn set_commission() -> Weight {
        Weight::zero()
    }
    fn delegate() -> Weight {
        Weight::zero()
    }
    fn undelegate() -> Weight {
        Weight::zero()
    }
    fn withdraw_delegation() -> Weight {
        Weight::zero()
    }
    fn slash() -> Weight {
        Weight::zero()
    }
}
