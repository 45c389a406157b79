//! Whether this processor computes DET-1: every golden operation, whole networks, and random cases, on every
//! instruction set.
//!
//! A processor conforms when each of its paths reproduces the operations and networks of
//! `primitives/numerics/golden.json`, and gives the bits of the portable path in every random case. The random cases'
//! results are hashed too, so that runs on different machines are compared by one number. It needs neither a standard
//! library nor an operating system, only memory; `docs/conformance.md` says how to run it.

#![no_std]

extern crate alloc;

mod golden;
mod network;
mod numbers;
mod random;
#[cfg(target_arch = "wasm32")]
mod wasm;

use alloc::{format, string::String, vec::Vec};
use assay_numerics::{check_float_environment, Isa, Kernels, Trace};
use numbers::Numbers;

/// Mismatches of a path that are described, golden results first; more are only counted.
const DESCRIBED: usize = 25;

/// What was found on one instruction set.
struct Path {
    kernels: Kernels,
    operations: usize,
    networks: usize,
    digest: Trace,
    mismatches: Vec<String>,
}

/// Checks every instruction set that this processor has with all golden results and `cases` random cases, the same for
/// the same `seed` everywhere. `report` receives lines of text: for each path one that begins with its name, says
/// how many mismatches there are and ends with the digest of its random cases, and after it the first mismatches,
/// indented. Returns whether there is no mismatch.
pub fn check(cases: u32, seed: u64, report: &mut dyn FnMut(&str)) -> bool {
    if let Err(error) = check_float_environment() {
        report(&format!("nothing was checked: {error}"));
        return false;
    }
    let mut paths: Vec<Path> = Kernels::available().map(with_golden_results).collect();
    for case in 0..cases {
        let expected = random::run(Kernels::SCALAR, seed, case);
        for path in &mut paths {
            let found = if path.kernels.isa() == Isa::Scalar {
                expected.result.clone()
            } else {
                random::run(path.kernels, seed, case).result
            };
            // A refusal has no other result than itself.
            path.digest.row(found.as_deref().unwrap_or(&[f32::NAN]));
            if let Some(difference) = random::difference(&found, &expected.result) {
                path.mismatches.push(format!("case {case}, {}: {difference} with scalar", expected.what));
            }
        }
    }
    let mut conforms = true;
    for Path { kernels, operations, networks, digest, mismatches } in paths {
        conforms &= mismatches.is_empty();
        report(&format!(
            "{}: {operations} golden operations, {networks} results of networks, {cases} random cases, {} mismatches, \
             digest {}",
            kernels.isa(),
            mismatches.len(),
            &golden::hex(&digest.finish())[..16]
        ));
        for mismatch in mismatches.iter().take(DESCRIBED) {
            report(&format!("  {mismatch}"));
        }
    }
    conforms
}

fn with_golden_results(kernels: Kernels) -> Path {
    let (operations, mut mismatches) = match golden::operations(kernels) {
        Ok(found) => (found.len(), golden::mismatches(&found, golden::FILE)),
        Err(error) => (0, alloc::vec![format!("the golden operations were refused: {error}")]),
    };
    let (networks, of_networks) = network::mismatches(kernels, golden::FILE);
    mismatches.extend(of_networks);
    Path { kernels, operations, networks, digest: Trace::new(), mismatches }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(cases: u32, seed: u64) -> (bool, Vec<String>) {
        let mut lines = Vec::new();
        let conforms = check(cases, seed, &mut |line| lines.push(line.into()));
        (conforms, lines)
    }

    #[test]
    fn this_machine_conforms() {
        let (conforms, lines) = lines(1000, 1);
        assert!(conforms, "{lines:#?}");
        assert_eq!(lines.len(), Kernels::available().count());
        // One number for all paths.
        let digests: Vec<&str> = lines.iter().filter_map(|line| line.rsplit(' ').next()).collect();
        assert!(digests.iter().all(|digest| *digest == digests[0] && digest.len() == 16), "{lines:#?}");
    }

    #[test]
    fn the_digest_depends_on_the_seed_and_on_every_case() {
        let digest =
            |cases, seed| lines(cases, seed).1.last().and_then(|line| line.rsplit(' ').next().map(String::from));
        assert_eq!(digest(20, 1), digest(20, 1));
        assert_ne!(digest(20, 1), digest(20, 2));
        assert_ne!(digest(20, 1), digest(19, 1));
    }
}
