//! The index against a plain model of what it must tell, over random forks, restarts and re-readings.

use super::{
    follow::{step, FollowError, Source},
    *,
};
use crate::{
    chain::{ChainError, Head},
    journal::Inclusion,
    solver::decide::State,
};
use assay_types::{BlockNumber, Cid, Hash, TaskId};
use proptest::prelude::*;
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};
use subxt::utils::AccountId32;

fn hash(number: u64) -> Hash {
    Hash::from_low_u64_be(number)
}

fn account(number: u8) -> AccountId32 {
    AccountId32([number; 32])
}

fn asked(task: TaskId, owner: u8, model: u8) -> Box<Asked> {
    Box::new(Asked {
        task,
        submitter: account(owner),
        model: Hash::repeat_byte(model),
        input: Cid::of(b"q").0,
        fee: 7,
        deadline: 99,
        transaction: Some(Hash::from(Cid::of(task.as_bytes()).0)),
        parameters: vec![1],
        payload: Some(b"q".to_vec()),
        seed: Some([3; 32]),
    })
}

fn answer(solver: u8) -> Answered {
    let payload = vec![solver; 3];
    Answered { solver: account(solver), output: Cid::of(&payload).0, replaced: None, payload: Some(payload) }
}

/// A tree of blocks, of which one is the best and one is final.
struct Tree {
    blocks: HashMap<Hash, Block>,
    best: Hash,
    finalized: Hash,
    reads: AtomicUsize,
}

impl Tree {
    fn new() -> Self {
        let genesis = Block { at: Inclusion { number: 0, hash: hash(0) }, parent: Hash::zero(), changes: Vec::new() };
        let blocks = HashMap::from([(hash(0), genesis)]);
        Self { blocks, best: hash(0), finalized: hash(0), reads: AtomicUsize::new(0) }
    }

    /// The blocks after the first up to `tip`, oldest first.
    fn path(&self, tip: Hash) -> Vec<&Block> {
        let mut path = Vec::new();
        let mut next = &self.blocks[&tip];
        while next.at.number > 0 {
            path.push(next);
            next = &self.blocks[&next.parent];
        }
        path.reverse();
        path
    }

    fn add(&mut self, parent: Hash, changes: Vec<Change>) -> Hash {
        let number = self.blocks[&parent].at.number + 1;
        let hash = hash(self.blocks.len() as u64);
        self.blocks.insert(hash, Block { at: Inclusion { number, hash }, parent, changes });
        hash
    }

    fn head(&self) -> Head {
        let Block { at, parent, .. } = &self.blocks[&self.best];
        Head { number: at.number, hash: at.hash, parent: *parent }
    }

    /// Tasks, by the blocks up to `tip`.
    fn records(&self, tip: Hash) -> BTreeMap<TaskId, Record> {
        let mut records = BTreeMap::new();
        for block in self.path(tip) {
            for change in &block.changes {
                match change {
                    Change::New(asked) => {
                        records.insert(asked.task, Record::new(asked, block.at));
                    }
                    change => {
                        if let Some(record) = records.get_mut(&change.task()) {
                            record.change(block.at, change);
                        }
                    }
                }
            }
        }
        records
    }
}

impl Source for Tree {
    async fn finalized(&self) -> Result<Inclusion, ChainError> {
        Ok(self.blocks[&self.finalized].at)
    }

    async fn hash_at(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError> {
        if number == 0 {
            return Ok(Some(hash(0)));
        }
        Ok(self.path(self.best).get(number as usize - 1).map(|block| block.at.hash))
    }

    async fn block(&self, hash: Hash) -> Result<Block, ChainError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.blocks.get(&hash).cloned().ok_or(ChainError::NoBlock(hash))
    }
}

fn open(folder: &Path) -> Index {
    let index = Index::open(folder, false).unwrap();
    index.bind(hash(0), Inclusion { number: 0, hash: hash(0) }).unwrap();
    index
}

fn follow(index: &Index, tree: &Tree) -> Result<(), FollowError> {
    futures::executor::block_on(step(index, tree, tree.head()))
}

