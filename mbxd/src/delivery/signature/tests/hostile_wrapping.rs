//! Signature wrapping in its known forms: signed elements moved, doubled, hidden or replaced so
//! that one thing is verified and another one read.

use super::signer::{DS, M2, M3, Plan, Refused, S3, SOAP, Signer, delivery, envelope, judge, seal};
use crate::delivery::signature::{Cause, Level, SignatureError};
use crate::delivery::soap::{Document, ParseError, PrescanLimits, Request, parse};

#[test]
fn the_signed_delivery_hidden_in_a_header_entry_beside_a_forged_one_is_refused() {
    let base = base();
    let header = format!("<e:Header><h xmlns=\"urn:h\">{}</h></e:Header>", base.signed);
    let wire = base.forged().replace("<e:Header/>", &header);
    assert_count(&wire);
}

#[test]
fn the_signed_delivery_hidden_in_official_matter_of_a_forged_one_is_refused() {
    let base = base();
    let matter = format!("<w xmlns=\"urn:w\">{}</w>", base.signed);
    let hidden = delivery(&matter);
    assert_count(&base.wire.replace(&delivery(""), &hidden));
}

#[test]
fn the_forged_delivery_with_the_only_signature_left_in_the_hidden_one_is_refused() {
    let base = base();
    let matter = format!("<w xmlns=\"urn:w\">{}</w>", base.signed);
    let unsigned = format!("<SignedDelivery xmlns=\"{M3}\">{}</SignedDelivery>", delivery(&matter));
    let wire = base.wire.replace(&base.signed, &unsigned);
    let missing = ParseError::Missing { parent: "SignedDelivery", child: "Signature" };
    assert_eq!(judge(&wire), Err(Refused::Parse(missing)));
}

#[test]
fn the_signed_delivery_hidden_in_an_object_of_the_signature_is_refused() {
    let base = base();
    let object = format!("<Object>{}</Object></Signature></SignedDelivery>", base.signed);
    let wire = base.forged().replacen("</Signature></SignedDelivery>", &object, 1);
    assert_count(&wire);
}

#[test]
fn an_object_in_the_signature_is_refused() {
    let mut plan = Plan::default();
    plan.inner.behind = "<Object>x</Object>".into();
    let unexpected = ParseError::Unexpected { parent: "Signature" };
    let error = SignatureError { level: Level::Sender, cause: Cause::Shape(unexpected) };
    assert_eq!(judge(&plan.by(&Signer::p256())), Err(Refused::Signature(error)));
}

#[test]
fn a_second_signed_delivery_behind_the_first_is_refused() {
    let base = base();
    let twice = base.signed.repeat(2);
    assert_parent(&base.wire.replace(&base.signed, &twice), "Seal");
}

#[test]
fn a_forged_signed_delivery_before_the_sound_one_is_refused() {
    let base = base();
    let both = base.signed.replace("Beslut", "Falskt") + &base.signed;
    assert_parent(&base.wire.replace(&base.signed, &both), "Seal");
}

#[test]
fn a_second_element_in_the_body_is_refused() {
    let base = base();
    let wire = base.wire.replace("</e:Body>", &format!("{}</e:Body>", base.body));
    assert_eq!(judge(&wire), Err(Refused::Parse(ParseError::BodyNotSingle)));
}

#[test]
fn a_second_body_is_refused() {
    let base = base();
    let wire =
        base.wire.replace("</e:Envelope>", &format!("<e:Body>{}</e:Body></e:Envelope>", base.body));
    let unexpected = ParseError::Unexpected { parent: "Envelope" };
    assert_eq!(judge(&wire), Err(Refused::Parse(unexpected)));
}

#[test]
fn a_second_inner_operation_is_refused() {
    let base = base();
    let start = base.body.find("<deliverSecure>").unwrap();
    let end = base.body.rfind("</deliverSecure>").unwrap();
    let inner = &base.body[start..end];
    let unexpected = ParseError::Unexpected { parent: "the operation" };
    let wire = base.wire.replace(inner, &inner.repeat(2));
    assert_eq!(judge(&wire), Err(Refused::Parse(unexpected)));
}

#[test]
fn the_signature_before_the_content_is_refused_though_its_digest_fits() {
    let base = base();
    let (start, end) = (base.signed.find("<Signature").unwrap(), "</SignedDelivery>");
    let signature = base.signed[start..].strip_suffix(end).unwrap();
    let moved =
        base.signed.replace(signature, "").replace("<Delivery>", &format!("{signature}<Delivery>"));
    let missing = ParseError::Missing { parent: "SignedDelivery", child: "Delivery" };
    assert_eq!(judge(&base.wire.replace(&base.signed, &moved)), Err(Refused::Parse(missing)));
}

#[test]
fn the_seals_signature_before_the_seal_is_refused_though_its_digest_fits() {
    let base = base();
    let wire = base.wire.replace(&base.seal, "").replace(
        "</deliverSecure></deliverSecure>",
        &format!("{}</deliverSecure></deliverSecure>", base.seal),
    );
    let missing = ParseError::Missing { parent: "SealedDelivery", child: "Seal" };
    assert_eq!(judge(&wire), Err(Refused::Parse(missing)));
}

