//! Weighted sortition: who is drawn, with chances in proportion to weights.
//!
//! Origin: the consensus hash sortition of proof-of-transfer chains (one winner a block, weight = the smaller of the last
//! commitment and the median of the last six); extended here to several seats by successive draws without replacement.

use primitive_types::{U256, U512};

/// What a candidate weighs whose commitments of the last tenures were `window`, the latest last; a tenure without one is 0.
/// The smaller of the last and the median (of two middle ones, their mean, rounded down), but at least 1 where the last is
/// not 0: one large commitment buys nothing.
pub fn smoothed_weight<const N: usize>(mut window: [u128; N]) -> u128 {
    let last = window.last().copied().unwrap_or_default();
    window.sort_unstable();
    let middle = |i: usize| window.get(i).copied().unwrap_or_default();
    let (low, high) = (middle(N.saturating_sub(1) / 2), middle(N / 2));
    let median = low.saturating_add(high.saturating_sub(low) / 2);
    last.min(median.max(1))
}

/// The index of the weight into whose range the 256-bit big-endian `number` falls: the first whose cumulative sum exceeds
/// `number * total >> 256`. `None` if nothing weighs anything. Sums that overflow saturate.
pub fn pick(weights: &[u128], number: &[u8; 32]) -> Option<usize> {
    let total = weights.iter().fold(0u128, |sum, weight| sum.saturating_add(*weight));
    // Both factors are below 2^256, so the high half of the product is below the total.
    let U512([.., low, high, _, _]) = U256::from_big_endian(number).full_mul(U256::from(total));
    let point = u128::from(high) << 64 | u128::from(low);
    let mut sum = 0u128;
    weights.iter().position(|weight| {
        sum = sum.saturating_add(*weight);
        sum > point
    })
}

/// Draws up to `seats` indices, each once, into `drawn`: the `i`-th by [`pick`] with the number that `number` gives for
/// `i`, among the weights that have not been drawn. What is drawn is set to 0 in `weights`.
pub fn draw(weights: &mut [u128], seats: u32, number: impl Fn(u32) -> [u8; 32], mut drawn: impl FnMut(usize)) {
    for i in 0..seats {
        let Some(winner) = pick(weights, &number(i)) else { return };
        if let Some(weight) = weights.get_mut(winner) {
            *weight = 0;
        }
        drawn(winner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(parts: [u64; 4]) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, part) in bytes.chunks_mut(8).zip(parts) {
            chunk.copy_from_slice(&part.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn a_number_falls_where_its_share_of_the_total_lies() {
        let weights = [100, 200, 300, 400];
        for (part, index) in [(0, 0), (0x1999, 0), (0x199a, 1), (0x4ccc, 1), (0x4ccd, 2), (0x999a, 3), (0xffff, 3)] {
            assert_eq!(pick(&weights, &number([part << 48, 0, 0, 0])), Some(index), "{part:#x}");
        }
        assert_eq!(pick(&[0, 7, 0], &[0; 32]), Some(1));
        assert_eq!(pick(&[0, 7, 0], &[0xff; 32]), Some(1));
    }

    #[test]
    fn nobody_is_drawn_of_nothing() {
        assert_eq!(pick(&[], &[0; 32]), None);
        assert_eq!(pick(&[0, 0], &[0xff; 32]), None);
    }

    #[test]
    fn sums_beyond_the_type_saturate() {
        let weights = [u128::MAX, u128::MAX, 5];
        assert_eq!(pick(&weights, &[0; 32]), Some(0));
        assert_eq!(pick(&weights, &[0xff; 32]), Some(0));
    }

    #[test]
    fn more_seats_than_weights_draw_each_once() {
        let mut weights = [3, 0, 5, 1];
        let mut winners = Vec::new();
        draw(&mut weights, 16, |i| [(i * 83) as u8; 32], |winner| winners.push(winner));
        winners.sort_unstable();
        assert_eq!(winners, [0, 2, 3]);
        assert_eq!(weights, [0; 4]);
    }

    #[test]
    fn an_early_spike_weighs_nothing() {
        assert_eq!(smoothed_weight([0, 0, 0, 0, 0, 1_000_000]), 1);
        assert_eq!(smoothed_weight([0, 0, 0, 5, 6, 1_000_000]), 2);
        assert_eq!(smoothed_weight([9, 9, 9, 9, 9, 0]), 0);
        assert_eq!(smoothed_weight([u128::MAX; 6]), u128::MAX);
    }

    proptest! {
        #[test]
        fn the_one_drawn_weighs_something(
            weights in proptest::collection::vec(prop_oneof![Just(0u128), 1..1_000u128, any::<u128>()], 0..20),
            number in any::<[u8; 32]>(),
        ) {
            match pick(&weights, &number) {
                Some(index) => prop_assert!(weights[index] > 0),
                None => prop_assert!(weights.iter().all(|weight| *weight == 0)),
            }
        }

        #[test]
        fn a_weight_is_neither_above_the_last_nor_the_median(window in any::<[u128; 6]>()) {
            let weight = smoothed_weight(window);
            let at_least = window.iter().filter(|amount| **amount >= weight).count();
            prop_assert!(weight <= window[5]);
            prop_assert!(weight <= 1 || at_least >= 3);
        }
    }
}
