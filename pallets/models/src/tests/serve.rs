use super::*;

#[test]
fn serve_should_list_the_solver_and_hold_the_deposit() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        take_events();
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_ok!(Models::serve(signed(OTHER), model));
        assert_eq!(Solvers::<Test>::get(model, SOLVER), Some(10));
        assert_eq!((ServedCount::<Test>::get(SOLVER), record(model).solvers), (1, 2));
        assert_eq!(service_held(SOLVER), 10);
        assert_eq!(
            take_events(),
            vec![Event::ServiceStarted { model, solver: SOLVER }, Event::ServiceStarted { model, solver: OTHER }]
        );
    });
}

#[test]
fn serve_should_fail_when_the_model_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(Models::serve(signed(SOLVER), UNKNOWN), Error::<Test>::NotFound);
    });
}

#[test]
fn serve_should_fail_when_the_model_is_retired() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_ok!(Models::retire(signed(OWNER), model));
        assert_noop!(Models::serve(signed(OTHER), model), Error::<Test>::Retired);
    });
}

#[test]
fn serve_should_fail_when_serving_already() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_noop!(Models::serve(signed(SOLVER), model), Error::<Test>::AlreadyServing);
    });
}

#[test]
fn serve_should_fail_when_the_solver_serves_too_many() {
    ExtBuilder::default().build_and_execute(|| {
        for n in 1..=MaxServed::get() as u8 {
            assert_ok!(Models::serve(signed(SOLVER), registered(n)));
        }
        let last = registered(100);
        assert_noop!(Models::serve(signed(SOLVER), last), Error::<Test>::TooMany);
        assert_ok!(Models::stop_serving(signed(SOLVER), protocol::model_id(&OWNER, &manifest(1))));
        assert_ok!(Models::serve(signed(SOLVER), last));
    });
}

#[test]
fn serve_should_fail_when_the_balance_does_not_suffice() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_noop!(Models::serve(signed(RECIPIENT), model), TokenError::FundsUnavailable);
    });
}
