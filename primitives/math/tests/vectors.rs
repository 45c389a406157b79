//! Published numbers: halving schedules and the target curve of the source designs, and the live protocol of one of
//! them (its amounts have 18 decimals and its time is in seconds, which here is a block each).

use assay_math::{
    controller::MAX_MULTIPLIER, multiplier, pick, presets::TOKEN, smoothed_weight, work_reward, EmissionCurve, Preset,
    ONE,
};

/// Rows of (initial, interval, cap, total, eras, (last era, its reward, its blocks)).
#[test]
fn halving_schedules_end_where_they_should() {
    for (initial, interval, cap, total, eras, (last, reward, blocks)) in HALVING {
        let curve = EmissionCurve::Halving { initial, interval, cap };
        let end = last * interval + blocks;
        assert_eq!(curve.scheduled(u32::MAX), total);
        assert_eq!(curve.scheduled(end), total);
        assert_eq!(curve.scheduled(end - 1), total - reward);
        assert_eq!(last + 1, eras);
        assert_eq!(curve.scheduled_in(last * interval + 1), reward);
    }
}

type HalvingRow = (u128, u32, u128, u128, u32, (u32, u128, u32));
const HALVING: [HalvingRow; 4] = [
    // camelid 50@1M
    (50_000_000_000_000, 1_000_000, u128::MAX, 99_999_999_999_983_000_000, 46, (45, 1, 1_000_000)),
    // fun literal 5@21M, clamp 21M
    (
        5_000_000_000_000,
        21_000_000,
        21_000_000_000_000_000_000,
        21_000_000_000_000_000_000,
        1,
        (0, 5_000_000_000_000, 4_200_000),
    ),
    // fun interval-kept 0.5@21M
    (500_000_000_000, 21_000_000, 21_000_000_000_000_000_000, 20_999_999_999_727_000_000, 39, (38, 1, 21_000_000)),
    // fun interval-kept inference .35@21M
    (350_000_000_000, 21_000_000, u128::MAX, 14_699_999_999_706_000_000, 39, (38, 1, 21_000_000)),
];

#[test]
fn presets_end_where_they_should() {
    let totals = |preset: Preset| {
        let curves = preset.curves();
        assert!(curves.is_valid());
        (curves.authors.scheduled(u32::MAX), curves.work.scheduled(u32::MAX))
    };
    assert_eq!(totals(Preset::Assay), (6_299_999_999_370_000_000, 14_699_999_999_412_000_000));
    assert_eq!(totals(Preset::FunLiteral), (6_300_000 * TOKEN, 14_700_000 * TOKEN));
    assert_eq!(totals(Preset::FunInterval), (6_299_999_999_685_000_000, 14_699_999_999_706_000_000));
    assert_eq!(totals(Preset::CamelidCoin), (99_999_999_999_983_000_000, 0));
    assert_eq!(totals(Preset::Dml), (0, 1_000_000 * TOKEN));
    assert_eq!(totals(Preset::Piglet), (0, 21_000_000 * TOKEN));
    assert_eq!(Preset::Piglet.curves(), Preset::Liaise.curves());
    assert_eq!(Preset::Assay.curves().cap(), 21_000_000 * TOKEN);
    assert_eq!(Preset::default().curves(), Default::default());
}

#[test]
fn presets_pay_what_their_papers_say_in_the_first_and_last_full_blocks() {
    let assay = Preset::Assay.curves();
    assert_eq!((assay.authors.scheduled_in(1), assay.work.scheduled_in(1)), (75_000_000_000, 175_000_000_000));
    assert_eq!(assay.work.scheduled_in(42_000_000), 175_000_000_000);
    assert_eq!(assay.work.scheduled_in(42_000_001), 87_500_000_000);
    assert_eq!(assay.authors.scheduled(42_000_000), 3_150_000 * TOKEN);

    // The cap cuts the literal schedule off in the first of its eras.
    let literal = Preset::FunLiteral.curves();
    assert_eq!(
        (literal.authors.scheduled_in(4_200_000), literal.work.scheduled_in(4_200_000)),
        (1_500_000_000_000, 3_500_000_000_000)
    );
    assert_eq!((literal.authors.scheduled_in(4_200_001), literal.work.scheduled_in(4_200_001)), (0, 0));

    let piglet = Preset::Piglet.curves().work;
    assert_eq!(piglet.scheduled_in(84_000_000), TOKEN / 4);
    assert_eq!(piglet.scheduled_in(84_000_001), 0);
}

