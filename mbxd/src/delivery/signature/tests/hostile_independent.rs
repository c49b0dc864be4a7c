//! Signature wrapping on deliveries of an independent signer, in every marshalling style.
//!
//! The surgery is done on the wire bytes at the places where the tree has its elements, so that
//! prefixes and declarations are whatever the sender's marshalling made of them.

use super::interop::{CASES, Case, STYLES, installed, python_sender, send};
use super::signer::{Refused, judge};
use crate::delivery::signature::{Cause, Level, SignatureAlgorithm, Verified};
use crate::delivery::soap::{Document, Levels, ParseError, PrescanLimits};
use std::fs;
use std::ops::Range;

/// One delivery in one style, with the places of its parts.
struct Parts {
    wire: String,
    wrapper: Range<usize>,
    seal_element: Range<usize>,
    signed: Range<usize>,
    delivery: Range<usize>,
    inner: Range<usize>,
    seal: Range<usize>,
    outer: Range<usize>,
}

impl Parts {
    fn of(wire: String) -> Self {
        let document = Document::read(wire.as_bytes(), &PrescanLimits::default()).unwrap();
        let levels = Levels::locate(&document).unwrap();
        let child = |parent: roxmltree::Node<'_, '_>, place: usize| {
            parent.children().filter(roxmltree::Node::is_element).nth(place).unwrap().range()
        };
        let (seal, sender) = (levels.seal.0, levels.sender.0);
        let (wrapper, seal_element) = (seal.parent().unwrap().range(), seal.range());
        let (signed, delivery, inner) = (sender.range(), child(sender, 0), child(sender, 1));
        let (seal, outer) = (child(seal, 1), child(seal, 2));
        drop(document);
        Self { wire, wrapper, seal_element, signed, delivery, inner, seal, outer }
    }

    fn text(&self, range: &Range<usize>) -> &str {
        &self.wire[range.clone()]
    }

    /// The wire with the later of two places replaced first, so that both are right.
    fn with(&self, mut changes: Vec<(Range<usize>, String)>) -> String {
        changes.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut wire = self.wire.clone();
        for (range, text) in changes {
            wire.replace_range(range, &text);
        }
        wire
    }
}

#[test]
fn each_style_is_sound_before_it_is_attacked() {
    for_each_style(|parts, _| {
        assert!(judge(&parts.wire).is_ok());
    });
}

#[test]
fn a_forged_copy_before_or_behind_the_signed_delivery_is_refused() {
    for_each_style(|parts, _| {
        let forged = forge(parts.text(&parts.signed));
        for place in [parts.signed.start, parts.signed.end] {
            let error = parse_error(&parts.with(vec![(place..place, forged.clone())]));
            assert_eq!(error, ParseError::Missing { parent: "SealedDelivery", child: "Seal" });
        }
    });
}

#[test]
fn the_signed_delivery_moved_to_where_nobody_looks_is_refused() {
    for_each_style(|parts, style| {
        // Under a foreign element behind the seal's signature, with a forged one in its place.
        let hidden = format!("<w xmlns=\"urn:w\">{}</w>", parts.text(&parts.signed));
        let changes = vec![
            (parts.signed.clone(), forge(parts.text(&parts.signed))),
            (parts.outer.end..parts.outer.end, hidden),
        ];
        let error = parse_error(&parts.with(changes));
        assert_eq!(error, ParseError::Unexpected { parent: "SealedDelivery" }, "{style}");
    });
}

#[test]
fn a_whole_second_operation_beside_the_signed_one_is_refused() {
    for_each_style(|parts, _| {
        let forged = forge(parts.text(&parts.wrapper));
        for place in [parts.wrapper.start, parts.wrapper.end] {
            let error = parse_error(&parts.with(vec![(place..place, forged.clone())]));
            assert_eq!(error, ParseError::BodyNotSingle);
        }
        let twice = parts.text(&parts.seal_element).to_owned();
        let place = parts.seal_element.end;
        let error = parse_error(&parts.with(vec![(place..place, twice)]));
        assert_eq!(error, ParseError::Unexpected { parent: "the operation" });
    });
}

#[test]
fn the_signature_moved_before_its_content_is_refused() {
    for_each_style(|parts, _| {
        let signature = parts.text(&parts.inner).to_owned();
        let start = parts.delivery.start;
        let moved = vec![(parts.inner.clone(), String::new()), (start..start, signature)];
        let error = parse_error(&parts.with(moved));
        assert_eq!(error, ParseError::Missing { parent: "SignedDelivery", child: "Delivery" });
    });
}

