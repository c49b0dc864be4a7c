//! The product on a case, and the judge of what it took: the ledger of what every key signed.

use crate::facts::{self, Facts};
use crate::keys::Keyring;
use crate::scene::Case;
use crate::sign::Signed;
use crate::tree::Element;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mbxd::delivery::fuzzing;
use mbxd::delivery::signature::{Policy, SignatureError, Verified, VerifiedLevel, verify};
use mbxd::delivery::soap::{Document, ParseError, PrescanLimits, ReadError, Request, parse};
use mbxd::mailbox::incoming::{IncomingMessage, Part, PartSource};

/// Why the product refused a request, by its own step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refused {
    /// Pre-scan or tree.
    Read(ReadError),
    /// The shape of the contract.
    Parse(ParseError),
    /// Another operation: nothing is signed there.
    Operation,
    /// A signature.
    Signature(SignatureError),
    /// A rule of content.
    Content(String),
}

/// What the product took.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What the signatures prove.
    pub verified: Verified,
    /// What it parsed.
    pub facts: Facts,
    /// What it stores for each message.
    pub stored: Facts,
    /// The seal's day.
    pub day: String,
}

/// The steps of the pipeline: pre-scan, tree, shape, signatures, content.
///
/// # Errors
/// [`Refused`] by its step.
pub fn product(request: &[u8]) -> Result<Taken, Refused> {
    let document = Document::read(request, &PrescanLimits::default()).map_err(Refused::Read)?;
    let delivery = match parse(&document).map_err(Refused::Parse)? {
        Request::DeliverSecure(delivery) => delivery,
        Request::Notify(_) | Request::DeliverForward(_) => return Err(Refused::Operation),
    };
    let verified = verify(&delivery, Policy::default()).map_err(Refused::Signature)?;
    let messages = fuzzing::content(&delivery, request).map_err(Refused::Content)?;
    Ok(Taken {
        verified,
        facts: facts::parsed(&delivery, request),
        stored: messages.iter().flat_map(|message| stored(message, request)).collect(),
        day: delivery.seal.received.to_string(),
    })
}

/// The facts of a message as it is handed over to the mailbox.
fn stored(message: &IncomingMessage, payload: &[u8]) -> Facts {
    let text = |text: &String| text.as_bytes().to_vec();
    let mut facts = vec![
        ("id", text(&message.sender_id)),
        ("subject", text(&message.subject)),
        ("support.text", text(&message.support.text)),
    ];
    facts.extend(message.support.url.iter().map(|url| ("support.url", text(url))));
    facts.extend(message.support.phone.iter().map(|phone| ("support.phone", text(phone))));
    facts.extend(message.support.email.iter().map(|email| ("support.email", text(email))));
    facts.push(("language", text(&message.language)));
    for part in std::iter::once(&message.body).chain(&message.attachments) {
        facts.push(("part.type", text(&part.media_type)));
        facts.push(("part.octets", octets(part, payload)));
        facts.extend(part.file_name.iter().map(|name| ("part.name", text(name))));
    }
    facts
}

fn octets(part: &Part, payload: &[u8]) -> Vec<u8> {
    match &part.source {
        PartSource::Decoded(octets) => octets.to_vec(),
        PartSource::Base64At(range) => {
            let place = |at: u64| usize::try_from(at).expect("a place in memory");
            let text = &payload[place(range.start)..place(range.end)];
            mbxd::mailbox::decode_base64(text).expect("what was handed over is base64")
        }
    }
}

/// Holds the product's verdict against the ledger.
///
/// # Errors
/// What does not hold, in a sentence.
pub fn hold(case: &Case, keys: &Keyring, verdict: &Result<Taken, Refused>) -> Result<(), String> {
    match verdict {
        Ok(taken) => both_signed(case, keys, taken),
        Err(refused) if case.is_sound() => Err(format!("a sound delivery is refused: {refused:?}")),
        Err(_) => Ok(()),
    }
}

/// What was taken is what both signers signed.
fn both_signed(case: &Case, keys: &Keyring, taken: &Taken) -> Result<(), String> {
    let signer = |level: &VerifiedLevel| keys.by_certificate(level.certificates.first()?);
    let sender = signer(&taken.verified.sender).ok_or("a sender whom nobody knows")?;
    let sealer = signer(&taken.verified.seal).ok_or("a sealer whom nobody knows")?;
    let mut by_sender = case.ledger.iter().filter(|signed| signed.key == sender);
    if !by_sender.any(|signed| facts::signed(&signed.content).as_ref() == Some(&taken.facts)) {
        let facts = facts::told(&taken.facts);
        return Err(format!("the sender never signed what was taken: {facts}"));
    }
    let mut by_sealer = case.ledger.iter().filter(|signed| signed.key == sealer);
    if !by_sealer.any(|signed| is_sealed(signed, taken)) {
        let facts = facts::told(&taken.facts);
        return Err(format!("the dispatcher never sealed what was taken: {facts}"));
    }
    let expected = facts::stored(&taken.facts);
    if expected != taken.stored {
        let (expected, stored) = (facts::told(&expected), facts::told(&taken.stored));
        return Err(format!("stored is not what was signed: {stored} instead of {expected}"));
    }
    Ok(())
}

/// Whether a sealer's record is of what was taken: the same delivery under the same signature of
/// the sender, the same day, and a yes.
fn is_sealed(record: &Signed, taken: &Taken) -> bool {
    let sealed = || -> Option<bool> {
        let delivery = record.content.own("SignedDelivery")?;
        let value = delivery.own("Signature")?.own("SignatureValue").map(Element::text)?;
        let value: String = value.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let (day, says) = facts::sealed(record.content.own("Seal")?)?;
        Some(
            facts::signed(delivery)? == taken.facts
                && BASE64.decode(value).ok()? == taken.verified.sender.signature_value
                && day == taken.day
                && matches!(says.as_str(), "true" | "1"),
        )
    };
    record.content.local == "SealedDelivery" && sealed().unwrap_or(false)
}
