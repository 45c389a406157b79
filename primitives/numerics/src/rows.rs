//! Activations: rows of floats as integers with one scale each.

use crate::{isa::versions, reduce::largest_magnitude, Error, Kernels};
use alloc::vec::Vec;

/// 2^-100: a row whose largest magnitude is below it is all zeros to the profile.
pub const SMALLEST_MAGNITUDE: f32 = f32::from_bits((127 - 100) << 23);
/// Rows are padded with zeros to a multiple of this, the widest vector of any kernel in bytes.
pub(crate) const ALIGN: usize = 64;

/// How finely a row is quantised before it meets a weight matrix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precision {
    /// 8 bits: integers in [-127, 127].
    A8,
    /// 16 bits: integers in [-32512, 32512], kept whole and as q = 255 * high + low with both halves in [-127, 127].
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

    /// Number of 8-bit parts that an integer is kept in.
    pub(crate) fn parts(self) -> usize {
        match self {
            Self::A8 => 1,
            Self::A16 => 2,
        }
    }
}

/// 1.5 * 2^23: adding it to a number below 2^22 leaves the nearest integer, ties to even, in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// The integer nearest to `x`, ties to even, for magnitudes below 2^22.
#[inline(always)]
pub(crate) fn nearest(x: f32) -> i32 {
    (x + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()) as i32
}

/// Quantised rows of activations, all of one width and precision.
#[derive(Clone, Debug)]
pub struct Rows {
    width: usize,
    stride: usize,
    precision: Precision,
    /// For each row its parts (high then low, or the one), each padded with zeros to `stride`.
    parts: Vec<i8>,
    /// For each row of A16 its integers, padded with zeros to `stride`: what kernels that multiply 16 bits read.
    whole: Vec<i16>,
    /// Sum of each part: kernels whose weights are offset need it.
    sums: Vec<i32>,
    scales: Vec<f32>,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            width: 0,
            stride: 0,
            precision: Precision::A8,
            parts: Vec::new(),
            whole: Vec::new(),
            sums: Vec::new(),
            scales: Vec::new(),
        }
    }
}

impl Rows {
    /// Quantises `x`, which holds rows of `width` floats: q = nearest((x * limit) / amax), scale = amax / limit.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where an element is a NaN or an infinity, or so large that `x * limit` is;
    /// [`Error::Shape`] where `x` is not whole rows.
    pub fn quantise(kernels: Kernels, x: &[f32], width: usize, precision: Precision) -> Result<Self, Error> {
        if width == 0 || !x.len().is_multiple_of(width) {
            return Err(Error::Shape("activations"));
        }
        let mut rows = Self::default();
        rows.reset(x.len() / width, width, precision);
        for (row, x) in rows.iter_mut().zip(x.chunks_exact(width)) {
            row.fill(kernels, x)?;
        }
        Ok(rows)
    }

    /// Makes room for `count` rows, in memory that is kept from call to call. Each must be filled before it is used.
    pub fn reset(&mut self, count: usize, width: usize, precision: Precision) {
        self.width = width;
        self.stride = width.next_multiple_of(ALIGN);
        self.precision = precision;
        let parts = count * precision.parts();
        // Padding must be zero, and what an earlier use left here may not be.
        self.parts.clear();
        self.parts.resize(parts * self.stride, 0);
        self.whole.clear();
        if precision == Precision::A16 {
            self.whole.resize(count * self.stride, 0);
        }
        self.sums.clear();
        self.sums.resize(parts, 0);
        self.scales.clear();
        self.scales.resize(count, 0.0);
    }

