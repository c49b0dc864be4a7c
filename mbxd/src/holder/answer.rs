//! Bodies of answers: whole ones, and the octets of a part as they are opened.

use crate::mailbox::reading::{HolderError, PartStream};
use crate::peers::Holding;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// The body of an answer. An error breaks the connection off: a part that fails its integrity
/// check half-way never looks whole.
pub(super) type Body = UnsyncBoxBody<Bytes, HolderError>;

/// An answer.
pub(super) type Answer = Response<Body>;

/// An answer without a body.
pub(super) fn empty(status: u16) -> Answer {
    with(status, Bytes::new())
}

/// A JSON answer.
pub(super) fn json(status: u16, value: &impl Serialize) -> Answer {
    // Our types have nothing that JSON cannot write.
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut answer = with(status, Bytes::from(text));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// An answer of these bytes.
pub(super) fn with(status: u16, bytes: Bytes) -> Answer {
    let body = Full::new(bytes).map_err(|never| match never {}).boxed_unsync();
    respond(status, body)
}

/// An answer of a part's octets, given out piece by piece as their chunks are verified.
pub(super) fn octets(status: u16, part: PartStream) -> Answer {
    let pieces = stream::unfold(Some(part), |part| async move {
        let mut part = part?;
        match part.next().await {
            Ok(Some(piece)) => Some((Ok(Frame::data(piece)), Some(part))),
            Ok(None) => None,
            Err(error) => {
                tracing::error!(%error, "a part failed while it was given out");
                Some((Err(error), None))
            }
        }
    });
    respond(status, StreamBody::new(pieces).boxed_unsync())
}

/// The same answer, whose body holds this until its last byte was taken or it was given up.
pub(super) fn holding(answer: Answer, held: impl Send + Unpin + 'static) -> Answer {
    answer.map(|body| Holding::new(body, held).boxed_unsync())
}

fn respond(status: u16, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
}
