//! Custody in a PKCS#11 token.
use super::gate::{RETRY_AFTER, Shared};
use super::job::{Reply, Task};
use super::pin::RejectedPin;
use super::pins::Given;
use super::supervisor::{Event, STOP_WAIT, Supervisor};
use super::{
    Custody, CustodyError, KeyPurpose, KeySpec, Metrics, Public, Sealed, Secret32, Sheet,
    Signature, State, Status, sealed,
};
use crate::config::hsm::Hsm;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};
use tokio::sync::{oneshot, watch};

/// Longest time for making a key: some devices first copy it to others.
const GENERATE_DEADLINE: Duration = Duration::from_secs(30);

/// Longest time for the compatibility sheet.
const TEST_DEADLINE: Duration = Duration::from_mins(2);

/// Longest time that an unlock waits for a token that neither opens nor refuses.
const UNLOCK_WAIT: Duration = Duration::from_secs(30);

/// What [`Pkcs11Custody::start`] needs.
pub struct HsmOptions {
    /// The section `[hsm]`.
    pub config: Hsm,
    /// Whether tokens that are software are admitted in spite of `require_hsm`.
    pub development: bool,
    /// The PIN, where it is known at start; else the token stays locked until
    /// [`Custody::unlock`].
    pub pin: Option<SecretString>,
    /// The file that remembers a rejected PIN across restarts (`docs/formats/rejected-pin.md`).
    pub rejected_pin: Option<PathBuf>,
}

impl fmt::Debug for HsmOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HsmOptions")
            .field("config", &self.config)
            .field("development", &self.development)
            .field("rejected_pin", &self.rejected_pin)
            .finish_non_exhaustive()
    }
}

/// Why the room cannot be started. A token that is away is no reason: it is awaited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration names no module.
    #[error("hsm.module is not set: name the vendor's PKCS#11 module")]
    NoModule,
    /// The configuration names no token.
    #[error("hsm.token_label and hsm.token_serial must both be set, or hsm.slot_id")]
    NoToken,
    /// The operating system gives no thread.
    #[error("cannot start a thread for the HSM")]
    Thread(#[from] io::Error),
}

impl StartError {
    /// Whose move it is.
    pub const fn kind(&self) -> mbx_common::error::Kind {
        match self {
            Self::NoModule | Self::NoToken => mbx_common::error::Kind::Usage,
            Self::Thread(_) => mbx_common::error::Kind::Internal,
        }
    }
}

/// Whether the section names a module and a token; neither is looked for.
///
/// # Errors
/// [`StartError::NoModule`], [`StartError::NoToken`].
pub fn check(config: &Hsm) -> Result<(), StartError> {
    if config.module.as_os_str().is_empty() {
        return Err(StartError::NoModule);
    }
    let named = !config.token_label.is_empty() && !config.token_serial.is_empty();
    if named || config.slot_id.is_some() { Ok(()) } else { Err(StartError::NoToken) }
}

/// Custody in a PKCS#11 token: a supervisor thread and a worker thread per session.
///
/// One process has one: PKCS#11 knows one log-in per process.
pub struct Pkcs11Custody {
    shared: Arc<Shared>,
    /// Hangs up when the supervisor has ended.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl fmt::Debug for Pkcs11Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11Custody")
            .field("status", &self.shared.status())
            .finish_non_exhaustive()
    }
}

impl Drop for Pkcs11Custody {
    /// Ends the threads and waits for them a moment: a module that is still at work while the
    /// process ends may crash it.
    fn drop(&mut self) {
        let (reply, _) = oneshot::channel();
        if self.shared.events.send(Event::Stop { reply }).is_ok() {
            let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = ended.recv_timeout(2 * STOP_WAIT);
        }
    }
}

impl Pkcs11Custody {
    /// Starts the room and returns at once; [`Custody::changes`] tells when the token is open.
    ///
    /// # Errors
    /// Where the configuration names no module or no token, or there is no thread to be had.
    pub fn start(options: HsmOptions) -> Result<Arc<Self>, StartError> {
        let config = options.config;
        check(&config)?;
        let (events, inbox) = mpsc::channel();
        let shared = Arc::new(Shared::new(config, events));
        let supervisor = Supervisor::new(
            Arc::clone(&shared),
            inbox,
            options.pin,
            RejectedPin::new(options.rejected_pin),
            options.development,
        );
        let (running, ended) = mpsc::channel();
        thread::Builder::new().name("hsm-supervisor".to_owned()).spawn(move || {
            supervisor.run();
            drop(running);
        })?;
        Ok(Arc::new(Self { shared, ended: Mutex::new(ended) }))
    }

    /// Ends the room: logs out and finalizes the module, unless a call does not return.
    pub async fn stop(&self) {
        let (reply, stopped) = oneshot::channel();
        if self.shared.events.send(Event::Stop { reply }).is_ok() {
            drop(stopped.await);
        }
    }

