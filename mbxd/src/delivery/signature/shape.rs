//! The one form of a `Signature` element that is taken.

use super::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use super::error::Cause;
use super::policy::Policy;
use crate::delivery::soap::{Children, Element, Name, ns};
use crate::mailbox::decode_base64;
use rustls_pki_types::CertificateDer;

/// A `Signature` element, read.
pub(super) struct Shape<'d> {
    /// What the signature value is over.
    pub(super) signed_info: Element<'d>,
    /// Inclusive prefixes of the canonicalisation of `SignedInfo`.
    pub(super) signed_info_prefixes: Vec<&'d str>,
    /// The signature algorithm.
    pub(super) algorithm: SignatureAlgorithm,
    /// `URI` of the reference.
    pub(super) uri: &'d str,
    /// Inclusive prefixes of the reference's second transform.
    pub(super) reference_prefixes: Vec<&'d str>,
    /// The digest algorithm.
    pub(super) digest: DigestAlgorithm,
    /// `DigestValue`.
    pub(super) digest_value: Vec<u8>,
    /// `SignatureValue`.
    pub(super) signature_value: Vec<u8>,
    /// The certificates, the signer's first.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

impl<'d> Shape<'d> {
    /// Reads it.
    pub(super) fn read(signature: Element<'d>, policy: Policy) -> Result<Self, Cause> {
        let mut parts = Children::of_signed(signature, "Signature")?;
        let signed_info = parts.required(ds("SignedInfo"))?;
        let value = parts.required(ds("SignatureValue"))?;
        let key_info = parts.required(ds("KeyInfo"))?;
        parts.end()?;
        let mut info = Children::of_signed(signed_info, "SignedInfo")?;
        let method = info.required(ds("CanonicalizationMethod"))?;
        if algorithm_of(method)? != ns::EXC_C14N {
            return Err(Cause::CanonicalizationMethod);
        }
        let signed_info_prefixes = prefix_list(method, "CanonicalizationMethod")?;
        let method = info.required(ds("SignatureMethod"))?;
        let algorithm = SignatureAlgorithm::read(algorithm_of(method)?, policy)?;
        refuse_children(method, "SignatureMethod")?;
        let reference = info.required(ds("Reference"))?;
        info.end()?;
        let reference = Reference::read(reference, policy)?;
        Ok(Self {
            signed_info,
            signed_info_prefixes,
            algorithm,
            uri: reference.uri,
            reference_prefixes: reference.prefixes,
            digest: reference.digest,
            digest_value: reference.value,
            signature_value: octets(value, "SignatureValue", SIGNATURE_LEN_MAX)?,
            certificates: certificates(key_info)?,
        })
    }
}

struct Reference<'d> {
    uri: &'d str,
    prefixes: Vec<&'d str>,
    digest: DigestAlgorithm,
    value: Vec<u8>,
}

impl<'d> Reference<'d> {
    fn read(element: Element<'d>, policy: Policy) -> Result<Self, Cause> {
        if element
            .0
            .attributes()
            .any(|a| a.namespace().is_some() || !matches!(a.name(), "URI" | "Id"))
        {
            return Err(Cause::Reference);
        }
        let uri = element.attribute("URI").ok_or(Cause::Reference)?;
        let mut parts = Children::with_any_attribute(element, "Reference")?;
        let prefixes = transforms(parts.required(ds("Transforms"))?)?;
        let method = parts.required(ds("DigestMethod"))?;
        let digest = DigestAlgorithm::read(algorithm_of(method)?, policy)?;
        refuse_children(method, "DigestMethod")?;
        let value = octets(parts.required(ds("DigestValue"))?, "DigestValue", SIGNATURE_LEN_MAX)?;
        parts.end()?;
        if value.len() != digest.implementation().output_len() {
            return Err(Cause::Value);
        }
        Ok(Self { uri, prefixes, digest, value })
    }
}

/// The enveloped-signature transform, then at most exclusive canonicalisation.
fn transforms(element: Element<'_>) -> Result<Vec<&str>, Cause> {
    let mut list = Children::of(element, "Transforms")?;
    let first = list.required(ds("Transform"))?;
    if algorithm_of(first)? != ENVELOPED {
        return Err(Cause::Transforms);
    }
    refuse_children(first, "Transform")?;
    let mut prefixes = Vec::new();
    if let Some(second) = list.optional(ds("Transform"))? {
        if algorithm_of(second)? != ns::EXC_C14N {
            return Err(Cause::Transforms);
        }
        prefixes = prefix_list(second, "Transform")?;
    }
    list.end().map_err(|_| Cause::Transforms)?;
    Ok(prefixes)
}

