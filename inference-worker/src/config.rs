//! Settings: a flag wins over the environment, the environment over the file, the file over the default.
//!
//! Flags and environment are read together by clap; what they leave open comes from the TOML file. The identity (which
//! key signs) is one setting with several spellings, so its layers are joined here.

use crate::{
    elector::decide::{Bid, Part},
    failure::Failure,
    keys::KeySource,
    verifier::Policy,
};
use assay_engine::Threads;
use assay_numerics::Isa;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where a node on this machine listens.
pub const DEFAULT_URL: &str = "ws://127.0.0.1:9944";
/// Seconds in which a node must have answered when a command starts.
pub const DEFAULT_CONNECT_TIMEOUT: u64 = 30;

/// Tasks that are run together at most, where nothing else is said.
pub const DEFAULT_BATCH: u32 = 8;
/// Most tasks that can be run together.
pub const MAX_BATCH: u32 = 64;

/// Mebibytes of the longest input that is taken on, where nothing else is said.
pub const DEFAULT_MAX_INPUT: u32 = 4;
/// Mebibytes of the longest input that there can be.
pub const MAX_INPUT: i64 = 32;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object per line.
    Json,
}

/// Something that is done or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// It is done.
    On,
    /// It is not.
    Off,
}

/// Settings of every command.
#[derive(Args, Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Common {
    /// File of settings in TOML
    #[arg(long, global = true, env = "ASSAY_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where the node answers [default: ws://127.0.0.1:9944]
    #[arg(long, global = true, env = "ASSAY_URL")]
    pub url: Option<String>,
    /// Seconds in which the node must have answered at the start [default: 30]
    #[arg(long, global = true, env = "ASSAY_CONNECT_TIMEOUT", value_name = "SECONDS")]
    pub connect_timeout: Option<u64>,
    /// File with the key's phrase or seed, readable by its owner alone [environment: ASSAY_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "dev_key")]
    pub key_file: Option<PathBuf>,
    /// A well-known account of development chains: alice, bob, ... [environment: ASSAY_DEV_KEY]
    #[arg(long, global = true, value_name = "NAME")]
    pub dev_key: Option<String>,
    /// How log lines look [default: text]
    #[arg(long, global = true, env = "ASSAY_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// What is logged, such as info or assay_worker=debug [default: info]
    #[arg(long, global = true, env = "ASSAY_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Threads that compute models; 0 is one for each of this machine's [default: 0]
    #[arg(long, global = true, env = "ASSAY_THREADS", value_name = "N")]
    pub threads: Option<usize>,
    /// Instruction set that computes models: avx512-vnni, avx2, neon-dot, neon or scalar; a choice of speed, never of a
    /// result [default: the fastest of this machine]
    #[arg(long, global = true, env = "ASSAY_ISA", value_name = "NAME")]
    pub isa: Option<String>,
    #[arg(skip)]
    solve: Option<Solve>,
    #[arg(skip)]
    ask: Option<Ask>,
    #[arg(skip)]
    gateway: Option<Gateway>,
    #[arg(skip)]
    elect: Option<Elect>,
    #[arg(skip)]
    peers: Option<Peers>,
}

/// Settings of the exchange of payloads with peers, for every command that has payloads.
#[derive(Args, Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Peers {
    /// Where peers are listened for; `off` exchanges nothing with peers [default: a free port of 127.0.0.1]
    #[arg(long, env = "ASSAY_PEERS_LISTEN", value_name = "ADDR")]
    #[serde(rename = "listen")]
    pub peers_listen: Option<String>,
    /// Where others reach this machine, if not where it listens
    #[arg(long, env = "ASSAY_PEERS_EXTERNAL", value_delimiter = ',', value_name = "ADDR")]
    #[serde(rename = "external")]
    pub peers_external: Vec<String>,
    /// Peers that are known from the start: IP address and port, or a multiaddress
    #[arg(long, env = "ASSAY_PEERS_BOOTSTRAP", value_delimiter = ',', value_name = "ADDR")]
    #[serde(rename = "bootstrap")]
    pub peers_bootstrap: Vec<String>,
    /// Folder of the payloads [default: beside the journal]
    #[arg(long, env = "ASSAY_PEERS_DATA", value_name = "DIR")]
    #[serde(rename = "data")]
    pub peers_data: Option<PathBuf>,
    /// Mebibytes of payloads that are kept [default: 2048]
    #[arg(long, env = "ASSAY_PEERS_LIMIT", value_name = "MIB")]
    #[serde(rename = "limit")]
    pub peers_limit: Option<u64>,
}

