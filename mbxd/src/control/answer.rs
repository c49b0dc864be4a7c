//! What a handler gives back, and how it goes over the wire.

use super::refusal::Refusal;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use mbx_common::control::{self, JSON, NDJSON, PROBLEM_JSON, Plan, header};
use mbx_common::error::Kind;
use mbx_common::id::RequestId;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io;

/// A body: whole, or as it comes.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What a handler gives back.
pub(super) enum Answer {
    /// One JSON document.
    Json(Vec<u8>),
    /// A stream of this media type.
    Stream(&'static str, Body),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(bytes) => write!(f, "Answer({} bytes)", bytes.len()),
            Self::Stream(kind, _) => write!(f, "Answer(stream of {kind})"),
        }
    }
}

/// A document.
///
/// # Errors
/// `MBX-1009` where it cannot be written, which would be a defect.
pub(super) fn json(value: &impl Serialize) -> Result<Answer, Refusal> {
    serde_json::to_vec(value)
        .map(Answer::Json)
        .map_err(|error| Refusal::of_kind(Kind::Internal, &error))
}

/// A plan: the steps, and a hash that two equal plans share.
///
/// # Errors
/// As [`json`].
pub(super) fn plan(steps: Vec<String>) -> Result<Answer, Refusal> {
    let digest: [u8; 32] = Sha256::digest(steps.join("\n")).into();
    json(&Plan { hash: hex(&digest), steps })
}

/// One JSON document per line, as they come.
pub(super) fn lines<T: Serialize + 'static>(
    values: impl Stream<Item = T> + Send + 'static,
) -> Answer {
    let frames = values.map(|value| {
        let mut line = serde_json::to_vec(&value).unwrap_or_default();
        line.push(b'\n');
        Ok(Frame::data(Bytes::from(line)))
    });
    Answer::Stream(NDJSON, StreamBody::new(frames).boxed_unsync())
}

/// The response to a request.
pub(super) fn response(answer: Result<Answer, Refusal>, request: RequestId) -> Response<Body> {
    let (status, kind, body, retry) = match answer {
        Ok(Answer::Json(bytes)) => (StatusCode::OK, JSON, full(bytes), None),
        Ok(Answer::Stream(kind, body)) => (StatusCode::OK, kind, body, None),
        Err(refusal) => {
            let problem = refusal.problem(request);
            let status = StatusCode::from_u16(problem.status);
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let bytes = serde_json::to_vec(&problem).unwrap_or_default();
            (status, PROBLEM_JSON, full(bytes), problem.retry_after_s)
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut text = |name: HeaderName, text: String| {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    };
    let api = format!("{}.{}", control::MAJOR, control::MINOR);
    text(HeaderName::from_static(header::API), api);
    text(HeaderName::from_static(header::REQUEST_ID), request.to_string());
    if let Some(seconds) = retry {
        text(RETRY_AFTER, seconds.to_string());
    }
    response
}

fn full(bytes: Vec<u8>) -> Body {
    Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync()
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(u32::from(half), 16)).collect()
}
