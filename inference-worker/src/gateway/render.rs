//! Answers, in the words of OpenAI's API, with what is known of their tasks.

use super::{
    body::{Question, Shape},
    error::ApiError,
};
use crate::{
    chain::types::Settlement,
    commands::{hexadecimal, money},
    indexer::{Answered, Asked, Found, What},
    journal::Inclusion,
};
use assay_types::{
    inference::{Finish, Output, Parameters, TextOutput},
    Cid, TaskId,
};
use axum::http::StatusCode;
use base64::Engine;
use codec::DecodeAll;
use serde_json::{json, Value};
use subxt::utils::AccountId32;

/// Where the chain shows a task.
pub fn link(task: TaskId) -> String {
    format!("/v1/tasks/{task:?}")
}

/// What is known of a task, for the field `assay` of every answer.
pub fn task(found: &Found) -> Value {
    let record = &found.record;
    let solution = record.solution();
    let place = |at: Option<Inclusion>| at.map(|at| json!({ "number": at.number, "hash": format!("{:?}", at.hash) }));
    json!({
        "task": hexadecimal(record.task),
        "status": state(found),
        "final": found.is_final(),
        "model": hexadecimal(record.model),
        "output_cid": solution.map(|(_, output)| output.to_string()),
        "solver": solution.map(|(solver, _)| solver.to_string()),
        "revealed_in": place(record.revealed()),
        "task_url": link(record.task),
        "verify_url": format!("{}/verify", link(record.task)),
    })
}

/// The state of a task, in a word.
pub fn state(found: &Found) -> String {
    format!("{:?}", found.record.state()).to_lowercase()
}

/// An answer that fits the question.
pub enum Reply {
    /// A text.
    Text(TextOutput),
    /// A vector.
    Vector(Vec<f32>),
}

/// Decodes an answer.
///
/// # Errors
/// 502 when it is kept elsewhere, or is no answer to this kind of question: it can be contested, not shown.
pub fn reply(shape: Shape, found: &Found, answer: &Answered) -> Result<Reply, ApiError> {
    let failed = |code, message| {
        ApiError::status(StatusCode::BAD_GATEWAY, "task_error", code, message).of(Some(found.record.task))
    };
    let Some(bytes) = &answer.payload else {
        return Err(failed("no_payload", "the answer is not kept on chain and cannot be shown here"));
    };
    match (shape, Output::decode_all(&mut &bytes[..])) {
        (Shape::Chat | Shape::Completion, Ok(Output::Text(text))) => Ok(Reply::Text(text)),
        (Shape::Embedding { .. }, Ok(Output::Embedding(vector))) => Ok(Reply::Vector(vector.values())),
        _ => Err(failed("unfit_answer", "the answer on chain is none to this kind of question")),
    }
}

/// What every object of one answer has in common.
pub struct Frame<'a> {
    /// The question.
    pub question: &'a Question,
    /// The model's name, as it was asked for.
    pub model: &'a str,
    /// When it was answered, in seconds since 1970.
    pub created: u64,
    /// Tokens of the prompt, where the artefact is on this machine.
    pub prompt_tokens: Option<usize>,
}

impl Frame<'_> {
    /// The whole answer.
    pub fn whole(&self, found: &Found, reply: &Reply) -> Value {
        let text = match reply {
            Reply::Text(text) => text,
            Reply::Vector(values) => return self.vector(found, values),
        };
        let finish = finish(text.finish);
        let (object, choice) = match self.question.shape {
            Shape::Completion => ("text_completion", json!({ "text": text.text })),
            _ => {
                let message = json!({ "role": "assistant", "content": text.text, "refusal": null });
                ("chat.completion", json!({ "message": message }))
            }
        };
        let mut answer = self.object(found, object, choice, finish.into());
        answer["usage"] = self.usage(text.tokens.len());
        answer
    }

    fn vector(&self, found: &Found, values: &[f32]) -> Value {
        let embedding = match self.question.shape {
            Shape::Embedding { base64: true } => {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                json!(base64::engine::general_purpose::STANDARD.encode(bytes))
            }
            _ => json!(values),
        };
        let tokens = self.prompt_tokens.unwrap_or(0);
        json!({
            "object": "list",
            "data": [{ "object": "embedding", "index": 0, "embedding": embedding }],
            "model": self.model,
            "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
            "assay": task(found),
        })
    }

    /// How many tokens were read and generated. Of a prompt whose model is not on this machine nothing is known: 0.
    fn usage(&self, generated: usize) -> Value {
        let prompt = self.prompt_tokens.unwrap_or(0);
        json!({
            "prompt_tokens": prompt,
            "completion_tokens": generated,
            "total_tokens": prompt.saturating_add(generated),
        })
    }

    fn object(&self, found: &Found, object: &str, mut choice: Value, finish: Value) -> Value {
        choice["index"] = json!(0);
        choice["logprobs"] = Value::Null;
        choice["finish_reason"] = finish;
        let task_id = hexadecimal(found.record.task);
        let prefix = if self.question.shape == Shape::Completion { "cmpl" } else { "chatcmpl" };
        json!({
            "id": format!("{prefix}-{}", task_id.trim_start_matches("0x")),
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "assay": task(found),
        })
    }

    fn chunk(&self, found: &Found, delta: Value, text: &str, finish: Value) -> Value {
        let mut chunk = match self.question.shape {
            Shape::Completion => self.object(found, "text_completion", json!({ "text": text }), finish),
            _ => self.object(found, "chat.completion.chunk", json!({ "delta": delta }), finish),
        };
        // Until its task is settled for good, a fork or a dispute may undo what a stream has said.
        chunk["assay"]["provisional"] = json!(!found.has_ended_for_good());
        if self.question.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    /// The first chunk of a stream: the task is in a block.
    pub fn first(&self, found: &Found) -> Value {
        self.chunk(found, json!({ "role": "assistant", "content": "" }), "", Value::Null)
    }

    /// A chunk with some of the text.
    pub fn text(&self, found: &Found, text: &str) -> Value {
        self.chunk(found, json!({ "content": text }), text, Value::Null)
    }

    /// A chunk with some of the text that `solver` has drawn and the chain has not seen.
    pub fn preview(&self, found: &Found, text: &str, solver: Option<AccountId32>) -> Value {
        let mut chunk = self.text(found, text);
        chunk["assay"]["preview"] = json!({ "solver": solver.map(|solver| solver.to_string()) });
        chunk
    }

    /// The chunk that ends the choice.
    pub fn last(&self, found: &Found, text: &TextOutput) -> Value {
        self.chunk(found, json!({}), "", finish(text.finish).into())
    }

    /// The chunk that counts tokens.
    pub fn count(&self, found: &Found, text: &TextOutput) -> Value {
        let mut chunk = self.chunk(found, json!({}), "", Value::Null);
        chunk["choices"] = json!([]);
        chunk["usage"] = self.usage(text.tokens.len());
        chunk
    }
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::EndOfSequence | Finish::Stop => "stop",
        Finish::MaxTokens => "length",
    }
}

