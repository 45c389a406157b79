//! The door past this pallet is shut.

use super::*;
use crate::{EnsureSettings, Origin};
use frame_support::traits::{EnsureOriginWithArg, OriginTrait};

#[test]
fn set_parameter_should_fail_for_everybody_even_root() {
    ExtBuilder::default().build_and_execute(|| {
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::signed(1), RuntimeOrigin::none()] {
            assert_noop!(Parameters::set_parameter(origin, deposit(9)), BadOrigin);
        }
    });
}

#[test]
fn ensure_settings_should_let_this_pallet_through_alone() {
    let key = ();
    assert!(EnsureSettings::ensure_origin(RuntimeOrigin::from(Origin::Settings), &key).is_ok());
    let returned = <EnsureSettings as EnsureOriginWithArg<RuntimeOrigin, ()>>::try_origin(RuntimeOrigin::root(), &key);
    // The origin comes back whole, so that checks can be chained.
    assert_eq!(returned.unwrap_err().caller(), RuntimeOrigin::root().caller());
}
