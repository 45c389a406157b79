//! What clients ask, in OpenAI's terms, turned into what the chain takes. A parameter that cannot be honoured is refused by
//! name: nothing is ignored silently that would change an answer.

use super::error::ApiError;
use crate::amount;
use assay_engine::{check_stops, manifest::Kind, EngineError};
use assay_types::{
    inference::{Parameters, TextParameters},
    Balance, BlockNumber, MAX_INLINE,
};
use serde::{de::DeserializeOwned, Deserialize};
use serde_json::{Map, Value};

/// Parameters that change nothing in an answer.
const WITHOUT_EFFECT: [&str; 6] =
    ["user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"];

/// How long a request waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wait {
    /// Until a solver has revealed its answer: it can be used, and may still be contested.
    #[default]
    Revealed,
    /// Until the task is settled and no fork can undo that.
    Settled,
}

/// What only this API has, in the parameter `assay`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Extra {
    fee: Option<String>,
    wait: Wait,
    deadline: Option<BlockNumber>,
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As a message of a chat.
    Chat,
    /// As a text.
    Completion,
    /// As a vector, in base64 or as numbers.
    Embedding {
        /// Whether in base64.
        base64: bool,
    },
}

impl Shape {
    /// The kind of model that gives such answers.
    pub fn kind(self) -> Kind {
        match self {
            Self::Chat | Self::Completion => Kind::Text,
            Self::Embedding { .. } => Kind::Embedding,
        }
    }
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// The model, by whatever names it.
    pub model: String,
    /// What the model is given.
    pub input: String,
    /// How it is run.
    pub parameters: Parameters,
    /// The fee, if the client chose it.
    pub fee: Option<Balance>,
    /// Blocks in which it must be solved, if the client chose that.
    pub deadline: Option<BlockNumber>,
    /// How long the client waits.
    pub wait: Wait,
    /// Whether the answer comes as a stream of events.
    pub stream: bool,
    /// Whether the stream ends with a count of tokens.
    pub include_usage: bool,
    /// How the answer is shown.
    pub shape: Shape,
}

/// The object that a client sent, of which parameters are taken one by one.
struct Body(Map<String, Value>);

