//! Pure fixed-point mathematics: emission curves, controller, splits.

#![cfg_attr(not(feature = "std"), no_std)]
