//! Weight matrices of 8-bit integers and their exact products with quantised rows.

use crate::{
    kernels::{self, Product},
    ColumnsMut, Error, Kernels, Precision, Rows,
};
use alloc::{sync::Arc, vec::Vec};
use core::ops::Range;

/// Longest row of weights whose 32-bit sums cannot overflow: 127 * 127 * 133,144 is below 2^31.
pub const MAX_COLUMNS: usize = 133_144;

/// Bytes that several matrices share: a mapped file, or memory.
pub type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Weights in [-127, 127], row-major, with one scale per output row (W8).
#[derive(Clone)]
pub struct Matrix {
    columns: usize,
    bytes: Bytes,
    range: Range<usize>,
    scales: Vec<f32>,
}

impl core::fmt::Debug for Matrix {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Matrix of {} rows and {} columns", self.rows(), self.columns)
    }
}

impl Matrix {
    /// A matrix of `scales.len()` rows.
    ///
    /// # Errors
    /// [`Error::Shape`] where `values` is not rows times columns or a row is longer than [`MAX_COLUMNS`];
    /// [`Error::Weight`] for a weight of -128; [`Error::NotFinite`] for a scale that is not a finite number.
    pub fn new(columns: usize, values: Vec<i8>, scales: Vec<f32>) -> Result<Self, Error> {
        let bytes: Vec<u8> = values.into_iter().map(|q| q as u8).collect();
        let range = 0..bytes.len();
        Self::shared(columns, Arc::new(bytes), range, scales)
    }

    /// As [`Self::new`], with the weights where they are: in `range` of `bytes`, each in two's complement. The bytes
    /// must stay as they are; changing a mapped file changes the model.
    ///
    /// # Errors
    /// As [`Self::new`], and [`Error::Shape`] where the range is not inside the bytes.
    pub fn shared(columns: usize, bytes: Bytes, range: Range<usize>, scales: Vec<f32>) -> Result<Self, Error> {
        let values = (*bytes).as_ref().get(range.clone()).ok_or(Error::Shape("a weight matrix"))?;
        let expected = columns.checked_mul(scales.len());
        if columns == 0 || columns > MAX_COLUMNS || expected != Some(values.len()) {
            return Err(Error::Shape("a weight matrix"));
        }
        if values.contains(&0x80) {
            return Err(Error::Weight);
        }
        if !crate::reduce::all_finite(&scales) {
            return Err(Error::NotFinite("weight scales"));
        }
        Ok(Self { columns, bytes, range, scales })
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
        let kernels = Kernels::best();
        for weights in weights.chunks_exact(columns) {
            let rows = Rows::quantise(kernels, weights, columns, Precision::A8)?;
            values.extend(rows.values(0).map(|q| q as i8));
            scales.extend_from_slice(rows.scales());
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
        let bytes = (*self.bytes).as_ref().get(self.range.clone()).unwrap_or_default();
        // SAFETY: i8 and u8 have the same size and alignment, and every byte is a valid i8.
        #[allow(unsafe_code)]
        unsafe {
            core::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len())
        }
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
        let Some(values) = self.values().chunks_exact(self.columns).nth(index) else { return false };
        if out.len() != values.len() {
            return false;
        }
        for (out, q) in out.iter_mut().zip(values) {
            *out = f32::from(*q) * *scale;
        }
        true
    }

