//! Weight matrices of integers and their exact products with quantised rows.
//!
//! W8 has a byte for each weight, W16 two. W4 has half of one: a weight is an integer in [-7, 7] times the multiplier, 0 to
//! 63, that it shares with the other columns of its group, so that a product is a sum of integers here too.

use crate::{
    kernels::{self, Product},
    reduce::largest_magnitude,
    rows::{nearest, SMALLEST_MAGNITUDE},
    ColumnsMut, Error, Kernels, Precision, Rows,
};
use alloc::{sync::Arc, vec, vec::Vec};
use core::ops::Range;

/// Longest row of W8, or of a half of W16, whose 32-bit sums cannot overflow: 127 * 127 * 133,144 is below 2^31.
pub const MAX_COLUMNS: usize = 133_144;
/// Longest row of W4 whose 32-bit sums cannot overflow: 7 * 63 * 127 * 38,343 is below 2^31.
pub const MAX_COLUMNS_W4: usize = 38_343;
/// Columns of W4 that share a multiplier.
pub const GROUP: usize = 32;
/// Columns of W4 that are packed together, two groups: byte i has column i in its low half and column 32 + i in its high
/// half, each as the weight plus 8. A row ends with a whole block, whose columns beyond the last are 0.
pub const BLOCK: usize = 2 * GROUP;
/// The largest weight of W4, before its multiplier.
const LARGEST_W4: f32 = 7.0;
/// The largest multiplier of W4.
const LARGEST_MULTIPLIER: u8 = 63;
/// Two weights of 0 in a byte.
const ZEROS: u8 = 0x88;

/// Bytes that several matrices share: a mapped file, or memory.
pub type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// How weights are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// 16 bits, with one scale for each row.
    W16,
    /// 8 bits, with one scale for each row.
    W8,
    /// 4 bits, with one multiplier for each group of [`GROUP`] columns and one scale for each row.
    W4,
}

/// The stored integers of a matrix, or of some of its rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weights<'a> {
    /// Weights in [-32512, 32512] as 255 * high + low with both halves in [-127, 127]: for each row all its high halves, then
    /// all its low halves.
    W16(&'a [i8]),
    /// Weights in [-127, 127], row-major.
    W8(&'a [i8]),
    /// For each row its blocks of [`BLOCK`] columns.
    W4 {
        /// 32 bytes for each block.
        nibbles: &'a [u8],
        /// Two multipliers for each block.
        multipliers: &'a [u8],
    },
}

/// Where the weights of a matrix are in its bytes.
#[derive(Clone)]
enum Place {
    W16(Range<usize>),
    W8(Range<usize>),
    W4 {
        nibbles: Range<usize>,
        multipliers: Range<usize>,
        /// The sum of each row's weights, multipliers included: kernels whose rows are offset need it.
        sums: Vec<i32>,
    },
}

/// Weights, row-major, with one scale per output row.
#[derive(Clone)]
pub struct Matrix {
    columns: usize,
    bytes: Bytes,
    place: Place,
    scales: Vec<f32>,
}

impl core::fmt::Debug for Matrix {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{:?} matrix of {} rows and {} columns", self.format(), self.rows(), self.columns)
    }
}

