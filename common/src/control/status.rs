//! `GET /v1/status`: how the daemon is, from a snapshot.

use super::Level;
use crate::error::Code;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where the installation stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// `mbxctl init` was never done.
    Uninitialised,
    /// The root secrets are not open yet: no PIN, or the HSM is away since the start.
    Locked,
    /// Open.
    Open,
}

/// How the daemon is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Status {
    /// Version of the daemon.
    pub version: String,
    /// Name of the machine.
    pub host: String,
    /// The daemon's clock.
    pub time: Timestamp,
    /// Since when it runs.
    pub started: Timestamp,
    /// Where the installation stands.
    pub phase: Phase,
    /// Can authorities deliver?
    pub deliver: Deliver,
    /// Can holders read?
    pub read: Read,
    /// Can staff work?
    pub admin: Admin,
    /// The token, where one is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hsm: Option<Hsm>,
    /// The disk.
    pub store: Store,
    /// The audit log.
    pub audit: Audit,
    /// The certificates of both HTTPS doors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Certificates>,
    /// The one thing to do next, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextStep>,
}

impl Status {
    /// The worst level of all.
    pub fn worst(&self) -> Level {
        let abilities = [self.deliver.level, self.read.level, self.admin.level];
        let parts = [self.store.level, self.audit.level];
        let hsm = self.hsm.as_ref().map(|hsm| hsm.level);
        let certificates = self.certificates.as_ref().map(|certificates| certificates.level);
        abilities.into_iter().chain(parts).chain(hsm).chain(certificates).max().unwrap_or(Level::Ok)
    }
}

/// The ability to take deliveries.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Deliver {
    /// How well.
    pub level: Level,
    /// Why not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Accepted in the last minute.
    pub accepted_per_min: u64,
    /// Median time from the first byte to the answer, in microseconds, of the last minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_us: Option<u64>,
    /// Refused since midnight UTC.
    pub refused_today: u64,
    /// When the last one was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refused: Option<Timestamp>,
}

/// The ability to let holders read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Read {
    /// How well.
    pub level: Level,
    /// Why not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Mailboxes whose keys are open in the cache.
    pub open_mailboxes: u64,
    /// Until when the cache lasts, where the HSM is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_until: Option<Timestamp>,
}

/// The ability to let staff work.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Admin {
    /// How well.
    pub level: Level,
    /// Why not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// People logged in.
    pub sessions: u64,
    /// Requests that wait for a second person.
    pub approvals_waiting: u64,
    /// Jobs that run.
    pub jobs_running: u64,
}

/// The token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hsm {
    /// How well.
    pub level: Level,
    /// Its state.
    pub state: super::hsm::HsmState,
    /// Label.
    pub token: String,
    /// How long the state has lasted, in seconds.
    pub since_s: u64,
    /// When the next attempt is due, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_s: Option<u64>,
}

/// The disk.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Store {
    /// How well.
    pub level: Level,
    /// Bytes used.
    pub used_bytes: u64,
    /// Bytes free on its disk.
    pub free_bytes: u64,
}

/// The audit log.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Audit {
    /// How well.
    pub level: Level,
    /// Entries.
    pub entries: u64,
    /// When the last checkpoint was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Timestamp>,
    /// Entries after it.
    pub unsigned_entries: u64,
    /// Why the last checkpoint was not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The certificates.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Certificates {
    /// How well.
    pub level: Level,
    /// The one that ends first.
    pub name: String,
    /// When it ends.
    pub not_after: Timestamp,
    /// Revocation lists that are older than allowed.
    pub stale_crls: u64,
}

/// The one thing to do next.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NextStep {
    /// The command.
    pub command: String,
    /// What it tells or does.
    pub why: String,
    /// The code it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}
