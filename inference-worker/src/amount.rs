//! Amounts of ASY as people write them: decimals of ASY outside, whole units of 10^-12 ASY inside.

use assay_types::{Balance, ASY, DECIMALS};

/// Reads an amount in ASY, such as `1`, `0.25` or `1_000.5`.
///
/// # Errors
/// One line that says what is wrong: not a decimal number, more than twelve decimals, or too large.
pub fn parse(text: &str) -> Result<Balance, String> {
    let compact: String = text.trim().chars().filter(|character| *character != '_').collect();
    let (whole, fraction) = compact.split_once('.').unwrap_or((&compact, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return Err(format!("'{text}' is not an amount of ASY, such as 1 or 0.25"));
    }
    if fraction.len() > usize::from(DECIMALS) {
        return Err(format!("'{text}' has more than {DECIMALS} decimals"));
    }
    let too_large = || format!("'{text}' is more ASY than there can be");
    let whole: Balance = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_large())? };
    let units = format!("{fraction:0<width$}", width = usize::from(DECIMALS));
    let units: Balance = units.parse().map_err(|_| too_large())?;
    whole.checked_mul(ASY).and_then(|whole| whole.checked_add(units)).ok_or_else(too_large)
}

/// Writes an amount in ASY without needless zeros, such as `0.25`.
pub fn format(amount: Balance) -> String {
    let (whole, units) = (amount / ASY, amount % ASY);
    if units == 0 {
        return whole.to_string();
    }
    let fraction = format!("{units:0>width$}", width = usize::from(DECIMALS));
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// An amount in ASY, for metrics and nothing else: it is not exact.
pub fn in_asy(amount: Balance) -> f64 {
    amount as f64 / ASY as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(parse("1"), Ok(ASY));
        assert_eq!(parse("0.25"), Ok(ASY / 4));
        assert_eq!(parse(".5"), Ok(ASY / 2));
        assert_eq!(parse(" 1_000.000000000001 "), Ok(1_000 * ASY + 1));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["", ".", "-1", "1e3", "1,5", "0.0000000000001", "one", "1.2.3", "340282366920938463463374607431769"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn writing_and_reading_give_the_amount_back(amount in any::<Balance>()) {
            prop_assert_eq!(parse(&format(amount)), Ok(amount));
        }
    }
}