impl Matrix {
    /// A W8 matrix of `scales.len()` rows.
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
        check_bytes(columns, columns, &bytes, &range, &scales)?;
        Ok(Self { columns, bytes, place: Place::W8(range), scales })
    }

    /// A W16 matrix of `scales.len()` rows with `columns` each, their halves laid out in `range` of `bytes` as
    /// [`Weights::W16`] says, each in two's complement. The bytes must stay as they are.
    ///
    /// # Errors
    /// As [`Self::shared`], for a half of -128 too.
    pub fn shared_w16(columns: usize, bytes: Bytes, range: Range<usize>, scales: Vec<f32>) -> Result<Self, Error> {
        check_bytes(columns, columns.saturating_mul(2), &bytes, &range, &scales)?;
        Ok(Self { columns, bytes, place: Place::W16(range), scales })
    }

    /// A W4 matrix of `scales.len()` rows with `columns` each, packed as [`Weights::W4`] says. Nibbles and multipliers
    /// are in these ranges of `bytes`, which must stay as they are.
    ///
    /// # Errors
    /// [`Error::Shape`] where sizes do not fit together, a range is not inside the bytes, or a row is longer than
    /// [`MAX_COLUMNS_W4`]; [`Error::PackedWeight`]; [`Error::NotFinite`] for a scale that is not a finite number.
    pub fn shared_w4(
        columns: usize,
        bytes: Bytes,
        nibbles: Range<usize>,
        multipliers: Range<usize>,
        scales: Vec<f32>,
    ) -> Result<Self, Error> {
        let all = (*bytes).as_ref();
        let (Some(packed), Some(factors)) = (all.get(nibbles.clone()), all.get(multipliers.clone())) else {
            return Err(Error::Shape("a weight matrix"));
        };
        let blocks = columns.div_ceil(BLOCK);
        let expected =
            blocks.checked_mul(scales.len()).and_then(|blocks| Some((blocks.checked_mul(GROUP)?, blocks * 2)));
        if columns == 0 || columns > MAX_COLUMNS_W4 || expected != Some((packed.len(), factors.len())) {
            return Err(Error::Shape("a weight matrix"));
        }
        if packed.iter().any(|byte| byte & 0x0f == 0 || byte & 0xf0 == 0)
            || factors.iter().any(|factor| *factor > LARGEST_MULTIPLIER)
        {
            return Err(Error::PackedWeight);
        }
        let rows = packed.chunks_exact(blocks * GROUP).zip(factors.chunks_exact(blocks * 2));
        if !columns.is_multiple_of(BLOCK) && rows.clone().any(|row| !ends_with_zeros(columns, row)) {
            return Err(Error::PackedWeight);
        }
        if !crate::reduce::all_finite(&scales) {
            return Err(Error::NotFinite("weight scales"));
        }
        let sums = rows.map(sum_w4).collect();
        Ok(Self { columns, bytes, place: Place::W4 { nibbles, multipliers, sums }, scales })
    }

    /// Quantises floats, row-major with `columns` each, to W8. A row of weights becomes integers as a row of activations
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

    /// Quantises floats, row-major with `columns` each, to W16. A row of weights becomes integers as a row of activations
    /// does at [`Precision::A16`].
    ///
    /// # Errors
    /// As [`Self::shared_w16`], and [`Error::NotFinite`] for a weight that is not finite.
    pub fn quantise_w16(columns: usize, weights: &[f32]) -> Result<Self, Error> {
        if columns == 0 || !weights.len().is_multiple_of(columns) {
            return Err(Error::Shape("a weight matrix"));
        }
        let mut bytes: Vec<u8> = Vec::with_capacity(2 * weights.len());
        let mut scales = Vec::with_capacity(weights.len() / columns);
        let kernels = Kernels::best();
        for weights in weights.chunks_exact(columns) {
            let rows = Rows::quantise(kernels, weights, columns, Precision::A16)?;
            let (parts, stride, _) = rows.raw();
            bytes.extend(parts.chunks_exact(stride).flat_map(|half| &half[..columns]).map(|half| half.cast_unsigned()));
            scales.extend_from_slice(rows.scales());
        }
        let range = 0..bytes.len();
        Self::shared_w16(columns, Arc::new(bytes), range, scales)
    }

    /// Quantises floats, row-major with `columns` each, to W4. With the row's largest magnitude `amax`, its scale is
    /// `amax / 441`; with a group's largest magnitude g its multiplier is `(g * 63) / amax` rounded up, at most 63, and
    /// its weights are `nearest(x / (multiplier * scale))`, at most 7 in magnitude, or 0 where the multiplier is.
    ///
    /// # Errors
    /// As [`Self::shared_w4`], and [`Error::NotFinite`] for a weight that is not finite.
    pub fn quantise_w4(columns: usize, weights: &[f32]) -> Result<Self, Error> {
        if columns == 0 || !weights.len().is_multiple_of(columns) {
            return Err(Error::Shape("a weight matrix"));
        }
        let (rows, blocks) = (weights.len() / columns, columns.div_ceil(BLOCK));
        let mut bytes = vec![ZEROS; rows * blocks * GROUP];
        let mut multipliers = vec![0; rows * blocks * 2];
        let mut scales = Vec::with_capacity(rows);
        let packed = bytes.chunks_exact_mut(blocks * GROUP).zip(multipliers.chunks_exact_mut(blocks * 2));
        for (x, (nibbles, multipliers)) in weights.chunks_exact(columns).zip(packed) {
            scales.push(quantise_row_w4(x, nibbles, multipliers)?);
        }
        let (nibbles, end) = (0..bytes.len(), bytes.len() + multipliers.len());
        bytes.append(&mut multipliers);
        let multipliers = nibbles.end..end;
        Self::shared_w4(columns, Arc::new(bytes), nibbles, multipliers, scales)
    }

    /// How the weights are stored.
    pub fn format(&self) -> Format {
        match self.place {
            Place::W16(_) => Format::W16,
            Place::W8(_) => Format::W8,
            Place::W4 { .. } => Format::W4,
        }
    }

    /// Number of output rows.
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Length of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All weights.
    pub fn weights(&self) -> Weights<'_> {
        let bytes = |range: &Range<usize>| (*self.bytes).as_ref().get(range.clone()).unwrap_or_default();
        match &self.place {
            Place::W16(range) => Weights::W16(signed(bytes(range))),
            Place::W8(range) => Weights::W8(signed(bytes(range))),
            Place::W4 { nibbles, multipliers, .. } => {
                Weights::W4 { nibbles: bytes(nibbles), multipliers: bytes(multipliers) }
            }
        }
    }

    /// The scale of each row.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The integers of row `index`, multipliers included: what its scale is multiplied with. None if there is no such
    /// row.
    pub fn integers(&self, index: usize) -> impl Iterator<Item = i32> + '_ {
        let columns = if index < self.rows() { self.columns } else { 0 };
        let weights = rows_of(self.weights(), self.columns, index..index.saturating_add(1));
        (0..columns).map(move |column| match weights {
            Some(Weights::W16(halves)) => 255 * i32::from(halves[column]) + i32::from(halves[columns + column]),
            Some(Weights::W8(values)) => i32::from(values[column]),
            Some(Weights::W4 { nibbles, multipliers }) => {
                let (block, place) = (column / BLOCK, column % BLOCK);
                let byte = nibbles[block * GROUP + place % GROUP];
                let nibble = if place < GROUP { byte & 15 } else { byte >> 4 };
                (i32::from(nibble) - 8) * i32::from(multipliers[column / GROUP])
            }
            None => 0,
        })
    }

    /// Writes row `index` as floats, f32(q) * scale: how an embedding is read. `false` if there is no such row or
    /// `out` is not as long as one.
    #[must_use]
    pub fn read_row(&self, index: usize, out: &mut [f32]) -> bool {
        let Some(scale) = self.scales.get(index) else { return false };
        if out.len() != self.columns {
            return false;
        }
        for (out, q) in out.iter_mut().zip(self.integers(index)) {
            *out = q as f32 * *scale;
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
        let fits = rows.width() == self.columns
            && out.rows() == rows.count()
            && bias.is_none_or(|bias| bias.len() == self.rows());
        // A mapped file cannot have become shorter, but nothing else is known of what `bytes` is.
        let weights = rows_of(self.weights(), self.columns, range.clone());
        let (Some(scales), Some(weights), true) = (self.scales.get(range.clone()), weights, fits) else {
            return Err(Error::Shape("a matrix product"));
        };
        let sums = match &self.place {
            Place::W16(_) | Place::W8(_) => &[][..],
            Place::W4 { sums, .. } => &sums[range.clone()],
        };
        let bias = bias.map(|bias| &bias[range]);
        kernels::multiply(kernels, Product { rows, weights, sums, scales, bias, out });
        Ok(())
    }
}

