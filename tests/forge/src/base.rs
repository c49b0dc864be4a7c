//! Valid deliveries: what a sender wants to say, before anybody signs.

use crate::sign::folded;
use crate::tree::{Element, ns};
use md5::{Digest as _, Md5};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// Who a delivery is from and for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parties {
    /// `Sender/Id`.
    pub sender: String,
    /// `Recipient`.
    pub recipient: String,
}

impl Default for Parties {
    fn default() -> Self {
        Self { sender: "162021004748".to_owned(), recipient: "198101032384".to_owned() }
    }
}

/// Pieces of texts: whatever XML 1.0 can carry and somebody might read otherwise.
const PIECES: [&str; 44] = [
    "Beslut",
    "a",
    "b",
    " ",
    "  ",
    "\u{e5}\u{e4}\u{f6}",
    "\u{20ac}",
    "\u{1d11e}",
    "e\u{301}",
    "\u{e9}",
    "\u{feff}",
    "\u{a0}",
    "\u{85}",
    "\u{2028}",
    "\u{200b}",
    "\u{202e}",
    "\u{7f}",
    "\u{fdd0}",
    "\u{fffd}",
    "\u{1fffe}",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "&",
    "<",
    ">",
    "\"",
    "'",
    "]]>",
    "]]",
    "&amp;",
    "&lt;b&gt;",
    "<!-- -->",
    "<?x?>",
    "<![CDATA[",
    "#",
    "0",
    "=",
    "{",
    "\u{0}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{10ffff}",
];

/// A text of some pieces.
pub fn text(rng: &mut ChaCha8Rng, pieces: usize) -> String {
    let count = rng.random_range(0..=pieces);
    let one = |rng: &mut ChaCha8Rng| PIECES.choose(rng).copied().unwrap_or_default();
    let text: String = (0..count).map(|_| one(rng)).collect();
    text.replace('\0', "Hej")
}

fn octets(rng: &mut ChaCha8Rng, max: usize) -> Vec<u8> {
    let len = if rng.random_bool(0.1) { 0 } else { rng.random_range(0..max) };
    (0..len).map(|_| rng.random()).collect()
}

/// Base64 as senders write it: in one line, in lines, or with blanks around.
pub fn base64(rng: &mut ChaCha8Rng, octets: &[u8]) -> String {
    let text = folded(octets, *[0, 0, 64, 76, 4].choose(rng).unwrap_or(&0));
    match rng.random_range(0..8) {
        0 => text.replace('\n', "\r\n"),
        1 => format!("\n  {}\t", text.replace('\n', "\n  ")),
        _ => text,
    }
}

/// `SignedDelivery` with a sound `Delivery`, unsigned.
pub fn delivery(rng: &mut ChaCha8Rng, parties: &Parties) -> Element {
    let sender = Element::new(ns::M2, "Sender")
        .child(Element::of(ns::SENDER, "Id", &parties.sender))
        .child(Element::of(ns::SENDER, "Name", &format!("Kommun {}", text(rng, 4))))
        .maybe(some(rng, 0.1, |rng| Element::of(ns::SENDER, "Attention", &text(rng, 3))));
    let mut header = Element::new(ns::M3, "Header").child(sender).child(Element::of(
        ns::M2,
        "Recipient",
        &parties.recipient,
    ));
    for name in ["Reference", "CorrelationId", "Attention"] {
        header = header.maybe(some(rng, 0.2, |rng| Element::of(ns::M2, name, &text(rng, 3))));
    }
    let mut delivery = Element::new(ns::M3, "Delivery").child(header);
    for _ in 0..*[1, 1, 1, 2].choose(rng).unwrap_or(&1) {
        delivery = delivery.child(message(rng));
    }
    Element::new(ns::M3, "SignedDelivery").child(delivery)
}

fn some(
    rng: &mut ChaCha8Rng,
    odds: f64,
    make: impl FnOnce(&mut ChaCha8Rng) -> Element,
) -> Option<Element> {
    if rng.random_bool(odds) { Some(make(rng)) } else { None }
}

