//! Networks in haste: what takes minutes on a development chain takes seconds here.

use super::MODEL_FEE;
use crate::common::network::{account, built};
use assay_engine::{Model, Threads};
use assay_types::{protocol, ModelId};
use serde_json::{json, Value};
use std::{fs, path::Path, process::Command, sync::Arc};

/// The plain chain specification of a network that the node knows by name.
pub fn current(network: &str) -> Value {
    let output = Command::new(built("assay-node")).args(["export-chain-spec", "--chain", network]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn patch(spec: &mut Value) -> &mut Value {
    &mut spec["genesis"]["runtimeGenesis"]["patch"]
}

/// Shortens a network's periods as far as the relations between them allow.
pub fn hasty(mut spec: Value) -> Value {
    set_periods(&mut spec, 6, 1, 31);
    spec
}

/// As [`hasty`], with as many blocks to vote in disputes and to open ballots as a worker needs on a busy machine, and with
/// tenures that are long enough to have a dispute and an election under way together.
pub fn hasty_with_disputes(mut spec: Value) -> Value {
    set_periods(&mut spec, 10, 5, 51);
    spec
}

/// `epoch`: blocks of an epoch, and so until a bond is mature; `ballots`: blocks of each phase of a dispute; `unbonding`:
/// blocks until a bond that was taken out can be withdrawn.
fn set_periods(spec: &mut Value, epoch: u32, ballots: u32, unbonding: u32) {
    patch(spec)["settings"]["epochLength"] = epoch.into();
    for (index, blocks) in [
        ("0x000001", 20),      // tasks: default deadline
        ("0x000101", 20),      // tasks: longest deadline
        ("0x010001", 1),       // solutions: reveal grace
        ("0x010101", 4),       // solutions: contest window
        ("0x020001", ballots), // disputes: ballots are taken
        ("0x020101", ballots), // disputes: ballots are opened
        ("0x030101", unbonding),
    ] {
        set(spec, index, blocks);
    }
}

/// Sets a parameter. `index` is how the runtime encodes it: the pallet that it is for, its own index, and that there is a
/// value.
fn set(spec: &mut Value, index: &str, value: u32) {
    let parameters = patch(spec)["settings"]["parameters"].as_array_mut().unwrap();
    parameters.retain(|parameter| !parameter.as_str().unwrap().starts_with(index));
    parameters.push(format!("{index}{}", hex::encode(u32::to_le_bytes(value))).into());
}

/// Has whoever committed once be drawn, for one of `seats`.
pub fn elect(spec: &mut Value, seats: u32) {
    set(spec, "0x050201", 1); // elections: least commitments
    set(spec, "0x050301", seats);
}

/// Registers an artefact, offered by Charlie, whose tasks earn the full reward. Returns its id.
pub fn offer(spec: &mut Value, artefact: &Path) -> ModelId {
    let manifest = Model::load(artefact, &Arc::new(Threads::new(1, None).unwrap())).unwrap().cid();
    let owner = account("charlie");
    let model = json!([owner.to_string(), manifest.0, MODEL_FEE as u64, owner.to_string(), "1000000000000000000"]);
    patch(spec)["models"]["models"].as_array_mut().unwrap().push(model);
    protocol::model_id(&owner.0, &manifest)
}

/// Adds Charlie to the validators, and has the author of every slot known before: the longest chain wins, not the one with
/// the luckiest authors.
pub fn three_validators(spec: &mut Value) {
    let stash = "5Ck5SLSHYac6WFt5UZRSsdJjwmpSZq85fd5TRNAdZQVzEAPT";
    add_validator(spec, "charlie", stash, "5DbKjhNLpqX3zqZdNBc9BGb4fHU1cRBaDhJUskrvkwfraDi6");
    patch(spec)["babe"]["epochConfig"]["c"] = json!([0, 1]);
}

/// Adds the validator whose node runs with this name's keys, of which `grandpa` is the one that is Ed25519.
pub fn add_validator(spec: &mut Value, name: &str, stash: &str, grandpa: &str) {
    let keys = json!({ "babe": account(name).to_string(), "grandpa": grandpa });
    patch(spec)["session"]["keys"].as_array_mut().unwrap().push(json!([stash, stash, keys]));
}

/// Has the validator at this place of genesis be the account itself, and not its stash, so that it can sign for itself.
pub fn validate_by_own_account(spec: &mut Value, place: usize, name: &str) {
    let who = account(name).to_string();
    let validator = &mut patch(spec)["session"]["keys"][place];
    (validator[0], validator[1]) = (json!(who), json!(who));
}

/// The WebAssembly of a specification's runtime.
pub fn code(spec: &Value) -> Vec<u8> {
    let code = spec["genesis"]["runtimeGenesis"]["code"].as_str().unwrap();
    hex::decode(code.strip_prefix("0x").unwrap()).unwrap()
}

/// Writes a specification to a file; returns the file's path.
pub fn write(folder: &Path, spec: Value) -> String {
    let path = folder.join("spec.json");
    fs::write(&path, spec.to_string()).unwrap();
    path.into_os_string().into_string().unwrap()
}
