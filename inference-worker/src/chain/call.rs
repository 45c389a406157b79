//! The transactions that the worker sends.

use super::{api, state::At, types::Payload, ChainError, Config};
use crate::journal::Inclusion;
use assay_types::{
    election::{VrfKey, VrfProof},
    Balance, BlockNumber, Cid, Commitment, Hash, ModelId, Salt, TaskId, TraceDigest,
};
use subxt::{
    config::{DefaultExtrinsicParams, DefaultExtrinsicParamsBuilder},
    transactions::Payload as Transaction,
    utils::AccountId32,
};
use subxt_signer::sr25519::Keypair;

/// A transaction.
#[derive(Clone, Debug)]
pub enum Call {
    /// Asks a question.
    Submit {
        /// The model that is asked.
        model: ModelId,
        /// Encoded parameters of the run.
        parameters: Vec<u8>,
        /// The input.
        input: Payload,
        /// The fee.
        fee: Balance,
        /// Blocks from now in which it must be solved; `None` for the chain's default.
        deadline: Option<BlockNumber>,
    },
    /// Commits to a result.
    Commit {
        /// The task.
        task: TaskId,
        /// What is committed to.
        hash: Commitment,
    },
    /// Reveals a result.
    Reveal {
        /// The task.
        task: TaskId,
        /// The secret of the commitment.
        salt: Salt,
        /// The sealed trace.
        trace_seal: Hash,
        /// The encoded output.
        output: Payload,
    },
    /// Claims the payment for a solved task.
    Claim {
        /// The task.
        task: TaskId,
    },
    /// Gets the hold of a commitment back that came to nothing.
    WithdrawCommitment {
        /// The task.
        task: TaskId,
    },
    /// Contests the solution of a task.
    Contest {
        /// The task.
        task: TaskId,
        /// Seal of the own result.
        seal: Hash,
    },
    /// Votes in a dispute.
    Vote {
        /// The task.
        task: TaskId,
        /// Seal of the own result.
        seal: Hash,
    },
    /// Opens what was sealed in a contest or a vote.
    Open {
        /// The task.
        task: TaskId,
        /// Content id of the output.
        output: Cid,
        /// Digest of everything that was computed.
        trace: TraceDigest,
        /// The secret of the seal.
        salt: Salt,
    },
    /// Shows the trace behind the own solution, which is contested.
    OpenSolution {
        /// The task.
        task: TaskId,
        /// Digest of everything that was computed.
        trace: TraceDigest,
    },
    /// Has a dispute settled.
    Settle {
        /// The task.
        task: TaskId,
    },
    /// Has a ballot of a settled dispute paid.
    Pull {
        /// The task.
        task: TaskId,
        /// Whose ballot.
        voter: AccountId32,
    },
    /// Places a bond.
    Bond {
        /// How much.
        amount: Balance,
    },
    /// Adds to a bond.
    BondMore {
        /// How much.
        amount: Balance,
    },
    /// Takes an amount out of a bond.
    Unbond {
        /// How much.
        amount: Balance,
    },
    /// Has what was taken out of a bond and is due paid.
    WithdrawBond,
    /// Names the own part of everything that is earned, before delegators share the rest.
    SetCommission {
        /// In parts of 10^9.
        parts: u32,
    },
    /// Delegates to a solver.
    Delegate {
        /// The solver.
        solver: AccountId32,
        /// How much.
        amount: Balance,
    },
    /// Takes an amount out of what is delegated to a solver.
    Undelegate {
        /// The solver.
        solver: AccountId32,
        /// How much.
        amount: Balance,
    },
    /// Has what was taken out of a delegation and is due paid.
    WithdrawDelegation {
        /// To whom it was delegated.
        solver: AccountId32,
    },
    /// Declares that a model is served.
    Serve {
        /// The model.
        model: ModelId,
    },
    /// Declares that a model is served no longer.
    StopServing {
        /// The model.
        model: ModelId,
    },
    /// Registers a model.
    Register {
        /// Content id of its manifest.
        manifest: Cid,
        /// Flat fee of each task.
        fee: Balance,
        /// Who receives it.
        recipient: AccountId32,
    },
    /// Changes the terms of a model, for tasks to come.
    UpdateModel {
        /// The model.
        model: ModelId,
        /// Flat fee of each task.
        fee: Balance,
        /// Who receives it.
        recipient: AccountId32,
    },
    /// Offers a model no longer.
    RetireModel {
        /// The model.
        model: ModelId,
    },
    /// Sets the session keys with which the account serves as a validator.
    SetSessionKeys {
        /// The keys, encoded.
        keys: Vec<u8>,
        /// That whoever has them wants this account to own them.
        proof: Vec<u8>,
    },
    /// Becomes a candidate of elections, or changes a candidate's keys.
    RegisterCandidate {
        /// The key of its function.
        vrf_key: VrfKey,
        /// Hash of its session keys.
        keys: Hash,
    },
    /// Commits tokens to this tenure's election.
    CommitTokens {
        /// How much.
        amount: Balance,
        /// The output of its function, proven.
        vrf_proof: VrfProof,
    },
    /// Stands for the committee.
    Stand,
    /// Ends being out.
    Resume,
    /// Is no longer a candidate, or no longer stands.
    LeaveElections,
    /// Gets the seat bond back.
    WithdrawSeatBond,
}

