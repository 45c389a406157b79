//! What is served.

use super::{
    body::{self, Question, Shape, Wait},
    catalog::{self, Offer},
    error::{ApiError, TASK},
    flow::{fingerprint, Following, Once},
    keys::{ApiKey, Rate},
    metrics::Served,
    previews::rest,
    render::{self, Frame, Reply},
    store, Gateway,
};
use crate::{
    commands::id,
    indexer::{Answered, Filter, Found},
    payloads,
    previews::{Judgement, Preview, Wrong},
    solver::decide::State as TaskState,
};
use assay_engine::verify::{verify, Claim, Depth};
use assay_types::{inference::TextOutput, TaskId, MAX_INLINE};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, Path, Request, State},
    http::{header, request::Parts, HeaderMap, HeaderName, HeaderValue, StatusCode, Uri},
    middleware::{from_fn_with_state, Next},
    response::{
        sse::{Event, KeepAlive, Sse},
        IntoResponse, Response,
    },
    routing::{get, post},
    Json, Router,
};
use codec::Encode;
use futures::{stream, StreamExt};
use serde_json::{json, Value};
use std::{
    convert::Infallible,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};
use subxt::utils::AccountId32;

/// Most bytes of a body: the longest input, with every sign of it escaped, and room for the rest.
const MAX_BODY: usize = 256 * 1024;
/// Longest time in which a body must have come.
const BODY_TIME: Duration = Duration::from_secs(15);
/// Longest idempotency key.
const MAX_ONCE: usize = 256;
/// Most tasks on a page.
const MAX_PAGE: usize = 100;
/// Time after which a stream that waits shows that it is alive.
const ALIVE: Duration = Duration::from_secs(10);
/// The document that describes all of this.
const OPENAPI: &str = include_str!("openapi.json");

/// What is served, as the OpenAPI document writes it.
pub(super) const ROUTES: [&str; 11] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/models",
    "/v1/models/{model}",
    "/v1/tasks",
    "/v1/tasks/{id}",
    "/v1/tasks/{id}/verify",
    "/health",
    "/metrics",
    "/openapi.json",
];

type Shared = State<Arc<Gateway>>;

/// What a URL names. One that is no text is refused in OpenAI's shape, as everything else is.
struct Named(String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let wrong = |_| ApiError::invalid(None, "invalid_value", "the URL names something that is no text");
        let Path(name) = Path::<String>::from_request_parts(parts, state).await.map_err(wrong)?;
        Ok(Self(name))
    }
}

/// The routes of a gateway.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let [chat, completions, embeddings, models, model, tasks, task, verify, health, metrics, openapi] = ROUTES;
    Router::new()
        .route(chat, post(chat_completions))
        .route(completions, post(text_completions))
        .route(embeddings, post(text_embeddings))
        .route(models, get(list_models))
        .route(model, get(show_model))
        .route(tasks, get(list_tasks))
        .route(task, get(show_task))
        .route(verify, get(verify_task))
        .route(health, get(show_health))
        .route(metrics, get(show_metrics))
        .route(openapi, get(|| async { ([(header::CONTENT_TYPE, "application/json")], OPENAPI) }))
        .fallback(|| async { ApiError::missing("unknown_url", "nothing is served at this URL; see /openapi.json") })
        .method_not_allowed_fallback(|| async {
            let message = "this URL takes another method; see /openapi.json";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            ApiError::status(status, "invalid_request_error", "method_not_allowed", message)
        })
        .layer(from_fn_with_state(gateway.clone(), count))
        .with_state(gateway)
}

/// Counts requests by route, whatever is put into the URL.
async fn count(State(gateway): Shared, request: Request, next: Next) -> Response {
    let route = route_of(request.uri().path());
    let response = next.run(request).await;
    let served = Served { route: route.to_owned(), status: response.status().as_u16() };
    gateway.metrics.requests.get_or_create(&served).inc();
    response
}

