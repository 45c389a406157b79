use super::*;

/// A schedule of 1 ASY a block without an early end.
fn one_a_block() -> Curves {
    work_only(EmissionCurve::Linear { per_block: ASY, cap: 1_000_000 * ASY })
}

#[test]
fn a_reward_should_be_reserved_then_minted_and_split() {
    ExtBuilder::default().curves(one_a_block()).build_and_execute(|| {
        go_to(1_000);
        // As much is minted as is scheduled: the multiplier is one.
        MintedWork::<Test>::put(1_000 * ASY);
        let reward = reserve(full());
        // Times 1 - minted / cap.
        assert_eq!(reward, ASY * 999 / 1_000);
        assert_eq!(ReservedWork::<Test>::get(), reward);
        assert_eq!(issuance(), 0);

        let split = mint(reward);
        let expected = RewardSplit {
            treasury: reward / 10,
            liquidity: reward / 10,
            solver: reward * 72 / 100,
            delegators: 0,
            validators: reward * 56 / 1_000,
            user: reward * 24 / 1_000,
        };
        assert_eq!(split, expected);
        assert_eq!(split.total(), reward);
        assert_eq!(Balances::free_balance(TREASURY), split.treasury);
        assert_eq!(Balances::free_balance(LIQUIDITY), split.liquidity);
        assert_eq!(Balances::free_balance(SOLVER), split.solver);
        assert_eq!(Balances::free_balance(VALIDATORS), split.validators);
        assert_eq!(Balances::free_balance(USER), split.user);
        assert_eq!(issuance(), reward);
        assert_eq!((ReservedWork::<Test>::get(), MintedWork::<Test>::get()), (0, 1_000 * ASY + reward));
        assert_eq!(
            take_events(),
            [Event::Reserved { amount: reward }, Event::Minted { solver: SOLVER, user: USER, split }]
        );
    });
}

#[test]
fn a_released_reward_should_count_as_if_it_had_never_been_but_for_its_tenure() {
    ExtBuilder::default().curves(one_a_block()).build_and_execute(|| {
        go_to(1_000);
        let left = Emissions::status().tenure_left;
        let reward = reserve(full());
        release(reward);
        assert_eq!((ReservedWork::<Test>::get(), MintedWork::<Test>::get(), issuance()), (0, 0, 0));
        assert_eq!(Emissions::status().tenure_left, left - reward);
        assert_eq!(take_events(), [Event::Reserved { amount: reward }, Event::Released { amount: reward }]);
    });
}

#[test]
fn the_rate_should_scale_the_reward_and_zero_should_earn_nothing() {
    ExtBuilder::default().curves(one_a_block()).build_and_execute(|| {
        go_to(1_000);
        MintedWork::<Test>::put(1_000 * ASY);
        assert_eq!(quote(FixedU128::from_rational(1, 4), 0), ASY * 999 / 4_000);
        assert_eq!(reserve(FixedU128::from_u32(0)), 0);
        assert_eq!(mint(0), RewardSplit::default());
        release(0);
        assert!(take_events().is_empty());
    });
}

#[test]
fn the_controller_should_pace_rewards() {
    ExtBuilder::default().curves(one_a_block()).build_and_execute(|| {
        go_to(10_000);
        TenureLength::set(10_000);
        let at = |minted: Balance| {
            MintedWork::<Test>::put(minted);
            quote(full(), 0)
        };
        let share = |minted: Balance| ASY - minted / 1_000_000;
        // A tenth above target is a 1024th, a hundredth below is double, far below is a hundredfold.
        assert_eq!(at(11_000 * ASY), share(11_000 * ASY) / 1_024);
        assert_eq!(at(9_900 * ASY), share(9_900 * ASY) * 2);
        assert_eq!(at(9_000 * ASY), share(9_000 * ASY) * 100);
        assert_eq!(at(12_000 * ASY), 0);
        // What is reserved counts as minted, but for the share that is left under the cap.
        MintedWork::<Test>::put(10_000 * ASY);
        ReservedWork::<Test>::put(1_000 * ASY);
        assert_eq!(quote(full(), 0), share(10_000 * ASY) / 1_024);
        assert_eq!(Emissions::status().multiplier, FixedU128::from_rational(1, 1_024));
        ReservedWork::<Test>::put(2_000 * ASY);
        assert_eq!(reserve(full()), 0);
    });
}

