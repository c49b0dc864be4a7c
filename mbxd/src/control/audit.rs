//! Placeholder until its room stands.

use super::answer::Answer;
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::operators::Staff;
use mbx_common::explain;

/// Answers.
#[expect(clippy::unused_async, reason = "asks its room")]
pub(super) async fn answer(_: &Rooms, ask: &Ask, _: &Staff) -> Result<Answer, Refusal> {
    Err(Refusal::new(explain::NOT_HERE, format!("{} is not running", ask.route.id())))
}
