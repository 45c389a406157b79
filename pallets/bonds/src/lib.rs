//! # Bonds
//!
//! The stake of solvers: what a solver loses when it answers wrongly, and what others stake on it.
//!
//! **Own bond.** A bond is an amount of the solver's own balance under [`HoldReason::Bond`]. It *matures*
//! [`Config::Maturity`] blocks after it is placed: only mature bond makes a solver eligible for work and weighs in a
//! dispute, so that nobody can buy a say in a dispute that is already open. While a solution stands, a part of the
//! bond is *pledged* to it: it can neither be unbonded nor pledged to another.
//!
//! Leaving takes two steps: `unbond` moves an amount out of the bond, youngest first, and `withdraw` pays it out once
//! [`Config::Unbonding`] blocks have passed. Until then it answers for faults that are not later than its unbonding.
//!
//! **Delegation.** A solver that names a commission opens a *pool*. Whoever delegates to it shares what the solver earns
//! and what it loses: of every fee and reward the solver takes its commission first, and the rest is split between its
//! own bond and the pool pro rata. Delegators hold shares of the pool (see [`ShareFund`]), so nothing here ever walks
//! over them. What a delegator takes out leaves the pool at once and waits, as unbonded bond does, in a fund of its own
//! for each tenure of exit. Only own bond is pledged, makes eligible and weighs in disputes.
//!
//! **The pot** is one keyless account with two holds: [`HoldReason::Delegation`] is everything delegated, waiting exits
//! included, and [`HoldReason::Bond`] is the *escrow* of disputes. What is taken of a solver moves from hold to hold and
//! is never free on the way. Whatever anybody sends to the pot stays free there and changes nothing.
//!
//! **A slash** takes, as far as it is there, from the solver's own bond that is not pledged, then from what of it was
//! unbonded after the fault, then from the pool and from the exit funds into which anybody left after the fault, pro
//! rata. What is pledged answers for its own solution alone.
//!
//! Other pallets use it through [`assay_traits::SolverStake`], [`assay_traits::StakeEscrow`] and
//! [`assay_traits::Delegators`].

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
mod delegation;
mod escrow;
mod fund;
mod impls;
pub mod migrations;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use fund::{ShareFund, SHARES_PER_UNIT};
pub use pallet::*;
pub use types::{Chunk, Delegation, Exit, Leaving, Ledger, Pool, Rise, Tranche, UnexpectedKind};
pub use weights::WeightInfo;

