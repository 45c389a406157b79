//! A fund that many own together, each by shares: pure arithmetic, no storage.
//!
//! What a share is worth is the balance of the fund over all its shares: it rises for all of them at once when the fund
//! earns and falls when it is slashed, so that neither ever walks over the members. Every rounding is in favour of
//! those who stay.

use assay_math::fixed::mul_div;
use assay_types::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Shares per unit of ASY in a fund that nobody is in yet: a share is then so small that rounding to one costs nobody a
/// unit.
pub const SHARES_PER_UNIT: Balance = 1_000_000;
/// A member that joins loses at most one unit, and this part of what it brings, by rounding.
const LEAST_PRECISION: Balance = 1_000_000;

/// A fund. It has shares exactly while it has a balance.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ShareFund {
    /// What is in it, in units of ASY.
    pub balance: Balance,
    /// The shares of all members.
    pub shares: Balance,
    /// How often it has lost everything. Shares of an older generation are worth nothing.
    pub generation: u32,
}

impl ShareFund {
    /// What `shares` of this generation are worth, in units of ASY, rounded down.
    pub fn value(&self, shares: Balance) -> Balance {
        if shares >= self.shares {
            self.balance
        } else {
            mul_div(shares, self.balance, self.shares)
        }
    }

    /// The least number of shares that are worth `amount`; all, if they are worth less.
    pub fn shares_for(&self, amount: Balance) -> Balance {
        let down = mul_div(amount, self.shares, self.balance);
        let up = if self.value(down) < amount { down.saturating_add(1) } else { down };
        up.min(self.shares)
    }

    /// Puts `amount` in and returns the shares that it buys.
    ///
    /// `None`, and nothing is changed, when whole shares cannot express the amount: it is nothing, a share has become
    /// so dear that more than a millionth and one unit would be lost to rounding, or so cheap that the count of shares
    /// would overflow. So nobody can make shares dear in order to gain by what others lose to rounding.
    #[must_use]
    pub fn join(&mut self, amount: Balance) -> Option<Balance> {
        let shares = if self.shares == 0 {
            amount.checked_mul(SHARES_PER_UNIT)?
        } else {
            mul_div(amount, self.shares, self.balance)
        };
        let joined = Self {
            balance: self.balance.checked_add(amount)?,
            shares: self.shares.checked_add(shares)?,
            generation: self.generation,
        };
        let lost = amount.saturating_sub(joined.value(shares));
        // Division by a constant other than zero.
        if shares == 0 || lost > (amount / LEAST_PRECISION).saturating_add(1) {
            return None;
        }
        *self = joined;
        Some(shares)
    }

    /// Takes `shares` of this generation out and returns what they were worth.
    #[must_use]
    pub fn leave(&mut self, shares: Balance) -> Balance {
        let amount = self.value(shares);
        self.shares = self.shares.saturating_sub(shares);
        self.balance = self.balance.saturating_sub(amount);
        amount
    }

    /// Adds `amount` for all members; `false`, and nothing is changed, when there is none.
    #[must_use]
    pub fn earn(&mut self, amount: Balance) -> bool {
        if self.shares == 0 {
            return false;
        }
        // Total issuance bounds every balance far below saturation.
        self.balance = self.balance.saturating_add(amount);
        true
    }

