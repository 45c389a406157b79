//! # Models
//!
//! The registry of models: who offers which model on what terms, and which solvers serve it.
//!
//! A model is known by its manifest, a payload that lists its files by content id; the registry keeps the manifest's
//! content id only. Anyone may register a model for a deposit. Its owner sets the flat fee of its tasks and who
//! receives it; governance sets which share of the work reward its tasks earn (none at first) and its tier.
//!
//! A model that its owner retires takes no new tasks. Its record stays while solvers serve it, so that tasks already
//! submitted can still be solved, and goes with the last of them.
//!
//! Other pallets use it through [`assay_traits::ModelRegistry`].

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
pub mod weights;

pub use pallet::*;
pub use types::{ModelRecord, ModelState, Tier};
pub use weights::WeightInfo;

/// The pallet itself.
// What FRAME's macros generate here uses `expect`; what is written here does not.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use assay_types::{protocol, Balance, Cid, ModelId};
    use frame_support::{
        pallet_prelude::*,
        traits::{
            fungible::{self, hold::Mutate as _},
            tokens::Precision,
        },
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::{traits::One, FixedU128};

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

        /// Who sets rates and tiers.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Held from the owner while a model is offered, in units of ASY.
        #[pallet::constant]
        type RegistrationDeposit: Get<Balance>;

        /// Held from a solver for each model that it serves, in units of ASY.
        #[pallet::constant]
        type ServiceDeposit: Get<Balance>;

        /// Most models that one solver serves.
        #[pallet::constant]
        type MaxServed: Get<u32>;
    }

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Why this pallet holds balance.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// An owner's deposits for the models that it offers.
        Registration,
        /// A solver's deposits for the models that it serves.
        Service,
    }

    /// Every model.
    #[pallet::storage]
    pub type Models<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, ModelRecord<T::AccountId>, OptionQuery>;

    /// Which solvers serve a model, and the deposit held for it, in units of ASY.
    #[pallet::storage]
    pub type Solvers<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, ModelId, Blake2_128Concat, T::AccountId, Balance, OptionQuery>;

    /// How many models a solver serves.
    #[pallet::storage]
    pub type ServedCount<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

    /// A model that a network starts with: owner, digest of the manifest's content id, flat fee in units of ASY, its
    /// recipient, and share of the full work reward.
    pub type GenesisModel<AccountId> = (AccountId, [u8; 32], Balance, AccountId, FixedU128);

    /// The models that a network starts with; no deposit is held for them.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// See [`GenesisModel`].
        pub models: Vec<GenesisModel<T::AccountId>>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            for (owner, manifest, fee, recipient, rate) in &self.models {
                let manifest = Cid(*manifest);
                let model = protocol::model_id(owner, &manifest);
                assert!(*rate <= FixedU128::one(), "the rate of a genesis model is above one");
                assert!(!Models::<T>::contains_key(model), "a genesis model is listed twice");
                let record = ModelRecord {
                    owner: owner.clone(),
                    manifest,
                    fee: *fee,
                    recipient: recipient.clone(),
                    rate: *rate,
                    tier: Tier::Open,
                    state: ModelState::Active,
                    deposit: 0,
                    solvers: 0,
                };
                Models::<T>::insert(model, record);
            }
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A model is offered.
        Registered {
            /// Its id.
            model: ModelId,
            /// Who offers it.
            owner: T::AccountId,
            /// Content id of its manifest.
            manifest: Cid,
            /// Flat fee of its tasks, in units of ASY.
            fee: Balance,
            /// Who receives the flat fee.
            recipient: T::AccountId,
        },
        /// The owner changed a model's terms for tasks to come.
        Updated {
            /// Its id.
            model: ModelId,
            /// Flat fee of its tasks, in units of ASY.
            fee: Balance,
            /// Who receives the flat fee.
            recipient: T::AccountId,
        },
        /// A model takes no new tasks.
        Retired {
            /// Its id.
            model: ModelId,
        },
        /// The record of a retired model that nobody serves any more is gone.
        Removed {
            /// Its id.
            model: ModelId,
        },
        /// Governance set the share of the full work reward that a model's tasks earn.
        RateSet {
            /// Its id.
            model: ModelId,
            /// The share, at most one.
            rate: FixedU128,
        },
        /// Governance set a model's tier.
        TierSet {
            /// Its id.
            model: ModelId,
            /// The tier.
            tier: Tier,
        },
        /// A solver serves a model.
        ServiceStarted {
            /// The model.
            model: ModelId,
            /// The solver.
            solver: T::AccountId,
        },
        /// A solver serves a model no longer.
        ServiceStopped {
            /// The model.
            model: ModelId,
            /// The solver.
            solver: T::AccountId,
        },
    }

    /// Why a call failed.
    #[pallet::error]
    pub enum Error<T> {
        /// The owner offers a model with this manifest already.
        AlreadyExists,
        /// There is no such model.
        NotFound,
        /// The model belongs to somebody else.
        NotOwner,
        /// The model is retired.
        Retired,
        /// A rate is at most one.
        RateTooHigh,
        /// The solver serves the model already.
        AlreadyServing,
        /// The solver does not serve the model.
        NotServing,
        /// The solver serves as many models as one may.
        TooMany,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Offers a model.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the owner to be.
        ///
        /// ## Details
        ///
        /// The id is derived from owner and manifest ([`protocol::model_id`]). Holds [`Config::RegistrationDeposit`]
        /// until the model is retired. The model starts in tier [`Tier::Open`] with a rate of zero: its tasks earn
        /// fees but no minted reward until governance sets a rate.
        ///
        /// ## Errors
        ///
        /// - [`Error::AlreadyExists`]: the sender offers this manifest already, or solvers still serve the one retired.
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::Registered`].
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(origin: OriginFor<T>, manifest: Cid, fee: Balance, recipient: T::AccountId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            let model = protocol::model_id(&owner, &manifest);
            ensure!(!Models::<T>::contains_key(model), Error::<T>::AlreadyExists);
            let deposit = T::RegistrationDeposit::get();
            T::Currency::hold(&HoldReason::Registration.into(), &owner, deposit)?;
            let record = ModelRecord {
                owner: owner.clone(),
                manifest,
                fee,
                recipient: recipient.clone(),
                rate: FixedU128::default(),
                tier: Tier::Open,
                state: ModelState::Active,
                deposit,
                solvers: 0,
            };
            Models::<T>::insert(model, record);
            Self::deposit_event(Event::Registered { model, owner, manifest, fee, recipient });
            Ok(())
        }

        /// Changes the flat fee of a model and who receives it.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the model's owner.
        ///
        /// ## Details
        ///
        /// Tasks already submitted keep the terms that they were submitted under.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`]: there is no such model.
        /// - [`Error::NotOwner`]: it belongs to somebody else.
        /// - [`Error::Retired`]: it is retired.
        ///
        /// ## Events
        ///
        /// - [`Event::Updated`].
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::update())]
        pub fn update(origin: OriginFor<T>, model: ModelId, fee: Balance, recipient: T::AccountId) -> DispatchResult {
            let sender = ensure_signed(origin)?;
            Self::mutate_active(&model, |record| {
                ensure!(record.owner == sender, Error::<T>::NotOwner);
                record.fee = fee;
                record.recipient = recipient.clone();
                Ok(())
            })?;
            Self::deposit_event(Event::Updated { model, fee, recipient });
            Ok(())
        }

        /// Stops offering a model.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the model's owner.
        ///
        /// ## Details
        ///
        /// The model takes no new tasks and no new solvers, and the deposit is given back at once: it does not wait
        /// for solvers, whom the owner cannot move. The record is removed when no solver serves the model any more,
        /// now or by the last `stop_serving`. There is no way back; once removed, it can be registered again.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`]: there is no such model.
        /// - [`Error::NotOwner`]: it belongs to somebody else.
        /// - [`Error::Retired`]: it is retired already.
        ///
        /// ## Events
        ///
        /// - [`Event::Retired`], then [`Event::Removed`] where nobody serves it.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::retire())]
        pub fn retire(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
            let sender = ensure_signed(origin)?;
            let mut record = Models::<T>::get(model).ok_or(Error::<T>::NotFound)?;
            ensure!(record.owner == sender, Error::<T>::NotOwner);
            ensure!(record.state == ModelState::Active, Error::<T>::Retired);
            T::Currency::release(&HoldReason::Registration.into(), &sender, record.deposit, Precision::Exact)?;
            record.deposit = 0;
            record.state = ModelState::Retired;
            Self::deposit_event(Event::Retired { model });
            Self::store_or_remove(model, record);
            Ok(())
        }

        /// Sets the share of the full work reward that a model's tasks earn.
        ///
        /// ## Dispatch Origin
        ///
        /// [`Config::GovernanceOrigin`].
        ///
        /// ## Details
        ///
        /// Holds for tasks submitted from now on. Zero mints nothing.
        ///
        /// ## Errors
        ///
        /// - [`Error::RateTooHigh`]: the rate is above one.
        /// - [`Error::NotFound`]: there is no such model.
        /// - [`Error::Retired`]: it is retired.
        ///
        /// ## Events
        ///
        /// - [`Event::RateSet`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::set_rate())]
        pub fn set_rate(origin: OriginFor<T>, model: ModelId, rate: FixedU128) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(rate <= FixedU128::one(), Error::<T>::RateTooHigh);
            Self::mutate_active(&model, |record| {
                record.rate = rate;
                Ok(())
            })?;
            Self::deposit_event(Event::RateSet { model, rate });
            Ok(())
        }

        /// Sets the tier of a model.
        ///
        /// ## Dispatch Origin
        ///
        /// [`Config::GovernanceOrigin`].
        ///
        /// ## Details
        ///
        /// The tier says how far governance vouches for the model; see [`Tier`].
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`]: there is no such model.
        /// - [`Error::Retired`]: it is retired.
        ///
        /// ## Events
        ///
        /// - [`Event::TierSet`].
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_tier())]
        pub fn set_tier(origin: OriginFor<T>, model: ModelId, tier: Tier) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::mutate_active(&model, |record| {
                record.tier = tier;
                Ok(())
            })?;
            Self::deposit_event(Event::TierSet { model, tier });
            Ok(())
        }

        /// Declares that the sender serves a model.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the solver.
        ///
        /// ## Details
        ///
        /// Holds [`Config::ServiceDeposit`] until `stop_serving`. Only who serves a model may commit to its tasks.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`]: there is no such model.
        /// - [`Error::Retired`]: it is retired.
        /// - [`Error::AlreadyServing`]: the sender serves it already.
        /// - [`Error::TooMany`]: the sender serves [`Config::MaxServed`] models.
        /// - The currency's, when the sender's balance does not suffice.
        ///
        /// ## Events
        ///
        /// - [`Event::ServiceStarted`].
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::serve())]
        pub fn serve(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
            let solver = ensure_signed(origin)?;
            Self::mutate_active(&model, |record| {
                ensure!(!Solvers::<T>::contains_key(model, &solver), Error::<T>::AlreadyServing);
                let served = ServedCount::<T>::get(&solver);
                ensure!(served < T::MaxServed::get(), Error::<T>::TooMany);
                let deposit = T::ServiceDeposit::get();
                T::Currency::hold(&HoldReason::Service.into(), &solver, deposit)?;
                Solvers::<T>::insert(model, &solver, deposit);
                ServedCount::<T>::insert(&solver, served.saturating_add(1));
                record.solvers = record.solvers.saturating_add(1);
                Ok(())
            })?;
            Self::deposit_event(Event::ServiceStarted { model, solver });
            Ok(())
        }

        /// Declares that the sender serves a model no longer.
        ///
        /// ## Dispatch Origin
        ///
        /// Signed, by the solver.
        ///
        /// ## Details
        ///
        /// Gives back the deposit that was held for this model. Commitments already made stay valid. The record of a
        /// retired model is removed with its last solver.
        ///
        /// ## Errors
        ///
        /// - [`Error::NotFound`]: there is no such model.
        /// - [`Error::NotServing`]: the sender does not serve it.
        ///
        /// ## Events
        ///
        /// - [`Event::ServiceStopped`], then [`Event::Removed`] where this was the last solver of a retired model.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::stop_serving())]
        pub fn stop_serving(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
            let solver = ensure_signed(origin)?;
            let mut record = Models::<T>::get(model).ok_or(Error::<T>::NotFound)?;
            let deposit = Solvers::<T>::get(model, &solver).ok_or(Error::<T>::NotServing)?;
            T::Currency::release(&HoldReason::Service.into(), &solver, deposit, Precision::Exact)?;
            Solvers::<T>::remove(model, &solver);
            match ServedCount::<T>::get(&solver).saturating_sub(1) {
                0 => ServedCount::<T>::remove(&solver),
                served => ServedCount::<T>::insert(&solver, served),
            }
            record.solvers = record.solvers.saturating_sub(1);
            Self::deposit_event(Event::ServiceStopped { model, solver });
            Self::store_or_remove(model, record);
            Ok(())
        }
    }
}
