//! Weights of the calls and hooks.

use frame_support::weights::Weight;

/// Weight of each call and each step of a hook at its worst.
pub trait WeightInfo {
    /// `register` of new keys.
    fn register() -> Weight;
    /// `commit`.
    fn commit() -> Weight;
    /// `stand` in the place of another, where as many stand as may.
    fn stand() -> Weight;
    /// `leave`.
    fn leave() -> Weight;
    /// `evict`.
    fn evict() -> Weight;
    /// `withdraw_seat_bond`.
    fn withdraw_seat_bond() -> Weight;
    /// `resume`.
    fn resume() -> Weight;
    /// What every block mixes into the entropy, and looking whether it is a tenure's first.
    fn mix() -> Weight;
    /// A draw among `n` who committed, all of whom qualify.
    fn draw(n: u32) -> Weight;
    /// Looking whether there is something to prune.
    fn prune_base() -> Weight;
    /// Removing `n` commitments, and a draw.
    fn prune(n: u32) -> Weight;
    /// Noting the author of a block.
    fn note_author() -> Weight;
    /// Noting what became of a candidate's result.
    fn note_work() -> Weight;
    /// The change of tenures with `n` validators none of whom made a block, each of whom is put out; `s` stand for the
    /// committee. For information: the block in which it happens is accounted as full.
    fn change_tenure(n: u32, s: u32) -> Weight;
    /// An offence of a candidate.
    fn note_offence() -> Weight;
}
