//! Builds the runtime's WebAssembly blob.

fn main() {
    #[cfg(feature = "std")]
    {
        // The blob is built with this workspace's locked versions, wherever the target directory is.
        const HINT: &str = "WASM_BUILD_WORKSPACE_HINT";
        if std::env::var_os(HINT).is_none() {
            std::env::set_var(HINT, concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        }
        substrate_wasm_builder::WasmBuilder::build_using_defaults();
    }
}
