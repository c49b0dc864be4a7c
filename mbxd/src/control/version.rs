//! `GET /v1/version`.

use super::answer::{Answer, json};
use super::refusal::Refusal;
use super::rooms::Rooms;
use mbx_common::control::version::Version;
use mbx_common::control::{MAJOR, MINOR};

/// Who speaks here.
pub(super) async fn show(rooms: &Rooms) -> Result<Answer, Refusal> {
    json(&Version {
        product: "mbxd".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api_major: MAJOR,
        api_minor: MINOR,
        initialised: rooms.operators.is_initialised().await?,
    })
}
