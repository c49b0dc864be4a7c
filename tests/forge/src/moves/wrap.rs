//! Signature wrapping: a part hidden somewhere, forged or left out in its place.

use super::surgery::forge;
use super::{Act, Move, OnLevel, Stage};
use crate::scene::Scene;
use crate::sign::Level;
use crate::tree::{Element, Node, ns};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

/// Which part is hidden.
const PARTS: [&str; 8] = [
    "sealed delivery",
    "signed delivery",
    "delivery",
    "message",
    "seal",
    "inner signature",
    "outer signature",
    "wrapper",
];

/// Where something can be hidden: the way to an element, and whether before its children.
const PLACES: [&[&str]; 20] = [
    &["Envelope"],
    &["Envelope", "Header"],
    &["Envelope", "Header", "entry"],
    &["Envelope", "Body"],
    &["Envelope", "Body", "deliverSecure"],
    &["Envelope", "Body", "deliverSecure", "deliverSecure"],
    &["Envelope", "Body", "deliverSecure", "deliverSecure", "Seal"],
    &["Envelope", "Body", "deliverSecure", "deliverSecure", "SignedDelivery"],
    &["Envelope", "Body", "deliverSecure", "deliverSecure", "SignedDelivery", "Delivery"],
    &[
        "Envelope",
        "Body",
        "deliverSecure",
        "deliverSecure",
        "SignedDelivery",
        "Delivery",
        "Message",
    ],
    &[
        "Envelope",
        "Body",
        "deliverSecure",
        "deliverSecure",
        "SignedDelivery",
        "Delivery",
        "Message",
        "Header",
        "OfficialMatter",
    ],
    &["Envelope", "Body", "deliverSecure", "deliverSecure", "SignedDelivery", "Signature"],
    &[
        "Envelope",
        "Body",
        "deliverSecure",
        "deliverSecure",
        "SignedDelivery",
        "Signature",
        "Object",
    ],
    &[
        "Envelope",
        "Body",
        "deliverSecure",
        "deliverSecure",
        "SignedDelivery",
        "Signature",
        "KeyInfo",
    ],
    &[
        "Envelope",
        "Body",
        "deliverSecure",
        "deliverSecure",
        "SignedDelivery",
        "Signature",
        "SignedInfo",
    ],
    &["Envelope", "Body", "deliverSecure", "deliverSecure", "Signature"],
    &["Envelope", "Body", "deliverSecure", "deliverSecure", "Signature", "Object"],
    &["Envelope", "Body", "deliverSecure", "deliverSecure", "Signature", "KeyInfo", "X509Data"],
    &["Envelope", "Body", "deliverSecure", "deliverSecure", "Signature", "SignedInfo", "Reference"],
    &["Envelope", "trailer"],
];

pub(super) fn moves() -> Vec<Move> {
    let forms: [(&'static str, OnLevel); 6] = [
        ("wrapped, a forged one in its place", |scene, _| wrap(scene, true, true, false)),
        ("wrapped, nothing in its place", |scene, _| wrap(scene, false, true, false)),
        ("a forged copy hidden", |scene, _| wrap(scene, false, false, true)),
        ("a true copy hidden", |scene, _| wrap(scene, false, false, false)),
        ("wrapped by Id, a forged one in its place", by_id),
        ("a matter with the signed delivery in a forged one", |scene, _| in_matter(scene)),
    ];
    let levels = [Level::Sender, Level::Seal];
    let every = forms.iter().flat_map(|form| levels.map(|level| (form, level)));
    let move_of = |((name, act), level): (&(&'static str, OnLevel), Level)| Move {
        name,
        stage: Stage::Whole,
        keeps: false,
        act: Act::On(level, *act),
    };
    every.map(move_of).collect()
}

/// The way to a part.
fn way(part: &str) -> &'static [&'static str] {
    let signed = PLACES[7];
    match part {
        "sealed delivery" => PLACES[5],
        "signed delivery" => signed,
        "delivery" => PLACES[8],
        "message" => PLACES[9],
        "seal" => PLACES[6],
        "inner signature" => PLACES[11],
        "outer signature" => PLACES[15],
        _ => PLACES[4],
    }
}

/// Goes a way; makes what is missing on it.
fn go<'e>(root: &'e mut Element, way: &[&str]) -> &'e mut Element {
    let Some((next, rest)) = way.split_first() else { return root };
    if root.own(next).is_none() {
        let uri = match *next {
            "Header" | "Body" => ns::SOAP,
            "Object" | "KeyInfo" | "SignedInfo" | "Signature" | "X509Data" | "Reference" => ns::DS,
            "OfficialMatter" => ns::M3,
            _ => "urn:w",
        };
        let place = if *next == "Header" { 0 } else { root.children.len() };
        root.children.insert(place, Node::Element(Element::new(uri, next)));
    }
    let next = root.own_mut(next).expect("it was just put there");
    go(next, rest)
}

