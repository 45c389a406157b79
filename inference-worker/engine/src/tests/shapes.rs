//! Random decoders of every variant, on random paths, with random threads, chunks and batches, against the reference.
//!
//! Forty shapes in each run of the tests; `ASSAY_RANDOM_SHAPES` sets another number, as in the run that
//! docs/conformance.md reports.

use super::{
    fixture::{self, Choices},
    text,
};
use crate::{
    artefact::{specs, Tensors},
    llama::{rope_table, Part, PREFILL},
    manifest::{
        ActivationPrecision, Activations, Architecture, Decimal, File, Kind, LayerWeights, Llama, RopeScaling,
        TextRules, PROMPT_MARK, TOKENIZER_LIBRARY,
    },
    verify::{verify, Claim, Depth},
    Manifest, Model, PassMemory, Threads,
};
use assay_numerics::{matrix::Bytes, Isa, Kernels, PROFILE};
use assay_types::inference::TextParameters;
use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

const SHAPES: u32 = 40;
/// Numbers of threads that are tried.
const MOST_THREADS: usize = 16;
/// Positions of every model: more than are read together.
const CONTEXT: usize = 2 * PREFILL;

fn shape(choices: &mut Choices) -> Llama {
    // One in eight is large enough to be shared by threads even for one token.
    let large = choices.below(8) == 0;
    let kv_heads = 1 + choices.below(3);
    let heads = kv_heads * (1 + choices.below(3));
    let most = if large { 600 } else { 100 };
    Llama {
        vocab_size: fixture::VOCABULARY,
        hidden_size: 1 + choices.below(most),
        intermediate_size: 1 + choices.below(2 * most),
        layers: 1 + choices.below(2),
        heads,
        kv_heads,
        head_dim: 2 * (1 + choices.below(if large { 40 } else { 20 })),
        max_context: CONTEXT,
        norm_epsilon: Decimal::of(1e-5),
        rope_base: Decimal::of(10_000.0),
        attention_bias: choices.any(),
        output_bias: choices.of(&[None, Some(false), Some(true)]),
        qk_norm: choices.any(),
        sliding_window: choices.any().then(|| 1 + choices.below(CONTEXT)),
        rope_scaling: match choices.below(3) {
            0 => None,
            1 => Some(RopeScaling::Linear { factor: Decimal::of(2.5) }),
            _ => Some(RopeScaling::Llama3 {
                factor: Decimal::of(8.0),
                low_frequency_factor: Decimal::of(1.0),
                high_frequency_factor: Decimal::of(4.0),
                original_context: 64,
            }),
        },
        tied_head: choices.any(),
    }
}

/// The parts of a random model: manifest, weights and tokenizer.
fn parts(choices: &mut Choices) -> (Manifest, Bytes, Vec<u8>) {
    let llama = shape(choices);
    let rope_table = Some(File::of(&rope_table(&llama).unwrap().to_bytes()).cid);
    let architecture = Architecture::Llama(llama);
    let layer_weights = choices.of(&LayerWeights::ALL);
    let mut tensors = Tensors::default();
    for spec in specs(&architecture) {
        let mut values = choices.0.vector(spec.shape.iter().product());
        let norm = spec.shape.len() == 1 && spec.name.contains("norm");
        let size = (12.0 / *spec.shape.last().unwrap() as f32).sqrt();
        values.iter_mut().for_each(|x| *x = if norm { *x + 1.0 } else { *x * size });
        tensors.add(&spec, values, layer_weights).unwrap();
    }
    let weights = tensors.to_bytes().unwrap();
    let tokenizer = fixture::tokenizer(fixture::VOCABULARY, false);
    let mut precision = || choices.of(&[ActivationPrecision::A8, ActivationPrecision::A16]);
    let manifest = Manifest {
        profile: PROFILE.into(),
        name: "random".into(),
        source: String::new(),
        licence: "CC0-1.0".into(),
        kind: Kind::Text,
        architecture,
        activations: Activations {
            attention_input: precision(),
            attention_output: precision(),
            mlp_input: precision(),
            mlp_output: precision(),
            head: precision(),
        },
        layer_weights,
        text: Some(TextRules { begin: Some(1), end: vec![2], template: PROMPT_MARK.into(), chat: None }),
        embedding: None,
        weights: File::of(&weights),
        tokenizer: File::of(&tokenizer),
        tokenizer_library: TOKENIZER_LIBRARY.into(),
        rope_table,
    };
    (manifest, Arc::new(weights), tokenizer)
}