impl Body {
    fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        let wrong = |message| ApiError::invalid(None, "invalid_json", message);
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(_) => Err(wrong("the body must be a JSON object".into())),
            Err(error) => Err(wrong(format!("the body is no JSON: {error}"))),
        }
    }

    /// A parameter; null is as good as none.
    fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|error| ApiError::invalid(Some(name), "invalid_type", format!("'{name}': {error}"))),
        }
    }

    fn need<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, ApiError> {
        let missing = || ApiError::invalid(Some(name), "missing_required_parameter", format!("'{name}' is missing"));
        self.take(name)?.ok_or_else(missing)
    }

    /// A factor as whole thousandths.
    fn thousandths(&mut self, name: &str, default: u32) -> Result<u32, ApiError> {
        let Some(value) = self.take::<f64>(name)? else { return Ok(default) };
        crate::config::thousandths(name, value)
            .map_err(|error| ApiError::invalid(Some(name), "invalid_value", error.line()))
    }

    fn text_parameters(&mut self) -> Result<TextParameters, ApiError> {
        let default = TextParameters::default();
        let (old, new) = (self.take("max_tokens")?, self.take("max_completion_tokens")?);
        let stop = match self.take("stop")? {
            None => Vec::new(),
            Some(Stops::One(text)) => vec![text],
            Some(Stops::List(texts)) => texts,
        };
        let refused = |error: EngineError| ApiError::invalid(Some("stop"), "invalid_value", format!("'stop': {error}"));
        check_stops(&stop).map_err(refused)?;
        let parameters = TextParameters {
            max_tokens: new.or(old).unwrap_or(default.max_tokens),
            temperature_milli: self.thousandths("temperature", default.temperature_milli)?,
            top_k: self.take("top_k")?.unwrap_or(default.top_k),
            top_p_milli: self.thousandths("top_p", default.top_p_milli)?,
            repetition_penalty_milli: self.thousandths("repetition_penalty", default.repetition_penalty_milli)?,
            stop,
        };
        if parameters.max_tokens == 0 {
            return Err(ApiError::invalid(Some("max_tokens"), "invalid_value", "'max_tokens' must be at least 1"));
        }
        Ok(parameters)
    }

    /// Checks that nothing is left that would have to be honoured.
    fn finish(self) -> Result<(), ApiError> {
        let harmless = |name: &str, value: &Value| {
            WITHOUT_EFFECT.contains(&name)
                || match value {
                    Value::Null | Value::Bool(false) => true,
                    Value::Array(list) => list.is_empty(),
                    Value::Object(object) => {
                        object.is_empty() || (name == "response_format" && object.get("type") == Some(&"text".into()))
                    }
                    Value::Number(number) => match name {
                        "n" | "best_of" => number.as_u64() == Some(1),
                        "frequency_penalty" | "presence_penalty" => number.as_f64() == Some(0.0),
                        _ => false,
                    },
                    _ => name == "modalities" && *value == "text",
                }
        };
        match self.0.iter().find(|(name, value)| !harmless(name, value)) {
            None => Ok(()),
            Some((name, _)) => {
                let message = match name.as_str() {
                    "seed" => "'seed' cannot be chosen: the chain draws it after the task is submitted".to_owned(),
                    name => format!("'{name}' is not supported with this value; leave it out"),
                };
                Err(ApiError::invalid(Some(name), "unsupported_parameter", message))
            }
        }
    }

    /// What every question has, once its own parameters are taken.
    fn question(mut self, shape: Shape, input: String, parameters: Parameters) -> Result<Question, ApiError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct StreamOptions {
            include_usage: bool,
        }
        let model = self.need("model")?;
        let stream = self.take("stream")?.unwrap_or(false);
        let options: StreamOptions = self.take("stream_options")?.unwrap_or_default();
        let Extra { fee, wait, deadline } = self.take("assay")?.unwrap_or_default();
        let fee = fee.map(|fee| amount::parse(&fee)).transpose();
        let fee = fee.map_err(|error| ApiError::invalid(Some("assay.fee"), "invalid_value", error))?;
        if stream && matches!(shape, Shape::Embedding { .. }) {
            return Err(ApiError::invalid(Some("stream"), "unsupported_parameter", "embeddings are not streamed"));
        }
        self.finish()?;
        if input.len() > MAX_INLINE as usize {
            let message = format!("the input has {} bytes; at most {MAX_INLINE} fit a task", input.len());
            return Err(ApiError::invalid(None, "context_length_exceeded", message));
        }
        let include_usage = options.include_usage;
        Ok(Question { model, input, parameters, fee, deadline, wait, stream, include_usage, shape })
    }
}

/// Texts that end an answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stops {
    One(String),
    List(Vec<String>),
}

/// The content of a message: a text, or parts that are texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    r#type: String,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Content,
}

impl Content {
    fn text(self) -> Result<String, ApiError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Parts(parts) => match parts.iter().find(|part| part.r#type != "text") {
                Some(part) => {
                    let message = format!("a message has a part of the type '{}'; models here read text", part.r#type);
                    Err(ApiError::invalid(Some("messages"), "unsupported_content", message))
                }
                None => Ok(parts.into_iter().map(|part| part.text).collect::<Vec<_>>().join("\n")),
            },
        }
    }
}

/// The one input that a chat stands for: instructions, if there are some, and what the user says, with an empty line
/// between. The model's own chat template is applied to it by whoever runs the model.
fn chat_input(messages: Vec<Message>) -> Result<String, ApiError> {
    let wrong = |message: &str| Err(ApiError::invalid(Some("messages"), "unsupported_conversation", message));
    let (mut texts, mut users) = (Vec::new(), 0);
    for Message { role, content } in messages {
        match role.as_str() {
            "system" | "developer" if users == 0 => {}
            "user" => users += 1,
            "system" | "developer" => return wrong("instructions must come before the message of the user"),
            "assistant" => {
                return wrong("conversations of several turns are not supported yet: send one message of the user")
            }
            role => return wrong(&format!("there is no role '{role}' here: send one message of the user")),
        }
        texts.push(content.text()?);
    }
    match users {
        1 => Ok(texts.join("\n\n")),
        0 => wrong("there is no message of the user"),
        _ => wrong("there are several messages of the user: send one"),
    }
}

/// A text, or a list of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    List(Vec<Value>),
}

