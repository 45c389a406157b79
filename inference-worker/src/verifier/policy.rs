//! Which solutions of others are checked.

use crate::amount;
use assay_types::{Balance, TaskId};
use blake2::{digest::consts::U32, Blake2b, Digest};
use std::{fmt, str::FromStr};

/// Parts of a whole in which a share is counted.
const WHOLE: u32 = 1_000_000;

/// Which solutions of others an operator wants checked. Whatever it is, a result that was computed anyway is compared,
/// and disputes over the models that are served are voted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// None but those of tasks that were computed anyway.
    Computed,
    /// All.
    All,
    /// This share of them, in millionths, drawn so that nobody else can foresee which.
    Share(u32),
    /// Those of tasks whose fee and reserved reward are together at least this much, in units of ASY.
    Value(Balance),
}

impl Policy {
    /// Whether the solution of `task`, worth `value` units of ASY, is to be checked. `secret` is known to nobody else.
    pub fn chooses(&self, task: &TaskId, value: Balance, secret: &[u8; 32]) -> bool {
        match self {
            Self::Computed => false,
            Self::All => true,
            Self::Share(share) => {
                let mut hasher = Blake2b::<U32>::new();
                hasher.update(b"assay/check");
                hasher.update(secret);
                hasher.update(task.as_bytes());
                let digest: [u8; 32] = hasher.finalize().into();
                let drawn = digest.iter().take(8).fold(0u128, |value, byte| (value << 8) | u128::from(*byte));
                // As likely as not to be below any share of 2^64, to one part in 2^44.
                (drawn * u128::from(WHOLE)) >> 64 < u128::from(*share)
            }
            Self::Value(least) => value >= *least,
        }
    }
}

/// As [`FromStr`] reads it.
impl fmt::Display for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Computed => formatter.write_str("computed"),
            Self::All => formatter.write_str("all"),
            Self::Share(share) => write!(formatter, "share={}", f64::from(*share) / f64::from(WHOLE)),
            Self::Value(least) => write!(formatter, "value={}", amount::format(*least)),
        }
    }
}

impl FromStr for Policy {
    type Err = String;

    /// # Errors
    /// One line that quotes what makes no sense.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=').unwrap_or((text, "")) {
            ("computed", "") => Ok(Self::Computed),
            ("all", "") => Ok(Self::All),
            ("share", share) => match share.parse::<f64>() {
                Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self::Share((share * f64::from(WHOLE)).round() as u32)),
                _ => Err(format!("'{share}' is no share, such as 0.25")),
            },
            ("value", least) => amount::parse(least).map(Self::Value),
            _ => Err(format!("'{text}' is none of computed, all, share=0.25, value=10")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::ASY;

    #[test]
    fn policies_read_as_they_are_written() {
        for (text, policy) in [
            ("computed", Policy::Computed),
            ("all", Policy::All),
            ("share=0.25", Policy::Share(250_000)),
            ("share=1", Policy::Share(1_000_000)),
            ("value=2.5", Policy::Value(5 * ASY / 2)),
        ] {
            assert_eq!((text.parse::<Policy>(), policy.to_string()), (Ok(policy), text.to_owned()));
        }
        for text in ["", "some", "all=1", "share", "share=", "share=1.1", "share=-1", "share=NaN", "value", "value=x"] {
            assert!(text.parse::<Policy>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_is_that_share_and_each_secret_draws_its_own() {
        let drawn = |secret: u8, share: u32| -> Vec<u64> {
            let chooses = |i: &u64| Policy::Share(share).chooses(&TaskId::from_low_u64_be(*i), 0, &[secret; 32]);
            (0..4_000).filter(chooses).collect()
        };
        let quarter = drawn(1, 250_000);
        // Six standard deviations of a binomial draw on either side.
        assert!((1_000 - 165..1_000 + 165).contains(&quarter.len()), "{}", quarter.len());
        assert_ne!(quarter, drawn(2, 250_000));
        assert_eq!((drawn(1, 0).len(), drawn(1, 1_000_000).len()), (0, 4_000));
    }

    #[test]
    fn a_value_is_a_lower_bound() {
        let chooses = |value| Policy::Value(10).chooses(&TaskId::zero(), value, &[0; 32]);
        assert_eq!([9, 10, 11].map(chooses), [false, true, true]);
    }
}
