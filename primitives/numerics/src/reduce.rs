//! Sums of floats in the profile's order: sixteen lanes, element i in lane i mod 16, then folded 8, 4, 2, 1.

/// Lanes of every float reduction.
pub const LANES: usize = 16;

#[inline(always)]
fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        let (low, high) = lanes.split_at_mut(width);
        for (a, b) in low.iter_mut().zip(high.iter()) {
            *a += *b;
        }
        width /= 2;
    }
    lanes[0]
}

/// Sum of the elements.
#[inline(always)]
pub fn sum(x: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut blocks = x.chunks_exact(LANES);
    for block in &mut blocks {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *lane += *x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(blocks.remainder()) {
        *lane += *x;
    }
    fold(lanes)
}

/// Sum of the products of elements, each product rounded before it is added. What one slice has more is ignored.
#[inline(always)]
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    let length = x.len().min(y.len());
    let (x, y) = (&x[..length], &y[..length]);
    let mut lanes = [0.0f32; LANES];
    let mut xs = x.chunks_exact(LANES);
    let mut ys = y.chunks_exact(LANES);
    for (x, y) in (&mut xs).zip(&mut ys) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += *x * *y;
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(xs.remainder()).zip(ys.remainder()) {
        *lane += *x * *y;
    }
    fold(lanes)
}

/// Largest magnitude, as the bits of a float: they order like the numbers, and a NaN is above everything.
#[inline(always)]
pub(crate) fn largest_magnitude(x: &[f32]) -> u32 {
    let bits = x.iter().fold(0i32, |largest, x| largest.max((x.to_bits() & 0x7fff_ffff) as i32));
    bits as u32
}

/// Whether no element is a NaN or an infinity.
#[inline(always)]
pub fn all_finite(x: &[f32]) -> bool {
    largest_magnitude(x) < 0x7f80_0000
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_the_book(x: &[f32]) -> f32 {
        let mut lanes = [0.0f32; 16];
        for (i, x) in x.iter().enumerate() {
            lanes[i % 16] += x;
        }
        for width in [8, 4, 2, 1] {
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
        }
        lanes[0]
    }

    proptest! {
        #[test]
        fn sums_go_by_lanes(x in proptest::collection::vec(-1e3f32..1e3, 0..100)) {
            prop_assert_eq!(sum(&x).to_bits(), by_the_book(&x).to_bits());
            let exact: f64 = x.iter().map(|x| f64::from(*x)).sum();
            prop_assert!((f64::from(sum(&x)) - exact).abs() < 0.1);
        }

        #[test]
        fn dots_are_sums_of_rounded_products(x in proptest::collection::vec((-1e3f32..1e3, -1e3f32..1e3), 0..100)) {
            let (a, b): (Vec<f32>, Vec<f32>) = x.iter().copied().unzip();
            let products: Vec<f32> = x.iter().map(|(a, b)| a * b).collect();
            prop_assert_eq!(dot(&a, &b).to_bits(), by_the_book(&products).to_bits());
        }
    }

    #[test]
    fn a_nan_and_an_infinity_are_seen() {
        assert!(all_finite(&[0.0, -0.0, f32::MAX, f32::MIN]));
        assert!(!all_finite(&[0.0, f32::NAN]));
        assert!(!all_finite(&[f32::NEG_INFINITY]));
    }
}
