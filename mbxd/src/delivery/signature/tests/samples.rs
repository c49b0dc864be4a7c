//! The genuine deliveries of three independent senders, as published with their implementations.
//!
//! They are read from the specification's folder and never copied into the tree.

use crate::clock::Clock;
use crate::delivery::signature::level::SignedElement;
use crate::delivery::signature::verify::{seal_level, sender_level};
use crate::delivery::signature::{
    Cause, DigestAlgorithm, Form, Level, Policy, SignatureAlgorithm, SignatureError, Verified,
    VerifiedLevel, verify, verify_document,
};
use crate::delivery::soap::{Document, Levels, ParseError, PrescanLimits, Request, ns, parse};
use crate::delivery::tests::specification::specification;
use crate::trust::ChainError;
use crate::trust::pki::{self, Pki};
use roxmltree::Node;
use std::collections::BTreeSet;

/// What the samples need and the profile refuses: SHA-1, RSA with 1,024 bits.
const LENIENT: Policy = Policy { sha1_allowed: true, rsa_bits_min: 1024 };

const KIVRA: &str = "kivra_v3_deliverSecure_request.xml";
const DOTNET: &str = "dotnet_v3_SealedDeliveryWithSignature.xml";
const DOTNET_INDENTED: &str = "dotnet_v3_SignedDeliveryWithSignature.xml";
const PYMM: &str = "pymm_v1_seal_out.xml";

#[test]
fn both_signatures_of_the_v3_request_of_the_largest_operator_verify() {
    let Some(bytes) = sample(KIVRA) else { return };
    let document = read(&bytes);
    let Ok(Request::DeliverSecure(delivery)) = parse(&document) else { panic!("no deliverSecure") };
    let verified = verify(&delivery, LENIENT).unwrap();
    for level in [&verified.sender, &verified.seal] {
        assert_eq!(level.form, Form::PrefixFree);
        assert_eq!(level.signed_info_form, Form::PrefixFree);
        assert_eq!(level.algorithm, SignatureAlgorithm::RsaSha1);
        assert!(level.uses_sha1());
        assert_eq!(leaf(level), KIVRA_LEAF);
    }
}

#[test]
fn what_is_parsed_of_it_is_what_it_says() {
    let Some(bytes) = sample(KIVRA) else { return };
    let document = read(&bytes);
    let Ok(Request::DeliverSecure(delivery)) = parse(&document) else { panic!("no deliverSecure") };
    assert_eq!(delivery.header.sender.id.as_str(), "165568402266");
    assert_eq!(delivery.header.sender.name.as_str(), "Kivra AB");
    assert_eq!(delivery.header.recipients.len(), 1);
    assert_eq!(delivery.header.correlation_id.unwrap().as_str(), "some-uid");
    assert_eq!(delivery.seal.received.to_string(), "2023-10-11");
    let [message] = delivery.messages.as_slice() else { panic!("one message") };
    assert_eq!(message.header.subject.as_str(), "Välkommen till bruket");
    assert_eq!(message.header.language.as_str(), "svSE");
    let mut body = Vec::new();
    message.body.octets.each(&bytes, |piece| body.extend_from_slice(piece)).unwrap();
    assert_eq!(body, "Här är din pdf.".as_bytes());
    let [pdf] = message.attachments.as_slice() else { panic!("one attachment") };
    let mut digest = md5();
    pdf.octets.each(&bytes, |piece| md5_update(&mut digest, piece)).unwrap();
    assert_eq!(md5_hex(digest), pdf.checksum.unwrap().as_str());
}

#[test]
fn both_signatures_of_the_dotnet_sample_verify() {
    let Some(bytes) = sample(DOTNET) else { return };
    let verified = verify_document(&read(&bytes), LENIENT).unwrap();
    for level in [&verified.sender, &verified.seal] {
        assert_eq!(level.form, Form::PrefixFree);
        assert_eq!(level.algorithm, SignatureAlgorithm::RsaSha256);
        assert_eq!(level.digest, DigestAlgorithm::Sha256);
        assert!(!level.uses_sha1());
        assert_eq!(leaf(level), DOTNET_LEAF);
    }
}

#[test]
fn both_signatures_of_the_v1_sample_verify() {
    let Some(bytes) = sample(PYMM) else { return };
    let verified = verify_document(&read(&bytes), LENIENT).unwrap();
    assert_eq!(
        (leaf(&verified.sender), leaf(&verified.seal)),
        (PYMM_LEAF.into(), PYMM_LEAF.into())
    );
}

