//! `bond`: the stake of the account, and what it delegates to solvers.

use super::{address, connect, money, Done};
use crate::{
    amount,
    chain::{
        types::{Pool, Stake},
        Call,
    },
    cli::{BondArgs, BondCommand, CommissionArgs, DelegateArgs, SolverArgs},
    config::Settings,
    failure::Failure,
    keys, out,
};
use assay_types::{Balance, BlockNumber, ASY};
use serde_json::json;

/// Runs a `bond` command.
///
/// # Errors
/// An amount, share or address makes no sense, or the chain refuses the transaction.
pub async fn run(settings: &Settings, command: BondCommand) -> Result<(), Failure> {
    let (call, what, due, tell) = match command {
        BondCommand::Show { account } => return show(settings, account.as_deref()).await,
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

async fn show(settings: &Settings, account: Option<&str>) -> Result<(), Failure> {
    let account = match account {
        Some(text) => address("ADDRESS", text)?,
        None => keys::address(&settings.key().load()?),
    };
    let at = connect(settings).await?.best().await?;
    let stake = at.stake(account).await?;
    let Stake { bond, waiting, pool } =
        stake.ok_or_else(|| Failure::NotFound(format!("{account} has no bond, and nothing is delegated to it")))?;
    let parts = |parts: &[(Balance, BlockNumber)]| -> Vec<_> {
        parts.iter().map(|(amount, due)| json!({ "amount": money(*amount), "due": due })).collect()
    };
    let pool = pool.map(|Pool { commission, rise, delegated }| {
        let rise = rise.map(|(to, due)| json!({ "commission": share(to), "due": due }));
        json!({ "commission": share(commission), "rise": rise, "delegated": money(delegated) })
    });
    let shown = json!({
        "account": account.to_string(),
        "at": at.number(),
        "bond": money(bond.active),
        "mature": money(bond.mature(at.number())),
        "maturing": parts(&bond.maturing),
        "pledged": money(bond.pledged),
        "waiting": parts(&waiting),
        "pool": pool,
    });
    out::result(serde_json::to_string_pretty(&shown).map_err(|error| Failure::Other(error.to_string()))?)
}

/// Reads an amount.
fn asy(text: &str) -> Result<Balance, Failure> {
    amount::parse(text).map_err(Failure::Config)
}

/// What one part of a share of 10^9 is of a whole ASY: shares are read and written as amounts are.
const PART: Balance = ASY / 1_000_000_000;

/// Writes a share, given in parts of 10^9.
fn share(parts: u32) -> String {
    amount::format(Balance::from(parts) * PART)
}

/// Reads a share, in parts of 10^9 as the chain has it.
fn parts(text: &str) -> Result<u32, Failure> {
    let wrong =
        || Failure::Config(format!("'{text}' is no share from 0 to 1, such as 0.1, with nine decimals at most"));
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
            assert_eq!(parts(&share(expected)).unwrap(), expected, "{text}");
        }
        assert_eq!(share(125_000_000), "0.125");
        for text in ["", "10%", "-0.1", "1.000000001", "2", "0.0000000001", "1e-1"] {
            assert!(parts(text).unwrap_err().to_string().contains("no share from 0 to 1"), "{text}");
        }
    }
}
