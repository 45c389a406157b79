//! The node's command line, as a user runs it.

use std::process::{Command, Output};

fn node(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_assay-node")).args(arguments).output().expect("the node starts")
}

/// The specification of network `id`, raw or plain. None where the node was built without its runtime (lints are).
fn export(id: &str, raw: bool) -> Option<serde_json::Value> {
    specification(&["export-chain-spec", "--chain", id], raw)
}

/// The specification that the node prints when it is called with `arguments`.
fn specification(arguments: &[&str], raw: bool) -> Option<serde_json::Value> {
    let id = arguments.join(" ");
    let output = node(&[arguments, if raw { &["--raw"] } else { &[] }].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("built without its runtime") {
        return None;
    }
    assert!(output.status.success(), "{id}: {error}");
    Some(serde_json::from_slice(&output.stdout).expect("a specification is JSON"))
}

#[test]
fn each_network_builds_its_genesis_with_the_runtime_in_it() {
    let code = format!("0x{}", hex::encode(sp_core::storage::well_known_keys::CODE));
    for id in ["development", "local", "production"] {
        let Some(spec) = export(id, true) else { return };
        let code = spec["genesis"]["raw"]["top"][&code].as_str().expect("code is in the genesis state");
        assert!(code.len() > 100_000, "{id}: the runtime has {} digits only", code.len());
    }
}

#[test]
fn both_ways_to_a_specification_give_the_same() {
    for raw in [false, true] {
        let Some(exported) = export("local", raw) else { return };
        let built = specification(&["build-spec", "--chain", "local", "--disable-default-bootnode"], raw);
        assert!(built == Some(exported), "build-spec and export-chain-spec differ (raw: {raw})");
    }
}

#[test]
fn properties_tell_wallets_how_to_show_asy() {
    let Some(spec) = export("development", false) else { return };
    assert_eq!(spec["properties"]["tokenSymbol"], "ASY");
    assert_eq!(spec["properties"]["tokenDecimals"], 12);
    assert_eq!(spec["properties"]["ss58Format"], 42);
}

#[test]
fn a_path_to_nothing_is_an_error_that_names_it() {
    let output = node(&["export-chain-spec", "--chain", "no/such/file.json"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no/such/file.json"));
}
