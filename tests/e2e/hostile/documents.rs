//! Sound deliveries to the victim, and ways to bend them.

use super::site::{Attack, Site};
use mbx_sim::delivery::{Delivery, Message, service_call};
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::pki::Credentials;
use mbx_sim::sign::Signer;
use mbx_sim::xml::{Element, Node, ns};
use mbx_tests::installation::AUTHORITY;
use std::ops::Range;

/// What the sound deliveries say, and what a forged one says instead.
pub(super) const SUBJECT: &str = "Beslut";
pub(super) const FORGED: &str = "Falskt";

/// A delivery to the victim, unsigned.
pub(super) fn letter(site: &Site) -> Delivery {
    Delivery {
        sender: AUTHORITY.to_owned(),
        sender_name: "Example Authority".to_owned(),
        recipient: site.victim.clone(),
        correlation: None,
        messages: vec![
            Message::text("letter", SUBJECT, "Dear holder").with_pdf("a.pdf", b"%PDF-1.7".to_vec()),
        ],
    }
}

/// A certificate with its key, as one of the authority's.
pub(super) fn signer(site: &Site, name: &str) -> Signer {
    Credentials::load(&site.installation.pki(), name).unwrap().signer().unwrap()
}

/// A sound call by the authority.
pub(super) fn sealed(site: &Site) -> Element {
    let authority = signer(site, "authority");
    letter(site).sealed(&authority, &authority).unwrap()
}

/// A call whose delivery was bent before anybody signed it.
pub(super) fn signed_over(site: &Site, bend: impl FnOnce(&mut Element)) -> Element {
    let authority = signer(site, "authority");
    let mut delivery = letter(site).tree();
    bend(&mut delivery);
    let signed = Element::new(ns::M3, "SignedDelivery").child(delivery);
    letter(site).seal(authority.envelop(signed).unwrap(), &authority, true).unwrap()
}

/// A call whose inner signature is a sound one over a bent `SignedInfo`.
pub(super) fn signed_by_bent(site: &Site, bend: impl FnOnce(&mut Element)) -> Element {
    let authority = signer(site, "authority");
    let signed = Element::new(ns::M3, "SignedDelivery").child(letter(site).tree());
    let signed = authority.envelop_bent(signed, bend).unwrap();
    letter(site).seal(signed, &authority, true).unwrap()
}

/// The same for the seal's signature.
pub(super) fn sealed_by_bent(site: &Site, bend: impl FnOnce(&mut Element)) -> Element {
    let authority = signer(site, "authority");
    let signed = Element::new(ns::M3, "SignedDelivery").child(letter(site).tree());
    let seal = Element::new(ns::M3, "Seal")
        .child(Element::of(ns::M1, "ReceivedTime", "2026-11-24+01:00"))
        .child(Element::of(ns::M1, "SignaturesOK", "true"));
    let sealed = Element::new(ns::M3, "SealedDelivery")
        .child(authority.envelop(signed).unwrap())
        .child(seal);
    service_call(authority.envelop_bent(sealed, bend).unwrap())
}

/// A sound call whose signatures name what they sign by `Id`: `d1` the delivery, `s1` the seal.
pub(super) fn sealed_by_id(site: &Site) -> Element {
    let authority = signer(site, "authority");
    let by_id = |element: Element, id: &str| {
        let element = element.attribute("Id", id);
        let bent = authority.envelop_bent(element, |info| {
            descend(info, &["Reference"]).attributes = vec![("URI", format!("#{id}"))];
        });
        bent.unwrap()
    };
    let signed = Element::new(ns::M3, "SignedDelivery").child(letter(site).tree());
    let seal = Element::new(ns::M3, "Seal")
        .child(Element::of(ns::M1, "ReceivedTime", "2026-11-24+01:00"))
        .child(Element::of(ns::M1, "SignaturesOK", "true"));
    let sealed = Element::new(ns::M3, "SealedDelivery").child(by_id(signed, "d1")).child(seal);
    service_call(by_id(sealed, "s1"))
}

/// One attack for each marshalling style, each by a client of its own.
pub(super) fn in_each_style(site: &Site, call: &Element) -> Vec<Attack> {
    Style::ALL.map(|style| Attack::new(site, envelope(call, style))).into()
}

/// A sound call bent as a tree, in each style.
pub(super) fn bent(site: &Site, bend: impl FnOnce(&mut Element)) -> Vec<Attack> {
    let mut call = sealed(site);
    bend(&mut call);
    in_each_style(site, &call)
}

/// A sound call bent as text.
pub(super) fn edited(site: &Site, edit: impl FnOnce(String) -> String) -> Vec<Attack> {
    one(site, edit(envelope(&sealed(site), Style::Default)))
}

/// A tree as it is.
pub(super) fn one_tree(site: &Site, call: &Element) -> Vec<Attack> {
    one(site, envelope(call, Style::Default))
}

/// A document as it is.
pub(super) fn one(site: &Site, document: impl Into<bytes::Bytes>) -> Vec<Attack> {
    vec![Attack::new(site, document)]
}

/// Replaces a text that must occur.
pub(super) fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} does not occur");
    text.replace(from, to)
}

/// The place of an element's text by its tags in a document of the default style: the first from
/// the left, or from the right.
pub(super) fn place(text: &str, open: &str, close: &str) -> Range<usize> {
    let start = text.find(open).unwrap();
    start..start + text[start..].find(close).unwrap() + close.len()
}

/// The sealed element of a call.
pub(super) fn seal(call: &mut Element) -> &mut Element {
    descend(call, &["deliverSecure"])
}

/// The signed element of a call.
pub(super) fn signed(call: &mut Element) -> &mut Element {
    descend(call, &["deliverSecure", "SignedDelivery"])
}

/// An element by the names on the way to it.
pub(super) fn descend<'e>(element: &'e mut Element, path: &[&str]) -> &'e mut Element {
    path.iter().fold(element, |element, name| element.find(name).unwrap())
}

/// Puts an element before the child of this place.
pub(super) fn insert(element: &mut Element, place: usize, child: Element) {
    element.children.insert(place, Node::Element(child));
}

/// Gives an element another text.
pub(super) fn write(element: &mut Element, text: impl Into<String>) {
    element.children = vec![Node::Text(text.into())];
}

/// The same element with another subject in it.
pub(super) fn forge(element: &Element) -> Element {
    let mut forged = element.clone();
    for node in &mut forged.children {
        match node {
            Node::Element(child) => *child = forge(child),
            Node::Text(text) if text == SUBJECT => FORGED.clone_into(text),
            Node::Text(_) => {}
        }
    }
    forged
}

/// The header of the delivery's message, where `OfficialMatter` may stand.
pub(super) fn with_official_matter(signed: &mut Element, inside: Element) {
    let header = descend(signed, &["Delivery", "Message", "Header"]);
    let language = header.take("Language").unwrap();
    *header =
        header.clone().child(Element::new(ns::M3, "OfficialMatter").child(inside)).child(language);
}
