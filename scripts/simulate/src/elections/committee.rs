//! What a party gains to whom committee members belong: their part of its commitments comes back.

use super::{check, identities, on_all_processors, seats_of, SEATS};
use crate::{
    chart::{self, Line},
    page::Page,
};
use std::fmt::Write;

/// Members of a committee in production; with equal stake each gets a fifth of the half that is not burned.
const COMMITTEE: u32 = 5;
/// What the party's net spending would be of all commitments if nothing came back, in percent.
const SHARES: [u32; 3] = [5, 10, 33];
/// Candidates of the party: enough to take its part of the seats.
const MEMBERS: usize = 32;

/// The party's part of all commitments. Its rivals commit what `share` leaves; it commits so much that `share` is its
/// net spending, for of its own commitments the rebate of `places` members returns. With `earnings` it also commits
/// what these members get of its rivals' commitments.
fn part(share: f64, places: u32, earnings: bool) -> f64 {
    let returned = f64::from(places) / f64::from(2 * COMMITTEE);
    let rivals = 1.0 - share;
    let spent = if earnings { share + returned * rivals } else { share };
    let committed = spent / (1.0 - returned);
    committed / (committed + rivals)
}

/// Adds the section to `page`.
///
/// # Errors
/// A picture cannot be drawn, or what was played is not what is exact.
pub fn write(page: &mut Page) -> anyhow::Result<()> {
    writeln!(page, "## Being allied with the committee\n")?;
    page.paragraphs(&format!(
        "Half of each commitment goes to the committee by stake. A party to which some of its {COMMITTEE} \
         members belong, of equal stake, gets their part of its own commitments back, and can commit more for \
         the same spending. Seats of a tenure, exact, of a party with {MEMBERS} candidates whose spending would \
         be 5, 10 or 33 % of all commitments without allies."
    ));
    writeln!(
        page,
        "| members allied | price of 1 ASY committed | 5 % | 10 % | 33 % | part of the weight for nothing |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|")?;
    let cases: Vec<_> = (0..=COMMITTEE).flat_map(|places| SHARES.map(|share| (places, share))).collect();
    let all = on_all_processors(cases.iter().zip(400..), |((places, share), seed)| {
        let percent = 100.0 * part(f64::from(*share) / 100.0, *places, false);
        seats_of(seed, &identities::weights(percent, MEMBERS), MEMBERS)
    });
    let mut worst = 0f64;
    let mut lines: Vec<_> =
        SHARES.iter().map(|share| Line { name: format!("{share} %"), points: Vec::new(), dots: Vec::new() }).collect();
    for (places, row) in (0..=COMMITTEE).zip(all.chunks(SHARES.len())) {
        let price = 1.0 - f64::from(places) / f64::from(2 * COMMITTEE);
        write!(page, "| {places} | {price:.2} |")?;
        for (line, (played, exact)) in lines.iter_mut().zip(row) {
            worst = worst.max(played.errors_from(*exact));
            line.points.push((places.into(), *exact));
            line.dots.push((places.into(), played.value));
            write!(page, " {exact:.2} |")?;
        }
        writeln!(page, " {:.0} % |", 100.0 * part(0.0, places, true))?;
    }
    check("the committee's allies", worst)?;
    page.paragraphs(&format!(
        "Played, these are off by {worst:.1} standard errors at most.\n\n The rebate makes commitments cheaper, \
         never free: the burned half is lost even to a party that has the whole committee. **It pays, and so do \
         the places themselves**: the last column is the part of all weight of a party that commits no token of \
         its own, only what its members earn of everybody's commitments. Each member pays for a tenth of the \
         weight, some {:.1} of the {SEATS} seats; all five together for half of them, beside their own five \
         places. That nobody is both a candidate and on the committee does not hinder it, for its owner has other \
         accounts.\n\n What limits it is that places go to the most stake: whoever is displaced loses both, and \
         stake that earns a tenth of all commitments is bid for. Burning more closes it further: with three \
         quarters burned, each member pays for a twentieth of the weight.",
        f64::from(SEATS) / 10.0
    ));
    let svg = chart::draw("seats for the same spending", "members of the committee allied", "seats", &lines)?;
    page.show("Seats by allies on the committee", "elections-committee.svg".into(), svg);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rebate_raises_a_part_and_is_never_free() {
        assert_eq!(part(0.1, 0, false), 0.1);
        assert_eq!(part(0.0, COMMITTEE, false), 0.0);
        let parts: Vec<_> = (0..=COMMITTEE).map(|places| part(0.1, places, false)).collect();
        assert!(parts.windows(2).all(|pair| pair[0] < pair[1]));
        // Twice its tokens against the rivals' nine tenths.
        assert!((parts[5] - 0.2 / 1.1).abs() < 1e-12);
    }

    #[test]
    fn each_member_pays_for_a_tenth_of_the_weight() {
        for places in 0..=COMMITTEE {
            assert!((part(0.0, places, true) - f64::from(places) / 10.0).abs() < 1e-12);
        }
    }
}
