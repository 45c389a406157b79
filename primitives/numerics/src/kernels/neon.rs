//! NEON, with and without the dot product instructions.

use super::{run, Product, Tile};
use crate::matrix::{BLOCK, GROUP};
use core::arch::{aarch64::*, asm};

/// # Safety
/// The dot product instructions are there, and the product's sizes fit.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn dot(product: Product<'_>) {
    // SAFETY: the caller's.
    unsafe { run::<NeonDot>(product) }
}

/// # Safety
/// NEON is there, and the product's sizes fit.
#[target_feature(enable = "neon")]
pub(super) unsafe fn base(product: Product<'_>) {
    // SAFETY: the caller's.
    unsafe { run::<Neon>(product) }
}

/// `sdot` multiplies signed bytes and adds four products to 32 bits. 24 sums, four vectors of weights and one of a part
/// fit the 32 registers.
struct NeonDot;

impl Multiply for NeonDot {
    #[inline(always)]
    unsafe fn add(mut sum: int32x4_t, x: int8x16_t, weights: int8x16_t) -> int32x4_t {
        // `vdotq_s32` is not stable in the Rust that this crate is for.
        // SAFETY: the caller's; the instruction touches registers alone.
        unsafe {
            asm!(
                "sdot {sum:v}.4s, {x:v}.16b, {weights:v}.16b",
                sum = inlateout(vreg) sum,
                x = in(vreg) x,
                weights = in(vreg) weights,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sum
    }
}

impl Tile for NeonDot {
    const PARTS: usize = 6;
    const WEIGHTS: usize = 4;
    const OFFSET: i32 = 0;
    const PARTS_W4: usize = 4;
    const OFFSET_W4: i32 = 0;

    #[inline(always)]
    unsafe fn tile<const P: usize, const W: usize>(
        parts: *const i8,
        stride: usize,
        weights: *const i8,
        columns: usize,
    ) -> [[i32; W]; P] {
        // SAFETY: the caller's.
        unsafe { tile::<Self, P, W>(parts, stride, weights, columns) }
    }

    #[inline(always)]
    unsafe fn tile_w4<const P: usize, const W: usize>(
        parts: *const i8,
        stride: usize,
        nibbles: *const u8,
        multipliers: *const u8,
        blocks: usize,
    ) -> [[i32; W]; P] {
        // SAFETY: the caller's.
        unsafe { tile_w4::<Self, P, W>(parts, stride, nibbles, multipliers, blocks) }
    }
}

/// Two products of signed bytes are added in 16 bits, and pairs of those to 32. As no byte is -128, two products are
/// 2 * 127 * 127 at most and do not overflow.
struct Neon;

impl Multiply for Neon {
    #[inline(always)]
    unsafe fn add(sum: int32x4_t, x: int8x16_t, weights: int8x16_t) -> int32x4_t {
        // SAFETY: the caller's.
        unsafe {
            let low = vmull_s8(vget_low_s8(x), vget_low_s8(weights));
            vpadalq_s16(sum, vmlal_s8(low, vget_high_s8(x), vget_high_s8(weights)))
        }
    }
}

impl Tile for Neon {
    const PARTS: usize = 4;
    const WEIGHTS: usize = 4;
    const OFFSET: i32 = 0;
    const PARTS_W4: usize = 4;
    const OFFSET_W4: i32 = 0;

    #[inline(always)]
    unsafe fn tile<const P: usize, const W: usize>(
        parts: *const i8,
        stride: usize,
        weights: *const i8,
        columns: usize,
    ) -> [[i32; W]; P] {
        // SAFETY: the caller's.
        unsafe { tile::<Self, P, W>(parts, stride, weights, columns) }
    }

    #[inline(always)]
    unsafe fn tile_w4<const P: usize, const W: usize>(
        parts: *const i8,
        stride: usize,
        nibbles: *const u8,
        multipliers: *const u8,
        blocks: usize,
    ) -> [[i32; W]; P] {
        // SAFETY: the caller's.
        unsafe { tile_w4::<Self, P, W>(parts, stride, nibbles, multipliers, blocks) }
    }
}

/// How sixteen products are added to four sums, in any grouping.
trait Multiply {
    /// # Safety
    /// The instruction set is there.
    unsafe fn add(sum: int32x4_t, x: int8x16_t, weights: int8x16_t) -> int32x4_t;
}

/// A tile, as [`Tile::tile`] has it.
#[inline(always)]
unsafe fn tile<M: Multiply, const P: usize, const W: usize>(
    parts: *const i8,
    stride: usize,
    weights: *const i8,
    columns: usize,
) -> [[i32; W]; P] {
    // SAFETY: whole vectors of weights end at `columns`; the rest is copied; parts are padded.
    unsafe {
        let mut sums = [[vdupq_n_s32(0); W]; P];
        let whole = columns & !15;
        let mut column = 0;
        while column < whole {
            let mut vectors = [vdupq_n_s8(0); W];
            for (w, vector) in vectors.iter_mut().enumerate() {
                *vector = vld1q_s8(weights.add(w * columns + column));
            }
            step::<M, P, W>(&mut sums, parts.add(column), stride, vectors);
            column += 16;
        }
        if whole < columns {
            let mut vectors = [vdupq_n_s8(0); W];
            for (w, vector) in vectors.iter_mut().enumerate() {
                let mut rest = [0i8; 16];
                let from = weights.add(w * columns + whole);
                core::ptr::copy_nonoverlapping(from, rest.as_mut_ptr(), columns - whole);
                *vector = vld1q_s8(rest.as_ptr());
            }
            step::<M, P, W>(&mut sums, parts.add(whole), stride, vectors);
        }
        let mut totals = [[0; W]; P];
        for (totals, sums) in totals.iter_mut().zip(sums) {
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total = vaddvq_s32(sum);
            }
        }
        totals
    }
}

/// Adds the products of one vector of each row of weights with one of each part.
#[inline(always)]
unsafe fn step<M: Multiply, const P: usize, const W: usize>(
    sums: &mut [[int32x4_t; W]; P],
    parts: *const i8,
    stride: usize,
    weights: [int8x16_t; W],
) {
    // SAFETY: the caller's.
    unsafe {
        for (p, sums) in sums.iter_mut().enumerate() {
            let x = vld1q_s8(parts.add(p * stride));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = M::add(*sum, x, weights);
            }
        }
    }
}

