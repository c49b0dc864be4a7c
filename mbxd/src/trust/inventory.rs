//! What `cert list` and `cert show` tell.

use super::anchors::Anchors;
use super::certificate::Facts;
use super::crls::{CrlState, Crls};
use super::handle::Door;
use super::issuer::Issuer;
use super::server::Server;
use crate::config::Fingerprint;
use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use std::path::{Path, PathBuf};

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
}

/// Everything in use, by role, then by name.
pub(crate) fn inventory<'a>(
    servers: impl Iterator<Item = (Door, &'a Server)>,
    authorities: &Anchors,
    portals: &Anchors,
    crls: &Crls,
    now: Timestamp,
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
    fn days_are_whole_and_negative_after_the_end() {
        let at = |ms| Timestamp::from_millis(ms).unwrap();
        assert_eq!(days_left(at(2 * 86_400_000), at(1)), 1);
        assert_eq!(days_left(at(5), at(5)), 0);
        assert_eq!(days_left(at(5), at(6)), -1);
        assert_eq!(days_left(at(0), at(86_400_001)), -2);
    }
}
