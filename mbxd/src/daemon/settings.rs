//! What each room takes of the configuration.

use super::credential::Credentials;
use super::error::StartError;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::keys::CacheBounds;
use crate::telemetry::{self, Chain};
use crate::trust::{self, Trust};
use crate::{access, audit, delivery, holder, hsm, mailbox, operators};
use sha2::{Digest as _, Sha256};

/// Longest text of the terms, in bytes.
const TERMS_LEN_MAX: u64 = 4 * 1024 * 1024;

/// Shortest time for which a `deliverSecure` is recognised as a repeat: 30 days, in milliseconds.
const REPEAT_WINDOW_MIN_MS: u64 = 30 * 86_400_000;

/// What the rooms take of the configuration and of the files that it names: read and checked before
/// anything is touched, alike for a start, a reload and `--check-config`. Whether addresses are
/// free, the token answers and the state is whole, a start alone finds out.
pub(super) struct Settings {
    pub(super) cache: CacheBounds,
    pub(super) mailboxes: mailbox::Options,
    pub(super) staff: operators::Options,
    pub(super) audit: audit::Options,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// [`StartError`], the first thing that a start would refuse.
    pub(super) fn read(config: &Config) -> Result<Self, StartError> {
        telemetry::check(&config.log)?;
        hsm::check(&config.hsm)?;
        let settings = Self {
            cache: cache(&config.keys),
            mailboxes: mailboxes(config)?,
            staff: staff(config)?,
            audit: audit(config),
        };
        if config.delivery.listen.is_some() {
            delivery::check(&config.delivery)
                .map_err(|error| StartError::Setting(error.to_string()))?;
        }
        if config.portal.listen.is_some() {
            holder::Door::prepare(&config.portal)
                .map_err(|error| StartError::Setting(Chain(&error).to_string()))?;
        }
        Trust::check(config.trust.clone(), identities(config), &Clock::system())?;
        Ok(settings)
    }

    /// The same, and the credentials, which a reload does not need.
    ///
    /// # Errors
    /// [`StartError`].
    pub(super) fn with_credentials(config: &Config) -> Result<(Self, Credentials), StartError> {
        Ok((Self::read(config)?, Credentials::read(config)?))
    }
}

/// The certificate and key of each door that has an address.
pub(super) fn identities(config: &Config) -> Vec<(trust::Door, config::TlsIdentity)> {
    let doors = [
        (trust::Door::Authorities, config.delivery.listen, &config.delivery.tls),
        (trust::Door::Portal, config.portal.listen, &config.portal.tls),
    ];
    doors
        .into_iter()
        .filter(|(_, listen, _)| listen.is_some())
        .map(|(door, _, identity)| (door, identity.clone()))
        .collect()
}

/// The cache of opened keys.
fn cache(keys: &config::Keys) -> CacheBounds {
    CacheBounds {
        keys_max: usize::try_from(keys.cache_keys_max).unwrap_or(usize::MAX),
        idle_ms: keys.cache_idle.as_millis(),
        absolute_ms: keys.cache_absolute.as_millis(),
    }
}

/// Mailboxes; reads the file of the terms.
fn mailboxes(config: &Config) -> Result<mailbox::Options, StartError> {
    let policy = &config.policy;
    if policy.repeat_window.as_millis() < REPEAT_WINDOW_MIN_MS {
        return Err(StartError::Setting("policy.repeat_window: at least 30 d".to_owned()));
    }
    Ok(mailbox::Options {
        rules: access::Rules {
            profile: policy.profile,
            fresh_authentication_age_max_ms: policy.fresh_authentication_age_max.as_millis(),
            authentication_age_max_ms: policy.authentication_age_max.as_millis(),
            grave_loa: policy.grave_loa,
            read_while_suspended: policy.read_while_suspended,
            clock_skew_max_ms: config.portal.clock_skew_max.as_millis(),
        },
        registration_loa: policy.registration_loa,
        terms: terms(&config.terms)?,
        restore_window_ms: policy.restore_window.as_millis(),
        repeat_window_ms: policy.repeat_window.as_millis(),
        notify_repeat_window_ms: policy.notify_repeat_window.as_millis(),
    })
}

fn terms(terms: &config::Terms) -> Result<Option<mailbox::Terms>, StartError> {
    let setting = |text: String| StartError::Setting(text);
    let (version, file) = match (&terms.version, &terms.file) {
        (None, None) => return Ok(None),
        (Some(version), Some(file)) => (version, file),
        (None, Some(_)) => return Err(setting("terms.version is missing".to_owned())),
        (Some(_), None) => return Err(setting("terms.file is missing".to_owned())),
    };
    if !(1..=32).contains(&version.len()) || version.contains(char::is_control) {
        return Err(setting("terms.version: write 1 to 32 characters".to_owned()));
    }
    let read = |error| setting(format!("terms.file: cannot read {}: {error}", file.display()));
    if std::fs::metadata(file).map_err(read)?.len() > TERMS_LEN_MAX {
        return Err(setting(format!("terms.file: {} is larger than 4 MiB", file.display())));
    }
    let text = std::fs::read(file).map_err(read)?;
    Ok(Some(mailbox::Terms { version: version.clone(), sha256: Sha256::digest(text).into() }))
}

/// Staff.
fn staff(config: &Config) -> Result<operators::Options, StartError> {
    let staff = &config.operators;
    let cost = operators::Cost {
        memory_kib: u32::try_from(staff.password_memory.get() / 1024).unwrap_or(u32::MAX),
        passes: staff.password_passes.into(),
    };
    if !cost.is_in_range() {
        return Err(StartError::Setting(
            "operators.password_memory is 64 KiB to 4 GiB, operators.password_passes 1 to 1000"
                .to_owned(),
        ));
    }
    Ok(operators::Options {
        idle_ms: staff.session_idle.as_millis(),
        absolute_ms: staff.session_longest.as_millis(),
        password_age_max_ms: staff.password_age.as_millis(),
        password_history: staff.password_history.into(),
        sessions_max: staff.sessions_per_person.into(),
        cost,
        daemon_uid: rustix::process::geteuid().as_raw(),
    })
}

/// The audit log. Its name in checkpoints is the configured one, else the installation's.
fn audit(config: &Config) -> audit::Options {
    let origin = match config.audit.origin.as_str() {
        "" => format!("{}/audit", config.installation.name),
        named => named.to_owned(),
    };
    audit::Options {
        origin,
        checkpoint_every_ms: config.audit.checkpoint_every.as_millis(),
        checkpoint_entries: config.audit.checkpoint_entries.into(),
    }
}
