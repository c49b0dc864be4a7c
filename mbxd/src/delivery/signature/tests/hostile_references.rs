//! Foreign references, and games with transforms. Every signature here is made by the sender's
//! own key over exactly what it says: only the profile refuses it.

use super::signer::{ENVELOPED, EXC, Plan, Refused, Signer, Spec, delivery, judge, method};
use crate::delivery::signature::{Cause, Form, Level, SignatureError};
use crate::delivery::soap::ParseError;

#[test]
fn a_sound_delivery_is_accepted() {
    let verified = judge(&Plan::default().by(&Signer::p256())).unwrap();
    assert_eq!((verified.sender.form, verified.seal.form), (Form::PrefixFree, Form::PrefixFree));
}

#[test]
fn exclusive_canonicalisation_as_second_transform_is_accepted() {
    let both = [ENVELOPED, EXC].map(|uri| method("Transform", uri, "")).concat();
    judge(&inner(|spec| spec.transforms = both)).unwrap();
}

#[test]
fn a_reference_to_the_elements_own_id_is_accepted() {
    let mut plan = Plan { signed_attributes: " Id=\"d1\"".into(), ..Plan::default() };
    plan.inner.reference = " URI=\"#d1\"".into();
    judge(&plan.by(&Signer::p256())).unwrap();
}

#[test]
fn a_list_of_32_inclusive_prefixes_is_accepted_and_one_of_33_is_not() {
    let list = |count: usize| {
        let prefixes: Vec<_> = (0..count).map(|n| format!("p{n}")).collect();
        let child = format!(
            "<InclusiveNamespaces xmlns=\"{EXC}\" PrefixList=\"{}\"></InclusiveNamespaces>",
            prefixes.join(" ")
        );
        method("Transform", ENVELOPED, "") + &method("Transform", EXC, &child)
    };
    judge(&inner(|spec| spec.transforms = list(32))).unwrap();
    assert_sender(&inner(|spec| spec.transforms = list(33)), Cause::PrefixList);
}

#[test]
fn a_reference_over_http_is_refused() {
    assert_reference("http://evil.example/SignedDelivery.xml");
}

#[test]
fn a_reference_to_a_file_is_refused() {
    assert_reference("file:///etc/passwd");
}

#[test]
fn a_reference_to_an_attached_part_is_refused() {
    assert_reference("cid:part1@example");
}

#[test]
fn a_reference_by_xpointer_to_the_root_is_refused() {
    assert_reference("#xpointer(/)");
}

#[test]
fn a_reference_by_xpointer_to_an_id_is_refused() {
    assert_reference("#xpointer(id('d1'))");
}

#[test]
fn a_reference_to_nothing_but_a_hash_is_refused() {
    assert_reference("#");
}

#[test]
fn a_reference_to_another_elements_id_is_refused() {
    let mut plan = Plan { sealed_attributes: " Id=\"s1\"".into(), ..Plan::default() };
    plan.inner.reference = " URI=\"#s1\"".into();
    assert_sender(&plan.by(&Signer::p256()), Cause::Reference);
}

#[test]
fn a_reference_past_the_elements_own_id_to_another_is_refused() {
    let mut plan = Plan {
        signed_attributes: " Id=\"d1\"".into(),
        sealed_attributes: " Id=\"s1\"".into(),
        ..Plan::default()
    };
    plan.inner.reference = " URI=\"#s1\"".into();
    assert_sender(&plan.by(&Signer::p256()), Cause::Reference);
}

#[test]
fn a_reference_without_uri_is_refused() {
    assert_sender(&inner(|spec| spec.reference = String::new()), Cause::Reference);
}

#[test]
fn a_reference_of_type_manifest_is_refused() {
    let manifest = " Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\" URI=\"\"";
    assert_sender(&inner(|spec| spec.reference = manifest.into()), Cause::Reference);
}

#[test]
fn a_second_reference_is_refused() {
    let second = format!(
        "<Reference URI=\"\"><Transforms>{}</Transforms>{}<DigestValue>AAAA</DigestValue></Reference>",
        Spec::default().transforms,
        Spec::default().digest_method
    );
    let unexpected = ParseError::Unexpected { parent: "SignedInfo" };
    assert_sender(&inner(|spec| spec.more = second), Cause::Shape(unexpected));
}

#[test]
fn an_id_that_another_element_bears_too_is_refused() {
    let twin = "<x xmlns=\"urn:x\" Id=\"d1\"></x>";
    assert_id_twin(twin);
}

