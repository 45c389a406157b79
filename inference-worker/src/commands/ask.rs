//! `ask`: submit a task and follow it until it is settled.

use super::{connect, hexadecimal, id, money, payload, solve::default_folder, task::output_value};
use crate::{
    amount,
    chain::{
        types::{Event, Model, Payload, Settlement, Verdict},
        At, Call, Chain, ChainError, Head, Heads, Sender, Terms,
    },
    cli::AskArgs,
    config::{self, Settings},
    failure::Failure,
    gateway::store::now,
    journal::Inclusion,
    keys, out, payloads,
    previews::{self, Judgement, Preview, Previews, Wrong},
    progress::Spinner,
    solver::decide::State,
    work::models::{self, Known},
};
use assay_engine::{manifest::Kind, Model as Artefact};
use assay_peers::Peers;
use assay_types::{
    inference::{Parameters, TextParameters},
    Balance, BlockNumber, Cid, Hash, TaskId, ASY, MAX_EXTERNAL, MAX_INLINE,
};
use codec::Encode;
use serde_json::{json, Value};
use std::{
    collections::VecDeque,
    path::PathBuf,
    time::{Duration, Instant},
};
use subxt::utils::AccountId32;

/// Blocks that are remembered, so that a re-org is told from news.
const REMEMBERED: usize = 256;
/// Pause between two attempts to follow a node that went away.
const PAUSE: Duration = Duration::from_secs(1);
/// What everybody is told before a prompt leaves the machine.
const PUBLIC: &str = "note: prompts and answers are public; anybody can read them on the chain";

/// Whose the input of a question is among the payloads.
const HOLDER: &str = "asked";
/// How long an answer is looked for among peers before the chain is looked at again.
const FETCH: Duration = Duration::from_secs(20);

/// Signs that are shown of what is drawn, the newest.
const DRAWN: usize = 60;

/// How long solvers of the model are looked for among peers.
const SEARCH: Duration = Duration::from_secs(5);

