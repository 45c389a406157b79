//! What authors of blocks gain by what they leave out: others' commitments, or their own blocks at a tenure's end.

use super::{
    author_reward, check, drawn_by, exact, on_all_processors, seat_blocks, windows, Chain, Mean, DEV_SLOTS, SEATS,
    SLOTS, TENURES, VALIDATORS,
};
use crate::{
    chart::{self, Line},
    page::Page,
};
use assay_types::{election::mix_entropy, ASY};
use std::fmt::Write;

/// Adds the section on censoring to `page`.
///
/// # Errors
/// A picture cannot be drawn.
pub fn write_censoring(page: &mut Page) -> anyhow::Result<()> {
    writeln!(page, "## Censoring as an author\n")?;
    page.paragraphs(&format!(
        "A coalition keeps rivals' commitments out of the blocks that it makes. A commitment has a whole tenure, \
         {SLOTS} slots in production and {DEV_SLOTS} in development, and one block of anybody else is enough. \
         Exact: the chance that it makes all blocks of a tenure; the blocks before a tenure's end from which on \
         less than one commitment in a million is kept out; and the chance to outweigh the others' chain over a \
         tenure, if it also ignores every block that has a commitment of theirs (the heavier chain is the one \
         with more primary slots)."
    ));
    writeln!(
        page,
        "| share of blocks | all of {DEV_SLOTS} | all of {SLOTS} | safe from | outweighs in {DEV_SLOTS} | in {SLOTS} |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|")?;
    for percent in [5, 10, 20, 33, 45, 50, 55, 67, 90, 99] {
        let share = f64::from(percent) / 100.0;
        let [all_dev, all] = [DEV_SLOTS, SLOTS].map(|slots| chance(share.powf(slots.into())));
        let [outweighs_dev, outweighs] = [DEV_SLOTS, SLOTS].map(|slots| chance(exact::outweighs(share, slots)));
        let safe = safe_from(share);
        writeln!(page, "| {percent} % | {all_dev} | {all} | {safe} blocks | {outweighs_dev} | {outweighs} |")?;
    }
    page.paragraphs(&format!(
        "To keep commitments out of {SLOTS} slots in one tenure of a hundred, by its own blocks alone, takes {:.1} \
         % of them; out of {DEV_SLOTS}, {:.0} %. Ignoring others' blocks takes about half of {SLOTS} slots, and of \
         {DEV_SLOTS} much less. But what has been finalised cannot be ignored, and that takes some seconds as long \
         as two thirds of the validators vote: the coalition must withhold a third of the votes, and finality \
         stops for all to see. So nobody with less than a third keeps out a commitment \
         that comes early in a tenure, and who has half of the blocks for a \
         whole tenure is beyond what this chain, as any of its kind, withstands.",
        100.0 * 0.01f64.powf(1.0 / f64::from(SLOTS)),
        100.0 * 0.01f64.powf(1.0 / f64::from(DEV_SLOTS)),
    ));
    page.paragraphs(
        "What it does to one who commits the same in every tenure, and is kept out of some of every six (exact):",
    );
    writeln!(page, "| kept out of | 0 | 1 | 2 | 3 | 4 |\n|---|---|---|---|---|---|")?;
    write!(page, "| seats a tenure |")?;
    for kept_out in 0..5 {
        let mut bids = [100; 6];
        bids[..kept_out].fill(0);
        write!(page, " {:.4} |", windows::seats_of(&bids))?;
    }
    writeln!(page)?;
    page.paragraphs(&format!(
        "It loses those tenures and spends nothing in them; its later draws suffer from the third on. But in a \
         tenure in which all rivals are kept out, the coalition has a seat for each of its candidates at the minimum \
         commitment: the gain is large, and only the length of the time for commitments stands against it. \
         Development's {DEV_SLOTS} slots are short for that. A worker should commit early in the tenure."
    ));
    let line = |name: String, chance: &dyn Fn(f64) -> f64| {
        let points = (0..=100).map(|percent| (f64::from(percent), chance(f64::from(percent) / 100.0))).collect();
        Line { name, points, dots: Vec::new() }
    };
    let lines = [
        line("makes all of 20 blocks".into(), &|share| share.powi(20)),
        line("makes all of 1,200 blocks".into(), &|share| share.powi(1_200)),
        line("outweighs in 20 slots".into(), &|share| exact::outweighs(share, DEV_SLOTS)),
        line("outweighs in 1,200 slots".into(), &|share| exact::outweighs(share, SLOTS)),
    ];
    let title = "chance to keep a commitment out of a tenure";
    let svg = chart::draw(title, "share of blocks, %", "chance", &lines)?;
    page.show("Chance of censoring", "elections-censoring.svg".into(), svg);
    Ok(())
}

/// A chance as a page has it.
fn chance(chance: f64) -> String {
    if chance < 1e-4 {
        format!("{chance:.0e}")
    } else {
        format!("{chance:.4}")
    }
}

