//! How identifiers, seeds and commitments are derived from bytes: the part of the protocol that chain, worker and
//! verifier must agree on to the bit. Every hash is blake2b-256 over a domain string and fields of fixed width (accounts
//! are 32 bytes on every Assay network), so two different inputs never share an encoding.

use crate::{BlockRandomness, Cid, Commitment, Hash, ModelId, ResultId, Salt, TaskId, TraceDigest};
use codec::Encode;
use sp_crypto_hashing::blake2_256;

/// Seeds given as a number are taken modulo 2^53 - 16, so that every language can hold them exactly.
///
/// Origin: the DML paper prints 0x1FFFFFFFFFFFFFF0 and calls it about 2^53; its deployed protocol uses 2^53 - 16.
pub const SEED_MODULUS: u64 = (1 << 53) - 16;

/// Identifies a model by who registered it and by its manifest, so that nobody can take the name of another's model
/// by registering its manifest first.
pub fn model_id(owner: &impl Encode, manifest: &Cid) -> ModelId {
    (b"assay/model", owner, manifest).using_encoded(blake2_256).into()
}

/// Hash of a task's parameters, as they enter its id and its seed.
pub fn parameters_hash(parameters: &[u8]) -> Hash {
    blake2_256(parameters).into()
}

/// Identifies a task: hash of the task, chained to the id of the task before it.
pub fn task_id(previous: &TaskId, submitter: &impl Encode, model: &ModelId, parameters: &[u8], input: &Cid) -> TaskId {
    (b"assay/task", previous, submitter, model, parameters_hash(parameters), input).using_encoded(blake2_256).into()
}

/// The seed of a task's run: nothing the solver can choose, unknown to all but one block author before the task
/// is in a block.
pub fn seed(
    genesis: &Hash,
    task: &TaskId,
    randomness: &BlockRandomness,
    model: &ModelId,
    parameters: &[u8],
) -> [u8; 32] {
    (b"assay/seed", genesis, task, randomness, model, parameters_hash(parameters)).using_encoded(blake2_256)
}

/// The seed as a number below [`SEED_MODULUS`], for engines that take one: its bytes read as a 256-bit big-endian
/// number, reduced.
pub fn seed_number(seed: &[u8; 32]) -> u64 {
    let modulus = u128::from(SEED_MODULUS);
    let reduced = seed.iter().fold(0u128, |value, byte| ((value << 8) | u128::from(*byte)) % modulus);
    u64::try_from(reduced).unwrap_or_default()
}

/// Seals a trace digest: shown at the reveal in place of the digest, which is only opened in a dispute.
pub fn trace_seal(task: &TaskId, solver: &impl Encode, trace: &TraceDigest) -> Hash {
    (b"assay/trace", task, solver, trace).using_encoded(blake2_256).into()
}

/// What a solver commits to: bound to chain, task and solver, so that another's commitment is worth nothing to
/// whoever copies it.
pub fn commitment(
    genesis: &Hash,
    task: &TaskId,
    solver: &impl Encode,
    output: &Cid,
    trace_seal: &Hash,
    salt: &Salt,
) -> Commitment {
    (b"assay/commitment", genesis, task, solver, output, trace_seal, salt).using_encoded(blake2_256).into()
}

/// Names a result: an output together with the trace digest of the run that made it. Two runs of an exact engine give
/// the same; whoever only knows the output cannot name it.
pub fn result_id(output: &Cid, trace: &TraceDigest) -> ResultId {
    (b"assay/result", output, trace).using_encoded(blake2_256).into()
}

