//! Years of what authors and work are minted, the latter under several demands, by the rules that `pallet-emissions`
//! uses, against the schedule.

use crate::{
    chart::{self, Line},
    page::{thousands, Page},
};
use assay_math::{
    bounded_reward, presets::BLOCKS_PER_YEAR, split_fee, split_reward, EmissionCurve, Emitted, Preset, ONE,
};
use assay_types::ASY;
use std::fmt::Write;

/// Blocks of a tenure in production.
const TENURE: u32 = 1_200;
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

/// Demands on a network whose model has the full rate. One ASY a task is the reward on schedule in the first years, so
/// the schedule of `assay` pays for 210 tasks a tenure.
const DEMANDS: [Demand; 5] = [
    Demand { name: "one task a tenure", tasks: 1, fee: None },
    Demand { name: "low: 21 tasks", tasks: 21, fee: None },
    Demand { name: "fitting: 210 tasks", tasks: 210, fee: None },
    Demand { name: "excessive: 420 tasks", tasks: 420, fee: None },
    Demand { name: "self-dealt: 420 tasks at a fee of 1 ASY, bounded by it", tasks: 420, fee: Some(ASY) },
];

/// What came of a demand.
struct Played {
    /// Years since genesis, minted so far, scheduled so far.
    samples: Vec<(f64, u128, u128)>,
    /// Tasks that were rewarded with something.
    rewarded: u64,
    /// Tasks in all.
    tasks: u64,
}

