//! Stake of solvers: bonding, maturity, pledging, unbonding, slashing.

#![cfg_attr(not(feature = "std"), no_std)]
