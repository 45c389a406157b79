//! The worker's code is generated from metadata that is kept in the repository; this notices when it is out of date.

use assay_runtime::Runtime;
use std::path::PathBuf;

/// The newest stable form of the metadata, which nodes offer to clients too.
const VERSION: u32 = 16;

#[test]
fn metadata_file_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../inference-worker/artifacts/metadata.scale");
    // Some constants are read from the state.
    let metadata: Vec<u8> = crate::common::genesis("development")
        .execute_with(|| Runtime::metadata_at_version(VERSION))
        .expect("the runtime offers this version")
        .to_vec();
    if std::env::var("ASSAY_UPDATE").is_ok() {
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
        std::fs::write(&path, &metadata).expect("the file can be written");
    }
    let committed = std::fs::read(&path).unwrap_or_default();
    assert!(
        committed == metadata,
        "{} is not this runtime's metadata; \
         `ASSAY_UPDATE=1 SKIP_WASM_BUILD=1 cargo test --release --workspace metadata_file_is_current` rewrites it",
        path.display()
    );
}
