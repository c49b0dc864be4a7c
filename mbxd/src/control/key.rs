//! `/v1/keys`: the keys in the token, and what hangs on them.

use super::answer::{Answer, json};
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::keys::{KeyState as State, KeyUse, KeysState};
use crate::operators::Staff;
use mbx_common::audit::{Event, Outcome};
use mbx_common::control::Page;
use mbx_common::control::key::{Key, KeyState, KeyStatus, LookupCredential};
use mbx_common::control::session::Password;

/// Versions, counts, what a loss would mean.
pub(super) async fn status(rooms: &Rooms) -> Result<Answer, Refusal> {
    let keys = keys(rooms).await?;
    let status = rooms.keys.status();
    json(&KeyStatus {
        keys,
        open: status.state == KeysState::Open,
        cached: u64::try_from(status.cached_keys).unwrap_or(u64::MAX),
        keyring_records: None,
    })
}

/// The keys.
pub(super) async fn list(rooms: &Rooms) -> Result<Answer, Refusal> {
    json(&Page::whole(keys(rooms).await?))
}

/// Gives out the lookup secret. Its entry is durable before.
pub(super) async fn lookup(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let secret = rooms.keys.lookup_credential();
    let secret = secret.map_err(|error| Refusal::of_keys(&error, &rooms.keys.status()))?;
    rooms.audit.record_act(&ask.origin(staff), Event::LookupExported, Outcome::Done).await?;
    json(&LookupCredential { secret: Password::new(secret.to_string()) })
}

async fn keys(rooms: &Rooms) -> Result<Vec<Key>, Refusal> {
    let listed = rooms.keys.list().await;
    let listed = listed.map_err(|error| Refusal::of_keys(&error, &rooms.keys.status()))?;
    Ok(listed.iter().map(shown).collect())
}

fn shown(used: &KeyUse) -> Key {
    let spec = used.key.spec;
    let purpose = spec.purpose.name();
    Key {
        id: spec.id,
        purpose: purpose.to_owned(),
        version: spec.version,
        algorithm: if purpose == "sign" { "Ed25519 or ECDSA P-256" } else { "AES-256" }.to_owned(),
        state: match used.key.state {
            State::Active => KeyState::Active,
            State::Retired => KeyState::Retired,
            State::Destroyed => KeyState::Destroyed,
        },
        created: used.key.created,
        mailboxes: used.mailboxes,
        loss: loss(purpose).to_owned(),
    }
}

/// What the loss of the key would mean, where no recovery site holds a second seal.
fn loss(purpose: &str) -> &'static str {
    match purpose {
        "kek-basic" => "no message of classes 1 and 2 can be opened again",
        "kek-high" => "no message of class 3 can be opened again",
        "kek-register" => "no recipient is found; deliveries stop after a restart",
        "keyring" => "no mailbox key can be opened again",
        "backup" => "the backups of this generation cannot be restored",
        "sign" => "no new checkpoint; the log goes on and can be signed by a new key",
        _ => "not known",
    }
}