#[test]
fn a_doubled_signature_is_refused_on_either_level() {
    for_each_style(|parts, _| {
        for (range, parent) in [(&parts.inner, "SignedDelivery"), (&parts.outer, "SealedDelivery")]
        {
            let twice = parts.text(range).to_owned();
            let error = parse_error(&parts.with(vec![(range.end..range.end, twice)]));
            assert_eq!(error, ParseError::Unexpected { parent });
        }
    });
}

#[test]
fn a_signature_left_out_is_refused_on_either_level() {
    for_each_style(|parts, _| {
        for (range, parent) in [(&parts.inner, "SignedDelivery"), (&parts.outer, "SealedDelivery")]
        {
            let error = parse_error(&parts.with(vec![(range.clone(), String::new())]));
            assert_eq!(error, ParseError::Missing { parent, child: "Signature" });
        }
    });
}

#[test]
fn the_two_signatures_exchanged_are_refused() {
    for_each_style(|parts, _| {
        let (inner, outer) =
            (parts.text(&parts.inner).to_owned(), parts.text(&parts.outer).to_owned());
        let changes = vec![(parts.inner.clone(), outer), (parts.outer.clone(), inner)];
        let error = signature_error(&parts.with(changes));
        assert_eq!(error, (Level::Sender, Cause::Digest));
    });
}

#[test]
fn content_altered_under_the_signature_is_refused() {
    for_each_style(|parts, _| {
        let forged = forge(parts.text(&parts.delivery));
        let error = signature_error(&parts.with(vec![(parts.delivery.clone(), forged)]));
        assert_eq!(error, (Level::Sender, Cause::Digest));
    });
}

#[test]
fn the_seal_altered_under_its_signature_is_refused() {
    for_each_style(|parts, _| {
        let later = parts.text(&parts.seal).replace("+01:00", "+02:00");
        let error = signature_error(&parts.with(vec![(parts.seal.clone(), later)]));
        assert_eq!(error, (Level::Seal, Cause::Digest));
    });
}

#[test]
fn parts_of_two_sound_deliveries_do_not_make_one() {
    if !installed("python3", &["-c", "import xmlsec, lxml"]) {
        return;
    }
    let (one, two) = (send(&CASES[0], python_sender()), send(&SECOND, python_sender()));
    for style in STYLES {
        let parts = |folder: &tempfile::TempDir| {
            let file = folder.path().join(format!("{style}.xml"));
            Parts::of(fs::read_to_string(file).unwrap())
        };
        let (one, two) = (parts(&one), parts(&two));
        let signed = vec![(one.signed.clone(), two.text(&two.signed).to_owned())];
        assert_eq!(signature_error(&one.with(signed)), (Level::Seal, Cause::Digest), "{style}");
        let delivery = vec![(one.delivery.clone(), two.text(&two.delivery).to_owned())];
        assert_eq!(signature_error(&one.with(delivery)), (Level::Sender, Cause::Digest), "{style}");
    }
}

/// Another message than that of the first case.
static SECOND: Case = Case {
    name: "another message",
    options: &["--message-id", "interop-2"],
    key: &rcgen::PKCS_RSA_SHA256,
    algorithm: SignatureAlgorithm::RsaSha256,
};

/// Runs a test on one delivery of an independent signer in each of its styles.
fn for_each_style(test: impl Fn(&Parts, &str)) {
    if !installed("python3", &["-c", "import xmlsec, lxml"]) {
        return;
    }
    let folder = send(&CASES[0], python_sender());
    for style in STYLES {
        let file = folder.path().join(format!("{style}.xml"));
        test(&Parts::of(fs::read_to_string(file).unwrap()), style);
    }
}

/// The same text with another meaning, wherever it stands.
fn forge(text: &str) -> String {
    let forged = text.replace("Välkommen", "Förfalskad");
    assert_ne!(forged, text);
    forged
}

fn parse_error(wire: &str) -> ParseError {
    match judge(wire) {
        Err(Refused::Parse(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn signature_error(wire: &str) -> (Level, Cause) {
    let judged: Result<Verified, Refused> = judge(wire);
    match judged {
        Err(Refused::Signature(error)) => (error.level, error.cause),
        other => panic!("{other:?}"),
    }
}