impl Call {
    /// Its name, for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submit { .. } => "submit",
            Self::Commit { .. } => "commit",
            Self::Reveal { .. } => "reveal",
            Self::Claim { .. } => "claim",
            Self::WithdrawCommitment { .. } => "withdraw_commitment",
            Self::Contest { .. } => "contest",
            Self::Vote { .. } => "vote",
            Self::Open { .. } => "open",
            Self::OpenSolution { .. } => "open_solution",
            Self::Settle { .. } => "settle",
            Self::Pull { .. } => "pull",
            Self::Bond { .. } => "bond",
            Self::BondMore { .. } => "bond_more",
            Self::Unbond { .. } => "unbond",
            Self::WithdrawBond => "withdraw",
            Self::SetCommission { .. } => "set_commission",
            Self::Delegate { .. } => "delegate",
            Self::Undelegate { .. } => "undelegate",
            Self::WithdrawDelegation { .. } => "withdraw_delegation",
            Self::Serve { .. } => "serve",
            Self::StopServing { .. } => "stop_serving",
            Self::Register { .. } => "register",
            Self::UpdateModel { .. } => "update",
            Self::RetireModel { .. } => "retire",
            Self::SetSessionKeys { .. } => "set_keys",
            Self::RegisterCandidate { .. } => "register_candidate",
            Self::CommitTokens { .. } => "commit_tokens",
            Self::Stand => "stand",
            Self::Resume => "resume",
            Self::LeaveElections => "leave",
            Self::WithdrawSeatBond => "withdraw_seat_bond",
        }
    }
}

use api::runtime::runtime_types::{
    assay_runtime::configs::consensus::SessionKeys, assay_traits::Payload as PayloadOnChain,
    assay_types::cid::Cid as CidOnChain, bounded_collections::bounded_vec::BoundedVec,
    sp_arithmetic::per_things::Perbill, sp_consensus_babe::app::Public as BabeKey,
    sp_consensus_grandpa::app::Public as GrandpaKey,
};

impl From<Payload> for PayloadOnChain {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Inline(bytes) => Self::Inline(BoundedVec(bytes)),
            Payload::External { cid, length } => Self::External { cid: CidOnChain(cid.0), length },
        }
    }
}

type Params = DefaultExtrinsicParams<Config>;

