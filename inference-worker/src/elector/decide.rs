//! What to do next to be elected: a pure function of what this worker recorded and what the chain shows.
//!
//! Nothing here waits, sends or writes. The executor calls it at every best block, so it must give a sound answer for every
//! combination of record and chain: after a kill at any moment, after a re-org, and whatever governance or others did.

use assay_types::{
    election::{Randomness, VrfKey},
    Balance, BlockNumber, Hash, Tenure,
};
use thiserror::Error;

/// Blocks after which a commitment that was sent before a restart, and is not on chain, is sent again.
const RESEND: BlockNumber = 4;
/// Blocks of a tenure that must be left for a commitment to reach one of them.
const LEFT: BlockNumber = 2;

/// The rules of elections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What is held of a candidate, and of one who stands, in units of ASY.
    pub seat_bond: Balance,
    /// Least commitment, in units of ASY.
    pub minimum_commit: Balance,
    /// Tenures from the registration of keys to the first commitment with them.
    pub wait: Tenure,
    /// Tenures from the commitments to the draw.
    pub draw_delay: Tenure,
    /// Tenures from the commitments to the seats' service.
    pub service_delay: Tenure,
}

/// A candidate at some block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidateView {
    /// The key of its function.
    pub vrf_key: VrfKey,
    /// Hash of the session keys that it registered.
    pub keys: Hash,
    /// Tenure in which it registered these keys, or in which it resumed.
    pub since: Tenure,
    /// Whether it is out until it resumes.
    pub chilled: bool,
}

/// Session keys, by the hash that elections know them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysView {
    /// The hash.
    pub hash: Hash,
    /// Whether the node has their secrets.
    pub at_node: bool,
}

/// Everything that matters for one account, at one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainView {
    /// Height of the block.
    pub block: BlockNumber,
    /// The present tenure.
    pub tenure: Tenure,
    /// First block of the tenure.
    pub began: BlockNumber,
    /// Blocks of a tenure, if none is missed.
    pub length: BlockNumber,
    /// What the outputs of this tenure's commitments are over.
    pub accumulator: Randomness,
    /// The rules.
    pub terms: Terms,
    /// The account's candidacy.
    pub candidate: Option<CandidateView>,
    /// Whether it stands for the committee.
    pub stands: bool,
    /// Whether it is on the committee of this tenure.
    pub on_committee: bool,
    /// The session keys that it has set.
    pub keys: Option<KeysView>,
    /// Whether it has committed in this tenure.
    pub committed: bool,
    /// What is held of it as seat bond, in units of ASY.
    pub bond: Balance,
    /// What it has beside that and can spend, in units of ASY.
    pub free: Balance,
}

/// How much is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bid {
    /// Always the same, in units of ASY.
    Fixed(Balance),
    /// A share of what can be spent.
    Share {
        /// The share, in thousandths.
        thousandths: u32,
        /// At least so much, in units of ASY.
        floor: Balance,
        /// At most so much, in units of ASY.
        cap: Balance,
    },
}

/// As what the account takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// As a candidate for seats.
    Candidate(Bid),
    /// As one who stands for the committee.
    Committee,
}

/// What the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// As what.
    pub part: Part,
    /// What is left in the account, in units of ASY: for fees, and whatever else the account does.
    pub reserve: Balance,
    /// Whether to come back after being put out.
    pub resume: bool,
    /// Tenures after which the node makes new session keys.
    pub rotate_every: Option<Tenure>,
}

/// What this worker recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key of the account's function.
    pub vrf_key: VrfKey,
    /// The session keys that the node made last, and in which tenure.
    pub made: Option<(KeysView, Tenure)>,
    /// The last tenure for which a commitment was sent, and in which block that was.
    pub sent: Option<(Tenure, BlockNumber)>,
    /// Whether the account was seen to stand for the committee.
    pub stood: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing at this block.
    Wait(Waiting),
    /// Have the node make session keys.
    MakeKeys,
    /// Set the session keys that the node made.
    SetKeys,
    /// Become a candidate with the keys that are set, or register them anew, or fill the seat bond up.
    Register,
    /// Commit so much.
    Commit(Balance),
    /// End being out.
    Resume,
    /// Stand for the committee, or fill the seat bond up.
    Stand,
}

/// Why nothing is done at a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Waiting {
    /// The tenure's commitment is made.
    #[error("committed to this tenure's election")]
    Committed,
    /// The tenure's commitment was sent before a restart.
    #[error("this tenure's commitment was sent already")]
    Sent,
    /// The tenure has only just begun.
    #[error("waiting for the second block of the tenure")]
    Begun,
    /// The tenure is over before a commitment could be in it.
    #[error("this tenure is nearly over; the next commitment is in the next one")]
    Late,
    /// The keys were registered too lately.
    #[error("the keys were registered lately; the first commitment is in tenure {0}")]
    Early(Tenure),
    /// The account has too little.
    #[error("too little to spend: {needed} units of ASY are needed beside the reserve, {there} are there")]
    Poor {
        /// What is needed, in units of ASY.
        needed: Balance,
        /// What there is, in units of ASY.
        there: Balance,
    },
    /// The account is on the committee, and cannot commit.
    #[error("on the committee of this tenure: nothing can be committed")]
    OnCommittee,
    /// The account is out.
    #[error("put out for an offence or absence; start with --resume to come back")]
    Chilled,
    /// The account stood, and does not any more.
    #[error("no longer standing for the committee: displaced, or put out; start with --resume to stand again")]
    Unseated,
    /// It stands as it should.
    #[error("standing for the committee")]
    Standing,
    /// It stands, and should be a candidate.
    #[error(
        "the account stands for the committee and cannot be a candidate: `election leave` ends that, or --committee"
    )]
    StandsForCommittee,
    /// It is a candidate, and should stand.
    #[error("the account is a candidate and cannot stand for the committee: `election leave` ends that")]
    IsCandidate,
}

