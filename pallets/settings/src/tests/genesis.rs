use super::*;

#[test]
fn genesis_should_write_the_first_values() {
    ExtBuilder::default().epoch_length(33).parameters(vec![unbonding(60), window(59)]).build_and_execute(|| {
        assert_eq!(values(), (60, 59, 7));
        assert_eq!(EpochLength::<Test>::get(), 33);
        assert_eq!(<EpochBlocks<Test> as Get<u32>>::get(), 33);
        assert_eq!(<EpochBlocks<Test> as Get<u64>>::get(), 33);
    });
}

#[test]
fn epochs_should_be_those_of_production_where_the_genesis_says_nothing() {
    assert_eq!(GenesisConfig::<Test>::default().epoch_length, PRODUCTION_EPOCH);
    sp_io::TestExternalities::default().execute_with(|| {
        assert_eq!(EpochLength::<Test>::get(), PRODUCTION_EPOCH);
        assert!(Settings::do_try_state().is_err(), "a state without a fixed epoch is not accepted");
    });
}

#[test]
#[should_panic(expected = "the genesis breaks a relation between parameters: unbonding > window")]
fn genesis_should_be_refused_when_a_relation_breaks() {
    ExtBuilder::default().parameters(vec![unbonding(5)]).build();
}

#[test]
#[should_panic(expected = "the genesis has epochs without blocks")]
fn genesis_should_be_refused_when_epochs_are_empty() {
    ExtBuilder::default().epoch_length(0).build();
}

#[test]
#[should_panic(expected = "the genesis sets a parameter twice")]
fn genesis_should_be_refused_when_a_parameter_is_set_twice() {
    ExtBuilder::default().parameters(vec![deposit(1), deposit(2)]).build();
}

#[test]
fn genesis_should_survive_json() {
    let config = GenesisConfig::<Test> { epoch_length: 20, parameters: vec![unbonding(60), deposit(None)] };
    let json = serde_json::to_value(&config).unwrap();
    assert_eq!(json, serde_json::json!({ "epochLength": 20, "parameters": ["0x0000013c000000", "0x010000"] }));
    let read: GenesisConfig<Test> = serde_json::from_value(json).unwrap();
    assert_eq!(read.parameters, config.parameters);
    assert_eq!(read.epoch_length, 20);
}

#[test]
fn genesis_should_be_refused_when_its_json_is_no_parameter() {
    for wrong in ["0x0000013c00000000", "0x09", "xyz", "0x"] {
        let json = serde_json::json!({ "epochLength": 20, "parameters": [wrong] });
        assert!(serde_json::from_value::<GenesisConfig<Test>>(json).is_err(), "{wrong} was accepted");
    }
}

#[test]
fn state_should_be_refused_when_a_relation_does_not_hold() {
    ExtBuilder::default().build().execute_with(|| {
        use frame_support::traits::dynamic_params::AggregatedKeyValue;
        let (key, value) = unbonding(5).into_parts();
        pallet_parameters::Parameters::<Test>::set(key, value);
        assert_eq!(Settings::do_try_state(), Err(sp_runtime::DispatchError::Other("unbonding > window")));
    });
}
