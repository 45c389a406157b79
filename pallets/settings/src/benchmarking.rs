//! Benchmarks of the calls, each at its worst.

// Benchmarks run on a developer's machine and must stop when their preparation fails.
#![allow(clippy::expect_used, clippy::arithmetic_side_effects)]

use super::*;
use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{traits::EnsureOrigin, BoundedVec};

#[benchmarks]
mod benchmarks {
    use super::*;

    /// - `n`: how many changes there are, each of another parameter: a second one of the same is cheaper.
    #[benchmark]
    fn update(n: Linear<1, { T::BenchmarkHelper::changes().len() as u32 }>) -> Result<(), BenchmarkError> {
        let changes: Vec<T::RuntimeParameters> = T::BenchmarkHelper::changes().into_iter().take(n as usize).collect();
        let changes = BoundedVec::try_from(changes).expect("n is at most MAX_CHANGES");
        let origin = T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, changes);

        frame_system::Pallet::<T>::assert_last_event(<T as frame_system::Config>::RuntimeEvent::from(
            Event::<T>::Updated { changes: n },
        ));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder::default().build(), crate::mock::Test);
}
