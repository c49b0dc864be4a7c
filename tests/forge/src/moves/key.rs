//! Key information and signature values, bent after the signature was made.

use super::{Act, Move, OnLevel, both};
use crate::canonical::{Form, canonical};
use crate::scene::Scene;
use crate::sign::{Bend, folded};
use crate::tree::{Element, Node, ns};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

/// Names, whether the profile takes it, and the change. Each on both levels.
const BENDS: [(&str, bool, Bend); 30] = [
    ("white space within the signature", true, |_, signature| {
        for name in ["KeyInfo", "X509Data"] {
            let element = part(signature, name);
            element.children.insert(0, text("\n\t"));
            element.children.push(text(" "));
        }
    }),
    ("an Id on the signature and its parts", true, |_, signature| {
        signature.set("Id", "_signature");
        part(signature, "KeyInfo").set("Id", "_key");
    }),
    ("a value with white space around", true, |_, signature| {
        let old = value(signature).text();
        value(signature).children = vec![text(&format!("\r\n  {old}\n"))];
    }),
    ("the subject's name behind the certificate", true, |_, signature| {
        let data = data(signature);
        data.children.push(Node::Element(Element::of(ns::DS, "X509SubjectName", "CN=x")));
    }),
    ("an Id on the value", true, |_, signature| value(signature).set("Id", "_value")),
    ("an object in the signature", false, |_, signature| {
        signature
            .children
            .push(Node::Element(Element::of(ns::DS, "Object", "x").with("Id", "_object")));
    }),
    ("an element in the signature that nobody knows", false, |rng, signature| {
        let number = rng.random_range(0..signature.count());
        let at = signature.nth_mut(number).expect("it was counted");
        at.children.insert(0, Node::Element(Element::new("urn:x", "x")));
    }),
    ("parts of the signature in another order", false, |rng, signature| {
        let last = signature.children.len().saturating_sub(1);
        if last > 0 {
            signature.children.swap(rng.random_range(0..last), last);
        }
    }),
    ("a part of the signature doubled", false, |rng, signature| {
        let part = signature.children.choose(rng).cloned();
        signature.children.extend(part);
    }),
    ("a part of the signature left out", false, |rng, signature| {
        if !signature.children.is_empty() {
            let place = rng.random_range(0..signature.children.len());
            drop(signature.children.remove(place));
        }
    }),
    ("no certificate", false, |_, signature| drop(data(signature).take("X509Certificate"))),
    ("no certificate but a key", false, |_, signature| {
        let key = Element::new(ns::DS, "KeyValue").child(Element::new(ns::DS, "RSAKeyValue"));
        part(signature, "KeyInfo").children = vec![Node::Element(key)];
    }),
    ("a key's name, value or place beside the certificate", false, |rng, signature| {
        let names = ["KeyName", "KeyValue", "RetrievalMethod", "PGPData", "SPKIData", "MgmtData"];
        let more = Element::of(ns::DS, names.choose(rng).unwrap_or(&"KeyName"), "x");
        let info = part(signature, "KeyInfo");
        let place = rng.random_range(0..=info.children.len());
        info.children.insert(place, Node::Element(more));
    }),
    ("more about the certificate", false, |rng, signature| {
        let names = ["X509IssuerSerial", "X509CRL", "X509SKI", "X509Digest", "X509certificate"];
        let more = Element::of(ns::DS, names.choose(rng).unwrap_or(&"X509CRL"), "QQ==");
        data(signature).children.insert(0, Node::Element(more));
    }),
    ("certificates in two lists", false, |_, signature| {
        let second = Node::Element(data(signature).clone());
        part(signature, "KeyInfo").children.push(second);
    }),
    ("a certificate that is none", false, |rng, signature| {
        let octets: Vec<u8> = (0..rng.random_range(0..600)).map(|_| rng.random()).collect();
        certificate(signature).children = vec![text(&folded(&octets, 0))];
    }),
    ("a certificate with one bit flipped", false, |rng, signature| {
        let element = certificate(signature);
        let mut der = decoded(element);
        if !der.is_empty() {
            let place = rng.random_range(0..der.len());
            der[place] ^= 1 << rng.random_range(0..8);
        }
        element.children = vec![text(&folded(&der, 0))];
    }),
    ("a certificate with something behind it", false, |_, signature| {
        let element = certificate(signature);
        let mut der = decoded(element);
        der.push(0);
        element.children = vec![text(&folded(&der, 0))];
    }),
    ("a certificate that is very long", false, |_, signature| {
        certificate(signature).children = vec![text(&"QUFB".repeat(9000))];
    }),
    ("a certificate in a certificate", false, |_, signature| {
        let inside = Node::Element(certificate(signature).clone());
        certificate(signature).children.push(inside);
    }),
    ("a value with one bit flipped", false, |rng, signature| {
        with_value(signature, |octets| {
            let place = rng.random_range(0..octets.len());
            octets[place] ^= 1 << rng.random_range(0..8);
        });
    }),
    ("a value with zeros before it", false, |_, signature| {
        with_value(signature, |octets| octets.insert(0, 0));
    }),
    ("a value with zeros behind it", false, |_, signature| {
        with_value(signature, |octets| octets.push(0));
    }),
    ("a value cut short", false, |_, signature| {
        with_value(signature, |octets| octets.truncate(octets.len() - 1));
    }),
    ("no value", false, |_, signature| value(signature).children.clear()),
    ("a value of zeros", false, |_, signature| with_value(signature, |octets| octets.fill(0))),
    ("a value of ones", false, |_, signature| with_value(signature, |octets| octets.fill(0xff))),
    ("a value in DER", false, |_, signature| {
        with_value(signature, |octets| {
            let half = octets.len() / 2;
            let number = |part: &[u8]| {
                let mut der = vec![2, u8::try_from(part.len() + 1).unwrap_or(0x7f), 0];
                der.extend_from_slice(part);
                der
            };
            let both = [number(&octets[..half]), number(&octets[half..])].concat();
            *octets = [vec![0x30, u8::try_from(both.len()).unwrap_or(0x7f)], both].concat();
        });
    }),
    ("r or s of zero or of the order", false, |rng, signature| {
        const ORDER: &str = "/////wAAAAD//////////7zm+q2nF56E87nKwvxjJVE=";
        let order = BASE64.decode(ORDER).unwrap_or_default();
        with_value(signature, |octets| {
            let half = octets.len() / 2;
            let part = if rng.random_bool(0.5) { 0..half } else { half..2 * half };
            if rng.random_bool(0.5) || half != order.len() {
                octets[part].fill(0);
            } else {
                octets[part].copy_from_slice(&order);
            }
        });
    }),
    ("a value whose base64 has spare bits", false, |_, signature| {
        let element = value(signature);
        let written = element.text();
        let bent = written.replace("A==", "B==").replace("Q==", "R==").replace("g==", "h==");
        let bent = if bent == written { format!("{written}====") } else { bent };
        element.children = vec![text(&bent)];
    }),
];

