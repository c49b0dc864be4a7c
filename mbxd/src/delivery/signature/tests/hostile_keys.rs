//! Games with key information.

use super::signer::{Plan, Refused, Signer, Spec, judge, judge_by, method};
use crate::delivery::signature::{Cause, Level, Policy, SignatureError};
use crate::delivery::soap::ParseError;

#[test]
fn the_first_certificate_is_the_signers_whatever_the_subject_name_says() {
    let signer = Signer::p256();
    let verified = judge(&Plan::default().by(&signer)).unwrap();
    assert_eq!(verified.sender.certificates.len(), 1);
    assert_eq!(verified.sender.certificates[0].as_ref(), signer.certificate);
}

#[test]
fn a_chain_of_six_is_handed_on_in_order_and_one_of_seven_refused() {
    let (signer, other) = (Signer::p256(), Signer::p256());
    let chain = |more: usize| {
        let rest = other.x509_certificate().repeat(more);
        format!("<X509Data>{}{rest}</X509Data>", signer.x509_certificate())
    };
    let verified = judge(&with_key_info(&signer, chain(5))).unwrap();
    assert_eq!(verified.sender.certificates.len(), 6);
    assert_eq!(verified.sender.certificates[0].as_ref(), signer.certificate);
    let cause = Cause::CertificateCount { max: 6 };
    assert_sender(&with_key_info(&signer, chain(6)), cause);
}

#[test]
fn another_certificate_before_the_signers_own_is_refused() {
    let (signer, other) = (Signer::p256(), Signer::p256());
    let both = [&other, &signer].map(Signer::x509_certificate).concat();
    let wire = with_key_info(&signer, format!("<X509Data>{both}</X509Data>"));
    assert_sender(&wire, Cause::SignatureValue);
}

#[test]
fn a_second_x509_data_is_refused() {
    let signer = Signer::p256();
    assert_unexpected(&signer, signer.x509_data().repeat(2), "KeyInfo");
}

#[test]
fn a_bare_key_value_is_refused() {
    assert_missing("<KeyValue><RSAKeyValue></RSAKeyValue></KeyValue>");
}

#[test]
fn a_key_value_beside_the_certificate_is_refused() {
    let signer = Signer::p256();
    let both = signer.x509_data() + "<KeyValue></KeyValue>";
    assert_unexpected(&signer, both, "KeyInfo");
}

#[test]
fn a_key_name_is_refused() {
    assert_missing("<KeyName>Kommun A</KeyName>");
}

#[test]
fn a_retrieval_method_is_refused() {
    assert_missing("<RetrievalMethod URI=\"http://evil.example/key\"></RetrievalMethod>");
}

#[test]
fn an_empty_key_info_is_refused() {
    assert_missing("");
}

#[test]
fn x509_data_without_certificate_is_refused() {
    let signer = Signer::p256();
    let only = "<X509Data><X509SubjectName>CN=x</X509SubjectName></X509Data>".to_owned();
    assert_sender(&with_key_info(&signer, only), Cause::Certificate);
}

#[test]
fn an_issuer_and_serial_instead_of_a_certificate_is_refused() {
    let signer = Signer::p256();
    let only = "<X509Data><X509IssuerSerial></X509IssuerSerial></X509Data>".to_owned();
    assert_unexpected(&signer, only, "X509Data");
}

#[test]
fn a_certificate_that_is_none_is_refused() {
    let only = "<X509Data><X509Certificate>AAAA</X509Certificate></X509Data>".to_owned();
    assert_sender(&with_key_info(&Signer::p256(), only), Cause::Certificate);
}

#[test]
fn a_certificate_with_octets_behind_it_is_refused() {
    let mut signer = Signer::p256();
    signer.certificate.extend_from_slice(&[0; 3]);
    assert_sender(&Plan::default().by(&signer), Cause::Certificate);
}

#[test]
fn an_over_long_certificate_is_refused() {
    let long = "AAAA".repeat(8193);
    let only = format!("<X509Data><X509Certificate>{long}</X509Certificate></X509Data>");
    let cause = Cause::CertificateLen { max: 24 * 1024 };
    assert_sender(&with_key_info(&Signer::p256(), only), cause);
}

#[test]
fn an_rsa_key_for_an_ecdsa_signature_is_refused() {
    let ecdsa = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    let wire = inner(&Signer::rsa(), |spec| {
        spec.method = Some(method("SignatureMethod", ecdsa, ""));
    });
    assert_sender(&wire, Cause::KeyKind);
}

#[test]
fn an_ecdsa_key_for_an_rsa_signature_is_refused() {
    let rsa = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let wire = inner(&Signer::p256(), |spec| {
        spec.method = Some(method("SignatureMethod", rsa, ""));
    });
    assert_sender(&wire, Cause::KeyKind);
}

#[test]
fn a_key_on_the_other_curve_is_refused() {
    let sha384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
    let wire = inner(&Signer::p256(), |spec| {
        spec.method = Some(method("SignatureMethod", sha384, ""));
    });
    assert_sender(&wire, Cause::KeyKind);
}

#[test]
fn a_key_on_a_curve_outside_the_profile_is_refused() {
    let ecdsa = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    let wire = inner(&Signer::p521(), |spec| {
        spec.method = Some(method("SignatureMethod", ecdsa, ""));
    });
    assert_sender(&wire, Cause::KeyKind);
}

#[test]
fn an_ed25519_key_is_refused() {
    assert_sender(&Plan::default().by(&Signer::ed25519()), Cause::KeyKind);
}

#[test]
fn a_longer_key_can_be_asked_for() {
    let wire = Plan::default().by(&Signer::rsa());
    let policy = Policy { rsa_bits_min: 3072, ..Policy::default() };
    let cause = Cause::KeyShort { bits: 2048, min: 3072 };
    let error = SignatureError { level: Level::Sender, cause };
    assert_eq!(judge_by(&wire, policy), Err(Refused::Signature(error)));
}

#[test]
fn each_level_gives_its_own_signer() {
    let (sender, dispatcher) = (Signer::p256(), Signer::p384());
    let verified = judge(&Plan::default().wire(&sender, &dispatcher)).unwrap();
    assert_eq!(verified.sender.certificates[0].as_ref(), sender.certificate);
    assert_eq!(verified.seal.certificates[0].as_ref(), dispatcher.certificate);
}

fn with_key_info(signer: &Signer, key_info: String) -> String {
    inner(signer, |spec| spec.key_info = Some(key_info))
}

fn inner(signer: &Signer, change: impl FnOnce(&mut Spec)) -> String {
    let mut plan = Plan::default();
    change(&mut plan.inner);
    plan.by(signer)
}

fn assert_missing(key_info: &str) {
    let missing = ParseError::Missing { parent: "KeyInfo", child: "X509Data" };
    let wire = with_key_info(&Signer::p256(), key_info.into());
    assert_sender(&wire, Cause::Shape(missing));
}

fn assert_unexpected(signer: &Signer, key_info: String, parent: &'static str) {
    let unexpected = ParseError::Unexpected { parent };
    assert_sender(&with_key_info(signer, key_info), Cause::Shape(unexpected));
}

fn assert_sender(wire: &str, cause: Cause) {
    let error = SignatureError { level: Level::Sender, cause };
    assert_eq!(judge(wire), Err(Refused::Signature(error)));
}
