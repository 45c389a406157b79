//! Each preset builds a state that can run, and says what it is documented to say.

use crate::common::{check_pallets, genesis, genesis_with, Blocks};
use assay_math::{Curves, EmissionCurve, Preset};
use assay_runtime::{
    adapters::MinimumBond,
    genesis_config_presets::{preset_names, ENDOWMENT},
    parameters::dynamic_params,
    shipped_models::SHIPPED_MODELS,
    Babe, Balances, Block, Emissions, Grandpa, Parameters, Runtime, RuntimeOrigin, RuntimeParameters, Session,
    Settings,
};
use assay_types::{Balance, Cid, ASY};
use frame_support::{assert_err, assert_noop, assert_ok, traits::Get, BoundedVec};
use serde_json::{json, Value};
use sp_consensus_babe::{runtime_decl_for_babe_api::BabeApiV2 as BabeApi, AllowedSlots};
use sp_genesis_builder::runtime_decl_for_genesis_builder::GenesisBuilderV1 as GenesisBuilder;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{DispatchError, FixedU128};

fn contest_window(blocks: u32) -> RuntimeParameters {
    use dynamic_params::solutions::{ContestWindow, Parameters};
    RuntimeParameters::Solutions(Parameters::ContestWindow(ContestWindow, Some(blocks)))
}

#[test]
fn every_preset_builds_and_satisfies_the_relations() {
    for name in preset_names() {
        genesis(&name).execute_with(|| {
            check_pallets();
        });
    }
    assert_eq!(<Runtime as GenesisBuilder<Block>>::preset_names(), preset_names());
    assert_eq!(<Runtime as GenesisBuilder<Block>>::get_preset(&Some("other".into())), None);
}

#[test]
fn every_shipped_model_is_named_by_a_content_id() {
    assert!(SHIPPED_MODELS.iter().all(|model| Cid::parse(model.manifest).is_some()));
}

#[test]
fn development_has_one_validator_and_short_periods() {
    genesis("development").execute_with(|| {
        assert_eq!(Session::validators(), [Sr25519Keyring::AliceStash.to_account_id()]);
        assert_eq!(Babe::authorities().len(), 1);
        assert_eq!(Grandpa::grandpa_authorities().len(), 1);
        assert_eq!(pallet_sudo::Key::<Runtime>::get(), Some(Sr25519Keyring::Alice.to_account_id()));
        for account in Sr25519Keyring::well_known() {
            assert_eq!(Balances::free_balance(account.to_account_id()), ENDOWMENT);
        }
        let babe = <Runtime as BabeApi<Block>>::configuration();
        assert_eq!((babe.epoch_length, babe.slot_duration), (20, 3_000));
        assert_eq!(babe.allowed_slots, AllowedSlots::PrimaryAndSecondaryVRFSlots);
        assert_eq!(dynamic_params::tasks::DefaultDeadline::get(), 60);
        assert_eq!(dynamic_params::tasks::LongestDeadline::get(), 200);
        assert_eq!(dynamic_params::solutions::ContestWindow::get(), 8);
        assert_eq!(dynamic_params::bonds::Unbonding::get(), 300);
        assert_eq!(MinimumBond::get(), 10 * ASY);
        assert_eq!(dynamic_params::emissions::RewardPerSunkFee::get(), pallet_emissions::UNBOUNDED);
    });
}

#[test]
fn local_has_two_validators() {
    genesis("local").execute_with(|| {
        let stashes = [Sr25519Keyring::AliceStash, Sr25519Keyring::BobStash].map(|stash| stash.to_account_id());
        assert_eq!(Session::validators(), stashes);
        assert_eq!(Babe::authorities().len(), 2);
        assert_eq!(<Runtime as BabeApi<Block>>::configuration().epoch_length, 20);
    });
}