    /// Queues a task and waits for its outcome, at most until the deadline.
    async fn submit(&self, task: Task, limit: Duration) -> Result<Reply, CustodyError> {
        let deadline = Instant::now() + limit;
        let reply = self.shared.push(task, deadline)?;
        match tokio::time::timeout_at(deadline.into(), reply).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(CustodyError::Unavailable { retry_after: RETRY_AFTER }),
            Err(_) => {
                self.shared.counters.timeout();
                drop(self.shared.events.send(Event::Overdue));
                Err(CustodyError::Timeout)
            }
        }
    }

    fn deadline(&self) -> Duration {
        self.shared.config.deadline.duration()
    }
}

/// A worker answered with another kind of reply: a defect that never happens.
const MISMATCH: CustodyError = CustodyError::Unavailable { retry_after: RETRY_AFTER };

impl Custody for Pkcs11Custody {
    fn seal<'a>(
        &'a self,
        key: KeySpec,
        secret: &'a Secret32,
    ) -> BoxFuture<'a, Result<Sealed, CustodyError>> {
        Box::pin(async move {
            let task = Task::Seal { key, secret: secret.clone() };
            let Reply::Sealed(sealed) = self.submit(task, self.deadline()).await? else {
                return Err(MISMATCH);
            };
            Ok(sealed)
        })
    }

    fn open<'a>(
        &'a self,
        purpose: KeyPurpose,
        sealed: &'a Sealed,
    ) -> BoxFuture<'a, Result<Secret32, CustodyError>> {
        Box::pin(async move {
            let id = sealed::decode(sealed, purpose)?.header.key;
            let key = KeySpec { id, purpose, version: 0 };
            let task = Task::Open { key, sealed: sealed.clone() };
            let Reply::Secret(secret) = self.submit(task, self.deadline()).await? else {
                return Err(MISMATCH);
            };
            Ok(secret)
        })
    }

    fn sign<'a>(
        &'a self,
        key: KeySpec,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, CustodyError>> {
        Box::pin(async move {
            let task = Task::Sign { key, message: message.to_vec() };
            let Reply::Signature(signature) = self.submit(task, self.deadline()).await? else {
                return Err(MISMATCH);
            };
            Ok(signature)
        })
    }

    fn public(&self, key: KeySpec) -> BoxFuture<'_, Result<Public, CustodyError>> {
        Box::pin(async move {
            let Reply::Public(public) = self.submit(Task::Public { key }, self.deadline()).await?
            else {
                return Err(MISMATCH);
            };
            Ok(public)
        })
    }

    fn generate(&self, key: KeySpec) -> BoxFuture<'_, Result<(), CustodyError>> {
        Box::pin(async move {
            let limit = GENERATE_DEADLINE.max(self.deadline());
            self.submit(Task::Generate { key }, limit).await.map(|_| ())
        })
    }

    fn expect_keys(&self, keys: Vec<KeySpec>) -> BoxFuture<'_, Result<(), CustodyError>> {
        Box::pin(async move {
            self.shared.expect(keys.clone());
            let reply = self.submit(Task::Examine { keys }, GENERATE_DEADLINE).await?;
            let Reply::Missing(missing) = reply else { return Err(MISMATCH) };
            let complete = missing.is_empty();
            self.shared.set_missing(missing);
            if complete { Ok(()) } else { Err(CustodyError::UnknownKey) }
        })
    }

    fn status(&self) -> Status {
        self.shared.status()
    }

    fn metrics(&self) -> Metrics {
        self.shared.counters.snapshot()
    }

    fn changes(&self) -> watch::Receiver<State> {
        self.shared.changes()
    }

    fn unlock(&self, pin: SecretString) -> BoxFuture<'_, Result<(), CustodyError>> {
        Box::pin(async move {
            let (reply, outcome) = oneshot::channel();
            let lost = CustodyError::Unavailable { retry_after: RETRY_AFTER };
            if self.shared.events.send(Event::Unlock(Given { pin, reply })).is_err() {
                return Err(lost);
            }
            match tokio::time::timeout(UNLOCK_WAIT, outcome).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) | Err(_) => Err(lost),
            }
        })
    }

    fn lock(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (reply, done) = oneshot::channel();
            if self.shared.events.send(Event::Lock { reply }).is_ok() {
                drop(done.await);
            }
        })
    }

    fn test(&self) -> BoxFuture<'_, Result<Sheet, CustodyError>> {
        Box::pin(async move {
            let model = self.shared.status().model;
            let Reply::Sheet(sheet) = self.submit(Task::Test, TEST_DEADLINE).await? else {
                return Err(MISMATCH);
            };
            Ok(Sheet { model, ..*sheet })
        })
    }
}
