//! What a stream shows before the chain has the answer, and what becomes of that when it has.

use super::{error::ApiError, render, store, Gateway};
use crate::{
    indexer::{Answered, Found},
    metrics::Kind,
    previews::{self, Judgement, Preview, Seen, Wrong},
};
use assay_types::TaskId;
use axum::http::StatusCode;

impl Gateway {
    /// Looks for the preview of a task that has no answer yet, if this gateway has peers.
    pub(super) fn preview(&self, found: &Found) -> Option<Preview> {
        let previews = self.previews.as_ref().filter(|_| found.record.solution().is_none())?;
        Some(previews.follow(found.record.task, found.record.model, found.record.included()?))
    }

    /// Compares what was seen of a preview with the answer that was revealed. One that differs is reported: counted, logged
    /// and kept with the solver's signature.
    pub(super) async fn judge(&self, seen: Seen, found: &Found, answer: &Answered) -> Judgement {
        let Some(included) = found.record.included() else { return Judgement::Void };
        let committed = found.record.committed_by(&seen.solver).map(|at| at.number);
        let output = answer.payload.as_deref().unwrap_or_default();
        let judgement = previews::judge(&self.chain, &seen, included, committed, output).await;
        let kind = match judgement {
            Judgement::Holds => "held",
            Judgement::Void => "void",
            Judgement::Differs(_) => "differs",
        };
        self.metrics.previews.get_or_create(&Kind { kind }).inc();
        if let Judgement::Differs(difference) = judgement {
            let (task, in_what) = (seen.task, difference.name());
            let (streamed_by, answered_by) = (seen.solver, answer.solver);
            tracing::warn!(?task, %streamed_by, %answered_by, in_what, "a preview was not that of the answer");
            let wrong = Wrong { at: store::now(), difference, answered_by, output: answer.output, seen };
            if let Err(error) = self.store.keep(&wrong) {
                tracing::error!(%error, "a preview that was not that of the answer is not kept");
            }
        }
        judgement
    }
}

/// What of an answer's text a stream has still to show, after a preview has shown `shown`.
///
/// # Errors
/// What was shown is not its beginning: a stream cannot take back what it has said.
pub(super) fn rest(task: TaskId, judgement: Judgement, shown: &str, text: &str) -> Result<String, ApiError> {
    match (judgement, text.strip_prefix(shown)) {
        (Judgement::Holds, Some(rest)) => return Ok(rest.to_owned()),
        // Nothing wrong has reached the client.
        _ if shown.is_empty() => return Ok(text.to_owned()),
        _ => {}
    }
    let (code, why) = match judgement {
        Judgement::Void => ("preview_void", "a fork moved the task into another block, where it has another answer"),
        _ => {
            ("preview_differs", "what was streamed is not the answer that was revealed, and the solver's word is kept")
        }
    };
    let message = format!("{why}: do not use the text of this stream; the answer is at GET {}", render::link(task));
    Err(ApiError::status(StatusCode::BAD_GATEWAY, "task_error", code, message).of(Some(task)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::previews::Difference;

    #[test]
    fn a_stream_goes_on_where_its_preview_ended_or_says_that_it_was_wrong() {
        let task = TaskId::repeat_byte(1);
        let rest = |judgement, shown, text| rest(task, judgement, shown, text).map_err(|error| error.code());
        let differs = Judgement::Differs(Difference::Tokens);
        assert_eq!(rest(Judgement::Holds, "", "to be").as_deref(), Ok("to be"));
        assert_eq!(rest(Judgement::Holds, "to", "to be").as_deref(), Ok(" be"));
        assert_eq!(rest(Judgement::Holds, "to be", "to be").as_deref(), Ok(""));
        assert_eq!(rest(differs, "", "to be").as_deref(), Ok("to be"), "the client has seen nothing of it");
        assert_eq!(rest(differs, "to", "to be"), Err("preview_differs"), "what else was said may be wrong");
        assert_eq!(rest(differs, "not", "to be"), Err("preview_differs"));
        assert_eq!(rest(Judgement::Void, "not", "to be"), Err("preview_void"));
        assert_eq!(rest(Judgement::Void, "", "to be").as_deref(), Ok("to be"));
        let error = super::rest(task, differs, "not", "to be").unwrap_err();
        let body = error.body();
        assert!(body["error"]["message"].as_str().unwrap().contains(&render::link(task)), "{body}");
        assert_eq!(body["error"]["task"], format!("{task:?}"));
    }
}