/// Settings of `solve` and `verify-loop`.
#[derive(Args, Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Solve {
    /// Folders of the models to serve, or folders that hold them
    #[arg(long, env = "ASSAY_MODELS", value_delimiter = ',', num_args = 1.., value_name = "DIR")]
    pub models: Vec<PathBuf>,
    /// Ids of the models on chain, where an artefact is registered more than once
    #[arg(long, env = "ASSAY_MODEL_ID", value_delimiter = ',', value_name = "ID")]
    pub model_id: Vec<String>,
    /// Folder of the journal
    #[arg(long, env = "ASSAY_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Bond at least this much ASY and declare the models, if that has not been done
    #[arg(long, env = "ASSAY_BOND", value_name = "ASY")]
    pub bond: Option<String>,
    /// Leave tasks that would earn less than this, in ASY [default: 0]
    #[arg(long, env = "ASSAY_MIN_INCOME", value_name = "ASY")]
    pub min_income: Option<String>,
    /// What a second of computing costs, in ASY; tasks that would earn less than they cost are left [default: 0]
    #[arg(long, env = "ASSAY_COST_PER_SECOND", value_name = "ASY")]
    pub cost_per_second: Option<String>,
    /// Solutions of others to check: all, share=0.25, value=ASY (fee and reward at least), computed (those of tasks that
    /// were computed anyway) or none [default: computed; all for verify-loop]
    #[arg(long, env = "ASSAY_VERIFY", value_name = "POLICY")]
    pub verify: Option<String>,
    /// Tasks that are run together at most; those of one model share its passes [default: 8]
    #[arg(long, env = "ASSAY_BATCH", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_BATCH)))]
    pub batch: Option<u32>,
    /// Mebibytes of the longest input that is taken on. To read one takes about 180 times its bytes of memory, and a
    /// second for each mebibyte [default: 4]
    #[arg(long, env = "ASSAY_MAX_INPUT", value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=MAX_INPUT))]
    pub max_input: Option<u32>,
    /// Show the owner of a task its answer while it is generated, where peers are listened for [default: on]
    #[arg(long, env = "ASSAY_PREVIEWS", value_enum, value_name = "SWITCH")]
    pub previews: Option<Switch>,
    /// Where metrics are served; `off` serves none [default: 127.0.0.1:9616]
    #[arg(long, env = "ASSAY_METRICS_ADDR", value_name = "ADDR")]
    pub metrics_addr: Option<String>,
    /// The exchange of payloads.
    #[command(flatten)]
    #[serde(skip)]
    pub peers: Peers,
}

