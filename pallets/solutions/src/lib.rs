//! Commit, reveal and claim: how a solver answers a task.

#![cfg_attr(not(feature = "std"), no_std)]