/// Every question has the answer that the blocks give.
fn check(index: &Index, tree: &Tree) {
    let (best, finals) = (tree.records(tree.best), tree.records(tree.finalized));
    assert_eq!(index.tip().unwrap(), Some(tree.blocks[&tree.finalized].at));
    assert_eq!(index.best().unwrap(), Some(tree.blocks[&tree.best].at));
    let mut expected = Vec::new();
    for (task, record) in best {
        let finals = finals.get(&task).map_or(0, |record| record.facts.len());
        let found = Found { record, finals };
        assert_eq!(index.task(&task).unwrap().as_ref(), Some(&found), "a task");
        let transaction = found.record.transaction.unwrap();
        assert_eq!(index.by_transaction(&transaction).unwrap(), Some(task));
        assert_eq!(index.asked(&task).unwrap().unwrap().payload.as_deref(), Some(&b"q"[..]));
        let standing = index.answer(&task).unwrap().map(|answer| (answer.solver, Cid(answer.output)));
        assert_eq!(standing, found.record.solution());
        expected.push(found);
    }
    expected.sort_by_key(|found| std::cmp::Reverse((found.record.submitted_at(), found.record.task)));
    let accounts = [None, Some(account(1)), Some(account(2))];
    let states = [None, Some(State::Open), Some(State::Solved), Some(State::Settled), Some(State::Expired)];
    for owner in accounts {
        for solver in accounts {
            for state in states {
                for model in [None, Some(Hash::repeat_byte(1))] {
                    let filter = Filter { owner, model, solver, state };
                    let fitting: Vec<_> = expected
                        .iter()
                        .filter(|found| {
                            let record = &found.record;
                            owner.is_none_or(|owner| record.submitter == owner)
                                && model.is_none_or(|model| record.model == model)
                                && solver.is_none_or(|solver| record.solution().is_some_and(|(by, _)| by == solver))
                                && state.is_none_or(|state| record.state() == state)
                        })
                        .collect();
                    assert_eq!(pages(index, &filter).iter().collect::<Vec<_>>(), fitting, "{filter:?}");
                }
            }
        }
    }
}

/// A whole list, read in pages of two.
fn pages(index: &Index, filter: &Filter) -> Vec<Found> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = index.list(filter, after, 2).unwrap();
        assert!(page.tasks.len() <= 2);
        all.extend(page.tasks);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

/// What may happen to the tree, or to the index.
#[derive(Clone, Debug)]
enum Step {
    /// A block on top of one of the newest, with changes to one of few tasks; it becomes the best one if that does not
    /// undo what is final.
    Block { parent: usize, task: u8, kind: u8, also: Option<(u8, u8)> },
    /// Another of the newest blocks becomes the best one.
    Best { tip: usize },
    /// Some of the best chain becomes final.
    Finalise { blocks: usize },
    /// The index looks.
    Look,
    /// The index is closed and opened again, having looked or not.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0usize..6, 0u8..6, 0u8..8, proptest::option::of((0u8..6, 0u8..8)))
            .prop_map(|(parent, task, kind, also)| Step::Block { parent, task, kind, also }),
        2 => (0usize..6).prop_map(|tip| Step::Best { tip }),
        2 => (1usize..4).prop_map(|blocks| Step::Finalise { blocks }),
        4 => Just(Step::Look),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..60)
}

/// A change that the rules of the chain allow for the task, given what happened to it before.
fn allowed(records: &BTreeMap<TaskId, Record>, task: u8, kind: u8) -> Change {
    let id = Hash::repeat_byte(task + 1);
    let Some(record) = records.get(&id) else { return Change::New(asked(id, 1 + task % 2, 1 + kind % 2)) };
    let other = |what| Change::Other(id, what);
    match (record.state(), kind) {
        (State::Open, 0..=2) => other(What::Committed(account(1 + kind % 2))),
        (State::Open, 3..=6) => Change::Answer(id, answer(1 + kind % 2)),
        (State::Open, _) => other(What::Expired),
        (State::Solved, 0..=2) => Change::Answer(id, answer(1 + kind % 2)),
        (State::Solved, 3) => other(What::Contested(account(2))),
        (State::Solved, _) => {
            let solver = record.solution().map_or(account(1), |(solver, _)| solver);
            other(What::Settled { solver, fee: [1, 2, 3, 4], reward: [0; 6] })
        }
        (State::Disputed, 0) => other(What::Refunded),
        _ => other(What::Resolved(Some(true))),
    }
}

