//! DET-1: the exact arithmetic of verified inference.

#![cfg_attr(not(feature = "std"), no_std)]
