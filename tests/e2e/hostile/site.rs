//! The attacked daemon, and what must hold after each attack.

use bytes::Bytes;
use mbx_common::error::Code;
use mbx_sim::client::{Answer, Peer};
use mbx_sim::identity::organisation;
use mbx_sim::pki::{Credentials, Use, certificates};
use mbx_sim::soap::Reply;
use mbx_tests::installation::{FIRST, Installation, SERVICE, Setup};
use serde_json::Value;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Bounds that are cheap to reach: what is too long stays small, what is too slow fails soon. No
/// checkpoint comes in between, so that each unit of work is an attack's.
const CONFIG: &str = r#"
[delivery]
body_max = "1 MiB"
message_max = "64 KiB"
memory_max = "16 MiB"
header_timeout = "3 s"
body_timeout = "3 s"
[audit]
checkpoint_every = "1 h"
checkpoint_entries = 1000000
"#;

/// How long the daemon may take for an answer, from the request's first byte to the answer's last.
pub(super) const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

/// Tries of which one must keep to that: a machine that does much else at once may delay some, a
/// daemon that needs longer fails all of them.
const TRIES: usize = 8;

/// How long anything may take on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Most bytes of the log that a refusal takes: its audit entry and the row by which staff find it.
const REFUSAL_LEN_MAX: u64 = 2048;

/// Most resident memory that the daemon may ever have had, in KiB: a sound one needs a sixth.
const RESIDENT_MAX_KIB: u64 = 192 * 1024;

/// The attacked daemon. One case at a time is under way.
pub(super) struct Site {
    pub(super) installation: Installation,
    /// Whom every hostile delivery is for; nothing ever reaches their mailbox.
    pub(super) victim: String,
    mailbox: String,
    turn: Mutex<()>,
    clients: AtomicU32,
}

static SHARED: Mutex<Weak<Site>> = Mutex::new(Weak::new());

