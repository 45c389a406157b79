//! Errors in OpenAI's shape, with what the official clients look for to decide whether to try again.

use crate::indexer::IndexError;
use assay_types::TaskId;
use axum::{
    http::{header, HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    Json,
};
use serde_json::{json, Value};
use std::time::Duration;

/// Header that names the task of a request.
pub const TASK: HeaderName = HeaderName::from_static("x-assay-task");
/// Header by which a client is told whether to send the same request again.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Why a request was not answered. In a box, because it is part of many results.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    kind: &'static str,
    code: &'static str,
    message: String,
    param: Option<String>,
    after: Option<Duration>,
    task: Option<TaskId>,
    again: bool,
    /// Headers of its own.
    headers: HeaderMap,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        let (param, after, task) = (None, None, None);
        // The clients try again after 408, 409, 429 and 5xx unless they are told not to.
        let (message, headers) = (message.into(), HeaderMap::new());
        Self(Box::new(Parts { status, kind, code, message, param, after, task, again: true, headers }))
    }

    /// 400: the request itself is wrong.
    pub fn invalid(param: Option<&str>, code: &'static str, message: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", code, message);
        error.0.param = param.map(str::to_owned);
        error
    }

    /// 401: no key, or none that is known.
    pub fn unauthorised(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication_error", "invalid_api_key", message)
    }

    /// 402: the account that pays has too little.
    pub fn unfunded(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, "insufficient_funds", "insufficient_funds", message)
    }

    /// 403: whoever asks may not.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission_error", "origin_not_allowed", message)
    }

    /// 404: there is no such thing.
    pub fn missing(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", code, message)
    }

    /// 409: not now, but a moment later.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict_error", code, message).after(Duration::from_secs(1))
    }

    /// 422: the idempotency key belongs to another request.
    pub fn reused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_error", "idempotency_key_reused", message)
    }

    /// 429: a limit of the key is reached; it can go on after `reset`.
    pub fn limited(code: &'static str, message: impl Into<String>, reset: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", code, message).after(reset)
    }

    /// 503: nothing can be served now.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", code, message).after(Duration::from_secs(3))
    }

    /// Any other status.
    pub fn status(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(status, kind, code, message)
    }

    /// Tells the client to wait for so long.
    pub fn after(mut self, after: Duration) -> Self {
        self.0.after = Some(after);
        self
    }

    /// Tells the client which task it is about, and not to ask the same again by itself: that would be another task.
    pub fn of(mut self, task: Option<TaskId>) -> Self {
        (self.0.task, self.0.again, self.0.after) = (task, false, None);
        self
    }

    /// Headers of its own.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.0.headers
    }

    /// A name for metrics.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The object that clients read.
    pub fn body(&self) -> Value {
        let Parts { message, kind, param, code, task, .. } = &*self.0;
        let mut error = json!({ "message": message, "type": kind, "param": param, "code": code });
        if let Some(task) = task {
            error["task"] = json!(format!("{task:?}"));
        }
        json!({ "error": error })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = self.body();
        let Parts { status, after, task, again, headers: own, .. } = *self.0;
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.extend(own);
        if let Some(after) = after {
            // A part of a second counts as one, so that nobody comes too early.
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().saturating_add(1)));
        }
        if !again {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(task) = task.and_then(|task| HeaderValue::try_from(format!("{task:?}")).ok()) {
            headers.insert(TASK, task);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<IndexError> for ApiError {
    fn from(error: IndexError) -> Self {
        tracing::error!(%error, "the index cannot be read");
        Self::status(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "index", "the index cannot be read").of(None)
    }
}

impl From<crate::chain::ChainError> for ApiError {
    fn from(error: crate::chain::ChainError) -> Self {
        Self::unavailable("node_unavailable", error.to_string())
    }
}
