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

/// Most rows of weights in a tile of any kernel.
const MOST_WEIGHTS: usize = 4;
/// Most whole rows in a tile: few, so that the longest rows of well-known models stay in the first-level cache.
const WHOLE_ROWS: usize = 2;

/// How an instruction set multiplies: a tile of some parts of rows with some rows of weights.
pub(crate) trait Tile {
    /// Most parts in a tile; even, so that both halves of a 16-bit row are in one. At most 6.
    const PARTS: usize;
    /// Most rows of weights in a tile: 1, 2 or 4.
    const WEIGHTS: usize;
    /// What the kernel adds to each weight of W8; the sum of the part, this many times, is taken off the result.
    const OFFSET: i32;
    /// Most parts in a tile of W4; even. At most 6.
    const PARTS_W4: usize;
    /// What the kernel for W4 adds to each number of a part; the sum of the row of weights, this many times, is taken off
    /// the result.
    const OFFSET_W4: i32;
    /// Whether rows of A16 are multiplied whole, except with W4.
    const WHOLE: bool = false;

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

    /// The sums of products of `P` whole rows of 16 bits with `W` rows of weights; only called where [`Self::WHOLE`] says so.
    ///
    /// # Safety
    /// As for [`Self::tile`], with rows for parts.
    #[inline(always)]
    unsafe fn tile_whole<const P: usize, const W: usize>(
        rows: *const i16,
        stride: usize,
        weights: *const i8,
        columns: usize,
    ) -> [[i64; W]; P] {
        // SAFETY: the caller's.
        unsafe { scalar::tile_whole(rows, stride, weights, columns) }
    }

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
    let (bytes, most) = match product.weights {
        Weights::W16(_) => (columns * 2, T::PARTS),
        Weights::W8(_) => (columns, T::PARTS),
        Weights::W4 { .. } => (columns / 2, T::PARTS_W4),
    };
    let is_w4 = matches!(product.weights, Weights::W4 { .. });
    let whole = T::WHOLE && !is_w4 && product.rows.precision() == Precision::A16;
    let (parts, most) = if whole {
        (product.rows.count(), WHOLE_ROWS)
    } else {
        (product.rows.raw().0.len() / product.rows.raw().1.max(1), most)
    };
    let block = (BLOCK_BYTES / bytes.max(1)).max(1).next_multiple_of(MOST_WEIGHTS);
    let mut first = 0;
    while first < outputs {
        let end = (first + block).min(outputs);
        let mut part = 0;
        while part < parts {
            let count = (parts - part).min(most);
            // SAFETY: the caller's.
            unsafe {
                match count {
                    1 if whole => strip_whole::<T, 1>(&mut product, part, first, end),
                    _ if whole => strip_whole::<T, WHOLE_ROWS>(&mut product, part, first, end),
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
        if let Weights::W16(halves) = product.weights {
            while output < end {
                one_w16::<T, P>(product, halves, part, output);
                output += 1;
            }
            return;
        }
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

/// `P` whole rows of A16 from `row` on with the rows of weights `first..end`.
#[inline(always)]
unsafe fn strip_whole<T: Tile, const P: usize>(product: &mut Product<'_>, row: usize, first: usize, end: usize) {
    let mut output = first;
    // SAFETY: the caller's.
    unsafe {
        match product.weights {
            Weights::W16(halves) => {
                while output + 2 <= end {
                    one_whole::<T, P, 4>(product, halves, 2, row, output);
                    output += 2;
                }
                while output < end {
                    one_whole::<T, P, 2>(product, halves, 2, row, output);
                    output += 1;
                }
            }
            Weights::W8(weights) => {
                while output + 4 <= end {
                    one_whole::<T, P, 4>(product, weights, 1, row, output);
                    output += 4;
                }
                while output < end {
                    one_whole::<T, P, 1>(product, weights, 1, row, output);
                    output += 1;
                }
            }
            // Its rows come in parts.
            Weights::W4 { .. } => {}
        }
    }
}

/// One tile of whole rows, and the floats that its sums stand for. An output has `halves` rows of weights: 2 for W16, 1 for W8.
#[inline(always)]
unsafe fn one_whole<T: Tile, const P: usize, const W: usize>(
    product: &mut Product<'_>,
    weights: &[i8],
    halves: usize,
    row: usize,
    output: usize,
) {
    let columns = product.rows.width();
    let (whole, stride) = product.rows.whole();
    // SAFETY: row + P rows and W rows of weights are there.
    let sums = unsafe {
        let weights = weights.as_ptr().add(halves * output * columns);
        T::tile_whole::<P, W>(whole.as_ptr().add(row * stride), stride, weights, columns)
    };
    let outputs = output..output + W / halves;
    let scales = &product.scales[outputs.clone()];
    let bias = product.bias.map(|bias| &bias[outputs.clone()]);
    for (p, sums) in sums.iter().enumerate() {
        let row_scale = product.rows.scales()[row + p];
        let out = &mut product.out.row(row + p)[outputs.clone()];
        for (w, (out, sums)) in out.iter_mut().zip(sums.chunks_exact(halves)).enumerate() {
            let sum = sums.iter().fold(0, |sum, half| 255 * sum + half);
            *out = finish(sum as f32, scales[w], row_scale, bias.map(|bias| bias[w]));
        }
    }
}

/// One tile, and the floats that its sums stand for.
#[inline(always)]
unsafe fn one<T: Tile, const P: usize, const W: usize>(product: &mut Product<'_>, part: usize, output: usize) {
    let columns = product.rows.width();
    let (parts, stride, part_sums) = product.rows.raw();
    let sums = match product.weights {
        // Of W16 two rows of bytes are one output.
        Weights::W16(_) => return,
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

/// One output of W16, whose two rows of halves are multiplied as rows of W8.
#[inline(always)]
unsafe fn one_w16<T: Tile, const P: usize>(product: &mut Product<'_>, halves: &[i8], part: usize, output: usize) {
    let columns = product.rows.width();
    let (parts, stride, part_sums) = product.rows.raw();
    // SAFETY: part + P parts and both rows of halves are there.
    let mut sums: [[i32; 2]; P] = unsafe {
        let parts = parts.as_ptr().add(part * stride);
        let weights = halves.as_ptr().add(2 * output * columns);
        let high = T::tile::<P, 1>(parts, stride, weights, columns);
        let low = T::tile::<P, 1>(parts, stride, weights.add(columns), columns);
        core::array::from_fn(|p| [high[p][0], low[p][0]])
    };
    if T::OFFSET != 0 {
        for (sums, part_sum) in sums.iter_mut().zip(&part_sums[part..]) {
            for sum in sums {
                *sum = sum.wrapping_sub(part_sum.wrapping_mul(T::OFFSET));
            }
        }
    }
    // Exact in f64, as are the sums below: there is one rounding.
    let sums = sums.map(|[high, low]| f64::from(high) * 255.0 + f64::from(low));
    let scale = product.scales[output];
    let bias = product.bias.map(|bias| bias[output]);
    let row_scales = product.rows.scales();
    match product.rows.precision() {
        Precision::A8 => {
            for (p, sum) in sums.iter().enumerate() {
                let row = part + p;
                product.out.row(row)[output] = finish(*sum as f32, scale, row_scales[row], bias);
            }
        }
        Precision::A16 => {
            for (p, sums) in sums.chunks_exact(2).enumerate() {
                let row = part / 2 + p;
                let sum = sums[0] * 255.0 + sums[1];
                product.out.row(row)[output] = finish(sum as f32, scale, row_scales[row], bias);
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
