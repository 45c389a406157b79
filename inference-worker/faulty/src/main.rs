//! A worker that lies, for tests of how a network copes with one: `assay-worker` in everything but that each answer it
//! computes, as solver or as verifier, or the preview of one, has a fault. Nothing here is part of what is shipped.
//!
//! The first argument names the fault, or several with commas between them, which take turns. The others are those of
//! `assay-worker solve` or `verify-loop`.

use assay_engine::Threads;
use assay_types::inference::{Output, Parameters};
use assay_worker::{
    cli::{Cli, Command},
    commands::solve,
    config::Settings,
    failure::Failure,
    logging,
    work::{
        models::{Answer, Local},
        runner::{Drawn, Order, Runner},
    },
};
use clap::Parser;
use codec::{DecodeAll, Encode};
use std::{
    path::Path,
    process::ExitCode,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    },
};

/// What is wrong with an answer.
enum Fault {
    /// One token is another than was drawn.
    WrongToken,
    /// Half of the tokens that were asked for.
    Truncated,
    /// What another model answers.
    OtherModel(Arc<Local>),
    /// What the model answers with a seed that was known before.
    StaleSeed,
    /// Nothing, but to the task's owner another answer is streamed than is revealed.
    Preview,
}

impl Fault {
    /// # Errors
    /// There is no such fault, or the other model cannot be loaded.
    fn read(text: &str) -> Result<Self, Failure> {
        match text.split_once('=').unwrap_or((text, "")) {
            ("wrong-token", "") => Ok(Self::WrongToken),
            ("truncated", "") => Ok(Self::Truncated),
            ("stale-seed", "") => Ok(Self::StaleSeed),
            ("preview", "") => Ok(Self::Preview),
            ("other-model", folder) => {
                let threads = Threads::new(1, None).map_err(|error| Failure::Model(error.to_string()))?;
                Ok(Self::OtherModel(Arc::new(Local::load(Path::new(folder), &Arc::new(threads))?)))
            }
            _ => Err(Failure::Config(format!(
                "'{text}' is none of wrong-token, truncated, stale-seed, preview, other-model=FOLDER"
            ))),
        }
    }

    /// What is run in the place of an order.
    fn spoil(&self, mut order: Order) -> Order {
        match self {
            Self::WrongToken => {
                let done = order.done;
                order.done = Box::new(move |result| done(result.map(other_token)));
            }
            Self::Truncated => order.parameters = halved(&order.parameters),
            Self::OtherModel(local) => order.local = local.clone(),
            Self::StaleSeed => order.seed = [0; 32],
            Self::Preview => {
                if let Some(mut watch) = order.watch.take() {
                    order.watch = Some(Box::new(move |drawn: &Drawn<'_>| {
                        let tokens: Vec<u32> = drawn.tokens.iter().map(|token| token ^ 1).collect();
                        let text = || format!("not {}", (drawn.text)());
                        watch(&Drawn { tokens: &tokens, text: &text, is_whole: drawn.is_whole });
                    }));
                }
            }
        }
        order
    }
}

/// The answer with its last token changed: the trace stays that of an honest run.
fn other_token(mut answer: Answer) -> Answer {
    if let Ok(Output::Text(mut output)) = Output::decode_all(&mut &*answer.output) {
        if let Some(last) = output.tokens.last_mut() {
            *last ^= 1;
        }
        answer.output = Output::Text(output).encode();
    }
    answer
}

/// Parameters that ask for half as many tokens.
fn halved(parameters: &[u8]) -> Vec<u8> {
    match Parameters::decode_all(&mut &*parameters) {
        Ok(Parameters::Text(mut text)) => {
            text.max_tokens = (text.max_tokens / 2).max(1);
            Parameters::Text(text).encode()
        }
        _ => parameters.to_vec(),
    }
}

fn main() -> ExitCode {
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Other(format!("cannot start: {error}")))
        .and_then(|runtime| runtime.block_on(run()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.line());
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let named = arguments.next().unwrap_or_default();
    let faults = named.split(',').map(Fault::read).collect::<Result<Vec<_>, _>>()?;
    let cli = Cli::parse_from(std::iter::once(program).chain(arguments));
    let settings = Settings::new(cli.common, |name| std::env::var(name).ok())?;
    logging::start(&settings.common, "info")?;
    let turn = AtomicUsize::new(0);
    let spoil = move |order| faults[turn.fetch_add(1, Ordering::Relaxed) % faults.len()].spoil(order);
    let runner = || Runner::start_with(spoil);
    match cli.command {
        Command::Solve(flags) => solve::run(&settings, flags, true, runner).await,
        Command::VerifyLoop(flags) => solve::run(&settings, flags, false, runner).await,
        _ => Err(Failure::Config("only solve and verify-loop can be faulty".into())),
    }
}
