//! The door to other pallets.

use super::*;
use assay_traits::ModelTerms;

#[test]
fn terms_should_be_those_in_force() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        let terms = ModelTerms { fee: 5, recipient: RECIPIENT, rate: FixedU128::zero() };
        assert_eq!(Models::terms(&model), Ok(terms));
        assert_ok!(Models::update(signed(OWNER), model, 8, OTHER));
        assert_ok!(Models::set_rate(RuntimeOrigin::root(), model, FixedU128::one()));
        assert_eq!(Models::terms(&model), Ok(ModelTerms { fee: 8, recipient: OTHER, rate: FixedU128::one() }));
    });
}

#[test]
fn terms_should_fail_when_the_model_is_unknown_or_retired() {
    ExtBuilder::default().build_and_execute(|| {
        assert_eq!(Models::terms(&UNKNOWN), Err(Error::<Test>::NotFound.into()));
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_ok!(Models::retire(signed(OWNER), model));
        assert_eq!(Models::terms(&model), Err(Error::<Test>::Retired.into()));
    });
}

#[test]
fn serves_should_tell_who_serves_which_model() {
    ExtBuilder::default().build_and_execute(|| {
        let (model, second) = (registered(1), registered(2));
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert!(Models::serves(&model, &SOLVER));
        assert!(!Models::serves(&second, &SOLVER));
        assert!(!Models::serves(&model, &OTHER));
        assert_ok!(Models::stop_serving(signed(SOLVER), model));
        assert!(!Models::serves(&model, &SOLVER));
    });
}
