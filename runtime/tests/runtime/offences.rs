//! A validator who authors two blocks in one slot, or votes twice in one round, is stopped and slashed, whatever keys he
//! has set meanwhile.

use crate::common::{check_pallets, genesis_with, Blocks};
use assay_runtime::{
    adapters::{KeyOwners, KeysOfSession, Treasury},
    AccountId, Babe, Balances, Elections, Grandpa, Hash, Header, Historical, Runtime, RuntimeOrigin, Session,
    SessionKeys,
};
use assay_traits::ValidatorKeys;
use codec::Encode;
use frame_support::{
    assert_err, assert_ok,
    traits::{fungible::Inspect, Get, KeyOwnerProofSystem},
};
use pallet_elections::{Candidates, SeatBonds};
use serde_json::json;
use sp_consensus_babe::{
    digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest},
    AuthorityId, EquivocationProof, Slot, BABE_ENGINE_ID, KEY_TYPE,
};
use sp_consensus_grandpa as grandpa;
use sp_core::Pair;
use sp_io::TestExternalities;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::{
    traits::Header as _,
    transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
    Digest, DigestItem,
};

const VALIDATORS: [(Sr25519Keyring, Ed25519Keyring); 4] = [
    (Sr25519Keyring::Alice, Ed25519Keyring::Alice),
    (Sr25519Keyring::Bob, Ed25519Keyring::Bob),
    (Sr25519Keyring::Charlie, Ed25519Keyring::Charlie),
    (Sr25519Keyring::Dave, Ed25519Keyring::Dave),
];

/// Keys that no validator has at first.
const OTHER: (Sr25519Keyring, Ed25519Keyring) = (Sr25519Keyring::Ferdie, Ed25519Keyring::Ferdie);

/// Four validators: of fewer, none may be stopped.
fn four_validators() -> TestExternalities {
    let keys: Vec<_> = VALIDATORS
        .into_iter()
        .map(|(babe, grandpa)| {
            let keys = SessionKeys { babe: babe.public().into(), grandpa: grandpa.public().into() };
            (babe.to_account_id(), babe.to_account_id(), keys)
        })
        .collect();
    genesis_with("local", json!({ "session": { "keys": keys } }))
}

/// The account of validator `index`.
fn account(index: usize) -> AccountId {
    VALIDATORS[index].0.to_account_id()
}

/// Makes validator `index` a candidate, so that it has a seat bond; returns what is held.
fn bond(index: usize) -> u128 {
    let keys = KeysOfSession::keys_hash(&account(index)).expect("genesis has set its keys");
    assert_ok!(Elections::register(RuntimeOrigin::signed(account(index)), [1; 32], keys));
    SeatBonds::<Runtime>::get(account(index)).expect("it has just been held").amount
}

/// The part of a seat bond that one equivocation among four validators takes: (3/4)^2.
fn slashed(bond: u128) -> u128 {
    bond * 9 / 16
}

/// Checks that validator `index`, of whom `bond` was held, is slashed and out, and that the treasury has what he lost.
fn assert_punished(index: usize, bond: u128, treasury_before: u128) {
    let left = SeatBonds::<Runtime>::get(account(index)).expect("a part is left").amount;
    assert_eq!(left, bond - slashed(bond));
    assert_eq!(Balances::total_balance(&Treasury::get()) - treasury_before, slashed(bond));
    assert!(Candidates::<Runtime>::get(account(index)).expect("it is a candidate").chilled);
    assert_eq!(Session::disabled_validators(), [index as u32]);
    check_pallets();
}

/// Has validator `index` set keys that nobody uses yet, as `set_keys` does it.
fn set_other_keys(index: usize) {
    let keys = SessionKeys { babe: OTHER.0.public().into(), grandpa: OTHER.1.public().into() };
    pallet_session::NextKeys::<Runtime>::insert(account(index), keys);
}

/// Five blocks, and the beginning of one more.
fn five_blocks() -> Blocks {
    let mut blocks = Blocks::default();
    for _ in 0..5 {
        blocks.begin();
        blocks.end();
    }
    blocks.begin();
    blocks
}

/// Lets blocks pass until the first of `session`.
fn pass_until(blocks: &mut Blocks, session: u32) {
    while Session::current_index() < session {
        blocks.end();
        blocks.begin();
    }
}

