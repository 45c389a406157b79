use super::{
    state::{commit_key, commits_prefix, draw_key, genesis_key, Layout},
    *,
};
use codec::Encode;
use sp_core::{sr25519::Pair, Blake2Hasher, Pair as _};
use sp_trie::{MemoryDB, Recorder, StorageProof, Trie, TrieDBBuilder, TrieDBMutBuilder, TrieMut};

const TENURE: Tenure = 7;
const NUMBER: BlockNumber = 180;
const GENESIS: [u8; 32] = [9; 32];

/// A state with an election, before it is proven.
struct Chain {
    genesis: [u8; 32],
    before: Option<Draw>,
    /// Commitments to the election before.
    earlier: Vec<([u8; 32], Commit)>,
    draw: Option<Draw>,
    commits: Vec<([u8; 32], Commit)>,
}

fn pair(candidate: u8) -> Pair {
    Pair::from_seed(&[candidate; 32])
}

fn commit(candidate: u8, genesis: [u8; 32], tenure: Tenure, accumulator: &Randomness, amount: Balance) -> Commit {
    let (pair, account) = (pair(candidate), [candidate; 32]);
    let vrf_proof = assay_types::election::vrf_sign(&pair, &genesis.into(), tenure, accumulator, &account);
    let key = pair.public().0;
    let output = vrf_output(&key, &genesis.into(), tenure, accumulator, &account, &vrf_proof).unwrap();
    Commit { window: [0, 0, 0, amount, amount, amount], vrf_key: key, vrf_proof, vrf_output: output }
}

fn sorted(mut commits: Vec<([u8; 32], Commit)>, tenure: Tenure) -> Vec<([u8; 32], Commit)> {
    commits.sort_by_key(|(candidate, _)| commit_key(tenure, candidate));
    commits
}

fn drawn(
    before: Randomness,
    entropy: Randomness,
    first_output: Option<Randomness>,
    entrants: Vec<([u8; 32], Balance)>,
) -> Draw {
    let accumulator = accumulate(&before, &entropy, first_output.as_ref());
    let mut weights: Vec<_> = entrants.iter().map(|(_, weight)| *weight).collect();
    let mut seats = Vec::new();
    let number = |i| draw_number(&accumulator, i);
    assay_math::draw(&mut weights, 2, number, |winner| seats.push(entrants[winner].0));
    Draw { before, entropy, first_output, accumulator, places: 2, entrants, seats }
}

impl Chain {
    /// Four candidates, one of which does not qualify, after an election of two.
    fn new() -> Self {
        let weighed = |commits: &[([u8; 32], Commit)]| -> Vec<_> {
            let weight = |commit: &Commit| assay_math::smoothed_weight(commit.window);
            commits.iter().map(|(candidate, commit)| (*candidate, weight(commit))).collect()
        };
        let (tenure, ago) = (TENURE - 1, [4; 32]);
        let one = |candidate, amount| ([candidate; 32], commit(candidate, GENESIS, tenure, &ago, amount));
        let earlier = sorted(vec![one(1, 300), one(2, 100)], tenure);
        // What the draw before began with is what commitments of this tenure are over.
        let began = [5; 32];
        let before = drawn(began, [6; 32], None, weighed(&earlier));
        let first = before.seats[0];
        let output = earlier.iter().find(|(candidate, _)| *candidate == first).unwrap().1.vrf_output;
        let one = |candidate, amount| ([candidate; 32], commit(candidate, GENESIS, TENURE, &began, amount));
        let commits = sorted(vec![one(1, 300), one(2, 100), one(3, 250), one(4, 900)], TENURE);
        let mut entrants = weighed(&commits);
        entrants.iter_mut().filter(|(candidate, _)| candidate[0] == 4).for_each(|(_, weight)| *weight = 0);
        let draw = drawn(before.accumulator, [8; 32], Some(output), entrants);
        Self { genesis: GENESIS, before: Some(before), earlier, draw: Some(draw), commits }
    }

