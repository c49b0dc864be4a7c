//! The five calls that the rest of the daemon may make of the token.

use super::{Metrics, Sheet};
use futures_util::future::BoxFuture;
use mbx_common::error::Kind;
use mbx_common::id::KeyId;
use secrecy::SecretString;
use std::fmt;
use std::time::Duration;
use tokio::sync::watch;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes: a wrapping secret W or a root secret. Wiped on drop, no `Debug` of its value.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret32([u8; 32]);

impl Secret32 {
    /// Takes 32 secret bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for key derivation only.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret32(redacted)")
    }
}

/// What a key in the token is for. The byte stands in stored formats: never reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum KeyPurpose {
    /// Seals the W's of the basic tier (classes 1–2).
    KekBasic = 1,
    /// Seals the W's of the high tier (class 3).
    KekHigh = 2,
    /// Seals the register secret and the lookup secret.
    KekRegister = 3,
    /// Seals the keyring's data secret of one erasure generation.
    Keyring = 4,
    /// Seals the data secret of one backup generation.
    Backup = 5,
    /// Signs root secrets, checkpoints, certificates.
    Sign = 6,
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 6] =
        [Self::KekBasic, Self::KekHigh, Self::KekRegister, Self::Keyring, Self::Backup, Self::Sign];

    /// The byte in stored formats.
    pub const fn code(self) -> u8 {
        match self {
            Self::KekBasic => 1,
            Self::KekHigh => 2,
            Self::KekRegister => 3,
            Self::Keyring => 4,
            Self::Backup => 5,
            Self::Sign => 6,
        }
    }

    /// The name in labels and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KekBasic => "kek-basic",
            Self::KekHigh => "kek-high",
            Self::KekRegister => "kek-register",
            Self::Keyring => "keyring",
            Self::Backup => "backup",
            Self::Sign => "sign",
        }
    }
}

/// A key to find in, or to make in, the token.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct KeySpec {
    /// Its `CKA_ID`.
    pub id: KeyId,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// Its version or generation, from 1; part of the label only.
    pub version: u32,
}

/// A secret under a key of the token (`docs/formats/sealed-secret.md`); names profile and key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed(pub Vec<u8>);

/// A signature made in the token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Signature {
    /// Ed25519 over the message itself, 64 bytes (RFC 8032).
    Ed25519([u8; 64]),
    /// ECDSA P-256 over SHA-256 of the message, r ‖ s, 64 bytes (FIPS 186-5).
    EcdsaP256([u8; 64]),
}

/// The public half of a signing key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Public {
    /// 32 bytes (RFC 8032).
    Ed25519([u8; 32]),
    /// Uncompressed point, 65 bytes (SEC 1).
    EcdsaP256([u8; 65]),
}

/// What state the room is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// The canary opens: the token works.
    Ready,
    /// No PIN was given yet.
    Locked,
    /// The token refused the PIN; it is not tried again by itself.
    PinRejected,
    /// The token locked the PIN; the token's security officer must reset it.
    PinLocked,
    /// The token does not answer; it is opened again by itself.
    Down,
    /// A key in the token has attributes it must not have; nothing is opened.
    PolicyViolated,
}

impl State {
    /// Whether the token works.
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Ready)
    }
}

/// What `hsm status`, `status` and metrics show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// The state.
    pub state: State,
    /// How often the token was opened anew since the start; every handle belongs to one epoch.
    pub epoch: u64,
    /// Label of the token.
    pub token: String,
    /// Serial number of the token.
    pub serial: String,
    /// Maker and model as the token tells.
    pub model: String,
    /// How long the present state has lasted.
    pub since: Duration,
    /// When the next attempt is due, where one is.
    pub next_try: Option<Duration>,
    /// Jobs that wait.
    pub queue_len: usize,
    /// Workers that do not come back from the token.
    pub workers_lost: usize,
    /// Successful `open` calls per purpose code since the start, index = code.
    pub opened: [u64; 8],
    /// What led to the present state, where it is not [`State::Ready`]: one sentence for staff.
    pub cause: Option<String>,
    /// Expected keys that the token does not hold exactly once.
    pub missing: Vec<KeySpec>,
}