fn route_of(path: &str) -> &'static str {
    let parts: Vec<_> = path.split('/').collect();
    let fits = |route: &&&str| {
        let pattern: Vec<_> = route.split('/').collect();
        pattern.len() == parts.len()
            && pattern.iter().zip(&parts).all(|(pattern, part)| pattern.starts_with('{') || pattern == part)
    };
    ROUTES.iter().find(fits).copied().unwrap_or("other")
}

/// Lets a request in that has a key with some left, and adds to the answer how much that is.
async fn admitted<T: IntoResponse>(
    gateway: &Gateway,
    headers: &HeaderMap,
    answer: impl AsyncFnOnce(Arc<ApiKey>) -> Result<T, ApiError>,
) -> Response {
    let admit = || -> Result<(Arc<ApiKey>, Option<Rate>), ApiError> {
        let key = gateway.keys.of(headers)?;
        let rate = key.admit(Instant::now())?;
        Ok((key, rate))
    };
    let (key, rate) = match admit() {
        Ok(admitted) => admitted,
        Err(error) => return error.into_response(),
    };
    let mut response = answer(key).await.into_response();
    if let Some(rate) = rate {
        rate.add_to(response.headers_mut());
    }
    response
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    let reading = async {
        let mut all = Vec::new();
        let mut parts = body.into_data_stream();
        while let Some(part) = parts.next().await {
            let broken = |_| ApiError::invalid(None, "invalid_body", "the body broke off");
            all.extend_from_slice(&part.map_err(broken)?);
            if all.len() > MAX_BODY {
                let message = format!("the body has more than {MAX_BODY} bytes");
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(ApiError::status(status, "invalid_request_error", "body_too_large", message));
            }
        }
        Ok(all.into())
    };
    tokio::time::timeout(BODY_TIME, reading).await.unwrap_or_else(|_| {
        let message = format!("the body did not come within {} s", BODY_TIME.as_secs());
        Err(ApiError::status(StatusCode::REQUEST_TIMEOUT, "invalid_request_error", "slow_body", message))
    })
}

fn once(headers: &HeaderMap, route: &str, body: &[u8]) -> Result<Option<Once>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAX_ONCE => Ok(Some((key.to_owned(), fingerprint(route, body)))),
        _ => {
            let message = format!("an Idempotency-Key has 1 to {MAX_ONCE} visible ASCII signs");
            Err(ApiError::invalid(Some("Idempotency-Key"), "invalid_value", message))
        }
    }
}

async fn chat_completions(State(gateway): Shared, request: Request) -> Response {
    infer(gateway, ROUTES[0], body::chat, request).await
}

async fn text_completions(State(gateway): Shared, request: Request) -> Response {
    infer(gateway, ROUTES[1], body::completion, request).await
}

async fn text_embeddings(State(gateway): Shared, request: Request) -> Response {
    infer(gateway, ROUTES[2], body::embedding, request).await
}

async fn infer(
    gateway: Arc<Gateway>,
    route: &str,
    parse: fn(&[u8]) -> Result<Question, ApiError>,
    request: Request,
) -> Response {
    let (Parts { headers, .. }, body) = request.into_parts();
    admitted(&gateway, &headers, async |key| {
        let bytes = read(body).await?;
        let question = parse(&bytes)?;
        let once = once(&headers, route, &bytes)?;
        gateway.ensure_current()?;
        let offers = gateway.catalog.offers().await?;
        let offer = catalog::find(&offers, &question.model)?;
        let prompt_tokens = check(offer, &question).await?;
        let following = gateway.place(&key, offer, &question, once).await?;
        let told = Told { question, model: offer.name(), created: store::now(), prompt_tokens };
        match told.question.stream {
            true => streamed(following, told).await,
            false => whole(following, told).await,
        }
    })
    .await
}