impl At {
    /// Signs `call` for `nonce` and for this block's runtime, valid for `mortality` blocks from `anchor` on and on
    /// chains that have that block.
    pub(crate) fn sign(
        &self,
        call: &Call,
        key: &Keypair,
        nonce: u64,
        anchor: Inclusion,
        mortality: u64,
    ) -> Result<Vec<u8>, ChainError> {
        let tx = api::tx();
        let params = DefaultExtrinsicParamsBuilder::<Config>::new()
            .nonce(nonce)
            .mortal_from_unchecked(mortality, u64::from(anchor.number), anchor.hash)
            .build();
        match call.clone() {
            Call::Submit { model, parameters, input, fee, deadline } => {
                let call = tx.tasks().submit(model, BoundedVec(parameters), input.into(), fee, deadline);
                self.sign_one(&call, key, params)
            }
            Call::Commit { task, hash } => self.sign_one(&tx.solutions().commit(task, hash), key, params),
            Call::Reveal { task, salt, trace_seal, output } => {
                self.sign_one(&tx.solutions().reveal(task, salt, trace_seal, output.into()), key, params)
            }
            Call::Claim { task } => self.sign_one(&tx.solutions().claim(task), key, params),
            Call::WithdrawCommitment { task } => self.sign_one(&tx.solutions().withdraw_commitment(task), key, params),
            Call::Contest { task, seal } => self.sign_one(&tx.contestation().contest(task, seal), key, params),
            Call::Vote { task, seal } => self.sign_one(&tx.contestation().vote(task, seal), key, params),
            Call::Open { task, output, trace, salt } => {
                let call = tx.contestation().open(task, CidOnChain(output.0), trace, salt);
                self.sign_one(&call, key, params)
            }
            Call::OpenSolution { task, trace } => {
                self.sign_one(&tx.contestation().open_solution(task, trace), key, params)
            }
            Call::Settle { task } => self.sign_one(&tx.contestation().settle(task), key, params),
            Call::Pull { task, voter } => self.sign_one(&tx.contestation().pull(task, voter), key, params),
            Call::Bond { amount } => self.sign_one(&tx.bonds().bond(amount), key, params),
            Call::BondMore { amount } => self.sign_one(&tx.bonds().bond_more(amount), key, params),
            Call::Unbond { amount } => self.sign_one(&tx.bonds().unbond(amount), key, params),
            Call::WithdrawBond => self.sign_one(&tx.bonds().withdraw(), key, params),
            Call::SetCommission { parts } => self.sign_one(&tx.bonds().set_commission(Perbill(parts)), key, params),
            Call::Delegate { solver, amount } => self.sign_one(&tx.bonds().delegate(solver, amount), key, params),
            Call::Undelegate { solver, amount } => self.sign_one(&tx.bonds().undelegate(solver, amount), key, params),
            Call::WithdrawDelegation { solver } => self.sign_one(&tx.bonds().withdraw_delegation(solver), key, params),
            Call::Serve { model } => self.sign_one(&tx.models().serve(model), key, params),
            Call::StopServing { model } => self.sign_one(&tx.models().stop_serving(model), key, params),
            Call::Register { manifest, fee, recipient } => {
                let call = tx.models().register(CidOnChain(manifest.0), fee, recipient);
                self.sign_one(&call, key, params)
            }
            Call::UpdateModel { model, fee, recipient } => {
                self.sign_one(&tx.models().update(model, fee, recipient), key, params)
            }
            Call::RetireModel { model } => self.sign_one(&tx.models().retire(model), key, params),
            Call::SetSessionKeys { keys, proof } => {
                let call = tx.session().set_keys(session_keys(&keys)?, proof);
                self.sign_one(&call, key, params)
            }
            Call::RegisterCandidate { vrf_key, keys } => {
                self.sign_one(&tx.elections().register(vrf_key, keys), key, params)
            }
            Call::CommitTokens { amount, vrf_proof } => {
                self.sign_one(&tx.elections().commit(amount, vrf_proof), key, params)
            }
            Call::Stand => self.sign_one(&tx.elections().stand(), key, params),
            Call::Resume => self.sign_one(&tx.elections().resume(), key, params),
            Call::LeaveElections => self.sign_one(&tx.elections().leave(), key, params),
            Call::WithdrawSeatBond => self.sign_one(&tx.elections().withdraw_seat_bond(), key, params),
        }
    }

    fn sign_one(&self, call: &impl Transaction, key: &Keypair, params: Params) -> Result<Vec<u8>, ChainError> {
        let mut signable = self.inner().tx().create_signable_offline(call, params).map_err(subxt::Error::from)?;
        Ok(signable.sign(key).map_err(subxt::Error::from)?.into_encoded())
    }
}

/// Session keys as the call takes them.
fn session_keys(bytes: &[u8]) -> Result<SessionKeys, ChainError> {
    use codec::DecodeAll;
    let (babe, grandpa) = DecodeAll::decode_all(&mut &*bytes).map_err(|_| {
        ChainError::Incompatible(format!("its session keys take {} bytes, not 64; update the worker", bytes.len()))
    })?;
    Ok(SessionKeys { babe: BabeKey(babe), grandpa: GrandpaKey(grandpa) })
}
