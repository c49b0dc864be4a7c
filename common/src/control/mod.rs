//! The control API's types, as daemon and command line both spell them: one file per noun.
//!
//! HTTP/1.1 with JSON over a Unix socket. Paths begin with `/v1`; [`MAJOR`] changes when an old
//! client would misread an answer, fields are only ever added within it. Requests refuse unknown
//! fields, answers may carry more than a reader knows. Errors are [`Problem`] documents.
//! `docs/openapi/control.json` describes every route of [`route::ROUTES`].

pub mod audit;
pub mod certificate;
pub mod config;
pub mod delivery;
pub mod hsm;
pub mod job;
pub mod key;
mod level;
pub mod mailbox;
mod problem;
pub mod route;
pub mod sender;
pub mod session;
pub mod setup;
pub mod status;
pub mod user;
pub mod version;

pub use level::Level;
pub use problem::Problem;

use serde::{Deserialize, Serialize};

/// Major version of the API; stands in every path. Unequal majors do not talk to each other.
pub const MAJOR: u16 = 1;

/// Minor version: routes and fields that were added within the major.
pub const MINOR: u16 = 0;

/// Media type of answers.
pub const JSON: &str = "application/json";

/// Media type of [`Problem`] documents (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Media type of streams: one JSON object per line.
pub const NDJSON: &str = "application/x-ndjson";

/// Names of the headers that are ours, lower case.
pub mod header {
    /// On every answer: the version of the API that the daemon speaks, `1.0`.
    pub const API: &str = "mbx-api";
    /// On every answer: the request's id, as in logs and the audit log.
    pub const REQUEST_ID: &str = "mbx-request-id";
    /// On requests: the controlling terminal, as far as the client knows one.
    pub const TTY: &str = "mbx-tty";
    /// On requests: why it is done (UTF-8, at most `limit::NOTE_LEN_MAX` bytes).
    pub const REASON: &str = "mbx-reason";
    /// On requests: the ticket it belongs to (UTF-8, the same limit).
    pub const TICKET: &str = "mbx-ticket";
    /// On changing requests: `1` asks for the plan alone; nothing is changed.
    pub const DRY_RUN: &str = "mbx-dry-run";
    /// On reading requests: `1` asks for full national numbers; needs the right, is audited.
    pub const REVEAL: &str = "mbx-reveal";
}

/// One page of a list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// What to name as `after` to read on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many rows there are in all, where that is cheap to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// A list that is whole.
    pub fn whole(rows: Vec<T>) -> Self {
        let total = u64::try_from(rows.len()).ok();
        Self { rows, next: None, total }
    }
}

/// What a changing request would do, answered where [`header::DRY_RUN`] was sent.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Plan {
    /// SHA-256 of the steps, 64 hex digits: two equal plans have equal hashes.
    pub hash: String,
    /// What would be done, in order.
    pub steps: Vec<String>,
}

/// What a changing request did.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Done {
    /// Position of its entry in the audit log, where the act has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<u64>,
}
