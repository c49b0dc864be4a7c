//! What a delivery says, read three ways: from what the signers signed, from what the product
//! parsed, and from what the product stores.

use crate::tree::{Element, ns};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use mbxd::delivery::soap::{Part, ReceiptRequest, Reply, SealedDelivery, Text};

/// Labels and octets, in the order of the document.
pub type Facts = Vec<(&'static str, Vec<u8>)>;

/// Reads the facts of a `SignedDelivery` that somebody signed, first of each name where several
/// stand there.
pub fn signed(delivery: &Element) -> Option<Facts> {
    let mut facts = Facts::new();
    let delivery = child(delivery, ns::M3, "Delivery")?;
    let header = child(delivery, ns::M3, "Header")?;
    let sender = child(header, ns::M2, "Sender")?;
    put(&mut facts, "sender.id", child(sender, ns::SENDER, "Id"));
    put(&mut facts, "sender.name", child(sender, ns::SENDER, "Name"));
    put(&mut facts, "sender.attention", child(sender, ns::SENDER, "Attention"));
    put(&mut facts, "recipient", child(header, ns::M2, "Recipient"));
    put(&mut facts, "reference", child(header, ns::M2, "Reference"));
    put(&mut facts, "correlation", child(header, ns::M2, "CorrelationId"));
    put(&mut facts, "attention", child(header, ns::M2, "Attention"));
    for message in children(delivery, ns::M3, "Message") {
        let header = child(message, ns::M3, "Header")?;
        put(&mut facts, "id", child(header, ns::M3, "Id"));
        put(&mut facts, "subject", child(header, ns::M3, "Subject"));
        let support = child(header, ns::M3, "Supportinfo")?;
        put(&mut facts, "support.text", child(support, ns::M3, "Text"));
        put_trimmed(&mut facts, "support.url", child(support, ns::M3, "URL"));
        put(&mut facts, "support.phone", child(support, ns::M3, "PhoneNumber"));
        put(&mut facts, "support.email", child(support, ns::M3, "EmailAdress"));
        for pair in children(header, ns::M3, "Metadata") {
            put(&mut facts, "tag", child(pair, ns::M1, "Tag"));
            put(&mut facts, "value", child(pair, ns::M1, "Value"));
        }
        put_trimmed(&mut facts, "language", child(header, ns::M3, "Language"));
        put(&mut facts, "reply", child(header, ns::M3, "Reply"));
        put(&mut facts, "receipt", child(header, ns::M3, "ReceiptRequest"));
        for (place, part) in message.elements().skip(1).enumerate() {
            let name = if place == 0 { "Body" } else { "Attachment" };
            if part.local != name || part.ns != ns::M3 {
                return None;
            }
            put(&mut facts, "part.type", child(part, ns::M1, "ContentType"));
            let body = child(part, ns::M1, "Body")?;
            facts.push(("part.octets", decoded(&body.text())?));
            put(&mut facts, "part.checksum", child(part, ns::M1, "Checksum"));
            put(&mut facts, "part.name", child(part, ns::M1, "Filename"));
        }
    }
    Some(facts)
}

/// What the seal says: the day, and that the signatures were right.
pub fn sealed(seal: &Element) -> Option<(String, String)> {
    let text = |name| Some(trimmed(&child(seal, ns::M1, name)?.text()).to_owned());
    let day = text("ReceivedTime")?;
    Some((day.get(..10)?.to_owned(), text("SignaturesOK")?))
}

/// Reads the facts of a delivery that the product parsed, its octets out of the request's bytes.
pub fn parsed(delivery: &SealedDelivery<'_>, payload: &[u8]) -> Facts {
    let mut facts = Facts::new();
    let mut say = |label, text: Option<Text<'_>>| {
        facts.extend(text.map(|text| (label, text.as_str().as_bytes().to_vec())));
    };
    let header = &delivery.header;
    say("sender.name", Some(header.sender.name));
    say("sender.attention", header.sender.attention);
    let ids = |id: &str| id.as_bytes().to_vec();
    facts.insert(0, ("sender.id", ids(header.sender.id.as_str())));
    for recipient in &header.recipients {
        facts.push(("recipient", ids(recipient.as_str())));
    }
    let mut say = |label, text: Option<Text<'_>>| {
        facts.extend(text.map(|text| (label, text.as_str().as_bytes().to_vec())));
    };
    say("reference", header.reference);
    say("correlation", header.correlation_id);
    say("attention", header.attention);
    for message in &delivery.messages {
        let header = &message.header;
        let mut say = |label, text: Option<Text<'_>>| {
            facts.extend(text.map(|text| (label, text.as_str().as_bytes().to_vec())));
        };
        say("id", Some(header.id));
        say("subject", Some(header.subject));
        say("support.text", Some(header.support.text));
        say("support.url", header.support.url);
        say("support.phone", header.support.phone);
        say("support.email", header.support.email);
        for pair in &header.metadata {
            say("tag", Some(pair.tag));
            say("value", Some(pair.value));
        }
        say("language", Some(header.language));
        let reply = header.reply.map(|reply| match reply {
            Reply::Requested => "REQUESTED",
            Reply::Accepted => "ACCEPTED",
            Reply::NotAllowed => "NOT_ALLOWED",
        });
        facts.extend(reply.map(|text| ("reply", text.as_bytes().to_vec())));
        let receipt = header.receipt.map(|receipt| match receipt {
            ReceiptRequest::Not => "NOT",
            ReceiptRequest::Simple => "SIMPLE",
            ReceiptRequest::Signed => "SIGNED",
        });
        facts.extend(receipt.map(|text| ("receipt", text.as_bytes().to_vec())));
        for part in std::iter::once(&message.body).chain(&message.attachments) {
            part_facts(&mut facts, part, payload);
        }
    }
    facts
}

