//! Plays years of the chain's money with the arithmetic that the runtime uses, and writes what comes of it as a page and
//! pictures. Nothing here is random: the same run gives the same files.

mod chart;
mod emission;

use anyhow::Context;
use clap::Parser;
use std::{fmt::Write, fs, path::PathBuf};

/// Plays ten years of emission and writes docs/simulation.md and its pictures
#[derive(Parser)]
struct Cli {
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = "docs")]
    docs: PathBuf,
    /// Years to play
    #[arg(long, default_value_t = 10)]
    years: u32,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let mut page = String::from(include_str!("head.md"));
    emission::write(&mut page, &cli.docs, cli.years)?;
    writeln!(page)?;
    let path = cli.docs.join("simulation.md");
    fs::write(&path, page.trim_end().to_string() + "\n").with_context(|| format!("writing {}", path.display()))?;
    eprintln!("wrote {} and its pictures", path.display());
    Ok(())
}