#[test]
fn production_endows_nobody_and_has_no_root() {
    genesis("production").execute_with(|| {
        assert_eq!(Balances::total_issuance(), 0);
        assert_eq!(pallet_sudo::Key::<Runtime>::get(), None);
        assert!(Session::validators().is_empty(), "whoever launches it names them");
        assert_eq!(<Runtime as BabeApi<Block>>::configuration().epoch_length, 1_200);
        assert_eq!(dynamic_params::solutions::ContestWindow::get(), 300);
        assert_eq!(MinimumBond::get(), ASY);
        assert_eq!(dynamic_params::emissions::RewardPerSunkFee::get(), FixedU128::from_u32(1));
        for model in pallet_models::Models::<Runtime>::iter_values() {
            assert_eq!(model.rate, FixedU128::from_u32(0), "governance sets rates, genesis does not");
        }
    });
}

#[test]
fn a_chain_spec_may_name_another_schedule_of_emission() {
    let curves = |told: Value| {
        genesis_with("development", json!({ "emissions": { "curves": told } }))
            .execute_with(pallet_emissions::EmissionCurves::<Runtime>::get)
    };
    for preset in Preset::ALL {
        assert_eq!(curves(json!(preset)), preset.curves());
    }
    let own = Curves { authors: EmissionCurve::None, work: EmissionCurve::Linear { per_block: 5, cap: 70 } };
    assert_eq!(curves(json!({ "authors": "none", "work": { "linear": { "per_block": "5", "cap": "70" } } })), own);
}

/// A number with commas between thousands.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let (head, tail) = digits.split_at(digits.len() % 3);
    let groups = tail.as_bytes().chunks(3).map(|group| std::str::from_utf8(group).expect("digits are ASCII"));
    Some(head).filter(|head| !head.is_empty()).into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

/// An amount in ASY.
fn in_asy(amount: Balance) -> String {
    let fraction = format!("{:012}", amount % ASY);
    match fraction.trim_end_matches('0') {
        "" => grouped(amount / ASY),
        fraction => format!("{}.{fraction}", grouped(amount / ASY)),
    }
}

/// The parameters of the state, as docs/protocol.md shows them.
fn shown() -> [(&'static str, String); 22] {
    use dynamic_params::{bonds, disputes, elections, emissions, solutions, tasks};
    let sunk = emissions::RewardPerSunkFee::get();
    let (number, amount) = (grouped, in_asy);
    [
        ("DefaultDeadline", number(tasks::DefaultDeadline::get().into())),
        ("LongestDeadline", number(tasks::LongestDeadline::get().into())),
        ("BaseDeposit", amount(tasks::BaseDeposit::get())),
        ("ByteDeposit", amount(tasks::ByteDeposit::get())),
        ("Retention", number(tasks::Retention::get().into())),
        ("RetractDelay", number(tasks::RetractDelay::get().into())),
        ("RevealGrace", number(solutions::RevealGrace::get().into())),
        ("ContestWindow", number(solutions::ContestWindow::get().into())),
        ("CommitmentDeposit", amount(solutions::CommitmentDeposit::get())),
        ("MinimumStake", amount(solutions::MinimumStake::get())),
        ("BallotCommit", number(disputes::BallotCommit::get().into())),
        ("BallotOpen", number(disputes::BallotOpen::get().into())),
        ("QuorumBallots", number(disputes::QuorumBallots::get().into())),
        ("QuorumWeight", number(disputes::QuorumWeight::get().into())),
        ("MinimumBond", amount(bonds::MinimumBond::get())),
        ("Unbonding", number(bonds::Unbonding::get().into())),
        (
            "RewardPerSunkFee",
            if sunk == pallet_emissions::UNBOUNDED {
                "no bound".into()
            } else {
                grouped(sunk.into_inner() / FixedU128::from_u32(1).into_inner())
            },
        ),
        ("SeatBond", amount(elections::SeatBond::get())),
        ("MinimumCommit", amount(elections::MinimumCommit::get())),
        ("LeastCommits", number(elections::LeastCommits::get().into())),
        ("Seats", number(elections::Seats::get().into())),
        ("CommitteeSize", number(elections::CommitteeSize::get().into())),
    ]
}

#[test]
fn the_parameters_in_the_docs_are_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");
    let text = std::fs::read_to_string(path).expect("docs/protocol.md is there");
    let development = genesis("development").execute_with(shown);
    for ((name, production), (_, development)) in genesis("production").execute_with(shown).into_iter().zip(development)
    {
        let row = format!("| `{name}` | {production} | {development} |");
        assert!(text.contains(&row), "docs/protocol.md has no row that begins with {row}");
    }
}