/// Checks a question against the model itself, where it is on this machine, so that no fee is locked for a task that
/// nobody can do. Returns the number of tokens of the prompt.
async fn check(offer: &Offer, question: &Question) -> Result<Option<usize>, ApiError> {
    let Some(local) = offer.local.clone() else { return Ok(None) };
    if offer.kind() != Some(question.shape.kind()) {
        let message = match question.shape {
            Shape::Embedding { .. } => "this model generates text: ask it at /v1/chat/completions or /v1/completions",
            _ => "this model embeds text: ask it at /v1/embeddings",
        };
        return Err(ApiError::invalid(Some("model"), "wrong_kind_of_model", message));
    }
    let (input, parameters) = (question.input.clone(), question.parameters.encode());
    let most = local.model.longest_output(&parameters);
    if !payloads::is_inline(most) {
        let message =
            format!("the answer may have {most} bytes, and {MAX_INLINE} are shown here: ask for fewer tokens");
        return Err(ApiError::invalid(Some("max_tokens"), "unfit_for_model", message));
    }
    let checking = tokio::task::spawn_blocking(move || local.model.check(input.as_bytes(), &parameters));
    let broken =
        |_| ApiError::status(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "check", "the check broke off");
    match checking.await.map_err(broken)? {
        Ok(tokens) => Ok(Some(tokens)),
        Err(error) => Err(ApiError::invalid(None, "unfit_for_model", error.to_string())),
    }
}

/// What is told of an answer, whatever it is.
struct Told {
    question: Question,
    model: String,
    created: u64,
    prompt_tokens: Option<usize>,
}

impl Told {
    fn frame(&self) -> Frame<'_> {
        let Self { question, model, created, prompt_tokens } = self;
        Frame { question, model, created: *created, prompt_tokens: *prompt_tokens }
    }
}

fn headers_of(found: &Found) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let output = found.record.solution().map(|(_, output)| output.to_string());
    for (name, value) in [
        (TASK, Some(format!("{:?}", found.record.task))),
        (HeaderName::from_static("x-assay-status"), Some(render::state(found))),
        (HeaderName::from_static("x-assay-output-cid"), output),
    ] {
        // Hexadecimal, a word and base 32 are fit for headers.
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

async fn whole(mut following: Following, told: Told) -> Result<Response, ApiError> {
    let (found, answer) = following.answered(told.question.wait).await?;
    let reply = render::reply(told.question.shape, &found, &answer)?;
    Ok((headers_of(&found), Json(told.frame().whole(&found, &reply))).into_response())
}

/// Where a stream is.
enum Stage {
    /// The task is in a block.
    Begin,
    /// It waits for the answer, and shows what is drawn meanwhile.
    Answer,
    /// It has shown the answer, with this content id, and waits for it to be settled.
    Settle(TextOutput, [u8; 32]),
    /// It has said everything.
    Over,
}

struct Streaming {
    following: Following,
    told: Told,
    /// The task, as the stream began.
    found: Found,
    preview: Option<Preview>,
    /// What was shown of the answer before the chain had it.
    shown: String,
    stage: Stage,
}

impl Streaming {
    /// The next events; `None` when there are no more.
    async fn next(&mut self) -> Option<Vec<Event>> {
        let frame = self.told.frame();
        let (events, stage) = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => return None,
            Stage::Begin => (vec![event(&frame.first(&self.found))], Stage::Answer),
            Stage::Answer => {
                let answered = tokio::select! {
                    biased;
                    text = Preview::text(&mut self.preview) => {
                        self.shown.push_str(&text);
                        self.stage = Stage::Answer;
                        let solver = self.preview.as_ref().and_then(Preview::solver);
                        return Some(vec![event(&frame.preview(&self.found, &text, solver))]);
                    }
                    answered = self.following.answered(Wait::Revealed) => answered,
                };
                match answered {
                    Err(error) => (vec![event(&error.body())], Stage::Over),
                    Ok((found, answer)) => match render::reply(self.told.question.shape, &found, &answer) {
                        Err(error) => (vec![event(&error.body())], Stage::Over),
                        // Vectors are not streamed.
                        Ok(Reply::Vector(_)) => return None,
                        Ok(Reply::Text(text)) => match self.rest(&found, &answer, &text).await {
                            Err(error) => (vec![event(&error.body())], Stage::Over),
                            Ok(rest) => {
                                self.preview = None;
                                let mut events = vec![event(&frame.text(&found, &rest))];
                                match self.told.question.wait {
                                    Wait::Settled => (events, Stage::Settle(text, answer.output)),
                                    Wait::Revealed => {
                                        events.extend(self.end(&frame, &found, &text));
                                        (events, Stage::Over)
                                    }
                                }
                            }
                        },
                    },
                }
            }
            Stage::Settle(text, shown) => match self.following.answered(Wait::Settled).await {
                Err(error) => (vec![event(&error.body())], Stage::Over),
                Ok((found, answer)) if answer.output != shown => {
                    let message = "an older commitment was revealed: another answer took the place of the one streamed";
                    let status = StatusCode::BAD_GATEWAY;
                    let error = ApiError::status(status, "task_error", "answer_replaced", message);
                    (vec![event(&error.of(Some(found.record.task)).body())], Stage::Over)
                }
                Ok((found, _)) => (self.end(&frame, &found, &text), Stage::Over),
            },
        };
        self.stage = stage;
        Some(events)
    }

    /// What is still to be shown of an answer that the chain has.
    async fn rest(&self, found: &Found, answer: &Answered, text: &TextOutput) -> Result<String, ApiError> {
        let judgement = match self.preview.as_ref().and_then(Preview::seen) {
            Some(seen) => self.following.gateway().judge(seen, found, answer).await,
            None => Judgement::Holds,
        };
        rest(found.record.task, judgement, &self.shown, &text.text)
    }

    fn end(&self, frame: &Frame<'_>, found: &Found, text: &TextOutput) -> Vec<Event> {
        let mut events = vec![event(&frame.last(found, text))];
        if self.told.question.include_usage {
            events.push(event(&frame.count(found, text)));
        }
        events.push(Event::default().data("[DONE]"));
        events
    }
}