/// Settings of `ask`.
#[derive(Args, Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ask {
    /// Model: id on chain, CID of its manifest, or name of one under --models [default: the only one on chain]
    #[arg(long, env = "ASSAY_MODEL", value_name = "NAME_OR_ID")]
    pub model: Option<String>,
    /// Folders of models, or folders that hold them, by which names are known
    #[arg(long, env = "ASSAY_MODELS", value_delimiter = ',', num_args = 1, value_name = "DIR")]
    pub models: Vec<PathBuf>,
    /// Fee in ASY [default: twice the model's own fee, or 1 where that is nothing]
    #[arg(long, env = "ASSAY_FEE", value_name = "ASY")]
    pub fee: Option<String>,
    /// Tokens to generate at most [default: 64]
    #[arg(long, env = "ASSAY_MAX_TOKENS", value_name = "N")]
    pub max_tokens: Option<u32>,
    /// Temperature; 0 always takes the likeliest token [default: 0.7]
    #[arg(long, env = "ASSAY_TEMPERATURE", value_name = "T", allow_negative_numbers = true)]
    pub temperature: Option<f64>,
    /// Draw only from the K likeliest tokens; 0 is all of them [default: 40]
    #[arg(long, env = "ASSAY_TOP_K", value_name = "K")]
    pub top_k: Option<u32>,
    /// Draw only from the likeliest tokens that together hold this share [default: 0.95]
    #[arg(long, env = "ASSAY_TOP_P", value_name = "P", allow_negative_numbers = true)]
    pub top_p: Option<f64>,
    /// Makes tokens that were used less likely; 1 does nothing [default: 1.1]
    #[arg(long, env = "ASSAY_REPETITION_PENALTY", value_name = "R", allow_negative_numbers = true)]
    pub repetition_penalty: Option<f64>,
    /// A text before which the answer ends; up to four times
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// Blocks from now in which the task must be solved [default: the chain's]
    #[arg(long, env = "ASSAY_DEADLINE", value_name = "BLOCKS")]
    pub deadline: Option<u32>,
    /// Seconds to wait for the task to be settled; 0 waits as long as it takes [default: 600]
    #[arg(long, env = "ASSAY_FOLLOW_TIMEOUT", value_name = "SECONDS")]
    pub follow_timeout: Option<u64>,
    /// The exchange of payloads.
    #[command(flatten)]
    #[serde(skip)]
    pub peers: Peers,
}

/// Settings of `gateway`.
#[derive(Args, Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Gateway {
    /// Where it is listened for requests [default: 127.0.0.1:8080]
    #[arg(long, env = "ASSAY_LISTEN", value_name = "ADDR")]
    pub listen: Option<String>,
    /// File of API keys in TOML; without one, whoever can reach the address may spend the account's ASY
    #[arg(long, env = "ASSAY_API_KEYS", value_name = "FILE")]
    pub api_keys: Option<PathBuf>,
    /// Folders of models, or folders that hold them: names, checks before a fee is paid, counts of tokens, verification
    #[arg(long, env = "ASSAY_MODELS", value_delimiter = ',', num_args = 1.., value_name = "DIR")]
    pub models: Vec<PathBuf>,
    /// Folder of the index and of the requests' journal
    #[arg(long, env = "ASSAY_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Seconds that a request waits for its answer at most [default: 600]
    #[arg(long, env = "ASSAY_TIMEOUT", value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Drop the index and build it anew
    #[arg(long)]
    #[serde(skip)]
    pub reindex: bool,
    /// First block of a new index [default: 1]
    #[arg(long, env = "ASSAY_INDEX_FROM", value_name = "BLOCK")]
    pub index_from: Option<u32>,
    /// The exchange with solvers, for previews.
    #[command(flatten)]
    #[serde(skip)]
    pub peers: Peers,
}

/// Settings of `elect`.
#[derive(Args, Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Elect {
    /// What to commit in each tenure: an amount of ASY, or share=0.01 of what can be spent
    #[arg(long, env = "ASSAY_BID", value_name = "BID", conflicts_with = "committee")]
    pub bid: Option<String>,
    /// Least commitment of a share, in ASY [default: the chain's minimum]
    #[arg(long, env = "ASSAY_BID_FLOOR", value_name = "ASY")]
    pub bid_floor: Option<String>,
    /// Largest commitment of a share, in ASY [default: none]
    #[arg(long, env = "ASSAY_BID_CAP", value_name = "ASY")]
    pub bid_cap: Option<String>,
    /// What is always left in the account, in ASY [default: 1]
    #[arg(long, env = "ASSAY_RESERVE", value_name = "ASY")]
    pub reserve: Option<String>,
    /// Stand for the committee instead of committing
    #[arg(long)]
    pub committee: bool,
    /// Come back after being put out for an offence or absence, and fill the seat bond up
    #[arg(long)]
    pub resume: bool,
    /// Have the node make new session keys every N tenures; the wait before commitments starts again each time
    #[arg(long, env = "ASSAY_ROTATE_KEYS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rotate_keys: Option<u32>,
    /// File with the key of the account's function in elections [default: derived from the account's key]
    #[arg(long, env = "ASSAY_VRF_KEY_FILE", value_name = "FILE")]
    pub vrf_key_file: Option<PathBuf>,
    /// Folder of the journal; not one of `solve`
    #[arg(long, env = "ASSAY_ELECT_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where metrics are served; `off` serves none [default: 127.0.0.1:9617]
    #[arg(long, env = "ASSAY_ELECT_METRICS_ADDR", value_name = "ADDR")]
    pub metrics_addr: Option<String>,
}

