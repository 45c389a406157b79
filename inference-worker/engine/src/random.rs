//! Models of random weights at well-known shapes: for measuring speed, which does not depend on what weights mean.

use crate::{
    artefact::{specs, Tensors},
    import::Artefact,
    llama,
    manifest::{
        Activations, Architecture, Decimal, File, Kind, LayerWeights, Llama, Manifest, TextRules, PROMPT_MARK,
        TOKENIZER_LIBRARY,
    },
    EngineError,
};
use assay_numerics::{matrix::GROUP, Format, Matrix};
use serde_json::json;
use std::sync::Arc;

/// Positions of every random model.
const CONTEXT: usize = 2048;

/// A well-known shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// SmolLM2-135M.
    SmolLm2,
    /// TinyLlama-1.1B.
    TinyLlama,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 2] = [Self::SmolLm2, Self::TinyLlama];

    /// Its name on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::SmolLm2 => "smollm2-135m",
            Self::TinyLlama => "tinyllama-1.1b",
        }
    }

    fn llama(self) -> Llama {
        let usual = Llama {
            vocab_size: 32_000,
            hidden_size: 2048,
            intermediate_size: 5632,
            layers: 22,
            heads: 32,
            kv_heads: 4,
            head_dim: 64,
            max_context: CONTEXT,
            norm_epsilon: Decimal::of(1e-5),
            rope_base: Decimal::of(10_000.0),
            attention_bias: false,
            output_bias: None,
            qk_norm: false,
            sliding_window: None,
            rope_scaling: None,
            tied_head: false,
        };
        match self {
            Self::TinyLlama => usual,
            Self::SmolLm2 => Llama {
                vocab_size: 49_152,
                hidden_size: 576,
                intermediate_size: 1536,
                layers: 30,
                heads: 9,
                kv_heads: 3,
                tied_head: true,
                ..usual
            },
        }
    }
}

/// A model of random weights: integers uniform in [-127, 127], or their pairs, or in [-7, 7] times multipliers uniform in
/// [32, 63], scaled so that a product keeps the size of its rows. The same for the same arguments. `step` is called with the
/// tensors done and their number.
///
/// # Errors
/// None that a well-known shape gives.
pub fn artefact(
    shape: Shape,
    layer_weights: LayerWeights,
    seed: u64,
    step: &mut dyn FnMut(usize, usize),
) -> Result<Artefact, EngineError> {
    let llama = shape.llama();
    let rope_table = Some(File::of(&llama::rope_table(&llama)?.to_bytes()).cid);
    let tokenizer = tokenizer(llama.vocab_size).to_string().into_bytes();
    let architecture = Architecture::Llama(llama);
    let specs = specs(&architecture);
    let mut tensors = Tensors::default();
    let mut state = seed;
    for (done, spec) in specs.iter().enumerate() {
        match spec.shape.as_slice() {
            [rows, columns] => {
                // The mean square of a uniform integer in [-n, n] is n * (n + 1) / 3.
                let scale = |square: f64| vec![(1.0 / square / *columns as f64).sqrt() as f32; *rows];
                let matrix = match spec.format(layer_weights) {
                    Format::W16 => {
                        let size = 2 * rows * columns;
                        let halves: Vec<u8> = (0..size).map(|_| uniform(&mut state, 255) as u8).collect();
                        let scale = scale((255.0 * 255.0 + 1.0) * 127.0 * 128.0 / 3.0);
                        Matrix::shared_w16(*columns, Arc::new(halves), 0..size, scale)?
                    }
                    Format::W8 => {
                        let values = (0..rows * columns).map(|_| uniform(&mut state, 255) as i8).collect();
                        Matrix::new(*columns, values, scale(127.0 * 128.0 / 3.0))?
                    }
                    Format::W4 => {
                        // Rows of whole blocks: the columns of every shape are.
                        let mut bytes: Vec<u8> =
                            (0..rows * columns / 2).map(|_| nibble(&mut state) | nibble(&mut state) << 4).collect();
                        let nibbles = 0..bytes.len();
                        bytes.extend((0..rows * columns / GROUP).map(|_| (48 + uniform(&mut state, 32)) as u8));
                        let multipliers = nibbles.end..bytes.len();
                        // The mean of the multipliers' squares is 47.5^2 + (32^2 - 1) / 12.
                        let scale = scale(7.0 * 8.0 / 3.0 * 2_341.5);
                        Matrix::shared_w4(*columns, Arc::new(bytes), nibbles, multipliers, scale)?
                    }
                };
                tensors.insert(spec.name.clone(), matrix);
            }
            shape => tensors.add(spec, vec![1.0; shape.iter().product()], layer_weights)?,
        }
        step(done + 1, specs.len());
    }
    let weights = tensors.to_bytes()?;
    let manifest = Manifest {
        profile: assay_numerics::PROFILE.into(),
        name: format!("random-{}", shape.name()),
        source: format!("random weights, seed {seed}"),
        licence: "CC0-1.0".into(),
        kind: Kind::Text,
        architecture,
        activations: Activations::MIXED,
        layer_weights,
        text: Some(TextRules { begin: Some(1), end: vec![2], template: PROMPT_MARK.into(), chat: None }),
        embedding: None,
        weights: File::of(&weights),
        tokenizer: File::of(&tokenizer),
        tokenizer_library: TOKENIZER_LIBRARY.into(),
        rope_table,
    };
    Ok(Artefact { manifest, weights, tokenizer })
}

/// `count` integers around 0, each as likely, from the upper half of splitmix64's numbers.
fn uniform(state: &mut u64, count: u64) -> i16 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (((z >> 32) * count) >> 32) as i16 - (count / 2) as i16
}

/// A weight of four bits, plus 8.
fn nibble(state: &mut u64) -> u8 {
    (8 + uniform(state, 15)) as u8
}

/// A word for every embedding.
fn tokenizer(words: usize) -> serde_json::Value {
    let vocabulary: serde_json::Map<_, _> = (0..words).map(|id| (format!("w{id}"), json!(id))).collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "w0"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_cover_their_range_evenly() {
        let mut state = 7;
        assert!((0..1000).map(|_| nibble(&mut state)).all(|nibble| (1..=15).contains(&nibble)));
        assert!((0..1000).map(|_| 48 + uniform(&mut state, 32)).all(|multiplier| (32..=63).contains(&multiplier)));
        let mut counts = [0u32; 256];
        for _ in 0..255_000 {
            counts[(uniform(&mut state, 255) + 128) as usize] += 1;
        }
        assert_eq!(counts[0], 0);
        assert!(counts[1..].iter().all(|count| (800..1200).contains(count)));
    }

    #[test]
    fn the_small_shape_loads_and_runs() {
        for layer_weights in LayerWeights::ALL {
            let artefact = artefact(Shape::SmolLm2, layer_weights, 1, &mut |_, _| {}).unwrap();
            let cid = artefact.manifest.cid();
            let model = artefact.load(&crate::tests::fixture::threads()).unwrap();
            assert_eq!(model.cid(), cid);
            let logits = model.logits(&[1, 5, 9], 1).unwrap();
            assert_eq!(logits.len(), 49_152);
            let size = (logits.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / logits.len() as f64).sqrt();
            assert!((0.5..2.0).contains(&size), "{layer_weights:?}: {size}");
        }
    }
}
