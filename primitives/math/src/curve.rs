//! How much may have been minted by a given block.

use crate::{
    fixed::{exp2_fraction, saturate, shift_right},
    presets::Spelling,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitive_types::U256;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// The scheduled total of an emission, as a function of the block number.
///
/// Amounts are in the smallest unit of the token and, in JSON, decimal strings: 21,000,000 ASY is beyond the 64 bits
/// that JSON readers keep.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum EmissionCurve {
    /// Nothing is ever emitted.
    #[default]
    #[codec(index = 0)]
    None,
    /// The same amount in every block until the cap.
    #[codec(index = 1)]
    Linear {
        /// Units per block.
        #[serde(with = "decimal")]
        per_block: u128,
        /// Units in all.
        #[serde(with = "decimal")]
        cap: u128,
    },
    /// An amount per block that is halved, rounded down, after every interval.
    #[codec(index = 2)]
    Halving {
        /// Units per block in the first interval.
        #[serde(with = "decimal")]
        initial: u128,
        /// Blocks between two halvings; nothing is emitted if 0.
        interval: u32,
        /// Units in all, where the sum of the halvings does not end below it.
        #[serde(with = "decimal")]
        cap: u128,
    },
    /// `supply * (1 - 2^(-block / half_life))`, rounded to the nearest unit.
    #[codec(index = 3)]
    Target {
        /// Units in all, approached and never passed.
        #[serde(with = "decimal")]
        supply: u128,
        /// Blocks in which half of what is left is emitted; nothing is emitted if 0.
        half_life: u32,
    },
}

impl EmissionCurve {
    /// Units scheduled by the end of `block`, counted from the first block, whose number is 1. Never decreases, never
    /// passes [`Self::cap`]; takes at most 128 steps.
    pub fn scheduled(&self, block: u32) -> u128 {
        match *self {
            Self::None => 0,
            Self::Linear { per_block, cap } => per_block.saturating_mul(block.into()).min(cap),
            Self::Halving { initial, interval, cap } => halving(initial, interval, block).min(cap),
            Self::Target { supply, half_life } => supply.saturating_sub(remaining(supply, half_life, block)),
        }
    }

    /// Units scheduled for `block` alone.
    pub fn scheduled_in(&self, block: u32) -> u128 {
        match block.checked_sub(1) {
            Some(before) => self.scheduled(block).saturating_sub(self.scheduled(before)),
            None => 0,
        }
    }

    /// Units scheduled for the `blocks` blocks after `block`.
    pub fn scheduled_after(&self, block: u32, blocks: u32) -> u128 {
        self.scheduled(block.saturating_add(blocks)).saturating_sub(self.scheduled(block))
    }

    /// Units that may be minted in all.
    pub fn cap(&self) -> u128 {
        match *self {
            Self::None => 0,
            Self::Linear { cap, .. } | Self::Halving { cap, .. } => cap,
            Self::Target { supply, .. } => supply,
        }
    }

    /// Whether the curve emits something, or says that it does not.
    pub fn is_valid(&self) -> bool {
        match *self {
            Self::None => true,
            Self::Linear { per_block, cap } => per_block > 0 && cap > 0,
            Self::Halving { initial, interval, cap } => initial > 0 && interval > 0 && cap > 0,
            Self::Target { supply, half_life } => supply > 0 && half_life > 0,
        }
    }
}

/// Sum of the first `blocks` rewards of a halving schedule without a cap.
fn halving(initial: u128, interval: u32, blocks: u32) -> u128 {
    let mut total = 0u128;
    let mut left = blocks;
    let mut reward = initial;
    for _ in 0..u128::BITS {
        let era = left.min(interval);
        if reward == 0 || era == 0 {
            break;
        }
        total = total.saturating_add(reward.saturating_mul(era.into()));
        left = left.saturating_sub(era);
        reward >>= 1;
    }
    total
}

