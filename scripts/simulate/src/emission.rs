//! Years of work rewards under several demands, by the rule that `pallet-emissions` uses, against the schedule.

use crate::chart::{self, Line};
use anyhow::Context;
use assay_math::{
    bounded_reward, presets::BLOCKS_PER_YEAR, split_fee, split_reward, EmissionCurve, Emitted, Preset, ONE,
};
use std::{fmt::Write, fs, path::Path};

/// Blocks of a tenure in production.
const TENURE: u32 = 1_200;
/// One ASY in smallest units.
const ASY: u128 = 1_000_000_000_000;
/// Points of a line in each year.
const SAMPLES: u32 = 12;

/// How many tasks of a model with the full rate there are, and what bounds their rewards.
#[derive(Clone, Copy)]
struct Demand {
    name: &'static str,
    /// Tasks in each tenure, spread evenly.
    tasks: u32,
    /// The fee of each, in smallest units; what of it cannot come back bounds the reward. `None` lifts the bound.
    fee: Option<u128>,
}

/// Demands on a network whose model has the full rate. One ASY a task is the reward on schedule in the first years, so the
/// schedule of `assay` pays for 210 tasks a tenure.
const DEMANDS: [Demand; 5] = [
    Demand { name: "one task a tenure", tasks: 1, fee: None },
    Demand { name: "low: 21 tasks", tasks: 21, fee: None },
    Demand { name: "fitting: 210 tasks", tasks: 210, fee: None },
    Demand { name: "excessive: 420 tasks", tasks: 420, fee: None },
    Demand { name: "as many at a fee of 1 ASY, bounded by it", tasks: 420, fee: Some(ASY) },
];

/// What came of a demand.
struct Played {
    /// Years since genesis, minted so far, scheduled so far.
    samples: Vec<(f64, u128, u128)>,
    /// Tasks that were rewarded with something.
    rewarded: u64,
}

/// Plays `blocks` blocks. A reward is minted before the next is fixed, so nothing is reserved in between.
///
/// # Panics
/// Where more than the cap is minted, or more than 1.2 of the schedule and a tenure's allowance.
fn play(curve: &EmissionCurve, demand: Demand, blocks: u32) -> Played {
    let mut emitted = Emitted::default();
    let mut played = Played { samples: vec![(0.0, 0, 0)], rewarded: 0 };
    let limit = demand.fee.map_or(u128::MAX, |fee| split_fee(fee, 0).treasury);
    let every = BLOCKS_PER_YEAR / SAMPLES;
    let mut next_sample = every;
    for tenure in 0..blocks / TENURE {
        let begin = tenure * TENURE;
        (emitted.tenure_reserved, emitted.tenure_since) = (0, 0);
        for task in 0..demand.tasks {
            let now = begin + 1 + (u64::from(task) * u64::from(TENURE) / u64::from(demand.tasks)) as u32;
            if emitted.tenure_reserved == 0 {
                emitted.tenure_since = now;
            }
            let reward = bounded_reward(curve, ONE, ASY, &emitted, now, TENURE, limit);
            emitted.minted += reward;
            emitted.tenure_reserved += reward;
            played.rewarded += u64::from(reward > 0);
        }
        let end = begin + TENURE;
        assert!(emitted.minted <= curve.cap(), "{}: more than the cap", demand.name);
        let scheduled = curve.scheduled(end);
        let most = scheduled / 5 * 6 + curve.scheduled_after(begin, 2 * TENURE) * 2 + 10;
        assert!(emitted.minted <= most, "{}: {} of {scheduled} scheduled", demand.name, emitted.minted);
        if end >= next_sample {
            played.samples.push((f64::from(end) / f64::from(BLOCKS_PER_YEAR), emitted.minted, scheduled));
            next_sample += every;
        }
    }
    played
}

/// What a user who is his own solver gains with one task on schedule, in smallest units: the parts of reward and fee that
/// come back to him, less the fee.
fn self_dealing(fee: u128, reward: u128) -> i128 {
    let (fee_parts, reward_parts) = (split_fee(fee, 0), split_reward(reward));
    (fee_parts.solver + reward_parts.solver + reward_parts.user) as i128 - fee as i128
}

fn asy(amount: u128) -> f64 {
    amount as f64 / ASY as f64
}

fn file_name(preset: Preset) -> String {
    format!("emission-{}.svg", format!("{preset:?}").to_lowercase())
}

