//! Layers of four bits and of sixteen: the same bits on every path, with any threads, split and batch; and what is refused.

use super::{fixture, run, text};
use crate::{
    import::Artefact,
    llama::PREFILL,
    manifest::{Architecture, File, LayerWeights},
    verify::{verify, Claim, Depth},
    EngineError, Manifest, Model, PassMemory, Threads,
};
use assay_numerics::Kernels;
use assay_types::inference::TextParameters;
use std::{ops::ControlFlow, sync::Arc};

fn artefact() -> Artefact {
    fixture::artefact_w4(fixture::llama_folder(2).path())
}

#[test]
fn every_path_gives_the_same_answers_alone_together_and_replayed() {
    let prompts = ["w5 w6 w7".to_string(), "w9 ".repeat(PREFILL + 3), "w12".to_string()];
    let parameters = text(TextParameters { max_tokens: 12, temperature_milli: 1200, ..Default::default() });
    let mut reference: Option<Vec<crate::Answer>> = None;
    for kernels in Kernels::available() {
        for count in [1, 2, 5] {
            let threads = Arc::new(Threads::new(count, Some(kernels.isa())).unwrap());
            let model = artefact().load(&threads).unwrap();
            let seed = [3; 32];
            let alone: Vec<_> = prompts
                .iter()
                .map(|prompt| {
                    model.run(prompt.as_bytes(), &parameters, seed, &mut |_| ControlFlow::Continue(())).unwrap()
                })
                .collect();
            assert!(alone == *reference.get_or_insert_with(|| alone.clone()), "{} {count}", kernels.isa());
            let mut generations: Vec<_> =
                prompts.iter().map(|prompt| model.begin(prompt.as_bytes(), &parameters, seed).unwrap()).collect();
            let mut memory = PassMemory::default();
            while generations.iter().any(|generation| !generation.is_done()) {
                model.advance(&mut generations.iter_mut().collect::<Vec<_>>(), &mut memory);
            }
            for ((generation, answer), prompt) in generations.into_iter().zip(&alone).zip(&prompts) {
                assert_eq!(model.finish(generation).unwrap(), *answer);
                let claim = Claim {
                    input: prompt.as_bytes(),
                    parameters: &parameters,
                    seed,
                    output: &answer.output,
                    trace: Some(answer.trace),
                };
                assert!(verify(&model, &claim, Depth::Replay).unwrap().correct);
            }
        }
    }
    // Four bits are another model than eight.
    let other = run(&fixture::llama(2), &prompts[0], TextParameters { max_tokens: 12, ..Default::default() }, 3).0;
    assert_ne!(other.trace, reference.unwrap()[0].trace);
}

#[test]
fn only_layers_are_packed_and_the_manifest_says_so() {
    let (packed, usual) = (artefact(), fixture::artefact(fixture::llama_folder(2).path()));
    let says = |artefact: &Artefact| String::from_utf8(artefact.manifest.to_bytes()).unwrap().contains("layer_weights");
    assert!(says(&packed) && !says(&usual));
    assert_eq!(Manifest::from_bytes(&packed.manifest.to_bytes()).unwrap().layer_weights, LayerWeights::W4);
    let file = safetensors::SafeTensors::deserialize(&packed.weights).unwrap();
    let shape = |name: &str| file.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape("model.embed_tokens.weight"), [fixture::VOCABULARY, 48]);
    // Rows of 104 columns are two blocks of 64.
    assert_eq!(shape("model.layers.0.mlp.down_proj.weight"), [48, 64]);
    assert_eq!(shape("model.layers.0.mlp.down_proj.weight.multiplier"), [48, 4]);
    // What says the one and holds the other is refused.
    for (manifest, weights) in [(&usual.manifest, &packed.weights), (&packed.manifest, &usual.weights)] {
        let manifest = Manifest { weights: File::of(weights), ..manifest.clone() };
        let mixed = Artefact { manifest, weights: weights.clone(), tokenizer: packed.tokenizer.clone() };
        let error = mixed.load(&fixture::threads()).err().unwrap();
        assert!(matches!(error, EngineError::Tensor { .. }), "{error}");
    }
}

#[test]
fn packed_weights_out_of_range_are_refused() {
    for (name, byte) in [("", 0x08), ("", 0x80), (".multiplier", 64)] {
        let Artefact { manifest, mut weights, tokenizer } = artefact();
        let name = format!("model.layers.1.self_attn.q_proj.weight{name}");
        let file = safetensors::SafeTensors::deserialize(&weights).unwrap();
        let place = file.tensor(&name).unwrap().data().as_ptr() as usize - weights.as_ptr() as usize;
        weights[place] = byte;
        let error = Artefact { manifest, weights, tokenizer }.load(&fixture::threads()).err().unwrap();
        assert!(matches!(error, EngineError::Numerics(assay_numerics::Error::PackedWeight)), "{error}");
    }
}

#[test]
fn halves_out_of_range_are_refused() {
    let Artefact { manifest, mut weights, tokenizer } = fixture::artefact(fixture::bert_folder().path());
    let file = safetensors::SafeTensors::deserialize(&weights).unwrap();
    let tensor = file.tensor("encoder.layer.1.output.dense.weight").unwrap();
    assert_eq!(tensor.shape(), [fixture::BERT_WIDTH, 2 * 96]);
    let place = tensor.data().as_ptr() as usize - weights.as_ptr() as usize;
    weights[place] = 0x80;
    let error = Artefact { manifest, weights, tokenizer }.load(&fixture::threads()).err().unwrap();
    assert!(matches!(error, EngineError::Numerics(assay_numerics::Error::Weight)), "{error}");
}

#[test]
fn an_encoder_can_be_packed_too() {
    let artefact = fixture::artefact_w4(fixture::bert_folder().path());
    assert!(matches!(artefact.manifest.architecture, Architecture::Bert(_)));
    let embed = |model: &Model| {
        let parameters = codec::Encode::encode(&assay_types::inference::Parameters::Embedding);
        let answer = model.run(b"w3 w9 w40", &parameters, [0; 32], &mut |_| ControlFlow::Continue(())).unwrap();
        match codec::Decode::decode(&mut &answer.output[..]).unwrap() {
            assay_types::inference::Output::Embedding(output) => output.values(),
            assay_types::inference::Output::Text(_) => panic!("not a vector"),
        }
    };
    let packed = embed(&artefact.load(&fixture::threads()).unwrap());
    let cosine = super::oracle::cosine(&packed, &embed(&fixture::bert()));
    assert!((0.98..0.999_999).contains(&cosine), "{cosine}");
    // Encoders are stored in sixteen bits, unless they are asked for in another way.
    let coarse = fixture::artefact_of(fixture::bert_folder().path(), LayerWeights::W8);
    assert_eq!(fixture::bert().manifest().layer_weights, LayerWeights::W16);
    let cosine = super::oracle::cosine(&embed(&coarse.load(&fixture::threads()).unwrap()), &embed(&fixture::bert()));
    assert!((0.999..0.999_999).contains(&cosine), "{cosine}");
}
