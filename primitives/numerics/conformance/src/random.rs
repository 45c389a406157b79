//! Random cases: shapes, values and refusals that the golden file does not have.

use crate::Numbers;
use alloc::{format, string::String, sync::Arc, vec, vec::Vec};
use assay_numerics::{
    attention::{self, attend, Heads, Mask},
    functions, half,
    matrix::{BLOCK, GROUP, MAX_COLUMNS, MAX_COLUMNS_W4},
    norm, reduce,
    rope::{Scaling, Table},
    sampler, Columns, ColumnsMut, Error, Format, Kernels, Matrix, Precision, Rows, Sampler, Sampling,
};

/// The outcome of one case.
pub(crate) struct Outcome {
    /// The operation and its sizes.
    pub what: String,
    /// Everything that was computed, integers as the floats that they are, or why it was refused.
    pub result: Result<Vec<f32>, Error>,
}

/// An operation draws its sizes and inputs from the numbers, describes them, and computes.
type Operation = fn(Kernels, &mut Numbers) -> Outcome;

const OPERATIONS: [Operation; 11] =
    [product, product_w16, product_w4, quantise, norms, sums, attention, functions, rope, halves, sample];

/// Case `case`: its operation is `case` modulo their number, its generator begins with the 64 random bits that the
/// sampler has for the seed (as its first eight bytes, little-endian) at position `case`.
pub(crate) fn run(kernels: Kernels, seed: u64, case: u32) -> Outcome {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut numbers = Numbers(sampler::random(&bytes, case));
    OPERATIONS[case as usize % OPERATIONS.len()](kernels, &mut numbers)
}

/// How `found` differs from `expected`, in words; bits are compared.
pub(crate) fn difference(found: &Result<Vec<f32>, Error>, expected: &Result<Vec<f32>, Error>) -> Option<String> {
    match (found, expected) {
        (Ok(found), Ok(expected)) => {
            if found.len() != expected.len() {
                return Some(format!("{} results, {}", found.len(), expected.len()));
            }
            let differs = |i: &usize| found[*i].to_bits() != expected[*i].to_bits();
            let first = (0..found.len()).find(differs)?;
            let count = (first..found.len()).filter(differs).count();
            let (found, expected) = (found[first], expected[first]);
            Some(format!("{count} results differ, the first is number {first}: {found:e}, {expected:e}"))
        }
        (Err(found), Err(expected)) if found == expected => None,
        (Err(found), Err(expected)) => Some(format!("refused ({found}), refused ({expected})")),
        (Err(found), Ok(_)) => Some(format!("refused ({found}), computed")),
        (Ok(_), Err(expected)) => Some(format!("computed, refused ({expected})")),
    }
}

/// A length from 1 to `most`, half of the time near a multiple of 16, where vectors end.
fn length(numbers: &mut Numbers, most: usize) -> usize {
    let any = 1 + numbers.below(most);
    if numbers.below(2) == 0 {
        return any;
    }
    (any.next_multiple_of(16) + numbers.below(3)).saturating_sub(1).clamp(1, most)
}

/// A power of two from 2^-`most` to 2^`most`.
fn power(numbers: &mut Numbers, most: usize) -> f32 {
    let exponent = 127 + numbers.below(2 * most + 1) - most;
    f32::from_bits((exponent as u32) << 23)
}

/// Floats as rows of activations have them: even, with one far larger, all at the limit, so small that they count as
/// zero; one row in 16 has an element that most operations refuse.
fn floats(numbers: &mut Numbers, length: usize) -> Vec<f32> {
    let factor = power(numbers, 10);
    let mut x: Vec<f32> = numbers.vector(length).into_iter().map(|x| x * factor).collect();
    let one = numbers.below(length);
    match numbers.below(32) {
        0..8 => x[one] *= 1000.0,
        8..12 => x.iter_mut().for_each(|x| *x = factor.copysign(*x)),
        12 => x.iter_mut().for_each(|x| *x *= f32::from_bits((127 - 105) << 23)),
        13..15 => x[one] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX][numbers.below(4)],
        _ => {}
    }
    x
}

fn precision(numbers: &mut Numbers) -> Precision {
    [Precision::A8, Precision::A16][numbers.below(2)]
}