/// Submits a task and follows it until it is settled.
///
/// # Errors
/// What failed: the settings, the node, the submission, the task itself, or the time that was given.
pub async fn run(settings: &Settings, args: AskArgs) -> Result<(), Failure> {
    let AskArgs { settings: flags, embedding, json: as_json, stream, input_file, prompt } = args;
    let asked = settings.ask(flags);
    let prompt = question(prompt, input_file)?;
    let is_inline = payloads::is_inline(prompt.len());
    let has_peers = !asked.peers.peers_bootstrap.is_empty() || asked.peers.peers_listen.is_some();
    if !is_inline && !has_peers {
        return Err(Failure::Config(format!(
            "the question has {} bytes, and what has more than {MAX_INLINE} travels between peers: give --peers-bootstrap \
             with the address of a solver",
            prompt.len()
        )));
    }
    if stream && !has_peers {
        return Err(Failure::Config("--stream: give --peers-bootstrap with the address of a solver".into()));
    }
    assay_engine::check_stops(&asked.stop).map_err(|error| Failure::Config(format!("--stop: {error}")))?;
    let fee = config::amount("--fee", asked.fee.as_deref())?;
    let known = models::known(&asked.models)?;
    let key = settings.key().load()?;
    let account = keys::address(&key);
    out::note(PUBLIC);

    let spinner = Spinner::new(&format!("connecting to {}", settings.url()));
    let chain = connect(settings).await?;
    let models = chain.best().await?.models().await?;
    let model = choose(&models, &known, asked.model.as_deref(), embedding)?;
    let name = known.iter().find(|known| known.manifest == model.manifest);
    let embedding = embedding || name.is_some_and(|known| known.kind == Kind::Embedding);
    let parameters = if embedding { Parameters::Embedding } else { Parameters::Text(text_parameters(&asked)?) };
    let default_fee = if model.fee == 0 { ASY } else { model.fee.saturating_mul(2) };
    let fee = fee.unwrap_or(default_fee);
    if fee < model.fee {
        let (least, given) = (amount::format(model.fee), amount::format(fee));
        return Err(Failure::Config(format!("--fee: the model asks {least} ASY at least, {given} is too little")));
    }
    if let (false, Some(known)) = (is_inline, name) {
        spinner.say(&format!("checking the question against the model {}", known.name));
        check(settings, known, &prompt, &parameters.encode()).await?;
    }
    if model.solvers == 0 {
        spinner.note("warning: nobody serves this model at present");
    }

    let peers = match has_peers {
        true => match payloads::start(asked.peers.clone(), &default_folder().join("payloads")).await {
            // Only an answer that is too long for the chain would need them.
            Err(failure) if is_inline => {
                spinner.note(&format!("warning: without peers: {}", failure.line()));
                None
            }
            started => started?,
        },
        false => None,
    };
    match &peers {
        Some(peers) if !is_inline => {
            spinner.say("offering the question to peers");
            let failed = |error| Failure::Other(format!("the question cannot be offered to peers: {error}"));
            peers.publish(HOLDER, prompt.clone().into_bytes()).await.map_err(failed)?;
            let service = payloads::service(&chain.genesis(), &model.id);
            let servers = peers.servers(&service, tokio::time::Instant::now() + SEARCH).await.len();
            spinner.note(&format!("{servers} of the peers that were found serve this model"));
        }
        None if !is_inline => {
            return Err(Failure::Config("--peers-listen is off: a question this long cannot be asked".into()));
        }
        _ => {}
    }

    spinner.say(&format!("submitting the task for {} ASY", amount::format(fee)));
    let call = Call::Submit {
        model: model.id,
        parameters: parameters.encode(),
        input: payloads::on_chain(prompt.clone().into_bytes()),
        fee,
        deadline: asked.deadline,
    };
    let sender = Sender::spawn(chain.clone(), key.clone());
    let rejected = |reason: String| Failure::Rejected(format!("the chain refused the task: {reason}"));
    let sent = sender.send(call, Terms::default()).await.map_err(|refusal| rejected(refusal.to_string()))?;
    let (number, hash, events) = sent.success().await.map_err(rejected)?;
    let task = events
        .iter()
        .find_map(|event| match event {
            Event::Submitted { task, .. } => Some(*task),
            _ => None,
        })
        .ok_or_else(|| Failure::Other("the block that took the task tells nothing of it".into()))?;

    let preview = peers
        .as_ref()
        .filter(|_| stream && !embedding)
        .map(|peers| Previews::new(peers.clone(), &chain, key).follow(task, model.id, Inclusion { number, hash }));
    let first = chain.at(hash).await?.head().await?;
    let input = payloads::cid(prompt.as_bytes());
    let included = Some(Inclusion { number, hash });
    let story = Story { task: Some(task), included, account, input, facts: Vec::new(), blocks: VecDeque::new() };
    let peers_of_follower = peers.clone();
    let follower = Follower {
        chain,
        story,
        spinner,
        as_json,
        peers: peers_of_follower,
        preview,
        drawn: String::new(),
        shown: None,
        unseen: None,
    };
    let limit = match asked.follow_timeout.unwrap_or(600) {
        0 => None,
        seconds => Some(Duration::from_secs(seconds)),
    };
    spinner_line(&follower.spinner, &format!("task {} is in block {number}", hexadecimal(task)));
    let settled = follower.settle(first, limit).await?;
    if let Some(peers) = &peers {
        // They stay until their room is needed, and nobody needs them.
        for holder in [HOLDER.to_owned(), payloads::holder(&settled.task)] {
            peers.release(&holder).await.map_err(|error| Failure::Other(error.to_string()))?;
        }
    }
    if as_json {
        out::result(settled.json(model, name.map(|known| known.name.as_str()), &prompt))?;
    }
    Ok(())
}

fn spinner_line(spinner: &Spinner, line: &str) {
    spinner.note(line);
    spinner.say("waiting for a solver");
}

/// The text of the question, from the command line or a file.
fn question(prompt: Option<String>, file: Option<PathBuf>) -> Result<String, Failure> {
    let (text, name) = match (prompt, file) {
        (_, Some(file)) => {
            let text = String::from_utf8(payload::read(&file)?);
            (text.map_err(|_| Failure::Config(format!("{} is no text in UTF-8", file.display())))?, "--input-file")
        }
        (prompt, None) => (prompt.unwrap_or_default(), "the question"),
    };
    if text.len() > MAX_EXTERNAL as usize {
        return Err(Failure::Config(format!("{name} has {} bytes; a task has at most {MAX_EXTERNAL}", text.len())));
    }
    Ok(text)
}

