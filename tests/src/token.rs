//! A PKCS#11 token of its own for a test, and a process of its own to use it in.
//!
//! PKCS#11 is one per process: one `C_Initialize`, one log-in. So a test that uses a token runs
//! its body in a child process, which plain `cargo test` suffices for:
//!
//! ```ignore
//! #[test]
//! fn a_sealed_secret_opens_again() {
//!     token::alone(|token| { /* this runs in the child, the token being its own */ });
//! }
//! ```
//!
//! Environment: `MBX_SOFTHSM_MODULE`, `MBX_SOFTHSM_UTIL`, `MBX_KRYOPTIC_MODULE` and
//! `MBX_P11FAULT_MODULE` name other places for the modules and the tool.

use crate::alone;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use tempfile::TempDir;

const CHILD_DIR: &str = "MBX_TOKEN_DIR";
const CHILD_KIND: &str = "MBX_TOKEN_KIND";
const CHILD_SERIAL: &str = "MBX_TOKEN_SERIAL";

/// Which module the token lives in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// SoftHSM 2.
    SoftHsm,
    /// Kryoptic; there only where `scripts/kryoptic` has built its module.
    Kryoptic,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::SoftHsm => "softhsm",
            Self::Kryoptic => "kryoptic",
        }
    }

    /// The module to load, where it is installed.
    pub fn module(self) -> Option<PathBuf> {
        let path = match self {
            Self::SoftHsm => named("MBX_SOFTHSM_MODULE", "/usr/lib/softhsm/libsofthsm2.so"),
            Self::Kryoptic => match env::var_os("MBX_KRYOPTIC_MODULE") {
                Some(path) => path.into(),
                None => built("kryoptic/libkryoptic.so")?,
            },
        };
        path.exists().then_some(path)
    }

    /// Whether a test on it can run; fails where nothing installed may be skipped, which
    /// `MBX_TEST_ALL` says.
    pub fn is_installed(self) -> bool {
        let installed = self.module().is_some();
        let required = env::var_os("MBX_TEST_ALL").is_some();
        assert!(installed || !required, "no module for {}", self.name());
        installed
    }
}

/// An initialised token in a folder of its own, which goes away with it.
#[derive(Debug)]
pub struct Token {
    kind: Kind,
    dir: PathBuf,
    serial: String,
    owned: Option<TempDir>,
}

impl Token {
    /// The label of every test token.
    pub const LABEL: &str = "mbx-test";
    /// The user's PIN of every test token.
    pub const PIN: &str = "271828";
    /// The security officer's PIN of every test token.
    pub const SO_PIN: &str = "31415926";

    /// Makes a SoftHSM token.
    pub fn softhsm() -> Self {
        Self::create(Kind::SoftHsm)
    }

    /// Makes a token of this kind.
    pub fn create(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let token = Self::kept(kind, folder.path());
        Self { owned: Some(folder), ..token }
    }

    /// The token in this folder, made where there is none yet. It outlives this value.
    pub fn kept(kind: Kind, dir: &Path) -> Self {
        let mut token = Self { kind, dir: dir.to_owned(), serial: String::new(), owned: None };
        if !token.config().exists() {
            token.initialise();
        }
        token.serial = serial(&token.util(&["--show-slots"]));
        token
    }

    fn initialise(&self) {
        fs::create_dir_all(self.storage()).expect("a folder for the token");
        fs::write(self.config(), self.config_text()).expect("the module's configuration");
        if self.kind == Kind::SoftHsm {
            self.util(&["--init-token", "--free", "--label", Self::LABEL]);
        } else {
            self.util(&["--init-token", "--slot", "0", "--label", Self::LABEL]);
        }
    }

    /// The token that the parent made for this child process.
    pub(crate) fn inherited() -> Option<Self> {
        let kind = match env::var(CHILD_KIND).ok()?.as_str() {
            "kryoptic" => Kind::Kryoptic,
            _ => Kind::SoftHsm,
        };
        let dir = env::var_os(CHILD_DIR)?.into();
        Some(Self { kind, dir, serial: env::var(CHILD_SERIAL).ok()?, owned: None })
    }

