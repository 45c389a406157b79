//! # Settings
//!
//! What a network fixes at genesis, and the one door through which governable parameters change.
//!
//! Parameters are stored by `pallet_parameters`. That pallet has no genesis configuration, and its origin check sees
//! keys but no values, so that it would let a single value in that breaks the relation to another. So this pallet
//! writes the first values, and is alone in being allowed to change them: [`EnsureSettings`], which is
//! `pallet_parameters::Config::AdminOrigin`, lets no account through, Root included. A change comes as a batch:
//! all of it is applied, then [`Config::Relations`] are checked, and it stays or goes as a whole.
//!
//! The length of an epoch is fixed for good: changing it would stop block production.

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
#[cfg(test)]
mod mock;
mod scale_hex;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use assay_types::BlockNumber;
use core::marker::PhantomData;
use frame_support::traits::{EnsureOriginWithArg, Get};

/// Most changes in one batch.
pub const MAX_CHANGES: u32 = 32;

/// Blocks of an epoch on a production network: one hour. Taken where the genesis says nothing.
pub const PRODUCTION_EPOCH: BlockNumber = 1_200;

/// Lets this pallet through and nobody else; for `pallet_parameters::Config::AdminOrigin`.
pub struct EnsureSettings;

impl<OuterOrigin, Key> EnsureOriginWithArg<OuterOrigin, Key> for EnsureSettings
where
    OuterOrigin: Into<Result<Origin, OuterOrigin>> + From<Origin>,
{
    type Success = ();

    fn try_origin(origin: OuterOrigin, _: &Key) -> Result<(), OuterOrigin> {
        origin.into().map(|Origin::Settings| ())
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn try_successful_origin(_: &Key) -> Result<OuterOrigin, ()> {
        Ok(Origin::Settings.into())
    }
}

/// [`EpochLength`] for the configuration of other pallets.
pub struct EpochBlocks<T>(PhantomData<T>);

impl<T: Config> Get<BlockNumber> for EpochBlocks<T> {
    fn get() -> BlockNumber {
        EpochLength::<T>::get()
    }
}

impl<T: Config> Get<u64> for EpochBlocks<T> {
    fn get() -> u64 {
        EpochLength::<T>::get().into()
    }
}

/// Tells benchmarks which changes a runtime accepts.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper<KeyValue> {
    /// A change of each parameter that there is; any number of them, from the first on, must leave the relations whole.
    fn changes() -> alloc::vec::Vec<KeyValue>;
}

/// The pallet itself.
// What FRAME's macros generate here uses `expect`; what is written here does not.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use assay_traits::ParameterRelations;
    use frame_support::{pallet_prelude::*, storage::with_storage_layer, traits::dynamic_params::AggregatedKeyValue};
    use frame_system::pallet_prelude::*;
    use pallet_parameters::Parameters;
    use sp_runtime::TryRuntimeError;

    /// The first storage layout.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Where the log of this pallet goes.
    const LOG_TARGET: &str = "runtime::settings";

    /// What the pallet asks of the runtime.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>, RuntimeOrigin: From<Origin>> + pallet_parameters::Config
    {
        /// Weights of the calls.
        type WeightInfo: WeightInfo;

        /// Who changes parameters.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// What must hold between parameters.
        type Relations: ParameterRelations;

        /// Changes for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::RuntimeParameters>;
    }

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// The origin of changes to parameters.
    #[pallet::origin]
    #[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
    pub enum Origin {
        /// This pallet, after it has checked who asks.
        #[codec(index = 0)]
        Settings,
    }

    /// Blocks of an epoch, which is also a session and a tenure. Written at genesis and never changed.
    #[pallet::storage]
    pub type EpochLength<T: Config> = StorageValue<_, BlockNumber, ValueQuery, ConstU32<PRODUCTION_EPOCH>>;

    /// What a network starts with.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Blocks of an epoch; never changed later.
        pub epoch_length: BlockNumber,
        /// The first values of parameters; the others take the runtime's defaults. In JSON each is the hex string of
        /// its SCALE encoding, as the call `update` takes it.
        #[serde(with = "crate::scale_hex")]
        pub parameters: Vec<T::RuntimeParameters>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self { epoch_length: PRODUCTION_EPOCH, parameters: Vec::new() }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        // A genesis that cannot work must not be built: panicking is how a genesis is refused.
        #[allow(clippy::panic)]
        fn build(&self) {
            assert!(self.epoch_length > 0, "the genesis has epochs without blocks");
            EpochLength::<T>::put(self.epoch_length);
            for change in &self.parameters {
                let (key, value) = change.clone().into_parts();
                assert!(!Parameters::<T>::contains_key(&key), "the genesis sets a parameter twice: {key:?}");
                Parameters::<T>::set(key, value);
            }
            if let Err(relation) = T::Relations::check() {
                panic!("the genesis breaks a relation between parameters: {relation}");
            }
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Parameters changed; `pallet_parameters` has told which, one event for each.
        Updated {
            /// How many changes there were.
            changes: u32,
        },
    }

    /// Why a call failed.
    #[pallet::error]
    pub enum Error<T> {
        /// There is nothing to change.
        NoChanges,
        /// The changes would break a relation between parameters; the node's log names it.
        BrokenRelation,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Changes parameters.
        ///
        /// ## Dispatch Origin
        ///
        /// [`Config::GovernanceOrigin`].
        ///
        /// ## Details
        ///
        /// Applies `changes` in order, then checks the relations between all parameters; only the outcome counts, so
        /// values that depend on each other change together. All changes stay, or none. A change without a value
        /// takes the parameter back to the runtime's default. What was fixed into tasks before stays as it was.
        ///
        /// ## Errors
        ///
        /// - [`Error::NoChanges`]: `changes` is empty.
        /// - [`Error::BrokenRelation`]: a relation would not hold any more; the node's log names it.
        ///
        /// ## Events
        ///
        /// - `pallet_parameters::Event::Updated` for each change, then [`Event::Updated`].
        #[pallet::call_index(0)]
        #[pallet::weight(<T as Config>::WeightInfo::update(changes.len() as u32))]
        pub fn update(
            origin: OriginFor<T>,
            changes: BoundedVec<T::RuntimeParameters, ConstU32<MAX_CHANGES>>,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(!changes.is_empty(), Error::<T>::NoChanges);
            let count = changes.len() as u32;
            with_storage_layer(|| -> DispatchResult {
                for change in changes {
                    pallet_parameters::Pallet::<T>::set_parameter(Origin::Settings.into(), change)?;
                }
                T::Relations::check().map_err(|relation| {
                    // Events of a failed call are dropped, so the log is where the name can go.
                    log::warn!(target: LOG_TARGET, "update refused, it breaks a relation between parameters: {relation}");
                    Error::<T>::BrokenRelation.into()
                })
            })?;
            Self::deposit_event(Event::Updated { changes: count });
            Ok(())
        }
    }

    impl<T: Config> Pallet<T> {
        /// Checks what must always hold: epochs have a length, fixed at genesis, and the relations hold.
        ///
        /// # Errors
        /// The first that does not hold.
        pub fn do_try_state() -> Result<(), TryRuntimeError> {
            ensure!(EpochLength::<T>::exists(), "the genesis did not fix the length of an epoch");
            ensure!(EpochLength::<T>::get() > 0, "epochs have no blocks");
            T::Relations::check().map_err(TryRuntimeError::Other)
        }
    }
}
