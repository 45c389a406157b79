use super::*;

#[test]
fn update_should_change_fee_and_recipient_only() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        let before = record(model);
        take_events();
        assert_ok!(Models::update(signed(OWNER), model, 9, OTHER));
        assert_eq!(record(model), ModelRecord { fee: 9, recipient: OTHER, ..before });
        assert_eq!(take_events(), vec![Event::Updated { model, fee: 9, recipient: OTHER }]);
    });
}

#[test]
fn update_should_fail_when_the_model_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(Models::update(signed(OWNER), UNKNOWN, 9, OTHER), Error::<Test>::NotFound);
    });
}

#[test]
fn update_should_fail_when_the_sender_is_not_the_owner() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_noop!(Models::update(signed(OTHER), model, 9, OTHER), Error::<Test>::NotOwner);
    });
}

#[test]
fn update_should_fail_when_the_model_is_retired() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_ok!(Models::retire(signed(OWNER), model));
        assert_noop!(Models::update(signed(OWNER), model, 9, OTHER), Error::<Test>::Retired);
    });
}
