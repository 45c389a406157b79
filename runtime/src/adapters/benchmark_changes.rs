use crate::{parameters::dynamic_params, RuntimeParameters};
use dynamic_params::{bonds, solutions, tasks};

/// Changes of parameters that leave all relations whole, for the benchmark of `Settings.update`.
pub struct BenchmarkChanges;

impl pallet_settings::BenchmarkHelper<RuntimeParameters> for BenchmarkChanges {
    fn change(n: u32) -> RuntimeParameters {
        use assay_types::ASY;

        let amount = ASY.saturating_add(n.into());
        match n % 7 {
            0 => RuntimeParameters::Tasks(tasks::Parameters::RetractDelay(
                tasks::RetractDelay,
                Some(n.saturating_add(1)),
            )),
            1 => RuntimeParameters::Tasks(tasks::Parameters::Retention(tasks::Retention, Some(n))),
            2 => RuntimeParameters::Tasks(tasks::Parameters::BaseDeposit(tasks::BaseDeposit, Some(amount))),
            3 => RuntimeParameters::Tasks(tasks::Parameters::ByteDeposit(tasks::ByteDeposit, Some(amount))),
            4 => RuntimeParameters::Solutions(solutions::Parameters::CommitmentDeposit(
                solutions::CommitmentDeposit,
                Some(amount),
            )),
            5 => RuntimeParameters::Bonds(bonds::Parameters::MinimumBond(bonds::MinimumBond, Some(amount))),
            _ => RuntimeParameters::Tasks(tasks::Parameters::DefaultDeadline(
                tasks::DefaultDeadline,
                Some(n.saturating_add(2)),
            )),
        }
    }
}
