//! Follows the best chain and finality, and tells what happened to tasks.
//!
//! A subscription begins after the block that is final then. Every change in a later block is told when its block joins
//! the best chain, and again when the block is final; if the block is given up for another fork, that is told instead,
//! the newest change first.

use crate::{
    answers::{Block, Notice, Status},
    chain::{Chain, Changes},
    error::Error,
    params::ChangeFilter,
};
use std::collections::VecDeque;

/// Blocks after the last final one that are followed.
pub const MOST_UNFINISHED: u32 = 1_024;

/// What a subscriber has been told.
pub struct Follower {
    filter: ChangeFilter,
    /// The last block whose changes were told to be final, or were so before.
    finalized: Block,
    /// The best chain from there, each block with its changes.
    unfinished: VecDeque<(Block, Changes)>,
}

impl Follower {
    /// Follows from `finalized` on, telling what fits `filter`.
    pub fn new(finalized: Block, filter: ChangeFilter) -> Self {
        Self { filter, finalized, unfinished: VecDeque::new() }
    }

    /// Looks at the chain and tells what is new.
    ///
    /// # Errors
    /// [`Error::TooFarBehind`], and those of the chain. The subscription ends then.
    pub fn step(&mut self, chain: &impl Chain) -> Result<Vec<Notice>, Error> {
        let heads = chain.heads();
        let mut notices = Vec::new();
        let (kept, path) = self.path(chain, heads.best)?;
        let given_up: Vec<_> = self.unfinished.drain(kept..).collect();
        for (block, changes) in given_up.into_iter().rev() {
            self.tell(&mut notices, Status::Orphaned, block, changes.iter().rev());
        }
        for block in path {
            let changes = chain.changes(block)?;
            self.tell(&mut notices, Status::Best, block, changes.iter());
            self.unfinished.push_back((block, changes));
        }
        while self.finalized.number < heads.finalized.number {
            let Some((block, changes)) = self.unfinished.pop_front() else { break };
            self.tell(&mut notices, Status::Final, block, changes.iter());
            self.finalized = block;
        }
        Ok(notices)
    }