/// The logits of all of `tokens`, read in chunks of random sizes.
fn in_chunks(model: &Model, tokens: &[u32], choices: &mut Choices) -> Vec<f32> {
    let llama = &model.text().unwrap().llama;
    let (mut cache, mut buffers, mut rows) =
        (llama.cache(tokens.len() + choices.below(9)), Default::default(), Default::default());
    let (mut all, mut rest) = (Vec::new(), tokens);
    while !rest.is_empty() {
        let most = choices.of(&[1, 3, 17, PREFILL]).min(rest.len());
        let (chunk, others) = rest.split_at(1 + choices.below(most));
        let part = Part { cache: &mut cache, tokens: chunk };
        let mut logits = Vec::new();
        model.threads().enter(|| {
            let hidden = llama.read(model.threads(), &mut [part], &mut buffers).unwrap();
            llama.logits(model.threads(), hidden, &mut rows, &mut logits).unwrap();
        });
        all.extend(logits);
        rest = others;
    }
    all
}

#[test]
fn random_models_give_the_reference_s_bits_on_every_path() {
    let shapes = std::env::var("ASSAY_RANDOM_SHAPES").map_or(SHAPES, |text| text.parse().expect("a whole number"));
    let paths: Vec<Isa> = Kernels::available().map(Kernels::isa).collect();
    let reference = Arc::new(Threads::new(1, Some(Isa::Scalar)).unwrap());
    let mut pools: HashMap<(Isa, usize), Arc<Threads>> = HashMap::new();
    for case in 0..shapes {
        let mut choices = Choices(fixture::Numbers(u64::from(case) << 20));
        let (manifest, weights, tokenizer) = parts(&mut choices);
        let (isa, count) = (choices.of(&paths), 1 + choices.below(MOST_THREADS));
        let threads = pools.entry((isa, count)).or_insert_with(|| Arc::new(Threads::new(count, Some(isa)).unwrap()));
        let load = |threads: &Arc<Threads>| {
            Model::from_parts(manifest.clone(), weights.clone(), &tokenizer, threads.clone()).unwrap()
        };
        let (expected, found) = (load(&reference), load(threads));
        let name = format!("case {case}, {isa}, {count} threads, {:?}", manifest.architecture);

        // Tasks alone on the reference, together on the other; each joins at a pass of its own.
        let tasks: Vec<_> = (0..1 + choices.below(4))
            .map(|_| {
                let length = if choices.below(16) == 0 { PREFILL + 20 } else { 1 + choices.below(30) };
                let words: Vec<String> = (0..length).map(|_| format!("w{}", 3 + choices.below(60))).collect();
                let parameters = TextParameters {
                    max_tokens: 1 + choices.below(6) as u32,
                    temperature_milli: choices.of(&[0, 700, 1500]),
                    top_k: choices.of(&[0, 5, 40]),
                    top_p_milli: choices.of(&[500, 950, 1000]),
                    repetition_penalty_milli: choices.of(&[900, 1000, 1100]),
                    stop: (0..choices.below(3))
                        .map(|_| format!("{} w{}", choices.below(10), choices.below(7)))
                        .collect(),
                };
                (words.join(" ").into_bytes(), text(parameters), [choices.below(256) as u8; 32], choices.below(4))
            })
            .collect();
        let mut generations: Vec<_> =
            tasks.iter().map(|(prompt, parameters, seed, _)| found.begin(prompt, parameters, *seed).unwrap()).collect();
        let mut memory = PassMemory::default();
        for pass in 0.. {
            assert!(pass < 50, "{name}");
            let joined = generations.iter_mut().zip(&tasks).filter(|(_, task)| task.3 <= pass);
            found.advance(&mut joined.map(|(generation, _)| generation).collect::<Vec<_>>(), &mut memory);
            if generations.iter().all(|generation| generation.is_done()) {
                break;
            }
        }
        for (generation, (prompt, parameters, seed, _)) in generations.into_iter().zip(&tasks) {
            let alone = expected.run(prompt, parameters, *seed, &mut |_| ControlFlow::Continue(())).unwrap();
            assert_eq!(found.finish(generation).unwrap(), alone, "{name}");
            let claim =
                Claim { input: prompt, parameters, seed: *seed, output: &alone.output, trace: Some(alone.trace) };
            let report = verify(&found, &claim, Depth::Replay).unwrap();
            assert!(report.correct, "{name}: {report:?}");
        }

        let tokens: Vec<u32> = (0..1 + choices.below(40)).map(|_| choices.below(fixture::VOCABULARY) as u32).collect();
        let whole = expected.logits(&tokens, tokens.len()).unwrap();
        let chunks = in_chunks(&found, &tokens, &mut choices);
        assert!(whole.iter().map(|x| x.to_bits()).eq(chunks.iter().map(|x| x.to_bits())), "{name}, in chunks");
    }
}