/// A tile of W4, as [`Tile::tile_w4`] has it.
#[inline(always)]
unsafe fn tile_w4<M: Multiply, const P: usize, const W: usize>(
    parts: *const i8,
    stride: usize,
    nibbles: *const u8,
    multipliers: *const u8,
    blocks: usize,
) -> [[i32; W]; P] {
    // SAFETY: the caller's.
    unsafe {
        let (low, eight) = (vdupq_n_u8(15), vdupq_n_s8(8));
        let mut sums = [[vdupq_n_s32(0); W]; P];
        for block in 0..blocks {
            for w in 0..W {
                let row = w * blocks + block;
                let bytes = [vld1q_u8(nibbles.add(row * GROUP)), vld1q_u8(nibbles.add(row * GROUP + 16))];
                for group in 0..2 {
                    let weights = bytes.map(|bytes| {
                        let nibbles = if group == 0 { vandq_u8(bytes, low) } else { vshrq_n_u8::<4>(bytes) };
                        vsubq_s8(vreinterpretq_s8_u8(nibbles), eight)
                    });
                    let factor = i32::from(*multipliers.add(row * 2 + group));
                    for (p, sums) in sums.iter_mut().enumerate() {
                        let x = parts.add(p * stride + block * BLOCK + group * GROUP);
                        let sum = M::add(vdupq_n_s32(0), vld1q_s8(x), weights[0]);
                        let sum = M::add(sum, vld1q_s8(x.add(16)), weights[1]);
                        sums[w] = vmlaq_n_s32(sums[w], sum, factor);
                    }
                }
            }
        }
        let mut totals = [[0; W]; P];
        for (totals, sums) in totals.iter_mut().zip(sums) {
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total = vaddvq_s32(sum);
            }
        }
        totals
    }
}
