//! Errors on the wire.

use crate::error::{Code, Kind};
use crate::explain;
use crate::id::RequestId;
use crate::role::Role;
use serde::{Deserialize, Serialize};

/// A problem document: what went wrong, whose move it is, what to do next.
///
/// Source: RFC 9457; the members after `instance` are ours. Carries no personal number, subject,
/// content or secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// `urn:mbx:problem:MBX-nnnn`.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// What the code means, in a few words; the same for every problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This occurrence in one sentence, without a full stop.
    pub detail: String,
    /// `urn:mbx:request:req_…`: the request.
    pub instance: String,
    /// `MBX-nnnn`.
    pub code: Code,
    /// Whose move it is.
    pub kind: Kind,
    /// The request's id.
    pub request_id: RequestId,
    /// Whether the same request may succeed later.
    pub retry: bool,
    /// When trying again makes sense, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// The roles of the person who asked, where a role was missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub have: Vec<Role>,
    /// The roles of which one would do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<Role>,
    /// The next step, a command where there is one.
    pub hint: String,
}

impl Problem {
    /// A problem of this code; kind, title and hint come from the catalogue.
    pub fn new(code: Code, detail: impl Into<String>, request_id: RequestId) -> Self {
        let entry = explain::of(code);
        let kind = entry.map_or(Kind::Internal, |entry| entry.kind);
        Self {
            problem_type: format!("urn:mbx:problem:{code}"),
            title: entry.map_or("unknown problem", |entry| entry.title).to_owned(),
            status: explain::http_status(code, kind),
            detail: detail.into(),
            instance: format!("urn:mbx:request:{request_id}"),
            code,
            kind,
            request_id,
            retry: kind.may_retry(),
            retry_after_s: None,
            have: Vec::new(),
            need: Vec::new(),
            hint: entry.map_or_else(
                || format!("mbxctl explain {code}"),
                |entry| entry.hint.map_or_else(|| format!("mbxctl explain {code}"), str::to_owned),
            ),
        }
    }

    /// The same with another next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with a time to wait.
    #[must_use]
    pub const fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self.retry = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_takes_kind_title_and_status_from_the_catalogue() {
        let problem =
            Problem::new(explain::ROLE_MISSING, "not yours", RequestId::from_bytes([1; 16]));
        assert_eq!((problem.kind, problem.status), (Kind::Denied, 403));
        assert_eq!(problem.code.to_string(), "MBX-2041");
        let text = serde_json::to_string(&problem).unwrap();
        assert!(text.starts_with(r#"{"type":"urn:mbx:problem:MBX-2041""#), "{text}");
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }

    #[test]
    fn a_code_outside_the_catalogue_is_a_defect_of_ours() {
        let problem = Problem::new(Code(9), "?", RequestId::from_bytes([0; 16]));
        assert_eq!(problem.kind, Kind::Internal);
    }
}