fn event(data: &Value) -> Event {
    // The text of a JSON value has no line breaks outside of escapes, which is what an event may hold.
    Event::default().data(data.to_string())
}

async fn streamed(mut following: Following, told: Told) -> Result<Response, ApiError> {
    let found = following.included().await?;
    let headers = headers_of(&found);
    let preview = following.gateway().preview(&found);
    let streaming = Streaming { following, told, found, preview, shown: String::new(), stage: Stage::Begin };
    let events = stream::unfold(streaming, |mut streaming| async move {
        let events = streaming.next().await?;
        Some((stream::iter(events.into_iter().map(Ok::<_, Infallible>)), streaming))
    });
    let alive = KeepAlive::new().interval(ALIVE).text("waiting for the chain");
    Ok((headers, Sse::new(events.flatten()).keep_alive(alive)).into_response())
}

async fn list_models(State(gateway): Shared, headers: HeaderMap) -> Response {
    admitted(&gateway, &headers, async |_| {
        gateway.ensure_current()?;
        let offers = gateway.catalog.offers().await?;
        let served: Vec<_> = offers.iter().filter(|offer| offer.is_served).map(Offer::json).collect();
        Ok(Json(json!({ "object": "list", "data": served })))
    })
    .await
}

async fn show_model(State(gateway): Shared, Named(model): Named, headers: HeaderMap) -> Response {
    admitted(&gateway, &headers, async |_| {
        gateway.ensure_current()?;
        let offers = gateway.catalog.offers().await?;
        Ok(Json(catalog::find(&offers, &model)?.json()))
    })
    .await
}

fn task_id(text: &str) -> Result<TaskId, ApiError> {
    let wrong = || ApiError::invalid(Some("id"), "invalid_value", "a task's id has 64 hexadecimal digits");
    id(text).ok_or_else(wrong)
}

fn look_up(gateway: &Gateway, task: TaskId) -> Result<Found, ApiError> {
    gateway.index.task(&task)?.ok_or_else(|| {
        let begin = gateway.index.begin().ok().flatten().map_or(0, |begin| begin.number);
        let best = gateway.index.best().ok().flatten().map_or(0, |best| best.number);
        let message = format!("no task with this id was submitted in the blocks {} to {best}", begin.saturating_add(1));
        ApiError::missing("task_not_found", message)
    })
}

