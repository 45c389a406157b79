//! Weights of the calls.

use frame_support::weights::Weight;

/// Weight of each call at its worst.
pub trait WeightInfo {
    /// `update` with `n` changes, the check of all relations included.
    fn update(n: u32) -> Weight;
}

/// For tests; measured weights live in the runtime.
impl WeightInfo for () {
    fn update(_: u32) -> Weight {
        Weight::zero()
    }
}
