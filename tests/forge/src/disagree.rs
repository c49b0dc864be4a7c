//! Where the product and an independent verifier part: each by a reason that is checked, or a
//! finding.

use crate::base;
use crate::judge::{Refused, Taken};
use crate::keys::Keyring;
use crate::oracle::{Answer, Peer};
use crate::scene::Case;
use mbxd::delivery::signature::{Cause, Form, VerifiedLevel};
use mbxd::delivery::soap::{PrescanError, ReadError};

/// How the two verdicts on a case stand to one another.
///
/// # Errors
/// What nothing explains, in a sentence.
pub fn compare(
    case: &Case,
    keys: &Keyring,
    verdict: &Result<Taken, Refused>,
    peer: Peer,
    answer: &Answer,
) -> Result<&'static str, String> {
    match (verdict, answer) {
        (Err(_), Answer::Refused(_)) => Ok("both refuse"),
        (Ok(taken), Answer::Taken(facts, _)) => {
            let mut ours: Vec<(String, Vec<u8>)> = taken
                .facts
                .iter()
                .map(|(label, value)| ((*label).to_owned(), value.clone()))
                .collect();
            ours.push(("day".to_owned(), taken.day.clone().into_bytes()));
            if ours == *facts {
                return Ok("both take it, and read the same");
            }
            let part = ours.iter().zip(facts).find(|(ours, theirs)| ours != theirs);
            Err(format!("{peer:?} reads otherwise: {part:?}"))
        }
        (Ok(taken), Answer::Refused(why)) => taken_alone(case, keys, taken, (peer, why))
            .ok_or_else(|| format!("taken, and refused by {peer:?}: {why}")),
        (Err(refused), Answer::Taken(_, valid)) => refused_alone(case, refused, *valid)
            .ok_or_else(|| format!("refused ({refused:?}), and taken by {peer:?}")),
    }
}

/// Why the product takes what a verifier refuses.
fn taken_alone(
    case: &Case,
    keys: &Keyring,
    taken: &Taken,
    (peer, why): (Peer, &str),
) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&case.octets);
    let as_sent = |level: &VerifiedLevel| {
        level.form == Form::Exclusive || level.signed_info_form == Form::Exclusive
    };
    let levels = [&taken.verified.sender, &taken.verified.seal];
    let is_altered = |level: &VerifiedLevel| !keys.has_certificate(&level.certificates[0]);
    if levels.into_iter().any(is_altered) {
        return Some("an altered certificate around a sound key: refused later, by trust");
    }
    match peer {
        // `Judge.java` judges the form without prefixes alone; the form as sent is Python's.
        Peer::Java if levels.into_iter().any(as_sent) => Some("java: no form as sent"),
        // XML 1.0 has such names since its fifth edition; Xerces reads the fourth.
        Peer::Java if why.contains("SAXParseException") && has_late_name(&text) => {
            Some("java: a name of XML 1.0, fifth edition")
        }
        // A namespace name is a URI reference; to us, as to Java, it is a name.
        Peer::Python if why.contains("is not a valid URI") => {
            namespaces(&text).any(|uri| !is_uri(uri)).then_some("libxml2: a namespace name, no URI")
        }
        // Canonical XML 1.0 §2.3 escapes `&` in namespace names as in attributes; libxml2 does not.
        Peer::Python if namespaces(&text).any(|uri| uri.contains(['&', '<', '"'])) => {
            Some("libxml2: & in a namespace name is not escaped")
        }
        Peer::Java | Peer::Python => None,
    }
}

/// The namespace names that are declared somewhere, as they are written.
fn namespaces(text: &str) -> impl Iterator<Item = &str> {
    text.split("xmlns").skip(1).filter_map(|behind| {
        let (_, value) = behind.split_once('=')?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value.get(1..)?.split(quote).next()
    })
}

fn is_uri(uri: &str) -> bool {
    uri.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'&' | b'<' | b'>' | b'{' | b'}'))
}

