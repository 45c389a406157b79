//! Replay and screen: right answers pass on every path, and each way of being wrong is named with its place.

use super::{fixture, text};
use crate::{
    verify::{screen, verify, Claim, Depth, Fault, Report},
    Model, Threads,
};
use assay_numerics::Kernels;
use assay_types::{
    inference::{EmbeddingOutput, Finish, Output, Parameters, TextOutput, TextParameters},
    TraceDigest,
};
use codec::{Decode, Encode};
use std::{ops::ControlFlow, sync::Arc};

const SEED: [u8; 32] = [7; 32];
const PROMPT: &[u8] = b"w5 w6 w7";

fn parameters(max_tokens: u32) -> Vec<u8> {
    text(TextParameters { max_tokens, temperature_milli: 1200, ..Default::default() })
}

fn check(model: &Model, parameters: &[u8], output: &[u8], trace: Option<TraceDigest>, depth: Depth) -> Report {
    verify(model, &Claim { input: PROMPT, parameters, seed: SEED, output, trace }, depth).unwrap()
}

fn replay(model: &Model, parameters: &[u8], output: &Output) -> Report {
    check(model, parameters, &output.encode(), None, Depth::Replay)
}

/// An answer of exactly 20 tokens.
fn answered() -> (Model, Vec<u8>, TextOutput, TraceDigest) {
    let model = fixture::llama(2);
    let parameters = parameters(20);
    let answer = model.run(PROMPT, &parameters, SEED, &mut |_| ControlFlow::Continue(())).unwrap();
    let Output::Text(output) = Output::decode(&mut &answer.output[..]).unwrap() else { panic!("not a text") };
    assert_eq!((output.tokens.len(), output.finish), (20, Finish::MaxTokens));
    (model, parameters, output, answer.trace)
}

/// The output with other tokens and the text that belongs to them.
fn retold(model: &Model, tokens: Vec<u32>, finish: Finish) -> Output {
    model.text_output(tokens, finish, &[]).unwrap()
}

#[test]
fn a_thousand_answers_of_every_path_are_right_on_every_other() {
    let models: Vec<(Kernels, Model)> = Kernels::available()
        .map(|kernels| {
            let threads = Arc::new(Threads::new(1, Some(kernels.isa())).unwrap());
            (kernels, fixture::artefact(fixture::llama_folder(1).path()).load(&threads).unwrap())
        })
        .collect();
    let mut numbers = fixture::Numbers(99);
    let mut below = |n: u32| ((numbers.next() + 0.5) * n as f32) as u32 % n;
    for task in 0..1000 {
        let prompt: Vec<String> = (0..1 + below(12)).map(|_| format!("w{}", 3 + below(60))).collect();
        let prompt = prompt.join(" ");
        let parameters = text(TextParameters {
            max_tokens: 1 + below(8),
            temperature_milli: below(4) * 700,
            top_k: below(3) * 20,
            top_p_milli: 700 + below(301),
            repetition_penalty_milli: 900 + below(400),
            stop: (0..below(3)).map(|_| format!("{} w{}", below(9), 1 + below(6))).collect(),
        });
        let seed = [below(256) as u8; 32];
        let solver = task % models.len();
        let other = 1 + (task / models.len()) % (models.len() - 1).max(1);
        let (solver, verifier) = (&models[solver], &models[(solver + other) % models.len()]);
        let answer = solver.1.run(prompt.as_bytes(), &parameters, seed, &mut |_| ControlFlow::Continue(())).unwrap();
        let claim = Claim {
            input: prompt.as_bytes(),
            parameters: &parameters,
            seed,
            output: &answer.output,
            trace: Some(answer.trace),
        };
        let report = verify(&verifier.1, &claim, Depth::Replay).unwrap();
        let names = (solver.0.isa(), verifier.0.isa());
        assert!(report.correct && report.checked == answer.tokens, "{names:?} disagree on {prompt}: {report:?}");
    }
}