impl Texts {
    fn one(self, name: &str) -> Result<String, ApiError> {
        let wrong = |message: String| Err(ApiError::invalid(Some(name), "unsupported_value", message));
        match self {
            Self::One(text) => Ok(text),
            Self::List(list) => match <[Value; 1]>::try_from(list) {
                Ok([Value::String(text)]) => Ok(text),
                Ok(_) => wrong(format!("'{name}' must be a text; tokens are not taken")),
                Err(list) if list.iter().all(Value::is_string) && !list.is_empty() => {
                    wrong(format!("'{name}' has {} texts; each is a task of its own: send one", list.len()))
                }
                Err(_) => wrong(format!("'{name}' must be a text; tokens are not taken")),
            },
        }
    }
}

/// Reads a request for a message of a chat.
///
/// # Errors
/// 400 with what is wrong or cannot be honoured.
pub fn chat(bytes: &[u8]) -> Result<Question, ApiError> {
    let mut body = Body::parse(bytes)?;
    let input = chat_input(body.need("messages")?)?;
    let parameters = body.text_parameters()?;
    body.question(Shape::Chat, input, Parameters::Text(parameters))
}

/// Reads a request for a text.
///
/// # Errors
/// 400 with what is wrong or cannot be honoured.
pub fn completion(bytes: &[u8]) -> Result<Question, ApiError> {
    let mut body = Body::parse(bytes)?;
    let input = body.need::<Texts>("prompt")?.one("prompt")?;
    let parameters = body.text_parameters()?;
    body.question(Shape::Completion, input, Parameters::Text(parameters))
}

