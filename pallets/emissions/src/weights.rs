//! Weights of what other pallets call; this one has no calls of its own.

use frame_support::weights::Weight;

/// Weight of each function at its worst.
pub trait WeightInfo {
    /// `note_author`: the curve is a target curve and the author a new account.
    fn note_author() -> Weight;
    /// `reserve`, and `quote` which does less: the curve is a target curve, the controller is on its slope.
    fn reserve() -> Weight;
    /// `release`.
    fn release() -> Weight;
    /// `mint`: five accounts come to be, and the solver has delegators.
    fn mint() -> Weight;
    /// `pay_validators` between `n` new accounts.
    fn pay_validators(n: u32) -> Weight;
}

/// For tests; measured weights live in the runtime.
impl WeightInfo for () {
    fn note_author() -> Weight {
        Weight::zero()
    }
    fn reserve() -> Weight {
        Weight::zero()
    }
    fn release() -> Weight {
        Weight::zero()
    }
    fn mint() -> Weight {
        Weight::zero()
    }
    fn pay_validators(_: u32) -> Weight {
        Weight::zero()
    }
}