#[test]
fn a_wrong_token_is_found_where_it_is() {
    let (model, parameters, output, trace) = answered();
    let right = check(&model, &parameters, &Output::Text(output.clone()).encode(), Some(trace), Depth::Replay);
    assert_eq!((right.correct, right.checked, right.positions), (true, 20, 20));
    for position in [0, 1, 10, 19] {
        let mut tokens = output.tokens.clone();
        let drawn = tokens[position];
        tokens[position] = 3 + (tokens[position] + 1) % 60;
        let claimed = tokens[position];
        let report = replay(&model, &parameters, &retold(&model, tokens, Finish::MaxTokens));
        assert_eq!(report.fault, Some(Fault::Token { claimed, drawn }));
        assert_eq!(report.position, Some(position));
    }
}

#[test]
fn another_seed_or_model_is_a_wrong_answer() {
    let (model, parameters, output, _) = answered();
    let encoded = Output::Text(output).encode();
    let claim = Claim { input: PROMPT, parameters: &parameters, seed: [8; 32], output: &encoded, trace: None };
    let stale = verify(&model, &claim, Depth::Replay).unwrap();
    assert!(matches!(stale.fault, Some(Fault::Token { .. })));
    let other = check(&fixture::llama(1), &parameters, &encoded, None, Depth::Replay);
    assert!(matches!(other.fault, Some(Fault::Token { .. })));
}

#[test]
fn each_fault_of_form_is_named() {
    let (model, parameters, output, _) = answered();
    let fault = |output: &Output| replay(&model, &parameters, output).fault;
    let with = |change: &dyn Fn(&mut TextOutput)| {
        let mut changed = output.clone();
        change(&mut changed);
        Output::Text(changed)
    };
    let none = with(&|output| *output = TextOutput { tokens: vec![], text: String::new(), finish: Finish::MaxTokens });
    assert_eq!(fault(&none), Some(Fault::Length { claimed: 0, most: 20 }));
    assert_eq!(fault(&with(&|output| output.tokens.push(9))), Some(Fault::Length { claimed: 21, most: 20 }));
    // Cut short, with either reason; an end before the end; an end that is not said; an end that is not there.
    let cut = output.tokens[..12].to_vec();
    assert_eq!(fault(&retold(&model, cut.clone(), Finish::MaxTokens)), Some(Fault::End));
    assert_eq!(fault(&retold(&model, cut.clone(), Finish::EndOfSequence)), Some(Fault::End));
    let mut ended = cut.clone();
    ended.push(fixture::END);
    assert_eq!(fault(&retold(&model, ended.clone(), Finish::MaxTokens)), Some(Fault::End));
    ended.push(9);
    assert_eq!(fault(&retold(&model, ended, Finish::EndOfSequence)), Some(Fault::End));
    assert_eq!(fault(&with(&|output| output.text.push('!'))), Some(Fault::Text));
    assert_eq!(fault(&with(&|output| output.tokens[3] = 64)), Some(Fault::Undecodable));
    assert_eq!(fault(&Output::Embedding(EmbeddingOutput { bits: vec![1] })), Some(Fault::Undecodable));
    let mut encoded = Output::Text(output.clone()).encode();
    encoded.push(0);
    let trailing = check(&model, &parameters, &encoded, None, Depth::Replay);
    assert_eq!(trailing.fault, Some(Fault::Undecodable));
}

/// The cheap cheat: a token of one's own choice, then the end that the model did not draw.
#[test]
fn an_answer_cut_by_an_invented_end_is_wrong_at_its_end_even_for_the_screen() {
    let (model, parameters, output, _) = answered();
    let mut tokens = output.tokens[..5].to_vec();
    tokens.push(fixture::END);
    let cut = retold(&model, tokens, Finish::EndOfSequence).encode();
    let depth = Depth::Screen { positions: 0, randomness: [1; 32] };
    for depth in [Depth::Replay, depth] {
        let report = check(&model, &parameters, &cut, None, depth);
        assert_eq!(report.fault, Some(Fault::Token { claimed: fixture::END, drawn: output.tokens[5] }));
        assert_eq!(report.position, Some(5));
    }
}

