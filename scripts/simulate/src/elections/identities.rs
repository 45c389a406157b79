//! What a party gains that splits its tokens over several candidates.

use super::{author_reward, check, on_all_processors, seat_blocks, seats_of, SEATS};
use crate::{
    chart::{self, Line},
    page::Page,
};
use assay_types::ASY;
use std::fmt::Write;

/// Candidates beside the party's, of equal weight.
const RIVALS: usize = 64;
/// Tenures of production in a day.
const TENURES_PER_DAY: f64 = 24.0;
/// Tokens of the party, in percent of all that is committed.
const SHARES: [f64; 5] = [2.0, 5.0, 10.0, 20.0, 33.0];
/// Over how many candidates it splits them.
const SPLITS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Weights of a tenure to which `share` percent come from a party of `members`, the party's first.
pub fn weights(share: f64, members: usize) -> Vec<u128> {
    let all = 10_000 * ASY;
    let party = (all as f64 * share / 100.0) as u128;
    let mut weights = vec![party / members as u128; members];
    weights.resize(members + RIVALS, (all - party) / RIVALS as u128);
    weights
}

/// Adds the section to `page`.
///
/// # Errors
/// A picture cannot be drawn, or what was played is not what is exact.
pub fn write(page: &mut Page) -> anyhow::Result<()> {
    writeln!(page, "## Splitting oneself\n")?;
    page.paragraphs(&format!(
        "A party splits the same tokens over several candidates, against {RIVALS} candidates who share the rest \
         equally. Seats of a tenure on average, exact; in brackets against the party's part of the tokens, \
         {SEATS} times its share."
    ));
    write!(page, "| share of the tokens |")?;
    SPLITS.iter().try_for_each(|members| write!(page, " {members} |"))?;
    writeln!(page, "\n|---|{}", "---|".repeat(SPLITS.len()))?;
    let cases: Vec<_> = SHARES.iter().flat_map(|share| SPLITS.map(|members| (*share, members))).collect();
    let all =
        on_all_processors(cases.iter().zip(100..), |(case, seed)| seats_of(seed, &weights(case.0, case.1), case.1));
    let mut worst = 0f64;
    let mut lines = Vec::new();
    for (share, row) in SHARES.iter().zip(all.chunks(SPLITS.len())) {
        write!(page, "| {share} % |")?;
        let fair = f64::from(SEATS) * share / 100.0;
        for (played, exact) in row {
            worst = worst.max(played.errors_from(*exact));
            write!(page, " {exact:.2} ({:.2}) |", exact / fair)?;
        }
        writeln!(page)?;
        let at = |value: fn(&(super::Mean, f64)) -> f64| {
            SPLITS.iter().zip(row).map(|(members, seats)| (*members as f64, value(seats))).collect()
        };
        lines.push(Line { name: format!("{share} %"), points: at(|seats| seats.1), dots: at(|seats| seats.0.value) });
    }
    check("splitting", worst)?;
    let earned = seat_blocks() * author_reward() * TENURES_PER_DAY;
    page.paragraphs(&format!(
        "Played, these are off by {worst:.1} standard errors at most.\n\n One candidate has one seat at most, so \
         whoever has more than a sixteenth of the tokens must split to have its part. That pays until each of its \
         candidates weighs less than its rivals; more splitting adds little. It takes an eighth above the part of \
         the tokens at most, and that surplus comes of the rivals' size: large candidates, once drawn, drop out \
         with all their weight. Every candidate more costs a seat bond (100 ASY in production, held and not \
         spent), the minimum commitment in three tenures of six, accepted work of its own in the last six tenures, \
         and a validator that makes blocks: who is drawn and absent is out. The bond is no obstacle: at first a \
         seat earns {earned:.0} ASY of the authors' part in a day.\n\n So splitting **pays as far as proportion \
         and hardly further**: seats follow tokens, not names. A cap of one seat a party would need proof of who \
         is behind a key, which the chain does not have."
    ));
    let svg = chart::draw("seats of a party by how it splits its tokens", "candidates of the party", "seats", &lines)?;
    page.show("Seats by number of identities", "elections-splitting.svg".into(), svg);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elections::exact;

    fn seats(share: f64, members: usize) -> f64 {
        let weights: Vec<_> = weights(share, members).into_iter().map(|weight| weight as f64).collect();
        exact::by_race(&weights, SEATS as usize)[..members].iter().sum()
    }

    #[test]
    fn splitting_buys_proportion_and_little_more() {
        for share in SHARES {
            let fair = f64::from(SEATS) * share / 100.0;
            assert!(seats(share, 1) <= fair.min(1.0));
            let splits = SPLITS.map(|members| seats(share, members));
            assert!(splits.windows(2).all(|pair| pair[0] < pair[1]), "{share} %: {splits:?}");
            assert!(splits[SPLITS.len() - 1] < 1.2 * fair, "{share} %: {splits:?}");
        }
    }

    #[test]
    fn all_tokens_are_somebodys() {
        let weights = weights(20.0, 16);
        assert_eq!((weights.len(), weights.iter().sum::<u128>()), (80, 10_000 * ASY));
        assert_eq!(weights[..16].iter().sum::<u128>(), 2_000 * ASY);
    }
}
