//! `kill -9` again and again under a mixed load, with a ledger of what was acknowledged.

use crate::installation::{AUTHORITY, FIRST, Installation, SERVICE, Setup};
use mbx_sim::delivery::{Message, notify};
use mbx_sim::ledger::{self, Findings, Ledger, Line, Sent, hex};
use mbx_sim::load::{self, Plan};
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::pki::Credentials;
use mbx_sim::portal::Portal;
use mbx_sim::sign::Signer;
use mbx_sim::soap::Reply;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const HOLDERS: u32 = 6;
/// Registered one by one while the load runs, behind those.
const FIRST_NEWCOMER: u32 = 1000;
/// Octets of the attachments: below a group of the log, and several.
const SIZES: [usize; 5] = [0, 300, 4_000, 60_000, 400_000];
/// How long a kill waits for its moment.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(2);

/// What came of all kills.
#[derive(Debug, Default)]
pub struct Report {
    /// Kills done.
    pub kills: usize,
    /// The ledger against the mailboxes.
    pub ledger: Findings,
    /// Marks, deletions and restorings that were acknowledged.
    pub acts: usize,
    /// Registrations that were acknowledged.
    pub registered: usize,
    /// What else was acknowledged and does not hold.
    pub wrong: Vec<String>,
    /// Longest time from the start after a kill until the daemon answers.
    pub slowest_start: Duration,
}

impl Report {
    /// Whether everything is as it must be.
    pub fn is_sound(&self) -> bool {
        self.ledger.is_sound() && self.wrong.is_empty()
    }
}

/// Kills the daemon so often under load, at moments that follow from the random numbers, or until
/// `enough`; then compares everything that was acknowledged with what is there.
pub async fn kills(rng: &mut impl Rng, count: usize, enough: impl Fn() -> bool) -> Report {
    let mut site = Site::new();
    let mut report = Report::default();
    while report.kills < count && !enough() {
        let load = site.begin_load(rng);
        let wanted = site.acknowledged() + rng.random_range(1..40);
        let patience = Instant::now();
        while site.acknowledged() < wanted && patience.elapsed() < PATIENCE {
            tokio::time::sleep(PAUSE).await;
        }
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..20_000))).await;
        site.installation.kill();
        load.end().await;
        report.kills += 1;
        let begun = Instant::now();
        site.installation.start();
        report.slowest_start = report.slowest_start.max(begun.elapsed());
        // Now and then the next kill comes before the token is open.
        if rng.random_range(0..4) > 0 {
            site.installation.wait_for_token();
        }
    }
    site.judge(&mut report).await;
    report
}

/// The installation, and what is known of it.
struct Site {
    installation: Installation,
    recipients: Vec<String>,
    path: PathBuf,
    ledger: Arc<Ledger>,
    signer: Arc<Signer>,
    holders: Arc<Mutex<Holders>>,
    /// Mailboxes whose registration was acknowledged.
    registered: Arc<Mutex<Vec<String>>>,
    newcomers: u32,
}

/// What holders were told of their messages: by the message's id.
#[derive(Debug, Default)]
struct Holders {
    messages: BTreeMap<String, State>,
    acts: usize,
}

/// What is known of a message; `None` after an act without an answer.
#[derive(Clone, Debug)]
struct State {
    person: String,
    deleted: Option<bool>,
    read: bool,
}

/// What runs until the kill.
struct Running(Vec<tokio::task::JoinHandle<()>>);

impl Running {
    async fn end(self) {
        for task in self.0 {
            task.await.expect("a load that ends");
        }
    }
}

impl Site {
    fn new() -> Self {
        let installation = Installation::ready(&Setup::default());
        let recipients = (0..HOLDERS).map(|index| installation.register(index).0).collect();
        let path = installation.path("ledger.jsonl");
        let ledger = Arc::new(Ledger::open(&path).expect("a ledger"));
        let own = Credentials::load(&installation.pki(), "authority").expect("credentials");
        let signer = Arc::new(own.signer().expect("a signer"));
        let (holders, registered) = (Arc::default(), Arc::default());
        Self { installation, recipients, path, ledger, signer, holders, registered, newcomers: 0 }
    }