/// The pallet itself.
// What FRAME's macros generate here uses `expect`; what is written here does not.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_types::{Balance, BlockNumber, Tenure};
    use frame_support::{
        pallet_prelude::*,
        traits::{fungible, tokens::Precision},
        PalletId,
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::{traits::BlockNumberProvider, Perbill};

    /// The storage layout; 2 since a chunk knows when it was unbonded (see [`migrations`]).
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

    /// What the pallet asks of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Weights of the calls.
        type WeightInfo: WeightInfo;

        /// The native currency.
        type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
            + fungible::hold::Mutate<Self::AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>;

        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// Tells the height.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// Blocks from placing a bond until it has matured: one tenure.
        type Maturity: Get<BlockNumber>;

        /// Blocks from unbonding an amount until it can be withdrawn.
        type Unbonding: Get<BlockNumber>;

        /// Least mature bond of an eligible solver, in units of ASY. A bond may be smaller; it is then of no use.
        type MinimumBond: Get<Balance>;

        /// Most parts of one bond that mature at different times; further ones join the last, at its later time.
        #[pallet::constant]
        type MaxTranches: Get<u32>;

        /// Most amounts of one solver, and of one delegator at one solver, that wait to be withdrawn.
        #[pallet::constant]
        type MaxChunks: Get<u32>;

        /// The present tenure.
        type Tenure: Get<Tenure>;

        /// Most tenures, the present one included, whose exits one slash looks at. It is enough when
        /// [`Config::Unbonding`] blocks span no more: what left before that was free to be withdrawn.
        #[pallet::constant]
        type MaxSlashTenures: Get<u32>;

        /// Names the pot.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// Least amount of a delegation, in units of ASY; at least the existential deposit.
        #[pallet::constant]
        type MinimumDelegation: Get<Balance>;

        /// The treasury's account; it gets what is forfeited, and what others cannot take.
        type Treasury: Get<Self::AccountId>;
    }

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Why this pallet holds balance.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// A solver's own bond, and what of it waits to be withdrawn. In the pot: the escrow.
        Bond,
        /// In the pot: what is delegated, and what of it waits to be withdrawn.
        Delegation,
    }

    /// The bond of each solver.
    #[pallet::storage]
    pub type Ledgers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Ledger<T>, OptionQuery>;

    /// Sum of all bonds, in units of ASY; what waits to be withdrawn is no longer part of it.
    #[pallet::storage]
    pub type TotalBonded<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// What disputes have taken and not yet decided about, in units of ASY.
    #[pallet::storage]
    pub type Escrowed<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// The pool of each solver that has opened one.
    #[pallet::storage]
    pub type Pools<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Pool, OptionQuery>;

    /// What left the pool of a solver in a tenure and waits to be withdrawn, by solver and tenure.
    #[pallet::storage]
    pub type Exits<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, Tenure, Exit, OptionQuery>;

    /// What is delegated, by solver and delegator.
    #[pallet::storage]
    pub type Delegations<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, T::AccountId, Delegation<T>, OptionQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A solver placed its first bond.
        Bonded {
            /// Who bonded.
            solver: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
            /// First block in which it is mature.
            matures_at: BlockNumber,
        },
        /// A solver added to its bond.
        BondedMore {
            /// Who bonded.
            solver: T::AccountId,
            /// How much was added, in units of ASY.
            amount: Balance,
            /// First block in which it is mature.
            matures_at: BlockNumber,
        },
        /// A solver took an amount out of its bond.
        Unbonded {
            /// Who unbonded.
            solver: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
            /// First block in which it can be withdrawn.
            leaves_at: BlockNumber,
        },
        /// What was due after unbonding was paid out.
        Withdrawn {
            /// Who was paid.
            solver: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// A part of a bond was set aside for a solution.
        Pledged {
            /// Whose bond.
            solver: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// A part of a bond that was set aside is free again.
        Released {
            /// Whose bond.
            solver: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// A part of a bond moved into the escrow.
        Escrowed {
            /// Whose bond.
            solver: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// A part of the escrow moved back into a bond.
        Restored {
            /// Whose bond.
            solver: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// What was set aside for a solution moved into the escrow.
        Confiscated {
            /// Whose bond.
            solver: T::AccountId,
            /// How much moved, in units of ASY.
            amount: Balance,
            /// How much more had been set aside and is free again, in units of ASY.
            released: Balance,
        },
        /// A solver was slashed; what it lost moved into the escrow.
        Slashed {
            /// Who was slashed.
            solver: T::AccountId,
            /// What its own bond lost, in units of ASY.
            own: Balance,
            /// What its delegators lost, in units of ASY.
            delegated: Balance,
        },
        /// A part of the escrow was paid out.
        Awarded {
            /// Who was paid.
            who: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// A part of the escrow was paid to the treasury.
        Forfeited {
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// An account could not take what was due to it from the escrow; it goes to the treasury.
        Refused {
            /// The account; usually its balance would stay below the existential deposit.
            who: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// The treasury could not take this amount of the escrow: nobody has it.
        Burned {
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// A solver named its commission.
        CommissionSet {
            /// Whose pool.
            solver: T::AccountId,
            /// Its part of everything it earns, before the rest is shared.
            commission: Perbill,
            /// First block in which it is in force.
            from: BlockNumber,
        },
        /// An account delegated to a solver.
        Delegated {
            /// To whom.
            solver: T::AccountId,
            /// Who delegated.
            delegator: T::AccountId,
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// An account took an amount out of a pool.
        Undelegated {
            /// Of whom.
            solver: T::AccountId,
            /// Who took it out.
            delegator: T::AccountId,
            /// How much left the pool, in units of ASY.
            amount: Balance,
            /// First block in which it can be withdrawn.
            leaves_at: BlockNumber,
        },
        /// What was due of a delegation was paid out.
        DelegationWithdrawn {
            /// To whom it had been delegated.
            solver: T::AccountId,
            /// Who was paid.
            delegator: T::AccountId,
            /// How much, in units of ASY; less than what left the pool if that was slashed since.
            amount: Balance,
        },
        /// A pool took its part of what its solver earned.
        Earned {
            /// Whose pool.
            solver: T::AccountId,
            /// The delegators' part, in units of ASY.
            amount: Balance,
        },
        /// Something happened that should be impossible; the state is consistent, the caller's books may not be.
        Unexpected {
            /// Whose bond, pool or payment.
            solver: T::AccountId,
            /// What it was.
            kind: UnexpectedKind,
        },
    }

    /// Why a call failed.
    #[pallet::error]
    pub enum Error<T> {
        /// The account has no bond.
        NotBonded,
        /// The account has a bond already; `bond_more` adds to it.
        AlreadyBonded,
        /// The amount is zero.
        ZeroAmount,
        /// The bond is smaller than the amount.
        InsufficientBond,
        /// A part of the amount is pledged to solutions that still stand.
        Pledged,
        /// Less than the amount is both bonded and not pledged yet.
        NotEnoughFree,
        /// As many amounts as may wait to be withdrawn wait already.
        TooManyChunks,
        /// Nothing can be withdrawn yet.
        NothingToWithdraw,
        /// The bond is below the minimum.
        BelowMinimum,
        /// The bond reaches the minimum, but too little of it has matured.
        NotMature,
        /// As much as the amount is free, but less of the bond has matured.
        NotEnoughMature,
        /// The solver has opened no pool: it takes no delegations.
        NoPool,
        /// The amount is below the minimum of a delegation.
        DelegationTooSmall,
        /// The account has nothing in the pool of this solver, or the pool has lost everything since.
        NotDelegated,
        /// Whole shares cannot express the amount, because the fund has lost or earned by orders of magnitude; a larger
        /// amount, or for an exit the next tenure, may do.
        SharesOutOfRange,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MaxTranches::get() > 0, "MaxTranches is zero: a new bond would be mature at once");
            assert!(T::MaxChunks::get() > 0, "MaxChunks is zero: no bond could ever be taken back");
            assert!(T::MaxSlashTenures::get() > 0, "MaxSlashTenures is zero: whoever left would escape every slash");
            assert!(
                T::MinimumDelegation::get() >= <T::Currency as fungible::Inspect<_>>::minimum_balance().max(1),
                "MinimumDelegation is below the existential deposit: the pot could not take it"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Places the first bond of the sender.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the solver.
        ///
        /// ## Details
        ///
        /// Holds `amount` of the sender's balance. It matures [`Config::Maturity`] blocks later. Any amount but zero is
        /// accepted; [`Config::MinimumBond`] is asked for when work is taken on.
        ///
        /// ## Errors
        ///
        /// - [`Error::ZeroAmount`]: `amount` is zero.
        /// - [`Error::AlreadyBonded`]: the sender has a bond, or waits for one to be withdrawn.
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::Bonded`].
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::bond())]
        pub fn bond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let solver = ensure_signed(origin)?;
            ensure!(amount > 0, Error::<T>::ZeroAmount);
            ensure!(!Ledgers::<T>::contains_key(&solver), Error::<T>::AlreadyBonded);
            let matures_at = Self::add_to_bond(&solver, Ledger::default(), amount)?;
            Self::deposit_event(Event::Bonded { solver, amount, matures_at });
            Ok(())
        }

        /// Adds to the bond of the sender.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a solver that has a bond.
        ///
        /// ## Details
        ///
        /// Holds `amount` more of the sender's balance. It matures on its own, [`Config::Maturity`] blocks later; what
        /// has been bonded before keeps its time. When [`Config::MaxTranches`] parts are maturing already, the
        /// amount joins the youngest of them and both take the later time.
        ///
        /// ## Errors
        ///
        /// - [`Error::ZeroAmount`]: `amount` is zero.
        /// - [`Error::NotBonded`]: the sender has no bond.
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::BondedMore`].
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::bond_more())]
        pub fn bond_more(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let solver = ensure_signed(origin)?;
            ensure!(amount > 0, Error::<T>::ZeroAmount);
            let ledger = Ledgers::<T>::get(&solver).ok_or(Error::<T>::NotBonded)?;
            let matures_at = Self::add_to_bond(&solver, ledger, amount)?;
            Self::deposit_event(Event::BondedMore { solver, amount, matures_at });
            Ok(())
        }

        /// Takes an amount out of the bond of the sender.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a solver that has a bond.
        ///
        /// ## Details
        ///
        /// The youngest bond goes first. The amount stays on hold for [`Config::Unbonding`] blocks, fixed now, and is
        /// then paid out by `withdraw`; until it is, it answers for faults that are not later than this block. What is
        /// pledged to solutions stays bonded.
        ///
        /// ## Errors
        ///
        /// - [`Error::ZeroAmount`]: `amount` is zero.
        /// - [`Error::NotBonded`]: the sender has no bond.
        /// - [`Error::InsufficientBond`]: the bond is smaller than `amount`.
        /// - [`Error::Pledged`]: less would stay bonded than is pledged.
        /// - [`Error::TooManyChunks`]: [`Config::MaxChunks`] amounts wait already; withdraw first.
        ///
        /// ## Events
        ///
        /// - [`Event::Unbonded`].
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let solver = ensure_signed(origin)?;
            ensure!(amount > 0, Error::<T>::ZeroAmount);
            let mut ledger = Ledgers::<T>::get(&solver).ok_or(Error::<T>::NotBonded)?;
            ensure!(amount <= ledger.active, Error::<T>::InsufficientBond);
            ensure!(amount <= ledger.free(), Error::<T>::Pledged);

            let now = T::BlockNumberProvider::current_block_number();
            let leaves_at = now.saturating_add(T::Unbonding::get());
            ledger.drop_matured(now);
            ledger.take_youngest(amount);
            ledger.queue(amount, now, leaves_at).map_err(|()| Error::<T>::TooManyChunks)?;
            Ledgers::<T>::insert(&solver, ledger);
            TotalBonded::<T>::mutate(|total| *total = total.saturating_sub(amount));
            Self::deposit_event(Event::Unbonded { solver, amount, leaves_at });
            Ok(())
        }

        /// Pays out what the sender has unbonded and is due.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a solver that has unbonded.
        ///
        /// ## Details
        ///
        /// Releases every amount whose time has come. The record of a solver who has nothing left is removed, and with it
        /// its pool if nobody is in it nor has lost anything in it.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotBonded`]: the sender has no bond.
        /// - [`Error::NothingToWithdraw`]: no amount is due.
        ///
        /// ## Events
        ///
        /// - [`Event::Withdrawn`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::withdraw())]
        pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
            use fungible::hold::Mutate;
            let solver = ensure_signed(origin)?;
            let mut ledger = Ledgers::<T>::get(&solver).ok_or(Error::<T>::NotBonded)?;
            let now = T::BlockNumberProvider::current_block_number();
            let amount = ledger.take_due(now);
            ensure!(amount > 0, Error::<T>::NothingToWithdraw);
            T::Currency::release(&HoldReason::Bond.into(), &solver, amount, Precision::Exact)?;
            ledger.drop_matured(now);
            Self::store(&solver, ledger);
            Self::deposit_event(Event::Withdrawn { solver, amount });
            Ok(())
        }

        /// Names the commission of the sender; the first time this opens its pool.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a solver.
        ///
        /// ## Details
        ///
        /// The commission is the sender's own part of everything it earns, before the rest is split between its own bond
        /// and the pool pro rata. A new pool and a commission that does not rise are in force at once. A rise is
        /// announced: it is in force [`Config::Unbonding`] blocks from now, so that whoever does not want to bear it can
        /// leave before. Another commission named meanwhile takes the place of an announced one. To open a pool the
        /// sender needs a bond of at least [`Config::MinimumBond`].
        ///
        /// ## Errors
        ///
        /// - [`Error::NotBonded`]: the sender has neither a pool nor a bond.
        /// - [`Error::BelowMinimum`]: the sender has no pool, and its bond is below the minimum.
        ///
        /// ## Events
        ///
        /// - [`Event::CommissionSet`].
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_commission())]
        pub fn set_commission(origin: OriginFor<T>, commission: Perbill) -> DispatchResult {
            let solver = ensure_signed(origin)?;
            let from = Self::do_set_commission(&solver, commission)?;
            Self::deposit_event(Event::CommissionSet { solver, commission, from });
            Ok(())
        }

        /// Puts an amount of the sender's balance into the pool of a solver.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by anyone.
        ///
        /// ## Details
        ///
        /// Moves `amount` into the pot, where it is held, and gives the sender shares of the pool. From now on it shares
        /// what the solver earns and what it is slashed, for earlier faults too. The sender's account stays above the
        /// existential deposit.
        ///
        /// ## Errors
        ///
        /// - [`Error::DelegationTooSmall`]: `amount` is below [`Config::MinimumDelegation`].
        /// - [`Error::NoPool`]: the solver takes no delegations.
        /// - [`Error::SharesOutOfRange`]: whole shares of this pool cannot express `amount`.
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::Delegated`].
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::delegate())]
        pub fn delegate(origin: OriginFor<T>, solver: T::AccountId, amount: Balance) -> DispatchResult {
            let delegator = ensure_signed(origin)?;
            Self::do_delegate(&solver, &delegator, amount)?;
            Self::deposit_event(Event::Delegated { solver, delegator, amount });
            Ok(())
        }

        /// Takes an amount out of the pool of a solver.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by a delegator of `solver`.
        ///
        /// ## Details
        ///
        /// Takes the least number of shares that are worth `amount`; all of the sender's, when they are worth no more or
        /// when what would remain is below [`Config::MinimumDelegation`]. What they are worth leaves the pool at once: it
        /// earns no more. It waits in a fund with all that left the pool in this tenure, which answers for faults that
        /// are not later than the last of these exits, and can be withdrawn [`Config::Unbonding`] blocks from now. That
        /// time is fixed now.
        ///
        /// ## Errors
        ///
        /// - [`Error::ZeroAmount`]: `amount` is zero.
        /// - [`Error::NotDelegated`]: the sender has nothing in this pool, or the pool lost everything since.
        /// - [`Error::TooManyChunks`]: [`Config::MaxChunks`] amounts of the sender wait already; withdraw first.
        /// - [`Error::SharesOutOfRange`]: whole shares of this tenure's exit fund cannot express the amount.
        ///
        /// ## Events
        ///
        /// - [`Event::Undelegated`].
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::undelegate())]
        pub fn undelegate(origin: OriginFor<T>, solver: T::AccountId, amount: Balance) -> DispatchResult {
            let delegator = ensure_signed(origin)?;
            let (amount, leaves_at) = Self::do_undelegate(&solver, &delegator, amount)?;
            Self::deposit_event(Event::Undelegated { solver, delegator, amount, leaves_at });
            Ok(())
        }

        /// Pays out what the sender took out of the pool of a solver and is due.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by somebody who has taken something out of the pool of `solver`, or has lost all in it.
        ///
        /// ## Details
        ///
        /// Pays every part whose time has come what it is worth after slashes, which may be nothing. The record of a
        /// delegator who has nothing left is removed.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotDelegated`]: the sender has no record at this solver.
        /// - [`Error::NothingToWithdraw`]: no part is due, and no shares have become worthless.
        /// - The currency's, when the sender has no account any more and the amount is below the existential deposit.
        ///
        /// ## Events
        ///
        /// - [`Event::DelegationWithdrawn`].
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::withdraw_delegation())]
        pub fn withdraw_delegation(origin: OriginFor<T>, solver: T::AccountId) -> DispatchResult {
            let delegator = ensure_signed(origin)?;
            let amount = Self::do_withdraw_delegation(&solver, &delegator)?;
            Self::deposit_event(Event::DelegationWithdrawn { solver, delegator, amount });
            Ok(())
        }
    }
}
