use super::*;

#[test]
fn update_should_apply_all_changes() {
    ExtBuilder::default().build_and_execute(|| {
        assert_eq!(values(), (100, 10, 7));
        assert_ok!(update(vec![unbonding(50), deposit(9)]));
        assert_eq!(values(), (50, 10, 9));
        System::assert_last_event(Event::Updated { changes: 2 }.into());
        let told = System::events().into_iter().filter(|e| matches!(e.event, RuntimeEvent::Parameters(_))).count();
        assert_eq!(told, 2);
    });
}

#[test]
fn update_should_judge_the_outcome_and_not_the_steps() {
    ExtBuilder::default().build_and_execute(|| {
        // The window alone would be too long for a moment.
        assert_ok!(update(vec![window(500), unbonding(501)]));
        assert_eq!(values(), (501, 500, 7));
    });
}

#[test]
fn update_should_take_the_last_change_of_a_key() {
    ExtBuilder::default().build_and_execute(|| {
        assert_ok!(update(vec![deposit(1), deposit(2)]));
        assert_eq!(Deposit::get(), 2);
    });
}

#[test]
fn update_should_take_a_parameter_back_to_its_default_without_a_value() {
    ExtBuilder::default().parameters(vec![deposit(1)]).build_and_execute(|| {
        assert_ok!(update(vec![deposit(None)]));
        assert_eq!(Deposit::get(), 7);
    });
}

#[test]
fn update_should_accept_as_many_changes_as_a_batch_holds() {
    ExtBuilder::default().build_and_execute(|| {
        assert_ok!(update((0..MAX_CHANGES).map(|n| deposit(u128::from(n))).collect()));
        assert_eq!(Deposit::get(), u128::from(MAX_CHANGES) - 1);
    });
}

#[test]
fn update_should_change_nothing_when_a_relation_breaks() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(update(vec![deposit(9), unbonding(10)]), Error::<Test>::BrokenRelation);
        assert_eq!(values(), (100, 10, 7));
        // The default may be what breaks it.
        assert_ok!(update(vec![unbonding(500), window(400)]));
        assert_noop!(update(vec![unbonding(None)]), Error::<Test>::BrokenRelation);
    });
}

#[test]
fn update_should_fail_when_there_is_nothing_to_change() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(update(vec![]), Error::<Test>::NoChanges);
    });
}

#[test]
fn update_should_fail_when_origin_is_not_governance() {
    ExtBuilder::default().build_and_execute(|| {
        let changes = BoundedVec::truncate_from(vec![deposit(9)]);
        assert_noop!(Settings::update(RuntimeOrigin::signed(1), changes.clone()), BadOrigin);
        assert_noop!(Settings::update(RuntimeOrigin::none(), changes.clone()), BadOrigin);
        assert_noop!(Settings::update(crate::Origin::Settings.into(), changes), BadOrigin);
    });
}
