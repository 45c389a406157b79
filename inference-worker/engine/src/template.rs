//! The text that a model reads for a prompt: the manifest's template, and inside a chat template where there is one.
//!
//! A chat template is Jinja as Hugging Face's transformers render it: blocks are trimmed, `messages` holds one message
//! of the user, `add_generation_prompt` is true, `tools` and `documents` are none, `raise_exception` fails, loops have
//! `break` and `continue`, and strings, lists and maps have Python's usual methods. There is no clock, no randomness
//! and no file, so the result is a function of the prompt. What it is, is defined by the pinned library.
//!
//! The library counts steps, and one step may take any memory: a template doubles a string forty times in a hundred of
//! them. So a program that serves others has each prompt rendered [apart](render_apart): in a process of its own, which the
//! system ends when it takes more than [`MAX_MEMORY`] or [`MAX_SECONDS`].

use crate::{
    manifest::{ChatTemplate, TextRules, PROMPT_MARK},
    EngineError,
};
use minijinja::{syntax::SyntaxConfig, Environment, Error, ErrorKind, Value};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::OnceLock,
};

/// Most bytes of a chat template.
pub const MAX_TEMPLATE: usize = 1 << 16;
/// Most steps of the template engine for one prompt. The templates of the well-known models need fewer than 500.
const FUEL: u64 = 10_000;
/// Most bytes of a rendered text.
const MAX_RENDERED: usize = 1 << 20;
/// Deepest nesting of calls in a template.
const MAX_DEPTH: usize = 100;

/// Most bytes of memory that a process which renders a prompt may write to; the templates of the well-known models take
/// less than one.
pub const MAX_MEMORY: u64 = 256 << 20;
/// Most seconds of processor time that it may take, where a well-known template takes thousandths of one.
pub const MAX_SECONDS: u64 = 5;
/// The only argument of a process that renders a prompt.
const SERVE: &str = "render-template";

/// The program that renders prompts apart, if it is to.
static APART: OnceLock<PathBuf> = OnceLock::new();

/// What a process that renders a prompt reads from its standard input, in JSON.
#[derive(Serialize, Deserialize)]
struct Order {
    chat: ChatTemplate,
    text: String,
}

/// The text that stands for `prompt`, before it is cut into tokens.
///
/// # Errors
/// [`EngineError::Template`] when the chat template cannot be parsed, calls what is not there, refuses the prompt, or
/// takes too many steps or bytes; where prompts are rendered [apart](render_apart), [`EngineError::TemplateTooLarge`] and
/// [`EngineError::TemplateProcess`] too.
pub fn render(rules: &TextRules, prompt: &str) -> Result<String, EngineError> {
    let text = rules.template.replacen(PROMPT_MARK, prompt, 1);
    match (&rules.chat, APART.get()) {
        (Some(chat), Some(program)) => apart(program, Order { chat: chat.clone(), text }),
        (Some(chat), None) => render_chat(chat, &text).map_err(|error| EngineError::Template(one_line(&error))),
        (None, _) => Ok(text),
    }
}

/// From now on this process has chat templates rendered by another of its own program, whose `main` must begin with
/// [`serve`]. The limits of memory and time are those of the machine, not of the profile: a template that reaches them
/// gives no text here, and no text is a wrong one.
///
/// # Errors
/// The system does not say which program this is.
pub fn render_apart() -> io::Result<()> {
    // This way leads to the program even after its file was replaced by another version's.
    let program = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { env::current_exe()? };
    APART.get_or_init(|| program);
    Ok(())
}

/// Renders a prompt, if this process was started for that by [`render`], and gives the code to end with.
pub fn serve() -> Option<ExitCode> {
    env::args_os().nth(1).filter(|argument| *argument == SERVE)?;
    Some(match serve_one() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            // Who waits for it is told by the exit code too.
            let _ = io::stderr().write_all(reason.as_bytes());
            ExitCode::FAILURE
        }
    })
}

fn serve_one() -> Result<(), String> {
    limit().map_err(|error| format!("its limits cannot be set: {error}"))?;
    let order: Order = serde_json::from_reader(io::stdin().lock()).map_err(|error| error.to_string())?;
    let text = render_chat(&order.chat, &order.text).map_err(|error| one_line(&error))?;
    io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())
}

