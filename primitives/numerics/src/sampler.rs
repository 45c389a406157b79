//! Choosing the next token with integers only, from randomness that depends on the seed and the position alone.

use crate::{reduce::all_finite, rows::nearest, Error};
use alloc::vec::Vec;
use blake2::{digest::consts::U32, Blake2b, Digest};
use core::cmp::Reverse;

/// Domain of the sampler's randomness.
const DOMAIN: &[u8] = b"DET1/sample";
/// Most tokens that a vocabulary may have, so that a sum of weights times a thousand fits 64 bits.
pub const MAX_VOCABULARY: usize = 1 << 22;
/// Highest temperature, in thousandths.
pub const MAX_TEMPERATURE_MILLI: u32 = 10_000;
/// Repetition penalties allowed, in thousandths.
pub const PENALTY_MILLI: core::ops::RangeInclusive<u32> = 100..=10_000;
/// Distances from the best logit, in 65,536ths of a power of two, at which a weight is zero: 32 powers.
const FAR: f32 = 2_097_152.0;

/// How to choose. Fractions are whole thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sampling {
    /// Temperature in thousandths; 0 takes the likeliest token.
    pub temperature_milli: u32,
    /// Draw only from the `top_k` likeliest; 0 is all.
    pub top_k: u32,
    /// Draw only from the likeliest that together hold this share, in thousandths; 1000 is all.
    pub top_p_milli: u32,
    /// Divides positive and multiplies negative logits of visible tokens, in thousandths; 1000 is none.
    pub repetition_penalty_milli: u32,
}

/// Draws tokens. Holds scratch memory only: what it draws depends on its arguments alone.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    logits: Vec<f32>,
    seen: Vec<bool>,
    candidates: Vec<(u32, u32)>,
}

impl Sampler {
    /// A sampler.
    ///
    /// # Errors
    /// [`Error::Sampling`] naming the parameter that is out of range.
    pub fn new(sampling: Sampling) -> Result<Self, Error> {
        if sampling.temperature_milli > MAX_TEMPERATURE_MILLI {
            return Err(Error::Sampling("temperature"));
        }
        if !(1..=1000).contains(&sampling.top_p_milli) {
            return Err(Error::Sampling("top_p"));
        }
        if !PENALTY_MILLI.contains(&sampling.repetition_penalty_milli) {
            return Err(Error::Sampling("repetition_penalty"));
        }
        Ok(Self { sampling, logits: Vec::new(), seen: Vec::new(), candidates: Vec::new() })
    }

    /// How it chooses.
    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// The token for absolute position `position`, given the logits computed for it and the tokens before it. Order:
    /// penalty, temperature, top-k, top-p, draw.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where a logit is not finite, before or after the penalty; [`Error::Shape`] where there
    /// is no logit or there are more than [`MAX_VOCABULARY`].
    pub fn sample(&mut self, logits: &[f32], visible: &[u32], seed: &[u8; 32], position: u32) -> Result<u32, Error> {
        if logits.is_empty() || logits.len() > MAX_VOCABULARY {
            return Err(Error::Shape("logits"));
        }
        self.logits.clear();
        self.logits.extend_from_slice(logits);
        self.penalise(visible);
        if !all_finite(logits) || !all_finite(&self.logits) {
            return Err(Error::NotFinite("logits"));
        }
        // The first of the largest: ties go to the lowest id.
        let (mut best, mut largest) = (0u32, f32::NEG_INFINITY);
        for (id, logit) in (0u32..).zip(&self.logits) {
            if *logit > largest {
                (best, largest) = (id, *logit);
            }
        }
        if self.sampling.temperature_milli == 0 {
            return Ok(best);
        }
        self.weigh(largest);
        self.keep_top_k();
        self.keep_top_p();
        Ok(self.draw(random(seed, position)).unwrap_or(best))
    }

    fn penalise(&mut self, visible: &[u32]) {
        if self.sampling.repetition_penalty_milli == 1000 {
            return;
        }
        let penalty = self.sampling.repetition_penalty_milli as f32 / 1000.0;
        self.seen.clear();
        self.seen.resize(self.logits.len(), false);
        for id in visible {
            let index = *id as usize;
            if let (Some(seen), Some(logit)) = (self.seen.get_mut(index), self.logits.get_mut(index)) {
                if !*seen {
                    *seen = true;
                    *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
                }
            }
        }
    }

    /// Weights in Q31, as (weight, id) with ids ascending; those of zero are left out.
    fn weigh(&mut self, largest: f32) {
        let factor = (65_536_000.0 * core::f64::consts::LOG2_E / f64::from(self.sampling.temperature_milli)) as f32;
        self.candidates.clear();
        self.candidates.extend((0u32..).zip(&self.logits).filter_map(|(id, logit)| {
            let distance = (largest - *logit) * factor;
            // An infinite distance, from two finite logits, is far too.
            if distance >= FAR {
                return None;
            }
            let weight = exp2(nearest(distance) as u32);
            (weight > 0).then_some((weight, id))
        }));
    }

