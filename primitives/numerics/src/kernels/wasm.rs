//! WebAssembly with 128-bit SIMD.

use super::{run, Product, Tile};
use crate::matrix::{BLOCK, GROUP};
use core::arch::wasm32::*;

/// # Safety
/// The product's sizes fit.
#[target_feature(enable = "simd128")]
pub(super) unsafe fn simd(product: Product<'_>) {
    // SAFETY: the caller's.
    unsafe { run::<Simd>(product) }
}

/// Bytes are loaded as 16-bit numbers, eight at a time; `i32x4.dot_i16x8_s` multiplies them and adds pairs in 32 bits.
/// Eight sums, four vectors of weights and one of a part fit the 16 registers of the poorest processor.
struct Simd;

impl Tile for Simd {
    const PARTS: usize = 2;
    const WEIGHTS: usize = 4;
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
        // SAFETY: whole vectors of weights end at `columns`; the rest is copied; parts are padded.
        unsafe {
            let mut sums = [[i32x4_splat(0); W]; P];
            let whole = columns & !7;
            let mut column = 0;
            while column < whole {
                let mut vectors = [i16x8_splat(0); W];
                for (w, vector) in vectors.iter_mut().enumerate() {
                    *vector = i16x8_load_extend_i8x8(weights.add(w * columns + column));
                }
                step(&mut sums, parts.add(column), stride, vectors);
                column += 8;
            }
            if whole < columns {
                let mut vectors = [i16x8_splat(0); W];
                for (w, vector) in vectors.iter_mut().enumerate() {
                    let mut rest = [0i8; 8];
                    let from = weights.add(w * columns + whole);
                    core::ptr::copy_nonoverlapping(from, rest.as_mut_ptr(), columns - whole);
                    *vector = i16x8_load_extend_i8x8(rest.as_ptr());
                }
                step(&mut sums, parts.add(whole), stride, vectors);
            }
            totals(sums)
        }
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
        unsafe {
            let (low, eight) = (u8x16_splat(15), i8x16_splat(8));
            let mut sums = [[i32x4_splat(0); W]; P];
            for block in 0..blocks {
                for w in 0..W {
                    let row = w * blocks + block;
                    for group in 0..2 {
                        let mut products = [i32x4_splat(0); P];
                        for half in 0..2 {
                            let bytes = v128_load(nibbles.add(row * GROUP + half * 16).cast());
                            let bytes = if group == 0 { v128_and(bytes, low) } else { u8x16_shr(bytes, 4) };
                            let weights = i8x16_sub(bytes, eight);
                            let weights = [i16x8_extend_low_i8x16(weights), i16x8_extend_high_i8x16(weights)];
                            for (p, sum) in products.iter_mut().enumerate() {
                                let x = parts.add(p * stride + block * BLOCK + group * GROUP + half * 16);
                                for (i, weights) in weights.into_iter().enumerate() {
                                    let x = i16x8_load_extend_i8x8(x.add(8 * i));
                                    *sum = i32x4_add(*sum, i32x4_dot_i16x8(x, weights));
                                }
                            }
                        }
                        let factor = i32x4_splat(i32::from(*multipliers.add(row * 2 + group)));
                        for (sums, products) in sums.iter_mut().zip(products) {
                            sums[w] = i32x4_add(sums[w], i32x4_mul(products, factor));
                        }
                    }
                }
            }
            totals(sums)
        }
    }
}

/// The sum of each vector.
#[inline(always)]
fn totals<const P: usize, const W: usize>(sums: [[v128; W]; P]) -> [[i32; W]; P] {
    let mut totals = [[0; W]; P];
    for (totals, sums) in totals.iter_mut().zip(sums) {
        for (total, sum) in totals.iter_mut().zip(sums) {
            let pairs = i32x4_add(sum, i32x4_shuffle::<2, 3, 0, 1>(sum, sum));
            *total = i32x4_extract_lane::<0>(pairs) + i32x4_extract_lane::<1>(pairs);
        }
    }
    totals
}

/// Adds the products of one vector of each row of weights with one of each part.
#[inline(always)]
unsafe fn step<const P: usize, const W: usize>(
    sums: &mut [[v128; W]; P],
    parts: *const i8,
    stride: usize,
    weights: [v128; W],
) {
    // SAFETY: the caller's.
    unsafe {
        for (p, sums) in sums.iter_mut().enumerate() {
            let x = i16x8_load_extend_i8x8(parts.add(p * stride));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = i32x4_add(*sum, i32x4_dot_i16x8(x, weights));
            }
        }
    }
}
