use crate::Runtime;
use assay_traits::BlockVrf;
use assay_types::BlockRandomness;

/// The VRF output of the parent's author. BABE replaces it when a block is finalised, so until the end of a block it is
/// still the one of the block before.
pub struct ParentVrf;

impl BlockVrf for ParentVrf {
    fn of_parent() -> Option<BlockRandomness> {
        pallet_babe::AuthorVrfRandomness::<Runtime>::get()
    }
}
