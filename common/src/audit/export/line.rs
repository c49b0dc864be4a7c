//! One entry of an export, as a line of JSON and as a row of CSV.

use super::manifest::HexHash;
use crate::audit::entry::{Entry, Peer};
use crate::audit::text::{Hex, role_name};
use crate::audit::tree::leaf_hash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// First row of `entries.csv`, with its line end.
pub const CSV_HEADER: &str = "position,time,event,outcome,actor,role,session,request,peer,subjects,\
                              facts,reason,ticket,plan,hash\r\n";

/// What the verifier needs of a line before it renders the line anew.
#[derive(Debug, Deserialize)]
pub(crate) struct LineHead {
    pub(crate) position: u64,
    pub(crate) hash: HexHash,
    /// Base64 of the entry.
    pub(crate) leaf: String,
}

#[derive(Serialize)]
struct Line<'a> {
    position: u64,
    hash: HexHash,
    leaf: String,
    entry: Option<Readable<'a>>,
}

#[derive(Serialize)]
struct Readable<'a> {
    time: String,
    event: String,
    outcome: &'static str,
    actor: Named,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<ReadablePeer<'a>>,
    subjects: Vec<String>,
    facts: Vec<Named>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<HexHash>,
}

#[derive(Serialize)]
struct Named {
    kind: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ReadablePeer<'a> {
    Local {
        uid: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tty: Option<&'a str>,
    },
    Remote {
        address: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        certificate: Option<HexHash>,
    },
}

/// The line of `entries.jsonl` for the leaf at this position, with its newline. Where this program
/// does not know the entry's version or one of its codes, `entry` is null.
pub fn json_line(position: u64, leaf: &[u8]) -> String {
    let decoded = Entry::decode(leaf).ok();
    let line = Line {
        position,
        hash: HexHash(leaf_hash(leaf)),
        leaf: STANDARD.encode(leaf),
        entry: decoded.as_ref().map(readable),
    };
    // Strings, numbers and lists only: nothing here can fail to be written.
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

fn readable(entry: &Entry) -> Readable<'_> {
    Readable {
        time: entry.time.to_string(),
        event: entry.event.to_string(),
        outcome: entry.outcome.name(),
        actor: Named { kind: entry.actor.kind(), value: entry.actor.to_string() },
        role: entry.role.map(role_name),
        session: entry.session.map(|id| id.to_string()),
        request: entry.request.map(|id| id.to_string()),
        peer: entry.peer.as_ref().map(readable_peer),
        subjects: entry.subjects.iter().map(ToString::to_string).collect(),
        facts: entry
            .facts
            .iter()
            .map(|fact| Named { kind: fact.name(), value: fact.value() })
            .collect(),
        reason: entry.reason.as_deref(),
        ticket: entry.ticket.as_deref(),
        plan: entry.plan.map(HexHash),
    }
}

fn readable_peer(peer: &Peer) -> ReadablePeer<'_> {
    match peer {
        Peer::Local { uid, pid, tty } => {
            ReadablePeer::Local { uid: *uid, pid: *pid, tty: tty.as_deref() }
        }
        Peer::Remote { address, certificate } => ReadablePeer::Remote {
            address: address.to_string(),
            certificate: certificate.map(HexHash),
        },
    }
}

/// The row of `entries.csv` for the leaf at this position, with its line end (RFC 4180).
pub fn csv_line(position: u64, leaf: &[u8]) -> String {
    let hash = Hex(&leaf_hash(leaf)).to_string();
    let Ok(entry) = Entry::decode(leaf) else {
        return format!("{position},,,,,,,,,,,,,,{hash}\r\n");
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let list = |items: Vec<String>| items.join(" ");
    [
        position.to_string(),
        entry.time.to_string(),
        entry.event.to_string(),
        entry.outcome.name().to_owned(),
        entry.actor.to_string(),
        entry.role.map(role_name).unwrap_or_default().to_owned(),
        entry.session.map(|id| id.to_string()).unwrap_or_default(),
        entry.request.map(|id| id.to_string()).unwrap_or_default(),
        entry.peer.as_ref().map(ToString::to_string).unwrap_or_default(),
        list(entry.subjects.iter().map(ToString::to_string).collect()),
        list(entry.facts.iter().map(|fact| format!("{}={}", fact.name(), fact.value())).collect()),
        text(&entry.reason),
        text(&entry.ticket),
        entry.plan.map(|plan| Hex(&plan).to_string()).unwrap_or_default(),
        hash,
    ]
    .map(|field| csv_field(&field))
    .join(",")
        + "\r\n"
}

/// A field in quotes where it needs them. A field that a spreadsheet would run as a formula gets an
/// apostrophe before it.
fn csv_field(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if is_formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}
