//! Half precision (IEEE-754 binary16), in which attention keys and values are kept.

use crate::{isa::versions, reduce::largest_magnitude, Error};

/// The smallest magnitude that rounds to infinity, 65,520, as bits: infinities and NaNs are above it too.
const OVERFLOW: u32 = 0x477f_f000;

/// Rounds to the nearest half-precision number, ties to even, and gives its bits.
///
/// # Errors
/// [`Error::HalfOverflow`] where the result would be infinite, or the number is a NaN.
pub fn to_bits(x: f32) -> Result<u16, Error> {
    if x.to_bits() & 0x7fff_ffff >= OVERFLOW {
        return Err(Error::HalfOverflow);
    }
    Ok(finite_to_bits(x))
}

#[inline(always)]
fn finite_to_bits(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 16) & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    // Normal: drop 13 bits of the significand, and take the exponent's bias from 127 to 15.
    let odd = (magnitude >> 13) & 1;
    let normal = magnitude.wrapping_add(0x0fff + odd).wrapping_sub(0x3800_0000) >> 13;
    // Subnormal: count in units of 2^-24. Adding 0.5 aligns the significand so that the sum's rounding is ours.
    let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
    let rounded = if magnitude >= 0x3880_0000 { normal } else { subnormal };
    (sign | rounded) as u16
}

versions! {
    /// [`to_bits`] of every element of `x`, as many as `out` has.
    ///
    /// # Errors
    /// As [`to_bits`], for any of them; [`Error::Shape`] where lengths differ.
    pub fn all_to_bits(x: &[f32], out: &mut [u16]) -> Result<(), Error> = each_to_bits;
}

#[inline(always)]
fn each_to_bits(x: &[f32], out: &mut [u16]) -> Result<(), Error> {
    if x.len() != out.len() {
        return Err(Error::Shape("half-precision numbers"));
    }
    if largest_magnitude(x) >= OVERFLOW {
        return Err(Error::HalfOverflow);
    }
    for (x, out) in x.iter().zip(out) {
        *out = finite_to_bits(*x);
    }
    Ok(())
}

/// 2^112: the difference of the exponents' biases, 127 and 15.
const REBIAS: f32 = f32::from_bits((127 + 112) << 23);

/// The number that finite half-precision `bits` stand for, exactly. [`to_bits`] never gives others.
#[inline(always)]
pub fn from_bits(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    // Exact, subnormal numbers included: a float with the same significand, times a power of two.
    let value = f32::from_bits(u32::from(bits & 0x7fff) << 13) * REBIAS;
    f32::from_bits(value.to_bits() | sign)
}

#[inline(always)]
pub(crate) fn each_from_bits(bits: &[u16], out: &mut [f32]) {
    for (out, bits) in out.iter_mut().zip(bits) {
        *out = from_bits(*bits);
    }
}

/// Rounds `x` to half precision and back: what a key or a value is from the moment it is stored.
///
/// # Errors
/// [`Error::HalfOverflow`].
pub fn round(x: f32) -> Result<f32, Error> {
    to_bits(x).map(from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_half_survives_the_way_there_and_back() {
        for bits in 0..=u16::MAX {
            let reference = ::half::f16::from_bits(bits).to_f32();
            if reference.is_finite() {
                assert_eq!(from_bits(bits).to_bits(), reference.to_bits());
                assert_eq!(to_bits(reference), Ok(bits));
            } else {
                assert_eq!(to_bits(reference), Err(Error::HalfOverflow));
            }
        }
    }

    #[test]
    fn many_are_rounded_as_one_is_on_every_path() {
        use crate::Kernels;
        let x: Vec<f32> = (0..4000).map(|i| (i as f32 - 2000.0) * 1.7e-7 * (1 << (i % 37)) as f32).collect();
        let x: Vec<f32> = x.into_iter().filter(|x| x.abs() < 65_520.0).collect();
        for kernels in Kernels::available() {
            let mut out = vec![0; x.len()];
            all_to_bits(kernels, &x, &mut out).unwrap();
            assert!(x.iter().zip(&out).all(|(x, bits)| to_bits(*x) == Ok(*bits)));
            assert_eq!(all_to_bits(kernels, &[1.0, 65_520.0], &mut [0; 2]), Err(Error::HalfOverflow));
            assert_eq!(all_to_bits(kernels, &[f32::NAN], &mut [0]), Err(Error::HalfOverflow));
            assert!(all_to_bits(kernels, &[1.0], &mut []).is_err());
        }
    }

    #[test]
    fn the_edge_of_the_range_is_sharp() {
        assert_eq!(to_bits(65_519.996), Ok(0x7bff));
        assert_eq!(to_bits(65_520.0), Err(Error::HalfOverflow));
        assert_eq!(to_bits(-65_520.0), Err(Error::HalfOverflow));
        assert_eq!(to_bits(f32::NAN), Err(Error::HalfOverflow));
    }

    proptest! {
        #[test]
        fn rounds_as_the_reference_library(bits in any::<u32>()) {
            let x = f32::from_bits(bits);
            let reference = ::half::f16::from_f32(x);
            if reference.is_finite() {
                prop_assert_eq!(to_bits(x), Ok(reference.to_bits()));
            } else {
                prop_assert_eq!(to_bits(x), Err(Error::HalfOverflow));
            }
        }

        #[test]
        fn rounds_as_the_reference_library_near_its_range(x in -70_000.0f32..70_000.0, small in -1e-4f32..1e-4) {
            for x in [x, small, x * 1e-6] {
                let reference = ::half::f16::from_f32(x);
                if reference.is_finite() {
                    prop_assert_eq!(to_bits(x), Ok(reference.to_bits()));
                }
            }
        }
    }
}
