//! Plays years of the chain's money and thousands of its elections with the arithmetic that the runtime uses, and
//! writes what comes of it as a page and pictures. Chance comes from hashes of a fixed seed: the same run gives the
//! same files.

mod chart;
mod elections;
mod emission;
mod page;

use clap::Parser;
use page::Page;
use std::{fmt::Write, path::PathBuf};

/// Plays ten years of emission and thousands of elections, and writes docs/simulation.md and its pictures
#[derive(Parser)]
struct Cli {
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = "docs")]
    docs: PathBuf,
    /// Years of emission to play
    #[arg(long, default_value_t = 10)]
    years: u32,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let mut page = Page::default();
    writeln!(page, "{}", include_str!("head.md"))?;
    emission::write(&mut page, cli.years)?;
    elections::write(&mut page)?;
    page.save(&cli.docs)?;
    eprintln!("wrote {} and its pictures", cli.docs.join("simulation.md").display());
    Ok(())
}
