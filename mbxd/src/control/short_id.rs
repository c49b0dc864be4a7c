//! Ids of which only the first digits are given.

use super::refusal::Refusal;
use mbx_common::error::Code;
use mbx_common::explain;

/// Whether the text can be the beginning of an id with this prefix: 6 digits at least.
pub(super) fn is_beginning(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    digits.is_some_and(|digits| {
        (6..32).contains(&digits.len())
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The one that the beginning of an id stands for.
///
/// # Errors
/// `missing` where there is none, `MBX-1003` where it fits several.
pub(super) fn the_one<T>(
    fitting: impl IntoIterator<Item = T>,
    (missing, noun): (Code, &str),
) -> Result<T, Refusal> {
    let mut fitting = fitting.into_iter();
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Refusal::new(missing, format!("no {noun}'s id begins like this"))),
        (Some(_), Some(_)) => {
            let detail = format!("more than one {noun}'s id begins like this");
            Err(Refusal::new(explain::AMBIGUOUS_ID, detail))
        }
    }
}
