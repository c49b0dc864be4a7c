//! Entry points for hostile bytes (`fuzz/`, `tests/forge`).

use super::content::Rules;
use super::soap::SealedDelivery;
use crate::config;
use crate::mailbox::incoming::IncomingMessage;

/// A file name as the portal shows it.
pub fn file_name(name: &str) -> String {
    super::file_name::clean(name)
}

/// The messages of a delivery as they are handed over to the mailbox, under the rules of an
/// installation that changes none; their parts stand in `payload`, the whole request.
///
/// # Errors
/// The rule that is broken, in words.
pub fn content(
    delivery: &SealedDelivery<'_>,
    payload: &[u8],
) -> Result<Vec<IncomingMessage>, String> {
    let rules = Rules::new(&config::Delivery::default());
    let messages = delivery.messages.iter().map(|message| {
        rules.check(&message.header, &message.body, &message.attachments, payload, 0)
    });
    let checked = messages.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    Ok(checked.into_iter().map(|checked| checked.message).collect())
}
