//! The genesis of each network. One blob serves them all, so whatever differs between networks is here.
//!
//! - `development`: one validator, Alice, who is also sudo; short periods.
//! - `local` (also `local_testnet`): two validators, Alice and Bob, with stash accounts; short periods, for networks on
//!   one machine.
//! - `production`: nobody is endowed and nobody is root. It names no validators: whoever launches the network puts them
//!   into `session.keys`. It is not to be launched before an upgrade origin exists, because without sudo nothing in
//!   this runtime can change its own code yet.
//!
//! Keys come from tables of public keys; nothing is derived here.

use crate::{
    adapters::Treasury, parameters::dynamic_params, shipped_models::SHIPPED_MODELS, AccountId, BabeConfig,
    BalancesConfig, ModelsConfig, RuntimeGenesisConfig, RuntimeParameters, SessionConfig, SessionKeys, SettingsConfig,
    SudoConfig, BABE_GENESIS_EPOCH_CONFIG,
};
use alloc::{vec, vec::Vec};
use assay_types::{Balance, BlockNumber, Cid, ASY};
use frame_support::{build_struct_json_patch, traits::Get};
use serde_json::Value;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::FixedU128;

/// Two validators on one machine.
pub const LOCAL_PRESET: &str = "local";
/// The public network.
pub const PRODUCTION_PRESET: &str = "production";

/// What each test account starts with on a development or local network.
pub const ENDOWMENT: Balance = 100_000 * ASY;
/// Blocks of an epoch on a development or local network: one minute.
pub const TEST_EPOCH: BlockNumber = 20;

/// A validator's account and keys.
struct Validator {
    stash: AccountId,
    keys: SessionKeys,
}

impl Validator {
    /// A test account's keys, held by `stash`.
    fn test(stash: Sr25519Keyring, babe: Sr25519Keyring, grandpa: Ed25519Keyring) -> Self {
        Self {
            stash: stash.to_account_id(),
            keys: SessionKeys { babe: babe.public().into(), grandpa: grandpa.public().into() },
        }
    }
}

/// The accounts that are endowed on development and local networks: the six well-known ones and their stashes.
fn test_accounts() -> Vec<AccountId> {
    Sr25519Keyring::well_known().map(|account| account.to_account_id()).collect()
}

/// What differs between networks.
struct Network {
    validators: Vec<Validator>,
    endowed: Vec<AccountId>,
    sudo: Option<AccountId>,
    epoch: BlockNumber,
    parameters: Vec<RuntimeParameters>,
    rate: FixedU128,
}

impl Network {
    /// Short periods, rewards without a bound by the fee, test accounts with money, Alice as sudo.
    fn test(validators: Vec<Validator>) -> Self {
        Self {
            validators,
            endowed: test_accounts(),
            sudo: Some(Sr25519Keyring::Alice.to_account_id()),
            epoch: TEST_EPOCH,
            parameters: test_parameters(),
            rate: FixedU128::from_u32(1),
        }
    }

    fn patch(self) -> Value {
        let session_keys = |validator: Validator| (validator.stash.clone(), validator.stash, validator.keys);
        // The treasury offers what genesis ships, so that a model has the same id on every network.
        let treasury = Treasury::get();
        build_struct_json_patch!(RuntimeGenesisConfig {
            balances: BalancesConfig {
                balances: self.endowed.into_iter().map(|account| (account, ENDOWMENT)).collect::<Vec<_>>(),
            },
            babe: BabeConfig { epoch_config: BABE_GENESIS_EPOCH_CONFIG },
            session: SessionConfig { keys: self.validators.into_iter().map(session_keys).collect::<Vec<_>>() },
            sudo: SudoConfig { key: self.sudo },
            settings: SettingsConfig { epoch_length: self.epoch, parameters: self.parameters },
            models: ModelsConfig {
                models: SHIPPED_MODELS
                    .iter()
                    .filter_map(|model| Some((Cid::parse(model.manifest)?.0, model.fee)))
                    .map(|(manifest, fee)| (treasury.clone(), manifest, fee, treasury.clone(), self.rate))
                    .collect::<Vec<_>>(),
            },
        })
    }
}

