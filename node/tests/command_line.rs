//! The node's command line, as a user runs it.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::Duration,
};

/// Longest wait for a line of a node's log: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);

fn node(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_assay-node")).args(arguments).output().expect("the node starts")
}

/// The specification of network `id`, raw or plain. None where the node was built without its runtime (lints are).
fn export(id: &str, raw: bool) -> Option<serde_json::Value> {
    specification(&["export-chain-spec", "--chain", id], raw)
}

/// The specification that the node prints when it is called with `arguments`.
fn specification(arguments: &[&str], raw: bool) -> Option<serde_json::Value> {
    let id = arguments.join(" ");
    let output = node(&[arguments, if raw { &["--raw"] } else { &[] }].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("built without its runtime") {
        return None;
    }
    assert!(output.status.success(), "{id}: {error}");
    Some(serde_json::from_slice(&output.stdout).expect("a specification is JSON"))
}

#[test]
fn each_network_builds_its_genesis_with_the_runtime_in_it() {
    let code = format!("0x{}", hex::encode(sp_core::storage::well_known_keys::CODE));
    for id in ["development", "local", "production"] {
        let Some(spec) = export(id, true) else { return };
        let code = spec["genesis"]["raw"]["top"][&code].as_str().expect("code is in the genesis state");
        assert!(code.len() > 100_000, "{id}: the runtime has {} digits only", code.len());
    }
}

#[test]
fn both_ways_to_a_specification_give_the_same() {
    for raw in [false, true] {
        let Some(exported) = export("local", raw) else { return };
        let built = specification(&["build-spec", "--chain", "local", "--disable-default-bootnode"], raw);
        assert!(built == Some(exported), "build-spec and export-chain-spec differ (raw: {raw})");
    }
}

#[test]
fn properties_tell_wallets_how_to_show_asy() {
    let Some(spec) = export("development", false) else { return };
    assert_eq!(spec["properties"]["tokenSymbol"], "ASY");
    assert_eq!(spec["properties"]["tokenDecimals"], 12);
    assert_eq!(spec["properties"]["ss58Format"], 42);
}

#[test]
fn a_path_to_nothing_is_an_error_that_names_it() {
    let output = node(&["export-chain-spec", "--chain", "no/such/file.json"]);
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.starts_with("error: ") && error.contains("`no/such/file.json`"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn shells_are_told_how_to_complete_the_command_line() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = node(&["completions", shell]);
        let script = String::from_utf8(output.stdout).expect("a script is text");
        assert!(
            output.status.success() && script.contains("export-chain-spec") && script.contains("rpc-port"),
            "{shell}"
        );
    }
    assert_eq!(node(&["completions", "tcsh"]).status.code(), Some(2));
}

/// A file of this repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[test]
fn the_list_of_commands_in_the_docs_is_current() {
    const BEGIN: &str = "<!-- assay-node: begin -->\n";
    const END: &str = "<!-- assay-node: end -->";
    let help = String::from_utf8(node(&["--help"]).stdout).expect("help is text");
    let (_, commands) = help.split_once("\nCommands:\n").expect("there are commands");
    let (commands, _) = commands.split_once("\n\n").expect("the list ends");
    let mut list = String::from("| Command | |\n|---|---|\n");
    for line in commands.lines() {
        let (name, what) = line.trim().split_once(' ').expect("each has a line");
        if name != "help" {
            list += &format!("| `{name}` | {} |\n", what.trim());
        }
    }
    let path = file("docs/configuration.md");
    let text = std::fs::read_to_string(&path).expect("docs/configuration.md is there");
    let begin = text.find(BEGIN).expect("the list begins") + BEGIN.len();
    let end = text.find(END).expect("the list ends");
    if std::env::var("ASSAY_UPDATE").is_ok() {
        std::fs::write(&path, format!("{}{list}{}", &text[..begin], &text[end..])).expect("the file can be written");
        return;
    }
    assert!(
        text[begin..end] == list,
        "the commands in docs/configuration.md are not the node's; \
         `ASSAY_UPDATE=1 cargo test --release --workspace the_list_of_commands_in_the_docs_is_current` rewrites them"
    );
}

/// A node that runs until the test ends it.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    /// A chain of one validator, on ports that are free. None where the node was built without its runtime (lints are).
    fn start() -> Option<Self> {
        export("development", false)?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_assay-node"))
            .args(["--dev", "--tmp", "--no-mdns", "--no-telemetry", "--rpc-port", "0", "--prometheus-port", "0"])
            .args(["--listen-addr", "/ip4/127.0.0.1/tcp/0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the node starts");
        let log = BufReader::new(child.stderr.take().expect("it has a log"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                println!("{line}");
                // The test may have stopped listening; the node must not be held up.
                let _ = sender.send(line);
            }
        });
        Some(Self { child, lines })
    }

    /// Waits for the next line of the log.
    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the node goes on")
    }

    /// Waits for a line with `part`, and gives what comes after that.
    fn after(&self, part: &str) -> String {
        loop {
            if let Some((_, rest)) = self.line().split_once(part) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Ends it by a signal, as an operator does; it must end well.
    fn stop_by(mut self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
        let status = self.child.wait().expect("the node ends");
        assert!(status.success(), "the node did not end well upon {signal}: {status}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The names of what is served at `/metrics` of `address`.
fn metrics(address: &str) -> BTreeSet<String> {
    let mut stream = TcpStream::connect(address).expect("metrics are served");
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("it listens");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("it answers");
    reply.lines().filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

/// Alerts and dashboard are read by other programs, which take a metric that does not exist for one without samples.
#[test]
fn a_node_shows_what_alerts_and_dashboard_name_and_ends_well_when_told_to() {
    let mut named = BTreeSet::new();
    for path in ["scripts/deploy/prometheus/alerts.yml", "scripts/deploy/grafana/assay.json"] {
        let text = std::fs::read_to_string(file(path)).expect("the file is there");
        let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
        named.extend(words.filter(|word| word.starts_with("substrate_")).map(str::to_owned));
    }
    assert!(named.len() > 4, "{named:?}");
    for signal in ["-TERM", "-INT"] {
        let Some(node) = Running::start() else { return };
        let address = node.after("Prometheus exporter started at");
        // Some are there once the part of the node has started that they are about: each line of the log is a chance.
        for _ in 0..100 {
            if named.is_subset(&metrics(&address)) {
                break;
            }
            node.line();
        }
        let missing: Vec<_> = named.difference(&metrics(&address)).cloned().collect();
        assert!(missing.is_empty(), "a node does not show {missing:?}");
        node.stop_by(signal);
    }
}
