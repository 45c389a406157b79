use crate::{AccountId, BlockNumber, Elections, Emissions};
use pallet_authorship::EventHandler;

/// Mints the authors' part of the emission to the author of each block, and notes that it was there.
pub struct NoteAuthors;

impl EventHandler<AccountId, BlockNumber> for NoteAuthors {
    fn note_author(author: AccountId) {
        Emissions::note_author(&author);
        Elections::note_author(&author);
    }
}
