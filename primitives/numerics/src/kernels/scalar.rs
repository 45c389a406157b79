//! The reference.

use super::Tile;
use crate::matrix::{BLOCK, GROUP};

/// Portable code.
pub(super) struct Scalar;

impl Tile for Scalar {
    const PARTS: usize = 2;
    const WEIGHTS: usize = 1;
    const OFFSET: i32 = 0;
    const PARTS_W4: usize = 2;
    const OFFSET_W4: i32 = 0;

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

/// A tile of whole rows, as [`Tile::tile_whole`] has it.
#[inline(always)]
pub(super) unsafe fn tile_whole<const P: usize, const W: usize>(
    rows: *const i16,
    stride: usize,
    weights: *const i8,
    columns: usize,
) -> [[i64; W]; P] {
    let mut sums = [[0; W]; P];
    for (p, sums) in sums.iter_mut().enumerate() {
        // SAFETY: the caller's; here and below.
        let row = unsafe { core::slice::from_raw_parts(rows.add(p * stride), columns) };
        for (w, sum) in sums.iter_mut().enumerate() {
            let weights = unsafe { core::slice::from_raw_parts(weights.add(w * columns), columns) };
            *sum = row.iter().zip(weights).map(|(x, w)| i64::from(*x) * i64::from(*w)).sum();
        }
    }
    sums
}

/// A tile of W4, as [`Tile::tile_w4`] has it.
#[inline(always)]
pub(super) unsafe fn tile_w4<const P: usize, const W: usize>(
    parts: *const i8,
    stride: usize,
    nibbles: *const u8,
    multipliers: *const u8,
    blocks: usize,
) -> [[i32; W]; P] {
    let mut sums = [[0; W]; P];
    for (p, sums) in sums.iter_mut().enumerate() {
        // SAFETY: the caller's; here and below.
        let part = unsafe { core::slice::from_raw_parts(parts.add(p * stride), blocks * BLOCK) };
        for (w, sum) in sums.iter_mut().enumerate() {
            let nibbles = unsafe { core::slice::from_raw_parts(nibbles.add(w * blocks * GROUP), blocks * GROUP) };
            let multipliers = unsafe { core::slice::from_raw_parts(multipliers.add(w * blocks * 2), blocks * 2) };
            let weights = nibbles.chunks_exact(GROUP).zip(multipliers.chunks_exact(2));
            for (x, (bytes, factors)) in part.chunks_exact(BLOCK).zip(weights) {
                let (first, second) = x.split_at(GROUP);
                let dot = |x: &[i8], weight: fn(u8) -> u8| -> i32 {
                    x.iter().zip(bytes).map(|(x, byte)| i32::from(*x) * (i32::from(weight(*byte)) - 8)).sum()
                };
                *sum += dot(first, |byte| byte & 15) * i32::from(factors[0]);
                *sum += dot(second, |byte| byte >> 4) * i32::from(factors[1]);
            }
        }
    }
    sums
}