/// Takes from `file` each setting that flags and environment left open.
macro_rules! fill {
    ($into:expr, $file:expr, options: $($option:ident),* ; lists: $($list:ident),*) => {{
        $( if $into.$option.is_none() { $into.$option = $file.$option; } )*
        $( if $into.$list.is_empty() { $into.$list = $file.$list; } )*
    }};
}

/// The settings of one run, before they are checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Settings of every command.
    pub common: Common,
    solve: Solve,
    ask: Ask,
    gateway: Gateway,
    elect: Elect,
    peers: Peers,
    key: KeySource,
}

impl Settings {
    /// Joins `flags` (with their environment), the environment's spelling of the identity and the file that they name.
    ///
    /// # Errors
    /// The file cannot be read or holds a setting that does not exist.
    pub fn new(mut flags: Common, environment: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let file = match &flags.config {
            Some(path) => read(path)?,
            None => Common::default(),
        };
        let set = |name| environment(name).filter(|value| !value.is_empty());
        let key = [
            (flags.key_file.take(), flags.dev_key.take()),
            (set("ASSAY_KEY_FILE").map(PathBuf::from), set("ASSAY_DEV_KEY")),
            (file.key_file.clone(), file.dev_key.clone()),
        ]
        .into_iter()
        .find_map(|layer| match layer {
            (Some(path), _) => Some(KeySource::File(path)),
            (None, Some(name)) => Some(KeySource::Dev(name)),
            (None, None) => None,
        })
        .unwrap_or(KeySource::Prompt);
        let (solve, ask) = (file.solve.clone().unwrap_or_default(), file.ask.clone().unwrap_or_default());
        let (gateway, peers) = (file.gateway.clone().unwrap_or_default(), file.peers.clone().unwrap_or_default());
        let elect = file.elect.clone().unwrap_or_default();
        fill!(flags, file, options: url, connect_timeout, log_format, log, threads, isa; lists:);
        Ok(Self { common: flags, solve, ask, gateway, elect, peers, key })
    }

    /// Where the key comes from.
    pub fn key(&self) -> &KeySource {
        &self.key
    }

    /// Where the node answers.
    pub fn url(&self) -> &str {
        self.common.url.as_deref().unwrap_or(DEFAULT_URL)
    }

