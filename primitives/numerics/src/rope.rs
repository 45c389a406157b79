//! Rotary position embedding from a table that is computed once in f64 and rounded to f32.

use alloc::vec::Vec;

/// Cosines and sines for every position; pairs are (i, i + half), the half-split convention.
#[derive(Clone, Debug)]
pub struct Table {
    half: usize,
    /// For each position, `half` cosines and then `half` sines.
    values: Vec<f32>,
}

impl Table {
    /// The table of `positions` positions for heads of `head_dim` elements: the angle of pair i at position p is
    /// p * base^(-2 i / head_dim), in f64 by the pinned `libm`.
    pub fn new(positions: usize, head_dim: usize, base: f64) -> Self {
        let half = head_dim / 2;
        let frequencies: Vec<f64> = (0..half).map(|i| libm::pow(base, -((2 * i) as f64) / head_dim as f64)).collect();
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
        let table = Table::new(300, 32, 10_000.0);
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
}