/// Plays `blocks` blocks. A reward is minted before the next is fixed, so nothing is reserved in between.
///
/// # Panics
/// Where more than the cap is minted, or more than 1.2 of the schedule and a tenure's allowance.
fn play(curve: &EmissionCurve, demand: Demand, blocks: u32) -> Played {
    let mut emitted = Emitted::default();
    let mut played = Played { samples: vec![(0.0, 0, 0)], rewarded: 0, tasks: 0 };
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
            played.tasks += 1;
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

/// Plays `blocks` blocks and mints each author its part; returns what was minted and what is scheduled.
///
/// # Panics
/// Where more than the cap or the schedule is minted.
fn play_authors(curve: &EmissionCurve, blocks: u32) -> (u128, u128) {
    let (mut minted, mut scheduled) = (0, 0);
    for block in 1..=blocks {
        let before = std::mem::replace(&mut scheduled, curve.scheduled(block));
        minted += (scheduled - before).min(scheduled - minted);
        assert!(minted <= scheduled && scheduled <= curve.cap(), "{minted} to authors, {scheduled} scheduled");
    }
    (minted, scheduled)
}

/// What a user who is his own solver gains, in smallest units: the parts of reward and fee that come back to him, less
/// the fee.
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

/// Plays every preset under every demand and adds tables and pictures to `page`.
///
/// # Errors
/// A picture cannot be drawn.
pub fn write(page: &mut Page, years: u32) -> anyhow::Result<()> {
    let blocks = years * BLOCKS_PER_YEAR;
    write_authors(page, blocks)?;
    writeln!(page, "## Work rewards, {years} years\n")?;
    page.paragraphs(&format!(
        "Minted for work as a share of what is scheduled, at the end of the last year; in brackets the tasks \
         that earned something. In every case and after every tenure of {TENURE} blocks the run checks that no \
         more than the cap was minted and no more than 1.2 of the schedule and the allowance of a tenure. Liaise \
         has the curves of Piglet; CamelidCoin mints nothing for work."
    ));
    write!(page, "| preset | scheduled, ASY |")?;
    for demand in DEMANDS {
        write!(page, " {} |", demand.name)?;
    }
    writeln!(page, "\n|---|---|{}", "---|".repeat(DEMANDS.len()))?;
    let presets = Preset::ALL
        .into_iter()
        .filter(|preset| preset.curves().work != EmissionCurve::None && *preset != Preset::Liaise);
    let mut dealt = String::new();
    for preset in presets.clone() {
        eprintln!("playing {preset:?}");
        let curve = preset.curves().work;
        let mut lines = Vec::new();
        let mut cells = String::new();
        let mut scheduled = 0;
        let all = std::thread::scope(|scope| {
            let threads = DEMANDS.map(|demand| scope.spawn(move || play(&curve, demand, blocks)));
            threads.map(|thread| thread.join().expect("a bound was broken"))
        });
        write!(dealt, "| {preset:?} |")?;
        for (demand, played) in DEMANDS.into_iter().zip(all) {
            let (_, minted, total) = played.samples.last().copied().unwrap_or_default();
            scheduled = total;
            let share = 100.0 * minted as f64 / total.max(1) as f64;
            write!(cells, " {share:.1} % ({}) |", thousands(u128::from(played.rewarded)))?;
            if demand.tasks == DEMANDS[4].tasks {
                let fees = u128::from(played.tasks) * demand.fee.unwrap_or_default();
                let gain = self_dealing(fees, minted);
                let sign = if gain < 0 { "-" } else { "" };
                write!(dealt, " {sign}{} |", thousands(gain.unsigned_abs() / ASY))?;
            }
            if lines.is_empty() {
                let points = played.samples.iter().map(|(year, _, scheduled)| (*year, asy(*scheduled))).collect();
                lines.push(Line { name: "scheduled".into(), points, dots: Vec::new() });
            }
            let points = played.samples.iter().map(|(year, minted, _)| (*year, asy(*minted))).collect();
            lines.push(Line { name: demand.name.into(), points, dots: Vec::new() });
        }
        writeln!(dealt)?;
        writeln!(page, "| {preset:?} | {} |{cells}", thousands(scheduled / ASY))?;
        let title = format!("{preset:?}: minted for work");
        page.pictures.push((file_name(preset), chart::draw(&title, "years", "ASY", &lines)?));
    }
    page.paragraphs(
        "Under Assay a tenth of the fitting demand still draws almost all of it, because each task earns more \
         (up to 100 times) the further the emission is behind; twice as much draws a hundredth more, because \
         each earns less. What one task in a tenure can draw is bounded by that factor of 100 and by twice the \
         tenure's schedule. Schedules that end early (FunLiteral in block 4,200,000) leave whoever came late \
         nothing to catch up with.",
    );
    for preset in presets {
        writeln!(page, "![{preset:?}: scheduled and minted](img/{})\n", file_name(preset))?;
    }
    writeln!(page, "## Being one's own user and solver\n")?;
    page.paragraphs(
        "Gain of one task in ASY, gas aside, at the reward that the schedule would pay (1 ASY) and as production \
         bounds it: no more than the part of the fee that cannot come back.",
    );
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
    page.paragraphs(&format!(
        "Bounded, every such task loses a quarter of what it sinks. A network that lifts the bound (the \
         development presets do, so that rewards can be seen) pays whoever asks himself. What {} such tasks a \
         tenure gain in {years} years, in ASY:",
        DEMANDS[4].tasks
    ));
    writeln!(page, "| preset | no fee, unbounded | a fee of 1 ASY, bounded |\n|---|---|---|\n{dealt}")?;
    Ok(())
}

/// Plays the authors' part of every preset that has one and adds the table to `page`.
fn write_authors(page: &mut Page, blocks: u32) -> anyhow::Result<()> {
    writeln!(page, "## Authors' part, {} years\n", blocks / BLOCKS_PER_YEAR)?;
    page.paragraphs(
        "Each author is minted what the curve schedules for its block; the run checks in every block that \
         neither the schedule nor the cap is passed. The other presets pay authors nothing.",
    );
    writeln!(page, "| preset | scheduled, ASY | minted, ASY | cap, ASY |\n|---|---|---|---|")?;
    let presets: Vec<_> =
        Preset::ALL.into_iter().filter(|preset| preset.curves().authors != EmissionCurve::None).collect();
    let played = std::thread::scope(|scope| {
        let play = |preset: &Preset| {
            let curve = preset.curves().authors;
            scope.spawn(move || play_authors(&curve, blocks))
        };
        let threads: Vec<_> = presets.iter().map(play).collect();
        threads.into_iter().map(|thread| thread.join().expect("a bound was broken")).collect::<Vec<_>>()
    });
    for (preset, (minted, scheduled)) in presets.iter().zip(played) {
        let [scheduled, minted, cap] =
            [scheduled, minted, preset.curves().authors.cap()].map(|amount| thousands(amount / ASY));
        writeln!(page, "| {preset:?} | {scheduled} | {minted} | {cap} |")?;
    }
    writeln!(page)?;
    Ok(())
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
    fn authors_are_minted_their_schedule() {
        for preset in Preset::ALL {
            let curve = preset.curves().authors;
            // Beyond the block in which the cap cuts FunLiteral off.
            let (minted, scheduled) = play_authors(&curve, 5_000_000);
            assert_eq!(minted, scheduled, "{preset:?}");
            assert_eq!(minted == curve.cap(), matches!(preset, Preset::FunLiteral) || curve == EmissionCurve::None);
        }
    }

    #[test]
    fn self_dealing_pays_unbounded_and_loses_bounded() {
        assert!(self_dealing(ASY, ASY) > 0);
        for fee in [ASY / 1_000, ASY, 1_000 * ASY] {
            assert!(self_dealing(fee, split_fee(fee, 0).treasury) < 0, "{fee}");
        }
    }
}
