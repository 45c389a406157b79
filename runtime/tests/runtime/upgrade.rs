//! This runtime on the states that those before it left, with tasks, disputes and bonds under way.

use crate::common::{check_pallets, kept, Blocks};
use assay_runtime::{Balances, Bonds, Historical, Runtime, RuntimeOrigin, Session, System, VERSION};
use assay_traits::TaskState;
use frame_support::{assert_ok, traits::fungible::InspectHold};
use frame_system::LastRuntimeUpgrade;

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
fn what_the_runtime_before_left_ends_under_this_one() {
    use TaskState::*;
    go_on("spec-3/state.txt", &[Solved, Disputed], &[Settled, Refunded, Expired]);
}
