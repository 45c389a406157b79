use super::*;

#[test]
fn stop_serving_should_unlist_the_solver_and_give_the_deposit_back() {
    ExtBuilder::default().build_and_execute(|| {
        let (model, second) = (registered(1), registered(2));
        assert_ok!(Models::serve(signed(SOLVER), model));
        ServiceDeposit::set(25);
        assert_ok!(Models::serve(signed(SOLVER), second));
        take_events();
        assert_ok!(Models::stop_serving(signed(SOLVER), model));
        assert_eq!(Solvers::<Test>::get(model, SOLVER), None);
        assert_eq!((ServedCount::<Test>::get(SOLVER), record(model).solvers), (1, 0));
        assert_eq!(service_held(SOLVER), 25);
        assert_eq!(take_events(), vec![Event::ServiceStopped { model, solver: SOLVER }]);
        assert_ok!(Models::stop_serving(signed(SOLVER), second));
        assert!(!ServedCount::<Test>::contains_key(SOLVER));
        assert_eq!(Balances::free_balance(SOLVER), ENDOWMENT);
    });
}

#[test]
fn stop_serving_should_remove_a_retired_model_with_its_last_solver() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_ok!(Models::serve(signed(OTHER), model));
        assert_ok!(Models::retire(signed(OWNER), model));
        assert_ok!(Models::stop_serving(signed(SOLVER), model));
        assert_eq!(record(model).solvers, 1);
        take_events();
        assert_ok!(Models::stop_serving(signed(OTHER), model));
        assert!(!Records::<Test>::contains_key(model));
        assert_eq!(take_events(), vec![Event::ServiceStopped { model, solver: OTHER }, Event::Removed { model }]);
    });
}

#[test]
fn stop_serving_should_keep_an_active_model() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_ok!(Models::stop_serving(signed(SOLVER), model));
        assert!(Records::<Test>::contains_key(model));
        assert_ok!(Models::serve(signed(SOLVER), model));
    });
}

#[test]
fn stop_serving_should_fail_when_the_model_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(Models::stop_serving(signed(SOLVER), UNKNOWN), Error::<Test>::NotFound);
    });
}

#[test]
fn stop_serving_should_fail_when_not_serving() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(OTHER), model));
        assert_noop!(Models::stop_serving(signed(SOLVER), model), Error::<Test>::NotServing);
    });
}
