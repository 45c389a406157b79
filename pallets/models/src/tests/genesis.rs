use super::*;

fn genesis_model(owner: u64, n: u8, rate: FixedU128) -> crate::GenesisModel<u64> {
    (owner, manifest(n).0, 7, RECIPIENT, rate)
}

#[test]
fn genesis_should_offer_models_without_a_deposit() {
    let half = FixedU128::from_rational(1, 2);
    let models = vec![genesis_model(OWNER, 1, half), genesis_model(OWNER, 2, FixedU128::one())];
    ExtBuilder::default().models(models).build_and_execute(|| {
        let model = protocol::model_id(&OWNER, &manifest(1));
        let expected = ModelRecord {
            owner: OWNER,
            manifest: manifest(1),
            fee: 7,
            recipient: RECIPIENT,
            rate: half,
            tier: Tier::Open,
            state: ModelState::Active,
            deposit: 0,
            solvers: 0,
        };
        assert_eq!(record(model), expected);
        assert_eq!(registration_held(OWNER), 0);
        assert_eq!(Records::<Test>::iter().count(), 2);
    });
}

#[test]
fn genesis_models_should_retire_like_others() {
    // This owner has no account at all: nothing is released to it.
    let models = vec![genesis_model(99, 1, FixedU128::one())];
    ExtBuilder::default().models(models).build_and_execute(|| {
        let model = protocol::model_id(&99u64, &manifest(1));
        assert_ok!(Models::retire(signed(99), model));
        assert!(!Records::<Test>::contains_key(model));
    });
}

#[test]
#[should_panic(expected = "the rate of a genesis model is above one")]
fn genesis_should_be_refused_when_a_rate_is_above_one() {
    ExtBuilder::default().models(vec![genesis_model(OWNER, 1, FixedU128::from_u32(2))]).build();
}

#[test]
#[should_panic(expected = "a genesis model is listed twice")]
fn genesis_should_be_refused_when_a_model_is_listed_twice() {
    let twice = vec![genesis_model(OWNER, 1, FixedU128::one()), genesis_model(OWNER, 1, FixedU128::zero())];
    ExtBuilder::default().models(twice).build();
}
