//! Models of random weights at well-known shapes: for measuring speed, which does not depend on what weights mean.

use crate::{
    artefact::{specs, Tensors},
    import::Artefact,
    llama,
    manifest::{
        Activations, Architecture, Decimal, File, Kind, Llama, Manifest, TextRules, PROMPT_MARK, TOKENIZER_LIBRARY,
    },
    EngineError,
};
use assay_numerics::Matrix;
use serde_json::json;

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

/// A model of random weights: integers uniform in [-127, 127], scaled so that a product keeps the size of its rows.
/// The same for the same arguments. `step` is called with the tensors done and their number.
///
/// # Errors
/// None that a well-known shape gives.
pub fn artefact(shape: Shape, seed: u64, step: &mut dyn FnMut(usize, usize)) -> Result<Artefact, EngineError> {
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
                let values = (0..rows * columns).map(|_| uniform(&mut state)).collect();
                // The mean square of a uniform integer in [-127, 127] is 127 * 128 / 3.
                let scale = (3.0 / (127.0 * 128.0) / *columns as f64).sqrt() as f32;
                tensors.insert(spec.name.clone(), Matrix::new(*columns, values, vec![scale; *rows])?);
            }
            shape => tensors.add(spec, vec![1.0; shape.iter().product()])?,
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
        text: Some(TextRules { begin: Some(1), end: vec![2], template: PROMPT_MARK.into(), chat: None }),
        embedding: None,
        weights: File::of(&weights),
        tokenizer: File::of(&tokenizer),
        tokenizer_library: TOKENIZER_LIBRARY.into(),
        rope_table,
    };
    Ok(Artefact { manifest, weights, tokenizer })
}

/// splitmix64, seven bits of each number and the sign: 255 values.
fn uniform(state: &mut u64) -> i8 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((((z >> 32) * 255) >> 32) as i16 - 127) as i8
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
        let mut counts = [0u32; 256];
        for _ in 0..255_000 {
            counts[(i16::from(uniform(&mut state)) + 128) as usize] += 1;
        }
        assert_eq!(counts[0], 0);
        assert!(counts[1..].iter().all(|count| (800..1200).contains(count)));
    }

    #[test]
    fn the_small_shape_loads_and_runs() {
        let artefact = artefact(Shape::SmolLm2, 1, &mut |_, _| {}).unwrap();
        let cid = artefact.manifest.cid();
        let model = artefact.load(&crate::tests::fixture::threads()).unwrap();
        assert_eq!(model.cid(), cid);
        let logits = model.logits(&[1, 5, 9], 1).unwrap();
        assert_eq!(logits.len(), 49_152);
        assert!(logits.iter().any(|x| x.abs() > 0.1));
    }
}
