//! This runtime on the states that those before it left, with tasks, disputes, bonds and an election under way.

use crate::common::{check_pallets, kept, Blocks};
use assay_runtime::{
    parameters::dynamic_params::elections::SeatBond, AccountId, Balance, Balances, Bonds, Elections, Historical,
    Runtime, RuntimeOrigin, Session, System, VERSION,
};
use assay_traits::TaskState;
use assay_types::Tenure;
use frame_support::{
    assert_ok,
    traits::{
        fungible::{Inspect, InspectHold},
        Get,
    },
};
use frame_system::LastRuntimeUpgrade;
use pallet_elections::{
    Candidates, CommitTotals, Commits, Draws, HoldReason, SeatBonds, Totals, DRAW_DELAY, SERVICE_DELAY,
};
use std::collections::BTreeSet;

/// Blocks in which everything that was under way has ended, by the sweepers' doing where nobody else did anything.
const BLOCKS: u32 = 200;

/// Makes blocks upon a state until everything that was under way has ended, in any of `ends`.
fn go_on(state: &str, under_way: &[TaskState], ends: &[TaskState]) {
    kept(state).execute_with(|| {
        let version = || LastRuntimeUpgrade::<Runtime>::get().expect("every block sets it").spec_version.0;
        let states = || pallet_tasks::Tasks::<Runtime>::iter_values().map(|task| task.state).collect::<Vec<_>>();
        assert!(version() < VERSION.spec_version);
        let mut blocks = Blocks::resume();
        // Runs the migrations.
        blocks.begin();
        assert_eq!(version(), VERSION.spec_version);
        check_pallets();
        // Whoever made blocks before there were elections goes on.
        assert_eq!(pallet_elections::Founders::<Runtime>::get().len(), Session::validators().len());
        for state in under_way {
            assert!(states().contains(state), "no task is {state:?}");
        }
        assert!(pallet_solutions::Commitments::<Runtime>::iter().next().is_some(), "nobody has committed");
        let leaving: Vec<_> = pallet_bonds::Ledgers::<Runtime>::iter()
            .filter_map(|(who, ledger)| Some((who, ledger.unbonding.last()?.leaves_at)))
            .collect();
        assert!(!leaving.is_empty(), "nobody leaves");
        blocks.end();

        for _ in 0..BLOCKS {
            blocks.begin();
            blocks.end();
        }
        blocks.begin();
        check_pallets();
        assert!(states().iter().all(|state| ends.contains(state)), "{:?}", states());
        // Chains before kept no history of a set that stays.
        assert!(Historical::historical_root(Session::current_index()).is_some(), "nobody could be reported later");
        assert_eq!(pallet_contestation::Disputes::<Runtime>::iter().count(), 0);
        // What was unbonded before is paid out.
        for (who, leaves_at) in leaving {
            assert!(System::block_number() > leaves_at, "let more blocks pass");
            let held = || Balances::total_balance_on_hold(&who);
            let before = held();
            assert_ok!(Bonds::withdraw(RuntimeOrigin::signed(who.clone())));
            assert!(held() < before);
        }
        blocks.end();
    });
}

#[test]
fn what_the_first_runtime_left_ends_under_this_one() {
    use TaskState::*;
    go_on("spec-1/state.txt", &[Open, Solved], &[Settled, Expired]);
}

#[test]
fn what_the_second_runtime_left_ends_under_this_one() {
    use TaskState::*;
    // Nobody opens a ballot in the dispute, so it ends with the fee back at the user.
    go_on("spec-2/state.txt", &[Solved, Disputed], &[Settled, Refunded, Expired]);
}

#[test]
fn what_the_third_runtime_left_ends_under_this_one() {
    use TaskState::*;
    go_on("spec-3/state.txt", &[Solved, Disputed], &[Settled, Refunded, Expired]);
}

/// What the runtime before this one left.
const BEFORE: &str = "spec-4/state.txt";

#[test]
fn what_the_runtime_before_left_ends_under_this_one() {
    use TaskState::*;
    go_on(BEFORE, &[Solved, Disputed], &[Settled, Refunded, Expired]);
}

/// Candidates have bid in the tenure of the old runtime's last block, and nobody does anything more: the committee is paid
/// what is its own, the election is drawn among them, whoever is drawn serves, and all get their seat bonds back.
#[test]
fn the_election_that_the_runtime_before_left_is_held_under_this_one() {
    kept(BEFORE).execute_with(|| {
        let tenure = Session::current_index();
        let candidates: BTreeSet<_> = Candidates::<Runtime>::iter_keys().collect();
        assert!(candidates.len() >= 2, "an election of one can end in one way only");
        assert_eq!(
            Commits::<Runtime>::iter_key_prefix(tenure).collect::<BTreeSet<_>>(),
            candidates,
            "not all have bid"
        );
        assert_eq!(Draws::<Runtime>::get(tenure), None);
        let left = CommitTotals::<Runtime>::get();
        let bids = Commits::<Runtime>::iter_prefix_values(tenure).filter_map(|commit| commit.window.last().copied());
        assert_eq!(left.pending, bids.map(|bid| bid / 2).sum::<Balance>());

        let mut blocks = Blocks::resume();
        let pass_until = |blocks: &mut Blocks, end: Tenure| {
            while Session::current_index() < end {
                blocks.begin();
                blocks.end();
            }
        };
        // Of a committee of one nothing is left to burn.
        assert_eq!(Elections::committee().len(), 1);
        pass_until(&mut blocks, tenure + 1);
        let paid = Totals { paid: left.paid + left.pending, pending: 0, ..left };
        assert_eq!(CommitTotals::<Runtime>::get(), paid);

        pass_until(&mut blocks, tenure + DRAW_DELAY);
        let draw = Draws::<Runtime>::get(tenure).expect("it is drawn in the first block of this tenure");
        assert_eq!(draw.entrants.iter().map(|entrant| entrant.candidate.clone()).collect::<BTreeSet<_>>(), candidates);
        let seats = draw.seats.into_inner();
        assert!(!seats.is_empty(), "nobody was paid for work before the upgrade, so nobody qualified");

        pass_until(&mut blocks, tenure + SERVICE_DELAY);
        let set: BTreeSet<_> = Elections::committee().into_iter().chain(seats).collect();
        assert_eq!(Session::validators().into_iter().collect::<BTreeSet<_>>(), set);
        check_pallets();

        blocks.begin();
        for who in &candidates {
            assert_ok!(Elections::leave(RuntimeOrigin::signed(who.clone())));
        }
        let leaves_at = candidates.iter().filter_map(SeatBonds::<Runtime>::get).filter_map(|bond| bond.leaves_at).max();
        blocks.end();
        while Some(System::block_number()) < leaves_at {
            blocks.begin();
            blocks.end();
        }
        blocks.begin();
        let bond: Balance = SeatBond::get();
        for who in &candidates {
            assert_eq!(held(who), bond);
            let free = Balances::balance(who);
            assert_ok!(Elections::withdraw_seat_bond(RuntimeOrigin::signed(who.clone())));
            assert_eq!(Balances::balance(who), free + bond);
        }
        assert_eq!(CommitTotals::<Runtime>::get(), paid);
        check_pallets();
        blocks.end();
    });
}

/// What is held of an account for its seat.
fn held(who: &AccountId) -> Balance {
    Balances::balance_on_hold(&HoldReason::Seat.into(), who)
}
