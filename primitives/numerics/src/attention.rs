//! Softmax attention of one query over keys in a fixed order.

use crate::{functions::exp, reduce, Error};
use alloc::vec::Vec;

/// Keys are summed in chunks of this many, by absolute index.
pub const CHUNK: usize = 64;

/// Memory that calls share, so that none has to allocate. What it holds between calls has no meaning.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    scores: Vec<f32>,
    channels: Vec<f32>,
}

/// The scale of attention scores: 1 / sqrt(head_dim) in f64, rounded to f32.
pub fn scale(head_dim: usize) -> f32 {
    (1.0 / libm::sqrt(head_dim as f64)) as f32
}

/// Attention of `query` over `keys` and `values`, which hold one vector of the query's length per visible position
/// and were rounded to half precision when they were stored.
///
/// Scores are dot(query, key) * scale in sixteen lanes; the largest is subtracted; p = exp(score - largest). Inside
/// a chunk of [`CHUNK`] keys p, and p * value for each channel, are added one after the other from zero; chunk sums
/// are added left to right from zero; each channel is divided by the sum of p at last.
///
/// # Errors
/// [`Error::Shape`] where sizes do not fit or no key is visible; [`Error::NotFinite`] where a score is not finite.
pub fn attend(
    query: &[f32],
    keys: &[f32],
    values: &[f32],
    scale: f32,
    scratch: &mut Scratch,
    out: &mut [f32],
) -> Result<(), Error> {
    let dim = query.len();
    if dim == 0 || keys.is_empty() || !keys.len().is_multiple_of(dim) || keys.len() != values.len() || out.len() != dim
    {
        return Err(Error::Shape("attention"));
    }
    let Scratch { scores, channels } = scratch;
    scores.clear();
    scores.extend(keys.chunks_exact(dim).map(|key| reduce::dot(query, key) * scale));
    if !reduce::all_finite(scores) {
        return Err(Error::NotFinite("attention scores"));
    }
    let largest = scores.iter().fold(f32::MIN, |largest, score| if *score > largest { *score } else { largest });
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
    }
    out.fill(0.0);
    let mut total = 0.0f32;
    channels.resize(dim, 0.0);
    for (weights, values) in scores.chunks(CHUNK).zip(values.chunks(CHUNK * dim)) {
        let mut sum = 0.0f32;
        channels.fill(0.0);
        for (p, value) in weights.iter().zip(values.chunks_exact(dim)) {
            sum += *p;
            for (channel, v) in channels.iter_mut().zip(value) {
                *channel += *p * *v;
            }
        }
        total += sum;
        for (out, channel) in out.iter_mut().zip(channels.iter()) {
            *out += *channel;
        }
    }
    for out in out.iter_mut() {
        *out /= total;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn attention_is_close_to_softmax(seed in any::<u64>(), count in 1usize..200, dim in 1usize..150) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                crate::half::round(((state >> 40) as f32 / 16_777_216.0 - 0.5) * 4.0).unwrap()
            };
            let query: Vec<f32> = (0..dim).map(|_| next()).collect();
            let keys: Vec<f32> = (0..dim * count).map(|_| next()).collect();
            let values: Vec<f32> = (0..dim * count).map(|_| next()).collect();
            let mut out = vec![0.0; dim];
            attend(&query, &keys, &values, scale(dim), &mut Scratch::default(), &mut out).unwrap();
            let p: Vec<f64> = keys
                .chunks(dim)
                .map(|key| key.iter().zip(&query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>())
                .map(|score| (score / (dim as f64).sqrt()).exp())
                .collect();
            let total: f64 = p.iter().sum();
            for c in 0..dim {
                let exact: f64 = p.iter().enumerate().map(|(j, p)| p * f64::from(values[j * dim + c])).sum::<f64>() / total;
                prop_assert!((f64::from(out[c]) - exact).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let mut scratch = Scratch::default();
        let mut out = [0.0; 2];
        assert!(attend(&[1.0; 2], &[], &[], 1.0, &mut scratch, &mut out).is_err());
        assert!(attend(&[1.0; 2], &[1.0; 3], &[1.0; 3], 1.0, &mut scratch, &mut out).is_err());
        assert_eq!(
            attend(&[f32::NAN, 1.0], &[1.0; 2], &[1.0; 2], 1.0, &mut scratch, &mut out),
            Err(Error::NotFinite("attention scores"))
        );
    }
}
