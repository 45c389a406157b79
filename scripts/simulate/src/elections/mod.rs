//! Thousands of elections, played with the arithmetic of `pallet-elections` and compared with exact chances; and what
//! whoever games them gains.

mod authors;
mod committee;
mod exact;
mod identities;
mod inclusion;
mod windows;

use crate::page::Page;
use assay_math::{draw, Preset};
use assay_types::{
    election::{accumulate, draw_number, mix_entropy, Randomness},
    ASY,
};
use std::fmt::Write;

/// Places that are drawn in a tenure of production.
const SEATS: u32 = 16;
/// Validators of a tenure of production: the committee of five, and the seats.
const VALIDATORS: u32 = 5 + SEATS;
/// Slots of a tenure in production.
const SLOTS: u32 = 1_200;
/// Slots of a tenure of the development presets. So many blocks are mixed into the entropy of a played tenure.
const DEV_SLOTS: u32 = 20;
/// Tenures that are played for a number on the page.
const TENURES: u32 = 20_000;
/// What is played may be off by so many standard errors. By chance one number of 1,000 is further off in 1 run of 150.
const MOST_ERRORS: f64 = 4.5;

/// The part of a chain that decides who is drawn.
///
/// In place of the outputs of verifiable random functions it takes hashes of a seed: nobody could tell them apart.
struct Chain {
    seed: Randomness,
    blocks: u32,
    entropy: Randomness,
    accumulator: Randomness,
    first_output: Option<Randomness>,
}

impl Chain {
    /// A chain at its genesis; each `seed` gives another.
    fn new(seed: u32) -> Self {
        let seed = draw_number(&[0; 32], seed);
        Self { seed, blocks: 0, entropy: [0; 32], accumulator: [0; 32], first_output: None }
    }

    /// The output of the next author's verifiable random function, whether or not it makes its block.
    fn output(&mut self) -> Randomness {
        self.blocks += 1;
        draw_number(&self.seed, self.blocks)
    }

    /// Makes a block.
    fn block(&mut self) {
        let output = self.output();
        self.entropy = mix_entropy(&self.entropy, Some(&output));
    }

    /// The accumulator that a draw with `entropy` would be made by.
    fn accumulator_with(&self, entropy: &Randomness) -> Randomness {
        accumulate(&self.accumulator, entropy, self.first_output.as_ref())
    }

    /// Makes a tenure's blocks and draws; returns who is drawn, in order.
    fn tenure(&mut self, weights: &[u128], seats: u32) -> Vec<usize> {
        (0..DEV_SLOTS).for_each(|_| self.block());
        self.accumulator = self.accumulator_with(&self.entropy);
        let drawn = drawn_by(&self.accumulator, weights, seats);
        if !drawn.is_empty() {
            self.first_output = Some(self.output());
        }
        drawn
    }
}

/// Who is drawn by an accumulator, in order.
fn drawn_by(accumulator: &Randomness, weights: &[u128], seats: u32) -> Vec<usize> {
    let mut drawn = Vec::with_capacity(seats as usize);
    draw(&mut weights.to_vec(), seats, |i| draw_number(accumulator, i), |winner| drawn.push(winner));
    drawn
}

/// A mean of what was played, and its standard error.
#[derive(Clone, Copy)]
struct Mean {
    value: f64,
    error: f64,
}

impl Mean {
    fn of(played: impl Iterator<Item = f64> + Clone) -> Self {
        let count = played.clone().count() as f64;
        let value = played.clone().sum::<f64>() / count;
        let variance = played.map(|number| (number - value).powi(2)).sum::<f64>() / (count - 1.0);
        Self { value, error: (variance / count).sqrt() }
    }

    /// By how many standard errors it misses `exact`; none where nothing varies and nothing is missed.
    fn errors_from(self, exact: f64) -> f64 {
        let missed = (self.value - exact).abs();
        if missed < 1e-9 {
            0.0
        } else {
            missed / self.error
        }
    }
}

