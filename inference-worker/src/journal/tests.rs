//! The journal against crashes, full disks and arbitrary histories.

use super::*;
use proptest::prelude::*;
use std::{
    io,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc, Mutex,
    },
};

/// Memory that survives its owner, as a disk does, and refuses to write once its allowance of operations is used up.
#[derive(Clone, Debug)]
struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    allowance: Arc<AtomicU64>,
}

impl Disk {
    fn new() -> Self {
        Self { bytes: Arc::default(), allowance: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// The disk as a machine that starts again finds it.
    fn after_crash(&self) -> Self {
        let bytes = self.bytes.lock().unwrap().clone();
        Self { bytes: Arc::new(Mutex::new(bytes)), allowance: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    fn fill_up_after(&self, operations: u64) {
        self.allowance.store(operations, Ordering::SeqCst);
    }

    fn spend(&self) -> io::Result<()> {
        self.allowance
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .map(|_| ())
            .map_err(|_| io::Error::new(io::ErrorKind::StorageFull, "no space left on device"))
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.bytes.lock().unwrap();
        let start = offset as usize;
        let slice = bytes.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(slice);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.spend()?;
        self.bytes.lock().unwrap().resize(len as usize, 0);
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        self.spend()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.spend()?;
        let mut bytes = self.bytes.lock().unwrap();
        let start = offset as usize;
        bytes.get_mut(start..start + data.len()).ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(data);
        Ok(())
    }
}

fn job(task: u8, salt: u8) -> Job {
    Job {
        task: Hash::repeat_byte(task),
        model: Hash::repeat_byte(9),
        included: Inclusion { number: 10, hash: Hash::repeat_byte(1) },
        salt: [salt; 32],
        output: vec![salt; 40],
        trace: Hash::repeat_byte(salt),
        sent_until: None,
        phase: Phase::Recorded,
    }
}

#[test]
fn a_journal_is_tied_to_its_chain_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (Hash::repeat_byte(1), AccountId32([2; 32]));
    Journal::open(folder.path()).unwrap().bind(chain, &key).unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    journal.bind(chain, &key).unwrap();
    assert!(matches!(journal.bind(Hash::zero(), &key), Err(JournalError::OtherChain { .. })));
    assert!(matches!(journal.bind(chain, &AccountId32([3; 32])), Err(JournalError::OtherKey { .. })));
}

#[test]
fn one_process_has_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let _open = Journal::open(folder.path()).unwrap();
    assert!(matches!(Journal::open(folder.path()), Err(JournalError::InUse(_))));
}

#[test]
fn a_file_that_is_no_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("journal.redb"), b"something else entirely").unwrap();
    assert!(matches!(Journal::open(folder.path()), Err(JournalError::Disk(_))));
}

#[test]
fn a_result_that_was_sent_never_changes() {
    let journal = Journal::on(Disk::new()).unwrap();
    let (first, second) = (job(1, 1), job(1, 2));
    journal.jobs().record(&first).unwrap();
    journal.jobs().record(&second).unwrap();
    journal.jobs().mark_sent(&second.task, 50).unwrap();
    assert!(matches!(journal.jobs().record(&first), Err(JournalError::Fixed(_))));
    let elsewhere = Inclusion { number: 40, hash: Hash::repeat_byte(2) };
    for (finalized, now) in [(50, None), (50, Some(second.included)), (39, Some(elsewhere))] {
        assert!(matches!(journal.jobs().restart(&second.task, finalized, now), Err(JournalError::Fixed(_))));
    }
    assert_eq!(journal.jobs().get(&second.task).unwrap().unwrap().salt, second.salt);
    journal.jobs().restart(&second.task, 51, None).unwrap();
    journal.jobs().record(&first).unwrap();
    // Once the task's other block is final, no chain takes what was signed upon the old one.
    journal.jobs().mark_sent(&first.task, 90).unwrap();
    journal.jobs().restart(&first.task, 40, Some(elsewhere)).unwrap();
    journal.jobs().record(&second).unwrap();
}

#[test]
fn ended_records_are_pruned_and_others_are_not() {
    let journal = Journal::on(Disk::new()).unwrap();
    for task in [1, 2] {
        journal.jobs().record(&job(task, task)).unwrap();
    }
    journal.jobs().advance(&job(1, 1).task, Phase::Ended(Outcome::Paid)).unwrap();
    assert_eq!(journal.jobs().unfinished().unwrap(), [job(2, 2)]);
    journal.prune(10).unwrap();
    assert!(journal.jobs().get(&job(1, 1).task).unwrap().is_some());
    journal.prune(11).unwrap();
    assert!(journal.jobs().get(&job(1, 1).task).unwrap().is_none());
    assert!(journal.jobs().get(&job(2, 2).task).unwrap().is_some());
}

