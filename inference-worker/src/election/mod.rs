//! Elections recomputed offline: from a block hash that somebody trusts to who has seats.
//!
//! A [`Proof`] is what a node's `assay_electionProof` gives: a header, and the nodes of its state's trie on the way to a
//! draw and to what went into it. [`verify`] asks nobody and believes nothing of it but what follows from the block's hash:
//! every candidate's output is checked against its key, every weight against its commitments, the accumulator against what
//! it was made of, and the seats are drawn again.
//!
//! What it takes from the state as it is: who qualified (work, keys and bonds are looked at when the draw is made), how many
//! places there were, and the entropy, to which every block of the chain has added.

mod state;
#[cfg(test)]
mod tests;

use assay_types::{
    election::{accumulate, draw_number, vrf_output, Randomness, VrfKey, VrfProof, WINDOW},
    Balance, BlockNumber, Hash, Tenure,
};
use codec::{Compact, Decode, DecodeAll};
use serde::{Deserialize, Serialize};
use state::State;
use std::collections::BTreeMap;
use subxt::utils::AccountId32;
use thiserror::Error;

/// Bytes of a proof that are looked at, at most: several times what the most candidates there may be take.
pub const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The proof of an election: what a node answers, and what a file holds. Bytes are in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The tenure of the election's commitments.
    pub tenure: Tenure,
    /// Hash of the block in whose state the election is read.
    pub block: String,
    /// The block's header, SCALE-encoded.
    pub header: String,
    /// Nodes of the state's trie.
    pub proof: Vec<String>,
}

/// What whoever verifies knows already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The block.
    pub block: Option<Hash>,
    /// The first block of the chain.
    pub genesis: Option<Hash>,
    /// The tenure.
    pub tenure: Option<Tenure>,
}

/// An election that was recomputed and found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// The tenure of its commitments.
    pub tenure: Tenure,
    /// The block in whose state it was read: right as long as this one is.
    pub block: Hash,
    /// Height of that block.
    pub number: BlockNumber,
    /// The chain, by its first block.
    pub genesis: Hash,
    /// By what it was drawn.
    pub accumulator: Randomness,
    /// Places that were to be drawn.
    pub places: u32,
    /// All who committed, in the order in which their weights are counted.
    pub entrants: Vec<Entrant>,
    /// Who was drawn, in order.
    pub seats: Vec<AccountId32>,
}

/// Somebody who committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrant {
    /// Who.
    pub candidate: AccountId32,
    /// What it committed in this tenure, in units of ASY.
    pub committed: Balance,
    /// With what weight it was in the draw; 0 if it did not qualify.
    pub weight: Balance,
}

