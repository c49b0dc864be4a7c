//! Elements altered, doubled, moved, renamed and signed anew, before the seal or behind it.

use super::{Move, Stage, breaks};
use crate::scene::Scene;
use crate::sign::{Level, Spec};
use crate::tree::{Element, Node, ns};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

pub(super) fn moves() -> Vec<Move> {
    let mut moves = Vec::new();
    // Before the seal it is the dispatcher who does it, behind it anybody.
    for stage in [Stage::Between, Stage::Whole] {
        moves.extend([
            breaks("another text under the sender's signature", stage, |scene| {
                with(scene, Level::Sender, |_, signed| forge(signed));
            }),
            breaks("another recipient under the sender's signature", stage, |scene| {
                with(scene, Level::Sender, |_, signed| {
                    if let Some(recipient) = signed.find_mut("Recipient") {
                        recipient.children = vec![Node::Text("191212121212".to_owned())];
                    }
                });
            }),
            breaks("an element of the signed delivery doubled", stage, |scene| {
                with(scene, Level::Sender, double);
            }),
            breaks("an element of the signed delivery renamed", stage, |scene| {
                with(scene, Level::Sender, |scene, signed| {
                    nth(scene, signed).local.push('2');
                });
            }),
            breaks("an element of the signed delivery in another namespace", stage, |scene| {
                with(scene, Level::Sender, |scene, signed| {
                    let other = ["", "urn:x", ns::M1, ns::M2, ns::M3, ns::DS];
                    let other = (*other.choose(&mut scene.rng).unwrap_or(&"")).to_owned();
                    nth(scene, signed).ns = other;
                });
            }),
            breaks("an element of the signed delivery put elsewhere", stage, |scene| {
                with(scene, Level::Sender, move_about);
            }),
            breaks("the sender's signature left out", stage, |scene| {
                with(scene, Level::Sender, |_, signed| drop(signed.take("Signature")));
            }),
            breaks("the sender's signature doubled", stage, |scene| {
                with(scene, Level::Sender, |_, signed| {
                    let signature = signed.own("Signature").cloned();
                    signed.children.extend(signature.map(Node::Element));
                });
            }),
            breaks("the sender's signature before the delivery", stage, |scene| {
                with(scene, Level::Sender, |_, signed| {
                    let signature = signed.take("Signature").map(Node::Element);
                    signed.children.splice(..0, signature);
                });
            }),
            breaks("the sender's signature of another delivery", stage, |scene| {
                with(scene, Level::Sender, |scene, signed| {
                    let mut other = signed.clone();
                    forge(&mut other);
                    let (spec, keys) = (scene.inner.clone(), scene.keys);
                    let record =
                        crate::sign::sign(&mut other, Level::Sender, &spec, keys, &mut scene.rng);
                    scene.ledger.push(record);
                    drop(signed.take("Signature"));
                    signed.children.extend(other.take("Signature").map(Node::Element));
                });
            }),
            breaks("white space added to what is signed", stage, |scene| {
                with(scene, Level::Sender, |scene, signed| {
                    let gap = *[" ", "\n", "\r"].choose(&mut scene.rng).unwrap_or(&" ");
                    nth(scene, signed).children.insert(0, Node::Text(gap.to_owned()));
                });
            }),
            breaks("an attribute added to what is signed", stage, |scene| {
                with(scene, Level::Sender, |scene, signed| {
                    let names =
                        [("", "", "Id"), ("xsi", ns::XSI, "type"), ("xml", ns::XML, "lang")];
                    let (prefix, uri, local) = *names.choose(&mut scene.rng).unwrap_or(&names[0]);
                    let element = nth(scene, signed);
                    element.attributes.retain(|a| a.local != local);
                    element.attribute(prefix, uri, local, "_x");
                });
            }),
            breaks("a comment added to what is signed", stage, |scene| {
                with(scene, Level::Sender, |scene, signed| {
                    nth(scene, signed).children.push(Node::Comment("x".to_owned()));
                });
            }),
            breaks("forged and signed anew by the attacker", stage, |scene| {
                with(scene, Level::Sender, |_, signed| forge(signed));
                sign_as_attacker(scene, Level::Sender, &[]);
            }),
            breaks(
                "forged and signed by the attacker under the sender's certificate",
                stage,
                |scene| {
                    with(scene, Level::Sender, |_, signed| forge(signed));
                    let own = scene.keys.get(scene.inner.key).certificate.clone();
                    sign_as_attacker(scene, Level::Sender, &[Some(own), None]);
                },
            ),
            breaks(
                "forged and signed by the attacker, the sender's certificate behind",
                stage,
                |scene| {
                    with(scene, Level::Sender, |_, signed| forge(signed));
                    let own = scene.keys.get(scene.inner.key).certificate.clone();
                    sign_as_attacker(scene, Level::Sender, &[None, Some(own)]);
                },
            ),
        ]);
    }
    moves.extend([
        breaks("another seal under the dispatcher's signature", Stage::Whole, |scene| {
            with(scene, Level::Seal, |_, sealed| {
                if let Some(day) = sealed.find_mut("ReceivedTime") {
                    day.children = vec![Node::Text("2026-11-25".to_owned())];
                }
            });
        }),
        breaks("an element of the sealed delivery doubled", Stage::Whole, |scene| {
            with(scene, Level::Seal, double);
        }),
        breaks("an element of the request put elsewhere", Stage::Whole, |scene| {
            let mut whole = std::mem::take(&mut scene.whole);
            move_about(scene, &mut whole);
            scene.whole = whole;
        }),
        breaks("an element of the request doubled", Stage::Whole, |scene| {
            let mut whole = std::mem::take(&mut scene.whole);
            double(scene, &mut whole);
            scene.whole = whole;
        }),
        breaks("an element of the request renamed", Stage::Whole, |scene| {
            let mut whole = std::mem::take(&mut scene.whole);
            nth(scene, &mut whole).local.push('_');
            scene.whole = whole;
        }),
        breaks("the two signatures exchanged", Stage::Whole, |scene| {
            with(scene, Level::Seal, |_, sealed| {
                let outer = sealed.take("Signature").map(Node::Element);
                let Some(signed) = sealed.own_mut("SignedDelivery") else { return };
                let inner = signed.take("Signature").map(Node::Element);
                signed.children.extend(outer);
                sealed.children.extend(inner);
            });
        }),
        breaks("one signature on both levels", Stage::Whole, |scene| {
            with(scene, Level::Seal, |_, sealed| {
                let inner = sealed.own("SignedDelivery").and_then(|signed| signed.own("Signature"));
                let inner = inner.cloned().map(Node::Element);
                drop(sealed.take("Signature"));
                sealed.children.extend(inner);
            });
        }),
        breaks("sealed anew by the attacker", Stage::Whole, |scene| {
            sign_as_attacker(scene, Level::Seal, &[]);
        }),
        breaks("forged, signed and sealed anew by the attacker", Stage::Whole, |scene| {
            with(scene, Level::Sender, |_, signed| forge(signed));
            sign_as_attacker(scene, Level::Sender, &[]);
            sign_as_attacker(scene, Level::Seal, &[]);
        }),
        breaks(
            "sealed by the attacker under the dispatcher's certificate",
            Stage::Whole,
            |scene| {
                let own = scene.keys.get(scene.outer.key).certificate.clone();
                sign_as_attacker(scene, Level::Seal, &[Some(own), None]);
            },
        ),
        breaks("sealed by the sender alone", Stage::Whole, |scene| {
            let spec = Spec { key: scene.inner.key, ..scene.outer.clone() };
            scene.sign_by(Level::Seal, &spec);
        }),
    ]);
    moves
}