/// Seats that the first `members` of the candidates get in a tenure: played, and exactly.
fn seats_of(seed: u32, weights: &[u128], members: usize) -> (Mean, f64) {
    let mut chain = Chain::new(seed);
    let won = |drawn: Vec<usize>| drawn.into_iter().filter(|winner| *winner < members).count() as f64;
    let played: Vec<_> = (0..TENURES).map(|_| won(chain.tenure(weights, SEATS))).collect();
    let weights: Vec<_> = weights.iter().map(|weight| *weight as f64).collect();
    let exact = exact::by_race(&weights, SEATS as usize)[..members].iter().sum();
    (Mean::of(played.iter().copied()), exact)
}

/// Blocks that a seat makes in a tenure of production, on average.
fn seat_blocks() -> f64 {
    f64::from(SLOTS) / f64::from(VALIDATORS)
}

/// What the author of the first block is paid under the default curves, in ASY.
fn author_reward() -> f64 {
    Preset::Assay.curves().authors.scheduled_in(1) as f64 / ASY as f64
}

/// Plays `cases` on all processors; their results in the same order.
fn on_all_processors<C: Send, R: Send>(cases: impl IntoIterator<Item = C>, play: impl Fn(C) -> R + Sync) -> Vec<R> {
    let play = &play;
    std::thread::scope(|scope| {
        let threads: Vec<_> = cases.into_iter().map(|case| scope.spawn(move || play(case))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no case panics")).collect()
    })
}

/// Fails where what was played is further from what is exact than chance would have it.
fn check(what: &str, errors: f64) -> anyhow::Result<()> {
    anyhow::ensure!(errors < MOST_ERRORS, "{what}: played {errors:.1} standard errors from the exact value");
    Ok(())
}

/// Plays the elections and adds them to `page`.
///
/// # Errors
/// A picture cannot be drawn, or what was played is not what is exact.
pub fn write(page: &mut Page) -> anyhow::Result<()> {
    eprintln!("playing elections");
    writeln!(page, "# Elections\n")?;
    page.paragraphs(&format!(
        "Played with the arithmetic of `pallet-elections`: windows, entropy, accumulators and draws are the \
         chain's, in place of the outputs of verifiable random functions stand hashes of a fixed seed. {SEATS} \
         seats are drawn in a tenure, as in production; each number is of {} tenures or more, unless it is \
         exact. A number is exact where a formula gives it: the sum over all subsets of a few candidates, and \
         for more an integral (successive draws are a race of exponential clocks). The run fails if anything \
         played is {MOST_ERRORS} standard errors or more from the exact value.",
        crate::page::thousands(TENURES.into())
    ));
    inclusion::write(page)?;
    identities::write(page)?;
    windows::write(page)?;
    committee::write(page)?;
    authors::write_censoring(page)?;
    authors::write_bias(page)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const AGAIN: &str = "make it again: cargo run --release --bin simulate";

    #[test]
    fn the_page_and_the_pictures_are_those_of_this_code() {
        let mut page = Page::default();
        write(&mut page).unwrap();
        let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let read = |path: &str| fs::read_to_string(docs.join(path)).unwrap();
        assert!(read("simulation.md").contains(page.text.trim_end()), "docs/simulation.md is old, {AGAIN}");
        for (name, svg) in &page.pictures {
            assert_eq!(&read(&format!("img/{name}")), svg, "docs/img/{name} is old, {AGAIN}");
        }
    }

    #[test]
    fn means_know_their_error() {
        let mean = Mean::of([1.0, 2.0, 3.0, 4.0].into_iter());
        assert_eq!(mean.value, 2.5);
        assert!((mean.error - (5.0f64 / 12.0).sqrt()).abs() < 1e-12);
        assert!((mean.errors_from(2.5 + 2.0 * mean.error) - 2.0).abs() < 1e-9);
        assert_eq!(Mean::of([16.0; 4].into_iter()).errors_from(16.0), 0.0);
        assert!(Mean::of([16.0; 4].into_iter()).errors_from(15.0) > MOST_ERRORS);
    }

    #[test]
    fn chains_differ_by_seed_and_play_again_the_same() {
        let play = |seed| {
            let mut chain = Chain::new(seed);
            (0..3).map(|_| chain.tenure(&[5; 64], SEATS)).collect::<Vec<_>>()
        };
        assert_eq!(play(1), play(1));
        assert_ne!(play(1), play(2));
        assert_ne!(play(1)[0], play(1)[1]);
    }
}
