//! Filling an installation through the mailbox room: real keys, real contents, real audit entries.

use crate::BenchError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use mbx_common::assurance::{Loa, ProtectionClass};
use mbx_common::audit::{Actor, Origin};
use mbx_common::id::RequestId;
use mbx_common::limit::{NOTIFY_RECIPIENTS_MAX, REGISTER_BATCH_ROWS_MAX};
use mbx_common::time::Timestamp;
use mbx_sim::identity;
use mbx_tests::installation::AUTHORITY;
use mbxd::clock::Clock;
use mbxd::config::Config;
use mbxd::hsm::{Custody as _, HsmOptions, Pkcs11Custody, State};
use mbxd::jobs::Jobs;
use mbxd::keys::{self, CacheBounds, Keys};
use mbxd::mailbox::incoming::{
    Incoming, IncomingMessage, Operation, Part, PartSource, RepeatMark, Support,
};
use mbxd::mailbox::staff::{FileBatch, Registration};
use mbxd::mailbox::{self, Mailboxes, Terms};
use mbxd::store::Store;
use mbxd::store::back_end::{BackEnd, Disk};
use mbxd::store::embedded::Embedded;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Of ten messages so many are mass sendings to a thousand each, as a tax authority makes them; the
/// others are letters to one person each. A mass sending's content is stored once.
const MASS_PER_TEN: u64 = 9;

/// Letters under way at once.
const LETTERS_AT_ONCE: u64 = 96;

/// Mass sendings under way at once: each has a thousand rows.
const SENDINGS_AT_ONCE: u64 = 4;

/// Registration files under way at once: one waits for the token while the other reckons; more
/// would fill the token's queue.
const FILES: u32 = 2;

/// How long the token may take to open.
const PATIENCE: Duration = Duration::from_mins(1);

/// The rooms that filling needs, open.
pub struct Rooms {
    engine: Arc<Embedded>,
    custody: Arc<Pkcs11Custody>,
    keys: Keys,
    mailboxes: Mailboxes,
    clock: Clock,
}

impl Rooms {
    /// Opens an installation that is set up and whose daemon is stopped.
    ///
    /// # Errors
    /// [`BenchError`] where a room does not open.
    pub async fn open(config: &Config, pin: SecretString) -> Result<Self, BenchError> {
        let clock = Clock::system();
        let back_end: Arc<dyn BackEnd> = Arc::new(Disk::new(&config.paths.state));
        let engine = Embedded::open(Arc::clone(&back_end), &config.store)?;
        let store = Store::new(engine.clone());
        let custody = Pkcs11Custody::start(HsmOptions {
            config: config.hsm.clone(),
            development: config.development,
            pin: Some(pin),
            rejected_pin: None,
        })?;
        let mut changes = custody.changes();
        tokio::time::timeout(PATIENCE, changes.wait_for(|state| *state == State::Ready)).await??;
        let keys = Keys::load(keys::Surroundings {
            custody: custody.clone(),
            store: store.clone(),
            back_end,
            clock: clock.clone(),
            cache: CacheBounds { keys_max: 0, idle_ms: 0, absolute_ms: 0 },
        })
        .await?;
        keys.open().await?;
        let jobs = Jobs::new(store.clone(), clock.clone());
        let surroundings =
            mailbox::Surroundings { store, keys: keys.clone(), jobs, clock: clock.clone() };
        let options = mailbox::Options { terms: terms(config)?, ..mailbox::Options::default() };
        let mailboxes = Mailboxes::new(surroundings, options);
        Ok(Self { engine, custody, keys, mailboxes, clock })
    }

    /// Registers the first so many made-up persons.
    ///
    /// # Errors
    /// [`BenchError`] where a batch is not taken whole.
    pub async fn register(&self, mailboxes: u32) -> Result<(), BenchError> {
        let share = mailboxes.div_ceil(FILES);
        let file = |number: u32| {
            let first = (number * share).min(mailboxes);
            let this = self.mailboxes.clone();
            tokio::spawn(register_file(this, first..(first + share).min(mailboxes)))
        };
        let files: Vec<_> = (0..FILES).map(file).collect();
        for file in files {
            file.await??;
        }
        Ok(())
    }

    /// Delivers so many small messages to the persons, spread evenly.
    ///
    /// # Errors
    /// [`BenchError`] where one is not taken.
    pub async fn deliver(&self, messages: u64, mailboxes: u32) -> Result<(), BenchError> {
        let persons = u64::from(mailboxes);
        let each = length_of_sending(mailboxes);
        let sendings = messages * MASS_PER_TEN / 10 / each;
        let letters = messages - sendings * each;
        self.many(sendings, SENDINGS_AT_ONCE, move |index, now| {
            let first = index * each;
            incoming(first, (first..first + each).map(|at| at % persons), now)
        })
        .await?;
        self.many(letters, LETTERS_AT_ONCE, move |index, now| {
            // A stride without a common factor with any round count spreads neighbours apart.
            incoming(index, [index.wrapping_mul(7919) % persons], now)
        })
        .await
    }