/// Checks a long question against the model itself, where it is on this machine, so that no fee is locked for what no
/// solver can do.
async fn check(settings: &Settings, known: &Known, prompt: &str, parameters: &[u8]) -> Result<(), Failure> {
    let (threads, folder) = (settings.threads()?, known.folder.clone());
    let (prompt, parameters) = (prompt.to_owned(), parameters.to_vec());
    let checking = tokio::task::spawn_blocking(move || {
        Artefact::load(&folder, &threads)?.check(prompt.as_bytes(), &parameters).map(drop)
    });
    match checking.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::Config(format!("the model {} cannot do this: {error}", known.name))),
        Err(error) => Err(Failure::Other(format!("the check broke off: {error}"))),
    }
}

/// The model that is asked: the one that is named, or the only one that fits.
fn choose<'a>(
    models: &'a [Model],
    known: &[Known],
    named: Option<&str>,
    embedding: bool,
) -> Result<&'a Model, Failure> {
    let kind = |model: &Model| known.iter().find(|known| known.manifest == model.manifest).map(|known| known.kind);
    let wanted = if embedding { Kind::Embedding } else { Kind::Text };
    let mut fitting: Vec<_> = models
        .iter()
        .filter(|model| match named {
            Some(text) => {
                let by_name = known.iter().any(|known| known.name == text && known.manifest == model.manifest);
                id(text) == Some(model.id) || Cid::parse(text) == Some(model.manifest) || by_name
            }
            None => !model.retired,
        })
        .collect();
    if named.is_none() && fitting.len() > 1 && fitting.iter().any(|model| kind(model) == Some(wanted)) {
        fitting.retain(|model| kind(model) == Some(wanted));
    }
    match fitting.as_slice() {
        [one] if one.retired => Err(Failure::NotFound("the model is retired and takes no tasks".into())),
        [one] => Ok(one),
        [] => Err(Failure::NotFound(match named {
            Some(text) => format!("no model '{text}' on this chain; `model list` shows those that are there"),
            None => "no model is registered on this chain".into(),
        })),
        several => {
            let ids: Vec<_> = several.iter().map(|model| hexadecimal(model.id)).collect();
            Err(Failure::Config(format!("several models fit; choose with --model among {}", ids.join(", "))))
        }
    }
}

fn text_parameters(asked: &config::Ask) -> Result<TextParameters, Failure> {
    let default = TextParameters::default();
    let fraction =
        |name, value: Option<f64>, default| value.map_or(Ok(default), |value| config::thousandths(name, value));
    let parameters = TextParameters {
        max_tokens: asked.max_tokens.unwrap_or(default.max_tokens),
        temperature_milli: fraction("--temperature", asked.temperature, default.temperature_milli)?,
        top_k: asked.top_k.unwrap_or(default.top_k),
        top_p_milli: fraction("--top-p", asked.top_p, default.top_p_milli)?,
        repetition_penalty_milli: fraction(
            "--repetition-penalty",
            asked.repetition_penalty,
            default.repetition_penalty_milli,
        )?,
        stop: asked.stop.clone(),
    };
    if parameters.max_tokens == 0 {
        return Err(Failure::Config("--max-tokens: at least 1".into()));
    }
    Ok(parameters)
}

/// What the best chain tells of one task, re-orgs included.
#[derive(Clone, Debug)]
struct Story {
    /// The task; `None` while a re-org has taken its submission out of the chain.
    task: Option<TaskId>,
    /// The block that took the task, as long as there is one.
    included: Option<Inclusion>,
    account: AccountId32,
    input: Cid,
    /// What happened to the task, by block.
    facts: Vec<(BlockNumber, Event)>,
    /// The blocks that were looked at, oldest first.
    blocks: VecDeque<(BlockNumber, Hash)>,
}