    /// The rows, to be filled one by one, by as many threads as one likes.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = RowMut<'_>> {
        let (width, stride, precision) = (self.width, self.stride.max(1), self.precision);
        let count = precision.parts();
        let parts = self.parts.chunks_exact_mut(count * stride).zip(self.sums.chunks_exact_mut(count));
        let mut rest = &mut self.whole[..];
        parts.zip(&mut self.scales).map(move |((parts, sums), scale)| {
            // There is nothing to split for A8.
            let (whole, others) = core::mem::take(&mut rest).split_at_mut_checked(stride).unwrap_or_default();
            rest = others;
            RowMut { width, stride, precision, parts, whole, sums, scale }
        })
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.scales.len()
    }

    /// Length of each.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How they are quantised.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What one unit of each row's integers stands for.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The integers of row `index`; none if there is no such row.
    pub fn values(&self, index: usize) -> impl Iterator<Item = i32> + '_ {
        let count = self.precision.parts();
        let parts = self.parts.chunks_exact((count * self.stride).max(1)).nth(index).unwrap_or_default();
        (0..self.width.min(parts.len())).map(move |i| match self.precision {
            Precision::A8 => i32::from(parts[i]),
            Precision::A16 => 255 * i32::from(parts[i]) + i32::from(parts[self.stride + i]),
        })
    }

    /// Padded rows of whole integers of A16, and the distance between two.
    pub(crate) fn whole(&self) -> (&[i16], usize) {
        (&self.whole, self.stride)
    }

    /// Padded parts, the distance between two, and the sum of each: what kernels read.
    pub(crate) fn raw(&self) -> (&[i8], usize, &[i32]) {
        (&self.parts, self.stride, &self.sums)
    }
}

/// One row to be filled.
pub struct RowMut<'a> {
    width: usize,
    stride: usize,
    precision: Precision,
    parts: &'a mut [i8],
    whole: &'a mut [i16],
    sums: &'a mut [i32],
    scale: &'a mut f32,
}

impl RowMut<'_> {
    /// Quantises `x` into this row, see [`Rows::quantise`].
    ///
    /// # Errors
    /// As [`Rows::quantise`].
    pub fn fill(self, kernels: Kernels, x: &[f32]) -> Result<(), Error> {
        if x.len() != self.width {
            return Err(Error::Shape("activations"));
        }
        let parts = &mut self.parts[..];
        match self.precision {
            Precision::A8 => {
                *self.scale = quantise_a8(kernels, x, &mut parts[..x.len()], &mut self.sums[0])?;
            }
            Precision::A16 => {
                let (high, low) = parts.split_at_mut(self.stride);
                let (high, low) = (&mut high[..x.len()], &mut low[..x.len()]);
                *self.scale = quantise_a16(kernels, x, high, low, &mut self.whole[..x.len()], self.sums)?;
            }
        }
        Ok(())
    }
}

/// The factor, the divisor and the scale of a row; the divisor is 0 for a row that is all zeros.
#[inline(always)]
fn range(x: &[f32], precision: Precision) -> Result<(f32, f32, f32), Error> {
    let amax = f32::from_bits(largest_magnitude(x));
    let limit = precision.limit();
    if !(amax * limit).is_finite() {
        return Err(Error::NotFinite("activations"));
    }
    if amax < SMALLEST_MAGNITUDE {
        return Ok((limit, 0.0, 0.0));
    }
    Ok((limit, amax, amax / limit))
}

versions! {
    fn quantise_a8(x: &[f32], out: &mut [i8], sum: &mut i32) -> Result<f32, Error> = a8;
}

#[inline(always)]
fn a8(x: &[f32], out: &mut [i8], sum: &mut i32) -> Result<f32, Error> {
    let (limit, amax, scale) = range(x, Precision::A8)?;
    if amax == 0.0 {
        out.fill(0);
        *sum = 0;
        return Ok(scale);
    }
    let mut total = 0;
    for (x, out) in x.iter().zip(out) {
        let q = nearest((*x * limit) / amax);
        total += q;
        *out = q as i8;
    }
    *sum = total;
    Ok(scale)
}

versions! {
    fn quantise_a16(
        x: &[f32], high: &mut [i8], low: &mut [i8], whole: &mut [i16], sums: &mut [i32],
    ) -> Result<f32, Error> = a16;
}

