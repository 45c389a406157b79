//! # Bonds
//!
//! The stake of solvers: what a solver loses when it answers wrongly.
//!
//! A bond is an amount of the solver's own balance under [`HoldReason::Bond`]. It *matures* [`Config::Maturity`] blocks
//! after it is placed: only mature bond makes a solver eligible for work and weighs in a dispute, so that nobody can
//! buy a say in a dispute that is already open. While a solution stands, a part of the bond is *pledged* to it: it can
//! neither be unbonded nor pledged to another.
//!
//! Leaving takes two steps: `unbond` moves an amount out of the bond, youngest first, and `withdraw` pays it out once
//! [`Config::Unbonding`] blocks have passed.
//!
//! Other pallets use it through [`assay_traits::SolverStake`].

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

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::{Chunk, Ledger, Tranche, UnexpectedKind};
pub use weights::WeightInfo;

/// The pallet itself.
// What FRAME's macros generate here uses `expect`; what is written here does not.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_types::{Balance, BlockNumber};
    use frame_support::{
        pallet_prelude::*,
        traits::{fungible, tokens::Precision},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::BlockNumberProvider;

    /// The first storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

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

        /// Most amounts of one solver that wait to be withdrawn.
        #[pallet::constant]
        type MaxChunks: Get<u32>;
    }

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Why this pallet holds balance.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// A solver's own bond, and what of it waits to be withdrawn.
        Bond,
    }

    /// The bond of each solver.
    #[pallet::storage]
    pub type Ledgers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Ledger<T>, OptionQuery>;

    /// Sum of all bonds, in units of ASY; what waits to be withdrawn is no longer part of it.
    #[pallet::storage]
    pub type TotalBonded<T: Config> = StorageValue<_, Balance, ValueQuery>;

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
        /// Something happened that should be impossible; the state is consistent, the caller's books may not be.
        Unexpected {
            /// Whose bond.
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
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MaxTranches::get() > 0, "MaxTranches is zero: a new bond would be mature at once");
            assert!(T::MaxChunks::get() > 0, "MaxChunks is zero: no bond could ever be taken back");
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
        /// then paid out by `withdraw`. What is pledged to solutions stays bonded.
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
            ledger.queue(amount, leaves_at).map_err(|()| Error::<T>::TooManyChunks)?;
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
        /// Releases every amount whose time has come. The record of a solver who has nothing left is removed.
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
            if ledger.held() == 0 {
                Ledgers::<T>::remove(&solver);
            } else {
                Ledgers::<T>::insert(&solver, ledger);
            }
            Self::deposit_event(Event::Withdrawn { solver, amount });
            Ok(())
        }
    }
}
