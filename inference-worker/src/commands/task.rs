//! `task`: look at tasks.

use super::{connect, hexadecimal, id, money};
use crate::{chain::types::Payload, config::Settings, failure::Failure, out, payloads};
use assay_types::{
    inference::{Output, Parameters},
    Cid, TaskId,
};
use codec::DecodeAll;
use serde_json::{json, Value};

/// Prints what the chain knows of a task, as JSON.
///
/// # Errors
/// There is no such task, or the node does not answer.
pub async fn show(settings: &Settings, text: &str) -> Result<(), Failure> {
    let task = parse(text)?;
    let chain = connect(settings).await?;
    let at = chain.best().await?;
    let found = at.task(task).await?.ok_or_else(|| {
        Failure::NotFound(format!("the chain knows no task {text}: it never existed or was forgotten after it ended"))
    })?;
    let (solution, dispute) = (at.solution(task).await?, at.dispute(task).await?);
    let (input, output) = (at.input(task).await?, at.output(task).await?);
    let parameters = input
        .as_ref()
        .and_then(|input| Parameters::decode_all(&mut &*input.parameters).ok())
        .map(|parameters| format!("{parameters:?}"));
    let shown = json!({
        "task": hexadecimal(found.id),
        "state": format!("{:?}", found.state),
        "submitter": found.submitter.to_string(),
        "model": hexadecimal(found.model),
        "parameters": parameters,
        "fee": money(found.fee),
        "reward": money(found.reward),
        "solver": found.solver.map(|solver| solver.to_string()),
        "submitted_at": found.submitted_at,
        "deadline": found.deadline,
        "at": at.number(),
        "input": input.map(|input| payload_value(&input.payload, false)),
        "output": output.map(|payload| payload_value(&payload, true)),
        "solution": solution.map(|solution| json!({
            "solver": solution.solver.to_string(),
            "committed_at": solution.committed_at,
            "revealed_at": solution.revealed_at,
            "output": solution.output.to_string(),
        })),
        "dispute": dispute.map(|dispute| json!({
            "solver": dispute.solver.to_string(),
            "contester": dispute.contester.to_string(),
            "stake": money(dispute.stake),
            "votes_until": dispute.votes_until,
            "opens_until": dispute.opens_until,
            "verdict": dispute.verdict.map(|verdict| format!("{verdict:?}")),
        })),
    });
    out::result(serde_json::to_string_pretty(&shown).map_err(|error| Failure::Other(error.to_string()))?)
}

/// Reads the id of a task.
pub(crate) fn parse(text: &str) -> Result<TaskId, Failure> {
    id(text).ok_or_else(|| Failure::Config(format!("'{text}' is no task id: 64 hexadecimal digits")))
}

fn payload_value(payload: &Payload, output: bool) -> Value {
    match payload {
        Payload::Inline(bytes) => {
            let content = if output { output_value(bytes) } else { json!(String::from_utf8_lossy(bytes)) };
            json!({ "cid": Cid::of(bytes).to_string(), "content": content })
        }
        Payload::External { cid, length } => {
            json!({ "cid": payloads::content(cid, *length).root().to_string(), "length": length })
        }
    }
}

/// An answer as JSON: text, a vector, or the raw bytes of what is neither.
pub(crate) fn output_value(bytes: &[u8]) -> Value {
    match Output::decode_all(&mut &*bytes) {
        Ok(Output::Text(output)) => json!(output.text),
        Ok(Output::Embedding(output)) => json!(output.values()),
        Err(_) => json!(format!("0x{}", hex::encode(bytes))),
    }
}