#[test]
fn nothing_should_be_earned_while_nothing_is_scheduled() {
    ExtBuilder::default().build_and_execute(|| {
        System::set_block_number(0);
        assert_eq!(reserve(full()), 0);
    });
    ExtBuilder::default().curves(work_only(EmissionCurve::None)).build_and_execute(|| {
        go_to(1_000);
        assert_eq!(reserve(full()), 0);
    });
}

#[test]
fn a_tenure_should_reserve_at_most_twice_its_schedule() {
    ExtBuilder::default().build_and_execute(|| {
        // 20 blocks of 0.175 ASY, twice.
        let allowance = 7 * ASY;
        go_to(205);
        assert_eq!(reserve(full()), allowance);
        go_to(206);
        assert_eq!(reserve(full()), 0);
        release(allowance);
        assert_eq!(reserve(full()), 0);
        // What the next tenure leaves is not carried over.
        go_to(240);
        assert_eq!(quote(full(), 0), allowance);
        assert_eq!(reserve(full()), allowance);
        assert_eq!(reserve(full()), 0);
        assert_eq!(TenureReserved::<Test>::get(), TenureUse { tenure: 12, since: 240, reserved: allowance });
    });
}

#[test]
fn a_reward_should_not_exceed_what_the_fee_sinks() {
    ExtBuilder::default().build_and_execute(|| {
        go_to(1_000);
        RewardPerSunkFee::set(FixedU128::from_u32(1));
        assert_eq!(quote(full(), 0), 0);
        assert_eq!(quote(full(), 12_345), 12_345);
        RewardPerSunkFee::set(FixedU128::from_rational(3, 2));
        assert_eq!(<Emissions as WorkRewards<u64>>::reserve(full(), 10_001), 15_001);
        RewardPerSunkFee::set(FixedU128::from_u32(0));
        assert_eq!(quote(full(), Balance::MAX), 0);
        // Lifted: fees bound nothing.
        RewardPerSunkFee::set(UNBOUNDED);
        assert!(quote(full(), 0) > ASY);
    });
}

#[test]
fn the_cap_should_never_be_passed() {
    ExtBuilder::default().build_and_execute(|| {
        go_to(u32::MAX);
        let cap = 14_700_000 * ASY;
        MintedWork::<Test>::put(cap - 5);
        TenureReserved::<Test>::kill();
        // A curve that has ended schedules nothing for its tenures any more.
        assert_eq!(reserve(UNBOUNDED), 0);
        MintedWork::<Test>::put(cap);
        assert_eq!(reserve(UNBOUNDED), 0);
    });
    // A curve that ends within this tenure.
    let curve = EmissionCurve::Linear { per_block: ASY, cap: 1_010 * ASY };
    ExtBuilder::default().curves(work_only(curve)).build_and_execute(|| {
        go_to(1_000);
        MintedWork::<Test>::put(1_005 * ASY);
        assert_eq!(reserve(UNBOUNDED), 5 * ASY);
        assert_eq!(reserve(UNBOUNDED), 0);
        mint(5 * ASY);
        assert_eq!(MintedWork::<Test>::get(), 1_010 * ASY);
    });
}

#[test]
fn quote_should_be_what_reserve_reserves_and_change_nothing() {
    ExtBuilder::default().build_and_execute(|| {
        go_to(500);
        RewardPerSunkFee::set(FixedU128::from_u32(1));
        for sunk_fee in [0, 1, ASY, 3 * ASY, 100 * ASY] {
            let expected = quote(full(), sunk_fee);
            assert_eq!(Emissions::work_quote(full(), sunk_fee), expected);
            assert_eq!(<Emissions as WorkRewards<u64>>::reserve(full(), sunk_fee), expected);
        }
    });
}

