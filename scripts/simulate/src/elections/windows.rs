//! What a party gains that does not commit in every tenure, or not the same: the rule of the median.

use super::{check, exact, on_all_processors, Chain, Mean, SEATS, TENURES};
use crate::{
    chart::{self, Line},
    page::{thousands, Page},
};
use assay_math::smoothed_weight;
use assay_types::{
    election::{draw_number, Randomness, WINDOW},
    ASY,
};
use std::fmt::Write;

/// Candidates of the party, which all do the same.
const PARTY: usize = 4;
/// Candidates beside them.
const RIVALS: usize = 60;
/// What a rival commits in every tenure.
const BID: u128 = 100 * ASY;
/// In so many tenures of the window a candidate must have committed.
const LEAST_COMMITS: usize = 3;
/// Tenures in which rivals' bids rise and fall once, where they do: a day.
const DAY: u32 = 24;

/// Commitments of the last tenures, the latest last.
type Window = [u128; WINDOW];

/// What a candidate weighs in a draw.
fn weight(window: &Window) -> u128 {
    let commits = window.iter().filter(|amount| **amount > 0).count();
    if commits < LEAST_COMMITS {
        0
    } else {
        smoothed_weight(*window)
    }
}

/// Moves a window on by a tenure.
fn push(window: &mut Window, amount: u128) {
    window.rotate_left(1);
    window[WINDOW - 1] = amount;
}

/// What a candidate commits in six tenures, again and again, in hundredths of a rival's commitment.
struct Pattern {
    name: &'static str,
    bids: [u32; WINDOW],
}

const PATTERNS: [Pattern; 9] = [
    Pattern { name: "the same in every tenure", bids: [100; WINDOW] },
    Pattern { name: "in five of six", bids: [100, 100, 100, 100, 100, 0] },
    Pattern { name: "in four of six", bids: [100, 100, 100, 100, 0, 0] },
    Pattern { name: "in three of six", bids: [100, 100, 100, 0, 0, 0] },
    Pattern { name: "in every other", bids: [100, 0, 100, 0, 100, 0] },
    Pattern { name: "in two of six", bids: [100, 0, 0, 100, 0, 0] },
    Pattern { name: "six times as much in one, a hundredth in five", bids: [600, 1, 1, 1, 1, 1] },
    Pattern { name: "twice as much in every other, a hundredth between", bids: [200, 1, 200, 1, 200, 1] },
    Pattern { name: "1.5 times as much in four of six, a hundredth in two", bids: [150, 150, 150, 150, 1, 1] },
];

/// What a pattern brings, a tenure and candidate on average.
struct Brought {
    /// Spent, as a part of a rival's commitment.
    spent: f64,
    /// Weight, likewise.
    weight: f64,
    /// Exact.
    seats: f64,
    /// Deviation of what was played, in standard errors.
    errors: f64,
}

/// What the candidate of a pattern weighs in each of its six tenures.
fn weights(bids: &[u32; WINDOW]) -> [u128; WINDOW] {
    let mut window = bids.map(|bid| u128::from(bid) * BID / 100);
    let mut weights = [0; WINDOW];
    for at in &mut weights {
        let next = window[0];
        push(&mut window, next);
        *at = weight(&window);
    }
    weights
}

/// Exact seats a tenure and candidate of the party with `bids`, on average.
pub fn seats_of(bids: &[u32; WINDOW]) -> f64 {
    let seats = weights(bids).map(|weight| {
        let all: Vec<_> = field(weight).into_iter().map(|weight| weight as f64).collect();
        exact::by_race(&all, SEATS as usize)[0]
    });
    seats.iter().sum::<f64>() / WINDOW as f64
}

/// Weights of a tenure, the party's first.
fn field(weight: u128) -> Vec<u128> {
    let mut field = vec![weight; PARTY];
    field.resize(PARTY + RIVALS, BID);
    field
}

fn play(seed: u32, bids: &[u32; WINDOW]) -> Brought {
    let mut chain = Chain::new(seed);
    let mut party = bids.map(|bid| u128::from(bid) * BID / 100);
    let mut seats = Vec::new();
    // A mean of whole periods, for tenures of one period differ.
    for _ in 0..TENURES / WINDOW as u32 {
        let mut won = 0;
        for _ in 0..WINDOW {
            let next = party[0];
            push(&mut party, next);
            won += chain.tenure(&field(weight(&party)), SEATS).into_iter().filter(|winner| *winner < PARTY).count();
        }
        seats.push(won as f64 / (WINDOW * PARTY) as f64);
    }
    let exact = seats_of(bids);
    let mean = |amounts: [u128; WINDOW]| amounts.iter().sum::<u128>() as f64 / (BID * WINDOW as u128) as f64;
    Brought {
        spent: f64::from(bids.iter().sum::<u32>()) / (100 * WINDOW) as f64,
        weight: mean(weights(bids)),
        seats: exact,
        errors: Mean::of(seats.iter().copied()).errors_from(exact),
    }
}

