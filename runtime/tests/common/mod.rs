//! States to test with.

use assay_runtime::{Block, Runtime};
use serde_json::Value;
use sp_genesis_builder::runtime_decl_for_genesis_builder::GenesisBuilderV1 as GenesisBuilder;
use sp_io::TestExternalities;

/// Merges `patch` into `target` as RFC 7386 says.
fn merge(target: &mut Value, patch: Value) {
    match patch {
        Value::Object(fields) => {
            if !target.is_object() {
                *target = Value::Object(Default::default());
            }
            let object = target.as_object_mut().expect("it has just been made one");
            for (name, value) in fields {
                if value.is_null() {
                    object.remove(&name);
                } else {
                    merge(object.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        other => *target = other,
    }
}

/// The genesis of a preset, built as a node builds it, with `patch` on top.
pub fn genesis_with(preset: &str, patch: Value) -> TestExternalities {
    let json = |id: Option<&str>| -> Value {
        let bytes = <Runtime as GenesisBuilder<Block>>::get_preset(&id.map(Into::into)).expect("the preset exists");
        serde_json::from_slice(&bytes).expect("presets are JSON")
    };
    let mut config = json(None);
    merge(&mut config, json(Some(preset)));
    merge(&mut config, patch);
    let mut state = TestExternalities::default();
    state.execute_with(|| {
        <Runtime as GenesisBuilder<Block>>::build_state(serde_json::to_vec(&config).expect("it was JSON"))
            .expect("the preset builds");
    });
    state
}

/// The genesis of a preset.
#[allow(dead_code)]
pub fn genesis(preset: &str) -> TestExternalities {
    genesis_with(preset, Value::Object(Default::default()))
}