#[test]
fn what_an_account_cannot_take_should_go_to_the_treasury() {
    ExtBuilder::default().curves(one_a_block()).existential_deposit(50 * MILLI_ASY).build_and_execute(|| {
        go_to(1_000);
        ReservedWork::<Test>::put(ASY);
        // 24 thousandths are below the existential deposit.
        let split = mint(ASY);
        assert_eq!(split.user, 0);
        assert_eq!(split.treasury, 124 * MILLI_ASY);
        assert_eq!(split.total(), ASY);
        assert_eq!(issuance(), ASY);
        assert_eq!(take_events()[0], Event::Refused { who: USER, amount: 24 * MILLI_ASY });

        // A user who has an account takes it.
        Balances::force_set_balance(RuntimeOrigin::root(), USER, 50 * MILLI_ASY).unwrap();
        ReservedWork::<Test>::put(ASY);
        assert_eq!(mint(ASY).user, 24 * MILLI_ASY);
    });
}

#[test]
fn what_the_treasury_cannot_take_should_be_burned_and_count_as_minted() {
    ExtBuilder::default().curves(one_a_block()).existential_deposit(500 * MILLI_ASY).build_and_execute(|| {
        go_to(1_000);
        ReservedWork::<Test>::put(ASY);
        let split = mint(ASY);
        assert_eq!(split, RewardSplit { solver: 720 * MILLI_ASY, ..Default::default() });
        assert_eq!(issuance(), 720 * MILLI_ASY);
        assert_eq!(MintedWork::<Test>::get(), ASY);
        assert_eq!(
            take_events(),
            [
                Event::Refused { who: USER, amount: 24 * MILLI_ASY },
                Event::Refused { who: LIQUIDITY, amount: 100 * MILLI_ASY },
                Event::Refused { who: VALIDATORS, amount: 56 * MILLI_ASY },
                Event::Burned { amount: 280 * MILLI_ASY },
                Event::Minted { solver: SOLVER, user: USER, split },
            ]
        );
    });
}

#[test]
fn delegators_should_have_their_part_of_the_solvers_part() {
    ExtBuilder::default().curves(one_a_block()).existential_deposit(50 * MILLI_ASY).build_and_execute(|| {
        go_to(1_000);
        MockDelegators::set(SOLVER, 25);
        ReservedWork::<Test>::put(2 * ASY);
        let split = mint(ASY);
        assert_eq!((split.solver, split.delegators), (540 * MILLI_ASY, 180 * MILLI_ASY));
        assert_eq!(split.total(), ASY);
        assert_eq!(Balances::free_balance(SOLVER), split.solver);
        assert_eq!(Balances::free_balance(MockDelegators::ACCOUNT), split.delegators);
        assert_eq!(MockDelegators::credited(SOLVER), split.delegators);

        // What their account cannot take is the treasury's, as it is with all but the solver's, and nothing is credited.
        ExistentialDeposit::set(400 * MILLI_ASY);
        Balances::force_set_balance(RuntimeOrigin::root(), TREASURY, 400 * MILLI_ASY).unwrap();
        Balances::force_set_balance(RuntimeOrigin::root(), MockDelegators::ACCOUNT, 0).unwrap();
        let split = mint(ASY);
        assert_eq!((split.solver, split.delegators), (540 * MILLI_ASY, 0));
        assert_eq!(split.treasury, 460 * MILLI_ASY);
        assert_eq!(MockDelegators::credited(SOLVER), 180 * MILLI_ASY);
    });
}

#[test]
fn a_user_who_solves_for_himself_should_get_both_parts() {
    ExtBuilder::default().curves(one_a_block()).existential_deposit(50 * MILLI_ASY).build_and_execute(|| {
        go_to(1_000);
        ReservedWork::<Test>::put(ASY);
        let split = Emissions::mint(ASY, &USER, &USER);
        assert_eq!(Balances::free_balance(USER), 744 * MILLI_ASY);
        assert_eq!((split.solver, split.user), (720 * MILLI_ASY, 24 * MILLI_ASY));
    });
}

#[test]
fn more_than_is_reserved_should_neither_be_minted_nor_released() {
    ExtBuilder::default().curves(one_a_block()).build_and_execute(|| {
        go_to(1_000);
        ReservedWork::<Test>::put(1_000);
        assert_eq!(mint(1_500).total(), 1_000);
        assert_eq!(issuance(), 1_000);
        let missing = |amount| Event::Unexpected(UnexpectedKind::ReservationMissing { amount });
        assert_eq!(take_events()[0], missing(500));
        release(7);
        assert_eq!(mint(9), RewardSplit::default());
        assert_eq!(take_events(), [missing(7), missing(9)]);
        assert_eq!(ReservedWork::<Test>::get(), 0);
    });
}
