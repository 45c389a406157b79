//! Chances of being drawn, computed rather than played: successive draws in proportion to weights, without replacement.

/// Chance of each candidate to be among the `seats` drawn. Takes the sum over all subsets, so there should be no more
/// than some twenty candidates.
pub fn by_subsets(weights: &[f64], seats: usize) -> Vec<f64> {
    let seats = seats.min(weights.iter().filter(|weight| **weight > 0.0).count());
    // The chance that just these have been drawn, in whatever order.
    let mut reached = vec![0.0; 1 << weights.len()];
    reached[0] = 1.0;
    let mut inclusion = vec![0.0; weights.len()];
    for drawn in 0..reached.len() {
        let members = (0..weights.len()).filter(|i| drawn >> i & 1 == 1);
        if drawn.count_ones() as usize == seats {
            members.for_each(|i| inclusion[i] += reached[drawn]);
        } else if reached[drawn] > 0.0 {
            let others = || (0..weights.len()).filter(|i| drawn >> i & 1 == 0);
            let left: f64 = others().map(|i| weights[i]).sum();
            others().for_each(|i| reached[drawn | 1 << i] += reached[drawn] * weights[i] / left);
        }
    }
    inclusion
}

/// Chance of each candidate to be among the `seats` drawn, for any number of candidates, to some ten digits.
///
/// Successive draws are a race: where candidate i comes after a time with an exponential distribution of rate
/// `weights[i]`, the first to come is i with a chance in proportion to its weight, and so is the next among the rest.
/// So i is drawn if fewer than `seats` others have come before it: an integral over its time, of the distribution of a
/// sum of independent events. Candidates of one weight, side by side, are computed once.
pub fn by_race(weights: &[f64], seats: usize) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let rates: Vec<_> = weights.iter().map(|weight| weight * weights.len() as f64 / total).collect();
    let mut inclusion = Vec::with_capacity(rates.len());
    for (i, rate) in rates.iter().enumerate() {
        let chance = match i.checked_sub(1).filter(|before| rates[*before] == *rate) {
            Some(before) => inclusion[before],
            None => race(&rates, i, seats),
        };
        inclusion.push(chance);
    }
    inclusion
}

/// Steps of the integral per unit of its variable.
const STEPS: i32 = 32;

/// The integral of [`by_race`] for candidate `i`, by the trapezoidal rule after the substitution t = exp(y - exp(-y)),
/// under which the integrand vanishes fast at both ends.
fn race(rates: &[f64], i: usize, seats: usize) -> f64 {
    let mut sum = 0.0;
    let mut come = vec![0.0; seats];
    for step in -5 * STEPS..=20 * STEPS {
        let y = f64::from(step) / f64::from(STEPS);
        let t = (y - (-y).exp()).exp();
        let slope = t * (1.0 + (-y).exp());
        // The chances that 0, 1, ... of the others have come by t.
        come.fill(0.0);
        come[0] = 1.0;
        for (_, rate) in rates.iter().enumerate().filter(|(other, _)| *other != i) {
            let absent = (-rate * t).exp();
            for count in (1..seats).rev() {
                come[count] = come[count] * absent + come[count - 1] * (1.0 - absent);
            }
            come[0] *= absent;
        }
        sum += rates[i] * (-rates[i] * t).exp() * come.iter().sum::<f64>() * slope;
    }
    sum / f64::from(STEPS)
}

/// Chances that 0, 1, ... of `members` are among the `seats` drawn of `candidates` that weigh the same.
pub fn of_equals(candidates: u32, members: u32, seats: u32) -> Vec<f64> {
    let choose = |n: u32, k: u32| (0..k).fold(1.0, |all, i| all * f64::from(n - i) / f64::from(i + 1));
    let others = candidates - members;
    let chance = |count: u32| match seats - count <= others {
        true => choose(members, count) * choose(others, seats - count) / choose(candidates, seats),
        false => 0.0,
    };
    (0..=members.min(seats)).map(chance).collect()
}

