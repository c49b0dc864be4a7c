//! What was sent and what was acknowledged, so that a checker can prove that nothing was lost,
//! doubled or mixed up.
//!
//! One JSON object a line; a line is written before the delivery is sent and one after its answer.

use crate::error::SimError;
use crate::portal::Portal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One line of the ledger.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "event")]
pub enum Line {
    /// About to be sent.
    Sent(Sent),
    /// Answered as delivered.
    Acknowledged {
        /// The mark of the delivery.
        mark: String,
        /// The operator's receipt id.
        trans_id: String,
    },
    /// Answered otherwise, or not at all: it may or may not be in the mailbox, at most once.
    Open {
        /// The mark of the delivery.
        mark: String,
    },
}

/// A delivery about to be sent; one to several recipients is a line for each, of the same mark.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Sent {
    /// Text that is its subject, of no other delivery.
    pub mark: String,
    /// For whom, 12 digits.
    pub recipient: String,
    /// SHA-256 of its body, hex.
    pub body: String,
}

/// A ledger that is written to.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

impl Ledger {
    /// Opens a ledger to go on with it.
    ///
    /// # Errors
    /// [`SimError::File`] where it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, SimError> {
        let file =
            File::options().create(true).append(true).open(path).map_err(SimError::file(path))?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// [`SimError::File`] where it cannot be written.
    pub fn note(&self, line: &Line) -> Result<(), SimError> {
        let mut text =
            serde_json::to_vec(line).map_err(|error| SimError::Usage(error.to_string()))?;
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(&text).map_err(SimError::file(&self.path))
    }
}

/// What a check found.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Findings {
    /// Deliveries that were acknowledged.
    pub acknowledged: usize,
    /// Messages found in mailboxes and read.
    pub read: usize,
    /// Acknowledged but not in the mailbox.
    pub lost: Vec<String>,
    /// More than once in the mailbox.
    pub doubled: Vec<String>,
    /// In the wrong mailbox, or with another body than was sent.
    pub mixed_up: Vec<String>,
}

impl Findings {
    /// Whether everything is as it must be.
    pub const fn is_sound(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.mixed_up.is_empty()
    }
}

/// A message as the portal API lists it: what the checker needs of it.
#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    subject: Option<String>,
}

/// A page of the list.
#[derive(Debug, Deserialize)]
struct Page {
    messages: Vec<Listed>,
    next: Option<String>,
}

/// Reads every mailbox of the ledger through the portal and compares.
///
/// # Errors
/// [`SimError`] where the ledger or a mailbox cannot be read.
pub async fn check(path: &Path, portal: &Portal) -> Result<Findings, SimError> {
    let text = std::fs::read_to_string(path).map_err(SimError::file(path))?;
    let mut sent: HashMap<String, Vec<Sent>> = HashMap::new();
    let mut acknowledged: HashMap<String, String> = HashMap::new();
    for line in text.lines() {
        // The last line of a killed generator may be torn: what it says was not yet sent.
        match serde_json::from_str(line) {
            Ok(Line::Sent(entry)) => {
                sent.entry(entry.mark.clone()).or_default().push(entry);
            }
            Ok(Line::Acknowledged { mark, trans_id }) => {
                acknowledged.insert(mark, trans_id);
            }
            Ok(Line::Open { .. }) | Err(_) => {}
        }
    }
    let mut found: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut findings = Findings { acknowledged: acknowledged.len(), ..Findings::default() };
    let recipients: std::collections::BTreeSet<&str> =
        sent.values().flatten().map(|entry| entry.recipient.as_str()).collect();
    for recipient in recipients {
        for (mark, body) in read_all(portal, recipient).await? {
            findings.read += 1;
            let is_sent = |entry: &Sent| entry.recipient == recipient && entry.body == body;
            if !sent.get(&mark).is_some_and(|entries| entries.iter().any(is_sent)) {
                findings.mixed_up.push(mark.clone());
            }
            *found.entry((recipient, mark)).or_default() += 1;
        }
    }
    let known = acknowledged.keys().flat_map(|mark| sent.get(mark).into_iter().flatten());
    let lost = known.filter(|entry| !found.contains_key(&(&entry.recipient, entry.mark.clone())));
    findings.lost = lost.map(|entry| entry.mark.clone()).collect();
    let doubled = found.iter().filter(|(_, times)| **times > 1);
    findings.doubled = doubled.map(|((_, mark), _)| mark.clone()).collect();
    Ok(findings)
}

/// Subject and SHA-256 of the body of every message in a mailbox.
async fn read_all(portal: &Portal, person: &str) -> Result<Vec<(String, String)>, SimError> {
    let mut messages = Vec::new();
    let mut path = "/v1/messages?limit=100".to_owned();
    loop {
        let answer = portal.call("GET", &path, &portal.claims(person, 3)).await?;
        if answer.status != 200 {
            return Err(SimError::Answer(format!(
                "listing messages: HTTP {} {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            )));
        }
        let page: Page = serde_json::from_slice(&answer.body)
            .map_err(|error| SimError::Answer(error.to_string()))?;
        for message in page.messages {
            let path = format!("/v1/messages/{}/parts/0", message.id);
            let answer = portal.call("GET", &path, &portal.claims(person, 3)).await?;
            if answer.status != 200 {
                return Err(SimError::Answer(format!("opening a message: HTTP {}", answer.status)));
            }
            messages.push((message.subject.unwrap_or_default(), hex(&Sha256::digest(answer.body))));
        }
        match page.next {
            Some(next) => path = format!("/v1/messages?limit=100&after={next}"),
            None => return Ok(messages),
        }
    }
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
