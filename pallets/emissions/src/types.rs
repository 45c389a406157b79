//! Types of the pallet's storage, events and views.

use assay_math::Curves;
use assay_types::{Balance, BlockNumber, Tenure};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::FixedU128;

/// How much of a tenure's allowance has been used.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TenureUse {
    /// The tenure.
    pub tenure: Tenure,
    /// Block of its first reservation; the schedule of the tenure is read from here, so that its allowance is fixed.
    pub since: BlockNumber,
    /// Reserved in it so far, in units of ASY, released reservations included.
    pub reserved: Balance,
}

/// Something that cannot happen unless the runtime has a bug.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum UnexpectedKind {
    /// More was to be minted or released than is reserved; only what is reserved was.
    ReservationMissing {
        /// Units of ASY beyond what is reserved.
        amount: Balance,
    },
}

/// Where the emission stands, in units of ASY.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct EmissionStatus {
    /// The curves of this network.
    pub curves: Curves,
    /// Scheduled for authors by now.
    pub scheduled_authors: Balance,
    /// Scheduled for work by now.
    pub scheduled_work: Balance,
    /// Minted to authors so far.
    pub minted_authors: Balance,
    /// Minted for work so far.
    pub minted_work: Balance,
    /// Reserved for solutions that have not been settled.
    pub reserved_work: Balance,
    /// What the controller multiplies work rewards by.
    pub multiplier: FixedU128,
    /// What this tenure still may reserve.
    pub tenure_left: Balance,
}
