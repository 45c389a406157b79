//! The schedules of the five source designs, and the one that Assay runs by default.

use crate::curve::{Curves, EmissionCurve};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// One token in its smallest unit: twelve decimals, as ASY has.
pub const TOKEN: u128 = 1_000_000_000_000;
/// A thousandth of a token.
const MILLI: u128 = 1_000_000_000;
/// Blocks in a year of 365 days, at three seconds a block.
pub const BLOCKS_PER_YEAR: u32 = 10_512_000;

/// A named pair of curves. Whatever a paper calls an inference or miner's reward for useful work is in the work part;
/// what it pays for a block is in the authors' part.
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
#[serde(rename_all = "camelCase")]
pub enum Preset {
    /// Assay: the split of FUN AI, 3 to 7, at a rate that makes its cap of 21,000,000 true with halvings every
    /// 42,000,000 blocks (3.99 years). Rounding ends it at 6,299,999.999370 and 14,699,999.999412.
    #[default]
    #[codec(index = 0)]
    Assay,
    /// FUN AI to the letter: 1.5 and 3.5 a block, halving every 21,000,000 blocks. That adds up to 210,000,000, so
    /// the cap of 21,000,000, shared 3 to 7, cuts both off in block 4,200,000.
    #[codec(index = 1)]
    FunLiteral,
    /// FUN AI with its interval and its cap kept and its rate cut to a tenth.
    #[codec(index = 2)]
    FunInterval,
    /// CamelidCoin: 50 a block to whoever makes it, halving every 1,000,000 blocks; work is paid by its users alone.
    /// The paper names no cap; the halvings add up to just below 100,000,000.
    #[codec(index = 3)]
    CamelidCoin,
    /// DML: all for work, towards a supply of 1,000,000 of which half of the rest is emitted each year.
    #[codec(index = 4)]
    Dml,
    /// PIGLET: linear, all for work. The paper gives no numbers; 0.25 a block, Assay's first rate, up to 21,000,000
    /// (84,000,000 blocks, 7.99 years) are this project's.
    #[codec(index = 5)]
    Piglet,
    /// LIAISE: linear, like PIGLET; its paper gives no numbers either, and the same ones of ours stand in.
    #[codec(index = 6)]
    Liaise,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 7] =
        [Self::Assay, Self::FunLiteral, Self::FunInterval, Self::CamelidCoin, Self::Dml, Self::Piglet, Self::Liaise];

    /// The curves that the name stands for.
    pub const fn curves(self) -> Curves {
        match self {
            Self::Assay => three_to_seven(75 * MILLI, 175 * MILLI, 42_000_000),
            Self::FunLiteral => three_to_seven(1_500 * MILLI, 3_500 * MILLI, 21_000_000),
            Self::FunInterval => three_to_seven(150 * MILLI, 350 * MILLI, 21_000_000),
            Self::CamelidCoin => Curves {
                authors: EmissionCurve::Halving { initial: 50 * TOKEN, interval: 1_000_000, cap: 100_000_000 * TOKEN },
                work: EmissionCurve::None,
            },
            Self::Dml => Curves {
                authors: EmissionCurve::None,
                work: EmissionCurve::Target { supply: 1_000_000 * TOKEN, half_life: BLOCKS_PER_YEAR },
            },
            Self::Piglet | Self::Liaise => Curves {
                authors: EmissionCurve::None,
                work: EmissionCurve::Linear { per_block: 250 * MILLI, cap: 21_000_000 * TOKEN },
            },
        }
    }
}

/// Two halving curves under 21,000,000 tokens, three tenths of them for authors and seven for work.
const fn three_to_seven(authors: u128, work: u128, interval: u32) -> Curves {
    Curves {
        authors: EmissionCurve::Halving { initial: authors, interval, cap: 6_300_000 * TOKEN },
        work: EmissionCurve::Halving { initial: work, interval, cap: 14_700_000 * TOKEN },
    }
}

impl Default for Curves {
    /// The curves of [`Preset::Assay`].
    fn default() -> Self {
        Preset::Assay.curves()
    }
}

/// How a genesis tells a schedule in JSON. A name is the default's spelling, because chain specifications merge what they
/// say with the default, and curves of two kinds would become one of both.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Spelling {
    /// The name of a preset.
    Preset(Preset),
    /// Curve by curve.
    Curves(Spelt),
}

/// A schedule curve by curve.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spelt {
    authors: EmissionCurve,
    work: EmissionCurve,
}

impl From<Curves> for Spelling {
    fn from(curves: Curves) -> Self {
        match Preset::ALL.into_iter().find(|preset| preset.curves() == curves) {
            Some(preset) => Self::Preset(preset),
            None => Self::Curves(Spelt { authors: curves.authors, work: curves.work }),
        }
    }
}

impl From<Spelling> for Curves {
    fn from(spelling: Spelling) -> Self {
        match spelling {
            Spelling::Preset(preset) => preset.curves(),
            Spelling::Curves(Spelt { authors, work }) => Self { authors, work },
        }
    }
}
