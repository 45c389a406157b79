//! The verdict, as pure data: who wins, who loses, and where the losers' stakes go.

use crate::types::{Dispute, Tally};
use assay_math::fixed::mul_div;
use assay_traits::Verdict;
use assay_types::{Balance, ResultId};

/// What is done with the pledge of a party.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It is free again.
    Free,
    /// A dispute that came to nothing is charged to it.
    Charged,
    /// It is lost.
    Lost,
}

/// What is done with a ballot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BallotFate {
    /// Its stake goes back, and its voter has a part in the reward.
    Won,
    /// Its stake goes back.
    Returned,
    /// Its stake is lost.
    Lost,
}

/// Everything that follows from the ballots of a dispute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Judgement {
    pub verdict: Verdict,
    /// The result whose voters win.
    pub winner: Option<ResultId>,
    /// The weight of these voters.
    pub winners: Balance,
    pub solver: Fate,
    pub contester: Fate,
    /// Stakes of ballots that are lost.
    pub lost_stakes: Balance,
}

impl<AccountId> Dispute<AccountId> {
    /// Whether enough has been opened for a verdict.
    pub(crate) fn has_quorum(&self) -> bool {
        let heavier = self.solver_weight.max(self.contester_weight);
        self.votes.opened >= self.quorum.ballots
            && self.votes.opened_weight >= heavier.saturating_mul(self.quorum.weight.into())
    }

    /// Judges by what was opened for the solution's result and for the heaviest other.
    ///
    /// The solution falls only when the other outweighs it. A party that did not win loses its stake; so does, whatever
    /// the verdict, a contester who never opened its result or had none of its own: else contests that only hinder would
    /// be free.
    pub(crate) fn judge(&self, solution: &Tally, leader: &Tally) -> Judgement {
        let unopened = self.votes.staked.saturating_sub(self.votes.opened_stake);
        if !self.has_quorum() {
            // A contester who showed no result, or that of the solution, had no ground: the solver pays nothing then.
            let (solver, contester) = match self.contester_result {
                Some(result) if self.solution_result != Some(result) => (Fate::Charged, Fate::Charged),
                _ => (Fate::Free, Fate::Lost),
            };
            let verdict = Verdict::Inconclusive;
            return Judgement { verdict, winner: None, winners: 0, solver, contester, lost_stakes: unopened };
        }
        if leader.weight > solution.weight {
            let contester_won = self.contester_result.is_some() && self.contester_result == self.leader;
            return Judgement {
                verdict: Verdict::Falls,
                winner: self.leader,
                winners: leader.voters,
                solver: Fate::Lost,
                contester: if contester_won { Fate::Free } else { Fate::Lost },
                lost_stakes: unopened.saturating_add(solution.stakes),
            };
        }
        Judgement {
            verdict: Verdict::Stands,
            winner: self.solution_result,
            winners: solution.voters,
            solver: Fate::Free,
            contester: Fate::Lost,
            lost_stakes: self.votes.staked.saturating_sub(solution.stakes),
        }
    }

    /// What becomes of a ballot for `result`, or of one that was never opened, once the dispute is settled.
    pub(crate) fn ballot_fate(
        &self,
        verdict: Verdict,
        winner: Option<ResultId>,
        result: Option<ResultId>,
    ) -> BallotFate {
        match (verdict, result) {
            (_, None) => BallotFate::Lost,
            (Verdict::Inconclusive, Some(_)) => BallotFate::Returned,
            (_, result) if result == winner => BallotFate::Won,
            // Where the solution falls, a third result has neither won nor lost.
            (Verdict::Falls, result) if result != self.solution_result => BallotFate::Returned,
            _ => BallotFate::Lost,
        }
    }
}

/// The part of `reward` that a voter of `weight` gets of all winners' `winners`, rounded down.
pub(crate) fn reward_share(reward: Balance, weight: Balance, winners: Balance) -> Balance {
    if winners == 0 {
        return 0;
    }
    mul_div(reward, weight, winners).min(reward)
}
