//! How elections derive what they draw by: the part that chain, candidates and whoever recomputes an election must agree
//! on to the bit.
//!
//! A candidate proves with a verifiable random function, keyed before the tenure's input was known, that it could not
//! choose what it contributes. Origin: proof-of-transfer sortition; the functions are schnorrkel's.

use crate::{BlockRandomness, Hash, Tenure};
use codec::Encode;
use sp_core::{
    crypto::{ByteArray, VrfPublic},
    sr25519::{
        vrf::{VrfInput, VrfSignData, VrfSignature, VrfTranscript},
        Public,
    },
};
use sp_crypto_hashing::blake2_256;

/// Tenures whose commitments make up a candidate's weight, the present one included.
pub const WINDOW: usize = 6;
/// A candidate's key for its verifiable random function: an sr25519 public key.
pub type VrfKey = [u8; 32];
/// Output and proof of a candidate's verifiable random function: schnorrkel's pre-output (32 bytes), then its proof (64).
pub type VrfProof = [u8; 96];
/// 256 bits that nobody could choose.
pub type Randomness = [u8; 32];

/// What a candidate's function is evaluated on: its output depends on chain, tenure and the draw before, so that neither
/// another tenure nor another chain can take it.
fn input(genesis: &Hash, tenure: Tenure, accumulator: &Randomness) -> VrfInput {
    VrfTranscript::new(
        b"assay/election",
        &[(b"genesis", genesis.as_ref()), (b"tenure", &tenure.to_le_bytes()), (b"accumulator", accumulator)],
    )
}

/// What is signed: the input, and, without influence on the output, whose commitment it is, so that nobody copies it.
fn sign_data(genesis: &Hash, tenure: Tenure, accumulator: &Randomness, candidate: &impl Encode) -> VrfSignData {
    let owner = candidate.using_encoded(|bytes| VrfTranscript::new(b"assay/candidate", &[(b"account", bytes)]));
    VrfSignData::new(input(genesis, tenure, accumulator)).with_extra(owner)
}

/// Signs a commitment of `candidate` in `tenure`; `accumulator` is that of the last draw.
#[cfg(feature = "std")]
pub fn vrf_sign(
    pair: &sp_core::sr25519::Pair,
    genesis: &Hash,
    tenure: Tenure,
    accumulator: &Randomness,
    candidate: &impl Encode,
) -> VrfProof {
    use sp_core::crypto::VrfSecret;
    let signature = pair.vrf_sign(&sign_data(genesis, tenure, accumulator, candidate));
    signature.encode().try_into().expect("a pre-output of 32 bytes and a proof of 64")
}

/// The output behind `proof`; `None` if it is not `candidate`'s with this key for just this tenure of this chain.
pub fn vrf_output(
    key: &VrfKey,
    genesis: &Hash,
    tenure: Tenure,
    accumulator: &Randomness,
    candidate: &impl Encode,
    proof: &VrfProof,
) -> Option<Randomness> {
    use codec::DecodeAll;
    let signature = VrfSignature::decode_all(&mut proof.as_slice()).ok()?;
    let public = Public::from_slice(key).ok()?;
    if !public.vrf_verify(&sign_data(genesis, tenure, accumulator, candidate), &signature) {
        return None;
    }
    public.make_bytes(b"assay/output", &input(genesis, tenure, accumulator), &signature.pre_output).ok()
}

/// The entropy after another block whose author's verifiable random function gave `randomness`; `None` if that author had
/// none.
pub fn mix_entropy(entropy: &Randomness, randomness: Option<&BlockRandomness>) -> Randomness {
    (b"assay/entropy", entropy, randomness).using_encoded(blake2_256)
}

/// What a draw is made by: the accumulator of the draw before, the entropy of all blocks up to the end of the tenure after
/// the commitments, and the output of whoever was drawn first the last time, if anybody was.
pub fn accumulate(before: &Randomness, entropy: &Randomness, first_output: Option<&Randomness>) -> Randomness {
    (b"assay/accumulate", before, entropy, first_output).using_encoded(blake2_256)
}

/// The number for the `i`-th place of a draw.
pub fn draw_number(accumulator: &Randomness, i: u32) -> [u8; 32] {
    (b"assay/draw", accumulator, i).using_encoded(blake2_256)
}

/// What a candidate registers in place of its session keys, of which these are the SCALE-encoded public parts.
pub fn keys_hash(session_keys: &[u8]) -> Hash {
    (b"assay/session-keys", session_keys).using_encoded(blake2_256).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccountId;
    use sp_core::{sr25519::Pair, Pair as _};

    #[test]
    fn a_proof_is_good_for_its_own_key_chain_tenure_input_and_candidate_alone() {
        let pair = Pair::from_seed(&[7; 32]);
        let other = Pair::from_seed(&[8; 32]).public().0;
        let (genesis, accumulator, candidate) = (Hash::repeat_byte(1), [2; 32], AccountId::new([3; 32]));
        let proof = vrf_sign(&pair, &genesis, 5, &accumulator, &candidate);
        let key = pair.public().0;
        let output = vrf_output(&key, &genesis, 5, &accumulator, &candidate, &proof);
        assert!(output.is_some());
        assert_eq!(vrf_output(&other, &genesis, 5, &accumulator, &candidate, &proof), None);
        assert_eq!(vrf_output(&key, &Hash::zero(), 5, &accumulator, &candidate, &proof), None);
        assert_eq!(vrf_output(&key, &genesis, 6, &accumulator, &candidate, &proof), None);
        assert_eq!(vrf_output(&key, &genesis, 5, &[0; 32], &candidate, &proof), None);
        assert_eq!(vrf_output(&key, &genesis, 5, &accumulator, &AccountId::new([4; 32]), &proof), None);
        for byte in [0, 31, 32, 95] {
            let mut broken = proof;
            broken[byte] ^= 1;
            assert_eq!(vrf_output(&key, &genesis, 5, &accumulator, &candidate, &broken), None);
        }
    }

    #[test]
    fn signing_again_changes_the_proof_and_not_the_output() {
        let pair = Pair::from_seed(&[7; 32]);
        let output = |candidate: [u8; 32]| {
            let candidate = AccountId::new(candidate);
            let proof = vrf_sign(&pair, &Hash::zero(), 1, &[0; 32], &candidate);
            vrf_output(&pair.public().0, &Hash::zero(), 1, &[0; 32], &candidate, &proof).expect("it was just signed")
        };
        assert_eq!(output([1; 32]), output([1; 32]));
        assert_eq!(output([1; 32]), output([2; 32]), "nobody gets another output by another account");
    }

    #[test]
    fn whatever_goes_into_an_accumulator_changes_it() {
        let base = accumulate(&[0; 32], &[0; 32], None);
        for other in [
            accumulate(&[1; 32], &[0; 32], None),
            accumulate(&[0; 32], &[1; 32], None),
            accumulate(&[0; 32], &[0; 32], Some(&[0; 32])),
            mix_entropy(&[0; 32], None),
            draw_number(&[0; 32], 0),
        ] {
            assert_ne!(base, other);
        }
        assert_ne!(mix_entropy(&[0; 32], None), mix_entropy(&[0; 32], Some(&[0; 32])));
        assert_ne!(draw_number(&[0; 32], 0), draw_number(&[0; 32], 1));
    }
}