/// The parameters of development and local networks that differ from production's: everything is over in minutes.
fn test_parameters() -> Vec<RuntimeParameters> {
    use dynamic_params::{
        bonds::{self, MinimumBond, Unbonding},
        disputes::{self, BallotCommit, BallotOpen, QuorumBallots, QuorumWeight},
        elections::{self, SeatBond, Seats},
        emissions::{self, RewardPerSunkFee},
        solutions::{self, ContestWindow},
        tasks::{self, DefaultDeadline, LongestDeadline, Retention},
    };

    vec![
        RuntimeParameters::Tasks(tasks::Parameters::DefaultDeadline(DefaultDeadline, Some(60))),
        RuntimeParameters::Tasks(tasks::Parameters::LongestDeadline(LongestDeadline, Some(200))),
        RuntimeParameters::Tasks(tasks::Parameters::Retention(Retention, Some(200))),
        RuntimeParameters::Solutions(solutions::Parameters::ContestWindow(ContestWindow, Some(8))),
        RuntimeParameters::Disputes(disputes::Parameters::BallotCommit(BallotCommit, Some(6))),
        RuntimeParameters::Disputes(disputes::Parameters::BallotOpen(BallotOpen, Some(6))),
        RuntimeParameters::Disputes(disputes::Parameters::QuorumBallots(QuorumBallots, Some(1))),
        RuntimeParameters::Disputes(disputes::Parameters::QuorumWeight(QuorumWeight, Some(0))),
        RuntimeParameters::Bonds(bonds::Parameters::MinimumBond(MinimumBond, Some(10 * ASY))),
        RuntimeParameters::Bonds(bonds::Parameters::Unbonding(Unbonding, Some(300))),
        RuntimeParameters::Elections(elections::Parameters::SeatBond(SeatBond, Some(10 * ASY))),
        RuntimeParameters::Elections(elections::Parameters::Seats(Seats, Some(3))),
        RuntimeParameters::Emissions(emissions::Parameters::RewardPerSunkFee(
            RewardPerSunkFee,
            Some(pallet_emissions::UNBOUNDED),
        )),
    ]
}

/// One validator, Alice.
pub fn development() -> Value {
    Network::test(vec![Validator::test(Sr25519Keyring::AliceStash, Sr25519Keyring::Alice, Ed25519Keyring::Alice)])
        .patch()
}

/// Two validators, Alice and Bob.
pub fn local() -> Value {
    Network::test(vec![
        Validator::test(Sr25519Keyring::AliceStash, Sr25519Keyring::Alice, Ed25519Keyring::Alice),
        Validator::test(Sr25519Keyring::BobStash, Sr25519Keyring::Bob, Ed25519Keyring::Bob),
    ])
    .patch()
}

/// The public network, still without validators. Its models earn nothing until governance sets their rates.
pub fn production() -> Value {
    Network {
        validators: vec![],
        endowed: vec![],
        sudo: None,
        epoch: pallet_settings::PRODUCTION_EPOCH,
        parameters: vec![],
        rate: FixedU128::from_u32(0),
    }
    .patch()
}

/// The preset of that name, as the bytes of a JSON patch to the default genesis.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
    let patch = match id.as_ref() {
        DEV_RUNTIME_PRESET => development(),
        LOCAL_PRESET | LOCAL_TESTNET_RUNTIME_PRESET => local(),
        PRODUCTION_PRESET => production(),
        _ => return None,
    };
    serde_json::to_vec(&patch).ok()
}

/// The names of the presets.
pub fn preset_names() -> Vec<PresetId> {
    vec![
        PresetId::from(DEV_RUNTIME_PRESET),
        PresetId::from(LOCAL_PRESET),
        PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET),
        PresetId::from(PRODUCTION_PRESET),
    ]
}
