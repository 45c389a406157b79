//! The controller that paces work rewards: it measures what was minted against what was scheduled.

use crate::{
    curve::EmissionCurve,
    fixed::{exp2, mul_div, saturate, ONE},
};
use primitive_types::U256;

/// Largest multiplier, with 18 decimals.
pub const MAX_MULTIPLIER: u128 = 100 * ONE;
/// Supply over schedule, with 18 decimals, below which the multiplier is [`MAX_MULTIPLIER`]: 1 - log2(100) / 100.
pub const FULL_BELOW: u128 = 933_561_438_102_252_700;
/// Supply over schedule, with 18 decimals, from which on the multiplier is 0.
pub const NOTHING_FROM: u128 = 1_200_000_000_000_000_000;
/// Doublings of the multiplier per unit that supply over schedule is below one.
const GAIN: i128 = 100;

/// What a work reward is multiplied by, with 18 decimals: 2^(-100 (d - 1)) where d = `supply` / `scheduled`, rounded
/// down to 18 decimals. 100 where d is below 0.9335614381022527, 0 from 1.2 on, 0 while nothing is scheduled.
///
/// `supply` is what was minted and what is reserved. Never increases with `supply`, never decreases with `scheduled`.
pub fn multiplier(supply: u128, scheduled: u128) -> u128 {
    if scheduled == 0 {
        return 0;
    }
    let ratio = mul_div(supply, ONE, scheduled);
    if ratio < FULL_BELOW {
        return MAX_MULTIPLIER;
    }
    if ratio >= NOTHING_FROM {
        return 0;
    }
    // The ratio is below 1.2 here, so both numbers are small.
    let exponent = (ONE as i128).saturating_sub(ratio as i128).saturating_mul(GAIN);
    // The threshold is rounded, so that just above it the power is some 10^-13 over 100.
    exp2(exponent).min(MAX_MULTIPLIER)
}

/// The work reward in smallest units: `rate` * (1 - `minted` / `cap`) * `token` * `multiplier`, rounded down after
/// the product of the second and last factor and at the end. Rate and multiplier have 18 decimals, `token` is one
/// token in its smallest unit. 0 if the cap is reached; the caller bounds the reward by what the cap leaves.
pub fn work_reward(rate: u128, minted: u128, cap: u128, token: u128, multiplier: u128) -> u128 {
    let share = mul_div(multiplier, cap.saturating_sub(minted), cap);
    // Within 256 bits up to a token of 2^60 units, whatever the rate.
    let product =
        U256::from(share).saturating_mul(U256::from(rate)).checked_mul(U256::from(token)).unwrap_or(U256::MAX);
    saturate(product.checked_div(U256::from(ONE).saturating_mul(U256::from(ONE))).unwrap_or_default())
}

/// What of the work part was emitted before a reward is fixed, in smallest units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Emitted {
    /// Minted so far.
    pub minted: u128,
    /// Reserved and not minted yet.
    pub reserved: u128,
    /// Block in which the present tenure made its first reservation.
    pub tenure_since: u32,
    /// Reserved in the present tenure, whatever became of it.
    pub tenure_reserved: u128,
}

/// What a tenure of `tenure_length` blocks may reserve whose first reservation is made in block `since`: twice its
/// schedule.
pub fn tenure_allowance(curve: &EmissionCurve, since: u32, tenure_length: u32) -> u128 {
    curve.scheduled_after(since, tenure_length).saturating_mul(2)
}

