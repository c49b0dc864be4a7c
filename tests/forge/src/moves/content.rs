//! What is said, changed before it is signed: odd, but signed as it stands.

use super::{Move, Stage, breaks, keeps};
use crate::base;
use crate::scene::Scene;
use crate::tree::{Element, Node, ns};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

pub(super) fn moves() -> Vec<Move> {
    use Stage::Content;
    vec![
        keeps("a claimed type", Content, |scene| {
            any(scene, |element| {
                if !element.attributes.iter().any(|a| a.local == "type") {
                    element.attribute("xsi", ns::XSI, "type", "m3:Other");
                }
            });
        }),
        keeps("white space between elements", Content, |scene| {
            let gap = *["\n", "\n  ", " ", "\t", "\r\n"].choose(&mut scene.rng).unwrap_or(&"\n");
            for root in [&mut scene.signed, &mut scene.seal] {
                root.each(&mut |element| indent(element, gap));
            }
        }),
        keeps("an official matter that looks like a delivery", Content, |scene| {
            let copy = scene.signed.clone();
            set_matter(scene, copy);
        }),
        keeps("an official matter in all namespaces", Content, |scene| {
            let foreign = base::foreign(&mut scene.rng, 6);
            set_matter(scene, foreign);
        }),
        keeps("an official matter with xml attributes", Content, |scene| {
            let mut foreign = base::foreign(&mut scene.rng, 2);
            for (local, value) in [("lang", "sv"), ("space", "preserve"), ("base", "urn:b")] {
                foreign.attributes.retain(|a| a.ns != ns::XML || a.local != local);
                foreign.attribute("xml", ns::XML, local, value);
            }
            set_matter(scene, foreign);
        }),
        keeps("an empty official matter", Content, |scene| {
            set_matter(scene, Element::new("", "e"));
            say(scene, "OfficialMatter", Vec::new());
        }),
        keeps("another form of the seal's day", Content, |scene| {
            let forms =
                ["2026-11-24", "2026-11-24Z", " 2026-11-24-14:00\n", "2026-11-24T10:00:00.5+01:00"];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"2026-11-24");
            set_seal(scene, 0, form);
        }),
        keeps("another form of the seal's yes", Content, |scene| {
            let form =
                *["1", " true ", "\ttrue", "true\r\n"].choose(&mut scene.rng).unwrap_or(&"1");
            set_seal(scene, 1, form);
        }),
        keeps("a long subject", Content, |scene| {
            let subject = "\u{1d11e}".repeat(255);
            say(scene, "Subject", vec![text(&subject)]);
        }),
        keeps("a text in pieces", Content, |scene| {
            let subject =
                vec![text("ett"), text(" och\n"), text("tv\u{e5}\r"), text("]]"), text(">")];
            say(scene, "Subject", subject);
        }),
        breaks("a seal that says no", Content, |scene| {
            let form = *["false", "0", "", "True", "yes"].choose(&mut scene.rng).unwrap_or(&"0");
            set_seal(scene, 1, form);
        }),
        breaks("a comment within a text", Content, |scene| {
            any(scene, |element| element.children.push(Node::Comment(" c ".to_owned())));
        }),
        breaks("a comment that splits an identifier", Content, |scene| {
            let split = vec![text("198101"), Node::Comment(String::new()), text("032384")];
            say(scene, "Recipient", split);
        }),
        breaks("a processing instruction", Content, |scene| {
            any(scene, |element| {
                element.children.insert(0, Node::Instruction("x".to_owned(), "y".to_owned()));
            });
        }),
        breaks("an attribute that nobody knows", Content, |scene| {
            any(scene, |element| element.set("hidden", "1"));
        }),
        breaks("an xml attribute", Content, |scene| {
            let local = *["lang", "space", "id", "base"].choose(&mut scene.rng).unwrap_or(&"id");
            any(scene, |element| element.attribute("xml", ns::XML, local, "_inner"));
        }),
        breaks("an Id on another element", Content, |scene| {
            let local = *["Id", "ID", "id", "iD"].choose(&mut scene.rng).unwrap_or(&"Id");
            scene.inner.by_id = true;
            any(scene, |element| element.set(local, "_inner"));
        }),
        breaks("an element doubled", Content, |scene| {
            with_parent(scene, |parent, place| {
                parent.children.insert(place, parent.children[place].clone());
            });
        }),
        breaks("an element left out", Content, |scene| {
            with_parent(scene, |parent, place| drop(parent.children.remove(place)));
        }),
        breaks("two elements exchanged", Content, |scene| {
            with_parent(scene, |parent, place| {
                let other = (place + 1) % parent.children.len();
                parent.children.swap(place, other);
            });
        }),
        breaks("an element under another name", Content, |scene| {
            any(scene, |element| element.local.push('\u{e5}'));
        }),
        breaks("an element in another namespace", Content, |scene| {
            let other = [
                ns::M1,
                ns::M2,
                ns::M3,
                "",
                "urn:x",
                "http://minameddelanden.gov.se/schema/message",
            ];
            let other = (*other.choose(&mut scene.rng).unwrap_or(&"")).to_owned();
            any(scene, |element| element.ns = other);
        }),
        breaks("an element of a very long name", Content, |scene| {
            any(scene, |element| {
                element.children.push(Node::Element(Element::new("urn:x", &"x".repeat(3000))));
            });
        }),
        breaks("text between elements", Content, |scene| {
            with_parent(scene, |parent, place| parent.children.insert(place, text("x")));
        }),
        breaks("base64 with odd padding", Content, |scene| {
            let forms =
                ["QQ", "QQ=", "QR==", "QQ===", "Q Q = =", "QQ==QQ==", "=", "QQ-_", "QQ==\u{a0}"];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"QQ");
            let body = scene.signed.find_mut("Message").and_then(|message| message.own_mut("Body"));
            if let Some(body) = body.and_then(|body| body.own_mut("Body")) {
                body.children = vec![text(form)];
            }
        }),
        breaks("a number of other digits", Content, |scene| {
            let forms = [
                "\u{661}98101032384",
                "19810103238",
                " 198101032384",
                "198101032384 ",
                "198113032384",
            ];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"");
            say(scene, "Recipient", vec![text(form)]);
        }),
        breaks("a text over its length", Content, |scene| {
            let subject = "x".repeat(256);
            say(scene, "Subject", vec![text(&subject)]);
        }),
        breaks("a file name with a path", Content, |scene| {
            let name = "../../\u{202e}a\r\nb.pdf\u{0}".replace('\0', "");
            say(scene, "Filename", vec![text(&name)]);
        }),
    ]
}