/// Two blocks of one slot, both sealed by validator `index`.
fn two_blocks_in_one_slot(index: u32, slot: Slot) -> EquivocationProof<Header> {
    two_blocks_by(VALIDATORS[index as usize].0, index, slot)
}

/// Two blocks of one slot, both sealed by `author`.
fn two_blocks_by(author: Sr25519Keyring, index: u32, slot: Slot) -> EquivocationProof<Header> {
    let header = |state_root| {
        let pre_digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index: index, slot });
        let mut header = Header::new(
            5,
            Default::default(),
            state_root,
            Default::default(),
            Digest { logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, pre_digest.encode())] },
        );
        let signature = author.pair().sign(header.hash().as_ref());
        header.digest_mut().push(DigestItem::babe_seal(signature.into()));
        header
    };
    EquivocationProof {
        offender: author.public().into(),
        slot,
        first_header: header(Hash::repeat_byte(1)),
        second_header: header(Hash::repeat_byte(2)),
    }
}

#[test]
fn an_author_of_two_blocks_in_one_slot_is_stopped() {
    four_validators().execute_with(|| {
        let mut blocks = five_blocks();
        let (held, treasury) = (bond(2), Balances::total_balance(&Treasury::get()));
        let proof = two_blocks_in_one_slot(2, pallet_babe::CurrentSlot::<Runtime>::get());
        let key: AuthorityId = proof.offender.clone();
        let owner = KeyOwners::prove((KEY_TYPE, key)).expect("it is a validator's key");
        let report = |proof| Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner.clone());
        assert_ok!(report(proof.clone()));
        assert_punished(2, held, treasury);
        assert_err!(report(proof), pallet_babe::Error::<Runtime>::DuplicateOffenceReport);

        let honest = two_blocks_in_one_slot(1, pallet_babe::CurrentSlot::<Runtime>::get());
        let honest = EquivocationProof { second_header: honest.first_header.clone(), ..honest };
        let owner = KeyOwners::prove((KEY_TYPE, honest.offender.clone())).expect("it is a validator's key");
        assert_err!(
            Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(honest), owner),
            pallet_babe::Error::<Runtime>::InvalidEquivocationProof
        );
        blocks.end();
    });
}

/// What is not proven comes into no pool and no block: it would take the place of what is.
#[test]
fn a_report_that_proves_nothing_is_not_even_taken_into_a_block() {
    four_validators().execute_with(|| {
        let mut blocks = five_blocks();
        let proof = two_blocks_in_one_slot(2, pallet_babe::CurrentSlot::<Runtime>::get());
        let owner = KeyOwners::prove((KEY_TYPE, proof.offender.clone())).expect("it is a validator's key");
        let check = |proof: &EquivocationProof<Header>, source| {
            let call = pallet_babe::Call::<Runtime>::report_equivocation_unsigned {
                equivocation_proof: Box::new(proof.clone()),
                key_owner_proof: owner.clone(),
            };
            let before_a_block_has_it = Babe::pre_dispatch(&call);
            (Babe::validate_unsigned(source, &call).map(|_| ()), before_a_block_has_it)
        };
        let unsealed = |mut header: Header| {
            header.digest_mut().pop().expect("its seal");
            header
        };
        let one_unsealed = EquivocationProof { second_header: unsealed(proof.second_header.clone()), ..proof.clone() };
        let both_unsealed =
            EquivocationProof { first_header: unsealed(proof.first_header.clone()), ..one_unsealed.clone() };
        let one_block = EquivocationProof { second_header: proof.first_header.clone(), ..proof.clone() };
        let nothing: TransactionValidityError = InvalidTransaction::BadProof.into();
        for source in [TransactionSource::Local, TransactionSource::InBlock] {
            for wrong in [&one_unsealed, &both_unsealed, &one_block] {
                assert_eq!(check(wrong, source), (Err(nothing), Err(nothing)));
            }
            assert_eq!(check(&proof, source), (Ok(()), Ok(())));
        }
        blocks.end();
    });
}

