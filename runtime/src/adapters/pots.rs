use crate::{
    constants::{LIQUIDITY, TREASURY, VALIDATORS},
    AccountId,
};
use frame_support::traits::Get;
use sp_runtime::traits::AccountIdConversion;

/// The treasury's account.
pub struct Treasury;

impl Get<AccountId> for Treasury {
    fn get() -> AccountId {
        TREASURY.into_account_truncating()
    }
}

/// The account of the liquidity part of the emission.
pub struct Liquidity;

impl Get<AccountId> for Liquidity {
    fn get() -> AccountId {
        LIQUIDITY.into_account_truncating()
    }
}

/// The account in which the validators' part of the emission waits for the end of the session.
pub struct Validators;

impl Get<AccountId> for Validators {
    fn get() -> AccountId {
        VALIDATORS.into_account_truncating()
    }
}