/// Whether a character is there that the generator puts into names alone.
fn has_late_name(text: &str) -> bool {
    text.contains(base::LATE_IN_NAMES)
}

/// Why the product refuses what a verifier takes: the profile is narrower than XML signatures.
fn refused_alone(case: &Case, refused: &Refused, valid: Option<bool>) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&case.octets);
    let altered = !case.is_sound();
    match refused {
        Refused::Read(ReadError::Prescan(error)) => prescan(*error, &case.octets, &text),
        // What the schema has no place for; looked at with the schema itself where it is there.
        Refused::Parse(_) | Refused::Operation if altered => match valid {
            Some(true) => None,
            Some(false) => Some("refused: against the schema"),
            None => Some("refused: against the schema (not looked at)"),
        },
        Refused::Content(_) if altered => Some("refused: a rule of content"),
        Refused::Signature(error) if altered => signature(error.cause, &text),
        // Well-formedness is the same for everybody, and nothing sound is refused by anybody.
        Refused::Read(_)
        | Refused::Parse(_)
        | Refused::Operation
        | Refused::Content(_)
        | Refused::Signature(_) => None,
    }
}

fn prescan(error: PrescanError, octets: &[u8], text: &str) -> Option<&'static str> {
    let inside = |mark: &str| text.contains(mark);
    match error {
        PrescanError::Comment => inside("<!--").then_some("refused: a comment"),
        PrescanError::ProcessingInstruction => {
            inside("<?").then_some("refused: a processing instruction")
        }
        PrescanError::NotUtf8 => {
            std::str::from_utf8(octets).is_err().then_some("refused: not UTF-8")
        }
        PrescanError::Encoding => inside("encoding").then_some("refused: another encoding"),
        PrescanError::Declaration => inside("<?xml").then_some("refused: an odd declaration"),
        PrescanError::CarriageReturn => {
            let touches = inside("\r&") || inside(";\r<");
            touches.then_some("refused: a carriage return alone beside a reference")
        }
        PrescanError::Doctype => inside("<!").then_some("refused: a document type"),
        // What a reader of XML without bounds of its own takes, and nobody writes.
        PrescanError::Declares => inside("xmlns").then_some("refused: an odd declaration of names"),
        PrescanError::Entity => inside("&#").then_some("refused: a reference of too many digits"),
        PrescanError::Depth { .. }
        | PrescanError::Elements { .. }
        | PrescanError::Attributes { .. }
        | PrescanError::AttributesTotal { .. }
        | PrescanError::TagLen { .. }
        | PrescanError::Namespaces { .. }
        | PrescanError::Malformed
        | _ => None,
    }
}

fn signature(cause: Cause, text: &str) -> Option<&'static str> {
    match cause {
        Cause::Count => {
            let tags = text.matches("Signature").count();
            (tags > 4).then_some("refused: a third signature somewhere")
        }
        Cause::IdNotUnique => Some("refused: an identifier that stands twice"),
        Cause::Shape(_)
        | Cause::Transforms
        | Cause::PrefixList
        | Cause::CanonicalizationMethod
        | Cause::SignatureMethod
        | Cause::DigestMethod
        | Cause::Sha1
        | Cause::Reference => Some("refused: SignedInfo or Signature outside the profile"),
        Cause::CertificateCount { .. } | Cause::CertificateLen { .. } => {
            Some("refused: more or longer certificates than the profile takes")
        }
        Cause::KeyKind | Cause::KeyShort { .. } => Some("refused: a key outside the profile"),
        // Others pass over spare bits, wrong padding and foreign characters, or pad a short number.
        Cause::Value => Some("refused: a value that is no canonical base64 of its length"),
        Cause::Certificate => Some("refused: a certificate with something behind it"),
        // Never: these two say that the octets are not what was signed.
        Cause::SignatureValue | Cause::Digest | Cause::SealSaysNo | _ => None,
    }
}
