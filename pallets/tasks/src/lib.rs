//! The task state machine and its escrow.

#![cfg_attr(not(feature = "std"), no_std)]