fn product(kernels: Kernels, numbers: &mut Numbers) -> Outcome {
    product_of_bytes(kernels, numbers, Format::W8)
}

fn product_w16(kernels: Kernels, numbers: &mut Numbers) -> Outcome {
    product_of_bytes(kernels, numbers, Format::W16)
}

/// A product with weights of W8 or W16, whose halves are drawn like weights of W8.
fn product_of_bytes(kernels: Kernels, numbers: &mut Numbers, format: Format) -> Outcome {
    // The longest rows are few: they show that sums do not overflow.
    let longest = numbers.below(64) == 0;
    let columns = if longest { MAX_COLUMNS } else { length(numbers, 1200) };
    let outputs = 1 + numbers.below(if longest { 5 } else { 24 });
    let count = 1 + numbers.below(if longest { 3 } else { 20 });
    let precision = precision(numbers);
    let split = numbers.below(outputs + 1);
    let limit = longest || numbers.below(8) == 0;
    let mut weight = || match numbers.below(255) as i32 - 127 {
        q if limit && q < 0 => -127,
        _ if limit => 127,
        q => q as i8,
    };
    let size = columns * outputs * if format == Format::W16 { 2 } else { 1 };
    let weights: Vec<u8> = (0..size).map(|_| weight() as u8).collect();
    let scales = numbers.vector(outputs);
    let bias = (numbers.below(2) == 0).then(|| numbers.vector(outputs));
    let x = floats(numbers, columns * count);
    let shared = if format == Format::W16 { Matrix::shared_w16 } else { Matrix::shared };
    let compute = || {
        let matrix = shared(columns, Arc::new(weights), 0..size, scales)?;
        let rows = Rows::quantise(kernels, &x, columns, precision)?;
        let mut out = vec![0.0; count * outputs];
        let (left, right) = ColumnsMut::new(&mut out, outputs).split_at(split);
        matrix.multiply(kernels, &rows, bias.as_deref(), 0, left)?;
        matrix.multiply(kernels, &rows, bias.as_deref(), split, right)?;
        Ok(out)
    };
    Outcome {
        what: format!(
            "{precision:?} product of {count} rows, {columns} columns of {format:?}, {outputs} outputs split at {split}"
        ),
        result: compute(),
    }
}

fn product_w4(kernels: Kernels, numbers: &mut Numbers) -> Outcome {
    let longest = numbers.below(64) == 0;
    let columns = if longest { MAX_COLUMNS_W4 } else { length(numbers, 1200) };
    let outputs = 1 + numbers.below(if longest { 5 } else { 24 });
    let count = 1 + numbers.below(if longest { 3 } else { 20 });
    let precision = precision(numbers);
    let split = numbers.below(outputs + 1);
    let limit = longest || numbers.below(8) == 0;
    let blocks = columns.div_ceil(BLOCK);
    let mut bytes = vec![0x88; outputs * blocks * GROUP];
    let mut multipliers = vec![0; outputs * blocks * 2];
    for row in 0..outputs {
        for column in 0..columns {
            let (block, place) = (row * blocks + column / BLOCK, column % BLOCK);
            let q = if limit { 1 + 14 * numbers.below(2) } else { 1 + numbers.below(15) } as u8;
            let byte = &mut bytes[block * GROUP + place % GROUP];
            *byte = if place < GROUP { *byte & 0xf0 | q } else { *byte & 15 | q << 4 };
            multipliers[block * 2 + place / GROUP] = if limit { 63 } else { (column * 7 % 64) as u8 };
        }
    }
    let nibbles = 0..bytes.len();
    bytes.append(&mut multipliers);
    let multipliers = nibbles.end..bytes.len();
    let scales = numbers.vector(outputs);
    let bias = (numbers.below(2) == 0).then(|| numbers.vector(outputs));
    let x = floats(numbers, columns * count);
    let compute = || {
        let matrix = Matrix::shared_w4(columns, Arc::new(bytes), nibbles, multipliers, scales)?;
        let rows = Rows::quantise(kernels, &x, columns, precision)?;
        let mut out = vec![0.0; count * outputs];
        let (left, right) = ColumnsMut::new(&mut out, outputs).split_at(split);
        matrix.multiply(kernels, &rows, bias.as_deref(), 0, left)?;
        matrix.multiply(kernels, &rows, bias.as_deref(), split, right)?;
        Ok(out)
    };
    Outcome {
        what: format!(
            "{precision:?} product of {count} rows, {columns} columns of W4, {outputs} outputs split at {split}"
        ),
        result: compute(),
    }
}