/// Why the token did not do what was asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CustodyError {
    /// No PIN yet, or the PIN was refused.
    #[error("the HSM is locked")]
    Locked,
    /// The token refused the PIN given just now.
    #[error("the HSM refused the PIN")]
    PinRejected,
    /// The token is open already: the PIN given just now was not tried.
    #[error("the HSM is open already; the PIN was not tried")]
    OpenAlready,
    /// The token admits no PIN any more.
    #[error("the HSM has locked the PIN; its security officer must reset it")]
    PinLocked,
    /// The token is away; it is being opened again.
    #[error("the HSM does not answer")]
    Unavailable {
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// The queue is full.
    #[error("the HSM has too much to do")]
    Busy,
    /// The token refuses this one record while its canary opens: altered, or of another key.
    #[error("a sealed secret fails its integrity check")]
    Tampered,
    /// The token holds no such key, or more than one.
    #[error("the HSM does not hold exactly one key with this id")]
    UnknownKey,
    /// A key has attributes it must not have, or the token is not admitted by the configuration.
    #[error("a key in the HSM has attributes that the policy forbids")]
    Policy,
    /// The token took longer than the deadline.
    #[error("the HSM took too long")]
    Timeout,
    /// The sealed blob cannot be read: unknown format or profile.
    #[error("a sealed secret has an unknown form")]
    Malformed,
}

impl CustodyError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Locked
            | Self::PinLocked
            | Self::Unavailable { .. }
            | Self::Timeout
            | Self::Policy => Kind::Unavailable,
            Self::PinRejected => Kind::Denied,
            Self::OpenAlready => Kind::Conflict,
            Self::Busy => Kind::Limit,
            Self::Tampered | Self::UnknownKey | Self::Malformed => Kind::Corrupt,
        }
    }

    /// How long a caller should wait before trying again, where that can help.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after } => Some(*retry_after),
            Self::Busy | Self::Timeout => Some(Duration::from_secs(5)),
            Self::Locked | Self::Policy => Some(Duration::from_mins(1)),
            Self::PinRejected
            | Self::OpenAlready
            | Self::PinLocked
            | Self::Tampered
            | Self::UnknownKey
            | Self::Malformed => None,
        }
    }
}

/// The token, as the rest of the daemon may use it.
pub trait Custody: Send + Sync {
    /// Seals 32 secret bytes under a key. The profile authenticates purpose and key where it can;
    /// all binding that matters is done in software under the secret itself.
    fn seal<'a>(
        &'a self,
        key: KeySpec,
        secret: &'a Secret32,
    ) -> BoxFuture<'a, Result<Sealed, CustodyError>>;

    /// Opens a sealed secret; the key is named in the blob and must have this purpose.
    fn open<'a>(
        &'a self,
        purpose: KeyPurpose,
        sealed: &'a Sealed,
    ) -> BoxFuture<'a, Result<Secret32, CustodyError>>;

    /// Signs a message with a signing key.
    fn sign<'a>(
        &'a self,
        key: KeySpec,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, CustodyError>>;

    /// The public half of a signing key, read from the token.
    fn public(&self, key: KeySpec) -> BoxFuture<'_, Result<Public, CustodyError>>;

    /// Makes a key with the attributes of its purpose; a canary is done before it returns, and
    /// from then on the key is expected. Where exactly one such key is there already, with the
    /// right attributes, that is success too: a call that ran into its deadline may be repeated.
    fn generate(&self, key: KeySpec) -> BoxFuture<'_, Result<(), CustodyError>>;

    /// Tells which keys must be there: they are found, their attributes checked and a canary
    /// done now and at each opening from now on. The list is kept even where this fails because
    /// the token is away.
    fn expect_keys(&self, keys: Vec<KeySpec>) -> BoxFuture<'_, Result<(), CustodyError>>;

    /// The present state, without asking the token.
    fn status(&self) -> Status;

    /// Counters and latencies since the start.
    fn metrics(&self) -> Metrics {
        Metrics::default()
    }

    /// Changes of the state, for whoever must act on them: purge a cache, open secrets anew.
    fn changes(&self) -> watch::Receiver<State>;

    /// Gives the PIN; it is tried once. Returns when the token is open or known not to open. An
    /// opening that is under way with another PIN is awaited first.
    ///
    /// Fails with [`CustodyError::OpenAlready`], the PIN being untried; with
    /// [`CustodyError::PinRejected`], [`CustodyError::PinLocked`], [`CustodyError::Policy`] or
    /// [`CustodyError::Unavailable`]; the last one keeps the PIN, and the token is opened as soon
    /// as it is back.
    fn unlock(&self, pin: SecretString) -> BoxFuture<'_, Result<(), CustodyError>>;

    /// Forgets the PIN and logs out; nothing is opened until the next [`Self::unlock`].
    fn lock(&self) -> BoxFuture<'_, ()>;

    /// Tries what the daemon needs on the token and measures rates: the compatibility sheet.
    /// Makes keys for it and destroys them. Takes some seconds of one session.
    fn test(&self) -> BoxFuture<'_, Result<Sheet, CustodyError>>;
}