async fn show_task(State(gateway): Shared, Named(text): Named, headers: HeaderMap) -> Response {
    admitted(&gateway, &headers, async |_| {
        let task = task_id(&text)?;
        let found = look_up(&gateway, task)?;
        let (asked, answer) = (gateway.index.asked(&task)?, gateway.index.answer(&task)?);
        let mut shown = render::details(&found, asked.as_ref(), answer.as_ref());
        let wrong = gateway.store.wrong_preview(&task).map_err(|error| {
            tracing::error!(%error, "the gateway's journal cannot be read");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            ApiError::status(status, "server_error", "journal", "the gateway's journal cannot be read").of(Some(task))
        })?;
        shown["wrong_preview"] = json!(wrong.as_ref().map(Wrong::json));
        Ok((headers_of(&found), Json(shown)))
    })
    .await
}

/// What a list of tasks is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    filter: Filter,
    after: Option<(u32, TaskId)>,
    limit: usize,
}

fn page(uri: &Uri) -> Result<Page, ApiError> {
    let mut page = Page { limit: 20, ..Page::default() };
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    for pair in pairs {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let wrong = |what: &str| ApiError::invalid(Some(name), "invalid_value", format!("'{name}' must be {what}"));
        let account = || AccountId32::from_str(value).map_err(|_| wrong("an address"));
        match name {
            "owner" => page.filter.owner = Some(account()?),
            "solver" => page.filter.solver = Some(account()?),
            "model" => page.filter.model = Some(id(value).ok_or_else(|| wrong("a model's id"))?),
            "state" => page.filter.state = Some(named_state(value).ok_or_else(|| wrong("a state, such as settled"))?),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
                page.limit = limit.ok_or_else(|| wrong("1 to 100"))?;
            }
            "after" => {
                let place = value.split_once('-').and_then(|(number, task)| Some((number.parse().ok()?, id(task)?)));
                page.after = Some(place.ok_or_else(|| wrong("what the page before gave as 'next'"))?);
            }
            _ => {
                let message = "there is owner, solver, model, state, limit and after";
                return Err(ApiError::invalid(None, "unsupported_parameter", message));
            }
        }
    }
    Ok(page)
}

fn named_state(name: &str) -> Option<TaskState> {
    Some(match name {
        "open" => TaskState::Open,
        "solved" => TaskState::Solved,
        "disputed" => TaskState::Disputed,
        "settled" => TaskState::Settled,
        "refunded" => TaskState::Refunded,
        "expired" => TaskState::Expired,
        "retracted" => TaskState::Retracted,
        _ => return None,
    })
}

async fn list_tasks(State(gateway): Shared, uri: Uri, headers: HeaderMap) -> Response {
    admitted(&gateway, &headers, async |_| {
        let Page { filter, after, limit } = page(&uri)?;
        let listed = gateway.index.list(&filter, after, limit)?;
        let tasks: Vec<_> = listed.tasks.iter().map(|found| render::details(found, None, None)).collect();
        let next = listed.next.map(|(number, task)| format!("{number}-{task:?}"));
        Ok(Json(json!({ "object": "list", "data": tasks, "next": next })))
    })
    .await
}

