//! Solvers on one path and verifiers on another, over the text model that this project ships.
//!
//! Two hundred tasks in each run of the tests; `ASSAY_RANDOM_TASKS` sets another number, as in the run that
//! docs/conformance.md reports.

use super::{
    fixture::{self, Choices},
    oracle::SENTENCES,
    text,
};
use crate::{
    verify::{verify, Claim, Depth},
    Answer, Generation, Model, PassMemory, Threads,
};
use assay_numerics::{Isa, Kernels};
use assay_types::inference::TextParameters;
use std::{collections::HashMap, path::Path, sync::Arc};

const TASKS: usize = 200;
/// Numbers of threads that are tried.
const THREADS: [usize; 4] = [1, 2, 5, 16];
/// Tasks that a solver runs together at most.
const TOGETHER: usize = 8;
/// Characters of a prompt at most: with the longest answer, fewer tokens than the context has.
const PROMPT: usize = 160;

/// A task, and the pass at which it joins the others.
struct Task {
    prompt: Vec<u8>,
    parameters: Vec<u8>,
    seed: [u8; 32],
    joins: usize,
}

impl Task {
    fn any(choices: &mut Choices, words: &[&str]) -> Self {
        let first = choices.below(words.len());
        let end = (first + 1 + choices.below(12)).min(words.len());
        let prompt: String = words[first..end].join(" ").chars().take(PROMPT).collect();
        let parameters = TextParameters {
            max_tokens: 1 + choices.below(24) as u32,
            temperature_milli: choices.of(&[0, 1, 300, 700, 1500, 10_000]),
            top_k: choices.of(&[0, 1, 5, 40, 3000]),
            top_p_milli: 1 + choices.below(1000) as u32,
            repetition_penalty_milli: choices.of(&[100, 900, 1000, 1100, 10_000]),
            stop: (0..choices.below(3)).map(|_| choices.of(&["the", " of", "LORD", ",", "e"]).to_string()).collect(),
        };
        let seed = std::array::from_fn(|_| choices.below(256) as u8);
        Self { prompt: prompt.into_bytes(), parameters: text(parameters), seed, joins: choices.below(6) }
    }

    fn begin(&self, model: &Model) -> Generation {
        model.begin(&self.prompt, &self.parameters, self.seed).unwrap()
    }
}

/// The answers to tasks that share passes, each from the pass on at which it joins.
fn solve(model: &Model, tasks: &[Task]) -> Vec<Answer> {
    let mut generations: Vec<_> = tasks.iter().map(|task| task.begin(model)).collect();
    let mut memory = PassMemory::default();
    for pass in 0.. {
        assert!(pass < 100);
        let joined = generations.iter_mut().zip(tasks).filter(|(_, task)| task.joins <= pass);
        model.advance(&mut joined.map(|(generation, _)| generation).collect::<Vec<_>>(), &mut memory);
        if generations.iter().all(Generation::is_done) {
            break;
        }
    }
    generations.into_iter().map(|generation| model.finish(generation).unwrap()).collect()
}

#[test]
fn a_solver_on_one_path_and_a_verifier_on_another_agree() {
    let tasks = std::env::var("ASSAY_RANDOM_TASKS").map_or(TASKS, |text| text.parse().expect("a whole number"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/assay-kjv");
    let paths: Vec<Isa> = Kernels::available().map(Kernels::isa).collect();
    let models: HashMap<(Isa, usize), Model> = paths
        .iter()
        .flat_map(|isa| THREADS.map(|count| (*isa, count)))
        .map(|(isa, count)| {
            let threads = Arc::new(Threads::new(count, Some(isa)).unwrap());
            ((isa, count), Model::load(&folder, &threads).unwrap())
        })
        .collect();
    let words: Vec<&str> = SENTENCES.split_whitespace().collect();
    let mut choices = Choices(fixture::Numbers(7));
    let (mut done, mut tokens) = (0, 0);
    while done < tasks {
        let count = (1 + choices.below(TOGETHER)).min(tasks - done);
        let some: Vec<_> = (0..count).map(|_| Task::any(&mut choices, &words)).collect();
        let first = choices.below(paths.len());
        let other = (first + 1 + choices.below((paths.len() - 1).max(1))) % paths.len();
        let [solver, verifier] = [first, other].map(|path| (paths[path], choices.of(&THREADS)));
        for (index, (task, answer)) in some.iter().zip(solve(&models[&solver], &some)).enumerate() {
            let name = format!("task {}, solver {solver:?}, verifier {verifier:?}", done + index);
            let model = &models[&verifier];
            if choices.any() {
                let Task { prompt, parameters, seed, .. } = task;
                let (output, trace) = (&answer.output, Some(answer.trace));
                let claim = Claim { input: prompt, parameters, seed: *seed, output, trace };
                let report = verify(model, &claim, Depth::Replay).unwrap();
                assert!(report.correct && report.checked == answer.tokens, "{name}: {report:?}");
            } else {
                // As the worker verifies: it draws for itself, with the claim as a guess.
                let mut generation = task.begin(model);
                model.guess(&mut generation, &answer.output);
                let mut memory = PassMemory::default();
                while !generation.is_done() {
                    model.advance(&mut [&mut generation], &mut memory);
                }
                assert_eq!(model.finish(generation).unwrap(), answer, "{name}");
            }
            tokens += answer.tokens;
        }
        done += count;
    }
    println!("{done} tasks, {tokens} tokens drawn, solvers and verifiers on {paths:?}: no disagreement");
}
