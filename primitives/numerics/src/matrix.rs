//! Weight matrices of 8-bit integers and their exact products with quantised rows.

use crate::{Error, Precision, Row};
use alloc::vec::Vec;

/// Longest row of weights whose 32-bit sums cannot overflow: 127 * 127 * 133,144 is below 2^31.
pub const MAX_COLUMNS: usize = 133_144;
/// 16-bit activations are summed in 32 bits over this many columns at most: 32,512 * 127 * 512 is below 2^31.
const BLOCK: usize = 512;
/// Rows of activations that are multiplied together, so that they stay in the nearest cache.
const BATCH: usize = 16;

/// Weights in [-127, 127], row-major, with one scale per output row (W8).
#[derive(Clone, Debug)]
pub struct Matrix {
    columns: usize,
    values: Vec<i8>,
    scales: Vec<f32>,
}

impl Matrix {
    /// A matrix of `scales.len()` rows.
    ///
    /// # Errors
    /// [`Error::Shape`] where `values` is not rows times columns or a row is longer than [`MAX_COLUMNS`];
    /// [`Error::Weight`] for a weight of -128; [`Error::NotFinite`] for a scale that is not a finite number.
    pub fn new(columns: usize, values: Vec<i8>, scales: Vec<f32>) -> Result<Self, Error> {
        let expected = columns.checked_mul(scales.len());
        if columns == 0 || columns > MAX_COLUMNS || expected != Some(values.len()) {
            return Err(Error::Shape("a weight matrix"));
        }
        if values.contains(&i8::MIN) {
            return Err(Error::Weight);
        }
        if !crate::reduce::all_finite(&scales) {
            return Err(Error::NotFinite("weight scales"));
        }
        Ok(Self { columns, values, scales })
    }

    /// Quantises floats, row-major with `columns` each. A row of weights becomes integers as a row of activations
    /// does at [`Precision::A8`].
    ///
    /// # Errors
    /// As [`Self::new`], and [`Error::NotFinite`] for a weight that is not finite.
    pub fn quantise(columns: usize, weights: &[f32]) -> Result<Self, Error> {
        if columns == 0 || !weights.len().is_multiple_of(columns) {
            return Err(Error::Shape("a weight matrix"));
        }
        let mut values = Vec::with_capacity(weights.len());
        let mut scales = Vec::with_capacity(weights.len() / columns);
        let mut row = Row::default();
        for weights in weights.chunks_exact(columns) {
            row.fill(weights, Precision::A8)?;
            values.extend(row.values().iter().map(|q| *q as i8));
            scales.push(row.scale());
        }
        Self::new(columns, values, scales)
    }

    /// Number of output rows.
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Length of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All weights, row-major.
    pub fn values(&self) -> &[i8] {
        &self.values
    }

    /// The scale of each row.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// Writes row `index` as floats, f32(q) * scale: how an embedding is read. `false` if there is no such row or
    /// `out` is not as long as one.
    #[must_use]
    pub fn read_row(&self, index: usize, out: &mut [f32]) -> bool {
        let Some(scale) = self.scales.get(index) else { return false };
        let Some(values) = self.values.chunks_exact(self.columns).nth(index) else { return false };
        if out.len() != values.len() {
            return false;
        }
        for (out, q) in out.iter_mut().zip(values) {
            *out = f32::from(*q) * *scale;
        }
        true
    }

    /// Multiplies each row by this matrix: `out`, row-major, gets y = (f32(sum of products) * weight scale) *
    /// row scale, then the bias is added. The integer sum is exact and so has no order.
    ///
    /// # Errors
    /// [`Error::Shape`] where rows, bias or `out` do not fit.
    pub fn multiply(&self, rows: &[Row], bias: Option<&[f32]>, out: &mut [f32]) -> Result<(), Error> {
        let outputs = self.rows();
        let fits = rows.iter().all(|row| row.values().len() == self.columns)
            && out.len() == rows.len() * outputs
            && bias.is_none_or(|bias| bias.len() == outputs);
        if !fits {
            return Err(Error::Shape("a matrix product"));
        }
        let mut wide = Vec::with_capacity(self.columns);
        for (rows, out) in rows.chunks(BATCH).zip(out.chunks_mut(BATCH * outputs.max(1))) {
            for (n, (weights, scale)) in self.values.chunks_exact(self.columns).zip(&self.scales).enumerate() {
                let bias = bias.map(|bias| bias[n]);
                let finish = |sum: i64, row: &Row| {
                    let y = (sum as f32 * *scale) * row.scale();
                    match bias {
                        Some(bias) => y + bias,
                        None => y,
                    }
                };
                if let [row] = rows {
                    out[n] = finish(product(row, weights), row);
                    continue;
                }
                // Widened once, the weights serve every row of the batch.
                wide.clear();
                wide.extend(weights.iter().map(|w| i16::from(*w)));
                for (row, out) in rows.iter().zip(out.chunks_exact_mut(outputs)) {
                    out[n] = finish(product(row, &wide), row);
                }
            }
        }
        Ok(())
    }
}