/// What a contester or a voter of a dispute commits to: its own result, bound to chain, task and voter, so that nobody
/// can copy another's ballot.
pub fn ballot_seal(
    genesis: &Hash,
    task: &TaskId,
    voter: &impl Encode,
    output: &Cid,
    trace: &TraceDigest,
    salt: &Salt,
) -> Hash {
    (b"assay/ballot", genesis, task, voter, output, trace, salt).using_encoded(blake2_256).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccountId;

    #[test]
    fn seed_number_reduces_like_long_division() {
        let number = |low: u64| {
            let mut bytes = [0u8; 32];
            bytes[24..].copy_from_slice(&low.to_be_bytes());
            seed_number(&bytes)
        };
        assert_eq!(number(0), 0);
        assert_eq!(number(SEED_MODULUS - 1), SEED_MODULUS - 1);
        assert_eq!(number(SEED_MODULUS), 0);
        assert_eq!(number(SEED_MODULUS + 7), 7);
        // 2^256 - 1 modulo 2^53 - 16, computed with arbitrary precision elsewhere.
        assert_eq!(seed_number(&[0xff; 32]), ALL_ONES_MODULO);
    }

    const ALL_ONES_MODULO: u64 = 2047;

    /// Task ids and their seed numbers as a live protocol of the same family computed them.
    #[test]
    fn seed_number_meets_published_values() {
        let number = |high: u128, low: u128| {
            let mut bytes = [0u8; 32];
            bytes[..16].copy_from_slice(&high.to_be_bytes());
            bytes[16..].copy_from_slice(&low.to_be_bytes());
            seed_number(&bytes)
        };
        assert_eq!(number(0x172c4a80e56a0610fa3a5a93062b9a53, 0x7c6aca2043eb6b85b052f4cd62d69e2c), 810646377409212);
        let repeated = 0x1234567890abcdef1234567890abcdef;
        assert_eq!(number(repeated, repeated), 8085775493774367);
        assert_eq!(number(0, 0x11223344), 287454020);
    }

    #[test]
    fn every_field_changes_the_commitment() {
        let (a, b) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
        let (zero, one) = (Hash::zero(), Hash::repeat_byte(1));
        let base = commitment(&zero, &zero, &a, &Cid([0; 32]), &zero, &[0; 32]);
        for other in [
            commitment(&one, &zero, &a, &Cid([0; 32]), &zero, &[0; 32]),
            commitment(&zero, &one, &a, &Cid([0; 32]), &zero, &[0; 32]),
            commitment(&zero, &zero, &b, &Cid([0; 32]), &zero, &[0; 32]),
            commitment(&zero, &zero, &a, &Cid([1; 32]), &zero, &[0; 32]),
            commitment(&zero, &zero, &a, &Cid([0; 32]), &one, &[0; 32]),
            commitment(&zero, &zero, &a, &Cid([0; 32]), &zero, &[1; 32]),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn every_field_changes_the_seal_of_a_ballot() {
        let (a, b) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
        let (zero, one) = (Hash::zero(), Hash::repeat_byte(1));
        let base = ballot_seal(&zero, &zero, &a, &Cid([0; 32]), &zero, &[0; 32]);
        for other in [
            ballot_seal(&one, &zero, &a, &Cid([0; 32]), &zero, &[0; 32]),
            ballot_seal(&zero, &one, &a, &Cid([0; 32]), &zero, &[0; 32]),
            ballot_seal(&zero, &zero, &b, &Cid([0; 32]), &zero, &[0; 32]),
            ballot_seal(&zero, &zero, &a, &Cid([1; 32]), &zero, &[0; 32]),
            ballot_seal(&zero, &zero, &a, &Cid([0; 32]), &one, &[0; 32]),
            ballot_seal(&zero, &zero, &a, &Cid([0; 32]), &zero, &[1; 32]),
            // A commitment to the same is not a ballot for it.
            commitment(&zero, &zero, &a, &Cid([0; 32]), &zero, &[0; 32]),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_result_is_its_output_and_its_trace() {
        let base = result_id(&Cid([0; 32]), &Hash::zero());
        assert_ne!(base, result_id(&Cid([1; 32]), &Hash::zero()));
        assert_ne!(base, result_id(&Cid([0; 32]), &Hash::repeat_byte(1)));
    }

    #[test]
    fn ids_are_chained() {
        let account = AccountId::new([1; 32]);
        let id = |previous| task_id(&previous, &account, &Hash::zero(), b"", &Cid::of(b"hello"));
        assert_ne!(id(Hash::zero()), id(Hash::repeat_byte(1)));
    }
}