/// Blocks before the end of a tenure of which somebody else makes one, with a chance of one in a million to fail.
fn safe_from(share: f64) -> u32 {
    (1e-6f64.ln() / share.ln()).ceil() as u32
}

/// Candidates of equal weight in the elections that are biased.
const CANDIDATES: u32 = 60;
/// How many of them are the party's: 5, 10, 20 and 33 %.
const MEMBERS: [u32; 4] = [3, 6, 12, 20];
/// Most slots at the end that are played; more in a row are taken for so many.
const MOST_LAST: u32 = 8;

/// What a party makes of the last slots.
struct Biased {
    /// Seats, exact.
    seats: f64,
    /// Deviation of what was played, in standard errors.
    errors: f64,
    /// Blocks that it leaves out for them.
    skipped: f64,
}

/// Plays elections in which the party has the last `last` slots and makes those of its blocks which, mixed into the
/// entropy, bring it the most seats; of equally good choices the one that leaves out the fewest.
fn play(seed: u32, members: u32, last: u32) -> Biased {
    let mut chain = Chain::new(seed);
    let weights = [100 * ASY; CANDIDATES as usize];
    let choices = 1u32 << last;
    let best = |chain: &mut Chain| {
        chain.block();
        let outputs: Vec<_> = (0..last).map(|_| chain.output()).collect();
        let choice = |made: u32| {
            let mixed = outputs.iter().zip(0..).filter(|(_, slot)| made >> slot & 1 == 1);
            let entropy = mixed.fold(chain.entropy, |entropy, (output, _)| mix_entropy(&entropy, Some(output)));
            let drawn = drawn_by(&chain.accumulator_with(&entropy), &weights, SEATS);
            (drawn.into_iter().filter(|winner| *winner < members as usize).count(), made.count_ones())
        };
        (0..choices).map(choice).max().unwrap_or_default()
    };
    let tries: Vec<_> = (0..TENURES >> last).map(|_| best(&mut chain)).collect();
    let (seats, deviation) = exact::best_of(&exact::of_equals(CANDIDATES, members, SEATS), choices as i32);
    // Few tries may not vary at all, so the error is the exact distribution's.
    let played = Mean::of(tries.iter().map(|(seats, _)| *seats as f64)).value;
    let played = Mean { value: played, error: deviation / (tries.len() as f64).sqrt() };
    let skipped = Mean::of(tries.iter().map(|(_, made)| f64::from(last - made))).value;
    Biased { seats, errors: played.errors_from(seats), skipped }
}

/// The mean of `value` over how many of the last slots are a party's that has `share` of all.
fn over_last(share: f64, value: impl Fn(usize) -> f64) -> f64 {
    let chance = |last: u32| share.powi(last as i32) * if last < MOST_LAST { 1.0 - share } else { 1.0 };
    (0..=MOST_LAST).map(|last| chance(last) * value(last as usize)).sum()
}