/// Attack: set other keys, and sign two blocks with those that the session goes on with. Cost: nothing. Gain: none.
#[test]
fn an_author_who_has_set_other_keys_first_is_slashed_as_well() {
    four_validators().execute_with(|| {
        let mut blocks = five_blocks();
        let (held, treasury) = (bond(2), Balances::total_balance(&Treasury::get()));
        set_other_keys(2);
        let proof = two_blocks_in_one_slot(2, pallet_babe::CurrentSlot::<Runtime>::get());
        let key = (KEY_TYPE, proof.offender.clone());
        let in_history = || Historical::check_proof(key.clone(), Historical::prove(key.clone()).expect("nodes of it"));
        assert!(in_history().is_none(), "the history knows the other keys only");
        let owner = KeyOwners::prove(key.clone()).expect("it authors with this key");
        assert!(in_history().is_none(), "proving changes nothing");

        // Nobody has another key, and the proof is one of this session and its number of validators alone.
        for other in [Sr25519Keyring::Eve, OTHER.0] {
            let other = (KEY_TYPE, AuthorityId::from(other.public()));
            assert!(KeyOwners::prove(other).is_none());
        }
        let nobody = (KEY_TYPE, AuthorityId::from(Sr25519Keyring::Eve.public()));
        assert!(KeyOwners::check_proof(nobody, owner.clone()).is_none());
        for wrong in [
            sp_session::MembershipProof { session: owner.session + 1, ..owner.clone() },
            sp_session::MembershipProof { validator_count: owner.validator_count + 1, ..owner.clone() },
        ] {
            let report = Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof.clone()), wrong);
            assert_err!(report, pallet_babe::Error::<Runtime>::InvalidKeyOwnershipProof);
        }

        assert_ok!(Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner));
        assert_punished(2, held, treasury);
        blocks.end();
    });
}

/// The same attack when the proof is under way already.
#[test]
fn an_author_who_sets_other_keys_before_the_report_arrives_is_slashed_as_well() {
    four_validators().execute_with(|| {
        let mut blocks = five_blocks();
        let (held, treasury) = (bond(2), Balances::total_balance(&Treasury::get()));
        let proof = two_blocks_in_one_slot(2, pallet_babe::CurrentSlot::<Runtime>::get());
        let owner = KeyOwners::prove((KEY_TYPE, proof.offender.clone())).expect("it is a validator's key");
        set_other_keys(2);
        assert!(Historical::check_proof((KEY_TYPE, proof.offender.clone()), owner.clone()).is_none());
        assert_ok!(Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner));
        assert_punished(2, held, treasury);
        blocks.end();
    });
}

/// Two of four are two thirds of those whom a set bears, so the second loses everything; the first has paid for his own.
#[test]
fn who_equivocates_in_the_same_slot_as_others_pays_for_himself() {
    four_validators().execute_with(|| {
        let mut blocks = five_blocks();
        let (first, second) = (bond(2), bond(1));
        for index in [2, 1] {
            let proof = two_blocks_in_one_slot(index, pallet_babe::CurrentSlot::<Runtime>::get());
            let owner = KeyOwners::prove((KEY_TYPE, proof.offender.clone())).expect("it is a validator's key");
            assert_ok!(Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner));
        }
        let left = |index| SeatBonds::<Runtime>::get(account(index)).map_or(0, |bond| bond.amount);
        assert_eq!((left(2), left(1)), (first - slashed(first), 0), "of {first} and {second}");
        check_pallets();
        blocks.end();
    });
}

/// A client asks at the block before that of the second signature, which may be of the session before.
#[test]
fn the_owner_of_a_key_is_proven_in_the_session_of_the_slot_alone() {
    use sp_consensus_babe::runtime_decl_for_babe_api::BabeApiV2;
    four_validators().execute_with(|| {
        let mut blocks = five_blocks();
        let epoch = Babe::current_epoch();
        let prove = |slot: u64| {
            let key = AuthorityId::from(VALIDATORS[2].0.public());
            <Runtime as BabeApiV2<assay_runtime::Block>>::generate_key_ownership_proof(slot.into(), key)
        };
        let (first, next) = (u64::from(epoch.start_slot), u64::from(epoch.start_slot) + epoch.duration);
        assert!(prove(first).is_some() && prove(next - 1).is_some());
        assert!(prove(first - 1).is_none() && prove(next).is_none());
        blocks.end();
    });
}

