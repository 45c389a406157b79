use crate::Header;
use core::marker::PhantomData;
use sp_consensus_babe::{check_equivocation_proof, EquivocationProof};
use sp_runtime::{
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    DispatchError,
};
use sp_session::MembershipProof;
use sp_staking::offence::OffenceReportSystem;

type Evidence = (EquivocationProof<Header>, MembershipProof);

/// Takes those reports of two blocks in one slot that `Reports` would take, and that prove it.
///
/// The SDK's check of an unsigned report looks at nothing but whose key it is. One that proves nothing would come into a
/// block, there to fail, and with the highest priority in the place of the one that does: of two by the same offender in
/// the same slot a pool keeps one. The SDK's client makes such reports, of headers without their seals.
pub struct BlockEquivocations<Reports>(PhantomData<Reports>);

impl<Reporter, Reports: OffenceReportSystem<Reporter, Evidence>> OffenceReportSystem<Reporter, Evidence>
    for BlockEquivocations<Reports>
{
    type Longevity = Reports::Longevity;

    fn publish_evidence(evidence: Evidence) -> Result<(), ()> {
        if !check_equivocation_proof(evidence.0.clone()) {
            return Err(());
        }
        Reports::publish_evidence(evidence)
    }

    fn check_evidence(evidence: Evidence) -> Result<(), TransactionValidityError> {
        if !check_equivocation_proof(evidence.0.clone()) {
            return Err(InvalidTransaction::BadProof.into());
        }
        Reports::check_evidence(evidence)
    }

    fn process_evidence(reporter: Reporter, evidence: Evidence) -> Result<(), DispatchError> {
        Reports::process_evidence(reporter, evidence)
    }
}
