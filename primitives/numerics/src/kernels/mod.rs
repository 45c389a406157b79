//! Integer products of quantised rows with weights, for every instruction set.
//!
//! A kernel computes a small tile of integer sums, which are exact and so have no order; what turns sums into floats is
//! written once, here, in the profile's order.

#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::{
    matrix::{BLOCK, GROUP},
    ColumnsMut, Kernels, Precision, Rows, Weights,
};

/// Bytes of weights that stay in the second-level cache while all rows of activations meet them.
const BLOCK_BYTES: usize = 256 * 1024;

/// How an instruction set multiplies: a tile of some parts of rows with some rows of weights.
pub(crate) trait Tile {
    /// Most parts in a tile; even, so that both halves of a 16-bit row are in one. At most 6.
    const PARTS: usize;
    /// Most rows of weights in a tile.
    const WEIGHTS: usize;
    /// What the kernel adds to each weight of W8; the sum of the part, this many times, is taken off the result.
    const OFFSET: i32;
    /// Most parts in a tile of W4; even. At most 6.
    const PARTS_W4: usize;
    /// What the kernel for W4 adds to each number of a part; the sum of the row of weights, this many times, is taken off
    /// the result.
    const OFFSET_W4: i32;

    /// The sums of products of `P` parts with `W` rows of weights, modulo 2^32.
    ///
    /// # Safety
    /// The instruction set is there. `parts` points to `P` parts, `stride` apart, a multiple of 64 that is `columns` or
    /// more, zero beyond `columns`. `weights` points to `W` rows of `columns` weights, one after the other; nothing
    /// beyond them may be read.
    unsafe fn tile<const P: usize, const W: usize>(
        parts: *const i8,
        stride: usize,
        weights: *const i8,
        columns: usize,
    ) -> [[i32; W]; P];

    /// The same for rows of W4 of `blocks` blocks.
    ///
    /// # Safety
    /// As for [`Self::tile`]: `nibbles` and `multipliers` point to those of `W` rows, and parts are whole blocks.
    #[inline(always)]
    unsafe fn tile_w4<const P: usize, const W: usize>(
        parts: *const i8,
        stride: usize,
        nibbles: *const u8,
        multipliers: *const u8,
        blocks: usize,
    ) -> [[i32; W]; P] {
        // SAFETY: the caller's.
        unsafe { scalar::tile_w4(parts, stride, nibbles, multipliers, blocks) }
    }
}

/// One product: all rows of activations with consecutive rows of weights.
pub(crate) struct Product<'a> {
    pub rows: &'a Rows,
    /// Rows of weights, `rows.width()` columns each, as many as there are scales.
    pub weights: Weights<'a>,
    /// For W4 the sum of each row of weights.
    pub sums: &'a [i32],
    pub scales: &'a [f32],
    /// As many as scales.
    pub bias: Option<&'a [f32]>,
    /// A row for each row of activations, a column for each row of weights.
    pub out: ColumnsMut<'a>,
}

