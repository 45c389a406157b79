//! Weights of the calls.

use frame_support::weights::Weight;

/// Weight of each call at its worst.
pub trait WeightInfo {
    /// `bond`: a first bond.
    fn bond() -> Weight;
    /// `bond_more`: as many parts as there may be are maturing.
    fn bond_more() -> Weight;
    /// `unbond`: every maturing part goes, and the last free place for a chunk is taken.
    fn unbond() -> Weight;
    /// `withdraw`: every chunk is due and the ledger is removed.
    fn withdraw() -> Weight;
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
}
