//! The Assay worker.