impl Site {
    /// The daemon that the cases now running share; the last of them to end takes it down.
    fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let site = Arc::new(Self::new());
            *shared = Arc::downgrade(&site);
            site
        })
    }

    /// A daemon of one's own.
    pub(super) fn new() -> Self {
        let mut installation =
            Installation::ready(&Setup { config: CONFIG.to_owned(), ..Setup::default() });
        let (victim, mailbox) = installation.register(1);
        // The first one is signed at once, and must not come between an attack and its count.
        installation.wait_until("the first checkpoint is signed", |installation| {
            let output = installation.mbxctl(FIRST, &["status", "-o", "json"]);
            let status: Value = serde_json::from_slice(&output.stdout).unwrap();
            status.pointer("/data/audit/checkpoint").is_some_and(Value::is_string)
        });
        let (turn, clients) = (Mutex::new(()), AtomicU32::new(0));
        Self { installation, victim, mailbox, turn, clients }
    }

    /// A client of an organisation that nobody else ever was, with a sound certificate: what it is
    /// refused for is written down under its number, and not counted with another's refusals.
    pub(super) fn client(&self) -> Client {
        let index = self.clients.fetch_add(1, Ordering::Relaxed);
        let number = organisation(5000 + index);
        let name = format!("client-{index}");
        let own = self.installation.issuer.issue(&name, Use::Portal, &number).unwrap();
        Client { number, own }
    }

    /// A client whose certificate was made with the installation.
    pub(super) fn known(&self, name: &str, number: &str) -> Client {
        let own = Credentials::load(&self.installation.pki(), name).unwrap();
        Client { number: number.to_owned(), own }
    }

    /// The daemon as such a client reaches it.
    pub(super) fn peer(&self, own: Option<&Credentials>) -> Peer {
        let roots = certificates(&self.installation.pki().join("root.pem")).unwrap();
        Peer::new(self.installation.authorities, &roots, own).unwrap()
    }

    /// What a client did, by the audit log, the newest first.
    fn acts_of(&self, client: &Client) -> Vec<Value> {
        let found = self.installation.json(&["audit", "search", "--actor", &client.number]);
        found["data"].as_array().unwrap().clone()
    }

    /// What the daemon took and wrote so far, by its own count.
    pub(super) fn stored(&self) -> Stored {
        let text = self.installation.metrics();
        let figure = |name: &str| -> u64 {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
        };
        let ends = ["accepted", "repeated", "undeliverable"];
        Stored {
            taken: ends.map(|end| figure(&format!("mbx_deliveries_total{{result=\"{end}\"}}"))),
            units: figure("mbx_store_units_total"),
            log_bytes: figure("mbx_store_log_bytes_total"),
            content_bytes: figure("mbx_store_content_bytes_total"),
        }
    }

    /// Since then so many refusals were written, each of them an audit entry with its row, and
    /// nothing else was.
    pub(super) fn assert_refusals(&self, name: &str, before: Stored, refusals: u64) {
        let after = self.stored();
        assert_eq!(
            (after.taken, after.content_bytes),
            (before.taken, before.content_bytes),
            "{name}"
        );
        assert_eq!(after.units - before.units, refusals, "{name}: units of work");
        let len = after.log_bytes - before.log_bytes;
        assert!(len <= refusals * REFUSAL_LEN_MAX, "{name}: {len} bytes for {refusals} refusals");
    }

    /// Nothing reached the victim, by staff's tools.
    fn assert_nothing_delivered(&self, name: &str) {
        let shown = self.installation.json(&["mailbox", "show", &self.mailbox]);
        let contents = &shown["data"]["contents"];
        assert_eq!((&contents["messages"], &contents["bytes"]), (&0.into(), &0.into()), "{name}");
    }

    /// The most memory that the daemon ever had stays bounded.
    fn assert_small(&self, name: &str) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.installation.pid()));
        let status = status.unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kib < RESIDENT_MAX_KIB, "{name}: the daemon took {kib} KiB");
    }

    /// Sends a request as a client; gives the answer and the time that it took.
    pub(super) async fn send(
        &self,
        name: &str,
        client: &Client,
        body: &Bytes,
    ) -> (Answer, Duration) {
        let exchange = async {
            let mut connection = self.peer(Some(&client.own)).connect().await.unwrap();
            let began = Instant::now();
            (connection.soap(SERVICE, body.clone()).await.unwrap(), began.elapsed())
        };
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| panic!("{name}: slow"))
    }

    /// The answer is the fault, and the audit log holds it as all that this call was.
    pub(super) fn assert_fault(&self, name: &str, fault: Fault, client: &Client, answer: &Answer) {
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 500, "{name}: {text}");
        let reply = Reply::parse(&answer.body).unwrap_or_else(|error| panic!("{name}: {error}"));
        let Reply::Fault { code, error_code, description, call_id } = reply else {
            panic!("{name} was taken: {text}");
        };
        let entries: Vec<Value> = self
            .acts_of(client)
            .into_iter()
            .filter(|entry| entry["request"] == format!("req_{}", call_id.replace('-', "")))
            .collect();
        assert_eq!(
            (code.as_str(), error_code),
            (fault.party, fault.error_code),
            "{name}: {description} {entries:?}"
        );
        assert!(!description.contains(&self.victim), "{name}: {description}");
        let [entry] = entries.as_slice() else { panic!("{name}: {entries:?}") };
        assert_eq!(entry["event"], "MBX-A302", "{name}: {entry}");
        assert_eq!(entry["result"], "refused", "{name}: {entry}");
        assert_eq!(entry["reason"], fault.cause.to_string(), "{name}: {description}: {entry}");
        assert_eq!(entry["facts"][0], format!("code {}", fault.error_code), "{name}: {entry}");
    }
}

/// Who sends.
pub(super) struct Client {
    /// The organisation number.
    pub(super) number: String,
    /// The certificate.
    pub(super) own: Credentials,
}

