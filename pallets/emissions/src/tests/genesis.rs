use super::*;
use sp_runtime::BuildStorage;

#[test]
fn the_curves_should_be_those_of_assay_by_default() {
    ExtBuilder::default().build_and_execute(|| {
        assert_eq!(EmissionCurves::<Test>::get(), Preset::Assay.curves());
        assert_eq!(EmissionCurves::<Test>::get().cap(), 21_000_000 * ASY);
        assert_eq!(issuance(), 0);
    });
}

#[test]
fn every_preset_should_build() {
    for preset in Preset::ALL {
        ExtBuilder::default().curves(preset.curves()).build_and_execute(|| {
            assert_eq!(EmissionCurves::<Test>::get(), preset.curves());
        });
    }
}

#[test]
#[should_panic = "an emission curve"]
fn an_invalid_curve_should_be_refused() {
    let curves = work_only(EmissionCurve::Halving { initial: 1, interval: 0, cap: 1 });
    let _ = GenesisConfig::<Test> { curves, ..Default::default() }.build_storage();
}

#[test]
fn presets_should_count_in_units_of_asy() {
    assert_eq!(assay_math::presets::TOKEN, ASY);
}
