//! Games with algorithms and values.

use super::signer::{DS, Plan, Refused, Signer, Spec, judge, judge_by, method};
use crate::delivery::signature::low_s::{Order, difference};
use crate::delivery::signature::{
    Cause, DigestAlgorithm, Level, Policy, SignatureAlgorithm, SignatureError,
};
use crate::delivery::soap::ParseError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";

#[test]
fn each_algorithm_of_the_profile_is_accepted() {
    let rsa = Signer::rsa();
    for (name, algorithm) in [
        ("rsa-sha256", SignatureAlgorithm::RsaSha256),
        ("rsa-sha384", SignatureAlgorithm::RsaSha384),
        ("rsa-sha512", SignatureAlgorithm::RsaSha512),
    ] {
        let verified =
            judge(&by(&rsa, |spec| spec.method = Some(signed_by(&format!("{MORE}{name}")))));
        assert_eq!(verified.unwrap().sender.algorithm, algorithm);
    }
    for (signer, algorithm) in [
        (Signer::p256(), SignatureAlgorithm::EcdsaSha256),
        (Signer::p384(), SignatureAlgorithm::EcdsaSha384),
    ] {
        assert_eq!(judge(&by(&signer, |_| ())).unwrap().seal.algorithm, algorithm);
    }
}

#[test]
fn each_digest_of_the_profile_is_accepted() {
    let signer = Signer::p256();
    for (uri, digest) in [
        ("http://www.w3.org/2001/04/xmlenc#sha256", DigestAlgorithm::Sha256),
        ("http://www.w3.org/2001/04/xmldsig-more#sha384", DigestAlgorithm::Sha384),
        ("http://www.w3.org/2001/04/xmlenc#sha512", DigestAlgorithm::Sha512),
    ] {
        let wire = by(&signer, |spec| spec.digest_method = method("DigestMethod", uri, ""));
        assert_eq!(judge(&wire).unwrap().sender.digest, digest);
    }
}

#[test]
fn a_sha1_digest_is_refused_and_by_exception_accepted_and_told() {
    let sha1 = method("DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1", "");
    let wire = by(&Signer::p256(), |spec| spec.digest_method = sha1);
    assert_sender(&wire, Cause::Sha1);
    let verified = judge_by(&wire, Policy { sha1_allowed: true, ..Policy::default() }).unwrap();
    assert!(verified.sender.uses_sha1() && !verified.seal.uses_sha1());
}

#[test]
fn a_signature_with_sha1_is_refused() {
    assert_method(&format!("{DS}rsa-sha1"), Cause::Sha1);
}

#[test]
fn an_hmac_keyed_with_the_public_certificate_is_refused() {
    assert_method(&format!("{MORE}hmac-sha256"), Cause::SignatureMethod);
}

#[test]
fn an_hmac_cut_to_no_bits_is_refused() {
    let cut = "<HMACOutputLength>0</HMACOutputLength>";
    let hmac = method("SignatureMethod", &format!("{DS}hmac-sha1"), cut);
    let wire = by(&Signer::p256(), |spec| spec.method = Some(hmac));
    assert_sender(&wire, Cause::SignatureMethod);
}

#[test]
fn an_output_length_in_an_allowed_method_is_refused() {
    let signer = Signer::p256();
    let cut = "<HMACOutputLength>0</HMACOutputLength>";
    let own = method("SignatureMethod", signer.method(), cut);
    let unexpected = ParseError::Unexpected { parent: "SignatureMethod" };
    assert_sender(&by(&signer, |spec| spec.method = Some(own)), Cause::Shape(unexpected));
}

#[test]
fn dsa_is_refused() {
    assert_method(&format!("{DS}dsa-sha1"), Cause::SignatureMethod);
}

#[test]
fn rsa_with_md5_is_refused() {
    assert_method(&format!("{MORE}rsa-md5"), Cause::SignatureMethod);
}

#[test]
fn rsa_pss_is_refused() {
    let pss = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1";
    assert_method(pss, Cause::SignatureMethod);
}

#[test]
fn an_unknown_signature_method_is_refused() {
    assert_method("none", Cause::SignatureMethod);
}

#[test]
fn an_unknown_digest_is_refused() {
    let none = method("DigestMethod", "urn:none", "");
    assert_sender(&by(&Signer::p256(), |spec| spec.digest_method = none), Cause::DigestMethod);
}

#[test]
fn an_md5_digest_is_refused() {
    let md5 = method("DigestMethod", &format!("{MORE}md5"), "");
    assert_sender(&by(&Signer::p256(), |spec| spec.digest_method = md5), Cause::DigestMethod);
}

#[test]
fn a_method_without_algorithm_is_refused() {
    let attribute = ParseError::Attribute { element: "Algorithm" };
    let none = "<DigestMethod></DigestMethod>".to_owned();
    let wire = by(&Signer::p256(), |spec| spec.digest_method = none);
    assert_sender(&wire, Cause::Shape(attribute));
}

