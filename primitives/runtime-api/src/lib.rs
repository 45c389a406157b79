//! What a node may ask of the runtime.

#![cfg_attr(not(feature = "std"), no_std)]
