//! Softmax attention of queries over keys in a fixed order.

use crate::{functions::exp, half::each_from_bits, isa::versions, reduce, Columns, ColumnsMut, Error};
use alloc::vec::Vec;
use core::ops::Range;

/// Keys are summed in chunks of this many, by absolute index.
pub const CHUNK: usize = 64;
/// Query vectors that share one reading of the keys and values.
const QUERIES: usize = 64;
/// Channels that are summed in registers together.
const CHANNELS: usize = 32;

/// Memory that calls share, so that none has to allocate. What it holds between calls has no meaning.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    scores: Vec<f32>,
    chunk: Vec<f32>,
    totals: Vec<f32>,
}

/// The scale of attention scores: 1 / sqrt(head_dim) in f64, rounded to f32.
pub fn scale(head_dim: usize) -> f32 {
    (1.0 / libm::sqrt(head_dim as f64)) as f32
}

/// Which keys a row of queries sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mask {
    /// Every key: encoders.
    Full,
    /// Row i stands at position `first + i` and sees the keys up to its own, the last `window` of them if there is one.
    Causal {
        /// Position of the first row.
        first: usize,
        /// Number of keys seen, the own one included.
        window: Option<usize>,
    },
}

impl Mask {
    #[inline(always)]
    fn visible(self, row: usize, keys: usize) -> Range<usize> {
        match self {
            Self::Full => 0..keys,
            Self::Causal { first, window } => {
                let end = first.saturating_add(row).saturating_add(1);
                end.saturating_sub(window.unwrap_or(end))..end
            }
        }
    }
}

/// One key head with all the query heads that read it.
pub struct Heads<'a> {
    /// For each row, one or more query vectors of `dim` floats side by side.
    pub queries: Columns<'a>,
    /// Length of a vector.
    pub dim: usize,
    /// One key of `dim` half-precision numbers per position, as bits.
    pub keys: &'a [u16],
    /// The values, likewise.
    pub values: &'a [u16],
    /// What scores are multiplied with, see [`scale`].
    pub scale: f32,
    /// Which keys each row sees.
    pub mask: Mask,
}

versions! {
    /// Attention of every query over the keys that its row sees; `out` has the shape of the queries.
    ///
    /// Scores are dot(query, key) * scale in sixteen lanes; the largest is subtracted; p = exp(score - largest). Inside
    /// a chunk of [`CHUNK`] keys, counted from position 0, p, and p * value for each channel, are added one after the
    /// other from zero; chunk sums are added left to right from zero; each channel is divided by the sum of p at last.
    ///
    /// # Errors
    /// [`Error::Shape`] where sizes do not fit or a row sees no key; [`Error::NotFinite`] where a score is not finite.
    pub fn attend(heads: &Heads<'_>, scratch: &mut Scratch, out: ColumnsMut<'_>) -> Result<(), Error> = attend_all;
}

#[inline(always)]
fn attend_all(heads: &Heads<'_>, scratch: &mut Scratch, mut out: ColumnsMut<'_>) -> Result<(), Error> {
    let Heads { queries, dim, keys, values, scale, mask } = *heads;
    let (rows, width) = (queries.rows(), queries.columns());
    let whole = dim > 0 && width > 0 && width.is_multiple_of(dim) && keys.len().is_multiple_of(dim);
    if !whole || keys.len() != values.len() || out.rows() != rows || out.columns() != width {
        return Err(Error::Shape("attention"));
    }
    let positions = keys.len() / dim;
    let group = width / dim;
    let step = (QUERIES / group).max(1);
    let mut begin = 0;
    while begin < rows {
        let end = (begin + step).min(rows);
        let mut seen = Range { start: usize::MAX, end: 0 };
        for row in begin..end {
            let visible = mask.visible(row, positions);
            if visible.is_empty() || visible.end > positions {
                return Err(Error::Shape("attention"));
            }
            seen = seen.start.min(visible.start)..seen.end.max(visible.end);
        }
        let length = seen.len();
        let chunks = seen.start / CHUNK..seen.end.div_ceil(CHUNK);
        scratch.scores.resize((end - begin) * group * length, 0.0);
        scratch.chunk.resize(CHUNK * dim, 0.0);
        for chunk in chunks.clone() {
            let held = chunk * CHUNK..((chunk + 1) * CHUNK).min(positions);
            each_from_bits(&keys[held.start * dim..held.end * dim], &mut scratch.chunk);
            for row in begin..end {
                let visible = inside(&mask.visible(row, positions), &held);
                for (head, query) in queries.row(row).chunks_exact(dim).enumerate() {
                    let scores = &mut scratch.scores[((row - begin) * group + head) * length..][..length];
                    let scores = &mut scores[visible.start - seen.start..visible.end - seen.start];
                    let keys = scratch.chunk[(visible.start - held.start) * dim..].chunks_exact(dim);
                    for (score, key) in scores.iter_mut().zip(keys) {
                        *score = reduce::dot(query, key) * scale;
                    }
                }
            }
        }
        for row in begin..end {
            let visible = mask.visible(row, positions);
            for head in 0..group {
                let scores = &mut scratch.scores[((row - begin) * group + head) * length..][..length];
                weigh(&mut scores[visible.start - seen.start..visible.end - seen.start])?;
            }
            out.row(row).fill(0.0);
        }
        scratch.totals.clear();
        scratch.totals.resize((end - begin) * group, 0.0);
        for chunk in chunks {
            let held = chunk * CHUNK..((chunk + 1) * CHUNK).min(positions);
            each_from_bits(&values[held.start * dim..held.end * dim], &mut scratch.chunk);
            for row in begin..end {
                let visible = inside(&mask.visible(row, positions), &held);
                if visible.is_empty() {
                    continue;
                }
                for (head, out) in out.row(row).chunks_exact_mut(dim).enumerate() {
                    let query = (row - begin) * group + head;
                    let weights = &scratch.scores[query * length..][..length];
                    let weights = &weights[visible.start - seen.start..visible.end - seen.start];
                    let values = &scratch.chunk[(visible.start - held.start) * dim..];
                    let mut sum = 0.0f32;
                    for p in weights {
                        sum += *p;
                    }
                    scratch.totals[query] += sum;
                    add_values(weights, values, dim, out);
                }
            }
        }
        for row in begin..end {
            let totals = &scratch.totals[(row - begin) * group..][..group];
            for (out, total) in out.row(row).chunks_exact_mut(dim).zip(totals) {
                for out in out {
                    *out /= *total;
                }
            }
        }
        begin = end;
    }
    Ok(())
}

