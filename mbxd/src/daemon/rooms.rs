//! Every room of a running daemon, opened in the order in which they lean on one another.

use super::credential::Credentials;
use super::error::StartError;
use super::service;
use super::settings::{Settings, identities};
use crate::audit::{self, AuditLog};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::health::Health;
use crate::hsm::{HsmOptions, Pkcs11Custody, Secret32};
use crate::jobs::Jobs;
use crate::keys::{self, Keys};
use crate::mailbox::staff::Verifier;
use crate::mailbox::{self, Mailboxes};
use crate::operators::Operators;
use crate::registers::Senders;
use crate::store::Store;
use crate::store::back_end::{BackEnd, Disk};
use crate::store::embedded::{Embedded, RebuildProgress};
use crate::trust::Trust;
use mbx_common::error::Kind;
use std::path::Path;
use std::sync::Arc;

/// Name of the file, in the state folder, that remembers a PIN which the token refused.
const REJECTED_PIN: &str = "rejected-pin";

/// Every room, open.
pub(super) struct Rooms {
    pub(super) clock: Clock,
    pub(super) engine: Arc<Embedded>,
    pub(super) store: Store,
    pub(super) custody: Arc<Pkcs11Custody>,
    pub(super) keys: Keys,
    pub(super) jobs: Jobs,
    pub(super) trust: Trust,
    pub(super) senders: Senders,
    pub(super) operators: Operators,
    pub(super) mailboxes: Mailboxes,
    pub(super) audit: AuditLog,
    pub(super) health: Health,
}

impl Rooms {
    /// Opens everything below the doors. A token that is away or locked is no error: it is awaited.
    pub(super) async fn open(
        config: &Config,
        settings: Settings,
        credentials: Credentials,
    ) -> Result<Self, StartError> {
        let Settings { cache, mailboxes, staff, audit: audit_options } = settings;
        let clock = Clock::system();
        let back_end = state_folder(&config.paths.state)?;
        let engine = open_engine(Arc::clone(&back_end), config.store.clone()).await?;
        let store = Store::new(engine.clone());
        let trust =
            Trust::open(config.trust.clone(), identities(config), store.clone(), clock.clone())
                .await?;
        let custody = Pkcs11Custody::start(HsmOptions {
            config: config.hsm.clone(),
            development: config.development,
            pin: credentials.pin,
            rejected_pin: Some(config.paths.state.join(REJECTED_PIN)),
        })?;
        let keys = Keys::load(keys::Surroundings {
            custody: custody.clone(),
            store: store.clone(),
            back_end,
            clock: clock.clone(),
            cache,
        })
        .await?;
        provide_lookup(&keys, &config.keys, credentials.lookup).await?;
        let jobs = Jobs::new(store.clone(), clock.clone());
        let room = |error: &dyn std::fmt::Display| StartError::Room(error.to_string());
        let senders =
            Senders::open(store.clone(), clock.clone()).await.map_err(|error| room(&error))?;
        let operators =
            Operators::new(store.clone(), clock.clone(), staff).map_err(|error| room(&error))?;
        let mailboxes = Mailboxes::new(
            mailbox::Surroundings {
                store: store.clone(),
                keys: keys.clone(),
                jobs: jobs.clone(),
                clock: clock.clone(),
            },
            mailboxes,
        );
        jobs.register(Arc::new(Verifier::new(mailboxes.clone())));
        let (signing, ever) = (keys.clone(), keys.clone());
        let signer = audit::Signer {
            custody: custody.clone(),
            key: Box::new(move || signing.sign_key().ok()),
            ever: Box::new(move || ever.clone().sign_keys_ever()),
        };
        let audit = AuditLog::new(store.clone(), signer, clock.clone(), audit_options);
        let health = Health::new(keys.clone(), store.clone());
        Ok(Self {
            clock,
            engine,
            store,
            custody,
            keys,
            jobs,
            trust,
            senders,
            operators,
            mailboxes,
            audit,
            health,
        })
    }
}

/// The state folder as a back end; made where it is missing, for the daemon's user alone.
pub(super) fn state_folder(path: &Path) -> Result<Arc<dyn BackEnd>, StartError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| StartError::State { path: path.to_owned(), source })?;
    Ok(Arc::new(Disk::new(path)))
}

/// Opens the store off the event loop: a long tail is replayed there, and an index of an older
/// format made again.
async fn open_engine(
    back_end: Arc<dyn BackEnd>,
    config: config::Store,
) -> Result<Arc<Embedded>, StartError> {
    let mut told = None;
    let report = move |done: RebuildProgress| {
        service::tell_starting();
        if told.replace(done.segments_done) != Some(done.segments_done) {
            let RebuildProgress { segments_done, segments, units } = done;
            tracing::info!(segments_done, segments, units, "making the index again from the log");
        }
    };
    let open = move || Embedded::open_telling(back_end, &config, report);
    let opened = tokio::task::spawn_blocking(open).await;
    match opened {
        Ok(engine) => Ok(engine?),
        Err(_) => Err(StartError::Room("the store ended by a defect while opening".to_owned())),
    }
}

async fn provide_lookup(
    keys: &Keys,
    config: &config::Keys,
    lookup: Option<Secret32>,
) -> Result<(), StartError> {
    let Some(name) = &config.lookup_credential else { return Ok(()) };
    match lookup {
        Some(secret) if keys.state() != keys::KeysState::Uninitialised => {
            take_lookup(keys, name, secret).await
        }
        Some(_) => Ok(()),
        None => {
            tracing::warn!(credential = name, "the lookup credential was not given");
            Ok(())
        }
    }
}

/// Takes the credential's secret. One that does not fit is no reason not to start: the daemon is as
/// locked as without it, says so, and a security officer may unlock the token.
async fn take_lookup(keys: &Keys, name: &str, secret: Secret32) -> Result<(), StartError> {
    match keys.provide_lookup(secret).await {
        Err(error) if matches!(error.kind(), Kind::Usage | Kind::Corrupt) => {
            tracing::error!(
                credential = name,
                %error,
                "the lookup credential was not taken: no delivery until the HSM is unlocked"
            );
            Ok(())
        }
        taken => Ok(taken?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeysState;
    use crate::keys::testing::Bench;

    #[tokio::test]
    async fn a_foreign_lookup_credential_leaves_the_daemon_locked_and_saying_so() {
        let mut bench = Bench::open().await;
        let own = bench.keys.lookup_credential().unwrap();
        bench.restart().await;
        let health = Health::new(bench.keys.clone(), bench.store.clone());
        let reason = || format!("{:?}", health.abilities().deliver);
        take_lookup(&bench.keys, "mbx-lookup", Secret32::new([7; 32])).await.unwrap();
        assert_eq!(bench.keys.state(), KeysState::Locked { delivers: false });
        assert!(reason().contains("lookup credential"), "{}", reason());
        let own = keys::parse_lookup_credential(&own).unwrap();
        take_lookup(&bench.keys, "mbx-lookup", own).await.unwrap();
        assert_eq!(bench.keys.state(), KeysState::Locked { delivers: true });
        assert!(!reason().contains("lookup credential"), "{}", reason());
    }
}