/// The fault that is documented for a case.
#[derive(Clone, Copy)]
pub(super) struct Fault {
    /// Local name of `faultcode`.
    pub(super) party: &'static str,
    /// `ErrorCode`.
    pub(super) error_code: u16,
    /// Our own code in the audit entry, finer than the fault.
    pub(super) cause: Code,
}

/// A fault whose mending is the caller's.
pub(super) const fn client(error_code: u16, cause: Code) -> Fault {
    Fault { party: "Client", error_code, cause }
}

/// One request of a case, and who sends it.
pub(super) struct Attack {
    pub(super) client: Client,
    pub(super) body: Bytes,
}

impl Attack {
    /// By a client of its own.
    pub(super) fn new(site: &Site, body: impl Into<Bytes>) -> Self {
        Self { client: site.client(), body: body.into() }
    }
}

/// What the daemon took and wrote since its start.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    /// Deliveries accepted, repeated, and undeliverable.
    taken: [u64; 3],
    /// Units of work.
    pub(super) units: u64,
    log_bytes: u64,
    content_bytes: u64,
}

/// An answer came in time: the first, or one of further tries.
#[expect(clippy::print_stdout, reason = "the times of a run can be read from its output")]
pub(super) async fn assert_quick(
    name: &str,
    first: Duration,
    mut again: impl AsyncFnMut() -> Duration,
) {
    let mut took = first;
    for _ in 1..TRIES {
        if took <= ANSWER_TIME_MAX {
            break;
        }
        took = took.min(again().await);
    }
    println!("{name}: answered in {} ms", took.as_millis());
    assert!(took <= ANSWER_TIME_MAX, "{name}: {took:?} at best");
}

/// Runs a case with the shared daemon to itself.
pub(super) fn attack<F: AsyncFnOnce(&Site)>(name: &str, case: F) {
    let site = Site::shared();
    let _turn = site.turn.lock().unwrap_or_else(PoisonError::into_inner);
    attack_on(&site, name, case);
}

/// Runs a case; afterwards nothing may be delivered and memory be small.
pub(super) fn attack_on<F: AsyncFnOnce(&Site)>(site: &Site, name: &str, case: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let before = site.stored();
        case(site).await;
        let after = site.stored();
        assert_eq!(
            (after.taken, after.content_bytes),
            (before.taken, before.content_bytes),
            "{name}"
        );
        site.assert_nothing_delivered(name);
        site.assert_small(name);
    });
}

/// Runs a case of which so many refusals, and nothing else, are written.
pub(super) fn attack_refused<F: AsyncFnOnce(&Site)>(name: &str, refusals: u64, case: F) {
    attack(name, async |site: &Site| {
        let before = site.stored();
        case(site).await;
        site.assert_refusals(name, before, refusals);
    });
}

/// Runs a case in which each request is answered with the same fault.
pub(super) fn check(name: &str, fault: Fault, make: impl FnOnce(&Site) -> Vec<Attack>) {
    attack(name, async |site: &Site| {
        let attacks = make(site);
        assert!(!attacks.is_empty(), "{name} sends nothing");
        for (place, attack) in attacks.iter().enumerate() {
            let name = format!("{name}, request {place}");
            let before = site.stored();
            let (answer, took) = site.send(&name, &attack.client, &attack.body).await;
            site.assert_refusals(&name, before, 1);
            site.assert_fault(&name, fault, &attack.client, &answer);
            assert_quick(&name, took, async || {
                site.send(&name, &attack.client, &attack.body).await.1
            })
            .await;
        }
    });
}

/// Cases by name: the fault, and what is sent.
macro_rules! refused {
    ($($name:ident: $error_code:literal $cause:ident, $make:expr;)*) => {$(
        #[test]
        fn $name() {
            use crate::hostile::site;
            let fault = site::client($error_code, mbx_common::explain::$cause);
            site::check(stringify!($name), fault, $make);
        }
    )*};
}

pub(super) use refused;
