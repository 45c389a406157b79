//! The thread that runs models, with a real model: orders that come together, one that is stopped, one that fails.

use crate::common::artefact;
use assay_engine::{EngineError, Threads};
use assay_types::inference::{Output, Parameters, TextParameters};
use assay_worker::work::{
    models::{Answer, Local},
    runner::{Drawn, Order, Runner},
};
use codec::{DecodeAll, Encode};
use std::sync::{
    atomic::AtomicBool,
    mpsc::{self, Receiver},
    Arc,
};

fn order(
    local: &Arc<Local>,
    input: &[u8],
    max_tokens: u32,
    seed: u8,
    stopped: bool,
) -> (Order, Receiver<Result<Answer, EngineError>>) {
    let (sender, results) = mpsc::channel();
    let parameters = Parameters::Text(TextParameters { max_tokens, ..Default::default() }).encode();
    let order = Order {
        local: local.clone(),
        input: input.to_vec(),
        parameters,
        seed: [seed; 32],
        guess: None,
        stop: Arc::new(AtomicBool::new(stopped)),
        watch: None,
        done: Box::new(move |result| sender.send(result).unwrap()),
    };
    (order, results)
}

#[test]
fn orders_that_come_together_get_the_answers_they_get_alone() {
    let folder = tempfile::tempdir().unwrap();
    let threads = Arc::new(Threads::new(2, None).unwrap());
    let load = |seed| Arc::new(Local::load(&artefact(folder.path(), seed), &threads).unwrap());
    let locals = [load(1), load(2)];
    let runner = Runner::start().unwrap();
    let mut results = Vec::new();
    let mut before = None;
    for i in 0..20u8 {
        let local = &locals[usize::from(i % 2)];
        let (mut order, result) = order(local, format!("w{} w9", 3 + i).as_bytes(), 1 + u32::from(i), i, false);
        let alone = local.run(&order.input, &order.parameters, order.seed, &order.stop).unwrap();
        // A guess that is right, one that is the answer to the task before, or none.
        order.guess = [Some(alone.output.clone()), before, None][usize::from(i % 3)].take();
        before = Some(alone.output.clone());
        runner.run(order);
        results.push((alone, result));
    }
    let (refused, refusal) = order(&locals[0], &[0xff], 5, 0, false);
    runner.run(refused);
    let (stopped, stop) = order(&locals[0], b"w3", 60, 0, true);
    runner.run(stopped);
    // The runner may go: what it took is done.
    drop(runner);
    for (alone, result) in results {
        let answer = result.recv().unwrap().unwrap();
        assert_eq!((answer.output, answer.trace, answer.tokens), (alone.output, alone.trace, alone.tokens));
    }
    assert!(matches!(refusal.recv().unwrap(), Err(EngineError::InputNotText)));
    assert!(matches!(stop.recv().unwrap(), Err(EngineError::Stopped)));
}

#[test]
fn who_watches_a_run_is_told_its_tokens_as_they_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let threads = Arc::new(Threads::new(1, None).unwrap());
    let local = Arc::new(Local::load(&artefact(folder.path(), 3), &threads).unwrap());
    let (mut watched, result) = order(&local, b"w4 w5", 12, 1, false);
    let (sender, told) = mpsc::channel();
    watched.watch = Some(Box::new(move |drawn: &Drawn<'_>| {
        sender.send((drawn.tokens.to_vec(), (drawn.text)(), drawn.is_whole)).unwrap();
    }));
    let runner = Runner::start().unwrap();
    runner.run(watched);
    let answer = result.recv().unwrap().unwrap();
    let Output::Text(output) = Output::decode_all(&mut &answer.output[..]).unwrap() else { panic!("a text") };
    let told: Vec<_> = told.iter().collect();
    let (last, before) = told.split_last().unwrap();
    assert_eq!(last, &(output.tokens.clone(), output.text.clone(), true));
    assert!(before.len() + 1 >= output.tokens.len(), "after each token");
    for (tokens, text, is_whole) in before {
        assert!(output.tokens.starts_with(tokens) && output.text.starts_with(text) && !is_whole, "{text}");
    }
    // One that fails tells nothing.
    let (mut refused, refusal) = order(&local, &[0xff], 5, 0, false);
    refused.watch = Some(Box::new(|_: &Drawn<'_>| panic!("nothing was drawn")));
    runner.run(refused);
    assert!(refusal.recv().unwrap().is_err());
}