/// The tip of one of the longest branches that have the final block: a re-org never undoes it.
fn tip(tree: &Tree, choice: usize) -> Hash {
    let mut tips: Vec<_> = tree.blocks.values().map(|block| block.at).collect();
    tips.sort_by_key(|at| std::cmp::Reverse((at.number, at.hash)));
    let finalized = tree.finalized;
    let good: Vec<_> = tips
        .into_iter()
        .filter(|at| {
            at.hash == finalized
                || tree.path(at.hash).iter().any(|block| block.at.hash == finalized)
                || finalized == hash(0)
        })
        .take(6)
        .collect();
    good[choice % good.len()].hash
}

fn play(steps: &[Step]) {
    let folder = tempfile::tempdir().unwrap();
    let mut index = open(folder.path());
    let mut tree = Tree::new();
    let looked = Cell::new(false);
    for step in steps {
        match step {
            Step::Block { parent, task, kind, also } => {
                let parent = tip(&tree, *parent);
                let mut records = tree.records(parent);
                let mut changes = vec![allowed(&records, *task, *kind)];
                // A second change in the same block, of another task or of the same.
                if let (Some((task, kind)), Change::New(asked)) = (also, &changes[0]) {
                    let number = tree.blocks[&parent].at.number + 1;
                    records.insert(asked.task, Record::new(asked, Inclusion { number, hash: Hash::zero() }));
                    changes.push(allowed(&records, *task, *kind));
                }
                let new = tree.add(parent, changes);
                tree.best = new;
                looked.set(false);
            }
            Step::Best { tip: choice } => {
                tree.best = tip(&tree, *choice);
                looked.set(false);
            }
            Step::Finalise { blocks } => {
                let path = tree.path(tree.best);
                let from = tree.blocks[&tree.finalized].at.number as usize;
                if let Some(block) = path.get((from + blocks - 1).min(path.len().saturating_sub(1))) {
                    if block.at.number as usize > from {
                        tree.finalized = block.at.hash;
                        looked.set(false);
                    }
                }
            }
            Step::Look => {
                follow(&index, &tree).unwrap();
                check(&index, &tree);
                looked.set(true);
            }
            Step::Restart => {
                drop(index);
                index = open(folder.path());
            }
        }
    }
    follow(&index, &tree).unwrap();
    check(&index, &tree);
    // Built anew from the first block on, it is the same.
    drop(index);
    let index = Index::open(folder.path(), true).unwrap();
    assert_eq!(index.tip().unwrap(), None);
    index.bind(hash(0), Inclusion { number: 0, hash: hash(0) }).unwrap();
    follow(&index, &tree).unwrap();
    check(&index, &tree);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_index_tells_what_the_best_chain_tells(steps in steps()) {
        play(&steps);
    }
}

#[test]
fn a_fork_that_is_given_up_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    let mut tree = Tree::new();
    let (one, two) = (Hash::repeat_byte(1), Hash::repeat_byte(2));
    let base = tree.add(hash(0), vec![Change::New(asked(one, 1, 1))]);
    tree.best = tree.add(base, vec![Change::New(asked(two, 1, 1)), Change::Answer(one, answer(1))]);
    follow(&index, &tree).unwrap();
    let found = index.task(&one).unwrap().unwrap();
    assert_eq!((found.record.state(), found.finals, found.is_final()), (State::Solved, 0, false));
    let fork = tree.add(base, vec![]);
    tree.best = tree.add(fork, vec![]);
    follow(&index, &tree).unwrap();
    assert_eq!(index.task(&two).unwrap(), None);
    assert_eq!(index.answer(&one).unwrap(), None);
    assert_eq!(index.task(&one).unwrap().unwrap().record.state(), State::Open);
    tree.finalized = tree.best;
    follow(&index, &tree).unwrap();
    assert!(index.task(&one).unwrap().unwrap().is_final());
}