async fn verify_task(State(gateway): Shared, Named(text): Named, headers: HeaderMap) -> Response {
    admitted(&gateway, &headers, async |_| {
        let task = task_id(&text)?;
        let found = look_up(&gateway, task)?;
        let cannot = |code, message: String| {
            let status = StatusCode::NOT_IMPLEMENTED;
            ApiError::status(status, "not_implemented", code, message).of(Some(task))
        };
        let Some(answer) = gateway.index.answer(&task)? else {
            return Err(ApiError::missing("no_answer", "the task has no answer to verify"));
        };
        let asked = gateway.index.asked(&task)?;
        let parts = asked.and_then(|asked| Some((asked.payload?, asked.parameters, asked.seed?)));
        let Some(((input, parameters, seed), output)) = parts.zip(answer.payload) else {
            return Err(cannot("no_payload", "input or answer are not kept on chain".into()));
        };
        let offers = gateway.catalog.offers().await?;
        let manifest = offers.iter().find(|offer| offer.model.id == found.record.model).map(|o| o.model.manifest);
        let Some(local) = manifest.and_then(|manifest| gateway.catalog.local(&manifest)) else {
            let manifest = manifest.map_or("that model".to_owned(), |manifest| manifest.to_string());
            let message = format!("this gateway has no artefact of {manifest}; start it with --models DIR");
            return Err(cannot("no_artefact", message));
        };
        let busy = || ApiError::unavailable("overloaded", "another answer is being verified at this gateway");
        let permit = gateway.verifying.clone().try_acquire_owned().map_err(|_| busy())?;
        let begin = Instant::now();
        let checking = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let claim = Claim { input: &input, parameters: &parameters, seed, output: &output, trace: None };
            verify(&local.model, &claim, Depth::Replay)
        });
        let failed = |message: String| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            ApiError::status(status, "server_error", "verification_failed", message).of(Some(task))
        };
        let report = checking.await.map_err(|_| failed("the verification broke off".into()))?;
        let report = report.map_err(|error| failed(error.to_string()))?;
        let mut shown = render::task(&found);
        shown["correct"] = json!(report.correct);
        shown["report"] = serde_json::to_value(&report).unwrap_or_default();
        shown["seconds"] = json!(begin.elapsed().as_secs_f64());
        Ok((headers_of(&found), Json(shown)))
    })
    .await
}

async fn show_health(State(gateway): Shared) -> Response {
    let status = *gateway.status.borrow();
    let number = |at: Option<crate::journal::Inclusion>| at.map(|at| at.number);
    let reason = gateway.ensure_current().err().map(|error| error.body()["error"]["message"].clone());
    let shown = json!({
        "status": if status.is_current { "ok" } else { "unavailable" },
        "reason": reason,
        "account": gateway.sender.account().to_string(),
        "genesis": format!("{:?}", gateway.chain.genesis()),
        "index": {
            "first": number(gateway.index.begin().ok().flatten()).map(|begin| begin.saturating_add(1)),
            "final": number(gateway.index.tip().ok().flatten()),
            "best": number(gateway.index.best().ok().flatten()),
        },
    });
    let code = if status.is_current { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(shown)).into_response()
}

async fn show_metrics(State(gateway): Shared) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], gateway.metrics.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_document_describes_what_is_served() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let described: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(described, BTreeSet::from(ROUTES));
        let names: BTreeSet<_> =
            OPENAPI.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        assert_eq!(names, schemas.keys().map(String::as_str).collect());
    }

    #[test]
    fn requests_are_counted_by_route_whatever_is_put_into_them() {
        for (path, route) in [
            ("/v1/tasks/0x12", "/v1/tasks/{id}"),
            ("/v1/tasks/0x12/verify", "/v1/tasks/{id}/verify"),
            ("/v1/models", "/v1/models"),
            ("/v1/models/m", "/v1/models/{model}"),
            ("/v1/tasks/0x12/verify/more", "other"),
            ("/favicon.ico", "other"),
        ] {
            assert_eq!(route_of(path), route);
        }
    }

    #[test]
    fn a_page_is_what_the_query_says() {
        let read = |query: &str| page(&format!("/v1/tasks?{query}").parse().unwrap());
        assert_eq!(read("").unwrap(), Page { limit: 20, ..Page::default() });
        let task = TaskId::repeat_byte(7);
        let wanted = read(&format!("state=solved&limit=3&after=12-{task:?}")).unwrap();
        let filter = Filter { state: Some(TaskState::Solved), ..Filter::default() };
        assert_eq!(wanted, Page { filter, after: Some((12, task)), limit: 3 });
        for wrong in
            ["limit=0", "limit=101", "limit=many", "owner=me", "after=12", "after=x-y", "model=m", "states=open"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
