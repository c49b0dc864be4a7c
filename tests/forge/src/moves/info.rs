//! `SignedInfo` bent before it is signed: a sound signature over what nobody ought to sign.

use super::{Act, Move, OnLevel, both};
use crate::scene::Scene;
use crate::sign::{Bend, Level, method};
use crate::tree::{Element, Node, ns};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

/// Names, whether the profile takes it, and the change. Each is made on the sender's level and on
/// the seal's.
const BENDS: [(&str, bool, Bend); 41] = [
    ("white space within SignedInfo", true, |rng, info| {
        let gap = *["\n", " ", "\r\n  ", "\t"].choose(rng).unwrap_or(&" ");
        info.each(&mut |element| {
            if element.elements().next().is_some() {
                let children = std::mem::take(&mut element.children);
                for child in children {
                    element.children.push(Node::Text(gap.to_owned()));
                    element.children.push(child);
                }
                element.children.push(Node::Text(gap.to_owned()));
            }
        });
    }),
    ("an Id on SignedInfo and Reference", true, |_, info| {
        info.set("Id", "_info");
        reference(info).set("Id", "_reference");
    }),
    ("a folded digest", true, |_, info| {
        let value = at(info, "DigestValue");
        let text = value.text();
        let (head, tail) = text.split_at(text.len().min(8));
        value.children = vec![Node::Text(format!("\n {head}\r\n{tail} "))];
    }),
    ("an attribute of a claimed schema", true, |_, info| {
        info.attribute("xsi", ns::XSI, "schemaLocation", "urn:a urn:b");
    }),
    ("a very long list of inclusive prefixes", false, |_, info| {
        let text = (0..40).map(|n| format!("p{n} ")).collect::<String>();
        let list = Element::new(ns::EXC, "InclusiveNamespaces").with("PrefixList", &text);
        at(info, "CanonicalizationMethod").children = vec![Node::Element(list)];
    }),
    ("a second reference", false, |_, info| {
        let second = Node::Element(reference(info).clone());
        info.children.push(second);
    }),
    ("a second reference to nothing", false, |_, info| {
        let mut second = reference(info).clone();
        second.set("URI", "http://localhost/x");
        info.children.insert(2, Node::Element(second));
    }),
    ("no reference", false, |_, info| drop(info.take("Reference"))),
    ("no URI", false, |_, info| reference(info).attributes.clear()),
    ("another URI", false, |rng, info| {
        let uris = [
            "#",
            "#other",
            "#xpointer(/)",
            "#xpointer(id('_inner'))",
            "#xpointer(id(\"_outer\"))",
            "##_inner",
            " ",
            "#_inner ",
            "#_inner%20",
            "cid:a",
            "http://localhost/",
            "file:///etc/passwd",
            "?a",
            "#_signature",
            "#_object",
            "#_outer",
            "#_inner",
            "#element(/1)",
            "\u{a0}",
            "#%5Finner",
        ];
        reference(info).set("URI", uris.choose(rng).unwrap_or(&"#"));
    }),
    ("a URI in a namespace", false, |_, info| {
        let value = reference(info).get("URI").unwrap_or_default().to_owned();
        reference(info).attributes.clear();
        reference(info).attribute("z", "urn:z", "URI", &value);
    }),
    ("a type of reference", false, |_, info| {
        reference(info).set("Type", "http://www.w3.org/2000/09/xmldsig#Manifest");
    }),
    ("transforms in another order", false, |_, info| {
        let transforms = at(info, "Transforms");
        transforms.children = vec![
            Node::Element(method("Transform", ns::EXC)),
            Node::Element(method(
                "Transform",
                "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
            )),
        ];
    }),
    ("no transforms", false, |_, info| drop(reference(info).take("Transforms"))),
    ("no transform", false, |_, info| at(info, "Transforms").children.clear()),
    ("the enveloped transform twice", false, |_, info| {
        let transforms = at(info, "Transforms");
        let first = transforms.children.first().cloned();
        transforms.children.extend(first);
    }),
    ("three transforms", false, |_, info| {
        let transforms = at(info, "Transforms");
        for _ in transforms.elements().count()..3 {
            transforms.children.push(Node::Element(method("Transform", ns::EXC)));
        }
    }),
    ("canonicalisation alone", false, |_, info| {
        at(info, "Transforms").children = vec![Node::Element(method("Transform", ns::EXC))];
    }),
    ("another transform", false, |rng, info| {
        let uris = [
            "http://www.w3.org/TR/1999/REC-xpath-19991116",
            "http://www.w3.org/TR/1999/REC-xslt-19991116",
            "http://www.w3.org/2002/06/xmldsig-filter2",
            "http://www.w3.org/2000/09/xmldsig#base64",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            "http://www.w3.org/2006/12/xml-c14n11",
            "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
            "http://www.w3.org/2000/09/xmldsig#enveloped-signature ",
            "",
        ];
        let mut other = method("Transform", uris.choose(rng).unwrap_or(&""));
        if rng.random_bool(0.5) {
            other = other.child(Element::of(ns::DS, "XPath", "not(self::node())"));
        }
        at(info, "Transforms").children.push(Node::Element(other));
    }),
    ("a transform with a child", false, |_, info| {
        if let Some(first) = at(info, "Transforms").elements_mut().next() {
            first.children.push(Node::Element(Element::of(ns::DS, "XPath", "1")));
        }
    }),
    ("another canonicalisation", false, |rng, info| {
        let uris = [
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            "http://www.w3.org/2006/12/xml-c14n11",
            "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
            "http://www.w3.org/2010/10/xml-c14n2",
            "http://www.w3.org/2001/10/xml-exc-c14n",
            "",
        ];
        at(info, "CanonicalizationMethod").set("Algorithm", uris.choose(rng).unwrap_or(&""));
    }),
    ("another signature method", false, |rng, info| {
        let names = [
            "2000/09/xmldsig#hmac-sha1",
            "2001/04/xmldsig-more#hmac-sha256",
            "2000/09/xmldsig#dsa-sha1",
            "2000/09/xmldsig#rsa-sha1",
            "2001/04/xmldsig-more#rsa-md5",
            "2001/04/xmldsig-more#ecdsa-sha1",
            "2001/04/xmldsig-more#ecdsa-sha512",
            "2007/05/xmldsig-more#rsa-pss",
            "2007/05/xmldsig-more#sha256-rsa-MGF1",
            "2001/04/xmldsig-more#ecdsa-sha256",
            "2001/04/xmldsig-more#ecdsa-sha384",
            "2001/04/xmldsig-more#rsa-sha256",
            "2001/04/xmldsig-more#rsa-sha384",
            "2001/04/xmldsig-more#rsa-sha512",
            "none",
        ];
        let uri = format!("http://www.w3.org/{}", names.choose(rng).unwrap_or(&"none"));
        at(info, "SignatureMethod").set("Algorithm", &uri);
    }),
    ("a truncated keyed hash", false, |_, info| {
        let method = at(info, "SignatureMethod");
        method.set("Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha1");
        method.children.push(Node::Element(Element::of(ns::DS, "HMACOutputLength", "0")));
    }),
    ("another digest method", false, |rng, info| {
        let names = [
            "2000/09/xmldsig#sha1",
            "2001/04/xmldsig-more#md5",
            "2001/04/xmlenc#ripemd160",
            "2007/05/xmldsig-more#sha3-256",
            "2001/04/xmldsig-more#sha224",
            "2001/04/xmlenc#sha256",
            "2001/04/xmlenc#sha512",
            "2001/04/xmldsig-more#sha384",
            "2001/04/xmlenc#sha384",
            "none",
        ];
        let uri = format!("http://www.w3.org/{}", names.choose(rng).unwrap_or(&"none"));
        at(info, "DigestMethod").set("Algorithm", &uri);
    }),
    ("a digest method with a child", false, |_, info| {
        at(info, "DigestMethod").children.push(Node::Element(Element::new(ns::DS, "X")));
    }),
    ("a digest of another length", false, |rng, info| {
        let lengths = [0, 1, 20, 31, 33, 48, 63, 65, 1024, 1025];
        let length = *lengths.choose(rng).unwrap_or(&0);
        let octets: Vec<u8> = (0..length).map(|_| rng.random()).collect();
        at(info, "DigestValue").children = vec![Node::Text(crate::sign::folded(&octets, 0))];
    }),
    ("a digest cut short", false, |_, info| {
        let text = at(info, "DigestValue").text();
        at(info, "DigestValue").children =
            vec![Node::Text(text[..text.len().saturating_sub(4)].to_owned())];
    }),
    ("a digest of nothing", false, |_, info| {
        let nothing = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        at(info, "DigestValue").children = vec![Node::Text(nothing.to_owned())];
    }),
    ("a digest that is no base64", false, |_, info| {
        let value = at(info, "DigestValue");
        let text = value.text().replace(['+', '/'], "-");
        value.children = vec![Node::Text(format!("{text}\u{a0}"))];
    }),
    ("two digests", false, |_, info| {
        let second = Node::Element(at(info, "DigestValue").clone());
        reference(info).children.push(second);
    }),
    ("a comment within SignedInfo", false, |rng, info| {
        let number = rng.random_range(0..info.count());
        let element = info.nth_mut(number).expect("it was counted");
        element.children.push(Node::Comment(" ".to_owned()));
    }),
    ("a comment that splits the digest", false, |_, info| {
        let value = at(info, "DigestValue");
        let text = value.text();
        let (head, tail) = text.split_at(text.len().min(8));
        let [head, tail] = [head, tail].map(|part| Node::Text(part.to_owned()));
        value.children = vec![head, Node::Comment(String::new()), tail];
    }),
    ("text within SignedInfo", false, |_, info| info.children.push(Node::Text("x".to_owned()))),
    ("an attribute on SignedInfo that nobody knows", false, |_, info| info.set("ID", "_info")),
    ("an xml attribute on SignedInfo", false, |rng, info| {
        let local = *["id", "base", "lang", "space"].choose(rng).unwrap_or(&"id");
        info.attribute("xml", ns::XML, local, "_inner");
    }),
    ("two algorithms of one method", false, |_, info| {
        at(info, "SignatureMethod").attribute("z", "urn:z", "Algorithm", "http://www.w3.org/none");
    }),
    ("an algorithm in a namespace", false, |_, info| {
        let method = at(info, "SignatureMethod");
        let value = method.get("Algorithm").unwrap_or_default().to_owned();
        method.attributes.clear();
        method.attribute("d", ns::DS, "Algorithm", &value);
    }),
    ("parts of SignedInfo in another order", false, |rng, info| {
        let (one, other) = (rng.random_range(0..info.children.len()), info.children.len() - 1);
        info.children.swap(one.min(1), other);
    }),
    ("SignedInfo under another name", false, |_, info| "signedInfo".clone_into(&mut info.local)),
    ("SignedInfo in another namespace", false, |rng, info| {
        let other =
            ["http://www.w3.org/2000/09/xmldsig", "http://www.w3.org/2009/xmldsig11#", "", ns::M3];
        info.ns = other.choose(rng).copied().unwrap_or_default().into();
    }),
    ("a reference with a reference inside", false, |_, info| {
        let inside = Node::Element(reference(info).clone());
        reference(info).children.insert(0, inside);
    }),
];

