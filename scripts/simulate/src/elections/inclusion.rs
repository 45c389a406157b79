//! How often candidates are drawn, against their exact chances.

use super::{check, exact, on_all_processors, Chain, SEATS, TENURES};
use crate::{
    chart::{self, Line},
    page::{thousands, Page},
};
use assay_types::ASY;
use std::fmt::Write;

/// Candidates of an election.
const CANDIDATES: u32 = 64;

/// Weights that candidates have.
struct Field {
    name: &'static str,
    seats: u32,
    weights: Vec<u128>,
}

/// Fields of candidates; their exact chances by subsets where there are few, else by the race.
fn fields() -> Vec<Field> {
    let many =
        |name, weight: fn(u32) -> u128| Field { name, seats: SEATS, weights: (1..=CANDIDATES).map(weight).collect() };
    vec![
        many("equal", |_| 100 * ASY),
        many("as 65 - i", |i| u128::from(CANDIDATES + 1 - i) * ASY),
        many("as 1/i", |i| 1_000 * ASY / u128::from(i)),
        many("as i^-1.5", |i| (ASY * ASY / u128::from(i).pow(3)).isqrt()),
        many("two have half", |i| if i <= 2 { 3_100 * ASY } else { 100 * ASY }),
        Field { name: "as 2^-i", seats: 5, weights: (0..12).map(|i| ASY >> i).collect() },
        Field { name: "one in 10,000", seats: 3, weights: vec![30_000, 30_000, 20_000, 10_000, 9_990, 10] },
    ]
}

/// What came of a field.
struct Played {
    /// How often each was drawn, of 1.
    frequencies: Vec<f64>,
    /// Each one's chance.
    chances: Vec<f64>,
    /// The largest deviation of a frequency, in standard errors.
    errors: f64,
    /// Chi-square of who was drawn first, whose chances are just the weights: in standard errors of its cube root,
    /// which is nearly normal (Wilson and Hilferty).
    first: f64,
}

fn play(seed: u32, field: &Field) -> Played {
    let mut chain = Chain::new(seed);
    let (mut drawn, mut first) = (vec![0u32; field.weights.len()], vec![0u32; field.weights.len()]);
    for _ in 0..TENURES {
        let seats = chain.tenure(&field.weights, field.seats);
        first[seats[0]] += 1;
        seats.into_iter().for_each(|winner| drawn[winner] += 1);
    }
    let tenures = f64::from(TENURES);
    let weights: Vec<_> = field.weights.iter().map(|weight| *weight as f64).collect();
    let by = if weights.len() > 16 { exact::by_race } else { exact::by_subsets };
    let chances = by(&weights, field.seats as usize);
    let frequencies: Vec<_> = drawn.iter().map(|count| f64::from(*count) / tenures).collect();
    let error =
        |(frequency, chance): (&f64, &f64)| (frequency - chance).abs() / (chance * (1.0 - chance) / tenures).sqrt();
    let errors = frequencies.iter().zip(&chances).map(error).fold(0.0, f64::max);
    let total: f64 = weights.iter().sum();
    let square = |(count, weight): (&u32, &f64)| {
        let expected = tenures * weight / total;
        (f64::from(*count) - expected).powi(2) / expected
    };
    let chi_square: f64 = first.iter().zip(&weights).map(square).sum();
    let freedom = (weights.len() - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    let first = ((chi_square / freedom).cbrt() - (1.0 - spread)) / spread.sqrt();
    Played { frequencies, chances, errors, first }
}

/// Adds the section to `page`.
///
/// # Errors
/// A picture cannot be drawn, or what was played is not what is exact.
pub fn write(page: &mut Page) -> anyhow::Result<()> {
    writeln!(page, "## How often each is drawn\n")?;
    page.paragraphs(&format!(
        "{} tenures of each field of candidates. Deviations are the largest among the candidates, in standard \
         errors. Who is drawn first is drawn by weight alone: the chi-square of its counts, as a number that is \
         normal with mean 0 and deviation 1 if the draw is fair.",
        thousands(TENURES.into())
    ));
    writeln!(
        page,
        "| weights | candidates | seats | heaviest: exact, played | lightest: exact, played | deviation | first drawn |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|")?;
    let fields = fields();
    let mut lines = Vec::new();
    let all = on_all_processors(fields.iter().zip(0..), |(field, seed)| play(seed, field));
    for (Field { name, seats, weights }, Played { frequencies, chances, errors, first }) in fields.iter().zip(all) {
        check(name, errors)?;
        check(name, first.abs())?;
        let last = weights.len() - 1;
        writeln!(
            page,
            "| {name} | {} | {seats} | {:.4}, {:.4} | {:.4}, {:.4} | {errors:.2} | {first:.2} |",
            weights.len(),
            chances[0],
            frequencies[0],
            chances[last],
            frequencies[last],
        )?;
        if weights.len() == CANDIDATES as usize {
            let points = |values: Vec<f64>| (1..).map(f64::from).zip(values).collect();
            lines.push(Line { name: name.to_string(), points: points(chances), dots: points(frequencies) });
        }
    }
    page.paragraphs("Draws are fair to the accuracy that so many tenures give. Lines are exact, dots played:");
    let title = "chance of a seat (lines: exact, dots: played)";
    let svg = chart::draw(title, "candidate, the heaviest first", "chance", &lines)?;
    page.show("Chances of a seat", "elections-inclusion.svg".into(), svg);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_that_were_not_fair_would_be_noticed() {
        let field = &fields()[0];
        let Played { frequencies, chances, errors, first } = play(0, field);
        assert!(errors < super::super::MOST_ERRORS && first.abs() < super::super::MOST_ERRORS);
        assert!(frequencies.iter().zip(&chances).all(|(frequency, chance)| (frequency - chance).abs() < 0.02));
        // One candidate in 64 that weighs a tenth more than its chance is computed by.
        let mut chain = Chain::new(0);
        let mut skewed = field.weights.clone();
        skewed[7] += skewed[7] / 10;
        let drawn = (0..TENURES).filter(|_| chain.tenure(&skewed, SEATS).contains(&7)).count() as f64;
        let (tenures, chance) = (f64::from(TENURES), chances[7]);
        let errors = (drawn / tenures - chance).abs() / (chance * (1.0 - chance) / tenures).sqrt();
        assert!(errors > super::super::MOST_ERRORS, "{errors}");
    }
}
