//! Errors on the wire: RFC 9457 problem documents with our codes.

use super::answer::{Answer, json};
use super::headers;
use crate::mailbox::reading::HolderError;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use mbx_common::assurance::Loa;
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use mbx_common::id::RequestId;
use serde::Serialize;
use std::time::Duration;

/// A refused request: what the portal is told. Carries no number, subject, content or secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Refused {
    pub(super) code: Code,
    pub(super) kind: Kind,
    pub(super) retry_after: Option<Duration>,
    /// The level that would do.
    pub(super) needed: Option<Loa>,
}

#[derive(Serialize)]
struct Document {
    #[serde(rename = "type")]
    problem_type: String,
    title: &'static str,
    status: u16,
    detail: &'static str,
    instance: String,
    code: Code,
    request_id: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    needed_level: Option<Loa>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

impl Refused {
    /// A refusal by its code alone; its kind comes from the catalogue.
    pub(super) fn of(code: Code) -> Self {
        let kind = explain::of(code).map_or(Kind::Internal, |entry| entry.kind);
        Self { code, kind, retry_after: None, needed: None }
    }

    /// A refusal that passes by itself.
    pub(super) fn busy() -> Self {
        Self { retry_after: Some(Duration::from_secs(1)), ..Self::of(explain::LIMIT) }
    }

    pub(super) fn status(&self) -> u16 {
        if self.kind == Kind::Limit { 503 } else { explain::http_status(self.code, self.kind) }
    }

    /// The problem document.
    pub(super) fn answer(&self, request: RequestId) -> Answer {
        let entry = explain::of(self.code);
        let retry_after_s = self.retry_after.map(|span| span.as_secs().max(1));
        let document = Document {
            problem_type: format!("urn:mbx:problem:{}", self.code),
            title: entry.map_or("the request was refused", |entry| entry.title),
            status: self.status(),
            detail: entry.map_or("", |entry| entry.why),
            instance: format!("urn:mbx:request:{request}"),
            code: self.code,
            request_id: request,
            needed_level: self.needed,
            retry_after_s,
        };
        let mut answer = json(self.status(), &document);
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(secs) = retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        if self.status() == 401 {
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if self.code == explain::METHOD {
            headers.insert(ALLOW, HeaderValue::from_static("GET, POST, DELETE"));
        }
        if self.code == explain::PORTAL_UNKNOWN {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        headers::secure(headers, request);
        answer
    }
}

impl From<&HolderError> for Refused {
    fn from(error: &HolderError) -> Self {
        let (code, kind) = (error.code(), error.kind());
        Self { code, kind, retry_after: error.retry_after(), needed: error.needed_level() }
    }
}