    /// Which module it lives in.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The real module.
    pub fn module(&self) -> PathBuf {
        self.kind.module().expect("the PKCS#11 module is installed")
    }

    /// The token's label.
    pub const fn label(&self) -> &'static str {
        Self::LABEL
    }

    /// The token's serial number.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The user's PIN.
    pub const fn pin(&self) -> &'static str {
        Self::PIN
    }

    /// A folder that lives as long as the token, for whatever else the test writes.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the token's objects lie: renaming it takes the token away.
    pub fn storage(&self) -> PathBuf {
        self.dir.join("tokens")
    }

    /// How many files its objects take; a rough count of keys, for SoftHSM.
    pub fn objects(&self) -> usize {
        let walk = walkdir::WalkDir::new(self.storage()).into_iter().filter_map(Result::ok);
        walk.filter(|entry| entry.path().extension().is_some_and(|e| e == "object")).count()
    }

    /// The file of the object that was made as the n-th, from 0; for SoftHSM.
    pub fn object_made(&self, n: usize) -> PathBuf {
        let walk = walkdir::WalkDir::new(self.storage()).into_iter().filter_map(Result::ok);
        let objects = walk.filter(|entry| entry.path().extension().is_some_and(|e| e == "object"));
        let made = |path: &PathBuf| fs::metadata(path).and_then(|facts| facts.created()).ok();
        let mut paths: Vec<PathBuf> = objects
            .map(walkdir::DirEntry::into_path)
            .filter(|path| {
                // The token's own description is an object file too.
                path.file_name().is_some_and(|name| name != "token.object")
            })
            .collect();
        paths.sort_by_key(made);
        paths.swap_remove(n)
    }

    /// Tells SoftHSM, in whichever process, that objects came or went, as its own writes do.
    pub fn announce_change(&self) {
        for entry in walkdir::WalkDir::new(self.storage()).into_iter().filter_map(Result::ok) {
            if entry.file_name() == "generation" {
                let count = fs::read(entry.path()).expect("the token's count of changes");
                let count = u64::from_be_bytes(count.try_into().expect("eight bytes"));
                fs::write(entry.path(), (count + 1).to_be_bytes()).expect("the count");
            }
        }
    }

    /// What a process that uses the token needs in its environment.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let config = self.config().display().to_string();
        let mut env = vec![
            (CHILD_KIND, self.kind.name().to_owned()),
            (CHILD_DIR, self.dir.display().to_string()),
            (CHILD_SERIAL, self.serial.clone()),
        ];
        match self.kind {
            Kind::SoftHsm => env.push(("SOFTHSM2_CONF", config)),
            Kind::Kryoptic => env.push(("KRYOPTIC_CONF", config)),
        }
        if let Some(module) = self.kind.module() {
            env.push(("P11FAULT_MODULE", module.display().to_string()));
        }
        env.push(("P11FAULT_RULES", self.fault_rules().display().to_string()));
        env.push(("P11FAULT_LOG", self.fault_log().display().to_string()));
        env.push(("P11FAULT_SECRETS", self.secrets().display().to_string()));
        env
    }

    /// The fault module in front of this token: [`Faults`](crate::faults::Faults) rules it.
    pub fn fault_module(&self) -> PathBuf {
        if let Some(path) = env::var_os("MBX_P11FAULT_MODULE") {
            return path.into();
        }
        let exe = env::current_exe().expect("this program's path");
        let dir = exe.parent().expect("this program's folder");
        [dir.join("libp11fault.so"), dir.join("deps/libp11fault.so")]
            .into_iter()
            .find(|path| path.exists())
            .expect("libp11fault.so is built along with this package")
    }

    /// Where the fault module writes down every secret that the token sealed or opened.
    pub fn secrets(&self) -> PathBuf {
        self.dir.join("secrets")
    }

    pub(crate) fn fault_rules(&self) -> PathBuf {
        self.dir.join("faults")
    }

    pub(crate) fn fault_log(&self) -> PathBuf {
        self.dir.join("calls")
    }

    fn config(&self) -> PathBuf {
        self.dir.join("module.conf")
    }

    fn config_text(&self) -> String {
        let storage = self.storage().display().to_string();
        match self.kind {
            Kind::SoftHsm => format!(
                "directories.tokendir = {storage}\nobjectstore.backend = file\nlog.level = ERROR\n"
            ),
            Kind::Kryoptic => format!(
                "[[slots]]\nslot = 0\ndbtype = \"sqlite\"\ndbargs = \"{storage}/token.sql\"\n"
            ),
        }
    }

    fn util(&self, args: &[&str]) -> String {
        let tool = named("MBX_SOFTHSM_UTIL", "/usr/bin/softhsm2-util");
        let output = Command::new(&tool)
            .args(args)
            .args(["--pin", Self::PIN, "--so-pin", Self::SO_PIN])
            .arg("--module")
            .arg(self.module())
            .envs(self.env())
            .output()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", tool.display()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "softhsm2-util {args:?}: {text}{errors}");
        text
    }
}

