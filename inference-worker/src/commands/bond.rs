//! `bond`: the stake of the account, and what it delegates to solvers.

use super::{address, connect, Done};
use crate::{
    amount,
    chain::Call,
    cli::{BondArgs, BondCommand, CommissionArgs, DelegateArgs, SolverArgs},
    config::Settings,
    failure::Failure,
    keys,
};
use assay_types::{Balance, ASY};

/// Runs a `bond` command.
///
/// # Errors
/// An amount, share or address makes no sense, or the chain refuses the transaction.
pub async fn run(settings: &Settings, command: BondCommand) -> Result<(), Failure> {
    let (call, what, due, tell) = match command {
        BondCommand::Add(BondArgs { amount, tell }) => {
            (Call::Bond { amount: asy(&amount)? }, "bond", "mature from", tell)
        }
        BondCommand::Unbond(BondArgs { amount, tell }) => {
            (Call::Unbond { amount: asy(&amount)? }, "take that out of the bond", "to be withdrawn from", tell)
        }
        BondCommand::Withdraw(tell) => (Call::WithdrawBond, "withdraw", "from", tell),
        BondCommand::Commission(CommissionArgs { share, tell }) => {
            (Call::SetCommission { parts: parts(&share)? }, "set the commission", "in force from", tell)
        }
        BondCommand::Delegate(DelegateArgs { solver, amount, tell }) => {
            let call = Call::Delegate { solver: address("SOLVER", &solver)?, amount: asy(&amount)? };
            (call, "delegate", "from", tell)
        }
        BondCommand::Undelegate(DelegateArgs { solver, amount, tell }) => {
            let call = Call::Undelegate { solver: address("SOLVER", &solver)?, amount: asy(&amount)? };
            (call, "take that out of the delegation", "to be withdrawn from", tell)
        }
        BondCommand::WithdrawDelegation(SolverArgs { solver, tell }) => {
            let call = Call::WithdrawDelegation { solver: address("SOLVER", &solver)? };
            (call, "withdraw the delegation", "from", tell)
        }
    };
    let key = settings.key().load()?;
    let chain = connect(settings).await?;
    let call = match call {
        Call::Bond { amount } => match chain.best().await?.bond(keys::address(&key)).await? {
            None => Call::Bond { amount },
            // The first bond has a call of its own.
            Some(_) => Call::BondMore { amount },
        },
        call => call,
    };
    Done::send(chain, key, call, what).await?.tell(tell.json, due)
}

/// Reads an amount.
fn asy(text: &str) -> Result<Balance, Failure> {
    amount::parse(text).map_err(Failure::Config)
}

/// Reads a share, in parts of 10^9 as the chain has it.
fn parts(text: &str) -> Result<u32, Failure> {
    const PART: Balance = ASY / 1_000_000_000;
    let wrong =
        || Failure::Config(format!("'{text}' is no share from 0 to 1, such as 0.1, with nine decimals at most"));
    // Shares are written as amounts are: whole, a point, decimals.
    let units = amount::parse(text).map_err(|_| wrong())?;
    if units > ASY || units % PART != 0 {
        return Err(wrong());
    }
    u32::try_from(units / PART).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_to_the_last_part() {
        for (text, expected) in [("0", 0), ("0.1", 100_000_000), (".000000001", 1), ("1", 1_000_000_000)] {
            assert_eq!(parts(text).unwrap(), expected, "{text}");
        }
        for text in ["", "10%", "-0.1", "1.000000001", "2", "0.0000000001", "1e-1"] {
            assert!(parts(text).unwrap_err().to_string().contains("no share from 0 to 1"), "{text}");
        }
    }
}
