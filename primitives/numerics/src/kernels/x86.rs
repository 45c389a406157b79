//! AVX2, and AVX-512 with VNNI.

use super::{run, Product, Tile};
use crate::matrix::{BLOCK, GROUP};
use core::arch::x86_64::*;

/// # Safety
/// AVX2 is there, and the product's sizes fit.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn avx2(product: Product<'_>) {
    // SAFETY: the caller's.
    unsafe { run::<Avx2>(product) }
}

/// # Safety
/// AVX-512 F, BW, VL, DQ and VNNI are there, and the product's sizes fit.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn avx512(product: Product<'_>) {
    // SAFETY: the caller's.
    unsafe { run::<Avx512Vnni>(product) }
}

/// `vpmaddubsw` multiplies unsigned by signed bytes and adds pairs in 16 bits: |w| times x with the sign of w. As no
/// byte is -128, a pair is 2 * 127 * 127 at most and does not saturate.
struct Avx2;

impl Tile for Avx2 {
    const PARTS: usize = 4;
    const WEIGHTS: usize = 2;
    const OFFSET: i32 = 0;
    const PARTS_W4: usize = 4;
    const OFFSET_W4: i32 = 128;
    const WHOLE: bool = true;

    /// `vpmaddwd` multiplies numbers of 16 bits and adds pairs in 32: half the work of two parts. [`WHOLE_STEPS`] pairs of the
    /// largest numbers do not overflow.
    #[inline(always)]
    unsafe fn tile_whole<const P: usize, const W: usize>(
        rows: *const i16,
        stride: usize,
        weights: *const i8,
        columns: usize,
    ) -> [[i64; W]; P] {
        // SAFETY: whole vectors of weights end at `columns`; the rest is copied; rows are padded.
        unsafe {
            let mut totals = [[0; W]; P];
            let mut column = 0;
            while column < columns {
                let end = columns.min(column + 16 * WHOLE_STEPS);
                let mut sums = [[_mm256_setzero_si256(); W]; P];
                while column + 16 <= end {
                    let mut vectors = [_mm256_setzero_si256(); W];
                    for (w, vector) in vectors.iter_mut().enumerate() {
                        *vector = _mm256_cvtepi8_epi16(_mm_loadu_si128(weights.add(w * columns + column).cast()));
                    }
                    step_whole(&mut sums, rows.add(column), stride, vectors);
                    column += 16;
                }
                if column < end {
                    let mut vectors = [_mm256_setzero_si256(); W];
                    for (w, vector) in vectors.iter_mut().enumerate() {
                        let mut rest = [0i8; 16];
                        let from = weights.add(w * columns + column);
                        core::ptr::copy_nonoverlapping(from, rest.as_mut_ptr(), end - column);
                        *vector = _mm256_cvtepi8_epi16(_mm_loadu_si128(rest.as_ptr().cast()));
                    }
                    step_whole(&mut sums, rows.add(column), stride, vectors);
                    column = end;
                }
                for (totals, sums) in totals.iter_mut().zip(sums) {
                    for (total, sum) in totals.iter_mut().zip(sums) {
                        *total += total_64(sum);
                    }
                }
            }
            totals
        }
    }

    #[inline(always)]
    unsafe fn tile<const P: usize, const W: usize>(
        parts: *const i8,
        stride: usize,
        weights: *const i8,
        columns: usize,
    ) -> [[i32; W]; P] {
        // SAFETY: whole vectors of weights end at `columns`; the rest is copied; parts are padded.
        unsafe {
            let mut sums = [[_mm256_setzero_si256(); W]; P];
            let whole = columns & !31;
            let mut column = 0;
            while column < whole {
                let mut vectors = [_mm256_setzero_si256(); W];
                for (w, vector) in vectors.iter_mut().enumerate() {
                    *vector = _mm256_loadu_si256(weights.add(w * columns + column).cast());
                }
                step(&mut sums, parts.add(column), stride, vectors);
                column += 32;
            }
            if whole < columns {
                let mut vectors = [_mm256_setzero_si256(); W];
                for (w, vector) in vectors.iter_mut().enumerate() {
                    let mut rest = [0i8; 32];
                    let from = weights.add(w * columns + whole);
                    core::ptr::copy_nonoverlapping(from, rest.as_mut_ptr(), columns - whole);
                    *vector = _mm256_loadu_si256(rest.as_ptr().cast());
                }
                step(&mut sums, parts.add(whole), stride, vectors);
            }
            totals_256(sums)
        }
    }