/// Runs a test's body in a process of its own with a fresh SoftHSM token of its own.
pub fn alone<F: FnOnce(Token)>(body: F) {
    alone_on(Kind::SoftHsm, body);
}

/// The same on a token of this kind; does nothing where its module is not installed, unless
/// `MBX_TEST_ALL` is set.
pub fn alone_on<F: FnOnce(Token)>(kind: Kind, body: F) {
    run(kind, &alone::test_name::<F>(), body);
}

fn run(kind: Kind, test: &str, body: impl FnOnce(Token)) {
    if alone::is_child() {
        return body(Token::inherited().expect("the parent made a token"));
    }
    if !kind.is_installed() {
        return;
    }
    let token = Token::create(kind);
    alone::run_child(test, &token.env(), token.dir());
    drop(token.owned);
}

/// [`alone()`] for a body that is a future.
pub fn alone_async<F, R>(body: F)
where
    F: FnOnce(Token) -> R,
    R: Future<Output = ()>,
{
    alone_async_on(Kind::SoftHsm, body);
}

/// [`alone_on`] for a body that is a future.
pub fn alone_async_on<F, R>(kind: Kind, body: F)
where
    F: FnOnce(Token) -> R,
    R: Future<Output = ()>,
{
    run(kind, &alone::test_name::<F>(), |token| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(body(token));
    });
}

fn named(variable: &str, default: &str) -> PathBuf {
    env::var_os(variable).map_or_else(|| default.into(), Into::into)
}

/// A file in the folder that cargo builds into.
fn built(path: &str) -> Option<PathBuf> {
    let exe = env::current_exe().ok()?;
    exe.ancestors().map(|dir| dir.join(path)).find(|file| file.exists())
}

/// The serial number of the slot whose label is ours.
fn serial(slots: &str) -> String {
    let mut serial = "";
    for line in slots.lines().map(str::trim) {
        if let Some(value) = line.strip_prefix("Serial number:") {
            serial = value.trim();
        }
        if line.strip_prefix("Label:").is_some_and(|label| label.trim() == Token::LABEL) {
            return serial.to_owned();
        }
    }
    panic!("no token {} among:\n{slots}", Token::LABEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_runs_in_a_process_of_its_own_with_the_token_made_for_it() {
        alone(|token| {
            assert!(token.storage().read_dir().unwrap().next().is_some());
            assert!(!token.serial().is_empty());
            assert_eq!(env::var("SOFTHSM2_CONF").unwrap(), token.config().display().to_string());
        });
    }

    #[test]
    #[should_panic(expected = "in its own process")]
    fn a_body_that_fails_fails_the_test() {
        alone(|_| panic!("as it should"));
    }
}
