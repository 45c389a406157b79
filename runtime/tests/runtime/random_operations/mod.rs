//! Random operations on the whole runtime, in random order: after every one of them each pallet's invariants hold, and
//! no unit of ASY is anywhere but where it belongs. The invariants are numbered in docs/disputes.md.
//!
//! A run is a list of steps, each a number from which everything that the step does follows, so that a list in which
//! steps are missing is still a run: one that fails is shortened until no part of it can be left out, and written into
//! `regressions.txt`, one run a line. Those runs are repeated first.
//!
//! `ASSAY_RANDOM_STEPS` sets the number of steps over all runs, `ASSAY_RANDOM_SEED` the first of their seeds.

mod checks;
pub mod operations;

use operations::{Outcomes, Random, Run};
use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::Write,
    panic::{catch_unwind, AssertUnwindSafe},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// Steps of one run: long enough for whole lives of many tasks, short enough to be shortened.
const STEPS: usize = 2_500;
/// Steps over all runs, unless said otherwise.
const ALL_STEPS: usize = 100_000;
/// Runs that are tried at most while one that failed is shortened.
const TRIALS: usize = 400;
/// Runs that failed once.
const REGRESSIONS: &str = include_str!("regressions.txt");

/// The steps of the run with this seed.
fn steps(seed: u64, count: usize) -> Vec<u64> {
    let mut random = Random::new(seed);
    (0..count).map(|_| random.next()).collect()
}

/// Takes all steps on a fresh chain; says what happened how often, or how many steps were taken before it went wrong.
fn execute(steps: &[u64]) -> Result<Outcomes, (usize, String)> {
    let mut state = crate::common::genesis("development");
    let mut run = Run::default();
    for (index, step) in steps.iter().enumerate() {
        let taken = catch_unwind(AssertUnwindSafe(|| state.execute_with(|| run.step(*step))));
        if let Err(cause) = taken {
            let text = cause.downcast_ref::<String>().cloned();
            let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| text.to_string()));
            return Err((index, text.unwrap_or_default()));
        }
        // Changes that stay in the overlay would make every look at the state slower.
        if index % 50 == 0 {
            state.commit_all().expect("changes are committed");
        }
    }
    Ok(run.outcomes)
}

/// Leaves out of a run that fails whatever can be left out.
fn shorten(mut steps: Vec<u64>) -> Vec<u64> {
    let mut trials = 0;
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < steps.len() && trials < TRIALS {
            let mut fewer = steps.clone();
            fewer.drain(start..(start + size).min(steps.len()));
            trials += 1;
            match execute(&fewer) {
                Err((failed, _)) => {
                    fewer.truncate(failed + 1);
                    steps = fewer;
                }
                Ok(_) => start += size,
            }
        }
        size /= 2;
    }
    steps
}

/// Ends the test with the shortest run that fails, and keeps that.
fn fail(name: &str, steps: &[u64], failed: usize, message: &str) -> ! {
    let shortest = shorten(steps[..=failed].to_vec());
    let line = shortest.iter().map(|step| format!("{step:016x}")).collect::<Vec<_>>().join(" ");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runtime/random_operations/regressions.txt");
    let file = OpenOptions::new().append(true).open(path);
    let kept = match file.and_then(|mut file| writeln!(file, "{line}")) {
        Ok(()) => "it is in regressions.txt now".to_string(),
        Err(error) => format!("regressions.txt cannot be written to, {error}"),
    };
    panic!("{name}, step {failed}: {message}\nthe shortest run that fails ({kept}):\n{line}")
}

#[test]
fn what_failed_once_does_not_fail_again() {
    for line in REGRESSIONS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let steps: Vec<_> =
            line.split(' ').map(|step| u64::from_str_radix(step, 16).expect("steps are hexadecimal")).collect();
        if let Err((failed, message)) = execute(&steps) {
            panic!("step {failed} of {line}: {message}");
        }
    }
}

#[test]
fn invariants_hold_after_any_operations_in_any_order() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let all = number("ASSAY_RANDOM_STEPS").map_or(ALL_STEPS, |steps| steps as usize);
    let first = number("ASSAY_RANDOM_SEED").unwrap_or(1);
    let runs = all.div_ceil(STEPS) as u64;
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let outcomes = std::thread::scope(|scope| {
        let work = || {
            let mut outcomes = Outcomes::new();
            loop {
                let seed = first + next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + runs {
                    return outcomes;
                }
                let steps = steps(seed, STEPS.min(all));
                match execute(&steps) {
                    Ok(counts) => counts.into_iter().for_each(|(what, n)| *outcomes.entry(what).or_default() += n),
                    Err((failed, message)) => fail(&format!("seed {seed}"), &steps, failed, &message),
                }
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = BTreeMap::new();
        for worker in workers {
            let outcomes = worker.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause));
            outcomes.into_iter().for_each(|(what, n)| *all.entry(what).or_insert(0) += n);
        }
        all
    });
    for ((operation, outcome), count) in &outcomes {
        println!("{operation:>20} {count:>6} {outcome}");
    }
    if all >= ALL_STEPS {
        for (operation, outcome) in operations::MUST_HAPPEN {
            let count = outcomes.get(&(*operation, outcome.to_string())).copied().unwrap_or_default();
            assert!(count > 0, "{operation} never ended with {outcome}");
        }
    }
}
