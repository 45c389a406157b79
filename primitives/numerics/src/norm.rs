//! Normalisations of a row, in place of nothing: input and output are apart.

use crate::{
    functions::sqrt,
    isa::versions,
    reduce::{dot, sum},
    Error,
};

versions! {
    /// RMSNorm: out = (x * r) * weight with r = 1 / sqrt(dot(x, x) / n + epsilon).
    ///
    /// # Errors
    /// [`Error::NotFinite`] where the sum of squares is not finite; [`Error::Shape`] where lengths differ.
    pub fn rms(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) -> Result<(), Error> = rms_row;
}

#[inline(always)]
fn rms_row(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) -> Result<(), Error> {
    if x.len() != weight.len() || x.len() != out.len() {
        return Err(Error::Shape("a normalisation"));
    }
    let r = 1.0 / sqrt(dot(x, x) / x.len() as f32 + epsilon);
    // An infinite sum gives r = 0, which would hide it.
    if !r.is_finite() || r == 0.0 {
        return Err(Error::NotFinite("a normalisation"));
    }
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = (*x * r) * *weight;
    }
    Ok(())
}

versions! {
    /// LayerNorm: d = x - sum(x) / n; out = (d * r) * weight + bias with r = 1 / sqrt(dot(d, d) / n + epsilon).
    ///
    /// # Errors
    /// As [`rms`].
    pub fn layer(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) -> Result<(), Error> = layer_row;
}

#[inline(always)]
fn layer_row(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) -> Result<(), Error> {
    if x.len() != weight.len() || x.len() != bias.len() || x.len() != out.len() {
        return Err(Error::Shape("a normalisation"));
    }
    let n = x.len() as f32;
    let mean = sum(x) / n;
    for (out, x) in out.iter_mut().zip(x) {
        *out = *x - mean;
    }
    let r = 1.0 / sqrt(dot(out, out) / n + epsilon);
    if !r.is_finite() || r == 0.0 {
        return Err(Error::NotFinite("a normalisation"));
    }
    for ((out, weight), bias) in out.iter_mut().zip(weight).zip(bias) {
        *out = (*out * r) * *weight + *bias;
    }
    Ok(())
}

/// Smallest length that [`unit`] divides by.
pub const UNIT_EPSILON: f32 = 1e-12;

/// Scales `x` to length 1: x / max(sqrt(dot(x, x)), [`UNIT_EPSILON`]).
///
/// # Errors
/// [`Error::NotFinite`] where the sum of squares is not finite.
pub fn unit(x: &mut [f32]) -> Result<(), Error> {
    let length = sqrt(dot(x, x));
    if !length.is_finite() {
        return Err(Error::NotFinite("a normalisation"));
    }
    let length = if length < UNIT_EPSILON { UNIT_EPSILON } else { length };
    for x in x {
        *x /= length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kernels;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn norms_are_close_to_their_definitions(x in proptest::collection::vec((-9f32..9.0, -2f32..2.0), 2..90)) {
            let (x, w): (Vec<f32>, Vec<f32>) = x.iter().copied().unzip();
            let n = x.len() as f64;
            let exact: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            let mut out = vec![0.0; x.len()];
            rms(Kernels::SCALAR, &x, &w, 1e-5, &mut out).unwrap();
            let r = 1.0 / (exact.iter().map(|x| x * x).sum::<f64>() / n + 1e-5).sqrt();
            for i in 0..x.len() {
                prop_assert!((f64::from(out[i]) - exact[i] * r * f64::from(w[i])).abs() < 1e-4);
            }
            layer(Kernels::SCALAR, &x, &w, &w, 1e-5, &mut out).unwrap();
            let mean = exact.iter().sum::<f64>() / n;
            let variance = exact.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            for i in 0..x.len() {
                let y = (exact[i] - mean) / (variance + 1e-5).sqrt() * f64::from(w[i]) + f64::from(w[i]);
                prop_assert!((f64::from(out[i]) - y).abs() < 1e-3);
            }
            let mut v = x.clone();
            unit(&mut v).unwrap();
            let length: f64 = v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            prop_assert!(x.iter().all(|x| x.abs() < 1e-6) || (length - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        for x in [f32::NAN, f32::INFINITY, 1e30] {
            let mut out = [0.0; 2];
            assert!(rms(Kernels::SCALAR, &[x, 1.0], &[1.0; 2], 1e-5, &mut out).is_err());
            assert!(layer(Kernels::SCALAR, &[x, 1.0], &[1.0; 2], &[0.0; 2], 1e-5, &mut out).is_err());
            assert!(unit(&mut [x, 1.0]).is_err());
        }
        assert!(rms(Kernels::SCALAR, &[0.0; 2], &[1.0; 2], 0.0, &mut [0.0; 2]).is_err());
        assert!(rms(Kernels::SCALAR, &[0.0; 2], &[1.0; 3], 1e-5, &mut [0.0; 2]).is_err());
    }
}