    /// Takes `amount`, and never more than is there, from all members; returns what it took. Whoever is in a fund that
    /// loses everything has nothing in it any more: the next generation begins.
    #[must_use]
    pub fn take(&mut self, amount: Balance) -> Balance {
        let taken = amount.min(self.balance);
        self.balance = self.balance.saturating_sub(taken);
        if self.balance == 0 && self.shares > 0 {
            self.shares = 0;
            self.generation = self.generation.saturating_add(1);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn earnings_and_losses_are_shared_by_shares() {
        let mut fund = ShareFund::default();
        let alice = fund.join(300).unwrap();
        let bob = fund.join(100).unwrap();
        assert!(fund.earn(40));
        assert_eq!((fund.value(alice), fund.value(bob)), (330, 110));
        assert_eq!(fund.take(220), 220);
        assert_eq!((fund.value(alice), fund.value(bob)), (165, 55));
        // Who comes later has no part in what was before.
        let charlie = fund.join(55).unwrap();
        assert_eq!(charlie, bob);
        assert_eq!((fund.leave(bob), fund.leave(charlie), fund.leave(alice)), (55, 55, 165));
        assert_eq!(fund, ShareFund::default());
    }

    #[test]
    fn a_fund_that_loses_everything_begins_a_generation() {
        let mut fund = ShareFund::default();
        fund.join(300).unwrap();
        assert_eq!(fund.take(301), 300);
        assert_eq!(fund, ShareFund { generation: 1, ..Default::default() });
        assert!(!fund.earn(1));
        assert_eq!(fund.take(1), 0);
        assert_eq!(fund.join(7), Some(7 * SHARES_PER_UNIT));
        assert_eq!(fund.generation, 1);
        // An empty fund that nobody lost anything in stays in its generation.
        let all = fund.shares;
        assert_eq!(fund.leave(all), 7);
        assert_eq!(fund.generation, 1);
    }

    #[test]
    fn a_fund_whose_share_is_too_dear_takes_nobody_to_its_cost() {
        // One share, worth a thousand: 1,999 would buy one share, and nearly a thousand would be the other's.
        let mut fund = ShareFund { balance: 1_000, shares: 1, generation: 0 };
        let before = fund;
        assert_eq!(fund.join(1_999), None);
        assert_eq!(fund.join(999), None);
        assert_eq!(fund, before);
        assert_eq!(fund.join(2_001), Some(2));
    }

    #[test]
    fn a_fund_whose_share_is_too_cheap_takes_nobody() {
        let mut fund = ShareFund { balance: 1, shares: u128::MAX / 2, generation: 3 };
        let before = fund;
        assert_eq!(fund.join(2), None);
        assert_eq!(fund.join(u128::MAX), None);
        assert_eq!(fund, before);
        assert_eq!(ShareFund::default().join(u128::MAX), None);
        assert_eq!(ShareFund::default().join(0), None);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let fund = ShareFund { balance: u128::MAX, shares: u128::MAX, generation: 0 };
        assert_eq!(fund.value(u128::MAX - 1), u128::MAX - 1);
        assert_eq!(fund.shares_for(u128::MAX), u128::MAX);
        assert_eq!(ShareFund::default().shares_for(5), 0);
        assert_eq!(ShareFund::default().value(5), 0);
    }

    /// One thing that happens to a fund.
    #[derive(Clone, Debug)]
    enum Step {
        Join(usize, Balance),
        Leave(usize, Balance),
        Earn(Balance),
        Take(Balance),
    }

    fn step() -> impl Strategy<Value = Step> {
        let amount = prop_oneof![1..1_000u128, 1..1u128 << 70];
        prop_oneof![
            (0..4usize, amount.clone()).prop_map(|(who, amount)| Step::Join(who, amount)),
            (0..4usize, amount.clone()).prop_map(|(who, amount)| Step::Leave(who, amount)),
            amount.clone().prop_map(Step::Earn),
            amount.prop_map(Step::Take),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Units in are units out or there; the members' parts never exceed the fund; nobody's part changes by what
        /// others do but for a unit of rounding, and never falls by another's leaving.
        #[test]
        fn units_are_conserved_and_nobody_gets_more_than_its_part(steps in proptest::collection::vec(step(), 1..60)) {
            let mut fund = ShareFund::default();
            // Shares and generation of each member.
            let mut members = [(0u128, 0u32); 4];
            let (mut entered, mut left) = (0u128, 0u128);
            let worth = |fund: &ShareFund, (shares, generation): (u128, u32)| {
                if generation == fund.generation { fund.value(shares) } else { 0 }
            };
            for step in steps {
                let before = members.map(|member| worth(&fund, member));
                let old = fund;
                match step {
                    Step::Join(who, amount) => {
                        if members[who].1 != fund.generation {
                            members[who] = (0, fund.generation);
                        }
                        if let Some(shares) = fund.join(amount) {
                            members[who].0 += shares;
                            entered += amount;
                            let gained = worth(&fund, members[who]) - before[who];
                            prop_assert!(gained <= amount + 1);
                            prop_assert!(gained + 1 + amount / LEAST_PRECISION >= amount);
                        } else {
                            prop_assert_eq!(fund, old);
                        }
                        for other in (0..4).filter(|other| *other != who) {
                            let now = worth(&fund, members[other]);
                            prop_assert!(now >= before[other], "a member lost by another's joining");
                            prop_assert!(now - before[other] <= 2 + amount / LEAST_PRECISION);
                        }
                    }
                    Step::Leave(who, amount) if members[who].1 == fund.generation => {
                        let shares = fund.shares_for(amount).min(members[who].0);
                        let worth_before = fund.value(shares);
                        let paid = fund.leave(shares);
                        prop_assert_eq!(paid, worth_before);
                        prop_assert!(paid <= before[who]);
                        members[who].0 -= shares;
                        left += paid;
                        for other in (0..4).filter(|other| *other != who) {
                            prop_assert!(worth(&fund, members[other]) >= before[other], "rounding favoured the leaver");
                        }
                    }
                    Step::Leave(..) => {}
                    Step::Earn(amount) => {
                        if fund.earn(amount) {
                            entered += amount;
                        }
                        for (member, before) in members.iter().zip(before) {
                            let shares = if member.1 == fund.generation { member.0 } else { 0 };
                            let part = mul_div(amount, shares, fund.shares);
                            prop_assert!(worth(&fund, *member).abs_diff(before + part) <= 1);
                        }
                    }
                    Step::Take(amount) => {
                        left += fund.take(amount);
                        for (member, before) in members.iter().zip(before) {
                            prop_assert!(worth(&fund, *member) <= before);
                        }
                    }
                }
                prop_assert_eq!(fund.balance, entered - left);
                prop_assert_eq!(fund.balance == 0, fund.shares == 0);
                let shares: u128 = members.iter().filter(|m| m.1 == fund.generation).map(|m| m.0).sum();
                prop_assert_eq!(shares, fund.shares);
                prop_assert!(members.iter().map(|m| worth(&fund, *m)).sum::<u128>() <= fund.balance);
            }
            // Everybody leaves and nothing stays behind.
            for (shares, generation) in members {
                if generation == fund.generation {
                    left += fund.leave(shares);
                }
            }
            prop_assert_eq!((fund.balance, fund.shares), (0, 0));
            prop_assert_eq!(entered, left);
        }

        #[test]
        fn nothing_overflows(
            balance in any::<u128>(),
            shares in any::<u128>(),
            amount in any::<u128>(),
            part in any::<u128>(),
        ) {
            let fund = ShareFund { balance, shares, generation: u32::MAX };
            prop_assert!(fund.value(part) <= balance);
            prop_assert!(fund.shares_for(amount) <= shares);
            let [mut joined, mut left, mut earning, mut slashed] = [fund; 4];
            let _ = joined.join(amount);
            prop_assert!(left.leave(part) <= balance);
            let _ = earning.earn(amount);
            prop_assert!(slashed.take(amount) <= balance);
        }

        #[test]
        fn shares_for_an_amount_are_the_least_that_are_worth_it(
            balance in 1..1u128 << 70,
            shares in 1..1u128 << 90,
            amount in 1..1u128 << 70,
        ) {
            let fund = ShareFund { balance, shares, generation: 0 };
            let needed = fund.shares_for(amount);
            if amount <= balance {
                prop_assert!(fund.value(needed) >= amount);
                prop_assert!(fund.value(needed - 1) < amount);
            } else {
                prop_assert_eq!(needed, shares);
            }
        }
    }
}