    fn draw(&mut self) -> &mut Draw {
        self.draw.as_mut().unwrap()
    }

    /// The draw again, of other entrants or from other randomness.
    fn draw_again(&mut self) {
        let Draw { before, entropy, first_output, entrants, .. } = self.draw().clone();
        self.draw = Some(drawn(before, entropy, first_output, entrants));
    }

    fn commit(&mut self, candidate: u8) -> &mut Commit {
        &mut self.commits.iter_mut().find(|(account, _)| account[0] == candidate).unwrap().1
    }

    /// What a node would answer.
    fn prove(&self) -> Proof {
        let before = TENURE - 1;
        let mut keys = vec![genesis_key(), draw_key(TENURE), draw_key(before), commits_prefix(TENURE)];
        keys.extend(self.commits.iter().map(|(who, _)| commit_key(TENURE, who)));
        keys.extend(self.before.iter().filter_map(|draw| draw.seats.first()).map(|first| commit_key(before, first)));
        let mut values = vec![(genesis_key(), self.genesis.encode())];
        values.extend(self.draw.iter().map(|draw| (draw_key(TENURE), draw.encode())));
        values.extend(self.before.iter().map(|draw| (draw_key(before), draw.encode())));
        values.extend(self.commits.iter().map(|(who, commit)| (commit_key(TENURE, who), commit.encode())));
        values.extend(self.earlier.iter().map(|(who, commit)| (commit_key(before, who), commit.encode())));
        // Neighbours that the proof leaves out.
        values.push((commit_key(TENURE + 1, &[1; 32]), vec![7; 256]));
        values.push((draw_key(TENURE + 1), vec![7; 256]));

        let (mut nodes, mut root) = (MemoryDB::<Blake2Hasher>::default(), Hash::default());
        {
            let mut trie = TrieDBMutBuilder::<Layout>::new(&mut nodes, &mut root).build();
            for (key, value) in &values {
                trie.insert(key, value).unwrap();
            }
        }
        let mut recorder = Recorder::<Layout>::new();
        {
            let trie = TrieDBBuilder::<Layout>::new(&nodes, &root).with_recorder(&mut recorder).build();
            keys.iter().for_each(|key| drop(trie.get(key).unwrap()));
        }
        let nodes = StorageProof::new(recorder.drain().into_iter().map(|node| node.data)).into_nodes();
        let header = (Hash::repeat_byte(1), Compact(NUMBER), root, Hash::repeat_byte(2), [0u8; 1]).encode();
        Proof {
            tenure: TENURE,
            block: format!("0x{}", hex::encode(sp_crypto_hashing::blake2_256(&header))),
            header: format!("0x{}", hex::encode(&header)),
            proof: nodes.iter().map(|node| format!("0x{}", hex::encode(node))).collect(),
        }
    }

    fn fault(&self) -> Fault {
        verify(&self.prove(), &Known::default()).unwrap_err()
    }
}

/// The fault of a chain that was changed.
fn fault(change: impl FnOnce(&mut Chain)) -> Fault {
    let mut chain = Chain::new();
    change(&mut chain);
    chain.fault()
}

#[test]
fn an_election_that_is_right_is_found_right() {
    let chain = Chain::new();
    let proof = chain.prove();
    let known = Known { block: None, genesis: Some(GENESIS.into()), tenure: Some(TENURE) };
    let election = verify(&proof, &known).unwrap();
    assert_eq!((election.tenure, election.number, election.places), (TENURE, NUMBER, 2));
    assert_eq!(format!("{:?}", election.block), proof.block);
    assert_eq!(election.seats.len(), 2);
    let weights: Vec<_> = election.entrants.iter().map(|entrant| (entrant.candidate.0[0], entrant.weight)).collect();
    // Of 100, 100, 100 and three tenures without one the median is half of 100.
    assert_eq!(weights.iter().map(|(_, weight)| weight).sum::<Balance>(), (300 + 100 + 250) / 2);
    assert!(weights.contains(&(4, 0)));
    let written = serde_json::to_string(&proof).unwrap();
    assert_eq!(serde_json::from_str::<Proof>(&written).unwrap(), proof);
    let report = report(&Ok(election));
    assert_eq!((report["right"].as_bool(), report["entrants"].as_array().unwrap().len()), (Some(true), 4));
}