#[inline(always)]
fn a16(x: &[f32], high: &mut [i8], low: &mut [i8], whole: &mut [i16], sums: &mut [i32]) -> Result<f32, Error> {
    let (limit, amax, scale) = range(x, Precision::A16)?;
    if amax == 0.0 {
        high.fill(0);
        low.fill(0);
        whole.fill(0);
        sums.fill(0);
        return Ok(scale);
    }
    let mut totals = [0, 0];
    for (((x, high), low), whole) in x.iter().zip(high).zip(low).zip(whole) {
        let q = nearest((*x * limit) / amax);
        // floor((q + 127) / 255): 257 / 65536 is so near to 1 / 255 that it is exact for all 65,025 numbers.
        let h = ((q + 127 + 32_640) * 257 + 257) / 65_536 - 128;
        let l = q - 255 * h;
        totals[0] += h;
        totals[1] += l;
        *high = h as i8;
        *low = l as i8;
        *whole = q as i16;
    }
    for (sum, total) in sums.iter_mut().zip(totals) {
        *sum = total;
    }
    Ok(scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(x: &[f32], precision: Precision) -> (Vec<i32>, f32) {
        let rows = Rows::quantise(Kernels::SCALAR, x, x.len(), precision).unwrap();
        (rows.values(0).collect(), rows.scales()[0])
    }

    #[test]
    fn tiny_rows_are_zero() {
        for x in [0.0, -0.0, SMALLEST_MAGNITUDE * 0.999, f32::from_bits(1)] {
            for precision in [Precision::A8, Precision::A16] {
                assert_eq!(one(&[x, -x], precision), (vec![0, 0], 0.0));
            }
        }
        let (values, scale) = one(&[SMALLEST_MAGNITUDE], Precision::A16);
        assert_eq!(values, [32_512]);
        assert!(scale > 0.0);
    }

    #[test]
    fn ties_go_to_even() {
        assert_eq!(one(&[127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5], Precision::A8).0, [127, 0, 2, 2, 0, -2, -2]);
    }

    #[test]
    fn every_number_of_16_bits_is_its_two_halves() {
        let all: Vec<f32> = (-32_512..=32_512).map(|q| q as f32).collect();
        for kernels in Kernels::available() {
            let rows = Rows::quantise(kernels, &all, all.len(), Precision::A16).unwrap();
            assert!(rows.values(0).eq(-32_512..=32_512));
            let (parts, stride, sums) = rows.raw();
            assert!(rows.whole().0[..all.len()].iter().map(|q| i32::from(*q)).eq(-32_512..=32_512));
            assert!(parts.iter().all(|part| *part != i8::MIN));
            for (part, sum) in parts.chunks(stride).zip(sums) {
                assert_eq!(part.iter().map(|part| i32::from(*part)).sum::<i32>(), *sum);
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        for kernels in Kernels::available() {
            for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
                for precision in [Precision::A8, Precision::A16] {
                    let refused = Rows::quantise(kernels, &[1.0, x], 2, precision).unwrap_err();
                    assert_eq!(refused, Error::NotFinite("activations"));
                }
            }
        }
        assert!(Rows::quantise(Kernels::SCALAR, &[1.0; 3], 2, Precision::A8).is_err());
        assert!(Rows::quantise(Kernels::SCALAR, &[1.0; 3], 0, Precision::A8).is_err());
    }

    #[test]
    fn memory_is_used_again_without_traces_of_the_past() {
        let mut rows = Rows::default();
        rows.reset(2, 70, Precision::A16);
        for row in rows.iter_mut() {
            row.fill(Kernels::SCALAR, &[1.0; 70]).unwrap();
        }
        rows.reset(3, 5, Precision::A16);
        assert!(rows.raw().0.iter().all(|part| *part == 0) && rows.whole().0.iter().all(|q| *q == 0));
        assert_eq!((rows.whole().0.len(), rows.iter_mut().len()), (3 * 64, 3));
        rows.reset(3, 5, Precision::A8);
        assert!(rows.raw().0.iter().all(|part| *part == 0) && rows.whole().0.is_empty());
        assert_eq!(rows.iter_mut().count(), 3);
        assert_eq!((rows.count(), rows.width(), rows.precision()), (3, 5, Precision::A8));
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
                let (values, scale) = one(&x, precision);
                for kernels in Kernels::available() {
                    let rows = Rows::quantise(kernels, &x, x.len(), precision).unwrap();
                    prop_assert!(rows.values(0).eq(values.iter().copied()), "{}", kernels.isa());
                    prop_assert_eq!(rows.scales()[0].to_bits(), scale.to_bits());
                }
                let limit = precision.limit() as i32;
                prop_assert!(values.iter().all(|q| (-limit..=limit).contains(q)));
                for (x, q) in x.iter().zip(&values) {
                    if amax > 0.0 && x.abs() == amax {
                        prop_assert_eq!(q.abs(), limit);
                    }
                    let exact = f64::from(*x) * f64::from(precision.limit()) / f64::from(amax.max(f32::MIN_POSITIVE));
                    prop_assert!((f64::from(*q) - exact).abs() <= 0.51);
                }
            }
        }
    }
}
