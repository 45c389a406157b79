//! The golden operations: inputs from [`Numbers`], each from the state named here, outputs as hashes.

use crate::Numbers;
use alloc::{format, string::String, vec, vec::Vec};
use assay_numerics::{
    attention::{self, attend, Heads, Mask},
    functions, half, norm, reduce, rope, sampler, Columns, ColumnsMut, Error, Kernels, Matrix, Precision, Rows,
    Sampler, Sampling, Trace, Weights, PROFILE,
};
use blake2::{digest::consts::U32, Blake2b, Digest};
use serde_json::Value;

/// The hashes that every implementation must reproduce.
pub(crate) const FILE: &str = include_str!("../../golden.json");

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// blake2b-256 of `bytes`, in hexadecimal.
fn hash(bytes: &[u8]) -> String {
    hex(&Blake2b::<U32>::digest(bytes))
}

/// blake2b-256 of the little-endian bytes of `values`, in hexadecimal.
pub(crate) fn hash_floats(values: &[f32]) -> String {
    let mut trace = Trace::new();
    trace.row(values);
    hex(&trace.finish())
}

/// `length` numbers from `state` on, times `factor`.
fn scaled(state: u64, length: usize, factor: f32) -> Vec<f32> {
    Numbers(state).vector(length).into_iter().map(|x| x * factor).collect()
}

/// The name and the hash of every golden operation, computed with `kernels`.
pub(crate) fn operations(kernels: Kernels) -> Result<Vec<(&'static str, String)>, Error> {
    let mut found = Vec::new();
    let mut add = |name, hash| found.push((name, hash));

    let x = scaled(1, 600, 8.0);
    let weights = Rows::quantise(kernels, &Numbers(2).vector(40 * 600), 600, Precision::A8)?;
    let values = (0..40).flat_map(|row| weights.values(row)).map(|q| q as i8).collect();
    let matrix = Matrix::new(600, values, weights.scales().to_vec())?;
    let bytes: Vec<u8> = (0..40).flat_map(|row| matrix.integers(row)).map(|q| q as u8).collect();
    add("weights_w8", hash(&bytes));
    add("weights_w8_scales", hash_floats(matrix.scales()));
    let fine = Matrix::quantise_w16(600, &Numbers(2).vector(40 * 600))?;
    if let Weights::W16(halves) = fine.weights() {
        let bytes: Vec<u8> = halves.iter().map(|half| *half as u8).collect();
        add("weights_w16", hash(&bytes));
    }
    add("weights_w16_scales", hash_floats(fine.scales()));
    let packed = Matrix::quantise_w4(600, &Numbers(2).vector(40 * 600))?;
    if let Weights::W4 { nibbles, multipliers } = packed.weights() {
        add("weights_w4", hash(nibbles));
        add("weights_w4_multipliers", hash(multipliers));
    }
    add("weights_w4_scales", hash_floats(packed.scales()));
    let bias = Numbers(3).vector(40);
    for (quantise, product, product_w16, product_w4, precision) in [
        ("quantise_a8", "product_a8", "product_w16_a8", "product_w4_a8", Precision::A8),
        ("quantise_a16", "product_a16", "product_w16_a16", "product_w4_a16", Precision::A16),
    ] {
        let rows = Rows::quantise(kernels, &x, 600, precision)?;
        let mut bytes: Vec<u8> = rows.values(0).flat_map(|q| (q as i16).to_le_bytes()).collect();
        bytes.extend(rows.scales().iter().flat_map(|scale| scale.to_le_bytes()));
        add(quantise, hash(&bytes));
        let mut out = vec![0.0; 40];
        for (name, matrix) in [(product, &matrix), (product_w16, &fine), (product_w4, &packed)] {
            matrix.multiply(kernels, &rows, Some(&bias), 0, ColumnsMut::new(&mut out, 40))?;
            add(name, hash_floats(&out));
        }
    }

    add("sum", hash_floats(&[reduce::sum(&x)]));
    add("dot", hash_floats(&[reduce::dot(&x, &Numbers(4).vector(600))]));
    let mut out = vec![0.0; 600];
    norm::rms(kernels, &x, &Numbers(5).vector(600), 1e-5, &mut out)?;
    add("rms_norm", hash_floats(&out));
    norm::layer(kernels, &x, &Numbers(5).vector(600), &Numbers(6).vector(600), 1e-12, &mut out)?;
    add("layer_norm", hash_floats(&out));
    norm::unit(&mut out)?;
    add("unit", hash_floats(&out));

    let each = |f: fn(f32) -> f32, factor| scaled(7, 10_000, factor).into_iter().map(f).collect::<Vec<_>>();
    add("exp", hash_floats(&each(functions::exp, 200.0)));
    add("erf", hash_floats(&each(functions::erf, 10.0)));
    let mut silu = scaled(7, 10_000, 40.0);
    functions::silu_times(kernels, &mut silu, &vec![1.0; 10_000]);
    add("silu", hash_floats(&silu));
    let mut gelu = scaled(7, 10_000, 20.0);
    functions::gelu_all(kernels, &mut gelu);
    add("gelu", hash_floats(&gelu));
    let halves = |state, length, factor| {
        let mut bits = vec![0; length];
        half::all_to_bits(kernels, &scaled(state, length, factor), &mut bits).map(|()| bits)
    };
    let bytes: Vec<u8> = halves(8, 10_000, 1000.0)?.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    add("half", hash(&bytes));

    let table = rope::Table::new(256, 64, 10_000.0, &rope::Scaling::None);
    add("rope_table", hash(&table.to_bytes()));
    let linear = rope::Scaling::Linear { factor: 2.5 };
    let llama3 = rope::Scaling::Llama3 {
        factor: 8.0,
        low_frequency_factor: 1.0,
        high_frequency_factor: 4.0,
        original_context: 64.0,
    };
    for (name, scaling) in [("rope_table_linear", linear), ("rope_table_llama3", llama3)] {
        add(name, hash(&rope::Table::new(256, 64, 10_000.0, &scaling).to_bytes()));
    }
    let mut head = scaled(9, 64, 4.0);
    if !table.rotate(200, &mut head) {
        return Err(Error::Shape("a rotation"));
    }
    add("rope", hash_floats(&head));
    let query = scaled(10, 32, 6.0);
    let heads = Heads {
        queries: Columns::new(&query, 32, 0, 32).ok_or(Error::Shape("attention"))?,
        dim: 32,
        keys: &halves(11, 150 * 32, 6.0)?,
        values: &halves(12, 150 * 32, 6.0)?,
        scale: attention::scale(32),
        mask: Mask::Full,
    };
    let mut out = vec![0.0; 32];
    attend(kernels, &heads, &mut attention::Scratch::default(), ColumnsMut::new(&mut out, 32))?;
    add("attention", hash_floats(&out));

    let powers: Vec<u8> = (0..2_200_000).step_by(7).flat_map(|t| sampler::exp2(t).to_le_bytes()).collect();
    add("exp2", hash(&powers));
    let seed = [42; 32];
    let randoms: Vec<u8> = (0..100).flat_map(|position| sampler::random(&seed, position).to_le_bytes()).collect();
    add("random", hash(&randoms));
    let mut sampler = Sampler::new(Sampling {
        temperature_milli: 700,
        top_k: 40,
        top_p_milli: 950,
        repetition_penalty_milli: 1_100,
    })?;
    let logits = scaled(13, 500, 10.0);
    let mut drawn = Vec::new();
    for position in 0..500 {
        drawn.extend(sampler.sample(&logits, &[1, 2, 3, 200], &seed, position)?.to_le_bytes());
    }
    add("sample", hash(&drawn));
    Ok(found)
}