    /// How many deliveries the ledger has as acknowledged.
    fn acknowledged(&self) -> usize {
        let text = std::fs::read_to_string(&self.path).expect("the ledger");
        text.matches(r#""event":"acknowledged""#).count()
    }

    fn begin_load(&mut self, rng: &mut impl Rng) -> Running {
        let mut running = Vec::new();
        for workers in [3, 2] {
            let size = *SIZES.get(rng.random_range(0..SIZES.len())).expect("a size");
            running.push(self.deliveries(size, workers));
        }
        running.push(self.notices(rng.next_u64()));
        running.push(self.holding(rng.next_u64()));
        running.push(self.registrations());
        Running(running)
    }

    fn deliveries(&self, size: usize, workers: usize) -> tokio::task::JoinHandle<()> {
        let plan = Plan {
            path: SERVICE.to_owned(),
            sender: AUTHORITY.to_owned(),
            recipients: self.recipients.clone(),
            size,
            workers,
            count: 40,
            rate: None,
        };
        let peer = self.installation.sender("authority");
        let (signer, ledger) = (Arc::clone(&self.signer), Arc::clone(&self.ledger));
        tokio::spawn(async move {
            load::run(&peer, &signer, &plan, Some(ledger)).await.expect("a load");
        })
    }

    /// Notices to all, one after another, until one fails.
    fn notices(&self, seed: u64) -> tokio::task::JoinHandle<()> {
        let peer = self.installation.sender("dispatcher");
        let (recipients, ledger) = (self.recipients.clone(), Arc::clone(&self.ledger));
        tokio::spawn(async move {
            for number in 0..10 {
                let mark = format!("notice-{seed:016x}-{number}");
                let text = format!("Notice with mark {mark}");
                for recipient in &recipients {
                    let body = hex(&Sha256::digest(&text));
                    let sent = Sent { mark: mark.clone(), recipient: recipient.clone(), body };
                    ledger.note(&Line::Sent(sent)).expect("the ledger");
                }
                let message = Message::text(mark.clone(), mark.clone(), &text);
                let tree = notify(AUTHORITY, "Example Authority", &recipients, &message);
                let Ok(mut connection) = peer.connect().await else { return };
                let document = envelope(&tree, Style::Default).into();
                let Ok(answer) = connection.soap(SERVICE, document).await else { return };
                if let Ok(Reply::Result { trans_id, statuses }) = Reply::parse(&answer.body)
                    && statuses.iter().all(|(_, delivered)| *delivered)
                {
                    let line = Line::Acknowledged { mark, trans_id };
                    ledger.note(&line).expect("the ledger");
                }
            }
        })
    }

    /// Holders list, open, mark, delete and restore until the daemon is gone.
    fn holding(&self, seed: u64) -> tokio::task::JoinHandle<()> {
        let portal = self.installation.portal();
        let (people, holders) = (self.recipients.clone(), Arc::clone(&self.holders));
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        tokio::spawn(async move {
            for _ in 0..200 {
                let person = people.get(rng.random_range(0..people.len())).expect("a person");
                let deleted = rng.random_range(0..4) == 0;
                let Some(messages) = list(&portal, person, deleted).await else { return };
                if messages.is_empty() {
                    continue;
                }
                let at = rng.random_range(0..messages.len());
                let id = &messages.get(at).expect("a message").id;
                let act = if deleted { 3 } else { rng.random_range(0..3) };
                if !Holders::act(&holders, &portal, person, id, act).await {
                    return;
                }
            }
        })
    }

    /// One registration after another until one fails.
    fn registrations(&mut self) -> tokio::task::JoinHandle<()> {
        self.newcomers += 20;
        let first = FIRST_NEWCOMER + self.newcomers;
        let commands: Vec<Command> = (first..first + 20)
            .map(|index| {
                let number = mbx_sim::identity::person(index);
                let arguments = ["user", "register", &number, "--kind", "person", "--loa", "3"];
                let arguments = [&arguments[..], &["--reference", "test", "-o", "json"]].concat();
                self.installation.mbxctl_command(FIRST, &arguments)
            })
            .collect();
        let registered = Arc::clone(&self.registered);
        tokio::task::spawn_blocking(move || {
            for mut command in commands {
                let output = command.output().expect("mbxctl runs");
                if !output.status.success() {
                    return;
                }
                let answer: serde_json::Value =
                    serde_json::from_slice(&output.stdout).expect("JSON");
                let mailbox = answer.pointer("/data/mailbox").and_then(|id| id.as_str());
                let mailbox = mailbox.expect("a mailbox").to_owned();
                registered.lock().unwrap_or_else(PoisonError::into_inner).push(mailbox);
            }
        })
    }

    /// Compares what was acknowledged with what is there.
    async fn judge(&mut self, report: &mut Report) {
        self.installation.wait_for_token();
        let portal = self.installation.portal();
        let holders =
            std::mem::take(&mut *self.holders.lock().unwrap_or_else(PoisonError::into_inner));
        report.acts = holders.acts;
        for person in &self.recipients {
            let there = all(&portal, person, false).await;
            let deleted = all(&portal, person, true).await;
            for (id, state) in holders.messages.iter().filter(|(_, state)| state.person == *person)
            {
                let (is_there, is_deleted) = (there.get(id), deleted.contains_key(id));
                if is_there.is_some() == is_deleted {
                    report.wrong.push(format!("message {id} is in both lists, or in none"));
                }
                if state.deleted.is_some_and(|deleted| deleted != is_deleted) {
                    report.wrong.push(format!("message {id}: {state:?}, but deleted {is_deleted}"));
                }
                if state.read && is_there == Some(&false) {
                    report.wrong.push(format!("message {id} was marked as read and is not"));
                }
            }
            for id in deleted.keys() {
                let path = format!("/v1/messages/{id}/restore");
                let answer = portal.call("POST", &path, &portal.claims(person, 3)).await;
                if !answer.is_ok_and(|answer| answer.status < 300) {
                    report.wrong.push(format!("message {id} cannot be restored"));
                }
            }
        }
        report.ledger =
            ledger::check(&self.path, &portal).await.expect("mailboxes that can be read");
        self.installation.login(FIRST);
        let registered =
            std::mem::take(&mut *self.registered.lock().unwrap_or_else(PoisonError::into_inner));
        report.registered = registered.len();
        for mailbox in registered {
            if !self.installation.mbxctl(FIRST, &["mailbox", "show", &mailbox]).status.success() {
                report.wrong.push(format!("mailbox {mailbox} was registered and is not there"));
            }
        }
        for verify in [&["audit", "verify"][..], &["mailbox", "verify", "--all"]] {
            let output = self.installation.mbxctl(FIRST, verify);
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                report.wrong.push(format!("{verify:?}: {said}"));
            }
        }
    }
}

