//! What can be asked, and under which path.

use hyper::Method;
use mbx_common::id::MessageId;

/// Every route: method and path, as `docs/openapi/portal.json` writes them.
#[cfg(test)]
pub(super) const ROUTES: [(&str, &str); 9] = [
    ("GET", "/v1/mailbox"),
    ("GET", "/v1/messages"),
    ("GET", "/v1/messages/{id}"),
    ("GET", "/v1/messages/{id}/parts/{n}"),
    ("POST", "/v1/messages/{id}/read"),
    ("DELETE", "/v1/messages/{id}"),
    ("POST", "/v1/messages/{id}/restore"),
    ("DELETE", "/v1/session"),
    ("GET", "/v1/openapi.json"),
];

/// What a request asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Route {
    Mailbox,
    List,
    Open(MessageId),
    Part(MessageId, usize),
    MarkRead(MessageId),
    Delete(MessageId),
    Restore(MessageId),
    EndSession,
    OpenApi,
}

/// Why a request asks for nothing that there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoRoute {
    /// No such path.
    Path,
    /// The path is there, but not with this method.
    Method,
    /// The message's id or the part's number cannot be read: there is no such message.
    Message,
}

impl Route {
    /// Reads method and path. One path has one spelling: nothing is decoded or folded.
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, NoRoute> {
        let segments: Vec<&str> = path.strip_prefix("/v1/").unwrap_or("").split('/').collect();
        let (get, post, delete) =
            (*method == Method::GET, *method == Method::POST, *method == Method::DELETE);
        match segments.as_slice() {
            ["mailbox"] if get => Ok(Self::Mailbox),
            ["messages"] if get => Ok(Self::List),
            ["messages", id] if get => message(id).map(Self::Open),
            ["messages", id] if delete => message(id).map(Self::Delete),
            ["messages", id, "parts", n] if get => Ok(Self::Part(message(id)?, number(n)?)),
            ["messages", id, "read"] if post => message(id).map(Self::MarkRead),
            ["messages", id, "restore"] if post => message(id).map(Self::Restore),
            ["session"] if delete => Ok(Self::EndSession),
            ["openapi.json"] if get => Ok(Self::OpenApi),
            ["mailbox" | "messages" | "session" | "openapi.json"]
            | ["messages", _]
            | ["messages", _, "read" | "restore"]
            | ["messages", _, "parts", _] => Err(NoRoute::Method),
            _ => Err(NoRoute::Path),
        }
    }

    /// Whether it changes a message, so that `If-Match` may stand against it.
    pub(super) const fn takes_condition(self) -> bool {
        matches!(self, Self::MarkRead(_) | Self::Delete(_) | Self::Restore(_))
    }
}

fn message(text: &str) -> Result<MessageId, NoRoute> {
    text.parse().map_err(|_| NoRoute::Message)
}

/// A part's number: decimal digits without a leading zero.
fn number(text: &str) -> Result<usize, NoRoute> {
    let number: usize = text.parse().map_err(|_| NoRoute::Message)?;
    if number.to_string() == text { Ok(number) } else { Err(NoRoute::Message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_01010101010101010101010101010101";

    #[test]
    fn every_listed_route_is_found() {
        for (method, path) in ROUTES {
            let path = path.replace("{id}", ID).replace("{n}", "0");
            let method: Method = method.parse().unwrap();
            assert!(Route::of(&method, &path).is_ok(), "{method} {path}");
        }
    }

    #[test]
    fn another_method_another_path_and_another_spelling_are_told_apart() {
        let of = |method: Method, path: &str| Route::of(&method, path);
        assert_eq!(of(Method::PUT, "/v1/mailbox"), Err(NoRoute::Method));
        assert_eq!(of(Method::POST, &format!("/v1/messages/{ID}")), Err(NoRoute::Method));
        assert_eq!(of(Method::GET, "/v2/mailbox"), Err(NoRoute::Path));
        assert_eq!(of(Method::GET, "/v1/mailbox/"), Err(NoRoute::Path));
        assert_eq!(of(Method::GET, "/v1//mailbox"), Err(NoRoute::Path));
        assert_eq!(of(Method::GET, "/v1/%6dailbox"), Err(NoRoute::Path));
        assert_eq!(of(Method::GET, "/"), Err(NoRoute::Path));
        assert_eq!(of(Method::GET, "/v1/messages/mbx_00"), Err(NoRoute::Message));
        for n in ["01", "+1", "-1", "x", ""] {
            let path = format!("/v1/messages/{ID}/parts/{n}");
            assert_eq!(of(Method::GET, &path), Err(NoRoute::Message), "{n}");
        }
    }
}
