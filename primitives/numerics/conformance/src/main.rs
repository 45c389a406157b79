//! Checks that this processor computes DET-1 on every instruction set that it has.

use std::process::ExitCode;

const HELP: &str = "\
Checks every instruction set of this processor against the golden operations and networks of DET-1 and, in random cases,
against the portable code. Prints one line per instruction set; exits with 1 on any mismatch.

Usage: conformance [--cases N] [--seed S]
  --cases N   number of random cases (3000)
  --seed S    what they are drawn from (1); the same everywhere for the same seed";

fn main() -> ExitCode {
    let (mut cases, mut seed) = (3000, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = match name.as_str() {
            "-h" | "--help" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            "--cases" | "--seed" => arguments.next().unwrap_or_default(),
            _ => return wrong(&format!("unknown argument '{name}' (see conformance --help)")),
        };
        let parsed = match name.as_str() {
            "--cases" => value.parse().map(|n| cases = n),
            _ => value.parse().map(|n| seed = n),
        };
        if parsed.is_err() {
            return wrong(&format!("{name} must be followed by a whole number that fits, not '{value}'"));
        }
    }
    if assay_conformance::check(cases, seed, &mut |line| println!("{line}")) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn wrong(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(2)
}
