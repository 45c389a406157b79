//! States to test with.

pub mod world;

use assay_runtime::{
    constants::SLOT_DURATION, Babe, Block, Bonds, Contestation, Elections, Emissions, Executive, Hash, Header, Models,
    Runtime, Settings, Solutions, System, Tasks, UncheckedExtrinsic,
};
use codec::Encode;
use serde_json::Value;
use sp_consensus_babe::{
    digests::{PreDigest, SecondaryVRFPreDigest},
    Slot, BABE_ENGINE_ID,
};
use sp_core::crypto::VrfSecret;
use sp_genesis_builder::runtime_decl_for_genesis_builder::GenesisBuilderV1 as GenesisBuilder;
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{traits::Header as _, Digest, DigestItem};
use sp_storage::Storage;
use std::path::Path;

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
pub fn genesis(preset: &str) -> TestExternalities {
    genesis_with(preset, Value::Object(Default::default()))
}

/// A state that was kept in a file of `tests/fixtures`: lines of a key and its value in hexadecimal.
pub fn kept(file: &str) -> TestExternalities {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
    let lines = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let bytes = |text: &str| sp_core::bytes::from_hex(text).expect("keys and values are hexadecimal");
    let pairs = lines.lines().map(|line| line.split_once(' ').expect("a line has two parts"));
    let top = pairs.map(|(key, value)| (bytes(key), bytes(value))).collect();
    TestExternalities::new(Storage { top, ..Default::default() })
}

/// What each pallet says must always hold.
pub fn check_pallets() {
    Settings::do_try_state().expect("settings");
    Models::do_try_state().expect("models");
    Bonds::do_try_state().expect("bonds");
    Emissions::do_try_state().expect("emissions");
    Tasks::do_try_state().expect("tasks");
    Solutions::do_try_state().expect("solutions");
    Contestation::do_try_state().expect("contestation");
    Elections::do_try_state().expect("elections");
}

/// Builds blocks as Alice would, on top of each other, each in the slot after the one before.
///
/// Outputs of the verifiable random function are Alice's whoever the author is: clients check them, the runtime does not.
pub struct Blocks {
    parent: Option<Header>,
    /// The slot of the block with number zero.
    first_slot: u64,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { parent: None, first_slot: 1_000 }
    }
}

impl Blocks {
    /// Goes on from the block that left the state as it is.
    pub fn resume() -> Self {
        let number = System::block_number();
        let parent =
            Header::new(number, Default::default(), Default::default(), System::parent_hash(), Default::default());
        Self { parent: Some(parent), first_slot: u64::from(Babe::current_slot()) - u64::from(number) }
    }

    /// Begins the next block, of the first validator: pre-digest of its author, hooks, time.
    pub fn begin(&mut self) {
        self.begin_by(0);
    }

    /// Begins the next block, of the validator with this index.
    pub fn begin_by(&mut self, author: u32) {
        let number = self.parent.as_ref().map_or(0, |parent| parent.number) + 1;
        let slot = Slot::from(u64::from(number) + self.first_slot);
        let transcript =
            sp_consensus_babe::make_vrf_transcript(&Babe::randomness(), slot, Babe::epoch_index()).into_sign_data();
        let pre_digest = PreDigest::SecondaryVRF(SecondaryVRFPreDigest {
            authority_index: author,
            slot,
            vrf_signature: Sr25519Keyring::Alice.pair().vrf_sign(&transcript),
        });
        let header = Header::new(
            number,
            Default::default(),
            Default::default(),
            self.parent.as_ref().map_or(Hash::repeat_byte(7), |parent| parent.hash()),
            Digest { logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, pre_digest.encode())] },
        );
        Executive::initialize_block(&header);
        let time = pallet_timestamp::Call::set { now: u64::from(slot) * SLOT_DURATION };
        Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(time.into()))
            .expect("inherents are valid")
            .expect("the time is that of the slot");
    }

    /// Ends the block: idle work, final hooks.
    pub fn end(&mut self) {
        self.parent = Some(Executive::finalize_block());
    }
}
