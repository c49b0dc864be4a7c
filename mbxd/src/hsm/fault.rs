//! What a failed call means.

use super::attributes::Violation;
use cryptoki::error::{Error, RvError};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};

/// Why something did not work in the token.
#[derive(Debug)]
pub(super) enum Fault {
    /// A call failed.
    Call(Error),
    /// The token holds no key with this id.
    Absent,
    /// The token holds several keys with this id.
    Doubled,
    /// A key has attributes that it must not have.
    Violated(Violation),
    /// The token answered something of impossible shape, or a known answer was wrong.
    Answer,
    /// A call ended in a panic: the module told of more than there can be.
    Panicked,
}

/// What to do about a [`Fault`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// The session is broken, or handles and log-in are gone: once more on a new session.
    Session,
    /// The device or this record: only a known-answer operation tells.
    Ambiguous,
    /// This record is bad.
    Record,
    /// No key, or several, of this id.
    Key,
    /// The policy forbids it.
    Policy,
    /// The PIN was refused.
    PinRejected,
    /// The PIN is locked.
    PinLocked,
}

const SESSION: [RvError; 8] = [
    RvError::SessionHandleInvalid,
    RvError::SessionClosed,
    RvError::OperationActive,
    RvError::OperationNotInitialized,
    RvError::ObjectHandleInvalid,
    RvError::KeyHandleInvalid,
    RvError::UserNotLoggedIn,
    RvError::SessionCount,
];

/// `CKR_AEAD_DECRYPT_FAILED` (PKCS#11 3.0), which the PKCS#11 crate has no name for.
const AEAD_DECRYPT_FAILED: RvError = RvError::UnknownErrorCode(0x35);

const RECORD: [RvError; 5] = [
    AEAD_DECRYPT_FAILED,
    RvError::EncryptedDataInvalid,
    RvError::EncryptedDataLenRange,
    RvError::WrappedKeyInvalid,
    RvError::WrappedKeyLenRange,
];

const PIN: [RvError; 4] =
    [RvError::PinIncorrect, RvError::PinInvalid, RvError::PinExpired, RvError::PinLenRange];

impl Fault {
    /// What to do about it. Codes that are not known are ambiguous, vendors' own among them.
    pub(super) fn meaning(&self) -> Meaning {
        match self {
            Self::Call(Error::Pkcs11(code, _)) => by_code(*code),
            Self::Call(_) | Self::Answer | Self::Panicked => Meaning::Ambiguous,
            Self::Absent | Self::Doubled => Meaning::Key,
            Self::Violated(_) => Meaning::Policy,
        }
    }

    /// The name under which it is counted.
    pub(super) fn code(&self) -> String {
        match self {
            Self::Call(Error::Pkcs11(code, _)) => format!("{code:?}"),
            Self::Call(_) => "Module".to_owned(),
            Self::Absent => "KeyAbsent".to_owned(),
            Self::Doubled => "KeyDoubled".to_owned(),
            Self::Violated(_) => "Policy".to_owned(),
            Self::Answer => "WrongAnswer".to_owned(),
            Self::Panicked => "Panic".to_owned(),
        }
    }

    /// Whether the token said that its user is logged in already: success, for a log-in.
    pub(super) fn is_logged_in_already(&self) -> bool {
        self.is(RvError::UserAlreadyLoggedIn)
    }

    /// Whether it is this code.
    pub(super) fn is(&self, wanted: RvError) -> bool {
        matches!(self, Self::Call(Error::Pkcs11(code, _)) if *code == wanted)
    }
}

/// Makes calls into the module; a panic on the way is a fault like another. The PKCS#11 crate takes
/// lengths and counts from the module as they come.
pub(super) fn guarded<T, E: From<Fault>>(calls: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let calls = AssertUnwindSafe(calls);
    panic::catch_unwind(calls).unwrap_or_else(|_| Err(Fault::Panicked.into()))
}

fn by_code(code: RvError) -> Meaning {
    if SESSION.contains(&code) {
        Meaning::Session
    } else if RECORD.contains(&code) {
        Meaning::Record
    } else if PIN.contains(&code) {
        Meaning::PinRejected
    } else if code == RvError::PinLocked {
        Meaning::PinLocked
    } else {
        Meaning::Ambiguous
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(Error::Pkcs11(code, function)) => write!(f, "C_{function:?}: {code:?}"),
            Self::Call(error) => write!(f, "the module: {error}"),
            Self::Absent => f.write_str("the token holds no such key"),
            Self::Doubled => f.write_str("the token holds several keys with one id"),
            Self::Violated(violation) => violation.fmt(f),
            Self::Answer => f.write_str("the token gave a wrong answer"),
            Self::Panicked => f.write_str("the module told of more than there can be"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::context::Function;

    fn meaning(code: RvError) -> Meaning {
        Fault::Call(Error::Pkcs11(code, Function::Decrypt)).meaning()
    }

    #[test]
    fn a_dead_device_and_a_bad_record_may_give_the_same_codes() {
        for code in [
            RvError::GeneralError,
            RvError::DeviceError,
            RvError::DeviceRemoved,
            RvError::DeviceMemory,
            RvError::TokenNotPresent,
            RvError::TokenNotRecognized,
            RvError::FunctionFailed,
            RvError::HostMemory,
            RvError::CryptokiNotInitialized,
            RvError::VendorDefined(0x8000_0001),
        ] {
            assert_eq!(meaning(code), Meaning::Ambiguous, "{code:?}");
        }
    }

    #[test]
    fn only_codes_that_name_the_data_blame_the_record_at_once() {
        assert_eq!(meaning(RvError::EncryptedDataInvalid), Meaning::Record);
        assert_eq!(meaning(AEAD_DECRYPT_FAILED), Meaning::Record);
        assert_eq!(meaning(RvError::SessionHandleInvalid), Meaning::Session);
        assert_eq!(meaning(RvError::UserNotLoggedIn), Meaning::Session);
        assert_eq!(meaning(RvError::PinLenRange), Meaning::PinRejected);
        assert_eq!(meaning(RvError::PinLocked), Meaning::PinLocked);
    }
}