/// A live protocol's amounts come from a power rounded to 18 decimals: up to a 10^18th of its supply off, where not
/// exact. Rows of (supply, half-life, time, target).
#[test]
fn target_curves_agree_with_a_live_protocol() {
    for (supply, half_life, time, target) in TARGETS {
        let ours = EmissionCurve::Target { supply, half_life }.scheduled(time);
        let tolerance = if time % half_life == 0 { supply.div_ceil(ONE * 100_000) } else { supply / ONE };
        assert!(ours.abs_diff(target) <= tolerance, "{time}: {ours} != {target}");
    }
}

const TARGETS: [(u128, u32, u32, u128); 15] = [
    (300_000_000_000_000_000_000_000, 31_536_000, 15_768_000, 87_867_965_644_035_742_559_494),
    (300_000_000_000_000_000_000_000, 31_536_000, 63_072_000, 225_000_000_000_000_000_000_000),
    (300_000_000_000_000_000_000_000, 31_536_000, 126_144_000, 281_250_000_000_000_000_000_000),
    (300_000_000_000_000_000_000_000, 31_536_000, 189_216_000, 295_312_500_000_000_000_000_000),
    (600_000_000_000_000_000_000_000, 31_536_000, 0, 0),
    (600_000_000_000_000_000_000_000, 31_536_000, 31_536_000, 300_000_000_000_000_000_000_000),
    (600_000_000_000_000_000_000_000, 31_536_000, 94_608_000, 525_000_000_000_000_000_000_000),
    (600_000_000_000_000_000_000_000, 31_536_000, 157_680_000, 581_250_000_000_000_000_000_000),
    (600_000_000_000_000_000_000_000, 31_536_000, 220_752_000, 595_312_500_000_000_000_000_000),
    (600_000_000_000_000_000_000_000, 63_072_000, 12, 79_126_385_256_823_885),
    (600_000_000_000_000_000_000_000, 63_072_000, 604_800, 3_974_746_139_843_285_953_162),
    (600_000_000_000_000_000_000_000, 63_072_000, 31_536_000, 175_735_931_288_071_485_118_987),
    (600_000_000_000_000_000_000_000, 63_072_000, 94_608_000, 387_867_965_644_035_742_634_494),
    (600_000_000_000_000_000_000_000, 63_072_000, 252_288_000, 562_500_000_000_000_000_000_000),
    (600_000_000_000_000_000_000_000, 63_072_000, 3_153_600_000, 599_999_999_999_999_467_092_949),
];

/// In tokens with twelve decimals: the rows of the paper's own curve, exactly.
#[test]
fn the_target_curve_of_dml_is_met_to_the_unit() {
    let supply = 1_000_000 * TOKEN;
    for (seconds, target) in DML_TARGETS {
        assert_eq!(EmissionCurve::Target { supply, half_life: 31_536_000 }.scheduled(seconds), target);
        // The preset counts blocks of three seconds.
        assert_eq!(Preset::Dml.curves().work.scheduled(seconds / 3), target);
    }
}

const DML_TARGETS: [(u32, u128); 6] = [
    (0, 0),
    (15_768_000, 292_893_218_813_452_476),
    (47_304_000, 646_446_609_406_726_238),
    (94_608_000, 875_000_000_000_000_000),
    (220_752_000, 992_187_500_000_000_000),
    (3_153_600_000, 1_000_000_000_000_000_000),
];

/// Rows of (supply, target, multiplier).
#[test]
fn multipliers_agree_with_a_live_protocol_to_the_last_digit() {
    for (supply, target, expected) in MULTIPLIERS {
        assert_eq!(multiplier(supply, target), expected, "{supply} of {target}");
        assert!(expected <= MAX_MULTIPLIER);
    }
}

