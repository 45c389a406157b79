//! The reference of settings in the docs is made from the command line and from the code that reads the file.

use assay_worker::{cli::Cli, config::Common};
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const BEGIN: &str = "<!-- assay-worker: begin -->\n";
const END: &str = "\n<!-- assay-worker: end -->";

/// The sections of the file.
const SECTIONS: [&str; 5] = ["solve", "ask", "gateway", "elect", "peers"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A setting, as a line of a table.
struct Setting {
    flag: String,
    environment: Option<String>,
    key: Option<String>,
    default: Option<String>,
    what: String,
}

impl Setting {
    /// The setting that `argument` of `command` is: `None` stands for all commands.
    fn new(command: Option<&str>, argument: &Arg) -> Self {
        let mut what = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
        // Where clap is not told of a default or a variable, because it must not set them, the help is.
        let default = note(&mut what, "default");
        let environment = note(&mut what, "environment");
        let values: Vec<_> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if argument.get_action().takes_values() && !values.is_empty() {
            what = format!("{what}: {}", values.join(", "));
        }
        Self {
            flag: flag(argument),
            environment: argument.get_env().map(|name| name.to_string_lossy().into_owned()).or(environment),
            key: key(command, argument),
            default: default.or_else(|| given(argument)),
            what,
        }
    }

    fn line(&self) -> String {
        let code = |text: &Option<String>| text.as_ref().map(|text| format!("`{text}`")).unwrap_or_default();
        let (environment, key) = (code(&self.environment), code(&self.key));
        let default = self.default.clone().unwrap_or_default();
        format!("| `{}` | {environment} | {key} | {default} | {} |\n", self.flag, self.what.replace('|', "\\|"))
    }
}

/// Takes `[name: text]` out of a help text.
fn note(help: &mut String, name: &str) -> Option<String> {
    let begin = help.find(&format!("[{name}: "))?;
    let end = begin + help[begin..].find(']')?;
    let text = help[begin + name.len() + 3..end].to_owned();
    help.replace_range(begin..=end, "");
    *help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(text)
}

fn flag(argument: &Arg) -> String {
    let value = || match argument.get_value_names() {
        Some(names) => names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" "),
        None => argument.get_id().as_str().to_uppercase(),
    };
    let many = if matches!(argument.get_action(), ArgAction::Append) { "..." } else { "" };
    let value = if argument.get_action().takes_values() { format!("{}{many}", value()) } else { String::new() };
    let names =
        [argument.get_short().map(|name| format!("-{name}")), argument.get_long().map(|name| format!("--{name}"))];
    let names = names.into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("{names} {value}").trim().to_owned()
}

/// What clap takes where nothing is said.
fn given(argument: &Arg) -> Option<String> {
    if argument.is_required_set() {
        return Some("must be given".into());
    }
    let values: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    (argument.get_action().takes_values() && !values.is_empty()).then(|| values.join(", "))
}

/// The key of the file that is this setting, if the code that reads the file takes one.
fn key(command: Option<&str>, argument: &Arg) -> Option<String> {
    let long = argument.get_long()?;
    let key = match (command, long.strip_prefix("peers-")) {
        (None, _) => long.to_owned(),
        (Some(_), Some(rest)) => format!("peers.{rest}"),
        (Some("verify-loop"), None) => format!("solve.{long}"),
        (Some(command), None) if SECTIONS.contains(&command) => format!("{command}.{long}"),
        (Some(_), None) => return None,
    };
    unknown(&key).is_none().then_some(key)
}

/// What is said of a key that the file cannot have. Any other complaint is about the value.
fn unknown(key: &str) -> Option<String> {
    let error = toml::from_str::<Common>(&format!("{key} = 0")).err()?;
    error.message().contains("unknown field").then(|| error.message().to_owned())
}

/// The keys that the file can have: at its beginning, or in a section.
fn keys(section: Option<&str>) -> BTreeSet<String> {
    let prefix = section.map(|section| format!("{section}.")).unwrap_or_default();
    let said = unknown(&format!("{prefix}nonesuch")).expect("there is no such setting");
    let (_, expected) = said.split_once("expected").expect("it says what there is");
    let names = expected.split('`').skip(1).step_by(2).map(|name| format!("{prefix}{name}"));
    names.filter(|name| !SECTIONS.contains(&name.as_str())).collect()
}

