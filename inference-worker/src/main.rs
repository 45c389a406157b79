//! The Assay worker.

fn main() {}
