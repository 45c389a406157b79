//! The reference.

use super::Tile;

/// Portable code.
pub(super) struct Scalar;

impl Tile for Scalar {
    const PARTS: usize = 2;
    const WEIGHTS: usize = 1;
    const OFFSET: i32 = 0;

    #[inline(always)]
    unsafe fn tile<const P: usize, const W: usize>(
        parts: *const i8,
        stride: usize,
        weights: *const i8,
        columns: usize,
    ) -> [[i32; W]; P] {
        let mut sums = [[0; W]; P];
        for (p, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the caller's.
            let part = unsafe { core::slice::from_raw_parts(parts.add(p * stride), columns) };
            for (w, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the caller's.
                let weights = unsafe { core::slice::from_raw_parts(weights.add(w * columns), columns) };
                *sum = part.iter().zip(weights).map(|(x, w)| i32::from(*x) * i32::from(*w)).sum();
            }
        }
        sums
    }
}