    /// How long to try for a node.
    pub fn connect_timeout(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.common.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT))
    }

    /// The threads that compute models.
    ///
    /// # Errors
    /// There is no such instruction set, or this machine does not have it.
    pub fn threads(&self) -> Result<Arc<Threads>, Failure> {
        let isa = match &self.common.isa {
            Some(name) => Some(name.parse::<Isa>().map_err(|error| Failure::Config(format!("--isa {name}: {error}")))?),
            None => None,
        };
        let threads = Threads::new(self.common.threads.unwrap_or(0), isa);
        threads.map(Arc::new).map_err(|error| Failure::Config(format!("cannot compute models: {error}")))
    }

    /// The settings of `solve` and `verify-loop`: `flags`, then the file.
    pub fn solve(&self, mut flags: Solve) -> Solve {
        let file = self.solve.clone();
        fill!(
            flags, file,
            options: data, bond, min_income, cost_per_second, verify, batch, max_input, previews, metrics_addr;
            lists: models, model_id
        );
        flags.peers = self.peers(flags.peers);
        flags
    }

    /// The settings of `ask`: `flags`, then the file.
    pub fn ask(&self, mut flags: Ask) -> Ask {
        let file = self.ask.clone();
        fill!(
            flags, file,
            options: model, fee, max_tokens, temperature, top_k, top_p, repetition_penalty, deadline, follow_timeout;
            lists: models, stop
        );
        flags.peers = self.peers(flags.peers);
        flags
    }

    /// The settings of the exchange of payloads: `flags`, then the file.
    pub fn peers(&self, mut flags: Peers) -> Peers {
        let file = self.peers.clone();
        fill!(
            flags, file,
            options: peers_listen, peers_data, peers_limit;
            lists: peers_external, peers_bootstrap
        );
        flags
    }

    /// The settings of `gateway`: `flags`, then the file.
    pub fn gateway(&self, mut flags: Gateway) -> Gateway {
        let file = self.gateway.clone();
        fill!(flags, file, options: listen, api_keys, data, timeout, index_from; lists: models);
        flags.peers = self.peers(flags.peers);
        flags
    }

    /// The settings of `elect`: `flags`, then the file.
    pub fn elect(&self, mut flags: Elect) -> Elect {
        let file = self.elect.clone();
        // A bid on the command line and a committee in the file, or the other way round, are a choice for the first.
        flags.committee |= file.committee && flags.bid.is_none();
        flags.resume |= file.resume;
        fill!(flags, file, options: bid, bid_floor, bid_cap, reserve, rotate_keys, vrf_key_file, data, metrics_addr; lists:);
        flags
    }
}

/// Reads a file of settings.
fn read(path: &Path) -> Result<Common, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Config(format!("cannot read the settings in {}: {error}", path.display())))?;
    toml::from_str(&text)
        .map_err(|error| Failure::Config(format!("the settings in {} are wrong: {error}", path.display())))
}

/// Reads an amount of ASY that a setting gives.
///
/// # Errors
/// One line that names the setting.
pub fn amount(name: &str, text: Option<&str>) -> Result<Option<assay_types::Balance>, Failure> {
    text.map(|text| crate::amount::parse(text).map_err(|error| Failure::Config(format!("{name}: {error}")))).transpose()
}

/// Reads which solutions of others are checked; `none` leaves others alone. Without `solve`, there must be something to
/// check.
///
/// # Errors
/// One line that quotes what is no such policy.
pub fn verify(text: Option<&str>, solve: bool) -> Result<Option<Policy>, Failure> {
    match text {
        None if solve => Ok(Some(Policy::Computed)),
        None => Ok(Some(Policy::All)),
        Some("none") if solve => Ok(None),
        Some("none" | "computed") if !solve => Err(Failure::Config(
            "--verify: nothing is computed without solving; give all, share=0.25 or value=10".into(),
        )),
        Some(text) => text.parse().map(Some).map_err(|error| Failure::Config(format!("--verify: {error}"))),
    }
}

/// Reads as what an account takes part in elections.
///
/// # Errors
/// One line that names the setting: nothing was chosen, or what was makes no sense.
pub fn part(elect: &Elect) -> Result<Part, Failure> {
    if elect.committee {
        return Ok(Part::Committee);
    }
    let Some(text) = elect.bid.as_deref() else {
        return Err(Failure::Config("give --bid AMOUNT, --bid share=0.01, or --committee".into()));
    };
    let limit = |name, text: &Option<String>| amount(name, text.as_deref());
    let (floor, cap) = (limit("--bid-floor", &elect.bid_floor)?, limit("--bid-cap", &elect.bid_cap)?);
    match text.strip_prefix("share=") {
        None if floor.is_some() || cap.is_some() => {
            Err(Failure::Config("--bid-floor and --bid-cap are limits of --bid share=..., not of an amount".into()))
        }
        None => {
            let bid = crate::amount::parse(text).map_err(|error| Failure::Config(format!("--bid: {error}")))?;
            Ok(Part::Candidate(Bid::Fixed(bid)))
        }
        Some(share) => {
            let share: f64 =
                share.parse().map_err(|_| Failure::Config(format!("--bid: '{share}' is no share, such as 0.01")))?;
            let thousandths = thousandths("--bid", share)?;
            if !(1..=1_000).contains(&thousandths) {
                return Err(Failure::Config(format!("--bid: {share} is no share from 0.001 to 1")));
            }
            let (floor, cap) = (floor.unwrap_or_default(), cap.unwrap_or(assay_types::Balance::MAX));
            if floor > cap {
                return Err(Failure::Config("--bid-floor is above --bid-cap".into()));
            }
            Ok(Part::Candidate(Bid::Share { thousandths, floor, cap }))
        }
    }
}

