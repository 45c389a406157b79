//! Pure fixed-point mathematics: emission curves, controller, splits, sortition.
//!
//! Only integers, so every machine gets the same bits; nothing here panics, allocates or knows FRAME. Amounts are in
//! the smallest unit of the token (10^-12 ASY); ratios are in billionths of a billionth, see [`ONE`].

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod controller;
pub mod curve;
pub mod fixed;
pub mod presets;
pub mod sortition;
pub mod split;

pub use controller::{bounded_reward, multiplier, tenure_allowance, work_reward, Emitted};
pub use curve::{Curves, EmissionCurve};
pub use fixed::{exp2, ONE};
pub use presets::Preset;
pub use sortition::{draw, pick, smoothed_weight};
pub use split::{split_fee, split_reward, FeeParts, RewardParts};
