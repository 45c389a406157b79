use super::*;

#[test]
fn retire_should_remove_a_model_that_nobody_serves() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        take_events();
        assert_ok!(Models::retire(signed(OWNER), model));
        assert!(!Records::<Test>::contains_key(model));
        assert_eq!((registration_held(OWNER), Balances::free_balance(OWNER)), (0, ENDOWMENT));
        assert_eq!(take_events(), vec![Event::Retired { model }, Event::Removed { model }]);
    });
}

#[test]
fn retire_should_keep_a_model_that_is_served_and_give_the_deposit_back() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        take_events();
        assert_ok!(Models::retire(signed(OWNER), model));
        assert_eq!((record(model).state, record(model).deposit), (ModelState::Retired, 0));
        assert_eq!(registration_held(OWNER), 0);
        assert!(<Models as ModelRegistry<u64>>::serves(&model, &SOLVER));
        assert_eq!(take_events(), vec![Event::Retired { model }]);
    });
}

#[test]
fn retire_should_give_back_what_was_held_for_this_model_only() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        RegistrationDeposit::set(30);
        registered(2);
        assert_ok!(Models::retire(signed(OWNER), model));
        assert_eq!(registration_held(OWNER), 30);
    });
}

#[test]
fn retire_should_fail_when_the_model_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(Models::retire(signed(OWNER), UNKNOWN), Error::<Test>::NotFound);
    });
}

#[test]
fn retire_should_fail_when_the_sender_is_not_the_owner() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_noop!(Models::retire(signed(OTHER), model), Error::<Test>::NotOwner);
    });
}

#[test]
fn retire_should_fail_when_the_model_is_retired_already() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_ok!(Models::retire(signed(OWNER), model));
        assert_noop!(Models::retire(signed(OWNER), model), Error::<Test>::Retired);
    });
}