fn message(rng: &mut ChaCha8Rng) -> Element {
    let support = Element::new(ns::M3, "Supportinfo")
        .child(Element::of(ns::M3, "Text", &text(rng, 6)))
        .maybe(some(rng, 0.2, |_| Element::of(ns::M3, "URL", " https://example.se/?a=1&b=<2> ")))
        .maybe(some(rng, 0.2, |_| Element::of(ns::M3, "PhoneNumber", "+46 8 00 00 00")))
        .maybe(some(rng, 0.2, |_| Element::of(ns::M3, "EmailAdress", "a@example.se")));
    let mut header = Element::new(ns::M3, "Header")
        .child(Element::of(ns::M3, "Id", &format!("m-{}", rng.random::<u64>())))
        .child(Element::of(ns::M3, "Subject", &text(rng, 12)))
        .child(support)
        .maybe(some(rng, 0.3, matter));
    while rng.random_bool(0.2) {
        header = header.child(
            Element::new(ns::M3, "Metadata")
                .child(Element::of(ns::M1, "Tag", &text(rng, 2)))
                .child(Element::of(ns::M1, "Value", &text(rng, 3))),
        );
    }
    let header = header
        .child(Element::of(
            ns::M3,
            "Language",
            ["svSE", "sv", "en-GB"].choose(rng).unwrap_or(&"sv"),
        ))
        .maybe(some(rng, 0.1, |_| Element::of(ns::M3, "Reply", "ACCEPTED")))
        .maybe(some(rng, 0.1, |_| Element::of(ns::M3, "ReceiptRequest", "SIMPLE")));
    let written = text(rng, 20);
    let kind = *["text/plain", "text/html", "Text/Plain; charset=utf-8"].choose(rng).unwrap_or(&"");
    let body = Element::new(ns::M3, "Body")
        .child(Element::of(ns::M1, "ContentType", kind))
        .child(Element::of(ns::M1, "Body", &base64(rng, written.as_bytes())));
    let mut message = Element::new(ns::M3, "Message").child(header).child(body);
    while rng.random_bool(0.25) {
        let octets = octets(rng, 400);
        let sum: String = Md5::digest(&octets).iter().map(|byte| format!("{byte:02X}")).collect();
        message = message.child(
            Element::new(ns::M3, "Attachment")
                .child(Element::of(ns::M1, "ContentType", "application/pdf"))
                .child(Element::of(ns::M1, "Body", &base64(rng, &octets)))
                .child(Element::of(ns::M1, "Checksum", &sum))
                .child(Element::of(ns::M1, "Filename", &format!("{}.pdf", text(rng, 4)))),
        );
    }
    message
}

/// Characters that are used in names alone; XML 1.0 takes them there since its fifth edition.
pub const LATE_IN_NAMES: [char; 2] = ['\u{10000}', '\u{ff41}'];

/// An `OfficialMatter`: the one place where anything may stand.
pub fn matter(rng: &mut ChaCha8Rng) -> Element {
    Element::new(ns::M3, "OfficialMatter").child(foreign(rng, 3))
}

/// A tree in namespaces of nobody's, or of everybody's.
pub fn foreign(rng: &mut ChaCha8Rng, depth: usize) -> Element {
    const SPACES: [&str; 7] = ["", "urn:x", "urn:y?a=1&b=2", ns::M3, ns::M1, ns::XSI, "urn:\u{e5}"];
    const LOCALS: [&str; 6] = ["w", "Invoice", "Subject", "Body", "\u{e5}-1.2", "\u{10000}x"];
    let space = SPACES.choose(rng).unwrap_or(&"");
    let mut element = Element::new(space, LOCALS.choose(rng).unwrap_or(&"w"));
    for local in ["b", "a", "\u{10000}", "\u{ff41}", "URI"] {
        if rng.random_bool(0.15) {
            let value = text(rng, 3);
            element.set(local, &value);
        }
    }
    for (prefix, uri, local) in [
        ("xsi", ns::XSI, "type"),
        ("z", "urn:z", "a"),
        ("y", "urn:a", "z"),
        ("xml", ns::XML, "lang"),
    ] {
        if rng.random_bool(0.08) {
            element.attribute(prefix, uri, local, "sv:\u{e5} <&>\t");
        }
    }
    element.children.push(crate::tree::Node::Text(text(rng, 4)));
    while depth > 0 && rng.random_bool(0.4) {
        element = element.child(foreign(rng, depth - 1));
        element.children.push(crate::tree::Node::Text(text(rng, 2)));
    }
    element
}

/// `Seal`.
pub fn seal(says: &str) -> Element {
    Element::new(ns::M3, "Seal")
        .child(Element::of(ns::M1, "ReceivedTime", "2026-11-24+01:00"))
        .child(Element::of(ns::M1, "SignaturesOK", says))
}