/// What needs the scene: other keys, other certificates. Each on both levels.
const SCENES: [(&str, bool, OnLevel); 9] = [
    ("more certificates behind the signer's", true, |scene, level| {
        let count = scene.rng.random_range(1..6);
        let mut list = vec![None];
        list.extend((0..count).map(|_| any_certificate(scene)));
        scene.spec_mut(level).certificates = list;
    }),
    ("the same certificate twice", true, |scene, level| {
        scene.spec_mut(level).certificates = vec![None, None];
    }),
    ("another certificate before the signer's", false, |scene, level| {
        let list = vec![any_certificate(scene), None];
        scene.spec_mut(level).certificates = list;
    }),
    ("another certificate in place of the signer's", false, |scene, level| {
        scene.spec_mut(level).certificates = vec![any_certificate(scene)];
    }),
    ("too many certificates", false, |scene, level| {
        scene.spec_mut(level).certificates = vec![None; 7];
    }),
    ("a key of a kind that nobody takes", false, |scene, level| {
        let odd = scene.keys.of_owner(crate::keys::Owner::Odd);
        scene.spec_mut(level).key = odd.choose(&mut scene.rng).copied().unwrap_or_default();
    }),
    // Whose mail it then is the register decides: the attacker may sign what it likes.
    ("the attacker's own signature", true, |scene, level| {
        let attacker = scene.attacker;
        scene.spec_mut(level).key = attacker;
    }),
    ("the attacker's signature under the signer's certificate", false, |scene, level| {
        let own = scene.spec_mut(level).key;
        let own = scene.keys.get(own).certificate.clone();
        let attacker = scene.attacker;
        let spec = scene.spec_mut(level);
        spec.certificates = vec![Some(own), None];
        spec.key = attacker;
    }),
    ("a keyed hash under what everybody knows", false, |scene, level| {
        scene.spec_mut(level).bends.push(|_, info| {
            let uri = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
            if let Some(method) = info.find_mut("SignatureMethod") {
                method.set("Algorithm", uri);
            }
        });
        scene.spec_mut(level).afterwards.push(|rng, signature| {
            let Some(der) = signature.find("X509Certificate").map(decoded) else { return };
            // The certificate, or its public key as DER, or nothing at all.
            let keys = [&der[..], der.get(der.len() / 3..der.len() / 2).unwrap_or_default(), &[]];
            let key = keys.choose(rng).copied().unwrap_or_default();
            let Some(info) = signature.find("SignedInfo") else { return };
            let message = canonical(info, Form::PrefixFree);
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
            value(signature).children = vec![text(&folded(tag.as_ref(), 0))];
        });
    }),
];

