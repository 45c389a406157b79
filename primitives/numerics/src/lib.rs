//! DET-1: the exact arithmetic of verified inference.
//!
//! Every function here gives the same bits on every machine: integer dot products, float operations in one fixed
//! order, and functions (exp, erf, the sampler's powers of two) built from those operations alone. Nothing calls the
//! platform's mathematics, nothing fuses a multiplication with an addition, nothing depends on a thread count or on how
//! rows are grouped into batches. So one position computed alone equals the same position computed in a batch, and
//! a verifier can replay a whole answer in one pass.
//!
//! The written profile is `docs/numerics.md`; [`PROFILE`] names it, and must change with it.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(unsafe_code)]

extern crate alloc;

pub mod attention;
pub mod functions;
pub mod half;
pub mod isa;
mod kernels;
pub mod matrix;
pub mod norm;
pub mod reduce;
pub mod rope;
pub mod rows;
pub mod sampler;
pub mod trace;
#[allow(unsafe_code)]
pub mod view;

pub use isa::{Isa, Kernels};
pub use matrix::{Format, Matrix, Weights};
pub use rows::{Precision, Rows};
pub use sampler::{Sampler, Sampling};
pub use trace::Trace;
pub use view::{Columns, ColumnsMut};

/// Name and version of the profile that this crate implements. Two implementations of the same profile agree to
/// the bit; any change of a result, however small, is another profile.
pub const PROFILE: &str = "DET-1/1";

/// Why a computation was refused. A refused computation has no result: its output buffers hold nothing of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// A NaN or an infinity appeared in what the text names.
    NotFinite(&'static str),
    /// A key or a value is beyond the largest half-precision number, 65,504.
    HalfOverflow,
    /// Buffers that belong together have different sizes, in what the text names.
    Shape(&'static str),
    /// A weight is -128, which the profile excludes.
    Weight,
    /// Weights of four bits hold what the profile excludes: a -8, a multiplier above 63, or something beyond the last
    /// column.
    PackedWeight,
    /// A parameter of the sampler is outside its range; the text names it.
    Sampling(&'static str),
    /// This processor does not have the instruction set.
    NoSuchIsa(Isa),
    /// No instruction set has this name.
    UnknownIsa,
    /// This processor flushes subnormal numbers to zero or does not round to nearest even.
    FloatEnvironment,
}

impl core::fmt::Display for Error {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotFinite(place) => write!(formatter, "a value that is not finite appeared in {place}"),
            Self::HalfOverflow => formatter.write_str("an attention key or value is beyond half precision"),
            Self::Shape(place) => write!(formatter, "sizes do not fit together in {place}"),
            Self::Weight => formatter.write_str("a weight of -128 is not allowed"),
            Self::PackedWeight => formatter
                .write_str("weights of four bits hold a -8, a multiplier above 63 or something beyond the last column"),
            Self::Sampling(name) => write!(formatter, "the sampling parameter {name} is out of range"),
            Self::NoSuchIsa(isa) => write!(formatter, "this processor does not have {isa}"),
            Self::UnknownIsa => {
                formatter.write_str("no such instruction set; there are")?;
                Isa::ALL.into_iter().try_for_each(|isa| write!(formatter, " {isa}"))
            }
            Self::FloatEnvironment => {
                formatter.write_str("the processor's float mode is not IEEE-754 (flush to zero, or another rounding)")
            }
        }
    }
}

impl core::error::Error for Error {}

/// Checks that this thread's float mode is the profile's: subnormals kept as operands and as results, rounding to
/// nearest even. Every thread that computes calls it first.
///
/// # Errors
/// [`Error::FloatEnvironment`].
pub fn check_float_environment() -> Result<(), Error> {
    use core::hint::black_box;
    let smallest = black_box(f32::MIN_POSITIVE);
    let subnormal_result = smallest * black_box(0.5);
    let subnormal_operand = black_box(f32::from_bits(1)) * black_box(16_777_216.0);
    // Halfway cases: one above an even number stays, one above an odd number goes up.
    let half_ulp = black_box(f32::EPSILON * 0.5);
    let stays = black_box(1.0f32) + half_ulp;
    let goes_up = black_box(1.0f32 + f32::EPSILON) + half_ulp;
    let kept = subnormal_result.to_bits() == 0x0040_0000 && subnormal_operand.to_bits() == 0x0100_0000;
    let nearest = stays == 1.0 && goes_up == 1.0 + 2.0 * f32::EPSILON && -stays == -1.0;
    if kept && nearest {
        Ok(())
    } else {
        Err(Error::FloatEnvironment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_the_profile_s_float_mode() {
        assert_eq!(check_float_environment(), Ok(()));
    }
}
