//! Signed notes: a text, a blank line, signature lines.

use super::key::{PublicKey, VerifierKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// A text with the signatures that stand under it; nothing is believed of it before
/// [`SignedNote::verify`].
///
/// Source: C2SP `signed-note`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Line>,
}

/// One signature line.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Line {
    name: String,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

/// Why a note is not one, or not signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Not a text, a blank line and signature lines; or too long, or too many of them.
    #[error("not a signed note")]
    Form,
    /// The bytes are no signature, or of another kind than the key.
    #[error("not a signature of the key's kind")]
    Signature,
    /// None of the keys has signed it.
    #[error("no signature of a known key stands under the note")]
    Unsigned,
    /// A line claims one of the keys and its signature is false.
    #[error("a signature under the note is false")]
    False,
}

impl NoteError {
    /// Whose move it is.
    pub const fn kind(&self) -> crate::error::Kind {
        match self {
            Self::Form | Self::Signature | Self::Unsigned | Self::False => {
                crate::error::Kind::Corrupt
            }
        }
    }
}

impl SignedNote {
    /// Longest note, in bytes.
    pub const LEN_MAX: usize = 64 * 1024;
    /// Most signatures under one note; the format asks for at least 16.
    pub const SIGNATURES_MAX: usize = 64;
    const DASH: &'static str = "\u{2014} ";

    /// A note over a text, made of a raw signature of 64 bytes: Ed25519 as RFC 8032 gives it,
    /// ECDSA as r ‖ s.
    ///
    /// # Errors
    /// [`NoteError::Form`] where the text cannot stand in a note; [`NoteError::Signature`] where
    /// r or s is out of range; [`NoteError::False`] where the signature is not the key's.
    pub fn new(text: String, key: &VerifierKey, raw: &[u8; 64]) -> Result<Self, NoteError> {
        let signature = match key.public() {
            PublicKey::Ed25519(_) => raw.to_vec(),
            PublicKey::EcdsaP256(_) => p256::ecdsa::Signature::from_slice(raw)
                .map_err(|_| NoteError::Signature)?
                .to_der()
                .as_bytes()
                .to_vec(),
        };
        let line = Line { name: key.name().to_owned(), key_id: key.id(), signature };
        let note: Self = Self { text, signatures: vec![line] }.to_string().parse()?;
        note.verify(std::slice::from_ref(key))?;
        Ok(note)
    }

    /// The text that is signed, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which of the keys has signed the text: the first of its lines that names one.
    ///
    /// # Errors
    /// [`NoteError::False`] where a line of any of the keys does not hold, whatever others say;
    /// [`NoteError::Unsigned`] where none of the keys has a line.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<&'k VerifierKey, NoteError> {
        let mut signer = None;
        for line in &self.signatures {
            let known = keys.iter().find(|key| key.name() == line.name && key.id() == line.key_id);
            let Some(key) = known else { continue };
            if !key.has_signed(self.text.as_bytes(), &line.signature) {
                return Err(NoteError::False);
            }
            signer = signer.or(Some(key));
        }
        signer.ok_or(NoteError::Unsigned)
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| {
            let bytes = [&line.key_id[..], &line.signature].concat();
            writeln!(f, "{}{} {}", Self::DASH, line.name, STANDARD.encode(bytes))
        })
    }
}

impl FromStr for SignedNote {
    type Err = NoteError;

    /// Reads a note; whatever is accepted is written back in exactly these bytes.
    fn from_str(note: &str) -> Result<Self, NoteError> {
        let is_forbidden = |c: char| c < ' ' && c != '\n';
        if note.len() > Self::LEN_MAX || note.contains(is_forbidden) {
            return Err(NoteError::Form);
        }
        let body = note.strip_suffix('\n').ok_or(NoteError::Form)?;
        let (text, lines) = body.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        let signatures = lines.split('\n').map(line).collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > Self::SIGNATURES_MAX {
            return Err(NoteError::Form);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }
}

fn line(text: &str) -> Result<Line, NoteError> {
    let rest = text.strip_prefix(SignedNote::DASH).ok_or(NoteError::Form)?;
    let (name, encoded) = rest.split_once(' ').ok_or(NoteError::Form)?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
        return Err(NoteError::Form);
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Form)?;
    let (key_id, signature) = bytes.split_first_chunk::<4>().ok_or(NoteError::Form)?;
    Ok(Line { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
}
