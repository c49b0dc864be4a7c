//! An installation under load while its token fails, and what is wrong with how it bears that.

mod load;
mod schedule;

pub use load::{Load, Running, Strictness};
pub use schedule::{Fault, What, schedule};

use crate::faults::Faults;
use crate::installation::{FIRST, Installation, Setup};
use crate::token::{Kind, Token};
use mbx_sim::ledger;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Reading is back this soon after the last fault: in 5 s on a machine that does nothing else, which
/// one that tries a hundred schedules does not promise.
pub const RECOVERY: Duration = Duration::from_secs(10);

/// How long threads and sessions of a fault may take to go away.
const SETTLING: Duration = Duration::from_secs(15);

/// Sessions that are configured.
const SESSIONS: usize = 2;

/// Calls take this much longer, as over a network: the rule that stands behind all others.
const LATENCY: &str = "* - 5 *";

/// An installation on trial.
#[derive(Debug)]
pub struct Trial {
    installation: Arc<Installation>,
    faults: Faults,
    load: Load,
    findings: Vec<String>,
    /// How many of them say where they were made.
    named: usize,
    /// PINs that the token refused because a fault told it to.
    refusals: usize,
    slowest: Duration,
}

impl Trial {
    /// Sets up an installation whose calls into the token take 5 ms more each, with this many people.
    pub async fn new(kind: Kind, people: u32) -> Self {
        let config = format!(
            "[hsm]\ndeadline = \"1 s\"\nsessions = {SESSIONS}\n[keys]\ncache_keys_max = 0\n\
             [audit]\ncheckpoint_every = \"1 s\"\n"
        );
        let installation = Installation::ready(&Setup { config, ..Setup::on(kind) });
        let faults = Faults::of(&installation.token);
        let people = (0..people).map(|person| installation.register(person).0).collect();
        faults.rule(LATENCY);
        let installation = Arc::new(installation);
        let load = Load::new(Arc::clone(&installation), people, Strictness::Token);
        load.reads_resume(RECOVERY).await;
        Self {
            installation,
            faults,
            load,
            findings: Vec::new(),
            named: 0,
            refusals: 0,
            slowest: Duration::ZERO,
        }
    }

    /// Plays a schedule under load, and looks whether all is well again afterwards.
    pub async fn play(&mut self, schedule: &[Fault]) {
        let running = self.load.start();
        for fault in schedule {
            self.suffer(fault).await;
        }
        let took = self.load.reads_resume(2 * SETTLING).await;
        self.findings.extend(running.stop().await);
        match took {
            Some(took) if took <= RECOVERY => self.slowest = self.slowest.max(took),
            Some(took) => self.find(format!("reading resumed only after {took:?}")),
            None => self.find("reading does not resume".to_owned()),
        }
        self.judge_rest().await;
    }

    /// Has the token lost and opened anew this many times under load.
    pub async fn reopen(&mut self, times: u64) {
        let running = self.load.start();
        let wanted = self.epoch() + times;
        let start = Instant::now();
        // A token that answers again before it was opened anew stays in its epoch.
        while self.epoch() < wanted
            && start.elapsed() < SETTLING * u32::try_from(times).unwrap_or(1)
        {
            self.faults.rule(&format!("C_DecryptInit 0x32 0 *\n{LATENCY}"));
            self.until_state("down").await;
            self.faults.rule(LATENCY);
            self.until_state("ready").await;
        }
        self.findings.extend(running.stop().await);
        if self.epoch() < wanted {
            let epoch = self.epoch();
            self.find(format!("epoch {epoch} instead of {wanted}"));
        }
        self.judge_rest().await;
    }

    /// Says of the findings that nobody has said it of yet where they were made.
    pub fn name_findings(&mut self, place: &str) {
        for finding in self.findings.iter_mut().skip(self.named) {
            *finding = format!("{finding} [{place}]");
        }
        self.named = self.findings.len();
    }

    fn epoch(&self) -> u64 {
        let status = self.status();
        status.pointer("/data/epoch").and_then(Value::as_u64).unwrap_or_default()
    }

