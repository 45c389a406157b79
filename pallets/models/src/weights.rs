//! Weights of the calls.

use frame_support::weights::Weight;

/// Weight of each call at its worst.
pub trait WeightInfo {
    /// `register`.
    fn register() -> Weight;
    /// `update`.
    fn update() -> Weight;
    /// `retire`: nobody serves the model and its record is removed.
    fn retire() -> Weight;
    /// `set_rate`.
    fn set_rate() -> Weight;
    /// `set_tier`.
    fn set_tier() -> Weight;
    /// `serve`.
    fn serve() -> Weight;
    /// `stop_serving`: by the last solver of a retired model, whose record is removed.
    fn stop_serving() -> Weight;
}

/// For tests; measured weights live in the runtime.
impl WeightInfo for () {
    fn register() -> Weight {
        Weight::zero()
    }
    fn update() -> Weight {
        Weight::zero()
    }
    fn retire() -> Weight {
        Weight::zero()
    }
    fn set_rate() -> Weight {
        Weight::zero()
    }
    fn set_tier() -> Weight {
        Weight::zero()
    }
    fn serve() -> Weight {
        Weight::zero()
    }
    fn stop_serving() -> Weight {
        Weight::zero()
    }
}
