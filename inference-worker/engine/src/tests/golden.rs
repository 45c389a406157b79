//! The golden file: hashes that every implementation of the profile must reproduce.
//!
//! Inputs come from `fixture::Numbers`, each from the state named here; hashes are blake2b-256 over little-endian bytes.

use super::{fixture, run};
use assay_numerics::{
    attention, functions, half, norm, reduce, rope, sampler, Columns, ColumnsMut, Kernels, Matrix, Precision, Rows,
    Trace, PROFILE,
};
use assay_types::inference::{Parameters, TextParameters};
use blake2::{digest::consts::U32, Blake2b, Digest};
use codec::Encode;
use fixture::Numbers;
use serde_json::{json, Map, Value};
use std::ops::ControlFlow;

const GOLDEN: &str = include_str!("../../../../primitives/numerics/golden.json");

fn hash(bytes: &[u8]) -> Value {
    hex::encode(Blake2b::<U32>::digest(bytes)).into()
}

fn floats(values: &[f32]) -> Value {
    let mut trace = Trace::new();
    trace.row(values);
    hex::encode(trace.finish()).into()
}

fn scaled(state: u64, length: usize, factor: f32) -> Vec<f32> {
    Numbers(state).vector(length).into_iter().map(|x| x * factor).collect()
}

fn operations() -> Map<String, Value> {
    let x = scaled(1, 600, 8.0);
    let matrix = Matrix::quantise(600, &Numbers(2).vector(40 * 600)).unwrap();
    let mut ops = Map::new();
    let mut add = |name: &str, value: Value| ops.insert(name.into(), value);
    let kernels = Kernels::best();
    let integers = |rows: &Rows| -> Vec<u8> {
        let values = rows.values(0).flat_map(|q| (q as i16).to_le_bytes());
        values.chain(rows.scales().iter().flat_map(|scale| scale.to_le_bytes())).collect()
    };
    let bytes: Vec<u8> = matrix.values().iter().map(|q| *q as u8).collect();
    add("weights_w8", hash(&bytes));
    add("weights_w8_scales", floats(matrix.scales()));
    for (name, precision) in [("a8", Precision::A8), ("a16", Precision::A16)] {
        let row = Rows::quantise(kernels, &x, 600, precision).unwrap();
        add(&format!("quantise_{name}"), hash(&integers(&row)));
        let mut out = vec![0.0; 40];
        let bias = Numbers(3).vector(40);
        matrix.multiply(kernels, &row, Some(&bias), 0, ColumnsMut::new(&mut out, 40)).unwrap();
        add(&format!("product_{name}"), floats(&out));
    }
    add("sum", floats(&[reduce::sum(&x)]));
    add("dot", floats(&[reduce::dot(&x, &Numbers(4).vector(600))]));
    let mut out = vec![0.0; 600];
    norm::rms(kernels, &x, &Numbers(5).vector(600), 1e-5, &mut out).unwrap();
    add("rms_norm", floats(&out));
    norm::layer(kernels, &x, &Numbers(5).vector(600), &Numbers(6).vector(600), 1e-12, &mut out).unwrap();
    add("layer_norm", floats(&out));
    norm::unit(&mut out).unwrap();
    add("unit", floats(&out));
    let map =
        |f: fn(f32) -> f32, factor: f32| floats(&scaled(7, 10_000, factor).into_iter().map(f).collect::<Vec<_>>());
    add("exp", map(functions::exp, 200.0));
    add("silu", map(functions::silu, 40.0));
    add("erf", map(functions::erf, 10.0));
    add("gelu", map(functions::gelu, 20.0));
    let halves: Vec<u8> =
        scaled(8, 10_000, 1000.0).iter().flat_map(|x| half::to_bits(*x).unwrap().to_le_bytes()).collect();
    add("half", hash(&halves));
    let table = rope::Table::new(256, 64, 10_000.0, &rope::Scaling::None);
    add("rope_table", hash(&table.to_bytes()));
    let mut head = scaled(9, 64, 4.0);
    assert!(table.rotate(200, &mut head));
    add("rope", floats(&head));
    let rounded =
        |state| -> Vec<u16> { scaled(state, 150 * 32, 6.0).iter().map(|x| half::to_bits(*x).unwrap()).collect() };
    let query = scaled(10, 32, 6.0);
    let heads = attention::Heads {
        queries: Columns::new(&query, 32, 0, 32).unwrap(),
        dim: 32,
        keys: &rounded(11),
        values: &rounded(12),
        scale: attention::scale(32),
        mask: attention::Mask::Full,
    };
    let mut out = vec![0.0; 32];
    let mut scratch = attention::Scratch::default();
    attention::attend(kernels, &heads, &mut scratch, ColumnsMut::new(&mut out, 32)).unwrap();
    add("attention", floats(&out));
    let powers: Vec<u8> = (0..2_200_000).step_by(7).flat_map(|t| sampler::exp2(t).to_le_bytes()).collect();
    add("exp2", hash(&powers));
    let randoms: Vec<u8> = (0..100).flat_map(|position| sampler::random(&[42; 32], position).to_le_bytes()).collect();
    add("random", hash(&randoms));
    let sampling = assay_numerics::Sampling {
        temperature_milli: 700,
        top_k: 40,
        top_p_milli: 950,
        repetition_penalty_milli: 1_100,
    };
    let mut drawing = assay_numerics::Sampler::new(sampling).unwrap();
    let logits = scaled(13, 500, 10.0);
    let drawn: Vec<u8> =
        (0..500).flat_map(|p| drawing.sample(&logits, &[1, 2, 3, 200], &[42; 32], p).unwrap().to_le_bytes()).collect();
    add("sample", hash(&drawn));
    ops
}

fn models() -> Value {
    let tokens: Vec<u32> = (0..70).map(|i| (i * 7 + 3) % fixture::VOCABULARY as u32).collect();
    let mut layers = Vec::new();
    let mut logits = Vec::new();
    for count in 1..=3 {
        let network = fixture::llama_network(count);
        let rows = fixture::read(&network, &mut network.cache(tokens.len()), &tokens);
        layers.push(floats(&rows));
        if count == 3 {
            logits.extend(rows.chunks_exact(network.width()).map(|row| floats(&fixture::logits(&network, row))));
        }
    }
    let model = fixture::llama(3);
    let (answer, _) = run(&model, "w7 w8 w9", TextParameters { max_tokens: 50, ..Default::default() }, 42);
    let encoder = fixture::bert();
    let embedding =
        encoder.run(b"w7 w8 w9", &Parameters::Embedding.encode(), [0; 32], &mut |_| ControlFlow::Continue(())).unwrap();
    json!({
        "llama": {
            "weights": model.manifest().weights.cid, "hidden_rows_by_layers": layers, "logits_rows": logits,
            "answer": hash(&answer.output), "trace": hex::encode(answer.trace),
        },
        "bert": {
            "weights": encoder.manifest().weights.cid, "answer": hash(&embedding.output),
            "trace": hex::encode(embedding.trace),
        },
    })
}

#[test]
fn this_machine_reproduces_the_golden_hashes() {
    let found = json!({ "profile": PROFILE, "operations": operations(), "models": models() });
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    for part in ["profile", "operations", "models"] {
        assert_eq!(found[part], golden[part], "{part} differ; all that was computed:\n{found:#}");
    }
}