/// Reads a share or factor as whole thousandths, the unit of the wire.
///
/// # Errors
/// One line that names the setting: not a number, negative, or too large.
pub fn thousandths(name: &str, value: f64) -> Result<u32, Failure> {
    let scaled = (value * 1_000.0).round();
    if !(0.0..=f64::from(u32::MAX)).contains(&scaled) {
        return Err(Failure::Config(format!("{name}: {value} is out of range")));
    }
    Ok(scaled as u32)
}

/// Reads an address to listen on; `off` is none.
///
/// # Errors
/// One line that quotes what is no address.
pub fn listen(text: Option<&str>) -> Result<Option<SocketAddr>, Failure> {
    match text.unwrap_or("127.0.0.1:9616") {
        "off" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Failure::Config(format!("--metrics-addr: '{text}' is no address, such as 127.0.0.1:9616"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worker.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn defaults_hold_where_nothing_is_set() {
        let settings = Settings::new(Common::default(), none).unwrap();
        assert_eq!(settings.url(), DEFAULT_URL);
        assert_eq!(settings.connect_timeout().as_secs(), DEFAULT_CONNECT_TIMEOUT);
        assert_eq!(settings.key(), &KeySource::Prompt);
        assert_eq!(listen(None).unwrap(), Some("127.0.0.1:9616".parse().unwrap()));
        assert_eq!(listen(Some("off")).unwrap(), None);
        assert!(listen(Some("here")).is_err());
    }

    #[test]
    fn flags_win_over_the_file() {
        let (_folder, path) = file(
            "url = 'ws://file'\nconnect-timeout = 5\n[solve]\nbond = '7'\npreviews = 'off'\nmodels = ['a', 'b']\n",
        );
        let flags = Common { config: Some(path.clone()), url: Some("ws://flag".into()), ..Common::default() };
        let settings = Settings::new(flags, none).unwrap();
        assert_eq!(settings.url(), "ws://flag");
        assert_eq!(settings.connect_timeout().as_secs(), 5);
        let solve = settings.solve(Solve { bond: Some("9".into()), ..Solve::default() });
        assert_eq!(solve.bond.as_deref(), Some("9"));
        assert_eq!(solve.models, [PathBuf::from("a"), PathBuf::from("b")]);
        let solve = settings.solve(Solve { models: vec!["c".into()], ..Solve::default() });
        assert_eq!(solve.models, [PathBuf::from("c")]);
        assert_eq!((solve.bond.as_deref(), solve.previews), (Some("7"), Some(Switch::Off)));
        let solve = settings.solve(Solve { previews: Some(Switch::On), ..Solve::default() });
        assert_eq!(solve.previews, Some(Switch::On));
    }

    #[test]
    fn the_exchange_of_payloads_has_a_section_for_every_command() {
        let (_folder, path) = file("[peers]\nlisten = '127.0.0.1:9617'\nbootstrap = ['a', 'b']\nlimit = 7\n");
        let settings = Settings::new(Common { config: Some(path), ..Common::default() }, none).unwrap();
        let flags = Peers { peers_listen: Some("off".into()), ..Peers::default() };
        let solve = settings.solve(Solve { peers: flags.clone(), ..Solve::default() }).peers;
        assert_eq!(solve.peers_listen.as_deref(), Some("off"));
        assert_eq!((&solve.peers_bootstrap[..], solve.peers_limit), (&["a".to_owned(), "b".into()][..], Some(7)));
        assert_eq!(settings.ask(Ask { peers: flags.clone(), ..Ask::default() }).peers, solve);
        assert_eq!(settings.gateway(Gateway { peers: flags, ..Gateway::default() }).peers, solve);
    }

    #[test]
    fn the_identity_is_one_setting() {
        let (_folder, path) = file("key-file = 'file-key'\n");
        let environment = |name: &str| (name == "ASSAY_DEV_KEY").then(|| "bob".to_string());
        let key = |flags: Common, environment: &dyn Fn(&str) -> Option<String>| {
            Settings::new(Common { config: Some(path.clone()), ..flags }, environment).unwrap().key
        };
        assert_eq!(key(Common::default(), &none), KeySource::File("file-key".into()));
        assert_eq!(key(Common::default(), &environment), KeySource::Dev("bob".into()));
        let flag = Common { key_file: Some("flag-key".into()), ..Common::default() };
        assert_eq!(key(flag, &environment), KeySource::File("flag-key".into()));
        let flag = Common { dev_key: Some("alice".into()), ..Common::default() };
        assert_eq!(key(flag, &environment), KeySource::Dev("alice".into()));
    }

    #[test]
    fn a_setting_that_does_not_exist_is_refused() {
        let (_folder, path) = file("ulr = 'ws://typo'\n");
        let error = Settings::new(Common { config: Some(path), ..Common::default() }, none).unwrap_err();
        assert!(matches!(error, Failure::Config(_)) && error.line().contains("ulr"), "{error}");
        let missing = Common { config: Some("/nonexistent/worker.toml".into()), ..Common::default() };
        assert!(Settings::new(missing, none).unwrap_err().line().contains("cannot read"));
    }

    #[test]
    fn what_is_checked_depends_on_the_command_where_nothing_is_said() {
        assert_eq!(verify(None, true).unwrap(), Some(Policy::Computed));
        assert_eq!(verify(None, false).unwrap(), Some(Policy::All));
        assert_eq!(verify(Some("none"), true).unwrap(), None);
        assert_eq!(verify(Some("all"), true).unwrap(), Some(Policy::All));
        for text in ["none", "computed", "some"] {
            assert!(verify(Some(text), false).unwrap_err().line().starts_with("--verify: "), "{text}");
        }
    }

    #[test]
    fn a_part_in_elections_is_chosen_clearly() {
        use assay_types::ASY;
        let (_folder, path) = file("[elect]\ncommittee = true\nreserve = '3'\nresume = true\n");
        let settings = Settings::new(Common { config: Some(path), ..Common::default() }, none).unwrap();
        assert_eq!(part(&settings.elect(Elect::default())).unwrap(), Part::Committee);
        let bids = |bid: &str| Elect { bid: Some(bid.into()), ..Elect::default() };
        let chosen = settings.elect(bids("2.5"));
        assert_eq!(part(&chosen).unwrap(), Part::Candidate(Bid::Fixed(5 * ASY / 2)));
        assert_eq!((chosen.reserve.as_deref(), chosen.resume), (Some("3"), true));
        let share = Elect { bid_cap: Some("9".into()), ..bids("share=0.05") };
        let expected = Bid::Share { thousandths: 50, floor: 0, cap: 9 * ASY };
        assert_eq!(part(&share).unwrap(), Part::Candidate(expected));
        for wrong in [
            Elect::default(),
            bids("much"),
            bids("share=2"),
            bids("share=0.0001"),
            bids("share=some"),
            Elect { bid_cap: Some("9".into()), ..bids("1") },
            Elect { bid_floor: Some("9".into()), bid_cap: Some("8".into()), ..bids("share=0.1") },
        ] {
            assert!(part(&wrong).unwrap_err().line().contains("--bid"), "{wrong:?}");
        }
    }

    #[test]
    fn factors_become_thousandths() {
        assert_eq!(thousandths("x", 0.7).unwrap(), 700);
        assert_eq!(thousandths("x", 0.0).unwrap(), 0);
        assert!(thousandths("x", -0.1).is_err());
        assert!(thousandths("x", f64::NAN).is_err());
        assert!(thousandths("x", 1e12).is_err());
        assert!(amount("--fee", Some("1,5")).unwrap_err().line().starts_with("--fee"));
    }
}