#[test]
#[should_panic(expected = "maturity >= reveal grace + contest window + ballot commit")]
fn a_genesis_that_breaks_a_relation_is_refused() {
    genesis_with("production", json!({ "settings": { "epochLength": 20, "parameters": [] } }));
}

#[test]
fn parameters_change_only_through_settings() {
    genesis("development").execute_with(|| {
        assert_noop!(Parameters::set_parameter(RuntimeOrigin::root(), contest_window(9)), DispatchError::BadOrigin);
        let alice = RuntimeOrigin::signed(Sr25519Keyring::Alice.to_account_id());
        let change = |blocks| BoundedVec::truncate_from(vec![contest_window(blocks)]);
        assert_noop!(Settings::update(alice, change(9)), DispatchError::BadOrigin);
        assert_ok!(Settings::update(RuntimeOrigin::root(), change(9)));
        assert_eq!(dynamic_params::solutions::ContestWindow::get(), 9);
        // A bond of 20 blocks of age could vote on a task older than itself.
        assert_err!(
            Settings::update(RuntimeOrigin::root(), change(12)),
            pallet_settings::Error::<Runtime>::BrokenRelation
        );
        assert_eq!(dynamic_params::solutions::ContestWindow::get(), 9);
    });
}

#[test]
fn the_least_bond_grows_with_what_was_minted() {
    genesis("production").execute_with(|| {
        pallet_emissions::MintedAuthors::<Runtime>::put(30_000 * ASY);
        pallet_emissions::MintedWork::<Runtime>::put(70_000 * ASY);
        assert_eq!(MinimumBond::get(), 10 * ASY);
    });
}

#[test]
fn epochs_end_after_their_slots_and_blocks_are_paid() {
    genesis("development").execute_with(|| {
        let mut blocks = Blocks::default();
        for _ in 0..65 {
            blocks.begin();
            blocks.end();
            assert_ok!(Emissions::do_try_state());
        }
        assert_eq!(Session::current_index(), 3);
        assert_eq!(Babe::epoch_index(), 3);
        let minted = pallet_emissions::MintedAuthors::<Runtime>::get();
        assert_eq!(minted, 65 * 75 * ASY / 1_000);
        assert_eq!(Balances::free_balance(Sr25519Keyring::AliceStash.to_account_id()), ENDOWMENT + minted);
        assert!(pallet_babe::AuthorVrfRandomness::<Runtime>::get().is_some(), "every author has a VRF output");
    });
}

#[test]
fn old_sessions_are_forgotten() {
    use assay_runtime::constants::KEPT_SESSIONS;
    genesis("development").execute_with(|| {
        let mut blocks = Blocks::default();
        for _ in 0..20 * (KEPT_SESSIONS + 8) {
            blocks.begin();
            blocks.end();
        }
        let mut kept: Vec<_> = pallet_session::historical::HistoricalSessions::<Runtime>::iter_keys().collect();
        kept.sort_unstable();
        // The next session, the present one, and those of which an equivocation can still be reported.
        let (present, ended) = (Session::current_index(), Session::current_index() - 1);
        assert_eq!(kept, (ended - KEPT_SESSIONS..=present + 1).collect::<Vec<_>>());
    });
}
