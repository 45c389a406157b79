//! # Contestation
//!
//! Contest, sealed ballots, verdict: how a wrong answer is found out and paid for.
//!
//! A solution rests on an output and on the trace of the run that made it, which an exact engine makes unique. While it
//! may be contested, any eligible solver who computed something else *contests* it: it seals its own result and pledges
//! as much of its bond as the solution's solver has. Then those who serve the model *vote*, each sealing the result that
//! it computed itself; in the next phase contester and voters *open* what they sealed, and the solver shows the trace
//! behind its solution. Nobody can vote by copying: of the others' results only the solution's output is public, and a
//! result is an output together with its trace.
//!
//! ```text
//!  contest ----- vote ----->|----- open, open_solution ----->|-- settle -- pull, charge_absent --> closed
//!          [`Config::BallotCommit`]   [`Config::BallotOpen`]
//! ```
//!
//! A ballot weighs what its voter has of mature bond. The solution **falls** when one other result outweighs it: the user
//! is refunded, nothing is minted, the solver loses its stake. It **stands** otherwise: the solver is paid, the contester
//! loses its stake. Without a quorum the dispute is **inconclusive**: the user is refunded and either party pays a
//! charge of the size of the fee. Half of what the losers lose goes to the winning party, half to the other winners by
//! weight; what nobody has earned goes to the treasury. See [`Dispute`] and, for the rules in full, `verdict.rs`.
//!
//! **Money.** The parties' stakes are pledged of their own bonds until the dispute is settled. A ballot's stake is in the
//! escrow of the stake ([`assay_traits::StakeEscrow`]) until it is pulled; so is what the losers lost until the winners
//! have pulled it.
//!
//! Members of the committee must vote on the models that they have declared; one who does not is charged.
//!
//! Nothing here is done in a loop over voters: tallies grow as ballots open, `settle` looks at two of them, and each
//! winner pulls what is its own. A sweeper in `on_idle` settles and pulls what nobody calls for, so that no task stays
//! locked.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod types;
mod verdict;
pub mod weights;

pub use pallet::*;
pub use types::{Ballot, Dispute, Outcome, Quorum, Tally, Votes};
pub use weights::WeightInfo;