    /// Multiplies each row by the matrix's rows from `first` on, as many as `out` has columns:
    /// y = (f32(sum of products) * weight scale) * row scale, then the bias (of the whole matrix) is added. The
    /// integer sum is exact and so has no order.
    ///
    /// # Errors
    /// [`Error::Shape`] where rows, bias or `out` do not fit.
    pub fn multiply(
        &self,
        kernels: Kernels,
        rows: &Rows,
        bias: Option<&[f32]>,
        first: usize,
        out: ColumnsMut<'_>,
    ) -> Result<(), Error> {
        let range = first..first.checked_add(out.columns()).ok_or(Error::Shape("a matrix product"))?;
        let values = self.values();
        // A mapped file cannot have become shorter, but nothing else is known of what `bytes` is.
        let fits = rows.width() == self.columns
            && out.rows() == rows.count()
            && values.len() == self.rows() * self.columns
            && bias.is_none_or(|bias| bias.len() == self.rows());
        let (Some(scales), true) = (self.scales.get(range.clone()), fits) else {
            return Err(Error::Shape("a matrix product"));
        };
        let weights = &values[range.start * self.columns..range.end * self.columns];
        let bias = bias.map(|bias| &bias[range]);
        kernels::multiply(kernels, Product { rows, weights, scales, bias, out });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(matrix: &Matrix, rows: &Rows, row: usize, n: usize) -> f32 {
        let weights = &matrix.values()[n * matrix.columns()..(n + 1) * matrix.columns()];
        let sum: i128 = rows.values(row).zip(weights).map(|(x, w)| i128::from(x) * i128::from(*w)).sum();
        ((sum as f64) as f32 * matrix.scales()[n]) * rows.scales()[row]
    }

    fn whole(kernels: Kernels, matrix: &Matrix, rows: &Rows, bias: Option<&[f32]>) -> Vec<f32> {
        let mut out = vec![f32::NAN; rows.count() * matrix.rows()];
        matrix.multiply(kernels, rows, bias, 0, ColumnsMut::new(&mut out, matrix.rows())).unwrap();
        out
    }

    #[test]
    fn the_longest_rows_of_the_largest_numbers_do_not_overflow() {
        for weight in [-127, 127] {
            let matrix = Matrix::new(MAX_COLUMNS, vec![weight; 5 * MAX_COLUMNS], vec![1.0; 5]).unwrap();
            for kernels in Kernels::available() {
                for precision in [Precision::A8, Precision::A16] {
                    let rows = Rows::quantise(kernels, &vec![1.0; MAX_COLUMNS], MAX_COLUMNS, precision).unwrap();
                    let out = whole(kernels, &matrix, &rows, None);
                    assert!(out.iter().all(|y| *y == naive(&matrix, &rows, 0, 0)), "{}", kernels.isa());
                    assert!((out[0] - f32::from(weight) * MAX_COLUMNS as f32).abs() < 4.0);
                }
            }
        }
    }

    #[test]
    fn bad_matrices_are_refused() {
        assert_eq!(Matrix::new(2, vec![1, -128], vec![1.0]).unwrap_err(), Error::Weight);
        assert_eq!(Matrix::new(2, vec![1, 2, 3], vec![1.0]).unwrap_err(), Error::Shape("a weight matrix"));
        assert_eq!(Matrix::new(0, vec![], vec![]).unwrap_err(), Error::Shape("a weight matrix"));
        assert_eq!(Matrix::new(1, vec![1], vec![f32::NAN]).unwrap_err(), Error::NotFinite("weight scales"));
        let bytes: Bytes = Arc::new(vec![1u8, 2]);
        assert_eq!(Matrix::shared(2, bytes, 1..3, vec![1.0]).unwrap_err(), Error::Shape("a weight matrix"));
        assert!(Matrix::quantise(2, &[1.0, f32::INFINITY]).is_err());
        let matrix = Matrix::quantise(2, &[1.0, 2.0]).unwrap();
        assert!(!matrix.read_row(1, &mut [0.0, 0.0]));
        let refused = |rows: &[f32], width: usize, bias: Option<&[f32]>, first: usize, out: &mut [f32]| {
            let rows = Rows::quantise(Kernels::SCALAR, rows, width, Precision::A8).unwrap();
            let out = ColumnsMut::new(out, 1);
            matrix.multiply(Kernels::SCALAR, &rows, bias, first, out) == Err(Error::Shape("a matrix product"))
        };
        assert!(refused(&[1.0], 1, None, 0, &mut [0.0]));
        assert!(refused(&[1.0; 2], 2, None, 1, &mut [0.0]));
        assert!(refused(&[1.0; 2], 2, None, usize::MAX, &mut [0.0]));
        assert!(refused(&[1.0; 2], 2, Some(&[]), 0, &mut [0.0]));
        assert!(refused(&[1.0; 2], 2, None, 0, &mut [0.0; 2]));
        assert!(!refused(&[1.0; 2], 2, Some(&[1.0]), 0, &mut [0.0]));
    }

    #[test]
    fn no_weight_is_ever_minus_128() {
        let matrix = Matrix::quantise(3, &[-1.0, 1.0, -0.999_999_9, -5e-5, -1e-44, 0.0]).unwrap();
        assert_eq!(matrix.values()[..3], [-127, 127, -127]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn products_are_exact_on_every_path_alone_in_any_batch_and_split_anywhere(
            seed in any::<u64>(), columns in 1usize..1200, outputs in 1usize..24, count in 1usize..20,
            wide in any::<bool>(), split in 0usize..24,
        ) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f32 / 16_777_216.0) - 0.5
            };
            let precision = if wide { Precision::A16 } else { Precision::A8 };
            let matrix = Matrix::quantise(columns, &(0..columns * outputs).map(|_| next()).collect::<Vec<_>>()).unwrap();
            let bias: Vec<f32> = (0..outputs).map(|_| next()).collect();
            let x: Vec<f32> = (0..columns * count).map(|_| next()).collect();
            let rows = Rows::quantise(Kernels::SCALAR, &x, columns, precision).unwrap();
            for kernels in Kernels::available() {
                let together = whole(kernels, &matrix, &rows, Some(&bias));
                let mut pieces = vec![f32::NAN; together.len()];
                let (left, right) = ColumnsMut::new(&mut pieces, outputs).split_at(split);
                let first = left.columns();
                matrix.multiply(kernels, &rows, Some(&bias), 0, left).unwrap();
                matrix.multiply(kernels, &rows, Some(&bias), first, right).unwrap();
                for i in 0..count {
                    let row = Rows::quantise(kernels, &x[i * columns..(i + 1) * columns], columns, precision).unwrap();
                    let alone = whole(kernels, &matrix, &row, Some(&bias));
                    for n in 0..outputs {
                        let exact = (naive(&matrix, &rows, i, n) + bias[n]).to_bits();
                        prop_assert_eq!(alone[n].to_bits(), exact, "{} alone", kernels.isa());
                        prop_assert_eq!(together[i * outputs + n].to_bits(), exact, "{} together", kernels.isa());
                        prop_assert_eq!(pieces[i * outputs + n].to_bits(), exact, "{} in pieces", kernels.isa());
                    }
                }
            }
        }
    }
}
