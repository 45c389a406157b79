//! Builds the runtime's WebAssembly blob.

fn main() {
    #[cfg(feature = "std")]
    {
        // The blob is built with this workspace's locked versions, wherever the target directory is. The path is asked
        // for when this runs, not when it is compiled: a compiled build script outlives the checkout that it came from.
        const HINT: &str = "WASM_BUILD_WORKSPACE_HINT";
        if std::env::var_os(HINT).is_none() {
            let runtime = std::env::var_os("CARGO_MANIFEST_DIR").map(std::path::PathBuf::from).unwrap_or_default();
            std::env::set_var(HINT, runtime.join(".."));
        }
        substrate_wasm_builder::WasmBuilder::build_using_defaults();
    }
}