impl Waiting {
    /// Whether somebody should look at it.
    pub fn is_trouble(&self) -> bool {
        matches!(
            self,
            Self::Poor { .. } | Self::Chilled | Self::Unseated | Self::StandsForCommittee | Self::IsCandidate
        )
    }
}

/// What to spend of `there` units, or what is lacking; `minimum` is the least that the chain takes.
fn bid(bid: Bid, minimum: Balance, there: Balance) -> Result<Balance, Waiting> {
    let poor = |needed| Err(Waiting::Poor { needed, there });
    match bid {
        Bid::Fixed(amount) => {
            let amount = amount.max(minimum);
            if there >= amount {
                Ok(amount)
            } else {
                poor(amount)
            }
        }
        Bid::Share { thousandths, floor, cap } => {
            let floor = floor.max(minimum);
            // Split so that no balance there can be overflows.
            let share = (there / 1_000).saturating_mul(u128::from(thousandths))
                + (there % 1_000).saturating_mul(u128::from(thousandths)) / 1_000;
            let amount = share.min(cap).max(floor);
            if there >= amount {
                Ok(amount)
            } else {
                poor(amount)
            }
        }
    }
}

/// Decides what to do.
pub fn decide(policy: &Policy, record: &Record, chain: &ChainView) -> Action {
    let there = chain.free.saturating_sub(policy.reserve);
    let missing = chain.terms.seat_bond.saturating_sub(chain.bond);
    let bonded = |action| match there >= missing {
        true => action,
        false => Action::Wait(Waiting::Poor { needed: missing, there }),
    };
    match policy.part {
        Part::Committee => {
            if chain.candidate.is_some() {
                return Action::Wait(Waiting::IsCandidate);
            }
            if record.stood && !chain.stands && !policy.resume {
                return Action::Wait(Waiting::Unseated);
            }
            if let Some(action) = keys(policy, record, chain) {
                return action;
            }
            if chain.stands && missing == 0 {
                Action::Wait(Waiting::Standing)
            } else {
                bonded(Action::Stand)
            }
        }
        Part::Candidate(amount) => {
            if chain.stands {
                return Action::Wait(Waiting::StandsForCommittee);
            }
            let chilled = chain.candidate.is_some_and(|candidate| candidate.chilled);
            if chilled && !policy.resume {
                return Action::Wait(Waiting::Chilled);
            }
            if let Some(action) = keys(policy, record, chain) {
                return action;
            }
            if chilled {
                return bonded(Action::Resume);
            }
            let set = chain.keys.map(|keys| keys.hash);
            match chain.candidate {
                Some(candidate)
                    if candidate.vrf_key == record.vrf_key && Some(candidate.keys) == set && missing == 0 =>
                {
                    commit(amount, record, chain, &candidate, there)
                }
                _ => bonded(Action::Register),
            }
        }
    }
}

/// What is to be done so that the account's session keys are some that the node has; `None` if they are.
fn keys(policy: &Policy, record: &Record, chain: &ChainView) -> Option<Action> {
    let set = chain.keys.filter(|keys| keys.at_node);
    let made = record.made.filter(|(keys, _)| keys.at_node);
    match (set, made) {
        // What the node made last is what counts, once it is set.
        (set, Some((made, _))) if set.is_none_or(|set| set.hash != made.hash) => Some(Action::SetKeys),
        (None, _) => Some(Action::MakeKeys),
        (Some(_), made) => {
            let every = policy.rotate_every?;
            let due = made.is_none_or(|(_, since)| since.saturating_add(every) <= chain.tenure);
            due.then_some(Action::MakeKeys)
        }
    }
}

fn commit(amount: Bid, record: &Record, chain: &ChainView, candidate: &CandidateView, there: Balance) -> Action {
    let from = candidate.since.saturating_add(chain.terms.wait);
    if chain.tenure < from {
        return Action::Wait(Waiting::Early(from));
    }
    if chain.committed {
        return Action::Wait(Waiting::Committed);
    }
    if chain.on_committee {
        return Action::Wait(Waiting::OnCommittee);
    }
    if record.sent.is_some_and(|(tenure, at)| tenure == chain.tenure && chain.block < at.saturating_add(RESEND)) {
        return Action::Wait(Waiting::Sent);
    }
    // Forks are likeliest where a set of validators begins, and each has a draw of its own in the tenure's first block:
    // what is signed over this one is refused by another, and has to be sent again there.
    let age = chain.block.saturating_sub(chain.began);
    if age == 0 {
        return Action::Wait(Waiting::Begun);
    }
    if age.saturating_add(LEFT) > chain.length {
        return Action::Wait(Waiting::Late);
    }
    bid(amount, chain.terms.minimum_commit, there).map_or_else(Action::Wait, Action::Commit)
}

#[cfg(test)]
mod tests;