impl Story {
    /// Takes in the next block of the best chain.
    fn block(&mut self, number: BlockNumber, hash: Hash, events: Vec<Event>) {
        // The chain took another way from here on: what was told of it is void.
        self.blocks.retain(|(old, _)| *old < number);
        self.facts.retain(|(old, _)| *old < number);
        self.blocks.push_back((number, hash));
        if self.blocks.len() > REMEMBERED {
            self.blocks.pop_front();
        }
        if !self.facts.iter().any(|(_, event)| matches!(event, Event::Submitted { .. })) {
            (self.task, self.included) = (None, None);
        }
        for event in events {
            let (task, submission) = match &event {
                Event::Submitted { task, submitter, input, .. } => {
                    (*task, *submitter == self.account && *input == self.input)
                }
                Event::Committed { task, .. }
                | Event::Revealed { task, .. }
                | Event::Contested { task, .. }
                | Event::Resolved { task, .. }
                | Event::Settled { task, .. }
                | Event::Ended { task, .. } => (*task, false),
                Event::Registered { .. } | Event::Stake { .. } => continue,
            };
            if submission && self.task.is_none() {
                (self.task, self.included) = (Some(task), Some(Inclusion { number, hash }));
            }
            if self.task == Some(task) {
                self.facts.push((number, event));
            }
        }
    }

    fn knows(&self, hash: Hash) -> bool {
        self.blocks.iter().any(|(_, known)| *known == hash)
    }

    fn submitted(&self) -> Option<BlockNumber> {
        self.facts.iter().find(|(_, event)| matches!(event, Event::Submitted { .. })).map(|(number, _)| *number)
    }

    fn committed_by(&self, who: &AccountId32) -> Option<BlockNumber> {
        self.facts
            .iter()
            .find(|(_, event)| matches!(event, Event::Committed { solver, .. } if solver == who))
            .map(|(number, _)| *number)
    }

    fn commitments(&self) -> usize {
        self.facts.iter().filter(|(_, event)| matches!(event, Event::Committed { .. })).count()
    }

    /// The standing solution: block, solver and content id of the output.
    fn revealed(&self) -> Option<(BlockNumber, AccountId32, Cid)> {
        self.facts.iter().rev().find_map(|(number, event)| match event {
            Event::Revealed { solver, output, .. } => Some((*number, *solver, *output)),
            _ => None,
        })
    }

    fn settled(&self) -> Option<(BlockNumber, AccountId32, Settlement)> {
        self.facts.iter().find_map(|(number, event)| match event {
            Event::Settled { solver, settlement, .. } => Some((*number, *solver, *settlement)),
            _ => None,
        })
    }

    /// Whether the answer is contested, or how the dispute over it has ended.
    fn dispute(&self) -> Option<Option<Verdict>> {
        self.facts.iter().rev().find_map(|(_, event)| match event {
            Event::Contested { .. } => Some(None),
            Event::Resolved { verdict, .. } => Some(Some(*verdict)),
            _ => None,
        })
    }

    fn ended(&self) -> Option<(BlockNumber, State)> {
        self.facts.iter().find_map(|(number, event)| match event {
            Event::Ended { state, .. } => Some((*number, *state)),
            _ => None,
        })
    }
}

/// A settled task.
#[derive(Debug)]
struct Settled {
    task: TaskId,
    output: Vec<u8>,
    solver: AccountId32,
    settlement: Settlement,
    blocks: [Option<BlockNumber>; 4],
}

impl Settled {
    fn json(&self, model: &Model, name: Option<&str>, prompt: &str) -> Value {
        let [submit, commit, reveal, settle] = self.blocks;
        let [model_fee, fee_treasury, fee_solver, fee_delegators] = self.settlement.fee.map(money);
        let [treasury, liquidity, solver, delegators, validators, user] = self.settlement.reward.map(money);
        json!({
            "task": hexadecimal(self.task),
            "model": { "id": hexadecimal(model.id), "manifest": model.manifest.to_string(), "name": name },
            "prompt": payloads::is_inline(prompt.len()).then_some(prompt),
            "input_cid": shown_cid(prompt.as_bytes()),
            "output": output_value(&self.output),
            "output_cid": shown_cid(&self.output),
            "solver": self.solver.to_string(),
            "blocks": { "submit": submit, "commit": commit, "reveal": reveal, "settle": settle },
            "fee": {
                "paid": money(self.settlement.paid()),
                "model": model_fee,
                "treasury": fee_treasury,
                "solver": fee_solver,
                "delegators": fee_delegators,
            },
            "reward": {
                "minted": money(self.settlement.minted()),
                "treasury": treasury,
                "liquidity": liquidity,
                "solver": solver,
                "delegators": delegators,
                "validators": validators,
                "user": user,
            },
        })
    }
}

