//! The capped emission of ASY: curve, controller, split, cumulative minted.

#![cfg_attr(not(feature = "std"), no_std)]