const MULTIPLIERS: [(u128, u128, u128); 18] = [
    (100_000_000_000_000_000_000_000, 300_000_000_000_000_000_000_000, 100_000_000_000_000_000_000),
    (300_000_000_000_000_000_000_000, 300_000_000_000_000_000_000_000, 1_000_000_000_000_000_000),
    (350_000_000_000_000_000_000_000, 300_000_000_000_000_000_000_000, 9_612_434_767_874),
    (360_000_000_000_000_000_000_000, 300_000_000_000_000_000_000_000, 0),
    (500_000_000_000_000_000_000_000, 300_000_000_000_000_000_000_000, 0),
    (100_000_000_000_000_000_000_000, 150_000_000_000_000_000_000_000, 100_000_000_000_000_000_000),
    (145_000_000_000_000_000_000_000, 150_000_000_000_000_000_000_000, 10_079_368_399_158_985_783),
    (155_000_000_000_000_000_000_000, 150_000_000_000_000_000_000_000, 99_212_565_748_012_469),
    (165_000_000_000_000_000_000_000, 150_000_000_000_000_000_000_000, 976_562_500_000_000),
    (300_000_000_000_000_000_000_000, 150_000_000_000_000_000_000_000, 0),
    (250_000_000_000_000_000_000_000, 175_735_931_288_071_485_118_987, 0),
    (1_000_000_000_000_000_000_000, 175_735_931_288_071_485_118_987, 100_000_000_000_000_000_000),
    (700_000_000_000_000_000_000_000, 175_735_931_288_071_485_118_987, 0),
    (164_060_288_739_530_681_355_696, 175_735_931_288_071_485_118_987, 100_000_000_000_000_000_000),
    (173_978_571_975_190_770_267_797, 175_735_931_288_071_485_118_987, 2_000_000_000_000_000_138),
    (177_493_290_600_952_199_970_176, 175_735_931_288_071_485_118_987, 500_000_000_000_000_034),
    (193_309_524_416_878_633_630_885, 175_735_931_288_071_485_118_987, 976_562_500_000_000),
    (210_883_117_545_685_782_142_784, 175_735_931_288_071_485_118_987, 953_674_316_406),
];

/// Rows of (supply, target, cap, divisor, reward): tokens of 18 decimals, rate one. One generation of the protocol
/// halves every reward once more, which is the divisor. It cuts its powers at 64 bits, which shows in the last digit of
/// one row.
#[test]
fn rewards_agree_with_a_live_protocol() {
    for (supply, target, cap, divisor, expected) in REWARDS {
        let reward = work_reward(ONE, supply, cap, ONE, multiplier(supply, target));
        assert!((reward / divisor).abs_diff(expected) <= 1, "{supply} of {target}: {reward}");
    }
}

const REWARDS: [(u128, u128, u128, u128, u128); 18] = [
    (
        100_000_000_000_000_000_000_000,
        300_000_000_000_000_000_000_000,
        600_000_000_000_000_000_000_000,
        1,
        83_333_333_333_333_333_333,
    ),
    (
        280_000_000_000_000_000_000_000,
        300_000_000_000_000_000_000_000,
        600_000_000_000_000_000_000_000,
        1,
        53_333_333_333_333_333_333,
    ),
    (
        300_000_000_000_000_000_000_000,
        300_000_000_000_000_000_000_000,
        600_000_000_000_000_000_000_000,
        1,
        500_000_000_000_000_000,
    ),
    (
        320_000_000_000_000_000_000_000,
        300_000_000_000_000_000_000_000,
        600_000_000_000_000_000_000_000,
        1,
        4_593_462_161_075_058,
    ),
    (500_000_000_000_000_000_000_000, 300_000_000_000_000_000_000_000, 600_000_000_000_000_000_000_000, 1, 0),
    (
        100_000_000_000_000_000_000_000,
        150_000_000_000_000_000_000_000,
        300_000_000_000_000_000_000_000,
        2,
        33_333_333_333_333_333_333,
    ),
    (
        145_000_000_000_000_000_000_000,
        150_000_000_000_000_000_000_000,
        300_000_000_000_000_000_000_000,
        2,
        2_603_836_836_449_404_660,
    ),
    (
        155_000_000_000_000_000_000_000,
        150_000_000_000_000_000_000_000,
        300_000_000_000_000_000_000_000,
        2,
        23_976_370_055_769_680,
    ),
    (
        165_000_000_000_000_000_000_000,
        150_000_000_000_000_000_000_000,
        300_000_000_000_000_000_000_000,
        2,
        219_726_562_500_000,
    ),
    (300_000_000_000_000_000_000_000, 150_000_000_000_000_000_000_000, 300_000_000_000_000_000_000_000, 2, 0),
    (
        1_000_000_000_000_000_000,
        300_000_000_000_000_000_000_000,
        600_000_000_000_000_000_000_000,
        1,
        99_999_833_333_333_333_333,
    ),
    (250_000_000_000_000_000_000_000, 175_735_931_288_071_485_118_987, 600_000_000_000_000_000_000_000, 1, 0),
    (
        87_867_965_644_035_742_559_493,
        175_735_931_288_071_485_118_987,
        600_000_000_000_000_000_000_000,
        1,
        85_355_339_059_327_376_240,
    ),
    (
        166_949_134_723_667_910_863_037,
        175_735_931_288_071_485_118_987,
        600_000_000_000_000_000_000_000,
        1,
        23_096_046_148_071_046_353,
    ),
    (
        175_735_931_288_071_485_118_987,
        175_735_931_288_071_485_118_987,
        600_000_000_000_000_000_000_000,
        1,
        707_106_781_186_547_524,
    ),
    (
        184_522_727_852_475_059_374_936,
        175_735_931_288_071_485_118_987,
        600_000_000_000_000_000_000_000,
        1,
        21_639_441_257_683_592,
    ),
    (
        210_707_381_614_397_710_657_665,
        175_735_931_288_071_485_118_987,
        600_000_000_000_000_000_000_000,
        1,
        663_174_784_257,
    ),
    (228_456_710_674_492_930_654_683, 175_735_931_288_071_485_118_987, 600_000_000_000_000_000_000_000, 1, 0),
];

