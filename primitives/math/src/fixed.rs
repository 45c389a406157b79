//! Fixed-point numbers with 18 decimals, and powers of two of them.

use primitive_types::U256;

/// One, as a fixed-point number with 18 decimals: the inner value of `FixedU128::one()`.
pub const ONE: u128 = 1_000_000_000_000_000_000;

/// Fraction bits of the numbers inside [`exp2`].
const BITS: u32 = 127;
/// One with [`BITS`] fraction bits.
const ONE_IN_BITS: u128 = 1 << BITS;
/// ln 2 with [`BITS`] fraction bits, rounded down.
const LN_2: u128 = 0x58b9_0bfb_e8e7_bcd5_e4f1_d9cc_01f9_7b57;
/// Bound on the terms of the series: for arguments below ln 2 the 33rd is below 2^-127 already.
const MAX_TERMS: u32 = 40;

/// `value` as far as 128 bits hold it.
pub(crate) fn saturate(value: U256) -> u128 {
    if value > U256::from(u128::MAX) {
        u128::MAX
    } else {
        value.low_u128()
    }
}

/// `value` shifted right; 0 where no bit is left.
#[allow(clippy::arithmetic_side_effects, reason = "the shift is below the width")]
pub(crate) fn shift_right(value: U256, shift: u32) -> U256 {
    if shift < 256 {
        value >> shift
    } else {
        U256::zero()
    }
}

/// `a * b / divisor`, rounded down; `u128::MAX` if that is too large, 0 if `divisor` is 0.
pub fn mul_div(a: u128, b: u128, divisor: u128) -> u128 {
    // The product of two 128-bit numbers always fits.
    let product = U256::from(a).saturating_mul(U256::from(b));
    saturate(product.checked_div(U256::from(divisor)).unwrap_or_default())
}

/// 2^(numerator / denominator) for a fraction below one, with [`BITS`] fraction bits.
///
/// The Taylor series of exp at the fraction times ln 2. Every rounding is downwards and below 2^-127, and there are
/// fewer than 70 of them: the result is at most 2^-120 too small, never too large, and exact for 0.
pub(crate) fn exp2_fraction(numerator: u128, denominator: u128) -> u128 {
    let argument = mul_div(numerator, LN_2, denominator).min(LN_2);
    let mut term = ONE_IN_BITS;
    let mut sum = term;
    for index in 1..=MAX_TERMS {
        // Terms shrink and the argument is below one, so the product has at most 2 BITS bits.
        let product = U256::from(term).saturating_mul(U256::from(argument));
        term = saturate(shift_right(product, BITS)).checked_div(index.into()).unwrap_or_default();
        if term == 0 {
            break;
        }
        // exp of less than ln 2 is below two, which 128 bits hold.
        sum = sum.saturating_add(term);
    }
    sum
}

/// 2^`exponent`, argument and result with 18 decimals; rounded down, `u128::MAX` if it does not fit.
///
/// The error before the last rounding is below 2^-119 of the result, so the result is the exact one rounded down
/// unless the exact one lies that close above a multiple of 10^-18; whole exponents are exact.
pub fn exp2(exponent: i128) -> u128 {
    let whole = exponent.div_euclid(ONE as i128);
    let fraction = exponent.rem_euclid(ONE as i128).unsigned_abs();
    // 2^69 * 10^18 is beyond 128 bits; 2^-60 * 10^18 is below one.
    if whole > 68 {
        return u128::MAX;
    }
    if whole < -60 {
        return 0;
    }
    let scaled = U256::from(exp2_fraction(fraction, ONE)).saturating_mul(U256::from(ONE));
    // Between 59 and 187 by the two bounds above.
    let shift = u32::try_from(i128::from(BITS).saturating_sub(whole)).unwrap_or(u32::MAX);
    saturate(shift_right(scaled, shift))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNIT: i128 = ONE as i128;

    #[test]
    fn whole_powers_are_exact() {
        for power in 0..=68u32 {
            assert_eq!(exp2(i128::from(power) * UNIT), ONE << power);
            assert_eq!(exp2(-i128::from(power) * UNIT), ONE >> power);
        }
    }

    #[test]
    fn ends_of_the_range_saturate() {
        assert_eq!(exp2(i128::MAX), u128::MAX);
        assert_eq!(exp2(i128::MIN), 0);
        assert_eq!(exp2(69 * UNIT), u128::MAX);
        // The largest exponent of which the power still fits 128 bits, and its neighbour.
        assert!(exp2(68_205_294_292_027_477_738) < u128::MAX);
        assert_eq!(exp2(68_205_294_292_027_477_739), u128::MAX);
        assert_eq!(exp2(-60 * UNIT), 0);
    }

    /// Powers computed to 60 digits with arbitrary precision elsewhere, rounded down.
    #[test]
    fn known_powers_are_met_to_the_last_digit() {
        for (exponent, expected) in KNOWN {
            assert_eq!(exp2(exponent), expected, "2^{exponent}");
        }
    }

    const KNOWN: [(i128, u128); 12] = [
        (1, 1_000_000_000_000_000_000),
        (-1, 999_999_999_999_999_999),
        (500_000_000_000_000_000, 1_414_213_562_373_095_048),
        (-500_000_000_000_000_000, 707_106_781_186_547_524),
        (333_333_333_333_333_333, 1_259_921_049_894_873_164),
        (999_999_999_999_999_999, 1_999_999_999_999_999_998),
        (6_643_856_189_774_730_000, 100_000_000_000_000_367_663),
        (6_643_856_189_774_724_695, 99_999_999_999_999_999_948),
        (-13_999_999_999_999_999_999, 61_035_156_250_000),
        (-19_999_999_999_999_999_900, 953_674_316_406),
        (3_321_928_094_887_362_347, 9_999_999_999_999_999_993),
        (40_123_456_789_012_345_678, 1_197_744_053_081_882_494_517_887_774_957),
    ];

    #[test]
    fn mul_div_saturates_and_refuses_zero() {
        assert_eq!(mul_div(7, 3, 2), 10);
        assert_eq!(mul_div(u128::MAX, u128::MAX, u128::MAX), u128::MAX);
        assert_eq!(mul_div(u128::MAX, 2, 1), u128::MAX);
        assert_eq!(mul_div(1, 1, 0), 0);
    }

    proptest! {
        #[test]
        fn never_decreases(exponent in -61 * UNIT..68 * UNIT, step in 0..UNIT) {
            prop_assert!(exp2(exponent) <= exp2(exponent + step));
            prop_assert!(exp2(exponent) <= exp2(exponent + 1));
        }

        #[test]
        fn the_square_of_the_root_is_the_number(exponent in 0..30 * UNIT) {
            // 2^(2x) = (2^x)^2 within the last digit of 2^x, twice.
            let root = exp2(exponent);
            let square = mul_div(root, root, ONE);
            let direct = exp2(2 * exponent);
            prop_assert!(square <= direct);
            prop_assert!(direct - square <= mul_div(root, 2, ONE) + 2);
        }

        #[test]
        fn never_panics(exponent in any::<i128>(), a in any::<u128>(), b in any::<u128>(), c in any::<u128>()) {
            exp2(exponent);
            mul_div(a, b, c);
            prop_assert!(exp2_fraction(a, b) >= ONE_IN_BITS);
        }
    }
}
