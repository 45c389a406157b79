//! Tells the node which commit it was built from; eleven zeros where there is no git.

fn main() {
    substrate_build_script_utils::generate_cargo_keys();
    substrate_build_script_utils::rerun_if_git_head_changed();
}
