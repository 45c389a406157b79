//! exp, SiLU, erf and GELU from additions, multiplications and one division each.

use crate::isa::versions;

/// Arguments of [`exp`] below this count as this: e^-87 is the last power that is not subnormal.
pub const EXP_MIN: f32 = -87.0;
/// Arguments of [`exp`] above this count as this: e^88 is near the largest float.
pub const EXP_MAX: f32 = 88.0;

/// ln 2 in two parts: the first has 9 significant bits, so its product with an exponent is exact.
const LN2_HIGH: f32 = 355.0 / 512.0;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// 1.5 * 2^23, see `row`.
const ROUNDER: f32 = 12_582_912.0;

/// e^x, for x clamped to [`EXP_MIN`]..=[`EXP_MAX`]; a NaN stays a NaN.
///
/// x = n ln 2 + r with n the nearest integer to x log2(e); e^r by its series to the seventh power, whose remainder
/// is below 2^-27; then times 2^n, which is exact. Relative error below 1.2e-7.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = if x < EXP_MIN { EXP_MIN } else { x };
    let x = if x > EXP_MAX { EXP_MAX } else { x };
    let shifted = x * core::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let exponent = shifted.to_bits().wrapping_sub(ROUNDER.to_bits());
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut p = 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    p * f32::from_bits(exponent.wrapping_add(127) << 23)
}

/// x / (1 + e^-x).
#[inline(always)]
pub fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// The error function, within 6e-7: 1 - (a1 t + ... + a5 t^5) e^(-x^2) with t = 1 / (1 + 0.3275911 |x|), the sign
/// of x put back (Abramowitz and Stegun 7.1.26).
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let a = f32::from_bits(x.to_bits() & 0x7fff_ffff);
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let mut p = 1.061_405_4f32;
    p = p * t - 1.453_152;
    p = p * t + 1.421_413_8;
    p = p * t - 0.284_496_74;
    p = p * t + 0.254_829_6;
    p *= t;
    let y = 1.0 - p * exp(-(a * a));
    f32::from_bits(y.to_bits() | (x.to_bits() & 0x8000_0000))
}

/// (0.5 x) (1 + erf(x / sqrt 2)).
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    (0.5 * x) * (1.0 + erf(x * core::f32::consts::FRAC_1_SQRT_2))
}

versions! {
    /// Applies GELU to every element.
    pub fn gelu_all(x: &mut [f32]) = gelu_each;
}

#[inline(always)]
fn gelu_each(x: &mut [f32]) {
    for x in x {
        *x = gelu(*x);
    }
}

versions! {
    /// gate = silu(gate) * up, element by element.
    pub fn silu_times(gate: &mut [f32], up: &[f32]) = silu_times_each;
}

#[inline(always)]
fn silu_times_each(gate: &mut [f32], up: &[f32]) {
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = silu(*gate) * *up;
    }
}

/// The square root, exactly rounded as IEEE-754 has it.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    libm::sqrtf(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_close_to_exp_everywhere() {
        let mut worst = 0.0f64;
        for i in -870_000..=880_000 {
            let x = i as f32 / 10_000.0;
            let exact = f64::from(x).exp();
            worst = worst.max(((f64::from(exp(x)) - exact) / exact).abs());
        }
        assert!(worst < 1.2e-7, "{worst}");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1000.0), exp(EXP_MIN));
        assert_eq!(exp(f32::INFINITY), exp(EXP_MAX));
        assert!(exp(EXP_MIN) >= f32::MIN_POSITIVE && exp(EXP_MAX).is_finite());
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn erf_gelu_and_silu_are_close_to_theirs() {
        for i in -60_000..=60_000 {
            let x = i as f32 / 10_000.0;
            assert!((f64::from(erf(x)) - libm::erf(f64::from(x))).abs() < 6e-7, "{x}");
            let exact = 0.5 * f64::from(x) * (1.0 + libm::erf(f64::from(x) / 2f64.sqrt()));
            assert!((f64::from(gelu(x)) - exact).abs() < 2e-6, "{x}");
            let exact = f64::from(x) / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(silu(x)) - exact).abs() < 2e-6, "{x}");
        }
        assert!(gelu(f32::NAN).is_nan() && silu(f32::NAN).is_nan());
    }
}