    /// What `hsm status` says, well or not.
    fn status(&self) -> Value {
        let output = self.installation.mbxctl(FIRST, &["hsm", "status", "-o", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    async fn until_state(&mut self, state: &str) {
        let line = format!("mbx_hsm_state{{state=\"{state}\"}} 1\n");
        let start = Instant::now();
        while !self.installation.metrics().contains(&line) {
            if start.elapsed() > SETTLING {
                return self.find(format!("the token does not become {state}"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn suffer(&mut self, fault: &Fault) {
        let token = &self.installation.token;
        match &fault.what {
            What::Rules(rules) => {
                self.faults.rule(&format!("{rules}\n{LATENCY}"));
                tokio::time::sleep(fault.lasts).await;
            }
            What::StorageAway => away(&token.storage(), fault.lasts).await,
            What::KeyAway(number) => {
                let file = token.object_made(*number);
                let hidden = token.dir().join("hidden");
                fs::rename(&file, &hidden).expect("the key goes away");
                token.announce_change();
                tokio::time::sleep(fault.lasts).await;
                fs::rename(&hidden, &file).expect("the key is back");
                token.announce_change();
            }
            What::Pin(code) => self.refuse_pin(*code, fault.lasts).await,
            What::Lock => {
                self.installation.mbxctl(FIRST, &["hsm", "logout", "--yes"]);
                tokio::time::sleep(fault.lasts).await;
                self.give_pin();
            }
        }
        self.faults.rule(LATENCY);
        tokio::time::sleep(fault.pause).await;
    }

    /// The token is lost and takes no PIN: it is tried once, and then by staff alone.
    async fn refuse_pin(&mut self, code: u64, lasts: Duration) {
        let before = self.logins(code);
        self.faults.rule(&format!(
            "C_Login {code:#x} 0 *\nC_DecryptInit 0x32 0 *\nC_EncryptInit 0x32 0 *\n\
             C_SignInit 0x32 0 *\n{LATENCY}"
        ));
        let start = Instant::now();
        while self.logins(code) == before && start.elapsed() < SETTLING {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(lasts).await;
        let tried = self.logins(code) - before;
        if tried != 1 {
            self.find(format!("a PIN that the token refused was tried {tried} times"));
        }
        self.refusals += tried;
        self.faults.rule(LATENCY);
        self.give_pin();
    }

    fn give_pin(&mut self) {
        let file = self.installation.path("pin.txt");
        fs::write(&file, Token::PIN).expect("a file");
        let file = file.display().to_string();
        let arguments = ["hsm", "login", "--yes", "--pin-file", &file];
        let start = Instant::now();
        loop {
            let output = self.installation.mbxctl(FIRST, &arguments);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // Open already: it found back by itself meanwhile.
            if output.status.success() || said.contains("MBX-3011") {
                return;
            }
            if start.elapsed() > SETTLING {
                return self.find(format!("the right PIN does not open the token: {said}"));
            }
        }
    }

    fn logins(&self, code: u64) -> usize {
        let calls = self.faults.calls();
        calls.iter().filter(|call| call.function == "C_Login" && call.code == code).count()
    }

    fn find(&mut self, finding: String) {
        self.findings.push(finding);
    }

    /// What must hold when nothing is wrong any more.
    async fn judge_rest(&mut self) {
        for stale in self.faults.stale() {
            self.find(format!("{} was called with a session of a former epoch", stale.function));
        }
        let start = Instant::now();
        while let Some(finding) = self.unrest() {
            if start.elapsed() > SETTLING {
                self.find(finding);
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let refused = self.logins(0xa0) + self.logins(0xa4);
        if refused != self.refusals {
            let wanted = self.refusals;
            self.find(format!("the token refused {refused} PINs instead of {wanted}"));
        }
    }

    /// What is not as it should be at rest.
    fn unrest(&self) -> Option<String> {
        let status = self.status();
        let told =
            |name: &str| status.pointer(&format!("/data/{name}")).cloned().unwrap_or_default();
        if told("state") != "ready" || told("workers_lost") != 0 || told("queue_len") != 0 {
            return Some(format!("hsm status: {status}"));
        }
        if told("missing").as_array().is_some_and(|missing| !missing.is_empty()) {
            return Some(format!("keys are told to be missing: {status}"));
        }
        let threads = self.threads();
        if threads.len() > SESSIONS + 1 {
            return Some(format!("threads are left over: {threads:?}"));
        }
        let open = self.open_sessions();
        (open > SESSIONS + 1).then(|| format!("{open} sessions are open"))
    }

    /// Threads of the daemon that belong to the token.
    fn threads(&self) -> Vec<String> {
        let tasks = format!("/proc/{}/task", self.installation.pid());
        let names = fs::read_dir(tasks).into_iter().flatten().flatten();
        let names = names.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("hsm-")).collect()
    }

    /// Sessions that were opened and not closed since the module was last opened.
    fn open_sessions(&self) -> usize {
        let mut open: usize = 0;
        for call in self.faults.calls() {
            match call.function.as_str() {
                "C_Finalize" if call.code == 0 => open = 0,
                "C_OpenSession" if call.code == 0 => open += 1,
                // Whatever the module says, the session is given up.
                "C_CloseSession" => open = open.saturating_sub(1),
                _ => {}
            }
        }
        open
    }

    /// Ends the trial: everything acknowledged is there, whole and once; the audit log is sound and
    /// tells of each time that the token was opened and lost.
    pub async fn end(mut self) -> Outcome {
        self.findings.extend(aftermath(&self.installation, &self.load.ledger()).await);
        self.compare_with_log("MBX-A502", "state=Ready");
        self.compare_with_log("MBX-A503", "state=Down");
        let (deliveries, reads, registered) = self.load.counts();
        Outcome { findings: self.findings, deliveries, reads, registered, slowest: self.slowest }
    }

    /// Each change of the token's state is an entry.
    fn compare_with_log(&mut self, event: &str, state: &str) {
        let log = self.installation.log();
        let changes = log
            .lines()
            .filter(|line| line.contains("the token's state changed") && line.contains(state));
        let found =
            self.installation.json(&["audit", "search", "--event", event, "--limit", "1000"]);
        let entries = found.pointer("/data").and_then(Value::as_array).map_or(0, Vec::len);
        let changes = changes.count();
        if entries != changes {
            self.find(format!("{event}: {entries} entries of {changes} changes"));
        }
    }
}

/// What came out of a trial.
#[derive(Debug)]
pub struct Outcome {
    /// What is wrong, a sentence each.
    pub findings: Vec<String>,
    /// Deliveries that were acknowledged.
    pub deliveries: u64,
    /// Messages that were read.
    pub reads: u64,
    /// People who were registered meanwhile.
    pub registered: u64,
    /// The longest time that reading took to be back.
    pub slowest: Duration,
}

/// What is wrong with a store after all: everything acknowledged must be there, whole and once, and
/// everything stored must verify.
pub async fn aftermath(installation: &Installation, ledger: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    match ledger::check(ledger, &installation.portal()).await {
        Ok(found) if found.is_sound() => {}
        Ok(found) => findings.push(format!("{found:?}")),
        Err(error) => findings.push(format!("mailboxes cannot be read: {error}")),
    }
    installation.login(FIRST);
    for command in [&["audit", "verify"][..], &["mailbox", "verify", "--all"]] {
        let output = installation.mbxctl(FIRST, command);
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            findings.push(format!("{command:?}: {}", String::from_utf8_lossy(&said)));
        }
    }
    findings
}

/// A folder goes away and comes back.
async fn away(folder: &Path, lasts: Duration) {
    let hidden = folder.with_extension("away");
    fs::rename(folder, &hidden).expect("the folder goes away");
    tokio::time::sleep(lasts).await;
    fs::rename(&hidden, folder).expect("the folder is back");
}