/// Adds the section on the bias of the last authors to `page`.
///
/// # Errors
/// A picture cannot be drawn, or what was played is not what is exact.
pub fn write_bias(page: &mut Page) -> anyhow::Result<()> {
    let shares = MEMBERS.map(|members| (100 * members / CANDIDATES, f64::from(members) / f64::from(CANDIDATES)));
    let cases: Vec<_> = MEMBERS.iter().flat_map(|members| (0..=MOST_LAST).map(|last| (*members, last))).collect();
    let all = on_all_processors(cases.iter().zip(500..), |((members, last), seed)| play(seed, *members, *last));
    let worst = all.iter().map(|biased| biased.errors).fold(0.0, f64::max);
    check("the last authors", worst)?;
    let parties: Vec<_> = all.chunks(MOST_LAST as usize + 1).collect();
    let gain = |party: &[Biased], share: f64| over_last(share, |last| party[last].seats - party[0].seats);
    let skipped = |party: &[Biased], share: f64| over_last(share, |last| party[last].skipped);

    writeln!(page, "## The last authors' bias\n")?;
    page.paragraphs(&format!(
        "The draw is made by the outputs of all authors of the tenure after the commitments. Nobody can choose \
         an output, but an author may leave its block out. A party that has the last k slots in a row knows what \
         comes of each of 2^k choices, and takes the best. {CANDIDATES} candidates of equal weight, some of them \
         the party's. Seats of a tenure by k, exact; in brackets the blocks left out for them, played:"
    ));
    write!(page, "| weight |")?;
    (0..=MOST_LAST).try_for_each(|last| write!(page, " k = {last} |"))?;
    writeln!(page, "\n|---|{}", "---|".repeat(MOST_LAST as usize + 1))?;
    for ((percent, _), party) in shares.iter().zip(&parties) {
        write!(page, "| {percent} % |")?;
        party.iter().try_for_each(|biased| write!(page, " {:.2} ({:.1}) |", biased.seats, biased.skipped))?;
        writeln!(page)?;
    }
    page.paragraphs(&format!(
        "Played, these are off by {worst:.1} standard errors at most. How many of the last slots are a party's \
         is chance: k or more are with its share of blocks to the power of k. Seats gained in a tenure on \
         average, by its share of blocks:"
    ));
    write!(page, "| weight |")?;
    shares.iter().try_for_each(|(percent, _)| write!(page, " {percent} % of blocks |"))?;
    writeln!(
        page,
        " of what its seats and no other place make | and with the whole committee |\n|---|---|---|---|---|---|---|"
    )?;
    let mut lines = Vec::new();
    let mut settled_at = Vec::new();
    for ((percent, _), party) in shares.iter().zip(&parties) {
        write!(page, "| {percent} % |")?;
        for (_, share) in shares {
            write!(page, " {:.3} |", gain(party, share))?;
        }
        for places in [0.0, 5.0] {
            let share = settled(places, party[0].seats, |share| gain(party, share));
            let gained = gain(party, share);
            let more = 100.0 * gained / party[0].seats;
            write!(page, " {gained:.3}, {more:+.1} % ({:.1} % of blocks) |", 100.0 * share)?;
            settled_at.push((share, gained));
        }
        writeln!(page)?;
        let points = (0..=50).map(|percent| (f64::from(percent), gain(party, f64::from(percent) / 100.0))).collect();
        lines.push(Line { name: format!("{percent} % of the weight"), points, dots: Vec::new() });
    }
    let (share, gained) = settled_at[settled_at.len() - 2];
    let third = parties[parties.len() - 1];
    let cost = skipped(third, share);
    page.paragraphs(&format!(
        "The last two columns let a party's blocks follow from what it gains: its places and seats among \
         {VALIDATORS} validators are its share of blocks.\n\n **It pays.** A party with a third of the weight and \
         no place on the committee gains {gained:.2} seats a tenure for {cost:.2} blocks left out. A seat makes \
         {:.0} blocks, {:.1} ASY of the authors' part at first; a block left out costs {:.3} ASY. The gain is a \
         twentieth of its seats, with the whole committee a fifth at most, and it does not feed itself up: the \
         seats that are gained hardly raise the share of blocks that gains them. Each slot more takes another \
         factor of that share, while the best of twice as many choices is ever less better.\n\n In one respect \
         these numbers are upper bounds: where a primary author stays away, a secondary one makes the block, which \
         may be anybody. They leave out what needs a fork: a party with a primary slot just after others' \
         secondary ones can outweigh their blocks while these are not final, some seconds, and so has a choice \
         more. What would close it is randomness that no last author knows before it acts: a threshold signature \
         of the validators, or a delay function. The chain has neither.",
        seat_blocks(),
        seat_blocks() * author_reward(),
        author_reward(),
    ));
    let title = "seats gained by leaving out last blocks";
    let svg = chart::draw(title, "share of blocks, %", "seats a tenure", &lines)?;
    page.show("Bias of the last authors", "elections-bias.svg".into(), svg);
    Ok(())
}

/// The share of blocks at which a party rests that has `places` beside its `seats` and what it gains of its share.
fn settled(places: f64, seats: f64, gain: impl Fn(f64) -> f64) -> f64 {
    (0..100).fold(0.0, |share, _| (places + seats + gain(share)) / f64::from(VALIDATORS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_gains_and_leaves_blocks_out() {
        let played = [0, 1, 4].map(|last| play(last, 12, last));
        assert!(played.iter().all(|biased| biased.errors < super::super::MOST_ERRORS));
        assert!((played[0].seats - 3.2).abs() < 1e-9 && played[0].skipped == 0.0);
        assert!(played[1].seats > 3.7 && played[1].seats < 4.0, "{}", played[1].seats);
        assert!(played[2].skipped > 1.0 && played[2].skipped < 2.5, "{}", played[2].skipped);
    }

    #[test]
    fn the_last_slots_are_all_accounted_for() {
        for share in [0.0, 0.05, 0.5, 1.0] {
            assert!((over_last(share, |_| 1.0) - 1.0).abs() < 1e-12);
        }
        assert!((over_last(0.5, |last| last as f64) - 1.0).abs() < 0.01);
    }

    #[test]
    fn a_commitment_is_safe_some_blocks_before_the_end() {
        assert_eq!((safe_from(0.1), safe_from(0.5)), (6, 20));
        assert!(0.33f64.powi(safe_from(0.33) as i32) < 1e-6);
    }

    #[test]
    fn a_party_rests_where_its_blocks_are_those_of_its_seats() {
        let share = settled(0.0, 4.0, |share| share);
        assert!((share - (4.0 + share) / 21.0).abs() < 1e-12);
    }
}