fn wrap(scene: &mut Scene<'_>, forged: bool, moved: bool, copy_forged: bool) {
    let part = *PARTS.choose(&mut scene.rng).unwrap_or(&PARTS[0]);
    let target = way(part);
    let place = *PLACES.choose(&mut scene.rng).unwrap_or(&PLACES[0]);
    let (into, first) = (scene.rng.random_bool(0.4), scene.rng.random_bool(0.5));
    let original = go(&mut scene.whole, &target[1..]);
    let mut hidden = original.clone();
    if forged {
        forge(original);
        if scene.rng.random_bool(0.5) {
            drop(original.take("Signature"));
        }
    } else if moved {
        let name = original.local.clone();
        drop(go(&mut scene.whole, &target[1..target.len() - 1]).take(&name));
    }
    if copy_forged {
        forge(&mut hidden);
    }
    if into {
        hidden = Element::new("urn:w", "w").child(hidden);
    }
    let at = go(&mut scene.whole, &place[1..]);
    let position = if first { 0 } else { at.children.len() };
    at.children.insert(position, Node::Element(hidden));
}

/// A signature whose reference finds its element by `Id`, hidden with the element, while a forged
/// one without `Id`, or with the same, stands in its place.
fn by_id(scene: &mut Scene<'_>, level: Level) {
    scene.spec_mut(level).by_id = true;
    scene.sign(level);
    if level == Level::Sender {
        scene.sign(Level::Seal);
    }
    let place = *PLACES.choose(&mut scene.rng).unwrap_or(&PLACES[0]);
    let names = ["Id", "ID", "id", "iD", "xml:id"];
    let (kept, name) = (scene.rng.random_bool(0.3), *names.choose(&mut scene.rng).unwrap_or(&"Id"));
    let (into, first) = (scene.rng.random_bool(0.5), scene.rng.random_bool(0.5));
    let own_signature = scene.rng.random_bool(0.6);
    let Some(element) = scene.level_mut(level) else { return };
    let mut hidden = element.clone();
    if own_signature {
        drop(hidden.take("Signature"));
    }
    forge(element);
    let id = element.get("Id").unwrap_or_default().to_owned();
    if !kept {
        element.attributes.retain(|attribute| attribute.local != "Id");
    }
    hidden.attributes.retain(|attribute| attribute.local != "Id");
    match name.split_once(':') {
        Some((prefix, local)) => hidden.attribute(prefix, ns::XML, local, &id),
        None => hidden.set(name, &id),
    }
    if into {
        hidden = Element::new("urn:w", "w").child(hidden);
    }
    let at = go(&mut scene.whole, &place[1..]);
    let position = if first { 0 } else { at.children.len() };
    at.children.insert(position, Node::Element(hidden));
}

/// A forged delivery that holds the true one in its `OfficialMatter`, its signature outside.
fn in_matter(scene: &mut Scene<'_>) {
    let alone = scene.rng.random_bool(0.5);
    let Some(element) = scene.level_mut(Level::Sender) else { return };
    let mut hidden = element.clone();
    forge(element);
    let Some(header) = element.find_mut("Message").and_then(|m| m.own_mut("Header")) else {
        return;
    };
    if header.own("OfficialMatter").is_none() {
        let is_support = |n: &Node| matches!(n, Node::Element(e) if e.local == "Supportinfo");
        let place = header.children.iter().position(is_support).map_or(0, |place| place + 1);
        let matter = Element::new(ns::M3, "OfficialMatter");
        header.children.insert(place, Node::Element(matter));
    }
    let matter = header.own_mut("OfficialMatter").expect("it stands there");
    if alone {
        drop(hidden.take("Signature"));
    }
    matter.children = vec![Node::Element(hidden)];
}