/// `InclusiveNamespaces` as the only child, or none.
fn prefix_list<'d>(method: Element<'d>, name: &'static str) -> Result<Vec<&'d str>, Cause> {
    let mut children = Children::with_any_attribute(method, name)?;
    let list = children.optional(Name::new(ns::EXC_C14N, "InclusiveNamespaces"))?;
    children.end()?;
    let Some(list) = list else { return Ok(Vec::new()) };
    refuse_children(list, "InclusiveNamespaces")?;
    let text = list.attribute("PrefixList").filter(|_| list.0.attributes().len() == 1);
    let text = text.ok_or(Cause::PrefixList)?;
    let mut prefixes: Vec<_> = text
        .split([' ', '\t', '\r', '\n'])
        .filter(|prefix| !prefix.is_empty())
        .map(|prefix| if prefix == "#default" { "" } else { prefix })
        .take(PREFIXES_MAX.saturating_add(1))
        .collect();
    if prefixes.len() > PREFIXES_MAX || prefixes.contains(&"xmlns") {
        return Err(Cause::PrefixList);
    }
    prefixes.retain(|prefix| *prefix != "xml");
    Ok(prefixes)
}

/// `Algorithm`, the only attribute of a method.
fn algorithm_of(method: Element<'_>) -> Result<&str, Cause> {
    let only = method.0.attributes().len() == 1;
    let uri = method.attribute("Algorithm").filter(|_| only);
    uri.ok_or(Cause::Shape(crate::delivery::soap::ParseError::Attribute { element: "Algorithm" }))
}

fn refuse_children(element: Element<'_>, name: &'static str) -> Result<(), Cause> {
    Ok(Children::with_any_attribute(element, name)?.end()?)
}

/// One `X509Data` of certificates; `X509SubjectName` may stand there and is never believed.
fn certificates(key_info: Element<'_>) -> Result<Vec<CertificateDer<'static>>, Cause> {
    let mut children = Children::of_signed(key_info, "KeyInfo")?;
    let data = children.required(ds("X509Data"))?;
    children.end()?;
    let mut children = Children::of(data, "X509Data")?;
    let mut certificates = Vec::new();
    loop {
        if let Some(certificate) = children.optional(ds("X509Certificate"))? {
            if certificates.len() >= CERTIFICATES_MAX {
                return Err(Cause::CertificateCount { max: CERTIFICATES_MAX });
            }
            let der = octets(certificate, "X509Certificate", CERTIFICATE_LEN_MAX);
            certificates.push(CertificateDer::from(der?));
        } else if let Some(subject) = children.optional(ds("X509SubjectName"))? {
            subject.text("X509SubjectName")?;
        } else {
            children.end()?;
            break;
        }
    }
    if certificates.is_empty() { Err(Cause::Certificate) } else { Ok(certificates) }
}

/// The octets of an element of base64, bounded before they are decoded.
fn octets(element: Element<'_>, name: &'static str, len_max: usize) -> Result<Vec<u8>, Cause> {
    let text = element.text(name)?;
    // Four characters for three octets, and as many again for folding and indentation.
    if text.len() > len_max.saturating_mul(3) {
        return Err(too_long(len_max));
    }
    let octets = decode_base64(text.as_bytes()).map_err(|_| Cause::Value)?;
    if octets.len() > len_max { Err(too_long(len_max)) } else { Ok(octets) }
}

const fn too_long(len_max: usize) -> Cause {
    if len_max == CERTIFICATE_LEN_MAX {
        Cause::CertificateLen { max: CERTIFICATE_LEN_MAX }
    } else {
        Cause::Value
    }
}

const fn ds(local: &'static str) -> Name {
    Name::new(ns::DSIG, local)
}

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Inclusive prefixes in one list: more than any envelope declares.
const PREFIXES_MAX: usize = 32;

/// Certificates in one signature: a chain of the infrastructure has three.
pub(super) const CERTIFICATES_MAX: usize = 6;

/// Length of one certificate in bytes, DER.
pub(super) const CERTIFICATE_LEN_MAX: usize = 24 * 1024;

/// Length of a signature value in bytes: RSA with 8,192 bits.
const SIGNATURE_LEN_MAX: usize = 1024;
