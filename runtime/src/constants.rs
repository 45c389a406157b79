//! What is fixed in the code: times, sizes, prices and pots.

use assay_types::{Balance, MICRO_ASY, MILLI_ASY};
use frame_support::PalletId;

/// Milliseconds between blocks.
pub const SLOT_DURATION: u64 = 3_000;
/// Address format of accounts as text.
pub const SS58_PREFIX: u16 = 42;

/// The least an account may hold: a millionth of an ASY, so that a reward of any task opens its receiver's account.
/// What bounds the number of accounts is the fee of the transfers that open them, nearly fifty times as much.
pub const EXISTENTIAL_DEPOSIT: Balance = MICRO_ASY;

/// Most validators that author and finalise: as many as are paid.
pub const MAX_AUTHORITIES: u32 = pallet_emissions::MAX_PAID_VALIDATORS;
/// Sessions for which an equivocation can be proven: a little more than three days of production's hours.
pub const KEPT_SESSIONS: u32 = 84;

/// Most candidates of elections.
pub const MAX_CANDIDATES: u32 = 1_000;
/// Most seats that are drawn for one tenure.
pub const MAX_SEATS: u32 = 64;
/// Most members of the committee.
pub const MAX_COMMITTEE: u32 = 16;
/// Most who stand for the committee.
pub const MAX_STANDING: u32 = 64;
/// Commitments of forgotten elections that are removed in one block at most.
pub const PRUNE_BATCH: u32 = 32;
/// Most models that one solver serves.
pub const MAX_SERVED: u32 = 64;
/// Most parts of a bond that mature at different times.
pub const MAX_TRANCHES: u32 = 16;
/// Most amounts of one solver that wait to be withdrawn.
pub const MAX_CHUNKS: u32 = 32;
/// Most tenures whose exits of delegators one slash looks at. Unbonding takes 72 of production's; as epochs are counted in
/// slots, tenures with empty slots are shorter in blocks, and this leaves room for four empty slots in ten.
pub const MAX_SLASH_TENURES: u32 = 128;
/// The least that can be delegated, in units of ASY: several times what a deposit for its record would be.
pub const MINIMUM_DELEGATION: Balance = 100 * MILLI_ASY;
/// Blocks that the sweepers leave to those concerned before they tidy up themselves: five minutes.
pub const SWEEP_DELAY: u32 = 100;
/// Entries that a sweeper looks at in one block at most.
pub const SWEEP_BATCH: u32 = 32;

/// The treasury's account.
pub const TREASURY: PalletId = PalletId(*b"assay/tr");
/// The account that holds the liquidity part of the emission.
pub const LIQUIDITY: PalletId = PalletId(*b"assay/lq");
/// The account that collects the validators' part of the emission until their session ends.
pub const VALIDATORS: PalletId = PalletId(*b"assay/va");

/// The account in which the committee's half of commitments waits for the end of the tenure.
pub const ELECTIONS: PalletId = PalletId(*b"assay/el");
/// The account that keeps the escrow of disputes and what is delegated.
pub const BONDS: PalletId = PalletId(*b"assay/bo");

/// Price of keeping `items` entries of together `bytes` bytes in the state, in units of ASY, returned with them.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
    (items as Balance).saturating_mul(10 * MILLI_ASY).saturating_add((bytes as Balance).saturating_mul(10 * MICRO_ASY))
}