#[test]
fn the_indented_dotnet_file_fails() {
    let Some(bytes) = sample(DOTNET_INDENTED) else { return };
    let document = read(&bytes);
    let shaped = sender_level(document.root()).unwrap().shape(LENIENT).unwrap();
    assert_eq!(shaped.vouch().err(), Some(Cause::SignatureValue));
}

#[test]
fn under_the_real_policy_each_sample_is_refused_for_its_own_reason() {
    let refused = |name, policy| {
        let bytes = sample(name)?;
        Some(verify_document(&read(&bytes), policy).map_err(|error| error.cause))
    };
    let Some(kivra) = refused(KIVRA, Policy::default()) else { return };
    assert_eq!(kivra.unwrap_err(), Cause::Sha1);
    assert_eq!(refused(PYMM, Policy::default()).unwrap().unwrap_err(), Cause::Sha1);
    // Were SHA-1 tolerated for it, its key would still be too short.
    let with_sha1 = Policy { sha1_allowed: true, ..Policy::default() };
    let short = Cause::KeyShort { bits: 1024, min: 2048 };
    assert_eq!(refused(PYMM, with_sha1).unwrap().unwrap_err(), short);
    // As requests: v1 is named, and the bare delivery is no envelope. The .NET sample's algorithms
    // are those of the profile: its chain is what is refused, below.
    let parsed = |name| parse(&read(&sample(name).unwrap())).err();
    assert_eq!(parsed(PYMM), Some(ParseError::OlderVersion { version: 1 }));
    assert_eq!(parsed(DOTNET), Some(ParseError::NotAnEnvelope));
    assert!(refused(DOTNET, Policy::default()).unwrap().is_ok());
}

/// What `trust` says of the signers, by the rules of every day and roots that are not theirs.
#[tokio::test]
async fn no_sample_has_a_certificate_that_is_believed() {
    let chains = |name| {
        let verified = verify_document(&read(&sample(name)?), LENIENT).unwrap();
        Some([verified.sender.certificates, verified.seal.certificates])
    };
    let pki = Pki::new();
    let today = pki::NOW;
    for (name, moment, error) in [
        (DOTNET, today, ChainError::Expired),
        (DOTNET, "2020-06-01T12:00:00Z", ChainError::UnknownIssuer),
        (PYMM, today, ChainError::WeakKey),
        (KIVRA, today, ChainError::KeyUsage),
    ] {
        let Some(chains) = chains(name) else { return };
        let clock = Clock::manual(moment.parse().unwrap());
        let trust = pki.trust(crate::store::memory::engine(), clock).await;
        for chain in chains {
            assert_eq!(trust.check_signer(&chain), Err(error), "{name} at {moment}");
        }
    }
}

#[test]
fn altered_by_one_byte_anywhere_that_is_signed_the_v3_request_fails() {
    let Some(bytes) = sample(KIVRA) else { return };
    let counted = alter_everywhere(&bytes, KIVRA_LEAF, 1);
    assert!(counted.signed > 6000, "{counted:?}");
    println!("{KIVRA}: {counted:?}");
}

#[test]
fn altered_by_one_byte_anywhere_that_is_signed_the_v1_sample_fails() {
    let Some(bytes) = sample(PYMM) else { return };
    let counted = alter_everywhere(&bytes, PYMM_LEAF, 1);
    assert!(counted.signed > 3000, "{counted:?}");
    println!("{PYMM}: {counted:?}");
}

#[test]
fn altered_by_one_byte_anywhere_that_is_signed_the_dotnet_sample_fails() {
    let Some(bytes) = sample(DOTNET) else { return };
    let counted = alter_everywhere(&bytes, DOTNET_LEAF, 13);
    assert!(counted.signed > 6000, "{counted:?}");
    println!("{DOTNET}: {counted:?}");
}

/// What was tried.
#[derive(Debug, Default)]
struct Counted {
    /// Alterations of bytes that are signed by at least one level.
    signed: usize,
    /// Of these, how many left XML that was read, so that a signature had to refuse them.
    refused_by_signature: usize,
    /// Alterations of other bytes (prefixes, quotes, the envelope).
    other: usize,
    /// Of these, how many still verified, over the very same canonical octets.
    harmless: usize,
}

