//! `election`: the proofs of elections, and taking leave of them.

use super::{connect, id, Done};
use crate::{
    amount,
    chain::Call,
    cli::ElectionCommand,
    config::Settings,
    election::{report, verify, Election, Known, Proof, MOST_BYTES},
    failure::Failure,
    out,
};
use assay_types::{Hash, Tenure};
use clap::Args;
use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// Which proof to fetch.
#[derive(Debug, Args)]
pub struct ProofArgs {
    /// The tenure of the election's commitments
    #[arg(long, value_name = "N")]
    pub tenure: Tenure,
    /// Read the election in the state of this block [default: the last one that is final]
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pub block_hash: Option<Hash>,
    /// File to write; it must not exist
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// What to verify, and what is known of it.
#[derive(Debug, Args)]
pub struct VerifyElectionArgs {
    /// File with a proof, as `election proof` writes it [default: ask the node at --url]
    #[arg(value_name = "FILE", required_unless_present = "tenure")]
    pub file: Option<PathBuf>,
    /// The election must be of this tenure
    #[arg(long, value_name = "N")]
    pub tenure: Option<Tenure>,
    /// It must be read in the state of this block: what all the rest is trusted for
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pub block_hash: Option<Hash>,
    /// It must be of the chain with this first block
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pub genesis: Option<Hash>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn hash(text: &str) -> Result<Hash, String> {
    id(text).ok_or_else(|| "64 hexadecimal digits are needed".to_string())
}

/// Runs an `election` command.
///
/// # Errors
/// The election is wrong, the proof cannot be read or fetched, or the chain refuses a transaction.
pub async fn run(settings: &Settings, command: ElectionCommand) -> Result<(), Failure> {
    match command {
        ElectionCommand::Proof(args) => {
            let proof = connect(settings).await?.election_proof(args.tenure, args.block_hash).await?;
            write(&args.output, &proof)?;
            out::result(format_args!("{} (block {})", args.output.display(), proof.block))
        }
        ElectionCommand::Verify(args) => check(settings, args).await,
        ElectionCommand::Resume => send(settings, Call::Resume, "resume").await,
        ElectionCommand::Leave => send(settings, Call::LeaveElections, "leave").await,
        ElectionCommand::Withdraw => send(settings, Call::WithdrawSeatBond, "withdraw the seat bond").await,
    }
}

async fn check(settings: &Settings, args: VerifyElectionArgs) -> Result<(), Failure> {
    let mut known = Known { block: args.block_hash, genesis: args.genesis, tenure: args.tenure };
    let proof = match (&args.file, args.tenure) {
        (Some(file), _) => read(file)?,
        (None, Some(tenure)) => {
            let chain = connect(settings).await?;
            known.genesis.get_or_insert(chain.genesis());
            chain.election_proof(tenure, args.block_hash).await?
        }
        (None, None) => return Err(Failure::Config("give the FILE of a proof, or --tenure N".into())),
    };
    let result = verify(&proof, &known);
    if args.json {
        out::result(report(&result))?;
    }
    let election = result.map_err(|fault| Failure::WrongAnswer(format!("the election is wrong: {fault}")))?;
    if args.json {
        return Ok(());
    }
    show(&election, args.block_hash.is_some())
}

fn show(election: &Election, trusted: bool) -> Result<(), Failure> {
    let Election { tenure, block, number, genesis, places, entrants, seats, .. } = election;
    out::result(format_args!("right: the election of tenure {tenure}, {} of {places} seats drawn", seats.len()))?;
    out::result(format_args!("chain   {genesis:?}"))?;
    let note = if trusted { "" } else { " (compare this hash with what you trust)" };
    out::result(format_args!("block   {block:?}, height {number}{note}"))?;
    for entrant in entrants {
        let seat = seats.iter().position(|seat| *seat == entrant.candidate);
        let seat = seat.map_or("no seat".into(), |place| format!("seat {place}"));
        let (committed, weight) = (amount::format(entrant.committed), amount::format(entrant.weight));
        let weight = if entrant.weight == 0 { "did not qualify".into() } else { format!("weight {weight}") };
        out::result(format_args!("{}  committed {committed} ASY, {weight}, {seat}", entrant.candidate))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Proof, Failure> {
    let shown = path.display();
    let mut text = String::new();
    // Hexadecimal takes two characters for a byte, and JSON some more.
    let limit = 3 * MOST_BYTES as u64;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_string(&mut text))
        .map_err(|error| Failure::Config(format!("cannot read the proof in {shown}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Failure::Config(format!("{shown} is no proof of an election: {error}")))
}

fn write(path: &Path, proof: &Proof) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Config(format!("cannot write {}: {error}", path.display()));
    let text = serde_json::to_string_pretty(proof).map_err(|error| Failure::Other(error.to_string()))?;
    let mut file = File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(|error| {
        // Half a proof would only be in the way.
        let _ = std::fs::remove_file(path);
        failed(error)
    })
}

async fn send(settings: &Settings, call: Call, what: &str) -> Result<(), Failure> {
    let key = settings.key().load()?;
    let Done { number, hash, .. } = Done::send(connect(settings).await?, key, call, what).await?;
    out::result(format_args!("done in block {number}, {hash:?}"))
}
