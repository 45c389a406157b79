//! Random operations by several solvers and delegators: whatever they do, holds and records agree after each step, and
//! in the end everybody gets out what is his.

use super::*;
use crate::{Delegations, Escrowed};
use frame_support::storage::with_storage_layer;
use proptest::prelude::*;

/// Everybody that acts; the first three are solvers.
const PEOPLE: [u64; 5] = [ALICE, BOB, CHARLIE, DAVE, EVE];

/// One step of a run.
#[derive(Clone, Debug)]
enum Step {
    Bond(u64, Balance),
    BondMore(u64, Balance),
    Unbond(u64, Balance),
    Withdraw(u64),
    Pledge(u64, Balance),
    Release(u64, Balance),
    Commission(u64, u32),
    Delegate(u64, u64, Balance),
    Undelegate(u64, u64, Balance),
    WithdrawDelegation(u64, u64),
    Earn(u64, Balance),
    Confiscate(u64, Balance, Balance),
    Escrow(u64, Balance),
    Restore(u64, Balance),
    Slash(u64, Balance, u32),
    Award(u64, Balance),
    Forfeit(Balance),
    Wait(u32),
    NextTenure,
    Unbonding(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let solver = ALICE..=CHARLIE;
    let pair = (ALICE..=CHARLIE, ALICE..=EVE);
    let amount = || prop_oneof![4 => 0..400u128, 1 => 0..3_000u128];
    prop_oneof![
        3 => (solver.clone(), amount()).prop_map(|(who, amount)| Step::Bond(who, amount)),
        1 => (solver.clone(), amount()).prop_map(|(who, amount)| Step::BondMore(who, amount)),
        1 => (solver.clone(), amount()).prop_map(|(who, amount)| Step::Unbond(who, amount)),
        1 => solver.clone().prop_map(Step::Withdraw),
        1 => (solver.clone(), amount()).prop_map(|(who, amount)| Step::Pledge(who, amount)),
        1 => (solver.clone(), amount()).prop_map(|(who, amount)| Step::Release(who, amount)),
        3 => (solver.clone(), 0..=100u32).prop_map(|(who, percent)| Step::Commission(who, percent)),
        6 => (pair.clone(), amount()).prop_map(|((solver, who), amount)| Step::Delegate(solver, who, amount)),
        4 => (pair.clone(), amount()).prop_map(|((solver, who), amount)| Step::Undelegate(solver, who, amount)),
        3 => pair.prop_map(|(solver, who)| Step::WithdrawDelegation(solver, who)),
        3 => (solver.clone(), amount()).prop_map(|(who, amount)| Step::Earn(who, amount)),
        1 => (solver.clone(), amount(), amount()).prop_map(|(who, pledged, taken)| Step::Confiscate(who, pledged, taken)),
        1 => (solver.clone(), amount()).prop_map(|(who, amount)| Step::Escrow(who, amount)),
        1 => (solver.clone(), amount()).prop_map(|(who, amount)| Step::Restore(who, amount)),
        3 => (solver, amount(), 0..60u32).prop_map(|(who, amount, age)| Step::Slash(who, amount, age)),
        1 => (ALICE..=EVE, amount()).prop_map(|(who, amount)| Step::Award(who, amount)),
        1 => amount().prop_map(Step::Forfeit),
        2 => (1u32..40).prop_map(Step::Wait),
        2 => Just(Step::NextTenure),
        1 => (0u32..120).prop_map(Step::Unbonding),
    ]
}

/// Does one step; calls that fail change nothing. Whoever asks other pallets' questions asks for no more than there is:
/// that is tested elsewhere.
fn run(step: &Step) {
    let pledged = |who: u64| Ledgers::<Test>::get(who).map(|ledger| ledger.pledged).unwrap_or_default();
    let _ = with_storage_layer(|| match *step {
        Step::Bond(who, amount) => Bonds::bond(signed(who), amount),
        Step::BondMore(who, amount) => Bonds::bond_more(signed(who), amount),
        Step::Unbond(who, amount) => Bonds::unbond(signed(who), amount),
        Step::Withdraw(who) => Bonds::withdraw(signed(who)),
        Step::Pledge(who, amount) => Bonds::pledge(&who, amount),
        Step::Release(who, amount) => {
            Bonds::release(&who, amount.min(pledged(who)));
            Ok(())
        }
        Step::Commission(who, percent) => Bonds::set_commission(signed(who), Perbill::from_percent(percent)),
        Step::Delegate(solver, who, amount) => Bonds::delegate(signed(who), solver, amount),
        Step::Undelegate(solver, who, amount) => Bonds::undelegate(signed(who), solver, amount),
        Step::WithdrawDelegation(solver, who) => Bonds::withdraw_delegation(signed(who), solver),
        Step::Earn(who, amount) => {
            earn(who, amount);
            Ok(())
        }
        Step::Confiscate(who, set_aside, amount) => {
            let (set_aside, before) = (set_aside.min(pledged(who)), Bonds::escrowed());
            let moved = Bonds::confiscate(&who, set_aside, amount);
            assert_eq!((moved, Bonds::escrowed()), (amount.min(set_aside), before + moved));
            Ok(())
        }
        Step::Escrow(who, amount) => Bonds::escrow(&who, amount),
        Step::Restore(who, amount) => {
            Bonds::restore(&who, amount.min(Bonds::escrowed()));
            Ok(())
        }
        Step::Slash(who, amount, age) => {
            slash(who, amount, System::block_number().saturating_sub(age));
            Ok(())
        }
        Step::Award(who, amount) => {
            Bonds::award(&who, amount.min(Bonds::escrowed()));
            Ok(())
        }
        Step::Forfeit(amount) => {
            Bonds::forfeit(amount.min(Bonds::escrowed()));
            Ok(())
        }
        Step::Wait(blocks) => {
            System::set_block_number(System::block_number() + blocks);
            Ok(())
        }
        Step::NextTenure => {
            System::set_block_number(System::block_number() + 1);
            Tenure::set(Tenure::get() + 1);
            Ok(())
        }
        Step::Unbonding(blocks) => {
            Unbonding::set(blocks);
            Ok(())
        }
    });
}

/// Slashes, and checks that it took what it could, from nobody more than its part.
fn slash(who: u64, amount: Balance, fault_at: u32) {
    let pledged = |who: u64| Ledgers::<Test>::get(who).map(|ledger| ledger.pledged).unwrap_or_default();
    let before = (Bonds::escrowed(), pledged(who), [ALICE, BOB, CHARLIE].map(total_of));
    let own = Ledgers::<Test>::get(who).map_or(0, |ledger| {
        let late = ledger.unbonding.iter().filter(|chunk| chunk.unbonded_at >= fault_at);
        ledger.free() + late.map(|chunk| chunk.amount).sum::<Balance>()
    });
    let oldest = (Tenure::get() + 1).saturating_sub(MaxSlashTenures::get());
    let exits: Balance = Exits::<Test>::iter_prefix(who)
        .filter(|(tenure, exit)| *tenure >= oldest && exit.last_at >= fault_at)
        .map(|(_, exit)| exit.fund.balance)
        .sum();
    let there = own + Pools::<Test>::get(who).map_or(0, |pool| pool.fund.balance) + exits;
    let moved = Bonds::slash(&who, amount, fault_at);
    assert_eq!(moved, amount.min(there));
    assert_eq!((Bonds::escrowed(), pledged(who)), (before.0 + moved, before.1));
    for (solver, total) in [ALICE, BOB, CHARLIE].into_iter().zip(before.2) {
        assert_eq!(total_of(solver), total - if solver == who { moved } else { 0 });
    }
}

/// Everything that is staked on a solver.
fn total_of(solver: u64) -> Balance {
    let exits: Balance = Exits::<Test>::iter_prefix_values(solver).map(|exit| exit.fund.balance).sum();
    held(solver) + Pools::<Test>::get(solver).map_or(0, |pool| pool.fund.balance) + exits
}

/// What must hold after each step, beyond the pallet's own invariants.
fn check() {
    Bonds::do_try_state().unwrap();
    let pot_total = Balances::free_balance(Bonds::pot()) + pot().0 + pot().1;
    assert_eq!(Balances::free_balance(Bonds::pot()), 0, "nothing in the pot is free");
    let mut total = Balances::free_balance(TREASURY) + pot_total;
    for who in PEOPLE {
        total += Balances::free_balance(who) + held(who);
        if let Some(ledger) = Ledgers::<Test>::get(who) {
            assert!(ledger.mature(System::block_number()) <= ledger.active);
            assert_eq!(ledger.mature(u32::MAX), ledger.active);
        }
    }
    assert_eq!(total, Balances::total_issuance(), "no balance appears or disappears");
    for event in take_events() {
        assert!(!matches!(event, Event::Unexpected { .. } | Event::Burned { .. }), "{event:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn operations_should_keep_holds_equal_to_records(steps in proptest::collection::vec(step(), 1..120)) {
        ExtBuilder.build_and_execute(|| {
            for step in &steps {
                run(step);
                check();
            }
            // Nothing is ever locked: everyone gets everything back in the end.
            Unbonding::set(10);
            let later = || System::set_block_number(System::block_number() + 1_000);
            later();
            Tenure::set(Tenure::get() + 1);
            let pairs: Vec<_> = Delegations::<Test>::iter_keys().collect();
            for (solver, who) in pairs {
                let _ = Bonds::withdraw_delegation(signed(who), solver);
                let _ = Bonds::undelegate(signed(who), solver, Balance::MAX);
                later();
                Tenure::set(Tenure::get() + 1);
                let _ = Bonds::withdraw_delegation(signed(who), solver);
                check();
            }
            prop_assert_eq!(Delegations::<Test>::iter().count(), 0);
            for who in PEOPLE {
                let Some(ledger) = Ledgers::<Test>::get(who) else { continue };
                Bonds::release(&who, ledger.pledged);
                let _ = Bonds::withdraw(signed(who));
                if let Some(ledger) = Ledgers::<Test>::get(who) {
                    assert_ok!(Bonds::unbond(signed(who), ledger.active));
                    later();
                    assert_ok!(Bonds::withdraw(signed(who)));
                }
            }
            Bonds::forfeit(Bonds::escrowed());
            prop_assert_eq!((TotalBonded::<Test>::get(), Escrowed::<Test>::get(), pot()), (0, 0, (0, 0)));
            prop_assert!(PEOPLE.iter().all(|who| held(*who) == 0));
            check();
            Ok(())
        })?;
    }
}
