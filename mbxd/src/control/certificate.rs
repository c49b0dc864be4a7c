//! `/v1/certificates`: certificates of both HTTPS doors, roots, revocation lists.

use super::answer::{Answer, hex, json, plan};
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::operators::Staff;
use crate::trust::{Door, Item, ListError, Role};
use mbx_common::control::Page;
use mbx_common::control::certificate::{Certificate, CertificateUse, RefusedFile, Reloaded};
use mbx_common::explain;
use mbx_common::time::Timestamp;

/// Every certificate and list, the first to end first.
pub(super) fn list(rooms: &Rooms) -> Result<Answer, Refusal> {
    let mut rows = rows(rooms);
    rows.sort_by_key(|row| row.not_after);
    json(&Page::whole(rows))
}

/// One of them.
pub(super) fn show(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let wanted = ask.parameter();
    let found = rows(rooms).into_iter().find(|row| row.name == wanted);
    let missing = || Refusal::new(explain::NO_CERT, format!("there is no certificate {wanted}"));
    json(&found.ok_or_else(missing)?)
}

/// Reads the files anew.
pub(super) async fn reload(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    if ask.wishes.dry_run {
        return plan(vec![
            "read every certificate and revocation list anew; bad ones leave all as it is"
                .to_owned(),
        ]);
    }
    let before = rows(rooms);
    let audit = rooms.trust.reload(&ask.origin(staff)).await?.audit;
    let lists = rooms.trust.refresh_lists().await;
    let after = rows(rooms);
    let known = |row: &&Certificate| before.iter().any(|old| old.sha256 == row.sha256);
    let changed: Vec<String> =
        after.iter().filter(|row| !known(row)).map(|row| row.name.clone()).collect();
    let unchanged = after.len().saturating_sub(changed.len());
    let unchanged = u64::try_from(unchanged).unwrap_or(u64::MAX);
    let refused = lists.refused.iter().map(|(path, error)| RefusedFile {
        file: path.display().to_string(),
        reason: reason(error),
    });
    json(&Reloaded { changed, unchanged, refused: refused.collect(), audit: Some(audit) })
}

/// An error with its causes, in one line.
fn reason(error: &ListError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}

/// Every certificate and list with its name.
pub(super) fn rows(rooms: &Rooms) -> Vec<Certificate> {
    let mut seen = std::collections::HashMap::new();
    let row = |item: &Item| {
        let usage = usage(item.role);
        let count: &mut u32 = seen.entry(word(item.role)).or_default();
        *count = count.saturating_add(1);
        Certificate {
            name: format!("{}-{count}", word(item.role)),
            usage,
            subject: item.subject.clone(),
            issuer: None,
            serial: None,
            sha256: hex(&item.fingerprint.0),
            not_before: item.not_before.unwrap_or(Timestamp::EPOCH),
            not_after: item.not_after.unwrap_or(Timestamp::EPOCH),
            level: item.level,
            file: item.path.as_ref().map(|path| path.display().to_string()),
        }
    };
    rooms.trust.list().iter().map(row).collect()
}

const fn usage(role: Role) -> CertificateUse {
    match role {
        Role::Server(Door::Authorities) => CertificateUse::DeliveryServer,
        Role::Server(Door::Portal) => CertificateUse::HolderServer,
        Role::Root => CertificateUse::Root,
        Role::Intermediate => CertificateUse::Intermediate,
        Role::PortalRoot => CertificateUse::Portal,
        Role::Crl => CertificateUse::Crl,
    }
}

const fn word(role: Role) -> &'static str {
    match role {
        Role::Server(Door::Authorities) => "delivery-server",
        Role::Server(Door::Portal) => "holder-server",
        Role::Root => "root",
        Role::Intermediate => "intermediate",
        Role::PortalRoot => "portal",
        Role::Crl => "crl",
    }
}