    fn tell<'a>(
        &self,
        notices: &mut Vec<Notice>,
        status: Status,
        block: Block,
        changes: impl Iterator<Item = &'a assay_runtime_api::TaskChange<assay_types::AccountId>>,
    ) {
        notices
            .extend(changes.filter(|change| self.filter.fits(change)).map(|change| Notice::new(status, block, change)));
    }

    /// How many of the known blocks are still part of the best chain, and the blocks from there to `best`, oldest
    /// first.
    fn path(&self, chain: &impl Chain, best: Block) -> Result<(usize, Vec<Block>), Error> {
        let too_far = Error::TooFarBehind { best: best.number, last: self.finalized.number, limit: MOST_UNFINISHED };
        if best.number.saturating_sub(self.finalized.number) > MOST_UNFINISHED {
            return Err(too_far);
        }
        let (mut path, mut block) = (Vec::new(), best);
        while block != self.finalized {
            let Some(above) = block.number.checked_sub(self.finalized.number).filter(|above| *above > 0) else {
                return Err(Error::Internal(format!("the best chain does not have block {:?}", self.finalized.hash)));
            };
            let index = above as usize - 1;
            if self.unfinished.get(index).is_some_and(|(known, _)| *known == block) {
                path.reverse();
                return Ok((index + 1, path));
            }
            path.push(block);
            block = Block { number: block.number - 1, hash: chain.parent(block.hash)? };
        }
        path.reverse();
        Ok((0, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chain::Heads, params::WantedChanges};
    use assay_runtime_api::{Change, TaskChange};
    use assay_types::{AccountId, BlockNumber, Hash, TaskId};
    use proptest::prelude::*;
    use serde_json::json;
    use std::{
        cell::Cell,
        collections::{BTreeMap, BTreeSet},
    };

    /// A chain with forks; each block has two changes.
    struct Tree {
        parents: BTreeMap<Hash, (BlockNumber, Hash)>,
        best: Hash,
        finalized: Hash,
        reads: Cell<usize>,
    }

    fn change(task: TaskId, event: u32) -> TaskChange<AccountId> {
        TaskChange {
            task,
            owner: AccountId::new([1; 32]),
            model: Hash::zero(),
            solver: None,
            extrinsic: Some(1),
            event,
            change: Change::Forgotten,
        }
    }

    impl Tree {
        fn new() -> Self {
            let first = Hash::zero();
            let parents = BTreeMap::from([(first, (0, first))]);
            Self { parents, best: first, finalized: first, reads: Cell::new(0) }
        }

        fn at(&self, hash: Hash) -> Block {
            Block { number: self.parents[&hash].0, hash }
        }

        /// A new block upon `parent`.
        fn add(&mut self, parent: Hash) -> Hash {
            let hash = Hash::from_low_u64_be(self.parents.len() as u64);
            self.parents.insert(hash, (self.parents[&parent].0 + 1, parent));
            hash
        }

        /// New blocks on top of each other.
        fn grow(&mut self, mut tip: Hash, blocks: u32) -> Hash {
            for _ in 0..blocks {
                tip = self.add(tip);
            }
            tip
        }

        /// The block and its ancestors, without the first.
        fn line(&self, mut hash: Hash) -> Vec<Block> {
            let mut line = Vec::new();
            while self.parents[&hash].0 > 0 {
                line.push(self.at(hash));
                hash = self.parents[&hash].1;
            }
            line
        }

        fn follow(&self, filter: serde_json::Value) -> Follower {
            let wanted: WantedChanges = serde_json::from_value(filter).expect("its shape is right");
            Follower::new(self.at(self.finalized), wanted.read().expect("its values are"))
        }
    }

    impl Chain for Tree {
        fn heads(&self) -> Heads {
            Heads { best: self.at(self.best), finalized: self.at(self.finalized) }
        }

        fn parent(&self, hash: Hash) -> Result<Hash, Error> {
            self.parents.get(&hash).map(|(_, parent)| *parent).ok_or(Error::UnknownBlock(hash))
        }

        fn changes(&self, block: Block) -> Result<Changes, Error> {
            self.reads.set(self.reads.get() + 1);
            Ok([change(block.hash, 0), change(Hash::repeat_byte(9), 1)].into())
        }
    }

    fn told(notices: &[Notice]) -> Vec<(Status, BlockNumber)> {
        notices.iter().map(|notice| (notice.status, notice.block.number)).collect()
    }

    #[test]
    fn a_change_is_told_when_it_is_in_the_best_chain_and_when_it_is_final() {
        let mut tree = Tree::new();
        tree.finalized = tree.grow(Hash::zero(), 2);
        tree.best = tree.grow(tree.finalized, 1);
        let mut follower = tree.follow(json!({ "task": Hash::repeat_byte(9) }));
        use Status::{Best, Final};
        let step = |follower: &mut Follower, tree: &Tree| told(&follower.step(tree).expect("all is well"));
        assert_eq!(step(&mut follower, &tree), [(Best, 3)], "what is not final when it begins is told");
        assert_eq!(step(&mut follower, &tree), []);
        tree.best = tree.grow(tree.best, 2);
        tree.finalized = tree.line(tree.best)[1].hash;
        assert_eq!(step(&mut follower, &tree), [(Best, 4), (Best, 5), (Final, 3), (Final, 4)]);
        assert_eq!(tree.reads.get(), 3, "a block is read once");
    }

    #[test]
    fn what_a_fork_undoes_is_told_the_newest_first() {
        let mut tree = Tree::new();
        let base = tree.grow(Hash::zero(), 1);
        tree.best = tree.grow(base, 2);
        let mut follower = tree.follow(json!({}));
        follower.step(&tree).expect("all is well");
        let (lost, events) = (tree.line(tree.best), |notices: &[Notice]| {
            notices.iter().map(|n| (n.status, n.block)).collect::<Vec<_>>()
        });
        tree.best = tree.grow(base, 3);
        let won = tree.line(tree.best);
        let notices = follower.step(&tree).expect("all is well");
        use Status::{Best, Orphaned};
        let expected = [
            (Orphaned, lost[0]),
            (Orphaned, lost[0]),
            (Orphaned, lost[1]),
            (Orphaned, lost[1]),
            (Best, won[2]),
            (Best, won[2]),
            (Best, won[1]),
            (Best, won[1]),
            (Best, won[0]),
            (Best, won[0]),
        ];
        assert_eq!(events(&notices), expected);
        let first = serde_json::to_value(&notices[0]).expect("it is JSON");
        assert_eq!((&first["status"], &first["event"]), (&json!("orphaned"), &json!(1)), "the newest change first");
    }

    #[test]
    fn what_is_too_far_ends_the_subscription_before_anything_is_read() {
        let mut tree = Tree::new();
        let mut follower = tree.follow(json!({}));
        tree.best = tree.grow(Hash::zero(), MOST_UNFINISHED + 1);
        let error = follower.step(&tree).expect_err("it is too far");
        assert_eq!(error, Error::TooFarBehind { best: 1_025, last: 0, limit: 1_024 });
        assert_eq!(tree.reads.get(), 0);
    }

    #[derive(Clone, Debug)]
    enum Event {
        Block(usize),
        Best(usize),
        Finalise(usize),
        Look,
    }

    /// Tips that have the final block.
    fn tip(tree: &Tree, choice: usize) -> Hash {
        let good: Vec<_> = tree
            .parents
            .keys()
            .rev()
            .filter(|hash| {
                let line = tree.line(**hash);
                tree.finalized == Hash::zero() || line.iter().any(|block| block.hash == tree.finalized)
            })
            .take(6)
            .collect();
        *good[choice % good.len()]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        /// Whoever keeps what is best, drops what is orphaned and marks what is final knows what the chain has.
        #[test]
        fn notices_add_up_to_the_chain(events in proptest::collection::vec(
            prop_oneof![
                5 => (0usize..6).prop_map(Event::Block),
                2 => (0usize..6).prop_map(Event::Best),
                2 => (1usize..4).prop_map(Event::Finalise),
                4 => Just(Event::Look),
            ],
            1..60,
        )) {
            let mut tree = Tree::new();
            let mut follower = tree.follow(json!({}));
            let (mut best, mut finals) = (BTreeSet::new(), Vec::new());
            for event in events.into_iter().chain([Event::Look]) {
                match event {
                    Event::Block(parent) => tree.best = { let parent = tip(&tree, parent); tree.add(parent) },
                    Event::Best(choice) => tree.best = tip(&tree, choice),
                    Event::Finalise(blocks) => {
                        let mut line = tree.line(tree.best);
                        line.reverse();
                        let from = tree.parents[&tree.finalized].0 as usize;
                        if let Some(block) = line.get((from + blocks - 1).min(line.len().saturating_sub(1))) {
                            if block.number as usize > from {
                                tree.finalized = block.hash;
                            }
                        }
                    }
                    Event::Look => {
                        for notice in follower.step(&tree).expect("all is well") {
                            let value = serde_json::to_value(&notice).expect("it is JSON");
                            let key = (notice.block.number, notice.block.hash, value["event"].as_u64());
                            match notice.status {
                                Status::Best => prop_assert!(best.insert(key), "told twice"),
                                Status::Orphaned => prop_assert!(best.remove(&key), "nobody was told"),
                                Status::Final => {
                                    prop_assert!(best.contains(&key), "final before it is best");
                                    finals.push(key);
                                }
                            }
                        }
                        let both = |block: Block| [0, 1].map(|event| (block.number, block.hash, Some(event)));
                        let expected = |tip| tree.line(tip).into_iter().rev().flat_map(both).collect::<Vec<_>>();
                        prop_assert_eq!(best.iter().copied().collect::<Vec<_>>(), expected(tree.best));
                        prop_assert_eq!(&finals, &expected(tree.finalized));
                    }
                }
            }
        }
    }
}