pub(super) fn moves() -> Vec<Move> {
    let bends = BENDS.iter();
    let bends =
        bends.flat_map(|(name, keep, bend)| both(name, *keep, |l| Act::Signature(l, *bend)));
    let acts = SCENES.iter().flat_map(|(name, keep, act)| both(name, *keep, |l| Act::On(l, *act)));
    bends.chain(acts).collect()
}

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

fn any_certificate(scene: &mut Scene<'_>) -> Option<Vec<u8>> {
    use crate::keys::Owner::{Attacker, Dispatcher, Sender};
    let owner = *[Sender, Dispatcher, Attacker].choose(&mut scene.rng).unwrap_or(&Attacker);
    let keys = scene.keys.of_owner(owner);
    let key = keys.choose(&mut scene.rng).copied()?;
    Some(scene.keys.get(key).certificate.clone())
}

/// The part of this name; put there anew where an earlier move took it out.
fn part<'e>(signature: &'e mut Element, local: &str) -> &'e mut Element {
    if signature.find(local).is_none() {
        signature.children.push(Node::Element(Element::new(ns::DS, local)));
    }
    signature.find_mut(local).expect("it stands there")
}

fn value(signature: &mut Element) -> &mut Element {
    part(signature, "SignatureValue")
}

fn data(signature: &mut Element) -> &mut Element {
    part(signature, "X509Data")
}

fn certificate(signature: &mut Element) -> &mut Element {
    part(signature, "X509Certificate")
}

fn decoded(element: &Element) -> Vec<u8> {
    let text: String = element.text().chars().filter(|c| !c.is_whitespace()).collect();
    BASE64.decode(text).unwrap_or_default()
}

fn with_value(signature: &mut Element, change: impl FnOnce(&mut Vec<u8>)) {
    let element = value(signature);
    let mut octets = decoded(element);
    if octets.is_empty() {
        octets.push(1);
    }
    change(&mut octets);
    element.children = vec![text(&folded(&octets, 0))];
}
