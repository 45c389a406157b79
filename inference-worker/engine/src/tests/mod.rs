//! Conformance: golden hashes, decode against prefill, refusals, and a float model as the oracle.

mod agreement;
mod batches;
mod families;
pub(crate) mod fixture;
mod golden;
mod oracle;
mod packed;
mod refusals;
mod shapes;
mod stops;
mod verification;

use crate::{llama::PREFILL, *};
use assay_types::inference::{Finish, Output, Parameters, TextOutput, TextParameters};
use codec::{Decode, Encode};
use std::ops::ControlFlow;

pub(crate) fn text(parameters: TextParameters) -> Vec<u8> {
    Parameters::Text(parameters).encode()
}

fn run(model: &Model, prompt: &str, parameters: TextParameters, seed: u8) -> (Answer, TextOutput) {
    let answer =
        model.run(prompt.as_bytes(), &text(parameters), [seed; 32], &mut |_| ControlFlow::Continue(())).unwrap();
    let Output::Text(output) = Output::decode(&mut &answer.output[..]).unwrap() else { panic!("not a text") };
    (answer, output)
}

#[test]
fn a_run_is_a_function_of_its_arguments() {
    let model = fixture::llama(2);
    let parameters = TextParameters { max_tokens: 12, temperature_milli: 1500, ..Default::default() };
    let (first, output) = run(&model, "w1 w2 w3", parameters.clone(), 1);
    assert_eq!(run(&fixture::llama(2), "w1 w2 w3", parameters.clone(), 1).0, first);
    assert_ne!(run(&model, "w1 w2 w3", parameters.clone(), 2).0.output, first.output);
    assert_ne!(run(&model, "w1 w2 w4", parameters, 1).0.trace, first.trace);
    assert_eq!(output.tokens.len(), first.tokens);
    match output.finish {
        Finish::MaxTokens => assert_eq!(output.tokens.len(), 12),
        Finish::EndOfSequence => assert_eq!(output.tokens.last(), Some(&fixture::END)),
        Finish::Stop => panic!("no stop text was given"),
    }
}

#[test]
fn the_end_of_sequence_ends_an_answer_and_stays_out_of_its_text() {
    let model = fixture::llama(1);
    let ended = (0..200)
        .map(|seed| {
            let parameters = TextParameters {
                max_tokens: 40,
                temperature_milli: 10_000,
                top_k: 0,
                top_p_milli: 1000,
                repetition_penalty_milli: 1000,
                stop: vec![],
            };
            run(&model, "w5", parameters, seed).1
        })
        .find(|output| output.finish == Finish::EndOfSequence)
        .expect("in 200 hot runs over a vocabulary of 64 the end is drawn");
    let (last, before) = ended.tokens.split_last().unwrap();
    assert_eq!(*last, fixture::END);
    assert!(!before.contains(&fixture::END));
    assert_eq!(ended.text.split_whitespace().count(), before.iter().filter(|id| **id > fixture::END).count());
}

#[test]
fn progress_counts_tokens_and_can_stop_a_run() {
    let model = fixture::llama(1);
    let parameters = text(TextParameters { max_tokens: 5, temperature_milli: 0, ..Default::default() });
    let mut calls = Vec::new();
    let _ = model.run(b"w1", &parameters, [0; 32], &mut |progress| {
        calls.push((progress.done, progress.most, progress.text().len()));
        ControlFlow::Continue(())
    });
    assert_eq!(calls.first(), Some(&(0, 5, 0)));
    assert!(calls.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0 && pair[0].2 <= pair[1].2));
    let stopped = model.run(b"w1", &parameters, [0; 32], &mut |progress| {
        if progress.done == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(stopped, Err(EngineError::Stopped)));
}

/// One row at a time, all at once, and in chunks of every size give the same bits.
#[test]
fn decode_equals_prefill_in_any_chunks() {
    let llama = fixture::llama_network(3);
    let tokens: Vec<u32> = (0..150).map(|i| (i * 7 + 3) % fixture::VOCABULARY as u32).collect();
    let whole = fixture::read(&llama, &mut llama.cache(tokens.len()), &tokens);
    for size in [1, 2, 3, 16, 17, PREFILL, 100] {
        // A cache with room to spare must not change anything either.
        let mut cache = llama.cache(tokens.len() + size);
        let mut rows = Vec::new();
        for chunk in tokens.chunks(size) {
            rows.extend(fixture::read(&llama, &mut cache, chunk));
        }
        assert!(rows.iter().zip(&whole).all(|(a, b)| a.to_bits() == b.to_bits()), "chunks of {size}");
    }
    // What comes later changes nothing before it.
    let some = fixture::read(&llama, &mut llama.cache(70), &tokens[..70]);
    assert_eq!(some[..], whole[..some.len()]);
}

/// A verifier's view: the whole sequence in one pass gives the logits that the run hashed, and the sampler draws the
/// same tokens from them.
#[test]
fn one_teacher_forced_pass_replays_a_run() {
    let model = fixture::llama(2);
    let llama = fixture::llama_network(2);
    let parameters = TextParameters { max_tokens: 20, temperature_milli: 900, ..Default::default() };
    let (answer, output) = run(&model, "w1 w2 w3 w9", parameters.clone(), 3);
    let mut sequence = vec![fixture::BEGIN];
    sequence.extend(model.encode("w1 w2 w3 w9", false).unwrap());
    let read = sequence.len();
    sequence.extend(&output.tokens);
    let rows = fixture::read(&llama, &mut llama.cache(sequence.len()), &sequence);
    let mut sampler = assay_numerics::Sampler::new(assay_numerics::Sampling {
        temperature_milli: parameters.temperature_milli,
        top_k: parameters.top_k,
        top_p_milli: parameters.top_p_milli,
        repetition_penalty_milli: parameters.repetition_penalty_milli,
    })
    .unwrap();
    let mut trace = assay_numerics::Trace::new();
    for (i, token) in output.tokens.iter().enumerate() {
        let position = read + i;
        let logits = fixture::logits(&llama, &rows[(position - 1) * llama.width()..position * llama.width()]);
        trace.row(&logits);
        assert_eq!(sampler.sample(&logits, &sequence[..position], &[3; 32], position as u32), Ok(*token));
    }
    assert_eq!(answer.trace.as_bytes(), trace.finish());
}

#[test]
fn an_embedding_is_a_unit_vector_and_long_texts_are_cut() {
    let model = fixture::bert();
    let embed = |text: &str| {
        let answer = model
            .run(text.as_bytes(), &Parameters::Embedding.encode(), [0; 32], &mut |_| ControlFlow::Continue(()))
            .unwrap();
        let Output::Embedding(output) = Output::decode(&mut &answer.output[..]).unwrap() else { panic!() };
        (answer, output.values())
    };
    let (answer, vector) = embed("w1 w2 w3");
    assert_eq!((answer.tokens, vector.len()), (5, fixture::BERT_WIDTH));
    let length: f64 = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    assert!((length - 1.0).abs() < 1e-6);
    assert_eq!(embed("").0.tokens, 2);
    let long = "w1 w2 ".repeat(50);
    assert_eq!(embed(&long).0.tokens, fixture::BERT_TOKENS);
    assert_eq!(embed(&long).0, embed(&format!("{long} w9")).0);
}

#[test]
fn a_model_serves_many_threads() {
    let model = fixture::llama(2);
    let parameters = TextParameters { max_tokens: 10, ..Default::default() };
    let alone = run(&model, "w1 w2", parameters.clone(), 9).0;
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| run(&model, "w1 w2", parameters.clone(), 9).0)).collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), alone);
        }
    });
}