#[test]
fn an_election_of_nobody_is_found_right_and_shown_to_be_of_nobody() {
    let mut chain = Chain::new();
    chain.commits.clear();
    chain.draw().entrants.clear();
    chain.draw_again();
    let election = verify(&chain.prove(), &Known::default()).unwrap();
    assert_eq!((election.entrants.len(), election.seats.len()), (0, 0));
    // The first election of a chain has none before it.
    chain.before = None;
    chain.draw().before = [0; 32];
    chain.draw().first_output = None;
    chain.draw_again();
    assert!(verify(&chain.prove(), &Known::default()).is_ok());
}

#[test]
fn a_proof_is_of_its_own_block_chain_and_tenure_alone() {
    let proof = Chain::new().prove();
    let kind = |known: Known| verify(&proof, &known).unwrap_err().kind();
    assert_eq!(kind(Known { block: Some(Hash::zero()), ..Known::default() }), "other-block");
    assert_eq!(kind(Known { genesis: Some(Hash::zero()), ..Known::default() }), "other-chain");
    assert_eq!(kind(Known { tenure: Some(TENURE + 1), ..Known::default() }), "other-tenure");
    // As the proof of the tenure before or after it: what that needs is not there.
    for tenure in [TENURE - 1, TENURE + 1] {
        let other = Proof { tenure, ..proof.clone() };
        assert_eq!(verify(&other, &Known::default()).unwrap_err().kind(), "state", "{tenure}");
    }
    // Commitments of one chain say nothing on another.
    assert_eq!(fault(|chain| chain.genesis = [1; 32]).kind(), "vrf");
}

#[test]
fn what_was_changed_on_the_way_is_found() {
    let proof = Chain::new().prove();
    let kind = |change: &dyn Fn(&mut Proof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        verify(&changed, &Known::default()).unwrap_err().kind()
    };
    assert_eq!(kind(&|proof| proof.block = format!("{:?}", Hash::zero())), "header");
    assert_eq!(kind(&|proof| proof.block = "0x12".into()), "unreadable");
    assert_eq!(kind(&|proof| proof.header = "0xzz".into()), "unreadable");
    assert_eq!(kind(&|proof| proof.proof[0] = "0x1".into()), "unreadable");
    assert_eq!(kind(&|proof| proof.proof = vec!["00".repeat(MOST_BYTES + 1)]), "too-long");
    for node in 0..proof.proof.len() {
        // Each is needed, and none can be another.
        assert_eq!(kind(&|proof| drop(proof.proof.remove(node))), "state", "{node}");
        let mut bytes = hexadecimal(&proof.proof[node]).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(kind(&|proof| proof.proof[node] = hex::encode(&bytes)), "state", "{node}");
    }
    // A header of another state, with a hash of its own.
    let header = (Hash::repeat_byte(1), Compact(NUMBER), Hash::zero(), Hash::repeat_byte(2), [0u8; 1]).encode();
    let other = Proof {
        block: hex::encode(sp_crypto_hashing::blake2_256(&header)),
        header: hex::encode(&header),
        ..proof.clone()
    };
    assert_eq!(verify(&other, &Known::default()).unwrap_err().kind(), "state");
}

