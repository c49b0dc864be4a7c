//! What `cert list` and `cert show` tell.

use super::anchors::Anchors;
use super::certificate::Facts;
use super::crls::{CrlState, Crls};
use super::handle::Door;
use super::issuer::Issuer;
use super::server::Server;
use crate::config::Fingerprint;
use mbx_common::control::Level;
use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use std::path::{Path, PathBuf};

/// A certificate that ends so soon needs attention, in milliseconds: an authority takes weeks to
/// renew one.
const CERTIFICATE_SOON_MS: u64 = 30 * 86_400_000;

/// What a certificate or list is for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// A door shows itself by it.
    Server(Door),
    /// Authorities' certificates are chained to it.
    Root,
    /// Closes chains to a root.
    Intermediate,
    /// Portals' certificates are chained to it.
    PortalRoot,
    /// Tells which certificates of an issuer were revoked.
    Crl,
}

/// One certificate or revocation list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is for.
    pub role: Role,
    /// Subject of a certificate, issuer of a list; for people only.
    pub subject: String,
    /// Issuer of a certificate or list; for people only.
    pub issuer: String,
    /// Serial number of a certificate, number of a list, in hex; empty where there is none.
    pub serial: String,
    /// The organisation in a certificate's subject, where there is exactly one.
    pub organisation: Option<OrganisationNumber>,
    /// First moment of validity; of a list when it was made. `None` where a list is missing.
    pub not_before: Option<Timestamp>,
    /// Last moment of validity; of a list when the next is due. `None` where a list is missing.
    pub not_after: Option<Timestamp>,
    /// SHA-256 of the DER form; of the issuing certificate where a list is missing.
    pub fingerprint: Fingerprint,
    /// Whole days until `not_after`, negative after it; `None` where a list is missing.
    pub days_left: Option<i64>,
    /// How many certificates a list names.
    pub revoked_count: Option<u64>,
    /// Whether the configuration tolerates that this issuer's list is missing or outdated.
    pub tolerated: bool,
    /// File that it was read from, where it was read from one.
    pub path: Option<PathBuf>,
    /// How well it is: what is missing or ended is wrong unless that is tolerated, what ends soon
    /// needs attention.
    pub level: Level,
}

/// Everything in use, by role, then by name.
pub(crate) fn inventory<'a>(
    servers: impl Iterator<Item = (Door, &'a Server)>,
    authorities: &Anchors,
    portals: &Anchors,
    crls: &Crls,
    (now, warn_before_ms): (Timestamp, u64),
) -> Vec<Item> {
    let mut items: Vec<Item> = servers
        .map(|(door, server)| of(Role::Server(door), &server.facts, &server.path, now))
        .collect();
    let mut issuers = |role, found: &[Issuer]| {
        items.extend(found.iter().map(|issuer| Item {
            tolerated: issuer.tolerated,
            ..of(role, &issuer.facts, &issuer.path, now)
        }));
    };
    issuers(Role::Root, &authorities.roots);
    issuers(Role::Intermediate, &authorities.intermediates);
    issuers(Role::PortalRoot, &portals.roots);
    items.extend(crls.states().into_iter().map(|state| list(state, now)));
    let without = authorities
        .issuers()
        .chain(&portals.roots)
        .filter(|issuer| issuer.may_sign_lists && !crls.knows(&issuer.subject, &issuer.key));
    items.extend(without.map(missing));
    for item in &mut items {
        item.level = level(item, now, warn_before_ms);
    }
    items.sort_by(|a, b| (a.role, &a.subject).cmp(&(b.role, &b.subject)));
    items.dedup();
    items
}

fn of(role: Role, facts: &Facts, path: &Path, now: Timestamp) -> Item {
    Item {
        role,
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        serial: facts.serial.clone(),
        organisation: facts.organisation,
        not_before: Some(facts.not_before),
        not_after: Some(facts.not_after),
        fingerprint: facts.fingerprint,
        days_left: Some(days_left(facts.not_after, now)),
        revoked_count: None,
        tolerated: false,
        path: Some(path.to_owned()),
        level: Level::Ok,
    }
}

fn list(state: CrlState, now: Timestamp) -> Item {
    Item {
        role: Role::Crl,
        issuer: state.issuer.clone(),
        subject: state.issuer,
        serial: state.number,
        organisation: None,
        not_before: Some(state.this_update),
        not_after: Some(state.next_update),
        fingerprint: state.digest,
        days_left: Some(days_left(state.next_update, now)),
        revoked_count: Some(state.revoked_count),
        tolerated: false,
        path: None,
        level: Level::Ok,
    }
}

fn missing(issuer: &Issuer) -> Item {
    Item {
        role: Role::Crl,
        subject: issuer.facts.subject.clone(),
        issuer: issuer.facts.subject.clone(),
        serial: String::new(),
        organisation: None,
        not_before: None,
        not_after: None,
        fingerprint: issuer.facts.fingerprint,
        days_left: None,
        revoked_count: None,
        tolerated: issuer.tolerated,
        path: None,
        level: Level::Ok,
    }
}

/// A certificate is renewed in weeks, a list in days, as the configuration says.
fn level(item: &Item, now: Timestamp, warn_before_ms: u64) -> Level {
    let soon_ms = if item.role == Role::Crl { warn_before_ms } else { CERTIFICATE_SOON_MS };
    match item.not_after {
        _ if item.tolerated => Level::Ok,
        None => Level::Wrong,
        Some(end) if end < now => Level::Wrong,
        Some(end) if end < now.plus_millis(soon_ms) => Level::Attention,
        Some(_) => Level::Ok,
    }
}

fn days_left(end: Timestamp, now: Timestamp) -> i64 {
    const DAY_MS: u64 = 86_400_000;
    let days = |ms: u64| i64::try_from(ms / DAY_MS).unwrap_or(i64::MAX);
    if now <= end { days(end.since(now)) } else { -1 - days(now.since(end)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_warned_of_as_configured_and_certificates_a_month_ahead() {
        const DAY: u64 = 86_400_000;
        let at = |days: u64| Timestamp::from_millis(days * DAY).unwrap();
        let item = |role, not_after, tolerated| Item {
            role,
            subject: String::new(),
            issuer: String::new(),
            serial: String::new(),
            organisation: None,
            not_before: None,
            not_after,
            fingerprint: Fingerprint([0; 32]),
            days_left: None,
            revoked_count: None,
            tolerated,
            path: None,
            level: Level::Ok,
        };
        let judged = |role, not_after| level(&item(role, not_after, false), at(100), 3 * DAY);
        assert_eq!(judged(Role::Crl, Some(at(104))), Level::Ok);
        assert_eq!(judged(Role::Crl, Some(at(102))), Level::Attention);
        assert_eq!(judged(Role::Crl, Some(at(99))), Level::Wrong);
        assert_eq!(judged(Role::Crl, None), Level::Wrong);
        assert_eq!(judged(Role::Root, Some(at(131))), Level::Ok);
        assert_eq!(judged(Role::Root, Some(at(129))), Level::Attention);
        assert_eq!(level(&item(Role::Crl, None, true), at(100), DAY), Level::Ok);
    }

    #[test]
    fn days_are_whole_and_negative_after_the_end() {
        let at = |ms| Timestamp::from_millis(ms).unwrap();
        assert_eq!(days_left(at(2 * 86_400_000), at(1)), 1);
        assert_eq!(days_left(at(5), at(5)), 0);
        assert_eq!(days_left(at(5), at(6)), -1);
        assert_eq!(days_left(at(0), at(86_400_001)), -2);
    }
}
