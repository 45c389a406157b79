//! The generator of every input.

use alloc::vec::Vec;

/// A linear congruential generator; it holds its state, which is the seed at first. Each step is
/// state = state * 6364136223846793005 + 1442695040888963407 mod 2^64.
#[derive(Clone, Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    fn step(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    /// The next float in [-1/2, 1/2): the top 24 bits of the state / 2^24 - 1/2.
    pub fn float(&mut self) -> f32 {
        (self.step() >> 40) as f32 / 16_777_216.0 - 0.5
    }

    /// As many floats.
    pub fn vector(&mut self, length: usize) -> Vec<f32> {
        (0..length).map(|_| self.float()).collect()
    }

    /// The next integer below `end`, which is not above 2^32: the top 32 bits of the state * end / 2^32, rounded down.
    pub fn below(&mut self, end: usize) -> usize {
        (((self.step() >> 32) * end as u64) >> 32) as usize
    }
}