impl Holders {
    /// Opens (0), marks (1), deletes (2) or restores (3) a message; whether the daemon answered.
    async fn act(holders: &Mutex<Self>, portal: &Portal, person: &str, id: &str, act: u32) -> bool {
        let (method, path) = match act {
            0 => ("GET", format!("/v1/messages/{id}/parts/0")),
            1 => ("POST", format!("/v1/messages/{id}/read")),
            2 => ("DELETE", format!("/v1/messages/{id}")),
            _ => ("POST", format!("/v1/messages/{id}/restore")),
        };
        let state = |change: &dyn Fn(&mut State)| {
            let mut holders = holders.lock().unwrap_or_else(PoisonError::into_inner);
            let unknown = State { person: person.to_owned(), deleted: None, read: false };
            change(holders.messages.entry(id.to_owned()).or_insert(unknown));
        };
        if act > 1 {
            state(&|state| state.deleted = None);
        }
        let answer = portal.call(method, &path, &portal.claims(person, 3)).await;
        let Ok(answer) = answer else { return false };
        if answer.status < 300 && act > 0 {
            state(&|state| match act {
                1 => state.read = true,
                _ => state.deleted = Some(act == 2),
            });
            holders.lock().unwrap_or_else(PoisonError::into_inner).acts += 1;
        }
        true
    }
}

/// A message as the portal lists it.
#[derive(serde::Deserialize)]
struct Listed {
    id: String,
    read: Option<String>,
}

#[derive(serde::Deserialize)]
struct Page {
    messages: Vec<Listed>,
    next: Option<String>,
}

/// The first messages of a person; `None` where the daemon does not answer.
async fn list(portal: &Portal, person: &str, deleted: bool) -> Option<Vec<Listed>> {
    let path = format!("/v1/messages?limit=100&deleted={deleted}");
    let answer = portal.call("GET", &path, &portal.claims(person, 3)).await.ok()?;
    if answer.status != 200 {
        // The token opens some time after the door.
        tokio::time::sleep(PAUSE).await;
        return Some(Vec::new());
    }
    Some(serde_json::from_slice::<Page>(&answer.body).expect("a page").messages)
}

/// All messages of a person, and whether each is marked as read.
async fn all(portal: &Portal, person: &str, deleted: bool) -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    let first = format!("/v1/messages?limit=100&deleted={deleted}");
    let mut path = first.clone();
    loop {
        let answer = portal.call("GET", &path, &portal.claims(person, 3)).await.expect("a list");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let page: Page = serde_json::from_slice(&answer.body).expect("a page");
        found.extend(page.messages.into_iter().map(|one| (one.id, one.read.is_some())));
        match page.next {
            Some(next) => path = format!("{first}&after={next}"),
            None => return found,
        }
    }
}