/// `supply * 2^(-block / half_life)` to the nearest unit; all of it for a half-life of 0.
fn remaining(supply: u128, half_life: u32, block: u32) -> u128 {
    let (Some(halvings), Some(rest)) = (block.checked_div(half_life), block.checked_rem(half_life)) else {
        return supply;
    };
    // 2^(-(n + r)) = 2^(1 - r) / 2^(n + 1): the series wants a fraction below one, which 1 - 0 is not.
    let (power, shift) = match rest {
        0 => (exp2_fraction(0, 1), halvings.saturating_add(127)),
        _ => (exp2_fraction(half_life.saturating_sub(rest).into(), half_life.into()), halvings.saturating_add(128)),
    };
    // Twice the result, plus one, halved: rounds to the nearest.
    let doubled = shift_right(U256::from(supply).saturating_mul(U256::from(power)), shift.saturating_sub(1));
    saturate(shift_right(doubled.saturating_add(U256::one()), 1))
}

/// The curves of a network: what block authors are paid, and what useful work is paid, apart from each other.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(from = "Spelling", into = "Spelling")]
pub struct Curves {
    /// Minted to the author of each block.
    pub authors: EmissionCurve,
    /// Minted for settled tasks, paced by [`crate::controller`].
    pub work: EmissionCurve,
}

impl Curves {
    /// Units that may be minted in all.
    pub fn cap(&self) -> u128 {
        self.authors.cap().saturating_add(self.work.cap())
    }

    /// Whether both curves are valid.
    pub fn is_valid(&self) -> bool {
        self.authors.is_valid() && self.work.is_valid()
    }
}