/// What two ranges share; empty, at the second's beginning, if nothing.
#[inline(always)]
fn inside(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.clamp(b.start, b.end);
    start..a.end.clamp(start, b.end)
}

/// Replaces scores by exp(score - largest).
#[inline(always)]
fn weigh(scores: &mut [f32]) -> Result<(), Error> {
    if !reduce::all_finite(scores) {
        return Err(Error::NotFinite("attention scores"));
    }
    // Of finite numbers the largest has no order; of two zeros, either gives the same differences but for a sign of
    // zero, which exp does not see.
    let mut lanes = [f32::MIN; reduce::LANES];
    let mut blocks = scores.chunks_exact(reduce::LANES);
    for block in &mut blocks {
        for (lane, score) in lanes.iter_mut().zip(block) {
            *lane = if *score > *lane { *score } else { *lane };
        }
    }
    let mut largest = f32::MIN;
    for score in lanes.iter().chain(blocks.remainder()) {
        largest = if *score > largest { *score } else { largest };
    }
    for score in scores {
        *score = exp(*score - largest);
    }
    Ok(())
}

/// Adds one chunk's sums of weight times value to `out`, channel by channel.
#[inline(always)]
fn add_values(weights: &[f32], values: &[f32], dim: usize, out: &mut [f32]) {
    let mut first = 0;
    while first < dim {
        if first + CHANNELS <= dim {
            add_channels::<CHANNELS>(weights, values, dim, first, out);
            first += CHANNELS;
        } else {
            add_channels::<1>(weights, values, dim, first, out);
            first += 1;
        }
    }
}

