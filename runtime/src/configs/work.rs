//! Inference: models, stake, emission, tasks, solutions.

use crate::{
    adapters::{
        CurrentTenure, DisputeQuorum, Liquidity, MinimumBond, ParentVrf, TenureCommittee, Treasury, Validators,
    },
    configs::governance::GovernanceOrigin,
    constants::{
        deposit, BONDS, MAX_CHUNKS, MAX_COMMITTEE, MAX_SERVED, MAX_SLASH_TENURES, MAX_TRANCHES, MINIMUM_DELEGATION,
        SWEEP_BATCH, SWEEP_DELAY,
    },
    parameters::dynamic_params,
    Balance, Balances, Bonds, Elections, Emissions, Models, Runtime, RuntimeHoldReason, Solutions, System, Tasks,
};
use assay_types::{ASY, MAX_EXTERNAL};
use frame_support::{
    parameter_types,
    traits::{ConstU128, ConstU32},
    PalletId,
};
use pallet_settings::EpochBlocks;

parameter_types! {
    /// For each model that a solver serves.
    pub const ServiceDeposit: Balance = deposit(1, 96);
    /// The pot of the stake of solvers.
    pub const BondsPot: PalletId = BONDS;
}

impl pallet_models::Config for Runtime {
    type WeightInfo = crate::weights::pallet_models::WeightInfo<Runtime>;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type GovernanceOrigin = GovernanceOrigin;
    // Dear enough that nobody fills the list of models for fun; it comes back.
    type RegistrationDeposit = ConstU128<ASY>;
    type ServiceDeposit = ServiceDeposit;
    type MaxServed = ConstU32<MAX_SERVED>;
}

impl pallet_bonds::Config for Runtime {
    type WeightInfo = crate::weights::pallet_bonds::WeightInfo<Runtime>;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Maturity = EpochBlocks<Runtime>;
    type Unbonding = dynamic_params::bonds::Unbonding;
    type MinimumBond = MinimumBond;
    type MaxTranches = ConstU32<MAX_TRANCHES>;
    type MaxChunks = ConstU32<MAX_CHUNKS>;
    type Tenure = CurrentTenure;
    type MaxSlashTenures = ConstU32<MAX_SLASH_TENURES>;
    type PalletId = BondsPot;
    type MinimumDelegation = ConstU128<MINIMUM_DELEGATION>;
    type Treasury = Treasury;
}

impl pallet_emissions::Config for Runtime {
    type WeightInfo = crate::weights::pallet_emissions::WeightInfo<Runtime>;
    type Currency = Balances;
    type Treasury = Treasury;
    type Liquidity = Liquidity;
    type Validators = Validators;
    type Delegators = Bonds;
    type Tenure = CurrentTenure;
    type TenureLength = EpochBlocks<Runtime>;
    type RewardPerSunkFee = dynamic_params::emissions::RewardPerSunkFee;
}

impl pallet_tasks::Config for Runtime {
    type WeightInfo = crate::weights::pallet_tasks::WeightInfo<Runtime>;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Models = Models;
    type Rewards = Emissions;
    type Delegators = Bonds;
    type Vrf = ParentVrf;
    type OnTaskSettled = Elections;
    type Treasury = Treasury;
    type DefaultDeadline = dynamic_params::tasks::DefaultDeadline;
    type LongestDeadline = dynamic_params::tasks::LongestDeadline;
    type RevealGrace = dynamic_params::solutions::RevealGrace;
    type ContestWindow = dynamic_params::solutions::ContestWindow;
    type BaseDeposit = dynamic_params::tasks::BaseDeposit;
    type ByteDeposit = dynamic_params::tasks::ByteDeposit;
    type Retention = dynamic_params::tasks::Retention;
    type RetractDelay = dynamic_params::tasks::RetractDelay;
    type MaxExternal = ConstU32<MAX_EXTERNAL>;
    type SweepDelay = ConstU32<SWEEP_DELAY>;
    type SweepBatch = ConstU32<SWEEP_BATCH>;
}

impl pallet_solutions::Config for Runtime {
    type WeightInfo = crate::weights::pallet_solutions::WeightInfo<Runtime>;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Tasks = Tasks;
    type Models = Models;
    type Stake = Bonds;
    type OnSolutionRevealed = ();
    type Treasury = Treasury;
    type CommitmentDeposit = dynamic_params::solutions::CommitmentDeposit;
    type MinimumStake = dynamic_params::solutions::MinimumStake;
    type SweepDelay = ConstU32<SWEEP_DELAY>;
    type SweepBatch = ConstU32<SWEEP_BATCH>;
}

impl pallet_contestation::Config for Runtime {
    type WeightInfo = crate::weights::pallet_contestation::WeightInfo<Runtime>;
    type BlockNumberProvider = System;
    type Tasks = Tasks;
    type Solutions = Solutions;
    type Models = Models;
    type Stake = Bonds;
    type Committee = TenureCommittee;
    type OnDisputeResolved = Elections;
    type BallotCommit = dynamic_params::disputes::BallotCommit;
    type BallotOpen = dynamic_params::disputes::BallotOpen;
    type Quorum = DisputeQuorum;
    type MaxCommittee = ConstU32<MAX_COMMITTEE>;
    type SweepDelay = ConstU32<SWEEP_DELAY>;
    type SweepBatch = ConstU32<SWEEP_BATCH>;
}