/// Alters bytes one at a time, in two ways each, and asks both levels.
///
/// Every byte of markup is altered; of texts longer than 1,000 bytes every `stride`th.
fn alter_everywhere(bytes: &[u8], pinned: &str, stride: usize) -> Counted {
    let document = read(bytes);
    let scopes = Scopes::of(&document);
    let octets = canonical_octets(&document);
    let mut counted = Counted::default();
    for place in 0..bytes.len() {
        if place % stride != 0 && scopes.long_text.contains(&place) {
            continue;
        }
        for flip in [0x01, 0x20] {
            let mut altered = bytes.to_vec();
            altered[place] ^= flip;
            let both = both_levels(&altered, pinned);
            let (sender, seal) = (both.0.is_ok(), both.1.is_ok());
            if scopes.sender.contains(&place) {
                assert!(!sender, "the sender's signature verifies, byte {place} ^ {flip:#x}");
            }
            if scopes.seal.contains(&place) {
                assert!(!seal, "the seal's signature verifies, byte {place} ^ {flip:#x}");
            }
            if scopes.sender.contains(&place) || scopes.seal.contains(&place) {
                counted.signed += 1;
                counted.refused_by_signature += usize::from(both.0 != Err(None));
            } else {
                counted.other += 1;
            }
            if sender && seal {
                counted.harmless += 1;
                let document = Document::read(&altered, &PrescanLimits::default()).unwrap();
                assert_eq!(canonical_octets(&document), octets, "byte {place} ^ {flip:#x}");
            }
        }
    }
    counted
}

type Outcome = Result<(), Option<Cause>>;

/// Each level by itself, with the signer's certificate pinned; `Err(None)` where the bytes are not
/// even read.
fn both_levels(bytes: &[u8], pinned: &str) -> (Outcome, Outcome) {
    let Ok(document) = Document::read(bytes, &PrescanLimits::default()) else {
        return (Err(None), Err(None));
    };
    let Ok(levels) = Levels::locate(&document) else { return (Err(None), Err(None)) };
    let one = |signed: Result<SignedElement<'_>, Cause>| -> Outcome {
        let verified = signed.and_then(|signed| signed.shape(LENIENT)?.vouch()?.digest());
        match verified.map_err(Some)? {
            verified if leaf(&verified) == pinned => Ok(()),
            _ => Err(Some(Cause::Certificate)),
        }
    };
    (one(sender_level(levels.sender)), one(seal_level(levels)))
}

/// The canonical octets of everything that is signed.
fn canonical_octets(document: &Document<'_>) -> [Vec<u8>; 4] {
    let levels = Levels::locate(document).unwrap();
    let of = |signed: SignedElement<'_>| signed.octets(Form::PrefixFree);
    let [sender_info, sender] = of(sender_level(levels.sender).unwrap());
    let [seal_info, seal] = of(seal_level(levels).unwrap());
    [sender_info, sender, seal_info, seal]
}

/// Which bytes of the payload each level signs.
struct Scopes {
    sender: BTreeSet<usize>,
    seal: BTreeSet<usize>,
    long_text: BTreeSet<usize>,
}

impl Scopes {
    fn of(document: &Document<'_>) -> Self {
        let levels = Levels::locate(document).unwrap();
        let level = |signed: SignedElement<'_>| {
            let signature = signed.signature.0;
            let content = signed.element.0.descendants();
            let content: Vec<_> = content
                .filter(|node| !is_within(*node, signature))
                .map(|node| (node, signed.renamed.is_some() && node == signed.element.0))
                .collect();
            let info = signature.first_element_child().unwrap().descendants().map(|n| (n, false));
            // A pinned certificate and the value itself are as good as signed.
            let rest = signature.descendants().filter(|node| {
                let parent = node.parent_element().map(|p| p.tag_name().name());
                node.is_text() && matches!(parent, Some("SignatureValue" | "X509Certificate"))
            });
            let rest = rest.map(|n| (n, false));
            let nodes = content.into_iter().chain(info).chain(rest);
            nodes.flat_map(|(node, renamed)| signed_places(node, renamed)).collect()
        };
        let mut scopes = Self {
            sender: level(sender_level(levels.sender).unwrap()),
            seal: level(seal_level(levels).unwrap()),
            long_text: BTreeSet::new(),
        };
        for node in levels.seal.0.descendants().filter(Node::is_text) {
            if node.range().len() > 1000 {
                scopes.long_text.extend(node.range());
            }
        }
        scopes
    }
}

