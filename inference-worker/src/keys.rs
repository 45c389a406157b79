//! Keys: sr25519, kept as a phrase or seed in a file that only its owner can read, never on the command line.

use crate::failure::Failure;
use sp_core::{sr25519, DeriveJunction, Pair};
use std::{
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    str::FromStr,
};
use subxt::utils::AccountId32;
use subxt_signer::{bip39::Mnemonic, sr25519::Keypair, SecretUri};

/// The accounts that every development chain endows. Their keys are public knowledge.
const DEV_ACCOUNTS: [&str; 8] = ["alice", "bob", "charlie", "dave", "eve", "ferdie", "one", "two"];

/// The hard junction by which the key of an account's function in elections derives from its own.
const ELECTIONS: &str = "assay/elections";

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
        self.secret()?.key()
    }

    /// Gets the key, and the key of the account's function in elections: of `vrf` where that is given, and otherwise derived
    /// from the account's own secret.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with_vrf(&self, vrf: Option<&Path>) -> Result<(Keypair, sr25519::Pair), Failure> {
        let secret = self.secret()?;
        let vrf = match vrf {
            Some(path) => Secret::of_file(path)?.pair()?,
            None => {
                let derived = secret.pair()?.derive([DeriveJunction::hard(ELECTIONS)].into_iter(), None);
                derived.map_err(|_| secret.invalid())?.0
            }
        };
        Ok((secret.key()?, vrf))
    }

    fn secret(&self) -> Result<Secret, Failure> {
        match self {
            Self::Dev(name) => Secret::of_dev(name),
            Self::File(path) => Secret::of_file(path),
            Self::Prompt if std::io::stdin().is_terminal() => {
                let secret = rpassword::prompt_password("Phrase or seed of the key: ")
                    .map_err(|error| Failure::Key(format!("cannot ask for the key: {error}")))?;
                Ok(Secret { text: secret, origin: "what was typed".into() })
            }
            Self::Prompt => {
                Err(Failure::Key("no key: give --key-file FILE, set ASSAY_KEY_FILE, or run on a terminal".into()))
            }
        }
    }
}

/// A phrase or a seed in hexadecimal, with a derivation path if it has one; and where it is from.
struct Secret {
    text: String,
    origin: String,
}

impl Secret {
    /// That of a well-known development account.
    fn of_dev(name: &str) -> Result<Self, Failure> {
        let lower = name.trim_start_matches('/').to_lowercase();
        if !DEV_ACCOUNTS.contains(&lower.as_str()) {
            let known = DEV_ACCOUNTS.join(", ");
            return Err(Failure::Key(format!("'{name}' is no development account; there are {known}")));
        }
        let mut letters = lower.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter();
        Ok(Self { text: format!("//{}", first.chain(letters).collect::<String>()), origin: name.into() })
    }

    /// That in the file at `path`.
    fn of_file(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let metadata = std::fs::metadata(path)
            .map_err(|error| Failure::Key(format!("cannot read the key file {shown}: {error}")))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let open = metadata.permissions().mode() & 0o077 != 0;
            if open && !is_credential(path, std::env::var_os("CREDENTIALS_DIRECTORY").as_deref()) {
                return Err(Failure::Key(format!("the key file {shown} is open to others: run chmod 600 {shown}")));
            }
        }
        if !metadata.is_file() {
            return Err(Failure::Key(format!("the key file {shown} is not a file")));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::Key(format!("cannot read the key file {shown}: {error}")))?;
        Ok(Self { text, origin: format!("the key file {shown}") })
    }

    /// What is said of one that is none. It is not shown, and neither are the errors of what reads it: they may quote it.
    fn invalid(&self) -> Failure {
        Failure::Key(format!("{} holds neither a phrase nor a seed in hexadecimal", self.origin))
    }

    /// The key that signs transactions.
    fn key(&self) -> Result<Keypair, Failure> {
        let uri = SecretUri::from_str(self.text.trim()).map_err(|_| self.invalid())?;
        Keypair::from_uri(&uri).map_err(|_| self.invalid())
    }

    /// The same key, for what else sr25519 can do.
    fn pair(&self) -> Result<sr25519::Pair, Failure> {
        sr25519::Pair::from_string(self.text.trim(), None).map_err(|_| self.invalid())
    }
}

/// Whether the file at `path` is one of the credentials that systemd has put into `folder` for this service. Nobody else
/// can enter that folder; the files in it look open to a group, because that is how a list of who may read them shows.
#[cfg(unix)]
fn is_credential(path: &Path, folder: Option<&std::ffi::OsStr>) -> bool {
    folder.is_some_and(|folder| path.parent() == Some(Path::new(folder)))
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
    Secret::of_file(path)?.key()
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
    let key = Secret { text: secret.into(), origin: "what was given".into() }.key()?;
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
        assert_eq!(
            address(&KeySource::Dev("//Bob".into()).load().unwrap()).to_string(),
            "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
        );
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

    #[cfg(unix)]
    #[test]
    fn only_what_is_in_the_folder_of_credentials_is_a_credential() {
        let folder = Some(std::ffi::OsStr::new("/run/credentials/assay-solve.service"));
        assert!(is_credential(Path::new("/run/credentials/assay-solve.service/key"), folder));
        for other in ["/run/credentials/key", "/run/credentials/assay-solve.service/deep/key", "key", "/"] {
            assert!(!is_credential(Path::new(other), folder), "{other}");
        }
        assert!(!is_credential(Path::new("/run/credentials/assay-solve.service/key"), None));
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
        let secret = |text: &str| Secret { text: text.into(), origin: String::new() };
        let seed = secret("0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e");
        assert_eq!(address(&secret(PHRASE).key().unwrap()), address(&seed.key().unwrap()));
        // Both libraries read every secret alike.
        for secret in [seed, secret(PHRASE), secret(&format!("{PHRASE}//a/b///c")), secret("//Alice")] {
            assert_eq!(address(&secret.key().unwrap()).0, secret.pair().unwrap().public().0);
        }
    }

    #[test]
    fn the_key_of_an_accounts_function_is_its_own_and_stays_the_same() {
        let alice = KeySource::Dev("alice".into());
        let (key, vrf) = alice.load_with_vrf(None).unwrap();
        let derived = Secret { text: "//Alice//assay/elections".into(), origin: String::new() }.pair().unwrap();
        assert_eq!(address(&key), address(&alice.load().unwrap()));
        assert_ne!(address(&key).0, vrf.public().0);
        assert_eq!(alice.load_with_vrf(None).unwrap().1.public(), vrf.public());
        assert_ne!(derived.public(), vrf.public(), "a junction with a slash is one junction, not a path of two");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vrf");
        let own = generate(&path).unwrap();
        assert_eq!(alice.load_with_vrf(Some(&path)).unwrap().1.public().0, address(&own).0);
        assert!(alice.load_with_vrf(Some(&folder.path().join("none"))).is_err());
    }
}
