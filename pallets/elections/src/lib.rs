//! # Elections
//!
//! Proof of inference: who makes blocks, and who judges. Origin: the four stages of proof of inference (register, commit
//! tokens, election by verifiable randomness, block assembly), with the sortition of proof-of-transfer chains.
//!
//! A *tenure* is a session. Its validators are the **committee**, those with the most stake who stand for it, and the
//! **seats**, candidates who were drawn for this tenure.
//!
//! ```text
//! tenure        E              E+1                 E+2                    E+3                  E+4
//!        commitments   blocks' randomness   draw in its first block   next set is named   seats serve
//! ```
//!
//! A **candidate** registers the key of a verifiable random function and the hash of its session keys, waits
//! [`WAIT`] tenures, and then may commit tokens, once a tenure. Half of a commitment is burned at once, the other half is
//! paid to the committee when the tenure ends: who is drawn or not, the tokens are spent. A commitment weighs the smaller
//! of its amount and the median of the candidate's last six, so influence must be bought for hours, not for one draw.
//! With it comes an output of the candidate's function over chain, tenure and the draw before: it is proven at once, so
//! nothing can be withheld later. The output of whoever is drawn first goes into the next draw.
//!
//! **The draw** for tenure E is made in the first block of E+2, by the randomness of all blocks of E+1, among those who
//! qualify then ([`Config::Qualifiers`]): they are filtered first, then drawn one after another without replacement. If
//! nobody is drawn, the seats of the tenure before go on.
//!
//! **The committee** is chosen when a set is named: of those who [`stand`](Pallet::stand) the [`Config::CommitteeSize`]
//! with the most stake; free places are the founders', the validators that genesis named. Nobody is both a candidate and
//! on the committee: who judges is not paid by himself.
//!
//! A candidate, and whoever stands, has a **seat bond** on hold. An equivocation takes a part of it and chills: out until
//! [`resume`](Pallet::resume). So is whoever makes no block where it should have made ten. The bond can be withdrawn when no
//! equivocation of its owner could be reported any more.
//!
//! **Money** is in one place: seat bonds are holds of their owners, the committee's half of this tenure's commitments is in
//! the pot of [`Config::PalletId`], and what was committed is always what was burned, paid or is there ([`Totals`]).

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
mod draw;
mod impls;
pub mod migrations;
#[cfg(test)]
mod mock;
mod money;
mod proof;
mod qualifiers;
mod sessions;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use pallet::*;
pub use qualifiers::{HasKeys, HasSeatBond, NotChilled, RecentWork, Reliable};
pub use types::{
    Bid, Candidate, ChillReason, Commit, Draw, Entrant, Founder, Member, SeatBond, TenureWork, Totals, Window,
    WorkRecord,
};
pub use weights::WeightInfo;

/// What the benchmarks need of a runtime.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper {
    /// Makes this the present tenure.
    fn set_tenure(tenure: assay_types::Tenure);
}

