//! How GGUF files store floats, and what the stored bytes mean. Blocks of 32 or 256 elements share scales; formulas and
//! layouts are those of ggml's reference implementation. Each element is computed in f32 as written here, without fused
//! operations, so it is the same on every machine.

use half::{bf16, f16};

/// How the elements of a tensor are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// The upper half of single precision.
    BF16,
    /// 4 bits, 32 elements with one scale.
    Q4_0,
    /// 5 bits, 32 elements with one scale.
    Q5_0,
    /// 8 bits, 32 elements with one scale.
    Q8_0,
    /// 4 bits, 256 elements with eight scales and minima of 6 bits.
    Q4K,
    /// 5 bits, 256 elements with eight scales and minima of 6 bits.
    Q5K,
    /// 6 bits, 256 elements with sixteen scales of 8 bits.
    Q6K,
}

impl Kind {
    /// All kinds, for messages.
    pub const NAMES: &'static str = "F32, F16, BF16, Q4_0, Q5_0, Q8_0, Q4_K, Q5_K and Q6_K";

    /// The kind with this number in a file.
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            6 => Self::Q5_0,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            30 => Self::BF16,
            _ => return None,
        })
    }

    /// What people call a kind that is not known here.
    pub fn name_of_number(number: u32) -> String {
        match number {
            3 => "Q4_1".into(),
            7 => "Q5_1".into(),
            9 => "Q8_1".into(),
            10 => "Q2_K".into(),
            11 => "Q3_K".into(),
            15 => "Q8_K".into(),
            16..=23 | 29 => format!("an IQ type (number {number})"),
            24..=28 => format!("integers or doubles (number {number})"),
            34 | 35 => format!("a ternary type (number {number})"),
            39 => "MXFP4".into(),
            other => format!("the unknown type {other}"),
        }
    }

    /// Elements of a block, and the bytes that store it.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::BF16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q5_0 => (32, 22),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }

    /// The floats that whole blocks stand for.
    pub fn floats(self, bytes: &[u8]) -> Vec<f32> {
        let (elements, stored) = self.block();
        let mut out = Vec::with_capacity(bytes.len() / stored * elements);
        for block in bytes.chunks_exact(stored) {
            match self {
                Self::F32 => out.push(f32::from_le_bytes([block[0], block[1], block[2], block[3]])),
                Self::F16 => out.push(half_at(block, 0)),
                Self::BF16 => out.push(bf16::from_le_bytes([block[0], block[1]]).to_f32()),
                Self::Q4_0 => q4_0(block, &mut out),
                Self::Q5_0 => q5_0(block, &mut out),
                Self::Q8_0 => {
                    let scale = half_at(block, 0);
                    out.extend(block[2..].iter().map(|q| f32::from(q.cast_signed()) * scale));
                }
                Self::Q4K => q4_k(block, &mut out),
                Self::Q5K => q5_k(block, &mut out),
                Self::Q6K => q6_k(block, &mut out),
            }
        }
        out
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Scale, then 16 bytes: the low halves are the first 16 elements, the high halves the last 16.
fn q4_0(block: &[u8], out: &mut Vec<f32>) {
    let scale = half_at(block, 0);
    let bytes = &block[2..18];
    out.extend(bytes.iter().map(|byte| (f32::from(byte & 15) - 8.0) * scale));
    out.extend(bytes.iter().map(|byte| (f32::from(byte >> 4) - 8.0) * scale));
}

/// Scale, the 32 fifth bits, then as for 4 bits.
fn q5_0(block: &[u8], out: &mut Vec<f32>) {
    let scale = half_at(block, 0);
    let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    let fifth = |i: usize| if high >> i & 1 == 1 { 16 } else { 0 };
    let bytes = &block[6..22];
    out.extend(bytes.iter().enumerate().map(|(i, byte)| (f32::from(byte & 15 | fifth(i)) - 16.0) * scale));
    out.extend(bytes.iter().enumerate().map(|(i, byte)| (f32::from(byte >> 4 | fifth(i + 16)) - 16.0) * scale));
}

/// Scale and minimum of group `i` of eight, 6 bits each, packed into 12 bytes.
fn scale_and_minimum(packed: &[u8], i: usize) -> (f32, f32) {
    let (scale, minimum) = if i < 4 {
        (packed[i] & 63, packed[i + 4] & 63)
    } else {
        (packed[i + 4] & 15 | (packed[i - 4] >> 6) << 4, packed[i + 4] >> 4 | (packed[i] >> 6) << 4)
    };
    (f32::from(scale), f32::from(minimum))
}

/// Scale of scales, scale of minima, their 12 bytes, then 4 times 32 bytes: low halves are a group, high halves the next.
fn q4_k(block: &[u8], out: &mut Vec<f32>) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    for (pair, bytes) in block[16..144].chunks_exact(32).enumerate() {
        for (half, shift) in [0, 4].into_iter().enumerate() {
            let (scale, minimum) = scale_and_minimum(&block[4..16], 2 * pair + half);
            let (scale, minimum) = (d * scale, dmin * minimum);
            out.extend(bytes.iter().map(|byte| scale * f32::from(byte >> shift & 15) - minimum));
        }
    }
}

