//! # Emissions
//!
//! The only room that makes ASY. Two curves, fixed at genesis, say how much may have been minted by a given block: one
//! for the authors of blocks, one for useful work, each under its own cap. What counts is the cumulative amount
//! *minted*, never the total issuance, which burns and slashes lower.
//!
//! **Authors** are paid what the curve schedules for their block, by [`Pallet::note_author`].
//!
//! **Work** is paid through [`assay_traits::WorkRewards`]. A reward is fixed and reserved when a solution is revealed,
//! minted when its task settles, and released if the solution falls. It is the least of
//! - `rate * (1 - minted / cap) * 1 ASY * m`, where `m = 2^(-100 (d - 1))` paces the emission: `d` is what was minted
//!   or reserved over what is scheduled (see [`assay_math::controller`]);
//! - what the cap leaves;
//! - what the tenure leaves: in one tenure at most twice what the curve schedules for one may be reserved. It is
//!   counted at reservation, and neither carried over nor given back by a release;
//! - the part of the fee that cannot come back to whoever pays it, times [`Config::RewardPerSunkFee`]: a user who is
//!   his own solver gets most of the reward and of the fee back, so the rest must cost him what he gains.
//!
//! A minted reward is split 10 % treasury, 10 % liquidity, 72 % solver, 5.6 % validators, 2.4 % user; the solver's
//! delegators have a part in the solver's. What an account cannot take goes to the treasury; what the treasury cannot
//! take is burned, and still counts as minted.

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
extern crate alloc;

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
pub use types::{EmissionStatus, TenureUse, UnexpectedKind};
pub use weights::WeightInfo;

/// Most validators that [`Pallet::pay_validators`] pays in one session; further ones are left out.
pub const MAX_PAID_VALIDATORS: u32 = 100;

/// The value of [`Config::RewardPerSunkFee`] that lifts the bound.
pub const UNBOUNDED: sp_runtime::FixedU128 = sp_runtime::FixedU128::from_inner(u128::MAX);

/// The pallet itself.
// What FRAME's macros generate here uses `expect`; what is written here does not.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_math::Curves;
    use assay_traits::{Delegators, RewardSplit};
    use assay_types::{Balance, BlockNumber, Tenure};
    use frame_support::{pallet_prelude::*, traits::fungible};
    use frame_system::pallet_prelude::*;
    use sp_runtime::FixedU128;

    /// The first storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// What the pallet asks of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Weights of what other pallets call.
        type WeightInfo: WeightInfo;

        /// The native currency.
        type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>;

        /// The treasury's account; it also gets what others cannot take.
        type Treasury: Get<Self::AccountId>;

        /// The account of the liquidity providers' part.
        type Liquidity: Get<Self::AccountId>;

        /// The account in which the validators' part waits for [`Pallet::pay_validators`].
        type Validators: Get<Self::AccountId>;

        /// Those who back a solver and have a part in its rewards.
        type Delegators: Delegators<Self::AccountId>;

        /// The index of the current tenure.
        type Tenure: Get<Tenure>;

        /// Blocks in a tenure.
        type TenureLength: Get<BlockNumber>;

        /// Most units of reward per unit of fee that cannot come back. [`UNBOUNDED`] lifts the bound, for tasks
        /// without a fee too.
        type RewardPerSunkFee: Get<FixedU128>;
    }

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// The curves of this network, fixed at genesis.
    #[pallet::storage]
    pub type EmissionCurves<T: Config> = StorageValue<_, Curves, ValueQuery>;

    /// Minted to authors so far, in units of ASY.
    #[pallet::storage]
    pub type MintedAuthors<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// Minted for work so far, in units of ASY.
    #[pallet::storage]
    pub type MintedWork<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// Reserved for solutions that have not been settled, in units of ASY.
    #[pallet::storage]
    pub type ReservedWork<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// What the last tenure with a reservation has used of its allowance.
    #[pallet::storage]
    pub type TenureReserved<T: Config> = StorageValue<_, TenureUse, ValueQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// The author of this block was paid.
        AuthorPaid {
            /// The author.
            author: T::AccountId,
            /// How much was minted, in units of ASY.
            amount: Balance,
        },
        /// A reward was fixed and reserved.
        Reserved {
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// A reservation was given up.
        Released {
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// A reservation was minted.
        Minted {
            /// Who solved the task.
            solver: T::AccountId,
            /// Who asked.
            user: T::AccountId,
            /// Where every unit went.
            split: RewardSplit,
        },
        /// An account could not take its part, which goes to the treasury.
        Refused {
            /// The account; usually its balance would stay below the existential deposit.
            who: T::AccountId,
            /// Its part, in units of ASY.
            amount: Balance,
        },
        /// The treasury could not take this amount: it counts as minted and nobody has it.
        Burned {
            /// How much, in units of ASY.
            amount: Balance,
        },
        /// The validators' part was shared out.
        ValidatorsPaid {
            /// What each got, in units of ASY.
            share: Balance,
            /// How many got it; a share that an account could not take stays in the pot.
            paid: u32,
        },
        /// A defensive path was taken: the runtime has a bug, which cost nobody anything here.
        Unexpected(UnexpectedKind),
    }

    /// The first state.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The curves; those of [`assay_math::Preset::Assay`] by default.
        pub curves: Curves,
        /// Makes the type depend on the runtime.
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(self.curves.is_valid(), "an emission curve has neither a rate, a period nor a cap of zero");
            EmissionCurves::<T>::put(self.curves);
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The reward that a solution revealed now would be promised, in units of ASY, for a model of this `rate` and a
        /// fee of which `sunk_fee` cannot come back.
        pub fn work_quote(rate: FixedU128, sunk_fee: Balance) -> Balance {
            <Self as assay_traits::WorkRewards<T::AccountId>>::quote(rate, sunk_fee)
        }

        /// Where the emission stands.
        pub fn status() -> EmissionStatus {
            Self::emission_status()
        }
    }
}
