//! Keys: sr25519, kept as a phrase or seed in a file that only its owner can read, never on the command line.

use crate::failure::Failure;
use std::{
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    str::FromStr,
};
use subxt::utils::AccountId32;
use subxt_signer::{bip39::Mnemonic, sr25519::Keypair, SecretUri};

/// The accounts that every development chain endows. Their keys are public knowledge.
const DEV_ACCOUNTS: [&str; 8] = ["alice", "bob", "charlie", "dave", "eve", "ferdie", "one", "two"];

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A well-known account of development chains.
    Dev(String),
    /// A file that holds a phrase or seed.
    File(PathBuf),
    /// Asked for on the terminal.
    Prompt,
}

impl KeySource {
    /// Gets the key.
    ///
    /// # Errors
    /// The account is not a well-known one, the file cannot be read or can be read by others, there is no terminal to
    /// ask on, or what was given is neither a phrase nor a seed.
    pub fn load(&self) -> Result<Keypair, Failure> {
        match self {
            Self::Dev(name) => dev(name),
            Self::File(path) => read(path),
            Self::Prompt if std::io::stdin().is_terminal() => {
                let secret = rpassword::prompt_password("Phrase or seed of the key: ")
                    .map_err(|error| Failure::Key(format!("cannot ask for the key: {error}")))?;
                from_secret(&secret, "what was typed")
            }
            Self::Prompt => {
                Err(Failure::Key("no key: give --key-file FILE, set ASSAY_KEY_FILE, or run on a terminal".into()))
            }
        }
    }
}

/// The key of a well-known development account.
fn dev(name: &str) -> Result<Keypair, Failure> {
    let lower = name.trim_start_matches('/').to_lowercase();
    if !DEV_ACCOUNTS.contains(&lower.as_str()) {
        let known = DEV_ACCOUNTS.join(", ");
        return Err(Failure::Key(format!("'{name}' is no development account; there are {known}")));
    }
    let mut letters = lower.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter();
    from_secret(&format!("//{}", first.chain(letters).collect::<String>()), name)
}

/// Reads a secret: a phrase or a seed in hexadecimal, with a derivation path if it has one.
fn from_secret(secret: &str, origin: &str) -> Result<Keypair, Failure> {
    // The error is not shown: it may quote the secret.
    let invalid = || Failure::Key(format!("{origin} holds neither a phrase nor a seed in hexadecimal"));
    let uri = SecretUri::from_str(secret.trim()).map_err(|_| invalid())?;
    Keypair::from_uri(&uri).map_err(|_| invalid())
}

/// The address of a key, as the chain and its users write it.
pub fn address(key: &Keypair) -> AccountId32 {
    key.public_key().to_account_id()
}

/// Reads the key in the file at `path`.
///
/// # Errors
/// The file cannot be read, can be read by others, or holds no key.
pub fn read(path: &Path) -> Result<Keypair, Failure> {
    let shown = path.display();
    let metadata =
        std::fs::metadata(path).map_err(|error| Failure::Key(format!("cannot read the key file {shown}: {error}")))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(Failure::Key(format!("the key file {shown} is open to others: run chmod 600 {shown}")));
        }
    }
    if !metadata.is_file() {
        return Err(Failure::Key(format!("the key file {shown} is not a file")));
    }
    let secret = std::fs::read_to_string(path)
        .map_err(|error| Failure::Key(format!("cannot read the key file {shown}: {error}")))?;
    from_secret(&secret, &format!("the key file {shown}"))
}

/// Makes a new key, writes its phrase of twelve words to a new file at `path` and returns it.
///
/// # Errors
/// There is a file already, it cannot be written, or the system gives no randomness.
pub fn generate(path: &Path) -> Result<Keypair, Failure> {
    let mut entropy = [0u8; 16];
    getrandom::fill(&mut entropy).map_err(|error| Failure::Key(format!("the system gives no randomness: {error}")))?;
    let phrase = Mnemonic::from_entropy(&entropy)
        .map_err(|error| Failure::Key(format!("cannot make a phrase: {error}")))?
        .to_string();
    write(path, &phrase)
}

/// Asks for a phrase or seed (or reads the first line of the standard input where it is no terminal), writes it to a
/// new file at `path` and returns the key.
///
/// # Errors
/// There is a file already, it cannot be written, or what was given is neither a phrase nor a seed.
pub fn import(path: &Path) -> Result<Keypair, Failure> {
    let stdin = std::io::stdin();
    let secret = if stdin.is_terminal() {
        rpassword::prompt_password("Phrase or seed to import: ")
    } else {
        let mut line = String::new();
        stdin.lock().read_line(&mut line).map(|_| line)
    }
    .map_err(|error| Failure::Key(format!("cannot read the key: {error}")))?;
    write(path, secret.trim())
}

/// Writes `secret` to a new file that only its owner can read, after checking that it is one.
fn write(path: &Path, secret: &str) -> Result<Keypair, Failure> {
    let key = from_secret(secret, "what was given")?;
    let shown = path.display();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::Key(format!("cannot make the folder {}: {error}", folder.display())))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::Key(format!("{shown} is there already and is not overwritten: move it away first"))
        }
        _ => Failure::Key(format!("cannot write the key file {shown}: {error}")),
    })?;
    file.write_all(secret.as_bytes()).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all()).map_err(
        |error| {
            // A file without a whole key would only be in the way.
            let _ = std::fs::remove_file(path);
            Failure::Key(format!("cannot write the key file {shown}: {error}"))
        },
    )?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

    #[test]
    fn dev_accounts_are_the_well_known_ones() {
        let alice = KeySource::Dev("alice".into()).load().unwrap();
        assert_eq!(address(&alice).to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
        assert_eq!(address(&dev("//Bob").unwrap()).to_string(), "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty");
        assert!(matches!(KeySource::Dev("mallory".into()).load(), Err(Failure::Key(_))));
    }

    #[test]
    fn a_generated_key_reads_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/key");
        let key = generate(&path).unwrap();
        assert_eq!(address(&read(&path).unwrap()), address(&key));
        let before = std::fs::read(&path).unwrap();
        assert!(generate(&path).unwrap_err().line().contains("not overwritten"));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[cfg(unix)]
    #[test]
    fn key_files_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, PHRASE).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(&path).unwrap_err().line().contains("chmod 600"));
    }

    #[test]
    fn what_holds_no_key_is_refused_without_being_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let error = write(&path, "correct horse battery staple").unwrap_err();
        assert!(!error.line().contains("horse"));
        assert!(!path.exists());
        assert!(read(&path).unwrap_err().line().contains("cannot read"));
    }

    #[test]
    fn phrases_and_seeds_are_read() {
        let by_phrase = from_secret(PHRASE, "").unwrap();
        let by_seed = from_secret("0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e", "").unwrap();
        assert_eq!(address(&by_phrase), address(&by_seed));
    }
}