#[inline(always)]
fn add_channels<const N: usize>(weights: &[f32], values: &[f32], dim: usize, first: usize, out: &mut [f32]) {
    let mut sums = [0.0f32; N];
    for (p, value) in weights.iter().zip(values.chunks_exact(dim)) {
        for (sum, v) in sums.iter_mut().zip(&value[first..first + N]) {
            *sum += *p * *v;
        }
    }
    for (out, sum) in out[first..first + N].iter_mut().zip(sums) {
        *out += sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{half, Kernels};
    use proptest::prelude::*;

    /// By the book: one query, float keys and values that are what half precision made of them.
    fn plain(query: &[f32], keys: &[f32], values: &[f32], first_key: usize, scale: f32) -> Vec<f32> {
        let dim = query.len();
        let scores: Vec<f32> = keys.chunks(dim).map(|key| reduce::dot(query, key) * scale).collect();
        let largest = scores.iter().copied().fold(f32::MIN, f32::max);
        let weights: Vec<f32> = scores.iter().map(|score| exp(score - largest)).collect();
        let mut total = 0.0;
        let mut out = vec![0.0; dim];
        let mut sum = 0.0;
        let mut channels = vec![0.0; dim];
        for (i, (p, value)) in weights.iter().zip(values.chunks(dim)).enumerate() {
            if i > 0 && (first_key + i).is_multiple_of(CHUNK) {
                total += sum;
                sum = 0.0;
                for (out, channel) in out.iter_mut().zip(&mut channels) {
                    *out += std::mem::take(channel);
                }
            }
            sum += p;
            for (channel, v) in channels.iter_mut().zip(value) {
                *channel += p * v;
            }
        }
        total += sum;
        out.iter().zip(channels).map(|(out, channel)| (out + channel) / total).collect()
    }

    proptest! {
        #[test]
        fn attention_goes_by_the_book_on_every_path(
            seed in any::<u64>(), rows in 1usize..70, before in 0usize..150, dim in 1usize..80, group in 1usize..4,
            window in proptest::option::of(1usize..100), full in any::<bool>(),
        ) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f32 / 16_777_216.0 - 0.5) * 4.0
            };
            let positions = before + rows;
            let mask = if full { Mask::Full } else { Mask::Causal { first: before, window } };
            let queries: Vec<f32> = (0..rows * (group * dim + 3)).map(|_| next()).collect();
            let keys: Vec<u16> = (0..dim * positions).map(|_| half::to_bits(next()).unwrap()).collect();
            let values: Vec<u16> = (0..dim * positions).map(|_| half::to_bits(next()).unwrap()).collect();
            let floats = |bits: &[u16]| -> Vec<f32> { bits.iter().map(|bits| half::from_bits(*bits)).collect() };
            let queries = Columns::new(&queries, group * dim + 3, 2, group * dim).unwrap();
            let heads = Heads { queries, dim, keys: &keys, values: &values, scale: scale(dim), mask };
            let mut expected = Vec::new();
            for row in 0..rows {
                let visible = mask.visible(row, positions);
                let part = visible.start * dim..visible.end * dim;
                for query in queries.row(row).chunks(dim) {
                    expected.extend(
                        plain(query, &floats(&keys[part.clone()]), &floats(&values[part.clone()]), visible.start, scale(dim))
                    );
                }
            }
            for kernels in Kernels::available() {
                let mut out = vec![f32::NAN; expected.len()];
                let mut scratch = Scratch::default();
                attend(kernels, &heads, &mut scratch, ColumnsMut::new(&mut out, group * dim)).unwrap();
                let same = out.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
                prop_assert!(same, "{} differs", kernels.isa());
            }
        }

        #[test]
        fn attention_is_close_to_softmax(seed in any::<u64>(), count in 1usize..200, dim in 1usize..150) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                half::to_bits(((state >> 40) as f32 / 16_777_216.0 - 0.5) * 4.0).unwrap()
            };
            let query: Vec<f32> = (0..dim).map(|_| half::from_bits(next())).collect();
            let keys: Vec<u16> = (0..dim * count).map(|_| next()).collect();
            let values: Vec<u16> = (0..dim * count).map(|_| next()).collect();
            let mut out = vec![0.0; dim];
            let queries = Columns::new(&query, dim, 0, dim).unwrap();
            let heads = Heads { queries, dim, keys: &keys, values: &values, scale: scale(dim), mask: Mask::Full };
            attend(Kernels::best(), &heads, &mut Scratch::default(), ColumnsMut::new(&mut out, dim)).unwrap();
            let real = |bits: &u16| f64::from(half::from_bits(*bits));
            let p: Vec<f64> = keys
                .chunks(dim)
                .map(|key| key.iter().zip(&query).map(|(a, b)| real(a) * f64::from(*b)).sum::<f64>())
                .map(|score| (score / (dim as f64).sqrt()).exp())
                .collect();
            let total: f64 = p.iter().sum();
            for c in 0..dim {
                let exact: f64 = p.iter().enumerate().map(|(j, p)| p * real(&values[j * dim + c])).sum::<f64>() / total;
                prop_assert!((f64::from(out[c]) - exact).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let try_it = |query: &[f32], keys: &[u16], values: &[u16], mask: Mask| {
            let queries = Columns::new(query, 2, 0, 2).unwrap();
            let mut out = vec![0.0; query.len()];
            let heads = Heads { queries, dim: 2, keys, values, scale: 1.0, mask };
            attend(Kernels::best(), &heads, &mut Scratch::default(), ColumnsMut::new(&mut out, 2))
        };
        let shape = Err(Error::Shape("attention"));
        assert_eq!(try_it(&[1.0; 2], &[0; 2], &[0; 2], Mask::Full), Ok(()));
        assert_eq!(try_it(&[1.0; 2], &[], &[], Mask::Full), shape);
        assert_eq!(try_it(&[1.0; 2], &[0; 3], &[0; 3], Mask::Full), shape);
        assert_eq!(try_it(&[1.0; 2], &[0; 2], &[0; 4], Mask::Full), shape);
        let causal = |first, window| Mask::Causal { first, window };
        assert_eq!(try_it(&[1.0; 2], &[0; 2], &[0; 2], causal(1, None)), shape);
        assert_eq!(try_it(&[1.0; 2], &[0; 2], &[0; 2], causal(usize::MAX, None)), shape);
        assert_eq!(try_it(&[1.0; 2], &[0; 2], &[0; 2], causal(0, Some(0))), shape);
        let not_finite = Err(Error::NotFinite("attention scores"));
        assert_eq!(try_it(&[f32::NAN, 1.0], &[0; 2], &[0; 2], Mask::Full), not_finite);
    }
}
