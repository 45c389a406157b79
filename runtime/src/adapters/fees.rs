use crate::{adapters::Treasury, AccountId, Authorship, Balances};
use frame_support::traits::{
    fungible::{Balanced, Credit},
    Get, OnUnbalanced,
};

/// Gives transaction fees and tips to the block's author, or to the treasury where there is none. What neither can take,
/// because it would leave a new account below the existential deposit, is burned.
pub struct FeesToAuthor;

impl OnUnbalanced<Credit<AccountId, Balances>> for FeesToAuthor {
    fn on_nonzero_unbalanced(fees: Credit<AccountId, Balances>) {
        let receiver = Authorship::author().unwrap_or_else(Treasury::get);
        drop(Balances::resolve(&receiver, fees));
    }
}