/// An equivocation of validator 2 by the key of `author` in session 4, with what is done in session 2 and just before it, is
/// reported in session 5.
fn report_in_the_next_session(author: Sr25519Keyring, before: impl FnOnce(), just_before: impl FnOnce()) {
    four_validators().execute_with(|| {
        let mut blocks = five_blocks();
        pass_until(&mut blocks, 2);
        before();
        pass_until(&mut blocks, 4);
        assert_eq!(Session::validators(), [0, 1, 2, 3].map(account), "the set stays the same");
        assert_eq!(Babe::authorities()[2].0, AuthorityId::from(author.public()));
        just_before();
        let proof = two_blocks_by(author, 2, pallet_babe::CurrentSlot::<Runtime>::get());
        let owner = KeyOwners::prove((KEY_TYPE, proof.offender.clone())).expect("it is a validator's key");
        pass_until(&mut blocks, 5);
        assert_ok!(Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner));
        assert_eq!(Session::disabled_validators(), [2]);
        blocks.end();
    });
}

#[test]
fn an_author_can_be_reported_when_the_session_is_over() {
    report_in_the_next_session(VALIDATORS[2].0, || {}, || {});
}

/// Attack: change keys while the set of validators stays the same, so that its history is that of the keys before, and sign
/// two blocks at the end of a session. Cost: nothing. Gain: none.
#[test]
fn an_author_with_new_keys_can_be_reported_when_the_session_is_over() {
    report_in_the_next_session(OTHER.0, || set_other_keys(2), || {});
}

#[test]
fn an_author_who_has_set_other_keys_can_be_reported_when_the_session_is_over() {
    report_in_the_next_session(VALIDATORS[2].0, || {}, || set_other_keys(2));
}

/// Two prevotes of round 1 in set 0, both signed by validator `index`; the second for the block `second`.
fn two_votes_in_one_round(index: usize, second: Hash) -> grandpa::EquivocationProof<Hash, u32> {
    let voter = VALIDATORS[index].1;
    let vote = |target_hash| {
        let vote = finality_grandpa::Prevote { target_hash, target_number: 3 };
        let message = finality_grandpa::Message::Prevote(vote.clone());
        (vote, voter.pair().sign(&grandpa::localized_payload(1, 0, &message)).into())
    };
    let equivocation = finality_grandpa::Equivocation {
        round_number: 1,
        identity: voter.public().into(),
        first: vote(Hash::repeat_byte(1)),
        second: vote(second),
    };
    grandpa::EquivocationProof::new(0, grandpa::Equivocation::Prevote(equivocation))
}

#[test]
fn a_voter_for_two_blocks_in_one_round_is_stopped() {
    four_validators().execute_with(|| {
        let mut blocks = five_blocks();
        let (held, treasury) = (bond(3), Balances::total_balance(&Treasury::get()));
        let report = |proof: grandpa::EquivocationProof<Hash, u32>| {
            let owner = KeyOwners::prove((grandpa::KEY_TYPE, proof.offender().clone())).expect("a validator's key");
            Grandpa::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner)
        };
        let proof = two_votes_in_one_round(3, Hash::repeat_byte(2));
        assert_ok!(report(proof.clone()));
        assert_punished(3, held, treasury);
        assert_err!(report(proof), pallet_grandpa::Error::<Runtime>::DuplicateOffenceReport);

        let honest = two_votes_in_one_round(1, Hash::repeat_byte(1));
        assert_err!(report(honest), pallet_grandpa::Error::<Runtime>::InvalidEquivocationProof);
        blocks.end();
    });
}

/// The same attack as an author's.
#[test]
fn a_voter_who_has_set_other_keys_first_is_slashed_as_well() {
    four_validators().execute_with(|| {
        let mut blocks = five_blocks();
        let (held, treasury) = (bond(3), Balances::total_balance(&Treasury::get()));
        set_other_keys(3);
        let proof = two_votes_in_one_round(3, Hash::repeat_byte(2));
        let key = (grandpa::KEY_TYPE, proof.offender().clone());
        let in_history = Historical::check_proof(key.clone(), Historical::prove(key.clone()).expect("nodes of it"));
        assert!(in_history.is_none(), "the history knows the other keys only");
        // Whatever becomes of the voters: Root has forced a change once.
        assert_ok!(Grandpa::schedule_change(Grandpa::grandpa_authorities(), 0, Some(1)));
        let owner = KeyOwners::prove(key).expect("it votes with this key");
        blocks.end();
        blocks.begin();
        assert_ok!(Grandpa::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner));
        assert_punished(3, held, treasury);
        blocks.end();
    });
}
