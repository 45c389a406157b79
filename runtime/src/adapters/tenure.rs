use crate::Session;
use assay_types::Tenure;
use frame_support::traits::Get;

/// The current tenure, which is the index of the session.
pub struct CurrentTenure;

impl Get<Tenure> for CurrentTenure {
    fn get() -> Tenure {
        Session::current_index()
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl pallet_elections::BenchmarkHelper for CurrentTenure {
    fn set_tenure(tenure: Tenure) {
        pallet_session::CurrentIndex::<crate::Runtime>::put(tenure);
    }
}