    fn keep_top_k(&mut self) {
        let k = self.sampling.top_k as usize;
        if k > 0 && k < self.candidates.len() {
            self.candidates.select_nth_unstable_by_key(k - 1, |(weight, id)| (Reverse(*weight), *id));
            self.candidates.truncate(k);
        }
    }

    /// Keeps the shortest prefix, by (weight descending, id ascending), that holds the share of the whole.
    fn keep_top_p(&mut self) {
        if self.sampling.top_p_milli == 1000 {
            return;
        }
        self.candidates.sort_unstable_by_key(|(weight, id)| (Reverse(*weight), *id));
        let threshold = self.total() * u64::from(self.sampling.top_p_milli);
        let mut held = 0u64;
        let mut kept = 0;
        for (weight, _) in &self.candidates {
            if kept > 0 && held * 1000 >= threshold {
                break;
            }
            held += u64::from(*weight);
            kept += 1;
        }
        self.candidates.truncate(kept);
    }

    fn total(&self) -> u64 {
        self.candidates.iter().map(|(weight, _)| u64::from(*weight)).sum()
    }

    /// The first id, ascending, whose cumulative weight exceeds (r * total) / 2^64.
    fn draw(&mut self, r: u64) -> Option<u32> {
        self.candidates.sort_unstable_by_key(|(_, id)| *id);
        let target = ((u128::from(r) * u128::from(self.total())) >> 64) as u64;
        let mut cumulative = 0u64;
        self.candidates.iter().find_map(|(weight, id)| {
            cumulative += u64::from(*weight);
            (cumulative > target).then_some(*id)
        })
    }
}