/// When a party commits whose rivals' bids rise and fall.
#[derive(Clone, Copy)]
enum Timing {
    Always,
    /// It knows what the others weigh, leaves out what is dearer than a day's mean, but never a third tenure in six.
    TwoDearest,
    /// The same, but it leaves out up to three.
    ThreeDearest,
}

/// What a rival commits in a tenure: half to one and a half of [`BID`] and back in a day, and up to a fifth more or
/// less by chance.
fn swinging(seed: &Randomness, tenure: u32, rival: usize) -> u128 {
    let hour = tenure % DAY;
    let swing = 50 + 100 * hour.min(DAY - hour) / (DAY / 2);
    let [byte, ..] = draw_number(seed, tenure * RIVALS as u32 + rival as u32);
    let noise = 80 + 40 * u128::from(byte) / 255;
    BID * u128::from(swing) * noise / 10_000
}

/// Tenures of [`time`].
const TIMED: u32 = 3 * TENURES;

/// Seats per commitment of [`BID`], and tenures of six in which the party commits.
fn time(timing: Timing) -> (Mean, f64) {
    // The same chance for each timing, so that what differs is the timing.
    let mut chain = Chain::new(300);
    let noise = draw_number(&[1; 32], 300);
    let mut rivals = [Window::default(); RIVALS];
    let mut party = Window::default();
    let mut totals: Vec<u128> = Vec::new();
    let (mut days, mut commits) = (Vec::new(), 0u32);
    let (mut day_seats, mut day_commits) = (0, 0);
    for tenure in 0..TIMED {
        rivals.iter_mut().enumerate().for_each(|(rival, window)| push(window, swinging(&noise, tenure, rival)));
        let mut field = vec![0; PARTY];
        field.extend(rivals.iter().map(weight));
        let total: u128 = field.iter().sum();
        totals.push(total);
        let day = &totals[totals.len().saturating_sub(DAY as usize)..];
        let dear = total > day.iter().sum::<u128>() / day.len() as u128;
        let left_out = party[1..].iter().filter(|amount| **amount == 0).count();
        let most = match timing {
            Timing::Always => 0,
            Timing::TwoDearest => 2,
            Timing::ThreeDearest => 3,
        };
        let bid = if dear && left_out < most { 0 } else { BID };
        push(&mut party, bid);
        field[..PARTY].fill(weight(&party));
        let won = chain.tenure(&field, SEATS).into_iter().filter(|winner| *winner < PARTY).count();
        day_seats += won;
        day_commits += u32::from(bid > 0);
        // The first day fills the windows.
        if tenure % DAY == DAY - 1 {
            if tenure >= DAY {
                days.push(day_seats as f64 / (f64::from(day_commits) * PARTY as f64));
                commits += day_commits;
            }
            (day_seats, day_commits) = (0, 0);
        }
    }
    let tenures = days.len() as f64 * f64::from(DAY);
    (Mean::of(days.iter().copied()), f64::from(commits) * WINDOW as f64 / tenures)
}