fn quantise(kernels: Kernels, numbers: &mut Numbers) -> Outcome {
    let width = length(numbers, 2000);
    let count = 1 + numbers.below(4);
    let precision = precision(numbers);
    let x = floats(numbers, width * count);
    let compute = || {
        let rows = Rows::quantise(kernels, &x, width, precision)?;
        let (fine, packed) = (Matrix::quantise_w16(width, &x)?, Matrix::quantise_w4(width, &x)?);
        let weights = |row| fine.integers(row).chain(packed.integers(row));
        let values = (0..count).flat_map(|row| rows.values(row).chain(weights(row))).map(|q| q as f32);
        Ok(values.chain(rows.scales().iter().chain(fine.scales()).chain(packed.scales()).copied()).collect())
    };
    let result = compute();
    Outcome { what: format!("{precision:?}, W16 and W4 quantisation of {count} rows of {width}"), result }
}

fn norms(kernels: Kernels, numbers: &mut Numbers) -> Outcome {
    let width = length(numbers, 2000);
    let mut x = floats(numbers, width);
    let (weight, bias) = (floats(numbers, width), floats(numbers, width));
    let epsilon = [1e-5, 1e-6, 1e-12][numbers.below(3)];
    let mut out = vec![0.0; width];
    let mut compute = || {
        norm::rms(kernels, &x, &weight, epsilon, &mut out)?;
        let mut all = out.clone();
        norm::layer(kernels, &x, &weight, &bias, epsilon, &mut out)?;
        all.extend_from_slice(&out);
        norm::unit(&mut x)?;
        all.extend_from_slice(&x);
        finite(all)
    };
    Outcome { what: format!("norms of {width} with epsilon {epsilon:e}"), result: compute() }
}

/// The profile has no NaN, so the bits of one are not compared: machines make different ones.
fn finite(all: Vec<f32>) -> Result<Vec<f32>, Error> {
    if reduce::all_finite(&all) {
        Ok(all)
    } else {
        Err(Error::NotFinite("a result"))
    }
}

fn sums(_: Kernels, numbers: &mut Numbers) -> Outcome {
    let width = length(numbers, 4000);
    let (x, y) = (floats(numbers, width), floats(numbers, width));
    Outcome { what: format!("sums of {width}"), result: finite(vec![reduce::sum(&x), reduce::dot(&x, &y)]) }
}

fn attention(kernels: Kernels, numbers: &mut Numbers) -> Outcome {
    let dim = length(numbers, 96);
    let group = 1 + numbers.below(4);
    let rows = 1 + numbers.below(24);
    let before = numbers.below(160);
    let positions = before + rows;
    let window = (numbers.below(2) == 0).then(|| 1 + numbers.below(positions));
    let mask = if numbers.below(4) == 0 { Mask::Full } else { Mask::Causal { first: before, window } };
    // Queries lie in longer rows, as the outputs of a joint projection do.
    let stride = group * dim + numbers.below(4);
    let skipped = numbers.below(stride - group * dim + 1);
    let queries = floats(numbers, rows * stride);
    let factor = power(numbers, 4);
    let mut bits =
        || (0..dim * positions).map(|_| half::to_bits(numbers.float() * factor)).collect::<Result<Vec<_>, _>>();
    let (keys, values) = (bits(), bits());
    let compute = || {
        let heads = Heads {
            queries: Columns::new(&queries, stride, skipped, group * dim).ok_or(Error::Shape("attention"))?,
            dim,
            keys: &keys?,
            values: &values?,
            scale: attention::scale(dim),
            mask,
        };
        let mut out = vec![0.0; rows * group * dim];
        let view = ColumnsMut::new(&mut out, group * dim);
        attend(kernels, &heads, &mut attention::Scratch::default(), view)?;
        finite(out)
    };
    Outcome {
        what: format!("attention of {rows} rows of {group} queries of {dim} over {positions} keys, {mask:?}"),
        result: compute(),
    }
}

