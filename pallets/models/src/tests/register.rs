use super::*;

#[test]
fn register_should_store_the_model_and_hold_the_deposit() {
    ExtBuilder::default().build_and_execute(|| {
        assert_ok!(Models::register(signed(OWNER), manifest(1), 5, RECIPIENT));

        let model = protocol::model_id(&OWNER, &manifest(1));
        let expected = ModelRecord {
            owner: OWNER,
            manifest: manifest(1),
            fee: 5,
            recipient: RECIPIENT,
            rate: FixedU128::zero(),
            tier: Tier::Open,
            state: ModelState::Active,
            deposit: 100,
            solvers: 0,
        };
        assert_eq!(record(model), expected);
        assert_eq!(registration_held(OWNER), 100);
        assert_eq!(
            take_events(),
            vec![Event::Registered { model, owner: OWNER, manifest: manifest(1), fee: 5, recipient: RECIPIENT }]
        );
    });
}

#[test]
fn register_should_add_up_the_deposits_of_one_owner() {
    ExtBuilder::default().build_and_execute(|| {
        registered(1);
        RegistrationDeposit::set(30);
        registered(2);
        assert_eq!(registration_held(OWNER), 130);
    });
}

#[test]
fn register_should_accept_the_same_manifest_of_another_owner() {
    ExtBuilder::default().build_and_execute(|| {
        registered(1);
        assert_ok!(Models::register(signed(OTHER), manifest(1), 0, OTHER));
        assert_eq!(Records::<Test>::iter().count(), 2);
    });
}

#[test]
fn register_should_fail_when_the_model_exists() {
    ExtBuilder::default().build_and_execute(|| {
        registered(1);
        assert_noop!(Models::register(signed(OWNER), manifest(1), 9, OWNER), Error::<Test>::AlreadyExists);
    });
}

#[test]
fn register_should_fail_when_the_retired_model_is_still_served() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        assert_ok!(Models::serve(signed(SOLVER), model));
        assert_ok!(Models::retire(signed(OWNER), model));
        assert_noop!(Models::register(signed(OWNER), manifest(1), 9, OWNER), Error::<Test>::AlreadyExists);
        assert_ok!(Models::stop_serving(signed(SOLVER), model));
        assert_ok!(Models::register(signed(OWNER), manifest(1), 9, OWNER));
    });
}

#[test]
fn register_should_fail_when_the_balance_does_not_suffice() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(Models::register(signed(RECIPIENT), manifest(1), 9, OWNER), TokenError::FundsUnavailable);
    });
}

#[test]
fn calls_of_accounts_should_fail_when_origin_is_not_signed() {
    ExtBuilder::default().build_and_execute(|| {
        let model = registered(1);
        let root = RuntimeOrigin::root;
        assert_noop!(Models::register(root(), manifest(2), 9, OWNER), BadOrigin);
        assert_noop!(Models::update(root(), model, 9, OWNER), BadOrigin);
        assert_noop!(Models::retire(root(), model), BadOrigin);
        assert_noop!(Models::serve(root(), model), BadOrigin);
        assert_noop!(Models::stop_serving(root(), model), BadOrigin);
    });
}
