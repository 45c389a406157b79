//! What a network fixes at genesis, and the one door through which governable parameters change.

#![cfg_attr(not(feature = "std"), no_std)]