#[test]
fn a_commitment_can_neither_be_left_out_nor_made_up() {
    let left_out = fault(|chain| {
        chain.draw().entrants.remove(0);
        chain.draw_again();
    });
    assert!(matches!(left_out, Fault::Entrants { place: 0, .. }), "{left_out}");
    let made_up = fault(|chain| {
        chain.draw().entrants.push(([5; 32], 1));
        chain.draw_again();
    });
    assert!(matches!(&made_up, Fault::Entrants { place: 4, commitment, .. } if commitment == "nobody"), "{made_up}");
    let order = fault(|chain| {
        chain.draw().entrants.swap(0, 1);
        chain.draw_again();
    });
    assert_eq!(order.kind(), "entrants");
    // A proof that shows the state without one of the commitments in it.
    let chain = Chain::new();
    let (whole, mut fewer) = (chain.prove(), chain.prove());
    let missing = hex::encode(chain.commits[1].1.encode());
    fewer.proof.retain(|node| !node.contains(&missing));
    assert!(fewer.proof.len() < whole.proof.len());
    assert_eq!(verify(&fewer, &Known::default()), Err(Fault::State("every commitment")));
}

#[test]
fn an_output_must_be_of_the_right_function_and_over_the_right_draw() {
    // Over the accumulator of another draw, for another tenure, of another key, and copied from another.
    let over = |accumulator: Randomness, tenure| {
        fault(move |chain| *chain.commit(1) = commit(1, GENESIS, tenure, &accumulator, 300))
    };
    let now = Chain::new().draw().before;
    assert_eq!(over(now, TENURE), Fault::Vrf(AccountId32([1; 32])));
    assert_eq!(over([5; 32], TENURE - 1), Fault::Vrf(AccountId32([1; 32])));
    assert_eq!(fault(|chain| chain.commit(1).vrf_key = pair(2).public().0).kind(), "vrf");
    let copied = fault(|chain| {
        let two = chain.commit(2).clone();
        *chain.commit(1) = Commit { window: chain.commit(1).window, ..two };
    });
    assert_eq!(copied, Fault::Vrf(AccountId32([1; 32])));
    assert_eq!(fault(|chain| chain.commit(3).vrf_proof[50] ^= 1).kind(), "vrf");
    assert_eq!(fault(|chain| chain.commit(3).vrf_output[0] ^= 1), Fault::Output(AccountId32([3; 32])));
}

#[test]
fn weights_follow_from_commitments() {
    let heavier = fault(|chain| {
        chain.draw().entrants.iter_mut().filter(|(who, _)| who[0] == 2).for_each(|(_, weight)| *weight += 1);
        chain.draw_again();
    });
    assert_eq!(heavier, Fault::Weight { candidate: AccountId32([2; 32]), found: 51, computed: 50 });
    assert_eq!(fault(|chain| chain.commit(2).window[0] = 100).kind(), "weight");
}

#[test]
fn a_draw_hangs_together_with_the_one_before() {
    let elsewhere = fault(|chain| {
        chain.draw().before = [1; 32];
        chain.draw_again();
    });
    assert_eq!(elsewhere.kind(), "chain");
    let withheld = fault(|chain| {
        chain.draw().first_output = None;
        chain.draw_again();
    });
    assert_eq!(withheld, Fault::FirstOutput);
    assert_eq!(fault(|chain| chain.before = None).kind(), "absent");
    assert_eq!(fault(|chain| chain.draw = None).kind(), "absent");
    assert_eq!(fault(|chain| chain.earlier.clear()).kind(), "absent");
}

#[test]
fn the_seats_are_what_the_accumulator_gives() {
    assert_eq!(fault(|chain| chain.draw().accumulator[0] ^= 1).kind(), "accumulator");
    assert_eq!(fault(|chain| chain.draw().entropy[0] ^= 1).kind(), "accumulator");
    assert!(matches!(fault(|chain| chain.draw().seats.swap(0, 1)), Fault::Seat { place: 0, .. }));
    let fewer = fault(|chain| chain.draw().seats.truncate(1));
    assert!(matches!(&fewer, Fault::Seat { place: 1, found, .. } if found == "nobody"), "{fewer}");
    assert!(matches!(fault(|chain| chain.draw().seats.push([4; 32])), Fault::Seat { place: 2, .. }));
    assert_eq!(fault(|chain| chain.draw().places = 1).kind(), "seat");
    let report = report(&Err(fault(|chain| chain.draw().places = 1)));
    assert_eq!((report["right"].as_bool(), report["fault"].as_str()), (Some(false), Some("seat")));
}
