//! This runtime on the state that the one before it left, with tasks and bonds under way.

use crate::common::{kept, Blocks};
use assay_runtime::{Bonds, Emissions, Models, Runtime, Settings, Solutions, Tasks, VERSION};
use assay_traits::TaskState;
use frame_system::LastRuntimeUpgrade;

/// Blocks in which everything that was under way has ended, by the sweepers' doing where nobody else did anything.
const BLOCKS: u32 = 200;

fn check() {
    Settings::do_try_state().expect("settings");
    Models::do_try_state().expect("models");
    Bonds::do_try_state().expect("bonds");
    Emissions::do_try_state().expect("emissions");
    Tasks::do_try_state().expect("tasks");
    Solutions::do_try_state().expect("solutions");
}

#[test]
fn tasks_of_the_runtime_before_end_under_this_one() {
    kept("spec-1/state.txt").execute_with(|| {
        let version = || LastRuntimeUpgrade::<Runtime>::get().expect("every block sets it").spec_version.0;
        let states = || pallet_tasks::Tasks::<Runtime>::iter_values().map(|task| task.state).collect::<Vec<_>>();
        assert!(version() < VERSION.spec_version);
        let mut blocks = Blocks::resume();
        // Runs the migrations.
        blocks.begin();
        assert_eq!(version(), VERSION.spec_version);
        check();
        for state in [TaskState::Open, TaskState::Solved] {
            assert!(states().contains(&state), "no task is {state:?}");
        }
        assert!(pallet_solutions::Commitments::<Runtime>::iter().next().is_some(), "nobody has committed");
        assert!(
            pallet_bonds::Ledgers::<Runtime>::iter_values().any(|ledger| !ledger.unbonding.is_empty()),
            "nobody leaves"
        );
        blocks.end();

        for _ in 0..BLOCKS {
            blocks.begin();
            blocks.end();
        }
        check();
        let ended = |state: &TaskState| matches!(state, TaskState::Settled | TaskState::Expired);
        assert!(states().iter().all(ended), "{:?}", states());
    });
}