/// Computes a product whose sizes were checked.
pub(crate) fn multiply(kernels: Kernels, product: Product<'_>) {
    match kernels.isa() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Kernels` exists only for instruction sets that the processor has; here and below.
        crate::Isa::Avx512Vnni => unsafe { x86::avx512(product) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        crate::Isa::Avx2 => unsafe { x86::avx2(product) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        crate::Isa::NeonDot => unsafe { neon::dot(product) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        crate::Isa::Neon => unsafe { neon::base(product) },
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        // SAFETY: as above.
        crate::Isa::WasmSimd => unsafe { wasm::simd(product) },
        // SAFETY: the reference needs nothing.
        _ => unsafe { run::<scalar::Scalar>(product) },
    }
}

/// Goes through the product tile by tile. Inlined into a function that has the instruction set.
///
/// # Safety
/// The instruction set of `T` is there, and the product's sizes fit as its fields say.
#[inline(always)]
unsafe fn run<T: Tile>(mut product: Product<'_>) {
    let columns = product.rows.width();
    let outputs = product.scales.len();
    let parts = product.rows.raw().0.len() / product.rows.raw().1.max(1);
    let (bytes, most) = match product.weights {
        Weights::W8(_) => (columns, T::PARTS),
        Weights::W4 { .. } => (columns / 2, T::PARTS_W4),
    };
    let block = (BLOCK_BYTES / bytes.max(1)).max(1).next_multiple_of(T::WEIGHTS);
    let mut first = 0;
    while first < outputs {
        let end = (first + block).min(outputs);
        let mut part = 0;
        while part < parts {
            let count = (parts - part).min(most);
            // SAFETY: the caller's.
            unsafe {
                match count {
                    1 => strip::<T, 1>(&mut product, part, first, end),
                    2 => strip::<T, 2>(&mut product, part, first, end),
                    3 => strip::<T, 3>(&mut product, part, first, end),
                    4 => strip::<T, 4>(&mut product, part, first, end),
                    5 => strip::<T, 5>(&mut product, part, first, end),
                    _ => strip::<T, 6>(&mut product, part, first, end),
                }
            }
            part += count;
        }
        first = end;
    }
}

/// `P` parts from `part` on with the rows of weights `first..end`.
#[inline(always)]
unsafe fn strip<T: Tile, const P: usize>(product: &mut Product<'_>, part: usize, first: usize, end: usize) {
    let mut output = first;
    // SAFETY: the caller's.
    unsafe {
        match T::WEIGHTS {
            4 => {
                while output + 4 <= end {
                    one::<T, P, 4>(product, part, output);
                    output += 4;
                }
            }
            2 => {
                while output + 2 <= end {
                    one::<T, P, 2>(product, part, output);
                    output += 2;
                }
            }
            _ => {}
        }
        while output < end {
            one::<T, P, 1>(product, part, output);
            output += 1;
        }
    }
}

/// One tile, and the floats that its sums stand for.
#[inline(always)]
unsafe fn one<T: Tile, const P: usize, const W: usize>(product: &mut Product<'_>, part: usize, output: usize) {
    let columns = product.rows.width();
    let (parts, stride, part_sums) = product.rows.raw();
    let sums = match product.weights {
        Weights::W8(weights) => {
            // SAFETY: part + P parts and output + W rows of weights are there.
            let mut sums = unsafe {
                let weights = weights.as_ptr().add(output * columns);
                T::tile::<P, W>(parts.as_ptr().add(part * stride), stride, weights, columns)
            };
            if T::OFFSET != 0 {
                for (sums, part_sum) in sums.iter_mut().zip(&part_sums[part..]) {
                    for sum in sums {
                        *sum = sum.wrapping_sub(part_sum.wrapping_mul(T::OFFSET));
                    }
                }
            }
            sums
        }
        Weights::W4 { nibbles, multipliers } => {
            let blocks = columns.div_ceil(BLOCK);
            // SAFETY: as above; the stride of parts is a multiple of a block.
            let mut sums = unsafe {
                let nibbles = nibbles.as_ptr().add(output * blocks * GROUP);
                let multipliers = multipliers.as_ptr().add(output * blocks * 2);
                T::tile_w4::<P, W>(parts.as_ptr().add(part * stride), stride, nibbles, multipliers, blocks)
            };
            if T::OFFSET_W4 != 0 {
                for sums in &mut sums {
                    for (sum, row_sum) in sums.iter_mut().zip(&product.sums[output..]) {
                        *sum = sum.wrapping_sub(row_sum.wrapping_mul(T::OFFSET_W4));
                    }
                }
            }
            sums
        }
    };
    let scales = &product.scales[output..output + W];
    let bias = product.bias.map(|bias| &bias[output..output + W]);
    let row_scales = product.rows.scales();
    match product.rows.precision() {
        Precision::A8 => {
            for (p, sums) in sums.iter().enumerate() {
                let out = &mut product.out.row(part + p)[output..output + W];
                for (w, out) in out.iter_mut().enumerate() {
                    *out = finish(sums[w] as f32, scales[w], row_scales[part + p], bias.map(|bias| bias[w]));
                }
            }
        }
        Precision::A16 => {
            for (p, sums) in sums.chunks_exact(2).enumerate() {
                let row = part / 2 + p;
                let out = &mut product.out.row(row)[output..output + W];
                for (w, out) in out.iter_mut().enumerate() {
                    // Exact in f64, so there is one rounding.
                    let sum = f64::from(sums[0][w]) * 255.0 + f64::from(sums[1][w]);
                    *out = finish(sum as f32, scales[w], row_scales[row], bias.map(|bias| bias[w]));
                }
            }
        }
    }
}

#[inline(always)]
fn finish(sum: f32, weight_scale: f32, row_scale: f32, bias: Option<f32>) -> f32 {
    let y = (sum * weight_scale) * row_scale;
    match bias {
        Some(bias) => y + bias,
        None => y,
    }
}