    /// Takes deliveries, so many of them under way at once.
    async fn many<F>(&self, count: u64, at_once: u64, make: F) -> Result<(), BenchError>
    where
        F: Fn(u64, Timestamp) -> Result<Incoming, BenchError> + Clone + Send + 'static,
    {
        let next = Arc::new(AtomicU64::new(0));
        let tasks: Vec<_> = (0..at_once)
            .map(|_| {
                let (this, next) = (self.mailboxes.clone(), Arc::clone(&next));
                let (clock, make) = (self.clock.clone(), make.clone());
                tokio::spawn(async move {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count {
                            return Ok::<(), BenchError>(());
                        }
                        let accepted = this.accept(make(index, clock.now())?).await?;
                        if accepted.repeated || accepted.statuses.contains(&false) {
                            return Err("a made-up delivery reached not everybody".into());
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok(())
    }

    /// Ends in order.
    ///
    /// # Errors
    /// [`BenchError`] where the store was not closed.
    pub async fn close(self) -> Result<(), BenchError> {
        self.keys.close();
        self.custody.stop().await;
        let engine = self.engine;
        Ok(tokio::task::spawn_blocking(move || engine.close()).await?)
    }
}

impl std::fmt::Debug for Rooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rooms")
    }
}

fn terms(config: &Config) -> Result<Option<Terms>, BenchError> {
    let (Some(version), Some(file)) = (&config.terms.version, &config.terms.file) else {
        return Ok(None);
    };
    let sha256 = Sha256::digest(std::fs::read(file)?).into();
    Ok(Some(Terms { version: version.clone(), sha256 }))
}

/// Registers persons as one file, a batch at a time.
async fn register_file(
    mailboxes: Mailboxes,
    persons: std::ops::Range<u32>,
) -> Result<(), BenchError> {
    let rows_total = u64::from(persons.end - persons.start);
    let file_sha256 = Sha256::digest(persons.start.to_be_bytes()).into();
    let mut first_row = 0;
    for batch in persons.step_by(REGISTER_BATCH_ROWS_MAX) {
        let left = usize::try_from(rows_total - first_row)?.min(REGISTER_BATCH_ROWS_MAX);
        let rows = (batch..).take(left).map(|index| registration(index).map(Ok));
        let rows = rows.collect::<Result<_, BenchError>>()?;
        let batch = FileBatch { file_sha256, rows_total, first_row, rows };
        let done = mailboxes.register_batch(batch, &Origin::of(Actor::Daemon)).await?;
        if let Some(refused) = done.refused.first() {
            return Err(format!("a made-up person was refused: {}", refused.code).into());
        }
        first_row = done.next_row;
    }
    Ok(())
}

fn registration(index: u32) -> Result<Registration, BenchError> {
    Ok(Registration {
        number: identity::person(index).parse()?,
        kind: None,
        terms: None,
        accepted: None,
        loa: Loa::Three,
        reference: None,
    })
}

/// Recipients of one mass sending.
fn length_of_sending(mailboxes: u32) -> u64 {
    let most = u64::try_from(NOTIFY_RECIPIENTS_MAX).unwrap_or(u64::MAX);
    u64::from(mailboxes).clamp(1, most)
}

/// A small delivery as the door hands it over: a signed one to one person, a `notify` to many.
fn incoming(
    index: u64,
    persons: impl IntoIterator<Item = u64>,
    now: Timestamp,
) -> Result<Incoming, BenchError> {
    let recipients = persons
        .into_iter()
        .map(|person| Ok(Some(identity::person(u32::try_from(person)?).parse()?)))
        .collect::<Result<Vec<_>, BenchError>>()?;
    let (operation, class) = if recipients.len() == 1 {
        (Operation::DeliverSecure, ProtectionClass::Three)
    } else {
        (Operation::Notify, ProtectionClass::One)
    };
    let text =
        format!("Letter {index} of a filled installation. {}", "It says nothing. ".repeat(8));
    let body = BASE64.encode(&text);
    let before = "<Envelope><Body>";
    let payload = format!("{before}{body}</Body></Envelope>");
    let start = u64::try_from(before.len())?;
    let end = start + u64::try_from(body.len())?;
    Ok(Incoming {
        request: RequestId::from_bytes(mbxd::random::bytes()),
        received: now,
        peer: None,
        operation,
        sender: AUTHORITY.parse()?,
        dispatcher: AUTHORITY.parse()?,
        recipients,
        class,
        payload: Bytes::from(payload),
        repeat_mark: RepeatMark::of(operation, &index.to_be_bytes()),
        sender_name: "Example Authority".to_owned(),
        reference: None,
        correlation_id: None,
        attention: None,
        messages: vec![IncomingMessage {
            sender_id: format!("seed-{index}"),
            subject: format!("Letter {index}"),
            language: "svSE".to_owned(),
            support: Support { text: "Ask us".to_owned(), ..Support::default() },
            body: Part {
                media_type: "text/plain".to_owned(),
                file_name: None,
                len: u64::try_from(text.len())?,
                source: PartSource::Base64At(start..end),
            },
            attachments: Vec::new(),
        }],
        stages: Vec::new(),
    })
}
