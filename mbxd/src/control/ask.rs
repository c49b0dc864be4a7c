//! One request as the handlers see it: route, parameter, query, body, and who asks.

use super::query;
use super::refusal::Refusal;
use crate::operators::{Caller, Staff};
use bytes::Bytes;
use hyper::HeaderMap;
use mbx_common::audit::Origin;
use mbx_common::control::header;
use mbx_common::control::route::Route;
use mbx_common::explain;
use mbx_common::limit::NOTE_LEN_MAX;
use serde::de::DeserializeOwned;
use std::fmt;

/// One request.
pub(super) struct Ask {
    /// The route.
    pub(super) route: Route,
    /// What stands for `{…}` in its path, decoded.
    pub(super) parameter: Option<String>,
    /// The query, as it stands in the path.
    pub(super) query: String,
    /// The body.
    pub(super) body: Bytes,
    /// From where it came.
    pub(super) caller: Caller,
    /// What the person wishes besides.
    pub(super) wishes: Wishes,
}

/// Its body may hold a password, a PIN or a number.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("route", &self.route).finish_non_exhaustive()
    }
}

/// What headers say of a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Wishes {
    /// The reason given.
    pub(super) reason: Option<String>,
    /// The ticket given.
    pub(super) ticket: Option<String>,
    /// Only the plan is wanted.
    pub(super) dry_run: bool,
    /// Full national numbers are wanted.
    pub(super) reveal: bool,
}

impl Wishes {
    /// Reads the headers.
    ///
    /// # Errors
    /// `MBX-1001` where a note is no text of one line or is too long.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let flag = |name: &str| headers.get(name).is_some_and(|value| value.as_bytes() == b"1");
        Ok(Self {
            reason: note(headers, header::REASON)?,
            ticket: note(headers, header::TICKET)?,
            dry_run: flag(header::DRY_RUN),
            reveal: flag(header::REVEAL),
        })
    }
}

fn note(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).ok();
    let text =
        text.filter(|text| text.len() <= NOTE_LEN_MAX && !text.chars().any(char::is_control));
    text.map(|text| Some(text.to_owned())).ok_or_else(|| {
        Refusal::new(explain::USAGE, format!("{name} is one line of at most {NOTE_LEN_MAX} bytes"))
    })
}

impl Ask {
    /// The body as a request of this type; an empty one reads as `{}`.
    ///
    /// # Errors
    /// `MBX-1001` naming the place, never the value: it may be a number or a password.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let bytes: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        serde_json::from_slice(bytes).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let what = match error.classify() {
                serde_json::error::Category::Data => {
                    "has an unknown field, lacks one, or has a value of the wrong form"
                }
                serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof
                | serde_json::error::Category::Io => "is no JSON",
            };
            Refusal::new(explain::USAGE, format!("the request's body {what} ({place})"))
        })
    }

    /// The query as a request of this type.
    ///
    /// # Errors
    /// `MBX-1001` naming the field.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        query::read(&self.query).map_err(|error| {
            Refusal::new(explain::USAGE, format!("the query cannot be read: {error}"))
        })
    }

    /// What stands for `{…}`.
    pub(super) fn parameter(&self) -> &str {
        self.parameter.as_deref().unwrap_or_default()
    }

    /// The origin of the act for its audit entry, with reason and ticket.
    pub(super) fn origin(&self, staff: &Staff) -> Origin {
        let mut origin = staff.origin();
        origin.reason.clone_from(&self.wishes.reason);
        origin.ticket.clone_from(&self.wishes.ticket);
        origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn notes_are_one_bounded_line_in_utf8() {
        let mut headers = HeaderMap::new();
        headers.insert(header::REASON, HeaderValue::from_bytes("på begäran".as_bytes()).unwrap());
        assert_eq!(Wishes::read(&headers).unwrap().reason.as_deref(), Some("på begäran"));
        for bad in [vec![0xff], b"a\tb".to_vec(), vec![b'x'; NOTE_LEN_MAX + 1]] {
            headers.insert(header::REASON, HeaderValue::from_bytes(&bad).unwrap());
            assert_eq!(Wishes::read(&headers).unwrap_err().code, explain::USAGE);
        }
    }

    #[test]
    fn a_password_in_the_body_is_not_shown_by_debug() {
        let caller = Caller {
            uid: 0,
            pid: None,
            tty: None,
            request: mbx_common::id::RequestId::from_bytes([1; 16]),
        };
        let ask = Ask {
            route: Route::Login,
            parameter: None,
            query: String::new(),
            body: Bytes::from_static(br#"{"password":"correct horse"}"#),
            caller,
            wishes: Wishes::default(),
        };
        assert_eq!(format!("{ask:?}"), "Ask { route: Login, .. }");
    }
}