#[test]
fn inclusive_canonicalisation_of_signed_info_is_refused() {
    assert_canonicalization("http://www.w3.org/TR/2001/REC-xml-c14n-20010315");
}

#[test]
fn canonicalisation_of_signed_info_with_comments_is_refused() {
    assert_canonicalization("http://www.w3.org/2001/10/xml-exc-c14n#WithComments");
}

#[test]
fn xslt_as_canonicalisation_of_signed_info_is_refused() {
    assert_canonicalization("http://www.w3.org/TR/1999/REC-xslt-19991116");
}

#[test]
fn a_digest_of_another_length_than_its_algorithm_is_refused() {
    for value in ["", "AAAA"] {
        let wire = by(&Signer::p256(), |spec| spec.digest_value = Some(value.into()));
        assert_sender(&wire, Cause::Value);
    }
}

#[test]
fn a_wrong_digest_that_is_duly_signed_is_refused() {
    let zeros = format!("{}=", "A".repeat(43));
    let wire = by(&Signer::p256(), |spec| spec.digest_value = Some(zeros));
    assert_sender(&wire, Cause::Digest);
}

#[test]
fn an_empty_signature_value_is_refused() {
    assert_value("", Cause::SignatureValue);
}

#[test]
fn a_signature_value_of_zeros_is_refused() {
    // r = s = 0 satisfied a verifier once (CVE-2022-21449).
    assert_value(&format!("{}==", "A".repeat(86)), Cause::SignatureValue);
}

#[test]
fn a_signature_value_that_is_no_base64_is_refused() {
    assert_value("?", Cause::Value);
}

#[test]
fn an_over_long_signature_value_is_refused() {
    assert_value(&"AAAA".repeat(400), Cause::Value);
}

#[test]
fn the_digest_of_a_megabyte_is_not_taken_where_the_signature_value_is_wrong() {
    let mut plan = Plan::default();
    plan.inner.value = Some("AAAA".into());
    plan.inner.digest_value = Some("A".repeat(43) + "=");
    plan.delivery = plan.delivery.replace("SGVq", &"SGVq".repeat(1 << 18));
    // The digest is wrong as well: the cause told is the one that is cheap to find.
    assert_sender(&plan.by(&Signer::p256()), Cause::SignatureValue);
}

#[test]
fn an_ecdsa_signature_spelt_the_other_way_fits_and_is_known_as_the_same() {
    for (signer, order) in [(Signer::p256(), Order::P256), (Signer::p384(), Order::P384)] {
        let first = judge(&by(&signer, |_| ())).unwrap().sender;
        let (r, s) = first.signature_value.split_at(order.octets().len());
        let other = [r, &difference(order.octets(), s).unwrap()].concat();
        let wire = by(&signer, |spec| spec.value = Some(STANDARD.encode(&other)));
        let second = judge(&wire).unwrap().sender;
        assert_ne!(first.signature_value, second.signature_value);
        assert_eq!(first.settled_value(), second.settled_value());
    }
}

#[test]
fn other_signatures_and_those_by_rsa_are_told_apart_as_they_stand() {
    let [ecdsa, rsa] = [Signer::p256(), Signer::rsa()].map(|signer| {
        let mut plan = Plan::default();
        let first = judge(&plan.by(&signer)).unwrap().sender;
        plan.delivery = plan.delivery.replace("SGVq", "SGVqIQ==");
        let second = judge(&plan.by(&signer)).unwrap().sender;
        assert_ne!(first.settled_value(), second.settled_value());
        first
    });
    assert_eq!(ecdsa.settled_value().len(), 64);
    assert_eq!(rsa.settled_value(), rsa.signature_value);
}

fn by(signer: &Signer, change: impl FnOnce(&mut Spec)) -> String {
    let mut plan = Plan::default();
    change(&mut plan.inner);
    plan.by(signer)
}

fn signed_by(uri: &str) -> String {
    method("SignatureMethod", uri, "")
}

fn assert_method(uri: &str, cause: Cause) {
    assert_sender(&by(&Signer::p256(), |spec| spec.method = Some(signed_by(uri))), cause);
}

fn assert_canonicalization(uri: &str) {
    let other = method("CanonicalizationMethod", uri, "");
    let wire = by(&Signer::p256(), |spec| spec.canonicalization = other);
    assert_sender(&wire, Cause::CanonicalizationMethod);
}

fn assert_value(value: &str, cause: Cause) {
    assert_sender(&by(&Signer::p256(), |spec| spec.value = Some(value.into())), cause);
}

fn assert_sender(wire: &str, cause: Cause) {
    let error = SignatureError { level: Level::Sender, cause };
    assert_eq!(judge(wire), Err(Refused::Signature(error)));
}