/// The first thing about a proof that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("the proof's {0} is not what it should be in hexadecimal")]
    Unreadable(&'static str),
    /// It is longer than a proof can be.
    #[error("the proof is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// The header is another block's.
    #[error("the header hashes to {computed:?}, the proof says {said:?}")]
    Header {
        /// What the header hashes to.
        computed: Hash,
        /// What the proof says.
        said: Hash,
    },
    /// The block is not the one that is known.
    #[error("the proof is of block {found:?}, not of {known:?}")]
    OtherBlock {
        /// The proof's.
        found: Hash,
        /// The known one.
        known: Hash,
    },
    /// The election is not the one that was asked for.
    #[error("the proof is of the election of tenure {found}, not of {known}")]
    OtherTenure {
        /// The proof's.
        found: Tenure,
        /// The one that was asked for.
        known: Tenure,
    },
    /// The nodes do not lead from the header's state root to what is needed.
    #[error("the proof does not lead from the header's state root to {0}: a node is missing or was changed")]
    State(&'static str),
    /// The state has no such thing.
    #[error("the block's state has no {0}")]
    Absent(&'static str),
    /// Something in the state is of another shape.
    #[error("the {0} in the block's state is of another shape than this version of the worker knows")]
    Shape(&'static str),
    /// The chain is not the one that is known.
    #[error("the election is of the chain with genesis {found:?}, not of {known:?}")]
    OtherChain {
        /// The state's.
        found: Hash,
        /// The known one.
        known: Hash,
    },
    /// Who is in the draw is not who committed.
    #[error("entrant {place} of the draw is {entrant}, commitment {place} in the state is {commitment}")]
    Entrants {
        /// Where they differ, counted from 0.
        place: usize,
        /// Who is in the draw there, or "nobody".
        entrant: String,
        /// Whose commitment is there, or "nobody's".
        commitment: String,
    },
    /// An output is not proven.
    #[error("the proof of {0} is not its function's for this chain, tenure and draw")]
    Vrf(AccountId32),
    /// An output is not the one that is proven.
    #[error("the output of {0} is not the one that its proof is of")]
    Output(AccountId32),
    /// A weight does not follow from the commitments.
    #[error("{candidate} weighs {found} in the draw; its commitments make {computed}, or 0 if it did not qualify")]
    Weight {
        /// Whose.
        candidate: AccountId32,
        /// What the draw says.
        found: Balance,
        /// What it is.
        computed: Balance,
    },
    /// The draw did not begin where the one before ended.
    #[error("the draw began with the accumulator {found}, the draw before ended with {before}")]
    Chain {
        /// What the draw says.
        found: String,
        /// What the draw before says.
        before: String,
    },
    /// The output that went into the draw is not that of whoever was drawn first before.
    #[error("the output that went into the draw is not that of whoever was drawn first before")]
    FirstOutput,
    /// The accumulator is not made of what it is said to be made of.
    #[error("the accumulator is {found}, what went into it makes {computed}")]
    Accumulator {
        /// What the draw says.
        found: String,
        /// What it is.
        computed: String,
    },
    /// Somebody else was drawn.
    #[error("seat {place} was given to {found}, the draw gives it to {computed}")]
    Seat {
        /// Which, counted from 0.
        place: usize,
        /// Who has it, or "nobody".
        found: String,
        /// Who was drawn, or "nobody".
        computed: String,
    },
}

impl Fault {
    /// A word for it, for machines.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::TooLong => "too-long",
            Self::Header { .. } => "header",
            Self::OtherBlock { .. } => "other-block",
            Self::OtherTenure { .. } => "other-tenure",
            Self::State(_) => "state",
            Self::Absent(_) => "absent",
            Self::Shape(_) => "shape",
            Self::OtherChain { .. } => "other-chain",
            Self::Entrants { .. } => "entrants",
            Self::Vrf(_) => "vrf",
            Self::Output(_) => "output",
            Self::Weight { .. } => "weight",
            Self::Chain { .. } => "chain",
            Self::FirstOutput => "first-output",
            Self::Accumulator { .. } => "accumulator",
            Self::Seat { .. } => "seat",
        }
    }
}

/// A commitment, as the runtime has it in its state.
#[derive(Clone, Debug, Decode)]
#[cfg_attr(test, derive(codec::Encode))]
struct Commit {
    window: [Balance; WINDOW],
    vrf_key: VrfKey,
    vrf_proof: VrfProof,
    vrf_output: Randomness,
}

/// A draw, as the runtime has it in its state.
#[derive(Clone, Debug, Decode)]
#[cfg_attr(test, derive(codec::Encode))]
struct Draw {
    before: Randomness,
    entropy: Randomness,
    first_output: Option<Randomness>,
    accumulator: Randomness,
    places: u32,
    entrants: Vec<([u8; 32], Balance)>,
    seats: Vec<[u8; 32]>,
}

/// Recomputes an election.
///
/// # Errors
/// The first thing that is not as it should be.
pub fn verify(proof: &Proof, known: &Known) -> Result<Election, Fault> {
    let bytes = proof.proof.iter().fold(proof.header.len(), |sum, node| sum.saturating_add(node.len()));
    if bytes > 2 * MOST_BYTES {
        return Err(Fault::TooLong);
    }
    let tenure = proof.tenure;
    if let Some(known) = known.tenure.filter(|known| *known != tenure) {
        return Err(Fault::OtherTenure { found: tenure, known });
    }
    let header = hexadecimal(&proof.header).ok_or(Fault::Unreadable("header"))?;
    let said = hexadecimal(&proof.block).and_then(|hash| <[u8; 32]>::try_from(hash).ok());
    let said = Hash::from(said.ok_or(Fault::Unreadable("block hash"))?);
    let block = Hash::from(sp_crypto_hashing::blake2_256(&header));
    if block != said {
        return Err(Fault::Header { computed: block, said });
    }
    if let Some(known) = known.block.filter(|known| *known != block) {
        return Err(Fault::OtherBlock { found: block, known });
    }
    // A header begins with the hash of its parent, its height, and the root of its state.
    let (_, Compact(number), root) =
        <(Hash, Compact<BlockNumber>, Hash)>::decode(&mut &*header).map_err(|_| Fault::Unreadable("header"))?;
    let nodes = proof.proof.iter().map(|node| hexadecimal(node)).collect::<Option<Vec<_>>>();
    let state = State::new(root, nodes.ok_or(Fault::Unreadable("storage proof"))?);

    let genesis = state.genesis()?;
    if let Some(known) = known.genesis.filter(|known| *known != genesis) {
        return Err(Fault::OtherChain { found: genesis, known });
    }
    let draw: Draw = decode(state.draw(tenure)?, "draw")?.ok_or(Fault::Absent("draw of this tenure's election"))?;
    let commits = state.commits(tenure)?;
    let before = match tenure.checked_sub(1) {
        Some(before) => decode::<Draw>(state.draw(before)?, "draw before")?.map(|draw| (before, draw)),
        None => None,
    };

    check_entrants(&draw, &commits)?;
    if !commits.is_empty() {
        // While candidates committed, the last draw was that of two tenures before: the one before began with it.
        let (_, before) = before.as_ref().ok_or(Fault::Absent("draw before"))?;
        check_outputs(&genesis, tenure, &before.before, &commits)?;
    }
    let entrants = check_weights(&draw, &commits)?;
    if let Some((tenure, before)) = before {
        check_chain(&draw, &before, &state, tenure)?;
    }
    let computed = accumulate(&draw.before, &draw.entropy, draw.first_output.as_ref());
    if draw.accumulator != computed {
        return Err(Fault::Accumulator { found: hex::encode(draw.accumulator), computed: hex::encode(computed) });
    }
    let seats = check_seats(&draw)?;
    Ok(Election { tenure, block, number, genesis, accumulator: computed, places: draw.places, entrants, seats })
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()
}

fn decode<T: Decode>(value: Option<Vec<u8>>, what: &'static str) -> Result<Option<T>, Fault> {
    value.map(|value| T::decode_all(&mut &*value).map_err(|_| Fault::Shape(what))).transpose()
}

/// Everybody who committed is in the draw, nobody else is, and they are in the order of the state.
fn check_entrants(draw: &Draw, commits: &[([u8; 32], Commit)]) -> Result<(), Fault> {
    for place in 0..draw.entrants.len().max(commits.len()) {
        let entrant = draw.entrants.get(place).map(|(candidate, _)| *candidate);
        let commitment = commits.get(place).map(|(candidate, _)| *candidate);
        if entrant != commitment {
            let shown = |who: Option<[u8; 32]>| who.map_or("nobody".into(), |who| AccountId32(who).to_string());
            return Err(Fault::Entrants { place, entrant: shown(entrant), commitment: shown(commitment) });
        }
    }
    Ok(())
}

/// Every output is that of the candidate's function for this chain, tenure and draw.
fn check_outputs(
    genesis: &Hash,
    tenure: Tenure,
    accumulator: &Randomness,
    commits: &[([u8; 32], Commit)],
) -> Result<(), Fault> {
    for (candidate, commit) in commits {
        let output = vrf_output(&commit.vrf_key, genesis, tenure, accumulator, candidate, &commit.vrf_proof)
            .ok_or(Fault::Vrf(AccountId32(*candidate)))?;
        if output != commit.vrf_output {
            return Err(Fault::Output(AccountId32(*candidate)));
        }
    }
    Ok(())
}

/// Everybody weighs what its commitments make, or nothing.
fn check_weights(draw: &Draw, commits: &[([u8; 32], Commit)]) -> Result<Vec<Entrant>, Fault> {
    let mut entrants = Vec::with_capacity(commits.len());
    for ((candidate, weight), (_, commit)) in draw.entrants.iter().zip(commits) {
        let (candidate, weight) = (AccountId32(*candidate), *weight);
        let computed = assay_math::smoothed_weight(commit.window);
        if weight != 0 && weight != computed {
            return Err(Fault::Weight { candidate, found: weight, computed });
        }
        let committed = commit.window.last().copied().unwrap_or_default();
        entrants.push(Entrant { candidate, committed, weight });
    }
    Ok(entrants)
}

/// The draw began where the one before ended, and took the output of whoever was drawn first there.
fn check_chain(draw: &Draw, before: &Draw, state: &State, tenure: Tenure) -> Result<(), Fault> {
    if draw.before != before.accumulator {
        let (found, before) = (hex::encode(draw.before), hex::encode(before.accumulator));
        return Err(Fault::Chain { found, before });
    }
    let first_output = match before.seats.first() {
        Some(first) => {
            let what = "commitment of whoever was drawn first before";
            let commit: Commit = decode(state.commit(tenure, first)?, what)?.ok_or(Fault::Absent(what))?;
            Some(commit.vrf_output)
        }
        None => before.first_output,
    };
    if draw.first_output != first_output {
        return Err(Fault::FirstOutput);
    }
    Ok(())
}

/// The seats are those that the draw gives.
fn check_seats(draw: &Draw) -> Result<Vec<AccountId32>, Fault> {
    let mut weights: Vec<_> = draw.entrants.iter().map(|(_, weight)| *weight).collect();
    let mut computed: Vec<&([u8; 32], Balance)> = Vec::new();
    let number = |i| draw_number(&draw.accumulator, i);
    assay_math::draw(&mut weights, draw.places, number, |winner| computed.extend(draw.entrants.get(winner)));
    for place in 0..draw.seats.len().max(computed.len()) {
        let (found, drawn) = (draw.seats.get(place), computed.get(place).map(|(candidate, _)| candidate));
        if found != drawn {
            let shown = |who: Option<&[u8; 32]>| who.map_or("nobody".into(), |who| AccountId32(*who).to_string());
            return Err(Fault::Seat { place, found: shown(found), computed: shown(drawn) });
        }
    }
    Ok(draw.seats.iter().map(|seat| AccountId32(*seat)).collect())
}

/// How an election looks to machines.
pub fn report(result: &Result<Election, Fault>) -> serde_json::Value {
    use serde_json::json;
    match result {
        Err(fault) => json!({ "right": false, "fault": fault.kind(), "reason": fault.to_string() }),
        Ok(election) => {
            let mut seats = BTreeMap::new();
            for (place, seat) in election.seats.iter().enumerate() {
                seats.insert(seat.0, place);
            }
            let entrants = election.entrants.iter().map(|entrant| {
                json!({
                    "candidate": entrant.candidate.to_string(),
                    "committed": entrant.committed.to_string(),
                    "weight": entrant.weight.to_string(),
                    "seat": seats.get(&entrant.candidate.0),
                })
            });
            json!({
                "right": true,
                "tenure": election.tenure,
                "block": format!("{:?}", election.block),
                "number": election.number,
                "genesis": format!("{:?}", election.genesis),
                "accumulator": format!("0x{}", hex::encode(election.accumulator)),
                "places": election.places,
                "entrants": entrants.collect::<Vec<_>>(),
                "seats": election.seats.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        }
    }
}
