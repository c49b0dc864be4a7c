//! Placeholder until its room stands.

use super::answer::Answer;
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use mbx_common::explain;

/// Answers.
#[expect(clippy::unused_async, reason = "asks its room")]
pub(super) async fn list(_: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    Err(Refusal::new(explain::NOT_HERE, format!("{} is not running", ask.route.id())))
}

/// Answers.
pub(super) async fn trace(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    list(rooms, ask).await
}
