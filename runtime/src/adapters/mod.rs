//! What joins a pallet to another that it does not know: one adapter a file.

mod authors;
#[cfg(feature = "runtime-benchmarks")]
mod benchmark_changes;
mod block_equivocations;
mod bonds;
mod disputes;
mod elections;
mod fees;
mod key_owners;
mod offences;
mod pots;
mod relations;
mod tenure;
mod validators;
mod vrf;

pub use authors::NoteAuthors;
#[cfg(feature = "runtime-benchmarks")]
pub use benchmark_changes::BenchmarkChanges;
pub use block_equivocations::BlockEquivocations;
pub use bonds::MinimumBond;
pub use disputes::{DisputeQuorum, TenureCommittee};
pub use elections::SeatUnbonding;
pub use fees::FeesToAuthor;
pub use key_owners::KeyOwners;
pub use offences::PunishOffenders;
pub use pots::{Liquidity, Treasury, Validators};
pub use relations::Relations;
pub use tenure::CurrentTenure;
pub use validators::{ElectedValidators, KeysOfSession, UnitIdentity};
pub use vrf::ParentVrf;
