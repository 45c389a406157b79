//! Stop texts: where they end an answer, and that a verifier holds an answer to them.

use super::{fixture, run, text};
use crate::{
    verify::{verify, Claim, Depth, Fault},
    Model,
};
use assay_types::inference::{Finish, Output, TextOutput, TextParameters};
use codec::Encode;
use std::ops::ControlFlow;

const PROMPT: &str = "w5 w6 w7";
const SEED: u8 = 7;
const TOKENS: u32 = 20;

fn parameters(stop: &[&str]) -> TextParameters {
    let stop = stop.iter().map(|stop| stop.to_string()).collect();
    TextParameters { max_tokens: TOKENS, temperature_milli: 1200, stop, ..Default::default() }
}

/// The answer without stop texts, which is `TOKENS` long, and its text after each token.
fn free(model: &Model) -> (TextOutput, Vec<String>) {
    let output = run(model, PROMPT, parameters(&[]), SEED).1;
    assert_eq!((output.tokens.len(), output.finish), (TOKENS as usize, Finish::MaxTokens));
    let words: Vec<String> = output.tokens.iter().map(|id| format!("w{id}")).collect();
    let texts: Vec<String> = (1..=words.len()).map(|count| words[..count].join(" ")).collect();
    assert_eq!(texts.last(), Some(&output.text));
    (output, texts)
}

fn fault(model: &Model, parameters: &TextParameters, output: &TextOutput, depth: Depth) -> Option<Fault> {
    let claim = Claim {
        input: PROMPT.as_bytes(),
        parameters: &text(parameters.clone()),
        seed: [SEED; 32],
        output: &Output::Text(output.clone()).encode(),
        trace: None,
    };
    verify(model, &claim, depth).unwrap().fault
}

/// Every word, every pair of words and every joint of two: also such as more tokens than one make, such as begin inside
/// a token, and such as the last token completes.
#[test]
fn an_answer_ends_before_the_first_stop_text() {
    let model = fixture::llama(2);
    let (free, texts) = free(&model);
    let words: Vec<&str> = free.text.split(' ').collect();
    let mut stops: Vec<Vec<String>> = words.iter().map(|word| vec![word.to_string()]).collect();
    for pair in words.windows(2) {
        stops.push(vec![pair.join(" ")]);
        stops.push(vec![format!("{} {}", &pair[0][1..], &pair[1][..2])]);
        stops.push(vec!["nowhere".into(), pair[1].into(), pair.join(" ")]);
    }
    let screen = Depth::Screen { positions: 2, randomness: [1; 32] };
    for stop in stops {
        let parameters = TextParameters { stop: stop.clone(), ..parameters(&[]) };
        let output = run(&model, PROMPT, parameters.clone(), SEED).1;
        let found = |text: &String| stop.iter().filter_map(|stop| text.find(stop.as_str())).min();
        let count = texts.iter().position(|text| found(text).is_some()).unwrap() + 1;
        assert_eq!((output.tokens.as_slice(), output.finish), (&free.tokens[..count], Finish::Stop), "{stop:?}");
        assert_eq!(output.text, free.text[..found(&texts[count - 1]).unwrap()], "{stop:?}");
        for depth in [Depth::Replay, screen] {
            assert_eq!(fault(&model, &parameters, &output, depth), None, "{stop:?}");
            // The same answer is none to a task without stop texts, nor the whole one to a task with them.
            assert_eq!(
                fault(&model, &TextParameters { stop: vec![], ..parameters.clone() }, &output, depth),
                Some(Fault::End)
            );
            let whole = TextOutput { finish: Finish::MaxTokens, ..free.clone() };
            assert_eq!(fault(&model, &parameters, &whole, depth), Some(Fault::End));
        }
    }
}

#[test]
fn a_stop_text_that_never_comes_changes_nothing_but_the_parameters() {
    let model = fixture::llama(2);
    let (free, _) = free(&model);
    let parameters = parameters(&["nowhere", "w5w"]);
    let (answer, output) = run(&model, PROMPT, parameters.clone(), SEED);
    assert_eq!(output, free);
    assert_eq!(answer, run(&model, PROMPT, self::parameters(&[]), SEED).0);
    assert_eq!(fault(&model, &parameters, &free, Depth::Replay), None);
    let claimed = TextOutput { finish: Finish::Stop, ..free };
    assert_eq!(fault(&model, &parameters, &claimed, Depth::Replay), Some(Fault::End));
}

#[test]
fn each_way_to_end_wrongly_is_named() {
    let model = fixture::llama(2);
    let (free, texts) = free(&model);
    let word = format!("w{}", free.tokens[9]);
    let parameters = parameters(&[&word]);
    let right = run(&model, PROMPT, parameters.clone(), SEED).1;
    let wrong = |change: &dyn Fn(&mut TextOutput)| {
        let mut output = right.clone();
        change(&mut output);
        assert_ne!(output, right);
        fault(&model, &parameters, &output, Depth::Replay)
    };
    let count = right.tokens.len();
    assert_eq!(wrong(&|output| output.finish = Finish::MaxTokens), Some(Fault::End));
    assert_eq!(wrong(&|output| output.finish = Finish::EndOfSequence), Some(Fault::End));
    // One token more, one less, and the stop text left in or too much cut off.
    assert_eq!(wrong(&|output| output.tokens.push(free.tokens[count])), Some(Fault::End));
    assert_eq!(wrong(&|output| output.tokens.truncate(count - 1)), Some(Fault::End));
    assert_eq!(wrong(&|output| output.text.clone_from(&texts[count - 1])), Some(Fault::Text));
    assert_eq!(wrong(&|output| output.text.truncate(output.text.len() - 1)), Some(Fault::Text));
    // A stop text of one's own: the form is right, the token is not what the model draws.
    let own = TextOutput { text: String::new(), tokens: vec![free.tokens[9]], finish: Finish::Stop };
    assert_ne!(free.tokens[0], free.tokens[9], "the fixture's answer begins with another word");
    let drawn = Fault::Token { claimed: free.tokens[9], drawn: free.tokens[0] };
    assert_eq!(fault(&model, &parameters, &own, Depth::Screen { positions: 0, randomness: [0; 32] }), Some(drawn));
}

/// What is shown while an answer comes is never taken back.
#[test]
fn progress_holds_back_what_may_be_a_stop_text() {
    let model = fixture::llama(2);
    let (free, _) = free(&model);
    let pair = format!("w{} w{}", free.tokens[8], free.tokens[9]);
    for stop in [pair.as_str(), &pair[1..], "w", " w5 nowhere", "nowhere"] {
        let parameters = parameters(&[stop]);
        let answer = run(&model, PROMPT, parameters.clone(), SEED).1.text;
        let mut shown = String::new();
        let mut watch = |progress: &crate::Progress<'_>| {
            let text = progress.text();
            assert!(text.starts_with(&shown) && answer.starts_with(&text), "'{text}' after '{shown}'");
            shown = text;
            ControlFlow::Continue(())
        };
        model.run(PROMPT.as_bytes(), &text(parameters), [SEED; 32], &mut watch).unwrap();
        assert!(answer.len() - shown.len() <= stop.len(), "'{shown}' of '{answer}'");
    }
}
