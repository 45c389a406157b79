//! What must hold after every step: each pallet's own invariants, and those between them.

use super::operations::Run;
use crate::common::check_pallets;
use assay_runtime::{genesis_config_presets::ENDOWMENT, AccountId, Balance, Balances, Bonds, Runtime};
use assay_traits::TaskState;
use frame_support::traits::fungible::{Inspect, InspectHold};
use pallet_contestation::Disputes;
use std::collections::BTreeSet;

impl Run {
    /// Everything that must hold.
    pub fn check(&self) {
        check_pallets();
        self.check_issuance();
        Self::check_holds();
    }

    /// Every unit is somewhere.
    pub fn check_issuance(&self) {
        let endowed = 12 * ENDOWMENT;
        let minted = pallet_emissions::MintedAuthors::<Runtime>::get() + pallet_emissions::MintedWork::<Runtime>::get();
        assert_eq!(Balances::total_issuance(), endowed + minted - self.burned, "issuance");

        let total: Balance =
            frame_system::Account::<Runtime>::iter_keys().map(|who| Balances::total_balance(&who)).sum();
        assert_eq!(total, Balances::total_issuance(), "every unit is in an account");
    }

    /// What is held, pledged and reserved has its reason, and only one.
    fn check_holds() {
        let held: Balance = frame_system::Account::<Runtime>::iter_keys()
            .map(|who| <Balances as InspectHold<AccountId>>::total_balance_on_hold(&who))
            .sum();
        let tasks: Balance = pallet_tasks::Tasks::<Runtime>::iter_values()
            .map(|t| t.base_deposit + t.byte_deposit + if t.state.has_ended() { 0 } else { t.fee })
            .sum();
        let commitments: Balance = pallet_solutions::Commitments::<Runtime>::iter_values().map(|c| c.deposit).sum();
        let bonds: Balance = pallet_bonds::Ledgers::<Runtime>::iter_values().map(|ledger| ledger.held()).sum();
        let escrowed = pallet_bonds::Escrowed::<Runtime>::get();
        let pools: Balance = pallet_bonds::Pools::<Runtime>::iter_values().map(|pool| pool.fund.balance).sum();
        let exits: Balance = pallet_bonds::Exits::<Runtime>::iter_values().map(|exit| exit.fund.balance).sum();
        let pot = escrowed + pools + exits;
        assert_eq!(Balances::total_balance(&Bonds::pot()), pot, "the pot has nothing but what it holds");
        let models: Balance = pallet_models::Models::<Runtime>::iter_values().map(|model| model.deposit).sum();
        let services: Balance = pallet_models::Solvers::<Runtime>::iter().map(|(_, _, deposit)| deposit).sum();
        let seats: Balance = pallet_elections::SeatBonds::<Runtime>::iter_values().map(|bond| bond.amount).sum();
        let reasons = tasks + commitments + bonds + pot + models + services + seats;
        assert_eq!(held, reasons, "every hold has its reason");

        let open = || Disputes::<Runtime>::iter().filter(|(_, dispute)| dispute.outcome.is_none());
        let stakes: Balance = pallet_solutions::Solutions::<Runtime>::iter_values().map(|s| s.stake).sum();
        let contests: Balance = open().map(|(_, dispute)| dispute.stake).sum();
        let pledged: Balance = pallet_bonds::Ledgers::<Runtime>::iter_values().map(|ledger| ledger.pledged).sum();
        assert_eq!(stakes + contests, pledged, "what is pledged stands for a solution or a contest");

        let reserved: Balance = pallet_tasks::Tasks::<Runtime>::iter_values()
            .filter(|task| matches!(task.state, TaskState::Solved | TaskState::Disputed))
            .map(|task| task.reward)
            .sum();
        assert_eq!(reserved, pallet_emissions::ReservedWork::<Runtime>::get(), "what is reserved is promised");
        let disputed: BTreeSet<_> = pallet_tasks::Tasks::<Runtime>::iter()
            .filter(|(_, task)| task.state == TaskState::Disputed)
            .map(|(task, _)| task)
            .collect();
        assert_eq!(disputed, open().map(|(task, _)| task).collect(), "a task is disputed while its dispute is open");
    }
}
