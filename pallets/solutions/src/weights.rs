//! Weights of the calls and of the steps of the sweeper.

use frame_support::weights::Weight;

/// Weight of each call at its worst, but for what others do when they are told (their hooks declare it).
pub trait WeightInfo {
    /// `commit`.
    fn commit() -> Weight;
    /// `reveal` of an output of `b` bytes that is kept in the state, the first of its task: the reward is reserved.
    fn reveal(b: u32) -> Weight;
    /// `claim` of a task with the largest input and output.
    fn claim() -> Weight;
    /// `withdraw_commitment` while the task is solved.
    fn withdraw_commitment() -> Weight;
    /// `forfeit_commitment`.
    fn forfeit_commitment() -> Weight;
    /// The sweeper without a step: reads its cursors, looks for a solution and a commitment, writes the cursors.
    fn sweep_base() -> Weight;
    /// A step of the sweeper that leaves a solution as it is.
    fn sweep_solution_skip() -> Weight;
    /// A step of the sweeper that claims a solution.
    fn sweep_claim() -> Weight;
    /// A step of the sweeper that leaves a commitment as it is.
    fn sweep_commitment_skip() -> Weight;
    /// A step of the sweeper that gives back what is held for a commitment.
    fn sweep_withdraw() -> Weight;
    /// A step of the sweeper that forfeits what is held for a commitment.
    fn sweep_forfeit() -> Weight;
}

/// For tests; measured weights live in the runtime.
impl WeightInfo for () {
    fn commit() -> Weight {
        Weight::zero()
    }
    fn reveal(_: u32) -> Weight {
        Weight::zero()
    }
    fn claim() -> Weight {
        Weight::zero()
    }
    fn withdraw_commitment() -> Weight {
        Weight::zero()
    }
    fn forfeit_commitment() -> Weight {
        Weight::zero()
    }
    fn sweep_base() -> Weight {
        Weight::zero()
    }
    fn sweep_solution_skip() -> Weight {
        Weight::zero()
    }
    fn sweep_claim() -> Weight {
        Weight::zero()
    }
    fn sweep_commitment_skip() -> Weight {
        Weight::zero()
    }
    fn sweep_withdraw() -> Weight {
        Weight::zero()
    }
    fn sweep_forfeit() -> Weight {
        Weight::zero()
    }
}