/// The content id of a payload as the standard tools show it.
fn shown_cid(payload: &[u8]) -> Option<String> {
    assay_peers::Content::of(payload).ok().map(|content| content.root().to_string())
}

/// Follows one task.
struct Follower {
    chain: Chain,
    story: Story,
    spinner: Spinner,
    as_json: bool,
    /// Gives answers that are too long for the chain.
    peers: Option<Peers>,
    /// Shows the answer while it is drawn.
    preview: Option<Preview>,
    /// What was drawn.
    drawn: String,
    /// The answer that was shown last.
    shown: Option<(Cid, Vec<u8>)>,
    /// Why the answer that stands was not seen, if it was not.
    unseen: Option<String>,
}

impl Follower {
    /// Follows the task from the block that took it until it is settled, for `limit` at most.
    async fn settle(mut self, first: Head, limit: Option<Duration>) -> Result<Settled, Failure> {
        let begin = Instant::now();
        // What comes before the block that took the task is known not to tell of it.
        self.story.blocks.push_back((first.number.saturating_sub(1), first.parent));
        loop {
            let left = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
            let followed = match left {
                Some(left) => match tokio::time::timeout(left, self.follow()).await {
                    Ok(followed) => followed,
                    Err(_) => return Err(self.timed_out(limit)),
                },
                None => self.follow().await,
            };
            match followed {
                Ok(result) => return result,
                Err(error @ ChainError::Incompatible(_)) => return Err(error.into()),
                Err(error) => {
                    tracing::debug!(%error, "following anew");
                    self.spinner.say("the node is away; waiting for it");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn timed_out(&self, limit: Option<Duration>) -> Failure {
        let seconds = limit.map_or(0, |limit| limit.as_secs());
        let task = self.story.task.map_or("it".into(), hexadecimal);
        let state = match (self.story.revealed(), self.story.commitments()) {
            (Some(_), _) => "answered, but not settled yet",
            (None, 0) => "waiting for a solver",
            (None, _) => "committed to, but not answered yet",
        };
        Failure::TimedOut(format!("the task is {state} after {seconds} s; `task show {task}` tells how it goes on"))
    }

    async fn follow(&mut self) -> Result<Result<Settled, Failure>, ChainError> {
        let mut heads: Heads = self.chain.heads().await?;
        let mut head = self.chain.best().await?.head().await?;
        loop {
            if let Some(result) = self.advance(head).await? {
                return Ok(result);
            }
            head = loop {
                tokio::select! {
                    next = heads.next() => break next?,
                    text = Preview::text(&mut self.preview) => self.draw(&text),
                }
            };
        }
    }

    /// Shows the end of what was drawn.
    fn draw(&mut self, text: &str) {
        self.drawn.push_str(text);
        let begin = self.drawn.char_indices().rev().nth(DRAWN - 1).map_or(0, |(place, _)| place);
        let shown: String =
            self.drawn[begin..].chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
        self.spinner.say(&format!("provisional: {shown}"));
    }

    /// Compares what was drawn with the answer of `answered_by`, says what that shows, and keeps what was signed and wrong.
    async fn judge(&mut self, answered_by: AccountId32, output: &[u8]) {
        let Some(seen) = self.preview.take().and_then(|preview| preview.seen()) else { return };
        let Some(included) = self.story.included else { return };
        let committed = self.story.committed_by(&seen.solver);
        let difference = match previews::judge(&self.chain, &seen, included, committed, output).await {
            Judgement::Holds => return,
            Judgement::Void => {
                let why = "a fork has moved the task, and with it its answer";
                return self.spinner.note(&format!("what was shown as provisional does not hold: {why}"));
            }
            Judgement::Differs(difference) => difference,
        };
        let path = default_folder().join("previews").join(format!("{}.json", hexadecimal(seen.task)));
        let solver = seen.solver;
        let wrong = Wrong { at: now(), difference, answered_by, output: payloads::cid(output).0, seen };
        let written = std::fs::create_dir_all(default_folder().join("previews"))
            .and_then(|()| std::fs::write(&path, wrong.json().to_string()));
        let kept = match written {
            Ok(()) => format!("what it signed is in {}", path.display()),
            Err(error) => format!("what it signed could not be kept in {}: {error}", path.display()),
        };
        self.spinner.note(&format!("warning: what {solver} streamed is not the answer that was revealed; {kept}"));
    }

    /// Takes in every block up to `head` that was not looked at.
    async fn advance(&mut self, head: Head) -> Result<Option<Result<Settled, Failure>>, ChainError> {
        let oldest = self.story.blocks.front().map_or(0, |(number, _)| *number);
        let mut news: Vec<At> = Vec::new();
        let mut next = head;
        while !self.story.knows(next.hash) && next.number >= oldest && news.len() < REMEMBERED {
            let at = self.chain.at(next.hash).await?;
            let parent = next.parent;
            news.push(at);
            if self.story.knows(parent) || next.number == 0 {
                break;
            }
            next = self.chain.at(parent).await?.head().await?;
        }
        for at in news.into_iter().rev() {
            let events = at.events().await?;
            self.story.block(at.number(), at.hash(), events);
            if let Some(result) = self.tell(&at).await? {
                return Ok(Some(result));
            }
        }
        Ok(None)
    }

    /// Tells the user what is new, and ends when the task has.
    async fn tell(&mut self, at: &At) -> Result<Option<Result<Settled, Failure>>, ChainError> {
        let Some(task) = self.story.task else {
            self.spinner.say("the chain took another way; waiting for the task to be in a block again");
            return Ok(None);
        };
        match (self.story.revealed(), self.story.commitments()) {
            (Some((number, solver, cid)), _) => {
                if self.shown.as_ref().is_none_or(|(shown, _)| *shown != cid) {
                    if let Some(output) = self.output(at, task).await? {
                        self.judge(solver, &output).await;
                        if let Err(failure) = self.show(number, &solver, &output) {
                            return Ok(Some(Err(failure)));
                        }
                        self.shown = Some((payloads::cid(&output), output));
                    }
                }
            }
            (None, 0) => self.spinner.say_at(at.number(), "waiting for a solver"),
            (None, count) => self.spinner.say_at(at.number(), &format!("{count} committed to an answer")),
        }
        if self.story.dispute() == Some(None) {
            self.spinner.say_at(at.number(), "the answer is contested: do not rely on it; waiting for the verdict");
        }
        let settled = self.story.settled().map(|(number, ..)| number);
        let Some(end) = settled.or(self.story.ended().map(|(number, _)| number)) else { return Ok(None) };
        if self.chain.finalized().await?.number() < end {
            // Another fork may still undo it.
            self.spinner.say("the task has ended; waiting for that to be final");
            return Ok(None);
        }
        if let Some((_, state)) = self.story.ended() {
            let what = match state {
                State::Expired => "expired: nobody answered in time, and the fee came back",
                State::Retracted => "was withdrawn by its owner",
                _ if self.story.dispute() == Some(Some(Verdict::Falls)) => {
                    "ended: the answer was contested and is wrong; the fee came back"
                }
                _ => "ended: the answer was contested and too few voted; the fee came back",
            };
            return Ok(Some(Err(Failure::NotSettled(format!("the task {} {what}", hexadecimal(task))))));
        }
        let Some((settle, solver, settlement)) = self.story.settled() else { return Ok(None) };
        let reveal = self.story.revealed().map(|(number, _, _)| number);
        let blocks = [self.story.submitted(), self.story.committed_by(&solver), reveal, Some(settle)];
        let Some((_, output)) = self.shown.take() else {
            let reason = "the task was settled, but its answer was not seen while it was on the chain".to_owned();
            return Ok(Some(Err(Failure::Other(self.unseen.take().unwrap_or(reason)))));
        };
        let paid = amount::format(settlement.paid());
        let minted: Balance = settlement.minted();
        let minted = amount::format(minted);
        self.spinner.note(&format!("settled in block {settle}: {paid} ASY paid, {minted} ASY minted"));
        Ok(Some(Ok(Settled { task, output, solver, settlement, blocks })))
    }

    /// The answer that stands, from the chain or from peers.
    async fn output(&mut self, at: &At, task: TaskId) -> Result<Option<Vec<u8>>, ChainError> {
        let (cid, length) = match at.output(task).await? {
            Some(Payload::Inline(output)) => return Ok(Some(output)),
            Some(Payload::External { cid, length }) => (cid, length),
            None => return Ok(None),
        };
        let content = payloads::content(&cid, length);
        let root = content.root();
        let why = match &self.peers {
            None => "give --peers-bootstrap with the address of a solver".to_owned(),
            Some(peers) => {
                self.spinner.say(&format!("fetching the answer {root} of {length} bytes from peers"));
                let until = tokio::time::Instant::now() + FETCH;
                match peers.fetch(&payloads::holder(&task), content, until).await {
                    Ok(output) => return Ok(Some(output)),
                    Err(error) => error.to_string(),
                }
            }
        };
        let line = format!("the answer {root} of {length} bytes is kept by peers and was not had: {why}");
        if self.unseen.as_ref() != Some(&line) {
            self.spinner.note(&line);
        }
        self.unseen = Some(line);
        Ok(None)
    }

    fn show(&self, number: BlockNumber, solver: &AccountId32, output: &[u8]) -> Result<(), Failure> {
        let again = if self.shown.is_some() { "another answer took its place" } else { "answered" };
        self.spinner.note(&format!("{again} in block {number} by {solver}"));
        if !self.as_json {
            self.spinner.suspend(|| match output_value(output) {
                Value::String(text) => out::text(&text),
                vector => out::result(vector),
            })?;
        }
        self.spinner.say("the answer can be used; waiting for the contest window to end");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: AccountId32 = AccountId32([1; 32]);
    const SOLVER: AccountId32 = AccountId32([2; 32]);

    fn story() -> Story {
        let task = Some(Hash::repeat_byte(1));
        Story { task, included: None, account: ME, input: Cid::of(b"q"), facts: Vec::new(), blocks: VecDeque::new() }
    }

    fn submitted(task: u8) -> Event {
        Event::Submitted { task: Hash::repeat_byte(task), submitter: ME, model: Hash::zero(), input: Cid::of(b"q") }
    }

    fn committed(task: u8) -> Event {
        Event::Committed { task: Hash::repeat_byte(task), solver: SOLVER }
    }

    #[test]
    fn a_story_follows_its_task_alone() {
        let mut story = story();
        story.block(5, Hash::repeat_byte(5), vec![submitted(1), committed(9)]);
        story.block(6, Hash::repeat_byte(6), vec![committed(1)]);
        assert_eq!((story.submitted(), story.committed_by(&SOLVER), story.commitments()), (Some(5), Some(6), 1));
    }

    #[test]
    fn a_reorg_voids_what_was_told_and_finds_the_task_under_its_new_id() {
        let mut story = story();
        story.block(5, Hash::repeat_byte(5), vec![submitted(1)]);
        story.block(6, Hash::repeat_byte(6), vec![committed(1)]);
        story.block(5, Hash::repeat_byte(7), vec![]);
        assert_eq!((story.task, story.included, story.commitments()), (None, None, 0));
        story.block(6, Hash::repeat_byte(8), vec![submitted(2)]);
        assert_eq!((story.task, story.submitted()), (Some(Hash::repeat_byte(2)), Some(6)));
        assert_eq!(story.included, Some(Inclusion { number: 6, hash: Hash::repeat_byte(8) }));
    }

    #[test]
    fn the_block_that_took_the_task_is_not_forgotten_with_the_blocks() {
        let mut story = story();
        story.block(5, Hash::repeat_byte(5), vec![submitted(1)]);
        for number in 6..6 + 2 * REMEMBERED as BlockNumber {
            story.block(number, Hash::from_low_u64_be(number.into()), vec![]);
        }
        assert!(!story.knows(Hash::repeat_byte(5)));
        assert_eq!(story.included, Some(Inclusion { number: 5, hash: Hash::repeat_byte(5) }));
    }

    #[test]
    fn a_dispute_is_told_from_its_verdict() {
        let mut story = story();
        let task = Hash::repeat_byte(1);
        story.block(5, Hash::repeat_byte(5), vec![submitted(1)]);
        assert_eq!(story.dispute(), None);
        story.block(6, Hash::repeat_byte(6), vec![Event::Contested { task, solver: SOLVER, contester: ME }]);
        assert_eq!(story.dispute(), Some(None));
        let ended = Event::Ended { task, state: State::Refunded };
        story.block(7, Hash::repeat_byte(7), vec![Event::Resolved { task, verdict: Verdict::Falls }, ended]);
        assert_eq!((story.dispute(), story.ended()), (Some(Some(Verdict::Falls)), Some((7, State::Refunded))));
    }

    fn model(id: u8, manifest: &[u8], retired: bool) -> Model {
        Model {
            id: Hash::repeat_byte(id),
            owner: ME,
            manifest: Cid::of(manifest),
            fee: 0,
            recipient: ME,
            rate: 0,
            retired,
            solvers: 1,
        }
    }

    #[test]
    fn models_are_chosen_by_id_cid_name_or_kind() {
        let models = [model(1, b"story", false), model(2, b"minilm", false), model(3, b"old", true)];
        let known = [
            Known { folder: PathBuf::new(), name: "story".into(), manifest: Cid::of(b"story"), kind: Kind::Text },
            Known {
                folder: PathBuf::new(),
                name: "minilm".into(),
                manifest: Cid::of(b"minilm"),
                kind: Kind::Embedding,
            },
        ];
        let chosen =
            |named: Option<&str>, embedding| choose(&models, &known, named, embedding).map(|model| model.id.0[0]);
        assert_eq!(chosen(Some("minilm"), false).unwrap(), 2);
        assert_eq!(chosen(Some(&Cid::of(b"story").to_string()), false).unwrap(), 1);
        assert_eq!(chosen(Some(&hexadecimal(Hash::repeat_byte(2))), false).unwrap(), 2);
        assert_eq!(chosen(None, false).unwrap(), 1);
        assert_eq!(chosen(None, true).unwrap(), 2);
        assert!(matches!(chosen(Some("nonesuch"), false), Err(Failure::NotFound(_))));
        assert!(matches!(chosen(Some(&hexadecimal(Hash::repeat_byte(3))), false), Err(Failure::NotFound(_))));
        assert!(matches!(choose(&models, &[], None, false), Err(Failure::Config(_))));
        assert!(matches!(choose(&[], &known, None, false), Err(Failure::NotFound(_))));
    }

    #[test]
    fn the_object_has_every_part() {
        let settlement = Settlement { fee: [1, 2, 3, 4], reward: [5, 6, 7, 8, 9, 10] };
        let settled = Settled {
            task: Hash::repeat_byte(1),
            output: b"raw".to_vec(),
            solver: SOLVER,
            settlement,
            blocks: [Some(1), Some(2), Some(3), Some(4)],
        };
        let object = settled.json(&model(1, b"story", false), Some("story"), "q");
        assert_eq!(object["fee"]["paid"], json!({ "asy": "0.00000000001", "units": "10" }));
        assert_eq!(object["reward"]["minted"]["units"], "45");
        let part = |of: &str, name: &str| object[of][name]["units"].as_str().unwrap().to_owned();
        assert_eq!(["model", "treasury", "solver", "delegators"].map(|name| part("fee", name)), ["1", "2", "3", "4"]);
        let names = ["treasury", "liquidity", "solver", "delegators", "validators", "user"];
        assert_eq!(names.map(|name| part("reward", name)), ["5", "6", "7", "8", "9", "10"]);
        assert_eq!(object["blocks"], json!({ "submit": 1, "commit": 2, "reveal": 3, "settle": 4 }));
        assert_eq!(object["model"]["name"], "story");
        assert_eq!(object["output_cid"], Cid::of(b"raw").to_string());
    }
}