/// What is not the same in `found` and in the golden file, in words.
pub(crate) fn mismatches(found: &[(&str, String)], file: &str) -> Vec<String> {
    let golden: Value = match serde_json::from_str(file) {
        Ok(golden) => golden,
        Err(error) => return vec![format!("the golden file is not JSON: {error}")],
    };
    let mut mismatches = Vec::new();
    if golden["profile"] != PROFILE {
        mismatches.push(format!("the golden file is for profile {}, this is {PROFILE}", golden["profile"]));
    }
    let Some(expected) = golden["operations"].as_object() else {
        return vec![String::from("the golden file has no object \"operations\"")];
    };
    for (name, hash) in found {
        match expected.get(*name) {
            Some(golden) if golden == hash => {}
            Some(golden) => {
                mismatches.push(format!("operation {name}: found {hash}, the golden file has {golden}"));
            }
            None => mismatches.push(format!("operation {name} is not in the golden file")),
        }
    }
    for name in expected.keys().filter(|name| !found.iter().any(|(found, _)| found == name)) {
        mismatches.push(format!("operation {name} of the golden file was not computed"));
    }
    mismatches
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_kind_of_mismatch_is_found() {
        let file = |operations| serde_json::json!({"profile": PROFILE, "operations": operations}).to_string();
        let found = [("sum", "aa".to_string()), ("dot", "bb".to_string())];
        let in_words = |operations| mismatches(&found, &file(operations));
        assert!(in_words(serde_json::json!({"sum": "aa", "dot": "bb"})).is_empty());
        let one = in_words(serde_json::json!({"sum": "aa", "dot": "bc"}));
        assert_eq!(one, ["operation dot: found bb, the golden file has \"bc\""]);
        assert_eq!(in_words(serde_json::json!({"sum": "aa"})), ["operation dot is not in the golden file"]);
        let more = in_words(serde_json::json!({"sum": "aa", "dot": "bb", "exp": "cc"}));
        assert_eq!(more, ["operation exp of the golden file was not computed"]);
        assert_eq!(mismatches(&found, "[]").len(), 1);
        assert_eq!(mismatches(&found, "").len(), 1);
        let other = file(serde_json::json!({"sum": "aa", "dot": "bb"})).replace(PROFILE, "DET-0");
        assert_eq!(mismatches(&found, &other).len(), 1);
    }
}