/// The pallet itself.
// What FRAME's macros generate here uses `expect`; what is written here does not.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
    use super::{Member, *};
    use assay_traits::{BlockVrf, Qualify, SolverStake, ValidatorKeys};
    use assay_types::{
        election::{self, Randomness, VrfKey, VrfProof},
        Balance, BlockNumber, Hash, Tenure,
    };
    use frame_support::{pallet_prelude::*, traits::fungible, weights::WeightMeter, PalletId};
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::{BlockNumberProvider, Zero};

    /// The first storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Tenures from the registration of a key to the first commitment with it. What a tenure's output depends on is not
    /// known before the tenure before it has ended, so nobody can choose a key by it.
    pub const WAIT: Tenure = 2;
    /// Tenures from the commitments to the draw.
    pub const DRAW_DELAY: Tenure = 2;
    /// Tenures from the commitments to the seats' service.
    pub const SERVICE_DELAY: Tenure = 4;
    /// Tenures for which commitments and draws are kept, so that a node can serve their proof.
    pub const KEPT_TENURES: Tenure = 8;
    /// A set of validators has at least so many members, or as many as genesis named, if that is less.
    pub const LEAST_MEMBERS: u32 = 4;
    /// Thousandths of a block that a validator may miss in a row: where it should have made ten blocks and made none, the
    /// chance that it was there is below one in twenty thousand.
    pub const MOST_MISSED: u32 = 10_000;

    /// What the pallet asks of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash = Hash> {
        /// Weights of the calls and hooks.
        type WeightInfo: WeightInfo;

        /// The native currency.
        type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
            + fungible::hold::Mutate<Self::AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>;

        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// Tells the height.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// The present tenure.
        type Tenure: Get<Tenure>;

        /// Randomness of blocks.
        type Vrf: BlockVrf;

        /// Validators and their keys.
        type Keys: ValidatorKeys<Self::AccountId>;

        /// The stake of solvers, by which the committee is chosen.
        type Stake: SolverStake<Self::AccountId>;

        /// What a candidate must meet when it is drawn, beside a commitment and [`Config::LeastCommits`]; and when it is
        /// named for a set. See [`HasKeys`], [`HasSeatBond`], [`NotChilled`], [`RecentWork`], [`Reliable`].
        type Qualifiers: Qualify<Self::AccountId>;

        /// The part of [`Config::Qualifiers`] that whoever is named for a set must meet, a drawn candidate once more.
        type Presence: Qualify<Self::AccountId>;

        /// The treasury's account; it gets what is slashed.
        type Treasury: Get<Self::AccountId>;

        /// Names the pot.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// What a candidate, or one who stands, must have on hold, in units of ASY.
        type SeatBond: Get<Balance>;

        /// Blocks from leaving until the seat bond can be withdrawn: service that may still come, and then as long as an
        /// equivocation can be reported.
        type SeatUnbonding: Get<BlockNumber>;

        /// Least commitment, in units of ASY. Half of it must be able to reach a new account.
        type MinimumCommit: Get<Balance>;

        /// In how many of the last six tenures a candidate must have committed.
        type LeastCommits: Get<u32>;

        /// Places that are drawn in a tenure; no more than [`Config::MaxSeats`] count.
        type Seats: Get<u32>;

        /// Members of the committee; no more than [`Config::MaxCommittee`] count.
        type CommitteeSize: Get<u32>;

        /// Most candidates.
        #[pallet::constant]
        type MaxCandidates: Get<u32>;

        /// Most places.
        #[pallet::constant]
        type MaxSeats: Get<u32>;

        /// Most members of the committee.
        #[pallet::constant]
        type MaxCommittee: Get<u32>;

        /// Most who stand for the committee.
        #[pallet::constant]
        type MaxStanding: Get<u32>;

        /// Most validators.
        #[pallet::constant]
        type MaxValidators: Get<u32>;

        /// Commitments of forgotten tenures that are removed in one block at most.
        #[pallet::constant]
        type PruneBatch: Get<u32>;

        /// Sets the tenure, for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper;
    }

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Why this pallet holds balance.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The bond of a candidate, or of one who stands.
        Seat,
    }

    /// Who may be elected.
    #[pallet::storage]
    pub type Candidates<T: Config> = CountedStorageMap<_, Blake2_128Concat, T::AccountId, Candidate, OptionQuery>;

    /// What became of the work of each candidate.
    #[pallet::storage]
    pub type WorkRecords<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, WorkRecord, ValueQuery>;

    /// Who stands for the committee.
    #[pallet::storage]
    pub type Standing<T: Config> = StorageValue<_, BoundedVec<T::AccountId, T::MaxStanding>, ValueQuery>;

    /// The validators that genesis named, in their order.
    #[pallet::storage]
    pub type Founders<T: Config> = StorageValue<_, BoundedVec<Founder<T::AccountId>, T::MaxValidators>, ValueQuery>;

    /// Seat bonds.
    #[pallet::storage]
    pub type SeatBonds<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, SeatBond, OptionQuery>;

    /// Commitments, by tenure and candidate.
    #[pallet::storage]
    pub type Commits<T: Config> =
        StorageDoubleMap<_, Twox64Concat, Tenure, Blake2_128Concat, T::AccountId, Commit, OptionQuery>;

    /// Draws, by the tenure of their commitments.
    #[pallet::storage]
    pub type Draws<T: Config> = StorageMap<_, Twox64Concat, Tenure, Draw<T>, OptionQuery>;

    /// The first tenure of which commitments may still be there.
    #[pallet::storage]
    pub type OldestKept<T: Config> = StorageValue<_, Tenure, ValueQuery>;

    /// The randomness of all blocks before this one.
    #[pallet::storage]
    pub type Entropy<T: Config> = StorageValue<_, Randomness, ValueQuery>;

    /// The accumulator of the last draw.
    #[pallet::storage]
    pub type Accumulator<T: Config> = StorageValue<_, Randomness, ValueQuery>;

    /// The output of whoever was drawn first the last time that anybody was.
    #[pallet::storage]
    pub type FirstOutput<T: Config> = StorageValue<_, Randomness, OptionQuery>;

    /// The last tenure that has begun, and its first block.
    #[pallet::storage]
    pub type Began<T: Config> = StorageValue<_, (Tenure, BlockNumber), ValueQuery>;

    /// The committee of this tenure.
    #[pallet::storage]
    pub type Committee<T: Config> = StorageValue<_, BoundedVec<Member<T::AccountId>, T::MaxCommittee>, ValueQuery>;

    /// The committee of the next tenure.
    #[pallet::storage]
    pub type NextCommittee<T: Config> = StorageValue<_, BoundedVec<Member<T::AccountId>, T::MaxCommittee>, ValueQuery>;

    /// Who has the seats of the set that was named last; those go on where nobody is drawn.
    #[pallet::storage]
    pub type Seated<T: Config> = StorageValue<_, BoundedVec<T::AccountId, T::MaxValidators>, ValueQuery>;

    /// Who made a block in this tenure.
    #[pallet::storage]
    pub type Authors<T: Config> = StorageValue<_, BoundedVec<T::AccountId, T::MaxValidators>, ValueQuery>;

    /// Thousandths of a block that a validator should have made since it made its last, in tenures in which it made none.
    #[pallet::storage]
    pub type Missed<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

    /// Where the commitments have gone.
    #[pallet::storage]
    pub type CommitTotals<T: Config> = StorageValue<_, Totals, ValueQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A candidate registered, or registered other keys.
        Registered {
            /// Who.
            candidate: T::AccountId,
            /// First tenure in which it may commit.
            from: Tenure,
        },
        /// An account stands for the committee.
        Stood {
            /// Who.
            who: T::AccountId,
        },
        /// Of too many who stand, the one with the least stake no longer does.
        Displaced {
            /// Who.
            who: T::AccountId,
        },
        /// An account is no longer a candidate, or no longer stands.
        Left {
            /// Who.
            who: T::AccountId,
            /// First block in which its seat bond can be withdrawn.
            leaves_at: BlockNumber,
        },
        /// A candidate that did not commit lost its place.
        Evicted {
            /// Who.
            candidate: T::AccountId,
        },
        /// A seat bond was paid back.
        SeatBondWithdrawn {
            /// To whom.
            who: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// A candidate committed tokens.
        Committed {
            /// Who.
            candidate: T::AccountId,
            /// To which tenure's election.
            tenure: Tenure,
            /// How much, in units of ASY.
            amount: Balance,
            /// What it weighs.
            weight: Balance,
        },
        /// An election was drawn.
        Drawn {
            /// The tenure of its commitments.
            tenure: Tenure,
            /// How many qualified.
            qualified: u32,
            /// Who has seats in tenure `tenure` + [`SERVICE_DELAY`], in the order in which they were drawn.
            seats: BoundedVec<T::AccountId, T::MaxSeats>,
        },
        /// The set of a tenure was named.
        SetNamed {
            /// The tenure.
            tenure: Tenure,
            /// How many are on its committee.
            committee: u32,
            /// How many validators it has.
            validators: u32,
        },
        /// The committee was paid its half of a tenure's commitments.
        CommitteePaid {
            /// How much, in units of ASY.
            paid: Balance,
            /// What nobody could take, and is burned.
            burned: Balance,
        },
        /// Somebody is out until it resumes.
        Chilled {
            /// Who.
            who: T::AccountId,
            /// Why.
            reason: ChillReason,
        },
        /// Somebody who was out is back.
        Resumed {
            /// Who.
            who: T::AccountId,
        },
        /// A seat bond was slashed.
        Slashed {
            /// Whose.
            who: T::AccountId,
            /// How much went to the treasury, in units of ASY.
            amount: Balance,
        },
    }

    /// Why a call failed.
    #[pallet::error]
    pub enum Error<T> {
        /// The account stands for the committee: nobody is both.
        StandsForCommittee,
        /// The account is a candidate: nobody is both.
        IsCandidate,
        /// There are as many candidates as there may be; an idle one can be evicted.
        TooManyCandidates,
        /// The account is not a candidate.
        NotCandidate,
        /// The account stands already.
        StandsAlready,
        /// As many stand as may, and none with less stake.
        TooLittleStake,
        /// The account has set no session keys.
        NoSessionKeys,
        /// The session keys that the account has set are not those it registers.
        KeysMismatch,
        /// The account is out until it resumes.
        Chilled,
        /// The account is not out.
        NotChilled,
        /// The keys were registered too lately.
        Waiting,
        /// The commitment is below the minimum.
        CommitTooSmall,
        /// The account is on the committee of this tenure.
        OnCommittee,
        /// The candidate has committed in this tenure already.
        AlreadyCommitted,
        /// The proof is not one of the candidate's function over this tenure's input.
        InvalidVrf,
        /// The account neither is a candidate nor stands.
        NotThere,
        /// The candidate has committed lately, or not waited long enough to be idle.
        NotIdle,
        /// The account has no seat bond, or still needs it.
        NothingToWithdraw,
        /// The seat bond cannot be withdrawn yet.
        TooEarly,
    }

    /// The first state.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Makes the type depend on the runtime.
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            Pallet::<T>::found();
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            Self::mix_in_parent();
            Self::draw_if_due().saturating_add(T::WeightInfo::mix())
        }

        fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
            let mut meter = WeightMeter::with_limit(remaining);
            Self::prune(&mut meter);
            meter.consumed()
        }

        // A wrong constant must stop the build of a runtime, so this check may panic: it runs in tests only.
        #[allow(clippy::panic)]
        fn integrity_test() {
            assert!(T::MaxSeats::get() > 0 && T::MaxCommittee::get() > 0, "nobody could ever be elected");
            assert!(
                T::MaxSeats::get().saturating_add(T::MaxCommittee::get()) <= T::MaxValidators::get(),
                "seats and committee are more than there may be validators"
            );
            assert!(T::PruneBatch::get() > 0, "PruneBatch is zero: old commitments would stay for ever");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Makes the sender a candidate, or changes its keys.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by an account that has set the session keys whose hash it registers.
        ///
        /// ## Details
        ///
        /// Holds the seat bond, or what is missing of it. New keys may be committed with [`WAIT`] tenures from now;
        /// registering the same keys again changes nothing but the bond.
        ///
        /// ## Errors
        ///
        /// - [`Error::StandsForCommittee`], [`Error::NoSessionKeys`], [`Error::KeysMismatch`],
        ///   [`Error::TooManyCandidates`].
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::Registered`].
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(origin: OriginFor<T>, vrf_key: VrfKey, keys: Hash) -> DispatchResult {
            let candidate = ensure_signed(origin)?;
            ensure!(!Standing::<T>::get().contains(&candidate), Error::<T>::StandsForCommittee);
            let set = T::Keys::keys_hash(&candidate).ok_or(Error::<T>::NoSessionKeys)?;
            ensure!(set == keys, Error::<T>::KeysMismatch);
            let tenure = T::Tenure::get();
            let record = match Candidates::<T>::get(&candidate) {
                Some(record) if record.vrf_key == vrf_key && record.keys == keys => record,
                Some(record) => Candidate { vrf_key, keys, since: tenure, ..record },
                None => {
                    ensure!(Candidates::<T>::count() < T::MaxCandidates::get(), Error::<T>::TooManyCandidates);
                    Candidate { vrf_key, keys, since: tenure, chilled: false, bids: Default::default() }
                }
            };
            Self::hold_seat_bond(&candidate)?;
            let from = record.since.saturating_add(WAIT);
            Candidates::<T>::insert(&candidate, record);
            Self::deposit_event(Event::Registered { candidate, from });
            Ok(())
        }

        /// Commits tokens to this tenure's election.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a candidate.
        ///
        /// ## Details
        ///
        /// Spends `amount`: half is burned, half is the committee's when the tenure ends. `vrf_proof` is
        /// [`assay_types::election::vrf_sign`] by the registered key, over this chain, this tenure and [`Accumulator`].
        ///
        /// ## Errors
        ///
        /// - [`Error::NotCandidate`], [`Error::Chilled`], [`Error::Waiting`], [`Error::OnCommittee`],
        ///   [`Error::CommitTooSmall`], [`Error::AlreadyCommitted`], [`Error::InvalidVrf`].
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::Committed`].
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::commit())]
        pub fn commit(origin: OriginFor<T>, amount: Balance, vrf_proof: VrfProof) -> DispatchResult {
            let candidate = ensure_signed(origin)?;
            let mut record = Candidates::<T>::get(&candidate).ok_or(Error::<T>::NotCandidate)?;
            ensure!(!record.chilled, Error::<T>::Chilled);
            let tenure = T::Tenure::get();
            ensure!(tenure >= record.since.saturating_add(WAIT), Error::<T>::Waiting);
            ensure!(Committee::<T>::get().iter().all(|member| member.account != candidate), Error::<T>::OnCommittee);
            ensure!(amount >= T::MinimumCommit::get(), Error::<T>::CommitTooSmall);
            ensure!(!Commits::<T>::contains_key(tenure, &candidate), Error::<T>::AlreadyCommitted);
            let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
            let accumulator = Accumulator::<T>::get();
            let vrf_output =
                election::vrf_output(&record.vrf_key, &genesis, tenure, &accumulator, &candidate, &vrf_proof)
                    .ok_or(Error::<T>::InvalidVrf)?;
            Self::spend(&candidate, amount)?;
            record.note(Bid { tenure, amount });
            let commit = Commit { window: record.window(tenure), vrf_key: record.vrf_key, vrf_proof, vrf_output };
            let weight = commit.weight();
            Commits::<T>::insert(tenure, &candidate, commit);
            Candidates::<T>::insert(&candidate, record);
            Self::deposit_event(Event::Committed { candidate, tenure, amount, weight });
            Ok(())
        }

        /// Has the sender stand for the committee.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by an account that has set session keys and whose bond makes it eligible for work.
        ///
        /// ## Details
        ///
        /// Holds the seat bond, or what is missing of it. Where as many stand as may, the sender takes the place of the one
        /// with the least stake, if it has more.
        ///
        /// ## Errors
        ///
        /// - [`Error::IsCandidate`], [`Error::StandsAlready`], [`Error::NoSessionKeys`], [`Error::TooLittleStake`].
        /// - The stake's, when the sender is not eligible; the currency's, when its balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::Stood`], and [`Event::Displaced`] for whose place it takes.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::stand())]
        pub fn stand(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            ensure!(!Candidates::<T>::contains_key(&who), Error::<T>::IsCandidate);
            let mut standing = Standing::<T>::get();
            let stands = standing.contains(&who);
            ensure!(!stands || !HasSeatBond::<T>::qualifies(&who), Error::<T>::StandsAlready);
            ensure!(T::Keys::keys_hash(&who).is_some(), Error::<T>::NoSessionKeys);
            T::Stake::ensure_eligible(&who)?;
            Self::hold_seat_bond(&who)?;
            // Governance may have raised the bond, and this fills it up.
            if stands {
                Self::deposit_event(Event::Stood { who });
                return Ok(());
            }
            if standing.is_full() {
                let stake = T::Stake::backing(&who);
                let least = standing.iter().enumerate().map(|(i, other)| (T::Stake::backing(other), i)).min();
                let (_, place) = least.filter(|(least, _)| *least < stake).ok_or(Error::<T>::TooLittleStake)?;
                let displaced = standing.swap_remove(place);
                Self::begin_to_leave(&displaced);
                Self::deposit_event(Event::Displaced { who: displaced });
            }
            // There is room for one more now.
            let _ = standing.try_push(who.clone());
            Standing::<T>::put(standing);
            Self::deposit_event(Event::Stood { who });
            Ok(())
        }

        /// Has the sender no longer be a candidate, or no longer stand.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a candidate or one who stands.
        ///
        /// ## Details
        ///
        /// From the next set on it makes no blocks. Its seat bond stays on hold for [`Config::SeatUnbonding`] blocks.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotThere`].
        ///
        /// ## Events
        ///
        /// - [`Event::Left`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::leave())]
        pub fn leave(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            ensure!(Self::remove_candidate(&who) || Self::remove_standing(&who), Error::<T>::NotThere);
            let leaves_at = Self::begin_to_leave(&who);
            Self::deposit_event(Event::Left { who, leaves_at });
            Ok(())
        }

        /// Takes a place from a candidate that does not use it.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by anyone.
        ///
        /// ## Details
        ///
        /// A candidate is idle when it might have committed for six tenures and has not in the last six. It is treated as
        /// if it had left.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotCandidate`], [`Error::NotIdle`].
        ///
        /// ## Events
        ///
        /// - [`Event::Evicted`].
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::evict())]
        pub fn evict(origin: OriginFor<T>, candidate: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            let record = Candidates::<T>::get(&candidate).ok_or(Error::<T>::NotCandidate)?;
            let tenure = T::Tenure::get();
            let idle_from = record.since.saturating_add(WAIT).saturating_add(election::WINDOW as Tenure);
            ensure!(tenure >= idle_from && record.persistence(tenure) == 0, Error::<T>::NotIdle);
            Self::remove_candidate(&candidate);
            Self::begin_to_leave(&candidate);
            Self::deposit_event(Event::Evicted { candidate });
            Ok(())
        }

        /// Pays the seat bond of the sender back.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by an account that has left.
        ///
        /// ## Errors
        ///
        /// - [`Error::NothingToWithdraw`], [`Error::TooEarly`].
        ///
        /// ## Events
        ///
        /// - [`Event::SeatBondWithdrawn`].
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::withdraw_seat_bond())]
        pub fn withdraw_seat_bond(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let amount = Self::release_seat_bond(&who)?;
            Self::deposit_event(Event::SeatBondWithdrawn { who, amount });
            Ok(())
        }

        /// Ends the sender's being out.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a candidate or a founder that has been chilled.
        ///
        /// ## Details
        ///
        /// A candidate's wait starts again, and it needs the whole seat bond on hold: what a slash has taken is held anew.
        /// Who stood for the committee has to [`stand`](Pallet::stand) again instead.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotChilled`].
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::Resumed`].
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::resume())]
        pub fn resume(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let candidate = Candidates::<T>::get(&who).filter(|candidate| candidate.chilled);
            let founder = Self::thaw_founder(&who);
            ensure!(candidate.is_some() || founder, Error::<T>::NotChilled);
            if let Some(record) = candidate {
                Self::hold_seat_bond(&who)?;
                Candidates::<T>::insert(&who, Candidate { chilled: false, since: T::Tenure::get(), ..record });
            }
            Self::deposit_event(Event::Resumed { who });
            Ok(())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// What a commitment of this tenure must be signed over: chain, tenure and accumulator.
        pub fn vrf_input() -> (Hash, Tenure, Randomness) {
            let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
            (genesis, T::Tenure::get(), Accumulator::<T>::get())
        }
    }
}