fn part_facts(facts: &mut Facts, part: &Part<'_>, payload: &[u8]) {
    let text = |text: Text<'_>| text.as_str().as_bytes().to_vec();
    facts.push(("part.type", text(part.content_type)));
    let mut octets = Vec::new();
    let read = part.octets.each(payload, |piece| octets.extend_from_slice(piece));
    read.expect("what was parsed is read again");
    facts.push(("part.octets", octets));
    facts.extend(part.checksum.map(|sum| ("part.checksum", text(sum))));
    facts.extend(part.file_name.map(|name| ("part.name", text(name))));
}

/// What of the facts is stored for each message, as it is stored: media types without parameters,
/// file names cleaned for display.
pub fn stored(facts: &Facts) -> Facts {
    let kept = ["id", "subject", "support.text", "support.url", "support.phone", "support.email"];
    let mut stored = Facts::new();
    for (label, value) in facts {
        let text = String::from_utf8_lossy(value);
        match *label {
            "language" | "part.octets" => stored.push((label, value.clone())),
            "part.type" => {
                let kind = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                stored.push((label, kind.into_bytes()));
            }
            "part.name" => {
                let name = mbxd::delivery::fuzzing::file_name(&text);
                stored.push((label, name.into_bytes()));
            }
            _ if kept.contains(label) => stored.push((label, value.clone())),
            _ => {}
        }
    }
    stored
}

/// Facts in a line, for whoever reads a finding.
pub fn told(facts: &Facts) -> String {
    let one = |(label, value): &(&str, Vec<u8>)| {
        let text = String::from_utf8_lossy(value);
        format!("{label}={:?}", text.chars().take(60).collect::<String>())
    };
    facts.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn children<'e>(
    element: &'e Element,
    uri: &'static str,
    local: &'static str,
) -> impl Iterator<Item = &'e Element> {
    element.elements().filter(move |child| child.ns == uri && child.local == local)
}

fn child<'e>(element: &'e Element, uri: &'static str, local: &'static str) -> Option<&'e Element> {
    children(element, uri, local).next()
}

fn put(facts: &mut Facts, label: &'static str, element: Option<&Element>) {
    facts.extend(element.map(|element| (label, element.text().into_bytes())));
}

fn put_trimmed(facts: &mut Facts, label: &'static str, element: Option<&Element>) {
    let trim = |element: &Element| trimmed(&element.text()).as_bytes().to_vec();
    facts.extend(element.map(|element| (label, trim(element))));
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')).collect();
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(false);
    GeneralPurpose::new(&STANDARD, config).decode(text).ok()
}