/// Sets this process's limits. A process that reaches them leaves no image of its memory.
#[cfg(unix)]
fn limit() -> io::Result<()> {
    let set = |resource, most| {
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: the pointer is to a limit that lives as long as the call, which only reads it.
        match unsafe { libc::setrlimit(resource, &limit) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    set(libc::RLIMIT_DATA, MAX_MEMORY)?;
    set(libc::RLIMIT_CPU, MAX_SECONDS)?;
    set(libc::RLIMIT_CORE, 0)
}

#[cfg(not(unix))]
fn limit() -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Has `program` render a prompt.
fn apart(program: &Path, order: Order) -> Result<String, EngineError> {
    let failed = |error: io::Error| EngineError::TemplateProcess(error.to_string());
    let mut command = Command::new(program);
    command.arg(SERVE).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let order = serde_json::to_vec(&order).map_err(|error| EngineError::TemplateProcess(error.to_string()))?;
    // It reads all before it writes. If it ends before, its status says why.
    let _ = child.stdin.take().map(|mut input| input.write_all(&order));
    let output = child.wait_with_output().map_err(failed)?;
    match output.status.code() {
        Some(0) => String::from_utf8(output.stdout).map_err(|error| EngineError::TemplateProcess(error.to_string())),
        Some(1) => Err(EngineError::Template(String::from_utf8_lossy(&output.stderr).into_owned())),
        Some(code) => Err(EngineError::TemplateProcess(format!("it ended with exit code {code}"))),
        // The system ended it.
        None => Err(EngineError::TemplateTooLarge),
    }
}

/// Whether the engine can parse the template. It may fail on a prompt all the same.
pub(crate) fn is_well_formed(chat: &ChatTemplate) -> bool {
    chat.source.len() <= MAX_TEMPLATE && environment().template_from_str(&chat.source).is_ok()
}

fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default());
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(MAX_DEPTH);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    // What it prints is for people and no part of the library's contract.
    environment.remove_global("debug");
    environment
}

