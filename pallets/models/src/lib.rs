//! Registry of models: manifests, owners, fees, tiers, and which solvers serve what.

#![cfg_attr(not(feature = "std"), no_std)]
