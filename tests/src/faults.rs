//! Faults made by the fault module in front of a token, and the calls that it counted.

use crate::token::Token;
use std::fs;
use std::path::PathBuf;

/// Return codes of PKCS#11 that tests make.
pub mod code {
    /// `CKR_GENERAL_ERROR`.
    pub const GENERAL_ERROR: u64 = 0x5;
    /// `CKR_DEVICE_ERROR`.
    pub const DEVICE_ERROR: u64 = 0x30;
    /// `CKR_DEVICE_REMOVED`.
    pub const DEVICE_REMOVED: u64 = 0x32;
    /// `CKR_KEY_HANDLE_INVALID`.
    pub const KEY_HANDLE_INVALID: u64 = 0x60;
    /// `CKR_PIN_LOCKED`.
    pub const PIN_LOCKED: u64 = 0xa4;
    /// `CKR_SESSION_HANDLE_INVALID`.
    pub const SESSION_HANDLE_INVALID: u64 = 0xb3;
    /// `CKR_USER_NOT_LOGGED_IN`.
    pub const USER_NOT_LOGGED_IN: u64 = 0x101;
}

/// The fault module's control file and log. Its user loads [`Token::fault_module`].
#[derive(Debug)]
pub struct Faults {
    rules: PathBuf,
    log: PathBuf,
}

/// One call into the module.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// Name of the function.
    pub function: String,
    /// What it returned.
    pub code: u64,
    /// `CKA_ID` of the key in hexadecimal, for calls that begin an operation with one; `stale` for
    /// calls with a session of a former epoch.
    pub more: String,
}

impl Faults {
    /// The faults of this token. A process that uses it must have [`Token::env`].
    pub fn of(token: &Token) -> Self {
        Self { rules: token.fault_rules(), log: token.fault_log() }
    }

    /// Every call of this function (`*`: of any) returns this code from now on.
    pub fn fail(&self, function: &str, code: u64) {
        self.rule(&format!("{function} {code:#x} 0 *"));
    }

    /// The next `count` calls of this function return this code.
    pub fn fail_next(&self, function: &str, code: u64, count: u64) {
        self.rule(&format!("{function} {code:#x} 0 {count}"));
    }

    /// The next `count` calls of this function hang until the faults are repaired.
    pub fn hang_next(&self, function: &str, count: u64) {
        self.rule(&format!("{function} - 3600000 {count}"));
    }

    /// Every call takes this much longer, in milliseconds.
    pub fn slow(&self, ms: u64) {
        self.rule(&format!("* - {ms} *"));
    }

    /// Puts these rules in place of all others, in the words of the fault module.
    pub fn rule(&self, rules: &str) {
        let beside = self.rules.with_extension("new");
        fs::write(&beside, rules).expect("a file of rules");
        fs::rename(&beside, &self.rules).expect("the file of rules");
    }

    /// Takes every rule away; calls that hang go on.
    pub fn repair(&self) {
        self.rule("");
    }

    /// Every call so far, in the order in which they returned.
    pub fn calls(&self) -> Vec<Call> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        // The last line may be half written.
        let whole = log.rfind('\n').and_then(|end| log.get(..end)).unwrap_or_default();
        whole.lines().map(|line| Call::parse(line).expect("a line of the log")).collect()
    }

    /// How often this function was called.
    pub fn count(&self, function: &str) -> usize {
        self.calls().iter().filter(|call| call.function == function).count()
    }

    /// `CKA_ID`s, in hexadecimal, of the keys that the token began to open something with, in order.
    pub fn opened_with(&self) -> Vec<String> {
        let calls = self.calls().into_iter();
        calls.filter(|call| call.function == "C_DecryptInit").map(|call| call.more).collect()
    }

    /// Calls with a session of a former epoch: there must never be any.
    pub fn stale(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.more == "stale").collect()
    }
}

impl Call {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let function = words.next()?.to_owned();
        let code = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
        Some(Self { function, code, more: words.next().unwrap_or_default().to_owned() })
    }
}
