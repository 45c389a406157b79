//! Rotary position embedding from a table that is computed once in f64 and rounded to f32.

use alloc::vec::Vec;
use core::f64::consts::PI;

/// Cosines and sines for every position; pairs are (i, i + half), the half-split convention.
#[derive(Clone, Debug)]
pub struct Table {
    half: usize,
    /// For each position, `half` cosines and then `half` sines.
    values: Vec<f32>,
}

/// How the frequencies are changed for longer contexts than a model was first trained for. All in f64.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Scaling {
    /// Not at all.
    #[default]
    None,
    /// Position interpolation (Chen and others, 2023): every frequency is divided by the factor.
    Linear {
        /// The factor; positive.
        factor: f64,
    },
    /// Llama 3: low frequencies are divided by the factor, high ones stay, those between are interpolated.
    Llama3 {
        /// The factor; positive.
        factor: f64,
        /// A frequency is low where it makes fewer turns than this in the original context.
        low_frequency_factor: f64,
        /// A frequency is high where it makes more turns than this in the original context; more than the low factor.
        high_frequency_factor: f64,
        /// The context that the model was first trained for, in positions.
        original_context: f64,
    },
}

impl Scaling {
    /// The frequency that takes the place of `frequency` (radians per position). Where a wave length is compared and
    /// how the terms are put in order follows `_compute_llama3_parameters` of Hugging Face's transformers.
    pub fn apply(&self, frequency: f64) -> f64 {
        match *self {
            Self::None => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 { factor, low_frequency_factor, high_frequency_factor, original_context } => {
                let wave_length = 2.0 * PI / frequency;
                if wave_length > original_context / low_frequency_factor {
                    frequency / factor
                } else if wave_length < original_context / high_frequency_factor {
                    frequency
                } else {
                    let smooth = (original_context / wave_length - low_frequency_factor)
                        / (high_frequency_factor - low_frequency_factor);
                    (1.0 - smooth) * frequency / factor + smooth * frequency
                }
            }
        }
    }
}

impl Table {
    /// The table of `positions` positions for heads of `head_dim` elements: the angle of pair i at position p is
    /// p * scaling(base^(-2 i / head_dim)), in f64 by the pinned `libm`.
    pub fn new(positions: usize, head_dim: usize, base: f64, scaling: &Scaling) -> Self {
        let half = head_dim / 2;
        let frequencies: Vec<f64> =
            (0..half).map(|i| scaling.apply(libm::pow(base, -((2 * i) as f64) / head_dim as f64))).collect();
        let mut values = Vec::with_capacity(positions * half * 2);
        for position in 0..positions {
            values.extend(frequencies.iter().map(|frequency| libm::cos(position as f64 * frequency) as f32));
            values.extend(frequencies.iter().map(|frequency| libm::sin(position as f64 * frequency) as f32));
        }
        Self { half, values }
    }

    /// The table's bytes, little-endian: what the manifest's hash covers.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Rotates one head in place: (a, b) becomes (a cos - b sin, b cos + a sin). `false` if the position is not in
    /// the table or the head has another size.
    #[must_use]
    pub fn rotate(&self, position: usize, head: &mut [f32]) -> bool {
        if self.half == 0 || head.len() != 2 * self.half {
            return false;
        }
        let Some(row) = self.values.chunks_exact(2 * self.half).nth(position) else { return false };
        let (cosines, sines) = row.split_at(self.half);
        let (first, second) = head.split_at_mut(self.half);
        for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
            let (x, y) = (*a, *b);
            *a = x * *cos - y * *sin;
            *b = y * *cos + x * *sin;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_are_close_to_rotations() {
        let table = Table::new(300, 32, 10_000.0, &Scaling::None);
        for position in [0usize, 1, 17, 299] {
            let mut head: Vec<f32> = (0..32).map(|i| i as f32 / 7.0 - 2.0).collect();
            let before = head.clone();
            assert!(table.rotate(position, &mut head));
            for i in 0..16 {
                let angle = position as f64 * 10_000f64.powf(-2.0 * i as f64 / 32.0);
                let (a, b) = (f64::from(before[i]), f64::from(before[i + 16]));
                assert!((f64::from(head[i]) - (a * angle.cos() - b * angle.sin())).abs() < 1e-5);
                assert!((f64::from(head[i + 16]) - (b * angle.cos() + a * angle.sin())).abs() < 1e-5);
            }
        }
        assert!(!table.rotate(300, &mut [0.0; 32]));
        assert!(!table.rotate(0, &mut [0.0; 30]));
        assert_eq!(table.to_bytes().len(), 300 * 32 * 4);
    }

    const LLAMA3: Scaling = Scaling::Llama3 {
        factor: 32.0,
        low_frequency_factor: 1.0,
        high_frequency_factor: 4.0,
        original_context: 8192.0,
    };

    /// What transformers 5 computes for the frequencies between, in f32.
    const BETWEEN: [(i32, f64); 3] =
        [(15, 0.0012905480107292533), (16, 0.000429556705057621), (17, 9.708286233944818e-5)];

    #[test]
    fn linear_scaling_stretches_positions() {
        let plain = Table::new(64, 16, 10_000.0, &Scaling::None);
        let stretched = Table::new(256, 16, 10_000.0, &Scaling::Linear { factor: 4.0 });
        // Dividing by a power of two is exact, so every fourth position is one of the plain table, bit for bit.
        for position in 0..64 {
            let (mut a, mut b) = ([0.5; 16], [0.5; 16]);
            assert!(plain.rotate(position, &mut a) && stretched.rotate(4 * position, &mut b));
            assert_eq!(a.map(f32::to_bits), b.map(f32::to_bits));
        }
    }

    #[test]
    fn llama_3_scaling_keeps_high_frequencies_and_divides_low_ones() {
        // The frequencies of Llama 3.2 1B (head of 64, base 500,000), and what transformers makes of them in f32.
        let frequency = |i: i32| 500_000f64.powf(-2.0 * f64::from(i) / 64.0);
        for i in 0..=14 {
            assert_eq!(LLAMA3.apply(frequency(i)), frequency(i), "{i}");
        }
        for i in 18..32 {
            assert_eq!(LLAMA3.apply(frequency(i)), frequency(i) / 32.0, "{i}");
        }
        for (i, expected) in BETWEEN {
            assert!((LLAMA3.apply(frequency(i)) / expected - 1.0).abs() < 2e-6, "{i}: {}", LLAMA3.apply(frequency(i)));
        }
    }

    #[test]
    fn llama_3_scaling_is_continuous_at_its_two_borders() {
        for turns in [1.0, 4.0] {
            let border = 2.0 * PI * turns / 8192.0;
            let (below, above) = (LLAMA3.apply(border * (1.0 - 1e-9)), LLAMA3.apply(border * (1.0 + 1e-9)));
            assert!((below / above - 1.0).abs() < 1e-6, "{turns}: {below} {above}");
        }
    }
}