/// Says something in the seal, unless an earlier move took its place out.
fn set_seal(scene: &mut Scene<'_>, place: usize, said: &str) {
    if let Some(element) = scene.seal.elements_mut().nth(place) {
        element.children = vec![text(said)];
    }
}

/// Says something in the first element of a name, unless an earlier move took it out.
fn say(scene: &mut Scene<'_>, local: &str, said: Vec<Node>) {
    if let Some(element) = scene.signed.find_mut(local) {
        element.children = said;
    }
}

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

/// Does something to any element of the delivery or the seal.
pub(super) fn any(scene: &mut Scene<'_>, act: impl FnOnce(&mut Element)) {
    let root = if scene.rng.random_bool(0.9) { &mut scene.signed } else { &mut scene.seal };
    let number = scene.rng.random_range(0..root.count());
    act(root.nth_mut(number).expect("it was counted"));
}

/// Does something to a child element of any element that has one.
fn with_parent(scene: &mut Scene<'_>, act: impl FnOnce(&mut Element, usize)) {
    let root = if scene.rng.random_bool(0.9) { &mut scene.signed } else { &mut scene.seal };
    for _ in 0..50 {
        let number = scene.rng.random_range(0..root.count());
        let parent = root.nth_mut(number).expect("it was counted");
        let places: Vec<usize> = (0..parent.children.len())
            .filter(|place| matches!(parent.children[*place], Node::Element(_)))
            .collect();
        if let Some(place) = places.choose(&mut scene.rng) {
            return act(parent, *place);
        }
    }
}

/// White space around the children of an element that has no text.
fn indent(element: &mut Element, gap: &str) {
    let only_elements = element.children.iter().all(|node| matches!(node, Node::Element(_)));
    if only_elements && !element.children.is_empty() {
        let children = std::mem::take(&mut element.children);
        element.children.push(text(gap));
        for child in children {
            element.children.push(child);
            element.children.push(text(gap));
        }
    }
}

/// Puts an `OfficialMatter` into the first message.
pub(super) fn set_matter(scene: &mut Scene<'_>, content: Element) {
    let matter = Element::new(ns::M3, "OfficialMatter").child(content);
    let header = scene.signed.find_mut("Message").and_then(|message| message.own_mut("Header"));
    let Some(header) = header else { return };
    drop(header.take("OfficialMatter"));
    let is_support =
        |node: &Node| matches!(node, Node::Element(child) if child.local == "Supportinfo");
    let place = header.children.iter().position(is_support).map_or(0, |place| place + 1);
    header.children.insert(place, Node::Element(matter));
}