fn is_within(node: Node<'_, '_>, ancestor: Node<'_, '_>) -> bool {
    node.ancestors().any(|node| node == ancestor)
}

/// Texts, attributes and local names, in the start tag and the end tag.
fn signed_places(node: Node<'_, '_>, renamed: bool) -> Vec<usize> {
    if node.is_text() {
        return node.range().collect();
    }
    let text = node.document().input_text();
    let local = node.tag_name().name();
    let mut places = Vec::new();
    for attribute in node.attributes() {
        places.extend(attribute.range_qname());
        places.extend(attribute.range_value());
    }
    if !renamed {
        let range = node.range();
        let start = range.start + text[range.clone()].find(local).unwrap();
        places.extend(start..start + local.len());
        let whole = &text[range.clone()];
        if let Some(end) = whole.rfind("</") {
            let end = range.start + end + whole[end..].find(local).unwrap();
            places.extend(end..end + local.len());
        }
    }
    places
}

/// Where a namespace declaration is altered, the names that use it are others.
#[test]
fn an_altered_namespace_name_fails() {
    let Some(bytes) = sample(KIVRA) else { return };
    let text = std::str::from_utf8(&bytes).unwrap();
    for uri in [ns::MESSAGE_V1, ns::MESSAGE_V2, ns::MESSAGE_V3, ns::SENDER, ns::DSIG] {
        let from = format!("\"{uri}\"");
        let place = text.find(&from).unwrap();
        for offset in 1..=uri.len() {
            let mut altered = bytes.clone();
            altered[place + offset] ^= 0x01;
            let (_, seal) = both_levels(&altered, KIVRA_LEAF);
            assert!(seal.is_err(), "{uri} at {offset}");
        }
    }
}

#[test]
fn a_level_of_one_delivery_does_not_verify_in_another() {
    let (Some(kivra), Some(dotnet)) = (sample(KIVRA), sample(DOTNET)) else { return };
    let (kivra, dotnet) = (String::from_utf8(kivra).unwrap(), String::from_utf8(dotnet).unwrap());
    let inner = |text: &str| {
        let document = Document::read(text.as_bytes(), &PrescanLimits::default()).unwrap();
        Levels::locate(&document).unwrap().sender.range()
    };
    let mut swapped = kivra.clone();
    swapped.replace_range(
        inner(&kivra),
        &dotnet[inner(&dotnet)].replacen(
            "<SignedDelivery",
            &format!("<SignedDelivery xmlns=\"{}\"", ns::MESSAGE_V3),
            1,
        ),
    );
    let error = outcome(swapped.as_bytes()).unwrap_err();
    assert_eq!(error, SignatureError { level: Level::Seal, cause: Cause::Digest });
}

fn outcome(bytes: &[u8]) -> Result<Verified, SignatureError> {
    verify_document(&read(bytes), LENIENT)
}

fn read(bytes: &[u8]) -> Document<'_> {
    Document::read(bytes, &PrescanLimits::default()).unwrap()
}

/// SHA-256 of the signer's certificate, hex.
fn leaf(level: &VerifiedLevel) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &level.certificates[0]);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn md5() -> md5::Md5 {
    md5::Digest::new()
}

fn md5_update(digest: &mut md5::Md5, piece: &[u8]) {
    md5::Digest::update(digest, piece);
}

fn md5_hex(digest: md5::Md5) -> String {
    md5::Digest::finalize(digest).iter().map(|byte| format!("{byte:02X}")).collect()
}

fn sample(name: &str) -> Option<Vec<u8>> {
    specification(&format!("samples/{name}")).map(|path| std::fs::read(path).unwrap())
}

const KIVRA_LEAF: &str = "8f1e097ca4282c54476ebd4c959709447eefe10aef8bda8ce9518d0c40a4d764";
const DOTNET_LEAF: &str = "7d4137b66402724cd6ae53cd47716b3815c78ba9738e14a16da999c35b065f9c";
const PYMM_LEAF: &str = "de54678c4d31af20e853aa31dd39f8c49c5b8385ef829e4a2c4ba1cfc19d2278";
