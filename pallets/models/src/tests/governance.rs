//! `set_rate` and `set_tier`.

use super::*;

#[test]
fn set_rate_should_change_the_rate() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        take_events();
        assert_ok!(Models::set_rate(RuntimeOrigin::root(), model, FixedU128::one()));
        assert_eq!(record(model).rate, FixedU128::one());
        assert_eq!(take_events(), vec![Event::RateSet { model, rate: FixedU128::one() }]);
    });
}

#[test]
fn set_rate_should_fail_when_the_rate_is_above_one() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        let above = FixedU128::from_inner(FixedU128::one().into_inner() + 1);
        assert_noop!(Models::set_rate(RuntimeOrigin::root(), model, above), Error::<Test>::RateTooHigh);
    });
}

#[test]
fn set_tier_should_change_the_tier() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        take_events();
        for tier in [Tier::Approved, Tier::Certified, Tier::Open] {
            assert_ok!(Models::set_tier(RuntimeOrigin::root(), model, tier));
            assert_eq!(record(model).tier, tier);
            assert_eq!(take_events(), vec![Event::TierSet { model, tier }]);
        }
    });
}

#[test]
fn governance_calls_should_fail_when_the_model_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        let root = RuntimeOrigin::root;
        assert_noop!(Models::set_rate(root(), UNKNOWN, FixedU128::one()), Error::<Test>::NotFound);
        assert_noop!(Models::set_tier(root(), UNKNOWN, Tier::Approved), Error::<Test>::NotFound);
    });
}

#[test]
fn governance_calls_should_fail_when_the_model_is_retired() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_ok!(Models::retire(signed(OWNER), model));
        let root = RuntimeOrigin::root;
        assert_noop!(Models::set_rate(root(), model, FixedU128::one()), Error::<Test>::Retired);
        assert_noop!(Models::set_tier(root(), model, Tier::Approved), Error::<Test>::Retired);
    });
}

#[test]
fn governance_calls_should_fail_when_origin_is_an_account() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_noop!(Models::set_rate(signed(OWNER), model, FixedU128::one()), BadOrigin);
        assert_noop!(Models::set_tier(signed(OWNER), model, Tier::Certified), BadOrigin);
    });
}