/// The pallet itself.
// What FRAME's macros generate here uses `expect`; what is written here does not.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_traits::{
        Committee, ModelRegistry, OnDisputeResolved, SolutionBook, SolverStake, StakeEscrow, TaskBook, TaskState,
        Verdict,
    };
    use assay_types::{protocol, Balance, BlockNumber, Cid, Hash, ResultId, Salt, TaskId, TraceDigest};
    use frame_support::{pallet_prelude::*, weights::WeightMeter};
    use frame_system::pallet_prelude::*;
    use sp_runtime::{
        traits::{BlockNumberProvider, Zero},
        Percent,
    };

    /// The first storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// What a voter stakes of its mature bond on its ballot; never more than a party stakes.
    pub const BALLOT_STAKE: Percent = Percent::from_percent(10);

    /// What the pallet asks of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash = Hash> {
        /// Weights of the calls and the sweeper.
        type WeightInfo: WeightInfo;

        /// Tells the height.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// The tasks whose solutions are contested.
        type Tasks: TaskBook<Self::AccountId>;

        /// The solutions that are contested.
        type Solutions: SolutionBook<Self::AccountId>;

        /// The models, and who serves them.
        type Models: ModelRegistry<Self::AccountId>;

        /// The stake of solvers, and the escrow.
        type Stake: StakeEscrow<Self::AccountId>;

        /// Who must vote on the models that it serves.
        type Committee: Committee<Self::AccountId>;

        /// Told when a dispute has ended.
        type OnDisputeResolved: OnDisputeResolved<Self::AccountId>;

        /// Blocks in which ballots are taken.
        type BallotCommit: Get<BlockNumber>;

        /// Blocks in which they are opened.
        type BallotOpen: Get<BlockNumber>;

        /// What a verdict needs.
        type Quorum: Get<Quorum>;

        /// Most members of the committee.
        #[pallet::constant]
        type MaxCommittee: Get<u32>;

        /// Blocks that the sweeper leaves to others before it settles or pulls itself.
        #[pallet::constant]
        type SweepDelay: Get<BlockNumber>;

        /// Disputes, and as many ballots, that the sweeper looks at in one block at most.
        #[pallet::constant]
        type SweepBatch: Get<u32>;
    }

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Every dispute of which something has not been pulled or charged yet, by its task.
    #[pallet::storage]
    pub type Disputes<T: Config> = StorageMap<_, Blake2_128Concat, TaskId, Dispute<T::AccountId>, OptionQuery>;

    /// Ballots that have not been pulled, by task and voter.
    #[pallet::storage]
    pub type Ballots<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, TaskId, Blake2_128Concat, T::AccountId, Ballot, OptionQuery>;

    /// What was opened for each result of a dispute.
    #[pallet::storage]
    pub type Tallies<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, TaskId, Blake2_128Concat, ResultId, Tally, OptionQuery>;

    /// Members of the committee who must vote in a dispute and have not.
    #[pallet::storage]
    pub type Absent<T: Config> =
        StorageMap<_, Blake2_128Concat, TaskId, BoundedVec<T::AccountId, T::MaxCommittee>, OptionQuery>;

    /// The dispute that the sweeper looked at last; none between two rounds.
    #[pallet::storage]
    pub type DisputeCursor<T: Config> = StorageValue<_, TaskId, OptionQuery>;

    /// The ballot that the sweeper looked at last; none between two rounds.
    #[pallet::storage]
    pub type BallotCursor<T: Config> = StorageValue<_, (TaskId, T::AccountId), OptionQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A solution is contested.
        Contested {
            /// The task.
            task: TaskId,
            /// Whose solution.
            solver: T::AccountId,
            /// Who contests it.
            contester: T::AccountId,
            /// What either party may lose, in units of ASY.
            stake: Balance,
            /// Last block in which ballots are taken.
            votes_until: BlockNumber,
            /// Last block in which they are opened.
            opens_until: BlockNumber,
        },
        /// A solver sealed a ballot.
        Voted {
            /// The task.
            task: TaskId,
            /// Who voted.
            voter: T::AccountId,
            /// What it may lose, in units of ASY.
            stake: Balance,
            /// What its ballot weighs.
            weight: Balance,
        },
        /// A party or a voter showed its result.
        Opened {
            /// The task.
            task: TaskId,
            /// Who.
            who: T::AccountId,
            /// The result.
            result: ResultId,
            /// What it weighs.
            weight: Balance,
        },
        /// A dispute was settled.
        Resolved {
            /// The task.
            task: TaskId,
            /// The verdict.
            verdict: Verdict,
            /// The result that has won; `None` without a quorum.
            winner: Option<ResultId>,
            /// What the solver lost, in units of ASY.
            solver_lost: Balance,
            /// What the contester lost, in units of ASY.
            contester_lost: Balance,
            /// What the party that has won was paid, in units of ASY.
            party_reward: Balance,
            /// What the voters who have won share, in units of ASY.
            voters_reward: Balance,
        },
        /// A ballot was pulled.
        Pulled {
            /// The task.
            task: TaskId,
            /// Whose ballot.
            voter: T::AccountId,
            /// What of its stake went back to its bond, in units of ASY.
            stake: Balance,
            /// What it was paid, in units of ASY.
            reward: Balance,
        },
        /// A member of the committee was charged for not having voted.
        AbsentCharged {
            /// The task.
            task: TaskId,
            /// Who.
            member: T::AccountId,
            /// What it paid to the treasury, in units of ASY.
            amount: Balance,
        },
        /// Nothing of a dispute is left to be pulled or charged: its record is gone.
        Closed {
            /// The task.
            task: TaskId,
        },
        /// The sweeper could not settle a dispute; it will try again in its next round.
        SweepFailed {
            /// The task.
            task: TaskId,
            /// Why.
            error: DispatchError,
        },
    }

    /// Why a call failed.
    #[pallet::error]
    pub enum Error<T> {
        /// The task has no solution that could be contested.
        NotSolved,
        /// Nobody contests his own solution.
        OwnSolution,
        /// The solution may still be replaced: it cannot be contested yet.
        TooEarly,
        /// The time in which the solution could be contested is over.
        WindowOver,
        /// There is no dispute over this task, or nothing of it is left.
        NotFound,
        /// A party of the dispute has no ballot beside its own result.
        Party,
        /// The voter has not declared that it serves the task's model.
        NotServing,
        /// The voter has voted already.
        AlreadyVoted,
        /// No more ballots are taken.
        VotesOver,
        /// Nothing is opened before the last ballot could be sealed.
        OpeningNotBegun,
        /// The time in which results are opened is over.
        OpeningOver,
        /// The sender has sealed nothing in this dispute.
        NothingSealed,
        /// The sender has opened its result already.
        AlreadyOpened,
        /// What was sealed is something else.
        SealMismatch,
        /// Only the solver shows the trace of its solution.
        NotSolver,
        /// Results may still be opened.
        SettleTooEarly,
        /// The dispute is settled already.
        AlreadySettled,
        /// The dispute is not settled yet.
        NotSettled,
        /// The voter has no ballot in this dispute, or it has been pulled.
        NoBallot,
        /// The account need not have voted, or it has, or it has been charged.
        NotAbsent,
        /// An amount does not fit its type.
        Overflow,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
            let mut meter = WeightMeter::with_limit(remaining);
            Self::sweep(&mut meter);
            meter.consumed()
        }

        // A wrong constant must stop the build of a runtime, so this check may panic: it runs in tests only.
        #[allow(clippy::panic)]
        fn integrity_test() {
            assert!(T::SweepBatch::get() > 0, "SweepBatch is zero: the sweeper would never take a step");
            assert!(T::MaxCommittee::get() >= T::Committee::MAX, "MaxCommittee is below what the committee may have");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Contests the solution of a task.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a solver whose bond makes it eligible; not by the solver of the solution.
        ///
        /// ## Details
        ///
        /// `seal` is [`assay_types::protocol::ballot_seal`] of the sender's own result, which it must open later: a
        /// contester who does not loses its stake. As much of the sender's own bond is pledged as the solution's solver
        /// has pledged. Periods, stake, charge and quorum are fixed as they are now.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotSolved`]: there is no such task, or it is not solved, or contested already.
        /// - [`Error::OwnSolution`], [`Error::TooEarly`], [`Error::WindowOver`].
        /// - The stake's, when the sender is not eligible or too little of its bond is free.
        ///
        /// ## Events
        ///
        /// - [`Event::Contested`].
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::contest(T::MaxCommittee::get()))]
        pub fn contest(origin: OriginFor<T>, task: TaskId, seal: Hash) -> DispatchResult {
            let contester = ensure_signed(origin)?;
            let (view, solution) =
                T::Tasks::view(&task).zip(T::Solutions::standing(&task)).ok_or(Error::<T>::NotSolved)?;
            ensure!(view.state == TaskState::Solved, Error::<T>::NotSolved);
            ensure!(solution.solver != contester, Error::<T>::OwnSolution);
            let now = Self::now();
            ensure!(now >= solution.contestable_from, Error::<T>::TooEarly);
            ensure!(now <= solution.contestable_until, Error::<T>::WindowOver);
            T::Stake::ensure_eligible(&contester)?;
            T::Stake::pledge(&contester, solution.stake)?;
            T::Tasks::dispute(&task)?;

            let votes_until = now.saturating_add(T::BallotCommit::get());
            let opens_until = votes_until.saturating_add(T::BallotOpen::get());
            let dispute = Dispute {
                model: view.model,
                output: solution.output,
                trace_seal: solution.trace_seal,
                seal,
                stake: solution.stake,
                charge: view.fee.min(solution.stake),
                quorum: T::Quorum::get(),
                opened_at: now,
                votes_until,
                opens_until,
                solver_weight: T::Stake::mature(&solution.solver),
                contester_weight: T::Stake::mature(&contester),
                votes: Votes::default(),
                solution_result: None,
                solver_opened: false,
                contester_result: None,
                leader: None,
                outcome: None,
                solver: solution.solver.clone(),
                contester: contester.clone(),
            };
            Self::oblige_committee(&task, &dispute);
            Disputes::<T>::insert(task, dispute);
            Self::deposit_event(Event::Contested {
                task,
                solver: solution.solver,
                contester,
                stake: solution.stake,
                votes_until,
                opens_until,
            });
            Ok(())
        }

        /// Seals a ballot.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a solver whose bond makes it eligible and who serves the task's model; not by a party.
        ///
        /// ## Details
        ///
        /// `seal` is [`assay_types::protocol::ballot_seal`] of the result that the sender computed itself. The ballot
        /// weighs what the sender has of mature own bond now. A tenth of that, and at most what a party stakes, moves
        /// from the sender's bond into the escrow; it is lost if the ballot is not opened.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::VotesOver`], [`Error::Party`], [`Error::NotServing`],
        ///   [`Error::AlreadyVoted`].
        /// - The stake's, when the sender is not eligible or too little of its bond is free.
        ///
        /// ## Events
        ///
        /// - [`Event::Voted`].
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::vote())]
        pub fn vote(origin: OriginFor<T>, task: TaskId, seal: Hash) -> DispatchResult {
            let voter = ensure_signed(origin)?;
            let mut dispute = Disputes::<T>::get(task).ok_or(Error::<T>::NotFound)?;
            ensure!(Self::now() <= dispute.votes_until, Error::<T>::VotesOver);
            ensure!(voter != dispute.solver && voter != dispute.contester, Error::<T>::Party);
            ensure!(T::Models::serves(&dispute.model, &voter), Error::<T>::NotServing);
            ensure!(!Ballots::<T>::contains_key(task, &voter), Error::<T>::AlreadyVoted);
            T::Stake::ensure_eligible(&voter)?;
            let weight = T::Stake::mature(&voter);
            let stake = BALLOT_STAKE.mul_ceil(weight).min(dispute.stake);
            T::Stake::escrow(&voter, stake)?;

            let votes = &mut dispute.votes;
            votes.stored = votes.stored.checked_add(1).ok_or(Error::<T>::Overflow)?;
            votes.staked = votes.staked.checked_add(stake).ok_or(Error::<T>::Overflow)?;
            Disputes::<T>::insert(task, dispute);
            Ballots::<T>::insert(task, &voter, Ballot { seal, stake, weight, result: None });
            Self::excuse(&task, &voter);
            Self::deposit_event(Event::Voted { task, voter, stake, weight });
            Ok(())
        }

        /// Opens what the sender sealed.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the contester or a voter of the dispute.
        ///
        /// ## Details
        ///
        /// `output` is the content id of the sender's output, `trace` the digest of its run's trace and `salt` the secret
        /// with which it sealed them. The sender's weight counts for this result from now on.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::OpeningNotBegun`], [`Error::OpeningOver`], [`Error::NothingSealed`],
        ///   [`Error::AlreadyOpened`], [`Error::SealMismatch`].
        ///
        /// ## Events
        ///
        /// - [`Event::Opened`].
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::open())]
        pub fn open(origin: OriginFor<T>, task: TaskId, output: Cid, trace: TraceDigest, salt: Salt) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let mut dispute = Disputes::<T>::get(task).ok_or(Error::<T>::NotFound)?;
            Self::ensure_opening(&dispute)?;
            let mut ballot = if who == dispute.contester {
                ensure!(dispute.contester_result.is_none(), Error::<T>::AlreadyOpened);
                None
            } else {
                let ballot = Ballots::<T>::get(task, &who).ok_or(Error::<T>::NothingSealed)?;
                ensure!(ballot.result.is_none(), Error::<T>::AlreadyOpened);
                Some(ballot)
            };
            let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
            let sealed = ballot.as_ref().map_or(dispute.seal, |ballot| ballot.seal);
            ensure!(
                sealed == protocol::ballot_seal(&genesis, &task, &who, &output, &trace, &salt),
                Error::<T>::SealMismatch
            );
            let result = protocol::result_id(&output, &trace);
            if output == dispute.output && dispute.trace_seal == protocol::trace_seal(&task, &dispute.solver, &trace) {
                dispute.solution_result = Some(result);
            }
            let weight = ballot.as_ref().map_or(dispute.contester_weight, |ballot| ballot.weight);
            Self::count(&task, &mut dispute, result, weight, ballot.as_ref())?;
            match ballot.as_mut() {
                Some(ballot) => {
                    ballot.result = Some(result);
                    Ballots::<T>::insert(task, &who, ballot);
                }
                None => dispute.contester_result = Some(result),
            }
            Disputes::<T>::insert(task, dispute);
            Self::deposit_event(Event::Opened { task, who, result, weight });
            Ok(())
        }

        /// Shows the trace behind a contested solution.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the solver of the solution.
        ///
        /// ## Details
        ///
        /// The sender's weight counts for its own result from now on. A solver who does not call this loses nothing by it
        /// but that weight: any voter who opens the same result has shown the trace for it.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::NotSolver`], [`Error::OpeningNotBegun`], [`Error::OpeningOver`],
        ///   [`Error::AlreadyOpened`].
        /// - [`Error::SealMismatch`]: the solution was sealed with another trace.
        ///
        /// ## Events
        ///
        /// - [`Event::Opened`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::open_solution())]
        pub fn open_solution(origin: OriginFor<T>, task: TaskId, trace: TraceDigest) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let mut dispute = Disputes::<T>::get(task).ok_or(Error::<T>::NotFound)?;
            ensure!(who == dispute.solver, Error::<T>::NotSolver);
            Self::ensure_opening(&dispute)?;
            ensure!(!dispute.solver_opened, Error::<T>::AlreadyOpened);
            ensure!(dispute.trace_seal == protocol::trace_seal(&task, &who, &trace), Error::<T>::SealMismatch);
            let result = protocol::result_id(&dispute.output, &trace);
            dispute.solution_result = Some(result);
            dispute.solver_opened = true;
            let weight = dispute.solver_weight;
            Self::count(&task, &mut dispute, result, weight, None)?;
            Disputes::<T>::insert(task, dispute);
            Self::deposit_event(Event::Opened { task, who, result, weight });
            Ok(())
        }

        /// Settles a dispute.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by anyone.
        ///
        /// ## Details
        ///
        /// Judges by what was opened, ends the task, pays the party that has won, and fixes what each voter may pull. The
        /// cost does not depend on how many have voted. The sweeper does the same [`Config::SweepDelay`] blocks later.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::AlreadySettled`], [`Error::SettleTooEarly`].
        /// - The solutions' and the tasks'.
        ///
        /// ## Events
        ///
        /// - [`Event::Resolved`]; [`Event::Closed`] if nobody has voted and nobody had to.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::settle().saturating_add(Pallet::<T>::news_weight()))]
        pub fn settle(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
            ensure_signed(origin)?;
            let dispute = Disputes::<T>::get(task).ok_or(Error::<T>::NotFound)?;
            ensure!(dispute.outcome.is_none(), Error::<T>::AlreadySettled);
            ensure!(Self::now() > dispute.opens_until, Error::<T>::SettleTooEarly);
            Self::do_settle(task, dispute)
        }

        /// Pays out, or drops, a ballot of a dispute that is settled.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by anyone.
        ///
        /// ## Details
        ///
        /// The stake of a ballot that has won, or that was for a third result, goes back into its voter's bond, as mature
        /// as it was; one that has won is also paid its part of the reward. The last ballot of a dispute takes what
        /// rounding left to the treasury. The sweeper does the same [`Config::SweepDelay`] blocks after the verdict.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::NotSettled`], [`Error::NoBallot`].
        ///
        /// ## Events
        ///
        /// - [`Event::Pulled`]; [`Event::Closed`] if it was the last.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::pull())]
        pub fn pull(origin: OriginFor<T>, task: TaskId, voter: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            let dispute = Disputes::<T>::get(task).ok_or(Error::<T>::NotFound)?;
            let outcome = dispute.outcome.clone().ok_or(Error::<T>::NotSettled)?;
            let ballot = Ballots::<T>::get(task, &voter).ok_or(Error::<T>::NoBallot)?;
            Self::do_pull(task, voter, dispute, outcome, ballot);
            Ok(())
        }

        /// Charges a member of the committee who had to vote in a dispute and did not.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by anyone.
        ///
        /// ## Details
        ///
        /// The charge is what a ballot would have staked, and goes to the treasury; what the member has unbonded since the
        /// dispute was opened counts as if it were still bonded. A member whose bond does not suffice pays what is there.
        /// The sweeper does the same [`Config::SweepDelay`] blocks after the verdict.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`], [`Error::NotSettled`], [`Error::NotAbsent`].
        ///
        /// ## Events
        ///
        /// - [`Event::AbsentCharged`]; [`Event::Closed`] if nothing else is left.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::charge_absent().saturating_add(T::Stake::slash_weight()))]
        pub fn charge_absent(origin: OriginFor<T>, task: TaskId, member: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            let dispute = Disputes::<T>::get(task).ok_or(Error::<T>::NotFound)?;
            ensure!(dispute.outcome.is_some(), Error::<T>::NotSettled);
            ensure!(Self::excuse(&task, &member), Error::<T>::NotAbsent);
            Self::do_charge(task, &dispute, member);
            Ok(())
        }
    }
}