/// Mean and standard deviation of the largest of `tries` independent numbers, each 0, 1, ... with `chances`.
pub fn best_of(chances: &[f64], tries: i32) -> (f64, f64) {
    let (mut below, mut mean, mut square) = (0.0, 0.0, 0.0);
    // Both are sums over all counts, of the chance that the largest is above it.
    for (count, chance) in chances.iter().enumerate() {
        below += chance;
        let above = 1.0 - f64::min(below, 1.0).powi(tries);
        mean += above;
        square += above * (2 * count + 1) as f64;
    }
    (mean, (square - mean * mean).max(0.0).sqrt())
}

/// Chance of the heavier chain: that a coalition which makes `share` of the blocks has as many primary slots as the
/// others in `slots` slots or more, where a slot has a primary author in one case of four.
pub fn outweighs(share: f64, slots: u32) -> f64 {
    let primary = |share: f64| 1.0 - 0.75f64.powf(share);
    let (ours, theirs) = (primary(share), primary(1.0 - share));
    let (up, down) = (ours * (1.0 - theirs), theirs * (1.0 - ours));
    let middle = slots as usize + 1;
    // The distribution of the lead, a random walk; zero is in the middle.
    let mut lead = vec![0.0; 2 * middle + 1];
    lead[middle] = 1.0;
    for _ in 0..slots {
        let before = lead.clone();
        for at in 1..2 * middle {
            lead[at] = before[at] * (1.0 - up - down) + before[at - 1] * up + before[at + 1] * down;
        }
    }
    lead[middle..].iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} against {b}");
    }

    #[test]
    fn two_of_three_by_hand() {
        // 1/6 + 2/6 x 1/4 + 3/6 x 1/3, and so on.
        let inclusion = by_subsets(&[1.0, 2.0, 3.0], 2);
        for (chance, by_hand) in inclusion.into_iter().zip([5.0 / 12.0, 11.0 / 15.0, 51.0 / 60.0]) {
            close(chance, by_hand);
        }
    }

    #[test]
    fn both_ways_agree() {
        for (weights, seats) in [
            (vec![1.0; 16], 6),
            (vec![1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 89.0, 144.0, 233.0], 5),
            (vec![1e-6, 1.0, 1.0, 1e6], 2),
            ((1..=16).map(|i| f64::from(i).powi(-2)).collect(), 6),
        ] {
            let (subsets, race) = (by_subsets(&weights, seats), by_race(&weights, seats));
            subsets.iter().zip(&race).for_each(|(a, b)| close(*a, *b));
            close(race.iter().sum(), seats as f64);
        }
    }

    #[test]
    fn all_are_drawn_where_there_are_seats_for_all_that_weigh() {
        assert_eq!(by_subsets(&[1.0, 0.0, 2.0], 3), [1.0, 0.0, 1.0]);
    }

    #[test]
    fn equals_are_drawn_by_the_hypergeometric_distribution() {
        close(of_equals(4, 2, 2)[0], 1.0 / 6.0);
        close(of_equals(4, 2, 2)[1], 4.0 / 6.0);
        close(of_equals(60, 12, 16).iter().sum(), 1.0);
        close(of_equals(5, 4, 3)[1], 0.0);
        close(best_of(&of_equals(60, 12, 16), 1).0, 3.2);
        close(best_of(&[0.5, 0.5], 2).0, 0.75);
        close(best_of(&[0.5, 0.5], 2).1, 0.75f64.sqrt() / 2.0);
        close(best_of(&[0.5, 0.0, 0.5], 1).1, 1.0);
    }

    #[test]
    fn half_of_the_authors_outweigh_the_other_half_as_often_as_not() {
        let even = outweighs(0.5, 1_200);
        assert!(even > 0.5 && even < 0.52, "{even}");
        close(outweighs(0.3, 0), 1.0);
        assert!(outweighs(0.6, 1_200) > 0.999 && outweighs(0.4, 1_200) < 0.001);
    }
}