#[test]
fn a_second_signature_in_the_signed_delivery_is_refused() {
    let base = base();
    let start = base.signed.find("<Signature").unwrap();
    let signature = base.signed[start..].strip_suffix("</SignedDelivery>").unwrap();
    let wire = base.wire.replacen(signature, &signature.repeat(2), 1);
    let unexpected = ParseError::Unexpected { parent: "SignedDelivery" };
    assert_eq!(judge(&wire), Err(Refused::Parse(unexpected)));
}

#[test]
fn a_third_signature_anywhere_is_refused() {
    let third = format!("<Signature xmlns=\"{DS}\"></Signature>");
    let plan = Plan { delivery: delivery(&third), ..Plan::default() };
    assert_count(&plan.by(&Signer::p256()));
}

#[test]
fn the_signature_wrapped_in_another_element_is_refused() {
    let base = base();
    let start = base.signed.find("<Signature").unwrap();
    let signature = base.signed[start..].strip_suffix("</SignedDelivery>").unwrap();
    let wire = base.wire.replacen(signature, &format!("<w xmlns=\"urn:w\">{signature}</w>"), 1);
    let missing = ParseError::Missing { parent: "SignedDelivery", child: "Signature" };
    assert_eq!(judge(&wire), Err(Refused::Parse(missing)));
}

#[test]
fn no_signature_of_the_sender_is_refused() {
    let base = base();
    let start = base.signed.find("<Signature").unwrap();
    let unsigned = base.signed[..start].to_owned() + "</SignedDelivery>";
    let missing = ParseError::Missing { parent: "SignedDelivery", child: "Signature" };
    let wire = base.wire.replace(&base.signed, &unsigned);
    assert_eq!(judge(&wire), Err(Refused::Parse(missing)));
}

#[test]
fn another_delivery_under_the_senders_signature_is_refused() {
    let base = base();
    let error = SignatureError { level: Level::Sender, cause: Cause::Digest };
    assert_eq!(judge(&base.forged()), Err(Refused::Signature(error)));
}

#[test]
fn a_sound_signed_delivery_under_the_seal_of_another_is_refused() {
    let signer = Signer::p256();
    let other = Plan { delivery: delivery("").replace("Beslut", "Annat"), ..Plan::default() };
    let base = Base::of(&Plan::default(), &signer);
    let wire = base.wire.replace(&base.signed, &Base::of(&other, &signer).signed);
    assert_seal(&wire, Cause::Digest);
}

#[test]
fn a_changed_seal_is_refused() {
    let base = base();
    assert_seal(&base.wire.replace("2026-11-24", "2026-11-25"), Cause::Digest);
}

#[test]
fn the_senders_signature_in_place_of_the_seals_is_refused() {
    let base = base();
    let start = base.signed.find("<Signature").unwrap();
    let inner = base.signed[start..].strip_suffix("</SignedDelivery>").unwrap();
    assert_seal(&base.wire.replace(&base.signature, inner), Cause::Digest);
}

#[test]
fn a_seal_that_says_no_is_refused_though_duly_signed() {
    let plan = Plan { seal: seal("false"), ..Plan::default() };
    assert_seal(&plan.by(&Signer::p256()), Cause::SealSaysNo);
}

#[test]
fn a_signed_element_in_a_lookalike_namespace_is_refused() {
    let base = base();
    let wire = base.wire.replace(
        &format!("<SignedDelivery xmlns=\"{M3}\">"),
        &format!("<SignedDelivery xmlns=\"{M3}/\">"),
    );
    let missing = ParseError::Missing { parent: "SealedDelivery", child: "SignedDelivery" };
    assert_eq!(judge(&wire), Err(Refused::Parse(missing)));
}

#[test]
fn a_signature_in_a_lookalike_namespace_is_refused() {
    let base = base();
    let wire = base.wire.replacen(DS, "http://www.w3.org/2000/09/xmldsig", 1);
    let missing = ParseError::Missing { parent: "SignedDelivery", child: "Signature" };
    assert_eq!(judge(&wire), Err(Refused::Parse(missing)));
}

#[test]
fn the_header_in_the_wrong_message_version_is_refused() {
    let base = base();
    let wire = base.wire.replace(M2, M3);
    let missing = ParseError::Missing { parent: "Header", child: "Sender" };
    assert_eq!(judge(&wire), Err(Refused::Parse(missing)));
}

#[test]
fn prefixes_bound_anew_for_parts_of_the_tree_read_alike_and_verify() {
    let base = base();
    // The same names under prefixes that change their meaning on the way down.
    let wire = base
        .wire
        .replace(&format!("<Sender xmlns=\"{M2}\">"), &format!("<e:Sender xmlns:e=\"{M2}\">"))
        .replace("</Sender>", "</e:Sender>");
    judge(&wire).unwrap();
}