/// The work reward that is fixed in block `now`: [`work_reward`] under what the cap leaves, what is left of the
/// [`tenure_allowance`], and `limit`.
pub fn bounded_reward(
    curve: &EmissionCurve,
    rate: u128,
    token: u128,
    emitted: &Emitted,
    now: u32,
    tenure_length: u32,
    limit: u128,
) -> u128 {
    let supply = emitted.minted.saturating_add(emitted.reserved);
    let multiplier = multiplier(supply, curve.scheduled(now));
    let allowance = tenure_allowance(curve, emitted.tenure_since, tenure_length);
    work_reward(rate, emitted.minted, curve.cap(), token, multiplier)
        .min(curve.cap().saturating_sub(supply))
        .min(allowance.saturating_sub(emitted.tenure_reserved))
        .min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn clamps_and_edges() {
        // With a schedule of one in 18 decimals, the supply is the ratio.
        assert_eq!(multiplier(0, 0), 0);
        assert_eq!(multiplier(u128::MAX, 0), 0);
        assert_eq!(multiplier(0, ONE), MAX_MULTIPLIER);
        assert_eq!(multiplier(FULL_BELOW - 1, ONE), MAX_MULTIPLIER);
        assert_eq!(multiplier(FULL_BELOW, ONE), MAX_MULTIPLIER);
        assert!(multiplier(FULL_BELOW + 100, ONE) < MAX_MULTIPLIER);
        assert_eq!(multiplier(ONE, ONE), ONE);
        assert_eq!(multiplier(NOTHING_FROM - 1, ONE), 953_674_316_406);
        assert_eq!(multiplier(NOTHING_FROM, ONE), 0);
        assert_eq!(multiplier(u128::MAX, 1), 0);
    }

    #[test]
    fn ten_percent_over_target_is_a_1024th() {
        assert_eq!(multiplier(11, 10), ONE / 1024);
    }

    #[test]
    fn rewards_vanish_at_the_cap_and_saturate() {
        assert_eq!(work_reward(ONE, 50, 100, 1_000, ONE), 500);
        assert_eq!(work_reward(ONE, 100, 100, 1_000, ONE), 0);
        assert_eq!(work_reward(ONE, 101, 100, 1_000, ONE), 0);
        assert_eq!(work_reward(ONE, 0, 0, 1_000, ONE), 0);
        assert_eq!(work_reward(0, 0, 100, 1_000, ONE), 0);
        assert_eq!(work_reward(u128::MAX, 0, u128::MAX, u128::MAX, u128::MAX), u128::MAX);
    }

    #[test]
    fn each_bound_of_a_reward_holds_alone() {
        let curve = EmissionCurve::Linear { per_block: 1_000, cap: 1_000_000 };
        let reward = |emitted: &Emitted, limit| bounded_reward(&curve, ONE, 50_000, emitted, 500, 10, limit);
        let on_schedule = Emitted { minted: 400_000, reserved: 100_000, tenure_since: 495, tenure_reserved: 0 };
        // 50,000 x (1 - 0.4), of which the tenure has 20,000.
        assert_eq!(reward(&on_schedule, u128::MAX), 20_000);
        assert_eq!(reward(&Emitted { tenure_reserved: 19_000, ..on_schedule }, u128::MAX), 1_000);
        assert_eq!(reward(&Emitted { tenure_reserved: 21_000, ..on_schedule }, u128::MAX), 0);
        assert_eq!(reward(&on_schedule, 7), 7);
        let smaller = |emitted: &Emitted| bounded_reward(&curve, ONE, 10_000, emitted, 500, 10, u128::MAX);
        assert_eq!(smaller(&on_schedule), 6_000, "as long as no bound is lower");
        assert!(smaller(&Emitted { reserved: 101_000, ..on_schedule }) < 6_000, "what is reserved counts");
        let almost = Emitted { minted: 999_000, reserved: 999, tenure_since: 1_000, tenure_reserved: 0 };
        let late = EmissionCurve::Halving { initial: 1_000, interval: 1_000_000, cap: 1_000_000 };
        assert_eq!(bounded_reward(&late, u128::MAX, 50_000, &almost, 2_000, 10, u128::MAX), 0, "nothing is scheduled");
        let early =
            bounded_reward(&late, u128::MAX, 50_000, &Emitted { tenure_since: 990, ..almost }, 1_000, 10, u128::MAX);
        assert_eq!(early, 1, "what the cap leaves");
    }

    proptest! {
        #[test]
        fn never_increases_with_supply(supply in 0..1u128 << 70, step in 0..1u128 << 60, scheduled in 1..1u128 << 70) {
            let m = multiplier(supply, scheduled);
            prop_assert!(m <= MAX_MULTIPLIER);
            prop_assert!(m >= multiplier(supply + step, scheduled));
            prop_assert!(m >= multiplier(supply + 1, scheduled));
            prop_assert!(m <= multiplier(supply, scheduled + 1));
        }

        #[test]
        fn never_increases_with_supply_on_the_slope(ratio in FULL_BELOW - 10..NOTHING_FROM + 10, step in 0..1_000u128) {
            prop_assert!(multiplier(ratio, ONE) >= multiplier(ratio + step, ONE));
        }

        #[test]
        fn rewards_never_increase_with_what_was_minted(
            rate in 0..100 * ONE, minted in 0..1u128 << 64, step in 0..1u128 << 60, cap in 1..1u128 << 64, m in 0..=MAX_MULTIPLIER,
        ) {
            let token = 1_000_000_000_000;
            let reward = work_reward(rate, minted, cap, token, m);
            prop_assert!(reward >= work_reward(rate, minted + step, cap, token, m));
            prop_assert!(reward <= mul_div(mul_div(rate, m, ONE) + 1, token, ONE));
        }

        #[test]
        fn never_panics(a in any::<u128>(), b in any::<u128>(), c in any::<u128>(), d in any::<u128>(), e in any::<u128>()) {
            multiplier(a, b);
            work_reward(a, b, c, d, e);
        }
    }
}