/// Does something to the signed element of a level, where it stands still.
pub(super) fn with(
    scene: &mut Scene<'_>,
    level: Level,
    act: impl FnOnce(&mut Scene<'_>, &mut Element),
) {
    let Some(place) = scene.level_mut(level) else { return };
    let mut element = std::mem::take(place);
    act(scene, &mut element);
    let root = if scene.whole.local.is_empty() { &mut scene.signed } else { &mut scene.whole };
    // What was taken out left an element without a name behind.
    if let Some(place) = root.find_mut("") {
        *place = element;
    }
}

/// The same element with another meaning.
pub(super) fn forge(element: &mut Element) {
    element.each(&mut |element| {
        if matches!(element.local.as_str(), "Subject" | "Name" | "Text") {
            element.children = vec![Node::Text("Falskt".to_owned())];
        }
    });
}

fn nth<'e>(scene: &mut Scene<'_>, root: &'e mut Element) -> &'e mut Element {
    let number = scene.rng.random_range(0..root.count());
    root.nth_mut(number).expect("it was counted")
}

fn double(scene: &mut Scene<'_>, root: &mut Element) {
    let parent = nth(scene, root);
    let Some(child) = parent.children.choose(&mut scene.rng).cloned() else { return };
    let place = scene.rng.random_range(0..=parent.children.len());
    parent.children.insert(place, child);
}

/// Takes an element out and puts it under another.
fn move_about(scene: &mut Scene<'_>, root: &mut Element) {
    let parent = nth(scene, root);
    if parent.children.is_empty() {
        return;
    }
    let place = scene.rng.random_range(0..parent.children.len());
    let child = parent.children.remove(place);
    let parent = nth(scene, root);
    let place = scene.rng.random_range(0..=parent.children.len());
    parent.children.insert(place, child);
}

fn sign_as_attacker(scene: &mut Scene<'_>, level: Level, certificates: &[Option<Vec<u8>>]) {
    let mut spec = scene.spec_mut(level).clone();
    spec.key = scene.attacker;
    spec.certificates = certificates.to_vec();
    scene.sign_by(level, &spec);
}
