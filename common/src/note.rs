//! What `mbxd --check-config` notes of a configuration that it accepts, a line each, so that
//! `mbxctl doctor` can say it of a machine whose daemon does not run.

use crate::control::Level;
use std::fmt;
use std::str::FromStr;

/// What a note is about; also the name of the doctor's check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Topic {
    /// `development = true`.
    Development,
    /// The PKCS#11 module and the kind of token.
    Token,
    /// What systemd hands over.
    Credentials,
    /// The malware scanner.
    Scanner,
    /// The doors' certificates and the roots.
    Certificates,
    /// Revocation lists.
    Revocation,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 6] = [
        Self::Development,
        Self::Token,
        Self::Credentials,
        Self::Scanner,
        Self::Certificates,
        Self::Revocation,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Token => "token",
            Self::Credentials => "credentials",
            Self::Scanner => "scanner",
            Self::Certificates => "certificates",
            Self::Revocation => "revocation",
        }
    }
}

/// One note: `note (attention) scanner: deliveries are not scanned`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// How bad it is.
    pub level: Level,
    /// What it is about.
    pub topic: Topic,
    /// The finding, one sentence.
    pub text: String,
}

/// A line that is no note.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a note")]
pub struct NotANote;

impl Note {
    /// A note that something needs attention.
    pub fn attention(topic: Topic, text: impl Into<String>) -> Self {
        Self { level: Level::Attention, topic, text: text.into() }
    }

    /// A note that something will not work.
    pub fn wrong(topic: Topic, text: impl Into<String>) -> Self {
        Self { level: Level::Wrong, topic, text: text.into() }
    }
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Attention => "attention",
        Level::Wrong => "wrong",
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "note ({}) {}: {}", word(self.level), self.topic.name(), self.text)
    }
}

impl FromStr for Note {
    type Err = NotANote;

    fn from_str(line: &str) -> Result<Self, NotANote> {
        let read = || {
            let (level, rest) = line.strip_prefix("note (")?.split_once(") ")?;
            let (topic, text) = rest.split_once(": ")?;
            let levels = [Level::Ok, Level::Attention, Level::Wrong];
            let level = levels.into_iter().find(|known| word(*known) == level)?;
            let topic = Topic::ALL.into_iter().find(|known| known.name() == topic)?;
            Some(Self { level, topic, text: text.to_owned() })
        };
        read().ok_or(NotANote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        for topic in Topic::ALL {
            for note in [Note::attention(topic, "a: b) c"), Note::wrong(topic, "")] {
                assert_eq!(note.to_string().parse(), Ok(note));
            }
        }
    }

    #[test]
    fn other_lines_are_none() {
        for line in ["", "mbxd: sound", "note", "note (loud) token: x", "note (wrong) tokens: x"] {
            assert_eq!(line.parse::<Note>(), Err(NotANote), "{line}");
        }
    }
}