/// As for 4 bits, with 32 bytes of fifth bits between: bit g of byte i is that of element i in group g.
fn q5_k(block: &[u8], out: &mut Vec<f32>) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    let high = &block[16..48];
    for (pair, bytes) in block[48..176].chunks_exact(32).enumerate() {
        for (half, shift) in [0, 4].into_iter().enumerate() {
            let group = 2 * pair + half;
            let (scale, minimum) = scale_and_minimum(&block[4..16], group);
            let (scale, minimum) = (d * scale, dmin * minimum);
            out.extend(bytes.iter().zip(high).map(|(byte, high)| {
                let value = (byte >> shift & 15) + 16 * (high >> group & 1);
                scale * f32::from(value) - minimum
            }));
        }
    }
}

/// Two halves of 128 elements. Each has 64 bytes of low bits and 32 of high ones: element 32 j + i takes the low bits
/// of byte i + 32 (j mod 2), lower half first, and bits 2 j of high byte i. 16 elements share a scale of 8 bits.
fn q6_k(block: &[u8], out: &mut Vec<f32>) {
    let d = half_at(block, 208);
    for part in 0..2 {
        let (low, high) = (&block[64 * part..64 * part + 64], &block[128 + 32 * part..160 + 32 * part]);
        let scales = &block[192 + 8 * part..200 + 8 * part];
        for j in 0..4 {
            for i in 0..32 {
                let low = low[i + 32 * (j % 2)] >> (4 * (j / 2)) & 15;
                let value = f32::from(low | (high[i] >> (2 * j) & 3) << 4) - 32.0;
                let scale = f32::from(scales[2 * j + i / 16].cast_signed());
                out.push(d * scale * value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{
        quantized::{GgmlDType, QTensor},
        Device, Tensor,
    };

    /// Another implementation of every kind quantises and reads back; this one must read the same.
    #[test]
    fn blocks_mean_what_candle_says_they_mean() {
        let mut state = 1u64;
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 16_777_216.0 - 0.5
        };
        let values: Vec<f32> = (0..8 * 512).map(|i| number() * (1.0 + (i / 256) as f32)).collect();
        let tensor = Tensor::from_vec(values.clone(), (8, 512), &Device::Cpu).unwrap();
        for (number, dtype, error) in [
            (0, GgmlDType::F32, 0.0),
            (1, GgmlDType::F16, 1e-3),
            (30, GgmlDType::BF16, 8e-3),
            (2, GgmlDType::Q4_0, 0.2),
            (6, GgmlDType::Q5_0, 0.1),
            (8, GgmlDType::Q8_0, 1e-2),
            (12, GgmlDType::Q4K, 0.2),
            (13, GgmlDType::Q5K, 0.1),
            (14, GgmlDType::Q6K, 0.1),
        ] {
            let kind = Kind::from_number(number).unwrap();
            let stored = QTensor::quantize(&tensor, dtype).unwrap();
            let expected: Vec<f32> = stored.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let found = kind.floats(&stored.data().unwrap());
            assert_eq!(found.len(), values.len(), "{kind:?}");
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{kind:?} {i}: {found} {expected}");
            }
            let scale = values.iter().fold(0f32, |all, x| all.max(x.abs()));
            for (found, value) in found.iter().zip(&values) {
                assert!((found - value).abs() <= error * scale, "{kind:?}: {found} {value}");
            }
        }
    }

    #[test]
    fn unknown_kinds_have_names() {
        for number in 0..64 {
            assert!(Kind::from_number(number).is_some() || !Kind::name_of_number(number).is_empty());
        }
        assert_eq!(Kind::from_number(3), None);
        assert_eq!(Kind::name_of_number(10), "Q2_K");
    }
}