/// Amounts as decimal strings.
mod decimal {
    use serde::{de::Error, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    struct Amount;
    impl serde::de::Visitor<'_> for Amount {
        type Value = u128;

        fn expecting(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            formatter.write_str("an amount in smallest units, as a decimal string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<u128, E> {
            text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        deserializer.deserialize_str(Amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::Preset;
    use proptest::prelude::*;

    fn curves() -> impl Strategy<Value = EmissionCurve> {
        prop_oneof![
            Just(EmissionCurve::None),
            (any::<u128>(), any::<u128>()).prop_map(|(per_block, cap)| EmissionCurve::Linear { per_block, cap }),
            (any::<u128>(), any::<u32>(), any::<u128>()).prop_map(|(initial, interval, cap)| EmissionCurve::Halving {
                initial,
                interval,
                cap
            }),
            (0..1u128 << 60, 0..1u32 << 24, any::<u128>())
                .prop_map(|(initial, interval, cap)| EmissionCurve::Halving { initial, interval, cap }),
            (any::<u128>(), any::<u32>()).prop_map(|(supply, half_life)| EmissionCurve::Target { supply, half_life }),
            (0..1u128 << 70, 0..1u32 << 16).prop_map(|(supply, half_life)| EmissionCurve::Target { supply, half_life }),
        ]
    }

    #[test]
    fn a_curve_without_a_period_emits_nothing() {
        let halving = EmissionCurve::Halving { initial: 5, interval: 0, cap: 100 };
        let target = EmissionCurve::Target { supply: 100, half_life: 0 };
        for curve in [halving, target, EmissionCurve::None] {
            assert_eq!(curve.scheduled(u32::MAX), 0);
        }
        assert!(!halving.is_valid() && !target.is_valid() && EmissionCurve::None.is_valid());
    }

    #[test]
    fn halvings_round_down_and_end() {
        let curve = EmissionCurve::Halving { initial: 5, interval: 2, cap: u128::MAX };
        let expected = [0, 5, 10, 12, 14, 15, 16, 16, 16];
        for (block, expected) in expected.into_iter().enumerate() {
            assert_eq!(curve.scheduled(block as u32), expected);
        }
        assert_eq!(curve.scheduled_in(0), 0);
        assert_eq!(curve.scheduled_in(2), 5);
        assert_eq!(curve.scheduled_in(3), 2);
        assert_eq!(curve.scheduled_after(1, 3), 9);
    }

    #[test]
    fn amounts_are_strings_in_json() {
        let curve = EmissionCurve::Halving { initial: 75, interval: 42, cap: 21_000_000_000_000_000_000 };
        let json = r#"{"halving":{"initial":"75","interval":42,"cap":"21000000000000000000"}}"#;
        assert_eq!(serde_json::to_string(&curve).unwrap(), json);
        // By way of a tree too, as chain specs are read.
        let tree: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::from_value::<EmissionCurve>(tree).unwrap(), curve);
        assert_eq!(serde_json::from_str::<EmissionCurve>(r#""none""#).unwrap(), EmissionCurve::None);
        for broken in [
            r#"{"linear":{"perBlock":"1","cap":"-1"}}"#,
            r#"{"linear":{"per_block":"1","cap":"x"}}"#,
            r#"{"linear":{"per_block":"1"}}"#,
            r#"{"parabola":{}}"#,
        ] {
            assert!(serde_json::from_str::<EmissionCurve>(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn schedules_are_told_by_name_or_in_full() {
        for preset in Preset::ALL {
            let told = serde_json::to_value(preset.curves()).unwrap();
            assert!(told.is_string(), "{told}");
            for name in [told, serde_json::to_value(preset).unwrap()] {
                assert_eq!(serde_json::from_value::<Curves>(name).unwrap(), preset.curves());
            }
        }
        let own = Curves { authors: EmissionCurve::None, work: EmissionCurve::Target { supply: 7, half_life: 3 } };
        let json = r#"{"authors":"none","work":{"target":{"supply":"7","half_life":3}}}"#;
        assert_eq!(serde_json::to_string(&own).unwrap(), json);
        assert_eq!(serde_json::from_str::<Curves>(json).unwrap(), own);
        for broken in [
            r#""other""#,
            r#"{"authors":"none"}"#,
            r#"{"authors":"none","work":"none","more":"none"}"#,
            r#"{"authors":"none","work":{"linear":{"per_block":"1","cap":"-1"}}}"#,
        ] {
            assert!(serde_json::from_str::<Curves>(broken).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn never_decreases_and_never_passes_the_cap(curve in curves(), block in any::<u32>(), step in any::<u32>()) {
            let (early, late) = (curve.scheduled(block), curve.scheduled(block.saturating_add(step)));
            prop_assert!(early <= late);
            prop_assert!(early <= curve.scheduled(block.saturating_add(1)));
            prop_assert!(late <= curve.cap());
            prop_assert!(curve.scheduled_after(block, step) == late - early);
        }

        #[test]
        fn later_blocks_are_never_paid_more(curve in curves(), block in 1..u32::MAX) {
            // The target curve is rounded, so that two neighbours may differ by one unit either way.
            let slack = u128::from(matches!(curve, EmissionCurve::Target { .. }));
            prop_assert!(curve.scheduled_in(block + 1) <= curve.scheduled_in(block).saturating_add(2 * slack));
        }

        #[test]
        fn what_is_scheduled_is_the_sum_of_its_blocks(curve in curves(), block in 0..300u32) {
            let sum = (0..=block).fold(0u128, |sum, block| sum.saturating_add(curve.scheduled_in(block)));
            prop_assert_eq!(sum, curve.scheduled(block));
        }

        #[test]
        fn survives_its_encodings(curve in curves()) {
            let bytes = curve.encode();
            prop_assert!(bytes.len() <= EmissionCurve::max_encoded_len());
            prop_assert_eq!(EmissionCurve::decode(&mut &bytes[..]).unwrap(), curve);
            let json = serde_json::to_string(&curve).unwrap();
            prop_assert_eq!(serde_json::from_str::<EmissionCurve>(&json).unwrap(), curve);
        }
    }
}
