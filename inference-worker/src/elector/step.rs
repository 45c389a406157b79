//! The one transaction that is on its way to the chain: tried again when it fails, ever more rarely within a tenure.

use assay_types::{BlockNumber, Tenure};

/// The step that was taken last.
#[derive(Debug, Default)]
pub(super) struct Step {
    pending: Option<Pending>,
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Pending {
    /// Height of the block that took it, once known.
    included: Option<BlockNumber>,
}

#[derive(Debug)]
struct Failed {
    call: &'static str,
    tenure: Tenure,
    count: u32,
    /// First block in which it is tried again.
    again: BlockNumber,
}

impl Step {
    /// Takes in that the state at `block` is looked at: a step in it, or in a block before, is over.
    pub fn look(&mut self, block: BlockNumber) {
        let over = |pending: &Pending| pending.included.is_some_and(|number| number <= block);
        if self.pending.as_ref().is_some_and(over) {
            self.pending = None;
        }
    }

    /// Whether `call` may be sent at `block` of `tenure`.
    pub fn is_due(&self, call: &'static str, tenure: Tenure, block: BlockNumber) -> bool {
        let rests = |failed: &Failed| failed.call == call && failed.tenure == tenure && block < failed.again;
        self.pending.is_none() && !self.failed.as_ref().is_some_and(rests)
    }

    /// A step is sent.
    pub fn begin(&mut self) {
        self.pending = Some(Pending { included: None });
    }

    /// The step is in the block at height `number`; it is over once that block has been looked at.
    pub fn included(&mut self, number: BlockNumber) {
        self.failed = None;
        if let Some(pending) = &mut self.pending {
            pending.included = Some(number);
        }
    }

    /// The step was not taken, and nobody is to blame: it may be sent again at once.
    pub fn dropped(&mut self) {
        self.pending = None;
    }

    /// The step has failed; returns the first block in which it is tried again. Another tenure starts anew.
    pub fn failed(&mut self, call: &'static str, tenure: Tenure, block: BlockNumber) -> BlockNumber {
        self.pending = None;
        let before = self.failed.take().filter(|failed| failed.call == call && failed.tenure == tenure);
        let count = before.map_or(0, |failed| failed.count).saturating_add(1);
        let again = block.saturating_add(1u32.checked_shl(count).unwrap_or(BlockNumber::MAX));
        self.failed = Some(Failed { call, tenure, count, again });
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_is_on_its_way_at_a_time() {
        let mut step = Step::default();
        assert!(step.is_due("commit", 1, 10));
        step.begin();
        assert!(!step.is_due("commit", 1, 10) && !step.is_due("resume", 1, 10));
        step.included(12);
        step.look(11);
        assert!(!step.is_due("commit", 1, 11), "the block that has it was not looked at");
        step.look(12);
        assert!(step.is_due("commit", 1, 12));
    }

    #[test]
    fn a_step_that_fails_rests_ever_longer_until_the_tenure_ends() {
        let mut step = Step::default();
        let mut block = 10;
        for count in 1..=5 {
            step.begin();
            let again = step.failed("commit", 1, block);
            assert_eq!(again, block + (1 << count));
            assert!(!step.is_due("commit", 1, again - 1));
            assert!(step.is_due("commit", 1, again));
            assert!(step.is_due("register", 1, block), "another step is not held up");
            assert!(step.is_due("commit", 2, block), "nor is another tenure");
            block = again;
        }
        step.begin();
        step.included(block);
        step.look(block);
        step.begin();
        assert_eq!(step.failed("commit", 1, block), block + 2, "success ends the count");
        step.begin();
        step.dropped();
        assert!(step.is_due("register", 1, block));
    }
}
