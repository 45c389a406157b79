//! A validator who authors two blocks in one slot, or votes twice in one round, is stopped.

use crate::common::{genesis_with, Blocks};
use assay_runtime::{Babe, Grandpa, Hash, Header, Historical, Runtime, RuntimeOrigin, Session, SessionKeys};
use codec::Encode;
use frame_support::{assert_err, assert_ok, traits::KeyOwnerProofSystem};
use serde_json::json;
use sp_consensus_babe::{
    digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest},
    AuthorityId, EquivocationProof, Slot, BABE_ENGINE_ID, KEY_TYPE,
};
use sp_consensus_grandpa as grandpa;
use sp_core::Pair;
use sp_io::TestExternalities;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::{traits::Header as _, Digest, DigestItem};

const VALIDATORS: [(Sr25519Keyring, Ed25519Keyring); 4] = [
    (Sr25519Keyring::Alice, Ed25519Keyring::Alice),
    (Sr25519Keyring::Bob, Ed25519Keyring::Bob),
    (Sr25519Keyring::Charlie, Ed25519Keyring::Charlie),
    (Sr25519Keyring::Dave, Ed25519Keyring::Dave),
];

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

/// Two blocks of one slot, both sealed by validator `index`.
fn two_blocks_in_one_slot(index: u32, slot: Slot) -> EquivocationProof<Header> {
    let author = VALIDATORS[index as usize].0;
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
        let mut blocks = Blocks::default();
        for _ in 0..5 {
            blocks.begin();
            blocks.end();
        }
        blocks.begin();
        let proof = two_blocks_in_one_slot(2, pallet_babe::CurrentSlot::<Runtime>::get());
        let key: AuthorityId = proof.offender.clone();
        let owner = Historical::prove((KEY_TYPE, key)).expect("it is a validator's key");
        let report = |proof| Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner.clone());
        assert_ok!(report(proof.clone()));
        assert_eq!(Session::disabled_validators(), [2]);
        assert_err!(report(proof), pallet_babe::Error::<Runtime>::DuplicateOffenceReport);

        let honest = two_blocks_in_one_slot(1, pallet_babe::CurrentSlot::<Runtime>::get());
        let honest = EquivocationProof { second_header: honest.first_header.clone(), ..honest };
        let owner = Historical::prove((KEY_TYPE, honest.offender.clone())).expect("it is a validator's key");
        assert_err!(
            Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(honest), owner),
            pallet_babe::Error::<Runtime>::InvalidEquivocationProof
        );
        blocks.end();
    });
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
        let mut blocks = Blocks::default();
        for _ in 0..5 {
            blocks.begin();
            blocks.end();
        }
        blocks.begin();
        let report = |proof: grandpa::EquivocationProof<Hash, u32>| {
            let owner = Historical::prove((grandpa::KEY_TYPE, proof.offender().clone())).expect("a validator's key");
            Grandpa::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner)
        };
        let proof = two_votes_in_one_round(3, Hash::repeat_byte(2));
        assert_ok!(report(proof.clone()));
        assert_eq!(Session::disabled_validators(), [3]);
        assert_err!(report(proof), pallet_grandpa::Error::<Runtime>::DuplicateOffenceReport);

        let honest = two_votes_in_one_round(1, Hash::repeat_byte(1));
        assert_err!(report(honest), pallet_grandpa::Error::<Runtime>::InvalidEquivocationProof);
        blocks.end();
    });
}
