//! The Assay node.

fn main() {}