    /// A part with its top bit flipped is the part plus 128, unsigned, for `vpmaddubsw`: a pair is 2 * 255 * 7 at most.
    /// `vpmaddwd` takes pairs times the group's multiplier to 32 bits.
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
            let (flip, low, eight) = (_mm256_set1_epi8(i8::MIN), _mm256_set1_epi8(15), _mm256_set1_epi8(8));
            let mut sums = [[_mm256_setzero_si256(); W]; P];
            for block in 0..blocks {
                for group in 0..2 {
                    let mut x = [_mm256_setzero_si256(); P];
                    for (p, x) in x.iter_mut().enumerate() {
                        let part = parts.add(p * stride + block * BLOCK + group * GROUP);
                        *x = _mm256_xor_si256(_mm256_loadu_si256(part.cast()), flip);
                    }
                    for w in 0..W {
                        let row = w * blocks + block;
                        let bytes = _mm256_loadu_si256(nibbles.add(row * GROUP).cast());
                        let bytes = if group == 0 { bytes } else { _mm256_srli_epi16(bytes, 4) };
                        let weights = _mm256_sub_epi8(_mm256_and_si256(bytes, low), eight);
                        let factor = _mm256_set1_epi16(i16::from(*multipliers.add(row * 2 + group)));
                        for (x, sums) in x.iter().zip(&mut sums) {
                            let pairs = _mm256_maddubs_epi16(*x, weights);
                            sums[w] = _mm256_add_epi32(sums[w], _mm256_madd_epi16(pairs, factor));
                        }
                    }
                }
            }
            totals_256(sums)
        }
    }
}

/// The sum of each vector.
#[inline(always)]
unsafe fn totals_256<const P: usize, const W: usize>(sums: [[__m256i; W]; P]) -> [[i32; W]; P] {
    let mut totals = [[0; W]; P];
    for (totals, sums) in totals.iter_mut().zip(sums) {
        for (total, sum) in totals.iter_mut().zip(sums) {
            // SAFETY: the caller's.
            unsafe {
                let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
                let sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0b01_00_11_10));
                let sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0b10_11_00_01));
                *total = _mm_cvtsi128_si32(sum);
            }
        }
    }
    totals
}

/// Steps after which 32 bits may be full: 256 * 2 * 32,512 * 127 is below 2^31.
const WHOLE_STEPS: usize = 256;

/// Adds the products of one vector of each row of weights with one of each whole row.
#[inline(always)]
unsafe fn step_whole<const P: usize, const W: usize>(
    sums: &mut [[__m256i; W]; P],
    rows: *const i16,
    stride: usize,
    weights: [__m256i; W],
) {
    // SAFETY: the caller's.
    unsafe {
        for (p, sums) in sums.iter_mut().enumerate() {
            let x = _mm256_loadu_si256(rows.add(p * stride).cast());
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(x, weights));
            }
        }
    }
}

/// The sum of a vector's numbers of 32 bits.
#[inline(always)]
unsafe fn total_64(sum: __m256i) -> i64 {
    // SAFETY: the caller's.
    unsafe {
        let low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(sum));
        let high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(sum, 1));
        let sum = _mm256_add_epi64(low, high);
        let sum = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        _mm_extract_epi64(sum, 0) + _mm_extract_epi64(sum, 1)
    }
}

/// Adds the products of one vector of each row of weights with one of each part.
#[inline(always)]
unsafe fn step<const P: usize, const W: usize>(
    sums: &mut [[__m256i; W]; P],
    parts: *const i8,
    stride: usize,
    weights: [__m256i; W],
) {
    // SAFETY: the caller's.
    unsafe {
        let ones = _mm256_set1_epi16(1);
        let mut magnitudes = weights;
        for magnitude in &mut magnitudes {
            *magnitude = _mm256_abs_epi8(*magnitude);
        }
        for (p, sums) in sums.iter_mut().enumerate() {
            let x = _mm256_loadu_si256(parts.add(p * stride).cast());
            for w in 0..W {
                let pairs = _mm256_maddubs_epi16(magnitudes[w], _mm256_sign_epi8(x, weights[w]));
                sums[w] = _mm256_add_epi32(sums[w], _mm256_madd_epi16(pairs, ones));
            }
        }
    }
}

/// Adds the upper half of a vector to the lower.
#[inline(always)]
unsafe fn halves(sum: __m512i) -> __m256i {
    // SAFETY: the caller's.
    unsafe { _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1)) }
}

/// `vpdpbusd` multiplies unsigned by signed bytes and adds four products to 32 bits, without saturating: weights with
/// their top bit flipped are weights plus 128, unsigned.
struct Avx512Vnni;

impl Tile for Avx512Vnni {
    const PARTS: usize = 6;
    const WEIGHTS: usize = 4;
    const OFFSET: i32 = 128;
    const PARTS_W4: usize = 4;
    const OFFSET_W4: i32 = 128;

