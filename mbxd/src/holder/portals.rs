//! The configured portals: whose certificate, which keys, what they may vouch for.

use super::verification_key::{self, KeyFileError, VerificationKey};
use crate::config::portal::Client;
use crate::config::{Fingerprint, Portal as Config};
use mbx_common::error::Kind;
use mbx_common::time::Timestamp;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Longest key file, in bytes.
const KEY_FILE_LEN_MAX: usize = 256 * 1024;
/// How often a key file is read again because an assertion names a key that is not in it.
const REREAD_PAUSE_MS: u64 = 10_000;
/// Longest `assertion_life_max` that is taken.
const ASSERTION_LIFE_LIMIT_MS: u64 = 5 * 60_000;
/// Largest `clock_skew_max` that is taken.
const CLOCK_SKEW_LIMIT_MS: u64 = 60_000;

/// Why the portals' section cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortalsError {
    /// `audience` is missing or empty.
    #[error("[portal] audience is needed")]
    Audience,
    /// `assertion_life_max` is beyond five minutes, or zero.
    #[error("[portal] assertion_life_max must be between 1 s and 5 min")]
    AssertionLife,
    /// `clock_skew_max` is beyond a minute.
    #[error("[portal] clock_skew_max must be at most 60 s")]
    ClockSkew,
    /// A name is empty, too long, or has other characters.
    #[error("a portal's name has 1–32 of a–z, 0–9 and -")]
    Name,
    /// Two portals share a name, an issuer or a certificate.
    #[error("portal {name} shares its name, issuer or certificate with another")]
    Doubled {
        /// The second one's name.
        name: String,
    },
    /// A portal has no certificate, issuer, level or claim.
    #[error("portal {name} needs certificates, issuer, acr and number_claims")]
    Incomplete {
        /// Its name.
        name: String,
    },
    /// A key file cannot be read.
    #[error("cannot read {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key file cannot be used.
    #[error("{} holds no keys that can be used: {reason}", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// Why, in words.
        reason: String,
    },
}

impl PortalsError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// The portals and what all their assertions must keep.
#[derive(Debug)]
pub(super) struct Portals {
    pub(super) audience: String,
    pub(super) assertion_life_max_ms: u64,
    pub(super) clock_skew_max_ms: u64,
    by_certificate: HashMap<Fingerprint, Arc<Portal>>,
}

/// The portals in force; a reload replaces them while requests go on.
#[derive(Debug)]
pub(super) struct InForce(RwLock<Arc<Portals>>);

impl InForce {
    pub(super) fn new(portals: Portals) -> Self {
        Self(RwLock::new(Arc::new(portals)))
    }

    /// The portals of this moment.
    pub(super) fn current(&self) -> Arc<Portals> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in force, for requests that begin from now on.
    pub(super) fn replace(&self, portals: Portals) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(portals);
    }
}

/// One portal.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) client: Client,
    keys: RwLock<Arc<Vec<VerificationKey>>>,
    reread_after_ms: AtomicU64,
}

impl Portals {
    /// Reads the section and every key file.
    pub(super) fn load(config: &Config) -> Result<Self, PortalsError> {
        let audience = config.audience.clone().filter(|text| !text.is_empty());
        let audience = audience.ok_or(PortalsError::Audience)?;
        let assertion_life_max_ms = config.assertion_life_max.as_millis();
        if !(1000..=ASSERTION_LIFE_LIMIT_MS).contains(&assertion_life_max_ms) {
            return Err(PortalsError::AssertionLife);
        }
        let clock_skew_max_ms = config.clock_skew_max.as_millis();
        if clock_skew_max_ms > CLOCK_SKEW_LIMIT_MS {
            return Err(PortalsError::ClockSkew);
        }
        let mut portals = Self::new(audience, (assertion_life_max_ms, clock_skew_max_ms));
        for (number, client) in config.client.iter().enumerate() {
            check(client)?;
            let earlier = config.client.iter().take(number);
            let doubled = PortalsError::Doubled { name: client.name.clone() };
            if earlier.into_iter().any(|e| e.name == client.name || e.issuer == client.issuer) {
                return Err(doubled);
            }
            let portal = Arc::new(Portal::load(client)?);
            for certificate in &client.certificates {
                if portals.by_certificate.insert(*certificate, Arc::clone(&portal)).is_some() {
                    return Err(doubled);
                }
            }
        }
        Ok(portals)
    }

    /// No portal yet; how long an assertion lasts at most and how far clocks may differ, in
    /// milliseconds.
    pub(super) fn new(
        audience: String,
        (assertion_life_max_ms, clock_skew_max_ms): (u64, u64),
    ) -> Self {
        let by_certificate = HashMap::new();
        Self { audience, assertion_life_max_ms, clock_skew_max_ms, by_certificate }
    }

    /// The portal that this certificate belongs to.
    pub(super) fn of(&self, certificate: Fingerprint) -> Option<Arc<Portal>> {
        self.by_certificate.get(&certificate).map(Arc::clone)
    }
}

impl Portal {
    fn load(client: &Client) -> Result<Self, PortalsError> {
        Ok(Self::new(client.clone(), read_keys(client)?))
    }

    /// A portal with these keys.
    pub(super) fn new(client: Client, keys: Vec<VerificationKey>) -> Self {
        let keys = RwLock::new(Arc::new(keys));
        Self { client, keys, reread_after_ms: AtomicU64::new(0) }
    }

    /// The keys in use.
    pub(super) fn keys(&self) -> Arc<Vec<VerificationKey>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the key file again, but not more often than every ten seconds: an assertion named a
    /// key that is not in use. A file that cannot be used changes nothing.
    pub(super) fn reread(&self, now: Timestamp) -> Option<Arc<Vec<VerificationKey>>> {
        let now_ms = now.as_millis();
        let due = self.reread_after_ms.load(Ordering::Relaxed);
        let next = now_ms.saturating_add(REREAD_PAUSE_MS);
        let order = Ordering::Relaxed;
        // A time further off than the pause is one that the clock was set back from.
        let is_early = now_ms < due && due - now_ms <= REREAD_PAUSE_MS;
        if is_early || self.reread_after_ms.compare_exchange(due, next, order, order).is_err() {
            return None;
        }
        match read_keys(&self.client) {
            Ok(keys) => {
                let keys = Arc::new(keys);
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
                Some(keys)
            }
            Err(error) => {
                tracing::warn!(portal = self.client.name, %error, "portal keys not read");
                None
            }
        }
    }
}

fn check(client: &Client) -> Result<(), PortalsError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=32).contains(&client.name.len()) || !client.name.chars().all(is_plain) {
        return Err(PortalsError::Name);
    }
    let incomplete = client.certificates.is_empty()
        || client.issuer.is_empty()
        || client.acr.is_empty()
        || client.number_claims.is_empty();
    if incomplete {
        return Err(PortalsError::Incomplete { name: client.name.clone() });
    }
    Ok(())
}

fn read_keys(client: &Client) -> Result<Vec<VerificationKey>, PortalsError> {
    let path = client.keys.clone();
    let unusable = |reason: KeyFileError| PortalsError::Keys {
        path: client.keys.clone(),
        reason: reason.to_string(),
    };
    let file = std::fs::read(&path).map_err(|source| PortalsError::KeyFile { path, source })?;
    if file.len() > KEY_FILE_LEN_MAX {
        return Err(unusable(KeyFileError::Form));
    }
    verification_key::parse(&file).map_err(unusable)
}
