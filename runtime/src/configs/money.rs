//! Balances, fees and deposits.

use crate::{
    adapters::FeesToAuthor,
    constants::{deposit, EXISTENTIAL_DEPOSIT},
    Balance, Balances, Runtime, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, System,
};
use assay_types::{ASY, MICRO_ASY};
use frame_support::{
    parameter_types,
    traits::{ConstU128, ConstU32, ConstU8, VariantCountOf},
    weights::{constants::WEIGHT_REF_TIME_PER_SECOND, ConstantMultiplier, Weight, WeightToFee},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{traits::Bounded, FixedPointNumber, Perquintill};

impl pallet_balances::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
    type Balance = Balance;
    type DustRemoval = ();
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type AccountStore = System;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxLocks = ConstU32<0>;
    type MaxReserves = ConstU32<0>;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}

/// The price of a second of execution, in units of ASY: a transfer, which weighs nearly half a millisecond
/// with its signature, costs nearly 50 millionths of an ASY, a full block about 0.15 ASY.
pub const FEE_PER_SECOND: Balance = ASY / 10;
/// The price of a byte in a block, in units of ASY: the longest payload, 16 KiB, costs about 0.0002 ASY.
pub const FEE_PER_BYTE: Balance = MICRO_ASY / 100;

/// Fee in proportion to execution time.
pub struct TimeToFee;

impl WeightToFee for TimeToFee {
    type Balance = Balance;

    fn weight_to_fee(weight: &Weight) -> Balance {
        Balance::from(weight.ref_time()).saturating_mul(FEE_PER_SECOND) / Balance::from(WEIGHT_REF_TIME_PER_SECOND)
    }
}

parameter_types! {
    /// The price of a byte.
    pub const FeePerByte: Balance = FEE_PER_BYTE;
    /// Fullness of blocks above which fees rise.
    pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
    /// How fast they rise: at most about a tenth in ten minutes of full blocks.
    pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
    /// Fees never fall below their plain price.
    pub MinimumMultiplier: Multiplier = Multiplier::from_u32(1);
    /// Nor is there a bound to their rise.
    pub MaximumMultiplier: Multiplier = Multiplier::max_value();
    /// For a validator's session keys.
    pub const KeyDeposit: Balance = deposit(3, 256);
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, FeesToAuthor>;
    type WeightToFee = TimeToFee;
    type LengthToFee = ConstantMultiplier<Balance, FeePerByte>;
    type FeeMultiplierUpdate =
        TargetedFeeAdjustment<Self, TargetBlockFullness, AdjustmentVariable, MinimumMultiplier, MaximumMultiplier>;
    type OperationalFeeMultiplier = ConstU8<5>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