    #[inline(always)]
    unsafe fn tile<const P: usize, const W: usize>(
        parts: *const i8,
        stride: usize,
        weights: *const i8,
        columns: usize,
    ) -> [[i32; W]; P] {
        // SAFETY: whole vectors of weights end at `columns`; of the last only what is there is loaded; parts are padded.
        unsafe {
            let flip = _mm512_set1_epi8(i8::MIN);
            let mut sums = [[_mm512_setzero_si512(); W]; P];
            let whole = columns & !63;
            let mut column = 0;
            while column < whole {
                let mut vectors = [_mm512_setzero_si512(); W];
                for (w, vector) in vectors.iter_mut().enumerate() {
                    let weights = weights.add(w * columns + column);
                    // The first parts get the weights from memory, and the processor alone does not ask early enough.
                    _mm_prefetch(weights.wrapping_add(1024), _MM_HINT_T0);
                    *vector = _mm512_xor_si512(_mm512_loadu_si512(weights.cast()), flip);
                }
                for (p, sums) in sums.iter_mut().enumerate() {
                    let x = _mm512_loadu_si512(parts.add(p * stride + column).cast());
                    for w in 0..W {
                        sums[w] = _mm512_dpbusd_epi32(sums[w], vectors[w], x);
                    }
                }
                column += 64;
            }
            if whole < columns {
                let mask = (1u64 << (columns - whole)) - 1;
                let mut vectors = [_mm512_setzero_si512(); W];
                for (w, vector) in vectors.iter_mut().enumerate() {
                    let weights = _mm512_maskz_loadu_epi8(mask, weights.add(w * columns + whole));
                    *vector = _mm512_xor_si512(weights, flip);
                }
                for (p, sums) in sums.iter_mut().enumerate() {
                    let x = _mm512_loadu_si512(parts.add(p * stride + whole).cast());
                    for w in 0..W {
                        sums[w] = _mm512_dpbusd_epi32(sums[w], vectors[w], x);
                    }
                }
            }
            totals_512(sums)
        }
    }

    /// As for AVX2, with both groups of a block in one vector, and with `vpdpwssd`, which adds what `vpmaddwd` gives.
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
            let (flip, low, eight) = (_mm512_set1_epi8(i8::MIN), _mm256_set1_epi8(15), _mm512_set1_epi8(8));
            // The lower half of a vector takes the low byte of each number to 16 bits, the upper half the high byte.
            let (first, second) = (_mm256_set1_epi16(0x8000u16 as i16), _mm256_set1_epi16(0x8001u16 as i16));
            let spread = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
            let mut sums = [[_mm512_setzero_si512(); W]; P];
            for block in 0..blocks {
                let mut x = [_mm512_setzero_si512(); P];
                for (p, x) in x.iter_mut().enumerate() {
                    let part = parts.add(p * stride + block * BLOCK);
                    *x = _mm512_xor_si512(_mm512_loadu_si512(part.cast()), flip);
                }
                for w in 0..W {
                    let row = w * blocks + block;
                    let bytes = nibbles.add(row * GROUP);
                    if P <= 2 {
                        // With more parts there is more to do than to wait for.
                        _mm_prefetch(bytes.wrapping_add(512).cast(), _MM_HINT_T0);
                    }
                    let bytes = _mm256_loadu_si256(bytes.cast());
                    let first = _mm256_and_si256(bytes, low);
                    let second = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low);
                    let both = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
                    let weights = _mm512_sub_epi8(both, eight);
                    let factors = _mm512_set1_epi16(multipliers.add(row * 2).cast::<i16>().read_unaligned());
                    let factors = _mm512_shuffle_epi8(factors, spread);
                    for (x, sums) in x.iter().zip(&mut sums) {
                        sums[w] = _mm512_dpwssd_epi32(sums[w], _mm512_maddubs_epi16(*x, weights), factors);
                    }
                }
            }
            totals_512(sums)
        }
    }
}

/// The sum of each vector.
#[inline(always)]
unsafe fn totals_512<const P: usize, const W: usize>(sums: [[__m512i; W]; P]) -> [[i32; W]; P] {
    let mut totals = [[0; W]; P];
    for (totals, sums) in totals.iter_mut().zip(sums) {
        // SAFETY: the caller's.
        unsafe {
            if W == 4 {
                let pairs = [
                    _mm256_hadd_epi32(halves(sums[0]), halves(sums[1])),
                    _mm256_hadd_epi32(halves(sums[2]), halves(sums[3])),
                ];
                let sum = _mm256_hadd_epi32(pairs[0], pairs[1]);
                let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
                _mm_storeu_si128(totals.as_mut_ptr().cast(), sum);
            } else {
                for (total, sum) in totals.iter_mut().zip(sums) {
                    *total = _mm512_reduce_add_epi32(sum);
                }
            }
        }
    }
    totals
}