/// Rows of (supply, multiplier, reward) after one year of DML, when 500,000 are scheduled: multiplier and reward with
/// 18 decimals.
#[test]
fn the_controller_of_dml_is_met_to_the_last_digit() {
    let scheduled = Preset::Dml.curves().work.scheduled(10_512_000);
    let cap = Preset::Dml.curves().work.cap();
    for (supply, m, reward) in DML_CONTROLLER {
        assert_eq!(multiplier(supply, scheduled), m);
        assert_eq!(work_reward(ONE, supply, cap, ONE, m), reward);
        // In units of a token with twelve decimals the rest is rounded away.
        assert_eq!(work_reward(ONE, supply, cap, TOKEN, m), reward / 1_000_000);
    }
}

const DML_CONTROLLER: [(u128, u128, u128); 7] = [
    (450_000_000_000_000_000, 100_000_000_000_000_000_000, 55_000_000_000_000_000_000),
    (475_000_000_000_000_000, 32_000_000_000_000_000_000, 16_800_000_000_000_000_000),
    (495_000_000_000_000_000, 2_000_000_000_000_000_000, 1_010_000_000_000_000_000),
    (505_000_000_000_000_000, 500_000_000_000_000_000, 247_500_000_000_000_000),
    (525_000_000_000_000_000, 31_250_000_000_000_000, 14_843_750_000_000_000),
    (575_000_000_000_000_000, 30_517_578_125_000, 12_969_970_703_125),
    (600_000_000_000_000_000, 0, 0),
];

/// Ranges of a proof-of-transfer chain's sortition: the first number of the range of each commitment but the first. That
/// chain rounds its bounds down and multiplies by 2^256 - 1; a number within the range is in it by either rule.
#[test]
fn sortition_ranges_are_those_of_a_proof_of_transfer_chain() {
    let bound = |head: u64, tail: u64| {
        let mut bytes = [tail.to_be_bytes(); 4];
        bytes[0] = head.to_be_bytes();
        bytes.concat().try_into().expect("four times eight bytes")
    };
    let ones = u64::MAX;
    let (sevenths, tenth, three_tenths, six_tenths) =
        (0x9249_2492_4924_9249, 0x1999_9999_9999_9999, 0x4ccc_cccc_cccc_cccc, 0x9999_9999_9999_9999);
    let cases: [(&[u128], u64, usize); 5] = [
        (&[12_345, 12_345], 0x7fff_ffff_ffff_ffff, 0),
        (&[4, 3], sevenths, 0),
        (&[100, 200, 300, 400], tenth, 0),
        (&[100, 200, 300, 400], three_tenths, 1),
        (&[100, 200, 300, 400], six_tenths, 2),
    ];
    for (weights, head, index) in cases {
        assert_eq!(pick(weights, &bound(head, 0)), Some(index));
        assert_eq!(pick(weights, &bound(head + 1, 0)), Some(index + 1));
    }
    assert_eq!(pick(&[100, 200, 300, 400], &bound(ones, ones)), Some(3));
}

/// Windows of the same chain (a tenure without a commitment is nothing there too) and what they weigh.
#[test]
fn windows_weigh_what_they_do_on_a_proof_of_transfer_chain() {
    for (window, weight) in [
        ([3, 4, 5, 4, 5, 4], 4),
        ([4, 4, 5, 4, 5, 3], 3),
        ([0, 0, 0, 0, 0, 1_000_000], 1),
        ([0, 0, 800, 900, 1_000, 1_100], 850),
        ([10, 20, 30, 40, 50, 60], 35),
    ] {
        assert_eq!(smoothed_weight(window), weight, "{window:?}");
    }
}
