use crate::{AccountId, BlockNumber, Emissions};
use pallet_authorship::EventHandler;

/// Mints the authors' part of the emission to the author of each block.
pub struct RewardAuthors;

impl EventHandler<AccountId, BlockNumber> for RewardAuthors {
    fn note_author(author: AccountId) {
        Emissions::note_author(&author);
    }
}