/// The 64 random bits of a position: the first eight bytes, little-endian, of blake2b-256 over the domain, the seed
/// and the position as four little-endian bytes.
pub fn random(seed: &[u8; 32], position: u32) -> u64 {
    let mut hasher = Blake2b::<U32>::new();
    hasher.update(DOMAIN);
    hasher.update(seed);
    hasher.update(position.to_le_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    digest.iter().take(8).rev().fold(0u64, |value, byte| (value << 8) | u64::from(*byte))
}

/// 2^(-t / 65536) in Q31, rounded down at each step; zero from 32 powers of two on.
pub fn exp2(t: u32) -> u32 {
    let whole = t >> 16;
    if whole > 31 {
        return 0;
    }
    let high = POWERS.high[((t >> 8) & 255) as usize];
    let low = POWERS.low[(t & 255) as usize];
    (((high as u64 * low as u64) >> 31) >> whole) as u32
}

/// 2^(-i / 256) and 2^(-i / 65536) for i below 256, in Q31.
struct Powers {
    high: [u32; 256],
    low: [u32; 256],
}

/// Computed by the compiler with integers alone. The roots 2^(-1/2^k) are in Q62: the first is the integer square
/// root of 2^123, each next one that of the last times 2^62. Entry i of a table is the product, rounded down to Q62
/// at each step, of the roots whose bit is set in i, from the highest bit on, then rounded down to Q31.
const POWERS: Powers = {
    let mut roots = [0u64; 16];
    let mut square = 1u128 << 123;
    let mut k = 0;
    while k < 16 {
        roots[k] = square.isqrt() as u64;
        square = (roots[k] as u128) << 62;
        k += 1;
    }
    let mut powers = Powers { high: [0; 256], low: [0; 256] };
    let mut i = 0;
    while i < 256 {
        let mut high = 1u64 << 62;
        let mut low = 1u64 << 62;
        let mut bit = 0;
        while bit < 8 {
            if i & (128 >> bit) != 0 {
                high = ((high as u128 * roots[bit] as u128) >> 62) as u64;
                low = ((low as u128 * roots[bit + 8] as u128) >> 62) as u64;
            }
            bit += 1;
        }
        powers.high[i] = (high >> 31) as u32;
        powers.low[i] = (low >> 31) as u32;
        i += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Sampling =
        Sampling { temperature_milli: 1000, top_k: 0, top_p_milli: 1000, repetition_penalty_milli: 1000 };

    #[test]
    fn powers_of_two_are_close() {
        assert_eq!(exp2(0), 1 << 31);
        assert_eq!(exp2(65_536), 1 << 30);
        assert_eq!(exp2(31 << 16), 1);
        assert_eq!(exp2(32 << 16), 0);
        assert_eq!(exp2(u32::MAX), 0);
        for t in (0..32u32 << 16).step_by(37) {
            let exact = 2f64.powf(31.0 - f64::from(t) / 65_536.0);
            assert!((f64::from(exp2(t)) - exact).abs() < 4.0, "{t}");
        }
    }

    #[test]
    fn randomness_is_pinned() {
        assert_eq!(random(&[7; 32], 0), random(&[7; 32], 0));
        assert_ne!(random(&[7; 32], 0), random(&[7; 32], 1));
        assert_ne!(random(&[7; 32], 0), random(&[8; 32], 0));
        // By another implementation of blake2b.
        assert_eq!(random(&[0; 32], 0), 3_856_683_975_217_606_095);
    }

    #[test]
    fn zero_temperature_takes_the_lowest_of_the_likeliest() {
        let mut sampler = Sampler::new(Sampling { temperature_milli: 0, ..ALL }).unwrap();
        assert_eq!(sampler.sample(&[1.0, 3.0, 3.0, -1.0], &[], &[0; 32], 0), Ok(1));
        let penalty = Sampling { temperature_milli: 0, repetition_penalty_milli: 2000, ..ALL };
        let mut sampler = Sampler::new(penalty).unwrap();
        // A token seen twice is penalised once; ids beyond the vocabulary are ignored.
        assert_eq!(sampler.sample(&[1.0, 3.0, 2.0, -1.0], &[1, 1, 99], &[0; 32], 0), Ok(2));
        assert_eq!(sampler.sample(&[-2.0, -1.5], &[1], &[0; 32], 0), Ok(0));
    }

    #[test]
    fn top_k_of_one_and_a_tiny_top_p_are_greedy() {
        for sampling in [Sampling { top_k: 1, ..ALL }, Sampling { top_p_milli: 1, ..ALL }] {
            let mut sampler = Sampler::new(sampling).unwrap();
            for position in 0..50 {
                assert_eq!(sampler.sample(&[0.5, 0.9, 0.9, 0.1], &[], &[3; 32], position), Ok(1));
            }
        }
    }

    #[test]
    fn draws_follow_the_weights() {
        let mut sampler = Sampler::new(ALL).unwrap();
        let logits = [0.0f32, 1.0, 2.0, -200.0];
        let mut counts = [0u32; 4];
        for position in 0..20_000 {
            counts[sampler.sample(&logits, &[], &[5; 32], position).unwrap() as usize] += 1;
        }
        let total: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
        for (count, logit) in counts.iter().zip(logits) {
            assert!((f64::from(*count) / 20_000.0 - f64::from(logit).exp() / total).abs() < 0.01);
        }
        assert_eq!(counts[3], 0);
    }

    #[test]
    fn bad_parameters_and_logits_are_refused() {
        let refused = |sampling| Sampler::new(sampling).unwrap_err();
        assert_eq!(refused(Sampling { temperature_milli: 10_001, ..ALL }), Error::Sampling("temperature"));
        assert_eq!(refused(Sampling { top_p_milli: 0, ..ALL }), Error::Sampling("top_p"));
        assert_eq!(refused(Sampling { top_p_milli: 1001, ..ALL }), Error::Sampling("top_p"));
        assert_eq!(refused(Sampling { repetition_penalty_milli: 0, ..ALL }), Error::Sampling("repetition_penalty"));
        let mut sampler = Sampler::new(ALL).unwrap();
        assert_eq!(sampler.sample(&[], &[], &[0; 32], 0), Err(Error::Shape("logits")));
        assert_eq!(sampler.sample(&[0.0, f32::NAN], &[], &[0; 32], 0), Err(Error::NotFinite("logits")));
        assert_eq!(sampler.sample(&[f32::INFINITY], &[], &[0; 32], 0), Err(Error::NotFinite("logits")));
    }

    proptest! {
        #[test]
        fn every_draw_is_one_that_the_rules_allow(
            logits in proptest::collection::vec(-20f32..20.0, 1..60), seed in any::<[u8; 32]>(), position in any::<u32>(),
            temperature_milli in 1u32..3000, top_k in 0u32..70, top_p_milli in 1u32..=1000,
        ) {
            let sampling = Sampling { temperature_milli, top_k, top_p_milli, ..ALL };
            let drawn = Sampler::new(sampling).unwrap().sample(&logits, &[], &seed, position).unwrap() as usize;
            // Never outside the k likeliest; logits so close that their weights are equal count as ties.
            let better = logits.iter().filter(|logit| **logit - logits[drawn] > 1e-4).count();
            prop_assert!(top_k == 0 || better < top_k as usize);
            // Scratch memory does not leak from one draw into the next.
            let mut reused = Sampler::new(sampling).unwrap();
            let _ = reused.sample(&[9.0, 1.0, 4.0], &[0], &seed, 1);
            prop_assert_eq!(reused.sample(&logits, &[], &seed, position).unwrap() as usize, drawn);
        }
    }
}
