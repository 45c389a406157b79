//! The trace digest: a hash over every float row that an exact engine computed at the positions it answers for.

use blake2::{digest::consts::U32, Blake2b, Digest};

/// Hashes rows of floats in order: blake2b-256 over their little-endian bytes.
#[derive(Clone, Default)]
pub struct Trace(Blake2b<U32>);

impl Trace {
    /// An empty trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one row.
    pub fn row(&mut self, row: &[f32]) {
        let mut bytes = [0u8; 256];
        for block in row.chunks(64) {
            for (bytes, x) in bytes.chunks_exact_mut(4).zip(block) {
                bytes.copy_from_slice(&x.to_le_bytes());
            }
            self.0.update(&bytes[..block.len() * 4]);
        }
    }

    /// The digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_hashed_as_one_run_of_bytes() {
        let row: Vec<f32> = (0..200).map(|i| i as f32 * 0.37 - 9.0).collect();
        let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut trace = Trace::new();
        trace.row(&row[..77]);
        trace.row(&row[77..]);
        assert_eq!(trace.finish(), <[u8; 32]>::from(Blake2b::<U32>::digest(&bytes)));
    }
}
