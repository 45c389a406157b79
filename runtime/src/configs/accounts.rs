//! What accounts can do together or for each other: batches, proxies, multisigs, the development key.

use crate::{constants::deposit, Balance, Balances, OriginCaller, Runtime, RuntimeCall, RuntimeEvent, System};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    parameter_types,
    traits::{ConstU32, InstanceFilter},
};
use scale_info::TypeInfo;
use sp_runtime::traits::BlakeTwo256;

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

/// What a proxy may do for the account that appointed it.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum ProxyType {
    /// Everything.
    #[default]
    Any,
    /// Everything but moving tokens out of the account.
    NonTransfer,
    /// Daily work: models, bonds, tasks, with the fees that they pay, and solutions.
    Work,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        match self {
            Self::Any => true,
            // What a batch, a multisig or another proxy carries is filtered again, call by call. Tasks are not in the
            // list, nor is delegating: fees can be paid to anybody, and a delegation be lost to him.
            // Nor is committing to an election: half of that is the committee's.
            Self::NonTransfer
                if matches!(
                    call,
                    RuntimeCall::Bonds(pallet_bonds::Call::delegate { .. })
                        | RuntimeCall::Elections(pallet_elections::Call::commit { .. })
                ) =>
            {
                false
            }
            Self::NonTransfer => matches!(
                call,
                RuntimeCall::System(_)
                    | RuntimeCall::Babe(_)
                    | RuntimeCall::Session(_)
                    | RuntimeCall::Grandpa(_)
                    | RuntimeCall::Utility(_)
                    | RuntimeCall::Proxy(_)
                    | RuntimeCall::Multisig(_)
                    | RuntimeCall::Bonds(_)
                    | RuntimeCall::Solutions(_)
                    | RuntimeCall::Elections(_)
                    | RuntimeCall::Models(pallet_models::Call::serve { .. } | pallet_models::Call::stop_serving { .. })
            ),
            Self::Work => matches!(
                call,
                RuntimeCall::Utility(_)
                    | RuntimeCall::Models(_)
                    | RuntimeCall::Bonds(_)
                    | RuntimeCall::Tasks(_)
                    | RuntimeCall::Solutions(_)
            ),
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        matches!(self, Self::Any) || self == other
    }
}

parameter_types! {
    /// For the first proxy of an account.
    pub const ProxyDepositBase: Balance = deposit(1, 8);
    /// For every proxy.
    pub const ProxyDepositFactor: Balance = deposit(0, 33);
    /// For the first announcement of an account.
    pub const AnnouncementDepositBase: Balance = deposit(1, 8);
    /// For every announcement.
    pub const AnnouncementDepositFactor: Balance = deposit(0, 66);
    /// For a multisig operation.
    pub const MultisigDepositBase: Balance = deposit(1, 88);
    /// For every signatory of it.
    pub const MultisigDepositFactor: Balance = deposit(0, 32);
}

impl pallet_proxy::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type ProxyType = ProxyType;
    type ProxyDepositBase = ProxyDepositBase;
    type ProxyDepositFactor = ProxyDepositFactor;
    type MaxProxies = ConstU32<32>;
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
    type MaxPending = ConstU32<32>;
    type CallHasher = BlakeTwo256;
    type AnnouncementDepositBase = AnnouncementDepositBase;
    type AnnouncementDepositFactor = AnnouncementDepositFactor;
    type BlockNumberProvider = System;
}

impl pallet_multisig::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type DepositBase = MultisigDepositBase;
    type DepositFactor = MultisigDepositFactor;
    type MaxSignatories = ConstU32<100>;
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
    type BlockNumberProvider = System;
}

/// In the blob of every network, but only the development and local presets set a key: without one no call passes.
impl pallet_sudo::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}
