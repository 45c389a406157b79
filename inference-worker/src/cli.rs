//! The command line.

use crate::{
    commands,
    commands::{
        artefact::{ImportArgs, InspectArgs, LogitsArgs, RunArgs},
        bench::{BenchArgs, RandomArgs},
        election::{ProofArgs, VerifyElectionArgs},
        verify::VerifyArgs,
    },
    config,
    train::TrainArgs,
    work::runner::Runner,
};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Solves tasks of an Assay chain, asks questions, keeps models and keys.
///
/// A flag wins over the environment, the environment over the file that --config names.
#[derive(Debug, Parser)]
#[command(name = "assay-worker", version)]
pub struct Cli {
    /// Settings of every command.
    #[command(flatten)]
    pub common: config::Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the worker can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve models: pick tasks, run them, commit, reveal, claim
    Solve(config::Solve),
    /// Check the solutions of others, contest what is wrong and vote in disputes, without solving
    #[command(mut_arg("min_income", |arg| arg.hide(true)), mut_arg("cost_per_second", |arg| arg.hide(true)), mut_arg("previews", |arg| arg.hide(true)))]
    VerifyLoop(config::Solve),
    /// Ask a question and follow it until it is settled. Prompts and answers are public
    Ask(Box<AskArgs>),
    /// Serve the chain over HTTP as OpenAI's API. Prompts and answers are public
    Gateway(config::Gateway),
    /// Take part in elections of validators beside the account's own node: commit in each tenure, or stand
    Elect(config::Elect),
    /// Prove elections, recompute them, and take leave of them
    #[command(subcommand)]
    Election(ElectionCommand),
    /// Compute an answer again, from a file or of a task on chain, and say whether it is right
    Verify(VerifyArgs),
    /// Make, inspect, run, train, register and change models
    #[command(subcommand)]
    Model(ModelCommand),
    /// Place bond and take it out, name a commission, and delegate to solvers
    #[command(subcommand)]
    Bond(BondCommand),
    /// Make and show keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Look at tasks
    #[command(subcommand)]
    Task(TaskCommand),
    /// Name, offer and fetch payloads that are too long for the chain
    #[command(subcommand)]
    Payload(PayloadCommand),
    /// Print what a shell needs to complete this command line
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
}

/// What to ask.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: config::Ask,
    /// The model embeds text (needed only where --models does not tell)
    #[arg(long)]
    pub embedding: bool,
    /// Print one JSON object on the standard output and nothing else
    #[arg(long)]
    pub json: bool,
    /// Show on the standard error what a solver draws, before the chain has the answer; needs --peers-bootstrap
    #[arg(long, conflicts_with = "embedding")]
    pub stream: bool,
    /// File with the question; one of more than 16 KiB travels between peers, up to 32 MiB. It will be public
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    pub input_file: Option<PathBuf>,
    /// The question, or the text to embed. It will be public
    #[arg(value_name = "TEXT", required_unless_present = "input_file")]
    pub prompt: Option<String>,
}

/// What can be done with payloads.
#[derive(Debug, Subcommand)]
pub enum PayloadCommand {
    /// Print the content id of a file
    Cid {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the content id of a file and offer it to peers until a signal ends that
    Add {
        /// The exchange.
        #[command(flatten)]
        peers: config::Peers,
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Fetch a payload from peers
    Get {
        /// The exchange.
        #[command(flatten)]
        peers: config::Peers,
        /// Its content id
        #[arg(value_name = "CID")]
        cid: String,
        /// File to write; it must not exist
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Seconds to look for it
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        timeout: u64,
    },
}

/// What can be done about elections.
#[derive(Debug, Subcommand)]
pub enum ElectionCommand {
    /// Fetch the proof of an election from the node
    Proof(ProofArgs),
    /// Recompute an election from its proof, offline where that is in a file
    Verify(VerifyElectionArgs),
    /// End being out: for a founder, or a candidate that `elect` has not brought back
    Resume,
    /// Be no candidate any more, or stand no longer; the seat bond stays on hold for a while
    Leave,
    /// Get the seat bond back after leaving
    Withdraw,
}

/// What can be done with models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Make an artefact from a Hugging Face folder or a GGUF file
    Import(ImportArgs),
    /// Show an artefact and check it
    Inspect(InspectArgs),
    /// Print the logits that follow each of some tokens
    #[command(hide = true)]
    Logits(LogitsArgs),
    /// Run an artefact on this machine, without a chain
    Run(RunArgs),
    /// Make a model of random weights, for measurements
    Random(RandomArgs),
    /// Measure how fast a model runs on this machine
    Bench(BenchArgs),
    /// Train a small text model
    Train(TrainArgs),
    /// Register an artefact on chain
    Register(RegisterArgs),
    /// Change the terms of a model for tasks to come; what is not given stays as it is
    Update(UpdateArgs),
    /// Offer a model no longer; the deposit comes back at once
    Retire(ModelArgs),
    /// Declare that the account serves a model no longer; that deposit comes back
    StopServing(ModelArgs),
    /// List the models on chain
    List(ListArgs),
}

/// What to register.
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// Folder of the artefact
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Flat fee of each task, in ASY
    #[arg(long, value_name = "ASY", default_value = "0")]
    pub fee: String,
    /// Address that receives the flat fee [default: the own]
    #[arg(long, value_name = "ADDRESS")]
    pub recipient: Option<String>,
}

