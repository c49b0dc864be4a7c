//! `GET /v1/status`: how the daemon is, from a snapshot.

use super::answer::{Answer, json};
use super::refusal::Refusal;
use super::rooms::{Rooms, Vitals};
use super::{certificate, hsm};
use crate::keys::{KeysState, KeysStatus};
use mbx_common::control::Level;
use mbx_common::control::certificate::{Certificate, CertificateUse};
use mbx_common::control::hsm::HsmState;
use mbx_common::control::status::{
    Admin, Audit, Certificates, Deliver, Hsm, NextStep, Phase, Read, Status, Store,
};
use mbx_common::explain;

/// How the daemon is.
pub(super) async fn show(rooms: &Rooms) -> Result<Answer, Refusal> {
    let vitals = (rooms.vitals)();
    let keys = rooms.keys.status();
    let jobs = rooms.jobs.list(mbx_common::limit::LIST_ROWS_MAX).await?;
    let running =
        jobs.jobs.iter().filter(|job| job.state == crate::jobs::JobState::Running).count();
    let sessions = rooms.operators.session_count().await?;
    let hsm = token(&keys);
    let certificates = certificates(&certificate::rows(rooms));
    let next = next(&hsm, &vitals, certificates.as_ref());
    json(&Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: host(),
        time: rooms.clock.now(),
        started: rooms.started,
        phase: match keys.state {
            KeysState::Uninitialised => Phase::Uninitialised,
            KeysState::Locked { .. } => Phase::Locked,
            KeysState::Open => Phase::Open,
        },
        deliver: Deliver {
            level: vitals.deliver.level,
            reason: vitals.deliver.reason,
            accepted_per_min: vitals.accepted_per_min,
            median_us: vitals.median_us,
            refused_today: vitals.refused_today,
            last_refused: vitals.last_refused,
        },
        read: Read {
            level: vitals.read.level,
            reason: vitals.read.reason,
            open_mailboxes: count(keys.cached_keys),
            cached_until: keys.cache_lasts_until.filter(|_| !keys.hsm.state.is_ready()),
        },
        admin: Admin {
            level: vitals.admin.level,
            reason: vitals.admin.reason,
            sessions: count(sessions),
            approvals_waiting: 0,
            jobs_running: count(running),
        },
        hsm: Some(hsm),
        store: Store {
            level: if vitals.space_low { Level::Wrong } else { Level::Ok },
            used_bytes: vitals.used_bytes,
            free_bytes: vitals.free_bytes,
        },
        audit: audit(rooms),
        certificates,
        next,
    })
}

fn token(keys: &KeysStatus) -> Hsm {
    let state = hsm::state(keys.hsm.state);
    Hsm {
        level: match state {
            HsmState::Ready => Level::Ok,
            HsmState::Locked => Level::Attention,
            HsmState::PinRejected
            | HsmState::PinLocked
            | HsmState::Down
            | HsmState::PolicyViolated => Level::Wrong,
        },
        state,
        token: keys.hsm.token.clone(),
        since_s: keys.hsm.since.as_secs(),
        next_try_s: keys.hsm.next_try.map(|wait| wait.as_secs()),
    }
}

/// The log: violated is wrong, without a fresh checkpoint it needs attention.
fn audit(rooms: &Rooms) -> Audit {
    let checkpoint = rooms.audit.checkpoint_status();
    let level = if rooms.audit.integrity().is_violated() {
        Level::Wrong
    } else if checkpoint.failure.is_some() || checkpoint.size.is_none() {
        Level::Attention
    } else {
        Level::Ok
    };
    Audit {
        level,
        entries: checkpoint.entries,
        checkpoint: checkpoint.signed,
        unsigned_entries: checkpoint.waiting,
        reason: checkpoint.failure,
    }
}

/// The certificate that ends first, and the lists that are too old. Without certificates: nothing.
fn certificates(rows: &[Certificate]) -> Option<Certificates> {
    let is_list = |row: &&Certificate| row.usage == CertificateUse::Crl;
    let first = rows.iter().filter(|row| !is_list(row)).min_by_key(|row| row.not_after)?;
    let stale = rows.iter().filter(is_list).filter(|row| row.level == Level::Wrong).count();
    let worst = rows.iter().map(|row| row.level).max().unwrap_or(Level::Ok);
    Some(Certificates {
        level: worst,
        name: first.name.clone(),
        not_after: first.not_after,
        stale_crls: count(stale),
    })
}

/// The one thing to do next: the token before the disk before certificates.
fn next(hsm: &Hsm, vitals: &Vitals, certificates: Option<&Certificates>) -> Option<NextStep> {
    let step = |command: &str, why: &str, code| {
        Some(NextStep { command: command.to_owned(), why: why.to_owned(), code })
    };
    match hsm.state {
        HsmState::Locked => {
            step("mbxctl hsm login", "gives the token its PIN", Some(explain::HSM_LOCKED))
        }
        HsmState::PinRejected => {
            step("mbxctl hsm login", "with the right PIN", Some(explain::PIN_REJECTED))
        }
        HsmState::PinLocked => {
            step("mbxctl explain MBX-3003", "what to do", Some(explain::PIN_LOCKED))
        }
        HsmState::Down => {
            step("mbxctl hsm test", "what the token says", Some(explain::HSM_UNAVAILABLE))
        }
        HsmState::PolicyViolated => {
            step("mbxctl hsm test", "which key is wrong", Some(explain::HSM_POLICY))
        }
        HsmState::Ready if vitals.space_low => {
            step("mbxctl explain MBX-5001", "the disk is almost full", Some(explain::SPACE_LOW))
        }
        HsmState::Ready => match certificates {
            Some(found) if found.level != Level::Ok => {
                step("mbxctl cert list", "what ends or is too old", None)
            }
            Some(_) | None => None,
        },
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