/// Every command that does something, by its path.
fn commands(command: &Command, path: &str) -> Vec<(String, Command)> {
    let below: Vec<_> = command.get_subcommands().filter(|command| !command.is_hide_set()).collect();
    if below.is_empty() {
        return vec![(path.to_owned(), command.clone())];
    }
    below.into_iter().flat_map(|command| commands(command, format!("{path} {}", command.get_name()).trim())).collect()
}

fn table<'a>(settings: impl IntoIterator<Item = &'a Setting>) -> String {
    let lines: String = settings.into_iter().map(Setting::line).collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!("\n| Flag | Environment | File | Default | |\n|---|---|---|---|---|\n{lines}"),
    }
}

/// All settings: those of every command under no name, those of the exchange under `peers`, the rest under the command.
fn settings() -> BTreeMap<String, Vec<Setting>> {
    let cli = Cli::command();
    let mut all = BTreeMap::new();
    all.insert(String::new(), cli.get_arguments().map(|argument| Setting::new(None, argument)).collect());
    for (path, command) in commands(&cli, "") {
        let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
        let (peers, own): (Vec<_>, Vec<_>) =
            shown.partition(|argument| argument.get_id().as_str().starts_with("peers_"));
        let made = |arguments: Vec<&Arg>| -> Vec<Setting> {
            arguments.into_iter().map(|argument| Setting::new(Some(&path), argument)).collect()
        };
        if !peers.is_empty() {
            all.insert("peers".into(), made(peers));
        }
        all.insert(path.clone(), made(own));
    }
    all
}

fn reference() -> String {
    let settings = settings();
    let mut text = format!("## Every command\n{}", table(&settings[""]));
    text += &format!("\n## The exchange of payloads\n{}", table(&settings["peers"]));
    for (path, command) in commands(&Cli::command(), "") {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let exchanges = command.get_arguments().any(|argument| argument.get_id().as_str().starts_with("peers_"));
        let also = if exchanges { "\n\nAlso the settings of the exchange of payloads." } else { "" };
        text += &format!("\n## `assay-worker {path}`\n\n{about}.{also}\n{}", table(&settings[&path]));
    }
    text
}

#[test]
fn the_reference_of_settings_is_current() {
    let path = root().join("docs/configuration.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let begin = text.find(BEGIN).expect("the reference begins") + BEGIN.len();
    let end = text.find(END).expect("the reference ends");
    let reference = reference();
    if std::env::var("ASSAY_UPDATE").is_ok() {
        std::fs::write(&path, format!("{}{reference}{}", &text[..begin], &text[end..])).unwrap();
        return;
    }
    assert!(
        text[begin..end] == reference,
        "docs/configuration.md is not what this code understands; \
         `ASSAY_UPDATE=1 SKIP_WASM_BUILD=1 cargo test --release --workspace the_reference_of_settings_is_current` rewrites it"
    );
}

#[test]
fn every_key_of_the_file_is_in_the_reference() {
    let settings = settings();
    let listed: BTreeSet<_> = settings.values().flatten().filter_map(|setting| setting.key.clone()).collect();
    let understood: BTreeSet<_> = [None].into_iter().chain(SECTIONS.map(Some)).flat_map(keys).collect();
    assert_eq!(listed, understood);
}

/// Units, images and the compose file set variables, which nothing complains about that does not know them.
#[test]
fn deployment_sets_variables_that_exist() {
    let settings = settings();
    let mut known: BTreeSet<_> =
        settings.values().flatten().filter_map(|setting| setting.environment.clone()).collect();
    // The node's unit puts it on the command line.
    known.insert("ASSAY_NODE_FLAGS".into());
    let mut count = 0;
    for folder in ["systemd", "docker"] {
        for file in std::fs::read_dir(root().join("scripts/deploy").join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let words = text.split(|sign: char| !sign.is_ascii_uppercase() && sign != '_');
            for name in words.filter(|word| word.starts_with("ASSAY_")) {
                assert!(known.contains(name), "{}: nothing reads {name}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 10, "{count} variables are set");
}