fn ballot(task: u8, salt: u8) -> Ballot {
    let Job { task, model, included, salt, output, trace, sent_until, .. } = job(task, salt);
    Ballot { task, model, included, salt, output, trace, sent_until, phase: BallotPhase::Recorded }
}

#[test]
fn jobs_and_ballots_of_one_task_do_not_touch_each_other() {
    let journal = Journal::on(Disk::new()).unwrap();
    journal.jobs().record(&job(1, 1)).unwrap();
    journal.ballots().record(&ballot(1, 2)).unwrap();
    journal.ballots().mark_sent(&ballot(1, 2).task, 50).unwrap();
    assert!(matches!(journal.ballots().record(&ballot(1, 3)), Err(JournalError::Fixed(_))));
    journal.jobs().record(&job(1, 3)).unwrap();
    journal.ballots().advance(&ballot(1, 2).task, BallotPhase::Ended(BallotOutcome::Closed)).unwrap();
    assert_eq!(journal.jobs().unfinished().unwrap(), [job(1, 3)]);
    assert!(journal.ballots().unfinished().unwrap().is_empty());
    journal.prune(11).unwrap();
    assert!(journal.ballots().get(&ballot(1, 2).task).unwrap().is_none());
    assert_eq!(journal.jobs().get(&job(1, 3).task).unwrap(), Some(job(1, 3)));
}

#[test]
fn the_secret_is_made_once() {
    let disk = Disk::new();
    let secret = Journal::on(disk.clone()).unwrap().secret().unwrap();
    assert_eq!(Journal::on(disk.after_crash()).unwrap().secret().unwrap(), secret);
    assert_ne!(Journal::on(Disk::new()).unwrap().secret().unwrap(), secret);
}

#[test]
fn each_record_has_a_salt_of_its_own() {
    let new =
        || Ballot::new(Hash::zero(), Hash::zero(), job(1, 1).included, vec![], Hash::zero(), BallotPhase::Recorded);
    let (one, two) = (new().unwrap(), new().unwrap());
    assert_ne!(one.salt, two.salt);
    let key = AccountId32([2; 32]);
    assert_ne!(one.seal(&Hash::zero(), &key), two.seal(&Hash::zero(), &key));
}

#[test]
fn changing_what_is_not_there_is_refused() {
    let journal = Journal::on(Disk::new()).unwrap();
    assert!(matches!(journal.jobs().mark_sent(&Hash::zero(), 1), Err(JournalError::Unknown(_))));
    assert!(matches!(journal.jobs().advance(&Hash::zero(), Phase::Committed), Err(JournalError::Unknown(_))));
}

/// Whatever write is the last before the machine stops, the journal opens again and holds each step wholly or not at
/// all, and what an earlier step confirmed is there.
#[test]
fn a_crash_or_a_full_disk_between_any_two_writes_loses_nothing_confirmed() {
    type Step = fn(&Journal) -> Result<(), JournalError>;
    let steps: [Step; 4] = [
        |journal| journal.jobs().record(&job(1, 1)),
        |journal| journal.jobs().mark_sent(&job(1, 1).task, 42).map(drop),
        |journal| journal.jobs().advance(&job(1, 1).task, Phase::Committed).map(drop),
        |journal| journal.jobs().advance(&job(1, 1).task, Phase::Ended(Outcome::Paid)).map(drop),
    ];
    let expected = [
        None,
        Some(job(1, 1)),
        Some(Job { sent_until: Some(42), ..job(1, 1) }),
        Some(Job { sent_until: Some(42), phase: Phase::Committed, ..job(1, 1) }),
        Some(Job { sent_until: Some(42), phase: Phase::Ended(Outcome::Paid), ..job(1, 1) }),
    ];
    let mut refused = 0;
    for allowance in 0..400 {
        let disk = Disk::new();
        let journal = Journal::on(disk.clone()).unwrap();
        journal.bind(Hash::zero(), &AccountId32([0; 32])).unwrap();
        disk.fill_up_after(allowance);
        let confirmed = steps.iter().take_while(|step| step(&journal).is_ok()).count();
        let after = Journal::on(disk.after_crash()).unwrap();
        after.bind(Hash::zero(), &AccountId32([0; 32])).unwrap();
        let found = after.jobs().get(&job(1, 1).task).unwrap();
        let next = expected.get(confirmed + 1).unwrap_or(&expected[confirmed]);
        assert!(found == expected[confirmed] || found == *next, "after {allowance} writes: {found:?}");
        refused += usize::from(confirmed < steps.len());
        if confirmed == steps.len() && allowance > 0 {
            break;
        }
    }
    assert!(refused > 3, "the disk never filled up");
}