fn render_chat(chat: &ChatTemplate, text: &str) -> Result<String, Error> {
    if chat.source.len() > MAX_TEMPLATE {
        return Err(Error::new(ErrorKind::SyntaxError, format!("it has more than {MAX_TEMPLATE} bytes")));
    }
    let map = |fields: Vec<(&'static str, Value)>| Value::from(fields.into_iter().collect::<BTreeMap<_, _>>());
    let message = map(vec![("role", "user".into()), ("content", text.into())]);
    let context = map(vec![
        ("messages", vec![message].into()),
        ("add_generation_prompt", true.into()),
        ("tools", ().into()),
        ("documents", ().into()),
        ("bos_token", chat.begin_text.as_str().into()),
        ("eos_token", chat.end_text.as_str().into()),
    ]);
    let environment = environment();
    let mut out = Limited(Vec::new());
    environment.template_from_str(&chat.source)?.render_captured_to(context, &mut out)?;
    String::from_utf8(out.0).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text is not UTF-8"))
}

/// A buffer that takes [`MAX_RENDERED`] bytes.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_RENDERED {
            return Err(io::Error::other(format!("the text would have more than {MAX_RENDERED} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An error with its causes, in one line.
fn one_line(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::TEMPLATE_LIBRARY;

    fn rules(source: &str) -> TextRules {
        let chat = ChatTemplate {
            source: source.into(),
            begin_text: "<s>".into(),
            end_text: "</s>".into(),
            library: TEMPLATE_LIBRARY.into(),
        };
        TextRules { begin: None, end: vec![], template: PROMPT_MARK.into(), chat: Some(chat) }
    }

    /// In the manner of Llama 3.
    const HEADERS: &str = "{%- if strftime_now is defined %}{{ strftime_now('%Y') }}{%- endif %}
{{- bos_token }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}";

    /// In the manner of Qwen 3: a namespace, a list read backwards, methods of strings, tests, a default system text.
    const METHODS: &str = "{%- if tools %}{{ tools | tojson }}{%- endif %}
{%- if messages[0].role != 'system' %}{{- '<|im_start|>system\\nBe brief.<|im_end|>\\n' }}{%- endif %}
{%- set ns = namespace(last=messages|length - 1, found=false) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if not ns.found and message.role == 'user' and message.content is string and not message.content.startswith('<tool>') %}
        {%- set ns.found = true %}{%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content.split('</think>')[-1].lstrip('\\n') if '</think>' in message.content else message.content %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' ~ content ~ '<|im_end|>' ~ '\\n' }}
    {%- if loop.last and ns.last == loop.index0 %}{% break %}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

    #[test]
    fn well_known_forms_of_templates_render_as_transformers_does() {
        assert_eq!(
            render(&rules(HEADERS), " Hi\nthere ").unwrap(),
            "<s><|start_header_id|>user<|end_header_id|>\n\nHi\nthere<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        );
        assert_eq!(
            render(&rules(METHODS), "a</think>\nHi").unwrap(),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        );
        // Blocks are trimmed: the newline after a block and the spaces before it are no part of the text.
        let blocks = "{% for m in messages %}\n  {% if m.role == 'user' %}\n[INST] {{ m.content }} [/INST]\n  {% endif %}\n{% endfor %}\n";
        assert_eq!(render(&rules(blocks), "Hi").unwrap(), "[INST] Hi [/INST]\n");
    }

    #[test]
    fn a_prompt_is_text_and_never_a_template() {
        for prompt in ["{{ 7 * 7 }}", "{% for x in range(9) %}", "{prompt}", "<b>&'\"</b>", "naïve 中文 \u{0}"] {
            assert_eq!(render(&rules("[{{ messages[0].content }}]"), prompt).unwrap(), format!("[{prompt}]"));
            let plain = TextRules { chat: None, template: "a {prompt} b".into(), ..rules("") };
            assert_eq!(render(&plain, prompt).unwrap(), format!("a {prompt} b"));
            let both = TextRules { template: "a {prompt} b".into(), ..rules("[{{ messages[0]['content'] }}]") };
            assert_eq!(render(&both, prompt).unwrap(), format!("[a {prompt} b]"));
        }
    }

    #[test]
    fn what_a_template_cannot_do_is_an_error_of_one_line() {
        let long = " ".repeat(MAX_TEMPLATE + 1);
        for (source, reason) in [
            ("{{ strftime_now('%d %b %Y') }}", "strftime_now"),
            ("{{ raise_exception('roles must\nalternate') }}", "roles must alternate"),
            ("{{ nothing.at.all }}", "undefined"),
            ("{% include 'x' %}", "include"),
            ("{% generation %}x{% endgeneration %}", "generation"),
            ("{{ messages | no_such_filter }}", "no_such_filter"),
            ("{{ messages[0].content.no_such_method() }}", "no_such_method"),
            ("{{ debug() }}", "debug"),
            ("{{ lipsum() }}", "lipsum"),
            ("{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}", "fuel"),
            ("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(15) }}", "fuel"),
            ("{% for x in range(2000) %}{{ 'a' * 1000 }}{% endfor %}", "more than 1048576 bytes"),
            ("{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}", "recursion"),
            ("{{ 1 // 0 }}", "//"),
            ("{{ x", "syntax error"),
            (long.as_str(), "more than 65536 bytes"),
        ] {
            let error = render(&rules(source), "Hi").unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
        assert!(is_well_formed(rules(HEADERS).chat.as_ref().unwrap()));
        for source in ["{{ x", "{% generation %}x{% endgeneration %}", long.as_str()] {
            assert!(!is_well_formed(rules(source).chat.as_ref().unwrap()));
        }
    }

    #[test]
    fn the_named_library_is_the_one_that_is_built_in() {
        let (name, version) = TEMPLATE_LIBRARY.split_once(' ').unwrap();
        let workspace = include_str!("../../../Cargo.toml");
        for name in [name, "minijinja-contrib"] {
            assert!(workspace.contains(&format!("{name} = {{ version = \"={version}\"")), "{name} is not pinned");
        }
    }
}
