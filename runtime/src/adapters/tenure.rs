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