#[test]
fn a_prefix_bound_to_another_namespace_on_the_way_down_is_refused() {
    let base = base();
    let wire = base
        .wire
        .replace(&format!("<Sender xmlns=\"{M2}\">"), &format!("<p:Sender xmlns:p=\"{SOAP}\">"))
        .replace("</Sender>", "</p:Sender>");
    let missing = ParseError::Missing { parent: "Header", child: "Sender" };
    assert_eq!(judge(&wire), Err(Refused::Parse(missing)));
}

#[test]
fn what_is_parsed_is_what_was_digested_where_text_is_written_otherwise() {
    let base = base();
    let wire = base
        .wire
        .replace("<Subject>Beslut</Subject>", "<Subject>B&#101;s<![CDATA[lu]]>t</Subject>")
        .replace(">SGVq<", ">S<![CDATA[GV]]>q<");
    judge(&wire).unwrap();
    let document = Document::read(wire.as_bytes(), &PrescanLimits::default()).unwrap();
    let Ok(Request::DeliverSecure(delivery)) = parse(&document) else { panic!() };
    assert_eq!(delivery.messages[0].header.subject.as_str(), "Beslut");
    let mut body = Vec::new();
    let octets = &delivery.messages[0].body.octets;
    octets.each(wire.as_bytes(), |piece| body.extend_from_slice(piece)).unwrap();
    assert_eq!(body, b"Hej");
}

#[test]
fn the_sealed_delivery_under_another_operation_is_refused() {
    let base = base();
    let wire = base.wire.replace("deliverSecure", "notify");
    let error = Document::read(wire.as_bytes(), &PrescanLimits::default()).map(|d| parse(&d).err());
    let missing = ParseError::Missing { parent: "notify", child: "Header" };
    assert_eq!(error.unwrap(), Some(missing));
}

#[test]
fn white_space_added_between_signed_elements_is_refused() {
    let base = base();
    let error = SignatureError { level: Level::Sender, cause: Cause::Digest };
    let wire = base.wire.replace("</Header><Message>", "</Header>\n<Message>");
    assert_eq!(judge(&wire), Err(Refused::Signature(error)));
}

#[test]
fn an_attribute_slipped_onto_a_signed_element_is_refused() {
    let base = base();
    let attribute = ParseError::Attribute { element: "Message" };
    let wire = base.wire.replace("<Message>", "<Message hidden=\"1\">");
    assert_eq!(judge(&wire), Err(Refused::Parse(attribute)));
}

#[test]
fn a_claimed_type_is_ignored_in_parsing_and_never_outside_the_signature() {
    let base = base();
    let xsi = "http://www.w3.org/2001/XMLSchema-instance";
    let claimed = format!("<Message xmlns:i=\"{xsi}\" i:type=\"Other\">");
    let wire = base.wire.replace("<Message>", &claimed);
    let error = SignatureError { level: Level::Sender, cause: Cause::Digest };
    assert_eq!(judge(&wire), Err(Refused::Signature(error)));
    let signed = Plan { delivery: delivery("").replace("<Message>", &claimed), ..Plan::default() };
    judge(&signed.by(&Signer::p256())).unwrap();
}

#[test]
fn a_request_cut_anywhere_is_refused() {
    let wire = base().wire;
    for len in (0..wire.len()).filter(|len| wire.is_char_boundary(*len)) {
        assert!(matches!(judge(&wire[..len]), Err(Refused::Read(_))), "cut at {len}");
    }
}

/// A sound request taken apart, with the texts as they stand in it.
struct Base {
    wire: String,
    body: String,
    signed: String,
    seal: String,
    signature: String,
}

fn base() -> Base {
    Base::of(&Plan::default(), &Signer::p256())
}

impl Base {
    fn of(plan: &Plan, signer: &Signer) -> Self {
        let wire = plan.by(signer);
        judge(&wire).unwrap();
        let cut = |from: &str, to: &str| {
            let start = wire.find(from).unwrap();
            let end = start + wire[start..].find(to).unwrap() + to.len();
            wire[start..end].to_owned()
        };
        let signature = wire[wire.rfind("<Signature ").unwrap()..].to_owned();
        let signature = signature.split_inclusive("</Signature>").next().unwrap().to_owned();
        let start = wire.find(&format!("<deliverSecure xmlns=\"{S3}\"")).unwrap();
        let body = wire[start..wire.find("</e:Body>").unwrap()].to_owned();
        assert_eq!(envelope(&body), wire);
        Self {
            body,
            signed: cut("<SignedDelivery", "</SignedDelivery>"),
            seal: cut("<Seal ", "</Seal>"),
            signature,
            wire,
        }
    }

    /// The request with another subject.
    fn forged(&self) -> String {
        self.wire.replace("Beslut", "Falskt")
    }
}

fn assert_count(wire: &str) {
    assert_seal(wire, Cause::Count);
}

fn assert_seal(wire: &str, cause: Cause) {
    let error = SignatureError { level: Level::Seal, cause };
    assert_eq!(judge(wire), Err(Refused::Signature(error)));
}

/// The element that is looked for is not the one that stands there.
fn assert_parent(wire: &str, child: &'static str) {
    let missing = ParseError::Missing { parent: "SealedDelivery", child };
    assert_eq!(judge(wire), Err(Refused::Parse(missing)));
}