/// What to change of a model.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Flat fee of each task, in ASY
    #[arg(long, value_name = "ASY", required_unless_present = "recipient")]
    pub fee: Option<String>,
    /// Address that receives the flat fee
    #[arg(long, value_name = "ADDRESS")]
    pub recipient: Option<String>,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Which model.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// Its id on chain
    #[arg(value_name = "ID")]
    pub id: String,
    /// How to tell it.
    #[command(flatten)]
    pub tell: Tell,
}

/// How a command tells what it did.
#[derive(Debug, Args)]
pub struct Tell {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What can be done with stake.
#[derive(Debug, Subcommand)]
pub enum BondCommand {
    /// Show a bond, what was taken out of it and waits, and what is delegated to its account, as JSON
    Show {
        /// Whose bond [default: the own]
        #[arg(value_name = "ADDRESS")]
        account: Option<String>,
    },
    /// Bond an amount of the account's balance, or that much more
    Add(BondArgs),
    /// Take an amount out of the bond; until it can be withdrawn it answers for what was done before
    Unbond(BondArgs),
    /// Get what was taken out of the bond and is due
    Withdraw(Tell),
    /// Name the account's own part of what it earns, before delegators share the rest; lets others delegate to it
    Commission(CommissionArgs),
    /// Delegate to a solver, to share what it earns and what it loses
    Delegate(DelegateArgs),
    /// Take an amount out of what is delegated to a solver
    Undelegate(DelegateArgs),
    /// Get what was taken out of a delegation and is due
    WithdrawDelegation(SolverArgs),
}

/// How much to bond, or to take out.
#[derive(Debug, Args)]
pub struct BondArgs {
    /// How much, in ASY
    #[arg(value_name = "ASY")]
    pub amount: String,
    /// How to tell it.
    #[command(flatten)]
    pub tell: Tell,
}

/// The commission.
#[derive(Debug, Args)]
pub struct CommissionArgs {
    /// From 0 to 1, such as 0.1; a rise is in force one unbonding time later
    #[arg(value_name = "SHARE")]
    pub share: String,
    /// How to tell it.
    #[command(flatten)]
    pub tell: Tell,
}

/// To whom to delegate, or from whom to take back, and how much.
#[derive(Debug, Args)]
pub struct DelegateArgs {
    /// Address of the solver
    #[arg(value_name = "SOLVER")]
    pub solver: String,
    /// How much, in ASY
    #[arg(value_name = "ASY")]
    pub amount: String,
    /// How to tell it.
    #[command(flatten)]
    pub tell: Tell,
}

/// Of which solver.
#[derive(Debug, Args)]
pub struct SolverArgs {
    /// Address of the solver
    #[arg(value_name = "SOLVER")]
    pub solver: String,
    /// How to tell it.
    #[command(flatten)]
    pub tell: Tell,
}

/// How to list models.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// One JSON object for each model, each on a line
    #[arg(long)]
    pub json: bool,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a new key in a new file and print its address
    Generate(KeyFile),
    /// Print the address of the key in use
    Show,
    /// Put a phrase or seed that is asked for into a new file
    Import(KeyFile),
}

/// The file of a key.
#[derive(Debug, Args)]
pub struct KeyFile {
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

/// What can be done with tasks.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// Show a task
    Show {
        /// Its id
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Runs what the command line asks for.
///
/// # Errors
/// Why it did not succeed, with the exit code to end with.
pub async fn run(cli: Cli) -> Result<(), crate::failure::Failure> {
    let settings = config::Settings::new(cli.common, |name| std::env::var(name).ok())?;
    let works =
        matches!(cli.command, Command::Solve(_) | Command::VerifyLoop(_) | Command::Elect(_) | Command::Gateway(_));
    let verbosity = if works { "info" } else { "warn" };
    crate::logging::start(&settings.common, verbosity)?;
    match cli.command {
        Command::Solve(flags) => commands::solve::run(&settings, flags, true, Runner::start).await,
        Command::VerifyLoop(flags) => commands::solve::run(&settings, flags, false, Runner::start).await,
        Command::Ask(args) => commands::ask::run(&settings, *args).await,
        Command::Gateway(flags) => crate::gateway::run(&settings, flags).await,
        Command::Elect(flags) => commands::elect::run(&settings, flags).await,
        Command::Election(command) => commands::election::run(&settings, command).await,
        Command::Verify(args) => commands::verify::run(&settings, args).await,
        Command::Model(command) => commands::model::run(&settings, command).await,
        Command::Bond(command) => commands::bond::run(&settings, command).await,
        Command::Key(command) => commands::key::run(&settings, command),
        Command::Task(TaskCommand::Show { id }) => commands::task::show(&settings, &id).await,
        Command::Payload(command) => commands::payload::run(&settings, command).await,
        Command::Completions { shell } => commands::completions::run(shell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn two_identities_are_refused() {
        let arguments = ["assay-worker", "key", "show", "--dev-key", "alice", "--key-file", "x"];
        assert!(Cli::try_parse_from(arguments).is_err());
    }
}
