//! Enveloped signatures, each part of which can be bent before or after it is signed.

use crate::canonical::{Form, canonical};
use crate::keys::{Hash, KeyId, Keyring};
use crate::tree::{Element, Node, ns};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand_chacha::ChaCha8Rng;

/// Changes a part of a signature.
pub type Bend = fn(&mut ChaCha8Rng, &mut Element);

/// Which level a signature stands on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level {
    /// In `SignedDelivery`.
    Sender,
    /// In the sealed element.
    Seal,
}

/// How a signature is made.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent bend of a signature")]
pub struct Spec {
    /// The key that signs.
    pub key: KeyId,
    /// Hash of the digest.
    pub digest: Hash,
    /// Hash of an RSA signature.
    pub hash: Hash,
    /// Whether the reference is to the element's `Id`; the whole document otherwise.
    pub by_id: bool,
    /// Whether exclusive canonicalisation stands as a second transform.
    pub second_transform: bool,
    /// `PrefixList` of the second transform and of the canonicalisation of `SignedInfo`.
    pub inclusive: [Option<String>; 2],
    /// Whether the form as sent is signed, prefixes and all.
    pub as_sent: bool,
    /// Prefix of the signature's elements, where a form as sent is signed on either level.
    pub prefix: Option<String>,
    /// The certificates in DER, `None` for the signer's own; that alone where there are none.
    pub certificates: Vec<Option<Vec<u8>>>,
    /// Whether `X509SubjectName` stands before the certificates.
    pub subject_name: bool,
    /// Characters of a line of base64, 0 for one line.
    pub fold: usize,
    /// What is done to `SignedInfo` before it is signed.
    pub bends: Vec<Bend>,
    /// What is done to `Signature` when all is done.
    pub afterwards: Vec<Bend>,
}

impl Spec {
    /// The plain signature of a key.
    pub fn new(key: KeyId) -> Self {
        Self {
            key,
            digest: Hash::Sha256,
            hash: Hash::Sha256,
            by_id: false,
            second_transform: false,
            inclusive: [None, None],
            as_sent: false,
            prefix: None,
            certificates: Vec::new(),
            subject_name: true,
            fold: 0,
            bends: Vec::new(),
            afterwards: Vec::new(),
        }
    }
}

/// What a key signed, as its owner saw it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The key.
    pub key: KeyId,
    /// The element, without its signature, under the name that it bore.
    pub content: Element,
    /// The signature value as it was made.
    pub value: Vec<u8>,
}

/// Signs an element: its `Signature` becomes its last child, in the place of the one it had last.
pub fn sign(
    element: &mut Element,
    level: Level,
    spec: &Spec,
    keys: &Keyring,
    rng: &mut ChaCha8Rng,
) -> Signed {
    drop(element.take("Signature"));
    if spec.by_id && element.get("Id").is_none() {
        element.set("Id", if level == Level::Sender { "_inner" } else { "_outer" });
    }
    let mut content = element.clone();
    if level == Level::Seal {
        (content.ns, content.local) = (ns::M3.to_owned(), "SealedDelivery".to_owned());
        let first = content.elements().next();
        content.prefix = first.map(|first| first.prefix.clone()).unwrap_or_default();
    }
    let form = if spec.as_sent { Form::AsSent } else { Form::PrefixFree };
    let octets = canonical(&content, form);
    let key = keys.get(spec.key);
    let mut info = signed_info(spec, key.method(spec.hash), element, &octets);
    for bend in &spec.bends {
        bend(rng, &mut info);
    }
    let mut signature = Element::new(ns::DS, "Signature").child(info);
    dress(&mut signature, spec);
    let info = signature.elements().next().expect("it was put there");
    let value = key.sign(spec.hash, canonical(info, form).as_bytes());
    let mut data = Element::new(ns::DS, "X509Data");
    if spec.subject_name {
        data = data.child(Element::of(ns::DS, "X509SubjectName", "CN=anyone, O=\u{e5}"));
    }
    let list = if spec.certificates.is_empty() { &[None] } else { &spec.certificates[..] };
    for der in list {
        let der = der.as_ref().unwrap_or(&key.certificate);
        data = data.child(Element::of(ns::DS, "X509Certificate", &folded(der, spec.fold)));
    }
    let mut signature = signature
        .child(Element::of(ns::DS, "SignatureValue", &folded(&value, spec.fold)))
        .child(Element::new(ns::DS, "KeyInfo").child(data));
    for bend in &spec.afterwards {
        bend(rng, &mut signature);
    }
    dress(&mut signature, spec);
    element.children.push(Node::Element(signature));
    Signed { key: spec.key, content, value }
}

fn dress(signature: &mut Element, spec: &Spec) {
    if spec.prefix.is_some() {
        signature.each(&mut |element| {
            if element.ns == ns::DS {
                element.prefix.clone_from(&spec.prefix);
            }
        });
    }
}

/// A method with its algorithm.
pub fn method(name: &str, algorithm: &str) -> Element {
    Element::new(ns::DS, name).with("Algorithm", algorithm)
}

fn with_list(method: Element, list: Option<&String>) -> Element {
    method.maybe(list.map(|list| {
        let mut inclusive = Element::new(ns::EXC, "InclusiveNamespaces").with("PrefixList", list);
        inclusive.prefix = Some("ec".to_owned());
        inclusive
    }))
}

fn signed_info(spec: &Spec, algorithm: &str, element: &Element, octets: &str) -> Element {
    let (digest, uri) = match spec.digest {
        Hash::Sha256 => (&digest::SHA256, "http://www.w3.org/2001/04/xmlenc#sha256"),
        Hash::Sha384 => (&digest::SHA384, "http://www.w3.org/2001/04/xmldsig-more#sha384"),
        Hash::Sha512 => (&digest::SHA512, "http://www.w3.org/2001/04/xmlenc#sha512"),
    };
    let value = BASE64.encode(digest::digest(digest, octets.as_bytes()));
    let enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
    let second = with_list(method("Transform", ns::EXC), spec.inclusive[0].as_ref());
    let transforms = Element::new(ns::DS, "Transforms")
        .child(method("Transform", enveloped))
        .maybe(spec.second_transform.then_some(second));
    let id = element.get("Id").filter(|_| spec.by_id);
    let reference = Element::new(ns::DS, "Reference")
        .with("URI", &id.map(|id| format!("#{id}")).unwrap_or_default())
        .child(transforms)
        .child(method("DigestMethod", uri))
        .child(Element::of(ns::DS, "DigestValue", &value));
    let canonicalization = method("CanonicalizationMethod", ns::EXC);
    Element::new(ns::DS, "SignedInfo")
        .child(with_list(canonicalization, spec.inclusive[1].as_ref()))
        .child(method("SignatureMethod", algorithm))
        .child(reference)
}

/// Base64, in lines where asked for.
pub fn folded(octets: &[u8], line: usize) -> String {
    let text = BASE64.encode(octets);
    if line == 0 {
        return text;
    }
    let mut out = String::new();
    for (place, character) in text.chars().enumerate() {
        if place > 0 && place % line == 0 {
            out.push('\n');
        }
        out.push(character);
    }
    out
}