/// The exact sum of products of a row with weights.
fn product<W: Copy + Into<i32>>(row: &Row, weights: &[W]) -> i64 {
    match row.precision() {
        Precision::A8 => i64::from(dot(row.values(), weights)),
        Precision::A16 => {
            row.values().chunks(BLOCK).zip(weights.chunks(BLOCK)).map(|(x, weights)| i64::from(dot(x, weights))).sum()
        }
    }
}

/// Summed in blocks of a fixed length: so compilers find the instruction that multiplies and adds pairs.
fn dot<W: Copy + Into<i32>>(x: &[i16], weights: &[W]) -> i32 {
    let (x_blocks, x_rest) = x.as_chunks::<32>();
    let (w_blocks, w_rest) = weights.as_chunks::<32>();
    let mut total = 0;
    for (x, w) in x_blocks.iter().zip(w_blocks) {
        total += x.iter().zip(w).map(|(x, w)| i32::from(*x) * (*w).into()).sum::<i32>();
    }
    for (x, w) in x_rest.iter().zip(w_rest) {
        total += i32::from(*x) * (*w).into();
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(matrix: &Matrix, row: &Row, n: usize) -> f32 {
        let weights = &matrix.values()[n * matrix.columns()..(n + 1) * matrix.columns()];
        let sum: i128 = row.values().iter().zip(weights).map(|(x, w)| i128::from(*x) * i128::from(*w)).sum();
        ((sum as f64) as f32 * matrix.scales()[n]) * row.scale()
    }

    #[test]
    fn the_longest_rows_of_the_largest_numbers_do_not_overflow() {
        let matrix = Matrix::new(MAX_COLUMNS, vec![-127; MAX_COLUMNS], vec![1.0]).unwrap();
        for precision in [Precision::A8, Precision::A16] {
            let row = Row::quantise(&vec![1.0; MAX_COLUMNS], precision).unwrap();
            let mut out = [0.0];
            matrix.multiply(std::slice::from_ref(&row), None, &mut out).unwrap();
            assert_eq!(out[0], naive(&matrix, &row, 0));
            assert!((out[0] + 127.0 * MAX_COLUMNS as f32).abs() < 4.0);
        }
    }

    #[test]
    fn bad_matrices_are_refused() {
        assert_eq!(Matrix::new(2, vec![1, -128], vec![1.0]).unwrap_err(), Error::Weight);
        assert_eq!(Matrix::new(2, vec![1, 2, 3], vec![1.0]).unwrap_err(), Error::Shape("a weight matrix"));
        assert_eq!(Matrix::new(0, vec![], vec![]).unwrap_err(), Error::Shape("a weight matrix"));
        assert_eq!(Matrix::new(1, vec![1], vec![f32::NAN]).unwrap_err(), Error::NotFinite("weight scales"));
        assert!(Matrix::quantise(2, &[1.0, f32::INFINITY]).is_err());
        let matrix = Matrix::quantise(2, &[1.0, 2.0]).unwrap();
        let row = Row::quantise(&[1.0], Precision::A8).unwrap();
        assert_eq!(matrix.multiply(&[row], None, &mut [0.0]).unwrap_err(), Error::Shape("a matrix product"));
        assert!(!matrix.read_row(1, &mut [0.0, 0.0]));
    }

    #[test]
    fn no_weight_is_ever_minus_128() {
        let matrix = Matrix::quantise(3, &[-1.0, 1.0, -0.999_999_9, -5e-5, -1e-44, 0.0]).unwrap();
        assert_eq!(matrix.values()[..3], [-127, 127, -127]);
    }

    proptest! {
        #[test]
        fn products_are_exact_alone_and_in_any_batch(
            seed in any::<u64>(), columns in 1usize..1200, outputs in 1usize..6, count in 1usize..40,
        ) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f32 / 16_777_216.0) - 0.5
            };
            let matrix = Matrix::quantise(columns, &(0..columns * outputs).map(|_| next()).collect::<Vec<_>>()).unwrap();
            let bias: Vec<f32> = (0..outputs).map(|_| next()).collect();
            let rows: Vec<Row> = (0..count)
                .map(|i| {
                    let x: Vec<f32> = (0..columns).map(|_| next()).collect();
                    Row::quantise(&x, if i % 2 == 0 { Precision::A8 } else { Precision::A16 }).unwrap()
                })
                .collect();
            let mut together = vec![0.0; count * outputs];
            matrix.multiply(&rows, Some(&bias), &mut together).unwrap();
            for (i, row) in rows.iter().enumerate() {
                let mut alone = vec![0.0; outputs];
                matrix.multiply(std::slice::from_ref(row), Some(&bias), &mut alone).unwrap();
                for n in 0..outputs {
                    prop_assert_eq!(alone[n].to_bits(), together[i * outputs + n].to_bits());
                    prop_assert_eq!(alone[n].to_bits(), (naive(&matrix, row, n) + bias[n]).to_bits());
                }
            }
        }
    }
}