/// Plays every preset under every demand, adds the tables to `page` and draws the pictures into `docs/img`.
///
/// # Errors
/// A file cannot be written.
pub fn write(page: &mut String, docs: &Path, years: u32) -> anyhow::Result<()> {
    let images = docs.join("img");
    fs::create_dir_all(&images).with_context(|| format!("creating {}", images.display()))?;
    writeln!(page, "## Work rewards, {years} years\n")?;
    writeln!(
        page,
        "Minted for work as a share of what is scheduled, at the end of the last year; in brackets the tasks that earned\n\
         something. In every case and after every tenure of {TENURE} blocks the run checks that no more than the cap was minted\n\
         and no more than 1.2 of the schedule and the allowance of a tenure.\n"
    )?;
    write!(page, "| preset | scheduled, ASY |")?;
    for demand in DEMANDS {
        write!(page, " {} |", demand.name)?;
    }
    writeln!(page, "\n|---|---|{}", "---|".repeat(DEMANDS.len()))?;
    // LIAISE has the curves of PIGLET.
    let played = |preset: &Preset| preset.curves().work != EmissionCurve::None && *preset != Preset::Liaise;
    let presets = Preset::ALL.into_iter().filter(played);
    for preset in presets.clone() {
        eprintln!("playing {preset:?}");
        let curve = preset.curves().work;
        let mut lines = Vec::new();
        let mut cells = String::new();
        let mut scheduled = 0;
        let all = std::thread::scope(|scope| {
            let threads = DEMANDS.map(|demand| scope.spawn(move || play(&curve, demand, years * BLOCKS_PER_YEAR)));
            threads.map(|thread| thread.join().expect("a bound was broken"))
        });
        for (demand, played) in DEMANDS.into_iter().zip(all) {
            let (_, minted, total) = played.samples.last().copied().unwrap_or_default();
            scheduled = total;
            let share = 100.0 * minted as f64 / total.max(1) as f64;
            write!(cells, " {share:.1} % ({}) |", thousands(u128::from(played.rewarded)))?;
            if lines.is_empty() {
                let points = played.samples.iter().map(|(year, _, scheduled)| (*year, asy(*scheduled))).collect();
                lines.push(Line { name: "scheduled".into(), points });
            }
            let points = played.samples.iter().map(|(year, minted, _)| (*year, asy(*minted))).collect();
            lines.push(Line { name: demand.name.into(), points });
        }
        writeln!(page, "| {preset:?} | {} |{cells}", thousands(scheduled / ASY))?;
        let title = format!("{preset:?}: minted for work");
        chart::draw(&images.join(file_name(preset)), &title, "years", "ASY", &lines)?;
    }
    writeln!(
        page,
        "\nUnder Assay a tenth of the fitting demand still draws almost all of it, because each task earns more (up to 100 times)\n\
         the further the emission is behind; twice as much draws a hundredth more, because each earns less. What one\n\
         task in a tenure can draw is bounded by that factor of 100 and by twice the tenure's schedule.\n\
         Schedules that end early (FunLiteral in block 4,200,000) leave whoever came late nothing to catch up with.\n"
    )?;
    for preset in presets {
        writeln!(page, "![{preset:?}: scheduled and minted](img/{})\n", file_name(preset))?;
    }
    writeln!(page, "## Being one's own user and solver\n")?;
    writeln!(
        page,
        "Gain of one task in ASY, gas aside, at the reward that the schedule would pay (1 ASY) and as production bounds it: no\n\
         more than the part of the fee that cannot come back.\n"
    )?;
    writeln!(page, "| fee | reward unbounded | gain | reward bounded | gain |\n|---|---|---|---|---|")?;
    for fee in [0, ASY / 10, ASY, 5 * ASY, 10 * ASY, 100 * ASY] {
        let bounded = ASY.min(split_fee(fee, 0).treasury);
        writeln!(
            page,
            "| {} | 1 | {:.4} | {} | {:.4} |",
            asy(fee),
            self_dealing(fee, ASY) as f64 / ASY as f64,
            asy(bounded),
            self_dealing(fee, bounded) as f64 / ASY as f64,
        )?;
    }
    writeln!(
        page,
        "\nBounded, every such task loses a quarter of what it sinks. A network that lifts the bound (the development presets\n\
         do, so that rewards can be seen) pays whoever asks himself."
    )?;
    Ok(())
}

/// A number with commas.
fn thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fitting_demand_is_paid_the_schedule() {
        let curve = Preset::Assay.curves().work;
        let fitting = play(&curve, DEMANDS[2], BLOCKS_PER_YEAR / 4);
        let (_, minted, scheduled) = *fitting.samples.last().unwrap();
        assert!(minted.abs_diff(scheduled) < scheduled / 200, "{minted} of {scheduled}");
    }

    #[test]
    fn self_dealing_pays_unbounded_and_loses_bounded() {
        assert!(self_dealing(ASY, ASY) > 0);
        for fee in [ASY / 1_000, ASY, 1_000 * ASY] {
            assert!(self_dealing(fee, split_fee(fee, 0).treasury) < 0, "{fee}");
        }
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!(
            (thousands(0), thousands(1_234_567), thousands(123)),
            ("0".into(), "1,234,567".into(), "123".into())
        );
    }
}