/// Adds the section to `page`.
///
/// # Errors
/// A picture cannot be drawn, or what was played is not what is exact.
pub fn write(page: &mut Page) -> anyhow::Result<()> {
    writeln!(page, "## Leaving tenures out\n")?;
    page.paragraphs(&format!(
        "{PARTY} candidates commit by a pattern of six tenures, {RIVALS} the same in every tenure. A commitment \
         weighs the smaller of its amount and the median of six. Spent and weight are against a rival's \
         commitment, seats are a candidate's in a tenure, exact; the price of a seat is against who commits the \
         same in every tenure."
    ));
    writeln!(page, "| commits | spends | weighs | seats | price of a seat |\n|---|---|---|---|---|")?;
    let all = on_all_processors(PATTERNS.iter().zip(200..), |(pattern, seed)| play(seed, &pattern.bids));
    let always = all[0].spent / all[0].seats;
    let price = |brought: &Brought| brought.spent / brought.seats / always;
    let worst = all.iter().map(|brought| brought.errors).fold(0.0, f64::max);
    check("leaving tenures out", worst)?;
    for (Pattern { name, .. }, brought) in PATTERNS.iter().zip(&all) {
        let Brought { spent, weight, seats, .. } = brought;
        let price = if *seats > 0.0 { format!("{:.2}", price(brought)) } else { "none is won".into() };
        writeln!(page, "| {name} | {spent:.3} | {weight:.3} | {seats:.4} | {price} |")?;
    }
    page.paragraphs(&format!(
        "Played, these are off by {worst:.1} standard errors at most.\n\n Two tenures of six may be left out for \
         nothing: the median of six does not see them. The third halves the weight of every commitment that is \
         made, and a seat costs nearly twice as much; with a fourth nobody is drawn. One large commitment among \
         small ones buys next to nothing, and swinging between large and small, in whatever rhythm, costs more \
         than committing evenly. Entering costs two and a half commitments that win no seat: the first two do not \
         qualify, the third weighs half. Who is kept out by others, or has been offline, for up to two tenures of \
         six loses no more than those tenures."
    ));
    let points = |value: fn(&Brought) -> f64| {
        all[..4].iter().zip([6.0, 5.0, 4.0, 3.0]).rev().map(|(brought, commits)| (commits, value(brought))).collect()
    };
    let lines = [
        Line { name: "spent".into(), points: points(|brought| brought.spent), dots: Vec::new() },
        Line { name: "weight".into(), points: points(|brought| brought.weight), dots: Vec::new() },
    ];
    let title = "leaving tenures out: spent, and what it weighs";
    let svg = chart::draw(title, "tenures of six in which is committed", "of a rival's", &lines)?;
    page.show("Leaving tenures out", "elections-skipping.svg".into(), svg);

    let timings = [
        ("every tenure", Timing::Always),
        ("all but the dearest, at most two of six", Timing::TwoDearest),
        ("all but the dearest, at most three of six", Timing::ThreeDearest),
    ];
    let timed = on_all_processors(timings, |(_, timing)| time(timing));
    page.paragraphs(&format!(
        "**Choosing the tenures.** What can be had for nothing is used: the rivals' commitments now rise from \
         half to one and a half and fall again within a day of {DAY} tenures, a fifth more or less by chance, \
         and the party waits until it knows what all weigh. {} tenures each.",
        thousands(TIMED.into())
    ));
    writeln!(
        page,
        "| the party commits in | tenures of six | seats per commitment | against always |\n|---|---|---|---|"
    )?;
    let base = timed[0].0.value;
    for ((name, _), (seats, commits)) in timings.iter().zip(&timed) {
        let Mean { value, error } = seats;
        let more = 100.0 * (value / base - 1.0);
        writeln!(page, "| {name} | {commits:.2} | {value:.4} ± {error:.4} | {more:+.1} % |")?;
    }
    page.paragraphs(
        "Waiting for cheap tenures pays as far as two of six can be left out, and not beyond. It needs rivals \
         who do not do the same: whoever may wait evens the price out. A rule of five commitments in six would \
         leave one tenure to choose, at the cost of those who are kept out or offline.",
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_six_are_free_and_the_third_halves_the_weight() {
        for (pattern, expected) in PATTERNS.iter().zip([100, 100, 100, 50, 50, 0]) {
            for (bid, weight) in pattern.bids.iter().zip(weights(&pattern.bids)) {
                let weighs = if *bid > 0 { expected } else { 0 };
                assert_eq!(weight, BID * weighs / 100, "{}", pattern.name);
            }
        }
    }

    #[test]
    fn a_large_sum_weighs_no_more_than_the_median() {
        assert_eq!(weights(&PATTERNS[6].bids), [BID / 100; WINDOW]);
        assert_eq!(weights(&PATTERNS[7].bids)[0], BID * 201 / 200);
    }

    #[test]
    fn entering_costs_two_commitments_and_half_of_the_third() {
        let mut window = Window::default();
        let entered = [0; 4].map(|_| {
            push(&mut window, BID);
            weight(&window)
        });
        assert_eq!(entered, [0, 0, BID / 2, BID]);
    }

    #[test]
    fn bids_swing_between_half_and_one_and_a_half() {
        let bids: Vec<_> = (0..100 * DAY).map(|tenure| swinging(&[3; 32], tenure, 5)).collect();
        assert!(bids.iter().all(|bid| (BID * 40 / 100..=BID * 180 / 100).contains(bid)));
        let mean = bids.iter().sum::<u128>() / bids.len() as u128;
        assert!(mean.abs_diff(BID) < BID / 50, "{mean}");
    }
}