#[derive(Clone, Debug)]
enum Operation {
    Record(u8, u8),
    Send(u8, u32),
    Advance(u8, bool),
    Restart(u8, u32),
    Reopen,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![
        (0u8..3, any::<u8>()).prop_map(|(task, salt)| Operation::Record(task, salt)),
        (0u8..3, 0u32..100).prop_map(|(task, until)| Operation::Send(task, until)),
        (0u8..3, any::<bool>()).prop_map(|(task, end)| Operation::Advance(task, end)),
        (0u8..3, 0u32..120).prop_map(|(task, finalized)| Operation::Restart(task, finalized)),
        Just(Operation::Reopen),
    ];
    proptest::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// While a commitment that was sent can still enter a block, the job's result stays what was sent.
    #[test]
    fn what_was_sent_is_what_stays(history in operations()) {
        let mut disk = Disk::new();
        let mut journal = Journal::on(disk.clone()).unwrap();
        let mut sent: std::collections::BTreeMap<u8, (Job, u32)> = Default::default();
        for operation in history {
            match operation {
                Operation::Record(task, salt) => {
                    let accepted = journal.jobs().record(&job(task, salt)).is_ok();
                    prop_assert_eq!(accepted, !sent.contains_key(&task));
                },
                Operation::Send(task, until) => {
                    if let Ok(job) = journal.jobs().mark_sent(&Hash::repeat_byte(task), until) {
                        let last = sent.get(&task).map_or(until, |(_, last)| until.max(*last));
                        sent.insert(task, (job, last));
                    }
                },
                Operation::Advance(task, end) => {
                    let phase = if end { Phase::Ended(Outcome::Lost) } else { Phase::Committed };
                    let _ = journal.jobs().advance(&Hash::repeat_byte(task), phase);
                },
                Operation::Restart(task, finalized) => {
                    let allowed = sent.get(&task).is_none_or(|(_, until)| *until < finalized);
                    prop_assert_eq!(journal.jobs().restart(&Hash::repeat_byte(task), finalized, None).is_ok(), allowed);
                    if allowed {
                        sent.remove(&task);
                    }
                },
                Operation::Reopen => {
                    disk = disk.after_crash();
                    journal = Journal::on(disk.clone()).unwrap();
                },
            }
            for (job, _) in sent.values() {
                let stored = journal.jobs().get(&job.task).unwrap().expect("a sent job is never lost");
                prop_assert_eq!((&stored.salt, &stored.output, &stored.trace), (&job.salt, &job.output, &job.trace));
            }
        }
    }
}

#[test]
fn what_was_recorded_of_elections_survives_a_crash_at_any_moment() {
    let commit = |tenure| SentCommit { tenure, amount: 7, at: tenure * 20 };
    let record = |tenure| ElectionRecord {
        made: Some(MadeKeys { keys: vec![1; 64], proof: vec![2; 128], tenure: 3 }),
        sent: Some(commit(tenure)),
        stood: false,
    };
    for operations in 0.. {
        let disk = Disk::new();
        let journal = Journal::on(disk.clone()).unwrap();
        assert_eq!(journal.election().unwrap(), ElectionRecord::default());
        journal.record_election(&record(5)).unwrap();
        disk.fill_up_after(operations);
        let written = journal.record_election(&record(6)).is_ok();
        let after = Journal::on(disk.after_crash()).unwrap().election().unwrap();
        // What was said to be on disk is there; what was not may be, whole.
        assert!(after == record(6) || !written && after == record(5), "{operations}");
        if written {
            return;
        }
    }
}

#[test]
fn a_damaged_record_of_elections_is_told() {
    let disk = Disk::new();
    let journal = Journal::on(disk.clone()).unwrap();
    let write = journal.database.begin_write().unwrap();
    let table = TableDefinition::<&str, &[u8]>::new("elections");
    write.open_table(table).unwrap().insert("record", [9u8].as_slice()).unwrap();
    write.commit().unwrap();
    assert!(matches!(journal.election(), Err(JournalError::DamagedElection)));
}