#[test]
fn another_chain_and_another_history_are_told_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    let begin = Inclusion { number: 0, hash: hash(9) };
    assert!(matches!(index.bind(hash(9), begin), Err(IndexError::OtherChain { .. })));
    let mut tree = Tree::new();
    tree.best = tree.add(hash(0), vec![Change::New(asked(Hash::repeat_byte(1), 1, 1))]);
    tree.finalized = tree.best;
    follow(&index, &tree).unwrap();
    let known = index.tip().unwrap();

    // A chain with the same first block, begun anew: at the same height, and already beyond it.
    let mut anew = Tree::new();
    anew.add(hash(0), vec![]);
    anew.best = anew.add(hash(0), vec![]);
    anew.finalized = anew.best;
    for _ in 0..2 {
        let error = follow(&index, &anew).unwrap_err();
        assert!(matches!(error, FollowError::Index(IndexError::OtherHistory { height: 1, .. })), "{error}");
        assert_eq!(index.tip().unwrap(), known);
        anew.best = anew.add(anew.best, vec![]);
        anew.finalized = anew.best;
    }

    // A node that still has to fetch the chain is waited for.
    assert!(follow(&index, &Tree::new()).is_ok());
    assert_eq!(index.tip().unwrap(), known);
}

#[test]
fn only_one_gateway_has_an_index_and_a_broken_one_can_be_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    assert!(matches!(Index::open(folder.path(), false), Err(IndexError::InUse(_))));
    assert!(matches!(Index::open(folder.path(), true), Err(IndexError::InUse(_))));
    drop(index);
    std::fs::write(folder.path().join("index.redb"), b"something else").unwrap();
    assert!(matches!(Index::open(folder.path(), false), Err(IndexError::Disk(_))));
    assert_eq!(Index::open(folder.path(), true).unwrap().tip().unwrap(), None);
}

#[test]
fn finality_that_is_far_behind_does_not_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    let mut tree = Tree::new();
    for _ in 0..=follow::MOST_UNFINISHED {
        tree.best = tree.add(tree.best, vec![]);
    }
    follow(&index, &tree).unwrap();
    assert_eq!(index.best().unwrap().map(|at| at.number), Some(0));
    assert_eq!(tree.reads.load(Ordering::Relaxed), 0);
    tree.finalized = tree.path(tree.best)[0].at.hash;
    follow(&index, &tree).unwrap();
    assert_eq!(index.best().unwrap().map(|at| at.number), Some(follow::MOST_UNFINISHED + 1));
}

#[test]
fn a_block_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    let mut tree = Tree::new();
    for _ in 0..20 {
        tree.best = tree.add(tree.best, vec![]);
        follow(&index, &tree).unwrap();
        if tree.head().number > 3 {
            tree.finalized = tree.path(tree.best)[tree.head().number as usize - 4].at.hash;
        }
    }
    assert_eq!(tree.reads.load(Ordering::Relaxed), 20);
}

#[test]
fn tasks_from_before_the_index_began_are_none_of_its_concern() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path(), false).unwrap();
    let mut tree = Tree::new();
    let (old, new) = (Hash::repeat_byte(1), Hash::repeat_byte(2));
    let first = tree.add(hash(0), vec![Change::New(asked(old, 1, 1))]);
    let second = tree.add(first, vec![Change::Answer(old, answer(1)), Change::New(asked(new, 1, 1))]);
    tree.best = tree.add(second, vec![Change::Answer(old, answer(2))]);
    tree.finalized = second;
    index.bind(hash(0), Inclusion { number: 1, hash: first }).unwrap();
    follow(&index, &tree).unwrap();
    let known: BTreeSet<_> = pages(&index, &Filter::default()).iter().map(|found| found.record.task).collect();
    assert_eq!(known, BTreeSet::from([new]));
    assert_eq!(index.task(&old).unwrap(), None);
}