#[test]
fn an_id_that_another_element_bears_as_xml_id_is_refused() {
    assert_id_twin("<x xmlns=\"urn:x\" xml:id=\"d1\"></x>");
}

#[test]
fn an_id_that_another_element_bears_in_another_spelling_is_refused() {
    assert_id_twin("<x xmlns=\"urn:x\" ID=\"d1\"></x>");
}

#[test]
fn an_id_that_the_soap_body_bears_too_is_refused() {
    let mut plan = Plan { signed_attributes: " Id=\"d1\"".into(), ..Plan::default() };
    plan.inner.reference = " URI=\"#d1\"".into();
    let wire =
        plan.by(&Signer::p256()).replace("<e:Body>", "<e:Body xmlns:u=\"urn:u\" u:Id=\"d1\">");
    assert_sender(&wire, Cause::IdNotUnique);
}

#[test]
fn no_transform_is_refused() {
    let missing = ParseError::Missing { parent: "Transforms", child: "Transform" };
    assert_sender(&inner(|spec| spec.transforms = String::new()), Cause::Shape(missing));
}

#[test]
fn an_xpath_transform_is_refused() {
    let xpath = method(
        "Transform",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "<XPath>true()</XPath>",
    );
    assert_transforms(&(method("Transform", ENVELOPED, "") + &xpath));
}

#[test]
fn an_xpath_filter_transform_is_refused() {
    let filter = method("Transform", "http://www.w3.org/2002/06/xmldsig-filter2", "");
    assert_transforms(&(method("Transform", ENVELOPED, "") + &filter));
}

#[test]
fn an_xslt_transform_is_refused() {
    assert_transforms(&method("Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116", ""));
}

#[test]
fn a_base64_transform_is_refused() {
    assert_transforms(&method("Transform", "http://www.w3.org/2000/09/xmldsig#base64", ""));
}

#[test]
fn canonicalisation_before_the_enveloped_transform_is_refused() {
    assert_transforms(&[EXC, ENVELOPED].map(|uri| method("Transform", uri, "")).concat());
}

#[test]
fn the_enveloped_transform_twice_is_refused() {
    assert_transforms(&[ENVELOPED, ENVELOPED].map(|uri| method("Transform", uri, "")).concat());
}

#[test]
fn a_third_transform_is_refused() {
    assert_transforms(&[ENVELOPED, EXC, EXC].map(|uri| method("Transform", uri, "")).concat());
}

#[test]
fn inclusive_canonicalisation_as_transform_is_refused() {
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    assert_transforms(&[ENVELOPED, inclusive].map(|uri| method("Transform", uri, "")).concat());
}

#[test]
fn canonicalisation_with_comments_as_transform_is_refused() {
    let comments = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
    assert_transforms(&[ENVELOPED, comments].map(|uri| method("Transform", uri, "")).concat());
}

#[test]
fn anything_inside_the_enveloped_transform_is_refused() {
    let inside = method("Transform", ENVELOPED, "<XPath>self::node()</XPath>");
    let unexpected = ParseError::Unexpected { parent: "Transform" };
    assert_sender(&inner(|spec| spec.transforms = inside), Cause::Shape(unexpected));
}

/// A sound delivery but for the inner signature's specification.
fn inner(change: impl FnOnce(&mut Spec)) -> String {
    let mut plan = Plan::default();
    change(&mut plan.inner);
    plan.by(&Signer::p256())
}

fn assert_reference(uri: &str) {
    assert_sender(&inner(|spec| spec.reference = format!(" URI=\"{uri}\"")), Cause::Reference);
}

fn assert_transforms(transforms: &str) {
    assert_sender(&inner(|spec| spec.transforms = transforms.into()), Cause::Transforms);
}

fn assert_id_twin(twin: &str) {
    let mut plan = Plan {
        signed_attributes: " Id=\"d1\"".into(),
        delivery: delivery(twin),
        ..Plan::default()
    };
    let signer = Signer::p256();
    plan.inner.reference = " URI=\"#d1\"".into();
    assert_sender(&plan.by(&signer), Cause::IdNotUnique);
    // Referred to as the whole document, the same delivery is sound.
    plan.inner.reference = " URI=\"\"".into();
    judge(&plan.by(&signer)).unwrap();
}

fn assert_sender(wire: &str, cause: Cause) {
    let error = SignatureError { level: Level::Sender, cause };
    assert_eq!(judge(wire), Err(Refused::Signature(error)));
}
