//! Random operations, with every invariant checked after each.

use super::*;
use sp_io::hashing::blake2_256;

/// A reproducible stream of numbers.
struct Dice(u64, u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.1 += 1;
        let hash = blake2_256(&[self.0.to_le_bytes(), self.1.to_le_bytes()].concat());
        u64::from_le_bytes(hash[..8].try_into().unwrap()) % below
    }
}

/// What was burned according to the events since the last call.
fn burned() -> Balance {
    take_events()
        .into_iter()
        .map(|event| match event {
            Event::Burned { amount } => amount,
            Event::Unexpected(kind) => panic!("{kind:?}"),
            _ => 0,
        })
        .sum()
}

/// Runs 400 operations, between which up to `2^horizon` blocks pass; returns what authors and work were minted.
fn run(seed: u64, curves: Curves, existential_deposit: Balance, horizon: u64) -> (Balance, Balance) {
    let mut totals = (0, 0);
    ExtBuilder::default().curves(curves).existential_deposit(existential_deposit).build_and_execute(|| {
        let mut dice = Dice(seed, 0);
        let mut open: Vec<Balance> = Vec::new();
        let mut lost = 0;
        RewardPerSunkFee::set(FixedU128::from_u32(1 << dice.roll(4)));
        for step in 0..400 {
            let context = format!("seed {seed}, step {step}, block {}", System::block_number());
            match dice.roll(10) {
                0..=2 => {
                    let rate = FixedU128::from_rational(dice.roll(300).into(), 100);
                    let sunk_fee = Balance::from(dice.roll(ASY as u64)) * Balance::from(dice.roll(1_000));
                    let quoted = quote(rate, sunk_fee);
                    let reserved = <Emissions as WorkRewards<u64>>::reserve(rate, sunk_fee);
                    assert_eq!(reserved, quoted, "{context}");
                    if reserved > 0 {
                        open.push(reserved);
                    }
                }
                3 if !open.is_empty() => release(open.swap_remove(dice.roll(open.len() as u64) as usize)),
                4 | 5 if !open.is_empty() => {
                    let reserved = open.swap_remove(dice.roll(open.len() as u64) as usize);
                    let (solver, user) = (dice.roll(5), dice.roll(5));
                    let before = issuance();
                    let split = Emissions::mint(reserved, &solver, &user);
                    assert_eq!(issuance() - before, split.total(), "{context}");
                }
                6 => {
                    let validators: Vec<u64> = (0..dice.roll(6)).collect();
                    let before = issuance();
                    Emissions::pay_validators(&validators);
                    assert_eq!(issuance(), before, "{context}");
                }
                7 => go_to(System::block_number().saturating_add(1 << dice.roll(horizon))),
                _ => {
                    go_to(System::block_number().saturating_add(1 + dice.roll(30) as u32));
                    Emissions::note_author(&dice.roll(5));
                }
            }
            lost += burned();
            Emissions::do_try_state().unwrap_or_else(|broken| panic!("{context}: {broken:?}"));
            assert_eq!(ReservedWork::<Test>::get(), open.iter().sum::<Balance>(), "{context}");
            let minted = MintedAuthors::<Test>::get() + MintedWork::<Test>::get();
            assert_eq!(issuance() + lost, minted, "{context}");
            assert!(minted <= curves.cap(), "{context}");
        }
        totals = (MintedAuthors::<Test>::get(), MintedWork::<Test>::get());
    });
    totals
}

/// Fails unless something was minted: operations that are all refused test nothing.
fn assert_minted(curves: Curves, (authors, work): (Balance, Balance)) {
    assert!(authors > 0 || curves.authors.cap() == 0, "{curves:?}");
    assert!(work > 0 || curves.work.cap() == 0, "{curves:?}");
}

#[test]
fn every_invariant_should_hold_after_any_operation_when_nothing_is_burned() {
    for (seed, preset) in (0..).zip(Preset::ALL) {
        assert_minted(preset.curves(), run(seed, preset.curves(), 1, 26));
    }
}

#[test]
fn every_invariant_should_hold_after_any_operation_when_deposits_are_high() {
    for (seed, preset) in (100..).zip(Preset::ALL) {
        assert_minted(preset.curves(), run(seed, preset.curves(), ASY, 26));
    }
}

#[test]
fn every_invariant_should_hold_on_curves_that_end_soon() {
    let ends = EmissionCurve::Halving { initial: 1_000_000_007, interval: 50, cap: 60_000_000_000 };
    let target = EmissionCurve::Target { supply: 1_000_003, half_life: 97 };
    for (authors, work) in [(ends, ends), (target, target), (target, ends)] {
        let curves = Curves { authors, work };
        let totals = (200..220).map(|seed| run(seed, curves, 1 + seed as Balance % 2 * 1_000, 8));
        assert_minted(curves, totals.fold((0, 0), |sum, minted| (sum.0 + minted.0, sum.1 + minted.1)));
    }
}