#[test]
fn a_wrong_trace_under_right_tokens_is_found_by_replay() {
    let (model, parameters, output, _) = answered();
    let report = check(&model, &parameters, &Output::Text(output).encode(), Some([1; 32].into()), Depth::Replay);
    assert_eq!((report.correct, report.fault), (false, Some(Fault::Trace)));
}

#[test]
fn the_screen_finds_what_it_draws_and_nothing_else() {
    let (model, parameters, output, _) = answered();
    let mut tokens = output.tokens.clone();
    tokens[4] = 3 + (tokens[4] + 1) % 60;
    // What follows is honest, given the wrong token: only position 4 can tell.
    let mut sequence = vec![fixture::BEGIN];
    sequence.extend(model.encode("w5 w6 w7", false).unwrap());
    let read = sequence.len();
    let sampling =
        crate::model::sampling(&TextParameters { max_tokens: 20, temperature_milli: 1200, ..Default::default() });
    let mut sampler = assay_numerics::Sampler::new(sampling).unwrap();
    for index in 5..20 {
        sequence.truncate(read);
        sequence.extend(&tokens[..index]);
        let logits = model.logits(&sequence, 1).unwrap();
        tokens[index] = sampler.sample(&logits, &sequence, &SEED, sequence.len() as u32).unwrap();
    }
    assert!(!tokens.contains(&fixture::END), "the fixture's honest continuation does not end early");
    let claim = retold(&model, tokens, Finish::MaxTokens).encode();
    for randomness in 0..30u8 {
        let drawn = screen(20, 3, &[randomness; 32]);
        assert!(drawn.contains(&19) && drawn.len() == 4);
        let depth = Depth::Screen { positions: 3, randomness: [randomness; 32] };
        let report = check(&model, &parameters, &claim, None, depth);
        assert_eq!(report.correct, !drawn.contains(&4), "{drawn:?}");
        if !report.correct {
            assert_eq!(report.position, Some(4));
        }
    }
    assert_eq!(check(&model, &parameters, &claim, None, Depth::Replay).position, Some(4));
}

#[test]
fn screens_draw_every_position_and_never_one_twice() {
    let mut counts = [0u32; 16];
    for i in 0..3000u32 {
        let mut randomness = [0; 32];
        randomness[..4].copy_from_slice(&i.to_le_bytes());
        let drawn = screen(16, 4, &randomness);
        assert_eq!(drawn.len(), 5);
        drawn.iter().for_each(|position| counts[*position] += 1);
    }
    assert_eq!(counts[15], 3000);
    assert!(counts[..15].iter().all(|count| (700..900).contains(count)), "{counts:?}");
    assert_eq!(screen(3, 100, &[0; 32]).len(), 3);
    assert!(screen(0, 5, &[0; 32]).is_empty());
}

#[test]
fn embeddings_are_compared_element_by_element() {
    let model = fixture::bert();
    let parameters = Parameters::Embedding.encode();
    let answer = model.run(PROMPT, &parameters, SEED, &mut |_| ControlFlow::Continue(())).unwrap();
    let right = check(&model, &parameters, &answer.output, Some(answer.trace), Depth::Replay);
    assert_eq!((right.correct, right.checked), (true, fixture::BERT_WIDTH));
    let Output::Embedding(mut vector) = Output::decode(&mut &answer.output[..]).unwrap() else {
        panic!("not a vector")
    };
    vector.bits[9] ^= 1;
    let wrong = replay(&model, &parameters, &Output::Embedding(vector.clone()));
    assert_eq!((wrong.fault, wrong.position), (Some(Fault::Vector), Some(9)));
    vector.bits.pop();
    let short = replay(&model, &parameters, &Output::Embedding(vector));
    assert!(matches!(short.fault, Some(Fault::Length { .. })));
    let trace = check(&model, &parameters, &answer.output, Some([0; 32].into()), Depth::Replay);
    assert_eq!(trace.fault, Some(Fault::Trace));
}
