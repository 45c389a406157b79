//! Weights of the calls and of the steps of the sweeper.

use frame_support::weights::Weight;

/// Weight of each call and step at its worst.
pub trait WeightInfo {
    /// `contest`, with a committee of `members` who all must vote.
    fn contest(members: u32) -> Weight;
    /// `vote`, by a member of the committee.
    fn vote() -> Weight;
    /// `open`, of a ballot that takes the lead.
    fn open() -> Weight;
    /// `open_solution`.
    fn open_solution() -> Weight;
    /// `settle`, without telling others: the solution stands, so that the task is settled too.
    fn settle() -> Weight;
    /// `pull`, of the last ballot, which has won.
    fn pull() -> Weight;
    /// `charge_absent`, of the last who is absent, without what its delegators pay.
    fn charge_absent() -> Weight;
    /// The sweeper, before its first step.
    fn sweep_base() -> Weight;
    /// A step that leaves a dispute as it is.
    fn sweep_dispute_skip() -> Weight;
    /// A step that settles as [`Self::settle`] does, without telling others.
    fn sweep_settle() -> Weight;
    /// A step that charges a member of the committee, without what its delegators pay.
    fn sweep_charge() -> Weight;
    /// A step that leaves a ballot as it is.
    fn sweep_ballot_skip() -> Weight;
    /// A step that pulls a ballot.
    fn sweep_pull() -> Weight;
}
