//! Weights of the calls, the hooks, and the steps of the sweeper.

use frame_support::weights::Weight;

/// Weight of each call at its worst.
pub trait WeightInfo {
    /// `submit` of the longest parameters and an input of `b` bytes that is kept in the state.
    fn submit(b: u32) -> Weight;
    /// `raise_fee`.
    fn raise_fee() -> Weight;
    /// `expire` of a task with the largest input, the last of its block.
    fn expire() -> Weight;
    /// `retract` of a task with the largest input, the last of its block.
    fn retract() -> Weight;
    /// `forget` by somebody else.
    fn forget() -> Weight;
    /// `on_initialize` after a block that took no task.
    fn on_initialize_idle() -> Weight;
    /// `on_initialize` after a block that took tasks: its randomness is recorded.
    fn on_initialize_recording() -> Weight;
    /// The sweeper without a step: reads its cursor, looks for a task, writes the cursor.
    fn sweep_base() -> Weight;
    /// A step of the sweeper that leaves a task as it is.
    fn sweep_skip() -> Weight;
    /// A step of the sweeper that expires a task.
    fn sweep_expire() -> Weight;
    /// A step of the sweeper that forgets a task.
    fn sweep_forget() -> Weight;
}

/// For tests; measured weights live in the runtime.
impl WeightInfo for () {
    fn submit(_: u32) -> Weight {
        Weight::zero()
    }
    fn raise_fee() -> Weight {
        Weight::zero()
    }
    fn expire() -> Weight {
        Weight::zero()
    }
    fn retract() -> Weight {
        Weight::zero()
    }
    fn forget() -> Weight {
        Weight::zero()
    }
    fn on_initialize_idle() -> Weight {
        Weight::zero()
    }
    fn on_initialize_recording() -> Weight {
        Weight::zero()
    }
    fn sweep_base() -> Weight {
        Weight::zero()
    }
    fn sweep_skip() -> Weight {
        Weight::zero()
    }
    fn sweep_expire() -> Weight {
        Weight::zero()
    }
    fn sweep_forget() -> Weight {
        Weight::zero()
    }
}
