use super::*;
use assay_traits::SolverStake;

#[test]
fn eligibility_should_be_refused_when_not_bonded() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(Bonds::ensure_eligible(&ALICE), Error::<Test>::NotBonded);
        assert_eq!(Bonds::mature(&ALICE), 0);
    });
}

#[test]
fn eligibility_should_be_refused_when_all_has_been_unbonded() {
    ExtBuilder.build_and_execute(|| {
        MinimumBond::set(0);
        assert_ok!(Bonds::bond(signed(ALICE), 300));
        System::set_block_number(11);
        assert_ok!(Bonds::unbond(signed(ALICE), 300));
        assert_noop!(Bonds::ensure_eligible(&ALICE), Error::<Test>::NotBonded);
    });
}

#[test]
fn eligibility_should_be_refused_when_below_the_minimum() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 49));
        System::set_block_number(11);
        assert_noop!(Bonds::ensure_eligible(&ALICE), Error::<Test>::BelowMinimum);
    });
}

#[test]
fn eligibility_should_begin_with_the_block_of_maturity() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 50));
        assert_noop!(Bonds::ensure_eligible(&ALICE), Error::<Test>::NotMature);
        System::set_block_number(10);
        assert_noop!(Bonds::ensure_eligible(&ALICE), Error::<Test>::NotMature);
        assert_eq!(Bonds::mature(&ALICE), 0);
        System::set_block_number(11);
        assert_ok!(Bonds::ensure_eligible(&ALICE));
        assert_eq!(Bonds::mature(&ALICE), 50);
    });
}

#[test]
fn eligibility_should_not_count_what_is_still_maturing() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 49));
        System::set_block_number(11);
        assert_ok!(Bonds::bond_more(signed(ALICE), 1));
        assert_noop!(Bonds::ensure_eligible(&ALICE), Error::<Test>::NotMature);
        System::set_block_number(21);
        assert_ok!(Bonds::ensure_eligible(&ALICE));
    });
}

#[test]
fn eligibility_should_survive_topping_up() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 50));
        System::set_block_number(11);
        assert_ok!(Bonds::bond_more(signed(ALICE), 500));
        assert_ok!(Bonds::ensure_eligible(&ALICE));
        assert_eq!(Bonds::mature(&ALICE), 50);
    });
}

#[test]
fn eligibility_should_follow_the_minimum_when_it_changes() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Bonds::bond(signed(ALICE), 50));
        System::set_block_number(11);
        MinimumBond::set(51);
        assert_noop!(Bonds::ensure_eligible(&ALICE), Error::<Test>::BelowMinimum);
    });
}

#[test]
fn eligibility_should_ask_for_some_mature_bond_when_the_minimum_is_zero() {
    ExtBuilder.build_and_execute(|| {
        MinimumBond::set(0);
        assert_ok!(Bonds::bond(signed(ALICE), 1));
        assert_noop!(Bonds::ensure_eligible(&ALICE), Error::<Test>::NotMature);
        System::set_block_number(11);
        assert_ok!(Bonds::ensure_eligible(&ALICE));
    });
}
