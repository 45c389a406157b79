//! The configuration of every pallet, by subject.

pub mod accounts;
pub mod consensus;
pub mod elections;
pub mod governance;
pub mod money;
pub mod system;
pub mod work;
