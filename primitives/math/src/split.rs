//! How fees and rewards are shared. The parts of a split always add up to what was split.

/// A fee, split; amounts in smallest units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FeeParts {
    /// The model's flat fee, to its recipient.
    pub model: u128,
    /// A tenth of the remainder, rounded down: the part that cannot come back to whoever pays.
    pub treasury: u128,
    /// What is left of the remainder.
    pub solver: u128,
}

/// A minted reward, split; amounts in smallest units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RewardParts {
    /// A tenth, rounded down.
    pub treasury: u128,
    /// A tenth, rounded down.
    pub liquidity: u128,
    /// 90 % of the rest, and every unit that rounding left over.
    pub solver: u128,
    /// 7 % of the rest, rounded down.
    pub validators: u128,
    /// 3 % of the rest, rounded down.
    pub user: u128,
}

/// `percent` hundredths of `amount`, rounded down; `percent` is at most 100.
fn percent(amount: u128, percent: u128) -> u128 {
    // Whole hundreds and the rest apart, so that nothing overflows.
    let (hundreds, rest) = (amount / 100, amount % 100);
    hundreds.saturating_mul(percent).saturating_add(rest.saturating_mul(percent) / 100)
}

/// Splits `fee` on a task whose model asks `model_fee`; a fee below it goes to the model whole.
pub fn split_fee(fee: u128, model_fee: u128) -> FeeParts {
    let model = fee.min(model_fee);
    let remainder = fee.saturating_sub(model);
    let treasury = percent(remainder, 10);
    FeeParts { model, treasury, solver: remainder.saturating_sub(treasury) }
}

/// Splits a work reward: 10 % treasury, 10 % liquidity, the rest 90 / 7 / 3 between solver, validators and user
/// (72 / 5.6 / 2.4 of the whole). What rounding leaves is the solver's.
pub fn split_reward(reward: u128) -> RewardParts {
    let treasury = percent(reward, 10);
    let liquidity = percent(reward, 10);
    let rest = reward.saturating_sub(treasury).saturating_sub(liquidity);
    let validators = percent(rest, 7);
    let user = percent(rest, 3);
    RewardParts { treasury, liquidity, solver: rest.saturating_sub(validators).saturating_sub(user), validators, user }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn round_amounts_are_split_as_the_papers_say() {
        let fee = split_fee(1_100, 100);
        assert_eq!(fee, FeeParts { model: 100, treasury: 100, solver: 900 });
        let reward = split_reward(1_000);
        assert_eq!(reward, RewardParts { treasury: 100, liquidity: 100, solver: 720, validators: 56, user: 24 });
    }

    #[test]
    fn a_fee_is_split_as_in_a_live_protocol_of_the_same_family() {
        // A fee of 4 for a model that asks 3, a tenth of the rest to the treasury; 18 decimals.
        let amount = |thousandths: u128| thousandths * 10u128.pow(15);
        let parts = FeeParts { model: amount(3_000), treasury: amount(100), solver: amount(900) };
        assert_eq!(split_fee(amount(4_000), amount(3_000)), parts);
    }

    #[test]
    fn the_solver_gets_what_rounding_leaves() {
        assert_eq!(split_reward(9), RewardParts { solver: 9, ..Default::default() });
        assert_eq!(split_fee(9, 0), FeeParts { solver: 9, ..Default::default() });
        assert_eq!(split_fee(5, 9), FeeParts { model: 5, ..Default::default() });
        let odd = split_reward(1_999);
        assert_eq!(odd, RewardParts { treasury: 199, liquidity: 199, solver: 1_441, validators: 112, user: 48 });
    }

    fn amounts() -> impl Strategy<Value = u128> {
        prop_oneof![any::<u128>(), 0..1u128 << 64, 0..10_000u128, Just(u128::MAX)]
    }

    proptest! {
        #[test]
        fn no_unit_is_lost(amount in amounts(), model_fee in amounts()) {
            let fee = split_fee(amount, model_fee);
            prop_assert_eq!(fee.model.checked_add(fee.treasury).and_then(|s| s.checked_add(fee.solver)), Some(amount));
            let reward = split_reward(amount);
            let sum = [reward.treasury, reward.liquidity, reward.solver, reward.validators, reward.user]
                .into_iter()
                .try_fold(0u128, u128::checked_add);
            prop_assert_eq!(sum, Some(amount));
        }

        #[test]
        fn shares_are_within_four_units_of_their_percentage(amount in 0..1u128 << 100) {
            let reward = split_reward(amount);
            for (part, thousandths) in [
                (reward.treasury, 100),
                (reward.liquidity, 100),
                (reward.solver, 720),
                (reward.validators, 56),
                (reward.user, 24),
            ] {
                prop_assert!(part.abs_diff(amount * thousandths / 1_000) <= 4);
            }
        }

        #[test]
        fn nobody_gets_less_of_more(amount in 0..1u128 << 100, more in 0..1_000u128) {
            let (small, large) = (split_reward(amount), split_reward(amount + more));
            prop_assert!(small.treasury <= large.treasury && small.liquidity <= large.liquidity);
            prop_assert!(small.validators <= large.validators && small.user <= large.user);
            // The solver's part may shrink by the units that the other four round up to.
            prop_assert!(small.solver <= large.solver + 4);
        }
    }
}
