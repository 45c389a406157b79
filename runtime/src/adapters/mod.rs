//! What joins a pallet to another that it does not know: one adapter a file.

mod authors;
#[cfg(feature = "runtime-benchmarks")]
mod benchmark_changes;
mod bonds;
mod disputes;
mod fees;
mod offences;
mod pots;
mod relations;
mod tenure;
mod validators;
mod vrf;

pub use authors::RewardAuthors;
#[cfg(feature = "runtime-benchmarks")]
pub use benchmark_changes::BenchmarkChanges;
pub use bonds::MinimumBond;
pub use disputes::{DisputeQuorum, SessionCommittee};
pub use fees::FeesToAuthor;
pub use offences::DisableOffenders;
pub use pots::{Liquidity, Treasury, Validators};
pub use relations::Relations;
pub use tenure::CurrentTenure;
pub use validators::{GenesisValidators, UnitIdentity};
pub use vrf::ParentVrf;