pub(super) fn moves() -> Vec<Move> {
    let lists: [(&str, OnLevel); 2] = [
        ("a list of inclusive prefixes", |scene, level| {
            scene.spec_mut(level).inclusive[1] = Some(prefix_list(scene, level));
        }),
        ("a list of inclusive prefixes on the transform", |scene, level| {
            scene.spec_mut(level).inclusive[0] = Some(prefix_list(scene, level));
            scene.spec_mut(level).second_transform = true;
        }),
    ];
    let lists = lists.iter().flat_map(|(name, act)| both(name, true, |level| Act::On(level, *act)));
    let bends = BENDS.iter();
    let bends = bends.flat_map(|(name, keep, bend)| both(name, *keep, |l| Act::Info(l, *bend)));
    lists.chain(bends).collect()
}

/// Where the form as sent is signed, only what is bound nowhere: its meaning would depend on the
/// envelope.
fn prefix_list(scene: &mut Scene<'_>, level: Level) -> String {
    let lists = [
        "",
        "xml",
        "nowhere else",
        "p q\tr",
        "#default",
        "#default p0 ns3",
        "ds m3 s3 soap",
        "a b ds ns2",
    ];
    let bound = if scene.spec_mut(level).as_sent { 3 } else { lists.len() };
    (*lists[..bound].choose(&mut scene.rng).unwrap_or(&"")).to_owned()
}

fn at<'e>(info: &'e mut Element, local: &str) -> &'e mut Element {
    if info.find(local).is_none() {
        // An earlier move took it out: this one has nothing to bend.
        info.children.push(Node::Element(Element::new(ns::DS, local)));
    }
    info.find_mut(local).expect("it stands there")
}

fn reference(info: &mut Element) -> &mut Element {
    at(info, "Reference")
}
