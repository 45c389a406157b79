//! The Assay runtime: joins the pallets.

#![cfg_attr(not(feature = "std"), no_std)]