/// Reads a request for a vector.
///
/// # Errors
/// 400 with what is wrong or cannot be honoured.
pub fn embedding(bytes: &[u8]) -> Result<Question, ApiError> {
    let mut body = Body::parse(bytes)?;
    let input = body.need::<Texts>("input")?.one("input")?;
    let format: Option<String> = body.take("encoding_format")?;
    let base64 = match format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let message = format!("'encoding_format' is float or base64, not '{other}'");
            return Err(ApiError::invalid(Some("encoding_format"), "invalid_value", message));
        }
    };
    body.question(Shape::Embedding { base64 }, input, Parameters::Embedding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Question, ApiError> {
        chat(value.to_string().as_bytes())
    }

    fn user(more: Value) -> Value {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    fn error(result: Result<Question, ApiError>) -> (String, String) {
        let body = result.unwrap_err().body();
        let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
        (text("code"), text("param"))
    }

    #[test]
    fn a_question_has_the_parameters_that_were_asked_for() {
        let question = read(user(json!({
            "max_tokens": 5, "temperature": 0, "top_p": 0.5, "top_k": 3, "repetition_penalty": 1.25, "stream": true,
            "stream_options": { "include_usage": true }, "user": "me", "n": 1, "stop": ["a", "b"], "logit_bias": {},
            "frequency_penalty": 0, "response_format": { "type": "text" },
            "assay": { "fee": "2.5", "wait": "settled", "deadline": 9 },
        })))
        .unwrap();
        let parameters = TextParameters {
            max_tokens: 5,
            temperature_milli: 0,
            top_k: 3,
            top_p_milli: 500,
            repetition_penalty_milli: 1_250,
            stop: vec!["a".into(), "b".into()],
        };
        assert_eq!(question.parameters, Parameters::Text(parameters));
        assert_eq!((question.fee, question.deadline, question.wait), (Some(2_500_000_000_000), Some(9), Wait::Settled));
        assert!(question.stream && question.include_usage);
        let plain = read(user(json!({ "max_completion_tokens": 7 }))).unwrap();
        assert_eq!(plain.parameters, Parameters::Text(TextParameters { max_tokens: 7, ..Default::default() }));
        assert_eq!((plain.wait, plain.fee, plain.stream), (Wait::Revealed, None, false));
        let Parameters::Text(one) = read(user(json!({ "stop": "x" }))).unwrap().parameters else { panic!("no text") };
        assert_eq!(one.stop, ["x"]);
        let none = read(user(json!({ "stop": null }))).unwrap().parameters;
        assert_eq!(none, Parameters::Text(TextParameters::default()));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        for (name, value) in [
            ("seed", json!(1)),
            ("n", json!(2)),
            ("tools", json!([{ "type": "function" }])),
            ("response_format", json!({ "type": "json_object" })),
            ("presence_penalty", json!(0.5)),
            ("logprobs", json!(true)),
            ("reasoning_effort", json!("low")),
        ] {
            let expected = ("unsupported_parameter".to_owned(), name.to_owned());
            assert_eq!(error(read(user(json!({ name: value })))), expected);
        }
        for (name, value) in [
            ("max_tokens", json!("many")),
            ("max_tokens", json!(-1)),
            ("temperature", json!("hot")),
            ("messages", json!("hi")),
            ("messages", json!([{ "role": "user" }])),
            ("model", json!(7)),
            ("stream", json!("yes")),
            ("assay", json!({ "wait": "forever" })),
            ("assay", json!({ "fees": "1" })),
        ] {
            assert_eq!(error(read(user(json!({ name: value })))), ("invalid_type".into(), name.into()));
        }
        assert_eq!(error(read(user(json!({ "max_tokens": 0 })))).0, "invalid_value");
        for stop in [json!(""), json!(["a", "b", "c", "d", "e"]), json!("x".repeat(49))] {
            assert_eq!(error(read(user(json!({ "stop": stop })))), ("invalid_value".into(), "stop".into()));
        }
        assert_eq!(error(read(user(json!({ "stop": 7 })))), ("invalid_type".into(), "stop".into()));
        assert_eq!(error(read(user(json!({ "temperature": -1 })))).0, "invalid_value");
        assert_eq!(error(read(user(json!({ "assay": { "fee": "1e3" } })))).1, "assay.fee");
        assert_eq!(error(read(json!({ "model": "m" }))).0, "missing_required_parameter");
        for bytes in [&b"{"[..], b"", b"[]", b"\xff\xfe", b"{\"model\": NaN}", &[b'['; 100_000][..]] {
            assert_eq!(error(chat(bytes)).0, "invalid_json");
        }
    }

    #[test]
    fn a_chat_is_one_message_of_the_user() {
        let input = |messages: Value| read(json!({ "model": "m", "messages": messages }));
        let message = |role: &str, content: Value| json!({ "role": role, "content": content });
        let parts = json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]);
        assert_eq!(input(json!([message("user", parts)])).unwrap().input, "a\nb");
        let both = json!([message("system", json!("Be brief.")), message("user", json!("<b>{{ 7 * 7 }}\u{0}"))]);
        assert_eq!(input(both).unwrap().input, "Be brief.\n\n<b>{{ 7 * 7 }}\u{0}");
        for messages in [
            json!([]),
            json!([message("system", json!("s"))]),
            json!([message("user", json!("a")), message("assistant", json!("b")), message("user", json!("c"))]),
            json!([message("user", json!("a")), message("user", json!("b"))]),
            json!([message("user", json!("a")), message("system", json!("b"))]),
            json!([message("tool", json!("a"))]),
        ] {
            assert_eq!(error(input(messages)).0, "unsupported_conversation");
        }
        let image = json!([message("user", json!([{ "type": "image_url", "image_url": { "url": "x" } }]))]);
        assert_eq!(error(input(image)).0, "unsupported_content");
        let long = json!([message("user", json!("x".repeat(MAX_INLINE as usize + 1)))]);
        assert_eq!(error(input(long)).0, "context_length_exceeded");
    }

    #[test]
    fn texts_come_alone_or_in_a_list_of_one() {
        let complete = |prompt: Value| completion(json!({ "model": "m", "prompt": prompt }).to_string().as_bytes());
        assert_eq!(complete(json!("a")).unwrap().input, "a");
        assert_eq!(complete(json!(["a"])).unwrap().input, "a");
        for prompt in [json!(["a", "b"]), json!([1, 2]), json!([]), json!([[1]])] {
            assert_eq!(error(complete(prompt)), ("unsupported_value".into(), "prompt".into()));
        }
        let embed = |more: Value| {
            let mut body = json!({ "model": "m", "input": "a" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            embedding(body.to_string().as_bytes())
        };
        assert_eq!(embed(json!({})).unwrap().shape, Shape::Embedding { base64: false });
        assert_eq!(embed(json!({ "encoding_format": "base64" })).unwrap().shape, Shape::Embedding { base64: true });
        assert_eq!(error(embed(json!({ "encoding_format": "hex" }))).0, "invalid_value");
        assert_eq!(error(embed(json!({ "dimensions": 8 }))).0, "unsupported_parameter");
        assert_eq!(error(embed(json!({ "stream": true }))).0, "unsupported_parameter");
    }
}
