//! Several tasks in one pass: what is computed beside a task, or before it in the same memory, changes nothing.

use super::{fixture, text};
use crate::{llama::PREFILL, Answer, EngineError, Model, PassMemory};
use assay_types::inference::{Output, TextParameters};
use codec::{DecodeAll, Encode};
use proptest::prelude::*;
use std::ops::ControlFlow;

fn alone(model: &Model, prompt: &str, parameters: &[u8], seed: u8) -> Result<Answer, EngineError> {
    model.run(prompt.as_bytes(), parameters, [seed; 32], &mut |_| ControlFlow::Continue(()))
}

/// A task: words of the prompt, tokens to generate, temperature, stop texts, seed, and the pass at which it joins.
fn task() -> impl Strategy<Value = (Vec<u32>, u32, u32, Vec<String>, u8, usize)> {
    let stops = proptest::collection::vec("[0-9] w[1-6]", 0..4);
    (proptest::collection::vec(3u32..60, 1..40), 1u32..12, 0u32..3000, stops, any::<u8>(), 0usize..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn tasks_that_share_passes_get_the_answers_they_get_alone(tasks in proptest::collection::vec(task(), 1..9)) {
        let model = fixture::llama(2);
        let mut memory = PassMemory::default();
        let tasks: Vec<_> = tasks
            .into_iter()
            .map(|(words, max_tokens, temperature_milli, stop, seed, joins)| {
                let prompt: Vec<String> = words.iter().map(|word| format!("w{word}")).collect();
                let parameters = TextParameters { max_tokens, temperature_milli, stop, ..Default::default() };
                (prompt.join(" "), text(parameters), seed, joins)
            })
            .collect();
        let mut generations: Vec<_> = tasks
            .iter()
            .map(|(prompt, parameters, seed, _)| model.begin(prompt.as_bytes(), parameters, [*seed; 32]).unwrap())
            .collect();
        let mut pass = 0;
        while generations.iter().any(|generation| !generation.is_done()) {
            let mut joined: Vec<_> = generations
                .iter_mut()
                .zip(&tasks)
                .filter(|(_, (_, _, _, joins))| *joins <= pass)
                .map(|(generation, _)| generation)
                .collect();
            model.advance(&mut joined, &mut memory);
            pass += 1;
            prop_assert!(pass < 100);
        }
        for (generation, (prompt, parameters, seed, _)) in generations.into_iter().zip(&tasks) {
            prop_assert_eq!(model.finish(generation).unwrap(), alone(&model, prompt, parameters, *seed).unwrap());
        }
    }
}

#[test]
fn prompts_longer_than_a_pass_are_read_while_others_go_on() {
    let model = fixture::llama(1);
    let parameters = text(TextParameters { max_tokens: 6, ..Default::default() });
    let long = "w7 ".repeat(PREFILL + 40);
    let prompts = [long.as_str(), "w3 w4", long.as_str()];
    let mut generations: Vec<_> =
        prompts.iter().map(|prompt| model.begin(prompt.as_bytes(), &parameters, [5; 32]).unwrap()).collect();
    let mut memory = PassMemory::default();
    model.advance(&mut generations.iter_mut().collect::<Vec<_>>(), &mut memory);
    let counts: Vec<_> = generations.iter().map(|generation| (generation.read(), generation.generated())).collect();
    // The short prompt has its token at once; the first long one takes what room there is; everybody reads something.
    assert_eq!(counts[1], (3, 1));
    assert!(counts[0].0 > counts[2].0 && counts[2].0 >= 1);
    assert_eq!(counts.iter().map(|(read, _)| read).sum::<usize>(), PREFILL);
    while generations.iter().any(|generation| !generation.is_done()) {
        model.advance(&mut generations.iter_mut().collect::<Vec<_>>(), &mut memory);
    }
    for (generation, prompt) in generations.into_iter().zip(prompts) {
        assert_eq!(model.finish(generation).unwrap(), alone(&model, prompt, &parameters, 5).unwrap());
    }
}

#[test]
fn what_fails_fails_alone() {
    // The embedding of w63 is so large that the square of its row is infinite.
    let model = fixture::llama_with(1, |name, values| {
        if name == "model.embed_tokens.weight" {
            values[63 * 48..].iter_mut().for_each(|x| *x *= 1e20);
        }
    });
    let parameters = text(TextParameters { max_tokens: 3, temperature_milli: 0, ..Default::default() });
    let healthy = (3..60)
        .map(|word| format!("w{word}"))
        .find(|prompt| alone(&model, prompt, &parameters, 0).is_ok())
        .expect("a prompt whose answer is not w63");
    let prompts = [healthy.as_str(), "w4 w63", healthy.as_str()];
    let mut generations: Vec<_> =
        prompts.iter().map(|prompt| model.begin(prompt.as_bytes(), &parameters, [0; 32]).unwrap()).collect();
    let mut memory = PassMemory::default();
    while generations.iter().any(|generation| !generation.is_done()) {
        model.advance(&mut generations.iter_mut().collect::<Vec<_>>(), &mut memory);
    }
    let mut results = generations.into_iter().map(|generation| model.finish(generation));
    let expected = alone(&model, &healthy, &parameters, 0).unwrap();
    assert_eq!(results.next().unwrap().unwrap(), expected);
    let failure = results.next().unwrap().unwrap_err();
    assert!(matches!(failure, EngineError::Numerics(assay_numerics::Error::NotFinite(_))), "{failure}");
    assert_eq!(results.next().unwrap().unwrap(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_guess_changes_an_answer(
        tasks in proptest::collection::vec(task(), 1..5),
        wrong in proptest::collection::vec((any::<prop::sample::Index>(), prop::sample::select(vec![3, 17, 63, 64, 1_000, u32::MAX])), 0..3),
        longer in proptest::collection::vec(0u32..64, 0..3),
        shorter in proptest::option::of(any::<prop::sample::Index>()),
        begun in 0usize..3,
    ) {
        // The embedding of w63 is so large that reading it is an error.
        let model = fixture::llama_with(2, |name, values| {
            if name == "model.embed_tokens.weight" {
                values[63 * 48..].iter_mut().for_each(|x| *x *= 1e20);
            }
        });
        let mut memory = PassMemory::default();
        let mut generations = Vec::new();
        let mut expected = Vec::new();
        for (words, max_tokens, temperature_milli, stop, seed, _) in tasks {
            let prompt: Vec<String> = words.iter().map(|word| format!("w{word}")).collect();
            let parameters = text(TextParameters { max_tokens, temperature_milli, stop, ..Default::default() });
            let prompt = prompt.join(" ");
            let Ok(right) = alone(&model, &prompt, &parameters, seed) else { continue };
            let Ok(Output::Text(mut guess)) = Output::decode_all(&mut &right.output[..]) else { panic!("no text") };
            for (at, token) in &wrong {
                let at = at.index(guess.tokens.len());
                guess.tokens[at] = *token;
            }
            guess.tokens.extend(&longer);
            if let Some(length) = &shorter {
                guess.tokens.truncate(length.index(guess.tokens.len() + 1));
            }
            let mut generation = model.begin(prompt.as_bytes(), &parameters, [seed; 32]).unwrap();
            for _ in 0..begun {
                model.advance(&mut [&mut generation], &mut memory);
            }
            model.guess(&mut generation, &Output::Text(guess).encode());
            generations.push(generation);
            expected.push(right);
        }
        for _ in 0..100 {
            model.advance(&mut generations.iter_mut().collect::<Vec<_>>(), &mut memory);
        }
        for (generation, right) in generations.into_iter().zip(expected) {
            prop_assert_eq!(model.finish(generation).unwrap(), right);
        }
    }
}

#[test]
fn a_right_guess_takes_one_pass_and_a_wrong_one_costs_what_comes_after_it() {
    let model = fixture::llama(2);
    let parameters = text(TextParameters { max_tokens: 40, temperature_milli: 0, ..Default::default() });
    let prompt = (3..60)
        .map(|word| format!("w{word}"))
        .find(|prompt| alone(&model, prompt, &parameters, 0).is_ok_and(|answer| answer.tokens == 40))
        .expect("a prompt with a long answer");
    let right = alone(&model, &prompt, &parameters, 0).unwrap();
    let Ok(Output::Text(output)) = Output::decode_all(&mut &right.output[..]) else { panic!("no text") };
    let passes = |change: &dyn Fn(&mut Vec<u32>)| {
        let mut guess = output.clone();
        change(&mut guess.tokens);
        let mut generation = model.begin(prompt.as_bytes(), &parameters, [0; 32]).unwrap();
        model.guess(&mut generation, &Output::Text(guess).encode());
        let mut passes = 0;
        while !generation.is_done() {
            model.advance(&mut [&mut generation], &mut PassMemory::default());
            passes += 1;
        }
        assert_eq!(model.finish(generation).unwrap(), right);
        passes
    };
    assert_eq!(passes(&|_| {}), 1);
    assert_eq!(passes(&|tokens| tokens[29] ^= 1), 1 + 10);
    assert_eq!(passes(&|tokens| tokens.truncate(30)), 1 + 10);
    assert_eq!(passes(&|tokens| tokens.clear()), 40);
}

#[test]
fn what_fails_after_the_last_layer_fails_too() {
    // The squares of what the last layer gives are infinite, which the norm after it finds.
    let model = fixture::llama_with(1, |name, values| {
        if name.ends_with("mlp.down_proj.weight") {
            values.iter_mut().for_each(|x| *x *= 1e20);
        }
    });
    let parameters = text(TextParameters { max_tokens: 3, temperature_milli: 0, ..Default::default() });
    let mut generations = [b"w3", b"w4"].map(|prompt| model.begin(prompt, &parameters, [0; 32]).unwrap());
    model.advance(&mut generations.iter_mut().collect::<Vec<_>>(), &mut PassMemory::default());
    for generation in generations {
        assert!(matches!(model.finish(generation), Err(EngineError::Numerics(assay_numerics::Error::NotFinite(_)))));
    }
}

#[test]
fn an_unfinished_generation_has_no_answer() {
    let model = fixture::llama(1);
    let parameters = text(TextParameters { max_tokens: 3, ..Default::default() });
    let generation = model.begin(b"w3", &parameters, [0; 32]).unwrap();
    assert!(matches!(model.finish(generation), Err(EngineError::Stopped)));
}
