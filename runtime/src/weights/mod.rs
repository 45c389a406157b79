//! Weights of this project's pallets, measured in WebAssembly by `scripts/benchmark-weights`.

pub mod pallet_bonds;
pub mod pallet_contestation;
pub mod pallet_elections;
pub mod pallet_emissions;
pub mod pallet_models;
pub mod pallet_settings;
pub mod pallet_solutions;
pub mod pallet_tasks;