/// Checks rows of `length` bytes in `range`, one for each scale, of a matrix with `columns`.
fn check_bytes(
    columns: usize,
    length: usize,
    bytes: &Bytes,
    range: &Range<usize>,
    scales: &[f32],
) -> Result<(), Error> {
    let values = (**bytes).as_ref().get(range.clone()).ok_or(Error::Shape("a weight matrix"))?;
    if columns == 0 || columns > MAX_COLUMNS || length.checked_mul(scales.len()) != Some(values.len()) {
        return Err(Error::Shape("a weight matrix"));
    }
    if values.contains(&0x80) {
        return Err(Error::Weight);
    }
    if !crate::reduce::all_finite(scales) {
        return Err(Error::NotFinite("weight scales"));
    }
    Ok(())
}

/// Bytes in two's complement as the numbers that they are.
fn signed(bytes: &[u8]) -> &[i8] {
    // SAFETY: i8 and u8 have the same size and alignment, and every byte is a valid i8.
    #[allow(unsafe_code)]
    unsafe {
        core::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len())
    }
}

/// The weights of some rows, if they are there.
fn rows_of(weights: Weights<'_>, columns: usize, rows: Range<usize>) -> Option<Weights<'_>> {
    let blocks = columns.div_ceil(BLOCK);
    let bytes = |size: usize| Some(rows.start.checked_mul(size)?..rows.end.checked_mul(size)?);
    match weights {
        Weights::W16(halves) => halves.get(bytes(columns * 2)?).map(Weights::W16),
        Weights::W8(values) => values.get(bytes(columns)?).map(Weights::W8),
        Weights::W4 { nibbles, multipliers } => Some(Weights::W4 {
            nibbles: nibbles.get(bytes(blocks * GROUP)?)?,
            multipliers: multipliers.get(bytes(blocks * 2)?)?,
        }),
    }
}

/// Quantises a row whose nibbles are all [`ZEROS`] and whose multipliers are all 0; gives its scale.
fn quantise_row_w4(x: &[f32], nibbles: &mut [u8], multipliers: &mut [u8]) -> Result<f32, Error> {
    let most = f32::from(LARGEST_MULTIPLIER);
    let amax = f32::from_bits(largest_magnitude(x));
    if !(amax * most).is_finite() {
        return Err(Error::NotFinite("weights"));
    }
    if amax < SMALLEST_MAGNITUDE {
        return Ok(0.0);
    }
    let scale = amax / (LARGEST_W4 * most);
    for (group, (x, multiplier)) in x.chunks(GROUP).zip(multipliers).enumerate() {
        let exact = (f32::from_bits(largest_magnitude(x)) * most) / amax;
        // Rounded up, so that the largest weight of the group is 7 or less.
        let whole = exact as u8;
        *multiplier = if f32::from(whole) < exact { whole + 1 } else { whole }.min(LARGEST_MULTIPLIER);
        if *multiplier == 0 {
            continue;
        }
        let step = f32::from(*multiplier) * scale;
        let bytes = &mut nibbles[group / 2 * GROUP..];
        for (x, byte) in x.iter().zip(bytes) {
            // Both halves of a byte begin as 8, and a weight is in [-7, 7].
            let q = nearest(*x / step).clamp(-7, 7) + 8;
            *byte = if group % 2 == 0 { *byte & 0xf0 | q as u8 } else { *byte & 0x0f | (q as u8) << 4 };
        }
    }
    Ok(scale)
}

/// Whether nothing but zeros follows the last column of a row.
fn ends_with_zeros(columns: usize, (nibbles, multipliers): (&[u8], &[u8])) -> bool {
    let used = columns % BLOCK;
    let last = nibbles.len() - GROUP;
    (used..BLOCK).all(|place| {
        let byte = nibbles[last + place % GROUP];
        (if place < GROUP { byte & 15 } else { byte >> 4 }) == 8
    }) && (used > GROUP || multipliers[multipliers.len() - 1] == 0)
}

/// The sum of a row's weights, multipliers included.
fn sum_w4((nibbles, multipliers): (&[u8], &[u8])) -> i32 {
    let groups = nibbles.chunks_exact(GROUP).zip(multipliers.chunks_exact(2));
    groups.fold(0, |sum, (bytes, factors)| {
        let low: i32 = bytes.iter().map(|byte| i32::from(byte & 15)).sum();
        let high: i32 = bytes.iter().map(|byte| i32::from(byte >> 4)).sum();
        let zero = 8 * GROUP as i32;
        sum + (low - zero) * i32::from(factors[0]) + (high - zero) * i32::from(factors[1])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(matrix: &Matrix, rows: &Rows, row: usize, n: usize) -> f32 {
        let sum: i128 = rows.values(row).zip(matrix.integers(n)).map(|(x, w)| i128::from(x) * i128::from(w)).sum();
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
            let halves = vec![weight.cast_unsigned(); 4 * MAX_COLUMNS];
            let fine = Matrix::shared_w16(MAX_COLUMNS, Arc::new(halves), 0..4 * MAX_COLUMNS, vec![1.0; 2]).unwrap();
            for kernels in Kernels::available() {
                for precision in [Precision::A8, Precision::A16] {
                    let rows = Rows::quantise(kernels, &vec![1.0; MAX_COLUMNS], MAX_COLUMNS, precision).unwrap();
                    let out = whole(kernels, &matrix, &rows, None);
                    assert!(out.iter().all(|y| *y == naive(&matrix, &rows, 0, 0)), "{}", kernels.isa());
                    assert!((out[0] - f32::from(weight) * MAX_COLUMNS as f32).abs() < 4.0);
                    let out = whole(kernels, &fine, &rows, None);
                    assert!(out.iter().all(|y| *y == naive(&fine, &rows, 0, 0)), "{}", kernels.isa());
                    assert!((out[0] / (256.0 * f32::from(weight) * MAX_COLUMNS as f32) - 1.0).abs() < 1e-6);
                }
            }
        }
    }

    /// A W4 matrix from its nibbles and multipliers.
    fn packed(columns: usize, mut nibbles: Vec<u8>, multipliers: &[u8], scales: Vec<f32>) -> Result<Matrix, Error> {
        let (first, end) = (0..nibbles.len(), nibbles.len() + multipliers.len());
        nibbles.extend_from_slice(multipliers);
        let second = first.end..end;
        Matrix::shared_w4(columns, Arc::new(nibbles), first, second, scales)
    }

    #[test]
    fn the_longest_rows_of_the_largest_numbers_do_not_overflow_in_four_bits() {
        for byte in [0x11, 0xff] {
            let mut weights = vec![byte; MAX_COLUMNS_W4.div_ceil(BLOCK) * GROUP];
            // The last block has columns 0 to 6 only.
            let used = MAX_COLUMNS_W4 % BLOCK;
            assert_eq!(used, 7);
            let last = weights.len() - GROUP;
            weights[last..].fill(ZEROS);
            weights[last..last + used].fill(ZEROS & 0xf0 | byte & 15);
            let mut multipliers = vec![63; weights.len() / 16];
            *multipliers.last_mut().unwrap() = 0;
            let (weights, multipliers) = ([&weights[..]; 5].concat(), [&multipliers[..]; 5].concat());
            let matrix = packed(MAX_COLUMNS_W4, weights, &multipliers, vec![1.0; 5]).unwrap();
            for kernels in Kernels::available() {
                for precision in [Precision::A8, Precision::A16] {
                    let x = vec![1.0; MAX_COLUMNS_W4];
                    let rows = Rows::quantise(kernels, &x, MAX_COLUMNS_W4, precision).unwrap();
                    let out = whole(kernels, &matrix, &rows, None);
                    assert!(out.iter().all(|y| *y == naive(&matrix, &rows, 0, 0)), "{}", kernels.isa());
                    assert!((out[0].abs() - 441.0 * MAX_COLUMNS_W4 as f32).abs() < 4.0);
                }
            }
        }
    }

    #[test]
    fn bad_packed_matrices_are_refused() {
        let good =
            |columns: usize| (vec![ZEROS; columns.div_ceil(BLOCK) * GROUP], vec![0; columns.div_ceil(BLOCK) * 2]);
        let with = |columns: usize, change: &dyn Fn(&mut Vec<u8>, &mut Vec<u8>)| {
            let (mut nibbles, mut multipliers) = good(columns);
            change(&mut nibbles, &mut multipliers);
            packed(columns, nibbles, &multipliers, vec![1.0]).map(|_| ())
        };
        for columns in [1, 31, 32, 33, 64, 65, 97, MAX_COLUMNS_W4] {
            assert_eq!(with(columns, &|_, _| ()), Ok(()));
            // The last column, and the last group, may be anything that is in its range.
            let place = (columns - 1) % BLOCK;
            let last = (columns - 1) / BLOCK * GROUP + place % GROUP;
            let shift = if place < GROUP { 0 } else { 4 };
            let set = |q: u8| {
                move |nibbles: &mut Vec<u8>, _: &mut Vec<u8>| nibbles[last] = ZEROS & !(15 << shift) | q << shift
            };
            assert_eq!(with(columns, &set(15)), Ok(()));
            assert_eq!(with(columns, &set(0)), Err(Error::PackedWeight));
            assert_eq!(with(columns, &|_, multipliers| multipliers[(columns - 1) / GROUP] = 63), Ok(()));
            assert_eq!(with(columns, &|_, m| m[(columns - 1) / GROUP] = 64), Err(Error::PackedWeight));
        }
        for columns in [1, 31, 33, 63, 65, 97] {
            let beyond = columns % BLOCK;
            let (byte, half) = ((columns / BLOCK) * GROUP + beyond % GROUP, if beyond < GROUP { 0x89 } else { 0x98 });
            assert_eq!(with(columns, &|nibbles, _| nibbles[byte] = half), Err(Error::PackedWeight), "{columns}");
        }
        for columns in [1, 32, 65, 96] {
            assert_eq!(with(columns, &|_, m| *m.last_mut().unwrap() = 1), Err(Error::PackedWeight), "{columns}");
        }
        let shape = Err(Error::Shape("a weight matrix"));
        assert_eq!(with(64, &|nibbles, _| nibbles.push(ZEROS)), shape);
        assert_eq!(with(64, &|_, multipliers| multipliers.push(0)), shape);
        assert_eq!(with(0, &|_, _| ()), shape);
        assert_eq!(with(MAX_COLUMNS_W4 + 1, &|_, _| ()), shape);
        assert_eq!(packed(1, good(1).0, &good(1).1, vec![f32::NAN]).unwrap_err(), Error::NotFinite("weight scales"));
        let bytes: Bytes = Arc::new(vec![ZEROS; 34]);
        assert!(Matrix::shared_w4(1, bytes.clone(), 3..35, 0..2, vec![1.0]).is_err());
        assert!(Matrix::shared_w4(1, bytes, 0..32, 33..35, vec![1.0]).is_err());
        for x in [f32::NAN, f32::INFINITY, f32::MAX] {
            assert_eq!(Matrix::quantise_w4(2, &[1.0, x]).unwrap_err(), Error::NotFinite("weights"));
        }
        assert!(Matrix::quantise_w4(2, &[1.0]).is_err() && Matrix::quantise_w4(0, &[]).is_err());
    }

    /// By hand: the row's scale, a group's multiplier rounded up, a tie that goes to even, a group of zeros.
    #[test]
    fn four_bits_are_quantised_as_the_profile_says() {
        let mut x = vec![0.0; 100];
        (x[0], x[1], x[2], x[33], x[34], x[99]) = (441.0, -94.5, -441.0, 20.0, -8.0, 1.0);
        let matrix = Matrix::quantise_w4(100, &x).unwrap();
        assert_eq!(
            (matrix.format(), matrix.rows(), matrix.columns(), matrix.scales()),
            (Format::W4, 1, 100, &[1.0][..])
        );
        let Weights::W4 { nibbles, multipliers } = matrix.weights() else { panic!() };
        // 20 * 63 / 441 is 2.86, so the step is 3; 1 * 63 / 441 is 0.14, so it is 1.
        assert_eq!(multipliers, [63, 3, 0, 1]);
        // -94.5 is 1.5 steps of 63, 20 is 6.7 and -8 is 2.7 steps of 3.
        assert_eq!([nibbles[0], nibbles[1], nibbles[2], nibbles[35]], [0x8f, 0xf6, 0x51, 0x98]);
        let expected = |i: usize| match i {
            0 => 441,
            1 => -126,
            2 => -441,
            33 => 21,
            34 => -9,
            99 => 1,
            _ => 0,
        };
        assert!(matrix.integers(0).eq((0..100).map(expected)));
        let mut row = vec![f32::NAN; 100];
        assert!(matrix.read_row(0, &mut row) && !matrix.read_row(1, &mut row) && !matrix.read_row(0, &mut row[1..]));
        assert!(row.iter().enumerate().all(|(i, y)| *y == expected(i) as f32));
        assert_eq!(matrix.integers(1).count(), 0);
        let zeros = Matrix::quantise_w4(3, &[0.0, -0.0, 1e-31]).unwrap();
        assert_eq!((zeros.scales(), zeros.integers(0).sum::<i32>()), (&[0.0][..], 0));
    }

    /// By hand: a row whose largest weight becomes 32,512, halves of both signs, and the sums of their products.
    #[test]
    fn sixteen_bits_are_quantised_and_multiplied_as_the_profile_says() {
        let x = [32_512.0, -32_512.0, 255.0, -1.0, 127.5, 128.0, 0.0];
        let matrix = Matrix::quantise_w16(7, &[&x[..], &[0.0; 7][..]].concat()).unwrap();
        assert_eq!((matrix.format(), matrix.rows(), matrix.columns()), (Format::W16, 2, 7));
        assert_eq!(matrix.scales(), [1.0, 0.0]);
        let Weights::W16(halves) = matrix.weights() else { panic!() };
        // 127.5 is a tie that goes to 128 = 255 - 127.
        assert_eq!(halves[..14], [127, -127, 1, 0, 1, 1, 0, 127, -127, 0, -1, -127, -127, 0]);
        assert!(matrix.integers(0).eq([32_512, -32_512, 255, -1, 128, 128, 0]));
        let mut row = [f32::NAN; 7];
        assert!(matrix.read_row(0, &mut row) && !matrix.read_row(2, &mut row));
        assert_eq!(row, [32_512.0, -32_512.0, 255.0, -1.0, 128.0, 128.0, 0.0]);
        for kernels in Kernels::available() {
            let rows = Rows::quantise(kernels, &x, 7, Precision::A16).unwrap();
            let exact = 2 * 32_512_i64.pow(2) + 255 * 255 + 1 + 2 * 128 * 128;
            assert_eq!(whole(kernels, &matrix, &rows, Some(&[0.0, 5.0])), [exact as f32, 5.0], "{}", kernels.isa());
        }
    }

    #[test]
    fn bad_matrices_of_sixteen_bits_are_refused() {
        let shared = |columns, bytes: &[u8], range, scale: f32| {
            Matrix::shared_w16(columns, Arc::new(bytes.to_vec()), range, vec![scale]).map(|_| ())
        };
        let shape = Err(Error::Shape("a weight matrix"));
        assert_eq!(shared(2, &[1, 2, 3, 4], 0..4, 1.0), Ok(()));
        assert_eq!(shared(2, &[1, 2, 3, 4], 0..3, 1.0), shape);
        assert_eq!(shared(2, &[1, 2, 3, 4], 1..5, 1.0), shape);
        assert_eq!(shared(0, &[], 0..0, 1.0), shape);
        assert_eq!(shared(usize::MAX, &[], 0..0, 1.0), shape);
        assert_eq!(shared(MAX_COLUMNS + 1, &[0; 2 * MAX_COLUMNS + 2], 0..2 * MAX_COLUMNS + 2, 1.0), shape);
        for place in 0..4 {
            let mut bytes = [1, 2, 3, 4];
            bytes[place] = 0x80;
            assert_eq!(shared(2, &bytes, 0..4, 1.0), Err(Error::Weight));
        }
        assert_eq!(shared(1, &[1, 2], 0..2, f32::INFINITY), Err(Error::NotFinite("weight scales")));
        assert!(Matrix::quantise_w16(2, &[1.0, f32::NAN]).is_err());
        assert!(Matrix::quantise_w16(2, &[1.0]).is_err() && Matrix::quantise_w16(0, &[]).is_err());
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
        assert_eq!(matrix.integers(0).collect::<Vec<_>>(), [-127, 127, -127]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn products_are_exact_on_every_path_alone_in_any_batch_and_split_anywhere(
            seed in any::<u64>(), columns in 1usize..1200, outputs in 1usize..24, count in 1usize..20,
            wide in any::<bool>(), split in 0usize..24, format in 0usize..3,
        ) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f32 / 16_777_216.0) - 0.5
            };
            let precision = if wide { Precision::A16 } else { Precision::A8 };
            let quantise = [Matrix::quantise, Matrix::quantise_w4, Matrix::quantise_w16][format];
            let matrix = quantise(columns, &(0..columns * outputs).map(|_| next()).collect::<Vec<_>>()).unwrap();
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

    proptest! {
        #[test]
        fn four_bits_are_half_a_step_from_the_float_at_most(
            seed in any::<u64>(), columns in 1usize..300, exponent in -60i32..60, outlier in 0usize..300,
        ) {
            let mut state = seed;
            let factor = f32::from_bits(((127 + exponent) as u32) << 23);
            let x: Vec<f32> = (0..columns)
                .map(|i| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let x = ((state >> 40) as f32 / 16_777_216.0) - 0.5;
                    factor * if i == outlier { x * 100.0 } else { x }
                })
                .collect();
            let matrix = Matrix::quantise_w4(columns, &x).unwrap();
            let Weights::W4 { multipliers, .. } = matrix.weights() else { panic!() };
            let scale = f64::from(matrix.scales()[0]);
            for (i, (x, q)) in x.iter().zip(matrix.integers(0)).enumerate() {
                let step = f64::from(multipliers[i / GROUP]) * scale;
                let error = (f64::from(*x) - f64::from(q) * scale).abs();
                prop_assert!(error <= step * 0.500_01, "{error} of a step of {step}");
            }
        }
    }
}