/// A task with its whole history. Payloads are shown where they are given.
pub fn details(found: &Found, asked: Option<&Asked>, answer: Option<&Answered>) -> Value {
    let record = &found.record;
    let mut shown = task(found);
    let history = record.facts.iter().enumerate().map(|(place, fact)| {
        let mut event = json!({
            "event": fact.what.name(),
            "block": fact.at.number,
            "block_hash": format!("{:?}", fact.at.hash),
            "final": place < found.finals,
        });
        match &fact.what {
            What::Committed(solver) => event["solver"] = json!(solver.to_string()),
            What::Revealed { solver, output, replaced } => {
                event["solver"] = json!(solver.to_string());
                event["output_cid"] = json!(Cid(*output).to_string());
                event["replaced"] = json!(replaced.map(|solver| solver.to_string()));
            }
            What::Contested(contester) => event["contester"] = json!(contester.to_string()),
            What::Resolved(stands) => {
                event["verdict"] = json!(match stands {
                    Some(true) => "stands",
                    Some(false) => "falls",
                    None => "inconclusive",
                });
            }
            What::Settled { solver, .. } => event["solver"] = json!(solver.to_string()),
            What::Submitted | What::Refunded | What::Expired | What::Retracted => {}
        }
        event
    });
    let history: Vec<Value> = history.collect();
    shown["history"] = json!(history);
    shown["submitter"] = json!(record.submitter.to_string());
    shown["submitted_at"] = json!(record.submitted_at());
    shown["deadline"] = json!(record.deadline);
    shown["transaction"] = json!(record.transaction.map(|hash| format!("{hash:?}")));
    shown["fee"] = money(record.fee);
    shown["input_cid"] = json!(Cid(record.input).to_string());
    shown["settlement"] = json!(record.settlement().map(settlement));
    if let Some(asked) = asked {
        shown["input"] = json!(asked.payload.as_deref().map(String::from_utf8_lossy));
        shown["parameters"] = parameters(&asked.parameters);
        shown["seed"] = json!(asked.seed.map(|seed| format!("0x{}", hex::encode(seed))));
    }
    if let Some(bytes) = answer.and_then(|answer| answer.payload.as_deref()) {
        shown["output"] = crate::commands::task::output_value(bytes);
    }
    shown
}

fn parameters(bytes: &[u8]) -> Value {
    match Parameters::decode_all(&mut &*bytes) {
        Ok(Parameters::Text(text)) => json!({
            "max_tokens": text.max_tokens,
            "temperature_milli": text.temperature_milli,
            "top_k": text.top_k,
            "top_p_milli": text.top_p_milli,
            "repetition_penalty_milli": text.repetition_penalty_milli,
            "stop": text.stop,
        }),
        Ok(Parameters::Embedding) => json!("embedding"),
        Err(_) => json!(format!("0x{}", hex::encode(bytes))),
    }
}

fn settlement(settlement: Settlement) -> Value {
    let [model, treasury, solver, delegators] = settlement.fee.map(money);
    let paid = json!({ "model": model, "treasury": treasury, "solver": solver, "delegators": delegators });
    let [treasury, liquidity, solver, delegators, validators, user] = settlement.reward.map(money);
    json!({
        "fee": paid,
        "paid": money(settlement.paid()),
        "reward": {
            "treasury": treasury,
            "liquidity": liquidity,
            "solver": solver,
            "delegators": delegators,
            "validators": validators,
            "user": user,
        },
        "minted": money(settlement.minted()),
    })
}