fn functions(kernels: Kernels, numbers: &mut Numbers) -> Outcome {
    let width = length(numbers, 2000);
    let (mut gate, up) = (floats(numbers, width), floats(numbers, width));
    let mut gelu = gate.clone();
    functions::silu_times(kernels, &mut gate, &up);
    functions::gelu_all(kernels, &mut gelu);
    gate.extend(gelu);
    Outcome { what: format!("SiLU and GELU of {width}"), result: finite(gate) }
}

fn rope(_: Kernels, numbers: &mut Numbers) -> Outcome {
    let dim = 2 * length(numbers, 64);
    let position = numbers.below(64);
    let base = [10_000.0, 500_000.0, 1_000_000.0][numbers.below(3)];
    let factor = 1.0 + numbers.below(320) as f64 / 10.0;
    let scaling = match numbers.below(3) {
        0 => Scaling::None,
        1 => Scaling::Linear { factor },
        _ => Scaling::Llama3 {
            factor,
            low_frequency_factor: 1.0,
            high_frequency_factor: 4.0,
            original_context: [256.0, 8192.0][numbers.below(2)],
        },
    };
    let mut head = floats(numbers, dim);
    let rotated = Table::new(position + 1, dim, base, &scaling).rotate(position, &mut head);
    let result = if rotated { finite(head) } else { Err(Error::Shape("a rotation")) };
    Outcome { what: format!("rotation of {dim} at position {position} with base {base}, {scaling:?}"), result }
}

fn halves(kernels: Kernels, numbers: &mut Numbers) -> Outcome {
    let width = length(numbers, 2000);
    let factor = power(numbers, 16);
    let x: Vec<f32> = floats(numbers, width).into_iter().map(|x| x * factor).collect();
    let mut bits = vec![0; width];
    let result = half::all_to_bits(kernels, &x, &mut bits).map(|()| {
        let back = bits.iter().map(|bits| half::from_bits(*bits));
        bits.iter().map(|bits| f32::from(*bits)).chain(back).collect()
    });
    Outcome { what: format!("half precision of {width}"), result }
}

fn sample(_: Kernels, numbers: &mut Numbers) -> Outcome {
    let vocabulary = length(numbers, 1000);
    let sampling = Sampling {
        temperature_milli: numbers.below(2000) as u32,
        top_k: numbers.below(100) as u32,
        top_p_milli: 1 + numbers.below(1000) as u32,
        repetition_penalty_milli: 900 + numbers.below(400) as u32,
    };
    let visible: Vec<u32> = (0..numbers.below(50)).map(|_| numbers.below(vocabulary + 5) as u32).collect();
    let seed = [numbers.below(256) as u8; 32];
    let logits = floats(numbers, vocabulary);
    let compute = || {
        let mut sampler = Sampler::new(sampling)?;
        (0..8).map(|p| Ok(sampler.sample(&logits, &visible, &seed, p)? as f32)).collect()
    };
    Outcome { what: format!("drawing of 8 tokens from {vocabulary}, {sampling:?}"), result: compute() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_computed_and_some_are_refused() {
        for operation in 0..OPERATIONS.len() as u32 {
            let outcome = |round| run(Kernels::SCALAR, 1, operation + round * OPERATIONS.len() as u32);
            let computed = (0..200).filter(|round| outcome(*round).result.is_ok()).count();
            assert!((100..200).contains(&computed), "{}: {computed} of 200", outcome(0).what);
        }
    }

    #[test]
    fn one_bit_is_a_difference() {
        let (a, b) = (Ok(vec![1.0, 0.0, 2.0]), Ok(vec![1.0, -0.0, 2.0]));
        assert_eq!(difference(&a, &a), None);
        assert_eq!(difference(&a, &b).unwrap(), "1 results differ, the first is number 1: 0e0, -0e0");
        assert_eq!(difference(&a, &Ok(vec![1.0])).unwrap(), "3 results, 1");
        let (weight, half) = (Err(Error::Weight), Err(Error::HalfOverflow));
        assert_eq!(difference(&weight, &weight), None);
        for (found, expected) in [(&weight, &half), (&a, &half), (&half, &a)] {
            assert!(difference(found, expected).unwrap().contains("refused"));
        }
    }
}
