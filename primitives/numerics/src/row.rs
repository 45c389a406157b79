//! Activations: one row of floats as integers with one scale.

use crate::{reduce::largest_magnitude, Error};
use alloc::vec::Vec;

/// 2^-100: a row whose largest magnitude is below it is all zeros to the profile.
pub const SMALLEST_MAGNITUDE: f32 = f32::from_bits((127 - 100) << 23);

/// How finely a row is quantised before it meets a weight matrix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precision {
    /// 8 bits: integers in [-127, 127].
    A8,
    /// 16 bits: integers in [-32512, 32512], which is 255 * 127 + 127, so that fast kernels can split one into two
    /// 8-bit halves.
    A16,
}

impl Precision {
    /// The integer that the largest magnitude of a row becomes.
    pub fn limit(self) -> f32 {
        match self {
            Self::A8 => 127.0,
            Self::A16 => 32_512.0,
        }
    }
}

/// 1.5 * 2^23: adding it to a number below 2^22 leaves the nearest integer, ties to even, in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// The integer nearest to `x`, ties to even, for magnitudes below 2^22.
pub(crate) fn nearest(x: f32) -> i32 {
    (x + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()) as i32
}

/// A quantised row of activations.
#[derive(Clone, Debug)]
pub struct Row {
    values: Vec<i16>,
    scale: f32,
    precision: Precision,
}

impl Default for Row {
    fn default() -> Self {
        Self { values: Vec::new(), scale: 0.0, precision: Precision::A8 }
    }
}

impl Row {
    /// Quantises `x`: q = nearest((x * limit) / amax), scale = amax / limit.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where an element is a NaN or an infinity, or so large that `x * limit` is.
    pub fn quantise(x: &[f32], precision: Precision) -> Result<Self, Error> {
        let mut row = Self::default();
        row.fill(x, precision)?;
        Ok(row)
    }

    /// As [`Self::quantise`], into this row's own memory.
    ///
    /// # Errors
    /// As [`Self::quantise`].
    pub fn fill(&mut self, x: &[f32], precision: Precision) -> Result<(), Error> {
        let amax = f32::from_bits(largest_magnitude(x));
        let limit = precision.limit();
        if !(amax * limit).is_finite() {
            return Err(Error::NotFinite("activations"));
        }
        self.values.clear();
        self.precision = precision;
        if amax < SMALLEST_MAGNITUDE {
            self.scale = 0.0;
            self.values.resize(x.len(), 0);
        } else {
            self.scale = amax / limit;
            self.values.extend(x.iter().map(|x| nearest((*x * limit) / amax) as i16));
        }
        Ok(())
    }

    /// The integers.
    pub fn values(&self) -> &[i16] {
        &self.values
    }

    /// What one unit of the integers stands for.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// How the row was quantised.
    pub fn precision(&self) -> Precision {
        self.precision
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tiny_rows_are_zero() {
        for x in [0.0, -0.0, SMALLEST_MAGNITUDE * 0.999, f32::from_bits(1)] {
            let row = Row::quantise(&[x, -x], Precision::A8).unwrap();
            assert_eq!((row.values(), row.scale()), (&[0i16, 0][..], 0.0));
        }
        let row = Row::quantise(&[SMALLEST_MAGNITUDE], Precision::A16).unwrap();
        assert_eq!(row.values(), [32_512]);
        assert!(row.scale() > 0.0);
    }

    #[test]
    fn ties_go_to_even() {
        let row = Row::quantise(&[127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5], Precision::A8).unwrap();
        assert_eq!(row.values(), [127, 0, 2, 2, 0, -2, -2]);
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            assert_eq!(Row::quantise(&[1.0, x], Precision::A8).unwrap_err(), Error::NotFinite("activations"));
        }
    }

    proptest! {
        #[test]
        fn the_largest_becomes_the_limit_and_none_exceeds_it(
            x in proptest::collection::vec(-1e4f32..1e4, 1..80), exponent in -60i32..60,
        ) {
            let factor = f32::from_bits(((127 + exponent) as u32) << 23);
            let x: Vec<f32> = x.iter().map(|x| x * factor).collect();
            let amax = x.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            for precision in [Precision::A8, Precision::A16] {
                let row = Row::quantise(&x, precision).unwrap();
                let limit = precision.limit() as i16;
                prop_assert!(row.values().iter().all(|q| (-limit..=limit).contains(q)));
                for (x, q) in x.iter().zip(row.values()) {
                    if amax > 0.0 && x.abs() == amax {
                        prop_assert_eq!(q.abs(), limit);
                    }
                    let exact = f64::from(*x) * f64::from(precision.limit()) / f64::from(amax.max(f32::MIN_POSITIVE));
                    prop_assert!((f64::from(*q) - exact).abs() <= 0.51);
                    // The halves that fast kernels use.
                    let high = (i32::from(*q) + 127).div_euclid(255);
                    let low = i32::from(*q) - 255 * high;
                    prop_assert!(high.abs() <= 127 && low.abs() <= 127);
                }
            }
        }
    }
}
