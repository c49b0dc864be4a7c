//! The rooms behind the control socket.

use crate::audit::AuditLog;
use crate::clock::Clock;
use crate::config::InForce;
use crate::jobs::Jobs;
use crate::keys::Keys;
use crate::mailbox::Mailboxes;
use crate::operators::Operators;
use crate::registers::Senders;
use crate::trust::Trust;
use mbx_common::control::Level;
use mbx_common::time::Timestamp;
use std::fmt;
use std::sync::Arc;

/// One ability, as health judges it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ability {
    /// How well.
    pub level: Level,
    /// Why not well.
    pub reason: Option<String>,
}

/// What `status` tells that no room behind this door knows; the daemon fills it in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Vitals {
    /// Taking deliveries.
    pub deliver: Ability,
    /// Serving holders.
    pub read: Ability,
    /// Serving staff.
    pub admin: Ability,
    /// Deliveries accepted in the last minute.
    pub accepted_per_min: u64,
    /// Median time of a delivery, in microseconds.
    pub median_us: Option<u64>,
    /// Deliveries refused since midnight UTC.
    pub refused_today: u64,
    /// When the last one was refused.
    pub last_refused: Option<Timestamp>,
    /// Bytes that the store uses.
    pub used_bytes: u64,
    /// Bytes free on its disk.
    pub free_bytes: u64,
    /// Whether a watermark is passed.
    pub space_low: bool,
}

/// The rooms behind the control socket, and what the daemon wires besides.
#[derive(Clone)]
pub struct Rooms {
    /// The time.
    pub clock: Clock,
    /// Staff.
    pub operators: Operators,
    /// Keys and token.
    pub keys: Keys,
    /// The audit log.
    pub audit: AuditLog,
    /// Mailboxes.
    pub mailboxes: Mailboxes,
    /// Long work.
    pub jobs: Jobs,
    /// Senders and dispatchers.
    pub senders: Senders,
    /// Certificates and revocation lists.
    pub trust: Trust,
    /// The configuration in force.
    pub config: Arc<dyn Fn() -> Arc<InForce> + Send + Sync>,
    /// What health and telemetry know.
    pub vitals: Arc<dyn Fn() -> Vitals + Send + Sync>,
    /// When the daemon was started.
    pub started: Timestamp,
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms").field("started", &self.started).finish_non_exhaustive()
    }
}
